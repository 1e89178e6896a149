//! The secrets of local servers, and commands that get them.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests start commands and look at files")]

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::support::{User, mode};

const SECRET: &str = "hunter2-0123456789";

#[test]
fn a_server_gets_its_own_secrets_and_nobody_elses() {
    let user = User::new();
    for (server, variable) in [("files", "API_KEY"), ("Files Two", "API_KEY"), ("other", "OTHER_KEY")] {
        let ran = user.run_with(&["secret", "set", server, variable], format!("{SECRET}-{server}\n")).code(0);
        assert!(!format!("{ran:?}").contains(SECRET), "{ran:?}");
    }
    let show = ["sh", "-c", "echo \"$API_KEY/$OTHER_KEY\""];
    let exec = |server: &str| user.run(&[&["exec", server, "--"], &show[..]].concat()).code(0).stdout;
    assert_eq!(exec("files"), format!("{SECRET}-files/\n"));
    assert_eq!(exec("FILES"), format!("{SECRET}-files/\n"));
    assert_eq!(exec("Files Two"), format!("{SECRET}-Files Two/\n"));
    assert_eq!(exec("other"), format!("/{SECRET}-other\n"));
    assert!(
        user.run(&[&["exec", "files", "Files Two", "--"], &show[..]].concat())
            .code(2)
            .stderr
            .contains("API_KEY")
    );
    user.run(&["exec", "nobody", "--", "true"]).code(2);

    let list = user.run(&["secret", "list"]).code(0);
    assert!(list.stdout.contains("API_KEY") && !format!("{list:?}").contains(SECRET), "{list:?}");
    let json = user.run(&["secret", "list", "--json"]).code(0);
    assert_eq!(json.json()["servers"][1]["secrets"][0]["variable"], "API_KEY");
    assert!(!json.stdout.contains(SECRET));
    let folder = user.own_store().join(".secrets");
    for entry in std::fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    assert!(!user.project().join(".oauth-tokens").exists());

    user.run(&["secret", "remove", "files", "API_KEY"]).code(0);
    user.run(&["secret", "remove", "files"]).code(2);
    user.run(&["exec", "files", "--", "true"]).code(2);
}

#[test]
fn a_secret_is_never_an_argument() {
    let user = User::new();
    for args in [
        &["secret", "set", "files", "KEY=hunter2"][..],
        &["secret", "set", "https://tools.test/mcp", "KEY"],
        &["secret", "set", "", "KEY"],
        &["exec", "files", "--env", "KEY=hunter2", "--", "true"],
    ] {
        let ran = user.run_with(args, SECRET).code(2);
        assert!(!ran.stderr.contains("--env NAME") || !ran.stderr.contains("hunter2"), "{ran:?}");
    }
    user.run(&["secret", "set", "files", "KEY"]).code(2);
}

#[test]
fn input_output_signals_and_exit_code_are_the_commands_own() {
    let user = User::new();
    user.run_with(&["secret", "set", "files", "API_KEY"], SECRET).code(0);
    let echo = user.run_with(&["exec", "files", "--", "cat"], "one\ntwo").code(0);
    assert_eq!(echo.stdout, "one\ntwo");
    user.run(&["exec", "files", "--", "sh", "-c", "exit 42"]).code(42);
    user.run(&["exec", "files", "--", "/no/such/program"]).code(127);
    let script = "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.01; done";
    let mut child = user.command(&["exec", "files", "--", "sh", "-c", script]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    let id = child.id().to_string();
    std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "caught");
    assert_eq!(child.wait().unwrap().code(), Some(9));
    // A client that closes its end is seen by the command.
    let mut child = user.command(&["exec", "files", "--", "cat"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"x").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"x");
}

#[test]
fn a_command_brings_a_secret_when_it_is_needed() {
    let mut user = User::new();
    user.env("INGRESS_OAUTH_CLIENT_SECRET", "ours");
    let safe = user.home().join("safe");
    let line = format!("test -z \"$INGRESS_OAUTH_CLIENT_SECRET\" && cat {}", safe.display());
    user.run(&["secret", "set", "files", "API_KEY", "--from-command", &line, "--ttl", "1h"]).code(0);
    let show = ["exec", "files", "--", "sh", "-c", "echo $API_KEY"];
    let ran = user.run(&show).code(4);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("API_KEY of files: the command"), "{ran:?}");
    std::fs::write(&safe, format!("{SECRET}\n")).unwrap();
    assert_eq!(user.run(&show).code(0).stdout, format!("{SECRET}\n"));
    assert!(user.run(&["secret", "list"]).code(0).stdout.contains("printed by: test -z"));
    // A project that brings secrets along is not asked.
    let mark = user.home().join("ran");
    let evil = serde_json::json!({"server": "evil", "values": {}, "commands": {"X": {"command": format!("touch {}", mark.display()), "ttl": 1}}});
    user.file(".oauth-tokens/.secrets/evil.json", &evil.to_string());
    user.file(".env", "MCPAUTH_TOKENS_DIR=.oauth-tokens\n");
    user.run(&["exec", "evil", "--", "true"]).code(2);
    assert!(!mark.exists());
}

