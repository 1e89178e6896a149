//! What real servers send, for every client of theirs: the bridge over stdio and HTTP, and the test clients.
//! Redirects, content codings, byte order marks, null members, odd acknowledgements and refusals of every form.

use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::listen::{Bridge, user as gateway_user};
use super::{Client, call, events, initialize, json_answer, result, usual};
use crate::support::User;
use crate::support::coding::{SAID, encoded_by};
use crate::support::upstream::{Seen, Upstream, push, say};

/// The result of a tool call: its text, or the error.
type Outcome = Result<String, String>;
type Front = (&'static str, fn(&Upstream) -> Outcome);

/// Each client, and how it calls a server's tool.
const FRONTS: [Front; 3] = [("bridge", over_stdio), ("bridge --listen", over_http), ("call", by_hand)];

fn over_stdio(server: &Upstream) -> Outcome {
    let mut client = Client::before(server);
    let begun = client.ask(&initialize());
    if begun["result"].is_null() {
        return Err(begun.to_string());
    }
    client.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let outcome = outcome(&client.ask(&call(1)));
    let (rest, code, _) = client.end();
    assert_eq!((rest, code), (vec![], Some(0)), "one answer, and no more");
    outcome
}

fn over_http(server: &Upstream) -> Outcome {
    let bridge = Bridge::start(gateway_user(&server.base));
    let answer = bridge.send("POST", "/alpha/mcp", &[], call(1).to_string().as_bytes());
    bridge.end();
    let text = answer.text();
    let json = if answer.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream")) {
        let mut data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.find(|data| !data.is_empty()).unwrap_or_default().to_owned()
    } else {
        text
    };
    outcome(&serde_json::from_str(&json).unwrap_or_else(|e| panic!("{e}: {json:?}")))
}

fn by_hand(server: &Upstream) -> Outcome {
    let ran = User::new().run(&["call", "echo", "--url", &format!("{}/mcp", server.base)]);
    if ran.code == Some(0) { Ok(ran.stdout.trim_end().to_owned()) } else { Err(ran.stderr) }
}

/// One JSON-RPC message, which answers the request 1.
#[track_caller]
fn outcome(message: &Value) -> Outcome {
    assert_eq!((&message["jsonrpc"], &message["id"]), (&json!("2.0"), &json!(1)), "{message}");
    match (message.get("error"), message["result"]["content"][0]["text"].as_str()) {
        (None, Some(text)) => Ok(text.to_owned()),
        (Some(error), None) if message.get("result").is_none() => Err(error.to_string()),
        _ => panic!("{message}"),
    }
}

/// The path of a request.
fn path(seen: &Seen) -> &str {
    seen.head.split(' ').nth(1).unwrap()
}

/// Answers a request at `/mcp` or `/alpha/mcp` with this redirect, and any other as usual.
fn redirecting(status: &'static str, to: impl Fn(&str) -> String + Send + Sync + 'static) -> Upstream {
    Upstream::start(move |seen, stream| {
        let path = path(seen);
        if path.ends_with("/mcp") {
            say(stream, &format!("{status}\r\nlocation: {}", to(path)), b"<h1>moved</h1>");
        } else {
            usual(seen, stream);
        }
    })
}

#[test]
fn a_307_or_308_within_the_server_is_followed_with_method_and_body() {
    type Target = fn(&str) -> String;
    let targets: [Target; 4] = [
        |path| format!("{path}/"),
        |_| "mcp/".into(),
        |path| format!("{path}/?session=none#x"),
        |path| format!("..{path}/v2"),
    ];
    for status in ["307 Temporary Redirect", "308 Permanent Redirect"] {
        for to in targets {
            let server = redirecting(status, to);
            for (front, call) in FRONTS {
                let before = server.seen().len();
                assert_eq!(call(&server).as_deref(), Ok("usual"), "{front} {status} {}", to("/mcp"));
                let seen = server.seen().split_off(before);
                let posts = seen.iter().filter(|seen| seen.message()["method"] == "tools/call");
                let bodies: Vec<Value> = posts.map(Seen::message).collect();
                assert!(bodies.len() == 2 && bodies[0] == bodies[1], "{front}: {bodies:?}");
                let credentials = |seen: &Seen| seen.header("x-authorization").map(str::to_owned);
                assert!(seen.windows(2).all(|two| credentials(&two[0]) == credentials(&two[1])), "{front}");
            }
        }
    }
}

