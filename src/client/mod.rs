//! A client that detects how a server speaks: 2026-07-28, the handshake until 2025-11-25, or HTTP+SSE (2024-11-05).
//! It has no deadline: the caller drops it. Not here: the wire (see `mcp`); the session (see `session`).

mod connection;
mod error;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use url::Url;

use self::connection::Connection;
pub use self::connection::{Era, TraceFn};
pub use self::error::{AuthRefusal, ClientError};
use crate::mcp::jsonrpc::{
    HEADER_MISMATCH, INVALID_PARAMS, METHOD_NOT_FOUND, MISSING_CAPABILITY, UNSUPPORTED_VERSION,
};
pub use crate::mcp::jsonrpc::{ParseError, parse};
use crate::mcp::{LEGACY, MODERN, initialize_params};
use crate::session::UpstreamAuth;
use crate::sys::http::Http;
use crate::text::clean;

/// A list with more pages than this is broken.
const MOST_PAGES: usize = 10_000;

/// A connection to a server.
pub struct McpClient {
    talk: Connection,
    /// The tool that was described last, and its input schema.
    described: Option<(String, Option<Value>)>,
    /// The result of the handshake.
    agreed: Option<&'static str>,
    /// Its address.
    pub url: Url,
    /// What the server calls itself, cleaned; empty if it does not say.
    pub name: String,
    /// And its own version.
    pub version: String,
}

/// A server's tools.
#[derive(Clone, Debug, Default)]
pub struct Tools {
    /// As the server describes them, from all pages.
    pub tools: Vec<Value>,
    /// Those that a client must not use, and why (MCP 2026-07-28, "x-mcp-header").
    pub unusable: Vec<(String, &'static str)>,
}

impl McpClient {
    /// Connects to the server `given`, whose headers are sent with every request. Values marked sensitive never
    /// appear in output.
    pub async fn connect(http: Http, given: UpstreamAuth, heard: TraceFn) -> Result<Self, ClientError> {
        let url = given.url.clone();
        let talk = Connection::new(http, given, heard);
        let mut client =
            Self { talk, described: None, agreed: None, url, name: String::new(), version: String::new() };
        match client.begin().await {
            Ok(()) => Ok(client),
            Err(error) => {
                client.close().await;
                Err(error)
            }
        }
    }

    /// Finds out how the server speaks.
    async fn begin(&mut self) -> Result<(), ClientError> {
        match self.talk.ask("server/discover", Map::new()).await {
            Ok(found) => self.discovered(&found).await,
            Err(ClientError::Rpc { status: 404, error }) if error.code == METHOD_NOT_FOUND => Ok(()),
            Err(ClientError::Rpc { error, .. }) if error.code == UNSUPPORTED_VERSION => {
                self.choose(error.data.get("supported")).await
            }
            Err(error) if is_modern(&error) => Err(error),
            Err(error) if may_be_older(&error) => {
                self.talk.note(1, &format!("not 2026-07-28 ({error}); trying the handshake"));
                self.initialize_legacy().await.map_err(|later| more_telling(error, later))
            }
            Err(error) => Err(error),
        }
    }

    /// The protocol era of the server.
    pub fn era(&self) -> Era {
        self.talk.era
    }

    /// The negotiated protocol version.
    pub fn protocol(&self) -> &'static str {
        self.agreed.unwrap_or(MODERN)
    }

