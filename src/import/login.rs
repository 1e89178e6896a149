//! Takes the logins of mcp-remote over, with the clients that it registered, and clients that were registered by hand. Not here: the
//! files that it keeps them in (see `remote`).

use serde_json::{Map, Value};

use super::plan::{GivenClient, LoginPlan};
use super::reach::{Reach, TakenLogin, left, names, no_name};
use super::record::KeptFile;
use crate::config::{Config, ExtraParams, Registered, RegisteredEndpoints, Registration};
use crate::credential::Credential;
use crate::error::{Error, Exit};
use crate::flow;
use crate::login::try_server;
use crate::oauth::{ClientAuth, ReplyShape, TokenSet, read_reply, read_time};
use crate::secret::Secret;
use crate::sys::clock;
use crate::vault::{Vault, VaultError};

/// The endings of the files that mcp-remote keeps a login in.
const ENDINGS: [&str; 2] = ["tokens.json", "client_info.json"];

/// Takes the login at a server, or finds the one that is there.
///
/// # Errors
/// The server's and its issuer's, if they cannot be asked; the store's.
pub(super) async fn store_login(
    base: &str,
    plan: &LoginPlan,
    config: &Config,
    vault: &Vault,
) -> Result<Reach, Error> {
    let words = ["bridge".to_owned(), plan.url.to_string()].into_iter().chain(plan.rest.clone()).collect();
    for name in names(base) {
        let credential = match config.registered_as(&name)? {
            Some(kept) if *kept.url() != plan.url => continue,
            Some(Registered::Key(kept)) => Some(config.key(&name, &kept).credential?),
            Some(Registered::Login(kept)) => Some(config.by_address(&name, &kept).credential?),
            None => None,
        };
        let login = match credential {
            Some(credential) if is_good(&credential, vault).await? => {
                let (_, files) = kept_by_it(plan, config);
                TakenLogin { credential: Some(credential), is_refused: false, files }
            }
            _ => take(&name, plan, config, vault).await?,
        };
        let (url, used) = (plan.url.to_string(), plan.used.clone());
        return Ok(Reach { name, url, words, used, may_help: false, login: Some(login) });
    }
    Err(no_name())
}

/// Whether a login that we have needs no person.
async fn is_good(credential: &Credential, vault: &Vault) -> Result<bool, Error> {
    match vault.fresh(credential, false).await.map_err(Error::from) {
        Ok(_) => Ok(true),
        Err(error) if error.needs_person() => Ok(false),
        Err(error) => Err(error),
    }
}

/// What mcp-remote kept of a login, by its files' endings, and those files.
fn kept_by_it(plan: &LoginPlan, config: &Config) -> (Vec<Option<Map<String, Value>>>, Vec<KeptFile>) {
    let Some(command) = &plan.command else { return (vec![None, None], Vec::new()) };
    let home = config.home.clone().unwrap_or_default();
    let moved = config.of_environment("MCP_REMOTE_CONFIG_DIR");
    // The files first: one that mcp-remote writes meanwhile then differs, and stays.
    let paths = ENDINGS.iter().flat_map(|ending| command.files(&home, moved.as_deref(), ending));
    let files = paths.filter_map(|path| KeptFile::of(&path)).collect();
    let read = ENDINGS.map(|ending| command.read(&home, moved.as_deref(), ending));
    (read.into(), files)
}

fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

async fn take(name: &str, plan: &LoginPlan, config: &Config, vault: &Vault) -> Result<TakenLogin, Error> {
    let (mut read, files) = kept_by_it(plan, config);
    let (client, tokens) = (read.pop().flatten(), read.pop().flatten());
    let none = TakenLogin { credential: None, is_refused: false, files: Vec::new() };
    let (client, issuer) = match (&plan.client, client) {
        (Some(client), _) => (client.clone(), None),
        (None, Some(client)) => (registered(&client)?, text(&client, "issuer")),
        (None, None) => return Ok(none),
    };
    if tokens.is_none() && plan.client.is_none() {
        return Ok(none);
    }
    let tokens = tokens.unwrap_or_default();
    let issuer = text(&tokens, "issuer").or(issuer);
    let kept = registration(plan, &client, issuer.as_deref(), &tokens, config, vault).await?;
    let credential = config.by_address(name, &kept).credential?;
    let Some(token) = token(&tokens, &kept.scopes)? else {
        config.keep_registration(name, None, &kept, vault.store.storage())?;
        return Ok(TakenLogin { credential: None, files, ..none });
    };
    let is_refused = is_refused(plan, &token, vault).await?;
    // The token first: a registration without one would ask for a login.
    vault.keep_token(&credential, token).await?;
    config.keep_registration(name, None, &kept, vault.store.storage())?;
    Ok(TakenLogin { credential: Some(credential), is_refused, files })
}

