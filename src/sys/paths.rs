//! Every folder that is not named by a setting. It leaves creating them to whoever writes there.
#![expect(clippy::disallowed_methods, reason = "this is the one door to the working directory")]

use std::path::{Component, Path, PathBuf};

use directories::{BaseDirs, ProjectDirs};

/// The user's home.
pub fn home() -> Option<PathBuf> {
    BaseDirs::new().map(|dirs| dirs.home_dir().to_owned())
}

/// Where the user's own providers and templates are: `~/.config/mcpauth` on Linux.
pub fn config_dir() -> Option<PathBuf> {
    ProjectDirs::from("", "", "mcpauth").map(|dirs| dirs.config_dir().to_owned())
}

/// Where mcpauth remembers what it wrote into other programs' files: `~/.local/state/mcpauth` on Linux.
pub fn state_dir() -> Option<PathBuf> {
    ProjectDirs::from("", "", "mcpauth")
        .map(|dirs| dirs.state_dir().unwrap_or(dirs.data_local_dir()).to_owned())
}

/// The program that runs: what a service file or a client's configuration starts. `None` where the system does not say.
pub fn program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// `path` from the root, without `.` and `..`, so that what we print and store means the same from anywhere.
/// Symbolic links stay as they are: they are judged when a file is opened.
pub fn absolute(path: &Path) -> PathBuf {
    let joined = std::env::current_dir().map_or_else(|_| path.to_owned(), |cwd| cwd.join(path));
    let mut clean = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}
