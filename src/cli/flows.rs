//! Runs planned flows concurrently and keeps each result. Not here: the summary (see `report`).

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
use crate::oauth::TokenSet;
use crate::servers::Servers;
use crate::sys::browser::Browser;
use crate::sys::clock;
use crate::sys::signal;
use crate::sys::terminal;
use crate::vault::{IssuedToken, TokenOutcome, Vault, VaultError};
use serde_json::json;

/// The result of one flow.
pub(super) struct FlowResult {
    pub(super) kind: CredentialKind,
    pub(super) name: String,
    /// The command that runs only this flow.
    pub(super) command: String,
    pub(super) result: Result<IssuedToken, Error>,
}

/// Runs `work` on its own runtime until it is done or a signal arrives. Dropping it releases locks and the port; only
/// what must not be left half done is awaited.
pub(super) fn until_signal<T>(
    out: &Out,
    work: impl Future<Output = Result<T, Error>>,
    on_signal: impl Fn(Exit) -> T,
) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        signal::outlive_file_limit();
        let (result, signals) = tokio::select! {
            // The handlers come first: a signal must not kill the process after a login's address has been shown.
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
    // A thread that is still reading the terminal must not keep the process alive.
    runtime.shutdown_background();
    result
}

/// A refresh token that was sent is spent, so its answer is awaited and stored; not longer than the network's
/// deadlines allow, and not past the second signal: the first may come from a client that gave up waiting.
async fn finish(out: &Out, mut signals: u8) {
    if out.tasks.is_empty() {
        return;
    }
    out.say("waiting for the new token that was requested; the old one is spent");
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

/// The servers, with this run's vault. Never starts a login.
pub(super) fn servers(config: Config, out: &Out) -> Result<Servers, Error> {
    let vault = out.context().vault(&config, None)?;
    Ok(Servers::open(config, vault, Arc::new(out.clone())))
}

/// Who opens a login page. Without a terminal nobody, unless it was requested: a script must not hang.
pub(super) fn browser(args: &BrowserArgs, config: &Config) -> Option<Browser> {
    if args.device {
        Some(Browser::Elsewhere)
    } else if args.no_browser || (config.no_browser() && !args.browser) {
        Some(Browser::Nobody)
    } else {
        (args.browser || terminal::interactive()).then(|| Browser::System { without: config.withheld() })
    }
}

/// Runs every flow at once, through the vault.
pub(super) async fn run(
    vault: &Vault,
    planned: Vec<CredentialPlan>,
    force: bool,
    out: &Out,
) -> Vec<FlowResult> {
    let get = async |credential: &Credential| {
        let fresh = vault.fresh(credential, force).await?;
        vault.store.write_agent_env(credential, &fresh.stored.token).map_err(VaultError::Store)?;
        Ok(fresh)
    };
    run_each(planned, out, get).await
}

/// Runs every flow at once, each by `get`. They share one thread: the network is what takes time.
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

/// What happened and until when the token is valid, for people.
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

/// An access token and nothing else on stdout.
pub(super) fn print_token(token: &TokenSet, out: &Out) {
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
