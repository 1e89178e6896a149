//! The list tests: a list in every shape, encoding and disguise, as the answer to every request. What is hidden never
//! reaches the caller, what is visible does if the answer is a legal one, and what is not a list passes untouched.
//! Not here: requests (see `protocol`); single oddities (see `answers`).
#![cfg(test)]

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::lab::{ALLOWED, Answer, Lab, list, request};
use crate::support::upstream::{Listening, Seen, Upstream, begin, event, gone, push};

/// Member, key, what the worker may see, and what it may not.
const LISTS: [(&str, &str, &str, &str); 4] = [
    ("tools", "name", "echo", "hidden"),
    ("prompts", "name", "open", "hidden"),
    ("resources", "uri", "file:///open", "file:///hidden"),
    ("resourceTemplates", "uriTemplate", "file:///open/{name}", "file:///hidden/{name}"),
];
const JSON: &str = "200 OK\r\ncontent-type: application/json";
const EVENTS: &str = "200 OK\r\ncontent-type: text/event-stream";
const SESSION: &str = "\r\nmcp-session-id: up-1";

/// A gateway before a server that answers whatever it was last told to.
struct Stage {
    lab: Lab,
    script: Arc<Mutex<(String, Vec<Vec<u8>>)>>,
    bearer: String,
    session: String,
    tried: usize,
}

impl Stage {
    fn new() -> Self {
        let script: Arc<Mutex<(String, Vec<Vec<u8>>)>> = Arc::default();
        let told = script.clone();
        let upstream = Upstream::start(move |_, stream| {
            let (head, parts) = told.lock().unwrap().clone();
            begin(stream, &format!("{head}\r\ntransfer-encoding: chunked"));
            for part in parts {
                push(stream, &[format!("{:x}\r\n", part.len()).as_bytes(), &part, b"\r\n"].concat());
            }
            push(stream, b"0\r\n\r\n");
        });
        let lab = Lab::before(&upstream, "streamable-http");
        let bearer = format!("Bearer {}", lab.token("worker"));
        let mut stage = Self { lab, script, bearer, session: String::new(), tried: 0 };
        let first = stage.answer(&format!("{JSON}{SESSION}"), &[b"{}"], "POST", ALLOWED, &[]).status(200);
        stage.session = first.header("mcp-session-id").unwrap().to_owned();
        stage
    }

    /// What a caller gets for this request from a server that answers these bytes.
    fn answer(
        &mut self,
        head: &str,
        parts: &[&[u8]],
        method: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let parts = parts.iter().filter(|part| !part.is_empty()).map(|part| part.to_vec()).collect();
        *self.script.lock().unwrap() = (head.to_owned(), parts);
        let bearer = [("X-Authorization", self.bearer.as_str())];
        self.tried += 1;
        self.lab.raw(&request(method, "/delta/mcp", &[headers, &bearer].concat(), body.as_bytes()))
    }

    /// The same, all that comes of it: it may be cut off.
    fn until_the_end(&mut self, head: &str, parts: &[&[u8]]) -> String {
        let parts = parts.iter().map(|part| part.to_vec()).collect();
        *self.script.lock().unwrap() = (head.to_owned(), parts);
        let headers = [("X-Authorization", self.bearer.as_str()), ("Mcp-Session-Id", &self.session)];
        Listening::send(&self.lab, &request("POST", "/delta/mcp", &headers, ALLOWED.as_bytes())).end()
    }

    /// The same as the answer to a call in a session.
    fn in_session(&mut self, head: &str, parts: &[&[u8]]) -> Answer {
        let session = self.session.clone();
        self.answer(head, parts, "POST", ALLOWED, &[("Mcp-Session-Id", &session)])
    }
}

/// Fails if anything in the answer shows what is hidden, in any encoding.
#[track_caller]
fn hides(answer: &Answer, case: &str) {
    let bytes: Vec<u8> = answer.body.iter().copied().filter(|byte| *byte != 0).collect();
    let text = String::from_utf8_lossy(&bytes).to_lowercase();
    assert!(!text.contains("hidden") && !answer.head.contains("hidden"), "{case}: {answer:?}");
}

fn message(member: &str, key: &str, visible: &str, hidden: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": "7", "result": {"ttlMs": 5, member: [{key: hidden}, {key: visible}]}})
}

fn all(member: &str) -> String {
    member.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect()
}

