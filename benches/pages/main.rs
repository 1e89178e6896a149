//! How long the registry's pages take at 1,000 servers of 50 tools: the median and the 95th percentile of each page, one
//! request after the other on one connection. Ends with an error if one of them takes 50 ms or more in 95 of 100 cases.
//! Run it with `cargo bench --bench pages`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a benchmark says what it measured"
)]
#![expect(clippy::disallowed_methods, reason = "a benchmark lays out the gateway's files")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mcpauth::demo::idp::{Idp, IdpClient, Options};
use mcpauth::gateway::settings::{Face, GatewaySettings};
use mcpauth::gateway::{AuditSink, FileSources, GatewayContext, RunningGateway};
use mcpauth::sys::http::Http;
use serde_json::json;

const SERVERS: usize = 1_000;
const TOOLS: usize = 50;
const ROUNDS: usize = 200;
/// What 95 of 100 requests stay below.
const BAR: Duration = Duration::from_millis(50);
const POLICY: &str = "\
UI-Scopes:
  mcp-registry-admin: {list_service: [all], register_service: [all], health_check_service: [all], toggle_service: [all], modify_service: [all]}
group_mappings: {admins: [mcp-registry-admin, everything]}
mcp-registry-admin: [{server: '*', methods: ['*'], tools: ['*']}]
";
const PAGES: [&str; 19] = [
    "/",
    "/?page=20",
    "/?q=server-0500",
    "/?q=nothing-like-it",
    "/servers/server-0500",
    "/find?q=create+an+issue+for+number+17",
    "/register",
    "/edit/server-0500",
    "/me",
    "/explain?server=server-0500&tool=tool_17",
    "/explain",
    "/decisions",
    "/decisions?q=nothing-like-it",
    "/decisions?verdict=refused&q=server-0500",
    "/changes",
    "/tokens",
    "/login",
    "/api/servers",
    "/v0.1/servers?limit=100",
];
/// How long the audit is, in lines: more than the pages read of it.
const LINES: usize = 12_000;

struct Silent;

