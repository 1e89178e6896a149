//! Why a private file was not read or written, and the command that fixes it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::remedy::{closing, is_closable};
use super::{folder_of, is_symlink};
use crate::text::path_word;

/// Why a private file was not read or written.
#[derive(Debug, Error)]
pub enum FileError {
    /// The operating system's error.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A symbolic link instead of a file of ours: it could redirect our reads or writes to another user's file.
    #[error("{} is a symbolic link", .0.display())]
    Symlink(PathBuf),
    /// Others can read or change it, so its secrets are exposed.
    #[error("{path} can be read by others (mode {mode:o})", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another user owns it: its content is theirs, no matter who may read it. Root may read everything, and gets the same
    /// error.
    #[error("{path} belongs to another user (uid {owner})", path = path.display())]
    Foreign {
        /// The file or folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
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
    /// The command that fixes it.
    pub fn hint(&self) -> String {
        match self {
            Self::Io { path, source } => match source.kind() {
                io::ErrorKind::NotFound if folder_of(path).is_dir() => {
                    format!("name another folder than {}", folder_of(path).display())
                }
                io::ErrorKind::NotFound => {
                    format!("make the folder first: mkdir -p {}", path_word(folder_of(path)))
                }
                io::ErrorKind::PermissionDenied => {
                    format!("let this user read and write {}, or name another folder", path.display())
                }
                io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
                    format!("use another folder than {}", path.display())
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    format!("make room on the disk of {}", path.display())
                }
                io::ErrorKind::ReadOnlyFilesystem => {
                    format!("name a folder that can be written instead of {}", path.display())
                }
                _ => format!("check the disk and the folder of {}", path.display()),
            },
            Self::Symlink(path) => {
                format!("remove the link, or name the real folder with --tokens-dir: rm {}", path_word(path))
            }
            Self::Exposed { path, .. } => closing(path, is_closable(path), is_symlink(path)),
            Self::Foreign { path, .. } => {
                format!(
                    "run this as that user; or, if you trust what is in it: sudo chown $(id -u) {}",
                    path_word(path)
                )
            }
            Self::Strange { path, .. } => format!("move {} away and run the command again", path.display()),
        }
    }
}
