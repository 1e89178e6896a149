//! A whole gateway on loopback: an identity provider, servers that record what reached them, and a client that writes
//! raw bytes.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcpauth::demo::idp::{Idp, IdpClient, Options};
use mcpauth::demo::mcp::{Sample, SampleTool};
use mcpauth::gateway::settings::{GatewaySettings, IssuerSettings, TokenProfile};
use mcpauth::gateway::{AuditSink, FileSources, GatewayContext, RunningGateway, StartError};
use mcpauth::log;
use mcpauth::secret::Secret;
use mcpauth::sys::http::Http;
use mcpauth::sys::trust::Trust;
use serde_json::{Value, json};
use tracing::dispatcher::with_default;
use tracing::level_filters::LevelFilter;

use crate::support::User;
use crate::support::outside::{self, OUTSIDE};
use crate::support::upstream::Upstream;
use crate::support::wire::TEST_TIMEOUT;

/// Callers by what they may do: see [`POLICY`].
pub(crate) const CALLERS: [&str; 4] = ["reader", "worker", "root", "stranger"];

/// `reader` lists, `worker` calls `echo` only on alpha, `root` may do everything, `stranger` nothing. `delta` and
/// `omega` are servers of a test's own: see [`Lab::before`].
pub(crate) const POLICY: &str = "\
group_mappings: {}
reader:
  - server: alpha
    methods: [initialize, notifications/initialized, ping, tools/list]
    tools: [echo]
worker:
  - server: alpha
    methods: [initialize, notifications/initialized, ping, tools/list, tools/call]
    tools: [echo]
  - server: gamma
    methods: [initialize, tools/call]
    tools: [echo]
  - server: delta
    methods: [tools/list, tools/call, prompts/list, prompts/get, resources/list, resources/read, resources/templates/list]
    tools: [echo]
    prompts: [open]
    resources: ['file:///open', 'file:///open/{name}']
  - server: omega
    methods: [tools/list]
    tools: [echo]
root:
  - server: '*'
    methods: ['*']
    tools: ['*']
";

const TOOLS: [SampleTool; 3] = [
    SampleTool { name: "echo", about: "Says it again", run: |arguments| arguments.to_string() },
    SampleTool { name: "delete_all", about: "Deletes everything", run: |_| "deleted".into() },
    SampleTool { name: "secret", about: "Tells a secret", run: |_| "hunter2".into() },
];

/// A worker's refused call.
pub(crate) const REFUSED: &str =
    r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"delete_all"}}"#;
/// And an allowed one.
pub(crate) const ALLOWED: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo"}}"#;

/// CA certificates that the gateway trusts, if this file is in its folder at the start.
pub(crate) const AUTHORITIES: &str = "ca.pem";

/// A file in the gateway's folder with variables of its environment, as in `NAME=value`, if it is there at the start.
pub(crate) const VARIABLES: &str = "variables";

/// While this file is in the gateway's folder, reading a server's file with the variable `SLOW` never ends, as if its
/// file system hung.
pub(crate) const HANG: &str = "hang";

/// The laboratory.
pub(crate) struct Lab {
    pub(crate) gateway: RunningGateway,
    /// `auth_type: none`.
    pub(crate) alpha: Sample,
    /// The same; nobody but `root` may use it.
    pub(crate) beta: Sample,
    /// `auth_type: oauth`: the caller's `Authorization` passes.
    pub(crate) gamma: Sample,
    pub(crate) idp: Idp,
    pub(crate) kept: Arc<Kept>,
    dir: tempfile::TempDir,
}

/// A laboratory and a worker's credential in it.
pub(crate) struct Worker {
    pub(crate) lab: Lab,
    pub(crate) token: String,
    pub(crate) bearer: String,
}

/// Everything the gateway said.
#[derive(Default)]
pub(crate) struct Kept {
    audit: Mutex<Vec<u8>>,
    events: Mutex<Vec<String>>,
}

/// An answer from the wire.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case, one header a line.
    pub(crate) head: String,
    /// Chunks joined.
    pub(crate) body: Vec<u8>,
}

impl AuditSink for Kept {
    fn audit(&self, lines: &[u8]) -> std::io::Result<usize> {
        self.audit.lock().unwrap().extend_from_slice(lines);
        Ok(lines.len())
    }
}

impl Kept {
    /// The audit so far, a JSON object a line; complete once the gateway has drained.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.audit.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn audit_text(&self) -> String {
        String::from_utf8(self.audit.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn events(&self) -> Vec<String> {
        self.events.lock().unwrap().clone()
    }
}

impl Lab {
    pub(crate) fn start() -> Self {
        Self::with(|_, _| {})
    }

    /// In front of a server of the test's own, `delta`, which speaks as `transport` says.
    pub(crate) fn before(upstream: &Upstream, transport: &str) -> Self {
        Self::with(|_, dir| own_server(dir, "delta", &upstream.base, transport))
    }

