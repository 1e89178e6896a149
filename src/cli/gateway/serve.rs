//! `mcpauth gateway serve`: everything read and checked before the first connection. It leaves serving to the gateway.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::cli::gateway::{From, prepare};
use crate::cli::out::Out;
use crate::config::Config;
use crate::error::Error;

const EXAMPLES: &str = "Examples:
  mcpauth gateway serve                          the environment, ./scopes.yml and ./servers
  mcpauth gateway serve --config gateway.yaml --listen 0.0.0.0:8080";

/// Serve: authenticate, decide, forward and filter
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    from: From,
    /// Where clients connect, instead of what the settings say [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// A second policy that decides nothing: what it would have refused is recorded
    #[arg(long, value_name = "FILE")]
    shadow: Option<PathBuf>,
    /// Where /metrics is served
    #[arg(long, value_name = "ADDR")]
    admin: Option<SocketAddr>,
}

/// What is to be served. Remarks are said; errors end the run, all of them at once.
///
/// # Errors
/// If there is anything the gateway must not start with.
pub(super) fn prepared(args: &ServeArgs, config: &Config, out: &Out) -> Result<prepare::Prepared, Error> {
    let flags = prepare::Flags { listen: args.listen, shadow: args.shadow.clone(), admin: args.admin };
    let prepared = prepare::prepare(&args.from, &flags, config)?;
    let (errors, remarks): (Vec<_>, Vec<_>) =
        prepared.problems.iter().partition(|problem| problem.is_error());
    for remark in remarks {
        out.say(&format!("{remark}\n  -> {}", remark.remedy));
    }
    if errors.is_empty() {
        return Ok(prepared);
    }
    let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
    Err(Error::Usage {
        message: lines.join("\n"),
        hint: "see each with its remedy: mcpauth gateway check".into(),
    })
}