#[test]
fn a_redirect_under_another_name_of_loopback_stays_where_the_server_was_asked() {
    for name in ["localhost", "LOCALHOST", "localhost.", "[::1]", "127.0.0.1"] {
        let port: Arc<Mutex<String>> = Arc::default();
        let known = port.clone();
        let to = move |path: &str| format!("http://{name}:{}{path}/", known.lock().unwrap());
        let server = redirecting("307 Temporary Redirect", to);
        *port.lock().unwrap() = server.base.rsplit(':').next().unwrap().to_owned();
        for (front, call) in FRONTS {
            assert_eq!(call(&server).as_deref(), Ok("usual"), "{front} {name}");
        }
    }
}

#[test]
fn any_other_redirect_is_an_error_that_names_its_target_and_gets_nothing() {
    let elsewhere = Upstream::start(usual);
    let base = elsewhere.base.clone();
    let cases: [(&str, String, String); 8] = [
        ("307 T", format!("{base}/mcp?token=hidden"), format!("{base}/mcp")),
        ("308 P", format!("{}/x", base.replace("127.0.0.1", "localhost")), "localhost".into()),
        ("307 T", format!("//user:hidden@{}/y", base.trim_start_matches("http://")), format!("{base}/y")),
        ("307 T", "https://login.test/authorize?state=hidden".into(), "https://login.test/authorize".into()),
        ("302 F", "/login?next=hidden".into(), "/login".into()),
        ("301 M", "/mcp/".into(), "/mcp/".into()),
        ("303 S", "/mcp/".into(), "/mcp/".into()),
        ("307 T", "http://[".into(), "http://[".into()),
    ];
    for (status, to, named) in cases {
        let location = to.clone();
        let server = redirecting(status, move |_| location.clone());
        for (front, call) in FRONTS {
            let refused = call(&server).unwrap_err();
            let says = refused.contains(&format!("HTTP {}", status.split(' ').next().unwrap()))
                && refused.contains(&named);
            assert!(says && !refused.contains("hidden"), "{front} {status} {to}: {refused}");
        }
    }
    assert!(elsewhere.seen().is_empty(), "{:?}", elsewhere.seen());
    // A redirect loop leads nowhere either.
    let server = Upstream::start(|seen, stream| {
        say(stream, &format!("307 T\r\nlocation: {}", path(seen)), b"");
    });
    for (front, call) in FRONTS {
        let before = server.seen().len();
        assert!(call(&server).unwrap_err().contains("HTTP 307"), "{front}");
        assert!(server.seen().len() - before <= 12, "{front}");
    }
}

/// Our identity is only sent below `REGISTRY_URL`, whatever address the gateway gives for one of its servers.
#[test]
fn a_redirect_off_the_gateway_is_not_followed_on_the_same_machine_either() {
    let server = Upstream::start(|seen, stream| match path(seen) {
        path if path.starts_with("/registry/") => say(stream, "307 T\r\nlocation: /other/mcp", b""),
        _ => usual(seen, stream),
    });
    let bridge = Bridge::start(gateway_user(&format!("{}/registry", server.base)));
    let answer = bridge.send("POST", "/alpha/mcp", &[], call(1).to_string().as_bytes()).status(502);
    assert!(answer.text().contains("a redirect to http"), "{}", answer.text());
    assert_eq!(answer.json()["error"]["code"], 5022);
    bridge.end();
    assert!(server.seen().iter().all(|seen| path(seen).starts_with("/registry/")));
}

/// Answers everything in `usual`'s words, said by `say_it`.
fn speaking(say_it: impl Fn(&mut TcpStream, &str) + Send + Sync + 'static) -> Upstream {
    Upstream::start(move |seen, stream| {
        let message = seen.message();
        if !seen.is("POST") || message["id"].is_null() || message["method"].is_null() {
            return usual(seen, stream);
        }
        let body = if message["method"] == "initialize" {
            let result = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}});
            json!({"jsonrpc": "2.0", "id": message["id"], "result": result})
        } else {
            result(&message["id"], "usual")
        };
        say_it(stream, &body.to_string());
    })
}

