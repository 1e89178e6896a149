//! What was meant by a verb that there is not: those of other tools by what they do here, and mistyped ones by their letters.

use std::ffi::OsString;

use clap::error::ErrorKind;
use strsim::osa_distance;

use crate::sys::typed_url::{TYPE_ADDRESS, typed_url};
use crate::text::word;

/// What users of other tools type: the verbs before it, the words, and what does it here.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "",
        "auth login, auth, mcp add, mcp add-json, mcp login, mcp auth, server add, sso, link, signin, sign-in, authenticate, authorize, connect, add",
        "mcpauth login URL",
    ),
    (
        "",
        "auth logout, mcp logout, mcp remove, mcp rm, server remove, server rm, signout, sign-out, remove, delete, rm, forget, unlink, disconnect",
        "mcpauth logout NAME",
    ),
    (
        "",
        "auth status, auth list, auth ls, auth switch, mcp list, mcp get, server list, server ls, servers, accounts, ps, sts, whoami, info, describe, sessions, who, ls, credentials, tokens, show",
        "mcpauth status",
    ),
    (
        "",
        "auth token, auth print-access-token, auth print-identity-token, print-access-token, get-token, print-token, access-token",
        "mcpauth token NAME",
    ),
    ("", "auth refresh, daemon, service", "mcpauth refresh"),
    ("", "auth setup-git, auth configure-docker, install", "mcpauth config install"),
    ("", "auth revoke, revoke", "mcpauth logout NAME --revoke"),
    ("", "mcp, search, find, list-tools", "mcpauth list SERVER"),
    ("", "setup, init", "mcpauth configure"),
    ("", "serve, server, start, up", "mcpauth gateway serve"),
    ("", "mcp serve, proxy, stdio, connector", "mcpauth bridge SERVER"),
    ("", "mcp-remote", "mcpauth bridge URL"),
    ("", "watch, monitor", "mcpauth status --watch"),
    ("", "version", "mcpauth --version"),
    ("", "uninstall", "mcpauth config uninstall"),
    ("", "clients", "mcpauth config show --clients"),
    ("", "run", "mcpauth exec SERVER -- COMMAND"),
    ("", "get, fetch", "mcpauth generate"),
    ("", "renew, rotate, refresh-token", "mcpauth refresh --once"),
    (
        "",
        "update, upgrade, self-update",
        "mcpauth refresh --once (mcpauth itself is updated the way it was installed)",
    ),
    ("", "export", "mcpauth env SERVER"),
    ("", "keys, secrets", "mcpauth secret list"),
    ("", "store", "mcpauth secret set SERVER NAME"),
    ("", "migrate", "mcpauth import"),
    ("", "provider", "mcpauth providers list"),
    ("", "curl", "mcpauth headers SERVER"),
    ("", "resources, prompts", "mcpauth probe SERVER"),
    ("", "restore", "mcpauth config uninstall --restore"),
    ("", "decode", "mcpauth inspect NAME"),
    ("", "get-config, settings", "mcpauth config show"),
    ("", "check, diagnose", "mcpauth doctor"),
    ("", "validate, lint", "mcpauth gateway check"),
    ("", "explain", "mcpauth gateway explain SERVER --tool TOOL"),
    ("", "routes", "mcpauth gateway routes"),
    ("", "test", "mcpauth gateway test"),
    ("", "auth can-i", "mcpauth gateway explain SERVER --tool TOOL"),
    ("", "clean, clear, reset, purge", "mcpauth logout --all"),
    ("", "tool, invoke, call-tool", "mcpauth call SERVER TOOL"),
    ("", "completion", "mcpauth completions SHELL"),
    ("gateway", "start, run, up, proxy, listen", "mcpauth gateway serve"),
    // In an empty folder it says what to write.
    (
        "gateway",
        "init, new, create, setup, configure, validate, lint, verify, status, config, doctor",
        "mcpauth gateway check",
    ),
    ("gateway", "why, can, can-i, decide, policy", "mcpauth gateway explain SERVER --tool TOOL"),
    ("gateway", "list, ls, servers", "mcpauth gateway routes"),
    ("gateway", "tokens", "mcpauth gateway token list"),
    (
        "gateway token",
        "create, new, issue, mint, get, add",
        "mcpauth gateway token --server SERVER --tool TOOL",
    ),
    ("gateway token", "ls, show", "mcpauth gateway token list"),
    ("gateway token", "rm, remove, delete", "mcpauth gateway token revoke ID"),
    ("gateway token", "keys, rotate", "mcpauth gateway token key"),
    (
        "config",
        "list, ls, get, get-value, view, cat, current, current-context, get-contexts",
        "mcpauth config show",
    ),
    ("config", "path, where, origin", "mcpauth config show --origin"),
    ("config", "set, edit, init, new", "mcpauth configure"),
    ("config", "add, write, update, sync, apply", "mcpauth config install"),
    ("config", "remove, rm, delete, clean", "mcpauth config uninstall"),
    ("config", "restore, undo", "mcpauth config uninstall --restore"),
    ("config", "print, export", "mcpauth config render --client CLIENT"),
    ("secret", "add, put, create, store, new", "mcpauth secret set SERVER NAME"),
    ("secret", "ls, get, show", "mcpauth secret list"),
    ("secret", "rm, delete, unset", "mcpauth secret remove SERVER"),
    ("providers", "ls", "mcpauth providers list"),
    ("providers", "get, info, describe", "mcpauth providers show NAME"),
    ("providers", "validate, lint, test", "mcpauth providers check"),
];
/// What users of other tools type as options: the verbs, all if empty; the options; and what does it here.
const OPTIONS_ELSEWHERE: &[(&str, &str, &str)] = &[
    ("login", "--token, --api-key, --key, --bearer, --pat", "--with-token, and pipe the key to stdin"),
    ("list, ping, probe, call", "--token, --api-key, --key, --bearer, --pat", "--token-file FILE"),
    (
        "call",
        "-d, --data, --args, --arguments, --params, --input",
        "KEY=VALUE, one JSON object, @FILE or -, after the tool's name",
    ),
    ("refresh", "-d, --daemon, --background", "--unit systemd, which prints a service file"),
    ("status", "-w", "--watch"),
    ("", "-o, --output, --format", "--json"),
    ("", "--debug, --trace", "-v or -vv"),
    ("", "-k, --insecure, --skip-tls-verify, --insecure-skip-tls-verify", "--ca-cert FILE"),
    ("", "--no-color, --no-colour", "--color never"),
];
/// Where nothing was meant that is known.
const NONE: &str = "see what there is with: mcpauth help";

