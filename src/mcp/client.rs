//! A client that finds out by itself how a server speaks: 2026-07-28, the handshake until 2025-11-25, or HTTP+SSE (2024-11-05).
//! It leaves the wire to `talk`, credentials to its callers' headers, and has no deadline: whoever waits drops it.

use std::collections::BTreeSet;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use url::Url;

use super::error::ClientError;
use super::message::{INVALID_PARAMS, METHOD_NOT_FOUND};
use super::mirror::{self, MODERN};
use super::remote::Remote;
use super::talk::{Era, Heard, LEGACY, Talk, client_info};
use crate::text::clean;

/// MCP 2026-07-28, "Error codes".
const HEADER_MISMATCH: i64 = -32020;
const MISSING_CAPABILITY: i64 = -32021;
const UNSUPPORTED_VERSION: i64 = -32022;
/// More pages than this are no list any more.
const MOST_PAGES: usize = 10_000;

/// A connection to a server.
pub struct Client {
    talk: Talk,
    /// Where it was found.
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

impl Client {
    /// Connects to `remote`; `headers` go along with every request. Values marked sensitive come back in nothing.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn connect(remote: Remote, headers: HeaderMap, heard: Heard) -> Result<Self, ClientError> {
        let url = remote.url().clone();
        let talk = Talk::new(remote, headers, heard);
        let mut client = Self { talk, url, name: String::new(), version: String::new() };
        match client.talk.ask("server/discover", Map::new(), Vec::new()).await {
            Ok(found) => client.discovered(&found).await?,
            Err(ClientError::Rpc { status: 404, error }) if error.code == METHOD_NOT_FOUND => {}
            Err(ClientError::Rpc { error, .. }) if error.code == UNSUPPORTED_VERSION => {
                client.choose(error.data.get("supported")).await?;
            }
            Err(error) if is_modern(&error) => return Err(error),
            Err(error) if may_be_older(&error) => {
                client.talk.note(1, &format!("not 2026-07-28 ({error}); trying the handshake"));
                client.shake_hands().await.map_err(|later| more_telling(error, later))?;
            }
            Err(error) => return Err(error),
        }
        Ok(client)
    }

    /// How the server speaks.
    pub fn era(&self) -> Era {
        self.talk.era
    }

