//! `mcpauth gateway explain`: who may do what, and which line of the policy says so. It leaves deciding to `policy`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};
use url::Url;

use crate::cli::gateway::from::PolicyFrom;
use crate::cli::out::Out;
use crate::config::Config;
use crate::deployment::{text_of, with_issuers};
use crate::error::{Error, Exit};
use crate::gateway::authn;
use crate::gateway::authn::jwt::TokenError;
use crate::gateway::servers::FoundServers;
use crate::gateway::servers::audience::servers_of;
use crate::gateway::servers::headers::AllowedVariables;
use crate::gateway::servers::route::Routes;
use crate::inspect::token_of;
use crate::policy::{Call, Explanation, Principal};
use crate::registry::Registry;
use crate::sys::clock;
use crate::text::{clean, word};

const EXAMPLES: &str = "Examples:
  mcpauth gateway explain --server docs --tool search --groups readers
  mcpauth gateway explain --server docs --method tools/list --scopes docs/read --json
  mcpauth gateway explain --token ingress                  all that this stored token may do
  mcpauth gateway explain --token ingress --server docs --tool search";

/// Say whether a caller may do something, and which line of the policy decides
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    policy: PolicyFrom,
    /// The server, by its path without slashes
    #[arg(long, required_unless_present = "token")]
    server: Option<String>,
    /// The method, GET for the stream or DELETE for a session's end [default: the one that is about what is named]
    #[arg(long, requires = "server")]
    method: Option<String>,
    /// The tool it calls
    #[arg(long, conflicts_with_all = ["prompt", "resource"], requires = "server")]
    tool: Option<String>,
    /// The prompt it gets
    #[arg(long, conflicts_with = "resource", requires = "server")]
    prompt: Option<String>,
    /// The resource it reads
    #[arg(long, value_name = "URI", requires = "server")]
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
    /// The caller is who brings this token: a credential by its name in mcpauth status, a token's file, or - for stdin
    #[arg(long, value_name = "NAME", conflicts_with_all = ["groups", "scopes", "claims"])]
    token: Option<String>,
}

/// Whom it is about.
enum ExplainedCaller {
    Known(Box<Principal>),
    /// The gateway would not even let them in.
    Refused(TokenError),
}

pub(super) fn run(args: &ExplainArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    let (path, policy) = args.policy.read(config)?;
    let principal = match args.caller(config, out)? {
        ExplainedCaller::Known(principal) => principal,
        ExplainedCaller::Refused(reject) => {
            say_refused(reject, args.token.as_deref().unwrap_or_default(), &path, out);
            return Ok(Exit::Done);
        }
    };
    let server = args.server.as_deref().map(|name| name.trim_matches('/'));
    match (server, args.call()) {
        (Some(server), Some(call)) => {
            let explanation = policy.explain(&principal, server, &call);
            say(&explanation.to_string(), || object(&path, &explanation), out);
        }
        (Some(server), None) if args.token.is_none() => return Err(nothing_asked(server)),
        (server, _) => {
            let overview = policy.overview(&principal, server);
            let object = || json!({"version": 1, "policy": path.display().to_string(), "allowed": overview.entries, "notes": overview.notes});
            say(&overview.to_string(), object, out);
        }
    }
    Ok(Exit::Done)
}

/// Of a caller without a token only one thing at a time can be said.
fn nothing_asked(server: &str) -> Error {
    let server = word(&clean(server, 100));
    Error::Usage {
        message: "nothing is asked about: name one of --tool, --method, --prompt and --resource".into(),
        hint: format!(
            "who sees the tools: mcpauth gateway explain --server {server} --method tools/list --groups YOUR,GROUPS"
        ),
    }
}

fn object(path: &Path, explanation: &Explanation) -> Value {
    let verdict = &explanation.verdict;
    json!({
        "version": 1,
        "policy": path.display().to_string(),
        "allowed": verdict.is_ok(),
        "rule": verdict.as_ref().ok().map(ToString::to_string),
        "reason": verdict.as_ref().err().map(ToString::to_string),
        "notes": explanation.notes,
    })
}

/// In words, or as the object.
fn say(words: &str, object: impl Fn() -> Value, out: &Out) {
    if out.json { out.object(&object()) } else { out.data(words) }
}

/// A token that opens nothing at all, whatever the policy says.
fn say_refused(reject: TokenError, token: &str, path: &Path, out: &Out) {
    let remedy = match reject {
        TokenError::Issuer => "the gateway's issuers have none that it names in iss".to_owned(),
        TokenError::Malformed => "it does not say what it is about; only its issuer knows".to_owned(),
        TokenError::Expired => format!("renew it with: mcpauth token {token}"),
        _ => format!("see what it says with: mcpauth inspect {token}"),
    };
    let reason = format!("the gateway refuses the token: {}", reject.description());
    let object = || {
        json!({
            "version": 1, "policy": path.display().to_string(), "allowed": false, "rule": null, "reason": reason,
            "notes": [remedy],
        })
    };
    say(&format!("denied: {reason}\n  {remedy}"), object, out);
}

impl ExplainArgs {
    /// What is asked about; all that there is if nothing is named.
    fn call(&self) -> Option<Call<'_>> {
        let Self { method, tool, prompt, resource, .. } = self;
        let is_named = [method, tool, prompt, resource].into_iter().any(Option::is_some);
        is_named.then(|| {
            Call::written(method.as_deref(), tool.as_deref(), prompt.as_deref(), resource.as_deref())
        })
    }

    /// Who is described, or brings the token.
    fn caller(&self, config: &Config, out: &Out) -> Result<ExplainedCaller, Error> {
        let Some(token) = &self.token else {
            return Ok(ExplainedCaller::Known(Box::new(Principal {
                groups: self.groups.clone(),
                scopes: self.scopes.clone(),
                claims: self.claims()?,
                ..Principal::default()
            })));
        };
        let settings = with_issuers(self.policy.named(), config)?;
        let token = token_of(token, config, &out.context().vault(config, None)?.store, out)?;
        let found = Registry::read(&settings.servers).map(|registry| {
            FoundServers::from_registry(
                &registry,
                AllowedVariables { allowed: &settings.header_variables, value: &|_| None },
                settings.mcpgw,
            )
        });
        let routes = Routes::new(found.map(|found| found.servers).unwrap_or_default(), &settings);
        let address = Url::parse(&settings.address()).ok();
        let servers = |audience: &str| servers_of(&routes, address.as_ref(), audience);
        Ok(match authn::supposed(token.expose(), &settings.issuers, &servers, clock::now()) {
            Ok(principal) => ExplainedCaller::Known(Box::new(principal)),
            Err(reject) => ExplainedCaller::Refused(reject),
        })
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
