//! `mcpauth complete`: completion candidates for a command line, for the scripts of `completions`. It makes no
//! request and asks no question, and it never fails: at worst it offers nothing.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Args, FromArgMatches};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate, complete};

use crate::cli::args::Global;
use crate::cli::flows;
use crate::cli::given::{Given, settings};
use crate::cli::out::Out;
use crate::config::Config;
use crate::credential::{CredentialId, CredentialKind};
use crate::error::{Error, Exit};
use crate::servers::credentials as known_credentials;
use crate::servers::file_store;
use crate::sys::paths;

/// Print completion candidates for a command line, one per line: the word, a tab, its description
#[derive(Args, Debug)]
pub(super) struct CompleteArgs {
    /// The words so far; the one under the cursor comes last, with a = in front so that it is never empty
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// What an argument names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameSource {
    Servers,
    Providers,
    Credentials,
}

/// The verbs whose only word is a credential's name.
const OF_CREDENTIALS: [&str; 3] = ["token", "logout", "inspect"];

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
    let mut command = one_name_each(offering((given.command)(), &global), &words);
    let here = paths::absolute(std::path::Path::new("."));
    let found = complete(&mut command, words, index, Some(&here)).unwrap_or_default();
    let is_option =
        |candidate: &CompletionCandidate| candidate.get_value().to_string_lossy().starts_with('-');
    // For an empty word, a server's name is more useful than ten options.
    let begun = found.iter().all(is_option) || args.words.last().is_some_and(|word| word != "=");
    let offered =
        |candidate: &&CompletionCandidate| !candidate.is_hide_set() && (begun || !is_option(candidate));
    let lines: Vec<String> = found.iter().filter(offered).map(line).collect();
    if !lines.is_empty() {
        out.data(&lines.join("\n"));
    }
    Ok(Exit::Done)
}

