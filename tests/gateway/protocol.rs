//! MCP through the gateway, both eras: what the headers must repeat, what passes untouched, which lists are filtered,
//! which pages may call, and what changes at run time. Not here: attacks (see `attacks`).
#![cfg(test)]

use serde_json::{Value, json};

use crate::support::lab::{ALLOWED, Answer, Lab, Worker, call, list, request};
use crate::support::upstream::{Listening, Upstream, begin, event, gone, push, say};

const JSON: &str = "200 OK\r\ncontent-type: application/json";
const MODERN: &str = "2026-07-28";

/// Answers a list request with two items, one of them hidden; everything else with an empty result.
fn lists(as_events: bool) -> Upstream {
    Upstream::start(move |seen, stream| {
        let message = seen.message();
        let (member, key, names) = match message["method"].as_str().unwrap_or_default() {
            "tools/list" => ("tools", "name", ["hidden", "echo"]),
            "prompts/list" => ("prompts", "name", ["hidden", "open"]),
            "resources/list" => ("resources", "uri", ["file:///hidden", "file:///open"]),
            _ => ("resourceTemplates", "uriTemplate", ["file:///hidden/{name}", "file:///open/{name}"]),
        };
        let items = names.map(|name| json!({key: name, "title": "kept"}));
        let reply = json!({"jsonrpc": "2.0", "id": message["id"], "result": {
            member: items, "nextCursor": "", "cacheScope": "public", "ttlMs": 5, "big": 12345678901234567890u64}});
        match as_events {
            true => say(stream, "200 OK\r\ncontent-type: text/event-stream", &event(&reply)),
            false => say(stream, JSON, reply.to_string().as_bytes()),
        }
    })
}

fn modern(message: &Value) -> Value {
    let mut message = message.clone();
    message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = MODERN.into();
    message
}

#[test]
fn a_modern_messages_headers_repeat_its_body() {
    let worker = Worker::start();
    let (version, method, name) = ("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name");
    let echo = modern(&call("echo"));
    let base64 = "=?base64?ZWNobw==?=";
    let good: [&[(&str, &str)]; 3] = [
        &[(version, MODERN), (method, "tools/call"), (name, "echo")],
        &[(version, MODERN), (method, " tools/call\t"), (name, base64)],
        &[(version, MODERN), (method, "tools/call"), (name, "echo"), ("Mcp-Param-X", "kept")],
    ];
    for headers in good {
        assert_eq!(worker.post(headers, echo.to_string().as_bytes()).status, 200, "{headers:?}");
    }
    assert!(worker.lab.alpha.arrived()[2].headers.contains("mcp-param-x: kept\n"));
    let bad: [&[(&str, &str)]; 11] = [
        &[],
        &[(version, MODERN)],
        &[(version, MODERN), (method, "tools/call")],
        &[(version, MODERN), (name, "echo")],
        &[(method, "tools/call"), (name, "echo")],
        &[(version, "2025-11-25"), (method, "tools/call"), (name, "echo")],
        &[(version, MODERN), (method, "TOOLS/CALL"), (name, "echo")],
        &[(version, MODERN), (method, "ping"), (name, "echo")],
        &[(version, MODERN), (method, "tools/call"), (name, "delete_all")],
        &[(version, MODERN), (method, "tools/call"), (name, "=?base64?ZWNobw?=")],
        &[(version, MODERN), (method, "tools/call"), (name, "echo"), (name, "echo")],
    ];
    for headers in bad {
        let answer = worker.post(headers, echo.to_string().as_bytes());
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!(-32020)), "{headers:?}");
        assert_eq!(answer.json()["id"], 7);
    }
    // Headers of a call that is allowed do not help one that is not.
    worker.post(good[0], modern(&call("delete_all")).to_string().as_bytes()).status(400);
    assert_eq!(worker.lab.arrived(), 3);
}

