//! Servers that redirect: to another path of their own with method and body, which is followed, and anywhere else,
//! which is reported. Not here: health checks (see `health`); other answers (see `answers`).
#![cfg(test)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::support::lab::{ALLOWED, Lab, call, list, own_server, request};
use crate::support::outside::OUTSIDE;
use crate::support::upstream::{Listening, Seen, Upstream, begin, event, gone, push, say};

const JSON: &str = "200 OK\r\ncontent-type: application/json";
const EVENTS: &str = "200 OK\r\ncontent-type: text/event-stream";
const TOOLS: &str = r#"{"jsonrpc":"2.0","id":"l","result":{"tools":[{"name":"hidden"},{"name":"echo"}]}}"#;

/// A server whose endpoint is at `/mcp/`, as with many frameworks, and that redirects other paths there.
fn slashed(redirect: &'static str) -> Upstream {
    Upstream::start(move |seen, stream| {
        if !seen.head.contains(" /mcp/ HTTP/1.1") && !seen.head.contains(" /mcp/?k=v HTTP/1.1") {
            return say(stream, redirect, b"moved");
        }
        match seen.message()["method"].as_str() {
            Some("tools/list") => say(stream, JSON, TOOLS.as_bytes()),
            Some(_) => say(stream, &format!("{JSON}\r\nmcp-session-id: up-1"), &seen.body),
            None if seen.is("GET") => {
                begin(stream, EVENTS);
                push(stream, &event(&json!({"jsonrpc": "2.0", "method": "marker"})));
                gone(stream);
            }
            None => say(stream, "200 OK", b""),
        }
    })
}

/// The last request, which is the one that was led here.
#[track_caller]
fn led(upstream: &Upstream, line: &str) -> Seen {
    let seen = upstream.seen();
    let last = seen.last().unwrap();
    assert!(last.is(line), "{}", last.head);
    last.clone()
}

#[test]
fn a_redirect_within_a_server_is_followed_with_method_and_body() {
    for redirect in [
        "307 Temporary Redirect\r\nlocation: /mcp/",
        "308 Permanent Redirect\r\nlocation: /mcp/",
        "307 Temporary Redirect\r\nlocation: mcp/",
        "307 Temporary Redirect\r\nlocation: ./mcp/#part",
        "307 Temporary Redirect\r\nlocation: /mcp/?k=v",
        "308 Permanent Redirect\r\nlocation: /x/../mcp/",
    ] {
        let upstream = slashed(redirect);
        let lab = Lab::before(&upstream, "streamable-http");
        let worker = lab.token("worker");
        // More than once: caching what is known about a server must not lose a request.
        for _ in 0..3 {
            let bearer = format!("Bearer {worker}");
            let headers =
                [("X-Authorization", bearer.as_str()), ("Mcp-Param-Region", "eu"), ("X-Other", "kept")];
            let answer = lab.post("/delta/mcp", &headers, ALLOWED.as_bytes()).status(200);
            assert_eq!((answer.text().as_str(), answer.header("location")), (ALLOWED, None), "{redirect}");
            let seen = led(&upstream, "POST /mcp/");
            assert_eq!(seen.body, ALLOWED.as_bytes());
            assert_eq!((seen.header("mcp-param-region"), seen.header("x-other")), (Some("eu"), Some("kept")));
            assert_eq!(
                (seen.header("x-authorization"), seen.header("content-type")),
                (None, Some("application/json"))
            );
            assert_eq!(seen.header("host"), upstream.base.strip_prefix("http://"));

            let shown = lab.ask(&worker, "/delta/mcp", &list()).status(200).text();
            assert!(shown.contains("echo") && !shown.contains("hidden"), "{shown}");

            let session = answer.header("mcp-session-id").unwrap();
            let headers = [("X-Authorization", bearer.as_str()), ("Mcp-Session-Id", session)];
            lab.raw(&request("DELETE", "/delta/mcp", &headers, b"")).status(200);
            assert_eq!(led(&upstream, "DELETE /mcp/").header("mcp-session-id"), Some("up-1"));

            Listening::open(&lab, &worker, "/delta/mcp", &[]).hear("marker");
            led(&upstream, "GET /mcp/");
        }
        // The cost of a redirect per request is reported once.
        let said = lab.kept.events();
        let hints =
            said.iter().filter(|line| line.contains("delta: redirects to") && line.contains("/mcp/")).count();
        assert_eq!(hints, 1, "{said:?}");
    }
}

