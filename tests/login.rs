//! A login from the address on stderr to the page in the browser, and everything that can come in between.
#![cfg(test)]

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mcpauth::demo::idp::{Idp, IdpEvent};
use serde_json::json;

use crate::support::User;
use crate::support::wire::{
    SECRET, Scripted, callback, decide, free_port, get, idp, idp_for, parameter, send,
};

const FILE: &str = "tracker-egress.json";
const EGRESS: [&str; 2] = ["egress", "--no-browser"];

/// Every token request, and whether it was granted.
fn exchanges(idp: &Idp) -> Vec<bool> {
    idp.seen()
        .into_iter()
        .filter_map(|seen| if let IdpEvent::Token { ok, .. } = seen { Some(ok) } else { None })
        .collect()
}

/// The files of the tokens folder, without the locks, which stay.
fn left(user: &User) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(user.project().join(".oauth-tokens")) else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| name != ".locks" && name != ".gitignore").collect()
}

#[test]
fn strays_are_turned_away_and_the_login_succeeds_once() {
    let idp = idp(300);
    let user = User::at(&idp);
    let mut running = user.start(&EGRESS);
    let url = running.url();
    assert_eq!(parameter(&url, "code_challenge_method").as_deref(), Some("S256"));
    let good = decide(&url, "allow");
    let uri = parameter(&url, "redirect_uri").unwrap();
    let root = uri.strip_suffix("/callback").unwrap();
    let query = good.split_once('?').unwrap().1;
    for stray in [
        format!("{uri}?code=evil&state=evil"),
        format!("{uri}?error=access_denied"),
        format!("{uri}?error=access_denied&state=evil"),
        format!("{root}/favicon.ico"),
        format!("{root}/other?{query}"),
        format!("{good}&x={}", "evil".repeat(4_000)),
        format!("{good}&state=evil"),
        uri.clone(),
    ] {
        let reply = get(&stray);
        assert_eq!(reply.status, 400, "{stray}");
        assert!(reply.body.contains("not the answer") && !reply.body.contains("evil"), "{}", reply.body);
    }
    for method in ["HEAD", "POST", "OPTIONS"] {
        assert_eq!(send(method, &good, "").unwrap().status, 400, "{method}");
    }
    let page = get(&good);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Tracker") && page.body.contains("Granted: read:work, offline_access"));
    for name in ["code", "state", "iss"] {
        assert!(!page.body.contains(&parameter(&good, name).unwrap()), "{name} is reflected: {}", page.body);
    }
    running.end().code(0);
    assert_eq!(exchanges(&idp), [true]);
    assert!(send("GET", &good, "").is_err(), "nobody listens any more");
    assert_eq!(left(&user), [FILE]);
}

#[test]
fn a_no_is_a_no_for_person_and_terminal() {
    let idp = idp(300);
    let user = User::at(&idp);
    let mut running = user.start(&EGRESS);
    let back = decide(&running.url(), "deny");
    let page = get(&back);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("did not succeed"), "{}", page.body);
    let ran = running.end().code(4);
    assert!(ran.stdout.contains("access_denied"), "{}", ran.stdout);
    assert_eq!((exchanges(&idp), left(&user)), (vec![], vec![]));

    let mut running = user.start(&EGRESS);
    let url = running.url();
    let iss = idp.issuer();
    let more = format!("iss={iss}&error=access_denied&error_description=%3Cscript%3Eevil%1B%5B31m");
    let page = get(&callback(&url, &more));
    assert!(!page.body.contains("evil"), "{}", page.body);
    let ran = running.end().code(4);
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'));
}

#[test]
fn another_issuers_answer_ends_the_login_and_gets_no_code() {
    let idp = idp(300);
    let user = User::at(&idp);
    for more in ["code=stolen&iss=https://evil.test", "code=stolen"] {
        let mut running = user.start(&EGRESS);
        let page = get(&callback(&running.url(), more));
        assert!(page.body.contains("did not succeed"), "{}", page.body);
        running.end().code(4);
    }
    assert_eq!((exchanges(&idp), left(&user)), (vec![], vec![]));
}

#[test]
fn a_busy_port_fails_before_any_address_is_shown() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let redirect = format!("http://{}/callback", taken.local_addr().unwrap());
    let mut user = User::new();
    user.tracker("tracker", 1, "http://127.0.0.1:9", &redirect, "");
    let ran = user.run(&EGRESS).code(2);
    assert!(!ran.stderr.contains("code_challenge"), "{}", ran.stderr);
    assert!(ran.stdout.contains("EGRESS_OAUTH_REDIRECT_URI"), "{}", ran.stdout);
}

