//! Parses event streams (WHATWG HTML, section 9.2) in chunks as they arrive. Not here: streams whose bytes must stay
//! unchanged (see the gateway's own parser, which shares [`field`]).

use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use memchr::{memchr, memchr2};
use thiserror::Error;

/// The shortest and the longest pause that a server can ask for: one that always says "at once" must not keep a core
/// busy, and one that says "never" must not stop a client.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// One event with data, or with only an id (2025-11-25 sends such a one first, to make a stream resumable).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// The `event` field; empty means `message`.
    pub name: String,
    /// The `data` fields, joined by line feeds.
    pub data: String,
    /// The `id` field, if this event has one.
    pub id: Option<String>,
    /// The `retry` field in milliseconds, if this event has one.
    pub retry: Option<u64>,
}

/// An event is larger than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an event from the server is too large")]
pub struct EventTooLarge;

/// Whether an answer with these headers is an event stream.
pub fn is_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(is_stream_type)
}

/// Whether a `Content-Type` is an event stream's.
pub fn is_stream_type(kind: &HeaderValue) -> bool {
    let kind = kind.to_str().unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim_ascii().eq_ignore_ascii_case("text/event-stream")
}

/// A line's field and its value; a comment's field is empty.
pub fn field(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr(b':', line).and_then(|colon| line.split_at_checked(colon)) {
        Some((name, rest)) => {
            (name, rest.strip_prefix(b": ").or(rest.strip_prefix(b":")).unwrap_or_default())
        }
        None => (line, b""),
    }
}

/// A stream split into events whose bytes stay unchanged. A comment before an event is a piece of its own: a
/// keep-alive must not wait.
#[derive(Debug, Default)]
pub struct EventSplitter {
    held: Vec<u8>,
    /// Where the current piece begins, and its current line.
    piece: usize,
    line: usize,
    /// How far it has been searched for its end.
    searched: usize,
}

impl EventSplitter {
    /// Takes the next chunk.
    pub fn push(&mut self, chunk: &[u8]) {
        // Its memory is freed: one large event must not make every later one large.
        self.held = self.held.split_off(self.piece);
        (self.line, self.searched) = (self.line - self.piece, self.searched - self.piece);
        self.piece = 0;
        self.held.extend_from_slice(chunk);
    }

    /// How many bytes are buffered that are not a whole piece yet, once [`next`](Self::next) has nothing more to
    /// return.
    pub fn rest(&self) -> usize {
        self.held.len() - self.piece
    }

    /// The next complete piece, up to its blank line.
    #[expect(clippy::should_implement_trait, reason = "there may be more after the next chunk")]
    pub fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            // A line feed after a carriage return ends the same line, whichever chunk it is in.
            if self.line > self.piece && self.held.get(self.line - 1..)?.starts_with(b"\r\n") {
                self.line += 1;
                self.searched = self.line;
            }
            let rest = self.held.get(self.searched..)?;
            let Some(end) = memchr2(b'\n', b'\r', rest) else {
                self.searched = self.held.len();
                return None;
            };
            let is_pair = rest.get(end..).is_some_and(|rest| rest.starts_with(b"\r\n"));
            let (end, after) = (self.searched + end, self.searched + end + if is_pair { 2 } else { 1 });
            let is_comment = self.line == self.piece && self.held.get(self.piece) == Some(&b':');
            let is_over = end == self.line || is_comment;
            let start = self.piece;
            (self.line, self.searched) = (after, after);
            if is_over {
                self.piece = after;
                return self.held.get(start..after).map(<[u8]>::to_vec);
            }
        }
    }
}

/// The lines of a piece of a stream, without their ends and without the blank one.
pub fn lines(piece: &[u8]) -> impl Iterator<Item = &[u8]> {
    piece.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty())
}

