//! The registry's pages in a real browser: axe-core finds nothing on any of them, and each reads without JavaScript.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::gateway::vending::{p256, vends};
use crate::support::face::FaceLab;

/// Every page, and which group looks at it.
const VISITS: [(&str, &str); 17] = [
    ("admins", "/"),
    ("admins", "/?q=nothing-like-it"),
    ("nobody", "/"),
    ("admins", "/servers/alpha"),
    ("users", "/servers/alpha"),
    ("admins", "/find?q=echo"),
    ("nobody", "/find?q=echo"),
    ("developers", "/register"),
    ("admins", "/edit/alpha"),
    ("users", "/me"),
    ("nobody", "/me"),
    ("admins", "/explain?server=alpha&tool=echo"),
    ("users", "/explain"),
    ("users", "/tokens"),
    ("admins", "/decisions"),
    ("admins", "/changes"),
    ("users", "/register"),
];

#[test]
#[ignore = "real parts: run .ci/run"]
fn no_page_keeps_anybody_out() {
    let face = FaceLab::with(|settings, dir| {
        vends(settings, dir, &p256());
        settings.audit = dir.join("audit.jsonl").display().to_string();
        let line = |verdict: &str, reason: &str| {
            json!({"time": "2026-11-27T08:00:00Z", "user": "ann", "server": "alpha",
            "method": "tools/call", "verdict": verdict, "reason": reason})
        };
        let mut change = line("changed", "");
        change["change"] = json!("edited");
        let lines = [line("allowed", ""), line("refused", "no_scopes"), change];
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(dir.join("audit.jsonl"), text).expect("an audit");
    });
    face.post(&face.token("users"), "/tokens", "description=ci").status(201);
    let mut visits: Vec<Value> =
        VISITS.iter().map(|(group, path)| json!({"token": face.token(group), "path": path})).collect();
    visits.extend([
        json!({"token": null, "path": "/login"}),
        json!({"token": face.token("users"), "path": "/no-such-page"}),
    ]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/face.mjs");
    let mut child = Command::new("node")
        .arg(script)
        .env("MCPAUTH_REAL_PARTS", super::parts())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node");
    let asked = json!({"url": face.url(), "visits": visits}).to_string();
    child.stdin.take().expect("its input").write_all(asked.as_bytes()).expect("its input");
    let ran = child.wait_with_output().expect("its output");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let found: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert_eq!(found["findings"], json!([]));
    assert!(found["checked"].as_u64().is_some_and(|checked| checked > 1000), "{found}");
}
