//! The binary as its users run it: a folder of its own, an environment of its own, and all its output.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests start the program and lay out its files")]

pub(crate) mod coding;
pub(crate) mod face;
pub(crate) mod lab;
pub(crate) mod mint;
pub(crate) mod outside;
pub(crate) mod pty;
pub(crate) mod tls;
pub(crate) mod upstream;
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// One user: a project folder, a home, settings.
pub(crate) struct User {
    dir: tempfile::TempDir,
    env: BTreeMap<String, String>,
}

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl User {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["project", "home", "config/providers", "state"] {
            std::fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        let mut user = Self { dir, env: BTreeMap::new() };
        let at = |name: &str| user.dir.path().join(name).display().to_string();
        let env = [
            ("HOME", at("home")),
            ("MCPAUTH_CONFIG_DIR", at("config")),
            ("MCPAUTH_STATE_DIR", at("state")),
            ("REGISTRY_URL", "https://gw.test".into()),
            ("PATH", std::env::var("PATH").unwrap_or_default()),
        ];
        user.env = env.map(|(name, value)| (name.to_owned(), value)).into();
        user
    }

    /// Sets a variable of the environment.
    pub(crate) fn env(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// With an ingress client at an OpenID provider.
    pub(crate) fn oidc(
        &mut self,
        issuer: impl Into<String>,
        id: impl Into<String>,
        secret: impl Into<String>,
    ) -> &mut Self {
        self.env("AUTH_PROVIDER", "oidc").env("INGRESS_OAUTH_ISSUER", issuer);
        self.env("INGRESS_OAUTH_CLIENT_ID", id).env("INGRESS_OAUTH_CLIENT_SECRET", secret)
    }

    /// With an ingress client at a user pool.
    pub(crate) fn cognito(&mut self, issuer: &str, id: &str, secret: &str) -> &mut Self {
        self.env("INGRESS_OAUTH_ISSUER", issuer).env("INGRESS_OAUTH_USER_POOL_ID", "eu-west-1_AbC");
        self.env("INGRESS_OAUTH_CLIENT_ID", id).env("INGRESS_OAUTH_CLIENT_SECRET", secret)
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// A file of the project, 0600.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.project().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        mcpauth::sys::private_file::write(&path, text).unwrap();
        path
    }

    /// A provider file of the user's own.
    pub(crate) fn provider(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join("config/providers").join(format!("{name}.yaml")), text).unwrap();
    }

    /// A token file's JSON: the project's, else the user's own.
    pub(crate) fn token(&self, name: &str) -> Value {
        read_json(&self.token_path(name))
    }

    /// Where a token file is: with the project, else in the user's own store.
    pub(crate) fn token_path(&self, name: &str) -> PathBuf {
        let project = self.project().join(".oauth-tokens").join(name);
        if project.exists() { project } else { self.own_store().join(name) }
    }

    /// The folder of the user's own credentials.
    pub(crate) fn own_store(&self) -> PathBuf {
        self.home().join(".local/share/mcpauth/credentials")
    }

    /// The command, not yet started: no terminal, only this user's environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mcpauth"));
        command.args(args).current_dir(self.project()).env_clear().envs(&self.env);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A shell with this user's environment and our binary as `mcpauth`, not yet started.
    #[cfg(unix)]
    pub(crate) fn shell(&self, script: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_mcpauth")).parent().unwrap().display().to_string();
        let path = format!("{binary}:{}", std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).current_dir(self.project()).env_clear().envs(&self.env).env("PATH", path);
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        shell
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        ended(self.command(args).spawn().unwrap())
    }

    /// Runs it with something on stdin.
    pub(crate) fn run_with(&self, args: &[&str], stdin: &str) -> Ran {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        ended(child)
    }
}

/// Waits for a child's end.
pub(crate) fn ended(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// Expects an exit code, and shows everything if it is another.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, Some(expected), "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// The object on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }

    /// The error object on stderr (its last line).
    #[track_caller]
    pub(crate) fn json_error(&self) -> Value {
        let line = self.stderr.lines().last().unwrap_or_default();
        serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e}: {}", self.stderr))["error"]
            .clone()
    }
}

/// A server on loopback that gives everybody the same answer; its address.
pub(crate) fn answering(status: u16, body: &'static str) -> String {
    use std::io::Read;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let length = body.len();
            let reply = format!(
                "HTTP/1.1 {status} Any\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            // A client that disconnects early is not this server's concern.
            let _ = stream.read(&mut [0; 64 * 1024]).and_then(|_| stream.write_all(reply.as_bytes()));
        }
    });
    address
}

/// A loopback address where nobody listens.
pub(crate) fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A file's permission bits.
#[cfg(unix)]
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

pub(crate) fn read_json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
