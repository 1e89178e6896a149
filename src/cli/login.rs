//! `mcpauth login`: into any MCP server, by its address alone. It leaves finding out how to `flow`, remembering it to
//! `config` and the token to `vault`.

mod stale;

use std::path::PathBuf;

use clap::Args;
use url::Url;

use self::stale::is_stale;
use crate::cli::args::BrowserArgs;
use crate::cli::flows::{self, Row};
use crate::cli::given::secret_from;
use crate::cli::out::Out;
use crate::cli::report::Done;
use crate::config::{Config, ConfigError, Registration, Settings, address_id, login_command, name_of};
use crate::credential::Kind;
use crate::error::{Error, Exit};
use crate::flow;
use crate::oauth::{Client, own_client};
use crate::secret::Secret;
use crate::sys::address::web_url;
use crate::text::clean;
use crate::vault::{Vault, VaultError};

/// Log in to any MCP server by its address alone, and keep its token
///
/// The server says whom to ask for a token (RFC 9728), that issuer how (RFC 8414), and registers mcpauth as a client
/// (RFC 7591). The server then has a name for token, headers, bridge, list and logout, and a token of its own, which goes
/// to this address and nowhere else. A token that is still good is reused, an expired one refreshed if that is allowed;
/// only then the browser opens.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth login https://tools.example.com/mcp\n  \
                        mcpauth login https://tools.example.com/mcp --client-id ID --client-secret-file -\n  \
                        mcpauth list --url https://tools.example.com/mcp")]
pub(super) struct LoginArgs {
    /// The MCP server's address
    #[arg(value_parser = address)]
    url: Url,
    /// Call it so, and not by its host's name
    #[arg(long, visible_alias = "mcp-server-name", value_name = "NAME")]
    server_name: Option<String>,
    /// Be this client, which is registered already
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Read the client secret from this file, or from stdin for -
    #[arg(long, value_name = "FILE", requires = "client_id")]
    client_secret_file: Option<PathBuf>,
    /// The redirect URI that this client is registered with [default: http://127.0.0.1:8080/callback, with a path of its own for an issuer that does not name itself in its answers (RFC 9207)]
    #[arg(long, value_name = "URI", requires = "client_id", value_parser = address)]
    redirect_uri: Option<Url>,
    /// Ask for this scope, and not for those the server names; repeatable
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// Find out everything, register and log in again, even if there is a good token
    #[arg(short, long)]
    force: bool,
    /// Log in at this issuer, of those that the server names [default: the first that can be used]
    #[arg(long, value_name = "URL", value_parser = address)]
    issuer: Option<Url>,
    /// The issuer does PKCE with S256 though it does not say so
    #[arg(long)]
    assume_pkce_s256: bool,
    #[command(flatten)]
    browser: BrowserArgs,
}

pub(super) fn run(args: &LoginArgs, settings: Settings, out: &Out) -> Result<Exit, Error> {
    let secret = args.client_secret_file.as_deref().map(secret_from).transpose()?;
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
        let row = one(args, &config, &vault, (&name, kept), secret, out).await;
        Ok(Done::of(&[], vec![row], Vec::new()))
    };
    Ok(flows::until_signal(out, work, Done::interrupted)?.report(out))
}

/// A client that mcpauth registered and that is of no more use is replaced once, by itself.
async fn one(
    args: &LoginArgs,
    config: &Config,
    vault: &Vault,
    (name, kept): (&str, Option<Registration>),
    secret: Option<Secret>,
    out: &Out,
) -> Row {
    let meant = kept.as_ref().is_some_and(|kept| is_meant(args, kept, secret.as_ref()));
    let stale = match &kept {
        Some(kept) if meant => is_stale(config, vault, name, kept).await,
        _ => false,
    };
    let say = || out.say("the client that was registered there is of no more use; registering another one");
    if stale {
        say();
    }
    let row = once(args, config, vault, (name, kept.as_ref(), meant && !stale), secret.clone(), out).await;
    let forgotten = matches!(row.result, Err(Error::Vault(VaultError::ClientForgotten { .. })));
    if !forgotten || !meant || stale || vault.browser.is_none() {
        return row;
    }
    say();
    once(args, config, vault, (name, kept.as_ref(), false), secret, out).await
}