/// The client that mcp-remote registered.
fn registered(client: &Map<String, Value>) -> Result<GivenClient, Error> {
    let uris = client.get("redirect_uris").and_then(Value::as_array);
    Ok(GivenClient {
        id: text(client, "client_id").ok_or_else(|| left("mcp-remote's registration has no client_id"))?,
        secret: text(client, "client_secret").map(Secret::new),
        redirect_uri: uris.and_then(|uris| uris.first()).and_then(Value::as_str).map(str::to_owned),
        method: text(client, "token_endpoint_auth_method"),
    })
}

async fn registration(
    plan: &LoginPlan,
    client: &GivenClient,
    issuer: Option<&str>,
    tokens: &Map<String, Value>,
    config: &Config,
    vault: &Vault,
) -> Result<Registration, Error> {
    let found = flow::discover(&vault.http, &plan.url, issuer, |_| true).await.map_err(VaultError::Flow)?;
    let method = client.method.clone().unwrap_or_else(|| {
        if client.secret.is_some() { "client_secret_post".into() } else { "none".to_owned() }
    });
    let scope = text(tokens, "requested_scope").or_else(|| text(tokens, "scope")).unwrap_or_default();
    let both = found.issuer.authorization_endpoint.clone().zip(found.issuer.token_endpoint.clone());
    let extra = plan.command.as_ref().map(|command| ExtraParams {
        resource: command.resource().map(str::to_owned),
        authorize: command.authorize_params(),
    });
    let extra = extra.unwrap_or_default();
    Ok(Registration {
        url: plan.url.clone(),
        resource: extra.resource.clone().unwrap_or_else(|| found.resource.clone()),
        extra,
        issuer: found.issuer.issuer.clone(),
        client_id: client.id.clone(),
        client_secret: client.secret.clone().filter(|_| method != ClientAuth::None.name()),
        registered: plan.client.is_none(),
        private_key: None,
        token_endpoint_auth_method: method,
        redirect_uri: client.redirect_uri.clone().unwrap_or_else(|| flow::usual_redirect_uri(&found.issuer)),
        scopes: scope.split_whitespace().map(str::to_owned).collect(),
        for_itself: false,
        endpoints: both
            .filter(|_| !found.is_published)
            .map(|(authorization, token)| RegisteredEndpoints { authorization, token }),
        scope: config.own_scope(),
    })
}

/// The token, which mcp-remote keeps as the issuer sent it, with the time when it ends in milliseconds.
fn token(tokens: &Map<String, Value>, scopes: &[String]) -> Result<Option<TokenSet>, Error> {
    if text(tokens, "access_token").is_none() {
        return Ok(None);
    }
    let body = Value::Object(tokens.clone()).to_string();
    let read = read_reply(200, body.as_bytes(), &ReplyShape::default(), &[], clock::now());
    let read = read.map_err(|error| left(&format!("mcp-remote's login cannot be used: {error}")))?;
    let end = tokens.get("expires_at").and_then(read_time);
    Ok(Some(TokenSet { scopes: scopes.to_vec(), expires_at: end.or(read.expires_at), ..read }))
}

/// Tries a token that has not expired. One that has is not renewed here: as long as mcp-remote's entry and files are there, its
/// refresh token must stay good.
async fn is_refused(plan: &LoginPlan, token: &TokenSet, vault: &Vault) -> Result<bool, Error> {
    if token.expires_at.is_some_and(|end| end <= clock::now()) {
        return Ok(false);
    }
    let value = token.access_token.within("Bearer {}");
    match try_server(&vault.http, &plan.url, vec![("Authorization", value)]).await {
        Ok(()) => Ok(false),
        Err(error) if error.exit() == Exit::Login => Ok(true),
        Err(error) => Err(error),
    }
}
