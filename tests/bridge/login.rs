//! A login that the client asks a person for: over stdio and over HTTP, in the way of each protocol era.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::Client;
use super::listen::Bridge;
use crate::by_address::{NAME, TOKEN, log_in, play, to, user};
use crate::support::User;
use crate::support::lab::{Answer, answer as answer_of, request};
use crate::support::upstream::Upstream;
use crate::support::wire::{TEST_TIMEOUT, callback, get};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// A server that wants a login, and its issuer.
fn server() -> Upstream {
    play(|path, status, body| {
        if path == "/mcp" && *status == 200 {
            body["result"] =
                json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "tools": []});
        }
    })
}

fn initialize(elicitation: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {"elicitation": elicitation},
        "clientInfo": {"name": "test", "version": "1"}}})
}

fn ask(id: u32, method: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": {"name": "echo"}})
}

/// A call in the way of 2026-07-28.
fn modern(id: u32, more: &Value) -> Value {
    let meta = json!({VERSION: "2026-07-28", CAPABILITIES: {"elicitation": {"url": {}}}});
    let mut call = ask(id, "tools/call");
    call["params"]["_meta"] = meta;
    for (name, value) in more.as_object().into_iter().flatten() {
        call["params"][name] = value.clone();
    }
    call
}

/// A client that opens addresses, in a session that begins without a login.
fn begun(user: &User, server: &Upstream) -> Client {
    let mut client = Client::of(user, &format!("{}/mcp", server.base));
    let answer = client.ask(&initialize(&json!({"url": {}})));
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25", "{answer}");
    client.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    assert_eq!(client.ask(&ask(90, "ping"))["result"], json!({}), "that is about the bridge");
    client
}

/// The client's answer to the question.
fn answer(asked: &Value, action: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": action}})
}

/// A question, and nothing else.
#[track_caller]
fn question(asked: &Value) -> String {
    assert_eq!(asked["method"], "elicitation/create", "{asked}");
    assert_eq!(asked["params"]["mode"], "url");
    assert!(asked["params"]["elicitationId"].is_string());
    asked["params"]["url"].as_str().unwrap().to_owned()
}

/// Requests the page at an address of ours as a browser does.
fn browse(method: &str, address: &str, more: &[(&str, &str)]) -> Answer {
    let url = url::Url::parse(address).unwrap();
    let host = format!("127.0.0.1:{}", url.port().unwrap());
    let origin = format!("http://{host}");
    let mut headers = vec![("Host", host.as_str())];
    if method == "POST" {
        headers.push(("Origin", &origin));
    }
    headers.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    headers.extend(more);
    let mut stream = TcpStream::connect(&host).unwrap();
    stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    stream.write_all(&request(method, url.path(), &headers, b"")).unwrap();
    answer_of(&mut stream)
}

/// Presses the button; the address that the browser is sent to.
#[track_caller]
fn press(page: &str) -> String {
    let sent = browse("POST", page, &[]);
    assert_eq!(sent.status, 303, "{sent:?}");
    sent.header("location").unwrap().to_owned()
}

/// Whether a button that may be gone still begins a login.
fn begins(page: &str) -> bool {
    let url = url::Url::parse(page).unwrap();
    let host = format!("127.0.0.1:{}", url.port().unwrap());
    let Ok(mut stream) = TcpStream::connect(&host) else { return false };
    let sent = stream.write_all(&request("POST", url.path(), &[("Host", &host)], b""));
    let mut answer = Vec::new();
    // It may be closing.
    let _ = sent.and_then(|()| std::io::Read::read_to_end(&mut stream, &mut answer));
    answer.starts_with(b"HTTP/1.1 303")
}

/// Logs in from our page; what the issuer sends back is `more`.
#[track_caller]
fn finish(page: &str, more: &str) {
    let address = press(page);
    get(&callback(&address, more));
}

fn code(server: &Upstream) -> String {
    format!("code=the-code&iss={}", server.base)
}

#[track_caller]
fn is_refused(answer: &Value, id: u32, cause: &str) {
    let message = answer["error"]["message"].as_str().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!((&answer["id"], answer["jsonrpc"].as_str()), (&json!(id), Some("2.0")));
    assert!([4011, 4012].contains(&answer["error"]["code"].as_i64().unwrap()), "{answer}");
    assert!(message.contains("mcpauth login http://127.0.0.1") && message.contains(cause), "{message}");
}

