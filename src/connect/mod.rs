//! One MCP server to be spoken to with the credentials that it gets, and what to do about its no. It leaves the protocol to
//! `client` and the credentials to `servers`.

mod explain;
mod target;

pub(crate) use self::target::{Target, Wanted, address};
