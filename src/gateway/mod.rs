//! `mcpauth gateway serve`: routes, authenticates, decides, forwards and filters, in that order and in one line.
//! It leaves who may do what to `policy`, keeping stored egress tokens to [`CredentialKeeper`], and printing to `cli`.
//!
//! What a request passes lies in this folder, in the order of its way; `Worker::line` is the line itself:
//!
//! ```text
//! load, start, listen, worker    files read, sockets bound; connections (crowd); then every request, from here on:
//!     host, pages, proxies, own  whose name, origin and address; what pages may send; the gateway's own addresses
//!     (servers)                  which server, by the path
//!     callers, (authn)           who is calling
//!     accounts                   what this caller has under way, and may take
//!     intake                     the whole body, and what (wire) reads in it
//!     (policy), rate             may they, and how often
//!     forward                    headers, session and egress made anew; pool (dial, sent) sends, redirect again; hold, body, events
//!                                and watch answer
//! state, record, refusal         what all steps see; what is kept of each request; every no
//! ```
//!
//! What the steps ask has a folder each:
//!
//! | folder | what it knows |
//! |---|---|
//! | `authn` | whose a token is: signatures, keys, claims, issuers that are asked, what is remembered |
//! | `wire` | untrusted text: JSON, one message, the headers that mirror it, lists and event streams |
//! | `servers` | which of the registry's servers can be reached, at which paths, addresses and headers |
//! | `settings` | `gateway.yaml`: its values, its schema, what of it cannot be meant |
//! | `observe` | what the gateway tells of itself: events, the audit's way out, metrics |
//! | `ops` | beside the line: the admin listener, health, files and their reload, the certificate |

mod accounts;
pub mod authn;
mod authorized_request;
mod body;
mod buffering;
mod callers;
mod catalogue;
mod connections;
mod content;
mod dial;
mod egress;
mod events;
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
mod proxies;
mod rate;
mod redirect;
mod refusal;
mod relay;
mod relays;
mod request_body;
mod request_log;
mod send;
mod sent;
pub mod servers;
mod session;
pub mod settings;
mod start;
mod state;
mod watch;
pub mod wire;
mod worker;

pub use egress::{CachedCredential, CredentialKeeper, PendingCredential, StoredCredential};
pub use load::{Loaded, load};
pub use observe::audit_sink::AuditSink;
pub use ops::files::{Credentials, FileSources, LoadError, VariableLookup};
pub use ops::health::check as check_servers;
pub use ops::tls::TlsError;
pub use start::{GatewayContext, GatewaySetup, RunningGateway, StartError};
