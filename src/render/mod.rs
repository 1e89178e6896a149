//! Turns credentials into the configuration of an MCP client, and puts it where the client looks.
//! It leaves getting and keeping credentials to `flow` and `store`: what it is given is written as it is.

pub mod entries;
pub mod merge;
pub mod servers;
pub mod targets;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use entries::{Egress, Entry, Identity, PlainHttp, entries, entry_at};
pub use merge::{Change, ChangeKind, MergeError};
pub use servers::Server;
pub use targets::{Format, Rendered, Shape, TARGETS, Target, render};

use crate::sys::private_file::{self, FileError};

/// Which entries in which file are ours.
const INSTALLED: &str = "installed.json";

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum RenderError {
    /// A header that must not be sent. The value is not shown.
    #[error("server {server}: header {header} {reason}")]
    Header {
        /// The server's name.
        server: String,
        /// The header's name.
        header: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A token would cross the network readable.
    #[error("server {server} would be sent tokens over plain http to {host}")]
    Plain {
        /// The server's name.
        server: String,
        /// The gateway's host.
        host: String,
    },
    /// Not an address a client could use.
    #[error("server {server}: its URL cannot be used: {reason}")]
    Url {
        /// The server's name.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file we were told to read.
    #[error("{path}: {reason}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// A template that does not run.
    #[error("{file}:{line}: {reason}")]
    Template {
        /// The template's file, or the built-in's name.
        file: String,
        /// The line in it.
        line: usize,
        /// The cause.
        reason: String,
    },
    /// A template that runs, and writes something else than a configuration.
    #[error("{file}: the rendered text {reason}")]
    Shape {
        /// The template's file, or the built-in's name.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The client's file, which is left as it is.
    #[error("{path} {source}", path = path.display())]
    Merge {
        /// The client's file.
        path: PathBuf,
        /// The cause.
        source: MergeError,
    },
    /// A file of ours.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What [`install`] did, or would do.
#[derive(Debug)]
pub struct Installed {
    /// The client's file.
    pub path: PathBuf,
    /// Entry by entry.
    pub changes: Vec<Change>,
    /// Whether the file was written, or would be.
    pub changed: bool,
    /// Where the file is kept as it was, when this is the change before which it was copied.
    pub backup: Option<PathBuf>,
}

/// Whether files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// Only say what would be.
    Yes,
    /// Do it.
    No,
}

type Ownership = BTreeMap<String, BTreeSet<String>>;

impl RenderError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Header { server, .. } => format!("log in again for {server}, or correct its settings"),
            Self::Plain { .. } => "use an https gateway address, or --allow-http if you mean it".into(),
            Self::Url { .. } => "check REGISTRY_URL and the server's name".into(),
            Self::Unreadable { path, .. } => format!("correct {}, or move it away", path.display()),
            Self::Template { file, .. } | Self::Shape { file, .. } => {
                format!("correct {file}; without it the built-in template is used")
            }
            Self::Merge { path, source: MergeError::Foreign } => {
                format!(
                    "nothing was written; please report this, and add the entries to {} by hand",
                    path.display()
                )
            }
            Self::Merge { path, .. } => {
                format!("nothing was written; correct {} and run again", path.display())
            }
            Self::File(e) => e.hint(),
        }
    }
}

/// Writes a configuration whole, among our own files; says whether it changed.
///
/// # Errors
/// [`RenderError::File`].
pub fn write_local(path: &Path, rendered: &Rendered) -> Result<bool, RenderError> {
    // A file that others can read fails here, and is closed by being written anew.
    if private_file::read(path).is_ok_and(|text| text.as_deref() == Some(rendered.text.expose())) {
        return Ok(false);
    }
    create_parent(path)?;
    private_file::write(path, rendered.text.expose())?;
    Ok(true)
}

