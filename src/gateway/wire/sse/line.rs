//! Lines of an event stream (WHATWG HTML, section 9.2.6): their ends, and which field each is.

use crate::gateway::wire::list_scan;
use crate::mcp::sse;
pub(super) use crate::mcp::sse::lines;

/// An event is larger than the limit, or shows too late what should have been hidden. The stream must end: the start
/// of what comes next is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event from the server is too large")]
pub struct StreamTooLarge;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LinePosition {
    /// After a blank line, or at the stream's start.
    #[default]
    Between,
    /// The same, and a line feed would still belong to it.
    BetweenReturn,
    /// After a line that is not blank.
    Line,
    /// The same, and a line feed would still belong to it.
    LineReturn,
    /// Within a line.
    Within,
}

/// A line by its field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Field<'e> {
    Event(&'e [u8]),
    Data(&'e [u8]),
    /// `id`, `retry`, and comments.
    Other,
    /// What clients ignore, or may not: one that read `Data` as `data` would show unchecked data. So would one that
    /// logs a comment with a list in it.
    Unknown,
}

impl LinePosition {
    pub(super) fn after(self, byte: u8) -> Self {
        match (byte, self) {
            (b'\n', Self::Within | Self::LineReturn) => Self::Line,
            (b'\n', _) => Self::Between,
            (b'\r', Self::Within) => Self::LineReturn,
            (b'\r', _) => Self::BetweenReturn,
            _ => Self::Within,
        }
    }
}

/// A line by its field.
pub(super) fn field(line: &[u8]) -> Field<'_> {
    let (name, value) = sse::field(line);
    match name {
        b"data" => Field::Data(value),
        _ if list_scan::may_tell(line) => Field::Unknown,
        b"event" => Field::Event(value),
        b"id" | b"retry" | b"" => Field::Other,
        _ => Field::Unknown,
    }
}
