//! `mcpauth login`: logs in to a server by its address, and what happens to its token. The server and its issuer are
//! played by the test, so that any of their answers can be wrong; the official suite's are in `real`.
#![cfg(test)]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::User;
use crate::support::upstream::{Seen, Upstream, say};
use crate::support::wire::{callback, get, parameter};

pub(crate) const NAME: &str = "127.0.0.1";
pub(crate) const PRM: &str = "/about/this";
pub(crate) const METADATA: &str = "/.well-known/oauth-authorization-server";
/// The next place, where nothing is.
const OPENID: &str = "/.well-known/openid-configuration";
/// The last place of a server's own document, where nothing is.
const LAST: &str = "/.well-known/oauth-protected-resource";
pub(crate) const REGISTRATION: &str = ".registrations/127.0.0.1.json";
pub(crate) const TOKEN: &str = "mcp-127.0.0.1-egress.json";

/// An MCP server at `/mcp` and its issuer, at one address; `alter` may change the status and the body of each answer.
pub(crate) fn play(alter: impl Fn(&str, &mut u16, &mut Value) + Send + Sync + 'static) -> Upstream {
    Upstream::start(move |seen, stream| {
        let base = format!("http://{}", seen.header("host").unwrap());
        let path = path(seen);
        let (mut status, mut body) = answer(&base, path, seen);
        alter(path, &mut status, &mut body);
        let challenge = format!("WWW-Authenticate: Bearer scope=\"read\", resource_metadata=\"{base}{PRM}\"");
        let head = format!("{status} X\r\ncontent-type: application/json\r\n{challenge}");
        say(stream, &head, body.to_string().as_bytes());
    })
}

pub(crate) fn answer(base: &str, path: &str, seen: &Seen) -> (u16, Value) {
    match path {
        "/mcp" if seen.header("authorization").is_some() => {
            (200, json!({"jsonrpc": "2.0", "id": seen.message()["id"], "result": {}}))
        }
        "/mcp" => (401, Value::Null),
        PRM => (200, json!({"resource": format!("{base}/mcp"), "authorization_servers": [base]})),
        METADATA => (
            200,
            json!({
                "issuer": base,
                "authorization_endpoint": format!("{base}/authorize"),
                "token_endpoint": format!("{base}/token"),
                "registration_endpoint": format!("{base}/register"),
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
                "scopes_supported": ["read", "offline_access"],
                "authorization_response_iss_parameter_supported": true,
            }),
        ),
        "/register" => (201, json!({"client_id": "c-1"})),
        // The first one has ended when it comes.
        "/token" if form(seen)["grant_type"] == "refresh_token" => {
            (200, json!({"access_token": "t-2", "refresh_token": "r-2", "expires_in": 3600}))
        }
        "/token" => (200, json!({"access_token": "t-1", "refresh_token": "r-1", "expires_in": 0})),
        _ => (404, Value::Null),
    }
}

pub(crate) fn path(seen: &Seen) -> &str {
    seen.head.split(' ').nth(1).unwrap()
}

pub(crate) fn form(seen: &Seen) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(&seen.body).into_owned().collect()
}

pub(crate) fn to<'s>(all: &'s [Seen], wanted: &str) -> Vec<&'s Seen> {
    all.iter().filter(|seen| path(seen) == wanted).collect()
}

/// A user with a token for the gateway, which must not reach anyone else.
pub(crate) fn user() -> User {
    let user = User::new();
    let ingress = json!({"provider": "oidc_m2m", "access_token": "ingress-token", "client_id": "c", "expires_at": 4_000_000_000_u64});
    std::fs::create_dir_all(user.project().join(".oauth-tokens")).unwrap();
    user.file(".oauth-tokens/ingress.json", &ingress.to_string());
    user
}

/// Logs in as a user who allows the request; returns the address that was shown.
#[track_caller]
pub(crate) fn log_in(user: &User, server: &Upstream, more: &[&str]) -> String {
    let address = format!("{}/mcp", server.base);
    let mut running = user.start(&[&["login", &address, "--no-browser"], more].concat());
    let shown = running.url();
    assert_eq!(get(&callback(&shown, &format!("code=the-code&iss={}", server.base))).status, 200);
    let ran = running.end().code(0);
    assert!(ran.stderr.contains(&format!("issuer {}", server.base)), "{}", ran.stderr);
    shown
}

