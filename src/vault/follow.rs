//! Servers that take another issuer's tokens by now. Somebody else's token is none for them, and is not sent there
//! again (MCP authorization, "Access Token Usage"); a client of the old issuer's is none of the new one's. Not here:
//! finding out whose tokens a server takes (see `flow`).

use url::Url;

use crate::credential::{Credential, SERVER_URL};
use crate::flow;
use crate::vault::{Vault, VaultError};

impl Vault {
    /// To be asked when a server refuses a token that was got for its address: whether it still names the issuer of that
    /// token. If it names another one, the token goes, and a login finds out everything anew.
    ///
    /// # Errors
    /// [`VaultError::NeedsPerson`], if it names another one; [`VaultError::Store`].
    pub(super) async fn follow(&self, credential: &Credential) -> Result<(), VaultError> {
        let server = credential.facts.get(SERVER_URL).and_then(|url| Url::parse(url.as_str()?).ok());
        let Some(server) = server else { return Ok(()) };
        // What a server cannot say now changes nothing.
        let other = flow::other_issuer(&self.http, &server, &credential.issuer).await;
        let Some(issuer) = other else { return Ok(()) };
        let path = self.store.path(&credential.id);
        self.forget(&credential.id, &path, None, false).await?;
        Err(VaultError::NeedsPerson { why: Some(format!("the server now takes tokens of {issuer}")) })
    }
}
