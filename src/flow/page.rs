//! The pages that a browser sees at our own addresses: plain, self-contained, and nothing in them from the query. Not
//! here: choosing one (see `callback`, `start_page` and `login`).

use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use crate::text::escape_html;

/// The texts of a page.
#[derive(Clone, Debug)]
pub(super) struct ResultPage {
    pub(super) status: StatusCode,
    pub(super) title: String,
    pub(super) lines: Vec<String>,
    /// What a button on it says, which sends a POST to the page's own address.
    pub(super) button: Option<&'static str>,
}

impl ResultPage {
    fn new(status: StatusCode, title: &str, lines: &[&str]) -> Self {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        Self { status, title: title.into(), lines, button: None }
    }

    /// For a request that is not the answer this login waits for.
    pub(super) fn stray() -> Self {
        let line = "The login is still open: use the page that mcpauth opened, or the address it printed.";
        Self::new(StatusCode::BAD_REQUEST, "mcpauth is not waiting for this answer", &[line])
    }

    /// For a login that ended without a token; the program that asked for it says why.
    pub(super) fn failed() -> Self {
        let line =
            "The terminal, or the program that asked for the login, says why. You can close this page.";
        Self::new(StatusCode::OK, "Login failed", &[line])
    }

    /// Asks whether to log in to a server.
    pub(super) fn question(name: &str, place: &str) -> Self {
        let wants = format!(
            "A program on this computer, your MCP client, wants to use {place}, and there is no valid login for it."
        );
        let lines = [
            wants.as_str(),
            "The button leads to the login page of the server's issuer. The token is then stored on this computer, where only you can read it.",
            "If you did not start this, close the page.",
        ];
        Self { button: Some("Log in"), ..Self::new(StatusCode::OK, &format!("Log in to {name}?"), &lines) }
    }

    /// For a request that no page of ours is for.
    pub(super) fn unknown() -> Self {
        let line = "Use the address that your MCP client shows.";
        Self::new(StatusCode::NOT_FOUND, "There is no such page", &[line])
    }

    /// For a login whose button was pressed before.
    pub(super) fn begun() -> Self {
        let line = "Go on at the issuer's page. If it is gone, your MCP client asks again at its next request once this login has timed out.";
        Self::new(StatusCode::CONFLICT, "This login has begun", &[line])
    }

    /// For a login that brought a token.
    pub(super) fn granted(provider: &str, scopes: &[String]) -> Self {
        let granted = match scopes {
            [] => "The provider did not say what it granted.".into(),
            scopes => format!("Granted: {}", scopes.join(", ")),
        };
        let lines =
            [granted.as_str(), "The token is stored where only you can read it. You can close this page."];
        Self::new(StatusCode::OK, &format!("mcpauth may now act for you at {provider}"), &lines)
    }
}

impl IntoResponse for ResultPage {
    fn into_response(self) -> Response {
        let lines: String = self.lines.iter().map(|line| format!("<p>{}</p>", escape_html(line))).collect();
        let title = escape_html(&self.title);
        let form = |text| format!("<form method=\"post\"><button>{text}</button></form>");
        let button = self.button.map(form).unwrap_or_default();
        // A browser that may not say where a form was says "null" instead, as it does for a stranger's.
        let referrer = if self.button.is_some() { "same-origin" } else { "no-referrer" };
        let html = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title}</title><style>{STYLE}</style><main><h1>{title}</h1>{lines}{button}</main></html>"
        );
        let headers: [(HeaderName, &str); 5] = [
            // Nothing is loaded, nothing is run, and the address with the code in it is neither passed on nor cached.
            (
                CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
            ),
            (REFERRER_POLICY, referrer),
            (CACHE_CONTROL, "no-store"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (CONNECTION, "close"),
        ];
        (self.status, headers, Html(html)).into_response()
    }
}

const STYLE: &str = ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0;display:grid;\
                     min-height:100vh;place-items:center}main{max-width:34rem;padding:2rem}h1{font-size:1.4rem}\
                     p{overflow-wrap:anywhere}button{font:inherit;padding:.5rem 1.5rem;cursor:pointer}";
