//! Guards around third-party MCP servers, and MCP clients as functions that return their output. Not here: identity
//! providers and browsers (see `mod.rs`).

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::{Part, parts, script};

guard! {
    /// The protocol's own demonstration server, handshake revisions only; `MCP_URL`, `TOOL`.
    Everything
}
guard! {
    /// An everyday server on the Python SDK, every revision; `MCP_URL`, `TOOLS` (add, greet, wipe).
    PyServer
}
guard! {
    /// The server the conformance suite asks for, every revision; `MCP_URL`.
    Fixture
}
guard! {
    /// mcp-atlassian behind a recorder; `MCP_URL`, `TOOL`.
    Atlassian
}
guard! {
    /// A reverse proxy that can add the ingress token and note what passes; `MCP_URL`, `NAMED_URL` (localhost).
    Relay
}

/// How a server is spoken to: streamable HTTP, or the transport of 2024-11-05.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Http,
    Sse,
}

/// An official SDK's generations; the older one ends at 2025-11-25.
#[derive(Clone, Copy)]
pub(crate) enum Sdk {
    Current,
    Legacy,
}

/// The official SDKs as clients of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StdioSdk {
    Python,
    PythonLegacy,
    TypeScript,
    TypeScriptLegacy,
}

/// The official clients that find out by themselves whom to ask for a token, with the protocol era they are to speak.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Finder {
    Python(&'static str),
    TypeScript(&'static str),
    TypeScriptLegacy,
    /// The Inspector's page in Chromium.
    InspectorInBrowser,
}

impl Everything {
    pub(crate) fn start(wire: Wire) -> Self {
        let mut command = Command::new(script("everything.sh"));
        command.arg(if wire == Wire::Sse { "sse" } else { "streamableHttp" });
        Self(Part::start("everything", command, Duration::from_secs(90)))
    }
}

impl PyServer {
    pub(crate) fn start(wire: Wire) -> Self {
        let mut command = Command::new(script("pyserver.sh"));
        command.arg(if wire == Wire::Sse { "sse" } else { "streamable-http" });
        Self(Part::start("pyserver", command, Duration::from_secs(90)))
    }
}

impl Fixture {
    pub(crate) fn start() -> Self {
        let command = Command::new(script("conformance-fixture.sh"));
        Self(Part::start("conformance-fixture", command, Duration::from_secs(90)))
    }
}

impl Atlassian {
    pub(crate) fn start() -> Self {
        Self(Part::start("atlassian", Command::new(script("atlassian.sh")), Duration::from_secs(150)))
    }

    /// The head of every request that came to it so far, byte for byte.
    pub(crate) fn recorded(&self) -> String {
        std::fs::read_to_string(self.value("RECORDED")).expect("the record")
    }

    /// Where it wanted to go, `CONNECT host:port` a line; nothing left the machine.
    pub(crate) fn reached(&self) -> String {
        std::fs::read_to_string(self.value("REACHED")).expect("the targets")
    }
}

impl Relay {
    /// In front of `target`; with a `token` it adds `X-Authorization`, with `record` it notes each request's head.
    pub(crate) fn start(target: &str, token: Option<&str>, record: Option<&Path>) -> Self {
        let mut command = Command::new("node");
        command.arg(script("relay.mjs")).arg(target).env("TOKEN", token.unwrap_or_default());
        if let Some(file) = record {
            command.arg("--record").arg(file);
        }
        Self(Part::start("relay", command, Duration::from_secs(60)))
    }
}

/// The Python SDK as a client, see `clients/pysdk.py`: `options` are those after the URL.
pub(crate) fn python_client(sdk: Sdk, url: &str, options: &[&str], headers: &Value) -> Value {
    let venv = match sdk {
        Sdk::Current => "mcp",
        Sdk::Legacy => "langchain",
    };
    let mut command = python(venv, "pysdk.py");
    command.arg(url).args(options).env("HEADERS", headers.to_string());
    json_of(&mut command)
}

/// The TypeScript SDK as a client, see `clients/tssdk.mjs`: the current one in a `mode`, or the generation before.
pub(crate) fn typescript_client(
    sdk: Sdk,
    mode: &str,
    url: &str,
    call: (&str, &str),
    headers: &Value,
) -> Value {
    let mut command = Command::new("node");
    let generation = if matches!(sdk, Sdk::Current) { "v2" } else { "v1" };
    command.arg(script("clients/tssdk.mjs")).args([generation, mode, url, call.0, call.1]);
    json_of(command.env("HEADERS", headers.to_string()).env("MCPAUTH_REAL_PARTS", parts()))
}

/// An official SDK over the server that `server` starts, see `clients/stdio_paces.py`; what the server is run with, its
/// client is run with too.
pub(crate) fn stdio_client(sdk: StdioSdk, paces: &str, mode: &str, server: &Command) -> Value {
    let mut client = match sdk {
        StdioSdk::Python => python("mcp", "stdio_paces.py"),
        StdioSdk::PythonLegacy => python("langchain", "stdio_paces.py"),
        StdioSdk::TypeScript | StdioSdk::TypeScriptLegacy => {
            let mut node = Command::new("node");
            let generation = if matches!(sdk, StdioSdk::TypeScript) { "v2" } else { "v1" };
            node.arg(script("clients/stdio_paces.mjs")).arg(generation);
            node
        }
    };
    client.args([paces, mode]).arg(server.get_program()).args(server.get_args());
    json_of(in_place_of(&mut client, server))
}

/// An official SDK over a bridge without a login, see `clients/asked_login.py`; `env` has alice's browser.
pub(crate) fn asked_login(
    sdk: StdioSdk,
    mode: &str,
    tool: &str,
    bridge: &Command,
    env: &[(String, String)],
) -> Value {
    let mut client = match sdk {
        StdioSdk::Python => python("mcp", "asked_login.py"),
        StdioSdk::PythonLegacy => python("langchain", "asked_login.py"),
        StdioSdk::TypeScript | StdioSdk::TypeScriptLegacy => {
            let mut node = Command::new("node");
            let generation = if matches!(sdk, StdioSdk::TypeScript) { "v2" } else { "v1" };
            node.arg(script("clients/asked_login.mjs")).arg(generation);
            node
        }
    };
    client.args([mode, tool]).arg(bridge.get_program()).args(bridge.get_args());
    json_of(in_place_of(&mut client, bridge).envs(env.iter().cloned()))
}

/// A client that is told an address alone and has alice log in, see `clients/discovering.py`; `env` has her browser.
pub(crate) fn discovering(finder: Finder, url: &str, tool: &str, env: &[(String, String)]) -> Value {
    let node = |words: [&str; 2]| {
        let mut command = Command::new("node");
        command.arg(script("clients/discovering.mjs")).args(words);
        command
    };
    let mut command = match finder {
        Finder::Python(mode) => {
            let mut command = python("mcp", "discovering.py");
            command.arg(mode);
            command
        }
        Finder::TypeScript(mode) => node(["v2", mode]),
        Finder::TypeScriptLegacy => node(["v1", "legacy"]),
        Finder::InspectorInBrowser => {
            let mut command = Command::new(script("clients/inspector_web.sh"));
            command.arg("oidc-provider");
            command
        }
    };
    json_of(command.args([url, tool]).envs(env.iter().cloned()).stdin(Stdio::null()))
}

/// What a real MCP client finds in its own configuration file, see `clients/listing.py`: it is started from `folder`
/// and knows only its file.
pub(crate) fn listing(client: &str, home: &Path, folder: &Path) -> Value {
    let mut command = Command::new("python3");
    command.current_dir(folder).env_clear().env("HOME", home);
    command.env("PATH", std::env::var("PATH").unwrap_or_default());
    listing_words(&mut command, client);
    json_of(&mut command)
}

/// What Python is told for it.
pub(crate) fn listing_words(command: &mut Command, client: &str) {
    command.arg(script("clients/listing.py")).arg(client).env("MCPAUTH_REAL_PARTS", parts());
}

/// With the folder and the variables of another command that starts from an empty environment.
fn in_place_of<'c>(command: &'c mut Command, other: &Command) -> &'c mut Command {
    command.env_clear().env("MCPAUTH_REAL_PARTS", parts());
    command.envs(other.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = other.get_current_dir() {
        command.current_dir(folder);
    }
    command
}

