//! `mcpauth logout`: the end of a credential, on this machine and, where it is asked for and there is a way, at its server.
//! It leaves the work to `vault` and saying how it went to `logout::report`.

mod report;

use clap::Args;
use dialoguer::Confirm;

use crate::cli::flows;
use crate::cli::given::Given;
use crate::cli::logout::report::LogoutRow;
use crate::cli::out::Out;
use crate::clients;
use crate::config::Config;
use crate::error::{Error, Exit};
use crate::secret::Secret;
use crate::servers::credentials::{self, KnownCredential};
use crate::sys::terminal;
use crate::vault::Vault;

/// Forget credentials, and revoke them where the provider can
///
/// Removes the token's file, what the keyring holds for it, and an agent's shell file. Settings stay, so
/// that the next command may get a new one; only the client that mcpauth login registered for a server goes as well. With --revoke the server is asked first to take the tokens back
/// (RFC 7009); the files go in any case, and the exit code says whether it did: 3 if it has no way to.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth logout fininfo --revoke\n  mcpauth logout --all --yes")]
pub(super) struct LogoutArgs {
    /// A credential, by its name in mcpauth status
    #[arg(conflicts_with = "all")]
    name: Option<String>,
    /// Everything that is kept
    #[arg(long)]
    all: bool,
    /// Have the server take the tokens back, the refresh token first
    #[arg(long)]
    revoke: bool,
    /// Do not ask whether everything is meant
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn run(args: &LogoutArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let config = given.config(out)?;
    let vault = out.context().vault(&config, None)?;
    let all = credentials::all(&config, &vault.store);
    let meant: Vec<&KnownCredential> = match &args.name {
        Some(name) => vec![credentials::find_by_name(&all, name)?],
        None if args.all => all.iter().filter(|known| known.is_kept(&config, &vault.store)).collect(),
        None => {
            let message = "which credential is meant?".into();
            return Err(Error::Usage {
                message,
                hint: format!("{}; or --all", credentials::list_names(&all)),
            });
        }
    };
    if args.all && !meant.is_empty() && !args.yes && !confirm(&meant)? {
        out.say("nothing was removed");
        return Ok(Exit::Interrupted);
    }
    let work = async {
        let mut rows = Vec::new();
        for known in meant {
            rows.push(log_out(&vault, &config, known, args.revoke).await);
        }
        Ok(Ok(rows))
    };
    match flows::until_signal(out, work, Err)? {
        Ok(rows) => {
            // A token that is no more has no business in files of ours.
            let tokens: Vec<&Secret> =
                rows.iter().flat_map(|row| &row.result).flat_map(|done| &done.tokens).collect();
            let configs = clients::reinstall(&config, &vault.store, &out.muted());
            Ok(report::report(&rows, &vault.store.copies_of(&tokens), configs, out))
        }
        Err(exit) => Ok(exit),
    }
}

fn confirm(meant: &[&KnownCredential]) -> Result<bool, Error> {
    if !terminal::interactive() {
        return Err(Error::NoTerminal { what: "a yes", flag: "--yes" });
    }
    let names: Vec<&str> = meant.iter().map(|known| known.name.as_str()).collect();
    let prompt = crate::text::visible(&format!("Remove {}?", names.join(", ")));
    Confirm::new().with_prompt(prompt).default(false).interact().map_err(crate::cli::configure::asked)
}

async fn log_out<'k>(
    vault: &Vault,
    config: &Config,
    known: &'k KnownCredential,
    revoke: bool,
) -> LogoutRow<'k> {
    let result = known.forget(vault, config, revoke).await;
    LogoutRow { known, path: known.path(&vault.store), result }
}