/// A login with what is kept of the server, if that is `good`, or with all of it found out anew.
async fn once(
    args: &LoginArgs,
    config: &Config,
    vault: &Vault,
    (name, kept, good): (&str, Option<&Registration>, bool),
    secret: Option<Secret>,
    out: &Out,
) -> Row {
    let known = kept.is_some();
    let mut draft = None;
    let (found, is_new) = match kept {
        Some(kept) if good => (Ok(kept.clone()), false),
        _ => {
            let make_room = || {
                draft = Some(config.draft_registration(name)?);
                Ok(())
            };
            (prepare(args, vault, secret, make_room, out).await, true)
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
            let row = flows::run(vault, planned, args.force, out).await.pop();
            let row = row.unwrap_or_else(|| failed(args, name, VaultError::NeedsPerson { why: None }.into()));
            match keep(found, row.result.is_ok()) {
                Ok(_) => row,
                Err(error) => failed(args, name, error),
            }
        }
    }
}

fn failed(args: &LoginArgs, name: &str, error: Error) -> Row {
    let (name, command) = (address_id(name).to_string(), login_command(&args.url, name));
    Row { kind: Kind::Egress, name, command, result: Err(error) }
}

/// Whether what is kept of a server is what is asked for now.
fn is_meant(args: &LoginArgs, kept: &Registration, secret: Option<&Secret>) -> bool {
    !args.force
        && args.client_id.as_ref().is_none_or(|id| *id == kept.client_id)
        && secret.is_none_or(|secret| kept.client_secret.as_ref() == Some(secret))
        && args.redirect_uri.as_ref().is_none_or(|uri| uri.as_str() == kept.redirect_uri)
        && (args.scope.is_empty() || args.scope == kept.scopes)
        && args
            .issuer
            .as_ref()
            .is_none_or(|wanted| wanted.as_str().trim_end_matches('/') == kept.issuer.trim_end_matches('/'))
}

/// Finds out how to log in, and gets a client for it; a new one only if there is room to keep it.
async fn prepare(
    args: &LoginArgs,
    vault: &Vault,
    secret: Option<Secret>,
    make_room: impl FnOnce() -> Result<(), Error>,
    out: &Out,
) -> Result<Registration, Error> {
    if vault.browser.is_none() {
        return Err(VaultError::NeedsPerson { why: None }.into());
    }
    let wanted = args.issuer.as_ref().map(Url::as_str);
    let found = flow::discover(&vault.http, &args.url, args.assume_pkce_s256, wanted).await;
    let found = found.map_err(VaultError::Flow)?;
    let scopes = if args.scope.is_empty() { found.scopes } else { args.scope.clone() };
    let (client, redirect_uri) = match &args.client_id {
        Some(id) => {
            let uri = args.redirect_uri.as_ref().map(Url::to_string).unwrap_or_else(|| {
                let usual = flow::usual_redirect_uri(&found.issuer);
                out.say(&format!(
                    "the client must be registered with {usual}; name another with --redirect-uri"
                ));
                usual
            });
            (own_client(id, secret, &found.issuer), uri)
        }
        None => {
            make_room()?;
            flow::register(&vault.http, &found.issuer, &scopes).await.map_err(VaultError::Flow)?
        }
    };
    say(&found.issuer.issuer, &scopes, &client, args, out);
    Ok(Registration {
        url: args.url.clone(),
        resource: found.resource,
        issuer: found.issuer.issuer,
        client_id: client.id,
        client_secret: client.auth.secret().cloned(),
        registered: args.client_id.is_none(),
        token_endpoint_auth_method: client.auth.name().into(),
        redirect_uri,
        scopes,
    })
}

fn say(issuer: &str, scopes: &[String], client: &Client, args: &LoginArgs, out: &Out) {
    let asked = if scopes.is_empty() { "no scopes by name".into() } else { scopes.join(" ") };
    let whose = if args.client_id.is_some() { "client" } else { "registered as client" };
    out.say(&format!(
        "issuer {}; asks for {asked}; {whose} {} ({})",
        clean(issuer, 200),
        clean(&client.id, 100),
        client.auth.name()
    ));
}

fn address(text: &str) -> Result<Url, String> {
    let url = web_url(text).map_err(|e| e.to_string())?;
    if url.fragment().is_some() {
        return Err("has a fragment (#)".into());
    }
    Ok(url)
}
