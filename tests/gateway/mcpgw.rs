//! The gateway's own server, as clients meet it: both eras, what it shows to whom, and what it changes for whom. Not
//! here: calls of other servers' tools through it (see `through`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::path::Path;

use mcpauth::gateway::settings::{Mcpgw, ServeMcpgw};
use mcpauth::sys::clock;
use serde_json::{Value, json};

use super::vending::claims;
use crate::support::User;
use crate::support::lab::{Answer, Lab, list, own_server, until};
use crate::support::upstream::{Upstream, begin, event, push};

/// `worker` sees alpha's `echo` alone and two of the gateway's own tools; `reader` keeps the registry; `root` may do everything.
pub(super) const POLICY: &str = "\
UI-Scopes:
  reader:
    list_service: [Alpha Server, beta]
    register_service: [new, all-but-in-name]
    health_check_service: [alpha]
    toggle_service: [/beta/]
    modify_service: [beta, new]
  worker: {}
group_mappings: {nobody: [reader]}
reader:
  - {server: mcpgw, methods: ['*'], tools: ['*']}
worker:
  - {server: mcpgw, methods: [initialize, tools/list, tools/call], tools: [intelligent_tool_finder, debug_auth_context]}
  - {server: alpha, methods: [tools/list, tools/call], tools: [echo]}
root:
  - {server: '*', methods: ['*'], tools: ['*']}
";

const META: &str = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

/// A tool as the registry writes it.
fn tool(name: &str, about: &str) -> Value {
    json!({"name": name, "parsed_description": {"main": about}, "schema": {"type": "object", "properties": {"text": {}}}})
}

fn describe(dir: &Path, name: &str, title: &str, base: &str, tools: &[Value]) {
    let file = json!({
        "server_name": title, "path": format!("/{name}"), "proxy_pass_url": base, "auth_type": "none", "tags": ["Demo", name],
        "description": format!("The {name} server"), "tool_list": tools, "unknown_member": {"kept": true},
        "headers": [{"X-Key": "k3y-of-the-server"}],
    });
    std::fs::write(dir.join(format!("servers/{name}.json")), file.to_string()).unwrap();
}

pub(super) fn lab() -> Lab {
    lab_with(|_| {})
}

fn lab_with(change: impl FnOnce(&Path)) -> Lab {
    Lab::with(|_, dir| {
        std::fs::write(dir.join("scopes.yml"), POLICY).unwrap();
        let base = |name: &str| {
            let text = std::fs::read_to_string(dir.join(format!("servers/{name}.json"))).unwrap();
            serde_json::from_str::<Value>(&text).unwrap()["proxy_pass_url"].as_str().unwrap().to_owned()
        };
        let alpha = [tool("echo", "Says it again"), tool("delete_all", "Deletes everything")];
        describe(dir, "alpha", "Alpha Server", &base("alpha"), &alpha);
        let beta = [tool("quantum_flux_analyzer", "Analyzes quantum flux patterns and anomalies")];
        describe(dir, "beta", "Beta", &base("beta"), &beta);
        change(dir);
    })
}

/// A call of one of the gateway's own tools, by a legacy client without a session.
#[track_caller]
pub(super) fn call(lab: &Lab, token: &str, tool: &str, arguments: Value) -> Answer {
    let params = json!({"name": tool, "arguments": arguments});
    lab.ask(
        token,
        "/mcpgw/mcp",
        &json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": params}),
    )
}

/// What a tool gives; the same twice, as an object and as text.
#[track_caller]
pub(crate) fn given(lab: &Lab, token: &str, tool: &str, arguments: Value) -> Value {
    let answer = call(lab, token, tool, arguments).status(200).json();
    let result = &answer["result"];
    assert_ne!(result["isError"], true, "{answer}");
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, result["structuredContent"]);
    text
}

/// What a tool says instead.
#[track_caller]
fn refused(lab: &Lab, token: &str, tool: &str, arguments: Value) -> String {
    let answer = call(lab, token, tool, arguments).status(200).json();
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    assert!(answer["result"].get("structuredContent").is_none());
    answer["result"]["content"][0]["text"].as_str().unwrap().to_owned()
}

