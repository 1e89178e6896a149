//! What a person copies into a client's file to use a server: the same entries that `mcpauth config install` writes,
//! and no token in any of them. Not here: the clients and their templates (see `render`).

use minijinja::{Value, context};

use crate::render::client_entry::ClientEntry;
use crate::render::places::BaseFolder;
use crate::render::{AuthMode, ClientSpec, TARGETS, render};

/// Every client by its name, for a server by its name and its address at the gateway.
pub(super) fn copies(name: &str, url: &str) -> Vec<Value> {
    let mut targets: Vec<_> = TARGETS.iter().collect();
    targets.sort_by_key(|target| target.client);
    let copy = |target: &ClientSpec| {
        context! { name => target.client, file => file(target), entries => entries(target, name, url) }
    };
    targets.into_iter().map(copy).collect()
}

/// The command that signs in to a server.
pub(super) fn login(url: &str) -> String {
    format!("mcpauth login {}", crate::text::word(url))
}

/// The ways to connect a client.
fn entries(target: &ClientSpec, name: &str, url: &str) -> Vec<Value> {
    let bridge = ["mcpauth", "bridge", url].map(str::to_owned).to_vec();
    let mut entries = vec![context! {
        about => "Through mcpauth, which signs in for it and keeps the token fresh:",
        label => "through mcpauth",
        text => text(target, name, url, bridge),
    }];
    if target.ways.contains(&AuthMode::Inline) {
        entries.push(context! {
            about => "By address alone, if this client can sign in to MCP servers:",
            label => "by address alone",
            text => text(target, name, url, Vec::new()),
        });
    }
    entries
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
        assert_eq!(copies("x/y", url).len(), TARGETS.len());
        for target in TARGETS {
            let entries = entries(target, "x/y", url);
            assert!(!entries.is_empty(), "{}", target.client);
            for entry in entries {
                let text = entry.get_attr("text").unwrap().to_string();
                assert!(text.contains(url), "{} {entry}", target.client);
                assert!(!text.to_lowercase().contains("authorization"), "{text}");
            }
        }
        assert_eq!(login(url), "mcpauth login https://gw.example/x/y/mcp");
    }
}
