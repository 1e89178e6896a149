//! What a client sends and receives over stdio when nothing fails.

use serde_json::{Value, json};

use super::{Client, call, event, events, initialize, json_answer, modern, result, usual};
use crate::support::User;
use crate::support::lab::{Lab, until};
use crate::support::upstream::{Upstream, push, say};

/// Of the messages with this method.
fn of<'s>(
    seen: &'s [crate::support::upstream::Seen],
    method: &str,
) -> Vec<&'s crate::support::upstream::Seen> {
    seen.iter().filter(|seen| seen.message()["method"] == method).collect()
}

#[test]
fn a_session_and_its_version_go_with_every_later_request_and_end_with_the_client() {
    let server = Upstream::start(usual);
    let mut client = Client::before(&server);
    assert_eq!(client.initialize()["result"]["protocolVersion"], "2025-06-18");
    assert_eq!(client.ask(&call(1)), result(&json!(1), "usual"));
    let (rest, code, stderr) = client.end();
    assert_eq!((rest, code, stderr.as_str()), (vec![], Some(0), ""));
    let seen = server.seen();
    let agreed = |seen: &crate::support::upstream::Seen| {
        (
            seen.header("mcp-session-id").map(str::to_owned),
            seen.header("mcp-protocol-version").map(str::to_owned),
        )
    };
    assert_eq!(agreed(of(&seen, "initialize")[0]), (None, None));
    let both = (Some("one".to_owned()), Some("2025-06-18".to_owned()));
    for method in ["notifications/initialized", "tools/call"] {
        assert_eq!(agreed(of(&seen, method)[0]), both, "{method}");
    }
    let end = seen.iter().find(|seen| seen.is("DELETE /mcp")).expect("the session is ended");
    assert_eq!(agreed(end), both);
}

#[test]
fn a_modern_request_says_what_it_is_in_its_headers_and_has_no_session() {
    let server = Upstream::start(|seen, stream| match seen.message()["method"].as_str() {
        Some("tools/list") => {
            let schema =
                json!({"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}});
            let result = json!({"tools": [{"name": "echo", "inputSchema": schema}]});
            json_answer(stream, &json!({"jsonrpc": "2.0", "id": seen.message()["id"], "result": result}));
        }
        _ => usual(seen, stream),
    });
    let mut client = Client::before(&server);
    let mut list = modern(1);
    list["method"] = "tools/list".into();
    client.ask(&list);
    assert_eq!(client.ask(&modern(2)), result(&json!(2), "usual"));
    client.end();
    let seen = server.seen();
    let header = |name: &str| of(&seen, "tools/call")[0].header(name).map(str::to_owned);
    assert_eq!(header("mcp-protocol-version").as_deref(), Some("2026-07-28"));
    assert_eq!(header("mcp-method").as_deref(), Some("tools/call"));
    assert_eq!(header("mcp-name").as_deref(), Some("echo"));
    assert_eq!(header("mcp-param-n").as_deref(), Some("2"), "as the list asked for");
    assert_eq!(header("mcp-session-id"), None);
    assert!(seen.iter().all(|seen| seen.is("POST")), "neither a stream nor an end of a session");
}

#[test]
fn what_belongs_to_an_answer_comes_before_it_and_the_clients_own_answers_go_back() {
    let server = Upstream::start(|seen, stream| {
        let message = seen.message();
        if message["method"] != "tools/call" {
            return usual(seen, stream);
        }
        events(stream);
        let progress =
            json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}});
        event(stream, "1", &progress);
        event(
            stream,
            "2",
            &json!({"jsonrpc": "2.0", "id": 77, "method": "elicitation/create", "params": {}}),
        );
        // One message over two lines.
        push(
            stream,
            format!("data: {{\"jsonrpc\": \"2.0\", \"id\": {},\ndata: \"result\": {{}}}}\n\n", message["id"])
                .as_bytes(),
        );
    });
    let mut client = Client::before(&server);
    client.initialize();
    assert_eq!(client.ask(&call(1))["method"], "notifications/progress");
    assert_eq!(client.hear()["id"], 77);
    assert_eq!(client.hear(), json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    let answer = json!({"jsonrpc": "2.0", "id": 77, "result": {"action": "accept"}});
    client.say(&answer);
    until("the client's answer", || server.seen().iter().any(|seen| seen.message() == answer));
    client.end();
}