fn names(list: &Value, member: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

fn modern(id: u64, method: &str, mut params: Value) -> (Value, Vec<(&'static str, String)>) {
    params["_meta"] = serde_json::from_str(META).unwrap();
    let mut headers =
        vec![("MCP-Protocol-Version", "2026-07-28".to_owned()), ("Mcp-Method", method.to_owned())];
    headers.extend(params["name"].as_str().map(|name| ("Mcp-Name", name.to_owned())));
    (json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}), headers)
}

fn ask_modern(lab: &Lab, token: &str, method: &str, params: Value) -> Answer {
    let (message, headers) = modern(9, method, params);
    let bearer = format!("Bearer {token}");
    let mut all: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    all.push(("X-Authorization", &bearer));
    lab.post("/mcpgw/mcp", &all, message.to_string().as_bytes())
}

#[test]
fn a_legacy_client_has_a_session_that_is_its_own_and_can_be_ended() {
    let lab = lab();
    let (root, worker) = (lab.token("root"), lab.token("worker"));
    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18",
        "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}});
    let answer = lab.ask(&root, "/mcpgw/mcp", &initialize).status(200);
    let session = answer.header("mcp-session-id").unwrap().to_owned();
    let result = &answer.json()["result"];
    assert_eq!(
        (&result["protocolVersion"], &result["serverInfo"]["name"]),
        (&json!("2025-06-18"), &json!("mcpgw"))
    );
    let within = |token: &str, method: &str, body: &[u8]| {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("X-Authorization", bearer.as_str()),
            ("Mcp-Session-Id", &session),
            ("MCP-Protocol-Version", "2025-06-18"),
        ];
        lab.raw(&crate::support::lab::request(method, "/mcpgw/mcp", &headers, body))
    };
    let initialized = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(within(&root, "POST", initialized).status(202).text(), "");
    let listed = list().to_string();
    let answer = within(&root, "POST", listed.as_bytes()).status(200);
    assert!(
        answer.json()["result"]["tools"].as_array().unwrap().len() == 9
            && answer.header("mcp-session-id").is_none()
    );
    assert_eq!(
        within(&root, "POST", br#"{"jsonrpc":"2.0","id":4,"method":"ping"}"#).status(200).json()["result"],
        json!({})
    );
    assert_eq!(within(&root, "GET", b"").status(405).header("allow"), Some("POST, DELETE"));
    assert_eq!(
        within(&worker, "POST", listed.as_bytes()).status(404).json()["error"]["data"]["reason"],
        "session"
    );
    within(&root, "DELETE", b"").status(200);
    assert_eq!(
        within(&root, "POST", listed.as_bytes()).status(404).json()["error"]["data"]["reason"],
        "session"
    );
    within(&root, "DELETE", b"").status(404);
    let newer = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2099-01-01"}});
    assert_eq!(
        lab.ask(&root, "/mcpgw/mcp", &newer).status(200).json()["result"]["protocolVersion"],
        "2025-11-25"
    );
}

#[test]
fn a_modern_client_says_everything_with_each_request() {
    let lab = lab();
    let root = lab.token("root");
    let answer = ask_modern(&lab, &root, "server/discover", json!({})).status(200).json();
    assert_eq!(answer["result"]["resultType"], "complete");
    assert_eq!(answer["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "mcpgw");
    assert!(answer["result"]["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")));
    let answer = ask_modern(&lab, &root, "tools/list", json!({})).status(200);
    assert!(answer.header("mcp-session-id").is_none());
    let result = answer.json()["result"].clone();
    assert_eq!((&result["cacheScope"], &result["ttlMs"]), (&json!("private"), &json!(0)));
    let call = json!({"name": "list_services", "arguments": {}});
    assert_eq!(
        ask_modern(&lab, &root, "tools/call", call).status(200).json()["result"]["resultType"],
        "complete"
    );
    let unknown = ask_modern(&lab, &root, "ping", json!({})).status(404).json();
    assert_eq!(unknown["error"]["code"], -32601);
    let bearer = format!("Bearer {root}");
    for (meta, version, code) in [
        ("{}", "2026-07-28", -32602),
        (r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#, "2026-07-28", -32602),
        (&META.replace("2026-07-28", "2027-01-01"), "2027-01-01", -32022),
        (META, "2025-11-25", -32020),
        ("{}", "1999-01-01", -32022),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{{"_meta":{meta}}}}}"#);
        let headers = [
            ("X-Authorization", bearer.as_str()),
            ("MCP-Protocol-Version", version),
            ("Mcp-Method", "tools/list"),
        ];
        let error = lab.post("/mcpgw/mcp", &headers, body.as_bytes()).status(400).json();
        assert_eq!((&error["error"]["code"], &error["id"]), (&json!(code), &json!(5)), "{meta} {version}");
        if code == -32022 {
            assert_eq!(error["error"]["data"]["requested"], version);
        }
    }
}

