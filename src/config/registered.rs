//! Servers that the user logged in to by their address, with the client registered for each: one 0600 file per server
//! in `.registrations` of the user's own folder, or of a project's that has one from an earlier version. Not here:
//! servers that take a key (see `keys`); discovery (see `flow`).

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::addresses::{address_id, login_command, planned};
use super::keys::KeyRegistration;
use crate::config::{Config, ConfigError, CredentialPlan, checked_name, signing_key};
use crate::credential::{
    AuthorizationCodeConfig, BY_ADDRESS, ClientCredentialsConfig, Credential, CredentialId, CredentialKind,
    GrantConfig, NamedValue, Origin, SERVER_URL, StoreScope, TokenEndpoint,
};
use crate::oauth::{ClientAuth, OAuthClient, document_address};
use crate::provider::{BodyFormat, Provider, ProviderError};
use crate::secret::Secret;
use crate::store::{self, Storage};
use crate::sys::private_file::{self, Draft};
use crate::text::path_word;

const FOLDER: &str = ".registrations";
/// The member with the client's secret.
const SECRET: &str = "client_secret";
const RETRY: &str = "repair that, and run this command again; or keep secrets in 0600 files: --storage file";
/// The space reserved for a registration, in bytes.
const ROOM: u64 = 8 << 10;

/// What is stored about a server.
#[derive(Clone, Debug)]
pub enum Registered {
    /// It was logged in to.
    Login(Box<Registration>),
    /// It takes a key.
    Key(KeyRegistration),
}

/// Everything that a login at a server needs.
#[derive(Clone, Debug, Deserialize)]
pub struct Registration {
    /// The MCP server's address.
    pub url: Url,
    /// The `resource` parameter of every request (RFC 8707).
    pub resource: String,
    /// The client's issuer: at another one the client is not valid.
    pub issuer: String,
    /// The client.
    pub client_id: String,
    /// Its secret, if it has one.
    pub client_secret: Option<Secret>,
    /// Whether mcpauth registered it, and not the user.
    #[serde(default)]
    pub registered: bool,
    /// Its private key, if it has one.
    #[serde(default)]
    pub private_key: Option<KeyFile>,
    /// How it authenticates.
    pub token_endpoint_auth_method: String,
    /// As registered.
    pub redirect_uri: String,
    /// The requested scopes.
    pub scopes: Vec<String>,
    /// Whether the client gets its tokens for itself (RFC 6749 section 4.4), without a login.
    #[serde(default)]
    pub for_itself: bool,
    /// The endpoints of an issuer that publishes no metadata.
    #[serde(default)]
    pub endpoints: Option<RegisteredEndpoints>,
    /// What its user wants to be requested besides.
    #[serde(default)]
    pub extra: ExtraParams,
    /// Where it is stored.
    #[serde(skip)]
    pub scope: StoreScope,
}

/// Parameters that a user adds to a login.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraParams {
    /// The `resource` parameter, instead of the one that the server names (RFC 8707).
    pub resource: Option<String>,
    /// Parameters of the authorization request alone, such as `audience`.
    pub authorize: BTreeMap<String, String>,
}

/// A private key that stays in the user's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFile {
    /// A PEM file, 0600; absolute.
    pub path: PathBuf,
    /// The key's id at the issuer, if it has one.
    pub key_id: Option<String>,
}

/// Endpoints that no metadata names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredEndpoints {
    /// RFC 6749 section 3.1.
    pub authorization: Url,
    /// RFC 6749 section 3.2.
    pub token: Url,
}

impl Registered {
    /// The server's address.
    pub fn url(&self) -> &Url {
        match self {
            Self::Login(kept) => &kept.url,
            Self::Key(kept) => &kept.url,
        }
    }

    fn read(object: Map<String, Value>, scope: StoreScope) -> serde_json::Result<Self> {
        let value = Value::Object(object);
        if value.get(super::keys::MEMBER).is_some() {
            let kept = KeyRegistration::deserialize(value)?;
            return Ok(Self::Key(KeyRegistration { scope, ..kept }));
        }
        Ok(Self::Login(Box::new(Registration { scope, ..Registration::deserialize(value)? })))
    }
}

