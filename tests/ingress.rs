//! The gateway's own token: each kind of identity provider, each client authentication, the file, and when it is
//! requested again.
#![cfg(test)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcpauth::demo::idp::{Expires, Idp, IdpClient, IdpEvent, Options};
use serde_json::{Value, json};

use crate::support::wire::Scripted;
use crate::support::{User, answering, mode};

const SECRET: &str = "ingress-secret-0123456789";

fn idp(expires_in: Expires) -> Idp {
    let clients = vec![
        IdpClient::machine("agent", SECRET, &["servers/read", "servers/execute"]),
        IdpClient::machine("other", SECRET, &["servers/read"]),
    ];
    Idp::start(Options { clients, expires_in, ..Options::default() }).unwrap()
}

/// How each request to the token endpoint proved who it was.
fn asked(idp: &Idp) -> Vec<(String, &'static str, bool)> {
    let token = |seen| match seen {
        IdpEvent::Token { client_id, ok, auth, .. } => Some((client_id, auth, ok)),
        _ => None,
    };
    idp.seen().into_iter().filter_map(token).collect()
}

fn cognito(issuer: &str) -> User {
    let mut user = User::new();
    user.cognito(issuer, "agent", SECRET);
    user
}

fn keycloak(url: &str) -> User {
    let mut user = User::new();
    user.env("AUTH_PROVIDER", "keycloak")
        .env("KEYCLOAK_URL", url)
        .env("KEYCLOAK_REALM", "demo")
        .env("KEYCLOAK_M2M_CLIENT_ID", "agent")
        .env("KEYCLOAK_M2M_CLIENT_SECRET", SECRET);
    user
}

fn oidc(issuer: &str) -> User {
    let mut user = User::new();
    user.oidc(issuer, "agent", SECRET);
    user
}

/// The status of the only flow.
#[track_caller]
fn status(user: &User, args: &[&str]) -> String {
    let args = [&["ingress", "--json"], args].concat();
    user.run(&args).code(0).json()["results"][0]["status"].as_str().unwrap().to_owned()
}

#[test]
fn every_form_authenticates_in_its_own_manner_or_in_the_one_that_is_set() {
    let idp = idp(Expires::Number);
    let (post, basic) = ("client_secret_post", "client_secret_basic");
    let forms = [(cognito(idp.issuer()), post), (keycloak(idp.issuer()), post), (oidc(idp.issuer()), basic)];
    let mut expected = Vec::new();
    for (mut user, by_default) in forms {
        for (set, method) in [("", by_default), (post, post), (basic, basic)] {
            user.env("INGRESS_OAUTH_CLIENT_AUTH", set);
            assert_eq!(status(&user, &["--force"]), "obtained");
            expected.push(("agent".to_owned(), method, true));
        }
    }
    assert_eq!(asked(&idp), expected);
}

/// Names in order and types, as the registry's scripts write them; ours come after theirs.
#[track_caller]
fn has_members(token: &Value, expected: &[(&str, &str)]) {
    let kind = |value: &Value| match value {
        Value::Null => "null",
        Value::String(_) => "text",
        Value::Number(n) if n.is_f64() => "float",
        _ => "other",
    };
    let found: Vec<(&str, &str)> =
        token.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), kind(value))).collect();
    assert_eq!(found, expected);
}

const COMMON: [(&str, &str); 8] = [
    ("provider", "text"),
    ("access_token", "text"),
    ("refresh_token", "null"),
    ("expires_at", "float"),
    ("expires_at_human", "text"),
    ("token_type", "text"),
    ("client_id", "text"),
    ("saved_at", "text"),
];

#[test]
fn the_file_has_the_references_members_for_cognito_and_for_keycloak() {
    let idp = idp(Expires::Number);
    let user = cognito(idp.issuer());
    user.run(&["ingress"]).code(0);
    let token = user.token("ingress.json");
    let own = [
        ("user_pool_id", "text"),
        ("region", "text"),
        ("usage_notes", "text"),
        ("issuer", "text"),
        ("origin", "text"),
    ];
    has_members(&token, &[&COMMON[..], &own].concat());
    let is = |name: &str, value: &str| assert_eq!(token[name], value, "{name}");
    is("provider", "cognito_m2m");
    is("token_type", "Bearer");
    is("client_id", "agent");
    is("user_pool_id", "eu-west-1_AbC");
    is("region", "eu-west-1");
    is("usage_notes", "This token is for INGRESS authentication to the MCP Gateway (Cognito M2M)");
    for name in ["saved_at", "expires_at_human"] {
        let text = token[name].as_str().unwrap();
        assert!(text.len() == 23 && text.ends_with(" UTC"), "{name}: {text}");
    }

    let user = keycloak(idp.issuer());
    user.run(&["ingress"]).code(0);
    let token = user.token("ingress.json");
    let own = [
        ("keycloak_url", "text"),
        ("realm", "text"),
        ("usage_notes", "text"),
        ("issuer", "text"),
        ("origin", "text"),
    ];
    has_members(&token, &[&COMMON[..], &own].concat());
    assert_eq!(token["provider"], "keycloak_m2m");
    assert_eq!(token["keycloak_url"], idp.issuer());
    assert_eq!(token["realm"], "demo");
    assert_eq!(
        token["usage_notes"],
        "This token is for INGRESS authentication to the MCP Gateway (Keycloak M2M)"
    );
}