impl AuditSink for Silent {
    fn audit(&self, lines: &[u8]) -> std::io::Result<usize> {
        Ok(lines.len())
    }
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    lay_out(dir.path());
    let clients = vec![IdpClient::machine("admin", "secret", &["mcp-registry-admin"])];
    let idp = Idp::start(Options { clients, ..Options::default() }).unwrap();
    let at = |name: &str| dir.path().join(name);
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let issuer = json!({"issuer": idp.issuer(), "kind": "cognito", "clients": ["admin"]});
    let mut settings = GatewaySettings {
        listen,
        issuers: vec![serde_json::from_value(issuer).unwrap()],
        policy: at("scopes.yml"),
        servers: at("servers"),
        audit: at("audit.jsonl").display().to_string(),
        face: Some(Face { listen, providers: at("oauth2_providers.yml"), ..Face::default() }),
        ..GatewaySettings::default()
    };
    settings.health.interval = 0;
    let http = Http::new(false);
    let sources = FileSources {
        settings,
        credentials: Box::new(|_| None),
        variables: Box::new(|_| None),
        environment: Box::new(|_| None),
        trust: http.trust().clone(),
    };
    let around = GatewayContext { journal: Arc::new(Silent), http, exchanges: Default::default() };
    let gateway = RunningGateway::start(sources, around).unwrap();
    let token = token(&idp);
    let (address, url) = gateway.face().unwrap();
    let host = url.split("://").nth(1).unwrap();
    let mut slow = 0;
    for page in PAGES {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let request =
            format!("GET {page} HTTP/1.1\r\nHost: {host}\r\nX-Authorization: Bearer {token}\r\n\r\n");
        let mut times: Vec<Duration> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                stream.write_all(request.as_bytes()).unwrap();
                read(&mut stream, page);
                start.elapsed()
            })
            .collect();
        times.sort();
        let [median, high] = [times[ROUNDS / 2], times[ROUNDS * 95 / 100]];
        println!("{page:<45} p50 {:6.2} ms   p95 {:6.2} ms", millis(median), millis(high));
        slow += usize::from(high >= BAR);
    }
    drop(gateway);
    assert_eq!(slow, 0, "{slow} pages are not below {} ms", BAR.as_millis());
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Reads one answer, which must be a page.
fn read(stream: &mut TcpStream, page: &str) {
    let mut answer = Vec::new();
    let mut part = [0; 64 << 10];
    loop {
        let count = stream.read(&mut part).unwrap();
        assert_ne!(count, 0, "{page}: {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        assert!(head.starts_with("HTTP/1.1 200"), "{page}: {text}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if answer.len() >= head.len() + 4 + length.parse::<usize>().unwrap() {
            return;
        }
    }
}

/// An administrator's token.
fn token(idp: &Idp) -> String {
    let form = "grant_type=client_credentials&client_id=admin&client_secret=secret";
    let url = url::Url::parse(&idp.token_endpoint()).unwrap();
    let address = url.socket_addrs(|| None).unwrap();
    let mut stream = TcpStream::connect(address.as_slice()).unwrap();
    let head = "Connection: close\r\nContent-Type: application/x-www-form-urlencoded";
    let (path, host, length) = (url.path(), url.authority(), form.len());
    let request =
        format!("POST {path} HTTP/1.1\r\nHost: {host}\r\n{head}\r\nContent-Length: {length}\r\n\r\n{form}");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let body = &answer[answer.find('{').unwrap()..=answer.rfind('}').unwrap()];
    let value: serde_json::Value = serde_json::from_str(body).unwrap();
    value["access_token"].as_str().unwrap().to_owned()
}

/// Decisions and a few changes, as the gateway writes them.
fn audit() -> String {
    let line = |n: usize| {
        let server = format!("server-{:04}", n % SERVERS);
        let mut line = json!({
            "time": "2026-11-27T08:00:00.123456Z", "id": format!("{n:016x}"), "address": "127.0.0.1", "issuer": "https://login.example.com/realms/r",
            "subject": format!("person-{}", n % 97), "client": "agent", "user": "ann", "http": "POST", "server": server, "method": "tools/call",
            "name": format!("tool_{}", n % TOOLS), "status": 200, "gateway_us": 120, "server_us": 3400,
        });
        match n % 10 {
            0 => line["change"] = "switched on".into(),
            1..=3 => line["reason"] = format!("reason_{}", n % 13).into(),
            _ => line["rule"] = "everything[1]".into(),
        }
        line["verdict"] =
            ["changed", "refused", "refused", "refused"].get(n % 10).copied().unwrap_or("allowed").into();
        format!("{line}\n")
    };
    (0..LINES).map(line).collect()
}

fn lay_out(dir: &Path) {
    std::fs::create_dir(dir.join("servers")).unwrap();
    std::fs::write(dir.join("scopes.yml"), POLICY).unwrap();
    std::fs::write(dir.join("oauth2_providers.yml"), "providers: {}\n").unwrap();
    std::fs::write(dir.join("audit.jsonl"), audit()).unwrap();
    let mut state = serde_json::Map::new();
    for n in 0..SERVERS {
        let tool = |t: usize| {
            json!({"name": format!("tool_{t}"), "parsed_description": {"main": format!("Creates an issue of number {t} in the system {n}, and says where it is")},
                "schema": {"type": "object", "properties": {"title": {"type": "string", "description": "What it is called"}}, "required": ["title"]}})
        };
        let file = json!({
            "server_name": format!("Server {n:04}"), "path": format!("/server-{n:04}"), "proxy_pass_url": format!("http://127.0.0.1:{}/", 10_000 + n),
            "description": format!("Keeps the issues of the team {n} and finds them again"), "tags": ["issues", "team"], "auth_type": "none",
            "num_tools": TOOLS, "tool_list": (0..TOOLS).map(tool).collect::<Vec<_>>(),
        });
        state.insert(format!("/server-{n:04}"), true.into());
        std::fs::write(dir.join(format!("servers/server-{n:04}.json")), file.to_string()).unwrap();
    }
    std::fs::write(dir.join("servers/server_state.json"), serde_json::Value::Object(state).to_string())
        .unwrap();
}
