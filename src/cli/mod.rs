//! The command line: what can be typed, one `match` that says where each verb is, and what the shell is told at the end.
//! One file a verb; it leaves all work to the modules below, which never print.

mod agentcore;
mod bridge;
mod client_metadata;
mod complete;
mod completions;
mod config;
mod configure;
mod credentials;
mod demo;
mod doctor;
mod egress;
mod env;
mod exec;
mod flows;
mod gateway;
mod generate;
mod headers;
mod ingress;
mod inspect;
mod keycloak;
mod login;
mod logout;
mod man;
mod mcp;
mod out;
mod person;
mod providers;
mod refresh;
mod report;
mod servers;
mod status;
mod token;

pub use self::gateway::InVault;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::cli::out::Out;
use crate::config::{Config, Settings};
use crate::error::{Error, Exit};

const EXIT_CODES: &str = "Exit codes: 0 all requested work done · 1 other · 2 usage or configuration · 3 some of several failed · \
                          4 a person must log in, or was refused · 5 network (try again) · 6 the MCP server answered with an error · 7 a check found something · \
                          126, 127 exec: the command does not start · 130, 143 signals";

/// Gets the credentials AI agents need for MCP servers, keeps them and hands them out without leaking them.
///
/// New here? `mcpauth demo` shows everything without an account.
#[derive(Parser, Debug)]
#[command(name = "mcpauth", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every verb understands.
#[derive(Args, Clone, Debug, Default)]
struct Global {
    /// Read settings from this file instead of ./.env and the reference's places; repeatable, a later one wins
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    env_file: Vec<PathBuf>,
    /// The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    #[arg(long, global = true, value_name = "FILE", hide = true)]
    found_env_file: Vec<PathBuf>,
    /// Read settings from no file at all
    #[arg(long, global = true, conflicts_with_all = ["env_file", "found_env_file"], help_heading = "Everywhere")]
    no_env_file: bool,
    /// Keep credentials in this folder [default: .oauth-tokens]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    tokens_dir: Option<PathBuf>,
    /// The registry's server files are in this folder [default: servers, else registry/servers]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    servers_dir: Option<PathBuf>,
    /// The gateway's address [default: REGISTRY_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = "Everywhere")]
    registry_url: Option<String>,
    /// Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    #[arg(long, global = true, value_enum, help_heading = "Everywhere")]
    storage: Option<StorageArg>,
    /// One JSON object on stdout; errors as JSON on stderr
    #[arg(long, global = true, help_heading = "Everywhere")]
    json: bool,
    /// Errors only
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    quiet: bool,
    /// Say more; never a secret
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Everywhere")]
    verbose: u8,
    /// Colours
    #[arg(long, global = true, value_enum, default_value_t = ColorArg::Auto, help_heading = "Everywhere")]
    color: ColorArg,
    /// Believe these certification authorities too (PEM), beside the system's
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    ca_cert: Option<PathBuf>,
    /// Plain http to other machines is meant
    #[arg(long, global = true, help_heading = "Everywhere")]
    allow_http: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum StorageArg {
    Auto,
    File,
    Keyring,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum, PartialEq, Eq)]
enum ColorArg {
    #[default]
    Auto,
    Always,
    Never,
}

/// Whether a browser is opened for a login.
#[derive(Args, Clone, Debug, Default)]
struct BrowserArgs {
    /// Open the browser even without a terminal
    #[arg(long, group = "login")]
    browser: bool,
    /// Print the login address, open nothing, and wait for the answer
    #[arg(long, group = "login")]
    no_browser: bool,
    /// Log in with a code that is entered on another device, where the provider allows it
    #[arg(long, group = "login")]
    device: bool,
}

#[derive(Subcommand, Debug)]
enum Command {
    Generate(generate::GenerateArgs),
    Ingress(ingress::IngressArgs),
    Egress(egress::EgressArgs),
    Login(login::LoginArgs),
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
    Logout(logout::LogoutArgs),
    Basic(mcp::BasicArgs),
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
    /// Open the page whose address is on stdin
    #[command(hide = true, name = crate::sys::browser::VERB)]
    OpenPage,
}

/// The whole program: arguments in, exit code out.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return refused(&error, args.iter().any(|arg| arg == "--json")),
    };
    let out = Out::new(&cli.global);
    let exit = verb(&cli, &out).unwrap_or_else(|error| {
        out.error(&error, "mcpauth --help");
        error.exit()
    });
    ExitCode::from(exit as u8)
}

