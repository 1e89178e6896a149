//! `mcpauth logout`: the end of a credential, on this machine and, where it is asked for and there is a way, at its server.
//! It leaves the work to `vault` and saying how it went to `logout::report`.

mod report;

use std::path::PathBuf;

use clap::Args;
use dialoguer::Confirm;

use crate::cli::flows;
use crate::cli::logout::report::LogoutRow;
use crate::cli::out::Out;
use crate::clients;
use crate::config::{Config, Settings};
use crate::error::{Error, Exit};
use crate::secret::Secret;
use crate::servers::credentials::{self, KnownCredential};
use crate::store::Store;
use crate::sys::{private_file, terminal};
use crate::vault::{Logout, Vault};

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

pub(super) fn run(args: &LogoutArgs, settings: Settings, out: &Out) -> Result<Exit, Error> {
    let config = Config::resolve(settings)?;
    let vault = flows::vault(&config, None, out)?;
    let all = credentials::all(&config, &vault.store);
    let meant: Vec<&KnownCredential> = match &args.name {
        Some(name) => vec![credentials::find_by_name(&all, name)?],
        None if args.all => all.iter().filter(|known| is_kept(known, &config, &vault.store)).collect(),
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
            let configs = clients::reinstall(&config, &vault.store, &out.muted());
            Ok(report::report(&rows, &copies(&rows, &vault.store), configs, out))
        }
        Err(exit) => Ok(exit),
    }
}

fn is_kept(known: &KnownCredential, config: &Config, store: &Store) -> bool {
    let registered = known.id.as_ref().is_some_and(|id| config.registered_at(id).is_some());
    let is_there = |path: PathBuf| path.symlink_metadata().is_ok() || !private_file::left(&path).is_empty();
    registered || known.path(store).is_some_and(is_there)
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
    let path = known.path(&vault.store);
    let result = match (&known.id, &path) {
        (Some(id), Some(path)) => {
            let ended = vault.forget(id, path, known.credential(), revoke).await.map_err(Error::from);
            // After the token: its client is the one that may have it taken back.
            ended.and_then(|ended| {
                let registered = config.forget_registration(id)?;
                Ok(Logout { found: ended.found || registered, ..ended })
            })
        }
        _ => Ok(Logout::nothing()),
    };
    LogoutRow { known, path, result }
}

/// What else in the tokens directory has a removed token in it: client configurations, the registry's scripts' caches.
fn copies(rows: &[LogoutRow<'_>], store: &Store) -> Vec<PathBuf> {
    let tokens: Vec<&Secret> =
        rows.iter().flat_map(|row| &row.result).flat_map(|done| &done.tokens).collect();
    let holds = |path: &PathBuf| {
        let text = private_file::read(path).ok().flatten().map(Secret::new);
        text.is_some_and(|text| tokens.iter().any(|token| text.expose().contains(token.expose())))
    };
    store.files().into_iter().filter(holds).collect()
}
