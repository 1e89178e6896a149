//! Where a setting, a file or a token came from, and whether it may be someone else's.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where a value came from. All but the last are the user's own choice; a file found in the working directory may be
/// someone else's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    #[default]
    Flag,
    /// The process environment.
    Environment,
    /// A line of a named file.
    Named(PathBuf, usize),
    /// A line of the user's own file of settings.
    Own(PathBuf, usize),
    /// A file with a secret that the user stores: a token, a private key, an agent's account.
    Kept(PathBuf),
    /// A line of a file that was found in this folder.
    Found(PathBuf, usize),
}

impl Origin {
    /// Whether it may not be the user's choice.
    pub fn is_found(&self) -> bool {
        matches!(self, Self::Found(..))
    }

    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Flag | Self::Environment => None,
            Self::Named(path, _) | Self::Own(path, _) | Self::Found(path, _) | Self::Kept(path) => Some(path),
        }
    }

    /// As a token file records it: a file without its line.
    pub fn word(&self) -> String {
        match self.file() {
            Some(path) => path.to_string_lossy().into_owned(),
            None => self.to_string(),
        }
    }

    /// Its name in one word.
    pub fn trust(&self) -> &'static str {
        if self.is_found() { "found" } else { "yours" }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment => f.write_str("environment"),
            Self::Named(path, line) | Self::Own(path, line) | Self::Found(path, line) if *line > 0 => {
                write!(f, "{}:{line}", path.display())
            }
            Self::Named(path, _) | Self::Own(path, _) | Self::Found(path, _) | Self::Kept(path) => {
                write!(f, "{}", path.display())
            }
        }
    }
}

/// The name and origin of a setting, a file or a token. Never its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedValue {
    /// Its name in messages: a variable or a file.
    pub name: String,
    /// Where it came from.
    pub origin: Origin,
}

impl NamedValue {
    /// Something with this name and origin.
    pub fn new(name: impl Into<String>, origin: Origin) -> Self {
        Self { name: name.into(), origin }
    }
}
