//! What the registry's gateway leaks (H8 to H14): access by cookie, open access without a policy, tokens and identity
//! to servers and logs, tokens to anyone, pages for servers that are gone. None of it here. Not here: messages and
//! paths (see `attacks`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use mcpauth::demo::mcp::ReceivedRequest;
use mcpauth::gateway::settings::{EgressMode, UpstreamSettings};
use serde_json::json;

use crate::support::lab::{ALLOWED, Lab, REFUSED, Worker, own_server, request, server, until};
use crate::support::outside::OUTSIDE;
use crate::support::upstream::{Upstream, say};
use crate::support::wire::{free_port, send};

const JSON: &str = "200 OK\r\ncontent-type: application/json";

#[test]
fn h8_no_cookie_gives_anything() {
    let lab = Lab::start();
    let token = lab.token("root");
    for cookie in [
        "mcp_gateway_session=eyJ1c2VybmFtZSI6ImFkbWluIn0.Zx.sig".to_owned(),
        "oauth2_temp_session=x; mcp_gateway_session=x".to_owned(),
        format!("mcp_gateway_session={token}"),
        format!("X-Authorization=Bearer {token}"),
    ] {
        for body in [REFUSED.to_owned(), format!("[{REFUSED}]"), String::new()] {
            lab.post("/alpha/mcp", &[("Cookie", &cookie)], body.as_bytes()).status(401);
        }
        for method in ["GET", "DELETE"] {
            lab.raw(&request(method, "/alpha/mcp", &[("Cookie", &cookie)], b"")).status(401);
        }
    }
    assert_eq!(lab.arrived(), 0);
}

#[test]
fn h8_a_credential_stands_in_one_header_once() {
    let lab = Lab::start();
    let (good, bad) = (format!("Bearer {}", lab.token("root")), "Bearer e30.e30.e30".to_owned());
    let own = "X-Authorization";
    for (headers, status) in [
        (vec![], 401),
        (vec![(own, &*bad), ("Authorization", &*good)], 401),
        (vec![(own, ""), ("Authorization", &*good)], 401),
        (vec![(own, "Bearer"), ("Authorization", &*good)], 401),
        (vec![(own, "Bearer "), ("Authorization", &*good)], 401),
        (vec![(own, "Basic cm9vdDpyb290"), ("Authorization", &*good)], 401),
        (vec![("Authorization", "Basic cm9vdDpyb290")], 401),
        (vec![(own, &*good), (own, &*good)], 400),
        (vec![(own, &*bad), (own, &*good)], 400),
        (vec![("Authorization", &*good), ("Authorization", &*good)], 400),
        (vec![(own, &*good), ("Authorization", "Bearer a"), ("authorization", "Bearer b")], 400),
        (vec![("X_Authorization", &*good)], 401),
        (vec![("Proxy-Authorization", &*good)], 401),
        (vec![("X-Forwarded-Authorization", &*good)], 401),
        (vec![("X-User", "root"), ("X-Scopes", "root"), ("X-Auth-Method", "session_cookie")], 401),
    ] {
        assert_eq!(lab.post("/alpha/mcp", &headers, ALLOWED.as_bytes()).status, status, "{headers:?}");
    }
    let two = format!("{good}, {bad}");
    lab.post("/alpha/mcp", &[(own, &two)], ALLOWED.as_bytes()).status(401);
    let path = format!("/alpha/mcp?access_token={}", good.replace("Bearer ", ""));
    lab.post(&path, &[], ALLOWED.as_bytes()).status(401);
    let form = format!("access_token={}", good.replace("Bearer ", ""));
    lab.post("/alpha/mcp", &[("Content-Type", "application/x-www-form-urlencoded")], form.as_bytes())
        .status(401);
    assert_eq!(lab.arrived(), 0);
}

#[test]
fn h9_a_policy_that_says_nothing_allows_nothing() {
    for text in [
        "",
        "{}",
        "group_mappings: {}\n",
        "worker: [",
        "worker: 7\n",
        "- worker\n",
        "worker:\n- servr: alpha\n",
    ] {
        let started = Lab::started(|settings, _| std::fs::write(&settings.policy, text).unwrap());
        assert!(started.is_err(), "{text:?}");
    }
    let missing = Lab::started(|settings, _| std::fs::remove_file(&settings.policy).unwrap());
    assert!(missing.is_err());
}

