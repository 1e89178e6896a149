//! What operators need when something is wrong: one log line with server, cause and request, the client's address,
//! counts under the message's method, and which settings need a restart. Not here: the audit itself (see `audit`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::io::{Read, Write};

use mcpauth::gateway::settings::{EgressMode, Network, UpstreamSettings as Of};
use serde_json::{Value, json};

use super::serve::Site;
use crate::support::lab::{
    ALLOWED, AUTHORITIES, Lab, REFUSED, Worker, call, list, own_server, request, server, until,
};
use crate::support::tls::{Authority, Identity};
use crate::support::upstream::Upstream;
use crate::support::wire::get;

/// The log's lines about servers.
fn said(lab: &Lab) -> Vec<String> {
    lab.kept.events().into_iter().filter(|event| event.starts_with("upstream: ")).collect()
}

/// The one line that is new, which names the server and the answer's request.
#[track_caller]
fn one_line(lab: &Lab, server: &str, ask: impl Fn() -> crate::support::lab::Answer) -> (String, String) {
    let before = said(lab).len();
    let answer = ask().status(502);
    let new = said(lab).split_off(before);
    assert_eq!(new.len(), 1, "{new:?}");
    let id = answer.header("x-request-id").unwrap();
    assert!(new[0].starts_with(&format!("upstream: {server}: ")) && new[0].contains(id), "{id} {new:?}");
    (new[0].clone(), answer.json()["error"]["message"].as_str().unwrap().to_owned())
}

#[test]
fn whatever_a_server_does_wrong_is_one_line_with_its_cause() {
    let own = |head: &'static str, body: &'static str| Upstream::answering(head, body);
    let json = "200 OK\r\ncontent-type: application/json";
    let servers = [
        ("odd", own(json, "<html>"), list(), "cannot be read"),
        (
            "packed",
            own("200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip", "x"),
            list(),
            "cannot be read",
        ),
        ("shut", own("401 Unauthorized", ""), call("echo"), "401"),
        (
            "long",
            own("200 OK\r\nmcp-session-id: \u{e9}\r\ncontent-type: application/json", "{}"),
            call("echo"),
            "session id",
        ),
    ];
    let lab = Lab::with(|_, dir| {
        for (name, upstream, ..) in &servers {
            server(dir, name, "none", &upstream.base);
        }
    });
    let token = lab.token("root");
    for (name, _, message, cause) in &servers {
        let (line, _) = one_line(&lab, name, || lab.ask(&token, &format!("/{name}/mcp"), message));
        assert!(line.contains(cause), "{cause}: {line}");
    }
    let broken = Upstream::start(|_, stream| {
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{");
    });
    let lab = Lab::with(|_, dir| server(dir, "broken", "none", &broken.base));
    let (line, _) = one_line(&lab, "broken", || lab.call(&lab.token("root"), "broken", "echo"));
    assert!(line.contains("is cut off"), "{line}");
}

/// A failure after an answer's headers reaches the client as silence: the log still has it, once.
#[test]
fn whatever_goes_wrong_in_a_stream_is_one_line_with_its_cause() {
    let events = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
    for (body, cause) in [
        ("content-length: 21\r\n\r\ndata: <html></html>\n\n", "dropped"),
        (
            "connection: close\r\n\r\ndata: {\"jsonrpc\":\"2.0\",\"id\":\"l\",\"result\":{\"tools\":7}}\n\n",
            "dropped",
        ),
        ("content-length: 99\r\n\r\n: nothing yet\n\n", "cut off"),
        ("transfer-encoding: chunked\r\n\r\n5\r\n: a\n\n\r\nzz", "cut off"),
    ] {
        let upstream = Upstream::start(move |_, stream| {
            let _ = stream.write_all(format!("{events}{body}").as_bytes());
        });
        let lab = Lab::before(&upstream, "streamable-http");
        let bearer = format!("Bearer {}", lab.token("worker"));
        let asks = [("X-Authorization", bearer.as_str())];
        let mut stream = lab.connect();
        stream.write_all(&request("POST", "/delta/mcp", &asks, list().to_string().as_bytes())).unwrap();
        let mut whole = Vec::new();
        let _ = stream.read_to_end(&mut whole);
        let whole = String::from_utf8(whole).unwrap();
        assert!(whole.starts_with("HTTP/1.1 200 "), "{whole}");
        let id = whole.split("x-request-id: ").nth(1).unwrap().lines().next().unwrap();
        let about = |event: &String| event.contains(": delta: ") && event.contains(id);
        until("said", || lab.kept.events().iter().any(about));
        let said: Vec<_> = lab.kept.events().into_iter().filter(about).collect();
        assert!(said.len() == 1 && said[0].contains(cause), "{body}: {said:?}");
    }
}

/// Each request that ends without the gateway's own credential is one line, no matter who asked the issuer before.
#[test]
fn a_missing_credential_is_one_line_for_each_request() {
    let upstream = Upstream::answering("200 OK\r\ncontent-type: application/json", "{}");
    let lab = Lab::with(|settings, dir| {
        own_server(dir, "delta", &upstream.base, "streamable-http");
        let egress = Of { egress: Some(EgressMode::Stored), ..Of::default() };
        settings.upstreams.insert("delta".into(), egress);
        // Where the folder of its tokens should be.
        std::fs::write(dir.join("tokens"), "").unwrap();
    });
    for _ in 0..3 {
        let (line, message) = one_line(&lab, "delta", || lab.call(&lab.token("worker"), "delta", "echo"));
        assert!(line.contains("tokens") && message.contains("mcpauth egress"), "{line}");
    }
    assert!(upstream.seen().is_empty());
}

/// The advice must work: a login is useless for a server that gets no credential.
#[test]
fn a_401_is_advised_by_what_the_server_was_given() {
    let shut = Upstream::answering("401 Unauthorized\r\nwww-authenticate: Bearer", "");
    let lab = Lab::with(|settings, dir| {
        for (name, auth) in [
            ("open", "none"),
            ("theirs", "oauth"),
            ("never", "oauth"),
            ("stored", "oauth"),
            ("key", "api_key"),
        ] {
            server(dir, name, auth, &shut.base);
        }
        let with_key = json!({
            "server_name": "fixed", "path": "/fixed", "proxy_pass_url": shut.base, "auth_type": "none",
            "headers": [{"X-Key": "fixed"}],
        });
        std::fs::write(dir.join("servers/fixed.json"), with_key.to_string()).unwrap();
        let egress = |egress| Of { egress: Some(egress), ..Of::default() };
        settings.upstreams.insert("never".into(), egress(EgressMode::None));
        settings.upstreams.insert("stored".into(), egress(EgressMode::Stored));
    });
    let token = lab.token("root");
    for (server, advised, never) in [
        ("open", "auth_type", "mcpauth egress"),
        ("never", "upstreams.NAME.egress", "mcpauth egress"),
        ("fixed", "headers from its file", "mcpauth egress"),
        ("theirs", "mcpauth egress --force", "auth_type"),
        ("key", "mcpauth egress --force", "auth_type"),
        ("stored", "get another with: mcpauth egress --force", "auth_type"),
    ] {
        let (line, message) = one_line(&lab, server, || lab.call(&token, server, "echo"));
        for text in [&line, &message] {
            assert!(text.contains(advised) && !text.contains(never), "{server}: {text}");
        }
    }
    // The token came where the server's own credential belongs.
    let bearer = format!("Bearer {token}");
    let body = call("echo").to_string();
    let ask = || lab.post("/theirs/mcp", &[("Authorization", &bearer)], body.as_bytes());
    let (line, _) = one_line(&lab, "theirs", ask);
    assert!(line.contains("send the gateway's token in X-Authorization"), "{line}");
}

/// A server with this certificate.
fn over_tls(identity: &Identity) -> String {
    let address = identity.serve(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    });
    format!("https://{address}")
}

