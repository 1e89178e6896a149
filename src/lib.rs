//! Gets the credentials AI agents need for MCP servers, keeps them fresh, hands them to MCP clients and scripts, and stands
//! before MCP servers as the gateway that checks them. It leaves everything to the modules below; this page is their map.
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
//! cli         bridge client clients config credential demo error flow gateway log mcp metadata notice oauth policy problem provider quantity refresh registry render secret servers session store sys text tokens vault
//! clients     config credential error notice quantity render secret servers store sys text
//! servers     bridge config credential error notice oauth problem registry render secret session store sys text tokens vault
//! error       client config flow oauth render store sys vault
//! gateway     log mcp metadata oauth policy problem quantity registry secret sys text tokens
//! bridge      mcp secret session sys
//! client      mcp oauth secret session sys text
//! session     mcp sys tokens
//! refresh     oauth
//! vault       credential flow oauth secret store sys
//! config      credential oauth provider quantity secret sys text
//! flow        credential mcp metadata oauth provider secret sys text
//! store       credential oauth secret sys
//! render      provider registry secret sys text tokens
//! metadata    oauth sys text
//! registry    problem sys
//! credential  oauth provider
//! provider    oauth
//! oauth       secret text
//! tokens      secret
//! policy      mcp
//! demo        mcp
//! mcp         text
//! log         text
//! problem     -
//! notice      -
//! quantity    -
//! secret      text
//! sys         -
//! text        -
//! build       -
//! ```
//!
//! `metadata` is the one reader of what issuers and servers publish, for logins, the gateway, `doctor` and `inspect` alike.
//! `config`, `flow`, `store` and `render` do not know each other: `vault` joins flows and files, `cli` joins the rest.
//! `gateway` and `policy` know nothing of the command line: `cli::gateway` gives them settings, credentials and a journal.
//! `clients` knows which clients are on this machine and brings their files up to date, for `generate`, `config`, `refresh` and
//! `doctor`. `registry` is the one reader of the registry's server files, for the gateway, the clients' files and `doctor` alike; `problem`
//! is how it and the gateway's settings say what is wrong.
//! `quantity` reads every time, size and address that people type, in flags, variables and files.
//! `mcp` is the wire of MCP as data: versions, header names, methods, messages, event streams and mirrored headers, for
//! whoever writes, checks or decides by them. `session` is the one engine that speaks it to a server; `bridge` and `client`
//! are its two fronts.
//! `tokens` is the one source of tokens for many requests, and the one rule for a token that a server refuses.
//! `bridge`, `client` and `session` know nothing of credentials: `servers` says which headers a server gets, and the vault
//! behind it keeps them fresh; what a person should hear meanwhile goes to a `notice::Notices`. `refresh` is a plan without
//! hands; `cli::refresh` has them.
//! `error` knows them all, because it says how each of their failures ends and what to type next.
//!
//! Within a module no files import each other in a circle. `cli` and `gateway` are large enough for layers of their own: what
//! stands in a row may import what stands in the rows below it, and nothing beside it.
//!
//! ```text
//! cli         agentcore demo doctor egress keycloak status
//!             completions config exec generate ingress login refresh
//!             bridge complete env gateway headers inspect logout mcp report token
//!             configure flows subject
//!             client_metadata given man person providers rows
//!             out
//!             args paths
//! gateway     start
//!             listen
//!             worker
//!             forward
//!             send
//!             passage
//!             events intake load
//!             operate record watch
//!             callers own
//!             pages
//!             body state
//!             accounts egress host
//!             hold refusal
//!             authn pool redirect
//!             observe proxies servers
//!             content crowd dial headers rate sent session settings wire
//! ```
//!
//! # Doors: what touches the outside, and where
//!
//! | door | module |
//! |---|---|
//! | the network, outgoing | [`sys::http`] |
//! | certification authorities | [`sys::trust`], for all outgoing connections |
//! | the callback listener | [`flow`] (`callback`), on loopback, while a person logs in |
//! | the gateway's listeners | [`gateway`] (`listen` for clients, `operate::admin` for metrics) |
//! | connections to MCP servers | [`gateway`] (`pool`, by `dial`; `servers::outbound` says where none may go) |
//! | the bridge's listener | [`bridge::listen`], on loopback |
//! | the bridge's client on stdin and stdout | [`bridge::stdio`] (`pipes`), by the pipes that `cli::bridge` gives it |
//! | the gateway's files | [`gateway`] (`load`, `operate::files` and what they call), read only, by [`sys::regular_file`] |
//! | the registry's server files | [`registry`], read only, by [`sys::regular_file`] |
//! | the audit's file | `cli::gateway` (`journal`) |
//! | the demonstration's raw requests | `cli::demo` (`wire`), to loopback |
//! | threads | [`gateway`]: one `worker` a core, `control`, `vault`, `audit`, and `files` for each kind of them; [`sys::deadline`], for work that may never end; the demonstration's servers |
//! | how many files may be open | [`sys::descriptors`] |
//! | the clock | [`sys::clock`]; whatever else depends on the time takes `now` |
//! | the process environment | [`sys::env`], read once into [`config::Settings`] |
//! | files with secrets | [`sys::private_file`] |
//! | files without secrets | [`sys::public_file`], and to read what settings name, [`sys::regular_file`] |
//! | files read because of the folder they lie in | [`sys::found_file`] |
//! | folders that no setting names | [`sys::paths`] |
//! | the browser | [`sys::browser`], from a process without our secrets in its environment |
//! | the terminal's input | [`sys::terminal`], and the questions of `cli::configure` and `cli::logout` |
//! | other programs | [`sys::process`], for `exec` |
//! | the user's own hook | [`sys::hook`] |
//! | the pid file of a service | [`sys::pid_file`] |
//! | whoever supervises a service | [`sys::supervisor`] |
//! | signals, and what sockets are told in each system's way | [`sys::signal`], [`sys::socket`] |
//! | the keyring | [`store`] (`keyring`) |
//! | stdout and stderr | `cli::out`, for events too, which [`log`] reads |
//!
//! `.clippy.toml` refuses the standard library's own doors everywhere else.
//!
//! # A credential's way through the program
//!
//! ```text
//! argv -> cli            what was typed
//!      -> config         Settings (flag, environment, .env named or found, the user's own .env; each with its origin)
//!                        -> Config -> Planned: one Credential a flow, or what keeps it from running; provenance: no
//!                        secret goes where somebody says whose word counts less than its owner's
//!      -> vault.fresh    read; good for a while? done. Else lock, read again, refresh or get, save
//!           -> flow      oauth's request, sent by sys::http, its answer read by oauth -> TokenSet
//!           -> store     one JSON file, 0600, its secrets in it or in the keyring
//!      -> render         Entry: URL and headers -> a client's template -> merged into the client's own file
//!      -> cli::report    summary or JSON -> exit code
//! ```
//!
//! # A message's way through the bridge
//!
//! ```text
//! stdio: a line in -> Message         listen: a request in -> secret, Host, Origin
//!      -> Access.fresh    servers::source asks servers: URL and headers, every token in them fresh
//!      -> session::remote POST, with what the message wants repeated in headers; redirects within the server
//!      -> 401?            tokens::retry: Access.renewed, and once more
//!      -> 404 of a session? the client's own initialize, and once more (stdio alone)
//!      -> Reply           one JSON body or a stream of events, resumed -> lines out, or the bytes as they come
//! ```
//!
//! # A request's way through the gateway
//!
//! One straight line, `Worker::line` in `gateway/worker.rs`; a step that says no ends it.
//!
//! ```text
//! listen -> worker.handle  Host and Origin; then, under one Moment (files, epoch, now), the line:
//!        -> route          path -> Upstream, and which of its endpoints                              404 503
//!        -> authenticate   one header -> token -> Caller: remembered, verified by keys, or asked     401 400 429 503
//!        -> turn           what the caller has under way already (accounts)                          429
//!        -> read           whole body -> Envelope: one message with one meaning                      413 415 408 400 429
//!        -> decide         Grants, server, Call -> Permit                                            403 429
//!        -> forward        Passage, which holds the Permit -> the server's answer                    404 502 504
//!             -> redirect  another place on the same server, with method and body                    502
//!             -> stored    its credential, by tokens::retry: current, and after a 401 another one, once
//!             -> look      whether any answer holds a list at all, small (hold) or on its way (events)
//!             -> filter    lists, by the caller's Grants, in JSON and (events, sse) in streams       502
//!             -> watch     whether the caller may still have it, as long as it takes
//! record                   around it all: dropped, it writes the audit's line and counts
//! ```
//!
//! Every no is a `Refusal`, and `gateway/refusal.rs` alone makes a response of one. A worker never waits for a file: health,
//! reload and the look ahead for keys are the control thread's, which waits for no file either: each kind has a thread that
//! reads it, stored credentials have one (`vault`), and so has the audit, which promises a line before the request is looked
//! at.
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
//! | [`credential::Origin`] | where a value came from; only a found file is not the user's word |
//! | [`credential::Given`] | a setting, file or token by name, with its origin |
//! | [`config::catalogue::Role`] | what a variable decides: nothing, where a secret goes, something of the machine's |
//! | [`config::Planned`] | a flow that is to run, or why it cannot |
//! | [`oauth::TokenSet`] | an access token and what came with it; its end is a point in time, not a duration |
//! | [`oauth::Freshness`] | fresh, due (to be renewed soon), expired |
//! | [`config::Registration`] | a server that somebody logged in to by its address alone, and the client that is for it |
//! | [`vault::Outcome`] | reused, refreshed, obtained, logged in, unchanged |
//! | [`refresh::Schedule`] | which credential is due when, and who has been told of what |
//! | [`refresh::Seen`] | what a look at a credential's file showed: its life, and a mark that changes with it |
//! | `servers::Which` | the server that is meant: by its name behind the gateway, or by its address |
//! | [`tokens::SingleFlight`] | one token for many requests: asked for once, and not again and again in vain |
//! | [`session::Access`] | whoever gives the bridge a server's address and headers, fresh or in place of refused ones |
//! | [`session::Session`] | what was agreed on with one server, and how it is kept up |
//! | [`client::Era`] | modern (2026-07-28: every request stands for itself) or legacy (a handshake first) |
//! | [`render::Target`] | an MCP client: a row of a table and a template |
//! | [`render::Entry`] | one server as a client is told of it |
//! | [`render::Secrets`] | where a client has the headers from: its file, a command, the bridge, its environment |
//! | [`render::Record`] | what is remembered of a client that was installed to |
//! | [`policy::Principal`] | a caller as its verified token describes it |
//! | [`policy::Call`] | what a caller wants of one server: a message, the stream, a session's end |
//! | [`policy::Grants`] | what the policy has for one caller, worked out once for each token |
//! | [`policy::Permit`] | the proof that a call was allowed, with the rule that allowed it |
//! | [`policy::Denial`] | why it was not, from far off to nearly |
//! | [`registry::Registry`] | the server files of a folder, what each means, and what is wrong with them |
//! | [`gateway::Loaded`] | what a gateway starts with; only [`gateway::load()`] makes one, and only of what has no error |
//! | [`problem::Problem`] | what is wrong, where, and what to do |
//! | `gateway::state::Upstream` | an MCP server with all that a request to it needs |
//! | [`gateway::wire::envelope::Envelope`] | one JSON-RPC message, as far as a decision needs it |
//! | `gateway::refusal::Refusal` | a no, with its status, its reason and its challenge |
//! | `gateway::accounts::Account` | what one caller has under way, with all tokens together |
//! | `gateway::accounts::Hold` | memory that was taken for a body or a list; dropped, it is given back |
//! | `gateway::crowd::Seat` | one connection's: idle since when, or busy |
//! | lame duck | the time after SIGTERM in which the gateway serves on, and says that it leaves |
//! | `gateway::state::State` | the files as last read; never changed, only replaced |
//! | `gateway::state::Moment` | what one request sees: the state, the epoch, the time |
//! | epoch | a number that grows when keys or files change; what was remembered under another one is found out anew |
//!
//! # What is not there
//!
//! - No provider's name in `src/`: a provider is a file, and so are its quirks.
//! - `oauth`, `provider` and `credential` know no network, no file, no clock and nothing asynchronous.
//! - `sys` knows nothing of credentials; `render` nothing of OAuth; `store` nothing of how tokens are got.
//! - Nothing below `cli` prints. Nothing below `config` looks at the environment.
//! - No token leaves `vault` that was got for another issuer or another client.
//! - No secret or token of the user's goes where a file says that was only found in the folder; one place refuses it,
//!   `config::provenance`, and what a variable decides is a column of `config::catalogue`.
//! - No secret in an argument, an error, a log line or a `Debug`: [`secret::Secret`] has one way out, `expose`.
//! - No file with a secret in it is ever readable by others, or half written; none of another user's is used. A group of ours
//!   may read what is given to the gateway ([`sys::private_file::read_given`]).
//! - Our identity goes to the gateway alone, below `REGISTRY_URL`, which has no default (`servers`, `known`).
//! - No control, bidirectional or invisible character of others leaves `cli::out` as it is ([`text`] says which those are).
//! - No message becomes values that has more parts than memory has room for ([`mcp::jsonrpc::parse`]).
//! - No refresh token or code is sent before there is room for what comes ([`store::Place`]), nor without its answer being
//!   kept, even if whoever asked has left ([`vault::Vault::exchanges`]).
//! - No request passes the gateway without a promised line in the audit, unless the settings do without.
//! - `policy` knows nothing of HTTP, tokens or files, and has no clock; only [`policy::decide`] makes a [`policy::Permit`],
//!   and nothing is forwarded without one.
//! - One place says no: `gateway::refusal`. It repeats nothing of the request but the message's id.
//! - The ingress token does not pass the gateway, in no header, whatever its name.
//! - Nothing a gateway keeps is needed by another one: what several share are files.
//! - Nothing but a verb that a person typed begins a login: not the service, the bridge, a helper or the gateway.
//! - The bridge does not translate between protocol eras: what the client speaks, the server hears.
//! - The product never depends on `demo`; only the verb of that name does.
//!
//! # Where to start reading
//!
//! `cli/mod.rs` (the verbs), `cli/generate.rs` (the main job in one screen), [`config`] (what the settings mean),
//! [`vault`] (the rule for every token), then [`flow`] and [`oauth`]. [`error`] has every way a run can end. Of handing out:
//! `servers.rs`, `cli/headers.rs` (the shortest verb), then `bridge/mod.rs` and `session/mod.rs`. Of the service:
//! `refresh/schedule.rs`, then
//! `cli/refresh/service.rs`. Of clients: `render/targets.rs` and a template. Of the gateway:
//! `gateway/mod.rs` (what lies where), `gateway/worker.rs` (the line), `gateway/refusal.rs` (every no), [`policy`], then
//! `gateway/load.rs` and `gateway/start.rs`.

pub mod bridge;
pub mod cli;
pub mod client;
pub mod clients;
pub mod config;
pub mod credential;
pub mod demo;
pub mod error;
pub mod flow;
pub mod gateway;
pub mod log;
pub mod mcp;
pub mod metadata;
pub mod notice;
pub mod oauth;
pub mod policy;
pub mod problem;
pub mod provider;
pub mod quantity;
pub mod refresh;
pub mod registry;
pub mod render;
pub mod secret;
pub mod servers;
pub mod session;
pub mod store;
pub mod sys;
pub mod text;
pub mod tokens;
pub mod vault;