/// One message, differently written; whether it is a legal one.
fn spellings(member: &str, text: &str) -> Vec<(String, Vec<u8>, bool)> {
    let (first, rest) = member.split_at(1);
    let twin = first.to_uppercase() + rest;
    let from = text.find(&format!("\"{member}\"")).unwrap();
    let list = text.get(from..text.len() - 2).unwrap();
    let wide = |units: Vec<[u8; 2]>| units.concat();
    let legal = [
        ("as it is", text.to_owned()),
        ("white space", text.replace("\":", "\" \t: ")),
        ("leading space", format!(" \t {text}")),
        ("byte order mark", format!("\u{feff}{text}")),
        ("member escaped", text.replace(member, &all(member))),
        (
            "one letter escaped",
            text.replace("ources", "our\\u0063es")
                .replace("ools", "\\u006Fols")
                .replace("ompts", "\\u006fmpts"),
        ),
        ("result escaped", text.replace("result", &all("result"))),
        ("error next to it", text.replace("\"id\"", "\"x\":{\"tools\":1},\"id\"")),
        ("another cursor", text.replace("\"ttlMs\":5", "\"nextCursor\":\"\"")),
    ];
    let odd = [
        ("case twin", text.replace(member, &twin)),
        ("upper case", text.replace(member, &member.to_uppercase())),
        ("long s", text.replace(member, &member.replace('s', "\u{17f}"))),
        ("long s escaped", text.replace(member, &member.replace('s', "\\u017f"))),
        ("zero after it", text.replace(member, &format!("{member}\\u0000x"))),
        ("result twin", text.replace("result", "Result")),
        ("result twice", text.replace("\"id\"", "\"result\":{},\"id\"")),
        ("member twice", text.replace("\"ttlMs\"", &format!("\"{member}\":[],\"ttlMs\""))),
        ("member twice, later", text.replace(list, &format!("{list},\"{member}\":[]"))),
        ("two byte order marks", format!("\u{feff}\u{feff}{text}")),
        ("array", format!("[{text}]")),
        ("array of two", format!("[{{\"jsonrpc\":\"2.0\",\"method\":\"m\"}},{text}]")),
        ("two messages", format!("{{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{{}}}} {text}")),
        ("after an array", format!("[]{text}")),
        ("after a full array", format!("[1]\n{text}")),
        ("array after an object", format!("{{}}\n[{text}]")),
        ("array after an array", format!("[[]][[{text}]]")),
        ("comment", format!("/* \" */{text}")),
        ("comment within", text.replace("{\"ttlMs\"", "{/**/\"ttlMs\"")),
        ("xssi", format!(")]}}',{text}")),
        ("record separator", format!("\u{1e}{text}")),
        ("no end", text.get(..text.len() - 2).unwrap().to_owned()),
        ("too many ends", format!("{text}}}}}")),
        ("single quotes before", text.replace("\"ttlMs\":5", "'ttlMs':5")),
    ];
    let bytes = [
        ("UTF-16LE", wide(text.encode_utf16().map(u16::to_le_bytes).collect())),
        ("UTF-16BE", wide(text.encode_utf16().map(u16::to_be_bytes).collect())),
        (
            "UTF-16 with a mark",
            wide(format!("\u{feff}{text}").encode_utf16().map(u16::to_le_bytes).collect()),
        ),
        ("UTF-32", text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect()),
        ("not UTF-8", [text.replace("\"ttlMs\":5", "\"x\":\"").as_bytes(), b""].concat()),
    ];
    let legal = legal.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes(), true));
    let odd = odd.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes(), false));
    let bytes = bytes.into_iter().map(|(name, bytes)| (name.to_owned(), bytes, false));
    legal.chain(odd).chain(bytes).collect()
}

/// In a session, servers with the official SDKs put an answer on the stream of any request with the same id.
#[test]
fn a_list_in_every_spelling_as_the_answer_to_a_call() {
    let mut stage = Stage::new();
    for (member, key, visible, hidden) in LISTS {
        let text = message(member, key, visible, hidden).to_string();
        for (spelling, bytes, legal) in spellings(member, &text) {
            let framed = [b"data: ".as_slice(), &bytes, b"\n\n"].concat();
            for (form, head, body) in [("json", JSON, &bytes), ("events", EVENTS, &framed)] {
                let case = format!("{member}, {spelling}, {form}");
                let answer = stage.in_session(head, &[body]);
                hides(&answer, &case);
                if legal {
                    let text = answer.status(200).text();
                    assert_eq!(text.matches(visible).count(), 1, "{case}: {text}");
                }
            }
        }
    }
    assert!(stage.tried > 200, "{}", stage.tried);
}

