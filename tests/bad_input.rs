//! User errors: each verb says what failed and which command is next, with its exit code, and never shows a secret.
#![cfg(test)]

use std::time::{Duration, Instant};

use mcpauth::demo::idp::{Idp, IdpClient, Options};
use serde_json::{Value, json};

use crate::support::{Ran, User, answering, nobody};

/// Part of every value that must not be shown.
const MARK: &str = "hunter2";
const SECRET: &str = "hunter2-0123456789";

const COGNITO: &[(&str, &str)] = &[
    ("INGRESS_OAUTH_USER_POOL_ID", "us-east-1_AbC"),
    ("INGRESS_OAUTH_CLIENT_ID", "agent"),
    ("INGRESS_OAUTH_CLIENT_SECRET", SECRET),
];
const KEYCLOAK: &[(&str, &str)] = &[
    ("AUTH_PROVIDER", "keycloak"),
    ("KEYCLOAK_URL", "https://kc.test"),
    ("KEYCLOAK_REALM", "demo"),
    ("KEYCLOAK_M2M_CLIENT_ID", "agent"),
    ("KEYCLOAK_M2M_CLIENT_SECRET", SECRET),
];
const EGRESS: &[(&str, &str)] = &[
    ("EGRESS_PROVIDER_NAME_1", "desk"),
    ("EGRESS_OAUTH_CLIENT_ID_1", "desk-client"),
    ("EGRESS_OAUTH_CLIENT_SECRET_1", SECRET),
    ("EGRESS_OAUTH_REDIRECT_URI_1", "http://127.0.0.1:8080/callback"),
];
const AGENTCORE: &[(&str, &str)] = &[
    ("AGENTCORE_CLIENT_ID_1", "gate"),
    ("AGENTCORE_CLIENT_SECRET_1", SECRET),
    ("COGNITO_USER_POOL_ID", "us-east-1_AbC"),
];
const DESK: &str = "display_name: Desk\nauthorization_endpoint: https://desk.test/a\n\
                    token_endpoint: https://desk.test/t\nredirect: {hosts: [127.0.0.1]}\n";

type Env<'a> = &'a [(&'a str, &'a str)];

