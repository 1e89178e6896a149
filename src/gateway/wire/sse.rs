//! Event streams (WHATWG HTML, section 9.2), in chunks as they arrive: each whole event is kept byte for byte,
//! rewritten or dropped. Not here: what is in an event (see the given decision; [`events`] is the one for MCP).
//!
//! No part of an event is sent before all of it has arrived, and an event without its blank line is never sent; but
//! if most events contain nothing to hide ([`SseFilter::looking`]), whole chunks pass untouched, and large events
//! while they arrive.
//!
//! Clients use `mcp::sse`, which makes values of an event and drops its bytes; here the bytes are kept, so the two
//! only share how an event becomes lines, and a line a field.

use std::borrow::Cow;

use bytes::Bytes;
use memchr::memchr2;

use self::large::Large;
pub use self::line::StreamTooLarge;
use self::line::{Field, LinePosition, field, lines};
use super::{filter, list_scan};
use crate::policy::Listed;
use crate::sys::mark::unmarked;

mod large;
mod line;

/// What happens to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventAction {
    /// It is sent unchanged.
    Keep,
    /// It is sent with this data; name, id and retry stay.
    Replace(Vec<u8>),
    /// It is dropped, because it cannot be parsed.
    Drop,
    /// It is dropped, because it is not for the caller.
    Hide,
}

/// An event with data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEvent<'e> {
    /// The last `event` field; empty if there is none.
    pub name: &'e [u8],
    /// The `data` fields, joined by line feeds.
    pub data: Cow<'e, [u8]>,
}

/// How much of an event is buffered before it is sent unfinished, in bytes. Lists begin long before.
pub const BUFFER_BYTES: usize = 64 << 10;

/// An event stream with a decision on each event.
pub struct SseFilter<D> {
    limit: usize,
    decide: D,
    /// The current event, as it arrived.
    held: Vec<u8>,
    /// Where its last line begins.
    line: usize,
    /// What happens to a line feed after a carriage return: both are one line end.
    tail: Option<Tail>,
    /// Whether the stream's first line has been read.
    begun: bool,
    dropped: u64,
    /// Whether a decision is needed only for events that may contain something to hide.
    looks: bool,
    /// A large event that is being sent unfinished.
    large: Option<Box<Large>>,
}

/// Memory that a filter keeps for the next event.
const KEPT: usize = 4096;

/// The position in a stream that passes unparsed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Boundary(LinePosition);

#[derive(Clone, Copy, Debug)]
enum Tail {
    Hold,
    Emit,
    Swallow,
}

/// The decision on MCP's events: messages are filtered, and dropped if they cannot be parsed. The `endpoint` of
/// HTTP+SSE (2024-11-05) is replaced by `endpoint`. Any other name counts as a message.
pub fn events(
    shows: impl Fn(Listed, &str) -> bool,
    mut endpoint: impl FnMut(&str) -> EventAction,
) -> impl FnMut(&RawEvent<'_>) -> EventAction {
    move |event| {
        if event.name == b"endpoint" {
            return std::str::from_utf8(&event.data).map_or(EventAction::Drop, &mut endpoint);
        }
        verdict(&event.data, |data| filter::message(data, &shows))
    }
}

/// The decision on the events of a stream that answers one message: events without a list or notification pass
/// unchanged.
pub fn answers(shows: impl Fn(Listed, &str) -> bool) -> impl FnMut(&RawEvent<'_>) -> EventAction {
    move |event| verdict(&event.data, |data| filter::anything(data, &shows))
}

fn verdict<'e>(data: &'e [u8], read: impl FnOnce(&'e [u8]) -> filter::FilteredBody<'e>) -> EventAction {
    let text = unmarked(data);
    match read(text) {
        Ok(Cow::Borrowed(_)) if text.len() == data.len() => EventAction::Keep,
        // Clients parse the data as it is, and most fail on the mark.
        Ok(Cow::Borrowed(text)) => EventAction::Replace(text.into()),
        Ok(Cow::Owned(data)) if data.is_empty() => EventAction::Hide,
        Ok(Cow::Owned(data)) => EventAction::Replace(data),
        Err(_) => EventAction::Drop,
    }
}

