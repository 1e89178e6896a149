//! The secrets of local servers as variables of an environment, and tokens under names of the user's choice. Not here:
//! storing secrets (see `store`); the variables of a remote server's headers (see `variables`).

use super::credentials;
use super::variables::Variables;
use crate::config::Config;
use crate::error::Error;
use crate::store::StoredSecret;
use crate::text::clean;
use crate::vault::{Vault, VaultError};

/// A variable that gets a credential's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenVariable {
    /// The variable.
    pub(crate) name: String,
    /// The credential, by its name; if none is named, the server's.
    pub(crate) credential: Option<String>,
}

/// The secrets of a local server, by variable; none if it has none.
///
/// # Errors
/// The store's and a command's.
pub(crate) async fn secrets_of(config: &Config, vault: &Vault, server: &str) -> Result<Variables, Error> {
    let mut variables = Variables::new();
    for (name, secret) in vault.store.secrets(server).map_err(VaultError::Store)? {
        let value = match secret {
            StoredSecret::Value(value) => value,
            StoredSecret::Command(_) if !config.trusts_commands() => return Err(distrusted(server, &name)),
            StoredSecret::Command(command) => {
                let what = || format!("{name} of {}", clean(server, 80));
                let printed = vault.commands.secret(&command, None).await;
                printed.map_err(|source| VaultError::CommandOf { what: what(), source })?
            }
        };
        variables.push((name, value));
    }
    Ok(variables)
}

/// The tokens of these credentials, renewed if they are due.
///
/// # Errors
/// [`Error::Usage`] for an unknown credential, and the vault's.
pub(crate) async fn mapped(
    config: &Config,
    vault: &Vault,
    wanted: &[TokenVariable],
    server: &str,
) -> Result<Variables, Error> {
    let all = credentials::all(config, &vault.store);
    let mut variables = Variables::new();
    for TokenVariable { name, credential } in wanted {
        let known = credentials::find_by_name(&all, credential.as_deref().unwrap_or(server))?;
        variables.push((name.clone(), known.fresh(vault).await?.token.access_token));
    }
    Ok(variables)
}

fn distrusted(server: &str, variable: &str) -> Error {
    let what = format!("{} of {}", clean(variable, 80), clean(server, 80));
    Error::Usage {
        message: format!("{what} is a command in a folder of credentials that nobody named"),
        hint: "name the folder with --tokens-dir, or set HOME".into(),
    }
}
