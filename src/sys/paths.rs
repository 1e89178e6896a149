//! Every folder that is not named by a setting.
#![expect(clippy::disallowed_methods, reason = "this is the one door to the working directory")]

use std::fs;
use std::io;
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

/// Where the user's own credentials are: `~/.local/share/mcpauth` on Linux.
pub fn data_dir() -> Option<PathBuf> {
    ProjectDirs::from("", "", "mcpauth").map(|dirs| dirs.data_local_dir().to_owned())
}

/// Where mcpauth records what it wrote into other programs' files: `~/.local/state/mcpauth` on Linux.
pub fn state_dir() -> Option<PathBuf> {
    ProjectDirs::from("", "", "mcpauth")
        .map(|dirs| dirs.state_dir().unwrap_or(dirs.data_local_dir()).to_owned())
}

/// Where programs store a user's settings: `~/.config` on Linux, `~/Library/Application Support` on macOS,
/// `%APPDATA%` on Windows.
pub fn programs_config() -> Option<PathBuf> {
    BaseDirs::new().map(|dirs| dirs.config_dir().to_owned())
}

/// The same for programs that use the XDG folders on every system: `~/.config` unless `XDG_CONFIG_HOME` is set.
pub fn xdg_config() -> Option<PathBuf> {
    let named = super::env::get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| home().map(|home| home.join(".config")))
}

/// This program, for others to start: by its name on the `PATH`, if that leads here. A package manager replaces what
/// such a name leads to, and removes the file of the old version.
///
/// # Errors
/// An I/O error, if a program cannot find its own path.
pub fn program() -> io::Result<PathBuf> {
    let itself = std::env::current_exe()?;
    let path = super::env::get("PATH").unwrap_or_default();
    Ok(on_path(&itself, &path).unwrap_or(itself))
}

fn on_path(itself: &Path, path: &str) -> Option<PathBuf> {
    let (name, real) = (itself.file_name()?, fs::canonicalize(itself).ok()?);
    let mut places = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    places.find_map(|folder| {
        let candidate = folder.join(name);
        fs::canonicalize(&candidate).is_ok_and(|found| found == real).then_some(candidate)
    })
}

/// `path` made absolute, without `.` and `..`, so that what we print and store means the same from anywhere. Symbolic
/// links stay: they are checked when a file is opened.
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

/// Whether a path, made [`absolute`], is in `folder` after every link is resolved. For a missing file, the existing
/// part decides.
pub fn is_inside(path: &Path, folder: &Path) -> bool {
    let Ok(folder) = fs::canonicalize(folder) else { return false };
    let path = absolute(path);
    let mut parents = path.ancestors();
    // A dangling link exists, and may get a target later.
    let there = parents.find(|part| fs::symlink_metadata(part).is_ok());
    there.and_then(|part| fs::canonicalize(part).ok()).is_some_and(|real| real.starts_with(folder))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_inside_a_folder_by_where_it_leads() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("project");
        fs::create_dir_all(folder.join("sub")).unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("home"), folder.join("out")).unwrap();
        std::os::unix::fs::symlink(folder.join("sub"), folder.join("in")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("gone"), folder.join("nowhere")).unwrap();
        let cases = [
            ("", true),
            ("sub", true),
            ("new/tokens", true),
            ("in/tokens", true),
            ("sub/../new", true),
            ("..", false),
            ("../home", false),
            ("sub/../../home", false),
            ("out", false),
            ("out/tokens", false),
            ("nowhere", false),
            ("../project-two", false),
        ];
        for (path, expected) in cases {
            assert_eq!(is_inside(&folder.join(path), &folder), expected, "{path}");
        }
        assert!(!is_inside(Path::new("/"), &folder));
    }

    #[test]
    fn a_program_goes_by_its_name_on_the_path_if_that_name_leads_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("cellar/1.0/mcpauth");
        let [other, bin] = ["other", "bin"].map(|name| dir.path().join(name));
        for folder in [real.parent().unwrap(), &other, &bin] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(&real, "program").unwrap();
        fs::write(other.join("mcpauth"), "another program").unwrap();
        std::os::unix::fs::symlink(&real, bin.join("mcpauth")).unwrap();
        let path = format!("relative:{}:{}", other.display(), bin.display());
        assert_eq!(on_path(&real, &path), Some(bin.join("mcpauth")));
        assert_eq!(on_path(&real, &other.display().to_string()), None);
    }
}
