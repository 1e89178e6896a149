//! Keeps a key or personal token for a server, after the server has accepted it. Not here: reading the key (see `cli`);
//! how it is stored (see `config` and `store`).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::timeout;
use url::Url;

use crate::client::{ClientError, McpClient};
use crate::config::{Config, KeyRegistration, SentKey};
use crate::credential::{Credential, SecretCommand};
use crate::error::Error;
use crate::oauth::{Epoch, is_sendable};
use crate::secret::Secret;
use crate::session::UpstreamAuth;
use crate::sys::clock;
use crate::sys::http::{Http, HttpError};
use crate::text::{clean, is_all_plain};
use crate::tokens::Bearers;
use crate::vault::{IssuedToken, TokenOutcome, Vault, VaultError};

/// Headers that the protocol sets itself: with a key in one of them no request is one, and a log may show it.
const OWN_HEADERS: [&str; 14] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "last-event-id",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// How long a server may take to answer.
const TRIAL: Duration = Duration::from_secs(30);

/// A key for a server, and how the server takes it.
pub(crate) struct KeyRequest {
    /// The server's address.
    pub(crate) url: Url,
    /// The server's name.
    pub(crate) name: String,
    /// The header that it is sent in.
    pub(crate) header: String,
    /// The header's value, with `{}` for the key.
    pub(crate) format: String,
    /// The key, or the command that prints it.
    pub(crate) key: KeySource,
    /// When it expires, if its user knows.
    pub(crate) expires_at: Option<Epoch>,
}

/// Where a key comes from.
pub(crate) enum KeySource {
    /// It was entered.
    Entered(Secret),
    /// A command prints it whenever it is needed.
    Printed(SecretCommand),
}

/// Tries the key at its server, and keeps it if the server accepts it.
///
/// # Errors
/// The server's refusal and whatever keeps it from being asked: then nothing is stored.
pub(crate) async fn keep_key(
    request: &KeyRequest,
    config: &Config,
    vault: &Vault,
) -> Result<IssuedToken, Error> {
    let KeyRequest { url, name, header, format, key, expires_at } = request;
    check(header, format, *expires_at)?;
    let key = &match key {
        KeySource::Entered(key) => {
            check_scheme(format, key)?;
            KeySource::Entered(as_basic(format, key))
        }
        KeySource::Printed(command) => KeySource::Printed(command.clone()),
    };
    let command = match key {
        KeySource::Entered(_) => None,
        KeySource::Printed(command) => Some(command.clone()),
    };
    let sent = SentKey { header: header.clone(), format: format.clone(), command };
    let kept = KeyRegistration { url: url.clone(), sent, scope: config.own_scope() };
    let credential = config.key(name, &kept).credential?;
    let secret = match key {
        KeySource::Entered(secret) => secret.clone(),
        KeySource::Printed(command) => {
            vault.commands.secret(command, None).await.map_err(VaultError::from)?
        }
    };
    try_key(&vault.http, url, (header, format), &secret).await?;
    store(config, vault, (name, &kept), &credential, key, *expires_at).await?;
    Ok(IssuedToken { outcome: TokenOutcome::Entered, ..vault.fresh(&credential, false).await? })
}

/// The key first: a registration without one would ask for it.
async fn store(
    config: &Config,
    vault: &Vault,
    (name, kept): (&str, &KeyRegistration),
    credential: &Credential,
    key: &KeySource,
    expires_at: Option<Epoch>,
) -> Result<(), Error> {
    match key {
        KeySource::Entered(secret) => drop(vault.keep_key(credential, secret.clone(), expires_at).await?),
        KeySource::Printed(_) => {
            let path = vault.store.path(&credential.id);
            vault.forget(&credential.id, &path, None, false).await.map(drop)?;
        }
    }
    Ok(config.keep_key_registration(name, kept)?)
}

/// Whether a server accepts a key: it must answer the first request of an MCP client with it.
async fn try_key(http: &Http, url: &Url, (header, format): (&str, &str), key: &Secret) -> Result<(), Error> {
    if !is_sendable(key) {
        return Err(unsendable());
    }
    try_server(http, url, vec![(header, key.within(format))]).await
}

fn unsendable() -> Error {
    let hint = "enter it as its service shows it, without quotes or line breaks";
    usage("the key has characters that no header can have", hint)
}

