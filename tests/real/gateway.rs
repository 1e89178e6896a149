//! The gateway as its users start it: the binary, in a folder with its files, on a free port; and requests to it.

use std::fs::OpenOptions;
use std::net::TcpStream;
use std::process::Child;
use std::time::{Duration, Instant};

use base64::Engine as _;
use mcpauth::demo::idp::{Idp, IdpClient, Options};
use serde_json::{Value, json};
use url::Url;

use super::{lines_of, signal};
use crate::support::User;
use crate::support::lab::{Answer, answer, request};

/// Longer than anything here takes on a machine that is busy with other things.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Where a gateway's standard output goes, and so its audit.
const AUDIT: &str = "audit.log";

/// A running `mcpauth gateway serve`; it is ended when this is dropped.
pub(crate) struct Gateway {
    child: Child,
    base: String,
}

/// An identity provider of our own for tests that are about something else: `agent` gets a token by client credentials.
pub(crate) struct Agents(Idp);

impl Gateway {
    /// Starts it in the user's project, on a free port, and waits until it is ready.
    pub(crate) fn start(user: &User) -> Self {
        // A found file gets nothing of the user's.
        let file = user.project().join("gateway.yaml").exists();
        let named: &[&str] = if file { &["--config", "gateway.yaml"] } else { &[] };
        Self::start_with(user, &[&["--listen", "127.0.0.1:0"], named].concat())
    }

    /// The same, listening where its `gateway.yaml` says.
    pub(crate) fn start_as_told(user: &User) -> Self {
        Self::start_with(user, &["--config", "gateway.yaml"])
    }

