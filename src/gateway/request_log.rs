//! The record of each request: a line of the audit and the metrics, written when the answer begins or the caller is
//! gone, however the line was left. Caller, call, verdict, rule or reason, times; never a token, never an argument.
//! Not here: output (see `audit_buffer`).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::callers::Caller;
use super::observe::audit_buffer::{AuditBuffer, AuditCapacity};
use super::observe::metrics::{RequestKind, WorkerMetrics};
use super::refusal::Rejection;
use super::servers::MCPGW;
use super::servers::route::Resource;
use super::state::{Snapshot, Upstream};
use crate::mcp::methods;
use crate::policy::{Call, Permit, decide};

/// One request, as far as it is known. Dropping it writes the record.
pub(super) struct RequestLog<'w> {
    books: &'w RequestLogSinks,
    began: Instant,
    at: i64,
    /// Where it came from.
    address: IpAddr,
    request_id: RequestId,
    /// The message's id, for the answer to a refusal.
    pub(super) id: Option<Bytes>,
    pub(super) http: &'static str,
    pub(super) upstream: Option<&'w Upstream>,
    /// Which of its addresses was requested.
    pub(super) resource: Resource,
    pub(super) caller: Option<Arc<Caller>>,
    pub(super) method: Option<Bytes>,
    pub(super) name: Option<Bytes>,
    /// What allowed it, for its line.
    permit: Option<Permit>,
    /// The `jti` of the token that was vended.
    pub(super) vended: Option<Box<str>>,
    refused: Option<&'static str>,
    shadow: Option<bool>,
    /// When the message was first forwarded, and how long the server took in all.
    sent: Option<Instant>,
    took: Duration,
    status: u16,
    /// Whether it came through the gateway's own server.
    pub(super) is_relayed: bool,
    /// Whether it is recorded: health checks are not.
    silent: bool,
    /// Whether a line is promised.
    promised: bool,
}

/// What one core needs to record requests.
pub(super) struct RequestLogSinks {
    pub(super) ledger: AuditBuffer,
    pub(super) tally: WorkerMetrics,
    /// Whether the audit can be written.
    pub(super) audit: Arc<AuditCapacity>,
}

/// Identifies a request in logs, answers and towards the server, where it is a header.
pub(super) struct RequestId(HeaderValue);

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The status recorded for a caller who left before the answer.
const GONE: u16 = 499;
/// Names from outside are cut to this length, in bytes.
const LONGEST: usize = 200;

impl RequestId {
    /// Differs for every request of every run.
    pub(super) fn new(run: u64, number: u64) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // Multiplication by an odd number is reversible: two numbers of one run never share an id.
        let value = run ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut text = [b'0'; 16];
        for (place, digit) in text.iter_mut().enumerate() {
            let nibble = (value >> (60 - 4 * place)) & 0xf;
            *digit = DIGITS.get(nibble as usize).copied().unwrap_or(b'0');
        }
        // Hexadecimal digits are always valid.
        Self(HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("")))
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl<'w> RequestLog<'w> {
    pub(super) fn begin(books: &'w RequestLogSinks, moment: &'w Snapshot, request_id: RequestId) -> Self {
        Self {
            books,
            began: moment.began,
            at: moment.now,
            address: moment.peer,
            request_id,
            id: None,
            http: "",
            upstream: None,
            resource: Resource::MCP,
            caller: None,
            method: None,
            name: None,
            permit: None,
            vended: None,
            refused: None,
            shadow: None,
            sent: None,
            took: Duration::ZERO,
            status: GONE,
            silent: false,
            is_relayed: false,
            promised: books.ledger.promises(),
        }
    }

    pub(super) fn request_id(&self) -> &str {
        self.request_id.as_str()
    }

    /// The same as a header's value; a copy of it shares its memory.
    pub(super) fn request_header(&self) -> HeaderValue {
        self.request_id.0.clone()
    }

    /// Whether it may continue: a line is promised, or the settings do not require one.
    ///
    /// # Errors
    /// [`Rejection::Audit`].
    pub(super) fn promised(&self) -> Result<(), Rejection> {
        let may = self.promised || !self.books.audit.refuses();
        if may { Ok(()) } else { Err(Rejection::Audit) }
    }

    /// The policy allowed it.
    pub(super) fn allowed(&mut self, permit: &Permit) {
        // The cores share the count of a permit's copies: only a line is worth one.
        self.permit = self.books.ledger.is_on().then(|| permit.clone());
    }

    /// The line refused it.
    pub(super) fn refused(&mut self, refusal: &Rejection) {
        self.refused = Some(refusal.reason());
    }

    /// What the shadow policy would have decided.
    pub(super) fn shadow<'c>(&mut self, server: &str, mut calls: impl Iterator<Item = Call<'c>>) {
        if let Some(grants) = self.caller.as_ref().and_then(|caller| caller.shadow.as_ref()) {
            self.shadow = Some(calls.all(|call| decide(grants, server, &call).is_ok()));
        }
    }

    /// The bytes were not an HTTP request; they were answered below this program's own steps.
    pub(super) fn unreadable(mut self, status: u16) {
        (self.refused, self.status) = (Some("unreadable"), status);
    }

    /// The server was asked at `sent` and has begun to answer, or failed.
    pub(super) fn upstream(&mut self, sent: Instant) {
        self.sent.get_or_insert(sent);
        self.took += sent.elapsed();
    }

    /// The answer begins.
    pub(super) fn answered(&mut self, status: u16) {
        self.status = status;
    }

    /// Not worth recording.
    pub(super) fn silent(&mut self) {
        self.silent = true;
    }

    /// Why it was refused; a caller who left before the decision was not allowed anything.
    fn reason(&self) -> Option<&'static str> {
        self.refused.or((self.permit.is_none() && self.status == GONE).then_some("gone"))
    }

    /// The method it is counted under. Only what the policy allows, or the protocol has, becomes a label: anyone can
    /// invent the rest.
    fn counted_method(&self, allowed: bool) -> &str {
        match (text(&self.method), self.http) {
            // A message that was refused before it was read, or an answer to the server.
            ("", "POST") if allowed => "response",
            ("", "POST") => "unread",
            ("", http) => http,
            (method, _) if allowed => method,
            (method, _) => methods::find(method).map_or("other", |known| known.name),
        }
    }

    fn line(&self, total: Duration) -> AuditLine<'_> {
        AuditLine { record: self, total }
    }
}