#[cfg(unix)]
#[test]
fn folder_and_file_are_the_users_alone() {
    let idp = idp(Expires::Number);
    let user = cognito(idp.issuer());
    user.run(&["ingress"]).code(0);
    let folder = user.project().join(".oauth-tokens");
    assert_eq!((mode(&folder), mode(&folder.join("ingress.json"))), (0o700, 0o600));
}

#[test]
fn a_good_token_is_reused_without_asking_and_force_asks_again() {
    let idp = idp(Expires::Number);
    let user = cognito(idp.issuer());
    assert_eq!(status(&user, &[]), "obtained");
    let first = user.token("ingress.json");
    assert_eq!(status(&user, &[]), "reused");
    assert_eq!(user.token("ingress.json"), first);
    assert_eq!(asked(&idp).len(), 1);
    assert_eq!(status(&user, &["--force"]), "obtained");
    assert_eq!(asked(&idp).len(), 2);
    assert_ne!(user.token("ingress.json")["access_token"], first["access_token"]);
}

#[test]
fn another_clients_issuers_or_kinds_token_is_never_reused() {
    let (one, two) = (idp(Expires::Number), idp(Expires::Number));
    let mut user = cognito(one.issuer());
    assert_eq!(status(&user, &[]), "obtained");
    user.env("INGRESS_OAUTH_CLIENT_ID", "other");
    assert_eq!(status(&user, &[]), "obtained", "another client");
    user.env("INGRESS_OAUTH_ISSUER", two.issuer());
    assert_eq!(status(&user, &[]), "obtained", "another issuer");
    user.env("AUTH_PROVIDER", "oidc");
    assert_eq!(status(&user, &[]), "obtained", "another kind");
    assert_eq!(status(&user, &[]), "reused");
    user.env("AUTH_PROVIDER", "keycloak")
        .env("KEYCLOAK_URL", two.issuer())
        .env("KEYCLOAK_REALM", "demo")
        .env("KEYCLOAK_M2M_CLIENT_ID", "other")
        .env("KEYCLOAK_M2M_CLIENT_SECRET", SECRET);
    assert_eq!(status(&user, &[]), "obtained", "a realm");
    user.env("KEYCLOAK_REALM", "live");
    assert_eq!(status(&user, &[]), "obtained", "another realm");
    assert_eq!((asked(&one).len(), asked(&two).len()), (2, 4));
}

#[test]
fn a_token_of_the_references_is_reused_if_it_is_this_clients() {
    let pool = "eu-west-1_AbC";
    let file = json!({"provider": "cognito_m2m", "access_token": "kept", "refresh_token": null, "expires_at": 4e9,
        "client_id": "agent", "user_pool_id": pool, "region": "eu-west-1"});
    let mut user = cognito(&format!("https://cognito-idp.eu-west-1.amazonaws.com/{pool}"));
    user.file(".oauth-tokens/ingress.json", &file.to_string());
    assert_eq!(status(&user, &[]), "reused");
    assert_eq!(user.token("ingress.json"), file, "untouched");
    user.env("INGRESS_OAUTH_CLIENT_ID", "other").env("INGRESS_OAUTH_TOKEN_URL", answering(503, ""));
    user.run(&["ingress"]).code(5);
    assert_eq!(user.token("ingress.json"), file, "kept until there is a better one");
}

