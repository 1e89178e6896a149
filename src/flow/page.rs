//! The pages a browser sees at the callback address: plain, self-contained, and nothing in them from the query.
//! It leaves deciding which one to `callback` and `login`.

use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{Html, IntoResponse, Response};

/// What a page says.
#[derive(Clone, Debug)]
pub(super) struct ResultPage {
    pub(super) status: StatusCode,
    pub(super) title: String,
    pub(super) lines: Vec<String>,
}

impl ResultPage {
    /// For a request that is not the answer this login waits for.
    pub(super) fn stray() -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            title: "This is not the answer mcpauth waits for".into(),
            lines: vec![
                "The login goes on: use the page that mcpauth opened, or the address it printed.".into(),
            ],
        }
    }

    /// For a login that ended without a token; the terminal says why.
    pub(super) fn failed() -> Self {
        Self {
            status: StatusCode::OK,
            title: "The login did not succeed".into(),
            lines: vec!["mcpauth says in the terminal what happened. You can close this page.".into()],
        }
    }

    /// For a login that brought a token.
    pub(super) fn granted(provider: &str, scopes: &[String]) -> Self {
        let granted = if scopes.is_empty() {
            "The provider did not say what it granted.".into()
        } else {
            format!("Granted: {}", scopes.join(", "))
        };
        let lines = vec![
            granted,
            "mcpauth keeps the token where you alone can read it. You can close this page.".into(),
        ];
        Self { status: StatusCode::OK, title: format!("mcpauth may now act for you at {provider}"), lines }
    }
}

impl IntoResponse for ResultPage {
    fn into_response(self) -> Response {
        let lines: String = self.lines.iter().map(|line| format!("<p>{}</p>", escape(line))).collect();
        let title = escape(&self.title);
        let html = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title}</title><style>{STYLE}</style><main><h1>{title}</h1>{lines}</main></html>"
        );
        let headers: [(HeaderName, &str); 5] = [
            // Nothing is loaded, nothing is run, and the address with the code in it is not passed on or kept.
            (
                CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
            ),
            (REFERRER_POLICY, "no-referrer"),
            (CACHE_CONTROL, "no-store"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (CONNECTION, "close"),
        ];
        (self.status, headers, Html(html)).into_response()
    }
}

const STYLE: &str = ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0;display:grid;\
                     min-height:100vh;place-items:center}main{max-width:34rem;padding:2rem}h1{font-size:1.4rem}\
                     p{overflow-wrap:anywhere}";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
