//! One reader of metadata behind every verb: logins, tokens, the gateway, verification and diagnosis try the same
//! locations in the same order, and an unusable answer does not end the search. Not here: the table of unusable
//! answers (see the reader's own tests).
#![cfg(test)]

use std::collections::BTreeSet;

use mcpauth::gateway::settings::IssuerSettings;
use serde_json::json;

use crate::support::User;
use crate::support::lab::{Lab, until};
use crate::support::mint::{Key, Mint};
use crate::support::wire::{Asked, callback, get};

/// The places of an issuer with the path `/t`, in the order of the MCP authorization specification.
const PLACES: [&str; 3] = [
    "/.well-known/oauth-authorization-server/t",
    "/.well-known/openid-configuration/t",
    "/t/.well-known/openid-configuration",
];
/// Members that nobody needs here, each of an odd type.
const ODD: &str = r#""revocation_endpoint":"","introspection_endpoint":null,"scopes_supported":"openid","authorization_response_iss_parameter_supported":null,"end_session_endpoint":7"#;

fn path(asked: &Asked) -> &str {
    asked.head.split(' ').nth(1).unwrap()
}

fn base(asked: &Asked) -> String {
    let host = asked.head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    format!("http://{}", host.trim())
}

/// An issuer at `/t` and an MCP server at `/mcp`, whose metadata is only at the last of its locations; the others
/// answer `instead`.
fn mint(key: &Key, instead: &'static (u16, &'static str)) -> Mint {
    Mint::with(&[key], move |asked| {
        let (base, (status, body)) = (base(asked), *instead);
        match path(asked) {
            "/token" => {
                (200, json!({"access_token": "a", "token_type": "bearer", "expires_in": 300}).to_string())
            }
            "/register" => (201, json!({"client_id": "c", "client_secret": "s"}).to_string()),
            "/mcp" => (401, String::new()),
            "/.well-known/oauth-protected-resource" => {
                let odd = json!({"resource": base, "authorization_servers": [format!("{base}/t")], "scopes_supported": null});
                (200, format!("\u{feff}{odd}"))
            }
            place if place == PLACES[2] => (200, document(&base)),
            _ => (status, body.replace("BASE", &base)),
        }
    })
}

fn document(base: &str) -> String {
    format!(
        "\u{feff}{{\"issuer\":\"{base}/t\",\"authorization_endpoint\":\"{base}/authorize\",\"token_endpoint\":\"{base}/token\",\
         \"jwks_uri\":\"{base}/jwks\",\"registration_endpoint\":\"{base}/register\",\
         \"code_challenge_methods_supported\":[\"S256\"],{ODD}}}"
    )
}

/// Unusable answers; the table of the reader itself is longer.
const INSTEAD: [(u16, &str); 6] = [
    (404, ""),
    (502, "<h1>Bad Gateway</h1>"),
    (503, ""),
    (302, ""),
    (200, "<!doctype html><title>Sign in</title>"),
    (200, r#"{"issuer":"BASE","token_endpoint":"BASE/elsewhere","jwks_uri":"BASE/elsewhere"}"#),
];

fn user(issuer: &str) -> User {
    let mut user = User::new();
    user.cognito(issuer, "agent", "s3cret/4711");
    user
}

/// The well-known places of the issuer that were asked, each once, in order of the first time.
fn places(mint: &Mint) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let asked = mint.server.asked();
    let paths = asked.iter().map(|asked| path(asked).to_owned());
    paths.filter(|path| PLACES.contains(&path.as_str()) && seen.insert(path.clone())).collect()
}

/// The gateway's settings for an issuer that is found by its metadata.
fn settings(mint: &Mint) -> IssuerSettings {
    IssuerSettings { issuer: format!("{}/t", mint.issuer()), jwks_uri: None, ..mint.settings() }
}

