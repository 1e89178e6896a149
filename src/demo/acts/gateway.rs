//! What the gateway does with a caller: allows, refuses, filters, asks for a token, keeps credentials apart. Not
//! here: attempts to bypass it (see `attacks`).

use serde_json::Value;

use super::client::{DemoAgent, anonymous, call, list};
use super::stage::Stage;
use super::step::Step;
use super::wire::{Answer, Request};
use crate::demo::mcp::ReceivedRequest;
use crate::error::Error;

/// The server that takes the caller's own egress credential.
const TRACKER: &str = "demo-tracker";

/// Calls that the policy allows, and what the tools answer.
pub(crate) async fn allowed(stage: &Stage, client: &DemoAgent) -> Result<Step, Error> {
    let mut detail = "the servers answer".to_owned();
    let mut ok = true;
    for (server, tool) in [("currenttime", "current_time"), (TRACKER, "get_issue")] {
        let before = stage.arrived().len();
        let answer = client.entry(server)?.ask(&call(tool)).await?;
        let text = answer.text("/result/content/0/text");
        ok &= answer.status == 200 && !text.is_empty() && stage.arrived().len() == before + 1;
        detail += &format!("\n    {:28} {}  {text}", format!("{server} {tool}"), answer.status);
    }
    Ok(Step { name: "gateway.allowed", ok, detail })
}

/// A call that the policy does not allow.
pub(crate) async fn denied(stage: &Stage, client: &DemoAgent) -> Result<Step, Error> {
    let before = stage.arrived().len();
    let answer = client.entry(TRACKER)?.ask(&call("delete_issue")).await?;
    let heard = stage.arrived().len() - before;
    Ok(Step {
        name: "gateway.denied",
        ok: answer.status == 403 && heard == 0,
        detail: format!(
            "{}\n    {:28} {}  reason: {}\n    \"{}\"",
            silence(heard),
            format!("{TRACKER} delete_issue"),
            answer.status,
            answer.text("/error/data/reason"),
            answer.text("/error/message"),
        ),
    })
}

/// The same list from the server itself and through the gateway.
pub(crate) async fn filtered(stage: &Stage, client: &DemoAgent) -> Result<Step, Error> {
    let authority = stage.server(TRACKER).map_or("", |server| server.base()).trim_start_matches("http://");
    let question = list().to_string();
    let all = names(&anonymous("/mcp", &[], question.as_bytes()).send(authority).await?);
    let seen = names(&client.entry(TRACKER)?.ask(&list()).await?);
    Ok(Step {
        name: "gateway.filtered",
        ok: !seen.is_empty() && seen.len() < all.len() && seen.iter().all(|name| all.contains(name)),
        detail: format!(
            "{} tools at {TRACKER}, {} for this caller\n    {:28} {}\n    {:28} {}",
            all.len(),
            seen.len(),
            "the server lists",
            all.join(", "),
            "the caller sees",
            seen.join(", "),
        ),
    })
}

/// A caller without a token is told where to get one (RFC 9728), and that is correct.
pub(crate) async fn unauthenticated(stage: &Stage, client: &DemoAgent) -> Result<Step, Error> {
    let entry = client.entry("currenttime")?;
    let before = stage.arrived().len();
    let question = call("current_time").to_string();
    let answer = anonymous(&entry.path, &[], question.as_bytes()).send(&entry.authority).await?;
    let heard = stage.arrived().len() - before;
    let challenge = answer.header("WWW-Authenticate").unwrap_or_default();
    let document = challenge.split('"').find(|part| part.starts_with("http")).unwrap_or_default();
    let target = document.strip_prefix(stage.gateway.public_url()).unwrap_or("/");
    let get = Request { method: "GET", target, headers: Vec::new(), body: b"" };
    let issuer = get.send(&entry.authority).await?.text("/authorization_servers/0");
    Ok(Step {
        name: "gateway.unauthenticated",
        ok: answer.status == 401 && heard == 0 && issuer == stage.pool,
        detail: format!(
            "{}, and where to get a token\n    WWW-Authenticate: {}\n    whose document names the issuer {issuer}",
            answer.status,
            folded(challenge),
        ),
    })
}

/// What reached the servers: never the ingress token, and at the tracker only its own.
pub(crate) fn credentials(stage: &Stage, client: &DemoAgent) -> Result<Step, Error> {
    let entry = client.entry(TRACKER)?;
    let (ingress, egress) = (entry.token("X-Authorization"), entry.token("Authorization"));
    let arrived = stage.arrived();
    let holds = |token: &str, request: &ReceivedRequest| {
        let places = [request.target.as_bytes(), request.headers.as_bytes(), &request.body];
        places.iter().any(|place| memchr::memmem::find(place, token.as_bytes()).is_some())
    };
    let leaked = arrived.iter().filter(|(_, request)| holds(ingress, request)).count();
    let (own, others): (Vec<_>, Vec<_>) =
        arrived.iter().filter(|(_, request)| holds(egress, request)).partition(|(name, _)| *name == TRACKER);
    let (own, others) = (own.len(), others.len());
    Ok(Step {
        name: "gateway.credentials",
        ok: !ingress.is_empty() && !egress.is_empty() && leaked == 0 && own > 0 && others == 0,
        detail: format!(
            "of {} requests that reached a server\n    {:28} {leaked}\n    {:28} {own}, other servers {others}",
            arrived.len(),
            "held the ingress token",
            format!("held {TRACKER}'s own"),
        ),
    })
}

/// Whether a refused request reached a server.
pub(crate) fn silence(heard: usize) -> String {
    match heard {
        0 => "no request reached a server".into(),
        _ => format!("{heard} requests REACHED A SERVER"),
    }
}

fn names(answer: &Answer) -> Vec<String> {
    let whole = answer.json();
    let tools = whole.pointer("/result/tools").and_then(Value::as_array).into_iter().flatten();
    tools.filter_map(|tool| Some(tool.get("name")?.as_str()?.to_owned())).collect()
}

/// A challenge broken into lines for a narrow terminal.
fn folded(challenge: &str) -> String {
    let (scheme, parameters) = challenge.split_once(' ').unwrap_or((challenge, ""));
    let words = parameters.replace(' ', "\n    ").replace("=\"", "=\n    ").replace(['"', ','], "");
    format!("{scheme}\n    {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folded_challenge_has_a_word_a_line() {
        let folded = folded("Bearer resource_metadata=\"http://h/x\", scope=\"a b\"");
        assert_eq!(folded, "Bearer\n    resource_metadata=\n    http://h/x\n    scope=\n    a\n    b");
    }
}
