//! `config install --check`: what it finds in a client's outdated file, and what a run does about it.

use serde_json::{Value, json};

use super::install::Person;
#[cfg(unix)]
use crate::support::mode;

const CURSOR: &str = ".cursor/mcp.json";

/// The rows of a check, as `client status` and what was found.
fn checked(person: &Person, code: i32, args: &[&str]) -> Vec<(String, Vec<String>)> {
    let ran = person.user.run(&[&["config", "install", "--check", "--json"], args].concat()).code(code);
    let object = ran.json();
    assert_eq!((&object["exit_code"], &object["ok"]), (&json!(code), &json!(code == 0)));
    let rows = object["configs"].as_array().unwrap().clone();
    let row = |row: &Value| {
        let drift = row["drift"].as_array().cloned().unwrap_or_default();
        let name = format!("{} {}", row["client"], row["status"]).replace('"', "");
        (name, drift.iter().map(|line| line.as_str().unwrap().to_owned()).collect())
    };
    rows.iter().map(row).collect()
}

fn edit(person: &Person, change: impl Fn(&mut Value)) {
    let mut config = person.config(CURSOR);
    change(&mut config["mcpServers"]);
    std::fs::write(person.home(CURSOR), config.to_string()).unwrap();
}

fn in_order() -> Vec<(String, Vec<String>)> {
    vec![("cursor in_order".into(), Vec::new())]
}

