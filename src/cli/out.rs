//! The only stdout and stderr: data on the one, everything else on the other, colours and bars on a terminal alone. What
//! others wrote may be in every text: no character leaves here that does not simply show. It leaves what is said to the
//! verbs.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;
use tracing::Level;
use tracing::dispatcher::set_global_default;
use tracing::level_filters::LevelFilter;

use crate::cli::args::{ColorArg, Global};
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::log::{self, LoggedEvent};
use crate::notice::Notices;
use crate::sys::{clock, env, terminal};
use crate::text::{visible, visible_json};

/// A terminal is at least this wide, in columns.
pub(super) const WIDTH: usize = 80;

/// Stands for the escape of a colour of ours until a text leaves: nobody who wrote a part of it can know this word.
static ESCAPE: LazyLock<String> = LazyLock::new(|| {
    let random = RandomState::new().hash_one(());
    let letter = |byte: u8| char::from_u32(0xe000 + u32::from(byte)).unwrap_or_default();
    random.to_ne_bytes().map(letter).into_iter().collect()
});

/// How this run talks, and what it waits for at its end.
#[derive(Clone, Debug)]
pub(super) struct Out {
    pub(super) json: bool,
    quiet: bool,
    /// Nothing at all, for a run inside a run whose login pages a program answers.
    mute: bool,
    verbose: u8,
    color: (bool, bool),
    bars: MultiProgress,
    /// The bars of the flows under way, by name.
    lines: Arc<Mutex<BTreeMap<String, ProgressBar>>>,
    /// What the run does not end without.
    pub(super) tasks: TaskTracker,
    /// What this run was told of where its settings and tokens are; the commands that it names need the same.
    again: Arc<[String]>,
    /// Why some of the data did not leave.
    lost: Arc<OnceLock<std::io::Error>>,
}

/// One flow's line on a terminal; a plain line elsewhere.
pub(super) struct ProgressLine {
    out: Out,
    name: String,
    bar: Option<ProgressBar>,
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineMark {
    Good,
    Bad,
}

impl Out {
    pub(super) fn new(global: &Global) -> Self {
        let plain = env::get("NO_COLOR").is_some();
        let color = |rich: bool| match global.color {
            ColorArg::Always => true,
            ColorArg::Never => false,
            ColorArg::Auto => rich && !plain,
        };
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        if terminal::stderr_is_rich() && !global.quiet {
            bars.set_draw_target(ProgressDrawTarget::stderr());
        }
        Self {
            json: global.json,
            quiet: global.quiet,
            mute: false,
            verbose: global.verbose,
            color: (color(terminal::stdout_is_rich()), color(terminal::stderr_is_rich())),
            bars,
            lines: Arc::default(),
            tasks: TaskTracker::new(),
            again: global.again().into(),
            lost: Arc::default(),
        }
    }

    /// The same, saying nothing: for a run inside a run whose login pages a program answers.
    pub(super) fn muted(&self) -> Self {
        Self {
            quiet: true,
            mute: true,
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
            ..self.clone()
        }
    }

    /// This run, for the work below.
    pub(super) fn context(&self) -> Context {
        Context { notices: Arc::new(self.clone()), ui: Arc::new(self.clone()), exchanges: self.tasks.clone() }
    }

    /// Data, on stdout.
    pub(super) fn data(&self, text: &str) {
        self.sent(self.bars.suspend(|| write(&mut std::io::stdout().lock(), text)));
    }

    /// Ready lines, on stdout, as they are.
    pub(super) fn lines(&self, lines: &[u8]) {
        let mut stdout = std::io::stdout().lock();
        self.sent(stdout.write_all(lines).and_then(|()| stdout.flush()));
    }

    /// Remembers the first failure to write data. A closed pipe (`| head`) is none: its reader has had enough.
    fn sent(&self, result: std::io::Result<()>) {
        if let Err(error) = result
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            let _ = self.lost.set(error);
        }
    }

    /// How a run ends that has come to `exit`: what was asked for is not done if some of it was lost on its way out.
    pub(super) fn ended(&self, exit: Exit) -> Exit {
        let Some(lost) = self.lost.get() else { return exit };
        let error = Error::Lost { cause: lost.to_string() };
        self.error(&error, "mcpauth");
        if exit == Exit::Done { error.exit() } else { exit }
    }

