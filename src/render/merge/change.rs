//! What a merge does to each entry of a client's file, and why it leaves a file alone; as values, and as people read them.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use serde_json::Value;
use thiserror::Error;
use url::Url;

use crate::render::targets::ClientSpec;
use crate::secret::REDACTED;

/// The fields that hold headers, by one client or another.
const HEADERS: [&str; 3] = ["headers", "http_headers", "env_http_headers"];

/// A file brought up to date.
pub struct Merged {
    /// The whole file; it holds tokens.
    pub text: String,
    /// The names of the entries in it that are ours.
    pub owned: BTreeSet<String>,
    /// What happened to each entry: the rendered ones in their order, then the removed ones.
    pub changes: Vec<Change>,
}

/// What happened to one entry. Prints without any header's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The entry's name.
    pub name: String,
    /// The URL we have for it; empty when it is removed, and when it is a command.
    pub url: String,
    /// The names of the headers we have for it.
    pub headers: Vec<String>,
    /// What happened.
    pub kind: ChangeKind,
}

/// What can happen to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// These fields of it have new values.
    Updated(Vec<String>),
    /// It was ours and is rendered no longer.
    Removed,
    /// Somebody else's entry has the name, and keeps it.
    Conflict {
        /// Where theirs leads; empty when it leads nowhere (a command, say).
        their_url: String,
    },
    /// It is as it was.
    Unchanged,
}

/// Why a file was left alone.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MergeError {
    /// Not of its format, which is named first. For JSON, comments and trailing commas are allowed.
    #[error("is not {0}: {1}")]
    Parse(&'static str, String),
    /// Something stands where our entries belong.
    #[error("has something other than an object at {0}")]
    NotAnObject(String),
    /// Something stands where our list of entries belongs.
    #[error("has something other than a list at {0}")]
    NotAList(String),
    /// Readers differ on which of two to take, so neither may be changed.
    #[error("has the key {0:?} twice")]
    Twice(String),
    /// Written in a way that we cannot change with certainty.
    #[error("cannot be changed safely: it has {0}")]
    Unsupported(&'static str),
    /// The merge would have changed something that is not ours; a defect of ours, caught before writing.
    #[error("could not be changed without touching what is not ours")]
    Foreign,
}

impl MergeError {
    /// What to do about the file at `path`.
    pub fn hint(&self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::Unsupported(_) => format!(
                "nothing was written; print the entries with `mcpauth config render --client NAME`, and paste them into {path}"
            ),
            Self::Foreign => {
                format!("nothing was written; please report this, and add the entries to {path} by hand")
            }
            _ => format!("nothing was written; correct {path} and run again"),
        }
    }
}

impl fmt::Debug for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merged")
            .field("owned", &self.owned)
            .field("changes", &self.changes)
            .finish_non_exhaustive()
    }
}

impl Change {
    /// Whether the entry is somebody else's and was left alone.
    pub fn is_conflict(&self) -> bool {
        matches!(self.kind, ChangeKind::Conflict { .. })
    }

    /// Whether this change alters the file.
    pub fn alters(&self) -> bool {
        !matches!(self.kind, ChangeKind::Unchanged | ChangeKind::Conflict { .. })
    }

    pub(super) fn new(name: &str, entry: &Value, target: &ClientSpec, kind: ChangeKind) -> Self {
        let nested = entry.get("requestOptions").and_then(|options| options.get("headers"));
        let maps = HEADERS.iter().filter_map(|field| entry.get(field)).chain(nested);
        Self {
            name: name.into(),
            url: entry.get(target.url).and_then(Value::as_str).unwrap_or_default().into(),
            headers: maps.filter_map(Value::as_object).flat_map(|map| map.keys().cloned()).collect(),
            kind,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.escape_debug();
        let url = if self.url.is_empty() { "(a command)".into() } else { display_url(&self.url) };
        let with_headers = match &self.kind {
            ChangeKind::Added => {
                write!(f, "+ {name}  {url}")?;
                true
            }
            ChangeKind::Updated(fields) => {
                write!(f, "~ {name}  {url}  ({})", fields.join(", ").escape_debug())?;
                fields.iter().any(|field| HEADERS.contains(&field.as_str()) || field == "requestOptions")
            }
            ChangeKind::Removed => {
                write!(f, "- {name}")?;
                false
            }
            ChangeKind::Conflict { their_url } => {
                write!(f, "! {name}  left alone: not ours, it leads to {}", display_url(their_url))?;
                false
            }
            ChangeKind::Unchanged => {
                write!(f, "= {name}  {url}")?;
                false
            }
        };
        for header in self.headers.iter().filter(|_| with_headers) {
            write!(f, "\n    {}: {REDACTED}", header.escape_debug())?;
        }
        Ok(())
    }
}

/// A URL without what may be secret in it: some servers are addressed with a key in the query.
fn display_url(url: &str) -> String {
    if url.is_empty() {
        return "(no URL)".into();
    }
    let Ok(mut parsed) = Url::parse(url) else { return "(not a URL)".into() };
    let secret = parsed.query().is_some()
        || parsed.fragment().is_some()
        || parsed.password().is_some()
        || !parsed.username().is_empty();
    if !secret {
        return url.escape_debug().to_string();
    }
    parsed.set_query(None);
    parsed.set_fragment(None);
    // These fail only for URLs that cannot hold them in the first place.
    let _ = parsed.set_password(None);
    let _ = parsed.set_username("");
    format!("{parsed}?{REDACTED}")
}
