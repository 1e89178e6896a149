//! A server's answer on its way back over HTTP: its messages, reduced to what strict clients can read. Not here:
//! refusals, and who may ask (see `listen`).

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderMap;
use futures_util::stream;
use serde_json::Value;
use url::Url;

use super::BridgeError;
use crate::mcp::Head;
use crate::mcp::jsonrpc::{ParseError, each};
use crate::mcp::sse::{self, EventSplitter, SseEvent};
use crate::session::remote::{MAX_MESSAGE_BYTES, text_of};
use crate::session::{CredentialSource, UpstreamAuth};
use crate::sys::http::Incoming;
use crate::sys::place;

/// The request, as far as it decides what may come back.
pub(super) struct PendingRequest {
    /// The request's id, while its answer is expected on this response.
    pub(super) id: Option<Value>,
    /// Whether a message was sent.
    pub(super) is_post: bool,
    /// The server.
    pub(super) access: Arc<dyn CredentialSource>,
    /// The server's name and address, where the older transport may announce another address.
    pub(super) announces: Option<(String, Arc<UpstreamAuth>)>,
}

/// A stream being passed on.
struct Led {
    incoming: Incoming,
    pieces: EventSplitter,
    asking: PendingRequest,
    /// Whether the client can resume the stream where it ends (2025-11-25, "Resumability and Redelivery").
    is_resumable: bool,
    ended: bool,
}

/// The body for the client: one message, or a stream of them.
///
/// # Errors
/// [`BridgeError`], if the expected answer is missing.
pub(super) async fn returned(mut incoming: Incoming, asking: PendingRequest) -> Result<Body, BridgeError> {
    if sse::is_stream(&incoming.headers) {
        let led =
            Led { incoming, pieces: EventSplitter::default(), asking, is_resumable: false, ended: false };
        return Ok(Body::from_stream(stream::unfold(led, |mut led| async move {
            led.next().await.map(|part| (part, led))
        })));
    }
    let (access, status) = (asking.access.clone(), incoming.status);
    let text = text_of(
        incoming
            .rest(MAX_MESSAGE_BYTES)
            .await
            .map_err(|error| BridgeError::from_session(error.into(), &*access))?,
    );
    if !asking.is_post {
        return Ok(text.into());
    }
    let none = || BridgeError::refused(status, &incoming.headers, &*access);
    match (asking.readable(&text, &none)?, &asking.id) {
        (Some(text), _) => Ok(text.into()),
        // An acknowledgement, whatever its body.
        (None, None) => Ok(Body::empty()),
        (None, Some(_)) if text.trim().is_empty() => Err(BridgeError::Broken),
        (None, Some(_)) => Err(none()),
    }
}

impl PendingRequest {
    /// The messages of a body that is not a stream, as one text. `None` if there are none or the answer is not among
    /// them.
    fn readable(&self, text: &str, none: &dyn Fn() -> BridgeError) -> Result<Option<String>, BridgeError> {
        let is_list = unmarked(text).starts_with('[');
        let found = self.messages(text).map_err(|unread| match unread {
            ParseError::TooManyParts | ParseError::TooDeep => BridgeError::TooLarge,
            ParseError::NotJson => none(),
        });
        let (messages, is_answered) = match (found, &self.id) {
            (Err(_), None) => return Ok(None),
            (found, _) => found?,
        };
        let is_whole = !messages.is_empty() && (is_answered || self.id.is_none());
        let joined = || if is_list { format!("[{}]", messages.join(",")) } else { messages.concat() };
        Ok(is_whole.then(joined))
    }

    /// The messages of a text, as strict clients read them, and whether the answer is among them.
    fn messages(&self, text: &str) -> Result<(Vec<String>, bool), ParseError> {
        let (mut messages, mut is_answered) = (Vec::new(), false);
        for one in each(unmarked(text).to_owned())? {
            let Some(head) = Head::read(&one).filter(Head::is_message) else { continue };
            let id = self.id.as_ref().filter(|id| head.answers(id));
            // An answer to something else does not belong here.
            if self.id.is_some() && id.is_none() && head.answered().is_some() {
                continue;
            }
            is_answered |= id.is_some();
            messages.push(head.tidied(one, id)?);
        }
        Ok((messages, is_answered))
    }

