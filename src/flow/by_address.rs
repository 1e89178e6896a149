//! From an MCP server's address to all that a login there needs: the server's challenge, its protected-resource metadata
//! (RFC 9728), its issuer's metadata (RFC 8414) and a client (RFC 7591). It leaves the login itself to `login`.
//!
//! Nothing that is sent here is a secret: there is none before the issuer has been checked.

use std::time::Duration;

use aws_lc_rs::digest;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use thiserror::Error;
use url::Url;

use crate::flow::FlowError;
use crate::flow::callback::Listener;
use crate::flow::discovery::for_a_browser;
use crate::mcp::jsonrpc::Message;
use crate::mcp::{ACCEPTED, initialize_params};
use crate::metadata::{self, Inward, NotFound, ResourceFault, stay_outside};
use crate::oauth::{
    Challenge, Client, IssuerMetadata, RegistrationError, ReplyError, ResourceError, ResourceMetadata,
    auth_method, is_unavailable, read_registration, registration_request,
};
use crate::sys::address::web_url;
use crate::sys::http::{Http, HttpError};
use crate::text::shell_address;

/// How long the server may take to ask for a token.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where the browser is sent, at a port that is free when the client is registered.
const REDIRECT: &str = "http://127.0.0.1:0/";

/// What a server and its issuer say of themselves.
#[derive(Clone, Debug)]
pub struct Discovered {
    /// The `resource` parameter of every request, to the letter (RFC 8707).
    pub resource: String,
    /// Its issuer.
    pub issuer: IssuerMetadata,
    /// What to ask for.
    pub scopes: Vec<String>,
}

/// What of the way from an address to a login is missing.
#[derive(Debug, Error)]
pub enum AddressError {
    /// The server has no metadata that can be used.
    #[error(
        "{server} answered {status} without a token, and there is no protected-resource metadata for it: {cause}"
    )]
    NoResource {
        /// Who was asked.
        server: String,
        /// What it answered to a request without a token.
        status: u16,
        /// Where metadata was looked for, and what is wrong there.
        cause: NotFound<ResourceError>,
    },
    /// The server sends whoever asks it elsewhere.
    #[error("{server} answered HTTP {status}, a redirect to {to}")]
    Elsewhere {
        /// The address that was asked, without its query.
        server: String,
        /// The HTTP status.
        status: u16,
        /// Where to.
        to: String,
    },
    /// The metadata is about another address than the one that was asked, and of the same server.
    #[error(
        "{asked} was asked, and its metadata is about {found}, which is not that address or one above it (RFC 9728 section 3.3)"
    )]
    Resource {
        /// The address that was asked, without its query.
        asked: String,
        /// The one that the document is about.
        found: String,
    },
    /// A server elsewhere that sends us to this machine.
    #[error("{0}")]
    Inward(#[from] Inward),
    /// The issuer's metadata cannot be used.
    #[error("the issuer that {server} names cannot be used: {cause}")]
    Issuer {
        /// Who names it.
        server: String,
        /// What is wrong.
        cause: Box<FlowError>,
    },
    /// None of several issuers can be used.
    #[error("none of the issuers that {server} names can be used: {}", each(.tried))]
    NoIssuer {
        /// Who names them.
        server: String,
        /// Each with what is wrong.
        tried: Vec<(String, FlowError)>,
    },
    /// The issuer that was asked for is not one of the server's.
    #[error("{server} does not name the issuer {wanted}; it names {}", .named.join(", "))]
    OtherIssuer {
        /// Who names others.
        server: String,
        /// What was asked for.
        wanted: String,
        /// What it names.
        named: Vec<String>,
    },
    /// The issuer does not say whether it does PKCE.
    #[error("the metadata of {0} does not list its code_challenge_methods_supported")]
    NoPkce(String),
    /// The issuer registers nobody.
    #[error("{0} registers no clients by itself")]
    NoRegistration(String),
    /// The issuer did not register us.
    #[error("{place}: {cause}")]
    Registration {
        /// Where.
        place: String,
        /// Why.
        cause: RegistrationError,
    },
}

