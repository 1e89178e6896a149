//! `mcpauth doctor`: finds problems and says how to fix them. Not here: the checks (see `doctor`); printing (see
//! `print`).

mod print;

use clap::Args;

use crate::cli::flows;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::doctor::{DoctorOptions, DoctorReport, examine};
use crate::error::{Error, Exit};

/// Find problems and say how to fix them; exit code 7 if there is one
///
/// Checks settings, files, storage, proxies and certificates, identity providers, logins, tokens, the gateway, its
/// policy and the clients' files. A credential without a valid token is tried at its identity provider; the result is
/// not stored.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth doctor                 all checks, each problem with its fix\n  \
                        mcpauth doctor --fix           close files, renew stale client configurations\n  \
                        mcpauth doctor --offline --json"
)]
pub(super) struct DoctorArgs {
    /// Fix what is safe to fix: modes of mcpauth's files, leftovers of interrupted runs, stale entries in clients'
    /// files
    #[arg(long)]
    fix: bool,
    /// Make no network requests
    #[arg(long)]
    offline: bool,
}

pub(super) fn run(args: &DoctorArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let options = DoctorOptions { fix: args.fix, offline: args.offline };
    let report = match given.config(&out.muted()) {
        Ok(config) => {
            let context = out.context();
            flows::complete(out, async { Ok(examine(options, &config, &context).await) })?
        }
        Err(error) => DoctorReport::unreadable(&error),
    };
    print::show(out, &report);
    Ok(if report.has_problem() { Exit::Found } else { Exit::Done })
}
