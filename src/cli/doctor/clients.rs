//! Whether the clients' own files still say what the credentials at hand come to. It leaves rendering and merging to
//! `render`. What `config` knows of clients goes through [`rows`] and [`install`] alone.

use crate::cli::doctor::finding::{Finding, Fix};
use crate::cli::out::Out;
use crate::cli::report::ConfigRow;
use crate::cli::servers;
use crate::config::Config;
use crate::error::Error;
use crate::render::{self, Change, ChangeKind, DryRun, Installed, TARGETS, Target};
use crate::store::Store;

const CHECK: &str = "clients.config";

/// Every client's file, held against what would be installed.
pub(super) fn look(config: &Config, store: &Store, all_readable: bool, out: &Out) -> Vec<Finding> {
    let rows = match rows(config, store, DryRun::Yes, None, out) {
        Ok(rows) => rows,
        Err(error) => return vec![Finding::error(CHECK, &error, "mcpauth config install")],
    };
    let mut findings: Vec<Finding> = rows.iter().filter_map(|row| finding(row, all_readable)).collect();
    if findings.is_empty() {
        findings.push(
            Finding::skipped(CHECK, "no client has an entry of ours")
                .remedy("write them with: mcpauth config install"),
        );
    }
    findings
}

/// Merges our entries into one client's file anew.
pub(super) fn install(config: &Config, store: &Store, client: &str, out: &Out) -> Result<String, String> {
    let rows = rows(config, store, DryRun::No, Some(client), out).map_err(|error| error.to_string())?;
    let failed = rows.iter().find_map(|row| row.result.as_ref().err()).map(ToString::to_string);
    failed.map_or_else(|| Ok(format!("wrote our entries into {client}'s file anew")), Err)
}

/// What `config install` would do, or did, in the files that are there.
fn rows(
    config: &Config,
    store: &Store,
    dry_run: DryRun,
    client: Option<&str>,
    out: &Out,
) -> Result<Vec<ConfigRow>, Error> {
    let (Some(home), Some(state)) = (&config.home, &config.state_dir) else { return Ok(Vec::new()) };
    let templates = config.config_dir.as_ref().map(|dir| dir.join("templates"));
    let entries = servers::at_hand(config, store, &out.muted())?;
    let mut rows = Vec::new();
    let wanted = |target: &&Target| client.is_none_or(|client| client == target.client);
    for target in TARGETS.iter().filter(wanted) {
        let path = home.join(target.install);
        if !path.exists() {
            continue;
        }
        let rendered = render::render(target, &entries, templates.as_deref());
        let result = rendered.and_then(|rendered| render::install(&path, target, &rendered, state, dry_run));
        rows.push(ConfigRow {
            client: target.client,
            path: path.display().to_string(),
            servers: entries.len(),
            result: result.map(Some).map_err(Error::from),
            dry: dry_run == DryRun::Yes,
        });
    }
    Ok(rows)
}

fn finding(row: &ConfigRow, all_readable: bool) -> Option<Finding> {
    let command = format!("mcpauth config install --client {}", row.client);
    let installed = match &row.result {
        Ok(installed) => installed.as_ref()?,
        Err(error) => return Some(Finding::error(CHECK, error, &command)),
    };
    let ours = |change: &Change| !matches!(change.kind, ChangeKind::Added | ChangeKind::Conflict { .. });
    if !installed.changes.iter().any(ours) {
        return None;
    }
    if !installed.changed {
        return Some(Finding::ok(
            CHECK,
            format!("{}: our entries in {} are up to date", row.client, row.path),
        ));
    }
    let stale = format!("{}: our entries in {} are stale", row.client, row.path);
    let finding = Finding::warn(CHECK, stale, format!("run: {command}")).because(cause(installed));
    // An entry whose token file cannot be read just now would be taken out.
    let removes = installed.changes.iter().any(|change| change.kind == ChangeKind::Removed);
    Some(if removes && !all_readable { finding } else { finding.fixed_by(Fix::Install(row.client)) })
}

/// What is different, without any value.
fn cause(installed: &Installed) -> String {
    let said = |change: &Change| {
        let name = change.name.escape_debug();
        match &change.kind {
            ChangeKind::Added => Some(format!("{name} is not in it")),
            ChangeKind::Removed => Some(format!("there is no {name} any more")),
            ChangeKind::Updated(fields) => {
                Some(format!("{name} has another {}", fields.join(", ").escape_debug()))
            }
            ChangeKind::Conflict { .. } | ChangeKind::Unchanged => None,
        }
    };
    let said: Vec<String> = installed.changes.iter().filter_map(said).collect();
    if said.is_empty() { "others can read it".into() } else { said.join("; ") }
}