#[test]
fn a_legacy_message_needs_no_headers_but_those_it_has_must_not_lie() {
    let worker = Worker::start();
    for (headers, status) in [
        (vec![], 200),
        (vec![("MCP-Protocol-Version", "2025-11-25")], 200),
        (vec![("Mcp-Method", "tools/call"), ("Mcp-Name", "echo")], 200),
        (vec![("Mcp-Method", "ping")], 400),
        (vec![("Mcp-Name", "delete_all")], 400),
        (vec![("MCP-Protocol-Version", "2025-11-25"), ("MCP-Protocol-Version", "2025-06-18")], 400),
    ] {
        assert_eq!(worker.post(&headers, ALLOWED.as_bytes()).status, status, "{headers:?}");
    }
    assert_eq!(worker.lab.arrived(), 3);
}

#[test]
fn lifecycle_notifications_and_replies_pass_for_whoever_has_something_there() {
    let lab = Lab::start();
    let (worker, stranger) = (lab.token("worker"), lab.token("stranger"));
    for (message, status) in [
        (
            json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}),
            200,
        ),
        (json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover"}), 200),
        (json!({"jsonrpc": "2.0", "id": "p", "method": "ping"}), 200),
        (json!({"jsonrpc": "2.0", "method": "notifications/initialized"}), 202),
        (json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}), 202),
        (json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1}}), 202),
        (json!({"jsonrpc": "2.0", "id": 1, "result": {"content": {"type": "text"}}}), 202),
        (json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "declined"}}), 202),
    ] {
        let before = lab.alpha.arrived().len();
        let answer = lab.ask(&worker, "/alpha/mcp", &message).status(status);
        assert_eq!(answer.body.is_empty(), status == 202, "{message}");
        assert_eq!(lab.alpha.arrived()[before].body, message.to_string().as_bytes());
        lab.ask(&worker, "/beta/mcp", &message).status(403);
        lab.ask(&stranger, "/alpha/mcp", &message).status(403);
    }
    assert!(lab.beta.arrived().is_empty());
}

#[test]
fn a_method_that_was_not_granted_is_denied_even_if_nobody_knows_it() {
    let worker = Worker::start();
    for method in [
        "prompts/list",
        "resources/read",
        "logging/setLevel",
        "completion/complete",
        "tasks/get",
        "evil/method",
        "TOOLS/LIST",
        "tools/list ",
        "",
        "notifications/evil",
    ] {
        let params = json!({"name": "echo", "uri": "file:///x", "taskId": "t"});
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = worker.lab.ask(&worker.token, "/alpha/mcp", &message);
        assert_eq!(
            (answer.status, answer.json()["error"]["data"]["reason"].as_str()),
            (403, Some("method_not_allowed")),
            "{method}"
        );
    }
    assert_eq!(worker.lab.arrived(), 0);
}

