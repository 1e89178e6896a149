//! Reading and handing out credentials with the real binary and a real identity provider: `status`, `token`,
//! `headers`, `env`, `exec`. Not here: ending and decoding them (see `ending`).
#![cfg(test)]
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use mcpauth::demo::idp::{Idp, IdpClient, IdpEvent, Options};
use mcpauth::sys::{clock, private_file};
use serde_json::{Value, json};

use crate::support::wire::SECRET;
use crate::support::{Ran, User, ended, nobody};

/// The ingress client's secret.
pub(crate) const AGENT_SECRET: &str = "agent+secret/0815=";
const TRACKER: &str = "tracker-egress.json";

/// An identity provider with a client for each direction.
pub(crate) fn idp() -> Idp {
    let clients = vec![
        IdpClient::confidential(
            "tracker-client",
            SECRET,
            "http://127.0.0.1/callback",
            &["read:work", "offline_access"],
        ),
        IdpClient::machine("agent", AGENT_SECRET, &["gateway", "openid", "email", "profile"]),
    ];
    let lifetime = Duration::from_secs(3_600);
    Idp::start(Options { clients, access_token_lifetime: lifetime, ..Options::default() }).unwrap()
}

/// A user with an ingress client, and set 1 at the provider `tracker`.
pub(crate) fn user(idp: &Idp) -> User {
    let mut user = User::at(idp);
    user.oidc(idp.issuer(), "agent", AGENT_SECRET);
    user
}

/// The same, with both tokens at hand.
fn with_tokens(idp: &Idp) -> User {
    let user = user(idp);
    user.log_in();
    user.run(&["ingress"]).code(0);
    user
}

pub(crate) fn access_token(user: &User, file: &str) -> String {
    user.token(file)["access_token"].as_str().unwrap().to_owned()
}

/// stderr shows no secret.
#[track_caller]
pub(crate) fn assert_discreet(user: &User, ran: &Ran) {
    let mut secrets = vec![SECRET.to_owned(), AGENT_SECRET.to_owned()];
    for file in [TRACKER, "ingress.json"]
        .iter()
        .filter(|file| user.project().join(".oauth-tokens").join(file).is_file())
    {
        let object = user.token(file);
        let tokens = ["access_token", "refresh_token"].map(|name| object[name].as_str().map(str::to_owned));
        secrets.extend(tokens.into_iter().flatten());
    }
    for secret in secrets {
        assert!(!ran.stderr.contains(&secret), "{secret} is said:\n{}", ran.stderr);
    }
}

/// How often the token endpoint was asked.
fn asked(idp: &Idp) -> usize {
    idp.seen().iter().filter(|seen| matches!(seen, IdpEvent::Token { .. })).count()
}

fn due(user: &User, file: &str) {
    let now = clock::now();
    user.plant(file, &[("expires_at", json!(now + 60)), ("saved_at", json!(clock::human(now - 3_540)))]);
}

/// The states of `status --json`, by name.
fn states(ran: &Ran) -> Vec<(String, String)> {
    let credentials = ran.json()["credentials"].as_array().unwrap().clone();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    credentials.iter().map(|row| (text(row, "name"), text(row, "status"))).collect()
}

