//! Servers that have changed their issuer. They accept no token of another issuer, and must not be sent one (MCP
//! authorization, "Access Token Usage"); a client of the old issuer is unknown to the new one. Not here: discovering
//! a server's issuer (see `flow`).

use url::Url;

use crate::credential::{Credential, SERVER_URL};
use crate::flow;
use crate::vault::{Vault, VaultError};

impl Vault {
    /// To be called under the lock when a server rejects a token that was obtained for its address, or its issuer
    /// gives no other: whether it still names that issuer. If it names another one, the token is removed, and a login
    /// discovers everything again.
    ///
    /// # Errors
    /// [`VaultError::NeedsPerson`], if it names another one; [`VaultError::Store`].
    pub(super) async fn follow(&self, credential: &Credential) -> Result<(), VaultError> {
        let server = credential.facts.get(SERVER_URL).and_then(|url| Url::parse(url.as_str()?).ok());
        // Only a login by address found its issuer there; settings name a provider.
        let Some(server) = server.filter(|_| credential.is_by_address()) else { return Ok(()) };
        // A server that cannot tell now changes nothing.
        let other = flow::other_issuer(&self.http, &server, &credential.issuer).await;
        let Some(issuer) = other else { return Ok(()) };
        // A login meanwhile may have been at the new one.
        if self.kept(credential)?.is_some() {
            self.store.remove(&self.store.path(&credential.id))?;
        }
        Err(VaultError::NeedsPerson { why: Some(format!("the server now takes tokens of {issuer}")) })
    }
}