    /// `streamable-http` or `sse`.
    pub fn transport(&self) -> &'static str {
        if self.talk.session.has_channel() { "sse" } else { "streamable-http" }
    }

    /// Checks that the server is there: 2026-07-28 has `server/discover` instead of `ping`. An error in JSON-RPC is an answer
    /// too, unless something in front of the server says that it cannot be reached.
    pub async fn ping(&mut self) -> Result<(), ClientError> {
        let method = if self.era() == Era::Modern { "server/discover" } else { "ping" };
        match self.talk.ask(method, Map::new()).await {
            Err(
                error @ (ClientError::Rpc { .. }
                | ClientError::Unavailable { status: 500 | 501, said: Some(_), .. }),
            ) => {
                self.talk.note(1, &format!("answered, if only with an error ({error})"));
                Ok(())
            }
            asked => asked.map(drop),
        }
    }

    /// All tools, page by page.
    pub async fn tools(&mut self) -> Result<Tools, ClientError> {
        let (mut tools, mut seen, mut params) = (Tools::default(), BTreeSet::new(), Map::new());
        loop {
            let is_empty = |cursor: Option<&Value>| cursor.is_some_and(|cursor| cursor == "");
            let asked_empty = is_empty(params.get("cursor"));
            let page = match self.talk.ask("tools/list", params).await {
                // An older server that refuses the empty cursor it gave meant none.
                Err(ClientError::Rpc { .. }) if asked_empty => return Ok(tools),
                page => page?,
            };
            let Value::Object(mut page) = page else {
                return Err(self.talk.not_mcp(200, "a list of tools that is not an object"));
            };
            let found = match page.remove("tools") {
                Some(Value::Array(found)) => found,
                // Go writes an empty list as null.
                Some(Value::Null) => Vec::new(),
                _ => return Err(self.talk.not_mcp(200, "a list of tools without tools")),
            };
            // One that gives it again as well: this is the page before.
            if asked_empty && is_empty(page.get("nextCursor")) {
                return Ok(tools);
            }
            tools.tools.extend(found.into_iter().filter(Value::is_object));
            let refused = std::mem::take(&mut self.talk.refused).into_iter();
            tools.unusable.extend(refused.map(|refused| (clean(&refused.tool, 80), refused.reason)));
            // An empty cursor is one as well.
            let Some(Value::String(cursor)) = page.remove("nextCursor") else { return Ok(tools) };
            params = Map::from_iter([("cursor".to_owned(), json!(cursor))]);
            if !seen.insert(cursor) || seen.len() > MOST_PAGES {
                return Err(self.talk.not_mcp(200, "a list of tools whose pages do not end"));
            }
        }
    }

    /// Calls a tool; returns its result as the server sends it, including `isError`.
    pub async fn call(&mut self, tool: &str, arguments: &Map<String, Value>) -> Result<Value, ClientError> {
        if self.era() == Era::Modern && !arguments.is_empty() {
            self.input_schema(tool).await?;
        }
        let params = Map::from_iter([
            ("name".to_owned(), json!(tool)),
            ("arguments".to_owned(), json!(arguments)),
            ("_meta".to_owned(), json!({"progressToken": "mcpauth"})),
        ]);
        self.talk.ask("tools/call", params).await
    }

    /// What a tool says its arguments are, if it does and the list may be seen. The session learns from the same description
    /// which headers a tool of 2026-07-28 wants.
    pub async fn input_schema(&mut self, tool: &str) -> Result<Option<Value>, ClientError> {
        if let Some((_, schema)) = self.described.as_ref().filter(|(name, _)| name == tool) {
            return Ok(schema.clone());
        }
        let schema = match self.tools().await {
            Ok(tools) => match tools.unusable.iter().find(|(name, _)| name == tool) {
                Some((_, why)) => {
                    return Err(self.talk.not_mcp(200, format!("the tool's description has {why}")));
                }
                None => {
                    let described =
                        tools.tools.iter().find(|found| found.get("name").is_some_and(|name| name == tool));
                    described.and_then(|found| found.get("inputSchema")).cloned()
                }
            },
            // A caller that may call a tool need not be allowed to list it.
            Err(error @ (ClientError::Forbidden(_) | ClientError::Rpc { .. })) => {
                self.talk.note(1, &format!("calling the tool without its description ({error})"));
                None
            }
            Err(error) => return Err(error),
        };
        self.described = Some((tool.to_owned(), schema.clone()));
        Ok(schema)
    }

    /// Ends the session, if there is one.
    pub async fn close(self) {
        self.talk.session.close().await;
    }

    async fn discovered(&mut self, found: &Value) -> Result<(), ClientError> {
        self.introduce(found);
        match found.get("supportedVersions") {
            Some(versions) if offers(versions, MODERN) => Ok(()),
            Some(versions) => self.choose(Some(versions)).await,
            // Some servers answer every request with a friendly error.
            None => self.initialize_legacy().await,
        }
    }

    /// The server does not speak 2026-07-28: an older version, if it offers one that we speak.
    async fn choose(&mut self, offered: Option<&Value>) -> Result<(), ClientError> {
        let offered = offered.unwrap_or(&Value::Null);
        if LEGACY.iter().any(|version| offers(offered, version)) {
            return self.initialize_legacy().await;
        }
        Err(ClientError::Version(clean(&offered.to_string(), 200)))
    }

    /// The legacy era, on the transport that the server has.
    async fn initialize_legacy(&mut self) -> Result<(), ClientError> {
        self.talk.era = Era::Legacy;
        let found = self.talk.ask("initialize", initialize_params()).await?;
        let version = found.get("protocolVersion").cloned().unwrap_or_default();
        let known = LEGACY.into_iter().find(|known| version == *known);
        self.agreed = Some(known.ok_or_else(|| ClientError::Version(clean(&version.to_string(), 80)))?);
        self.introduce(&found);
        self.talk.tell("notifications/initialized").await
    }

    /// Reads who the server says it is.
    fn introduce(&mut self, found: &Value) {
        let info =
            found.get("serverInfo").or_else(|| found.get("_meta")?.get("io.modelcontextprotocol/serverInfo"));
        let text = |name: &str| {
            let text = info.and_then(|info| info.get(name)).and_then(Value::as_str);
            text.map(|text| clean(text, 80)).unwrap_or_default()
        };
        (self.name, self.version) = (text("name"), text("version"));
    }
}

fn offers(versions: &Value, version: &str) -> bool {
    versions.as_array().is_some_and(|versions| versions.iter().any(|offered| offered == version))
}

/// An error that only a 2026-07-28 server gives: it must not be spoken to as if it were older.
fn is_modern(error: &ClientError) -> bool {
    let ClientError::Rpc { status: 400 | 404, error } = error else { return false };
    matches!(error.code, HEADER_MISMATCH | MISSING_CAPABILITY)
        || (error.code == INVALID_PARAMS && error.message.contains("_meta"))
}

/// Chooses between two refusals: of the 2026-07-28 request and then of the handshake. If a server forbids the first
/// and does not know the second, the first is the meaningful one; what the handshake lacks is irrelevant.
fn more_telling(first: ClientError, later: ClientError) -> ClientError {
    let is_unknown = is_unknown(&later) || matches!(later, ClientError::Version(_));
    if is_unknown && matches!(first, ClientError::Forbidden(_)) { first } else { later }
}

/// Any other error may come from a server, or a gateway, that does not know the request.
fn may_be_older(error: &ClientError) -> bool {
    is_unknown(error)
        || matches!(error, ClientError::Forbidden(_) | ClientError::Unavailable { status: 500 | 501, .. })
}

/// Whether a server may simply not know the request.
fn is_unknown(error: &ClientError) -> bool {
    matches!(
        error,
        ClientError::Rpc { .. }
            | ClientError::NotFound { .. }
            | ClientError::NotMcp { .. }
            | ClientError::Unfinished { .. }
    )
}
