//! What the gateway offers an agent that should know and hold little: it finds a tool and calls it through one other tool, and
//! works with a token for one job that is revoked afterwards.

use std::time::Duration;

use serde_json::json;
use url::form_urlencoded;

use super::client::{DemoAgent, call, call_with};
use super::stage::Stage;
use super::step::Step;
use super::wire::Request;
use crate::error::Error;
use crate::sys::clock;

const TRACKER: &str = "demo-tracker";
/// How often the revoked token is tried, and how long to wait in between.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// A tool that is found by what it does, and called through the gateway's own server.
pub(crate) async fn found(client: &DemoAgent) -> Result<Step, Error> {
    let own = client.entry("currenttime")?.at("/mcpgw/mcp", None);
    let query = "what is the current time";
    let found = own.ask(&call_with("intelligent_tool_finder", json!({"query": query}))).await?;
    let best = |member: &str| found.text(&format!("/result/structuredContent/results/0/{member}"));
    let (server, tool) = (best("server"), best("tool_name"));
    let called = own.ask(&call_with("call_tool", json!({"server": server, "tool": tool}))).await?;
    let text = called.text("/result/content/0/text");
    Ok(Step {
        name: "gateway.finder",
        ok: tool == "current_time" && called.status == 200 && !text.is_empty(),
        detail: format!(
            "a tool is found by what it does, and called\n    {:28} {server} {tool}\n    {:28} {}  {text}",
            format!("\"{query}\""),
            "through call_tool",
            called.status
        ),
    })
}

/// A token of the gateway's own that may do one thing, until it is revoked.
pub(crate) async fn vended(stage: &Stage, client: &DemoAgent) -> Result<Step, Error> {
    let entry = client.entry(TRACKER)?;
    let details = json!([{"type": "mcp", "server": TRACKER, "tools": ["get_issue"]}]).to_string();
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")
        .append_pair("subject_token_type", "urn:ietf:params:oauth:token-type:access_token")
        .append_pair("subject_token", entry.token("X-Authorization"))
        .append_pair("authorization_details", &details)
        .append_pair("agent", "demo")
        .finish();
    let headers = vec![("Content-Type", "application/x-www-form-urlencoded")];
    let request = Request { method: "POST", target: "/oauth2/token", headers, body: form.as_bytes() };
    let token = request.send(&entry.authority).await?.text("/access_token");
    let narrow = entry.at(&entry.path, Some(&token));
    let allowed = narrow.ask(&call("get_issue")).await?;
    let denied = narrow.ask(&call("create_issue")).await?;
    let live = stage.tokens.live(clock::now())?;
    let ids: Vec<&str> = live.iter().map(|(entry, _)| entry.jti.as_str()).collect();
    stage.tokens.revoke(&ids)?;
    stage.gateway.reload();
    let mut after = narrow.ask(&call("get_issue")).await?;
    for _ in 0..TRIES {
        if after.status == 401 {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        after = narrow.ask(&call("get_issue")).await?;
    }
    let row = |what: &str, status: u16, said: String| format!("\n    {what:28} {status}  {said}");
    let rows = [
        row(&format!("{TRACKER} get_issue"), allowed.status, allowed.text("/result/content/0/text")),
        row(&format!("{TRACKER} create_issue"), denied.status, denied.text("/error/data/reason")),
        row("get_issue, once revoked", after.status, after.text("/error/data/reason")),
    ];
    Ok(Step {
        name: "gateway.token",
        ok: (allowed.status, denied.status, after.status) == (200, 403, 401),
        detail: format!("a token for one job{}", rows.concat()),
    })
}