#[test]
fn what_the_server_says_of_its_own_accord_arrives() {
    let server = Upstream::start(|seen, stream| {
        if !seen.is("GET") {
            return usual(seen, stream);
        }
        events(stream);
        event(stream, "1", &json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}));
        // Stays open until the bridge leaves.
        let _ = std::io::Read::read(stream, &mut [0]);
    });
    let mut client = Client::before(&server);
    client.initialize();
    assert_eq!(client.hear()["method"], "notifications/tools/list_changed");
    let (rest, code, _) = client.end();
    assert_eq!((rest, code), (vec![], Some(0)), "an open stream does not keep the bridge");
}

#[test]
fn what_is_no_message_is_not_passed_on() {
    let server = Upstream::start(|seen, stream| {
        let message = seen.message();
        if !seen.is("GET") && message["method"] != "tools/call" {
            return usual(seen, stream);
        }
        events(stream);
        push(stream, b"event: ping\ndata: now\n\n");
        if seen.is("GET") {
            push(stream, b"data: no message\n\n");
            event(stream, "1", &json!({"jsonrpc": "2.0", "method": "notifications/message"}));
            // Stays open until the bridge leaves.
            let _ = std::io::Read::read(stream, &mut [0]);
        } else {
            event(stream, "2", &result(&message["id"], "ok"));
        }
    });
    let mut client = Client::before(&server);
    client.initialize();
    assert_eq!(client.hear()["method"], "notifications/message");
    assert_eq!(client.ask(&call(1)), result(&json!(1), "ok"));
    client.end();
}

#[test]
fn requests_do_not_wait_for_each_other() {
    let server = Upstream::start(|seen, stream| {
        // The first is answered once the second has come.
        if seen.message()["id"] == 1 {
            events(stream);
            event(stream, "1", &json!({"jsonrpc": "2.0", "method": "notifications/progress"}));
            let _ = std::io::Read::read(stream, &mut [0]);
            return;
        }
        usual(seen, stream);
    });
    let mut client = Client::before(&server);
    client.initialize();
    assert_eq!(client.ask(&call(1))["method"], "notifications/progress");
    assert_eq!(client.ask(&call(2)), result(&json!(2), "usual"));
    client.child.kill().unwrap();
    client.child.wait().unwrap();
}

#[test]
fn a_request_is_taken_back_as_its_version_does_it() {
    let gone = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = gone.clone();
    let server = Upstream::start(move |seen, stream| {
        let message = seen.message();
        if message["method"] != "tools/call" {
            return usual(seen, stream);
        }
        events(stream);
        event(stream, "1", &json!({"jsonrpc": "2.0", "method": "notifications/progress"}));
        if std::io::Read::read(stream, &mut [0]).is_ok_and(|read| read == 0) {
            log.lock().unwrap().push(message["id"].clone());
        }
    });
    let cancel =
        |id: u32| json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
    // From 2026-07-28 on by the end of the stream, which the server sees.
    let mut client = Client::before(&server);
    client.ask(&modern(1));
    client.say(&cancel(1));
    until("the stream's end", || *gone.lock().unwrap() == [json!(1)]);
    client.end();
    assert!(of(&server.seen(), "notifications/cancelled").is_empty());
    // Before, by saying so.
    let mut client = Client::before(&server);
    client.initialize();
    client.ask(&call(2));
    client.say(&cancel(2));
    until("the notification", || of(&server.seen(), "notifications/cancelled").len() == 1);
    assert_eq!(gone.lock().unwrap().len(), 1, "its stream stays");
    // An answer that nobody awaits any longer does not keep the bridge from ending.
    client.end();
}

