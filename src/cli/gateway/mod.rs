//! `mcpauth gateway`: the gateway's verbs. Not here: where its settings come from (see `deployment`); the work (see
//! `gateway`).

mod check;
mod explain;
mod from;
mod routes;
mod serve;
mod test;
mod token;

use clap::{Args, Subcommand};

use crate::cli::given::Given;
use crate::cli::out::Out;
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
    Token(token::VendArgs),
    /// Print the JSON schema of gateway.yaml, for editors
    Schema,
}

pub(super) fn run(args: &GatewayArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let config = &given.config(out)?;
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