    fn start_with(user: &User, flags: &[&str]) -> Self {
        let audit = OpenOptions::new().create(true).append(true).open(user.project().join(AUDIT));
        let mut child = user
            .command(&[&["gateway", "serve"], flags].concat())
            .stdout(audit.expect("the audit's file"))
            .spawn()
            .expect("our binary");
        let lines = lines_of(child.stderr.take().expect("its stderr is piped"));
        let mut gateway = Self { child, base: String::new() };
        let (until, mut said) = (Instant::now() + TEST_TIMEOUT, String::new());
        while gateway.base.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            let line = lines.recv_timeout(left).unwrap_or_else(|e| panic!("{e}: {said}"));
            if let Some((_, listening)) = line.split_once(" listening: ") {
                let address = listening.split(' ').next().expect("an address");
                gateway.base = format!("http://{address}");
            }
            said.push_str(&format!("{line}\n"));
        }
        while gateway.get("/readyz").status != 200 {
            said.extend(lines.try_iter().map(|line| format!("{line}\n")));
            assert!(Instant::now() < until, "the gateway does not get ready: {said}");
            std::thread::sleep(Duration::from_millis(20));
        }
        // What it says from now on goes nowhere, but it must not wait for a reader.
        std::thread::spawn(move || lines.iter().count());
        gateway
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        http("GET", &format!("{}{path}", self.base), &[], "")
    }

    /// A caller's call of `echo` on a server that needs no handshake: the status.
    pub(crate) fn call(&self, token: &str, server: &str) -> u16 {
        self.ask(token, server, &crate::support::lab::call("echo")).status
    }

    /// A caller's message.
    pub(crate) fn ask(&self, token: &str, server: &str, message: &Value) -> Answer {
        let headers = [
            ("X-Authorization", format!("Bearer {token}")),
            ("Content-Type", "application/json".into()),
            ("Accept", "application/json, text/event-stream".into()),
        ];
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        http("POST", &format!("{}/{server}/mcp", self.base), &headers, &message.to_string())
    }

    /// Has it drain and end; the audit of all this user's gateways is complete then.
    pub(crate) fn end(mut self, user: &User) -> Vec<Value> {
        signal("-TERM", &self.child.id().to_string());
        let until = Instant::now() + TEST_TIMEOUT;
        let status = loop {
            match self.child.try_wait().expect("a child") {
                Some(status) => break status,
                None => assert!(Instant::now() < until, "the gateway does not end"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(status.success(), "{status}");
        let text = std::fs::read_to_string(user.project().join(AUDIT)).expect("the audit");
        text.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Agents {
    /// Its user pool.
    pub(crate) const POOL: &str = "us-east-1_Agents";

    pub(crate) fn start() -> Self {
        let clients = ["agent", "worker"].map(|name| IdpClient::machine(name, "secret", &[name])).into();
        let access_token_lifetime = Duration::from_secs(3600);
        let options = Options { clients, access_token_lifetime, ..Options::default() };
        Self(Idp::start(options).expect("a provider"))
    }

    /// Its identifier, which ends in the user pool's as Cognito's do.
    pub(crate) fn issuer(&self) -> String {
        self.0.realm_issuer(Self::POOL)
    }

    /// What `gateway.yaml` says of it.
    pub(crate) fn settings(&self) -> Value {
        json!({ "issuers": [{ "issuer": self.issuer(), "kind": "cognito", "clients": ["agent", "worker"] }] })
    }

    /// A token with one scope, the client's name.
    pub(crate) fn token(&self, client: &str) -> String {
        let form = format!("grant_type=client_credentials&client_id={client}&client_secret=secret");
        token(&format!("{}/protocol/openid-connect/token", self.issuer()), &form)
    }
}

/// One request on a connection of its own, by plain http whatever proxy the environment names.
pub(crate) fn http(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let url = Url::parse(url).expect("a URL");
    let address = url.socket_addrs(|| None).expect("an address");
    let mut stream = TcpStream::connect(address.as_slice()).unwrap_or_else(|e| panic!("{url}: {e}"));
    stream.set_read_timeout(Some(TEST_TIMEOUT)).expect("a limit");
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let headers = [&[("Host", host)], headers].concat();
    let bytes = request(method, &url[url::Position::BeforePath..], &headers, body.as_bytes());
    std::io::Write::write_all(&mut stream, &bytes).expect("a request");
    answer(&mut stream)
}

/// The access token a token endpoint gives for a form.
pub(crate) fn token(endpoint: &str, form: &str) -> String {
    text(&tokens(endpoint, form), "access_token")
}

/// All that a token endpoint says to a form.
pub(crate) fn tokens(endpoint: &str, form: &str) -> Value {
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    http("POST", endpoint, &headers, form).status(200).json()
}

pub(crate) fn text(object: &Value, member: &str) -> String {
    object[member].as_str().unwrap_or_else(|| panic!("no {member} in {object}")).to_owned()
}

/// Writes `gateway.yaml`.
pub(crate) fn settings(user: &User, mut gateway: Value) {
    gateway["health"] = json!({ "interval": 0 });
    // JSON is YAML.
    user.file("gateway.yaml", &gateway.to_string());
}

/// Writes the policy, and the servers' files by name, `auth_type` and address.
pub(crate) fn lay_out(user: &User, policy: &str, servers: &[(&str, &str, &str)]) {
    user.file("scopes.yml", policy);
    for (name, auth, url) in servers {
        let transport = if url.ends_with("/sse") { "sse" } else { "streamable-http" };
        let file = json!({ "server_name": name, "path": format!("/{name}"), "proxy_pass_url": url,
            "auth_type": auth, "supported_transports": [transport] });
        user.file(&format!("servers/{name}.json"), &file.to_string());
    }
}

/// How many heads a recorder took down; in none of them is a token of these, or a header that was for the gateway.
pub(crate) fn clean_heads(record: &str, tokens: &[&str]) -> usize {
    for token in tokens {
        assert!(!record.contains(token), "a token for the gateway came through");
    }
    for header in ["x-authorization", "x-user-pool-id", "x-client-id", "x-region"] {
        assert!(!record.to_ascii_lowercase().contains(&format!("\r\n{header}:")), "{header} came through");
    }
    record.matches("\r\n\r\n").count()
}

/// RFC 6749 section 2.3.1.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    let form = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", form(id), form(secret));
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}
