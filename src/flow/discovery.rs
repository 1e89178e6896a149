//! Fetches authorization server metadata (RFC 8414). It leaves what must be true of it to `oauth`.

use reqwest::header::HeaderMap;
use url::Url;

use crate::flow::FlowError;
use crate::oauth::{IssuerMetadata, well_known};
use crate::provider::Provider;
use crate::sys::http::Http;

/// The issuer's metadata: the first document found at its well-known places.
///
/// # Errors
/// As [`FlowError`] says; [`FlowError::NoEndpoint`] if there is none at any of them.
pub async fn metadata(http: &Http, issuer: &str) -> Result<IssuerMetadata, FlowError> {
    let places = well_known(issuer);
    if places.is_empty() {
        return Err(FlowError::Address { what: "the issuer", text: issuer.into() });
    }
    for place in places {
        let reply = http.get(&place, HeaderMap::new()).await?;
        match reply.status {
            200..300 => {
                return IssuerMetadata::read(&reply.body, issuer)
                    .map_err(|cause| FlowError::Metadata { issuer: issuer.into(), cause });
            }
            429 | 500.. => {
                let reply = crate::oauth::ReplyError::Unavailable { status: reply.status };
                return Err(FlowError::Reply { host: place.host_str().unwrap_or_default().into(), reply });
            }
            _ => {}
        }
    }
    Err(FlowError::NoEndpoint { issuer: issuer.into(), endpoint: "metadata" })
}

/// The provider's token endpoint, from its file or its issuer.
pub(super) async fn token_endpoint(http: &Http, provider: &Provider) -> Result<Url, FlowError> {
    match (&provider.token_endpoint, &provider.issuer) {
        (Some(text), _) => address("the token endpoint", text),
        (None, Some(issuer)) => super::discovered(http, issuer, None).await,
        (None, None) => {
            Err(FlowError::NoEndpoint { issuer: provider.name.clone(), endpoint: "token endpoint" })
        }
    }
}

/// What a login needs to know of the provider.
pub(super) struct Endpoints {
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) issuer: Option<String>,
    pub(super) iss_required: bool,
}

/// Finds them.
///
/// # Errors
/// As [`FlowError`] says.
pub(super) async fn endpoints(http: &Http, provider: &Provider) -> Result<Endpoints, FlowError> {
    let found = named_or_discovered(http, provider).await?;
    for_a_browser(&found.authorization)?;
    Ok(found)
}

/// A browser, or what is set up in its place, opens anything: a file, another program's own scheme.
///
/// # Errors
/// [`FlowError::Address`].
pub(super) fn for_a_browser(endpoint: &Url) -> Result<(), FlowError> {
    if matches!(endpoint.scheme(), "https" | "http") {
        return Ok(());
    }
    let text = crate::text::clean(endpoint.as_str(), 200);
    Err(FlowError::Address { what: "the authorization endpoint", text })
}

async fn named_or_discovered(http: &Http, provider: &Provider) -> Result<Endpoints, FlowError> {
    if let (Some(authorization), Some(token)) = (&provider.authorization_endpoint, &provider.token_endpoint) {
        return Ok(Endpoints {
            authorization: address("the authorization endpoint", authorization)?,
            token: address("the token endpoint", token)?,
            issuer: provider.issuer.clone(),
            iss_required: provider.iss_required,
        });
    }
    let issuer = provider.issuer.clone().unwrap_or_default();
    let found = metadata(http, &issuer).await?;
    found.require_s256().map_err(|cause| FlowError::Metadata { issuer: issuer.clone(), cause })?;
    let missing = |endpoint| FlowError::NoEndpoint { issuer: issuer.clone(), endpoint };
    Ok(Endpoints {
        authorization: found.authorization_endpoint.ok_or_else(|| missing("authorization endpoint"))?,
        token: found.token_endpoint.ok_or_else(|| missing("token endpoint"))?,
        issuer: Some(found.issuer),
        iss_required: provider.iss_required || found.authorization_response_iss_parameter_supported,
    })
}

/// What a login by a code on another device needs to know.
pub(super) struct DeviceEndpoints {
    pub(super) device: Url,
    pub(super) token: Url,
    /// Whether to send a challenge.
    pub(super) pkce: bool,
}

/// From the provider's file if it names its endpoints, else from its issuer's metadata: what a file that names the others
/// leaves out is not there, and nobody need be asked.
pub(super) async fn device_endpoints(http: &Http, provider: &Provider) -> Result<DeviceEndpoints, FlowError> {
    let none = || FlowError::NoDevice { provider: provider.display_name.clone(), why: None };
    let named = provider.device_authorization_endpoint.as_deref();
    let device = named.map(|text| address("the device authorization endpoint", text)).transpose()?;
    let all_named = provider.authorization_endpoint.is_some() && provider.token_endpoint.is_some();
    match (device, &provider.issuer) {
        (Some(device), _) => {
            let token = token_endpoint(http, provider).await?;
            Ok(DeviceEndpoints { device, token, pkce: provider.pkce })
        }
        (None, Some(issuer)) if !all_named => {
            let found = metadata(http, issuer).await?;
            let pkce = provider.pkce && found.require_s256().is_ok();
            let missing = || FlowError::NoEndpoint { issuer: issuer.clone(), endpoint: "token endpoint" };
            Ok(DeviceEndpoints {
                device: found.device_authorization_endpoint.ok_or_else(none)?,
                token: found.token_endpoint.ok_or_else(missing)?,
                pkce,
            })
        }
        _ => Err(none()),
    }
}

fn address(what: &'static str, text: &str) -> Result<Url, FlowError> {
    Url::parse(text).map_err(|_| FlowError::Address { what, text: text.into() })
}
