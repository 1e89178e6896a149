//! mcpauth
pub mod oauth;
pub mod provider;
pub mod secret;