impl AddressError {
    /// Whether it may pass by itself.
    pub fn is_network(&self) -> bool {
        match self {
            Self::NoResource { cause, .. } => cause.is_network(),
            Self::NoIssuer { tried, .. } => tried.iter().any(|(_, error)| may_pass(error)),
            _ => false,
        }
    }

    /// What to do about it; `command` is the login's.
    pub fn hint(&self, command: &str) -> String {
        match self {
            Self::NoResource { cause, .. } if cause.is_network() => format!("try again in a while: {command}"),
            Self::NoResource { cause, .. } if is_about_another(cause) => {
                "do not log in there: have the server's operator correct the document".into()
            }
            Self::Elsewhere { to, .. } => {
                format!("if that is the MCP server, run: mcpauth login {}", shell_address(to))
            }
            Self::Resource { found, .. } => {
                format!("log in there: mcpauth login {}", shell_address(found))
            }
            Self::NoResource { .. } => {
                "check the address: mcpauth basic --url URL shows what is there; without metadata, set an egress set up: \
                 mcpauth configure"
                    .into()
            }
            Self::Inward(_) => "do not trust this server; nothing was sent there".into(),
            Self::Issuer { .. } => {
                format!("the server's operator must correct that; then run: {command} --force")
            }
            Self::NoIssuer { .. } => format!("try again in a while: {command}; or choose one with --issuer URL"),
            Self::OtherIssuer { .. } => format!("choose one of them: {command} --issuer URL"),
            Self::NoPkce(_) => format!("if you know that it does S256: {command} --assume-pkce-s256"),
            Self::NoRegistration(_) | Self::Registration { .. } => {
                format!("register a client there yourself, then run: {command} --client-id ID")
            }
        }
    }
}

/// Finds out what a login at `server` needs. `assume_s256` is the person's word for an issuer that lists no PKCE methods;
/// one whose list is without S256 is refused all the same. `wanted` is the issuer they choose among the server's; otherwise it is
/// the first that can be used.
///
/// # Errors
/// As [`FlowError`] says, [`FlowError::ByAddress`] among them.
pub async fn discover(
    http: &Http,
    server: &Url,
    assume_s256: bool,
    wanted: Option<&str>,
) -> Result<Discovered, FlowError> {
    let (status, challenge) = challenge(http, server).await?;
    let resource = resource(http, server, status, &challenge).await?;
    let issuer = first_usable(&resource, server, wanted, async |name| {
        usable_issuer(http, server, name, assume_s256).await
    });
    let issuer = issuer.await?;
    let scopes = resource.scopes(&challenge, &issuer);
    Ok(Discovered { resource: resource.resource, issuer, scopes })
}

/// The first of a server's issuers that `check` finds good. One that would lead us inward ends it: such a server is not to be
/// trusted.
async fn first_usable<T>(
    resource: &ResourceMetadata,
    server: &Url,
    wanted: Option<&str>,
    check: impl AsyncFn(&str) -> Result<T, FlowError>,
) -> Result<T, FlowError> {
    let host = || server.host_str().unwrap_or_default().to_owned();
    let shown = |name: &str| crate::text::clean(name, 200);
    let mut tried = Vec::new();
    for name in resource.issuers(wanted) {
        match check(name).await {
            Err(FlowError::ByAddress(AddressError::Inward(inward))) => {
                return Err(AddressError::Inward(inward).into());
            }
            Err(error) => tried.push((shown(name), error)),
            found => return found,
        }
    }
    match (tried.pop(), wanted) {
        (Some((_, error)), _) if tried.is_empty() => Err(error),
        (Some(last), _) => {
            tried.push(last);
            Err(AddressError::NoIssuer { server: host(), tried }.into())
        }
        (None, wanted) => {
            let named = resource.issuers(None).map(shown).collect();
            let wanted = shown(wanted.unwrap_or_default());
            Err(AddressError::OtherIssuer { server: host(), wanted, named }.into())
        }
    }
}

/// Whether another try may end otherwise.
fn may_pass(error: &FlowError) -> bool {
    match error {
        FlowError::Http(_) => true,
        FlowError::Discovery(error) => error.is_network(),
        FlowError::ByAddress(error) => error.is_network(),
        _ => false,
    }
}

