//! Third-party clients work over the bridge, on stdio and on loopback HTTP, with third-party servers behind our own
//! gateway. Not here: the clients' configuration files (see `client_files`).

use std::process::Command;

use serde_json::{Value, json};

use super::gateway::{Agents, Gateway, clean_heads, lay_out, text};
use super::mcp::{Everything, PyServer, Relay, Sdk, StdioSdk, Wire, inspector, python_client, stdio_client};
use crate::support::User;
use crate::support::wire::Running;

const POLICY: &str = "\
group_mappings: {}
agent:
  - {server: everything, methods: ['*'], tools: ['*']}
  - {server: python, methods: ['*'], tools: [add, greet]}
  - {server: python-sse, methods: ['*'], tools: [add, greet]}
";

/// Two servers on three wires behind a gateway, everything that reaches them written down, and a user of theirs.
pub(super) struct Lane {
    pub(super) user: User,
    pub(super) agents: Agents,
    pub(super) gateway: Gateway,
    _relays: Vec<Relay>,
    _servers: (Everything, [PyServer; 2]),
}

impl Lane {
    pub(super) const NAMES: [&str; 3] = ["everything", "python", "python-sse"];

    pub(super) fn start() -> Self {
        let python = [Wire::Http, Wire::Sse].map(|wire| std::thread::spawn(move || PyServer::start(wire)));
        let everything = Everything::start(Wire::Http);
        let python = python.map(|part| part.join().expect("a server"));
        let mut user = User::new();
        let bases = [everything.base(), python[0].base(), python[1].base()];
        let record = |name: &str| user.home().join(format!("{name}.heads"));
        let relays: Vec<_> = Self::NAMES
            .iter()
            .zip(bases)
            .map(|(name, base)| Relay::start(base, None, Some(&record(name))))
            .collect();
        let urls: Vec<_> = Self::NAMES
            .iter()
            .zip(&relays)
            .map(|(name, relay)| {
                format!("{}/{}", relay.base(), if name.ends_with("-sse") { "sse" } else { "mcp" })
            })
            .collect();
        let rows: Vec<_> =
            Self::NAMES.iter().zip(&urls).map(|(name, url)| (*name, "none", url.as_str())).collect();
        lay_out(&user, POLICY, &rows);
        let agents = Agents::start();
        // In a file, because clients that start us have an environment of their own.
        let settings = format!(
            "INGRESS_OAUTH_ISSUER={}\nINGRESS_OAUTH_USER_POOL_ID={}\nINGRESS_OAUTH_CLIENT_ID=agent\n\
             INGRESS_OAUTH_CLIENT_SECRET=secret\n",
            agents.issuer(),
            Agents::POOL
        );
        user.file(".env", &settings);
        let gateway = Gateway::start(&user);
        user.env("REGISTRY_URL", gateway.base());
        Self { user, agents, gateway, _relays: relays, _servers: (everything, python) }
    }

    pub(super) fn bridge(&self, server: &str) -> Command {
        self.user.command(&["bridge", server])
    }

    /// The gateway no longer accepts the stored token, although it has not expired.
    pub(super) fn spoil(&self) {
        let mut token = self.user.token("ingress.json");
        token["access_token"] = json!("refused");
        self.user.file(".oauth-tokens/ingress.json", &token.to_string());
    }

