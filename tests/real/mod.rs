//! Guards around third-party software: identity providers, MCP servers and clients, a browser, a desktop's secret
//! storage.
//!
//! `tests/real/setup.sh` installs what they start; each script next to this file says what it is. A guard starts its
//! script, reads what it announces and ends it when dropped. A guard may also be in a `static` (Keycloak takes time):
//! statics are never dropped, but the script ends with its standard input, which is ours, so nothing outlives the
//! test process however that ends.
//!
//! Tests here are `#[ignore = "real parts: run .ci/run"]`; a part that is not installed fails them.

#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test starts its parts itself; none is given a secret in its argv"
)]

mod asked_login;
mod bridge_clients;
mod client_conformance;
mod client_files;
mod device;
mod discovery;
mod face;
mod face_sign_in;
mod flows;
mod gateway;
mod gateway_clients;
mod gateway_conformance;
mod gateway_egress;
mod gateway_idps;
mod haproxy;
mod imports;
mod local;
mod mcp_remote;
mod methods;
mod openapi;
mod packages;
mod shells;
mod smoke;
mod vending;
mod wycheproof;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A running script of this folder: its base address and what it seeded.
pub(crate) struct Part {
    name: &'static str,
    child: Child,
    base: String,
    values: HashMap<String, String>,
}

impl Part {
    fn start(name: &'static str, mut command: Command, limit: Duration) -> Self {
        let mut errors = tempfile::tempfile().expect("a temporary file");
        let mut child = command
            .arg("--watch-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.try_clone().expect("a second handle"))
            .process_group(0)
            .spawn()
            .unwrap_or_else(|e| panic!("{name} cannot be started ({e}): run tests/real/setup.sh"));
        let lines = lines_of(child.stdout.take().expect("its output is piped"));
        let mut part = Self { name, child, base: String::new(), values: HashMap::new() };
        let until = Instant::now() + limit;
        loop {
            // On the way out `part` is dropped, and the script with it.
            let left = until.saturating_duration_since(Instant::now());
            let line = lines.recv_timeout(left).unwrap_or_else(|e| {
                panic!(
                    "{name} did not get ready ({e}); is tests/real/setup.sh run? It said:\n{}",
                    text_of(&mut errors)
                )
            });
            if line == "END" {
                assert!(!part.base.is_empty(), "{name} announced no address");
                return part;
            }
            if let Some(base) = line.strip_prefix("READY ") {
                part.base = base.to_owned();
            } else if let Some((key, value)) = line.split_once('=') {
                part.values.insert(key.to_owned(), value.to_owned());
            }
        }
    }

    /// The address it is reached at, without a slash at its end; for Keycloak the realm's issuer.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// A seeded value by the name the script prints it under.
    pub(crate) fn value(&self, key: &str) -> &str {
        self.values.get(key).unwrap_or_else(|| panic!("{} has no {key}", self.name))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let id = self.child.id();
        signal("-TERM", &id.to_string());
        let until = Instant::now() + Duration::from_secs(15);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        if matches!(self.child.try_wait(), Ok(None)) {
            signal("-KILL", &format!("-{id}"));
            let _ = self.child.wait();
        }
    }
}

fn signal(name: &str, target: &str) {
    let _ = Command::new("kill").args([name, "--", target]).stderr(Stdio::null()).status();
}

fn lines_of(output: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        BufReader::new(output).lines().map_while(Result::ok).try_for_each(|l| send.send(l))
    });
    receive
}

fn text_of(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
    text
}

/// The folder `setup.sh` installs into. Asked for here, because a program under test has another HOME.
fn parts() -> PathBuf {
    let said = Command::new(script("setup.sh")).arg("--where").output().expect("setup.sh is there");
    PathBuf::from(String::from_utf8(said.stdout).expect("a path in UTF-8").trim_end())
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(name)
}

macro_rules! guard {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub(crate) struct $name(Part);

        impl std::ops::Deref for $name {
            type Target = Part;
            fn deref(&self) -> &Part {
                &self.0
            }
        }
    };
}

mod mcp; // after the macro it uses
mod mcp_smoke;
mod search;

guard! {
    /// The certified OpenID provider: every client authentication, PKCE, rotation, RFC 9207.
    OidcProvider
}
guard! {
    /// The Cognito stand-in, by its own address and, through [`Ministack::amazon_env`], by Amazon's.
    Ministack
}
guard! {
    /// A real Keycloak; some fifteen seconds to start, so let tests share one.
    Keycloak
}

