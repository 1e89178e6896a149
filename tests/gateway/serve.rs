//! `mcpauth gateway serve` as a process: where it listens, its output, its signals, and why it does not start. Not
//! here: checking the settings (see `cli`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests read and move the gateway's files")]

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;

use mcpauth::demo::idp::{Idp, IdpClient, Options};
use serde_json::{Value, json};

use crate::support::lab::{self, ALLOWED, Answer, POLICY, REFUSED, exchange, request, until};
use crate::support::upstream::{Seen, Upstream, say};
use crate::support::wire::{Running, free_port, get};
use crate::support::{Ran, User, mode};

const JSON: &str = "200 OK\r\ncontent-type: application/json";
pub(super) const SERVE: [&str; 4] = ["gateway", "serve", "--listen", "127.0.0.1:0"];

/// A user with a gateway's files, its identity provider and one server, `delta`.
pub(super) struct Site {
    pub(super) user: User,
    pub(super) idp: Idp,
    pub(super) upstream: Upstream,
}

/// A running gateway; a failing test stops it, too.
pub(super) struct Served {
    pub(super) running: Option<Running>,
    pub(super) address: SocketAddr,
    /// What it said of where it listens.
    listening: String,
}

impl Site {
    /// With these lines more in `gateway.yaml`.
    pub(super) fn new(more: &str) -> Self {
        let upstream = Upstream::start(|seen, stream| say(stream, JSON, &seen.body));
        Self::before(upstream, User::new(), more)
    }

    pub(super) fn before(upstream: Upstream, user: User, more: &str) -> Self {
        let clients = ["worker", "root"].map(|name| IdpClient::machine(name, "secret", &[name])).into();
        let idp = Idp::start(Options { clients, ..Options::default() }).unwrap();
        user.file("gateway.yaml", &settings(idp.issuer(), more));
        user.file("scopes.yml", POLICY);
        let server = json!({
            "server_name": "delta", "path": "/delta", "proxy_pass_url": upstream.base, "auth_type": "none",
        });
        user.file("servers/delta.json", &server.to_string());
        Self { user, idp, upstream }
    }

    pub(super) fn serve(&self, more: &[&str]) -> Served {
        Served::of(self.user.start(&[&SERVE, more].concat()))
    }

    /// The same by a command of the test's own.
    pub(super) fn serve_by(&self, command: Command) -> Served {
        Served::of(Running::start(command))
    }

    /// The same by a shell, after `before`: to be served with other limits of the system's.
    pub(super) fn serve_after(&self, before: &str) -> Served {
        let script = format!("{before}; exec mcpauth {}", SERVE.join(" "));
        self.serve_by(self.user.shell(&script))
    }

    /// A worker's message.
    pub(super) fn ask(&self, gateway: SocketAddr, body: &str) -> Answer {
        self.ask_as("worker", gateway, body)
    }

    pub(super) fn ask_as(&self, caller: &str, gateway: SocketAddr, body: &str) -> Answer {
        let bearer = format!("Bearer {}", lab::token(&self.idp, caller));
        let headers = [("X-Authorization", bearer.as_str())];
        exchange(gateway, &request("POST", "/delta/mcp", &headers, body.as_bytes()))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.user.project().join(name)
    }

    fn lines(&self, name: &str) -> Vec<Value> {
        lines(&std::fs::read_to_string(self.path(name)).unwrap())
    }
}

impl Served {
    /// What it said of where it listens.
    pub(super) fn listening(&self) -> &str {
        &self.listening
    }

    /// A gateway that says where it listens.
    pub(super) fn of(mut running: Running) -> Self {
        let listening = running.line(|line| line.contains("listening"));
        let url = listening.split("http://").nth(1).unwrap();
        let is_end = |c: char| !(c.is_ascii_digit() || ".:".contains(c));
        let address = url.split(is_end).next().unwrap().parse().unwrap();
        Served { running: Some(running), address, listening }
    }

