//! The known MCP servers, and each one's headers: with the stored tokens, or with fresh ones. Not here: which header
//! carries what (see `render`); getting tokens (see `vault`).

mod advice;
pub(crate) mod credentials;
mod exchange;
mod files;
mod known;
mod logins;
mod narrowing;
mod reference;
mod secrets;
mod source;
mod tokens;
mod variables;
mod vouch;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use url::Url;

pub(crate) use self::advice::{ADDRESS, Advice, CredentialOrigin, place};
pub(crate) use self::files::usable;
use self::files::{
    egress_files, egress_of, found_at, identity_file, identity_of, printed_entry, server_name,
};
pub(crate) use self::logins::LoginTarget;
use self::narrowing::Narrowed;
pub(crate) use self::narrowing::Narrowing;
pub(crate) use self::reference::ServerRef;
pub(crate) use self::secrets::{TokenVariable, mapped, secrets_of};
pub(crate) use self::source::{HeaderSource, HeaderSources, Logins, TypedAccess};
pub(crate) use self::variables::{Gathered, Variables, gather, unambiguous};
use crate::config::{Config, ConfigError, NamedValue};
use crate::credential::{Credential, CredentialId, CredentialKind, SERVER_URL};
use crate::deployment;
use crate::error::Error;
use crate::gateway::servers::MCPGW;
use crate::notice::Notices;
use crate::problem::Problem;
use crate::registry::Registry;
use crate::render::{self, EgressToken, GatewayIdentity, PlainHttp, ServerEntry};
use crate::secret::Secret;
use crate::store::{Storage, Store, StoredToken};
use crate::sys::address::shown_typed;
use crate::sys::typed_url::{TYPE_ADDRESS, without_scheme};
use crate::tokens::Bearers;
use crate::vault::{Vault, VaultError};

/// Every server, and what is needed to get its headers.
pub(crate) struct Servers {
    pub(crate) config: Config,
    pub(crate) vault: Vault,
    /// What is configured and complete. A file that none of these produced is used until it expires.
    credentials: Vec<Credential>,
    /// What is configured and must not be used, because of the source that says where its secret is sent.
    refused: Vec<(CredentialKind, ConfigError)>,
    /// The setting that names the address; one that was typed needs no mention.
    aimed: Option<NamedValue>,
    /// `REGISTRY_URL`, if it is a valid URL.
    gateway: Option<Url>,
    /// Whether our identity is sent to any address that is typed.
    auth: bool,
    /// A token of the gateway's own goes in its place.
    narrowed: Option<Narrowed>,
    /// Which messages were shown about which server.
    said: Mutex<BTreeSet<(String, bool)>>,
    out: Arc<dyn Notices>,
}

impl Servers {
    /// Never starts a login: a program asks for the headers.
    pub(crate) fn open(config: Config, vault: Vault, out: Arc<dyn Notices>) -> Self {
        let (mut credentials, mut refused) = (Vec::new(), Vec::new());
        for flow in config.plan(&CredentialKind::ALL, None) {
            match flow.credential {
                Ok(credential) => credentials.push(credential),
                Err(error @ ConfigError::Provenance { .. }) => refused.push((flow.kind, error)),
                Err(_) => {}
            }
        }
        let gateway = config.registry_url.as_deref().and_then(|text| Url::parse(text).ok());
        let (said, aimed) = (Mutex::default(), None);
        Self { config, vault, credentials, refused, aimed, gateway, auth: false, narrowed: None, said, out }
    }

