//! `mcpauth login` at servers of every revision and issuers of every kind: without metadata, with client id metadata
//! documents, for machines only, those that a server leaves for another one; and a server that requires a further
//! scope. The official suite's are in `real`.
#![cfg(test)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::by_address::{form, path, to};
use crate::support::upstream::{Seen, Upstream, say};
use crate::support::wire::{callback, get, parameter};
use crate::support::{Ran, User};

const PRM: &str = "/about/this";
const METADATA: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";
const KEPT: &str = ".registrations/127.0.0.1.json";
const INITIALIZE: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\
                          \"clientInfo\":{\"name\":\"c\",\"version\":\"1\"}}}\n";
const DOCUMENT: &str = "https://me.test/client-metadata.json";

/// What a server of a test says: the status, its challenge, the body.
pub(crate) type Said = (u16, String, Value);

/// An MCP server and an issuer at one address, as `play` has them, unless `other` overrides it.
pub(crate) fn play(other: impl Fn(&str, &Seen) -> Option<Said> + Send + Sync + 'static) -> Upstream {
    Upstream::start(move |seen, stream| {
        let base = format!("http://{}", seen.header("host").unwrap());
        let (status, challenge, body) = other(&base, seen).unwrap_or_else(|| usual(&base, seen));
        let challenge =
            if challenge.is_empty() { challenge } else { format!("\r\nwww-authenticate: {challenge}") };
        let head = format!("{status} X\r\ncontent-type: application/json{challenge}");
        // A text is what it is: some servers have a page for every address.
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        say(stream, &head, body.as_bytes());
    })
}

fn usual(base: &str, seen: &Seen) -> Said {
    let body = match path(seen) {
        "/mcp" if seen.header("authorization").is_some() => return mcp(seen),
        "/mcp" => {
            let challenge = format!("Bearer scope=\"read\", resource_metadata=\"{base}{PRM}\"");
            return (401, challenge, json!({"error": "invalid_token"}));
        }
        PRM => json!({"resource": format!("{base}/mcp"), "authorization_servers": [base]}),
        METADATA => metadata(base),
        "/register" => json!({"client_id": "registered"}),
        "/token" => token(base, seen),
        _ => return (404, String::new(), Value::Null),
    };
    (200, String::new(), body)
}

fn metadata(base: &str) -> Value {
    json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "registration_endpoint": format!("{base}/register"),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
        "authorization_response_iss_parameter_supported": true,
    })
}

/// A token that ends at once, and one that does not for a refresh token or a client.
fn token(base: &str, seen: &Seen) -> Value {
    let sent = form(seen);
    match sent["grant_type"].as_str() {
        "refresh_token" => json!({"access_token": format!("second of {base}"), "expires_in": 3600}),
        "client_credentials" => json!({"access_token": "the client's own", "expires_in": 3600}),
        _ => json!({"access_token": format!("first of {base}"), "refresh_token": "r", "expires_in": 3600}),
    }
}

