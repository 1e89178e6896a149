//! The table of MCP's methods compared with the published schemas: those that the official Python SDK is generated from,
//! and the official tasks extension's.

use std::collections::BTreeSet;
use std::process::Command;

use mcpauth::mcp::methods::{METHODS, MethodSubject, find};

use super::{parts, script};

/// Members that name a prompt, a resource, a template, a tool or a task, or hold such names.
const NAMES: [&str; 5] = ["name", "uri", "taskId", "ref", "notifications"];
/// Members that name nothing a policy grants. One that is in neither list has been looked at by nobody.
const OTHERS: [&str; 29] = [
    "_meta",
    "argument",
    "arguments",
    "capabilities",
    "clientInfo",
    "context",
    "createdAt",
    "cursor",
    "inputResponses",
    "lastUpdatedAt",
    "level",
    "message",
    "pollInterval",
    "progress",
    "progressToken",
    "protocolVersion",
    "reason",
    "requestId",
    "requestState",
    "status",
    "statusMessage",
    "task",
    "total",
    "ttl",
    "notifications.promptsListChanged",
    "notifications.resourcesListChanged",
    "notifications.toolsListChanged",
    "ref.title",
    "ref.type",
];
/// What the two members with members of their own name things by.
const INNER: [&str; 4] =
    ["notifications.resourceSubscriptions", "notifications.taskIds", "ref.name", "ref.uri"];

/// Revision, method, and the members of its `params`.
type SchemaRow = (String, String, BTreeSet<String>);

fn rows() -> Vec<SchemaRow> {
    let mut mcp = Command::new(parts().join("mcp/bin/python"));
    mcp.arg(script("methods/mcp.py"));
    let mut tasks = Command::new("node");
    tasks.arg(script("methods/tasks.mjs")).arg(parts().join("node"));
    [mcp, tasks].into_iter().flat_map(|mut command| printed(&mut command)).collect()
}

fn printed(command: &mut Command) -> Vec<SchemaRow> {
    let output = command.output().expect("run tests/real/setup.sh");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("JSON");
    text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn the_table_of_methods_is_that_of_the_published_schemas() {
    let rows = rows();
    let revisions: BTreeSet<&str> = rows.iter().map(|(revision, ..)| revision.as_str()).collect();
    let expected = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];
    assert_eq!(revisions, expected.into());
    let published: BTreeSet<&str> = rows.iter().map(|(_, method, _)| method.as_str()).collect();
    let here: BTreeSet<&str> = METHODS.iter().map(|method| method.name).collect();
    assert_eq!(here, published);
    for (revision, method, members) in &rows {
        let names: Vec<&str> = NAMES.into_iter().filter(|name| members.contains(*name)).collect();
        let decides = match find(method).map(|known| known.about) {
            Some(MethodSubject::Member(_, member)) => vec![member],
            Some(MethodSubject::Reference) => vec!["ref"],
            Some(MethodSubject::Subscriptions) => vec!["notifications"],
            _ => Vec::new(),
        };
        assert_eq!(decides, names, "{revision} {method}");
        let mut rest = members.iter().filter(|member| !NAMES.contains(&member.as_str()));
        let unknown = rest.find(|member| ![&OTHERS[..], &INNER].concat().contains(&member.as_str()));
        assert_eq!(unknown, None, "{revision} {method}: does it name anything?");
    }
    for member in &OTHERS {
        assert!(rows.iter().any(|(.., members)| members.contains(*member)), "{member} is in no schema");
    }
}
