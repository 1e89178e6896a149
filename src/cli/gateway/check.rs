//! `mcpauth gateway check`: everything that is wrong with the gateway's settings, policy and servers, with remedies.

use clap::Args;
use serde_json::json;

use crate::cli::gateway::from::From;
use crate::cli::out::Out;
use crate::config::Config;
use crate::deployment;
use crate::error::{Error, Exit};

const EXAMPLES: &str = "Examples:
  mcpauth gateway check                          what is in this folder
  mcpauth gateway check --config /etc/mcpauth/gateway.yaml --json";

/// Check the gateway's settings, policy and servers; exit code 7 if something is wrong
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    from: From,
}

pub(super) fn run(args: &CheckArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    let prepared =
        deployment::prepare(args.from.named(), &deployment::Flags::default(), config, &out.context())?;
    let from = prepared
        .file
        .as_ref()
        .map_or_else(|| "the environment".to_owned(), |path| path.display().to_string());
    let problems = &prepared.problems;
    if out.json {
        out.object(&json!({"version": 1, "ok": problems.is_empty(), "settings": from, "mcpgw": prepared.mcpgw(), "problems": problems}));
    } else {
        for problem in problems {
            let word = if problem.is_error() { "error" } else { "remark" };
            out.data(&out.fold(&format!("{word}: {problem}\n  -> {}", problem.remedy)));
        }
    }
    if !problems.is_empty() {
        return Ok(Exit::Found);
    }
    let (issuers, servers) = (prepared.settings.issuers.len(), prepared.count());
    let mcpgw = prepared.mcpgw().map(|who| format!("; mcpgw is {who}")).unwrap_or_default();
    out.result(&format!("{from} is fine (issuers: {issuers}, servers: {servers}){mcpgw}"));
    Ok(Exit::Done)
}
