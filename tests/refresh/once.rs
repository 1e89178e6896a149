//! `mcpauth refresh --once`, service files, and invalid arguments.
#![cfg(test)]

use mcpauth::sys::clock;
use serde_json::{Value, json};

use super::{AGENT, FILE, TOKENS, TRACKER, agent, idp, requests};
use crate::support::User;

/// The statuses of one pass.
#[track_caller]
fn pass(user: &User, more: &[&str], code: i32) -> Vec<(String, String)> {
    let object = user.run(&[&["refresh", "--once", "--json"], more].concat()).code(code).json();
    assert_eq!((object["exit_code"].as_i64(), object["ok"].as_bool()), (Some(code.into()), Some(code == 0)));
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let rows = object["results"].as_array().unwrap().iter().filter(|row| row["status"] != "skipped");
    rows.map(|row| (text(row, "name"), text(row, "status"))).collect()
}

fn row(name: &str, status: &str) -> (String, String) {
    (name.into(), status.into())
}

#[test]
fn one_pass_renews_what_is_due_and_its_exit_code_is_honest() {
    let idp = idp(300);
    let mut user = User::at(&idp);
    assert_eq!(pass(&user, &[], 4), [row(TRACKER, "failed")], "nobody has logged in");
    agent(&user, idp.issuer(), "agent-secret");
    assert_eq!(pass(&user, &[], 3), [row(TRACKER, "failed"), row(AGENT, "obtained")]);
    user.log_in();
    assert_eq!(pass(&user, &[], 0), [row(TRACKER, "reused"), row(AGENT, "reused")]);
    let (before, now) = (requests(&idp), clock::now());
    // A minute later, so that the new ends are later as well.
    user.plant(FILE, &[("expires_at", json!(now + 240)), ("saved_at", json!(clock::human(now - 60)))]);
    let ends = [("expires_at", json!(now + 240)), ("generated_at", json!(clock::rfc3339(now - 60)))];
    user.plant("agent-a-token.json", &ends);
    assert_eq!(pass(&user, &["--force"], 0), [row(TRACKER, "refreshed"), row(AGENT, "obtained")]);
    assert_eq!(requests(&idp), before + 2);
    // Half of its life is left: by a buffer of a fifth it is not due, whatever the variable says.
    user.plant(FILE, &[("expires_at", json!(now + 150)), ("saved_at", json!(clock::human(now - 150)))]);
    user.env("TOKEN_EXPIRY_BUFFER", "3600");
    assert_eq!(pass(&user, &[], 0), [row(TRACKER, "reused"), row(AGENT, "reused")]);
    user.plant(FILE, &[("expires_at", json!(now + 50)), ("saved_at", json!(clock::human(now - 250)))]);
    assert_eq!(pass(&user, &["--buffer", "5"], 0), [row(TRACKER, "reused"), row(AGENT, "reused")]);
    assert_eq!(pass(&user, &[], 0), [row(TRACKER, "refreshed"), row(AGENT, "reused")]);
    drop(idp);
    assert_eq!(pass(&user, &["--force"], 5), [row(TRACKER, "failed"), row(AGENT, "failed")]);
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_done() {
    let mut user = User::new();
    user.run(&["refresh"]).code(2);
    user.run(&["refresh", "--once"]).code(2);
    agent(&user, "http://127.0.0.1:1", "s");
    for args in [["--interval", "0"], ["--buffer", "-1"], ["--buffer", "soon"], ["--force", "--no-install"]] {
        user.run(&[&["refresh"], &args[..]].concat()).code(2);
    }
    for (variable, value) in [("TOKEN_REFRESH_INTERVAL", "0"), ("TOKEN_EXPIRY_BUFFER", "an hour")] {
        let ran = user.env(variable, value).run(&["refresh"]).code(2);
        assert!(ran.stderr.contains(&format!("{variable}: expected a time")), "{}", ran.stderr);
        user.env(variable, "");
    }
}

#[test]
fn a_service_file_names_everything_from_the_root() {
    let mut user = User::new();
    user.env("EGRESS_PROVIDER_NAME_1", "tracker");
    let env_file = user.file("my settings.env", "REGISTRY_URL=https://gw.test");
    let args = [
        "--env-file",
        "my settings.env",
        "refresh",
        "--interval",
        "60",
        "--on-login-needed",
        "echo \"$X\" & %h",
    ];
    let unit = |kind| user.run(&[&args[..], &["--unit", kind]].concat()).code(0);
    let (binary, project) = (env!("CARGO_BIN_EXE_mcpauth"), user.project().display().to_string());
    let tokens = format!("{project}/{TOKENS}");
    let systemd = unit("systemd");
    let start = format!(
        "ExecStart=\"{binary}\" \"--found-tokens-dir\" \"{tokens}\" \"--env-file\" \"{}\" \"--servers-dir\" \
         \"{project}/servers\" \"--registry-url\" \"https://gw.test\" \"refresh\" \"--interval\" \"60\" \
         \"--on-login-needed\" \"echo \\\"$$X\\\" & %%h\"\n",
        env_file.display()
    );
    assert!(systemd.stdout.contains(&start), "{}", systemd.stdout);
    assert!(systemd.stdout.contains(&format!("WorkingDirectory={project}\n")), "{}", systemd.stdout);
    assert!(
        systemd.stderr.contains("only this environment has them: EGRESS_PROVIDER_NAME_1"),
        "{}",
        systemd.stderr
    );
    let launchd = unit("launchd").stdout;
    for part in [&format!("<string>{binary}</string>"), "<string>echo \"$X\" &amp; %h</string>", &tokens] {
        assert!(launchd.contains(part), "{launchd}");
    }
    assert!(!user.project().join(TOKENS).exists(), "nothing is done");
}
