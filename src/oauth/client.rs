//! Who we are to an authorization server: the client's identifier and how it authenticates (RFC 7591 names).
//! It leaves the settings these come from to `config` and the request they end up in to `flow`.

use crate::oauth::SigningKey;
use crate::secret::Secret;

/// A client as registered with an authorization server (RFC 6749 section 2).
#[derive(Clone, Debug)]
pub struct OAuthClient {
    /// RFC 6749 section 2.2; not a secret.
    pub id: String,
    /// How it proves who it is at the token endpoint.
    pub auth: ClientAuth,
}

/// Client authentication at the token endpoint, by the names of `token_endpoint_auth_method` (RFC 7591 section 2).
#[derive(Clone, Debug)]
pub enum ClientAuth {
    /// `none`: a public client.
    None,
    /// `client_secret_basic`: id and secret, form-encoded, in an `Authorization` header (RFC 6749 section 2.3.1).
    SecretBasic(Secret),
    /// `client_secret_post`: id and secret in the body.
    SecretPost(Secret),
    /// `private_key_jwt`: a signed assertion in the body (RFC 7523 section 2.2).
    PrivateKeyJwt(SigningKey),
}

impl ClientAuth {
    /// The method of that name; `None` for one that has no secret here and needs one, or that has no name here.
    pub fn named(name: &str, secret: Option<Secret>) -> Option<Self> {
        match (name, secret) {
            ("none", _) => Some(Self::None),
            ("client_secret_basic", Some(secret)) => Some(Self::SecretBasic(secret)),
            ("client_secret_post", Some(secret)) => Some(Self::SecretPost(secret)),
            _ => None,
        }
    }

    /// The same, with assertions for this audience if it makes any and none was named before.
    #[must_use]
    pub fn asserting_to(self, audience: &str) -> Self {
        match self {
            Self::PrivateKeyJwt(key) => Self::PrivateKeyJwt(key.addressed_to(audience)),
            other => other,
        }
    }

    /// The registered name of the method.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SecretBasic(_) => "client_secret_basic",
            Self::SecretPost(_) => "client_secret_post",
            Self::PrivateKeyJwt(_) => "private_key_jwt",
        }
    }

    /// The shared secret, where the method has one.
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::SecretBasic(secret) | Self::SecretPost(secret) => Some(secret),
            Self::None | Self::PrivateKeyJwt(_) => None,
        }
    }
}
