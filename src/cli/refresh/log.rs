//! What the service says: one line an event, for people or as JSON, and never a token. It leaves what happened to `service`.

use std::time::Duration;

use serde_json::{Map, Value, json};
use url::Url;

use crate::cli::out::Out;
use crate::credential::Credential;
use crate::error::{Error, Exit};
use crate::flow::Ui;
use crate::refresh::{Epoch, Life, Next, Outcome as Meaning};
use crate::sys::clock;
use crate::vault::{Fresh, Outcome};

/// The service's voice. It is a [`Ui`] that nobody can log in with.
#[derive(Clone)]
pub(super) struct Log(pub(super) Out);

impl Log {
    /// Something about the service as a whole.
    pub(super) fn info(&self, what: &str, text: &str) {
        self.0.event(false, what, text);
    }

    /// Something that should be seen to.
    pub(super) fn warn(&self, what: &str, text: &str) {
        self.0.event(true, what, text);
    }

    /// A renewal that had an answer.
    pub(super) fn answered(&self, name: &str, fresh: &Fresh, next: Next, now: Epoch) {
        let what = match fresh.outcome {
            Outcome::Reused => "reused",
            Outcome::Unchanged => "unchanged",
            Outcome::Refreshed | Outcome::Obtained | Outcome::LoggedIn => "refreshed",
        };
        let about = match fresh.outcome {
            Outcome::Reused => "somebody else renewed it; it ",
            Outcome::Unchanged => "what came ends no later; it ",
            _ => "",
        };
        let end = fresh.stored.token.expires_at;
        let text = format!("{name}: {about}{}{}", expires(end, now), then(next.at, now));
        let mut more = members(name, end, next.at);
        more.insert("path".into(), fresh.path.display().to_string().into());
        self.0.event_with(false, what, &text, more);
    }

    /// A renewal that failed. One that a person must see to is said once.
    pub(super) fn failed(
        &self,
        name: &str,
        credential: &Credential,
        error: &Error,
        meaning: Meaning,
        (life, next): (Option<Life>, Next),
        now: Epoch,
    ) {
        let what = match meaning {
            Meaning::NeedsPerson => "login_needed",
            Meaning::Refused if error.exit() == Exit::Login => "refused",
            Meaning::Refused | Meaning::Failed | Meaning::Answered => "failed",
        };
        let final_ = matches!(meaning, Meaning::NeedsPerson | Meaning::Refused);
        if final_ && !next.news {
            return;
        }
        let present = match life {
            Some(life) if life.is_good(now) => {
                format!("; the present token {}", expires(life.expires_at, now))
            }
            _ => "; there is no good token".into(),
        };
        let hint = error.hint(&credential.command);
        let advice = if final_ { format!("; {hint}") } else { then(next.at, now) };
        let mut more = members(name, life.and_then(|life| life.expires_at), next.at);
        more.insert("code".into(), error.code().into());
        more.insert("hint".into(), hint.into());
        more.insert("command".into(), credential.command.clone().into());
        self.0.event_with(true, what, &format!("{name}: {error}{present}{advice}"), more);
    }

    /// When a credential is due.
    pub(super) fn due(&self, name: &str, life: Option<Life>, at: Epoch, now: Epoch) {
        let text = format!("{name}: {}", when(at, now));
        self.0.event_with(
            false,
            "due",
            &text,
            members(name, life.and_then(|life| life.expires_at), Some(at)),
        );
    }
}

impl Ui for Log {
    fn authorize(&self, _: &str, _: &Url, _: Option<&str>, _: Duration) {}

    fn remaining(&self, _: &str, _: Duration) {}

    fn note(&self, who: &str, text: &str) {
        self.info("note", &format!("{who}: {text}"));
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

fn members(name: &str, expires_at: Option<Epoch>, next_at: Option<Epoch>) -> Map<String, Value> {
    Map::from_iter([
        ("credential".to_owned(), name.into()),
        ("expires_at".to_owned(), json!(expires_at.map(clock::rfc3339))),
        ("next_at".to_owned(), json!(next_at.map(clock::rfc3339))),
    ])
}
