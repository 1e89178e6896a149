//! Servers and clients that know nothing of a gateway work through one, on either transport and in every revision,
//! with the configurations that `mcpauth generate` writes.

use std::path::Path;

use serde_json::{Value, json};

use super::gateway::{Agents, Gateway, clean_heads, lay_out, text};
use super::mcp::{
    Everything, PyServer, Relay, Sdk, Wire, inspector, python_client, quick_start, typescript_client,
};
use crate::support::{User, read_json};

/// Four servers, and one tool of theirs that nobody may use; and the gateway's own.
const POLICY: &str = "\
group_mappings: {}
agent:
  - {server: mcpgw, methods: ['*'], tools: ['*']}
  - {server: everything, methods: ['*'], tools: [echo, get-sum]}
  - {server: everything-sse, methods: ['*'], tools: [echo, get-sum]}
  - {server: python, methods: ['*'], tools: [add, greet]}
  - {server: python-sse, methods: ['*'], tools: [add, greet]}
";

const SUM: [&str; 3] = ["--call", "add", r#"{"a":2,"b":3}"#];
const HELLO: [&str; 3] = ["--call", "echo", r#"{"message":"hello"}"#];

/// The servers behind recorders, and a gateway with no file but the policy and the servers': the rest is environment.
struct Street {
    user: User,
    agents: Agents,
    gateway: Gateway,
    _relays: Vec<Relay>,
    _servers: ([Everything; 2], [PyServer; 2]),
}

/// The tools of the gateway's own server.
const OWN: [&str; 9] = [
    "debug_auth_context",
    "intelligent_tool_finder",
    "list_services",
    "healthcheck",
    "get_server_details",
    "toggle_service",
    "register_service",
    "remove_service",
    "refresh_service",
];
const NAMES: [&str; 4] = ["everything", "everything-sse", "python", "python-sse"];

impl Street {
    fn start() -> Self {
        let (everything, python) = servers();
        let mut user = User::new();
        let bases = [everything[0].base(), everything[1].base(), python[0].base(), python[1].base()];
        let behind: Vec<_> = NAMES
            .iter()
            .zip(bases)
            .map(|(name, base)| Relay::start(base, None, Some(&user.home().join(format!("{name}.heads")))))
            .collect();
        let url = |(name, relay): (&&str, &Relay)| {
            format!("{}/{}", relay.base(), if name.ends_with("-sse") { "sse" } else { "mcp" })
        };
        let urls: Vec<_> = NAMES.iter().zip(&behind).map(url).collect();
        let rows: Vec<_> = NAMES.iter().zip(&urls).map(|(name, url)| (*name, "none", url.as_str())).collect();
        lay_out(&user, POLICY, &rows);
        let agents = Agents::start();
        user.env("INGRESS_OAUTH_ISSUER", agents.issuer())
            .env("INGRESS_OAUTH_USER_POOL_ID", Agents::POOL)
            .env("INGRESS_OAUTH_CLIENT_ID", "agent")
            .env("INGRESS_OAUTH_CLIENT_SECRET", "secret");
        let gateway = Gateway::start(&user);
        user.env("REGISTRY_URL", gateway.base());
        user.run(&["generate", "--ingress-only"]).code(0);
        Self { user, agents, gateway, _relays: behind, _servers: (everything, python) }
    }

    /// A server's entry in `~/.vscode/mcp.json`.
    fn entry(&self, name: &str) -> Value {
        read_json(&self.user.home().join(".vscode/mcp.json"))["mcp"]["servers"][name].clone()
    }

    /// The Python SDK's clients with a rendered entry.
    fn python(&self, name: &str, sdk: Sdk, mode: &str, call: &[&str]) -> Value {
        let entry = self.entry(name);
        let transport = if entry["transport"] == "sse" { "sse" } else { "http" };
        let options = [&["--transport", transport, "--mode", mode], call].concat();
        python_client(sdk, &text(&entry, "url"), &options, &entry["headers"])
    }

    /// The Inspector with what `config render` prints for Roo Code, which has the shape it takes.
    fn inspected(&self, name: &str, options: &[&str]) -> Value {
        let file = self.user.project().join("rendered.json");
        inspector(&format!("{}:{name}", file.display()), "tools/call", options, &json!({}))
    }
}

/// Each on both wires, side by side.
fn servers() -> ([Everything; 2], [PyServer; 2]) {
    let wires = [Wire::Http, Wire::Sse];
    let everything = wires.map(|wire| std::thread::spawn(move || Everything::start(wire)));
    let python = wires.map(|wire| std::thread::spawn(move || PyServer::start(wire)));
    (everything.map(|part| part.join().expect("a server")), python.map(|part| part.join().expect("a server")))
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn every_client_works_with_every_server_through_the_gateway() {
    let street = Street::start();
    let at = &street;
    std::thread::scope(|scope| {
        scope.spawn(|| the_python_clients(at));
        scope.spawn(|| the_inspector(at));
        the_quick_start(at);
    });
    the_gateways_own_server(at);
    // Nothing was refused but what should be, and sessions were ended as they were begun.
    let audit = street.gateway.end(&street.user);
    let lines =
        |member: &str, value: &str| audit.iter().filter(|line| line[member] == value).collect::<Vec<_>>();
    let refused = lines("verdict", "refused");
    assert!(refused.len() == 1 && refused[0]["name"] == "wipe", "{refused:?}");
    let ended = lines("http", "DELETE");
    assert!(ended.len() > 4 && ended.iter().all(|line| line["status"] == 200), "{ended:?}");
    let token = text(&street.user.token("ingress.json"), "access_token");
    let secrets = [token.as_str(), &street.agents.token("agent")];
    for name in NAMES {
        let record =
            std::fs::read_to_string(street.user.home().join(format!("{name}.heads"))).expect("a record");
        assert!(clean_heads(&record, &secrets) > 10, "{name}");
        assert!(!record.to_ascii_lowercase().contains("\r\nauthorization:"), "{name}");
    }
}

fn the_python_clients(street: &Street) {
    let runs = [
        ("python", Sdk::Current, "auto", SUM, "2026-07-28", "5"),
        ("python", Sdk::Current, "legacy", SUM, "2025-11-25", "5"),
        ("python", Sdk::Legacy, "legacy", SUM, "2025-11-25", "5"),
        ("python-sse", Sdk::Current, "legacy", SUM, "2025-11-25", "5"),
        ("python-sse", Sdk::Legacy, "legacy", SUM, "2025-11-25", "5"),
        ("everything", Sdk::Current, "auto", HELLO, "2025-11-25", "Echo: hello"),
        ("everything", Sdk::Legacy, "legacy", HELLO, "2025-11-25", "Echo: hello"),
        ("everything-sse", Sdk::Current, "legacy", HELLO, "2025-11-25", "Echo: hello"),
        ("everything-sse", Sdk::Legacy, "legacy", HELLO, "2025-11-25", "Echo: hello"),
    ];
    for (name, sdk, mode, call, revision, said) in runs {
        let result = street.python(name, sdk, mode, &call);
        assert_eq!(result["protocol"], revision, "{name} {mode}: {result}");
        let granted = if call == SUM { json!(["add", "greet"]) } else { json!(["echo", "get-sum"]) };
        assert_eq!(result["tools"], granted, "{name} {mode}");
        assert_eq!(result["call"], json!({ "text": said, "is_error": false }), "{name} {mode}");
    }
    let refused = street.python("python", Sdk::Legacy, "legacy", &["--call", "wipe", r#"{"target":"all"}"#]);
    assert_eq!((&refused["call"], &refused["error"]["status"]), (&Value::Null, &json!(403)), "{refused}");
}

fn the_inspector(street: &Street) {
    let rendered = street.user.run(&["config", "render", "--client", "roo"]).code(0);
    street.user.file("rendered.json", &rendered.stdout);
    let sum = ["--tool-name", "add", "--tool-arg", "a=2", "b=3"];
    for era in ["legacy", "modern"] {
        let result = street.inspected("python", &[&sum[..], &["--protocol-era", era]].concat());
        assert_eq!(result["result"]["content"][0]["text"], "5", "{era}: {result}");
    }
    let result = street.inspected("python-sse", &sum);
    assert_eq!(result["result"]["content"][0]["text"], "5", "{result}");
    for name in ["everything", "everything-sse"] {
        let result = street.inspected(name, &["--tool-name", "echo", "--tool-arg", "message=hello"]);
        assert_eq!(result["result"]["content"][0]["text"], "Echo: hello", "{name}: {result}");
    }
}

/// Both official SDKs in both generations and eras, and the Inspector; with what is heard of the others' tools by then.
fn the_gateways_own_server(street: &Street) {
    let entry = street.entry("mcpgw");
    let url = text(&entry, "url");
    assert_eq!(url, format!("{}/mcpgw/mcp", street.gateway.base()));
    let (tool, arguments) = ("intelligent_tool_finder", r#"{"natural_language_query":"add two numbers"}"#);
    for (sdk, mode, revision) in [
        (Sdk::Current, "auto", "2026-07-28"),
        (Sdk::Current, "legacy", "2025-11-25"),
        (Sdk::Legacy, "legacy", "2025-11-25"),
    ] {
        let options = ["--transport", "http", "--mode", mode, "--call", tool, arguments];
        let python = python_client(sdk, &url, &options, &entry["headers"]);
        let typescript = typescript_client(sdk, mode, &url, (tool, arguments), &entry["headers"]);
        for result in [python, typescript] {
            assert_eq!(result["protocol"], revision, "{mode}: {result}");
            let tools = result["tools"].as_array().expect("tools");
            assert!(tools.contains(&json!("debug_auth_context")), "{result}");
            assert_eq!(result["call"]["is_error"], false, "{result}");
            let found: Value = serde_json::from_str(&text(&result["call"], "text")).expect("an object");
            assert_eq!(found["results"][0]["tool_name"], "add", "{found}");
        }
    }
    for era in ["legacy", "modern"] {
        let result = street.inspected("mcpgw", &["--tool-name", "list_services", "--protocol-era", era]);
        assert_eq!(result["result"]["structuredContent"]["total_count"], 5, "{era}: {result}");
    }
}

/// The guide's code: by the file that was written, and by the headers it spells out.
fn the_quick_start(street: &Street) {
    let home: &Path = &street.user.home();
    let call = ["add", r#"{"a":2,"b":3}"#];
    let by_file = quick_start(&[&["file"], &call[..]].concat(), home, &[]);
    assert_eq!((&by_file["call"], &by_file["error"]), (&json!({ "text": "5" }), &Value::Null), "{by_file}");
    let mut tools: Vec<_> =
        by_file["tools"].as_array().expect("tools").iter().filter_map(Value::as_str).collect();
    tools.sort_unstable();
    tools.retain(|tool| !OWN.contains(tool));
    assert_eq!(tools, ["add", "add", "echo", "echo", "get-sum", "get-sum", "greet", "greet"]);
    // The guide's two calls of the gateway's own server, by the same code.
    let by_file = quick_start(&["file", "debug_auth_context", "{}"], home, &[]);
    let context: Value = serde_json::from_str(&text(&by_file["call"], "text")).expect("an object");
    assert_eq!(context["client_id"], "agent", "{context}");

    let token = street.agents.token("agent");
    let identity = [("TOKEN", token.as_str()), ("POOL_ID", Agents::POOL), ("CLIENT_ID", "agent")];
    let url = format!("{}/mcpgw/mcp", street.gateway.base());
    let quantum = ["intelligent_tool_finder", r#"{"natural_language_query": "quantum"}"#];
    let found = quick_start(&[&["direct", &url, "streamable_http"], &quantum[..]].concat(), home, &identity);
    let found: Value = serde_json::from_str(&text(&found["call"], "text")).expect("an object");
    assert_eq!((&found["results"], &found["query"]), (&json!([]), &json!("quantum")), "{found}");
    for (path, transport) in [("python-sse/sse", "sse"), ("python/mcp", "streamable_http")] {
        let url = format!("{}/{path}", street.gateway.base());
        let direct = quick_start(&[&["direct", &url, transport], &call[..]].concat(), home, &identity);
        assert_eq!(direct["call"], json!({ "text": "5" }), "{direct}");
        assert_eq!(direct["tools"], json!(["add", "greet"]), "{direct}");
    }
}
