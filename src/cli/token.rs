//! `mcpauth token`: prints one access token, valid now, and nothing else. Not here: which credential a name stands for (see
//! `credentials`); renewing it (see `vault`).

use clap::Args;

use crate::cli::flows;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::error::{Error, Exit};
use crate::servers::credentials;

/// Print a fresh access token, and nothing else
///
/// A token that is due is renewed first; it never starts a login. Without a valid token it prints nothing and the exit
/// code is 4, or 5 if its server cannot be reached.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth token ingress\n  \
                        printf 'X-Authorization: Bearer %s' \"$(mcpauth token ingress)\" | curl -H @- ...\n\n\
                        A token in a command line is visible to every process: for a program that reads its environment \
                        there is mcpauth exec.")]
pub(super) struct TokenArgs {
    /// A credential by its name in mcpauth status: its file, server, provider, agent, or ingress
    name: String,
}

pub(super) fn run(args: &TokenArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let config = given.config(out)?;
    let vault = out.context().vault(&config, None)?;
    let all = credentials::all(&config, &vault.store);
    let known = credentials::find_by_name(&all, &args.name)?;
    let fresh = flows::complete(out, known.fresh(&vault));
    let stored = fresh.map_err(|error| out.told(&error, &known.command()))?;
    flows::print_token(&stored.token, out);
    Ok(Exit::Done)
}
