//! What shells offer for completion: the scripts under `completions/` are what the program prints, and they work in
//! the installed shells.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests start shells")]
#![expect(clippy::print_stderr, reason = "a shell that was skipped is named")]

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::wire::idp;
use crate::support::{Ran, User, ended};

/// A user with an egress set for `tracker`, a server without a credential and a token that nothing configured made.
fn user() -> User {
    let idp = idp(300);
    let mut user = User::at(&idp);
    user.env("EGRESS_MCP_SERVER_NAME_1", "tracker-mcp");
    let server = r#"{"server_name":"Current time","path":"/currenttime","auth_type":"none","supported_transports":["streamable-http"],"proxy_pass_url":"http://127.0.0.1:9/"}"#;
    user.file("servers/currenttime.json", server);
    let token = r#"{"provider":"notes","access_token":"t"}"#;
    user.file(".oauth-tokens/notes-egress.json", token);
    user
}

/// The words that are offered after these.
fn offered(user: &User, words: &[&str]) -> Vec<String> {
    let ran = user.run(&[&["complete", "mcpauth"], words].concat()).code(0);
    assert_eq!(ran.stderr, "");
    ran.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[test]
fn the_scripts_are_up_to_date() {
    let shells = [
        ("bash", "mcpauth.bash"),
        ("zsh", "_mcpauth"),
        ("fish", "mcpauth.fish"),
        ("powershell", "_mcpauth.ps1"),
        ("elvish", "mcpauth.elv"),
        ("nushell", "mcpauth.nu"),
    ];
    for (shell, file) in shells {
        let path = format!("{}/completions/{file}", env!("CARGO_MANIFEST_DIR"));
        let printed = User::new().run(&["completions", shell]).code(0).stdout;
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &printed).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(printed == kept, "completions/{file} is renewed by: just bless");
    }
}

#[test]
fn names_are_those_of_the_folder() {
    let user = user();
    assert_eq!(offered(&user, &["headers", "="]), ["currenttime", "notes", "tracker-mcp"]);
    for words in [
        &["egress", "--provider", "=tr"][..],
        &["generate", "--provider", "=tr"],
        &["providers", "show", "=tr"],
    ] {
        assert_eq!(offered(&user, words), ["tracker"], "{words:?}");
    }
    assert_eq!(offered(&user, &["egress", "=--provider=tr"]), ["--provider=tracker"]);
    assert_eq!(offered(&user, &["--tokens-dir", "/nowhere", "headers", "="]), ["currenttime", "tracker-mcp"]);
}

#[test]
fn verbs_options_and_their_values_are_offered() {
    let user = User::new();
    assert_eq!(offered(&user, &["=compl"]), ["completions"], "the verb that answers is not one to type");
    assert_eq!(offered(&user, &["egress", "=--dev"]), ["--device"]);
    assert_eq!(offered(&user, &["--storage", "=k"]), ["keyring"]);
    let first = offered(&user, &["="]);
    assert!(
        first.contains(&"generate".to_owned()) && !first.iter().any(|word| word.starts_with('-')),
        "{first:?}"
    );
}

/// What follows -- is another program's command line: the shell's own completion knows more of it.
#[test]
fn after_two_dashes_nothing_is_ours() {
    let user = user();
    for words in [
        &["exec", "currenttime", "--", "="][..],
        &["exec", "currenttime", "--", "=cur"],
        &["exec", "currenttime", "--", "ls", "="],
    ] {
        assert!(offered(&user, words).is_empty(), "{words:?}");
    }
    assert_eq!(offered(&user, &["exec", "=cur"]), ["currenttime"]);
}

