//! `call_tool`: another server's tool, called through the gateway's own. What arrives there, what comes back, who
//! may, and that it is no way around anything. Not here: the gateway's other tools (see `mcpgw`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use mcpauth::gateway::settings::Mcpgw;
use serde_json::{Value, json};

use crate::support::lab::{Answer, Lab, list, own_server, request, until};
use crate::support::mint::{Key, Mint};
use crate::support::upstream::{Eager, Listening, Seen, Upstream, begin, event, gone, push, say};
use crate::support::wire::TEST_TIMEOUT;

const JSON: &str = "200 OK\r\ncontent-type: application/json";
const META: &str = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"progressToken":"p"}"#;

fn lab(change: impl FnOnce(&std::path::Path)) -> Lab {
    Lab::with(|settings, dir| {
        settings.mcpgw = Mcpgw { call_tool: true, ..Mcpgw::default() };
        let policy = std::fs::read_to_string(dir.join("scopes.yml")).unwrap();
        let own = "worker:\n  - {server: mcpgw, methods: [tools/call], tools: [call_tool]}";
        std::fs::write(dir.join("scopes.yml"), policy.replace("worker:", own)).unwrap();
        change(dir);
    })
}

fn before(upstream: &Upstream) -> Lab {
    lab(|dir| own_server(dir, "delta", &upstream.base, "streamable-http"))
}

fn message(id: u64, server: &str, tool: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"call_tool","arguments":{{"server":"{server}","tool":"{tool}","arguments":{arguments}}},"_meta":{{"progressToken":"p"}}}}}}"#
    )
}

fn post(lab: &Lab, token: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    lab.raw(&posted(token, headers, body))
}

fn posted(token: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let bearer = format!("Bearer {token}");
    let headers = [headers, &[("X-Authorization", bearer.as_str())]].concat();
    request("POST", "/mcpgw/mcp", &headers, body.as_bytes())
}

/// The same as a client of 2026-07-28 says it.
fn modern(server: &str, tool: &str) -> (String, [(&'static str, &'static str); 3]) {
    let body = message(7, server, tool, "{}").replace(r#"{"progressToken":"p"}"#, META);
    let headers =
        [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "call_tool")];
    (body, headers)
}

fn session(lab: &Lab, token: &str) -> String {
    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}});
    lab.ask(token, "/mcpgw/mcp", &initialize).status(200).header("mcp-session-id").unwrap().to_owned()
}

/// A server until 2025-11-25 that insists on its sessions, and answers a call as `answer` writes it.
fn strict(answer: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static) -> Upstream {
    let sessions = Arc::new(AtomicUsize::new(0));
    Upstream::start(move |seen, stream| {
        let message = seen.message();
        match (message["method"].as_str().unwrap_or_default(), seen.header("mcp-session-id")) {
            ("initialize", _) => {
                let n = sessions.fetch_add(1, Ordering::Relaxed);
                let result = json!({"jsonrpc": "2.0", "id": message["id"], "result": {"protocolVersion": "2025-06-18", "capabilities": {}}});
                begin(
                    stream,
                    &format!("200 OK\r\ncontent-type: text/event-stream\r\nmcp-session-id: up-{n}"),
                );
                push(stream, &event(&result));
            }
            (_, None) => say(
                stream,
                "400 Bad Request\r\ncontent-type: application/json",
                br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no session"}}"#,
            ),
            ("tools/call", Some(_)) => answer(seen, stream),
            _ if seen.is("DELETE") => say(stream, "200 OK", b""),
            _ => say(stream, "202 Accepted", b""),
        }
    })
}

fn result(seen: &Seen, text: &str) -> Vec<u8> {
    let id = &seen.message()["id"];
    json!({"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": text}]}})
        .to_string()
        .into_bytes()
}

fn methods(upstream: &Upstream) -> Vec<String> {
    let named = |seen: &Seen| match seen.message()["method"].as_str() {
        Some(method) => method.to_owned(),
        None => seen.head.split(' ').next().unwrap().to_owned(),
    };
    upstream.seen().iter().map(named).collect()
}