#[test]
fn h9_a_broken_reload_keeps_the_last_good_policy_and_says_so() {
    let worker = Worker::start();
    for text in ["", "{}", "worker: [", "worker:\n- servr: '*'\n  methods: ['*']\n"] {
        worker.lab.reload("scopes.yml", text, "the previous files stay in force");
        worker.post(&[], ALLOWED.as_bytes()).status(200);
        worker.post(&[], REFUSED.as_bytes()).status(403);
        worker.to("POST", "/beta/mcp", &[], ALLOWED.as_bytes()).status(403);
    }
    assert!(worker.lab.beta.arrived().is_empty());
}

#[test]
fn h10_the_token_reaches_no_server_in_any_mode() {
    let lab = Lab::with(|settings, _| {
        let said = UpstreamSettings { identity_headers: true, ..UpstreamSettings::default() };
        settings.upstreams.insert("beta".into(), said);
        let listed = ["x-authorization", "x-listed", "cookie", "x-user"].map(str::to_owned);
        let said = UpstreamSettings { headers: Some(listed.into()), ..UpstreamSettings::default() };
        settings.upstreams.insert("alpha".into(), said);
    });
    let token = lab.token("root");
    let bearer = format!("Bearer {token}");
    let spelt = format!("bEARER   {token}");
    let cookie = format!("a=b; session={token}");
    let own = ("X-Authorization", bearer.as_str());
    let modes: [&[(&str, &str)]; 7] = [
        &[own],
        &[("X-Authorization", &spelt)],
        &[("Authorization", &bearer)],
        &[own, ("Authorization", &bearer)],
        &[own, ("Authorization", "Bearer egress"), ("X-Listed", "1")],
        &[
            own,
            ("Cookie", &cookie),
            ("X-Api-Key", &token),
            ("User-Agent", &bearer),
            ("Mcp-Param-Key", &token),
        ],
        &[
            own,
            ("X_Authorization", &bearer),
            ("Proxy-Authorization", &bearer),
            ("Referer", &cookie),
            ("X-Listed", &bearer),
            ("Tracestate", &cookie),
        ],
    ];
    let query = format!("?access_token={token}");
    for server in ["alpha", "beta", "gamma"] {
        for headers in modes {
            for query in ["", &query] {
                lab.post(&format!("/{server}/mcp{query}"), headers, ALLOWED.as_bytes()).status(200);
                lab.raw(&request("GET", &format!("/{server}/sse{query}"), headers, b"")).status(405);
                lab.raw(&request("DELETE", &format!("/{server}{query}"), headers, b"")).status(405);
            }
        }
    }
    let arrived = [lab.alpha.arrived(), lab.beta.arrived(), lab.gamma.arrived()];
    for one in arrived.iter().flatten() {
        let whole = format!("{}\n{}{}", one.target, one.headers, String::from_utf8_lossy(&one.body));
        for part in token.split('.') {
            assert!(!whole.contains(part), "{whole}");
        }
    }
    assert_eq!(arrived.iter().map(Vec::len).collect::<Vec<_>>(), [42, 42, 42]);
    let egress = |arrived: &[ReceivedRequest]| {
        arrived.iter().filter(|one| one.headers.contains("authorization: Bearer egress\n")).count()
    };
    assert_eq!(arrived.each_ref().map(|arrived| egress(arrived)), [0, 0, 6], "for gamma alone");
}

#[test]
fn h10_a_stored_credential_takes_the_place_of_whatever_was_sent() {
    let refusing = Arc::new(AtomicUsize::new(0));
    let left = refusing.clone();
    let upstream = Upstream::start(move |seen, stream| {
        let refuse = left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
        say(stream, if refuse { "401 Unauthorized" } else { JSON }, &seen.body);
    });
    let lab = Lab::with(|settings, dir| {
        own_server(dir, "delta", &upstream.base, "streamable-http");
        let said = UpstreamSettings { egress: Some(EgressMode::Stored), ..UpstreamSettings::default() };
        settings.upstreams.insert("delta".into(), said);
    });
    let token = lab.token("worker");
    let bearer = format!("Bearer {token}");
    let tokens = || lab.idp.seen().iter().filter(|seen| format!("{seen:?}").contains(OUTSIDE)).count();
    let ask = |headers: &[(&str, &str)]| lab.post("/delta/mcp", headers, ALLOWED.as_bytes());
    ask(&[("Authorization", &bearer)]).status(200);
    ask(&[("X-Authorization", &bearer), ("Authorization", "Bearer theirs")]).status(200);
    assert_eq!(tokens(), 1, "one is asked for, and kept");
    ask(&[("X-Authorization", "Bearer bad")]).status(401);
    lab.call(&token, "delta", "delete_all").status(403);
    // The server rejects a new token: no authorization server is asked again so soon, and no caller is told to log
    // in.
    refusing.store(9, Relaxed);
    let answer = ask(&[("X-Authorization", &bearer)]).status(502);
    assert_eq!((answer.json()["error"]["data"]["reason"].as_str(), tokens()), (Some("egress_refused"), 1));
    let seen = upstream.seen();
    assert_eq!(seen.len(), 3);
    for one in &seen {
        let sent = one.header("authorization").unwrap();
        assert!(sent.starts_with("Bearer ey") && sent != bearer, "{}", one.head);
        assert!(!one.head.contains(&token) && !one.head.contains("theirs"), "{}", one.head);
    }
}

