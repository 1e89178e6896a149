//! Decoding and ending credentials with the real binary and a real identity provider: `inspect` and `logout`.
#![cfg(test)]
#![cfg(unix)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcpauth::demo::idp::{Idp, IdpEvent};
use serde_json::{Value, json};

use crate::handing_out::{AGENT_SECRET, access_token, assert_discreet, idp, user};
use crate::support::wire::{SECRET, Scripted};
use crate::support::{Ran, User, nobody};

const TRACKER: &str = "tracker-egress.json";

/// The revoked tokens, in order.
fn revoked(idp: &Idp) -> Vec<String> {
    let seen = idp.seen().into_iter();
    seen.filter_map(|seen| if let IdpEvent::Revoked { token, .. } = seen { Some(token) } else { None })
        .collect()
}

fn is_kept(user: &User, file: &str) -> bool {
    user.project().join(".oauth-tokens").join(file).exists()
}

fn results(ran: &Ran) -> Vec<(String, String)> {
    let results = ran.json()["results"].as_array().unwrap().clone();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    results.iter().map(|row| (text(row, "status"), text(row, "revocation"))).collect()
}

fn is(status: &str, revocation: &str) -> (String, String) {
    (status.into(), revocation.into())
}

/// A provider `tracker` at a scripted server, with both tokens stored.
fn at(server: &Scripted, more: &str) -> User {
    let mut user = User::new();
    user.tracker("tracker", 1, &server.base, "http://127.0.0.1:0/callback", more);
    keep(&user);
    user
}

fn keep(user: &User) {
    let kept = json!({"provider": "tracker", "access_token": "the-access-token", "refresh_token": "the-refresh-token"});
    user.file(&format!(".oauth-tokens/{TRACKER}"), &kept.to_string());
}

