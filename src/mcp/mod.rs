//! The client's side of MCP on the wire: one request to a server, and the messages it answers with.
//! It leaves what is said to its callers (the bridge, the test clients) and the credentials to whoever has them.

pub mod mirror;
pub mod remote;
pub mod sse;

pub use remote::{Answer, Remote};
pub use sse::Event;
