//! What is decided of every method that names something: prompts and resources by `ref`, each resource and task that is
//! subscribed to; and that a method which MCP does not have is refused. It leaves tools, and names in single parameters, to
//! `protocol`.
#![cfg(test)]

use mcpauth::mcp::methods::METHODS;
use serde_json::{Value, json};

use crate::support::lab::{ALLOWED, Lab, own_server, request};
use crate::support::upstream::{Listening, Seen, Upstream, begin, event, gone, push};

const EVENTS: &str = "200 OK\r\ncontent-type: text/event-stream";

const POLICY: &str = "\
worker:
  - server: delta
    methods: [completion/complete, resources/subscribe, tasks/get, prompts/get]
    prompts: [open]
    resources: ['file:///open', 'file:///open/{name}']
  - server: omega
    methods: [subscriptions/listen]
root:
  - server: '*'
    methods: ['*']
    tools: ['*']
stranger:
  - server: delta
    methods: ['*', x/y]
";

fn lab(upstream: &Upstream) -> Lab {
    Lab::with(|_, dir| {
        own_server(dir, "delta", &upstream.base, "streamable-http");
        own_server(dir, "omega", &upstream.base, "streamable-http");
        mcpauth::sys::private_file::write(&dir.join("scopes.yml"), POLICY).unwrap();
    })
}

fn upstream() -> Upstream {
    Upstream::answering("200 OK\r\ncontent-type: application/json", r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)
}

fn asked(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

#[test]
fn a_completion_is_decided_by_its_ref() {
    let upstream = upstream();
    let lab = lab(&upstream);
    let (worker, root) = (lab.token("worker"), lab.token("root"));
    let argument = json!({"name": "file:///open", "value": "open"});
    for (reference, status) in [
        (json!({"type": "ref/prompt", "name": "open"}), 200),
        (json!({"type": "ref/prompt", "name": "hidden"}), 403),
        (json!({"type": "ref/prompt", "name": "file:///open"}), 403),
        (json!({"type": "ref/resource", "uri": "file:///open"}), 200),
        (json!({"type": "ref/resource", "uri": "file:///open/{name}"}), 200),
        (json!({"type": "ref/resource", "uri": "file:///hidden/{name}"}), 403),
        (json!({"type": "ref/resource", "uri": "open"}), 403),
        (json!({"type": "ref/prompt", "name": "open", "uri": "file:///hidden"}), 400),
        (json!({"type": "ref/resource", "name": "hidden", "uri": "file:///open"}), 400),
        (json!({"type": "ref/prompt", "name": "open", "Name": "hidden"}), 400),
        (json!({"type": "ref/tool", "name": "open"}), 400),
        (json!([{"type": "ref/prompt", "name": "open"}]), 400),
        (json!("open"), 400),
        (json!(null), 400),
    ] {
        let before = upstream.seen().len();
        let params = json!({"ref": reference, "argument": argument, "name": "open", "uri": "file:///open"});
        let message = asked("completion/complete", &params);
        assert_eq!(lab.ask(&worker, "/delta/mcp", &message).status, status, "{reference}");
        assert_eq!(upstream.seen().len() - before, usize::from(status == 200), "{reference}");
        let all = if status == 400 { 400 } else { 200 };
        assert_eq!(lab.ask(&root, "/delta/mcp", &message).status, all, "{reference}");
    }
    let none = asked("completion/complete", &json!({"argument": argument}));
    assert_eq!(lab.ask(&worker, "/delta/mcp", &none).status, 403, "it does not say for what");
}

#[test]
fn a_subscription_is_decided_for_each_thing_it_names() {
    let upstream = upstream();
    let lab = lab(&upstream);
    let (worker, root) = (lab.token("worker"), lab.token("root"));
    let (open, hidden) = ("file:///open", "file:///hidden");
    for (server, notifications, status) in [
        ("delta", json!({"toolsListChanged": true}), 200),
        ("delta", json!({"resourceSubscriptions": [open]}), 200),
        ("delta", json!({"resourceSubscriptions": [open, open], "taskIds": ["t"]}), 200),
        ("delta", json!({"resourceSubscriptions": [hidden]}), 403),
        ("delta", json!({"resourceSubscriptions": [open, hidden]}), 403),
        ("delta", json!({"resourceSubscriptions": ["file:///open/../hidden"]}), 403),
        ("delta", json!({"resourceSubscriptions": [""]}), 403),
        ("omega", json!({"resourcesListChanged": true, "resourceSubscriptions": []}), 200),
        ("omega", json!({"resourceSubscriptions": [open]}), 403),
        ("omega", json!({"taskIds": ["t"]}), 403),
        ("delta", json!({"resourceSubscriptions": hidden}), 400),
        ("delta", json!({"resourceSubscriptions": [{"uri": hidden}]}), 400),
        ("delta", json!({"ResourceSubscriptions": [hidden]}), 400),
        ("delta", json!({"promptSubscriptions": ["hidden"]}), 400),
        ("delta", json!([hidden]), 400),
    ] {
        let before = upstream.seen().len();
        let message = asked("subscriptions/listen", &json!({"notifications": notifications}));
        assert_eq!(lab.ask(&worker, &format!("/{server}/mcp"), &message).status, status, "{notifications}");
        assert_eq!(upstream.seen().len() - before, usize::from(status == 200), "{notifications}");
        let all = if status == 400 { 400 } else { 200 };
        assert_eq!(lab.ask(&root, "/delta/mcp", &message).status, all, "{notifications}");
    }
    for (uri, status) in [(open, 200), (hidden, 403), ("file:///open/", 403)] {
        let message = asked("resources/subscribe", &json!({"uri": uri, "name": open}));
        assert_eq!(lab.ask(&worker, "/delta/mcp", &message).status, status, "{uri}");
    }
}

/// "Every method" is every method that somebody knows: what another one names, nobody can decide.
#[test]
fn a_method_that_mcp_does_not_have_is_refused() {
    let upstream = upstream();
    let lab = lab(&upstream);
    let (root, named) = (lab.token("root"), lab.token("stranger"));
    let params = json!({"name": "echo", "uri": "file:///x", "taskId": "t"});
    for known in METHODS {
        let answer = lab.ask(&root, "/delta/mcp", &asked(known.name, &params));
        assert_eq!(answer.status, 200, "{}: {}", known.name, answer.text());
    }
    let before = upstream.seen().len();
    for method in [
        "x/y",
        "tools/call2",
        "Tools/call",
        "tools/call\u{0}",
        "sampling/createMessage",
        "elicitation/create",
        "roots/list",
        "notifications/resources/updated",
        "notifications/message",
        "notifications/x",
        "rpc.discover",
        "",
    ] {
        let message = asked(method, &params);
        let answer = lab.ask(&root, "/delta/mcp", &message).status(403);
        assert_eq!(answer.json()["error"]["data"]["reason"], "method_not_allowed", "{method}");
        let mut notice = message;
        notice.as_object_mut().unwrap().remove("id");
        lab.ask(&root, "/delta/mcp", &notice).status(403);
    }
    // A client of the newest revision is told as that has it; where nothing is granted, not even that.
    let mut modern = asked("x/y", &params);
    modern["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
    for (token, server, told) in [
        (&root, "delta", (404, json!(-32601))),
        (&lab.token("worker"), "delta", (404, json!(-32601))),
        (&named, "omega", (403, json!(403))),
    ] {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("X-Authorization", bearer.as_str()),
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", "x/y"),
        ];
        let answer = lab.post(&format!("/{server}/mcp"), &headers, modern.to_string().as_bytes());
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].clone()),
            told,
            "{server}: {}",
            answer.text()
        );
    }
    assert_eq!(upstream.seen().len(), before, "nothing of it arrived");
    lab.ask(&named, "/delta/mcp", &asked("x/y", &params)).status(200);
    lab.ask(&named, "/delta/mcp", &asked("x/z", &params)).status(403);
}

