//! JWTs (RFC 7515, 7519, 8725): parsed strictly, and trusted only after their signature is verified. Not here: the
//! keys (see `keys`); checking claims (see `rules`).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::keys::{self, Key, MAX_KEY_ID, NoKey};
use super::object;
use crate::gateway::settings::Algorithm;
use crate::oauth::{CALLER_REVOKED, NOT_YET};

/// The longest token that is read, in bytes.
pub const MAX_TOKEN: usize = 16 << 10;

/// The longest that an issuer gives us itself, in bytes.
const MAX_GIVEN_TOKEN: usize = 256 << 10;

/// Header parameters that are always rejected: extensions that would have to be understood (`crit`, `b64`), keys that
/// a token brings along, and compression (RFC 8725 sections 3.6 and 3.10).
const REFUSED: [&str; 7] = ["crit", "b64", "jku", "jwk", "x5u", "x5c", "zip"];

/// Header parameters that decide something; their case variants (`Alg`) are rejected.
const DECIDING: [&str; 4] = ["alg", "kid", "typ", "cty"];

/// A compact JWS (RFC 7515 section 7.1) whose header is acceptable. Nothing in it is verified yet.
pub struct Jws<'t> {
    /// Header and payload as received, which is what the signature covers.
    signed: &'t str,
    payload: Vec<u8>,
    signature: Vec<u8>,
    algorithm: Algorithm,
    key_id: Option<String>,
    typ: Option<String>,
}

/// A JWT that was parsed but not verified.
pub struct Token<'t> {
    jws: Jws<'t>,
    claims: Map<String, Value>,
}

/// The claims of a verified token, with its header's `typ`. Only [`Token::verify`] makes one, and [`Token::unproven`]
/// for callers that authenticate nobody with it.
pub struct Claims {
    typ: Option<String>,
    members: Map<String, Value>,
}

/// Why a token is not accepted. It reveals nothing of the token's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenError {
    /// Not a compact JWS of a JSON object, too long, or a claim of the wrong type.
    Malformed,
    /// A header parameter that is rejected.
    Header,
    /// `none`, a symmetric or unknown algorithm, or not the one the key is for.
    Algorithm,
    /// No key of its issuer matches it, or more than one.
    Key,
    /// The signature does not match the key.
    Signature,
    /// `iss` is not the issuer.
    Issuer,
    /// After `exp`.
    Expired,
    /// Before `nbf`, or issued in the future.
    NotYet,
    /// For another audience.
    Audience,
    /// Not an access token.
    Kind,
    /// It has this ID token claim, and its issuer's settings do not accept that.
    IdToken(&'static str),
    /// Bound to a key (`cnf`) whose possession cannot be checked here (RFC 9449, RFC 8705).
    Binding,
    /// The issuer says that it is not active (RFC 7662).
    Inactive,
    /// A header names another pool, client or region than the token.
    Mismatch,
    /// Listed as revoked.
    Revoked,
    /// The caller is revoked, whatever the token: its subject or its client is on the revocation list.
    CallerRevoked,
}

impl<'t> Jws<'t> {
    /// Reads a compact JWS.
    ///
    /// # Errors
    /// [`TokenError::Malformed`], [`TokenError::Header`] or [`TokenError::Algorithm`].
    pub fn read(text: &'t str) -> Result<Self, TokenError> {
        Self::within(text, MAX_TOKEN)
    }

    /// The same of at most so many bytes.
    fn within(text: &'t str, most: usize) -> Result<Self, TokenError> {
        if text.len() > most {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::Malformed)?;
        // A second dot makes the payload invalid base64url: five parts are a JWE, which is not supported.
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let header = object::read(&decode(header)?).ok_or(TokenError::Malformed)?;
        acceptable(&header)?;
        let name = text_of(&header, "alg")?.ok_or(TokenError::Malformed)?;
        let key_id = text_of(&header, "kid")?;
        let algorithm = keys::algorithm(name).ok_or(TokenError::Algorithm)?;
        if signature.is_empty() || key_id.is_some_and(|id| id.len() > MAX_KEY_ID) {
            return Err(TokenError::Malformed);
        }
        Ok(Self {
            signed,
            payload: decode(payload)?,
            signature: decode(signature)?,
            algorithm,
            key_id: key_id.map(str::to_owned),
            typ: text_of(&header, "typ")?.map(str::to_owned),
        })
    }

    /// The algorithm in its header: only a request, which the key must match.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// `kid`, to look up a key in the issuer's own set and nowhere else.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The payload, if `key` signed it.
    ///
    /// # Errors
    /// [`TokenError::Algorithm`] if the key is for another algorithm, [`TokenError::Signature`].
    pub fn verify(&self, key: &Key) -> Result<&[u8], TokenError> {
        if key.algorithm() != self.algorithm {
            return Err(TokenError::Algorithm);
        }
        if !key.verifies(self.signed.as_bytes(), &self.signature) {
            return Err(TokenError::Signature);
        }
        Ok(&self.payload)
    }
}

