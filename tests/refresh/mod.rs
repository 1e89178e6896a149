//! `mcpauth refresh` as a service: what it renews and when, its log, its hook, and how it ends. Not here: days (see
//! `src/refresh/day.rs`); `--once` (see `once`).
#![cfg(test)]
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests read what the service wrote")]

mod once;

use std::os::unix::net::UnixDatagram;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use mcpauth::demo::idp::{Idp, IdpClient, IdpEvent, Options};
use mcpauth::sys::clock;
use serde_json::{Value, json};

use crate::support::wire::{Running, SECRET, Scripted, TEST_TIMEOUT};
use crate::support::{Ran, User, ended, nobody};

const AGENT: &str = "keycloak agent-a";
const TRACKER: &str = "egress tracker";
const FILE: &str = "tracker-egress.json";
const TOKENS: &str = ".oauth-tokens";

/// A running service; a failing test stops it, too.
struct Service(Option<Running>);

impl Service {
    fn start(user: &User, args: &[&str]) -> Self {
        Self(Some(user.start(&[&["refresh"], args].concat())))
    }

    /// The next line with all of these in it.
    #[track_caller]
    fn says(&mut self, parts: &[&str]) -> String {
        let has_all = |line: &str| parts.iter().all(|part| line.contains(part));
        self.0.as_mut().unwrap().line(has_all)
    }

    fn signal(&self, name: &str) {
        self.0.as_ref().unwrap().signal(name);
    }

    /// Sends a signal and waits for the end.
    #[track_caller]
    fn end(mut self, signal: &str, code: i32) -> Ran {
        self.signal(signal);
        self.0.take().unwrap().end().code(code)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(running) = self.0.take() {
            running.signal("KILL");
        }
    }
}

/// Tokens live so many seconds.
fn idp(lifetime: u64) -> Idp {
    let person = ["read:work", "offline_access"];
    Idp::start(Options {
        clients: vec![
            IdpClient::machine("agent", "agent-secret", &["openid", "email", "profile"]),
            IdpClient::confidential("tracker-client", SECRET, "http://127.0.0.1/callback", &person),
        ],
        access_token_lifetime: Duration::from_secs(lifetime),
        ..Options::default()
    })
    .unwrap()
}

/// An agent's file, as a user creates it.
fn agent(user: &User, url: &str, secret: &str) {
    let file =
        json!({"client_id": "agent", "client_secret": secret, "keycloak_url": url, "keycloak_realm": "demo"});
    user.file(".oauth-tokens/agent-a.json", &file.to_string());
}

fn ingress(user: &mut User, url: &str) {
    user.oidc(url, "agent", "agent-secret").env("INGRESS_OAUTH_TOKEN_URL", format!("{url}/token"));
}

/// A token of an hour, issued so many seconds ago, in a file of the tracker's.
fn planted(user: &User, base: &str, age: i64) {
    let now = clock::now();
    let token = json!({
        "provider": "tracker", "access_token": "planted", "refresh_token": "first", "expires_at": now - age + 3_600,
        "saved_at": clock::human(now - age), "issuer": base, "client_id": "tracker-client",
    });
    user.file(&format!("{TOKENS}/{FILE}"), &token.to_string());
}

