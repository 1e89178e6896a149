//! Files that everybody may read: manual pages, and files that the user names. Complete or not there at all,
//! permissions by the user's umask, or as they were, and never through another user's link. Not here: anything with a secret (see
//! `private_file`).

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::sys::regular_file;

/// The bytes of a file that the user named, at most `most`. It may be a pipe: a shell's `<(command)` is one.
///
/// # Errors
/// The operating system's error; [`io::ErrorKind::FileTooLarge`].
pub fn read_named(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    regular_file::within(fs::File::open(path)?, most)
}

/// The same as text.
///
/// # Errors
/// As [`read_named`]; [`io::ErrorKind::InvalidData`] if it is not text.
pub fn read_named_text(path: &Path, most: u64) -> io::Result<String> {
    regular_file::needed_text(read_named(path, most)?)
}

/// Writes a file, and its folder if there is none: into a new one next to it with an unpredictable name, then renamed
/// over it. Only a regular file is replaced.
///
/// # Errors
/// The operating system's error, with the path in it.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let at = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(at)?;
    if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(at(io::Error::other("it is not a regular file; move it away")));
    }
    let mut draft = builder().tempfile_in(folder).map_err(at)?;
    draft.write_all(bytes).map_err(at)?;
    if let Ok(there) = fs::metadata(path) {
        draft.as_file().set_permissions(there.permissions()).map_err(at)?;
    }
    draft.persist(path).map_err(|error| at(error.error))?;
    Ok(())
}

fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".mcpauth-").suffix(".tmp");
    // Like any program's file: the umask applies.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
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

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link_or_over_what_is_no_file() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        fs::File::options().create(true).append(true).open(&victim).unwrap();
        let page = dir.path().join("page.1");
        // A former name of the temporary file.
        symlink(&victim, dir.path().join("page.1.new")).unwrap();
        write(&page, b"text").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&page), mode(&victim), "as the umask has it");
        for (name, to) in [("link.1", &victim), ("dangling.1", &dir.path().join("none"))] {
            let link = dir.path().join(name);
            symlink(to, &link).unwrap();
            assert!(write(&link, b"evil").unwrap_err().to_string().contains(name));
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        }
        let folder = dir.path().join("folder.1");
        fs::create_dir(&folder).unwrap();
        assert!(write(&folder, b"evil").is_err());
        #[cfg(target_os = "linux")]
        {
            let pipe = dir.path().join("pipe.1");
            rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
            assert!(write(&pipe, b"evil").is_err());
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), "");
        assert!(!dir.path().join("none").exists());
    }
}
