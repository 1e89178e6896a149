//! What a person copies into a client's file to use a server: the same entries that `mcpauth config install` writes,
//! and no token in any of them. Not here: the clients and their templates (see `render`).

use serde::Serialize;

use crate::render::client_entry::ClientEntry;
use crate::render::places::BaseFolder;
use crate::render::{AuthMode, ClientSpec, TARGETS, render};

/// One client.
#[derive(Serialize)]
pub(super) struct ClientCopy {
    name: &'static str,
    /// Its file.
    file: String,
    entries: Vec<CopyEntry>,
}

/// One way to connect it.
#[derive(Serialize)]
struct CopyEntry {
    about: &'static str,
    label: &'static str,
    text: String,
}

/// Every client by its name, for a server by its name and its address at the gateway.
pub(super) fn copies(name: &str, url: &str) -> Vec<ClientCopy> {
    let mut copies: Vec<_> = TARGETS.iter().map(|target| ClientCopy::new(target, name, url)).collect();
    copies.sort_by_key(|copy| copy.name);
    copies
}

/// The command that signs in to a server.
pub(super) fn login(url: &str) -> String {
    format!("mcpauth login {}", crate::text::word(url))
}

impl ClientCopy {
    fn new(target: &'static ClientSpec, name: &str, url: &str) -> Self {
        let bridge = ["mcpauth", "bridge", url].map(str::to_owned).to_vec();
        let mut entries = vec![CopyEntry {
            about: "Through mcpauth, which signs in for it and keeps the token fresh:",
            label: "through mcpauth",
            text: text(target, name, url, bridge),
        }];
        if target.ways.contains(&AuthMode::Inline) {
            entries.push(CopyEntry {
                about: "By address alone, if this client can sign in to MCP servers:",
                label: "by address alone",
                text: text(target, name, url, Vec::new()),
            });
        }
        Self { name: target.client, file: file(target), entries }
    }
}

fn text(target: &ClientSpec, name: &str, url: &str, command: Vec<String>) -> String {
    let entry = ClientEntry {
        name: name.to_owned(),
        url: url.to_owned(),
        transport: "streamable-http".into(),
        headers: Vec::new(),
        variables: Vec::new(),
        helper: None,
        command,
    };
    render(target, &[entry], None).map(|rendered| rendered.text.expose().to_owned()).unwrap_or_default()
}

/// Where the client's file is, on most systems.
fn file(target: &ClientSpec) -> String {
    let base = match target.place.base {
        BaseFolder::Home => "~",
        BaseFolder::Xdg | BaseFolder::Config => "~/.config",
    };
    format!("{base}/{}", target.place.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_has_an_entry_with_the_address_and_without_a_token() {
        let url = "https://gw.example/x/y/mcp";
        let copies = copies("x/y", url);
        assert_eq!(copies.len(), TARGETS.len());
        for copy in copies {
            assert!(!copy.entries.is_empty(), "{}", copy.name);
            for entry in copy.entries {
                assert!(entry.text.contains(url), "{} {}: {}", copy.name, entry.label, entry.text);
                assert!(!entry.text.to_lowercase().contains("authorization"), "{}", entry.text);
            }
        }
        assert_eq!(login(url), "mcpauth login https://gw.example/x/y/mcp");
    }
}
