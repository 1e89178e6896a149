//! `mcpauth gateway`: what is typed about the gateway. It leaves where its settings come from to `prepare`, and the work
//! to the modules below.

mod check;
mod explain;
mod issuer;
pub(super) mod journal;
pub(super) mod prepare;
mod routes;
mod serve;
mod stored;
mod test;
mod vouch;

pub use stored::InVault;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::cli::out::Out;
use crate::config::Config;
use crate::error::{Error, Exit};
use crate::gateway::settings::{self, Settings};
use crate::policy::Policy;
use crate::problem::Problem;
use crate::sys::regular_file;

/// Serve the gateway, check and explain its settings, policy and servers
#[derive(Args, Debug)]
pub(super) struct GatewayArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    Serve(serve::ServeArgs),
    Check(check::CheckArgs),
    Explain(explain::ExplainArgs),
    Test(test::TestArgs),
    Routes(routes::RoutesArgs),
    /// Print the JSON schema of gateway.yaml, for editors
    Schema,
}

/// Where the gateway's settings are.
#[derive(Args, Clone, Debug, Default)]
struct From {
    /// The gateway's settings [default: ./gateway.yaml, else the environment]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Which policy is meant.
#[derive(Args, Clone, Debug, Default)]
struct PolicyFrom {
    #[command(flatten)]
    from: From,
    /// This policy instead of the gateway's
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

pub(super) fn run(args: &GatewayArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    match &args.what {
        What::Serve(args) => serve::run(args, config, out),
        What::Check(args) => check::run(args, config, out),
        What::Explain(args) => explain::run(args, config, out),
        What::Test(args) => test::run(args, config, out),
        What::Routes(args) => routes::run(args, config, out),
        What::Schema => {
            out.object(&Settings::schema());
            Ok(Exit::Done)
        }
    }
}

impl PolicyFrom {
    fn read(&self, config: &Config) -> Result<(PathBuf, Policy), Error> {
        let path = match &self.policy {
            Some(path) => path.clone(),
            None => prepare::without_issuers(&self.from, config)?.policy,
        };
        let policy = Policy::parse(&text_of(&path, "name the policy with --policy FILE")?).map_err(|e| {
            let message = format!("{}: {e}", path.display());
            Error::Usage { message, hint: "correct the policy, then run: mcpauth gateway check".into() }
        })?;
        Ok((path, policy))
    }
}

impl PolicyFrom {
    /// The names of the servers that there are files of; `None` where they cannot be read.
    fn servers(&self, config: &Config) -> Option<Vec<String>> {
        let settings = prepare::without_issuers(&self.from, config).ok()?;
        let word = vouch::Word::of(&self.from, prepare::file(&self.from, config).as_deref(), config);
        let mut problems = Vec::new();
        let servers = prepare::servers(&settings, &word, config, &mut problems);
        let names = servers.into_iter().map(|server| server.name).collect();
        (!problems.iter().any(Problem::is_error)).then_some(names)
    }
}

/// A file that was named, as text.
fn text_of(path: &Path, hint: &str) -> Result<String, Error> {
    let unreadable = |e: std::io::Error| {
        let message = format!("{}: {e}", path.display());
        Error::Usage { message, hint: hint.into() }
    };
    regular_file::read_text(path, settings::MOST).map_err(unreadable)
}
