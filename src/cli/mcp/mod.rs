//! `mcpauth probe`, `ping`, `list` and `call`: an MCP server as a client meets it, from the command line. It leaves the
//! protocol to `client`, the server's address and credentials to `target`, what `call`'s words mean to `words` and `arguments`,
//! and how answers look to `show`.

mod arguments;
mod explain;
mod show;
mod target;
mod words;

use std::time::Instant;

use clap::Args;
use serde_json::{Map, Value, json};

use self::arguments::{ToolArguments, typed};
use self::target::{ServerArgs, ServerTarget, TargetArgs};
use self::words::CallWords;
use crate::cli::out::Out;
use crate::client::{ClientError, Era, McpClient, Tools};
use crate::config::Settings;
use crate::error::{Error, Exit};
use crate::sys::terminal;

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
/// A table on a terminal, a required argument with its *; one tool a line elsewhere, its name and a tab first.
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
/// The result's text goes to stdout as it is; with --json the whole result does.
#[derive(Args, Debug)]
#[command(
    override_usage = "mcpauth call [OPTIONS] [SERVER] TOOL [KEY=VALUE... | JSON | @FILE | -]",
    after_help = "SERVER is one of your servers by its name, or any server's address; without it the one of GATEWAY_URL is meant. Two \
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
    server: TargetArgs,
}

pub(super) fn probe(args: &ProbeArgs, settings: Settings, out: &Out) -> Result<Exit, Error> {
    let target = args.server.resolve(settings, out)?;
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
    let (object, tools) = match target.with(None, work)? {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    warn(&tools, out);
    if out.json {
        out.data(&show::json(&Value::Object(object)));
    }
    Ok(Exit::Done)
}

pub(super) fn ping(args: &PingArgs, settings: Settings, out: &Out) -> Result<Exit, Error> {
    let target = args.server.resolve(settings, out)?;
    let work = async |client: &mut McpClient| {
        let took = timed(client).await?;
        let how = format!("{}, {}", client.protocol(), client.transport());
        let text = format!("{} answered in {took} ms ({how})", show::named(client));
        let mut object = about(client, &target.place(client));
        object.insert("ping_ms".into(), json!(took));
        Ok((object, text))
    };
    let (object, text) = match target.with(None, work)? {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    if out.json {
        out.data(&show::json(&Value::Object(object)))
    } else {
        out.result(&text)
    }
    Ok(Exit::Done)
}

pub(super) fn list(args: &ListArgs, settings: Settings, out: &Out) -> Result<Exit, Error> {
    let target = args.server.resolve(settings, out)?;
    let tools = match target.with(None, async |client: &mut McpClient| client.tools().await)? {
        Ok(tools) => tools,
        Err(exit) => return Ok(exit),
    };
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

pub(super) fn call(args: &CallArgs, settings: Settings, out: &Out) -> Result<Exit, Error> {
    let words = CallWords::read(&args.first, &args.rest, args.server.is_given());
    let arguments = ToolArguments::read(words.arguments)?;
    let tool = words.tool;
    let target = ServerTarget::resolve(&args.server, |servers| words.server(servers), settings, out)?;
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
    let result = match target.with(Some(tool), work)? {
        Ok(result) => result?,
        Err(exit) => return Ok(exit),
    };
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

/// What is known of a server, for programs.
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
