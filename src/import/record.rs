//! The record of what an import changed: each file as it was and as it became, so that it can be put back. One 0600 file for
//! each, in the user's own store, sealed where a keyring is used. Not here: taking and storing (see `take`); putting back (see `put_back`).

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::FoundCopy;
use crate::clients::ClientFile;
use crate::error::Error;
use crate::notice::Notices;
use crate::render;
use crate::store::{Store, StoreError};
use crate::sys::private_file;
use crate::vault::VaultError;

const FOLDER: &str = ".imports";
/// The members of a record that hold secrets.
const SECRET: [&str; 3] = ["original", "entries", "copies"];

/// One file. It holds the secrets that were taken.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct ImportRecord {
    pub(crate) client: String,
    pub(crate) path: PathBuf,
    /// The whole file as it was; `None` if it was changed by another program between two imports.
    pub(super) original: Option<String>,
    /// A hash of the file as it became.
    pub(super) written: String,
    pub(crate) entries: Vec<ImportedEntry>,
    /// Old copies of the file that held secrets.
    #[serde(default)]
    pub(crate) copies: Vec<KeptFile>,
}

/// One entry.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct ImportedEntry {
    pub(crate) root: Vec<String>,
    pub(crate) name: String,
    pub(super) before: Map<String, Value>,
    pub(super) after: Map<String, Value>,
    /// The files of the program that it started, which are of no use to anybody now.
    #[serde(default)]
    pub(super) files: Vec<KeptFile>,
    /// The defaults of the inputs that it refers to, by their ids.
    #[serde(default)]
    pub(super) inputs: BTreeMap<String, String>,
    /// Whether mcpauth has removed it from the file since; it can still be put back.
    #[serde(default)]
    pub(crate) removed: bool,
}

/// A file that an import removed.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct KeptFile {
    pub(crate) path: PathBuf,
    text: String,
    mode: Option<u32>,
}

/// The changes that an import makes to one file.
pub(super) struct FileChange<'a> {
    pub(super) file: &'a ClientFile,
    /// What it becomes.
    pub(super) text: &'a str,
    pub(super) entries: Vec<ImportedEntry>,
}

impl KeptFile {
    /// What there is now; `None` if it is not a text file.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let text = render::read_file(path).ok().flatten()?;
        Some(Self { path: path.into(), text, mode: private_file::mode(path) })
    }

    /// Removes the file, if it is still what is kept.
    ///
    /// # Errors
    /// The file's; also if its program has changed it since.
    pub(super) fn remove(&self) -> Result<(), Error> {
        match render::read_file(&self.path)? {
            None => Ok(()),
            Some(now) if now == self.text => Ok(private_file::remove(&self.path)?),
            Some(_) => Err(changed()),
        }
    }

    /// Puts the file back, unless its program has written another one since.
    ///
    /// # Errors
    /// The file's.
    pub(super) fn put_back(&self) -> Result<(), Error> {
        if self.path.symlink_metadata().is_ok() {
            return Ok(());
        }
        if let Some(folder) = self.path.parent().filter(|folder| !folder.is_dir()) {
            private_file::create_dir(folder)?;
        }
        Ok(private_file::write_as(&self.path, &self.text, self.mode)?)
    }
}

/// Waits until this process is the only one that imports or undoes imports.
///
/// # Errors
/// The lock's.
pub(crate) fn lock(store: &Store, out: &dyn Notices) -> Result<File, Error> {
    let folder = make_folder(store)?;
    let lock = private_file::open_lock(&folder.join(".lock"))?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => {
            out.say("waiting for another mcpauth import, or uninstall, to end");
            lock.lock()?;
        }
        other => other.map_err(std::io::Error::from)?,
    }
    Ok(lock)
}

/// Why a file stays that another program wrote meanwhile.
pub(super) fn changed() -> Error {
    let hint = "close the program that writes it, and run this command again".into();
    Error::Usage { message: "it was changed meanwhile".into(), hint }
}