impl Registration {
    /// The client; `command` logs in.
    ///
    /// # Errors
    /// [`ConfigError`], if its secret or its key is missing.
    pub fn client(&self, command: &str) -> Result<OAuthClient, ConfigError> {
        let auth = match &self.private_key {
            Some(KeyFile { path, key_id }) => {
                ClientAuth::PrivateKeyJwt(signing_key("--private-key-file", path, key_id.clone())?)
            }
            None => {
                let method = &self.token_endpoint_auth_method;
                ClientAuth::named(method, self.client_secret.clone()).ok_or_else(|| {
                    let what = format!("the registration for {} has no client secret", self.url);
                    ConfigError::File(what, format!("register again: {command} --force"))
                })?
            }
        };
        Ok(OAuthClient { id: self.client_id.clone(), auth: auth.asserting_to(&self.issuer) })
    }

    /// Whether the client can authenticate.
    pub fn can_prove(&self) -> bool {
        self.client_secret.is_some() || self.private_key.is_some()
    }

    /// Whether the client's id is the address of its metadata document.
    pub fn is_document(&self) -> bool {
        self.token_endpoint_auth_method == "none" && document_address(&self.client_id).is_ok()
    }

    /// How to get a token.
    fn how(&self) -> Result<GrantConfig, ProviderError> {
        if self.for_itself {
            let issuer = self.issuer.clone();
            let otherwise = self.endpoints.as_ref().map(|endpoints| endpoints.token.clone());
            return Ok(GrantConfig::ClientCredentials(ClientCredentialsConfig {
                endpoint: TokenEndpoint::Discover { issuer, otherwise },
                scopes: self.scopes.clone(),
                audience: None,
                resource: Some(self.resource.clone()),
                format: BodyFormat::Form,
                default_lifetime: None,
            }));
        }
        Ok(GrantConfig::AuthorizationCode(Box::new(AuthorizationCodeConfig {
            provider: self.provider()?,
            redirect_uri: self.redirect_uri.clone(),
            registered: self.registered,
            scopes: self.scopes.clone(),
            site: None,
        })))
    }

    /// A provider without quirks: RFCs 6749, 8252 and 8707 to the letter.
    fn provider(&self) -> Result<Provider, ProviderError> {
        let resource = json!({"resource": self.resource});
        let mut authorize = self.extra.authorize.clone();
        authorize.insert("resource".into(), self.resource.clone());
        let value = json!({
            "display_name": self.url.host_str().unwrap_or_default(),
            "issuer": self.issuer,
            "authorization_endpoint": self.endpoints.as_ref().map(|endpoints| &endpoints.authorization),
            "token_endpoint": self.endpoints.as_ref().map(|endpoints| &endpoints.token),
            "client_secret": "optional",
            "authorization_params": authorize,
            "token_params": resource,
            "redirect": {"any_port": true},
        });
        let unreadable = |e: serde_json::Error| ProviderError::Unreadable {
            name: BY_ADDRESS.into(),
            reason: e.to_string(),
        };
        let mut provider: Provider = serde_json::from_value(value).map_err(unreadable)?;
        provider.name = BY_ADDRESS.into();
        Ok(provider)
    }
}

impl Config {
    /// What is stored about a login to a server.
    ///
    /// # Errors
    /// [`ConfigError`] for an invalid name, and for a file that cannot be used.
    pub fn registration(&self, name: &str) -> Result<Option<Registration>, ConfigError> {
        Ok(self.registered_as(name)?.and_then(|kept| match kept {
            Registered::Login(kept) => Some(*kept),
            Registered::Key(_) => None,
        }))
    }

    /// What is stored about a server: by the user, else by the project.
    ///
    /// # Errors
    /// As for [`registration`](Self::registration).
    pub fn registered_as(&self, name: &str) -> Result<Option<Registered>, ConfigError> {
        self.read_registration(name, self.registration_scope(name)?)
    }

    /// The store that a server's registration is in, or will be.
    ///
    /// # Errors
    /// [`ConfigError`] for an invalid name.
    pub fn registration_scope(&self, name: &str) -> Result<StoreScope, ConfigError> {
        let own = self.own_scope();
        let is_in = |scope| self.registration_file(name, scope).map(|path| path.symlink_metadata().is_ok());
        Ok(if !is_in(own)? && is_in(StoreScope::Project)? { StoreScope::Project } else { own })
    }

