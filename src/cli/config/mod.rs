//! `mcpauth config`: the settings in force, and client configurations made from the stored credentials. Not here:
//! headers, templates and merging (see `render`).

mod install;
mod show;
pub(super) mod uninstall;

use clap::{Args, Subcommand};

use crate::cli::args::{auth_modes, client_names};
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::config::Config;
use crate::error::{Error, Exit};

/// Show settings, and render or install client configurations
#[derive(Args, Debug)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    what: ConfigCommand,
}

#[derive(Subcommand, Debug)]
enum ConfigCommand {
    /// Show the settings in force, or with --client that client's configuration; secrets are redacted
    Show(show::ShowArgs),
    /// Print a client's configuration as it would be written, secrets included
    Render {
        /// The client
        #[arg(long, value_parser = client_names())]
        client: String,
        /// Where the client gets the headers from
        #[arg(long, value_parser = auth_modes())]
        auth_mode: Option<String>,
    },
    /// Merge mcpauth's entries into the clients' own files; everything else in them stays
    Install(install::InstallArgs),
    /// Take our entries out of the clients' own files; everything else in them stays
    Uninstall(uninstall::UninstallArgs),
}

pub(super) fn run(args: &ConfigArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    // A broken setting must not prevent showing the settings.
    let config = match &args.what {
        ConfigCommand::Show(_) => Config::for_names(given.settings(out)?)?,
        _ => given.config(out)?,
    };
    match &args.what {
        ConfigCommand::Show(args) => show::run(args, &config, out),
        ConfigCommand::Render { client, auth_mode } => {
            show::render(&config, client, auth_mode.as_deref(), out)
        }
        ConfigCommand::Install(args) => install::run(args, &config, out),
        ConfigCommand::Uninstall(args) => uninstall::run(args, &config, out),
    }
}
