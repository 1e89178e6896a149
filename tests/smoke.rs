//! The newcomer's first two commands.
#![cfg(test)]

use crate::support::User;

#[test]
fn demo_shows_every_flow_without_an_account() {
    let ran = User::new().run(&["demo", "--json"]).code(0);
    let object = ran.json();
    assert_eq!(object["ok"], true);
    let names: Vec<&str> =
        object["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["identity-provider", "generate", "private-files", "configurations", "reuse"]);
}

#[test]
fn generate_without_any_configuration_says_what_to_do() {
    let ran = User::new().run(&["generate"]).code(2);
    assert_eq!(ran.stdout, "");
    assert!(
        ran.stderr.contains("mcpauth demo") && ran.stderr.contains("mcpauth configure"),
        "{}",
        ran.stderr
    );
}