impl OidcProvider {
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// One that lets every login go on, as most services do.
    pub(crate) fn start_refreshing() -> Self {
        let mut command = Command::new("node");
        command.arg(script("oidc-provider/server.mjs")).env("REFRESH", "any");
        Self(Part::start("oidc-provider", command, Duration::from_secs(60)))
    }

    /// With a client `m2m-jwt` (`JWT_CLIENT_ID`, private_key_jwt) that has this public JWK.
    pub(crate) fn start_with(public_jwk: &str) -> Self {
        let mut command = Command::new("node");
        command.arg(script("oidc-provider/server.mjs")).env("MCPAUTH_REAL_JWK", public_jwk);
        Self(Part::start("oidc-provider", command, Duration::from_secs(60)))
    }

    /// One step of a key rotation: `publish`, `switch` or `drop`, see `oidc-provider/server.mjs`.
    pub(crate) fn rotate(&self, step: &str) {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--fail", "--noproxy", "*", "-X", "POST"])
            .arg(format!("{}/{step}", self.value("KEYS_URL")));
        assert!(
            curl.stdout(Stdio::null()).status().expect("curl: run tests/real/setup.sh").success(),
            "{step}"
        );
    }
}

impl Ministack {
    /// The browser clients' callbacks are those in `CALLBACK_URLS`: ports that were free at the start.
    pub(crate) fn start() -> Self {
        Self::start_for("")
    }

    /// With this as the only callback of the browser clients.
    pub(crate) fn start_for(callback: &str) -> Self {
        let mut command = Command::new(script("ministack.sh"));
        command.env("MCPAUTH_REAL_CALLBACKS", callback);
        Self(Part::start("ministack", command, Duration::from_secs(120)))
    }

    /// What makes any client reach it at `cognito-idp.us-east-1.amazonaws.com` and the domain's host, by https.
    pub(crate) fn amazon_env(&self) -> Vec<(String, String)> {
        let pairs = [
            ("HTTPS_PROXY", self.value("PROXY")),
            ("SSL_CERT_FILE", self.value("CA")),
            ("NO_PROXY", "127.0.0.1,localhost"),
        ];
        pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into()
    }
}

impl Keycloak {
    /// `jwks_url` is where it fetches the keys of its private_key_jwt client (`JWT_CLIENT_ID`, ES256).
    pub(crate) fn start(jwks_url: &str) -> Self {
        let mut command = Command::new(script("keycloak.sh"));
        command.env("MCPAUTH_REAL_JWKS_URL", jwks_url);
        Self(Part::start("keycloak", command, Duration::from_secs(270)))
    }

    /// One step of the realm's key rotation: `publish`, `switch` or `drop`, see `keycloak-keys.py`.
    pub(crate) fn rotate(&self, step: &str) {
        let mut keys = Command::new("python3");
        keys.arg(script("keycloak-keys.py")).args([self.value("KEYCLOAK_URL"), self.value("REALM"), step]);
        let said = keys.output().expect("python3");
        assert!(said.status.success(), "{step}: {}", String::from_utf8_lossy(&said.stderr));
    }
}

/// The environment that puts alice in front of a browser: `kind` is `oidc-provider`, `ministack` or `keycloak`,
/// and `shots` gets `login.png`, `consent.png`, `callback.png`, `browser.log` and, at last, `browser.exit`.
pub(crate) fn browser_env(kind: &str, shots: &Path) -> Vec<(String, String)> {
    vec![
        ("BROWSER".into(), script("browser.sh").display().to_string()),
        ("MCPAUTH_BROWSER_KIND".into(), kind.into()),
        ("MCPAUTH_BROWSER_SHOTS".into(), shots.display().to_string()),
        ("MCPAUTH_REAL_PARTS".into(), parts().display().to_string()),
    ]
}

/// The same command with an unlocked keyring of its own. Its HOME, if set, is kept and contains the keyring (a later
/// run finds what this one stored); otherwise HOME is a temporary folder. Arguments, folder and variables carry over;
/// `env_clear`, the standard streams and process groups must be set again.
pub(crate) fn under_keyring(command: &Command) -> Command {
    let mut wrapped = Command::new(script("keyring.sh"));
    wrapped.arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(home) if key == OsStr::new("HOME") => wrapped.env("MCPAUTH_KEYRING_HOME", home),
            Some(value) => wrapped.env(key, value),
            None => wrapped.env_remove(key),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        wrapped.current_dir(folder);
    }
    wrapped
}
