//! Servers that refuse, or answer nonsense or nothing: the exit code and the message for each. Not here: tokens (see
//! `credentials`).
#![cfg(test)]

use super::{OK, STREAM, modern, user};
use crate::support::nobody;
use crate::support::upstream::{Upstream, gone, say};

#[test]
fn what_a_server_says_no_with_decides_the_exit_code() {
    let json_head = |status: &str| format!("{status} X\r\ncontent-type: application/json");
    let rpc =
        r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"no such \u001b[31mtool\r\nat all"}}"#;
    let nobodys = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#;
    let failed = r#"{"jsonrpc":"2.0","id":2,"result":{"isError":true,"content":[{"type":"text","text":"disk\nfull\u001b[2J"}]}}"#;
    let asks = r#"{"jsonrpc":"2.0","id":2,"result":{"resultType":"input_required","requestState":"x"}}"#;
    let odd = r#"{"jsonrpc":"2.0","id":2,"result":{"resultType":"weird"}}"#;
    let busy =
        r#"{"jsonrpc":"2.0","id":2,"error":{"code":503,"message":"the server alpha is switched off"}}"#;
    for (head, body, code, word, told) in [
        (
            json_head("200"),
            rpc,
            6,
            "server_error",
            "the server answered with an error: no such  [31mtool  at all (code -32602)",
        ),
        (json_head("400"), rpc, 6, "server_error", "no such"),
        (json_head("200"), nobodys, 6, "server_error", "Parse error (code -32700)"),
        (json_head("200"), failed, 6, "server_error", "the tool failed: disk full [2J"),
        (json_head("200"), asks, 6, "server_error", "the tool asks for more input"),
        (json_head("200"), odd, 6, "server_error", "a result of an unknown type"),
        (
            json_head("503"),
            busy,
            5,
            "network",
            "cannot answer now (HTTP 503: the server alpha is switched off)",
        ),
        ("500 X".into(), "<html>", 5, "network", "(HTTP 500)"),
        ("429 X".into(), "", 5, "network", "(HTTP 429)"),
        ("404 X".into(), "", 2, "configuration", "there is no MCP server at this address"),
        (
            "302 X\r\nlocation: https://login.test/".into(),
            "",
            6,
            "server_error",
            "a redirect to https://login.test",
        ),
        (
            "200 X\r\ncontent-type: text/html".into(),
            "<html>",
            6,
            "server_error",
            "text/html without a JSON-RPC message",
        ),
        ("401 X".into(), "", 4, "login_required", "requires authentication"),
        ("403 X".into(), "", 4, "refused", "forbids this"),
    ] {
        let answer = head.clone();
        let server = modern(move |_, _, stream| say(stream, &answer, body.as_bytes()));
        let ran = user(&server.base).run(&["call", "work", "--json"]).code(code);
        let error = ran.json_error();
        assert_eq!(error["code"], word, "{head} {body}: {error}");
        assert!(error["message"].as_str().unwrap().contains(told), "{head} {body}: {error}");
        assert!(!error["hint"].as_str().unwrap().is_empty());
        let plain = user(&server.base).run(&["call", "work"]).code(code);
        assert!(plain.stdout.is_empty() && !plain.stderr.contains('\u{1b}'), "{plain:?}");
    }
    let gone = user(&nobody()).run(&["ping"]).code(5);
    assert!(gone.stderr.contains("cannot connect to 127.0.0.1:"), "{gone:?}");
}

/// Whatever comes at any step: an exit code of ours, a message, no panic, no hang.
#[test]
fn answers_that_make_no_sense_end_the_run_with_a_message() {
    let heads = [OK, STREAM, "200 OK", "202 Accepted", "204 No Content", "400 Bad", "405 No", "406 No"];
    let bodies: [&[u8]; 12] = [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"<html></html>",
        b"\xff\xfe\x00",
        b"data: {}\n\n",
        b"data: nonsense\n\n",
        b"event: endpoint\ndata: http://[\n\n",
        br#"{"jsonrpc":"2.0","id":1,"result":"text"}"#,
        br#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"1999-01-01","supportedVersions":["1999-01-01"]}}"#,
        br#"{"jsonrpc":"2.0","id":"1","result":{}}"#,
    ];
    for (index, head) in heads.into_iter().enumerate() {
        for body in bodies {
            let server = Upstream::answering(head, body);
            // Each verb in turn; all of them for every head would only take longer.
            let verb = [&["list"][..], &["call", "x"], &["probe"]][index % 3];
            let ran = user(&server.base).run(verb);
            let told = ran.stderr.lines().any(|line| line.starts_with("error: "));
            assert!(
                matches!(ran.code, Some(2 | 5 | 6)) && told,
                "{head:?} {:?}: {ran:?}",
                String::from_utf8_lossy(body)
            );
        }
    }
}

#[test]
fn a_server_that_says_nothing_is_waited_for_no_longer_than_allowed() {
    let server = Upstream::start(|_, stream| {
        gone(stream);
    });
    let late = user(&server.base).run(&["ping", "--timeout", "1"]).code(5);
    assert!(
        late.stderr.contains("the deadline of 1 s passed") && late.stderr.contains("--timeout"),
        "{late:?}"
    );
}
