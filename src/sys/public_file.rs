//! Files that everybody may read: manual pages. Whole or not at all, and no wider open than the user's umask.
//! It leaves whatever holds a secret to `private_file`.
#![expect(clippy::disallowed_methods, reason = "this is the door to files without secrets")]

use std::fs;
use std::io;
use std::path::Path;

/// Writes a file, and its folder if there is none: into a new one beside it, then renamed over it.
///
/// # Errors
/// The operating system's, with the path in it.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let at = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(at)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path)).map_err(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_an_error_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/page.1");
        for text in ["one", "two"] {
            write(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        let error = write(&path.join("below"), b"x").unwrap_err().to_string();
        assert!(error.contains("page.1"), "{error}");
    }
}
