//! Attacks on sessions: stolen, guessed, changed, misplaced and duplicated ones, and the same for the address that an
//! old server announces; and headers with which a client would be someone else, or mean another request. None of them
//! reaches the server. Not here: normal sessions (see `streams`).
#![cfg(test)]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::support::lab::{ALLOWED, Answer, Lab, list, own_server, request};
use crate::support::upstream::{Listening, Upstream, begin, event, gone, push, say};

/// Both have the same rights: only the owner of a session distinguishes them.
const POLICY: &str = "\
worker: [{server: '*', methods: ['*'], tools: ['*']}]
root: [{server: '*', methods: ['*'], tools: ['*']}]
";

const OWN: &str = "up-0123456789-secret";

/// A gateway before a server with a session, known by two names.
struct Stage {
    lab: Lab,
    upstream: Upstream,
    worker: String,
    root: String,
}

/// A server of either transport; its session is always the same one.
fn upstream() -> Upstream {
    Upstream::start(|seen, stream| {
        if seen.is("GET /sse ") {
            begin(stream, "200 OK\r\ncontent-type: text/event-stream");
            push(stream, format!("event: endpoint\ndata: /message?sessionId={OWN}\n\n").as_bytes());
            push(stream, &event(&serde_json::json!({"marker": 1})));
            gone(stream);
            return;
        }
        let head = format!("200 OK\r\ncontent-type: application/json\r\nmcp-session-id: {OWN}");
        say(stream, &head, br#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
    })
}

impl Stage {
    fn new() -> Self {
        let upstream = upstream();
        let lab = Lab::with(|_, dir| {
            mcpauth::sys::private_file::write(&dir.join("scopes.yml"), POLICY).unwrap();
            for name in ["delta", "omega"] {
                own_server(dir, name, &upstream.base, "streamable-http");
            }
            for name in ["old", "older"] {
                own_server(dir, name, &upstream.base, "sse");
            }
        });
        let (worker, root) = (lab.token("worker"), lab.token("root"));
        Self { lab, upstream, worker, root }
    }

    fn ask(&self, token: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [&[("X-Authorization", bearer.as_str())], headers].concat();
        let body = if method == "POST" { ALLOWED } else { "" };
        self.lab.raw(&request(method, path, &headers, body.as_bytes()))
    }

    fn session(&self, token: &str, server: &str) -> String {
        let answer = self.ask(token, "POST", &format!("/{server}/mcp"), &[]).status(200);
        answer.header("mcp-session-id").unwrap().to_owned()
    }

    fn address(&self, token: &str, server: &str) -> String {
        let heard = Listening::open(&self.lab, token, &format!("/{server}/sse"), &[]).hear("marker");
        assert!(!heard.contains(OWN), "{heard}");
        let announced = heard.split("data: ").nth(1).unwrap().lines().next().unwrap();
        assert!(announced.starts_with("messages/"), "{announced}");
        format!("/{server}/{announced}")
    }

    /// Fails unless it is refused before it reaches the server.
    #[track_caller]
    fn refused(&self, case: &str, ask: impl Fn() -> Answer) {
        let before = self.upstream.seen().len();
        let answer = ask().status(404);
        assert_eq!(answer.json()["error"]["data"]["reason"], "session", "{case}");
        assert_eq!(self.upstream.seen().len(), before, "{case}");
    }
}

/// Whether a text shows the server's own session id, literally or in any base64 part of it.
fn shows(text: &str) -> bool {
    let part = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
        bytes.windows(4).any(|window| OWN.as_bytes().windows(4).any(|own| own == window))
    };
    text.contains(OWN) || text.split(['.', '/']).any(part)
}

/// The text with one bit of one character changed, at every place.
fn damaged(text: &str) -> Vec<String> {
    (0..text.len())
        .map(|at| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        })
        .filter(|other| other != text)
        .collect()
}

#[test]
fn a_sealed_session_shows_nothing_and_stays_what_it_is() {
    let stage = Stage::new();
    let session = stage.session(&stage.worker, "delta");
    assert!(!shows(&session), "{session}");
    assert!(session.bytes().all(|byte| byte.is_ascii_graphic()));
    assert_ne!(session, stage.session(&stage.worker, "delta"), "no two are alike");
    let answer = stage.ask(&stage.worker, "POST", "/delta/mcp", &[("Mcp-Session-Id", &session)]).status(200);
    assert_eq!(answer.header("mcp-session-id"), Some(session.as_str()), "said again, it is the same");
    let seen = stage.upstream.seen();
    assert_eq!(seen.last().unwrap().header("mcp-session-id"), Some(OWN));
    let address = stage.address(&stage.worker, "old");
    assert!(!shows(&address), "{address}");
}

