//! Whether the clients that were installed to still have what they should have. It leaves what that is to `config`.

use crate::clients;
use crate::clients::ConfigRow;
use crate::config::Config;
use crate::doctor::finding::{Finding, Fix};
use crate::notice::Silence;
use crate::render::ChangeKind;
use crate::store::Store;

const CHECK: &str = "clients.config";

/// Every client's file, held against what would be installed.
pub(super) fn check(config: &Config, store: &Store, all_readable: bool) -> Vec<Finding> {
    let rows = match clients::check(config, store, &Silence) {
        Ok(rows) => rows,
        Err(error) => return vec![Finding::error(CHECK, &error, "mcpauth config install")],
    };
    let mut findings: Vec<Finding> = rows.iter().map(|row| finding(row, all_readable)).collect();
    if findings.is_empty() {
        findings.push(
            Finding::skipped(CHECK, "no client has an entry of ours")
                .remedy("write them with: mcpauth config install"),
        );
    }
    findings
}

/// Merges our entries into one client's file anew.
pub(super) fn install(config: &Config, store: &Store, client: &str) -> Result<String, String> {
    let rows = clients::repair(config, store, client, &Silence).map_err(|error| error.to_string())?;
    let failed = rows.iter().find_map(|row| row.result.as_ref().err()).map(ToString::to_string);
    failed.map_or_else(|| Ok(format!("wrote our entries into {client}'s file anew")), Err)
}

fn finding(row: &ConfigRow, all_readable: bool) -> Finding {
    let installed = match &row.result {
        Ok(installed) => installed,
        Err(error) => return Finding::error(CHECK, error, &row.remedy()),
    };
    let drift = row.drift();
    if drift.is_empty() {
        return Finding::ok(CHECK, format!("{}: our entries in {} are up to date", row.client, row.path));
    }
    let stale = format!("{}: our entries in {} are stale", row.client, row.path);
    let finding = Finding::warn(CHECK, stale, format!("run: {}", row.remedy())).because(drift.join("; "));
    // An entry whose token file cannot be read just now would be taken out.
    let removes = installed.changes.iter().any(|change| change.kind == ChangeKind::Removed);
    if removes && !all_readable { finding } else { finding.fixed_by(Fix::Install(row.client)) }
}