impl<D: FnMut(&RawEvent<'_>) -> EventAction> SseFilter<D> {
    /// For events of at most `limit` bytes.
    pub fn new(limit: usize, decide: D) -> Self {
        let (held, line, tail, begun, dropped) = (Vec::new(), 0, None, false, 0);
        Self { limit, decide, held, line, tail, begun, dropped, looks: false, large: None }
    }

    /// The same for a stream of which most events need no decision.
    pub fn looking(limit: usize, decide: D) -> Self {
        Self { looks: true, ..Self::new(limit, decide) }
    }

    /// Takes the next chunk and returns what may be sent now: the chunk itself, if it is whole events with nothing to
    /// hide.
    ///
    /// # Errors
    /// [`StreamTooLarge`]; the caller ends the stream.
    pub fn pass(&mut self, chunk: Bytes) -> Result<Bytes, StreamTooLarge> {
        let starts = self.held.is_empty() && self.tail.is_none() && self.large.is_none();
        if self.looks && starts && is_whole(&chunk) && !list_scan::may_tell(&chunk) {
            self.begun = true;
            return Ok(chunk);
        }
        self.push(&chunk)
    }

    /// Takes the next chunk and returns what may be sent now.
    ///
    /// # Errors
    /// [`StreamTooLarge`]; the caller ends the stream.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Bytes, StreamTooLarge> {
        let mut out = Vec::with_capacity(chunk.len());
        let mut rest = chunk;
        while !rest.is_empty() {
            if let Some(large) = &mut self.large {
                let (mine, ended) = large.pass(rest)?;
                let (part, next) = rest.split_at_checked(mine).unwrap_or((rest, &[]));
                out.extend_from_slice(part);
                rest = next;
                if ended {
                    self.large = None;
                    self.tail = part.ends_with(b"\r").then_some(Tail::Emit);
                }
                continue;
            }
            rest = self.after_return(rest, &mut out);
            let end = memchr2(b'\n', b'\r', rest);
            let (part, next) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
            self.held.extend_from_slice(part);
            if self.held.len() > self.limit {
                return Err(StreamTooLarge);
            }
            if end.is_some() {
                let tail = self.line_ends(&mut out);
                self.tail = part.ends_with(b"\r").then_some(tail);
            }
            rest = next;
        }
        if self.looks && self.held.len() > BUFFER_BYTES {
            self.let_go(&mut out);
        }
        Ok(out.into())
    }

    /// Sends a large event unfinished, unless it has begun to show something to hide: then all of it is awaited.
    fn let_go(&mut self, out: &mut Vec<u8>) {
        self.large = Large::begin(&self.held).map(Box::new);
        if self.large.is_some() {
            out.append(&mut self.held);
            (self.line, self.tail) = (0, None);
        }
    }

    /// What remains when the stream ends: the start of an event, which clients ignore. It passes if it has nothing to
    /// hide.
    pub fn rest(&mut self) -> Bytes {
        let held = std::mem::take(&mut self.held);
        if self.looks && !list_scan::may_tell(&held) { held.into() } else { Bytes::new() }
    }

    /// The memory that the current event uses, in bytes; after a large one nothing remains.
    pub fn held(&mut self) -> usize {
        if self.held.is_empty() {
            self.held.shrink_to(KEPT);
        }
        self.held.capacity()
    }

    /// Ends the stream and returns the number of dropped events, including an incomplete one at the end.
    pub fn finish(self) -> u64 {
        self.dropped + u64::from(!self.held.is_empty())
    }

    /// The number of events dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether one of our comments may be sent now.
    pub fn at_boundary(&self) -> bool {
        self.held.is_empty() && self.large.is_none()
    }

    /// Whether everything sent so far is whole events.
    pub fn goes_out_whole(&self) -> bool {
        self.large.is_none()
    }

    /// Handles a line feed that belongs to a carriage return before it.
    fn after_return<'c>(&mut self, chunk: &'c [u8], out: &mut Vec<u8>) -> &'c [u8] {
        let (Some(tail), Some(rest)) = (self.tail.take(), chunk.strip_prefix(b"\n")) else { return chunk };
        match tail {
            Tail::Hold => {
                self.held.push(b'\n');
                self.line = self.held.len();
            }
            Tail::Emit => out.push(b'\n'),
            Tail::Swallow => {}
        }
        rest
    }

    fn line_ends(&mut self, out: &mut Vec<u8>) -> Tail {
        if !self.begun {
            self.begun = true;
            // Some clients take the mark for a part of the first field's name: without it, all read the same.
            if self.held.starts_with(b"\xEF\xBB\xBF") {
                self.held.drain(..3);
            }
        }
        let line = self.held.get(self.line..).unwrap_or_default();
        let blank = matches!(line, b"\n" | b"\r");
        if self.line == 0 && (blank || line.starts_with(b":")) {
            if list_scan::may_tell(line) {
                self.held.clear();
                return Tail::Swallow;
            }
            out.append(&mut self.held);
            return Tail::Emit;
        }
        if !blank {
            self.line = self.held.len();
            return Tail::Hold;
        }
        // Taken, so that a quiet stream does not keep the memory of its largest event.
        let held = std::mem::take(&mut self.held);
        self.line = 0;
        self.event_ends(&held, out)
    }

    fn event_ends(&mut self, held: &[u8], out: &mut Vec<u8>) -> Tail {
        if self.looks && !list_scan::may_tell(held) {
            out.extend_from_slice(held);
            return Tail::Emit;
        }
        let event = RawEvent::read(held);
        let verdict = if event.data.is_empty() { EventAction::Keep } else { (self.decide)(&event) };
        let data = match verdict {
            EventAction::Keep if lines(held).all(|line| field(line) != Field::Unknown) => {
                out.extend_from_slice(held);
                return Tail::Emit;
            }
            EventAction::Keep => event.data,
            EventAction::Replace(data) => data.into(),
            EventAction::Drop => {
                self.dropped += 1;
                return Tail::Swallow;
            }
            EventAction::Hide => return Tail::Swallow,
        };
        rewrite(held, &data, out);
        Tail::Swallow
    }
}

