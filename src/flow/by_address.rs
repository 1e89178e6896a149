//! From an MCP server's address to everything a login needs: the server's challenge, its protected-resource metadata
//! (RFC 9728), its issuer's metadata (RFC 8414) and a client (RFC 7591). A server of MCP 2025-03-26 publishes no
//! metadata; its issuer is at its own origin. Not here: the request to the server (see `demand`); the login itself
//! (see `login`).
//!
//! Nothing sent here is a secret: there is none before the issuer has been checked.

use aws_lc_rs::digest;
use url::Url;

use crate::flow::FlowError;
use crate::flow::address_error::{AddressError, bare, host};
use crate::flow::callback::CallbackListener;
use crate::flow::demand::{demand, json_headers, unavailable};
use crate::flow::discovery::{address, for_a_browser};
use crate::metadata::{self, MetadataNotFound, ResourceMetadataError, stay_outside};
use crate::oauth::{
    Challenge, IssuerMetadata, OAuthClient, RegistrationError, ResourceError, ResourceMetadata, auth_method,
    is_same_issuer, read_registration, registration_request,
};
use crate::sys::address::web_url;
use crate::sys::http::{Http, HttpError, is_loopback};

/// The redirect URI, at a port that is free when the client is registered.
const REDIRECT: &str = "http://127.0.0.1:0/";
/// The same at a port that users can know in advance.
const USUAL: &str = "127.0.0.1:8080";

/// What a server and its issuer publish.
#[derive(Clone, Debug)]
pub struct Discovered {
    /// The `resource` parameter of every request, unchanged (RFC 8707).
    pub resource: String,
    /// Its issuer.
    pub issuer: IssuerMetadata,
    /// Whether the issuer publishes metadata; otherwise its endpoints are those of MCP 2025-03-26.
    pub is_published: bool,
    /// The scopes to request.
    pub scopes: Vec<String>,
}

/// The first of a server's issuers that is usable and `fit`; if none is, the first usable one. An issuer that points
/// to this machine ends the search: such a server is not to be trusted.
async fn first_usable(
    http: &Http,
    server: &Url,
    resource: &ResourceMetadata,
    wanted: Option<&str>,
    fit: impl Fn(&IssuerMetadata) -> bool,
) -> Result<IssuerMetadata, FlowError> {
    let shown = |name: &str| crate::text::clean(name, 200);
    let (mut tried, mut unfit) = (Vec::new(), None);
    for name in resource.issuers(wanted) {
        match named_issuer(http, server, name).await {
            Err(FlowError::ByAddress(AddressError::Inward(inward))) => {
                return Err(AddressError::Inward(inward).into());
            }
            Err(error) => tried.push((shown(name), error)),
            Ok(found) if fit(&found) => return Ok(found),
            Ok(found) => unfit = unfit.or(Some(found)),
        }
    }
    if let Some(found) = unfit {
        return Ok(found);
    }
    match (tried.pop(), wanted) {
        (Some((_, error)), _) if tried.is_empty() => Err(error),
        (Some(last), _) => {
            tried.push(last);
            Err(AddressError::NoIssuer { server: host(server), tried }.into())
        }
        (None, wanted) => {
            let named = resource.issuers(None).map(shown).collect();
            let wanted = shown(wanted.unwrap_or_default());
            Err(AddressError::OtherIssuer { server: host(server), wanted, named }.into())
        }
    }
}

/// Finds out whose tokens `server` takes. `wanted` is the issuer that the person chooses among the server's; otherwise it is
/// the first that can be used and is `fit`, or the first that can be used.
pub async fn discover(
    http: &Http,
    server: &Url,
    wanted: Option<&str>,
    fit: impl Fn(&IssuerMetadata) -> bool,
) -> Result<Discovered, FlowError> {
    let elsewhere = |error| match error {
        FlowError::Http(HttpError::Redirect { status, to, .. }) => {
            AddressError::Elsewhere { server: bare(server), status, to }.into()
        }
        other => other,
    };
    let (status, challenge) = demand(http, server).await.map_err(elsewhere)?;
    let found = match metadata::find_resource(http, server, &challenge).await {
        Ok(resource) => {
            let issuer = first_usable(http, server, &resource, wanted, fit).await?;
            Discovered::new(resource, issuer, true, &challenge)
        }
        Err(fault) if status == 401 && describes_nothing(&fault, &challenge) => {
            let resource = ResourceMetadata::by_default(server);
            let (issuer, is_published) = own_issuer(http, server, resource.issuer()).await?;
            Discovered::new(resource, issuer, is_published, &challenge)
        }
        Err(fault) => return Err(no_resource(server, status, fault)),
    };
    let issuer = &found.issuer;
    if issuer.token_endpoint.is_none() {
        return Err(lacking(server, issuer, "token endpoint"));
    }
    let endpoints = [&issuer.authorization_endpoint, &issuer.token_endpoint, &issuer.registration_endpoint];
    for endpoint in endpoints.into_iter().flatten() {
        stay_outside(server.as_str(), endpoint).map_err(AddressError::from)?;
    }
    Ok(found)
}