#[test]
fn what_is_no_message_is_answered_and_what_comes_back_as_none_is_an_error() {
    let cases: [(&str, &str, i64); 7] = [
        ("500 Oops\r\ncontent-type: text/html", "<h1>secret</h1>", 5022),
        ("403 No\r\ncontent-type: text/html", "<h1>secret</h1>", 4031),
        ("404 No", "", 5022),
        ("200 OK\r\ncontent-type: application/json", "", 5023),
        ("200 OK\r\ncontent-type: application/json", "oops", 5022),
        ("200 OK\r\ncontent-type: text/event-stream", "data: x\n\n", 5022),
        ("200 OK\r\ncontent-type: text/event-stream", "event: message\n\n", 5023),
    ];
    for (head, body, code) in cases {
        let mut client = Client::before(&Upstream::answering(head, body));
        let answer = client.ask(&call(1));
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(code)), "{head}: {answer}");
        assert!(!answer.to_string().contains("secret"), "{answer}");
        client.line("{oops");
        assert_eq!(client.hear()["error"]["code"], -32700);
        assert_eq!(client.end().1, Some(0));
    }
}

#[test]
fn an_error_of_the_servers_reaches_the_request_it_is_for() {
    for (id, status) in [(Value::Null, "400 Bad"), (json!(1), "403 No"), (json!(1), "200 OK")] {
        let error = json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32020, "message": "m"}});
        let head: &'static str = format!("{status}\r\ncontent-type: application/json").leak();
        let mut client = Client::before(&Upstream::answering(head, error.to_string()));
        let expected = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32020, "message": "m"}});
        assert_eq!(client.ask(&modern(1)), expected);
        client.end();
    }
}

#[test]
fn answers_are_still_given_after_the_client_has_said_all_it_will() {
    let server = Upstream::start(usual);
    let mut client = Client::before(&server);
    client.say(&initialize());
    client.say(&call(1));
    client.say(&call(2));
    let (mut rest, code, _) = client.end();
    rest.sort_by_key(|message| message["id"].as_u64());
    let ids: Vec<&Value> = rest.iter().map(|message| &message["id"]).collect();
    assert_eq!((ids, code), (vec![&json!(0), &json!(1), &json!(2)], Some(0)));
}

#[test]
fn a_server_nobody_knows_is_said_at_once() {
    let ran = User::new().run(&["bridge", "nowhere"]).code(2);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("there is no server \"nowhere\""), "{}", ran.stderr);
}

/// Both eras through the real gateway, with our own ingress token, which never reaches the server.
#[test]
fn through_the_gateway_with_a_fresh_ingress_token() {
    let lab = Lab::start();
    let user = lab.user("worker");
    let mut client = Client::of(&user, "alpha");
    assert_eq!(client.initialize()["id"], 0);
    let answer = client.ask(&call(1));
    assert!(answer["result"]["content"][0]["text"].is_string(), "{answer}");
    let mut forbidden = call(2);
    forbidden["params"]["name"] = "delete_all".into();
    let answer = client.ask(&forbidden);
    assert_eq!((&answer["id"], answer["error"].is_object()), (&json!(2), true), "{answer}");
    assert_eq!(client.end().1, Some(0));
    let mut client = Client::of(&user, "alpha");
    assert!(client.ask(&modern(3))["result"].is_object());
    client.end();
    let token = user.token("ingress.json")["access_token"].as_str().unwrap().to_owned();
    let arrived = lab.alpha.arrived();
    assert!(arrived.len() >= 4 && arrived.iter().all(|one| !one.headers.contains(&token)));
}

#[test]
fn a_204_is_not_an_answer() {
    let server = Upstream::start(|_, stream| say(stream, "204 No Content", b""));
    assert_eq!(Client::before(&server).ask(&call(1))["error"]["code"], 5023);
}
