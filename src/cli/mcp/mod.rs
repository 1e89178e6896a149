//! `mcpauth probe`, `ping`, `list` and `call`: an MCP client on the command line. Not here: the protocol (see
//! `client`); the server's address and credentials (see `connect`); the words of `call` (see `words` and `arguments`);
//! how answers look (see `show`).

mod arguments;
mod show;
mod words;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value, json};
use url::Url;

use self::arguments::{ToolArguments, typed};
use self::words::CallWords;
use crate::cli::args::AuthArgs;
use crate::cli::flows;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::client::{ClientError, Era, McpClient, Tools};
use crate::connect::{Target, Wanted, address};
use crate::error::{Error, Exit};
use crate::quantity::seconds_within;
use crate::servers::ServerRef;
use crate::sys::terminal;

/// Which server, for a verb whose first word it is, and what it is sent.
#[derive(Args, Debug)]
struct ServerArgs {
    /// One of your servers by its name, or any server's address [default: GATEWAY_URL, else http://localhost:8003/mcp]
    #[arg(value_name = "SERVER", conflicts_with_all = ["url", "server"])]
    name: Option<ServerRef>,
    #[command(flatten)]
    target: TargetArgs,
}

/// Which server, by an option, and what it is sent.
#[derive(Args, Debug)]
struct TargetArgs {
    /// The server's address
    #[arg(long, value_name = "URL", value_parser = address, hide = true)]
    url: Option<Url>,
    /// One of your servers, by its name
    #[arg(long, value_name = "NAME", conflicts_with = "url", hide = true)]
    server: Option<ServerRef>,
    #[command(flatten)]
    auth: AuthArgs,
    /// Send no credentials
    #[arg(long, conflicts_with_all = ["server", "token_file", "auth"])]
    no_auth: bool,
    /// Send the token in this file (0600; - for stdin) in Authorization, to the server itself
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Deadline for the whole command, as in 60 or 5m
    #[arg(long, value_name = "TIME", default_value = "60", value_parser = timeout)]
    timeout: u64,
}

impl ServerArgs {
    fn resolve(&self, given: &Given<'_>, out: &Out) -> Result<Target, Error> {
        let which = self.target.which().or_else(|| self.name.clone());
        Target::resolve(&self.target.wanted(which), flows::servers(given.config(out)?, out)?)
    }
}

impl TargetArgs {
    /// The server that an option names.
    fn which(&self) -> Option<ServerRef> {
        self.server.clone().or_else(|| self.url.clone().map(ServerRef::ByUrl))
    }

    fn wanted(&self, which: Option<ServerRef>) -> Wanted {
        Wanted {
            which,
            auth: self.auth.auth,
            no_auth: self.no_auth,
            token_file: self.token_file.clone(),
            within: Duration::from_secs(self.timeout),
        }
    }
}

/// The default deadline of a call, in seconds.
fn timeout(text: &str) -> Result<u64, String> {
    seconds_within(text, 1..=86_400)
}

/// Connect to an MCP server, ping it and list its tools, step by step
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth probe fininfo\n  GATEWAY_URL=https://gw.example.com/mcp mcpauth probe"
)]
pub(super) struct ProbeArgs {
    #[command(flatten)]
    server: ServerArgs,
}

/// Ping an MCP server
#[derive(Args, Debug)]
#[command(visible_alias = "connectivity")]
pub(super) struct PingArgs {
    #[command(flatten)]
    server: ServerArgs,
}

/// List an MCP server's tools
///
/// On a terminal, a table in which * marks required arguments; otherwise one tool per line, its name and a tab first.
#[derive(Args, Debug)]
#[command(
    visible_alias = "tools",
    after_help = "Examples:\n  mcpauth list fininfo\n  \
                                                 mcpauth list https://gw.example.com/mcp --json | jq '.tools[0].inputSchema'"
)]
pub(super) struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,
}

/// Call a tool of an MCP server
///
/// Prints the result's text unchanged, or the whole result with --json.
#[derive(Args, Debug)]
#[command(
    override_usage = "mcpauth call [OPTIONS] [SERVER] TOOL [KEY=VALUE... | JSON | @FILE | -]",
    after_help = "SERVER is one of your servers by its name, or any server's address; the default is that of GATEWAY_URL. Two \
                  words are SERVER and TOOL unless the second one holds arguments: it has a = in it, begins with { or @, or \
                  is -. After TOOL come its arguments: KEY=VALUE, each typed as the tool's inputSchema says (as JSON if it is any \
                  and the schema does not say, else as text; a list's key may be repeated), or one JSON object, from the command \
                  line, a file or stdin.\n\n\
                  Examples:\n  mcpauth call fininfo get_price symbol=ABC days=5 | jq .price\n  \
                  mcpauth call https://tools.example.com/mcp echo '{\"text\": \"hello\"}'\n  \
                  mcpauth call debug_auth_context      at GATEWAY_URL\n  \
                  mcpauth call echo @arguments.json"
)]
pub(super) struct CallArgs {
    /// One of your servers by its name, or any server's address; or the tool, of the server of GATEWAY_URL
    #[arg(value_name = "SERVER", hide = true)]
    first: String,
    /// The tool and its arguments
    #[arg(value_name = "WORD", hide = true)]
    rest: Vec<String>,
    #[command(flatten)]
    target: TargetArgs,
}

