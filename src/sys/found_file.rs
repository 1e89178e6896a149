//! Files that are read only because of their folder, which may be someone else's: they must be whole, limited in
//! size, owned by this user, and not writable by others. Not here: what such a file may decide (see `config`).

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::sys::regular_file::{self, NOT_REGULAR};

/// Why such a file is not read.
#[derive(Debug, Error)]
pub enum Unfit {
    /// The operating system's error.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A link, or in a linked folder.
    #[error("it points outside this folder, to {}", .0.display())]
    Outside(PathBuf),
    /// A named pipe: reading it may block until another process writes.
    #[error("it is a named pipe, {NOT_REGULAR}")]
    Pipe,
    /// A device or a socket.
    #[error("it is {NOT_REGULAR}")]
    Strange,
    /// Its owner decides its content.
    #[error("another user owns it")]
    NotOurs,
    /// Its permission bits.
    #[error("others can write to it (mode {0:o})")]
    Writable(u32),
    /// More bytes than this.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
}

impl Unfit {
    /// The remedy: a command that fixes it, or the flag that names the file on purpose.
    pub fn hint(&self, path: &Path, flag: &str) -> String {
        let path = path.display();
        match self {
            Self::Writable(_) => format!("chmod go-w {path}"),
            Self::NotOurs => {
                format!("if you trust it: cp {path} {path}.mine && mv {path}.mine {path}")
            }
            Self::Outside(real) => format!("if you trust it, name it: {flag} {}", real.display()),
            Self::Pipe => format!("if you trust it, name it: {flag} {path}"),
            Self::Io(_) | Self::Strange | Self::TooLarge(_) => {
                format!("replace it with a text file, or read none: --no-env-file (it is {path})")
            }
        }
    }
}

/// A file's bytes, at most `most`. With `within` it must be in that folder after links are resolved.
///
/// # Errors
/// As [`Unfit`] says; it never blocks.
pub fn read(path: &Path, within: Option<&Path>, most: u64) -> Result<Vec<u8>, Unfit> {
    let real = fs::canonicalize(path)?;
    if let Some(folder) = within
        && !real.starts_with(fs::canonicalize(folder)?)
    {
        return Err(Unfit::Outside(real));
    }
    let file = match regular_file::open(&real) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput && is_pipe(&real) => {
            return Err(Unfit::Pipe);
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Err(Unfit::Strange),
        other => other?,
    };
    // The opened file is checked, not the name: the name may lead elsewhere by now.
    is_ours(&file.metadata()?)?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(Unfit::TooLarge(most));
    }
    Ok(bytes)
}

fn is_pipe(path: &Path) -> bool {
    #[cfg(unix)]
    return fs::metadata(path).is_ok_and(|about| std::os::unix::fs::FileTypeExt::is_fifo(&about.file_type()));
    #[cfg(not(unix))]
    false
}

#[cfg(unix)]
fn is_ours(about: &fs::Metadata) -> Result<(), Unfit> {
    use std::os::unix::fs::MetadataExt;
    if about.uid() != rustix::process::geteuid().as_raw() {
        return Err(Unfit::NotOurs);
    }
    match about.mode() & 0o7777 {
        mode if mode & 0o022 != 0 => Err(Unfit::Writable(mode)),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn is_ours(_: &fs::Metadata) -> Result<(), Unfit> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn what_others_decide_or_what_never_ends_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, outside) = (dir.path().join("project"), dir.path().join("outside"));
        fs::create_dir(&folder).unwrap();
        let file = |name: &str, mode: u32| {
            let path = folder.join(name);
            crate::sys::private_file::write(&path, "A=1").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        crate::sys::private_file::write(&outside, "A=1").unwrap();
        symlink(&outside, folder.join("out")).unwrap();
        symlink("good", folder.join("in")).unwrap();
        symlink("/dev/zero", folder.join("zero")).unwrap();
        let pipe = folder.join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        file("good", 0o644);
        file("group", 0o664);
        file("all", 0o602);
        let said = |name: &str, most: u64| {
            read(&folder.join(name), Some(&folder), most)
                .map(|bytes| String::from_utf8(bytes).unwrap())
                .map_err(|unfit| unfit.to_string())
        };
        assert_eq!(said("good", 3).unwrap(), "A=1");
        assert_eq!(said("in", 3).unwrap(), "A=1");
        let cases = [
            ("good", 2, "it is larger than 2 bytes"),
            ("group", 9, "others can write to it (mode 664)"),
            ("all", 9, "others can write to it (mode 602)"),
            ("pipe", 9, "it is a named pipe, not a regular file"),
        ];
        for (name, most, expected) in cases {
            assert_eq!(said(name, most).unwrap_err(), expected, "{name}");
        }
        for name in ["out", "zero"] {
            assert!(said(name, 9).unwrap_err().starts_with("it points outside this folder"), "{name}");
        }
        assert_eq!(read(&folder.join("out"), None, 9).unwrap(), b"A=1", "the user's own file may be a link");
    }
}
