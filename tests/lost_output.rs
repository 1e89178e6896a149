//! Output is there, or the run reports that it is not: a full disk under stdout ends it with 1, a closed pipe
//! quietly.
#![cfg(test)]

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use serde_json::json;

use crate::support::{Ran, User, ended};

/// Every verb that prints something without a network request.
const VERBS: [&[&str]; 17] = [
    &["token", "ingress"],
    &["token", "ingress", "--json"],
    &["providers", "show", "google", "--json"],
    &["inspect", "ingress"],
    &["inspect", "ingress", "--json"],
    &["status"],
    &["status", "--json"],
    &["config", "show"],
    &["config", "show", "--origin"],
    &["providers", "list"],
    &["providers", "show", "github"],
    &["completions", "bash"],
    &["completions", "nushell"],
    &["man"],
    &["--help"],
    &["--version"],
    &["token", "--help"],
];

fn user() -> User {
    let mut user = User::new();
    user.env("AUTH_PROVIDER", "oidc").env("INGRESS_OAUTH_ISSUER", "https://idp.test");
    user.env("INGRESS_OAUTH_CLIENT_ID", "agent").env("INGRESS_OAUTH_CLIENT_SECRET", "agent-secret");
    let token = json!({
        "provider": "oidc_m2m", "access_token": "the-token", "client_id": "agent", "issuer": "https://idp.test",
        "expires_at": 4_000_000_000_u64,
    });
    user.file(".oauth-tokens/ingress.json", &token.to_string());
    user
}

fn run_into(user: &User, args: &[&str], stdout: impl Into<Stdio>) -> Ran {
    ended(user.command(args).stdout(stdout).spawn().unwrap())
}

#[test]
fn output_that_is_lost_is_an_error() {
    let user = user();
    for args in VERBS {
        user.run(args).code(0);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ran = run_into(&user, args, full).code(1);
        assert!(ran.stderr.contains("No space left on device"), "{args:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("the-token"), "{}", ran.stderr);
    }
    let full = File::options().write(true).open("/dev/full").unwrap();
    let ran = run_into(&user, &["token", "ingress", "--json"], full).code(1);
    assert!(ran.json_error()["message"].as_str().unwrap().contains("No space left"), "{}", ran.stderr);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let user = user();
    for args in VERBS {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = run_into(&user, args, writer).code(0);
        assert_eq!(ran.stderr, user.run(args).stderr, "{args:?}");
    }
    // One that is closed in the middle.
    let (mut reader, writer) = std::io::pipe().unwrap();
    let child = user.command(&["completions", "nushell"]).stdout(writer).spawn().unwrap();
    reader.read_exact(&mut [0; 8]).unwrap();
    drop(reader);
    let ran = ended(child).code(0);
    assert_eq!(ran.stderr, "");
}