fn each(tried: &[(String, FlowError)]) -> String {
    tried.iter().map(|(name, error)| format!("{name}: {error}")).collect::<Vec<_>>().join("; ")
}

/// The metadata of one of a server's issuers, if a login there is possible.
async fn usable_issuer(
    http: &Http,
    server: &Url,
    name: &str,
    assume_s256: bool,
) -> Result<IssuerMetadata, FlowError> {
    let name = name.to_owned();
    let address = web_url(&name).map_err(|_| FlowError::Address {
        what: "the server's issuer",
        text: crate::text::clean(&name, 200),
    })?;
    let inside = |place: &Url| stay_outside(server.as_str(), place).map_err(AddressError::from);
    inside(&address)?;
    let host = || server.host_str().unwrap_or_default().to_owned();
    let unusable = |cause| AddressError::Issuer { server: host(), cause: Box::new(cause) };
    let issuer = metadata::find_issuer(http, &name).await.map_err(|error| match FlowError::from(error) {
        FlowError::Discovery(error) if !error.is_network() => unusable(FlowError::Discovery(error)).into(),
        other => other,
    })?;
    issuer.require_s256().map_err(|cause| unusable(FlowError::Metadata { issuer: name.clone(), cause }))?;
    if issuer.code_challenge_methods_supported.is_none() && !assume_s256 {
        return Err(AddressError::NoPkce(name).into());
    }
    let missing = |what| unusable(FlowError::NoEndpoint { issuer: name.clone(), endpoint: what });
    let authorization =
        issuer.authorization_endpoint.as_ref().ok_or_else(|| missing("authorization endpoint"))?;
    let token = issuer.token_endpoint.as_ref().ok_or_else(|| missing("token endpoint"))?;
    for_a_browser(authorization).map_err(unusable)?;
    for endpoint in
        [Some(authorization), Some(token), issuer.registration_endpoint.as_ref()].into_iter().flatten()
    {
        inside(endpoint)?;
    }
    Ok(issuer)
}

/// Registers us with an issuer; the client, and the redirect URI it is registered with.
///
/// # Errors
/// As [`FlowError`] says, [`FlowError::ByAddress`] among them.
pub async fn register(
    http: &Http,
    issuer: &IssuerMetadata,
    scopes: &[String],
) -> Result<(Client, String), FlowError> {
    let Some(endpoint) = &issuer.registration_endpoint else {
        return Err(AddressError::NoRegistration(issuer.issuer.clone()).into());
    };
    let redirect_uri = redirect_uri(issuer)?;
    let failed = |cause| AddressError::Registration { place: endpoint.to_string(), cause };
    let method = auth_method(issuer).map_err(failed)?;
    let body = registration_request(issuer, method, &redirect_uri, scopes).to_string();
    let reply = http.post(endpoint, json_headers("application/json"), body).await?;
    unavailable(endpoint, reply.status)?;
    let client = read_registration(reply.status, &reply.body, method).map_err(failed)?;
    Ok((client, redirect_uri))
}

/// The callback's path for an issuer. One that names itself in its answers (RFC 9207) is known by that; any other has a
/// path of its own, so that an answer of its cannot be passed off as another issuer's (RFC 9700 section 4.4.2).
fn callback_path(issuer: &IssuerMetadata) -> String {
    if issuer.authorization_response_iss_parameter_supported {
        return "/callback".into();
    }
    let hash = digest::digest(&digest::SHA256, issuer.issuer.as_bytes());
    let mark: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("/callback/{mark}")
}

/// The redirect URI of a client that a person registers: on a port that they can know beforehand.
pub fn usual_redirect_uri(issuer: &IssuerMetadata) -> String {
    format!("http://127.0.0.1:8080{}", callback_path(issuer))
}

/// A redirect URI on a port that is free now. Whoever compares ports, against RFC 8252 section 7.3, is content as long as
/// it stays free.
fn redirect_uri(issuer: &IssuerMetadata) -> Result<String, FlowError> {
    let mut wish = Url::parse(REDIRECT)
        .map_err(|_| FlowError::Address { what: "the redirect URI", text: REDIRECT.into() })?;
    wish.set_path(&callback_path(issuer));
    let free = Listener::bind(&wish, true)?.and_then(|listener| listener.moved_to);
    Ok(free.unwrap_or_else(|| wish.into()))
}

