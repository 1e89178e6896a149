//! Stores credentials: one JSON file each, with the registry's scripts' names and fields, its secrets in the file or
//! in the system's keyring. There are two folders, the project's and the user's own, and a credential's id says in
//! which it is. Not here: whether a token is still valid (see `vault`); where the folders are (see `config`).

mod error;
mod format;
mod keyring;
mod lock;
mod sealed;
mod secrets;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

pub use error::StoreError;
pub use format::{LoginNotes, StoredToken};
pub use lock::Lock;
pub use sealed::{is_sealed, seal, unseal};
pub use secrets::{ServerSecrets, StoredSecret};

use crate::credential::{Credential, CredentialId, CredentialKind, StoreScope};
use crate::oauth::{Epoch, TokenSet};
use crate::secret::Secret;
use crate::sys::private_file::{self, Draft};

/// The space reserved for a credential's file, in bytes: most need a tenth of it, a token with a few hundred groups
/// fits.
const ROOM: u64 = 32 << 10;

/// Where the secrets are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// In the 0600 file, as the registry's scripts do.
    #[default]
    File,
    /// In the system's keyring; the file has the rest.
    Keyring,
}

impl Storage {
    /// Its name for people and programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Keyring => "keyring",
        }
    }
}

/// The two folders of credentials, which may be one.
#[derive(Clone, Debug)]
pub struct Store {
    /// The project's.
    dir: PathBuf,
    /// The user's own.
    user: PathBuf,
    storage: Storage,
}

