//! The gateway's own tokens, verified by libraries that others check tokens with: PyJWT, jose and golang-jwt.
//! Not here: what they open at the gateway (see `gateway::vending`).

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;

use super::{parts, script};
use crate::gateway::vending::{OWN, claims, ed25519, exchange, p256, vends};
use crate::support::lab::Lab;

/// What the libraries are called by, and how each is run with the address of the keys.
fn verifiers(jwks: &str) -> [(&'static str, Command); 3] {
    let (parts, folder) = (parts(), script("vending"));
    let mut python = Command::new(parts.join("mcp/bin/python"));
    python.arg(folder.join("verify.py"));
    let mut node = Command::new("node");
    node.arg(folder.join("verify.mjs")).arg(parts.join("node"));
    let go = Command::new(parts.join("golang-jwt/verify"));
    [("PyJWT", python), ("jose", node), ("golang-jwt", go)].map(|(name, mut command)| {
        command.args([jwks, OWN]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        (name, command)
    })
}

/// What a library says of a token: the subject, or nothing.
fn verified(name: &str, mut command: Command, token: &str) -> Result<String, String> {
    let mut child = command.spawn().unwrap_or_else(|e| panic!("{name} ({e}): run tests/real/setup.sh"));
    child.stdin.take().expect("its stdin").write_all(token.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn others_verify_the_gateways_tokens() {
    for key in [p256(), ed25519()] {
        let lab = Lab::with(|settings, dir| vends(settings, dir, &key));
        let details = json!([{"type": "mcp", "server": "alpha", "tools": ["echo"]}]).to_string();
        let answer =
            exchange(&lab, &lab.token("worker"), &[("authorization_details", &details), ("agent", "a")]);
        let token = answer.status(200).json()["access_token"].as_str().expect("a token").to_owned();
        let subject = claims(&token)["sub"].as_str().expect("a subject").to_owned();
        let jwks = format!("{}/.well-known/jwks.json", lab.gateway.public_url());
        for (name, command) in verifiers(&jwks) {
            assert_eq!(verified(name, command, &token), Ok(subject.clone()), "{name}");
        }
        // With another signature.
        let (signed, signature) = token.rsplit_once('.').expect("a signature");
        let bad = format!("{signed}.{}", signature.chars().rev().collect::<String>());
        for (name, command) in verifiers(&jwks) {
            assert!(verified(name, command, &bad).is_err(), "{name} accepts a forged token");
        }
    }
}
