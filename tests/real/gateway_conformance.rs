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