#[test]
fn nobody_logs_in() {
    let idp = idp(300);
    let mut user = User::at(&idp);
    let ran = user.env("MCPAUTH_LOGIN_TIMEOUT", "1").run(&EGRESS).code(4);
    assert!(ran.stdout.contains("nobody logged in within 1 s"), "{}", ran.stdout);
    assert!(left(&user).is_empty());
}

#[test]
fn a_signal_ends_the_wait_and_leaves_nothing() {
    let idp = idp(300);
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut user = User::at(&idp);
        let port = free_port();
        user.env("EGRESS_OAUTH_REDIRECT_URI_1", format!("http://127.0.0.1:{port}/callback"));
        let mut running = user.start(&EGRESS);
        assert_eq!(
            parameter(&running.url(), "redirect_uri"),
            Some(format!("http://127.0.0.1:{port}/callback"))
        );
        running.signal(signal);
        running.end().code(code);
        TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert!(left(&user).is_empty());
    }
}

#[test]
fn two_sets_on_one_port_take_turns() {
    let idp = idp(300);
    let mut user = User::new();
    let redirect = format!("http://127.0.0.1:{}/callback", free_port());
    for (name, n) in [("one", 1), ("two", 2)] {
        user.tracker(name, n, idp.issuer(), &redirect, "");
    }
    let mut running = user.start(&EGRESS);
    let first = running.url();
    let second_must_wait = decide(&first, "allow");
    assert_eq!(get(&second_must_wait).status, 200);
    let second = running.url();
    assert_eq!(get(&decide(&second, "allow")).status, 200);
    running.end().code(0);
    assert_eq!(exchanges(&idp), [true, true]);
    assert_eq!(left(&user).len(), 2);
}

#[test]
fn localhost_listens_wherever_a_browser_may_look() {
    let port = free_port();
    let redirect = format!("http://localhost:{port}/callback");
    let idp = idp_for(300, &redirect);
    let mut user = User::at(&idp);
    user.env("EGRESS_OAUTH_REDIRECT_URI_1", &redirect);
    let mut running = user.start(&EGRESS);
    let good = decide(&running.url(), "allow");
    let mut hosts = vec!["127.0.0.1"];
    if TcpListener::bind("[::1]:0").is_ok() {
        hosts.push("[::1]");
    }
    for host in &hosts {
        assert_eq!(get(&format!("http://{host}:{port}/favicon.ico")).status, 400, "{host}");
    }
    assert_eq!(get(&good.replace("localhost", hosts.last().unwrap())).status, 200);
    running.end().code(0);
}

/// A user whose provider has several sites behind one grant.
fn at_sites(idp: &Idp) -> User {
    let mut user = User::new();
    let sites = format!("sites: {{endpoint: {}/sites, header: X-Cloud}}\n", idp.issuer());
    user.tracker("tracker", 1, idp.issuer(), "http://127.0.0.1:0/callback", &sites);
    user
}

#[test]
fn of_several_sites_the_first_is_taken_and_another_needs_no_new_login() {
    let idp = idp(300);
    let user = at_sites(&idp);
    let mut running = user.start(&EGRESS);
    assert_eq!(get(&decide(&running.url(), "allow")).status, 200);
    let ran = running.end().code(0);
    assert!(ran.stderr.contains("demo, demo-two") && ran.stderr.contains("--site"), "{}", ran.stderr);
    let before = user.token(FILE);
    assert_eq!((&before["cloud_id"], before["sites"].as_array().unwrap().len()), (&json!("cloud-1"), 2));
    user.run(&["egress", "--site", "demo-two"]).code(0);
    let after = user.token(FILE);
    assert_eq!(after["cloud_id"], "cloud-2");
    assert_eq!((&after["access_token"], &after["saved_at"]), (&before["access_token"], &before["saved_at"]));
    user.run(&["egress"]).code(0);
    assert_eq!(user.token(FILE)["cloud_id"], "cloud-2", "a choice stays");
}

#[test]
fn an_unknown_site_is_an_error_but_the_token_is_kept() {
    let idp = idp(300);
    let user = at_sites(&idp);
    let mut running = user.start(&["egress", "--no-browser", "--site", "elsewhere"]);
    assert_eq!(get(&decide(&running.url(), "allow")).status, 200);
    let ran = running.end().code(2);
    assert!(ran.stdout.contains("demo, demo-two") && ran.stdout.contains("--site"), "{}", ran.stdout);
    assert!(user.token(FILE)["access_token"].is_string());
    user.run(&["egress", "--site", "elsewhere"]).code(2);
    user.run(&["egress", "--site", "https://demo-two.example.test/"]).code(0);
    assert_eq!(user.token(FILE)["cloud_id"], "cloud-2");
    assert_eq!(exchanges(&idp), [true], "one login was enough");
}