    /// With settings changed before the start; the path is the folder that relative files are in.
    pub(crate) fn with(change: impl FnOnce(&mut GatewaySettings, &Path)) -> Self {
        Self::started(change).unwrap()
    }

    /// The same, if it starts.
    pub(crate) fn started(change: impl FnOnce(&mut GatewaySettings, &Path)) -> Result<Self, StartError> {
        let dir = tempfile::tempdir().unwrap();
        let clients = CALLERS.into_iter().chain([OUTSIDE]);
        let clients = clients.map(|name| IdpClient::machine(name, "secret", &[name])).collect();
        let idp = Idp::start(Options { clients, ..Options::default() }).unwrap();
        let outside = outside::stored(&idp, dir.path());
        let [alpha, beta, gamma] =
            ["alpha", "beta", "gamma"].map(|name| Sample::start(name, &TOOLS).unwrap());
        std::fs::write(dir.path().join("scopes.yml"), POLICY).unwrap();
        std::fs::create_dir(dir.path().join("servers")).unwrap();
        for (name, auth, base) in
            [("alpha", "none", alpha.base()), ("beta", "none", beta.base()), ("gamma", "oauth", gamma.base())]
        {
            server(dir.path(), name, auth, base);
        }
        let mut settings = GatewaySettings {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            issuers: vec![issuer(idp.issuer())],
            policy: dir.path().join("scopes.yml"),
            servers: dir.path().join("servers"),
            workers: Some(2),
            ..GatewaySettings::default()
        };
        settings.health.interval = 0;
        change(&mut settings, dir.path());
        let authorities = dir.path().join(AUTHORITIES);
        let http = Http::new(false);
        let http =
            if authorities.exists() { http.trusting(Trust::with(&authorities).unwrap()) } else { http };
        let kept = Arc::new(Kept::default());
        let hang = dir.path().join(HANG);
        let variables = std::fs::read_to_string(dir.path().join(VARIABLES)).unwrap_or_default();
        let sources = FileSources {
            settings,
            credentials: Box::new(move |_| Some(outside.clone())),
            variables: Box::new(move |name| variable(name, &hang)),
            environment: Box::new(move |name| {
                let lines = variables.lines().filter_map(|line| line.split_once('='));
                lines.filter(|(other, _)| *other == name).map(|(_, value)| Secret::new(value)).next()
            }),
            trust: http.trust().clone(),
        };
        let around = GatewayContext { journal: kept.clone(), http, exchanges: Default::default() };
        let events = kept.clone();
        let heard = log::listen(LevelFilter::DEBUG, move |said| {
            events.events.lock().unwrap().push(format!("{}: {}", said.what, said.text));
        });
        let gateway = with_default(&heard, || RunningGateway::start(sources, around));
        Ok(Self { gateway: gateway?, alpha, beta, gamma, idp, kept, dir })
    }

    /// A file in the gateway's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Puts a file's new text in force, or sees it rejected: waits until the gateway logs this text about it.
    pub(crate) fn reload(&self, file: &str, text: &str, word: &str) {
        let before = self.kept.events().len();
        std::fs::write(self.path(file), text).unwrap();
        self.gateway.reload();
        let said = |event: &String| event.starts_with("reload: ") && event.contains(word);
        until(word, || self.kept.events().get(before..).is_some_and(|new| new.iter().any(said)));
    }

    /// A new token for one of [`CALLERS`].
    pub(crate) fn token(&self, caller: &str) -> String {
        token(&self.idp, caller)
    }

    /// A user whose ingress settings are one of [`CALLERS`]' for this gateway.
    pub(crate) fn user(&self, caller: &str) -> User {
        let mut user = User::new();
        user.oidc(self.idp.issuer(), caller, "secret")
            .env("REGISTRY_URL", self.gateway.public_url())
            .env("MCPAUTH_SERVERS_DIR", self.path("servers").display().to_string());
        user
    }

    /// Writes these bytes to a new connection and reads one answer.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Answer {
        exchange(self.gateway.address(), bytes)
    }

    /// What `/readyz` says.
    pub(crate) fn readiness(&self) -> (u16, String) {
        let answer = self.raw(&request("GET", "/readyz", &[], b""));
        (answer.status, answer.text())
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.gateway.address()).unwrap();
        stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
        stream
    }

    /// A POST with these headers in addition to the usual ones.
    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.raw(&request("POST", path, headers, body))
    }

    /// A caller's message.
    pub(crate) fn ask(&self, token: &str, path: &str, message: &Value) -> Answer {
        self.post(path, &[("X-Authorization", &format!("Bearer {token}"))], message.to_string().as_bytes())
    }

    /// A caller's call of a tool.
    pub(crate) fn call(&self, token: &str, server: &str, tool: &str) -> Answer {
        self.ask(token, &format!("/{server}/mcp"), &call(tool))
    }

    /// How many requests reached any server.
    pub(crate) fn arrived(&self) -> usize {
        [&self.alpha, &self.beta, &self.gamma].iter().map(|server| server.arrived().len()).sum()
    }
}

