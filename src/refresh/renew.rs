//! One attempt to renew one credential: what is tried, what its file shows, and what a failure means to the schedule.
//! Not here: when (see `refresh::Schedule`); a person's runs (see `cli::flows`), which reuse a token until the vault
//! renews it, and not until a buffer that is set here.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::plan::{Epoch, Lifetime};
use super::schedule::{AttemptOutcome as Meaning, CredentialSnapshot};
use crate::credential::Credential;
use crate::error::{Error, Exit};
use crate::flow::FlowError;
use crate::oauth::{ReplyError, TokenSet};
use crate::secret::Secret;
use crate::sys::clock;
use crate::vault::{IssuedToken, TokenOutcome, Vault, VaultError};

/// How many requests one issuer gets at once: a hanging one must not block the others.
const AT_ONCE: usize = 8;

/// The request slots, issuer by issuer.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<BTreeMap<String, Arc<Semaphore>>>);

impl Turns {
    /// The slots of a credential's issuer.
    pub(crate) fn of(&self, credential: &Credential) -> Arc<Semaphore> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Semaphore::new(AT_ONCE));
        turns.entry(credential.issuer.clone()).or_insert_with(new).clone()
    }

    /// Nobody who is still waiting gets a slot.
    pub(crate) fn close(&self) {
        let turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.values().for_each(|turns| turns.close());
    }
}

/// Another token than the stored one, if that is due or `force`; the first one if nothing is stored.
///
/// # Errors
/// The vault's errors: also while the stored token is valid, since the schedule must know.
pub(crate) async fn renew(
    vault: &Vault,
    credential: &Credential,
    buffer: Epoch,
    force: bool,
) -> Result<IssuedToken, Error> {
    let is_key = credential.key().is_some();
    let is_due = |token: &TokenSet| !is_key && life(token).due(buffer).is_some_and(|at| at <= clock::now());
    let fresh = match vault.kept(credential).map_err(VaultError::Store)? {
        Some(stored) if is_key || !force && !is_due(&stored.token) => {
            return Ok(IssuedToken {
                stored,
                outcome: TokenOutcome::Reused,
                path: vault.store.path(&credential.id),
            });
        }
        Some(stored) => vault.renew_refused(credential, &stored.token.access_token).await?,
        None => vault.fresh(credential, false).await?,
    };
    vault.store.write_agent_env(credential, &fresh.stored.token).map_err(VaultError::Store)?;
    Ok(fresh)
}

/// What the schedule learns about a credential. A file that cannot be read counts as missing: the attempt reports
/// why.
pub(crate) fn seen(vault: &Vault, credential: &Credential, marks: &RandomState) -> CredentialSnapshot {
    let token = vault.kept(credential).ok().flatten().map(|stored| stored.token);
    let text = |secret: Option<&Secret>| marks.hash_one(secret.map(Secret::expose));
    let client = &credential.client;
    let mark = marks.hash_one((
        &credential.issuer,
        &client.id,
        text(client.auth.secret()),
        text(token.as_ref().map(|token| &token.access_token)),
    ));
    CredentialSnapshot { mark, life: token.as_ref().map(life) }
}

/// What a failure means for the next attempt.
pub(crate) fn meaning(error: &Error) -> Meaning {
    let settings_fault = error.exit() == Exit::Usage;
    match error {
        Error::Vault(VaultError::NeedsPerson { .. } | VaultError::ClientForgotten { .. }) => {
            Meaning::NeedsPerson
        }
        // A 4xx without an OAuth error may come from a proxy in front of a server that is just starting.
        Error::Vault(VaultError::Flow(FlowError::Reply {
            reply: reply @ (ReplyError::Refused { .. } | ReplyError::TokenType(_)),
            ..
        })) if reply.is_no() => Meaning::Refused,
        // An issuer whose metadata is missing or broken may just be starting.
        Error::Vault(VaultError::Flow(
            FlowError::Discovery(_) | FlowError::NoEndpoint { .. } | FlowError::Metadata { .. },
        )) => Meaning::Failed,
        _ if settings_fault => Meaning::Refused,
        _ => Meaning::Failed,
    }
}

fn life(token: &TokenSet) -> Lifetime {
    Lifetime { issued_at: token.issued_at, expires_at: token.expires_at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;
    use crate::sys::private_file::FileError;

    #[test]
    fn a_no_is_final_unless_it_is_to_the_moment() {
        let refused = |error: &str| {
            let reply = ReplyError::Refused { error: error.into(), description: None };
            VaultError::Flow(FlowError::Reply { host: "idp.test".into(), reply })
        };
        let unavailable = FlowError::Reply {
            host: "idp.test".into(),
            reply: ReplyError::Unavailable { status: 503, said: None },
        };
        let no_endpoint =
            FlowError::NoEndpoint { issuer: "https://idp.test".into(), endpoint: "token endpoint" };
        let exposed = FileError::Exposed { path: "x.json".into(), mode: 0o644 };
        let cases = [
            (VaultError::NeedsPerson { why: None }, Meaning::NeedsPerson),
            (refused("invalid_client"), Meaning::Refused),
            (refused("access_denied"), Meaning::Refused),
            (refused("temporarily_unavailable"), Meaning::Failed),
            (refused("slow_down"), Meaning::Failed),
            (VaultError::Flow(unavailable), Meaning::Failed),
            (VaultError::Flow(FlowError::Signing), Meaning::Refused),
            (VaultError::Flow(no_endpoint), Meaning::Failed),
            (VaultError::Store(StoreError::Keyring("it is locked".into())), Meaning::Failed),
            (VaultError::Store(exposed.into()), Meaning::Refused),
        ];
        for (error, expected) in cases {
            let error = Error::from(error);
            assert_eq!(meaning(&error), expected, "{error}");
        }
    }
}
