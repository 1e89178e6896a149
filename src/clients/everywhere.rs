//! Every file of every known client on this machine and in this folder, and the entries in each: for what looks at all of
//! them. Not here: which files a client has (see `render`); what is looked for (see `import`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::Clients;
use crate::error::Error;
use crate::render::{self, ClientSpec, EntryParts, InputDefault, InstallRecord, Layout, TARGETS};

/// One set of entries in a client's file.
pub(crate) struct ClientFile {
    pub(crate) target: &'static ClientSpec,
    pub(crate) path: PathBuf,
    /// The keys that lead to the entries.
    pub(crate) root: Vec<String>,
    /// The file, with every secret in it.
    pub(crate) text: String,
    entries: Vec<(String, Map<String, Value>)>,
    /// The inputs that entries refer to, and their defaults.
    inputs: Vec<InputDefault>,
    /// The inputs whose defaults are filled in, by entry.
    filled: BTreeMap<String, Vec<String>>,
    /// The record of what mcpauth wrote there, if that has secrets in it.
    written: Option<InstallRecord>,
    /// Whether the file is the user's own, and not one of the folder, which another user may have sent.
    pub(crate) is_users: bool,
}

impl ClientFile {
    /// The entries by name, in their order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, EntryParts<'_>)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), EntryParts(entry)))
    }

    /// The inputs with defaults that entries may refer to.
    pub(crate) fn inputs(&self) -> &[InputDefault] {
        &self.inputs
    }

    /// The record of an entry whose secrets mcpauth wrote there itself.
    pub(crate) fn written(&self, entry: &str) -> Option<&InstallRecord> {
        self.written.as_ref().filter(|record| record.entries.contains(entry))
    }

    /// The ids of the inputs whose defaults were filled into an entry.
    pub(crate) fn filled(&self, entry: &str) -> &[String] {
        self.filled.get(entry).map(Vec::as_slice).unwrap_or_default()
    }

    /// Fills an input's default into the entries that refer to it.
    pub(crate) fn fill_in(&mut self, input: &InputDefault) {
        let reference = format!("${{input:{}}}", input.id);
        for (name, entry) in &mut self.entries {
            let was = entry.clone();
            let filled = |_: &str, text: &str| text.replace(&reference, &input.default);
            entry.values_mut().for_each(|value| rewrite("", value, &filled));
            if *entry != was {
                self.filled.entry(name.clone()).or_default().push(input.id.clone());
            }
        }
    }

    /// Rewrites every text of every entry by `with`, which gets what the text is called: its member, or the word before it.
    pub(crate) fn rewrite_texts(&mut self, with: &dyn Fn(&str, &str) -> String) {
        for (_, entry) in &mut self.entries {
            entry.iter_mut().for_each(|(name, value)| rewrite(name, value, with));
        }
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
    /// The copies that mcpauth made before its first change, and those of the client itself, each after the path of its original.
    pub(crate) copies: Vec<(PathBuf, ClientFile)>,
    pub(crate) unreadable: Vec<(PathBuf, Error)>,
}

impl Clients<'_> {
    /// The entries of every client that `is_meant`, in the user's files and in those of `folder`.
    pub(crate) fn everywhere(&self, folder: &Path, is_meant: impl Fn(&str) -> bool) -> Everywhere {
        let mut all = Everywhere::default();
        let Some(places) = &self.places else { return all };
        let mut seen = BTreeSet::new();
        let records = render::records(&places.state_dir).unwrap_or_default();
        for target in TARGETS.iter().filter(|target| is_meant(target.client)) {
            let users = target.users_paths(&places.folders, &|name| self.variable(name));
            for path in target.every_path(&places.folders, folder, &|name| self.variable(name)) {
                // Clients share files.
                if seen.insert((path.clone(), target.root)) {
                    // An old copy that nobody can read is nobody's trouble.
                    let copies = std::iter::once(render::backup_of(&path)).chain(target.copies_of(&path));
                    let copies = copies.flat_map(|copy| Self::read_of(target, copy).unwrap_or_default());
                    all.copies.extend(copies.map(|copy| (path.clone(), copy)));
                    let record = records.iter().find(|known| known.path == path);
                    let written = record.filter(|record| record.auth_mode.are_in_the_file());
                    match Self::read_of(target, path.clone()) {
                        Ok(files) => all.files.extend(files.into_iter().map(|file| ClientFile {
                            written: written.cloned(),
                            is_users: users.contains(&path),
                            ..file
                        })),
                        Err(error) => all.unreadable.push((path, error)),
                    }
                }
            }
        }
        all
    }

    /// Every set of entries in one file; none if it is not there.
    fn read_of(target: &'static ClientSpec, path: PathBuf) -> Result<Vec<ClientFile>, Error> {
        let Some(text) = render::read_file(&path)? else { return Ok(Vec::new()) };
        let whole = render::meaning(&text, target.format);
        let whole = whole.map_err(|source| render::RenderError::Merge { path: path.clone(), source })?;
        let file = |root: Vec<String>| ClientFile {
            target,
            path: path.clone(),
            text: text.clone(),
            entries: entries(&whole, &root),
            inputs: render::defaults(&whole, &root),
            filled: BTreeMap::new(),
            written: None,
            is_users: false,
            root,
        };
        Ok(target.roots_in(&whole).into_iter().map(file).collect())
    }
}

fn rewrite(name: &str, value: &mut Value, with: &dyn Fn(&str, &str) -> String) {
    match value {
        Value::String(text) => *text = with(name, text),
        Value::Array(values) => {
            let mut before = name.to_owned();
            for value in values {
                rewrite(&before, value, with);
                value.as_str().unwrap_or_default().clone_into(&mut before);
            }
        }
        Value::Object(values) => values.iter_mut().for_each(|(name, value)| rewrite(name, value, with)),
        _ => {}
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
