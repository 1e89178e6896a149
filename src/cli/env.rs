//! `mcpauth env`: fresh headers as shell assignments. Not here: which variables a server has (see `servers`).

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use crate::cli::args::AuthArgs;
use crate::cli::flows;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::error::{Error, Exit};
use crate::secret::Secret;
use crate::servers::{Gathered, SET_UP, ServerRef, Servers, gather, unambiguous};
use crate::sys::env;

/// Print fresh credentials as shell variables
///
/// One variable per header, MCPAUTH_<SERVER>_<HEADER>, and for a single server also MCP_SERVER_URL and
/// MCP_AUTH_TOKEN, the gateway's token. Tokens that are due are renewed first; it never starts a login. Without a
/// valid token it prints nothing and the exit code is 4, or 5 if a server cannot be reached. With several servers,
/// those that fail are left out and the exit code is 3.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  eval \"$(mcpauth env fininfo)\"\n  mcpauth env --shell fish | source\n  \
                        mcpauth env --shell powershell | Out-String | Invoke-Expression\n  \
                        mcpauth env --json | from json | load-env      (Nushell)"
)]
pub(super) struct EnvArgs {
    /// The server's name or address [default: every server]
    #[arg(value_name = "SERVER")]
    server: Option<ServerRef>,
    /// The shell to write for [default: from $SHELL]
    #[arg(long, value_enum)]
    shell: Option<Shell>,
    #[command(flatten)]
    auth: AuthArgs,
}

/// A shell, by its quoting rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    Sh,
    Bash,
    Zsh,
    Fish,
    #[value(alias = "pwsh")]
    Powershell,
    #[value(alias = "nushell")]
    Nu,
}

pub(super) fn run(args: &EnvArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let servers = flows::servers(given.config(out)?, out)?.with(args.auth.auth);
    let which = match &args.server {
        Some(which) => vec![servers.find(which)],
        None => servers.reachable_names()?.into_iter().map(ServerRef::ByName).collect(),
    };
    if which.is_empty() {
        return Err(Error::Usage { message: "no server is set up".into(), hint: SET_UP.into() });
    }
    let Gathered { variables, failed } = flows::complete(out, async { Ok(gather(&servers, &which).await) })?;
    let exit = complain(&servers, &failed, which.len(), out);
    if failed.len() < which.len() {
        unambiguous(&variables)?;
        print(&variables, args.shell.unwrap_or_else(guessed), out);
    }
    Ok(exit)
}

/// Reports what failed. The exit code: 3 if some of several failed, else the first failure's.
pub(super) fn complain(servers: &Servers, failed: &[(ServerRef, Error)], asked: usize, out: &Out) -> Exit {
    for (which, error) in failed {
        if asked > 1 && !out.json {
            out.say(&format!("{which}:"));
        }
        out.error(error, &servers.command_for(which));
    }
    match failed.first() {
        None => Exit::Done,
        Some((_, error)) if failed.len() == asked => error.exit(),
        Some(_) => Exit::Partial,
    }
}

fn print(variables: &[(String, Secret)], shell: Shell, out: &Out) {
    if out.json {
        let object: Map<String, Value> =
            variables.iter().map(|(name, value)| (name.clone(), value.expose().into())).collect();
        return out.object(&Value::Object(object));
    }
    for (name, value) in variables {
        out.data(&shell.line(name, value.expose()));
    }
}

/// From `$SHELL`; PowerShell if it is not set.
fn guessed() -> Shell {
    let path = env::get("SHELL").unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let shell = Shell::from_str(name, true).ok();
    shell.unwrap_or(if env::IS_WINDOWS { Shell::Powershell } else { Shell::Sh })
}

impl Shell {
    /// The line that sets a variable. Nothing in the value is special to the shell.
    fn line(self, name: &str, value: &str) -> String {
        match self {
            Self::Sh | Self::Bash | Self::Zsh => format!("export {name}='{}'", value.replace('\'', r"'\''")),
            Self::Fish => format!("set -gx {name} '{}'", value.replace('\\', r"\\").replace('\'', r"\'")),
            Self::Powershell => {
                // PowerShell also treats the typographic quotes as single quotes.
                let quote = |c: char| matches!(c, '\'' | '\u{2018}'..='\u{201b}');
                let doubled =
                    value.chars().flat_map(|c| std::iter::repeat_n(c, if quote(c) { 2 } else { 1 }));
                format!("$env:{name} = '{}'", doubled.collect::<String>())
            }
            Self::Nu => {
                format!("$env.{name} = \"{}\"", value.replace('\\', r"\\").replace('"', "\\\""))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_shell_gets_its_own_quotes() {
        let value = r#"a'b"c\d$e`f ‘g"#;
        let cases = [
            (Shell::Sh, r#"export V='a'\''b"c\d$e`f ‘g'"#),
            (Shell::Bash, r#"export V='a'\''b"c\d$e`f ‘g'"#),
            (Shell::Zsh, r#"export V='a'\''b"c\d$e`f ‘g'"#),
            (Shell::Fish, r#"set -gx V 'a\'b"c\\d$e`f ‘g'"#),
            (Shell::Powershell, r#"$env:V = 'a''b"c\d$e`f ‘‘g'"#),
            (Shell::Nu, r#"$env.V = "a'b\"c\\d$e`f ‘g""#),
        ];
        for (shell, expected) in cases {
            assert_eq!(shell.line("V", value), expected, "{shell:?}");
        }
    }

    proptest! {
        /// A parser of single-quoted words by POSIX's rule: everything up to the next quote, and `\'` outside.
        #[test]
        fn a_posix_shell_reads_the_value_back(value in "[ -~‘-‛]{0,60}") {
            let line = Shell::Sh.line("V", &value);
            let mut rest = line.strip_prefix("export V=").unwrap();
            let mut read = String::new();
            while !rest.is_empty() {
                if let Some(after) = rest.strip_prefix(r"\'") {
                    read.push('\'');
                    rest = after;
                } else {
                    let (word, after) = rest.strip_prefix('\'').unwrap().split_once('\'').unwrap();
                    read.push_str(word);
                    rest = after;
                }
            }
            prop_assert_eq!(read, value);
        }
    }
}