#[test]
fn every_request_names_the_resource_and_a_good_token_costs_none() {
    let (server, user) = (play(|_, _, _| ()), user());
    let address = format!("{}/mcp", server.base);
    let shown = log_in(&user, &server, &[]);
    let asked = |name| parameter(&shown, name).unwrap();
    assert_eq!((asked("resource"), asked("client_id")), (address.clone(), "c-1".into()));
    assert_eq!(
        (asked("scope").as_str(), asked("code_challenge_method").as_str()),
        ("read offline_access", "S256")
    );
    let registered = to(&server.seen(), "/register")[0].message();
    assert_eq!(registered["application_type"], "native");
    assert_eq!(registered["redirect_uris"][0], asked("redirect_uri"), "port and all");

    assert_eq!(user.run(&["token", NAME]).code(0).stdout, "t-2\n");
    let seen = server.seen();
    let requests: Vec<_> = to(&seen, "/token").into_iter().map(form).collect();
    let of = |n: usize| (requests[n]["grant_type"].as_str(), requests[n]["resource"].as_str());
    assert_eq!(
        [of(0), of(1)],
        [("authorization_code", address.as_str()), ("refresh_token", address.as_str())]
    );

    let ran = user.run(&["login", &address, "--no-browser"]).code(0);
    assert!(ran.stdout.contains("still valid"), "{}", ran.stdout);
    assert_eq!(server.seen().len(), seen.len(), "what is known is not asked for");
    for seen in seen.iter().filter(|seen| path(seen) != "/mcp") {
        let text = format!("{}{}", seen.head, String::from_utf8_lossy(&seen.body));
        assert!(!text.contains("ingress-token"), "{text}");
    }
}

