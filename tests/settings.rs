//! Where settings come from: which source wins, what is shown of them, which sets count, and what a `.env` line
//! means.
#![cfg(test)]

use mcpauth::demo::idp::IdpEvent;
use serde_json::Value;

use crate::support::User;
use crate::support::wire::ingress_idp;

/// A setting as `config show --origin --json` has it.
#[track_caller]
fn shown(user: &User, args: &[&str], name: &str) -> (String, String) {
    let args = [&["config", "show", "--origin", "--json"], args].concat();
    let object = user.run(&args).code(0).json();
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{name}: {object}")).to_owned();
    (text(&object["settings"][name]["value"]), text(&object["settings"][name]["origin"]))
}

#[test]
fn a_flag_wins_over_the_environment_over_files_over_the_default() {
    let mut user = User::new();
    let env = user.file("own.env", "# first\nMCPAUTH_STORAGE=auto\n");
    let at_line_two = format!("{}:2", env.display());
    let storage = |user: &User, args: &[&str]| shown(user, args, "MCPAUTH_STORAGE");
    let named = ["--env-file", "own.env"];
    let flag = ["--env-file", "own.env", "--storage", "file"];
    assert_eq!(storage(&user, &flag), ("file".into(), "flag".into()));
    assert_eq!(storage(&user, &named), ("auto".into(), at_line_two));
    user.env("MCPAUTH_STORAGE", "keyring");
    assert_eq!(storage(&user, &named), ("keyring".into(), "environment".into()));
    assert_eq!(storage(&user, &flag), ("file".into(), "flag".into()));
    assert_eq!(storage(&User::new(), &[]), ("file".into(), "default".into()));
}

#[test]
fn an_empty_value_counts_as_absent_at_every_level() {
    let mut user = User::new();
    user.file("a.env", "AWS_REGION=eu-west-1\n");
    user.file("b.env", "AWS_REGION=\n");
    user.env("AWS_REGION", "");
    let files = ["--env-file", "a.env", "--env-file", "b.env"];
    assert_eq!(shown(&user, &files, "AWS_REGION").0, "eu-west-1");
    assert_eq!(shown(&user, &[], "AWS_REGION"), ("us-east-1".into(), "default".into()));
}

#[test]
fn the_three_places_of_the_reference_are_read_and_named_files_replace_them() {
    let user = User::new();
    user.file("credentials-provider/agentcore-auth/.env", "A=1\nAWS_REGION=r3\nTENANT=t3\nDOMAIN=d3\n");
    user.file("credentials-provider/oauth/.env", "AWS_REGION=r2\nTENANT=t2\n");
    user.file(".env", "AWS_REGION=r1\n");
    let value = |args: &[&str], name: &str| shown(&user, args, name).0;
    assert_eq!(["AWS_REGION", "TENANT", "DOMAIN"].map(|name| value(&[], name)), ["r1", "t2", "d3"]);
    user.file("one.env", "AWS_REGION=one\nTENANT=one\n");
    user.file("two.env", "AWS_REGION=two\nAWS_REGION=three\n");
    let files = ["--env-file", "one.env", "--env-file", "two.env"];
    assert_eq!((value(&files, "AWS_REGION"), value(&files, "TENANT")), ("three".into(), "one".into()));
    let ran = user.run(&["config", "show", "--env-file", "one.env"]).code(0);
    assert!(!ran.stdout.contains("DOMAIN"), "{}", ran.stdout);
}

#[test]
fn the_domain_in_agentcores_own_file_is_not_the_ingress_clients() {
    let (gateway, agentcore) = (ingress_idp("s1"), ingress_idp("s2"));
    let user = User::new();
    user.file(
        "credentials-provider/agentcore-auth/.env",
        &format!("COGNITO_DOMAIN={}\n", agentcore.issuer()),
    );
    let lines = format!(
        "INGRESS_OAUTH_ISSUER={}\nINGRESS_OAUTH_CLIENT_ID=agent\nINGRESS_OAUTH_CLIENT_SECRET=s1\n\
         AGENTCORE_CLIENT_ID_1=agent\nAGENTCORE_CLIENT_SECRET_1=s2\n",
        gateway.issuer()
    );
    user.file(".env", &lines);
    user.run(&["ingress"]).code(0);
    user.run(&["agentcore"]).code(0);
    assert_eq!((gateway.seen().len(), agentcore.seen().len()), (1, 1));
}

