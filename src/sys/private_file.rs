//! Files with secrets: 0600 from their creation, complete or not there at all, never through another user's link. Not
//! here: their content (see `store`, `render` and `config`).
#![cfg_attr(
    not(unix),
    expect(
        unused_variables,
        reason = "modes exist on Unix alone; elsewhere the folder's access list protects"
    )
)]

mod draft;
mod error;
mod modes;
mod remedy;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use crate::sys::regular_file::{self, NOT_REGULAR, NOT_TEXT};
pub use draft::{Draft, left, read_left, take_up, target};
pub use error::FileError;
pub use modes::{close, is_exposed, mode};

/// The largest file that is read, in bytes; a token file has a few thousand.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Reads a private file without a byte order mark; `None` if there is none. Rejects links, and files that others can
/// read.
pub fn read(path: &Path) -> Result<Option<String>, FileError> {
    read_bytes(path)?.map(|bytes| text(path, bytes)).transpose()
}

/// The same for a file that may be as long as `most` bytes.
pub fn read_long(path: &Path, most: u64) -> Result<Option<String>, FileError> {
    open(path)?.map(|file| text(path, bytes_up_to(path, file, most)?)).transpose()
}

/// The same for any bytes.
pub fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    open(path)?.map(|file| bytes(path, file)).transpose()
}

#[cfg(unix)]
fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn user() -> u32 {
    0
}

fn bytes(path: &Path, file: File) -> Result<Vec<u8>, FileError> {
    bytes_up_to(path, file, MAX_FILE_BYTES)
}

fn bytes_up_to(path: &Path, file: File, most: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(io_at(path))?;
    if bytes.len() as u64 > most {
        return Err(FileError::Strange { path: path.into(), reason: "too large" });
    }
    Ok(bytes)
}

fn text(path: &Path, bytes: Vec<u8>) -> Result<String, FileError> {
    regular_file::text(bytes).map_err(|_| FileError::Strange { path: path.into(), reason: NOT_TEXT })
}

/// Reads a file of secrets that an administrator or an orchestrator provides, such as a mounted Secret of Kubernetes
/// or a certificate's key under `live/`. Links are followed: what counts is who may change their target. So the owner
/// must be root or us, nobody else may write, and nobody else may read but one group that we are in, or root's.
pub fn read_given(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let opened = opened(path, regular_file::open(path))?;
    let Some((file, about)) = opened else { return Ok(None) };
    check_given(path, &about)?;
    bytes(path, file).map(Some)
}

/// The same as text.
pub fn read_given_text(path: &Path) -> Result<Option<String>, FileError> {
    read_given(path)?.map(|bytes| text(path, bytes)).transpose()
}

/// Writes a private file: into a new file next to it (0600 whatever the umask), synced, then renamed over it. After a
/// kill at any point, either the old file or the new one is there.
pub fn write(path: &Path, text: &str) -> Result<(), FileError> {
    Draft::begin(path, 0)?.finish(text)
}

/// Writes a private file that must not be there yet; of several processes that try, one succeeds.
///
/// # Errors
/// As [`FileError`] says; [`io::ErrorKind::AlreadyExists`].
pub fn write_new(path: &Path, text: &str) -> Result<(), FileError> {
    Draft::begin(path, 0)?.finish_new(text)
}

/// Writes a file with these permission bits, which others may have on it where its owner gave it away before.
pub fn write_as(path: &Path, text: &str, mode: Option<u32>) -> Result<(), FileError> {
    let draft = Draft::begin(path, 0)?;
    #[cfg(unix)]
    if let Some(mode) = mode {
        draft.set_mode(mode)?;
    }
    draft.finish(text)
}

/// Which permissions of a replaced file are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// All of them: it contains no secret of ours.
    Mode,
    /// Only its owner's.
    Closed,
}

