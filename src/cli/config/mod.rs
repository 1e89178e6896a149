//! `mcpauth config`: the settings in force, and the client configurations made from the credentials at hand.
//! It leaves headers, templates and merging to `render`.

mod install;
mod show;
mod words;

use clap::{Args, Subcommand};

use self::words::{auth_modes, names};
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
    /// The settings in force; with --client, that client's configuration; secrets redacted in both
    Show(show::ShowArgs),
    /// Print a client's configuration as it would be written, secrets included
    Render {
        /// The client
        #[arg(long, value_parser = names())]
        client: String,
        /// Where the client has the headers from
        #[arg(long, value_parser = auth_modes())]
        auth_mode: Option<String>,
    },
    /// Merge our entries into the clients' own files; everything else in them stays
    Install(install::InstallArgs),
}

pub(super) fn run(args: &ConfigArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    // What is shown may be the very setting that is wrong.
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
    }
}