fn user(settings: &[Env<'_>]) -> User {
    let mut user = User::new();
    user.provider("desk", DESK);
    for (name, value) in settings.iter().flat_map(|settings| settings.iter()) {
        user.env(name, *value);
    }
    user
}

/// Runs within a reasonable time, and shows no secret.
#[track_caller]
fn run(user: &User, args: &[&str], code: i32) -> Ran {
    let began = Instant::now();
    let ran = user.run(args).code(code);
    assert!(began.elapsed() < Duration::from_secs(5), "{args:?} took {:?}", began.elapsed());
    assert!(!ran.stdout.contains(MARK) && !ran.stderr.contains(MARK), "{args:?}: {ran:?}");
    ran
}

/// The verb ends early: text and hint on stderr, nothing on stdout; with --json the same as one object.
#[track_caller]
fn aborts(user: &User, args: &[&str], code: i32, message: &str, hint: &str) {
    let ran = run(user, args, code);
    assert!(
        ran.stderr.contains(message) && ran.stderr.contains(hint),
        "{args:?}: {message}; {hint}\n{}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "", "{args:?}");
    let ran = run(user, &[args, &["--json"]].concat(), code);
    assert_eq!(ran.stdout, "", "{args:?}");
    let error = ran.json_error();
    let text =
        |name: &str| error[name].as_str().unwrap_or_else(|| panic!("{args:?}: {name} in {error}")).to_owned();
    assert!(text("message").contains(message) && text("hint").contains(hint), "{args:?}: {error}");
    assert!(!text("code").is_empty());
}

/// The only flow fails: in the summary for people, in `results[]` for programs.
#[track_caller]
fn fails(user: &User, args: &[&str], code: i32, message: &str, hint: &str) {
    let ran = run(user, args, code);
    assert!(
        ran.stdout.contains(message) && ran.stdout.contains(hint),
        "{args:?}: {message}; {hint}\n{}",
        ran.stdout
    );
    let object = run(user, &[args, &["--json"]].concat(), code).json();
    let row = &object["results"][0];
    let text =
        |name: &str| row[name].as_str().unwrap_or_else(|| panic!("{args:?}: {name} in {object}")).to_owned();
    assert!(text("message").contains(message) && text("hint").contains(hint), "{args:?}: {object}");
    assert_eq!(
        (&row["status"], &row["exit_code"], &object["exit_code"]),
        (&json!("failed"), &json!(code), &json!(code))
    );
    assert_eq!(object["ok"], false);
}

#[test]
fn a_command_line_that_cannot_be_meant() {
    let cases: [(&[&str], &str); 22] = [
        (&["generate", "--nonsense"], "--nonsense"),
        (&["generate", "--ingress-only", "--egress-only"], "cannot be used with"),
        (&["generate", "--browser", "--no-browser"], "cannot be used with"),
        (&["generate", "extra"], "extra"),
        (&["ingress", "--nonsense"], "--nonsense"),
        (&["egress", "--config-set", "0"], "1..=100"),
        (&["egress", "--config-set", "101"], "1..=100"),
        (&["egress", "--config-set", "x"], "--config-set"),
        (&["egress", "--provider", "a", "--config-set", "1"], "cannot be used with"),
        (&["agentcore", "--gateway-index", "0"], "1..=100"),
        (&["agentcore", "--all", "--gateway-index", "1"], "cannot be used with"),
        (&["keycloak", "--agent-name", "a", "--all-agents"], "cannot be used with"),
        (&["configure", "--kind", "nonsense"], "cognito"),
        (&["config", "nonsense"], "nonsense"),
        (&["config", "render"], "--client"),
        (&["config", "render", "--client", "nonsense"], "roo"),
        (&["config", "install", "--client", "nonsense"], "roo"),
        (&["config", "show", "--storage", "nonsense"], "keyring"),
        (&["providers", "show"], "NAME"),
        (&["demo", "--nonsense"], "--nonsense"),
        (&["completions", "tcsh-on-mars"], "bash"),
        (&["nonsense"], "nonsense"),
    ];
    let user = User::new();
    for (args, part) in cases {
        let ran = run(&user, args, 2);
        assert!(ran.stderr.contains(part) && ran.stdout.is_empty(), "{args:?}: {part}\n{}", ran.stderr);
        let ran = run(&user, &[args, &["--json"]].concat(), 2);
        assert!(ran.stdout.is_empty(), "{args:?}");
        let error = ran.json_error();
        assert_eq!(error["code"], "configuration", "{args:?}");
        assert!(error["message"].as_str().unwrap().contains(part), "{args:?}: {part} in {error}");
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains("--help") || hint.contains("mcpauth help"), "{args:?}: {error}");
    }
}

/// Whatever was typed for an address, no message repeats a password in it.
#[test]
fn an_address_with_a_password_is_not_repeated() {
    let user = User::new();
    for typed in [
        "http://u:hunter2@127.0.0.1/mcp",
        "https://u:hunter2@h.test:99999/mcp",
        "https://u:hun/ter@hunter2@h.test/mcp",
        "u:hunter2@h.test/mcp",
        "u:hunter2@h.test//mcp",
        "http:u:hunter2@h.test/mcp",
        "http:/u:hunter2@h.test/mcp",
        "ftp://u:hunter2@h.test/",
    ] {
        for verb in ["ping", "list", "headers", "env", "bridge", "login", "egress"] {
            let ran = run(&user, &[verb, typed], 2);
            assert!(ran.stderr.contains("error: "), "{verb} {typed}: {ran:?}");
        }
        run(&user, &["call", typed, "tool"], 2);
        run(&user, &["ping", "--url", typed], 2);
        if typed.contains("://") {
            run(&user, &["call", typed], 2);
        }
        let ran = run(&user, &[typed], 2);
        assert!(ran.stderr.starts_with("error: there is no verb"), "{typed}: {ran:?}");
    }
}

#[test]
fn a_mistyped_address_is_not_taken_for_a_server() {
    for typed in ["http:127.0.0.1/mcp", "http:/h.test/mcp", "//h.test/mcp", "h.test:99999/mcp", "h.test:abc"]
    {
        for verb in ["ping", "headers", "env"] {
            let message = "is neither a server's name nor a valid address";
            aborts(&User::new(), &[verb, typed], 2, message, "https://HOST/PATH");
        }
    }
}

#[test]
fn options_without_a_verb_lead_to_the_verbs() {
    let user = User::new();
    for (args, hint) in [
        (&["-v"][..], "mcpauth help"),
        (&["--no-env-file"], "mcpauth help"),
        (&["https://a.test/mcp"], "mcpauth login https://a.test/mcp"),
        (&["localhost:8000/mcp"], "mcpauth login http://localhost:8000/mcp"),
    ] {
        let ran = run(&user, args, 2);
        assert!(ran.stderr.contains(&format!(": {hint}\n")), "{args:?}: {}", ran.stderr);
    }
    let ran = run(&user, &["call", "http://127.0.0.1:1/mcp", "t", "@"], 2);
    assert!(ran.stderr.contains("no file is named after @"), "{}", ran.stderr);
}

#[test]
fn a_verb_that_cannot_begin() {
    let no_such_env: &[&str] = &["--env-file", "gone.env"];
    for verb in [
        &["generate"][..],
        &["ingress"],
        &["egress"],
        &["agentcore"],
        &["keycloak"],
        &["configure"],
        &["config", "show"],
        &["config", "render", "--client", "roo"],
        &["config", "install"],
        &["providers", "list"],
        &["providers", "show", "desk"],
        &["providers", "check"],
    ] {
        aborts(&user(&[]), &[verb, no_such_env].concat(), 2, "gone.env", "--env-file");
        aborts(&user(&[&[("MCPAUTH_LOGIN_TIMEOUT", "soon")]]), verb, 2, "MCPAUTH_LOGIN_TIMEOUT", "--origin");
    }
    for verb in ["generate", "ingress", "egress", "agentcore"] {
        let odd = user(&[COGNITO, EGRESS, AGENTCORE, &[("MCPAUTH_STORAGE", "cloud")]]);
        aborts(&odd, &[verb], 2, "MCPAUTH_STORAGE", "config show --origin");
    }
    aborts(&user(&[]), &["egress"], 2, "egress is not configured", "EGRESS_OAUTH_CLIENT_ID_1");
    aborts(&user(&[]), &["agentcore"], 2, "agentcore is not configured", "AGENTCORE_CLIENT_SECRET_1");
    aborts(&user(&[]), &["keycloak"], 2, "keycloak is not configured", "agent-NAME.json");
    aborts(&user(&[]), &["generate"], 2, "nothing is configured", "mcpauth demo");
    aborts(
        &user(&[]),
        &["generate", "--ingress-only"],
        2,
        "ingress is not configured",
        "INGRESS_OAUTH_CLIENT_SECRET",
    );
    aborts(
        &user(&[]),
        &["generate", "--egress-only"],
        2,
        "egress is not configured",
        "EGRESS_PROVIDER_NAME_1",
    );
    aborts(
        &user(&[EGRESS]),
        &["egress", "--provider", "dsek"],
        2,
        "no provider \"dsek\"",
        "mcpauth providers list",
    );
    aborts(
        &user(&[COGNITO]),
        &["generate", "--provider", "dsek"],
        2,
        "no provider \"dsek\"",
        "mcpauth providers list",
    );
    aborts(&user(&[EGRESS]), &["egress", "--provider", "../x"], 2, "invalid name", "provider");
    aborts(&user(&[EGRESS]), &["egress", "--client-secret-file", "gone"], 2, "gone does not exist", "stdin");
    aborts(&user(&[COGNITO]), &["ingress", "--client-secret-file", "-"], 2, "is empty", "secret");
    aborts(&user(&[AGENTCORE]), &["agentcore", "--gateway-name", "nope"], 2, "\"nope\"", "there are: 1;");
    aborts(&user(&[]), &["providers", "show", "dsek"], 2, "no provider \"dsek\"", "mcpauth providers list");
    aborts(&user(&[]), &["providers", "show", "../../etc/passwd"], 2, "invalid name", "provider");
}

#[test]
fn a_question_without_a_terminal() {
    let base = ["configure", "--kind"];
    aborts(&user(&[]), &["configure"], 2, "no terminal", "--kind");
    aborts(&user(&[]), &[&base[..], &["egress"]].concat(), 2, "no terminal", "--provider");
    aborts(&user(&[]), &[&base[..], &["cognito"]].concat(), 2, "no terminal", "--user-pool-id");
    aborts(&user(&[]), &[&base[..], &["keycloak"]].concat(), 2, "no terminal", "--keycloak-url");
    aborts(
        &user(&[]),
        &[&base[..], &["oidc", "--issuer", "https://i.test"]].concat(),
        2,
        "no terminal",
        "--client-id",
    );
    let all_but_the_secret =
        [&base[..], &["oidc", "--issuer", "https://i.test", "--client-id", "c"]].concat();
    aborts(&user(&[]), &all_but_the_secret, 2, "client secret", "--client-secret-file");
    aborts(&user(&[]), &["configure", "--provider", "dsek"], 2, "no provider \"dsek\"", "providers list");
    let ran = run(&user(&[EGRESS]), &["egress"], 4);
    assert!(
        ran.stdout.contains("a person must log in") && ran.stdout.contains("--no-browser"),
        "{}",
        ran.stdout
    );
}

#[test]
fn ingress_settings_that_cannot_be_meant() {
    let without = |settings: Env<'static>, name: &str| -> Vec<(&'static str, &'static str)> {
        settings.iter().copied().filter(|(known, _)| *known != name).collect()
    };
    for (settings, form) in [(COGNITO, "cognito"), (KEYCLOAK, "keycloak")] {
        for (name, _) in settings.iter().filter(|(name, _)| *name != "AUTH_PROVIDER") {
            fails(
                &user(&[&without(settings, name)]),
                &["ingress"],
                2,
                &format!("ingress ({form}) is missing {name}"),
                name,
            );
        }
    }
    fails(
        &user(&[]),
        &["ingress"],
        2,
        "INGRESS_OAUTH_CLIENT_ID and INGRESS_OAUTH_CLIENT_SECRET",
        "mcpauth configure",
    );
    let keycloak =
        "KEYCLOAK_URL and KEYCLOAK_REALM and KEYCLOAK_M2M_CLIENT_ID and KEYCLOAK_M2M_CLIENT_SECRET";
    fails(&user(&[&KEYCLOAK[..1]]), &["ingress"], 2, keycloak, "mcpauth configure");
    let oidc = "INGRESS_OAUTH_ISSUER and INGRESS_OAUTH_CLIENT_ID and INGRESS_OAUTH_CLIENT_SECRET";
    fails(&user(&[&[("AUTH_PROVIDER", "oidc")]]), &["ingress"], 2, oidc, "mcpauth configure");
    let cases: [(Env<'_>, &str, &str, &str); 14] = [
        (COGNITO, "AUTH_PROVIDER", "okta", "not one of cognito, keycloak, oidc"),
        (COGNITO, "INGRESS_OAUTH_USER_POOL_ID", "AbC", "us-east-1_AbCdEfGhI"),
        (COGNITO, "INGRESS_OAUTH_USER_POOL_ID", "us-east-1_../x", "us-east-1_AbCdEfGhI"),
        (COGNITO, "INGRESS_OAUTH_ISSUER", "idp.test", "not a URL"),
        (COGNITO, "INGRESS_OAUTH_ISSUER", "ftp://idp.test", "not an http or https URL"),
        (COGNITO, "INGRESS_OAUTH_ISSUER", "https://me:hunter2@idp.test", "user name or password"),
        (COGNITO, "INGRESS_OAUTH_TOKEN_URL", "/token", "not a URL"),
        (COGNITO, "COGNITO_DOMAIN", "https://", "not a URL"),
        (COGNITO, "INGRESS_OAUTH_CLIENT_AUTH", "magic", "client_secret_basic"),
        (COGNITO, "INGRESS_OAUTH_CLIENT_AUTH", "private_key_jwt", "INGRESS_OAUTH_PRIVATE_KEY_FILE"),
        (COGNITO, "INGRESS_OAUTH_PRIVATE_KEY_FILE", "gone.pem", "no PEM private key"),
        (KEYCLOAK, "KEYCLOAK_URL", "kc.test", "not a URL"),
        (KEYCLOAK, "KEYCLOAK_REALM", "../master", "invalid name"),
        (KEYCLOAK, "KEYCLOAK_REALM", "a/b", "invalid name"),
    ];
    for (settings, name, value, message) in cases {
        let user = user(&[settings, &[(name, value)]]);
        fails(&user, &["ingress"], 2, message, "mcpauth");
        fails(&user, &["generate", "--ingress-only"], 2, message, "mcpauth");
    }
    let keyed = user(&[COGNITO, &[("INGRESS_OAUTH_PRIVATE_KEY_FILE", "key.pem")]]);
    keyed.file("key.pem", "hunter2, and no key at all\n");
    fails(&keyed, &["ingress"], 2, "key.pem has no PEM private key", "INGRESS_OAUTH_PRIVATE_KEY_FILE");
}

#[test]
fn sets_that_are_there_in_part() {
    for (settings, verb, what) in
        [(EGRESS, "egress", "egress set 1"), (AGENTCORE, "agentcore", "AgentCore gateway 1")]
    {
        for (name, _) in settings {
            let rest: Vec<_> = settings.iter().copied().filter(|(known, _)| known != name).collect();
            let message = format!("{what} is missing {name}");
            fails(&user(&[&rest]), &[verb], 2, &message, name);
            fails(&user(&[&rest]), &["generate"], 2, &message, name);
        }
    }
    let cases: [(&str, Env<'_>, &str, &str, &str); 9] = [
        ("egress", EGRESS, "EGRESS_PROVIDER_NAME_1", "dsek", "no provider \"dsek\""),
        ("egress", EGRESS, "EGRESS_PROVIDER_NAME_1", "../x", "invalid name"),
        ("egress", EGRESS, "EGRESS_MCP_SERVER_NAME_1", "../x", "invalid name"),
        ("egress", EGRESS, "EGRESS_OAUTH_REDIRECT_URI_1", "localhost:8080", "not an http or https URL"),
        ("egress", EGRESS, "EGRESS_OAUTH_REDIRECT_URI_1", "http://127.0.0.1/#x", "fragment"),
        ("agentcore", AGENTCORE, "AGENTCORE_SERVER_NAME_1", "../x", "invalid name"),
        ("agentcore", AGENTCORE, "COGNITO_USER_POOL_ID", "AbC", "us-east-1_AbCdEfGhI"),
        ("agentcore", AGENTCORE, "AGENTCORE_ISSUER_1", "idp.test", "not a URL"),
        ("agentcore", AGENTCORE, "AGENTCORE_TOKEN_REQUEST_1", "xml", "neither form nor json"),
    ];
    for (verb, settings, name, value, message) in cases {
        fails(&user(&[settings, &[(name, value)]]), &[verb], 2, message, "mcpauth");
    }
    let host = user(&[EGRESS, &[("EGRESS_OAUTH_REDIRECT_URI_1", "http://localhost:8080/callback")]]);
    fails(
        &host,
        &["egress", "--no-browser"],
        2,
        "does not accept \"localhost\"",
        "EGRESS_OAUTH_REDIRECT_URI_N",
    );
    let far = user(&[EGRESS, &[("EGRESS_OAUTH_REDIRECT_URI_1", "https://app.test/callback")]]);
    fails(&far, &["egress", "--no-browser"], 2, "does not point to this machine", "on a terminal");
}

#[test]
fn a_login_that_nobody_answers_or_nobody_can() {
    let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}/callback", busy.local_addr().unwrap());
    let taken = user(&[EGRESS, &[("EGRESS_OAUTH_REDIRECT_URI_1", &uri)]]);
    fails(&taken, &["egress", "--no-browser"], 2, "is already in use", "EGRESS_OAUTH_REDIRECT_URI_N");
    let free =
        [("EGRESS_OAUTH_REDIRECT_URI_1", "http://127.0.0.1:0/callback"), ("MCPAUTH_LOGIN_TIMEOUT", "1")];
    let alone = user(&[EGRESS, &free]);
    fails(
        &alone,
        &["egress", "--no-browser"],
        4,
        "login timed out after 1 s",
        "mcpauth egress --config-set 1",
    );
}

#[cfg(unix)]
#[test]
fn token_files_that_are_not_to_be_trusted() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let good = json!({"provider": "cognito_m2m", "access_token": SECRET, "expires_at": 4e9}).to_string();
    let exposed = user(&[COGNITO]);
    let path = exposed.file(".oauth-tokens/ingress.json", &good);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    fails(&exposed, &["ingress"], 2, "can be read by others (mode 644)", "chmod 600");

    let linked = user(&[COGNITO]);
    let real = linked.file("elsewhere.json", &good);
    linked.file(".oauth-tokens/other.json", "{}");
    symlink(&real, linked.project().join(".oauth-tokens/ingress.json")).unwrap();
    fails(&linked, &["ingress"], 2, "is a symbolic link", "remove the link");
    assert_eq!(std::fs::read_to_string(real).unwrap(), good);

    for text in [
        "{\"access_token\": \"hunter2",
        "[]",
        "hunter2",
        "{}",
        "{\"access_token\": \"hunter2\", \"expires_at\": []}",
    ] {
        let corrupt = user(&[COGNITO]);
        corrupt.file(".oauth-tokens/ingress.json", text);
        fails(&corrupt, &["ingress"], 2, "is not a token file", "away, then run: mcpauth ingress");
    }

    let secret = user(&[COGNITO]);
    let path = secret.file("secret.txt", SECRET);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    aborts(
        &secret,
        &["ingress", "--client-secret-file", "secret.txt"],
        2,
        "can be read by others",
        "chmod 600",
    );
}

