//! Answers from hostile or careless servers: no hidden tool is shown, no header speaks for the gateway, no client is
//! redirected. Not here: requests (see `attacks`); sessions and streams (see `streams`).
#![cfg(test)]

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::coding::{SAID, begun_by, encoded_by};
use crate::support::lab::{Lab, call, list, request, until};
use crate::support::upstream::{Listening, Upstream, begin, gone, push, say};

#[test]
fn a_lists_answer_never_shows_a_hidden_tool_however_it_is_sent() {
    let tools = r#"{"jsonrpc":"2.0","id":"l","result":{"tools":[{"name":"echo"},{"name":"hidden"}]}}"#;
    let twice = r#"{"jsonrpc":"2.0","id":"l","result":{"tools":[]},"result":{"tools":[{"name":"hidden"}]}}"#;
    let (start, rest) = tools.split_at(37);
    let json = "200 OK\r\ncontent-type: application/json";
    let events = "200 OK\r\ncontent-type: text/event-stream";
    let shown = Some(200);
    for (head, body, status) in [
        (json, tools.to_owned(), shown),
        ("201 Created\r\ncontent-type: application/json", tools.into(), Some(201)),
        (
            "206 Partial\r\ncontent-type: application/json\r\ncontent-range: bytes 0-9/99",
            tools.into(),
            Some(206),
        ),
        ("404 Not Found\r\ncontent-type: application/json", tools.into(), Some(404)),
        ("200 OK\r\ncontent-type: APPLICATION/JSON; charset=x", tools.into(), shown),
        ("200 OK\r\ncontent-type: text/plain", tools.into(), shown),
        ("200 OK\r\ncontent-type: text/html", tools.into(), shown),
        ("200 OK", tools.into(), shown),
        (json, format!("\n\n{tools}\n"), shown),
        (json, format!("\u{feff}{tools}"), shown),
        (json, format!("\u{feff}\r\n{tools}"), shown),
        (json, format!("\u{feff}\u{feff}{tools}"), None),
        (json, "\u{feff}".into(), None),
        (json, format!("[{tools}]"), None),
        (json, format!("{tools}{tools}"), None),
        (json, twice.into(), None),
        (json, tools.replace("\"result\"", "\"Result\""), None),
        (json, tools.replace("\"tools\"", "\"Tools\""), None),
        (json, tools.replace("\"tools\"", "\"tool\\u017f\""), None),
        (json, tools.replace("[{", "{\"a\":{").replace("}]", "}}"), None),
        (json, format!("data: {tools}\n\n"), None),
        (json, start.to_owned(), None),
        ("200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip", tools.into(), None),
        ("200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: x-own", tools.into(), None),
        (events, format!("data: {tools}\n\n"), shown),
        (events, format!("data: {tools}\r\rdata: {tools}\r\r"), shown),
        (events, tools.into(), shown),
        (events, format!("data: {tools}\n"), shown),
        (events, format!("data: {}\ndata: {}\n\n", start, rest), shown),
        (events, format!("\u{feff}data: {tools}\n\n"), shown),
        (events, format!("data: \u{feff}{tools}\n\n"), shown),
        (events, format!("Data: {tools}\n\n"), shown),
        (events, format!("data: [{tools}]\n\n"), shown),
        (events, format!("event: other\ndata: {tools}\n\n"), shown),
        ("200 OK\r\ncontent-type: text/event-stream;charset=utf-8", format!("data: {tools}\n\n"), shown),
    ] {
        let upstream = Upstream::answering(head, body.clone());
        let lab = Lab::before(&upstream, "streamable-http");
        let answer = lab.ask(&lab.token("worker"), "/delta/mcp", &list()).status(status.unwrap_or(502));
        assert!(!answer.text().contains("hidden"), "{head} {body}: {}", answer.text());
        assert!(!answer.head.contains("hidden"));
        assert_eq!(upstream.seen()[0].header("accept-encoding"), Some("identity"));
    }
}

