//! The only stdout and stderr: data on stdout, everything else on stderr, colours and bars only on a terminal. Any
//! text may contain other people's input: no character gets out that is not printable.

mod progress;
mod screen;
mod text;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;
use tracing::Level;
use tracing::dispatcher::set_global_default;
use tracing::level_filters::LevelFilter;

use crate::cli::args::{ColorArg, Global};
pub(super) use crate::cli::out::screen::Screen;
pub(super) use crate::cli::out::text::{WIDTH, wrapped};
use crate::cli::out::text::{fit, folded, paint};
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::log::{self, LoggedEvent};
use crate::notice::Notices;
use crate::sys::{clock, env, terminal};
use crate::text::visible_json;

/// How this run prints, and what it waits for at its end.
#[derive(Clone, Debug)]
pub(super) struct Out {
    pub(super) json: bool,
    quiet: bool,
    /// Print nothing, for a run inside a run whose login pages a program answers.
    mute: bool,
    verbose: u8,
    color: (bool, bool),
    bars: MultiProgress,
    /// The bars of running flows, by name.
    lines: Arc<Mutex<BTreeMap<String, ProgressBar>>>,
    /// What a person types below them.
    typed: Arc<Mutex<Option<ProgressBar>>>,
    /// Tasks that the run must not end without.
    pub(super) tasks: TaskTracker,
    /// The flags that locate settings and tokens; commands in messages need the same ones.
    again: Arc<[String]>,
    /// Why some of the data was lost.
    lost: Arc<OnceLock<std::io::Error>>,
    /// Set once the reader of stdout is gone.
    unread: Arc<OnceLock<()>>,
}

/// How something went or stands, the same in every verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Good,
    Warn,
    Bad,
    Skipped,
}

impl Mark {
    /// Its sign on a terminal, with the sign's colour.
    fn sign(self) -> (&'static str, &'static str) {
        match self {
            Self::Good => ("32", "✓"),
            Self::Warn => ("33", "!"),
            Self::Bad => ("31", "✗"),
            Self::Skipped => ("2", "-"),
        }
    }

