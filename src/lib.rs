//! Gets the credentials AI agents need for MCP servers, keeps them fresh, hands them to MCP clients and scripts, and checks
//! them at a gateway in front of MCP servers.
//!
//! This page says which module does what; `docs/development/architecture.md` is the map: who may import whom, what touches the
//! outside and where, the path of a credential, a message and a request, the invariants, and the terms.
//!
//! | to | read |
//! |---|---|
//! | see what can be typed | [`cli`], and `context` and `given` for what every verb starts with |
//! | follow a setting to a credential | [`config`], [`credential`], [`provider`] |
//! | follow a credential to a token | [`vault`], then [`flow`] (the flows), [`oauth`] (the protocol, without I/O), [`metadata`] (what issuers publish) and [`store`] (files, keyring) |
//! | see when tokens are renewed | [`refresh`] |
//! | follow a login from its command, or from a client of the bridge | `login`, `page_login` |
//! | follow a token to a client | [`servers`], [`render`], [`clients`] |
//! | follow a message through the bridge | [`bridge`], [`session`], [`tokens`], [`mcp`] |
//! | take secrets out of clients' files | `import` |
//! | test a server | `connect`, [`client`] |
//! | see what is reported | `doctor`, `status`, `inspect` |
//! | follow a request through the gateway | [`deployment`] (what is set up here), [`gateway`], [`policy`], [`registry`] |
//! | find a tool by what it does | [`search`] |
//! | know how things fail | [`error`], [`problem`], [`notice`], [`log`] |
//! | touch the outside | [`sys`] |
//! | read what people type | [`quantity`], [`text`], [`secret`] |
//! | try it on this machine | [`demo`] |

pub mod bridge;
pub mod cli;
pub mod client;
pub mod clients;
pub mod config;
mod connect;
mod context;
pub mod credential;
pub mod demo;
pub mod deployment;
mod doctor;
pub mod error;
pub mod flow;
pub mod gateway;
mod given;
mod import;
mod inspect;
pub mod log;
mod login;
pub mod mcp;
pub mod metadata;
pub mod notice;
pub mod oauth;
mod page_login;
pub mod policy;
pub mod problem;
pub mod provider;
pub mod quantity;
pub mod refresh;
pub mod registry;
pub mod render;
pub mod search;
pub mod secret;
pub mod servers;
pub mod session;
mod status;
pub mod store;
pub mod sys;
pub mod text;
pub mod tokens;
pub mod vault;
