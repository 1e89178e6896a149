//! Whether a client that mcpauth registered is no longer valid, as far as that can be told before the user is sent to
//! a page. Not here: registering another one (see `login`).

use crate::config::{Config, Registration};
use crate::credential::GrantConfig;
use crate::flow;
use crate::oauth::Freshness;
use crate::store::StoredToken;
use crate::sys::clock;
use crate::vault::Vault;

/// Whether a login with the stored client would fail: its issuer said that it does not know it, another program now
/// uses its registered port, or the authorization endpoint refuses it. A client whose token can be refreshed is
/// known, and the user's own client is left to the user.
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
    flow::is_client_unusable(&vault.http, &credential.client, person).await
}