#[test]
fn every_list_shows_what_was_granted_and_keeps_the_rest() {
    for as_events in [false, true] {
        let upstream = lists(as_events);
        let lab = Lab::before(&upstream, "streamable-http");
        let (worker, root) = (lab.token("worker"), lab.token("root"));
        for method in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
            let message = json!({"jsonrpc": "2.0", "id": "l", "method": method});
            let text = lab.ask(&worker, "/delta/mcp", &message).status(200).text();
            assert!(!text.contains("hidden"), "{method}: {text}");
            for part in
                ["echo", "open"].iter().filter(|name| text.contains(**name)).chain(&["\"title\":\"kept\""])
            {
                assert_eq!(text.matches(part).count(), 1, "{method}: {text}");
            }
            for part in [
                r#""nextCursor":"""#,
                r#""cacheScope":"private""#,
                r#""ttlMs":5"#,
                r#""big":12345678901234567890"#,
            ] {
                assert!(text.contains(part), "{part} {method}: {text}");
            }
            let all = lab.ask(&root, "/delta/mcp", &message).status(200).text();
            assert!(all.contains("hidden") && all.contains(r#""cacheScope":"private""#), "{method}: {all}");
        }
    }
}

#[test]
fn names_in_prompts_and_resources_are_decided_like_tools() {
    let upstream = lists(false);
    let lab = Lab::before(&upstream, "streamable-http");
    let worker = lab.token("worker");
    for (method, params, status) in [
        ("prompts/get", json!({"name": "open"}), 200),
        ("prompts/get", json!({"name": "hidden"}), 403),
        ("resources/read", json!({"uri": "file:///open"}), 200),
        ("resources/read", json!({"uri": "file:///hidden"}), 403),
        ("resources/read", json!({"uri": "file:///hidden", "name": "file:///open"}), 403),
        ("resources/read", json!({"uri": "file:///open/../hidden"}), 403),
        ("resources/read", json!({}), 403),
        ("resources/subscribe", json!({"uri": "file:///open"}), 403),
    ] {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        assert_eq!(lab.ask(&worker, "/delta/mcp", &message).status, status, "{message}");
    }
    assert_eq!(upstream.seen().len(), 2);
}

#[test]
fn what_a_server_says_passes_byte_for_byte() {
    let unknown = "{ \"jsonrpc\" : \"2.0\",\"id\":7,\"error\":{\"code\":-32601,\"message\":\"x\\u00e9\"} }\n";
    for (head, body, status) in [
        ("404 Not Found\r\ncontent-type: application/json", unknown, 404),
        ("400 Bad Request\r\ncontent-type: application/json", unknown, 400),
        ("403 Forbidden\r\ncontent-type: application/json", unknown, 403),
        ("500 Oops\r\ncontent-type: text/plain", "broken", 500),
        (
            "200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\nx-accel-buffering: no",
            "\u{1f}zip",
            200,
        ),
        ("202 Accepted", "", 202),
    ] {
        let upstream = Upstream::answering(head, body);
        let lab = Lab::before(&upstream, "streamable-http");
        let answer = lab.call(&lab.token("worker"), "delta", "echo").status(status);
        assert_eq!(answer.text(), body);
        for line in head.lines().skip(1) {
            assert!(answer.head.contains(line), "{line}: {}", answer.head);
        }
    }
}

#[test]
fn a_server_without_what_was_asked_for_says_so_in_its_own_words_or_none() {
    for (status, head) in [
        (405, "405 Method Not Allowed\r\ncontent-type: text/plain\r\nallow: POST"),
        (404, "404 Not Found\r\ncontent-type: text/html"),
        (500, "500 Oops\r\ncontent-type: application/json\r\ncontent-encoding: gzip"),
    ] {
        let lab = Lab::before(&Upstream::answering(head, "<p>hidden</p>"), "streamable-http");
        let bearer = format!("Bearer {}", lab.token("worker"));
        let headers = [("X-Authorization", bearer.as_str())];
        for (method, body) in [("GET", String::new()), ("POST", list().to_string())] {
            let answer = lab.raw(&request(method, "/delta/mcp", &headers, body.as_bytes()));
            assert_eq!((answer.status, answer.text()), (status, String::new()), "{method}");
        }
    }
}

#[test]
fn a_subscription_stays_open_and_is_nobodys_way_around_the_lists() {
    let upstream = Upstream::start(|_, stream| {
        begin(stream, "200 OK\r\ncontent-type: text/event-stream\r\nx-accel-buffering: no");
        push(
            stream,
            &event(&json!({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged"})),
        );
        gone(stream);
    });
    let lab = Lab::before(&upstream, "streamable-http");
    let bearer = format!("Bearer {}", lab.token("worker"));
    let message = modern(&json!({"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {}}));
    let headers = [
        ("X-Authorization", bearer.as_str()),
        ("MCP-Protocol-Version", MODERN),
        ("Mcp-Method", "subscriptions/listen"),
    ];
    let mut stream =
        Listening::send(&lab, &request("POST", "/delta/mcp", &headers, message.to_string().as_bytes()));
    let heard = stream.hear("acknowledged");
    assert!(heard.contains("x-accel-buffering: no") && !heard.contains("content-length"), "{heard}");
    lab.ask(
        &lab.token("stranger"),
        "/delta/mcp",
        &json!({"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen"}),
    )
    .status(403);
}

#[test]
fn each_server_has_a_document_that_leads_to_its_tokens() {
    let lab = Lab::start();
    let document = |path: &str| {
        let answer =
            lab.raw(&request("GET", &format!("/.well-known/oauth-protected-resource{path}"), &[], b""));
        (answer.status, answer.header("access-control-allow-origin").map(str::to_owned), answer.json())
    };
    crate::support::lab::until("ready", || lab.gateway.is_ready());
    for path in ["/alpha", "/alpha/mcp", "/beta/sse", "/alpha/", "/alpha/mcp/"] {
        let (status, cors, found) = document(path);
        assert_eq!((status, cors.as_deref()), (200, Some("*")), "{path}");
        assert_eq!(found["resource"], format!("{}{path}", lab.gateway.public_url()));
        assert_eq!(found["authorization_servers"], json!([lab.idp.issuer()]));
        assert_eq!(found["bearer_methods_supported"], json!(["header"]));
        assert!(found["scopes_supported"].as_array().unwrap().contains(&json!("root")), "{found}");
    }
    for path in ["", "/", "/nobody/mcp", "/alpha/../beta/mcp", "x"] {
        assert_eq!(document(path).0, 404, "{path}");
    }
    lab.raw(&request("POST", "/.well-known/oauth-protected-resource/alpha/mcp", &[], b"")).status(405);
}

#[test]
fn pages_call_from_where_they_may() {
    let origins = ["https://app.test", "tauri://localhost", "vscode-webview://*", "moz-extension://*"];
    let worker = Worker::of(Lab::with(|settings, _| settings.origins = origins.map(str::to_owned).to_vec()));
    let cors = |answer: &Answer| answer.header("access-control-allow-origin").map(str::to_owned);
    for (origin, allowed) in [
        ("https://app.test", true),
        ("http://localhost:3000", true),
        ("http://evil.test", false),
        ("tauri://localhost", true),
        ("vscode-webview://0k9dq3v2rvh1", true),
        ("vscode-webview://1A2B", true),
        ("moz-extension://0e6b0a4c-1b2c-4d3e-9f00-0123456789ab", true),
        ("null", false),
        ("tauri://evil", false),
        ("vscode-webview://", false),
        ("vscode-webview:x", false),
        ("chrome-extension://abcdefghijklmnopabcdefghijklmnop", false),
        ("capacitor://localhost", false),
        ("https://app.test.evil.test", false),
    ] {
        let answer = worker.post(&[("Origin", origin)], ALLOWED.as_bytes());
        assert_eq!(
            (answer.status, cors(&answer)),
            if allowed { (200, Some(origin.into())) } else { (403, None) },
            "{origin}"
        );
        let asks = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "x-authorization"),
        ];
        let answer = worker.lab.raw(&request("OPTIONS", "/alpha/mcp", &asks, b""));
        assert_eq!(
            (answer.status, cors(&answer)),
            if allowed { (204, Some(origin.into())) } else { (403, None) },
            "{origin}"
        );
        if allowed {
            assert!(answer.header("access-control-allow-headers").unwrap().contains("x-authorization"));
            assert_eq!(answer.header("access-control-allow-credentials"), None);
        }
    }
    // A page sees why it was refused, and never more than one origin is named.
    let refused =
        worker.lab.post("/alpha/mcp", &[("Origin", "https://app.test")], ALLOWED.as_bytes()).status(401);
    assert!(refused.header("access-control-expose-headers").unwrap().contains("www-authenticate"));
    let bearer = format!("Bearer {}", worker.lab.token("worker"));
    let of_page = |method: &str, path: &str, kind: &str, body: &[u8]| {
        let headers =
            [("Origin", "tauri://localhost"), ("X-Authorization", bearer.as_str()), ("Content-Type", kind)];
        worker.lab.raw(&request(method, path, &headers, body))
    };
    let (json, large) = ("application/json", vec![b' '; 5 << 20]);
    for (status, answer) in [
        (400, of_page("POST", "/alpha/mcp", json, b"{")),
        (403, of_page("POST", "/alpha/mcp", json, call("delete_all").to_string().as_bytes())),
        (404, of_page("POST", "/nobody/mcp", json, ALLOWED.as_bytes())),
        (405, of_page("PUT", "/alpha/mcp", json, ALLOWED.as_bytes())),
        (413, of_page("POST", "/alpha/mcp", json, &large)),
        (415, of_page("POST", "/alpha/mcp", "text/plain", ALLOWED.as_bytes())),
    ] {
        assert_eq!((answer.status, cors(&answer)), (status, Some("tauri://localhost".into())));
    }
    let two = [("Origin", "https://app.test"), ("Origin", "http://evil.test")];
    worker.post(&two, ALLOWED.as_bytes()).status(403);
    assert_eq!(worker.lab.arrived(), 6);
}

/// Programs that write every member they know mean nothing by a null; the bytes pass as they came.
#[test]
fn null_is_absent_where_it_decides_nothing() {
    let worker = Worker::start();
    for (body, status) in [
        (r#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":null}"#, 200),
        (r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":null,"result":null,"error":null}"#, 200),
        (r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","_meta":null}}"#, 200),
        (r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":null}}"#, 200),
        (r#"{"jsonrpc":"2.0","method":"notifications/initialized","params":null}"#, 202),
        (r#"{"jsonrpc":"2.0","id":null,"method":"notifications/initialized"}"#, 200),
        (
            r#"{"method":"notifications/initialized","params":{"_meta":null},"id": null ,"jsonrpc":"2.0"}"#,
            200,
        ),
        (r#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"cursor":null,"_meta":null}}"#, 200),
        (r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":{"_meta":{"progressToken":null}}}"#, 200),
        (r#"{"jsonrpc":"2.0","id":7,"result":{},"error":null}"#, 202),
        (r#"{"jsonrpc":"2.0","id":7,"result":null,"error":{"code":1,"message":""}}"#, 202),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"delete_all","_meta":null}}"#,
            403,
        ),
    ] {
        let before = worker.lab.alpha.arrived().len();
        let answer = worker.post(&[], body.as_bytes()).status(status);
        if status == 403 {
            assert_eq!(answer.json()["id"], 7);
        } else {
            assert_eq!(worker.lab.alpha.arrived()[before].body, body.as_bytes());
        }
    }
}

/// The server's own nulls do not keep its list from being filtered.
#[test]
fn a_servers_nulls_are_absent_too() {
    for reply in [
        r#"{"jsonrpc":"2.0","id":"l","error":null,"result":{"tools":[{"name":"hidden"},{"name":"echo"}]}}"#,
        r#"{"jsonrpc":"2.0","id":"l","result":{"tools":[{"name":"hidden"},{"name":"echo"}],"_meta":null},"params":null}"#,
        r#"{"error": null ,"method":null,"jsonrpc":"2.0","result":{"nextCursor":null,"tools":[{"name":"hidden"},{"name":"echo","title":null}]},"id":"l"}"#,
    ] {
        let lab = Lab::before(&Upstream::answering(JSON, reply), "streamable-http");
        let text = lab.ask(&lab.token("worker"), "/delta/mcp", &list()).status(200).text();
        assert_eq!(text, reply.replace(r#"{"name":"hidden"},"#, ""));
    }
}

#[test]
fn what_cannot_be_read_is_answered_by_its_id_if_that_can() {
    let worker = Worker::start();
    for (body, id) in [
        (r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":null}"#, json!(7)),
        (r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":[]}"#, json!("a")),
        (r#"{"id":8,"method":"ping"}"#, json!(8)),
        (r#"{"jsonrpc":"2.0","id":7,"method":"ping","method":"ping"}"#, json!(null)),
        (r#"{"jsonrpc":"2.0","id":7,"id":8,"method":"ping"}"#, json!(null)),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, json!(null)),
        (r#"{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"echo"}}"#, json!(null)),
        (r#"{"jsonrpc":"2.0","id":null,"result":{}}"#, json!(null)),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"notifications/initialized"}"#, json!(null)),
        (r#"{"jsonrpc":"2.0","method":"ping""#, json!(null)),
    ] {
        assert_eq!(worker.post(&[], body.as_bytes()).status(400).json()["id"], id, "{body}");
    }
    assert_eq!(worker.lab.arrived(), 0);
}

#[test]
fn arguments_may_be_as_deep_as_is_written_down() {
    let upstream = Upstream::start(|seen, stream| say(stream, JSON, &seen.body));
    let lab = Lab::before(&upstream, "streamable-http");
    let bearer = format!("Bearer {}", lab.token("worker"));
    let call = |levels: usize, open: &str, close: &str| {
        let deep = format!("{}{}", open.repeat(levels - 1), close.repeat(levels - 1));
        let inner = if deep.is_empty() { "1".into() } else { deep };
        format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"echo","arguments":{{"a":{inner}}}}}}}"#
        )
    };
    for (levels, status) in
        [(1, 200), (62, 200), (63, 200), (64, 200), (127, 200), (128, 200), (129, 400), (400, 400)]
    {
        for (open, close) in [("[", "]"), (r#"{"a":1,"b":"#, "}"), ("[1,", "]")] {
            let body = call(levels, open, close).replace(":}", ":1}").replace(",]", ",1]");
            let answer =
                lab.post("/delta/mcp", &[("X-Authorization", &bearer)], body.as_bytes()).status(status);
            if status == 200 {
                assert_eq!(answer.text(), body, "{levels} {open}");
            } else {
                assert_eq!(answer.json()["id"], 7, "{levels} {open}");
                assert!(answer.text().contains("nested deeper than 128 levels"), "{}", answer.text());
            }
        }
    }
}

#[test]
fn every_request_has_an_id_of_the_gateways() {
    let worker = Worker::start();
    let mut ids: Vec<String> = Vec::new();
    for (body, status) in [(ALLOWED, 200), (ALLOWED, 200), ("{", 400)] {
        let answer = worker.post(&[("X-Request-Id", "mine")], body.as_bytes()).status(status);
        ids.push(answer.header("x-request-id").unwrap().to_owned());
    }
    for (arrived, id) in worker.lab.alpha.arrived().iter().zip(&ids) {
        assert!(arrived.headers.contains(&format!("x-request-id: {id}\n")), "{}", arrived.headers);
    }
    let kept = worker.lab.kept.clone();
    drop(worker);
    let mut written: Vec<String> =
        kept.lines().iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect();
    written.sort();
    ids.sort();
    ids.dedup();
    assert_eq!((written, ids.len()), (ids.clone(), 3));
}

#[test]
fn a_new_policy_counts_at_once_for_tokens_that_are_known() {
    let worker = Worker::start();
    let entry =
        |tool: &str| format!("worker:\n- server: alpha\n  methods: [tools/call]\n  tools: [{tool}]\n");
    worker.post(&[], ALLOWED.as_bytes()).status(200);
    worker.lab.reload("scopes.yml", &entry("delete_all"), "are in force");
    worker.post(&[], ALLOWED.as_bytes()).status(403);
    worker.lab.call(&worker.token, "alpha", "delete_all").status(200);
    // A server may come and go too.
    worker.lab.call(&worker.token, "new", "echo").status(404);
    let file = json!({"server_name": "new", "path": "/new", "proxy_pass_url": worker.lab.beta.base()});
    worker.lab.reload("servers/new.json", &file.to_string(), "4 servers");
    worker.lab.call(&worker.token, "new", "echo").status(403);
}

#[test]
fn a_policy_that_only_watches_is_written_down_and_decides_nothing() {
    let worker = Worker::of(Lab::with(|settings, dir| {
        let shadow = dir.join("shadow.yml");
        let text = "worker:\n- server: alpha\n  methods: [tools/call]\n  tools: [delete_all]\n";
        mcpauth::sys::private_file::write(&shadow, text).unwrap();
        settings.shadow = Some(shadow);
    }));
    worker.post(&[], ALLOWED.as_bytes()).status(200);
    worker.lab.call(&worker.token, "alpha", "delete_all").status(403);
    let kept = worker.lab.kept.clone();
    drop(worker);
    let mut rows: Vec<Value> =
        kept.lines().iter().map(|line| json!([line["name"], line["verdict"], line["shadow"]])).collect();
    rows.sort_by_key(Value::to_string);
    assert_eq!(rows, [json!(["delete_all", "refused", "allowed"]), json!(["echo", "allowed", "refused"])]);
}

#[test]
fn callers_with_one_id_get_their_own_answers() {
    let lab = Lab::start();
    std::thread::scope(|scope| {
        for caller in ["worker", "root", "worker", "root"] {
            let lab = &lab;
            scope.spawn(move || {
                let token = lab.token(caller);
                for n in 0..20 {
                    let mut message = call("echo");
                    message["params"]["arguments"] = json!({"of": format!("{caller}-{n}")});
                    let text = lab.ask(&token, "/alpha/mcp", &message).status(200).text();
                    assert!(text.contains(&format!("{caller}-{n}\\\"")), "{caller} {n}: {text}");
                }
            });
        }
    });
}
