//! Every command that a message names is one of ours, with flags that it has; and those of keys, secrets, imported files, vended
//! tokens and clients' files are run where they are printed. Not here: the other situations (see `advice`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out clients' files, and are a shell")]
#![expect(clippy::string_slice, reason = "texts are cut where a match begins or ends")]

use std::path::Path;
use std::process::Stdio;

use serde_json::json;

use crate::advice::hint;
use crate::support::upstream::{Seen, Upstream, say};
use crate::support::wire::{Running, free_port};
use crate::support::{Ran, User, ended};

/// What follows the program's name in a message and is a sentence about it, not a command.
const SENTENCES: &[&str] = &[
    "answers",
    "asks",
    "development",
    "itself",
    "session",
    "calls",
    "can",
    "cannot",
    "closes",
    "did",
    "does",
    "follows",
    "gets",
    "goes",
    "has",
    "in",
    "is",
    "keeps",
    "knows",
    "made",
    "may",
    "must",
    "needs",
    "never",
    "opened",
    "or",
    "process",
    "reads",
    "registered",
    "remembers",
    "renews",
    "runs",
    "sends",
    "shows",
    "signs",
    "speaks",
    "stores",
    "takes",
    "to",
    "tries",
    "uses",
    "was",
    "which",
    "will",
    "without",
    "writes",
    "did",
    "s",
];

/// The string literals of the product, with the line they begin on.
fn literals(text: &str) -> Vec<(usize, String)> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let (mut found, mut line, mut chars) = (Vec::new(), 1, code.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|c| *c != '\n').is_some() {},
            '\'' => {
                // A character, or a lifetime.
                let first = chars.next();
                if first == Some('\\') {
                    chars.next();
                }
            }
            '"' => {
                let (mut literal, begun) = (String::new(), line);
                while let Some(c) = chars.next() {
                    match c {
                        '"' => break,
                        '\\' => match chars.next() {
                            Some('n') => literal.push('\n'),
                            Some('\n') => {
                                line += 1;
                                while chars.next_if(|c| c.is_whitespace()).is_some() {}
                            }
                            Some(c) => literal.push(c),
                            None => {}
                        },
                        '\n' => {
                            line += 1;
                            literal.push('\n');
                        }
                        c => literal.push(c),
                    }
                }
                found.push((begun, literal));
            }
            _ => {}
        }
    }
    found
}

/// The words after each `mcpauth ` of a text, up to what ends a command.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, name) in text.match_indices("mcpauth ") {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || "/-_.@".contains(c)) {
            continue;
        }
        let rest = &text[at + name.len()..];
        let end = rest.find(['\n', ';', ',', ')', '(', ':', '`', '|', '<', '>', '#']).unwrap_or(rest.len());
        let words =
            rest[..end].split(' ').map(|word| word.trim_end_matches('.')).filter(|word| !word.is_empty());
        let words: Vec<String> = words.map(str::to_owned).collect();
        if words.first().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_lowercase())) {
            found.push(words);
        }
    }
    found
}

/// What is wrong with a command, if anything: a verb that is not there, or a flag that it does not have.
fn wrong(words: &[String]) -> Option<String> {
    let all = mcpauth::cli::command();
    let (mut verb, mut is_one) = (&all, false);
    let mut flags = words.iter();
    while let Some(word) = flags.clone().next() {
        let Some(below) = verb.find_subcommand(word) else { break };
        (verb, is_one) = (below, true);
        flags.next();
    }
    if !is_one {
        return Some(format!("there is no verb {:?}", words[0]));
    }
    let has = |name: &str| {
        let args = verb.get_arguments().chain(all.get_arguments().filter(|arg| arg.is_global_set()));
        let named = |arg: &clap::Arg| {
            arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|all| all.contains(&name))
        };
        let mut args = args;
        args.any(named) || name == "help"
    };
    // What comes after -- is another program's.
    let named = flags.take_while(|word| *word != "--").filter_map(|word| word.strip_prefix("--"));
    let names =
        named.map(|name| name.split(['=', '{', '.', '\'']).next().unwrap()).filter(|name| !name.is_empty());
    names.into_iter().find(|name| !has(name)).map(|name| format!("{} has no --{name}", verb.get_name()))
}

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        if entry.is_dir() && name != "tests" {
            sources(&entry, found);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            found.push(entry);
        }
    }
}

