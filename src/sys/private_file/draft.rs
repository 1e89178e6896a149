//! A private file in the making, next to the one it will replace: its space can be reserved before there is anything
//! to write. Not here: which drafts of an interrupted run are worth keeping (see `store`).
#![expect(clippy::disallowed_methods, reason = "this is the door that renames files into their place")]

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{FileError, Keep, check_owner, folder_of, io_at, read};

const PREFIX: &str = ".mcpauth-";
const SUFFIX: &str = ".tmp";
/// The block size for reserving space.
const BLOCK: [u8; 4096] = [0; 4096];

/// The new file, which disappears unless it is finished. A killed process leaves it behind: see [`left`].
#[derive(Debug)]
pub struct Draft {
    file: NamedTempFile,
    path: PathBuf,
}

impl Draft {
    /// Creates the new file, 0600 whatever the umask, and reserves `room` bytes of the disk for it.
    ///
    /// # Errors
    /// As [`FileError`] says, for example a full disk.
    pub fn begin(path: &Path, room: u64) -> Result<Self, FileError> {
        replaceable(path)?;
        Self::at(path, room)
    }

    /// The same for a file that may have another owner.
    pub(super) fn at(path: &Path, room: u64) -> Result<Self, FileError> {
        let mut prefix = OsString::from(PREFIX);
        prefix.push(path.file_name().unwrap_or_default());
        prefix.push(".");
        // tempfile opens with O_EXCL and mode 0600. The leading dot and the suffix keep it out of every `*.json`
        // scan.
        let file = tempfile::Builder::new().prefix(&prefix).suffix(SUFFIX).tempfile_in(folder_of(path));
        let mut draft = Self { file: file.map_err(io_at(folder_of(path)))?, path: path.into() };
        if room > 0 {
            draft.take_room(room).map_err(io_at(path))?;
        }
        Ok(draft)
    }

    /// Gives the new file the owner, the group and the kept part of the mode of the existing one.
    #[cfg(unix)]
    pub(super) fn like(&self, there: &fs::Metadata, keep: Keep) -> Result<(), FileError> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
        let file = self.file.as_file();
        let ours = file.metadata().map_err(io_at(&self.path))?;
        let mut mode = there.mode() & if keep == Keep::Closed { 0o700 } else { 0o777 };
        if (ours.uid(), ours.gid()) != (there.uid(), there.gid())
            && let Err(error) = fchown(file, Some(there.uid()), Some(there.gid()))
        {
            if ours.uid() != there.uid() {
                return Err(io_at(&self.path)(error));
            }
            // Only the group is lost, and its permissions do not go to another group.
            mode &= 0o707;
        }
        file.set_permissions(fs::Permissions::from_mode(mode)).map_err(io_at(&self.path))
    }

    #[cfg(unix)]
    pub(super) fn set_mode(&self, mode: u32) -> Result<(), FileError> {
        use std::os::unix::fs::PermissionsExt;
        let permissions = fs::Permissions::from_mode(mode & 0o777);
        self.file.as_file().set_permissions(permissions).map_err(io_at(&self.path))
    }

    #[cfg(not(unix))]
    pub(super) fn like(&self, _: &fs::Metadata, _: Keep) -> Result<(), FileError> {
        Ok(())
    }

    /// Zeros, because no JSON text has one: an unfinished file cannot be taken for a complete one, even if the system
    /// wrote its end before its middle.
    fn take_room(&mut self, room: u64) -> std::io::Result<()> {
        for _ in 0..room.div_ceil(BLOCK.len() as u64) {
            self.file.write_all(&BLOCK)?;
        }
        // Some systems only notice here that the disk is full.
        self.file.as_file().sync_all()?;
        self.file.rewind()
    }

    /// Writes the text, and puts the file in place: after a kill at any point, either the old file or the new one is
    /// there.
    pub fn finish(mut self, text: &str) -> Result<(), FileError> {
        self.fill(text)?;
        self.file.persist(&self.path).map_err(|e| io_at(&self.path)(e.error))?;
        sync(&self.path)
    }

    /// The same, unless there is a file by now.
    ///
    /// # Errors
    /// As [`FileError`] says; [`std::io::ErrorKind::AlreadyExists`].
    pub(super) fn finish_new(mut self, text: &str) -> Result<(), FileError> {
        self.fill(text)?;
        self.file.persist_noclobber(&self.path).map_err(|e| io_at(&self.path)(e.error))?;
        sync(&self.path)
    }

    fn fill(&mut self, text: &str) -> Result<(), FileError> {
        let path = &self.path;
        self.file.write_all(text.as_bytes()).map_err(io_at(path))?;
        self.file.as_file().set_len(text.len() as u64).map_err(io_at(path))?;
        self.file.as_file().sync_all().map_err(io_at(path))
    }
}

