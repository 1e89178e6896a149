//! `mcpauth complete`: completion candidates for a command line, for the scripts of `completions`. It makes no
//! request and asks no question, and it never fails: at worst it offers nothing. Not here: the names that arguments take
//! (see `complete::sources`).

mod sources;

use std::ffi::OsString;

use clap::{Arg, Args, FromArgMatches};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate, complete};

pub(super) use self::sources::names;
use crate::cli::args::Global;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::error::{Error, Exit};
use crate::sys::paths;
use crate::text::is_word;

/// Print completion candidates for a command line, one per line: the word, a tab, its description
#[derive(Args, Debug)]
pub(super) struct CompleteArgs {
    /// The words so far; the one under the cursor comes last, with a = in front so that it is never empty
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

#[expect(clippy::unnecessary_wraps, reason = "every verb has this shape")]
pub(super) fn run(args: &CompleteArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let words = words(&args.words);
    let Some((_, before)) = words.split_last() else { return Ok(Exit::Done) };
    // After -- comes another program's command line, of which nothing is known here.
    if before.iter().any(|word| word == "--") {
        return Ok(Exit::Done);
    }
    let index = before.len();
    let global = global((given.command)(), &words);
    let all = (given.command)();
    let shown = all.get_subcommands().filter(|verb| !verb.is_hide_set());
    let verbs: Vec<String> = shown.map(|verb| verb.get_name().to_owned()).collect();
    let mut command = one_name_each(offering(all, "", &global, &verbs), &words);
    let here = paths::absolute(std::path::Path::new("."));
    let found = complete(&mut command, words, index, Some(&here)).unwrap_or_default();
    let is_option =
        |candidate: &CompletionCandidate| candidate.get_value().to_string_lossy().starts_with('-');
    // For an empty word, a server's name is more useful than ten options.
    let begun = found.iter().all(is_option) || args.words.last().is_some_and(|word| word != "=");
    // Some shells insert a word as it is, and names are others': one that would have to be quoted is not offered. For files
    // the shell's own completion then does.
    let is_safe = |candidate: &CompletionCandidate| candidate.get_value().to_str().is_some_and(is_word);
    let offered = |candidate: &&CompletionCandidate| {
        !candidate.is_hide_set() && is_safe(candidate) && (begun || !is_option(candidate))
    };
    let lines: Vec<String> = found.iter().filter(offered).map(line).collect();
    if !lines.is_empty() {
        out.data(&lines.join("\n"));
    }
    Ok(Exit::Done)
}

/// The word under the cursor without its marker.
fn words(given: &[OsString]) -> Vec<OsString> {
    let mut words = given.to_vec();
    if let Some(last) = words.last_mut() {
        let text = last.to_string_lossy();
        *last = text.strip_prefix('=').unwrap_or(&text).into();
    }
    words
}

/// The global flags typed so far that locate settings and tokens.
fn global(command: clap::Command, words: &[OsString]) -> Global {
    let matches = command.ignore_errors(true).try_get_matches_from(words);
    let found = matches.ok().and_then(|matches| Global::from_arg_matches(&matches).ok());
    found.unwrap_or_default()
}

/// The command line, with names for its arguments.
fn offering(command: clap::Command, path: &str, global: &Global, verbs: &[String]) -> clap::Command {
    let with_names = |arg: Arg| match names(path, &arg) {
        None => arg,
        Some(source) => {
            let (global, verbs) = (global.clone(), verbs.to_owned());
            arg.add(ArgValueCandidates::new(move || source.candidates(&global, &verbs).unwrap_or_default()))
        }
    };
    command.mut_args(with_names).mut_subcommands(|command| {
        let path = format!("{path} {}", command.get_name());
        offering(command, path.trim_start(), global, verbs)
    })
}

/// A verb is offered by its name; an alias only if it has been begun.
fn one_name_each(command: clap::Command, words: &[OsString]) -> clap::Command {
    let is_typed = |alias: &str| {
        // The words in front of the one under the cursor are parsed, and may be any of a verb's names.
        let last = words.last().and_then(|word| word.to_str()).unwrap_or_default();
        let is_begun = !last.is_empty() && alias.starts_with(last);
        is_begun || words.iter().any(|word| word == alias)
    };
    command.mut_subcommands(|verb| {
        let is_wanted = verb.get_all_aliases().any(is_typed);
        if is_wanted { verb } else { verb.visible_alias(None) }
    })
}

fn line(candidate: &CompletionCandidate) -> String {
    let value = candidate.get_value().to_string_lossy();
    let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
    format!("{value}\t{}", help.lines().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_before_the_last_word_is_taken_off_once() {
        for (given, expected) in [
            (&["mcpauth", "="][..], &["mcpauth", ""][..]),
            (&["a", "==b"], &["a", "=b"]),
            (&["a", "b"], &["a", "b"]),
        ] {
            let given: Vec<OsString> = given.iter().map(Into::into).collect();
            assert_eq!(words(&given), expected);
        }
    }
}
