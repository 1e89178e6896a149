//! What an answer's headers say about its body: whether it can be parsed here, and whether it is an event stream. Not
//! here: parsing it (see `forward`).

use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, TRANSFER_ENCODING};

use crate::mcp::sse;
use crate::sys::coding::{self, Coding};

/// How a body is coded.
pub(super) enum Coded {
    /// It is not.
    Plain,
    /// In these codings, which can be undone once it is whole.
    As(Vec<Coding>),
    /// Otherwise, so that it cannot be read here.
    Unknown,
}

impl Coded {
    /// As the headers have it. Nobody asked for a coding; there are servers that use one all the same.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let only = |name, word: &[u8]| {
            headers.get_all(name).iter().all(|value| value.as_bytes().eq_ignore_ascii_case(word))
        };
        if !only(TRANSFER_ENCODING, b"chunked") {
            return Self::Unknown;
        }
        if only(CONTENT_ENCODING, b"identity") {
            return Self::Plain;
        }
        match coding::of(headers) {
            None => Self::Unknown,
            Some(codings) if codings.is_empty() => Self::Plain,
            Some(codings) => Self::As(codings),
        }
    }
}

/// What the headers of one answer say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Content {
    /// Whether the body has a content coding, so that it cannot be parsed here.
    pub(super) is_coded: bool,
    /// Whether it may be in characters that cannot be searched. JSON and event streams are UTF-8 whatever this says, but
    /// there are clients that believe it.
    pub(super) is_foreign: bool,
    /// Whether it is an event stream.
    pub(super) is_stream: bool,
}

impl Content {
    /// Reads the headers once: each look-up by name would cost more than all of it.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let is_only = |value: &HeaderValue, word: &[u8]| value.as_bytes().eq_ignore_ascii_case(word);
        let (mut content, mut typed) = (Self::default(), false);
        for (name, value) in headers {
            if name == CONTENT_TYPE {
                // Every one counts: with two, each reader may choose another.
                content.is_foreign |= is_foreign(value);
                content.is_stream |= !typed && sse::is_stream_type(value);
                typed = true;
            } else if name == CONTENT_ENCODING {
                content.is_coded |= !is_only(value, b"identity");
            } else if name == TRANSFER_ENCODING {
                content.is_coded |= !is_only(value, b"chunked");
            }
        }
        content
    }
}

fn is_foreign(kind: &HeaderValue) -> bool {
    const NAME: &[u8] = b"charset";
    const KNOWN: [&[u8]; 5] = [b"utf-8", b"utf8", b"us-ascii", b"iso-8859-1", b"windows-1252"];
    let is = |text: &[u8], word: &[u8]| {
        text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let known = |named: &[u8]| {
        let start = named.iter().position(|byte| !matches!(byte, b'=' | b' ' | b'"')).unwrap_or(named.len());
        KNOWN.iter().any(|known| is(named.get(start..).unwrap_or_default(), known))
    };
    let kind = kind.as_bytes();
    let mut names = kind.windows(NAME.len()).enumerate().filter(|(_, window)| is(window, NAME));
    names.any(|(at, _)| !known(kind.get(at + NAME.len()..).unwrap_or_default()))
}
