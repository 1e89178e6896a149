//! What went wrong, in the form that the client can read: a page in the same look for people, JSON for programs. Not
//! here: what went wrong (see the callers).

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::middleware::Next;
use axum::response::Response;
use minijinja::{Value, context};

use super::answer::{self, Trouble};
use super::html::PageFrame;
use super::visitor::Asking;

/// Makes a page, or data, of what went wrong.
pub(super) async fn dress(request: Request, next: Next) -> Response {
    let is_data = answer::is_data(request.uri().path());
    let response = next.run(request).await;
    let status = response.status();
    let trouble = response.extensions().get::<Trouble>().cloned();
    let is_bare = (status.is_client_error() || status.is_server_error())
        && !response.headers().contains_key(CONTENT_TYPE);
    let text = match trouble {
        Some(Trouble(text)) => text,
        None if is_bare => bare(status).to_owned(),
        None => return response,
    };
    // What was said as data already, stays.
    if is_data && response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json") {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let dressed = if is_data {
        answer::no(status, &text)
    } else {
        let asking = parts.extensions.get::<Asking>().cloned();
        let visitor = asking.and_then(Result::ok).flatten();
        let (title, error) = words(status, &text, visitor.is_some());
        PageFrame::new(title, visitor.as_deref(), "").page(status, "error.html", context! { error })
    };
    let allowed = parts.headers.remove(ALLOW);
    let (mut head, body) = dressed.into_parts();
    for (name, value) in
        parts.headers.iter().filter(|(name, _)| *name != CONTENT_TYPE && name.as_str() != "content-length")
    {
        head.headers.append(name, value.clone());
    }
    head.headers.extend(allowed.map(|allowed| (ALLOW, allowed)));
    Response::from_parts(head, body)
}

/// What a status says that came without words.
fn bare(status: StatusCode) -> &'static str {
    match status {
        StatusCode::METHOD_NOT_ALLOWED => "this address does not support that method",
        StatusCode::NOT_FOUND => "there is no such page",
        _ => "the request cannot be read",
    }
}

/// The title of the page, and what it says.
fn words(status: StatusCode, text: &str, is_known: bool) -> (&'static str, Value) {
    let (title, next) = match status {
        StatusCode::UNAUTHORIZED => ("Sign in first", None),
        StatusCode::FORBIDDEN if is_known => {
            ("You may not do this", Some("Your access page shows your groups and what each of them gives."))
        }
        StatusCode::FORBIDDEN => ("This is refused", None),
        StatusCode::NOT_FOUND => (
            "Nothing is here for you",
            Some("Either there is no such page, or you may not see it: both look the same."),
        ),
        StatusCode::METHOD_NOT_ALLOWED => ("Nothing is here for you", None),
        StatusCode::CONFLICT => ("Another editor was faster", Some("Nothing of yours was saved.")),
        StatusCode::MISDIRECTED_REQUEST => ("This is another address", None),
        StatusCode::INTERNAL_SERVER_ERROR => ("This did not work", Some("Nothing was changed.")),
        status if status.is_server_error() => {
            ("Temporarily unavailable", Some("Nothing was changed. Try again in a while."))
        }
        _ => ("This request cannot be answered", None),
    };
    let (href, link) = match (status, is_known) {
        (StatusCode::FORBIDDEN, true) => ("/me", "My access"),
        (StatusCode::UNAUTHORIZED, _) => ("/login", "Sign in"),
        _ => ("/", "To the servers"),
    };
    (title, context! { status => status.as_u16(), title, what => sentence(text), next, href, link })
}

/// A text as a sentence: with a capital letter and a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}
