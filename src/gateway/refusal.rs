//! Every refusal by the gateway, and the only place that turns one into a response: a status, a JSON-RPC error, and a
//! challenge (RFC 6750, RFC 9728) where one helps.

mod challenge;

use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::{Response, StatusCode};
use serde_json::json;

use self::challenge::challenge;
use super::authn::issuers::IssuerFault;
use super::authn::jwt::TokenError;
use super::wire::envelope::Malformed;
use super::wire::mirror::Mismatch;
use crate::mcp::jsonrpc::{HEADER_MISMATCH, INVALID_REQUEST, METHOD_NOT_FOUND};
use crate::policy::Denial;

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum Rejection {
    /// A host name that is not ours: DNS rebinding, or a misconfigured proxy.
    Host,
    /// A web page of an origin that may not call.
    Origin,
    /// Neither one of these methods nor a preflight.
    HttpMethod(&'static str),
    /// An ambiguous path.
    Path,
    /// No server with this name.
    NoServer,
    /// Switched off, or not answering health checks.
    Down(Arc<str>),
    /// Too many requests in flight.
    Busy,
    /// The audit is required and cannot be written.
    Audit,
    /// No token.
    NoToken,
    /// An invalid token.
    Token(TokenError),
    /// Two credentials, or headers that cannot be read.
    Credentials(&'static str),
    /// No keys or no answer from the issuer.
    IssuerDown(IssuerFault),
    /// Too many requests in flight for one caller.
    Crowded,
    /// More memory than one caller's requests and lists may use.
    Full,
    /// Too many requests; the seconds to wait.
    TooMany(u64),
    /// Too many invalid tokens from this address that only their issuer could tell; the seconds to wait.
    Guessing(u64),
    /// Too many from all addresses.
    IssuerBusy(u64),
    /// A body that did not arrive in time.
    Slow,
    /// A body larger than the limit, in bytes.
    TooLarge(usize),
    /// Not `application/json`, or encoded.
    MediaType,
    /// Not one JSON-RPC message.
    Malformed(Malformed),
    /// Headers that contradict the body.
    Mismatch(Mismatch),
    /// Denied by the policy; the scope that would allow it, if there is one.
    Denied {
        /// The policy's reason.
        denial: Denial,
        /// RFC 6750 section 3.1.
        scope: Option<Arc<str>>,
    },
    /// A method that MCP does not have and the policy does not name. For legacy clients it is [`Self::Denied`]: they
    /// take a 404 for the end of their session.
    NoMethod,
    /// A session of another caller, or an unknown one.
    Session,
    /// The server cannot be reached, or closed the connection.
    Unreachable,
    /// The server's does not trust the server's certificate.
    Certificate,
    /// The server's answer is not usable, and why.
    Broken(&'static str),
    /// The server did not begin to answer in time.
    Late,
    /// The server requires a credential, or rejected the one it got.
    Egress(SentCredential),
    /// The gateway has no egress credential for the server.
    NoEgress,
    /// The server redirects callers to another place: its address, without its query.
    Redirect(Box<str>),
    /// The server's session id is longer than can be passed on, in bytes.
    LongSession(usize),
    /// The server's list cannot be parsed, so that it cannot be filtered.
    Unreadable,
    /// A token that is not vended: the error's code (RFC 6749 section 5.2, RFC 8693 section 2.2.2), and what is wrong.
    NotVended(&'static str, String),
    /// Its owner has had as many as they may; the seconds to wait.
    VendedEnough(u64),
    /// The ledger of vended tokens cannot be written, and no token is given out that is not in it.
    Ledger,
}

/// The egress credential that a server rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SentCredential {
    /// None, because its entry or the settings say so.
    Nothing,
    /// The headers from its own file.
    File,
    /// The caller's, or none if the caller sent none.
    Callers,
    /// None, because the caller's token was in the header for the egress credential.
    InItsPlace,
    /// The one stored by the gateway.
    Stored,
    /// None, because it was called through the gateway's own server.
    Withheld,
}

/// What a response needs in addition to the refusal.
pub(super) struct ResponseContext<'a> {
    /// The message's `id`, as sent.
    pub(super) id: Option<&'a Bytes>,
    /// The URL of this server's RFC 9728 metadata.
    pub(super) resource_metadata: Option<&'a str>,
    /// The scope that gives a new caller access to this server.
    pub(super) scope: Option<&'a Arc<str>>,
}

impl Rejection {
    /// A stable word for logs and metrics.
    pub(super) fn reason(&self) -> &'static str {
        self.status_and_reason().1
    }

    /// The HTTP status.
    pub(super) fn status(&self) -> StatusCode {
        self.status_and_reason().0
    }

    /// MCP 2026-07-28 "Authorization", error handling; RFC 9110 section 15.
    fn status_and_reason(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Host => (StatusCode::MISDIRECTED_REQUEST, "host"),
            Self::Origin => (StatusCode::FORBIDDEN, "origin"),
            Self::HttpMethod(_) => (StatusCode::METHOD_NOT_ALLOWED, "http_method"),
            Self::Path => (StatusCode::BAD_REQUEST, "path"),
            Self::NoServer => (StatusCode::NOT_FOUND, "no_server"),
            Self::Down(_) => (StatusCode::SERVICE_UNAVAILABLE, "server_down"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::Audit => (StatusCode::SERVICE_UNAVAILABLE, "audit"),
            Self::NoToken => (StatusCode::UNAUTHORIZED, "no_token"),
            Self::Token(reject) => (StatusCode::UNAUTHORIZED, reject.reason()),
            Self::Credentials(_) => (StatusCode::BAD_REQUEST, "credentials"),
            Self::IssuerDown(_) => (StatusCode::SERVICE_UNAVAILABLE, "issuer_down"),
            Self::Crowded => (StatusCode::TOO_MANY_REQUESTS, "caller_busy"),
            Self::Full => (StatusCode::TOO_MANY_REQUESTS, "caller_memory"),
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            Self::Guessing(_) => (StatusCode::TOO_MANY_REQUESTS, "token_rate"),
            Self::IssuerBusy(_) => (StatusCode::SERVICE_UNAVAILABLE, "issuer_rate"),
            Self::Slow => (StatusCode::REQUEST_TIMEOUT, "request_timeout"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type"),
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed"),
            Self::Mismatch(_) => (StatusCode::BAD_REQUEST, "header_mismatch"),
            Self::Denied { denial, .. } => (
                StatusCode::FORBIDDEN,
                match denial {
                    Denial::NoScopes => "no_scopes",
                    Denial::Server => "server_not_allowed",
                    Denial::Method => "method_not_allowed",
                    Denial::Name => "name_not_allowed",
                },
            ),
            Self::NoMethod => (StatusCode::NOT_FOUND, "unknown_method"),
            Self::Session => (StatusCode::NOT_FOUND, "session"),
            Self::Unreachable | Self::Certificate | Self::Broken(_) => {
                (StatusCode::BAD_GATEWAY, "unreachable")
            }
            Self::Late => (StatusCode::GATEWAY_TIMEOUT, "upstream_timeout"),
            Self::Egress(_) => (StatusCode::BAD_GATEWAY, "egress_refused"),
            Self::NoEgress => (StatusCode::BAD_GATEWAY, "no_egress"),
            Self::Redirect(_) => (StatusCode::BAD_GATEWAY, "redirect"),
            Self::LongSession(_) => (StatusCode::BAD_GATEWAY, "long_session"),
            Self::Unreadable => (StatusCode::BAD_GATEWAY, "unreadable_list"),
            Self::NotVended(error, _) => (StatusCode::BAD_REQUEST, error),
            Self::VendedEnough(_) => (StatusCode::TOO_MANY_REQUESTS, "vending_rate"),
            Self::Ledger => (StatusCode::SERVICE_UNAVAILABLE, "ledger"),
        }
    }

    /// The JSON-RPC code. Ours are the HTTP status: MCP reserves everything from -32768 to -32000.
    fn code(&self) -> i64 {
        match self {
            Self::Malformed(malformed) => malformed.code().into(),
            Self::Mismatch(_) => HEADER_MISMATCH,
            Self::Credentials(_) | Self::Path => INVALID_REQUEST,
            Self::NoMethod => METHOD_NOT_FOUND,
            _ => self.status().as_u16().into(),
        }
    }

    /// What went wrong and what to do, for readers of the client's log. Nothing of the request is repeated.
    fn message(&self) -> String {
        match self {
            Self::Host => {
                "this gateway does not serve that host name; add it to `hosts` or set `public_url`".into()
            }
            Self::Origin => "web pages of this origin are not allowed; add it to `origins`".into(),
            Self::HttpMethod(allowed) => format!("send {allowed}"),
            Self::Path => "ambiguous path".into(),
            Self::NoServer => "there is no such server here".into(),
            Self::Down(name) => {
                format!("the server {name} is switched off or not answering; try again later")
            }
            Self::Busy => "the gateway is busy; try again".into(),
            Self::Audit => "the gateway cannot write its audit, so it refuses requests; try again".into(),
            Self::NoToken => {
                "a token is required in X-Authorization or Authorization (get one with: mcpauth ingress)"
                    .into()
            }
            Self::Token(reject) => {
                format!("invalid token: {} (get another with: mcpauth ingress --force)", reject.description())
            }
            Self::Credentials(what) => (*what).into(),
            Self::IssuerDown(IssuerFault::Silent) => {
                "the token cannot be checked: its issuer does not answer; try again".into()
            }
            Self::IssuerDown(IssuerFault::Keys) => {
                "the token cannot be checked: its issuer publishes no key that can be used; the gateway's log says why"
                    .into()
            }
            Self::Crowded => "you have too many requests under way; wait until one has ended".into(),
            Self::Full => "your requests under way are too large together; wait until one has ended".into(),
            Self::TooMany(seconds) => format!("too many requests; try again in {seconds} s"),
            Self::Guessing(seconds) => {
                format!("too many unknown tokens from this address; try again in {seconds} s")
            }
            Self::IssuerBusy(seconds) => {
                format!("too many unknown tokens to ask their issuer about; try again in {seconds} s")
            }
            Self::Slow => "the request did not arrive in time".into(),
            Self::TooLarge(limit) => format!("the request is larger than {limit} bytes"),
            Self::MediaType => "send application/json without a content coding".into(),
            Self::Malformed(malformed) => malformed.to_string(),
            Self::Mismatch(mismatch) => mismatch.to_string(),
            Self::Denied { denial, .. } => match denial {
                Denial::NoScopes => "this gateway's policy knows none of your groups or scopes",
                Denial::Server => "none of your grants covers this server",
                Denial::Method => "you may use this server, but not this method",
                Denial::Name => "you may use this method, but not for this name",
            }
            .into(),
            Self::NoMethod => "MCP has no such method, and the policy does not name it".into(),
            Self::Session => "there is no such session; initialize again".into(),
            Self::Unreachable => "the server cannot be reached".into(),
            Self::Late => "the server did not answer in time".into(),
            Self::Certificate => {
                "the gateway does not trust the server's certificate; its log has the fix".into()
            }
            Self::Broken(why) => format!("the server's answer cannot be used: {why}"),
            Self::Egress(given) => given.refused().into(),
            Self::NoEgress => {
                "the gateway has no outside credential for this server; get one with: mcpauth egress".into()
            }
            Self::Redirect(to) => format!("the server redirects to {to}; correct its proxy_pass_url"),
            Self::LongSession(most) => {
                format!("the server's name for the session is longer than {most} bytes when it is sealed")
            }
            Self::Unreadable => "the server's list cannot be read, so it cannot be filtered".into(),
            Self::NotVended(_, what) => what.clone(),
            Self::VendedEnough(seconds) => {
                format!("you have been issued the hourly maximum of tokens; try again in {seconds} s")
            }
            Self::Ledger => "the gateway cannot write its ledger of tokens; try again".into(),
        }
    }

    /// Whether the answer says how to authenticate.
    pub(super) fn lets_in(&self) -> bool {
        matches!(self, Self::NoToken | Self::Token(_))
    }

    /// What the server did, for the operator's log, unless something else has reported it.
    pub(super) fn fault(&self) -> Option<String> {
        match self {
            Self::Broken(_) | Self::Egress(_) | Self::NoEgress | Self::LongSession(_) | Self::Unreadable => {
                Some(self.message())
            }
            _ => None,
        }
    }

    fn challenge(&self, about: &ResponseContext<'_>) -> Option<String> {
        let scope = about.scope.map(|scope| &**scope);
        let (error, scope) = match self {
            // RFC 6750 section 3.1: without a token there is no error to name.
            Self::NoToken => (None, scope),
            Self::Token(reject) => (Some(("invalid_token", reject.description())), scope),
            Self::Denied { scope: Some(scope), .. } => {
                (Some(("insufficient_scope", "this call needs another scope")), Some(&**scope))
            }
            _ => return None,
        };
        Some(challenge(error, scope, about.resource_metadata))
    }

    /// The response.
    pub(super) fn response(&self, about: &ResponseContext<'_>) -> Response<Bytes> {
        let mut body = String::with_capacity(256);
        body.push_str(r#"{"jsonrpc":"2.0","id":"#);
        let id = about.id.and_then(|id| std::str::from_utf8(id).ok());
        body.push_str(id.unwrap_or("null"));
        let message = serde_json::Value::from(self.message());
        let reason = self.reason();
        let code = self.code();
        // Writing to a String does not fail.
        let _ = write!(
            body,
            r#","error":{{"code":{code},"message":{message},"data":{{"reason":"{reason}"}}}}}}"#
        );
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(challenge) = self.challenge(about)
            && let Ok(value) = HeaderValue::try_from(challenge)
        {
            headers.insert(WWW_AUTHENTICATE, value);
        }
        match self {
            Self::TooMany(seconds)
            | Self::Guessing(seconds)
            | Self::IssuerBusy(seconds)
            | Self::VendedEnough(seconds) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(*seconds));
            }
            Self::Busy | Self::Audit | Self::Crowded | Self::Full | Self::IssuerDown(_) | Self::Ledger => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::HttpMethod(allowed) => {
                headers.insert(ALLOW, HeaderValue::from_static(allowed));
            }
            // The rest of such a body is not worth reading.
            Self::TooLarge(_) | Self::Slow => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

impl Rejection {
    /// The response of an address that speaks OAuth (RFC 6749 section 5.2), with the same status and headers; `detail` is
    /// where clients of the registry look.
    pub(super) fn oauth_response(&self) -> Response<Bytes> {
        let about = ResponseContext { id: None, resource_metadata: None, scope: None };
        let error = match self {
            Self::NotVended(error, _) => error,
            Self::NoToken | Self::Token(_) => "invalid_token",
            _ => match self.status() {
                StatusCode::TOO_MANY_REQUESTS => "slow_down",
                StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
                _ => "invalid_request",
            },
        };
        let message = self.message();
        let body = json!({"error": error, "error_description": message, "detail": message});
        let mut response = self.response(&about).map(|_| Bytes::from(body.to_string()));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl SentCredential {
    /// The texts about a server's 401, for the caller and for the operator.
    fn refused(self) -> &'static str {
        match self {
            Self::Nothing => {
                "the server answers 401: it requires a credential, but none is configured; the gateway's operator must correct \
                 auth_type in its file, or set upstreams.NAME.egress"
            }
            Self::File => {
                "the server answers 401: it rejects the headers from its file; the gateway's operator must correct them"
            }
            Self::Callers => {
                "the server answers 401: it rejects the outside credential in Authorization, or got none; get one with: mcpauth \
                 egress --force"
            }
            Self::InItsPlace => {
                "the server answers 401: it got no outside credential; send the gateway's token in X-Authorization and the \
                 outside credential in Authorization (get one with: mcpauth egress)"
            }
            Self::Withheld => {
                "the server answers 401: it asks for the caller's outside credential, which call_tool does not forward; call it directly"
            }
            Self::Stored => {
                "the server answers 401: it rejects the credential that the gateway stores for it; the gateway's operator must get another with: mcpauth egress --force"
            }
        }
    }
}

#[cfg(test)]
mod tests;
