//! Whether stored tokens may be sent where settings say. Not here: the rule (see `config::provenance`).

use std::path::PathBuf;

use crate::config::{Config, ConfigError, NamedValue};
use crate::credential::Credential;
use crate::store::StoredToken;
use crate::vault::is_clients;

/// A token file and what is in it.
pub(super) type KeptToken = (PathBuf, StoredToken);

/// Whether stored tokens may be sent where these settings say.
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
        let is_its = |by: &&Credential| config.folder(by.id.scope).join(by.id.file_name()) == *path;
        let by = credentials.iter().filter(is_its).find(|by| is_clients(stored, by));
        let owner = config.owner_of_token(path, stored.origin.as_deref(), by.map(|by| &by.owner));
        places.iter().try_for_each(|place| config.may_go(&owner, place))?;
    }
    Ok(())
}
