//! Shows the results for client configurations, to people and to programs. Not here: the rest of a run (see
//! `report`).

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::out::{Mark, Out, extend};
use crate::cli::paths::{self, from_home};
use crate::clients::ConfigRow;
use crate::error::Exit;
use crate::render::AuthMode;

/// Prints what a check found, and returns the exit code.
pub(super) fn checked(out: &Out, rows: &[ConfigRow]) -> Exit {
    let drifted = rows.iter().any(|row| !row.drift().is_empty());
    let exit = if drifted { Exit::Found } else { Exit::Done };
    for row in rows {
        let drift = row.drift();
        let (mark, word) = match (&row.result, drift.is_empty()) {
            (Err(_), _) => (Mark::Bad, "failed"),
            (Ok(_), true) => (Mark::Good, "in order"),
            (Ok(_), false) => (Mark::Warn, "drifted"),
        };
        let text = format!("{:28} {word}, {}", row.client, servers(row));
        out.row(mark, &text, &from_home(Path::new(&row.path)));
        let left = row.result.iter().flat_map(|installed| &installed.changes);
        let left = left.filter(|change| change.is_conflict()).map(ToString::to_string);
        left.chain(drift.iter().cloned()).for_each(|line| out.result(&format!("         {line}")));
        if !drift.is_empty() {
            out.result(&format!("         -> {}", row.remedy()));
        }
    }
    if out.json {
        let configs: Vec<Value> = rows.iter().map(checked_object).collect();
        out.object(&json!({"version": 1, "ok": !drifted, "exit_code": exit as u8, "configs": configs}));
    }
    exit
}

fn checked_object(row: &ConfigRow) -> Value {
    let drift = row.drift();
    let status = match (&row.result, drift.is_empty()) {
        (Err(_), _) => "failed",
        (Ok(_), true) => "in_order",
        (Ok(_), false) => "drifted",
    };
    let mut object = common(row, status);
    if !drift.is_empty() {
        extend(&mut object, json!({"drift": drift, "hint": row.remedy()}));
    }
    object
}

/// A row of a run that wrote, or would write.
pub(super) fn to_json(row: &ConfigRow) -> Value {
    let status = match &row.result {
        Ok(installed) if !installed.changed => "unchanged",
        Ok(_) if row.dry => "would_change",
        Ok(_) => "written",
        Err(_) => "failed",
    };
    let mut object = common(row, status);
    match &row.result {
        Ok(installed) if row.dry => {
            let changes: Vec<String> = installed.changes.iter().map(ToString::to_string).collect();
            extend(&mut object, json!({"changes": changes}));
        }
        Ok(_) => {}
        Err(error) => extend(
            &mut object,
            json!({"code": error.code(), "message": error.to_string(), "hint": row.remedy()}),
        ),
    }
    object
}

/// What was done with a client's file, in a word.
pub(super) fn word(row: &ConfigRow) -> &'static str {
    match &row.result {
        Ok(installed) if !installed.changed => "unchanged",
        Ok(_) if row.dry => "to change",
        Ok(_) => "written",
        Err(_) => "failed",
    }
}

/// The same for people.
pub(super) fn say(out: &Out, row: &ConfigRow) {
    match &row.result {
        Ok(installed) if row.dry => {
            let path = from_home(Path::new(&row.path));
            out.result(&format!("{path} ({}, {})", row.client, servers(row)));
            installed.changes.iter().for_each(|change| out.result(&format!("  {change}")));
        }
        Ok(installed) => {
            let text = format!("{:28} {}, {}", row.client, word(row), servers(row));
            out.row(Mark::Good, &text, &paths::short(Path::new(&row.path)));
            for change in installed.changes.iter().filter(|change| change.is_conflict()) {
                out.row_with_remedy(Mark::Warn, &change.to_string(), None);
            }
        }
        Err(error) => {
            out.row_with_remedy(Mark::Bad, &format!("{:28} {error}", row.client), Some(&row.remedy()));
        }
    }
}

/// How many servers, and how their headers are supplied if not inline.
fn servers(row: &ConfigRow) -> String {
    let count = if row.servers == 1 { "1 server".into() } else { format!("{} servers", row.servers) };
    match row.auth_mode.filter(|secrets| *secrets != AuthMode::Inline) {
        Some(secrets) => format!("{count} by {secrets}"),
        None => count,
    }
}

fn common(row: &ConfigRow, status: &str) -> Value {
    let mut object =
        json!({"client": row.client, "path": row.path, "servers": row.servers, "status": status});
    if let Some(secrets) = row.auth_mode {
        extend(&mut object, json!({"auth_mode": secrets.name()}));
    }
    object
}