/// A server of 2025-11-25 with one tool.
fn mcp(seen: &Seen) -> Said {
    let message = seen.message();
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => {
            json!({"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}})
        }
        "tools/list" => json!({"tools": [{"name": "do", "inputSchema": {"type": "object"}}]}),
        "tools/call" => json!({"content": [{"type": "text", "text": "done"}]}),
        "notifications/initialized" => return (202, String::new(), Value::Null),
        _ => {
            let error = json!({"code": -32000, "message": "Bad Request: Server not initialized"});
            return (400, String::new(), json!({"jsonrpc": "2.0", "id": message["id"], "error": error}));
        }
    };
    (200, String::new(), json!({"jsonrpc": "2.0", "id": message["id"], "result": result}))
}

fn address(server: &Upstream) -> String {
    format!("{}/mcp", server.base)
}

/// Runs a login as a user who allows the request, with the issuer identified as `names`; returns the address that was
/// shown, and the output.
#[track_caller]
pub(crate) fn agree(user: &User, typed: &[&str], names: Option<&str>) -> (String, Ran) {
    let mut running = user.start(&[typed, &["--no-browser"]].concat());
    let shown = running.url();
    let iss = names.map(|name| format!("&iss={name}")).unwrap_or_default();
    assert_eq!(get(&callback(&shown, &format!("code=the-code{iss}"))).status, 200);
    (shown, running.end().code(0))
}

#[track_caller]
pub(crate) fn log_in(user: &User, server: &Upstream, more: &[&str]) -> (String, Ran) {
    agree(user, &[&["login", &address(server)], more].concat(), Some(&server.base))
}

/// The command that a message names, as a shell would run it.
#[track_caller]
fn named(user: &User, ran: &Ran) -> Vec<String> {
    let said = format!("{}{}", ran.stderr, ran.stdout);
    let command = said.split("run: mcpauth ").nth(1).unwrap_or_else(|| panic!("no command in: {said}"));
    let command = ["; ", " (", "\n"].iter().fold(command, |text, end| text.split(end).next().unwrap());
    let words = user.shell(&format!("printf '%s\\n' {command}")).spawn().unwrap();
    crate::support::ended(words).stdout.lines().map(str::to_owned).collect()
}

fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// MCP 2025-03-26, "Server Metadata Discovery" and "Fallbacks for Servers without Metadata Discovery".
#[test]
fn a_server_that_publishes_nothing_of_itself_has_its_issuer_at_its_origin() {
    // Where the metadata is, how it names the issuer besides the origin, and where the endpoints are then.
    let cases = [
        (METADATA, "", "/oauth"),
        (METADATA, "/", "/oauth"),
        (OPENID, "", "/oauth"),
        (OPENID, "/", "/oauth"),
        ("nowhere", "", ""),
        ("a page for every address", "", ""),
    ];
    for (place, slash, below) in cases {
        let server = play(move |base, seen| match path(seen) {
            "/mcp" if seen.header("authorization").is_none() => Some((401, "Bearer".into(), Value::Null)),
            at if at == place => {
                let mut document = metadata(&format!("{base}{below}"));
                document["issuer"] = format!("{base}{slash}").into();
                Some((200, String::new(), document))
            }
            "/oauth/register" | "/register" => {
                Some((201, String::new(), json!({"client_id": "c", "client_secret": "not asked for"})))
            }
            "/oauth/token" | "/token" => {
                let mut token = token(base, seen);
                if form(seen)["grant_type"] == "authorization_code" {
                    token["expires_in"] = 0.into();
                }
                Some((200, String::new(), token))
            }
            "/mcp" => None,
            _ if place.starts_with("a page") => Some((200, String::new(), "<html>".into())),
            _ => Some((404, String::new(), Value::Null)),
        });
        let user = User::new();
        let names = format!("{}{slash}", server.base);
        let (shown, _) = agree(&user, &["login", &address(&server)], Some(&names));
        assert!(shown.starts_with(&format!("{}{below}/authorize?", server.base)), "{place}: {shown}");
        assert_eq!(parameter(&shown, "code_challenge_method").as_deref(), Some("S256"), "{place}");
        assert_eq!(parameter(&shown, "resource"), Some(address(&server)), "{place}");
        // It is known later as well, when the token has ended.
        assert_eq!(user.run(&["token", "127.0.0.1"]).code(0).stdout, format!("second of {}\n", server.base));
        let seen = server.seen();
        let exchanges = to(&seen, &format!("{below}/token"));
        assert_eq!(exchanges.len(), 2, "{place}");
        assert!(exchanges.iter().all(|seen| form(seen)["client_id"] == "c"), "{place}");
        assert_eq!(user.run(&["list", "--url", &address(&server)]).code(0).stdout.trim(), "do");
    }
}

/// Libraries write a root as an address, with its slash (python-sdk 1919).
#[test]
fn a_listed_issuer_is_found_whether_or_not_it_has_the_slash_of_a_root() {
    for (listed, slash) in [("/", ""), ("", "/"), ("/", "/")] {
        let server = play(move |base, seen| {
            let body = match path(seen) {
                PRM => {
                    let issuer = format!("{base}{listed}");
                    json!({"resource": format!("{base}/mcp"), "authorization_servers": [issuer]})
                }
                METADATA => {
                    let mut document = metadata(base);
                    document["issuer"] = format!("{base}{slash}").into();
                    document
                }
                _ => return None,
            };
            Some((200, String::new(), body))
        });
        let (user, names) = (User::new(), format!("{}{slash}", server.base));
        agree(&user, &["login", &address(&server)], Some(&names));
        assert_eq!(user.token(KEPT)["issuer"], names, "the document's own spelling");
        // Its answer must be in that spelling too (RFC 9207).
        let mut running = user.start(&["login", &address(&server), "--force", "--no-browser"]);
        let other = format!("{}{}", server.base, if slash.is_empty() { "/" } else { "" });
        get(&callback(&running.url(), &format!("code=the-code&iss={other}")));
        running.end().code(4);
    }
}

#[test]
fn an_origin_is_no_issuer_where_a_server_says_something_else() {
    // What is said where, the exit code, and what is said of it.
    let nothing = |_: &str| Value::Null;
    let other = |base: &str| metadata(&format!("{base}/other"));
    type Body = fn(&str) -> Value;
    let cases: [(&str, &str, u16, Body, i32, &str); 5] = [
        ("lets everybody in", "/mcp", 200, nothing, 2, "no protected-resource metadata"),
        ("is about another server", METADATA, 200, other, 2, "instead of"),
        ("cannot say now", METADATA, 503, nothing, 5, "503"),
        ("cannot say now of itself", "/.well-known/oauth-protected-resource", 503, nothing, 5, "503"),
        ("names a place", "challenge", 401, nothing, 2, "no protected-resource metadata"),
    ];
    for (what, place, status, body, code, said) in cases {
        let server = play(move |base, seen| match path(seen) {
            at if at.starts_with(place) => Some((status, String::new(), body(base))),
            "/mcp" if place == "challenge" => {
                Some((401, format!("Bearer resource_metadata=\"{base}/not/there\""), Value::Null))
            }
            "/mcp" => Some((401, "Bearer".into(), Value::Null)),
            _ => Some((404, String::new(), Value::Null)),
        });
        let ran = User::new().run(&["login", &address(&server), "--no-browser"]).code(code);
        assert!(ran.stdout.contains(said), "{what}: {}", ran.stdout);
        let asked = ["/register", "/authorize", "/token"];
        assert!(server.seen().iter().all(|seen| !asked.contains(&path(seen))), "{what}");
    }
}

/// Many servers answer the handshake for everyone, and require a token later.
#[test]
fn a_challenge_is_found_behind_an_open_handshake() {
    let server = play(|base, seen| {
        let method = seen.message()["method"].clone();
        let is_open = method == "initialize" || method == "server/discover";
        (path(seen) == "/mcp" && seen.header("authorization").is_none()).then(|| {
            let challenge = format!("Bearer scope=\"deep\", resource_metadata=\"{base}{PRM}\"");
            if is_open { mcp(seen) } else { (401, challenge, Value::Null) }
        })
    });
    let (shown, _) = log_in(&User::new(), &server, &[]);
    assert_eq!(parameter(&shown, "scope").as_deref(), Some("deep"));
    let first = to(&server.seen(), "/mcp")[0].message();
    assert_eq!(first["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert!(
        first.get("id").is_some()
            && first["params"]["_meta"].get("io.modelcontextprotocol/clientCapabilities").is_some()
    );
}

/// A server whose list needs any token, and whose tool needs the scopes that it `wants`; its issuer says which ones
/// it `gave`. Some servers say so with a 401.
fn guarded(status: u16, wants: &'static str, gave: Option<&'static str>) -> Upstream {
    play(move |_, seen| match path(seen) {
        "/mcp" if seen.header("authorization").is_some() && seen.message()["method"] == "tools/call" => {
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{wants}\"");
            Some((status, challenge, json!({"error": "insufficient_scope"})))
        }
        "/token" => {
            let token = json!({"access_token": "the token", "expires_in": 3600, "scope": gave});
            Some((200, String::new(), token))
        }
        _ => None,
    })
}

/// MCP 2026-07-28, "Step-Up Authorization Flow": the union of what was asked for and what is wanted.
#[test]
fn a_call_that_needs_a_further_scope_names_the_login_that_asks_for_all_of_them() {
    let wants = [
        (403, "write", "read write"),
        (401, "write", "read write"),
        (403, "write:all read admin", "read write:all admin"),
        (403, "a;b $(c) 'd", "read a;b $(c) 'd"),
    ];
    for (status, wants, union) in wants {
        let (server, user) = (guarded(status, wants, None), User::new());
        let url = address(&server);
        log_in(&user, &server, &[]);
        for server in [&["--url", &url][..], &["--server", "127.0.0.1"]] {
            assert_eq!(user.run(&[&["list"], server].concat()).code(0).stdout.trim(), "do");
            let ran = user.run(&[&["call", "do"], server].concat()).code(4);
            assert!(ran.stderr.contains("it also requires the scope "), "{}", ran.stderr);
            let command = named(&user, &ran);
            assert_eq!(command[..2], ["login".to_owned(), url.clone()], "{command:?}");
            let scopes: Vec<&str> = strs(&command).chunks(2).skip(1).map(|pair| pair[1]).collect();
            assert_eq!(scopes.join(" "), union, "{command:?}");
        }
        let command = named(&user, &user.run(&["call", "do", "--url", &url]).code(4));
        let (shown, _) = agree(&user, &strs(&command), Some(&server.base));
        assert_eq!(parameter(&shown, "scope").as_deref(), Some(union));
        // Scopes that were requested once are requested again, and a second refusal leads into no loop.
        let ran = user.run(&["call", "do", "--url", &url]).code(4);
        assert!(!ran.stderr.contains("mcpauth login"), "{}", ran.stderr);
        assert!(ran.stderr.contains("ask the server's operator"), "{}", ran.stderr);
    }
}

/// A token that cannot be refreshed is as good as it ever was: only a login that asks for more brings more.
#[test]
fn the_bridge_names_the_login_that_asks_for_a_further_scope() {
    for status in [401, 403] {
        let (server, user) = (guarded(status, "write", None), User::new());
        log_in(&user, &server, &[]);
        let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "do"}});
        let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
        let ran = user.run_with(&["bridge", "127.0.0.1"], format!("{list}\n{call}\n"));
        let answers: Vec<Value> =
            ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let answer = answers.iter().find(|answer| answer["id"] == 2).unwrap();
        let said = answer["error"].to_string();
        let named = format!("mcpauth login {} --scope read --scope write", address(&server));
        assert!(said.contains(&named) && !said.contains("--force"), "{status}: {said}");
        assert!(
            answers.iter().any(|answer| answer["id"] == 1 && answer["result"].is_object()),
            "{answers:?}"
        );
    }
}