#[test]
fn it_is_governed_by_the_policy_and_written_down_like_any_server() {
    let lab = lab();
    let worker = lab.token("worker");
    let tools = lab.ask(&worker, "/mcpgw/mcp", &list()).status(200).json()["result"]["tools"].clone();
    assert_eq!(names(&tools, "name"), ["debug_auth_context", "intelligent_tool_finder"]);
    assert_eq!(tools[1]["annotations"]["readOnlyHint"], true);
    assert_eq!(tools[1]["outputSchema"]["type"], "object");
    for (token, tool, reason) in [
        (worker.as_str(), "toggle_service", "name_not_allowed"),
        (&lab.token("stranger"), "debug_auth_context", "no_scopes"),
    ] {
        let answer = call(&lab, token, tool, json!({"service_path": "/alpha"})).status(403);
        assert_eq!(answer.json()["error"]["data"]["reason"], reason);
    }
    call(&lab, &worker, "debug_auth_context", json!({})).status(200);
    let without = lab.post("/mcpgw/mcp", &[], list().to_string().as_bytes()).status(401);
    assert!(
        without
            .header("www-authenticate")
            .unwrap()
            .contains("/.well-known/oauth-protected-resource/mcpgw/mcp")
    );
    let Lab { kept, gateway, .. } = lab;
    gateway.drain();
    let lines = kept.lines();
    let of = |name: &str, verdict: &str| {
        lines
            .iter()
            .filter(|line| line["name"] == name && line["verdict"] == verdict && line["server"] == "mcpgw")
            .count()
    };
    assert_eq!((of("toggle_service", "refused"), of("debug_auth_context", "allowed")), (1, 1));
    assert!(!kept.audit_text().contains("service_path"));
}

#[test]
fn who_somebody_is_is_said_without_a_byte_of_what_proves_it() {
    let lab = lab();
    let token = lab.token("reader");
    let body =
        json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "debug_auth_context"}})
            .to_string();
    let headers = [
        ("X-Authorization", &*format!("Bearer {token}")),
        ("Authorization", "Bearer outs1de-cr3dential"),
        ("Cookie", "mcp_gateway_session=c00kie"),
        ("X-Api-Key", "s3cret-k3y"),
        ("User-Agent", "agent/77"),
    ];
    let longest = claims(&token)["exp"].as_i64().unwrap() - clock::now();
    let answer = lab.post("/mcpgw/mcp", &headers, body.as_bytes()).status(200);
    let text = answer.text();
    for (at, _) in token.char_indices().step_by(8).take_while(|(at, _)| at + 12 < token.len()) {
        assert!(!text.contains(token.get(at..at + 12).unwrap()), "a part of the token");
    }
    for secret in ["outs1de", "c00kie", "s3cret", "agent/77", "k3y-of-the-server"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let context = &answer.json()["result"]["structuredContent"];
    assert_eq!((&context["subject"], &context["issuer"]), (&json!("reader"), &json!(lab.idp.issuer())));
    assert_eq!(context["scopes"]["held"], json!(["reader"]));
    assert_eq!(context["ui_permissions"]["toggle_service"], json!(["/beta/"]));
    assert_eq!(
        (&context["token"]["kind"], &context["token"]["header"]),
        (&json!("JWT"), &json!("x-authorization"))
    );
    assert!(context["token"]["expires_in"].as_i64().unwrap() <= longest, "no leeway is promised: {context}");
    let own = lab.ask(&token, "/mcpgw/mcp", &list()).status(200).json()["result"]["tools"].clone();
    let number = own.as_array().unwrap().len();
    assert!(number > 5, "{own}");
    assert!(context["rules"][0].as_str().unwrap().contains("reader[1]"), "{context}");
    let present = context["extracted_auth_context"]["headers_present"].as_array().unwrap();
    assert!(
        ["cookie", "x-api-key", "authorization"].iter().all(|name| present.contains(&json!(name))),
        "{present:?}"
    );
    let row = json!({"path": "/mcpgw", "num_tools": number, "tools_you_may_call": number});
    assert_eq!(context["servers"], json!([row]));
}