impl<'e> RawEvent<'e> {
    fn read(held: &'e [u8]) -> Self {
        let mut event = Self { name: b"", data: Cow::Borrowed(b"") };
        let mut first = true;
        for line in lines(held) {
            match field(line) {
                Field::Event(name) => event.name = name,
                Field::Data(data) if first => (event.data, first) = (Cow::Borrowed(data), false),
                Field::Data(data) => {
                    let joined = event.data.to_mut();
                    joined.push(b'\n');
                    joined.extend_from_slice(data);
                }
                Field::Other | Field::Unknown => {}
            }
        }
        event
    }
}

/// Whether no event continues after these bytes, if none had begun before.
pub fn is_whole(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\n\n") || bytes.ends_with(b"\n\r\n")
}

impl Boundary {
    /// Records a chunk that is sent.
    pub fn pass(&mut self, chunk: &[u8]) {
        // Two line ends are at most four bytes, so earlier ones do not matter.
        let (start, last) = match chunk.last_chunk::<4>() {
            Some(last) => (LinePosition::Within, last.as_slice()),
            None => (self.0, chunk),
        };
        self.0 = last.iter().fold(start, |place, byte| place.after(*byte));
    }

    /// Whether one of our comments may be sent now.
    pub fn at_boundary(self) -> bool {
        matches!(self.0, LinePosition::Between | LinePosition::BetweenReturn)
    }
}

/// Rewrites an event with this data, without unknown fields. All lines end in a line feed: mixed ends could run
/// together if a line were removed.
fn rewrite(held: &[u8], data: &[u8], out: &mut Vec<u8>) {
    let (start, mut written) = (out.len(), false);
    for line in lines(held) {
        match field(line) {
            Field::Unknown => continue,
            Field::Data(_) if written => continue,
            Field::Data(_) => {
                written = true;
                for line in data.split(|byte| matches!(byte, b'\n' | b'\r')) {
                    out.extend_from_slice(b"data: ");
                    out.extend_from_slice(line);
                    out.push(b'\n');
                }
            }
            Field::Event(_) | Field::Other => {
                out.extend_from_slice(line);
                out.push(b'\n');
            }
        }
    }
    if out.len() > start {
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests;
