//! What an answer's headers say about its body: whether it can be parsed here, and whether it is an event stream. Not
//! here: parsing it (see `forward`).

use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, TRANSFER_ENCODING};

/// Whether the body has a content coding, so that it cannot be parsed here.
pub(super) fn is_coded(headers: &HeaderMap) -> bool {
    let only = |name, word: &[u8]| {
        headers.get_all(name).iter().all(|value| value.as_bytes().eq_ignore_ascii_case(word))
    };
    !(only(CONTENT_ENCODING, b"identity") && only(TRANSFER_ENCODING, b"chunked"))
}

/// Whether the body may have a charset that cannot be searched. JSON and event streams are always UTF-8, but some
/// clients believe the header.
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
    // Every one counts: with two, each reader may choose another.
    let foreign = |kind: &HeaderValue| {
        let kind = kind.as_bytes();
        let mut names = kind.windows(NAME.len()).enumerate().filter(|(_, window)| is(window, NAME));
        names.any(|(at, _)| !known(kind.get(at + NAME.len()..).unwrap_or_default()))
    };
    headers.get_all(CONTENT_TYPE).iter().any(foreign)
}