/// The issuer that `server` now names instead of `known`; `None` if it still names that one, or cannot tell.
pub async fn other_issuer(http: &Http, server: &Url, known: &str) -> Option<String> {
    match discover(http, server, Some(known), |_| true).await {
        Ok(found) => Some(found.issuer.issuer).filter(|issuer| !is_same_issuer(issuer, known)),
        Err(FlowError::ByAddress(AddressError::OtherIssuer { named, .. })) => named.into_iter().next(),
        Err(_) => None,
    }
}

impl Discovered {
    fn new(
        resource: ResourceMetadata,
        issuer: IssuerMetadata,
        is_published: bool,
        challenge: &Challenge,
    ) -> Self {
        let scopes = resource.scopes(challenge, &issuer);
        Self { resource: resource.resource, issuer, is_published, scopes }
    }

    /// A failed registration as a statement about `server`: it may not support registration at all.
    pub fn unregistered(&self, server: &Url, error: FlowError) -> FlowError {
        let is_nothing = |cause: &RegistrationError| match cause {
            RegistrationError::Refused { description, error } => {
                description.is_none() && error.starts_with("HTTP ")
            }
            RegistrationError::Unreadable(_) => true,
            RegistrationError::Method => false,
        };
        match error {
            FlowError::ByAddress(AddressError::Registration { cause, .. })
                if !self.is_published && is_nothing(&cause) =>
            {
                AddressError::NoOauth(server.clone()).into()
            }
            other => other,
        }
    }

    /// Whether a user can log in at the issuer that `server` names. `assume_s256` is the user's word for an issuer
    /// that lists no PKCE methods; one whose list lacks S256 is rejected in any case.
    pub fn check_login(&self, server: &Url, assume_s256: bool) -> Result<(), FlowError> {
        let issuer = &self.issuer;
        if issuer.is_for_machines_alone() {
            return Err(AddressError::MachinesAlone(Box::new(issuer.clone())).into());
        }
        let metadata = |cause| FlowError::Metadata { issuer: issuer.issuer.clone(), cause };
        issuer.require_s256().map_err(|cause| unusable(server, metadata(cause)))?;
        if issuer.code_challenge_methods_supported.is_none() && !assume_s256 {
            return Err(AddressError::NoPkce(issuer.issuer.clone()).into());
        }
        let Some(endpoint) = &issuer.authorization_endpoint else {
            return Err(lacking(server, issuer, "authorization endpoint"));
        };
        for_a_browser(endpoint).map_err(|cause| unusable(server, cause))
    }
}

/// An issuer from a server's metadata, if it publishes its endpoints.
async fn named_issuer(http: &Http, server: &Url, name: &str) -> Result<IssuerMetadata, FlowError> {
    let address = web_url(name).map_err(|_| FlowError::Address {
        what: "the server's issuer",
        text: crate::text::clean(name, 200),
    })?;
    stay_outside(server.as_str(), &address).map_err(AddressError::from)?;
    let found =
        metadata::find_listed_issuer(http, name).await.map_err(|missing| no_issuer(server, missing))?;
    match found.token_endpoint {
        Some(_) => Ok(found),
        None => Err(lacking(server, &found, "token endpoint")),
    }
}

/// The issuer at a server's own origin, and whether it publishes metadata.
async fn own_issuer(http: &Http, server: &Url, origin: &str) -> Result<(IssuerMetadata, bool), FlowError> {
    let found = metadata::find_own_issuer(http, origin).await;
    match found.map_err(|missing| no_issuer(server, missing))? {
        Some(issuer) => Ok((issuer, true)),
        None => {
            let address = || FlowError::Address { what: "the server's origin", text: origin.into() };
            IssuerMetadata::by_default(origin).map(|issuer| (issuer, false)).ok_or_else(address)
        }
    }
}

/// Whether a server publishes nothing: neither its challenge nor any location leads to a document.
fn describes_nothing(fault: &ResourceMetadataError, challenge: &Challenge) -> bool {
    let unreadable = |error: &ResourceError| matches!(error, ResourceError::Unreadable(_));
    let nowhere = matches!(fault, ResourceMetadataError::NotFound(missing) if missing.is_nowhere(unreadable));
    challenge.resource_metadata.is_none() && nowhere
}

