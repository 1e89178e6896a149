//! Every file of every known client on this machine and in this folder, and the entries in each: for what looks at all of
//! them. Not here: which files a client has (see `render`); what is looked for (see `import`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::Clients;
use crate::error::Error;
use crate::render::{self, ClientSpec, EntryParts, Layout, TARGETS};

/// One set of entries in a client's file.
pub(crate) struct ClientFile {
    pub(crate) target: &'static ClientSpec,
    pub(crate) path: PathBuf,
    /// The keys that lead to the entries.
    pub(crate) root: Vec<String>,
    /// The file, with every secret in it.
    pub(crate) text: String,
    entries: Vec<(String, Map<String, Value>)>,
}

impl ClientFile {
    /// The entries by name, in their order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, EntryParts<'_>)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), EntryParts(entry)))
    }

    /// Calls `with` with where the entries are.
    pub(crate) fn with_layout<T>(&self, with: impl FnOnce(Layout<'_>) -> T) -> T {
        let root: Vec<&str> = self.root.iter().map(String::as_str).collect();
        with(Layout { root: &root, ..self.target.layout() })
    }
}

impl std::fmt::Debug for ClientFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientFile")
            .field("path", &self.path)
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// What [`Clients::everywhere`] found, and the files it could not read.
#[derive(Debug, Default)]
pub(crate) struct Everywhere {
    pub(crate) files: Vec<ClientFile>,
    pub(crate) unreadable: Vec<(PathBuf, Error)>,
}

impl Clients<'_> {
    /// The entries of every client that `is_meant`, in the user's files and in those of `folder`.
    pub(crate) fn everywhere(&self, folder: &Path, is_meant: impl Fn(&str) -> bool) -> Everywhere {
        let mut all = Everywhere::default();
        let Some(places) = &self.places else { return all };
        let mut seen = BTreeSet::new();
        for target in TARGETS.iter().filter(|target| is_meant(target.client)) {
            for path in target.every_path(&places.folders, folder, &|name| self.variable(name)) {
                // Clients share files.
                if seen.insert((path.clone(), target.root)) {
                    all.read(target, path);
                }
            }
        }
        all
    }
}

impl Everywhere {
    fn read(&mut self, target: &'static ClientSpec, path: PathBuf) {
        let read = render::read_file(&path).and_then(|text| {
            let Some(text) = text else { return Ok(None) };
            let whole = render::meaning(&text, target.format);
            let whole = whole.map_err(|source| render::RenderError::Merge { path: path.clone(), source })?;
            Ok(Some((text, whole)))
        });
        match read {
            Ok(None) => {}
            Ok(Some((text, whole))) => {
                for root in target.roots_in(&whole) {
                    let entries = entries(&whole, &root);
                    self.files.push(ClientFile {
                        target,
                        path: path.clone(),
                        root,
                        text: text.clone(),
                        entries,
                    });
                }
            }
            Err(error) => self.unreadable.push((path, error.into())),
        }
    }
}

/// Whatever is an entry there: a map by its name, or by its `name`.
fn entries(whole: &Value, root: &[String]) -> Vec<(String, Map<String, Value>)> {
    let at = root.iter().try_fold(whole, |at, key| at.get(key));
    match at {
        Some(Value::Object(map)) => {
            map.iter().filter_map(|(name, entry)| Some((name.clone(), entry.as_object()?.clone()))).collect()
        }
        Some(Value::Array(list)) => {
            let named =
                |entry: &Value| Some((entry.get("name")?.as_str()?.to_owned(), entry.as_object()?.clone()));
            list.iter().filter_map(named).collect()
        }
        _ => Vec::new(),
    }
}