#[test]
fn what_is_shown_names_its_place_and_no_secret() {
    let mut user = User::new();
    let secrets =
        ["hunter2-ingress", "hunter2-egress", "hunter2-agentcore", "hunter2-keycloak", "hunter2-plain"];
    let names = [
        "INGRESS_OAUTH_CLIENT_SECRET",
        "EGRESS_OAUTH_CLIENT_SECRET_7",
        "AGENTCORE_CLIENT_SECRET_100",
        "KEYCLOAK_M2M_CLIENT_SECRET",
        "EGRESS_OAUTH_CLIENT_SECRET",
    ];
    let lines: String = names.iter().zip(secrets).map(|(name, value)| format!("{name}={value}\n")).collect();
    let env = user.file(".env", &lines);
    user.env("INGRESS_OAUTH_CLIENT_ID", "abc").env("UNRELATED_SETTING", "elsewhere");
    for args in
        [&["config", "show"][..], &["config", "show", "--origin"], &["config", "show", "--json", "-vv"]]
    {
        let ran = user.run(args).code(0);
        let all = ran.stdout + &ran.stderr;
        assert!(!all.contains("hunter2") && !all.contains("elsewhere"), "{all}");
        assert!(names.iter().all(|name| all.contains(name)), "{all}");
    }
    let text = user.run(&["config", "show", "--origin"]).code(0).stdout;
    for line in [
        format!("EGRESS_OAUTH_CLIENT_SECRET_7=[redacted]  ({}:2, found)", env.display()),
        "INGRESS_OAUTH_CLIENT_ID=abc  (environment)".into(),
        "AUTH_PROVIDER=cognito  (default)".into(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let object = user.run(&["config", "show", "--json"]).code(0).json();
    assert_eq!(object["settings"]["INGRESS_OAUTH_CLIENT_SECRET"]["value"], "[redacted]");
    assert_eq!(object["version"], 1);
}

#[test]
fn every_variable_that_a_run_reads_is_shown() {
    let mut user = User::new();
    let names = [
        "COGNITO_DOMAIN_2",
        "OAUTH_DOMAIN_2",
        "COGNITO_USER_POOL_ID_2",
        "AGENTCORE_ISSUER_1",
        "AGENTCORE_TOKEN_REQUEST_2",
        "AGENTCORE_CLIENT_AUTH_1",
        "AGENTCORE_PRIVATE_KEY_FILE_1",
        "AGENTCORE_KEY_ID_1",
        "AGENTCORE_SCOPE",
        "EGRESS_SITE",
        "EGRESS_OAUTH_CLIENT_AUTH",
        "EGRESS_OAUTH_PRIVATE_KEY_FILE",
        "EGRESS_OAUTH_KEY_ID",
        "MCPAUTH_STATE_DIR",
    ];
    for name in names {
        user.env(name, "some");
    }
    user.env("HOUSE", "some").provider(
        "tenants",
        "display_name: Tenants\nissuer: https://{{ house }}.test\nvariables: [{name: house, setting: HOUSE}]\n",
    );
    let object = user.run(&["config", "show", "--json"]).code(0).json();
    assert_eq!(object["settings"]["HOUSE"]["value"], "some", "fills a provider's endpoint");
    let hidden: Vec<_> = names.into_iter().filter(|name| object["settings"][name].is_null()).collect();
    assert!(hidden.is_empty(), "read, but not shown: {hidden:?}");
}

#[test]
fn numbered_sets_go_from_one_to_a_hundred_with_gaps() {
    let mut user = User::new();
    user.provider("desk", "display_name: Desk\nauthorization_endpoint: https://desk.test/a\ntoken_endpoint: https://desk.test/t\n");
    for n in ["0", "1", "17", "100", "101", "x"] {
        user.env(&format!("EGRESS_PROVIDER_NAME_{n}"), "desk")
            .env(&format!("EGRESS_MCP_SERVER_NAME_{n}"), format!("server-{n}"))
            .env(&format!("EGRESS_OAUTH_CLIENT_ID_{n}"), "id")
            .env(&format!("EGRESS_OAUTH_CLIENT_SECRET_{n}"), "hunter2")
            .env(&format!("EGRESS_OAUTH_REDIRECT_URI_{n}"), "http://localhost:8080/callback")
            .env(&format!("AGENTCORE_CLIENT_ID_{n}"), "id")
            .env(&format!("AGENTCORE_SERVER_NAME_{n}"), format!("gate-{n}"));
    }
    let names = |args: &[&str], code| -> Vec<String> {
        let results = user.run(args).code(code).json()["results"].clone();
        results.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    let egress = ["egress desk for server-1", "egress desk for server-17", "egress desk for server-100"];
    assert_eq!(names(&["egress", "--json"], 4), egress, "nobody is there to log in");
    let agentcore = ["agentcore gate-1", "agentcore gate-17", "agentcore gate-100"];
    assert_eq!(names(&["agentcore", "--json"], 2), agentcore, "their secrets are missing");
    assert_eq!(names(&["egress", "--json", "--config-set", "17"], 4), ["egress desk for server-17"]);
}

/// The file's text, and the secret it means: as python-dotenv reads it, which the registry's scripts use.
const CORPUS: [(&str, &str); 16] = [
    ("S=abc$def", "abc$def"),
    ("S=abc${HOME}def", "abc${HOME}def"),
    ("S=$(touch pwned)x", "$(touch pwned)x"),
    ("S=x\\y", "x\\y"),
    ("S=a#b", "a#b"),
    ("S=value #comment", "value"),
    ("export S=value", "value"),
    ("  S = value  ", "value"),
    ("S=\"abc$def\"", "abc$def"),
    ("S=\"a b#c\" # note", "a b#c"),
    ("S='it \"is\" $HOME \\n'", "it \"is\" $HOME \\n"),
    ("S=\"q\\\"q\"", "q\"q"),
    ("S=a\"b'c", "a\"b'c"),
    ("S=base64+/==", "base64+/=="),
    ("S=p%20q&r=s+t", "p%20q&r=s+t"),
    ("S=gr\u{fc}\u{df}e", "gr\u{fc}\u{df}e"),
];

#[test]
fn a_secret_arrives_at_the_identity_provider_as_the_file_means_it() {
    for (line, secret) in CORPUS {
        let idp = ingress_idp(secret);
        let mut user = User::new();
        let line = line.replacen('S', "INGRESS_OAUTH_CLIENT_SECRET", 1);
        for ending in ["\n", "\r\n", ""] {
            user.file(
                ".env",
                &format!(
                    "INGRESS_OAUTH_ISSUER={}\nINGRESS_OAUTH_CLIENT_ID=agent\n{line}{ending}",
                    idp.issuer()
                ),
            );
            for method in ["client_secret_post", "client_secret_basic"] {
                user.env("INGRESS_OAUTH_CLIENT_AUTH", method);
                user.run(&["ingress", "--force"]).code(0);
                let proven = matches!(idp.seen().last(), Some(IdpEvent::Token { ok: true, auth, .. }) if *auth == method);
                assert!(proven, "{line:?} by {method}");
            }
        }
        assert!(!user.project().join("pwned").exists(), "{line}");
    }
}

#[test]
fn lines_of_other_programs_are_passed_over_with_one_warning_that_shows_nothing_of_them() {
    let bad = [
        ("AWS_REGION=x\nINGRESS_OAUTH_CLIENT_SECRET=\"hunter2", &[2][..]),
        ("AWS_REGION=x\n\nINGRESS_OAUTH_CLIENT_SECRET='hunter2' hunter2\n", &[3]),
        ("INGRESS_OAUTH_CLIENT_SECRET hunter2\nAWS_REGION=x\nhunter2\n", &[1, 3]),
        ("hunter2-x=1\nexport HUNTER\nAWS_REGION=x\n", &[1, 2]),
    ];
    for (text, lines) in bad {
        for named in [&[][..], &["--env-file", ".env"]] {
            let user = User::new();
            let path = user.file(".env", text).display().to_string();
            let ran = user.run(&[named, &["config", "show"]].concat()).code(0);
            assert!(ran.stdout.contains("AWS_REGION=x\n"), "{}", ran.stdout);
            let places: Vec<String> = lines.iter().map(|line| format!("{path}:{line}")).collect();
            assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
            assert!(
                ran.stderr.contains(&places.join(", ")) && !ran.stderr.contains("hunter2"),
                "{}",
                ran.stderr
            );
        }
    }
}

#[test]
fn an_env_file_that_others_can_read_is_pointed_out_when_it_holds_a_secret() {
    use std::os::unix::fs::PermissionsExt;
    let user = User::new();
    let path = user.file(".env", "INGRESS_OAUTH_CLIENT_SECRET=s3cret-value\n");
    assert_eq!(user.run(&["config", "show"]).code(0).stderr, "");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = user.run(&["config", "show"]).code(0).stderr;
    assert!(said.contains("can be read by others") && said.contains("chmod 600"), "{said}");
    user.file(".env", "REGISTRY_URL=https://gw.test\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(user.run(&["config", "show"]).code(0).stderr, "");
}
