//! The gateway configured on this machine: its settings, from `gateway.yaml` or the environment, and which of the
//! user's credentials and variables it may use. Not here: checking and serving (see `gateway`); printing (see `cli`).

mod issuer;
mod journal;
mod policy;
mod prepare;
mod stored;
mod vending;
mod vouch;

pub(crate) use self::journal::Log;
pub(crate) use self::policy::{own_server, policy_of, server_names, text_of};
pub(crate) use self::prepare::{
    Flags, Prepared, here, is_here, prepare, reachable_servers, with_issuers, within, without_issuers,
};
pub use self::stored::InVault;
pub(crate) use self::vending::VendedTokens;