#[cfg(unix)]
#[test]
fn agent_files_that_do_not_do() {
    use std::os::unix::fs::PermissionsExt;
    let agent = |text: &str| {
        let user = user(&[]);
        let path = user.file(".oauth-tokens/agent-a.json", text);
        (user, path)
    };
    let with = |name: &str, value: Value| {
        let mut object =
            json!({"client_id": "agent", "client_secret": SECRET, "keycloak_url": "https://kc.test"});
        object[name] = value;
        object.to_string()
    };
    for (text, message, hint) in [
        ("{\"client_secret\": \"hunter2".to_owned(), "not a JSON object", "correct"),
        ("[]".to_owned(), "not a JSON object", "correct"),
        (with("client_id", Value::Null), "is missing client_id", "client_id"),
        (with("client_secret", json!("")), "is missing client_secret", "client_secret"),
        (with("keycloak_url", json!(5)), "is missing keycloak_url", "keycloak_url"),
        (with("keycloak_url", json!("kc.test")), "not a URL", "agent-a.json"),
        (with("keycloak_realm", json!("../x")), "invalid name", "realm"),
        (with("keycloak_url", json!("http://kc.test")), "plain http", "--allow-http"),
    ] {
        fails(&agent(&text).0, &["keycloak"], 2, message, hint);
    }
    let (exposed, path) = agent(&with("x", json!(1)));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    fails(&exposed, &["keycloak"], 2, "can be read by others", "chmod 600");
    fails(&user(&[]), &["keycloak", "--agent-name", "agent-b"], 2, "does not exist", "client_secret");
    fails(&user(&[]), &["keycloak", "--agent-name", "../agent-b"], 2, "invalid name", "agent");
}