    /// Where its metrics are.
    pub(super) fn metrics(&self) -> String {
        self.listening.split("metrics at ").nth(1).unwrap().to_owned()
    }

    pub(super) fn signal(&self, name: &str) {
        self.running.as_ref().unwrap().signal(name);
    }

    /// Sends the signal and waits for the end.
    pub(super) fn end(mut self, signal: &str) -> Ran {
        self.signal(signal);
        self.running.take().unwrap().end()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.signal("KILL");
        }
    }
}

/// Nobody waits for load balancers to look, unless a test is about that.
fn settings(issuer: &str, more: &str) -> String {
    let limits = if more.contains("limits:") { "" } else { "limits: {lame_duck: 0}\n" };
    format!(
        "issuers: [{{issuer: '{issuer}', kind: cognito, clients: [worker, root]}}]\nhealth: {{interval: 0}}\n{limits}{more}"
    )
}

/// A JSON object per line, complete.
pub(super) fn lines(text: &str) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[test]
fn what_was_decided_is_on_stdout_when_it_was_told_to_stop() {
    let site = Site::new("");
    let served = site.serve(&[]);
    assert_ne!(served.address.port(), 0);
    for _ in 0..20 {
        assert_eq!(site.ask(served.address, ALLOWED).status(200).text(), ALLOWED);
    }
    site.ask(served.address, REFUSED).status(403);
    let ran = served.end("TERM").code(0);
    let lines = lines(&ran.stdout);
    let verdicts = |verdict: &str| lines.iter().filter(|line| line["verdict"] == verdict).count();
    assert_eq!((lines.len(), verdicts("allowed"), verdicts("refused")), (21, 20, 1), "{}", ran.stdout);
    assert_eq!(site.upstream.seen().len(), 20);
    assert!(ran.stderr.contains("info draining: "), "{}", ran.stderr);
}

#[test]
fn ctrl_c_ends_it_as_it_ends_every_program() {
    let site = Site::new("");
    let served = site.serve(&[]);
    site.ask(served.address, ALLOWED).status(200);
    let ran = served.end("INT").code(130);
    assert_eq!(lines(&ran.stdout).len(), 1);
}

#[test]
fn events_are_json_where_that_is_asked_for() {
    let site = Site::new("");
    let served = site.serve(&["--json"]);
    site.user.file("scopes.yml", "worker: [");
    served.signal("HUP");
    let mut served = served;
    let running = served.running.as_mut().unwrap();
    let said = running.line(|line| line.contains("the previous files stay in force"));
    assert!(said.contains("scopes.yml"), "{said}");
    let ran = served.end("TERM").code(0);
    let events = lines(&ran.stderr);
    for event in &events {
        let members = ["time", "level", "event", "message"].map(|name| event[name].is_string());
        assert_eq!((members, event.as_object().unwrap().len()), ([true; 4], 4), "{event}");
    }
    let named = |name: &str, level: &str| events.iter().any(|e| e["event"] == name && e["level"] == level);
    assert!(named("listening", "info") && named("reload", "warn") && named("draining", "info"), "{events:?}");
}