#[test]
fn status_tells_each_state_and_what_to_type() {
    let idp = idp();
    let mut user = user(&idp);
    user.run(&["ingress"]).code(0);
    user.env("EGRESS_PROVIDER_NAME_2", "tracker").env("EGRESS_MCP_SERVER_NAME_2", "second");
    let left = |provider: &str, end: i64| {
        json!({"provider": provider, "access_token": "a-token-left-behind", "expires_at": end}).to_string()
    };
    user.file(".oauth-tokens/old-egress.json", &left("old", 1));
    user.file(
        ".oauth-tokens/lasting-egress.json",
        &json!({"provider": "lasting", "access_token": "t"}).to_string(),
    );
    let open = user.file(".oauth-tokens/open-egress.json", &left("open", 1));
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
    let asked_before = asked(&idp);
    let ran = user.run(&["status", "--json"]).code(0);
    let expected = [
        ("ingress oidc", "good"),
        ("egress tracker", "needs_login"),
        ("egress tracker for second", "incomplete"),
        ("egress lasting", "good"),
        ("egress old", "expired"),
        ("egress open", "unreadable"),
    ];
    assert_eq!(states(&ran), expected.map(|(name, state)| (name.to_owned(), state.to_owned())));
    let rows = ran.json()["credentials"].clone();
    assert_eq!(rows[0]["renewable"], true);
    assert!((3_500..=3_600).contains(&rows[0]["expires_in_s"].as_i64().unwrap()), "{rows}");
    assert_eq!(
        (&rows[0]["storage"], &rows[0]["source"], &rows[0]["command"]),
        (&json!("file"), &json!("settings"), &Value::Null)
    );
    assert_eq!(
        (&rows[1]["source"], &rows[1]["command"]),
        (&json!("set 1"), &json!("mcpauth egress --config-set 1"))
    );
    assert!(rows[2]["message"].as_str().unwrap().contains("EGRESS_OAUTH_CLIENT_ID_2"), "{rows}");
    assert_eq!(
        (&rows[4]["source"], &rows[4]["command"]),
        (&json!("file only"), &json!("mcpauth logout old-egress"))
    );
    assert!(rows[5]["hint"].as_str().unwrap().starts_with("chmod 600 "), "{rows}");
    let text = user.run(&["status"]).code(0);
    assert!(!ran.stdout.contains("a-token-left-behind") && !text.stdout.contains("a-token-left-behind"));
    assert!(text.stdout.contains("needs login") && !text.stdout.contains('\u{1b}'), "{}", text.stdout);
    assert!(text.stdout.contains("  -> mcpauth egress --config-set 1\n"), "{}", text.stdout);
    assert!(
        text.stdout.ends_with("refresh service: not running (start it with: mcpauth refresh)\n"),
        "{}",
        text.stdout
    );
    assert_eq!(asked(&idp), asked_before, "it asks nobody");
    user.run(&["status", "--check", "-q"]).code(7);
    assert!(user.run(&["status", "--color", "always"]).code(0).stdout.contains("\u{1b}[32mgood"));
}

#[test]
fn a_check_is_content_with_what_renews_itself() {
    let idp = idp();
    let user = with_tokens(&idp);
    user.run(&["status", "--check"]).code(0);
    due(&user, "ingress.json");
    due(&user, TRACKER);
    let ran = user.run(&["status", "--check", "--json"]).code(0);
    assert!(states(&ran).iter().all(|(_, state)| state == "due"), "{}", ran.stdout);
    // Without a refresh token the user will have to log in soon.
    user.plant(TRACKER, &[("refresh_token", Value::Null)]);
    user.run(&["status", "--check"]).code(7);
    user.plant(TRACKER, &[("expires_at", json!(1))]);
    let ran = user.run(&["status", "--check", "--json"]).code(7);
    assert_eq!(states(&ran)[1].1, "needs_login");
    assert_eq!(ran.json()["exit_code"], 7);
    user.plant("ingress.json", &[("client_id", json!("another"))]);
    let ran = user.run(&["status", "--json"]).code(0);
    assert_eq!(states(&ran)[0].1, "missing", "another client's token is not ours");
    let nothing = User::new();
    assert!(nothing.run(&["status"]).code(0).stderr.contains("mcpauth configure"));
    nothing.run(&["status", "--check"]).code(7);
    assert!(!nothing.project().join(".oauth-tokens").exists(), "looking makes no files");
}

