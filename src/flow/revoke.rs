//! Ends tokens at the server that gave them (RFC 7009): the refresh token first, for with it the whole grant ends.
//! It leaves the copies on this machine to `vault`.

use reqwest::header::HeaderMap;
use url::Url;

use crate::credential::{Credential, GrantConfig};
use crate::flow::FlowError;
use crate::flow::token_endpoint::{own_headers, post};
use crate::metadata;
use crate::oauth::{ReplyError, Revocation, TokenKind, TokenSet, read_revocation};
use crate::provider::BodyFormat;
use crate::secret::Secret;
use crate::sys::clock;
use crate::sys::http::Http;

/// How far a revocation went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationExtent {
    /// Nothing of the grant is of any more use.
    Whole,
    /// No new tokens come of it; the present access token stays good until its own end, for this server cannot take an
    /// access token back.
    ButAccess,
    /// The server has no way to take tokens back.
    Unsupported,
}

/// Where tokens are taken back.
enum RevocationEndpoint {
    /// RFC 7009.
    Revocation(Url),
    /// Keycloak's logout, which takes a refresh token.
    Logout(Url),
}

/// Ends `token`, which was got for `credential`. Nothing is repeated: whoever asked may ask again.
///
/// # Errors
/// As [`FlowError`] says.
pub async fn revoke(
    http: &Http,
    credential: &Credential,
    token: &TokenSet,
) -> Result<RevocationExtent, FlowError> {
    match (place(http, credential).await?, &token.refresh_token) {
        (Some(RevocationEndpoint::Revocation(url)), refresh_token) => {
            if let Some(refresh_token) = refresh_token {
                ask(http, &url, credential, refresh_token, TokenKind::Refresh).await?;
            }
            match ask(http, &url, credential, &token.access_token, TokenKind::Access).await {
                Ok(()) => Ok(RevocationExtent::Whole),
                Err(FlowError::Reply { reply: ReplyError::Refused { error, .. }, .. })
                    if error == "unsupported_token_type" =>
                {
                    Ok(if refresh_token.is_some() {
                        RevocationExtent::ButAccess
                    } else {
                        RevocationExtent::Unsupported
                    })
                }
                Err(error) => Err(error),
            }
        }
        (Some(RevocationEndpoint::Logout(url)), Some(refresh_token)) => {
            log_out(http, &url, credential, refresh_token).await
        }
        (Some(RevocationEndpoint::Logout(_)) | None, _) => Ok(RevocationExtent::Unsupported),
    }
}

/// The provider's file knows best; else its issuer is asked.
async fn place(http: &Http, credential: &Credential) -> Result<Option<RevocationEndpoint>, FlowError> {
    let issuer = match &credential.how {
        GrantConfig::ClientCredentials(_) => Some(&credential.issuer),
        GrantConfig::AuthorizationCode(person) => match &person.provider.revocation_endpoint {
            Some(text) => {
                let url = Url::parse(text).map_err(|_| FlowError::Address {
                    what: "the revocation endpoint",
                    text: text.clone(),
                })?;
                return Ok(Some(RevocationEndpoint::Revocation(url)));
            }
            None => person.provider.issuer.as_ref(),
        },
    };
    let Some(issuer) = issuer else { return Ok(None) };
    match metadata::find_issuer(http, issuer).await {
        Ok(found) => Ok(match (found.revocation_endpoint, found.end_session_endpoint) {
            (Some(url), _) => Some(RevocationEndpoint::Revocation(url)),
            (None, Some(url)) => Some(RevocationEndpoint::Logout(url)),
            (None, None) => None,
        }),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn ask(
    http: &Http,
    url: &Url,
    credential: &Credential,
    token: &Secret,
    kind: TokenKind,
) -> Result<(), FlowError> {
    let (headers, json) = match &credential.how {
        GrantConfig::ClientCredentials(_) => (HeaderMap::new(), false),
        GrantConfig::AuthorizationCode(person) => {
            (own_headers(&person.provider), person.provider.token_request == BodyFormat::Json)
        }
    };
    let request = Revocation { token, kind, client: &credential.client, json };
    let written = request.write(url.as_str(), clock::now()).ok_or(FlowError::Signing)?;
    let reply = post(http, url, &headers, &written).await?;
    read_revocation(reply.status, &reply.body, &written.secrets).map_err(|reply| revocation_error(url, reply))
}

/// Anything but "204 No Content" may be some other server's farewell page, and nothing has ended.
async fn log_out(
    http: &Http,
    url: &Url,
    credential: &Credential,
    refresh_token: &Secret,
) -> Result<RevocationExtent, FlowError> {
    let client = &credential.client;
    let request = Revocation { token: refresh_token, kind: TokenKind::Refresh, client, json: false };
    let written = request.write_logout(url.as_str(), clock::now()).ok_or(FlowError::Signing)?;
    let reply = post(http, url, &HeaderMap::new(), &written).await?;
    match (reply.status, read_revocation(reply.status, &reply.body, &written.secrets)) {
        (204, Ok(())) => Ok(RevocationExtent::ButAccess),
        (_, Ok(())) => Ok(RevocationExtent::Unsupported),
        (_, Err(reply)) => Err(revocation_error(url, reply)),
    }
}

fn revocation_error(url: &Url, reply: ReplyError) -> FlowError {
    FlowError::Reply { host: url.host_str().unwrap_or_default().into(), reply }
}
