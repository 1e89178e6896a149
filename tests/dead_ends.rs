//! Commands in messages fix what they are about: tokens that a server no longer accepts, servers of
//! 2026-07-28 that forbid, and issuers that are gone. Not here: the login itself (see `by_address`).
#![cfg(test)]

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::by_address::{log_in, path, play, to, user};
use crate::support::upstream::{Upstream, say};
use crate::support::wire::{callback, free_port, get};

const PRM: &str = "/about/this";
const METADATA: &str = "/.well-known/oauth-authorization-server";

/// A server that revoked the first token without telling its client, whose login gives no refresh token.
fn revoking() -> Upstream {
    let logins = AtomicUsize::new(0);
    Upstream::start(move |seen, stream| {
        let base = format!("http://{}", seen.header("host").unwrap());
        let json = "200 X\r\ncontent-type: application/json";
        let body = match path(seen) {
            "/mcp" if seen.header("authorization") == Some("Bearer t-2") => {
                json!({"jsonrpc": "2.0", "id": seen.message()["id"], "result": {"tools": [], "supportedVersions": ["2026-07-28"]}})
            }
            "/mcp" => {
                let challenge = format!("www-authenticate: Bearer resource_metadata=\"{base}{PRM}\"");
                return say(stream, &format!("401 X\r\n{challenge}"), b"");
            }
            PRM => json!({"resource": format!("{base}/mcp"), "authorization_servers": [base]}),
            METADATA => json!({
                "issuer": base, "authorization_endpoint": format!("{base}/authorize"),
                "token_endpoint": format!("{base}/token"), "registration_endpoint": format!("{base}/register"),
                "code_challenge_methods_supported": ["S256"], "authorization_response_iss_parameter_supported": true,
                "token_endpoint_auth_methods_supported": ["none"],
            }),
            "/register" => json!({"client_id": "c-1"}),
            "/token" => {
                let number = logins.fetch_add(1, Ordering::Relaxed) + 1;
                json!({"access_token": format!("t-{number}"), "token_type": "Bearer", "expires_in": 3600})
            }
            _ => return say(stream, "404 X", b""),
        };
        say(stream, json, body.to_string().as_bytes());
    })
}

#[test]
fn a_token_that_is_refused_though_it_looks_good_is_replaced_by_the_command_that_is_named() {
    let (server, user) = (revoking(), user());
    let address = format!("{}/mcp", server.base);
    log_in(&user, &server, &[]);
    let named = format!("mcpauth login {address} --force");
    for front in [
        &["list", "--url", &address][..],
        &["call", "--url", &address, "x"],
        &["probe", "--server", "127.0.0.1"],
    ] {
        let ran = user.run(front).code(4);
        let last = "; if the server rejects the new token as well, ask its operator why\n";
        assert!(ran.stderr.contains(&named) && ran.stderr.ends_with(last), "{front:?}: {}", ran.stderr);
    }
    let message = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let ran = user.run_with(&["bridge", &address], format!("{message}\n"));
    assert!(ran.stdout.contains(&named), "{}", ran.stdout);
    // What is named, as it is named.
    let mut running = user.start(&["login", &address, "--force", "--no-browser"]);
    let shown = running.url();
    assert_eq!(get(&callback(&shown, &format!("code=c&iss={}", server.base))).status, 200);
    running.end().code(0);
    assert_eq!(user.run(&["token", "127.0.0.1"]).code(0).stdout, "t-2\n");
    let ran = user.run_with(&["bridge", &address], format!("{message}\n")).code(0);
    assert!(ran.stdout.contains("\"tools\":[]"), "{}", ran.stdout);
}

/// A server that knows 2026-07-28 alone says no to the handshake that is tried after its 403; the 403 is what matters.
#[test]
fn a_modern_servers_403_is_shown_and_not_what_its_handshake_lacks() {
    let refused = |code: i64, message: &str| {
        json!({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}).to_string()
    };
    let json = "content-type: application/json";
    let handshakes = [
        (format!("400 X\r\n{json}"), refused(-32020, "the header Mcp-Method is missing")),
        (format!("400 X\r\n{json}"), refused(-32600, "MCP-Protocol-Version is missing")),
        (format!("404 X\r\n{json}"), refused(-32601, "no method initialize")),
        ("400 X".to_owned(), "bad request".to_owned()),
        ("405 X".to_owned(), String::new()),
        ("404 X".to_owned(), String::new()),
    ];
    for (head, body) in handshakes {
        let forbidden = refused(403, "none of your grants covers this server");
        let said = head.clone();
        let server = Upstream::start(move |seen, stream| match seen.message()["method"].as_str() {
            Some("server/discover") => say(stream, &format!("403 X\r\n{json}"), forbidden.as_bytes()),
            _ => say(stream, &head, body.as_bytes()),
        });
        let ran = user().run(&["list", "--url", &format!("{}/mcp", server.base), "--no-auth"]).code(4);
        assert!(ran.stderr.contains("none of your grants"), "{said}: {}", ran.stderr);
        assert!(
            !ran.stderr.contains("missing") && !ran.stderr.contains("initialize"),
            "{said}: {}",
            ran.stderr
        );
    }
}

