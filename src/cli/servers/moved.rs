//! Servers that take another issuer's tokens by now. Somebody else's token is none for them: it is not sent there again
//! (MCP authorization, "Access Token Usage"), and a client of the old issuer's is none of the new one's.

use std::path::Path;

use url::Url;

use super::Servers;
use crate::credential::{Credential, SERVER_URL};
use crate::error::Error;
use crate::flow;
use crate::text::clean;
use crate::vault::VaultError;

impl Servers {
    /// To be asked when a server refuses a token that was got for its address: whether it still names the issuer of that
    /// token. If it names another one, the token in the file at `path` goes, and a login finds out everything anew.
    ///
    /// # Errors
    /// [`VaultError::NeedsPerson`], if it names another one.
    pub(super) async fn follow(&self, credential: &Credential, path: &Path) -> Result<(), Error> {
        let server = credential.facts.get(SERVER_URL).and_then(|url| Url::parse(url.as_str()?).ok());
        let Some(server) = server else { return Ok(()) };
        // What a server cannot say now changes nothing.
        let Ok(found) = flow::discover(&self.vault.http, &server).await else { return Ok(()) };
        let issuer = found.issuer.issuer;
        if issuer == credential.issuer {
            return Ok(());
        }
        self.vault.forget(&credential.id, path, None, false).await?;
        let why = format!("the server now takes tokens of {}", clean(&issuer, 200));
        Err(VaultError::NeedsPerson { why: Some(why) }.into())
    }
}
