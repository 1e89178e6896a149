//! What a run came to: the summary for people, the object for programs, the exit code for the shell.
//! It leaves running to `flows`.

use serde_json::{Value, json};

use crate::cli::client_rows;
use crate::cli::flows::{FlowResult, describe};
use crate::cli::out::Out;
use crate::cli::paths::short;
use crate::config::ConfigError;
use crate::credential::CredentialKind;
use crate::error::Exit;
use crate::sys::clock;
use crate::vault::TokenOutcome;

pub(super) use crate::clients::ConfigRow;

/// What a run came to.
pub(super) struct RunReport {
    /// Set if a signal ended it.
    exit: Option<Exit>,
    pub(super) rows: Vec<FlowResult>,
    skipped: Vec<Skipped>,
    pub(super) configs: Vec<ConfigRow>,
}

/// What was not done, and why that is no failure.
pub(super) struct Skipped {
    pub(super) what: &'static str,
    pub(super) why: String,
}

impl RunReport {
    /// A run that was to get these kinds.
    pub(super) fn new(kinds: &[CredentialKind], rows: Vec<FlowResult>, configs: Vec<ConfigRow>) -> Self {
        let is_skipped = |kind: &&CredentialKind| !rows.iter().any(|row| row.kind == **kind);
        let skipped = kinds.iter().filter(is_skipped).map(|kind| Skipped::not_configured(*kind)).collect();
        Self { exit: None, rows, skipped, configs }
    }

    pub(super) fn interrupted(exit: Exit) -> Self {
        Self { exit: Some(exit), rows: Vec::new(), skipped: Vec::new(), configs: Vec::new() }
    }

    /// Adds what was left out.
    pub(super) fn skip(&mut self, skipped: Skipped) {
        self.skipped.push(skipped);
    }

    /// Prints everything, unless a signal ended it, and gives the exit code.
    pub(super) fn report(&self, out: &Out) -> Exit {
        self.exit.unwrap_or_else(|| report(out, &self.rows, &self.skipped, &self.configs))
    }
}

impl Skipped {
    pub(super) fn not_configured(kind: CredentialKind) -> Self {
        Self { what: kind.name(), why: "not configured".into() }
    }

    /// The client configurations, for want of a gateway.
    pub(super) fn configurations() -> Self {
        let why = ConfigError::NoGateway("every server that they are for".into());
        Self { what: "configurations", why: format!("{why}; {}", why.hint()) }
    }
}

fn report(out: &Out, rows: &[FlowResult], skipped: &[Skipped], configs: &[ConfigRow]) -> Exit {
    let mut exit = exit_code(rows);
    if exit == Exit::Done && configs.iter().any(|config| config.result.is_err()) {
        exit = Exit::Partial;
    }
    if out.json {
        let results: Vec<Value> =
            rows.iter()
                .map(|row| to_json(row, out))
                .chain(skipped.iter().map(
                    |skipped| json!({"kind": skipped.what, "status": "skipped", "message": skipped.why}),
                ))
                .collect();
        let configs: Vec<Value> = configs.iter().map(client_rows::to_json).collect();
        out.object(&json!({"version": 1, "ok": exit == Exit::Done, "exit_code": exit as u8, "results": results, "configs": configs}));
    } else {
        summary(out, rows, skipped, configs);
    }
    exit
}

/// 0 if all went well, the failure's own code if there was nothing else, 3 if some of several failed.
fn exit_code(rows: &[FlowResult]) -> Exit {
    let mut failures = rows.iter().filter_map(|row| row.result.as_ref().err()).map(crate::error::Error::exit);
    let Some(first) = failures.next() else { return Exit::Done };
    let all_failed = rows.iter().all(|row| row.result.is_err());
    if all_failed && failures.all(|exit| exit == first) { first } else { Exit::Partial }
}

fn to_json(row: &FlowResult, out: &Out) -> Value {
    let mut object = json!({"kind": row.kind.name(), "name": row.name});
    let more = match &row.result {
        Ok(fresh) => {
            let status = match fresh.outcome {
                TokenOutcome::Reused => "reused",
                TokenOutcome::Refreshed => "refreshed",
                TokenOutcome::Obtained => "obtained",
                TokenOutcome::LoggedIn => "logged_in",
                TokenOutcome::Unchanged => "unchanged",
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
            "hint": out.advice(&error.hint(&row.command)),
        }),
    };
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}

fn summary(out: &Out, rows: &[FlowResult], skipped: &[Skipped], configs: &[ConfigRow]) {
    for row in rows {
        match &row.result {
            Ok(fresh) => {
                let text = format!("{:28} {}", row.name, describe(fresh));
                out.row(("32", "ok     "), &text, &short(&fresh.path));
            }
            Err(error) => {
                let word = out.paint("31", "failed ");
                out.result(&format!(
                    "{word} {:28} {error}\n        -> {}",
                    row.name,
                    out.advice(&error.hint(&row.command))
                ));
            }
        }
    }
    for Skipped { what, why } in skipped {
        out.result(&format!("{} {what:28} {why}", out.paint("33", "skipped")));
    }
    configs.iter().for_each(|config| client_rows::say(out, config));
}
