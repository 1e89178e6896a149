//! Checks whether the gateway configured in this folder would let our token do anything: its settings, its audience
//! rules, its policy, and its servers' tool names. Not here: a remote gateway (see `gateway`).

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::context::Context;
use crate::credential::CredentialId;
use crate::deployment::{self, Prepared};
use crate::doctor::finding::Finding;
use crate::doctor::spelling;
use crate::gateway::authn::jwt::TokenError;
use crate::gateway::authn::rules::{IssuerRules, ServersByAudience};
use crate::oauth::Unverified;
use crate::policy::{Call, Listed, Policy, Principal, decide};
use crate::registry::Registry;
use crate::store::Store;
use crate::sys::clock;

const SETTINGS: &str = "gateway.settings";
const ACCESS: &str = "gateway.access";
const TOOLS: &str = "gateway.tools";
const REGISTRY: &str = "clients.servers";

/// An ingress token's claims.
pub(super) struct TokenIdentity {
    /// Its file's name.
    pub(super) who: String,
    pub(super) claims: Map<String, Value>,
}

impl TokenIdentity {
    /// The ingress token and the agents' tokens, as far as they are JWTs.
    pub(super) fn all(store: &Store) -> Vec<Self> {
        let of = |path: &Path| {
            let name = path.file_name()?.to_str()?;
            CredentialId::parse(name, "").filter(CredentialId::is_identity)?;
            let stored = store.read_file(path).ok().flatten()?;
            let claims = Unverified::read(stored.token.access_token.expose())?.claims;
            Some(Self { who: name.into(), claims })
        };
        store.files().iter().filter_map(|path| of(path)).collect()
    }
}

/// The findings, and the issuers whose metadata the gateway will request.
pub(super) fn check(
    config: &Config,
    identities: &[TokenIdentity],
    context: &Context,
) -> (Vec<Finding>, Vec<String>) {
    match deployment::here(config, &context.silent()) {
        None => (registry(&config.servers_dir), Vec::new()),
        Some(Err(error)) => {
            let mut findings = registry(&config.servers_dir);
            findings.push(Finding::error(SETTINGS, &error, "mcpauth gateway check"));
            (findings, Vec::new())
        }
        Some(Ok(prepared)) => {
            let issuers = prepared.settings.issuers.iter().filter(|issuer| issuer.jwks_uri.is_none());
            let issuers = issuers.map(|issuer| issuer.issuer.clone()).collect();
            let mut findings = examine(&prepared, identities);
            // Faults of the gateway's own audience are among its settings' problems.
            if prepared.settings.servers != config.servers_dir {
                findings.extend(registry(&config.servers_dir));
            }
            (findings, issuers)
        }
    }
}

/// Faults in the server files that clients are configured from.
fn registry(dir: &Path) -> Vec<Finding> {
    Registry::found(dir).remarks.iter().map(|remark| Finding::of(REGISTRY, remark)).collect()
}

fn examine(prepared: &Prepared, identities: &[TokenIdentity]) -> Vec<Finding> {
    let mut findings = settings(prepared);
    // A policy that cannot be read or parsed is among the settings' problems.
    let Some(policy) = &prepared.policy else { return findings };
    findings.extend(identities.iter().flat_map(|one| access(prepared, policy, one)));
    findings.extend(tools(prepared, policy));
    findings
}

fn settings(prepared: &Prepared) -> Vec<Finding> {
    let from = prepared.file.as_ref().map(|path| path.display().to_string());
    let from = from.unwrap_or_else(|| "the environment".into());
    if prepared.problems.is_empty() {
        let text = format!("the gateway's settings from {from} are fine (servers: {})", prepared.count());
        return vec![Finding::ok(SETTINGS, text)];
    }
    prepared.problems.iter().map(|problem| Finding::of(SETTINGS, problem)).collect()
}

/// Whether the gateway would accept the token by its own rules, and what its policy grants.
fn access(prepared: &Prepared, policy: &Policy, one: &TokenIdentity) -> Vec<Finding> {
    let who = &one.who;
    let issuer = one.claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    let Some(known) = prepared.settings.issuers.iter().find(|known| known.issuer == issuer) else {
        let text = format!(
            "{who} is a token of {}, which is not one of the gateway's issuers",
            crate::text::clean(issuer, 200)
        );
        let remedy = "add it under issuers in gateway.yaml, or get a token from one listed there: mcpauth ingress --force";
        return vec![Finding::problem(ACCESS, text, remedy)];
    };
    // Contradictory rules are among the settings' problems.
    let Ok(rules) = IssuerRules::new(known) else { return Vec::new() };
    match principal(&rules, &one.claims, &|audience| named(prepared, audience)) {
        Err(reject) => vec![rejected_finding(who, reject)],
        Ok(principal) => vec![granted(prepared, policy, who, &principal)],
    }
}

