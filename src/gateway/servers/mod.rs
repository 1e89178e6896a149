//! The registry's servers as this gateway reaches them: each with its address and its headers. Not here: files (see
//! `registry`); matching requests (see `route`); paths (see `endpoints`); addresses (see `origin`).

pub mod audience;
pub mod endpoints;
pub mod headers;
pub mod origin;
pub mod route;

use std::fmt;
use std::sync::Arc;

use hyper::header::{HeaderName, HeaderValue};
use url::Url;

use self::endpoints::{Transport, UpstreamEndpoints};
use self::headers::{AllowedVariables, ForbiddenVariable, headers};
use self::origin::is_same;
use crate::gateway::settings::Mcpgw;
use crate::problem::Problem;
pub use crate::registry::AuthType;
use crate::registry::{self, FileProblem, PROXY_PASS_URL, Profile, Registry, no_address};

/// One MCP server. Its `Debug` shows [`UpstreamServer::address`], and only the names of its headers.
#[derive(Clone)]
pub struct UpstreamServer {
    /// Its path without outer slashes: its name for clients, the policy and `upstreams`.
    pub name: String,
    /// Its display name.
    pub title: String,
    /// Where it is; nowhere but in the gateway itself for the built-in one.
    pub place: Option<Place>,
    /// The credential that it requires.
    pub auth_type: AuthType,
    /// Its transports, best first.
    pub transports: Vec<Transport>,
    /// Headers for every request to it; marked sensitive, since most are keys.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether it is enabled.
    pub enabled: bool,
    /// What its file says of it to people.
    pub profile: Arc<Profile>,
}

/// Where a server is.
#[derive(Clone)]
pub struct Place {
    /// `proxy_pass_url`. Its query may contain a key: show [`UpstreamServer::address`] instead.
    pub url: Url,
    /// Where to connect, and its endpoints.
    pub endpoints: UpstreamEndpoints,
}

/// The name of the gateway's own server.
pub const MCPGW: &str = "mcpgw";
/// Its tool that calls those of other servers.
pub const CALL_TOOL: &str = "call_tool";
/// What people call it if no file says.
pub const MCPGW_TITLE: &str = "MCP Gateway Tools";

/// What a folder of server files comes to.
#[derive(Clone, Debug, Default)]
pub struct FoundServers {
    /// The reachable servers, including disabled ones, by name.
    pub servers: Vec<UpstreamServer>,
    /// Problems of the files, and what was left out.
    pub remarks: Vec<Problem>,
}

impl FoundServers {
    /// The servers of a registry, with the headers that `variables` allow, and the gateway's own.
    pub fn from_registry(registry: &Registry, variables: AllowedVariables<'_>, mcpgw: Mcpgw) -> Self {
        let remarks = [registry.remarks.as_slice(), &registry.unknown].concat();
        let mut found = Self { servers: Vec::new(), remarks };
        let own = registry.servers.iter().find(|server| server.name == MCPGW);
        let built_in = mcpgw.is_built_in(own.is_some_and(|own| own.url.is_some()));
        if built_in {
            found.servers.push(UpstreamServer::built_in(own));
        }
        for described in registry.servers.iter().filter(|server| !(built_in && server.name == MCPGW)) {
            let at = described.file.display();
            let left_out =
                |(what, remedy)| Problem::remark(at.to_string(), format!("{what}; left out"), remedy);
            match UpstreamServer::from_registry(described, variables) {
                Ok((server, bad)) => {
                    found.servers.push(server);
                    found.remarks.extend(bad.into_iter().map(left_out));
                }
                Err(problem) => found.remarks.push(left_out(problem)),
            }
        }
        found.servers.sort_by(|one, other| one.name.cmp(&other.name));
        found
    }
}

impl UpstreamServer {
    /// The server described by a file with only a path and a `proxy_pass_url`.
    pub fn at(path: &str, url: &str) -> Result<Self, String> {
        let server = registry::RegisteredServer::at(path, url)?;
        Self::from_registry(&server, AllowedVariables::NONE)
            .map(|(server, _)| server)
            .map_err(|(what, _)| what)
    }

    /// A server and its left-out headers.
    fn from_registry(
        described: &registry::RegisteredServer,
        variables: AllowedVariables<'_>,
    ) -> Result<(Self, Vec<FileProblem>), FileProblem> {
        let url =
            described.url.clone().ok_or_else(|| no_address(PROXY_PASS_URL, "is missing or not a URL"))?;
        let endpoints =
            UpstreamEndpoints::from_registry(described).map_err(|(field, why)| no_address(field, why))?;
        let (headers, bad) = headers(&described.headers, variables).map_err(|asks| {
            let ForbiddenVariable { header, variable } = asks;
            let what = format!(
                "header {header:?} asks for the variable {variable}, which header_variables does not name"
            );
            (what, "add the variable to header_variables, if the server is allowed it")
        })?;
        let server = Self {
            name: described.name.clone(),
            title: described.title.clone(),
            auth_type: described.auth_type,
            transports: described.transports.clone(),
            enabled: described.enabled,
            profile: described.profile.clone(),
            place: Some(Place { url, endpoints }),
            headers,
        };
        Ok((server, bad))
    }

