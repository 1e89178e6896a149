//! A command of the user's, run in their shell when something happened.

use std::io;
use std::process::{Command, ExitStatus, Stdio};

use crate::sys::env;

/// Runs `command` to its end, which may take any time. It gets `more` in its environment, but none of `without`; no
/// stdin; and stderr for both outputs, because stdout is for our own data.
///
/// # Errors
/// If the shell cannot be started.
pub async fn run(
    command: String,
    more: Vec<(&'static str, String)>,
    without: Vec<String>,
) -> io::Result<ExitStatus> {
    let task = move || {
        let mut shell = shell(&command);
        shell.stdin(Stdio::null()).stdout(Stdio::from(io::stderr())).stderr(Stdio::inherit());
        for name in without {
            shell.env_remove(name);
        }
        shell.envs(more).status()
    };
    tokio::task::spawn_blocking(task).await.map_err(io::Error::other)?
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = program(&env::get("SHELL").unwrap_or_else(|| "/bin/sh".into()));
    shell.args(["-c", command]);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = program(&env::get("COMSPEC").unwrap_or_else(|| "cmd.exe".into()));
    shell.args(["/C", command]);
    shell
}

#[expect(clippy::disallowed_methods, reason = "this is the door to the user's own commands")]
fn program(name: &str) -> Command {
    Command::new(name)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_gets_what_it_is_given_and_nothing_that_is_withheld() {
        let given = vec![("MCPAUTH_GIVEN", "it's \"here\"".to_owned())];
        let check = "test \"$MCPAUTH_GIVEN\" = \"it's \\\"here\\\"\" && test -z \"$CARGO_PKG_NAME\"";
        let ended = run(check.into(), given.clone(), vec!["CARGO_PKG_NAME".into()]).await.unwrap();
        assert!(ended.success(), "{ended}");
        assert!(env::get("CARGO_PKG_NAME").is_some(), "the check could not fail");
        assert_eq!(run("exit 7".into(), given, Vec::new()).await.unwrap().code(), Some(7));
    }
}
