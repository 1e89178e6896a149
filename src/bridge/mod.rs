//! An MCP server for local clients that is another one far away: what a client says goes there with fresh credentials, and
//! what comes back is the client's. Over stdio ([`stdio`]) for one server, over loopback HTTP ([`listen`]) for all of them.
//! It leaves what can be mended on the way to `session`, and the wire to `mcp`.
//!
//! ```text
//! stdio       lines in -> one Message each -> session.post -> the messages of its Reply -> lines out
//! listen      HTTP in -> secret, Host and Origin -> the same request with other headers -> its messages as they come
//! ```

mod error;
pub mod listen;
mod pipes;
mod response;
pub mod stdio;

pub use error::BridgeError;
