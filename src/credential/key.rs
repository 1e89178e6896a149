//! A key or personal token instead of OAuth: how a server takes it, and where it is. Plain values. Not here: the key
//! itself (see `store`); running a command that prints it (see `vault`).

use serde::{Deserialize, Serialize};

use crate::oauth::Epoch;

/// The token file's member with the header that a key is sent in.
pub const KEY_HEADER: &str = "header";
/// The token file's member with that header's value, `{}` standing for the key.
pub const KEY_FORMAT: &str = "format";
/// The header that most servers expect a key in.
pub const USUAL_HEADER: &str = "Authorization";
/// That header's usual value (RFC 6750 section 2.1).
pub const USUAL_FORMAT: &str = "Bearer {}";

/// How a server takes a key, and where the key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyConfig {
    /// The header that it is sent in.
    pub header: String,
    /// The header's value, with `{}` for the key.
    pub format: String,
    /// The command that prints the key; without one the key itself is stored.
    pub command: Option<SecretCommand>,
}

/// A command of the user's that prints a secret: a reference into a password manager, instead of the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretCommand {
    /// The line for the user's shell.
    #[serde(rename = "command")]
    pub line: String,
    /// How long one process remembers the result, in seconds.
    #[serde(default = "usual_ttl")]
    pub ttl: u64,
}

/// How long before its expiry a key's owner is warned, in seconds: they have to get another one.
pub const KEY_WARNING: Epoch = 7 * 86_400;
/// How long the result of a [`SecretCommand`] is remembered by default, in seconds.
pub const USUAL_TTL: u64 = 300;

fn usual_ttl() -> u64 {
    USUAL_TTL
}