#[test]
fn h10_what_a_client_says_of_its_identity_never_arrives() {
    let lab = Lab::with(|settings, _| {
        settings.upstreams.insert(
            "beta".into(),
            UpstreamSettings { identity_headers: true, ..UpstreamSettings::default() },
        );
    });
    let bearer = format!("Bearer {}", lab.token("root"));
    let names = [
        "X-User",
        "X-Username",
        "X-Client-Id-Auth",
        "X-Scopes",
        "X-Auth-Method",
        "X-Server-Name",
        "X-Tool-Name",
        "X-Groups",
        "X-Remote-User",
        "Remote-User",
        "X-Forwarded-User",
        "X-Forwarded-For",
        "X-Original-URI",
        "X-Auth-Request-Email",
        "Forwarded",
        "X-Real-Ip",
        "X_User",
        "x_scopes",
        "Cookie",
        "X-Request-Id",
        "X-Service-Name",
        "X-Hop",
    ];
    let mut headers: Vec<(&str, &str)> = names.iter().map(|name| (*name, "mallory")).collect();
    headers.extend([("X-Authorization", bearer.as_str()), ("Connection", "close, X-Hop, X-Authorization")]);
    lab.post("/gamma/mcp", &headers, ALLOWED.as_bytes()).status(200);
    // Where no credential of the caller's goes, these could only say who the caller is.
    headers.extend(["X-User-Id", "X-Auth-Email", "X-Email", "x-user-claims"].map(|name| (name, "mallory")));
    for server in ["alpha", "beta"] {
        lab.post(&format!("/{server}/mcp"), &headers, ALLOWED.as_bytes()).status(200);
    }
    for one in [lab.alpha.arrived(), lab.beta.arrived(), lab.gamma.arrived()].iter().flatten() {
        assert!(!one.headers.contains("mallory"), "{}", one.headers);
    }
    let told = &lab.beta.arrived()[0].headers;
    for line in [
        "x-user: root\n",
        "x-client-id: root\n",
        "x-scopes: root\n",
        "x-server-name: beta\n",
        "x-tool-name: echo\n",
    ] {
        assert!(told.contains(line), "{line} {told}");
    }
}

#[test]
fn h11_nothing_mints_tokens_and_nothing_answers_but_the_servers() {
    let lab = Lab::start();
    let bearer = format!("Bearer {}", lab.token("root"));
    for path in [
        "/internal/tokens",
        "/internal/reload-scopes",
        "/validate",
        "/oauth2/login/keycloak",
        "/oauth2/callback/keycloak",
        "/v0/servers",
        "/api/servers",
        "/token",
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/metrics",
        "/index.html",
        "/",
    ] {
        for method in ["GET", "POST"] {
            for headers in [vec![], vec![("X-Authorization", bearer.as_str())]] {
                let answer = lab.raw(&request(method, path, &headers, b""));
                assert_eq!(
                    (answer.status, answer.header("content-type")),
                    (404, Some("application/json")),
                    "{path}"
                );
                assert_eq!(answer.json()["error"]["data"]["reason"], "no_server", "{path}");
            }
        }
    }
    assert_eq!(lab.arrived(), 0);
}