impl Drop for RequestLog<'_> {
    fn drop(&mut self) {
        if self.silent {
            return;
        }
        let total = self.began.elapsed();
        let gateway = total.saturating_sub(self.took);
        if self.promised {
            self.books.ledger.write(self.at, &self.line(total));
        } else {
            self.books.ledger.lost();
        }
        let refused = self.refused.unwrap_or(if self.status == GONE { "gone" } else { "" });
        let allowed = refused.is_empty();
        let method = self.counted_method(allowed);
        let tool = if allowed && method == "tools/call" { text(&self.name) } else { "" };
        let kind =
            RequestKind { server: self.upstream.map_or("", Upstream::name), method, tool, reason: refused };
        self.books.tally.count(&kind, gateway, self.sent.map(|_| self.took));
    }
}

/// One line of the audit.
struct AuditLine<'r> {
    record: &'r RequestLog<'r>,
    total: Duration,
}

impl Serialize for AuditLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let RequestLog { caller, permit, upstream, .. } = self.record;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", self.record.request_id.as_str())?;
        map.serialize_entry("address", &self.record.address.to_canonical())?;
        if let Some(caller) = caller {
            let principal = &caller.principal;
            map.serialize_entry("issuer", &principal.issuer)?;
            map.serialize_entry("subject", cut(&principal.subject))?;
            if let Some(client) = &principal.client_id {
                map.serialize_entry("client", cut(client))?;
            }
            if let Some(username) = &principal.username {
                map.serialize_entry("user", cut(username))?;
            }
            if let Some(vended) = &principal.vended {
                map.serialize_entry("token", &vended.token_id)?;
                if let Some(agent) = &vended.agent {
                    map.serialize_entry("agent", cut(agent))?;
                }
            }
        }
        map.serialize_entry("http", self.record.http)?;
        if let Some(upstream) = upstream {
            map.serialize_entry("server", upstream.name())?;
        }
        if self.record.method.is_some() {
            map.serialize_entry("method", cut(text(&self.record.method)))?;
        }
        if self.record.name.is_some() {
            map.serialize_entry("name", cut(text(&self.record.name)))?;
        }
        if self.record.is_relayed {
            map.serialize_entry("through", MCPGW)?;
        }
        let reason = self.record.reason();
        let verdict = match (permit, reason) {
            (_, Some(_)) => "refused",
            (Some(_), None) => "allowed",
            (None, None) => "answered",
        };
        map.serialize_entry("verdict", verdict)?;
        if let Some(permit) = permit {
            map.serialize_entry("rule", &format_args!("{}", permit.rule()))?;
        }
        if let Some(vended) = &self.record.vended {
            map.serialize_entry("vended", vended)?;
        }
        if let Some(reason) = reason {
            map.serialize_entry("reason", reason)?;
        }
        if let Some(allowed) = self.record.shadow {
            map.serialize_entry("shadow", if allowed { "allowed" } else { "refused" })?;
        }
        map.serialize_entry("status", &self.record.status)?;
        let gateway = self.total.saturating_sub(self.record.took);
        map.serialize_entry("gateway_us", &gateway.as_micros())?;
        if self.record.sent.is_some() {
            map.serialize_entry("server_us", &self.record.took.as_micros())?;
        }
        map.end()
    }
}

fn text(bytes: &Option<Bytes>) -> &str {
    bytes.as_ref().and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
}

/// Text from outside, cut to a length that fits a log.
fn cut(text: &str) -> &str {
    let end = (0..=LONGEST.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_differ() {
        let ids: std::collections::HashSet<String> =
            (0..10_000).map(|n| RequestId::new(7, n).as_str().to_owned()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit())));
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"ä".repeat(150)).chars().count(), 100);
    }
}
