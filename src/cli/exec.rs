//! `mcpauth exec`: runs a command with fresh credentials in its environment, and nowhere else. Not here: the
//! variables (see `servers`); starting the command (see `sys::process`).

use std::ffi::OsString;

use clap::Args;

use crate::cli::args::AuthArgs;
use crate::cli::env::complain;
use crate::cli::flows;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::config::is_name;
use crate::error::{Error, Exit};
use crate::servers::{
    Gathered, ServerRef, Servers, TokenVariable, Variables, gather, mapped, secrets_of, unambiguous,
};
use crate::sys::process;

/// Run a command with a server's secrets or fresh credentials in its environment
///
/// A local server gets the secrets that mcpauth secret set stored for it. The variables of a remote server are those
/// of mcpauth env; with --env only the named ones are set, each to a credential's token. mcpauth's own secrets (client
/// secrets, MCP_AUTH_TOKEN) are removed from its environment. Tokens that are due are renewed first; it never starts a login, and the command does not run
/// without a valid token for every server. The command replaces the mcpauth process: it gets the signals and all of
/// stdout, and its exit code is returned. 127 means that the command was not found, 126 that it cannot be run.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth exec fininfo -- python agent.py\n  \
                        mcpauth exec fininfo currenttime -- codex\n  \
                        mcpauth exec files -- npx -y @example/server-files\n  \
                        mcpauth exec notes --env NOTES_TOKEN=token -- npx -y @example/server-notes")]
pub(super) struct ExecArgs {
    /// The servers' names, or their addresses
    #[arg(value_name = "SERVER", required = true)]
    servers: Vec<ServerRef>,
    /// Set this variable to a token, and set no others: of the server's credential, or of the one named after a colon;
    /// repeatable
    #[arg(long, value_name = "NAME=token")]
    env: Vec<String>,
    #[command(flatten)]
    auth: AuthArgs,
    /// The command and its arguments, after --
    #[arg(value_name = "COMMAND", required = true, last = true)]
    command: Vec<OsString>,
}

pub(super) fn run(args: &ExecArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let Some((program, arguments)) = args.command.split_first() else { return Ok(Exit::Usage) };
    let servers = flows::servers(given.config(out)?, out)?.with(args.auth.auth);
    let Environment { variables, failed, asked } = flows::complete(out, args.environment(&servers))?;
    if !failed.is_empty() {
        return Ok(complain(&servers, &failed, asked, out));
    }
    unambiguous(&variables)?;
    let exposed = variables.iter().map(|(name, value)| (name.as_str(), value.expose()));
    let source = process::become_command(program, arguments, exposed, &servers.config.withheld());
    let program = crate::text::clean(&program.to_string_lossy(), 200);
    Err(Error::Start { program, source })
}

/// What the command gets.
struct Environment {
    variables: Variables,
    /// The servers without a valid token.
    failed: Vec<(ServerRef, Error)>,
    /// How many servers were asked for their headers.
    asked: usize,
}

impl ExecArgs {
    /// The secrets of every server, then tokens under the names that were asked for, or else all headers.
    async fn environment(&self, servers: &Servers) -> Result<Environment, Error> {
        let (config, vault) = (&servers.config, &servers.vault);
        let tokens: Vec<TokenVariable> =
            self.env.iter().map(|text| token_variable(text)).collect::<Result<_, _>>()?;
        let mut variables = Variables::new();
        let mut remote: Vec<ServerRef> = Vec::new();
        for server in &self.servers {
            let secrets = match server {
                ServerRef::ByName(name) => secrets_of(config, vault, name).await?,
                ServerRef::ByUrl(_) => Variables::new(),
            };
            let found = servers.find(server);
            // A local server needs no more than its secrets.
            let is_local = !secrets.is_empty() && servers.check(&found).is_err();
            if !is_local && !remote.contains(&found) {
                remote.push(found);
            }
            variables.extend(secrets);
        }
        if !tokens.is_empty() {
            variables.extend(self.tokens(servers, &tokens).await?);
            remote.clear();
        }
        let asked = remote.len();
        let Gathered { variables: headers, failed } = gather(servers, &remote).await;
        variables.extend(headers);
        Ok(Environment { variables, failed, asked })
    }

    async fn tokens(&self, servers: &Servers, wanted: &[TokenVariable]) -> Result<Variables, Error> {
        let server = match self.servers.as_slice() {
            [ServerRef::ByName(name)] => name.clone(),
            [ServerRef::ByUrl(url)] => servers.name_at(url).unwrap_or_default(),
            _ => String::new(),
        };
        if server.is_empty() && wanted.iter().any(|wanted| wanted.credential.is_none()) {
            let hint = "name one server, or the credential: --env NAME=token:CREDENTIAL".into();
            return Err(Error::Usage { message: "--env NAME=token is for one server".into(), hint });
        }
        mapped(&servers.config, &servers.vault, wanted, &server).await
    }
}

/// `NAME=token` or `NAME=token:CREDENTIAL`. Anything else may be a secret that was typed by mistake, and is not repeated.
fn token_variable(text: &str) -> Result<TokenVariable, Error> {
    let odd = || Error::Usage {
        message: "--env needs NAME=token or NAME=token:CREDENTIAL".into(),
        hint: "a value of your own is stored with: mcpauth secret set SERVER NAME".into(),
    };
    let (name, what) = text.split_once('=').filter(|(name, _)| is_name(name)).ok_or_else(odd)?;
    let credential = match what.split_once(':') {
        None if what == "token" => None,
        Some(("token", credential)) if !credential.is_empty() => Some(credential.to_owned()),
        _ => return Err(odd()),
    };
    Ok(TokenVariable { name: name.into(), credential })
}
