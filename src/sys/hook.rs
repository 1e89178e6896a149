//! Commands of the user's, run in their shell: one when something happened, others to read what they print.

use std::io::{self, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::sys::env;
use crate::sys::terminal;

/// The most that is read of a command's output, in bytes.
const MAX_OUTPUT_BYTES: u64 = 64 << 10;
/// How often to check whether a command that closed its output has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Why a command's output is not usable.
#[derive(Debug)]
pub enum CommandFailure {
    /// It did not start.
    Start(io::Error),
    /// It did not end in time, and was killed.
    Late(Duration),
    /// It printed more than this many bytes, and was killed.
    Long(u64),
    /// It ended with an error.
    Failed(ExitStatus),
}

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

/// What `command` prints on stdout, within `limit`. It gets none of `without` in its environment and no stdin, and its
/// stderr is shown on a terminal only: what it says there may be secret, too.
pub async fn output(
    command: String,
    without: Vec<String>,
    limit: Duration,
) -> Result<Vec<u8>, CommandFailure> {
    let task = move || {
        let end = Instant::now() + limit;
        let mut child = start(&command, &without).map_err(CommandFailure::Start)?;
        let printed = child.stdout.take().map(|stdout| read(stdout, limit));
        if printed.iter().flatten().any(|bytes| bytes.len() as u64 > MAX_OUTPUT_BYTES) {
            kill(&mut child);
            return Err(CommandFailure::Long(MAX_OUTPUT_BYTES));
        }
        let status = printed.as_ref().and_then(|_| ended(&mut child, end));
        match (printed.flatten(), status) {
            (Some(bytes), Some(status)) if status.success() => Ok(bytes),
            (Some(_), Some(status)) => Err(CommandFailure::Failed(status)),
            _ => {
                kill(&mut child);
                Err(CommandFailure::Late(limit))
            }
        }
    };
    let done = tokio::task::spawn_blocking(task).await;
    done.unwrap_or_else(|error| Err(CommandFailure::Start(io::Error::other(error))))
}

fn start(command: &str, without: &[String]) -> io::Result<Child> {
    let mut shell = shell(command);
    shell.stdin(Stdio::null()).stdout(Stdio::piped());
    shell.stderr(if terminal::interactive() { Stdio::inherit() } else { Stdio::null() });
    for name in without {
        shell.env_remove(name);
    }
    // A group can be killed as a whole; on a terminal it could not ask its user anything.
    #[cfg(unix)]
    if !terminal::interactive() {
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    }
    shell.spawn()
}

/// Everything up to the end of the output, or one byte more than may be, if that comes in time.
fn read(stdout: ChildStdout, limit: Duration) -> Option<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    let reader = move || {
        let mut bytes = Vec::new();
        let read = stdout.take(MAX_OUTPUT_BYTES + 1).read_to_end(&mut bytes);
        // Nobody may be waiting any more.
        let _ = sender.send(read.map(|_| bytes));
    };
    thread::Builder::new().spawn(reader).ok()?;
    receiver.recv_timeout(limit).ok()?.ok()
}

fn ended(child: &mut Child, end: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < end => thread::sleep(POLL_INTERVAL),
            Ok(None) | Err(_) => return None,
        }
    }
}

fn kill(child: &mut Child) {
    #[cfg(unix)]
    if !terminal::interactive() {
        let group = rustix::process::Pid::from_child(child);
        // It may have ended meanwhile.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
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
    async fn what_a_command_prints_is_read_and_one_that_hangs_is_killed() {
        let read = |command: &str, limit| output(command.into(), vec!["CARGO_PKG_NAME".into()], limit);
        let long = Duration::from_secs(60);
        assert_eq!(read("printf '%s' \"a $CARGO_PKG_NAME\"; echo loud >&2", long).await.unwrap(), b"a ");
        assert!(
            matches!(read("echo x; exit 3", long).await, Err(CommandFailure::Failed(status)) if status.code() == Some(3))
        );
        for hangs in ["sleep 1000 & sleep 1000", "exec >&-; sleep 1000"] {
            let ended = read(hangs, Duration::from_millis(50)).await;
            assert!(matches!(ended, Err(CommandFailure::Late(_))), "{hangs}: {ended:?}");
        }
        assert!(matches!(read("yes", long).await, Err(CommandFailure::Long(_))));
    }

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