#[test]
fn a_whole_address_of_the_same_server_is_followed() {
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let base = Arc::new(std::sync::Mutex::new(String::new()));
        let told = base.clone();
        let upstream = Upstream::start(move |seen, stream| {
            if seen.is("POST /mcp/ ") {
                return say(stream, JSON, &seen.body);
            }
            let port = told.lock().unwrap().clone();
            say(stream, &format!("307 Temporary Redirect\r\nlocation: http://{host}:{port}/mcp/"), b"");
        });
        *base.lock().unwrap() = upstream.base.rsplit(':').next().unwrap().to_owned();
        let lab = Lab::before(&upstream, "streamable-http");
        lab.call(&lab.token("worker"), "delta", "echo").status(200);
        assert_eq!(upstream.seen().len(), 2, "{host}");
    }
}

#[test]
fn a_stored_credential_goes_along() {
    let upstream = slashed("307 Temporary Redirect\r\nlocation: /mcp/");
    let lab = Lab::with(|settings, dir| {
        let upstreams = "delta: {egress: stored}";
        settings.upstreams = serde_saphyr::from_str(upstreams).unwrap();
        own_server(dir, "delta", &upstream.base, "streamable-http");
    });
    for _ in 0..2 {
        lab.call(&lab.token("worker"), "delta", "echo").status(200);
        let given = led(&upstream, "POST /mcp/").header("authorization").map(str::to_owned);
        assert!(given.is_some_and(|given| given.starts_with("Bearer ")), "the credential of {OUTSIDE}");
    }
}

#[test]
fn any_other_redirect_is_named_in_the_answer_and_the_log() {
    for (redirect, to) in [
        ("301 Moved\r\nlocation: /mcp/?token=s3cret", "BASE/mcp/"),
        ("302 Found\r\nlocation: /login?next=s3cret", "BASE/login"),
        ("303 See Other\r\nlocation: elsewhere", "BASE/elsewhere"),
        (
            "307 Temporary Redirect\r\nlocation: http://evil.test/mcp/?token=s3cret#s3cret",
            "http://evil.test/mcp/",
        ),
        ("308 Permanent Redirect\r\nlocation: //evil.test:8080/a/b", "http://evil.test:8080/a/b"),
        ("307 Temporary Redirect\r\nlocation: https://u:s3cret@evil.test/x", "https://evil.test/x"),
        (
            "307 Temporary Redirect\r\nlocation: http://169.254.169.254/latest",
            "http://169.254.169.254/latest",
        ),
        ("307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/mcp", "http://127.0.0.1:1/mcp"),
        ("307 Temporary Redirect", "no address"),
        ("307 Temporary Redirect\r\nlocation: http://[", "something that is not an address"),
        ("300 Multiple Choices", "no address"),
        // A redirect loop.
        ("307 Temporary Redirect\r\nlocation: /mcp", "BASE/mcp"),
    ] {
        let upstream = Upstream::answering(redirect, "evil");
        let lab = Lab::before(&upstream, "streamable-http");
        let token = lab.token("worker");
        let to = to.replace("BASE", &upstream.base);
        for message in [call("echo"), list()] {
            let before = lab.kept.events().len();
            let answer = lab.ask(&token, "/delta/mcp", &message).status(502);
            let error = &answer.json()["error"];
            assert_eq!(
                (&error["data"]["reason"], &answer.json()["id"]),
                (&json!("redirect"), &message["id"])
            );
            let said = error["message"].as_str().unwrap();
            assert_eq!(
                said,
                format!("the server redirects to {to}; correct its proxy_pass_url"),
                "{redirect}"
            );
            let id = answer.header("x-request-id").unwrap();
            let events = lab.kept.events();
            // A request that asks for the issuer's keys or metadata has its id in their lines too.
            let logged = events[before..]
                .iter()
                .filter(|line| line.starts_with("upstream: "))
                .find(|line| line.contains(id) && !line.contains("as will every request"))
                .unwrap();
            assert!(
                logged
                    .starts_with(&format!("upstream: delta: redirects to {to}; correct its proxy_pass_url ")),
                "{logged}"
            );
            assert!(!events.iter().any(|line| line.contains("s3cret")) && !answer.text().contains("s3cret"));
            assert_eq!((answer.header("location"), answer.header("www-authenticate")), (None, None));
        }
        assert!(upstream.seen().iter().all(|seen| seen.is("POST /mcp ")), "{redirect}");
    }
}