#[test]
fn one_question_for_all_requests_and_all_go_on_by_themselves() {
    let (server, user) = (server(), user());
    let mut client = begun(&user, &server);
    client.say(&ask(1, "tools/list"));
    let asked = client.hear();
    let page = question(&asked);
    for id in 2..5 {
        client.say(&ask(id, "tools/call"));
    }
    client.say(&ask(5, "prompts/list"));
    client.say(&answer(&asked, "accept"));
    assert_eq!(client.ask(&ask(91, "ping"))["id"], 91, "no second question comes before it");
    finish(&page, &code(&server));
    let mut heard: Vec<Value> = (0..9).map(|_| client.hear()).collect();
    heard.sort_by_key(|message| message["id"].as_i64());
    let (told, answers) = heard.split_at(4);
    assert!(told.iter().any(|message| {
        message["method"] == "notifications/elicitation/complete"
            && message["params"]["elicitationId"] == asked["params"]["elicitationId"]
    }));
    assert!(told.iter().any(|message| message["method"] == "notifications/tools/list_changed"));
    let ids: Vec<_> = answers.iter().map(|message| message["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5]);
    assert!(answers.iter().all(|message| message["result"].is_object()), "{answers:?}");
    assert_eq!(answers[4]["result"], json!({"prompts": []}), "this server has none");
    let seen = server.seen();
    let begun = to(&seen, "/mcp")
        .into_iter()
        .filter(|seen| seen.header("authorization").is_some() && seen.message()["method"] == "initialize");
    assert_eq!(begun.count(), 1, "one handshake");
    assert!(user.token(TOKEN)["access_token"].is_string());
    let (rest, code, _) = client.end();
    assert_eq!((rest, code), (Vec::new(), Some(0)));
}

#[test]
fn who_says_no_gets_the_command_and_is_not_asked_again_at_once() {
    for (action, cause) in [("decline", "declined"), ("cancel", "cancelled"), ("what", "cancelled")] {
        let (server, user) = (server(), user());
        let mut client = begun(&user, &server);
        let asked = client.ask(&ask(1, "tools/list"));
        let page = question(&asked);
        is_refused(&client.ask(&answer(&asked, action)), 1, cause);
        assert!(!begins(&page));
        if action == "decline" {
            is_refused(&client.ask(&ask(2, "tools/list")), 2, "");
        } else {
            question(&client.ask(&ask(2, "tools/list")));
        }
        assert!(to(&server.seen(), "/register").is_empty(), "nothing was begun");
        client.end();
    }
}

#[test]
fn an_error_in_place_of_an_answer_is_a_no() {
    let (server, user) = (server(), user());
    let mut client = begun(&user, &server);
    let asked = client.ask(&ask(1, "tools/list"));
    let error = json!({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": "no"}});
    is_refused(&client.ask(&error), 1, "cancelled");
    client.end();
}

#[test]
fn a_client_that_goes_takes_its_question_along() {
    let (server, user) = (server(), user());
    let mut client = begun(&user, &server);
    let asked = client.ask(&ask(1, "tools/list"));
    let page = question(&asked);
    let (rest, code, _) = client.end();
    assert_eq!(code, Some(0));
    assert!(rest.iter().all(|message| message["id"] == 1), "{rest:?}");
    assert!(!begins(&page));
}

#[test]
fn a_login_that_fails_is_the_requests_error() {
    for (more, cause) in [
        ("error=access_denied&error_description=no+thanks", "the login was refused: access_denied"),
        ("code=the-code&iss=https://evil.test", "the login failed"),
    ] {
        let (server, user) = (server(), user());
        let mut client = begun(&user, &server);
        let asked = client.ask(&ask(1, "tools/list"));
        client.say(&answer(&asked, "accept"));
        let more =
            if more.contains("iss=") { more.to_owned() } else { format!("{more}&iss={}", server.base) };
        finish(&question(&asked), &more);
        let heard = [client.hear(), client.hear()];
        let failed = heard.iter().find(|message| message["id"] == 1).unwrap();
        is_refused(failed, 1, cause);
        assert!(heard.iter().any(|message| message["method"] == "notifications/elicitation/complete"));
        question(&client.ask(&ask(2, "tools/list")));
        client.end();
    }
}

#[test]
fn nobody_else_begins_it() {
    let (server, user) = (server(), user());
    let mut client = begun(&user, &server);
    let asked = client.ask(&ask(1, "tools/list"));
    let page = question(&asked);
    let root = page.rsplit_once('/').unwrap().0;
    for (method, address, more) in [
        ("POST", format!("{root}/guess"), [("x", "y")]),
        ("POST", format!("{page}/"), [("x", "y")]),
        ("POST", page.clone(), [("Host", "evil.test")]),
        ("POST", page.clone(), [("Host", "localhost:1")]),
        ("POST", page.clone(), [("Origin", "https://evil.test")]),
        ("POST", page.clone(), [("Origin", "null")]),
        ("POST", page.clone(), [("Sec-Fetch-Site", "cross-site")]),
        ("POST", page.clone(), [("Sec-Fetch-Site", "same-site")]),
        ("GET", page.clone(), [("Host", "evil.test")]),
        ("GET", format!("{root}/<script>"), [("x", "y")]),
    ] {
        let refused = browse(method, &address, &more);
        assert_eq!(refused.status, 404, "{method} {address} {more:?}");
        assert!(!refused.text().contains("evil") && !refused.text().contains("script"), "{}", refused.text());
    }
    for _ in 0..3 {
        let shown = browse("GET", &page, &[]);
        assert!(shown.status == 200 && shown.text().contains("method=\"post\""), "{shown:?}");
    }
    assert!(to(&server.seen(), "/register").is_empty(), "looking begins nothing");
    let address = press(&page);
    assert_eq!(browse("POST", &page, &[]).status, 409, "the button works once");
    assert!(!browse("GET", &page, &[]).text().contains("<form"));
    get(&callback(&address, &code(&server)));
    let heard: Vec<Value> = (0..5).map(|_| client.hear()).collect();
    assert!(heard.iter().any(|message| message["id"] == 1 && message["result"].is_object()), "{heard:?}");
    client.end();
}

#[test]
fn a_login_that_nobody_begins_ends() {
    let (server, mut user) = (server(), user());
    user.env("MCPAUTH_LOGIN_TIMEOUT", "1");
    let mut client = begun(&user, &server);
    let asked = client.ask(&ask(1, "tools/list"));
    question(&asked);
    is_refused(&client.hear(), 1, "within 1 s");
    client.end();
}

#[test]
fn a_request_that_is_taken_back_while_it_waits_is_never_sent() {
    let (server, user) = (server(), user());
    let mut client = begun(&user, &server);
    let asked = client.ask(&ask(1, "tools/call"));
    let taken_back =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
    client.say(&taken_back);
    client.say(&answer(&asked, "accept"));
    assert_eq!(client.ask(&ask(92, "ping"))["id"], 92);
    finish(&question(&asked), &code(&server));
    assert!((0..4).map(|_| client.hear()).all(|message| message["method"].is_string()));
    assert_eq!(client.ask(&ask(2, "tools/list"))["id"], 2);
    client.end();
    let calls = server.seen().iter().filter(|seen| seen.message()["method"] == "tools/call").count();
    assert_eq!(calls, 0);
}

#[test]
fn a_client_that_opens_no_addresses_gets_the_command_as_ever() {
    for elicitation in [json!({}), json!({"form": {}}), json!({"url": null})] {
        let (server, user) = (server(), user());
        let mut client = Client::of(&user, &format!("{}/mcp", server.base));
        is_refused(&client.ask(&initialize(&elicitation)), 0, "");
        client.end();
    }
    let (server, user) = (server(), user());
    let mut client = Client::of(&user, &format!("{}/mcp", server.base));
    let mut call = modern(1, &json!({}));
    call["params"]["_meta"][CAPABILITIES] = json!({"elicitation": {"form": {}}});
    is_refused(&client.ask(&call), 1, "");
    let mut list = modern(2, &json!({}));
    list["method"] = json!("tools/list");
    is_refused(&client.ask(&list), 2, "");
    client.end();
}

#[test]
fn a_login_that_is_lost_within_a_session_is_offered_too() {
    let (server, user) = (server(), user());
    log_in(&user, &server, &[]);
    let mut client = Client::of(&user, NAME);
    assert_eq!(client.ask(&initialize(&json!({"url": {}})))["result"]["capabilities"], json!({"tools": {}}));
    client.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    std::fs::remove_file(user.token_path(TOKEN)).unwrap();
    let asked = std::iter::from_fn(|| Some(client.ask(&ask(1, "tools/call"))))
        .find(|message| message["method"].is_string())
        .unwrap();
    finish(&question(&asked), &code(&server));
    let heard = [client.hear(), client.hear()];
    assert!(heard.iter().any(|message| message["result"].is_object()), "{heard:?}");
    client.end();
}

/// The page in an answer that asks for input, and the state.
#[track_caller]
fn round(answer: &Value) -> (String, Value) {
    let result = &answer["result"];
    assert_eq!(result["resultType"], "input_required", "{answer}");
    let asked = &result["inputRequests"]["mcpauth-login"];
    assert_eq!(
        (asked["method"].as_str(), asked["params"]["mode"].as_str()),
        (Some("elicitation/create"), Some("url"))
    );
    (asked["params"]["url"].as_str().unwrap().to_owned(), result["requestState"].clone())
}

fn again(id: u32, state: &Value, action: &str) -> Value {
    modern(id, &json!({"requestState": state, "inputResponses": {"mcpauth-login": {"action": action}}}))
}

#[test]
fn from_2026_07_28_on_the_answer_asks_and_the_request_comes_again() {
    let (server, user) = (server(), user());
    let mut client = Client::of(&user, &format!("{}/mcp", server.base));
    let own = json!({"requestState": "the server's", "inputResponses": {"a": {"action": "accept"}}});
    let (page, state) = round(&client.ask(&modern(1, &own)));
    let (other, _) = round(&client.ask(&modern(2, &json!({}))));
    assert_eq!(page, other, "one login for both");
    let unanswered = modern(3, &json!({"requestState": state}));
    assert_eq!(round(&client.ask(&unanswered)).0, page, "it asks again");
    client.say(&again(4, &state, "accept"));
    finish(&page, &code(&server));
    let answer = client.hear();
    assert!(answer["id"] == 4 && answer["result"].is_object(), "{answer}");
    client.end();
    let seen = server.seen();
    let mut calls = to(&seen, "/mcp").into_iter().filter(|seen| seen.header("authorization").is_some());
    let sent = calls.next_back().unwrap().message();
    assert_eq!(sent["params"], modern(4, &own)["params"], "as it was before we asked");
}

#[test]
fn from_2026_07_28_on_a_no_is_the_error() {
    for action in ["decline", "cancel"] {
        let (server, user) = (server(), user());
        let mut client = Client::of(&user, &format!("{}/mcp", server.base));
        let (_, state) = round(&client.ask(&modern(1, &json!({}))));
        is_refused(&client.ask(&again(2, &state, action)), 2, action);
        client.end();
    }
}

/// A bridge for all servers, with the login of one lost.
fn over_http(server: &Upstream) -> Bridge {
    let user = user();
    log_in(&user, server, &[]);
    std::fs::remove_file(user.token_path(TOKEN)).unwrap();
    Bridge::start(user)
}

fn post(bridge: &Bridge, session: Option<&str>, message: &Value) -> Answer {
    let path = format!("/{NAME}/mcp");
    let session: Vec<_> = session.map(|id| ("Mcp-Session-Id", id)).into_iter().collect();
    bridge.send("POST", &path, &session, message.to_string().as_bytes())
}

/// An answer's events, while they come.
fn stream(bridge: &Bridge, session: &str, message: &Value) -> impl Iterator<Item = Value> + use<> {
    let host = bridge.address.to_string();
    let secret = bridge.secret.clone();
    let headers = [("Host", host.as_str()), ("X-Mcpauth-Bridge", &secret), ("Mcp-Session-Id", session)];
    let mut stream = TcpStream::connect(bridge.address).unwrap();
    stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    let bytes = request("POST", &format!("/{NAME}/mcp"), &headers, message.to_string().as_bytes());
    stream.write_all(&bytes).unwrap();
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
}

#[test]
fn over_http_the_question_comes_on_the_requests_own_stream() {
    let server = server();
    let bridge = over_http(&server);
    let begun = post(&bridge, None, &initialize(&json!({"url": {}})));
    assert!(begun.json()["result"]["capabilities"]["tools"].is_object(), "{begun:?}");
    let session = begun.header("mcp-session-id").unwrap().to_owned();
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(post(&bridge, Some(&session), &initialized).status, 202);
    let mut first = stream(&bridge, &session, &ask(1, "tools/list"));
    let asked = first.next().unwrap();
    let page = question(&asked);
    let mut second = stream(&bridge, &session, &ask(2, "tools/call"));
    assert_eq!(post(&bridge, Some(&session), &answer(&asked, "accept")).status, 202);
    finish(&page, &code(&server));
    assert!(first.any(|message| message["id"] == 1 && message["result"].is_object()));
    let next = second.next().unwrap();
    assert!(next["id"] == 2 && next["result"].is_object(), "one question for both: {next}");
    assert_eq!(post(&bridge, Some("mcpauth-guess"), &ask(3, "tools/list")).status, 404);
    let path = format!("/{NAME}/mcp");
    assert_eq!(bridge.send("DELETE", &path, &[("Mcp-Session-Id", &session)], b"").status, 200);
    assert_eq!(post(&bridge, Some(&session), &ask(4, "tools/list")).status, 404);
    bridge.end();
}

#[test]
fn over_http_a_no_and_a_client_that_cannot_ask_get_the_command() {
    let server = server();
    let bridge = over_http(&server);
    let plain = post(&bridge, None, &initialize(&json!({})));
    assert_eq!(plain.status, 502);
    is_refused(&plain.json(), 0, "");
    let begun = post(&bridge, None, &initialize(&json!({"url": {}})));
    let session = begun.header("mcp-session-id").unwrap().to_owned();
    let mut heard = stream(&bridge, &session, &ask(1, "tools/list"));
    let asked = heard.next().unwrap();
    assert_eq!(post(&bridge, Some(&session), &answer(&asked, "decline")).status, 202);
    is_refused(&heard.next().unwrap(), 1, "declined");
    bridge.end();
}

#[test]
fn over_http_from_2026_07_28_on_the_answer_asks() {
    let server = server();
    let bridge = over_http(&server);
    let (page, state) = round(&post(&bridge, None, &modern(1, &json!({}))).json());
    let more = code(&server);
    let browser = std::thread::spawn(move || finish(&page, &more));
    let answer = post(&bridge, None, &again(2, &state, "accept")).json();
    assert!(answer["id"] == 2 && answer["result"].is_object(), "{answer}");
    browser.join().unwrap();
    bridge.end();
}

#[test]
fn a_login_from_the_page_uses_what_mcp_remote_is_told() {
    let (server, mut user) = (server(), user());
    user.env("ID", "own-client").env("SECRET", "own-secret");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let info = r#"{"client_id":"${ID}","client_secret":"${SECRET}"}"#;
    let address = format!("{}/mcp", server.base);
    let mut client = Client::with(
        &user,
        &[
            "bridge",
            &address,
            &port,
            "--host",
            "127.0.0.1",
            "--static-oauth-client-info",
            info,
            "--static-oauth-client-metadata",
            r#"{"scope":"read write"}"#,
            "--resource",
            "https://tenant1.test/",
            "--authorize-param",
            "audience=https://api.test?a=b",
            "--authorize-param",
            "prompt=consent",
        ],
    );
    client.ask(&initialize(&json!({"url": {}})));
    client.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let address = press(&question(&client.ask(&ask(1, "tools/list"))));
    let asked = |name| crate::support::wire::parameter(&address, name).unwrap();
    assert_eq!((asked("client_id"), asked("scope")), ("own-client".into(), "read write".into()));
    assert_eq!(asked("redirect_uri"), format!("http://127.0.0.1:{port}/oauth/callback"));
    assert_eq!((asked("audience"), asked("prompt")), ("https://api.test?a=b".into(), "consent".into()));
    assert_eq!(asked("resource"), "https://tenant1.test/");
    get(&callback(&address, &code(&server)));
    let heard: Vec<Value> = (0..5).map(|_| client.hear()).collect();
    assert!(heard.iter().any(|message| message["id"] == 1 && message["result"].is_object()), "{heard:?}");
    let (_, _, said) = client.end();
    assert!(!said.contains("own-secret") && !said.contains("changes nothing"), "{said}");
    assert!(to(&server.seen(), "/register").is_empty());
    let seen = server.seen();
    let asked = crate::by_address::form(to(&seen, "/token")[0]);
    assert_eq!(asked["resource"], "https://tenant1.test/", "{asked:?}");
    assert!(!asked.contains_key("audience") && !asked.contains_key("prompt"), "{asked:?}");
}
