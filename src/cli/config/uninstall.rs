//! `mcpauth config uninstall`: our entries out of the clients' own files, and everything else in them as it is.

use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use super::words::names;
use crate::cli::out::{Mark, Out};
use crate::cli::paths::from_home;
use crate::clients::{self, ConfigRow};
use crate::config::Config;
use crate::error::{Error, Exit};
use crate::render::{ChangeKind, DryRun};

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth config uninstall\n  mcpauth config uninstall --client cursor --dry-run"
)]
pub(super) struct UninstallArgs {
    /// The clients; without this all that were installed to with this tokens directory
    #[arg(long, value_parser = names())]
    client: Vec<String>,
    /// Show what would go, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &UninstallArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    let dry_run = if args.dry_run { DryRun::Yes } else { DryRun::No };
    let is_meant = |client: &str| args.client.is_empty() || args.client.iter().any(|name| name == client);
    let rows = clients::uninstall(config, is_meant, dry_run)?;
    let failed = rows.iter().filter(|row| row.result.is_err()).count();
    let exit = match failed {
        0 => Exit::Done,
        all if all == rows.len() => Exit::Other,
        _ => Exit::Partial,
    };
    if out.json {
        let objects: Vec<Value> = rows.iter().map(object).collect();
        out.object(&json!({"version": 1, "ok": failed == 0, "exit_code": exit as u8, "configs": objects}));
        return Ok(exit);
    }
    rows.iter().for_each(|row| say(row, out));
    if rows.is_empty() {
        out.say("no client has entries of ours with this tokens directory");
    }
    Ok(exit)
}

/// The names of the entries that went, or would go.
fn removed(row: &ConfigRow) -> Vec<&str> {
    let changes = row.result.iter().flat_map(|done| &done.changes);
    changes.filter(|change| change.kind == ChangeKind::Removed).map(|change| change.name.as_str()).collect()
}

/// What became of one client's file, for `demo` as well.
pub(in crate::cli) fn say(row: &ConfigRow, out: &Out) {
    match &row.result {
        Ok(_) => {
            let names = removed(row);
            let done = if row.dry { "would remove" } else { "removed" };
            let what = if names.is_empty() { "nothing of ours".into() } else { names.join(", ") };
            let text = format!("{:28} {done} {what}", row.client);
            out.row(Mark::Good, &text, &from_home(Path::new(&row.path)));
        }
        Err(error) => {
            let remedy = error.hint("mcpauth config uninstall");
            out.row_with_remedy(Mark::Bad, &format!("{:28} {error}", row.client), Some(&remedy));
        }
    }
}

fn object(row: &ConfigRow) -> Value {
    match &row.result {
        Ok(_) => {
            let status = if row.dry { "would_remove" } else { "removed" };
            json!({"client": row.client, "path": row.path, "status": status, "entries": removed(row)})
        }
        Err(error) => json!({
            "client": row.client, "path": row.path, "status": "failed", "code": error.code(), "message": error.to_string(),
            "hint": error.hint("mcpauth config uninstall"),
        }),
    }
}
