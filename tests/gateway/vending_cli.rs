//! `mcpauth gateway token` as it is typed, and the bridge that has such a token made for its client. Not here: the
//! gateway's side (see `vending`).
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use mcpauth::sys::private_file;
use serde_json::{Value, json};

use super::vending::{OWN, claims, lab, p256, vends};
use crate::support::lab::{Lab, call, until};
use crate::support::{Ran, User, mode};

/// The gateway's operator: the same files, by a `gateway.yaml`.
pub(super) fn operator(lab: &Lab) -> User {
    let mut user = User::new();
    let yaml =
        format!("issuers: [{{issuer: '{}'}}]\nvending: {{key: keys, issuer: '{OWN}'}}\n", lab.idp.issuer());
    std::fs::write(lab.path("gateway.yaml"), yaml).unwrap();
    user.env("MCPAUTH_GATEWAY_CONFIG", lab.path("gateway.yaml").display().to_string());
    user
}

fn token(user: &User, args: &[&str]) -> Ran {
    user.run(&[&["gateway", "token"], args].concat())
}

#[test]
fn a_token_is_printed_for_scripts_and_does_its_one_job() {
    let lab = lab();
    let user = lab.user("root");
    let ran =
        token(&user, &["--server", "/alpha/", "--tool", "echo", "--ttl", "2m", "--agent", "report"]).code(0);
    let printed = ran.stdout.trim_end();
    assert!(!printed.contains(char::is_whitespace) && ran.stdout.ends_with('\n'), "{ran:?}");
    let said = claims(printed);
    assert_eq!(said["act"]["sub"], "report");
    assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 120);
    lab.call(printed, "alpha", "echo").status(200);
    lab.call(printed, "alpha", "delete_all").status(403);
    lab.call(printed, "beta", "echo").status(403);
    let object = token(&user, &["--scope", "root", "--json"]).code(0).json();
    assert_eq!(claims(object["access_token"].as_str().unwrap())["scope"], "root");
    assert!(object["expires_in_s"].as_i64().unwrap() <= 300);
    // Nothing of it is kept.
    let kept: Vec<_> = std::fs::read_dir(user.project().join(".oauth-tokens")).unwrap().flatten().collect();
    let kept: Vec<String> = kept.iter().map(|one| one.file_name().into_string().unwrap()).collect();
    assert!(kept.iter().all(|name| name.starts_with("ingress") || name.starts_with('.')), "{kept:?}");
}

