//! What the README says, a test runs: its commands, its table of variables, its exit codes.
#![cfg(test)]

use mcpauth::config::catalogue::VARIABLES;
use mcpauth::demo::idp::{Client, Idp};
use mcpauth::demo::setup;

use crate::support::User;

const README: &str = include_str!("../README.md");

#[test]
fn the_table_of_variables_is_the_catalogue() {
    let table = between("<!-- variables: begin -->\n", "<!-- variables: end -->");
    let rows: Vec<&str> = table.lines().skip(2).filter(|line| !line.is_empty()).collect();
    let expected: Vec<String> = VARIABLES
        .iter()
        .map(|v| {
            let default = if v.default.is_empty() { String::new() } else { format!("`{}`", v.default) };
            format!("| `{}` | {default} | {} |", v.name, v.about)
        })
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn the_exit_codes_are_the_programs() {
    use mcpauth::error::Exit;
    let codes = [
        Exit::Done,
        Exit::Other,
        Exit::Usage,
        Exit::Partial,
        Exit::Login,
        Exit::Network,
        Exit::Found,
        Exit::Interrupted,
        Exit::Terminated,
    ];
    let table = between("<!-- exit codes: begin -->\n", "<!-- exit codes: end -->");
    let said: Vec<u8> =
        table.lines().skip(2).map(|line| line.split('|').nth(1).unwrap().trim().parse().unwrap()).collect();
    assert_eq!(said, codes.map(|code| code as u8));
}

#[test]
fn every_command_in_a_shell_block_works() {
    let mut options = setup::options(true);
    options.clients.push(Client::machine("agent", "agent-secret", &["openid", "email", "profile"]));
    let idp = Idp::in_thread(options).unwrap();
    let mut user = User::new();
    for (name, value) in setup::env(&user.project(), idp.issuer()) {
        // The folders are the test's own; the two logins need a person, and these blocks have none.
        if !name.starts_with("MCPAUTH_") && !name.starts_with("EGRESS_") {
            user.env(&name, value);
        }
    }
    let agent = format!(
        r#"{{"client_id":"agent","client_secret":"agent-secret","keycloak_url":"{}","keycloak_realm":"demo"}}"#,
        idp.issuer()
    );
    user.file(".oauth-tokens/agent-readme.json", &agent);
    let mut ran = 0;
    for line in blocks("sh").flat_map(str::lines).map(str::trim).filter(|line| line.starts_with("mcpauth ")) {
        let command = line.split("&&").next().unwrap();
        let args: Vec<&str> = command.split_whitespace().skip(1).collect();
        let done = user.run(&args);
        assert_eq!(done.code, Some(0), "{line}\n{}{}", done.stdout, done.stderr);
        ran += 1;
    }
    assert!(ran >= 9, "the test has lost sight of the commands: {ran}");
}

fn between(begin: &str, end: &str) -> &'static str {
    README.split_once(begin).unwrap().1.split_once(end).unwrap().0
}

/// The fenced blocks of a language.
fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    let fence = format!("```{language}\n");
    let after: Vec<&str> = README.split(&fence).skip(1).collect();
    after.into_iter().map(|text| text.split("```").next().unwrap())
}