#[test]
fn no_attack_on_a_session_reaches_the_server() {
    let stage = Stage::new();
    let Stage { worker, root, .. } = &stage;
    let mine = stage.session(worker, "delta");
    let theirs = stage.session(root, "delta");
    let elsewhere = stage.session(root, "omega");
    let address = stage.address(worker, "old");
    let sealed = address.rsplit('/').next().unwrap();
    let (nonce, rest) = theirs.split_once('.').unwrap();
    let (my_nonce, my_rest) = mine.split_once('.').unwrap();
    let own = URL_SAFE_NO_PAD.encode(OWN);
    let whole = format!("{nonce}{rest}");
    let attacks = [
        ("another caller's", worker, "delta", theirs.clone()),
        ("another caller's, by an administrator", root, "delta", mine.clone()),
        ("another server's", root, "delta", elsewhere.clone()),
        ("at another server", root, "omega", theirs.clone()),
        ("the server's own", worker, "delta", OWN.to_owned()),
        ("the server's own in base64", worker, "delta", own.clone()),
        ("of the old form", worker, "delta", format!("{own}.{}", URL_SAFE_NO_PAD.encode([0; 32]))),
        ("an announced address", worker, "delta", sealed.to_owned()),
        ("an announced address of the server", worker, "old", sealed.to_owned()),
        ("nothing", worker, "delta", String::new()),
        ("a dot", worker, "delta", ".".into()),
        ("a nonce", worker, "delta", my_nonce.to_owned()),
        ("a nonce and a dot", worker, "delta", format!("{my_nonce}.")),
        ("no nonce", worker, "delta", format!(".{my_rest}")),
        ("halves of two", worker, "delta", format!("{my_nonce}.{rest}")),
        ("halves of two, turned", worker, "delta", format!("{nonce}.{my_rest}")),
        ("without its dot", worker, "delta", whole),
        ("cut at its end", worker, "delta", mine.get(..mine.len() - 1).unwrap().to_owned()),
        ("cut at its beginning", worker, "delta", mine.get(1..).unwrap().to_owned()),
        ("with more", worker, "delta", format!("{mine}A")),
        ("with another part", worker, "delta", format!("{mine}.A")),
        ("padded", worker, "delta", format!("{mine}=")),
        ("in another case", worker, "delta", mine.to_ascii_uppercase()),
        ("in another case", worker, "delta", mine.to_ascii_lowercase()),
        ("two in one", worker, "delta", format!("{mine}, {theirs}")),
        ("two in one", worker, "delta", format!("{mine},{mine}")),
        ("too long", worker, "delta", "A".repeat(20_000)),
        ("not ASCII", worker, "delta", format!("{mine}\u{e9}")),
    ];
    for (case, token, server, session) in &attacks {
        for (method, resumed) in
            [("POST", None), ("GET", None), ("GET", Some(("Last-Event-ID", "1"))), ("DELETE", None)]
        {
            let headers: Vec<(&str, &str)> =
                [("Mcp-Session-Id", session.as_str())].into_iter().chain(resumed).collect();
            stage.refused(case, || stage.ask(token, method, &format!("/{server}/mcp"), &headers));
        }
    }
    for session in damaged(&mine) {
        stage.refused("damaged", || stage.ask(worker, "POST", "/delta/mcp", &[("Mcp-Session-Id", &session)]));
    }
    for second in [mine.as_str(), theirs.as_str(), ""] {
        let twice = [("Mcp-Session-Id", mine.as_str()), ("mcp-session-ID", second)];
        stage.refused("doubled", || stage.ask(worker, "POST", "/delta/mcp", &twice));
    }
    let bare = stage.lab.post("/delta/mcp", &[("Mcp-Session-Id", &mine)], ALLOWED.as_bytes());
    assert_eq!(bare.status, 401, "a session is not a credential");
}