    fn read_registration(&self, name: &str, scope: StoreScope) -> Result<Option<Registered>, ConfigError> {
        let path = self.registration_file(name, scope)?;
        private_file::check_dir(self.folder(scope))?;
        private_file::check_dir(&self.folder(scope).join(FOLDER))?;
        let Some(text) = private_file::read(&path)? else { return Ok(None) };
        let unreadable = |e: serde_json::Error| {
            // The library's own message may repeat a value.
            let what = format!("{} is not a registration (line {})", path.display(), e.line());
            ConfigError::File(what, format!("remove it, then log in again: rm {}", path_word(&path)))
        };
        let mut object: Map<String, Value> = serde_json::from_str(&text).map_err(unreadable)?;
        if !self.opens_sealed && store::is_sealed(&object) {
            // Nothing is sent: that there is a secret is enough.
            object.insert(SECRET.into(), "".into());
            return Registered::read(object, scope).map(Some).map_err(unreadable);
        }
        store::unseal(&path, &mut object).map_err(|error| {
            let url = object.get("url").and_then(Value::as_str).and_then(|url| Url::parse(url).ok());
            let again = url
                .map(|url| format!(", or log in with another client: {} --force", login_command(&url, name)));
            let what = format!("the client secret of {name} cannot be read: {error}");
            ConfigError::File(what, format!("unlock the keyring{}", again.unwrap_or_default()))
        })?;
        Registered::read(object, scope).map(Some).map_err(unreadable)
    }

    /// Seals the client secrets that are still in plain files, where a keyring is used: of registrations from before.
    ///
    /// # Errors
    /// The files', and the keyring's.
    pub fn seal_registrations(&self, storage: Storage) -> Result<(), ConfigError> {
        for scope in self.registration_scopes().into_iter().filter(|_| storage == Storage::Keyring) {
            for name in self.registration_names(scope) {
                let path = self.registration_file(&name, scope)?;
                let _lock = self.lock_registrations(scope)?;
                // What cannot be read is reported where it is used.
                let Ok(Some(text)) = private_file::read(&path) else { continue };
                let is_plain = |object: &Map<String, Value>| object.get(SECRET).is_some_and(Value::is_string);
                let object = serde_json::from_str(&text).ok().filter(is_plain);
                if let Some(object) = object {
                    write_registration(Draft::begin(&path, ROOM)?, &path, object, storage)?;
                }
            }
        }
        Ok(())
    }

    /// One process at a time changes registrations: what is sealed must not replace a newer one.
    fn lock_registrations(&self, scope: StoreScope) -> Result<File, ConfigError> {
        let path = self.folder(scope).join(FOLDER).join(".lock");
        let lock = private_file::open_lock(&path)?;
        let failed =
            |error: std::io::Error| ConfigError::File(format!("{}: {error}", path.display()), RETRY.into());
        lock.lock().map_err(failed)?;
        Ok(lock)
    }

    /// Creates the registration's file with space reserved: a client that cannot be stored must not be registered.
    ///
    /// # Errors
    /// As for [`registration`](Self::registration).
    pub fn draft_registration(&self, name: &str) -> Result<Draft, ConfigError> {
        self.draft_in(name, self.registration_scope(name)?)
    }

    pub(super) fn draft_in(&self, name: &str, scope: StoreScope) -> Result<Draft, ConfigError> {
        let (path, folder) = (self.registration_file(name, scope)?, self.folder(scope));
        match scope {
            StoreScope::Project => private_file::create_dir_ignored(folder)?,
            StoreScope::User => private_file::create_dir(folder)?,
        }
        private_file::create_dir(&folder.join(FOLDER))?;
        Ok(Draft::begin(&path, ROOM)?)
    }

    /// Stores it, in the reserved file if there is one.
    ///
    /// # Errors
    /// As for [`registration`](Self::registration).
    pub fn keep_registration(
        &self,
        name: &str,
        draft: Option<Draft>,
        kept: &Registration,
        storage: Storage,
    ) -> Result<(), ConfigError> {
        let draft = draft.map_or_else(|| self.draft_in(name, kept.scope), Ok)?;
        let path = self.registration_file(name, kept.scope)?;
        let object = json!({
            "url": kept.url,
            "resource": kept.resource,
            "issuer": kept.issuer,
            "client_id": kept.client_id,
            SECRET: kept.client_secret.as_ref().map(Secret::expose),
            "registered": kept.registered,
            "private_key": kept.private_key,
            "token_endpoint_auth_method": kept.token_endpoint_auth_method,
            "redirect_uri": kept.redirect_uri,
            "scopes": kept.scopes,
            "for_itself": kept.for_itself,
            "endpoints": kept.endpoints,
            "extra": kept.extra,
        });
        let Value::Object(object) = object else { return Ok(()) };
        let _lock = self.lock_registrations(kept.scope)?;
        write_registration(draft, &path, object, storage)
    }

