//! `mcpauth gateway routes`: which servers there are, where clients find them, where they are and whether they
//! answer. Not here: asking them (see the gateway's health check).

use clap::Args;
use serde_json::{Value, json};

use crate::cli::flows;
use crate::cli::gateway::from::From;
use crate::cli::out::Out;
use crate::config::Config;
use crate::deployment;
use crate::error::{Error, Exit};
use crate::gateway::check_servers;
use crate::gateway::servers::endpoints::{Transport, UpstreamEndpoint};
use crate::gateway::servers::route::{Routes, ServerRoute};
use crate::gateway::settings::EgressMode;

const EXAMPLES: &str = "Examples:
  mcpauth gateway routes
  mcpauth gateway routes --config gateway.yaml --json

The state: on, off (switched off), or down: it does not answer this machine.";

/// List the servers: their gateway path, their address, the credential they get, and whether they answer
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct RoutesArgs {
    #[command(flatten)]
    from: From,
    /// Do not contact the servers
    #[arg(long)]
    offline: bool,
}

/// One server, in the table's column order.
struct RouteRow {
    server: String,
    address: String,
    upstream: String,
    auth: &'static str,
    egress: &'static str,
    state: &'static str,
}

pub(super) fn run(args: &RoutesArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    let settings = deployment::without_issuers(args.from.named(), config)?;
    let (servers, problems) = deployment::reachable_servers(args.from.named(), &settings, config);
    if let Some(error) = problems.iter().find(|problem| problem.is_error()) {
        return Err(Error::Usage { message: error.to_string(), hint: error.remedy.clone() });
    }
    for problem in &problems {
        out.say(&format!("{problem}\n  -> {}", problem.remedy));
    }
    let routes = Routes::new(servers, &settings);
    let answers = if args.offline {
        vec![true; routes.all().len()]
    } else {
        flows::complete(out, async { Ok(check_servers(&routes, &config.trust).await) })?
    };
    let all = routes.all().iter().zip(answers);
    let rows: Vec<RouteRow> = all.map(|(route, answers)| row(&settings.address(), route, answers)).collect();
    if out.json {
        let objects: Vec<_> = rows.iter().map(to_json).collect();
        out.object(&json!({"version": 1, "routes": objects}));
    } else if rows.is_empty() {
        out.result(&format!("no servers in {}", settings.servers.display()));
    } else {
        out.data(&table(&rows));
    }
    Ok(Exit::Done)
}

fn row(gateway: &str, route: &ServerRoute, answers: bool) -> RouteRow {
    let server = &route.server;
    let base = server.endpoints().map(|endpoints| &endpoints.base);
    let last = match base.map(|base| base.transport) {
        Some(Transport::Sse) => "sse",
        Some(Transport::StreamableHttp) | None => "mcp",
    };
    RouteRow {
        server: server.name.clone(),
        address: format!("{gateway}/{}/{last}", server.name),
        upstream: base.map_or_else(|| server.address(), place),
        auth: server.auth_type.name(),
        egress: match route.egress {
            EgressMode::Passthrough => "passthrough",
            EgressMode::Stored => "stored",
            EgressMode::None => "none",
        },
        state: match (server.enabled, answers) {
            (false, _) => "off",
            (true, true) => "on",
            (true, false) => "down",
        },
    }
}

/// Only the path: a query may contain a key.
fn place(base: &UpstreamEndpoint) -> String {
    let scheme = if base.origin.tls { "https" } else { "http" };
    format!("{scheme}://{}{}", base.origin.header.to_str().unwrap_or_default(), base.uri.path())
}

fn table(rows: &[RouteRow]) -> String {
    let heads = ["SERVER", "CLIENTS TYPE", "UPSTREAM", "AUTH", "EGRESS", "STATE"];
    let cells = |row: &RouteRow| {
        [&row.server, &row.address, &row.upstream, row.auth, row.egress, row.state].map(str::to_owned)
    };
    let lines: Vec<[String; 6]> =
        std::iter::once(heads.map(str::to_owned)).chain(rows.iter().map(cells)).collect();
    let mut widths = [0; 6];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.len().max(*width);
        }
    }
    let padded = |line: &[String; 6]| {
        let cells: Vec<_> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    lines.iter().map(padded).collect::<Vec<_>>().join("\n")
}

fn to_json(row: &RouteRow) -> Value {
    json!({
        "server": row.server,
        "address": row.address,
        "upstream": row.upstream,
        "auth_type": row.auth,
        "egress": row.egress,
        "enabled": row.state != "off",
        "state": row.state,
    })
}
