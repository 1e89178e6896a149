//! Paths as people write them.

use std::path::Path;

use crate::sys::paths;

/// A path as people write it.
pub(super) fn from_home(path: &Path) -> String {
    let below = paths::home().and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned));
    below.map_or_else(|| path.display().to_string(), |below| format!("~/{}", below.display()))
}

/// The shortest form of a path from here.
pub(super) fn short(path: &Path) -> String {
    let here = paths::absolute(Path::new("."));
    path.strip_prefix(&here).map_or_else(|_| from_home(path), |below| below.display().to_string())
}
