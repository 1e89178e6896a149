//! Tokens as text (RFC 7515, 7519, 8725): read strictly, and believed only after their signature.
//! It leaves the keys to `keys` and what the claims must say to `rules`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::keys::{self, Key, MAX_KEY_ID, NoKey};
use super::object;
use crate::gateway::settings::Algorithm;
use crate::oauth::CALLER_REVOKED;

/// The longest token that is read, in bytes.
pub const MAX_TOKEN: usize = 16 << 10;

/// Header parameters that are refused with whatever value: extensions that would have to be understood (`crit`, `b64`),
/// keys that a token brings along, and compression (RFC 8725 sections 3.6 and 3.10).
const REFUSED: [&str; 7] = ["crit", "b64", "jku", "jwk", "x5u", "x5c", "zip"];

/// Header parameters that decide something; their case twins (`Alg`) are refused.
const DECIDING: [&str; 4] = ["alg", "kid", "typ", "cty"];

/// A compact JWS (RFC 7515 section 7.1) whose header was read and found acceptable. Nothing in it is proven yet.
pub struct Jws<'t> {
    /// Header and payload as they came, which is what the signature covers.
    signed: &'t str,
    payload: Vec<u8>,
    signature: Vec<u8>,
    algorithm: Algorithm,
    key_id: Option<String>,
    typ: Option<String>,
}

/// A JWT that was read but not verified.
pub struct Token<'t> {
    jws: Jws<'t>,
    claims: Map<String, Value>,
}

/// What a verified token says, with its header's `typ`. Only [`Token::verify`] makes one, and [`Token::unproven`] for whoever lets
/// nobody in by it.
pub struct Claims {
    typ: Option<String>,
    members: Map<String, Value>,
}

/// Why a token is not accepted. It says nothing of what the token holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenError {
    /// Not a compact JWS of a JSON object, too long, or a claim of the wrong type.
    Malformed,
    /// A header parameter that is refused.
    Header,
    /// `none`, a symmetric or unknown algorithm, or not the one the key is for.
    Algorithm,
    /// No key of its issuer's for it, or more than one.
    Key,
    /// The signature is not the key's.
    Signature,
    /// `iss` is not the issuer's.
    Issuer,
    /// After `exp`.
    Expired,
    /// Before `nbf`, or issued in the future.
    NotYet,
    /// For somebody else.
    Audience,
    /// Not an access token.
    Kind,
    /// It has this member of an ID token's, and its issuer's settings do not accept that.
    IdToken(&'static str),
    /// Bound to a key (`cnf`) whose possession cannot be checked here (RFC 9449, RFC 8705).
    Binding,
    /// The issuer says that it is not active (RFC 7662).
    Inactive,
    /// A header names another pool, client or region than the token.
    Mismatch,
    /// Listed as revoked.
    Revoked,
    /// The caller, whatever the token: its subject or its client is on the list of the revoked.
    CallerRevoked,
}

impl<'t> Jws<'t> {
    /// Reads a compact JWS.
    ///
    /// # Errors
    /// [`TokenError::Malformed`], [`TokenError::Header`] or [`TokenError::Algorithm`].
    pub fn read(text: &'t str) -> Result<Self, TokenError> {
        if text.len() > MAX_TOKEN {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::Malformed)?;
        // A second dot in here makes the payload no base64url: five parts are a JWE, which is not for us.
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

    /// The algorithm its header asks for: no more than a wish, which the key must share.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// `kid`, to look a key up in the issuer's own set and nowhere else.
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
    /// Reads a JWT: a compact JWS whose payload is a JSON object, with no name twice at any depth.
    ///
    /// # Errors
    /// [`TokenError::Malformed`], [`TokenError::Header`] or [`TokenError::Algorithm`].
    pub fn read(text: &'t str) -> Result<Self, TokenError> {
        let jws = Jws::read(text)?;
        let claims = object::read(&jws.payload).ok_or(TokenError::Malformed)?;
        Ok(Self { jws, claims })
    }

    /// `iss` as the token has it, unproven: good only for choosing among the configured issuers.
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

    /// What it says, proven by nobody.
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
    pub(super) fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The payload's members.
    pub(super) fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The payload's members, for keeping.
    pub(super) fn into_members(self) -> Map<String, Value> {
        self.members
    }
}

/// Whether a header asks for nothing that is refused.
fn acceptable(header: &Map<String, Value>) -> Result<(), TokenError> {
    let twin = |name: &str, of: &str| name != of && name.eq_ignore_ascii_case(of);
    for name in header.keys() {
        if REFUSED.iter().any(|refused| name.eq_ignore_ascii_case(refused))
            || DECIDING.iter().any(|deciding| twin(name, deciding))
        {
            return Err(TokenError::Header);
        }
    }
    // A token within a token (RFC 7519 section 5.2).
    match text_of(header, "cty")? {
        Some(content) if media_type(content) == "jwt" => Err(TokenError::Header),
        _ => Ok(()),
    }
}

/// A `typ` or `cty` without regard to case and to its optional prefix (RFC 7515 section 4.1.9).
pub(super) fn media_type(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    text.strip_prefix("application/").map(str::to_owned).unwrap_or(text)
}

/// A member that must be text if it is there at all.
pub(super) fn text_of<'m>(
    members: &'m Map<String, Value>,
    name: &str,
) -> Result<Option<&'m str>, TokenError> {
    members.get(name).map(|value| value.as_str().ok_or(TokenError::Malformed)).transpose()
}

/// Base64url without padding, blanks or leftover bits: one text for one value.
fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)
}

impl TokenError {
    /// One word for audit lines and metrics. These words are a promise to dashboards.
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
            Self::NotYet => "The access token is not valid yet",
            Self::Audience => "The access token is for another audience",
            Self::Kind | Self::IdToken(_) => "The token is not an access token",
            Self::Binding => "Sender-constrained tokens are not supported",
            Self::Mismatch => "The identity headers do not match the access token",
            Self::CallerRevoked => CALLER_REVOKED,
            Self::Inactive | Self::Revoked => "The access token was revoked",
            _ => "The access token is not valid",
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
