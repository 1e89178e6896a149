//! The clients, as data: one row each. A new one is a row here and a template. Not here: running the template (see
//! `template`); where files are (see `places`); the user's existing entries (see `merge`).

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::auth_mode::AuthMode::{self, Bridge, Env, Helper, Inline, Proxy};
use super::places::{self, FilePlace, Folders, Moved};

/// Every client that can be configured.
pub const TARGETS: &[ClientSpec] = &[
    ClientSpec {
        client: "vscode-legacy",
        template: "vscode-legacy.json",
        root: &["mcp", "servers"],
        local: Some("vscode_mcp.json"),
        place: FilePlace::home(".vscode/mcp.json"),
        ways: &[Inline, Bridge, Proxy],
        also: &[
            FilePlace::config("Code/User/settings.json"),
            FilePlace::config("Code - Insiders/User/settings.json"),
        ],
        in_folder: &[".vscode/settings.json"],
        ..JSON
    },
    ClientSpec {
        client: "roo",
        template: "roo.json",
        local: Some("mcp.json"),
        place: FilePlace::home(".roocode/mcp_servers.json"),
        kept: &["disabled", "alwaysAllow"],
        note: Some("Roo Code was discontinued on 15 May 2026; its makers recommend Cline: --client cline"),
        also: &[FilePlace::config(
            "Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json",
        )],
        in_folder: &[".roo/mcp.json"],
        ..JSON
    },
    ClientSpec {
        client: "vscode",
        template: "vscode.json",
        root: &["servers"],
        place: FilePlace::config("Code/User/mcp.json"),
        also: &[
            FilePlace::config("Code - Insiders/User/mcp.json"),
            FilePlace::home(".vscode-server/data/User/mcp.json"),
        ],
        in_folder: &[".vscode/mcp.json"],
        ..JSON
    },
    ClientSpec {
        client: "claude-code",
        template: "claude-code.json",
        place: FilePlace::home(".claude.json"),
        moved: Some(Moved::Folder("CLAUDE_CONFIG_DIR", ".claude.json")),
        ways: &[Helper, Bridge, Inline, Proxy],
        more_roots: &[&["projects", "*", "mcpServers"]],
        backups: &[".claude/backups", "backups"],
        in_folder: &[".mcp.json"],
        ..JSON
    },
    ClientSpec {
        client: "claude-desktop",
        template: "claude-desktop.json",
        place: FilePlace::config("Claude/claude_desktop_config.json"),
        ways: &[Bridge],
        ..JSON
    },
    ClientSpec {
        client: "cursor",
        template: "cursor.json",
        place: FilePlace::home(".cursor/mcp.json"),
        ways: &[Bridge, Inline, Proxy, Env],
        in_folder: &[".cursor/mcp.json"],
        ..JSON
    },
    ClientSpec {
        client: "cline",
        template: "cline.json",
        place: FilePlace::config(
            "Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
        ),
        moved: Some(Moved::File("CLINE_MCP_SETTINGS_PATH")),
        kept: &["disabled", "autoApprove"],
        also: &[FilePlace::home(".cline/data/settings/cline_mcp_settings.json")],
        ..JSON
    },
    ClientSpec {
        client: "windsurf",
        template: "windsurf.json",
        url: "serverUrl",
        place: FilePlace::home(".codeium/windsurf/mcp_config.json"),
        ways: &[Bridge, Inline, Proxy, Env],
        also: &[FilePlace::home(".codeium/mcp_config.json")],
        ..JSON
    },
    ClientSpec {
        client: "zed",
        template: "zed.json",
        root: &["context_servers"],
        place: FilePlace::xdg("zed/settings.json"),
        on_windows: Some(FilePlace::config("Zed/settings.json")),
        in_folder: &[".zed/settings.json"],
        ..JSON
    },
    ClientSpec {
        client: "gemini",
        template: "gemini.json",
        url: "httpUrl",
        place: FilePlace::home(".gemini/settings.json"),
        in_folder: &[".gemini/settings.json"],
        ..JSON
    },
    ClientSpec {
        client: "antigravity",
        template: "antigravity.json",
        url: "serverUrl",
        place: FilePlace::home(".gemini/antigravity/mcp_config.json"),
        ..JSON
    },
    ClientSpec {
        client: "codex",
        template: "codex.toml",
        format: Format::Toml,
        root: &["mcp_servers"],
        sse: false,
        place: FilePlace::home(".codex/config.toml"),
        moved: Some(Moved::Folder("CODEX_HOME", "config.toml")),
        // Only newer versions support the helper; an older one ignores the field and sends no headers.
        ways: &[Env, Helper, Bridge, Inline, Proxy],
        in_folder: &[".codex/config.toml"],
        ..JSON
    },
    ClientSpec {
        client: "continue",
        template: "continue.yaml",
        format: Format::Yaml,
        shape: Shape::List,
        place: FilePlace::home(".continue/config.yaml"),
        hides: Some("config.json"),
        in_folder: &[".continue/config.yaml", ".continue/mcpServers/*.yaml"],
        ..JSON
    },
    ClientSpec {
        client: "goose",
        template: "goose.yaml",
        format: Format::Yaml,
        root: &["extensions"],
        url: "uri",
        sse: false,
        place: FilePlace::xdg("goose/config.yaml"),
        on_windows: Some(FilePlace::config("Block/goose/config/config.yaml")),
        kept: &["enabled", "description", "timeout"],
        ..JSON
    },
    ClientSpec {
        client: "junie",
        template: "junie.json",
        place: FilePlace::home(".junie/mcp/mcp.json"),
        ways: &[Bridge],
        in_folder: &[".junie/mcp/mcp.json"],
        ..JSON
    },
    ClientSpec {
        client: "copilot",
        template: "copilot.json",
        place: FilePlace::home(".copilot/mcp-config.json"),
        kept: &["tools"],
        ..JSON
    },
    ClientSpec {
        client: "opencode",
        template: "opencode.json",
        root: &["mcp"],
        place: FilePlace::xdg("opencode/opencode.json"),
        preferred: Some("opencode.jsonc"),
        // It reads both, and of an entry that is in both, this file's.
        moved: Some(Moved::File("OPENCODE_CONFIG")),
        kept: &["enabled"],
        also: &[FilePlace::xdg("opencode/opencode.json"), FilePlace::xdg("opencode/config.json")],
        more_roots: &[&["mcp", "servers"]],
        in_folder: &["opencode.json", "opencode.jsonc"],
        ..JSON
    },
];

