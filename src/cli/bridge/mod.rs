//! `mcpauth bridge`: an MCP server for local clients in front of a remote one, over stdio or loopback HTTP.
//! It leaves the protocol to `bridge` and the credentials to `servers`.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use tracing::{info, warn};

use crate::bridge::listen::{self, ProxyOptions};
use crate::bridge::stdio;
use crate::cli::args::AuthArgs;
use crate::cli::flows;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::clients::{Local, SECRET_HEADER};
use crate::config::Config;
use crate::error::{Error, Exit};
use crate::quantity::address;
use crate::servers::{HeaderSource, HeaderSources, ServerRef, Servers};

/// Stand before a remote MCP server, with fresh credentials on every request
///
/// With a server's name it speaks MCP over stdio, as clients that start a command expect. With --listen it serves every
/// server under http://ADDRESS/SERVER/mcp, to clients that show its secret (mcpauth config install --auth-mode proxy writes
/// both). What the server will not take is renewed and sent once more; a login is never begun.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth bridge fininfo\n  mcpauth bridge https://mcp.example.test/mcp\n  \
                        mcpauth bridge --listen              on 127.0.0.1:8191, or MCPAUTH_BRIDGE_LISTEN"
)]
pub(super) struct BridgeArgs {
    /// The server's name, or its address
    #[arg(value_name = "SERVER", required_unless_present_any = ["server", "listen"])]
    name: Option<ServerRef>,
    /// The same
    #[arg(long, value_name = "SERVER", conflicts_with = "name", hide = true)]
    server: Option<ServerRef>,
    /// Serve all servers over HTTP on this loopback address
    #[arg(long, value_name = "ADDRESS", value_parser = address, num_args = 0..=1, conflicts_with_all = ["name", "server"])]
    listen: Option<Option<SocketAddr>>,
    #[command(flatten)]
    auth: AuthArgs,
}

pub(super) fn run(args: &BridgeArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let mut settings = given.settings(out)?;
    if let Some(Some(at)) = args.listen {
        settings.flag("MCPAUTH_BRIDGE_LISTEN", at.to_string());
    }
    let servers = Arc::new(flows::servers(Config::resolve(settings)?, out)?.with(args.auth.auth));
    match args.name.as_ref().or(args.server.as_ref()) {
        Some(which) => over_stdio(servers, which, out),
        None => over_http(servers, out),
    }
}

fn over_stdio(servers: Arc<Servers>, which: &ServerRef, out: &Out) -> Result<Exit, Error> {
    let http = servers.vault.http.clone();
    let report = Arc::new(|text: &str| warn!(event = "bridge", "{text}"));
    let work = async {
        // A mistyped name is said at the start, not as an answer to the client's first request.
        servers.check(which)?;
        let access = Arc::new(HeaderSource::new(servers.clone(), which.clone()));
        stdio::serve(tokio::io::stdin(), tokio::io::stdout(), http, access, report).await?;
        Ok(Exit::Done)
    };
    flows::until_signal(out, work, |exit| exit)
}

fn over_http(servers: Arc<Servers>, out: &Out) -> Result<Exit, Error> {
    let local = Local::new(&servers.config)?;
    let work = async {
        let socket = tokio::net::TcpListener::bind(local.listen).await.map_err(|e| Error::Usage {
            message: format!("cannot listen on {}: {e}", local.listen),
            hint: "stop the program that has the address, or choose another with --listen 127.0.0.1:PORT"
                .into(),
        })?;
        let at = socket.local_addr()?;
        let names = servers.reachable_names()?.join(", ");
        info!(event = "ready", "http://{at}/SERVER/mcp, for {names}");
        let secret = (reqwest::header::HeaderName::from_static(SECRET_HEADER), local.secret.clone());
        let http = servers.vault.http.clone();
        let servers = Arc::new(HeaderSources::new(servers.clone()));
        listen::serve(socket, ProxyOptions { http, secret, servers }, std::future::pending()).await?;
        Ok(Exit::Done)
    };
    flows::until_signal(out, work, |exit| exit)
}
