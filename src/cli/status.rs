//! `mcpauth status`: every credential, its state and the next command. It makes no request, renews nothing and shows
//! no token. Not here: the states (see `status`); the table's layout (see `status::table`).

mod table;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::cli::paths::short;
use crate::config::{Config, ConfigError};
use crate::credential::StoreScope;
use crate::error::{Error, Exit};
use crate::oauth::Epoch;
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
                        Examples:\n  mcpauth status\n  mcpauth status --check -q || mcpauth generate\n  \
                        mcpauth status --json | jq -r '.credentials[] | select(.status != \"good\") | .command'")]
pub(super) struct StatusArgs {
    /// Exit code 7 unless every credential is good, or due and renewed without a login
    #[arg(long)]
    check: bool,
}

pub(super) fn run(args: &StatusArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let config = given.config(out)?;
    let vault = out.context().vault(&config, None)?;
    let now = clock::now();
    let rows: Vec<Row> = status::all(&config, &vault, now).into_iter().map(|row| advised(row, out)).collect();
    let service = refresh::running(&config);
    let fine = !rows.is_empty() && rows.iter().all(Row::is_fine);
    let exit = if args.check && !fine { Exit::Found } else { Exit::Done };
    if out.json {
        let objects: Vec<Value> = rows.iter().map(|row| to_json(row, now)).collect();
        let service = json!({"running": service.is_some(), "pid": service.and_then(|service| service.pid)});
        out.object(&json!({
            "version": 1, "ok": exit == Exit::Done, "exit_code": exit as u8, "credentials": objects, "refresh_service": service,
        }));
        return Ok(exit);
    }
    for line in table::lines(&rows, now, out) {
        out.result(&line);
    }
    if rows.is_empty() {
        let none = ConfigError::NothingConfigured;
        out.say(&format!(
            "nothing is configured, and nothing is stored in {}\n  -> {}",
            folders(&config, " or "),
            out.advice(&none.hint())
        ));
    }
    if !rows.is_empty() {
        let text = if config.is_one_store() { "kept in" } else { "the project's and yours are kept in" };
        out.result(&format!("{text} {}", folders(&config, " and ")));
    }
    out.result(&match service {
        Some(RunningProcess { pid: Some(pid), .. }) => format!("refresh service: running (process {pid})"),
        Some(RunningProcess { pid: None, .. }) => "refresh service: running".into(),
        None => "refresh service: not running (start it with: mcpauth refresh)".into(),
    });
    Ok(exit)
}

fn folders(config: &Config, between: &str) -> String {
    let folders: Vec<String> = config.folders().into_iter().map(short).collect();
    folders.join(between)
}

/// The same, with commands that use this run's settings and tokens.
fn advised(row: Row, out: &Out) -> Row {
    let again = |text: Option<String>| text.map(|text| out.advice(&text));
    Row { command: again(row.command), hint: again(row.hint), ..row }
}

fn to_json(row: &Row, now: Epoch) -> Value {
    let storage = row.storage.map(|storage| match storage {
        Storage::File => "file",
        Storage::Keyring => "keyring",
    });
    json!({
        "kind": row.kind,
        "name": row.name,
        "status": row.state.word(),
        "path": row.path,
        "expires_at": row.expires_at,
        "expires_at_rfc3339": row.expires_at.map(clock::rfc3339),
        "expires_in_s": row.expires_at.map(|end| end - now),
        "source": row.source,
        "storage": storage,
        "store": if row.scope == StoreScope::User { "user" } else { "project" },
        "key": row.is_key,
        "renewable": row.renewable,
        "message": row.why,
        "command": row.command,
        "hint": row.hint,
    })
}
