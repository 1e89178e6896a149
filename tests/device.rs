//! A login with a code on another device, from the code on stderr to the token, and every way it can fail.
#![cfg(test)]

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use mcpauth::demo::idp::{GrantType, Idp, IdpClient, IdpEvent, Options};

use crate::support::wire::{Running, SECRET, Scripted, idp, send};
use crate::support::{User, answering};

const FILE: &str = "tracker-egress.json";
const DEVICE: [&str; 2] = ["egress", "--device"];
const SCOPES: [&str; 2] = ["read:work", "offline_access"];
const INTERVAL: Duration = Duration::from_millis(10);

fn provider(grants: &[GrantType], clock: fn() -> u64) -> Idp {
    let client = IdpClient::new("tracker-client", Some(SECRET), &SCOPES, grants);
    let options = Options { clients: vec![client], device_interval: INTERVAL, clock, ..Options::default() };
    Idp::start(options).unwrap()
}

/// A user whose provider's file names its device endpoint.
fn at(base: &str, more: &str) -> User {
    let mut user = User::new();
    let device = format!("device_authorization_endpoint: {base}/device_authorization\n{more}");
    user.tracker("tracker", 1, base, "http://127.0.0.1:0/callback", &device);
    user
}

/// The code it shows, entered on the page it names, with this decision.
#[track_caller]
fn enter(running: &mut Running, decision: &str) {
    let page = running.url();
    let line = running.line(|line| line.starts_with("and enter the code "));
    let code = line.rsplit(' ').next().unwrap();
    let reply = send("POST", &page, &format!("user_code={code}&decision={decision}")).unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
}

fn system() -> u64 {
    mcpauth::sys::clock::now().try_into().unwrap()
}

const PERSON: [GrantType; 2] = [GrantType::DeviceCode, GrantType::RefreshToken];

#[test]
fn a_code_that_is_entered_elsewhere_gives_a_token_that_refreshes() {
    for basic in ["", "client_auth: client_secret_basic\n"] {
        let idp = provider(&PERSON, system);
        let user = at(idp.issuer(), basic);
        let mut running = user.start(&DEVICE);
        enter(&mut running, "allow");
        let ran = running.end().code(0);
        assert!(
            !ran.stderr.contains("user_code="),
            "the link with the code in it is for terminals: {}",
            ran.stderr
        );
        let token = user.token(FILE);
        assert!(token["refresh_token"].is_string(), "{token}");
        let way = if basic.is_empty() { "client_secret_post" } else { "client_secret_basic" };
        let ends = |seen: &IdpEvent| matches!(seen, IdpEvent::Token { ok: true, auth, .. } if *auth == way);
        assert_eq!(idp.seen().iter().filter(|seen| ends(seen)).count(), 1, "{:?}", idp.seen());
        user.plant(FILE, &[("expires_at", 1.into())]);
        user.run(&["egress"]).code(0);
    }
}

#[test]
fn endpoints_may_come_from_the_issuer() {
    let idp = provider(&PERSON, system);
    let mut user = User::new();
    user.tracker("tracker", 1, idp.issuer(), "http://127.0.0.1:0/callback", "");
    user.provider(
        "tracker",
        &format!("display_name: Tracker\nissuer: {}\nscopes: [\"read:work\"]\n", idp.issuer()),
    );
    let mut running = user.start(&["generate", "--egress-only", "--no-install", "--device"]);
    enter(&mut running, "allow");
    running.end().code(0);
    assert!(user.token(FILE)["access_token"].is_string());
}

#[test]
fn a_no_and_an_old_code_need_a_person_again() {
    let idp = provider(&PERSON, system);
    let user = at(idp.issuer(), "");
    let mut running = user.start(&DEVICE);
    enter(&mut running, "deny");
    let ran = running.end().code(4);
    assert!(ran.stdout.contains("access_denied") && ran.stdout.contains("mcpauth egress"), "{}", ran.stdout);

    static NOW: AtomicU64 = AtomicU64::new(1_000);
    let idp = provider(&PERSON, || NOW.load(Ordering::SeqCst));
    let user = at(idp.issuer(), "");
    let mut running = user.start(&DEVICE);
    running.line(|line| line.starts_with("and enter"));
    NOW.store(1_000_000, Ordering::SeqCst);
    let ran = running.end().code(4);
    assert!(ran.stdout.contains("not entered in time") && ran.stdout.contains("--device"), "{}", ran.stdout);
    assert!(!user.project().join(".oauth-tokens").join(FILE).exists());
}

