//! One folder of the registry's files, and how each part reads each file: the gateway, its `check`, the clients'
//! files and `doctor`. Not here: single files and their meaning (see the unit tests of `registry`).
#![cfg(test)]

use std::collections::BTreeMap;

use serde_json::Value;

use super::serve::Site;
use crate::support::User;
use crate::support::lab::{ALLOWED, Lab, exchange, request};

/// As the newest registry writes a server without a credential.
const NEWEST: &str = r#"{
  "id": "5f0c", "version": "1.2.0", "server_name": "Docs", "description": "Documentation.", "path": "/docs",
  "proxy_pass_url": "https://docs.test/mcp", "mcp_endpoint": null, "sse_endpoint": null, "tags": ["docs"], "num_tools": 1,
  "license": "MIT", "visibility": "public", "allowed_groups": [], "status": "active", "deployment": "remote",
  "auth_scheme": "none", "auth_provider": null, "supported_transports": ["streamable-http"], "headers": [],
  "tool_list": [{"name": "find", "description": "Finds.", "inputSchema": {"type": "object"}}]
}"#;

/// A file, its text, its server (none if it is left out), its transport for clients (none if they need a credential
/// for it, or it is disabled), and the remark about it.
type Row = (&'static str, &'static str, Option<&'static str>, Option<&'static str>, &'static str);

const FILES: &[Row] = &[
    (
        "currenttime.json",
        include_str!("../support/servers/currenttime.json"),
        Some("currenttime"),
        Some("streamable-http"),
        "",
    ),
    ("fininfo.json", include_str!("../support/servers/fininfo.json"), Some("fininfo"), None, ""),
    ("docs.json", NEWEST, Some("docs"), Some("streamable-http"), ""),
    (
        "broken.json",
        "{\"path\": \"/broken\",",
        None,
        None,
        "EOF while parsing a value at line 1 column 19; left out",
    ),
    ("empty.json", "", None, None, "EOF while parsing a value at line 1 column 0; left out"),
    (
        "list.json",
        "[1]",
        None,
        None,
        "invalid type: integer `1`, expected a string at line 1 column 2; left out",
    ),
    (
        "typed.json",
        r#"{"path": "/typed", "auth_type": 5}"#,
        None,
        None,
        "expected a string at line 1 column 33; left out",
    ),
    (
        "nowhere.json",
        r#"{"proxy_pass_url": "http://h", "auth_type": "none"}"#,
        None,
        None,
        "it names no path; left out",
    ),
    ("root.json", r#"{"path": "/", "proxy_pass_url": "http://h"}"#, None, None, "it names no path; left out"),
    (
        "ahead.json",
        r#"{"path": "/healthz", "proxy_pass_url": "http://h"}"#,
        None,
        None,
        "its path is reserved for the gateway; left out",
    ),
    (
        "metadata.json",
        r#"{"path": "/metadata", "proxy_pass_url": "http://169.254.169.254/", "auth_type": "none"}"#,
        None,
        None,
        "which no MCP server has; left out",
    ),
    (
        "scheme.json",
        r#"{"path": "scheme/", "proxy_pass_url": "http://h", "auth_scheme": "none"}"#,
        Some("scheme"),
        Some("streamable-http"),
        "",
    ),
    (
        "unsaid.json",
        r#"{"path": "/unsaid", "proxy_pass_url": "http://h", "supported_transports": ["http"]}"#,
        Some("unsaid"),
        Some("streamable-http"),
        "",
    ),
    (
        "snake.json",
        r#"{"path": "/snake", "proxy_pass_url": "http://h", "auth_type": "none", "supported_transports": ["streamable_http"]}"#,
        Some("snake"),
        Some("streamable-http"),
        "",
    ),
    (
        "events.json",
        r#"{"path": "/events/", "proxy_pass_url": "http://h", "auth_type": null, "supported_transports": ["sse"]}"#,
        Some("events"),
        Some("sse"),
        "",
    ),
    (
        "ends.json",
        r#"{"path": "/ends", "proxy_pass_url": "http://h/sse", "auth_type": "", "supported_transports": ["stdio"]}"#,
        Some("ends"),
        Some("sse"),
        "",
    ),
    (
        "bearer.json",
        r#"{"path": "/bearer", "proxy_pass_url": "http://h", "auth_scheme": "bearer"}"#,
        Some("bearer"),
        None,
        "",
    ),
    (
        "off.json",
        r#"{"path": "/off", "proxy_pass_url": "http://h", "auth_type": "none"}"#,
        Some("off"),
        None,
        "",
    ),
    (
        "zwei.json",
        r#"{"path": "/unsaid/", "proxy_pass_url": "http://other"}"#,
        None,
        None,
        "another file has the path /unsaid already; left out",
    ),
];

fn laid_out(user: &User) {
    for (name, text, ..) in FILES {
        user.file(&format!("servers/{name}"), text);
    }
    user.file("servers/server_state.json", r#"{"/off/": false, "/docs": true, "/gone": false}"#);
    std::fs::create_dir(user.project().join("servers/folder.json")).unwrap();
}

/// What was said of each file, by its name.
fn said<'t>(texts: impl Iterator<Item = &'t str>) -> BTreeMap<String, String> {
    let of_a_file = |text: &str| {
        let (file, said) = text.split_once(".json: ")?;
        Some((format!("{}.json", file.rsplit('/').next()?), said.to_owned()))
    };
    texts.filter_map(of_a_file).collect()
}

fn texts<'v>(object: &'v Value, list: &str, member: &str) -> impl Iterator<Item = &'v str> {
    object[list].as_array().unwrap().iter().filter_map(move |one| one[member].as_str())
}

