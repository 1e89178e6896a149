//! Runs planned flows concurrently and keeps each result. Not here: the summary (see `report`).

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use tracing::{debug, trace};

use crate::cli::args::BrowserArgs;
use crate::cli::out::{Mark, Out};
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

/// The same for work that has nothing to say once a signal has come: its end is [`Error::Told`].
pub(super) fn complete<T>(out: &Out, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    until_signal(out, async { work.await.map(Ok) }, |exit| Err(Error::Told(exit)))?
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

/// The results of the flows so far, in their order: a signal must not lose them.
#[derive(Default)]
pub(super) struct FlowResults(RefCell<Vec<RunningFlow>>);

/// One flow, and its result once it has ended.
struct RunningFlow {
    kind: CredentialKind,
    name: String,
    result: Option<FlowResult>,
}

impl FlowResults {
    fn begin(&self, planned: &[CredentialPlan]) {
        let begun =
            planned.iter().map(|flow| RunningFlow { kind: flow.kind, name: flow.name.clone(), result: None });
        *self.0.borrow_mut() = begun.collect();
    }

    fn end(&self, index: usize, result: FlowResult) {
        if let Some(flow) = self.0.borrow_mut().get_mut(index) {
            flow.result = Some(result);
        }
    }

    /// The results of those that ended, and which did not.
    pub(super) fn take(&self) -> (Vec<FlowResult>, Vec<(CredentialKind, String)>) {
        let (mut ended, mut others) = (Vec::new(), Vec::new());
        for RunningFlow { kind, name, result } in self.0.take() {
            match result {
                Some(result) => ended.push(result),
                None => others.push((kind, name)),
            }
        }
        (ended, others)
    }
}

/// Runs every flow at once, for tokens as the vault has them. Their results are in `known` while they run.
pub(super) async fn run(
    vault: &Vault,
    planned: Vec<CredentialPlan>,
    force: bool,
    out: &Out,
    known: &FlowResults,
) -> Vec<FlowResult> {
    let get = async |credential: &Credential| {
        let fresh = vault.fresh(credential, force).await?;
        vault.store.write_agent_env(credential, &fresh.stored.token).map_err(VaultError::Store)?;
        Ok(fresh)
    };
    run_each(planned, out, known, get).await
}

/// Runs every flow at once, each by `get`. They share one thread: the network is what takes time.
pub(super) async fn run_each(
    planned: Vec<CredentialPlan>,
    out: &Out,
    known: &FlowResults,
    get: impl AsyncFn(&Credential) -> Result<IssuedToken, Error>,
) -> Vec<FlowResult> {
    known.begin(&planned);
    let flows = planned.into_iter().enumerate();
    join_all(flows.map(async |(index, flow)| known.end(index, run_flow(flow, out, &get).await))).await;
    out.settle();
    known.take().0
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
        Ok(fresh) => line.end(Mark::Good, &describe(fresh), &describe(fresh)),
        Err(error) => {
            line.end(Mark::Bad, &format!("failed: {}", error.code().replace('_', " ")), &error.to_string())
        }
    }
    trace!("{name}: took {} ms", began.elapsed().as_millis());
    FlowResult { kind, name, command, result }
}

/// What happened, for people.
pub(super) fn outcome(outcome: TokenOutcome) -> &'static str {
    match outcome {
        TokenOutcome::Reused => "still valid",
        TokenOutcome::LoggedIn => "logged in",
        other => other.word(),
    }
}

/// What happened and until when the token is valid, for people.
pub(super) fn describe(fresh: &IssuedToken) -> String {
    let what = outcome(fresh.outcome);
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
