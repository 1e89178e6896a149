//! The client's side of MCP on the wire: one request to a server, and the messages it answers with; and a small client that
//! speaks every version. It leaves what is said to its callers (the bridge, the test clients) and the credentials to whoever
//! has them.

pub mod client;
mod error;
mod message;
pub mod mirror;
mod parse;
pub mod remote;
pub mod sse;
mod talk;

pub use client::{Client, Tools};
pub use error::{ClientError, Refusal, RpcError};
pub use mirror::encoded;
pub use parse::{PARTS, Unread, parse};
pub use remote::{Answer, LAST_EVENT, LIMIT, Remote, SESSION, VERSION, text_of};
pub use sse::Event;
pub use talk::{Era, Heard};
