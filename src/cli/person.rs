//! The person's side of a login: the address, the countdown, the hint for another machine. It leaves the login itself to `flow`.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use url::Url;

use crate::cli::out::{Line, Out};
use crate::flow::Ui;
use crate::sys::{env, terminal};

/// Talks to whoever is there.
pub(super) struct Person {
    out: Out,
    /// The login's line; one at a time, since logins take turns.
    line: Mutex<Option<Line>>,
}

impl Person {
    pub(super) fn new(out: &Out) -> Self {
        Self { out: out.clone(), line: Mutex::new(None) }
    }

    fn with_line(&self, with: impl FnOnce(&mut Option<Line>)) {
        with(&mut self.line.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Ui for Person {
    fn authorize(&self, who: &str, url: &Url, listening: Option<&str>, within: Duration) {
        // On a line of its own and unbroken, so that a double click or a pipe takes it whole.
        self.out.must_say(&format!("{who}: log in within {} s at\n{url}", within.as_secs()));
        if let Some(port) = listening.and_then(|uri| Url::parse(uri).ok()).and_then(|uri| uri.port())
            && env::get("SSH_CONNECTION").is_some()
        {
            self.out.say(&format!(
                "  browser on another machine? there: ssh -L {port}:127.0.0.1:{port} THIS-MACHINE"
            ));
        }
        if self.can_paste() {
            self.out.say("  or paste here the address your browser ends on");
        }
        self.with_line(|line| *line = Some(self.out.line(&format!("{who} (browser)"))));
    }

    fn remaining(&self, _who: &str, left: Duration) {
        self.with_line(|line| {
            if let Some(line) = line {
                line.doing(&format!("waiting for you, {} s left", left.as_secs()));
            }
        });
    }

    fn note(&self, who: &str, text: &str) {
        self.out.say(&format!("{who}: {text}"));
    }

    fn can_paste(&self) -> bool {
        terminal::interactive()
    }
}
