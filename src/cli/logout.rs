//! `mcpauth logout`: removes a credential from this machine and, on request, revokes it at its server. Not here: the
//! work (see `vault`); reporting the result (see `logout::report`).

mod report;

use clap::Args;

use crate::cli::ask;
use crate::cli::flows;
use crate::cli::given::Given;
use crate::cli::logout::report::LogoutRow;
use crate::cli::out::Out;
use crate::clients;
use crate::config::Config;
use crate::error::{Error, Exit};
use crate::secret::Secret;
use crate::servers::credentials::{self, KnownCredential};
use crate::vault::Vault;

/// Remove credentials, and revoke them if the provider supports it
///
/// Removes the token's file, its secrets in the keyring, and an agent's shell file. Settings stay, so the next
/// command may get a new token; only the client that mcpauth login registered for a server is removed as well. With
/// --revoke the tokens are first revoked at the server (RFC 7009). The files are removed in any case; the exit code
/// is 3 if the server cannot revoke.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth logout fininfo --revoke\n  mcpauth logout --all --yes")]
pub(super) struct LogoutArgs {
    /// A credential, by its name in mcpauth status
    #[arg(conflicts_with = "all")]
    name: Option<String>,
    /// All stored credentials
    #[arg(long)]
    all: bool,
    /// Revoke the tokens at the server, the refresh token first
    #[arg(long)]
    revoke: bool,
    /// Skip the confirmation prompt
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
            let message = "which credential?".into();
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
        Ok(rows)
    };
    let rows = flows::complete(out, work)?;
    // A removed token must not stay in files that mcpauth writes.
    let tokens: Vec<&Secret> =
        rows.iter().flat_map(|row| &row.result).flat_map(|done| &done.tokens).collect();
    let configs = clients::reinstall(&config, &vault.store, &out.muted());
    Ok(report::report(&rows, &vault.store.copies_of(&tokens), configs, out))
}

fn confirm(meant: &[&KnownCredential]) -> Result<bool, Error> {
    let names: Vec<&str> = meant.iter().map(|known| known.name.as_str()).collect();
    let prompt = crate::text::visible(&format!("Remove {}?", names.join(", ")));
    ask::confirm("a yes", prompt, false)
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