    /// Ends the gateway: what it wrote down, once the servers' records are seen to hold nothing that was for it.
    pub(super) fn end(self) -> Vec<Value> {
        let secrets = [text(&self.user.token("ingress.json"), "access_token"), self.agents.token("agent")];
        let audit = self.gateway.end(&self.user);
        for name in Self::NAMES {
            let record =
                std::fs::read_to_string(self.user.home().join(format!("{name}.heads"))).expect("a record");
            assert!(clean_heads(&record, &[&secrets[0], &secrets[1], "refused"]) > 3, "{name}");
            assert!(!record.to_ascii_lowercase().contains("\r\nauthorization:"), "{name}");
        }
        audit
    }
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn every_sdk_works_over_stdio_with_every_server_behind_the_gateway() {
    let lane = Lane::start();
    let at = &lane;
    let sdks = [
        (StdioSdk::Python, "2026-07-28"),
        (StdioSdk::PythonLegacy, "2025-11-25"),
        (StdioSdk::TypeScript, "2026-07-28"),
        (StdioSdk::TypeScriptLegacy, "2025-11-25"),
    ];
    // The first request gets the token for all; the stored one is then rejected, renewed and used again.
    the_whole_protocol(at, StdioSdk::TypeScriptLegacy);
    at.spoil();
    std::thread::scope(|scope| {
        for sdk in [StdioSdk::Python, StdioSdk::PythonLegacy, StdioSdk::TypeScript] {
            scope.spawn(move || the_whole_protocol(at, sdk));
        }
        for (sdk, newest) in sdks {
            scope.spawn(move || {
                for (server, mode, revision) in [
                    ("python", "auto", newest),
                    ("python", "legacy", "2025-11-25"),
                    ("python-sse", "auto", "2025-11-25"),
                ] {
                    let seen = stdio_client(sdk, "add", mode, &at.bridge(server));
                    assert_eq!(seen["error"], Value::Null, "{sdk:?} {server} {mode}: {seen}");
                    assert_eq!(seen["server"], "mcpauth-pyserver", "{sdk:?} {server} {mode}: {seen}");
                    assert_eq!(seen["tools"], json!(["add", "greet"]), "{sdk:?} {server} {mode}: {seen}");
                    assert_eq!(
                        (&seen["call"], &seen["protocol"]),
                        (&json!("5"), &json!(revision)),
                        "{sdk:?} {server}: {seen}"
                    );
                }
            });
        }
    });
    assert_ne!(at.user.token("ingress.json")["access_token"], "refused");
    let audit = lane.end();
    let counted = |member: &str, value: &str| audit.iter().filter(|line| line[member] == value).count();
    // Each of the four gave a long call up, and the server was told.
    assert_eq!(counted("method", "notifications/cancelled"), 4);
    // Answers to the server's requests are messages without a method; sessions are ended, not left behind.
    assert!(counted("http", "DELETE") >= 4, "{audit:?}");
    let refused: Vec<_> = audit.iter().filter(|line| line["verdict"] == "refused").collect();
    assert!(!refused.is_empty() && refused.iter().all(|line| line["status"] == 401), "{refused:?}");
}

/// Progress, cancellation, the server's own requests, its notifications, calls under way at once.
fn the_whole_protocol(lane: &Lane, sdk: StdioSdk) {
    let seen = stdio_client(sdk, "everything", "auto", &lane.bridge("everything"));
    assert_eq!(seen["error"], Value::Null, "{sdk:?}: {seen}");
    assert_eq!(seen["server"], "mcp-servers/everything", "{sdk:?}");
    assert_eq!(
        (&seen["call"], &seen["protocol"]),
        (&json!("Echo: hello"), &json!("2025-11-25")),
        "{sdk:?}: {seen}"
    );
    let steps = seen["progress"].as_array().expect("steps");
    let done: Vec<_> = steps.iter().map(|step| (step[0].as_f64(), step[1].as_f64())).collect();
    // The last comes with the answer, and one of the SDKs forgets it then.
    assert!(done.starts_with(&[(Some(1.), Some(3.)), (Some(2.), Some(3.))]), "{sdk:?}: {done:?}");
    for came in ["cancelled", "log", "updated"] {
        assert_eq!(seen[came], true, "{sdk:?} {came}: {seen}");
    }
    for (asked, answer) in [
        ("sampled", "heard: Resource trigger-sampling-request context: what?"),
        ("elicited", "Name: Alice"),
        ("roots", "file:///tmp/root-of-alice"),
    ] {
        assert!(text(&seen, asked).contains(answer), "{sdk:?} {asked}: {seen}");
    }
    assert_eq!(seen["together"], json!({ "a": "Echo: a", "b": "Echo: b", "c": "Echo: c" }), "{sdk:?}");
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn clients_with_the_secret_work_over_loopback_http() {
    let lane = Lane::start();
    let mut bridge = Running::start(lane.user.command(&["bridge", "--listen", "127.0.0.1:0"]));
    let ready = bridge.line(|line| line.contains("ready"));
    let (_, address) = ready.split_once("http://").expect("an address");
    let base = format!("http://{}", address.split('/').next().expect("an address"));
    let secret = std::fs::read_to_string(lane.user.token_path(".bridge-secret")).expect("a secret");
    let headers = json!({ "X-Mcpauth-Bridge": secret });
    let sum = ["--call", "add", r#"{"a":2,"b":3}"#];
    for (server, sdk, mode, revision) in [
        ("python/mcp", Sdk::Current, "auto", "2026-07-28"),
        ("python/mcp", Sdk::Legacy, "legacy", "2025-11-25"),
        ("python-sse/sse", Sdk::Current, "legacy", "2025-11-25"),
        ("python-sse/sse", Sdk::Legacy, "legacy", "2025-11-25"),
    ] {
        let transport = if server.ends_with("/sse") { "sse" } else { "http" };
        let options = [&["--transport", transport, "--mode", mode], &sum[..]].concat();
        let seen = python_client(sdk, &format!("{base}/{server}"), &options, &headers);
        assert_eq!(seen["error"], Value::Null, "{server} {mode}: {seen}");
        assert_eq!(
            (&seen["call"]["text"], &seen["protocol"]),
            (&json!("5"), &json!(revision)),
            "{server}: {seen}"
        );
        assert_eq!(seen["tools"], json!(["add", "greet"]), "{server} {mode}: {seen}");
    }
    let call = ["--tool-name", "echo", "--tool-arg", "message=hello"];
    let said = inspector(&format!("{base}/everything/mcp"), "tools/call", &call, &headers);
    assert_eq!(said["result"]["content"][0]["text"], "Echo: hello", "{said}");
    let without = python_client(Sdk::Legacy, &format!("{base}/python/mcp"), &sum, &json!({}));
    assert_eq!((&without["call"], &without["error"]["status"]), (&Value::Null, &json!(403)), "{without}");
    bridge.signal("TERM");
    bridge.end().code(143);
    let audit = lane.end();
    assert!(audit.iter().all(|line| line["verdict"] != "refused"), "{audit:?}");
}
