//! `mcpauth token`: one access token, good now, and nothing else on stdout. It leaves which credential is meant to
//! `credentials` and renewing it to `vault`.

use clap::Args;
use serde_json::json;

use crate::cli::flows;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::error::{Error, Exit};
use crate::oauth::TokenSet;
use crate::servers::credentials;
use crate::sys::clock;

/// Print a fresh access token, and nothing else
///
/// A token that is due is renewed first; a login is never begun. Without a good token there is nothing on stdout, and the
/// exit code is 4, or 5 if its server cannot be reached.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth token ingress\n  \
                        printf 'X-Authorization: Bearer %s' \"$(mcpauth token ingress)\" | curl -H @- ...\n\n\
                        A token in a command line is visible to every process: for a program that reads its environment \
                        there is mcpauth exec.")]
pub(super) struct TokenArgs {
    /// A credential, by its name in mcpauth status: its file, server, provider, agent, or ingress
    name: String,
}

pub(super) fn run(args: &TokenArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let config = given.config(out)?;
    let vault = out.context().vault(&config, None)?;
    let all = credentials::all(&config, &vault.store);
    let known = credentials::find_by_name(&all, &args.name)?;
    let work = async { known.fresh(&vault).await.map(Ok) };
    match flows::until_signal(out, work, Err) {
        Ok(Ok(stored)) => {
            print(&stored.token, out);
            Ok(Exit::Done)
        }
        Ok(Err(exit)) => Ok(exit),
        Err(error) => {
            out.error(&error, &known.command());
            Ok(error.exit())
        }
    }
}

fn print(token: &TokenSet, out: &Out) {
    if !out.json {
        return out.data(token.access_token.expose());
    }
    let end = token.expires_at;
    out.object(&json!({
        "version": 1,
        "access_token": token.access_token.expose(),
        "token_type": token.token_type,
        "expires_at": end,
        "expires_at_rfc3339": end.map(clock::rfc3339),
        "expires_in_s": end.map(|end| end - clock::now()),
    }));
}
