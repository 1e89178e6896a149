//! The caller that accepted claims describe: subject, client, name, groups, scopes.

use serde_json::{Map, Value};

use crate::gateway::authn::jwt::{TokenError, text_of};
use crate::gateway::settings::TokenProfile;
use crate::policy::Principal;

/// Claims with a caller's display name, best first.
const NAMES: [&str; 4] = ["preferred_username", "username", "cognito:username", "email"];

/// How a token's claims were obtained.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ClaimsSource {
    /// From a verified signature.
    Signed,
    /// By introspection, where most members are optional.
    Asked,
}
/// Claims with the client that a token was issued to, best first.
const CLIENT: [&str; 2] = ["client_id", "azp"];

/// The same at Okta, at Entra (version 1 tokens) and in Keycloak's service accounts.
const VENDORS_CLIENT: [&str; 3] = ["cid", "appid", "clientId"];

/// Where a token has groups: a path of member names, one for a plain claim.
#[derive(Clone, Debug)]
pub(super) struct Groups(Vec<String>);

impl Groups {
    /// As configured, or the default for this kind of issuer.
    pub(super) fn of(kind: TokenProfile, configured: &[String]) -> Vec<Self> {
        if !configured.is_empty() {
            return configured.iter().map(|place| Self::at(place)).collect();
        }
        match kind {
            TokenProfile::Cognito => vec![Self::at("cognito:groups")],
            TokenProfile::Keycloak | TokenProfile::Oidc | TokenProfile::Vended => vec![Self::at("groups")],
        }
    }

    /// A claim's name, which may be a URL; or, with a leading slash, a JSON pointer (RFC 6901).
    fn at(place: &str) -> Self {
        match place.strip_prefix('/') {
            None => Self(vec![place.to_owned()]),
            Some(path) => {
                Self(path.split('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect())
            }
        }
    }

    fn find<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(claims.get(first)?, |value, name| value.get(name))
    }
}

/// The caller. Every kind of issuer puts a `sub` into its tokens, including a client's own (Cognito the client's id,
/// Keycloak its service account's, RFC 9068 section 2.2.3), so a token without one is rejected: if the client's id
/// stood in, all users of one client would be one caller. An introspection reply may omit it (RFC 7662 section 2.2);
/// then the subject is the user it names, or else the client.
pub(super) fn principal(
    issuer: &str,
    places: &[Groups],
    claims: Map<String, Value>,
    source: ClaimsSource,
) -> Result<Principal, TokenError> {
    let client_id = client(&claims)?.map(str::to_owned);
    let subject = match (text_of(&claims, "sub")?, source) {
        (None, ClaimsSource::Asked) => text_of(&claims, "username")?.or(client_id.as_deref()),
        (subject, _) => subject,
    };
    let subject = subject.filter(|subject| !subject.is_empty()).ok_or(TokenError::Malformed)?.to_owned();
    let mut names = NAMES.iter().filter_map(|name| claims.get(*name).and_then(Value::as_str));
    let username = names.find(|name| !name.is_empty()).map(str::to_owned);
    let mut groups = Vec::new();
    for value in places.iter().filter_map(|place| place.find(&claims)) {
        add(&mut groups, value, |text| vec![text]);
    }
    // Scopes are compared as a whole: they may contain a resource server's URL, or colons.
    let mut scopes = Vec::new();
    for value in ["scope", "scp"].iter().filter_map(|name| claims.get(*name)) {
        add(&mut scopes, value, |text| text.split(' ').collect());
    }
    Ok(Principal {
        issuer: issuer.to_owned(),
        subject,
        client_id,
        username,
        groups,
        scopes,
        servers: None,
        claims,
        vended: None,
    })
}

/// The client that a token was issued to: by the string claims of RFC 9068 and OpenID Connect, or else by a vendor's
/// claim.
pub(super) fn client(claims: &Map<String, Value>) -> Result<Option<&str>, TokenError> {
    for name in CLIENT {
        if let Some(client) = text_of(claims, name)?.filter(|client| !client.is_empty()) {
            return Ok(Some(client));
        }
    }
    let mut others = VENDORS_CLIENT.iter().filter_map(|name| claims.get(*name).and_then(Value::as_str));
    Ok(others.find(|client| !client.is_empty()))
}

/// Adds the parts of `value` without duplicates: the items of an array, or a string separated by `split`. Anything
/// else is ignored.
fn add(all: &mut Vec<String>, value: &Value, split: fn(&str) -> Vec<&str>) {
    let found = match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => split(text),
        _ => Vec::new(),
    };
    for text in found {
        if !text.is_empty() && !all.iter().any(|known| known == text) {
            all.push(text.to_owned());
        }
    }
}
