//! What a run came to: the summary for people, the object for programs, the exit code for the shell.
//! It leaves running to `flows`.

use serde_json::{Value, json};

use crate::cli::flows::{Row, said};
use crate::cli::out::Out;
use crate::config::Config;
use crate::error::{Error, Exit};
use crate::render::Installed;
use crate::sys::clock;
use crate::vault::Outcome;

/// What writes the client configurations alone.
const COMMAND: &str = "mcpauth config install";

/// What came of one client configuration.
pub(super) struct ConfigRow {
    pub(super) client: &'static str,
    pub(super) path: String,
    pub(super) servers: usize,
    pub(super) result: Result<Option<Installed>, Error>,
    /// Only to say what would be.
    pub(super) dry: bool,
}

impl ConfigRow {
    /// No client has a configuration, for one reason.
    pub(super) fn none(config: &Config, error: Error) -> Self {
        let path = config.tokens_dir.display().to_string();
        Self { client: "every client", path, servers: 0, result: Err(error), dry: false }
    }
}

/// Prints everything and gives the exit code.
pub(super) fn report(out: &Out, rows: &[Row], skipped: &[&str], configs: &[ConfigRow]) -> Exit {
    let mut exit = exit_code(rows);
    if exit == Exit::Done && configs.iter().any(|config| config.result.is_err()) {
        exit = Exit::Partial;
    }
    if out.json {
        let results: Vec<Value> = rows
            .iter()
            .map(object)
            .chain(skipped.iter().map(|kind| json!({"kind": kind, "status": "skipped"})))
            .collect();
        let configs: Vec<Value> = configs.iter().map(config_object).collect();
        out.object(&json!({"version": 1, "ok": exit == Exit::Done, "exit_code": exit as u8, "results": results, "configs": configs}));
    } else {
        summary(out, rows, skipped, configs);
    }
    exit
}

/// 0 if all went well, the failure's own code if there was nothing else, 3 if some of several failed.
fn exit_code(rows: &[Row]) -> Exit {
    let mut failures = rows.iter().filter_map(|row| row.result.as_ref().err()).map(crate::error::Error::exit);
    let Some(first) = failures.next() else { return Exit::Done };
    let all_failed = rows.iter().all(|row| row.result.is_err());
    if all_failed && failures.all(|exit| exit == first) { first } else { Exit::Partial }
}

fn object(row: &Row) -> Value {
    let mut object = json!({"kind": row.kind.name(), "name": row.name});
    let more = match &row.result {
        Ok(fresh) => {
            let status = match fresh.outcome {
                Outcome::Reused => "reused",
                Outcome::Refreshed => "refreshed",
                Outcome::Obtained => "obtained",
                Outcome::LoggedIn => "logged_in",
                Outcome::Unchanged => "unchanged",
            };
            let end = fresh.stored.token.expires_at;
            json!({
                "status": status,
                "path": fresh.path,
                "expires_at": end,
                "expires_at_rfc3339": end.map(clock::rfc3339),
                "expires_in_s": end.map(|end| end - clock::now()),
            })
        }
        Err(error) => json!({
            "status": "failed",
            "code": error.code(),
            "exit_code": error.exit() as u8,
            "message": error.to_string(),
            "hint": error.hint(&row.command),
        }),
    };
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}

fn config_object(config: &ConfigRow) -> Value {
    let status = match &config.result {
        Ok(Some(installed)) if !installed.changed => "unchanged",
        Ok(_) if config.dry => "would_change",
        Ok(_) => "written",
        Err(_) => "failed",
    };
    let mut object =
        json!({"client": config.client, "path": config.path, "servers": config.servers, "status": status});
    let more = match &config.result {
        Ok(Some(installed)) if config.dry => {
            let changes: Vec<String> = installed.changes.iter().map(ToString::to_string).collect();
            json!({"changes": changes})
        }
        Ok(_) => json!({}),
        Err(error) => {
            json!({"code": error.code(), "message": error.to_string(), "hint": error.hint(COMMAND)})
        }
    };
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}

fn summary(out: &Out, rows: &[Row], skipped: &[&str], configs: &[ConfigRow]) {
    for row in rows {
        match &row.result {
            Ok(fresh) => out.result(&format!(
                "{} {:28} {}  {}",
                out.paint("32", "ok     "),
                row.name,
                said(fresh),
                short(&fresh.path)
            )),
            Err(error) => {
                let word = out.paint("31", "failed ");
                out.result(&format!(
                    "{word} {:28} {error}\n        -> {}",
                    row.name,
                    error.hint(&row.command)
                ));
            }
        }
    }
    for kind in skipped {
        out.result(&format!("{} {kind:28} not configured", out.paint("33", "skipped")));
    }
    for config in configs {
        match &config.result {
            Ok(Some(installed)) if config.dry => {
                out.result(&format!("{} ({})", config.path, config.client));
                installed.changes.iter().for_each(|change| out.result(&format!("  {change}")));
            }
            Ok(installed) => {
                let state = if installed.as_ref().is_some_and(|installed| !installed.changed) {
                    "unchanged"
                } else {
                    "written"
                };
                let servers = if config.servers == 1 { "server" } else { "servers" };
                out.result(&format!(
                    "{} {:28} {state}, {} {servers}  {}",
                    out.paint("32", "config "),
                    config.client,
                    config.servers,
                    config.path
                ));
                for change in installed
                    .iter()
                    .flat_map(|installed| &installed.changes)
                    .filter(|change| change.is_conflict())
                {
                    out.result(&format!("        {change}"));
                }
            }
            Err(error) => {
                let word = out.paint("31", "failed ");
                let hint = error.hint(COMMAND);
                out.result(&format!("{word} {:28} {error}\n        -> {hint}", config.client));
            }
        }
    }
}

/// A path as short as it can be said from here.
fn short(path: &std::path::Path) -> String {
    let here = crate::sys::paths::absolute(std::path::Path::new("."));
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}
