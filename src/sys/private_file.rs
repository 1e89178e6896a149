//! Files that hold secrets: 0600 from the moment they exist, whole or not at all, never through somebody else's link.
//! It leaves what is in them to `store`, `render` and `config`.
#![cfg_attr(
    not(unix),
    expect(
        unused_variables,
        reason = "modes exist on Unix alone; elsewhere the folder's access list protects"
    )
)]

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::sys::regular_file::{self, NOT_REGULAR};

/// The largest file that is read, in bytes; a token file has a few thousand.
const LIMIT: u64 = 4 << 20;

/// Why a private file was not read or written.
#[derive(Debug, Error)]
pub enum FileError {
    /// The operating system's no.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A symbolic link where a file of ours belongs: someone could make us read or write theirs.
    #[error("{} is a symbolic link", .0.display())]
    Symlink(PathBuf),
    /// Others can read it, so its secrets are no longer secret.
    #[error("{path} can be read by others (mode {mode:o})", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a regular file, not text, or too large to be one of ours.
    #[error("{path}: {reason}", path = path.display())]
    Strange {
        /// The file.
        path: PathBuf,
        /// What is odd about it.
        reason: &'static str,
    },
}

impl FileError {
    /// The command that mends it.
    pub fn hint(&self) -> String {
        match self {
            Self::Io { path, .. } => format!("check that {} exists and is yours", path.display()),
            Self::Symlink(path) => {
                format!("remove the link, or name the real folder with --tokens-dir: rm {}", path.display())
            }
            Self::Exposed { path, .. } => format!("chmod 600 {}", path.display()),
            Self::Strange { path, .. } => format!("move {} away and run the command again", path.display()),
        }
    }
}

/// Reads a private file; `None` if there is none. Refuses links, and files that others can read.
///
/// # Errors
/// As [`FileError`] says.
pub fn read(path: &Path) -> Result<Option<String>, FileError> {
    let Some(mut file) = open(path)? else { return Ok(None) };
    let mut bytes = Vec::new();
    Read::by_ref(&mut file).take(LIMIT + 1).read_to_end(&mut bytes).map_err(io_at(path))?;
    let strange = |reason| FileError::Strange { path: path.into(), reason };
    if bytes.len() as u64 > LIMIT {
        return Err(strange("too large"));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| strange("not UTF-8 text"))
}

/// Writes a private file: into a new file beside it (0600 whatever the umask), synced, then renamed over it.
/// A kill at any point leaves the old file or the new one.
///
/// # Errors
/// As [`FileError`] says.
pub fn write(path: &Path, text: &str) -> Result<(), FileError> {
    if is_symlink(path) {
        return Err(FileError::Symlink(path.into()));
    }
    replace(path, text)
}

/// Writes a file of another program's, which the user may well keep behind a link: the link stays, its target is replaced.
///
/// # Errors
/// As [`FileError`] says.
pub fn write_through(path: &Path, text: &str) -> Result<(), FileError> {
    let target =
        if is_symlink(path) { fs::canonicalize(path).map_err(io_at(path))? } else { path.to_owned() };
    replace(&target, text)
}

/// Makes a folder for private files: 0700, its parents as the umask has them. A folder that is wider open is closed.
///
/// # Errors
/// As [`FileError`] says.
pub fn create_dir(path: &Path) -> Result<(), FileError> {
    if is_symlink(path) {
        return Err(FileError::Symlink(path.into()));
    }
    if !path.is_dir() {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(io_at(parent))?;
        }
        new_dir(path).or_else(|e| if path.is_dir() { Ok(()) } else { Err(e) }).map_err(io_at(path))?;
    }
    close_dir(path).map_err(io_at(path))
}

/// Opens (or makes) a lock file. It is never removed: a lock on a name that others may unlink protects nothing.
///
/// # Errors
/// As [`FileError`] says.
pub fn open_lock(path: &Path) -> Result<File, FileError> {
    open_to_write(path, File::options().read(true).write(true).create(true).truncate(false))
}

