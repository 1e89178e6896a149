//! Our own binary against third-party software: a certified provider, a Cognito stand-in under Amazon's addresses, a
//! real Keycloak, Chromium and a real keyring.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine as _;
use mcpauth::demo::idp::{Idp, IdpEvent};
use mcpauth::demo::setup;
use serde_json::Value;

use super::smoke::{answer_with, client_key};
use super::{Keycloak, Ministack, OidcProvider, browser_env, under_keyring};
use crate::support::{Ran, User, ended};

/// A token's payload, unverified.
pub(super) fn claims(token: &Value) -> Value {
    let part = token["access_token"].as_str().and_then(|text| text.split('.').nth(1)).expect("a JWT");
    let raw = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&raw).expect("claims")
}

fn pem(pkcs8: &[u8]) -> String {
    let body = base64::engine::general_purpose::STANDARD.encode(pkcs8);
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

/// A user whose browser is Chromium with alice in front of it.
pub(super) fn user_with_browser(kind: &str) -> (User, PathBuf) {
    let mut user = User::new();
    let shots = user.home().join("shots");
    std::fs::create_dir_all(&shots).expect("a folder");
    for (name, value) in browser_env(kind, &shots) {
        user.env(&name, value);
    }
    (user, shots)
}

/// Ages a stored token so that the next run must refresh it.
pub(super) fn age(user: &User, file: &str) {
    let mut token = user.token(file);
    token["expires_at"] = 1.into();
    user.file(&format!(".oauth-tokens/{file}"), &token.to_string());
}

/// Refreshes once, then shows that a used refresh token ends in a clear request to log in again.
pub(super) fn rotates(user: &User, file: &str, config_set: &str) {
    let before = user.token(file);
    age(user, file);
    let ran = user.run(&["egress", "--config-set", config_set, "--json"]).code(0);
    assert_eq!(ran.json()["results"][0]["status"], "refreshed");
    let after = user.token(file);
    assert_ne!(before["refresh_token"], after["refresh_token"], "the provider rotates");
    assert_ne!(before["access_token"], after["access_token"]);
    let mut stolen = after;
    stolen["refresh_token"] = before["refresh_token"].clone();
    stolen["expires_at"] = 1.into();
    user.file(&format!(".oauth-tokens/{file}"), &stolen.to_string());
    let refused = user.run(&["egress", "--config-set", config_set]).code(4);
    let command = format!("mcpauth egress --config-set {config_set}");
    assert!(
        refused.stdout.contains("no longer accepted") && refused.stdout.contains(&command),
        "{}",
        refused.stdout
    );
    assert_eq!(user.token(file)["refresh_token"], Value::Null, "a dead refresh token is not kept");
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn the_certified_provider_gives_ingress_by_every_client_authentication() {
    let (jwk, key) = client_key();
    let provider = OidcProvider::start_with(&jwk);
    for (kind, auth) in
        [("M2M", "client_secret_basic"), ("ODD", "client_secret_basic"), ("POST", "client_secret_post")]
    {
        let mut user = User::new();
        user.oidc(
            provider.base(),
            provider.value(&format!("{kind}_CLIENT_ID")),
            provider.value(&format!("{kind}_CLIENT_SECRET")),
        )
        .env("INGRESS_OAUTH_CLIENT_AUTH", auth);
        user.run(&["ingress"]).code(0);
        assert_eq!(claims(&user.token("ingress.json"))["iss"], provider.base(), "{kind}");
        let wrong =
            user.env("INGRESS_OAUTH_CLIENT_SECRET", "wrong-secret").run(&["ingress", "--force"]).code(4);
        assert!(
            wrong.stdout.contains("invalid_client") && !wrong.stdout.contains("wrong-secret"),
            "{}",
            wrong.stdout
        );
    }
    let mut user = User::new();
    let file = user.file("key.pem", &pem(&key));
    user.env("AUTH_PROVIDER", "oidc")
        .env("INGRESS_OAUTH_ISSUER", provider.base())
        .env("INGRESS_OAUTH_CLIENT_ID", provider.value("JWT_CLIENT_ID"))
        .env("INGRESS_OAUTH_PRIVATE_KEY_FILE", file.display().to_string())
        .env("INGRESS_OAUTH_KEY_ID", "k1");
    user.run(&["ingress"]).code(0);
    user.run(&["ingress", "--force"]).code(0);
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn the_certified_provider_logs_alice_in_by_chromium_and_rotates() {
    let provider = OidcProvider::start();
    let (mut user, shots) = user_with_browser("oidc-provider");
    log_in_at(&provider, &mut user);
    let ran = user.run(&["egress", "--config-set", "1", "--browser", "--json"]).code(0);
    assert_eq!(ran.json()["results"][0]["status"], "logged_in");
    // The page is written to disk when the browser has seen it to the end, which may be after we have ended.
    let page = wait_for(&shots.join("callback.png"));
    assert!(page.starts_with(b"\x89PNG"));
    rotates(&user, "certified-egress.json", "1");
}

fn wait_for(path: &std::path::Path) -> Vec<u8> {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        match std::fs::read(path) {
            Ok(bytes) if !bytes.is_empty() => return bytes,
            _ if std::time::Instant::now() > deadline => panic!("{} did not come", path.display()),
            _ => std::thread::sleep(std::time::Duration::from_millis(50)),
        }
    }
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn cognito_is_found_by_its_user_pool_alone_under_amazons_own_addresses() {
    let cognito = Ministack::start();
    let mut user = User::new();
    for (name, value) in cognito.amazon_env() {
        user.env(&name, value);
    }
    user.env("INGRESS_OAUTH_USER_POOL_ID", cognito.value("POOL_ID"))
        .env("INGRESS_OAUTH_CLIENT_ID", cognito.value("M2M_CLIENT_ID"))
        .env("INGRESS_OAUTH_CLIENT_SECRET", cognito.value("M2M_CLIENT_SECRET"));
    user.run(&["ingress"]).code(0);
    let token = user.token("ingress.json");
    let claims = claims(&token);
    assert_eq!((&claims["token_use"], &claims["iss"]), (&"access".into(), &cognito.value("ISSUER").into()));
    assert_eq!((&token["provider"], &token["region"]), (&"cognito_m2m".into(), &"us-east-1".into()));
    // By the domain's own host, and as an AgentCore gateway by discovery.
    user.env("COGNITO_DOMAIN", cognito.value("DOMAIN_PREFIX"));
    user.run(&["ingress", "--force"]).code(0);
    user.env("COGNITO_DOMAIN", "")
        .env("COGNITO_USER_POOL_ID", cognito.value("POOL_ID"))
        .env("AGENTCORE_CLIENT_ID_1", cognito.value("M2M_CLIENT_ID"))
        .env("AGENTCORE_CLIENT_SECRET_1", cognito.value("M2M_CLIENT_SECRET"))
        .env("AGENTCORE_SCOPE_1", "mcp-servers-restricted/read");
    user.run(&["agentcore"]).code(0);
    assert_eq!(
        self::claims(&user.token("bedrock-agentcore-egress.json"))["scope"],
        "mcp-servers-restricted/read"
    );
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn cognitos_hosted_login_gives_alice_a_token_with_her_groups() {
    let cognito = Ministack::start();
    let (mut user, _) = user_with_browser("ministack");
    let yaml = format!(
        "display_name: Cognito\nauthorization_endpoint: {}\ntoken_endpoint: {}\nclient_secret: optional\n\
         scopes: [openid, mcp-servers-restricted/read]\n",
        cognito.value("AUTHORIZE_URL"),
        cognito.value("TOKEN_URL")
    );
    user.provider("hosted", &yaml);
    let callback = cognito.value("CALLBACK_URLS").split(' ').next().expect("a callback").to_owned();
    user.env("EGRESS_PROVIDER_NAME_1", "hosted")
        .env("EGRESS_OAUTH_CLIENT_ID_1", cognito.value("CLI_CLIENT_ID"))
        .env("EGRESS_OAUTH_REDIRECT_URI_1", callback);
    user.run(&["egress", "--config-set", "1", "--browser"]).code(0);
    let claims = claims(&user.token("hosted-egress.json"));
    assert_eq!(
        (&claims["username"], &claims["cognito:groups"][0]),
        (&"alice".into(), &cognito.value("GROUP").into())
    );
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn keycloak_gives_ingress_agents_and_a_login() {
    let (jwk, key) = client_key();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let jwks_url = format!("http://{}/jwks.json", listener.local_addr().expect("an address"));
    let _asked_for = answer_with(listener, "application/json", format!(r#"{{"keys":[{jwk}]}}"#));
    let keycloak = Keycloak::start(&jwks_url);
    let (mut user, _) = user_with_browser("keycloak");
    user.env("AUTH_PROVIDER", "keycloak")
        .env("KEYCLOAK_URL", keycloak.value("KEYCLOAK_URL"))
        .env("KEYCLOAK_REALM", keycloak.value("REALM"))
        .env("KEYCLOAK_M2M_CLIENT_ID", keycloak.value("M2M_CLIENT_ID"))
        .env("KEYCLOAK_M2M_CLIENT_SECRET", keycloak.value("M2M_CLIENT_SECRET"));
    for auth in ["client_secret_post", "client_secret_basic"] {
        user.env("INGRESS_OAUTH_CLIENT_AUTH", auth);
        user.run(&["ingress", "--force"]).code(0);
        assert_eq!(claims(&user.token("ingress.json"))["azp"], keycloak.value("M2M_CLIENT_ID"), "{auth}");
    }
    assert_eq!(user.token("ingress.json")["provider"], "keycloak_m2m");

    // Its five-minute token is not due from birth.
    let again = user.run(&["ingress", "--json"]).code(0);
    assert_eq!(again.json()["results"][0]["status"], "reused");

    let file = user.file("key.pem", &pem(&key));
    user.env("INGRESS_OAUTH_CLIENT_AUTH", "private_key_jwt")
        .env("INGRESS_OAUTH_PRIVATE_KEY_FILE", file.display().to_string())
        .env("INGRESS_OAUTH_KEY_ID", "k1")
        .env("KEYCLOAK_M2M_CLIENT_ID", keycloak.value("JWT_CLIENT_ID"));
    user.run(&["ingress"]).code(0);
    user.run(&["ingress", "--force"]).code(0);

    agents(&user, &keycloak);
    let yaml = format!(
        "display_name: Keycloak\nissuer: {}\nclient_secret: never\nscopes: [openid]\nredirect: {{any_port: true}}\n",
        keycloak.base()
    );
    user.provider("realm", &yaml);
    user.env("EGRESS_PROVIDER_NAME_3", "realm")
        .env("EGRESS_OAUTH_CLIENT_ID_3", keycloak.value("WEB_CLIENT_ID"))
        .env("EGRESS_OAUTH_REDIRECT_URI_3", "http://127.0.0.1:0/callback");
    user.run(&["egress", "--config-set", "3", "--browser"]).code(0);
    assert_eq!(claims(&user.token("realm-egress.json"))["preferred_username"], "alice");
    rotates(&user, "realm-egress.json", "3");
}

/// An agent's file in, its token and its shell lines out; the shell gives back the very secret.
fn agents(user: &User, keycloak: &Keycloak) {
    let agent = serde_json::json!({
        "client_id": keycloak.value("M2M_CLIENT_ID"), "client_secret": keycloak.value("M2M_CLIENT_SECRET"),
        "keycloak_url": keycloak.value("KEYCLOAK_URL"), "keycloak_realm": keycloak.value("REALM"),
    });
    user.file(".oauth-tokens/agent-one.json", &agent.to_string());
    user.run(&["keycloak", "--all-agents"]).code(0);
    assert_eq!(claims(&user.token("agent-one-token.json"))["azp"], keycloak.value("M2M_CLIENT_ID"));
    let shell = Command::new("sh")
        .args(["-c", ". ./.oauth-tokens/agent-one.env; printf %s \"$CLIENT_SECRET\""])
        .current_dir(user.project())
        .output()
        .expect("a shell");
    assert_eq!(String::from_utf8_lossy(&shell.stdout), keycloak.value("M2M_CLIENT_SECRET"));
}

/// Runs our command in a session with a keyring.
fn under(user: &User, args: &[&str]) -> Ran {
    let mut command = under_keyring(&user.command(args));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ended(command.spawn().expect("keyring.sh"))
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn a_keyring_holds_the_secrets_and_the_file_the_rest() {
    let idp = Idp::start(setup::options(true)).expect("a provider");
    let mut user = User::new();
    user.env("INGRESS_OAUTH_ISSUER", idp.issuer())
        .env("INGRESS_OAUTH_USER_POOL_ID", "us-east-1_Demo")
        .env("INGRESS_OAUTH_CLIENT_ID", "demo-agent")
        .env("INGRESS_OAUTH_CLIENT_SECRET", "demo-agent-secret");
    let first = under(&user, &["ingress", "--storage", "keyring", "--json"]).code(0);
    assert_eq!(first.json()["results"][0]["status"], "obtained");
    let file = user.token("ingress.json");
    assert_eq!((&file["storage"], &file["access_token"]), (&"keyring".into(), &Value::Null));
    let second = under(&user, &["ingress", "--storage", "keyring", "--json"]).code(0);
    assert_eq!(second.json()["results"][0]["status"], "reused", "another session finds it again");
    let asked = idp.seen().iter().filter(|seen| matches!(seen, IdpEvent::Token { .. })).count();
    assert_eq!(asked, 1);

    // What is handed out comes from there, and a logout leaves nothing there.
    let token = under(&user, &["token", "ingress", "--storage", "keyring"]).code(0).stdout;
    assert_eq!(token.trim_end().split('.').count(), 3, "a JWT and nothing else");
    assert!(
        !std::fs::read_to_string(user.project().join(".oauth-tokens/ingress.json"))
            .unwrap()
            .contains(token.trim())
    );
    let headers = under(&user, &["headers", "https://gw.test/x/mcp", "--storage", "keyring"]).code(0).json();
    assert_eq!(headers["X-Authorization"], format!("Bearer {}", token.trim_end()));
    under(&user, &["logout", "ingress", "--storage", "keyring"]).code(0);
    user.file(".oauth-tokens/ingress.json", &file.to_string());
    let again = under(&user, &["ingress", "--storage", "keyring", "--json"]).code(0);
    assert_eq!(
        again.json()["results"][0]["status"],
        "obtained",
        "its entry is gone: the file alone is of no use"
    );

    // Nobody there to unlock it, or no daemon at all: the same as without a bus, and no hanging.
    for state in ["locked", "none"] {
        user.env("MCPAUTH_KEYRING", state);
        let auto = under(&user, &["ingress", "--storage", "auto", "--force"]).code(0);
        assert!(auto.stderr.contains("storage: 0600 files"), "{state}: {}", auto.stderr);
        let refused = under(&user, &["ingress", "--storage", "keyring"]).code(1);
        assert!(refused.stderr.contains("--storage file"), "{state}: {}", refused.stderr);
    }

    // Without a session bus: said and done in files for auto, refused with the way out for keyring.
    let auto = user.run(&["ingress", "--storage", "auto", "--force"]).code(0);
    assert!(auto.stderr.contains("storage: 0600 files"), "{}", auto.stderr);
    let refused = user.run(&["ingress", "--storage", "keyring"]).code(1);
    assert!(refused.stderr.contains("--storage file"), "{}", refused.stderr);
}

/// Makes the certified provider the user's first egress set, known by its issuer alone.
pub(super) fn log_in_at(provider: &OidcProvider, user: &mut User) {
    let yaml = format!(
        "display_name: Certified\nissuer: {}\nclient_secret: optional\nscopes: [openid, offline_access, \"mcp:tools\"]\n\
         authorization_params: {{prompt: consent}}\nredirect: {{hosts: [127.0.0.1], any_port: true}}\n",
        provider.base()
    );
    user.provider("certified", &yaml);
    user.env("EGRESS_PROVIDER_NAME_1", "certified")
        .env("EGRESS_OAUTH_CLIENT_ID_1", provider.value("CLI_CLIENT_ID"))
        .env("EGRESS_OAUTH_REDIRECT_URI_1", "http://127.0.0.1:0/callback");
}
