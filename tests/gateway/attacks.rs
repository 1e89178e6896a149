//! The ways around the reference gateway that lead through a message or a path (H1 to H7), each in several spellings over
//! raw sockets: what is refused never reaches a server. H15 is that the reference tests none of it.
//! It leaves H8 to H14 to `leaks`, and what servers answer to `answers`.
#![cfg(test)]

use std::io::Write;

use crate::support::lab::{ALLOWED, Lab, REFUSED, Worker, answer, request};
use crate::support::upstream::Listening;

/// The bodies, each refused with this status and JSON-RPC code.
#[track_caller]
fn refuses(worker: &Worker, code: i64, bodies: &[&[u8]]) {
    for body in bodies {
        let shown = String::from_utf8_lossy(body);
        let answer = worker.post(&[], body);
        assert_eq!(answer.status, 400, "{shown}");
        assert_eq!(answer.json()["error"]["code"], code, "{shown}");
    }
    assert_eq!(worker.lab.arrived(), 0);
}

#[test]
fn h1_a_batch_is_refused_whatever_is_around_it() {
    let batches = [
        format!("[{REFUSED}]"),
        format!("[{ALLOWED}]"),
        format!(" \t\r\n[{ALLOWED},{REFUSED}]"),
        format!("[[{REFUSED}]]"),
        "[]".into(),
    ];
    let worker = Worker::start();
    refuses(&worker, -32600, &batches.each_ref().map(|batch| batch.as_bytes()));
    let disguised =
        [format!("\u{feff}[{REFUSED}]"), format!("\u{a0}[{REFUSED}]"), format!("\u{b}[{REFUSED}]")];
    refuses(&worker, -32700, &disguised.each_ref().map(|batch| batch.as_bytes()));
}

#[test]
fn h2_a_pretty_printed_body_is_decided_like_any_other() {
    let worker = Worker::start();
    for (body, status) in [(REFUSED, 403), (ALLOWED, 200)] {
        let value: serde_json::Value = serde_json::from_str(body).unwrap();
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        for pretty in [pretty.clone(), pretty.replace('\n', "\r\n"), format!("\n\n\t{pretty}\n")] {
            worker.post(&[], pretty.as_bytes()).status(status);
        }
    }
    assert_eq!(worker.lab.alpha.arrived().len(), 3);
}

#[test]
fn h3_a_large_body_is_read_to_its_end_or_refused() {
    let call = |name: &str, size: usize| {
        let padding = "x".repeat(size);
        format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"arguments":{{"a":"{padding}"}},"name":"{name}"}}}}"#
        )
    };
    let worker = Worker::of(Lab::with(|settings, _| settings.limits.max_request_bytes = 6 << 20));
    for size in [20 << 10, 5 << 20] {
        worker.post(&[], call("delete_all", size).as_bytes()).status(403);
        assert_eq!(worker.lab.arrived(), 0);
    }
    for (nth, size) in [20 << 10, 1 << 20].into_iter().enumerate() {
        let body = call("echo", size);
        worker.post(&[], body.as_bytes()).status(200);
        assert_eq!(worker.lab.alpha.arrived()[nth].body, body.as_bytes());
    }
    let usual = Worker::start();
    usual.post(&[], call("echo", 5 << 20).as_bytes()).status(413);
    let chunked = format!("{:x}\r\n{}\r\n0\r\n\r\n", 5 << 20, "x".repeat(5 << 20));
    usual.post(&[("Transfer-Encoding", "chunked")], chunked.as_bytes()).status(413);
    assert_eq!(usual.lab.arrived(), 0);
}

#[test]
fn h3b_a_body_in_a_header_decides_nothing_and_goes_no_further() {
    let worker = Worker::start();
    for name in ["X-Body", "x-body", "X_Body"] {
        worker.post(&[(name, ALLOWED)], REFUSED.as_bytes()).status(403);
        worker.post(&[(name, ALLOWED)], b"").status(400);
    }
    worker.post(&[("X-Body", REFUSED), ("X_Body", REFUSED)], ALLOWED.as_bytes()).status(200);
    let arrived = worker.lab.alpha.arrived();
    assert_eq!((arrived.len(), arrived[0].headers.contains("delete_all")), (1, false));
}

