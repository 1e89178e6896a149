//! An MCP server for local clients that forwards to a remote one: requests go there with fresh credentials, and
//! answers come back to the client. Over stdio ([`stdio`]) for one server, over loopback HTTP ([`listen`]) for all of
//! them. Not here: retries and resumption (see `session`); the wire (see `mcp`).
//!
//! ```text
//! stdio       lines in -> one Message each -> session.post -> the messages of its Reply -> lines out
//! listen      HTTP in -> secret, Host and Origin -> the same request with other headers -> its messages as they come
//! ```

mod client;
mod error;
mod held;
pub mod listen;
mod offer;
mod pipes;
mod response;
mod rounds;
mod stand_in;
pub mod stdio;
mod tools;

pub use client::FailureReporter;
pub use error::BridgeError;
pub use tools::IgnoredTools;
