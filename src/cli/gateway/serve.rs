//! `mcpauth gateway serve`: reads and checks everything before the first connection. Not here: serving (see the
//! gateway).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::cli::flows;
use crate::cli::gateway::from::From;
use crate::cli::out::Out;
use crate::config::Config;
use crate::deployment::{self, Log};
use crate::error::{Error, Exit};
use crate::gateway::settings::GatewaySettings;
use crate::gateway::{GatewayContext, Loaded, RunningGateway, StartError};
use crate::quantity::address;
use crate::sys::http::Http;
use crate::sys::signal::HangUps;
use crate::text::path_word;

const EXAMPLES: &str = "Examples:
  mcpauth gateway serve    by the environment, ./scopes.yml and ./servers
  mcpauth gateway serve --config gateway.yaml --listen 0.0.0.0:8080";

/// Serve: authenticate, decide, forward and filter
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    from: From,
    /// Where clients connect, instead of the address in the settings [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR", value_parser = address)]
    listen: Option<SocketAddr>,
    /// A second policy that decides nothing; what it would deny is recorded
    #[arg(long, value_name = "FILE")]
    shadow: Option<PathBuf>,
    /// Where /metrics is served
    #[arg(long, value_name = "ADDR", value_parser = address)]
    admin: Option<SocketAddr>,
}

pub(super) fn run(args: &ServeArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    let (settings, loaded) = prepared(args, config, out)?;
    let log = Arc::new(audit(&settings.audit)?);
    let (admin, lame_duck) = (settings.admin, settings.limits.lame_duck);
    let around = GatewayContext {
        journal: log.clone(),
        http: Http::new(settings.allow_http).trusting(config.trust.clone()),
        exchanges: out.tasks.clone(),
    };
    let running = RunningGateway::serve(loaded, around).map_err(|error| start_error(&error, args, admin))?;
    let lame_duck = Duration::from_secs(lame_duck);
    let exit = flows::until_signal(out, handle_signals(&running, &log, say_where), |exit| exit)?;
    // Ctrl-C comes from a person at a terminal, who is waiting; SIGTERM comes from whatever takes a machine out of
    // service.
    if exit == Exit::Terminated && !lame_duck.is_zero() {
        running.withdraw();
        let say = |_: &RunningGateway| say_leaving(lame_duck);
        let work =
            async { timeout(lame_duck, handle_signals(&running, &log, say)).await.unwrap_or(Ok(exit)) };
        flows::until_signal(out, work, |_| exit)?;
    }
    info!(event = "draining", "no more connections; finishing open requests");
    running.drain();
    // Being told to stop is the normal end of this verb.
    Ok(if exit == Exit::Terminated { Exit::Done } else { exit })
}

/// What is to be served. Remarks are printed; errors end the run, all at once.
///
/// # Errors
/// If there is anything that the gateway must not start with.
fn prepared(args: &ServeArgs, config: &Config, out: &Out) -> Result<(GatewaySettings, Loaded), Error> {
    let flags = deployment::Flags { listen: args.listen, shadow: args.shadow.clone(), admin: args.admin };
    let prepared = deployment::prepare(args.from.named(), &flags, config, &out.context())?;
    let (errors, remarks): (Vec<_>, Vec<_>) =
        prepared.problems.iter().partition(|problem| problem.is_error());
    for remark in remarks {
        warn!(event = "settings", "{remark}; {}", remark.remedy);
    }
    if let Some(loaded) = prepared.loaded {
        return Ok((prepared.settings, loaded));
    }
    let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
    let hint = match errors.as_slice() {
        [only] => only.remedy.clone(),
        _ => format!("see each with its fix: {}", check(args)),
    };
    Err(Error::Usage { message: lines.join("\n"), hint })
}

/// The command that reads the same files.
fn check(args: &ServeArgs) -> String {
    let named = args.from.named().map(|file| format!(" --config {}", path_word(file)));
    format!("mcpauth gateway check{}", named.unwrap_or_default())
}

fn start_error(error: &StartError, args: &ServeArgs, admin: Option<SocketAddr>) -> Error {
    let hint = match error {
        StartError::Bind { address, .. } if Some(*address) == admin => {
            "choose another address with --admin ADDR".into()
        }
        StartError::Bind { .. } => "choose another address with --listen ADDR".into(),
        StartError::Load(_) => format!("see all problems: {}", check(args)),
        StartError::Io(_) => "run it again: mcpauth gateway serve".into(),
    };
    Error::Usage { message: error.to_string(), hint }
}

fn say_where(running: &RunningGateway) {
    let admin =
        running.admin().map(|admin| format!(", metrics at http://{admin}/metrics")).unwrap_or_default();
    let face = running.face().map(|(_, url)| format!(", pages for people at {url}")).unwrap_or_default();
    info!(event = "listening", "{} as {}{admin}{face}", running.address(), running.public_url());
}

fn say_leaving(lame_duck: Duration) {
    let seconds = lame_duck.as_secs();
    info!(
        event = "leaving",
        "/readyz is 503; serving for {seconds} s more, so that load balancers see it; a second signal skips this"
    );
}

/// The audit's destination, opened within the time limit for files.
fn audit(audit: &str) -> Result<Log, Error> {
    let path = audit.to_owned();
    deployment::within(move || Log::open(&path), &format!("audit: {audit}"))?
}

/// SIGHUP: reads the files again, and reopens the audit file if it was moved away.
async fn handle_signals(
    running: &RunningGateway,
    log: &Log,
    say: impl Fn(&RunningGateway),
) -> Result<Exit, Error> {
    let mut hang_ups = HangUps::new()?;
    // Only now: a program that reads this line may send a signal at once, and without a handler it would kill the process.
    say(running);
    loop {
        hang_ups.next().await;
        log.reopen();
        running.reload();
    }
}