impl<'t> Token<'t> {
    /// Reads a JWT: a compact JWS whose payload is a JSON object without duplicate names at any depth.
    ///
    /// # Errors
    /// [`TokenError::Malformed`], [`TokenError::Header`] or [`TokenError::Algorithm`].
    pub fn read(text: &'t str) -> Result<Self, TokenError> {
        Self::of(Jws::read(text)?)
    }

    /// The same for a token that an issuer gave us itself: it may be longer, for a person in many groups.
    ///
    /// # Errors
    /// As [`Token::read`].
    pub(in crate::gateway) fn given(text: &'t str) -> Result<Self, TokenError> {
        Self::of(Jws::within(text, MAX_GIVEN_TOKEN)?)
    }

    fn of(jws: Jws<'t>) -> Result<Self, TokenError> {
        let claims = object::read(&jws.payload).ok_or(TokenError::Malformed)?;
        Ok(Self { jws, claims })
    }

    /// The token's `iss`, unverified: used only to choose among the configured issuers.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// See [`Jws::algorithm`].
    pub fn algorithm(&self) -> Algorithm {
        self.jws.algorithm()
    }

    /// See [`Jws::key_id`].
    pub fn key_id(&self) -> Option<&str> {
        self.jws.key_id()
    }

    /// Its claims, unverified.
    pub(super) fn unproven(self) -> Claims {
        Claims { typ: self.jws.typ, members: self.claims }
    }

    /// The claims, if `key` signed them.
    ///
    /// # Errors
    /// See [`Jws::verify`].
    pub fn verify(self, key: &Key) -> Result<Claims, TokenError> {
        self.jws.verify(key)?;
        Ok(Claims { typ: self.jws.typ, members: self.claims })
    }
}

impl Claims {
    /// The header's `typ`.
    pub(in crate::gateway) fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The payload's members.
    pub(in crate::gateway) fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The payload's members, owned.
    pub(in crate::gateway) fn into_members(self) -> Map<String, Value> {
        self.members
    }
}

/// Whether a header has nothing that is rejected.
fn acceptable(header: &Map<String, Value>) -> Result<(), TokenError> {
    let twin = |name: &str, of: &str| name != of && name.eq_ignore_ascii_case(of);
    for name in header.keys() {
        if REFUSED.iter().any(|refused| name.eq_ignore_ascii_case(refused))
            || DECIDING.iter().any(|deciding| twin(name, deciding))
        {
            return Err(TokenError::Header);
        }
    }
    // A nested token (RFC 7519 section 5.2).
    match text_of(header, "cty")? {
        Some(content) if media_type(content) == "jwt" => Err(TokenError::Header),
        _ => Ok(()),
    }
}

/// A `typ` or `cty` without regard to case and its optional prefix (RFC 7515 section 4.1.9).
pub(super) fn media_type(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    text.strip_prefix("application/").map(str::to_owned).unwrap_or(text)
}

/// A member that must be a string if present.
pub(super) fn text_of<'m>(
    members: &'m Map<String, Value>,
    name: &str,
) -> Result<Option<&'m str>, TokenError> {
    members.get(name).map(|value| value.as_str().ok_or(TokenError::Malformed)).transpose()
}

/// Base64url without padding, white space or leftover bits: one text for one value.
fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)
}

impl TokenError {
    /// One word for audit lines and metrics. These words are a stable interface for dashboards.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Header => "header",
            Self::Algorithm => "algorithm",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Expired => "expired",
            Self::NotYet => "not_yet",
            Self::Audience => "audience",
            Self::Kind | Self::IdToken(_) => "kind",
            Self::Binding => "binding",
            Self::Inactive => "inactive",
            Self::Mismatch => "mismatch",
            Self::Revoked | Self::CallerRevoked => "revoked",
        }
    }

    /// `error_description` of the challenge: enough for an honest client to know what to do, and no help in forging.
    pub fn description(self) -> &'static str {
        match self {
            Self::Expired => "The access token expired",
            Self::NotYet => NOT_YET,
            Self::Audience => "The access token is for another audience",
            Self::Kind | Self::IdToken(_) => "The token is not an access token",
            Self::Binding => "Sender-constrained tokens are not supported",
            Self::Mismatch => "The identity headers do not match the access token",
            Self::CallerRevoked => CALLER_REVOKED,
            Self::Inactive | Self::Revoked => "The access token was revoked",
            _ => "The access token is not valid",
        }
    }

    /// What its caller can do.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::NotYet => {
                "the clock of its issuer or of this gateway is wrong; tell the gateway's operator"
            }
            Self::CallerRevoked => "ask the gateway's operator",
            _ => "get another with: mcpauth ingress --force",
        }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description())
    }
}

impl std::error::Error for TokenError {}

impl From<NoKey> for TokenError {
    fn from(why: NoKey) -> Self {
        match why {
            NoKey::Unknown | NoKey::Ambiguous => Self::Key,
            NoKey::Algorithm => Self::Algorithm,
        }
    }
}

impl fmt::Debug for Jws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jws({:?})", self.algorithm)
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:?})", self.jws.algorithm)
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claims({})", self.members.len())
    }
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
