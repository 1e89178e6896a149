//! Revokes tokens at the server that issued them (RFC 7009): the refresh token first, because that ends the whole
//! grant. Not here: the copies on this machine (see `vault`).

use reqwest::header::HeaderMap;
use url::Url;

use crate::credential::{Credential, GrantConfig};
use crate::flow::discovery::address;
use crate::flow::token_endpoint::own_headers;
use crate::flow::{FlowError, token_endpoint};
use crate::metadata;
use crate::oauth::{ReplyError, Revocation, TokenKind, TokenSet, read_revocation};
use crate::provider::BodyFormat;
use crate::secret::Secret;
use crate::sys::clock;
use crate::sys::http::Http;

/// The result of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationExtent {
    /// Everything from the grant is invalid.
    Whole,
    /// No new tokens can be obtained; the access token stays valid until it expires, because this server cannot
    /// revoke access tokens.
    ButAccess,
    /// The server cannot revoke tokens.
    Unsupported,
}

/// The endpoint for revocation.
enum RevocationEndpoint {
    /// RFC 7009.
    Revocation(Url),
    /// Keycloak's logout, which takes a refresh token.
    Logout(Url),
}

/// Revokes `token`, which was obtained for `credential`. Nothing is retried: the caller may call again.
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

/// The provider's file takes precedence; else the issuer's metadata.
async fn place(http: &Http, credential: &Credential) -> Result<Option<RevocationEndpoint>, FlowError> {
    let issuer = match &credential.how {
        GrantConfig::Key(_) => None,
        GrantConfig::ClientCredentials(_) => Some(&credential.issuer),
        GrantConfig::AuthorizationCode(person) => match &person.provider.revocation_endpoint {
            Some(text) => {
                let url = address("the revocation endpoint", text)?;
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
        GrantConfig::ClientCredentials(_) | GrantConfig::Key(_) => (HeaderMap::new(), false),
        GrantConfig::AuthorizationCode(person) => {
            (own_headers(&person.provider), person.provider.token_request == BodyFormat::Json)
        }
    };
    let request = Revocation { token, kind, client: &credential.client, json };
    token_endpoint::ask(http, url, &headers, request.write(url.as_str(), clock::now()), read_revocation)
        .await
        .0
}

/// Anything but "204 No Content" may be another server's logout page, and nothing has been revoked.
async fn log_out(
    http: &Http,
    url: &Url,
    credential: &Credential,
    refresh_token: &Secret,
) -> Result<RevocationExtent, FlowError> {
    let client = &credential.client;
    let request = Revocation { token: refresh_token, kind: TokenKind::Refresh, client, json: false };
    let written = request.write_logout(url.as_str(), clock::now());
    let read = |status, body: &[u8], sent: &[Secret]| {
        read_revocation(status, body, sent).map(|()| match status {
            204 => RevocationExtent::ButAccess,
            _ => RevocationExtent::Unsupported,
        })
    };
    token_endpoint::ask(http, url, &HeaderMap::new(), written, read).await.0
}
