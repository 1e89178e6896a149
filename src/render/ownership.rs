//! The record of other programs' files: which entries in them are ours, and how each client gets its headers. Not
//! here: changing those files (see `install`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::RenderError;
use super::auth_mode::AuthMode;
use super::unreadable;
use crate::sys::private_file;

/// Its place in the state folder.
const FILE: &str = "installed.json";

/// What we did to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallRecord {
    /// The file, from the root on.
    pub path: PathBuf,
    /// The client; `None` in records from before this was stored.
    pub client: Option<String>,
    /// How the client gets its headers.
    pub auth_mode: AuthMode,
    /// The tokens directory; `None` as for `client`.
    pub tokens_dir: Option<PathBuf>,
    /// The names of our entries.
    pub entries: BTreeSet<String>,
    /// Those of them whose credentials are the user's own, whatever the project.
    pub users: BTreeSet<String>,
}

impl InstallRecord {
    /// Whether it has another project's tokens than those in `tokens_dir`.
    pub fn is_of_other_project(&self, tokens_dir: &Path) -> bool {
        self.tokens_dir.as_deref().is_some_and(|dir| dir != tokens_dir)
    }
}

/// A stored record, by the file's path.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum SavedRecord {
    /// The original default: every token in the file.
    Names(BTreeSet<String>),
    Record {
        client: String,
        auth_mode: String,
        tokens_dir: PathBuf,
        entries: BTreeSet<String>,
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        users: BTreeSet<String>,
    },
}

/// All records in this folder, by path.
///
/// # Errors
/// [`RenderError::Unreadable`] and [`RenderError::File`].
pub fn records(state_dir: &Path) -> Result<Vec<InstallRecord>, RenderError> {
    let file = state_dir.join(FILE);
    let Some(text) = private_file::read(&file)? else { return Ok(Vec::new()) };
    let kept: BTreeMap<PathBuf, SavedRecord> =
        serde_json::from_str(&text).map_err(|e| unreadable(&file, &e))?;
    kept.into_iter().map(|(path, kept)| record(&file, path, kept)).collect()
}

/// The record of one file.
pub(super) fn read_record(state_dir: &Path, path: &Path) -> Result<Option<InstallRecord>, RenderError> {
    Ok(records(state_dir)?.into_iter().find(|record| record.path == path))
}

/// Records one file. Only under the lock of [`super::install`]: two concurrent writers would each lose the other's
/// record.
pub(super) fn remember(state_dir: &Path, record: InstallRecord) -> Result<(), RenderError> {
    let mut all = records(state_dir)?;
    all.retain(|other| other.path != record.path);
    all.push(record);
    save(state_dir, all)
}

/// Forgets one file, under the same lock.
pub(super) fn forget(state_dir: &Path, path: &Path) -> Result<(), RenderError> {
    let mut all = records(state_dir)?;
    all.retain(|other| other.path != path);
    save(state_dir, all)
}

fn save(state_dir: &Path, all: Vec<InstallRecord>) -> Result<(), RenderError> {
    let kept: BTreeMap<PathBuf, SavedRecord> = all.into_iter().map(to_saved).collect();
    let file = state_dir.join(FILE);
    let text = serde_json::to_string_pretty(&kept).map_err(|e| unreadable(&file, &e))?;
    Ok(private_file::write(&file, &text)?)
}

fn record(file: &Path, path: PathBuf, kept: SavedRecord) -> Result<InstallRecord, RenderError> {
    let (client, auth_mode, tokens_dir, entries, users) = match kept {
        SavedRecord::Names(entries) => (None, AuthMode::Inline, None, entries, BTreeSet::new()),
        SavedRecord::Record { client, auth_mode, tokens_dir, entries, users } => {
            let known = AuthMode::from_name(&auth_mode);
            let auth_mode = known.ok_or_else(|| unreadable(file, &"names an unknown auth mode"))?;
            (Some(client), auth_mode, Some(tokens_dir), entries, users)
        }
    };
    Ok(InstallRecord { path, client, auth_mode, tokens_dir, entries, users })
}

fn to_saved(record: InstallRecord) -> (PathBuf, SavedRecord) {
    let InstallRecord { path, client, auth_mode, tokens_dir, entries, users } = record;
    let kept = match client.zip(tokens_dir) {
        Some((client, tokens_dir)) => {
            let auth_mode = auth_mode.name().into();
            SavedRecord::Record { client, auth_mode, tokens_dir, entries, users }
        }
        None => SavedRecord::Names(entries),
    };
    (path, kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_readable_and_what_was_remembered_before_still_counts() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(records(dir.path()).unwrap(), []);
        private_file::write(&dir.path().join(FILE), r#"{"/h/roo.json": ["files"]}"#).unwrap();
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let old = InstallRecord {
            path: "/h/roo.json".into(),
            client: None,
            auth_mode: AuthMode::Inline,
            tokens_dir: None,
            entries: names(&["files"]),
            users: BTreeSet::new(),
        };
        let new = InstallRecord {
            path: "/h/a.json".into(),
            client: Some("cursor".into()),
            auth_mode: AuthMode::Bridge,
            tokens_dir: Some("/p/tokens".into()),
            entries: names(&["b", "a"]),
            users: BTreeSet::new(),
        };
        remember(dir.path(), new.clone()).unwrap();
        assert_eq!(records(dir.path()).unwrap(), [new.clone(), old.clone()]);
        assert_eq!(read_record(dir.path(), Path::new("/h/a.json")).unwrap(), Some(new));
        let text = private_file::read(&dir.path().join(FILE)).unwrap().unwrap();
        let expected = r#"{
  "/h/a.json": {
    "client": "cursor",
    "auth_mode": "bridge",
    "tokens_dir": "/p/tokens",
    "entries": [
      "a",
      "b"
    ]
  },
  "/h/roo.json": [
    "files"
  ]
}"#;
        assert_eq!(text, expected);
        for text in ["[]", r#"{"/h": {"client": "c", "auth_mode": "x", "tokens_dir": "/", "entries": []}}"#] {
            private_file::write(&dir.path().join(FILE), text).unwrap();
            let message = records(dir.path()).unwrap_err().to_string();
            assert!(message.contains(FILE), "{message}");
        }
    }
}