    /// Passes one event on, and tells whether the stream can be resumed after it. Events without a message that a
    /// client can read are dropped; valid ones pass unchanged.
    fn lead(&mut self, at: &Url, piece: &[u8], ready: &mut Vec<u8>) -> bool {
        let piece = piece.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(piece);
        let event = SseEvent::read(piece).unwrap_or_default();
        let has_id = event.id.as_ref().is_some_and(|id| !id.is_empty());
        if event.data.is_empty() {
            ready.extend_from_slice(piece);
            return has_id;
        }
        // Only the first event with data can announce an address.
        if let Some((name, given)) = self.announces.take()
            && event.name == "endpoint"
        {
            ready.extend(announcement(&event, &name, (at, &given)).into_bytes());
        } else if event.is_message() {
            self.lead_message(&event, piece, ready);
        } else {
            ready.extend_from_slice(piece);
        }
        has_id
    }

    fn lead_message(&mut self, event: &SseEvent, piece: &[u8], ready: &mut Vec<u8>) {
        let (messages, is_answered) = self.messages(&event.data).unwrap_or_default();
        if is_answered {
            self.id = None;
        }
        if matches!(messages.as_slice(), [one] if *one == event.data) {
            ready.extend_from_slice(piece);
            return;
        }
        // This is the answer, but unreadable: the client would wait for it forever.
        let is_lost = messages.is_empty()
            && self.id.as_ref().is_some_and(|id| {
                Head::read(unmarked(&event.data)).is_some_and(|head| head.answered() == Some(id))
            });
        let lost = self.id.take_if(|_| is_lost).map(|id| self.refusal(&id));
        for message in messages.iter().chain(&lost) {
            for line in message.lines() {
                ready.extend(format!("data: {line}\n").into_bytes());
            }
            ready.push(b'\n');
        }
        let id = event.id.as_ref().map(|id| format!("id: {id}\n"));
        let retry = event.retry.map(|retry| format!("retry: {retry}\n"));
        if id.is_some() || retry.is_some() {
            ready.extend(
                [id.unwrap_or_default(), retry.unwrap_or_default(), "\n".into()].concat().into_bytes(),
            );
        }
    }

    fn refusal(&self, id: &Value) -> String {
        let failure = BridgeError::refused(200, &HeaderMap::new(), &*self.access);
        failure.answer(id)
    }
}

impl Led {
    /// What can be passed on by now; `None` at the end. An event without its blank line does not count.
    async fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        loop {
            let mut ready = Vec::new();
            while let Some(piece) = self.pieces.next() {
                self.is_resumable |= self.asking.lead(&self.incoming.url, &piece, &mut ready);
            }
            if !ready.is_empty() {
                return Some(Ok(ready));
            }
            if self.ended {
                return None;
            }
            let ending = match self.incoming.chunk().await {
                Ok(Some(chunk)) if self.pieces.rest() <= MAX_MESSAGE_BYTES => {
                    self.pieces.push(&chunk);
                    continue;
                }
                Ok(Some(_)) => {
                    (BridgeError::TooLarge, Some(io::Error::other("an event from the server is too large")))
                }
                Ok(None) => (BridgeError::Broken, None),
                Err(error) => (BridgeError::Broken, Some(io::Error::other(error))),
            };
            self.ended = true;
            // A client that cannot resume the stream would wait for its answer forever.
            match (self.asking.id.take().filter(|_| !self.is_resumable), ending) {
                (Some(id), (failure, _)) => {
                    return Some(Ok(format!("data: {}\n\n", failure.answer(&id)).into_bytes()));
                }
                (None, (_, error)) => return error.map(Err),
            }
        }
    }
}

/// The event that announces the older transport's address, rewritten to go through the bridge; `None` if that address
/// is on another host.
fn announcement(event: &SseEvent, name: &str, (at, given): (&Url, &UpstreamAuth)) -> String {
    let Some(url) = place::announced(at, &event.data, &given.within) else { return String::new() };
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    format!("event: endpoint\ndata: /{name}/~{}{query}\n\n", url.path())
}

