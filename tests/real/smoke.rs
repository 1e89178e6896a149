//! Each guard starts its part, and the part does what the program's tests rely on.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};
use url::Url;

use super::{Keycloak, Ministack, OidcProvider, browser_env, under_keyring};

// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A connection of our own to loopback, whatever proxy the environment names.
fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().expect("a client")
}

async fn discovery(issuer: &str) -> Value {
    let answer =
        client().get(format!("{issuer}/.well-known/openid-configuration")).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON")
}

pub(super) fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

async fn token(endpoint: &str, basic: Option<(&str, &str)>, fields: &[(&str, &str)]) -> (u16, Value) {
    let mut request = client()
        .post(endpoint)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form(fields));
    if let Some((id, secret)) = basic {
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        request = request.basic_auth(encode(id), Some(encode(secret)));
    }
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON"))
}

/// The public JWK, and the key in PKCS #8, of a client that signs its assertions.
pub(super) fn client_key() -> (String, Vec<u8>) {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let point = pair.public_key().as_ref();
    let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "k1", "alg": "ES256", "use": "sig",
        "x": encode(&point[1..33]), "y": encode(&point[33..65]) });
    (jwk.to_string(), pair.to_pkcs8v1().expect("its encoding").as_ref().to_vec())
}

fn assertion(client: &str, audience: &str, pkcs8: &[u8]) -> String {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let claims = json!({ "iss": client, "sub": client, "aud": audience, "iat": now, "exp": now + 60,
        "jti": format!("{now}-{:?}", Instant::now()) });
    let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::ES256) };
    encode(&header, &claims, &EncodingKey::from_ec_der(pkcs8)).expect("a signature")
}

async fn token_by_assertion(endpoint: &str, client: &str, audience: &str, pkcs8: &[u8]) -> (u16, Value) {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &assertion(client, audience, pkcs8)),
    ];
    token(endpoint, None, &fields).await
}

/// Answers every request on `listener` with `body` and hands out the targets asked for.
pub(super) fn answer_with(listener: TcpListener, kind: &'static str, body: String) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut head = Vec::new();
            let mut chunk = [0; 4096];
            while !head.windows(4).any(|w| w == b"\r\n\r\n") {
                match stream.read(&mut chunk) {
                    Ok(n) if n > 0 => head.extend_from_slice(&chunk[..n]),
                    _ => break,
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            if let Some(target) = head.split(' ').nth(1)
                && send.send(target.to_owned()).is_err()
            {
                return;
            }
        }
    });
    receive
}

