//! The service's log: one line per event, for people or as JSON, never with a token. Not here: what happened (see
//! `service`).

use std::time::Duration;

use tracing::{info, warn};
use url::Url;

use super::plan::{Epoch, Lifetime};
use super::schedule::{AttemptOutcome as Meaning, Next};
use crate::credential::Credential;
use crate::error::{Error, Exit};
use crate::flow::Ui;
use crate::sys::clock;
use crate::vault::{IssuedToken, TokenOutcome};

/// The user interface when no user is there: what flows have to say is an event.
pub(crate) struct UnattendedUi;

/// A renewal that got an answer.
pub(crate) fn answered(name: &str, fresh: &IssuedToken, next: Next, now: Epoch) {
    let what = match fresh.outcome {
        TokenOutcome::Reused => "reused",
        TokenOutcome::Unchanged => "unchanged",
        TokenOutcome::Refreshed | TokenOutcome::Obtained | TokenOutcome::LoggedIn | TokenOutcome::Entered => {
            "refreshed"
        }
    };
    let about = match fresh.outcome {
        TokenOutcome::Reused => "another process renewed it; it ",
        TokenOutcome::Unchanged => "the new one expires no later; it ",
        _ => "",
    };
    let end = fresh.stored.token.expires_at;
    let text = format!("{name}: {about}{}{}", expires(end, now), then(next.at, now));
    info!(
        event = what,
        credential = name,
        expires_at = end.map(clock::rfc3339),
        next_at = next.at.map(clock::rfc3339),
        path = %fresh.path.display(),
        "{text}"
    );
}

/// A failed renewal. One that needs a login is reported once.
pub(crate) fn failed(
    name: &str,
    credential: &Credential,
    error: &Error,
    meaning: Meaning,
    (life, next): (Option<Lifetime>, Next),
    now: Epoch,
) {
    let what = match meaning {
        Meaning::NeedsPerson => "login_needed",
        Meaning::Refused if error.exit() == Exit::Login => "refused",
        Meaning::Refused | Meaning::Failed | Meaning::Answered => "failed",
    };
    let final_ = matches!(meaning, Meaning::NeedsPerson | Meaning::Refused);
    if final_ && !next.notify {
        return;
    }
    let present = match life {
        Some(life) if life.is_good(now) => {
            format!("; the present token {}", expires(life.expires_at, now))
        }
        _ => "; there is no valid token".into(),
    };
    let hint = error.hint(&credential.command);
    let advice = if final_ { format!("; {hint}") } else { then(next.at, now) };
    warn!(
        event = what,
        credential = name,
        expires_at = life.and_then(|life| life.expires_at).map(clock::rfc3339),
        next_at = next.at.map(clock::rfc3339),
        code = error.code(),
        hint,
        command = credential.command,
        "{name}: {error}{present}{advice}"
    );
}

/// When a credential is due.
pub(crate) fn due(name: &str, life: Option<Lifetime>, at: Epoch, now: Epoch) {
    info!(
        event = "due",
        credential = name,
        expires_at = life.and_then(|life| life.expires_at).map(clock::rfc3339),
        next_at = clock::rfc3339(at),
        "{name}: {}",
        when(at, now)
    );
}

impl Ui for UnattendedUi {
    fn authorize(&self, _: &str, _: &Url, _: Option<&str>, _: Duration) {}

    fn remaining(&self, _: &str, _: Duration) {}

    fn note(&self, who: &str, text: &str) {
        info!(event = "note", "{who}: {text}");
    }

    fn can_paste(&self) -> bool {
        false
    }
}

/// A time for programs and for people: `2026-11-24T08:30:00Z (in 54m)`.
fn when(at: Epoch, now: Epoch) -> String {
    format!("{} ({})", clock::rfc3339(at), clock::relative(at, now))
}

fn then(at: Option<Epoch>, now: Epoch) -> String {
    at.map(|at| format!("; next attempt {}", when(at, now))).unwrap_or_default()
}

fn expires(end: Option<Epoch>, now: Epoch) -> String {
    end.map_or_else(|| "does not expire".into(), |end| format!("expires {}", clock::relative(end, now)))
}
