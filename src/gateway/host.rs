//! Which names the gateway serves: its own host names, against DNS rebinding, and the web origins that may call (MCP
//! 2026-07-28, "Streamable HTTP", security warning). Not here: the refusal (see `refusal`).

use std::net::{IpAddr, SocketAddr};

use hashbrown::HashSet;
use hyper::Uri;
use hyper::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use hyper::http::uri::Authority;
use url::Url;

use super::refusal::Rejection;
use super::settings::GatewaySettings;

/// The names and origins that are accepted.
#[derive(Debug)]
pub(super) struct Hosts {
    /// With and without the ports that are known; any other port is as good.
    names: HashSet<String>,
    origins: HashSet<String>,
    /// On loopback, this machine's pages and all its names are accepted.
    loopback: bool,
    /// On all addresses any of them may be meant. No page can resolve its own name to a number.
    numbers: bool,
}

/// This machine's own names (RFC 6761 section 6.3).
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

impl Hosts {
    pub(super) fn new(settings: &GatewaySettings, public_url: &str) -> Self {
        let loopback = settings.listen.ip().is_loopback();
        let mut names: HashSet<String> =
            settings.hosts.iter().map(|name| name.to_ascii_lowercase()).collect();
        let mut origins: HashSet<String> =
            settings.origins.iter().map(|origin| origin.trim_end_matches('/').to_ascii_lowercase()).collect();
        let mut ports = vec![settings.listen.port()];
        if let Ok(url) = Url::parse(public_url) {
            names.extend(url.host_str().map(str::to_owned));
            ports.extend(url.port());
            origins.insert(url.origin().ascii_serialization());
        }
        if !settings.listen.ip().is_unspecified() {
            let ip = settings.listen.ip();
            names.insert(if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() });
        }
        if loopback {
            names.extend(LOCAL.map(str::to_owned));
        }
        // As most clients write them, so that nothing of theirs has to be taken apart.
        let written = |port: &u16| names.iter().map(move |name| format!("{name}:{port}")).collect::<Vec<_>>();
        let written: Vec<String> = ports.iter().flat_map(written).collect();
        names.extend(written);
        Self { names, origins, loopback, numbers: false }
    }

    /// The names of another listener of the same gateway, which only programs use.
    pub(super) fn of_programs(settings: &GatewaySettings, public_url: &str, listen: SocketAddr) -> Self {
        let there = GatewaySettings { listen, origins: Vec::new(), ..settings.clone() };
        Self { numbers: listen.ip().is_unspecified(), ..Self::new(&there, public_url) }
    }

    /// Whether the request was sent to this gateway, by a program or by a page that may call. The origin of such a
    /// page is returned, for the answer to repeat.
    ///
    /// # Errors
    /// [`Rejection::Host`], [`Rejection::Origin`].
    pub(super) fn check<'h>(
        &self,
        uri: &Uri,
        headers: &'h HeaderMap,
    ) -> Result<Option<&'h HeaderValue>, Rejection> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok()).ok_or(Rejection::Host)?;
        if hosts.next().is_some() || !self.is_ours(host) {
            return Err(Rejection::Host);
        }
        // A target in absolute form takes precedence over `Host` (RFC 9112 section 3.2.2).
        if uri.authority().is_some_and(|authority| !self.is_ours(authority.as_str())) {
            return Err(Rejection::Host);
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Ok(None),
            (Some(origin), None) if self.may_call(origin) => Ok(Some(origin)),
            _ => Err(Rejection::Origin),
        }
    }

    fn is_ours(&self, host: &str) -> bool {
        if self.names.contains(host) {
            return true;
        }
        let Ok(authority) = host.parse::<Authority>() else { return false };
        let name = authority.host().to_ascii_lowercase();
        let number = || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        !host.contains('@') && (self.names.contains(&name) || self.numbers && number())
    }

    fn may_call(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        let origin = origin.to_ascii_lowercase();
        let local = || {
            let url = Url::parse(&origin).ok()?;
            let host = url.host_str()?;
            Some(matches!(url.scheme(), "http" | "https") && LOCAL.contains(&host))
        };
        let of_scheme = || {
            let (scheme, host) = origin.split_once("://")?;
            Some(!host.is_empty() && self.origins.contains(&format!("{scheme}://*")))
        };
        self.origins.contains(&origin)
            || of_scheme().unwrap_or(false)
            || self.loopback && local().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(listen: &str, host: &str, origin: Option<&str>) -> Result<bool, &'static str> {
        let settings = GatewaySettings {
            listen: listen.parse().unwrap(),
            hosts: vec!["Internal.test".into()],
            origins: vec!["https://app.test".into(), "vscode-webview://*".into()],
            ..GatewaySettings::default()
        };
        let hosts = Hosts::new(&settings, "https://gw.test");
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        hosts.check(&Uri::from_static("/x"), &headers).map(|o| o.is_some()).map_err(|r| r.reason())
    }

    #[test]
    fn only_our_names_and_our_pages_are_answered() {
        let loopback = "127.0.0.1:8080";
        let open = "0.0.0.0:8080";
        for (listen, host, origin, expected) in [
            (loopback, "localhost:8080", None, Ok(false)),
            (loopback, "LOCALHOST", None, Ok(false)),
            (loopback, "127.0.0.1:9", None, Ok(false)),
            (loopback, "[::1]:8080", None, Ok(false)),
            (loopback, "gw.test", None, Ok(false)),
            (loopback, "internal.test:1", None, Ok(false)),
            (loopback, "evil.test", None, Err("host")),
            (loopback, "localhost.evil.test", None, Err("host")),
            (loopback, "localhost@evil.test", None, Err("host")),
            (loopback, "evil.test@localhost", None, Err("host")),
            (loopback, "localhost:8080", Some("http://localhost:3000"), Ok(true)),
            (loopback, "localhost:8080", Some("http://evil.test"), Err("origin")),
            (loopback, "localhost:8080", Some("null"), Err("origin")),
            (loopback, "localhost:8080", Some("https://gw.test"), Ok(true)),
            (open, "localhost", None, Err("host")),
            (open, "gw.test", Some("https://app.test"), Ok(true)),
            (open, "gw.test", Some("http://app.test"), Err("origin")),
            (open, "gw.test", Some("http://localhost"), Err("origin")),
            (open, "gw.test", Some("vscode-webview://1a2b3c"), Ok(true)),
            (open, "gw.test", Some("VSCODE-webview://1A2B3C"), Ok(true)),
            (open, "gw.test", Some("vscode-webview://"), Err("origin")),
            (open, "gw.test", Some("vscode-webview:1a2b3c"), Err("origin")),
            (open, "gw.test", Some("moz-extension://1a2b3c"), Err("origin")),
            (open, "gw.test", Some("null"), Err("origin")),
        ] {
            assert_eq!(check(listen, host, origin), expected, "{listen} {host} {origin:?}");
        }
    }

    #[test]
    fn two_hosts_or_a_foreign_absolute_target_are_nobodys() {
        let hosts = Hosts::new(&GatewaySettings::default(), "http://127.0.0.1:8080");
        let mut headers = HeaderMap::new();
        assert!(hosts.check(&Uri::from_static("/x"), &headers).is_err());
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        assert!(hosts.check(&Uri::from_static("http://evil.test/x"), &headers).is_err());
        assert!(hosts.check(&Uri::from_static("http://localhost/x"), &headers).is_ok());
        headers.append(HOST, HeaderValue::from_static("localhost"));
        assert!(hosts.check(&Uri::from_static("/x"), &headers).is_err());
    }
}
