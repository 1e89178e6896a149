//! Who may read a private file, and taking that right from others. Not here: the mode of a new file (see `draft`).
#![cfg_attr(not(unix), expect(unused_variables, reason = "modes exist on Unix alone"))]

use std::fs;
#[cfg(unix)]
use std::fs::File;
use std::path::Path;

use super::{FileError, io_at};
use crate::sys::regular_file::NOT_REGULAR;

/// Whether others can read the file, or the target of a link with that name.
pub fn is_exposed(path: &Path) -> bool {
    #[cfg(unix)]
    return fs::metadata(path)
        .is_ok_and(|about| std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 != 0);
    #[cfg(not(unix))]
    false
}

/// A file's or folder's own permission bits; of a link, and on systems without modes, none.
pub fn mode(path: &Path) -> Option<u32> {
    #[cfg(unix)]
    return fs::symlink_metadata(path)
        .ok()
        .filter(|about| !about.is_symlink())
        .map(|about| std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o7777);
    #[cfg(not(unix))]
    None
}

/// Removes everybody else's permissions on a file or folder of ours. Never through a link.
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
        // The name may have become a link meanwhile; the opened file must be ours.
        if (about.dev(), about.ino()) != (named.dev(), named.ino()) {
            return Err(FileError::Symlink(path.into()));
        }
        let closed = fs::Permissions::from_mode(about.permissions().mode() & 0o700);
        opened.set_permissions(closed).map_err(io_at(path))?;
    }
    Ok(())
}
