//! `mcpauth status`: every credential, how it stands and what to type. It asks no server, renews nothing and shows no token.
//! It leaves which credentials there are to `credentials`, and laying out the table to `status::table`.

mod row;
mod table;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::flows;
use crate::cli::out::Out;
use crate::cli::refresh::service;
use crate::cli::status::row::{CredentialState, StatusRow};
use crate::config::{Config, ConfigError, Settings};
use crate::credential::{Credential, GrantConfig};
use crate::error::{Error, Exit};
use crate::oauth::{Epoch, Freshness};
use crate::servers::credentials::{self, KnownCredential, SetupStatus};
use crate::store::{Storage, StoreError, StoredToken, TokenMetadata};
use crate::sys::clock;
use crate::sys::pid_file::RunningProcess;
use crate::vault::{Vault, VaultError};

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

pub(super) fn run(args: &StatusArgs, settings: Settings, out: &Out) -> Result<Exit, Error> {
    let config = Config::resolve(settings)?;
    let vault = flows::vault(&config, None, out)?;
    let now = clock::now();
    let known = credentials::all(&config, &vault.store);
    let rows: Vec<StatusRow> =
        known.iter().map(|known| row(known, &vault, now)).map(|row| row.advised(out)).collect();
    let service = service::running(vault.store.dir());
    let fine = !rows.is_empty() && rows.iter().all(StatusRow::is_fine);
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

fn row(known: &KnownCredential, vault: &Vault, now: Epoch) -> StatusRow {
    let path = known.path(&vault.store);
    let look = path.as_deref().and_then(|path| vault.store.look(path).ok().flatten());
    let stored = match (&known.setup, &path) {
        (SetupStatus::Complete(credential), _) => vault.kept(credential),
        (_, Some(path)) => vault.store.read_file(path),
        (_, None) => Ok(None),
    };
    let row = StatusRow {
        kind: known.kind.name(),
        name: known.name.clone(),
        state: CredentialState::Good,
        expires_at: stored.as_ref().ok().and_then(|stored| stored.as_ref()?.token.expires_at),
        kept: matches!(stored, Ok(Some(_))),
        source: source(known),
        storage: look.as_ref().map(|look| look.storage),
        renewable: known.credential().is_some_and(|credential| renewable(credential, &stored)),
        path,
        why: None,
        command: None,
        hint: None,
    };
    judged(row, known, stored, look.as_ref(), now)
}

/// Fills in the state, and what to do about it.
fn judged(
    row: StatusRow,
    known: &KnownCredential,
    stored: Result<Option<StoredToken>, StoreError>,
    look: Option<&TokenMetadata>,
    now: Epoch,
) -> StatusRow {
    let command = known.command();
    let stored = match (stored, &known.setup) {
        (_, SetupStatus::Partial(error)) => {
            let (why, hint) = (Some(error.to_string()), Some(error.hint()));
            return StatusRow { state: CredentialState::Incomplete, why, hint, ..row };
        }
        (Err(error), _) => {
            let error = Error::from(VaultError::Store(error));
            let (why, hint) = (Some(error.to_string()), Some(error.hint(&command)));
            return StatusRow { state: CredentialState::Unreadable, why, hint, ..row };
        }
        (Ok(stored), _) => stored,
    };
    let freshness = stored.map(|stored| stored.token.freshness(now));
    let state = match (freshness, known.credential()) {
        (Some(Freshness::Fresh), _) => return row,
        (Some(Freshness::Due), _) => CredentialState::Due,
        (Some(Freshness::Expired), Some(_)) if !row.renewable => CredentialState::NeedsLogin,
        (Some(Freshness::Expired), _) => CredentialState::Expired,
        (None, Some(Credential { how: GrantConfig::AuthorizationCode(_), .. })) => {
            CredentialState::NeedsLogin
        }
        (None, _) => CredentialState::Missing,
    };
    let why = match (freshness, look.map(|look| look.storage), known.credential()) {
        (None, Some(Storage::Keyring), _) => Some("the keyring does not give its secrets".to_owned()),
        (None, Some(Storage::File), Some(_)) => Some("the file there has another client's token".into()),
        (_, _, None) => Some("nothing that is configured renews it".into()),
        _ => None,
    };
    match known.credential() {
        Some(_) => StatusRow { state, why, command: Some(command), ..row },
        None => {
            let forget = format!("mcpauth logout {}", known.handle());
            let hint = format!("configure it (mcpauth configure), or forget it: {forget}");
            StatusRow { state, why, command: Some(forget), hint: Some(hint), ..row }
        }
    }
}

fn renewable(credential: &Credential, stored: &Result<Option<StoredToken>, StoreError>) -> bool {
    match &credential.how {
        GrantConfig::ClientCredentials(_) => true,
        GrantConfig::AuthorizationCode(_) => stored
            .as_ref()
            .is_ok_and(|stored| stored.as_ref().is_some_and(|stored| stored.token.refresh_token.is_some())),
    }
}

fn source(known: &KnownCredential) -> String {
    match (&known.setup, known.set) {
        (SetupStatus::FileOnly, _) => "file only".into(),
        (_, Some(set)) => format!("set {set}"),
        (_, None) => "settings".into(),
    }
}

fn to_json(row: &StatusRow, now: Epoch) -> Value {
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
