//! Which bytes of an event stream are sent, however they arrive.

use proptest::prelude::*;

use super::{Boundary, EventAction, RawEvent, SseFilter, StreamTooLarge, events};

/// Shows tools whose names begin with `ok`, and gives endpoints a prefix.
fn mcp() -> SseFilter<impl FnMut(&RawEvent<'_>) -> EventAction> {
    let endpoint = |place: &str| match place.starts_with('/') {
        true => EventAction::Replace(format!("/server{place}").into_bytes()),
        false => EventAction::Drop,
    };
    SseFilter::new(200, events(|_, name| name.starts_with("ok"), endpoint))
}

/// The output of a stream that comes in chunks of these sizes, in turn; and how many events were dropped.
fn run(stream: &[u8], sizes: &[usize]) -> (Vec<u8>, u64) {
    let mut filter = mcp();
    let (mut out, mut rest) = (Vec::new(), stream);
    for size in sizes.iter().cycle() {
        let (chunk, next) = rest.split_at((*size).min(rest.len()));
        out.extend_from_slice(&filter.push(chunk).unwrap());
        rest = next;
        if rest.is_empty() {
            break;
        }
    }
    (out, filter.finish())
}

fn whole(stream: &[u8]) -> (Vec<u8>, u64) {
    run(stream, &[usize::MAX])
}

const SHOWN: &str = r#"{"id":1,"result":{"tools":[{"name":"ok"}]}}"#;
const MIXED: &str = r#"{"id":1,"result":{"tools":[{"name":"ok"},{"name":"no"}]}}"#;

