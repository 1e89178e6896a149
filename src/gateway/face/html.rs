//! Pages as text: one template each, and the frame around all of them. What others write is escaped by the templates'
//! ending (`.html`), never by hand, and a name that no page has is an error. Not here: what a page shows (see `page`).

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use minijinja::value::Serde;
use minijinja::{Environment, Output, State, UndefinedBehavior, Value, context, escape_formatter};
use serde::Serialize;
use tracing::error;

use super::answer;
use super::visitor::Visitor;
use crate::policy::UiAction;
use crate::text::{is_plain, visible};

/// What is around every page.
#[derive(Default, Serialize)]
pub(super) struct PageFrame {
    title: String,
    /// Whose page it is, if they are known.
    visitor: Option<String>,
    menu: Vec<Value>,
    /// What was just done.
    done: Option<&'static str>,
    /// After how many seconds the page is loaded again.
    again: Option<u32>,
}

/// The pages in the menu.
const MENU: [(&str, &str); 7] = [
    ("Servers", "/"),
    ("Find a tool", "/find"),
    ("My access", "/me"),
    ("Explain", "/explain"),
    ("My tokens", "/tokens"),
    ("Decisions", "/decisions"),
    ("Changes", "/changes"),
];

/// What a form was sent for, as the address of the next page has it, and what that page says.
const DONE: [(&str, &str); 8] = [
    ("added", "The server is registered. It is off, and nobody may use it yet."),
    ("saved", "The changes are saved."),
    ("on", "The server is on."),
    ("off", "The server is off."),
    ("checked", "The server was asked just now."),
    ("removed", "The server is removed."),
    ("revoked", "The token is revoked; every gateway rejects it within a second."),
    ("again", "That token was already revoked."),
];

/// The template of the forms for a server's file.
pub(super) const FORM: &str = "form.html";
const TEMPLATES: [(&str, &str); 12] = [
    ("layout.html", include_str!("html/layout.html")),
    ("servers.html", include_str!("html/servers.html")),
    ("server.html", include_str!("html/server.html")),
    ("find.html", include_str!("html/find.html")),
    (FORM, include_str!("html/form.html")),
    ("me.html", include_str!("html/me.html")),
    ("explain.html", include_str!("html/explain.html")),
    ("tokens.html", include_str!("html/tokens.html")),
    ("decisions.html", include_str!("html/decisions.html")),
    ("changes.html", include_str!("html/changes.html")),
    ("error.html", include_str!("html/error.html")),
    ("sign-in.html", include_str!("html/sign-in.html")),
];

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(write);
    for (name, text) in TEMPLATES {
        if let Err(error) = environment.add_template(name, text) {
            error!(event = "face", "{name}: {error}");
        }
    }
    environment
});

/// Writes a value: escaped, and with what would not show, or would turn its surroundings round, made visible. A form to
/// edit a file has the file's own text, which goes back into it.
fn write(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), minijinja::Error> {
    let is_shown = |c: char| is_plain(c) || matches!(c, '\n' | '\t' | '\r');
    match value.as_str().filter(|text| !value.is_safe() && !text.chars().all(is_shown)) {
        Some(text) if state.name() != FORM => escape_formatter(out, state, &visible(text).into()),
        _ => escape_formatter(out, state, value),
    }
}

impl PageFrame {
    /// The frame of a page in the menu, or of one below it.
    pub(super) fn new(title: impl Into<String>, visitor: Option<&Visitor>, here: &str) -> Self {
        let item = |(name, href): (&str, &str)| context! { name, href, is_here => href == here };
        let menu = if visitor.is_some() { MENU.map(item).into() } else { Vec::new() };
        let visitor = visitor.map(|visitor| visitor.name().to_owned());
        Self { title: title.into(), visitor, menu, done: None, again: None }
    }

    /// The same after a form; `done` is what the address says.
    pub(super) fn after(self, done: Option<&str>) -> Self {
        let known = DONE.into_iter().find(|(name, _)| Some(*name) == done);
        Self { done: known.map(|(_, words)| words), ..self }
    }

    /// The same, loaded again from time to time.
    pub(super) fn again(self, seconds: Option<u32>) -> Self {
        Self { again: seconds, ..self }
    }

    /// The page, by its template and what it shows.
    pub(super) fn page(self, status: StatusCode, template: &str, shown: Value) -> Response {
        let values = context! { page => Value::from(Serde(&self)), ..shown };
        let text = ENVIRONMENT.get_template(template).and_then(|template| template.render(values));
        match text {
            Ok(text) => answer::html(status, text),
            Err(error) => {
                error!(event = "face", "{template}: {error}");
                answer::problem(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "this page cannot be rendered; the cause is in the log",
                )
            }
        }
    }
}

/// A choice of a list in a form.
pub(super) fn choice(value: &str, name: &str, is_chosen: bool) -> Value {
    context! { value, name, is_chosen }
}

/// The choices of a list, of which the one with this value is chosen.
pub(super) fn choices(all: &[(&str, &str)], chosen: &str) -> Vec<Value> {
    all.iter().map(|(value, name)| choice(value, name, *value == chosen)).collect()
}

/// What an action is called.
pub(super) fn action_words(action: UiAction) -> &'static str {
    match action {
        UiAction::List => "See",
        UiAction::Register => "Register",
        UiAction::Health => "Check now",
        UiAction::Toggle => "Switch on and off",
        UiAction::Modify => "Edit",
    }
}

/// The style sheet, the same for everybody.
pub(super) async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("html/style.css"))
}

/// The icon.
pub(super) async fn icon() -> Response {
    asset("image/svg+xml", include_str!("html/icon.svg"))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=600")),
    ];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_sound_and_has_no_script_and_no_style_of_its_own() {
        for (name, text) in TEMPLATES {
            assert!(ENVIRONMENT.get_template(name).is_ok(), "{name}");
            for forbidden in ["<script", "style=", "javascript:", "| safe", "|safe", "autoescape", " onclick"]
            {
                assert!(!text.contains(forbidden), "{name} has {forbidden}");
            }
            assert!(
                !text.contains("<table>") || text.contains("<caption"),
                "{name}: every table has a caption"
            );
            assert_eq!(text.matches("<th>").count(), 0, "{name}: every heading of a table has a scope");
        }
    }
}
