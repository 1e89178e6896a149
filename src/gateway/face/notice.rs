//! The pages that are there without a session: where people sign in, and where they have signed out.

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use url::form_urlencoded;

use super::FaceState;
use super::html::PageFrame;

/// Where people choose a provider; `fault` is why they are not signed in.
pub(super) fn sign_in(face: &FaceState, status: StatusCode, back: &str, fault: Option<&str>) -> Response {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", back).finish();
    let links = face
        .providers
        .iter()
        .map(|(provider, _)| link(&provider.title, &format!("/oauth2/login/{}?{query}", provider.name)));
    let links: Vec<Value> = links.collect();
    let after = if links.is_empty() {
        "No identity provider is enabled. The operator of this gateway enables one in the file that face.providers names."
    } else {
        "You sign in with your account at that provider. No password is entered or stored here."
    };
    let lead = "See which MCP servers and tools you may use, and why.";
    page(status, "Sign in", context! { lead, fault, links, after })
}

/// What is left to do after signing out: `there` is the provider, and where it ends its own session.
pub(super) fn signed_out(there: Option<(&str, &str)>) -> Response {
    let there = there.map(|(title, href)| link(&format!("Sign out at {title} too"), href));
    let links: Vec<Value> = there.into_iter().chain([link("Sign in again", "/login")]).collect();
    let lead = "The session of these pages is over.";
    let after = "You stay signed in at the identity provider until you sign out there.";
    page(StatusCode::OK, "You are signed out", context! { lead, fault => (), links, after })
}

fn link(name: &str, href: &str) -> Value {
    context! { name, href }
}

fn page(status: StatusCode, heading: &str, shown: Value) -> Response {
    PageFrame::new(heading, None, "").page(status, "sign-in.html", context! { heading, ..shown })
}