#[test]
fn a_certificate_that_is_not_believed_is_an_error_with_its_remedy() {
    let (known, unknown) = (Authority::new(), Authority::new());
    let strange = over_tls(&unknown.issue());
    let misnamed = over_tls(&known.issue_for(&["other.test"]));
    let self_signed = {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        over_tls(&Identity { certificate, key: key.serialize_pem() })
    };
    let an_authoritys = {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap().pem();
        over_tls(&Identity { certificate, key: key.serialize_pem() })
    };
    let lab = Lab::with(|_, dir| {
        std::fs::write(dir.join(AUTHORITIES), known.pem()).unwrap();
        for (name, base) in [
            ("strange", &strange),
            ("misnamed", &misnamed),
            ("self", &self_signed),
            ("authority", &an_authoritys),
        ] {
            own_server(dir, name, base, "streamable-http");
        }
    });
    let token = lab.token("root");
    for (server, remedy) in [
        ("strange", "MCPAUTH_CA_CERT"),
        ("self", "MCPAUTH_CA_CERT"),
        ("misnamed", "host name that the certificate has"),
        ("authority", "MCPAUTH_CA_CERT"),
    ] {
        let (line, message) = one_line(&lab, server, || lab.call(&token, server, "echo"));
        assert!(line.contains(remedy), "{server}: {line}");
        assert!(message.contains("does not trust the server's certificate"), "{message}");
    }
}

