//! A server that repeats what it was sent, and a program that we start: neither reveals a secret of ours.
#![cfg(test)]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::support::User;
use crate::support::wire::{Asked, Scripted};

const SECRET: &str = "s3cr3t/+ =&<\"'\\%41\u{e9}-of-the-client";

fn form(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The spellings that a server may echo.
fn spellings() -> Vec<String> {
    let every = |with: fn(u8) -> String| SECRET.bytes().map(with).collect::<String>();
    let basic = format!("client:{SECRET}");
    let encoded = format!("client:{}", form(SECRET));
    vec![
        SECRET.into(),
        form(SECRET),
        form(SECRET).replace('+', "%20"),
        every(|byte| format!("%{byte:02x}")),
        every(|byte| format!("%25{byte:02X}")),
        json!(SECRET).to_string().replace('/', "\\/"),
        SECRET.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
        SECRET.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('\'', "&#39;"),
        SECRET.chars().map(|c| format!("&#x{:x};", u32::from(c))).collect(),
        STANDARD.encode(&basic),
        STANDARD.encode(&encoded),
        form(&STANDARD.encode(&encoded)),
        URL_SAFE_NO_PAD.encode(&basic),
        format!("Basic {}", STANDARD.encode(format!("another-id:{SECRET}"))),
    ]
}

/// A provider's answer with this text in it.
type Answer = fn(&str) -> (u16, serde_json::Value);

#[test]
fn a_secret_that_comes_back_encoded_is_not_printed() {
    // In an error, and in the type of a token, which is shown if it is not Bearer.
    let answers: [Answer; 2] = [
        |text| (401, json!({"error": "invalid_client", "error_description": format!("got {text} from you")})),
        |text| (200, json!({"access_token": "t", "token_type": text})),
    ];
    for (spelling, answer) in spellings().iter().flat_map(|text| answers.map(|answer| (text.clone(), answer)))
    {
        let echoed = spelling.clone();
        let server = Scripted::start(move |_: &Asked| {
            let (status, body) = answer(&echoed);
            (status, body.to_string())
        });
        for auth in ["client_secret_basic", "client_secret_post"] {
            let mut user = User::new();
            user.oidc(&server.base, "client", SECRET)
                .env("INGRESS_OAUTH_TOKEN_URL", format!("{}/token", server.base))
                .env("INGRESS_OAUTH_CLIENT_AUTH", auth);
            let ran = user.run(&["ingress", "-vv"]);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(said.contains("[redacted]"), "{spelling}: {said}");
            let inner = spelling.trim_matches('"').get(..spelling.len().min(24)).unwrap_or(&spelling);
            assert!(!said.contains(inner), "{spelling}: {said}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_command_inherits_no_secret_of_ours() {
    let mut user = super::user();
    let ours = [
        "INGRESS_OAUTH_CLIENT_SECRET",
        "KEYCLOAK_M2M_CLIENT_SECRET",
        "EGRESS_OAUTH_CLIENT_SECRET",
        "EGRESS_OAUTH_CLIENT_SECRET_1",
        "EGRESS_OAUTH_CLIENT_SECRET_7",
        "EGRESS_OAUTH_CLIENT_SECRET_100",
        "AGENTCORE_CLIENT_SECRET_12",
        "MCP_AUTH_TOKEN",
    ];
    for name in ours {
        user.env(name, "value-of-ours");
    }
    // Clients of the user's own providers have names of their own.
    user.provider("acme", "display_name: Acme\nissuer: https://acme.test\nsettings_prefix: ACME\n");
    user.env("ACME_CLIENT_SECRET", "value-of-ours").env("ACMES_SECRET", "another");
    user.env("GITHUB_TOKEN", "value-of-theirs").env("AWS_REGION", "eu-west-1");
    for servers in [&["notes"][..], &["notes", "tracker"]] {
        let ran = user.run(&[&["exec"], servers, &["--", "env"]].concat()).code(0);
        assert!(!ran.stdout.contains("value-of-ours"), "{}", ran.stdout);
        assert!(ran.stdout.contains("GITHUB_TOKEN=value-of-theirs"), "{}", ran.stdout);
        assert!(ran.stdout.contains("ACMES_SECRET=another"), "{}", ran.stdout);
        // What is handed out on purpose is, to the requested server.
        let given = format!("MCP_AUTH_TOKEN={}", super::INGRESS);
        assert_eq!(ran.stdout.contains(&given), servers.len() == 1, "{}", ran.stdout);
        assert!(ran.stdout.contains("MCPAUTH_NOTES_X_AUTHORIZATION="), "{}", ran.stdout);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_browser_inherits_no_secret_of_ours() {
    use crate::support::wire::{callback, get, idp};
    let idp = idp(3600);
    let mut user = User::new();
    let opener = user.file("opener", "#!/bin/sh\nenv > \"$OPENED.part\"\necho \"$1\" >> \"$OPENED.part\"\nmv \"$OPENED.part\" \"$OPENED\"\n");
    std::fs::set_permissions(&opener, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let opened = user.project().join("opened");
    user.tracker("tracker", 1, idp.issuer(), "http://127.0.0.1:0/callback", "");
    user.env("BROWSER", opener.display().to_string())
        .env("OPENED", opened.display().to_string())
        .env("EGRESS_OAUTH_CLIENT_SECRET_7", "value-of-ours")
        .env("MCP_AUTH_TOKEN", "value-of-ours");
    let mut running = user.start(&["egress", "--browser"]);
    let url = running.url();
    // It is over when the opener has been: nobody waits for it by the clock.
    let from = std::time::Instant::now();
    while !opened.exists() && from.elapsed() < crate::support::wire::TEST_TIMEOUT {
        std::thread::yield_now();
    }
    let seen = std::fs::read_to_string(&opened).unwrap();
    get(&callback(&url, "error=access_denied"));
    running.end();
    assert!(seen.contains("/authorize?") && seen.contains("BROWSER="), "{seen}");
    assert!(!seen.contains("value-of-ours") && !seen.contains("CLIENT_SECRET"), "{seen}");
}
