//! Whether an issuer signed a token: its keys by its metadata, and the gateway's own verification. It leaves showing to
//! `inspect`, and never asks anybody whom only the token names.

use std::time::Duration;

use crate::config::Config;
use crate::credential::CredentialKind;
use crate::flow::FlowError;
use crate::gateway::authn::jwt::{Token, TokenError};
use crate::gateway::authn::keys::KeySet;
use crate::gateway::settings::Algorithm;
use crate::metadata;
use crate::oauth::Unverified;
use crate::sys::http::{Http, HttpError};

/// How long a look may wait for an issuer; with `--verify` the network's own deadlines count.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SignatureCheck {
    /// One of the issuer's keys signed it.
    Verified { issuer: String },
    /// None did, or it is a token nobody should take.
    Bad(String),
    /// The issuer did not answer.
    Unreachable(String),
    /// Nobody was asked.
    Unknown(String),
}

impl SignatureCheck {
    /// For programs.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Verified { .. } => "verified",
            Self::Bad(_) => "bad",
            Self::Unreachable(_) => "unreachable",
            Self::Unknown(_) => "unknown",
        }
    }

    /// For people.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Verified { issuer } => format!("signed by {issuer}"),
            Self::Bad(why) | Self::Unreachable(why) | Self::Unknown(why) => why.clone(),
        }
    }
}

/// Whom a token may be verified with: the one that was named, else those that are configured.
pub(crate) fn issuers(config: &Config, named: Option<&str>) -> Vec<String> {
    if let Some(named) = named {
        return vec![named.to_owned()];
    }
    let planned = config.plan(&CredentialKind::ALL, None);
    let mut issuers: Vec<String> =
        planned.into_iter().filter_map(|flow| Some(flow.credential.ok()?.issuer)).collect();
    // A gateway's operator may have an issuer and no client.
    issuers.extend(config.ingress_issuer().ok());
    issuers
}

/// Verifies the signature. What the claims say of time is for whoever looks at them.
pub(crate) async fn verify(
    http: &Http,
    token: &str,
    readable: Option<&Unverified>,
    issuers: &[String],
    patient: bool,
) -> SignatureCheck {
    let Some(readable) = readable else {
        return SignatureCheck::Unknown("only a JWT carries a signature".into());
    };
    let issuer = match readable.issuer() {
        Some(found) if issuers.iter().any(|issuer| issuer == found) => found,
        Some(_) => {
            return SignatureCheck::Unknown(
                "its issuer is neither configured nor named with --issuer".into(),
            );
        }
        None => return SignatureCheck::Unknown("it names no issuer".into()),
    };
    let token = match Token::read(token) {
        Ok(token) => token,
        Err(reject) => return SignatureCheck::Bad(describe_rejection(reject)),
    };
    let fetched = fetch(http, issuer);
    let keys = if patient {
        fetched.await
    } else {
        let late = || {
            SignatureCheck::Unreachable(format!("{issuer} did not answer within {} s", PATIENCE.as_secs()))
        };
        tokio::time::timeout(PATIENCE, fetched).await.unwrap_or_else(|_| Err(late()))
    };
    let keys = match keys {
        Ok(keys) => keys,
        Err(verdict) => return verdict,
    };
    let verified = keys
        .find(token.key_id(), token.algorithm())
        .map_err(TokenError::from)
        .and_then(|key| token.verify(key));
    match verified {
        Ok(_) => SignatureCheck::Verified { issuer: issuer.to_owned() },
        Err(reject) => SignatureCheck::Bad(describe_rejection(reject)),
    }
}

async fn fetch(http: &Http, issuer: &str) -> Result<KeySet, SignatureCheck> {
    let unreachable = |error: &dyn ToString| SignatureCheck::Unreachable(error.to_string());
    let url = metadata::find_jwks_uri(http, issuer).await.map_err(|error| match FlowError::from(error) {
        error @ FlowError::Http(HttpError::Plain { .. }) => SignatureCheck::Unknown(error.to_string()),
        error => unreachable(&error),
    })?;
    let raw = metadata::fetch_keys(http, &url, Some(issuer)).await.map_err(|error| unreachable(&error))?;
    KeySet::read(&raw, &Algorithm::ALL).map_err(|error| unreachable(&format!("{issuer}: {error}")))
}

/// A verifier's no, in more words than it gives a stranger.
fn describe_rejection(reject: TokenError) -> String {
    match reject {
        TokenError::Malformed => "it is not a well-formed JWT, or too long",
        TokenError::Header => "its header has a parameter that no token should have (RFC 8725)",
        TokenError::Algorithm => "its algorithm is none, symmetric, unknown, or not its key's",
        TokenError::Key => "its issuer has no such key",
        _ => "its signature is not its issuer's",
    }
    .into()
}