#[test]
fn h12_neither_tokens_nor_arguments_nor_queries_are_written_down() {
    let dead = format!("http://127.0.0.1:{}", free_port());
    let lab = Lab::with(|_, dir| server(dir, "delta", "none", &dead));
    let (worker, stranger) = (lab.token("worker"), lab.token("stranger"));
    let secret = json!({"jsonrpc": "2.0", "id": "s3cret-id", "method": "tools/call",
                        "params": {"name": "echo", "arguments": {"password": "s3cret-argument"}, "_meta": {"k": "s3cret-meta"}}});
    let body = secret.to_string();
    for (token, path, body) in [
        (&*worker, "/alpha/mcp?key=s3cret-query", &*body),
        (&*worker, "/delta/mcp?key=s3cret-query", &*body),
        (&*worker, "/s3cret-path/mcp", &*body),
        (&*stranger, "/alpha/mcp", &*body),
        (&*worker, "/alpha/mcp", "{\"s3cret-broken"),
        ("s3cret-token", "/alpha/mcp", &*body),
    ] {
        let bearer = format!("Bearer {token}");
        lab.post(
            path,
            &[("X-Authorization", &bearer), ("Cookie", "s3cret-cookie"), ("Mcp-Param-A", "s3cret-header")],
            body.as_bytes(),
        );
    }
    let kept = lab.kept.clone();
    drop(lab);
    let written = format!("{}{}", kept.audit_text(), kept.events().join("\n"));
    assert_eq!(kept.lines().len(), 6, "{written}");
    assert!(kept.events().iter().any(|event| event.starts_with("upstream: delta: ")), "{written}");
    let parts = worker.split('.').chain(stranger.split('.')).skip(1);
    for never in parts.chain(["s3cret"]) {
        assert!(!written.contains(never), "{never} in {written}");
    }
}

#[test]
fn h13_only_the_configured_issuer_is_believed() {
    let lab = Lab::start();
    let form = "grant_type=client_credentials&client_id=root&client_secret=secret";
    let elsewhere = |base: &str| -> String {
        let reply = send("POST", base, form).unwrap();
        let reply: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        reply["access_token"].as_str().unwrap().into()
    };
    // The same key and the same server, but an unconfigured realm; and another server on this machine.
    let realm = elsewhere(&format!("{}/protocol/openid-connect/token", lab.idp.realm_issuer("x")));
    let other = Lab::start();
    for token in [realm, other.token("root")] {
        let answer = lab.call(&token, "alpha", "echo").status(401);
        assert_eq!(answer.json()["error"]["data"]["reason"], "issuer");
    }
    assert_eq!(lab.arrived(), 0);
}

#[test]
fn h14_a_server_that_is_off_or_gone_is_503_and_never_a_page() {
    let dead = format!("http://127.0.0.1:{}", free_port());
    let lab = Lab::with(|settings, dir| {
        (settings.health.interval, settings.health.failures) = (1, 1);
        server(dir, "delta", "none", &dead);
        std::fs::write(dir.join("servers/server_state.json"), r#"{"/beta": false}"#).unwrap();
    });
    until("health", || lab.kept.events().contains(&"health: delta does not answer".to_owned()));
    let checks = lab.arrived();
    let bearer = format!("Bearer {}", lab.token("root"));
    for server in ["beta", "delta"] {
        for (method, body) in [("POST", ALLOWED), ("GET", ""), ("DELETE", "")] {
            for headers in [vec![], vec![("X-Authorization", bearer.as_str())], vec![("Accept", "text/html")]]
            {
                let path = format!("/{server}/mcp");
                let answer = lab.raw(&request(method, &path, &headers, body.as_bytes())).status(503);
                assert_eq!(answer.json()["error"]["code"], 503);
                assert_eq!(answer.header("content-type"), Some("application/json"));
            }
        }
    }
    assert!(lab.beta.arrived().is_empty(), "not even a check");
    assert!(checks > 0 && lab.alpha.arrived().iter().all(|one| one.body.windows(6).any(|w| w == b"health")));
}

/// A server's file that uses a forbidden variable is left out; an allowed one arrives.
#[test]
fn variables_reach_a_server_only_if_they_are_allowed() {
    let upstream = Upstream::answering("200 OK\r\ncontent-type: application/json", "{}");
    let lab = Lab::with(|settings, dir| {
        settings.header_variables = vec!["KEY".into()];
        for (name, value) in [("delta", "Bearer $KEY"), ("omega", "$KEY ${OTHER}")] {
            let file = serde_json::json!({
                "path": format!("/{name}"), "proxy_pass_url": upstream.base, "headers": [{"X-Key": value}],
            });
            std::fs::write(dir.join(format!("servers/{name}.json")), file.to_string()).unwrap();
        }
    });
    let root = lab.token("root");
    lab.call(&root, "delta", "echo").status(200);
    lab.call(&root, "omega", "echo").status(404);
    let seen = upstream.seen();
    assert_eq!((seen.len(), seen[0].header("x-key")), (1, Some("Bearer value-of-KEY")));
}