#[test]
fn it_is_there_only_where_the_settings_say_so() {
    let without = Lab::start();
    let answer =
        post(&without, &without.token("root"), &[], &message(7, "alpha", "echo", "{}")).status(200).json();
    assert_eq!(answer["error"]["code"], -32602);
    let with = lab(|_| {});
    for (lab, there) in [(without, false), (with, true)] {
        let tools = lab.ask(&lab.token("root"), "/mcpgw/mcp", &list()).status(200).json();
        assert_eq!(tools.to_string().contains("call_tool"), there);
        assert_eq!(lab.arrived(), 0);
    }
}

#[test]
fn a_call_arrives_as_a_direct_one_and_nothing_of_the_callers_with_it() {
    let lab = lab(|_| {});
    let token = lab.token("worker");
    let headers = [
        ("Authorization", "Bearer outs1de"),
        ("X-Api-Key", "s3cret"),
        ("Cookie", "c00kie=1"),
        ("Mcp-Param-Region", "eu"),
        ("traceparent", "00-1-1-01"),
    ];
    let arguments = r#"{"n":12345678901234567890123,"f":1.10}"#;
    let answer = post(&lab, &token, &headers, &message(7, "/alpha/", "echo", arguments)).status(200).json();
    assert_eq!((&answer["id"], &answer["result"]["content"][0]["type"]), (&json!(7), &json!("text")));
    let arrived = lab.alpha.arrived();
    let bodies: Vec<String> =
        arrived.iter().map(|one| String::from_utf8(one.body.clone()).unwrap()).collect();
    assert_eq!(bodies.len(), 3, "{bodies:?}");
    assert!(
        bodies[0].contains(r#""method":"initialize""#) && bodies[1].contains("notifications/initialized")
    );
    let expected = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"echo","arguments":{arguments},"_meta":{{"progressToken":"p"}}}}}}"#
    );
    assert_eq!(bodies[2], expected);
    let all: String = arrived.iter().map(|one| one.headers.as_str()).collect();
    for secret in ["outs1de", "s3cret", "c00kie", "mcp-param", &token] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    assert!(
        all.contains("traceparent: 00-1-1-01") && all.contains("mcp-protocol-version: 2025-11-25"),
        "{all}"
    );
    let Lab { kept, gateway, .. } = lab;
    gateway.drain();
    let lines = kept.lines();
    let line = lines.iter().find(|line| line["through"] == "mcpgw").unwrap();
    assert_eq!(
        (&line["server"], &line["name"], &line["verdict"]),
        (&json!("alpha"), &json!("echo"), &json!("allowed"))
    );
    assert!(line["rule"].as_str().unwrap().starts_with("worker[") && line["server_us"].is_number(), "{line}");
    assert_eq!(lines.iter().filter(|line| line["method"] == "tools/call").count(), 1);
}

#[test]
fn what_may_not_be_called_directly_may_not_be_called_this_way() {
    let lab = lab(|_| {});
    let worker = lab.token("worker");
    for (caller, server, tool, reason) in [
        ("worker", "alpha", "delete_all", "name_not_allowed"),
        ("worker", "beta", "echo", "server_not_allowed"),
        ("worker", "nowhere", "echo", "server_not_allowed"),
        ("worker", "alpha/../beta", "echo", "server_not_allowed"),
        ("reader", "alpha", "echo", "server_not_allowed"),
        ("stranger", "alpha", "echo", "no_scopes"),
    ] {
        let answer = post(&lab, &lab.token(caller), &[], &message(7, server, tool, "{}")).status(403).json();
        assert_eq!(
            (&answer["error"]["data"]["reason"], &answer["id"]),
            (&json!(reason), &json!(7)),
            "{caller} {server} {tool}"
        );
    }
    // Several tools, or servers, in one call.
    for twice in [
        r#""tool":"delete_all","tool":"echo""#,
        r#""Tool":"delete_all","tool":"echo""#,
        r#""arguments":{},"Arguments":{}"#,
    ] {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"call_tool","arguments":{{"server":"alpha",{twice},"x":1}}}}}}"#
        );
        let answer = post(&lab, &worker, &[], &body);
        assert!(answer.status == 400 || answer.json()["result"]["isError"] == true, "{twice}: {answer:?}");
    }
    for (arguments, said) in [
        (r#"{"server":"alpha"}"#, "tool is missing"),
        (r#"{"server":"alpha","tool":"echo","arguments":[]}"#, "arguments must be an object"),
        (r#"{"server":"mcpgw","tool":"call_tool","arguments":{}}"#, "directly"),
    ] {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"call_tool","arguments":{arguments}}}}}"#
        );
        let answer = post(&lab, &worker, &[], &body).status(200).json();
        assert!(answer["result"]["isError"] == true && answer.to_string().contains(said), "{answer}");
    }
    assert_eq!(lab.arrived(), 0);
    let unknown =
        post(&lab, &lab.token("root"), &[], &message(7, "nowhere", "echo", "{}")).status(200).json();
    assert!(unknown.to_string().contains("there is no server of this name"), "{unknown}");
}

