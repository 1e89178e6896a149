//! The pages that are there without a session: where people sign in, and where they have signed out.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::json;
use url::form_urlencoded;

use super::FaceState;
use super::html::PageFrame;

#[derive(Serialize)]
struct NoticeLink {
    name: String,
    href: String,
}

/// Where people choose a provider; `fault` is why they are not signed in.
pub(super) fn sign_in(face: &FaceState, status: StatusCode, back: &str, fault: Option<&str>) -> Response {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", back).finish();
    let links = face.providers.iter().map(|(provider, _)| NoticeLink {
        name: provider.title.clone(),
        href: format!("/oauth2/login/{}?{query}", provider.name),
    });
    let shown = json!({"fault": fault, "providers": links.collect::<Vec<_>>()});
    PageFrame::new("Sign in", None, "").page(status, "sign-in.html", &shown)
}

/// What is left to do after signing out: `there` is the provider, and where it ends its own session.
pub(super) fn signed_out(there: Option<(&str, &str)>) -> Response {
    let there = there.map(|(title, href)| NoticeLink { name: title.into(), href: href.into() });
    let shown = json!({"there": there});
    PageFrame::new("Signed out", None, "").page(StatusCode::OK, "signed-out.html", &shown)
}
