//! What is drawn on a terminal and drawn again: `status --watch` shows every change of a credential, in place there and as a line
//! elsewhere; a login that waits shows what is typed.
#![cfg(test)]
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests remove files and send signals as other programs would")]

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command};

use serde_json::{Value, json};

use crate::support::User;
#[cfg(target_os = "linux")]
use crate::support::pty::OnTerminal;
#[cfg(target_os = "linux")]
use crate::support::wire::Scripted;

/// Long past the end of any test.
const END: u64 = 4_000_000_000;

/// A user with one set.
fn user() -> User {
    let mut user = User::new();
    user.tracker("tracker", 1, "https://idp.test", "http://127.0.0.1:0/callback", "");
    user
}

fn store(user: &User, expires_at: u64) {
    let token = json!({"provider": "tracker", "access_token": "the-token", "expires_at": expires_at});
    user.file(".oauth-tokens/tracker-egress.json", &token.to_string());
}

fn remove(user: &User) {
    std::fs::remove_file(user.token_path("tracker-egress.json")).unwrap();
}

/// A run whose lines are read one by one.
fn watch(user: &User, more: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let args = [&["status", "--watch", "--interval", "20ms"], more].concat();
    let mut child = user.command(&args).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_pipe_gets_one_line_for_each_change() {
    let user = user();
    let (mut child, lines) = watch(&user, &[]);
    let mut lines = lines.map(Result::unwrap);
    let mut next = |part: &str| {
        let line = lines.next().unwrap();
        let (time, text) = line.split_once(' ').unwrap();
        assert!(time.ends_with('Z') && text.contains(part), "{part}: {line}");
    };
    next("egress tracker: needs login -> mcpauth egress");
    next("refresh service: not running");
    store(&user, END);
    next("egress tracker: good, expires in ");
    store(&user, END + 1_000_000);
    next("egress tracker: good, expires in ");
    store(&user, 1_000);
    next("egress tracker: needs login, expired ");
    // Another credential appears, and goes.
    user.file(
        ".oauth-tokens/other-egress.json",
        &json!({"access_token": "x", "provider": "other"}).to_string(),
    );
    next("egress other: good");
    std::fs::remove_file(user.project().join(".oauth-tokens/other-egress.json")).unwrap();
    next("egress other: removed");
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(lines.next(), None);
}

#[test]
fn programs_get_one_object_for_each_change() {
    let user = user();
    let (mut child, lines) = watch(&user, &["--json"]);
    let mut lines = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let mut next = || lines.next().unwrap();
    let first = next();
    assert_eq!(
        (&first["version"], &first["credential"]["status"]),
        (&json!(1), &json!("needs_login")),
        "{first}"
    );
    assert_eq!(next()["refresh_service"], json!({"running": false, "pid": null}));
    store(&user, END);
    let object = next();
    assert_eq!(object["credential"]["expires_at"], END, "{object}");
    assert!(object["time"].as_str().unwrap().ends_with('Z') && !object.to_string().contains("the-token"));
    // The members are those of the whole list.
    let listed = user.run(&["status", "--json"]).code(0).json();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&object["credential"]), names(&listed["credentials"][0]));
    remove(&user);
    assert_eq!(next()["credential"]["status"], "needs_login");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

