//! What `gateway.yaml` says of the gateway's own tokens. Not here: the tokens (see `authn` and `vending`).

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// The gateway as an issuer of its own tokens: short-lived, revocable, and for one job.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vending {
    /// The private key that signs them (P-256 or Ed25519, PEM), or a folder of such keys (`*.pem`): the newest signs, all of
    /// them verify. Of root or this user, readable by it alone or by one group that it is in. Read again when it changes.
    pub key: PathBuf,
    /// The issuer identifier in them (`iss`), an https URL, as in `https://gateway.example.com`; gateways that share their
    /// keys share it.
    pub issuer: String,
    /// The file that records which tokens were issued, to whom and until when, but never a token; `vended.jsonl` if absent.
    /// Gateways that share their keys share it.
    #[serde(default = "ledger")]
    pub ledger: PathBuf,
    /// A vended token may outlive the token it was asked for with; 24 hours stay the most.
    #[serde(default)]
    pub beyond_source: bool,
}

impl Vending {
    /// A new key's place: the file that `key` names if it is not there, else next to the other keys of its folder.
    pub fn new_key(&self, now: i64) -> PathBuf {
        let is_file = self.key.extension().is_some_and(|ending| ending == "pem");
        if is_file && !self.key.is_dir() { self.key.clone() } else { self.key.join(format!("{now}.pem")) }
    }
}

fn ledger() -> PathBuf {
    "vended.jsonl".into()
}