/// A text without leading white space and byte order mark.
fn unmarked(text: &str) -> &str {
    text.trim().trim_start_matches('\u{feff}').trim_start()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::session::{BoxFuture, CredentialUnavailable};

    struct NoListener;

    impl CredentialSource for NoListener {
        fn fresh(&self) -> BoxFuture<'_, Result<Arc<UpstreamAuth>, CredentialUnavailable>> {
            Box::pin(std::future::pending())
        }

        fn renew_refused<'a>(
            &'a self,
            _: &'a UpstreamAuth,
        ) -> BoxFuture<'a, Result<Option<Arc<UpstreamAuth>>, CredentialUnavailable>> {
            Box::pin(std::future::pending())
        }

        fn advice(&self, _: u16, _: &HeaderMap) -> String {
            "type this".into()
        }
    }

    /// The result of a stream from `https://gw.test/a/mcp`, with `within` as the allowed path.
    fn led(stream: &str, within: &str, id: Option<Value>) -> String {
        let at = Url::parse("https://gw.test/a/mcp").unwrap();
        let within = Url::parse(within).unwrap();
        let given =
            UpstreamAuth { url: at.clone(), headers: HeaderMap::new(), within, bearers: Default::default() };
        let announces = id.is_none().then(|| ("a".to_owned(), Arc::new(given)));
        let mut asking =
            PendingRequest { is_post: id.is_some(), id, access: Arc::new(NoListener), announces };
        let (mut pieces, mut ready) = (EventSplitter::default(), Vec::new());
        pieces.push(stream.as_bytes());
        while let Some(piece) = pieces.next() {
            asking.lead(&at, &piece, &mut ready);
        }
        String::from_utf8(ready).unwrap()
    }

    #[test]
    fn an_announced_address_is_led_through_the_bridge() {
        for (stream, expected) in [
            (
                "event: endpoint\ndata: /a/messages/?s=1\n\n",
                "event: endpoint\ndata: /a/~/a/messages/?s=1\n\n",
            ),
            ("event: endpoint\r\ndata: /m\r\n\r\ndata: x", "event: endpoint\ndata: /a/~/m\n\n"),
            ("event: endpoint\rdata: /m\r\r", "event: endpoint\ndata: /a/~/m\n\n"),
            ("\u{feff}event:endpoint\r\ndata:/m\n\n", "event: endpoint\ndata: /a/~/m\n\n"),
            ("event: endpoint\ndata: https://evil.test/m\n\n: rest\n", ": rest\n"),
            (
                ": hello\n\nretry: 5\r\n\r\nevent: endpoint\ndata: /m\n\n: x\r\n\r\n: y",
                ": hello\n\nretry: 5\r\n\r\nevent: endpoint\ndata: /a/~/m\n\n: x\r\n\r\n",
            ),
        ] {
            assert_eq!(led(stream, "https://gw.test", None), expected, "{stream:?}");
        }
        for path in
            ["evil", "registry-evil/x", "registry/../evil", "registry/%2e%2e/evil", "registry/..%2fevil"]
        {
            let stream = format!("event: endpoint\ndata: /{path}\n\n");
            assert_eq!(led(&stream, "https://gw.test/registry/", None), "", "{path}");
        }
    }

    #[test]
    fn an_event_goes_on_as_it_came_unless_a_strict_client_could_not_read_it() {
        let answer = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
        for as_it_came in [
            format!("id: 1\r\nevent: message\r\ndata: {answer}\r\n\r\n"),
            "data: {\"jsonrpc\":\"2.0\",\ndata: \"method\":\"n\"}\n\n".into(),
            ": alive\n\n".into(),
            "id: 7\ndata:\n\n".into(),
            "event: ping\ndata: now\n\n".into(),
        ] {
            assert_eq!(led(&as_it_came, "https://gw.test", Some(json!(1))), as_it_came);
        }
        let tidy = format!("data: {answer}\n\n");
        let note = "data: {\"jsonrpc\":\"2.0\",\"method\":\"n\"}\n\n";
        for (stream, expected) in [
            ("data: \u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n".into(), tidy.clone()),
            (format!("data: {}\n\n", answer.replace("}}", "},\"error\":null}")), tidy.clone()),
            (
                format!("id: 4\nretry: 9\ndata: {}\n\n", answer.replace(":1", ":\"1\"")),
                format!("{tidy}id: 4\nretry: 9\n\n"),
            ),
            (
                format!("data: [{answer},{{\"method\":\"n\",\"params\":null}}]\n\n"),
                format!(
                    "{tidy}{}",
                    note.replace(
                        "{\"jsonrpc\":\"2.0\",\"method\":\"n\"}",
                        "{\"method\":\"n\",\"jsonrpc\":\"2.0\"}"
                    )
                ),
            ),
            ("data: {\"error\":\"insufficient_scope\"}\n\n".into(), String::new()),
            ("id: 3\ndata: ok\n\n".into(), "id: 3\n\n".into()),
            ("data: {\"jsonrpc\":\"2.0\",\"id\":2,\"error\":\"x\"}\n\n".into(), String::new()),
        ] {
            assert_eq!(led(&stream, "https://gw.test", Some(json!(1))), expected, "{stream:?}");
        }
        let lost = led("data: {\"id\":1,\"error\":\"x\"}\n\n", "https://gw.test", Some(json!(1)));
        assert!(
            lost.starts_with("data: {") && lost.contains("\"id\":1") && lost.contains("type this"),
            "{lost}"
        );
    }
}
