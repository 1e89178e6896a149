//! Where secrets go, and whether the keyring keeps them. It leaves the files to `files`.

use std::time::Duration;

use crate::config::{Config, StorageChoice};
use crate::doctor::finding::Finding;
use crate::error::Error;
use crate::store::{Storage, Store, StoreError};
use crate::vault::VaultError;

const CHECK: &str = "storage.keyring";
/// A keyring that is locked asks a person, who may not be there.
const WITHIN: Duration = Duration::from_secs(5);

/// The storage in use, and how it stands.
pub(super) async fn check(config: &Config) -> (Finding, Storage) {
    let files = format!("secrets are kept in 0600 files in {}", config.tokens_dir.display());
    let choice = match config.storage() {
        Ok(choice) => choice,
        Err(error) => return (Finding::error(CHECK, &error.into(), "mcpauth doctor"), Storage::File),
    };
    if choice == StorageChoice::File {
        return (Finding::ok(CHECK, files), Storage::File);
    }
    match probe().await {
        Ok(()) => (Finding::ok(CHECK, "secrets are kept in the system keyring"), Storage::Keyring),
        Err(error) if choice == StorageChoice::Auto => {
            let remedy = "unlock or start the system's keyring, if it is meant; or say: MCPAUTH_STORAGE=file";
            (Finding::warn(CHECK, files, remedy).because(error.to_string()), Storage::File)
        }
        Err(error) => {
            let error = Error::from(VaultError::from(error));
            (Finding::error(CHECK, &error, "mcpauth doctor"), Storage::File)
        }
    }
}

async fn probe() -> Result<(), StoreError> {
    let probe = tokio::task::spawn_blocking(Store::probe_keyring);
    let late = || StoreError::Keyring(format!("no answer within {} s; it may be locked", WITHIN.as_secs()));
    match tokio::time::timeout(WITHIN, probe).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) | Err(_) => Err(late()),
    }
}
