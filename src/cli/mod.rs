//! The command line: the arguments, one `match` that dispatches the verbs, and the exit code. One file per verb. Not
//! here: all other work (see the modules below, which never print).

mod agentcore;
mod args;
mod ask;
mod bridge;
mod client_metadata;
mod client_rows;
mod complete;
mod completions;
mod config;
mod configure;
mod demo;
mod doctor;
mod egress;
mod env;
mod exec;
mod flows;
mod gateway;
mod generate;
mod given;
mod headers;
mod help;
mod import;
mod ingress;
mod inspect;
mod keycloak;
mod login;
mod logout;
mod man;
mod mcp;
mod out;
mod paths;
mod providers;
mod refresh;
mod report;
mod secret;
mod status;
mod suggest;
mod terminal_ui;
mod token;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::cli::args::{EXIT_CODES, Global};
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::error::{Error, Exit};
use crate::sys::address::shown_typed;
use crate::text::clean;

/// Gets the credentials AI agents need for MCP servers, keeps them and hands them out without leaking them.
///
/// New here? `mcpauth demo` shows everything without an account.
#[derive(Parser, Debug)]
#[command(name = "mcpauth", version, after_help = EXIT_CODES, arg_required_else_help = true, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Generate(generate::GenerateArgs),
    Ingress(ingress::IngressArgs),
    Egress(egress::EgressArgs),
    Login(Box<login::LoginArgs>),
    ClientMetadata(client_metadata::ClientMetadataArgs),
    Agentcore(agentcore::AgentcoreArgs),
    Keycloak(keycloak::KeycloakArgs),
    Configure(configure::ConfigureArgs),
    Config(config::ConfigArgs),
    Refresh(refresh::RefreshArgs),
    Status(status::StatusArgs),
    Inspect(inspect::InspectArgs),
    Token(token::TokenArgs),
    Headers(headers::HeadersArgs),
    Env(env::EnvArgs),
    Exec(exec::ExecArgs),
    Secret(secret::SecretArgs),
    Logout(logout::LogoutArgs),
    Import(import::ImportArgs),
    #[command(alias = "basic")]
    Probe(mcp::ProbeArgs),
    Ping(mcp::PingArgs),
    List(mcp::ListArgs),
    Call(mcp::CallArgs),
    Bridge(bridge::BridgeArgs),
    Doctor(doctor::DoctorArgs),
    Providers(providers::ProvidersArgs),
    Gateway(gateway::GatewayArgs),
    Demo(demo::DemoArgs),
    Completions(completions::CompletionsArgs),
    #[command(hide = true)]
    Complete(complete::CompleteArgs),
    Man(man::ManArgs),
    Help(help::HelpArgs),
    /// Open the page whose address is on stdin.
    #[command(hide = true, name = crate::sys::browser::VERB)]
    OpenPage,
}

impl Command {
    /// Whether it logs while it runs.
    fn runs_on(&self) -> bool {
        matches!(self, Self::Refresh(_) | Self::Bridge(_) | Self::Gateway(_))
    }
}

/// The whole program: arguments in, exit code out.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match parse(&args) {
        Ok(cli) => cli,
        Err(error) => return not_parsed(error, &args),
    };
    let out = Out::new(&cli.global);
    if cli.global.verbose > 0 || cli.command.runs_on() {
        out.listen();
    }
    let exit = verb(&cli, &out).unwrap_or_else(|error| {
        let error = cli.global.as_typed(error);
        out.error(&error, "mcpauth --help");
        error.exit()
    });
    ExitCode::from(out.ended(exit) as u8)
}