/// Whether a server answers the first request of an MCP client with these headers.
///
/// # Errors
/// [`Error::Mcp`]; with a 401 what the headers hold is not valid there.
pub(crate) async fn try_server(http: &Http, url: &Url, headers: Vec<(&str, Secret)>) -> Result<(), Error> {
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| unsendable())?;
        value.set_sensitive(true);
        let name: HeaderName = name
            .parse()
            .map_err(|_| usage("--header is not a header name", "for example: --header X-Api-Key"))?;
        all.insert(name, value);
    }
    let given = UpstreamAuth {
        url: url.clone(),
        within: url.join("/").unwrap_or_else(|_| url.clone()),
        headers: all,
        bearers: Bearers::default(),
    };
    let connecting = async {
        McpClient::connect(http.clone(), given, Arc::new(|_, _| {})).await?.close().await;
        Ok(())
    };
    match timeout(TRIAL, connecting).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(source)) => Err(refused(url, source)),
        Err(_) => {
            let host = url.host_str().unwrap_or_default().to_owned();
            let cause = format!("no answer within {} s", TRIAL.as_secs());
            Err(refused(url, ClientError::Http(HttpError::Lost { host, cause })))
        }
    }
}

fn refused(url: &Url, source: ClientError) -> Error {
    let hint = match &source {
        ClientError::Unauthorized(_) | ClientError::Forbidden(_) => {
            "check the key, and how the server takes it: --header NAME, --format 'Bearer {}'; nothing was stored"
        }
        ClientError::Http(_) | ClientError::Unavailable { .. } => {
            "try again when the server answers; nothing was stored"
        }
        _ => "check the address: a server is usually at /mcp; nothing was stored",
    };
    let hint = match &source {
        ClientError::Unauthorized(refusal) => {
            let described = refusal.challenge.as_ref().is_some_and(|said| said.resource_metadata.is_some());
            let login =
                format!("; or log in without a key: mcpauth login {}", crate::text::word(url.as_str()));
            format!("{hint}{}", if described { login } else { String::new() })
        }
        _ => hint.to_owned(),
    };
    Error::Mcp { source: Box::new(source), hint }
}

fn check(header: &str, format: &str, expires_at: Option<Epoch>) -> Result<(), Error> {
    if header.parse::<HeaderName>().is_err() {
        let message = format!("--header {:?} is not a header name", clean(header, 40));
        return Err(Error::Usage { message, hint: "for example: --header X-Api-Key".into() });
    }
    let lower = header.to_ascii_lowercase();
    if OWN_HEADERS.contains(&lower.as_str()) || lower.starts_with("mcp-") {
        let message = format!("--header {lower}: MCP and HTTP set this header themselves");
        return Err(Error::Usage { message, hint: "for example: --header X-Api-Key".into() });
    }
    if format.matches("{}").count() != 1 || !is_all_plain(format) || HeaderValue::from_str(format).is_err() {
        let hint = "for example: --format 'Bearer {}', --format 'Token {}'";
        return Err(usage("--format must have {} once, in the place of the key", hint));
    }
    if expires_at.is_some_and(|end| end <= clock::now()) {
        return Err(usage("--expires is in the past", "get another key, or leave out --expires"));
    }
    Ok(())
}

/// Refuses a key that was copied together with the scheme in front of it.
fn check_scheme(format: &str, key: &Secret) -> Result<(), Error> {
    let before = format.split("{}").next().unwrap_or_default();
    let copied = key
        .expose()
        .get(..before.len())
        .filter(|start| !before.is_empty() && start.eq_ignore_ascii_case(before));
    if copied.is_some() {
        let message = format!("the key begins with {:?}, which --format adds", before.trim_end());
        return Err(Error::Usage { message, hint: "enter only the key".into() });
    }
    Ok(())
}

/// The key of `Basic` as RFC 7617 sends it, if it was entered as `USER:PASSWORD`: Base64 has no colon.
fn as_basic(format: &str, key: &Secret) -> Secret {
    if format.trim().eq_ignore_ascii_case("basic {}") && key.expose().contains(':') {
        return Secret::new(STANDARD.encode(key.expose()));
    }
    key.clone()
}

fn usage(message: &str, hint: &str) -> Error {
    Error::Usage { message: message.into(), hint: hint.into() }
}
