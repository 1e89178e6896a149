//! Whether a caller is allowed the token it asks for: never more rights than its own by the policy in force.

use std::sync::Arc;

use strsim::osa_distance;

use super::asked::Asked;
use crate::gateway::catalogue::KnownTools;
use crate::gateway::refusal::Rejection;
use crate::gateway::state::{LoadedFiles, SharedState};
use crate::policy::{Call, Denial, Detail, Grants, Listed, Policy, Principal, Vended, decide};
use crate::text::clean;

/// What the token will contain.
#[derive(Debug, PartialEq)]
pub(super) struct Named {
    pub(super) scopes: Vec<String>,
    pub(super) details: Option<Vec<Detail>>,
    pub(super) audience: Vec<String>,
}

/// How much of a requested name is repeated, in characters, and how many names.
const SHOWN: usize = 80;
const MANY: usize = 10;
/// How many names are suggested for a misspelt one.
const NEAR: usize = 3;

/// The requested part of the owner's rights, complete.
///
/// # Errors
/// `invalid_scope`, which names what the owner lacks; `invalid_target` for what is not behind this gateway;
/// `invalid_authorization_details` for an unknown server.
pub(super) fn judge(
    shared: &SharedState,
    state: &LoadedFiles,
    owner: &Principal,
    grants: &Grants,
    asked: &Asked,
) -> Result<Named, Rejection> {
    let servers: Vec<&str> = state.upstreams.keys().map(String::as_str).collect();
    let audience = audience(shared, state, grants, &asked.resources)?;
    let (scopes, details) = rights(&state.policy, owner, grants, &servers, asked)?;
    for detail in asked.details.iter().flatten() {
        exists(&shared.catalogue.tools(), grants, detail)?;
    }
    Ok(Named { scopes, details, audience })
}

/// The scopes and details, if the owner has all of them.
fn rights(
    policy: &Policy,
    owner: &Principal,
    grants: &Grants,
    servers: &[&str],
    asked: &Asked,
) -> Result<(Vec<String>, Option<Vec<Detail>>), Rejection> {
    // A `scope` separates them by spaces.
    let own: Vec<&str> = grants.scopes().filter(|scope| !scope.contains(' ')).collect();
    let mut missing: Vec<String> =
        asked.scopes.iter().filter(|scope| !own.contains(&scope.as_str())).cloned().collect();
    let all = || own.iter().map(|scope| (*scope).to_owned()).collect();
    let scopes: Vec<String> = if asked.scopes.is_empty() { all() } else { asked.scopes.clone() };
    let named = Vended { scopes: scopes.clone(), ..Vended::default() };
    let narrowed = policy.grants(&Principal { vended: Some(Arc::new(named)), ..owner.clone() });
    for detail in asked.details.iter().flatten() {
        missing.extend(lacking(&narrowed, servers, detail)?);
    }
    let complete = |details: &Vec<Detail>| details.iter().map(Detail::complete).collect();
    match (missing.is_empty(), scopes.is_empty()) {
        (true, false) => return Ok((scopes, asked.details.as_ref().map(complete))),
        (true, true) => {
            let what =
                "this gateway's policy knows none of your groups and scopes, so there is no scope to grant";
            return Err(Rejection::NotVended("invalid_scope", what.into()));
        }
        (false, _) => {}
    }
    let shown: Vec<String> = missing.iter().take(MANY).map(|name| clean(name, SHOWN)).collect();
    let more = missing.len().saturating_sub(MANY);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let what = format!("you do not have: {}{more}", shown.join(", "));
    Err(Rejection::NotVended("invalid_scope", what))
}

