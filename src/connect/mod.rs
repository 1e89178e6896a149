//! A connection to one MCP server with its credentials, and the advice after a refusal. Not here: the protocol (see
//! `client`); the credentials (see `servers`).

mod explain;
mod target;

pub(crate) use self::target::{Target, Wanted, address};
