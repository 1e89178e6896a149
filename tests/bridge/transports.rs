//! The older transport, HTTP+SSE (2024-11-05), for servers that support nothing else.

use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{Client, call, events, result};
use crate::support::upstream::{Seen, Upstream, push, say};

/// A server with only the older transport: what is posted to `/messages` is answered on the stream of `/sse`.
fn old(endpoint: &'static str, breaks_after: usize) -> Upstream {
    let open: Arc<Mutex<Option<TcpStream>>> = Arc::default();
    let calls = Mutex::new(0);
    Upstream::start(move |seen: &Seen, stream: &mut TcpStream| {
        if seen.is("GET /sse") {
            events(stream);
            push(stream, format!("event: endpoint\ndata: {endpoint}\n\n").as_bytes());
            let kept = stream.try_clone().unwrap();
            *open.lock().unwrap() = Some(kept);
            let _ = std::io::Read::read(stream, &mut [0]);
            return;
        }
        if !seen.is("POST /messages?s=1") {
            return say(stream, "404 No", b"");
        }
        say(stream, "202 Accepted", b"");
        let message = seen.message();
        let mut kept = open.lock().unwrap();
        let Some(channel) = kept.as_mut().filter(|_| !message["id"].is_null()) else { return };
        let mut calls = calls.lock().unwrap();
        *calls += usize::from(message["method"] == "tools/call");
        if *calls == breaks_after {
            *calls += 1;
            channel.shutdown(std::net::Shutdown::Both).unwrap();
            return;
        }
        push(channel, format!("event: message\ndata: {}\n\n", result(&message["id"], "old")).as_bytes());
    })
}

#[test]
fn a_server_of_the_older_transport_is_found_and_spoken_to() {
    let server = old("/messages?s=1", usize::MAX);
    let mut client = Client::before(&server);
    assert_eq!(client.initialize(), result(&json!(0), "old"));
    assert_eq!(client.ask(&call(1)), result(&json!(1), "old"));
    assert_eq!(client.ask(&call(2)), result(&json!(2), "old"));
    assert_eq!(client.end().1, Some(0));
}

#[test]
fn an_address_on_another_machine_gets_nothing() {
    let other = Upstream::answering("202 Accepted", "");
    let endpoint: &'static str = format!("{}/messages?s=1", other.base).leak();
    let mut client = Client::before(&old(endpoint, usize::MAX));
    assert_eq!(client.ask(&super::initialize())["error"]["code"], 5022);
    client.end();
    assert!(other.seen().is_empty());
}

#[test]
fn a_broken_stream_is_an_answer_to_what_waits_and_opened_again_for_what_follows() {
    let server = old("/messages?s=1", 2);
    let mut client = Client::before(&server);
    client.initialize();
    assert_eq!(client.ask(&call(1)), result(&json!(1), "old"));
    let broken: Value = client.ask(&call(2));
    assert_eq!((&broken["id"], &broken["error"]["code"]), (&json!(2), &json!(5023)));
    assert_eq!(client.ask(&call(3)), result(&json!(3), "old"));
    client.end();
    let initialized = server.seen().iter().filter(|seen| seen.message()["method"] == "initialize").count();
    assert_eq!(initialized, 3, "once to /mcp, then on each stream");
}
