//! Checks where secrets are stored, and whether the keyring works. Not here: the files (see `files`).

use std::time::Duration;

use crate::config::{Config, StorageChoice};
use crate::doctor::finding::Finding;
use crate::error::Error;
use crate::store::{Storage, Store, StoreError};
use crate::vault::VaultError;

const KEYRING_CHECK: &str = "storage.keyring";
/// A locked keyring asks the user, who may not be there.
const KEYRING_TIMEOUT: Duration = Duration::from_secs(5);

/// The storage in use and its state.
pub(super) async fn check(config: &Config) -> (Finding, Storage) {
    let folders: Vec<String> = config.folders().into_iter().map(|dir| dir.display().to_string()).collect();
    let files = format!("secrets are stored in 0600 files in {}", folders.join(" and "));
    let choice = match config.storage() {
        Ok(choice) => choice,
        Err(error) => return (Finding::error(KEYRING_CHECK, &error.into(), "mcpauth doctor"), Storage::File),
    };
    if choice == StorageChoice::File {
        return (Finding::ok(KEYRING_CHECK, files), Storage::File);
    }
    match probe().await {
        Ok(()) => (Finding::ok(KEYRING_CHECK, "secrets are stored in the system keyring"), Storage::Keyring),
        Err(error) if choice == StorageChoice::Auto => {
            let remedy = "unlock or start the system keyring, or set MCPAUTH_STORAGE=file";
            (Finding::warn(KEYRING_CHECK, files, remedy).because(error.to_string()), Storage::File)
        }
        Err(error) => {
            let error = Error::from(VaultError::from(error));
            (Finding::error(KEYRING_CHECK, &error, "mcpauth doctor"), Storage::File)
        }
    }
}

async fn probe() -> Result<(), StoreError> {
    let probe = tokio::task::spawn_blocking(Store::probe_keyring);
    let late =
        || StoreError::Keyring(format!("no answer within {} s; it may be locked", KEYRING_TIMEOUT.as_secs()));
    match tokio::time::timeout(KEYRING_TIMEOUT, probe).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) | Err(_) => Err(late()),
    }
}
