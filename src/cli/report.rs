//! The result of a run: the summary for people, the object for programs, the exit code for the shell. Not here:
//! running (see `flows`).

use serde_json::{Value, json};

use crate::cli::client_rows;
use crate::cli::flows::{FlowResult, FlowResults, describe, outcome};
use crate::cli::out::{Mark, Out, extend};
use crate::cli::paths::short;
use crate::config::ConfigError;
use crate::credential::CredentialKind;
use crate::error::{Error, Exit};
use crate::sys::clock;

pub(super) use crate::clients::ConfigRow;

/// The result of a run.
pub(super) struct RunReport {
    /// Set if a signal ended it, and what it left undone.
    exit: Option<Exit>,
    unfinished: Vec<(CredentialKind, String)>,
    pub(super) rows: Vec<FlowResult>,
    skipped: Vec<Skipped>,
    pub(super) configs: Vec<ConfigRow>,
}

/// What was skipped, and why that is not a failure.
pub(super) struct Skipped {
    pub(super) what: &'static str,
    pub(super) why: String,
}

impl RunReport {
    /// A run that was to get these kinds.
    pub(super) fn new(kinds: &[CredentialKind], rows: Vec<FlowResult>, configs: Vec<ConfigRow>) -> Self {
        let is_skipped = |kind: &&CredentialKind| !rows.iter().any(|row| row.kind == **kind);
        let skipped = kinds.iter().filter(is_skipped).map(|kind| Skipped::not_configured(*kind)).collect();
        Self { exit: None, unfinished: Vec::new(), rows, skipped, configs }
    }

    /// A run that a signal ended, with what is known of it.
    pub(super) fn interrupted(exit: Exit, known: &FlowResults) -> Self {
        let (rows, unfinished) = known.take();
        Self { exit: Some(exit), unfinished, rows, skipped: Vec::new(), configs: Vec::new() }
    }

    /// Adds what was skipped.
    pub(super) fn skip(&mut self, skipped: Skipped) {
        self.skipped.push(skipped);
    }

    /// Prints everything that is known, and gives the exit code.
    pub(super) fn report(&self, out: &Out) -> Exit {
        // A user who ends a run at once knows that it had no result.
        if let Some(exit) = self.exit.filter(|_| self.rows.is_empty()) {
            return exit;
        }
        let exit = self.exit.unwrap_or_else(|| self.exit_code());
        if out.json {
            let results = self.rows.iter().map(|row| to_json(row, out));
            let skipped = self
                .skipped
                .iter()
                .map(|skipped| json!({"kind": skipped.what, "status": "skipped", "message": skipped.why}));
            let unfinished = self
                .unfinished
                .iter()
                .map(|(kind, name)| json!({"kind": kind.name(), "name": name, "status": "interrupted"}));
            let results: Vec<Value> = results.chain(skipped).chain(unfinished).collect();
            let configs: Vec<Value> = self.configs.iter().map(client_rows::to_json).collect();
            out.object(&json!({"version": 1, "ok": exit == Exit::Done, "exit_code": exit as u8, "results": results, "configs": configs}));
        } else {
            self.summary(out);
        }
        exit
    }

    fn exit_code(&self) -> Exit {
        let configs = self.configs.iter().map(|config| config.result.as_ref().err());
        match exit_code(self.rows.iter().map(|row| row.result.as_ref().err())) {
            Exit::Done if self.rows.is_empty() => exit_code(configs),
            Exit::Done if self.configs.iter().any(|config| config.result.is_err()) => Exit::Partial,
            exit => exit,
        }
    }

    fn summary(&self, out: &Out) {
        for row in &self.rows {
            match &row.result {
                Ok(fresh) => {
                    let text = format!("{:28} {}", row.name, describe(fresh));
                    out.row(Mark::Good, &text, &short(&fresh.path));
                }
                Err(error) => {
                    let hint = out.advice(&error.hint(&row.command));
                    out.row_with_remedy(Mark::Bad, &format!("{:28} {error}", row.name), Some(&hint));
                }
            }
        }
        for (_, name) in &self.unfinished {
            out.row_with_remedy(Mark::Skipped, &format!("{name:28} interrupted"), None);
        }
        for Skipped { what, why } in &self.skipped {
            out.row_with_remedy(Mark::Skipped, &format!("{what:28} {why}"), None);
        }
        self.configs.iter().for_each(|config| client_rows::say(out, config));
        if let Some(counts) = self.counts() {
            out.result(&counts);
        }
    }

    /// How many of each, where there is more than one to count.
    fn counts(&self) -> Option<String> {
        let row = |row: &FlowResult| row.result.as_ref().map_or("failed", |fresh| outcome(fresh.outcome));
        let words = self.rows.iter().map(row);
        let words = words.chain(self.unfinished.iter().map(|_| "interrupted"));
        let words: Vec<&str> = words.chain(self.skipped.iter().map(|_| "skipped")).collect();
        let configs: Vec<&str> = self.configs.iter().map(client_rows::word).collect();
        let parts = [counted("credentials", &words), counted("configurations", &configs)];
        let text = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
        (words.len() + configs.len() > 1).then_some(text)
    }
}

impl Skipped {
    pub(super) fn not_configured(kind: CredentialKind) -> Self {
        Self { what: kind.name(), why: "not configured".into() }
    }

    /// The client configurations that could not be written without a gateway.
    pub(super) fn configurations() -> Self {
        let why = ConfigError::NoGateway("every server that they are for".into());
        Self { what: "configurations", why: format!("{why}; {}", why.hint()) }
    }
}

/// As in `credentials: 3 obtained, 1 failed`, in the order in which they came.
fn counted(what: &str, words: &[&str]) -> Option<String> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for word in words {
        match counts.iter_mut().find(|(known, _)| known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let counts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    (!counts.is_empty()).then(|| format!("{what}: {}", counts.join(", ")))
}

/// 0 if everything succeeded, the failure's own code if there was nothing else, 3 if some of several failed.
fn exit_code<'a>(errors: impl Iterator<Item = Option<&'a Error>>) -> Exit {
    Exit::of_all(errors.map(|error| error.map_or(Exit::Done, Error::exit)))
}

fn to_json(row: &FlowResult, out: &Out) -> Value {
    let mut object = json!({"kind": row.kind.name(), "name": row.name});
    let more = match &row.result {
        Ok(fresh) => {
            let end = fresh.stored.token.expires_at;
            json!({
                "status": fresh.outcome.word(),
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
    extend(&mut object, more);
    object
}