fn no_issuer(server: &Url, missing: metadata::MetadataNotFound<crate::oauth::MetadataError>) -> FlowError {
    match FlowError::from(missing) {
        FlowError::Discovery(error) if !error.is_network() => unusable(server, FlowError::Discovery(error)),
        other => other,
    }
}

fn lacking(server: &Url, issuer: &IssuerMetadata, endpoint: &'static str) -> FlowError {
    unusable(server, FlowError::NoEndpoint { issuer: issuer.issuer.clone(), endpoint })
}

fn unusable(server: &Url, cause: FlowError) -> FlowError {
    AddressError::Issuer { server: host(server), cause: Box::new(cause) }.into()
}

/// Registers mcpauth with an issuer; returns the client and its redirect URI.
pub async fn register(
    http: &Http,
    issuer: &IssuerMetadata,
    scopes: &[String],
) -> Result<(OAuthClient, String), FlowError> {
    let Some(endpoint) = &issuer.registration_endpoint else {
        return Err(AddressError::NoRegistration(Box::new(issuer.clone())).into());
    };
    let redirect_uri = redirect_uri(issuer)?;
    let failed = |cause| AddressError::Registration {
        place: endpoint.to_string(),
        cause,
        issuer: Box::new(issuer.clone()),
    };
    let method = auth_method(issuer).map_err(failed)?;
    let body = registration_request(issuer, method, &redirect_uri, scopes).to_string();
    let reply = http.post(endpoint, json_headers("application/json"), body).await?;
    unavailable(endpoint, reply.status)?;
    let client = read_registration(reply.status, &reply.body, method).map_err(failed)?;
    Ok((client, redirect_uri))
}

/// The callback's path for an issuer. One that sends `iss` in its answers (RFC 9207) is recognized by that; any other
/// gets its own path, so that its answer cannot be passed off as another issuer's (RFC 9700 section 4.4.2).
fn callback_path(issuer: &IssuerMetadata) -> String {
    if issuer.authorization_response_iss_parameter_supported {
        return "/callback".into();
    }
    let hash = digest::digest(&digest::SHA256, issuer.issuer.as_bytes());
    let mark: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("/callback/{mark}")
}

/// The redirect URI of a client that the user registers: on a port that they can know in advance.
pub fn usual_redirect_uri(issuer: &IssuerMetadata) -> String {
    format!("http://{USUAL}{}", callback_path(issuer))
}

/// All redirect URIs that a client id metadata document lists: without a port for issuers that allow any (RFC 8252
/// section 7.3), with the usual one for those that compare ports. One without an `issuer` is for those that send
/// `iss`.
pub fn listed_redirect_uris(issuers: &[String]) -> Vec<String> {
    let named = issuers.iter().map(|issuer| IssuerMetadata { issuer: issuer.clone(), ..Default::default() });
    let itself =
        IssuerMetadata { authorization_response_iss_parameter_supported: true, ..IssuerMetadata::default() };
    let paths = std::iter::once(itself).chain(named).map(|issuer| callback_path(&issuer));
    paths.flat_map(|path| ["127.0.0.1", USUAL].map(|host| format!("http://{host}{path}"))).collect()
}

/// A redirect URI on a port that is free now. It satisfies issuers that compare ports, against RFC 8252 section 7.3,
/// as long as it stays free.
fn redirect_uri(issuer: &IssuerMetadata) -> Result<String, FlowError> {
    let mut wish = address("the redirect URI", REDIRECT)?;
    wish.set_path(&callback_path(issuer));
    let free = CallbackListener::bind(&wish, true)?.and_then(|listener| listener.moved_to);
    Ok(free.unwrap_or_else(|| wish.into()))
}

fn no_resource(server: &Url, status: u16, fault: ResourceMetadataError) -> FlowError {
    let missing = match fault {
        ResourceMetadataError::Inward(inward) => return AddressError::from(inward).into(),
        ResourceMetadataError::NotFound(missing) => missing,
    };
    if let Some(found) = other_address(server, &missing) {
        return AddressError::Resource { asked: bare(server), found }.into();
    }
    missing.into_http().map_or_else(
        |cause| AddressError::NoResource { server: host(server), asked: bare(server), status, cause }.into(),
        FlowError::Http,
    )
}

/// The other address of the same origin that the server's document is about, if there is one; the names of this machine
/// lead to one server.
fn other_address(server: &Url, missing: &MetadataNotFound<ResourceError>) -> Option<String> {
    let Some((_, ResourceError::Resource { found })) = missing.refused() else { return None };
    let found = web_url(found).ok()?;
    let is_here = [&found, server].into_iter().all(is_loopback)
        && (found.scheme(), found.port()) == (server.scheme(), server.port());
    let is_same = found.origin() == server.origin() || is_here;
    (is_same && found.fragment().is_none()).then(|| found.into())
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
