//! `mcpauth gateway serve`: routes, authenticates, decides, forwards and filters, in that order and in one line.
//! It leaves who may do what to `policy`, stored egress tokens to `vault`, and printing to `cli`.

mod check;
mod check_files;
pub mod envelope;
pub mod filter;
pub mod join;
pub mod jwt;
pub mod keys;
pub mod outbound;
pub mod problem;
pub mod route;
pub mod rules;
pub mod schema;
pub mod server_headers;
pub mod servers;
pub mod settings;
pub mod sse;