#[test]
fn no_attack_on_an_announced_address_reaches_the_server() {
    let stage = Stage::new();
    let Stage { worker, root, .. } = &stage;
    let mine = stage.address(root, "old");
    let session = stage.session(root, "old");
    let attacks = [
        ("another caller", worker, mine.clone()),
        ("another server", root, mine.replace("/old/", "/older/")),
        ("a session", root, format!("/old/messages/{session}")),
        (
            "the server's own",
            root,
            format!("/old/messages/{}", URL_SAFE_NO_PAD.encode(format!("/message?sessionId={OWN}"))),
        ),
        ("cut", root, mine.get(..mine.len() - 1).unwrap().to_owned()),
        ("with more", root, format!("{mine}A")),
        ("too long", root, format!("/old/messages/{}", "A".repeat(20_000))),
    ];
    for (case, token, path) in &attacks {
        stage.refused(case, || stage.ask(token, "POST", path, &[]));
    }
    for sealed in damaged(mine.rsplit('/').next().unwrap()).into_iter().step_by(3) {
        stage.refused("damaged", || stage.ask(root, "POST", &format!("/old/messages/{sealed}"), &[]));
    }
    for method in ["GET", "DELETE"] {
        stage.refused("another method", || stage.ask(root, method, &mine, &[]));
    }
    stage.ask(root, "POST", &mine, &[]).status(200);
    assert!(stage.upstream.seen().last().unwrap().is(&format!("POST /message?sessionId={OWN} HTTP/1.1")));
}

/// CGI, WSGI and PHP programs read all of these as one header.
#[test]
fn a_header_that_reads_as_another_does_not_pass() {
    let stage = Stage::new();
    let session = stage.session(&stage.worker, "delta");
    let names = [
        "Mcp_Session_Id",
        "Mcp_Session-Id",
        "mcp-session_id",
        "MCP_SESSION_ID",
        "Mcp.Session.Id",
        "Mcp~Session~Id",
        "Mcp!Session-Id",
        "Mcp-Session-Id_",
        "_Mcp-Session-Id",
        "Mcp_Method",
        "Mcp_Name",
        "X_Authorization",
        "X_User",
        "Authorization_",
        "Last_Event_Id",
        "X_Anything",
    ];
    for name in names {
        let headers = [(name, "evil-1"), ("Mcp-Session-Id", session.as_str()), ("X-Other", "kept")];
        stage.ask(&stage.worker, "POST", "/delta/mcp", &headers).status(200);
        let seen = stage.upstream.seen();
        let head = &seen.last().unwrap().head;
        assert!(!head.contains("evil-1") && head.contains("kept") && head.contains(OWN), "{name}: {head}");
    }
}

#[test]
fn a_header_that_means_another_request_or_caller_does_not_pass() {
    let stage = Stage::new();
    let names = "X-HTTP-Method-Override X-HTTP-Method X-Method-Override X-Method HTTP-Method-Override X-Request-Method \
                 X-Rewrite-URL X-WAWS-Unencoded-URL X-Original-URL X-Original-URI X-Original-Method X-Override-URL X-Request-URI Forwarded \
                 X-Forwarded X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Port X-Forwarded-Prefix \
                 X-Forwarded-User X-Forwarded-Client-Cert X-Real-IP True-Client-IP CF-Connecting-IP CF-Access-Jwt-Assertion \
                 X-Client-IP X-Cluster-Client-IP X-Envoy-External-Address X-Envoy-Original-Path X-ProxyUser-Ip Client-IP \
                 Via Proxy Proxy-Authorization Proxy-Connection X-Remote-Addr Remote-User X-Host X-Originating-IP \
                 SSL-Client-Verify X-SSL-Client-CN X-Goog-IAP-JWT-Assertion X-MS-Client-Principal X-Amzn-Oidc-Data \
                 X-WebAuth-User Keep-Alive TE Trailer HTTP2-Settings Expect2 Cookie X-User-Pool \
                 X-Forward-Host X-Forward-Proto X-True-Client-IP CF-Connecting-IPv6 CF-Visitor CF-IPCountry \
                 X-Backend-Host X-Custom-IP-Authorization X-HTTP-Method-Override-2 X-Tunnel-Method X-Url X-Uri \
                 X-Sendfile-Type X-Accel-Mapping X-Middleware-Subrequest Client-Cert Client-Cert-Chain \
                 X-Consumer-Username X-Userinfo Base-Url Http-Host Http-Url Http-Client-IP X-Wap-Profile2 X-Original-Host";
    for name in names.split_whitespace() {
        let kept = ["Expect2", "X-Wap-Profile2"].contains(&name);
        let headers = [(name, "evil-1"), ("X-Other", "kept")];
        stage.ask(&stage.worker, "POST", "/delta/mcp", &headers).status(200);
        let seen = stage.upstream.seen();
        let head = &seen.last().unwrap().head;
        assert_eq!((head.contains("evil-1"), head.contains("kept")), (kept, true), "{name}: {head}");
    }
}

