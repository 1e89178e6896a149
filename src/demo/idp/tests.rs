//! Tests of the identity provider over HTTP. Pure functions are tested next to their code.

mod device;
mod login;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::*;
use crate::demo::keys;

const REDIRECT: &str = "http://127.0.0.1:4711/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

type Pairs<'a> = &'a [(&'a str, &'a str)];

struct TestReply {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl TestReply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn text(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn error(&self) -> (u16, String) {
        (self.status.as_u16(), self.text("error"))
    }

    /// The query of the redirect, if it goes to the client.
    fn sent_back(&self) -> HashMap<String, String> {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        let url = Url::parse(self.header("location")).unwrap();
        assert!(url.as_str().starts_with(REDIRECT), "{url}");
        url.query_pairs().into_owned().collect()
    }
}

async fn send(request: reqwest::RequestBuilder) -> TestReply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    TestReply { status, headers, body: response.text().await.unwrap() }
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

fn form(url: &str, pairs: Pairs<'_>) -> reqwest::RequestBuilder {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    http().post(url).header("content-type", "application/x-www-form-urlencoded").body(body)
}

async fn post(url: &str, pairs: Pairs<'_>) -> TestReply {
    send(form(url, pairs)).await
}

async fn get(url: &str) -> TestReply {
    send(http().get(url)).await
}

fn options() -> Options {
    Options {
        clients: vec![
            IdpClient::machine("agent", "s3cret", &["read", "write"]),
            IdpClient::machine("odd id", "a:b+c&d%e=é", &["read"]),
            IdpClient::public("app", "http://127.0.0.1/callback", &["read", "offline_access"]),
            IdpClient::confidential("web", "hush", REDIRECT, &["read", "offline_access"]),
        ],
        auto_approve: true,
        ..Options::default()
    }
}

async fn start() -> Idp {
    Idp::start(options()).unwrap()
}

fn authorize_url(idp: &Idp, changes: Pairs<'_>) -> String {
    let challenge = keys::s256(VERIFIER);
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", REDIRECT),
        ("scope", "read offline_access"),
        ("state", "st&te"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    pairs.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    pairs.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    Url::parse_with_params(&idp.authorization_endpoint(), pairs).unwrap().into()
}

async fn code(idp: &Idp) -> String {
    get(&authorize_url(idp, &[])).await.sent_back()["code"].clone()
}

async fn redeem(idp: &Idp, code: &str, changes: Pairs<'_>) -> TestReply {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("code", code),
    ];
    pairs.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    pairs.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    post(&idp.token_endpoint(), &pairs).await
}

async fn refresh(idp: &Idp, token: &str, more: Pairs<'_>) -> TestReply {
    let mut pairs = vec![("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", token)];
    pairs.extend(more);
    post(&idp.token_endpoint(), &pairs).await
}

fn machine<'a>(id: &'a str, secret: &'a str, scope: &'a str) -> [(&'a str, &'a str); 4] {
    [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret), ("scope", scope)]
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn discovery_names_what_answers() {
    let idp = start().await;
    for path in ["openid-configuration", "oauth-authorization-server"] {
        let found = get(&format!("{}/.well-known/{path}", idp.issuer())).await.json();
        assert_eq!(found["issuer"], idp.issuer());
        assert_eq!(found["token_endpoint"], idp.token_endpoint());
        assert_eq!(found["authorization_endpoint"], idp.authorization_endpoint());
        assert_eq!(found["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(found["scopes_supported"], json!(["offline_access", "read", "write"]));
    }
}

#[tokio::test]
async fn an_access_token_verifies_with_the_published_key() {
    let idp = Idp::start(Options { audience: Some("gateway".to_owned()), ..options() }).unwrap();
    let reply = post(&idp.token_endpoint(), &machine("agent", "s3cret", "read")).await;
    assert_eq!((reply.status, reply.header("cache-control")), (StatusCode::OK, "no-store"));
    assert_eq!(reply.json()["expires_in"], 300);
    assert_eq!((reply.text("scope"), reply.text("token_type")), ("read".to_owned(), "Bearer".to_owned()));

    let token = reply.text("access_token");
    let header = jsonwebtoken::decode_header(&token).unwrap();
    assert_eq!((header.alg, header.typ.as_deref()), (Algorithm::ES256, Some("at+jwt")));
    let keys: JwkSet = serde_json::from_str(&get(&format!("{}/jwks", idp.issuer())).await.body).unwrap();
    let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&["gateway"]);
    validation.set_issuer(&[idp.issuer()]);
    let claims = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap().claims;
    assert_eq!(claims["sub"], "agent");
    assert_eq!(claims["client_id"], "agent");
    assert_eq!(claims["scope"], "read");
    assert_eq!(claims["token_use"], "access");
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);
    assert_eq!(reply.json().get("refresh_token"), None);
}

