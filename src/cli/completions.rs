//! `mcpauth completions`: what the shells need. The files under `completions/` are this verb's output.

use clap::Args;
use clap_complete::Shell;

use crate::cli::out::Out;
use crate::error::{Error, Exit};

/// Print the completion script for a shell
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  mcpauth completions bash > /etc/bash_completion.d/mcpauth")]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

#[expect(clippy::unnecessary_wraps, reason = "every verb has this shape")]
pub(super) fn run(args: &CompletionsArgs, out: &Out) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "mcpauth", &mut script);
    out.data(String::from_utf8_lossy(&script).trim_end());
    Ok(Exit::Done)
}
