//! Setting up by flags alone: what is written, what of a file stays, and where the secret comes from.
#![cfg(test)]

use serde_json::json;

use crate::support::wire::ingress_idp;
use crate::support::{User, mode};

const SECRET: &str = "hunter2-0123456789";

fn text(user: &User, name: &str) -> String {
    std::fs::read_to_string(user.project().join(name)).unwrap()
}

#[test]
fn each_kind_writes_its_variables() {
    let cases: [(&[&str], String); 4] = [
        (
            &["--kind", "cognito", "--user-pool-id", "us-east-1_AbC", "--client-id", "abc"],
            format!(
                "AUTH_PROVIDER=cognito\nINGRESS_OAUTH_USER_POOL_ID=us-east-1_AbC\nINGRESS_OAUTH_CLIENT_ID=abc\n\
                 INGRESS_OAUTH_CLIENT_SECRET={SECRET}\n"
            ),
        ),
        (
            &[
                "--kind",
                "keycloak",
                "--keycloak-url",
                "https://kc.test",
                "--realm",
                "demo",
                "--client-id",
                "abc",
            ],
            format!(
                "AUTH_PROVIDER=keycloak\nKEYCLOAK_URL=https://kc.test\nKEYCLOAK_REALM=demo\nKEYCLOAK_M2M_CLIENT_ID=abc\n\
                 KEYCLOAK_M2M_CLIENT_SECRET={SECRET}\n"
            ),
        ),
        (
            &["--kind", "oidc", "--issuer", "https://idp.test/x", "--client-id", "abc"],
            format!(
                "AUTH_PROVIDER=oidc\nINGRESS_OAUTH_ISSUER=https://idp.test/x\nINGRESS_OAUTH_CLIENT_ID=abc\n\
                 INGRESS_OAUTH_CLIENT_SECRET={SECRET}\n"
            ),
        ),
        (
            &["--provider", "desk", "--client-id", "abc", "--scope", "read write", "--config-set", "7"],
            format!(
                "EGRESS_PROVIDER_NAME_7=desk\nEGRESS_OAUTH_CLIENT_ID_7=abc\nEGRESS_OAUTH_CLIENT_SECRET_7={SECRET}\n\
                 EGRESS_OAUTH_REDIRECT_URI_7=http://127.0.0.1:8080/callback\nEGRESS_OAUTH_SCOPE_7=\"read write\"\n\
                 EGRESS_MCP_SERVER_NAME_7=desk\n"
            ),
        ),
    ];
    for (flags, expected) in cases {
        let user = User::new();
        user.provider("desk", DESK);
        user.file("secret.txt", &format!("{SECRET}\n"));
        let args = [&["configure", "--yes", "--client-secret-file", "secret.txt"], flags].concat();
        let ran = user.run(&args).code(0);
        assert_eq!(text(&user, ".env"), expected);
        assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "{ran:?}");
        assert!(ran.stderr.contains("SECRET") && ran.stderr.contains("=[redacted]"), "{}", ran.stderr);
        assert!(ran.stdout.contains("mcpauth generate"), "{}", ran.stdout);
        #[cfg(unix)]
        assert_eq!(mode(&user.project().join(".env")), 0o600);
    }
}

const DESK: &str = "display_name: Desk\nauthorization_endpoint: https://desk.test/a\n\
                    token_endpoint: https://desk.test/t\nscopes: [read]\nredirect: {hosts: [127.0.0.1]}\n";
const TENANTS: &str = "display_name: Tenants\nauthorization_endpoint: https://{{ house }}.test/a\n\
                       token_endpoint: https://{{ house }}.test/t\nclient_secret: never\n\
                       variables: [{name: house, setting: HOUSE}]\n";

#[cfg(unix)]
#[test]
fn a_file_keeps_its_other_lines_and_is_closed_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let user = User::new();
    let env = user.file(
        ".env",
        "# my notes\nREGISTRY_URL=https://gw.mine  # kept\n\nexport INGRESS_OAUTH_CLIENT_ID = old\nINGRESS_OAUTH_CLIENT_ID_OF_MINE=x\nLAST=\"a b\"",
    );
    std::fs::set_permissions(&env, std::fs::Permissions::from_mode(0o644)).unwrap();
    let args = ["configure", "--kind", "oidc", "--issuer", "https://idp.test", "--client-id", "new", "--yes"];
    user.run_with(&[&args[..], &["--client-secret-file", "-"]].concat(), SECRET).code(0);
    let expected = format!(
        "# my notes\nREGISTRY_URL=https://gw.mine  # kept\n\nINGRESS_OAUTH_CLIENT_ID=new\nINGRESS_OAUTH_CLIENT_ID_OF_MINE=x\n\
         LAST=\"a b\"\nAUTH_PROVIDER=oidc\nINGRESS_OAUTH_ISSUER=https://idp.test\nINGRESS_OAUTH_CLIENT_SECRET={SECRET}\n"
    );
    assert_eq!(text(&user, ".env"), expected);
    assert_eq!(mode(&env), 0o600);
    user.run_with(&[&args[..], &["--client-secret-file", "-"]].concat(), SECRET).code(0);
    assert_eq!(text(&user, ".env"), expected, "a second time changes nothing");
}