fn is_what_is_wrong(found: &BTreeMap<String, String>, by: &str) {
    for (name, _, _, _, expected) in FILES.iter().chain([&FOLDER]) {
        let said = found.get(*name).map_or("", String::as_str);
        assert!(
            said.ends_with(expected) && said.is_empty() == expected.is_empty(),
            "{by} of {name}: {said:?}"
        );
    }
}

/// A folder by the name of a file.
const FOLDER: Row = ("folder.json", "", None, None, "not a regular file; left out");

#[test]
fn everybody_says_the_same_of_each_file() {
    let mut site = Site::new("");
    laid_out(&site.user);
    site.user.env("REGISTRY_URL", "https://gw.test");
    let user = &site.user;

    let checked = user.run(&["gateway", "check", "--json"]).code(7).json();
    assert!(texts(&checked, "problems", "severity").all(|severity| severity == "remark"), "{checked}");
    let whole: Vec<String> = checked["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{}: {}", one["at"].as_str().unwrap(), one["what"].as_str().unwrap()))
        .collect();
    is_what_is_wrong(&said(whole.iter().map(String::as_str)), "check");

    let routed = user.run(&["gateway", "routes", "--json"]).code(0);
    is_what_is_wrong(&said(routed.stderr.lines()), "routes");
    let mut names: Vec<&str> =
        FILES.iter().filter_map(|(_, _, name, ..)| *name).chain(["delta", "mcpgw"]).collect();
    names.sort_unstable();
    assert_eq!(texts(&routed.json(), "routes", "server").collect::<Vec<_>>(), names);

    let doctor = user.run(&["doctor", "--offline", "--json"]);
    is_what_is_wrong(&said(texts(&doctor.json(), "findings", "found")), "doctor");

    let rendered = user.run(&["config", "render", "--client", "roo", "--auth-mode", "inline"]).code(0);
    is_what_is_wrong(&said(rendered.stderr.lines()), "render");
    let servers = rendered.json()["mcpServers"].clone();
    for (name, _, _, transport, _) in FILES.iter().filter(|row| row.3.is_some()) {
        let server = &servers[FILES.iter().find(|row| row.0 == *name).unwrap().2.unwrap()];
        assert_eq!(server["type"].as_str(), *transport, "{name}: {server}");
    }
    let open = FILES.iter().filter(|row| row.3.is_some()).count();
    assert_eq!(servers.as_object().unwrap().len(), open + 2, "delta and mcpgw as well: {servers}");

    let installed = user.run(&["config", "install", "--client", "roo", "--auth-mode", "inline"]).code(0);
    is_what_is_wrong(&said(installed.stderr.lines()), "install");
    for verb in [&["headers", "docs"][..], &["env"], &["exec", "docs", "--", "true"]] {
        let ran = user.run(verb).code(0);
        is_what_is_wrong(&said(ran.stderr.lines()), verb[0]);
    }

    let mut served = site.serve(&[]);
    let asked = |path: &str| exchange(served.address, &request("POST", path, &[], b"{}")).status;
    for (file, _, name, ..) in FILES {
        let expected = match (name, *file) {
            (Some(_), "off.json") => 503,
            (Some(_), _) => 401,
            (None, _) => 404,
        };
        let path = format!("/{}/mcp", name.unwrap_or(file.trim_end_matches(".json")));
        assert_eq!(asked(&path), expected, "{file}");
    }
    assert_eq!(site.ask(served.address, ALLOWED).status, 200, "the others are served");
    let said = served.running.take().unwrap();
    said.signal("TERM");
    let remarks = said.end().stderr;
    for (name, _, _, _, expected) in FILES.iter().filter(|row| !row.4.is_empty()) {
        assert!(
            remarks.lines().any(|line| line.contains(name) && line.contains(expected)),
            "{name}: {remarks}"
        );
    }
}

#[test]
fn without_a_gateway_here_doctor_says_it_as_well() {
    let user = User::new();
    laid_out(&user);
    let doctor = user.run(&["doctor", "--offline", "--json"]);
    is_what_is_wrong(&said(texts(&doctor.json(), "findings", "found")), "doctor");
}

#[test]
fn a_file_that_breaks_while_it_is_served_keeps_what_it_said() {
    let lab = Lab::start();
    let token = lab.token("worker");
    for text in ["{", "", "[]", r#"{"path": "/alpha", "path": "/beta"}"#] {
        lab.reload("servers/alpha.json", text, "alpha.json");
        lab.call(&token, "alpha", "echo").status(200);
    }
    lab.reload("servers/server_state.json", "{", "server_state.json");
    lab.call(&token, "alpha", "echo").status(200);
    lab.reload("servers/server_state.json", r#"{"/alpha/": false}"#, "are in force");
    lab.call(&token, "alpha", "echo").status(503);
    lab.reload("servers/alpha.json", "{}", "names no path");
    lab.call(&token, "alpha", "echo").status(404);
}
