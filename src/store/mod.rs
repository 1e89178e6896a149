//! Keeps credentials: one JSON file each, in the registry's scripts' names and fields, its secrets in the file or in the
//! system's keyring. It leaves "is it still good" to `vault`.

mod error;
mod format;
mod keyring;
mod lock;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

pub use error::StoreError;
pub use format::{LoginNotes, StoredToken};
pub use lock::Lock;

use crate::credential::{Credential, CredentialId, CredentialKind};
use crate::oauth::{Epoch, TokenSet};
use crate::secret::Secret;
use crate::sys::private_file::{self, Draft};

/// The room that is taken for a credential's file, in bytes: most have a tenth of it, a token of a few hundred groups fits.
const ROOM: u64 = 32 << 10;

/// Where the secrets go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// Into the 0600 file, as the registry's scripts do.
    #[default]
    File,
    /// Into the system's keyring; the file keeps the rest.
    Keyring,
}

/// The tokens directory.
#[derive(Clone, Debug)]
pub struct Store {
    dir: PathBuf,
    storage: Storage,
}

/// Where a credential will be kept: its file is there, with room in it, before anything is asked for that is given once.
#[derive(Debug)]
pub struct ReservedFile {
    path: PathBuf,
    draft: Draft,
}

/// A token file without its secrets.
#[derive(Clone, Debug)]
pub struct TokenMetadata {
    /// Where the secrets are.
    pub storage: Storage,
    /// Its other members.
    pub members: Map<String, Value>,
}

impl Store {
    /// A store in `dir`, which is made when something is first written.
    pub fn new(dir: &Path, storage: Storage) -> Self {
        Self { dir: dir.into(), storage }
    }

    /// The tokens directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where a credential's file is.
    pub fn path(&self, id: &CredentialId) -> PathBuf {
        self.dir.join(id.file_name())
    }

    /// What is kept of a credential, if anything.
    ///
    /// # Errors
    /// As [`StoreError`] says.
    pub fn read(&self, id: &CredentialId) -> Result<Option<StoredToken>, StoreError> {
        self.read_file(&self.path(id))
    }

    /// What a file of this directory holds.
    ///
    /// # Errors
    /// As [`StoreError`] says.
    pub fn read_file(&self, path: &Path) -> Result<Option<StoredToken>, StoreError> {
        private_file::check_dir(&self.dir)?;
        let Some(text) = private_file::read(path)? else { return Ok(None) };
        self.decode(path, &text)
    }

    /// What `text`, of the file at `path` or to be there, holds.
    fn decode(&self, path: &Path, text: &str) -> Result<Option<StoredToken>, StoreError> {
        let odd = |reason: String| StoreError::Format { path: path.into(), reason };
        let mut object = format::parse(text).map_err(odd)?;
        if format::is_in_keyring(&object) {
            match (keyring::fill(path, &mut object), self.storage) {
                (Ok(true), _) => {}
                // Whoever asks for files has none here: it is got again, rather than never.
                (Ok(false), _) | (Err(_), Storage::File) => return Ok(None),
                (Err(error), Storage::Keyring) => return Err(error),
            }
        }
        format::decode(&object).map(Some).map_err(odd)
    }

    /// Makes room for a credential: what cannot be kept is better not asked for.
    ///
    /// # Errors
    /// As [`StoreError`] says: a full disk, a keyring that keeps nothing.
    pub fn prepare(&self, id: &CredentialId) -> Result<ReservedFile, StoreError> {
        private_file::create_dir_ignored(&self.dir)?;
        let path = self.path(id);
        if self.storage == Storage::Keyring {
            keyring::probe()?;
        }
        let now = path.symlink_metadata().map_or(0, |about| about.len());
        let draft = Draft::begin(&path, ROOM.max(2 * now))?;
        Ok(ReservedFile { path, draft })
    }

    /// Keeps a token. The file is whole and private at every moment. A keyring replaces its entry in one step, before the
    /// file says so: between the two the file describes the old token, which is then merely renewed too early.
    ///
    /// # Errors
    /// As [`StoreError`] says.
    pub fn write(
        &self,
        place: ReservedFile,
        credential: &Credential,
        token: &TokenSet,
        notes: &LoginNotes,
        now: Epoch,
    ) -> Result<PathBuf, StoreError> {
        let ReservedFile { path, draft } = place;
        let mut object = format::encode(credential, token, notes, now);
        if self.storage == Storage::Keyring {
            keyring::take(&path, &mut object)?;
        }
        draft.finish(&format::print(&object))?;
        Ok(path)
    }