#[test]
fn a_scope_that_the_issuer_did_not_give_is_said_to_be_missing() {
    for (gave, said) in [
        (Some("read"), "the login requested the scope write but did not get it"),
        (Some("write read"), "the token has the scope write already"),
        (None, "the token has the scope write already"),
    ] {
        let (server, user) = (guarded(403, "write", gave), User::new());
        log_in(&user, &server, &["--scope", "read", "--scope", "write"]);
        let ran = user.run(&["call", "do", "--url", &address(&server)]).code(4);
        assert!(ran.stderr.contains(said) && !ran.stderr.contains("mcpauth login"), "{}", ran.stderr);
    }
}

#[test]
fn a_persons_own_client_stays_theirs_when_a_further_scope_is_asked_for() {
    let (server, user) = (guarded(403, "write", None), User::new());
    let secret = user.file("secret", "s3cret");
    log_in(&user, &server, &["--client-id", "mine", "--client-secret-file", secret.to_str().unwrap()]);
    let command = named(&user, &user.run(&["call", "do", "--url", &address(&server)]).code(4));
    let (shown, _) = agree(&user, &strs(&command), Some(&server.base));
    assert_eq!(parameter(&shown, "client_id").as_deref(), Some("mine"));
    let seen = server.seen();
    assert!(to(&seen, "/register").is_empty());
    for exchange in to(&seen, "/token") {
        assert!(exchange.header("authorization").unwrap().starts_with("Basic "), "{}", exchange.head);
    }
    // The same when everything is discovered again.
    let (shown, _) = log_in(&user, &server, &["--force"]);
    assert_eq!(parameter(&shown, "client_id").as_deref(), Some("mine"));
    assert!(to(&server.seen(), "/register").is_empty());
}

