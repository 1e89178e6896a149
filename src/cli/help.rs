//! `mcpauth help`: the verbs on one screen, what every verb understands, the settings, the exit codes. A verb's own help is
//! clap's, without the global options, which are the same everywhere.

use clap::builder::StyledStr;
use clap::{Args, Command};

use crate::cli::args::EXIT_CODES;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::config::catalogue::VARIABLES;
use crate::error::{Error, Exit};
use crate::text::clean;

/// Print help on a verb, or on options, environment or exit-codes
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth help options          what every verb understands\n  \
                        mcpauth help environment      the settings, in the environment and in .env\n  \
                        mcpauth help exit-codes\n  mcpauth help gateway serve")]
pub(super) struct HelpArgs {
    /// A verb, or options, environment or exit-codes; all verbs without it
    #[arg(value_name = "TOPIC")]
    topic: Vec<String>,
}

/// The verbs as a person looks for them. Every verb stands here once; a test holds that.
const GROUPS: [(&str, &[(&str, &str)]); 5] = [
    (
        "Get credentials",
        &[
            ("login", "log in to an MCP server by its address"),
            ("generate", "get everything configured"),
            ("ingress, egress", "a single flow: the gateway's token, the logins"),
            ("agentcore, keycloak", "a single flow: AgentCore gateways, Keycloak agents"),
            ("configure", "ask for the settings, and write .env"),
            ("refresh", "keep tokens fresh"),
            ("status, inspect, logout", "what is stored; one token's content; delete one"),
        ],
    ),
    (
        "Hand out",
        &[
            ("token, headers, env", "a token, a server's headers, shell variables"),
            ("exec, secret", "a command with a server's credentials or secrets"),
            ("bridge", "a local MCP server in front of a remote one"),
        ],
    ),
    (
        "Clients",
        &[
            ("config, import", "write clients' files; move the secrets out of them"),
            ("probe, ping, list, call", "try a server as a client would"),
        ],
    ),
    ("Gateway", &[("gateway", "serve it, check its files, explain its decisions")]),
    (
        "Help",
        &[
            ("demo", "everything on this machine, without an account"),
            ("doctor", "what is wrong, and how to fix it"),
            ("providers, client-metadata, completions, man, help", ""),
        ],
    ),
];

const HEAD: &str = "Gets credentials for MCP servers and hands them out. New here? mcpauth demo";
const FOOT: &str = "mcpauth VERB --help; mcpauth help options, help environment, help exit-codes";
const OPTIONS: &str = "Global options: mcpauth help options";

pub(super) fn run(args: &HelpArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let words: Vec<&str> = args.topic.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => out.data(&screen()),
        ["options"] => out.data(options(&(given.command)()).to_string().trim_end()),
        ["environment"] => environment(out),
        ["exit-codes"] => out.data(&out.wrap(EXIT_CODES, 2)),
        words => out.data(verb(short((given.command)()), words)?.to_string().trim_end()),
    }
    Ok(Exit::Done)
}

/// The command line as it is parsed: the global options are understood everywhere and shown once.
pub(super) fn short(command: Command) -> Command {
    let command = command.mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg });
    command.override_help(screen()).mut_subcommands(with_foot)
}

fn with_foot(command: Command) -> Command {
    let after = command.get_after_help().map(|text| format!("{text}\n\n")).unwrap_or_default();
    command.after_help(format!("{after}{OPTIONS}\n")).mut_subcommands(with_foot)
}

/// All verbs, for a terminal of 24 lines and 80 columns.
fn screen() -> String {
    let mut lines = vec![HEAD.to_owned()];
    for (title, rows) in GROUPS {
        lines.push(format!("{title}:"));
        for (verbs, what) in rows {
            lines.push(format!("  {verbs:24} {what}").trim_end().to_owned());
        }
    }
    lines.push(FOOT.into());
    lines.join("\n")
}

/// The global options alone.
fn options(command: &Command) -> StyledStr {
    let global = command.get_arguments().filter(|arg| arg.is_global_set()).cloned();
    let mut shown = Command::new("mcpauth")
        .disable_help_flag(true)
        .help_template("What every verb understands, before or after it:\n\n{all-args}")
        .args(global);
    shown.render_long_help()
}

/// A verb's own help.
fn verb(mut command: Command, words: &[&str]) -> Result<StyledStr, Error> {
    command.build();
    let mut found = &mut command;
    for word in words {
        found = found.find_subcommand_mut(word).ok_or_else(|| Error::Usage {
            message: format!("there is no help on {:?}", clean(&words.join(" "), 80)),
            hint: "see what there is with: mcpauth help".into(),
        })?;
    }
    Ok(found.render_long_help())
}

fn environment(out: &Out) {
    out.data(&out.fold(
        "Settings, each from the first place that has it: a flag, the environment, the files of --env-file (else ./.env and the \
         places of the registry's scripts), the .env in mcpauth's configuration folder, the default. mcpauth config show --origin \
         says what is in force and where it comes from.",
    ));
    for variable in VARIABLES.iter() {
        let default = match variable.default {
            "" => String::new(),
            default => format!(" [default: {default}]"),
        };
        out.data(&format!(
            "\n{}\n    {}",
            variable.name,
            out.wrap(&format!("{}{default}", variable.about), 4)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_stands_on_the_screen_once_and_nothing_else_does() {
        let command = crate::cli::command();
        let shown = command.get_subcommands().filter(|verb| !verb.is_hide_set());
        let mut verbs: Vec<&str> = shown.map(Command::get_name).collect();
        verbs.sort_unstable();
        let rows = GROUPS.iter().flat_map(|(_, rows)| rows.iter());
        let mut grouped: Vec<&str> = rows.flat_map(|(verbs, _)| verbs.split(", ")).collect();
        grouped.sort_unstable();
        assert_eq!(grouped, verbs);
    }

    /// A broken command could not be copied.
    #[test]
    fn no_example_is_broken_at_80_columns() {
        fn check(command: &Command) {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in after.lines().filter(|line| line.starts_with("  ")) {
                assert!(line.chars().count() <= 80, "{}: {line}", command.get_name());
            }
            command.get_subcommands().for_each(check);
        }
        check(&crate::cli::command());
    }

    #[test]
    fn it_is_one_screen() {
        let screen = screen();
        // The prompt that comes after it has a line of its own.
        assert!(screen.lines().count() < 24, "{} lines", screen.lines().count());
        for line in screen.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