#[test]
fn an_unusable_answer_ends_the_search_of_no_front() {
    let key = Key::new("k");
    for instead in &INSTEAD {
        let fresh = || mint(&key, instead);
        let of = |mint: &Mint| format!("{}/t", mint.issuer());

        let mint = fresh();
        user(&of(&mint)).run(&["ingress"]).code(0);
        assert_eq!(places(&mint), PLACES, "ingress: {instead:?}");

        let mint = fresh();
        let user_of = user(&of(&mint));
        let token = key.sign(json!({}), &mint.claims(json!({"iss": of(&mint)})));
        let ran = user_of.run_with(&["inspect", "--verify", "--json", "-"], &token).code(0);
        assert_eq!(ran.json()["verification"], "verified", "inspect: {instead:?}");
        assert_eq!(places(&mint), PLACES, "inspect: {instead:?}");

        let mint = fresh();
        let rows = user(&of(&mint)).run(&["doctor", "--json"]).json();
        let text = rows.to_string();
        assert!(text.contains("answers with its metadata"), "doctor: {instead:?}: {text}");
        assert!(!text.contains("there are no usable keys"), "doctor: {instead:?}: {text}");
        assert_eq!(places(&mint), PLACES, "doctor: {instead:?}");

        let mint = fresh();
        let lab = Lab::with(|file, _| file.issuers = vec![settings(&mint)]);
        let token = key.sign(json!({}), &mint.claims(json!({"iss": of(&mint)})));
        until("let in", || lab.call(&token, "alpha", "echo").status == 200);
        assert_eq!(places(&mint), PLACES, "gateway: {instead:?}");

        let mint = fresh();
        let server = format!("{}/mcp", mint.issuer());
        let user_of = User::new();
        let mut running = user_of.start(&["login", &server, "--no-browser"]);
        let shown = running.url();
        assert_eq!(get(&callback(&shown, "code=the-code")).status, 200);
        running.end().code(0);
        assert_eq!(places(&mint), PLACES, "login: {instead:?}");
    }
}

/// RFC 8414 leaves `jwks_uri` open.
#[test]
fn keys_are_found_where_the_first_document_is_silent_about_them() {
    let key = Key::new("k");
    let mint = mint(&key, &(200, r#"{"issuer":"BASE/t","token_endpoint":"BASE/token"}"#));
    let issuer = format!("{}/t", mint.issuer());
    let token = key.sign(json!({}), &mint.claims(json!({"iss": issuer})));
    let ran = user(&issuer).run_with(&["inspect", "--verify", "--json", "-"], &token).code(0);
    assert_eq!(ran.json()["verification"], "verified");
    let lab = Lab::with(|file, _| file.issuers = vec![settings(&mint)]);
    until("let in", || lab.call(&token, "alpha", "echo").status == 200);
}

#[test]
fn after_the_last_place_every_front_names_each_with_its_cause() {
    let all = |text: &str, why: &str| text.contains(why) && PLACES.iter().all(|place| text.contains(place));
    // What every place says, how a login ends, and the cause as it is told.
    let cases: [(&'static (u16, &'static str), i32, &str); 5] = [
        (&(404, ""), 2, "HTTP 404"),
        (&(503, ""), 5, "HTTP 503"),
        (&(429, ""), 5, "HTTP 429"),
        (&(200, "<html>"), 2, "not authorization server metadata"),
        (&(200, r#"{"issuer":"BASE"}"#), 2, "instead of"),
    ];
    for (instead, code, why) in cases {
        let mint = Mint::with(&[], move |asked| (instead.0, instead.1.replace("BASE", &base(asked))));
        let issuer = format!("{}/t", mint.issuer());
        let ran = user(&issuer).run(&["ingress"]).code(code);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(all(&said, why), "{said}");
        let said = user(&issuer).run(&["doctor", "--json"]).json().to_string();
        assert!(all(&said, why), "{said}");
        let key = Key::new("k");
        let token = key.sign(json!({}), &mint.claims(json!({"iss": issuer})));
        let ran = user(&issuer).run_with(&["inspect", "--verify", "--json", "-"], &token).code(5);
        assert!(all(ran.json()["reason"].as_str().unwrap(), why), "{}", ran.stdout);
        let lab = Lab::with(|file, _| file.issuers = vec![settings(&mint)]);
        until("said in the log", || lab.kept.events().iter().any(|line| all(line, why)));
    }
}