#[test]
fn whatever_is_not_as_it_was_installed_is_found_and_the_next_run_mends_it() {
    let person = Person::new();
    assert_eq!(checked(&person, 0, &[]), []);
    person.install(&["--client", "cursor", "--auth-mode", "inline"]);
    assert_eq!(checked(&person, 0, &[]), in_order());
    let url = "https://gw.test/notes/mcp";
    let found = |what: String| vec![("cursor drifted".to_owned(), vec![what])];

    edit(&person, |servers| drop(servers.as_object_mut().unwrap().remove("notes")));
    assert_eq!(checked(&person, 7, &[]), found(format!("+ notes  {url}")));
    person.install(&[]);
    edit(&person, |servers| servers["notes"]["headers"]["X-Region"] = json!("elsewhere"));
    assert_eq!(checked(&person, 7, &[]), found(format!("~ notes  {url}  (headers)")));
    person.install(&[]);
    edit(&person, |servers| servers["mine"] = json!({"command": "npx"}));
    let text = person.user.run(&["config", "install", "--check"]).code(0).stdout;
    assert_eq!(text, "ok      cursor                       in order, 1 server  ~/.cursor/mcp.json\n");
    assert_eq!(checked(&person, 0, &[]), in_order(), "what is the user's is no drift");
    std::fs::remove_file(person.home(CURSOR)).unwrap();
    assert_eq!(checked(&person, 7, &[]), found(format!("+ notes  {url}")));
    person.install(&[]);
    person.egress("desk");
    assert_eq!(checked(&person, 7, &[]), found("+ desk  https://gw.test/desk/mcp".into()));
    person.install(&[]);
    assert_eq!(
        checked(&person, 7, &["--auth-mode", "env"]),
        vec![(
            "cursor drifted".to_owned(),
            ["desk", "notes"].map(|name| format!("~ {name}  https://gw.test/{name}/mcp  (headers)")).into()
        )]
    );
    assert_eq!(checked(&person, 0, &[]), in_order(), "a check changes nothing");
    person.install(&["--client", "junie"]);
    std::fs::remove_dir_all(person.home(".junie")).unwrap();
    assert_eq!(checked(&person, 0, &[]), in_order(), "a client that was removed is not missed");
    std::fs::write(person.home(CURSOR), "{ oops").unwrap();
    let rows = checked(&person, 7, &[]);
    assert!(rows[0].0 == "cursor failed" && rows[0].1[0].contains("is not JSON"), "{rows:?}");
    let text = person.user.run(&["config", "install", "--check"]).code(7).stdout;
    assert!(text.contains("failed  cursor") && text.contains("nothing was written"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_drift_only_with_secrets_in_it() {
    use std::os::unix::fs::PermissionsExt;
    let person = Person::new();
    let open =
        || std::fs::set_permissions(person.home(CURSOR), std::fs::Permissions::from_mode(0o644)).unwrap();
    for (way, exit) in [("inline", 7), ("bridge", 0)] {
        person.install(&["--client", "cursor", "--auth-mode", way]);
        open();
        let rows = checked(&person, exit, &[]);
        assert_eq!(rows[0].1.concat().contains("others can read it"), exit == 7, "{rows:?}");
        person.install(&[]);
        assert_eq!(mode(&person.home(CURSOR)), if exit == 7 { 0o600 } else { 0o644 });
    }
}

#[test]
fn a_new_token_makes_only_files_with_tokens_in_them_old_and_generate_keeps_them_new() {
    let person = Person::new();
    person.install(&["--client", "cursor", "--auth-mode", "inline"]);
    person.install(&["--client", "vscode"]);
    person.user.run(&["ingress", "--force"]).code(0);
    let rows = checked(&person, 7, &[]);
    let mut names: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["cursor drifted", "vscode in_order"]);
    let ran = person.user.run(&["generate", "--no-install", "--json"]).code(0).json();
    assert_eq!(ran["configs"].as_array().unwrap().len(), 2, "{ran}");
    assert_eq!(checked(&person, 7, &[]).len(), 2);
    let ran = person.user.run(&["generate", "--json"]).code(0).json();
    let rows = ran["configs"].as_array().unwrap().iter();
    let clients: Vec<&str> = rows.map(|row| row["client"].as_str().unwrap()).collect();
    assert_eq!(clients, ["vscode-legacy", "vscode-legacy", "roo", "roo", "cursor"]);
    assert!(checked(&person, 0, &[]).iter().all(|(name, _)| name.ends_with("in_order")));
}

#[test]
fn a_generate_respects_the_way_that_was_chosen_and_another_project_touches_nothing() {
    let person = Person::new();
    person.install(&["--client", "roo"]);
    person.install(&["--client", "cursor", "--auth-mode", "inline"]);
    person.user.run(&["generate"]).code(0);
    let entry = person.config(".roocode/mcp_servers.json")["mcpServers"]["notes"].clone();
    assert_eq!((&entry["type"], &entry["headers"]), (&json!("stdio"), &Value::Null));
    let local = crate::support::read_json(&person.user.project().join(".oauth-tokens/mcp.json"));
    assert_eq!(local["mcpServers"]["notes"]["type"], "streamable-http", "ours stays as the scripts wrote it");

    let before = person.config(CURSOR);
    let origin = person.user.project().join(".env");
    let token = json!({"provider": "desk", "access_token": "E-desk", "expires_at": null, "origin": origin});
    person.user.file("elsewhere/desk-egress.json", &token.to_string());
    let elsewhere = person.user.project().join("elsewhere").display().to_string();
    let ran = person.user.run(&["generate", "--tokens-dir", &elsewhere, "--json"]).code(0).json();
    assert_eq!(ran["configs"].as_array().unwrap().len(), 4, "the scripts' files alone: {ran}");
    assert_eq!(person.config(CURSOR), before);
    assert_eq!(checked(&person, 0, &[]), in_order(), "the scripts' files are the other project's now");
}

#[test]
fn a_memory_that_cannot_be_read_keeps_no_file_of_ours_from_being_written() {
    let person = Person::new();
    person.install(&["--client", "cursor", "--auth-mode", "inline"]);
    let state = person.user.home().with_file_name("state").join("installed.json");
    std::fs::write(&state, "{ oops").unwrap();
    let local = person.user.project().join(".oauth-tokens/mcp.json");
    std::fs::remove_file(&local).unwrap();
    let rows = person.user.run(&["generate", "--json"]).code(3).json()["configs"].clone();
    let statuses: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["status"].clone()).collect();
    assert_eq!(statuses, ["unchanged", "failed", "written", "failed"]);
    assert!(local.exists());
    for args in [&["--check"][..], &["--client", "cursor"]] {
        let ran = person.user.run(&[&["config", "install"], args].concat()).code(2);
        assert!(
            ran.stderr.contains("installed.json") && ran.stderr.contains("move it away"),
            "{}",
            ran.stderr
        );
    }
}
