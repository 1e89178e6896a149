//! Which headers pass, in both directions: those that carry or describe the caller's identity never do, those of one
//! connection never do, everything else that MCP and tracing need does. Not here: sessions and egress credentials,
//! which replace headers (see `forward`).

use std::collections::HashSet;

use hyper::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};
use memchr::memmem;

pub(super) use self::names::is_bound;
use self::names::{is_claim, is_credential_or_claim, is_not_back};

mod names;

/// Which of a request's headers are forwarded.
pub(super) struct Onward<'a> {
    /// The caller's token. No header that contains it passes, whatever its name.
    pub(super) token: &'a [u8],
    /// Whether the caller's own `Authorization` is for the server.
    pub(super) authorization: bool,
    /// Whether the server takes the caller's own credentials, in whatever header.
    pub(super) credentials: bool,
    /// If set, the only other headers that pass.
    pub(super) listed: Option<&'a HashSet<HeaderName>>,
}

/// The identity headers that clients send to the gateway: it reads them itself.
const OWN: [&str; 6] =
    ["x-authorization", "x-client-id", "x-keycloak-realm", "x-keycloak-url", "x-region", "x-user-pool-id"];
/// Headers that always pass: the protocol's own.
const ALWAYS: [&str; 9] = [
    "accept",
    "accept-language",
    "authorization",
    "content-type",
    "last-event-id",
    "traceparent",
    "tracestate",
    "baggage",
    "user-agent",
];
impl Onward<'_> {
    /// Removes from a request what must not reach the server.
    pub(super) fn filter_request_headers(&self, headers: &mut HeaderMap) {
        let named = named_by_connection(headers);
        let stays = |name: &HeaderName, value: &HeaderValue| {
            self.passes(name, value) && !named.as_ref().is_some_and(|named| named.contains(name))
        };
        let gone: Vec<HeaderName> = headers
            .iter()
            .filter(|(name, value)| !stays(name, value))
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            headers.remove(name);
        }
    }

    fn passes(&self, name: &HeaderName, value: &HeaderValue) -> bool {
        let text = name.as_str();
        let may = match text {
            "authorization" => self.authorization,
            _ => is_one_name(text) && !is_bound(text) && !is_claim(text),
        };
        may && self.is_listed(name) && !holds(value, self.token)
    }

    fn is_listed(&self, name: &HeaderName) -> bool {
        let text = name.as_str();
        let Some(listed) = self.listed else { return self.credentials || !is_credential_or_claim(text) };
        is_protocols(text) || listed.contains(name)
    }
}

/// Removes from an answer what must not reach the client.
pub(super) fn filter_response_headers(headers: &mut HeaderMap) {
    let named = named_by_connection(headers);
    // Nearly every answer has this one, and no other.
    headers.remove(CONNECTION);
    loop {
        let gone = headers.keys().find(|name| {
            let text = name.as_str();
            // The length stays: the body is passed on unchanged.
            text != "content-length" && is_bound(text)
                || is_not_back(text)
                || text.starts_with("access-control-")
                || text.starts_with("proxy-")
                || named.as_ref().is_some_and(|named| named.contains(*name))
        });
        let Some(gone) = gone.cloned() else { return };
        headers.remove(gone);
    }
}

/// Whether the header is one of MCP, or of HTTP as MCP uses it.
fn is_protocols(name: &str) -> bool {
    name.starts_with("mcp-") || ALWAYS.contains(&name)
}

/// Whether every program reads the name as the same one: `X_User`, `X.User` and `X-User` are one variable to a CGI, WSGI
/// or PHP program.
fn is_one_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether a web page may send a header with this name: whatever passes, and what is for the gateway itself.
pub(super) fn may_come_from_a_page(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let passes = is_one_name(&name) && !is_bound(&name) && !is_claim(&name);
    !name.is_empty() && (passes || OWN.contains(&name.as_str()))
}

