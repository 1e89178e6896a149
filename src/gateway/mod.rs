//! `mcpauth gateway serve`: routes, authenticates, decides, forwards and filters, in that order and in one line.
//! It leaves who may do what to `policy`, stored egress tokens to `vault`, and printing to `cli`.

pub mod envelope;
pub mod filter;
mod json;
pub mod jwt;
pub mod keys;
mod mirror;
pub mod rules;
pub mod servers;
pub mod settings;
pub mod sse;
