//! `mcpauth login`: into any MCP server, by its address alone. It leaves finding out how to `flow`, remembering it to
//! `config` and the token to `vault`.

mod args;
mod client;
mod prepare;
mod stale;

pub(super) use self::args::LoginArgs;
use self::client::Own;
use self::prepare::{is_moved, prepare};
use self::stale::is_stale;
use crate::cli::flows::{self, FlowResult};
use crate::cli::out::Out;
use crate::cli::report::RunReport;
use crate::config::{Config, ConfigError, Registration, Settings, address_id, login_command, name_of};
use crate::credential::CredentialKind;
use crate::error::{Error, Exit};
use crate::flow::{AddressError, FlowError};
use crate::text::word;
use crate::vault::{Vault, VaultError};

pub(super) fn run(args: &LoginArgs, settings: Settings, out: &Out) -> Result<Exit, Error> {
    let own = Own::read(&args.own)?;
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
        let row = log_in_at(args, &config, &vault, (&name, kept), &own, out).await;
        Ok(RunReport::new(&[], vec![row], Vec::new()))
    };
    Ok(flows::until_signal(out, work, RunReport::interrupted)?.report(out))
}

/// A client that mcpauth registered and that is of no more use is replaced once, by itself.
async fn log_in_at(
    args: &LoginArgs,
    config: &Config,
    vault: &Vault,
    (name, kept): (&str, Option<Registration>),
    own: &Own,
    out: &Out,
) -> FlowResult {
    let meant = kept.as_ref().is_some_and(|kept| is_meant(args, kept, own));
    let stale = match &kept {
        Some(kept) if meant => is_stale(config, vault, name, kept).await,
        _ => false,
    };
    let moved = match &kept {
        Some(kept) if meant && !stale => is_moved(config, vault, name, kept).await,
        _ => false,
    };
    let say = || out.say("the client that was registered there is of no more use; registering another one");
    if stale {
        say();
    }
    let client = match (meant, stale, moved) {
        (_, true, _) => KeptParts::Gone,
        (true, false, false) => KeptParts::AsItIs,
        _ => KeptParts::Client,
    };
    let row = once(args, config, vault, (name, kept.as_ref(), client), own, out).await;
    let forgotten = matches!(row.result, Err(Error::Vault(VaultError::ClientForgotten { .. })));
    if !forgotten || !meant || stale || vault.browser.is_none() {
        return row;
    }
    say();
    once(args, config, vault, (name, kept.as_ref(), KeptParts::Gone), own, out).await
}

/// What of all that is kept of a server counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeptParts {
    /// All of it.
    AsItIs,
    /// Who the client is; the rest is found out anew.
    Client,
    /// Nothing: its issuer does not know the client.
    Gone,
}

/// A login with as much of what is kept of the server as counts, and with all else found out anew.
async fn once(
    args: &LoginArgs,
    config: &Config,
    vault: &Vault,
    (name, kept, what): (&str, Option<&Registration>, KeptParts),
    own: &Own,
    out: &Out,
) -> FlowResult {
    let known = kept.is_some();
    let mut draft = None;
    let (found, is_new) = match kept {
        Some(kept) if what == KeptParts::AsItIs => (Ok(kept.clone()), false),
        _ => {
            let make_room = || {
                draft = Some(config.draft_registration(name)?);
                Ok(())
            };
            (
                prepare(args, config, vault, (own, kept.filter(|_| what != KeptParts::Gone)), make_room, out)
                    .await,
                true,
            )
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
            let row = FlowResult { command: command(args, name, &row.result), ..row };
            match keep(found, row.result.is_ok()) {
                Ok(_) => row,
                Err(error) => failed(args, name, error),
            }
        }
    }
}

fn failed(args: &LoginArgs, name: &str, error: Error) -> FlowResult {
    let result = Err(error);
    FlowResult {
        kind: CredentialKind::Egress,
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
    let names_issuer = |error: &Error| {
        let chooses = |error: &AddressError| {
            matches!(error, AddressError::OtherIssuer { .. } | AddressError::NoIssuer { .. })
        };
        matches!(error, Error::Vault(VaultError::Flow(FlowError::ByAddress(error))) if chooses(error))
    };
    let issuer = args.issuer.iter().filter(|_| !result.as_ref().is_err_and(names_issuer));
    words.extend(issuer.map(|issuer| format!("--issuer {}", word(issuer.as_str()))));
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
    let same = |wanted: &url::Url| wanted.as_str().trim_end_matches('/') == kept.issuer.trim_end_matches('/');
    !args.force
        && own.is(kept)
        && (args.scope.is_empty() || args.scope == kept.scopes)
        && args.issuer.as_ref().is_none_or(same)
}