/// Merges a configuration into a client's own file, which may be a link, and remembers in `state_dir` what is ours there.
/// Before its first change the file is copied to `<file>.mcpauth-backup`.
///
/// # Errors
/// [`RenderError::Merge`] and [`RenderError::Unreadable`], with the client's file left as it was; [`RenderError::File`].
pub fn install(
    path: &Path,
    target: &Target,
    rendered: &Rendered,
    state_dir: &Path,
    dry_run: DryRun,
) -> Result<Installed, RenderError> {
    let path = std::path::absolute(path).map_err(|e| unreadable(path, &e))?;
    // Two installations at once would each forget what the other did.
    let lock = match dry_run {
        DryRun::Yes => None,
        DryRun::No => {
            private_file::create_dir(state_dir)?;
            let at = state_dir.join("installed.lock");
            let lock = private_file::open_lock(&at)?;
            lock.lock().map_err(|e| unreadable(&at, &e))?;
            Some(lock)
        }
    };
    let mut ownership = read_ownership(state_dir)?;
    let key = path.to_string_lossy().into_owned();
    let owned = ownership.get(&key).cloned().unwrap_or_default();
    let existing = read(&path)?;
    let merged = merge::merge(existing.as_deref(), target, &rendered.json, &owned)
        .map_err(|source| RenderError::Merge { path: path.clone(), source })?;

    let altered = merged.changes.iter().any(Change::alters);
    // A file with tokens in it that others can read is written anew, and thereby closed.
    let exposed = !merged.owned.is_empty() && private_file::is_exposed(&path);
    let mut installed =
        Installed { changed: altered || exposed, backup: None, changes: merged.changes, path };
    if dry_run == DryRun::Yes {
        return Ok(installed);
    }
    if installed.changed {
        let path = &installed.path;
        create_parent(path)?;
        installed.backup = existing.map(|text| back_up(path, &text)).transpose()?.flatten();
        private_file::write_through(path, &merged.text)?;
    }
    if merged.owned != owned {
        if merged.owned.is_empty() {
            ownership.remove(&key)
        } else {
            ownership.insert(key, merged.owned)
        };
        write_ownership(state_dir, &ownership)?;
    }
    drop(lock);
    Ok(installed)
}

/// Keeps the file as it was before us; later states are not worth keeping, for they are ours.
fn back_up(path: &Path, text: &str) -> Result<Option<PathBuf>, RenderError> {
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(".mcpauth-backup");
    let backup = path.with_file_name(name);
    if fs::symlink_metadata(&backup).is_ok() {
        return Ok(None);
    }
    private_file::write(&backup, text)?;
    Ok(Some(backup))
}

fn create_parent(path: &Path) -> Result<(), RenderError> {
    // A folder that is there keeps its mode: it is the client's, not ours.
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() && !parent.is_dir() => {
            Ok(private_file::create_dir(parent)?)
        }
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<Option<String>, RenderError> {
    match fs::read_to_string(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some).map_err(|e| unreadable(path, &e)),
    }
}

fn read_ownership(state_dir: &Path) -> Result<Ownership, RenderError> {
    let path = state_dir.join(INSTALLED);
    let Some(text) = private_file::read(&path)? else { return Ok(Ownership::new()) };
    serde_json::from_str(&text).map_err(|e| unreadable(&path, &e))
}

fn write_ownership(state_dir: &Path, ownership: &Ownership) -> Result<(), RenderError> {
    let path = state_dir.join(INSTALLED);
    let text = serde_json::to_string_pretty(ownership).map_err(|e| unreadable(&path, &e))?;
    Ok(private_file::write(&path, &text)?)
}