/// Where a server is named, its name is offered; where a tool is, nothing that is none.
#[test]
fn servers_are_offered_where_they_go() {
    let user = user();
    let servers = ["currenttime", "notes", "tracker-mcp"];
    for verb in ["list", "ping", "probe", "call", "headers", "bridge", "env", "exec", "egress"] {
        assert_eq!(offered(&user, &[verb, "="]), servers, "{verb}");
    }
    assert_eq!(offered(&user, &["gateway", "explain", "="]), servers);
    let after = offered(&user, &["call", "currenttime", "="]);
    assert!(after.iter().all(|word| word.starts_with('-')), "{after:?}");
}

/// The names that verbs take besides servers, providers and credentials.
#[test]
fn every_other_name_is_offered_where_it_goes() {
    let mut user = user();
    user.file(".oauth-tokens/agent-reader.json", r#"{"client_id":"agent-reader","client_secret":"s","keycloak_url":"https://kc.test","keycloak_realm":"r"}"#);
    user.env("AGENTCORE_CLIENT_ID_1", "c")
        .env("AGENTCORE_CLIENT_SECRET_1", "s")
        .env("AGENTCORE_SERVER_NAME_1", "sre");
    user.env("AGENTCORE_ISSUER", "https://idp.test");
    for (server, variable) in [("files", "API_KEY"), ("notes-local", "NOTES_TOKEN")] {
        user.run_with(&["secret", "set", server, variable], "a-secret").code(0);
    }
    for verb in ["set", "list", "remove"] {
        assert_eq!(offered(&user, &["secret", verb, "="]), ["files", "notes-local"], "{verb}");
    }
    assert_eq!(offered(&user, &["secret", "remove", "files", "=A"]), ["API_KEY"]);
    assert_eq!(offered(&user, &["exec", "=f"]), ["files"]);
    assert_eq!(offered(&user, &["keycloak", "--agent-name", "="]), ["agent-reader"]);
    assert_eq!(offered(&user, &["agentcore", "--gateway-name", "="]), ["sre"]);
    assert_eq!(offered(&user, &["help", "=env"]), ["environment", "env"]);
    assert_eq!(offered(&user, &["help", "=exit"]), ["exit-codes"]);
    let server = crate::advised::server();
    let address = format!("{}/mcp", server.base);
    user.run_with(&["login", &address, "--with-token"], "a-key").code(0);
    assert_eq!(offered(&user, &["login", "=http"]), [address]);
    assert_eq!(offered(&user, &["import", "--client", "=curs"]), ["cursor"]);
    assert!(offered(&user, &["gateway", "token", "revoke", "=x"]).is_empty());
}

#[test]
fn an_alias_is_offered_to_whoever_has_begun_it_alone() {
    let user = User::new();
    let all = offered(&user, &["="]);
    assert!(all.contains(&"ping".to_owned()) && all.contains(&"list".to_owned()), "{all:?}");
    for alias in ["connectivity", "tools", "basic", "complete"] {
        assert!(!all.iter().any(|word| word == alias), "{alias}: {all:?}");
    }
    assert!(offered(&user, &["=conn"]).contains(&"connectivity".to_owned()));
    assert_eq!(offered(&user, &["connectivity", "=--no-a"]), ["--no-auth"]);
}

#[test]
fn it_never_fails() {
    let mut user = User::new();
    user.file(".env", "this is not an assignment\n");
    user.file(".oauth-tokens/x-egress.json", "{broken");
    for words in [
        &[][..],
        &["="],
        &["nonsense", "--what", "=x"],
        &["headers", "="],
        &["--env-file", "gone", "token", "="],
        &["egress", "--"],
    ] {
        offered(&user, words);
    }
    user.env("MCPAUTH_CA_CERT", "/gone.pem").env("MCPAUTH_LOGIN_TIMEOUT", "never");
    assert!(
        offered(&user, &["headers", "="]).iter().all(|word| word.starts_with('-')),
        "no names, but options"
    );
    let ran = user.run(&["complete"]).code(0);
    assert_eq!(ran.stdout, "");
}

/// A line of a ledger: a token with this identifier and owner.
pub(crate) fn vended(name: &str) -> String {
    let entry = json!({
        "jti": name, "owner": name, "issuer": "https://i.test", "scope": "", "audience": [], "issued_at": 1,
        "expires_at": mcpauth::sys::clock::now() + 3_600,
    });
    json!({"vended": entry}).to_string() + "\n"
}

/// Names are others': those of files in a folder, of servers and of tokens. One that a shell would not take as one word
/// is not offered, whichever way the shell's script inserts it.
#[test]
fn no_name_that_a_shell_would_read_as_more_is_offered() {
    let user = user();
    let hostile = [
        "$(touch evil)",
        "`touch evil`",
        "${HOME}",
        "a;touch evil",
        "a&b",
        "a|b",
        "a>evil",
        "a b",
        "a\tb",
        "a\nb",
        "a\u{1b}[31mb",
        "a\u{202e}b",
        "a\u{3164}b",
        "a'b",
        "a\"b",
        "a\\b",
        "a*",
        "a?",
        "[a]",
        "{a,b}",
        "(a)",
        "#a",
        "!a",
        "~",
        "--env-file=evil",
        "-x",
    ];
    let ledger: Vec<String> = hostile.iter().chain(&["good"]).map(|name| vended(name)).collect();
    user.file("vended.jsonl", &ledger.concat());
    user.file("gateway.yaml", "vending: {key: k.pem, issuer: 'https://g.test'}\n");
    for (n, name) in hostile.iter().enumerate() {
        user.file(&format!(".oauth-tokens/{name}-egress.json"), r#"{"provider":"notes","access_token":"t"}"#);
        user.file(&format!("env/{name}"), "A=b\n");
        let server = json!({"server_name": name, "path": format!("/{name}"), "auth_type": "none"});
        user.file(&format!("servers/{n}.json"), &server.to_string());
    }
    let cases: [(&[&str], &[&str]); 7] = [
        (&["headers", "="], &["currenttime", "notes", "tracker-mcp"]),
        (&["token", "="], &["notes", "tracker-mcp"]),
        (&["logout", "=-"], &[]),
        (&["inspect", "=a"], &[]),
        (&["gateway", "token", "revoke", "="], &["good"]),
        (&["gateway", "token", "revoke", "--owner", "="], &["good"]),
        (&["--env-file", "=env/"], &["env/--env-file=evil", "env/-x"]),
    ];
    for (words, expected) in cases {
        let (options, names): (Vec<_>, Vec<_>) =
            offered(&user, words).into_iter().partition(|word| word.starts_with('-'));
        assert_eq!(names, expected, "{words:?}");
        let is_ours = |word: &String| word != "-x" && !word.contains("evil");
        assert!(options.iter().all(is_ours), "{words:?}: {options:?}");
    }
    assert!(!user.project().join("evil").exists());
}

/// Tries the completion of one shell.
type Tried = fn(&User);
/// The shells whose completion is tried; `.ci/run` has them all (`real::shells`).
const SHELLS: [(&str, Tried); 4] = [("bash", bash), ("zsh", zsh), ("fish", fish), ("elvish", elvish)];

fn is_there(shell: &str) -> bool {
    Command::new(shell).arg("-c").arg("exit").stderr(Stdio::null()).status().is_ok()
}

/// A machine of a developer's may lack some, and is told so.
#[test]
fn the_shells_that_are_here_offer_them() {
    let user = user();
    for (shell, tried) in SHELLS {
        if is_there(shell) {
            tried(&user);
        } else {
            eprintln!("SKIPPED: completion in {shell}, which is not installed here; .ci/run installs it");
        }
    }
}

/// With a shell missing this fails.
pub(crate) fn every_shell_offers_them() {
    let user = user();
    for (shell, tried) in SHELLS {
        assert!(is_there(shell), "{shell} is not installed: tests/real/setup.sh does that");
        tried(&user);
    }
}

/// A script in a shell.
fn in_shell(user: &User, shell: &str, args: &[&str]) -> Ran {
    let binary = Path::new(env!("CARGO_BIN_EXE_mcpauth")).parent().unwrap().display().to_string();
    let mut command = user.command(&[]);
    let path = format!("{binary}:{}", std::env::var("PATH").unwrap_or_default());
    let envs: Vec<_> =
        command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
    command = Command::new(shell);
    command.args(args).current_dir(user.project()).env_clear().stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, value) in envs {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    ended(command.env("PATH", path).spawn().unwrap())
}

fn bash(user: &User) {
    // What bash does at a press of the key, for each line.
    let script = r#"
        eval "$(mcpauth completions bash)"
        press() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mcpauth; echo "${COMPREPLY[*]}"; }
        press mcpauth headers cur
        press mcpauth headers ''
        press mcpauth egress --provider tra
        press mcpauth egress --provider = tra
        press mcpauth egress --device --no-b
        press mcpauth headers '$(touch evil)'
        press mcpauth exec currenttime -- basena
        press mcpauth exec currenttime -- ls cur
    "#;
    let ran = in_shell(user, "bash", &["--norc", "-c", script]);
    let ran = ran.code(0);
    let expected = [
        "currenttime",
        "currenttime notes tracker-mcp",
        "tracker",
        "tracker",
        "--no-browser",
        "",
        "basename",
        "",
    ];
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), expected, "{}", ran.stderr);
    assert!(!user.project().join("evil").exists());
}

