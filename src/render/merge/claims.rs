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
    pub addresses: BTreeMap<String, String>,
    /// Names that the user gives us, whatever they lead to.
    pub adopted: BTreeSet<String>,
}

impl EntryClaims {
    /// Whether the entry `there`, which has this name, may become ours.
    pub(super) fn may_take(&self, name: &str, there: &Value) -> bool {
        let leads =
            || self.addresses.get(name).is_some_and(|address| is_same(address, there) && !says_more(there));
        self.owned.contains(name) || self.adopted.contains(name) || leads()
    }

    /// The server of ours that an entry of another name leads to.
    pub(super) fn twin(&self, name: &str, there: &Value) -> Option<&str> {
        let is_ours = |own: &str| own == name || self.owned.contains(name);
        let mut others = self.addresses.iter().filter(|(own, _)| !is_ours(own));
        others.find(|(_, address)| is_same(address, there)).map(|(own, _)| own.as_str())
    }
}

fn is_same(address: &str, there: &Value) -> bool {
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

/// Whether `mcp-remote` is told more than where the server is: `mcpauth import` keeps that, and a new entry would not.
fn says_more(entry: &Value) -> bool {
    let Some(parts) = entry.as_object().map(EntryParts) else { return false };
    let remote = RemoteCommand::of(parts).filter(|_| parts.url().is_empty());
    remote.is_some_and(|command| !command.is_plain() || !parts.variables().is_empty())
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
        assert!(same.iter().all(|entry| is_same(address, entry)));
        for entry in other {
            assert!(!is_same(address, &entry), "{entry}");
        }
    }

    #[test]
    fn what_mcp_remote_is_told_besides_the_address_is_nobody_elses_to_drop() {
        let address = "https://tools.test/mcp";
        let args = |more: &[&str]| json!([&["-y", "mcp-remote", address], more].concat());
        let claims = EntryClaims {
            addresses: [("tools".to_owned(), address.to_owned())].into(),
            ..EntryClaims::default()
        };
        for more in [&[][..], &["3334"], &["--allow-http", "--debug"]] {
            let entry = json!({"command": "npx", "args": args(more)});
            assert!(claims.may_take("tools", &entry), "{entry}");
        }
        let adopted = EntryClaims { adopted: ["tools".to_owned()].into(), ..claims.clone() };
        for more in [
            &["--header", "X-Region: eu"][..],
            &["--transport", "sse-only"],
            &["--ignore-tool", "delete*"],
            &["3334", "--resource", "https://r.test"],
            &["--static-oauth-client-info", "@client.json"],
        ] {
            let entry = json!({"command": "npx", "args": args(more)});
            assert!(!claims.may_take("tools", &entry) && adopted.may_take("tools", &entry), "{entry}");
        }
        let entry = json!({"command": "npx", "args": args(&[]), "env": {"NODE_EXTRA_CA_CERTS": "ca.pem"}});
        assert!(!claims.may_take("tools", &entry));
    }
}