#[test]
fn an_answer_in_any_coding_is_read_though_none_was_asked_for() {
    for (coding, applied) in SAID {
        for (kind, before, after) in [
            ("application/json", "", ""),
            ("text/event-stream", "data: ", "\n\n"),
            ("application/json", "\u{feff}", ""),
        ] {
            let server = speaking(move |stream, body| {
                let head = format!("200 OK\r\ncontent-type: {kind}\r\ncontent-encoding: {coding}");
                say(stream, &head, &encoded_by(applied, format!("{before}{body}{after}").as_bytes()));
            });
            for (front, call) in FRONTS {
                assert_eq!(call(&server).as_deref(), Ok("usual"), "{front} {coding} {kind}");
            }
            assert!(server.seen().iter().all(|seen| seen.header("accept-encoding").is_some()));
        }
    }
}

#[test]
fn a_byte_order_mark_is_dropped() {
    for (kind, before, after) in [
        ("application/json", "\u{feff}", ""),
        ("application/json; charset=utf-8", "\u{feff}  ", "\n"),
        ("application/json", " \n\u{feff}", ""),
        ("text/event-stream", "\u{feff}data: ", "\n\n"),
        ("text/event-stream", "\u{feff}event: message\r\ndata: ", "\r\n\r\n"),
        ("text/event-stream", "data: \u{feff}", "\n\n"),
    ] {
        let server = speaking(move |stream, body| {
            say(
                stream,
                &format!("200 OK\r\ncontent-type: {kind}"),
                format!("{before}{body}{after}").as_bytes(),
            );
        });
        for (front, call) in FRONTS {
            assert_eq!(call(&server).as_deref(), Ok("usual"), "{front} {kind} {before:?}");
        }
    }
    let server = Upstream::start(usual);
    let mut client = Client::before(&server);
    client.line(&format!("\u{feff}{}", call(1)));
    assert_eq!(client.hear(), result(&json!(1), "usual"), "nor does a client's own mark matter");
    client.end();
}

