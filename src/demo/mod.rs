//! What `mcpauth demo` runs on loopback, and what the tests start in-process.
//! Nothing here is reached by the other verbs: the product never depends on its own demonstration.

pub(crate) mod acts;
pub mod idp;
mod keys;
pub mod mcp;
mod pages;
pub mod setup;
