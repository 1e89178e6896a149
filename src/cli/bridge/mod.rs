//! `mcpauth bridge`: an MCP server for local clients in front of a remote one, over stdio or loopback HTTP. Not here:
//! the protocol (see `bridge`); the credentials (see `servers`).

mod remote;

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use reqwest::header::AUTHORIZATION;
use tracing::{info, warn};

use self::remote::RemoteArgs;
use crate::bridge::FailureReporter;
use crate::bridge::listen::{self, ProxyOptions};
use crate::bridge::stdio::{self, StdioOptions};
use crate::cli::args::AuthArgs;
use crate::cli::flows;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::clients::{Local, SECRET_HEADER};
use crate::config::Config;
use crate::error::{Error, Exit};
use crate::page_login::{PageLogins, Reopen};
use crate::quantity::address;
use crate::servers::{
    HeaderSource, HeaderSources, Logins, Narrowing, ServerRef, Servers, TypedAccess, place,
};

/// Connect clients to a remote MCP server, with fresh credentials on every request
///
/// With a server's name it speaks MCP over stdio, for clients that start a command. With --listen it serves every
/// server under http://ADDRESS/SERVER/mcp, to clients that send its secret (mcpauth config install --auth-mode proxy
/// writes both). A token that the server rejects is renewed and the request sent again, once. Where there is no valid
/// login, a client that can ask you does (URL elicitation); otherwise its request is answered with the command. It
/// takes the arguments of mcp-remote.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth bridge fininfo\n  mcpauth bridge https://mcp.example.test/mcp\n  \
                        mcpauth bridge fininfo --only-tool get_stock_aggregates --agent Claude\n  \
                        mcpauth bridge --listen              on 127.0.0.1:8191, or MCPAUTH_BRIDGE_LISTEN"
)]
pub(super) struct BridgeArgs {
    /// The server's name, or its address, in which ${VARIABLE}s of the environment are filled in
    #[arg(value_name = "SERVER", required_unless_present_any = ["server", "listen"])]
    name: Option<ServerRef>,
    /// The same.
    #[arg(long, value_name = "SERVER", conflicts_with = "name", hide = true)]
    server: Option<ServerRef>,
    /// Serve all servers over HTTP on this loopback address
    #[arg(long, value_name = "ADDRESS", value_parser = address, num_args = 0..=1, conflicts_with_all = ["name", "server"])]
    listen: Option<Option<SocketAddr>>,
    #[command(flatten)]
    auth: AuthArgs,
    #[command(flatten)]
    remote: Box<RemoteArgs>,
    #[command(flatten)]
    only: OnlyArgs,
}

/// The most that the bridge's client may do, if that is less than this user may: the gateway then gets a token of its own for
/// that (`mcpauth gateway token`), and the client none at all.
#[derive(Args, Debug)]
struct OnlyArgs {
    /// Only this tool, by a token that the gateway makes for it; repeatable
    #[arg(long, value_name = "TOOL", conflicts_with = "listen")]
    only_tool: Vec<String>,
    /// Only this scope; repeatable
    #[arg(long, value_name = "SCOPE", conflicts_with = "listen")]
    only_scope: Vec<String>,
    /// The client's name, for the gateway's audit and its list of tokens
    #[arg(long, value_name = "NAME", conflicts_with = "listen")]
    agent: Option<String>,
}

impl OnlyArgs {
    /// For one server, if anything is said of it.
    fn narrowing(&self, which: &ServerRef, servers: &Servers) -> Result<Option<Narrowing>, Error> {
        let Self { only_tool, only_scope, agent } = self;
        if only_tool.is_empty() && only_scope.is_empty() && agent.is_none() {
            return Ok(None);
        }
        let ServerRef::ByName(name) = which else {
            return Err(Error::Usage {
                message:
                    "only the gateway at REGISTRY_URL issues such tokens, for servers behind it by their names"
                        .into(),
                hint: "name the server: mcpauth bridge SERVER --only-tool TOOL".into(),
            });
        };
        // A policy takes names to the letter, and a person does not.
        let known = servers.names()?.into_iter().find(|known| known.eq_ignore_ascii_case(name));
        Ok(Some(Narrowing {
            servers: vec![known.unwrap_or_else(|| name.clone())],
            tools: only_tool.clone(),
            scopes: only_scope.clone(),
            agent: agent.clone(),
            ..Narrowing::default()
        }))
    }
}