/// Common to most rows.
const JSON: ClientSpec = ClientSpec {
    client: "",
    template: "",
    format: Format::Json,
    shape: Shape::Map,
    root: &["mcpServers"],
    more_roots: &[],
    url: "url",
    sse: true,
    local: None,
    place: FilePlace::home(""),
    on_windows: None,
    also: &[],
    in_folder: &[],
    preferred: None,
    hides: None,
    backups: &[],
    moved: None,
    ways: &[Bridge, Inline, Proxy],
    kept: &[],
    note: None,
};

/// The format of a client's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON, with comments and trailing commas if a file has them.
    Json,
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
}

/// The layout of a client's entries in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// By name in a map.
    Map,
    /// In a list of maps, each with its `name`.
    List,
}

/// A client, as data.
#[derive(Clone, Debug)]
pub struct ClientSpec {
    /// The value of `--client`.
    pub client: &'static str,
    /// The template's name.
    pub template: &'static str,
    /// The file's format.
    pub format: Format,
    /// The entries' layout.
    pub shape: Shape,
    /// The keys that lead to the object or list with one entry per server.
    pub root: &'static [&'static str],
    /// Further keys that lead to entries, which only an import looks at; `*` stands for every key.
    pub more_roots: &'static [&'static [&'static str]],
    /// The field with an entry's URL.
    pub url: &'static str,
    /// Whether it still supports the SSE transport.
    pub sse: bool,
    /// The file's name among the tokens, for those that `generate` writes.
    pub local: Option<&'static str>,
    /// The client's own file.
    pub place: FilePlace,
    /// The same on Windows, if it differs.
    pub on_windows: Option<FilePlace>,
    /// Further files of the user's that it or another of its editions reads.
    pub also: &'static [FilePlace],
    /// Files that it reads in the folder it is started in; `*` stands for every name.
    pub in_folder: &'static [&'static str],
    /// A file in the same folder that takes precedence if it exists.
    pub preferred: Option<&'static str>,
    /// An older file next to it that the client reads only while there is none of the newer kind.
    pub hides: Option<&'static str>,
    /// The folders, from the file's own, in which the client keeps copies of the file, called after it with `.backup.` and a number.
    pub backups: &'static [&'static str],
    /// The variable that gives the client another location.
    pub moved: Option<Moved>,
    /// The supported auth modes, best first.
    pub ways: &'static [AuthMode],
    /// Fields that belong to the user once the entry exists.
    pub kept: &'static [&'static str],
    /// A note before installing.
    pub note: Option<&'static str>,
}

