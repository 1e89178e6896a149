//! Children that take our place: the one door to other programs' commands. Not here: which command, and what is in
//! its environment (see `cli`).
#![expect(clippy::disallowed_methods, reason = "this is the one door to other programs")]

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::Command;

/// Becomes another program, with these variables beside those there are, but for those `without`: its exit code is ours, and signals are its own
/// from the first moment. Returns only if that program does not start.
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

/// One process all along: whoever sends it a signal, or waits for it, deals with the command and nobody in between.
#[cfg(unix)]
fn replace(mut command: Command) -> io::Error {
    std::os::unix::process::CommandExt::exec(&mut command)
}

/// Without `exec` somebody has to wait. Ctrl-C reaches both: the child decides what it means.
#[cfg(not(unix))]
fn replace(mut command: Command) -> io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}
