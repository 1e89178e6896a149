//! What an answer's headers say of its body: whether it can be read here, and whether it is events. It leaves reading it to
//! `forward`.

use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, TRANSFER_ENCODING};

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

/// Whether the body may be in characters that cannot be searched. JSON and event streams are UTF-8 whatever this says, but
/// there are clients that believe it.
pub(super) fn is_foreign(headers: &HeaderMap) -> bool {
    const NAME: &[u8] = b"charset";
    const KNOWN: [&[u8]; 5] = [b"utf-8", b"utf8", b"us-ascii", b"iso-8859-1", b"windows-1252"];
    let is = |text: &[u8], word: &[u8]| {
        text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let known = |named: &[u8]| {
        let start = named.iter().position(|byte| !matches!(byte, b'=' | b' ' | b'"')).unwrap_or(named.len());
        KNOWN.iter().any(|known| is(named.get(start..).unwrap_or_default(), known))
    };
    // Every one counts: of two, it is the reader's guess which one is meant.
    let foreign = |kind: &HeaderValue| {
        let kind = kind.as_bytes();
        let mut names = kind.windows(NAME.len()).enumerate().filter(|(_, window)| is(window, NAME));
        names.any(|(at, _)| !known(kind.get(at + NAME.len()..).unwrap_or_default()))
    };
    headers.get_all(CONTENT_TYPE).iter().any(foreign)
}