#[test]
fn status_says_whether_the_refresh_service_runs() {
    let user = User::new();
    let path = user.file(".oauth-tokens/.refresh.pid", "4711\n");
    let service = || user.run(&["status", "--json"]).code(0).json()["refresh_service"].clone();
    assert_eq!(service(), json!({"running": false, "pid": null}));
    let held = private_file::open_lock(&path).unwrap();
    held.lock().unwrap();
    assert_eq!(service(), json!({"running": true, "pid": 4711}));
    // Not by closing it: a child that another test starts just now has it open until it runs its program.
    held.unlock().unwrap();
    assert_eq!(service()["running"], false);
}

#[test]
fn token_prints_the_token_alone_and_renews_it_first() {
    let idp = idp();
    let user = with_tokens(&idp);
    let before = access_token(&user, TRACKER);
    for name in ["tracker", "egress tracker", TRACKER, "tracker-egress", "Tracker", "egress"] {
        assert_eq!(user.run(&["token", name]).code(0).stdout, format!("{before}\n"), "{name}");
    }
    due(&user, TRACKER);
    due(&user, "ingress.json");
    for (name, file) in [("tracker", TRACKER), ("ingress", "ingress.json")] {
        let before = access_token(&user, file);
        let ran = user.run(&["token", name]).code(0);
        let after = access_token(&user, file);
        assert_eq!(ran.stdout, format!("{after}\n"), "{name}");
        assert_ne!(after, before, "{name}");
        assert_discreet(&user, &ran);
    }
    let object = user.run(&["token", "ingress", "--json"]).code(0).json();
    assert_eq!(
        (&object["access_token"], &object["token_type"]),
        (&user.token("ingress.json")["access_token"], &json!("Bearer"))
    );
}

#[test]
fn an_agents_shell_file_is_renewed_with_its_token() {
    let idp = idp();
    let user = User::new();
    let agent = json!({"client_id": "agent", "client_secret": AGENT_SECRET, "keycloak_url": idp.issuer(), "keycloak_realm": "demo"});
    user.file(".oauth-tokens/agent-one.json", &agent.to_string());
    let token = user.run(&["token", "agent-one"]).code(0).stdout;
    let shell = std::fs::read_to_string(user.project().join(".oauth-tokens/agent-one.env")).unwrap();
    assert!(shell.contains(token.trim()), "{shell}");
}

