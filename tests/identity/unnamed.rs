//! No gateway is configured: there is no default, and whatever needs one is skipped or refused, with a message.
#![cfg(test)]

use serde_json::json;

use super::{EGRESS, INGRESS, user};
use crate::support::wire::Scripted;
use crate::support::{Ran, User, nobody};

#[track_caller]
fn says_what_to_do(ran: &Ran) {
    let said = format!("{}{}", ran.stdout, ran.stderr);
    for word in ["REGISTRY_URL", "--registry-url https://"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(!said.contains(INGRESS) && !said.contains(EGRESS), "{said}");
}

#[test]
fn verbs_that_need_the_gateway_say_so() {
    let mut user = user();
    user.env("REGISTRY_URL", "");
    for line in [
        "headers tracker",
        "headers notes",
        "bridge tracker",
        "bridge --listen 127.0.0.1:0",
        "list --server tracker",
        "ping --server notes",
        "call --server notes x",
        "basic --server tracker",
        "env",
        "env tracker",
        "exec tracker -- true",
        "config render --client vscode",
        "config render --client claude-code --auth-mode bridge",
        "config show --client codex",
        "config install --client vscode",
        "config install --client codex --dry-run",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let ran = user.run(&words);
        assert_eq!(ran.code, Some(2), "{line}: {ran:?}");
        says_what_to_do(&ran);
        // And with the flag that it names it works; what is listened on would not end, and nobody serves.
        if line.starts_with("headers") || line.starts_with("env") || line.starts_with("config") {
            user.run(&[&words[..], &["--registry-url", "https://gw.test"]].concat()).code(0);
        }
    }
    assert!(user.run(&["headers", "nobody"]).code(2).stderr.contains("there is no server"));
}

#[test]
fn generate_gets_tokens_and_skips_the_configurations() {
    let server = Scripted::start(|_| (200, r#"{"access_token":"t","expires_in":3600}"#.into()));
    let mut user = user();
    user.env("REGISTRY_URL", "")
        .oidc(&server.base, "c", "s")
        .env("INGRESS_OAUTH_TOKEN_URL", format!("{}/token", server.base));
    let ran = user.run(&["generate"]).code(0);
    says_what_to_do(&ran);
    assert!(ran.stdout.lines().any(|line| line.starts_with("skipped configurations")), "{ran:?}");
    let ran = user.run(&["generate", "--json"]).code(0);
    let object = ran.json();
    let rows = object["results"].as_array().unwrap();
    let skipped = rows.iter().find(|row| row["kind"] == "configurations").unwrap();
    assert_eq!(skipped["status"], "skipped");
    assert!(skipped["message"].as_str().unwrap().contains("REGISTRY_URL"), "{skipped}");
    assert_eq!(user.token("ingress.json")["access_token"], "t");
    for path in [
        user.home().join(".vscode/mcp.json"),
        user.home().join(".roocode/mcp_servers.json"),
        user.project().join(".oauth-tokens/mcp.json"),
    ] {
        assert!(!path.exists(), "{}", path.display());
    }
    user.run(&["generate", "--registry-url", "https://gw.test"]).code(0);
    assert!(user.home().join(".vscode/mcp.json").exists());
}

/// Entries for a gateway are not lost in a shell that does not name it.
#[test]
fn entries_that_are_there_stay() {
    let mut user = user();
    let stored = json!({"provider": "far", "access_token": "FAR", "expires_at": 4_000_000_000u64,
                        "server_url": "https://far.test/mcp", "client_id": "c"});
    user.file(".oauth-tokens/far-egress.json", &stored.to_string());
    user.run(&["config", "install", "--client", "vscode-legacy", "--auth-mode", "inline"]).code(0);
    let path = user.home().join(".vscode/mcp.json");
    let before = std::fs::read_to_string(&path).unwrap();
    assert!(before.contains("https://gw.test/notes"), "{before}");
    user.env("REGISTRY_URL", "");
    let ran = user.run(&["config", "install", "--client", "vscode-legacy"]).code(0);
    says_what_to_do(&ran);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
    user.env("REGISTRY_URL", "https://other.test");
    user.run(&["config", "install", "--client", "vscode-legacy"]).code(0);
    let after = std::fs::read_to_string(&path).unwrap();
    assert!(after.contains("https://other.test/notes") && !after.contains("https://gw.test"), "{after}");
}

#[test]
fn there_is_no_other_gateway_anywhere() {
    let mut user = user();
    user.env("REGISTRY_URL", "");
    let shown = user.run(&["config", "show"]).code(0).stdout;
    assert!(!shown.contains("REGISTRY_URL"), "{shown}");
    // An address below no gateway gets nothing, whatever its server is called.
    assert_eq!(
        user.run(&["headers", "https://any.test/tracker/mcp"]).code(0).json().get("Authorization"),
        None
    );
    user.oidc(nobody(), "c", "s");
    let doctor = user.run(&["doctor", "--json"]);
    let object = doctor.json();
    let findings = object["findings"].as_array().unwrap();
    let gateway = findings.iter().find(|one| one["check"] == "gateway.reachable").unwrap();
    assert_eq!(gateway["status"], "warn");
    assert!(gateway["found"].as_str().unwrap().contains("REGISTRY_URL is not set"), "{gateway}");
}

#[test]
fn configure_writes_the_address_it_is_given() {
    let mut user = User::new();
    user.env("REGISTRY_URL", "");
    user.file("secret.txt", "s\n");
    let args = [
        "configure",
        "--kind",
        "oidc",
        "--issuer",
        "https://idp.test",
        "--client-id",
        "c",
        "--client-secret-file",
    ];
    let plain = [&args[..], &["secret.txt", "--yes"]].concat();
    user.run(&plain).code(0);
    let read = || std::fs::read_to_string(user.project().join(".env")).unwrap();
    assert!(!read().contains("REGISTRY_URL"), "{}", read());
    user.run(&[&plain[..], &["--registry-url", "https://gw.mine"]].concat()).code(0);
    assert!(read().contains("REGISTRY_URL=https://gw.mine\n"), "{}", read());
}
