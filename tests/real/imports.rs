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

/// The words after `mcp-remote`.
fn words(url: &str) -> Vec<String> {
    [url, "--authorize-param", "prompt=consent", "--auth-timeout", "90"].map(str::to_owned).into()
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
    let args: Vec<String> =
        ["-y".to_owned(), "mcp-remote@latest".into()].into_iter().chain(words(url)).collect();
    let path = user.home().join(".cursor/mcp.json");
    write(
        &path,
        &json!({"mcpServers": {"time": {"command": "npx", "args": args, "env": {"LOG": "1"}}}}).to_string(),
    );
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
    let (provider, server) =
        (OidcProvider::start_refreshing(), Sample::start("currenttime", &tools).expect("a server"));
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

    // One whose token ended long ago, and whose login is still valid.
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

/// Runs our command in a session with a keyring.
fn kept(user: &User, args: &[&str]) -> Ran {
    let mut command = under_keyring(&user.command(args));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ended(command.spawn().expect("keyring.sh"))
}

/// Files of two clients with a key, a local server's secret, and an old copy; each secret has the common body.
fn lay_out_secrets(user: &User, base: &str) -> BTreeMap<PathBuf, (Vec<u8>, u32)> {
    let secret = |n: usize| format!("{BODY}{n:03}");
    let cursor = json!({"mcpServers": {
        "keyed": {"url": format!("{base}/mcp"), "headers": {"X-Api-Key": secret(1)}},
        "local": {"command": "npx", "args": ["server"], "env": {"API_KEY": secret(2)}},
        "query": {"url": format!("{base}/mcp?api_key={}", secret(3))},
    }});
    let copy =
        json!({"mcpServers": {"local": {"command": "npx", "args": [], "env": {"API_KEY": secret(2)}}}});
    write(&user.home().join(".cursor/mcp.json"), &cursor.to_string());
    write(&user.home().join(".cursor/mcp.json.mcpauth-backup"), &copy.to_string());
    let gemini = json!({"mcpServers": {"gem": {"httpUrl": format!("{base}/mcp"), "headers": {"X-Api-Key": secret(4)}}}});
    write(&user.home().join(".gemini/settings.json"), &gemini.to_string());
    let files = snapshot(&user.home());
    for path in files.keys() {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    snapshot(&user.home())
}

/// Those of these files that are not as they were.
fn differing(files: &BTreeMap<PathBuf, (Vec<u8>, u32)>) -> Vec<&PathBuf> {
    files
        .iter()
        .filter(|(path, (bytes, _))| std::fs::read(path).ok().as_ref() != Some(bytes))
        .map(|(path, _)| path)
        .collect()
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn with_a_keyring_no_file_holds_a_secret_and_all_comes_back() {
    let server = keyed();
    let user = User::new();
    let files = lay_out_secrets(&user, &server.base);
    let ran = kept(&user, &["--storage", "keyring", "import", "--yes"]).code(0);
    assert!(!format!("{ran:?}").contains(BODY), "{ran:?}");
    assert_eq!(leaks(&user.home(), Path::new("")), Vec::<PathBuf>::new(), "not even in the store");
    assert!(!kept(&user, &["--storage", "keyring", "import", "--dry-run"]).code(0).stdout.contains("->"));
    let ran =
        kept(&user, &["--storage", "keyring", "exec", "local", "--", "sh", "-c", "printf %s \"$API_KEY\""])
            .code(0);
    assert_eq!(ran.stdout, format!("{BODY}002"));
    let ran = kept(&user, &["--storage", "keyring", "headers", "keyed"]).code(0);
    assert_eq!(ran.json()["X-Api-Key"], format!("{BODY}001"));
    // Without it nothing is lost and nothing changes.
    let held = snapshot(&user.home());
    let ran = user.run(&["config", "uninstall", "--restore"]).code(1);
    assert!(ran.stderr.contains("keyring"), "{ran:?}");
    assert_eq!(snapshot(&user.home()), held);
    // Part of it comes back, and the rest stays sealed whatever the storage is then.
    kept(&user, &["config", "uninstall", "--restore", "--server", "gem"]).code(0);
    let found = leaks(&user.home(), Path::new(""));
    assert_eq!(found, [user.home().join(".gemini/settings.json")]);
    kept(&user, &["config", "uninstall", "--restore"]).code(0);
    assert_eq!(differing(&files), Vec::<&PathBuf>::new());
    assert_eq!(mode(&user.home().join(".cursor/mcp.json.mcpauth-backup")), 0o600);
}

/// What changes files, as the system is asked for it.
const CHANGES: &str = "openat,write,rename,renameat,renameat2,unlink,unlinkat,mkdir,fsync,fdatasync,ftruncate,flock,fchmod,link,close";

/// Runs an import in which the system does `what` from the `n`th of these calls on.
fn disturbed(user: &User, args: &[&str], calls: &str, what: &str, when: &str) -> Option<i32> {
    let plain = user.command(args);
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
    command.args(["-e", &format!("inject={calls}:{what}:when={when}"), "--"]);
    command.arg(plain.get_program()).args(plain.get_args()).current_dir(user.project());
    command.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().expect("strace: run tests/real/setup.sh").code()
}

/// Each entry is as it was, or asks for what is stored.
fn either_or(user: &User, files: &BTreeMap<PathBuf, (Vec<u8>, u32)>, point: &str) {
    let entries = |text: &[u8]| {
        let file: Value = serde_json::from_slice(text).expect(point);
        file["mcpServers"].as_object().expect(point).clone()
    };
    for path in differing(files) {
        let Ok(text) = std::fs::read(path) else {
            assert!(path.to_string_lossy().ends_with("-backup"), "{point}: {} is lost", path.display());
            continue;
        };
        let (before, now) = (entries(&files[path].0), entries(&text));
        assert_eq!(before.keys().collect::<Vec<_>>(), now.keys().collect::<Vec<_>>(), "{point}");
        for (name, entry) in now.iter().filter(|(name, entry)| before[*name] != **entry) {
            assert!(!entry.to_string().contains(BODY), "{point}: {entry}");
            let key = |name| user.run(&["headers", name]).code(0).json()["X-Api-Key"].clone();
            match name.as_str() {
                "local" => {
                    let ran = user.run(&["exec", name, "--", "sh", "-c", "printf %s \"$API_KEY\""]).code(0);
                    assert_eq!(ran.stdout, format!("{BODY}002"), "{point}");
                }
                "keyed" => assert_eq!(key("keyed"), format!("{BODY}001"), "{point}"),
                "gem" => assert_eq!(key("gem"), format!("{BODY}004"), "{point}"),
                other => assert_eq!(other, "query", "{point}"),
            }
        }
    }
}

/// Disturbs imports at one point after the other until one is over before; how many points there were.
fn at_every_point(calls: &str, what: &str, until_the_end: bool) -> usize {
    let server = keyed();
    for n in 1.. {
        let user = User::new();
        let files = lay_out_secrets(&user, &server.base);
        let (point, plus) = (format!("{what} at {n}"), if until_the_end { "+" } else { "" });
        let ended = disturbed(&user, &["import", "--yes"], calls, what, &format!("{n}{plus}"));
        either_or(&user, &files, &point);
        if n % 5 == 0 || ended == Some(0) {
            // The next run brings it to its end, and the way back is there.
            user.run(&["import", "--yes"]).code(0);
            either_or(&user, &files, &point);
            assert_eq!(leaks(&user.home(), &user.own_store()), Vec::<PathBuf>::new(), "{point}");
        }
        user.run(&["config", "uninstall", "--restore"]).code(0);
        assert_eq!(differing(&files), Vec::<&PathBuf>::new(), "{point}");
        if ended == Some(0) {
            return n - 1;
        }
    }
    0
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn killed_at_any_point_an_import_leaves_the_old_or_the_new() {
    // Each call is counted for itself.
    let points = CHANGES.split(',').map(|call| at_every_point(call, "signal=SIGKILL", false)).sum::<usize>();
    assert!(points >= 200, "{points} points");
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn without_room_at_any_point_an_import_leaves_the_old_or_the_new() {
    let calls = ["fsync", "ftruncate", "mkdir"];
    let points = calls.map(|call| at_every_point(call, "error=ENOSPC", true)).iter().sum::<usize>();
    assert!(points >= 10, "{points} points");
}

/// The five clients' files: a login of mcp-remote's, a key in a header, and a local server that ends without its secret.
fn lay_out_clients(user: &User, far: &[String], keyed: &str) {
    let main = parts().join("node/node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    let main = main.display().to_string();
    let key = format!("{BODY}001");
    let secret = format!("{BODY}002");
    let script = format!("test ${{#API_KEY}} = {} && exec node {main} stdio", secret.len());
    let far: Vec<String> =
        ["-y".to_owned(), "mcp-remote".into()].into_iter().chain(far.iter().cloned()).collect();
    let local = json!({"command": "sh", "args": ["-c", script], "env": {"API_KEY": secret}});
    let remote = json!({"command": "npx", "args": far});
    let far_words = [&["npx".to_owned()], &far[..]].concat();
    let files = [
        (".claude.json", json!({"mcpServers": {"far": remote, "keyed": {"type": "http", "url": keyed, "headers": {"X-Api-Key": key}}, "local": local}}).to_string()),
        (".gemini/settings.json", json!({"mcpServers": {"far": remote, "keyed": {"httpUrl": keyed, "headers": {"X-Api-Key": key}}, "local": local}}).to_string()),
        (".config/opencode/opencode.json", json!({"mcp": {
            "far": {"type": "local", "command": far_words, "enabled": true},
            "keyed": {"type": "remote", "url": keyed, "headers": {"X-Api-Key": key}, "enabled": true},
            "local": {"type": "local", "command": ["sh", "-c", script], "environment": {"API_KEY": secret}, "enabled": true}}}).to_string()),
        (".codex/config.toml", format!(
            "[mcp_servers.far]\ncommand = \"npx\"\nargs = {}\n\n[mcp_servers.keyed]\nurl = \"{keyed}\"\nhttp_headers = {{ \"X-Api-Key\" = \"{key}\" }}\n\n\
             [mcp_servers.local]\ncommand = \"sh\"\nargs = {}\n\n[mcp_servers.local.env]\nAPI_KEY = \"{secret}\"\n",
            json!(far), json!(["-c", script]))),
        (".continue/config.yaml", format!(
            "name: mine\nversion: 1.0.0\nschema: v1\nmcpServers:\n  - name: far\n    command: npx\n    args: {}\n  - name: keyed\n    type: streamable-http\n    url: {keyed}\n    \
             requestOptions:\n      headers:\n        X-Api-Key: {key}\n  - name: local\n    command: sh\n    args: {}\n    env:\n      API_KEY: {secret}\n",
            json!(far), json!(["-c", script]))),
    ];
    files.iter().for_each(|(name, text)| write(&user.home().join(name), text));
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn real_clients_reach_every_server_after_an_import() {
    let tools = [TOOL, "set_time"].map(|name| SampleTool { name, about: "Time", run: |_| "12:00".into() });
    let (provider, server) =
        (OidcProvider::start_refreshing(), Sample::start("currenttime", &tools).expect("a server"));
    let operator = User::new();
    let address = lay_out(&operator, &provider, &server);
    let _gateway = Gateway::start_as_told(&operator);
    let url = format!("http://{address}/currenttime/mcp");
    let (user, cursor) = logged_in(&url, &operator.home().join("login"));
    std::fs::remove_file(cursor).unwrap();
    let everything = Everything::start(Wire::Http);
    let keyed = super::local::Keyed::start_with(everything.value("MCP_URL"), &format!("{BODY}001"));
    lay_out_clients(&user, &words(&url), keyed.address());
    let before: Vec<_> = snapshot(&user.home()).into_iter().map(|(path, (bytes, _))| (path, bytes)).collect();
    let ran = user.run(&["import", "--yes"]).code(0);
    assert!(!format!("{ran:?}").contains(BODY), "{ran:?}");
    assert_eq!(leaks(&user.home(), &user.own_store()), Vec::<PathBuf>::new());
    let imported = snapshot(&user.home());
    let folder = user.home().join("somewhere");
    std::fs::create_dir_all(&folder).unwrap();
    for client in ["claude-code", "codex", "gemini", "opencode", "continue"] {
        let seen = listing(client, &user.home(), &folder);
        assert_eq!(seen["error"], Value::Null, "{client}: {seen}");
        if client == "continue" {
            // Two of them are the same server, once behind its key and once with its secret.
            let tools = seen["servers"][""]["tools"].as_array().expect("tools");
            let count = |name: &str| tools.iter().filter(|tool| *tool == name).count();
            assert_eq!((count(TOOL), count("echo")), (1, 2), "{tools:?}");
            continue;
        }
        for name in ["far", "keyed", "local"] {
            assert_eq!(seen["servers"][name]["connected"], true, "{client} {name}: {seen}");
        }
    }
    // Clients write into their files; what they did not touch is back to the byte.
    let used = snapshot(&user.home());
    user.run(&["config", "uninstall", "--restore"]).code(0);
    for (path, bytes) in before {
        let now = std::fs::read(&path).unwrap_or_default();
        let is_clients = used.get(&path) != imported.get(&path);
        let says = String::from_utf8_lossy(&now);
        assert!(
            now == bytes
                || is_clients && says.contains(BODY) && !says.contains(env!("CARGO_BIN_EXE_mcpauth")),
            "{}: {says}",
            path.display()
        );
    }
}
