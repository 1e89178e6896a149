//! mcpauth gets the credentials that AI agents need for MCP servers, keeps them, and hands them out without leaking them.
//!
//! This file is the map. Start with [`vault`] ("a fresh token for X") and [`credential`] (what X is); then follow a
//! credential's way below.
//!
//! # A credential's way
//!
//! ```text
//! argv -> cli::Cli -> config::Settings -> config::Config -> plan() -> [Credential]
//!      -> vault.fresh(credential): read, lock, read again, refresh or get, save
//!           flow::client_credentials | flow::refresh | flow::log_in        (network, listener, browser)
//!           store::write                                                     (0600, whole or not at all)
//!      -> render::entries -> templates -> merge into the clients' own files
//!      -> cli::report -> stdout, stderr, error::Exit
//! ```
//!
//! # Layers: who may import whom
//!
//! | module | may import |
//! |---|---|
//! | `cli` | everything; nothing imports `cli` |
//! | `error` | every module's error |
//! | `vault` | `flow`, `store`, `credential`, `oauth`, `sys` |
//! | `flow` | `credential`, `provider`, `oauth`, `secret`, `sys` |
//! | `store` | `credential`, `oauth`, `secret`, `sys` |
//! | `config` | `credential`, `provider`, `oauth`, `secret`, `sys` |
//! | `render` | `provider`, `secret`, `sys` |
//! | `demo` | nothing of ours: a server that the product never depends on |
//! | `credential` | `oauth`, `provider` |
//! | `provider` | `oauth` |
//! | `oauth` | `secret` |
//! | `secret`, `sys` | nothing |
//!
//! `tests/architecture.rs` holds this table and reads every path in the sources.
//!
//! # Doors
//!
//! Each side effect has one: the clock is `sys::clock`, the environment `sys::env`, private files `sys::private_file`,
//! the network `sys::http`, the browser `sys::browser`, folders `sys::paths`, the keyboard `sys::terminal`; stdout and
//! stderr are `cli::out`. `.clippy.toml` keeps the standard library's own functions for these out of everywhere else.
//!
//! # Words
//!
//! *Ingress* and *egress* are the user's words: the token that lets an agent through the gateway, and the one with which
//! a server acts for the user outside. Inside a flow the RFCs' words win: client, grant, issuer, scope, state.
//! A [`provider::Provider`] is an outside service, as data. A [`credential::Credential`] is everything needed to get one
//! token. A [`oauth::TokenSet`] is absolute in time from the moment it was parsed; its [`oauth::Freshness`] is asked of
//! it with `now`. A [`store::Stored`] is a token as its file has it.
//!
//! # What is never there
//!
//! - No secret outside [`secret::Secret`] for longer than it takes to write it out; it prints as `[redacted]`.
//! - No provider's name in code: a new provider is a file under `providers/`, a new client a template and a table row.
//! - `oauth`, `provider` and `credential` know no network, no clock and no files.
//! - No token is handed out by anything but `vault`, and no refresh token is used outside its lock.
//! - No file of ours exists with a wider mode than 0600, not even for a moment.
//! - No flow asks a question or prints: it tells a [`flow::Ui`].

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
