//! `mcpauth headers`: a server's headers for a client that can run a helper (`headersHelper` of Claude Code). It
//! prints exactly one JSON object on stdout, asks nothing and opens no browser. Not here: which headers those are
//! (see `servers`).

use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};

use crate::cli::args::AuthArgs;
use crate::cli::flows;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::error::{Error, Exit};
use crate::flow::FlowError;
use crate::servers::ServerRef;
use crate::sys::http::HttpError;
use crate::vault::VaultError;

/// The client gives up after 10 s, and a later answer is worthless to it. (Not to us, if a refresh token was spent:
/// `flows` waits for that.)
const HELPER_TIMEOUT: Duration = Duration::from_secs(8);

/// Print a server's headers with fresh tokens as one JSON object
///
/// For clients that run a helper to get their headers. Tokens that are due are renewed first, within 8 s; it never
/// starts a login. Without a valid token it prints nothing and the exit code is 4.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth headers fininfo\n  \
                        mcpauth headers fininfo | jq -r 'to_entries[] | \"\\(.key): \\(.value)\"' | curl -H @- https://...")]
pub(super) struct HeadersArgs {
    /// The server's name, or its address
    #[arg(value_name = "SERVER", required_unless_present = "server")]
    name: Option<ServerRef>,
    /// The same
    #[arg(long, value_name = "SERVER", conflicts_with = "name", hide = true)]
    server: Option<ServerRef>,
    #[command(flatten)]
    auth: AuthArgs,
}

pub(super) fn run(args: &HeadersArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let Some(which) = args.name.as_ref().or(args.server.as_ref()) else { return Ok(Exit::Usage) };
    let servers = flows::servers(given.config(out)?, out)?.with(args.auth.auth);
    let which = &servers.find(which);
    let work = async {
        match tokio::time::timeout(HELPER_TIMEOUT, servers.fresh(which)).await {
            Ok(entry) => entry,
            Err(_) => Err(late(which)),
        }
    };
    let entry = match flows::complete(out, work) {
        Ok(entry) => entry,
        // Whatever kept the token from coming: for the client there is none.
        Err(error @ Error::Vault(_)) => {
            out.error(&error, &servers.command_for(which));
            return Ok(Exit::Login);
        }
        Err(error) => return Err(error),
    };
    let headers: Map<String, Value> =
        entry.headers.iter().map(|(name, value)| (name.clone(), value.expose().into())).collect();
    out.data(&crate::text::visible_json(&Value::Object(headers).to_string()));
    Ok(Exit::Done)
}

fn late(which: &ServerRef) -> Error {
    let (host, cause) = (which.to_string(), format!("no new token within {} s", HELPER_TIMEOUT.as_secs()));
    VaultError::Flow(FlowError::Http(HttpError::Lost { host, cause })).into()
}