#[test]
fn h4_get_and_delete_are_decided_too() {
    let worker = Worker::start();
    for (method, path, status) in [
        ("GET", "/beta/mcp", 403),
        ("DELETE", "/beta/mcp", 403),
        ("GET", "/beta/sse", 403),
        ("GET", "/beta", 403),
        ("HEAD", "/beta/mcp", 405),
        ("PUT", "/beta/mcp", 405),
        ("PATCH", "/beta/mcp", 405),
        ("TRACE", "/beta/mcp", 405),
        ("OPTIONS", "/beta/mcp", 405),
        ("get", "/beta/mcp", 405),
    ] {
        let answer = worker.to(method, path, &[("Mcp-Session-Id", "known")], b"");
        assert_eq!(answer.status, status, "{method} {path}");
    }
    // A body where none belongs is not smuggled along.
    worker.to("GET", "/alpha/mcp", &[], REFUSED.as_bytes()).status(415);
    worker.to("DELETE", "/alpha/mcp", &[], REFUSED.as_bytes()).status(415);
    assert_eq!(worker.lab.arrived(), 0);
    worker.to("GET", "/alpha/mcp", &[], b"").status(405);
    assert_eq!(worker.lab.alpha.arrived()[0].target, "GET /mcp");
}

#[test]
fn h5_no_path_means_another_server_than_the_one_that_is_decided() {
    let worker = Worker::start();
    for path in [
        "/alpha/../beta/mcp",
        "/alpha/..%2fbeta/mcp",
        "/alpha/..%2Fbeta%2Fmcp",
        "/alpha/%2e%2e/beta/mcp",
        "/alpha/%2E./beta/mcp",
        "/alpha/%252e%252e/beta/mcp",
        "/alpha/..%252fbeta/mcp",
        "/alpha/..;/beta/mcp",
        "/alpha/mcp/../../beta/mcp",
        "/./beta/mcp",
        "//beta/mcp",
        "/alpha//mcp",
        "/alpha/mcp//",
        "/alpha;/mcp",
        "/alpha/mcp;v=1",
        "/alpha/..\\beta/mcp",
        "/alpha%5c..%5cbeta/mcp",
        "/alpha/mcp%00",
        "/alpha/mcp%0d%0aX-User:%20root",
        "/alpha/mcp%3fa=b",
        "/alpha/mcp%23",
        "/alpha/%c0%ae%c0%ae/beta/mcp",
        "/alpha/%ff",
        "/alpha/%zz",
    ] {
        assert_eq!(worker.to("POST", path, &[], ALLOWED.as_bytes()).status, 400, "{path}");
    }
    for (path, status) in [
        ("/Alpha/mcp", 404),
        ("/alpha-evil/mcp", 404),
        ("/alphabeta/mcp", 404),
        ("/alpha/MCP", 404),
        ("/alpha/mcp/beta/mcp", 404),
        ("/alpha/messages/../../beta/mcp", 400),
        ("/%62eta/mcp", 403),
        ("/beta/mcp/", 403),
        ("/beta/mcp?server=alpha", 403),
        ("/beta/mcp#/alpha/mcp", 403),
        ("http://localhost/beta/mcp", 403),
        ("http://localhost/alpha/../beta/mcp", 400),
        ("http://evil.test/alpha/mcp", 421),
        ("alpha/mcp", 400),
        ("*", 404),
    ] {
        assert_eq!(worker.to("POST", path, &[], ALLOWED.as_bytes()).status, status, "{path}");
    }
    assert_eq!(worker.lab.arrived(), 0);
}