impl Worker {
    pub(crate) fn start() -> Self {
        Self::of(Lab::start())
    }

    pub(crate) fn of(lab: Lab) -> Self {
        let token = lab.token("worker");
        Self { bearer: format!("Bearer {token}"), lab, token }
    }

    /// A POST to alpha with the worker's token and further headers.
    pub(crate) fn post(&self, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.to("POST", "/alpha/mcp", headers, body)
    }

    /// Any request with the worker's token.
    pub(crate) fn to(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let headers = [headers, &[("X-Authorization", self.bearer.as_str())]].concat();
        self.lab.raw(&request(method, path, &headers, body))
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// A header's value; the first, if there are several.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&prefix))
    }

    #[track_caller]
    pub(crate) fn status(self, expected: u16) -> Self {
        assert_eq!(self.status, expected, "{}\n{}", self.head, self.text());
        self
    }
}

/// The variables that servers' headers may have, if the settings allow it.
fn variable(name: &str, hang: &Path) -> Option<Secret> {
    while name == "SLOW" && hang.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    ["SLOW", "KEY", "OTHER"].contains(&name).then(|| Secret::new(format!("value-of-{name}")))
}

/// A new token for one of [`CALLERS`], whom this identity provider knows.
pub(crate) fn token(idp: &Idp, caller: &str) -> String {
    let form = format!("grant_type=client_credentials&client_id={caller}&client_secret=secret");
    let reply = crate::support::wire::send("POST", &idp.token_endpoint(), &form).unwrap();
    let reply: Value = serde_json::from_str(&reply.body).unwrap();
    reply["access_token"].as_str().unwrap().to_owned()
}

/// An issuer in the form of the laboratory's.
pub(crate) fn issuer(name: &str) -> IssuerSettings {
    let clients: Vec<&str> = CALLERS.to_vec();
    let issuer = json!({"issuer": name, "kind": "cognito", "clients": clients});
    let issuer: IssuerSettings = serde_json::from_value(issuer).unwrap();
    assert_eq!(issuer.kind, TokenProfile::Cognito);
    issuer
}

/// Creates the file of a server that the test itself plays.
pub(crate) fn own_server(dir: &Path, name: &str, base: &str, transport: &str) {
    let file = json!({
        "server_name": name, "path": format!("/{name}"), "proxy_pass_url": base, "auth_type": "none",
        "supported_transports": [transport],
    });
    std::fs::write(dir.join(format!("servers/{name}.json")), file.to_string()).unwrap();
}

/// Creates a server's file.
pub(crate) fn server(dir: &Path, name: &str, auth: &str, base: &str) {
    let file =
        json!({"server_name": name, "path": format!("/{name}"), "proxy_pass_url": base, "auth_type": auth});
    std::fs::write(dir.join(format!("servers/{name}.json")), file.to_string()).unwrap();
}

pub(crate) fn call(tool: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": tool, "arguments": {}}})
}

pub(crate) fn list() -> Value {
    json!({"jsonrpc": "2.0", "id": "l", "method": "tools/list"})
}

/// A request as a client writes it. A header given here replaces the usual one of its name.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\n");
    let length = body.len().to_string();
    let usual = [
        ("Host", "localhost"),
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
        ("Content-Length", length.as_str()),
        ("Connection", "close"),
    ];
    let given = |name: &str| headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    let framed = |name: &str| name == "Content-Length" && given("Transfer-Encoding");
    for (name, value) in usual.iter().filter(|(name, _)| !given(name) && !framed(name)).chain(headers) {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// Writes these bytes to a new connection and reads one answer.
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    // The gateway may answer, and close, before all of it is written.
    let _ = stream.write_all(bytes);
    answer(&mut stream)
}

/// Reads one answer to its end.
pub(crate) fn answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // A reset after the answer is the gateway's way to end a request that it does not read.
    let _ = stream.read_to_end(&mut bytes);
    parse(&bytes).unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&bytes)))
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let (status, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
    let status = status.split(' ').nth(1)?.parse().ok()?;
    if status == 100 {
        return parse(&bytes[end + 4..]);
    }
    let lines = headers.lines().map(|line| {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        format!("{}: {}\n", name.to_ascii_lowercase(), value.trim())
    });
    let head: String = lines.collect();
    let body = &bytes[end + 4..];
    let body = if head.contains("transfer-encoding: chunked") { unchunked(body)? } else { body.to_vec() };
    Some(Answer { status, head, body })
}

fn unchunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).ok()?, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(bytes.get(end + 2..end + 2 + size)?);
        bytes = bytes.get(end + 4 + size..)?;
    }
}

/// Waits until something is so; fails after [`TEST_TIMEOUT`].
pub(crate) fn until(what: &str, is: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !is() {
        assert!(began.elapsed() < TEST_TIMEOUT, "{what} does not come about");
        std::thread::sleep(Duration::from_millis(5));
    }
}