    /// The names of all servers, without reading any token.
    pub(crate) fn names(&self) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> = self.egress_files().into_iter().map(|(name, _)| name).collect();
        let registry = registry(&self.config);
        names.extend(registry.open().into_iter().map(|server| server.name.clone()));
        names.sort_by_key(|name| name.to_lowercase());
        names.dedup_by_key(|name| name.to_lowercase());
        Ok(names)
    }

    /// Which server a word means: the one of this name, else the address that it is without its scheme.
    pub(crate) fn find(&self, which: &ServerRef) -> ServerRef {
        let ServerRef::ByName(name) = which else { return which.clone() };
        match without_scheme(name).filter(|_| !self.is_known(name)) {
            Some(url) => ServerRef::ByUrl(url),
            None => which.clone(),
        }
    }

    /// Whether a server has this name.
    pub(crate) fn is_known(&self, name: &str) -> bool {
        self.names().is_ok_and(|names| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// One server, with valid tokens in all its headers: due ones are renewed first.
    ///
    /// # Errors
    /// [`Error::Usage`] for an unknown name; the vault's for a token that cannot be obtained.
    pub(crate) async fn fresh(&self, which: &ServerRef) -> Result<ServerEntry, Error> {
        self.entry(which, None).await
    }

    /// The same with other tokens than the `refused` ones, which the server or the gateway rejected.
    ///
    /// # Errors
    /// As for [`fresh`](Self::fresh).
    pub(crate) async fn renew_refused(
        &self,
        which: &ServerRef,
        refused: &Bearers,
    ) -> Result<ServerEntry, Error> {
        self.entry(which, Some(refused)).await
    }

    /// Whether a server is known.
    ///
    /// # Errors
    /// [`Error::Usage`] with the known names.
    pub(crate) fn check(&self, which: &ServerRef) -> Result<(), Error> {
        let ServerRef::ByName(name) = which else { return Ok(()) };
        if !self.names()?.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(self.unknown(name));
        }
        self.reachable(name)
    }

    /// Whether a server's address is known.
    ///
    /// # Errors
    /// [`ConfigError::NoGateway`].
    fn reachable(&self, name: &str) -> Result<(), Error> {
        if self.config.registry_url.is_some() || self.is_logged_in(&ServerRef::ByName(name.into())) {
            return Ok(());
        }
        Err(ConfigError::NoGateway(crate::text::clean(name, 80)).into())
    }

    /// The names of the servers with a known address.
    ///
    /// # Errors
    /// [`ConfigError::NoGateway`], if there are servers and none has one.
    pub(crate) fn reachable_names(&self) -> Result<Vec<String>, Error> {
        let all = self.names()?;
        let names: Vec<String> = all.iter().filter(|name| self.reachable(name).is_ok()).cloned().collect();
        if names.is_empty() && !all.is_empty() {
            return Err(ConfigError::NoGateway("every server".into()).into());
        }
        Ok(names)
    }

    /// The command that gets what is missing for a server: for its own credential, else for everything.
    pub(crate) fn command_for(&self, which: &ServerRef) -> String {
        let name = self.name_of(which);
        let own = name.as_deref().and_then(|name| self.credential_at(&self.egress_file(name)?));
        own.map_or_else(|| "mcpauth generate".into(), |credential| credential.command.clone())
    }

    /// Whether a server has a token that was obtained for its address: it is sent there, whatever else is at that
    /// address.
    pub(crate) fn is_logged_in(&self, which: &ServerRef) -> bool {
        match which {
            ServerRef::ByUrl(url) => self.credential_for(url).is_some(),
            ServerRef::ByName(name) => {
                let own = self.egress_file(name);
                own.and_then(|path| self.credential_at(&path)).is_some_and(is_direct)
            }
        }
    }

    /// The command that gets our token for the gateway.
    pub(crate) fn identity_command(&self) -> String {
        let file = identity_file(&self.config, &self.vault.store, &self.credentials);
        let own = file.and_then(|path| self.credential_at(&path));
        own.map_or_else(|| "mcpauth generate".into(), |credential| credential.command.clone())
    }

    async fn entry(&self, which: &ServerRef, refused: Option<&Bearers>) -> Result<ServerEntry, Error> {
        // Before a token is renewed for an unknown address.
        self.check(which)?;
        let name = self.name_of(which);
        // By its address it is this one, even if something behind the gateway has the same name: its token stays
        // there.
        let own = match which {
            ServerRef::ByUrl(url) => {
                self.credential_for(url).map(|credential| self.vault.store.path(&credential.id))
            }
            ServerRef::ByName(_) => None,
        };
        let own = own.or_else(|| self.egress_file(name.as_deref()?));
        let identity = identity_file(&self.config, &self.vault.store, &self.credentials);
        let goes = self.may_know_us(which);
        if identity.is_some() {
            self.announce(which, goes);
        }
        // Nor does it wait for a token that it does not get.
        let identity = identity.filter(|_| goes);
        // Both concurrently: each may need a network request.
        let refused_identity = refused.and_then(|refused| refused.gateway.as_ref());
        let own_identity = refused_identity.filter(|_| self.narrowed.is_none());
        let (identity, egress) = tokio::try_join!(
            self.token(identity, own_identity),
            self.token(own, refused.and_then(|refused| refused.server.as_ref())),
        )?;
        let tokens: Vec<_> = identity.iter().chain(&egress).collect();
        self.vouch(which, &tokens)?;
        let identity = self.stand_in(identity, refused_identity).await?;
        let identity = identity.map(|(path, stored)| identity_of(&path, stored));
        let egress =
            egress.map(|(path, stored)| egress_of(&self.config, &path, &stored, self.credential_at(&path)));
        let egress: Vec<EgressToken> = egress.into_iter().collect();
        let say = |remark: &Problem| self.say_once(remark);
        let mut entries = build(&self.config, identity.as_ref(), &egress, &say)?.entries;
        entries.retain(|entry| {
            let is_it = name.as_deref().is_some_and(|name| entry.name.eq_ignore_ascii_case(name));
            is_it && self.is_at(entry, which)
        });
        match (entries.pop(), which) {
            (Some(entry), ServerRef::ByName(_)) => Ok(entry),
            (Some(entry), ServerRef::ByUrl(url)) => Ok(ServerEntry { url: url.as_str().into(), ..entry }),
            (None, ServerRef::ByName(name)) => Err(self.unknown(name)),
            (None, ServerRef::ByUrl(url)) => {
                Ok(render::entry_at(url, identity.as_ref(), plain(&self.config))?)
            }
        }
    }

    /// The name of the server, if it has one.
    fn name_of(&self, which: &ServerRef) -> Option<String> {
        match which {
            ServerRef::ByName(name) => Some(name.clone()),
            ServerRef::ByUrl(url) => match self.credential_for(url) {
                Some(credential) => Some(credential.id.server_name().to_owned()),
                None => self.name_in(url).map(str::to_owned),
            },
        }
    }

    /// The name of the server at this very address, if there is a credential for it.
    pub(crate) fn name_at(&self, url: &Url) -> Option<String> {
        Some(self.credential_for(url)?.id.server_name().to_owned())
    }

    /// The token for this very address.
    fn credential_for(&self, url: &Url) -> Option<&Credential> {
        let is_its = |credential: &&Credential| {
            credential.facts.get(SERVER_URL).is_some_and(|known| known == url.as_str())
        };
        self.credentials.iter().find(is_its)
    }

    /// The server's name in an address below the gateway's.
    fn name_in<'u>(&self, url: &'u Url) -> Option<&'u str> {
        self.below_gateway(url)?.first().copied().filter(|name| !name.is_empty())
    }

    /// Whether an entry's headers are for the requested address: its own, or another one below the gateway's.
    fn is_at(&self, entry: &ServerEntry, which: &ServerRef) -> bool {
        let ServerRef::ByUrl(url) = which else { return true };
        let at = Url::parse(&entry.url).ok();
        at.is_some_and(|at| {
            at == *url || (self.below_gateway(&at).is_some() && self.below_gateway(url).is_some())
        })
    }

    /// A valid token from the file at `path`, or from the credential that produces this file.
    async fn token(
        &self,
        path: Option<PathBuf>,
        refused: Option<&Secret>,
    ) -> Result<Option<(PathBuf, StoredToken)>, Error> {
        let Some(path) = path else { return Ok(None) };
        let stored = match (self.credential_at(&path), refused) {
            (Some(credential), None) => self.vault.fresh(credential, false).await?.stored,
            (Some(credential), Some(refused)) => self.vault.renew_refused(credential, refused).await?.stored,
            (None, _) => match self.vault.store.read_file(&path).map_err(VaultError::Store)? {
                Some(stored) => usable(&path, stored)
                    .map_err(|error| self.refusal(&CredentialKind::ALL).unwrap_or(error))?,
                None => return Ok(None),
            },
        };
        Ok(Some((path, stored)))
    }

    fn credential_at(&self, path: &Path) -> Option<&Credential> {
        self.credentials.iter().find(|credential| self.vault.store.path(&credential.id) == path)
    }

    fn egress_file(&self, name: &str) -> Option<PathBuf> {
        let files = self.egress_files().into_iter();
        files.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, path)| path).next()
    }

    /// Every server with its own credential, by name: from the settings, then from the files.
    fn egress_files(&self) -> Vec<(String, PathBuf)> {
        let store = &self.vault.store;
        let outward =
            |id: &CredentialId| matches!(id.kind, CredentialKind::Egress | CredentialKind::AgentCore);
        let mut found: Vec<(String, PathBuf)> = self
            .credentials
            .iter()
            .filter(|credential| outward(&credential.id))
            .map(|credential| {
                let path = store.path(&credential.id);
                (server_name(&path, &credential.provider_field), path)
            })
            .collect();
        for path in egress_files(store) {
            if found.iter().all(|(_, known)| *known != path)
                && let Some(stored) = found_at(store, &path, &*self.out)
            {
                found.push((server_name(&path, &stored.provider), path));
            }
        }
        found
    }

    /// A bridge requests the same server repeatedly.
    fn say_once(&self, remark: &Problem) {
        let mut said = self.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if said.insert((remark.to_string(), false)) {
            say(remark, &*self.out);
        }
    }

    fn unknown(&self, name: &str) -> Error {
        if let Some(no) = self.refusal(&[CredentialKind::Egress, CredentialKind::AgentCore]) {
            return no;
        }
        let names = self.names().unwrap_or_default();
        let shown = crate::text::clean(&shown_typed(name), 80);
        // No server's name has these, so it was typed for an address.
        if name.contains([':', '/', '@']) {
            return Error::Usage {
                message: format!("{shown:?} is neither a server's name nor a valid address"),
                hint: TYPE_ADDRESS.into(),
            };
        }
        let hint = match names.as_slice() {
            [] if self.config.home.is_none() => {
                "set HOME: without a home folder your own store is not read".into()
            }
            [] => SET_UP.into(),
            names => format!("the servers are: {}", names.join(", ")),
        };
        Error::Usage { message: format!("there is no server {shown:?}"), hint }
    }
}