/// Opens (or makes) a file that grows at its end, such as a log.
///
/// # Errors
/// As [`FileError`] says.
pub fn open_append(path: &Path) -> Result<File, FileError> {
    open_to_write(path, File::options().append(true).create(true))
}

fn open_to_write(path: &Path, options: &mut fs::OpenOptions) -> Result<File, FileError> {
    if is_symlink(path) {
        return Err(FileError::Symlink(path.into()));
    }
    if is_pipe(path) {
        return Err(FileError::Strange { path: path.into(), reason: NOT_REGULAR });
    }
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path).map_err(io_at(path))
}

/// Removes a private file; that there is none is fine.
///
/// # Errors
/// As [`FileError`] says.
pub fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(io_at(path)(e)),
        _ => Ok(()),
    }
}

/// Whether others can read the file, or what a link of that name leads to.
pub fn is_exposed(path: &Path) -> bool {
    #[cfg(unix)]
    return fs::metadata(path)
        .is_ok_and(|about| std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 != 0);
    #[cfg(not(unix))]
    false
}

/// A file's or folder's own permission bits; of a link, and where there are no modes, none.
pub fn mode(path: &Path) -> Option<u32> {
    #[cfg(unix)]
    return fs::symlink_metadata(path)
        .ok()
        .filter(|about| !about.is_symlink())
        .map(|about| std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o7777);
    #[cfg(not(unix))]
    None
}

/// Takes from everybody else what they may do with a file or folder of ours. Never through a link.
///
/// # Errors
/// As [`FileError`] says.
pub fn close(path: &Path) -> Result<(), FileError> {
    let named = fs::symlink_metadata(path).map_err(io_at(path))?;
    if named.is_symlink() {
        return Err(FileError::Symlink(path.into()));
    }
    if !named.is_file() && !named.is_dir() {
        return Err(FileError::Strange { path: path.into(), reason: NOT_REGULAR });
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let opened = File::open(path).map_err(io_at(path))?;
        let about = opened.metadata().map_err(io_at(path))?;
        // The name may have become a link since it was looked at; what was opened is what must be ours.
        if (about.dev(), about.ino()) != (named.dev(), named.ino()) {
            return Err(FileError::Symlink(path.into()));
        }
        let closed = fs::Permissions::from_mode(about.permissions().mode() & 0o700);
        opened.set_permissions(closed).map_err(io_at(path))?;
    }
    Ok(())
}

/// How long ago a file was last written.
pub fn age(path: &Path) -> Option<Duration> {
    fs::symlink_metadata(path).ok()?.modified().ok()?.elapsed().ok()
}

fn open(path: &Path) -> Result<Option<File>, FileError> {
    if is_symlink(path) {
        return Err(FileError::Symlink(path.into()));
    }
    let file = match regular_file::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => {
            return Err(FileError::Strange { path: path.into(), reason: NOT_REGULAR });
        }
        other => other.map_err(io_at(path))?,
    };
    #[cfg(unix)]
    {
        // The opened file is judged, not the name: the name may point elsewhere by now.
        let about = file.metadata().map_err(io_at(path))?;
        let mode = std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o7777;
        if mode & 0o077 != 0 {
            return Err(FileError::Exposed { path: path.into(), mode });
        }
    }
    Ok(Some(file))
}

fn replace(path: &Path, text: &str) -> Result<(), FileError> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // tempfile opens with O_EXCL and mode 0600. The leading dot and the ending keep it out of every `*.json` scan.
    let mut file = tempfile::Builder::new()
        .prefix(".mcpauth-")
        .suffix(".tmp")
        .tempfile_in(folder)
        .map_err(io_at(folder))?;
    file.write_all(text.as_bytes()).map_err(io_at(path))?;
    file.as_file().sync_all().map_err(io_at(path))?;
    file.persist(path).map_err(|e| io_at(path)(e.error))?;
    // The rename itself lives in the folder; without this a power cut could undo it after we said "written".
    #[cfg(unix)]
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_at(folder))?;
    Ok(())
}