    /// The gateway's own server, as the registry's file describes it if there is one.
    fn built_in(described: Option<&registry::RegisteredServer>) -> Self {
        let title = described.map_or(MCPGW_TITLE, |described| &described.title);
        Self {
            name: MCPGW.into(),
            title: title.to_owned(),
            place: None,
            auth_type: AuthType::None,
            transports: vec![Transport::StreamableHttp],
            headers: Vec::new(),
            enabled: described.is_none_or(|described| described.enabled),
            profile: described.map(|described| described.profile.clone()).unwrap_or_default(),
        }
    }

    /// Where to connect; none for the gateway's own.
    pub fn endpoints(&self) -> Option<&UpstreamEndpoints> {
        self.place.as_ref().map(|place| &place.endpoints)
    }

    /// Whether an address without a query is its own or one of its endpoints', apart from a trailing slash.
    pub fn is_at(&self, url: &Url) -> bool {
        let Some(Place { url: own, endpoints: UpstreamEndpoints { base, mcp, sse } }) = &self.place else {
            return false;
        };
        let path = url.path().trim_end_matches('/');
        let alike = |own: &&&Url| own.path().trim_end_matches('/') == path && is_same(own, url);
        [own, &base.url, &mcp.url, &sse.url].iter().any(|own| alike(&own))
    }

    /// Whether any of its endpoints is spoken to over TLS.
    pub fn is_secure(&self) -> bool {
        let is_secure = |UpstreamEndpoints { base, mcp, sse }: &UpstreamEndpoints| {
            [base, mcp, sse].iter().any(|endpoint| endpoint.origin.tls)
        };
        self.endpoints().is_some_and(is_secure)
    }

    /// Its address in printable form: without the query.
    pub fn address(&self) -> String {
        let Some(Place { url, .. }) = &self.place else { return "built in".into() };
        let mut url = url.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.into()
    }
}

impl fmt::Debug for UpstreamServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        let mut shown = f.debug_struct("Server");
        shown.field("name", &self.name).field("url", &self.address()).field("endpoints", &self.endpoints());
        shown.field("headers", &headers).field("enabled", &self.enabled).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::settings::ServeMcpgw;

    const NONE: AllowedVariables<'_> = AllowedVariables { allowed: &[], value: &|_| None };

    fn serving(serve: Option<ServeMcpgw>) -> Mcpgw {
        Mcpgw { serve, call_tool: false }
    }

    #[test]
    fn a_server_is_where_its_file_says() {
        let server = UpstreamServer::at("/a/", "http://h:1/?key=k3y").unwrap();
        assert_eq!((server.name.as_str(), server.address().as_str()), ("a", "http://h:1/"));
        assert_eq!(server.endpoints().unwrap().mcp.uri, "/mcp?key=k3y");
        assert!(!format!("{server:?}").contains("k3y"), "a query may be a key");
        let refused = UpstreamServer::at("/a", "http://h:0/").unwrap_err();
        assert_eq!(refused, "proxy_pass_url has no port");
    }

    #[test]
    fn without_an_address_it_cannot_be_reached() {
        let mut described = registry::RegisteredServer::at("/a", "http://h").unwrap();
        described.url = None;
        let mut registry = Registry::default();
        registry.servers.push(described);
        let found = FoundServers::from_registry(&registry, NONE, serving(Some(ServeMcpgw::Forward)));
        let [remark] = found.remarks.as_slice() else { panic!("{:?}", found.remarks) };
        assert_eq!(
            (found.servers.len(), remark.what.as_str()),
            (0, "proxy_pass_url is missing or not a URL; left out")
        );
    }

    #[test]
    fn the_gateways_own_server_is_there_unless_its_file_leads_elsewhere() {
        let found = |path: Option<(&str, bool)>, serve| {
            let mut registry = Registry::default();
            registry.servers.extend(path.map(|(path, has_address)| {
                let mut described = registry::RegisteredServer::at(path, "http://h").unwrap();
                described.url = described.url.filter(|_| has_address);
                (described.title, described.enabled) = ("Mine".into(), false);
                described
            }));
            let found = FoundServers::from_registry(&registry, NONE, serving(serve));
            let shown =
                |server: &UpstreamServer| format!("{} {} {}", server.name, server.address(), server.enabled);
            found.servers.iter().map(shown).collect::<Vec<_>>().join(", ")
        };
        let (builtin, forward) = (Some(ServeMcpgw::Builtin), Some(ServeMcpgw::Forward));
        assert_eq!(found(None, None), "mcpgw built in true");
        assert_eq!(found(None, forward), "");
        assert_eq!(found(Some(("/z", true)), None), "mcpgw built in true, z http://h/ false");
        assert_eq!(found(Some(("/mcpgw/", true)), None), "mcpgw http://h/ false");
        assert_eq!(found(Some(("/mcpgw", true)), builtin), "mcpgw built in false");
        assert_eq!(found(Some(("/mcpgw", false)), None), "mcpgw built in false");
        assert_eq!(found(Some(("/mcpgw", false)), forward), "");
    }
}