/// A tracker with a server of the test's own behind it, and a token that is due.
fn scripted(script: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> (User, Scripted) {
    let server = Scripted::start(move |asked| script(&asked.field("refresh_token").unwrap_or_default()));
    let mut user = User::new();
    let base = &server.base;
    user.tracker("tracker", 1, base, "http://127.0.0.1:0/callback", &format!("issuer: {base}\n"));
    planted(&user, base, 3_540);
    (user, server)
}

/// How many lines say that this happened.
fn count(text: &str, what: &str) -> usize {
    text.lines().filter(|line| line.contains(what)).count()
}

fn requests(idp: &Idp) -> usize {
    idp.seen().iter().filter(|seen| matches!(seen, IdpEvent::Token { .. })).count()
}

#[test]
fn what_becomes_due_is_renewed_and_the_configurations_with_it() {
    let idp = idp(3);
    let mut user = User::new();
    ingress(&mut user, idp.issuer());
    agent(&user, idp.issuer(), "agent-secret");
    let server =
        json!({"server_name": "time", "path": "/time", "proxy_pass_url": "http://x", "auth_type": "none"});
    user.file("servers/time.json", &server.to_string());
    let mut service = Service::start(&user, &[]);
    service.says(&["info ready: 2 credentials, 2 good"]);
    let first = [user.token("ingress.json"), user.token("agent-a-token.json")];
    service.says(&["due: ingress oidc: 20"]);
    service.says(&["refreshed: ingress oidc: expires in", "; next attempt 20", "Z (in "]);
    service.says(&["refreshed"]);
    // The third renewal comes after the configurations of the second.
    service.says(&["refreshed"]);
    let now = [user.token("ingress.json"), user.token("agent-a-token.json")];
    assert!(
        first[0]["access_token"] != now[0]["access_token"]
            && first[1]["access_token"] != now[1]["access_token"]
    );
    service.end("TERM", 143);
    let token = user.token("ingress.json")["access_token"].as_str().unwrap().to_owned();
    for file in [".oauth-tokens/mcp.json", ".oauth-tokens/vscode_mcp.json"] {
        assert!(std::fs::read_to_string(user.project().join(file)).unwrap().contains(&token), "{file}");
    }
    let agents = user.token("agent-a-token.json")["access_token"].as_str().unwrap().to_owned();
    let shell = std::fs::read_to_string(user.project().join(TOKENS).join("agent-a.env")).unwrap();
    assert!(shell.contains(&agents), "{shell}");
}

#[test]
fn an_egress_token_is_renewed_by_its_refresh_token_alone() {
    let idp = idp(3);
    let user = User::at(&idp);
    user.log_in();
    let mut service = Service::start(&user, &["--no-install"]);
    for _ in 0..2 {
        service.says(&["info refreshed", TRACKER]);
        // Another process wants the same: the holder of the lock uses the refresh token up, and the other one
        // notices.
        user.run(&["refresh", "--once", "--force", "--no-install"]).code(0);
    }
    let ran = service.end("TERM", 143);
    assert_eq!(count(&ran.stderr, " failed: "), 0, "{}", ran.stderr);
    let presented = crate::rotation::presented(&idp);
    assert!(presented.len() >= 2 && presented.iter().all(|(_, ok)| *ok), "{presented:?}");
    assert!(!user.home().join(".vscode/mcp.json").exists());
}

#[test]
fn there_is_one_and_the_second_is_told_which() {
    let idp = idp(300);
    let user = User::new();
    agent(&user, idp.issuer(), "agent-secret");
    // A crash left this behind; no process holds it.
    let pid_file = user.file(".oauth-tokens/.refresh.pid", "1\n");
    let mut service = Service::start(&user, &[]);
    service.says(&["ready"]);
    let id = std::fs::read_to_string(&pid_file).unwrap().trim().to_owned();
    let refused = user.run(&["refresh", "--json"]).code(1).json_error();
    let text = |name: &str| refused[name].as_str().unwrap().to_owned();
    assert!(text("message").contains(&format!("runs already as process {id}, for ")), "{refused}");
    assert!(
        text("hint").contains(&format!("kill {id}")) && text("hint").contains("refresh --once"),
        "{refused}"
    );
    user.run(&["refresh", "--once"]).code(0);
    let ran = service.end("INT", 130);
    assert!(ran.stderr.contains("info stopping"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(&pid_file).unwrap(), "");

    let mut killed = Service::start(&user, &[]);
    killed.says(&["ready"]);
    killed.signal("KILL");
    assert_eq!(killed.0.take().unwrap().end().code, None);
    let mut next = Service::start(&user, &[]);
    next.says(&["ready"]);
    next.end("TERM", 143);
}

/// The project's folder appears with its first token: a service that runs already is still the one there is.
#[test]
fn a_service_that_began_before_the_folder_of_tokens_is_seen_afterwards() {
    let idp = idp(300);
    let mut user = User::new();
    ingress(&mut user, idp.issuer());
    let mut service = Service::start(&user, &["--interval", "3600"]);
    service.says(&["ready"]);
    let running = |user: &User| user.run(&["status"]).stdout.contains("refresh service: running (process ");
    assert!(running(&user));
    user.file(".oauth-tokens/.gitignore", "*\n");
    let refused = user.run(&["refresh", "--json"]).code(1).json_error();
    assert!(refused["message"].as_str().unwrap().contains("runs already as process "), "{refused}");
    assert!(running(&user));
    // Another project's is not ours.
    let other = user.home().join("other");
    std::fs::create_dir_all(other.join(TOKENS)).unwrap();
    let mut elsewhere = user.shell("mcpauth status");
    let text = ended(elsewhere.current_dir(&other).spawn().unwrap()).stdout;
    assert!(!text.contains("refresh service: running (process "), "{text}");
    service.end("TERM", 143);
    assert!(!running(&user));
}

#[test]
fn a_person_is_called_once_and_a_login_is_noticed() {
    let idp = idp(300);
    let user = User::at(&idp);
    let hook = "echo called $MCPAUTH_CREDENTIAL, $MCPAUTH_COMMAND, [$EGRESS_OAUTH_CLIENT_SECRET_1]; exit 3";
    let mut service = Service::start(&user, &["--interval", "1", "--on-login-needed", hook]);
    let line = service.says(&["warn login_needed: ", TRACKER]);
    assert!(line.contains("run: mcpauth egress --config-set 1"), "{line}");
    service.says(&["ready: 1 credential, 0 good, 1 waiting for a login"]);
    service.says(&["called egress tracker, mcpauth egress --config-set 1, []"]);
    service.says(&["warn hook: ", "exit status: 3"]);
    user.log_in();
    service.says(&["info noticed: egress tracker"]);
    let ran = service.end("TERM", 143);
    assert_eq!((count(&ran.stderr, "login_needed"), count(&ran.stderr, "called")), (1, 1), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn whatever_form_a_refused_refresh_has_a_person_is_called() {
    for (status, body) in [0, 1, 2, 3, 6, 9].map(|n| crate::replies::NOES[n]) {
        let (user, _server) = scripted(move |_| (status, body.into()));
        let mut service = Service::start(&user, &["--interval", "1", "--on-login-needed", "echo called"]);
        service.says(&["login_needed", "its refresh token is no longer accepted"]);
        service.says(&["called"]);
        service.end("TERM", 143);
    }
}

#[test]
fn a_refused_refresh_token_needs_a_person_and_the_token_stays_in_use() {
    let (user, server) = scripted(|_| (400, r#"{"error":"invalid_grant"}"#.into()));
    let mut service = Service::start(&user, &["--interval", "1"]);
    let line = service.says(&["login_needed", "its refresh token is no longer accepted"]);
    assert!(line.contains("the present token expires in"), "{line}");
    service.says(&["ready: 1 credential, 1 good, 1 waiting for a login"]);
    service.end("TERM", 143);
    assert_eq!((user.token(FILE)["access_token"].as_str(), server.asked().len()), (Some("planted"), 1));
}

#[test]
fn an_end_that_does_not_move_is_unchanged_and_not_asked_again_at_once() {
    let end = clock::now() + 60;
    let (user, server) = scripted(move |token| {
        let left = end - clock::now();
        (200, json!({"access_token": "planted", "refresh_token": token, "expires_in": left}).to_string())
    });
    let mut service = Service::start(&user, &[]);
    service.says(&["info unchanged: egress tracker: the new one expires no later"]);
    service.says(&["ready: 1 credential, 1 good"]);
    service.end("TERM", 143);
    let object = user.run(&["refresh", "--once", "--json"]).code(0).json();
    assert_eq!(object["results"][0]["status"], "unchanged", "{object}");
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn an_outage_is_waited_out() {
    let times = Mutex::new(0);
    let (user, _server) = scripted(move |_| {
        let mut times = times.lock().unwrap();
        *times += 1;
        let good = json!({"access_token": "new", "refresh_token": "second", "expires_in": 3_600}).to_string();
        if *times == 1 { (503, String::new()) } else { (200, good) }
    });
    let mut service = Service::start(&user, &[]);
    service.says(&[
        "warn failed: egress tracker",
        "HTTP 503",
        "the present token expires in",
        "next attempt",
    ]);
    service.says(&["ready"]);
    // Does not wait for the pause: the user says that the server is back.
    service.signal("HUP");
    service.says(&["info refreshed: egress tracker"]);
    service.end("TERM", 143);
    assert_eq!(user.token(FILE)["refresh_token"], "second");
}

#[test]
fn what_was_sent_is_waited_for_at_the_end() {
    let ((arrived, is_there), (answer, may_answer)) = (channel(), channel::<()>());
    let (arrived, may_answer) = (Mutex::new(arrived), Mutex::new(may_answer));
    let (user, _server) = scripted(move |_| {
        arrived.lock().unwrap().send(()).unwrap();
        may_answer.lock().unwrap().recv().unwrap();
        (200, json!({"access_token": "new", "refresh_token": "second", "expires_in": 3_600}).to_string())
    });
    let mut service = Service::start(&user, &[]);
    is_there.recv_timeout(TEST_TIMEOUT).unwrap();
    service.signal("TERM");
    service.says(&["info stopping: finishing renewals under way"]);
    answer.send(()).unwrap();
    service.0.take().unwrap().end().code(143);
    assert_eq!(user.token(FILE)["refresh_token"], "second", "the first one is used up");
}

#[test]
fn a_refused_client_is_named_once_and_tried_again_when_its_file_changes() {
    let idp = idp(300);
    let user = User::new();
    agent(&user, idp.issuer(), "wrong");
    let mut service = Service::start(&user, &["--interval", "1", "--on-login-needed", "echo called"]);
    let line = service.says(&["warn refused: keycloak agent-a", "invalid_client", "there is no valid token"]);
    assert!(line.contains("check client id and secret"), "{line}");
    service.says(&["called"]);
    agent(&user, idp.issuer(), "agent-secret");
    service.says(&["info refreshed", AGENT]);
    let ran = service.end("TERM", 143);
    assert_eq!((count(&ran.stderr, "refused"), requests(&idp)), (1, 2), "{}", ran.stderr);
}

#[test]
fn files_and_settings_that_change_are_noticed() {
    let idp = idp(300);
    let user = User::new();
    agent(&user, idp.issuer(), "agent-secret");
    user.file(".oauth-tokens/acme-egress.json", r#"{"access_token": "t", "provider": "acme"}"#);
    user.file(".oauth-tokens/agent-b.json", "not JSON");
    user.file(".env", "REGISTRY_URL=https://gw.test");
    let mut service = Service::start(&user, &["--interval", "1"]);
    service.says(&["warn skipped: acme-egress.json: no configured credential produces it"]);
    service.says(&["warn skipped: keycloak agent-b: ", "not a JSON object"]);
    service.says(&["ready: 1 credential, 1 good"]);
    std::fs::rename(user.project().join(".oauth-tokens/agent-a.json"), user.project().join("away.json"))
        .unwrap();
    service.says(&["info gone: keycloak agent-a"]);
    std::fs::rename(user.project().join("away.json"), user.project().join(".oauth-tokens/agent-c.json"))
        .unwrap();
    service.says(&["info noticed: keycloak agent-c: it is new"]);
    service.says(&["refreshed: keycloak agent-c"]);
    let issuer = idp.issuer();
    let lines =
        ["AUTH_PROVIDER=oidc", "INGRESS_OAUTH_CLIENT_ID=agent", "INGRESS_OAUTH_CLIENT_SECRET=agent-secret"];
    user.file(".env", &format!("{}\nINGRESS_OAUTH_ISSUER={issuer}\n", lines.join("\n")));
    service.signal("HUP");
    service.says(&["info reload"]);
    service.says(&["refreshed: ingress oidc"]);
    user.file(".env", "a line that means nothing");
    service.signal("HUP");
    service.says(&["warn settings: ", "ignored, because", ".env:1"]);
    let ran = service.end("TERM", 143);
    assert_eq!(count(&ran.stderr, "acme-egress.json"), 1, "{}", ran.stderr);
}

#[test]
fn every_line_is_a_json_object_if_that_is_asked_for_and_none_has_a_secret() {
    let idp = idp(3);
    let user = User::at(&idp);
    user.log_in();
    agent(&user, idp.issuer(), "agent-secret");
    let mut service = Service::start(&user, &["--json"]);
    service.says(&["\"ready\""]);
    let tokens = [user.token(FILE), user.token("agent-a-token.json")];
    service.says(&["\"refreshed\"", TRACKER]);
    let ran = service.end("TERM", 143);
    let lines: Vec<Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let refreshed =
        lines.iter().rfind(|line| line["event"] == "refreshed" && line["credential"] == TRACKER).unwrap();
    for name in ["time", "expires_at", "next_at"] {
        assert!(clock::parse(refreshed[name].as_str().unwrap()).is_some(), "{refreshed}");
    }
    assert_eq!(refreshed["level"], "info");
    let secrets = tokens.iter().flat_map(|token| [&token["access_token"], &token["refresh_token"]]);
    for secret in secrets.filter_map(Value::as_str).chain([SECRET, "agent-secret"]) {
        assert!(!ran.stderr.contains(secret), "{}", ran.stderr);
    }
}

#[test]
fn whoever_started_it_is_told_when_it_is_ready() {
    let mut user = User::new();
    agent(&user, &nobody(), "agent-secret");
    let path = user.project().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    user.env("NOTIFY_SOCKET", path.display().to_string());
    let mut service = Service::start(&user, &[]);
    service.says(&["ready: 1 credential, 0 good"]);
    let mut buffer = [0; 32];
    let length = socket.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"READY=1");
    service.end("TERM", 143);
}
