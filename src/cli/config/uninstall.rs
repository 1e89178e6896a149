//! `mcpauth config uninstall`: our entries out of the clients' own files, and everything else in them as it is.

use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::args::client_names;
use crate::cli::out::{Mark, Out};
use crate::cli::paths::from_home;
use crate::clients::{self, ConfigRow};
use crate::config::Config;
use crate::error::{Error, Exit};
use crate::import::{self, ImportRecord, ImportedEntry, PutBack, WayBack};
use crate::render::{ChangeKind, DryRun};
use crate::servers;

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth config uninstall\n  mcpauth config uninstall --client cursor --dry-run\n  mcpauth config uninstall --restore"
)]
pub(super) struct UninstallArgs {
    /// The clients; without this all that were installed to with this tokens directory
    #[arg(long, value_parser = client_names())]
    client: Vec<String>,
    /// Only these servers' entries, of those that mcpauth import changed; repeatable
    #[arg(long, value_name = "NAME")]
    server: Vec<String>,
    /// Put back the entries that mcpauth import changed or this command removed, secrets included
    #[arg(long)]
    restore: bool,
    /// Delete what mcpauth import keeps for --restore, too
    #[arg(long, conflicts_with = "restore")]
    forget: bool,
    /// Show what would be removed, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &UninstallArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    let dry_run = if args.dry_run { DryRun::Yes } else { DryRun::No };
    let is_meant = |client: &str| args.client.is_empty() || args.client.iter().any(|name| name == client);
    // What is put back, or is about one server, is an import's.
    let is_about_imports = args.restore || !args.server.is_empty();
    let rows = if is_about_imports { Vec::new() } else { clients::uninstall(config, is_meant, dry_run)? };
    let imported = imported(args, config, out)?;
    let failed = rows.iter().filter(|row| row.result.is_err()).count()
        + imported.iter().filter(|(_, result)| result.is_err()).count();
    let exit = match failed {
        0 => Exit::Done,
        all if all == rows.len() + imported.len() => Exit::Other,
        _ => Exit::Partial,
    };
    if out.json {
        let all = rows.iter().map(object).chain(imported.iter().map(|row| imported_object(row, args)));
        let objects: Vec<Value> = all.collect();
        out.object(&json!({"version": 1, "ok": failed == 0, "exit_code": exit as u8, "configs": objects}));
        return Ok(exit);
    }
    rows.iter().for_each(|row| say(row, out));
    imported.iter().for_each(|row| say_imported(row, args, out));
    if rows.is_empty() && imported.is_empty() {
        out.say("no client has entries of ours with this tokens directory");
    }
    name_kept(args, config, out);
    Ok(exit)
}

/// Names what is kept of imports, and the commands that put it back or delete it.
fn name_kept(args: &UninstallArgs, config: &Config, out: &Out) {
    let is_kept = import::records(&servers::file_store(config)).is_ok_and(|records| !records.is_empty());
    if is_kept && !args.dry_run && !args.restore {
        out.say(
            "the original entries and files that mcpauth import took stay in its store; put them back with: mcpauth config \
             uninstall --restore, or delete them with: mcpauth config uninstall --forget",
        );
    }
}

/// A file with entries of an import, and what was done with them.
type ImportedRow = (ImportRecord, Result<PutBack, Error>);

/// Puts the entries of imports back, or removes them.
fn imported(args: &UninstallArgs, config: &Config, out: &Out) -> Result<Vec<ImportedRow>, Error> {
    let is_meant = |name: &str| args.server.is_empty() || args.server.iter().any(|server| server == name);
    let way = match (args.restore, args.forget) {
        (true, _) => WayBack::Restore,
        (false, true) => WayBack::Forget,
        (false, false) => WayBack::Remove,
    };
    let store = servers::file_store(config);
    if import::records(&store)?.is_empty() {
        return Ok(Vec::new());
    }
    let _lock = if args.dry_run { None } else { Some(import::lock(&store, out)?) };
    let records = import::records(&store)?.into_iter().filter(|record| {
        let client = args.client.is_empty() || args.client.contains(&record.client);
        let is_copies_alone = record.entries.is_empty() && args.server.is_empty() && way != WayBack::Remove;
        let is_left =
            |entry: &ImportedEntry| is_meant(&entry.name) && (way != WayBack::Remove || !entry.removed);
        client && (is_copies_alone || record.entries.iter().any(is_left))
    });
    let done = |record: ImportRecord| {
        let places = (&store, config.state_dir.as_deref());
        let result = import::put_back(places, &record, way, is_meant, args.dry_run);
        (record, result)
    };
    Ok(records.map(done).collect())
}

fn say_imported((record, result): &ImportedRow, args: &UninstallArgs, out: &Out) {
    let path = from_home(&record.path);
    match result {
        Ok(done) => {
            let verb = match (args.restore, args.dry_run) {
                (true, false) => "restored",
                (true, true) => "would restore",
                (false, false) => "removed",
                (false, true) => "would remove",
            };
            let what = if done.entries.is_empty() { "nothing".into() } else { done.entries.join(", ") };
            out.row(Mark::Good, &format!("{:28} {verb} {what}", done.client), &path);
            for name in &done.left {
                let text = format!("{:28} {name} was changed since, and stays", done.client);
                out.row_with_remedy(Mark::Warn, &text, None);
            }
        }
        Err(error) => {
            let remedy = error.hint("mcpauth config uninstall --restore");
            out.row_with_remedy(Mark::Bad, &format!("{:28} {error}", record.client), Some(&remedy));
        }
    }
}

fn imported_object((record, result): &ImportedRow, args: &UninstallArgs) -> Value {
    match result {
        Ok(done) => {
            let status = match (args.restore, args.dry_run) {
                (true, false) => "restored",
                (true, true) => "would_restore",
                (false, false) => "removed",
                (false, true) => "would_remove",
            };
            json!({"client": done.client, "path": done.path, "status": status, "entries": done.entries, "left": done.left})
        }
        Err(error) => json!({
            "client": record.client, "path": record.path, "status": "failed", "code": error.code(),
            "message": error.to_string(), "hint": error.hint("mcpauth config uninstall --restore"),
        }),
    }
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
