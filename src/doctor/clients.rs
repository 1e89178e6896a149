//! Checks that installed clients still have the right entries. Not here: what these are (see `config`).

use crate::clients;
use crate::clients::ConfigRow;
use crate::config::Config;
use crate::doctor::finding::{Finding, Fix};
use crate::notice::Silence;
use crate::render::{AuthMode, ChangeKind};
use crate::servers;
use crate::store::Store;
use crate::sys::socket::is_listening;

const CONFIG_CHECK: &str = "clients.config";
const BRIDGE: &str = "clients.bridge";

/// Compares every client's file with what would be installed.
pub(super) fn check(config: &Config, store: &Store, all_readable: bool) -> Vec<Finding> {
    let rows = match clients::check(config, store, &Silence) {
        Ok(rows) => rows,
        Err(error) => return vec![Finding::error(CONFIG_CHECK, &error, "mcpauth config install")],
    };
    let mut findings: Vec<Finding> = rows.iter().map(|row| finding(row, all_readable)).collect();
    findings.extend(bridge(config, &rows));
    if findings.is_empty() {
        let no_server = servers::at_hand(config, store, &Silence).is_ok_and(|all| all.entries.is_empty());
        let remedy = match no_server {
            true => "first log in to a server: mcpauth login URL",
            false => "write them with: mcpauth config install",
        };
        findings.push(Finding::skipped(CONFIG_CHECK, "no client has an entry from mcpauth").remedy(remedy));
    }
    findings
}

/// Whether the bridge runs that some of them speak to: without it their entries lead nowhere.
fn bridge(config: &Config, rows: &[ConfigRow]) -> Option<Finding> {
    let by_proxy = |row: &&ConfigRow| row.auth_mode == Some(AuthMode::Proxy) && row.result.is_ok();
    let clients: Vec<&str> = rows.iter().filter(by_proxy).map(|row| row.client).collect();
    if clients.is_empty() {
        return None;
    }
    let clients = clients.join(", ");
    let at = match config.bridge_address() {
        Ok(at) => at,
        Err(error) => return Some(Finding::error(BRIDGE, &error.into(), "mcpauth bridge --listen")),
    };
    Some(if is_listening(at) {
        Finding::ok(BRIDGE, format!("the bridge of {clients} listens on {at}"))
    } else {
        let found = format!("{clients}: the entries lead to the bridge on {at}, and nothing listens there");
        Finding::problem(BRIDGE, found, "start it, and keep it running: mcpauth bridge --listen")
    })
}

/// Merges mcpauth's entries into one client's file again.
pub(super) fn install(config: &Config, store: &Store, client: &str) -> Result<String, String> {
    let rows = clients::repair(config, store, client, &Silence).map_err(|error| error.to_string())?;
    let failed = rows.iter().find_map(|row| row.result.as_ref().err()).map(ToString::to_string);
    failed.map_or_else(|| Ok(format!("updated mcpauth's entries in {client}'s file")), Err)
}

fn finding(row: &ConfigRow, all_readable: bool) -> Finding {
    let installed = match &row.result {
        Ok(installed) => installed,
        Err(error) => return Finding::error(CONFIG_CHECK, error, &row.remedy()),
    };
    let drift = row.drift();
    if drift.is_empty() {
        return Finding::ok(
            CONFIG_CHECK,
            format!("{}: mcpauth's entries in {} are up to date", row.client, row.path),
        );
    }
    let stale = format!("{}: mcpauth's entries in {} are stale", row.client, row.path);
    let finding =
        Finding::warn(CONFIG_CHECK, stale, format!("run: {}", row.remedy())).because(drift.join("; "));
    // An entry whose token file is temporarily unreadable would be removed.
    let removes = installed.changes.iter().any(|change| change.kind == ChangeKind::Removed);
    if removes && !all_readable { finding } else { finding.fixed_by(Fix::Install(row.client)) }
}