#[test]
fn a_missing_lifetime_is_the_tokens_own_or_three_hours_and_a_text_is_a_number() {
    let opaque = answering(200, r#"{"access_token":"opaque","token_type":"Bearer"}"#);
    let mut user = cognito("https://idp.test");
    let ran = user.env("INGRESS_OAUTH_TOKEN_URL", opaque).run(&["ingress", "--json"]).code(0).json();
    let left = ran["results"][0]["expires_in_s"].as_i64().unwrap();
    assert!((10_740..=10_800).contains(&left), "{left}");
    // The stand-in's tokens are JWTs of five minutes.
    for (form, expected) in [(Expires::Omitted, 300), (Expires::Text, 300), (Expires::Number, 300)] {
        let idp = idp(form);
        let user = cognito(idp.issuer());
        let ran = user.run(&["ingress", "--json"]).code(0).json();
        let left = ran["results"][0]["expires_in_s"].as_i64().unwrap();
        assert!((expected - 60..=expected).contains(&left), "{form:?}: {left}");
    }
}

/// An issuer whose clock is ten minutes behind ours issues tokens that seem to have expired; one that is ahead,
/// tokens that seem to live longer. `expires_in` needs no clock but ours.
#[test]
fn a_tokens_end_is_reckoned_by_our_own_clock_whatever_its_issuers_says() {
    for skew in [-600, 600] {
        let server = Scripted::start(move |_| {
            let now = mcpauth::sys::clock::now() + skew;
            let claims = json!({"iat": now, "nbf": now, "exp": now + 300}).to_string();
            let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
            (200, json!({"access_token": token, "token_type": "Bearer", "expires_in": 300}).to_string())
        });
        let mut user = oidc(&server.base);
        user.env("INGRESS_OAUTH_TOKEN_URL", format!("{}/token", server.base));
        assert_eq!(status(&user, &[]), "obtained");
        assert_eq!(status(&user, &[]), "reused", "{skew}");
        assert_eq!(server.asked().len(), 1);
    }
}

#[test]
fn scopes_and_audience_are_sent_only_when_they_are_set() {
    let idp = idp(Expires::Number);
    let mut user = cognito(idp.issuer());
    user.env("INGRESS_OAUTH_SCOPE", "servers/read, servers/execute");
    assert_eq!(status(&user, &[]), "obtained");
    user.env("INGRESS_OAUTH_SCOPE", "servers/admin");
    let ran = user.run(&["ingress", "--force"]).code(4);
    assert!(
        ran.stdout.contains("invalid_scope") && ran.stdout.contains("scopes that this client is allowed"),
        "{}",
        ran.stdout
    );
}

#[test]
fn each_of_keycloaks_addresses_wins_over_the_next() {
    let idp = idp(Expires::Number);
    for (right, wrong) in [
        ("KEYCLOAK_ADMIN_URL", "KEYCLOAK_EXTERNAL_URL"),
        ("KEYCLOAK_EXTERNAL_URL", "KEYCLOAK_URL"),
        ("KEYCLOAK_ADMIN_URL", "KEYCLOAK_URL"),
    ] {
        let mut user = keycloak("");
        user.env(wrong, "http://127.0.0.1:1").env(right, format!("{}/", idp.issuer()));
        assert_eq!(status(&user, &[]), "obtained", "{right}");
    }
}

#[test]
fn the_token_endpoint_can_be_named_outright_or_by_a_domain() {
    let idp = idp(Expires::Number);
    for (name, value) in
        [("INGRESS_OAUTH_TOKEN_URL", idp.token_endpoint()), ("COGNITO_DOMAIN", idp.issuer().to_owned())]
    {
        let mut user = cognito("");
        user.env(name, value);
        assert_eq!(status(&user, &[]), "obtained", "{name}");
        assert_eq!(
            user.token("ingress.json")["issuer"],
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC"
        );
    }
}

#[test]
fn the_secret_can_come_from_a_file_or_from_stdin() {
    let idp = idp(Expires::Number);
    for mut user in [cognito(idp.issuer()), keycloak(idp.issuer())] {
        user.env("INGRESS_OAUTH_CLIENT_SECRET", "wrong").env("KEYCLOAK_M2M_CLIENT_SECRET", "");
        user.file("secret.txt", &format!("{SECRET}\n"));
        user.run(&["ingress", "--client-secret-file", "secret.txt"]).code(0);
        user.run_with(&["ingress", "--force", "--client-secret-file", "-"], format!("{SECRET}\r\n")).code(0);
    }
}

#[test]
fn a_proxy_never_gets_what_is_meant_for_this_machine() {
    let idp = idp(Expires::Number);
    let mut user = cognito(idp.issuer());
    // A proxy that nobody runs: a request sent to it would fail.
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        user.env(name, "http://127.0.0.1:1");
    }
    user.run(&["ingress"]).code(0);
}
