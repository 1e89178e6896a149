//! Whose a token is: signatures, keys, claims, issuers that are asked, and what is remembered of tokens.
//! It leaves which request carries one, and what a caller may do, to `callers` and `policy`.

pub(super) mod asking;
pub(super) mod issuers;
pub mod jwt;
pub mod keys;
mod object;
pub(super) mod opaque;
pub mod rules;
pub(super) mod tokens;
