//! What `-v` prints about an HTTP exchange: what was requested and answered and how long it took, and below that
//! the headers. No query, no body, and of a header that may hold a secret no value. Not here: sending (see
//! `http`).

use std::time::Instant;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request, Response};
use tracing::{Level, debug, enabled, trace};
use url::Url;

use crate::sys::address::shown as shown_address;

/// Headers whose values are shown: they describe a message's format, and nothing about its sender or its content.
const SHOWN: [&str; 19] = [
    "accept",
    "accept-encoding",
    "allow",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "host",
    "mcp-method",
    "mcp-protocol-version",
    "retry-after",
    "server",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
];
const REDACTED: &str = "[redacted]";

/// One exchange under way, if somebody listens.
#[derive(Debug)]
pub(super) struct Exchange {
    method: Method,
    url: Url,
    began: Instant,
    /// What was sent and is not shown: some servers repeat it.
    hidden: Vec<String>,
}

/// A shorter word is none that anybody keeps secret.
const SHORTEST_SECRET: usize = 8;

impl Exchange {
    /// What is about to be sent.
    pub(super) fn begin(request: &Request) -> Option<Self> {
        if !enabled!(Level::DEBUG) {
            return None;
        }
        let headers = request.headers();
        tell(">", headers, &[]);
        let values = headers.iter().filter(|(name, value)| !is_shown(name, value));
        let values = values.map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let hidden = values.flat_map(|value| value.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let hidden = hidden.filter(|word| word.len() >= SHORTEST_SECRET).collect();
        let (method, url) = (request.method().clone(), request.url().clone());
        Some(Self { method, url, began: Instant::now(), hidden })
    }

    /// The outcome; an error is reported by the caller.
    pub(super) fn end(self, sent: &Result<Response, reqwest::Error>) {
        let (place, method) = (shown_address(&self.url), self.method);
        let took = self.began.elapsed().as_millis();
        match sent {
            Ok(response) => {
                debug!("{method} {place}: {} in {took} ms", response.status().as_u16());
                tell("<", response.headers(), &self.hidden);
            }
            Err(_) => debug!("{method} {place}: no answer after {took} ms"),
        }
    }
}

fn tell(direction: &str, headers: &HeaderMap, hidden: &[String]) {
    if enabled!(Level::TRACE) {
        headers.iter().for_each(|(name, value)| trace!("{direction} {name}: {}", shown(name, value, hidden)));
    }
}

fn is_shown(name: &HeaderName, value: &HeaderValue) -> bool {
    SHOWN.contains(&name.as_str()) && !value.is_sensitive()
}

fn shown(name: &HeaderName, value: &HeaderValue, hidden: &[String]) -> String {
    let text = String::from_utf8_lossy(value.as_bytes());
    let repeats = hidden.iter().any(|word| text.contains(word.as_str()));
    if is_shown(name, value) && !repeats { text.into_owned() } else { REDACTED.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_told() {
        let url = Url::parse("https://u:hunter2@h.test:8443/mcp?key=hunter2#hunter2").unwrap();
        assert_eq!(shown_address(&url), "https://h.test:8443/mcp");
        for (name, value, expected) in [
            ("content-type", "application/json", "application/json"),
            ("authorization", "Bearer hunter2", REDACTED),
            ("x-authorization", "Bearer hunter2", REDACTED),
            ("set-cookie", "a=hunter2", REDACTED),
            ("location", "https://h.test/?code=hunter2", REDACTED),
            ("mcp-session-id", "hunter2", REDACTED),
            ("mcp-param-key", "hunter2", REDACTED),
            ("x-api-key", "hunter2", REDACTED),
            ("dpop", "hunter2", REDACTED),
            ("www-authenticate", "Bearer error=hunter2", REDACTED),
            ("server", "you sent long-secret", REDACTED),
        ] {
            let value = HeaderValue::from_static(value);
            assert_eq!(
                shown(&HeaderName::from_static(name), &value, &["long-secret".into()]),
                expected,
                "{name}"
            );
        }
    }
}
