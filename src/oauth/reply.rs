//! Parses a token endpoint's reply (RFC 6749 sections 5.1 and 5.2) in the forms that servers really send:
//! form-encoded, a 200 that carries an error, `expires_in` as a string or absent, a nested token. An error never
//! contains a body, only the cleaned `error` and `error_description`. Not here: retrying (see `flow`).

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::oauth::members::read_member;
use crate::oauth::token::BEARER;
use crate::oauth::unverified::read_time;
use crate::oauth::{Epoch, TokenSet, end_of};
use crate::secret::Secret;
use crate::text::clean;

/// The longest `error_description` that is passed on, in characters.
const DESCRIPTION_LIMIT: usize = 200;

/// The longest lifetime that is trusted as such, in seconds.
const TEN_YEARS: Epoch = 10 * 366 * 86_400;
/// Beyond it a number is a mistake, in seconds.
const HUNDRED_YEARS: Epoch = 3_200_000_000;

/// Why a token is not accepted (RFC 6749 appendix A.12 and A.17).
pub const UNSENDABLE: &str =
    "with a token that has a control character, a line break or a non-ASCII character";

/// Where a provider puts the members that RFC 6749 section 5.1 has at the top level.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReplyShape {
    /// JSON pointer (RFC 6901) to the object that holds the token members; empty for the top level.
    pub root: String,
    /// Lifetime in seconds of a token whose expiry neither `expires_in` nor the token itself has; without it such a
    /// token does not expire.
    pub default_lifetime: Option<Epoch>,
    /// Values of `token_type` that mean Bearer at this server.
    pub token_types: Vec<String>,
}

/// Why a reply has no token.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReplyError {
    /// The server's own error, RFC 6749 section 5.2.
    #[error("{error}{}", description.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused {
        /// The error code, cleaned.
        error: String,
        /// Its description, cleaned and cut.
        description: Option<String>,
    },
    /// A token that is not a bearer token. RFC 6749 section 7.1: a client must not use a type it does not know.
    #[error(
        "a token of type {0:?}, which mcpauth cannot use; it supports only Bearer (RFC 6749 section 7.1)"
    )]
    TokenType(String),
    /// The server cannot answer now ([`is_unavailable`]).
    #[error("HTTP {status}{}", said.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// Its reason, cleaned and cut, if it gives one.
        said: Option<String>,
    },
    /// Neither a token nor an OAuth error.
    #[error("HTTP {status}, {why}")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// Error codes for temporary failures (RFC 6749 section 4.1.2.1, RFC 8628 section 3.5).
const NOT_NOW: [&str; 3] = ["temporarily_unavailable", "server_error", "slow_down"];
/// Error codes that reject a client or its secret (RFC 6749 section 5.2, and what some servers send instead), only
/// their letters: some servers write `invalidClient`, or `INVALID_CLIENT`.
const BAD_CLIENT: [&str; 6] = [
    "invalidclient",
    "invalidclientid",
    "incorrectclientcredentials",
    "badclientsecret",
    "clientnotfound",
    "unknownclient",
];
/// Where servers that do not follow RFC 6749 section 5.2 put an error's code, the likeliest first.
const CODES: [&str; 6] = ["error", "error_code", "errorCode", "code", "status", "type"];

/// The members of a reply that decide what it is: an error, or a token that is sent as a bearer token.
const DECIDING: [&str; 2] = ["error", "token_type"];
/// Where some servers say when a token ends, and not for how long it is valid.
const POINTS: [&str; 2] = ["expires_on", "expires_at"];
/// The others that are used, of a token, a device authorization, a registration and an error.
const NEEDED: [&str; 17] = [
    "access_token",
    "refresh_token",
    "expires_in",
    "expires_on",
    "expires_at",
    "scope",
    "device_code",
    "user_code",
    "verification_uri",
    "verification_url",
    "verification_uri_complete",
    "interval",
    "client_id",
    "client_secret",
    "token_endpoint_auth_method",
    "error_description",
    "message",
];

/// Whether an HTTP status means that the server cannot answer now, and trying again later may help: 408, 425, 429,
/// 5xx.
pub fn is_unavailable(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}

impl ReplyError {
    /// Whether the server rejects what it was given, and will again: an error code for that, or a 4xx without one.
    pub fn is_no(&self) -> bool {
        match self {
            Self::Refused { error, .. } => !NOT_NOW.contains(&error.as_str()),
            Self::Unreadable { status, .. } => (400..500).contains(status),
            Self::TokenType(_) => true,
            Self::Unavailable { .. } => false,
        }
    }

