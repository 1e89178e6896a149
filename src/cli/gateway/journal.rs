//! Where the gateway's audit and events go: a 0600 file or stdout for the one, stderr for the other.
//! It leaves what is in them to the gateway.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::cli::out::Out;
use crate::error::Error;
use crate::gateway::{Journal, Level};
use crate::sys::private_file;

/// The journal of a gateway that was started from the command line.
pub(in crate::cli) struct Log {
    out: Out,
    audit: Audit,
}

enum Audit {
    Stdout,
    File(PathBuf, Mutex<File>),
    Off,
}

impl Log {
    /// As the settings' `audit` says.
    ///
    /// # Errors
    /// If its file cannot be written.
    pub(in crate::cli) fn open(audit: &str, out: &Out) -> Result<Self, Error> {
        let audit = match audit {
            "-" => Audit::Stdout,
            "off" => Audit::Off,
            path => Audit::File(path.into(), Mutex::new(private_file::open_append(Path::new(path))?)),
        };
        Ok(Self { out: out.clone(), audit })
    }

    /// Begins the file anew under its name, after whoever rotates logs has moved it away.
    pub(super) fn reopen(&self, out: &Out) {
        let Audit::File(path, file) = &self.audit else { return };
        match private_file::open_append(path) {
            Ok(new) => *file.lock().unwrap_or_else(PoisonError::into_inner) = new,
            Err(error) => out.event(true, "audit", &format!("{error}; it goes on in the old file")),
        }
    }
}

impl Journal for Log {
    fn audit(&self, lines: &[u8]) {
        match &self.audit {
            Audit::Stdout => self.out.lines(lines),
            Audit::Off => {}
            Audit::File(path, file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                if let Err(error) = file.write_all(lines) {
                    self.out.event(true, "audit", &format!("{}: {error}", path.display()));
                }
            }
        }
    }

    fn event(&self, level: Level, what: &'static str, text: &str) {
        self.out.event(level == Level::Warn, what, text);
    }
}
