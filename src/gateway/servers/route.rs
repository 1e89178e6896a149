//! Which server a request is for, from its path alone. Not here: the server's endpoints (see `endpoints`);
//! permissions (see `policy`).
//!
//! A path is split at its slashes as sent; then each segment is percent-decoded and compared as a whole,
//! case-sensitively. So `/fininfo-evil` is not `/fininfo`, and `/%66ininfo` is. If several names match, the longest
//! wins.
//!
//! Whatever proxies, servers and this gateway could read differently is refused before any comparison: dot segments,
//! slashes and backslashes in a segment, a percent sign that remains after decoding (double encoding), control bytes,
//! text that is not UTF-8, empty segments except for one slash at the end, and `;` parameters, each plain or encoded.
//! The client's path never reaches a server, only the endpoint computed from the server's file.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::HashMap;
use hyper::header::HeaderName;
use percent_encoding::percent_decode_str;

use super::endpoints::UpstreamEndpoint;
use super::{AuthType, UpstreamServer};
use crate::gateway::settings::{EgressMode, GatewaySettings};

/// Every server, by its path.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// By the first segment; the longest name first.
    by_first: HashMap<Box<str>, Vec<Candidate>>,
    all: Vec<Arc<ServerRoute>>,
}

#[derive(Clone, Debug)]
struct Candidate {
    /// The segments of the name after the first.
    further: Box<[Box<str>]>,
    route: Arc<ServerRoute>,
}

/// One server and its settings.
#[derive(Clone, Debug)]
pub struct ServerRoute {
    /// Its file.
    pub server: UpstreamServer,
    /// Where its egress credential comes from: as in `upstreams`, else passed through if its `auth_type` requires
    /// one.
    pub egress: EgressMode,
    /// The server name of its stored credential.
    pub credential: String,
    /// The only request headers that pass, in addition to the standard set; if absent, all that may pass.
    pub headers: Option<Vec<HeaderName>>,
    /// Whether it receives the caller's identity.
    pub identity_headers: bool,
}

/// The meaning of a path.
#[derive(Clone, Copy, Debug)]
pub struct RouteMatch<'a> {
    /// The server.
    pub route: &'a Arc<ServerRoute>,
    /// Which of its endpoints.
    pub asked: EndpointKind<'a>,
    /// Whether it ends in a slash.
    pub slash: bool,
}

/// Which of a server's endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointKind<'a> {
    /// `/{server}`.
    Base,
    /// `/{server}/mcp`.
    Mcp,
    /// `/{server}/sse`.
    Sse,
    /// `/{server}/messages/...`: the rest after `messages/`, as sent, without anything that is refused elsewhere.
    SseMessages(&'a str),
}

/// One of a server's addresses at the gateway, below its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    last: &'static str,
    slash: &'static str,
}

impl Resource {
    /// `/mcp`, which clients are given unless they have used another one.
    pub const MCP: Self = Self { last: "/mcp", slash: "" };

    /// Its path.
    pub fn path(self, server: &str) -> String {
        format!("/{server}{}{}", self.last, self.slash)
    }
}

/// How to write a path below the server's name for a client (RFC 3986 section 4.2): relative, because a proxy in
/// front of the gateway may have put anything before its paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathBase {
    /// The request was for the name itself.
    Name,
    /// For something directly below the name.
    Folder,
    /// For something below that.
    Below,
}

impl PathBase {
    /// The path below the name of a server.
    pub fn reference(self, server: &str, below: &str) -> String {
        match self {
            Self::Name => format!("{}/{below}", server.rsplit('/').next().unwrap_or_default()),
            Self::Folder => below.to_owned(),
            Self::Below => format!("../{below}"),
        }
    }
}

/// Why a path matches no server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// It is ambiguous.
    Malformed,
    /// No server has this path.
    Unknown,
    /// The server is disabled.
    Off,
}

impl Routes {
    /// The routes to `servers`, with the settings for each.
    pub fn new(servers: Vec<UpstreamServer>, settings: &GatewaySettings) -> Self {
        let mut routes = Self::default();
        for server in servers {
            let mut segments = server.name.split('/').map(Box::from);
            let first = segments.next().unwrap_or_default();
            let further = segments.collect();
            let route = Arc::new(ServerRoute::new(server, settings));
            routes.all.push(Arc::clone(&route));
            routes.by_first.entry(first).or_default().push(Candidate { further, route });
        }
        for candidates in routes.by_first.values_mut() {
            candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.further.len()));
        }
        routes
    }

    /// Every server, including disabled ones, by name.
    pub fn all(&self) -> &[Arc<ServerRoute>] {
        &self.all
    }

    /// A server by its name.
    pub fn named(&self, name: &str) -> Option<&Arc<ServerRoute>> {
        let first = name.split('/').next().unwrap_or_default();
        let candidates = self.by_first.get(first)?;
        candidates.iter().map(|candidate| &candidate.route).find(|route| route.server.name == name)
    }

    /// The meaning of a request's path: as sent, undecoded, without its query. A plain one allocates nothing.
    pub fn find<'a>(&'a self, path: &'a str) -> Result<RouteMatch<'a>, RouteError> {
        let path = path.strip_prefix('/').filter(|path| !path.is_empty()).ok_or(RouteError::Unknown)?;
        let slash = path.ends_with('/');
        let path = path.strip_suffix('/').unwrap_or(path);
        // All of it, before any comparison: a good beginning must not excuse the rest.
        for segment in path.split('/') {
            decoded(segment)?;
        }
        let (first, rest) = cut(path);
        let candidates = self.by_first.get(decoded(first)?.as_ref()).ok_or(RouteError::Unknown)?;
        let found =
            candidates.iter().find_map(|candidate| Some((below(rest, &candidate.further)?, candidate)));
        let (rest, candidate) = found.ok_or(RouteError::Unknown)?;
        let asked = asked(rest)?;
        if !candidate.route.server.enabled {
            return Err(RouteError::Off);
        }
        Ok(RouteMatch { route: &candidate.route, asked, slash })
    }
}

