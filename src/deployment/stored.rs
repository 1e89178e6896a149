//! The credentials that the gateway holds for its servers: the vault's, as the gateway wants them. It leaves which server has
//! one to `vouch`, and sending it to `gateway`.

use std::sync::Arc;

use crate::credential::{Credential, How};
use crate::error::Error;
use crate::gateway::{Getting, Keeper, Kept};
use crate::secret::Secret;
use crate::vault::{Fresh, Outcome, Vault};

/// One credential, and the vault that keeps it.
pub struct InVault {
    /// Where it is kept.
    pub vault: Arc<Vault>,
    /// Which one it is.
    pub credential: Credential,
}

impl Keeper for InVault {
    fn get<'a>(&'a self, refused: Option<&'a Secret>) -> Getting<'a> {
        Box::pin(async move {
            let found = match refused {
                Some(refused) => self.vault.renewed(&self.credential, refused).await,
                None => self.vault.fresh(&self.credential, false).await,
            };
            found.map(|fresh| self.kept(fresh)).map_err(|error| {
                let error = Error::from(error);
                format!("{}: {error}; {}", self.credential.id, error.hint(&self.credential.command))
            })
        })
    }
}

impl InVault {
    fn kept(&self, fresh: Fresh) -> Kept {
        let sites = match &self.credential.how {
            How::AuthorizationCode(person) => person.provider.sites.as_ref(),
            How::ClientCredentials(_) => None,
        };
        let site = sites.map(|sites| sites.header.clone()).zip(fresh.stored.cloud_id);
        Kept { token: fresh.stored.token, site, is_new: fresh.outcome != Outcome::Reused }
    }
}