pub(super) fn probe(args: &ProbeArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let target = args.server.resolve(given, out)?;
    let work = async |client: &mut McpClient| {
        let place = target.place(client);
        out.result(&step("connected", &format!("{} at {place}", show::named(client))));
        let (protocol, era) = (client.protocol(), client.era().name());
        out.result(&step("protocol", &format!("{protocol} ({era}), {}", client.transport())));
        if client.era() == Era::Legacy {
            let took = timed(client).await?;
            out.result(&step("ping", &format!("answered in {took} ms")));
        }
        let tools = client.tools().await?;
        let names: Vec<String> = tools.tools.iter().map(show::name).collect();
        out.result(&step("tools", &format!("{}: {}", names.len(), names.join(", "))));
        let mut object = about(client, &place);
        object.insert("tools".into(), json!(names));
        Ok((object, tools))
    };
    let (object, tools) = ask(&target, out, None, work)?;
    warn(&tools, out);
    if out.json {
        out.data(&show::json(&Value::Object(object)));
    }
    Ok(Exit::Done)
}

pub(super) fn ping(args: &PingArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let target = args.server.resolve(given, out)?;
    let work = async |client: &mut McpClient| {
        let took = timed(client).await?;
        let how = format!("{}, {}", client.protocol(), client.transport());
        let text = format!("{} answered in {took} ms ({how})", show::named(client));
        let mut object = about(client, &target.place(client));
        object.insert("ping_ms".into(), json!(took));
        Ok((object, text))
    };
    let (object, text) = ask(&target, out, None, work)?;
    if out.json {
        out.data(&show::json(&Value::Object(object)))
    } else {
        out.result(&text)
    }
    Ok(Exit::Done)
}

pub(super) fn list(args: &ListArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let target = args.server.resolve(given, out)?;
    let tools = ask(&target, out, None, async |client: &mut McpClient| client.tools().await)?;
    warn(&tools, out);
    if out.json {
        out.data(&show::json(&json!({"tools": tools.tools})));
    } else if tools.tools.is_empty() {
        out.say("the server shows you no tools");
    } else if let Some(width) = terminal::stdout_width() {
        out.data(&show::table(&tools.tools, width, &|head| out.paint("1", head)));
    } else {
        out.data(&show::lines(&tools.tools));
    }
    Ok(Exit::Done)
}

pub(super) fn call(args: &CallArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let named = args.target.which();
    let words = CallWords::read(&args.first, &args.rest, named.is_some());
    let arguments = ToolArguments::read(words.arguments)?;
    let servers = flows::servers(given.config(out)?, out)?;
    let which = named.map_or_else(|| words.server(&servers), |named| Ok(Some(named)))?;
    let target = Target::resolve(&args.target.wanted(which), servers)?;
    let tool = words.tool;
    let work = async |client: &mut McpClient| match &arguments {
        ToolArguments::Ready(object) => client.call(tool, object).await.map(Ok),
        ToolArguments::Typed(pairs) => {
            let schema = client.input_schema(tool).await?;
            match typed(pairs, schema.as_ref()) {
                Ok(object) => client.call(tool, &object).await.map(Ok),
                Err(error) => Ok(Err(error)),
            }
        }
    };
    let result = ask(&target, out, Some(tool), work)??;
    let failed = result.get("isError") == Some(&Value::Bool(true));
    if out.json {
        out.data(&show::json(&result));
    }
    let content = show::ToolContent::from_result(&result);
    if failed {
        let said = crate::text::clean(&content.text.join(" "), 500);
        return Err(target.explained(ClientError::Tool(said), Some(tool)));
    }
    if !out.json {
        content.print(out);
    }
    Ok(Exit::Done)
}

/// Asks the server.
fn ask<T>(
    target: &Target,
    out: &Out,
    tool: Option<&str>,
    work: impl AsyncFn(&mut McpClient) -> Result<T, ClientError>,
) -> Result<T, Error> {
    flows::complete(out, target.ask(tool, work)).map_err(|error| match error {
        // The command that gets the token is the credential's own.
        Error::Vault(_) => out.told(&error, &target.servers.command_for(&target.which)),
        error => error,
    })
}

async fn timed(client: &mut McpClient) -> Result<u128, ClientError> {
    let began = Instant::now();
    client.ping().await?;
    Ok(began.elapsed().as_millis())
}

fn step(name: &str, text: &str) -> String {
    format!("{name:10} {text}")
}

fn warn(tools: &Tools, out: &Out) {
    for (name, why) in &tools.unusable {
        out.say(&format!("left out {name}: {why}"));
    }
}

/// What is known about a server, for programs.
fn about(client: &McpClient, place: &str) -> Map<String, Value> {
    let object = json!({
        "version": 1,
        "url": place,
        "server": {"name": client.name, "version": client.version},
        "protocol_version": client.protocol(),
        "era": client.era().name(),
        "transport": client.transport(),
    });
    object.as_object().cloned().unwrap_or_default()
}