/// A parser may ignore the mark (RFC 8259 section 8.1), and many fail on it: a caller must not need such a parser.
#[test]
fn a_mark_before_an_answer_is_dropped_and_what_follows_is_read() {
    let mark = "\u{feff}";
    let tools = r#"{"jsonrpc":"2.0","id":"l","result":{"tools":[{"name":"hidden"},{"name":"echo"}]}}"#;
    let plain = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#;
    let json = "200 OK\r\ncontent-type: application/json";
    let events = "200 OK\r\ncontent-type: text/event-stream";
    let gzip = format!("{json}\r\ncontent-encoding: gzip");
    let coded = encoded_by(&["gzip"], format!("{mark}{tools}").as_bytes());
    for (head, body, message) in [
        (json, format!("{mark}{tools}").into_bytes(), list()),
        (json, format!("{mark} \n{tools}\r\n").into_bytes(), list()),
        (&gzip, coded, list()),
        (events, format!("data: {mark}{tools}\n\n").into_bytes(), list()),
        (events, format!("{mark}id: 1\r\ndata: {mark}{tools}\r\n\r\n").into_bytes(), list()),
        (json, format!("{mark}{plain}").into_bytes(), call("echo")),
        // What a call's answer is has to be looked for.
        (json, format!("{mark}{tools}").into_bytes(), call("echo")),
        (events, format!("data: {mark}{tools}\n\n").into_bytes(), call("echo")),
    ] {
        let case = format!("{head} {} {message}", String::from_utf8_lossy(&body));
        let head = head.to_owned();
        let upstream = Upstream::start(move |_, stream| say(stream, &head, &body));
        let lab = Lab::before(&upstream, "streamable-http");
        let answer = lab.ask(&lab.token("worker"), "/delta/mcp", &message).status(200);
        let text = answer.text();
        assert!(!text.contains(mark) && !text.contains("hidden"), "{case}: {text}");
        let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or(&text);
        let read: serde_json::Value =
            serde_json::from_str(data).unwrap_or_else(|e| panic!("{case}: {e} {text}"));
        let expected = if case.contains("content\":") {
            json!({"content": []})
        } else {
            json!({"tools": [{"name": "echo"}]})
        };
        assert_eq!(read["result"], expected, "{case}");
    }
}

fn ping() -> Value {
    json!({"jsonrpc": "2.0", "id": 7, "method": "ping"})
}

/// To a request of the server's.
fn reply() -> Value {
    json!({"jsonrpc": "2.0", "id": 7, "result": {}})
}

/// Nobody asked for a coding.
#[test]
fn a_list_in_a_coding_is_filtered_and_what_is_none_is_not_shown() {
    let tools = r#"{"jsonrpc":"2.0","id":"l","result":{"tools":[{"name":"hidden"},{"name":"echo"}]}}"#;
    let coded = |coding: &'static str, body: Vec<u8>, session: &'static str| {
        let head = format!("200 OK\r\ncontent-type: application/json{session}\r\ncontent-encoding: {coding}");
        Upstream::start(move |_, stream| say(stream, &head, &body))
    };
    for (coding, applied) in SAID {
        for session in ["", "\r\nmcp-session-id: up-1"] {
            let upstream = coded(coding, encoded_by(applied, tools.as_bytes()), session);
            let lab = Lab::before(&upstream, "streamable-http");
            let worker = lab.token("worker");
            // A list that was asked for, and one that comes in the place of another answer in a session. Without one, an
            // answer can only be that of its own request.
            for message in [list(), call("echo"), ping(), reply()] {
                let asked_for = message["method"] == "tools/list";
                if !asked_for && session.is_empty() {
                    continue;
                }
                let answer = lab.ask(&worker, "/delta/mcp", &message).status(200);
                assert_eq!(answer.json()["result"]["tools"], json!([{"name": "echo"}]), "{coding} {message}");
                assert_eq!(
                    answer.header("content-encoding").unwrap_or("identity").to_lowercase(),
                    "identity"
                );
            }
        }
    }
    let gzip = encoded_by(&["gzip"], tools.as_bytes());
    let bomb = encoded_by(&["gzip", "gzip"], &vec![b' '; 64 << 20]);
    for (coding, body) in [
        ("br", gzip.clone()),
        ("compress", gzip.clone()),
        ("gzip, rot13", gzip.clone()),
        ("gzip, gzip, gzip, gzip, gzip", encoded_by(&["gzip"; 5], tools.as_bytes())),
        ("gzip", gzip[..gzip.len() - 9].to_vec()),
        ("gzip", [&gzip[..], b"{}"].concat()),
        ("gzip, gzip", bomb),
    ] {
        let upstream = coded(coding, body, "");
        let lab = Lab::before(&upstream, "streamable-http");
        let answer = lab.ask(&lab.token("worker"), "/delta/mcp", &list()).status(502);
        assert!(!answer.text().contains("echo"), "{coding}: {}", answer.text());
    }
}