    /// Whether the client or its secret is rejected, and not what it presents.
    pub fn is_about_client(&self) -> bool {
        let letters = |code: &str| -> String {
            code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
        };
        matches!(self, Self::Refused { error, .. } if BAD_CLIENT.contains(&letters(error).as_str()))
    }

    /// Whether the client may not do this; for a client that was registered here this means that it is no longer
    /// valid (RFC 6749 section 5.2).
    pub fn is_unauthorized_client(&self) -> bool {
        matches!(self, Self::Refused { error, .. } if error == "unauthorized_client")
    }
}

/// Parses a reply that was received at `now`. `sent` are the request's secrets: a server may repeat them in its
/// error.
pub fn read_reply(
    status: u16,
    body: &[u8],
    shape: &ReplyShape,
    sent: &[Secret],
    now: Epoch,
) -> Result<TokenSet, ReplyError> {
    let top = members(body, &shape.root);
    let refused = top.as_ref().and_then(|top| refusal(status, top, sent));
    if is_unavailable(status) {
        let said = refused.and_then(|refused| match refused {
            ReplyError::Refused { description, .. } => description,
            _ => None,
        });
        return Err(ReplyError::Unavailable { status, said });
    }
    if let Some(refused) = refused {
        return Err(refused);
    }
    let unreadable = |why| ReplyError::Unreadable { status, why };
    let top = top.ok_or(unreadable("the body is neither a JSON object nor form-encoded"))?;
    if !(200..300).contains(&status) {
        return Err(unreadable("without an OAuth error in the body"));
    }
    let nested;
    let fields = if shape.root.is_empty() {
        &top
    } else {
        nested = Value::Object(top);
        nested
            .pointer(&shape.root)
            .and_then(Value::as_object)
            .ok_or(unreadable("without the token where it belongs"))?
    };
    let kind = token_type(fields, shape)?;
    let token = token(fields, shape, kind, now).ok_or(unreadable("without an access_token"))?;
    if token.is_sendable() { Ok(token) } else { Err(unreadable(UNSENDABLE)) }
}

/// The members of a JSON object or of a form-encoded body, whatever the content type says. `root` is the JSON pointer to an
/// object within, if its members are needed as well.
pub(super) fn members(body: &[u8], root: &str) -> Option<Map<String, Value>> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => return Some(object),
        Ok(_) => return None,
        Err(_) => {}
    }
    if let Some(object) = needed_members(body, root) {
        return Some(object);
    }
    let text = std::str::from_utf8(body).ok()?.trim();
    if !text.contains('=') || text.starts_with(['<', '{', '[', '"']) {
        return None;
    }
    Some(
        url::form_urlencoded::parse(text.as_bytes())
            .map(|(k, v)| (k.into_owned(), Value::String(v.into_owned())))
            .collect(),
    )
}

/// The needed members of a JSON object that no parser accepts as a whole, for a number out of range or half a character in
/// one: a login is not lost for what nobody needs. One that decides what the reply is must be readable.
fn needed_members(body: &[u8], root: &str) -> Option<Map<String, Value>> {
    let read = |path: &[&str]| match read_member(body, path) {
        Err(_) if path.last().is_some_and(|name| DECIDING.contains(name)) => Err(()),
        found => Ok(found.ok().flatten()),
    };
    let mut top = Map::new();
    for name in NEEDED.iter().chain(&CODES).chain(&DECIDING) {
        top.extend(read(&[name]).ok()?.map(|value| ((*name).to_owned(), value)));
    }
    let way: Vec<&str> = root.split('/').skip(1).collect();
    let mut nested = Map::new();
    for name in NEEDED.iter().chain(&DECIDING).filter(|_| !way.is_empty()) {
        let path = [way.as_slice(), &[name]].concat();
        nested.extend(read(&path).ok()?.map(|value| ((*name).to_owned(), value)));
    }
    let within = way.iter().rev().fold(Value::Object(nested), |inner, name| json!({ *name: inner }));
    top.extend(within.as_object().filter(|_| !way.is_empty()).cloned().unwrap_or_default());
    Some(top)
}

