//! The gateway's own tokens (RFC 9068): the keys that sign them, and their claims about the owner and the limits
//! they set. Not here: who gets one (see `vending`); what it allows (see `policy`).

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::jwt::TokenError;
use super::keys::KeySet;
use crate::gateway::settings::{Algorithm, IssuerSettings, TokenProfile, Vending};
use crate::oauth::SigningKey;
use crate::policy::{Detail, Principal, Vended};
use crate::secret::Secret;
use crate::sys::private_file::{self, FileError};

/// The `typ` of an access token (RFC 9068 section 2.1).
const TYP: &str = "at+jwt";
/// The algorithms of the gateway's own keys.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::ES256, Algorithm::EdDSA];
/// How far the clocks of gateways that share their keys may differ, in seconds.
const LEEWAY: u32 = 10;

/// The gateway's own keys: the newest signs, all of them verify.
pub(in crate::gateway) struct SigningKeys {
    newest: SigningKey,
    pub(in crate::gateway) set: Arc<KeySet>,
    /// The public halves (RFC 7517 section 5), as they are published.
    pub(in crate::gateway) published: Value,
}

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeysError {
    /// A file or folder that cannot be read, or that others can read.
    #[error(transparent)]
    File(#[from] FileError),
    /// No file where one was named, or a folder without any.
    #[error("{}: there is no key in it", .0.display())]
    None(PathBuf),
    /// A file that is not such a key.
    #[error("{} is not a private key for ES256 (P-256) or EdDSA (Ed25519) in PEM (PKCS #8)", .0.display())]
    Unfit(PathBuf),
}

/// The claims of a vended token (RFC 9068 section 2.2).
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::gateway) struct VendedClaims {
    pub(in crate::gateway) iss: String,
    /// The gateway's own identifier, or addresses of servers behind it (RFC 8707).
    pub(in crate::gateway) aud: Vec<String>,
    /// The owner's own, at the owner's issuer.
    pub(in crate::gateway) sub: String,
    /// The client that the source was issued to; the subject, if it names none.
    pub(in crate::gateway) client_id: String,
    pub(in crate::gateway) jti: String,
    pub(in crate::gateway) iat: i64,
    pub(in crate::gateway) exp: i64,
    /// The only scopes it names, with spaces between them.
    pub(in crate::gateway) scope: String,
    /// The agent it is for (RFC 8693 section 4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::gateway) act: Option<Actor>,
    /// RFC 9396 section 9.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::gateway) authorization_details: Option<Vec<Detail>>,
    pub(in crate::gateway) owner: Owner,
}

/// Who acts for the owner.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::gateway) struct Actor {
    pub(in crate::gateway) sub: String,
}

/// What the policy needs to know about the owner to decide what they may do now.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::gateway) struct Owner {
    pub(in crate::gateway) iss: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::gateway) username: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::gateway) groups: Vec<String>,
    /// The scopes that the source itself had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::gateway) scopes: Vec<String>,
    /// The only servers that the source was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::gateway) servers: Option<Vec<String>>,
    /// The source's `jti`, and whichever of its claims the policy asked about.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(in crate::gateway) claims: Map<String, Value>,
}

impl SigningKeys {
    /// Reads a file, or every `.pem` file of a folder. The newest is the one that was written last; of several written at the
    /// same time, as orchestrators do, the one whose name comes last.
    ///
    /// # Errors
    /// [`SigningKeysError`]; one file that cannot be used is as bad as none, because tokens that it signed are still in use.
    pub(in crate::gateway) fn read(place: &Path) -> Result<Self, SigningKeysError> {
        let none = || SigningKeysError::None(place.into());
        let mut files = Self::files(place);
        files.sort_by_cached_key(|path| (written(path), path.clone()));
        let mut keys: Vec<SigningKey> = Vec::new();
        for path in files.iter().rev() {
            let pem = private_file::read_given_text(path)?.map(Secret::new).ok_or_else(none)?;
            let key = SigningKey::from_elliptic_pem(&pem);
            let key = key.ok_or_else(|| SigningKeysError::Unfit(path.clone()))?;
            if keys.iter().all(|known| known.key_id() != key.key_id()) {
                keys.push(key);
            }
        }
        let unfit = || SigningKeysError::Unfit(place.into());
        let published = json!({ "keys": keys.iter().filter_map(SigningKey::public).collect::<Vec<_>>() });
        let newest = keys.into_iter().next().ok_or_else(none)?;
        let set = KeySet::read(published.to_string().as_bytes(), &ALGORITHMS).map_err(|_| unfit())?;
        Ok(Self { newest, set: Arc::new(set), published })
    }

    /// The files with keys: the path itself, or the files in that folder.
    pub(in crate::gateway) fn files(place: &Path) -> Vec<PathBuf> {
        if !place.is_dir() {
            return vec![place.into()];
        }
        let entries = fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path());
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "pem")).collect()
    }

    /// The token.
    pub(in crate::gateway) fn sign(&self, claims: &VendedClaims) -> Option<Secret> {
        self.newest.sign(TYP, claims)
    }
}

/// A new private key for the gateway's own tokens, in PEM.
///
/// # Errors
/// `None` if no random numbers are available.
pub fn new_signing_key() -> Option<Secret> {
    SigningKey::generate()
}

fn written(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

impl Vending {
    /// The gateway as one of its own issuers.
    pub fn as_issuer(&self) -> IssuerSettings {
        IssuerSettings {
            audience: vec![self.issuer.clone()],
            algorithms: ALGORITHMS.to_vec(),
            require_at_jwt: true,
            // Clients without a token are not sent here to get one.
            scopes: Some(Vec::new()),
            leeway: LEEWAY,
            ..IssuerSettings::new(self.issuer.clone(), TokenProfile::Vended)
        }
    }
}

impl VendedClaims {
    /// The owner described by verified claims, with the limits they set.
    ///
    /// # Errors
    /// [`TokenError::Malformed`]: one of our keys signed it, but it is not a vended token.
    pub(super) fn principal(members: Map<String, Value>) -> Result<Principal, TokenError> {
        let claims: Self = serde_json::from_value(members.into()).map_err(|_| TokenError::Malformed)?;
        let Self { sub, client_id, jti, scope, act, authorization_details, owner, .. } = claims;
        if sub.is_empty() || jti.is_empty() {
            return Err(TokenError::Malformed);
        }
        let scopes: Vec<String> =
            scope.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let Owner { iss, username, groups, scopes: own, servers, claims } = owner;
        let own = own.into_iter().filter(|scope| scopes.contains(scope)).collect();
        let agent = act.map(|actor| actor.sub);
        let vended = Vended { token_id: jti, agent, scopes, details: authorization_details };
        Ok(Principal {
            issuer: iss,
            subject: sub,
            client_id: Some(client_id),
            username,
            groups,
            scopes: own,
            servers,
            claims,
            vended: Some(Arc::new(vended)),
        })
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKeys({:?}, {})", self.newest, self.set.len())
    }
}