impl ServerRoute {
    fn new(server: UpstreamServer, settings: &GatewaySettings) -> Self {
        let said = settings.upstreams.get(&server.name).cloned().unwrap_or_default();
        let by_auth_type = match server.auth_type {
            AuthType::None => EgressMode::None,
            AuthType::Oauth | AuthType::ApiKey | AuthType::Other => EgressMode::Passthrough,
        };
        let headers = said.headers.map(|names| {
            names.iter().filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect()
        });
        Self {
            egress: said.egress.unwrap_or(by_auth_type),
            credential: said.credential.unwrap_or_else(|| server.name.clone()),
            headers,
            identity_headers: said.identity_headers,
            server,
        }
    }
}

impl<'a> RouteMatch<'a> {
    /// The path below the server's name, as seen from here.
    pub fn base(&self) -> PathBase {
        match (self.asked, self.slash) {
            (EndpointKind::Base, false) => PathBase::Name,
            (EndpointKind::Base, true) | (EndpointKind::Mcp | EndpointKind::Sse, false) => PathBase::Folder,
            (EndpointKind::Mcp | EndpointKind::Sse, true) | (EndpointKind::SseMessages(_), _) => {
                PathBase::Below
            }
        }
    }

    /// Whether it is an address that clients use for a server.
    pub fn is_resource(&self) -> bool {
        !matches!(self.asked, EndpointKind::SseMessages(_))
    }

    /// The resource's path below the gateway's address (RFC 9728): as requested. Messages belong to their stream's.
    pub fn resource(&self) -> Resource {
        let last = match self.asked {
            EndpointKind::Base => "",
            EndpointKind::Mcp => "/mcp",
            EndpointKind::Sse | EndpointKind::SseMessages(_) => "/sse",
        };
        let slash = self.slash && !matches!(self.asked, EndpointKind::SseMessages(_));
        Resource { last, slash: if slash { "/" } else { "" } }
    }

    /// Where on the server to go; `None` for announced endpoints, which only the server knows, and for the gateway's own.
    pub fn endpoint(&self) -> Option<&'a UpstreamEndpoint> {
        let endpoints = self.route.server.endpoints()?;
        match self.asked {
            EndpointKind::Base => Some(&endpoints.base),
            EndpointKind::Mcp => Some(&endpoints.mcp),
            EndpointKind::Sse => Some(&endpoints.sse),
            EndpointKind::SseMessages(_) => None,
        }
    }
}

/// The first segment and what comes after its slash.
fn cut(path: &str) -> (&str, Option<&str>) {
    path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)))
}

/// The rest of a path after the segments of a name; `None` if it does not begin with them.
fn below<'a>(mut rest: Option<&'a str>, further: &[Box<str>]) -> Option<Option<&'a str>> {
    for expected in further {
        let (segment, after) = cut(rest?);
        if decoded(segment).ok()? != **expected {
            return None;
        }
        rest = after;
    }
    Some(rest)
}

fn asked(rest: Option<&str>) -> Result<EndpointKind<'_>, RouteError> {
    let Some(rest) = rest else { return Ok(EndpointKind::Base) };
    let (segment, after) = cut(rest);
    match (decoded(segment)?.as_ref(), after) {
        ("mcp", None) => Ok(EndpointKind::Mcp),
        ("sse", None) => Ok(EndpointKind::Sse),
        ("messages", after) => Ok(EndpointKind::SseMessages(after.unwrap_or_default())),
        _ => Err(RouteError::Unknown),
    }
}

/// The decoded segment, if it is unambiguous.
fn decoded(segment: &str) -> Result<Cow<'_, str>, RouteError> {
    // Nearly every segment says what it means.
    if !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        return Ok(Cow::Borrowed(segment));
    }
    if !segment.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(RouteError::Malformed);
    }
    let decoded = if segment.contains('%') {
        percent_decode_str(segment).decode_utf8().map_err(|_| RouteError::Malformed)?
    } else {
        Cow::Borrowed(segment)
    };
    let ambiguous = |c: char| matches!(c, '/' | '\\' | '%' | ';' | '?' | '#') || c.is_control();
    if matches!(decoded.as_ref(), "" | "." | "..") || decoded.contains(ambiguous) {
        return Err(RouteError::Malformed);
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests;