#[test]
fn a_server_that_is_gone_is_said_with_the_request_however_much_is_said() {
    // Additional flags, and whether messages below warning are printed.
    for (more, informed) in [(&[][..], true), (&["-q"], false), (&["-v"], true), (&["-vv", "--json"], true)] {
        let site = Site::new("");
        let gone = format!("http://127.0.0.1:{}", free_port());
        let server =
            json!({"server_name": "delta", "path": "/delta", "proxy_pass_url": gone, "auth_type": "none"});
        site.user.file("servers/delta.json", &server.to_string());
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let listen = ["gateway", "serve", "--listen", &address.to_string()];
        let running = site.user.start(&[&listen[..], more].concat());
        until("it listens", || std::net::TcpStream::connect(address).is_ok());
        until("ready", || exchange(address, &request("GET", "/readyz", &[], b"")).status == 200);
        let answer = site.ask(address, ALLOWED).status(502);
        let id = answer.header("x-request-id").unwrap();
        running.signal("TERM");
        let ran = running.end().code(0);
        let about = format!("(request {id})");
        let about: Vec<_> = ran.stderr.lines().filter(|line| line.contains(&about)).collect();
        assert_eq!(about.len(), 1, "{more:?}: {}", ran.stderr);
        assert!(about[0].contains("upstream") && about[0].contains("delta: "), "{more:?}: {}", ran.stderr);
        if more.contains(&"--json") {
            let event: Value = serde_json::from_str(about[0]).unwrap();
            assert_eq!((&event["request"], &event["level"]), (&json!(id), &json!("warn")), "{event}");
        }
        assert_eq!(ran.stderr.contains("draining"), informed, "{more:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("hyper"), "{}", ran.stderr);
    }
}

#[test]
fn a_moved_audit_file_is_begun_anew_for_its_owner_alone() {
    let site = Site::new("audit: audit.log\n");
    let served = site.serve(&[]);
    assert_eq!(mode(&site.path("audit.log")), 0o600);
    site.ask(served.address, ALLOWED).status(200);
    until("the first line", || site.lines("audit.log").len() == 1);
    std::fs::rename(site.path("audit.log"), site.path("audit.1")).unwrap();
    site.ask(served.address, REFUSED).status(403);
    until("the second line, in the moved file", || site.lines("audit.1").len() == 2);
    served.signal("HUP");
    until("a new file", || site.path("audit.log").exists());
    assert_eq!((mode(&site.path("audit.log")), site.lines("audit.log").len()), (0o600, 0));
    site.ask(served.address, ALLOWED).status(200);
    let ran = served.end("TERM").code(0);
    assert_eq!((ran.stdout.as_str(), site.lines("audit.1").len()), ("", 2));
    let new = site.lines("audit.log");
    assert_eq!((new.len(), &new[0]["verdict"]), (1, &json!("allowed")));
    assert_eq!(mode(&site.path("audit.log")), 0o600);
}

#[test]
fn metrics_and_probes_have_an_address_of_their_own() {
    let site = Site::new("");
    let served = site.serve(&["--admin", "127.0.0.1:0"]);
    let metrics = served.metrics();
    let admin = metrics.strip_suffix("/metrics").unwrap();
    site.ask(served.address, ALLOWED).status(200);
    site.ask(served.address, REFUSED).status(403);
    let text = get(&metrics).body;
    for line in [
        "mcp_auth_requests_total{success=\"true\",method=\"tools/call\",server=\"delta\"} 1\n",
        "mcp_tool_executions_total{tool_name=\"echo\",server_name=\"delta\",success=\"true\"} 1\n",
        "mcp_auth_request_duration_seconds_count{server=\"delta\"} 2\n",
        "mcp_protocol_latency_seconds_count{server=\"delta\"} 1\n",
        "mcp_tool_execution_duration_seconds_count{tool_name=\"echo\",server_name=\"delta\",success=\"true\"} 1\n",
        "mcpauth_refusals_total{reason=\"name_not_allowed\",server=\"delta\"} 1\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(text.ends_with("# EOF\n"), "OpenMetrics 1.0 section 4.4: {text}");
    for base in [admin, &*format!("http://{}", served.address)] {
        for probe in ["/healthz", "/readyz"] {
            assert_eq!(get(&format!("{base}{probe}")).status, 200, "{base}{probe}");
        }
    }
    assert_eq!(get(&format!("http://{}/metrics", served.address)).status, 404, "not where clients are");
    let ran = served.end("TERM").code(0);
    assert_eq!(lines(&ran.stdout).iter().filter(|line| line["server"] == "delta").count(), 2);
}

#[test]
fn a_gateway_that_cannot_check_tokens_lives_and_is_not_ready() {
    let site = Site::new("");
    let nobody = format!("http://127.0.0.1:{}", free_port());
    site.user.file("gateway.yaml", &settings(&nobody, ""));
    let served = site.serve(&[]);
    let probe = |path: &str| get(&format!("http://{}{path}", served.address)).status;
    assert_eq!((probe("/healthz"), probe("/readyz")), (200, 503));
    served.end("TERM").code(0);
}

#[test]
fn an_address_that_somebody_has_is_named_with_the_remedy() {
    let site = Site::new("");
    let served = site.serve(&[]);
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    // A second gateway would not fail: listeners of one user may share a port, and each would get some of
    // the callers.
    for address in [held.local_addr().unwrap(), served.address] {
        let address = address.to_string();
        for flags in [
            ["--listen", &address, "--admin", "127.0.0.1:0"],
            ["--admin", &address, "--listen", "127.0.0.1:0"],
        ] {
            let args = [&["gateway", "serve", "--json"], &flags[..]].concat();
            let error = site.user.start(&args).end().code(2).json_error();
            let message = error["message"].as_str().unwrap();
            assert!(message.starts_with(&format!("cannot listen on {address}: ")), "{message}");
            assert!(error["hint"].as_str().unwrap().contains(flags[0]), "{error}");
        }
    }
    site.ask(served.address, ALLOWED).status(200);
}

#[test]
fn it_does_not_start_without_a_policy_an_issuer_or_servers() {
    for (gone, told, remedy) in [
        ("scopes.yml", "policy: ", "name the policy's file"),
        ("servers", "servers: ", "folder"),
        ("", "issuers", "name the authorization server"),
    ] {
        let site = Site::new("");
        match gone {
            "" => drop(site.user.file("gateway.yaml", "health: {interval: 0}\n")),
            "servers" => std::fs::remove_dir_all(site.path(gone)).unwrap(),
            file => std::fs::remove_file(site.path(file)).unwrap(),
        }
        let error = site.user.start(&[&SERVE[..], &["--json"]].concat()).end().code(2).json_error();
        assert!(error["message"].as_str().unwrap().contains(told), "{error}");
        assert!(error["hint"].as_str().unwrap().contains(remedy), "{error}");
    }
}

/// Ten callers at once find that the server no longer accepts the stored token.
#[test]
fn a_stored_credential_that_was_refused_is_refreshed_once_for_everybody() {
    const CALLERS: usize = 10;
    let provider = crate::support::wire::idp(300);
    let user = User::at(&provider);
    user.log_in();
    let old = user.token("tracker-egress.json")["access_token"].as_str().unwrap().to_owned();
    let refused = std::sync::atomic::AtomicUsize::new(0);
    let stale = format!("Bearer {old}");
    let upstream = Upstream::start(move |seen: &Seen, stream| {
        if seen.header("authorization") != Some(&stale) {
            return say(stream, JSON, &seen.body);
        }
        refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        until("all callers", || refused.load(std::sync::atomic::Ordering::Relaxed) >= CALLERS);
        say(stream, "401 Unauthorized", b"");
    });
    let said = "upstreams: {delta: {egress: stored, credential: tracker}}\n";
    let site = Site::before(upstream, user, said);
    let served = site.serve(&["--config", "gateway.yaml"]);
    let (site, address) = (&site, served.address);
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(move || assert_eq!(site.ask(address, ALLOWED).status(200).text(), ALLOWED));
        }
    });
    let refreshes = crate::rotation::presented(&provider);
    assert_eq!(refreshes.iter().map(|(_, ok)| *ok).collect::<Vec<_>>(), [true]);
    let new = site.user.token("tracker-egress.json")["access_token"].as_str().unwrap().to_owned();
    let with = |token: &str| {
        let bearer = format!("Bearer {token}");
        site.upstream.seen().iter().filter(|seen| seen.header("authorization") == Some(&bearer)).count()
    };
    assert_eq!((with(&old), with(&new), site.upstream.seen().len()), (CALLERS, CALLERS, 2 * CALLERS));
    let ran = served.end("TERM").code(0);
    assert_eq!(lines(&ran.stdout).len(), CALLERS, "one decision a call, not one a try");
    assert!(![&ran.stdout, &ran.stderr].iter().any(|text| text.contains(&old) || text.contains(&new)));
}