fn idp() -> Idp {
    let clients =
        vec![IdpClient::machine("agent", SECRET, &["read"]), IdpClient::machine("gate", SECRET, &["read"])];
    Idp::start(Options { clients, ..Options::default() }).unwrap()
}

#[test]
fn an_identity_provider_that_says_no_or_nothing() {
    let idp = idp();
    let at = |verb: &'static str, issuer: &str, secret: &str| {
        let settings = if verb == "ingress" { COGNITO } else { AGENTCORE };
        let mut user = user(&[settings]);
        user.env("INGRESS_OAUTH_ISSUER", issuer).env("AGENTCORE_ISSUER_1", issuer);
        user.env("INGRESS_OAUTH_CLIENT_SECRET", secret).env("AGENTCORE_CLIENT_SECRET_1", secret);
        (user, verb)
    };
    let html = "<html><body>hunter2: down for maintenance</body></html>";
    for verb in ["ingress", "agentcore"] {
        let cases = [
            (idp.issuer().to_owned(), "hunter2-wrong", 4, "invalid_client", "check client id and secret"),
            (nobody(), SECRET, 5, "cannot connect to 127.0.0.1", "the network"),
            (answering(503, html), SECRET, 5, "HTTP 503", "try again"),
            (answering(200, html), SECRET, 2, "127.0.0.1", "issuer"),
            (answering(404, html), SECRET, 2, "publishes no usable metadata", "issuer"),
            ("http://idp.test".into(), SECRET, 2, "plain http", "--allow-http"),
        ];
        for (issuer, secret, code, message, hint) in cases {
            let (user, verb) = at(verb, &issuer, secret);
            fails(&user, &[verb], code, message, hint);
            assert!(!user.project().join(".oauth-tokens/ingress.json").exists());
        }
    }
    for (status, code, message) in
        [(503, 5, "HTTP 503"), (200, 5, "neither a JSON object"), (401, 5, "HTTP 401")]
    {
        let mut user = user(&[COGNITO]);
        user.env("INGRESS_OAUTH_TOKEN_URL", answering(status, html));
        fails(&user, &["ingress"], code, message, "mcpauth ingress");
    }
    let echo = r#"{"error": "invalid_client", "error_description": "hunter2-0123456789 is wrong\u001b[31m"}"#;
    let mut echoing = user(&[COGNITO]);
    echoing.env("INGRESS_OAUTH_TOKEN_URL", answering(400, echo));
    fails(&echoing, &["ingress"], 4, "invalid_client", "check client id and secret");
}

