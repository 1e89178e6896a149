//! `probe`, `ping`, `list` and `call` with servers of every era and transport. Not here: servers that refuse, or
//! answer nonsense (see `refusals`); tokens and the gateway (see `credentials`).
#![cfg(test)]

mod credentials;
mod depth;
mod refusals;
mod sessions;

use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use mcpauth::demo::mcp::{Sample, SampleTool};
use serde_json::{Value, json};

use crate::support::User;
use crate::support::upstream::{Seen, Upstream, begin, event, push, say};

const OK: &str = "200 OK\r\ncontent-type: application/json";
const STREAM: &str = "200 OK\r\ncontent-type: text/event-stream";

/// A user whose `GATEWAY_URL` is this server.
fn user(base: &str) -> User {
    let mut user = User::new();
    user.env("GATEWAY_URL", format!("{base}/mcp"));
    user
}

fn result(seen: &Seen, result: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": seen.message()["id"], "result": result})
}

fn error(seen: &Seen, code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": seen.message()["id"], "error": {"code": code, "message": message}})
}

fn text(text: &str) -> Value {
    json!({"resultType": "complete", "content": [{"type": "text", "text": text}]})
}

fn say_json(stream: &mut TcpStream, value: &Value) {
    say(stream, OK, value.to_string().as_bytes());
}

fn method(seen: &Seen) -> String {
    seen.message()["method"].as_str().unwrap_or_default().to_owned()
}

/// A server of 2026-07-28 whose other methods are the test's.
fn modern(script: impl Fn(&str, &Seen, &mut TcpStream) + Send + Sync + 'static) -> Upstream {
    Upstream::start(move |seen, stream| match method(seen).as_str() {
        "server/discover" => {
            let found = json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}},
                               "serverInfo": {"name": "new", "version": "2"}});
            say_json(stream, &result(seen, &found));
        }
        other => script(other, seen, stream),
    })
}

