//! Other people's text is never a terminal command: not in a table, a text, JSON or an error, whether stdout is a
//! terminal or a pipe. A token that contains one is rejected.
#![cfg(test)]

use serde_json::{Value, json};

use super::user;
use crate::support::upstream::{Upstream, say};
use crate::support::wire::Scripted;
use crate::support::{Ran, User};

/// One of each kind: C0, escape, DEL, C1, bidirectional, separators, invisible ones.
const EVIL: &str = "e\u{7}\u{8}\u{1b}[2J\u{1b}]0;x\u{7}\u{7f}\u{9b}31m\u{85}\u{202e}\u{2066}\u{200e}\u{61c}\u{2028}\u{2029}\u{200b}\u{feff}\u{ad}l";

#[track_caller]
fn is_harmless(ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        let raw: Vec<char> = text.chars().filter(|c| EVIL.contains(*c) && !c.is_ascii_graphic()).collect();
        assert!(raw.is_empty(), "{raw:?} in {text:?}");
    }
}

#[test]
fn a_servers_words_are_shown_and_not_obeyed() {
    let server = Upstream::start(|seen, stream| {
        let message = seen.message();
        let info = json!({"name": EVIL, "version": EVIL});
        let result = match message["method"].as_str().unwrap_or_default() {
            "server/discover" => json!({"supportedVersions": ["2026-07-28"], "serverInfo": info}),
            "tools/list" => json!({"tools": [{"name": EVIL, "description": EVIL,
                                              "inputSchema": {"type": "object", "properties": {EVIL: {}}}}]}),
            "tools/call" if message["params"]["name"] == "fails" => {
                let error = json!({"code": 1, "message": EVIL, "data": EVIL});
                let answer = json!({"jsonrpc": "2.0", "id": message["id"], "error": error});
                return say(
                    stream,
                    "200 OK\r\ncontent-type: application/json",
                    answer.to_string().as_bytes(),
                );
            }
            "tools/call" => json!({"isError": message["params"]["name"] == "wrong",
                                   "content": [{"type": "text", "text": EVIL}, {"type": EVIL}]}),
            _ => json!({}),
        };
        let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
        say(stream, "200 OK\r\ncontent-type: application/json", answer.to_string().as_bytes());
    });
    let user = User::new();
    let url = format!("{}/mcp", server.base);
    for line in ["probe", "ping", "list", "call good", "call wrong", "call fails"] {
        for more in [&[][..], &["--json"], &["-vv"], &["--color", "always"]] {
            let words: Vec<&str> = line.split(' ').collect();
            let ran = user.run(&[&words, more, &["--url", &url]].concat());
            let ours = ["\u{1b}[1m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[0m"];
            let plain = |text: &str| ours.iter().fold(text.to_owned(), |text, own| text.replace(own, ""));
            is_harmless(&Ran { code: ran.code, stdout: plain(&ran.stdout), stderr: plain(&ran.stderr) });
            if more == ["--json"] && ran.code == Some(0) && line == "call good" {
                assert_eq!(ran.json()["content"][0]["text"], EVIL, "JSON loses nothing");
            }
        }
    }
    assert!(user.run(&["call", "good", "--url", &url]).code(0).stdout.contains("\\u{1b}[2J"));
}

/// A claim, a provider's error, a name in a file.
#[test]
fn whoever_wrote_it() {
    use base64::Engine;
    let mut user = user();
    let encode = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"iss": EVIL, "sub": EVIL, "scope": EVIL, EVIL: EVIL, "exp": 4_000_000_000u64});
    let token = format!("{}.{}.c2ln", encode(&json!({"alg": "none", "kid": EVIL})), encode(&claims));
    user.file("token.txt", &token);
    for more in [&[][..], &["--json"]] {
        is_harmless(&user.run_with(&[&["inspect", "-"], more].concat(), &token));
    }
    let server = Scripted::start(|_| (400, json!({"error": EVIL, "error_description": EVIL}).to_string()));
    user.oidc(&server.base, "c", "s")
        .env("INGRESS_OAUTH_TOKEN_URL", format!("{}/token", server.base))
        .env("INGRESS_OAUTH_SCOPE", EVIL.replace('\u{7}', ""));
    for line in ["ingress --force", "generate --force", "config show --origin", "status", "doctor"] {
        for more in [&[][..], &["--json"]] {
            let words: Vec<&str> = line.split(' ').collect();
            is_harmless(&user.run(&[&words, more].concat()));
        }
    }
    let file = json!({"server_name": EVIL, "path": format!("/{EVIL}"), "proxy_pass_url": "http://127.0.0.1:1", "auth_type": "none"});
    user.file("servers/evil.json", &file.to_string());
    for line in [
        "headers nobody",
        "config render --client vscode",
        "config install --client codex",
        "env",
        "doctor --offline",
    ] {
        is_harmless(&user.run(&line.split(' ').collect::<Vec<_>>()));
    }
}

#[test]
fn a_token_with_a_control_character_is_refused_where_it_comes_in() {
    for token in [
        "a\nb",
        "a\r\nX-Evil: b",
        "a\u{1b}[2Jb",
        "a\u{0}b",
        "a\u{7f}b",
        "a\u{85}b",
        "t\u{202e}oken",
        "tok\u{e9}n",
    ] {
        for (access, refresh) in [(token, "r"), ("t", token)] {
            let server = Scripted::start(move |_| {
                (200, json!({"access_token": access, "refresh_token": refresh, "expires_in": 60}).to_string())
            });
            let mut user = User::new();
            user.oidc(&server.base, "c", "s")
                .env("INGRESS_OAUTH_TOKEN_URL", format!("{}/token", server.base));
            let ran = user.run(&["ingress"]);
            assert_ne!(ran.code, Some(0), "{token:?}");
            assert!(ran.stderr.contains("control character"), "{ran:?}");
            assert!(!user.project().join(".oauth-tokens/ingress.json").exists());
        }
        // From a file, no matter who wrote it.
        let user = user();
        let stored = json!({"provider": "oidc", "access_token": token, "expires_at": 4_000_000_000u64, "client_id": "c"});
        user.file(".oauth-tokens/ingress.json", &stored.to_string());
        user.file("token.txt", token);
        for line in
            ["token ingress", "headers notes", "ping --url http://127.0.0.1:9/ --token-file token.txt"]
        {
            let ran = user.run(&line.split(' ').collect::<Vec<_>>());
            assert_ne!(ran.code, Some(0), "{line} {token:?}");
            assert!(ran.stderr.contains("control character"), "{line}: {ran:?}");
            assert!(ran.stdout.is_empty(), "{line}: {ran:?}");
        }
    }
}

/// A script may pass on a name that it got from others.
#[test]
fn what_was_typed_is_not_repeated_raw() {
    let user = user();
    let evil = EVIL.replace('\0', "");
    let flag = format!("--{evil}");
    for words in [
        &[evil.as_str()][..],
        &["headers", &flag],
        &["config", "render", "--client", &evil],
        &["list", "--url", &evil],
        &["list", "--timeout", &evil],
        &["token", &evil],
        &["--env-file", &evil, "status"],
        &["--color", &evil, "status"],
        &["--json", &evil],
    ] {
        let ran = user.run(words);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        is_harmless(&ran);
    }
}
