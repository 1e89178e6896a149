//! Whether a client that mcpauth registered is of no more use, as far as that can be told before a person is sent to a page. It
//! leaves registering another one to `login`.

use crate::config::{Config, Registration};
use crate::credential::GrantConfig;
use crate::flow;
use crate::oauth::Freshness;
use crate::store::StoredToken;
use crate::sys::clock;
use crate::vault::Vault;

/// Whether a login with the kept client would come to nothing: its issuer said that it does not know it, the port it is
/// registered with is another program's now, or the authorization endpoint refuses it. A client that a token can be
/// refreshed with is known, and a person's own is that person's business.
pub(super) async fn is_stale(config: &Config, vault: &Vault, name: &str, kept: &Registration) -> bool {
    let Ok(credential) = config.by_address(name, kept).credential else { return false };
    let GrantConfig::AuthorizationCode(person) = &credential.how else { return false };
    if !person.registered || vault.browser.is_none() {
        return false;
    }
    let stored = vault.kept(&credential).ok().flatten();
    if stored.as_ref().is_some_and(|stored| stored.client_forgotten) {
        return true;
    }
    let is_refreshable = |stored: StoredToken| {
        stored.token.refresh_token.is_some() || stored.token.freshness(clock::now()) == Freshness::Fresh
    };
    if stored.is_some_and(is_refreshable) {
        return false;
    }
    !flow::is_port_free(&kept.redirect_uri)
        || flow::is_client_refused(&vault.http, &credential.client, person).await
}
