//! What the bridge recovers from without its client: rejected tokens, sessions that are gone, streams that break.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcpauth::demo::idp::IdpEvent;
use serde_json::json;

use super::{Client, call, event, events, json_answer, result, usual};
use crate::support::User;
use crate::support::lab::{Lab, until};
use crate::support::upstream::{Upstream, say};
use crate::support::wire::Scripted;

/// Tokens that the identity provider has issued.
fn issued(lab: &Lab) -> usize {
    lab.idp.seen().iter().filter(|seen| matches!(seen, IdpEvent::Token { ok: true, .. })).count()
}

#[test]
fn a_refused_token_is_renewed_and_the_request_sent_once_more() {
    let lab = Lab::start();
    let user = lab.user("worker");
    user.run(&["ingress"]).code(0);
    let refused = user.token("ingress.json")["access_token"].as_str().unwrap().to_owned();
    let server = Upstream::start(move |seen, stream| {
        let old = seen.header("x-authorization").is_none_or(|value| value.contains(&refused));
        if old {
            say(stream, "401 No\r\nwww-authenticate: Bearer", b"");
        } else {
            usual(seen, stream);
        }
    });
    let mut user = user;
    user.env("REGISTRY_URL", &server.base);
    let mut client = Client::of(&user, "alpha");
    client.initialize();
    assert_eq!(client.ask(&call(1)), result(&json!(1), "usual"));
    client.end();
    let posts = server.seen().iter().filter(|seen| seen.is("POST")).count();
    assert_eq!(posts, 4, "initialize twice, and what follows once each");
    let new = user.token("ingress.json")["access_token"].as_str().unwrap().to_owned();
    assert!(
        server.seen().last().unwrap().header("x-authorization").unwrap().ends_with(&new),
        "and it is kept"
    );
}

#[test]
fn a_server_that_refuses_every_token_does_not_make_us_get_more_of_them() {
    let lab = Lab::start();
    let before = issued(&lab);
    let server = Upstream::answering("401 No\r\nwww-authenticate: Bearer", "");
    let mut user = lab.user("worker");
    user.env("REGISTRY_URL", &server.base);
    let mut client = Client::of(&user, "alpha");
    for id in 1..=10 {
        let answer = client.ask(&call(id));
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(id), &json!(4012)));
    }
    client.end();
    assert_eq!(issued(&lab) - before, 2, "one at first, one in its place");
}

#[test]
fn without_credentials_the_client_is_told_what_to_type() {
    let mut user = User::new();
    user.oidc(crate::support::nobody(), "worker", "hidden-secret");
    let server = Upstream::start(usual);
    user.env("REGISTRY_URL", &server.base);
    let mut client = Client::of(&user, &format!("{}/mcp", server.base));
    let answer = client.ask(&call(1));
    assert_eq!(answer["error"]["code"], 4011, "{answer}");
    let (_, code, stderr) = client.end();
    let text = format!("{answer}{stderr}");
    assert!(text.contains("mcpauth generate") && !text.contains("hidden-secret"), "{text}");
    assert_eq!(code, Some(0));
    assert!(server.seen().is_empty(), "nothing is sent without them");
}

