//! Whether kept tokens may go where settings say. It leaves the rule to `config::provenance`.

use std::path::PathBuf;

use crate::config::{Config, ConfigError, NamedValue};
use crate::credential::Credential;
use crate::store::StoredToken;
use crate::vault::is_clients;

/// A token file and what is in it.
pub(super) type KeptToken = (PathBuf, StoredToken);

/// Whether kept tokens may go where these settings say.
///
/// # Errors
/// [`ConfigError::Provenance`].
pub(super) fn may_go(
    config: &Config,
    credentials: &[Credential],
    tokens: &[&KeptToken],
    places: &[NamedValue],
) -> Result<(), ConfigError> {
    for (path, stored) in tokens {
        let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let by = credentials.iter().find(|by| by.id.file_name() == file && is_clients(stored, by));
        let owner = config.owner_of_token(path, stored.origin.as_deref(), by.map(|by| &by.owner));
        places.iter().try_for_each(|place| config.may_go(&owner, place))?;
    }
    Ok(())
}
