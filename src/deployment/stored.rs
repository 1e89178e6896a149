//! The credentials that the gateway stores for its servers: the vault's, behind the gateway's interface. Not here:
//! which server has one (see `vouch`); sending it (see `gateway`).

use std::sync::Arc;

use crate::credential::{Credential, GrantConfig, USUAL_FORMAT, USUAL_HEADER};
use crate::error::{Error, REJECTED_AGAIN};
use crate::gateway::{CachedCredential, CredentialKeeper, PendingCredential};
use crate::secret::Secret;
use crate::vault::{IssuedToken, TokenOutcome, Vault, VaultError};

/// One credential, and the vault that keeps it.
pub struct InVault {
    /// Where it is stored.
    pub vault: Arc<Vault>,
    /// Which one it is.
    pub credential: Credential,
}

impl CredentialKeeper for InVault {
    fn rejected(&self) -> String {
        let Credential { id, command, .. } = &self.credential;
        format!(
            "it rejects the stored credential ({id}); get another with: {command} --force{REJECTED_AGAIN}"
        )
    }

    fn get<'a>(&'a self, refused: Option<&'a Secret>) -> PendingCredential<'a> {
        Box::pin(async move {
            let found = match refused {
                Some(refused) => self.vault.renew_refused(&self.credential, refused).await,
                None => self.vault.fresh(&self.credential, false).await,
            };
            found.map(|fresh| self.kept(fresh)).map_err(|error| self.told(error))
        })
    }
}

impl InVault {
    /// A failure, for the operator's log.
    fn told(&self, error: VaultError) -> String {
        let error = Error::from(error);
        format!("{}: {error}; {}", self.credential.id, error.hint(&self.credential.command))
    }

    fn kept(&self, fresh: IssuedToken) -> CachedCredential {
        let sites = match &self.credential.how {
            GrantConfig::AuthorizationCode(person) => person.provider.sites.as_ref(),
            GrantConfig::ClientCredentials(_) | GrantConfig::Key(_) => None,
        };
        let site = sites.map(|sites| sites.header.clone()).zip(fresh.stored.cloud_id);
        let (header, format) = match self.credential.key() {
            Some(key) => (key.header.as_str(), key.format.as_str()),
            None => (USUAL_HEADER, USUAL_FORMAT),
        };
        CachedCredential {
            token: fresh.stored.token,
            header: (header.into(), format.into()),
            site,
            is_new: !matches!(fresh.outcome, TokenOutcome::Reused | TokenOutcome::Unchanged),
        }
    }
}
