//! The end of a credential: taken back by its server where that was asked for, and removed from this machine in any case.
//! It leaves who asks for that to `cli`.

use std::path::Path;

use crate::credential::{Credential, CredentialId, CredentialKind};
use crate::flow::{self, FlowError, RevocationExtent};
use crate::oauth::{Epoch, Freshness};
use crate::secret::Secret;
use crate::store::{StoreError, StoredToken};
use crate::sys::clock;
use crate::vault::{Vault, VaultError, keep};

/// What became of the token at its server.
#[derive(Debug)]
pub enum RevocationOutcome {
    /// It was not asked.
    NotAsked,
    /// Nothing was left to take back: the token had ended, and there was no refresh token.
    AlreadyExpired,
    /// Who is its client is not configured: only the client may ask.
    UnknownClient,
    /// The server was asked.
    Asked(Result<RevocationExtent, FlowError>),
}

/// What became of a credential.
#[derive(Debug)]
pub struct Logout {
    /// Whether anything was kept here.
    pub found: bool,
    /// What became of it elsewhere.
    pub ended: RevocationOutcome,
    /// The tokens that were kept here, to look for copies of them.
    pub tokens: Vec<Secret>,
    /// Until when the access token is good, unless its server took it back; `None` if it does not end by itself.
    pub expires_at: Option<Epoch>,
}

impl Logout {
    /// There was nothing.
    pub fn nothing() -> Self {
        Self { found: false, ended: RevocationOutcome::NotAsked, tokens: Vec::new(), expires_at: None }
    }
}

impl Vault {
    /// Removes a credential under its lock, `path` being its file; with `revoke` its server is asked first, and whatever
    /// that comes to, nothing stays here. `credential` is needed for that alone.
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
        let waiting = || self.ui.note(&who, "waiting for another mcpauth to finish with it");
        let _lock = self.store.lock(id, waiting).await?;
        if let (true, Some(credential)) = (revoke, credential) {
            // What a killed run got last is what its server must take back.
            keep::take_up(&self.store, credential)?;
        }
        let stored = match self.store.read_file(path) {
            Ok(stored) => stored,
            // What cannot be read can still be removed, but not taken back.
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
        // A token that another issuer gave, or another client got, is nobody else's to see.
        match credential.filter(|credential| keep::is_clients(stored, credential)) {
            Some(credential) => {
                RevocationOutcome::Asked(flow::revoke(&self.http, credential, &stored.token).await)
            }
            None => RevocationOutcome::UnknownClient,
        }
    }
}
