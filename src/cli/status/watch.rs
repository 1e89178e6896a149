//! `mcpauth status --watch`: on a terminal the table, drawn again when it changes and while time runs down; elsewhere a line
//! for each change. Not here: the states (see `status`); how lines are drawn in place (see `out`).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::snapshot::{StatusReport, service_json, service_line, to_json};
use crate::cli::flows::complete;
use crate::cli::given::Given;
use crate::cli::out::{Out, Screen};
use crate::credential::StoreScope;
use crate::error::{Error, Exit};
use crate::oauth::Epoch;
use crate::status::{Row, State};
use crate::store::Storage;
use crate::sys::{clock, terminal};

/// The usual time between two looks at the files, in milliseconds: a countdown shows seconds.
const INTERVAL: u64 = 1_000;
/// The shortest time between two looks, in milliseconds.
const SHORTEST: u64 = 10;

pub(super) fn run(interval: Option<u64>, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let pause = Duration::from_millis(interval.unwrap_or(INTERVAL).max(SHORTEST));
    complete(out, watch(pause, given, out))
}

/// Shows every change until stdout has no reader any more.
async fn watch(pause: Duration, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let mut view = View::of(out);
    let mut overview = StatusReport::read(given, out)?;
    // What the first look had to say about the settings is not repeated.
    let silent = out.muted();
    let mut said = None;
    while out.is_read() {
        view.show(&overview, out);
        tokio::time::sleep(pause).await;
        match StatusReport::read(given, &silent) {
            Ok(next) => (overview, said) = (next, None),
            // A settings file that is being edited: the last state stays until it can be read again.
            Err(error) => {
                let text = error.to_string();
                if said.as_ref() != Some(&text) {
                    out.error(&error, "mcpauth status");
                    view.leave();
                    said = Some(text);
                }
            }
        }
    }
    Ok(Exit::Done)
}

/// Where changes are shown.
enum View {
    Terminal(Screen),
    Lines(Box<Seen>),
}

impl View {
    fn of(out: &Out) -> Self {
        if terminal::stdout_is_rich() && !out.json {
            Self::Terminal(Screen::default())
        } else {
            Self::Lines(Box::default())
        }
    }

    fn show(&mut self, overview: &StatusReport, out: &Out) {
        match self {
            Self::Terminal(screen) => {
                let mut lines = Vec::new();
                if overview.rows.is_empty() {
                    lines.extend(out.fold(&overview.nothing(out)).lines().map(str::to_owned));
                }
                lines.extend(overview.lines(out));
                screen.draw(lines, out);
            }
            Self::Lines(seen) => seen.show(overview, out),
        }
    }

    fn leave(&mut self) {
        if let Self::Terminal(screen) = self {
            screen.leave();
        }
    }
}

/// A credential, by what tells it from the others.
type Key = (&'static str, String, bool);

/// What was said last about each credential and the service.
#[derive(Default)]
struct Seen {
    credentials: BTreeMap<Key, Facts>,
    service: Option<String>,
}

/// What has to differ for a change.
#[derive(Clone, PartialEq, Eq)]
struct Facts {
    state: State,
    expires_at: Option<Epoch>,
    source: String,
    storage: Option<&'static str>,
    why: Option<String>,
}

fn key(row: &Row) -> Key {
    (row.kind, row.name.clone(), row.scope == StoreScope::User)
}

fn facts(row: &Row) -> Facts {
    Facts {
        state: row.state,
        expires_at: row.expires_at,
        source: row.source.clone(),
        storage: row.storage.map(Storage::word),
        why: row.why.clone(),
    }
}

impl Seen {
    fn show(&mut self, overview: &StatusReport, out: &Out) {
        let time = clock::rfc3339(overview.now);
        let mut before = std::mem::take(&mut self.credentials);
        for row in &overview.rows {
            let (key, facts) = (key(row), facts(row));
            if before.remove(&key).as_ref() != Some(&facts) {
                say(&time, &text(row, overview.now), ("credential", to_json(row, overview.now)), out);
            }
            self.credentials.insert(key, facts);
        }
        for (kind, name, is_own) in before.into_keys() {
            let store = if is_own { "user" } else { "project" };
            let gone = json!({"kind": kind, "name": name, "status": "removed", "store": store});
            say(&time, &format!("{name}: removed"), ("credential", gone), out);
        }
        let service = service_line(overview.service.as_ref());
        if self.service.as_ref() != Some(&service) {
            say(&time, &service, ("refresh_service", service_json(overview.service.as_ref())), out);
            self.service = Some(service);
        }
    }
}

/// One change.
fn say(time: &str, text: &str, (member, object): (&str, Value), out: &Out) {
    if out.json {
        out.json_line(&json!({"version": 1, "time": time, member: object}));
    } else {
        out.result(&format!("{time} {text}"));
    }
}

/// A credential's state in one line, with what to do about it.
fn text(row: &Row, now: Epoch) -> String {
    let state = row.state.word().replace('_', " ");
    let end = match row.expires_at {
        Some(end) if end > now => format!(", expires {}", clock::relative(end, now)),
        Some(end) => format!(", expired {}", clock::relative(end, now)),
        None => String::new(),
    };
    let why = row.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    let remedy = row.hint.as_ref().or(row.command.as_ref());
    let remedy = remedy.map(|remedy| format!(" -> {remedy}")).unwrap_or_default();
    format!("{}: {state}{end}{why}{remedy}", row.name)
}
