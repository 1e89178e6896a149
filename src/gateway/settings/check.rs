//! Validates settings: finds everything that is wrong, at once.

use std::collections::HashSet;

use hyper::header::HeaderName;
use url::Url;

use super::{EgressMode, GatewaySettings, is_variable};
use crate::problem::Problem;
use crate::sys::address::{NotWeb, web_url};
use crate::sys::http::is_loopback;

impl GatewaySettings {
    /// Every invalid value, in the order of the file's keys. No file is opened.
    pub fn validate(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        self.check_addresses(&mut found);
        if self.issuers.is_empty() {
            found.push(Problem::error(
                "issuers",
                "there are none, so no token can be accepted",
                "name the authorization server: issuers: [{issuer: https://..., audience: [...]}]",
            ));
        }
        self.check_proxies(&mut found);
        let mut seen = HashSet::new();
        for (place, issuer) in self.issuers.iter().enumerate() {
            let at = format!("issuers[{place}]");
            issuer.check(&at, self.allow_http, &mut found);
            if !seen.insert(&issuer.issuer) {
                found.push(Problem::error(
                    format!("{at}.issuer"),
                    "is listed twice, so it is not clear which rules apply",
                    "merge the audiences and clients of both into one",
                ));
            }
        }
        self.check_search(&mut found);
        self.check_vending(&mut found);
        self.face.iter().for_each(|face| face.check(self, &mut found));
        self.check_upstreams(&mut found);
        self.limits.check(&mut found);
        self.check_rest(&mut found);
        found
    }

    /// `listen`, `admin`, `public_url`, `hosts` and `origins`.
    fn check_addresses(&self, found: &mut Vec<Problem>) {
        if !self.listen.ip().is_loopback() && self.tls.is_none() && self.public_url.is_none() {
            found.push(Problem::remark(
                "listen",
                "other machines can connect, and tokens would cross the network over plain http",
                "set tls, or public_url if a proxy in front of the gateway terminates TLS",
            ));
        }
        // Port 0 is a free port, different each time.
        if self.admin == Some(self.listen) && self.listen.port() != 0 {
            found.push(Problem::error("admin", "is the same address as listen", "give it a port of its own"));
        }
        if self.admin.is_some_and(|at| !at.ip().is_loopback()) {
            found.push(Problem::remark(
                "admin",
                "other machines can read the metrics, which name servers and tools",
                "listen on 127.0.0.1, or restrict access in the network",
            ));
        }
        if let Some(text) = &self.public_url {
            found.extend(check_public_url("public_url", text));
        }
        for (place, host) in self.hosts.iter().enumerate() {
            let url = Url::parse(&format!("http://{host}/"));
            if host.contains(['/', '@', '?', '#']) || url.is_err() {
                found.push(Problem::error(
                    format!("hosts[{place}]"),
                    "is not a host name",
                    "write it as in gateway.example.com, without http:// and path",
                ));
            }
        }
        for (place, origin) in self.origins.iter().enumerate() {
            if !is_origin(origin) {
                found.push(Problem::error(
                    format!("origins[{place}]"),
                    "is not a web origin",
                    "write it as browsers do, as in https://app.example.com or tauri://localhost, without a slash at the end",
                ));
            }
        }
    }

    /// Any client could then claim any address.
    fn check_proxies(&self, found: &mut Vec<Problem>) {
        for place in
            (0..).zip(&self.trusted_proxies).filter(|(_, one)| one.is_everything()).map(|(place, _)| place)
        {
            found.push(Problem::remark(
                format!("trusted_proxies[{place}]"),
                "covers every address, so any client could forge its own",
                "name the proxies' own addresses or their network",
            ));
        }
    }

    /// The gateway as an issuer. Its tokens must not pass for another's, and their verifiers must find its keys.
    fn check_vending(&self, found: &mut Vec<Problem>) {
        let Some(vending) = &self.vending else { return };
        let remedy = "name the gateway's own address, as in https://gateway.example.com";
        let issuer = vending.issuer.as_str();
        let what = match fetchable(issuer, self.allow_http) {
            Err(what) => Some(what),
            Ok(()) if issuer.contains(['?', '#']) => Some("has a query or fragment (RFC 8414 section 2)"),
            Ok(()) if self.issuers.iter().any(|other| other.issuer == issuer) => {
                Some("is one of issuers, whose tokens would pass for the gateway's own")
            }
            Ok(()) => None,
        };
        if let Some(what) = what {
            return found.push(Problem::error("vending.issuer", what, remedy));
        }
        let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
        // Port 0 is a free one, which nobody can name before.
        let is_known = self.public_url.is_some() || self.listen.port() != 0;
        if is_known && origin(issuer) != origin(&self.address()) {
            let what = "is not at the gateway's address, where clients look for its keys and token endpoint";
            found.push(Problem::remark("vending.issuer", what, remedy));
        }
    }

