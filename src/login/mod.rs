//! Logs in to any MCP server by its address. Not here: discovery (see `flow`); remembering it (see `config`); the
//! token (see `vault`).

mod client;
mod key;
mod prepare;
mod request;
mod stale;

pub(crate) use self::key::{KeyRequest, KeySource, keep_key, try_server};
use self::prepare::{is_moved, prepare};
pub(crate) use self::request::{LoginRequest, Own};
use self::stale::is_stale;
use crate::config::{Config, ConfigError, CredentialPlan, Registration};
use crate::error::Error;
use crate::notice::Notices;
use crate::vault::{IssuedToken, Vault, VaultError};

/// A client that mcpauth registered and that is no longer valid is replaced once, automatically.
///
/// # Errors
/// Whatever keeps the token from coming; also a name that another server has.
pub(crate) async fn log_in(
    request: &LoginRequest,
    config: &Config,
    vault: &Vault,
    get: impl AsyncFn(CredentialPlan, bool) -> Result<IssuedToken, Error>,
    out: &dyn Notices,
) -> Result<IssuedToken, Error> {
    let LoginRequest { name, force, .. } = request;
    // A broken registration is replaced if the user asks for it.
    let kept = match config.registration(name) {
        Err(ConfigError::File(..)) if *force => None,
        other => other?,
    };
    let meant = kept.as_ref().is_some_and(|kept| request.is_met_by(kept));
    let stale = match &kept {
        Some(kept) if meant => is_stale(config, vault, name, kept).await,
        _ => false,
    };
    let moved = match &kept {
        Some(kept) if meant && !stale => is_moved(config, vault, name, kept).await,
        _ => false,
    };
    let say = || out.say("the client registered there is no longer valid; registering a new one");
    if stale {
        say();
    }
    let client = match (meant, stale, moved) {
        (_, true, _) => KeptParts::Gone,
        (true, false, false) => KeptParts::AsItIs,
        _ => KeptParts::Client,
    };
    let result = once(request, config, vault, (kept.as_ref(), client), &get, out).await;
    let left = match &result {
        _ if !meant || stale || vault.browser.is_none() => return result,
        Err(Error::Vault(VaultError::ClientForgotten { .. })) => KeptParts::Gone,
        // The person is there: the server has left its issuer.
        Err(Error::Vault(VaultError::NeedsPerson { .. })) if client == KeptParts::AsItIs => KeptParts::Client,
        _ => return result,
    };
    if left == KeptParts::Gone {
        say();
    }
    once(request, config, vault, (kept.as_ref(), left), &get, out).await
}

/// How much of what is stored about a server is reused.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeptParts {
    /// All of it.
    AsItIs,
    /// The client; the rest is discovered again.
    Client,
    /// Nothing: its issuer does not know the client.
    Gone,
}

/// A login that reuses as much as `kept` says and discovers the rest.
async fn once(
    request: &LoginRequest,
    config: &Config,
    vault: &Vault,
    (kept, what): (Option<&Registration>, KeptParts),
    get: &impl AsyncFn(CredentialPlan, bool) -> Result<IssuedToken, Error>,
    out: &dyn Notices,
) -> Result<IssuedToken, Error> {
    let (name, known) = (request.name.as_str(), kept.is_some());
    let mut draft = None;
    let (found, is_new) = match kept {
        Some(kept) if what == KeptParts::AsItIs => (Ok(kept.clone()), false),
        _ => {
            let make_room = || {
                draft = Some(config.draft_registration(name)?);
                Ok(())
            };
            let counts = kept.filter(|_| what != KeptParts::Gone);
            (prepare(request, config, vault, counts, make_room, out).await, true)
        }
    };
    // A failed login must not need a second client the next time; but the old one stays until the new one works.
    let mut keep = |found: Registration, now: bool| {
        if is_new && now {
            config.keep_registration(name, draft.take(), &found, vault.store.storage())?
        }
        Ok::<_, Error>(found)
    };
    let found = keep(found?, !known)?;
    // Nothing tells a client's own token with other scopes from the previous one.
    let renew = request.force || (is_new && found.for_itself);
    let result = get(config.by_address(name, &found), renew).await;
    keep(found, result.is_ok())?;
    result
}
