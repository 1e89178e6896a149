//! The result of requesting a token: the token and how it was obtained, or why there is none.

use std::path::PathBuf;

use thiserror::Error;

use super::CommandError;
use crate::flow::FlowError;
use crate::store::{StoreError, StoredToken};

/// How a token was obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenOutcome {
    /// It was stored, and has some validity left.
    Reused,
    /// By the refresh grant.
    Refreshed,
    /// By client credentials.
    Obtained,
    /// By a login.
    LoggedIn,
    /// Its user entered it.
    Entered,
    /// It was requested, and the result expires no later than the stored one: nothing was gained.
    Unchanged,
}

impl TokenOutcome {
    /// Its name for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reused => "reused",
            Self::Refreshed => "refreshed",
            Self::Obtained => "obtained",
            Self::LoggedIn => "logged_in",
            Self::Entered => "stored",
            Self::Unchanged => "unchanged",
        }
    }
}

/// A token that is valid now.
#[derive(Debug)]
pub struct IssuedToken {
    /// The stored credential.
    pub stored: StoredToken,
    /// How it was obtained.
    pub outcome: TokenOutcome,
    /// Where it is stored.
    pub path: PathBuf,
}

/// Why there is no token.
#[derive(Debug, Error)]
pub enum VaultError {
    /// It could not be obtained.
    #[error("{0}")]
    Flow(#[from] FlowError),
    /// It could not be read or stored.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The issuer no longer has the client that mcpauth registered there: a login starts with another one.
    #[error("{issuer} no longer has the client that mcpauth registered there")]
    ClientForgotten {
        /// The issuer.
        issuer: String,
    },
    /// A server rejects the stored token before its expiry: a login that only checks the expiry would keep it.
    #[error("the server rejects the stored token, and only a login can replace it{}", .why.as_deref().map(|why| format!(" ({why})")).unwrap_or_default())]
    Refused {
        /// Why nothing else helped.
        why: Option<String>,
    },
    /// It is a key, which only its user can enter.
    #[error("a key must be entered: {why}")]
    NeedsKey {
        /// Why the stored one is not usable.
        why: String,
    },
    /// It is a key or a secret that a command prints, and did not.
    #[error("{0}")]
    Command(#[from] CommandError),
    /// It needs a login, and no user is there.
    #[error("a person must log in{}", .why.as_deref().map(|why| format!(" ({why})")).unwrap_or_default())]
    NeedsPerson {
        /// Why the stored token was not usable.
        why: Option<String>,
    },
}