#[test]
fn h6_a_message_has_one_meaning_for_every_reader() {
    let worker = Worker::start();
    let twins = [
        // Twins by case: Go reads `Method` as `method`, and folds U+017F to s and U+212A to k.
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","Method":"tools/call","params":{"name":"delete_all"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"METHOD":"tools/call","params":{"name":"delete_all"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo"},"param\u017f":{"name":"delete_all"}}"#,
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\"},\"Param\u{17f}\":{\"name\":\"delete_all\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tasks/get\",\"params\":{\"tas\u{212a}Id\":\"t\"}}",
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","Name":"delete_all"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","_Meta":{}}}"#,
        // The same key twice, at any place that decides, plain and escaped.
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","method":"tools/call","params":{"name":"delete_all"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","\u006dethod":"tools/call","params":{"name":"delete_all"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo"},"params":{"name":"delete_all"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","name":"delete_all"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","n\u0061me":"delete_all"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","_meta":{"a":1,"a":2}}}"#,
        // Other shapes than JSON-RPC has.
        r#"{"jsonrpc":"1.0","id":7,"method":"tools/call","params":{"name":"echo"}}"#,
        r#"{"id":7,"method":"tools/call","params":{"name":"echo"}}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"echo"}}"#,
        r#"{"jsonrpc":"2.0","id":[7],"method":"tools/call","params":{"name":"echo"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":["tools/call"],"params":{"name":"echo"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":[{"name":"echo"}]}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":["echo"]}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","result":{},"params":{"name":"echo"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"result":{},"error":{}}"#,
        r#"{"jsonrpc":"2.0","id":7}"#,
        r#""tools/call""#,
        "7",
    ];
    refuses(&worker, -32600, &twins.map(str::as_bytes));
}

#[test]
fn h7_what_cannot_be_read_is_refused_and_never_let_pass() {
    let worker = Worker::start();
    let utf16 = |big: bool| -> Vec<u8> {
        let unit = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        "\u{feff}".encode_utf16().chain(ALLOWED.encode_utf16()).flat_map(unit).collect()
    };
    let (big, little) = (utf16(true), utf16(false));
    let with = |before: &str, after: &str| format!("{before}{ALLOWED}{after}").into_bytes();
    let bodies = [
        Vec::new(),
        b" ".to_vec(),
        big,
        little,
        with("\u{feff}", ""),
        with("", REFUSED),
        with("", "\n[]"),
        with("", "\0"),
        with("", " x"),
        with("//\n", ""),
        with("", "/* */"),
        with("while(1);", ""),
        with("\u{1e}", "\n"),
        ALLOWED.as_bytes()[..40].to_vec(),
        ALLOWED.replace("echo", "ec\u{1}ho").into_bytes(),
        ALLOWED.replace("echo", "\\ud800").into_bytes(),
        ALLOWED.replace(":7", ":07").into_bytes(),
        ALLOWED.replace(":7", ":NaN").into_bytes(),
        ALLOWED.replace(",\"params", ",,\"params").into_bytes(),
        ALLOWED.replace('"', "'").into_bytes(),
        [b"{\"\xff\":1,", &ALLOWED.as_bytes()[1..]].concat(),
    ];
    refuses(&worker, -32700, &bodies.each_ref().map(Vec::as_slice));
    let deep =
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"ping","params":{{"a":{}}}}}"#, "[".repeat(100_000));
    refuses(&worker, -32600, &[deep.as_bytes()]);
}

