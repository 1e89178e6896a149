//! A rotating refresh token is used once, no matter who needs it, and given up only when its server rejects it.
#![cfg(test)]

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use mcpauth::demo::idp::{Idp, IdpEvent};
use serde_json::json;

use crate::support::User;
use crate::support::ended;
use crate::support::wire::{Scripted, TEST_TIMEOUT, idp};

const FILE: &str = "tracker-egress.json";

/// Every refresh token that was presented, and whether it was taken.
pub(crate) fn presented(idp: &Idp) -> Vec<(String, bool)> {
    idp.seen()
        .into_iter()
        .filter_map(|seen| match seen {
            IdpEvent::Token { refresh_token: Some(token), ok, .. } => Some((token, ok)),
            _ => None,
        })
        .collect()
}

/// The clock stands after this token's end.
fn expire(user: &User) {
    user.plant(FILE, &[("expires_at", json!(1.0))]);
}

/// Good for a minute more, of an hour: due.
fn due(user: &User) {
    let now = mcpauth::sys::clock::now();
    let saved = mcpauth::sys::clock::human(now - 3_540);
    user.plant(FILE, &[("expires_at", json!(now + 60)), ("saved_at", json!(saved))]);
}

/// A server whose first answer to a refresh comes when the test says so.
pub(crate) struct Slow {
    pub(crate) server: Scripted,
    asked: Receiver<()>,
    answer: Sender<()>,
}

impl Slow {
    pub(crate) fn start() -> Self {
        let ((arrived, asked), (answer, may_answer)) = (channel(), channel());
        let held = Mutex::new((arrived, may_answer));
        let server = Scripted::start(move |request| match request.field("refresh_token").as_deref() {
            Some("first") => {
                let held = held.lock().unwrap();
                held.0.send(()).unwrap();
                held.1.recv().unwrap();
                let token = json!({"access_token": "new", "refresh_token": "second", "expires_in": 3600});
                (200, token.to_string())
            }
            _ => (400, r#"{"error":"invalid_grant"}"#.into()),
        });
        Self { server, asked, answer }
    }

    /// A user whose token of this server has ended, and can be refreshed.
    pub(crate) fn user(&self) -> User {
        self.known_to(User::new())
    }

    /// The same for a user who already exists.
    pub(crate) fn known_to(&self, mut user: User) -> User {
        let base = &self.server.base;
        user.tracker("tracker", 1, base, "http://127.0.0.1:0/callback", &format!("issuer: {base}\n"));
        let token = json!({
            "provider": "tracker", "access_token": "old", "refresh_token": "first", "expires_at": 1,
            "issuer": base, "client_id": "tracker-client",
        });
        user.file(&format!(".oauth-tokens/{FILE}"), &token.to_string());
        user
    }

    /// Waits until the refresh token has been sent.
    #[track_caller]
    pub(crate) fn asked(&self) {
        self.asked.recv_timeout(TEST_TIMEOUT).unwrap();
    }

    pub(crate) fn answer(&self) {
        self.answer.send(()).unwrap();
    }

    /// The first refresh token was sent once, and the answer was stored.
    #[track_caller]
    pub(crate) fn is_kept_by(&self, user: &User) {
        let kept = user.token(FILE);
        assert_eq!((&kept["access_token"], &kept["refresh_token"]), (&json!("new"), &json!("second")));
        assert_eq!(self.server.asked().len(), 1);
    }
}

#[cfg(unix)]
#[test]
fn whoever_is_told_to_stop_keeps_what_comes_for_a_used_refresh_token() {
    for (args, signal, code) in [
        (&["egress"][..], "TERM", 143),
        (&["egress"], "INT", 130),
        (&["headers", "tracker"], "TERM", 143),
        (&["token", "tracker"], "INT", 130),
        (&["exec", "tracker", "--", "true"], "TERM", 143),
        (&["refresh", "--once", "--no-install"], "TERM", 143),
    ] {
        let slow = Slow::start();
        let user = slow.user();
        let mut running = user.start(args);
        slow.asked();
        running.signal(signal);
        running.line(|line| line.contains("waiting for the new token"));
        slow.answer();
        let ran = running.end().code(code);
        assert_eq!(ran.stdout, "", "{args:?}");
        slow.is_kept_by(&user);
    }
}

#[cfg(unix)]
#[test]
fn a_second_signal_is_obeyed_at_once() {
    let slow = Slow::start();
    let user = slow.user();
    let mut running = user.start(&["egress"]);
    slow.asked();
    running.signal("INT");
    running.line(|line| line.contains("waiting for the new token"));
    running.signal("INT");
    running.end().code(130);
    slow.answer();
}

#[test]
fn a_deadline_does_not_cost_the_refresh_token() {
    for (args, code) in [
        (&["ping", "--server", "tracker", "--timeout", "1"][..], 5),
        // After 8 s; the client may then send a signal, because it waits no longer than 10 s.
        (&["headers", "tracker"], 4),
    ] {
        let slow = Slow::start();
        let user = slow.user();
        let mut running = user.start(args);
        slow.asked();
        running.line(|line| line.contains("waiting for the new token"));
        #[cfg(unix)]
        running.signal("TERM");
        slow.answer();
        let ran = running.end().code(code);
        assert_eq!(ran.stdout, "", "{args:?}");
        slow.is_kept_by(&user);
    }
}

#[test]
fn two_hundred_refreshes_by_two_at_once_use_each_refresh_token_once() {
    let idp = idp(0);
    let user = User::at(&idp);
    user.log_in();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..100 {
                    user.run(&["egress"]).code(0);
                }
            });
        }
    });
    let presented = presented(&idp);
    assert!(presented.iter().all(|(_, ok)| *ok));
    let different: HashSet<&str> = presented.iter().map(|(token, _)| token.as_str()).collect();
    assert_eq!((presented.len(), different.len()), (200, 200));
}

