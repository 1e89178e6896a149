//! What the MCP Gateway Registry lets through in its own MCP server, its token endpoint and its search, each by the number it has in
//! `registry-face.md` 1.6 (U8, U10, U14, U15). Not here: what these do for whom (see `mcpgw` and `vending`); the holes of its
//! pages (see `registry_pages` and `sign_in`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::collections::BTreeMap;

use mcpauth::gateway::token_ledger::Ledger;
use serde_json::{Value, json};

use super::mcpgw::{call, given, lab};
use super::vending;
use crate::support::lab::{Lab, list, until};

/// Every file of a folder.
fn files(lab: &Lab, folder: &str) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(lab.path(folder)).unwrap().flatten();
    let entries = entries.filter(|entry| entry.path().is_file());
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

fn found(lab: &Lab, token: &str, query: &str, top: u64) -> Vec<String> {
    let found = given(lab, token, "intelligent_tool_finder", json!({"query": query, "top_n": top}));
    let results = found["results"].as_array().unwrap().iter();
    results.map(|one| one["tool_name"].as_str().unwrap().to_owned()).collect()
}

/// There `/internal/tokens` mints a token for any caller that reaches it, of whatever scopes the body says somebody has.
#[test]
fn u8_nobody_mints_a_token_by_saying_who_they_are() {
    let lab = vending::lab();
    let claim = json!({"user_context": {"username": "root", "scopes": ["root"], "groups": ["root"]},
        "requested_scopes": ["root"], "expires_in_hours": 8, "description": "mine"})
    .to_string();
    let stranger = format!("Bearer {}", lab.token("stranger"));
    let ways: [&[(&str, &str)]; 5] = [
        &[],
        &[("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=")],
        &[("X-User", "root"), ("X-Scopes", "root"), ("X-Groups", "root")],
        &[("Cookie", "mcp_gateway_session=eyJ1c2VybmFtZSI6InJvb3QifQ.x.y")],
        &[("X-Authorization", &stranger)],
    ];
    for headers in ways {
        for path in [
            "/internal/tokens",
            "/auth/internal/tokens",
            "/api/tokens/generate",
            "/oauth2/token",
            "/api/admin/tokens",
        ] {
            let answer = lab.post(path, headers, claim.as_bytes());
            assert!((400..500).contains(&answer.status), "{path} {headers:?}: {answer:?}");
            assert!(!answer.text().contains("eyJ"), "{path} {headers:?}: {answer:?}");
        }
    }
    assert_eq!(Ledger::at(&lab.path("vended.jsonl")).entries().unwrap(), []);
}

/// There the management tools act with the administrator's password for everybody, and the scope that every user has lets them be
/// called; they also write grants into the policy.
#[test]
fn u10_management_tools_act_with_the_callers_own_rights_alone() {
    let lab = lab();
    // `root` may call every tool of `mcpgw`, as the shipped `mcp-servers-restricted/read` lets every user, and has no `UI-Scopes`.
    let root = lab.token("root");
    let before = (files(&lab, "servers"), files(&lab, "."));
    let new = json!({"server_name": "New", "path": "/new", "proxy_pass_url": lab.alpha.base()});
    for (tool, arguments) in [
        ("toggle_service", json!({"service_path": "/beta"})),
        ("toggle_service", json!({"service_path": "/mcpgw", "enabled": false})),
        ("remove_service", json!({"service_path": "/beta"})),
        ("refresh_service", json!({"service_path": "/beta"})),
        ("register_service", new),
        (
            "register_service",
            json!({"server_name": "A", "path": "/alpha", "proxy_pass_url": "http://127.0.0.1:9/"}),
        ),
    ] {
        let answer = call(&lab, &root, tool, arguments.clone()).status(200).json();
        assert_eq!(answer["result"]["isError"], true, "{tool} {arguments}: {answer}");
    }
    // The tools that write groups and grants are not there at all.
    for tool in [
        "add_server_to_scopes_groups",
        "remove_server_from_scopes_groups",
        "create_group",
        "delete_group",
        "list_groups",
    ] {
        let answer = call(&lab, &root, tool, json!({"server_name": "beta", "group_names": ["root"]}))
            .status(200)
            .json();
        assert_eq!(answer["error"]["code"], -32602, "{tool}: {answer}");
    }
    assert_eq!((files(&lab, "servers"), files(&lab, ".")), before);
    lab.call(&root, "beta", "echo").status(200);
}

