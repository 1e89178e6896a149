//! Each kind of entry that holds a secret, taken and given back: what its client starts then gets the same as before. Not here:
//! the files of every client (see `import`).

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{BODY, assert_same, leaks, secret, server};
use crate::by_address::{play, to};
use crate::support::wire::{callback, get};
use crate::support::{Ran, User, ended, mode, read_json};

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A program that shows what it got, as `npx`.
fn npx(user: &User) -> String {
    let folder = user.home().join("bin");
    let path = folder.join("npx");
    write(&path, "#!/bin/sh\nprintf '%s|%s' \"$*\" \"$API_KEY\"\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

/// What an entry's client starts, from another folder and with an environment of its own.
fn start(user: &User, path: &str, entry: &Value, stdin: &str) -> Ran {
    let mut command = Command::new(entry["command"].as_str().unwrap());
    command.args(entry["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()));
    command.env_clear().env("HOME", user.home()).env("PATH", path).current_dir("/");
    for (name, value) in entry["env"].as_object().into_iter().flatten() {
        command.env(name, value.as_str().unwrap());
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), stdin.as_bytes()).unwrap();
    ended(child)
}

/// An entry by its name, the path that its server is then asked for, and headers of that request.
type Case = (&'static str, Value, String, Vec<(&'static str, String)>);

const ASK: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{}}\n";

fn entries(path: &Path, root: &str) -> Value {
    read_json(path)[root].clone()
}

#[test]
fn what_a_remote_entry_sends_is_sent_by_the_bridge() {
    let (server, user) = (server(), User::new());
    let path = npx(&user);
    let base = &server.base;
    let remote = |args: Vec<String>, env: Value| {
        let args: Vec<String> = ["-y".into(), "mcp-remote".into()].into_iter().chain(args).collect();
        json!({"command": "npx", "args": args, "env": env})
    };
    let header = |name: &str, value: &str| vec!["--header".to_owned(), format!("{name}: {value}")];
    let cases: Vec<Case> = vec![
        (
            "two",
            json!({"url": format!("{base}/two/mcp"), "headers": {"X-Api-Key": secret(20), "X-App-Key": secret(21), "X-Region": "eu"}}),
            "/two/mcp".into(),
            vec![("x-api-key", secret(20)), ("x-app-key", secret(21)), ("x-region", "eu".into())],
        ),
        (
            "query",
            json!({"url": format!("{base}/q/mcp?api_key={}&x=1", secret(22))}),
            format!("/q/mcp?api_key={}&x=1", secret(22)),
            vec![],
        ),
        (
            "path",
            json!({"type": "http", "url": format!("{base}/{}/mcp", secret(23))}),
            format!("/{}/mcp", secret(23)),
            vec![],
        ),
        (
            "both",
            json!({"url": format!("{base}/b/mcp?token={}", secret(24)), "headers": {"Authorization": format!("Bearer {}", secret(25))}}),
            format!("/b/mcp?token={}", secret(24)),
            vec![("authorization", format!("Bearer {}", secret(25)))],
        ),
        (
            "user",
            json!({"url": format!("{}/u/mcp?key={}", base.replace("://", "://ann:hunter2!@"), secret(26))}),
            format!("/u/mcp?key={}", secret(26)),
            vec![("authorization", "Basic YW5uOmh1bnRlcjIh".into())],
        ),
        (
            "token",
            json!({"url": format!("{base}/t/mcp"), "bearer_token": secret(27)}),
            "/t/mcp".into(),
            vec![("authorization", format!("Bearer {}", secret(27)))],
        ),
        (
            "far-address",
            remote(vec![format!("{base}/f/mcp?token={}", secret(28)), "--debug".into()], json!({})),
            format!("/f/mcp?token={}", secret(28)),
            vec![],
        ),
        (
            "far-two",
            remote(
                [vec![format!("{base}/g/mcp")], header("X-Api-Key", &secret(29)), header("X-App", "${APP}")]
                    .concat(),
                json!({"APP": secret(30), "LOG": "1"}),
            ),
            "/g/mcp".into(),
            vec![("x-api-key", secret(29)), ("x-app", secret(30))],
        ),
        (
            "far-more",
            remote(
                [vec![format!("{base}/h/mcp")], header("X-Api-Key", &secret(31))].concat(),
                json!({"OTHER_SECRET": secret(32)}),
            ),
            "/h/mcp".into(),
            vec![("x-api-key", secret(31))],
        ),
    ];
    let servers: serde_json::Map<String, Value> =
        cases.iter().map(|(name, entry, ..)| ((*name).to_owned(), entry.clone())).collect();
    let file = user.home().join(".cursor/mcp.json");
    let before = format!("{:#}\n", json!({"mcpServers": servers}));
    write(&file, &before);
    let ran = user.run(&["import", "--yes"]).code(0);
    assert!(!format!("{ran:?}").contains(BODY) && !format!("{ran:?}").contains("hunter2"), "{ran:?}");
    assert_eq!(leaks(&user.home(), &user.own_store()), Vec::<PathBuf>::new());
    let now = entries(&file, "mcpServers");
    for (name, _, line, headers) in cases {
        let tried = server.seen().len();
        let ran = start(&user, &path, &now[name], ASK).code(0);
        assert!(ran.stdout.contains("\"tools\":[]"), "{name}: {ran:?}");
        assert!(!format!("{ran:?}").contains(BODY), "{name}: {ran:?}");
        let seen = server.seen();
        let seen = seen[tried..].first().unwrap();
        assert!(seen.head.contains(&format!(" {line} HTTP")), "{name}: {}", seen.head);
        for (header, value) in headers {
            assert_eq!(seen.header(header), Some(value.as_str()), "{name}: {}", seen.head);
        }
    }
    assert_eq!(now["far-two"]["env"], json!({"LOG": "1"}));
    user.run(&["config", "uninstall", "--restore"]).code(0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn what_a_server_refuses_is_not_taken_whatever_holds_it_and_is_not_repeated() {
    let (server, user) = (server(), User::new());
    let base = &server.base;
    let file = user.home().join(".cursor/mcp.json");
    let before = json!({"mcpServers": {
        "two": {"url": format!("{base}/mcp"), "headers": {"X-Api-Key": format!("wrong{BODY}"), "X-App-Key": secret(1)}},
        "query": {"url": format!("{base}/mcp?api_key=wrong{BODY}")},
    }})
    .to_string();
    write(&file, &before);
    for args in [&["import", "--yes"][..], &["import", "--yes", "--json"], &["-vv", "import", "--yes"]] {
        let ran = user.run(args).code(4);
        assert!(!format!("{ran:?}").contains(BODY), "{ran:?}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    assert_eq!(user.run(&["secret", "list", "--json"]).code(0).json()["servers"], json!([]));
    // Nor does the bridge say what it fills in.
    let url = format!("{base}/mcp?api_key=${{MY_KEY}}");
    let mut user = user;
    user.env("MY_KEY", format!("wrong{BODY}"));
    let ran = user.run_with(&["-vv", "bridge", &url], ASK);
    assert!(!format!("{ran:?}").contains(BODY) && ran.stdout.contains("error"), "{ran:?}");
    let ran = user.run_with(&["bridge", &format!("{base}/mcp?api_key=${{NOBODY_SET_IT}}")], ASK).code(2);
    assert!(ran.stderr.contains("NOBODY_SET_IT"), "{ran:?}");
}

#[test]
fn what_a_command_gets_is_what_it_got_before() {
    let user = User::new();
    let path = npx(&user);
    let odd = "it's \"q\" $HOME `x` \\ %PATH%";
    let cases = [
        (
            "env",
            json!({"command": "env", "args": [format!("API_KEY={}", secret(1)), "npx", "server"]}),
            format!("server|{}", secret(1)),
        ),
        (
            "script",
            json!({"command": "sh", "args": ["-c", format!("API_KEY={} exec npx server", secret(2))]}),
            format!("server|{}", secret(2)),
        ),
        (
            "quoted",
            json!({"command": "bash", "args": ["-c", format!("API_KEY='{}' npx 'a b' --token \"{}\"", secret(3), secret(4))]}),
            format!("a b --token {}|{}", secret(4), secret(3)),
        ),
        (
            "header",
            json!({"command": "npx", "args": ["server", "--header", format!("Authorization: Bearer {}", secret(5))]}),
            format!("server --header Authorization: Bearer {}|", secret(5)),
        ),
        (
            "flag",
            json!({"command": "npx", "args": ["server", format!("--api-key={}", secret(6)), "a  b", "$HOME"]}),
            format!("server --api-key={} a  b $HOME|", secret(6)),
        ),
        (
            "default",
            json!({"command": "npx", "args": ["server"], "env": {"API_KEY": format!("${{API_KEY:-{}}}", secret(8))}}),
            format!("server|{}", secret(8)),
        ),
        (
            "default-flag",
            json!({"command": "npx", "args": ["server", "--token", format!("${{MY_TOKEN:-{}}}", secret(9))]}),
            format!("server --token {}|", secret(9)),
        ),
        (
            "glued",
            json!({"command": "npx", "args": ["mysql", "-uroot", format!("-p{}", secret(10))]}),
            format!("mysql -uroot -p{}|", secret(10)),
        ),
        (
            "source",
            json!({"command": "npx", "args": ["server", format!("ann:{}@tcp(db:3306)/x", secret(11))]}),
            format!("server ann:{}@tcp(db:3306)/x|", secret(11)),
        ),
        (
            "connection",
            json!({"command": "npx", "args": ["server", format!("Driver={{A B}};Server=h;PWD={};Encrypt=yes", secret(12))]}),
            format!("server Driver={{A B}};Server=h;PWD={};Encrypt=yes|", secret(12)),
        ),
        (
            "json",
            json!({"command": "npx", "args": ["server", format!("--config={{\"token\": \"{}\"}}", secret(13))]}),
            format!("server --config={{\"token\": \"{}\"}}|", secret(13)),
        ),
        (
            "split",
            json!({"command": "env", "args": ["-S", format!("API_KEY={} npx server", secret(14))]}),
            format!("server|{}", secret(14)),
        ),
        (
            "odd",
            json!({"command": "npx", "args": ["server", "--password", odd]}),
            format!("server --password {odd}|"),
        ),
        (
            "odd-env",
            json!({"command": "npx", "args": ["server"], "env": {"API_KEY": format!("{odd}\nline two {}", secret(7))}}),
            format!("server|{odd}\nline two {}", secret(7)),
        ),
    ];
    let servers: serde_json::Map<String, Value> =
        cases.iter().map(|(name, entry, _)| ((*name).to_owned(), entry.clone())).collect();
    let file = user.home().join(".cursor/mcp.json");
    let before = json!({"mcpServers": servers}).to_string();
    write(&file, &before);
    user.run(&["import", "--yes"]).code(0);
    assert_eq!(leaks(&user.home(), &user.own_store()), Vec::<PathBuf>::new());
    assert!(!std::fs::read_to_string(&file).unwrap().contains("it's"));
    let now = entries(&file, "mcpServers");
    for (name, _, expected) in cases {
        assert_eq!(start(&user, &path, &now[name], "").code(0).stdout, expected, "{name}: {}", now[name]);
    }
    user.run(&["config", "uninstall", "--restore"]).code(0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn a_secret_that_a_variable_of_the_client_may_replace_stays_where_it_is() {
    let (server, mut user) = (server(), User::new());
    user.env("API_KEY", "of-the-shell");
    let file = user.home().join(".cursor/mcp.json");
    let url = format!("{}/mcp", server.base);
    let before = json!({"mcpServers": {
        "default": {"command": "npx", "args": ["x"], "env": {"API_KEY": format!("${{API_KEY:-{}}}", secret(1))}},
        "header": {"url": url, "headers": {"Authorization": format!("Bearer ${{PREFIX}}{}", secret(2))}},
        "flag": {"command": "npx", "args": ["x", "--token", format!("${{PREFIX}}{}", secret(3))]},
        "address": {"url": format!("{url}?api_key=${{PREFIX}}{}", secret(4))},
    }})
    .to_string();
    write(&file, &before);
    let listed = user.run(&["import", "--dry-run", "--json"]).code(0).json();
    let entries = listed["entries"].as_array().unwrap();
    let is_left = |entry: &Value| entry["becomes"].as_str().unwrap().contains("variable of the client's");
    assert!(entries.len() == 4 && entries.iter().all(is_left), "{listed}");
    user.run(&["import", "--yes"]).code(2);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn nothing_is_stored_for_a_file_that_cannot_be_written() {
    let (server, user) = (server(), User::new());
    // A draft of this name is one that no system can have.
    let target = user.home().join("n".repeat(250));
    let before = json!({"mcpServers": {
        "far": {"url": format!("{}/mcp", server.base), "headers": {"X-Api-Key": secret(1)}},
        "near": {"command": "npx", "args": ["x"], "env": {"API_KEY": secret(2)}},
    }})
    .to_string();
    write(&target, &before);
    std::fs::create_dir_all(user.home().join(".cursor")).unwrap();
    std::os::unix::fs::symlink(&target, user.home().join(".cursor/mcp.json")).unwrap();
    let ran = user.run(&["import", "--yes"]).code(1);
    assert!(ran.stdout.contains("near is unchanged") && !format!("{ran:?}").contains(".mcpauth-"), "{ran:?}");
    assert_eq!(user.run(&["secret", "list", "--json"]).code(0).json()["servers"], json!([]));
    assert_eq!(user.run(&["status", "--json"]).code(0).json()["credentials"], json!([]));
    assert!(server.seen().is_empty());
    assert_eq!(std::fs::read_to_string(&target).unwrap(), before);
}

#[test]
fn the_default_of_an_input_goes_with_the_entries_that_ask_for_it() {
    let (server, user) = (server(), User::new());
    let path = npx(&user);
    let text = format!(
        "{{\n  // mine\n  \"inputs\": [\n    {{\"type\": \"promptString\", \"id\": \"key\", \"password\": true, \"default\": \"{}\"}},\n    {{\"type\": \"promptString\", \"id\": \"region\", \"default\": \"eu\"}}\n  ],\n  \"servers\": {{\n    \"far\": {{\"type\": \"http\", \"url\": \"{}/mcp\", \"headers\": {{\"Authorization\": \"Bearer ${{input:key}}\"}}}},\n    \"near\": {{\"command\": \"npx\", \"args\": [\"${{input:region}}\"], \"env\": {{\"API_KEY\": \"${{input:key}}\"}}}}\n  }}\n}}\n",
        secret(1),
        server.base
    );
    let files: BTreeMap<PathBuf, String> =
        [user.project().join(".vscode/mcp.json"), user.home().join(".config/Code/User/mcp.json")]
            .map(|path| (path, text.clone()))
            .into();
    files.iter().for_each(|(path, text)| write(path, text));
    user.run(&["import", "--yes"]).code(0);
    for folder in [user.home(), user.project()] {
        assert_eq!(leaks(&folder, &user.own_store()), Vec::<PathBuf>::new());
    }
    for file in files.keys() {
        let (whole, text) = (std::fs::read_to_string(file).unwrap(), "// mine");
        assert!(
            whole.contains(text)
                && whole.contains("\"default\": \"eu\"")
                && whole.contains("${input:region}"),
            "{whole}"
        );
    }
    let names: Vec<String> = user.run(&["secret", "list", "--json"]).json()["servers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|server| server["server"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["near"], "both files ask for the same");
    let ran = user.run(&["exec", "near", "--", "sh", "-c", "printf %s \"$API_KEY\""]).code(0);
    assert_eq!(ran.stdout, secret(1));
    assert_eq!(
        user.run(&["headers", "far"]).code(0).json()["Authorization"],
        format!("Bearer {}", secret(1))
    );
    let _ = path;
    // One by one the default comes back too; together the file does.
    let first = files.keys().next().unwrap();
    user.run(&["config", "uninstall", "--restore", "--server", "near"]).code(0);
    assert!(std::fs::read_to_string(first).unwrap().contains(&secret(1)));
    user.run(&["import", "--yes"]).code(0);
    assert!(!std::fs::read_to_string(first).unwrap().contains(&secret(1)));
}

#[test]
fn an_old_copy_of_mcpauths_own_goes_and_comes_back() {
    let (server, user) = (server(), User::new());
    let file = user.home().join(".cursor/mcp.json");
    let copy = user.home().join(".cursor/mcp.json.mcpauth-backup");
    let text = json!({"mcpServers": {"old": {"command": "npx", "args": [], "env": {"API_KEY": secret(1)}}}})
        .to_string();
    write(&copy, &text);
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o640)).unwrap();
    let now = json!({"mcpServers": {"new": {"url": format!("{}/mcp", server.base), "headers": {"X-Api-Key": secret(2)}}}}).to_string();
    write(&file, &now);
    let files: BTreeMap<PathBuf, String> = [(copy.clone(), text), (file, now)].into();
    let shown = user.run(&["import", "--dry-run"]).code(0);
    assert!(shown.stdout.contains("mcp.json.mcpauth-backup"), "{shown:?}");
    assert!(user.run(&["doctor", "--offline", "--json"]).stdout.contains("mcp.json.mcpauth-backup"));
    // One that another program made is named, and stays.
    let others = user.home().join(".cursor/mcp.json.bak");
    write(&others, &format!("# {}\n", secret(2)));
    write(&user.home().join(".cursor/mcp.backup.json"), &secret(9));
    let taken = user.run(&["import", "--yes", "--json"]).code(0).json();
    assert_eq!(taken["copies"][0]["status"], "taken", "{taken}");
    assert_eq!(taken["remaining"], json!([others]), "{taken}");
    std::fs::remove_file(&others).unwrap();
    std::fs::remove_file(user.home().join(".cursor/mcp.backup.json")).unwrap();
    assert!(!copy.exists());
    assert_eq!(leaks(&user.home(), &user.own_store()), Vec::<PathBuf>::new());
    user.run(&["config", "uninstall", "--restore"]).code(0);
    assert_same(&files);
    assert_eq!(mode(&copy), 0o640);
    // Also where only the copy has one.
    std::fs::write(user.home().join(".cursor/mcp.json"), "{}").unwrap();
    user.run(&["import", "--yes"]).code(0);
    assert!(!copy.exists());
    user.run(&["config", "uninstall", "--restore"]).code(0);
    assert!(copy.exists());
}

#[test]
fn a_client_that_was_registered_by_hand_is_taken_for_the_login() {
    let (server, user) = (play(|_, _, _| {}), User::new());
    let url = format!("{}/mcp", server.base);
    let file = user.home().join(".gemini/settings.json");
    let before = json!({"mcpServers": {"far": {"httpUrl": url, "timeout": 5, "oauth": {"enabled": true, "clientId": "by-hand", "clientSecret": secret(1)}}}}).to_string();
    write(&file, &before);
    let ran = user.run(&["import", "--yes"]).code(0);
    assert!(format!("{ran:?}").contains("mcpauth login"), "{ran:?}");
    assert_eq!(leaks(&user.home(), &user.own_store()), Vec::<PathBuf>::new());
    let now = entries(&file, "mcpServers");
    assert!(now["far"]["oauth"].is_null() && now["far"]["timeout"] == 5, "{now}");
    let ran = user.run_with(&["bridge", &url], ASK);
    assert!(ran.stdout.contains("4011") && ran.stdout.contains("mcpauth login"), "{ran:?}");
    let mut running = user.start(&["login", &url, "--no-browser"]);
    let shown = running.url();
    assert_eq!(get(&callback(&shown, &format!("code=c&iss={}", server.base))).status, 200);
    running.end().code(0);
    assert!(to(&server.seen(), "/register").is_empty(), "it has a client");
    let seen = server.seen();
    let asked = to(&seen, "/token");
    assert!(
        asked
            .iter()
            .all(|seen| seen.header("authorization").is_some_and(|value| value.starts_with("Basic "))
                || String::from_utf8_lossy(&seen.body).contains(&secret(1))),
        "{asked:?}"
    );
    user.run(&["config", "uninstall", "--restore"]).code(0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn a_token_that_mcpauth_wrote_itself_goes_and_is_never_taken_for_a_key() {
    let user = crate::by_address::user();
    let file = user.home().join(".cursor/mcp.json");
    let mine =
        json!({"mcpServers": {"mine": {"command": "npx", "args": ["x"], "env": {"API_KEY": secret(1)}}}});
    write(&file, &mine.to_string());
    let server = json!({"server_name": "files", "path": "/files", "auth_type": "none"});
    user.file("servers/files.json", &server.to_string());
    user.run(&["config", "install", "--client", "cursor", "--auth-mode", "inline"]).code(0);
    let text = || std::fs::read_to_string(&file).unwrap();
    assert!(text().contains("ingress-token"), "{}", text());
    let shown = user.run(&["import", "--dry-run"]).code(0);
    assert!(shown.stdout.contains("--auth-mode bridge"), "{shown:?}");
    user.run(&["import", "--yes"]).code(0);
    let now = text();
    assert!(!now.contains("ingress-token") && !now.contains(BODY) && now.contains("bridge"), "{now}");
    assert_eq!(user.run(&["import", "--dry-run", "--json"]).code(0).json()["entries"], json!([]));
    user.run(&["config", "install", "--check"]).code(0);
    // The secret of the bridge on this machine is what that mode is made of.
    user.run(&["config", "install", "--client", "cursor", "--auth-mode", "proxy"]).code(0);
    let before = text();
    user.run(&["import", "--yes"]);
    assert_eq!(text(), before);
}

#[test]
fn what_was_removed_can_be_put_back_until_it_is_forgotten() {
    let user = User::new();
    let file = user.home().join(".cursor/mcp.json");
    let copy = user.home().join(".cursor/mcp.json.mcpauth-backup");
    let entry = |n: usize| json!({"command": "npx", "args": ["x"], "env": {"API_KEY": secret(n)}});
    let text =
        format!("{{ // mine\n  \"mcpServers\": {}}}\n", json!({"entry-a1": entry(1), "entry-b2": entry(2)}));
    let files: BTreeMap<PathBuf, String> =
        [(file.clone(), text), (copy, json!({"mcpServers": {"old": entry(3)}}).to_string())].into();
    let lay_out = || {
        files.iter().for_each(|(path, text)| write(path, text));
        user.run(&["import", "--yes"]).code(0);
        assert_eq!(leaks(&user.home(), &user.own_store()), Vec::<PathBuf>::new());
    };
    let now = || std::fs::read_to_string(&file).unwrap();
    lay_out();
    let ran = user.run(&["config", "uninstall"]).code(0);
    assert!(format!("{ran:?}").contains("--restore") && format!("{ran:?}").contains("--forget"), "{ran:?}");
    assert!(!now().contains("entry-a1") && !now().contains("entry-b2"), "{}", now());
    // A second time there is nothing to remove.
    assert!(!user.run(&["config", "uninstall"]).code(0).stdout.contains("entry-a1"));
    user.run(&["config", "uninstall", "--restore"]).code(0);
    assert_same(&files);
    assert!(!format!("{:?}", user.run(&["config", "uninstall"]).code(0)).contains("--forget"));

    // One by one, and with a change of the user's in between.
    lay_out();
    user.run(&["config", "uninstall", "--server", "entry-a1"]).code(0);
    assert!(!now().contains("entry-a1") && now().contains("entry-b2"), "{}", now());
    write(&file, &now().replace("// mine", "// yours"));
    user.run(&["config", "uninstall", "--restore"]).code(0);
    assert!(
        now().contains("// yours") && now().contains(&secret(1)) && now().contains(&secret(2)),
        "{}",
        now()
    );
    assert!(files.keys().all(|path| path.exists()));

    lay_out();
    let shown = user.run(&["config", "uninstall", "--forget", "--dry-run"]).code(0);
    assert!(shown.stdout.contains("entry-a1") && now().contains("entry-a1"), "{shown:?}");
    user.run(&["config", "uninstall", "--forget"]).code(0);
    let left = now();
    assert!(!left.contains("entry-a1"), "{left}");
    user.run(&["config", "uninstall", "--restore"]).code(0);
    assert_eq!(now(), left, "nothing is kept");
    let kept = std::fs::read_dir(user.own_store().join(".imports")).unwrap().flatten();
    assert!(kept.map(|entry| entry.path()).all(|path| path.extension().is_none_or(|end| end != "json")));
}

#[test]
fn the_clients_own_copies_go_and_come_back() {
    for moved in [false, true] {
        let mut user = User::new();
        let folder = user.home().join(if moved { "elsewhere" } else { "" });
        if moved {
            user.env("CLAUDE_CONFIG_DIR", folder.to_str().unwrap());
        }
        let copies = folder.join(if moved { "backups" } else { ".claude/backups" });
        let entry = |n: usize| json!({"mcpServers": {"a": {"command": "npx", "args": [], "env": {"API_KEY": secret(n)}}}});
        let files: BTreeMap<PathBuf, String> = [
            (folder.join(".claude.json"), entry(1).to_string()),
            (copies.join(".claude.json.backup.1764250000000"), entry(2).to_string()),
            (copies.join(".claude.json.backup.1764250099999"), entry(1).to_string()),
        ]
        .into();
        files.iter().for_each(|(path, text)| write(path, text));
        let innocent = copies.join(".claude.json.backup.1764250000001");
        write(&innocent, "{}");
        let doctor = user.run(&["doctor", "--offline", "--json"]).stdout;
        assert!(doctor.contains("backup.1764250099999") && !doctor.contains("000001"), "{doctor}");
        let taken = user.run(&["import", "--yes", "--json"]).code(0).json();
        assert_eq!(taken["copies"].as_array().unwrap().len(), 2, "{taken}");
        assert_eq!(leaks(&user.home(), &user.own_store()), Vec::<PathBuf>::new());
        assert!(innocent.exists());
        user.run(&["config", "uninstall", "--restore"]).code(0);
        assert_same(&files);
    }
}

#[test]
fn one_import_waits_for_another_and_takes_nothing_twice() {
    let user = User::new();
    let file = user.home().join(".cursor/mcp.json");
    let before = json!({"mcpServers": {"a": {"command": "npx", "args": [], "env": {"API_KEY": secret(1)}}}})
        .to_string();
    write(&file, &before);
    let store =
        mcpauth::store::Store::new(&user.own_store(), &user.own_store(), mcpauth::store::Storage::File);
    let folder = store.user_dir().join(".imports");
    mcpauth::sys::private_file::create_dir(store.user_dir()).unwrap();
    mcpauth::sys::private_file::create_dir(&folder).unwrap();
    let lock = mcpauth::sys::private_file::open_lock(&folder.join(".lock")).unwrap();
    lock.lock().unwrap();
    let mut waiting: Vec<_> = (0..2)
        .map(|_| {
            let mut command = user.command(&["import", "--yes"]);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for child in &mut waiting {
        let mut said = String::new();
        let mut stderr = std::io::BufReader::new(child.stderr.as_mut().unwrap());
        while !said.contains("waiting for another") {
            assert_ne!(std::io::BufRead::read_line(&mut stderr, &mut said).unwrap(), 0, "{said}");
        }
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    drop(lock);
    for child in waiting {
        ended(child).code(0);
    }
    let now = std::fs::read_to_string(&file).unwrap();
    assert!(!now.contains(BODY) && now.contains("\"a\""), "{now}");
    let listed = user.run(&["secret", "list", "--json"]).code(0).json();
    assert_eq!(listed["servers"].as_array().unwrap().len(), 1, "{listed}");
    user.run(&["config", "uninstall", "--restore"]).code(0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
}

/// A login as mcp-remote keeps it; returns the file of its tokens.
fn login_of_mcp_remote(user: &User, url: &str, base: &str) -> PathBuf {
    let client = json!({"client_id": "c-1", "redirect_uris": ["http://127.0.0.1:4711/oauth/callback"]});
    let tokens =
        json!({"access_token": secret(1), "refresh_token": secret(2), "expires_at": 4e15, "issuer": base});
    files_of_mcp_remote(user, url, &client, &tokens)
}

fn files_of_mcp_remote(user: &User, url: &str, client: &Value, tokens: &Value) -> PathBuf {
    use md5::Digest as _;
    let name: String = md5::Md5::digest(url).iter().map(|byte| format!("{byte:02x}")).collect();
    let at = |ending: &str| user.home().join(format!(".mcp-auth/mcp-remote-0.15.1/{name}_{ending}.json"));
    write(&at("client_info"), &format!("\u{feff}{client}"));
    write(&at("tokens"), &format!("\u{feff}{tokens}\r\n"));
    at("tokens")
}

/// Its files are what issuers sent, and are read as their replies are.
#[test]
fn what_issuers_sent_to_mcp_remote_is_read_as_their_replies_are() {
    let client =
        |more: Value| with(json!({"client_id": "c-1", "redirect_uris": ["http://127.0.0.1:4711/cb"]}), more);
    let tokens = |more: Value| with(json!({"access_token": secret(1), "refresh_token": secret(2)}), more);
    let jwt = format!("{}.{}.s", part(json!({"alg": "none"})), part(json!({"exp": 4_000_000_000_u64})));
    let (none, post) = ("none", "client_secret_post");
    // The client, the tokens, when the token ends, whether it can be renewed, how the client authenticates.
    for (client, tokens, end, renews, auth) in [
        (client(json!({})), tokens(json!({"expires_at": "4000000000000"})), Some(4e9), true, none),
        (client(json!({"client_secret": ""})), tokens(json!({"expires_at": 4e12})), Some(4e9), true, none),
        (
            client(json!({"client_secret": null, "token_endpoint_auth_method": null})),
            tokens(json!({"refresh_token": "", "expires_at": null})),
            None,
            false,
            none,
        ),
        (
            client(json!({"client_secret": "s", "token_endpoint_auth_method": ""})),
            tokens(json!({"access_token": jwt, "token_type": "bearer", "refresh_token": null})),
            Some(4e9),
            false,
            post,
        ),
    ] {
        let (server, user) = (with_login(|| ()), User::new());
        let url = format!("{}/mcp", server.base);
        files_of_mcp_remote(&user, &url, &client, &tokens);
        let file = user.home().join(".cursor/mcp.json");
        let entry = json!({"command": "npx", "args": ["mcp-remote", url]});
        write(&file, &json!({"mcpServers": {"far": entry}}).to_string());
        user.run(&["import", "--yes"]).code(0);
        let kept = user.token(crate::by_address::REGISTRATION);
        assert_eq!(kept["token_endpoint_auth_method"], auth, "{client} {kept}");
        let token = user.token(crate::by_address::TOKEN);
        assert_eq!(token["expires_at"].as_f64(), end, "{tokens}");
        assert_eq!(token["refresh_token"].is_string(), renews, "{tokens}");
    }
}

/// RFC 6749 section 7.1.
#[test]
fn a_login_of_mcp_remote_that_cannot_be_sent_as_a_bearer_token_stays() {
    for tokens in
        [json!({"token_type": "DPoP"}), json!({"token_type": "mac"}), json!({"access_token": "a\nb"})]
    {
        let (server, user) = (with_login(|| ()), User::new());
        let url = format!("{}/mcp", server.base);
        let tokens = with(json!({"access_token": secret(1), "issuer": server.base}), tokens);
        let path = files_of_mcp_remote(&user, &url, &json!({"client_id": "c-1"}), &tokens);
        let file = user.home().join(".cursor/mcp.json");
        let before =
            json!({"mcpServers": {"far": {"command": "npx", "args": ["mcp-remote", url]}}}).to_string();
        write(&file, &before);
        let ran = user.run(&["import", "--yes"]).code(2);
        assert!(ran.stdout.contains("mcp-remote's login") && !format!("{ran:?}").contains(BODY), "{ran:?}");
        assert!(path.exists() && std::fs::read_to_string(&file).unwrap() == before);
        assert!(
            crate::by_address::to(&server.seen(), "/mcp")
                .iter()
                .all(|seen| seen.header("authorization").is_none())
        );
    }
}

fn with(mut object: Value, more: Value) -> Value {
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

fn part(claims: Value) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string())
}

/// An MCP server with a login that answers `initialize`, and calls `when_tried` before it does.
fn with_login(when_tried: impl Fn() + Send + Sync + 'static) -> crate::support::upstream::Upstream {
    play(move |path, status, body| {
        if path == "/mcp" && *status == 200 {
            when_tried();
            body["result"] = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}});
        }
    })
}

#[test]
fn a_file_that_mcp_remote_writes_meanwhile_stays_and_is_named() {
    for is_written in [false, true] {
        let place: std::sync::Arc<std::sync::Mutex<Option<PathBuf>>> = std::sync::Arc::default();
        let known = place.clone();
        let server = with_login(move || {
            if let Some(path) = known.lock().unwrap().as_ref().filter(|_| is_written) {
                write(path, &json!({"access_token": secret(3), "refresh_token": secret(4)}).to_string());
            }
        });
        let user = User::new();
        let url = format!("{}/mcp", server.base);
        let tokens = login_of_mcp_remote(&user, &url, &server.base);
        *place.lock().unwrap() = Some(tokens.clone());
        let file = user.home().join(".cursor/mcp.json");
        write(
            &file,
            &json!({"mcpServers": {"far": {"command": "npx", "args": ["mcp-remote", url]}}}).to_string(),
        );
        let ran = user.run(&["import", "--yes"]).code(0);
        assert_eq!(tokens.exists(), is_written, "{ran:?}");
        let said = format!("{ran:?}");
        let named =
            said.contains("_tokens.json") && said.contains("changed meanwhile") && said.contains("rm ");
        assert_eq!(named, is_written, "{said}");
        assert!(entries(&file, "mcpServers")["far"].to_string().contains("bridge"));
        if is_written {
            assert!(std::fs::read_to_string(&tokens).unwrap().contains(&secret(4)), "the newer login");
        }
    }
}

#[test]
fn what_mcp_remote_asks_its_issuer_for_is_asked_for_here() {
    let (server, user) = (with_login(|| ()), User::new());
    let url = format!("{}/mcp", server.base);
    let file = user.home().join(".cursor/mcp.json");
    let more = ["--resource", "https://tenant1.test/", "--authorize-param", "audience=https://api.test"];
    let args = [&["mcp-remote", &url][..], &more].concat();
    write(&file, &json!({"mcpServers": {"far": {"command": "npx", "args": args}}}).to_string());
    let hashed = format!("{url}|https://tenant1.test/|{{\"audience\":\"https://api.test\"}}");
    login_of_mcp_remote(&user, &hashed, &server.base);
    user.run(&["import", "--yes"]).code(0);
    let kept = read_json(&user.own_store().join(crate::by_address::REGISTRATION));
    assert_eq!(kept["resource"], "https://tenant1.test/", "{kept}");
    assert_eq!(kept["extra"]["authorize"]["audience"], "https://api.test", "{kept}");
    assert!(more.iter().all(|word| entries(&file, "mcpServers")["far"].to_string().contains(word)));
}