/// What of a value is not as a schema says; as much of JSON Schema as the tools' own schemas use.
fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let is_type = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("boolean") => value.is_boolean(),
        None => true,
        Some(other) => panic!("a type that this does not know: {other}"),
    };
    let mut found = if is_type { Vec::new() } else { vec![format!("{value} is no {}", schema["type"])] };
    let members = schema["required"].as_array().into_iter().flatten();
    found.extend(
        members.filter(|name| value.get(name.as_str().unwrap()).is_none()).map(|name| format!("no {name}")),
    );
    let properties = schema["properties"].as_object();
    for (name, member) in value.as_object().into_iter().flatten() {
        let other = schema.get("additionalProperties").filter(|other| other.is_object());
        if let Some(of_member) = properties.and_then(|known| known.get(name)).or(other) {
            found.extend(faults(of_member, member));
        }
    }
    for item in value.as_array().into_iter().flatten().filter(|_| schema.get("items").is_some()) {
        found.extend(faults(&schema["items"], item));
    }
    found
}

#[test]
fn every_tool_gives_what_its_output_schema_says() {
    let lab = lab();
    let (root, reader) = (lab.token("root"), lab.token("reader"));
    let tools = lab.ask(&root, "/mcpgw/mcp", &list()).status(200).json()["result"]["tools"].clone();
    let new = json!({"server_name": "New", "path": "/new", "proxy_pass_url": lab.alpha.base()});
    let calls = [
        ("debug_auth_context", json!({})),
        ("intelligent_tool_finder", json!({"query": "quantum", "top_n": 50})),
        ("intelligent_tool_finder", json!({"query": "nothing like it"})),
        ("intelligent_tool_finder", json!({"tags": ["demo"], "top_n": 50})),
        ("list_services", json!({})),
        ("healthcheck", json!({})),
        ("get_server_details", json!({"service_path": "/beta"})),
        ("toggle_service", json!({"service_path": "/beta", "enabled": false})),
        ("register_service", new),
        ("remove_service", json!({"service_path": "/new"})),
        ("refresh_service", json!({"service_path": "/alpha"})),
    ];
    let mut met = std::collections::BTreeSet::new();
    for (name, arguments) in calls {
        let tool = tools.as_array().unwrap().iter().find(|tool| tool["name"] == name).unwrap();
        let reads = tool["annotations"]["readOnlyHint"] == true;
        assert_eq!(tool["annotations"]["destructiveHint"] == true, name == "remove_service");
        let object = given(&lab, if reads { &root } else { &reader }, name, arguments);
        assert_eq!(faults(&tool["outputSchema"], &object), [""; 0], "{name}: {object}");
        met.insert(name);
    }
    assert_eq!(met.len(), tools.as_array().unwrap().len(), "every tool is called");
}

