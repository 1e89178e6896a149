//! A token of the gateway's own in the place of our identity: for certain servers, tools and scopes, and for a while,
//! so that its recipient holds no more rights than it needs. Not here: sending for it (see the vault).

use tokio::sync::Mutex;
use url::Url;

use super::files::identity_file;
use super::narrowing::{Narrowed, Narrowing};
use super::tokens::KeptToken;
use super::{ServerRef, Servers};
use crate::config::ConfigError;
use crate::error::Error;
use crate::oauth::{Freshness, TokenSet};
use crate::secret::Secret;
use crate::sys::clock;
use crate::vault::VaultError;

/// Where the gateway exchanges tokens, below its address (RFC 8693).
const TOKEN_ENDPOINT: &str = "oauth2/token";

impl Servers {
    /// With a token of the gateway's own in every entry, in the place of our identity.
    #[must_use]
    pub(crate) fn narrowed(self, limits: Narrowing) -> Self {
        Self { narrowed: Some(Narrowed { limits, token: Mutex::default() }), ..self }
    }

    /// A token of the gateway's own.
    ///
    /// # Errors
    /// [`ConfigError::NoGateway`], or why there is no token to be exchanged; the gateway's no.
    pub(crate) async fn exchanged(&self, limits: &Narrowing) -> Result<TokenSet, Error> {
        let which = ServerRef::ByName("the gateway".into());
        let file = identity_file(&self.config, &self.vault.store, &self.credentials);
        let identity = self.token(file, None).await?;
        self.vouch(&which, &identity.iter().collect::<Vec<_>>())?;
        let (_, stored) = identity.ok_or_else(|| Error::Usage {
            message: "there is no token for the gateway to derive one from".into(),
            hint: "get one with: mcpauth ingress".into(),
        })?;
        self.exchange(&stored.token.access_token, limits).await
    }

    async fn exchange(&self, subject: &Secret, limits: &Narrowing) -> Result<TokenSet, Error> {
        let url = self.token_endpoint()?;
        self.vault.exchanged(&url, subject, &limits.fields()).await.map_err(|error| match error {
            VaultError::Flow(error) => Error::Exchange(error),
            other => other.into(),
        })
    }

    fn token_endpoint(&self) -> Result<Url, Error> {
        let gateway = self.gateway.clone().ok_or_else(|| ConfigError::NoGateway("the gateway".into()))?;
        let mut url = gateway;
        let path = format!("{}/{TOKEN_ENDPOINT}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(url)
    }

    /// The token that replaces our identity, if there is one. If the gateway rejects it before it expires, it was revoked: a caller who
    /// took it meant its holder, who gets no other one.
    pub(super) async fn stand_in(
        &self,
        identity: Option<KeptToken>,
        refused: Option<&Secret>,
    ) -> Result<Option<KeptToken>, Error> {
        let Some(narrowed) = &self.narrowed else { return Ok(identity) };
        let Some((path, mut stored)) = identity else { return Ok(None) };
        let mut token = narrowed.token.lock().await;
        if refused.is_some_and(|refused| token.as_ref().is_some_and(|token| token.access_token == *refused)) {
            return Err(Error::Usage {
                message:
                    "the gateway rejected the token that was issued for this run; it may have been revoked"
                        .into(),
                hint: "start it again for another one, if you want that".into(),
            });
        }
        let is_good = |token: &&TokenSet| token.freshness(clock::now()) == Freshness::Fresh;
        let good = match token.as_ref().filter(is_good) {
            Some(good) => good.clone(),
            None => {
                let new = self.exchange(&stored.token.access_token, &narrowed.limits).await?;
                token.insert(new).clone()
            }
        };
        stored.token = good;
        Ok(Some((path, stored)))
    }
}