#[test]
fn every_command_that_a_message_names_is_one_of_ours() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut files, mut bad, mut count) = (Vec::new(), Vec::new(), 0);
    sources(&root, &mut files);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (line, literal) in literals(&text) {
            for words in
                commands(&literal).into_iter().filter(|words| !SENTENCES.contains(&words[0].as_str()))
            {
                count += 1;
                if let Some(what) = wrong(&words) {
                    let file = file.strip_prefix(&root).unwrap().display();
                    bad.push(format!("src/{file}:{line}: mcpauth {}: {what}", words.join(" ")));
                }
            }
        }
    }
    assert!(count > 200, "the test has lost sight of the messages: {count}");
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn a_command_is_taken_out_of_a_sentence() {
    let read = |text: &str| commands(text).into_iter().map(|words| words.join(" ")).collect::<Vec<_>>();
    assert_eq!(read("run: mcpauth login URL; or `mcpauth demo`"), ["login URL", "demo"]);
    assert_eq!(read("update mcpauth, or the server; /mcpauth x"), [""; 0]);
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(wrong(&words("config install --client cursor")), None);
    assert_eq!(wrong(&words("exec S -- ls --all-of-it")), None);
    for text in ["confg show", "status --wach", "nosuch", "config show --install"] {
        assert!(wrong(&words(text)).is_some(), "{text}");
    }
    let text = "let a = \"one\\\n   two\"; let b = '\"'; // \"no\"\nf(\"three\");";
    assert_eq!(literals(text), [(1, "onetwo".to_owned()), (3, "three".to_owned())]);
}

/// Runs a command as it is printed, with something on stdin.
fn typed(user: &User, command: &str, stdin: &str) -> Ran {
    use std::io::Write;
    let mut child = user.shell(command).stdin(Stdio::piped()).spawn().unwrap();
    // A command that reads nothing may have ended.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    ended(child)
}

/// The command in a hint, from the program's name to what ends it.
#[track_caller]
fn command_in(told: &str) -> String {
    let at = told.find("mcpauth ").unwrap_or_else(|| panic!("no command: {told}"));
    told[at..].split([';', ',', ')']).next().unwrap().to_owned()
}

/// A server that takes any credential.
pub(crate) fn server() -> Upstream {
    Upstream::start(|seen: &Seen, stream| {
        let asked: serde_json::Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        if asked["id"].is_null() {
            return say(stream, "202 Accepted", b"");
        }
        let info = json!({"name": "tools", "version": "1"});
        let result = json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info, "tools": []});
        let body = json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}).to_string();
        say(stream, "200 OK\r\ncontent-type: application/json", body.as_bytes());
    })
}

#[test]
fn the_commands_of_secrets_run_where_they_are_printed() {
    let user = User::new();
    // Nothing is stored: the command stores one.
    let told = command_in(&hint(&user.run(&["secret", "list", "files"]).code(2)));
    assert_eq!(told, "mcpauth secret set SERVER VARIABLE");
    typed(&user, "mcpauth secret set files API_KEY", "a-secret\n").code(0);
    user.run(&["secret", "list", "files"]).code(0);
    // What is stored says how to start the server.
    let ran = typed(&user, "mcpauth secret set files OTHER", "another\n").code(0);
    let told = command_in(&hint(&ran)).replace("COMMAND", "printenv OTHER");
    assert_eq!(typed(&user, &told, "").code(0).stdout, "another\n");
    // Another server's name says which there are.
    let told = hint(&user.run(&["secret", "remove", "nosuch"]).code(2));
    assert!(told.contains("files"), "{told}");
    // A value where a token belongs.
    let told = command_in(&hint(&user.run(&["exec", "files", "--env", "OTHER=value", "--", "true"]).code(2)));
    typed(&user, &told.replace("SERVER", "files").replace("NAME", "OTHER"), "value\n").code(0);
    // A server with an address is logged in to.
    let server = server();
    let told = hint(&user.run(&["secret", "set", "https://a.test/mcp", "X"]).code(2));
    assert!(told.ends_with("mcpauth login URL --with-token"), "{told}");
    let told = command_in(&told).replace("URL", &format!("{}/mcp", server.base));
    typed(&user, &told, "a-key\n").code(0);
    // A command that prints nothing is named by its verb, which says which it is.
    user.run(&["secret", "set", "files", "API_KEY", "--from-command", "false"]).code(0);
    let ran = user.run(&["exec", "files", "--", "true"]).code(4);
    assert!(command_in(&hint(&ran)).starts_with("mcpauth secret list"), "{}", ran.stderr);
    assert!(user.run(&["secret", "list"]).code(0).stdout.contains("printed by: false"));
}

