//! Signing out: the session is over here at once and at other gateways within a second, and a link leads to the provider's own end of it. A link, because
//! browsers hold a redirect after a form to `form-action`, which is these pages alone.

use std::time::Duration;

use axum::http::header::SET_COOKIE;
use axum::response::Response;
use tokio::time::timeout;
use tracing::{info, warn};
use url::Url;

use super::visitor::{Anybody, VisitorProof};
use super::{FaceState, cookie, notice};
use crate::gateway::authn::revocations::RevocationFile;
use crate::gateway::providers::{FaceProvider, is_cognito};
use crate::text::clean;

/// How long a person waits until every gateway can know.
const PATIENCE: Duration = Duration::from_secs(2);

/// Ends the session of the requesting user.
pub(super) async fn sign_out(Anybody { face, visitor, .. }: Anybody) -> Response {
    let mut there = None;
    if let Some(VisitorProof::Session(session)) = visitor.as_ref().map(|visitor| &visitor.by) {
        face.ended.end(session.sid.clone());
        info!(event = "sign-in", "{} signed out", clean(&session.subject, 200));
        revoke(&face, session.sid.clone()).await;
        if let Some((provider, at)) = face.provider(&session.provider) {
            let logout = at.get().and_then(|at| at.logout.clone()).or_else(|| provider.logout_url.clone());
            let address = logout.and_then(|url| address(url, provider, &face.site.url));
            there = address.map(|url| (provider.title.clone(), url));
        }
    }
    let mut response = notice::signed_out(there.as_ref().map(|(title, url)| (title.as_str(), url.as_str())));
    let gone = cookie::clear(&face.site.cookie, face.site.is_plain);
    response.headers_mut().extend(gone.map(|cookie| (SET_COOKIE, cookie)));
    response
}

/// Ends a session at every gateway that shares the list of revocations, and for as long as the cookie could live.
async fn revoke(face: &FaceState, sid: String) {
    let Some(list) = RevocationFile::of(&face.shared.settings) else { return };
    let add = move || list.add_session(&sid);
    let error = match timeout(PATIENCE, face.shared.vault.spawn_blocking(add)).await {
        Ok(Ok(Ok(_)) | Err(_)) => return,
        Ok(Ok(Err(error))) => error.to_string(),
        Err(_) => "the list of revocations is locked; it is added as soon as it is not".to_owned(),
    };
    warn!(event = "sign-in", "a session that was signed out has ended only at this gateway: {error}");
}

/// Where the provider ends its own session, with how it then leads back: as OpenID Connect RP-Initiated Logout 1.0 says, or as
/// Cognito and Auth0's older address do. Nothing where that takes the ID token (Okta), which is not kept.
fn address(mut url: Url, provider: &FaceProvider, site: &str) -> Option<String> {
    let back = format!("{site}/login");
    let name = match url.path() {
        _ if provider.auth_url.as_ref().is_some_and(is_cognito) => "logout_uri",
        "/v2/logout" => "returnTo",
        path if path.starts_with("/oauth2/") && path.ends_with("/v1/logout") => return None,
        _ => "post_logout_redirect_uri",
    };
    url.query_pairs_mut().append_pair("client_id", &provider.client.id).append_pair(name, &back);
    Some(url.into())
}
