//! The record of what an import changed: each file as it was and as it became, so that it can be put back. One 0600 file for
//! each, in the user's own store. Not here: taking and storing (see `take`).

use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clients::ClientFile;
use crate::error::Error;
use crate::render::{self, ClientSpec, Layout, NewEntry};
use crate::sys::private_file::{self, Keep};

const FOLDER: &str = ".imports";

/// One file. It holds the secrets that were taken.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct ImportRecord {
    pub(crate) client: String,
    pub(crate) path: PathBuf,
    /// The whole file as it was; `None` if it was changed by another program between two imports.
    original: Option<String>,
    /// A hash of the file as it became.
    written: String,
    pub(crate) entries: Vec<ImportedEntry>,
}

/// One entry.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct ImportedEntry {
    pub(crate) root: Vec<String>,
    pub(crate) name: String,
    pub(super) before: Map<String, Value>,
    pub(super) after: Map<String, Value>,
}

/// What happens to our entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WayBack {
    /// The original ones are put back.
    Restore,
    /// They are removed.
    Remove,
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

/// Every record, by path.
///
/// # Errors
/// The file's.
pub(crate) fn records(dir: &Path) -> Result<Vec<ImportRecord>, Error> {
    let entries = std::fs::read_dir(dir.join(FOLDER)).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    paths.sort();
    let read = |path: PathBuf| {
        private_file::read(&path).map(|text| text.and_then(|text| serde_json::from_str(&text).ok()))
    };
    let found: Result<Vec<Option<ImportRecord>>, _> = paths.into_iter().map(read).collect();
    Ok(found?.into_iter().flatten().collect())
}

/// Remembers, before a file becomes `text`, what it was.
///
/// # Errors
/// The file's.
pub(super) fn remember(
    dir: &Path,
    file: &ClientFile,
    text: &str,
    new: Vec<ImportedEntry>,
) -> Result<(), Error> {
    let known = records(dir)?.into_iter().find(|known| known.path == file.path);
    // An interrupted run has recorded what it did not write.
    let known = known.filter(|known| known.original.as_ref() != Some(&file.text));
    let (original, mut entries) = match known {
        None => (Some(file.text.clone()), Vec::new()),
        Some(known) if known.written == hash(&file.text) => (known.original, known.entries),
        Some(known) => (None, known.entries),
    };
    entries.retain(|known| !new.iter().any(|new| (&new.root, &new.name) == (&known.root, &known.name)));
    entries.extend(new);
    let (client, path) = (file.target.client.into(), file.path.clone());
    save(dir, &ImportRecord { client, path, original, written: hash(text), entries })
}

/// Puts the entries that `is_meant` back as they were, or removes them.
///
/// # Errors
/// What is wrong with the client's file, which is then unchanged.
pub(crate) fn put_back(
    dir: &Path,
    record: &ImportRecord,
    way: WayBack,
    is_meant: impl Fn(&str) -> bool,
    dry: bool,
) -> Result<PutBack, Error> {
    let current = render::read_file(&record.path)?.unwrap_or_default();
    let all = record.entries.iter().all(|entry| is_meant(&entry.name));
    let whole = record
        .original
        .as_ref()
        .filter(|_| way == WayBack::Restore && all && hash(&current) == record.written);
    let mut done = PutBack {
        client: record.client.clone(),
        path: record.path.clone(),
        entries: Vec::new(),
        left: Vec::new(),
    };
    let mut kept = record.clone();
    let text = match whole {
        Some(original) => {
            done.entries = record.entries.iter().map(|entry| entry.name.clone()).collect();
            kept.entries.clear();
            original.clone()
        }
        None => entrywise(&current, record, way, &is_meant, &mut done, &mut kept)?,
    };
    if dry {
        return Ok(done);
    }
    // The file first: after a kill the record still says what there is to do.
    if text != current {
        private_file::write_through(&record.path, &text, Keep::Closed)?;
    }
    if kept.entries.is_empty() {
        private_file::remove(&file_of(dir, &record.path))?;
    } else {
        kept.original = None;
        save(dir, &kept)?;
    }
    Ok(done)
}

fn entrywise(
    current: &str,
    record: &ImportRecord,
    way: WayBack,
    is_meant: &dyn Fn(&str) -> bool,
    done: &mut PutBack,
    kept: &mut ImportRecord,
) -> Result<String, Error> {
    let Some(target) = ClientSpec::find(&record.client) else { return Ok(current.into()) };
    let broken = |source| render::RenderError::Merge { path: record.path.clone(), source };
    let mut text = current.to_owned();
    kept.entries.clear();
    for entry in &record.entries {
        if !is_meant(&entry.name) {
            kept.entries.push(entry.clone());
            continue;
        }
        let root: Vec<&str> = entry.root.iter().map(String::as_str).collect();
        let layout = Layout { root: &root, ..target.layout() };
        let now = render::entry_in(&text, layout, &entry.name).map_err(broken)?;
        match now {
            Some(now) if now == entry.after => {
                let fields = (way == WayBack::Restore).then(|| entry.before.clone());
                let new = NewEntry { name: entry.name.clone(), fields };
                text = render::rewrite(&text, layout, &[new]).map_err(broken)?;
                done.entries.push(entry.name.clone());
            }
            // It is back already, or gone.
            None => {}
            Some(now) if now == entry.before => {}
            Some(_) => {
                done.left.push(entry.name.clone());
                kept.entries.push(entry.clone());
            }
        }
    }
    Ok(text)
}

fn save(dir: &Path, record: &ImportRecord) -> Result<(), Error> {
    private_file::create_dir(dir)?;
    private_file::create_dir(&dir.join(FOLDER))?;
    let text = serde_json::to_string_pretty(record).map_err(std::io::Error::other)?;
    Ok(private_file::write(&file_of(dir, &record.path), &text)?)
}

fn file_of(dir: &Path, path: &Path) -> PathBuf {
    dir.join(FOLDER).join(format!("{}.json", hash(&path.to_string_lossy())))
}

/// Only to notice changes.
fn hash(text: &str) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
