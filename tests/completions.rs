//! The completion scripts under `completions/` are what the program prints.
#![cfg(test)]

use crate::support::User;

#[test]
fn the_scripts_are_up_to_date() {
    let shells = [
        ("bash", "mcpauth.bash"),
        ("zsh", "_mcpauth"),
        ("fish", "mcpauth.fish"),
        ("powershell", "_mcpauth.ps1"),
        ("elvish", "mcpauth.elv"),
    ];
    for (shell, file) in shells {
        let path = format!("{}/completions/{file}", env!("CARGO_MANIFEST_DIR"));
        let printed = User::new().run(&["completions", shell]).code(0).stdout;
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(printed == kept, "renew it with: mcpauth completions {shell} > completions/{file}");
    }
}
