//! The official registry's list calls, checked by a validator of others against the OpenAPI document that the registry
//! publishes.

use mcpauth::gateway::settings::GatewaySettings;
use serde_json::{Value, json};

use super::face::browse;
use crate::support::face::FaceLab;

const LIST: &str = "/v0.1/servers";
const VERSIONS: &str = "/v0.1/servers/{serverName}/versions";
const VERSION: &str = "/v0.1/servers/{serverName}/versions/{version}";

/// Servers whose files have the longest and the oddest texts.
fn lay_out(_: &mut GatewaySettings, dir: &std::path::Path) {
    let long = "ä€😀 ".repeat(100);
    for (path, more) in [
        ("/deep/er~er/_x", json!({"server_name": long, "description": long})),
        ("/bare", json!({"server_name": "", "description": ""})),
        ("/versioned", json!({"version": "2.1.0-rc.1+build", "updated_at": "2026-01-02T03:04:05Z"})),
        ("/odd", json!({"version": "latest", "updated_at": "yesterday", "tags": null})),
    ] {
        let mut file = json!({"server_name": "S", "path": path, "proxy_pass_url": "http://127.0.0.1:9/"});
        file.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
        let name = path.trim_matches('/').replace('/', "_");
        std::fs::write(dir.join(format!("servers/{name}.json")), file.to_string()).expect("a server");
        let state = dir.join("servers/server_state.json");
        let known = std::fs::read(&state).unwrap_or_default();
        let mut known: Value = serde_json::from_slice(&known).unwrap_or_else(|_| json!({}));
        known[path] = json!(true);
        std::fs::write(state, known.to_string()).expect("a state");
    }
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn list_calls_are_answered_as_the_published_document_says() {
    let face = FaceLab::with(lay_out);
    let admin = face.token("admins");
    let ask = |address: &str, path: &str, status: u16| {
        let body = face.get(&admin, path).status(status).json();
        json!({"address": address, "status": status, "body": body})
    };
    let mut answers = vec![
        ask(LIST, "/v0.1/servers", 200),
        ask(LIST, "/v0.1/servers?limit=100&search=a&updated_since=2000-01-01T00:00:00Z", 200),
        ask(LIST, "/v0.1/servers?search=nothing-like-it", 200),
    ];
    let names: Vec<String> = answers[0]["body"]["servers"]
        .as_array()
        .expect("servers")
        .iter()
        .map(|server| server["server"]["name"].as_str().expect("a name").replace('/', "%2F"))
        .collect();
    assert!(names.len() >= 8, "{names:?}");
    // VS Code's gallery: pages of the newest versions, then each server's newest.
    let mut cursor = String::new();
    loop {
        answers.push(ask(LIST, &format!("/v0.1/servers?limit=3&version=latest{cursor}"), 200));
        let Some(next) = answers.last().and_then(|page| page["body"]["metadata"]["nextCursor"].as_str())
        else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    for name in &names {
        answers.push(ask(VERSION, &format!("/v0.1/servers/{name}/versions/latest"), 200));
        answers.push(ask(VERSIONS, &format!("/v0.1/servers/{name}/versions"), 200));
    }
    answers.push(ask(VERSION, &format!("/v0.1/servers/{}/versions/9.9.9", names[0]), 404));
    answers.push(ask(VERSIONS, "/v0.1/servers/a%2Fb/versions", 404));
    // The validator finds what is wrong.
    let mut wrong = answers[0].clone();
    wrong["body"]["servers"][0]["server"]["name"] = json!("no name of the format");
    let mut bare = answers[0].clone();
    bare["body"]["servers"][0]["server"].as_object_mut().expect("a server").remove("version");
    let count = answers.len();
    answers.extend([wrong, bare]);
    let found = browse("openapi.mjs", &json!(answers), &[]);
    let found = found.as_array().expect("findings");
    assert_eq!(found.len(), answers.len());
    for (answer, findings) in answers.iter().zip(found).take(count) {
        assert_eq!(*findings, json!([]), "{answer}");
    }
    for findings in &found[count..] {
        assert_ne!(*findings, json!([]));
    }
}
