//! The result of `mcpauth logout`: lines for people, an object for programs, the exit code for the shell. Not here:
//! removing and revoking (see `logout` and what is below it).

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cli::out::{Out, extend};
use crate::clients::ConfigRow;
use crate::credential::{Credential, GrantConfig};
use crate::error::{Error, Exit, flow_exit};
use crate::flow::RevocationExtent;
use crate::servers::credentials::KnownCredential;
use crate::store::StoreError;
use crate::sys::clock;
use crate::vault::{Logout, RevocationOutcome, VaultError};

/// The result for one credential.
pub(super) struct LogoutRow<'k> {
    pub(super) known: &'k KnownCredential,
    pub(super) path: Option<PathBuf>,
    pub(super) result: Result<Logout, Error>,
}

/// The command that rewrites the copies in client configurations.
const REWRITE: &str = "mcpauth config install";

/// Prints everything and returns the exit code.
pub(super) fn report(
    rows: &[LogoutRow<'_>],
    copies: &[PathBuf],
    configs: Result<Vec<ConfigRow>, Error>,
    out: &Out,
) -> Exit {
    let exit = Exit::of_all(rows.iter().map(|row| exit(&row.result)));
    if out.json {
        let results: Vec<Value> = rows.iter().map(|row| to_json(row, out)).collect();
        out.object(&json!({
            "version": 1, "ok": exit == Exit::Done, "exit_code": exit as u8, "results": results, "copies": copies,
        }));
        return exit;
    }
    if rows.is_empty() {
        out.say("nothing is stored");
    }
    rows.iter().for_each(|row| line(row, out));
    let told = |row: &LogoutRow<'_>| {
        matches!(&row.result, Ok(Logout { found: true, ended: RevocationOutcome::NotAsked, .. }))
    };
    if rows.iter().any(told) {
        out.say(
            "nothing was revoked: a copy of a token stays valid until it expires (--revoke revokes it first)",
        );
    }
    if !copies.is_empty() {
        let paths: Vec<String> = copies.iter().map(|path| path.display().to_string()).collect();
        out.say(&format!("there are copies of the tokens in {}", paths.join(", ")));
    }
    rewritten(configs, out);
    exit
}

/// The configurations that contained the tokens.
fn rewritten(configs: Result<Vec<ConfigRow>, Error>, out: &Out) {
    let failed = |error: &Error, what: &str| {
        out.say(&format!("{what} may still have them: {error}; {}", error.hint(REWRITE)));
    };
    match configs {
        Err(error) => failed(&error, "client configurations"),
        Ok(rows) => rows.iter().for_each(|row| match &row.result {
            Ok(installed) if installed.changed => out.say(&format!("removed from {}", row.path)),
            Ok(_) => {}
            Err(error) => failed(error, &row.path),
        }),
    }
}

fn exit(result: &Result<Logout, Error>) -> Exit {
    match result {
        Err(error) => error.exit(),
        // The file is gone; the kind of failure tells whether it is worth trying again.
        Ok(Logout { ended: RevocationOutcome::Asked(Err(error)), .. }) => flow_exit(error),
        Ok(Logout {
            ended:
                RevocationOutcome::Asked(Ok(RevocationExtent::Unsupported)) | RevocationOutcome::UnknownClient,
            ..
        }) => Exit::Partial,
        Ok(_) => Exit::Done,
    }
}

fn line(row: &LogoutRow<'_>, out: &Out) {
    let name = &row.known.name;
    match &row.result {
        Err(error) => {
            let word = out.paint("31", "failed ");
            out.result(&format!("{word} {name:28} {error}\n        -> {}", out.advice(&remedy(row, error))));
        }
        Ok(forgotten) if !forgotten.found => {
            out.result(&format!("{} {name:28} nothing is stored", out.paint("33", "nothing")));
        }
        Ok(forgotten) => {
            let done = exit(&row.result) == Exit::Done;
            let word = out.paint(if done { "32" } else { "33" }, "removed");
            out.result(&format!("{word} {name:28} {}", describe(forgotten)));
            if let (RevocationOutcome::Asked(Ok(RevocationExtent::Unsupported)), Some(credential)) =
                (&forgotten.ended, row.known.credential())
            {
                // A server that was logged in to by its address has no provider to show.
                if let Some(about) = provider(credential) {
                    let text = format!("end it in the account's settings: mcpauth providers show {about}");
                    out.result(&format!("        -> {text}"));
                }
            }
        }
    }
}

/// The provider's name, if there is a provider file for it.
fn provider(credential: &Credential) -> Option<&str> {
    let is_listed =
        matches!(credential.how, GrantConfig::AuthorizationCode(_)) && !credential.is_registered();
    is_listed.then_some(credential.id.name.as_str())
}

fn remedy(row: &LogoutRow<'_>, error: &Error) -> String {
    match error {
        Error::Vault(VaultError::Store(StoreError::Keyring(_))) => {
            format!("unlock the keyring, then run: mcpauth logout {}", row.known.handle())
        }
        error => error.hint(&row.known.command()),
    }
}

fn describe(forgotten: &Logout) -> String {
    let good = match forgotten.expires_at {
        Some(end) => {
            format!("the access token stays valid until {}", clock::relative(end, clock::now()))
        }
        None => "the access token stays valid".to_owned(),
    };
    match &forgotten.ended {
        RevocationOutcome::NotAsked => "from this machine".into(),
        RevocationOutcome::AlreadyExpired => "it had expired".into(),
        RevocationOutcome::UnknownClient => format!("not revoked: its client is not configured; {good}"),
        RevocationOutcome::Asked(Ok(RevocationExtent::Whole)) => "and revoked".into(),
        RevocationOutcome::Asked(Ok(RevocationExtent::ButAccess)) => format!("and its grant revoked; {good}"),
        RevocationOutcome::Asked(Ok(RevocationExtent::Unsupported)) => {
            format!("its server cannot revoke it; {good}")
        }
        RevocationOutcome::Asked(Err(error)) => format!("not revoked ({error}); {good}"),
    }
}

fn to_json(row: &LogoutRow<'_>, out: &Out) -> Value {
    let mut object = json!({"kind": row.known.kind.name(), "name": row.known.name, "path": row.path});
    let more = match &row.result {
        Err(error) => json!({
            "status": "failed",
            "code": error.code(),
            "exit_code": error.exit() as u8,
            "message": error.to_string(),
            "hint": out.advice(&remedy(row, error)),
        }),
        Ok(forgotten) => json!({
            "status": if forgotten.found { "removed" } else { "nothing" },
            "revocation": word(&forgotten.ended),
            "exit_code": exit(&row.result) as u8,
            "message": describe(forgotten),
            "expires_at": forgotten.expires_at,
        }),
    };
    extend(&mut object, more);
    object
}

fn word(ended: &RevocationOutcome) -> &'static str {
    match ended {
        RevocationOutcome::NotAsked => "not_asked",
        RevocationOutcome::AlreadyExpired => "already_ended",
        RevocationOutcome::UnknownClient => "not_configured",
        RevocationOutcome::Asked(Ok(RevocationExtent::Whole)) => "revoked",
        RevocationOutcome::Asked(Ok(RevocationExtent::ButAccess)) => "grant_revoked",
        RevocationOutcome::Asked(Ok(RevocationExtent::Unsupported)) => "unsupported",
        RevocationOutcome::Asked(Err(_)) => "failed",
    }
}