/// A server's metadata that names this issuer.
fn names(base: &str, issuer: &str) -> Option<(u16, String, Value)> {
    let document = json!({"resource": format!("{base}/mcp"), "authorization_servers": [issuer]});
    Some((200, String::new(), document))
}

/// A server whose metadata names another issuer once `moved` is set, and which then accepts only that one's tokens.
fn moving(second: &Upstream, moved: &Arc<AtomicBool>, lifetime: u64) -> Upstream {
    let (second, moved) = (second.base.clone(), moved.clone());
    play(move |base, seen| {
        let is_moved = moved.load(Ordering::SeqCst);
        match path(seen) {
            PRM if is_moved => names(base, &second),
            "/mcp" if is_moved && seen.header("authorization").is_some_and(|value| value.contains(base)) => {
                Some((401, format!("Bearer resource_metadata=\"{base}{PRM}\""), Value::Null))
            }
            "/register" => Some((201, String::new(), json!({"client_id": "of-the-first"}))),
            "/token" => {
                let token = json!({"access_token": format!("first of {base}"), "expires_in": lifetime});
                Some((200, String::new(), token))
            }
            _ => None,
        }
    })
}

/// SEP-2352: a client is unknown to another issuer, and a token is not for a server that has left its issuer.
#[test]
fn a_server_that_changes_its_issuer_is_followed_with_a_new_client_and_without_the_old_token() {
    let (second, moved, user) = (play(|_, _| None), Arc::new(AtomicBool::new(false)), User::new());
    let server = moving(&second, &moved, 3600);
    let url = address(&server);
    log_in(&user, &server, &[]);
    user.run(&["list", "--url", &url]).code(0);
    moved.store(true, Ordering::SeqCst);

    let ran = user.run(&["list", "--url", &url]).code(4);
    assert!(
        ran.stderr.contains(&format!("the server now takes tokens of {}", second.base)),
        "{}",
        ran.stderr
    );
    let sent = |seen: &[Seen]| to(seen, "/mcp").iter().filter(|seen| seen.head.contains("first of")).count();
    let before = sent(&server.seen());
    user.run(&["list", "--url", &url]).code(4);
    user.run(&["headers", &url]).code(4);
    user.run(&["token", "127.0.0.1"]).code(4);
    assert_eq!(sent(&server.seen()), before, "the old token is not sent again");

    let command = named(&user, &ran);
    let command = strs(&command).into_iter().filter(|word| *word != "--browser").collect::<Vec<_>>();
    let (shown, _) = agree(&user, &command, Some(&second.base));
    assert!(shown.starts_with(&second.base), "{shown}");
    assert_eq!(parameter(&shown, "client_id").as_deref(), Some("registered"));
    let text: String = second
        .seen()
        .iter()
        .map(|seen| format!("{}{}", seen.head, String::from_utf8_lossy(&seen.body)))
        .collect();
    assert!(!text.contains("of-the-first") && !text.contains("first of http"), "{text}");
    assert_eq!(user.run(&["call", "do", "--url", &url]).code(0).stdout.trim(), "done");
}

