//! Every credential and the refresh service at one time, and their lines and JSON. Not here: the states (see `status`); the
//! table's layout (see `table`).

use serde_json::{Value, json};

use super::table;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::cli::paths::short;
use crate::config::ConfigError;
use crate::credential::StoreScope;
use crate::error::Error;
use crate::oauth::Epoch;
use crate::refresh;
use crate::status::{self, Row};
use crate::store::Storage;
use crate::sys::clock;
use crate::sys::pid_file::RunningProcess;

/// Every credential and the refresh service, at one time.
pub(super) struct StatusReport {
    pub(super) rows: Vec<Row>,
    pub(super) service: Option<RunningProcess>,
    /// Where credentials are stored.
    folders: Vec<String>,
    one_store: bool,
    pub(super) now: Epoch,
}

impl StatusReport {
    pub(super) fn read(given: &Given<'_>, out: &Out) -> Result<Self, Error> {
        let config = given.config(out)?;
        let vault = out.context().vault(&config, None)?;
        let now = clock::now();
        Ok(Self {
            rows: status::all(&config, &vault, now).into_iter().map(|row| advised(row, out)).collect(),
            service: refresh::running(&config),
            folders: config.folders().into_iter().map(short).collect(),
            one_store: config.is_one_store(),
            now,
        })
    }

    /// The table, and what stands below it.
    pub(super) fn lines(&self, out: &Out) -> Vec<String> {
        let mut lines = table::lines(&self.rows, self.now, out);
        if !self.rows.is_empty() {
            let text = if self.one_store { "stored in" } else { "the project's and yours are stored in" };
            let text = format!("{text} {}", self.folders.join(" and "));
            lines.extend(out.fold(&text).lines().map(str::to_owned));
        }
        lines.push(service_line(self.service.as_ref()));
        lines
    }

    /// What there is to say without any credential.
    pub(super) fn nothing(&self, out: &Out) -> String {
        let hint = out.advice(&ConfigError::NothingConfigured.hint());
        format!("nothing is configured, and nothing is stored in {}\n  -> {hint}", self.folders.join(" or "))
    }
}

pub(super) fn service_line(service: Option<&RunningProcess>) -> String {
    match service {
        Some(RunningProcess { pid: Some(pid), .. }) => format!("refresh service: running (process {pid})"),
        Some(RunningProcess { pid: None, .. }) => "refresh service: running".into(),
        None => "refresh service: not running (start it with: mcpauth refresh)".into(),
    }
}

pub(super) fn service_json(service: Option<&RunningProcess>) -> Value {
    json!({"running": service.is_some(), "pid": service.and_then(|service| service.pid)})
}

/// The same, with commands that use this run's settings and tokens.
fn advised(row: Row, out: &Out) -> Row {
    let again = |text: Option<String>| text.map(|text| out.advice(&text));
    Row { command: again(row.command), hint: again(row.hint), ..row }
}

pub(super) fn to_json(row: &Row, now: Epoch) -> Value {
    json!({
        "kind": row.kind,
        "name": row.name,
        "status": row.state.word(),
        "path": row.path,
        "expires_at": row.expires_at,
        "expires_at_rfc3339": row.expires_at.map(clock::rfc3339),
        "expires_in_s": row.expires_at.map(|end| end - now),
        "source": row.source,
        "storage": row.storage.map(Storage::word),
        "store": if row.scope == StoreScope::User { "user" } else { "project" },
        "key": row.is_key,
        "renewable": row.renewable,
        "message": row.why,
        "command": row.command,
        "hint": row.hint,
    })
}