#[tokio::test]
async fn the_audience_is_the_asked_one_or_none() {
    let idp = start().await;
    let [grant, id, secret, _] = machine("agent", "s3cret", "");
    let asked = post(&idp.token_endpoint(), &[grant, id, secret, ("audience", "api")]).await;
    assert_eq!(claims(&asked.text("access_token"))["aud"], "api");
    let silent = post(&idp.token_endpoint(), &[grant, id, secret]).await;
    assert_eq!(claims(&silent.text("access_token")).get("aud"), None);
    assert_eq!(silent.text("scope"), "read write");
}

#[tokio::test]
async fn expires_in_comes_in_each_form() {
    for (expires_in, expected) in
        [(Expires::Number, json!(7)), (Expires::Text, json!("7")), (Expires::Omitted, Value::Null)]
    {
        let access_token_lifetime = Duration::from_secs(7);
        let idp = Idp::start(Options { access_token_lifetime, expires_in, ..options() }).unwrap();
        let reply = post(&idp.token_endpoint(), &machine("agent", "s3cret", "")).await;
        assert_eq!(reply.json()["expires_in"], expected);
    }
}

#[tokio::test]
async fn client_credentials_are_refused_with_the_rfcs_codes() {
    let idp = start().await;
    let url = idp.token_endpoint();
    let wrong = post(&url, &machine("agent", "wrong", "")).await;
    assert_eq!(wrong.error(), (401, "invalid_client".to_owned()));
    assert!(wrong.header("www-authenticate").starts_with("Basic "));

    let [grant, id, secret, _] = machine("agent", "s3cret", "");
    let cases: [(Pairs<'_>, u16, &str); 8] = [
        (&machine("nobody", "s3cret", ""), 401, "invalid_client"),
        (&[grant, id], 401, "invalid_client"),
        (&machine("agent", "s3cret", "read admin"), 400, "invalid_scope"),
        (&[grant, ("client_id", "app")], 400, "unauthorized_client"),
        (&machine("web", "hush", ""), 400, "unauthorized_client"),
        (&[id, secret], 400, "invalid_request"),
        (&[("grant_type", "password"), id, secret], 400, "unsupported_grant_type"),
        (&[grant, grant, id, secret], 400, "invalid_request"),
    ];
    for (pairs, status, error) in cases {
        assert_eq!(post(&url, pairs).await.error(), (status, error.to_owned()), "{pairs:?}");
    }
}

#[tokio::test]
async fn basic_credentials_are_form_encoded_and_exclusive() {
    let idp = start().await;
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let value = STANDARD.encode(format!("{}:{}", encode("odd id"), encode("a:b+c&d%e=é")));
    let ask = |pairs: Pairs<'_>| {
        form(&idp.token_endpoint(), pairs).header("authorization", format!("Basic {value}"))
    };
    let grant = ("grant_type", "client_credentials");

    assert_eq!(send(ask(&[grant])).await.status, StatusCode::OK);
    assert_eq!(send(ask(&[grant, ("client_id", "odd id")])).await.status, StatusCode::OK);
    let both = send(ask(&[grant, ("client_secret", "a:b+c&d%e=é")])).await;
    assert_eq!(both.error(), (400, "invalid_request".to_owned()));
    let other = send(ask(&[grant, ("client_id", "agent")])).await;
    assert_eq!(other.error(), (400, "invalid_request".to_owned()));
    let bearer = send(form(&idp.token_endpoint(), &[grant]).header("authorization", "Bearer x")).await;
    assert_eq!(bearer.error(), (401, "invalid_client".to_owned()));
}