#[test]
fn a_session_is_kept_for_the_callers_own_and_begun_again_when_it_is_gone() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let upstream = strict(move |seen, stream| match counted.fetch_add(1, Ordering::Relaxed) {
        2 => say(stream, "404 Not Found", b"gone"),
        _ => say(stream, JSON, &result(seen, seen.header("mcp-session-id").unwrap())),
    });
    let lab = before(&upstream);
    let token = lab.token("worker");
    let own = session(&lab, &token);
    let call = |own: &str| {
        let answer =
            post(&lab, &token, &[("Mcp-Session-Id", own)], &message(7, "delta", "echo", "{}")).status(200);
        assert!(answer.header("mcp-session-id").is_none());
        answer.json()["result"]["content"][0]["text"].as_str().unwrap().to_owned()
    };
    assert_eq!((call(&own), call(&own), call(&own)), ("up-0".into(), "up-0".into(), "up-1".into()));
    let other = session(&lab, &token);
    assert_eq!((call(&other), call(&own)), ("up-2".into(), "up-1".into()), "a session is nobody else's");
    let bearer = format!("Bearer {token}");
    let headers = [("X-Authorization", bearer.as_str()), ("Mcp-Session-Id", own.as_str())];
    lab.raw(&request("DELETE", "/mcpgw/mcp", &headers, b"")).status(200);
    let ended = |upstream: &Upstream| {
        upstream.seen().iter().any(|seen| seen.is("DELETE") && seen.header("mcp-session-id") == Some("up-1"))
    };
    until("the end of the server's session", || ended(&upstream));
}

#[test]
fn what_finds_out_that_a_server_is_an_older_one_leaves_no_session_there() {
    let server = Eager::start();
    let lab = before(&server.upstream);
    let token = lab.token("worker");
    let (body, headers) = modern("delta", "echo");
    for _ in 0..2 {
        assert!(post(&lab, &token, &headers, &body).status(200).text().contains("hello"));
    }
    until("ended", || server.sessions().0 >= 3 && server.sessions().1 == 0);
}

#[test]
fn a_modern_callers_call_of_an_older_server_has_a_session_of_its_own() {
    let upstream = strict(|seen, stream| say(stream, JSON, &result(seen, "done")));
    let lab = before(&upstream);
    let token = lab.token("worker");
    let (body, headers) = modern("delta", "echo");
    for _ in 0..2 {
        let answer = post(&lab, &token, &headers, &body).status(200).json();
        assert_eq!(answer["result"]["content"][0]["text"], "done");
    }
    until("the ends of both", || methods(&upstream).iter().filter(|method| *method == "DELETE").count() == 2);
    let tried: Vec<Seen> = upstream
        .seen()
        .into_iter()
        .filter(|seen| seen.header("mcp-protocol-version") == Some("2026-07-28"))
        .collect();
    assert_eq!(tried.len(), 1, "that it is older is found out once");
    let arrived = upstream.seen().into_iter().rfind(|seen| seen.message()["method"] == "tools/call").unwrap();
    assert_eq!(arrived.message()["params"]["_meta"], json!({"progressToken": "p"}));
    assert_eq!(arrived.header("mcp-protocol-version"), Some("2025-06-18"));
}

