//! The gateway that is set up on this machine: its settings, from `gateway.yaml` or the environment, and what it may have of
//! the user's credentials and variables. It leaves judging and serving to `gateway`, and showing to `cli`.

mod issuer;
mod journal;
mod policy;
mod prepare;
mod stored;
mod vouch;

pub(crate) use self::journal::Log;
pub(crate) use self::policy::{policy_of, server_names, text_of};
pub(crate) use self::prepare::{
    Flags, Prepared, here, is_here, prepare, reachable_servers, with_issuers, within, without_issuers,
};
pub use self::stored::InVault;