#[test]
fn h7_only_plain_json_is_read() {
    let worker = Worker::start();
    for headers in [
        [("Content-Type", "text/plain"), ("Accept", "*/*")],
        [("Content-Type", "application/json-rpc"), ("Accept", "*/*")],
        [("Content-Type", "application/json; charset=utf-16"), ("Accept", "*/*")],
        [("Content-Type", "application/json; charset=utf-8; charset=utf-16"), ("Accept", "*/*")],
        [("Content-Type", "application/json, text/plain"), ("Accept", "*/*")],
        [("Content-Type", "multipart/form-data; boundary=x"), ("Accept", "*/*")],
        [("Content-Type", ""), ("Accept", "*/*")],
        [("Content-Type", "application/json"), ("Content-Type", "text/plain")],
        [("Content-Type", "application/json"), ("Content-Type", "application/json")],
        [("Content-Type", "application/json"), ("Content-Encoding", "gzip")],
        [("Content-Type", "application/json"), ("Content-Encoding", "identity")],
        [("Content-Type", "application/json"), ("Content-Encoding", "deflate, br")],
    ] {
        assert_eq!(worker.post(&headers, ALLOWED.as_bytes()).status, 415, "{headers:?}");
    }
    assert_eq!(worker.lab.arrived(), 0);
    for kind in
        ["application/json", "Application/JSON; charset=UTF-8", "application/json ; charset=\"utf-8\""]
    {
        assert_eq!(worker.post(&[("Content-Type", kind)], ALLOWED.as_bytes()).status, 200, "{kind}");
    }
}

#[test]
fn h7_a_message_has_one_end_for_every_reader() {
    let worker = Worker::start();
    let lines = |lines: &str| lines.replace('\n', "\r\n").into_bytes();
    let size = ALLOWED.len();
    let good = format!("{size:x}\n{ALLOWED}\n0\n\n");
    let chunked = "Transfer-Encoding: chunked";
    for (framing, body) in [
        ("Content-Length: 5\nContent-Length: 6", ALLOWED.into()),
        ("Content-Length: 5, 6", ALLOWED.into()),
        ("Content-Length: +5", ALLOWED.into()),
        ("Content-Length: 0x5", ALLOWED.into()),
        ("Content-Length: -1", ALLOWED.into()),
        ("Content-Length: 99999999999999999999", ALLOWED.into()),
        ("Transfer-Encoding: identity", ALLOWED.into()),
        ("Transfer-Encoding: chunked, identity", good.clone()),
        ("Transfer-Encoding: chunked\nTransfer-Encoding: identity", good.clone()),
        ("Transfer-Encoding: xchunked", good.clone()),
        ("Transfer-Encoding : chunked", good.clone()),
        ("Transfer-Encoding:\n chunked", good.clone()),
        ("X-Fold: a\n b\nContent-Length: 5", ALLOWED.into()),
        (chunked, format!("0x{size:x}\n{ALLOWED}\n0\n\n")),
        (chunked, format!("-{size:x}\n{ALLOWED}\n0\n\n")),
        (chunked, format!("ffffffffffffffff1\n{ALLOWED}\n0\n\n")),
        (chunked, format!("{:x}\n{ALLOWED}\n0\n\n", size - 1)),
        (chunked, format!("\n{ALLOWED}\n0\n\n")),
    ] {
        let head = format!(
            "POST /alpha/mcp HTTP/1.1\nHost: localhost\nConnection: close\nContent-Type: application/json\n\
             X-Authorization: {}\n{framing}\n\n",
            worker.bearer
        );
        assert_eq!(worker.lab.raw(&lines(&(head + &body))).status, 400, "{framing} {body}");
    }
    assert_eq!(worker.lab.arrived(), 0);
}

#[test]
fn h7_a_message_that_does_not_end_is_not_waited_for() {
    let worker = Worker::of(Lab::with(|settings, _| settings.limits.read_timeout = 1));
    let size = ALLOWED.len();
    let endless = [format!("{:x}\r\n{ALLOWED}\r\n0\r\n\r\n", size + 9), format!("{size:x}\r\n{ALLOWED}\r\n")];
    for body in endless {
        worker.post(&[("Transfer-Encoding", "chunked")], body.as_bytes()).status(408);
    }
    let longer = (size + 1).to_string();
    worker.post(&[("Content-Length", &longer)], ALLOWED.as_bytes()).status(408);
    assert_eq!(worker.lab.arrived(), 0);
}

