//! Credentials for AI agents that talk to MCP servers.

pub mod demo;