/// Whether opening the file would wait for somebody at the other end.
fn is_pipe(path: &Path) -> bool {
    #[cfg(unix)]
    return fs::metadata(path).is_ok_and(|about| std::os::unix::fs::FileTypeExt::is_fifo(&about.file_type()));
    #[cfg(not(unix))]
    false
}

/// Whether a name is a link, wherever it leads.
pub fn is_symlink(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink())
}

#[cfg(unix)]
fn new_dir(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn new_dir(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

#[cfg(unix)]
fn close_dir(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 == 0 { Ok(()) } else { fs::set_permissions(path, fs::Permissions::from_mode(0o700)) }
}

#[cfg(not(unix))]
fn close_dir(_: &Path) -> io::Result<()> {
    Ok(())
}

fn io_at(path: &Path) -> impl Fn(io::Error) -> FileError + '_ {
    move |source| FileError::Io { path: path.into(), source }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).map_or(0, |about| about.permissions().mode() & 0o777)
    }

    #[test]
    fn files_are_0600_and_folders_0700_and_a_wider_folder_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let tokens = dir.path().join("a/b/.oauth-tokens");
        create_dir(&tokens).unwrap();
        write(&tokens.join("t.json"), "{}").unwrap();
        assert_eq!((mode(&tokens), mode(&tokens.join("t.json"))), (0o700, 0o600));
        fs::set_permissions(&tokens, fs::Permissions::from_mode(0o755)).unwrap();
        create_dir(&tokens).unwrap();
        assert_eq!(mode(&tokens), 0o700);
        assert_eq!(fs::read_dir(&tokens).unwrap().count(), 1, "nothing is left beside the file");
    }

    #[test]
    fn what_others_can_read_or_redirect_is_refused_with_the_command_that_mends_it() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("t.json"), dir.path().join("l.json"));
        write(&file, "secret").unwrap();
        assert_eq!(read(&file).unwrap().as_deref(), Some("secret"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let exposed = read(&file).unwrap_err();
        assert_eq!(exposed.to_string(), format!("{} can be read by others (mode 640)", file.display()));
        assert_eq!(exposed.hint(), format!("chmod 600 {}", file.display()));
        symlink(&file, &link).unwrap();
        assert!(matches!(read(&link), Err(FileError::Symlink(_))));
        assert!(matches!(write(&link, "x"), Err(FileError::Symlink(_))));
        assert!(matches!(open_lock(&link), Err(FileError::Symlink(_))));
        assert!(matches!(create_dir(&link), Err(FileError::Symlink(_))));
        assert!(matches!(read(dir.path()), Err(FileError::Strange { .. })));
        assert!(read(&dir.path().join("none")).unwrap().is_none());
    }

    #[test]
    fn closing_takes_others_rights_and_follows_no_link() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, file, link) =
            (dir.path().join("d"), dir.path().join("t.json"), dir.path().join("l.json"));
        fs::create_dir(&folder).unwrap();
        write(&file, "x").unwrap();
        symlink(&file, &link).unwrap();
        for (path, open) in [(&folder, 0o755), (&file, 0o644)] {
            fs::set_permissions(path, fs::Permissions::from_mode(open)).unwrap();
        }
        assert!(matches!(close(&link), Err(FileError::Symlink(_))));
        assert_eq!((super::mode(&file), super::mode(&link)), (Some(0o644), None));
        close(&folder).unwrap();
        close(&file).unwrap();
        assert_eq!((super::mode(&folder), super::mode(&file)), (Some(0o700), Some(0o600)));
        assert!(age(&file).is_some() && age(&dir.path().join("none")).is_none());
    }

    #[test]
    fn another_programs_file_keeps_its_link() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("real.json"), dir.path().join("link.json"));
        write(&file, "old").unwrap();
        symlink(&file, &link).unwrap();
        write_through(&link, "new").unwrap();
        assert!(is_symlink(&link));
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    }
}