/// A reserved file for a credential: it exists, with enough space, before anything is requested that is issued only
/// once.
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
    /// With the project's folder and the user's own, each of which is created on the first write.
    pub fn new(dir: &Path, user: &Path, storage: Storage) -> Self {
        Self { dir: dir.into(), user: user.into(), storage }
    }

    /// Where the secrets are stored.
    pub fn storage(&self) -> Storage {
        self.storage
    }

    /// The project's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The user's own folder.
    pub fn user_dir(&self) -> &Path {
        &self.user
    }

    /// Where a credential's file is.
    pub fn path(&self, id: &CredentialId) -> PathBuf {
        self.folder(id.scope).join(id.file_name())
    }

    /// The store that a file is in.
    pub fn scope_of(&self, path: &Path) -> StoreScope {
        let is_users = self.user != self.dir && path.parent() == Some(&self.user);
        if is_users { StoreScope::User } else { StoreScope::Project }
    }

    fn folder(&self, scope: StoreScope) -> &Path {
        match scope {
            StoreScope::Project => &self.dir,
            StoreScope::User => &self.user,
        }
    }

    /// Creates the folder: one in a project is kept out of commits.
    fn make_folder(&self, scope: StoreScope) -> Result<&Path, StoreError> {
        let folder = self.folder(scope);
        match scope {
            StoreScope::Project => private_file::create_dir_ignored(folder)?,
            StoreScope::User => private_file::create_dir(folder)?,
        }
        Ok(folder)
    }

    /// What is stored for a credential, if anything.
    pub fn read(&self, id: &CredentialId) -> Result<Option<StoredToken>, StoreError> {
        self.read_file(&self.path(id))
    }

    /// The content of a file in one of the folders.
    pub fn read_file(&self, path: &Path) -> Result<Option<StoredToken>, StoreError> {
        check_folder(path)?;
        let Some(text) = private_file::read(path)? else { return Ok(None) };
        self.decode(path, &text)
    }

    /// The content of `text`, of the existing or future file at `path`.
    fn decode(&self, path: &Path, text: &str) -> Result<Option<StoredToken>, StoreError> {
        let odd = |reason: String| StoreError::Format { path: path.into(), reason };
        let mut object = format::parse(text).map_err(odd)?;
        if format::is_in_keyring(&object) {
            match (keyring::fill(path, &mut object), self.storage) {
                (Ok(true), _) => {}
                // With file storage its secrets are missing: it is obtained again, rather than never.
                (Ok(false), _) | (Err(_), Storage::File) => return Ok(None),
                (Err(error), Storage::Keyring) => return Err(error),
            }
        }
        format::decode(&object).map(Some).map_err(odd)
    }

    /// Reserves space for a credential: what cannot be stored must not be requested.
    ///
    /// # Errors
    /// As [`StoreError`] says: a full disk, a keyring that does not work.
    pub fn prepare(&self, id: &CredentialId) -> Result<ReservedFile, StoreError> {
        let path = self.make_folder(id.scope)?.join(id.file_name());
        if self.storage == Storage::Keyring {
            keyring::probe()?;
        }
        let now = path.symlink_metadata().map_or(0, |about| about.len());
        let draft = Draft::begin(&path, ROOM.max(2 * now))?;
        Ok(ReservedFile { path, draft })
    }

    /// Stores a token. The file is complete and private at every moment. A keyring replaces its entry in one step,
    /// before the file: in between the file describes the old token, which is then merely renewed too early.
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
            keyring::take(&path, &mut object, &format::SECRETS)?;
        }
        draft.finish(&format::print(&object))?;
        Ok(path)
    }

    /// Puts in place what an interrupted run had written completely, and removes incomplete drafts. Must be called
    /// under the credential's lock, or a draft may belong to a running process. `is_better` decides whether a draft's
    /// credential replaces the stored one. Returns whether any did.
    pub fn take_up(
        &self,
        id: &CredentialId,
        is_better: impl Fn(&StoredToken, Option<&StoredToken>) -> bool,
    ) -> Result<bool, StoreError> {
        let (path, mut taken) = (self.path(id), false);
        for draft in private_file::left(&path) {
            // Neither ours nor private: not ours to touch.
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

    /// Whether a draft of an interrupted run contains a credential, which the next run that needs it takes over.
    pub fn is_whole(draft: &Path) -> bool {
        let text = private_file::read_left(draft).ok().flatten();
        text.and_then(|text| format::parse(&text).ok())
            .is_some_and(|object| object.contains_key("access_token"))
    }

    /// A file's content without its secrets, and where those are. The keyring is not asked.
    pub fn look(&self, path: &Path) -> Result<Option<TokenMetadata>, StoreError> {
        check_folder(path)?;
        let Some(text) = private_file::read(path)? else { return Ok(None) };
        let mut members =
            format::parse(&text).map_err(|reason| StoreError::Format { path: path.into(), reason })?;
        let storage = if format::is_in_keyring(&members) { Storage::Keyring } else { Storage::File };
        members.retain(|name, _| !format::SECRETS.contains(&name.as_str()));
        Ok(Some(TokenMetadata { storage, members }))
    }

    /// Removes a file in one of the folders, with the keyring's entry for it, including one from an earlier `--storage`.
    /// `false` if there was no file.
    ///
    /// # Errors
    /// As [`StoreError`] says. A file whose keyring does not answer stays: it records that the secrets are there.
    pub fn remove(&self, path: &Path) -> Result<bool, StoreError> {
        // An unreadable file may still be removed.
        let in_keyring = matches!(self.look(path), Ok(Some(TokenMetadata { storage: Storage::Keyring, .. })));
        match keyring::forget(path) {
            Err(error) if in_keyring => return Err(error),
            // Without a keyring, nothing is in it.
            _ => {}
        }
        let left = private_file::left(path);
        let there = path.symlink_metadata().is_ok() || !left.is_empty();
        for path in left.iter().map(PathBuf::as_path).chain([path]) {
            private_file::remove(path)?;
        }
        Ok(there)
    }

    /// Removes an agent's `NAME.env`, which contains its token, too.
    pub fn remove_agent_env(&self, name: &str) -> Result<(), StoreError> {
        Ok(private_file::remove(&self.dir.join(format!("{name}.env")))?)
    }

    /// Writes an agent's `NAME.env`: export lines for a shell, in the registry's scripts' format. Only agents have
    /// one.
    pub fn write_agent_env(&self, credential: &Credential, token: &TokenSet) -> Result<(), StoreError> {
        if credential.id.kind != CredentialKind::Agent {
            return Ok(());
        }
        let path = self.dir.join(format!("{}.env", credential.id.name));
        private_file::write(&path, &format::agent_env(credential, token))?;
        Ok(())
    }

    /// Waits until this process is the only one that works on a credential. `waiting` is called if another one is
    /// first.
    pub async fn lock(&self, id: &CredentialId, waiting: impl FnOnce()) -> Result<Lock, StoreError> {
        let folder = self.make_folder(id.scope)?.join(".locks");
        private_file::create_dir(&folder)?;
        Lock::acquire(&folder.join(format!("{}.lock", id.file_name())), waiting).await
    }

    /// Writes, reads and deletes a test entry: the only way to know whether the keyring really stores anything.
    ///
    /// # Errors
    /// [`StoreError::Keyring`] with the cause.
    pub fn probe_keyring() -> Result<(), StoreError> {
        keyring::probe()
    }

    /// The files in the folders that contain one of these tokens: client configurations, the registry's scripts'
    /// caches.
    pub fn copies_of(&self, tokens: &[&Secret]) -> Vec<PathBuf> {
        let holds = |path: &PathBuf| {
            let text = private_file::read(path).ok().flatten().map(Secret::new);
            text.is_some_and(|text| tokens.iter().any(|token| text.expose().contains(token.expose())))
        };
        self.files().into_iter().filter(holds).collect()
    }

    /// Every token file, by name; the project's first.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = files_in(&self.dir);
        if self.user != self.dir {
            files.extend(files_in(&self.user));
        }
        files
    }
}

fn files_in(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    files
}

/// Whether the files next to `path` can be ours.
fn check_folder(path: &Path) -> Result<(), StoreError> {
    Ok(path.parent().map_or(Ok(()), private_file::check_dir)?)
}
