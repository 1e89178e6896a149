//! Stores the keys and secrets that an entry holds, after its server has accepted them. Not here: logins (see `login`); the files
//! (see `take`).

use url::Url;

use super::plan::{KeyPlan, LocalPlan, Trial};
use super::reach::{Reach, exec, left, names, no_name};
use crate::clients::launch::users_command;
use crate::config::{Config, Registered};
use crate::error::Error;
use crate::login::{KeyRequest, KeySource, keep_key, try_server};
use crate::secret::Secret;
use crate::store::StoredSecret;
use crate::vault::{Vault, VaultError};

/// Stores a key.
///
/// # Errors
/// The server's refusal, and the store's.
pub(super) async fn store_key(
    base: &str,
    plan: &KeyPlan,
    config: &Config,
    vault: &Vault,
) -> Result<Reach, Error> {
    for name in names(base) {
        let is_same = match config.registered_as(&name)? {
            None if vault.store.secrets(&name).is_ok_and(|secrets| secrets.is_empty()) => false,
            Some(Registered::Key(kept))
                if kept.url == plan.url && kept.sent.header.eq_ignore_ascii_case(&plan.header) =>
            {
                let credential = config.key(&name, &kept).credential?;
                let stored = vault.kept(&credential).ok().flatten();
                if stored.is_none_or(|stored| stored.token.access_token != plan.key) {
                    continue;
                }
                true
            }
            _ => continue,
        };
        if !is_same {
            let request = KeyRequest {
                url: plan.url.clone(),
                name: name.clone(),
                header: plan.header.clone(),
                format: plan.format.clone(),
                key: KeySource::Entered(plan.key.clone()),
                expires_at: None,
            };
            keep_key(&request, config, vault).await?;
        }
        let words = ["bridge".to_owned(), name.clone()].into_iter().chain(plan.rest.clone()).collect();
        let used = plan.used.iter().cloned().chain([plan.header.clone()]).collect();
        let url = plan.url.to_string();
        return Ok(Reach { name, url, words, used, may_help: true, login: None });
    }
    Err(no_name())
}

/// Stores the secrets of a command.
///
/// # Errors
/// The store's, and of a bridge the server's refusal.
pub(super) async fn store_secrets(
    base: &str,
    plan: &LocalPlan,
    config: &Config,
    vault: &Vault,
) -> Result<Reach, Error> {
    if let Some(trial) = &plan.bridge {
        try_bridge(trial, vault).await.map_err(|error| without(error, &plan.secrets))?;
    }
    for name in names(base) {
        if config.registered_as(&name)?.is_some() {
            continue;
        }
        let known = vault.store.secrets(&name).map_err(VaultError::Store)?;
        let differs = |(variable, value): &(String, Secret)| {
            known.get(variable).is_some_and(|known| *known != StoredSecret::Value(value.clone()))
        };
        // Another server's secrets must not get into this one's environment.
        let is_others = known.keys().any(|variable| !plan.secrets.iter().any(|(own, _)| own == variable));
        if is_others || plan.secrets.iter().any(differs) {
            continue;
        }
        for (variable, value) in &plan.secrets {
            let secret = StoredSecret::Value(value.clone());
            vault.store.put_secret(&name, variable, secret).map_err(VaultError::Store)?;
        }
        // Tried: what the command will get is what the file had.
        let stored = vault.store.secrets(&name).map_err(VaultError::Store)?;
        let is_there = |(variable, value): &(String, Secret)| {
            stored.get(variable) == Some(&StoredSecret::Value(value.clone()))
        };
        if !plan.secrets.iter().all(is_there) {
            return Err(left("the store did not give back what was stored"));
        }
        let used = plan.secrets.iter().map(|(variable, _)| variable.clone()).collect();
        let own = if plan.bridge.is_some() { users_command(config)? } else { Vec::new() };
        return Ok(exec(&name, &[own, plan.words.clone()].concat(), used));
    }
    Err(no_name())
}

/// Whether a server answers with these headers at this address.
async fn try_bridge(trial: &Trial, vault: &Vault) -> Result<(), Error> {
    let odd = || left("its address is not a URL");
    let url = Url::parse(trial.url.expose()).map_err(|_| odd())?;
    let headers = trial.headers.iter().map(|(name, value)| (name.as_str(), value.clone()));
    try_server(&vault.http, &url, headers.collect()).await
}

/// The error, unless it repeats a secret: an address may be one.
fn without(error: Error, secrets: &[(String, Secret)]) -> Error {
    let said = format!("{error} {}", error.hint("mcpauth import"));
    let is_said = secrets.iter().any(|(_, secret)| secret.scrub(said.clone()) != said);
    if is_said { left("the server does not take what the entry sends") } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_repeats_a_secret_in_any_spelling_is_not_passed_on() {
        let secrets = [("KEY".to_owned(), Secret::new("p%ss/w\"rd k3y+4=="))];
        let passed = |message: &str, hint: &str| {
            let error = Error::Usage { message: message.into(), hint: hint.into() };
            without(error, &secrets).to_string()
        };
        for spelling in [
            "p%ss/w\"rd k3y+4==",
            "p%25ss%2Fw%22rd%20k3y%2B4%3D%3D",
            "p%25ss%2fw%22rd+k3y%2b4%3d%3d",
            r#"p%ss\/w\"rd k3y+4=="#,
            "cCVzcy93InJkIGszeSs0PT0=",
        ] {
            for (message, hint) in [(format!("no answer from ?k={spelling}"), ""), (String::new(), spelling)]
            {
                assert!(!passed(&message, hint).contains("no answer"), "{spelling}");
                assert_eq!(
                    passed(&message, hint),
                    "the server does not take what the entry sends",
                    "{spelling}"
                );
            }
        }
        assert_eq!(passed("no answer", "try again"), "no answer");
    }
}
