//! The network side of a login: a browser made of raw requests, a child that shows its login address, and servers
//! that answer by a script.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests send signals by the kill command")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use mcpauth::demo::idp::{Idp, IdpClient, Options};
use url::Url;

use crate::support::{Ran, User};

/// Long enough for the slowest machine; nothing waits this long if all is well.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

/// Sends one request on a connection of its own and reads the answer to its end.
pub(crate) fn send(method: &str, url: &str, body: &str) -> std::io::Result<Reply> {
    let url = Url::parse(url).unwrap();
    let mut stream = TcpStream::connect(url.socket_addrs(|| None).unwrap().as_slice())?;
    stream.set_read_timeout(Some(TEST_TIMEOUT))?;
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    write!(
        stream,
        "{method} {}{query} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\n\r\n{body}",
        url.path(),
        url.host_str().unwrap(),
        body.len()
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok(Reply { status, head: head.into(), body: body.into() })
}

pub(crate) fn get(url: &str) -> Reply {
    send("GET", url, "").unwrap()
}

/// Opens a login address, clicks `allow` or `deny`, and returns where the provider sends the browser.
pub(crate) fn decide(url: &str, decision: &str) -> String {
    let page = get(url);
    assert_eq!(page.status, 200, "{page:?}");
    let ticket = page.body.split("name=\"ticket\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let origin = Url::parse(url).unwrap().origin().ascii_serialization();
    let reply = send("POST", &format!("{origin}/authorize"), &format!("ticket={ticket}&decision={decision}"));
    let reply = reply.unwrap();
    let location = reply.head.lines().find_map(|line| line.strip_prefix("location: "));
    location.unwrap_or_else(|| panic!("{reply:?}")).to_owned()
}

/// A parameter of a URL's query.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The callback address of a login, with a query of the test's own after its state.
pub(crate) fn callback(url: &str, more: &str) -> String {
    let (uri, state) = (parameter(url, "redirect_uri").unwrap(), parameter(url, "state").unwrap());
    format!("{uri}?state={state}&{more}")
}

/// A child whose stderr is read while it runs.
pub(crate) struct Running {
    child: Owned,
    stdout: JoinHandle<String>,
    lines: Receiver<String>,
    said: String,
}

/// A child that does not outlive a failing test.
struct Owned(Child);

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let stdout = child.stdout.take();
        let stdout = std::thread::spawn(move || {
            let mut text = String::new();
            // A test may have given it a stdout of its own.
            stdout.map(|mut stdout| stdout.read_to_string(&mut text).unwrap());
            text
        });
        Self { child: Owned(child), stdout, lines, said: String::new() }
    }

    /// The next login address it prints.
    #[track_caller]
    pub(crate) fn url(&mut self) -> String {
        self.line(|line| line.starts_with("http"))
    }

    /// The next line on stderr that is such a one.
    #[track_caller]
    pub(crate) fn line(&mut self, is: impl Fn(&str) -> bool) -> String {
        loop {
            let line = self.lines.recv_timeout(TEST_TIMEOUT).unwrap_or_else(|e| panic!("{e}: {}", self.said));
            self.said.push_str(&format!("{line}\n"));
            if is(&line) {
                return line;
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.0.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        loop {
            match self.lines.recv_timeout(TEST_TIMEOUT) {
                Ok(line) => self.said.push_str(&format!("{line}\n")),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.child.0.kill();
                    panic!("it does not end: {}", self.said);
                }
            }
        }
        let code = self.child.0.wait().unwrap().code();
        Ran { code, stdout: self.stdout.join().unwrap(), stderr: self.said }
    }
}

/// What a scripted server was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Lowercase request line and headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Asked {
    /// A field of the form.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// A server of the test's own; it lives as long as the test binary.
pub(crate) struct Scripted {
    pub(crate) base: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Scripted {
    /// Answers every request, each on a thread of its own, with the script's status and body.
    pub(crate) fn start(script: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (script, log) = (Arc::new(script), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                std::thread::spawn(move || {
                    // A client that was killed in between is not a failure here.
                    let _ = answer(stream, |asked| {
                        log.lock().unwrap().push(asked.clone());
                        script(asked)
                    });
                });
            }
        });
        Self { base, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(stream: TcpStream, script: impl FnOnce(&Asked) -> (u16, String)) -> std::io::Result<()> {
    stream.set_read_timeout(Some(TEST_TIMEOUT))?;
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let name = line.to_ascii_lowercase();
        if let Some(value) = name.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (status, body) = script(&Asked { head, body: String::from_utf8(body).unwrap() });
    let mut stream = reader.into_inner();
    write!(stream, "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// The client secret of the provider `tracker`.
pub(crate) const SECRET: &str = "tracker+secret/4711=";

/// An identity provider with an ingress client, `agent`.
pub(crate) fn ingress_idp(secret: &str) -> Idp {
    let clients = vec![IdpClient::machine("agent", secret, &["read"])];
    Idp::start(Options { clients, ..Options::default() }).unwrap()
}

/// An identity provider with one client of each sort, whose access tokens live `lifetime` seconds.
pub(crate) fn idp(lifetime: u64) -> Idp {
    idp_for(lifetime, "http://127.0.0.1/callback")
}

pub(crate) fn idp_for(lifetime: u64, redirect_uri: &str) -> Idp {
    let scopes = ["read:work", "offline_access"];
    Idp::start(Options {
        clients: vec![IdpClient::confidential("tracker-client", SECRET, redirect_uri, &scopes)],
        access_token_lifetime: Duration::from_secs(lifetime),
        ..Options::default()
    })
    .unwrap()
}

/// A port that nobody listens on, below those that the system hands out, and another one each time.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    loop {
        let port = start + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl User {
    /// Egress set `n` at a provider of that name, whose endpoints are below `base`.
    pub(crate) fn tracker(
        &mut self,
        name: &str,
        n: usize,
        base: &str,
        redirect: &str,
        more: &str,
    ) -> &mut Self {
        self.provider(
            name,
            &format!(
                "display_name: Tracker\nauthorization_endpoint: {base}/authorize\ntoken_endpoint: {base}/token\n\
                 scopes: [\"read:work\", offline_access]\n{more}"
            ),
        );
        self.env(&format!("EGRESS_PROVIDER_NAME_{n}"), name)
            .env(&format!("EGRESS_OAUTH_CLIENT_ID_{n}"), "tracker-client")
            .env(&format!("EGRESS_OAUTH_CLIENT_SECRET_{n}"), SECRET)
            .env(&format!("EGRESS_OAUTH_REDIRECT_URI_{n}"), redirect)
    }

    /// A user with set 1 at this identity provider.
    pub(crate) fn at(idp: &Idp) -> Self {
        let mut user = Self::new();
        let issuer = idp.issuer();
        user.tracker(
            "tracker",
            1,
            issuer,
            "http://127.0.0.1:0/callback",
            &format!("issuer: {issuer}\niss_required: true\n"),
        );
        user
    }

    /// Starts a run whose stderr is read meanwhile.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Running::start(self.command(args))
    }

    /// Logs in once, as a user who allows the request.
    #[track_caller]
    pub(crate) fn log_in(&self) {
        let mut running = self.start(&["egress", "--no-browser"]);
        let back = decide(&running.url(), "allow");
        assert_eq!(get(&back).status, 200);
        running.end().code(0);
    }

    /// Changes a token file's members.
    pub(crate) fn plant(&self, name: &str, members: &[(&str, serde_json::Value)]) {
        let mut object = self.token(name);
        for (key, value) in members {
            object[*key] = value.clone();
        }
        mcpauth::sys::private_file::write(&self.token_path(name), &object.to_string()).unwrap();
    }
}
