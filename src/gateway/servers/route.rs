//! Which server a request is for, from its path alone. It leaves what is joined to the server's address to `join`, and
//! whether the caller may go there to `policy`.
//!
//! A path is taken apart at its slashes as sent; then each segment is percent-decoded and compared whole, case and all.
//! So `/fininfo-evil` is not `/fininfo`, and `/%66ininfo` is. Of several names that fit, the longest counts.
//!
//! Whatever proxies, servers and this gateway could read differently is refused before it is compared with anything: dot
//! segments, slashes and backslashes in a segment, a percent sign that stays after decoding (double encoding), control
//! bytes, text that is not UTF-8, empty segments but for one slash at the end, and `;` parameters, each plain or encoded.
//! What reaches a server is never the client's path but the endpoint made when the server's file was read.

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

/// One server and all that was said of it.
#[derive(Clone, Debug)]
pub struct ServerRoute {
    /// Its file.
    pub server: UpstreamServer,
    /// Where its outside credential comes from: as `upstreams` says, else passed on where its `auth_type` asks for one.
    pub egress: EgressMode,
    /// The server name of its stored credential.
    pub credential: String,
    /// The only request headers that pass, beside the standard set; all if absent.
    pub headers: Option<Vec<HeaderName>>,
    /// Whether it is told who calls.
    pub identity_headers: bool,
}

/// What a path means.
#[derive(Clone, Copy, Debug)]
pub struct RouteMatch<'a> {
    /// The server.
    pub route: &'a Arc<ServerRoute>,
    /// What of it.
    pub asked: EndpointKind<'a>,
    /// Whether a slash is at its end.
    pub slash: bool,
}

/// What of a server was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointKind<'a> {
    /// `/{server}`.
    Base,
    /// `/{server}/mcp`.
    Mcp,
    /// `/{server}/sse`.
    Sse,
    /// `/{server}/messages/...`: the rest after `messages/`, as sent, with nothing in it that is refused elsewhere.
    SseMessages(&'a str),
}

/// One of the addresses of a server at the gateway, after its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    last: &'static str,
    slash: &'static str,
}

impl Resource {
    /// `/mcp`, which clients are told of before they have asked for another one.
    pub const MCP: Self = Self { last: "/mcp", slash: "" };

    /// Its path.
    pub fn path(self, server: &str) -> String {
        format!("/{server}{}{}", self.last, self.slash)
    }
}

/// How a path below the server's name is written for whoever asked (RFC 3986 section 4.2): relative, because what stands
/// before the gateway may have put anything before its paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathBase {
    /// The name itself was asked for.
    Name,
    /// Something directly below the name.
    Folder,
    /// Something below that.
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

/// Why a path leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// It could be read in two ways.
    Malformed,
    /// No server has it.
    Unknown,
    /// The server is switched off.
    Off,
}

impl Routes {
    /// The routes to `servers`, with what the settings add to each.
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

    /// Every server, switched off ones too, by name.
    pub fn all(&self) -> &[Arc<ServerRoute>] {
        &self.all
    }

    /// A server by its name.
    pub fn named(&self, name: &str) -> Option<&Arc<ServerRoute>> {
        let first = name.split('/').next().unwrap_or_default();
        let candidates = self.by_first.get(first)?;
        candidates.iter().map(|candidate| &candidate.route).find(|route| route.server.name == name)
    }

    /// What the path of a request means: as sent, undecoded, without its query. A plain one allocates nothing.
    ///
    /// # Errors
    /// [`RouteError`].
    pub fn find<'a>(&'a self, path: &'a str) -> Result<RouteMatch<'a>, RouteError> {
        let path = path.strip_prefix('/').filter(|path| !path.is_empty()).ok_or(RouteError::Unknown)?;
        let slash = path.ends_with('/');
        let path = path.strip_suffix('/').unwrap_or(path);
        // All of it, before any of it is compared: a good beginning must not excuse the rest.
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
    /// Where a path below the server's name is from here.
    pub fn base(&self) -> PathBase {
        match (self.asked, self.slash) {
            (EndpointKind::Base, false) => PathBase::Name,
            (EndpointKind::Base, true) | (EndpointKind::Mcp | EndpointKind::Sse, false) => PathBase::Folder,
            (EndpointKind::Mcp | EndpointKind::Sse, true) | (EndpointKind::SseMessages(_), _) => {
                PathBase::Below
            }
        }
    }

    /// Whether it is an address that clients know a server by.
    pub fn is_resource(&self) -> bool {
        !matches!(self.asked, EndpointKind::SseMessages(_))
    }

    /// The resource's path below the gateway's address (RFC 9728): as it was asked for. Messages belong to their stream's.
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

/// What is left of a path after the segments of a name; `None` if it does not have them.
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

/// A segment as it is meant, if it can be meant in one way alone.
fn decoded(segment: &str) -> Result<Cow<'_, str>, RouteError> {
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