/// A reader of the log finds the line of the audit that belongs to it, without having asked for details.
#[test]
fn what_fails_within_a_request_is_said_with_its_id_by_default() {
    let provider = crate::support::wire::idp(300);
    let user = User::at(&provider);
    user.log_in();
    let mut token = user.token("tracker-egress.json");
    token.as_object_mut().unwrap().remove("refresh_token");
    user.file(".oauth-tokens/tracker-egress.json", &token.to_string());
    let upstream = Upstream::start(|_, stream| say(stream, "401 Unauthorized", b""));
    let said = "upstreams: {delta: {egress: stored, credential: tracker}}\n";
    let site = Site::before(upstream, user, said);
    site.user.file("secret.txt", "secret");
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let asked =
        format!("introspection: {{endpoint: {nobody}/ask, client_id: gateway, client_secret: secret.txt}}");
    let other = format!("{{issuer: '{nobody}', jwks_uri: '{nobody}/keys', audience: [x], {asked}}}");
    let whole = std::fs::read_to_string(site.path("gateway.yaml")).unwrap();
    site.user.file("gateway.yaml", &whole.replacen("root]}]", &format!("root]}}, {other}]"), 1));
    let served = site.serve(&["--config", "gateway.yaml"]);
    let refused = site.ask(served.address, ALLOWED).status(502);
    let opaque = [("X-Authorization", "Bearer opaque")];
    let unasked =
        exchange(served.address, &request("POST", "/delta/mcp", &opaque, ALLOWED.as_bytes())).status(503);
    let log = served.end("TERM").code(0).stderr;
    for (answer, what) in [(refused, "tracker"), (unasked, "cannot connect to 127.0.0.1")] {
        let said = format!(" (request {})", answer.header("x-request-id").unwrap());
        let has = |line: &str| line.contains(what) && line.ends_with(&said);
        assert!(log.lines().any(has), "{what}{said}: {log}");
    }
}

