//! The user's own store and the project's: which is which, and what `--tokens-dir` does to both.
#![expect(clippy::disallowed_methods, reason = "tests look at what was written")]

use super::{KEY, server};
use crate::by_address::{self, REGISTRATION, TOKEN, log_in, play};
use crate::support::User;

const NAME: &str = "127.0.0.1";

#[test]
fn what_a_person_got_is_there_from_every_folder() {
    let (server, user) = (play(|_, _, _| ()), User::new());
    log_in(&user, &server, &[]);
    assert!(user.own_store().join(TOKEN).exists() && !user.project().join(".oauth-tokens").exists());
    let elsewhere = user.home().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let run = |args: &[&str]| {
        crate::support::ended(user.command(args).current_dir(&elsewhere).spawn().unwrap()).code(0).stdout
    };
    assert_eq!(run(&["token", NAME]), "t-2\n");
    let status = run(&["status"]);
    assert!(status.contains("yours") && status.contains("credentials"), "{status}");
    // A client starts the bridge anywhere, with what its file says.
    let rendered = run(&["config", "render", "--client", "cursor", "--auth-mode", "bridge"]);
    let rendered: serde_json::Value = serde_json::from_str(&rendered).unwrap();
    let entry = &rendered["mcpServers"][NAME];
    let mut words: Vec<&str> =
        entry["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert!(!words.iter().any(|word| word.contains("project") || word.contains("elsewhere")), "{words:?}");
    let at = words.iter().position(|word| *word == "bridge").unwrap();
    words.splice(at.., ["headers", NAME]);
    assert!(run(&words).contains("t-2"));
    assert!(!elsewhere.join(".oauth-tokens").exists(), "looking leaves nothing behind");
}

#[test]
fn a_registration_in_a_project_is_still_read_and_named() {
    let (server, user) = (play(|_, _, _| ()), by_address::user());
    log_in(&user, &server, &[]);
    // As an earlier version left it.
    let project = user.project().join(".oauth-tokens");
    std::fs::rename(user.own_store().join(".registrations"), project.join(".registrations")).unwrap();
    std::fs::rename(user.own_store().join(TOKEN), project.join(TOKEN)).unwrap();
    assert_eq!(user.run(&["token", NAME]).code(0).stdout, "t-2\n");
    let row = user.run(&["status", "--json"]).code(0).json()["credentials"].clone();
    let row = row.as_array().unwrap().iter().find(|row| row["kind"] == "egress").unwrap().clone();
    assert_eq!(
        (row["store"].as_str(), row["name"].as_str()),
        (Some("project"), Some("egress mcp for 127.0.0.1"))
    );
    user.run(&["login", &format!("{}/mcp", server.base), "--no-browser"]).code(0);
    assert!(!user.own_store().join(REGISTRATION).exists(), "it stays where it is");
    user.run(&["logout", NAME]).code(0);
    assert!(!project.join(TOKEN).exists() && !project.join(REGISTRATION).exists());
}

#[test]
fn one_folder_holds_everything_if_the_user_names_one() {
    let (server, user) = (server("authorization", "Bearer {}"), User::new());
    let address = format!("{}/mcp", server.base);
    let all = user.home().join("all");
    let dir = all.to_str().unwrap();
    user.run_with(&["--tokens-dir", dir, "login", &address, "--with-token"], KEY).code(0);
    user.run_with(&["--tokens-dir", dir, "secret", "set", "files", "X"], KEY).code(0);
    assert!(
        all.join(TOKEN).exists() && all.join(".secrets/files.json").exists() && !user.own_store().exists()
    );
    user.run(&["token", NAME]).code(2);
    assert_eq!(user.run(&["--tokens-dir", dir, "token", NAME]).code(0).stdout, format!("{KEY}\n"));
    let mut other = user;
    other.env("MCPAUTH_TOKENS_DIR", dir);
    assert_eq!(other.run(&["exec", "files", "--", "sh", "-c", "echo $X"]).code(0).stdout, format!("{KEY}\n"));
}

#[test]
fn a_project_is_not_kept_from_its_tokens_by_a_persons_login() {
    let (server, user) = (play(|_, _, _| ()), by_address::user());
    log_in(&user, &server, &[]);
    let file = user.own_store().join(TOKEN);
    let mut stored = crate::support::read_json(&file);
    stored["refresh_token"] = serde_json::Value::Null;
    mcpauth::sys::private_file::write(&file, &stored.to_string()).unwrap();
    let ran = user.run(&["generate", "--no-install"]).code(2);
    assert!(!ran.stderr.contains(NAME), "{}", ran.stderr);
    // And what is written for the project has nothing of the person's.
    user.file(".env", "");
    let local = user.project().join(".oauth-tokens/mcp.json");
    assert!(!local.exists() || !std::fs::read_to_string(local).unwrap().contains("t-1"));
}