    /// Removes it; returns whether there was one.
    ///
    /// # Errors
    /// The file's errors.
    pub fn forget_registration(&self, id: &CredentialId) -> Result<bool, ConfigError> {
        let Some(path) = self.registered_at(id) else { return Ok(false) };
        private_file::remove(&path)?;
        Ok(true)
    }

    /// Where a credential's registration is, if it has one.
    pub fn registered_at(&self, id: &CredentialId) -> Option<PathBuf> {
        let server =
            id.server.as_deref().filter(|_| id.kind == CredentialKind::Egress && id.name == BY_ADDRESS)?;
        self.registration_file(server, id.scope).ok().filter(|path| path.symlink_metadata().is_ok())
    }

    /// The login at a server.
    pub fn by_address(&self, name: &str, kept: &Registration) -> CredentialPlan {
        planned(name, kept.scope, credential(name, kept))
    }

    /// Every server that was logged in to by its address or has a key, by name, the user's own first; none if a
    /// provider is named.
    pub(super) fn registered(&self, provider: Option<&str>) -> Vec<CredentialPlan> {
        let scopes = self.registration_scopes().into_iter().filter(|_| provider.is_none());
        scopes.flat_map(|scope| self.registered_in(scope)).collect()
    }

    fn registration_scopes(&self) -> Vec<StoreScope> {
        let mut scopes = vec![self.own_scope(), StoreScope::Project];
        scopes.dedup();
        scopes
    }

    fn registration_names(&self, scope: StoreScope) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder(scope).join(FOLDER)).ok();
        let files = entries.into_iter().flatten().flatten().map(|entry| entry.file_name());
        let mut names: Vec<String> =
            files.filter_map(|file| Some(file.to_str()?.strip_suffix(".json")?.to_owned())).collect();
        names.retain(|name| checked_name(FOLDER, name).is_ok());
        names.sort();
        names
    }

    fn registered_in(&self, scope: StoreScope) -> Vec<CredentialPlan> {
        let kept = |name: String| match self.read_registration(&name, scope) {
            Ok(Some(Registered::Login(kept))) => Some(self.by_address(&name, &kept)),
            Ok(Some(Registered::Key(kept))) => Some(self.key(&name, &kept)),
            Ok(None) => None,
            Err(error) => Some(planned(&name, scope, Err(error))),
        };
        self.registration_names(scope).into_iter().filter_map(kept).collect()
    }

    fn registration_file(&self, name: &str, scope: StoreScope) -> Result<PathBuf, ConfigError> {
        let name = checked_name("--server-name", name)?;
        Ok(self.folder(scope).join(FOLDER).join(format!("{name}.json")))
    }
}

/// Writes a registration in the place reserved for it, its secret sealed where a keyring is used.
fn write_registration(
    draft: Draft,
    path: &Path,
    mut object: Map<String, Value>,
    storage: Storage,
) -> Result<(), ConfigError> {
    if object.get(SECRET).is_some_and(Value::is_string) {
        let failed =
            |error| ConfigError::File(format!("a client secret cannot be stored: {error}"), RETRY.into());
        store::seal(path, &mut object, &[SECRET], storage).map_err(failed)?;
    }
    Ok(draft.finish(&format!("{:#}\n", Value::Object(object)))?)
}

fn credential(name: &str, kept: &Registration) -> Result<Credential, ConfigError> {
    let command = login_command(&kept.url, name);
    Ok(Credential {
        id: address_id(name, kept.scope),
        client: kept.client(&command)?,
        owner: NamedValue::new("the login", Origin::Flag),
        issuer: kept.issuer.clone(),
        how: kept.how()?,
        provider_field: BY_ADDRESS.into(),
        facts: Map::from_iter([(SERVER_URL.to_owned(), kept.url.as_str().into())]),
        command,
    })
}

#[cfg(test)]
mod tests;
