//! The system's keyring (Secret Service, Keychain, Credential Manager) for the members of a file that hold secrets. The
//! file remains, without them. Not here: choosing between file and keyring (see `config`).

use std::path::Path;

use ::keyring::{Entry, Error};
use serde_json::{Map, Value};

use crate::store::StoreError;
use crate::sys::paths;

const SERVICE: &str = "mcpauth";

/// Moves the members that are `secret` from `object` into the keyring.
pub(super) fn take(path: &Path, object: &mut Map<String, Value>, secret: &[&str]) -> Result<(), StoreError> {
    let mut secrets = Map::new();
    for name in secret {
        if let Some(value) = object.get_mut(*name) {
            secrets.insert((*name).into(), value.take());
        }
    }
    object.insert("storage".into(), "keyring".into());
    let text = zeroize::Zeroizing::new(Value::Object(secrets).to_string());
    entry(path)?.set_password(&text).map_err(broken)
}

/// Puts the secrets back into `object`; `false` if the keyring has none for this file.
pub(super) fn fill(path: &Path, object: &mut Map<String, Value>) -> Result<bool, StoreError> {
    let text = match entry(path)?.get_password() {
        Ok(text) => zeroize::Zeroizing::new(text),
        Err(Error::NoEntry) => return Ok(false),
        Err(error) => return Err(broken(error)),
    };
    let Ok(Value::Object(secrets)) = serde_json::from_str(&text) else { return Ok(false) };
    object.extend(secrets);
    Ok(true)
}

/// Deletes the keyring's entry for this file, if any.
pub(super) fn forget(path: &Path) -> Result<(), StoreError> {
    match entry(path)?.delete_credential() {
        Ok(()) | Err(Error::NoEntry) => Ok(()),
        Err(error) => Err(broken(error)),
    }
}

/// Whether the keyring keeps what it is given: some accept a write and lose it, some fail only on writing.
pub(super) fn probe() -> Result<(), StoreError> {
    let entry = Entry::new(SERVICE, "probe").map_err(broken)?;
    entry.set_password("probe").map_err(broken)?;
    let kept = entry.get_password().map_err(broken)?;
    entry.delete_credential().map_err(broken)?;
    if kept == "probe" {
        Ok(())
    } else {
        Err(StoreError::Keyring("it does not store what is written".into()))
    }
}

fn entry(path: &Path) -> Result<Entry, StoreError> {
    Entry::new(SERVICE, &paths::absolute(path).to_string_lossy()).map_err(broken)
}

/// The error's own message names the platform's cause and no secret.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn broken(error: Error) -> StoreError {
    StoreError::Keyring(error.to_string())
}