#[test]
fn nobody_is_asked_to_log_in_at_an_issuer_that_the_server_has_left() {
    let (second, moved, user) = (play(|_, _| None), Arc::new(AtomicBool::new(false)), User::new());
    // Its tokens end at once, and there is no refresh token.
    let server = moving(&second, &moved, 0);
    log_in(&user, &server, &[]);
    moved.store(true, Ordering::SeqCst);
    let (shown, _) = agree(&user, &["login", &address(&server)], Some(&second.base));
    assert!(shown.starts_with(&second.base), "{shown}");
    assert_eq!(user.token(KEPT)["issuer"], second.base);

    // A client that the user registered is theirs to replace.
    let (second, moved, user) = (play(|_, _| None), Arc::new(AtomicBool::new(false)), User::new());
    let server = moving(&second, &moved, 0);
    let secret = user.file("secret", "s3cret");
    log_in(&user, &server, &["--client-id", "mine", "--client-secret-file", secret.to_str().unwrap()]);
    moved.store(true, Ordering::SeqCst);
    let ran = user.run(&["login", &address(&server), "--no-browser"]).code(2);
    assert!(
        ran.stdout.contains(&format!(
            "takes tokens of {}, but your client is registered at {}",
            second.base, server.base
        )),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("--client-id ID --client-secret-file FILE"), "{}", ran.stdout);
    let seen = second.seen();
    assert!(seen.iter().all(|seen| seen.is("GET /.well-known/") && !seen.head.contains("mine")), "{seen:?}");
}

/// A server whose metadata names another issuer once `moved` is set; its first one, whose tokens end at once, is gone then.
fn leaving(second: &Upstream, moved: &Arc<AtomicBool>) -> Upstream {
    let (second, moved) = (second.base.clone(), moved.clone());
    play(move |base, seen| {
        let is_moved = moved.load(Ordering::SeqCst);
        match path(seen) {
            PRM if is_moved => names(base, &second),
            METADATA | "/authorize" | "/register" | "/token" if is_moved => {
                Some((410, String::new(), "gone".into()))
            }
            "/token" => {
                let token = json!({"access_token": "first", "refresh_token": "r", "expires_in": 0});
                Some((200, String::new(), token))
            }
            _ => None,
        }
    })
}