/// A login by address is told with its own command, in one line for each request: `mcpauth egress` gets no such token.
#[test]
fn a_stored_login_by_address_that_fails_is_told_with_that_login() {
    for (first_ends, refresh) in [(0, 400), (3600, 400), (3600, 200)] {
        let logins = std::sync::atomic::AtomicUsize::new(0);
        let upstream = crate::issuers::play(move |_, seen| {
            let is_refresh = String::from_utf8_lossy(&seen.body).contains("grant_type=refresh_token");
            match crate::by_address::path(seen) {
                "/token" if is_refresh && refresh == 200 => {
                    Some((200, String::new(), json!({"access_token": "refreshed", "expires_in": 3600})))
                }
                "/token" if is_refresh => Some((400, String::new(), json!({"error": "invalid_grant"}))),
                "/token" => {
                    let login = 1 + logins.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    let ends = if login == 1 { first_ends } else { 3600 };
                    let token = json!({"access_token": format!("login-{login}"), "refresh_token": "r", "expires_in": ends});
                    Some((200, String::new(), token))
                }
                "/mcp" if seen.header("authorization").is_some_and(|sent| sent != "Bearer login-2") => {
                    Some((401, "Bearer error=\"invalid_token\"".into(), Value::Null))
                }
                _ => None,
            }
        });
        let (user, base) = (User::new(), upstream.base.clone());
        crate::issuers::log_in(&user, &upstream, &["--server-name", "srv"]);
        let site = Site::before(upstream, user, "upstreams: {delta: {egress: stored, credential: srv}}\n");
        let served = site.serve(&["--config", "gateway.yaml"]);
        let refused = site.ask(served.address, ALLOWED).status(502);
        let log = served.end("TERM").code(0).stderr;
        let id = format!("(request {})", refused.header("x-request-id").unwrap());
        let told: Vec<&str> = log.lines().filter(|line| line.ends_with(&id)).collect();
        assert!(told.len() == 1 && told[0].contains(" upstream: delta: "), "{log}");
        let command = told[0].split("mcpauth ").nth(1).unwrap_or_else(|| panic!("no command: {log}"));
        let command = command.split([';', '(']).next().unwrap();
        let words: Vec<&str> = command.split_whitespace().filter(|word| *word != "--browser").collect();
        assert_eq!(words.first(), Some(&"login"), "{log}");
        crate::issuers::agree(&site.user, &words, Some(&base));
        let served = site.serve(&["--config", "gateway.yaml"]);
        site.ask(served.address, ALLOWED).status(200);
        served.end("TERM").code(0);
    }
}