    /// Puts what a killed run had written, and had not yet put in its place, there; removes what it had not written to its
    /// end. To be called under the credential's lock, or it may be somebody's who is at work. `is_better` says whether a
    /// draft's credential is to replace what is kept. Whether anything was taken up.
    ///
    /// # Errors
    /// As [`StoreError`] says.
    pub fn take_up(
        &self,
        id: &CredentialId,
        is_better: impl Fn(&StoredToken, Option<&StoredToken>) -> bool,
    ) -> Result<bool, StoreError> {
        let (path, mut taken) = (self.path(id), false);
        for draft in private_file::left(&path) {
            // Neither ours nor private: nothing to do with us.
            let Ok(Some(text)) = private_file::read_left(&draft) else { continue };
            let found = self.decode(&path, &text).ok().flatten();
            let kept = self.read_file(&path).ok().flatten();
            if found.is_some_and(|found| is_better(&found, kept.as_ref())) {
                private_file::take_up(&draft, &path)?;
                taken = true;
            } else {
                private_file::remove(&draft)?;
            }
        }
        Ok(taken)
    }

    /// Whether a draft that a killed run left holds a credential, which whoever wants it next takes up.
    pub fn is_whole(draft: &Path) -> bool {
        let text = private_file::read_left(draft).ok().flatten();
        text.and_then(|text| format::parse(&text).ok())
            .is_some_and(|object| object.contains_key("access_token"))
    }

    /// What a file says beside its secrets, and where those are. The keyring is not asked.
    ///
    /// # Errors
    /// As [`StoreError`] says.
    pub fn look(&self, path: &Path) -> Result<Option<TokenMetadata>, StoreError> {
        private_file::check_dir(&self.dir)?;
        let Some(text) = private_file::read(path)? else { return Ok(None) };
        let mut members =
            format::parse(&text).map_err(|reason| StoreError::Format { path: path.into(), reason })?;
        let storage = if format::is_in_keyring(&members) { Storage::Keyring } else { Storage::File };
        members.retain(|name, _| !format::SECRETS.contains(&name.as_str()));
        Ok(Some(TokenMetadata { storage, members }))
    }

    /// Removes a file of this directory, with what the keyring holds for it: an entry from the days of another
    /// `--storage` included. `false` if there was no file.
    ///
    /// # Errors
    /// As [`StoreError`] says. A file whose secrets are in a keyring that does not answer stays: it is what remembers
    /// that they are there.
    pub fn remove(&self, path: &Path) -> Result<bool, StoreError> {
        // A file that cannot be read may still be removed.
        let in_keyring = matches!(self.look(path), Ok(Some(TokenMetadata { storage: Storage::Keyring, .. })));
        match keyring::forget(path) {
            Err(error) if in_keyring => return Err(error),
            // Where no keyring is, nothing is in it.
            _ => {}
        }
        let left = private_file::left(path);
        let there = path.symlink_metadata().is_ok() || !left.is_empty();
        for path in left.iter().map(PathBuf::as_path).chain([path]) {
            private_file::remove(path)?;
        }
        Ok(there)
    }

    /// Removes an agent's `NAME.env`, which has its token, too.
    ///
    /// # Errors
    /// As [`StoreError`] says.
    pub fn remove_agent_env(&self, name: &str) -> Result<(), StoreError> {
        Ok(private_file::remove(&self.dir.join(format!("{name}.env")))?)
    }

    /// Writes an agent's `NAME.env`: export lines for a shell, as the registry's scripts have them. Others have none.
    ///
    /// # Errors
    /// As [`StoreError`] says.
    pub fn write_agent_env(&self, credential: &Credential, token: &TokenSet) -> Result<(), StoreError> {
        if credential.id.kind != CredentialKind::Agent {
            return Ok(());
        }
        let path = self.dir.join(format!("{}.env", credential.id.name));
        private_file::write(&path, &format::agent_env(credential, token))?;
        Ok(())
    }

    /// Waits until this process is the only one to work on a credential. `waiting` is called if another one is first.
    ///
    /// # Errors
    /// As [`StoreError`] says.
    pub async fn lock(&self, id: &CredentialId, waiting: impl FnOnce()) -> Result<Lock, StoreError> {
        let folder = self.dir.join(".locks");
        private_file::create_dir_ignored(&self.dir)?;
        private_file::create_dir(&folder)?;
        Lock::acquire(&folder.join(format!("{}.lock", id.file_name())), waiting).await
    }

    /// Writes, reads and deletes a trial entry: the only way to know whether the keyring really keeps anything.
    ///
    /// # Errors
    /// [`StoreError::Keyring`] with the cause.
    pub fn probe_keyring() -> Result<(), StoreError> {
        keyring::probe()
    }

    /// The files in the directory that have one of these tokens in them: client configurations, the registry's scripts' caches.
    pub fn copies_of(&self, tokens: &[&Secret]) -> Vec<PathBuf> {
        let holds = |path: &PathBuf| {
            let text = private_file::read(path).ok().flatten().map(Secret::new);
            text.is_some_and(|text| tokens.iter().any(|token| text.expose().contains(token.expose())))
        };
        self.files().into_iter().filter(holds).collect()
    }

    /// Every token file in the directory, by name.
    pub fn files(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(&self.dir) else { return Vec::new() };
        let mut files: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect();
        files.sort();
        files
    }
}