/// What the server answers to a request without a token: the status, and what it demands.
async fn challenge(http: &Http, server: &Url) -> Result<(u16, Challenge), FlowError> {
    let message = Message::request(1, "initialize", &initialize_params()).text;
    let headers = json_headers(ACCEPTED);
    let within = server.join("/").unwrap_or_else(|_| server.clone());
    let asked = http.open(Method::POST, (server, &within), headers, Some(message));
    let host = || server.host_str().unwrap_or_default().to_owned();
    let late = |_| HttpError::Lost { host: host(), cause: "the deadline passed".into() };
    let answer = match tokio::time::timeout(PATIENCE, asked).await.map_err(late)? {
        Err(HttpError::Redirect { status, to, .. }) => {
            return Err(AddressError::Elsewhere { server: bare(server), status, to }.into());
        }
        answer => answer?,
    };
    unavailable(server, answer.status)?;
    let values = answer.headers.get_all(WWW_AUTHENTICATE).iter().map(|value| value.as_bytes());
    Ok((answer.status, Challenge::read(values).unwrap_or_default()))
}

/// The server's metadata; `status` is what it answered before.
async fn resource(
    http: &Http,
    server: &Url,
    status: u16,
    challenge: &Challenge,
) -> Result<ResourceMetadata, FlowError> {
    let missing = match metadata::find_resource(http, server, challenge).await {
        Ok(found) => return Ok(found),
        Err(ResourceFault::Inward(inward)) => return Err(AddressError::from(inward).into()),
        Err(ResourceFault::NotFound(missing)) => missing,
    };
    if let Some(found) = other_address(server, &missing) {
        return Err(AddressError::Resource { asked: bare(server), found }.into());
    }
    Err(missing.into_http().map_or_else(
        |cause| {
            let server = server.host_str().unwrap_or_default().into();
            AddressError::NoResource { server, status, cause }.into()
        },
        FlowError::Http,
    ))
}

/// The other address of the same origin that the server's document is about, if it is that.
fn other_address(server: &Url, missing: &NotFound<ResourceError>) -> Option<String> {
    let Some((_, ResourceError::Resource { found })) = missing.refused() else { return None };
    let found = web_url(found).ok()?;
    (found.origin() == server.origin() && found.fragment().is_none()).then(|| found.into())
}

fn bare(server: &Url) -> String {
    let mut bare = server.clone();
    bare.set_query(None);
    bare.into()
}

/// Whether there is a document, and it is not for a login at this server.
fn is_about_another(cause: &NotFound<ResourceError>) -> bool {
    matches!(cause.refused(), Some((_, ResourceError::Resource { .. } | ResourceError::NoIssuer)))
}

fn unavailable(url: &Url, status: u16) -> Result<(), FlowError> {
    if is_unavailable(status) {
        let host = url.host_str().unwrap_or_default().into();
        return Err(FlowError::Reply { host, reply: ReplyError::Unavailable { status } });
    }
    Ok(())
}

fn json_headers(accept: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_registered_with_a_port_that_was_free() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let uri = |issuer: &str, names_itself| {
            let issuer = IssuerMetadata {
                issuer: issuer.into(),
                authorization_response_iss_parameter_supported: names_itself,
                ..IssuerMetadata::default()
            };
            Url::parse(&runtime.block_on(async { redirect_uri(&issuer) }).unwrap()).unwrap()
        };
        let known = uri("https://a.test", true);
        assert_eq!((known.host_str(), known.path()), (Some("127.0.0.1"), "/callback"));
        assert!(known.port().is_some_and(|port| port != 0), "{known}");
        let (a, b) = (uri("https://a.test", false), uri("https://b.test", false));
        assert!(a.path().starts_with("/callback/") && a.path() != b.path(), "{a} {b}");
        assert_eq!(a.path(), uri("https://a.test", false).path());
        let anonymous = IssuerMetadata { issuer: "https://a.test".into(), ..IssuerMetadata::default() };
        assert_eq!(usual_redirect_uri(&anonymous), format!("http://127.0.0.1:8080{}", a.path()));
    }
}