#[test]
fn a_modern_server_is_called_in_its_own_words_by_either() {
    let upstream = Upstream::start(|seen, stream| {
        let is_modern = seen.header("mcp-protocol-version") == Some("2026-07-28");
        match seen.message()["method"].as_str() {
            Some("tools/call") if is_modern => say(stream, JSON, &result(seen, "modern")),
            _ => say(
                stream,
                "404 Not Found\r\ncontent-type: application/json",
                br#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#,
            ),
        }
    });
    let lab = before(&upstream);
    let token = lab.token("worker");
    let (body, headers) = modern("delta", "echo");
    let own = session(&lab, &token);
    let legacy = message(8, "delta", "echo", "{}");
    for answer in
        [post(&lab, &token, &headers, &body), post(&lab, &token, &[("Mcp-Session-Id", &own)], &legacy)]
    {
        assert_eq!(answer.status(200).json()["result"]["content"][0]["text"], "modern");
    }
    for seen in upstream.seen().iter().filter(|seen| seen.message()["method"] == "tools/call") {
        let names = [seen.header("mcp-method"), seen.header("mcp-name"), seen.header("mcp-session-id")];
        assert_eq!(names, [Some("tools/call"), Some("echo"), None]);
        let meta = &seen.message()["params"]["_meta"];
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
        assert_eq!(meta["progressToken"], "p");
    }
}

#[test]
fn progress_comes_while_the_call_goes_on_and_a_cancelled_call_is_cancelled_there() {
    let upstream = strict(|seen, stream| {
        begin(stream, "200 OK\r\ncontent-type: text/event-stream");
        push(
            stream,
            &event(
                &json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": "p", "progress": 1}}),
            ),
        );
        if seen.message()["params"]["arguments"]["waits"] != true {
            push(stream, &event(&serde_json::from_slice(&result(seen, "done")).unwrap()));
        } else {
            gone(stream);
        }
    });
    let lab = before(&upstream);
    let token = lab.token("worker");
    let own = session(&lab, &token);
    let within = [("Mcp-Session-Id", own.as_str())];
    let text = post(&lab, &token, &within, &message(7, "delta", "echo", "{}")).status(200).text();
    assert!(text.contains("notifications/progress") && text.contains("done"), "{text}");
    let mut waiting =
        Listening::send(&lab, &posted(&token, &within, &message(8, "delta", "echo", r#"{"waits":true}"#)));
    waiting.hear("notifications/progress");
    let cancel = |id: u64| {
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#)
    };
    // Another session of the same caller's has its own ids.
    let other = session(&lab, &token);
    post(&lab, &token, &[("Mcp-Session-Id", &other)], &cancel(8)).status(202);
    post(&lab, &token, &within, &cancel(9)).status(202);
    assert!(!methods(&upstream).contains(&"notifications/cancelled".to_owned()));
    post(&lab, &token, &within, &cancel(8)).status(202);
    waiting.end();
    until("the server's word of it", || methods(&upstream).contains(&"notifications/cancelled".to_owned()));
    let seen = upstream.seen();
    let told: Vec<Value> =
        seen.iter().map(Seen::message).filter(|said| said["method"] == "notifications/cancelled").collect();
    assert_eq!(
        told,
        [json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 8}})]
    );
}

#[test]
fn a_modern_caller_cancels_by_breaking_off() {
    let upstream = strict(|_, stream| {
        begin(stream, "200 OK\r\ncontent-type: text/event-stream");
        push(
            stream,
            &event(
                &json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": "p"}}),
            ),
        );
        gone(stream);
    });
    let lab = before(&upstream);
    let (body, headers) = modern("delta", "echo");
    let mut waiting = Listening::send(&lab, &posted(&lab.token("worker"), &headers, &body));
    waiting.hear("notifications/progress");
    drop(waiting);
    until("the end of its session", || {
        let methods = methods(&upstream);
        methods.contains(&"notifications/cancelled".to_owned()) && methods.contains(&"DELETE".to_owned())
    });
}

