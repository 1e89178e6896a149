//! Where on a server a request goes: made once from `proxy_pass_url`, so that nothing is joined per request.
//! It leaves whose request it is to `route`, and the address to `outbound`.
//!
//! # The rules
//!
//! A URL whose path ends in the segment `mcp` or `sse` (with or without a slash after it) *is* that endpoint; any other
//! URL is the folder the endpoints are in.
//!
//! | asked for | the URL is `.../mcp` | the URL is `.../sse` | any other URL |
//! |---|---|---|---|
//! | `/{server}/mcp` | the URL itself | its neighbour `mcp` | `mcp` below it |
//! | `/{server}/sse` | its neighbour `sse` | the URL itself | `sse` below it |
//! | `/{server}` | the URL itself | the URL itself | by the server's first transport |
//!
//! The URL itself is kept to the letter, a slash at its end and its query included; so are the folder and the query where
//! an endpoint is joined. A server that speaks SSE alone has one endpoint, whichever of the two its URL ends in:
//! `/{server}/mcp` goes there too, so that a client that tries streamable HTTP first is told 405 by the server and falls
//! back as MCP 2025-03-26 has it.
//!
//! A client's own query is not forwarded: no MCP endpoint takes one, and a token in it must not travel on. The query of a
//! message endpoint that an SSE server announces is part of the address the gateway seals (see `session`).

use std::fmt;

use hyper::Uri;
use hyper::http::uri::PathAndQuery;
use url::Url;

pub use crate::registry::Transport;

/// One place on a server. Its `Debug` leaves out the query, which may be a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The request target in origin form (RFC 9112 section 3.2.1), ready to be cloned.
    pub uri: Uri,
    /// What is spoken there.
    pub transport: Transport,
}

/// The places a server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// `/{server}`.
    pub base: Endpoint,
    /// `/{server}/mcp`.
    pub mcp: Endpoint,
    /// `/{server}/sse`.
    pub sse: Endpoint,
}

impl Endpoints {
    /// The endpoints at `url` of a server that speaks `transports`, best first.
    ///
    /// # Errors
    /// In a few words, without the URL itself: it may hold a key.
    pub fn of(url: &Url, transports: &[Transport]) -> Result<Self, &'static str> {
        let alone = transports == [Transport::Sse];
        let is = Transport::of(url).map(|named| if alone { Transport::Sse } else { named });
        let at = |transport| -> Result<Endpoint, &'static str> {
            let path = if is == Some(transport) { url.path().into() } else { joined(url, transport) };
            Ok(Endpoint { uri: target(&path, url.query())?, transport })
        };
        let sse = at(Transport::Sse)?;
        let mcp = if alone { sse.clone() } else { at(Transport::StreamableHttp)? };
        let base = match is.or(transports.first().copied()) {
            Some(Transport::Sse) => sse.clone(),
            Some(Transport::StreamableHttp) | None => mcp.clone(),
        };
        Ok(Self { base, mcp, sse })
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.transport, self.uri.path())
    }
}

/// The endpoint's path beside the one that the URL is, or below the folder that it is.
fn joined(url: &Url, transport: Transport) -> String {
    let path = url.path().trim_end_matches('/');
    let folder = match Transport::of(url) {
        Some(_) => path.rsplit_once('/').map_or("", |(folder, _)| folder),
        None => path,
    };
    let last = match transport {
        Transport::StreamableHttp => "mcp",
        Transport::Sse => "sse",
    };
    format!("{folder}/{last}")
}

fn target(path: &str, query: Option<&str>) -> Result<Uri, &'static str> {
    let text = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    PathAndQuery::try_from(text).map(Uri::from).map_err(|_| "has a path that cannot be sent")
}

#[cfg(test)]
mod tests {
    use super::Transport::{Sse, StreamableHttp};
    use super::*;

    #[test]
    fn every_shipped_server_is_reached_where_it_is() {
        let http: &[Transport] = &[StreamableHttp];
        let cases: &[(&str, &[Transport], [&str; 3])] = &[
            // The registry's own examples.
            ("http://currenttime-server:8000/", http, ["/mcp", "/mcp", "/sse"]),
            ("http://mcpgw-server:8003/", http, ["/mcp", "/mcp", "/sse"]),
            ("http://realserverfaketools-server:8002/", http, ["/mcp", "/mcp", "/sse"]),
            ("http://host.docker.internal:3031/", http, ["/mcp", "/mcp", "/sse"]),
            ("http://wiki-server:8005/mcp/", http, ["/mcp/", "/mcp/", "/sse"]),
            ("http://fininfo-server:8001/sse", &[Sse], ["/sse", "/sse", "/sse"]),
            ("https://id.gateway.example.amazonaws.com", http, ["/mcp", "/mcp", "/sse"]),
            // Folders, both transports, queries.
            ("http://h/mcp", http, ["/mcp", "/mcp", "/sse"]),
            ("http://h/a/b", http, ["/a/b/mcp", "/a/b/mcp", "/a/b/sse"]),
            ("http://h/a/b/", &[Sse], ["/a/b/sse", "/a/b/sse", "/a/b/sse"]),
            ("http://h/a/sse/", &[StreamableHttp, Sse], ["/a/sse/", "/a/mcp", "/a/sse/"]),
            ("http://h/a", &[Sse, StreamableHttp], ["/a/sse", "/a/mcp", "/a/sse"]),
            ("http://h/mcp", &[Sse], ["/mcp", "/mcp", "/mcp"]),
            ("http://h/v1/mcp?k=v", http, ["/v1/mcp?k=v", "/v1/mcp?k=v", "/v1/sse?k=v"]),
            ("http://h/mcp-server", http, ["/mcp-server/mcp", "/mcp-server/mcp", "/mcp-server/sse"]),
            ("http://h/a/../mcp#part", http, ["/mcp", "/mcp", "/sse"]),
        ];
        for (url, transports, expected) in cases {
            let found = Endpoints::of(&Url::parse(url).unwrap(), transports).unwrap();
            let shown = [found.base, found.mcp, found.sse].map(|e| e.uri.to_string());
            assert_eq!(shown, *expected, "{url} {transports:?}");
        }
    }
}