/// The caller, as the gateway would see it. An expired token is reported separately.
fn principal(
    rules: &IssuerRules,
    claims: &Map<String, Value>,
    servers: ServersByAudience<'_>,
) -> Result<Principal, TokenError> {
    let mut claims = claims.clone();
    let end = claims.get("exp").and_then(Value::as_i64).unwrap_or(i64::MAX);
    claims.insert("active".into(), json!(true));
    let now = clock::now().min(end.saturating_sub(1));
    claims.retain(|_, value| !value.is_null());
    rules.introspected(claims, now, servers).map(|(principal, _)| principal)
}

/// The servers with this address at the gateway.
fn named(prepared: &Prepared, audience: &str) -> Vec<String> {
    let address = prepared.settings.address();
    let path = audience.strip_prefix(&address).map(|path| path.trim_end_matches('/'));
    let is = |name: &&String| {
        path.is_some_and(|path| ["", "/mcp", "/sse"].iter().any(|last| path == format!("/{name}{last}")))
    };
    prepared.servers.iter().filter(is).cloned().collect()
}

fn rejected_finding(who: &str, reject: TokenError) -> Finding {
    let remedy = match reject {
        TokenError::Audience => {
            "make the gateway accept this token's client or audience (clients or audience in gateway.yaml; \
             MCPAUTH_GATEWAY_CLIENTS, MCPAUTH_GATEWAY_AUDIENCE), or get a token for it"
        }
        TokenError::CallerRevoked => {
            "this client is revoked, and a new token will not help; have it removed from the gateway's revocation list"
        }
        _ => "get another token: mcpauth ingress --force",
    };
    Finding::problem(ACCESS, format!("the gateway's rules reject {who}: {reject}"), remedy)
}

/// What the policy grants the caller, server by server.
fn granted(prepared: &Prepared, policy: &Policy, who: &str, principal: &Principal) -> Finding {
    let grants = policy.grants(principal);
    let call = Call::Message { method: Listed::Tool.list_method(), name: None };
    let servers = prepared.servers.iter().map(String::as_str);
    let open: Vec<&str> = servers.filter(|server| decide(&grants, server, &call).is_ok()).collect();
    if !open.is_empty() {
        return Finding::ok(ACCESS, format!("the policy lets {who} see the tools of {}", open.join(", ")));
    }
    let first = prepared.servers.first().map_or("NAME", String::as_str);
    let explained = policy.explain(principal, first, &call);
    let text = format!("the policy lets {who} see no tools");
    let scopes = crate::text::clean(&principal.scopes.join(","), 200);
    let remedy = format!(
        "map one of its groups or scopes to the server in {}, or add the caller to a mapped group; see: \
         mcpauth gateway explain {first} --method tools/list{}{}",
        prepared.settings.policy.display(),
        if scopes.is_empty() { String::new() } else { format!(" --scopes {scopes}") },
        if principal.groups.is_empty() {
            String::new()
        } else {
            format!(" --groups {}", crate::text::clean(&principal.groups.join(","), 200))
        },
    );
    let notes = crate::text::clean(&explained.notes.join("; "), 400);
    let notes = if notes.is_empty() { "the token has neither groups nor scopes".into() } else { notes };
    Finding::problem(ACCESS, text, remedy).because(notes)
}

/// Tools that the policy names and that the server's own file does not have: names are case-sensitive.
fn tools(prepared: &Prepared, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    for described in Registry::found(&prepared.settings.servers).servers {
        let server = &described.name;
        let there = || described.profile.tool_names();
        if described.profile.tools.is_empty() {
            continue;
        }
        for tool in policy.tools(server) {
            if there().any(|name| name == tool) {
                continue;
            }
            let text =
                format!("the policy names the tool {tool:?} of {server}, which {server} does not have");
            let remedy = match spelling::suggest(tool, there()) {
                Some(meant) => format!("did you mean {meant:?}? names are case-sensitive"),
                None => "correct the policy, or the server's tool_list".into(),
            };
            findings.push(Finding::warn(TOOLS, text, remedy));
        }
    }
    findings
}