#[test]
fn errors_pass_as_they_are_and_a_wanted_credential_is_said_to_be_withheld() {
    let error =
        br#"{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"no such argument","data":{"x":1.10}}}"#;
    let upstream = strict(move |_, stream| say(stream, JSON, error));
    let lab = lab(|dir| {
        own_server(dir, "delta", &upstream.base, "streamable-http");
        own_server(dir, "omega", &upstream.base, "sse");
    });
    let (worker, root) = (lab.token("worker"), lab.token("root"));
    assert_eq!(
        post(&lab, &worker, &[], &message(7, "delta", "echo", "{}")).status(200).text().as_bytes(),
        error
    );
    let old = post(&lab, &root, &[], &message(7, "omega", "echo", "{}")).status(200).json();
    assert!(old["result"]["isError"] == true && old.to_string().contains("HTTP+SSE"), "{old}");
    let asks = Upstream::answering("401 Unauthorized\r\nwww-authenticate: Bearer", "");
    let lab = before(&asks);
    let answer = post(&lab, &lab.token("worker"), &[], &message(7, "delta", "echo", "{}")).status(502).json();
    assert_eq!(answer["error"]["data"]["reason"], "egress_refused");
    std::fs::write(
        lab.path("servers/gamma.json"),
        std::fs::read_to_string(lab.path("servers/gamma.json"))
            .unwrap()
            .replace(lab.gamma.base(), &asks.base),
    )
    .unwrap();
    lab.gateway.reload();
    let withheld = || {
        post(&lab, &lab.token("worker"), &[("Authorization", "Bearer x")], &message(7, "gamma", "echo", "{}"))
    };
    until("gamma elsewhere", || withheld().status == 502);
    assert!(
        withheld().text().contains("call it directly")
            && asks.seen().iter().all(|seen| seen.header("authorization").is_none())
    );
}

/// Policies made up by a small generator; what the gateway does with a direct request is the measure of what may be found and called.
#[test]
fn nobody_finds_or_calls_more_than_the_policy_gives() {
    let file = |dir: &std::path::Path, name: &str| {
        let path = dir.join(format!("servers/{name}.json"));
        let mut file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        file["tool_list"] = ["echo", "delete_all", "secret"]
            .iter()
            .map(|tool| json!({"name": tool, "description": "does something"}))
            .collect();
        std::fs::write(&path, file.to_string()).unwrap();
    };
    let lab = lab(|dir| ["alpha", "beta"].iter().for_each(|name| file(dir, name)));
    let worker = lab.token("worker");
    let mut seed = 0x9e37_79b9_u64;
    let mut next = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let (mut found_some, mut called_some) = (0, 0);
    for round in 0..12 {
        let mut policy = String::from(
            "worker:\n  - {server: mcpgw, methods: [tools/call], tools: [call_tool, intelligent_tool_finder]}\n",
        );
        for _ in 0..next(4) {
            let server = ["alpha", "beta", "'*'"][next(3) as usize];
            let methods = ["[tools/list]", "[tools/call]", "[tools/list, tools/call]", "['*']", "[ping]"]
                [next(5) as usize];
            let tools = ["[]", "[echo]", "[echo, secret]", "[delete_all]", "['*']"][next(5) as usize];
            policy.push_str(&format!("  - {{server: {server}, methods: {methods}, tools: {tools}}}\n"));
        }
        lab.reload("scopes.yml", &policy, "in force");
        let query = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"intelligent_tool_finder","arguments":{"query":"echo, delete_all, secret","top_n":50}}}"#;
        let found =
            post(&lab, &worker, &[], query).status(200).json()["result"]["structuredContent"]["results"]
                .clone();
        for server in ["alpha", "beta"] {
            let listed = lab.ask(&worker, &format!("/{server}/mcp"), &list());
            let shown = if listed.status == 200 { listed.text() } else { String::new() };
            for tool in ["echo", "delete_all", "secret"] {
                let item = found
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|item| item["tool_name"] == tool && item["server"] == server);
                let direct = lab.call(&worker, server, tool).status;
                let through = post(&lab, &worker, &[], &message(7, server, tool, "{}")).status;
                assert_eq!(direct, through, "round {round}: {server} {tool}\n{policy}");
                if let Some(item) = item {
                    found_some += 1;
                    assert_eq!(item["may_call"], direct == 200, "round {round}: {server} {tool}\n{policy}");
                    assert!(
                        shown.contains(tool) || direct == 200,
                        "round {round}: {server} {tool} is found\n{policy}"
                    );
                } else {
                    assert_ne!(direct, 200, "round {round}: {server} {tool} is not found\n{policy}");
                }
                called_some += usize::from(through == 200);
            }
        }
    }
    assert!(found_some > 5 && called_some > 5, "{found_some} {called_some}");
}

