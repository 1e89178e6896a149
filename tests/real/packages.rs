//! What is published can be installed: `.ci/package` packs this build, npm and pip install it into empty folders, and each
//! copy shows its version, runs the demo and bridges to a server that nobody here wrote.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::mcp::{Everything, Wire};
use crate::support::{User, ended};

/// What a command prints; it ends well.
fn output(command: &mut Command) -> String {
    let ran = ended(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts"));
    ran.code(0).stdout
}

/// The files that `.ci/package` makes of this build, in this folder.
fn packages(folder: &Path) -> Vec<PathBuf> {
    let target = match std::env::consts::ARCH {
        "aarch64" => "aarch64-unknown-linux-gnu",
        _ => "x86_64-unknown-linux-gnu",
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/package");
    output(Command::new(script).args([env!("CARGO_BIN_EXE_mcpauth"), target]).arg(folder))
        .lines()
        .map(PathBuf::from)
        .collect()
}

/// The binary that npm installs: the launcher by its name, the platform's package beside it.
fn by_npm(made: &[PathBuf], prefix: &Path) -> PathBuf {
    let tarballs = made.iter().filter(|path| path.extension().is_some_and(|it| it == "tgz"));
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(prefix).args(tarballs);
    output(&mut npm);
    prefix.join("node_modules/.bin/mcpauth")
}

/// The binary that pip installs, from no index.
fn by_pip(made: &[PathBuf], prefix: &Path) -> PathBuf {
    let wheel = made.iter().find(|path| path.extension().is_some_and(|it| it == "whl")).expect("a wheel");
    output(Command::new("python3").args(["-m", "venv"]).arg(prefix));
    output(Command::new(prefix.join("bin/pip")).args(["install", "--quiet", "--no-index"]).arg(wheel));
    prefix.join("bin/mcpauth")
}

/// The binary of the archive.
fn by_hand(made: &[PathBuf], prefix: &Path) -> PathBuf {
    let archive = made.iter().find(|path| path.extension().is_some_and(|it| it == "gz")).expect("an archive");
    std::fs::create_dir(prefix).unwrap();
    output(Command::new("tar").args(["xzf"]).arg(archive).arg("-C").arg(prefix).arg("--strip-components=1"));
    for inside in ["LICENSE-MIT", "README.md", "man/mcpauth-bridge.1", "completions/mcpauth.zsh"] {
        assert!(prefix.join(inside).is_file(), "{inside}");
    }
    prefix.join("mcpauth")
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn every_package_installs_and_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = packages(&folder.path().join("made"));
    let server = Everything::start(Wire::Http);
    for (name, install) in
        [("npm", by_npm as fn(&[PathBuf], &Path) -> PathBuf), ("pip", by_pip), ("tar", by_hand)]
    {
        let binary = install(&made, &folder.path().join(name));
        let user = User::new();
        let run = |words: &[&str]| {
            let ours = user.command(words);
            let mut command = Command::new(&binary);
            let env = ours.get_envs().filter_map(|(name, value)| Some((name, value?)));
            command.args(words).env_clear().envs(env).current_dir(user.project());
            command
        };
        let version = output(&mut run(&["--version"]));
        assert_eq!(version, format!("mcpauth {}\n", env!("CARGO_PKG_VERSION")), "{name}");
        output(&mut run(&["demo"]));

        let mut bridge = run(&["bridge", server.value("MCP_URL")]);
        let mut bridge =
            bridge.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "packages", "version": "1"}}});
        writeln!(bridge.stdin.take().unwrap(), "{hello}").unwrap();
        let answer: Value = serde_json::from_str(&ended(bridge).code(0).stdout).expect("one message");
        assert_eq!(answer["result"]["protocolVersion"], "2025-06-18", "{name}: {answer}");

        // An exit code is the binary's own.
        ended(run(&["token", "nothing"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
            .code(2);
    }
}
