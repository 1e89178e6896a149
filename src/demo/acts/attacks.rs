//! The known ways around the registry's gateway, each tried on ours with the agent's real token or with none: what
//! was not granted must not reach a server in any spelling.

use super::client::{ConfiguredServer, DemoAgent, anonymous, call};
use super::gateway::silence;
use super::stage::Stage;
use super::step::Step;
use super::wire::Request;
use crate::error::Error;

/// One attempt.
struct Attack<'a> {
    /// What it is, in a few words.
    what: &'static str,
    request: Request<'a>,
    /// How the gateway refuses it.
    expected: (u16, &'static str),
}

/// The messages, which must outlive the requests.
struct Bodies {
    forbidden: String,
    batch: String,
    pretty: String,
    large: String,
    twins: String,
    twice: String,
}

/// A session of the registry's scripts, which anyone can get from its login page.
const COOKIE: &str = "mcp_gateway_session=eyJ1c2VybmFtZSI6ICJhZG1pbiJ9.forged.forged";
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

/// All of them, one after the other.
pub(crate) async fn attacks(stage: &Stage, client: &DemoAgent) -> Result<Step, Error> {
    let entry = client.entry("demo-tracker")?;
    let bodies = Bodies::new();
    let before = stage.arrived().len();
    let (mut rows, mut held, mut tried) = (String::new(), 0, 0);
    for Attack { what, request, expected } in list(entry, &bodies) {
        let answer = request.send(&entry.authority).await?;
        let reason = answer.text("/error/data/reason");
        tried += 1;
        held += usize::from((answer.status, reason.as_str()) == expected);
        rows += &format!("\n    {what:40} {}  {reason}", answer.status);
    }
    let heard = stage.arrived().len() - before;
    Ok(Step {
        name: "gateway.attacks",
        ok: held == tried && heard == 0,
        detail: format!("{held} of {tried} refused; {}{rows}", silence(heard)),
    })
}

fn list<'a>(entry: &'a ConfiguredServer, bodies: &'a Bodies) -> Vec<Attack<'a>> {
    let post = |more: &[(&'a str, &'a str)], body: &'a str| entry.post(more, body.as_bytes());
    let at = |method, target| {
        let body: &[u8] = if method == "POST" { bodies.forbidden.as_bytes() } else { b"" };
        Request { method, target, ..entry.post(&[], body) }
    };
    let attack = |what, request, expected| Attack { what, request, expected };
    let forbidden = bodies.forbidden.as_str();
    vec![
        attack("a batch with a forbidden call in it", post(&[], &bodies.batch), (400, "malformed")),
        attack("the call, pretty-printed", post(&[], &bodies.pretty), (403, "name_not_allowed")),
        attack("the call, 20 KiB long", post(&[], &bodies.large), (403, "name_not_allowed")),
        attack(
            "the call, with X-Body: a ping",
            post(&[("X-Body", PING)], forbidden),
            (403, "name_not_allowed"),
        ),
        attack("GET on a server that is not granted", at("GET", "/payroll/mcp"), (403, "server_not_allowed")),
        attack("DELETE on it", at("DELETE", "/payroll/mcp"), (403, "server_not_allowed")),
        attack("/demo-tracker/../payroll/mcp", at("POST", "/demo-tracker/../payroll/mcp"), (400, "path")),
        attack("/demo-tracker/..%2fpayroll/mcp", at("POST", "/demo-tracker/..%2fpayroll/mcp"), (400, "path")),
        attack("\"method\": \"ping\" and \"Method\"", post(&[], &bodies.twins), (400, "malformed")),
        attack("\"method\" twice", post(&[], &bodies.twice), (400, "malformed")),
        attack("no body", post(&[], ""), (400, "malformed")),
        attack(
            "no token, a forged session cookie",
            anonymous("/payroll/mcp", &[("Cookie", COOKIE)], bodies.batch.as_bytes()),
            (401, "no_token"),
        ),
    ]
}

impl Bodies {
    fn new() -> Self {
        let message = call("delete_issue");
        let forbidden = message.to_string();
        let with = |before: &str| forbidden.replacen('{', before, 1);
        Self {
            batch: format!("[{forbidden}]"),
            pretty: format!("{message:#}"),
            large: forbidden.replacen("{}", &format!("{{\"text\":\"{}\"}}", "x".repeat(20 << 10)), 1),
            twins: forbidden.replacen("\"method\"", "\"Method\"", 1).replacen(
                '{',
                "{\"method\":\"ping\",",
                1,
            ),
            twice: with("{\"method\":\"ping\","),
            forbidden,
        }
    }
}