fn holds(value: &HeaderValue, token: &[u8]) -> bool {
    value.len() >= token.len() && memmem::find(value.as_bytes(), token).is_some()
}

/// What `Connection` names also belongs to the connection (RFC 9110 section 7.6.1).
fn named_by_connection(headers: &HeaderMap) -> Option<HashSet<HeaderName>> {
    let mut named = HashSet::new();
    for value in headers.get_all(CONNECTION) {
        for word in value.to_str().unwrap_or_default().split(',') {
            let word = word.trim();
            if !word.eq_ignore_ascii_case("keep-alive") && !word.eq_ignore_ascii_case("close") {
                named.extend(word.parse::<HeaderName>());
            }
        }
    }
    // No one on the way may remove what is intended for the other end: without its version or type a message is not the
    // one that was decided on.
    named.retain(|name| !is_protocols(name.as_str()));
    (!named.is_empty()).then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn onward(onward: &Onward<'_>, headers: &[(&str, &str)]) -> Vec<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        onward.filter_request_headers(&mut map);
        let mut passed: Vec<String> = map.keys().map(|name| name.as_str().to_owned()).collect();
        passed.sort();
        passed
    }

    const PLAIN: Onward<'_> =
        Onward { token: b"TOKEN", authorization: true, credentials: true, listed: None };

    #[test]
    fn identity_and_connection_headers_stop_here_and_the_protocols_pass() {
        let headers = [
            ("x-authorization", "Bearer TOKEN"),
            ("x-user-pool-id", "p"),
            ("x-client-id", "c"),
            ("x-region", "r"),
            ("cookie", "mcp_gateway_session=1"),
            ("x-user", "root"),
            ("x_user", "root"),
            ("x_forwarded_for", "1.2.3.4"),
            ("mcp_session_id", "stolen"),
            ("mcp_session-id", "stolen"),
            ("mcp-session_id", "stolen"),
            ("x_anything", "1"),
            ("_", "1"),
            ("x.user", "root"),
            ("mcp.session.id", "stolen"),
            ("x~user", "root"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-original-uri", "/"),
            ("x-body", "{}"),
            ("connection", "keep-alive, X-Hop"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("content-length", "2"),
            ("host", "gw"),
            ("authorization", "Bearer egress"),
            ("x-demo-cloud-id", "cloud-1"),
            ("mcp-session-id", "s"),
            ("mcp-param-region", "eu"),
            ("mcp-protocol-version", "2026-07-28"),
            ("traceparent", "00-1"),
            ("accept-encoding", "gzip"),
        ];
        let expected = [
            "accept-encoding",
            "authorization",
            "mcp-param-region",
            "mcp-protocol-version",
            "mcp-session-id",
            "traceparent",
            "x-demo-cloud-id",
        ];
        assert_eq!(onward(&PLAIN, &headers), expected);
    }

    #[test]
    fn what_a_proxy_says_does_not_pass_from_a_client() {
        let named = "X-HTTP-Method-Override X-HTTP-Method X-Method-Override X-Method HTTP-Method-Override \
                     X-Rewrite-URL X-Original-URL X-Original-Method X-Original-URI X-Forwarded-For X-Forwarded-Host \
                     X-Forwarded-Proto X-Forwarded-Prefix X-Forwarded-Client-Cert X-Forwarded Forwarded X-Real-IP \
                     True-Client-IP CF-Connecting-IP CF-Access-Jwt-Assertion X-Client-IP X-Cluster-Client-IP \
                     X-Envoy-External-Address X-Envoy-Original-Path X-ProxyUser-Ip Client-IP Via Proxy Remote-User \
                     Remote-Addr X-Remote-Addr X-Host X-HTTP-Host-Override X-Originating-IP SSL-Client-Cert \
                     Cluster-Client-IP Real-IP X-True-IP X-Source-IP Uri Url X-Path X-Override-Method X-Scheme \
                     X-Script-Name Path-Info X-Matched-Path X-Invoke-Path Impersonate-User Impersonate-Extra-scopes \
                     X-Auth-User X-Auth-Groups X-Authenticated-Userid X-Credential-Identifier X-Jwt-Payload \
                     OIDC-Claim-Sub X-Endpoint-API-UserInfo X-Apigateway-Api-Userinfo X-Amzn-Request-Context \
                     X-Service-Name X-Server-Name X-Tool-Name X-Amzn-Mtls-Clientcert X-Vercel-Forwarded-For X-Nf-Client-Connection-Ip Akamai-Client-IP \
                     Teleport-Jwt-Assertion X-Client-Dn X-Tls-Client-Cert X-Kong-Upstream X-Roles X-Group";
        for name in named.split_whitespace() {
            assert_eq!(onward(&PLAIN, &[(name, "1"), ("x-other", "1")]), ["x-other"], "{name}");
        }
        // Services take these as credentials, or with one. To any other server they say who the caller is.
        let without = Onward { credentials: false, ..PLAIN };
        for name in ["x-auth-email", "x-auth-key", "x-auth-token", "x-user-email", "x-user-id", "x-email"] {
            assert_eq!(onward(&PLAIN, &[(name, "1")]), [name]);
            assert!(onward(&without, &[(name, "1")]).is_empty(), "{name}");
            let listed = HashSet::from([HeaderName::from_static(name)]);
            assert_eq!(onward(&Onward { listed: Some(&listed), ..without }, &[(name, "1")]), [name]);
        }
        assert_eq!(onward(&without, &[("x-access-token", "1")]), ["x-access-token"]);
    }

    #[test]
    fn a_page_may_send_what_passes_and_what_is_for_the_gateway() {
        for name in
            ["mcp-param-region", "traceparent", "X-Client-Id", "x-authorization", "authorization", "x-a"]
        {
            assert!(may_come_from_a_page(name), "{name}");
        }
        for name in ["", "x-user", "X-Forwarded-For", "cookie", "host", "x_client_id", "a b", "*", "x-scopes"]
        {
            assert!(!may_come_from_a_page(name), "{name}");
        }
        assert!(OWN.iter().all(|name| is_claim(name)));
    }

    #[test]
    fn the_token_passes_under_no_name() {
        let headers =
            [("authorization", "Bearer TOKEN"), ("x-api-key", "prefix-TOKEN-suffix"), ("x-short", "TOKE")];
        assert_eq!(onward(&PLAIN, &headers), ["x-short"]);
    }

    #[test]
    fn a_list_lets_the_protocols_headers_through_and_no_other() {
        let listed = HashSet::from([HeaderName::from_static("x-demo-cloud-id")]);
        let rule = Onward { listed: Some(&listed), authorization: false, ..PLAIN };
        let headers = [
            ("authorization", "Bearer egress"),
            ("x-demo-cloud-id", "c"),
            ("x-other", "o"),
            ("mcp-method", "ping"),
            ("accept", "*/*"),
        ];
        assert_eq!(onward(&rule, &headers), ["accept", "mcp-method", "x-demo-cloud-id"]);
    }

    #[test]
    fn an_answer_does_not_speak_for_the_gateway() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("set-cookie", "a=1"),
            ("www-authenticate", "Bearer resource_metadata=\"http://evil\""),
            ("access-control-allow-origin", "*"),
            ("alt-svc", "h3=\":443\""),
            ("x-accel-redirect", "/internal/secret"),
            ("x-accel-limit-rate", "1"),
            ("x-sendfile", "/etc/passwd"),
            ("x-reproxy-url", "http://evil"),
            ("refresh", "0;url=http://evil"),
            ("reporting-endpoints", "a=\"http://evil\""),
            ("service-worker-allowed", "/"),
            ("connection", "x-internal"),
            ("x-internal", "1"),
            ("content-type", "application/json"),
            ("content-length", "2"),
            ("cache-control", "no-store"),
        ] {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        filter_response_headers(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["cache-control", "content-length", "content-type"]);
    }
}