#[test]
fn a_tool_is_found_by_whoever_may_use_it_and_by_nobody_else() {
    let lab = lab();
    let (root, worker) = (lab.token("root"), lab.token("worker"));
    let found = given(&lab, &root, "intelligent_tool_finder", json!({"natural_language_query": "quantum"}));
    let item = &found["results"][0];
    assert_eq!((&found["total_results"], &found["ranking"]), (&json!(1), &json!("lexical")));
    assert_eq!(
        (&item["tool_name"], &item["service_path"]),
        (&json!("quantum_flux_analyzer"), &json!("/beta"))
    );
    assert_eq!((&item["matched"], &item["may_call"]), (&json!(["quantum"]), &json!(true)));
    assert_eq!(item["call"]["url"], format!("{}/beta/mcp", lab.gateway.public_url()));
    assert!(item["call"].get("call_tool").is_none() && item["tool_schema"]["type"] == "object");
    let nothing =
        given(&lab, &worker, "intelligent_tool_finder", json!({"natural_language_query": "quantum"}));
    assert_eq!((&nothing["results"], &nothing["total_results"]), (&json!([]), &json!(0)));
    assert!(nothing["notes"][0].as_str().unwrap().contains("no tool that you may see"), "{nothing}");
    for (arguments, expected) in [
        (json!({"query": "delete everything", "top_n": 50}), vec!["delete_all"]),
        (json!({"query": "say it again", "top_n_tools": 1, "top_k_services": 3}), vec!["echo"]),
        (json!({"tags": ["demo", "ALPHA"], "top_n": 50}), vec!["echo", "delete_all"]),
        (json!({"query": "quantum", "tags": ["alpha"]}), vec![]),
    ] {
        let found = given(&lab, &root, "intelligent_tool_finder", arguments.clone());
        assert_eq!(names(&found["results"], "tool_name"), expected, "{arguments}");
        let said = found["notes"].to_string().contains("top_k_services has no effect");
        assert_eq!(said, arguments.get("top_k_services").is_some());
    }
    for (arguments, expected) in [
        (json!({}), "say what you want to do"),
        (json!({"query": "x", "password": "hunter2"}), "unknown argument \"password\""),
        (json!({"query": "x", "top_n": 51}), "top_n must be a whole number from 1 to 50"),
        (json!({"query": ["x"]}), "query must be a text"),
    ] {
        let said = refused(&lab, &root, "intelligent_tool_finder", arguments);
        assert!(said.contains(expected) && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn forbidden_tools_change_nothing_for_whoever_may_not_see_them() {
    let lab = lab();
    let worker = lab.token("worker");
    let ask =
        |query: &str| given(&lab, &worker, "intelligent_tool_finder", json!({"query": query, "top_n": 50}));
    let queries = ["say it again", "echo everything", "ecko agein"];
    let before: Vec<Value> = queries.iter().map(|query| ask(query)).collect();
    assert_eq!(names(&before[0]["results"], "tool_name"), ["echo"]);
    let many: Vec<Value> =
        (0..500).map(|n| tool(&format!("say_again_echo_{n}"), "Says echo again, ecko agein")).collect();
    let path = lab.path("");
    describe(&path, "aaa", "Forbidden", "http://127.0.0.1:9/", &many);
    lab.gateway.reload();
    let root = lab.token("root");
    let sees = || {
        given(&lab, &root, "intelligent_tool_finder", json!({"query": "say again", "top_n": 50}))["total_results"]
            == 50
    };
    until("the new tools", sees);
    assert_eq!(queries.iter().map(|query| ask(query)).collect::<Vec<_>>(), before);
}

#[test]
fn what_servers_list_is_found_before_it_is_filtered_but_not_what_is_one_persons() {
    let stream = Upstream::start(|_, stream| {
        begin(stream, "200 OK\r\ncontent-type: text/event-stream\r\nconnection: close");
        let tools = json!({"jsonrpc": "2.0", "id": "l", "result": {"tools": [{"name": "stream_zebra", "description": "Streams zebras"}]}});
        push(stream, &event(&tools));
    });
    let lab = lab_with(|dir| own_server(dir, "delta", &stream.base, "streamable-http"));
    let (root, worker) = (lab.token("root"), lab.token("worker"));
    let found = |token: &str, query: &str| {
        let found = given(&lab, token, "intelligent_tool_finder", json!({"query": query, "top_n": 50}));
        names(&found["results"], "tool_name")
    };
    assert_eq!(found(&root, "hidden secret zebra"), [""; 0]);
    // The worker's own answer shows one tool; what was heard is all of them.
    let listed = lab.ask(&worker, "/alpha/mcp", &list()).status(200).json();
    assert_eq!(names(&listed["result"]["tools"], "name"), ["echo"]);
    lab.ask(&root, "/delta/mcp", &list()).status(200);
    lab.ask(&root, "/gamma/mcp", &list()).status(200);
    until("alpha's list", || found(&root, "secret") == ["secret"]);
    until("delta's list", || found(&root, "zebra") == ["stream_zebra"]);
    assert_eq!(found(&worker, "secret zebra"), [""; 0]);
    let details = given(&lab, &root, "get_server_details", json!({"service_path": "gamma"}));
    assert_eq!(details["tool_list"], json!([]), "what a server tells one caller is nobody else's");
}

#[test]
fn servers_are_shown_to_whom_the_policy_shows_them() {
    let lab = lab();
    let (root, reader) = (lab.token("root"), lab.token("reader"));
    let paths = |token: &str| names(&given(&lab, token, "list_services", json!({}))["services"], "path");
    assert_eq!(paths(&root), ["/alpha", "/beta", "/gamma", "/mcpgw"]);
    assert_eq!(paths(&reader), ["/alpha", "/beta", "/mcpgw"]);
    let services = given(&lab, &reader, "list_services", json!({}));
    let alpha = &services["services"][0];
    assert_eq!(
        (&alpha["display_name"], &alpha["num_tools"]),
        (&json!("Alpha Server"), &json!(0)),
        "it may list the server, not its tools"
    );
    let own = given(&lab, &root, "get_server_details", json!({"service_path": "/mcpgw"}));
    assert_eq!(own["num_tools"], own["tool_list"].as_array().unwrap().len());
    assert!(names(&own["tool_list"], "name").contains(&"intelligent_tool_finder".to_owned()), "{own}");
    let health = given(&lab, &root, "healthcheck", json!({}));
    assert_eq!(
        (&health["/mcpgw"]["status"], &health["/beta"]["status"]),
        (&json!("healthy"), &json!("unknown"))
    );
    let details = given(&lab, &root, "get_server_details", json!({"service_path": "Alpha Server"}));
    assert_eq!(names(&details["tool_list"], "name"), ["echo", "delete_all"]);
    assert_eq!(details["header_names"], json!(["x-key"]));
    assert!(details.get("proxy_pass_url").is_none() && !details.to_string().contains("k3y-of"), "{details}");
    let details = given(&lab, &reader, "get_server_details", json!({"service_path": "/beta/"}));
    assert_eq!(details["proxy_pass_url"], format!("{}/", lab.beta.base()), "for callers who may modify it");
    let unknown = refused(&lab, &reader, "get_server_details", json!({"service_path": "/nowhere"}));
    assert_eq!(refused(&lab, &reader, "get_server_details", json!({"service_path": "/gamma"})), unknown);
}

#[test]
fn the_registry_is_kept_by_whom_the_policy_lets() {
    let lab = lab();
    let (root, reader) = (lab.token("root"), lab.token("reader"));
    let read = |name: &str| {
        serde_json::from_str::<Value>(&std::fs::read_to_string(lab.path(name)).unwrap()).unwrap()
    };
    // No permission, however much may be called.
    for tool in ["toggle_service", "remove_service", "refresh_service"] {
        refused(&lab, &root, tool, json!({"service_path": "/beta"}));
        let unknown = refused(&lab, &reader, tool, json!({"service_path": "/nowhere"}));
        assert_eq!(refused(&lab, &reader, tool, json!({"service_path": "/gamma"})), unknown);
    }
    std::fs::write(lab.path("servers/server_state.json"), r#"{"/alpha": true, "note": "mine"}"#).unwrap();
    let off = given(&lab, &reader, "toggle_service", json!({"service_path": "beta", "enabled": false}));
    assert_eq!(off["new_enabled_state"], false);
    assert_eq!(read("servers/server_state.json")["/beta"], false);
    assert_eq!(read("servers/server_state.json")["note"], "mine");
}

#[test]
fn a_server_is_added_switched_off_and_gives_nobody_anything() {
    let lab = lab();
    let (root, reader) = (lab.token("root"), lab.token("reader"));
    let read = |name: &str| {
        serde_json::from_str::<Value>(&std::fs::read_to_string(lab.path(name)).unwrap()).unwrap()
    };
    let policy = std::fs::read_to_string(lab.path("scopes.yml")).unwrap();
    let new = |more: Value| {
        let mut all = json!({"server_name": "New", "path": "/new/", "proxy_pass_url": lab.alpha.base(), "tool_list": [tool("zebra", "Stripes")]});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    for (change, expected) in [
        (json!({"path": "/other"}), "there is no server with this path that you may do this to"),
        (json!({"proxy_pass_url": "http://169.254.169.254/"}), "link-local"),
        (json!({"proxy_pass_url": "file:///etc/passwd"}), "not an http or https URL"),
        (json!({"proxy_pass_url": "http://h:0/"}), "proxy_pass_url has no port"),
        (json!({"server_name": "New\nOne"}), "server_name must be one line"),
        (json!({"server_name": "\u{202e}weN"}), "server_name must be one line"),
        (json!({"server_name": "n".repeat(201)}), "server_name must be one line"),
        // What the gateway would leave out is not accepted first.
        (json!({"headers": [{"Host": "elsewhere"}]}), "belongs to the connection"),
        (json!({"headers": [{"X-Key": "a\r\nX-More: b"}]}), "cannot be sent"),
        (json!({"headers": {"X Key": "a"}}), "must be a list"),
        (json!({"headers": [{"X Key": "a"}]}), "has an invalid name"),
        (json!({"headers": [{"X-Key": "$SECRET"}]}), "operator must add"),
        (json!({"is_enabled": true}), "unknown argument"),
    ] {
        let said = refused(&lab, &reader, "register_service", new(change.clone()));
        assert!(said.contains(expected), "{change}: {said}");
    }
    refused(&lab, &root, "register_service", new(json!({})));
    let added = given(&lab, &reader, "register_service", new(json!({})));
    assert_eq!((&added["service_path"], &added["is_enabled"]), (&json!("/new"), &json!(false)));
    assert_eq!(read("servers/new.json")["tool_list"][0]["name"], "zebra");
    assert_eq!(read("servers/server_state.json"), json!({"/new": false}));
    let said = refused(&lab, &reader, "register_service", new(json!({})));
    assert!(said.contains("there already"), "{said}");
    until("the new server", || lab.call(&root, "new", "echo").status == 503);
    assert_eq!(std::fs::read_to_string(lab.path("scopes.yml")).unwrap(), policy);
    given(&lab, &reader, "remove_service", json!({"service_path": "/new"}));
    until("its end", || lab.call(&root, "new", "echo").status == 404);
    assert_eq!(read("servers/server_state.json"), json!({}));
    let checked = given(&lab, &reader, "refresh_service", json!({"service_path": "/alpha"}));
    assert_eq!(checked["status"], "healthy");
    assert!(
        lab.kept.events().iter().any(|said| said.contains("registry: new added by reader")),
        "{:?}",
        lab.kept.events()
    );
}

#[test]
fn a_file_with_an_address_is_forwarded_to_unless_something_else_is_said() {
    for (serve, forwarded) in
        [(None, true), (Some(ServeMcpgw::Forward), true), (Some(ServeMcpgw::Builtin), false)]
    {
        let lab = Lab::with(|settings, dir| {
            let text = std::fs::read_to_string(dir.join("servers/alpha.json")).unwrap();
            std::fs::write(dir.join("servers/mcpgw.json"), text.replace("alpha", "mcpgw")).unwrap();
            settings.mcpgw = Mcpgw { serve, call_tool: false };
        });
        let answer = lab.ask(&lab.token("root"), "/mcpgw/mcp", &list()).status(200).json();
        let names = names(&answer["result"]["tools"], "name");
        assert_eq!(names.contains(&"echo".to_owned()), forwarded, "{serve:?}: {names:?}");
        assert_eq!(lab.arrived(), usize::from(forwarded));
    }
}

/// As the guide prints them, with the settings its script reads.
#[test]
fn the_two_commands_of_the_guide_are_answered() {
    let lab = lab();
    let mut user = User::new();
    let gateway = lab.gateway.public_url();
    user.env("REGISTRY_URL", gateway);
    user.env("GATEWAY_URL", format!("{gateway}/mcpgw/mcp")).env("MCP_AUTH_TOKEN", lab.token("root"));
    let context = user.run(&["call", "debug_auth_context", "{}"]).code(0).json();
    assert_eq!((&context["subject"], &context["token"]["kind"]), (&json!("root"), &json!("JWT")));
    let query = r#"{"natural_language_query": "quantum"}"#;
    let found = user.run(&["call", "intelligent_tool_finder", query]).code(0).json();
    assert_eq!(names(&found["results"], "tool_name"), ["quantum_flux_analyzer"]);
    user.env("MCP_AUTH_TOKEN", lab.token("worker"));
    let found = user.run(&["call", "intelligent_tool_finder", query]).code(0).json();
    assert_eq!(found["results"], json!([]));
}