/// With all of its headers, on a connection that carried others and on its own, whatever the message is, and back again.
#[test]
fn a_server_that_begins_to_redirect_loses_no_request() {
    for redirect in
        ["307 Temporary Redirect\r\nlocation: /mcp/", "308 Permanent Redirect\r\nlocation: /mcp/?k=v"]
    {
        let moved = Arc::new(AtomicBool::new(false));
        let has_moved = moved.clone();
        let upstream = Upstream::start(move |seen, stream| {
            if has_moved.load(Ordering::Relaxed) && seen.head.contains(" /mcp ") {
                return say(stream, redirect, b"moved");
            }
            match seen.message()["method"].as_str() {
                Some("tools/list") => say(stream, JSON, TOOLS.as_bytes()),
                Some(_) => say(stream, &format!("{JSON}\r\nmcp-session-id: up-1"), &seen.body),
                None => say(stream, "200 OK", b""),
            }
        });
        let lab = Lab::before(&upstream, "streamable-http");
        let worker = lab.token("worker");
        let bearer = format!("Bearer {worker}");
        let long = "x".repeat(8000);
        for moves in [false, true, false, true] {
            moved.store(moves, Ordering::Relaxed);
            let place = if moves { " /mcp/" } else { " /mcp " };
            for odd in ["a: b", "g\u{fc}n", ""] {
                let headers = [
                    ("X-Authorization", bearer.as_str()),
                    ("X-Twice", "one"),
                    ("X-Twice", "two"),
                    ("X-Odd", odd),
                    ("X-Long", &long),
                ];
                let answer = lab.post("/delta/mcp", &headers, ALLOWED.as_bytes()).status(200);
                assert_eq!(answer.text(), ALLOWED);
                let seen = led(&upstream, &format!("POST{place}"));
                assert_eq!(seen.body, ALLOWED.as_bytes());
                assert_eq!(seen.head.matches("x-twice: ").count(), 2, "{}", seen.head);
                assert_eq!(seen.header("x-long").map(str::len), Some(8000));
                assert_eq!(seen.header("x-odd"), Some(odd));
                assert_eq!(seen.header("content-length"), Some(ALLOWED.len().to_string().as_str()));
                assert_eq!(seen.header("x-authorization"), None);
                for name in ["content-length", "host", "x-request-id"] {
                    assert_eq!(seen.head.matches(&format!("\r\n{name}: ")).count(), 1, "{}", seen.head);
                }
                let session = answer.header("mcp-session-id").unwrap();
                let headers = [("X-Authorization", bearer.as_str()), ("Mcp-Session-Id", session)];
                lab.raw(&request("DELETE", "/delta/mcp", &headers, b"")).status(200);
                let seen = led(&upstream, &format!("DELETE{place}"));
                assert_eq!(seen.header("mcp-session-id"), Some("up-1"));
            }
            let shown = lab.ask(&worker, "/delta/mcp", &list()).status(200).text();
            assert!(shown.contains("echo") && !shown.contains("hidden"), "{shown}");
        }
    }
}
