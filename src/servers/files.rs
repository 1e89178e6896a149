//! What a token file means for the servers: its server by its name, and the resulting entry. Not here: the names (see
//! `credential`); reading (see `store`).

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::config::Config;
use crate::credential::{
    Credential, CredentialId, CredentialKind, KEY_FORMAT, KEY_HEADER, SERVER_URL, StoreScope, USUAL_FORMAT,
    USUAL_HEADER,
};
use crate::error::Error;
use crate::notice::Notices;
use crate::oauth::Freshness;
use crate::render::{CredentialPlace, EgressToken, GatewayIdentity};
use crate::secret::Secret;
use crate::store::{Store, StoredToken};
use crate::sys::clock;
use crate::vault::VaultError;

/// The agent whose token replaces the ingress token for coding assistants, by the registry's scripts' convention.
const ASSISTANT: &str = "agent-ai-coding-assistant-m2m";

/// The files with tokens for servers, by name.
pub(super) fn egress_files(store: &Store) -> impl Iterator<Item = PathBuf> {
    let outward = |id: CredentialId| matches!(id.kind, CredentialKind::Egress | CredentialKind::AgentCore);
    store.files().into_iter().filter(move |path| id_of(path).is_some_and(outward))
}

/// The server that a token file is for: by the file's name, which has the server's after the provider's, else by its
/// provider.
pub(super) fn server_name(path: &Path, provider: &str) -> String {
    let id = CredentialId::parse(file_name(path), provider);
    match id {
        Some(id) if id.server.is_some() || id.kind == CredentialKind::AgentCore => {
            id.server_name().to_owned()
        }
        _ => provider.to_owned(),
    }
}

pub(super) fn found_at(store: &Store, path: &Path, out: &dyn Notices) -> Option<StoredToken> {
    store.read_file(path).unwrap_or_else(|error| {
        out.say(&format!("left out: {error}"));
        None
    })
}

/// A token that mcpauth cannot renew is used until it expires, and not after.
pub(crate) fn usable(path: &Path, stored: StoredToken) -> Result<StoredToken, Error> {
    if stored.token.freshness(clock::now()) == Freshness::Expired {
        let why = format!("{} has expired, and no configured credential renews it", path.display());
        return Err(VaultError::NeedsPerson { why: Some(why) }.into());
    }
    Ok(stored)
}

/// A token file as a server's entry: keyed by the server's name, else the provider's.
pub(super) fn egress_of(
    config: &Config,
    path: &Path,
    stored: &StoredToken,
    by: Option<&Credential>,
) -> EgressToken {
    let provider = config.provider(&stored.provider).ok();
    let header =
        provider.as_ref().and_then(|provider| provider.sites.as_ref()).map(|sites| sites.header.clone());
    EgressToken {
        name: server_name(path, &stored.provider),
        url: member(by.map_or(&stored.members, |by| &by.facts), SERVER_URL),
        access_token: stored.token.access_token.clone(),
        gateway_suffix: provider.map_or_else(|| "/mcp".into(), |provider| provider.gateway_suffix),
        site: header.zip(stored.cloud_id.clone()),
        header: (
            member(&stored.members, KEY_HEADER).unwrap_or_else(|| USUAL_HEADER.into()),
            member(&stored.members, KEY_FORMAT).unwrap_or_else(|| USUAL_FORMAT.into()),
        ),
        place: CredentialPlace { is_users: config.scope_of(path) == StoreScope::User, is_printed: false },
    }
}

/// The entry of a server whose key a command prints, without the key.
pub(super) fn printed_entry(config: &Config, store: &Store, credential: &Credential) -> Option<EgressToken> {
    let key = credential.key().filter(|key| key.command.is_some())?;
    let path = store.path(&credential.id);
    Some(EgressToken {
        name: server_name(&path, &credential.provider_field),
        url: member(&credential.facts, SERVER_URL),
        access_token: Secret::default(),
        gateway_suffix: String::new(),
        site: None,
        header: (key.header.clone(), key.format.clone()),
        place: CredentialPlace { is_users: config.scope_of(&path) == StoreScope::User, is_printed: true },
    })
}

fn member(members: &Map<String, Value>, name: &str) -> Option<String> {
    members.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// The clients' identity at the gateway: the file of the token for it. The same for every entry and every caller.
pub(super) fn identity_file(config: &Config, store: &Store, credentials: &[Credential]) -> Option<PathBuf> {
    let made = |path: &PathBuf| {
        path.is_file() || credentials.iter().any(|credential| store.path(&credential.id) == *path)
    };
    let assistant = store.dir().join(format!("{ASSISTANT}-token.json"));
    if config.auth_provider() == "keycloak" && made(&assistant) {
        return Some(assistant);
    }
    let ingress = store.dir().join("ingress.json");
    if made(&ingress) {
        return Some(ingress);
    }
    // Several agents without a convention: choosing one would be a guess about permissions.
    let mut only = store
        .files()
        .into_iter()
        .filter(|path| id_of(path).is_some_and(|id| id.kind == CredentialKind::Agent && id.is_identity()));
    match (only.next(), only.next()) {
        (only, None) => only,
        _ => None,
    }
}

pub(super) fn identity_of(path: &Path, stored: StoredToken) -> GatewayIdentity {
    let access_token = stored.token.access_token.clone();
    if id_of(path).is_none_or(|id| id.kind != CredentialKind::Ingress) {
        return GatewayIdentity::Agent { access_token };
    }
    let member = |name: &str| {
        stored.members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let client_id = stored.client_id.clone().unwrap_or_default();
    match (member("user_pool_id"), member("keycloak_url"), member("realm")) {
        (Some(user_pool_id), _, _) => {
            let region = member("region").unwrap_or_else(|| "us-east-1".into());
            GatewayIdentity::Cognito { access_token, user_pool_id, client_id, region }
        }
        (_, Some(url), Some(realm)) => GatewayIdentity::Keycloak { access_token, client_id, realm, url },
        _ => GatewayIdentity::Oidc { access_token, client_id },
    }
}

fn id_of(path: &Path) -> Option<CredentialId> {
    CredentialId::parse(file_name(path), "")
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
