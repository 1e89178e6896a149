//! Authentication: signatures, keys, claims, introspection, and the caches of its results. Not here: which header
//! carries the token, and what a caller may do (see `callers` and `policy`).

pub(super) mod introspection;
pub(super) mod issuers;
pub mod jwt;
pub mod keys;
pub(super) mod object;
pub(super) mod opaque;
pub mod revocations;
pub mod rules;
pub(super) mod token_cache;
pub(super) mod vended;

use self::jwt::{Token, TokenError};
use self::rules::{IssuerRules, ServersByAudience};
use super::settings;
use crate::policy::Principal;

/// The caller that a gateway with these issuers, and these servers by address, would see in a token, if its issuer's
/// keys verify it. Nothing is verified here: this explains what a token from a trusted place may do, and
/// authenticates nobody.
///
/// # Errors
/// Why the gateway would reject it, keys apart; [`TokenError::Malformed`] for an opaque token.
pub fn supposed(
    token: &str,
    issuers: &[settings::IssuerSettings],
    servers: ServersByAudience<'_>,
    now: i64,
) -> Result<Principal, TokenError> {
    let token = Token::read(token)?;
    let named = issuers.iter().find(|issuer| Some(issuer.issuer.as_str()) == token.issuer());
    let rules = named.and_then(|issuer| IssuerRules::new(issuer).ok()).ok_or(TokenError::Issuer)?;
    rules.accept(token.unproven(), now, servers).map(|(principal, _)| principal)
}