impl SseEvent {
    /// The event that a piece of a stream is, unless it has nothing to say.
    pub fn read(piece: &[u8]) -> Option<Self> {
        let (mut event, mut has_data) = (Self::default(), false);
        for line in lines(piece) {
            let (field, value) = field(line);
            let value = String::from_utf8_lossy(value);
            match field {
                b"event" => event.name = value.into_owned(),
                b"data" => {
                    if std::mem::replace(&mut has_data, true) {
                        event.data.push('\n');
                    }
                    event.data.push_str(&value);
                }
                b"id" if !value.contains('\0') => event.id = Some(value.into_owned()),
                b"retry" if value.bytes().all(|b| b.is_ascii_digit()) => event.retry = value.parse().ok(),
                _ => {}
            }
        }
        (has_data || event.id.is_some() || event.retry.is_some()).then_some(event)
    }

    /// Whether it carries a message: an event with another name is private to the server, such as a keep-alive.
    pub fn is_message(&self) -> bool {
        !self.data.is_empty() && matches!(self.name.as_str(), "" | "message")
    }

    /// How long the server asks us to wait before the stream is opened again, within limits.
    pub fn pause(&self) -> Option<Duration> {
        let (shortest, longest) = PAUSES;
        self.retry.map(|retry| Duration::from_millis(retry).clamp(shortest, longest))
    }
}

/// A stream, as far as it has arrived.
#[derive(Debug)]
pub struct SseReader {
    limit: usize,
    pieces: EventSplitter,
    begun: bool,
}