impl ClientSpec {
    /// The client with that name.
    pub fn find(client: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.client == client)
    }

    /// The best auth mode.
    pub fn best(&self) -> AuthMode {
        self.ways.first().copied().unwrap_or(Inline)
    }

    /// The entries in a whole configuration, if they are in a map.
    pub(super) fn servers<'a>(&self, whole: &'a Value) -> Option<&'a Map<String, Value>> {
        self.at_root(whole)?.as_object()
    }

    /// The entries in a whole configuration by name, in either layout; `None` if another value is there.
    pub fn entries<'a>(&self, whole: &'a Value) -> Option<Vec<(&'a str, &'a Map<String, Value>)>> {
        let at = self.at_root(whole)?;
        match self.shape {
            Shape::Map => at
                .as_object()?
                .iter()
                .map(|(name, entry)| Some((name.as_str(), entry.as_object()?)))
                .collect(),
            Shape::List => {
                let named = |entry: &'a Value| Some((entry.get("name")?.as_str()?, entry.as_object()?));
                at.as_array()?.iter().map(named).collect()
            }
        }
    }

    fn at_root<'a>(&self, whole: &'a Value) -> Option<&'a Value> {
        self.root.iter().try_fold(whole, |at, key| at.get(key))
    }

    /// The client's own file. `variable` reads the environment, which is the client's too.
    pub fn path(&self, folders: &Folders, variable: &dyn Fn(&str) -> Option<String>) -> PathBuf {
        let named = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let moved = self.moved.and_then(|moved| match moved {
            Moved::File(name) => named(name),
            Moved::Folder(name, file) => Some(named(name)?.join(file)),
        });
        let place = self.on_windows.filter(|_| folders.windows).unwrap_or(self.place);
        moved.unwrap_or_else(|| {
            let path = place.within(folders);
            let preferred =
                self.preferred.map(|name| path.with_file_name(name)).filter(|path| path.is_file());
            preferred.unwrap_or(path)
        })
    }

    /// Every file of the user's that the client may read, whether it is there or not.
    pub fn users_paths(&self, folders: &Folders, variable: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
        let mut paths = vec![self.path(folders, variable), self.place.within(folders)];
        paths.extend(self.also.iter().map(|place| place.within(folders)));
        paths
    }

    /// Every file of the user's and of `folder` that the client may read, whether it is there or not.
    pub fn every_path(
        &self,
        folders: &Folders,
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Vec<PathBuf> {
        let mut paths = self.users_paths(folders, variable);
        paths.extend(self.in_folder.iter().flat_map(|path| places::matching(folder, path)));
        paths
    }

    /// The copies that the client itself made of its file at `path`.
    pub fn copies_of(&self, path: &Path) -> Vec<PathBuf> {
        let name =
            path.file_name().map(|name| format!("{}.backup.", name.to_string_lossy())).unwrap_or_default();
        let folders = self.backups.iter().filter_map(|folder| Some(path.parent()?.join(folder)));
        let entries = folders.filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        let is_copy =
            |path: &PathBuf| path.file_name().is_some_and(|own| own.to_string_lossy().starts_with(&name));
        let mut copies: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_copy).collect();
        copies.sort();
        copies
    }

    /// Whether the client seems to be installed: its file exists, or the folder for it.
    pub fn is_found(&self, path: &Path, folders: &Folders) -> bool {
        // A file that the scripts wrote proves nothing, and neither does the home folder.
        let folder = path.parent().filter(|folder| self.local.is_none() && *folder != folders.home);
        path.is_file() || folder.is_some_and(Path::is_dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_are_sound() {
        for target in TARGETS {
            let client = target.client;
            assert_eq!(TARGETS.iter().filter(|other| other.client == client).count(), 1, "{client}");
            let ending = match target.format {
                Format::Json => "json",
                Format::Toml => "toml",
                Format::Yaml => "yaml",
            };
            assert_eq!(target.template, format!("{client}.{ending}"));
            let twice = |way| target.ways.iter().filter(|other| *other == way).count() > 1;
            assert!(!target.ways.is_empty() && !target.ways.iter().any(twice), "{client}");
            // A server whose transport a client does not support goes through the bridge.
            assert!(target.sse || target.ways.contains(&Bridge), "{client}");
        }
        let seeds: Vec<_> = TARGETS.iter().filter_map(|target| target.local).collect();
        assert_eq!(seeds, ["vscode_mcp.json", "mcp.json"]);
    }
}