/// A server of 2025-11-25, with sessions, whose other methods are the test's.
fn legacy(script: impl Fn(&str, &Seen, &mut TcpStream) + Send + Sync + 'static) -> Upstream {
    Upstream::start(move |seen, stream| match method(seen).as_str() {
        "server/discover" => {
            say(
                stream,
                "400 Bad\r\ncontent-type: application/json",
                error(seen, -32000, "not initialized").to_string().as_bytes(),
            );
        }
        "initialize" => {
            let found =
                json!({"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "old"}});
            say(stream, &format!("{OK}\r\nmcp-session-id: s1"), result(seen, &found).to_string().as_bytes());
        }
        "notifications/initialized" => say(stream, "202 Accepted", b""),
        "ping" => say_json(stream, &result(seen, &json!({}))),
        other => script(other, seen, stream),
    })
}

const TOOLS: [SampleTool; 2] = [
    SampleTool { name: "echo", about: "Says it again", run: |arguments| arguments.to_string() },
    SampleTool { name: "greet", about: "Greets", run: |_| "hello".into() },
];

#[test]
fn a_server_of_2026_07_28_from_the_first_word_to_the_last() {
    let sample = Sample::start("sample", &TOOLS).unwrap();
    let user = user(sample.base());
    let basic = user.run(&["probe", "--json"]).code(0).json();
    assert_eq!(basic["server"]["name"], "sample");
    assert_eq!((&basic["protocol_version"], &basic["era"]), (&json!("2026-07-28"), &json!("modern")));
    assert_eq!(basic["transport"], "streamable-http");
    assert_eq!(basic["tools"], json!(["echo", "greet"]));
    let told = user.run(&["probe"]).code(0).stdout;
    for words in
        ["connected  sample ", "protocol   2026-07-28 (modern), streamable-http", "tools      2: echo, greet"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(user.run(&["ping"]).code(0).stdout.contains("(2026-07-28, streamable-http)"));
    assert_eq!(user.run(&["connectivity", "--json"]).code(0).json()["era"], "modern");
    assert_eq!(user.run(&["list"]).code(0).stdout, "echo\tSays it again\ngreet\tGreets\n");
    assert_eq!(user.run(&["tools", "--json"]).code(0).json()["tools"][1]["name"], "greet");
    let session = |arrived: &mcpauth::demo::mcp::ReceivedRequest| {
        arrived.headers.contains("mcp-session-id") || arrived.target.starts_with("DELETE")
    };
    assert!(!sample.arrived().iter().any(session));
}

#[test]
fn a_call_has_nothing_but_its_result_on_stdout() {
    let sample = Sample::start("sample", &TOOLS).unwrap();
    let user = user(sample.base());
    let arguments = r#"{"b":"x$y \" z","a":[1,2.5,12345678901234567890]}"#;
    assert_eq!(user.run(&["call", "echo", arguments]).code(0).stdout, format!("{arguments}\n"));
    assert_eq!(user.run(&["call", "echo", arguments]).code(0).stderr, "");
    assert_eq!(user.run(&["call", "greet"]).code(0).stdout, "hello\n");
    assert_eq!(user.run(&["call", "greet", "--json"]).code(0).json()["content"][0]["text"], "hello");
    assert_eq!(
        user.run_with(&["call", "echo", "-"], "{\"from\": \"stdin\"}").code(0).stdout,
        "{\"from\":\"stdin\"}\n"
    );
    user.file("arguments.json", "{\"from\": \"file\"}");
    assert_eq!(user.run(&["call", "echo", "@arguments.json"]).code(0).stdout, "{\"from\":\"file\"}\n");
    let before = sample.arrived().len();
    for wrong in ["[1]", "{\"a\": hunter2-hunter2}", "@missing.json", ""] {
        let refused = user.run(&["call", "echo", wrong]).code(2);
        assert!(
            refused.stderr.contains("the tool's arguments are") && !refused.stderr.contains("hunter2"),
            "{refused:?}"
        );
    }
    assert_eq!(sample.arrived().len(), before, "something was sent");
}

/// A tool's arguments in each form, with the server named in front of it and without.
#[test]
fn arguments_are_read_in_every_form() {
    let sample = Sample::start("sample", &TOOLS).unwrap();
    let user = user(sample.base());
    let address = format!("{}/mcp", sample.base());
    user.file("a=b.json", r#"{"of":{"a":"file"}}"#);
    for (words, expected) in [
        (&["query=a=b"][..], json!({"query": "a=b"})),
        (&["query=a=b=", "empty="], json!({"query": "a=b=", "empty": ""})),
        (&["url=https://a.test/?q=1&r=2"], json!({"url": "https://a.test/?q=1&r=2"})),
        (
            &[r#"filter={"a":{"b":[1,{"c":null}]}}"#, "limit=5"],
            json!({"filter": {"a": {"b": [1, {"c": null}]}}, "limit": 5}),
        ),
        (
            &["names=[1,2]", "on=true", "text=two words", "dash=-"],
            json!({"names": [1, 2], "on": true, "text": "two words", "dash": "-"}),
        ),
        (&["broken={a:1"], json!({"broken": "{a:1"})),
        (&["at=@nothing"], json!({"at": "@nothing"})),
        (&[r#"{"a":{"b=c":"d=e"}}"#], json!({"a": {"b=c": "d=e"}})),
        (&["@a=b.json"], json!({"of": {"a": "file"}})),
        (&["-"], json!({"from": "stdin=="})),
        (&["@-"], json!({"from": "stdin=="})),
    ] {
        for front in
            [&["call", "echo"][..], &["call", address.as_str(), "echo"], &["call", "--url", &address, "echo"]]
        {
            let ran = user.run_with(&[front, words].concat(), r#"{"from":"stdin=="}"#).code(0);
            assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap(), expected, "{front:?} {words:?}");
        }
    }
    let before = sample.arrived().len();
    for (words, part) in [
        (&["@missing.json"][..], "missing.json"),
        (&["@"], "not readable"),
        (&["-"], "not JSON: EOF"),
        (&["a=1", "{}"], "all KEY=VALUE"),
        (&["a=1", "@a=b.json"], "all KEY=VALUE"),
        (&["a=1", "-"], "all KEY=VALUE"),
        (&["=1"], "not JSON"),
        (&["a=1", "a=2"], "given twice"),
        (&[r#"{"a":1"#], "not JSON"),
        (&["\"text\""], "not an object"),
    ] {
        let ran = user.run(&[&["call", "echo"], words].concat()).code(2);
        assert!(ran.stderr.contains(part) && ran.stderr.contains("KEY=VALUE"), "{words:?}: {}", ran.stderr);
    }
    #[cfg(unix)]
    for line in ["call echo - <&-", "call echo @- </dev/null"] {
        let ran = crate::support::ended(user.shell(&format!("mcpauth {line}")).spawn().unwrap()).code(2);
        assert!(ran.stderr.contains("not JSON: EOF"), "{line}: {}", ran.stderr);
    }
    let asked = sample
        .arrived()
        .into_iter()
        .skip(before)
        .filter(|asked| String::from_utf8_lossy(&asked.body).contains("tools/call"))
        .count();
    assert_eq!(asked, 0, "something was called");
}

#[test]
fn each_request_of_2026_07_28_says_in_its_headers_what_its_body_says() {
    let server = modern(|_, seen, stream| say_json(stream, &result(seen, &text("done"))));
    user(&server.base).run(&["call", "grüß", "{}"]).code(0);
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    for (one, method, name) in
        [(&seen[0], "server/discover", None), (&seen[1], "tools/call", Some("=?base64?Z3LDvMOf?="))]
    {
        assert_eq!(one.header("mcp-protocol-version"), Some("2026-07-28"));
        assert_eq!((one.header("mcp-method"), one.header("mcp-name")), (Some(method), name));
        assert_eq!(one.header("accept"), Some("application/json, text/event-stream"));
        let meta = &one.message()["params"]["_meta"];
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
        assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({}));
        assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "mcpauth");
    }
}

#[test]
fn arguments_that_a_tool_wants_in_headers_are_sent_there() {
    let property = |mark: &str| json!({"type": "string", "x-mcp-header": mark});
    let tools = json!({"tools": [
        {"name": "sql", "inputSchema": {"properties": {"region": property("Region")}}},
        {"name": "bad", "inputSchema": {"properties": {"region": property("no header name")}}},
    ]});
    let server = modern(move |method, seen, stream| match method {
        "tools/list" => say_json(stream, &result(seen, &tools)),
        _ => say_json(stream, &result(seen, &text(seen.header("mcp-param-region").unwrap_or("none")))),
    });
    let user = user(&server.base);
    assert_eq!(user.run(&["call", "sql", r#"{"region":"eu"}"#]).code(0).stdout, "eu\n");
    assert_eq!(user.run(&["call", "sql", "{}"]).code(0).stdout, "none\n");
    let list = user.run(&["list"]).code(0);
    assert_eq!((list.stdout.as_str(), list.stderr.contains("left out bad")), ("sql\t\n", true), "{list:?}");
    let calls = || server.seen().iter().filter(|seen| method(seen) == "tools/call").count();
    let before = calls();
    let refused = user.run(&["call", "bad", r#"{"region":"eu"}"#]).code(6);
    assert!(refused.stderr.contains("an x-mcp-header that is not a header name"), "{refused:?}");
    assert_eq!(calls(), before, "a tool that must not be used is called");
}

/// Several servers answer every request with something; what is not a description of theirs is ignored.
#[test]
fn a_server_that_only_seems_to_know_the_first_question_is_an_older_one() {
    for found in [json!({}), json!({"supportedVersions": ["2025-06-18", "2024-11-05"]})] {
        let server = Upstream::start(move |seen, stream| {
            let answer = match method(seen).as_str() {
                "server/discover" => found.clone(),
                "initialize" => json!({"protocolVersion": "2025-06-18", "serverInfo": {"name": "x"}}),
                _ => json!({}),
            };
            say_json(stream, &result(seen, &answer));
        });
        let ping = user(&server.base).run(&["ping", "--json"]).code(0).json();
        assert_eq!((&ping["protocol_version"], &ping["era"]), (&json!("2025-06-18"), &json!("legacy")));
    }
    // A server that fails at an unknown request, and a gateway that only lets known ones pass.
    for status in ["500 Oops", "403 Forbidden"] {
        let server = Upstream::start(move |seen, stream| match method(seen).as_str() {
            "server/discover" => say(stream, status, b"Traceback"),
            "initialize" => say_json(stream, &result(seen, &json!({"protocolVersion": "2025-03-26"}))),
            _ => say_json(stream, &result(seen, &json!({}))),
        });
        let ping = user(&server.base).run(&["ping"]).code(0);
        assert!(ping.stdout.starts_with("a server without a name answered in "), "{ping:?}");
    }
    let future = Upstream::start(|_, stream| {
        let body = json!({"jsonrpc": "2.0", "id": 1, "error": {
            "code": -32022, "message": "unsupported", "data": {"supported": ["2099-01-01"]}}});
        say(stream, "400 Bad\r\ncontent-type: application/json", body.to_string().as_bytes());
    });
    let refused = user(&future.base).run(&["ping"]).code(6);
    assert!(refused.stderr.contains("(it offers: [\"2099-01-01\"])"), "{refused:?}");
    assert_eq!(future.seen().len(), 1);
}

/// Whatever the server thinks of `ping`, it is there if it says so in JSON-RPC; what is in front of it is not it.
#[test]
fn an_error_in_json_rpc_is_an_answer_to_a_ping() {
    for (status, body, code) in [
        ("200 OK", r#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32601,"message":"no ping"}}"#, 0),
        (
            "500 Internal Server Error",
            r#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32603,"message":"no ping"}}"#,
            0,
        ),
        (
            "500 Internal Server Error",
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"no ping"}}"#,
            0,
        ),
        (
            "501 Not Implemented",
            r#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32601,"message":"no ping"}}"#,
            0,
        ),
        ("400 Bad Request", r#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32601,"message":"no ping"}}"#, 0),
        ("500 Internal Server Error", "<html>", 5),
        (
            "502 Bad Gateway",
            r#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32000,"message":"not reached"}}"#,
            5,
        ),
        (
            "503 Service Unavailable",
            r#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32000,"message":"down"}}"#,
            5,
        ),
        ("200 OK", "<html>", 6),
    ] {
        let server = Upstream::start(move |seen, stream| match method(seen).as_str() {
            "initialize" => {
                let found = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "old"}});
                say_json(stream, &result(seen, &found));
            }
            "ping" => {
                let body = body.replace("ID", &seen.message()["id"].to_string());
                say(stream, &format!("{status}\r\ncontent-type: application/json"), body.as_bytes());
            }
            "server/discover" => say(stream, "400 Bad", b""),
            // Go writes an empty list as null.
            "tools/list" => say_json(stream, &result(seen, &json!({"tools": null, "nextCursor": null}))),
            _ => say(stream, "202 Accepted", b""),
        });
        let user = user(&server.base);
        for verb in ["ping", "probe"] {
            let ran = user.run(&[verb]);
            assert_eq!(ran.code, Some(code), "{verb} {status} {body}: {ran:?}");
        }
        assert_eq!(user.run(&["list", "--json"]).code(0).json(), json!({"tools": []}));
    }
}

#[test]
fn items_of_a_list_that_are_no_tools_are_left_out() {
    let server = legacy(|method, seen, stream| match method {
        "tools/list" => say_json(stream, &result(seen, &json!({"tools": [null, {"name": "echo"}, 7, null]}))),
        "tools/call" => say_json(stream, &result(seen, &text("done"))),
        _ => say(stream, "202 Accepted", b""),
    });
    let user = user(&server.base);
    assert_eq!(user.run(&["list", "--json"]).code(0).json(), json!({"tools": [{"name": "echo"}]}));
    assert_eq!(user.run(&["list"]).code(0).stdout.trim(), "echo");
    assert_eq!(user.run(&["probe", "--json"]).code(0).json()["tools"], json!(["echo"]));
    assert_eq!(user.run(&["call", "echo", "a=b"]).code(0).stdout, "done\n");
}

#[test]
fn a_server_of_2025_11_25_has_its_handshake_its_session_and_its_questions_answered() {
    let server = legacy(|method, seen, stream| match method {
        "tools/call" => {
            begin(stream, STREAM);
            push(stream, b"id: 1\ndata:\n\n");
            for message in [
                json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1, "total": 2, "message": "half"}}),
                json!({"jsonrpc": "2.0", "id": "p", "method": "ping"}),
                json!({"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": {}}),
                json!({"jsonrpc": "2.0", "id": 999, "result": {}}),
                result(seen, &text("done")),
            ] {
                push(stream, &event(&message));
            }
        }
        // Our answers to its questions, and the end.
        _ => say(stream, "202 Accepted", b""),
    });
    let user = user(&server.base);
    let called = user.run(&["call", "work", "-v"]).code(0);
    assert_eq!(called.stdout, "done\n");
    for words in ["progress 1 of 2: half", "the server asks for sampling/createMessage"] {
        assert!(called.stderr.contains(words), "{words}: {}", called.stderr);
    }
    let seen = server.seen();
    let at = |line: &str, method_name: &str| {
        seen.iter()
            .find(|seen| seen.is(line) && method(seen) == method_name)
            .unwrap_or_else(|| panic!("{method_name}: {seen:?}"))
    };
    assert_eq!(at("POST", "initialize").message()["params"]["protocolVersion"], "2025-11-25");
    assert_eq!(at("POST", "initialize").header("mcp-method"), None);
    for one in [at("POST", "notifications/initialized"), at("POST", "tools/call"), at("DELETE", "")] {
        assert_eq!(one.header("mcp-session-id"), Some("s1"));
        assert_eq!(one.header("mcp-protocol-version"), Some("2025-11-25"));
    }
    let answers: Vec<Value> = seen
        .iter()
        .map(Seen::message)
        .filter(|message| message["id"].is_string() || message.get("error").is_some())
        .collect();
    assert_eq!(answers[0], json!({"jsonrpc": "2.0", "id": "p", "result": {}}));
    assert_eq!((&answers[1]["id"], &answers[1]["error"]["code"]), (&json!(1), &json!(-32601)));
    let ping = user.run(&["probe"]);
    assert!(
        ping.stdout.contains("protocol   2025-11-25 (legacy), streamable-http\nping       answered in "),
        "{ping:?}"
    );
}

/// 2024-11-05: one stream that answers everything, and another address for messages.
fn old(endpoint: &'static str) -> Upstream {
    let (answers, waiting) = channel::<Value>();
    let (answers, waiting) = (Mutex::new(answers), Mutex::new(waiting));
    Upstream::start(move |seen, stream| {
        if seen.is("GET /sse") {
            begin(stream, STREAM);
            push(stream, format!("event: endpoint\ndata: {endpoint}\n\n").as_bytes());
            let waiting = waiting.lock().unwrap();
            // It stays open until the client has what it came for.
            while let Ok(answer) = waiting.recv() {
                let last =
                    answer["result"].get("content").is_some() || answer["result"].get("tools").is_some();
                push(stream, format!("event: message\ndata: {answer}\n\n").as_bytes());
                if last {
                    return;
                }
            }
        } else if seen.is("POST /message?sessionId=1 ") {
            let answer = match method(seen).as_str() {
                "initialize" => {
                    Some(json!({"protocolVersion": "2024-11-05", "serverInfo": {"name": "oldest"}}))
                }
                "ping" => Some(json!({})),
                "tools/list" => Some(json!({"tools": [{"name": "echo"}]})),
                "tools/call" => Some(text("done")),
                _ => None,
            };
            if let Some(answer) = answer {
                answers.lock().unwrap().send(result(seen, &answer)).unwrap();
            }
            say(stream, "202 Accepted", b"Accepted");
        } else {
            say(stream, "404 Not Found\r\ncontent-type: text/html", b"<pre>Cannot POST /sse</pre>");
        }
    })
}

#[test]
fn the_oldest_transport_answers_on_its_stream() {
    let server = old("/message?sessionId=1");
    let mut user = User::new();
    user.env("GATEWAY_URL", format!("{}/sse", server.base));
    let basic = user.run(&["probe", "--json"]).code(0).json();
    assert_eq!((&basic["transport"], &basic["protocol_version"]), (&json!("sse"), &json!("2024-11-05")));
    assert_eq!(basic["tools"], json!(["echo"]));
    assert_eq!(user.run(&["call", "echo"]).code(0).stdout, "done\n");
}

#[test]
fn the_oldest_transport_cannot_send_our_credentials_elsewhere() {
    let elsewhere = Upstream::answering("200 OK", "");
    let endpoint: &'static str = format!("{}/message?sessionId=1", elsewhere.base).leak();
    let server = old(endpoint);
    let refused = User::new().run(&["list", "--url", &format!("{}/sse", server.base)]).code(6);
    assert!(refused.stderr.contains("is not MCP: its endpoint is at another origin"), "{refused:?}");
    assert_eq!(elsewhere.seen().len(), 0);
}

#[test]
fn every_page_of_a_list_is_read_and_one_without_end_is_refused() {
    let page = |seen: &Seen| seen.message()["params"]["cursor"].as_str().map(str::to_owned);
    let server = legacy(move |_, seen, stream| {
        let (name, next) = match page(seen).as_deref() {
            None => ("a", json!("")),
            Some("") => ("b", json!("2")),
            _ => ("c", json!(null)),
        };
        say_json(stream, &result(seen, &json!({"tools": [{"name": name}], "nextCursor": next})));
    });
    assert_eq!(user(&server.base).run(&["list"]).code(0).stdout, "a\t\nb\t\nc\t\n");
    // Servers that write an empty cursor for none.
    for refuses in [false, true] {
        let empty = legacy(move |_, seen, stream| {
            if refuses && page(seen).is_some() {
                let error = json!({"code": -32602, "message": "Invalid cursor"});
                let id = &seen.message()["id"];
                return say_json(stream, &json!({"jsonrpc": "2.0", "id": id, "error": error}));
            }
            say_json(stream, &result(seen, &json!({"tools": [{"name": "a"}], "nextCursor": ""})));
        });
        assert_eq!(user(&empty.base).run(&["list"]).code(0).stdout, "a\t\n", "{refuses}");
    }
    let endless =
        legacy(|_, seen, stream| say_json(stream, &result(seen, &json!({"tools": [], "nextCursor": "x"}))));
    let refused = user(&endless.base).run(&["list"]).code(6);
    assert!(refused.stderr.contains("whose pages do not end"), "{refused:?}");
}

#[test]
fn a_stream_that_ends_early_is_taken_up_where_it_ended_as_long_as_it_brings_something() {
    let server = legacy(|method, seen, stream| match (method, seen.header("last-event-id")) {
        ("tools/call", _) => {
            begin(stream, STREAM);
            push(stream, b"id: 7\nretry: 1\ndata:\n\n");
        }
        (_, Some("7")) => {
            begin(stream, STREAM);
            push(
                stream,
                b"id: 8\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}}\n\n",
            );
        }
        (_, Some("8")) => {
            begin(stream, STREAM);
            // The request was the connection's third: discover, initialize, call.
            push(stream, &event(&json!({"jsonrpc": "2.0", "id": 3, "result": text("done")})));
        }
        _ => say(stream, "405 No", b""),
    });
    let called = user(&server.base).run(&["call", "work"]).code(0);
    assert_eq!(called.stdout, "done\n");
    let resumed = server.seen().into_iter().filter(|seen| seen.is("GET"));
    assert!(resumed.inspect(|seen| assert_eq!(seen.header("mcp-session-id"), Some("s1"))).count() == 2);
}

#[test]
fn a_stream_that_stands_still_is_given_up() {
    for opening in ["data:\n\n", "id: 7\nretry: 1\ndata:\n\n"] {
        let server = legacy(move |method, seen, stream| match method {
            _ if seen.is("DELETE") => say(stream, "405 No", b""),
            _ => {
                begin(stream, STREAM);
                let again = if method.is_empty() { "id: 7\ndata:\n\n" } else { opening };
                push(stream, again.as_bytes());
            }
        });
        let failed = user(&server.base).run(&["call", "work"]).code(5);
        assert!(failed.stderr.contains("ended its answer before the result came"), "{opening:?}: {failed:?}");
    }
}

#[test]
fn a_session_that_the_server_forgot_is_begun_again() {
    let first = Mutex::new(true);
    let server = legacy(move |method, seen, stream| match method {
        "tools/call" if std::mem::take(&mut *first.lock().unwrap()) => {
            say(stream, "404 Not Found", b"no such session")
        }
        "tools/call" => say_json(stream, &result(seen, &text("done"))),
        _ => say(stream, "200 OK", b""),
    });
    assert_eq!(user(&server.base).run(&["call", "work"]).code(0).stdout, "done\n");
    assert_eq!(server.seen().iter().filter(|seen| method(seen) == "initialize").count(), 2);
}