#[test]
fn a_list_under_every_type_and_framing() {
    let mut stage = Stage::new();
    let (member, key, visible, hidden) = LISTS[0];
    let text = message(member, key, visible, hidden).to_string();
    let (start, rest) = text.split_at(text.find("\"result\"").unwrap());
    let bodies = [
        ("json", text.clone()),
        ("event", format!("data: {text}\n\n")),
        ("event without space", format!("data:{text}\n\n")),
        ("CR", format!("data: {text}\r\r")),
        ("CRLF", format!("id: 1\r\nevent: message\r\ndata: {text}\r\n\r\n")),
        ("mixed ends", format!(": c\r\rdata: {text}\r\n\n")),
        ("two lines", format!("data: {start}\ndata: {rest}\n\n")),
        ("two lines, CR", format!("data: {start}\rid: 3\rdata: {rest}\r\r")),
        ("other event", format!("event: other\ndata: {text}\n\n")),
        ("endpoint event", format!("event: endpoint\ndata: {text}\n\n")),
        ("unknown field", format!("x: {text}\ndata: {{}}\n\n")),
        ("field in another case", format!("Data: {text}\ndata: {{}}\n\n")),
        ("comment", format!(": {text}\n\n")),
        ("mark first", format!("\u{feff}data: {text}\n\n")),
        ("after another", format!("data: {{\"jsonrpc\":\"2.0\",\"method\":\"m\"}}\n\ndata: {text}\n\n")),
        ("no end", format!("data: {text}")),
        ("no blank line", format!("data: {text}\n")),
        ("multipart", format!("--b\r\nContent-Type: application/json\r\n\r\n{text}\r\n--b--\r\n")),
        ("page", format!("<html><script>{text}</script></html>")),
        ("lines", format!("{{\"jsonrpc\":\"2.0\"}}\n{text}\n")),
    ];
    let types = [
        "application/json",
        "APPLICATION/JSON; charset=utf-8",
        "application/json; charset=utf-16",
        "application/json; charset=utf-7",
        "application/vnd.x+json",
        "application/json-seq",
        "text/plain",
        "text/html; charset=iso-8859-1",
        "text/event-stream",
        "Text/Event-Stream; charset=UTF-8",
        "text/event-stream, application/json",
        "application/json, text/event-stream",
        "application/json\r\ncontent-type: text/event-stream",
        "text/event-stream\r\ncontent-type: application/json",
        "multipart/mixed; boundary=b",
        "application/octet-stream",
        "",
    ];
    for kind in types {
        for status in
            ["200 OK", "202 Accepted", "206 Partial Content", "400 Bad Request", "404 Not Found", "500 Oops"]
        {
            // Every body under success, and the plainest ones under everything.
            for (name, body) in bodies.iter().take(if status == "200 OK" { bodies.len() } else { 2 }) {
                let head = if kind.is_empty() {
                    status.to_owned()
                } else {
                    format!("{status}\r\ncontent-type: {kind}")
                };
                let answer = stage.in_session(&head, &[body.as_bytes()]);
                hides(&answer, &format!("{kind}, {status}, {name}"));
            }
        }
    }
    assert!(stage.tried > 300, "{}", stage.tried);
}

/// UTF-7 has no quotation marks to search for. Which of two names counts depends on the parser.
#[test]
fn a_list_in_characters_that_cannot_be_searched() {
    let mut stage = Stage::new();
    let text = message("tools", "name", "echo", "hidden").to_string().replace('"', "+ACI-");
    for kind in [
        "application/json; charset=utf-7",
        "application/json; x-charset=utf-8; charset=utf-7",
        "application/json; charset=utf-8; charset=utf-7",
        "application/json; charset = utf-7; charset=utf-8",
        "application/json; charset=utf-8\r\ncontent-type: text/plain; charset=utf-7",
        "text/event-stream; charset=utf-8;CHARSET='utf-7'",
        "text/html; charset=cp037",
    ] {
        let head = format!("200 OK\r\ncontent-type: {kind}");
        for body in [text.clone(), format!("data: {text}\n\n")] {
            hides(&stage.in_session(&head, &[body.as_bytes()]), kind);
        }
    }
}