    fn check_upstreams(&self, found: &mut Vec<Problem>) {
        for (name, upstream) in &self.upstreams {
            let at = format!("upstreams.{name}");
            if name.is_empty() || name.trim_matches('/') != name {
                found.push(Problem::error(
                    &at,
                    "has slashes around it",
                    "name the server without them, as in currenttime",
                ));
            }
            if upstream.credential.is_some() && upstream.egress != Some(EgressMode::Stored) {
                found.push(Problem::error(
                    format!("{at}.credential"),
                    "is only used with egress: stored",
                    "set egress: stored, or remove it",
                ));
            }
            for header in upstream.headers.iter().flatten() {
                if HeaderName::from_bytes(header.as_bytes()).is_err() {
                    found.push(Problem::error(
                        format!("{at}.headers"),
                        format!("{:?} is not a header name", header.escape_debug().to_string()),
                        "correct it",
                    ));
                }
            }
        }
    }

    fn check_rest(&self, found: &mut Vec<Problem>) {
        if self.health.interval > 0 && self.health.failures == 0 {
            found.push(Problem::error(
                "health.failures",
                "is 0, so every server would count as unhealthy",
                "set 1 or more",
            ));
        }
        if let Some(name) = self.header_variables.iter().find(|name| !is_variable(name)) {
            found.push(Problem::error(
                "header_variables",
                format!(
                    "{:?} is not a variable name; patterns are not supported",
                    name.escape_debug().to_string()
                ),
                "name each variable as servers' files do, without $",
            ));
        }
        if self.audit.is_empty() {
            found.push(Problem::error("audit", "is empty", "name a file, - for stdout, or off"));
        }
        if self.workers == Some(0) {
            found.push(Problem::error("workers", "is 0", "set 1 or more, or remove it for one per core"));
        }
    }
}

/// Whether a text is an origin as browsers write it. `*` and `null` are not URLs: any page could be either. So could
/// a page of a scheme without hosts.
fn is_origin(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let web = url.origin().ascii_serialization();
    // Programs with pages of their own: the URL standard has no origin for them, and browsers write scheme and host. Some make
    // up a new host each time, so all of a scheme can be listed.
    let own = || {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = url.host_str().filter(|host| match *host {
            "*" => url.port().is_none(),
            host => !host.is_empty() && !host.contains('*'),
        });
        host.map(|host| format!("{}://{host}{port}", url.scheme()))
    };
    if url.origin().is_tuple() {
        web == text && !text.contains('*')
    } else {
        url.scheme() != "file" && own().as_deref() == Some(text)
    }
}

/// First segments of the gateway's own addresses.
const OWN_PATHS: [&str; 5] = [".well-known", "api", "healthz", "oauth2", "readyz"];

pub(super) fn check_public_url(at: &str, text: &str) -> Option<Problem> {
    let remedy = "write the address that clients type, as in https://gateway.example.com";
    let url = match web_url(text) {
        Ok(url) => url,
        Err(error) => return Some(Problem::error(at, error.words(), remedy)),
    };
    if url.query().is_some() || url.fragment().is_some() {
        return Some(Problem::error(at, "has a query or fragment", remedy));
    }
    // As written: reading it as a URL resolves dot segments.
    let path = text.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    let is_read_so = path.trim_end_matches('/') == url.path().trim_matches('/');
    if !is_read_so || !path.is_empty() && !path.trim_end_matches('/').split('/').all(is_plain) {
        let what = "has a path that proxies could read in several ways";
        return Some(Problem::error(at, what, "use segments of letters, digits, - _ . and ~ only"));
    }
    // It is removed wherever a path begins with it.
    if path.split('/').next().is_some_and(|first| OWN_PATHS.contains(&first)) {
        return Some(Problem::error(at, "has a path that the gateway needs for itself", "use another path"));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        let what = "is plain http, so clients would send their tokens in clear text";
        return Some(Problem::remark(at, what, "use https, with tls or a proxy in front of the gateway"));
    }
    None
}

