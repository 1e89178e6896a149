//! What the user configured, resolved once: flags, environment and `.env` become an immutable [`Config`] and the
//! credentials to get. Not here: getting them (see `vault`).

mod addresses;
mod agents;
pub mod catalogue;
mod dotenv;
mod egress;
mod error;
mod keys;
mod machine;
mod provenance;
mod provider_file;
mod registered;
mod settings;
mod stores;
mod values;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use url::Url;

pub use addresses::{address_id, login_command, name_of};
pub use dotenv::{is_name, set};
pub use error::ConfigError;
pub use keys::{KeyRegistration, SentKey, usual_format};
pub use registered::{ExtraParams, KeyFile, Registered, RegisteredEndpoints, Registration};
pub use settings::{FileTrust, Settings};
pub use values::{StorageChoice, read_buffer, read_interval};

use provider_file::ProviderFile;

use crate::credential::{Credential, CredentialId, CredentialKind, StoreScope};
pub use crate::credential::{NamedValue, Origin};
use crate::oauth::{ClientAuth, SigningKey};
use crate::provider::{Provider, ProviderError};
use crate::quantity::seconds_within;
use crate::secret::Secret;
use crate::sys::address::web_url;
use crate::sys::private_file;
use crate::sys::trust::Trust;
use crate::sys::{paths, regular_file};

/// The variable with the address of the user's client id metadata document.
pub const CLIENT_METADATA_URL: &str = "MCPAUTH_CLIENT_METADATA_URL";

/// One run's settings, resolved.
#[derive(Clone, Debug)]
pub struct Config {
    /// All settings, for the files of this module.
    settings: Settings,
    /// Where the project's credentials are. Absolute, so that printed commands and paths mean the same from anywhere.
    pub tokens_dir: PathBuf,
    /// Where the user's own credentials are, likewise; the same folder if everything is to be in one.
    pub user_tokens_dir: PathBuf,
    /// The gateway's address, if it is set: there is no default host for tokens.
    pub registry_url: Option<String>,
    /// Where the registry's server files are.
    pub servers_dir: PathBuf,
    /// The user's own `providers/` and `templates/`.
    pub config_dir: Option<PathBuf>,
    /// Where mcpauth records what it wrote into other programs' files.
    pub state_dir: Option<PathBuf>,
    /// Where other programs' files are.
    pub home: Option<PathBuf>,
    /// How long to wait for a login.
    pub login_within: Duration,
    /// The scripts' provider file, if one is named.
    provider_file: Option<Arc<ProviderFile>>,
    /// Whether plain http to other machines is allowed.
    pub allow_plain: bool,
    /// The additional CA certificates.
    pub trust: Trust,
    /// Whether sealed client secrets are read: that may open the keyring's window.
    opens_sealed: bool,
}

/// One flow to run, or why it cannot run.
#[derive(Debug)]
pub struct CredentialPlan {
    /// Its kind.
    pub kind: CredentialKind,
    /// Its name in messages and summaries.
    pub name: String,
    /// The number of its set, if sets of its kind are numbered.
    pub set: Option<usize>,
    /// Where it is kept.
    pub scope: StoreScope,
    /// The complete credential, or the error with what is missing.
    pub credential: Result<Credential, ConfigError>,
}

impl CredentialPlan {
    /// Of the project's settings.
    fn of_settings(
        kind: CredentialKind,
        name: String,
        set: Option<usize>,
        credential: Result<Credential, ConfigError>,
    ) -> Self {
        Self { kind, name, set, scope: StoreScope::Project, credential }
    }

    /// Whether it is kept with the project, and not in the user's own store.
    pub fn is_of_project(&self) -> bool {
        self.scope == StoreScope::Project
    }
}

