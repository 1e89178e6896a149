//! The caller as accepted claims describe it: subject, client, name, groups, scopes.
//! It leaves whether the claims are accepted to its parent.

use serde_json::{Map, Value};

use super::Rules;
use crate::gateway::jwt::{Reject, text_of};
use crate::gateway::settings::Kind;
use crate::policy::Principal;

/// What people call a caller, best first.
const NAMES: [&str; 4] = ["preferred_username", "username", "cognito:username", "email"];

/// Where a token has groups.
#[derive(Clone, Debug)]
pub(super) enum Groups {
    /// In the claim of this name, which may be a URL.
    Claim(String),
    /// At this JSON pointer (RFC 6901), which begins with a slash.
    Pointer(String),
}

impl Groups {
    /// Where the settings say, or where the issuer's kind has them.
    pub(super) fn of(kind: Kind, configured: &[String]) -> Vec<Self> {
        if !configured.is_empty() {
            let place = |place: &String| match place.starts_with('/') {
                true => Self::Pointer(place.clone()),
                false => Self::Claim(place.clone()),
            };
            return configured.iter().map(place).collect();
        }
        let claim = match kind {
            Kind::Cognito => "cognito:groups",
            Kind::Keycloak | Kind::Oidc => "groups",
        };
        vec![Self::Claim(claim.into())]
    }

    fn find<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        match self {
            Self::Claim(name) => claims.get(name),
            Self::Pointer(pointer) => {
                let (first, rest) = pointer.strip_prefix('/')?.split_once('/').unzip();
                let first = first.or_else(|| pointer.strip_prefix('/'))?;
                let value = claims.get(&first.replace("~1", "/").replace("~0", "~"))?;
                rest.map_or(Some(value), |rest| value.pointer(&format!("/{rest}")))
            }
        }
    }
}

impl Rules {
    /// The caller. A token without `sub` (client credentials) is its client's.
    pub(super) fn principal(&self, claims: Map<String, Value>) -> Result<Principal, Reject> {
        let client_id = client(&claims)?.map(str::to_owned);
        let subject = text_of(&claims, "sub")?.or(client_id.as_deref());
        let subject = subject.filter(|subject| !subject.is_empty()).ok_or(Reject::Malformed)?.to_owned();
        let username =
            NAMES.iter().find_map(|name| claims.get(*name).and_then(Value::as_str)).map(str::to_owned);
        let mut groups = Vec::new();
        for value in self.groups.iter().filter_map(|place| place.find(&claims)) {
            add(&mut groups, value, |text| vec![text]);
        }
        // Scopes are compared whole: Cognito's hold a resource server's URL, Slack's a colon.
        let mut scopes = Vec::new();
        for value in ["scope", "scp"].iter().filter_map(|name| claims.get(*name)) {
            add(&mut scopes, value, |text| text.split(' ').collect());
        }
        Ok(Principal { issuer: self.issuer.clone(), subject, client_id, username, groups, scopes, claims })
    }
}

/// The client a token was issued to.
pub(super) fn client(claims: &Map<String, Value>) -> Result<Option<&str>, Reject> {
    Ok(text_of(claims, "client_id")?.or(text_of(claims, "azp")?))
}

/// Adds what `value` has, each once: the items of an array, or a text taken apart by `split`. Anything else is nothing.
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