/// The server's own error: an `error` with any status, because some servers send it with a 200; with a failure
/// status, a code in any of the usual places.
pub(super) fn refusal(status: u16, top: &Map<String, Value>, sent: &[Secret]) -> Option<ReplyError> {
    // Some servers send {"error": {"code": .., "message": ..}}.
    let nested = top.get("error").and_then(Value::as_object).filter(|members| !members.is_empty());
    let text = |from: &Map<String, Value>, name: &str| {
        from.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let anywhere = |from: &Map<String, Value>| CODES.iter().find_map(|name| text(from, name));
    let code = match nested {
        Some(nested) => anywhere(nested).or_else(|| Some("error".into())),
        None if (200..300).contains(&status) => text(top, "error"),
        None => anywhere(top),
    };
    let code = scrubbed(&code?, sent);
    let code = code.chars().filter(|c| c.is_ascii_alphanumeric() || "_-.:/".contains(*c));
    let error: String = code.take(64).collect();
    let description = text(top, "error_description");
    let description = description.map(|text| clean(&scrubbed(&text, sent), DESCRIPTION_LIMIT));
    let description = description.filter(|text| !text.is_empty());
    Some(ReplyError::Refused { error: if error.is_empty() { "error".into() } else { error }, description })
}

/// Before a text is cut and cleaned: a secret that lost a character would no longer be recognized.
fn scrubbed(text: &str, sent: &[Secret]) -> String {
    sent.iter().fold(text.to_owned(), |text, secret| secret.scrub(text))
}

/// The token's type, which decides how it is sent. Some servers omit it and mean Bearer.
fn token_type(fields: &Map<String, Value>, shape: &ReplyShape) -> Result<String, ReplyError> {
    let kind = match fields.get("token_type") {
        None | Some(Value::Null) => return Ok(BEARER.into()),
        Some(Value::String(kind)) => kind.trim(),
        Some(odd) => return Err(ReplyError::TokenType(clean(&odd.to_string(), 32))),
    };
    let known = shape.token_types.iter().map(String::as_str).chain([BEARER, ""]);
    match known.into_iter().find(|known| known.eq_ignore_ascii_case(kind)) {
        Some(_) => Ok(if kind.is_empty() { BEARER.into() } else { kind.into() }),
        None => Err(ReplyError::TokenType(clean(kind, 32))),
    }
}

fn token(
    fields: &Map<String, Value>,
    shape: &ReplyShape,
    token_type: String,
    now: Epoch,
) -> Option<TokenSet> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
    let access_token = text("access_token")?;
    let told = fields.get("expires_in").and_then(|told| end(told, now));
    let told = told.or_else(|| {
        let points = POINTS.iter().filter_map(|name| read_time(fields.get(*name)?));
        points.into_iter().find(|point| *point > now)
    });
    let by_default = || shape.default_lifetime.map(|lifetime| now.saturating_add(lifetime));
    Some(TokenSet {
        access_token: Secret::new(access_token),
        refresh_token: text("refresh_token").map(Secret::new),
        token_type,
        scopes: scopes(fields.get("scope")),
        issued_at: Some(now),
        expires_at: told.or_else(|| end_of(access_token)).or_else(by_default),
    })
}

/// When a token ends, by an `expires_in`: a number of seconds from `now`, or a string with one in it. What is longer than
/// anybody means, some servers mean as a point in time, in seconds or milliseconds since 1970. Nonsense counts as absent.
fn end(told: &Value, now: Epoch) -> Option<Epoch> {
    let told = match told {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
    let whole = (0.0..=1e15).contains(&told).then_some(told as Epoch)?;
    let after = |lifetime: Epoch| Some(now.saturating_add(lifetime));
    if whole <= TEN_YEARS {
        return after(whole);
    }
    let is_time = |point: &Epoch| (now - TEN_YEARS..=now.saturating_add(HUNDRED_YEARS)).contains(point);
    match [whole, whole / 1000].into_iter().find(is_time) {
        // A token that expires before it arrives cannot be intended either.
        Some(point) => (point > now).then_some(point),
        // Some say "never" with nines.
        None if whole <= HUNDRED_YEARS => after(whole),
        None => None,
    }
}

/// Granted scopes: a string separated by spaces (RFC 6749 section 3.3) or, in practice, commas or an array.
fn scopes(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => text
            .split([' ', ','])
            .filter(|scope| !scope.is_empty())
            .map(|scope| clean(scope, DESCRIPTION_LIMIT))
            .collect(),
        Some(Value::Array(list)) => {
            list.iter().filter_map(Value::as_str).map(|scope| clean(scope, DESCRIPTION_LIMIT)).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
