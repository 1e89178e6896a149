//! Every no the gateway says, and the one place that turns it into a response: a status, a JSON-RPC error, a challenge
//! (RFC 6750, RFC 9728) where one helps. It leaves to the line's steps when to say it.

use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};

use super::authn::jwt::TokenError;
use super::wire::envelope::Malformed;
use super::wire::mirror::Mismatch;
use crate::mcp::jsonrpc::{HEADER_MISMATCH, INVALID_REQUEST, METHOD_NOT_FOUND};
use crate::policy::Denial;

/// Why a request goes no further.
#[derive(Debug)]
pub(super) enum Rejection {
    /// A host name that is not ours: DNS rebinding, or a wrong proxy.
    Host,
    /// A web page of an origin that may not call.
    Origin,
    /// Neither POST, GET, DELETE nor a preflight.
    HttpMethod,
    /// A path that reads in two ways.
    Path,
    /// No server of this name.
    NoServer,
    /// Switched off, or not answering health checks.
    Down(Arc<str>),
    /// More than may be under way at once.
    Busy,
    /// The audit cannot be written, and is promised.
    Audit,
    /// No token.
    NoToken,
    /// A token that does not do.
    Token(TokenError),
    /// Two credentials, or headers that cannot be read.
    Credentials(&'static str),
    /// No keys, or no answer, of the issuer.
    IssuerDown,
    /// More than one caller may have under way at once.
    Crowded,
    /// More memory than one caller's requests and lists may take.
    Full,
    /// Too many requests; the seconds to wait.
    TooMany(u64),
    /// Too many tokens of this address that only their issuer could tell were bad; the seconds to wait.
    Guessing(u64),
    /// Too many of all addresses.
    IssuerBusy(u64),
    /// A body that did not arrive in time.
    Slow,
    /// A body larger than the limit, in bytes.
    TooLarge(usize),
    /// Not `application/json`, or encoded.
    MediaType,
    /// Not one JSON-RPC message.
    Malformed(Malformed),
    /// Headers that say something else than the body.
    Mismatch(Mismatch),
    /// The policy's no; the scope that would change it, if one would.
    Denied {
        /// The policy's reason.
        denial: Denial,
        /// RFC 6750 section 3.1.
        scope: Option<Arc<str>>,
    },
    /// A method that MCP does not have and the policy does not write out. For legacy clients it is [`Self::Denied`]: they
    /// take a 404 for the end of their session.
    NoMethod,
    /// A session of another caller, or of nobody.
    Session,
    /// The server cannot be reached, or broke off.
    Unreachable,
    /// The server's certificate is not believed.
    Certificate,
    /// The server's answer is of no use, and why.
    Broken(&'static str),
    /// The server did not begin to answer in time.
    Late,
    /// The server asks for a credential, or refused the one it got.
    Egress(SentCredential),
    /// The gateway has no outside credential for the server.
    NoEgress,
    /// The server sends callers elsewhere: where to, without its query.
    Redirect(Box<str>),
    /// The server's name for a session is longer than can be given out, in bytes.
    LongSession(usize),
    /// The server's list cannot be read, so that it cannot be filtered.
    Unreadable,
}

/// Which outside credential a server got that it refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SentCredential {
    /// None, because its entry or the settings say that it takes none.
    Nothing,
    /// What the headers in its own file say.
    File,
    /// The caller's, or none if the caller sent none.
    Callers,
    /// None, because the caller's token came where the outside credential belongs.
    InItsPlace,
    /// The one that the gateway keeps for it.
    Stored,
    /// None, because it was called through the gateway's own server.
    Withheld,
}

/// What a response needs to know beside the refusal.
pub(super) struct ResponseContext<'a> {
    /// The message's `id`, as it was written.
    pub(super) id: Option<&'a Bytes>,
    /// Where this server's RFC 9728 document is.
    pub(super) resource_metadata: Option<&'a str>,
    /// The scope that lets a new caller into this server.
    pub(super) scope: Option<&'a Arc<str>>,
}

/// RFC 6750 section 3.1.
struct ChallengeHeader<'a> {
    error: Option<(&'static str, &'static str)>,
    scope: Option<&'a Arc<str>>,
}