/// The guide's quick start for agents, see `clients/langchain_quickstart.py`; `~/.vscode/mcp.json` is in `home`.
pub(crate) fn quick_start(words: &[&str], home: &Path, env: &[(&str, &str)]) -> Value {
    let mut command = python("langchain", "langchain_quickstart.py");
    command.args(words).current_dir(home).env("HOME", home).envs(env.iter().copied());
    json_of(&mut command)
}

/// The Inspector's command line, see `clients/inspector.sh`; `target` is a URL or `FILE:SERVER`.
pub(crate) fn inspector(target: &str, method: &str, options: &[&str], headers: &Value) -> Value {
    let mut command = Command::new(script("clients/inspector.sh"));
    command.args([target, method]).args(options).env("HEADERS", headers.to_string());
    json_of(&mut command)
}

/// The official suite's verdicts on the server at `url` (by the name localhost), `scenario check verdict` each,
/// at the wire of `revision`. Its notes are left in `notes`.
pub(crate) fn conformance(url: &str, notes: &Path, revision: &str) -> Vec<String> {
    let mut command = Command::new(script("conformance.sh"));
    let said = done(command.arg(url).arg(notes).arg(revision));
    String::from_utf8(said.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

fn python(venv: &str, program: &str) -> Command {
    let mut command = Command::new(parts().join(venv).join("bin/python"));
    command.arg(script("clients").join(program)).env("NO_PROXY", "127.0.0.1,localhost");
    command
}

/// A client also reports its own failures in its JSON, so its exit code adds nothing.
pub(crate) fn json_of(command: &mut Command) -> Value {
    let said = run(command);
    serde_json::from_slice(&said.stdout)
        .unwrap_or_else(|e| panic!("{command:?} printed no JSON ({e}): {}", errors(&said)))
}

fn done(command: &mut Command) -> Output {
    let said = run(command);
    assert!(said.status.success(), "{command:?}: {}", errors(&said));
    said
}

fn run(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|e| panic!("{command:?} cannot be started ({e}): run tests/real/setup.sh"))
}

fn errors(said: &Output) -> String {
    String::from_utf8_lossy(&said.stderr).into_owned()
}