#[test]
fn a_missing_key_is_stored_by_the_command_that_status_names() {
    let (user, server) = (User::new(), server());
    let address = format!("{}/mcp", server.base);
    let login = ["login", &address, "--with-token", "--server-name", "tools", "--header", "X-Api-Key"];
    user.run_with(&login, "a-key").code(0);
    std::fs::remove_file(user.token_path("mcp-tools-egress.json")).ok();
    let shown = user.run(&["status", "--json"]).code(0).json();
    if let Some(command) =
        shown["credentials"].as_array().unwrap().iter().find_map(|row| row["command"].as_str())
    {
        typed(&user, command, "another-key\n").code(0);
    }
    // It replaces a key by the same command, with its header.
    user.run_with(&[&login[..], &["--expires", "2d"]].concat(), "a-key").code(0);
    let shown = user.run(&["status", "--json"]).code(0).json();
    let row = &shown["credentials"][0];
    assert_eq!(row["status"], "due", "{shown}");
    let command = row["command"].as_str().unwrap();
    typed(&user, command, "newer-key\n").code(0);
    let object = user.run(&["headers", "tools"]).code(0).json();
    assert_eq!(object["X-Api-Key"], "newer-key", "{command}");
}

#[test]
fn a_secret_in_a_clients_file_is_taken_by_the_command_that_doctor_names_and_put_back_by_the_one_that_import_names()
 {
    let (user, server) = (User::new(), server());
    let path = user.home().join(".cursor/mcp.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text = json!({"mcpServers": {"tools": {"url": format!("{}/mcp", server.base), "headers": {"X-Api-Key": "kJ8xQ2mV7bN4cZ1pL9sD3fG6hT5wR0yU"}}}});
    std::fs::write(&path, text.to_string()).unwrap();
    let doctor = || user.run(&["doctor", "--offline", "--json"]).json();
    let found = |report: &serde_json::Value| -> Option<String> {
        let findings = report["findings"].as_array().unwrap().clone();
        let one =
            findings.into_iter().find(|one| one["check"] == "clients.secrets" && one["status"] != "ok")?;
        one["remedy"].as_str().map(str::to_owned)
    };
    let told = command_in(&found(&doctor()).expect("a finding"));
    // Without a terminal the command asks for --yes, which it names.
    let ran = typed(&user, &told, "").code(2);
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    let ran = typed(&user, &format!("{told} --yes"), "").code(0);
    assert_eq!(found(&doctor()), None);
    let all = format!("{}{}", ran.stdout, ran.stderr);
    let told =
        command_in(all.lines().find(|line| line.contains("--restore")).unwrap_or_else(|| panic!("{all}")));
    typed(&user, &told, "").code(0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text.to_string());
}

#[test]
fn entries_that_lead_to_a_bridge_that_does_not_run_are_mended_by_the_command_that_doctor_names() {
    let (mut user, server) = (User::new(), server());
    user.env("MCPAUTH_BRIDGE_LISTEN", format!("127.0.0.1:{}", free_port()));
    user.run_with(
        &["login", &format!("{}/mcp", server.base), "--with-token", "--server-name", "tools"],
        "a-key",
    )
    .code(0);
    std::fs::create_dir_all(user.home().join(".cursor")).unwrap();
    let ran = user.run(&["config", "install", "--client", "cursor", "--auth-mode", "proxy"]).code(0);
    assert!(ran.stderr.contains("keep the bridge running: mcpauth bridge --listen"), "{}", ran.stderr);
    let finding = || {
        let report = user.run(&["doctor", "--offline", "--json"]).json();
        let findings = report["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|one| one["check"] == "clients.bridge").expect("a finding")
    };
    let before = finding();
    assert_eq!(before["status"], "problem", "{before}");
    assert!(before["found"].as_str().unwrap().contains("nothing listens there"), "{before}");
    let told = command_in(before["remedy"].as_str().unwrap());
    assert_eq!(told, "mcpauth bridge --listen");
    let words: Vec<&str> = told.split(' ').skip(1).collect();
    let mut bridge = Running::start(user.command(&words));
    bridge.line(|line| line.contains("127.0.0.1:"));
    let after = finding();
    assert_eq!(after["status"], "ok", "{after}");
    bridge.signal("TERM");
    bridge.end().code(143);
}

/// A token file that another program wrote may lack what the gateway is to be told.
#[test]
fn an_identity_without_its_client_is_got_again_by_the_command_that_is_named() {
    let issuer = Upstream::start(|_: &Seen, stream| {
        let body = json!({"access_token": "newer", "token_type": "Bearer", "expires_in": 3600}).to_string();
        say(stream, "200 OK\r\ncontent-type: application/json", body.as_bytes());
    });
    let mut user = User::new();
    user.env("REGISTRY_URL", "https://gw.test");
    user.file("servers/a.json", r#"{"path": "/a", "proxy_pass_url": "http://a.test"}"#);
    user.file(
        ".oauth-tokens/ingress.json",
        r#"{"provider": "oidc_m2m", "access_token": "T", "expires_at": 4000000000}"#,
    );
    for front in [
        &["headers", "a"][..],
        &["env", "a"],
        &["list", "a"],
        &["exec", "a", "--", "true"],
        &["config", "install", "--client", "cursor", "--auth-mode", "inline"],
    ] {
        let ran = user.run(front).code(1);
        assert!(ran.stderr.contains("header X-Client-Id has no value"), "{front:?}: {}", ran.stderr);
        assert_eq!(command_in(&hint(&ran)), "mcpauth ingress --force", "{front:?}");
    }
    // Nothing says yet how: the command does.
    let told = hint(&typed(&user, "mcpauth ingress --force", "").code(2));
    assert!(told.contains("INGRESS_OAUTH_CLIENT_ID"), "{told}");
    user.env("AUTH_PROVIDER", "oidc").env("INGRESS_OAUTH_ISSUER", &issuer.base);
    user.env("INGRESS_OAUTH_TOKEN_URL", format!("{}/token", issuer.base));
    user.env("INGRESS_OAUTH_CLIENT_ID", "agent").env("INGRESS_OAUTH_CLIENT_SECRET", "s");
    typed(&user, "mcpauth ingress --force", "").code(0);
    assert_eq!(user.run(&["headers", "a"]).code(0).json()["X-Client-Id"], "agent");
}

/// What is missing is asked for by what can be given.
#[test]
fn what_is_missing_is_told_with_what_gives_it() {
    let user = User::new();
    for (line, message, told) in [
        ("secret set files KEY", "stdin is empty", "pipe the secret to stdin"),
        ("login 127.0.0.1:9 --with-token", "stdin is empty", "pipe the secret to stdin"),
        ("list https://a.test --token-file none", "none does not exist", "give - and pipe it to stdin"),
        ("gateway routes", "a gateway is not configured", "mcpauth gateway schema"),
        ("gateway token list", "a gateway is not configured", "mcpauth gateway schema"),
        ("gateway token revoke --all", "a gateway is not configured", "mcpauth gateway schema"),
        ("gateway check", "a gateway is not configured", "mcpauth gateway schema"),
        ("logout", "which credential?", "mcpauth login URL"),
        ("token", "an argument is missing: <NAME>", "mcpauth token --help"),
        ("call", "an argument is missing", "[SERVER] TOOL"),
        ("login", "an argument is missing: <URL>", "mcpauth login <URL>"),
        ("login localhost:99999", "is not an http or https URL", "type an address as https://HOST/PATH"),
        ("list ftp://a.test", "is not an http or https URL", "type an address as https://HOST/PATH"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let ran = user.run(&words).code(2);
        assert!(ran.stderr.contains(message) && hint(&ran).contains(told), "{line}: {}", ran.stderr);
        let error = user.run(&[&words[..], &["--json"]].concat()).code(2).json_error();
        assert!(error["hint"].as_str().unwrap().contains(told), "{line}: {error}");
    }
    // A typed address is in no setting.
    let ran = user.run(&["login", &crate::support::nobody(), "--no-browser"]).code(5);
    let told = hint(&ran);
    assert!(told.contains("that the server runs") && !told.contains("config show"), "{told}");
    // An address by a flag is corrected at the flag.
    let ran = user.run(&["bridge", "--listen", "192.0.2.1:5"]).code(2);
    assert!(ran.stderr.contains("--listen [<ADDRESS>]") && !hint(&ran).contains("MCPAUTH"), "{}", ran.stderr);
    // Where no command is known, it is the verb's own.
    let ran = user.run(&["man", "--dir", "/dev/null/x"]).code(1);
    assert!(!hint(&ran).contains("--help"), "{}", ran.stderr);
    // Without a server there is nothing to install yet.
    let shown = user.run(&["doctor", "--offline"]).code(7).stdout;
    assert!(shown.contains("-> first log in to a server: mcpauth login URL"), "{shown}");
}

#[test]
fn the_commands_of_vended_tokens_run_where_they_are_printed() {
    let user = User::new();
    // Without limits it names a command, which gets as far as the token that it starts from.
    let told = command_in(&hint(&user.run(&["gateway", "token"]).code(2)));
    let ran = typed(&user, &told, "").code(2);
    assert_eq!(command_in(&hint(&ran)), "mcpauth ingress", "{told}: {}", ran.stderr);
    // The line that enables vending, and the key that it then wants.
    user.file("scopes.yml", "s: []\n");
    std::fs::create_dir_all(user.project().join("servers")).unwrap();
    user.file("gateway.yaml", "issuers: [{issuer: 'https://idp.test', audience: [a]}]\n");
    let told = hint(&user.run(&["gateway", "token", "list", "--config", "gateway.yaml"]).code(2));
    let (_, line) = told.split_once("gateway.yaml: ").unwrap();
    user.file("gateway.yaml", &format!("issuers: [{{issuer: 'https://idp.test', audience: [a]}}]\n{line}\n"));
    let check = || user.run(&["gateway", "check", "--config", "gateway.yaml"]);
    let ran = check();
    let all = format!("{}{}", ran.stdout, ran.stderr);
    let told = all
        .lines()
        .find(|line| line.contains("mcpauth gateway token key"))
        .unwrap_or_else(|| panic!("{all}"));
    typed(&user, &format!("{} --config gateway.yaml", command_in(told)), "").code(0);
    let ran = check();
    let all = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!all.contains("gateway token key"), "{all}");
    user.run(&["gateway", "token", "list", "--config", "gateway.yaml"]).code(0);
}

#[test]
fn a_header_of_mcp_remote_with_a_secret_is_stored_by_the_command_that_is_named() {
    let (user, server) = (User::new(), server());
    let address = format!("{}/mcp", server.base);
    let mut child =
        user.command(&["bridge", &address, "--header", "X-Api-Key: kJ8xQ2mV7bN4cZ1pL9sD3fG6hT5wR0yU"]);
    let ran = ended(child.stdin(Stdio::null()).spawn().unwrap());
    let line = ran
        .stderr
        .lines()
        .find(|line| line.contains("--with-token"))
        .unwrap_or_else(|| panic!("{}", ran.stderr));
    let told = command_in(line);
    typed(&user, &told, "a-key\n").code(0);
    let name = user.run(&["status", "--json"]).code(0).json()["credentials"][0]["name"].clone();
    assert!(name.as_str().is_some(), "{name}");
    let ran = user.run(&["headers", &address]).code(0);
    assert_eq!(ran.json()["X-Api-Key"], "a-key", "{told}");
}

/// A verb of another tool, below one of ours too, leads to a command that is there.
#[test]
fn a_verb_that_is_not_there_is_told_with_one_that_is() {
    let user = User::new();
    for (line, expected) in [
        ("auth status", "mcpauth status"),
        ("whoami", "mcpauth status"),
        ("version", "mcpauth --version"),
        ("uninstall", "mcpauth config uninstall"),
        ("watch", "mcpauth status --watch"),
        ("config list", "mcpauth config show"),
        ("config shwo", "mcpauth config show"),
        ("secret ls", "mcpauth secret list"),
        ("secret zzz", "mcpauth secret --help"),
        ("gateway zzz", "mcpauth gateway --help"),
        ("gateway token ls --json", "mcpauth gateway token list"),
        ("providers ls", "mcpauth providers list"),
        ("zzz", "mcpauth help"),
    ] {
        let ran = user.run(&line.split(' ').filter(|word| *word != "--json").collect::<Vec<_>>()).code(2);
        let told = hint(&ran);
        assert!(told.ends_with(expected), "{line}: {told}");
        assert!(ran.stderr.starts_with("error: there is no verb "), "{line}: {}", ran.stderr);
        if expected.ends_with("--watch") {
            continue;
        }
        let again = ended(user.shell(expected).spawn().unwrap());
        let is_known =
            !again.stderr.contains("there is no verb") && !again.stderr.contains("unexpected argument");
        assert!(is_known, "{expected}: {}", again.stderr);
        let json = user
            .run(&[line.split(' ').collect::<Vec<_>>().as_slice(), &["--json"]].concat())
            .code(2)
            .json_error();
        assert!(json["hint"].as_str().unwrap().ends_with(expected), "{json}");
    }
}