/// The callers' own servers and the one behind it: what is taken away, and in which file.
type Ending<'a> = (&'a str, &'a str, &'a str);

/// `worker` may use `call_tool` and delta's `echo`; each line is one of the two rights taken away, in one of the ways.
const ENDINGS: [Ending<'static>; 9] = [
    (
        "call_tool gone",
        "scopes.yml",
        "worker:\n- {server: mcpgw, methods: [tools/call], tools: [debug_auth_context]}\n- {server: delta, methods: [tools/call], tools: [echo]}\n",
    ),
    (
        "no calls of mcpgw",
        "scopes.yml",
        "worker:\n- {server: mcpgw, methods: [tools/list], tools: [call_tool]}\n- {server: delta, methods: [tools/call], tools: [echo]}\n",
    ),
    ("mcpgw gone", "scopes.yml", "worker:\n- {server: delta, methods: [tools/call], tools: [echo]}\n"),
    (
        "the inner tool gone",
        "scopes.yml",
        "worker:\n- {server: mcpgw, methods: [tools/call], tools: [call_tool]}\n- {server: delta, methods: [tools/call], tools: [other]}\n",
    ),
    (
        "the inner server gone",
        "scopes.yml",
        "worker:\n- {server: mcpgw, methods: [tools/call], tools: [call_tool]}\n",
    ),
    ("nothing left", "scopes.yml", "reader:\n- {server: delta}\n"),
    ("the token revoked", "revoked", "client_id: worker\n"),
    ("the inner server off", "servers/server_state.json", r#"{"/delta": false}"#),
    ("mcpgw off", "servers/server_state.json", r#"{"/delta": true, "/mcpgw": false}"#),
];

/// In front of `upstream`; `mcpgw` has a file, so that it can be switched off, and no address in it.
fn revocable(upstream: &Upstream) -> Lab {
    Lab::with(|settings, dir| {
        settings.mcpgw = Mcpgw { call_tool: true, ..Mcpgw::default() };
        settings.limits.keep_alive_interval = 3600;
        settings.revocation_list = Some(dir.join("revoked"));
        std::fs::write(dir.join("revoked"), "").unwrap();
        let policy = std::fs::read_to_string(dir.join("scopes.yml")).unwrap();
        let own = "worker:\n  - {server: mcpgw, methods: [tools/call], tools: [call_tool]}";
        std::fs::write(dir.join("scopes.yml"), policy.replace("worker:", own)).unwrap();
        let file = json!({"server_name": "Tools", "path": "/mcpgw"});
        std::fs::write(dir.join("servers/mcpgw.json"), file.to_string()).unwrap();
        own_server(dir, "delta", &upstream.base, "streamable-http");
    })
}

/// A call's stream rests on two rights, that to `call_tool` and that to the tool, and on the token.
#[test]
fn a_relayed_stream_ends_with_either_right_and_with_its_token() {
    let endless = || {
        strict(|_, stream| {
            begin(stream, "200 OK\r\ncontent-type: text/event-stream");
            push(stream, &event(&json!({"jsonrpc": "2.0", "method": "notifications/progress"})));
            gone(stream);
        })
    };
    for (way, file, text) in ENDINGS {
        let upstream = endless();
        let lab = revocable(&upstream);
        let token = lab.token("worker");
        let own = session(&lab, &lab.token("root"));
        let (body, headers) = modern("delta", "echo");
        let mut streams = [
            Listening::send(&lab, &posted(&token, &[], &message(8, "delta", "echo", "{}"))),
            Listening::send(&lab, &posted(&token, &headers, &body)),
            // A caller that keeps both rights keeps the stream.
            Listening::send(
                &lab,
                &posted(&lab.token("root"), &[("Mcp-Session-Id", &own)], &message(9, "delta", "echo", "{}")),
            ),
        ];
        streams.iter_mut().for_each(|stream| drop(stream.hear("notifications/progress")));
        if file == "scopes.yml" {
            let root = "root:\n- {server: '*', methods: ['*'], tools: ['*']}\n";
            lab.reload(file, &format!("{text}{root}"), "in force");
        } else {
            lab.reload(file, text, "in force");
        }
        let [one, two, mut roots] = streams;
        one.end();
        two.end();
        if file == "servers/server_state.json" {
            roots.end();
        } else {
            assert!(!roots.so_far().contains("\r\n0\r\n"), "{way}: it ends for whom nothing ended");
        }
    }
}

#[test]
fn a_relayed_stream_ends_when_its_token_expires() {
    let upstream = strict(|_, stream| {
        begin(stream, "200 OK\r\ncontent-type: text/event-stream");
        push(stream, &event(&json!({"jsonrpc": "2.0", "method": "notifications/progress"})));
        gone(stream);
    });
    let key = Key::new("k");
    let mint = Mint::of(&[&key]);
    let lab = Lab::with(|settings, dir| {
        settings.mcpgw = Mcpgw { call_tool: true, ..Mcpgw::default() };
        settings.limits.keep_alive_interval = 3600;
        settings.issuers.push(mint.settings());
        let policy = std::fs::read_to_string(dir.join("scopes.yml")).unwrap();
        let own = "worker:\n  - {server: mcpgw, methods: [tools/call], tools: [call_tool]}";
        std::fs::write(dir.join("scopes.yml"), policy.replace("worker:", own)).unwrap();
        own_server(dir, "delta", &upstream.base, "streamable-http");
    });
    let soon = mcpauth::sys::clock::now() + 3;
    let token = key.sign(json!({}), &mint.claims(json!({"exp": soon})));
    let mut stream = Listening::send(&lab, &posted(&token, &[], &message(8, "delta", "echo", "{}")));
    stream.hear("notifications/progress");
    stream.end();
    assert!(mcpauth::sys::clock::now() >= soon);
}

/// An answer that comes when one of the two rights has ended is nobody's, in one piece or not.
#[test]
fn a_relayed_answer_that_comes_too_late_is_nobodys() {
    for (way, file, text) in ENDINGS {
        for head in [
            JSON,
            "200 OK\r\ncontent-type: text/event-stream",
            "404 Not Found\r\ncontent-type: application/json",
        ] {
            let (release, released) = channel::<()>();
            let released = Mutex::new(released);
            let upstream = strict(move |seen, stream| {
                released.lock().unwrap().recv_timeout(TEST_TIMEOUT).unwrap();
                let text = match head {
                    JSON => result(seen, "secret"),
                    head if head.starts_with('2') => {
                        event(&serde_json::from_slice(&result(seen, "secret")).unwrap())
                    }
                    _ => br#"{"jsonrpc":"2.0","id":8,"error":{"code":-32601,"message":"secret"}}"#.to_vec(),
                };
                say(stream, head, &text);
            });
            let lab = revocable(&upstream);
            let stream =
                Listening::send(&lab, &posted(&lab.token("worker"), &[], &message(8, "delta", "echo", "{}")));
            until("the server has it", || methods(&upstream).contains(&"tools/call".to_owned()));
            lab.reload(file, text, "in force");
            release.send(()).unwrap();
            let heard = stream.end();
            assert!(!heard.contains("secret"), "{way}, {head}: {heard}");
        }
    }
}