/// Dispatches the verbs.
fn verb(cli: &Cli, out: &Out) -> Result<Exit, Error> {
    let given = &Given { global: &cli.global, command };
    match &cli.command {
        Command::Completions(args) => completions::run(args, given, out),
        Command::Complete(args) => complete::run(args, given, out),
        Command::Demo(args) => demo::run(args, given, out),
        Command::Configure(args) => configure::run(args, given, out),
        Command::Config(args) => config::run(args, given, out),
        Command::Providers(args) => providers::run(args, given, out),
        Command::Gateway(args) => gateway::run(args, given, out),
        Command::Ingress(args) => ingress::run(args, given, out),
        Command::Egress(args) => egress::run(args, given, out),
        Command::Login(args) => login::run(args, given, out),
        Command::ClientMetadata(args) => client_metadata::run(args, given, out),
        Command::Agentcore(args) => agentcore::run(args, given, out),
        Command::Keycloak(args) => keycloak::run(args, given, out),
        Command::Generate(args) => generate::run(args, given, out),
        Command::Refresh(args) => refresh::run(args, given, out),
        Command::Status(args) => status::run(args, given, out),
        Command::Inspect(args) => inspect::run(args, given, out),
        Command::Token(args) => token::run(args, given, out),
        Command::Headers(args) => headers::run(args, given, out),
        Command::Env(args) => env::run(args, given, out),
        Command::Exec(args) => exec::run(args, given, out),
        Command::Secret(args) => secret::run(args, given, out),
        Command::Logout(args) => logout::run(args, given, out),
        Command::Import(args) => import::run(args, given, out),
        Command::Probe(args) => mcp::probe(args, given, out),
        Command::Ping(args) => mcp::ping(args, given, out),
        Command::List(args) => mcp::list(args, given, out),
        Command::Call(args) => mcp::call(args, given, out),
        Command::Bridge(args) => bridge::run(args, given, out),
        Command::Doctor(args) => doctor::run(args, given, out),
        Command::Man(args) => man::run(args, given, out),
        Command::Help(args) => help::run(args, given, out),
        Command::OpenPage => Ok(crate::sys::browser::open_from_stdin().map(|()| Exit::Done)?),
    }
}

fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = help::short(command());
    let matches = command.try_get_matches_from_mut(args)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Clap's own output: help and version are data, everything else is a usage error.
fn not_parsed(mut error: clap::Error, args: &[OsString]) -> ExitCode {
    let json = args.iter().any(|arg| arg == "--json");
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => return ExitCode::from(out::help(&error) as u8),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if args.len() < 2 => {
            return ExitCode::from(out::help(&error) as u8);
        }
        ErrorKind::InvalidSubcommand
            if let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) =>
        {
            let (path, verbs) = verbs_before(typed, args);
            let (message, hint) = match path.as_str() {
                "" => (clean(&shown_typed(typed), 80), suggest::hint("", typed, args, &verbs)),
                path => (format!("{path} {}", clean(typed, 80)), suggest::hint(path, typed, args, &verbs)),
            };
            out::bare_error(&format!("there is no verb {message:?}"), &hint, json);
        }
        // Options alone: nothing says what to do with them.
        ErrorKind::MissingSubcommand => {
            let (path, _) = verbs_before("", args);
            out::bare_error("no verb is given", &suggest::verbs_of(&path), json);
        }
        kind => {
            if let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidValue) {
                let shown = ContextValue::String(shown_typed(typed));
                error.insert(ContextKind::InvalidValue, shown);
            }
            // An unknown option was probably not intended as a value after --.
            if kind == ErrorKind::UnknownArgument && error.get(ContextKind::SuggestedArg).is_none() {
                error.remove(ContextKind::Suggested);
            }
            out::usage_error(&error.render(), json);
        }
    }
    ExitCode::from(Exit::Usage as u8)
}

/// The verbs in front of one that does not exist, and those that could stand in its place.
fn verbs_before(typed: &str, args: &[OsString]) -> (String, Vec<String>) {
    let all = command();
    let (mut at, mut path) = (&all, Vec::new());
    for word in args.iter().skip(1).take_while(|word| *word != typed).filter_map(|word| word.to_str()) {
        if let Some(verb) = at.find_subcommand(word) {
            path.push(verb.get_name().to_owned());
            at = verb;
        }
    }
    let verbs = at.get_subcommands().filter(|verb| !verb.is_hide_set()).map(clap::Command::get_name);
    (path.join(" "), verbs.map(str::to_owned).collect())
}

/// The command line as clap knows it, for completions and tests.
pub fn command() -> clap::Command {
    Cli::command()
}