/// The advice if no server is known.
pub(crate) const SET_UP: &str = "log in to one with: mcpauth login URL; for those behind a gateway run: mcpauth configure, or put the \
                                 registry's files into ./servers; to try it without an account, run: mcpauth demo";

/// The servers for client configurations.
pub(crate) struct AvailableServers {
    pub(crate) entries: Vec<ServerEntry>,
    /// The names of those behind a gateway whose address is not set: they have no entries.
    pub(crate) left_out: Vec<String>,
}

/// Every server with an entry, its headers from the stored tokens: those with their own token, then those that need
/// none.
pub(crate) fn at_hand(config: &Config, store: &Store, out: &dyn Notices) -> Result<AvailableServers, Error> {
    let planned = config.plan(&CredentialKind::ALL, None).into_iter();
    let credentials: Vec<Credential> = planned.filter_map(|flow| flow.credential.ok()).collect();
    let at = |path: PathBuf| found_at(store, &path, out).map(|stored| (path, stored));
    let identity = identity_file(config, store, &[]).and_then(at);
    let egress: Vec<(PathBuf, StoredToken)> = egress_files(store).filter_map(at).collect();
    let by = |path: &Path| credentials.iter().find(|credential| store.path(&credential.id) == path);
    let is_behind = |(path, stored): &&(PathBuf, StoredToken)| {
        !by(path).map_or(&stored.members, |by| &by.facts).contains_key(SERVER_URL)
    };
    let tokens: Vec<_> = identity.iter().chain(egress.iter().filter(is_behind)).collect();
    tokens::may_go(config, &credentials, &tokens, config.given("REGISTRY_URL").as_slice())?;
    let identity = identity.map(|(path, stored)| identity_of(&path, stored));
    let printed = credentials.iter().filter_map(|credential| printed_entry(config, store, credential));
    let egress: Vec<EgressToken> = egress
        .iter()
        .map(|(path, stored)| egress_of(config, path, stored, by(path)))
        .chain(printed)
        .collect();
    build(config, identity.as_ref(), &egress, &|remark| say(remark, out))
}