#[test]
fn the_audit_has_the_clients_address_and_a_forwarded_one_from_trusted_proxies_alone() {
    let trust = |text: &str| Network::try_from(text.to_owned()).unwrap();
    for (trusted, forwarded, expected) in [
        (vec![], "192.0.2.7", "127.0.0.1"),
        (vec![trust("10.0.0.0/8")], "192.0.2.7", "127.0.0.1"),
        (vec![trust("127.0.0.0/8")], "192.0.2.7", "192.0.2.7"),
        (vec![trust("127.0.0.1")], "198.51.100.1, 2001:db8::1", "2001:db8::1"),
        (vec![trust("127.0.0.1"), trust("10.0.0.0/8")], "198.51.100.1, 192.0.2.7:80, 10.0.0.1", "192.0.2.7"),
        (vec![trust("127.0.0.1")], "nonsense", "127.0.0.1"),
        (vec![], "for=192.0.2.7", "127.0.0.1"),
        (vec![trust("127.0.0.1")], "for=198.51.100.1, For=\"[2001:db8::1]:80\";proto=https", "2001:db8::1"),
    ] {
        let worker = Worker::of(Lab::with(|settings, _| settings.trusted_proxies = trusted.clone()));
        let name = if forwarded.contains('=') { "Forwarded" } else { "X-Forwarded-For" };
        let headers = [(name, forwarded)];
        worker.post(&headers, ALLOWED.as_bytes()).status(200);
        worker.post(&headers, REFUSED.as_bytes()).status(403);
        worker.lab.post("/alpha/mcp", &headers, ALLOWED.as_bytes()).status(401);
        let kept = worker.lab.kept.clone();
        drop(worker);
        let addresses: Vec<Value> = kept.lines().iter().map(|line| line["address"].clone()).collect();
        assert_eq!(addresses, vec![json!(expected); 3], "{trusted:?} {forwarded}");
    }
}

#[test]
fn refused_messages_are_counted_under_their_method_and_no_other_label() {
    let worker = Worker::of(Lab::with(|settings, _| settings.admin = Some(([127, 0, 0, 1], 0).into())));
    let ask = |method: &str| {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"name": "delete_all", "uri": "x"}});
        worker.post(&[], body.to_string().as_bytes());
    };
    for method in
        ["tools/call", "prompts/get", "resources/read", "prompts/list", "invented/1", "invented/2", "POST"]
    {
        ask(method);
    }
    worker.lab.post("/alpha/mcp", &[], ALLOWED.as_bytes()).status(401);
    worker.to("DELETE", "/beta/mcp", &[], b"").status(403);
    worker.to("GET", "/beta/mcp", &[], b"").status(403);
    let metrics = get(&format!("http://{}/metrics", worker.lab.gateway.admin().unwrap())).body;
    let count = |method: &str, server: &str| {
        let line =
            format!("mcp_auth_requests_total{{success=\"false\",method=\"{method}\",server=\"{server}\"}} ");
        metrics.lines().find_map(|row| row.strip_prefix(&line)).map(str::to_owned)
    };
    for (method, server, expected) in [
        ("tools/call", "alpha", "1"),
        ("prompts/get", "alpha", "1"),
        ("resources/read", "alpha", "1"),
        ("prompts/list", "alpha", "1"),
        ("other", "alpha", "3"),
        ("unread", "alpha", "1"),
        ("DELETE", "beta", "1"),
        ("GET", "beta", "1"),
    ] {
        assert_eq!(count(method, server).as_deref(), Some(expected), "{method} {server}\n{metrics}");
    }
    assert!(!metrics.contains("invented") && !metrics.contains("\"POST\""), "{metrics}");
}

/// All of `gateway.yaml` is read only at the start; a change must not go unnoticed.
#[test]
fn settings_that_wait_for_a_restart_are_named() {
    let site = Site::new("");
    let mut served = site.serve(&[]);
    let before = std::fs::read_to_string(site.path("gateway.yaml")).unwrap();
    // At once: half a file would be another change.
    let write = |text: &str| {
        site.user.file("new.yaml", text);
        std::fs::rename(site.path("new.yaml"), site.path("gateway.yaml")).unwrap();
    };
    let running = served.running.as_mut().unwrap();
    let rows = [
        (format!("{before}public_url: https://gw.test\n"), "public_url changed"),
        (
            before.replace("interval: 0", "interval: 7").replace("lame_duck: 0", "lame_duck: 1"),
            "health.interval, limits.lame_duck changed",
        ),
        (before.replace("[worker, root]", "[worker]"), "issuers changed"),
        (
            format!("{before}upstreams: {{delta: {{identity_headers: true}}}}\n"),
            "upstreams.delta.identity_headers changed",
        ),
        (format!("{before}listne: x\n"), "the previous files stay in force"),
    ];
    for (text, expected) in rows {
        write(&text);
        let line = running.line(|line| line.contains("gateway.yaml"));
        assert!(line.contains(expected) && line.contains("reload"), "{line}");
        assert_eq!(line.contains("restart the gateway"), expected.ends_with("changed"), "{line}");
    }
    write(&before);
    served.signal("HUP");
    let running = served.running.as_mut().unwrap();
    running.line(|line| line.contains("are in force"));
    site.ask(served.address, ALLOWED).status(200);
    let ran = served.end("TERM").code(0);
    assert_eq!(ran.stderr.matches("gateway.yaml").count(), 5, "{}", ran.stderr);
}

#[test]
fn settings_that_cannot_be_read_any_more_stop_nothing() {
    let site = Site::new("");
    let mut served = site.serve(&[]);
    std::fs::remove_file(site.path("gateway.yaml")).unwrap();
    let line = served.running.as_mut().unwrap().line(|line| line.contains("gateway.yaml"));
    assert!(line.contains("the previous files stay in force"), "{line}");
    until("ready", || get(&format!("http://{}/readyz", served.address)).status == 200);
    site.ask(served.address, ALLOWED).status(200);
    served.end("TERM").code(0);
}
