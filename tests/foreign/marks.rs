//! Byte order marks, line endings and Windows encodings, in every kind of file that we read.

use serde_json::json;

use crate::support::User;
use crate::support::wire::ingress_idp;

const SECRET: &str = "hunter2-0123456789";

/// How a text may be stored in a file: plain; with the mark; with the mark, its line endings and one more; in UTF-16.
const WAYS: [fn(&str) -> Vec<u8>; 5] = [
    |text| text.into(),
    |text| format!("\u{feff}{text}").into(),
    |text| format!("\u{feff}{}\r\n", text.replace('\n', "\r\n")).into(),
    |text| format!("{text}\n\n").into(),
    |text| format!("\u{feff}{text}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect(),
];

fn lay(user: &User, name: &str, bytes: Vec<u8>) -> String {
    let path = user.file(name, "");
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

#[test]
fn token_files() {
    for way in WAYS {
        let user = User::new();
        let token = json!({"provider": "notes", "access_token": "E-notes", "expires_at": null});
        lay(&user, ".oauth-tokens/notes-egress.json", way(&token.to_string()));
        let headers = user.run(&["headers", "notes"]).code(0).json();
        assert_eq!(headers["Authorization"], "Bearer E-notes");
        let path = user.project().join(".oauth-tokens/notes-egress.json").display().to_string();
        user.run(&["inspect", &path]).code(0);
        let rows = user.run(&["status", "--json"]).code(0).json().to_string();
        assert!(rows.contains("notes"), "{rows}");
    }
}

#[test]
fn agents_files() {
    let idp = ingress_idp(SECRET);
    for way in WAYS {
        let mut user = User::new();
        user.env("INGRESS_OAUTH_ISSUER", "");
        let agent = json!({
            "client_id": "agent", "client_secret": SECRET, "keycloak_url": idp.issuer(), "keycloak_realm": "demo"
        });
        lay(&user, ".oauth-tokens/agent-x.json", way(&agent.to_string()));
        let ran = user.run(&["status", "--json"]).code(0);
        assert!(!ran.stderr.contains("JSON"), "{}", ran.stderr);
        let ran = user.run(&["keycloak", "--agent-name", "agent-x"]);
        let said = ran.stdout + &ran.stderr;
        assert!(!said.contains("not a JSON object"), "{said}");
        // Whatever is at that address: the secret was read completely, and without its marks.
        assert!(said.contains("/realms/demo/") || said.contains("agent-x"), "{said}");
    }
}

#[test]
fn secret_files_and_standard_input() {
    let idp = ingress_idp(SECRET);
    for way in WAYS {
        let user = User::new();
        let file = lay(&user, "secret.txt", way(SECRET));
        let args = [
            "configure",
            "--kind",
            "oidc",
            "--issuer",
            idp.issuer(),
            "--client-id",
            "agent",
            "--yes",
            "--client-secret-file",
        ];
        user.run(&[&args[..], &[&file]].concat()).code(0);
        let written = std::fs::read_to_string(user.project().join(".env")).unwrap();
        assert!(written.contains(&format!("INGRESS_OAUTH_CLIENT_SECRET={SECRET}\n")), "{written}");
        user.run(&["ingress"]).code(0);
    }
    for text in [format!("\u{feff}{SECRET}\r\n"), format!("{SECRET}\n"), SECRET.to_owned()] {
        let user = User::new();
        let args = [
            "configure",
            "--kind",
            "oidc",
            "--issuer",
            idp.issuer(),
            "--client-id",
            "agent",
            "--yes",
            "--client-secret-file",
            "-",
        ];
        user.run_with(&args, &text).code(0);
        user.run(&["ingress"]).code(0);
    }
}

#[test]
fn key_files() {
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    for way in WAYS {
        let mut user = User::new();
        let file = lay(&user, "key.pem", way(&pem));
        user.env("INGRESS_OAUTH_ISSUER", crate::support::nobody())
            .env("AUTH_PROVIDER", "oidc")
            .env("INGRESS_OAUTH_CLIENT_ID", "agent")
            .env("INGRESS_OAUTH_PRIVATE_KEY_FILE", file);
        let ran = user.run(&["ingress"]);
        let said = ran.stdout + &ran.stderr;
        assert!(!said.contains("has no PEM private key"), "{said}");
    }
}

#[test]
fn provider_files() {
    for way in WAYS {
        let user = User::new();
        let config = user.home().with_file_name("config/providers/desk.yaml");
        let text = "display_name: Desk\nauth_url: https://desk.test/a\ntoken_url: https://desk.test/t\n";
        std::fs::write(config, way(text)).unwrap();
        let ran = user.run(&["providers", "show", "desk"]).code(0);
        assert!(ran.stdout.contains("https://desk.test/t"), "{}", ran.stdout);
    }
}

#[test]
fn the_gateways_files() {
    for way in WAYS {
        let user = User::new();
        lay(
            &user,
            "gateway.yaml",
            way(
                "issuers: [{issuer: 'https://idp.test', audience: [a]}]\nsession_key: key\nrevocation_list: revoked\n",
            ),
        );
        lay(
            &user,
            "scopes.yml",
            way("group_mappings: {g: [read]}\nread: [{server: a, methods: ['tools/list'], tools: [x]}]\n"),
        );
        lay(&user, "servers/a.json", way(r#"{"path": "/a", "proxy_pass_url": "http://a"}"#));
        lay(&user, "servers/server_state.json", way(r#"{"/a": true}"#));
        lay(&user, "key", way(&"k".repeat(40)));
        lay(&user, "revoked", way("jti: one\nsub: two\n"));
        let ran = user.run(&["gateway", "check"]).code(0);
        assert!(ran.stdout.contains("is fine (issuers: 1, servers: 1)"), "{}", ran.stdout);
        let tests = lay(
            &user,
            "tests.yaml",
            way("- {name: t, groups: [g], server: a, method: tools/list, expect: allow}\n"),
        );
        user.run(&["gateway", "test", &tests]).code(0);
    }
}
