//! The way back from an import: the files as they were, or without the entries. Not here: what is remembered (see `record`).

use std::path::{Path, PathBuf};

use super::record::{ImportRecord, ImportedEntry, forget, hash, save};
use crate::error::Error;
use crate::render::{self, ClientSpec, Layout, MergeError, NewEntry};
use crate::store::Store;
use crate::sys::private_file::{self, Keep};

/// What happens to our entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WayBack {
    /// The original ones are put back.
    Restore,
    /// They are removed, and the original ones are kept for later.
    Remove,
    /// They are removed, and the original ones too.
    Forget,
}

/// What was done with one file.
pub(crate) struct PutBack {
    pub(crate) client: String,
    pub(crate) path: PathBuf,
    /// The entries that were put back or removed.
    pub(crate) entries: Vec<String>,
    /// The entries that were changed since, and stay.
    pub(crate) left: Vec<String>,
}

/// What a record comes to.
struct Outcome {
    text: String,
    /// The entries that are done with.
    gone: Vec<ImportedEntry>,
    kept: Vec<ImportedEntry>,
    done: PutBack,
}

/// Puts the entries that `is_meant` back as they were, with what other files held for them, or removes them.
///
/// # Errors
/// What is wrong with the client's file, which is then unchanged.
pub(crate) fn put_back(
    (store, state_dir): (&Store, Option<&Path>),
    record: &ImportRecord,
    way: WayBack,
    is_meant: impl Fn(&str) -> bool,
    dry: bool,
) -> Result<PutBack, Error> {
    let _lock = state_dir.filter(|_| !dry).map(render::lock).transpose()?;
    let current = render::read_file(&record.path)?.unwrap_or_default();
    let all = record.entries.iter().all(|entry| is_meant(&entry.name));
    let whole = record
        .original
        .as_ref()
        .filter(|_| way == WayBack::Restore && all && hash(&current) == record.written);
    let done = PutBack {
        client: record.client.clone(),
        path: record.path.clone(),
        entries: Vec::new(),
        left: Vec::new(),
    };
    let mut outcome = Outcome { text: current.clone(), gone: Vec::new(), kept: Vec::new(), done };
    match whole {
        Some(original) => {
            outcome.done.entries = record.entries.iter().map(|entry| entry.name.clone()).collect();
            outcome.gone.clone_from(&record.entries);
            outcome.text.clone_from(original);
        }
        None => entrywise(&mut outcome, record, way, &is_meant)?,
    }
    if !dry {
        carry_out(store, record, way, &outcome, &current)?;
    }
    Ok(outcome.done)
}

/// The file first, the record last: after a kill the record still says what there is to do.
fn carry_out(
    store: &Store,
    record: &ImportRecord,
    way: WayBack,
    outcome: &Outcome,
    current: &str,
) -> Result<(), Error> {
    if outcome.text != current {
        private_file::write_through(&record.path, &outcome.text, Keep::Closed)?;
    }
    let is_all = outcome.kept.is_empty();
    if way == WayBack::Restore {
        outcome.gone.iter().flat_map(|entry| &entry.files).try_for_each(|file| file.put_back())?;
        let copies = record.copies.iter().filter(|_| is_all);
        copies.into_iter().try_for_each(|copy| copy.put_back())?;
    }
    if is_all && way != WayBack::Remove {
        return forget(store, record);
    }
    // Nobody but us has written the file: with all entries back it is as it was.
    let is_ours = hash(current) == record.written;
    let original = record.original.clone().filter(|_| is_ours);
    let (written, entries) = (hash(&outcome.text), outcome.kept.clone());
    save(store, &ImportRecord { original, written, entries, ..record.clone() })
}

fn entrywise(
    outcome: &mut Outcome,
    record: &ImportRecord,
    way: WayBack,
    is_meant: &dyn Fn(&str) -> bool,
) -> Result<(), Error> {
    let Some(target) = ClientSpec::find(&record.client) else { return Ok(()) };
    let broken = |source| render::RenderError::Merge { path: record.path.clone(), source };
    for entry in &record.entries {
        if !is_meant(&entry.name) {
            outcome.kept.push(entry.clone());
            continue;
        }
        let root: Vec<&str> = entry.root.iter().map(String::as_str).collect();
        let layout = Layout { root: &root, ..target.layout() };
        let now = render::entry_in(&outcome.text, layout, &entry.name).map_err(broken)?;
        let is_ours = now.as_ref() == Some(&entry.after);
        let comes_back = now.is_none() && entry.removed && way == WayBack::Restore;
        if is_ours || comes_back {
            outcome.text = returned(&outcome.text, layout, entry, way).map_err(broken)?;
            outcome.done.entries.push(entry.name.clone());
        } else if now.as_ref().is_some_and(|now| *now != entry.before) {
            outcome.done.left.push(entry.name.clone());
            outcome.kept.push(entry.clone());
            continue;
        }
        match way {
            WayBack::Remove => {
                let removed = is_ours || now.is_none();
                outcome.kept.push(ImportedEntry { removed, ..entry.clone() });
            }
            // It is back now, or was already, or its user has removed it.
            WayBack::Restore | WayBack::Forget => outcome.gone.push(entry.clone()),
        }
    }
    Ok(())
}

/// The file with one entry as it was, or without it.
fn returned(
    text: &str,
    layout: Layout<'_>,
    entry: &ImportedEntry,
    way: WayBack,
) -> Result<String, MergeError> {
    let fields = (way == WayBack::Restore).then(|| entry.before.clone());
    let text = render::rewrite(text, layout, &[NewEntry { name: entry.name.clone(), fields }])?;
    if way != WayBack::Restore || entry.inputs.is_empty() {
        return Ok(text);
    }
    let defaults = entry.inputs.iter().map(|(id, default)| (id.as_str(), Some(default.as_str())));
    render::with_defaults(&text, layout, &defaults.collect::<Vec<_>>())
}