/// What to do about a verb that is not there below the verbs of `path`, which is empty at the top; `args` are the command line,
/// and `verbs` those that are there.
pub(super) fn hint(path: &str, typed: &str, args: &[OsString], verbs: &[String]) -> String {
    let (as_typed, typed) = (typed, typed.to_lowercase());
    let next = args.iter().skip_while(|arg| !arg.eq_ignore_ascii_case(typed.as_str())).nth(1);
    let both = next.map(|next| format!("{typed} {}", next.to_string_lossy().to_lowercase()));
    let elsewhere = |typed: &str| {
        ELSEWHERE
            .iter()
            .find(|(above, words, _)| *above == path && words.split(", ").any(|word| word == typed))
            .map(|(.., here)| *here)
    };
    if let Some(here) = both.as_deref().and_then(elsewhere).or_else(|| elsewhere(&typed)) {
        return format!("run: {here}");
    }
    if path.is_empty()
        && let Ok(url) = typed_url(as_typed)
    {
        return format!("run: mcpauth login {}", word(url.as_str()));
    }
    let space = if path.is_empty() { "" } else { " " };
    match near(&typed, verbs) {
        Some(verb) => format!("did you mean: mcpauth {path}{space}{verb}"),
        None => verbs_of(path),
    }
}

/// What clap says about the arguments of the verbs of `path`, and what to do about it.
pub(super) fn usage(kind: ErrorKind, said: &str, path: &str) -> (String, String) {
    let said = said.split("\n\nFor more information").next().unwrap_or_default();
    let (what, usage) = said.split_once("\n\nUsage: ").unwrap_or((said, ""));
    let (tips, what): (Vec<&str>, Vec<&str>) = what
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .partition(|line| line.starts_with("tip: "));
    let help = match path {
        "" => "mcpauth --help".to_owned(),
        path => format!("mcpauth {path} --help"),
    };
    if kind == ErrorKind::MissingRequiredArgument {
        let usage = usage.lines().next().unwrap_or_default();
        // A usage of our own may name other arguments than clap.
        let names = what.iter().copied().filter(|name| name.starts_with(['<', '-']) && usage.contains(name));
        let names = names.collect::<Vec<_>>().join(" ");
        let colon = if names.is_empty() { "" } else { ": " };
        return (format!("an argument is missing{colon}{names}"), format!("usage: {usage}; see: {help}"));
    }
    let known = what.first().and_then(|line| line.split('\'').nth(1)).and_then(|typed| option(path, typed));
    if let Some(here) = known.filter(|_| kind == ErrorKind::UnknownArgument) {
        return (what.join(" ").trim_start_matches("error: ").to_owned(), format!("use {here}; see: {help}"));
    }
    let tips = tips.iter().map(|tip| tip.trim_start_matches("tip: ").to_owned());
    let is_address = what.iter().any(|line| line.contains("URL>': ") || line.contains("SERVER]': "));
    let tips = tips.chain(is_address.then(|| TYPE_ADDRESS.to_owned()));
    let hint = tips.chain([format!("see: {help}")]).collect::<Vec<_>>().join("; ");
    (what.join(" ").trim_start_matches("error: ").to_owned(), hint)
}