#[tokio::test]
async fn one_endpoint_takes_json_too() {
    let idp = start().await;
    let url = format!("{}/oauth/token", idp.issuer());
    let ask = |url: &str, body: &str| {
        send(http().post(url).header("content-type", "application/json; charset=utf-8").body(body.to_owned()))
    };
    let good = r#"{"client_id":"agent","client_secret":"s3cret","audience":"api",
                   "grant_type":"client_credentials","scope":"write"}"#;
    let reply = ask(&url, good).await;
    assert_eq!(claims(&reply.text("access_token"))["aud"], "api");
    assert_eq!(reply.text("scope"), "write");
    assert_eq!(post(&url, &machine("agent", "s3cret", "")).await.status, StatusCode::OK);

    let twice = r#"{"client_id":"agent","client_id":"agent"}"#;
    for body in ["", "[]", "null", r#"["client_credentials"]"#, r#"{"client_id":1}"#, twice] {
        assert_eq!(ask(&url, body).await.error(), (400, "invalid_request".to_owned()), "{body}");
    }
    let elsewhere = ask(&idp.token_endpoint(), good).await;
    assert_eq!(elsewhere.error(), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn a_realm_is_an_issuer_of_its_own() {
    let idp = start().await;
    let realm = idp.realm_issuer("agents");
    let found = get(&format!("{realm}/.well-known/openid-configuration")).await;
    assert_eq!(found.text("issuer"), realm);
    assert_eq!(found.text("token_endpoint"), format!("{realm}/protocol/openid-connect/token"));
    assert_eq!(get(&found.text("jwks_uri")).await.status, StatusCode::OK);
    let reply = post(&found.text("token_endpoint"), &machine("agent", "s3cret", "")).await;
    assert_eq!(claims(&reply.text("access_token"))["iss"], realm);

    let foreign = code(&idp).await;
    let url = found.text("token_endpoint");
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("code", &foreign),
    ];
    assert_eq!(post(&url, &pairs).await.error(), (400, "invalid_grant".to_owned()));
    let odd = get(&format!("{}/realms/a%22b/.well-known/openid-configuration", idp.issuer())).await;
    assert_eq!(odd.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_revoked_refresh_token_is_dead() {
    let idp = start().await;
    let token = redeem(&idp, &code(&idp).await, &[]).await.text("refresh_token");
    let url = format!("{}/revoke", idp.issuer());
    let stranger = [("client_id", "web"), ("client_secret", "hush"), ("token", token.as_str())];
    assert_eq!(post(&url, &stranger).await.status, StatusCode::OK);
    let token = refresh(&idp, &token, &[]).await.text("refresh_token");

    let owner = [("client_id", "app"), ("token", token.as_str())];
    assert_eq!(post(&url, &owner).await.status, StatusCode::OK);
    assert_eq!(refresh(&idp, &token, &[]).await.error(), (400, "invalid_grant".to_owned()));
    assert!(idp.seen().contains(&IdpEvent::Revoked { client_id: "app".to_owned(), token }));
    assert_eq!(post(&url, &[("client_id", "app")]).await.error(), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn sites_answer_a_live_access_token_only() {
    static NOW: AtomicU64 = AtomicU64::new(1_000_000);
    let clock = || NOW.load(Ordering::Relaxed);
    let idp = Idp::start(Options { clock, ..options() }).unwrap();
    let url = format!("{}/sites", idp.issuer());
    let ask = |token: &str| send(http().get(&url).header("authorization", format!("Bearer {token}")));
    assert_eq!(get(&url).await.header("www-authenticate"), "Bearer");
    assert_eq!(ask("x.y.z").await.header("www-authenticate"), r#"Bearer error="invalid_token""#);

    let first = post(&idp.token_endpoint(), &machine("agent", "s3cret", "")).await.text("access_token");
    let second = post(&idp.token_endpoint(), &machine("agent", "s3cret", "")).await.text("access_token");
    let sites = ask(&first).await;
    assert_eq!(sites.json()[0], json!({"id": "cloud-1", "name": "demo", "url": "https://demo.example.test"}));
    assert_eq!(sites.json()[1]["id"], "cloud-2");

    let revoke = format!("{}/revoke", idp.issuer());
    let stranger = [("client_id", "app"), ("token", first.as_str())];
    assert_eq!(post(&revoke, &stranger).await.status, StatusCode::OK);
    assert_eq!(ask(&first).await.status, StatusCode::OK);
    let owner = [("client_id", "agent"), ("client_secret", "s3cret"), ("token", first.as_str())];
    assert_eq!(post(&revoke, &owner).await.status, StatusCode::OK);
    assert_eq!(ask(&first).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&second).await.status, StatusCode::OK);
    NOW.fetch_add(300, Ordering::Relaxed);
    assert_eq!(ask(&second).await.status, StatusCode::UNAUTHORIZED);
}

#[test]
fn it_serves_synchronous_callers_and_stops_when_dropped() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let idp = Idp::start(options()).unwrap();
    let reply = runtime.block_on(post(&idp.token_endpoint(), &machine("agent", "s3cret", "")));
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(idp.seen().len(), 1);

    let address = idp.issuer().strip_prefix("http://").unwrap().to_owned();
    let mut half_sent = std::net::TcpStream::connect(&address).unwrap();
    std::io::Write::write_all(&mut half_sent, b"GET /jwks HTTP/1.1\r\n").unwrap();
    runtime.block_on(get(&format!("{}/jwks", idp.issuer())));
    drop(idp);
    assert!(std::net::TcpStream::connect(&address).is_err());
}