/// Alice logs in through a real browser; the answer is what the callback got, and the redirect URI used.
fn log_in(
    kind: &str,
    endpoint: &str,
    redirect: Option<&str>,
    fields: &[(&str, &str)],
) -> (Vec<(String, String)>, String) {
    let port = redirect.map_or(0, |r| Url::parse(r).expect("a URL").port().expect("a port"));
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the callback's port");
    let redirect = format!("http://127.0.0.1:{}/callback", listener.local_addr().expect("an address").port());
    let targets = answer_with(listener, "text/html", "<h1>You can close this window</h1>".into());
    let common = [
        ("response_type", "code"),
        ("redirect_uri", redirect.as_str()),
        ("state", "s1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let shots = tempfile::tempdir().expect("a folder");
    let env = browser_env(kind, shots.path());
    let browser = &env.iter().find(|(k, _)| k == "BROWSER").expect("a browser").1;
    let started = Command::new(browser)
        .arg(format!("{endpoint}?{}", form(&[&common, fields].concat())))
        .envs(env.iter().cloned())
        .env("HOME", shots.path()) // as the program under test will have it
        .status()
        .expect("browser.sh");
    assert!(started.success());
    let exit = wait_for(&shots.path().join("browser.exit"));
    let log = std::fs::read_to_string(shots.path().join("browser.log")).expect("a log");
    assert_eq!(exit.trim(), "0", "the browser said: {log}");
    assert!(log.contains("You can close this window"), "the browser said: {log}");
    for name in ["login.png", "callback.png"] {
        assert!(shots.path().join(name).exists(), "{name}");
    }
    let target = targets.try_iter().find(|t| t.starts_with("/callback?")).expect("a callback");
    let callback = Url::parse("http://127.0.0.1").and_then(|u| u.join(&target)).expect("a URL");
    (callback.query_pairs().into_owned().collect(), redirect)
}

fn wait_for(file: &Path) -> String {
    let until = Instant::now() + Duration::from_secs(100);
    loop {
        if let Ok(text) = std::fs::read_to_string(file) {
            return text;
        }
        assert!(Instant::now() < until, "{} did not appear", file.display());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn field<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
}

fn code_fields<'a>(
    client: &'a str,
    pairs: &'a [(String, String)],
    redirect: &'a str,
) -> [(&'a str, &'a str); 5] {
    let code = field(pairs, "code").expect("a code");
    [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", redirect),
        ("code_verifier", VERIFIER),
    ]
}

#[tokio::test]
#[ignore = "real parts: run .ci/run"]
async fn the_certified_provider_serves_every_client_and_a_browser() {
    let (jwk, key) = client_key();
    let provider = OidcProvider::start_with(&jwk);
    let found = discovery(provider.base()).await;
    assert_eq!(found["issuer"], provider.base());
    let endpoint = found["token_endpoint"].as_str().expect("an endpoint");
    let machine = [("grant_type", "client_credentials")];
    for kind in ["M2M", "ODD"] {
        let (id, secret) =
            (provider.value(&format!("{kind}_CLIENT_ID")), provider.value(&format!("{kind}_CLIENT_SECRET")));
        assert_eq!(token(endpoint, Some((id, secret)), &machine).await.0, 200, "{kind}");
    }
    let (id, secret) = (provider.value("POST_CLIENT_ID"), provider.value("POST_CLIENT_SECRET"));
    assert_eq!(
        token(endpoint, None, &[machine[0], ("client_id", id), ("client_secret", secret)]).await.0,
        200
    );
    let by_key = token_by_assertion(endpoint, provider.value("JWT_CLIENT_ID"), provider.base(), &key).await;
    assert_eq!(by_key.0, 200, "{}", by_key.1["error"]);

    let client = provider.value("CLI_CLIENT_ID");
    let asked = [("client_id", client), ("scope", "openid offline_access mcp:tools"), ("prompt", "consent")];
    let (got, redirect) =
        log_in("oidc-provider", found["authorization_endpoint"].as_str().expect("one"), None, &asked);
    assert_eq!(field(&got, "iss"), Some(provider.base()));
    let (status, first) = token(endpoint, None, &code_fields(client, &got, &redirect)).await;
    assert_eq!(status, 200);
    let refresh = async |token_: &Value| {
        let old = token_["refresh_token"].as_str().expect("a refresh token");
        token(
            endpoint,
            None,
            &[("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", old)],
        )
        .await
    };
    let (status, second) = refresh(&first).await;
    assert_eq!(status, 200);
    // Rotation with reuse detection: the old one is rejected, and so is the new one from then on.
    assert_eq!(refresh(&first).await.1["error"], "invalid_grant");
    assert_eq!(refresh(&second).await.1["error"], "invalid_grant");
}

#[tokio::test]
#[ignore = "real parts: run .ci/run"]
async fn the_cognito_stand_in_serves_a_machine_a_browser_and_amazons_addresses() {
    let cognito = Ministack::start();
    let found = discovery(cognito.value("ISSUER_URL")).await;
    // The issuer is Amazon's even where the document is fetched from elsewhere.
    assert_eq!(found["issuer"], cognito.value("ISSUER"));
    let endpoint = cognito.value("TOKEN_URL");
    let (id, secret) = (cognito.value("M2M_CLIENT_ID"), cognito.value("M2M_CLIENT_SECRET"));
    assert_eq!(token(endpoint, Some((id, secret)), &[("grant_type", "client_credentials")]).await.0, 200);

    let client = cognito.value("CLI_CLIENT_ID");
    let redirect = cognito.value("CALLBACK_URLS").split(' ').next();
    let asked = [("client_id", client), ("scope", "openid mcp-servers-restricted/read")];
    let (got, redirect) = log_in("ministack", cognito.value("AUTHORIZE_URL"), redirect, &asked);
    assert_eq!(token(endpoint, None, &code_fields(client, &got, &redirect)).await.0, 200);

    let amazon = Command::new("curl")
        .args(["-sS", "--fail", "--proxy", cognito.value("PROXY"), "--cacert", cognito.value("CA")])
        .arg(format!("{}/.well-known/openid-configuration", cognito.value("ISSUER")))
        .envs(cognito.amazon_env())
        .output()
        .expect("curl: run tests/real/setup.sh");
    assert!(amazon.status.success(), "{}", String::from_utf8_lossy(&amazon.stderr));
    let document: Value = serde_json::from_slice(&amazon.stdout).expect("JSON");
    assert!(document["token_endpoint"].as_str().is_some_and(|e| e.starts_with("https://cognito-idp.")));
}

#[tokio::test]
#[ignore = "real parts: run .ci/run"]
async fn keycloak_serves_every_client_and_a_browser() {
    let (jwk, key) = client_key();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let jwks_url = format!("http://{}/jwks.json", listener.local_addr().expect("an address"));
    let asked_for = answer_with(listener, "application/json", format!(r#"{{"keys":[{jwk}]}}"#));

    let keycloak = Keycloak::start(&jwks_url);
    let found = discovery(keycloak.base()).await;
    assert_eq!(found["issuer"], keycloak.base());
    let endpoint = found["token_endpoint"].as_str().expect("an endpoint");
    let machine = [("grant_type", "client_credentials")];
    for kind in ["M2M", "AGENT", "AUDIENCE", "ACCOUNT", "BOTH"] {
        let (id, secret) =
            (keycloak.value(&format!("{kind}_CLIENT_ID")), keycloak.value(&format!("{kind}_CLIENT_SECRET")));
        assert_eq!(token(endpoint, Some((id, secret)), &machine).await.0, 200, "{kind} by Basic");
        let by_post =
            token(endpoint, None, &[machine[0], ("client_id", id), ("client_secret", secret)]).await;
        assert_eq!(by_post.0, 200, "{kind} by post");
    }
    let by_key = token_by_assertion(endpoint, keycloak.value("JWT_CLIENT_ID"), keycloak.base(), &key).await;
    assert_eq!(by_key.0, 200, "{}", by_key.1["error"]);
    assert!(asked_for.try_iter().any(|t| t == "/jwks.json"));

    // One browser each, without and with a consent page; the refresh token rotates.
    for kind in ["WEB_CLIENT_ID", "CONSENT_CLIENT_ID"] {
        let client = keycloak.value(kind);
        let authorize = found["authorization_endpoint"].as_str().expect("an endpoint");
        let (got, redirect) =
            log_in("keycloak", authorize, None, &[("client_id", client), ("scope", "openid")]);
        assert_eq!(field(&got, "iss"), Some(keycloak.base()));
        let (status, first) = token(endpoint, None, &code_fields(client, &got, &redirect)).await;
        assert_eq!(status, 200);
        let old = first["refresh_token"].as_str().expect("a refresh token");
        let again = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", old)];
        assert_eq!(token(endpoint, None, &again).await.0, 200);
        assert_eq!(token(endpoint, None, &again).await.1["error"], "invalid_grant");
    }
}

/// The key that signs, and all that are published, as `rotate` goes through its steps.
async fn follow_rotation(issuer: &str, basic: (&str, &str), fields: &[(&str, &str)], rotate: impl Fn(&str)) {
    let found = discovery(issuer).await;
    let (endpoint, jwks) =
        (found["token_endpoint"].as_str().expect("one"), found["jwks_uri"].as_str().expect("one"));
    let state = async || {
        let (status, answer) = token(endpoint, Some(basic), fields).await;
        assert_eq!(status, 200, "{}", answer["error"]);
        let header = jsonwebtoken::decode_header(answer["access_token"].as_str().expect("a token"));
        let text = client().get(jwks).send().await.expect("an answer").text().await.expect("a body");
        let keys: Value = serde_json::from_str(&text).expect("JSON");
        let rs256 = keys["keys"].as_array().into_iter().flatten().filter(|key| key["alg"] == "RS256").count();
        (header.expect("a JWT").kid.expect("a key id"), rs256)
    };
    let (old, alone) = state().await;
    assert_eq!(alone, 1);
    rotate("publish");
    assert_eq!(state().await, (old.clone(), 2));
    rotate("switch");
    let (new, both) = state().await;
    assert!(new != old && both == 2);
    rotate("drop");
    assert_eq!(state().await, (new, 1));
}

#[tokio::test]
#[ignore = "real parts: run .ci/run"]
async fn the_certified_provider_rotates_its_keys_and_answers_about_opaque_tokens() {
    let provider = OidcProvider::start();
    let machine = (provider.value("M2M_CLIENT_ID"), provider.value("M2M_CLIENT_SECRET"));
    let asked = |resource| [("grant_type", "client_credentials"), ("resource", provider.value(resource))];
    let endpoint = format!("{}/token", provider.base());
    let opaque = token(&endpoint, Some(machine), &asked("OPAQUE_RESOURCE")).await.1;
    let opaque = opaque["access_token"].as_str().expect("a token");
    assert!(!opaque.contains('.'));

    follow_rotation(provider.base(), machine, &asked("RESOURCE"), |step| provider.rotate(step)).await;

    let server = (provider.value("RS_CLIENT_ID"), provider.value("RS_CLIENT_SECRET"));
    let (status, answer) =
        token(provider.value("INTROSPECTION_URL"), Some(server), &[("token", opaque)]).await;
    assert_eq!((status, &answer["active"], &answer["client_id"]), (200, &json!(true), &json!("m2m")));
}

#[tokio::test]
#[ignore = "real parts: run .ci/run"]
async fn keycloak_rotates_its_realms_keys() {
    let keycloak = Keycloak::start("http://127.0.0.1:9/jwks.json");
    let agent = (keycloak.value("AGENT_CLIENT_ID"), keycloak.value("AGENT_CLIENT_SECRET"));
    let machine = [("grant_type", "client_credentials")];
    follow_rotation(keycloak.base(), agent, &machine, |step| keycloak.rotate(step)).await;

    let endpoint = format!("{}/protocol/openid-connect/token", keycloak.base());
    for kind in ["PATHS_CLIENT_ID", "FLAT_CLIENT_ID"] {
        let user = [("username", keycloak.value("USERNAME")), ("password", keycloak.value("PASSWORD"))];
        let more = [("grant_type", "password"), ("client_id", keycloak.value(kind)), ("scope", "openid")];
        let (status, answer) = token(&endpoint, None, &[user, [more[0], more[1]]].concat()).await;
        assert_eq!(status, 200, "{kind}: {}", answer["error"]);
    }
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn a_keyring_keeps_a_secret_from_one_session_to_the_next() {
    let home = tempfile::tempdir().expect("a folder");
    let mut store = Command::new("sh");
    store.args([
        "-c",
        "printf hunter2 | secret-tool store --label=smoke service mcpauth-smoke username alice",
    ]);
    let mut lookup = Command::new("secret-tool");
    lookup.args(["lookup", "service", "mcpauth-smoke", "username", "alice"]);
    for command in [&mut store, &mut lookup] {
        command.env("HOME", home.path());
    }
    let stored = under_keyring(&store).output().expect("keyring.sh");
    assert!(stored.status.success(), "{}", String::from_utf8_lossy(&stored.stderr));
    let found = under_keyring(&lookup).output().expect("keyring.sh");
    assert_eq!(
        String::from_utf8_lossy(&found.stdout),
        "hunter2",
        "{}",
        String::from_utf8_lossy(&found.stderr)
    );
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn a_dropped_guard_leaves_nothing_behind() {
    let provider = OidcProvider::start();
    let address = provider.base().trim_start_matches("http://").to_owned();
    assert!(std::net::TcpStream::connect(&address).is_ok());
    drop(provider);
    assert!(std::net::TcpStream::connect(&address).is_err());
}
