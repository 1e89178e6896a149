//! What in a client's file may become ours: by our record, by the user's word, or because it leads where ours does, in
//! whichever way. Not here: what follows from it (see `plan`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use url::Url;

/// The program that clients start to reach a remote server with a login.
const REMOTE: &str = "mcp-remote";
/// The fields of the various clients with an address.
const ADDRESSES: [&str; 4] = ["url", "serverUrl", "httpUrl", "uri"];
/// Those with a command and its arguments.
const COMMANDS: [&str; 4] = ["command", "cmd", "path", "args"];

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
        let leads = || self.addresses.get(name).is_some_and(|address| is_same(address, there));
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
    let direct = ADDRESSES.iter().find_map(|field| entry.get(field)?.as_str());
    if let Some(address) = direct {
        return Some(address.to_owned());
    }
    let mut words = Vec::new();
    COMMANDS.iter().filter_map(|field| entry.get(field)).for_each(|value| collect(value, &mut words));
    let mut words = words.into_iter().skip_while(|word| !is_remote(word)).skip(1);
    words.find(|word| word.starts_with("https://") || word.starts_with("http://"))
}

/// The words of a command, which some clients write as a text, some as a list, and some as an object.
fn collect(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::String(text) => words.extend(text.split_whitespace().map(str::to_owned)),
        Value::Array(list) => list.iter().for_each(|value| collect(value, words)),
        Value::Object(map) => {
            COMMANDS.iter().filter_map(|field| map.get(*field)).for_each(|value| collect(value, words));
        }
        _ => {}
    }
}

/// `mcp-remote`, any version of it, or a path to it.
fn is_remote(word: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.split('@').next().unwrap_or_default();
    [REMOTE, "mcp-remote.cmd", "mcp-remote.js"].contains(&name)
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
}
