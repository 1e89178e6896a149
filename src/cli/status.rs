//! `mcpauth status`: every credential, its state and the next command. It makes no request, renews nothing and shows
//! no token. Not here: the states (see `status`); the table's layout (see `status::table`); what `--watch` repeats (see
//! `status::watch`).

mod snapshot;
mod table;
mod watch;

use clap::Args;
use serde_json::{Value, json};

use self::snapshot::{StatusReport, service_json, to_json};
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::error::{Error, Exit};
use crate::quantity::milliseconds;
use crate::status::Row;

/// Show every credential, its expiry and the next command
///
/// Every configured or stored credential: its state, its expiry, where it comes from and is stored, and whether it is
/// renewed without a login. Makes no network requests and renews nothing.
#[derive(Args, Debug)]
#[command(after_help = "States: good · due (good, renewed on next use) · expired · missing · needs login · \
                        incomplete (settings) · unreadable (its file)\n\n\
                        Examples:\n  mcpauth status\n  mcpauth status --watch\n  mcpauth status --check -q || mcpauth generate\n  \
                        mcpauth status --json |\n    jq -r '.credentials[] | select(.status != \"good\") | .command'")]
pub(super) struct StatusArgs {
    /// Exit code 7 unless every credential is valid or renewed without a login
    #[arg(long)]
    check: bool,
    /// Keep showing it until Ctrl-C: redrawn in place on a terminal, elsewhere one line (with --json one object) per change
    #[arg(long, conflicts_with = "check")]
    watch: bool,
    /// How often --watch reads the files again [default: 1s]
    #[arg(long, value_name = "TIME", requires = "watch", value_parser = milliseconds)]
    interval: Option<u64>,
}

pub(super) fn run(args: &StatusArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    if args.watch {
        return watch::run(args.interval, given, out);
    }
    let overview = StatusReport::read(given, out)?;
    let fine = !overview.rows.is_empty() && overview.rows.iter().all(Row::is_fine);
    let exit = if args.check && !fine { Exit::Found } else { Exit::Done };
    if out.json {
        let objects: Vec<Value> = overview.rows.iter().map(|row| to_json(row, overview.now)).collect();
        out.object(&json!({
            "version": 1, "ok": exit == Exit::Done, "exit_code": exit as u8, "credentials": objects,
            "refresh_service": service_json(overview.service.as_ref()),
        }));
        return Ok(exit);
    }
    if overview.rows.is_empty() {
        out.say(&overview.nothing(out));
    }
    overview.lines(out).iter().for_each(|line| out.result(line));
    Ok(exit)
}
