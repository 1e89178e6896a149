//! The shell scripts under `completions/` are those that the binary prints.
#![cfg(test)]

use std::path::Path;

use crate::support::User;

const SCRIPTS: [(&str, &str); 5] = [
    ("bash", "mcpauth.bash"),
    ("zsh", "_mcpauth"),
    ("fish", "mcpauth.fish"),
    ("powershell", "_mcpauth.ps1"),
    ("elvish", "mcpauth.elv"),
];

#[test]
fn completions_are_what_the_binary_prints() {
    let user = User::new();
    for (shell, file) in SCRIPTS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(file);
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        let printed = user.run(&["completions", shell]).code(0).stdout;
        // Not assert_eq: two scripts of a thousand lines tell nobody anything.
        assert!(
            kept == printed,
            "completions/{file} is out of date; renew it with:\n  cargo run -- completions {shell} > completions/{file}"
        );
    }
}