#[test]
fn logout_removes_what_is_kept_and_tells_nobody() {
    let idp = idp();
    let user = user(&idp);
    user.log_in();
    let token = access_token(&user, TRACKER);
    let configuration = user.file(".oauth-tokens/mcp.json", &json!({"copy": token}).to_string());
    user.file(".oauth-tokens/notes.json", &json!({"copy": token}).to_string());
    let ran = user.run(&["logout", "tracker"]).code(0);
    assert!(!is_kept(&user, TRACKER) && revoked(&idp).is_empty());
    for part in ["--revoke", "copies of the tokens in", "notes.json", "removed from", "mcp.json"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert!(
        !std::fs::read_to_string(configuration).unwrap().contains(&token),
        "what we wrote is brought up to date"
    );
    assert!(!ran.stderr.contains(&token) && !ran.stdout.contains(&token));
    let ran = user.run(&["logout", "tracker", "--json"]).code(0);
    assert_eq!(results(&ran), [is("nothing", "not_asked")]);
    let ran = user.run(&["logout", "nobody"]).code(2);
    assert!(ran.stderr.contains("tracker-egress"), "{}", ran.stderr);
    assert!(user.run(&["logout"]).code(2).stderr.contains("--all"));
}

#[test]
fn logout_takes_the_refresh_token_back_and_then_the_access_token() {
    let idp = idp();
    let user = user(&idp);
    user.log_in();
    let kept = user.token(TRACKER);
    let ran = user.run(&["logout", "tracker", "--revoke", "--json"]).code(0);
    assert_eq!(results(&ran), [is("removed", "revoked")]);
    let expected = ["refresh_token", "access_token"].map(|name| kept[name].as_str().unwrap().to_owned());
    assert_eq!(revoked(&idp), expected);
    assert!(!is_kept(&user, TRACKER));
    for token in expected.iter().map(String::as_str).chain([SECRET]) {
        assert!(!ran.stderr.contains(token) && !ran.stdout.contains(token));
    }
}

#[test]
fn everything_goes_only_when_somebody_says_so() {
    let idp = idp();
    let user = user(&idp);
    user.log_in();
    user.run(&["ingress"]).code(0);
    let agent = json!({"client_id": "agent", "client_secret": AGENT_SECRET, "keycloak_url": idp.issuer(), "keycloak_realm": "demo"});
    user.file(".oauth-tokens/agent-one.json", &agent.to_string());
    user.run(&["keycloak"]).code(0);
    let ran = user.run(&["logout", "--all"]).code(2);
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    let kept = [TRACKER, "ingress.json", "agent-one-token.json", "agent-one.env"];
    assert!(kept.iter().all(|file| is_kept(&user, file)));
    let ran = user.run(&["logout", "--all", "--yes", "--revoke", "--json"]).code(0);
    assert_eq!(results(&ran), vec![is("removed", "revoked"); 3]);
    assert!(!kept.iter().any(|file| is_kept(&user, file)));
    assert!(is_kept(&user, "agent-one.json"), "a client's registration is a setting");
    assert_eq!(revoked(&idp).len(), 4);
    assert!(user.run(&["logout", "--all"]).code(0).stderr.contains("nothing is stored"));
}

#[test]
fn what_its_server_does_not_take_back_is_removed_all_the_same() {
    let say = |status, body: &'static str| Scripted::start(move |_| (status, body.into()));
    let revoke = |server: &Scripted| format!("revocation_endpoint: {}/revoke\n", server.base);
    let cases = [
        (say(503, ""), true, 5, "failed"),
        (
            say(400, r#"{"error":"invalid_client","error_description":"not the-refresh-token"}"#),
            true,
            4,
            "failed",
        ),
        (say(400, r#"{"error":"invalid_token"}"#), true, 0, "revoked"),
        (say(404, ""), false, 3, "unsupported"),
    ];
    for (server, has_endpoint, code, revocation) in cases {
        let more = if has_endpoint { revoke(&server) } else { format!("issuer: {}\n", server.base) };
        let user = at(&server, &more);
        let ran = user.run(&["logout", "tracker", "--revoke", "--json"]).code(code);
        assert_eq!(results(&ran), [is("removed", revocation)], "{}", ran.stdout);
        assert!(!is_kept(&user, TRACKER));
        keep(&user);
        let text = user.run(&["logout", "tracker", "--revoke"]).code(code);
        for said in [&ran.stdout, &ran.stderr, &text.stdout, &text.stderr] {
            assert!(!said.contains("the-refresh-token") && !said.contains("the-access-token"), "{said}");
        }
    }
    let mut user = User::new();
    user.tracker(
        "tracker",
        1,
        &nobody(),
        "http://127.0.0.1:0/callback",
        &format!("revocation_endpoint: {}/r\n", nobody()),
    );
    keep(&user);
    let ran = user.run(&["logout", "tracker", "--revoke"]).code(5);
    assert!(!is_kept(&user, TRACKER) && ran.stdout.contains("stays valid"), "{}", ran.stdout);
}

#[test]
fn a_grant_ends_with_its_refresh_token_even_where_access_tokens_cannot_be_taken_back() {
    let unsupported = r#"{"error":"unsupported_token_type"}"#;
    let server = Scripted::start(move |asked| {
        let access = asked.body.contains("the-access-token");
        if access { (400, unsupported.into()) } else { (200, String::new()) }
    });
    let more = format!(
        "revocation_endpoint: {}/revoke\ntoken_request: json\nclient_auth: client_secret_basic\ntoken_headers: {{X-Version: '7'}}\n",
        server.base
    );
    let user = at(&server, &more);
    let ran = user.run(&["logout", "tracker", "--revoke", "--json"]).code(0);
    assert_eq!(results(&ran), [is("removed", "grant_revoked")]);
    let asked = server.asked();
    let kinds: Vec<Value> = asked.iter().map(|asked| serde_json::from_str(&asked.body).unwrap()).collect();
    assert_eq!(kinds[0], json!({"token": "the-refresh-token", "token_type_hint": "refresh_token"}));
    assert_eq!((kinds.len(), &kinds[1]["token_type_hint"]), (2, &json!("access_token")));
    let head = asked[0].head.to_lowercase();
    for line in ["post /revoke ", "x-version: 7", "content-type: application/json", "authorization: basic "] {
        assert!(head.contains(line), "{line}: {head}");
    }
    // Without a refresh token there is nothing that this server could revoke.
    keep(&user);
    user.plant(TRACKER, &[("refresh_token", Value::Null)]);
    let ran = user.run(&["logout", "tracker", "--revoke", "--json"]).code(3);
    assert_eq!(results(&ran), [is("removed", "unsupported")]);
}

#[test]
fn keycloaks_logout_stands_in_where_there_is_no_revocation() {
    for (status, code, word) in [(204, 0, "grant_revoked"), (200, 3, "unsupported")] {
        let server = Scripted::start(move |asked| {
            let host = asked
                .head
                .lines()
                .find_map(|line| line.strip_prefix("host: ").or(line.strip_prefix("Host: ")));
            let base = format!("http://{}", host.unwrap().trim());
            match asked.head.split(' ').nth(1).unwrap() {
                "/logout" => (status, String::new()),
                path if path.contains("openid-configuration") => (
                    200,
                    json!({"issuer": base, "end_session_endpoint": format!("{base}/logout")}).to_string(),
                ),
                _ => (404, String::new()),
            }
        });
        let user = at(&server, &format!("issuer: {}\n", server.base));
        let ran = user.run(&["logout", "tracker", "--revoke", "--json"]).code(code);
        assert_eq!(results(&ran), [is("removed", word)]);
        let last = server.asked().pop().unwrap();
        assert_eq!(last.field("refresh_token").as_deref(), Some("the-refresh-token"));
        assert_eq!(last.field("client_id").as_deref(), Some("tracker-client"));
    }
}

#[test]
fn a_token_is_shown_to_its_own_server_alone() {
    let server = Scripted::start(|_| (200, String::new()));
    let user = at(&server, &format!("revocation_endpoint: {}/revoke\n", server.base));
    user.plant(TRACKER, &[("client_id", json!("another-client"))]);
    let ran = user.run(&["logout", "tracker", "--revoke", "--json"]).code(3);
    assert_eq!(results(&ran), [is("removed", "not_configured")]);
    assert!(server.asked().is_empty());
    // One that has expired and cannot be renewed is not worth a request.
    keep(&user);
    user.plant(TRACKER, &[("refresh_token", Value::Null), ("expires_at", json!(1))]);
    let ran = user.run(&["logout", "tracker", "--revoke", "--json"]).code(0);
    assert_eq!(results(&ran), [is("removed", "already_ended")]);
    assert!(server.asked().is_empty());
}

#[test]
fn a_file_whose_secrets_are_in_a_keyring_that_does_not_answer_stays() {
    let mut user = User::new();
    user.tracker("tracker", 1, &nobody(), "http://127.0.0.1:0/callback", "");
    user.file(&format!(".oauth-tokens/{TRACKER}"), r#"{"provider":"tracker","storage":"keyring"}"#);
    let row = user.run(&["status", "--json"]).code(0).json()["credentials"][0].clone();
    assert_eq!((&row["storage"], &row["status"]), (&json!("keyring"), &json!("needs_login")));
    assert!(row["message"].as_str().unwrap().contains("keyring"), "{row}");
    let ran = user.run(&["logout", "tracker", "--json"]).code(1);
    assert_eq!(results(&ran), [is("failed", "")]);
    assert!(ran.json()["results"][0]["hint"].as_str().unwrap().contains("mcpauth logout tracker-egress"));
    assert!(is_kept(&user, TRACKER), "it is all that remembers them");
}

/// A token with another part in the place of one of its own.
fn with_part(token: &str, part: usize, value: &Value) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts[part] = URL_SAFE_NO_PAD.encode(value.to_string());
    parts.join(".")
}

fn part(token: &str, part: usize) -> Value {
    let text = token.split('.').nth(part).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

#[test]
fn inspect_shows_what_a_token_says_and_verifies_it() {
    let idp = idp();
    let user = user(&idp);
    user.log_in();
    user.run(&["ingress"]).code(0);
    let token = access_token(&user, TRACKER);
    let file = format!(".oauth-tokens/{TRACKER}");
    for what in ["tracker", file.as_str()] {
        let ran = user.run(&["inspect", what, "--verify", "--json"]).code(0);
        let object = ran.json();
        assert_eq!((&object["verified"], &object["format"]), (&json!(true), &json!("jwt")));
        assert_eq!(
            (&object["claims"]["iss"], &object["header"]["alg"]),
            (&json!(idp.issuer()), &json!("ES256"))
        );
        assert_eq!(object["file"]["refresh_token"], true);
        assert_discreet(&user, &ran);
    }
    let text = user.run(&["inspect", "tracker"]).code(0);
    for part in ["verified       yes: signed by", "  exp            20", "tracker-client"] {
        assert!(text.stdout.contains(part), "{part}: {}", text.stdout);
    }
    let signature = token.rsplit('.').next().unwrap();
    assert!(!text.stdout.contains(signature) && !text.stderr.contains(signature));
    let piped = user.run_with(&["inspect", "-"], format!("Bearer {token}\n")).code(0);
    assert!(piped.stdout.contains("yes: signed by") && piped.stderr.is_empty(), "{}", piped.stderr);
    let typed = user.run(&["inspect", &token]).code(0);
    assert!(typed.stderr.contains("mcpauth inspect -") && !typed.stderr.contains(&token), "{}", typed.stderr);
    let raw = user.file("token.txt", &token);
    user.run(&["inspect", "--verify", raw.to_str().unwrap()]).code(0);
}

#[test]
fn a_token_that_has_ended_is_verified_and_no_good() {
    let idp = crate::support::wire::idp(0);
    let user = User::at(&idp);
    user.log_in();
    let ran = user.run(&["inspect", "tracker", "--json"]).code(0);
    assert_eq!((&ran.json()["verified"], &ran.json()["exit_code"]), (&json!(true), &json!(0)));
    user.run(&["inspect", "tracker", "--verify"]).code(7);
    user.run(&["inspect", "tracker", "--issuer", "not a url"]).code(2);
}

#[test]
fn a_forged_token_is_exit_code_7() {
    let idp = idp();
    let user = user(&idp);
    user.run(&["ingress"]).code(0);
    let token = access_token(&user, "ingress.json");
    let mut claims = part(&token, 1);
    claims["scope"] = json!("everything");
    let mut header = part(&token, 0);
    header["kid"] = json!("no-such-key");
    let none = format!("{}.", with_part(&token, 0, &json!({"alg": "none"})).rsplit_once('.').unwrap().0);
    for forged in [with_part(&token, 1, &claims), with_part(&token, 0, &header), none] {
        let ran = user.run_with(&["inspect", "--json", "-"], &forged).code(7);
        let object = ran.json();
        assert_eq!(
            (&object["verified"], &object["verification"]),
            (&json!(false), &json!("bad")),
            "{object}"
        );
    }
    let over = idp.issuer();
    claims = json!({"iss": over, "exp": 1});
    let ran = user.run_with(&["inspect", "-"], with_part(&token, 1, &claims)).code(7);
    assert!(ran.stdout.contains("NO: its signature does not match its issuer's key"), "{}", ran.stdout);
}

#[test]
fn a_token_does_not_choose_whom_we_talk_to() {
    let idp = idp();
    let user = user(&idp);
    user.run(&["ingress"]).code(0);
    let token = access_token(&user, "ingress.json");
    let evil = Scripted::start(|_| (200, "{}".into()));
    let mut claims = part(&token, 1);
    claims["iss"] = json!(evil.base);
    let foreign = with_part(&token, 1, &claims);
    let ran = user.run_with(&["inspect", "--json", "-"], &foreign).code(0);
    assert_eq!(ran.json()["verification"], "unknown");
    assert!(ran.json()["reason"].as_str().unwrap().contains("--issuer"));
    user.run_with(&["inspect", "--verify", "-"], &foreign).code(7);
    for name in ["jku", "x5u"] {
        let mut header = part(&token, 0);
        header[name] = json!(format!("{}/keys", evil.base));
        let ran = user.run_with(&["inspect", "--json", "-"], with_part(&token, 0, &header)).code(7);
        assert_eq!(ran.json()["header"][name], header[name], "it is shown");
    }
    assert!(evil.asked().is_empty(), "{:?}", evil.asked());
    // Named by the user, it is asked; and a token from another issuer is not this one's.
    user.run_with(&["inspect", "--issuer", &evil.base, "-"], &foreign).code(0);
    assert!(!evil.asked().is_empty());
    let ran = user.run_with(&["inspect", "--issuer", &evil.base, "--json", "-"], &token).code(0);
    assert_eq!(ran.json()["verification"], "unknown");
}

#[test]
fn what_cannot_be_verified_is_decoded_all_the_same() {
    let idp = idp();
    let user = user(&idp);
    user.run(&["ingress"]).code(0);
    drop(idp);
    let ran = user.run(&["inspect", "ingress"]).code(0);
    assert!(
        ran.stdout.contains("not verified: cannot connect") && ran.stdout.contains("claims"),
        "{}",
        ran.stdout
    );
    user.run(&["inspect", "ingress", "--verify"]).code(5);
    let opaque =
        json!({"provider": "hub", "access_token": "an-opaque-token", "scopes": ["repo"], "client_id": "c-1"});
    user.file(".oauth-tokens/hub-egress.json", &opaque.to_string());
    let ran = user.run(&["inspect", "hub"]).code(0);
    for part in ["opaque", "repo", "c-1"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("an-opaque-token"));
    user.run(&["inspect", "hub", "--verify"]).code(7);
    // What is not one of the names may be a token: it is not repeated.
    let ran = user.run(&["inspect", "an-opaque-token-that-was-typed-here-by-mistake"]).code(2);
    assert!(!ran.stderr.contains("by-mistake") && ran.stderr.contains("hub-egress"), "{}", ran.stderr);
    let ran = user.run(&["inspect", "tracker"]).code(2);
    assert!(ran.stderr.contains("mcpauth egress --config-set 1"), "{}", ran.stderr);
}
