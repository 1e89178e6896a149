//! How a private file that others can read is closed. Not here: finding that out (see the module above).

#[cfg(unix)]
use std::fs;
use std::path::Path;

use super::user;
use crate::text::path_word;

/// How to keep others from reading a file. The mode of a mounted file is decided where it is mounted, and only files that are
/// given to us are read through links.
pub(super) fn closing(path: &Path, is_closable: bool, is_link: bool) -> String {
    let chmod = format!("chmod 600 {}", path_word(path));
    let secret = "for a mounted Kubernetes Secret, set defaultMode: 0440 and the pod's fsGroup to a group of this user's";
    match (is_closable, is_link) {
        (true, false) => chmod,
        (true, true) => format!("{chmod}; {secret}"),
        (false, _) => format!(
            "let only this user read {}: for a Docker secret, set mode: 0400 and uid: \"{}\" where the service lists it; {secret}",
            path.display(),
            user()
        ),
    }
}

/// Whether this user can change a file's mode: it is theirs, or they are root, and it can be written where it lies.
pub(super) fn is_closable(path: &Path) -> bool {
    #[cfg(unix)]
    {
        let is_fixed = rustix::fs::statvfs(path)
            .is_ok_and(|about| about.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY));
        let owner = fs::metadata(path).map(|about| std::os::unix::fs::MetadataExt::uid(&about));
        !is_fixed && owner.is_ok_and(|owner| user() == 0 || user() == owner)
    }
    #[cfg(not(unix))]
    true
}