impl Config {
    /// Resolves what does not depend on a flow.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn resolve(settings: Settings) -> Result<Self, ConfigError> {
        let config = Self { opens_sealed: true, ..Self::for_names(settings)? };
        let Some(path) = config.settings.get("MCPAUTH_CA_CERT") else { return Ok(config) };
        let trust = Trust::with(&paths::absolute(Path::new(path)));
        let trust = trust.map_err(|error| ConfigError::Invalid {
            variable: "MCPAUTH_CA_CERT".into(),
            reason: error.to_string(),
        })?;
        Ok(Self { trust, ..config })
    }

    /// The same for verbs that need names alone: no certificate is read, and no sealed secret.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn for_names(settings: Settings) -> Result<Self, ConfigError> {
        let dir = |name: &str| settings.get(name).map(|text| paths::absolute(Path::new(text)));
        let seconds = settings.get("MCPAUTH_LOGIN_TIMEOUT").unwrap_or("300");
        let seconds = seconds_within(seconds, 1..=3_600)
            .map_err(|reason| ConfigError::Invalid { variable: "MCPAUTH_LOGIN_TIMEOUT".into(), reason })?;
        let (tokens_dir, user_tokens_dir) = settings.token_folders();
        let servers = ["servers", "registry/servers"].iter().map(Path::new).find(|place| place.is_dir());
        Ok(Self {
            tokens_dir,
            user_tokens_dir,
            registry_url: settings.get("REGISTRY_URL").map(|url| url.trim_end_matches('/').into()),
            servers_dir: dir("MCPAUTH_SERVERS_DIR")
                .unwrap_or_else(|| paths::absolute(servers.unwrap_or(Path::new("servers")))),
            config_dir: dir("MCPAUTH_CONFIG_DIR").or_else(paths::config_dir),
            state_dir: dir("MCPAUTH_STATE_DIR").or_else(paths::state_dir),
            home: paths::home(),
            login_within: Duration::from_secs(seconds),
            provider_file: named_provider_file(&settings)?,
            allow_plain: settings.on("MCPAUTH_ALLOW_HTTP"),
            trust: Trust::default(),
            opens_sealed: false,
            settings,
        })
    }

    /// A provider: the user's own file with that name, else the built-in one, its variables filled in.
    ///
    /// # Errors
    /// [`ConfigError::Provider`].
    pub fn provider(&self, name: &str) -> Result<Provider, ConfigError> {
        let provider = self.raw_provider(name)?;
        let setting =
            |name: &str| self.settings.get(name).filter(|_| !catalogue::is_secret(name)).map(str::to_owned);
        Ok(provider.filled(&setting)?)
    }

    /// A provider as in its file.
    ///
    /// # Errors
    /// [`ConfigError::Provider`].
    pub fn raw_provider(&self, name: &str) -> Result<Provider, ConfigError> {
        checked_name("provider", name)?;
        let Some(path) = self.own_provider(name) else {
            let Some((provider, origin)) = self.listed_provider(name) else {
                return Ok(Provider::built_in(name)?);
            };
            self.settings.note(NamedValue::new(provider_file::DECIDES, origin));
            return Ok(provider?);
        };
        let shown = path.display().to_string();
        let unreadable = |reason: String| ProviderError::Unreadable { name: shown.clone(), reason };
        let text = regular_file::read_text(&path, provider_file::MAX_FILE_BYTES)
            .map_err(|e| unreadable(e.to_string()))?;
        Provider::parse(name, &text).map_err(|e| match e {
            ProviderError::Unreadable { reason, .. } => unreadable(reason).into(),
            other => other.into(),
        })
    }

    /// Where a provider is described: the user's own file, the scripts' file, or only in this program.
    pub fn provider_origin(&self, name: &str) -> String {
        let own = self.own_provider(name).map(|_| "own".to_owned());
        own.or_else(|| Some(self.listed_provider(name)?.1.to_string())).unwrap_or_else(|| "built in".into())
    }

    fn own_provider(&self, name: &str) -> Option<PathBuf> {
        self.providers_dir().map(|dir| dir.join(format!("{name}.yaml"))).filter(|path| path.is_file())
    }

    /// A provider in the scripts' file, and where. For built-in services that file knows less, so it only describes
    /// those that it locates elsewhere, and those that only it has.
    fn listed_provider(&self, name: &str) -> Option<(Result<Provider, ProviderError>, Origin)> {
        let found = self.provider_files().find_map(|file| file.provider(name))?;
        let built_in = Provider::built_in(name).ok();
        let is_known = found
            .0
            .as_ref()
            .is_ok_and(|listed| built_in.as_ref().is_some_and(|built_in| built_in.is_at_same_host(listed)));
        (!is_known).then_some(found)
    }

    /// The named one, else those that were found.
    fn provider_files(&self) -> impl Iterator<Item = &ProviderFile> {
        let found = self.settings.provider_files().iter().filter(|_| self.provider_file.is_none());
        self.provider_file.as_deref().into_iter().chain(found)
    }

    /// The folder of the user's own providers.
    pub fn providers_dir(&self) -> Option<PathBuf> {
        self.config_dir.as_ref().map(|dir| dir.join("providers"))
    }

    /// The variables of this process that no other program may inherit: our clients' secrets, and tokens, including
    /// those of the user's own providers, which have names of their own.
    pub fn withheld(&self) -> Vec<String> {
        let own = |name: String| self.raw_provider(&name).ok()?.settings_prefix;
        let prefixes: Vec<String> = self.provider_names().into_iter().filter_map(own).collect();
        Settings::withheld(&prefixes)
    }

    /// Every provider's name, built in and the user's own, in order.
    pub fn provider_names(&self) -> Vec<String> {
        let mut names: Vec<String> = crate::provider::built_in().map(str::to_owned).collect();
        if let Some(entries) = self.providers_dir().and_then(|dir| std::fs::read_dir(dir).ok()) {
            let own = entries
                .flatten()
                .filter_map(|e| e.file_name().to_str()?.strip_suffix(".yaml").map(str::to_owned));
            names.extend(own);
        }
        names.extend(self.provider_files().flat_map(ProviderFile::names).map(str::to_owned));
        names.sort();
        names.dedup();
        names
    }

    /// Every configured credential of these kinds, numbered sets in order. A partial set is an error of its own; no
    /// set is silently skipped.
    pub fn plan(&self, kinds: &[CredentialKind], provider: Option<&str>) -> Vec<CredentialPlan> {
        let mut planned = Vec::new();
        for kind in kinds {
            match kind {
                CredentialKind::Ingress => planned.extend(self.ingress_if_configured()),
                CredentialKind::Egress => {
                    planned.extend(self.egress_sets(provider));
                    planned.extend(self.registered(provider));
                }
                CredentialKind::AgentCore => planned.extend(self.agentcore_gateways()),
                CredentialKind::Agent => planned.extend(self.agents()),
            }
        }
        refuse_shared_files(&mut planned);
        planned
    }

    /// The provider to log in at: as typed, else `EGRESS_PROVIDER_NAME`. Read-only verbs include all of them.
    pub fn wanted_provider<'a>(&'a self, typed: Option<&'a str>) -> Option<&'a str> {
        typed.or_else(|| self.settings.get("EGRESS_PROVIDER_NAME"))
    }

    fn url(variable: &str, text: &str) -> Result<Url, ConfigError> {
        web_url(text).map_err(|e| ConfigError::Invalid { variable: variable.into(), reason: e.to_string() })
    }

    /// Client authentication for the client whose variables begin with `prefix` and end with `suffix`.
    fn client_auth(
        &self,
        prefix: &str,
        suffix: &str,
        secret: Option<Secret>,
        by_default: AuthDefault,
    ) -> Result<ClientAuth, ConfigError> {
        let variable = |name: &str| format!("{prefix}_{name}{suffix}");
        let key_file = variable("PRIVATE_KEY_FILE");
        let method = self.settings.get(&variable("CLIENT_AUTH"));
        let implied = self.settings.get(&key_file).map(|_| "private_key_jwt");
        match (method.or(implied), secret, by_default) {
            (Some("private_key_jwt"), _, _) => {
                let path = self.settings.get(&key_file).ok_or_else(|| ConfigError::Missing {
                    what: "private_key_jwt".into(),
                    variables: vec![key_file.clone()],
                })?;
                let key_id = self.settings.get(&variable("KEY_ID")).map(str::to_owned);
                let key = signing_key(&key_file, Path::new(path), key_id).map(ClientAuth::PrivateKeyJwt);
                let audience = self.settings.get(&variable("ASSERTION_AUDIENCE"));
                key.map(|key| match audience {
                    Some(audience) => key.asserting_to(audience),
                    None => key,
                })
            }
            (Some("none"), _, _) | (None, None, _) => Ok(ClientAuth::None),
            (Some("client_secret_basic"), Some(secret), _) | (None, Some(secret), AuthDefault::Basic) => {
                Ok(ClientAuth::SecretBasic(secret))
            }
            (Some("client_secret_post"), Some(secret), _) | (None, Some(secret), AuthDefault::Post) => {
                Ok(ClientAuth::SecretPost(secret))
            }
            (Some("client_secret_basic" | "client_secret_post"), None, _) => Err(ConfigError::Missing {
                what: variable("CLIENT_AUTH"),
                variables: vec![variable("CLIENT_SECRET")],
            }),
            (Some(_), _, _) => Err(ConfigError::Invalid {
                variable: variable("CLIENT_AUTH"),
                reason: "not one of client_secret_post, client_secret_basic, private_key_jwt, none".into(),
            }),
        }
    }
}