fn fish(user: &User) {
    let script = r"
        mcpauth completions fish | source
        complete --do-complete 'mcpauth headers cur'
        complete --do-complete 'mcpauth egress --provider tra'
        complete --do-complete 'mcpauth egress --dev'
        complete --do-complete 'mcpauth exec currenttime -- basenam'
    ";
    let ran = in_shell(user, "fish", &["--no-config", "-c", script]);
    let ran = ran.code(0);
    let words: Vec<&str> = ran.stdout.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(words, ["currenttime", "tracker", "--device", "basename"], "{}", ran.stderr);
}

fn zsh(user: &User) {
    // Its completion functions run in its line editor alone; here they are told the words and their answer is caught.
    let script = r#"
        compdef() { }; _files() { print -r -- files; }; _normal() { print -r -- normal $CURRENT $words; }
        _describe() { print -rl -- "${(@)candidates%%:*}"; }
        eval "$(mcpauth completions zsh)"
        press() { words=("$@"); CURRENT=$#; _mcpauth; }
        press mcpauth headers cur
        press mcpauth egress --provider tra
        press mcpauth headers '$(touch evil)'
        press mcpauth exec currenttime -- ls cur
    "#;
    let ran = in_shell(user, "zsh", &["-f", "-c", script]);
    assert_eq!(
        ran.stdout.lines().collect::<Vec<_>>(),
        ["currenttime", "tracker", "files", "normal 2 ls cur"],
        "{}",
        ran.stderr
    );
    assert!(!user.project().join("evil").exists());
}

fn elvish(user: &User) {
    // Its `edit:` module is there in its line editor alone; here is one that says what it is asked for.
    let script = r#"
        var edit: = (ns [
            &completion:=(ns [&arg-completer=[&]])
            &complex-candidate~={|value &display=''| put $value }
            &complete-filename~={|@words| put files }
        ])
        eval (mcpauth completions elvish | slurp) &on-end={|inner| set edit: = $inner[edit:] }
        var press = $edit:completion:arg-completer[mcpauth]
        $press mcpauth headers cur | each {|word| echo $word }
        $press mcpauth egress --provider tra | each {|word| echo $word }
        $press mcpauth exec currenttime -- cur | each {|word| echo $word }
    "#;
    let ran = in_shell(user, "elvish", &["-norc", "-c", script]).code(0);
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), ["currenttime", "tracker", "files"], "{}", ran.stderr);
}
