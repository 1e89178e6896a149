//! Where on a server a request goes: made once from its file, so that nothing is joined per request.
//! It leaves whose request it is to `route`, and the address to `origin`.
//!
//! # The rules
//!
//! `mcp_endpoint` and `sse_endpoint` are those endpoints, wherever `proxy_pass_url` leads. Else a URL whose path does not end
//! in a slash *is* an endpoint, and so is one whose path ends in the segment `mcp` or `sse` with or without a slash after it:
//! the endpoint of that name, or of the server's first transport. Any other URL is the folder the endpoints are in.
//! `append_mcp_path` says it where the URL does not: `false` makes it an endpoint, `true` a folder unless it has the name.
//!
//! | asked for | the URL is the MCP endpoint | the URL is the SSE endpoint | the URL is a folder |
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
use std::sync::Arc;

use hyper::Uri;
use hyper::http::uri::PathAndQuery;
use url::Url;

use super::origin::{UpstreamOrigin, is_same};
pub use crate::registry::Transport;
use crate::registry::{self, PROXY_PASS_URL};

/// One place on a server. Its `Debug` leaves out the query, which may be a key.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamEndpoint {
    /// The whole address.
    pub url: Url,
    /// Where to connect.
    pub origin: Arc<UpstreamOrigin>,
    /// The request target in origin form (RFC 9112 section 3.2.1), ready to be cloned.
    pub uri: Uri,
    /// What is spoken there.
    pub transport: Transport,
}

/// The places a server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamEndpoints {
    /// `/{server}`.
    pub base: UpstreamEndpoint,
    /// `/{server}/mcp`.
    pub mcp: UpstreamEndpoint,
    /// `/{server}/sse`.
    pub sse: UpstreamEndpoint,
}

/// The field that names no endpoint, and why not.
pub type EndpointError = (&'static str, &'static str);

impl UpstreamEndpoints {
    /// The endpoints of a server as its file has them.
    ///
    /// # Errors
    /// In a few words, without the URL itself: it may hold a key.
    pub fn from_registry(server: &registry::RegisteredServer) -> Result<Self, EndpointError> {
        let url = server.url.as_ref().ok_or((PROXY_PASS_URL, "is missing or no URL"))?;
        let first = server.transports.first().copied().unwrap_or(Transport::StreamableHttp);
        let alone = server.transports == [Transport::Sse];
        let is = itself(url, server.append_mcp_path, first).map(|is| if alone { Transport::Sse } else { is });
        let at = |named: Option<&Url>, field, transport| match named {
            Some(named) => UpstreamEndpoint::at(named.clone(), transport).map_err(|why| (field, why)),
            None if is == Some(transport) => {
                UpstreamEndpoint::at(url.clone(), transport).map_err(|why| (PROXY_PASS_URL, why))
            }
            None => UpstreamEndpoint::at(joined(url, is, transport), transport)
                .map_err(|why| (PROXY_PASS_URL, why)),
        };
        let sse = at(server.sse_endpoint.as_ref(), "sse_endpoint", Transport::Sse)?;
        let named = server.mcp_endpoint.as_ref();
        let mcp = match (named, alone) {
            (None, true) => sse.clone(),
            _ => at(named, "mcp_endpoint", Transport::StreamableHttp)?,
        };
        let is_named = named.is_some() || server.sse_endpoint.is_some();
        let base = match is.filter(|_| !is_named).unwrap_or(first) {
            Transport::Sse => sse.clone(),
            Transport::StreamableHttp => mcp.clone(),
        };
        Ok(Self { base, mcp, sse })
    }
}

impl UpstreamEndpoint {
    fn at(url: Url, transport: Transport) -> Result<Self, &'static str> {
        let origin = Arc::new(UpstreamOrigin::from_url(&url)?);
        let uri = target(&url).ok_or("has a path that cannot be sent")?;
        Ok(Self { origin, uri, transport, url })
    }

    /// Where on this server a reference leads that its own answer to a request for `asked` holds (RFC 3986 section 5).
    ///
    /// # Errors
    /// Where it leads instead, without its query, if that is no place of this server's.
    pub fn follow(&self, asked: &Uri, reference: &str) -> Result<Uri, String> {
        let mut base = self.url.clone();
        base.set_path(asked.path());
        base.set_query(asked.query());
        let mut url = base.join(reference.trim()).map_err(|_| "what is no address".to_owned())?;
        if let Some(target) = target(&url).filter(|_| is_same(&url, &self.url)) {
            return Ok(target);
        }
        url.set_query(None);
        url.set_fragment(None);
        // Neither can be set for what has no host, and has none then.
        let _ = url.set_username("").and(url.set_password(None));
        Err(url.into())
    }
}