#[test]
fn h7_framing_that_is_allowed_is_undone_before_the_server() {
    let worker = Worker::start();
    let split = ALLOWED.split_at(30);
    let body = format!(
        "1e;ext=\"{REFUSED}\"\r\n{}\r\n{:X}\r\n{}\r\n0\r\nX-Authorization: Bearer x\r\nX-User: root\r\n\r\n",
        split.0,
        split.1.len(),
        split.1
    );
    let both = ("Content-Length", "4");
    for headers in [vec![("Transfer-Encoding", "chunked")], vec![both, ("Transfer-Encoding", "chunked")]] {
        worker.post(&headers, body.as_bytes()).status(200);
    }
    let arrived = worker.lab.alpha.arrived();
    assert_eq!(arrived.len(), 2);
    for one in arrived {
        assert_eq!(one.body, ALLOWED.as_bytes());
        assert!(one.headers.contains(&format!("content-length: {}\n", ALLOWED.len())), "{}", one.headers);
        assert!(!one.headers.contains("chunked") && !one.headers.contains("root"), "{}", one.headers);
    }
}

#[test]
fn h7_a_second_request_on_the_connection_is_authenticated_on_its_own() {
    let worker = Worker::start();
    let usual = [("X-Authorization", worker.bearer.as_str()), ("Connection", "keep-alive")];
    let first = request("POST", "/alpha/mcp", &usual, ALLOWED.as_bytes());
    for (second, status) in [
        (request("POST", "/alpha/mcp", &[], ALLOWED.as_bytes()), "401"),
        (request("GET", "/alpha/mcp", &[], b""), "401"),
        (
            request("POST", "/beta/mcp", &[("X-Authorization", worker.bearer.as_str())], ALLOWED.as_bytes()),
            "403",
        ),
    ] {
        let text = Listening::send(&worker.lab, &[first.clone(), second].concat()).end();
        let statuses: Vec<&str> =
            text.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.get(..3)).collect();
        assert_eq!(statuses, ["200", status]);
    }
    assert_eq!(worker.lab.arrived(), 3);
}

#[test]
fn h7_other_ways_to_speak_http_open_nothing() {
    let worker = Worker::start();
    let bearer = &worker.bearer;
    let body = REFUSED;
    let length = body.len();
    let common = format!(
        "Content-Type: application/json\r\nX-Authorization: {bearer}\r\nContent-Length: {length}\r\n"
    );
    for (line, more, status) in [
        ("POST /alpha/mcp HTTP/1.0", "Host: localhost\r\n", 403),
        ("POST /alpha/mcp HTTP/1.0", "", 421),
        ("POST /alpha/mcp HTTP/1.1", "Connection: close\r\n", 421),
        ("POST /alpha/mcp HTTP/1.1", "Host: localhost\r\nHost: localhost\r\nConnection: close\r\n", 421),
        ("POST /alpha/mcp HTTP/1.1", "Host: evil.test\r\nConnection: close\r\n", 421),
        ("POST /alpha/mcp HTTP/1.1", "Host: localhost\r\nConnection: close\r\nExpect: 100-continue\r\n", 403),
        (
            "POST /alpha/mcp HTTP/1.1",
            "Host: localhost\r\nConnection: upgrade, close\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n",
            403,
        ),
        (
            "POST /alpha/mcp HTTP/1.1",
            "Host: localhost\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n",
            403,
        ),
        ("POST /alpha/mcp HTTP/2.0", "Host: localhost\r\n", 400),
        ("CONNECT localhost:80 HTTP/1.1", "Host: localhost\r\nConnection: close\r\n", 405),
        ("CONNECT evil.test:80 HTTP/1.1", "Host: evil.test\r\nConnection: close\r\n", 421),
        ("POST /alpha/mcp", "Host: localhost\r\n", 400),
    ] {
        let mut stream = worker.lab.connect();
        let _ = stream.write_all(format!("{line}\r\n{more}{common}\r\n{body}").as_bytes());
        assert_eq!(answer(&mut stream).status, status, "{line} {more}");
    }
    assert_eq!(worker.lab.arrived(), 0);
}