/// A stream, and its expected output.
fn cases() -> Vec<(String, String, u64)> {
    let same = |stream: String| (stream.clone(), stream, 0);
    let mut cases = vec![
        same(String::new()),
        same(format!("data: {SHOWN}\n\n")),
        same(format!("data:{SHOWN}\n\n")),
        same(format!("data: {SHOWN}\r\n\r\n")),
        same(format!("data: {SHOWN}\r\r")),
        same(format!("data: {SHOWN}\r\ndata: \n\r")),
        same(format!("event: message\nid: 7\nretry: 10\ndata: {SHOWN}\n: note\n\n")),
        same("id: 1\ndata:\n\n".into()),
        same("id: 1\r\n\r\nretry: 5\n\n".into()),
        same(": ping\n\n:\n: x\r\n\n\n\r\n".into()),
        same("data: {\"result\":\ndata:   {\"a\":1}}\n\n".into()),
        // Neither U+000B nor U+0085 nor U+2028 ends a line.
        same("data: {\"a\":\"\u{85}data: x\u{2028}\u{85}\"}\n\n".into()),
        (format!("data: {MIXED}\n\n"), format!("data: {SHOWN}\n\n"), 0),
        (format!("id: 7\r\ndata:{MIXED}\r\nevent: message\r\nretry: 1\r\n\r\n"), format!("id: 7\ndata: {SHOWN}\nevent: message\nretry: 1\n\n"), 0),
        (format!("data: {MIXED}\r\r: c\r\r"), format!("data: {SHOWN}\n\n: c\r\r"), 0),
        (format!("event: other\ndata: {MIXED}\n\n"), format!("event: other\ndata: {SHOWN}\n\n"), 0),
        (format!("event: endpoint\nevent:message\ndata: {MIXED}\n\n"), format!("event: endpoint\nevent:message\ndata: {SHOWN}\n\n"), 0),
        (MIXED.replace(",{", ",\n{").lines().map(|line| format!("data: {line}\n")).collect::<String>() + "\n", format!("data: {SHOWN}\n\n"), 0),
        ("data: {\"result\":{\"tools\":[{\ndata: \"name\":\"ok\"},\ndata: {\"name\":\"no\"}]},\ndata: \"id\":1}\n\n".into(), "data: {\"result\":{\"tools\":[{\ndata: \"name\":\"ok\"}]},\ndata: \"id\":1}\n\n".into(), 0),
        // The stream's own mark is removed, a second one makes an unknown field.
        (format!("\u{feff}data: {MIXED}\n\n"), format!("data: {SHOWN}\n\n"), 0),
        (format!("\u{feff}: c\ndata: {SHOWN}\n\n"), format!(": c\ndata: {SHOWN}\n\n"), 0),
        (format!("\u{feff}\u{feff}data: {MIXED}\n\n"), String::new(), 0),
        (format!(": c\n\u{feff}data: {MIXED}\n\n"), ": c\n".into(), 0),
        // Fields that only lenient clients know.
        (format!("Data: {MIXED}\n\n"), String::new(), 0),
        (format!(" data: {MIXED}\n\n"), String::new(), 0),
        (format!("data : {MIXED}\nid: 1\n\n"), "id: 1\n\n".into(), 0),
        (format!("data: {SHOWN}\rDATA: {MIXED}\n\n"), format!("data: {SHOWN}\n\n"), 0),
        // What cannot be parsed, or is not complete.
        (format!("data: [{MIXED}]\n\n: c\n"), ": c\n".into(), 1),
        (format!("data: \u{feff}{SHOWN}\n\n"), format!("data: {SHOWN}\n\n"), 0),
        (format!("data: \u{feff}{MIXED}\n\n"), format!("data: {SHOWN}\n\n"), 0),
        (format!("data: \u{feff}\u{feff}{SHOWN}\n\n"), String::new(), 1),
        (format!("data: {SHOWN}\ndata: {SHOWN}\n\n"), String::new(), 1),
        (format!("data: {SHOWN}\u{b}\n\n"), String::new(), 1),
        ("data: {\"result\":{},\"Result\":{}}\r\n\r\n: c\n".into(), ": c\n".into(), 1),
        ("event: ping\ndata: 2026-07-28\n\n".into(), String::new(), 1),
        (format!("data: {SHOWN}\n"), String::new(), 1),
        (format!("data: {SHOWN}\r\n"), String::new(), 1),
        (format!("data: {SHOWN}\n\ndata: {SHOWN}"), format!("data: {SHOWN}\n\n"), 1),
        (": not whole".into(), String::new(), 1),
        // HTTP+SSE.
        ("event: endpoint\r\ndata: /message?sessionId=1\r\n\r\n".into(), "event: endpoint\ndata: /server/message?sessionId=1\n\n".into(), 0),
        ("event: endpoint\ndata: https://evil.example/\n\n".into(), String::new(), 1),
        (format!("event: endpoint\ndata: {SHOWN}\n\n"), String::new(), 1),
        ("event: endpoint\ndata: /a\ndata: /b\n\n".into(), "event: endpoint\ndata: /server/a\ndata: /b\n\n".into(), 0),
    ];
    let all: Vec<_> = cases[1..12].to_vec();
    cases.push((all.iter().map(|case| &*case.0).collect(), all.iter().map(|case| &*case.1).collect(), 0));
    cases
}

#[test]
fn events_go_out_whole_or_not_at_all() {
    for (stream, expected, dropped) in cases() {
        let (out, count) = whole(stream.as_bytes());
        assert_eq!((String::from_utf8(out).unwrap(), count), (expected, dropped), "{stream:?}");
    }
}

#[test]
fn two_chunks_are_one_at_every_split() {
    for (stream, _, _) in cases() {
        for at in 1..stream.len() {
            assert_eq!(
                run(stream.as_bytes(), &[at, usize::MAX]),
                whole(stream.as_bytes()),
                "{stream:?} at {at}"
            );
        }
        assert_eq!(run(stream.as_bytes(), &[1]), whole(stream.as_bytes()), "{stream:?} by bytes");
    }
}

