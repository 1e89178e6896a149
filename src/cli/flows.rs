//! Runs planned flows side by side and keeps what came of each. It leaves the summary to `report`.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use tracing::{debug, trace};

use crate::cli::args::BrowserArgs;
use crate::cli::out::{LineMark, Out};
use crate::config::{Config, CredentialPlan};
use crate::credential::{Credential, CredentialKind};
use crate::error::{Error, Exit};
use crate::servers::Servers;
use crate::sys::browser::Browser;
use crate::sys::clock;
use crate::sys::signal;
use crate::sys::terminal;
use crate::vault::{IssuedToken, TokenOutcome, Vault, VaultError};

/// What came of one flow.
pub(super) struct FlowResult {
    pub(super) kind: CredentialKind,
    pub(super) name: String,
    /// The command that runs just this flow.
    pub(super) command: String,
    pub(super) result: Result<IssuedToken, Error>,
}

/// Runs `work` on a runtime of its own until it is done or a signal comes. Dropping it releases locks and the port; only
/// what must not be left half done is waited for.
pub(super) fn until_signal<T>(
    out: &Out,
    work: impl Future<Output = Result<T, Error>>,
    on_signal: impl Fn(Exit) -> T,
) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        signal::outlive_file_limit();
        let (result, signals) = tokio::select! {
            // The handlers first: a login's address must not be shown while a signal would still simply kill us.
            biased;
            exit = signal() => {
                out.interrupted();
                (Ok(on_signal(exit)), 1)
            }
            result = work => (result, 0),
        };
        finish(out, signals).await;
        result
    });
    // A thread that still reads the terminal must not keep the process alive.
    runtime.shutdown_background();
    result
}

/// A refresh token that was sent is used up, so its answer is waited for and kept; not longer than the network's own
/// deadlines allow, nor beyond the second signal: the first may be that of a client that waited for us in vain.
async fn finish(out: &Out, mut signals: u8) {
    if out.tasks.is_empty() {
        return;
    }
    out.say("waiting for a new token that is on its way; the old one is used up");
    out.tasks.close();
    let mut ended = pin!(out.tasks.wait());
    while signals < 2 {
        tokio::select! {
            () = &mut ended => return,
            _ = signal() => signals += 1,
        }
    }
}

async fn signal() -> Exit {
    signal::stop().await.into()
}

/// The servers, with this run's vault. Nobody is asked to log in.
pub(super) fn servers(config: Config, out: &Out) -> Result<Servers, Error> {
    let vault = out.context().vault(&config, None)?;
    Ok(Servers::open(config, vault, Arc::new(out.clone())))
}

/// Who opens a login page. Without a terminal nobody does, unless it was asked for: a script must not hang.
pub(super) fn browser(args: &BrowserArgs, config: &Config) -> Option<Browser> {
    if args.device {
        Some(Browser::Elsewhere)
    } else if args.no_browser || (config.no_browser() && !args.browser) {
        Some(Browser::Nobody)
    } else {
        (args.browser || terminal::interactive()).then(|| Browser::System { without: config.withheld() })
    }
}

/// Runs every flow at once, for tokens as the vault has them.
pub(super) async fn run(
    vault: &Vault,
    planned: Vec<CredentialPlan>,
    anew: bool,
    out: &Out,
) -> Vec<FlowResult> {
    let get = async |credential: &Credential| {
        let fresh = vault.fresh(credential, anew).await?;
        vault.store.write_agent_env(credential, &fresh.stored.token).map_err(VaultError::Store)?;
        Ok(fresh)
    };
    run_each(planned, out, get).await
}

/// Runs every flow at once, each by `get`. They share one thread: what takes time is the network.
pub(super) async fn run_each(
    planned: Vec<CredentialPlan>,
    out: &Out,
    get: impl AsyncFn(&Credential) -> Result<IssuedToken, Error>,
) -> Vec<FlowResult> {
    let rows = join_all(planned.into_iter().map(|flow| run_flow(flow, out, &get))).await;
    out.settle();
    rows
}

async fn run_flow(
    flow: CredentialPlan,
    out: &Out,
    get: impl AsyncFn(&Credential) -> Result<IssuedToken, Error>,
) -> FlowResult {
    let CredentialPlan { kind, name, credential, .. } = flow;
    let line = out.line(&name);
    let began = Instant::now();
    let (command, result) = match credential {
        Err(error) => (format!("mcpauth {}", kind.name()), Err(error.into())),
        Ok(credential) => {
            out.doing(&name, "asking".into());
            let auth = credential.client.auth.name();
            debug!("{name}: issuer {}, client {} by {auth}", credential.issuer, credential.client.id);
            (credential.command.clone(), get(&credential).await)
        }
    };
    match &result {
        Ok(fresh) => line.end(LineMark::Good, &describe(fresh), &describe(fresh)),
        Err(error) => line.end(
            LineMark::Bad,
            &format!("failed: {}", error.code().replace('_', " ")),
            &error.to_string(),
        ),
    }
    trace!("{name}: took {} ms", began.elapsed().as_millis());
    FlowResult { kind, name, command, result }
}

/// What happened and until when, for people.
pub(super) fn describe(fresh: &IssuedToken) -> String {
    let what = match fresh.outcome {
        TokenOutcome::Reused => "still good",
        TokenOutcome::Refreshed => "refreshed",
        TokenOutcome::Obtained => "obtained",
        TokenOutcome::LoggedIn => "logged in",
        TokenOutcome::Unchanged => "unchanged",
    };
    match fresh.stored.token.expires_at {
        Some(end) => format!("{what}, expires {}", clock::relative(end, clock::now())),
        None => format!("{what}, does not expire"),
    }
}
