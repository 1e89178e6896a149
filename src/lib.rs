//! Gets the credentials AI agents need for MCP servers, keeps them, and writes them into MCP clients' configurations.
//! It leaves everything to the modules below; this page is their map.
//!
//! An agent carries two credentials to an MCP server behind a gateway: an *ingress* token that lets it through the
//! gateway, and an *egress* token with which the server acts for a person at an outside service. The first kind is got
//! without a person (client credentials: Cognito, Keycloak, any OpenID provider, AgentCore gateways), the second with one
//! (authorization code with PKCE, in a browser).
//!
//! # Layers: who may import whom
//!
//! A row may import what it names and nothing else; every name stands further down, so there are no cycles.
//! `tests/architecture.rs` holds the same table and reads every path in `src/`.
//!
//! ```text
//! main        cli
//! cli         config credential demo error flow gateway oauth policy provider render secret store sys vault
//! error       config flow oauth render store sys vault
//! gateway     credential oauth policy secret sys vault
//! vault       credential flow oauth store sys
//! config      credential oauth provider secret sys
//! flow        credential oauth provider secret sys
//! store       credential oauth secret sys
//! render      provider secret sys
//! credential  oauth provider
//! provider    oauth
//! oauth       secret
//! policy      -
//! demo        -
//! secret      -
//! sys         -
//! build       -
//! ```
//!
//! `config`, `flow`, `store` and `render` do not know each other: `vault` joins flows and files, `cli` joins the rest.
//! `error` knows them all, because it says how each of their failures ends and what to type next.
//!
//! # Doors: what touches the outside, and where
//!
//! | door | module |
//! |---|---|
//! | the network, outgoing | [`sys::http`] |
//! | the callback listener | [`flow`] (`callback`), on loopback, while a person logs in |
//! | the clock | [`sys::clock`]; whatever else depends on the time takes `now` |
//! | the process environment | [`sys::env`], read once into [`config::Settings`] |
//! | files with secrets | [`sys::private_file`] |
//! | folders that no setting names | [`sys::paths`] |
//! | the browser | [`sys::browser`] |
//! | the terminal's input | [`sys::terminal`], and the questions of `cli::configure` |
//! | the keyring | [`store`] (`keyring`) |
//! | stdout and stderr | `cli::out` |
//!
//! `.clippy.toml` refuses the standard library's own doors everywhere else.
//!
//! # A credential's way through the program
//!
//! ```text
//! argv -> cli            what was typed
//!      -> config         Settings (flag, then environment, then .env) -> Config -> Planned: one Credential a flow,
//!                        or what keeps it from running
//!      -> vault.fresh    read; good for a while? done. Else lock, read again, refresh or get, save
//!           -> flow      oauth's request, sent by sys::http, its answer read by oauth -> TokenSet
//!           -> store     one JSON file, 0600, its secrets in it or in the keyring
//!      -> render         Entry: URL and headers -> a client's template -> merged into the client's own file
//!      -> cli::report    summary or JSON -> exit code
//! ```
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | ingress, egress | the user's words for the two directions; inside a flow the RFCs' words are used |
//! | set | the numbered variables of one login, `EGRESS_..._N`; `AGENTCORE_..._N` for a gateway |
//! | the reference | the shell and Python scripts whose settings and files mcpauth reads and writes |
//! | [`provider::Provider`] | an outside service, as data: one file under `providers/` |
//! | [`credential::Credential`] | all that is needed to get one token; [`credential::CredentialId`] names it |
//! | [`credential::Kind`] | ingress, egress, AgentCore gateway, Keycloak agent |
//! | [`config::Planned`] | a flow that is to run, or why it cannot |
//! | [`oauth::TokenSet`] | an access token and what came with it; its end is a point in time, not a duration |
//! | [`oauth::Freshness`] | fresh, due (to be renewed soon), expired |
//! | [`vault::Outcome`] | reused, refreshed, obtained, logged in |
//! | [`render::Target`] | an MCP client: a row of a table and a template |
//! | [`render::Entry`] | one server as a client is told of it |
//!
//! # What is not there
//!
//! - No provider's name in `src/`: a provider is a file, and so are its quirks.
//! - `oauth`, `provider` and `credential` know no network, no file, no clock and nothing asynchronous.
//! - `sys` knows nothing of credentials; `render` nothing of OAuth; `store` nothing of how tokens are got.
//! - Nothing below `cli` prints. Nothing below `config` looks at the environment.
//! - No token leaves `vault` that was got for another issuer or another client.
//! - No secret in an argument, an error, a log line or a `Debug`: [`secret::Secret`] has one way out, `expose`.
//! - No file with a secret in it is ever readable by others, or half written.
//! - The product never depends on `demo`; only the verb of that name does.
//!
//! # Where to start reading
//!
//! `cli/mod.rs` (the verbs), `cli/generate.rs` (the main job in one screen), [`config`] (what the settings mean),
//! [`vault`] (the rule for every token), then [`flow`] and [`oauth`]. [`error`] has every way a run can end.

pub mod cli;
pub mod config;
pub mod credential;
pub mod demo;
pub mod error;
pub mod flow;
pub mod gateway;
pub mod oauth;
pub mod policy;
pub mod provider;
pub mod render;
pub mod secret;
pub mod store;
pub mod sys;
pub mod vault;
