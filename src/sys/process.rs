//! Replaces this process by another program: the only place that starts other programs' commands. Not here: which
//! command, and its environment (see `cli`).
#![expect(clippy::disallowed_methods, reason = "this is the one door to other programs")]

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::Command;

/// Becomes another program, with these additional variables but without those in `without`: it gets the signals from
/// the start, and its exit code is returned. Returns only if that program cannot start.
pub fn become_command<'v>(
    program: &OsStr,
    args: &[OsString],
    variables: impl Iterator<Item = (&'v str, &'v str)>,
    without: &[String],
) -> io::Error {
    let mut command = Command::new(program);
    command.args(args);
    for name in without {
        command.env_remove(name);
    }
    command.envs(variables);
    replace(command)
}

/// It stays one process: signals and waiting reach the command directly.
#[cfg(unix)]
fn replace(mut command: Command) -> io::Error {
    std::os::unix::process::CommandExt::exec(&mut command)
}

/// Without `exec` this process has to wait. Ctrl-C reaches both: the child decides what it means.
#[cfg(not(unix))]
fn replace(mut command: Command) -> io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}