fn unreadable(path: &Path, reason: &dyn ToString) -> RenderError {
    RenderError::Unreadable { path: path.into(), reason: reason.to_string() }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests write the user's file as another program would")]
    use super::*;
    use crate::secret::Secret;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const ROO: &Target = &TARGETS[1];

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).map_or(0, |about| about.permissions().mode() & 0o777)
    }

    fn rendered(names: &[&str], token: &str) -> Result<Rendered, RenderError> {
        let entry = |name: &&str| Entry {
            name: (*name).into(),
            url: format!("https://gw.test/{name}/mcp"),
            transport: "streamable-http".into(),
            headers: vec![("Authorization".into(), Secret::new(format!("Bearer {token}")))],
        };
        render(ROO, &names.iter().map(entry).collect::<Vec<_>>(), None)
    }

    #[test]
    fn a_new_file_is_made_with_its_folder_and_only_written_when_something_changed() {
        let dir = tempfile::tempdir().unwrap();
        let (file, state) = (dir.path().join("home/.roocode/mcp_servers.json"), dir.path().join("state"));
        let one = rendered(&["files"], "one").unwrap();
        let dry = install(&file, ROO, &one, &state, DryRun::Yes).unwrap();
        assert!(dry.changed && !file.exists() && !state.exists());
        let first = install(&file, ROO, &one, &state, DryRun::No).unwrap();
        assert!(first.changed && first.backup.is_none());
        assert_eq!((mode(&file), mode(&state.join(INSTALLED))), (0o600, 0o600));
        let names = format!("{{\n  \"{}\": [\n    \"files\"\n  ]\n}}", file.display());
        assert_eq!(fs::read_to_string(state.join(INSTALLED)).unwrap(), names);
        assert!(!install(&file, ROO, &one, &state, DryRun::No).unwrap().changed);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(install(&file, ROO, &one, &state, DryRun::No).unwrap().changed);
        assert_eq!(mode(&file), 0o600);
        install(&file, ROO, &rendered(&[], "").unwrap(), &state, DryRun::No).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "{\n  \"mcpServers\": {}\n}\n");
        assert_eq!(fs::read_to_string(state.join(INSTALLED)).unwrap(), "{}");
    }

    #[test]
    fn nothing_to_say_makes_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mcp.json");
        let none = rendered(&[], "").unwrap();
        assert!(!install(&file, ROO, &none, &dir.path().join("state"), DryRun::No).unwrap().changed);
        assert!(!file.exists());
    }

    #[test]
    fn the_first_state_is_backed_up_once_and_a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link, state) =
            (dir.path().join("dotfiles.json"), dir.path().join("mcp.json"), dir.path().join("state"));
        let theirs = "{\n  // mine\n  \"mcpServers\": {}\n}\n";
        fs::write(&real, theirs).unwrap();
        symlink(&real, &link).unwrap();
        let first = install(&link, ROO, &rendered(&["files"], "one").unwrap(), &state, DryRun::No).unwrap();
        let backup = dir.path().join("mcp.json.mcpauth-backup");
        assert_eq!(first.backup.as_deref(), Some(backup.as_path()));
        let second = install(&link, ROO, &rendered(&["files"], "two").unwrap(), &state, DryRun::No).unwrap();
        assert!(second.changed && second.backup.is_none());
        assert_eq!((fs::read_to_string(&backup).unwrap().as_str(), mode(&backup)), (theirs, 0o600));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let text = fs::read_to_string(&real).unwrap();
        assert!(text.contains("// mine") && text.contains("Bearer two") && !text.contains("Bearer one"));
        assert_eq!(mode(&real), 0o600);
    }

    #[test]
    fn a_file_that_does_not_parse_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (file, state) = (dir.path().join("mcp.json"), dir.path().join("state"));
        fs::write(&file, "{ oops").unwrap();
        let error =
            install(&file, ROO, &rendered(&["files"], "one").unwrap(), &state, DryRun::No).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{} is not JSON: ", file.display())), "{error}");
        assert!(error.hint().starts_with("nothing was written"), "{}", error.hint());
        assert_eq!(fs::read_to_string(&file).unwrap(), "{ oops");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "the file and the state folder");
    }

    #[test]
    fn a_local_file_is_written_whole_when_it_differs_or_others_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(".oauth-tokens/mcp.json");
        let one = rendered(&["files"], "one").unwrap();
        assert!(write_local(&file, &one).unwrap());
        assert!(!write_local(&file, &one).unwrap());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(write_local(&file, &one).unwrap());
        assert_eq!((mode(&file), fs::read_to_string(&file).unwrap().as_str()), (0o600, one.text.expose()));
    }
}