#[test]
fn notices_of_hidden_resources_are_not_passed_on() {
    let updated = |uri: &str| json!({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": uri}});
    let script = move |_: &Seen, stream: &mut std::net::TcpStream| {
        begin(stream, EVENTS);
        for notice in [
            updated("file:///hidden"),
            updated("file:///open"),
            updated("file:///open/../hidden"),
            json!({"jsonrpc": "2.0", "method": "notifications/resources/list_changed"}),
        ] {
            push(stream, &event(&notice));
        }
        push(stream, b"data: {\"params\":{\"uri\":\"file:///hidden\"},\"method\":\"notifications\\/resources\\/updated\"}\n\n");
        push(stream, b"data: marker\n\n: marker\n\n");
        gone(stream);
    };
    let upstream = Upstream::start(script);
    let lab = Lab::before(&upstream, "streamable-http");
    let bearer = format!("Bearer {}", lab.token("worker"));
    let headers = [("X-Authorization", bearer.as_str())];
    let listen =
        json!({"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {}}).to_string();
    for (method, body) in [("GET", ""), ("POST", listen.as_str()), ("POST", ALLOWED)] {
        let mut stream = Listening::send(&lab, &request(method, "/delta/mcp", &headers, body.as_bytes()));
        let heard = stream.hear(": marker");
        assert!(!heard.contains("hidden"), "{method}: {heard}");
        assert_eq!(heard.matches("file:///open").count(), 1, "{method}: {heard}");
        assert!(heard.contains("list_changed"), "{method}: {heard}");
    }
}
