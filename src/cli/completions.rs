//! `mcpauth completions`: the shells' scripts. All but one are the files under `completions/`: they call `mcpauth
//! complete` at every completion. Nushell needs every verb spelt out, so its script is generated here.

use clap::builder::PossibleValuesParser;
use clap::{Args, Command, ValueEnum};
use clap_complete_nushell::Nushell;

use crate::cli::complete::names;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::error::{Error, Exit};

/// Print the completion script for a shell
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:\n  mcpauth completions bash > /etc/bash_completion.d/mcpauth\n  \
                        mcpauth completions zsh > /usr/local/share/zsh/site-functions/_mcpauth\n  \
                        mcpauth completions fish > ~/.config/fish/completions/mcpauth.fish\n  \
                        mcpauth completions nushell > ~/.config/nushell/autoload/mcpauth.nu"
)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: CompletionShell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CompletionShell {
    Bash,
    Elvish,
    Fish,
    Nushell,
    Powershell,
    Zsh,
}

/// Marks the places in the generated script where names are completed, with the words that ask for them.
const MARK: &str = "\u{1}";

#[expect(clippy::unnecessary_wraps, reason = "every verb has this shape")]
pub(super) fn run(args: &CompletionsArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let script = match args.shell {
        CompletionShell::Bash => include_str!("../../completions/mcpauth.bash").into(),
        CompletionShell::Elvish => include_str!("../../completions/mcpauth.elv").into(),
        CompletionShell::Fish => include_str!("../../completions/mcpauth.fish").into(),
        CompletionShell::Powershell => include_str!("../../completions/_mcpauth.ps1").into(),
        CompletionShell::Zsh => include_str!("../../completions/_mcpauth").into(),
        CompletionShell::Nushell => nushell((given.command)()),
    };
    out.data(script.trim_end());
    Ok(Exit::Done)
}

/// The generated script, with each mark replaced by a call of mcpauth.
fn nushell(command: Command) -> String {
    let mut script = Vec::new();
    let mut command = marked(command, "");
    clap_complete::generate(Nushell, &mut command, "mcpauth", &mut script);
    let script = String::from_utf8_lossy(&script);
    // The generator writes [ "\"value\"" ] for a value with spaces in it.
    let asked = script.split(MARK).enumerate().map(|(n, part)| match n % 2 {
        0 => part.trim_start_matches("\\\"\" ]").trim_end_matches("[ \"\\\"").to_owned(),
        _ => format!("^mcpauth complete {part} | lines | each {{ split row (char tab) | first }}"),
    });
    asked.collect()
}

/// Every argument that names something gets one value, the mark, for the generator to write.
fn marked(command: Command, before: &str) -> Command {
    let path = format!("{before}{} ", command.get_name());
    let words = path.clone();
    let verb = path.split_once(' ').map_or("", |(_, verb)| verb).trim_end().to_owned();
    let command = command.mut_args(move |arg| match names(&verb, &arg) {
        None => arg,
        Some(_) => {
            let option = arg.get_long().map(|long| format!("--{long} ")).unwrap_or_default();
            arg.value_parser(PossibleValuesParser::new([format!("{MARK}{words}{option}'='{MARK}")]))
        }
    });
    command.mut_subcommands(|command| marked(command, &path))
}