#[test]
fn a_no_of_the_gateways_is_said_with_what_is_missing() {
    let lab = lab();
    let user = lab.user("worker");
    let object = token(&user, &["--scope", "root", "--json"]).code(4).json_error();
    assert_eq!(
        (&object["code"], object["hint"].as_str().map(|hint| hint.contains("mcpauth list"))),
        (&json!("refused"), Some(true))
    );
    for (args, words) in [
        (&["--server", "alpha", "--tool", "delete_all"][..], "delete_all"),
        (&["--scope", "root"], "root"),
        (&["--server", "nowhere"], "nowhere"),
        (&["--ttl", "25h"], "1day"),
    ] {
        let ran = token(&user, args);
        assert!(ran.code != Some(0) && ran.stdout.is_empty(), "{ran:?}");
        assert!(ran.stderr.contains(words), "{args:?} {ran:?}");
    }
    for _ in 0..10 {
        token(&user, &["--scope", "worker"]).code(0);
    }
    let ran = token(&user, &["--scope", "worker"]);
    assert!(
        ran.code != Some(0)
            && ran.stderr.contains("HTTP 429: you have been issued the hourly maximum of tokens"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("try again in 3") && ran.stdout.is_empty(), "{ran:?}");
    let ran = token(&user, &[]).code(2);
    assert!(ran.stderr.contains("mcpauth gateway token --server"), "{ran:?}");
    // A gateway that vends none.
    let plain = Lab::start();
    let ran = token(&plain.user("worker"), &["--server", "alpha"]);
    assert!(ran.code != Some(0) && ran.stdout.is_empty(), "{ran:?}");
    assert!(ran.stderr.contains("vending"), "{ran:?}");
}

#[test]
fn tokens_are_listed_and_taken_back_by_id_by_owner_and_all() {
    let lab = lab();
    let operator = operator(&lab);
    let (worker, reader) = (lab.user("worker"), lab.user("reader"));
    let print =
        |user: &User, agent: &str| token(user, &["--agent", agent]).code(0).stdout.trim_end().to_owned();
    let tokens =
        [print(&worker, "one"), print(&worker, "two"), print(&reader, "three"), print(&reader, "four")];
    let ids = tokens.each_ref().map(|token| claims(token)["jti"].as_str().unwrap().to_owned());
    let listed = token(&operator, &["list"]).code(0).stdout;
    for (id, agent) in ids.iter().zip(["one", "two", "three", "four"]) {
        let mut lines = listed.lines().skip_while(|line| !line.starts_with(id.as_str()));
        let (first, last) = (lines.next().unwrap_or_default(), lines.nth(1).unwrap_or_default());
        assert!(first.contains(agent) && last.contains("never used"), "{listed}");
    }
    let opens = |place: usize| {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
        lab.ask(&tokens[place], "/alpha/mcp", &body).status
    };
    assert_eq!([0, 1, 2, 3].map(opens), [200; 4]);
    token(&operator, &["revoke", &ids[0]]).code(0);
    until("the first is refused", || opens(0) == 401);
    assert_eq!([1, 2, 3].map(opens), [200; 3]);
    let objects = token(&operator, &["list", "--json"]).code(0).json();
    let revoked: Vec<&Value> =
        objects["tokens"].as_array().unwrap().iter().map(|one| &one["revoked"]).collect();
    assert_eq!(revoked, [true, false, false, false]);
    assert_eq!(mode(&lab.path("revoked")), 0o600);
    let owner = claims(&tokens[1])["sub"].as_str().unwrap().to_owned();
    token(&operator, &["revoke", "--owner", &owner]).code(0);
    until("the second is refused", || opens(1) == 401);
    assert_eq!([2, 3].map(opens), [200; 2]);
    // The person goes on.
    lab.call(&lab.token("worker"), "alpha", "echo").status(200);
    let ran = token(&operator, &["revoke", "--all"]).code(0);
    assert!(ran.stdout.contains("revoked: 2") || ran.stderr.contains("revoked: 2"), "{ran:?}");
    until("all are refused", || [2, 3].map(opens) == [401; 2]);
    let unknown = token(&operator, &["revoke", "nobodys"]).code(2);
    assert!(unknown.stderr.contains("mcpauth gateway token list"), "{unknown:?}");
    let text = std::fs::read_to_string(lab.path("revoked")).unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with("jti: ")).count(), 4, "{text}");
}

#[test]
fn a_key_is_made_where_the_settings_say() {
    let user = User::new();
    user.file("gateway.yaml", "issuers: [{issuer: 'https://i.test', audience: [a]}]\nvending: {key: keys, issuer: 'https://gw.test'}\n");
    user.file("scopes.yml", "s: []\n");
    std::fs::create_dir(user.project().join("servers")).unwrap();
    let checked = user.run(&["gateway", "check"]).code(7).stdout;
    assert!(checked.contains("mcpauth gateway token key"), "{checked}");
    token(&user, &["key"]).code(0);
    let keys: Vec<_> = std::fs::read_dir(user.project().join("keys")).unwrap().flatten().collect();
    assert_eq!((keys.len(), mode(&keys[0].path()), mode(&user.project().join("keys"))), (1, 0o600, 0o700));
    let checked = user.run(&["gateway", "check"]);
    assert!(!checked.stdout.contains("error"), "{checked:?}");
    // One file is written once, and what is printed can be pasted.
    user.file("gateway.yaml", "vending: {key: our own's.pem, issuer: 'https://gw.test'}\n");
    token(&user, &["key"]).code(0);
    let key = std::fs::read(user.project().join("our own's.pem")).unwrap();
    let again = token(&user, &["key"]).code(2).stderr;
    assert!(again.contains("is there already"), "{again}");
    assert!(again.contains(r"our own'\''s.pem' keys/"), "{again}");
    assert_eq!(std::fs::read(user.project().join("our own's.pem")).unwrap(), key);
    user.file("gateway.yaml", "listen: 127.0.0.1:1\n");
    assert!(token(&user, &["list"]).code(2).stderr.contains("vending: {key"));
}

