//! What a merge does to each entry of a client's file, and why a file stays unchanged; as values, and in text for
//! people.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use serde_json::{Map, Value};
use thiserror::Error;
use url::Url;

use crate::render::targets::ClientSpec;
use crate::secret::REDACTED;
use crate::text::{clean, word};

/// The header fields of the various clients.
const HEADERS: [&str; 3] = ["headers", "http_headers", "env_http_headers"];

/// An updated file.
pub struct Merged {
    /// The whole file; it contains tokens.
    pub text: String,
    /// The names of our entries in it.
    pub owned: BTreeSet<String>,
    /// The change to each entry: the rendered ones in their order, then the removed ones.
    pub changes: Vec<Change>,
}

/// What an entry becomes: all its fields, or nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEntry {
    /// Its name.
    pub name: String,
    /// Its fields; `None` to remove it.
    pub fields: Option<Map<String, Value>>,
}

/// The change to one entry. It prints without any header's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The entry's name.
    pub name: String,
    /// Its new URL; empty if it is removed, and if it is a command.
    pub url: String,
    /// The names of its new headers.
    pub headers: Vec<String>,
    /// The kind of change.
    pub kind: ChangeKind,
}

/// A kind of change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// These fields of it have new values.
    Updated(Vec<String>),
    /// It was ours and is rendered no longer.
    Removed,
    /// An entry that is not ours has the name, and keeps it.
    Conflict {
        /// Its target; empty if it has none (a command, say).
        their_url: String,
    },
    /// An entry that is not ours leads to the same server, says more than ours would, and stays.
    SaysMore {
        /// What it says.
        what: Vec<String>,
        /// The client that it is for, if `import` keeps what the entry says: not where the client completes its headers.
        client: Option<&'static str>,
    },
    /// An entry of another name leads to the same server, and stays.
    Twin {
        /// Our entry's name.
        of: String,
    },
    /// Unchanged.
    Unchanged,
}

/// Why a file was left unchanged.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MergeError {
    /// Invalid in its format, which is named first. For JSON, comments and trailing commas are allowed.
    #[error("is not {0}: {1}")]
    Parse(&'static str, String),
    /// Another value is where our entries belong.
    #[error("has something other than an object at {0}")]
    NotAnObject(String),
    /// Another value is where our list of entries belongs.
    #[error("has something other than a list at {0}")]
    NotAList(String),
    /// A duplicate key, on which parsers differ, so neither may be changed.
    #[error("has the key {0:?} twice")]
    Twice(String),
    /// Written in a way that we cannot change safely.
    #[error("cannot be changed safely: it has {0}")]
    Unsupported(&'static str),
    /// The merge would have changed something that is not ours; a bug, caught before writing.
    #[error("could not be changed without touching other entries")]
    Foreign,
}

impl MergeError {
    /// The remedy for the file at `path`.
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
    /// Whether the entry is not ours and was left unchanged.
    pub fn is_conflict(&self) -> bool {
        matches!(
            self.kind,
            ChangeKind::Conflict { .. } | ChangeKind::SaysMore { .. } | ChangeKind::Twin { .. }
        )
    }

    /// Whether this change alters the file.
    pub fn alters(&self) -> bool {
        !self.is_conflict() && self.kind != ChangeKind::Unchanged
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
                write!(
                    f,
                    "! {name}  left alone: not written by mcpauth, it points to {}; to replace it: --adopt {}",
                    display_url(their_url),
                    word(&clean(&self.name, 100))
                )?;
                false
            }
            ChangeKind::SaysMore { what, client } => {
                let (what, adopt) = (clean(&what.join(", "), 200), word(&clean(&self.name, 100)));
                write!(f, "! {name}  left alone: it also has {what}, which would be lost; ")?;
                if let Some(client) = client {
                    write!(f, "to keep that: mcpauth import --client {client}; ")?;
                }
                write!(f, "to replace it: --adopt {adopt}")?;
                false
            }
            ChangeKind::Twin { of } => {
                let (of, adopt) = (of.escape_debug(), word(&clean(&self.name, 100)));
                write!(
                    f,
                    "! {name}  left alone: it leads to the same server as {of}; to remove it: --adopt {adopt}"
                )?;
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

/// A URL without what may be secret in it: some servers have a key in their query.
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
    // These fail only for URLs that cannot have them.
    let _ = parsed.set_password(None);
    let _ = parsed.set_username("");
    format!("{parsed}?{REDACTED}")
}
