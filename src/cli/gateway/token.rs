//! `mcpauth gateway token`: tokens of the gateway's own, for one job; which there are; and taking them back. Not
//! here: making them (see the gateway); remembering them (see its ledger); refusing them (see its list of the
//! revoked).

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::flows;
use crate::cli::gateway::from::From;
use crate::cli::out::{Out, extend};
use crate::config::Config;
use crate::deployment::VendedTokens;
use crate::error::{Error, Exit};
use crate::gateway::token_ledger::LedgerEntry;
use crate::quantity::seconds_within;
use crate::servers::Narrowing;
use crate::sys::clock;
use crate::text::{clean, path_word, word};

const EXAMPLES: &str = "Examples:
  mcpauth gateway token --server currenttime --tool current_time_by_timezone --ttl 15m
  mcpauth gateway token --scope mcp-servers-restricted/read --agent 'nightly report'
  mcpauth gateway token list
  mcpauth gateway token revoke 9c41d0b7e2f84a6d8f0b3c5a71e6d294
  mcpauth gateway token revoke --owner alice

A token in a command line is visible to every process: give it to programs in a header file or their environment.";

/// Print a token of the gateway's own for one job, list such tokens, or revoke them
///
/// It is derived from your token for the gateway (mcpauth ingress), never allows more than you may do yourself, and expires after
/// an hour, or a day at most. The gateway is the one at REGISTRY_URL; vending must be enabled in its settings. Listing and
/// revoking tokens is for the gateway's operator, who has its files.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(super) struct VendArgs {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    narrowing: NarrowingArgs,
}

#[derive(Subcommand, Debug)]
enum What {
    List(TokenListArgs),
    Revoke(RevokeArgs),
    Key(KeyArgs),
}

/// What a token is to be limited to.
#[derive(Args, Clone, Debug)]
struct NarrowingArgs {
    /// A server that it is for, by its path without slashes; repeatable [default: all that you may use]
    #[arg(long, value_name = "SERVER")]
    server: Vec<String>,
    /// A tool it may call there; repeatable [default: all that you may call]
    #[arg(long, value_name = "TOOL", requires = "server")]
    tool: Vec<String>,
    /// A scope of yours that it has; repeatable [default: all]
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// How long it is valid, a day at most [default: 1h]
    #[arg(long, value_name = "TIME", value_parser = |text: &str| seconds_within(text, 1..=DAY))]
    ttl: Option<u64>,
    /// The agent that will use it, for the audit and the list
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// List the valid tokens, and when each was last used
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  mcpauth gateway token list --config /etc/mcpauth/gateway.yaml --json")]
struct TokenListArgs {
    #[command(flatten)]
    from: From,
}

/// Revoke tokens: every gateway that shares the files rejects them within a second
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth gateway token revoke 9c41d0b7e2f84a6d8f0b3c5a71e6d294\n  \
                        mcpauth gateway token revoke --owner alice\n  mcpauth gateway token revoke --all")]
struct RevokeArgs {
    /// Tokens, by the ids that the list shows
    #[arg(value_name = "ID", required_unless_present_any = ["owner", "all"])]
    ids: Vec<String>,
    /// All of one owner's, by subject or name
    #[arg(long, value_name = "OWNER", conflicts_with_all = ["ids", "all"])]
    owner: Option<String>,
    /// All of them
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    #[command(flatten)]
    from: From,
}

/// Make a new key that signs them; tokens signed by older keys next to it stay valid
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  mcpauth gateway token key --config /etc/mcpauth/gateway.yaml")]
struct KeyArgs {
    #[command(flatten)]
    from: From,
}

/// The longest lifetime of a token, in seconds.
const DAY: u64 = 24 * 3600;

pub(super) fn run(args: &VendArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    match &args.what {
        None => print(&args.narrowing, config, out),
        Some(What::List(args)) => list(args, config, out),
        Some(What::Revoke(args)) => revoke(args, config, out),
        Some(What::Key(args)) => key(args, config, out),
    }
}

impl NarrowingArgs {
    fn is_empty(&self) -> bool {
        self.server.is_empty() && self.scope.is_empty() && self.ttl.is_none() && self.agent.is_none()
    }

