//! The bars of running flows: one line each on a terminal, plain lines elsewhere, and below them what a person types. Not here:
//! everything else that is printed (see `out`).

use std::sync::PoisonError;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::out::text::{WIDTH, fit};
use crate::cli::out::{Mark, Out, mention};
use crate::sys::terminal;

/// One flow's line: a bar on a terminal, a plain line elsewhere.
pub(in crate::cli) struct ProgressLine {
    out: Out,
    name: String,
    bar: Option<ProgressBar>,
}

impl Out {
    /// Every flow has ended. Where the summary comes on the same terminal the bars give way to it; elsewhere they stay where
    /// they are, and what is said next comes below them.
    pub(in crate::cli) fn settle(&self) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.bars.is_hidden() && !lines.is_empty() {
            if terminal::stdout_is_rich() && !self.json {
                // Nothing is lost where this fails but a clean screen.
                let _ = self.bars.clear();
                self.bars.set_draw_target(ProgressDrawTarget::hidden());
            } else {
                self.bars.set_draw_target(ProgressDrawTarget::hidden());
                mention("");
            }
        }
        lines.clear();
    }

    /// A signal ended the run: no bar stays. Programs see the exit code.
    pub(in crate::cli) fn interrupted(&self) {
        let _ = self.bars.clear();
        self.bars.set_draw_target(ProgressDrawTarget::hidden());
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clear();
        if !self.json {
            self.must_say("interrupted");
        }
    }

    /// What the flow with this name is doing.
    pub(in crate::cli) fn doing(&self, name: &str, text: String) {
        if let Some(bar) = self.lines.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            bar.set_message(fit(&text));
        }
    }

    /// Whether lines are redrawn, and with them the place where the terminal would echo what is typed.
    pub(in crate::cli) fn draws(&self) -> bool {
        !self.bars.is_hidden()
    }

    /// What a person types, below the bars: its end, where a line is too short for all of it. Nothing takes the line away.
    pub(in crate::cli) fn show_typed(&self, text: &str) {
        let mut bar = self.typed.lock().unwrap_or_else(PoisonError::into_inner);
        if text.is_empty() {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
                self.bars.remove(&bar);
            }
            return;
        }
        let bar = bar.get_or_insert_with(|| {
            let bar = self.bars.add(ProgressBar::new_spinner());
            let style = ProgressStyle::with_template("> {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        });
        let room = terminal::stderr_width().unwrap_or(WIDTH).saturating_sub(3);
        let length = text.chars().count();
        bar.set_message(fit(&text.chars().skip(length.saturating_sub(room)).collect::<String>()));
    }

    /// Starts a flow's line.
    pub(in crate::cli) fn line(&self, name: &str) -> ProgressLine {
        let bar = (!self.bars.is_hidden()).then(|| {
            let bar = self.bars.add(ProgressBar::new_spinner());
            let style = ProgressStyle::with_template("{spinner} {prefix:32!} {msg}  {elapsed}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_prefix(fit(name));
            bar.enable_steady_tick(Duration::from_millis(120));
            self.lines.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), bar.clone());
            bar
        });
        ProgressLine { out: self.clone(), name: name.into(), bar }
    }
}

impl ProgressLine {
    /// How the flow ended: briefly on a terminal, where the summary follows, in full elsewhere.
    pub(in crate::cli) fn end(&self, mark: Mark, brief: &str, full: &str) {
        let (code, sign) = mark.sign();
        match &self.bar {
            Some(bar) => {
                let style = ProgressStyle::with_template("{prefix} {msg}  {elapsed}");
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
                bar.set_prefix(fit(&format!("{} {:32}", self.out.paint_err(code, sign), self.name)));
                bar.finish_with_message(fit(brief));
            }
            None => self.out.say(&format!("{}: {full}", self.name)),
        }
    }
}