impl SseReader {
    /// For events of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, pieces: EventSplitter::default(), begun: false }
    }

    /// Takes the next chunk and returns the events it completes. One without its blank line never completes.
    ///
    /// # Errors
    /// [`EventTooLarge`]; the caller ends the stream.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<SseEvent>, EventTooLarge> {
        let mut events = Vec::new();
        self.pieces.push(chunk);
        while let Some(piece) = self.pieces.next() {
            if piece.len() > self.limit {
                return Err(EventTooLarge);
            }
            let is_first = !std::mem::replace(&mut self.begun, true);
            let mark: &[u8] = if is_first { b"\xEF\xBB\xBF" } else { b"" };
            events.extend(SseEvent::read(piece.strip_prefix(mark).unwrap_or(&piece)));
        }
        if self.pieces.rest() > self.limit { Err(EventTooLarge) } else { Ok(events) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(name: &str, data: &str, id: Option<&str>) -> SseEvent {
        SseEvent { name: name.into(), data: data.into(), id: id.map(Into::into), retry: None }
    }

    #[test]
    fn events_are_read_as_the_specification_has_them() {
        let cases = [
            ("data: a\n\n", vec![event("", "a", None)]),
            ("data:a\r\n\r\ndata: b\r\r", vec![event("", "a", None), event("", "b", None)]),
            (
                "\u{feff}event: message\nid: 7\ndata: a\ndata:  b\n\n",
                vec![event("message", "a\n b", Some("7"))],
            ),
            (": only a comment\n\ndata: unfinished\n", vec![]),
            ("id: 1\ndata:\n\n", vec![event("", "", Some("1"))]),
            ("event: x\n\n", vec![]),
        ];
        for (text, expected) in cases {
            assert_eq!(SseReader::new(100).push(text.as_bytes()).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_piece_ends_with_its_blank_line_however_lines_end_and_wherever_chunks_do() {
        let cases: [(&str, &[&str], &str); 9] = [
            ("", &[], ""),
            ("data: a\n", &[], "data: a\n"),
            ("data: a\n\nrest", &["data: a\n\n"], "rest"),
            ("data: a\r\n\r\nrest", &["data: a\r\n\r\n"], "rest"),
            ("data: a\r\rrest", &["data: a\r\r"], "rest"),
            ("data: a\n\r\nrest", &["data: a\n\r\n"], "rest"),
            ("\ndata: a", &["\n"], "data: a"),
            ("data: a\ndata: b\n\ndata: c\n\n", &["data: a\ndata: b\n\n", "data: c\n\n"], ""),
            (": alive\ndata: a\n: b\n\n:", &[": alive\n", "data: a\n: b\n\n"], ":"),
        ];
        for (text, expected, rest) in cases {
            let mut pieces = EventSplitter::default();
            pieces.push(text.as_bytes());
            let found: Vec<Vec<u8>> = std::iter::from_fn(|| pieces.next()).collect();
            assert_eq!(found, expected.iter().map(|piece| piece.as_bytes()).collect::<Vec<_>>(), "{text:?}");
            assert_eq!(&pieces.held[pieces.piece..], rest.as_bytes(), "{text:?}");
            // One byte at a time: a carriage return may end a piece before its line feed, which is then a piece of
            // its own.
            let (mut pieces, mut all) = (EventSplitter::default(), Vec::new());
            for byte in text.bytes() {
                pieces.push(&[byte]);
                all.extend(std::iter::from_fn(|| pieces.next()).flatten());
            }
            all.extend(&pieces.held[pieces.piece..]);
            assert_eq!(all, text.as_bytes());
        }
    }

    #[test]
    fn a_chunk_that_ends_within_a_line_end_ends_no_event() {
        let text = "data: a\r\ndata: b\r\n\r\n";
        for at in 0..text.len() {
            let mut pieces = EventSplitter::default();
            let parts = text.split_at(at);
            let found: Vec<Vec<u8>> = [parts.0, parts.1]
                .iter()
                .flat_map(|part| {
                    pieces.push(part.as_bytes());
                    std::iter::from_fn(|| pieces.next()).collect::<Vec<_>>()
                })
                .collect();
            let events: Vec<SseEvent> = found.iter().filter_map(|piece| SseEvent::read(piece)).collect();
            assert_eq!(events, [event("", "a\nb", None)], "{at}");
        }
    }

    #[test]
    fn what_a_server_calls_an_event_stream() {
        for (value, expected) in [
            ("text/event-stream", true),
            ("Text/Event-Stream; charset=utf-8", true),
            (" text/event-stream ;x", true),
            ("text/event-streams", false),
            ("application/json", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]);
            assert_eq!(is_stream(&headers), expected, "{value}");
        }
        assert!(!is_stream(&HeaderMap::new()));
    }

    #[test]
    fn only_messages_count() {
        for (name, data, expected) in
            [("", "{}", true), ("message", "{}", true), ("message", "", false), ("ping", "{}", false)]
        {
            assert_eq!(event(name, data, None).is_message(), expected);
        }
    }

    #[test]
    fn no_server_makes_us_come_back_at_once_or_never() {
        let cases =
            [(None, None), (Some(0), Some(100)), (Some(2_000), Some(2_000)), (Some(u64::MAX), Some(30_000))];
        for (retry, expected) in cases {
            let event = SseEvent { retry, ..SseEvent::default() };
            assert_eq!(event.pause(), expected.map(Duration::from_millis));
        }
    }

    #[test]
    fn an_event_over_the_limit_ends_the_stream() {
        assert_eq!(SseReader::new(10).push(b"data: 0123456789\n\n"), Err(EventTooLarge));
        assert!(SseReader::new(10).push(b"data: 01\n\ndata: 02\n\n").is_ok());
    }

    proptest! {
        #[test]
        fn where_chunks_end_makes_no_difference(text in "([a-z:\\n\\r ]|data: x\\n|\\n\\n){0,40}", at in 0usize..80) {
            let bytes = text.as_bytes();
            let whole = SseReader::new(1000).push(bytes).unwrap();
            let (a, b) = bytes.split_at(at.min(bytes.len()));
            let mut reader = SseReader::new(1000);
            let mut parts = reader.push(a).unwrap();
            parts.extend(reader.push(b).unwrap());
            prop_assert_eq!(parts, whole);
        }
    }
}