/// Which verb is where.
fn verb(cli: &Cli, out: &Out) -> Result<Exit, Error> {
    match &cli.command {
        Command::Completions(args) => completions::run(args, out),
        Command::Complete(args) => Ok(complete::run(args, out)),
        Command::Demo(args) => demo::run(args, out),
        Command::Configure(args) => configure::run(args, settings(&cli.global, out)?, out),
        Command::Config(args) => config::run(args, settings(&cli.global, out)?, out),
        Command::Providers(args) => providers::run(args, &Config::resolve(settings(&cli.global, out)?)?, out),
        Command::Gateway(args) => gateway::run(args, &Config::resolve(settings(&cli.global, out)?)?, out),
        Command::Ingress(args) => ingress::run(args, settings(&cli.global, out)?, out),
        Command::Egress(args) => egress::run(args, settings(&cli.global, out)?, out),
        Command::Login(args) => login::run(args, settings(&cli.global, out)?, out),
        Command::ClientMetadata(args) => client_metadata::run(args, settings(&cli.global, out)?, out),
        Command::Agentcore(args) => agentcore::run(args, settings(&cli.global, out)?, out),
        Command::Keycloak(args) => keycloak::run(args, settings(&cli.global, out)?, out),
        Command::Generate(args) => generate::run(args, settings(&cli.global, out)?, out),
        Command::Refresh(args) => refresh::run(args, settings(&cli.global, out)?, out),
        Command::Status(args) => status::run(args, settings(&cli.global, out)?, out),
        Command::Inspect(args) => inspect::run(args, settings(&cli.global, out)?, out),
        Command::Token(args) => token::run(args, settings(&cli.global, out)?, out),
        Command::Headers(args) => headers::run(args, settings(&cli.global, out)?, out),
        Command::Env(args) => env::run(args, settings(&cli.global, out)?, out),
        Command::Exec(args) => exec::run(args, settings(&cli.global, out)?, out),
        Command::Logout(args) => logout::run(args, settings(&cli.global, out)?, out),
        Command::Basic(args) => mcp::basic(args, settings(&cli.global, out)?, out),
        Command::Ping(args) => mcp::ping(args, settings(&cli.global, out)?, out),
        Command::List(args) => mcp::list(args, settings(&cli.global, out)?, out),
        Command::Call(args) => mcp::call(args, settings(&cli.global, out)?, out),
        Command::Bridge(args) => bridge::run(args, settings(&cli.global, out)?, out),
        Command::Doctor(args) => doctor::run(args, settings(&cli.global, &out.muted()), out),
        Command::Man(args) => man::run(args, out),
        Command::OpenPage => Ok(crate::sys::browser::open_from_stdin().map(|()| Exit::Done)?),
    }
}

/// Settings with the flags that every verb has.
fn settings(global: &Global, out: &Out) -> Result<Settings, Error> {
    let mut settings = if global.no_env_file {
        Settings::environment()
    } else {
        Settings::load(&global.env_file, &global.found_env_file)?
    };
    settings.notices().iter().for_each(|notice| out.say(notice));
    // Said and not refused: the scripts left these files open, and a user must be able to start from there.
    for path in settings.exposed() {
        out.say(&format!(
            "{0} holds secrets and can be read by others; close it with: chmod 600 {0}",
            path.display()
        ));
    }
    if let Some(dir) = &global.tokens_dir {
        settings.flag("MCPAUTH_TOKENS_DIR", dir.to_string_lossy());
    }
    if let Some(dir) = &global.servers_dir {
        settings.flag("MCPAUTH_SERVERS_DIR", dir.to_string_lossy());
    }
    if let Some(url) = &global.registry_url {
        settings.flag("REGISTRY_URL", url.as_str());
    }
    if let Some(path) = &global.ca_cert {
        settings.flag("MCPAUTH_CA_CERT", path.to_string_lossy());
    }
    if let Some(storage) = global.storage.and_then(|storage| storage.to_possible_value()) {
        settings.flag("MCPAUTH_STORAGE", storage.get_name());
    }
    if global.allow_http {
        settings.flag("MCPAUTH_ALLOW_HTTP", "1");
    }
    Ok(settings)
}

/// Clap's own answers: help and version are data, everything else is a usage error.
fn refused(error: &clap::Error, json: bool) -> ExitCode {
    let help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if help {
        // A closed pipe while printing help is nobody's error.
        let _ = error.print();
    } else {
        out::usage_error(&error.render(), json);
    }
    if help { ExitCode::SUCCESS } else { ExitCode::from(Exit::Usage as u8) }
}

/// The command line as clap knows it, for completions and tests.
pub fn command() -> clap::Command {
    Cli::command()
}

/// A secret from a file, or from stdin for `-`: never from an argument, which every process can read.
fn secret_from(path: &std::path::Path) -> Result<crate::secret::Secret, Error> {
    use std::io::Read;
    let mut text = zeroize::Zeroizing::new(String::new());
    if path.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        let found = crate::sys::private_file::read(path)?;
        *text = found.ok_or_else(|| Error::Usage {
            message: format!("{} does not exist", path.display()),
            hint: "name a file with the secret in it, or - for stdin".into(),
        })?;
    }
    if text.trim().is_empty() {
        let message = format!("{} is empty; it should hold the secret", path.display());
        return Err(Error::Usage {
            message,
            hint: "name a file with the secret in it, or - for stdin".into(),
        });
    }
    Ok(crate::secret::Secret::new(text.trim()))
}