#[test]
fn a_list_as_the_answer_to_anything() {
    let mut stage = Stage::new();
    let session = stage.session.clone();
    let asked = |method: &str, params: Value| {
        json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string()
    };
    let requests = [
        ("POST", ALLOWED.to_owned()),
        ("POST", asked("ping", json!({}))),
        ("POST", asked("initialize", json!({"protocolVersion": "2025-11-25"}))),
        ("POST", asked("tools/list", json!({}))),
        ("POST", asked("prompts/list", json!({}))),
        ("POST", asked("prompts/get", json!({"name": "open"}))),
        ("POST", asked("resources/read", json!({"uri": "file:///open"}))),
        ("POST", asked("subscriptions/listen", json!({}))),
        ("POST", json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string()),
        ("POST", json!({"jsonrpc": "2.0", "id": 1, "result": {}}).to_string()),
        ("GET", String::new()),
        ("DELETE", String::new()),
    ];
    for (member, key, visible, hidden) in LISTS {
        let text = message(member, key, visible, hidden).to_string();
        for (method, body) in &requests {
            for session in [None, Some(&session)] {
                let resumed = ("Last-Event-ID", "40");
                let headers: Vec<(&str, &str)> =
                    session.iter().map(|id| ("Mcp-Session-Id", id.as_str())).chain([resumed]).collect();
                for (head, text) in [(JSON, text.clone()), (EVENTS, format!("id: 41\ndata: {text}\n\n"))] {
                    let answer = stage.answer(head, &[text.as_bytes()], method, body, &headers);
                    let case = format!("{member} {method} {body} {head} {session:?}");
                    hides(&answer, &case);
                    assert_eq!(answer.status(200).text().matches(visible).count(), 1, "{case}");
                }
            }
        }
    }
}

#[test]
fn a_list_with_a_coding_is_not_shown_where_it_may_be_anothers() {
    let mut stage = Stage::new();
    let text = message("tools", "name", "echo", "hidden").to_string();
    for (coding, session) in
        [("gzip", ""), ("br", ""), ("identity, gzip", ""), ("x-own", ""), ("gzip", SESSION)]
    {
        // A stream in a known coding is cut off where it is not in it: see the tests of answers.
        for head in [JSON, EVENTS].into_iter().filter(|head| *head == JSON || coding == "x-own") {
            let head = format!("{head}\r\ncontent-encoding: {coding}{session}");
            let text = format!("data: {text}\n\n");
            let answer = if session.is_empty() {
                stage.in_session(&head, &[text.as_bytes()])
            } else {
                stage.answer(&head, &[text.as_bytes()], "POST", ALLOWED, &[])
            };
            hides(&answer.clone().status(502), &head);
            assert_eq!(answer.json()["error"]["data"]["reason"], "unreadable_list");
        }
    }
}

#[test]
fn a_list_cut_into_pieces_anywhere() {
    let mut stage = Stage::new();
    let text = message("tools", "name", "echo", "hidden").to_string();
    let framed = format!("id: 4\r\ndata: {text}\r\n\r\n");
    for (head, whole) in [(JSON, text), (EVENTS, framed)] {
        for at in 0..whole.len() {
            let (first, second) = whole.as_bytes().split_at(at);
            let middle = second.len() / 2;
            let answer = stage.in_session(head, &[first, &second[..middle], &second[middle..]]);
            hides(&answer, &format!("cut at {at}"));
            assert!(answer.status(200).text().contains("echo"), "cut at {at}");
        }
    }
}

/// What comes late is not shown, although its beginning is already being sent.
#[test]
fn a_list_behind_a_large_beginning() {
    let mut stage = Stage::new();
    for size in [1 << 10, 60 << 10, 66 << 10, 300 << 10] {
        let filler = "x".repeat(size);
        let result =
            format!("{{\"content\":\"{filler}\",\"tools\":[{{\"name\":\"hidden\"}},{{\"name\":\"echo\"}}]}}");
        for text in [
            format!("{{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{result}}}"),
            format!("{{\"filler\":\"{filler}\",\"result\":{result}}}"),
            format!("{{\"result\":{{\"a\":[\"{filler}\"],\"t\\u006fols\":[{{\"name\":\"hidden\"}}]}}}}"),
            format!("[{{\"result\":{result}}}]"),
            format!("{filler}{{\"result\":{result}}}"),
        ] {
            let two = format!("data: \ndata: {text}\n\n");
            let one = format!("data: {text}\n\n");
            let late = format!("data: {{\"a\":\"{filler}\",\ndata: \"result\":{result}}}\n\n");
            for (head, body) in [(JSON, &text), (EVENTS, &one), (EVENTS, &two), (EVENTS, &late), (JSON, &one)]
            {
                let parts: Vec<&[u8]> = body.as_bytes().chunks(16 << 10).collect();
                assert!(!stage.until_the_end(head, &parts).contains("hidden"), "{size} {head}");
            }
        }
    }
}

