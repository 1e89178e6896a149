//! What in a client's file may become ours: by our record, by the user's word, or because it leads where ours does, in
//! whichever way. Not here: what follows from it (see `plan`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use url::Url;

use crate::render::{EntryParts, RemoteCommand};

/// Which entries of a file may become ours.
#[derive(Clone, Debug, Default)]
pub struct EntryClaims {
    /// The names of our entries so far.
    pub owned: BTreeSet<String>,
    /// Where each of our servers is, by name, however its entry reaches it.
    pub addresses: BTreeMap<String, ReachedAddress>,
    /// Names that the user gives us, whatever they lead to.
    pub adopted: BTreeSet<String>,
}

/// A server's address, and what is sent there.
#[derive(Clone, Debug, Default)]
pub struct ReachedAddress {
    /// The address.
    pub url: String,
    /// The names of the headers that we send.
    pub headers: BTreeSet<String>,
}

/// Whether an entry may become ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EntryClaim {
    /// It may.
    Granted,
    /// It leads to our server, and says more than our entry would.
    SaysMore(Vec<String>),
    /// It leads elsewhere.
    Refused,
}

impl EntryClaims {
    /// Whether the entry `there`, which has this name, may become ours; `is_same` if it has our entry's address.
    pub(super) fn claim(&self, name: &str, there: &Value, is_same: bool) -> EntryClaim {
        if self.owned.contains(name) || self.adopted.contains(name) {
            return EntryClaim::Granted;
        }
        let known = self.addresses.get(name);
        if !is_same && !known.is_some_and(|known| leads_to(&known.url, there)) {
            return EntryClaim::Refused;
        }
        let more = known.map(|known| more(there, &known.headers)).unwrap_or_default();
        if more.is_empty() { EntryClaim::Granted } else { EntryClaim::SaysMore(more) }
    }

    /// The server of ours that an entry of another name leads to.
    pub(super) fn twin(&self, name: &str, there: &Value) -> Option<&str> {
        let is_ours = |own: &str| own == name || self.owned.contains(name);
        let mut others = self.addresses.iter().filter(|(own, _)| !is_ours(own));
        others.find(|(_, known)| leads_to(&known.url, there)).map(|(own, _)| own.as_str())
    }
}

fn leads_to(address: &str, there: &Value) -> bool {
    let normal = |text: &str| Url::parse(text).ok().map(|url| url.as_str().trim_end_matches('/').to_owned());
    let address = normal(address);
    address.is_some() && destination(there).is_some_and(|text| normal(&text) == address)
}

/// Where an entry leads: its address, or the one that it has `mcp-remote` connect to.
fn destination(entry: &Value) -> Option<String> {
    let parts = EntryParts(entry.as_object()?);
    let remote = || RemoteCommand::of(parts).map(|command| command.url);
    Some(parts.url().to_owned()).filter(|url| !url.is_empty()).or_else(remote)
}

