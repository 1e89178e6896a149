//! A provider's endpoints: from its file, else from its issuer's metadata. Not here: fetching that (see `metadata`).

use url::Url;

use crate::flow::FlowError;
use crate::metadata;
use crate::provider::Provider;
use crate::sys::address::check_web;
use crate::sys::http::Http;

/// The provider's token endpoint, from its file or its issuer.
pub(super) async fn token_endpoint(http: &Http, provider: &Provider) -> Result<Url, FlowError> {
    match (&provider.token_endpoint, &provider.issuer) {
        (Some(text), _) => address("the token endpoint", text),
        (None, Some(issuer)) => discovered(http, issuer, None).await,
        (None, None) => {
            Err(FlowError::NoEndpoint { issuer: provider.name.clone(), endpoint: "token endpoint" })
        }
    }
}

/// The token endpoint in an issuer's metadata, or `otherwise` if the issuer answers and names none.
pub async fn discovered(http: &Http, issuer: &str, otherwise: Option<&Url>) -> Result<Url, FlowError> {
    match (metadata::find_issuer(http, issuer).await, otherwise) {
        (Ok(metadata), _) if metadata.token_endpoint.is_some() => metadata.token_endpoint,
        (Ok(_), otherwise) => otherwise.cloned(),
        (Err(error), Some(url)) if error.is_absent() => Some(url.clone()),
        (Err(error), _) => return Err(error.into()),
    }
    .ok_or(FlowError::NoEndpoint { issuer: issuer.into(), endpoint: "token endpoint" })
}

/// What a login needs to know about the provider.
pub(super) struct LoginEndpoints {
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) issuer: Option<String>,
    pub(super) iss_required: bool,
}

/// Discovers them.
pub(super) async fn endpoints(http: &Http, provider: &Provider) -> Result<LoginEndpoints, FlowError> {
    let found = named_or_discovered(http, provider).await?;
    for_a_browser(&found.authorization)?;
    Ok(found)
}

/// A browser, or its replacement, opens anything: a file, another program's own scheme.
///
/// # Errors
/// [`FlowError::Address`].
pub(super) fn for_a_browser(endpoint: &Url) -> Result<(), FlowError> {
    let text = || crate::text::clean(endpoint.as_str(), 200);
    check_web(endpoint).map_err(|_| FlowError::Address { what: "the authorization endpoint", text: text() })
}

async fn named_or_discovered(http: &Http, provider: &Provider) -> Result<LoginEndpoints, FlowError> {
    if let (Some(authorization), Some(token)) = (&provider.authorization_endpoint, &provider.token_endpoint) {
        return Ok(LoginEndpoints {
            authorization: address("the authorization endpoint", authorization)?,
            token: address("the token endpoint", token)?,
            issuer: provider.issuer.clone(),
            iss_required: provider.iss_required,
        });
    }
    let issuer = provider.issuer.clone().unwrap_or_default();
    let found = metadata::find_issuer(http, &issuer).await?;
    found.require_s256().map_err(|cause| FlowError::Metadata { issuer: issuer.clone(), cause })?;
    let missing = |endpoint| FlowError::NoEndpoint { issuer: issuer.clone(), endpoint };
    Ok(LoginEndpoints {
        authorization: found.authorization_endpoint.ok_or_else(|| missing("authorization endpoint"))?,
        token: found.token_endpoint.ok_or_else(|| missing("token endpoint"))?,
        issuer: Some(found.issuer),
        iss_required: provider.iss_required || found.authorization_response_iss_parameter_supported,
    })
}

/// What a device login needs to know.
pub(super) struct DeviceEndpoints {
    pub(super) device: Url,
    pub(super) token: Url,
    /// Whether to send a challenge.
    pub(super) pkce: bool,
}

/// From the provider's file if it names its endpoints, else from its issuer's metadata: an endpoint that such a file
/// leaves out does not exist, and no request is needed.
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
            let found = metadata::find_issuer(http, issuer).await?;
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

/// An address that is named in a file or a setting.
pub(super) fn address(what: &'static str, text: &str) -> Result<Url, FlowError> {
    Url::parse(text).map_err(|_| FlowError::Address { what, text: text.into() })
}