/// A page whose name was made to resolve to this machine uses that name.
#[test]
fn metrics_are_for_our_own_names() {
    let site = Site::new("hosts: [gw.internal.test]\npublic_url: https://gw.example.com\n");
    let served = site.serve(&["--admin", "127.0.0.1:0"]);
    let metrics = served.metrics();
    let admin: SocketAddr =
        metrics.trim_start_matches("http://").trim_end_matches("/metrics").parse().unwrap();
    let ask = |path: &str, headers: &[(&str, &str)]| exchange(admin, &request("GET", path, headers, b""));
    let own = admin.to_string();
    for host in [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1",
        &own,
        "[::1]:9090",
        "gw.internal.test",
        "gw.example.com:443",
    ] {
        assert!(ask("/metrics", &[("Host", host)]).status(200).text().ends_with("# EOF\n"), "{host}");
    }
    for host in [
        "evil.test",
        "evil.test:9090",
        "localhost.evil.test",
        "localhost@evil.test",
        "127.0.0.1.evil.test",
        "10.0.0.1",
        "",
    ] {
        let answer = ask("/metrics", &[("Host", host)]);
        assert_eq!((answer.status, answer.text().contains("mcp")), (421, false), "{host}");
        // Load balancers and supervisors ask by any name.
        assert_eq!(ask("/healthz", &[("Host", host)]).status, 200, "{host}");
    }
    let two = ask("/metrics", &[("Host", "localhost"), ("Host", "evil.test")]);
    assert!([400, 421].contains(&two.status), "{two:?}");
    assert_ne!(ask("http://evil.test/metrics", &[("Host", "localhost")]).status, 200);
    assert_eq!(ask("/metrics", &[("Origin", "http://evil.test")]).status, 421);
    assert_eq!(exchange(admin, b"GET /metrics HTTP/1.0\r\n\r\n").status, 421);
}

#[test]
fn a_key_of_the_users_own_is_sent_in_its_header_and_replaced_while_the_gateway_runs() {
    let upstream = crate::own::server("x-api-key", "k={}");
    let user = User::new();
    let address = format!("{}/mcp", upstream.base);
    let login = [
        "login",
        &address,
        "--with-token",
        "--header",
        "X-Api-Key",
        "--format",
        "k={}",
        "--server-name",
        "own-key",
    ];
    user.run_with(&login, crate::own::KEY).code(0);
    let said = "upstreams: {delta: {egress: stored, credential: own-key}}\n";
    let site = Site::before(upstream, user, said);
    let served = site.serve(&["--config", "gateway.yaml"]);
    let before = site.upstream.seen().len();
    let answer = site.ask(served.address, ALLOWED);
    assert!(answer.text().contains("-32601"), "its server answered: {}", answer.text());
    let seen = site.upstream.seen();
    let sent = seen.get(before).expect("a request");
    assert_eq!(sent.header("x-api-key"), Some(format!("k={}", crate::own::KEY).as_str()));
    assert!(sent.header("authorization").is_none() && sent.header("x-authorization").is_none());
    let ran = served.end("TERM").code(0);
    assert!(!format!("{ran:?}").contains(crate::own::KEY), "{ran:?}");
}