    /// Its word elsewhere.
    fn word(self) -> &'static str {
        match self {
            Self::Good => "ok     ",
            Self::Warn => "warn   ",
            Self::Bad => "failed ",
            Self::Skipped => "skipped",
        }
    }
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
            typed: Arc::default(),
            tasks: TaskTracker::new(),
            again: global.again().into(),
            lost: Arc::default(),
            unread: Arc::default(),
        }
    }

    /// The same, but silent: for a run inside a run whose login pages a program answers.
    pub(super) fn muted(&self) -> Self {
        Self {
            quiet: true,
            mute: true,
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
            ..self.clone()
        }
    }

    /// The context for the work below.
    pub(super) fn context(&self) -> Context {
        Context { notices: Arc::new(self.clone()), ui: Arc::new(self.clone()), exchanges: self.tasks.clone() }
    }

    /// Data, on stdout.
    pub(super) fn data(&self, text: &str) {
        self.sent(self.bars.suspend(|| write(&mut std::io::stdout().lock(), text)));
    }

    /// Complete lines, on stdout, unchanged.
    pub(super) fn lines(&self, lines: &[u8]) {
        let mut stdout = std::io::stdout().lock();
        self.sent(stdout.write_all(lines).and_then(|()| stdout.flush()));
    }

    /// Records the first failure to write data. A closed pipe (`| head`) is not a failure: its reader has had enough.
    pub(super) fn sent(&self, result: std::io::Result<()>) {
        let _ = match result {
            Ok(()) => return,
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => self.unread.set(()).is_ok(),
            Err(error) => self.lost.set(error).is_ok(),
        };
    }

    /// Whether what is printed still arrives somewhere: a verb without an end stops when it does not.
    pub(super) fn is_read(&self) -> bool {
        self.unread.get().is_none() && self.lost.get().is_none()
    }

    /// The exit code of a run that has come to `exit`: it fails if part of the output was lost.
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

    /// A JSON object in one line, on stdout: one of several.
    pub(super) fn json_line(&self, value: &Value) {
        self.data(&visible_json(&value.to_string()));
    }

    /// A result for people on stdout, in lines that fit; nothing if a JSON object replaces it.
    pub(super) fn result(&self, text: &str) {
        if !self.json && !self.quiet {
            self.data(&self.fold(text));
        }
    }

    /// How something went or stands, at the beginning of its line on stdout: a sign on a terminal, a word elsewhere.
    pub(super) fn mark(&self, mark: Mark) -> String {
        let (code, sign) = mark.sign();
        self.paint(code, if terminal::stdout_is_rich() { sign } else { mark.word() })
    }

    /// How far in a line of its own goes on, below a mark.
    fn below(&self) -> usize {
        if terminal::stdout_is_rich() { 2 } else { 8 }
    }

    /// A row of a summary: a mark, what it is about, and a path, which gets a line of its own where a terminal is too narrow
    /// for both.
    pub(super) fn row(&self, mark: Mark, text: &str, path: &str) {
        let long = terminal::stdout_width()
            .is_some_and(|width| 2 + text.chars().count() + path.chars().count() + 2 > width);
        let between = if long { "\n  " } else { "  " };
        self.result(&format!("{} {text}{between}{path}", self.mark(mark)));
    }

    /// A row of a summary, and what to do about it.
    pub(super) fn row_with_remedy(&self, mark: Mark, text: &str, remedy: Option<&str>) {
        let indent = self.below();
        self.result(&format!("{} {}", self.mark(mark), self.wrap(text, indent)));
        if let Some(remedy) = remedy {
            self.result(&format!("{}-> {}", " ".repeat(indent), self.wrap(remedy, indent + 3)));
        }
    }

    /// Whether more than the ordinary is asked for.
    pub(super) fn is_verbose(&self) -> bool {
        self.verbose > 0
    }

    /// A line of progress or advice, on stderr.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            self.bars.suspend(|| mention(&self.folded_err(text)));
        }
    }

    /// A note in lines that fit the terminal that stderr is; elsewhere, and where programs read it, as it is.
    fn folded_err(&self, text: &str) -> String {
        match terminal::stderr_width() {
            Some(width) if terminal::stderr_is_rich() && !self.json => folded(text, width),
            _ => text.into(),
        }
    }

    /// From here on this run's events are shown: one line each with its time, JSON if requested, and details with
    /// `-v`.
    pub(super) fn listen(&self) {
        let level = match self.verbose {
            _ if self.quiet => LevelFilter::WARN,
            0 => LevelFilter::INFO,
            1 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        };
        let out = self.clone();
        // A second run in one process, as in tests, keeps the first one's logger.
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
            extend(&mut object, Value::Object(more));
            visible_json(&object.to_string())
        } else {
            let level = if warning { self.paint_err("33", level) } else { level.into() };
            format!("{time} {level} {what}: {text}")
        };
        if warning { self.must_say(&line) } else { self.say(&line) }
    }

    /// Something the user must see even with `--quiet`, such as the address of a login page.
    pub(super) fn must_say(&self, text: &str) {
        if self.mute {
            return;
        }
        self.bars.suspend(|| mention(&self.folded_err(text)));
    }

    /// An error with its remedy, on stderr.
    pub(super) fn error(&self, error: &Error, command: &str) {
        if matches!(error, Error::Told(_)) {
            return;
        }
        let hint = self.advice(&error.hint(command));
        if self.json {
            return self.must_say(&error_object(error.code(), &error.to_string(), &hint));
        }
        let word = self.paint_err("31", "error:");
        let (text, hint) = match terminal::stderr_is_rich() {
            true => {
                let width = terminal::stderr_width().unwrap_or(WIDTH);
                (wrapped(&error.to_string(), 7, width), wrapped(&hint, 5, width))
            }
            false => (error.to_string(), hint),
        };
        self.must_say(&format!("{word} {text}\n  -> {hint}"));
    }

    /// The same for an error whose command is not the run's own; it then ends the run without another word.
    pub(super) fn told(&self, error: &Error, command: &str) -> Error {
        self.error(error, command);
        Error::Told(error.exit())
    }

    /// Data in lines that fit the terminal that stdout is, all but the first `indent` columns in; elsewhere as it is.
    #[expect(clippy::unused_self, reason = "printing goes through this value")]
    pub(super) fn wrap(&self, text: &str, indent: usize) -> String {
        terminal::stdout_width().map_or_else(|| text.to_owned(), |width| wrapped(text, indent, width))
    }

    /// Sentences for stdout: on a terminal, each line goes on below its beginning where it does not fit.
    #[expect(clippy::unused_self, reason = "printing goes through this value")]
    pub(super) fn fold(&self, text: &str) -> String {
        match terminal::stdout_width() {
            Some(width) if terminal::stdout_is_rich() => folded(text, width),
            _ => text.into(),
        }
    }

    /// A hint whose commands use the same settings and tokens as this run.
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
}