#[test]
fn twenty_at_once_refresh_a_due_token_once() {
    let idp = idp(300);
    let user = User::at(&idp);
    user.log_in();
    expire(&user);
    let children: Vec<_> = (0..20).map(|_| user.command(&["egress", "--json"]).spawn().unwrap()).collect();
    let mut how: Vec<String> = children
        .into_iter()
        .map(|child| ended(child).code(0).json()["results"][0]["status"].as_str().unwrap().to_owned())
        .collect();
    how.sort();
    assert_eq!(how[..2], ["refreshed", "reused"]);
    assert_eq!(presented(&idp).len(), 1);
}

#[test]
fn a_refused_refresh_token_is_dropped_and_a_person_asked_for() {
    let idp = idp(300);
    let user = User::at(&idp);
    user.log_in();
    expire(&user);
    user.plant(FILE, &[("refresh_token", json!("no-such-token"))]);
    let ran = user.run(&["egress", "--json"]).code(4);
    let hint = ran.json()["results"][0]["hint"].clone();
    assert!(hint.as_str().unwrap().contains("mcpauth egress --config-set 1"), "{hint}");
    assert!(user.token(FILE)["refresh_token"].is_null());
    user.run(&["egress"]).code(4);
    assert_eq!(presented(&idp), [("no-such-token".to_owned(), false)], "it is tried once, not at every run");
}

#[test]
fn an_outage_keeps_the_refresh_token() {
    let idp = idp(300);
    let user = User::at(&idp);
    user.log_in();
    expire(&user);
    drop(idp);
    let before = user.token(FILE);
    let ran = user.run(&["egress"]).code(5);
    assert!(ran.stdout.contains("mcpauth egress --config-set 1"), "{}", ran.stdout);
    assert_eq!(user.token(FILE), before);
}

#[test]
fn a_token_that_is_still_good_does_when_the_refresh_fails() {
    let idp = idp(300);
    let user = User::at(&idp);
    user.log_in();
    due(&user);
    user.plant(FILE, &[("refresh_token", json!("no-such-token"))]);
    for _ in 0..2 {
        let ran = user.run(&["egress"]).code(0);
        assert!(ran.stderr.contains("the current token is still valid"), "{}", ran.stderr);
    }
    assert!(user.token(FILE)["refresh_token"].is_null());
    user.plant(FILE, &[("refresh_token", json!("another"))]);
    drop(idp);
    let ran = user.run(&["egress"]).code(0);
    assert!(ran.stderr.contains("the current token is still valid"), "{}", ran.stderr);
    assert_eq!(user.token(FILE)["refresh_token"], "another");
}

#[test]
fn an_ingress_token_that_is_still_good_does_when_no_new_one_comes() {
    let server = crate::support::wire::Scripted::start(|_| (400, r#"{"error":"invalid_client"}"#.into()));
    let mut user = User::new();
    user.oidc(&server.base, "agent", "agent-secret")
        .env("INGRESS_OAUTH_TOKEN_URL", format!("{}/token", server.base));
    let now = mcpauth::sys::clock::now();
    let kept = |end: i64| json!({"provider": "oidc_m2m", "access_token": "old", "expires_at": end, "issuer": server.base, "client_id": "agent"});
    user.file(".oauth-tokens/ingress.json", &kept(now + 60).to_string());
    let ran = user.run(&["ingress"]).code(0);
    assert!(ran.stderr.contains("the current token is still valid"), "{}", ran.stderr);
    user.file(".oauth-tokens/ingress.json", &kept(now - 1).to_string());
    user.run(&["ingress"]).code(4);
    user.file(".oauth-tokens/ingress.json", &kept(now + 60).to_string());
    user.run(&["ingress", "--force"]).code(4);
}