    /// The protocol version that was agreed on.
    pub fn protocol(&self) -> &'static str {
        self.talk.version.unwrap_or(MODERN)
    }

    /// `streamable-http` or `sse`.
    pub fn transport(&self) -> &'static str {
        if self.talk.stream.is_some() { "sse" } else { "streamable-http" }
    }

    /// Asks whether the server is there: 2026-07-28 has no `ping`, and `server/discover` in its place.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn ping(&mut self) -> Result<(), ClientError> {
        let method = if self.era() == Era::Modern { "server/discover" } else { "ping" };
        self.ask(method, Map::new(), Vec::new()).await.map(drop)
    }

    /// All tools, page by page.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn tools(&mut self) -> Result<Tools, ClientError> {
        let (mut tools, mut seen, mut params) = (Tools::default(), BTreeSet::new(), Map::new());
        loop {
            let Value::Object(mut page) = self.ask("tools/list", params, Vec::new()).await? else {
                return Err(self.talk.not_mcp(200, "a list of tools that is no object"));
            };
            let Some(Value::Array(found)) = page.remove("tools") else {
                return Err(self.talk.not_mcp(200, "a list of tools without tools"));
            };
            tools.extend(found, self.era());
            // An empty cursor is one as well.
            let Some(Value::String(cursor)) = page.remove("nextCursor") else { return Ok(tools) };
            params = Map::from_iter([("cursor".to_owned(), json!(cursor))]);
            if !seen.insert(cursor) || seen.len() > MOST_PAGES {
                return Err(self.talk.not_mcp(200, "a list of tools whose pages do not end"));
            }
        }
    }

    /// Calls a tool; its result as the server gives it, `isError` and all.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn call(&mut self, tool: &str, arguments: &Map<String, Value>) -> Result<Value, ClientError> {
        let mirrored = self.mirrored(tool, arguments).await?;
        let params = Map::from_iter([
            ("name".to_owned(), json!(tool)),
            ("arguments".to_owned(), json!(arguments)),
            ("_meta".to_owned(), json!({"progressToken": "mcpauth"})),
        ]);
        self.ask("tools/call", params, mirrored).await
    }

    /// The headers that a tool of 2026-07-28 wants for these arguments: its description says so, and has to be asked for.
    async fn mirrored(
        &mut self,
        tool: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, ClientError> {
        if self.era() == Era::Legacy || arguments.is_empty() {
            return Ok(Vec::new());
        }
        let tools = match self.tools().await {
            Ok(tools) => tools,
            // Who may call a tool need not be allowed to see the list.
            Err(error @ (ClientError::Forbidden(_) | ClientError::Rpc { .. })) => {
                self.talk.note(1, &format!("calling the tool without its description ({error})"));
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        if let Some((_, why)) = tools.unusable.iter().find(|(name, _)| name == tool) {
            return Err(self.talk.not_mcp(200, format!("the tool's description has {why}")));
        }
        let found = tools.tools.iter().find(|found| found.get("name").is_some_and(|name| name == tool));
        let schema = found.and_then(|found| found.get("inputSchema")).unwrap_or(&Value::Null);
        Ok(mirror::parameters(schema, arguments))
    }

    /// Ends the session, if there is one.
    pub async fn close(mut self) {
        self.talk.close().await;
    }

    async fn ask(
        &mut self,
        method: &str,
        params: Map<String, Value>,
        mirrored: Vec<(HeaderName, HeaderValue)>,
    ) -> Result<Value, ClientError> {
        match self.talk.ask(method, params.clone(), mirrored).await {
            // The server forgot the session (2025-11-25, "Session Management").
            Err(ClientError::NotFound { .. }) if self.talk.session.is_some() => {
                self.talk.note(1, "the session has ended; beginning another");
                self.initialize().await?;
                self.talk.ask(method, params, Vec::new()).await
            }
            result => result,
        }
    }

    async fn discovered(&mut self, found: &Value) -> Result<(), ClientError> {
        self.introduce(found);
        match found.get("supportedVersions") {
            Some(versions) if offers(versions, MODERN) => Ok(()),
            Some(versions) => self.choose(Some(versions)).await,
            // Some servers have a friendly word for every question.
            None => self.shake_hands().await,
        }
    }

    /// The server does not speak 2026-07-28: an older version, if it offers one that we speak.
    async fn choose(&mut self, offered: Option<&Value>) -> Result<(), ClientError> {
        let offered = offered.unwrap_or(&Value::Null);
        if LEGACY.iter().any(|version| offers(offered, version)) {
            return self.shake_hands().await;
        }
        Err(ClientError::Version(clean(&offered.to_string(), 200)))
    }

    /// The legacy era, on the transport that the server has.
    async fn shake_hands(&mut self) -> Result<(), ClientError> {
        self.talk.era = Era::Legacy;
        let Err(error) = self.initialize().await else { return Ok(()) };
        if !matches!(
            &error,
            ClientError::NotFound { said: None, .. } | ClientError::NotMcp { status: 400 | 405, .. }
        ) {
            return Err(error);
        }
        self.talk.note(1, &format!("no handshake ({error}); trying HTTP+SSE"));
        // That the older transport is not there either says less than the first refusal.
        match self.talk.open_stream().await {
            Ok(()) => self.initialize().await,
            Err(
                telling @ (ClientError::Unauthorized(_)
                | ClientError::Forbidden(_)
                | ClientError::NotMcp { status: 200..300, .. }),
            ) => Err(telling),
            Err(_) => Err(error),
        }
    }

    async fn initialize(&mut self) -> Result<(), ClientError> {
        (self.talk.version, self.talk.session) = (None, None);
        let [newest, ..] = LEGACY;
        let params = Map::from_iter([
            ("protocolVersion".to_owned(), json!(newest)),
            ("capabilities".to_owned(), json!({})),
            ("clientInfo".to_owned(), client_info()),
        ]);
        let found = self.talk.ask("initialize", params, Vec::new()).await?;
        let version = found.get("protocolVersion").cloned().unwrap_or_default();
        let known = LEGACY.into_iter().find(|known| version == *known);
        let version = known.ok_or_else(|| ClientError::Version(clean(&version.to_string(), 80)))?;
        self.talk.version = Some(version);
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

impl Tools {
    fn extend(&mut self, found: Vec<Value>, era: Era) {
        for tool in found {
            let schema = tool.get("inputSchema").filter(|_| era == Era::Modern);
            match schema.and_then(mirror::fault) {
                None => self.tools.push(tool),
                Some(why) => {
                    let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
                    self.unusable.push((clean(name, 80), why));
                }
            }
        }
    }
}

fn offers(versions: &Value, version: &str) -> bool {
    versions.as_array().is_some_and(|versions| versions.iter().any(|offered| offered == version))
}

/// An error that only a server of 2026-07-28 gives: it is not to be spoken to as if it were older.
fn is_modern(error: &ClientError) -> bool {
    let ClientError::Rpc { status: 400 | 404, error } = error else { return false };
    matches!(error.code, HEADER_MISMATCH | MISSING_CAPABILITY)
        || (error.code == INVALID_PARAMS && error.message.contains("_meta"))
}

/// Of two refusals, of the question of 2026-07-28 and then of the handshake. A server that forbids the first and does not know
/// the second means what it said first; what it lacks in a handshake is nobody's business.
fn more_telling(first: ClientError, later: ClientError) -> ClientError {
    let is_unknown = matches!(
        later,
        ClientError::Rpc { .. }
            | ClientError::NotFound { .. }
            | ClientError::NotMcp { .. }
            | ClientError::Unfinished { .. }
            | ClientError::Version(_)
    );
    if is_unknown && matches!(first, ClientError::Forbidden(_)) { first } else { later }
}

/// Any other no may come from a server, or a gateway, that does not know the question.
fn may_be_older(error: &ClientError) -> bool {
    matches!(
        error,
        ClientError::Rpc { .. }
            | ClientError::NotFound { .. }
            | ClientError::NotMcp { .. }
            | ClientError::Unfinished { .. }
            | ClientError::Forbidden(_)
            | ClientError::Unavailable { status: 500 | 501, .. }
    )
}