/// The part of a detail that the owner lacks. Of several servers it is enough to have it on one.
fn lacking(grants: &Grants, servers: &[&str], detail: &Detail) -> Result<Vec<String>, Rejection> {
    let server = detail.server.trim_matches('/');
    let about: Vec<&str> = match server {
        "*" | "all" => servers.to_vec(),
        name => servers.iter().copied().filter(|other| *other == name).collect(),
    };
    if about.is_empty() {
        let what = format!("there is no server {}", clean(server, SHOWN));
        return Err(Rejection::NotVended("invalid_authorization_details", what));
    }
    let verdict =
        |call: Call<'_>| about.iter().map(|server| decide(grants, server, &call)).collect::<Vec<_>>();
    let has = |call: Call<'_>| verdict(call).iter().any(Result::is_ok);
    // Without a name only the method counts.
    let has_method = |method: &str| {
        let found = verdict(Call::Message { method, name: None });
        found
            .iter()
            .any(|verdict| !matches!(verdict, Err(Denial::NoScopes | Denial::Server | Denial::Method)))
    };
    if !has(Call::Stream) {
        return Ok(vec![format!("server {server}")]);
    }
    let spelt = |names: &Option<Vec<String>>| {
        let names = names.clone().unwrap_or_default();
        names.into_iter().filter(|name| name != "*" && name != "all").collect::<Vec<_>>()
    };
    let calls = detail.uses("tools/call");
    let may = |tool: &str| {
        let shows = || about.iter().any(|server| grants.shows(server, Listed::Tool, tool));
        has(Call::Message { method: "tools/call", name: Some(tool) }) || (!calls && shows())
    };
    let methods = spelt(&detail.methods).into_iter().filter(|method| !has_method(method));
    let tools = spelt(&detail.tools).into_iter().filter(|tool| !may(tool));
    let lacking = methods.map(|method| format!("{method} on {server}"));
    Ok(lacking.chain(tools.map(|tool| format!("tool {tool} on {server}"))).collect())
}

/// A tool that its server does not have is a mistake: the token would allow nothing. Reported only where the server's tools are known, and
/// only about tools that the owner may see.
fn exists(known: &KnownTools, grants: &Grants, detail: &Detail) -> Result<(), Rejection> {
    let server = detail.server.trim_matches('/');
    let tools = known.known(server);
    let missing = |name: &&String| {
        !matches!(name.as_str(), "*" | "all") && tools.iter().all(|known| known.tool.name != **name)
    };
    let named = detail.tools.iter().flatten();
    let Some(unknown) = named.into_iter().find(missing).filter(|_| !tools.is_empty()) else { return Ok(()) };
    let names = tools.iter().map(|known| known.tool.name.as_str());
    let mut near: Vec<(usize, &str)> = names
        .filter(|name| grants.shows(server, Listed::Tool, name))
        .map(|name| (osa_distance(&unknown.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(errors, name)| errors * 3 <= name.len())
        .collect();
    near.sort_unstable();
    let near: Vec<String> = near.iter().take(NEAR).map(|(_, name)| clean(name, SHOWN)).collect();
    let near = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) };
    let what = format!("{} has no tool {}{near}", clean(server, SHOWN), clean(unknown, SHOWN));
    Err(Rejection::NotVended("invalid_authorization_details", what))
}

/// The token's audience: the gateway, or servers behind it by their addresses (RFC 8707 section 2).
fn audience(
    shared: &SharedState,
    state: &LoadedFiles,
    grants: &Grants,
    resources: &[String],
) -> Result<Vec<String>, Rejection> {
    let Some(issuer) = shared.vending().map(|vending| vending.issuer.clone()) else { return Ok(Vec::new()) };
    let mut audience = Vec::new();
    for resource in resources {
        let is = |own: &str| own.trim_end_matches('/') == resource.trim_end_matches('/');
        // Its own name means the gateway, even if a server is at that address too.
        let servers = if is(&issuer) { Vec::new() } else { shared.servers_of(state, resource) };
        let may = if servers.is_empty() {
            is(&shared.public_url) || is(&issuer)
        } else {
            servers.iter().all(|server| grants.reaches(server))
        };
        if !may {
            let what = format!(
                "{} is not a server behind this gateway that your token covers",
                clean(resource, SHOWN)
            );
            return Err(Rejection::NotVended("invalid_target", what));
        }
        let one = if servers.is_empty() { issuer.clone() } else { resource.clone() };
        if !audience.contains(&one) {
            audience.push(one);
        }
    }
    if audience.is_empty() {
        audience.push(issuer);
    }
    Ok(audience)
}