    fn narrowing(&self) -> Narrowing {
        let Self { server, tool, scope, ttl, agent, description } = self.clone();
        let servers = server.iter().map(|name| name.trim_matches('/').to_owned()).collect();
        Narrowing { servers, tools: tool, scopes: scope, seconds: ttl, agent, description }
    }
}

fn print(args: &NarrowingArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    if args.is_empty() {
        return Err(Error::Usage {
            message: "the token has no limits: name a server, a scope, an agent or a time".into(),
            hint: "as in: mcpauth gateway token --server SERVER --tool TOOL --ttl 15m".into(),
        });
    }
    let servers = flows::servers(config.clone(), out)?;
    let narrowing = args.narrowing();
    flows::print_token(&flows::complete(out, servers.exchanged(&narrowing))?, out);
    Ok(Exit::Done)
}

fn list(args: &TokenListArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    let now = clock::now();
    let live = VendedTokens::new(args.from.named(), config)?.live(now)?;
    if out.json {
        let tokens: Vec<Value> = live.iter().map(|(entry, gone)| object(entry, *gone)).collect();
        out.object(&json!({"version": 1, "tokens": tokens}));
        return Ok(Exit::Done);
    }
    for (entry, gone) in &live {
        out.data(&out.fold(&row(entry, *gone, now)));
    }
    if live.is_empty() {
        out.result("no vended token is valid");
    }
    Ok(Exit::Done)
}

fn object(entry: &LedgerEntry, gone: bool) -> Value {
    let mut object = json!(entry);
    extend(&mut object, json!({"revoked": gone}));
    object
}

/// A token in a line: its id first, to be copied.
fn row(entry: &LedgerEntry, gone: bool, now: i64) -> String {
    let shown = |text: &str| clean(text, 60);
    let owner = shown(entry.user.as_deref().unwrap_or(&entry.owner));
    let agent = entry.agent.as_deref().map(|agent| format!(" for {}", shown(agent))).unwrap_or_default();
    let ends = if gone { "revoked".into() } else { format!("ends in {}", minutes(entry.expires_at - now)) };
    let used =
        entry.used_at.map_or_else(|| "never used".into(), |at| format!("used {} ago", minutes(now - at)));
    let about = entry.description.as_deref().map(|text| format!(" ({})", shown(text))).unwrap_or_default();
    format!("{} {owner}{agent}: {}; {ends}, {used}{about}", entry.jti, limits(entry))
}

/// What a token names, in short.
fn limits(entry: &LedgerEntry) -> String {
    let names = |list: &Option<Vec<String>>| list.as_deref().unwrap_or_default().join(" ");
    let details = entry.authorization_details.iter().flatten();
    let details = details.map(|detail| match names(&detail.tools).as_str() {
        "*" => format!("{} {}", detail.server, names(&detail.methods)),
        tools => format!("{} {tools}", detail.server),
    });
    let all: Vec<String> = std::iter::once(entry.scope.clone()).chain(details).collect();
    clean(&all.join(", "), 200)
}

/// A time in minutes and hours, rounded down.
fn minutes(seconds: i64) -> String {
    match seconds / 60 {
        minutes @ ..60 => format!("{minutes} min"),
        minutes => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

fn revoke(args: &RevokeArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    let tokens = VendedTokens::new(args.from.named(), config)?;
    let entries = tokens.all()?;
    if let Some(unknown) = args.ids.iter().find(|id| entries.iter().all(|entry| entry.jti != **id)) {
        let id = word(&clean(unknown, 100));
        let list = path_word(tokens.revocation_list());
        return Err(Error::Usage {
            message: format!("the ledger has no token {id}"),
            hint: format!(
                "see which there are: mcpauth gateway token list; or refuse it all the same: echo jti: {id} >> {list}"
            ),
        });
    }
    let is_meant = |entry: &&LedgerEntry| match &args.owner {
        Some(owner) => entry.owner == *owner || entry.user.as_ref() == Some(owner),
        None => args.all || args.ids.contains(&entry.jti),
    };
    let ids: Vec<&str> = entries.iter().filter(is_meant).map(|entry| entry.jti.as_str()).collect();
    if let Some(owner) = args.owner.as_deref().filter(|_| ids.is_empty()) {
        return Err(Error::Usage {
            message: format!("the ledger has no token of {}", clean(owner, 100)),
            hint: "see whose there are: mcpauth gateway token list".into(),
        });
    }
    let count = tokens.revoke(&ids)?;
    if out.json {
        out.object(&json!({"version": 1, "revoked": ids, "new": count}));
    } else {
        out.result(&format!(
            "revoked: {count}{}",
            if ids.len() > count { ", the others were before" } else { "" }
        ));
    }
    Ok(Exit::Done)
}

fn key(args: &KeyArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    let path = VendedTokens::new(args.from.named(), config)?.make_key(clock::now())?;
    if out.json {
        out.object(&json!({"version": 1, "key": path.display().to_string()}));
    } else {
        out.result(&format!("made {}", path.display()));
    }
    Ok(Exit::Done)
}
