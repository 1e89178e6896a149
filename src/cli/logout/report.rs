//! What `mcpauth logout` came to: lines for people, the object for programs, the exit code for the shell.

use serde_json::{Value, json};

use crate::cli::logout::Row;
use crate::cli::out::Out;
use crate::error::{Error, Exit, flow_exit};
use crate::flow::Revoked;
use crate::sys::clock;
use crate::vault::{Ended, Forgotten};

/// What rewrites the copies in client configurations.
const REWRITE: &str = "mcpauth config install";

/// Prints everything and gives the exit code.
pub(super) fn report(rows: &[Row<'_>], revoke: bool, out: &Out) -> Exit {
    let exits: Vec<Exit> = rows.iter().map(|row| exit(&row.result)).collect();
    let exit = match exits.as_slice() {
        [] => Exit::Done,
        [first, others @ ..] if others.iter().all(|other| other == first) => *first,
        _ => Exit::Partial,
    };
    if out.json {
        let results: Vec<Value> = rows.iter().map(object).collect();
        out.object(
            &json!({"version": 1, "ok": exit == Exit::Done, "exit_code": exit as u8, "results": results}),
        );
        return exit;
    }
    if rows.is_empty() {
        out.say("nothing is kept");
    }
    rows.iter().for_each(|row| line(row, out));
    let told =
        |row: &Row<'_>| matches!(&row.result, Ok(Forgotten { found: true, ended: Ended::NotAsked, .. }));
    if !revoke && rows.iter().any(told) {
        out.say("the servers were not told, and tokens that left this machine stay good; --revoke takes them back");
    }
    let mut copies: Vec<String> =
        rows.iter().flat_map(|row| &row.copies).map(|path| path.display().to_string()).collect();
    copies.sort();
    copies.dedup();
    if !copies.is_empty() {
        out.say(&format!("copies of the tokens are still in {}", copies.join(", ")));
    }
    if rows.iter().any(|row| matches!(&row.result, Ok(Forgotten { found: true, .. }))) {
        out.say(&format!("client configurations that have the tokens in them are rewritten by: {REWRITE}"));
    }
    exit
}

fn exit(result: &Result<Forgotten, Error>) -> Exit {
    match result {
        Err(error) => error.exit(),
        // The file is gone; how the server failed says whether it is worth to ask again.
        Ok(Forgotten { ended: Ended::Asked(Err(error)), .. }) => flow_exit(error),
        Ok(Forgotten { ended: Ended::Asked(Ok(Revoked::Unsupported)) | Ended::Stranger, .. }) => {
            Exit::Partial
        }
        Ok(_) => Exit::Done,
    }
}

fn line(row: &Row<'_>, out: &Out) {
    let name = &row.known.name;
    match &row.result {
        Err(error) => {
            let word = out.paint("31", "failed ");
            out.result(&format!("{word} {name:28} {error}\n        -> {}", error.hint(&row.known.command())));
        }
        Ok(forgotten) if !forgotten.found => {
            out.result(&format!("{} {name:28} nothing is kept", out.paint("33", "nothing")));
        }
        Ok(forgotten) => {
            let done = exit(&row.result) == Exit::Done;
            let word = out.paint(if done { "32" } else { "33" }, "removed");
            out.result(&format!("{word} {name:28} {}", said(forgotten)));
            if let (Ended::Asked(Ok(Revoked::Unsupported)), Some(credential)) =
                (&forgotten.ended, row.known.credential())
            {
                let about = &credential.id.name;
                out.result(&format!(
                    "        -> end it in the account's settings: mcpauth providers show {about}"
                ));
            }
        }
    }
}

fn said(forgotten: &Forgotten) -> String {
    let good = match forgotten.expires_at {
        Some(end) => {
            format!("the access token stays good until its end, {}", clock::relative(end, clock::now()))
        }
        None => "the access token stays good".to_owned(),
    };
    match &forgotten.ended {
        Ended::NotAsked => "from this machine".into(),
        Ended::Already => "it had ended".into(),
        Ended::Stranger => format!("not revoked, for its client is not configured; {good}"),
        Ended::Asked(Ok(Revoked::Whole)) => "and revoked".into(),
        Ended::Asked(Ok(Revoked::ButAccess)) => format!("and its grant revoked; {good}"),
        Ended::Asked(Ok(Revoked::Unsupported)) => format!("its server cannot revoke it; {good}"),
        Ended::Asked(Err(error)) => format!("not revoked ({error}); {good}"),
    }
}

fn object(row: &Row<'_>) -> Value {
    let mut object = json!({"kind": row.known.kind.name(), "name": row.known.name, "path": row.path});
    let more = match &row.result {
        Err(error) => json!({
            "status": "failed",
            "code": error.code(),
            "exit_code": error.exit() as u8,
            "message": error.to_string(),
            "hint": error.hint(&row.known.command()),
        }),
        Ok(forgotten) => json!({
            "status": if forgotten.found { "removed" } else { "nothing" },
            "revocation": word(&forgotten.ended),
            "exit_code": exit(&row.result) as u8,
            "message": said(forgotten),
            "expires_at": forgotten.expires_at,
            "copies": row.copies,
        }),
    };
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}

fn word(ended: &Ended) -> &'static str {
    match ended {
        Ended::NotAsked => "not_asked",
        Ended::Already => "already_ended",
        Ended::Stranger => "not_configured",
        Ended::Asked(Ok(Revoked::Whole)) => "revoked",
        Ended::Asked(Ok(Revoked::ButAccess)) => "grant_revoked",
        Ended::Asked(Ok(Revoked::Unsupported)) => "unsupported",
        Ended::Asked(Err(_)) => "failed",
    }
}