#[test]
fn requests_that_come_together_share_a_failure() {
    let idp = Scripted::start(|_| (400, r#"{"error":"invalid_client"}"#.into()));
    let mut user = User::new();
    user.oidc(&idp.base, "worker", "hidden-secret")
        .env("INGRESS_OAUTH_TOKEN_URL", format!("{}/token", idp.base));
    let server = Upstream::start(usual);
    user.env("REGISTRY_URL", &server.base);
    let mut client = Client::of(&user, &format!("{}/mcp", server.base));
    let together: Vec<String> = (1..=10).map(|id| call(id).to_string()).collect();
    client.line(&together.join("\n"));
    for _ in &together {
        assert_eq!(client.hear()["error"]["code"], 4011);
    }
    client.end();
    assert_eq!((idp.asked().len(), server.seen().len()), (1, 0));
}

#[test]
fn several_messages_in_one_answer_are_told_one_by_one() {
    let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress"});
    let body = json!([progress, result(&json!(1), "ok")]).to_string();
    let server = Upstream::answering("200 OK\r\ncontent-type: application/json", body);
    let mut client = Client::before(&server);
    assert_eq!(client.ask(&call(1)), progress);
    assert_eq!(client.hear(), result(&json!(1), "ok"));
    assert_eq!(client.end().0, Vec::<serde_json::Value>::new());
}

#[test]
fn a_session_that_is_gone_is_begun_again_with_the_clients_own_words() {
    let posts = Arc::new(AtomicUsize::new(0));
    let count = posts.clone();
    let server = Upstream::start(move |seen, stream| {
        let call = seen.message()["method"] == "tools/call";
        if call && count.fetch_add(1, Ordering::SeqCst) == 0 {
            return say(
                stream,
                "404 Gone\r\ncontent-type: application/json",
                b"{\"error\":\"no such session\"}",
            );
        }
        usual(seen, stream);
    });
    let mut client = Client::before(&server);
    client.initialize();
    assert_eq!(client.ask(&call(1)), result(&json!(1), "usual"));
    let (rest, ..) = client.end();
    assert_eq!(rest, Vec::<serde_json::Value>::new(), "the second handshake is not the client's");
    let methods: Vec<String> = server
        .seen()
        .iter()
        .filter(|seen| seen.is("POST"))
        .map(|seen| seen.message()["method"].as_str().unwrap_or_default().to_owned())
        .collect();
    let begin = ["initialize", "notifications/initialized"];
    assert_eq!(methods, [&begin[..], &["tools/call"], &begin[..], &["tools/call"]].concat());
}

#[test]
fn what_a_server_says_of_its_own_accord_is_heard_in_the_next_session_too() {
    let sessions = AtomicUsize::new(0);
    let server = Upstream::start(move |seen, stream| {
        let message = seen.message();
        if message["method"] == "initialize" {
            let session = sessions.fetch_add(1, Ordering::SeqCst);
            let head: &'static str =
                format!("200 OK\r\ncontent-type: application/json\r\nmcp-session-id: s{session}").leak();
            let body =
                json!({"jsonrpc": "2.0", "id": message["id"], "result": {"protocolVersion": "2025-11-25"}});
            return say(stream, head, body.to_string().as_bytes());
        }
        match (seen.header("mcp-session-id"), seen.is("GET")) {
            (Some("s1"), true) => {
                events(stream);
                event(stream, "1", &json!({"jsonrpc": "2.0", "method": "notifications/message"}));
                // Stays open until the bridge closes it.
                let _ = std::io::Read::read(stream, &mut [0]);
            }
            (Some("s1"), false) => usual(seen, stream),
            (_, false) if message["id"].is_null() => usual(seen, stream),
            _ => say(stream, "404 Gone", b""),
        }
    });
    let mut client = Client::before(&server);
    client.initialize();
    until("the first stream", || server.seen().iter().any(|seen| seen.is("GET")));
    client.say(&call(1));
    let mut heard = [client.hear(), client.hear()];
    heard.sort_by_key(|message| message["id"].is_null());
    assert_eq!(heard[0], result(&json!(1), "usual"));
    assert_eq!(heard[1]["method"], "notifications/message");
    let (rest, code, _) = client.end();
    assert_eq!((rest.len(), code), (0, Some(0)));
}

#[test]
fn a_stream_that_breaks_is_taken_up_where_it_broke() {
    let server = Upstream::start(|seen, stream| {
        let message = seen.message();
        if message["method"] == "tools/call" {
            events(stream);
            crate::support::upstream::push(stream, b"retry: 1\n");
            return event(stream, "e1", &json!({"jsonrpc": "2.0", "method": "notifications/progress"}));
        }
        match seen.header("last-event-id") {
            Some("e1") => {
                events(stream);
                event(stream, "e2", &result(&json!(1), "late"));
            }
            _ => usual(seen, stream),
        }
    });
    let mut client = Client::before(&server);
    client.initialize();
    assert_eq!(client.ask(&call(1))["method"], "notifications/progress");
    assert_eq!(client.hear(), result(&json!(1), "late"));
    client.end();
}

#[test]
fn a_stream_without_ids_that_breaks_is_an_error_and_so_is_one_that_brings_nothing_more() {
    for retry in ["", "id: 1\nretry: 1\n"] {
        let server = Upstream::start(move |seen, stream| {
            let resumed = seen.header("last-event-id").is_some();
            if seen.message()["method"] != "tools/call" && !resumed {
                return usual(seen, stream);
            }
            events(stream);
            if !resumed {
                let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress"});
                crate::support::upstream::push(stream, format!("{retry}data: {progress}\n\n").as_bytes());
            }
        });
        let mut client = Client::before(&server);
        client.initialize();
        client.ask(&call(1));
        assert_eq!(client.hear()["error"]["code"], 5023, "{retry:?}");
        client.end();
        let resumed = server.seen().iter().filter(|seen| seen.header("last-event-id").is_some()).count();
        assert_eq!(resumed, if retry.is_empty() { 0 } else { 5 });
    }
}

#[test]
fn a_stream_that_says_the_same_again_and_again_is_given_up() {
    let server = Upstream::start(|seen, stream| {
        if seen.message()["method"] == "tools/call" || seen.header("last-event-id").is_some() {
            events(stream);
            return crate::support::upstream::push(stream, b"id: 7\nretry: 1\ndata:\n\n");
        }
        usual(seen, stream);
    });
    let mut client = Client::before(&server);
    client.initialize();
    assert_eq!(client.ask(&call(1))["error"]["code"], 5023);
    client.end();
    assert_eq!(server.seen().iter().filter(|seen| seen.header("last-event-id").is_some()).count(), 5);
}

#[test]
fn twenty_bridges_share_one_renewal() {
    let lab = Lab::start();
    let server = Upstream::start(|seen, stream| json_answer(stream, &result(&seen.message()["id"], "ok")));
    let mut user = lab.user("worker");
    let before = issued(&lab);
    user.env("REGISTRY_URL", &server.base);
    let mut clients: Vec<Client> = (0..20).map(|_| Client::of(&user, "alpha")).collect();
    clients.iter_mut().for_each(|client| client.say(&call(1)));
    for client in &clients {
        assert_eq!(client.hear(), result(&json!(1), "ok"));
    }
    clients.into_iter().for_each(|client| assert_eq!(client.end().1, Some(0)));
    until("the servers' memory", || server.seen().len() >= 20);
    assert_eq!(issued(&lab) - before, 1);
}
