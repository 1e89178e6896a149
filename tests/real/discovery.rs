//! Ordinary clients that know a server's address behind the gateway and nothing else find out whom to ask, log in at
//! the certified provider and call a tool, with the settings that the book shows. Not here: clients that are given
//! their headers (see `gateway_clients`).

use std::net::TcpListener;
use std::path::Path;

use mcpauth::demo::mcp::{Sample, SampleTool};
use serde_json::{Value, json};

use super::gateway::Gateway;
use super::mcp::{Finder, discovering};
use super::{OidcProvider, browser_env};
use crate::book;
use crate::support::User;

pub(super) const TOOL: &str = "current_time_by_timezone";
/// What the book's policy wants for calling it, and what the provider adds where a client asks for it.
const SCOPE: &str = "mcp-servers-restricted/execute";

/// The book's files as it shows them, their addresses turned to loopback.
pub(super) fn lay_out(user: &User, provider: &OidcProvider, server: &Sample) -> String {
    // Its port is part of what clients are told, so the gateway cannot choose one.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let moved = [
        ("0.0.0.0:8080", free.to_string()),
        ("https://mcpgateway.example.com", format!("http://{free}")),
        ("https://login.example.com", provider.base().to_owned()),
        ("127.0.0.1:9090", "127.0.0.1:0".to_owned()),
        ("http://currenttime-server:8000/", server.base().to_owned()),
    ];
    for (name, text) in book::shown_files() {
        let moved = moved.iter().fold(text, |text, (from, to)| text.replace(from, to));
        user.file(&name, &moved);
    }
    free.to_string()
}

/// A client's run, each with a folder of its own for its browser.
fn run(finder: Finder, url: &str, folder: &Path, known: Option<&str>) -> Value {
    let mut env = browser_env("oidc-provider", &folder.join(format!("{finder:?}-{}", known.is_some())));
    env.extend(known.map(|id| ("CLIENT_ID".to_owned(), id.to_owned())));
    discovering(finder, url, TOOL, &env)
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn clients_that_know_the_address_alone_log_in_and_call() {
    let tools = [TOOL, "set_time"].map(|name| SampleTool { name, about: "Time", run: |_| "12:00".into() });
    let (provider, server) = (OidcProvider::start(), Sample::start("currenttime", &tools).expect("a server"));
    let user = User::new();
    let address = lay_out(&user, &provider, &server);
    let gateway = Gateway::start_as_told(&user);
    let folder = user.home();
    let id = provider.value("CLI_CLIENT_ID");
    let (shorter, url) =
        (format!("http://{address}/currenttime"), format!("http://{address}/currenttime/mcp"));
    let runs = [
        (Finder::TypeScript("auto"), "2.4.", "2026-07-28", None, &url),
        (Finder::TypeScript("legacy"), "2.4.", "2025-11-25", Some(id), &shorter),
        (Finder::TypeScriptLegacy, "1.32.", "2025-11-25", None, &url),
        (Finder::TypeScriptLegacy, "1.32.", "2025-11-25", Some(id), &shorter),
        (Finder::Python("auto"), "2.3.", "2026-07-28", None, &url),
        (Finder::Python("legacy"), "2.3.", "2025-11-25", Some(id), &shorter),
    ];
    let check = |(finder, sdk, revision, known, url): (Finder, &str, &str, Option<&str>, &String)| {
        let result = run(finder, url, &folder, known);
        assert_eq!(result["error"], Value::Null, "{finder:?}: {result}");
        assert!(result["sdk"].as_str().expect("a version").starts_with(sdk), "{finder:?}: {result}");
        assert_eq!(result["protocol"], revision, "{finder:?}");
        assert_eq!(
            (&result["tools"], &result["call"]),
            (&json!([TOOL]), &json!("12:00")),
            "{finder:?}: {result}"
        );
        assert_eq!(result["client"] == id, known.is_some(), "{finder:?}: {result}");
        let logins = result["logins"].as_array().expect("logins");
        let asked = logins[0].as_str().expect("scopes");
        assert!(logins.len() == 1 && asked.split(' ').any(|scope| scope == SCOPE), "{finder:?}: {result}");
    };
    std::thread::scope(|scope| {
        let (some, others) = runs.split_at(3);
        scope.spawn(|| some.iter().copied().for_each(check));
        others.iter().copied().for_each(check);
    });
    the_inspector_in_a_browser(&url, &folder);

    // What each began with, and what every call was decided by; the gateway's token went no further.
    drop(gateway);
    let audit = std::fs::read_to_string(user.project().join("audit.jsonl")).expect("the audit");
    let audit: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    let reasons = |reason: &str| audit.iter().filter(|line| line["reason"] == reason).count();
    assert!(reasons("no_token") >= 7 && audit.iter().all(|line| line["reason"] != "token"), "{audit:?}");
    let calls: Vec<_> = audit.iter().filter(|line| line["method"] == "tools/call").collect();
    assert_eq!(calls.len(), 7);
    for call in calls {
        assert_eq!((&call["subject"], &call["verdict"]), (&json!("alice"), &json!("allowed")), "{call}");
        assert!(call["rule"].as_str().is_some_and(|rule| rule.starts_with(SCOPE)), "{call}");
    }
    assert!(server.arrived().iter().all(|request| !request.headers.contains("authorization: ")));
}

fn the_inspector_in_a_browser(url: &str, folder: &Path) {
    let result = run(Finder::InspectorInBrowser, url, folder, None);
    assert_eq!(result["error"], Value::Null, "{result}");
    assert!(result["sdk"].as_str().is_some_and(|sdk| sdk.starts_with("Inspector v")), "{result}");
    assert_eq!(result["tools"], json!(["Tools (1)", TOOL]), "{result}");
    let shown = result["call"].as_str().expect("a page");
    assert!(shown.split_once("Results").is_some_and(|(_, results)| results.contains("12:00")), "{shown}");
}
