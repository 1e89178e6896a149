//! A single-use refresh token behind bridges: many of them at once, and requests that are cancelled meanwhile.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Client, call, json_answer, modern, result};
use crate::rotation::{Slow, presented};
use crate::support::User;
use crate::support::upstream::{Seen, Upstream, say};
use crate::support::wire::{TEST_TIMEOUT, idp};

/// The claims of a request's token, if it is from this issuer and has not expired.
fn good(seen: &Seen, issuer: &str) -> bool {
    let token = seen.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let payload = token.and_then(|token| URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok());
    let claims: Value = serde_json::from_slice(&payload.unwrap_or_default()).unwrap_or_default();
    claims["iss"] == issuer && claims["exp"].as_i64().is_some_and(|end| end > mcpauth::sys::clock::now())
}

#[test]
fn twenty_bridges_and_the_service_refresh_one_rotating_credential() {
    const BRIDGES: usize = 20;
    let idp = idp(3);
    let issuer = idp.issuer().to_owned();
    let server = Upstream::start(move |seen, stream| match good(seen, &issuer) {
        true => json_answer(stream, &result(&seen.message()["id"], "ok")),
        false => say(stream, "401 No\r\nwww-authenticate: Bearer", b""),
    });
    let mut user = User::at(&idp);
    user.env("REGISTRY_URL", &server.base);
    user.log_in();
    let mut service = user.start(&["refresh", "--no-install", "--interval", "1"]);
    service.line(|line| line.contains("ready: 1 credential"));
    let mut clients: Vec<Client> = (0..BRIDGES).map(|_| Client::of(&user, "tracker")).collect();
    let begun = Instant::now();
    let mut id = 0;
    while presented(&idp).len() < 4 {
        assert!(begun.elapsed() < TEST_TIMEOUT * 2, "nobody renews it");
        id += 1;
        clients.iter_mut().for_each(|client| client.say(&call(id)));
        for client in &clients {
            assert_eq!(client.hear(), result(&json!(id), "ok"));
        }
    }
    for client in clients {
        let (rest, code, stderr) = client.end();
        assert_eq!((rest.len(), code, stderr.contains("person")), (0, Some(0), false), "{stderr}");
    }
    service.signal("TERM");
    let said = service.end().code(143).stderr;
    assert!(!said.contains("failed") && !said.contains("login_needed"), "{said}");
    let presented = presented(&idp);
    assert!(presented.iter().all(|(_, taken)| *taken), "{presented:?}");
    let different: HashSet<&str> = presented.iter().map(|(token, _)| token.as_str()).collect();
    assert_eq!(different.len(), presented.len(), "each refresh token once");
    assert!(user.token("tracker-egress.json")["refresh_token"].is_string());
}

#[test]
fn a_request_that_is_taken_back_does_not_take_the_renewal_with_it() {
    let server = Upstream::start(|seen, stream| {
        assert_eq!(seen.header("authorization"), Some("Bearer new"));
        json_answer(stream, &result(&seen.message()["id"], "ok"));
    });
    let slow = Slow::start();
    let mut user = slow.user();
    user.env("REGISTRY_URL", &server.base);
    let mut client = Client::of(&user, "tracker");
    client.say(&modern(1));
    slow.asked();
    client.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}));
    client.say(&modern(2));
    // The second one waits for the first one's renewal, which nobody else awaits any longer.
    let stderr = BufReader::new(client.child.stderr.take().unwrap());
    let waits = |line: &String| line.contains("waiting for another mcpauth");
    stderr.lines().map_while(Result::ok).find(waits).expect("it does not wait");
    slow.answer();
    assert_eq!(client.hear(), result(&json!(2), "ok"));
    assert_eq!(client.end().1, Some(0));
    slow.is_kept_by(&user);
}
