//! What the words after `mcpauth call` are: a server, a tool, its arguments. Not here: reading the arguments (see `arguments`).

use crate::error::Error;
use crate::servers::{ServerRef, Servers};
use crate::sys::address::shown_typed;
use crate::text::{clean, word};

/// The words, told apart by their form alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CallWords<'a> {
    /// The server, if the first word is followed by another one that holds no arguments.
    server: Option<&'a str>,
    pub(super) tool: &'a str,
    pub(super) arguments: &'a [String],
    /// Whether an option names the server.
    is_named: bool,
}

impl<'a> CallWords<'a> {
    pub(super) fn read(first: &'a str, rest: &'a [String], is_named: bool) -> Self {
        match rest.split_first() {
            Some((tool, arguments)) if !is_named && !holds_arguments(tool) => {
                Self { server: Some(first), tool, arguments, is_named }
            }
            _ => Self { server: None, tool: first, arguments: rest, is_named },
        }
    }

    /// The server that the first word names, if it does.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is no such server, or a server and no tool.
    pub(super) fn server(&self, servers: &Servers) -> Result<Option<ServerRef>, Error> {
        let Some(server) = self.server else { return self.no_server(servers).map(|()| None) };
        let which = servers.find(&server.parse().map_err(|reason| unreadable(server, reason))?);
        servers.check(&which).map_err(|error| match error {
            Error::Usage { message, hint } => Error::Usage {
                message,
                hint: format!("{hint}; a tool's arguments are KEY=VALUE, a JSON object, @FILE or -"),
            },
            other => other,
        })?;
        Ok(Some(which))
    }

    /// A server's address is not a tool; neither is its name, unless GATEWAY_URL says whose tool it could be.
    fn no_server(&self, servers: &Servers) -> Result<(), Error> {
        let has_default = self.is_named || servers.config.given("GATEWAY_URL").is_some();
        let is_server = self.tool.contains("://") || (!has_default && servers.is_known(self.tool));
        if !is_server {
            return Ok(());
        }
        let server = self.tool;
        let _: ServerRef = server.parse().map_err(|reason| unreadable(server, reason))?;
        let server = word(&clean(server, 200));
        Err(Error::Usage {
            message: format!("no tool of {server} is named"),
            hint: format!(
                "see its tools with: mcpauth list {server}; then call one with: mcpauth call {server} TOOL"
            ),
        })
    }
}

/// Whether a word holds a tool's arguments: no tool has such a name (MCP 2025-11-25, "Tool Names").
fn holds_arguments(text: &str) -> bool {
    text.is_empty() || text == "-" || text.starts_with(['{', '[', '"', '@']) || text.contains('=')
}

fn unreadable(server: &str, reason: String) -> Error {
    let message = format!("{:?}: the address {reason}", clean(&shown_typed(server), 80));
    Error::Usage { message, hint: "give a server's name or its http or https address".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_by_their_form() {
        let read = |line: &str, is_named: bool| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let (first, rest) = words.split_first().unwrap();
            let CallWords { server, tool, arguments, .. } = CallWords::read(first, rest, is_named);
            (server.map(str::to_owned), tool.to_owned(), arguments.join(" "))
        };
        let some = |server: &str, tool: &str, arguments: &str| {
            (Some(server.to_owned()), tool.to_owned(), arguments.to_owned())
        };
        let none = |tool: &str, arguments: &str| (None, tool.to_owned(), arguments.to_owned());
        for (line, expected) in [
            ("t", none("t", "")),
            ("t {}", none("t", "{}")),
            ("t [1]", none("t", "[1]")),
            ("t -", none("t", "-")),
            ("t @f.json", none("t", "@f.json")),
            ("t a=1 b=2", none("t", "a=1 b=2")),
            ("s t", some("s", "t", "")),
            ("s t a=1", some("s", "t", "a=1")),
            ("s t {}", some("s", "t", "{}")),
            ("s t -", some("s", "t", "-")),
            ("https://h/mcp t", some("https://h/mcp", "t", "")),
            ("h.test/mcp a.b/c-d_e", some("h.test/mcp", "a.b/c-d_e", "")),
            ("s t u", some("s", "t", "u")),
        ] {
            assert_eq!(read(line, false), expected, "{line}");
        }
        assert_eq!(read("t u", true), none("t", "u"), "with --server or --url the first word is the tool");
    }
}