#[test]
fn it_ends_when_nobody_reads_any_more() {
    let user = user();
    let (mut child, mut lines) = watch(&user, &[]);
    lines.next().unwrap().unwrap();
    drop(lines);
    store(&user, END);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn settings_that_are_being_edited_end_nothing() {
    let user = user();
    let (mut child, mut lines) = watch(&user, &[]);
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
    lines.nth(1).unwrap().unwrap();
    let settings = user.file(".env", "EGRESS_PROVIDER_NAME_2=nosuch\n");
    let line = lines.next().unwrap().unwrap();
    assert!(line.contains("incomplete"), "{line}");
    std::fs::write(&settings, "MCPAUTH_LOGIN_TIMEOUT=soon\n").unwrap();
    let error = errors.next().unwrap().unwrap();
    assert!(error.contains("MCPAUTH_LOGIN_TIMEOUT"), "{error}");
    std::fs::write(&settings, "").unwrap();
    let line = lines.next().unwrap().unwrap();
    assert!(line.contains("removed"), "{line}");
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn check_and_watch_exclude_each_other_and_an_interval_is_for_watching() {
    let user = User::new();
    user.run(&["status", "--watch", "--check"]).code(2);
    let ran = user.run(&["status", "--interval", "1s"]).code(2);
    assert!(ran.stderr.contains("--watch"), "{}", ran.stderr);
    let ran = user.run(&["status", "--watch", "--interval", "soon"]).code(2);
    assert!(ran.stderr.contains("as in 300ms, 2s"), "{}", ran.stderr);
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_shows_the_table_in_its_place() {
    let user = user();
    let command = user.command(&["status", "--watch", "--interval", "20ms"]);
    let mut terminal = OnTerminal::start(command, 24, 80);
    let first = terminal.until("refresh service: not running (start it with: mcpauth refresh)");
    assert!(first.contains("NAME") && first.contains("needs login"), "{first}");
    let rows = first.matches('\n').count() + 1;
    store(&user, END);
    let second = terminal.until("refresh service: not running (start it with: mcpauth refresh)");
    assert!(second.contains("good") && !second.contains("needs login"), "{second}");
    // The old rows are erased, from the last to the first.
    assert_eq!(second.matches("\u{1b}[2K").count(), rows, "{second:?}");
    let (code, last) = terminal.stop("INT");
    assert!(code == Some(130) && last.contains("interrupted"), "{code:?}: {last}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_countdown_is_drawn_again_as_it_runs_down() {
    let user = user();
    let now = mcpauth::sys::clock::now().unsigned_abs();
    store(&user, now + 50);
    let command = user.command(&["status", "--watch", "--interval", "20ms"]);
    let mut terminal = OnTerminal::start(command, 24, 80);
    let mut left = || {
        let drawn = terminal.until("(start it with: mcpauth refresh)");
        let (_, rest) = drawn.split_once(" in ").unwrap_or_else(|| panic!("{drawn}"));
        rest.split_once('s').unwrap().0.parse::<u64>().unwrap()
    };
    let first = left();
    assert!((40..=50).contains(&first) && left() < first);
    let (code, _) = terminal.stop("INT");
    assert_eq!(code, Some(130));
}

/// What clap says about a bad value is longer than a line of a terminal: it goes on below, and no word is broken.
#[test]
#[cfg(target_os = "linux")]
fn a_usage_error_fits_the_terminal() {
    for (args, columns) in
        [(&["list", "--timeout", "never"][..], 60), (&["status", "--watch", "--interval", "x"], 50)]
    {
        let mut terminal = OnTerminal::start(User::new().command(args), 24, columns);
        let drawn = terminal
            .until("For more information, try '--help'.")
            .replace("\u{1b}[31m", "")
            .replace("\u{1b}[0m", "");
        assert!(drawn.starts_with("error: invalid value"), "{drawn}");
        for line in drawn.lines() {
            assert!(line.trim_end().chars().count() <= usize::from(columns), "{line}");
        }
        let whole = drawn.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(whole.contains("expected a time"), "{whole}");
    }
}

/// A paste is seen although the bars are redrawn below it, and Ctrl-C keeps what is known by then.
#[test]
#[cfg(target_os = "linux")]
fn what_is_typed_while_a_login_waits_is_seen_and_a_signal_keeps_what_is_known() {
    let issuer =
        Scripted::start(|_| (200, r#"{"access_token":"a","token_type":"Bearer","expires_in":3600}"#.into()));
    let mut user = user();
    user.oidc(&issuer.base, "agent", "s").env("INGRESS_OAUTH_TOKEN_URL", format!("{}/token", issuer.base));
    let command = user.command(&["generate", "--no-browser", "--no-install"]);
    let mut terminal = OnTerminal::start(command, 30, 100);
    terminal.until("paste here the address");
    terminal.until("obtained");
    terminal.type_in("http://127.0.0.1:1/callback?code=abc");
    terminal.until("> http://127.0.0.1:1/callback?");
    terminal.type_in("&more=1");
    terminal.until("more=1");
    terminal.type_in("\n");
    terminal.until("is not this login's callback address");
    let (code, last) = terminal.stop("INT");
    assert_eq!(code, Some(130), "{last}");
    for part in ["ingress oidc", "obtained", "interrupted"] {
        assert!(last.contains(part), "{part}: {last}");
    }
    assert_eq!(user.token("ingress.json")["access_token"], "a");
}