#[test]
fn a_list_of_sites_that_did_not_come_is_asked_for_again_without_a_login() {
    let up = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&up);
    let server =
        Scripted::start(move |asked| match (asked.head.starts_with("POST"), switch.load(Ordering::SeqCst)) {
            (true, _) => (200, r#"{"access_token":"t","expires_in":3600}"#.into()),
            (_, false) => (503, String::new()),
            (_, true) => (200, r#"[{"id":"1","name":"acme","url":"https://acme.test"}]"#.into()),
        });
    let mut user = User::new();
    let sites = format!("sites: {{endpoint: {}/sites, header: X-Cloud}}\n", server.base);
    user.tracker("tracker", 1, &server.base, "http://127.0.0.1:0/callback", &sites);
    let mut running = user.start(&EGRESS);
    get(&callback(&running.url(), "code=the-code"));
    running.end().code(5);
    user.run(&["egress"]).code(5);
    up.store(true, Ordering::SeqCst);
    user.run(&["egress"]).code(0);
    assert_eq!(user.token(FILE)["cloud_id"], "1");
    let before = server.asked().len();
    user.run(&["egress"]).code(0);
    user.run(&["egress", "--site", "other"]).code(2);
    user.run(&["egress"]).code(0);
    assert_eq!(user.token(FILE)["cloud_id"], "1", "a mistyped wish changes nothing");
    assert_eq!(server.asked().len(), before, "what is known is not asked for");
}

/// A login at a server that answers the code with `reply`; the provider's file has `more` in it.
fn quirk(reply: &str, more: &str, code: i32) -> (User, Scripted, String) {
    let text = reply.to_owned();
    let server = Scripted::start(move |_| (200, text.clone()));
    let mut user = User::new();
    user.tracker("tracker", 1, &server.base, "http://127.0.0.1:0/callback", more);
    let mut running = user.start(&EGRESS);
    let url = running.url();
    get(&callback(&url, "code=the-code"));
    running.end().code(code);
    (user, server, url)
}

#[test]
fn a_200_can_be_a_no() {
    let (user, ..) = quirk(r#"{"error":"bad_verification_code"}"#, "", 4);
    assert!(left(&user).is_empty());
}

#[test]
fn token_replies_are_read_in_the_forms_servers_send() {
    for (reply, more) in [
        ("access_token=t&expires_in=3600&token_type=bearer", ""),
        (r#"{"access_token":"t","expires_in":"3600"}"#, ""),
        (
            r#"{"ok":true,"authed_user":{"access_token":"t","expires_in":3600}}"#,
            "reply: {root: /authed_user}\n",
        ),
    ] {
        let (user, ..) = quirk(reply, more, 0);
        let token = user.token(FILE);
        assert_eq!(token["access_token"], "t", "{reply}");
        assert!(token["expires_at"].as_f64().unwrap() > 1e9, "{reply}");
    }
    let (user, ..) = quirk(r#"{"access_token":"t"}"#, "", 0);
    assert!(user.token(FILE)["expires_at"].is_null(), "a token without a lifetime does not end");
    user.run(&["egress"]).code(0);
}

#[test]
fn the_client_authenticates_as_the_provider_wants_it() {
    let (_, server, url) = quirk(r#"{"access_token":"t"}"#, "", 0);
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    let field = |name: &str| asked[0].field(name);
    assert_eq!(field("client_secret").as_deref(), Some(SECRET));
    assert_eq!(
        (field("code").as_deref(), field("redirect_uri")),
        (Some("the-code"), parameter(&url, "redirect_uri"))
    );
    assert!(field("code_verifier").unwrap().len() >= 43);

    let (_, server, _) = quirk(r#"{"access_token":"t"}"#, "client_auth: client_secret_basic\n", 0);
    let asked = server.asked();
    assert!(asked[0].head.to_ascii_lowercase().contains("authorization: basic "), "{}", asked[0].head);
    assert_eq!(asked[0].field("client_secret"), None);

    let (_, server, url) = quirk(r#"{"access_token":"t"}"#, "pkce: false\n", 0);
    assert_eq!(parameter(&url, "code_challenge"), None);
    assert_eq!(server.asked()[0].field("code_verifier"), None);
}
