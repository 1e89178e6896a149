//! Tokens on their way to a server, for all senders: the bridge, the gateway's stored credentials, the test clients.
//! One source of tokens for many requests ([`SingleFlight`]), and one rule for a token that a server rejects
//! ([`retry::Once`]).

pub mod retry;

mod single_flight;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;

pub use self::single_flight::{Got, MIN_RENEWAL_INTERVAL, SingleFlight, Supply};
use crate::secret::Secret;

/// The bearer tokens for a server, by reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bearers {
    /// Our identity at the gateway, in `X-Authorization`.
    pub gateway: Option<Secret>,
    /// For the server itself, in `Authorization`.
    pub server: Option<Secret>,
}

/// Supplies what a request to one server carries.
pub trait TokenSource {
    /// What a request carries: a token, or all headers with the tokens in them.
    type Token;
    /// Why there is none.
    type No;

    /// The current one.
    fn current(&self) -> impl Future<Output = Result<Arc<Self::Token>, Self::No>> + Send;

    /// A different one than the server rejected; `None` if there is none for now.
    fn replace(
        &self,
        refused: &Self::Token,
    ) -> impl Future<Output = Result<Option<Arc<Self::Token>>, Self::No>> + Send;
}