#[test]
fn a_variable_gets_the_token_of_a_credential_and_nothing_else_comes_with_it() {
    let user = User::new();
    let stored = |token: &str| serde_json::json!({"provider": "hub", "access_token": token}).to_string();
    user.file(".oauth-tokens/hub-egress.json", &stored("token-of-hub"));
    user.file(".oauth-tokens/hub-mail-egress.json", &stored("token-of-mail"));
    user.run_with(&["secret", "set", "hub", "API_KEY"], SECRET).code(0);
    let script = "echo \"$GITHUB_TOKEN/$MAIL/$API_KEY\"; env | grep -c MCPAUTH_HUB; true";
    let args =
        ["exec", "hub", "--env", "GITHUB_TOKEN=token", "--env", "MAIL=token:mail", "--", "sh", "-c", script];
    assert_eq!(user.run(&args).code(0).stdout, format!("token-of-hub/token-of-mail/{SECRET}\n0\n"));
    user.run(&["exec", "hub", "--env", "X=token:nobody", "--", "true"]).code(2);
}

#[test]
fn a_secret_is_kept_as_it_came_but_for_the_end_of_its_line() {
    let user = User::new();
    let long = "k".repeat(64 << 10);
    let pem = "-----BEGIN X-----\nabc\n-----END X-----";
    let odd = "it's \"q\" $HOME `x` \\ %PATH% ${A} \t'";
    for (stdin, expected) in [
        (format!("{SECRET}\r\n"), SECRET),
        (format!("{SECRET}\n"), SECRET),
        (SECRET.to_owned(), SECRET),
        (format!("\u{feff}{SECRET}\n"), SECRET),
        (format!("{pem}\n"), pem),
        (odd.to_owned(), odd),
        (long.clone(), &long),
    ] {
        user.run_with(&["secret", "set", "files", "KEY"], &stdin).code(0);
        let ran = user.run(&["exec", "files", "--", "sh", "-c", "printf %s \"$KEY\""]).code(0);
        assert_eq!(ran.stdout, expected);
        // In no list of processes: a program has it in its environment alone.
        let shown = user.run(&[
            "exec",
            "files",
            "--",
            "sh",
            "-c",
            "cat /proc/self/cmdline /proc/$$/cmdline | tr '\\0' ' '",
        ]);
        assert!(!shown.stdout.contains(expected), "{}", shown.stdout);
    }
    let too_long = "k".repeat(128 << 10);
    for (stdin, why) in
        [("", "stdin is empty"), ("\r\n", "stdin is empty"), ("a\0b", "NUL"), (&too_long, "128 KiB")]
    {
        let ran = user.run_with(&["secret", "set", "files", "KEY"], stdin).code(2);
        assert!(ran.stderr.contains(why) && !ran.stderr.contains("kkk"), "{why}: {}", ran.stderr);
    }
    let ran = user.run(&["exec", "files", "--", "sh", "-c", "printf %s \"$KEY\""]).code(0);
    assert_eq!(ran.stdout, long, "the last good one is there");
}

#[test]
fn an_entry_by_the_name_of_stored_secrets_gets_them() {
    let user = User::new();
    let file = user.home().join(".cursor/mcp.json");
    let before = serde_json::json!({"mcpServers": {
        "files": {"command": "sh", "args": ["-c", "printf %s \"$API_KEY$LOG\""], "env": {"LOG": "-log"}},
        "other": {"command": "true", "args": []},
    }})
    .to_string();
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, &before).unwrap();
    user.run_with(&["secret", "set", "files", "API_KEY"], SECRET).code(0);
    // One that came with a folder has the name as well, and gets nothing.
    let evil = serde_json::json!({"mcpServers": {"files": {"command": "evil", "args": []}}}).to_string();
    let found = user.file(".cursor/mcp.json", &evil);
    let said = user.run(&["config", "install", "--client", "cursor"]).code(0);
    let text = format!("{}{}", said.stdout, said.stderr);
    assert!(
        text.contains("files is left alone") && text.contains("mcpauth import --client cursor"),
        "{text}"
    );
    user.run(&["import", "--yes"]).code(0);
    assert_eq!(std::fs::read_to_string(&found).unwrap(), evil);
    let now = crate::support::read_json(&file);
    assert_eq!(now["mcpServers"]["other"]["command"], "true");
    let entry = &now["mcpServers"]["files"];
    let mut command = std::process::Command::new(entry["command"].as_str().unwrap());
    command.args(entry["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()));
    command
        .env_clear()
        .env("HOME", user.home())
        .env("PATH", std::env::var("PATH").unwrap())
        .env("LOG", "-log");
    assert_eq!(command.output().unwrap().stdout, format!("{SECRET}-log").as_bytes());
    assert_eq!(user.run(&["import", "--dry-run", "--json"]).json()["entries"], serde_json::json!([]));
    user.run(&["config", "uninstall", "--restore"]).code(0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
}
