//! The pages that are there without a session: where people sign in, and where they have signed out.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use url::form_urlencoded;

use super::FaceState;
use super::html::PageFrame;

#[derive(Serialize)]
struct NoticePage {
    heading: &'static str,
    lead: &'static str,
    fault: Option<String>,
    links: Vec<NoticeLink>,
    after: &'static str,
}

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
    let links: Vec<NoticeLink> = links.collect();
    let after = if links.is_empty() {
        "No identity provider is enabled. The operator of this gateway enables one in the file that face.providers names."
    } else {
        "You sign in with your account at that provider. No password is entered or stored here."
    };
    let lead = "See which MCP servers and tools you may use, and why.";
    page(status, NoticePage { heading: "Sign in", lead, fault: fault.map(str::to_owned), links, after })
}

/// What is left to do after signing out: `there` is the provider, and where it ends its own session.
pub(super) fn signed_out(there: Option<(&str, &str)>) -> Response {
    let there =
        there.map(|(title, href)| NoticeLink { name: format!("Sign out at {title} too"), href: href.into() });
    let again = NoticeLink { name: "Sign in again".into(), href: "/login".into() };
    let links = there.into_iter().chain([again]).collect();
    let lead = "The session of these pages is over.";
    let after = "You stay signed in at the identity provider until you sign out there.";
    page(StatusCode::OK, NoticePage { heading: "You are signed out", lead, fault: None, links, after })
}

fn page(status: StatusCode, shown: NoticePage) -> Response {
    PageFrame::new(shown.heading, None, "").page(status, "sign-in.html", &shown)
}