/// What an entry says besides where the server is and what we send there: `mcpauth import` keeps that, and a new entry would
/// not.
fn more(entry: &Value, sent: &BTreeSet<String>) -> Vec<String> {
    let Some(parts) = entry.as_object().map(EntryParts) else { return Vec::new() };
    let is_sent = |name: &str| sent.iter().any(|known| known.eq_ignore_ascii_case(name));
    let header = |name: &str| (!is_sent(name)).then(|| format!("header {name}"));
    if !parts.url().is_empty() {
        return parts.headers().into_iter().filter_map(|(name, _)| header(name)).collect();
    }
    let Some(command) = RemoteCommand::of(parts) else { return Vec::new() };
    let used: String = command.headers.iter().map(|(_, text)| text.as_str()).collect();
    let headers = command.headers.iter().filter_map(|(name, _)| header(name));
    let words = command.telling().map(str::to_owned);
    let variables = parts.variables().into_iter().map(|(name, _)| name);
    let variables = variables.filter(|name| !used.contains(&format!("${{{name}}}")));
    headers.chain(words).chain(variables.map(|name| format!("variable {name}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_entry_leads_somewhere_in_many_ways() {
        let address = "https://tools.test/mcp";
        let same = [
            json!({"url": "https://tools.test/mcp"}),
            json!({"url": "https://TOOLS.test:443/mcp/", "headers": {"X-Api-Key": "k"}}),
            json!({"serverUrl": address}),
            json!({"httpUrl": address}),
            json!({"type": "streamable_http", "uri": address}),
            json!({"command": "npx", "args": ["-y", "mcp-remote", address]}),
            json!({"command": "npx", "args": ["mcp-remote@latest", address, "--header", "X-Api-Key:${KEY}"]}),
            json!({"command": "cmd", "args": ["/c", "npx", "-y", "mcp-remote@0.1.2", address]}),
            json!({"command": "/opt/bin/mcp-remote", "args": ["--debug", address]}),
            json!({"command": ["bunx", "mcp-remote", address], "type": "local"}),
            json!({"command": {"path": "npx", "args": ["-y", "mcp-remote", address]}}),
            json!({"cmd": "npx", "args": ["-y", "mcp-remote", address]}),
            json!({"command": "npx -y mcp-remote https://tools.test/mcp"}),
        ];
        let other = [
            json!({"url": "https://tools.test/other"}),
            json!({"url": "https://other.test/mcp"}),
            json!({"command": "npx", "args": ["-y", "mcp-remote", "https://other.test/mcp", address]}),
            json!({"command": "npx", "args": ["-y", "server-fetch", address]}),
            json!({"command": "npx", "args": ["-y", "mcp-remote-else", address]}),
            json!({}),
            json!("https://tools.test/mcp"),
        ];
        assert!(same.iter().all(|entry| leads_to(address, entry)));
        for entry in other {
            assert!(!leads_to(address, &entry), "{entry}");
        }
    }

    #[test]
    fn what_an_entry_says_besides_the_address_is_nobody_elses_to_drop() {
        let address = "https://tools.test/mcp";
        let remote = |more: &[&str]| {
            let args = [&["-y", "mcp-remote", address], more].concat();
            json!({"command": "npx", "args": args})
        };
        let direct = |field: &str, headers: Value| json!({"url": address, field: headers});
        let with = |env: Value| {
            let mut entry = remote(&["--header", "Authorization:${AUTH}"]);
            entry["env"] = env;
            entry
        };
        let known = ReachedAddress { url: address.into(), headers: ["Authorization".to_owned()].into() };
        let claims =
            EntryClaims { addresses: [("tools".to_owned(), known)].into(), ..EntryClaims::default() };
        for entry in [
            remote(&[]),
            remote(&["3334"]),
            remote(&["--allow-http", "--debug"]),
            with(json!({"AUTH": "Bearer k"})),
            direct("headers", json!({"authorization": "Bearer k"})),
            direct("headers", json!({})),
            direct("timeout", json!(5)),
        ] {
            assert_eq!(claims.claim("tools", &entry, false), EntryClaim::Granted, "{entry}");
        }
        let adopted = EntryClaims { adopted: ["tools".to_owned()].into(), ..claims.clone() };
        for (entry, what) in [
            (remote(&["--header", "X-Region: eu"]), "header X-Region"),
            (remote(&["--transport", "sse-only"]), "--transport"),
            (remote(&["--ignore-tool", "delete*"]), "--ignore-tool"),
            (remote(&["3334", "--resource", "https://r.test"]), "--resource"),
            (remote(&["--static-oauth-client-info", "@client.json"]), "--static-oauth-client-info"),
            (with(json!({"AUTH": "k", "NODE_EXTRA_CA_CERTS": "ca.pem"})), "variable NODE_EXTRA_CA_CERTS"),
            (direct("headers", json!({"Authorization": "Bearer k", "X-Region": "eu"})), "header X-Region"),
            (direct("http_headers", json!({"X-Region": "eu"})), "header X-Region"),
            (direct("requestOptions", json!({"headers": {"X-Region": "eu"}})), "header X-Region"),
        ] {
            for is_same in [false, true] {
                let more = EntryClaim::SaysMore(vec![what.to_owned()]);
                assert_eq!(claims.claim("tools", &entry, is_same), more, "{entry}");
            }
            assert_eq!(adopted.claim("tools", &entry, false), EntryClaim::Granted, "{entry}");
        }
    }
}