    /// A JSON object, on stdout.
    pub(super) fn object(&self, value: &Value) {
        self.data(&visible_json(&serde_json::to_string_pretty(value).unwrap_or_default()));
    }

    /// A result for people on stdout; nothing where a JSON object will say it.
    pub(super) fn result(&self, text: &str) {
        if !self.json && !self.quiet {
            self.data(text);
        }
    }

    /// A row of a summary: a coloured word, what it is about, and a path, which gets a line of its own where a terminal
    /// is too narrow for both.
    pub(super) fn row(&self, (code, word): (&str, &str), text: &str, path: &str) {
        let long = terminal::stdout_width().is_some_and(|width| {
            word.chars().count() + text.chars().count() + path.chars().count() + 3 > width
        });
        let between = if long { "\n        " } else { "  " };
        self.result(&format!("{} {text}{between}{path}", self.paint(code, word)));
    }

    /// A line of progress or advice, on stderr.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            self.bars.suspend(|| mention(text));
        }
    }

    /// From here on this run's events are shown: a line each with its time, JSON where that was asked for, and with `-v`
    /// the details.
    pub(super) fn listen(&self) {
        let level = match self.verbose {
            _ if self.quiet => LevelFilter::WARN,
            0 => LevelFilter::INFO,
            1 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        };
        let out = self.clone();
        // A second run in one process, as tests have them, leaves the first one's.
        let _ = set_global_default(log::listen(level, move |said| out.show(said)));
    }

    fn show(&self, said: LoggedEvent) {
        let LoggedEvent { level, what, text, more } = said;
        if level > Level::INFO {
            return self.say(&format!("  {text}"));
        }
        let time = clock::rfc3339(clock::now());
        let warning = level < Level::INFO;
        let level = if warning { "warn" } else { "info" };
        let line = if self.json {
            let mut object = json!({"time": time, "level": level, "event": what, "message": text});
            if let Some(object) = object.as_object_mut() {
                object.extend(more);
            }
            visible_json(&object.to_string())
        } else {
            let level = if warning { self.paint_err("33", level) } else { level.into() };
            format!("{time} {level} {what}: {text}")
        };
        if warning { self.must_say(&line) } else { self.say(&line) }
    }

    /// Something a person must see even with `--quiet`, such as the address of a login page.
    pub(super) fn must_say(&self, text: &str) {
        if self.mute {
            return;
        }
        self.bars.suspend(|| mention(text));
    }

    /// Every flow has ended: the bars stay where they are, and what is said next comes below them.
    pub(super) fn settle(&self) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.bars.is_hidden() && !lines.is_empty() {
            self.bars.set_draw_target(ProgressDrawTarget::hidden());
            mention("");
        }
        lines.clear();
    }

    /// A signal ended the run: no bar stays behind. To programs the exit code says it.
    pub(super) fn interrupted(&self) {
        for bar in self.lines.lock().unwrap_or_else(PoisonError::into_inner).values() {
            bar.finish_and_clear();
        }
        if !self.json {
            self.must_say("interrupted");
        }
    }

    /// An error with its remedy, on stderr.
    pub(super) fn error(&self, error: &Error, command: &str) {
        let hint = self.advice(&error.hint(command));
        if self.json {
            return self.must_say(&error_object(error.code(), &error.to_string(), &hint));
        }
        let word = self.paint_err("31", "error:");
        let (text, hint) = match terminal::stderr_is_rich() {
            true => (wrapped(&error.to_string(), 7), wrapped(&hint, 5)),
            false => (error.to_string(), hint),
        };
        self.must_say(&format!("{word} {text}\n  -> {hint}"));
    }

    /// A hint whose commands find what this run found.
    pub(super) fn advice(&self, hint: &str) -> String {
        let lacking: Vec<&str> =
            self.again.iter().map(String::as_str).filter(|flag| !has_flag(hint, flag)).collect();
        if lacking.is_empty() {
            return hint.into();
        }
        let flags = lacking.join(" ");
        let mut parts = hint.split("mcpauth ");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let is_command = part.starts_with(|c: char| c.is_ascii_lowercase());
            text.push_str("mcpauth ");
            text.push_str(&if is_command { format!("{flags} {part}") } else { part.to_owned() });
        }
        text
    }

    /// `text` in a colour of stdout.
    pub(super) fn paint(&self, code: &str, text: &str) -> String {
        paint(self.color.0, code, text)
    }

    fn paint_err(&self, code: &str, text: &str) -> String {
        paint(self.color.1, code, text)
    }

    /// What the flow of this name is doing.
    pub(super) fn doing(&self, name: &str, text: String) {
        if let Some(bar) = self.lines.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            bar.set_message(fit(&text));
        }
    }

    /// Begins a flow's line.
    pub(super) fn line(&self, name: &str) -> ProgressLine {
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

impl Notices for Out {
    fn say(&self, text: &str) {
        Self::say(self, text);
    }

    fn must_say(&self, text: &str) {
        Self::must_say(self, text);
    }
}

impl ProgressLine {
    /// How the flow ended: in a few words on a terminal, where the summary follows, in full elsewhere.
    pub(super) fn end(&self, mark: LineMark, brief: &str, full: &str) {
        let (sign, code) = match mark {
            LineMark::Good => ("✓", "32"),
            LineMark::Bad => ("✗", "31"),
        };
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

/// Clap's own data, help and version, before there is an [`Out`]; the exit code. A closed pipe ends it quietly.
pub(super) fn help(said: &clap::Error) -> Exit {
    match said.print() {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            let error = Error::Lost { cause: error.to_string() };
            mention(&format!("error: {error}\n  -> {}", error.hint("mcpauth --help")));
            error.exit()
        }
        _ => Exit::Done,
    }
}

/// Clap's complaint, before there is an [`Out`]: its first line says what is wrong, and it knows where the help is.
pub(super) fn usage_error(said: &clap::builder::StyledStr, json: bool) {
    let text = said.to_string();
    if !json {
        // What was typed is repeated in it, and may be somebody else's.
        return mention(text.trim_end());
    }
    let (message, _) = text.split_once("\n\nUsage:").unwrap_or((&text, ""));
    let message = message.trim().trim_start_matches("error: ");
    let object = error_object("configuration", message, "see what there is with: mcpauth --help");
    mention(&object);
}

fn error_object(code: &str, message: &str, hint: &str) -> String {
    visible_json(&json!({"error": {"code": code, "message": message, "hint": hint}}).to_string())
}

/// Whether a hint names this flag itself.
fn has_flag(hint: &str, flag: &str) -> bool {
    let name = flag.split(' ').next().unwrap_or_default();
    hint.split([' ', ',', ')', ':']).any(|word| word == name)
}

fn paint(on: bool, code: &str, text: &str) -> String {
    let escape = ESCAPE.as_str();
    if on { format!("{escape}[{code}m{text}{escape}[0m") } else { text.into() }
}

/// A text as it leaves: our own colours, and of everything else only what shows.
fn fit(text: &str) -> String {
    visible(text).replace(ESCAPE.as_str(), "\u{1b}")
}

fn write(to: &mut dyn Write, text: &str) -> std::io::Result<()> {
    writeln!(to, "{}", fit(text))?;
    to.flush()
}

/// A line on stderr. There is nowhere to say that it was lost.
fn mention(text: &str) {
    let _ = write(&mut std::io::stderr().lock(), text);
}

/// The text in lines that fit, all but the first `indent` columns in. A word that is longer than a line stays whole: it
/// is a path or an address, to be copied.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut column = indent;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > indent && column + 1 + length > WIDTH {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > indent {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_colours_leave_and_nobody_elses() {
        let text = format!("{} a\tb\n\u{1b}[31mc\u{9b}2J\u{202e}\u{2028}", paint(true, "31", "x\u{1b}[0m"));
        assert_eq!(
            fit(&text),
            "\u{1b}[31mx\\u{1b}[0m\u{1b}[0m a\tb\n\\u{1b}[31mc\\u{9b}2J\\u{202e}\\u{2028}"
        );
        assert_eq!(paint(false, "31", "x"), "x");
        let error = error_object("c", "m\u{7f}\u{9b}", "h\u{2066}");
        assert_eq!(error, r#"{"error":{"code":"c","message":"m\u007f\u009b","hint":"h\u2066"}}"#);
    }
}
