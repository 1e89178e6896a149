//! Where the clients keep their files, on every system. Not here: their content (see `targets`).

use std::path::{Path, PathBuf};

/// A base folder that differs between users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseFolder {
    /// The home folder.
    Home,
    /// Where programs store a user's settings on this system.
    Config,
    /// `~/.config`, also on macOS.
    Xdg,
}

/// A file below one of these folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilePlace {
    /// The base folder.
    pub base: BaseFolder,
    /// The path from there, with `/` on every system.
    pub path: &'static str,
}

/// A variable of the client's own with its file's location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It has the file's path.
    File(&'static str),
    /// It has the path of the folder that contains the file with this name.
    Folder(&'static str, &'static str),
}

/// This user's folders.
#[derive(Clone, Debug)]
pub struct Folders {
    /// [`BaseFolder::Home`].
    pub home: PathBuf,
    /// [`BaseFolder::Config`].
    pub config: PathBuf,
    /// [`BaseFolder::Xdg`].
    pub xdg: PathBuf,
    /// Whether this is Windows, where some clients use another place.
    pub windows: bool,
}

impl FilePlace {
    /// Below the home folder.
    pub const fn home(path: &'static str) -> Self {
        Self { base: BaseFolder::Home, path }
    }

    /// Among the settings of programs.
    pub const fn config(path: &'static str) -> Self {
        Self { base: BaseFolder::Config, path }
    }

    /// Below `~/.config`.
    pub const fn xdg(path: &'static str) -> Self {
        Self { base: BaseFolder::Xdg, path }
    }

    pub(super) fn within(self, folders: &Folders) -> PathBuf {
        let base = match self.base {
            BaseFolder::Home => &folders.home,
            BaseFolder::Config => &folders.config,
            BaseFolder::Xdg => &folders.xdg,
        };
        self.path.split('/').fold(base.clone(), |path, part| path.join(part))
    }
}

/// The files below `folder` at `path`, in whose last part one `*` stands for any name.
pub(super) fn matching(folder: &Path, path: &str) -> Vec<PathBuf> {
    let (parents, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder =
        parents.split('/').filter(|part| !part.is_empty()).fold(folder.to_owned(), |at, part| at.join(part));
    let Some((start, end)) = name.split_once('*') else { return vec![folder.join(name)] };
    let fits =
        |name: &str| name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end);
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(fits))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::render::targets::ClientSpec;

    fn folders(windows: bool) -> Folders {
        let [home, config, xdg] = ["/h", "/h/settings", "/h/.config"].map(PathBuf::from);
        Folders { home, config, xdg, windows }
    }

    #[test]
    fn a_file_is_below_the_folder_that_this_system_has_for_it() {
        for (client, windows, expected) in [
            ("cursor", false, "/h/.cursor/mcp.json"),
            ("vscode", false, "/h/settings/Code/User/mcp.json"),
            ("zed", false, "/h/.config/zed/settings.json"),
            ("zed", true, "/h/settings/Zed/settings.json"),
            ("goose", false, "/h/.config/goose/config.yaml"),
            ("goose", true, "/h/settings/Block/goose/config/config.yaml"),
        ] {
            let path = ClientSpec::find(client).unwrap().path(&folders(windows), &|_| None);
            assert_eq!(path, Path::new(expected), "{client} {windows}");
        }
    }

    #[test]
    fn a_clients_own_variable_moves_its_file() {
        let cases = [
            ("codex", "CODEX_HOME", "/c", "/c/config.toml"),
            ("codex", "CODEX_HOME", "relative", "/h/.codex/config.toml"),
            ("claude-code", "CLAUDE_CONFIG_DIR", "/c", "/c/.claude.json"),
            ("cline", "CLINE_MCP_SETTINGS_PATH", "/c/x.json", "/c/x.json"),
            ("opencode", "OPENCODE_CONFIG", "/c/x.jsonc", "/c/x.jsonc"),
        ];
        for (client, name, value, expected) in cases {
            let variable = |asked: &str| (asked == name).then(|| value.to_owned());
            let path = ClientSpec::find(client).unwrap().path(&folders(false), &variable);
            assert_eq!(path, Path::new(expected), "{client}");
        }
    }

    #[test]
    fn a_file_that_counts_for_more_is_taken_where_it_exists() {
        let dir = tempfile::tempdir().unwrap();
        let folders = Folders { xdg: dir.path().into(), ..folders(false) };
        let path = || ClientSpec::find("opencode").unwrap().path(&folders, &|_| None);
        let file = |name: &str| dir.path().join("opencode").join(name);
        std::fs::create_dir(dir.path().join("opencode")).unwrap();
        for (write, expected) in
            [("", "opencode.json"), ("opencode.json", "opencode.json"), ("opencode.jsonc", "opencode.jsonc")]
        {
            if !write.is_empty() {
                crate::sys::private_file::write(&file(write), "{}").unwrap();
            }
            assert_eq!(path(), file(expected));
        }
    }

    #[test]
    fn a_client_is_found_by_its_file_or_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let folders = Folders { home: dir.path().into(), ..folders(false) };
        let found = |client: &str| {
            let target = ClientSpec::find(client).unwrap();
            target.is_found(&target.path(&folders, &|_| None), &folders)
        };
        assert_eq!(["cursor", "claude-code", "vscode-legacy"].map(found), [false, false, false]);
        for folder in [".cursor", ".vscode"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        assert_eq!(["cursor", "claude-code", "vscode-legacy"].map(found), [true, false, false]);
        for file in [".claude.json", ".vscode/mcp.json"] {
            crate::sys::private_file::write(&dir.path().join(file), "{}").unwrap();
        }
        assert_eq!(["cursor", "claude-code", "vscode-legacy"].map(found), [true, true, true]);
    }
}
