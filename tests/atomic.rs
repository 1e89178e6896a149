//! Killed at any moment, mcpauth leaves either the old token file or the new one, and no other user can read either.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests start the program under a umask of their own")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::User;
use crate::support::wire::Scripted;

/// Enough kills to hit every stage of a run.
const ROUNDS: u32 = 60;

/// Issues a new long token for each request, so that half a file would be noticed.
fn server() -> Scripted {
    let count = AtomicUsize::new(0);
    Scripted::start(move |_| {
        let n = count.fetch_add(1, Ordering::Relaxed);
        let token = format!("{n}-{}", "x".repeat(40_000));
        (200, json!({"access_token": token, "refresh_token": token, "expires_in": 0}).to_string())
    })
}

/// Starts the program from a shell with a permissive umask, which it then replaces: the child's id is the program's.
fn careless(user: &User, args: &[&str]) -> Child {
    let program = user.command(args);
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 000; exec \"$@\"", "sh"]).arg(program.get_program()).args(program.get_args());
    shell.env_clear().current_dir(user.project());
    shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Every file in the folder is readable only by us, and the token file is complete. Returns its token.
fn look(folder: &Path, file: &str) -> String {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        // A temporary file may be renamed between the listing and the check.
        let Ok(about) = entry.metadata() else { continue };
        let expected = if about.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(about.permissions().mode() & 0o777, expected, "{:?}", entry.path());
    }
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    let object: Value = serde_json::from_str(&text).unwrap();
    let token = object["access_token"].as_str().unwrap();
    assert!(token.len() > 40_000 && token.ends_with('x') || token == "planted", "{}", token.len());
    token.to_owned()
}

fn kill_at_every_point(user: &User, args: &[&str], file: &str) {
    let folder = user.project().join(".oauth-tokens");
    let began = Instant::now();
    assert!(careless(user, args).wait().unwrap().success());
    let whole = began.elapsed();
    let (mut killed, mut finished, mut last) = (0, 0, look(&folder, file));
    for round in 0..ROUNDS {
        let mut child = careless(user, args);
        let until = Instant::now() + whole.mul_f64(f64::from(round) * 1.3 / f64::from(ROUNDS));
        while Instant::now() < until {
            look(&folder, file);
        }
        let _ = child.kill();
        if child.wait().unwrap().success() {
            finished += 1
        } else {
            killed += 1
        }
        let now = look(&folder, file);
        let (old, new) = (number(&last), number(&now));
        assert!(old <= new, "{old} came back after {new}");
        last = now;
    }
    assert!(killed > 0, "{killed} killed, {finished} finished");
    let left = std::fs::read_dir(&folder).unwrap().flatten();
    let odd: Vec<_> = left
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name != file && name != ".locks" && name != ".gitignore")
        .filter(|name| !(name.starts_with(".mcpauth-") && name.ends_with(".tmp")))
        .collect();
    assert_eq!(odd, [""; 0]);
    // Leftovers of a kill do not get in the way.
    assert!(careless(user, args).wait().unwrap().success());
    assert!(number(&look(&folder, file)) > number(&last));
}

fn number(token: &str) -> i64 {
    token.split('-').next().unwrap().parse().unwrap_or(-1)
}

#[test]
fn a_killed_ingress_leaves_the_old_file_or_the_new_one() {
    let server = server();
    let mut user = User::new();
    user.oidc(&server.base, "agent", "agent-secret")
        .env("INGRESS_OAUTH_TOKEN_URL", format!("{}/token", server.base));
    kill_at_every_point(&user, &["ingress", "--force"], "ingress.json");
}

#[test]
fn a_killed_refresh_leaves_the_old_file_or_the_new_one() {
    let server = server();
    let mut user = User::new();
    user.tracker("tracker", 1, &server.base, "http://127.0.0.1:0/callback", "");
    let planted =
        json!({"provider": "tracker", "access_token": "planted", "refresh_token": "r", "expires_at": 1});
    user.file(".oauth-tokens/tracker-egress.json", &planted.to_string());
    kill_at_every_point(&user, &["egress"], "tracker-egress.json");
}