#[test]
fn it_polls_on_while_nobody_has_answered_and_while_the_server_is_down() {
    let polls = AtomicUsize::new(0);
    let server = Scripted::start(move |asked| {
        if asked.head.starts_with("POST /device") {
            return (
                200,
                r#"{"device_code":"the-device-code","user_code":"AB-CD","verification_url":"https://x.test/d",
                    "expires_in":60,"interval":"0.01"}"#
                    .into(),
            );
        }
        match polls.fetch_add(1, Ordering::SeqCst) {
            0 => (400, r#"{"error":"authorization_pending"}"#.into()),
            1 => (503, String::new()),
            // Some servers send it with a 200.
            2 => (200, r#"{"error":"authorization_pending","error_description":"the-device-code"}"#.into()),
            _ => (200, r#"{"access_token":"the-token","expires_in":60}"#.into()),
        }
    });
    let more = "authorization_params: {audience: api, prompt: consent}\ndevice_params: {audience: api}\n";
    let user = at(&server.base, more);
    let ran = user.run(&["egress", "--device", "-vv"]).code(0);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    for secret in ["the-device-code", "the-token", SECRET] {
        assert!(!said.contains(secret), "{said}");
    }
    assert!(said.contains("https://x.test/d\n") && said.contains("AB-CD"), "{said}");
    let asked = server.asked();
    assert_eq!(asked.len(), 5);
    assert_eq!(asked[0].field("scope").as_deref(), Some("read:work offline_access"));
    assert_eq!((asked[0].field("audience").as_deref(), asked[0].field("prompt")), (Some("api"), None));
    assert_eq!(asked[0].field("code_challenge_method").as_deref(), Some("S256"));
    for poll in &asked[1..] {
        assert_eq!(poll.field("device_code").as_deref(), Some("the-device-code"));
        assert!(poll.field("code_verifier").unwrap().len() >= 43);
        assert_eq!(poll.field("client_secret").as_deref(), Some(SECRET));
    }
}

#[test]
fn a_provider_without_the_device_grant_is_not_asked() {
    let mut user = User::new();
    user.tracker(
        "tracker",
        1,
        "http://127.0.0.1:9",
        "http://127.0.0.1:0/callback",
        "issuer: http://127.0.0.1:9\n",
    );
    let ran = user.run(&DEVICE).code(2);
    assert!(ran.stdout.contains("Tracker does not support device login"), "{}", ran.stdout);
    assert!(ran.stdout.contains("mcpauth egress --config-set 1 --no-browser"), "{}", ran.stdout);
}

#[test]
fn a_client_without_the_device_grant_is_told_what_else_there_is() {
    let idp = provider(&[GrantType::AuthorizationCode], system);
    let ran = at(idp.issuer(), "").run(&DEVICE).code(2);
    assert!(
        ran.stdout.contains("unauthorized_client") && ran.stdout.contains("--no-browser"),
        "{}",
        ran.stdout
    );
    let down = at(&answering(503, ""), "").run(&DEVICE).code(5);
    assert!(down.stdout.contains("HTTP 503"), "{}", down.stdout);
    let odd = at(&answering(200, "<html>"), "").run(&DEVICE).code(5);
    assert!(odd.stdout.contains("neither a JSON object"), "{}", odd.stdout);
}

#[test]
fn nobody_enters_the_code() {
    let idp = provider(&PERSON, system);
    let mut user = at(idp.issuer(), "");
    let ran = user.env("MCPAUTH_LOGIN_TIMEOUT", "1").run(&DEVICE).code(4);
    assert!(ran.stdout.contains("login timed out after 1 s"), "{}", ran.stdout);
}

#[test]
fn one_way_to_log_in_is_chosen() {
    let idp = idp(300);
    for other in ["--browser", "--no-browser"] {
        let ran = User::at(&idp).run(&["egress", "--device", other]).code(2);
        assert!(ran.stderr.contains("cannot be used with"), "{}", ran.stderr);
    }
}
