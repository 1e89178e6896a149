//! Everything that a login at a server needs, discovered again: its issuer, the scopes, the client. Not here: which
//! client that is (see `client`); logging in (see the verb).

use super::client::{Chosen, ClientRemark, choose};
use super::request::LoginRequest;
use url::Url;

use crate::config::{Config, ExtraParams, RegisteredEndpoints, Registration};
use crate::credential::StoreScope;
use crate::error::Error;
use crate::flow::{self, AddressError, Discovered, FlowError};
use crate::notice::Notices;
use crate::oauth::{Freshness, IssuerMetadata, document_address, is_same_issuer};
use crate::sys::clock;
use crate::text::clean;
use crate::vault::{Vault, VaultError};

/// Discovers how to log in, and gets a client for it; `kept` is the stored one.
pub(super) async fn prepare(
    request: &LoginRequest,
    config: &Config,
    vault: &Vault,
    kept: Option<&Registration>,
    make_room: impl FnOnce() -> Result<(), Error>,
    out: &dyn Notices,
) -> Result<Registration, Error> {
    let own = &request.own;
    let has_proof = own.has_proof() || kept.is_some_and(|kept| !kept.registered && kept.can_prove());
    // Of several issuers, one at which the user can log in with a client registered on the way. Which issuer an
    // existing client belongs to, only its owner knows.
    let has_client = own.has_id() || kept.is_some_and(|kept| !kept.registered) || own.for_itself;
    let fit = |issuer: &IssuerMetadata| has_client || issuer.takes_newcomers(request.assume_pkce_s256);
    let wanted = request.issuer.as_ref().map(Url::as_str);
    // First: nobody needs to log in at a server that does not exist or has no login.
    let found = flow::discover(&vault.http, &request.url, wanted, fit).await.map_err(VaultError::Flow)?;
    let for_itself = own.for_itself
        || (has_proof && found.issuer.is_for_machines_alone())
        || kept.is_some_and(|kept| kept.for_itself && own.is(kept));
    if !for_itself {
        found.check_login(&request.url, request.assume_pkce_s256).map_err(VaultError::Flow)?;
        vault.browser.as_ref().ok_or(VaultError::NeedsPerson { why: None })?;
    }
    let scopes = scopes(request, kept, &found);
    let chosen = choose(request, config, &vault.http, kept, &found, &scopes, make_room).await?;
    say(&found, &scopes, &chosen, for_itself, out);
    let scope = config.registration_scope(&request.name)?;
    let before =
        kept.filter(|kept| !request.force && request.extra == ExtraParams::default() && own.is(kept));
    let extra = before.map_or_else(|| request.extra.clone(), |kept| kept.extra.clone());
    Ok(Registration { scope, ..registration(request, found, scopes, chosen, (for_itself, extra)) })
}

/// Whether the login would go to an issuer that the server no longer names, or to an address that is no longer its
/// own (MCP: a client follows its server to another issuer). A token that is valid or can be refreshed needs no login.
pub(super) async fn is_moved(config: &Config, vault: &Vault, name: &str, kept: &Registration) -> bool {
    let Ok(credential) = config.by_address(name, kept).credential else { return false };
    let stored = vault.kept(&credential).ok().flatten();
    let is_good = stored.is_some_and(|stored| {
        stored.token.refresh_token.is_some() || stored.token.freshness(clock::now()) == Freshness::Fresh
    });
    if is_good || vault.browser.is_none() {
        return false;
    }
    match flow::discover(&vault.http, &kept.url, Some(&kept.issuer), |_| true).await {
        Ok(found) => {
            !is_same_issuer(&found.issuer.issuer, &kept.issuer) || is_other_resource(&found.resource, kept)
        }
        Err(FlowError::ByAddress(AddressError::OtherIssuer { .. })) => true,
        Err(_) => false,
    }
}

/// Whether the server names another resource than it did. What its user named instead stays.
fn is_other_resource(named: &str, kept: &Registration) -> bool {
    kept.extra.resource.is_none() && named != kept.resource
}

/// What was typed, else what was requested before unless that is discovered again, else what the server requires.
fn scopes(request: &LoginRequest, kept: Option<&Registration>, found: &Discovered) -> Vec<String> {
    if !request.scope.is_empty() {
        return request.scope.clone();
    }
    let before = kept.filter(|kept| !request.force && kept.issuer == found.issuer.issuer);
    before.map_or_else(|| found.scopes.clone(), |kept| kept.scopes.clone())
}

fn registration(
    request: &LoginRequest,
    found: Discovered,
    scopes: Vec<String>,
    chosen: Chosen,
    (for_itself, extra): (bool, ExtraParams),
) -> Registration {
    let Chosen { client, key, redirect_uri, registered, .. } = chosen;
    Registration {
        url: request.url.clone(),
        endpoints: unpublished(&found),
        resource: extra.resource.clone().unwrap_or(found.resource),
        extra,
        issuer: found.issuer.issuer,
        client_id: client.id,
        client_secret: client.auth.secret().cloned(),
        registered,
        private_key: key,
        token_endpoint_auth_method: client.auth.name().into(),
        redirect_uri,
        scopes,
        for_itself,
        scope: StoreScope::default(),
    }
}

/// The endpoints of an issuer that cannot be asked for them again.
fn unpublished(found: &Discovered) -> Option<RegisteredEndpoints> {
    let issuer = &found.issuer;
    let both = issuer.authorization_endpoint.clone().zip(issuer.token_endpoint.clone());
    both.filter(|_| !found.is_published)
        .map(|(authorization, token)| RegisteredEndpoints { authorization, token })
}

fn say(found: &Discovered, scopes: &[String], chosen: &Chosen, for_itself: bool, out: &dyn Notices) {
    let asked = if scopes.is_empty() { "no named scopes".into() } else { scopes.join(" ") };
    let issuer = clean(&found.issuer.issuer, 200);
    let whose = if chosen.remark == ClientRemark::Registered { "registered as client" } else { "client" };
    let id = &chosen.client.id;
    let method = chosen.client.auth.name();
    out.say(&format!("issuer {issuer}; asks for {asked}; {whose} {} ({method})", clean(id, 100)));
    // An issuer redirects the browser only to what the client is registered with.
    if chosen.remark != ClientRemark::RedirectUri || for_itself {
        return;
    }
    let uri = &chosen.redirect_uri;
    if document_address(id).is_err() {
        out.say(&format!("the client must be registered with {uri}; name another with --redirect-uri"));
    } else if !found.issuer.authorization_response_iss_parameter_supported {
        out.say(&format!(
            "the client's document must list {uri}; print one that does with: mcpauth client-metadata --issuer {issuer}"
        ));
    }
}
