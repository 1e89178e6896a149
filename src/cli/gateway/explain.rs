//! `mcpauth gateway explain`: who may do what, and which line of the policy decides. Not here: deciding (see
//! `policy`).

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
use crate::gateway::settings::{IssuerSettings, Vending};
use crate::inspect::token_of;
use crate::policy::{Call, Explanation, Principal, no_server};
use crate::registry::Registry;
use crate::sys::clock;
use crate::text::{clean, word};

const EXAMPLES: &str = "Examples:
  mcpauth gateway explain docs --tool search --groups readers
  mcpauth gateway explain docs --method tools/list --scopes docs/read --json
  mcpauth gateway explain --token ingress   all that this token may do
  mcpauth gateway explain --token ingress docs --tool search";

/// Tell whether a caller may do something, and which line of the policy decides
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, group = clap::ArgGroup::new("about").args(["server", "named"]))]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    policy: PolicyFrom,
    /// The server, by its path without slashes
    #[arg(value_name = "SERVER", required_unless_present_any = ["token", "named"])]
    server: Option<String>,
    /// The same
    #[arg(long = "server", value_name = "SERVER", conflicts_with = "server", hide = true)]
    named: Option<String>,
    /// The method; GET for the stream, DELETE to end a session [default: the one for the tool, prompt or resource]
    #[arg(long, requires = "about")]
    method: Option<String>,
    /// The tool it calls
    #[arg(long, conflicts_with_all = ["prompt", "resource"], requires = "about")]
    tool: Option<String>,
    /// The prompt it gets
    #[arg(long, conflicts_with = "resource", requires = "about")]
    prompt: Option<String>,
    /// The resource it reads
    #[arg(long, value_name = "URI", requires = "about")]
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
    /// The caller's token: a credential by its name in mcpauth status, a token file, or - for stdin
    #[arg(long, value_name = "NAME", conflicts_with_all = ["groups", "scopes", "claims"])]
    token: Option<String>,
}

/// The caller.
enum ExplainedCaller {
    Known(Box<Principal>),
    /// The gateway would reject the caller's token.
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
    let server = args.server.as_ref().or(args.named.as_ref()).map(|name| name.trim_matches('/'));
    let is_server = args.policy.servers(config, &policy);
    let missing = server.filter(|server| !is_server(server)).map(|server| no_server(&clean(server, 100)));
    match (server, args.call()) {
        (Some(server), Some(call)) => {
            let mut explanation = policy.explain(&principal, server, &call);
            explanation.notes.extend(missing);
            say(&explanation.to_string(), || object(&path, &explanation), out);
        }
        (Some(server), None) if args.token.is_none() => return Err(nothing_asked(server)),
        (server, _) => {
            let mut overview = policy.overview(&principal, server);
            overview.notes.extend(missing);
            let object = || json!({"version": 1, "policy": path.display().to_string(), "allowed": overview.entries, "notes": overview.notes});
            say(&overview.to_string(), object, out);
        }
    }
    Ok(Exit::Done)
}

/// Without a token, only one request at a time can be explained.
fn nothing_asked(server: &str) -> Error {
    let server = word(&clean(server, 100));
    Error::Usage {
        message: "nothing to explain: give one of --tool, --method, --prompt and --resource".into(),
        hint: format!(
            "who sees the tools: mcpauth gateway explain {server} --method tools/list --groups YOUR,GROUPS"
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

/// As text, or as a JSON object.
fn say(words: &str, object: impl Fn() -> Value, out: &Out) {
    if out.json { out.object(&object()) } else { out.data(&out.fold(words)) }
}

/// A token that grants nothing at all, whatever the policy says.
fn say_refused(reject: TokenError, token: &str, path: &Path, out: &Out) {
    let remedy = match reject {
        TokenError::Issuer => "the gateway has no issuer that matches its iss".to_owned(),
        TokenError::Malformed => "it is opaque; only its issuer can read it".to_owned(),
        TokenError::Expired => format!("renew it with: mcpauth token {token}"),
        _ => format!("see its claims with: mcpauth inspect {token}"),
    };
    let reason = format!("the gateway rejects the token: {}", reject.description());
    let object = || {
        json!({
            "version": 1, "policy": path.display().to_string(), "allowed": false, "rule": null, "reason": reason,
            "notes": [remedy],
        })
    };
    say(&format!("denied: {reason}\n  {remedy}"), object, out);
}

impl ExplainArgs {
    /// The request to explain; everything if none is named.
    fn call(&self) -> Option<Call<'_>> {
        let Self { method, tool, prompt, resource, .. } = self;
        let is_named = [method, tool, prompt, resource].into_iter().any(Option::is_some);
        is_named.then(|| {
            Call::written(method.as_deref(), tool.as_deref(), prompt.as_deref(), resource.as_deref())
        })
    }

    /// The caller that is described, or that brings the token.
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
        // Its own tokens are told of as well.
        let own = settings.vending.iter().map(Vending::as_issuer);
        let issuers: Vec<IssuerSettings> = settings.issuers.iter().cloned().chain(own).collect();
        Ok(match authn::supposed(token.expose(), &issuers, &servers, clock::now()) {
            Ok(principal) => ExplainedCaller::Known(Box::new(principal)),
            Err(reject) => ExplainedCaller::Refused(reject),
        })
    }

    fn claims(&self) -> Result<Map<String, Value>, Error> {
        let Some(path) = &self.claims else { return Ok(Map::new()) };
        let hint = "name a file with one JSON object in it, as in a token's payload";
        let text = text_of(path, hint)?;
        // Not the parser's own message: it could show the file's content.
        serde_json::from_str(&text).map_err(|e| Error::Usage {
            message: format!("{}: line {} is not valid", path.display(), e.line()),
            hint: hint.into(),
        })
    }
}
