//! `mcpauth gateway explain`: who may do what, and which line of the policy says so. It leaves deciding to `policy`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::gateway::policy_from::{PolicyFrom, text_of};
use crate::cli::out::Out;
use crate::config::Config;
use crate::error::{Error, Exit};
use crate::policy::{Call, Principal};

const EXAMPLES: &str = "Examples:
  mcpauth gateway explain --server docs --tool search --groups readers
  mcpauth gateway explain --server docs --method tools/list --scopes docs/read --json";

/// Say whether a caller may do something, and which line of the policy decides
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    policy: PolicyFrom,
    /// The server, by its path without slashes
    #[arg(long)]
    server: String,
    /// The method, GET for the stream or DELETE for a session's end [default: the one that is about what is named]
    #[arg(long, required_unless_present_any = ["tool", "prompt", "resource"])]
    method: Option<String>,
    /// The tool it calls
    #[arg(long, conflicts_with_all = ["prompt", "resource"])]
    tool: Option<String>,
    /// The prompt it gets
    #[arg(long, conflicts_with = "resource")]
    prompt: Option<String>,
    /// The resource it reads
    #[arg(long, value_name = "URI")]
    resource: Option<String>,
    /// The caller's groups
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    groups: Vec<String>,
    /// The token's own scopes
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    scopes: Vec<String>,
    /// A JSON object with the token's claims, for the policy's `when`
    #[arg(long, value_name = "FILE")]
    claims: Option<PathBuf>,
}

pub(super) fn run(args: &ExplainArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    let (path, policy) = args.policy.read(config)?;
    let principal = Principal {
        groups: args.groups.clone(),
        scopes: args.scopes.clone(),
        claims: args.claims()?,
        ..Principal::default()
    };
    let explanation = policy.explain(&principal, args.server.trim_matches('/'), &args.call());
    if out.json {
        let verdict = &explanation.verdict;
        out.object(&json!({
            "version": 1,
            "policy": path.display().to_string(),
            "allowed": verdict.is_ok(),
            "rule": verdict.as_ref().ok().map(ToString::to_string),
            "reason": verdict.as_ref().err().map(ToString::to_string),
            "notes": explanation.notes,
        }));
    } else {
        out.data(&explanation.to_string());
    }
    Ok(Exit::Done)
}

impl ExplainArgs {
    fn call(&self) -> Call<'_> {
        let Self { method, tool, prompt, resource, .. } = self;
        Call::written(method.as_deref(), tool.as_deref(), prompt.as_deref(), resource.as_deref())
    }

    fn claims(&self) -> Result<Map<String, Value>, Error> {
        let Some(path) = &self.claims else { return Ok(Map::new()) };
        let hint = "name a file with one JSON object in it, as in a token's payload";
        let text = text_of(path, hint)?;
        // Not the reader's own words: they could show what is in the file.
        serde_json::from_str(&text).map_err(|e| Error::Usage {
            message: format!("{}: line {} is not as it should be", path.display(), e.line()),
            hint: hint.into(),
        })
    }
}