#[test]
fn some_of_several_is_three_and_the_others_still_run() {
    let idp = idp();
    let mut user = user(&[COGNITO, AGENTCORE]);
    user.env("INGRESS_OAUTH_ISSUER", nobody()).env("AGENTCORE_ISSUER_1", idp.issuer());
    let object = run(&user, &["generate", "--json"], 3).json();
    let statuses: Vec<_> =
        object["results"].as_array().unwrap().iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["failed", "obtained", "skipped", "skipped"]);
    user.env("AGENTCORE_ISSUER_1", nobody());
    run(&user, &["generate", "--force"], 5);
    user.env("AGENTCORE_ISSUER_1", idp.issuer()).env("AGENTCORE_CLIENT_SECRET_1", "hunter2-wrong");
    run(&user, &["generate", "--force"], 3);
}

#[test]
fn provider_files_of_ones_own_that_do_not_parse() {
    let ran = run(&user(&[]), &["providers", "check"], 0);
    assert!(ran.stdout.contains("providers are fine"), "{}", ran.stdout);
    for (text, part) in [
        ("display_name: [", "bad.yaml"),
        ("display_name: Bad\nnonsense: 1\n", "nonsense"),
        ("display_name: Bad\nissuer: http://desk.test\n", "not https"),
    ] {
        let user = user(&[]);
        user.provider("bad", text);
        let ran = run(&user, &["providers", "check"], 7);
        assert!(ran.stdout.contains(part), "{part}\n{}", ran.stdout);
        let object = run(&user, &["providers", "check", "--json"], 7).json();
        assert_eq!((&object["ok"], object["problems"].as_array().unwrap().len()), (&json!(false), 1));
    }
    let user = user(&[]);
    user.provider("bad", "display_name: [");
    aborts(&user, &["providers", "show", "bad"], 2, "bad.yaml", "mcpauth providers check");
    aborts(&user, &["configure", "--provider", "bad"], 2, "bad.yaml", "mcpauth providers check");
}

#[test]
fn a_registry_that_cannot_be_read_is_said_and_stops_nothing() {
    let mut user = user(&[]);
    user.file("servers/x.json", "{");
    user.file("servers/time.json", r#"{"path": "/time", "auth_type": "none"}"#);
    user.env("REGISTRY_URL", "https://gw.test");
    for args in
        [&["config", "render", "--client", "roo"][..], &["config", "install", "--client", "roo"], &["env"]]
    {
        let said = user.run(args).code(0).stderr;
        assert!(said.contains("x.json: EOF") && said.contains("correct the file"), "{args:?}: {said}");
    }
}
