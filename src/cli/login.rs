//! `mcpauth login`: into any MCP server, by its address alone. It leaves finding out how to `flow`, remembering it to
//! `config` and the token to `vault`.

mod client;
mod prepare;

use clap::Args;
use url::Url;

use self::client::{Own, OwnArgs};
use self::prepare::{is_moved, prepare};
use crate::cli::args::BrowserArgs;
use crate::cli::flows::{self, Row};
use crate::cli::out::Out;
use crate::cli::report::Done;
use crate::config::{Config, ConfigError, Registration, Settings, address_id, login_command, name_of};
use crate::credential::Kind;
use crate::error::{Error, Exit};
use crate::flow::{AddressError, FlowError};
use crate::sys::address::web_url;
use crate::text::word;
use crate::vault::{Vault, VaultError};

/// Log in to any MCP server by its address alone, and keep its token
///
/// The server says whom to ask for a token (RFC 9728), that issuer how (RFC 8414). The client is yours (--client-id), or
/// described at MCPAUTH_CLIENT_METADATA_URL where the issuer reads such documents (mcpauth client-metadata), or the issuer
/// registers mcpauth (RFC 7591). A server that says nothing of itself is logged in to at its own origin (MCP 2025-03-26). The
/// server then has a name for token, headers, bridge, list and logout, and a token of its own, which goes to this address
/// and nowhere else. A token that is still good is reused, an expired one refreshed if that is allowed; only then the
/// browser opens.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth login https://tools.example.com/mcp\n  \
                        mcpauth login https://tools.example.com/mcp --client-id ID --client-secret-file -\n  \
                        mcpauth login https://tools.example.com/mcp --client-id ID --private-key-file key.pem --client-credentials\n  \
                        mcpauth list --url https://tools.example.com/mcp")]
pub(super) struct LoginArgs {
    /// The MCP server's address
    #[arg(value_parser = address)]
    url: Url,
    /// Call it so, and not by its host's name
    #[arg(long, visible_alias = "mcp-server-name", value_name = "NAME")]
    server_name: Option<String>,
    #[command(flatten)]
    own: OwnArgs,
    /// Ask for this scope, and not for those the server names; repeatable
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// Find out everything, register and log in again, even if there is a good token
    #[arg(short, long)]
    force: bool,
    /// The issuer does PKCE with S256 though it does not say so
    #[arg(long)]
    assume_pkce_s256: bool,
    #[command(flatten)]
    browser: BrowserArgs,
}

pub(super) fn run(args: &LoginArgs, settings: Settings, out: &Out) -> Result<Exit, Error> {
    let own = args.own.read()?;
    let config = Config::resolve(settings)?;
    let name = args.server_name.clone().unwrap_or_else(|| name_of(&args.url));
    // What is broken there is to be replaced, if the person says so.
    let kept = match config.registration(&name) {
        Err(ConfigError::File(..)) if args.force => None,
        other => other?,
    };
    if let Some(other) = kept.as_ref().filter(|kept| kept.url != args.url && !args.force) {
        return Err(Error::Usage {
            message: format!("{name} is already the name of {}", other.url),
            hint: format!(
                "give it a name of its own: {} --server-name NAME",
                login_command(&args.url, &name_of(&args.url))
            ),
        });
    }
    let vault = flows::vault(&config, flows::browser(&args.browser, &config), out)?;
    let work = async {
        let row = one(args, &config, &vault, (&name, kept), &own, out).await;
        Ok(Done::of(&[], vec![row], Vec::new()))
    };
    Ok(flows::until_signal(out, work, Done::interrupted)?.report(out))
}

async fn one(
    args: &LoginArgs,
    config: &Config,
    vault: &Vault,
    (name, kept): (&str, Option<Registration>),
    own: &Own,
    out: &Out,
) -> Row {
    let known = kept.is_some();
    let mut draft = None;
    let (found, is_new) = match &kept {
        Some(kept) if is_meant(args, kept, own) && !is_moved(config, vault, name, kept).await => {
            (Ok(kept.clone()), false)
        }
        _ => {
            let make_room = || {
                draft = Some(config.draft_registration(name)?);
                Ok(())
            };
            (prepare(args, config, vault, (own, kept.as_ref()), make_room, out).await, true)
        }
    };
    // A login that comes to nothing needs no second client the next time; but what there was stays until then.
    let mut keep = |found: Registration, now: bool| {
        if is_new && now {
            config.keep_registration(name, draft.take(), &found)?
        }
        Ok::<_, Error>(found)
    };
    match found.and_then(|found| keep(found, !known)) {
        Err(error) => failed(args, name, error),
        Ok(found) => {
            let planned = vec![config.by_address(name, &found)];
            // Nothing tells a client's own token with other scopes from the one there was.
            let anew = args.force || (is_new && found.for_itself);
            let row = flows::run(vault, planned, anew, out).await.pop();
            let row = row.unwrap_or_else(|| failed(args, name, VaultError::NeedsPerson { why: None }.into()));
            let row = Row { command: command(args, name, &row.result), ..row };
            match keep(found, row.result.is_ok()) {
                Ok(_) => row,
                Err(error) => failed(args, name, error),
            }
        }
    }
}

fn failed(args: &LoginArgs, name: &str, error: Error) -> Row {
    let result = Err(error);
    Row {
        kind: Kind::Egress,
        name: address_id(name).to_string(),
        command: command(args, name, &result),
        result,
    }
}

/// The command that was typed, for the message that says what to type next: with what is still wanted of it, and without
/// what the message adds by itself.
fn command<T>(args: &LoginArgs, name: &str, result: &Result<T, Error>) -> String {
    let mut words = vec![login_command(&args.url, name)];
    let names_client = |error: &Error| {
        matches!(error, Error::Vault(VaultError::Flow(FlowError::ByAddress(AddressError::MachinesAlone(_)))))
    };
    if !result.as_ref().is_err_and(names_client) {
        words.extend(args.own.words());
    }
    words.extend(args.scope.iter().map(|scope| format!("--scope {}", word(scope))));
    if args.assume_pkce_s256 {
        words.push("--assume-pkce-s256".into());
    }
    if args.force && matches!(result, Err(Error::Vault(VaultError::NeedsPerson { .. }))) {
        words.push("--force".into());
    }
    words.join(" ")
}

/// Whether what is kept of a server is what is asked for now.
fn is_meant(args: &LoginArgs, kept: &Registration, own: &Own) -> bool {
    !args.force && own.is(kept) && (args.scope.is_empty() || args.scope == kept.scopes)
}

fn address(text: &str) -> Result<Url, String> {
    let url = web_url(text).map_err(|e| e.to_string())?;
    if url.fragment().is_some() {
        return Err("has a fragment (#)".into());
    }
    Ok(url)
}
