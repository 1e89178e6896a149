//! Signing out: the session is over here at once and at other gateways within a second, and a link leads to the provider's own end of it. A link, because
//! browsers hold a redirect after a form to `form-action`, which is these pages alone.

use axum::http::header::SET_COOKIE;
use axum::response::Response;
use tracing::{info, warn};
use url::Url;

use super::visitor::{Anybody, VisitorProof};
use super::{FaceState, cookie, notice};
use crate::gateway::authn::revocations::RevocationList;
use crate::gateway::providers::{FaceProvider, is_cognito};
use crate::text::clean;

/// Ends the session of the requesting user.
pub(super) async fn sign_out(Anybody { face, visitor, .. }: Anybody) -> Response {
    let mut there = None;
    if let Some(VisitorProof::Session(session)) = visitor.as_ref().map(|visitor| &visitor.by) {
        face.ended.end(session.sid.clone());
        info!(event = "sign-in", "{} signed out", clean(&session.subject, 200));
        revoke(&face, session.sid.clone()).await;
        if let Some((provider, at)) = face.provider(&session.provider) {
            let logout = at.get().and_then(|at| at.logout.clone()).or_else(|| provider.logout_url.clone());
            there = logout.map(|url| (provider.title.clone(), address(url, provider, &face.site.url)));
        }
    }
    let mut response = notice::signed_out(there.as_ref().map(|(title, url)| (title.as_str(), url.as_str())));
    let gone = cookie::clear(&face.site.cookie, face.site.is_plain);
    response.headers_mut().extend(gone.map(|cookie| (SET_COOKIE, cookie)));
    response
}

/// Ends a session at every gateway that shares the list of revocations, and for as long as the cookie could live.
async fn revoke(face: &FaceState, sid: String) {
    let Some(list) = face.shared.settings.revocations() else { return };
    let add = move || RevocationList::add_session(&list, &sid);
    if let Ok(Err(error)) = face.shared.vault.spawn_blocking(add).await {
        warn!(event = "sign-in", "a session that was signed out has ended at this gateway alone: {error}");
    }
}

/// Where the provider ends its own session, and how it then leads back: as OpenID Connect RP-Initiated Logout 1.0 says, or as
/// Cognito does.
fn address(mut url: Url, provider: &FaceProvider, site: &str) -> String {
    let back = format!("{site}/login");
    let name = match provider.auth_url.as_ref().is_some_and(is_cognito) {
        true => "logout_uri",
        false => "post_logout_redirect_uri",
    };
    url.query_pairs_mut().append_pair("client_id", &provider.client.id).append_pair(name, &back);
    url.into()
}