/// There `get_http_headers` puts the token and the body into the model's context, and `debug_auth_context` a part of the cookie.
#[test]
fn u14_no_tool_shows_a_token_a_cookie_or_a_body() {
    let lab = lab();
    let token = lab.token("root");
    let tools = lab.ask(&token, "/mcpgw/mcp", &list()).status(200).text();
    assert!(!tools.contains("get_http_headers") && !tools.contains("headers\"}"), "{tools}");
    let bearer = format!("Bearer {token}");
    for tool in ["get_http_headers", "debug_auth_context", "list_services", "healthcheck"] {
        let body = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": tool, "_meta": {"note": "b0dy-of-mine"}}});
        let headers = [
            ("X-Authorization", bearer.as_str()),
            ("Authorization", "Bearer outs1de-cr3dential"),
            ("Cookie", "mcp_gateway_session=c00kie-c00kie-c00kie-c00kie"),
            ("X-Body", "{\"b0dy\":1}"),
            ("X-User-Pool-Id", "p00l"),
        ];
        let answer = lab.post("/mcpgw/mcp", &headers[..4], body.to_string().as_bytes());
        let shown = format!("{}{}", answer.head, answer.text());
        for hidden in ["outs1de", "cr3dential", "c00kie", "b0dy"] {
            assert!(!shown.contains(hidden), "{tool} shows {hidden}: {shown}");
        }
        // Twelve characters in a row of the token's payload or signature would be enough to know it by.
        let parts = token.char_indices().step_by(4).filter_map(|(at, _)| token.get(at..at + 12));
        parts.for_each(|part| assert!(!shown.contains(part), "{tool} shows a part of the token"));
    }
}

/// There the tools of servers that are forbidden, switched off or deleted stay in the index, and take places.
#[test]
fn u15_hidden_servers_take_no_place_in_a_search() {
    let lab = lab();
    let (root, worker) = (lab.token("root"), lab.token("worker"));
    let state = |alpha: bool, beta: bool| json!({"/alpha": alpha, "/beta": beta}).to_string();
    let question = "say again, analyze quantum flux, delete everything";
    assert_eq!(found(&lab, &root, question, 50).len(), 3);
    // Forbidden: the one place goes to what may be used.
    assert_eq!(found(&lab, &worker, question, 1), ["echo"]);
    assert_eq!(found(&lab, &root, "quantum", 1), ["quantum_flux_analyzer"]);
    // Switched off.
    lab.reload("servers/server_state.json", &state(true, false), "in force");
    assert_eq!(found(&lab, &root, "quantum", 50), [""; 0]);
    assert_eq!(found(&lab, &root, question, 1).len(), 1);
    assert!(!found(&lab, &root, question, 50).contains(&"quantum_flux_analyzer".to_owned()));
    lab.reload("servers/server_state.json", &state(true, true), "in force");
    until("beta is back", || found(&lab, &root, "quantum", 1) == ["quantum_flux_analyzer"]);
    // Deleted.
    std::fs::remove_file(lab.path("servers/beta.json")).unwrap();
    lab.gateway.reload();
    until("beta is forgotten", || found(&lab, &root, "quantum", 50).is_empty());
    // A tool that its file names no more.
    let file: Value =
        serde_json::from_str(&std::fs::read_to_string(lab.path("servers/alpha.json")).unwrap()).unwrap();
    let mut without = file.clone();
    without["tool_list"] = json!([file["tool_list"][0]]);
    std::fs::write(lab.path("servers/alpha.json"), without.to_string()).unwrap();
    lab.gateway.reload();
    until("the tool is forgotten", || found(&lab, &root, question, 50) == ["echo"]);
}
