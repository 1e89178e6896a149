//! Secrets that the user gives a run: from a file or stdin, never as an argument.

use std::io::ErrorKind;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::secret::Secret;
use crate::sys::private_file::{self, FileError};
use crate::sys::terminal;

/// A secret from a file, or from stdin for `-`: never from an argument, which every process can read.
pub(crate) fn secret_from(path: &Path) -> Result<Secret, Error> {
    let mut text = Zeroizing::new(String::new());
    let no_secret = |what: &str| Error::Usage {
        message: match path.as_os_str() == "-" {
            true => format!("stdin {what}"),
            false => format!("{} {what}", path.display()),
        },
        hint: match path.as_os_str() == "-" {
            true => "pipe the secret to stdin".into(),
            false => "name a file with the secret in it, or give - and pipe it to stdin".into(),
        },
    };
    if path.as_os_str() == "-" {
        *text = terminal::piped().map_err(|error| match error.kind() {
            ErrorKind::InvalidData => no_secret("is not UTF-8 text"),
            _ => error.into(),
        })?;
    } else if private_file::is_pipe(path) {
        // A shell's <(...) is a pipe that exists only for this run.
        return Err(Error::Usage {
            message: format!("{} is a pipe, not a file", path.display()),
            hint: "pipe the secret to stdin, and give - in place of the file".into(),
        });
    } else {
        let found = private_file::read(path).map_err(|error| match error {
            FileError::Symlink(_) => no_secret("is a symbolic link, which another user could redirect"),
            other => other.into(),
        })?;
        *text = found.ok_or_else(|| no_secret("does not exist"))?;
    }
    if text.trim().is_empty() {
        return Err(no_secret("is empty"));
    }
    Ok(Secret::new(text.trim()))
}