/// Nobody is left to say that a refresh token is no longer accepted.
#[test]
fn a_server_that_left_an_issuer_which_is_gone_is_followed_from_every_front() {
    let (second, moved) = (play(|_, _| None), Arc::new(AtomicBool::new(false)));
    let server = leaving(&second, &moved);
    let url = address(&server);
    for front in [
        &["list", "srv"][..],
        &["call", "srv", "do"],
        &["token", "srv"],
        &["headers", "srv"],
        &["bridge", "srv"],
        &["refresh", "--once"],
        &["login", &url, "--server-name", "srv"],
    ] {
        let user = User::new();
        moved.store(false, Ordering::SeqCst);
        log_in(&user, &server, &["--server-name", "srv"]);
        moved.store(true, Ordering::SeqCst);
        let mut command: Vec<String> = front.iter().map(|word| (*word).to_owned()).collect();
        if front[0] != "login" {
            let ran = user.run_with(front, INITIALIZE).code(if front[0] == "bridge" { 0 } else { 4 });
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(
                said.contains(&format!("the server now takes tokens of {}", second.base)),
                "{front:?}: {said}"
            );
            command = named(&user, &ran);
            command.retain(|word| word != "--browser");
        }
        let (shown, _) = agree(&user, &strs(&command), Some(&second.base));
        assert!(shown.starts_with(&second.base), "{front:?}: {shown}");
        assert_eq!(user.run(&["call", "srv", "do"]).code(0).stdout.trim(), "done", "{front:?}");
    }
}

/// An issuer that reads client id metadata documents, as it says with `offer`, and names itself in its answers or not.
fn reader(offer: Value, names_itself: bool) -> Upstream {
    play(move |base, seen| {
        (path(seen) == METADATA).then(|| {
            let mut document = metadata(base);
            document["client_id_metadata_document_supported"] = offer.clone();
            document["authorization_response_iss_parameter_supported"] = names_itself.into();
            (200, String::new(), document)
        })
    })
}

#[test]
fn a_document_says_who_we_are_where_it_is_read_and_nowhere_else() {
    let client = |server: &Upstream, user: &User, more: &[&str]| {
        let (shown, _) = log_in(user, server, more);
        let form = form(to(&server.seen(), "/token")[0]);
        assert_eq!(
            parameter(&shown, "client_id").as_ref(),
            form.get("client_id").or(parameter(&shown, "client_id").as_ref())
        );
        (parameter(&shown, "client_id").unwrap(), to(&server.seen(), "/register").len())
    };
    let mut user = User::new();
    user.env("MCPAUTH_CLIENT_METADATA_URL", DOCUMENT);
    assert_eq!(client(&reader(true.into(), true), &user, &[]), (DOCUMENT.into(), 0));
    for (n, offer) in
        [json!(false), Value::Null, json!("true"), json!(1), json!([true])].into_iter().enumerate()
    {
        let name = format!("other-{n}");
        let more = ["--server-name", &name];
        assert_eq!(client(&reader(offer.clone(), true), &user, &more), ("registered".into(), 1), "{offer}");
    }
    // A person's own client comes first, and a document can be named for one login.
    let own = ["--server-name", "own", "--client-id", "mine"];
    assert_eq!(client(&reader(true.into(), true), &user, &own), ("mine".into(), 0));
    let user = User::new();
    assert_eq!(client(&reader(true.into(), true), &user, &[]), ("registered".into(), 1));
    let named = ["--server-name", "named", "--client-id", DOCUMENT];
    assert_eq!(client(&reader(true.into(), true), &user, &named), (DOCUMENT.into(), 0));

    // An issuer that registers no clients but reads documents says so.
    let server = play(|base, seen| {
        (path(seen) == METADATA).then(|| {
            let mut document = metadata(base);
            document["client_id_metadata_document_supported"] = true.into();
            document["registration_endpoint"] = Value::Null;
            (200, String::new(), document)
        })
    });
    let ran = user.run(&["login", &address(&server), "--server-name", "third", "--no-browser"]).code(2);
    assert!(
        ran.stdout.contains("mcpauth client-metadata --url")
            && ran.stdout.contains("MCPAUTH_CLIENT_METADATA_URL"),
        "{}",
        ran.stdout
    );
}

#[test]
fn who_we_are_is_no_matter_of_a_folders() {
    let (server, user) = (reader(true.into(), true), User::new());
    user.file(".env", &format!("MCPAUTH_CLIENT_METADATA_URL={DOCUMENT}\n"));
    let (shown, _) = log_in(&user, &server, &[]);
    assert_eq!(parameter(&shown, "client_id").as_deref(), Some("registered"));
}