/// The private key in a file named by `what`.
///
/// # Errors
/// The file's errors, and [`ConfigError::Invalid`] for a file without such a key.
pub fn signing_key(what: &str, path: &Path, key_id: Option<String>) -> Result<SigningKey, ConfigError> {
    let pem = private_file::read(path)?.map(Secret::new);
    let key = pem.and_then(|pem| SigningKey::from_pem(&pem, key_id));
    key.ok_or_else(|| ConfigError::Invalid {
        variable: what.into(),
        reason: format!("{} has no PEM private key (P-256, Ed25519 or RSA)", path.display()),
    })
}

/// How a client with a secret authenticates if no setting says.
#[derive(Clone, Copy)]
enum AuthDefault {
    Basic,
    Post,
}

/// Names become parts of file names and URLs.
fn checked_name<'a>(what: &str, name: &'a str) -> Result<&'a str, ConfigError> {
    let fine = !name.is_empty()
        && name.len() <= 100
        && !name.starts_with('.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if fine {
        return Ok(name);
    }
    let shown = crate::text::clean(name, 40);
    let reason = format!("invalid name {shown:?}; use letters, digits, '-', '_' and '.'");
    Err(ConfigError::Invalid { variable: what.into(), reason })
}

/// The scripts' provider file, if a setting names one.
fn named_provider_file(settings: &Settings) -> Result<Option<Arc<ProviderFile>>, ConfigError> {
    let Some((path, origin)) = settings.find(provider_file::SETTING) else { return Ok(None) };
    let invalid = |reason| ConfigError::Invalid { variable: provider_file::SETTING.into(), reason };
    let file = ProviderFile::read_named(path, origin.is_found()).map_err(invalid)?;
    Ok(Some(Arc::new(file)))
}

/// Scopes separated by spaces or commas.
fn scopes(text: &str) -> Vec<String> {
    text.split([' ', ',', '\t']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

fn refuse_shared_files(planned: &mut [CredentialPlan]) {
    let mut seen: Vec<(CredentialId, String)> = Vec::new();
    for flow in planned {
        let Ok(credential) = &flow.credential else { continue };
        let id = credential.id.clone();
        if let Some((_, other)) = seen.iter().find(|(known, _)| known.is_same_file(&id)) {
            let variable = match flow.kind {
                CredentialKind::AgentCore => "AGENTCORE_SERVER_NAME_N",
                _ => "EGRESS_MCP_SERVER_NAME_N",
            };
            let same = ConfigError::SameFile {
                what: flow.name.clone(),
                file: id.file_name(),
                other: other.clone(),
                variable: variable.into(),
            };
            flow.credential = Err(same);
        } else {
            seen.push((id, flow.name.clone()));
        }
    }
}
