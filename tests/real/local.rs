//! Servers that nobody here wrote, started by `mcpauth exec` with their secrets, and one behind a key that the bridge
//! sends. Not here: the same with servers of the tests' own (see `own`).

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::mcp::{Everything, Wire};
use super::parts;
use crate::by_address::{NAME, REGISTRATION, play, to};
use crate::support::wire::free_port;
use crate::support::{User, ended};

const SECRET: &str = "sk-live-0123456789abcdef";

/// An answer over stdio, whatever the server sends before it.
fn ask(lines: &mut impl BufRead, stdin: &mut impl Write, id: u64, method: &str, params: Value) -> Value {
    writeln!(stdin, "{}", json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).unwrap();
    loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "it ends before it answers {method}");
        let message: Value = serde_json::from_str(&line).unwrap_or_default();
        if message["id"] == id {
            return message["result"].clone();
        }
    }
}

/// A session with a server over stdio, and the result of one request in it; the server ends well.
pub(super) fn session(mut server: Command, method: &str, params: Value) -> Value {
    let mut child =
        server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let about = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let hello = ask(&mut lines, &mut stdin, 1, "initialize", about);
    assert_eq!(hello["protocolVersion"], "2025-06-18");
    writeln!(stdin, "{}", json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).unwrap();
    let result = ask(&mut lines, &mut stdin, 2, method, params);
    drop(stdin);
    child.wait().unwrap();
    result
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn the_protocols_own_server_gets_its_secrets_and_nobody_elses() {
    let user = User::new();
    user.run_with(&["secret", "set", "everything", "API_KEY"], SECRET).code(0);
    user.run_with(&["secret", "set", "other", "OTHER_KEY"], "sk-other-0123456789").code(0);
    let main = parts().join("node/node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    let main = main.to_str().unwrap();
    let server = user.command(&["exec", "everything", "--", "node", main, "stdio"]);
    let result = session(server, "tools/call", json!({"name": "get-env", "arguments": {}}));
    let text = result["content"][0]["text"].as_str().expect("a text");
    assert!(text.contains(SECRET), "{text}");
    assert!(!text.contains("sk-other"), "{text}");
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn a_real_server_stands_in_our_place_and_no_word_of_it_is_a_secret() {
    let user = User::new();
    user.run_with(&["secret", "set", "everything", "API_KEY"], SECRET).code(0);
    let main = parts().join("node/node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    let words = ["-vv", "exec", "everything", "--", "node", main.to_str().unwrap(), "stdio"];
    for signal in ["TERM", "INT"] {
        let mut child = user.command(&words).stdin(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let about = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        ask(&mut lines, &mut stdin, 1, "initialize", about);
        let of = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", child.id())).unwrap();
        assert!(of("cmdline").starts_with("node\0") && !of("cmdline").contains(SECRET), "{}", of("cmdline"));
        assert!(of("environ").contains(SECRET));
        Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
        let status = child.wait().unwrap();
        use std::os::unix::process::ExitStatusExt as _;
        assert!(status.signal().is_some() || status.code().is_some(), "{status:?}");
        let mut said = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
        assert!(!said.contains(SECRET), "{said}");
    }
    // What it cannot do it says itself, with its own exit code.
    let ran =
        ended(user.command(&["exec", "everything", "--", "node", "/no/such/server.js"]).spawn().unwrap());
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("/no/such/server.js") && !ran.stderr.contains(SECRET), "{ran:?}");
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn a_server_that_wants_a_variable_works_with_it_alone() {
    let mut user = User::new();
    user.env("JIRA_URL", "http://127.0.0.1:9").env("JIRA_USERNAME", "someone");
    let program = parts().join("atlassian/bin/mcp-atlassian");
    let program = program.to_str().unwrap();
    user.run_with(&["secret", "set", "jira", "UNRELATED"], SECRET).code(0);
    let tools = |user: &User| {
        let server = user.command(&["exec", "jira", "--", program]);
        session(server, "tools/list", json!({}))["tools"].as_array().unwrap().len()
    };
    assert_eq!(tools(&user), 0);
    user.run_with(&["secret", "set", "jira", "JIRA_API_TOKEN"], SECRET).code(0);
    assert!(tools(&user) > 0);
}

/// A server behind a proxy that admits only who has the key.
pub(super) struct Keyed {
    child: Child,
    address: String,
    _dir: tempfile::TempDir,
}

impl Keyed {
    fn start(server: &str) -> Self {
        Self::start_with(server, SECRET)
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn start_with(server: &str, key: &str) -> Self {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let server = url::Url::parse(server).unwrap();
        let text = format!(
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n\
             frontend keyed\n  bind 127.0.0.1:{port}\n\
             \n  http-request deny deny_status 401 unless {{ req.hdr(x-api-key) -m str {key} }}\n  default_backend server\n\
             backend server\n  server s {}:{}\n",
            server.host_str().unwrap(),
            server.port().unwrap()
        );
        let file = dir.path().join("haproxy.cfg");
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new("/usr/sbin/haproxy");
        command.arg("-db").arg("-f").arg(&file).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().expect("haproxy: run tests/real/setup.sh");
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Self { child, address: format!("http://127.0.0.1:{port}{}", server.path()), _dir: dir }
    }
}

impl Drop for Keyed {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn a_key_opens_a_real_server_through_the_bridge() {
    let everything = Everything::start(Wire::Http);
    let keyed = Keyed::start(everything.value("MCP_URL"));
    let user = User::new();
    let login = ["login", &keyed.address, "--with-token", "--header", "X-Api-Key"];
    user.run_with(&login, "sk-wrong-0123456789").code(4);
    user.run_with(&login, SECRET).code(0);
    let bridge = user.command(&["bridge", &keyed.address]);
    let result = session(bridge, "tools/call", json!({"name": "echo", "arguments": {"message": "hello"}}));
    assert_eq!(result["content"][0]["text"], "Echo: hello");
    // What a client is told to start, from any folder.
    let rendered = user.run(&["config", "render", "--client", "cursor"]).code(0).json();
    let entry = rendered["mcpServers"]["127.0.0.1"].clone();
    let words: Vec<&str> =
        entry["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert!(!entry.to_string().contains(SECRET));
    let mut started = user.command(&words);
    started.current_dir(user.home());
    let result = session(started, "tools/list", json!({}));
    assert!(!result["tools"].as_array().unwrap().is_empty());
    ended(user.command(&["list", &keyed.address]).spawn().unwrap()).code(0);
}

/// Runs our command in a session with a keyring.
fn kept(user: &User, args: &[&str], stdin: &str) -> crate::support::Ran {
    let mut command = super::under_keyring(&user.command(&[&["--storage", "keyring"], args].concat()));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("keyring.sh");
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    ended(child)
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn a_keyring_holds_keys_and_secrets_and_no_file_has_them() {
    let everything = Everything::start(Wire::Http);
    let keyed = Keyed::start(everything.value("MCP_URL"));
    let user = User::new();
    kept(&user, &["login", &keyed.address, "--with-token", "--header", "X-Api-Key"], SECRET).code(0);
    kept(&user, &["secret", "set", "files", "API_KEY"], SECRET).code(0);
    kept(&user, &["secret", "set", "files", "OTHER"], "sk-other-0123456789").code(0);
    let mut folders = vec![user.own_store()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains("sk-"), "{}", path.display());
        }
    }
    assert!(files >= 3, "{files}");
    assert_eq!(kept(&user, &["token", "127.0.0.1"], "").code(0).stdout, format!("{SECRET}\n"));
    let exec = ["exec", "files", "--", "sh", "-c", "echo $API_KEY $OTHER"];
    assert_eq!(kept(&user, &exec, "").code(0).stdout, format!("{SECRET} sk-other-0123456789\n"));
    kept(&user, &["secret", "remove", "files", "OTHER"], "").code(0);
    assert_eq!(kept(&user, &exec, "").code(0).stdout, format!("{SECRET}\n"));
    kept(&user, &["secret", "remove", "files"], "").code(0);
    kept(&user, &exec, "").code(2);
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn a_keyring_seals_the_secrets_of_registered_clients() {
    let (server, user) = (play(|_, _, _| ()), User::new());
    let url = format!("{}/mcp", server.base);
    let own = ["login", &url, "--client-id", "own", "--client-secret-file", "-", "--client-credentials"];
    let file = user.own_store().join(REGISTRATION);
    let text = || std::fs::read_to_string(&file).unwrap();
    let proof = || {
        let seen = server.seen();
        to(&seen, "/token").last().unwrap().header("authorization").unwrap_or_default().to_owned()
    };
    user.run_with(&own, SECRET).code(0);
    assert!(text().contains(SECRET), "a file has it");
    let (before, asked) = (proof(), server.seen().len());
    assert!(before.starts_with("Basic "), "{before}");

    // One from before is sealed with the first command, and the client is the same.
    kept(&user, &["token", NAME], "").code(0);
    assert!(!text().contains(SECRET) && text().contains("sealed") && text().contains("own"), "{}", text());
    assert!(server.seen().len() > asked, "the token had expired");
    assert_eq!(proof(), before);
    kept(&user, &[&own[..], &["--force"]].concat(), SECRET).code(0);
    assert!(!text().contains(SECRET), "{}", text());
    assert_eq!(proof(), before);
    assert!(kept(&user, &["status", "--json"], "").stdout.contains(NAME));
    let ran = user.run(&["token", NAME]);
    assert!(
        ran.code != Some(0) && ran.stderr.contains("keyring") && ran.stderr.contains("--force"),
        "{ran:?}"
    );
    kept(&user, &["logout", NAME, "--yes"], "").code(0);
    assert!(!file.exists());
}