/// Writes a file that another program also uses, and which the user may keep behind a link: the link stays, and its
/// target is replaced by a file with the same owner and group. A new one is 0600.
///
/// # Errors
/// As [`FileError`] says, for example if the file has another owner that cannot be kept.
pub fn write_through(path: &Path, text: &str, keep: Keep) -> Result<(), FileError> {
    let target =
        if is_symlink(path) { fs::canonicalize(path).map_err(io_at(path))? } else { path.to_owned() };
    let draft = Draft::at(&target, 0)?;
    if let Ok(there) = fs::metadata(&target) {
        draft.like(&there, keep)?;
    }
    draft.finish(text)
}

/// Creates a folder for private files: 0700, its parents by the umask. An existing folder with wider permissions is
/// restricted.
pub fn create_dir(path: &Path) -> Result<(), FileError> {
    check_dir(path)?;
    if !path.is_dir() {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(io_at(parent))?;
        }
        new_dir(path).or_else(|e| if path.is_dir() { Ok(()) } else { Err(e) }).map_err(io_at(path))?;
    }
    check_dir(path)?;
    close_dir(path).map_err(io_at(path))
}

/// The same for a folder in a project: a new one gets a `.gitignore`, so that nothing in it is ever committed. An
/// existing folder stays as its owner wants it.
pub fn create_dir_ignored(path: &Path) -> Result<(), FileError> {
    if fs::symlink_metadata(path).is_err() {
        new_ignored(path)?;
    }
    create_dir(path)
}

/// Creates it under another name and renames it, so that an interrupted run leaves none without.
#[expect(clippy::disallowed_methods, reason = "a folder is moved, which is whole or not at all")]
fn new_ignored(path: &Path) -> Result<(), FileError> {
    let parent = folder_of(path);
    fs::create_dir_all(parent).map_err(io_at(parent))?;
    let draft = tempfile::Builder::new().prefix(".mcpauth-").suffix(".tmp").tempdir_in(parent);
    let draft = draft.map_err(io_at(parent))?;
    write(&draft.path().join(".gitignore"), "*\n")?;
    match fs::rename(draft.path(), path) {
        Ok(()) => drop(draft.keep()),
        // Another process was first.
        Err(_) if path.is_dir() => {}
        Err(error) => return Err(io_at(path)(error)),
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether a folder's files can be ours; a missing folder is fine. A link may lead to another user's folder, no matter who
/// made it.
///
/// # Errors
/// [`FileError::Symlink`], [`FileError::Foreign`].
pub fn check_dir(path: &Path) -> Result<(), FileError> {
    if is_symlink(path) {
        return Err(FileError::Symlink(path.into()));
    }
    fs::metadata(path).map_or(Ok(()), |about| check_owner(path, &about))
}

/// Opens (or creates) a lock file. It is never removed: a lock on a name that others may unlink protects nothing.
pub fn open_lock(path: &Path) -> Result<File, FileError> {
    let options = &mut File::options();
    without_links(options);
    let file = open_to_write(path, options.read(true).write(true).create(true).truncate(false))?;
    check_owner(path, &file.metadata().map_err(io_at(path))?)?;
    Ok(file)
}

/// Opens (or creates) a file for appending, such as a log.
pub fn open_append(path: &Path) -> Result<File, FileError> {
    open_to_write(path, File::options().append(true).create(true))
}

/// Writes at the end of such a file, all or nothing, and waits until it is on the disk. Any other writer waits for a
/// lock of the caller's.
///
/// # Errors
/// As [`FileError`] says; the file is then as it was.
pub fn append(path: &Path, text: &str) -> Result<(), FileError> {
    let mut file = open_append(path)?;
    let before = file.metadata().map_err(io_at(path))?.len();
    file.write_all(text.as_bytes()).and_then(|()| file.sync_data()).map_err(|error| {
        // A disk that fills takes a part of the text.
        let _ = file.set_len(before);
        io_at(path)(error)
    })
}

/// Whether [`open_append`] would succeed. Creates and writes nothing.
pub fn check_append(path: &Path) -> Result<(), FileError> {
    if fs::symlink_metadata(path).is_ok() {
        return open_append(path).map(|_| ());
    }
    let folder = folder_of(path);
    if !fs::metadata(folder).map_err(io_at(path))?.is_dir() {
        return Err(io_at(folder)(io::ErrorKind::NotADirectory.into()));
    }
    #[cfg(unix)]
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
        .map_err(|error| io_at(folder)(error.into()))?;
    Ok(())
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

/// The name may have become a link meanwhile. And never block: a pipe is not a file of ours.
fn without_links(options: &mut fs::OpenOptions) {
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits().cast_signed());
    }
}

/// Whether it is ours. Root's is accepted by all: root can do anything with it anyway.
#[cfg(unix)]
fn check_owner(path: &Path, about: &fs::Metadata) -> Result<(), FileError> {
    let owner = std::os::unix::fs::MetadataExt::uid(about);
    if owner == 0 || owner == user() {
        return Ok(());
    }
    Err(FileError::Foreign { path: path.into(), owner })
}

#[cfg(not(unix))]
fn check_owner(path: &Path, about: &fs::Metadata) -> Result<(), FileError> {
    Ok(())
}

/// Removes a private file; a missing one is fine.
pub fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(io_at(path)(e)),
        _ => Ok(()),
    }
}