#[test]
fn what_is_a_tools_own_passes_byte_for_byte() {
    let mut stage = Stage::new();
    let large: Vec<Value> =
        (0..4000).map(|n| json!({"name": format!("pod-{n}"), "resources": {"tools": n}})).collect();
    for result in [
        json!({"structuredContent": {"tools": [{"name": "hidden"}]}, "content": []}),
        json!({"content": [{"type": "text", "text": "{\"tools\": [{\"name\": \"hidden\"}]}"}]}),
        json!({"content": [{"type": "resource", "resource": {"uri": "file:///hidden"}}], "_meta": {"prompts": []}}),
        json!({"structuredContent": {"resources": large, "last": "hidden"}, "content": [], "isError": false}),
        json!({"capabilities": {"tools": {}, "prompts": {}, "resources": {}}, "instructions": "tools"}),
        json!({"description": "resources", "messages": [{"prompts": 1}]}),
    ] {
        let text = json!({"jsonrpc": "2.0", "id": 7, "result": result}).to_string();
        let odd = text.replace("\":", "\" : ").replace("hidden", "h\\u0069dden");
        for text in [text, odd] {
            let event = format!("event: message\nid: 1\nx-own: 1\ndata: {text}\n\n");
            for (head, body) in [(JSON, &text), (EVENTS, &format!("data: {text}\r\n\r\n")), (EVENTS, &event)]
            {
                for size in [1000, 20_000, body.len()] {
                    let parts: Vec<&[u8]> = body.as_bytes().chunks(size).take(400).collect();
                    if parts.concat().len() == body.len() {
                        let answer = stage.in_session(head, &parts).status(200);
                        // An unknown field goes where a telling word is near.
                        let without = body.replace("x-own: 1\n", "");
                        assert!([body, &without].contains(&&answer.text()), "{head} {size}");
                    }
                }
            }
        }
    }
    // Other words than messages, and codings outside of sessions.
    for (head, body) in [
        ("500 Oops\r\ncontent-type: text/plain", "broken: \"tool\" result"),
        ("404 Not Found\r\ncontent-type: text/html", "<a class=\"tool\">result</a>"),
        ("200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip", "\u{1f}\u{8b}zip"),
        (EVENTS, "data: {\"jsonrpc\":\"2.0\",\"meth"),
        (EVENTS, ": hello\r\rdata: 1\r\r"),
    ] {
        assert_eq!(stage.answer(head, &[body.as_bytes()], "POST", ALLOWED, &[]).text(), body, "{head}");
    }
}

/// As the official SDKs do it: the answer goes to the stream of the request whose id, as text, is the same.
#[test]
fn two_requests_with_one_id_show_nothing_hidden() {
    let call: Mutex<Option<std::net::TcpStream>> = Mutex::default();
    let upstream = Upstream::start(move |seen: &Seen, stream| {
        let head = "200 OK\r\ncontent-type: text/event-stream\r\nmcp-session-id: up-1";
        begin(stream, head);
        push(stream, b": here\n\n");
        if seen.message()["method"] == "tools/call" {
            *call.lock().unwrap() = stream.try_clone().ok();
            gone(stream);
            return;
        }
        let lists = LISTS.map(|(member, key, visible, hidden)| event(&message(member, key, visible, hidden)));
        if let Some(call) = &mut *call.lock().unwrap() {
            lists.iter().for_each(|list| push(call, list));
            push(call, &event(&json!({"jsonrpc": "2.0", "id": 7, "result": {"content": "marker"}})));
        }
    });
    let lab = Lab::before(&upstream, "streamable-http");
    let bearer = format!("Bearer {}", lab.token("worker"));
    let headers = [("X-Authorization", bearer.as_str())];
    let mut stream = Listening::send(&lab, &request("POST", "/delta/mcp", &headers, ALLOWED.as_bytes()));
    let heard = stream.hear(": here");
    let session = heard.split("mcp-session-id: ").nth(1).unwrap().lines().next().unwrap().to_owned();
    let mut asked = list();
    asked["id"] = json!("7");
    let headers = [("X-Authorization", bearer.as_str()), ("Mcp-Session-Id", &session)];
    lab.post("/delta/mcp", &headers, asked.to_string().as_bytes()).status(200);
    let heard = stream.hear("marker");
    assert!(!heard.contains("hidden"), "{heard}");
    for (_, _, visible, _) in LISTS {
        assert!(heard.contains(&format!("\"{visible}\"")), "{visible}: {heard}");
    }
}