/// Whether a segment of a path is the same in every spelling (RFC 3986 section 2.3).
fn is_plain(segment: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    !segment.trim_matches('.').is_empty() && segment.bytes().all(plain)
}

/// Whether keys, metadata and secrets can be exchanged with this address: an attacker who can modify its answers can
/// make tokens.
pub(super) fn fetchable(text: &str, allow_http: bool) -> Result<(), &'static str> {
    let url = web_url(text).map_err(NotWeb::words)?;
    if url.scheme() == "https" || allow_http || is_loopback(&url) {
        return Ok(());
    }
    Err("is plain http to another machine")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "issuers: [{issuer: 'https://i.example.com', audience: [mcp]}]\n";

    fn problems(yaml: &str) -> Vec<String> {
        let settings: GatewaySettings = serde_saphyr::from_str(yaml).unwrap();
        let word = |problem: &Problem| if problem.is_error() { "error" } else { "remark" };
        settings.validate().iter().map(|problem| format!("{} {problem}", word(problem))).collect()
    }

    #[test]
    fn good_settings_have_no_problems() {
        let good = [
            GOOD,
            "issuers: [{issuer: 'http://127.0.0.1:9/realms/a', kind: keycloak, clients: [c]}]",
            "issuers: [{issuer: 'https://i'}]",
            "issuers: [{issuer: 'https://i', kind: keycloak, scopes: [mcp]}]",
            "issuers: [{issuer: 'https://i', clients: [c]}]",
            "issuers: [{issuer: 'http://idp:9', audience: [a]}]\nallow_http: true",
            "issuers: [{issuer: 'https://c', kind: cognito, clients: [c]}, {issuer: 'https://d', audience: [d]}]",
            "issuers: [{issuer: 'https://i', clients: [c], algorithms: [], introspection: {client_id: g, client_secret: f}}]",
        ];
        for yaml in good {
            assert_eq!(problems(yaml), Vec::<String>::new(), "{yaml}");
        }
        let more = [
            "listen: 0.0.0.0:443\ntls: {certificate: c, key: k}",
            "listen: 0.0.0.0:8080\npublic_url: https://gateway.example.com/",
            "public_url: http://localhost:8080",
            "public_url: https://gateway.example.com/tools/mcp-gw_1.0~/",
            "hosts: [gw.example.com, 'gw:8443', '[::1]']\norigins: ['https://app.example.com', 'http://localhost:6274']",
            "origins: ['chrome-extension://abcdefghijklmnopabcdefghijklmnop', 'tauri://localhost', 'app://obsidian.md']",
            "origins: ['vscode-webview://0f1e2d3c4b5a', 'moz-extension://*', 'capacitor://localhost:1']",
            "upstreams: {currenttime: {egress: stored, credential: x, headers: [X-A]}, a/b: {egress: none}}",
            "admin: 127.0.0.1:9090\nhealth: {interval: 0, failures: 0}\nlimits: {keep_alive_interval: 0}",
        ];
        for yaml in more {
            assert_eq!(problems(&format!("{GOOD}{yaml}")), Vec::<String>::new(), "{yaml}");
        }
    }

    #[test]
    fn an_issuer_whose_tokens_could_be_for_others_is_refused() {
        let cases = [
            (
                "kind: cognito",
                "clients: is missing; a Cognito access token names only its client, so any app of the pool would be accepted",
            ),
            (
                "kind: cognito, audience: [a]",
                "clients: is missing; a Cognito access token names only its client, so any app of the pool would be accepted",
            ),
            (
                "kind: keycloak, audience: [account]",
                "audience: has account, which Keycloak puts into everyone's tokens",
            ),
            ("audience: [a, '']", "audience: has an empty entry"),
            ("audience: [a], leeway: 61", "leeway: is more than a minute"),
            ("audience: [a], algorithms: []", "algorithms: is empty, so no signature could be verified"),
            ("audience: [a], jwks_uri: 'http://k/'", "jwks_uri: is plain http to another machine"),
            (
                "audience: [a], introspection: {client_id: '', client_secret: f}",
                "introspection.client_id: is empty",
            ),
        ];
        for (rules, expected) in cases {
            let yaml = format!("issuers: [{{issuer: 'https://i', {rules}}}]");
            assert_eq!(problems(&yaml), [format!("error issuers[0].{expected}")], "{rules}");
        }
    }

    #[test]
    fn an_issuer_is_an_https_url() {
        let cases = [
            ("http://idp:8080/realms/a", "is plain http to another machine"),
            ("idp", "is not a URL"),
            ("ftp://idp", "is not an http or https URL"),
            ("https://u:p@idp", "has a user name or password in it"),
            ("https://idp?x", "has a query or fragment (RFC 8414 section 2)"),
        ];
        for (issuer, expected) in cases {
            let yaml = format!("issuers: [{{issuer: '{issuer}', audience: [a]}}]");
            assert_eq!(problems(&yaml), [format!("error issuers[0].issuer: {expected}")]);
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let yaml = "
listen: 0.0.0.0:80
admin: 0.0.0.0:80
public_url: gateway.example.com
hosts: ['https://gw']
origins: ['*', 'https://app/', 'null']
issuers: [{issuer: 'https://i', audience: [a]}, {issuer: 'https://i', audience: [b]}]
upstreams: {/a: {credential: c, headers: ['a b']}}
limits: {max_request_bytes: 0, max_header_bytes: 10, connect_timeout: 0}
health: {failures: 0}
audit: ''
workers: 0
";
        let expected = [
            "error admin: is the same address as listen",
            "remark admin: other machines can read the metrics, which name servers and tools",
            "error public_url: is not a URL",
            "error hosts[0]: is not a host name",
            "error origins[0]: is not a web origin",
            "error origins[1]: is not a web origin",
            "error origins[2]: is not a web origin",
            "error issuers[1].issuer: is listed twice, so it is not clear which rules apply",
            "error upstreams./a: has slashes around it",
            "error upstreams./a.credential: is only used with egress: stored",
            "error upstreams./a.headers: \"a b\" is not a header name",
            "error limits.max_request_bytes: is 0, so no request would be served",
            "error limits.connect_timeout: is 0, so no request would be served",
            "error limits.max_header_bytes: is less than 8192, too little for most tokens",
            "error health.failures: is 0, so every server would count as unhealthy",
            "error audit: is empty",
            "error workers: is 0",
        ];
        assert_eq!(problems(yaml), expected);
        assert_eq!(problems("{}"), ["error issuers: there are none, so no token can be accepted"]);
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for origin in [
            "*",
            "null",
            "",
            "app.test",
            "https://app.test/",
            "https://app.test/x",
            "https://APP.test",
            "https://app.test:443",
            "https://u@app.test",
            "https://*.app.test",
            "tauri://localhost/",
            "tauri://u@localhost",
            "tauri://localhost?x",
            "tauri://*.localhost",
            "tauri://*/",
            "https://*",
            "file://*",
            "vscode-webview://",
            "chrome-extension:abc",
            "file:///x",
            "file://host",
            "data:text/html,x",
            "about:blank",
            "blob:https://app.test",
        ] {
            let found = problems(&format!("{GOOD}origins: ['{origin}']"));
            assert_eq!(found, ["error origins[0]: is not a web origin"], "{origin}");
        }
    }

    #[test]
    fn a_public_address_is_an_origin_and_a_plain_path() {
        const AMBIGUOUS: &str = "error public_url: has a path that proxies could read in several ways";
        let cases = [
            ("https://gw?x", "error public_url: has a query or fragment"),
            ("https://gw/a#", "error public_url: has a query or fragment"),
            ("https://gw/a//b", AMBIGUOUS),
            ("https://gw//", AMBIGUOUS),
            ("https://gw/a%2fb", AMBIGUOUS),
            ("https://gw/a/../b", AMBIGUOUS),
            ("https://gw/a;b", AMBIGUOUS),
            ("https:/gw/a", AMBIGUOUS),
            (r"'https://gw\a'", AMBIGUOUS),
            ("https://gw/oauth2/", "error public_url: has a path that the gateway needs for itself"),
            ("https://u:p@gw", "error public_url: has a user name or password in it"),
            ("ws://gw", "error public_url: is not an http or https URL"),
            (
                "http://gw",
                "remark public_url: is plain http, so clients would send their tokens in clear text",
            ),
        ];
        for (url, expected) in cases {
            assert_eq!(problems(&format!("{GOOD}public_url: {url}")), [expected], "{url}");
        }
        assert_eq!(
            problems(&format!("{GOOD}listen: '[::]:80'")),
            ["remark listen: other machines can connect, and tokens would cross the network over plain http"]
        );
    }
}
