//! `mcpauth gateway test`: runs a file of policy tests. Not here: what a test is (see `policy`).

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::gateway::from::PolicyFrom;
use crate::cli::out::Out;
use crate::config::Config;
use crate::deployment::text_of;
use crate::error::{Error, Exit};
use crate::policy::{CaseOutcome, Cases};

const EXAMPLES: &str = "Examples:
  mcpauth gateway test cases.yml
  mcpauth gateway test cases.yml --policy new-scopes.yml --json

A case: {name: readers read, groups: [readers], server: docs, tool: search,
         expect: allow}";

/// Run policy tests; exit code 7 if one fails or names a server or group that does not exist
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct TestArgs {
    #[command(flatten)]
    policy: PolicyFrom,
    /// The tests
    #[arg(value_name = "FILE")]
    cases: PathBuf,
}

pub(super) fn run(args: &TestArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    let hint = "see what a test looks like with: mcpauth gateway test --help";
    let text = text_of(&args.cases, hint)?;
    let cases = Cases::parse(&text)
        .map_err(|e| Error::Usage { message: format!("{}: {e}", args.cases.display()), hint: hint.into() })?;
    let (_, policy) = args.policy.read(config)?;
    let outcomes = cases.run(&policy, &args.policy.servers(config, &policy));
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    if out.json {
        let objects: Vec<_> = outcomes.iter().map(to_json).collect();
        out.object(&json!({"version": 1, "ok": failed == 0, "failed": failed, "tests": objects}));
    } else {
        for outcome in &outcomes {
            out.data(&outcome.to_string());
        }
        out.data(&format!("{} tests, {failed} failed", outcomes.len()));
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::Found })
}

fn to_json(outcome: &CaseOutcome) -> serde_json::Value {
    json!({
        "name": outcome.name,
        "line": outcome.line,
        "ok": outcome.failure.is_none(),
        "failure": outcome.failure,
    })
}