/// The drafts that interrupted runs left. Only the holder of the lock for the file's content may touch them.
pub fn left(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder_of(path)) else { return Vec::new() };
    let is_its = |left: &PathBuf| target(left).is_some_and(|target| target.file_name() == path.file_name());
    entries.flatten().map(|entry| entry.path()).filter(is_its).collect()
}

/// The file that a draft was to become; `None` if it is not a draft.
pub fn target(draft: &Path) -> Option<PathBuf> {
    let name = draft.file_name()?.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let (name, _) = name.rsplit_once('.')?;
    Some(draft.with_file_name(name))
}

/// A draft's content, as far as it was written; as strict as [`read`].
pub fn read_left(draft: &Path) -> Result<Option<String>, FileError> {
    let whole = |mut text: String| {
        text.truncate(text.trim_end_matches('\0').len());
        text
    };
    Ok(read(draft)?.map(whole))
}

/// Puts a complete draft in its place.
pub fn take_up(draft: &Path, path: &Path) -> Result<(), FileError> {
    replaceable(path)?;
    let text = read_left(draft)?.unwrap_or_default();
    let file = File::options().write(true).open(draft).map_err(io_at(draft))?;
    file.set_len(text.len() as u64).and_then(|()| file.sync_all()).map_err(io_at(draft))?;
    fs::rename(draft, path).map_err(io_at(path))?;
    sync(path)
}

/// Whether the file at a path is ours to replace.
fn replaceable(path: &Path) -> Result<(), FileError> {
    match fs::symlink_metadata(path) {
        Ok(about) if about.is_symlink() => Err(FileError::Symlink(path.into())),
        Ok(about) => check_owner(path, &about),
        Err(_) => Ok(()),
    }
}

/// A rename is stored in the folder; without this a power failure could undo it after we reported success.
fn sync(path: &Path) -> Result<(), FileError> {
    #[cfg(unix)]
    File::open(folder_of(path)).and_then(|folder| folder.sync_all()).map_err(io_at(folder_of(path)))?;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_at_once_and_given_back_with_the_text() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.json");
        let draft = Draft::begin(&path, 10_000).unwrap();
        let found = left(&path);
        assert_eq!(found.len(), 1);
        assert!(fs::metadata(&found[0]).unwrap().len() >= 10_000);
        assert_eq!(read_left(&found[0]).unwrap().as_deref(), Some(""));
        assert!(left(&dir.path().join("json")).is_empty() && left(&dir.path().join("t.json.x")).is_empty());
        draft.finish("{}").unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), left(&path).len()), ("{}", 0));
        drop(Draft::begin(&path, 10_000).unwrap());
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), left(&path).len()), ("{}", 0));
    }

    #[test]
    fn a_draft_with_all_its_text_is_taken_up_without_its_room() {
        let dir = tempfile::tempdir().unwrap();
        let (path, draft) = (dir.path().join("t.json"), dir.path().join(".mcpauth-t.json.Ab12cd.tmp"));
        super::super::write(&draft, "{\"a\":1}\0\0\0").unwrap();
        assert_eq!(target(&draft), Some(path.clone()));
        assert_eq!(read_left(&draft).unwrap().as_deref(), Some("{\"a\":1}"));
        take_up(&draft, &path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"a\":1}");
        assert!(!draft.exists());
    }

    #[test]
    fn what_is_no_draft_has_no_target() {
        for name in ["t.json", ".mcpauth-.tmp", ".mcpauth-a1.tmp", "mcpauth-t.json.Ab12cd.tmp"] {
            assert_eq!(target(Path::new(name)), None, "{name}");
        }
    }
}
