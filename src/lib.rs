//! mcpauth
pub mod demo;
pub mod oauth;
pub mod provider;
pub mod render;
pub mod secret;
pub mod sys;