impl Notices for Out {
    fn say(&self, text: &str) {
        Self::say(self, text);
    }

    fn must_say(&self, text: &str) {
        Self::must_say(self, text);
    }
}

/// Clap's own data, help and version, before there is an [`Out`]; returns the exit code. A closed pipe ends it
/// quietly.
pub(super) fn help(said: &clap::Error) -> Exit {
    // Clap would print the help for an empty command line on stderr.
    let shown = match said.use_stderr() {
        true => write(&mut std::io::stdout().lock(), said.to_string().trim_end()),
        false => said.print(),
    };
    match shown {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            let error = Error::Lost { cause: error.to_string() };
            mention(&format!("error: {error}\n  -> {}", error.hint("mcpauth --help")));
            error.exit()
        }
        _ => Exit::Done,
    }
}

/// Clap's error message, before there is an [`Out`]: its first line says what is wrong, and it names the help.
pub(super) fn usage_error(said: &clap::builder::StyledStr, json: bool) {
    let text = said.to_string();
    if !json {
        // It repeats what was typed, which may come from someone else.
        return mention(&as_error(text.trim_end()));
    }
    let (message, _) = text.split_once("\n\nUsage:").unwrap_or((&text, ""));
    let message = message.trim().trim_start_matches("error: ");
    let object = error_object("configuration", message, "list the verbs with: mcpauth --help");
    mention(&object);
}

/// An error of the command line itself, before there is an [`Out`].
pub(super) fn bare_error(message: &str, hint: &str, json: bool) {
    mention(&match json {
        true => error_object("configuration", message, hint),
        false => as_error(&format!("error: {message}\n  -> {hint}")),
    });
}

/// An error that is printed before there is an [`Out`]: on a terminal in lines that fit, its first word coloured.
fn as_error(text: &str) -> String {
    let Some(width) = terminal::stderr_width().filter(|_| terminal::stderr_is_rich()) else {
        return text.into();
    };
    let folded = folded(text, width);
    let on = env::get("NO_COLOR").is_none();
    match folded.strip_prefix("error:") {
        Some(rest) => format!("{}{rest}", paint(on, "31", "error:")),
        None => folded,
    }
}

fn error_object(code: &str, message: &str, hint: &str) -> String {
    visible_json(&json!({"error": {"code": code, "message": message, "hint": hint}}).to_string())
}

/// An object with the members of another one.
pub(super) fn extend(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}

/// Whether a hint names this flag itself.
fn has_flag(hint: &str, flag: &str) -> bool {
    let name = flag.split(' ').next().unwrap_or_default();
    hint.split([' ', ',', ')', ':']).any(|word| word == name)
}

fn write(to: &mut dyn Write, text: &str) -> std::io::Result<()> {
    writeln!(to, "{}", fit(text))?;
    to.flush()
}

/// A line on stderr. There is nowhere to report that it was lost.
fn mention(text: &str) {
    let _ = write(&mut std::io::stderr().lock(), text);
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
