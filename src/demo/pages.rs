//! The HTML that the development identity provider shows. Which page is due is decided in `idp`.

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::text::escape_html;

/// What the user is asked to allow. Every field is untrusted text until it is escaped here.
pub(crate) struct Consent<'a> {
    pub(crate) ticket: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) audience: Option<&'a str>,
    pub(crate) redirect_uri: &'a str,
    pub(crate) user: &'a str,
}

const TITLE: &str = "mcpauth development identity provider";

const STYLE: &str = "\
:root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--line:#8c959f;--soft:#57606a;--go:#0a5dc2;--on:#fff}\
@media(prefers-color-scheme:dark){:root{--fg:#e6edf3;--bg:#0d1117;--line:#6e7681;--soft:#9da7b1;--go:#79b8ff;--on:#0d1117}}\
*{box-sizing:border-box}\
body{margin:0;padding:1.25rem;font:1.0625rem/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg)}\
main{max-width:34rem;margin:4vh auto}h1{font-size:1.35rem;line-height:1.25}\
li,code{overflow-wrap:anywhere}.note{color:var(--soft)}\
label{display:block;margin-top:1.25rem}input,button{font:inherit;padding:.6rem .9rem;border:1px solid var(--line);border-radius:.4rem}\
input{width:100%;color:inherit;background:transparent}\
.choice{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.25rem}button{flex:1 1 8rem;cursor:pointer;color:inherit;background:transparent}\
button[value=allow]{color:var(--on);background:var(--go);border-color:var(--go)}\
:focus-visible{outline:3px solid var(--go);outline-offset:2px}";

/// Asks for a name and for a yes or no; the answer goes to `POST /authorize` with only the ticket.
pub(crate) fn consent(ask: &Consent<'_>) -> Response {
    let scopes: String = ask.scope.split(' ').filter(|s| !s.is_empty()).map(item).collect();
    let audience = ask.audience.map(|a| format!("<p>For use at <code>{}</code>.</p>", escape_html(a)));
    let body = format!(
        "<h1>Let <code>{client}</code> act for you?</h1><p>It asks for:</p><ul>{scopes}</ul>{audience}\
         <form method=\"post\" action=\"/authorize\"><input type=\"hidden\" name=\"ticket\" value=\"{ticket}\">\
         <label for=\"user\">Sign in as</label>\
         <input id=\"user\" name=\"user\" value=\"{user}\" autocomplete=\"off\" maxlength=\"64\">\
         <div class=\"choice\"><button name=\"decision\" value=\"allow\">Allow</button>\
         <button name=\"decision\" value=\"deny\">Deny</button></div></form>\
         <p class=\"note\">Either way you are sent back to <code>{redirect}</code>. No password is asked for: \
         this server is for development and answers on this machine only.</p>",
        client = escape_html(ask.client_id),
        audience = audience.unwrap_or_default(),
        ticket = escape_html(ask.ticket),
        user = escape_html(ask.user),
        redirect = escape_html(ask.redirect_uri),
    );
    page(StatusCode::OK, &body)
}

/// Asks for the code that a device shows; the answer goes to `POST /device`.
pub(crate) fn device(user_code: &str) -> Response {
    let body = format!(
        "<h1>Connect a device</h1><form method=\"post\" action=\"/device\">\
         <label for=\"code\">The code it shows</label>\
         <input id=\"code\" name=\"user_code\" value=\"{}\" autocomplete=\"off\" maxlength=\"16\">\
         <div class=\"choice\"><button name=\"decision\" value=\"allow\">Allow</button>\
         <button name=\"decision\" value=\"deny\">Deny</button></div></form>\
         <p class=\"note\">Enter a code only if you started the login yourself.</p>",
        escape_html(user_code)
    );
    page(StatusCode::OK, &body)
}

/// The end of a device's login.
pub(crate) fn device_done() -> Response {
    page(StatusCode::OK, "<h1>Done</h1><p>Go back to the device; you can close this page.</p>")
}

/// The answer when a redirect would be unsafe (RFC 6749 section 4.1.2.1); it reflects nothing.
pub(crate) fn error_page(reason: &'static str) -> Response {
    let body = format!("<h1>This request was refused</h1><p>{}</p>", escape_html(reason));
    page(StatusCode::BAD_REQUEST, &body)
}

fn page(status: StatusCode, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{TITLE}</title><style>{STYLE}</style></head>\
         <body><main><p class=\"note\">{TITLE}</p>{body}</main></body></html>"
    );
    (status, headers(), Html(html)).into_response()
}

/// No `form-action`: browsers also apply it to the redirect after the form, which goes to the client.
fn headers() -> [(HeaderName, &'static str); 4] {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
    [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ]
}

fn item(scope: &str) -> String {
    format!("<li><code>{}</code></li>", escape_html(scope))
}
