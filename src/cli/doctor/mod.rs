//! `mcpauth doctor`: what is wrong, and how to mend it. It leaves the checks to `doctor`, and how they look to `print`.

mod print;

use clap::Args;

use crate::cli::flows;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::doctor::{DoctorReport, Options, examine};
use crate::error::{Error, Exit};

/// Say what is wrong, and how to mend it; exit code 7 if there is a problem
///
/// Looks at settings, files, storage, proxies and certificates, identity providers, logins, tokens, the gateway, its policy
/// and the clients' files. Where no good token shows that a credential works, its identity provider is asked; nothing
/// that comes of it is kept.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth doctor                 all checks, each with its remedy\n  \
                        mcpauth doctor --fix           close files, renew stale client configurations\n  \
                        mcpauth doctor --offline --json")]
pub(super) struct DoctorArgs {
    /// Mend what is safe: modes of our own files, files that a killed run left, stale entries of ours in clients' files
    #[arg(long)]
    fix: bool,
    /// Ask nobody over the network
    #[arg(long)]
    offline: bool,
}

pub(super) fn run(args: &DoctorArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let options = Options { fix: args.fix, offline: args.offline };
    let report = match given.config(&out.muted()) {
        Ok(config) => {
            let context = out.context();
            let examined = async { Ok(Ok(examine(options, &config, &context).await)) };
            match flows::until_signal(out, examined, Err)? {
                Ok(report) => report,
                Err(exit) => return Ok(exit),
            }
        }
        Err(error) => DoctorReport::unreadable(&error),
    };
    print::show(out, &report);
    Ok(if report.has_problem() { Exit::Found } else { Exit::Done })
}
