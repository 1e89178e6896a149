//! Deviations of authorization servers from the RFCs: content codings, byte order marks, redirects, endless replies,
//! other token types, and every form of a rejected refresh. Not here: the table of spellings (see the parsers' own
//! tests).
#![cfg(test)]

use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::User;
use crate::support::coding::{SAID, encoded, encoded_by};
use crate::support::upstream::{Seen, Upstream, say};
use crate::support::wire::{Running, callback, get};

const FILE: &str = "tracker-egress.json";
const METADATA: &str = "/.well-known/oauth-authorization-server";

fn path(seen: &Seen) -> &str {
    seen.head.split(' ').nth(1).unwrap()
}

fn base(seen: &Seen) -> String {
    format!("http://{}", seen.header("host").unwrap())
}

fn field(seen: &Seen, name: &str) -> Option<String> {
    let mut fields = url::form_urlencoded::parse(&seen.body);
    fields.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// An issuer at its own base with every endpoint, an MCP server at `/mcp` that requires its token, and the normal
/// answer of each.
fn usual(seen: &Seen) -> (u16, Value) {
    let base = base(seen);
    match path(seen) {
        METADATA => (
            200,
            json!({
                "issuer": base, "authorization_endpoint": format!("{base}/authorize"),
                "token_endpoint": format!("{base}/token"), "registration_endpoint": format!("{base}/register"),
                "jwks_uri": format!("{base}/jwks"), "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
            }),
        ),
        "/.well-known/oauth-protected-resource/mcp" => {
            (200, json!({"resource": format!("{base}/mcp"), "authorization_servers": [base]}))
        }
        "/register" => (201, json!({"client_id": "c-1"})),
        "/token" => (200, json!({"access_token": "t-1", "token_type": "Bearer", "expires_in": 3600})),
        "/mcp" if seen.header("authorization").is_none() => (401, json!({})),
        "/mcp" => (
            200,
            json!({"jsonrpc": "2.0", "id": seen.message()["id"], "result": {
                "protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "tools": [],
                "serverInfo": {"name": "s", "version": "1"},
            }}),
        ),
        "/jwks" => (200, json!({"keys": []})),
        _ => (404, json!({})),
    }
}

fn answer(stream: &mut TcpStream, status: u16, more: &str, body: &[u8]) {
    say(stream, &format!("{status} X\r\ncontent-type: application/json{more}"), body);
}

/// A user whose ingress token comes from this issuer.
fn machine(issuer: &str) -> User {
    let mut user = User::new();
    user.oidc(issuer, "agent", "agent-secret");
    user
}

#[track_caller]
fn log_in(user: &User, base: &str) -> Running {
    let mut running = user.start(&["login", &format!("{base}/mcp"), "--no-browser"]);
    assert_eq!(get(&callback(&running.url(), "code=the-code")).status, 200);
    running
}

#[test]
fn answers_in_a_content_coding_are_read_whether_it_was_asked_for_or_not() {
    for (coding, applied) in SAID {
        let server = Upstream::start(move |seen, stream| {
            let (status, body) = usual(seen);
            let more = format!("\r\ncontent-encoding: {coding}");
            answer(stream, status, &more, &encoded_by(applied, body.to_string().as_bytes()));
        });
        machine(&server.base).run(&["ingress"]).code(0);
        let user = User::new();
        log_in(&user, &server.base).end().code(0);
        user.run(&["list", "--url", &format!("{}/mcp", server.base)]).code(0);
        for seen in server.seen() {
            let asked = seen.header("accept-encoding").unwrap_or_default().to_owned();
            // Servers hold events back until there is enough to compress.
            let expected = if path(&seen) == "/mcp" { "identity" } else { "gzip" };
            assert!(asked.contains(expected), "{coding}: {}", seen.head);
        }
    }
}

#[test]
fn what_a_coding_hides_is_bounded_and_what_is_none_is_no_answer() {
    let bomb = encoded("gzip", &vec![b' '; 3 << 20]);
    assert!(bomb.len() < 1 << 20);
    for (body, said) in [(bomb, "larger than 1 MiB"), (b"plain".to_vec(), "no answer from")] {
        let server =
            Upstream::start(move |_, stream| answer(stream, 200, "\r\ncontent-encoding: gzip", &body));
        let mut user = machine(&server.base);
        user.env("INGRESS_OAUTH_TOKEN_URL", format!("{}/token", server.base));
        let ran = user.run(&["ingress"]).code(5);
        assert!(ran.stdout.contains(said), "{}", ran.stdout);
    }
}

/// What a refusal says in words is not needed: its status is a no, or not now.
#[test]
fn a_refusal_whose_words_cannot_be_read_still_is_one() {
    for (status, code) in [(400, 4), (401, 4), (403, 4), (410, 4), (429, 5), (500, 5), (503, 5)] {
        for coding in ["gzip", "br", "zstd", "deflate"] {
            let server = Upstream::start(move |seen, stream| {
                let (usual, mut body) = usual(seen);
                if path(seen) == "/token" {
                    body["refresh_token"] = json!("r-1");
                    body["expires_in"] = json!(0);
                }
                if field(seen, "grant_type").as_deref() == Some("refresh_token") {
                    answer(stream, status, &format!("\r\ncontent-encoding: {coding}"), b"<html>no</html>");
                } else {
                    answer(stream, usual, "", body.to_string().as_bytes());
                }
            });
            let user = User::new();
            log_in(&user, &server.base).end().code(0);
            user.run(&["token", "127.0.0.1"]).code(code);
            let is_kept = !user.token("mcp-127.0.0.1-egress.json")["refresh_token"].is_null();
            assert_eq!(is_kept, code == 5, "{status} {coding}");
        }
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_any_answer_or_file() {
    let server = Upstream::start(|seen, stream| {
        let (status, body) = usual(seen);
        answer(stream, status, "", format!("\u{feff}{body}").as_bytes());
    });
    let user = User::new();
    log_in(&user, &server.base).end().code(0);
    assert_eq!(user.run(&["token", "127.0.0.1"]).code(0).stdout, "t-1\n");
    for name in ["mcp-127.0.0.1-egress.json", ".registrations/127.0.0.1.json"] {
        let text = user.token(name).to_string();
        user.file(&format!(".oauth-tokens/{name}"), &format!("\u{feff}{text}"));
    }
    assert_eq!(user.run(&["token", "127.0.0.1"]).code(0).stdout, "t-1\n");
    user.run(&["login", &format!("{}/mcp", server.base)]).code(0);

    // The client's secret, from a file and from a pipe.
    let user = machine(&server.base);
    let file = user.file("secret", "\u{feff}file+secret\r\n");
    user.run(&["ingress", "--client-secret-file", file.to_str().unwrap()]).code(0);
    user.run_with(&["ingress", "--force", "--client-secret-file", "-"], "\u{feff}piped+secret\r\n").code(0);
    let seen = server.seen();
    let sent =
        seen.iter().filter(|seen| path(seen) == "/token").filter_map(|seen| seen.header("authorization"));
    let sent: Vec<&str> = sent.collect();
    let basic = |secret: &str| format!("Basic {}", STANDARD.encode(format!("agent:{secret}")));
    assert_eq!(sent, [basic("file%2Bsecret"), basic("piped%2Bsecret")]);
}

/// What each document and reply may contain besides the necessary: null for anything, other types, empty addresses.
fn odd(path: &str) -> Value {
    match path {
        METADATA => json!({
            "revocation_endpoint": "", "introspection_endpoint": null, "device_authorization_endpoint": 7,
            "end_session_endpoint": [], "scopes_supported": null, "ui_locales_supported": "en", "op_policy_uri": "",
            "authorization_response_iss_parameter_supported": null, "service_documentation": {}, "jwks_uri": null,
            "response_types_supported": "code", "require_pushed_authorization_requests": null,
        }),
        "/.well-known/oauth-protected-resource/mcp" => json!({
            "scopes_supported": null, "bearer_methods_supported": "header", "jwks_uri": "", "resource_name": null,
            "dpop_bound_access_tokens_required": null, "authorization_details_types_supported": "x",
        }),
        "/register" => json!({
            "client_secret": null, "client_secret_expires_at": null, "token_endpoint_auth_method": null,
            "redirect_uris": null, "grant_types": "authorization_code", "registration_client_uri": "", "contacts": {},
            "client_id_issued_at": "now", "scope": null,
        }),
        "/token" => json!({
            "expires_in": "3600", "refresh_token": null, "scope": null, "id_token": 7, "token_type": null,
            "created_at": null, "refresh_expires_in": "", "not-before-policy": {}, "error": null, "error_description": null,
        }),
        _ => json!({}),
    }
}

#[test]
fn members_that_nobody_needs_may_be_null_or_of_any_type() {
    let server = Upstream::start(|seen, stream| {
        let (status, mut body) = usual(seen);
        body.as_object_mut().unwrap().extend(odd(path(seen)).as_object().unwrap().clone());
        answer(stream, status, "", body.to_string().as_bytes());
    });
    machine(&server.base).run(&["ingress"]).code(0);
    let user = User::new();
    log_in(&user, &server.base).end().code(0);
    assert_eq!(user.run(&["token", "127.0.0.1"]).code(0).stdout, "t-1\n");
    let left = user.run(&["token", "127.0.0.1", "--json"]).json()["expires_in_s"].as_i64().unwrap();
    assert!((3_540..=3_600).contains(&left), "a text is a number: {left}");
}

/// What some servers leave out, where nothing else can be meant.
#[test]
fn a_reply_that_can_mean_one_thing_alone_is_taken_for_that() {
    let cases = [
        // Who lists no methods and gives no secret has public clients alone.
        (METADATA, json!({"token_endpoint_auth_methods_supported": null})),
        // An error without a code next to a token.
        ("/token", json!({"error": {}})),
        ("/token", json!({"error": ""})),
        // A place that the challenge names by its path alone.
        ("/.well-known/oauth-protected-resource/mcp", Value::Null),
    ];
    for (at, members) in cases {
        let instead = members.clone();
        let server = Upstream::start(move |seen, stream| {
            let (status, mut body) = usual(seen);
            let own =
                json!({"resource": format!("{}/mcp", base(seen)), "authorization_servers": [base(seen)]});
            let (status, body) = match (path(seen), instead.as_object()) {
                (from, Some(instead)) if from == at => {
                    body.as_object_mut().unwrap().extend(instead.clone());
                    (status, body)
                }
                (from, None) if from == at => (404, json!({})),
                ("/described", None) => (200, own),
                _ => (status, body),
            };
            let more = "\r\nwww-authenticate: Bearer resource_metadata=\"/described\"";
            answer(stream, status, if instead.is_null() { more } else { "" }, body.to_string().as_bytes());
        });
        let user = User::new();
        log_in(&user, &server.base).end().code(0);
        assert_eq!(user.run(&["token", "127.0.0.1"]).code(0).stdout, "t-1\n", "{at} {members}");
    }
}

/// A client that gets tokens for itself: a rejection is final, in whatever form, and a retry would not help.
#[test]
fn a_no_to_a_clients_own_request_is_told_from_a_server_that_cannot_answer_now() {
    for (status, body, code, again) in [
        (401, "", 5, false),
        (400, "Bad Request", 5, false),
        (403, "<html>", 5, false),
        (401, r#"{"error":"invalid_client"}"#, 4, false),
        (400, r#"{"error":"temporarily_unavailable"}"#, 5, true),
        (400, r#"{"error":"slow_down"}"#, 5, true),
        (429, r#"{"error":"invalid_client"}"#, 5, true),
        (503, "", 5, true),
    ] {
        let server = Upstream::start(move |_, stream| answer(stream, status, "", body.as_bytes()));
        let mut user = machine(&server.base);
        user.env("INGRESS_OAUTH_TOKEN_URL", format!("{}/token", server.base));
        let said = user.run(&["ingress"]).code(code).stdout;
        assert_eq!(said.contains("try again"), again, "{status} {body}: {said}");
    }
}

#[test]
fn members_that_decide_stay_strict() {
    let cases = [
        (METADATA, json!({"issuer": null})),
        (METADATA, json!({"issuer": ["x"]})),
        (METADATA, json!({"token_endpoint": ["x"]})),
        (METADATA, json!({"authorization_endpoint": ""})),
        (METADATA, json!({"registration_endpoint": ""})),
        (METADATA, json!({"code_challenge_methods_supported": "S256"})),
        ("/.well-known/oauth-protected-resource/mcp", json!({"resource": null})),
        ("/.well-known/oauth-protected-resource/mcp", json!({"authorization_servers": "https://as.test"})),
        ("/register", json!({"client_id": 7})),
        ("/register", json!({"client_id": ""})),
        ("/register", json!({"token_endpoint_auth_method": "client_secret_basic"})),
        ("/token", json!({"access_token": null})),
        ("/token", json!({"access_token": 7})),
        ("/token", json!({"token_type": ["Bearer"]})),
    ];
    for (at, members) in cases {
        let instead = members.clone();
        let server = Upstream::start(move |seen, stream| {
            let (status, mut body) = usual(seen);
            if path(seen) == at {
                body.as_object_mut().unwrap().extend(instead.as_object().unwrap().clone());
            }
            answer(stream, status, "", body.to_string().as_bytes());
        });
        let user = User::new();
        let ran = if at == "/token" {
            log_in(&user, &server.base).end()
        } else {
            user.run(&["login", &format!("{}/mcp", server.base), "--no-browser"])
        };
        assert!(ran.code.is_some_and(|code| code != 0), "{at} {members}: {ran:?}");
        user.run(&["token", "127.0.0.1"]).code(if at == "/token" { 4 } else { 2 });
    }
}

#[test]
fn a_redirect_within_one_origin_is_followed_with_method_and_body() {
    for status in [307, 308] {
        let server = Upstream::start(move |seen, stream| {
            // Every endpoint has moved, to an absolute address or a relative one.
            let (from, base) = (path(seen).to_owned(), base(seen));
            match from.strip_prefix("/new") {
                Some(_) => {
                    let head = seen.head.replacen("/new", "", 1);
                    let (status, body) = usual(&Seen { head, body: seen.body.clone() });
                    answer(stream, status, "", body.to_string().as_bytes());
                }
                None if from == "/mcp" => answer(stream, status, "\r\nlocation: /new/mcp", b""),
                None => answer(stream, status, &format!("\r\nlocation: {base}/new{from}"), b""),
            }
        });
        machine(&server.base).run(&["ingress"]).code(0);
        let user = User::new();
        log_in(&user, &server.base).end().code(0);
        let seen = server.seen();
        let tokens: Vec<&Seen> = seen.iter().filter(|seen| path(seen).ends_with("/token")).collect();
        assert_eq!(tokens.len(), 4, "{status}");
        for pair in tokens.chunks(2) {
            assert_eq!((&pair[0].body, path(pair[1])), (&pair[1].body, "/new/token"), "{status}");
            assert!(pair[1].head.starts_with("POST "), "{}", pair[1].head);
            assert_eq!(pair[0].header("authorization"), pair[1].header("authorization"));
        }
    }
}

#[test]
fn any_other_redirect_is_an_error_that_names_where_it_leads() {
    let elsewhere = Upstream::start(|seen, stream| {
        let (status, body) = usual(seen);
        answer(stream, status, "", body.to_string().as_bytes());
    });
    let away = elsewhere.base.clone();
    let cases = [
        (301, "/new".to_owned()),
        (302, "/login?next=%2Ftoken&key=hunter2".to_owned()),
        (303, "/new".to_owned()),
        (307, format!("{away}/token?key=hunter2")),
        (308, format!("{away}/token")),
        // A redirect loop.
        (307, "/token".to_owned()),
    ];
    for (status, to) in cases {
        for moved in ["/token", "/register", "/mcp"] {
            let to = to.clone();
            let location = to.clone();
            let server = Upstream::start(move |seen, stream| match usual(seen) {
                _ if path(seen) == moved && location == "/token" => {
                    answer(stream, status, &format!("\r\nlocation: {moved}"), b"");
                }
                _ if path(seen) == moved => answer(stream, status, &format!("\r\nlocation: {location}"), b""),
                (status, body) => answer(stream, status, "", body.to_string().as_bytes()),
            });
            let named = to.split('?').next().unwrap();
            let user = machine(&server.base);
            let said = if moved == "/token" {
                user.run(&["ingress"]).code(2).stdout
            } else {
                user.run(&["login", &format!("{}/mcp", server.base), "--no-browser"]).code(2).stdout
            };
            let named = if named == "/token" { moved } else { named };
            assert!(
                said.contains(&format!("HTTP {status}, a redirect to ")) && said.contains(named),
                "{said}"
            );
            assert!(!said.contains("hunter2"), "{said}");
            if moved == "/mcp" {
                assert!(said.contains("run: mcpauth login http"), "{said}");
            }
        }
    }
    assert!(elsewhere.seen().is_empty(), "nothing is sent to another origin");
}

/// A token that ends at `end`, by its own word.
fn jwt(end: i64) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(json!({"alg": "RS256"})), part(json!({"sub": "a", "exp": end})))
}

/// Replies with a JWT and without `expires_in`, as in agentic-community/mcp-gateway-registry 1542.
#[test]
fn a_token_without_a_lifetime_ends_when_it_says_itself() {
    let end = mcpauth::sys::clock::now() + 1_234;
    for lifetime in [json!({}), json!({"expires_in": null}), json!({"expires_in": ""})] {
        let server = Upstream::start(move |seen, stream| {
            let (status, mut body) = usual(seen);
            if path(seen) == "/token" {
                body = json!({"access_token": jwt(end), "token_type": "Bearer"});
                body.as_object_mut().unwrap().extend(lifetime.as_object().unwrap().clone());
            }
            answer(stream, status, "", body.to_string().as_bytes());
        });
        let user = machine(&server.base);
        user.run(&["ingress"]).code(0);
        assert_eq!(user.token("ingress.json")["expires_at"].as_f64(), Some(end as f64));
        // Another program's file that does not say it either.
        user.plant("ingress.json", &[("expires_at", Value::Null)]);
        let rows = user.run(&["status", "--json"]).json();
        assert_eq!(rows["credentials"][0]["expires_at"], end);
        user.plant("ingress.json", &[("expires_at", Value::Null), ("access_token", json!(jwt(1)))]);
        assert_eq!(user.run(&["status", "--json"]).json()["credentials"][0]["status"], "expired");
    }
}

/// A user with an egress token that has ended and can be refreshed at `base`.
fn person(base: &str, members: Value) -> User {
    let mut user = User::new();
    user.tracker("tracker", 1, base, "http://127.0.0.1:0/callback", &format!("issuer: {base}\n"));
    let mut token = json!({
        "provider": "tracker", "access_token": "old", "refresh_token": "r-1", "expires_at": 2_000,
        "issuer": base, "client_id": "tracker-client", "token_type": "Bearer",
    });
    token.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    user.file(&format!(".oauth-tokens/{FILE}"), &token.to_string());
    user
}

#[test]
fn a_refreshed_token_without_a_lifetime_lives_as_long_as_the_one_before() {
    let saved = |at: i64| mcpauth::sys::clock::human(at);
    let now = mcpauth::sys::clock::now();
    let cases = [
        // Half an hour, an hour and nobody knows.
        (json!({"saved_at": saved(now - 5_000), "expires_at": now - 3_200}), Some(1_800)),
        (json!({"saved_at": saved(now - 9_000), "expires_at": now - 5_400}), Some(3_600)),
        (json!({"expires_at": now - 5_400}), None),
    ];
    for (members, life) in cases {
        let server = Upstream::start(|_, stream| answer(stream, 200, "", br#"{"access_token":"new"}"#));
        let user = person(&server.base, members);
        user.run(&["egress"]).code(0);
        let kept = user.token(FILE);
        assert_eq!((&kept["access_token"], &kept["refresh_token"]), (&json!("new"), &json!("r-1")));
        let left = kept["expires_at"].as_f64().map(|end| end as i64 - now);
        match (left, life) {
            (Some(left), Some(life)) => {
                assert!((life..life + 60).contains(&left), "{left} instead of {life}")
            }
            (left, life) => assert_eq!(left, life),
        }
    }
}

/// Every rejection of a refresh that was seen in practice, with the servers that send it.
pub(crate) const NOES: [(u16, &str); 16] = [
    (400, r#"{"error":"invalid_grant"}"#),
    (400, r#"{"code":400,"error_code":"refresh_token_not_found","msg":"Invalid Refresh Token"}"#),
    (400, r#"{"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token"}"#),
    (
        200,
        r#"{"error":"bad_refresh_token","error_description":"The refresh token is incorrect or expired."}"#,
    ),
    (200, "error=bad_refresh_token&error_description=expired"),
    (200, r#"{"ok":false,"error":"invalid_refresh_token"}"#),
    (401, ""),
    (401, r#"{"error":"invalid_token"}"#),
    (400, r#"{"error":"invalid_request","error_description":"refresh token revoked"}"#),
    (400, "Bad Request"),
    (400, r#"{"error":{"code":400,"message":"token has been revoked","status":"INVALID_ARGUMENT"}}"#),
    (403, "<html>Forbidden</html>"),
    (403, r#"{"error":"access_denied"}"#),
    (404, r#"{"message":"unknown grant"}"#),
    (410, "null"),
    (422, r#"{"errors":[{"code":"expired"}]}"#),
];

#[test]
fn any_no_to_a_refresh_is_a_persons_matter_for_every_front() {
    for (status, body) in NOES {
        let server = Upstream::start(move |_, stream| answer(stream, status, "", body.as_bytes()));
        for args in [
            &["egress"][..],
            &["token", "tracker"],
            &["headers", "tracker"],
            &["refresh", "--once", "--no-install"],
        ] {
            let user = person(&server.base, json!({}));
            let ran = user.run(args);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            let ran = ran.code(4);
            assert!(said.contains("a person must log in"), "{args:?} {status} {body}: {said}");
            assert!(!said.contains("r-1"), "{said}");
            assert!(user.token(FILE)["refresh_token"].is_null(), "{args:?} {status} {body}");
            let row = user.run(&["status", "--json"]).json()["credentials"][0].clone();
            assert_eq!(
                (&row["status"], &row["renewable"]),
                (&json!("needs_login"), &json!(false)),
                "{ran:?}"
            );
        }
        let user = person(&server.base, json!({}));
        let mut running = user.start(&["egress", "--no-browser"]);
        assert!(running.url().contains("/authorize?"), "{status} {body}: a person is asked");
    }
}

#[test]
fn a_server_that_cannot_answer_now_costs_no_refresh_token() {
    for status in [408, 425, 429, 500, 502, 503] {
        for body in ["", r#"{"error":"invalid_grant"}"#] {
            let server = Upstream::start(move |_, stream| answer(stream, status, "", body.as_bytes()));
            let user = person(&server.base, json!({}));
            user.run(&["egress"]).code(5);
            assert_eq!(user.token(FILE)["refresh_token"], "r-1", "{status} {body}");
        }
    }
    // A client that is refused may be corrected in the settings; the refresh token is valid then.
    let server = Upstream::start(|_, stream| answer(stream, 401, "", br#"{"error":"invalid_client"}"#));
    let user = person(&server.base, json!({}));
    let ran = user.run(&["egress"]).code(4);
    assert!(ran.stdout.contains("check client id and secret"), "{}", ran.stdout);
    assert_eq!(user.token(FILE)["refresh_token"], "r-1");
}

#[test]
fn a_type_of_token_that_cannot_be_sent_is_refused_by_its_name() {
    for kind in ["DPoP", "dpop", "mac", "N_A"] {
        let server = Upstream::start(move |seen, stream| {
            let (status, mut body) = usual(seen);
            if path(seen) == "/token" {
                body["token_type"] = json!(kind);
            }
            answer(stream, status, "", body.to_string().as_bytes());
        });
        let user = machine(&server.base);
        let ran = user.run(&["ingress"]).code(4);
        assert!(ran.stdout.contains(&format!("{kind:?}")) && ran.stdout.contains("7.1"), "{}", ran.stdout);
        assert!(!user.project().join(".oauth-tokens/ingress.json").exists());
        let user = User::new();
        let ran = log_in(&user, &server.base).end().code(4);
        assert!(ran.stdout.contains(kind), "{}", ran.stdout);
        let user = person(&server.base, json!({}));
        user.run(&["egress"]).code(4);
    }
    for kind in ["bearer", "BEARER", "Bearer"] {
        let server = Upstream::start(move |seen, stream| {
            let (status, mut body) = usual(seen);
            if path(seen) == "/token" {
                body["token_type"] = json!(kind);
            }
            answer(stream, status, "", body.to_string().as_bytes());
        });
        machine(&server.base).run(&["ingress"]).code(0);
    }
    // One that is kept already.
    let user = person("http://127.0.0.1:9", json!({"token_type": "DPoP", "expires_at": 4_000_000_000_u64}));
    let ran = user.run(&["token", "tracker"]);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("DPoP"), "{ran:?}");
}

/// A private key in PEM, of its own each time.
fn pem() -> String {
    rcgen::KeyPair::generate().unwrap().serialize_pem()
}

/// RFC 7523bis: a server must not be able to use an assertion at another one.
#[test]
fn an_assertion_is_for_the_issuer_unless_somebody_says_otherwise() {
    let server = Upstream::start(|seen, stream| {
        let (status, body) = usual(seen);
        answer(stream, status, "", body.to_string().as_bytes());
    });
    let audience = || {
        let seen = server.seen();
        let assertion =
            field(seen.iter().rfind(|seen| path(seen) == "/token").unwrap(), "client_assertion").unwrap();
        let claims = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice::<Value>(&claims).unwrap()["aud"].clone()
    };
    let mut user = machine(&server.base);
    user.file("key.pem", &format!("\u{feff}{}", pem()));
    user.env("INGRESS_OAUTH_PRIVATE_KEY_FILE", "key.pem");
    user.run(&["ingress"]).code(0);
    assert_eq!(audience(), server.base.as_str(), "and not the token endpoint");
    user.env("INGRESS_OAUTH_ASSERTION_AUDIENCE", "https://idp.test/token");
    user.run(&["ingress", "--force"]).code(0);
    assert_eq!(audience(), "https://idp.test/token");

    for (more, expected) in [
        (format!("issuer: {}\n", server.base), server.base.clone()),
        (format!("issuer: {}\nassertion_audience: urn:idp\n", server.base), "urn:idp".into()),
        // Without an issuer there is only the endpoint to name.
        (String::new(), format!("{}/token", server.base)),
    ] {
        let mut user = User::new();
        user.tracker("tracker", 1, &server.base, "http://127.0.0.1:0/callback", &more);
        user.file("key.pem", &pem());
        user.env("EGRESS_OAUTH_CLIENT_AUTH_1", "private_key_jwt");
        user.env("EGRESS_OAUTH_PRIVATE_KEY_FILE_1", "key.pem");
        let mut running = user.start(&["egress", "--no-browser"]);
        get(&callback(&running.url(), "code=the-code"));
        running.end().code(0);
        assert_eq!(audience(), expected.as_str(), "{more}");
    }
}