#[test]
fn comments_and_whole_events_are_not_held_back() {
    let mut filter = mcp();
    for (chunk, out, boundary) in [
        ("", "", true),
        (": hi", "", false),
        ("\n", ": hi\n", true),
        ("data: {}\r", "", false),
        ("\n\r", "data: {}\r\n\r", true),
        ("\n", "\n", true),
        ("data: []\n\n", "", true),
        ("id: 1\n", "", false),
        (": within\n", "", false),
        ("\ndata", "id: 1\n: within\n\n", false),
    ] {
        assert_eq!(filter.push(chunk.as_bytes()).unwrap(), out, "{chunk:?}");
        assert_eq!(filter.at_boundary(), boundary, "{chunk:?}");
    }
    assert_eq!(filter.dropped(), 1);
    assert_eq!(filter.finish(), 2);
}

#[test]
fn an_event_has_a_largest_size() {
    let event = |size: usize| format!("id: {}\n\n", "1".repeat(size - 6));
    for size in [1, 7, usize::MAX] {
        let mut filter = mcp();
        let push = |filter: &mut SseFilter<_>, text: &str| {
            let mut chunks = text.as_bytes().chunks(size.min(text.len()));
            chunks.try_fold(0, |sum, chunk| filter.push(chunk).map(|out| sum + out.len()))
        };
        assert_eq!(push(&mut filter, &event(200)), Ok(200));
        assert_eq!(push(&mut filter, &event(200)), Ok(200));
        assert_eq!(push(&mut filter, &event(201)), Err(StreamTooLarge));
        assert_eq!(filter.push(b"\n"), Err(StreamTooLarge));
    }
}

#[test]
fn a_stream_that_passes_unread_has_boundaries() {
    for (stream, boundary) in [
        ("", true),
        ("\n", true),
        ("data: x", false),
        ("data: x\n", false),
        ("data: x\r\n", false),
        ("data: x\n\n", true),
        ("data: x\r\r", true),
        ("data: x\r\n\r", true),
        ("data: x\r\n\r\n", true),
        ("data: x\n\r\n", true),
        ("data: x\n\nd", false),
        ("data: x\n\nd\r", false),
    ] {
        for size in 1..=stream.len().max(1) {
            let mut place = Boundary::default();
            stream.as_bytes().chunks(size).for_each(|chunk| place.pass(chunk));
            assert_eq!(place.at_boundary(), boundary, "{stream:?} by {size}");
        }
    }
}

/// The data of the events in a stream, as the standard has it.
fn received(stream: &str) -> Vec<String> {
    let stream = stream.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let (mut events, mut data) = (Vec::new(), Vec::new());
    for line in stream.split('\n') {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        match name {
            "data" => data.push(value.strip_prefix(' ').unwrap_or(value)),
            _ if line.is_empty() => events.push(std::mem::take(&mut data).join("\n")),
            _ => {}
        }
    }
    events
}

proptest! {
    /// Chunk boundaries have no meaning, whatever the stream.
    #[test]
    fn chunks_have_no_meaning(
        parts in prop::collection::vec(prop::sample::select(vec![
            "\n", "\r", "\r\n", ":", " ", "data", "data:", "event:", "endpoint", "id:", "x", "{}", "[]", "\u{feff}", "\u{85}",
            "data: {\"result\":{\"tools\":[{\"name\":\"no\"}]}}", "data: {}\n\n",
        ]), 0..12),
        sizes in prop::collection::vec(1_usize..9, 1..6),
    ) {
        let stream = parts.concat();
        let (out, dropped) = whole(stream.as_bytes());
        prop_assert_eq!(run(stream.as_bytes(), &sizes), (out.clone(), dropped));
        let out = String::from_utf8(out).unwrap();
        for data in received(&out) {
            prop_assert!(!data.contains(r#""no""#), "{:?}", out);
        }
        // Filtering the output again changes nothing.
        prop_assert_eq!(whole(out.as_bytes()), (out.clone().into_bytes(), 0));
    }
}
