//! Gets the credentials AI agents need for MCP servers.

pub mod cli;
pub mod config;
pub mod credential;
pub mod demo;
pub mod error;
pub mod flow;
pub mod oauth;
pub mod provider;
pub mod render;
pub mod secret;
pub mod store;
pub mod sys;
pub mod vault;
