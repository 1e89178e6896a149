//! The official conformance suite reports the same for a server with and without the gateway in front of it, and a
//! policy on a part of that server shows only that part.

use serde_json::{Value, json};

use super::gateway::{Agents, Gateway, clean_heads, lay_out, settings};
use super::mcp::{Fixture, Relay, Sdk, conformance, python_client};
use crate::support::User;

/// `agent` may do everything, `worker` call one tool of many.
const POLICY: &str = "\
group_mappings: {}
agent:
  - {server: fixture, methods: ['*'], tools: ['*']}
worker:
  - server: fixture
    methods: [initialize, notifications/initialized, server/discover, tools/list, tools/call]
    tools: [test_simple_text]
";

#[test]
#[ignore = "real parts: run .ci/run"]
fn the_conformance_suite_says_the_same_through_the_gateway() {
    let (fixture, agents, user) = (Fixture::start(), Agents::start(), User::new());
    let notes = user.home();
    let record = notes.join("heads");
    let recorder = Relay::start(fixture.base(), None, Some(&record));
    let servers = [("fixture", "none", recorder.base())];
    lay_out(&user, POLICY, &servers);
    settings(&user, agents.settings());
    let gateway = Gateway::start(&user);
    let token = agents.token("agent");
    let shim = Relay::start(&format!("{}/fixture", gateway.base()), Some(&token), None);
    let named = fixture.value("MCP_URL").replace("127.0.0.1", "localhost");
    for revision in ["2025-11-25", "2026-07-28"] {
        // Side by side: most of the suite is waiting.
        let list = |url: String, name: &str| {
            let notes = notes.join(name);
            let revision = revision.to_owned();
            std::thread::spawn(move || conformance(&url, &notes, &revision))
        };
        let direct = list(named.clone(), "direct");
        let through = list(shim.value("NAMED_URL").into(), "through").join().expect("a list");
        let direct = direct.join().expect("a list");
        assert!(direct.iter().filter(|line| line.ends_with(" SUCCESS")).count() >= 80);
        let other = |a: &[String], b: &[String]| -> Vec<String> {
            let count = |list: &[String], line: &String| list.iter().filter(|other| *other == line).count();
            a.iter().filter(|line| count(a, line) > count(b, line)).cloned().collect()
        };
        let differences = (other(&direct, &through), other(&through, &direct));
        assert_eq!(through, direct, "{revision}: {differences:?}");
    }
    let text = std::fs::read_to_string(&record).expect("the record");
    assert!(clean_heads(&text, &[&token]) > 100);
}

/// The gateway's own server. Scenarios that begin so ask for tools, prompts, resources, logs or tasks of the suite's own, which it
/// has none of: of those only the form of what is answered counts.
const OF_A_FIXTURE: [&str; 11] = [
    "caching sep-2549-prompts",
    "caching sep-2549-resources",
    "completion-complete",
    "elicitation-",
    "http-custom-header-server-validation",
    "input-required-result-",
    "json-schema-2020-12",
    "logging-set-level",
    "prompts-",
    "resources-",
    "sep-2164-resource-not-found",
];
/// The same: calls of tools that are not there, and an extension that it does not advertise.
const OF_OTHER_TOOLS: [&str; 2] = ["tools-call-", "tasks-"];
/// Checks that say themselves that they cannot be made without such a tool.
const UNTESTABLE: [&str; 4] = [
    "server-stateless sep-2575-http-server-no-independent-requests-on-stream",
    "server-stateless sep-2575-missing-capability-http-400",
    "server-stateless sep-2575-server-no-log-without-loglevel",
    "server-stateless sep-2575-server-rejects-undeclared-capability",
];

#[test]
#[ignore = "real parts: run .ci/run"]
fn the_gateways_own_server_conforms_in_both_eras() {
    let (agents, user) = (Agents::start(), User::new());
    let policy = "group_mappings: {}\nagent:\n  - {server: mcpgw, methods: ['*'], tools: ['*']}\n";
    lay_out(&user, policy, &[]);
    user.file("servers/server_state.json", "{}");
    settings(&user, agents.settings());
    let gateway = Gateway::start(&user);
    let shim = Relay::start(&format!("{}/mcpgw", gateway.base()), Some(&agents.token("agent")), None);
    for (revision, scenarios) in [
        (
            "2025-11-25",
            &[
                "dns-rebinding-protection",
                "ping",
                "server-initialize",
                "server-session-lifecycle",
                "server-sse-multiple-streams",
                "tools-list",
            ][..],
        ),
        (
            "2026-07-28",
            &[
                "caching",
                "dns-rebinding-protection",
                "http-header-validation",
                "server-sse-multiple-streams",
                "server-stateless",
                "tools-list",
            ],
        ),
    ] {
        let lines = conformance(shim.value("NAMED_URL"), &user.home().join(revision), revision);
        for scenario in scenarios {
            let passed =
                |line: &&String| line.starts_with(&format!("{scenario} ")) && line.ends_with(" SUCCESS");
            assert!(lines.iter().any(|line| passed(&line)), "{revision} {scenario}: {lines:?}");
        }
        let is_excused = |line: &str| {
            let begins = |prefix: &&str| line.starts_with(prefix);
            [&OF_A_FIXTURE[..], &OF_OTHER_TOOLS, &UNTESTABLE].concat().iter().any(begins)
        };
        let bad: Vec<&String> = lines
            .iter()
            .filter(|line| line.ends_with(" FAILURE") || line.ends_with(" WARNING"))
            .filter(|line| line.contains(" wire-schema-valid ") || !is_excused(line))
            .collect();
        assert_eq!(bad, [""; 0], "{revision}");
    }
}

/// What a client of each era sees and may call.
#[test]
#[ignore = "real parts: run .ci/run"]
fn a_policy_on_a_part_shows_that_part_in_every_revision() {
    let (fixture, agents, user) = (Fixture::start(), Agents::start(), User::new());
    let servers = [("fixture", "none", fixture.base())];
    lay_out(&user, POLICY, &servers);
    settings(&user, agents.settings());
    let gateway = Gateway::start(&user);
    let url = format!("{}/fixture/mcp", gateway.base());
    let headers = json!({ "X-Authorization": format!("Bearer {}", agents.token("worker")) });
    let client =
        |sdk, mode, tool| python_client(sdk, &url, &["--mode", mode, "--call", tool, "{}"], &headers);
    for (sdk, mode) in [(Sdk::Current, "auto"), (Sdk::Current, "legacy"), (Sdk::Legacy, "legacy")] {
        let allowed = client(sdk, mode, "test_simple_text");
        assert_eq!(allowed["tools"], json!(["test_simple_text"]), "{allowed}");
        assert_eq!(allowed["call"]["is_error"], false, "{allowed}");
        let refused = client(sdk, mode, "test_image_content");
        assert_eq!((&refused["call"], &refused["tools"]), (&Value::Null, &allowed["tools"]), "{refused}");
        assert!(refused["error"] != Value::Null, "{refused}");
    }
    let audit = gateway.end(&user);
    let refused = audit.iter().filter(|line| line["status"] == 403).count();
    assert_eq!(refused, 3, "{audit:?}");
}
