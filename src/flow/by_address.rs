//! From an MCP server's address to all that a login there needs: the server's challenge, its protected-resource metadata
//! (RFC 9728), its issuer's metadata (RFC 8414) and a client (RFC 7591). It leaves the login itself to `login`.
//!
//! Nothing that is sent here is a secret: there is none before the issuer has been checked.

use std::time::Duration;

use aws_lc_rs::digest;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde_json::json;
use thiserror::Error;
use url::Url;

use crate::flow::callback::Listener;
use crate::flow::discovery::for_a_browser;
use crate::flow::{FlowError, metadata};
use crate::oauth::{
    Challenge, Client, IssuerMetadata, RegistrationError, ReplyError, ResourceError, ResourceMetadata,
    auth_method, read_registration, registration_request, resource_places,
};
use crate::sys::http::{Http, is_loopback};

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
    /// The server has no metadata.
    #[error("{server} answered {status} without a token, and {place} has no protected-resource metadata")]
    NoResource {
        /// Who was asked.
        server: String,
        /// What it answered to a request without a token.
        status: u16,
        /// The last place that was looked at.
        place: String,
    },
    /// It has some that cannot be used.
    #[error("{place}: {cause}")]
    Resource {
        /// Where it is.
        place: String,
        /// What is wrong.
        cause: ResourceError,
    },
    /// A server elsewhere that sends us to this machine.
    #[error("{server} sends us to {place}, an address of this machine")]
    Inward {
        /// Who.
        server: String,
        /// Where to.
        place: String,
    },
    /// The issuer's metadata cannot be used.
    #[error("the issuer that {server} names cannot be used: {cause}")]
    Issuer {
        /// Who names it.
        server: String,
        /// What is wrong.
        cause: Box<FlowError>,
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
    /// What to do about it; `command` is the login's.
    pub fn hint(&self, command: &str) -> String {
        match self {
            Self::NoResource { .. } => {
                "check the address: mcpauth basic --url URL shows what is there; without metadata, set an egress set up: \
                 mcpauth configure"
                    .into()
            }
            Self::Resource { .. } => {
                "log in at the address that the document is about, or have the server's operator correct it".into()
            }
            Self::Inward { .. } => "do not trust this server; nothing was sent there".into(),
            Self::Issuer { .. } => {
                format!("the server's operator must correct that; then run: {command} --force")
            }
            Self::NoPkce(_) => format!("if you know that it does S256: {command} --assume-pkce-s256"),
            Self::NoRegistration(_) | Self::Registration { .. } => {
                format!("register a client there yourself, then run: {command} --client-id ID")
            }
        }
    }
}

/// Finds out what a login at `server` needs. `assume_s256` is the person's word for an issuer that lists no PKCE methods;
/// one whose list is without S256 is refused all the same.
///
/// # Errors
/// As [`FlowError`] says, [`FlowError::ByAddress`] among them.
pub async fn discover(http: &Http, server: &Url, assume_s256: bool) -> Result<Discovered, FlowError> {
    let (status, challenge) = challenge(http, server).await?;
    let resource = resource(http, server, status, &challenge).await?;
    let name = resource.issuer().to_owned();
    let address = Url::parse(&name).map_err(|_| FlowError::Address {
        what: "the server's issuer",
        text: crate::text::clean(&name, 200),
    })?;
    stay_outside(server, &address)?;
    let host = || server.host_str().unwrap_or_default().to_owned();
    let unusable = |cause| AddressError::Issuer { server: host(), cause: Box::new(cause) };
    let issuer = metadata(http, &name).await.map_err(|error| match error {
        FlowError::Metadata { .. } | FlowError::NoEndpoint { .. } => unusable(error).into(),
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
        stay_outside(server, endpoint)?;
    }
    let scopes = resource.scopes(&challenge, &issuer);
    Ok(Discovered { resource: resource.resource, issuer, scopes })
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
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "mcpauth", "version": env!("CARGO_PKG_VERSION")},
        },
    });
    let headers = json_headers("application/json, text/event-stream");
    let asked = http.open(Method::POST, server, headers, Some(message.to_string().into()));
    let host = || server.host_str().unwrap_or_default().to_owned();
    let late = |_| crate::sys::http::HttpError::Lost { host: host(), cause: "the deadline passed".into() };
    let answer = tokio::time::timeout(PATIENCE, asked).await.map_err(late)??;
    unavailable(server, answer.status)?;
    let values = answer.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    Ok((answer.status, Challenge::read(values).unwrap_or_default()))
}

/// The server's metadata: the first document that is there must do.
async fn resource(
    http: &Http,
    server: &Url,
    status: u16,
    challenge: &Challenge,
) -> Result<ResourceMetadata, FlowError> {
    let places = resource_places(server, challenge);
    for place in &places {
        stay_outside(server, place)?;
        let reply = http.get(place, HeaderMap::new()).await?;
        unavailable(place, reply.status)?;
        if (200..300).contains(&reply.status) {
            let read = ResourceMetadata::read(&reply.body, server);
            return read.map_err(|cause| AddressError::Resource { place: place.to_string(), cause }.into());
        }
    }
    let place = places.last().map(Url::to_string).unwrap_or_default();
    let server = server.host_str().unwrap_or_default().into();
    Err(AddressError::NoResource { server, status, place }.into())
}

/// A server elsewhere has no business on this machine: what listens here may trust whoever comes from here.
fn stay_outside(server: &Url, place: &Url) -> Result<(), AddressError> {
    if is_loopback(place) && !is_loopback(server) {
        let server = server.host_str().unwrap_or_default().into();
        return Err(AddressError::Inward { server, place: place.to_string() });
    }
    Ok(())
}

fn unavailable(url: &Url, status: u16) -> Result<(), FlowError> {
    if status == 429 || status >= 500 {
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
    fn a_server_elsewhere_cannot_send_us_to_this_machine() {
        let url = |text: &str| Url::parse(text).unwrap();
        let cases = [
            ("https://tools.test/mcp", "http://127.0.0.1:8080/x", false),
            ("https://tools.test/mcp", "https://localhost/x", false),
            ("https://tools.test/mcp", "http://[::1]/x", false),
            ("https://tools.test/mcp", "https://as.test/x", true),
            ("http://127.0.0.1:9/mcp", "http://127.0.0.1:8080/x", true),
            ("http://127.0.0.1:9/mcp", "https://as.test/x", true),
        ];
        for (server, place, good) in cases {
            assert_eq!(stay_outside(&url(server), &url(place)).is_ok(), good, "{server} {place}");
        }
    }

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
    }
}
