//! `mcpauth status`: every credential, its state and the next command. It makes no request, renews nothing and shows
//! no token. Not here: the states (see `status`); the table's layout (see `status::table`); what `--watch` repeats (see
//! `status::watch`).

mod table;
mod watch;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::cli::paths::short;
use crate::config::ConfigError;
use crate::credential::StoreScope;
use crate::error::{Error, Exit};
use crate::oauth::Epoch;
use crate::quantity::milliseconds;
use crate::refresh;
use crate::status::{self, Row};
use crate::store::Storage;
use crate::sys::clock;
use crate::sys::pid_file::RunningProcess;

/// Show every credential, its expiry and the next command
///
/// Every configured or stored credential: its state, its expiry, where it comes from and is stored, and whether it is
/// renewed without a login. Makes no network requests and renews nothing.
#[derive(Args, Debug)]
#[command(after_help = "States: good · due (good, renewed on next use) · expired · missing · needs login · \
                        incomplete (settings) · unreadable (its file)\n\n\
                        Examples:\n  mcpauth status\n  mcpauth status --watch\n  mcpauth status --check -q || mcpauth generate\n  \
                        mcpauth status --json | jq -r '.credentials[] | select(.status != \"good\") | .command'")]
pub(super) struct StatusArgs {
    /// Exit code 7 unless every credential is valid or renewed without a login
    #[arg(long)]
    check: bool,
    /// Keep showing it until Ctrl-C: redrawn in place on a terminal, elsewhere one line (with --json one object) per change
    #[arg(long, conflicts_with = "check")]
    watch: bool,
    /// How often --watch reads the files again [default: 1s]
    #[arg(long, value_name = "TIME", requires = "watch", value_parser = milliseconds)]
    interval: Option<u64>,
}

/// Every credential and the refresh service, at one time.
struct StatusReport {
    rows: Vec<Row>,
    service: Option<RunningProcess>,
    /// Where credentials are stored.
    folders: Vec<String>,
    one_store: bool,
    now: Epoch,
}

pub(super) fn run(args: &StatusArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    if args.watch {
        return watch::run(args.interval, given, out);
    }
    let overview = StatusReport::read(given, out)?;
    let fine = !overview.rows.is_empty() && overview.rows.iter().all(Row::is_fine);
    let exit = if args.check && !fine { Exit::Found } else { Exit::Done };
    if out.json {
        let objects: Vec<Value> = overview.rows.iter().map(|row| to_json(row, overview.now)).collect();
        out.object(&json!({
            "version": 1, "ok": exit == Exit::Done, "exit_code": exit as u8, "credentials": objects,
            "refresh_service": service_json(overview.service.as_ref()),
        }));
        return Ok(exit);
    }
    if overview.rows.is_empty() {
        out.say(&overview.nothing(out));
    }
    overview.lines(out).iter().for_each(|line| out.result(line));
    Ok(exit)
}

impl StatusReport {
    fn read(given: &Given<'_>, out: &Out) -> Result<Self, Error> {
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
    fn lines(&self, out: &Out) -> Vec<String> {
        let mut lines = table::lines(&self.rows, self.now, out);
        if !self.rows.is_empty() {
            let text = if self.one_store { "stored in" } else { "the project's and yours are stored in" };
            lines.push(format!("{text} {}", self.folders.join(" and ")));
        }
        lines.push(service_line(self.service.as_ref()));
        lines
    }

    /// What there is to say without any credential.
    fn nothing(&self, out: &Out) -> String {
        let hint = out.advice(&ConfigError::NothingConfigured.hint());
        format!("nothing is configured, and nothing is stored in {}\n  -> {hint}", self.folders.join(" or "))
    }
}

fn service_line(service: Option<&RunningProcess>) -> String {
    match service {
        Some(RunningProcess { pid: Some(pid) }) => format!("refresh service: running (process {pid})"),
        Some(RunningProcess { pid: None }) => "refresh service: running".into(),
        None => "refresh service: not running (start it with: mcpauth refresh)".into(),
    }
}

fn service_json(service: Option<&RunningProcess>) -> Value {
    json!({"running": service.is_some(), "pid": service.and_then(|service| service.pid)})
}

/// The same, with commands that use this run's settings and tokens.
fn advised(row: Row, out: &Out) -> Row {
    let again = |text: Option<String>| text.map(|text| out.advice(&text));
    Row { command: again(row.command), hint: again(row.hint), ..row }
}

fn storage_word(storage: Storage) -> &'static str {
    match storage {
        Storage::File => "file",
        Storage::Keyring => "keyring",
    }
}

fn to_json(row: &Row, now: Epoch) -> Value {
    json!({
        "kind": row.kind,
        "name": row.name,
        "status": row.state.word(),
        "path": row.path,
        "expires_at": row.expires_at,
        "expires_at_rfc3339": row.expires_at.map(clock::rfc3339),
        "expires_in_s": row.expires_at.map(|end| end - now),
        "source": row.source,
        "storage": row.storage.map(storage_word),
        "store": if row.scope == StoreScope::User { "user" } else { "project" },
        "key": row.is_key,
        "renewable": row.renewable,
        "message": row.why,
        "command": row.command,
        "hint": row.hint,
    })
}
