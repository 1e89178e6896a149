//! `mcpauth gateway`: what is typed about the gateway. It leaves where its settings come from to `prepare`, and the work
//! to the modules below.

mod check;
mod explain;
mod from;
mod issuer;
pub(super) mod journal;
mod policy_from;
pub(super) mod prepare;
mod routes;
mod serve;
mod stored;
mod test;
mod token;
mod vouch;

pub use stored::InVault;

use clap::{Args, Subcommand};

use crate::cli::out::Out;
use crate::config::Config;
use crate::error::{Error, Exit};
use crate::gateway::settings::GatewaySettings;

/// Serve the gateway, check and explain its settings, policy and servers
#[derive(Args, Debug)]
pub(super) struct GatewayArgs {
    #[command(subcommand)]
    what: GatewayCommand,
}

#[derive(Subcommand, Debug)]
enum GatewayCommand {
    Serve(serve::ServeArgs),
    Check(check::CheckArgs),
    Explain(explain::ExplainArgs),
    Test(test::TestArgs),
    Routes(routes::RoutesArgs),
    Token(token::TokenArgs),
    /// Print the JSON schema of gateway.yaml, for editors
    Schema,
}

pub(super) fn run(args: &GatewayArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    match &args.what {
        GatewayCommand::Serve(args) => serve::run(args, config, out),
        GatewayCommand::Check(args) => check::run(args, config, out),
        GatewayCommand::Explain(args) => explain::run(args, config, out),
        GatewayCommand::Test(args) => test::run(args, config, out),
        GatewayCommand::Routes(args) => routes::run(args, config, out),
        GatewayCommand::Token(args) => token::run(args, config, out),
        GatewayCommand::Schema => {
            out.object(&GatewaySettings::schema());
            Ok(Exit::Done)
        }
    }
}
