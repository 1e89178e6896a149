//! Keys and personal tokens: stored or printed by a command, and never renewed. Not here: how a server takes them (see
//! `credential`); trying them (see `login`).

use std::path::PathBuf;

use serde_json::Map;

use super::{IssuedToken, TokenOutcome, Vault, VaultError, keep};
use crate::credential::{Credential, KeyConfig};
use crate::oauth::{Epoch, Freshness, TokenSet, is_sendable};
use crate::secret::Secret;
use crate::store::{LoginNotes, StoredToken};
use crate::sys::clock;

impl Vault {
    /// The key of `credential`; if a server `refused` one, another one if the user has changed it meanwhile.
    pub(super) async fn key(
        &self,
        credential: &Credential,
        key: &KeyConfig,
        refused: Option<&Secret>,
    ) -> Result<IssuedToken, VaultError> {
        let stored = match &key.command {
            None => self.stored_key(credential)?,
            Some(command) => printed(credential, self.commands.secret(command, refused).await?)?,
        };
        let is_refused = refused == Some(&stored.token.access_token);
        let outcome = if is_refused { TokenOutcome::Unchanged } else { TokenOutcome::Reused };
        Ok(IssuedToken { stored, outcome, path: self.store.path(&credential.id) })
    }

    fn stored_key(&self, credential: &Credential) -> Result<StoredToken, VaultError> {
        let needed = |why: &str| VaultError::NeedsKey { why: why.into() };
        let stored = self.kept(credential)?.ok_or_else(|| needed("none is stored"))?;
        match stored.token.freshness(clock::now()) {
            Freshness::Expired => Err(needed("the stored one has expired")),
            Freshness::Fresh | Freshness::Due => Ok(stored),
        }
    }

    /// Stores a key, in the place of an earlier one or of a login's token.
    ///
    /// # Errors
    /// [`VaultError::Store`].
    pub async fn keep_key(
        &self,
        credential: &Credential,
        key: Secret,
        expires_at: Option<Epoch>,
    ) -> Result<PathBuf, VaultError> {
        let token = TokenSet { expires_at, ..token(key) };
        self.keep_token(credential, token).await
    }

    /// Stores a token that another program obtained for `credential`.
    ///
    /// # Errors
    /// [`VaultError::Store`].
    pub async fn keep_token(&self, credential: &Credential, token: TokenSet) -> Result<PathBuf, VaultError> {
        let _lock = self.lock(credential).await?;
        let place = self.store.prepare(&credential.id)?;
        Ok(keep::write(&self.store, place, credential, &token, &LoginNotes::default())?)
    }
}

fn token(key: Secret) -> TokenSet {
    TokenSet {
        access_token: key,
        refresh_token: None,
        token_type: "Bearer".into(),
        scopes: Vec::new(),
        issued_at: Some(clock::now()),
        expires_at: None,
    }
}

/// A key that a command printed, as if it were stored.
fn printed(credential: &Credential, key: Secret) -> Result<StoredToken, VaultError> {
    if !is_sendable(&key) {
        return Err(VaultError::NeedsKey { why: "the command prints one that cannot be sent".into() });
    }
    Ok(StoredToken {
        token: token(key),
        provider: credential.provider_field.clone(),
        issuer: Some(credential.issuer.clone()),
        client_id: None,
        origin: Some(credential.owner.origin.word()),
        requested_scopes: None,
        cloud_id: None,
        sites: Vec::new(),
        client_forgotten: false,
        members: Map::clone(&credential.facts),
    })
}
