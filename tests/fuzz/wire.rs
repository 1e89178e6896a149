//! The gateway's readers of messages and event streams. It leaves the token reader to a file of its own.

use std::borrow::Cow;

use mcpauth::gateway::wire::envelope::Envelope;
use mcpauth::gateway::wire::filter;
use mcpauth::gateway::wire::sse::{Boundary, EventAction, SseFilter, events};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::fuzz;

const MESSAGES: &str = include_str!("messages.jsonl");

/// What other readers stumble over, or over each other.
const TOKENS: [&str; 40] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    ":",
    "\\",
    " ",
    "\n",
    "\r",
    "\r\n",
    "\u{feff}",
    "\u{b}",
    "\u{85}",
    "\0",
    "\\u0000",
    "\\ud800",
    "\\u0065",
    "ſ",
    "\u{212a}",
    "1e999",
    "null",
    "\"method\":\"tools/call\",",
    "\"Method\":\"ping\",",
    "\"name\":\"no\",",
    "\"Name\":\"no\",",
    "\"n\\u0061me\":\"no\",",
    "\"result\":{\"tools\":[{\"name\":\"no\"}]},",
    "\"tools\":[{\"name\":\"no\"}],",
    "\"Tools\":[{\"name\":\"no\"}],",
    "\"cacheScope\":\"public\",",
    "{\"name\":\"no\"},",
    "data: ",
    "event: endpoint\n",
    "id: 1\n",
    ": \n",
    "\n\n",
    "Data:",
    "\r\r",
];

/// What serde_json takes a message for: it refuses two equal keys among these.
#[derive(Deserialize)]
struct Message<'b, P> {
    jsonrpc: String,
    #[serde(borrow)]
    method: Option<Cow<'b, str>>,
    params: Option<P>,
}

/// The parameters of a method that is about a tool or a prompt.
#[derive(Deserialize)]
struct Named {
    name: Option<String>,
}

fn messages() -> Vec<&'static str> {
    MESSAGES.lines().collect()
}

fn shows(name: &str) -> bool {
    name.starts_with("ok")
}

/// No list in a message that a reader without regard to case finds has something hidden in it.
fn shows_nothing_hidden(message: &[u8]) {
    // Halves of characters and endless numbers pass unread, and serde_json has no value for them.
    let Ok(message) = serde_json::from_slice::<Value>(message) else { return };
    let members = |value: &Value, key: &str| -> Vec<Value> {
        let object = value.as_object().into_iter().flatten();
        object.filter(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value.clone()).collect()
    };
    for result in members(&message, "result") {
        for (list, key) in [
            ("tools", "name"),
            ("prompts", "name"),
            ("resources", "uri"),
            ("resourceTemplates", "uriTemplate"),
        ] {
            for element in members(&result, list).iter().flat_map(|list| list.as_array()).flatten() {
                let names = members(element, key);
                assert!(names.len() == 1 && names[0].as_str().is_some_and(shows), "{message}");
            }
        }
    }
}

#[test]
fn an_envelope_means_what_it_means_to_others() {
    fuzz(|dice| {
        let body = dice.changed(&messages(), &TOKENS);
        let Ok(envelope) = Envelope::read(&body) else { return };
        let other: Message<'_, IgnoredAny> = serde_json::from_slice(&body).expect("JSON with no key twice");
        assert_eq!(other.jsonrpc, "2.0");
        assert_eq!(envelope.method, other.method);
        if let Some("tools/call" | "prompts/get") = envelope.method.as_deref() {
            let other: Message<'_, Named> = serde_json::from_slice(&body).expect("a name that is a string");
            assert_eq!(envelope.name.as_deref(), other.params.and_then(|params| params.name).as_deref());
        }
        if let Some(id) = envelope.id {
            serde_json::from_str::<IgnoredAny>(id).expect("an id can be written into an answer");
        }
    });
}

#[test]
fn a_filtered_answer_is_json_and_hides_what_is_hidden() {
    fuzz(|dice| {
        let answer = dice.changed(&messages(), &TOKENS);
        let Ok(out) = filter::message(&answer, &|_, name| shows(name)) else { return };
        serde_json::from_slice::<IgnoredAny>(&out).expect("JSON");
        shows_nothing_hidden(&out);
        assert_eq!(filter::message(&out, &|_, name| shows(name)).expect("readable again"), out);
    });
}

#[test]
fn an_event_stream_is_the_same_in_any_chunks() {
    fuzz(|dice| {
        let messages: Vec<String> =
            MESSAGES.lines().map(|line| format!("event: message\nid: 1\ndata: {line}\r\n\n: c\n")).collect();
        let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
        let stream = [dice.changed(&messages, &TOKENS), dice.changed(&messages, &TOKENS)].concat();
        let cuts = dice.cuts();
        let whole = filtered(&stream, &[]);
        assert_eq!(filtered(&stream, &cuts), whole);
        let out = whole.0;
        received(&out).iter().for_each(|data| shows_nothing_hidden(data));
        assert_eq!(filtered(&out, &cuts).0, out, "what went out would go out again");
    });
}

/// What goes out of a stream that is cut into pieces of these lengths, how many events do not, and whether it ends
/// between two events.
fn filtered(stream: &[u8], cuts: &[usize]) -> (Vec<u8>, u64, bool) {
    let mut filter =
        SseFilter::new(4_096, events(|_, name| shows(name), |place| EventAction::Replace(place.into())));
    let (mut boundary, mut out, mut rest) = (Boundary::default(), Vec::new(), stream);
    for length in cuts.iter().copied().chain([usize::MAX]) {
        let (chunk, next) = rest.split_at(length.min(rest.len()));
        let part = filter.push(chunk).expect("events are small");
        boundary.pass(chunk);
        out.extend_from_slice(&part);
        rest = next;
    }
    (out, filter.finish(), boundary.at_boundary())
}

/// The data of the messages in a stream, as the standard has it.
fn received(stream: &[u8]) -> Vec<Vec<u8>> {
    let stream = String::from_utf8_lossy(stream).replace("\r\n", "\n").replace('\r', "\n");
    let (mut events, mut data, mut name) = (Vec::new(), Vec::new(), "");
    for line in stream.split('\n') {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => data.push(value),
            "event" => name = value,
            _ if line.is_empty() => {
                let message = std::mem::take(&mut data).join("\n").into_bytes();
                if std::mem::take(&mut name) != "endpoint" {
                    events.push(message);
                }
            }
            _ => {}
        }
    }
    events
}