/// A remark about a registry file.
fn say(remark: &Problem, out: &dyn Notices) {
    out.say(&format!("{remark}\n  -> {}", remark.remedy));
}

/// A store that only reads and writes files.
pub(crate) fn file_store(config: &Config) -> Store {
    Store::new(&config.tokens_dir, &config.user_tokens_dir, Storage::File)
}

/// Reports bad registry files to `say`; they affect no others.
fn build(
    config: &Config,
    identity: Option<&GatewayIdentity>,
    egress: &[EgressToken],
    say: &dyn Fn(&Problem),
) -> Result<AvailableServers, Error> {
    let registry = registry(config);
    registry.remarks.iter().for_each(say);
    let servers = registry.open();
    let suffix =
        |name: &str| config.provider(name).map_or_else(|_| "/mcp".into(), |provider| provider.gateway_suffix);
    let gateway = config.registry_url.as_deref();
    let left_out = if gateway.is_none() { render::behind_gateway(egress, &servers) } else { Vec::new() };
    let entries = render::entries(gateway, identity, egress, &servers, &suffix, plain(config))?;
    Ok(AvailableServers { entries, left_out })
}

/// The servers behind the gateway: those with files, and the gateway's own.
fn registry(config: &Config) -> Registry {
    let mut registry = Registry::found(&config.servers_dir);
    if !registry.servers.iter().any(|server| server.name == MCPGW) {
        registry.servers.extend(deployment::own_server(config));
    }
    registry
}

fn plain(config: &Config) -> PlainHttp {
    if config.allow_plain { PlainHttp::Allowed } else { PlainHttp::Refused }
}

/// Whether a credential is for a server's own address, and not for one behind the gateway.
fn is_direct(credential: &Credential) -> bool {
    credential.facts.contains_key(SERVER_URL)
}