/// Every record, by path.
///
/// # Errors
/// The file's, and the keyring's.
pub(crate) fn records(store: &Store) -> Result<Vec<ImportRecord>, Error> {
    let entries = std::fs::read_dir(store.user_dir().join(FOLDER)).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    paths.sort();
    let read = |path: PathBuf| {
        let object = store.read_sealed(&path).map_err(VaultError::Store)?;
        let record = object.map(|object| serde_json::from_value(Value::Object(object)));
        record.transpose().map_err(|_| {
            let reason = "it is not the record of an import".into();
            Error::from(VaultError::Store(StoreError::Format { path, reason }))
        })
    };
    let found: Result<Vec<Option<ImportRecord>>, Error> = paths.into_iter().map(read).collect();
    Ok(found?.into_iter().flatten().collect())
}

/// Remembers, before a file becomes another, what it was.
///
/// # Errors
/// The file's, and the keyring's.
pub(super) fn remember(store: &Store, change: &FileChange<'_>) -> Result<(), Error> {
    let FileChange { file, text, entries: new } = change;
    let known = records(store)?.into_iter().find(|known| known.path == file.path);
    let copies = known.as_ref().map(|known| known.copies.clone()).unwrap_or_default();
    // An interrupted run has recorded what it did not write.
    let known = known.filter(|known| known.original.as_ref() != Some(&file.text));
    let (original, mut entries) = match known {
        None => (Some(file.text.clone()), Vec::new()),
        Some(known) if known.written == hash(&file.text) => (known.original, known.entries),
        Some(known) => (None, known.entries),
    };
    entries.retain(|known| !new.iter().any(|new| (&new.root, &new.name) == (&known.root, &known.name)));
    entries.extend(new.iter().cloned());
    let (client, path) = (file.target.client.into(), file.path.clone());
    save(store, &ImportRecord { client, path, original, written: hash(text), entries, copies })
}

/// Remembers an old copy of a client's file.
///
/// # Errors
/// The file's, and the keyring's.
pub(super) fn remember_copy(store: &Store, copy: &FoundCopy, kept: KeptFile) -> Result<(), Error> {
    let known = records(store)?.into_iter().find(|known| known.path == copy.of);
    let original = render::read_file(&copy.of)?;
    let mut record = known.unwrap_or_else(|| ImportRecord {
        client: copy.client.into(),
        path: copy.of.clone(),
        written: hash(original.as_deref().unwrap_or_default()),
        original,
        entries: Vec::new(),
        copies: Vec::new(),
    });
    record.copies.retain(|known| known.path != kept.path);
    record.copies.push(kept);
    save(store, &record)
}

/// Writes a record.
///
/// # Errors
/// The file's, and the keyring's.
pub(super) fn save(store: &Store, record: &ImportRecord) -> Result<(), Error> {
    make_folder(store)?;
    let Value::Object(object) = serde_json::to_value(record).map_err(std::io::Error::other)? else {
        return Ok(());
    };
    let path = file_of(store, &record.path);
    Ok(store.write_sealed(&path, object, &SECRET).map_err(VaultError::Store)?)
}

/// Forgets a record.
///
/// # Errors
/// The file's.
pub(super) fn forget(store: &Store, record: &ImportRecord) -> Result<(), Error> {
    Ok(private_file::remove(&file_of(store, &record.path))?)
}

fn make_folder(store: &Store) -> Result<PathBuf, Error> {
    private_file::create_dir(store.user_dir())?;
    let folder = store.user_dir().join(FOLDER);
    private_file::create_dir(&folder)?;
    Ok(folder)
}

fn file_of(store: &Store, path: &Path) -> PathBuf {
    store.user_dir().join(FOLDER).join(format!("{}.json", hash(&path.to_string_lossy())))
}

/// Only to notice changes.
pub(super) fn hash(text: &str) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