impl Rejection {
    /// A stable word for logs and metrics.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Origin => "origin",
            Self::HttpMethod => "http_method",
            Self::Path => "path",
            Self::NoServer => "no_server",
            Self::Down(_) => "server_down",
            Self::Busy => "busy",
            Self::Audit => "audit",
            Self::NoToken => "no_token",
            Self::Token(reject) => reject.reason(),
            Self::Credentials(_) => "credentials",
            Self::IssuerDown => "issuer_down",
            Self::Crowded => "caller_busy",
            Self::Full => "caller_memory",
            Self::TooMany(_) => "rate_limited",
            Self::Guessing(_) => "token_rate",
            Self::IssuerBusy(_) => "issuer_rate",
            Self::Slow => "request_timeout",
            Self::TooLarge(_) => "too_large",
            Self::MediaType => "media_type",
            Self::Malformed(_) => "malformed",
            Self::Mismatch(_) => "header_mismatch",
            Self::Denied { denial, .. } => match denial {
                Denial::NoScopes => "no_scopes",
                Denial::Server => "server_not_allowed",
                Denial::Method => "method_not_allowed",
                Denial::Name => "name_not_allowed",
            },
            Self::NoMethod => "unknown_method",
            Self::Session => "session",
            Self::Unreachable | Self::Certificate | Self::Broken(_) => "unreachable",
            Self::Late => "upstream_timeout",
            Self::Egress(_) => "egress_refused",
            Self::NoEgress => "no_egress",
            Self::Redirect(_) => "redirect",
            Self::LongSession(_) => "long_session",
            Self::Unreadable => "unreadable_list",
        }
    }

    /// The HTTP status (MCP 2026-07-28 "Authorization", error handling; RFC 9110 section 15).
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Origin | Self::Denied { .. } => StatusCode::FORBIDDEN,
            Self::HttpMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Path | Self::Credentials(_) | Self::Malformed(_) | Self::Mismatch(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::NoServer | Self::NoMethod | Self::Session => StatusCode::NOT_FOUND,
            Self::Down(_) | Self::Busy | Self::Audit | Self::IssuerDown | Self::IssuerBusy(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::NoToken | Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::Crowded | Self::Full | Self::TooMany(_) | Self::Guessing(_) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unreachable
            | Self::Certificate
            | Self::Broken(_)
            | Self::Egress(_)
            | Self::NoEgress
            | Self::Redirect(_)
            | Self::LongSession(_)
            | Self::Unreadable => StatusCode::BAD_GATEWAY,
            Self::Late => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The JSON-RPC code. Ours are the HTTP status: MCP keeps everything from -32768 to -32000 for itself.
    fn code(&self) -> i64 {
        match self {
            Self::Malformed(malformed) => malformed.code().into(),
            Self::Mismatch(_) => HEADER_MISMATCH,
            Self::Credentials(_) | Self::Path => INVALID_REQUEST,
            Self::NoMethod => METHOD_NOT_FOUND,
            _ => self.status().as_u16().into(),
        }
    }

    /// What went wrong and what to do, for whoever reads the client's log. Nothing of the request is repeated.
    fn message(&self) -> String {
        match self {
            Self::Host => {
                "this gateway does not answer to that host name; add it to `hosts` or set `public_url`".into()
            }
            Self::Origin => "web pages of this origin may not call; add it to `origins`".into(),
            Self::HttpMethod => "send POST, GET or DELETE".into(),
            Self::Path => "the path cannot be read in one way only".into(),
            Self::NoServer => "there is no such server here".into(),
            Self::Down(name) => {
                format!("the server {name} is switched off or not answering; try again later")
            }
            Self::Busy => "the gateway is busy; try again".into(),
            Self::Audit => "the gateway cannot write its audit, and does nothing unseen; try again".into(),
            Self::NoToken => {
                "a token is needed in X-Authorization or Authorization (get one with: mcpauth ingress)".into()
            }
            Self::Token(reject) => {
                format!(
                    "the token does not do: {} (get another with: mcpauth ingress --force)",
                    reject.description()
                )
            }
            Self::Credentials(what) => (*what).into(),
            Self::IssuerDown => "the token cannot be checked: its issuer does not answer; try again".into(),
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
            Self::MediaType => "send application/json, not encoded".into(),
            Self::Malformed(malformed) => malformed.to_string(),
            Self::Mismatch(mismatch) => mismatch.to_string(),
            Self::Denied { denial, .. } => match denial {
                Denial::NoScopes => "none of your groups and scopes is known to this gateway's policy",
                Denial::Server => "nothing you were granted is about this server",
                Denial::Method => "you may use this server, but not this method",
                Denial::Name => "you may use this method, but not on this name",
            }
            .into(),
            Self::NoMethod => "MCP has no such method, and the policy names none of its own".into(),
            Self::Session => "there is no such session; initialize again".into(),
            Self::Unreachable => "the server cannot be reached".into(),
            Self::Late => "the server did not answer in time".into(),
            Self::Certificate => {
                "the server's certificate is not trusted where the gateway runs; its log has the remedy"
                    .into()
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
            Self::Unreadable => "the server's list cannot be read, and so not be filtered".into(),
        }
    }

    /// Whether the answer says how to get in.
    pub(super) fn lets_in(&self) -> bool {
        matches!(self, Self::NoToken | Self::Token(_))
    }

    /// What the server did, for the operator's log, where nothing else has said it.
    pub(super) fn fault(&self) -> Option<String> {
        match self {
            Self::Broken(_) | Self::Egress(_) | Self::NoEgress | Self::LongSession(_) | Self::Unreadable => {
                Some(self.message())
            }
            _ => None,
        }
    }

    fn challenge<'a>(&'a self, about: &'a ResponseContext<'a>) -> Option<ChallengeHeader<'a>> {
        match self {
            // RFC 6750 section 3.1: without a token there is no error to name.
            Self::NoToken => Some(ChallengeHeader { error: None, scope: about.scope }),
            Self::Token(reject) => Some(ChallengeHeader {
                error: Some(("invalid_token", reject.description())),
                scope: about.scope,
            }),
            Self::Denied { scope: Some(scope), .. } => {
                let error = ("insufficient_scope", "this call needs another scope");
                Some(ChallengeHeader { error: Some(error), scope: Some(scope) })
            }
            _ => None,
        }
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
            && let Ok(value) = HeaderValue::try_from(challenge.text(about.resource_metadata))
        {
            headers.insert(WWW_AUTHENTICATE, value);
        }
        match self {
            Self::TooMany(seconds) | Self::Guessing(seconds) | Self::IssuerBusy(seconds) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(*seconds));
            }
            Self::Busy | Self::Audit | Self::Crowded | Self::Full | Self::IssuerDown => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::HttpMethod => {
                headers.insert(ALLOW, HeaderValue::from_static("POST, GET, DELETE"));
            }
            // What is left of such a body is not worth reading.
            Self::TooLarge(_) | Self::Slow => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

impl SentCredential {
    /// What there is to say of a 401 of the server's, for the caller and for the operator.
    fn refused(self) -> &'static str {
        match self {
            Self::Nothing => {
                "the server answers 401: it asks for a credential, but is set up to get none; the gateway's operator must correct \
                 auth_type in its file, or set upstreams.NAME.egress"
            }
            Self::File => {
                "the server answers 401: it refuses the headers that its file gives it; the gateway's operator must correct them"
            }
            Self::Callers => {
                "the server answers 401: it refuses the outside credential in Authorization, or got none; get one with: mcpauth \
                 egress --force"
            }
            Self::InItsPlace => {
                "the server answers 401: it got no outside credential; send the gateway's token in X-Authorization and the \
                 outside credential in Authorization (get one with: mcpauth egress)"
            }
            Self::Withheld => {
                "the server answers 401: it asks for the caller's outside credential, which call_tool takes nowhere; call it directly"
            }
            Self::Stored => {
                "the server answers 401: it refuses the credential that the gateway keeps for it; the gateway's operator must get \
                 another with: mcpauth egress --force"
            }
        }
    }
}

impl ChallengeHeader<'_> {
    fn text(&self, resource_metadata: Option<&str>) -> String {
        let mut parts = Vec::new();
        if let Some((error, description)) = self.error {
            parts.push(format!("error=\"{error}\""));
            parts.push(format!("error_description={}", quoted(description)));
        }
        if let Some(url) = resource_metadata {
            parts.push(format!("resource_metadata={}", quoted(url)));
        }
        if let Some(scope) = self.scope {
            parts.push(format!("scope={}", quoted(scope)));
        }
        if parts.is_empty() { "Bearer".into() } else { format!("Bearer {}", parts.join(", ")) }
    }
}

/// RFC 9110 section 5.6.4.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars().filter(|c| !c.is_control()) {
        if c == '"' || c == '\\' {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;