/// RFC 9700 section 4.4.2: an issuer that does not name itself is known by the path of its own, which the document lists.
#[test]
fn an_issuer_that_does_not_name_itself_has_a_redirect_uri_of_its_own_in_the_document() {
    let (server, mut user) = (reader(true.into(), false), User::new());
    user.env("MCPAUTH_CLIENT_METADATA_URL", DOCUMENT);
    let (shown, ran) = agree(&user, &["login", &address(&server)], None);
    assert_eq!(parameter(&shown, "client_id").as_deref(), Some(DOCUMENT));
    let command = format!("mcpauth client-metadata --issuer {}", server.base);
    assert!(ran.stderr.contains(&command), "{}", ran.stderr);
    let asked = url::Url::parse(&parameter(&shown, "redirect_uri").unwrap()).unwrap();
    let listed =
        user.run(&["client-metadata", "--issuer", &server.base]).code(0).json()["redirect_uris"].clone();
    let paths: Vec<String> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|uri| url::Url::parse(uri.as_str().unwrap()).unwrap().path().into())
        .collect();
    assert!(asked.path() != "/callback" && paths.contains(&asked.path().to_owned()), "{asked} {listed}");
    let others = user.run(&["client-metadata"]).code(0).json()["redirect_uris"].clone();
    assert!(!others.to_string().contains(asked.path()), "{others}");
}

#[test]
fn the_document_is_printed_for_its_address_and_shown_in_the_docs() {
    let mut user = User::new();
    let ran = user.run(&["client-metadata"]).code(2);
    assert!(ran.stderr.contains("MCPAUTH_CLIENT_METADATA_URL is not set"), "{}", ran.stderr);
    for bad in [
        "http://me.test/c.json",
        "https://me.test",
        "https://me.test/a/../c.json",
        "https://u@me.test/c",
        "https://me.test/c#x",
    ] {
        user.run(&["client-metadata", "--url", bad]).code(2);
        user.env("MCPAUTH_CLIENT_METADATA_URL", bad);
        let ran = user.run(&["client-metadata"]).code(2);
        assert!(ran.stderr.contains("MCPAUTH_CLIENT_METADATA_URL"), "{}", ran.stderr);
    }
    let docs =
        std::fs::read_to_string(format!("{}/docs/guides/client-metadata.md", env!("CARGO_MANIFEST_DIR")))
            .unwrap();
    let shown = docs.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let printed =
        user.run(&["client-metadata", "--url", "https://me.example.com/mcpauth.json"]).code(0).stdout;
    assert_eq!(printed, shown);
    user.env("MCPAUTH_CLIENT_METADATA_URL", DOCUMENT);
    assert_eq!(user.run(&["client-metadata"]).code(0).json()["client_id"], DOCUMENT);
}

/// A private key in PEM.
fn pem() -> String {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    use base64::Engine;
    let rng = aws_lc_rs::rand::SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).unwrap();
    let body = base64::engine::general_purpose::STANDARD.encode(key.as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

fn claims(assertion: &str) -> Value {
    use base64::Engine;
    let payload = assertion.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap())
        .unwrap()
}

/// An issuer with these grants and ways to authenticate, whose tokens live so long.
fn granting(grants: Value, methods: Value, lifetime: u64) -> Upstream {
    play(move |base, seen| match path(seen) {
        METADATA => {
            let mut document = metadata(base);
            document["grant_types_supported"] = grants.clone();
            document["token_endpoint_auth_methods_supported"] = methods.clone();
            Some((200, String::new(), document))
        }
        "/token" => {
            Some((200, String::new(), json!({"access_token": "the client's own", "expires_in": lifetime})))
        }
        _ => None,
    })
}

/// SEP-1046: client credentials, by a secret or by a signature, with the discovery of every other login.
#[test]
fn a_client_that_proves_who_it_is_logs_in_without_a_person() {
    let machines = json!(["client_credentials"]);
    let both = json!(["authorization_code", "client_credentials"]);
    let files =
        |user: &User| -> [PathBuf; 2] { [user.file("secret", "s3cret"), user.file("key.pem", &pem())] };
    // The grants, the methods, the flag for the proof and which file, whether it must be said.
    let cases = [
        (&machines, "client_secret_basic", "--client-secret-file", 0, false),
        (&machines, "client_secret_post", "--client-secret-file", 0, false),
        (&machines, "private_key_jwt", "--private-key-file", 1, false),
        (&both, "client_secret_basic", "--client-secret-file", 0, true),
        (&both, "private_key_jwt", "--private-key-file", 1, true),
        (&Value::Null, "private_key_jwt", "--private-key-file", 1, true),
    ];
    for (grants, method, flag, which, is_said) in cases {
        let (server, user) = (granting(grants.clone(), json!([method]), 3600), User::new());
        let url = address(&server);
        let file = files(&user)[which].display().to_string();
        let mut typed = vec!["login", &url, "--client-id", "machine", flag, &file];
        if is_said {
            // Without it a person would have to log in.
            user.run(&typed).code(4);
            typed.push("--client-credentials");
        }
        user.run(&typed).code(0);
        let seen = server.seen();
        let sent = form(to(&seen, "/token")[0]);
        assert_eq!(
            (sent["grant_type"].as_str(), sent["resource"].as_str()),
            ("client_credentials", url.as_str())
        );
        assert_eq!(sent["scope"], "read", "{method}");
        assert!(to(&seen, "/register").is_empty(), "{method}");
        if which == 1 {
            let claims = claims(&sent["client_assertion"]);
            assert_eq!((&claims["aud"], &claims["sub"]), (&json!(server.base), &json!("machine")));
            assert!(!user.token(KEPT).to_string().contains("PRIVATE"), "the key stays where it is");
            assert_eq!(user.token(KEPT)["private_key"]["path"], file);
        }
        assert_eq!(user.run(&["call", "do", "--url", &url]).code(0).stdout.trim(), "done", "{method}");
        assert!(user.run(&["login", &url]).code(0).stdout.contains("still valid"), "{method}");
    }
}