#[test]
fn null_members_count_as_absent() {
    let ends =
        [r#""error":null"#, r#""error": null, "method": null"#, r#""params":null"#, r#""method":null"#];
    for end in ends {
        let server = speaking(move |stream, body| {
            let body = body.replace(r#""result":{"#, r#""result":{"_meta":null,"#);
            let body = format!("{},{end}}}", body.strip_suffix('}').unwrap());
            say(stream, "200 OK\r\ncontent-type: application/json", body.as_bytes());
        });
        assert_eq!(by_hand(&server).as_deref(), Ok("usual"), "{end}");
        let bridge = Bridge::start(gateway_user(&server.base));
        let answer = bridge.send("POST", "/alpha/mcp", &[], call(1).to_string().as_bytes()).status(200);
        assert_eq!(answer.json(), result(&json!(1), "usual"), "{end}");
        bridge.end();
        let mut client = Client::before(&server);
        client.initialize();
        assert_eq!(client.ask(&call(1)), result(&json!(1), "usual"), "{end}");
        client.end();
    }
    // What the server sends in addition to answers, and what the client sends.
    let server = Upstream::start(|seen, stream| {
        if seen.message()["method"] != "tools/call" {
            return usual(seen, stream);
        }
        events(stream);
        for params in ["null", r#"{"level":"info","data":1,"_meta":null}"#] {
            let note = format!(r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{params}}}"#);
            push(stream, format!("data: {note}\n\n").as_bytes());
        }
        push(stream, format!("data: {}\n\n", result(&json!(1), "ok")).as_bytes());
    });
    let mut client = Client::before(&server);
    client.initialize();
    client.line(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","_meta":null}}"#);
    assert_eq!(client.hear(), json!({"jsonrpc": "2.0", "method": "notifications/message"}));
    assert_eq!(client.hear()["params"], json!({"level": "info", "data": 1}));
    assert_eq!(client.hear(), result(&json!(1), "ok"));
    client.line(r#"{"jsonrpc":"2.0","id":2,"method":"ping","params":null}"#);
    assert_eq!(client.hear(), result(&json!(2), "usual"));
    client.end();
    let sent: Vec<Value> = server.seen().iter().map(Seen::message).collect();
    assert!(
        sent.contains(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x"}}))
    );
    assert!(sent.contains(&json!({"jsonrpc": "2.0", "id": 2, "method": "ping"})));
}

/// One JSON-RPC error of ours for any refusal: clients wait forever for an answer without `jsonrpc`
/// (modelcontextprotocol/typescript-sdk, `requireBearerAuth`).
#[test]
fn whatever_a_server_refuses_with_becomes_one_error_with_what_to_type() {
    const JSON: &str = "application/json";
    let bodies: [(&str, &str); 13] = [
        (JSON, r#"{"error":"insufficient_scope","error_description":"hidden-words"}"#),
        (JSON, r#"{"error":{"message":"hidden-words"}}"#),
        (JSON, r#"{"id":1,"error":"insufficient_scope"}"#),
        (JSON, r#"{"jsonrpc":"2.0","id":1,"error":"hidden-words"}"#),
        (JSON, r#"{"id":1,"error":{"code":1,"message":"hidden-words"}}"#),
        (JSON, r#"{"jsonrpc":"2.0","id":2,"error":{"code":1,"message":"hidden-words"}}"#),
        (JSON, r#"{"jsonrpc":"2.0","id":1,"result":{"hidden-words":1}}"#),
        (JSON, r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"hidden-words"}}"#),
        (JSON, r#"[{"error":"hidden-words"},{"error":"hidden-words"}]"#),
        (JSON, r#""hidden-words""#),
        ("text/html", "<h1>hidden-words</h1>"),
        ("text/event-stream", "data: {\"error\":\"hidden-words\"}\n\n"),
        (JSON, ""),
    ];
    for (status, code) in
        [(400, 5022), (401, 4012), (403, 4031), (404, 5022), (409, 5022), (418, 5022), (429, 5022)]
    {
        for (kind, body) in bodies {
            let head: &'static str = format!("{status} No\r\ncontent-type: {kind}").leak();
            let server = Upstream::answering(head, body);
            let mut client = Client::before(&server);
            let answer = client.ask(&call(1));
            let error = outcome(&answer).unwrap_err();
            assert_eq!(answer["error"]["code"], code, "{status} {body}: {answer}");
            assert!(
                error.contains("mcpauth ") && !error.contains("hidden-words"),
                "{status} {body}: {error}"
            );
            assert_eq!(client.end().0, Vec::<Value>::new(), "{status} {body}");
        }
    }
}

#[test]
fn over_http_as_well_with_the_servers_status() {
    for (status, kind, body) in [
        (400, "application/json", r#"{"error":"invalid_request"}"#),
        (403, "application/json", r#"{"error":"insufficient_scope"}"#),
        (403, "text/html", "<h1>no</h1>"),
        (404, "text/plain", "no such session"),
        (429, "application/json", "{}"),
        (503, "text/html", ""),
    ] {
        let head: &'static str = format!("{status} No\r\nretry-after: 7\r\ncontent-type: {kind}").leak();
        let bridge = Bridge::start(gateway_user(&Upstream::answering(head, body).base));
        let answer = bridge.send("POST", "/alpha/mcp", &[], call(1).to_string().as_bytes()).status(status);
        let error = outcome(&answer.json()).unwrap_err();
        assert!(error.contains("mcpauth "), "{status} {body}: {error}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("retry-after"), Some("7"));
        bridge.end();
    }
    // An MCP error is for the client.
    let own = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"m","data":{"supported":[]}}}"#;
    let bridge = Bridge::start(gateway_user(
        &Upstream::answering("400 Bad\r\ncontent-type: application/json", own).base,
    ));
    let answer = bridge.send("POST", "/alpha/mcp", &[], call(1).to_string().as_bytes()).status(400).json();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-32022)));
    assert_eq!(answer["error"]["data"]["supported"], json!([]));
    bridge.end();
}

#[test]
fn a_200_that_is_no_message_becomes_one_error_too() {
    for body in [
        r#"{"error":"insufficient_scope"}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":"x"}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"message":"x"}}"#,
        r#"{"detail":"x"}"#,
    ] {
        let mut client =
            Client::before(&Upstream::answering("200 OK\r\ncontent-type: application/json", body));
        assert_eq!(client.ask(&call(1))["error"]["code"], 5022, "{body}");
        assert_eq!(client.end().0, Vec::<Value>::new(), "{body}");
    }
    // Over HTTP as well, as a body and on a stream.
    for body in [
        r#"{"error":"insufficient_scope"}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":"x"}"#,
        r#"{"jsonrpc":"2.0","id":7,"result":{}}"#,
        r#"["x"]"#,
        "null",
        "<h1>sign in</h1>",
        "",
    ] {
        for (kind, before) in [
            ("application/json", ""),
            ("text/html", ""),
            ("text/event-stream", "data: "),
            ("text/event-stream", ""),
        ] {
            let head: &'static str = format!("200 OK\r\ncontent-type: {kind}").leak();
            let server = Upstream::answering(head, format!("{before}{body}\n\n"));
            let refused = over_http(&server).unwrap_err();
            assert!(refused.contains("\"code\":502"), "{kind} {body}: {refused}");
        }
    }
    // A message that only lacks its version gets it.
    let server = Upstream::start(|seen, stream| {
        json_answer(stream, &json!({"id": seen.message()["id"], "result": {"content": []}}));
    });
    let mut client = Client::before(&server);
    assert_eq!(client.ask(&call(1)), json!({"id": 1, "result": {"content": []}, "jsonrpc": "2.0"}));
    client.end();
}

/// Ids that differ in form from the request's, or are missing: the answer can be about nothing else.
#[test]
fn an_answer_is_the_requests_however_its_id_is_written() {
    for id in ["\"1\"", "1.0", "null", ""] {
        for (kind, before, after) in [("application/json", "", ""), ("text/event-stream", "data: ", "\n\n")] {
            let server = speaking(move |stream, body| {
                let member = if id.is_empty() { String::new() } else { format!("\"id\":{id},") };
                // The handshake's is another number.
                let body = body.replace("\"id\":1,", &member);
                say(
                    stream,
                    &format!("200 OK\r\ncontent-type: {kind}"),
                    format!("{before}{body}{after}").as_bytes(),
                );
            });
            for (front, call) in &FRONTS[..2] {
                assert_eq!(call(&server).as_deref(), Ok("usual"), "{front} {id} {kind}");
            }
        }
    }
    // A notification is not one of the requests, whatever null it contains.
    let server = Upstream::start(|seen, stream| {
        if seen.message()["method"] != "tools/call" {
            return usual(seen, stream);
        }
        events(stream);
        push(stream, b"data: {\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"notifications/x\"}\n\n");
        push(stream, format!("data: {}\n\n", result(&json!(1), "ok")).as_bytes());
    });
    let mut client = Client::before(&server);
    client.initialize();
    assert_eq!(client.ask(&call(1)), json!({"jsonrpc": "2.0", "method": "notifications/x"}));
    assert_eq!(client.hear(), result(&json!(1), "ok"));
    client.line(r#"{"jsonrpc":"2.0","id":null,"method":"notifications/y"}"#);
    client.end();
    let sent = server.seen().iter().map(Seen::message).find(|sent| sent["method"] == "notifications/y");
    assert_eq!(sent, Some(json!({"jsonrpc": "2.0", "method": "notifications/y"})));
}

/// The port of `host:port`.
fn port(host: &str) -> &str {
    host.rsplit(':').next().unwrap()
}

/// A server with only the 2024-11-05 transport that announces this address, and acknowledges messages with this text.
fn old(
    endpoint: impl Fn(&str) -> String + Send + Sync + 'static,
    head: &'static str,
    body: &'static str,
    refuses: &'static str,
) -> Upstream {
    let open: Arc<Mutex<Option<TcpStream>>> = Arc::default();
    Upstream::start(move |seen: &Seen, stream: &mut TcpStream| {
        if seen.is("GET") && path(seen).ends_with("/sse") {
            events(stream);
            let endpoint = endpoint(seen.header("host").unwrap());
            // Before the client knows where to send: its first message must find this stream, not the last client's.
            *open.lock().unwrap() = Some(stream.try_clone().unwrap());
            push(stream, format!("event: endpoint\r\ndata: {endpoint}\r\n\r\n").as_bytes());
            let _ = std::io::Read::read(stream, &mut [0]);
        } else if seen.is("POST") && path(seen).contains("/messages") {
            let message = seen.message();
            say(stream, head, body.as_bytes());
            if message["id"].is_null() {
                return;
            }
            let answer = match message["method"].as_str() {
                Some("initialize") => {
                    json!({"protocolVersion": "2024-11-05", "serverInfo": {"name": "old", "version": "1"}})
                }
                _ => json!({"content": [{"type": "text", "text": "old"}]}),
            };
            let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": answer});
            push(open.lock().unwrap().as_mut().unwrap(), format!("data: {answer}\n\n").as_bytes());
        } else {
            say(stream, refuses, b"");
        }
    })
}

/// MCP 2025-03-26, "Backwards Compatibility".
#[test]
fn whatever_refuses_the_handshake_or_says_nothing_may_be_the_older_transport() {
    for refuses in
        ["400 Bad", "404 Not Found", "406 No", "415 No", "501 No", "200 OK", "202 Accepted", "204 None"]
    {
        let server = old(|_| "/messages?s=1".into(), "202 Accepted", "", refuses);
        assert_eq!(over_stdio(&server).as_deref(), Ok("old"), "{refuses}");
        for address in ["sse", "mcp/sse"] {
            let ran = User::new().run(&["call", "echo", "--url", &format!("{}/{address}", server.base)]);
            assert_eq!(ran.code(0).stdout, "old\n", "{refuses} {address}");
        }
    }
}

#[test]
fn any_success_acknowledges_a_message_of_the_older_transport() {
    for (head, body) in [
        ("202 Accepted", "Accepted"),
        ("200 OK\r\ncontent-type: text/plain", "ok"),
        ("200 OK\r\ncontent-type: application/json", "\"ok\""),
        ("200 OK\r\ncontent-type: application/json", "{}"),
        ("200 OK", ""),
        ("201 Created", "ok"),
        ("204 No Content", ""),
    ] {
        let server = old(|_| "/messages?s=1".into(), head, body, "405 No");
        for (front, call) in [FRONTS[0], FRONTS[2]] {
            assert_eq!(call(&server).as_deref(), Ok("old"), "{front} {head} {body}");
        }
    }
}

#[test]
fn an_address_announced_under_another_name_of_loopback_is_the_servers_own() {
    type Endpoint = fn(&str) -> String;
    let endpoints: [Endpoint; 9] = [
        |host| format!("http://0.0.0.0:{}/messages", port(host)),
        |host| format!("http://[::]:{}/messages", port(host)),
        |host| format!("http://localhost:{}/messages?s=1", port(host)),
        |host| format!("http://[::1]:{}/messages", port(host)),
        |host| format!("http://LocalHost.:{}/messages", port(host)),
        |host| format!("//localhost:{}/messages", port(host)),
        |host| format!("http://{host}/messages"),
        |_| "messages?s=1".into(),
        |_| " /messages ".into(),
    ];
    for endpoint in endpoints {
        let server = old(endpoint, "202 Accepted", "", "405 No");
        for (front, call) in [FRONTS[0], FRONTS[2]] {
            assert_eq!(call(&server).as_deref(), Ok("old"), "{front} {}", endpoint("127.0.0.1:1"));
        }
        // Asked under the other name, it may announce the first.
        let by_name = server.base.replace("127.0.0.1", "localhost");
        let ran = User::new().run(&["call", "echo", "--url", &format!("{by_name}/mcp")]).code(0);
        assert_eq!(ran.stdout, "old\n");
        let bridge = Bridge::start(gateway_user(&server.base));
        let mut stream = TcpStream::connect(bridge.address).unwrap();
        let listening = crate::support::lab::request(
            "GET",
            "/alpha/sse",
            &[
                ("Host", &bridge.address.to_string()),
                ("X-Mcpauth-Bridge", &bridge.secret),
                ("Accept", "text/event-stream"),
            ],
            b"",
        );
        std::io::Write::write_all(&mut stream, &listening).unwrap();
        let mut heard = String::new();
        let mut buffer = [0; 1024];
        while !heard.contains("/messages") {
            let read = std::io::Read::read(&mut stream, &mut buffer).unwrap();
            assert!(read > 0, "{heard}");
            heard.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
        assert!(heard.contains("data: /alpha/~/") && !heard.contains("http://"), "{heard}");
        drop(stream);
        bridge.end();
    }
    // Another port is another server.
    let elsewhere = Upstream::answering("202 Accepted", "");
    let endpoint = elsewhere.base.replace("127.0.0.1", "localhost");
    let server = old(move |_| format!("{endpoint}/messages"), "202 Accepted", "", "405 No");
    for (front, call) in [FRONTS[0], FRONTS[2]] {
        assert!(call(&server).is_err(), "{front}");
    }
    assert!(elsewhere.seen().is_empty());
}