#[test]
fn what_vending_cannot_mean_is_said() {
    let user = User::new();
    user.file("scopes.yml", "s: []\n");
    std::fs::create_dir(user.project().join("servers")).unwrap();
    user.file("own.pem", &p256());
    user.file("rsa.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    for (vending, words) in [
        ("{key: own.pem, issuer: 'https://i.test'}", "would pass for the gateway's own"),
        ("{key: own.pem, issuer: 'http://elsewhere.test'}", "is plain http to another machine"),
        ("{key: own.pem, issuer: 'https://gw.test?x=1'}", "has a query or fragment"),
        ("{key: own.pem, issuer: gateway}", "vending.issuer"),
        ("{key: own.pem, issuer: 'https://elsewhere.test'}", "is not at the gateway's address"),
        ("{key: rsa.pem, issuer: 'https://gw.test'}", "is not a private key for ES256"),
        ("{key: none.pem, issuer: 'https://gw.test'}", "there is no key in it"),
        ("{key: own.pem, issuer: 'https://gw.test', ledger: no/where.jsonl}", "vending.ledger"),
        ("{issuer: 'https://gw.test'}", "key"),
    ] {
        let yaml = format!(
            "issuers: [{{issuer: 'https://i.test', audience: [a]}}]\npublic_url: https://gw.test\nvending: {vending}\n"
        );
        user.file("gateway.yaml", &yaml);
        let ran = user.run(&["gateway", "check"]).code(7);
        assert!(ran.stdout.contains(words), "{vending} {ran:?}");
    }
    private_file::write(&user.project().join("own.pem"), &p256()).unwrap();
    user.file("gateway.yaml", "issuers: [{issuer: 'https://i.test', audience: [a]}]\npublic_url: https://gw.test\nvending: {key: own.pem, issuer: 'https://gw.test'}\n");
    let ran = user.run(&["gateway", "check"]);
    assert!(!ran.stdout.contains("vending"), "{ran:?}");
}

#[test]
fn the_bridge_has_a_token_made_for_what_its_client_needs() {
    let lab = Lab::with(|settings, dir| vends(settings, dir, &p256()));
    let user = lab.user("root");
    let mut lines = String::new();
    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"},
    }});
    let mut other = call("delete_all");
    other["id"] = json!(8);
    for message in
        [initialize, json!({"jsonrpc": "2.0", "method": "notifications/initialized"}), call("echo"), other]
    {
        lines += &format!("{message}\n");
    }
    let ran = user.run_with(&["bridge", "Alpha", "--only-tool", "echo", "--agent", "Claude"], &lines);
    let answers: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let answer =
        |id: i64| answers.iter().find(|answer| answer["id"] == id).unwrap_or_else(|| panic!("{ran:?}"));
    assert!(answer(7)["result"].is_object(), "{ran:?}");
    assert!(answer(8)["error"].is_object(), "{ran:?}");
    let called =
        lab.alpha.arrived().iter().filter(|one| one.body == call("echo").to_string().as_bytes()).count();
    assert_eq!((called, lab.arrived() - lab.alpha.arrived().len()), (1, 0));
    let kept = lab.kept.clone();
    drop(lab);
    let lines = kept.lines();
    assert_eq!(lines.iter().filter(|line| !line["vended"].is_null()).count(), 1);
    let used: Vec<&Value> =
        lines.iter().filter(|line| line["http"] == "POST" && line["vended"].is_null()).collect();
    assert!(!used.is_empty() && used.iter().all(|line| line["agent"] == "Claude"), "{used:?}");
    let url = user.run(&["bridge", "https://mcp.example.test/mcp", "--only-tool", "x"]).code(2);
    assert!(url.stderr.contains("mcpauth bridge SERVER --only-tool"), "{url:?}");
}