/// A client's `Connection` removes what is between it and the gateway, and nothing of the authorized message.
#[test]
fn no_header_of_the_protocols_is_taken_away_by_connection() {
    let stage = Stage::new();
    let session = stage.ask(&stage.worker, "POST", "/delta/mcp", &[]).status(200);
    let session = session.header("mcp-session-id").unwrap().to_owned();
    let kept = "content-type, Accept, mcp-protocol-version, Mcp-Session-Id, mcp-method, last-event-id, MCP-Name, traceparent";
    for connection in [
        format!("close, {kept}"),
        format!("close, X-Hop, {kept}"),
        format!("x-hop,,Close,{}", kept.to_uppercase()),
    ] {
        let headers = [
            ("Connection", connection.as_str()),
            ("Mcp-Session-Id", &session),
            ("MCP-Protocol-Version", "2025-11-25"),
            ("Mcp-Method", "tools/call"),
            ("Mcp-Name", "echo"),
            ("Last-Event-ID", "4"),
            ("traceparent", "00-1"),
            ("X-Hop", "evil-1"),
        ];
        stage.ask(&stage.worker, "POST", "/delta/mcp", &headers).status(200);
        let seen = stage.upstream.seen();
        let seen = seen.last().unwrap();
        for name in kept.split(", ") {
            assert!(seen.header(name).is_some(), "{name} {connection}: {}", seen.head);
        }
        assert_eq!(seen.header("mcp-session-id"), Some(OWN));
        assert_eq!(
            seen.head.contains("evil-1"),
            !connection.to_lowercase().contains("x-hop"),
            "{}",
            seen.head
        );
    }
}

/// Whatever is issued is accepted again, up to the same length.
#[test]
fn a_session_that_would_be_too_long_to_come_back_is_not_given_out() {
    for (length, status) in [(16, 200), (3000, 200), (3072, 200), (4096, 200), (12_000, 200), (12_500, 502)] {
        let head =
            format!("200 OK\r\ncontent-type: application/json\r\nmcp-session-id: {}", "s".repeat(length));
        let upstream =
            Upstream::answering(head.leak(), br#"{"jsonrpc":"2.0","id":"l","result":{"tools":[]}}"#);
        let lab = Lab::before(&upstream, "streamable-http");
        let token = lab.token("worker");
        let answer = lab.ask(&token, "/delta/mcp", &list()).status(status);
        if let Some(session) = answer.header("mcp-session-id") {
            let bearer = format!("Bearer {token}");
            let headers = [("X-Authorization", bearer.as_str()), ("Mcp-Session-Id", session)];
            lab.post("/delta/mcp", &headers, ALLOWED.as_bytes()).status(200);
            assert_eq!(upstream.seen()[1].header("mcp-session-id").map(str::len), Some(length));
        } else {
            assert_eq!(answer.json()["error"]["data"]["reason"], "long_session");
        }
    }
}

/// The limit on request headers also limits what is issued: half of it is for the session.
#[test]
fn a_session_is_no_longer_than_a_request_may_be() {
    for (head, length, status) in [(8192, 3000, 200), (8192, 3100, 502), (64 << 10, 3100, 200)] {
        let named =
            format!("200 OK\r\ncontent-type: application/json\r\nmcp-session-id: {}", "s".repeat(length));
        let upstream = Upstream::answering(named.leak(), br#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
        let lab = Lab::with(|settings, dir| {
            settings.limits.max_header_bytes = head;
            own_server(dir, "delta", &upstream.base, "streamable-http");
        });
        let token = lab.token("worker");
        let answer = lab.call(&token, "delta", "echo").status(status);
        if let Some(session) = answer.header("mcp-session-id") {
            let bearer = format!("Bearer {token}");
            let headers = [("X-Authorization", bearer.as_str()), ("Mcp-Session-Id", session)];
            lab.post("/delta/mcp", &headers, ALLOWED.as_bytes()).status(200);
        }
    }
}