/// How long ago a file was last written.
pub fn age(path: &Path) -> Option<Duration> {
    fs::symlink_metadata(path).ok()?.modified().ok()?.elapsed().ok()
}

fn open(path: &Path) -> Result<Option<File>, FileError> {
    if is_symlink(path) {
        return Err(FileError::Symlink(path.into()));
    }
    let Some((file, about)) = opened(path, regular_file::open_itself(path))? else { return Ok(None) };
    check_owner(path, &about)?;
    check_mode(path, &about, 0)?;
    Ok(Some(file))
}

/// The opened file, if it exists. It is checked, not the name: the name may lead elsewhere by now.
fn opened(path: &Path, opened: io::Result<File>) -> Result<Option<(File, fs::Metadata)>, FileError> {
    let file = match opened {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => {
            return Err(FileError::Strange { path: path.into(), reason: NOT_REGULAR });
        }
        other => other.map_err(io_at(path))?,
    };
    let about = file.metadata().map_err(io_at(path))?;
    Ok(Some((file, about)))
}

fn check_given(path: &Path, about: &fs::Metadata) -> Result<(), FileError> {
    const GROUP_MAY_READ: u32 = 0o040;
    check_owner(path, about)?;
    check_mode(path, about, if is_of_our_group(about) { GROUP_MAY_READ } else { 0 })
}

#[cfg(unix)]
fn is_of_our_group(about: &fs::Metadata) -> bool {
    let group = std::os::unix::fs::MetadataExt::gid(about);
    let further = || rustix::process::getgroups().unwrap_or_default();
    is_trusted(group, std::iter::once(rustix::process::getegid()).chain(further()))
}

/// Whether a group may read what is given to us: one of ours, or root's. Files that systemd makes for credentials
/// belong to root and its group, and are readable through an access list, which shows as group permissions.
#[cfg(unix)]
fn is_trusted(group: u32, mut ours: impl Iterator<Item = rustix::process::Gid>) -> bool {
    group == 0 || ours.any(|one| one.as_raw() == group)
}

#[cfg(not(unix))]
fn is_of_our_group(about: &fs::Metadata) -> bool {
    false
}

/// Whether group and others have at most the permissions in `may`.
fn check_mode(path: &Path, about: &fs::Metadata, may: u32) -> Result<(), FileError> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o7777;
        if mode & 0o077 & !may != 0 {
            return Err(FileError::Exposed { path: path.into(), mode });
        }
    }
    Ok(())
}

/// Whether opening the file would block until another process opens it.
pub fn is_pipe(path: &Path) -> bool {
    #[cfg(unix)]
    return fs::metadata(path).is_ok_and(|about| std::os::unix::fs::FileTypeExt::is_fifo(&about.file_type()));
    #[cfg(not(unix))]
    false
}

/// Whether a name is a link, whatever its target.
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
mod tests;
