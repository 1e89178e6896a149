//! What asking for a token comes to: the token and how it was come by, or why there is none.

use std::path::PathBuf;

use thiserror::Error;

use crate::flow::FlowError;
use crate::store::{StoreError, StoredToken};

/// How a token was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenOutcome {
    /// It was there, and is good for a while.
    Reused,
    /// By the refresh grant.
    Refreshed,
    /// By client credentials.
    Obtained,
    /// By a person.
    LoggedIn,
    /// It was asked for, and what came ends no later than what was there: nothing was gained.
    Unchanged,
}

/// A token that is good now.
#[derive(Debug)]
pub struct IssuedToken {
    /// The credential as it is kept.
    pub stored: StoredToken,
    /// How it was come by.
    pub outcome: TokenOutcome,
    /// Where it is kept.
    pub path: PathBuf,
}

/// Why there is no token.
#[derive(Debug, Error)]
pub enum VaultError {
    /// It could not be got.
    #[error("{0}")]
    Flow(#[from] FlowError),
    /// It could not be read or kept.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The issuer no longer knows the client that mcpauth registered there: a login begins with another one.
    #[error("{issuer} no longer knows the client that mcpauth registered there")]
    ClientForgotten {
        /// The issuer.
        issuer: String,
    },
    /// A server refuses the token that is kept, though it is not at its end: a login that only looks at its end would keep it.
    #[error("the server refuses the present token, and only a login brings another one{}", .why.as_deref().map(|why| format!(" ({why})")).unwrap_or_default())]
    Refused {
        /// Why nothing else did.
        why: Option<String>,
    },
    /// Only a person can get it, and nobody is there.
    #[error("a person must log in{}", .why.as_deref().map(|why| format!(" ({why})")).unwrap_or_default())]
    NeedsPerson {
        /// Why what was there did not do.
        why: Option<String>,
    },
}