#[test]
fn without_a_good_token_there_is_nothing_on_stdout() {
    let idp = idp();
    let mut user = user(&idp);
    user.env("EGRESS_PROVIDER_NAME_2", "tracker").env("EGRESS_MCP_SERVER_NAME_2", "second");
    user.env("EGRESS_OAUTH_CLIENT_ID_2", "c").env("EGRESS_OAUTH_CLIENT_SECRET_2", "s-e-c-r-e-t");
    user.env("EGRESS_OAUTH_REDIRECT_URI_2", "http://127.0.0.1:0/callback");
    let expired = json!({"provider": "old", "access_token": "an-old-token", "expires_at": 1}).to_string();
    user.file(".oauth-tokens/old-egress.json", &expired);
    let cases: [(&[&str], i32, &str); 10] = [
        (&["token", "tracker"], 4, "mcpauth egress --config-set 1"),
        (&["token", "old"], 4, "mcpauth generate"),
        (&["token", "nobody"], 2, "ingress, tracker-egress, tracker-second-egress, old-egress"),
        (&["token", "egress"], 2, "tracker-egress, tracker-second-egress, old-egress"),
        (&["headers", "tracker"], 4, "mcpauth egress --config-set 1"),
        (&["headers", "nobody"], 2, "second, tracker"),
        (&["env", "tracker"], 4, "mcpauth egress --config-set 1"),
        (&["env", "nobody"], 2, "second, tracker"),
        (&["exec", "tracker", "--", "echo", "out"], 4, "mcpauth egress --config-set 1"),
        (&["exec", "nobody", "--", "echo", "out"], 2, "second, tracker"),
    ];
    for (args, code, part) in cases {
        let ran = user.run(args).code(code);
        assert_eq!(ran.stdout, "", "{args:?}");
        assert!(ran.stderr.contains(part), "{args:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("an-old-token"), "{args:?}: {}", ran.stderr);
        let json: Vec<&str> = [args[0], "--json"].into_iter().chain(args[1..].iter().copied()).collect();
        let ran = user.run(&json).code(code);
        assert_eq!(ran.stdout, "", "{json:?}");
        let error = ran.json_error();
        assert!(
            error["code"].is_string() && error["hint"].as_str().unwrap().contains(part),
            "{json:?}: {error}"
        );
    }
}

#[test]
fn a_server_that_does_not_answer_is_the_network_except_to_a_helper() {
    let mut user = User::new();
    user.oidc(nobody(), "agent", AGENT_SECRET);
    user.file(
        "servers/clock.json",
        r#"{"server_name":"Clock","path":"/clock","proxy_pass_url":"http://127.0.0.1:1","auth_type":"none"}"#,
    );
    let cases: [(&[&str], i32); 5] = [
        (&["token", "ingress"], 5),
        (&["env"], 5),
        (&["env", "clock"], 5),
        (&["exec", "clock", "--", "echo", "out"], 5),
        (&["headers", "clock"], 4),
    ];
    for (args, code) in cases {
        let ran = user.run(args).code(code);
        assert_eq!(ran.stdout, "", "{args:?}");
        assert!(!ran.stderr.contains(AGENT_SECRET), "{args:?}");
    }
}

#[test]
fn headers_are_json_alone_and_fresh() {
    let idp = idp();
    let user = with_tokens(&idp);
    let seen = asked(&idp);
    let ran = user.run(&["headers", "tracker"]).code(0);
    let expected = json!({
        "Authorization": format!("Bearer {}", access_token(&user, TRACKER)),
        "X-Authorization": format!("Bearer {}", access_token(&user, "ingress.json")),
        "X-Client-Id": "agent",
    });
    assert_eq!((ran.json(), ran.stderr.as_str()), (expected, ""));
    assert_eq!(asked(&idp), seen, "what is fresh is not asked for");
    let (tracker, ingress) = (access_token(&user, TRACKER), access_token(&user, "ingress.json"));
    due(&user, TRACKER);
    due(&user, "ingress.json");
    let ran = user.run(&["headers", "--server", "tracker"]).code(0);
    assert_eq!(asked(&idp), seen + 2);
    assert_eq!(ran.json()["Authorization"], format!("Bearer {}", access_token(&user, TRACKER)));
    assert!(!ran.stdout.contains(&tracker) && !ran.stdout.contains(&ingress));
    let elsewhere = user.run(&["headers", "https://elsewhere.test/mcp"]).code(0).json();
    assert!(elsewhere.get("Authorization").is_none(), "the provider's token is for its own server alone");
    assert_discreet(&user, &ran);
}

#[test]
fn what_env_prints_a_shell_reads() {
    let idp = idp();
    let mut user = with_tokens(&idp);
    let (tracker, ingress) = (access_token(&user, TRACKER), access_token(&user, "ingress.json"));
    let script = "eval \"$(mcpauth env tracker)\" && printf '%s|' \"$MCPAUTH_TRACKER_AUTHORIZATION\" \
                  \"$MCPAUTH_TRACKER_X_AUTHORIZATION\" \"$MCP_AUTH_TOKEN\" \"$MCP_SERVER_URL\"";
    let ran = ended(user.shell(script).spawn().unwrap()).code(0);
    assert_eq!(
        ran.stdout,
        format!("Bearer {tracker}|Bearer {ingress}|{ingress}|https://gw.test/tracker/mcp|")
    );
    user.env("SHELL", "/usr/bin/fish");
    let fish = user.run(&["env", "tracker"]).code(0).stdout;
    assert!(fish.contains(&format!("set -gx MCP_AUTH_TOKEN '{ingress}'\n")), "{fish}");
    let nu = user.run(&["env", "tracker", "--shell", "nu"]).code(0).stdout;
    assert!(nu.contains(&format!("$env.MCP_AUTH_TOKEN = \"{ingress}\"\n")), "{nu}");
    let object = user.run(&["env", "tracker", "--json"]).code(0).json();
    assert_eq!(object["MCPAUTH_TRACKER_X_CLIENT_ID"], "agent");
}

#[test]
fn of_several_servers_those_that_fail_are_left_out() {
    let idp = idp();
    let mut user = with_tokens(&idp);
    user.env("EGRESS_PROVIDER_NAME_2", "tracker").env("EGRESS_MCP_SERVER_NAME_2", "second");
    user.env("EGRESS_OAUTH_CLIENT_ID_2", "tracker-client").env("EGRESS_OAUTH_CLIENT_SECRET_2", SECRET);
    user.env("EGRESS_OAUTH_REDIRECT_URI_2", "http://127.0.0.1:0/callback");
    let ran = user.run(&["env", "--json"]).code(3);
    let names: Vec<String> = ran.json().as_object().unwrap().keys().cloned().collect();
    let headers = ["AUTHORIZATION", "X_AUTHORIZATION", "X_CLIENT_ID"];
    assert_eq!(names, headers.map(|header| format!("MCPAUTH_TRACKER_{header}")));
    assert!(
        ran.json_error()["hint"].as_str().unwrap().contains("mcpauth egress --config-set 2"),
        "{}",
        ran.stderr
    );
    let ran = user.run(&["exec", "tracker", "second", "--", "echo", "out"]).code(3);
    assert_eq!(ran.stdout, "", "the command runs with all of them or not at all");
    for name in ["one-1", "one_1"] {
        let server = json!({"server_name": name, "path": format!("/{name}"), "proxy_pass_url": "http://127.0.0.1:1", "auth_type": "none"});
        user.file(&format!("servers/{name}.json"), &server.to_string());
    }
    let ran = user.run(&["env"]).code(2);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("MCPAUTH_ONE_1_X_AUTHORIZATION"), "{}", ran.stderr);
}

