//! `mcpauth gateway serve`: routes, authenticates, decides, forwards and filters, in that order and in one line. Not
//! here: permissions (see `policy`); storing egress tokens (see [`CredentialKeeper`]); printing (see `cli`).
//!
//! The steps of a request are files in this folder, in the order of its way; `Worker::line` is the line itself:
//!
//! ```text
//! load, start, listen, worker    files read, sockets bound; connections (crowd, alarm, boxes); every request:
//!     host, pages, proxies, own  whose name, origin and address; what pages may send; the gateway's own addresses
//!     (servers)                  which server, by the path
//!     callers, (authn)           who is calling
//!     accounts                   what this caller has under way, and may take
//!     intake                     the whole body, and what (wire) reads in it
//!     (policy), rate             may they, and how often
//!     (vending)                  next to the line: the addresses where callers get tokens of the gateway's own
//!     forward                    headers, session and egress replaced; pool (dial) sends, redirect again; hold, body, events
//!                                and watch answer
//! state, record, refusal         what all steps see; what is kept of each request; every no
//! ```
//!
//! What the steps use has a folder each:
//!
//! | folder | what it knows |
//! |---|---|
//! | `authn` | authentication: signatures, keys, claims, introspection, caches |
//! | `wire` | untrusted text: JSON, one message, the headers that mirror it, lists and event streams |
//! | `servers` | which of the registry's servers are reachable, at which paths and addresses, with which headers |
//! | `settings` | `gateway.yaml`: its values, its schema, their validation |
//! | `observe` | what the gateway reports: events, the audit's output, metrics |
//! | `mcpgw` | the gateway's own MCP server; `catalogue` keeps the tools it finds, `embeddings` what a model says of them |
//! | `vending` | which tokens of its own the gateway issues, to whom; `token_ledger` records them |
//! | `face` | the pages for people: signing in, sessions, who may see and change what |
//! | `ops` | outside the line: the admin listener, health, files and their reload, the certificate |

mod accounts;
mod alarm;
pub mod authn;
mod authorized_request;
mod body;
mod boxes;
mod buffering;
mod callers;
mod catalogue;
mod changes;
mod connections;
mod content;
mod egress;
mod embeddings;
mod events;
mod face;
mod forward;
mod headers;
mod host;
mod listen;
pub mod load;
mod mcpgw;
mod observe;
mod ops;
mod own_endpoints;
mod own_sessions;
mod pages;
mod pool;
mod providers;
mod proxies;
mod rate;
mod redirect;
mod refusal;
mod relay;
mod relays;
mod request_body;
mod request_log;
mod send;
pub mod servers;
mod services;
mod session;
pub mod settings;
mod start;
mod state;
pub mod token_ledger;
mod vending;
mod watch;
pub mod wire;
mod worker;

pub use authn::vended::new_signing_key;
pub use egress::{CachedCredential, CredentialKeeper, PendingCredential, StoredCredential};
pub use load::{Loaded, load};
pub use observe::audit_sink::AuditSink;
pub use ops::files::{Credentials, FileSources, LoadError, VariableLookup};
pub use ops::health::check as check_servers;
pub use ops::tls::TlsError;
pub use start::{GatewayContext, RunningGateway, StartError};