/// What an argument of a verb names, if anything: decided by its value name, so every verb that uses the value name
/// is covered.
pub(super) fn names(verb: &str, arg: &Arg) -> Option<NameSource> {
    let called = |name: &str| arg.get_value_names().is_some_and(|names| names.iter().any(|n| n == name));
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    if !takes_value || !arg.get_possible_values().is_empty() {
        return None;
    }
    match (arg.get_long(), verb) {
        (Some("server"), _) => Some(NameSource::Servers),
        (Some("provider"), _) => Some(NameSource::Providers),
        _ if called("SERVER") => Some(NameSource::Servers),
        (None, "show") => Some(NameSource::Providers),
        (Some("token"), "explain") => Some(NameSource::Credentials),
        (None, verb) if OF_CREDENTIALS.contains(&verb) => Some(NameSource::Credentials),
        _ => None,
    }
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
fn offering(command: clap::Command, global: &Global) -> clap::Command {
    let verb = command.get_name().to_owned();
    let with_names = |arg: Arg| match names(&verb, &arg) {
        None => arg,
        Some(names) => {
            let global = global.clone();
            arg.add(ArgValueCandidates::new(move || candidates(names, &global).unwrap_or_default()))
        }
    };
    command.mut_args(with_names).mut_subcommands(|command| offering(command, global))
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

fn candidates(names: NameSource, global: &Global) -> Result<Vec<CompletionCandidate>, Error> {
    let out = Out::new(global).muted();
    let mut settings = settings(global, &out)?;
    // Looking into the keyring may open a window, which a key press must not do.
    settings.flag("MCPAUTH_STORAGE", "file");
    let config = Config::for_names(settings)?;
    let found = match names {
        NameSource::Servers => flows::servers(config, &out)?.names()?,
        NameSource::Providers => config.provider_names(),
        NameSource::Credentials => credentials(&config),
    };
    Ok(found.into_iter().map(CompletionCandidate::new).collect())
}

/// What is configured and what is stored, by server, provider or agent.
fn credentials(config: &Config) -> Vec<String> {
    let name = |id: &CredentialId| match id.kind {
        CredentialKind::Ingress => "ingress".to_owned(),
        _ => id.server.clone().unwrap_or_else(|| id.name.clone()),
    };
    let known = known_credentials::all(config, &file_store(config));
    let mut found: Vec<String> = known.iter().filter_map(|known| known.id.as_ref()).map(name).collect();
    found.sort();
    found.dedup();
    found
}

fn line(candidate: &CompletionCandidate) -> String {
    let value = candidate.get_value().to_string_lossy();
    let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
    // A name with a line break cannot be offered: it would be read as two.
    let value: String = value.chars().filter(|c| !c.is_control()).collect();
    format!("{value}\t{}", help.lines().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every argument that completes names, as `verb argument`.
    fn named(command: &clap::Command, found: &mut Vec<String>) {
        for arg in command.get_arguments() {
            if let Some(names) = names(command.get_name(), arg) {
                found.push(format!("{} {} {names:?}", command.get_name(), arg.get_id()));
            }
        }
        command.get_subcommands().for_each(|command| named(command, found));
    }

    #[test]
    fn what_names_a_thing_is_known_by_how_it_is_called() {
        let mut found = Vec::new();
        named(&crate::cli::command(), &mut found);
        for expected in [
            "headers name Servers",
            "headers server Servers",
            "egress provider Providers",
            "generate provider Providers",
            "show name Providers",
        ] {
            assert!(found.iter().any(|line| line == expected), "{expected}: {found:?}");
        }
        assert!(!found.iter().any(|line| line.starts_with("call tool")), "{found:?}");
    }

    #[test]
    fn a_verb_for_credentials_names_them() {
        let word = || Arg::new("name");
        let cases = [
            ("token", word(), Some(NameSource::Credentials)),
            ("logout", word(), Some(NameSource::Credentials)),
            ("inspect", word(), Some(NameSource::Credentials)),
            ("logout", Arg::new("all").long("all").action(ArgAction::SetTrue), None),
            ("bridge", word().value_name("SERVER"), Some(NameSource::Servers)),
            ("call", Arg::new("server").long("server"), Some(NameSource::Servers)),
            ("call", Arg::new("tool"), None),
            ("install", Arg::new("client").long("client").value_parser(["roo"]), None),
        ];
        for (verb, arg, expected) in cases {
            assert_eq!(names(verb, &arg), expected, "{verb} {arg}");
        }
    }

    #[test]
    fn credentials_are_those_configured_and_those_at_hand() {
        let root = tempfile::tempdir().unwrap();
        let (dir, own) = (root.path().join("tokens"), root.path().join("providers"));
        crate::sys::private_file::create_dir(&dir).unwrap();
        crate::sys::private_file::create_dir(&own).unwrap();
        let provider = "display_name: Acme\nissuer: https://acme.test\nclient_secret: never\n";
        crate::sys::private_file::write(&own.join("acme.yaml"), provider).unwrap();
        for name in ["ingress", "old-egress", "agent-one-token", "tracker-mine-egress"] {
            crate::sys::private_file::write(&dir.join(format!("{name}.json")), "{}").unwrap();
        }
        let settings = [
            ("MCPAUTH_TOKENS_DIR", dir.to_str().unwrap()),
            ("MCPAUTH_CONFIG_DIR", root.path().to_str().unwrap()),
            ("EGRESS_PROVIDER_NAME_1", "acme"),
            ("EGRESS_MCP_SERVER_NAME_1", "mine"),
            ("EGRESS_OAUTH_CLIENT_ID_1", "c"),
            ("EGRESS_OAUTH_REDIRECT_URI_1", "http://127.0.0.1/"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = Config::resolve(crate::config::Settings::of(settings)).unwrap();
        assert_eq!(credentials(&config), ["agent-one", "ingress", "mine", "old", "tracker-mine"]);
    }

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