#[test]
fn exec_gives_the_child_its_variables_and_takes_its_exit_code() {
    let idp = idp();
    let user = with_tokens(&idp);
    let script = "printf '%s %s' \"$MCP_AUTH_TOKEN\" \"$MCPAUTH_TRACKER_AUTHORIZATION\"; exit 42";
    let ran = user.run(&["exec", "tracker", "--", "sh", "-c", script]).code(42);
    let (tracker, ingress) = (access_token(&user, TRACKER), access_token(&user, "ingress.json"));
    assert_eq!((ran.stdout, ran.stderr.as_str()), (format!("{ingress} Bearer {tracker}"), ""));
    user.run(&["exec", "tracker", "--", "true"]).code(0);
    let plain = user.file("plain.txt", "no program");
    user.run(&["exec", "tracker", "--", "no-such-command"]).code(127);
    let ran = user.run(&["exec", "tracker", "--json", "--", plain.to_str().unwrap()]).code(126);
    assert!(ran.json_error()["message"].as_str().unwrap().contains("plain.txt"), "{}", ran.stderr);
    user.run(&["exec", "tracker"]).code(2);
}

#[test]
fn a_signal_is_the_commands_own() {
    let idp = idp();
    let user = with_tokens(&idp);
    // The shell that waits for us sees the command's end as if it had started it itself.
    let script = "mcpauth exec tracker -- sh -c 'kill -TERM $$'; echo $?";
    assert_eq!(ended(user.shell(script).spawn().unwrap()).code(0).stdout, "143\n");
    let mut running = user.start(&[
        "exec",
        "tracker",
        "--",
        "sh",
        "-c",
        "trap 'kill $!; exit 7' TERM; sleep 60 >/dev/null 2>&1 & echo ready >&2; wait",
    ]);
    running.line(|line| line == "ready");
    running.signal("TERM");
    running.end().code(7);
}