#[test]
fn the_token_goes_to_its_server_alone_and_nothing_else_goes_there() {
    let (server, mut user) = (play(|_, _, _| ()), user());
    let address = format!("{}/mcp", server.base);
    log_in(&user, &server, &[]);
    let message = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let before = server.seen().len();
    user.run_with(&["bridge", NAME], format!("{message}\n")).code(0);
    user.run_with(&["bridge", &address], format!("{message}\n")).code(0);
    user.env("MCP_AUTH_TOKEN", "given-token");
    user.run(&["probe", "--url", &address]);
    let seen = server.seen().split_off(before);
    let (calls, others): (Vec<_>, Vec<_>) = seen.iter().partition(|seen| path(seen) == "/mcp");
    assert!(
        calls.len() >= 3
            && others
                .iter()
                .all(|seen| ["/token", METADATA].contains(&path(seen))
                    || path(seen).ends_with("configuration"))
    );
    for call in calls {
        assert_eq!(call.header("authorization"), Some("Bearer t-2"), "{}", call.head);
        assert!(!call.head.contains("ingress-token") && !call.head.contains("given-token"), "{}", call.head);
    }
    // Something behind the gateway has the same name: each keeps its own.
    let other =
        json!({"provider": "tracker", "access_token": "other-token", "expires_at": 4_000_000_000_u64});
    user.file(".oauth-tokens/127.0.0.1-egress.json", &other.to_string());
    let ran = user.run(&["headers", &address]).code(0);
    assert!(ran.stdout.contains("t-2") && !ran.stdout.contains("other-token"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("ingress-token"), "{}", ran.stdout);
}

#[test]
fn what_is_registered_is_private_belongs_to_one_address_and_goes_with_logout() {
    let (server, user) = (play(|_, _, _| ()), user());
    log_in(&user, &server, &[]);
    let registration = user.own_store().join(REGISTRATION);
    #[cfg(unix)]
    assert_eq!(crate::support::mode(&registration), 0o600);
    assert_eq!(user.token(TOKEN)["server_url"], format!("{}/mcp", server.base));

    let elsewhere = format!("{}/other", server.base);
    let before = server.seen().len();
    let ran = user.run(&["login", &elsewhere, "--no-browser"]).code(2);
    assert!(ran.stderr.contains("--server-name NAME"), "{}", ran.stderr);
    assert_eq!(server.seen().len(), before);

    let kept = user.run(&["status", "--json"]).json()["credentials"].clone();
    let row = kept.as_array().unwrap().iter().find(|row| row["kind"] == "egress").unwrap();
    assert_eq!(row["command"], format!("mcpauth login {}/mcp", server.base));
    user.run(&["logout", NAME]).code(0);
    assert!(!registration.exists() && !registration.with_file_name(TOKEN).exists());
    user.run(&["token", NAME]).code(2);
}

#[test]
fn a_server_that_is_not_what_it_must_be_gets_nobody_to_log_in() {
    // Where, the status and the members it has there, the exit code, the message, and the last request.
    let cases = [
        (PRM, 200, json!({"resource": "https://evil.test/mcp"}), 2, "not this server", LAST),
        (PRM, 200, json!({"authorization_servers": []}), 2, "no authorization server", LAST),
        (PRM, 404, json!({}), 2, "no protected-resource metadata", LAST),
        (PRM, 503, json!({}), 5, "503", LAST),
        (METADATA, 200, json!({"issuer": "https://evil.test"}), 2, "instead of", OPENID),
        (METADATA, 200, json!({"token_endpoint": null}), 2, "does not publish its token endpoint", OPENID),
        (
            METADATA,
            200,
            json!({"authorization_endpoint": "file:///bin/sh"}),
            2,
            "not an http or https URL",
            METADATA,
        ),
        (METADATA, 200, json!({"code_challenge_methods_supported": ["plain"]}), 2, "PKCE S256", METADATA),
        (METADATA, 200, json!({"code_challenge_methods_supported": null}), 2, "--assume-pkce-s256", METADATA),
        (METADATA, 200, json!({"registration_endpoint": null}), 2, "--client-id ID", METADATA),
        ("/register", 400, json!({"error": "invalid_client_metadata"}), 2, "--client-id ID", "/register"),
    ];
    for (place, status, members, code, said, last) in cases {
        let change = move |path: &str, now: &mut u16, body: &mut Value| {
            if path == place {
                *now = status;
                body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            }
        };
        let (server, user) = (play(change), user());
        let ran = user.run(&["login", &format!("{}/mcp", server.base), "--no-browser"]).code(code);
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
        assert!(!ran.stderr.contains("code_challenge="), "{}", ran.stderr);
        let seen = server.seen();
        assert_eq!(path(seen.last().unwrap()), last, "{said}");
        assert!(seen.iter().all(|seen| !seen.head.contains("ingress-token")), "{said}");
        assert!(!user.own_store().join(REGISTRATION).exists(), "{said}");
    }
}

#[test]
fn a_persons_own_client_and_word_are_taken() {
    let server = play(|path, _, body| {
        if path == METADATA {
            body["code_challenge_methods_supported"] = Value::Null;
            body["registration_endpoint"] = Value::Null;
        }
    });
    let user = user();
    let secret = user.file("secret", "s3cret/4711");
    let own = ["--client-id", "mine", "--client-secret-file", secret.to_str().unwrap(), "--assume-pkce-s256"];
    let shown = log_in(&user, &server, &[&own[..], &["--scope", "write"]].concat());
    assert_eq!(parameter(&shown, "scope").as_deref(), Some("write"));
    let seen = server.seen();
    let exchange = to(&seen, "/token")[0];
    assert!(exchange.header("authorization").unwrap().starts_with("Basic "), "{}", exchange.head);
    assert!(to(&seen, "/register").is_empty());
    let stdout = user.run(&["status", "--json"]).stdout;
    assert!(!stdout.contains("s3cret"), "{stdout}");
}

#[test]
fn another_issuers_answer_gets_no_code_and_a_script_does_not_hang() {
    let (server, user) = (play(|_, _, _| ()), user());
    let address = format!("{}/mcp", server.base);
    let ran = user.run(&["login", &address]).code(4);
    assert!(ran.stdout.contains(&format!("mcpauth login {address} --browser")), "{}", ran.stdout);
    assert!(to(&server.seen(), "/register").is_empty(), "without anybody to log in, nobody registers");

    let mut running = user.start(&["login", &address, "--no-browser"]);
    get(&callback(&running.url(), "code=stolen&iss=https://evil.test"));
    running.end().code(4);
    assert!(to(&server.seen(), "/token").is_empty());
    // The next try has its client already.
    log_in_again(&user, &server);
    assert_eq!(to(&server.seen(), "/register").len(), 1);
}

fn log_in_again(user: &User, server: &Upstream) {
    let mut running = user.start(&["login", &format!("{}/mcp", server.base), "--no-browser"]);
    let shown = running.url();
    get(&callback(&shown, &format!("code=the-code&iss={}", server.base)));
    running.end().code(0);
}

#[test]
fn what_there_was_stays_until_a_new_login_has_succeeded() {
    let (server, user) = (play(|_, _, _| ()), user());
    log_in(&user, &server, &[]);
    let kept = |name: &str| std::fs::read_to_string(user.own_store().join(name)).unwrap();
    let before = (kept(REGISTRATION), kept(TOKEN));
    let elsewhere = format!("{}/mcp/", server.base);
    let mut running = user.start(&["login", &elsewhere, "--no-browser", "--force"]);
    get(&callback(&running.url(), "code=stolen&iss=https://evil.test"));
    running.end().code(4);
    assert_eq!((kept(REGISTRATION), kept(TOKEN)), before);

    let mut running = user.start(&["login", &elsewhere, "--no-browser", "--force"]);
    get(&callback(&running.url(), &format!("code=the-code&iss={}", server.base)));
    running.end().code(0);
    assert_eq!(user.token(REGISTRATION)["url"], elsewhere);
    assert_eq!(user.token(TOKEN)["server_url"], elsewhere, "the token goes where it was got for");
}

#[test]
fn a_server_that_refuses_us_is_said_how_to_log_in_to() {
    let server = play(|path, status, _| {
        if path == "/mcp" {
            *status = 401;
        }
    });
    let user = user();
    let address = format!("{}/mcp", server.base);
    let list = ["list", "--url", &address, "--auth"];
    let ran = user.run(&list).code(4);
    assert!(ran.stderr.contains(&format!("run: mcpauth login {address};")), "{}", ran.stderr);
    log_in(&user, &server, &[]);
    for list in [&list[..], &["list", "--server", NAME]] {
        let ran = user.run(list).code(4);
        assert!(ran.stderr.contains(&format!("run: mcpauth login {address} --force;")), "{}", ran.stderr);
    }
}

/// Two concurrent logins, at issuers that send no `iss` in their answers: an answer to one's address is not taken for
/// the other's, whatever it carries.
#[test]
fn an_issuers_answer_is_nobody_elses() {
    let play = || {
        play(|path, _, body| {
            if path == METADATA {
                body.as_object_mut().unwrap().remove("authorization_response_iss_parameter_supported");
            }
        })
    };
    let (one, two, user) = (play(), play(), user());
    let begin = |server: &Upstream, name: &str| {
        let address = format!("{}/mcp", server.base);
        user.start(&["login", &address, "--no-browser", "--server-name", name])
    };
    let (mut first, mut second) = (begin(&one, "one"), begin(&two, "two"));
    let (shown, other) = (first.url(), second.url());
    let uri = |shown: &str| url::Url::parse(&parameter(shown, "redirect_uri").unwrap()).unwrap();
    assert_ne!(uri(&shown).path(), uri(&other).path());
    let registered = to(&one.seen(), "/register")[0].message();
    assert_eq!(registered["redirect_uris"][0], uri(&shown).as_str(), "as it was registered");
    // Each one's port, with the other's path, state, or both.
    let state = |shown: &str| parameter(shown, "state").unwrap();
    for (to, path, state) in [
        (uri(&shown), uri(&other).path().to_owned(), state(&shown)),
        (uri(&shown), uri(&other).path().to_owned(), state(&other)),
        (uri(&shown), uri(&shown).path().to_owned(), state(&other)),
        (uri(&shown), "/callback".into(), state(&shown)),
        (uri(&other), uri(&shown).path().to_owned(), state(&other)),
    ] {
        let mut swapped = to;
        swapped.set_path(&path);
        assert_eq!(get(&format!("{swapped}?state={state}&code=stolen")).status, 400, "{swapped}");
    }
    for (running, shown) in [(first, shown), (second, other)] {
        assert_eq!(get(&callback(&shown, "code=the-code")).status, 200);
        running.end().code(0);
    }
    for server in [one, two] {
        let seen = server.seen();
        assert!(
            to(&seen, "/token")
                .into_iter()
                .all(|seen| form(seen).get("code").is_none_or(|code| code == "the-code"))
        );
    }
}

#[test]
fn parameters_that_an_issuer_wants_besides_are_kept_with_the_login() {
    let (server, user) = (play(|_, _, _| ()), user());
    let address = format!("{}/mcp", server.base);
    let words = ["--resource", "https://tenant1.test/", "--authorize-param", "audience=https://api.test"];
    let asked = |shown: &str, name: &str| parameter(shown, name).unwrap_or_default();
    let shown = log_in(&user, &server, &words);
    assert_eq!(asked(&shown, "resource"), "https://tenant1.test/");
    assert_eq!(asked(&shown, "audience"), "https://api.test");
    user.run(&["token", NAME]).code(0);
    let seen = server.seen();
    for request in to(&seen, "/token").into_iter().map(form) {
        assert_eq!(request["resource"], "https://tenant1.test/", "{request:?}");
        assert!(!request.contains_key("audience"), "{request:?}");
    }
    // The next login needs them no more, and a new one forgets them.
    let token = user.own_store().join(TOKEN);
    std::fs::remove_file(&token).unwrap();
    let mut running = user.start(&["login", &address, "--no-browser"]);
    let shown = running.url();
    assert_eq!(get(&callback(&shown, &format!("code=the-code&iss={}", server.base))).status, 200);
    running.end().code(0);
    assert_eq!(
        (asked(&shown, "audience"), asked(&shown, "resource")),
        ("https://api.test".into(), "https://tenant1.test/".into())
    );
    let shown = log_in(&user, &server, &["--force"]);
    assert_eq!((asked(&shown, "audience"), asked(&shown, "resource")), (String::new(), address.clone()));
    for odd in ["state=x", "client_id=other", " redirect_uri =x", "=x", "x"] {
        user.run(&["login", &address, "--no-browser", "--authorize-param", odd]).code(2);
    }
    user.run(&["login", &address, "--no-browser", "--resource", "tenant1"]).code(2);
}
