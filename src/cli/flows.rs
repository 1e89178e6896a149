//! Runs planned flows side by side and keeps what came of each. It leaves the summary to `report`.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use tokio::sync::Mutex;
use tracing::{debug, trace};

use crate::cli::args::BrowserArgs;
use crate::cli::out::{LineMark, Out};
use crate::cli::terminal_ui::TerminalUi;
use crate::config::{Config, ConfigError, CredentialPlan};
use crate::credential::{Credential, CredentialKind};
use crate::error::{Error, Exit};
use crate::oauth::TokenSet;
use crate::servers::Servers;
use crate::store::{Storage, Store};
use crate::sys::browser::Browser;
use crate::sys::clock;
use crate::sys::http::Http;
use crate::sys::signal::{self, Stop};
use crate::sys::terminal;
use crate::vault::{IssuedToken, TokenOutcome, Vault};
use serde_json::json;

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

pub(super) async fn signal() -> Exit {
    match signal::stop().await {
        Stop::Interrupt => Exit::Interrupted,
        Stop::Terminate => Exit::Terminated,
    }
}

/// The vault for this run.
pub(super) fn vault(config: &Config, browser: Option<Browser>, out: &Out) -> Result<Vault, Error> {
    Ok(Vault {
        store: Store::new(&config.tokens_dir, storage(config, out)?),
        http: http(config),
        browser,
        ui: Arc::new(TerminalUi(out.clone())),
        login_within: config.login_within,
        turn: Mutex::new(()),
        exchanges: out.tasks.clone(),
    })
}

/// The servers, with this run's vault. Nobody is asked to log in.
pub(super) fn servers(config: Config, out: &Out) -> Result<Servers, Error> {
    let vault = vault(&config, None, out)?;
    Ok(Servers::open(config, vault, Arc::new(out.clone())))
}

/// The network as the settings allow it.
pub(super) fn http(config: &Config) -> Http {
    Http::new(config.allow_plain).trusting(config.trust.clone())
}

/// Who opens a login page. Without a terminal nobody does, unless it was asked for: a script must not hang.
pub(super) fn browser(args: &BrowserArgs, config: &Config) -> Option<Browser> {
    if args.device {
        Some(Browser::Elsewhere)
    } else if args.no_browser || (config.settings.on("MCPAUTH_NO_BROWSER") && !args.browser) {
        Some(Browser::Nobody)
    } else {
        (args.browser || terminal::interactive()).then(|| Browser::System { without: config.withheld() })
    }
}

fn storage(config: &Config, out: &Out) -> Result<Storage, Error> {
    match config.settings.get("MCPAUTH_STORAGE") {
        None | Some("file") => Ok(Storage::File),
        Some("keyring") => {
            Store::probe_keyring().map_err(crate::vault::VaultError::Store)?;
            Ok(Storage::Keyring)
        }
        Some("auto") => Ok(match Store::probe_keyring() {
            Ok(()) => {
                out.say("storage: the system keyring");
                Storage::Keyring
            }
            Err(error) => {
                out.say(&format!("storage: 0600 files in {} ({error})", config.tokens_dir.display()));
                Storage::File
            }
        }),
        Some(_) => {
            let reason = "none of file, keyring and auto".into();
            Err(ConfigError::Invalid { variable: "MCPAUTH_STORAGE".into(), reason }.into())
        }
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
        agent_env(vault, credential, fresh)
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

/// An agent gets its shell file beside the token, as the registry's scripts write it.
pub(super) fn agent_env(
    vault: &Vault,
    credential: &Credential,
    fresh: IssuedToken,
) -> Result<IssuedToken, Error> {
    if credential.id.kind == CredentialKind::Agent {
        vault
            .store
            .write_agent_env(credential, &fresh.stored.token)
            .map_err(crate::vault::VaultError::Store)?;
    }
    Ok(fresh)
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