/// Each event goes out when it has come, also from a server that compresses what nobody asked it to.
#[test]
fn an_event_stream_in_a_coding_is_filtered_while_it_comes() {
    let tools = r#"{"jsonrpc":"2.0","id":"l","result":{"tools":[{"name":"hidden"},{"name":"echo"}]}}"#;
    let first = format!("data: {tools}\n\n");
    for (coding, applied) in SAID.into_iter().filter(|(_, applied)| applied.len() < 2) {
        for session in ["", "\r\nmcp-session-id: up-1"] {
            let begun = begun_by(applied, first.as_bytes());
            let head =
                format!("200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: {coding}{session}");
            let upstream = Upstream::start(move |_, stream| {
                begin(stream, &head);
                push(stream, &begun);
                gone(stream);
            });
            let lab = Lab::before(&upstream, "streamable-http");
            let worker = lab.token("worker");
            let bearer = format!("Bearer {worker}");
            let mut streams = vec![Listening::open(&lab, &worker, "/delta/mcp", &[])];
            // A list that was asked for, and one that comes in the place of another answer in a session.
            for message in [list(), call("echo"), ping(), reply()] {
                if message["method"] == "tools/list" || !session.is_empty() {
                    let headers =
                        [("X-Authorization", bearer.as_str()), ("Content-Type", "application/json")];
                    let body = message.to_string();
                    streams.push(Listening::send(
                        &lab,
                        &request("POST", "/delta/mcp", &headers, body.as_bytes()),
                    ));
                }
            }
            for mut stream in streams {
                let heard = stream.hear("echo");
                assert!(!heard.contains("hidden") && heard.contains("data: {"), "{coding}: {heard}");
                let named = heard.to_lowercase().contains("content-encoding: ");
                assert!(!named || applied.is_empty(), "{coding}: {heard}");
            }
        }
    }
    // What is not in its stated coding is cut off, unread.
    for (coding, body) in [
        ("gzip", first.clone().into_bytes()),
        ("br", encoded_by(&["gzip"], first.as_bytes())),
        ("gzip", encoded_by(&["gzip"], first.as_bytes())[..40].to_vec()),
    ] {
        let head = format!("200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: {coding}");
        let upstream = Upstream::start(move |_, stream| say(stream, &head, &body));
        let lab = Lab::before(&upstream, "streamable-http");
        let bearer = format!("Bearer {}", lab.token("worker"));
        let headers = [("X-Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let body = list().to_string();
        let heard = Listening::send(&lab, &request("POST", "/delta/mcp", &headers, body.as_bytes())).end();
        assert!(!heard.contains("echo") && !heard.contains("hidden"), "{coding}: {heard}");
        until("log", || lab.kept.events().iter().any(|event| event.contains("its answer was cut off")));
    }
}

#[test]
fn a_list_cut_anywhere_between_two_chunks_is_filtered_all_the_same() {
    let event = "data: {\"jsonrpc\":\"2.0\",\"id\":\"l\",\"result\":{\"tools\":[{\"name\":\"hidden\"},{\"name\":\"echo\"}]}}\r\n\r\n";
    let cut = AtomicUsize::new(0);
    let upstream = Upstream::start(move |_, stream| {
        let (first, second) = event.split_at(cut.fetch_add(1, Ordering::Relaxed));
        let chunk = |text: &str| {
            if text.is_empty() { String::new() } else { format!("{:x}\r\n{text}\r\n", text.len()) }
        };
        let head = "200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked";
        begin(stream, head);
        [chunk(first), chunk(second), "0\r\n\r\n".into()]
            .iter()
            .for_each(|part| push(stream, part.as_bytes()));
    });
    let lab = Lab::before(&upstream, "streamable-http");
    let token = lab.token("worker");
    for at in 0..event.len() {
        let text = lab.ask(&token, "/delta/mcp", &list()).status(200).text();
        assert_eq!(
            text.replace('\r', ""),
            "data: {\"jsonrpc\":\"2.0\",\"id\":\"l\",\"result\":{\"tools\":[{\"name\":\"echo\"}]}}\n\n",
            "cut at {at}"
        );
    }
}

#[test]
fn what_a_server_answers_does_not_speak_for_the_gateway() {
    let head = "200 OK\r\ncontent-type: application/json\r\nset-cookie: a=1\r\nalt-svc: h3=\":443\"\r\n\
                access-control-allow-origin: *\r\naccess-control-allow-credentials: true\r\n\
                www-authenticate: Bearer realm=\"evil\"\r\nstrict-transport-security: max-age=9\r\n\
                clear-site-data: \"*\"\r\nproxy-authenticate: Basic\r\nkeep-alive: timeout=9\r\nx-kept: yes";
    let reply = r#"{"jsonrpc":"2.0","id":7,"result":{}}"#;
    let lab = Lab::before(&Upstream::answering(head, reply), "streamable-http");
    let answer = lab.call(&lab.token("worker"), "delta", "echo").status(200);
    assert_eq!((answer.text().as_str(), answer.header("x-kept")), (reply, Some("yes")));
    for name in [
        "set-cookie",
        "alt-svc",
        "access-control",
        "www-authenticate",
        "strict",
        "clear",
        "proxy",
        "keep-alive",
    ] {
        assert!(
            !answer.head.contains(&format!("\n{name}")) && !answer.head.starts_with(name),
            "{}",
            answer.head
        );
    }
}

#[test]
fn a_servers_challenge_and_its_redirects_do_not_lead_clients_away() {
    let challenge = "401 Unauthorized\r\nwww-authenticate: Bearer resource_metadata=\"http://evil.test/\"";
    for (head, reason) in [
        (challenge, "egress_refused"),
        ("301 Moved\r\nlocation: http://evil.test/mcp", "redirect"),
        ("302 Found\r\nlocation: //evil.test/", "redirect"),
        ("303 See Other\r\nlocation: /other", "redirect"),
        ("307 Temporary Redirect\r\nlocation: http://169.254.169.254/", "redirect"),
        ("300 Multiple Choices", "redirect"),
    ] {
        let upstream = Upstream::answering(head, "evil");
        let lab = Lab::before(&upstream, "streamable-http");
        let token = lab.token("worker");
        for message in [call("echo"), list()] {
            let answer = lab.ask(&token, "/delta/mcp", &message).status(502);
            assert_eq!(answer.json()["error"]["data"]["reason"], reason);
            assert_eq!(answer.json()["id"], message["id"]);
            assert!(!answer.head.contains("evil"), "{answer:?}");
            assert_eq!((answer.header("www-authenticate"), answer.header("location")), (None, None));
        }
        assert_eq!(upstream.seen().len(), 2, "nothing was followed");
    }
}