/// What does here what an option of other tools does there.
fn option(path: &str, typed: &str) -> Option<&'static str> {
    let lists = |list: &str, word: &str| list.split(", ").any(|other| other == word);
    let row = OPTIONS_ELSEWHERE
        .iter()
        .find(|(verbs, options, _)| (verbs.is_empty() || lists(verbs, path)) && lists(options, typed));
    row.map(|(.., here)| *here)
}

/// Where the verbs below those of `path` are listed.
pub(super) fn verbs_of(path: &str) -> String {
    match path {
        "" => NONE.into(),
        path => format!("see what there is with: mcpauth {path} --help"),
    }
}

/// The verb that was mistyped.
fn near<'v>(typed: &str, verbs: &'v [String]) -> Option<&'v str> {
    let (errors, verb) = verbs.iter().map(|verb| (osa_distance(typed, verb), verb)).min()?;
    // A word in which every second letter is another one was not meant.
    (errors <= 2 && errors * 3 <= verb.len()).then_some(verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verbs() -> Vec<String> {
        crate::cli::command().get_subcommands().map(|verb| verb.get_name().to_owned()).collect()
    }

    fn suggested(line: &str) -> String {
        let args: Vec<OsString> = std::iter::once("mcpauth").chain(line.split(' ')).map(Into::into).collect();
        hint("", line.split(' ').next().unwrap(), &args, &verbs())
    }

    #[test]
    fn the_verbs_of_other_tools_and_mistyped_ones_lead_somewhere() {
        for (line, expected) in [
            ("auth login", "run: mcpauth login URL"),
            ("auth status --json", "run: mcpauth status"),
            ("init", "run: mcpauth configure"),
            ("add https://a.test/mcp", "run: mcpauth login URL"),
            ("signin", "run: mcpauth login URL"),
            ("tokens", "run: mcpauth status"),
            ("proxy", "run: mcpauth bridge SERVER"),
            ("start", "run: mcpauth gateway serve"),
            ("show", "run: mcpauth status"),
            ("auth", "run: mcpauth login URL"),
            ("setup", "run: mcpauth configure"),
            ("serve", "run: mcpauth gateway serve"),
            ("whoami", "run: mcpauth status"),
            ("version", "run: mcpauth --version"),
            ("uninstall", "run: mcpauth config uninstall"),
            ("genrate", "did you mean: mcpauth generate"),
            ("Stauts", "did you mean: mcpauth status"),
            ("loign https://a.test", "did you mean: mcpauth login"),
            ("https://a.test/mcp", "run: mcpauth login https://a.test/mcp"),
            ("a.test:8443/mcp", "run: mcpauth login https://a.test:8443/mcp"),
            ("localhost:8000", "run: mcpauth login http://localhost:8000/"),
            ("mcp logout things", "run: mcpauth logout NAME"),
            ("server list", "run: mcpauth status"),
            ("https://u:p@a.test/mcp", NONE),
            ("frobnicate", NONE),
            ("ba", NONE),
            ("zzzz", NONE),
        ] {
            assert_eq!(suggested(line), expected, "{line}");
        }
    }

    /// Every word of the table leads to a command, with whatever comes after it.
    #[test]
    fn every_word_of_another_tool_is_known_however_it_is_typed() {
        for (path, words, here) in ELSEWHERE {
            for words in words.split(", ").filter(|_| path.is_empty()) {
                assert_eq!(suggested(words), format!("run: {here}"));
                let shouted = format!("{} --json", words.to_uppercase());
                assert_eq!(suggested(&shouted), format!("run: {here}"), "{words}");
            }
        }
    }

    #[test]
    fn below_a_verb_its_own_verbs_are_suggested() {
        let verbs = |path: &str| -> Vec<String> {
            let mut command = crate::cli::command();
            for word in path.split_whitespace() {
                command = command.find_subcommand(word).unwrap().clone();
            }
            command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect()
        };
        for (path, typed, expected) in [
            ("gateway", "start", "run: mcpauth gateway serve"),
            ("gateway", "Sreve", "did you mean: mcpauth gateway serve"),
            ("gateway", "srve", "did you mean: mcpauth gateway serve"),
            ("gateway", "chekc", "did you mean: mcpauth gateway check"),
            ("gateway token", "create", "run: mcpauth gateway token --server SERVER --tool TOOL"),
            ("gateway token", "revok", "did you mean: mcpauth gateway token revoke"),
            ("config", "list", "run: mcpauth config show"),
            ("config", "instal", "did you mean: mcpauth config install"),
            ("secret", "ADD", "run: mcpauth secret set SERVER NAME"),
            ("secret", "zzz", "see what there is with: mcpauth secret --help"),
        ] {
            assert_eq!(hint(path, typed, &[], &verbs(path)), expected, "{path} {typed}");
        }
        for (path, words, here) in ELSEWHERE {
            assert!(
                verbs(path).iter().all(|verb| words.split(", ").all(|word| word != verb)),
                "{path}: {words:?}"
            );
            is_there(here);
        }
    }

    #[test]
    fn what_clap_says_becomes_an_error_with_its_remedy() {
        for (line, message, hint) in [
            (
                "login",
                "an argument is missing: <URL>",
                "usage: mcpauth login <URL>; see: mcpauth login --help",
            ),
            (
                "call",
                "an argument is missing",
                "usage: mcpauth call [OPTIONS] [SERVER] TOOL [KEY=VALUE... | JSON | @FILE | -]; see: mcpauth call --help",
            ),
            (
                "status --interval 5",
                "an argument is missing: --watch",
                "usage: mcpauth status --watch --interval <TIME>; see: mcpauth status --help",
            ),
            (
                "login localhost:99999",
                "invalid value 'localhost:99999' for '<URL>': is not an http or https URL",
                "type an address as https://HOST/PATH, with :PORT after the host if it has one (at most 65535); see: mcpauth login --help",
            ),
            ("status -o json", "unexpected argument '-o' found", "use --json; see: mcpauth status --help"),
            (
                "login a.test --token x",
                "unexpected argument '--token' found",
                "use --with-token, and pipe the key to stdin; see: mcpauth login --help",
            ),
            (
                "call s t --args={}",
                "unexpected argument '--args' found",
                "use KEY=VALUE, one JSON object, @FILE or -, after the tool's name; see: mcpauth call --help",
            ),
            ("login a.test b", "unexpected argument 'b' found", "see: mcpauth login --help"),
            (
                "--vesion",
                "unexpected argument '--vesion' found",
                "a similar argument exists: '--version'; see: mcpauth --help",
            ),
            (
                "providers schema --tokns-dir x",
                "unexpected argument '--tokns-dir' found",
                "a similar argument exists: '--tokens-dir'; see: mcpauth providers schema --help",
            ),
            (
                "completions bsh",
                "invalid value 'bsh' for '<SHELL>' [possible values: bash, elvish, fish, nushell, powershell, zsh]",
                "a similar value exists: 'bash'; see: mcpauth completions --help",
            ),
        ] {
            let words = std::iter::once("mcpauth").chain(line.split(' '));
            let said = crate::cli::command().try_get_matches_from(words).unwrap_err();
            let path = line.split(' ').take_while(|word| {
                ["login", "call", "status", "providers", "schema", "completions"].contains(word)
            });
            let told = usage(said.kind(), &said.render().to_string(), &path.collect::<Vec<_>>().join(" "));
            assert_eq!(told, (message.to_owned(), hint.to_owned()), "{line}");
        }
    }

    /// Otherwise nobody would see what it leads to.
    #[test]
    fn no_option_of_other_tools_is_one_of_ours() {
        let all = crate::cli::command();
        for (verbs, options, here) in OPTIONS_ELSEWHERE {
            for command in
                all.get_subcommands().filter(|verb| verbs.split(", ").any(|word| word == verb.get_name()))
            {
                for option in options.split(", ") {
                    let has =
                        |arg: &clap::Arg| arg.get_long().is_some_and(|long| option == format!("--{long}"));
                    assert!(!command.get_arguments().any(has), "{} {option}: {here}", command.get_name());
                }
            }
        }
    }

    #[track_caller]
    fn is_there(here: &str) {
        let (here, _) = here.split_once(" (").unwrap_or((here, ""));
        let words = here.split(' ').skip(1).take_while(|word| word.chars().all(|c| !c.is_uppercase()));
        let mut command = crate::cli::command();
        for word in words.filter(|word| !word.starts_with('-')) {
            command = command.find_subcommand(word).unwrap_or_else(|| panic!("{here}")).clone();
        }
    }
}
