//! `mcpauth probe`, `ping`, `list` and `call`: an MCP server as a client meets it, from the command line. It leaves the
//! protocol to `client`, the server's address and credentials to `connect`, and how answers look to `show`.

mod show;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value, json};
use url::Url;

use crate::cli::args::AuthArgs;
use crate::cli::flows;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::client::{ClientError, Era, McpClient, Tools};
use crate::connect::{Target, Wanted, address};
use crate::error::{Error, Exit};
use crate::quantity::seconds_within;
use crate::sys::{public_file, terminal};

/// The largest file of arguments that is read, in bytes.
const LIMIT: u64 = 64 << 20;

/// Which server, and what it is sent.
#[derive(Args, Debug)]
struct ServerArgs {
    /// The server's address [default: GATEWAY_URL, else http://localhost:8003/mcp]
    #[arg(long, value_name = "URL", value_parser = address)]
    url: Option<Url>,
    /// One of your servers, by its name
    #[arg(long, value_name = "NAME", conflicts_with = "url")]
    server: Option<String>,
    #[command(flatten)]
    auth: AuthArgs,
    /// Send no credentials
    #[arg(long, conflicts_with_all = ["server", "token_file", "auth"])]
    no_auth: bool,
    /// Send the token in this file (0600; - for stdin) in Authorization, for the server itself
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How long all of it may take, as in 60 or 5m
    #[arg(long, value_name = "TIME", default_value = "60", value_parser = timeout)]
    timeout: u64,
}

/// How long a call may take, in seconds.
fn timeout(text: &str) -> Result<u64, String> {
    seconds_within(text, 1..=86_400)
}

/// Connect to an MCP server, ping it and list its tools, step by step
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth probe --server fininfo\n  GATEWAY_URL=https://gw.example.com/mcp mcpauth probe"
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
    after_help = "Examples:\n  mcpauth list --server fininfo\n  \
                                                 mcpauth list --url https://gw.example.com/mcp --json | jq '.tools[0].inputSchema'"
)]
pub(super) struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,
}

/// Call a tool of an MCP server
///
/// The result's text goes to stdout as it is; with --json the whole result does.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth call debug_auth_context\n  \
                        mcpauth call --server fininfo get_price '{\"symbol\": \"ABC\"}' | jq .price\n  \
                        mcpauth call echo @arguments.json")]
pub(super) struct CallArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// The tool's name
    tool: String,
    /// Its arguments: a JSON object, @FILE, or - for stdin
    #[arg(value_name = "JSON", default_value = "{}", hide_default_value = true)]
    arguments: String,
}

pub(super) fn probe(args: &ProbeArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let target = resolve(&args.server, given, out)?;
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
    let (object, tools) = match ask(&target, out, None, work)? {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    warn(&tools, out);
    if out.json {
        out.data(&show::json(&Value::Object(object)));
    }
    Ok(Exit::Done)
}

pub(super) fn ping(args: &PingArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let target = resolve(&args.server, given, out)?;
    let work = async |client: &mut McpClient| {
        let took = timed(client).await?;
        let how = format!("{}, {}", client.protocol(), client.transport());
        let text = format!("{} answered in {took} ms ({how})", show::named(client));
        let mut object = about(client, &target.place(client));
        object.insert("ping_ms".into(), json!(took));
        Ok((object, text))
    };
    let (object, text) = match ask(&target, out, None, work)? {
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

pub(super) fn list(args: &ListArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let target = resolve(&args.server, given, out)?;
    let tools = match ask(&target, out, None, async |client: &mut McpClient| client.tools().await)? {
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

pub(super) fn call(args: &CallArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let arguments = arguments(&args.arguments)?;
    let target = resolve(&args.server, given, out)?;
    let work = async |client: &mut McpClient| client.call(&args.tool, &arguments).await;
    let result = match ask(&target, out, Some(&args.tool), work)? {
        Ok(result) => result,
        Err(exit) => return Ok(exit),
    };
    let failed = result.get("isError") == Some(&Value::Bool(true));
    if out.json {
        out.data(&show::json(&result));
    }
    let content = show::ToolContent::from_result(&result);
    if failed {
        let said = crate::text::clean(&content.text.join(" "), 500);
        return Err(target.explained(ClientError::Tool(said), Some(&args.tool)));
    }
    if !out.json {
        content.print(out);
    }
    Ok(Exit::Done)
}

fn resolve(args: &ServerArgs, given: &Given<'_>, out: &Out) -> Result<Target, Error> {
    let wanted = Wanted {
        url: args.url.clone(),
        server: args.server.clone(),
        auth: args.auth.auth,
        no_auth: args.no_auth,
        token_file: args.token_file.clone(),
        within: Duration::from_secs(args.timeout),
    };
    Target::resolve(&wanted, flows::servers(given.config(out)?, out)?)
}

/// Asks the server; a signal gives its exit code.
fn ask<T>(
    target: &Target,
    out: &Out,
    tool: Option<&str>,
    work: impl AsyncFn(&mut McpClient) -> Result<T, ClientError>,
) -> Result<Result<T, Exit>, Error> {
    let all = async { target.ask(tool, work).await.map(Ok) };
    match flows::until_signal(out, all, Err) {
        // What gets the token is the credential's own command.
        Err(error @ Error::Vault(_)) => {
            out.error(&error, &target.servers.command_for(&target.which));
            Ok(Err(error.exit()))
        }
        result => result,
    }
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

/// The tool's arguments, which must be an object. What is in them is repeated nowhere.
fn arguments(given: &str) -> Result<Map<String, Value>, Error> {
    let wrong = |what: String| Error::Usage {
        message: format!("the tool's arguments are {what}"),
        hint:
            "give a JSON object in single quotes, such as '{\"name\": \"value\"}', or @FILE, or - for stdin"
                .into(),
    };
    let mut text = String::new();
    if given == "-" {
        text = terminal::piped()?;
    } else if let Some(path) = given.strip_prefix('@') {
        text = public_file::read_named_text(Path::new(path), LIMIT)
            .map_err(|e| wrong(format!("not to be read from {path}: {e}")))?;
    } else {
        given.clone_into(&mut text);
    }
    match serde_json::from_str(&text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(wrong("JSON, but no object".into())),
        Err(error) => Err(wrong(format!("no JSON: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_an_object_and_an_error_repeats_nothing_of_them() {
        assert_eq!(arguments("{}").unwrap(), Map::new());
        assert_eq!(arguments(r#"{"a":[1]}"#).unwrap().get("a"), Some(&json!([1])));
        for (given, expected) in [
            ("[1]", "the tool's arguments are JSON, but no object"),
            ("\"hunter2\"", "the tool's arguments are JSON, but no object"),
            ("{hunter2}", "the tool's arguments are no JSON: key must be a string at line 1 column 2"),
            ("", "the tool's arguments are no JSON: EOF while parsing a value at line 1 column 0"),
        ] {
            assert_eq!(arguments(given).unwrap_err().to_string(), expected, "{given}");
        }
    }
}