pub(super) fn run(args: &BridgeArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let mut settings = given.settings(out)?;
    args.remote.set(&mut settings, out);
    args.remote.name_idle(out);
    if let Some(Some(at)) = args.listen {
        settings.flag("MCPAUTH_BRIDGE_LISTEN", at.to_string());
    }
    let config = Config::resolve(settings)?;
    let servers = flows::servers(config.clone(), out)?.with(args.auth.auth);
    let which = args.name.as_ref().or(args.server.as_ref()).map(|named| servers.find(named));
    let narrowing = match &which {
        Some(which) => args.only.narrowing(which, &servers)?,
        None => None,
    };
    let narrowed = |servers: Servers, narrowing: Option<Narrowing>| match narrowing {
        Some(narrowing) => servers.narrowed(narrowing),
        None => servers,
    };
    let reopen: Reopen = {
        let (config, out, auth, narrowing) = (config.clone(), out.clone(), args.auth.auth, narrowing.clone());
        Arc::new(move || {
            let servers = flows::servers(config.clone(), &out)?.with(auth);
            Ok(narrowed(servers, narrowing.clone()))
        })
    };
    let (scope, client) = (args.remote.scope()?, args.remote.client(out)?);
    let own = Box::new(move || client.own());
    let extra = args.remote.extra.params()?;
    let logins = Arc::new(PageLogins { context: out.context(), config, reopen, scope, extra, own });
    let servers = Arc::new(narrowed(servers, narrowing));
    match which {
        Some(which) => over_stdio(&args.remote, servers, &which, logins, out),
        None => over_http(servers, logins, out),
    }
}

fn reporter() -> FailureReporter {
    Arc::new(|text: &str| warn!(event = "bridge", "{text}"))
}

fn over_stdio(
    remote: &RemoteArgs,
    servers: Arc<Servers>,
    which: &ServerRef,
    logins: Arc<PageLogins>,
    out: &Out,
) -> Result<Exit, Error> {
    let (http, report) = (servers.vault.http.clone(), reporter());
    let address = match which {
        ServerRef::ByUrl(url) => place(url),
        ServerRef::ByName(name) => name.clone(),
    };
    let headers = remote.headers(&address, out)?;
    let filled = match which {
        ServerRef::ByUrl(url) => remote::filled_address(url)?,
        ServerRef::ByName(_) => None,
    };
    let logins = (!headers.contains_key(AUTHORIZATION)).then_some(logins as Arc<dyn Logins>);
    let (ignored, transport) = (remote.ignored(), remote.transport(out));
    let work = async {
        // A mistyped name is reported at startup, not as an answer to the client's first request.
        servers.check(which)?;
        let typed = TypedAccess { headers, address: filled };
        let access = HeaderSource::new(servers.clone(), which.clone(), logins, typed);
        let options = StdioOptions { http, access, report, ignored, transport };
        out.sent(stdio::serve(tokio::io::stdin(), tokio::io::stdout(), options).await?);
        Ok(Exit::Done)
    };
    flows::complete(out, work)
}

fn over_http(servers: Arc<Servers>, logins: Arc<PageLogins>, out: &Out) -> Result<Exit, Error> {
    let local = Local::new(&servers.config)?;
    let work = async {
        let socket = tokio::net::TcpListener::bind(local.listen).await.map_err(|e| Error::Usage {
            message: format!("cannot listen on {}: {e}", local.listen),
            hint: "stop the program that uses the address, or choose another with --listen 127.0.0.1:PORT"
                .into(),
        })?;
        let at = socket.local_addr()?;
        let names = servers.reachable_names()?.join(", ");
        info!(event = "ready", "http://{at}/SERVER/mcp, for {names}");
        let secret = (reqwest::header::HeaderName::from_static(SECRET_HEADER), local.secret.clone());
        let http = servers.vault.http.clone();
        let (servers, report) = (Arc::new(HeaderSources::new(servers.clone(), Some(logins))), reporter());
        listen::serve(socket, ProxyOptions { http, secret, servers, report }, std::future::pending()).await?;
        Ok(Exit::Done)
    };
    flows::complete(out, work)
}
