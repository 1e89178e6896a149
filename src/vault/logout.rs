//! The end of a credential: revoked at its server if requested, and removed from this machine in any case. Not here:
//! who requests it (see `cli`).

use std::path::Path;

use crate::credential::{Credential, CredentialId, CredentialKind};
use crate::flow::{self, FlowError, RevocationExtent};
use crate::oauth::{Epoch, Freshness};
use crate::secret::Secret;
use crate::store::{StoreError, StoredToken};
use crate::sys::clock;
use crate::vault::{Vault, VaultError, keep};

/// The result at its server.
#[derive(Debug)]
pub enum RevocationOutcome {
    /// It was not contacted.
    NotAsked,
    /// Nothing was left to revoke: the token had expired, and there was no refresh token.
    AlreadyExpired,
    /// The client is not configured: only it may revoke the token.
    UnknownClient,
    /// The server was contacted.
    Asked(Result<RevocationExtent, FlowError>),
}

/// The result for a credential.
#[derive(Debug)]
pub struct Logout {
    /// Whether anything was stored here.
    pub found: bool,
    /// The result at its server.
    pub ended: RevocationOutcome,
    /// The tokens that were stored here, to find copies of them.
    pub tokens: Vec<Secret>,
    /// Until when the access token is valid, unless its server revoked it; `None` if it does not expire.
    pub expires_at: Option<Epoch>,
}

impl Logout {
    /// There was nothing.
    pub fn nothing() -> Self {
        Self { found: false, ended: RevocationOutcome::NotAsked, tokens: Vec::new(), expires_at: None }
    }
}

impl Vault {
    /// Removes a credential under its lock, `path` being its file; with `revoke` its tokens are revoked first, and
    /// whatever that results in, nothing stays here. `credential` is needed only for that.
    ///
    /// # Errors
    /// [`VaultError::Store`] if it could not be removed.
    pub async fn forget(
        &self,
        id: &CredentialId,
        path: &Path,
        credential: Option<&Credential>,
        revoke: bool,
    ) -> Result<Logout, VaultError> {
        let who = id.to_string();
        let waiting = || self.ui.note(&who, "waiting for another mcpauth process to release it");
        let _lock = self.store.lock(id, waiting).await?;
        if let (true, Some(credential)) = (revoke, credential) {
            // The last token of an interrupted run is the one to revoke.
            keep::take_up(&self.store, credential)?;
        }
        let stored = match self.store.read_file(path) {
            Ok(stored) => stored,
            // What cannot be read can still be removed, but not revoked.
            Err(StoreError::Format { .. } | StoreError::File(_)) if !revoke => None,
            Err(error) => return Err(error.into()),
        };
        let ended = match &stored {
            Some(stored) if revoke => self.end(stored, credential).await,
            _ => RevocationOutcome::NotAsked,
        };
        let found = self.store.remove(path)?;
        if id.kind == CredentialKind::Agent {
            self.store.remove_agent_env(&id.name)?;
        }
        let expires_at = stored.as_ref().and_then(|stored| stored.token.expires_at);
        let tokens = stored.map(|stored| stored.token).into_iter();
        let tokens = tokens.flat_map(|token| [Some(token.access_token), token.refresh_token]).flatten();
        Ok(Logout { found, ended, tokens: tokens.collect(), expires_at })
    }

    async fn end(&self, stored: &StoredToken, credential: Option<&Credential>) -> RevocationOutcome {
        let over = stored.token.freshness(clock::now()) == Freshness::Expired;
        if over && stored.token.refresh_token.is_none() {
            return RevocationOutcome::AlreadyExpired;
        }
        // A token from another issuer, or of another client, must not be shown to this one.
        match credential.filter(|credential| keep::is_clients(stored, credential)) {
            Some(credential) => {
                RevocationOutcome::Asked(flow::revoke(&self.http, credential, &stored.token).await)
            }
            None => RevocationOutcome::UnknownClient,
        }
    }
}
