//! `mcpauth status`: every credential, how it stands and what to type. It asks no server, renews nothing and shows no token.
//! It leaves how each stands to `status`, and laying out the table to `status::table`.

mod table;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::config::ConfigError;
use crate::error::{Error, Exit};
use crate::oauth::Epoch;
use crate::refresh;
use crate::status::{self, Row};
use crate::store::Storage;
use crate::sys::clock;
use crate::sys::pid_file::RunningProcess;

/// What is kept, until when it is good, and what to type
///
/// Every credential that is configured or kept: its state, its end, where it comes from and is kept, and whether it is
/// renewed without a person. No server is asked, and nothing is renewed.
#[derive(Args, Debug)]
#[command(
    after_help = "States: good · due (good, and renewed by whoever wants it next) · expired · missing · needs login · \
                        incomplete (settings) · unreadable (its file)\n\n\
                        Examples:\n  mcpauth status\n  mcpauth status --check -q || mcpauth generate\n  \
                        mcpauth status --json | jq -r '.credentials[] | select(.status != \"good\") | .command'"
)]
pub(super) struct StatusArgs {
    /// Exit code 7 unless everything is good, or due and renewed without a person
    #[arg(long)]
    check: bool,
}

pub(super) fn run(args: &StatusArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let config = given.config(out)?;
    let vault = out.context().vault(&config, None)?;
    let now = clock::now();
    let rows: Vec<Row> = status::all(&config, &vault, now).into_iter().map(|row| advised(row, out)).collect();
    let service = refresh::running(vault.store.dir());
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
            "nothing is configured, and nothing kept in {}\n  -> {}",
            config.tokens_dir.display(),
            out.advice(&none.hint())
        ));
    }
    out.result(&match service {
        Some(RunningProcess { pid: Some(pid) }) => format!("refresh service: running (process {pid})"),
        Some(RunningProcess { pid: None }) => "refresh service: running".into(),
        None => "refresh service: not running (start it with: mcpauth refresh)".into(),
    });
    Ok(exit)
}

/// The same with commands that find what this run found.
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
        "renewable": row.renewable,
        "message": row.why,
        "command": row.command,
        "hint": row.hint,
    })
}
