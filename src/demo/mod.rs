//! What `mcpauth demo` runs on loopback, and what the tests start in-process. No other verb uses it: the product
//! never depends on its own demonstration.

pub(crate) mod acts;
pub mod idp;
mod keys;
pub mod mcp;
mod pages;
mod server;
pub mod setup;
