//! Removes from one JSON-RPC message of a server what its caller must not see, and leaves every other byte unchanged.
//! Not here: event streams (see `sse`).
//!
//! Every result that contains a list is filtered, whatever was requested: on resumed and legacy streams the answer to
//! a list request comes without its request.

use std::borrow::Cow;
use std::ops::Range;

use super::json::{DEPTH, JsonReader, KnownKeys, Malformed, Text, alike};
use super::list_scan::{self, ListScan};
use crate::mcp::methods::{Listed, RESOURCE_UPDATED};

/// The top level's keys.
const KEYS: &[&str] = &["jsonrpc", "id", "result", "error", "method", "params"];

/// A result's keys that matter, and other common ones.
const RESULT: &[&str] = &[
    "tools",
    "prompts",
    "resources",
    "resourceTemplates",
    CACHE_SCOPE,
    "nextCursor",
    "ttlMs",
    "resultType",
    "_meta",
];
const CACHE_SCOPE: &str = "cacheScope";

/// A server's answer that could be read in more ways than one. It must not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server's answer cannot be read: {0}")]
pub struct Unreadable(#[from] pub Malformed);

/// What is cut from the text and what replaces it.
#[derive(Default)]
struct Edits(Vec<(Range<usize>, &'static str)>);

/// The part of a list that has been parsed.
#[derive(Default)]
struct ListProgress {
    /// Whether an element stays.
    kept: bool,
    /// Where the removed elements before the first kept one begin.
    head: Option<usize>,
    /// Where the last element ends.
    end: usize,
}

/// Which elements of a list are shown.
pub type VisibleFn<'s> = &'s dyn Fn(Listed, &str) -> bool;

/// What is shown of an answer: all of it unchanged, or other bytes instead; nothing, if it is not for the caller.
pub type FilteredBody<'a> = Result<Cow<'a, [u8]>, Unreadable>;

/// The message without the hidden elements of its list, and with an existing `cacheScope` of such a list set to
/// `private` (a shared cache would show one caller's list to another). Borrowed if nothing had to change; empty, if
/// it is the notification of a hidden resource.
///
/// An element whose name two parsers could read differently is hidden.
///
/// # Errors
/// [`Unreadable`], if this is not one JSON object with one meaning.
pub fn message<'a>(bytes: &'a [u8], shows: VisibleFn<'_>) -> FilteredBody<'a> {
    let mut reader = JsonReader::message(bytes, DEPTH)?;
    let mut edits = Edits::default();
    let (mut notice, mut params) = (false, None);
    let mut keys = KnownKeys::new(KEYS);
    reader.object(|reader, key| {
        match keys.admit(key)? {
            Some("result") if reader.peek() == Some(b'{') => result(reader, shows, &mut edits)?,
            Some("method") => notice = is_notice(reader.value()?),
            Some("params") => params = Some(reader.value()?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    reader.end()?;
    if notice && !params.and_then(resource).is_some_and(|uri| shows(Listed::Resource, &uri)) {
        return Ok(Cow::Owned(Vec::new()));
    }
    Ok(edits.apply(bytes))
}

/// The same for whatever may not be a message: it is parsed only if it may contain a list or a notification. If it
/// may, and cannot be parsed, it does not pass.
///
/// # Errors
/// [`Unreadable`].
pub fn anything<'a>(bytes: &'a [u8], shows: VisibleFn<'_>) -> FilteredBody<'a> {
    let mut look = ListScan::default();
    if list_scan::may_tell(bytes) && (look.tells(bytes) || !look.is_whole()) {
        return message(bytes, shows);
    }
    Ok(Cow::Borrowed(bytes))
}

/// Whether a method reports a changed resource; one that cannot be parsed may.
fn is_notice(method: &str) -> bool {
    Text::of(method)
        .is_some_and(|method| method.decode().is_ok_and(|method| alike(&method, RESOURCE_UPDATED)))
}

/// The URI in `params`, if there is exactly one.
fn resource(params: &str) -> Option<Cow<'_, str>> {
    let mut reader = JsonReader::message(params.as_bytes(), DEPTH).ok()?;
    name(&mut reader, Listed::Resource.key()).ok().flatten()
}

fn result(reader: &mut JsonReader<'_>, shows: VisibleFn<'_>, edits: &mut Edits) -> Result<(), Malformed> {
    let mut keys = KnownKeys::new(RESULT);
    let (mut lists, mut scope) = (false, None);
    reader.object(|reader, key| {
        let key = keys.admit(key)?;
        if let Some(listed) = key.and_then(listed) {
            lists = true;
            return list(reader, listed, shows, edits);
        }
        reader.peek();
        let start = reader.at();
        let value = reader.value()?;
        if key == Some(CACHE_SCOPE) && value != r#""private""# {
            scope = Some(start..reader.at());
        }
        Ok(())
    })?;
    edits.0.extend(scope.filter(|_| lists).map(|place| (place, r#""private""#)));
    Ok(())
}

fn list(
    reader: &mut JsonReader<'_>,
    listed: Listed,
    shows: VisibleFn<'_>,
    edits: &mut Edits,
) -> Result<(), Malformed> {
    match reader.peek() {
        Some(b'[') => {}
        // Go writes an empty list as null.
        Some(b'n') => return reader.skip(),
        _ => return Err(Malformed::Shape("a list that is not an array")),
    }
    let mut seen = ListProgress::default();
    reader.array(|reader| {
        reader.peek();
        let start = reader.at();
        let shown = name(reader, listed.key())?.is_some_and(|name| shows(listed, &name));
        seen.element(start..reader.at(), shown, edits);
        Ok(())
    })?;
    seen.head.filter(|_| !seen.kept).into_iter().for_each(|head| edits.cut(head..seen.end));
    Ok(())
}

/// Parses an element and returns its name, if it is an object with exactly one.
fn name<'b>(reader: &mut JsonReader<'b>, deciding: &str) -> Result<Option<Cow<'b, str>>, Malformed> {
    if reader.peek() != Some(b'{') {
        return reader.skip().map(|()| None);
    }
    let (mut name, mut sound) = (None, true);
    reader.object(|reader, key| {
        let key = key.decode();
        if key.as_deref() == Ok(deciding) {
            sound &= name.is_none();
            name = Some(reader.value()?);
            return Ok(());
        }
        sound &= key.is_ok_and(|key| !alike(&key, deciding));
        reader.skip()
    })?;
    let name = name.filter(|_| sound).and_then(Text::of);
    Ok(name.and_then(|name| name.decode().ok()))
}

fn listed(key: &str) -> Option<Listed> {
    Listed::ALL.into_iter().find(|listed| listed.member() == key)
}

impl ListProgress {
    /// Removes an element together with the comma before it, or, while none is kept, with the one after it.
    fn element(&mut self, place: Range<usize>, shown: bool, edits: &mut Edits) {
        match (shown, self.kept) {
            (true, true) => {}
            (true, false) => self.head.take().into_iter().for_each(|head| edits.cut(head..place.start)),
            (false, true) => edits.cut(self.end..place.end),
            (false, false) => self.head = self.head.or(Some(place.start)),
        }
        self.kept |= shown;
        self.end = place.end;
    }
}

impl Edits {
    /// Removes a part; of neighbours one edit remains, because a large list may have a million hidden elements.
    fn cut(&mut self, place: Range<usize>) {
        match self.0.last_mut() {
            Some((last, "")) if last.end == place.start => last.end = place.end,
            _ => self.0.push((place, "")),
        }
    }

    fn apply(mut self, bytes: &[u8]) -> Cow<'_, [u8]> {
        if self.0.is_empty() {
            return Cow::Borrowed(bytes);
        }
        self.0.sort_by_key(|(place, _)| place.start);
        // Exact, because what remains of a large list is what its caller's reservation counts.
        let length =
            self.0.iter().fold(bytes.len(), |left, (place, instead)| left - place.len() + instead.len());
        let mut edited = Vec::with_capacity(length);
        let mut done = 0;
        for (place, instead) in self.0 {
            edited.extend_from_slice(bytes.get(done..place.start).unwrap_or_default());
            edited.extend_from_slice(instead.as_bytes());
            done = place.end;
        }
        edited.extend_from_slice(bytes.get(done..).unwrap_or_default());
        Cow::Owned(edited)
    }
}

#[cfg(test)]
mod tests;