#[test]
fn json_names_the_file_and_the_variables_and_no_value() {
    let user = User::new();
    user.provider("tenants", TENANTS);
    let args =
        ["configure", "--json", "--provider", "tenants", "--client-id", "abc", "--set", "HOUSE=h", "--yes"];
    let ran = user.run(&[&args[..], &["--write", "other.env"]].concat()).code(0);
    let variables = [
        "EGRESS_PROVIDER_NAME_1",
        "EGRESS_OAUTH_CLIENT_ID_1",
        "EGRESS_OAUTH_REDIRECT_URI_1",
        "EGRESS_MCP_SERVER_NAME_1",
        "HOUSE",
    ];
    let path = user.project().join("other.env");
    assert_eq!(ran.json(), json!({"version": 1, "path": path, "variables": variables}));
    assert!(!user.project().join(".env").exists());
}

#[test]
fn the_next_set_takes_the_first_free_number() {
    let user = User::new();
    user.provider("tenants", TENANTS);
    user.file(".env", "EGRESS_OAUTH_CLIENT_ID_1=a\nEGRESS_OAUTH_CLIENT_ID_3=c\nHOUSE=h\n");
    let mut args = vec!["configure", "--provider", "tenants", "--yes", "--server-name", "s", "--client-id"];
    let refused = user.run(&[&args[..], &["b"]].concat()).code(2);
    assert!(refused.stderr.contains("HOUSE") && refused.stderr.contains("--env-file"), "{}", refused.stderr);
    // The secret would be next to an address that a found file names; so the file is named.
    args.splice(0..0, ["--env-file", ".env"]);
    user.run(&[&args[..], &["b"]].concat()).code(0);
    let at = args.iter().position(|word| *word == "s").unwrap();
    args[at] = "another";
    user.run(&[&args[..], &["d"]].concat()).code(0);
    let text = text(&user, ".env");
    for line in [
        "EGRESS_OAUTH_CLIENT_ID_1=a",
        "EGRESS_OAUTH_CLIENT_ID_2=b",
        "EGRESS_OAUTH_CLIENT_ID_3=c",
        "EGRESS_OAUTH_CLIENT_ID_4=d",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn a_file_that_is_written_is_the_one_whose_sets_count() {
    let user = User::new();
    user.provider("tenants", TENANTS);
    user.file("other.env", "EGRESS_OAUTH_CLIENT_ID_1=theirs\n");
    let args = ["configure", "--provider", "tenants", "--client-id", "b", "--set", "HOUSE=h", "--yes"];
    user.run(&[&args[..], &["--write", "other.env"]].concat()).code(0);
    let text = text(&user, "other.env");
    assert!(
        text.starts_with("EGRESS_OAUTH_CLIENT_ID_1=theirs\n") && text.contains("CLIENT_ID_2=b"),
        "{text}"
    );
}

#[test]
fn what_is_written_is_read_back_as_it_was_given() {
    for secret in ["a$b", "x\\y", "a#b c", "q\"q'q", "${HOME}", "$(id)", "\\n", "p=q==", "gr\u{fc}n"] {
        let idp = ingress_idp(secret);
        let user = User::new();
        let args = ["configure", "--kind", "oidc", "--issuer", idp.issuer(), "--client-id", "agent", "--yes"];
        user.run_with(&[&args[..], &["--client-secret-file", "-"]].concat(), secret).code(0);
        user.run(&["ingress"]).code(0);
    }
}

#[test]
fn without_a_yes_and_a_terminal_nothing_is_written() {
    let user = User::new();
    let args = ["configure", "--kind", "oidc", "--issuer", "https://idp.test", "--client-id", "new"];
    let ran = user.run_with(&[&args[..], &["--client-secret-file", "-"]].concat(), SECRET).code(2);
    assert!(ran.stderr.contains("--yes") && !ran.stderr.contains(SECRET), "{}", ran.stderr);
    assert!(!user.project().join(".env").exists());
}

#[test]
fn what_could_not_be_read_again_is_refused_and_the_file_stays() {
    let cases: [(&[&str], &str, &str); 7] = [
        (&["--set", "BAD NAME=x"], SECRET, "--set"),
        (&["--set", "=x"], SECRET, "--set"),
        (&["--set", "NAME"], SECRET, "--set"),
        (&["--set", "MY_CLIENT_SECRET=x"], SECRET, "--client-secret-file"),
        (&["--issuer", "idp.test"], SECRET, "INGRESS_OAUTH_ISSUER"),
        (&["--issuer", "https://me:pw@idp.test"], SECRET, "INGRESS_OAUTH_ISSUER"),
        (&[], " \n", "empty"),
    ];
    for (flags, secret, part) in cases {
        let user = User::new();
        user.file(".env", "A=1\n");
        let mut args =
            vec!["configure", "--kind", "oidc", "--client-id", "new", "--yes", "--client-secret-file", "-"];
        if !flags.contains(&"--issuer") {
            args.extend(["--issuer", "https://idp.test"]);
        }
        let ran = user.run_with(&[&args[..], flags].concat(), secret).code(2);
        assert!(ran.stderr.contains(part) && !ran.stderr.contains(SECRET), "{part}\n{}", ran.stderr);
        assert_eq!(text(&user, ".env"), "A=1\n");
    }
}