#[test]
fn a_clients_own_token_is_renewed_without_a_word_and_a_scope_is_added_without_a_person() {
    let (server, user) =
        (granting(json!(["client_credentials"]), json!(["private_key_jwt"]), 0), User::new());
    let (url, key) = (address(&server), user.file("key.pem", &pem()));
    let key = key.to_str().unwrap();
    user.run(&["login", &url, "--client-id", "machine", "--private-key-file", key, "--key-id", "k1"]).code(0);
    assert_eq!(user.run(&["token", "127.0.0.1"]).code(0).stdout, "the client's own\n");
    user.run(&["login", &url, "--scope", "read", "--scope", "write"]).code(0);
    let seen = server.seen();
    let requests: Vec<_> = to(&seen, "/token").into_iter().map(form).collect();
    let scopes: Vec<&str> = requests.iter().map(|sent| sent["scope"].as_str()).collect();
    assert_eq!(scopes, ["read", "read", "read write"]);
    let (one, two) = (&requests[0]["client_assertion"], &requests[1]["client_assertion"]);
    assert_ne!(claims(one)["jti"], claims(two)["jti"]);

    std::fs::remove_file(key).unwrap();
    let ran = user.run(&["login", &url]).code(2);
    assert!(ran.stdout.contains(key), "{}", ran.stdout);
}

#[test]
fn an_issuer_for_machines_alone_says_which_proof_it_takes() {
    for (methods, flags) in [
        (json!(["client_secret_basic"]), "--client-id ID --client-secret-file FILE"),
        (json!(["client_secret_post", "private_key_jwt"]), "--client-id ID --client-secret-file FILE"),
        (json!(["private_key_jwt"]), "--client-id ID --private-key-file FILE"),
        (Value::Null, "--client-id ID --client-secret-file FILE"),
    ] {
        let server = granting(json!(["client_credentials"]), methods, 3600);
        let url = address(&server);
        let ran = User::new().run(&["login", &url, "--no-browser"]).code(2);
        assert!(ran.stdout.contains("client_credentials"), "{}", ran.stdout);
        assert!(ran.stdout.contains(&format!("run: mcpauth login {url} {flags}\n")), "{}", ran.stdout);
        assert!(to(&server.seen(), "/register").is_empty());
    }
}

/// The command that is named goes on with what was typed.
#[test]
fn what_was_typed_is_not_lost_in_the_command_that_is_named() {
    let server = play(|_, _| None);
    let (url, user) = (address(&server), User::new());
    let secret = user.file("the secret", "s3cret");
    let secret = secret.to_str().unwrap();
    let cases: [&[&str]; 3] = [
        &["--scope", "a", "--scope", "b c"],
        &["--force"],
        &["--client-id", "mine", "--redirect-uri", "http://127.0.0.1:7/x", "--assume-pkce-s256"],
    ];
    for more in cases {
        let typed = [&["login", &url], more].concat();
        let command = named(&user, &user.run(&typed).code(4));
        let mut expected: Vec<&str> = typed.clone();
        expected.push("--browser");
        let (mut command, mut expected) = (strs(&command), expected);
        command.sort_unstable();
        expected.sort_unstable();
        assert_eq!(command, expected);
    }
    let ran = user.run(&["login", &url, "--client-id", "mine", "--client-secret-file", secret]).code(4);
    assert_eq!(named(&user, &ran)[2..6], ["--client-id", "mine", "--client-secret-file", secret]);
}
