//! `mcpauth import` among software that nobody here wrote: the login of a real mcp-remote, a real keyring, real clients with the
//! files that it wrote, and the system that kills it or has no room left. Not here: what is found (see `import`).

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mcpauth::demo::mcp::{Sample, SampleTool};
use serde_json::{Value, json};

use super::discovery::{TOOL, lay_out};
use super::gateway::Gateway;
use super::mcp::{Everything, Wire, listing};
use super::{OidcProvider, browser_env, parts, under_keyring};
use crate::import::{BODY, leaks, server as keyed};
use crate::support::{Ran, User, ended, mode, read_json};

/// Every file below a folder, with its bytes and its mode.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, u32)> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(snapshot(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            files.insert(path, (bytes, mode));
        }
    }
    files
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// The words after `mcp-remote`: its issuer gives a refresh token only to who asks so.
fn words(url: &str) -> Vec<String> {
    let scope = json!({"scope": "openid offline_access mcp-servers-restricted/execute"}).to_string();
    [url, "--static-oauth-client-metadata", &scope, "--authorize-param", "prompt=consent", "--auth-timeout", "90"]
        .map(str::to_owned)
        .into()
}

/// A user whose Cursor starts mcp-remote, which has logged in.
fn logged_in(url: &str, shots: &Path) -> (User, PathBuf) {
    let user = User::new();
    let mut node = Command::new("node");
    node.arg(parts().join("clients/node_modules/mcp-remote/dist/proxy.js")).args(words(url));
    node.env_clear().envs(user.command(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
    node.envs(browser_env("oidc-provider", shots)).current_dir(user.home());
    let log = std::fs::File::create(user.home().join("mcp-remote.log")).unwrap();
    let mut child = node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().expect("node");
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{}", crate::bridge::initialize()).unwrap();
    let answer = BufReader::new(child.stdout.take().unwrap()).lines().next();
    let log = std::fs::read_to_string(user.home().join("mcp-remote.log")).unwrap();
    let answer: Value = serde_json::from_str(&answer.expect(&log).unwrap()).unwrap();
    assert!(answer["result"].is_object(), "{answer}\n{log}");
    drop(input);
    child.wait().unwrap();
    std::fs::remove_file(user.home().join("mcp-remote.log")).unwrap();
    let args: Vec<String> = ["-y".to_owned(), "mcp-remote@latest".into()].into_iter().chain(words(url)).collect();
    let path = user.home().join(".cursor/mcp.json");
    write(&path, &json!({"mcpServers": {"time": {"command": "npx", "args": args, "env": {"LOG": "1"}}}}).to_string());
    (user, path)
}

fn tokens_file(user: &User) -> PathBuf {
    let found = snapshot(&user.home().join(".mcp-auth")).into_keys();
    found.into_iter().find(|path| path.to_string_lossy().ends_with("_tokens.json")).expect("its tokens")
}

/// One tool call by what the client's file says, from another folder.
fn calls(user: &User, path: &Path) {
    let entry = read_json(path)["mcpServers"]["time"].clone();
    let mut command = Command::new(entry["command"].as_str().unwrap());
    command.args(entry["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()));
    command.env_clear().env("HOME", user.home()).env("PATH", std::env::var("PATH").unwrap()).current_dir("/");
    let answer = super::local::session(command, "tools/call", json!({"name": TOOL, "arguments": {}}));
    assert_eq!(answer["content"][0]["text"], "12:00", "{answer}");
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn a_login_of_mcp_remote_goes_on_here_and_comes_back() {
    let tools = [TOOL, "set_time"].map(|name| SampleTool { name, about: "Time", run: |_| "12:00".into() });
    let (provider, server) = (OidcProvider::start(), Sample::start("currenttime", &tools).expect("a server"));
    let operator = User::new();
    let address = lay_out(&operator, &provider, &server);
    let _gateway = Gateway::start_as_told(&operator);
    let url = format!("http://{address}/currenttime/mcp");

    let (user, path) = logged_in(&url, &operator.home().join("first"));
    let (before, theirs) = (std::fs::read(&path).unwrap(), snapshot(&user.home().join(".mcp-auth")));
    let kept = read_json(&tokens_file(&user));
    let ran = user.run(&["import", "--yes"]).code(0);
    assert!(!ran.stderr.contains("mcpauth login") && !ran.stdout.contains("mcpauth login"), "{ran:?}");
    for (file, (bytes, _)) in &theirs {
        let is_login = file.to_string_lossy().ends_with("_tokens.json")
            || file.to_string_lossy().ends_with("_client_info.json");
        assert_eq!(file.exists(), !is_login, "{}", file.display());
        assert!(!bytes.is_empty());
    }
    let own = user.own_store().join("mcp-127.0.0.1-egress.json");
    assert_eq!(read_json(&own)["access_token"], kept["access_token"], "nothing was used up");
    calls(&user, &path);
    // Its end is near: it is renewed, by the client that mcp-remote registered, and the refresh token rotates.
    let aged = |user: &User| {
        let own = user.own_store().join("mcp-127.0.0.1-egress.json");
        let mut stored = read_json(&own);
        stored["expires_at"] = 1.into();
        mcpauth::sys::private_file::write(&own, &stored.to_string()).unwrap();
        stored["refresh_token"].clone()
    };
    let mut spent = vec![aged(&user)];
    calls(&user, &path);
    spent.push(aged(&user));
    calls(&user, &path);
    spent.push(read_json(&own)["refresh_token"].clone());
    spent.dedup();
    assert_eq!(spent.len(), 3, "each refresh brings another one");

    user.run(&["config", "uninstall", "--restore"]).code(0);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(snapshot(&user.home().join(".mcp-auth")), theirs, "byte for byte, and with their modes");

    // Of another user whose mcp-remote has the same files, which are of no use by now.
    let other = User::new();
    for (file, (bytes, mode)) in &theirs {
        let to = other.home().join(file.strip_prefix(user.home()).unwrap());
        write(&to, &String::from_utf8_lossy(bytes));
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(*mode)).unwrap();
    }
    let tokens = tokens_file(&other);
    let mut old = read_json(&tokens);
    old["expires_at"] = 1.into();
    std::fs::write(&tokens, old.to_string()).unwrap();
    let held = snapshot(&other.home().join(".mcp-auth"));
    let path = other.home().join(".cursor/mcp.json");
    write(&path, &String::from_utf8_lossy(&before));
    let ran = other.run(&["import", "--yes"]).code(0);
    assert!(ran.stdout.contains("mcpauth login") || ran.stderr.contains("mcpauth login"), "{ran:?}");
    assert_eq!(snapshot(&other.home().join(".mcp-auth")), held, "what still needs a login stays");

    // One whose token ended long ago, and whose login is still good.
    let (third, path) = logged_in(&url, &operator.home().join("third"));
    let tokens = tokens_file(&third);
    let mut old = read_json(&tokens);
    old["expires_at"] = 1.into();
    old["access_token"] = "ended".into();
    std::fs::write(&tokens, old.to_string()).unwrap();
    third.run(&["import", "--yes"]).code(0);
    assert!(!tokens.exists());
    let own = read_json(&third.own_store().join("mcp-127.0.0.1-egress.json"));
    assert_ne!(own["refresh_token"], old["refresh_token"], "it was renewed");
    calls(&third, &path);
}