/// A server with these issuers before its own, which is at the same address.
fn naming(others: Vec<String>) -> Upstream {
    play(move |path, _, body| {
        if path == PRM {
            let own = body["authorization_servers"][0].clone();
            let all: Vec<Value> = others.iter().cloned().map(Value::from).chain([own]).collect();
            body["authorization_servers"] = all.into();
        }
    })
}

#[test]
fn an_issuer_that_is_gone_is_passed_over_for_one_that_is_there() {
    let page = Upstream::answering("200 OK\r\ncontent-type: text/html", "<html>");
    let nothing = Upstream::answering("404 Not Found", "");
    let down = Upstream::answering("503 Service Unavailable", "");
    let other = play(|path, _, body| {
        if path == METADATA {
            body["issuer"] = "https://evil.test".into();
        }
    });
    let gone = format!("http://127.0.0.1:{}", free_port());
    for dead in [
        vec![gone.clone()],
        vec![page.base.clone()],
        vec![nothing.base.clone()],
        vec![down.base.clone(), gone],
        vec![other.base.clone()],
    ] {
        let (server, user) = (naming(dead.clone()), user());
        log_in(&user, &server, &[]);
        let kept = user.token(".registrations/127.0.0.1.json");
        assert_eq!(kept["issuer"], server.base, "{dead:?}");
        // A user who insists on the dead one hears what is wrong with it.
        let address = format!("{}/mcp", server.base);
        let ran = user.run(&["login", &address, "--no-browser", "--issuer", &dead[0]]);
        assert_ne!(ran.code, Some(0), "{dead:?}");
    }
}

/// One that is there, but lets no newcomer log in, is as good as gone for a user without a client there.
#[test]
fn an_issuer_that_takes_no_newcomers_is_passed_over_for_one_that_does() {
    for (name, value) in [
        ("registration_endpoint", Value::Null),
        ("authorization_endpoint", "".into()),
        ("code_challenge_methods_supported", json!(["plain"])),
        ("code_challenge_methods_supported", Value::Null),
        ("grant_types_supported", json!(["client_credentials"])),
    ] {
        let given = value.clone();
        let first = play(move |path, _, body| {
            if path == METADATA {
                body[name] = given.clone();
            }
        });
        let (server, user) = (naming(vec![first.base.clone()]), user());
        log_in(&user, &server, &[]);
        assert_eq!(user.token(".registrations/127.0.0.1.json")["issuer"], server.base, "{name} {value}");
        assert!(to(&first.seen(), "/register").is_empty(), "{name} {value}");
        // A user who insists on it hears what is wrong with it.
        let address = format!("{}/mcp", server.base);
        let ran =
            crate::by_address::user().run(&["login", &address, "--no-browser", "--issuer", &first.base]);
        ran.code(2);
    }
}

#[test]
fn issuer_chooses_among_those_that_the_server_names() {
    let first = play(|_, _, _| ());
    let (server, user) = (naming(vec![first.base.clone()]), user());
    let address = format!("{}/mcp", server.base);
    let registered = |at: &Upstream| to(&at.seen(), "/register").len();
    log_in(&user, &server, &["--issuer", &server.base]);
    assert_eq!((registered(&first), registered(&server)), (0, 1));
    assert_eq!(user.token(".registrations/127.0.0.1.json")["issuer"], server.base);
    // The other one is another login, though the first is still valid.
    let mut running = user.start(&["login", &address, "--no-browser", "--issuer", &first.base]);
    let shown = running.url();
    assert!(shown.starts_with(&first.base), "{shown}");
    assert_eq!(get(&callback(&shown, &format!("code=c&iss={}", first.base))).status, 200);
    running.end().code(0);
    assert_eq!((registered(&first), registered(&server)), (1, 1));
    let ran = user.run(&["login", &address, "--no-browser", "--issuer", "https://stranger.test"]).code(2);
    for word in ["does not name the issuer https://stranger.test", &first.base, &server.base, "--issuer"] {
        assert!(ran.stdout.contains(word), "{word}: {}", ran.stdout);
    }
    let named = format!("mcpauth login {address} --issuer {}\n", first.base);
    assert!(ran.stdout.contains(&named), "as it can be typed: {}", ran.stdout);
}

#[test]
fn where_no_issuer_is_there_each_is_named_with_what_is_wrong() {
    let gone = format!("http://127.0.0.1:{}", free_port());
    let nothing = Upstream::answering("404 Not Found", "");
    let dead = vec![gone.clone(), nothing.base.clone()];
    let named = dead.clone();
    let server = play(move |path, _, body| {
        if path == PRM {
            body["authorization_servers"] = json!(named);
        }
    });
    let ran = user().run(&["login", &format!("{}/mcp", server.base), "--no-browser"]).code(5);
    for word in dead {
        assert!(ran.stdout.contains(&word), "{word}: {}", ran.stdout);
    }
}