impl fmt::Debug for UpstreamEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.transport, self.uri.path())
    }
}

/// Which endpoint a URL is itself; none if it is the folder they are in.
fn itself(url: &Url, append: Option<bool>, first: Transport) -> Option<Transport> {
    let is_endpoint = !append.unwrap_or_else(|| url.path().ends_with('/'));
    Transport::of(url).or_else(|| is_endpoint.then_some(first))
}

/// The endpoint beside the one that the URL is, or below the folder that it is.
fn joined(url: &Url, is: Option<Transport>, transport: Transport) -> Url {
    let path = url.path().trim_end_matches('/');
    let folder = match is {
        Some(_) => path.rsplit_once('/').map_or("", |(folder, _)| folder),
        None => path,
    };
    let last = match transport {
        Transport::StreamableHttp => "mcp",
        Transport::Sse => "sse",
    };
    let mut joined = url.clone();
    joined.set_path(&format!("{folder}/{last}"));
    joined
}

fn target(url: &Url) -> Option<Uri> {
    let text = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    PathAndQuery::try_from(text).ok().map(Uri::from)
}

#[cfg(test)]
mod tests {
    use super::Transport::{Sse, StreamableHttp};
    use super::*;

    fn shown(server: &registry::RegisteredServer) -> [String; 3] {
        let found = UpstreamEndpoints::from_registry(server).unwrap();
        [found.base, found.mcp, found.sse].map(|endpoint| endpoint.uri.to_string())
    }

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
            ("http://h/a/b/", http, ["/a/b/mcp", "/a/b/mcp", "/a/b/sse"]),
            ("http://h/a/b/", &[Sse], ["/a/b/sse", "/a/b/sse", "/a/b/sse"]),
            ("http://h/a/sse/", &[StreamableHttp, Sse], ["/a/sse/", "/a/mcp", "/a/sse/"]),
            ("http://h/a/", &[Sse, StreamableHttp], ["/a/sse", "/a/mcp", "/a/sse"]),
            ("http://h/mcp", &[Sse], ["/mcp", "/mcp", "/mcp"]),
            ("http://h/v1/mcp?k=v", http, ["/v1/mcp?k=v", "/v1/mcp?k=v", "/v1/sse?k=v"]),
            ("http://h/a/../mcp#part", http, ["/mcp", "/mcp", "/sse"]),
            // Endpoints of any name.
            (
                "https://h/runtimes/arn%3Aaws%3Ax%2Fy/invocations?qualifier=DEFAULT",
                http,
                [
                    "/runtimes/arn%3Aaws%3Ax%2Fy/invocations?qualifier=DEFAULT",
                    "/runtimes/arn%3Aaws%3Ax%2Fy/invocations?qualifier=DEFAULT",
                    "/runtimes/arn%3Aaws%3Ax%2Fy/sse?qualifier=DEFAULT",
                ],
            ),
            (
                "https://h/platform/headless",
                http,
                ["/platform/headless", "/platform/headless", "/platform/sse"],
            ),
            ("http://h/mcp-server", http, ["/mcp-server", "/mcp-server", "/sse"]),
            ("http://h/events", &[Sse], ["/events", "/events", "/events"]),
            ("http://h/events", &[Sse, StreamableHttp], ["/events", "/mcp", "/events"]),
        ];
        for (url, transports, expected) in cases {
            let mut server = registry::RegisteredServer::at("/a", url).unwrap();
            server.transports = transports.to_vec();
            assert_eq!(shown(&server), *expected, "{url} {transports:?}");
        }
    }

    #[test]
    fn what_a_file_says_of_its_endpoints_is_so() {
        let place = |text: &str| (!text.is_empty()).then(|| Url::parse(text).unwrap());
        let (x, e) = ("http://h/x", "http://h/e/?k=v");
        for (url, append, mcp, sse, expected) in [
            ("http://h/", Some(false), "", "", ["/", "/", "/sse"]),
            ("http://h/a/", Some(false), "", "", ["/a/", "/a/", "/sse"]),
            ("http://h/a", Some(false), "", "", ["/a", "/a", "/sse"]),
            ("http://h/a?q", Some(true), "", "", ["/a/mcp?q", "/a/mcp?q", "/a/sse?q"]),
            ("http://h/a/mcp", Some(true), "", "", ["/a/mcp", "/a/mcp", "/a/sse"]),
            ("http://h/", None, x, "", ["/x", "/x", "/sse"]),
            ("http://h/", None, "", e, ["/mcp", "/mcp", "/e/?k=v"]),
            ("http://h/sse", None, x, "", ["/x", "/x", "/sse"]),
            ("http://h/a", Some(false), x, e, ["/x", "/x", "/e/?k=v"]),
        ] {
            let mut server = registry::RegisteredServer::at("/a", url).unwrap();
            server.transports = vec![StreamableHttp];
            (server.append_mcp_path, server.mcp_endpoint, server.sse_endpoint) =
                (append, place(mcp), place(sse));
            assert_eq!(shown(&server), expected, "{url} {append:?} {mcp} {sse}");
        }
        let mut server = registry::RegisteredServer::at("/a", "http://h:1/").unwrap();
        server.mcp_endpoint = place("https://other:2/x");
        let endpoints = UpstreamEndpoints::from_registry(&server).unwrap();
        let ports = [&endpoints.base, &endpoints.mcp, &endpoints.sse].map(|endpoint| endpoint.origin.port);
        assert_eq!(ports, [2, 2, 1]);
        server.mcp_endpoint = place("http://h:0/x");
        assert_eq!(UpstreamEndpoints::from_registry(&server), Err(("mcp_endpoint", "has no port")));
    }

    #[test]
    fn a_reference_leads_to_the_same_server_or_is_named() {
        let follow = |url: &str, reference: &str| {
            let endpoint = UpstreamEndpoint::at(Url::parse(url).unwrap(), StreamableHttp).unwrap();
            endpoint.follow(&endpoint.uri, reference).map(|uri| uri.to_string())
        };
        let own = |text: &str| Ok(text.to_owned());
        let (url, local) = ("http://h:8000/a/mcp?k=v", "http://127.0.0.1:8000/mcp");
        for (url, reference, expected) in [
            (url, "/a/mcp/", own("/a/mcp/")),
            (url, "mcp/", own("/a/mcp/")),
            (url, " ?x=1#y", own("/a/mcp?x=1")),
            (url, "../b?x", own("/b?x")),
            (url, "http://H:8000/a/mcp/", own("/a/mcp/")),
            (url, "//h:8000/x", own("/x")),
            (url, "http://u:p@h:8000/x", own("/x")),
            ("http://h//evil.test/", "mcp/", own("//evil.test/mcp/")),
            ("https://h/mcp", "https://h:443/mcp/", own("/mcp/")),
            (local, "http://localhost:8000/x", own("/x")),
            (local, "http://[::1]:8000/x", own("/x")),
            (local, "http://0.0.0.0:8000/x", own("/x")),
            ("http://localhost:8000/mcp", "http://127.0.0.1:8000/x", own("/x")),
            (local, "http://localhost:8001/x?k=s3cret", Err("http://localhost:8001/x".to_owned())),
            (local, "https://localhost:8000/x", Err("https://localhost:8000/x".to_owned())),
            (url, "http://localhost:8000/x", Err("http://localhost:8000/x".to_owned())),
            (url, "http://h/a/mcp/", Err("http://h/a/mcp/".to_owned())),
            (url, "https://h:8000/a/mcp/", Err("https://h:8000/a/mcp/".to_owned())),
            (url, "//evil.test/", Err("http://evil.test/".to_owned())),
            (url, "http://u:p@evil.test/?t=s3cret#f", Err("http://evil.test/".to_owned())),
            (url, "javascript:alert(1)", Err("javascript:alert(1)".to_owned())),
            (url, "http://[", Err("what is no address".to_owned())),
        ] {
            assert_eq!(follow(url, reference), expected, "{url} {reference}");
        }
    }
}
