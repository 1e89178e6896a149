//! Whose a token is: signatures, keys, claims, issuers that are asked, and what is remembered of tokens.
//! It leaves which request carries one, and what a caller may do, to `callers` and `policy`.

pub(super) mod introspection;
pub(super) mod issuers;
pub mod jwt;
pub mod keys;
mod object;
pub(super) mod opaque;
pub mod rules;
pub(super) mod token_cache;

use self::jwt::{Token, TokenError};
use self::rules::{IssuerRules, ServersByAudience};
use super::settings;
use crate::policy::Principal;

/// Whom a gateway with these issuers, and these servers by their addresses, would take a token for, if its issuer's keys prove it. Nothing is proven here: it is to
/// explain what the token of a trusted place may do, and lets nobody in.
///
/// # Errors
/// Why the gateway would refuse it, keys apart; [`TokenError::Malformed`] for one that does not say what it is about itself.
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
