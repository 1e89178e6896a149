//! `mcpauth exec`: runs a command with fresh credentials in its environment, and nowhere else. Not here: the
//! variables (see `servers`); starting the command (see `sys::process`).

use std::ffi::OsString;

use clap::Args;

use crate::cli::args::AuthArgs;
use crate::cli::env::complain;
use crate::cli::flows;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::error::{Error, Exit};
use crate::servers::{Gathered, ServerRef, gather, unambiguous};
use crate::sys::process;

/// Run a command with a server's fresh credentials in its environment
///
/// The variables are those of mcpauth env; mcpauth's own secrets (client secrets, MCP_AUTH_TOKEN) are removed from
/// its environment. Tokens that are due are renewed first; it never starts a login, and the command does not run
/// without a good token for every server. The command replaces the mcpauth process: it gets the signals and all of
/// stdout, and its exit code is returned. 127 means that the command was not found, 126 that it cannot be run.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth exec fininfo -- python agent.py\n  \
                        mcpauth exec fininfo currenttime -- codex")]
pub(super) struct ExecArgs {
    /// The servers' names, or their addresses
    #[arg(value_name = "SERVER", required = true)]
    servers: Vec<ServerRef>,
    #[command(flatten)]
    auth: AuthArgs,
    /// The command and its arguments, after --
    #[arg(value_name = "COMMAND", required = true, last = true)]
    command: Vec<OsString>,
}

pub(super) fn run(args: &ExecArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let Some((program, arguments)) = args.command.split_first() else { return Ok(Exit::Usage) };
    let servers = flows::servers(given.config(out)?, out)?.with(args.auth.auth);
    let mut which: Vec<ServerRef> = Vec::new();
    for server in args.servers.iter().map(|server| servers.find(server)) {
        if !which.contains(&server) {
            which.push(server);
        }
    }
    let work = async { Ok(Ok(gather(&servers, &which).await)) };
    let Gathered { variables, failed } = match flows::until_signal(out, work, Err)? {
        Ok(gathered) => gathered,
        Err(exit) => return Ok(exit),
    };
    if !failed.is_empty() {
        return Ok(complain(&servers, &failed, which.len(), out));
    }
    unambiguous(&variables)?;
    let exposed = variables.iter().map(|(name, value)| (name.as_str(), value.expose()));
    let source = process::become_command(program, arguments, exposed, &servers.config.withheld());
    let program = crate::text::clean(&program.to_string_lossy(), 200);
    Err(Error::Start { program, source })
}
