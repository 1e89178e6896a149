//! Files that everybody may read: manual pages, and what the user names to be read. Whole or not at all, and no wider open
//! than the user's umask.
//! It leaves whatever holds a secret to `private_file`.
#![expect(clippy::disallowed_methods, reason = "this is the door to files without secrets")]

use std::fs;
use std::io::{self, Read};
use std::path::Path;

/// The text of a file that the user named, of `most` bytes at most. It may be a pipe: a shell's `<(command)` is one.
///
/// # Errors
/// The operating system's; [`io::ErrorKind::FileTooLarge`]; [`io::ErrorKind::InvalidData`] for what is not UTF-8.
pub fn read_named(path: &Path, most: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {most} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8 text"))
}

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
