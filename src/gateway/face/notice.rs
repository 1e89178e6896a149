//! The pages that are there without a session: where people sign in, and where they have signed out.

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Environment, Value, context};
use url::form_urlencoded;

use super::{FaceState, answer};

const FRAME: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
    content=\"width=device-width,initial-scale=1\"><title>{{ title }}</title></head><body><main><h1>{{ title }}</h1>\
    {% if fault %}<p role=\"alert\">{{ fault }}</p>{% endif %}{% for link in links %}<p><a href=\"{{ link.href }}\">\
    {{ link.name }}</a></p>{% endfor %}</main></body></html>";

#[derive(serde::Serialize)]
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
    page(status, "Sign in", fault, &links.collect::<Vec<_>>())
}

/// What is left to do after signing out: `there` is the provider, and where it ends its own session.
pub(super) fn signed_out(there: Option<(&str, &str)>) -> Response {
    let there =
        there.map(|(title, href)| NoticeLink { name: format!("Sign out at {title} too"), href: href.into() });
    let again = NoticeLink { name: "Sign in again".into(), href: "/login".into() };
    page(StatusCode::OK, "You are signed out", None, &there.into_iter().chain([again]).collect::<Vec<_>>())
}

fn page(status: StatusCode, title: &str, fault: Option<&str>, links: &[NoticeLink]) -> Response {
    let mut environment = Environment::new();
    let text = environment.add_template("notice.html", FRAME).and_then(|()| {
        environment
            .get_template("notice.html")?
            .render(context! { title, fault, links => Value::from_serialize(links) })
    });
    match text {
        Ok(text) => answer::html(status, text),
        Err(_) => answer::problem(StatusCode::INTERNAL_SERVER_ERROR, "this page cannot be made"),
    }
}
