//! An agent with a client configuration, exactly the one that `generate` wrote: its addresses, its headers.

use std::io;

use serde_json::{Value, json};
use url::Url;

use super::wire::{Answer, Request};
use crate::config::Config;
use crate::error::Error;
use crate::mcp::{ACCEPTED, JSON};

/// The agent.
pub(crate) struct DemoAgent {
    entries: Vec<ConfiguredServer>,
}

/// What its configuration has for one server. It has tokens, so there is no `Debug`.
pub(crate) struct ConfiguredServer {
    name: String,
    /// `host:port`.
    pub(crate) authority: String,
    /// The path, as in `/currenttime`.
    pub(crate) path: String,
    headers: Vec<(String, String)>,
}

const TYPES: [(&str, &str); 2] = [("Content-Type", JSON), ("Accept", ACCEPTED)];

impl DemoAgent {
    /// Reads the configuration in the tokens directory.
    ///
    /// # Errors
    /// If there is none, or it cannot be parsed.
    pub(crate) fn read(config: &Config) -> Result<Self, Error> {
        let text = std::fs::read_to_string(config.tokens_dir.join("vscode_mcp.json"))?;
        let whole: Value = serde_json::from_str(&text).map_err(io::Error::other)?;
        let servers = whole.pointer("/mcp/servers").and_then(Value::as_object);
        let entries =
            servers.into_iter().flatten().filter_map(|(name, server)| ConfiguredServer::read(name, server));
        Ok(Self { entries: entries.collect() })
    }

    /// What it has for a server.
    ///
    /// # Errors
    /// If its configuration does not have the server.
    pub(crate) fn entry(&self, name: &str) -> Result<&ConfiguredServer, Error> {
        let found = self.entries.iter().find(|entry| entry.name == name);
        found.ok_or_else(|| io::Error::other(format!("no client configuration has {name}")).into())
    }
}

impl ConfiguredServer {
    fn read(name: &str, server: &Value) -> Option<Self> {
        let url = Url::parse(server.get("url")?.as_str()?).ok()?;
        let headers = server.get("headers").and_then(Value::as_object).into_iter().flatten();
        Some(Self {
            name: name.into(),
            authority: format!("{}:{}", url.host_str()?, url.port_or_known_default()?),
            path: url.path().into(),
            headers: headers
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.into())))
                .collect(),
        })
    }

    /// The same server, at another path or with another token for the gateway.
    pub(crate) fn at(&self, path: &str, token: Option<&str>) -> Self {
        let mut headers = self.headers.clone();
        let own = headers.iter_mut().find(|(name, _)| name == "X-Authorization");
        if let (Some((_, value)), Some(token)) = (own, token) {
            *value = format!("Bearer {token}");
        }
        Self { name: self.name.clone(), authority: self.authority.clone(), path: path.into(), headers }
    }

    /// A credential that it sends: what follows `Bearer` in this header.
    pub(crate) fn token(&self, header: &str) -> &str {
        let value = self.headers.iter().find(|(name, _)| name == header).map(|(_, value)| value.as_str());
        value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default()
    }

    /// A message as this client sends it, with its own headers and `more`.
    pub(crate) fn post<'a>(&'a self, more: &[(&'a str, &'a str)], body: &'a [u8]) -> Request<'a> {
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers = TYPES.into_iter().chain(own).chain(more.iter().copied()).collect();
        Request { method: "POST", target: &self.path, headers, body }
    }

    /// Sends a message and waits for the answer.
    ///
    /// # Errors
    /// The system's.
    pub(crate) async fn ask(&self, message: &Value) -> Result<Answer, Error> {
        let body = message.to_string();
        Ok(self.post(&[], body.as_bytes()).send(&self.authority).await?)
    }
}

/// A message without any credential.
pub(crate) fn anonymous<'a>(target: &'a str, more: &[(&'a str, &'a str)], body: &'a [u8]) -> Request<'a> {
    let headers = TYPES.into_iter().chain(more.iter().copied()).collect();
    Request { method: "POST", target, headers, body }
}

/// A `tools/call` request.
pub(crate) fn call(tool: &str) -> Value {
    call_with(tool, json!({}))
}

/// The same with arguments.
pub(crate) fn call_with(tool: &str, arguments: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

/// A `tools/list` request.
pub(crate) fn list() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
}
