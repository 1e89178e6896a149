//! What the gateway is to do: the settings from its file, or from the environment if there is none, and what they may
//! use of the user's. Not here: reading and checking all that they name (see `gateway::load`).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::stored::InVault;
use super::vouch::Word;
use super::{issuer, journal};
use crate::config::catalogue::{is_known, is_secret};
use crate::config::{Config, ConfigError};
use crate::context::Context;
use crate::error::Error;
use crate::gateway::load::{self, LoadReport};
use crate::gateway::servers::headers::AllowedVariables;
use crate::gateway::servers::{FoundServers, MCPGW, UpstreamServer};
use crate::gateway::settings::{GatewaySettings, Limits, SettingsError};
use crate::gateway::{FileSources, Loaded, StoredCredential};
use crate::policy::Policy;
use crate::problem::Problem;
use crate::registry::{NAME_FOLDER, Registry};
use crate::secret::Secret;
use crate::sys::{deadline, paths};

/// Where the policy is, including the registry's scripts' folder.
const POLICIES: [&str; 2] = ["scopes.yml", "auth_server/scopes.yml"];

/// Everything needed to serve, and everything that is wrong with it.
pub(crate) struct Prepared {
    /// The file the settings come from; none if they come from the environment.
    pub(crate) file: Option<PathBuf>,
    pub(crate) settings: GatewaySettings,
    /// The policy, if it could be read.
    pub(crate) policy: Option<Arc<Policy>>,
    /// The names of the reachable servers.
    pub(crate) servers: Vec<String>,
    /// Whether one of them is the gateway's own, built in.
    pub(crate) is_mcpgw_built_in: bool,
    pub(crate) problems: Vec<Problem>,
    /// What a gateway starts with; `None` if any problem is an error.
    pub(crate) loaded: Option<Loaded>,
}

impl Prepared {
    /// How many servers there are behind the gateway.
    pub(crate) fn count(&self) -> usize {
        self.servers.len() - usize::from(self.is_mcpgw_built_in)
    }

    /// Who answers at `/mcpgw/mcp`, if anybody does.
    pub(crate) fn mcpgw(&self) -> Option<&'static str> {
        let is_there = self.servers.iter().any(|name| name == MCPGW);
        is_there.then_some(if self.is_mcpgw_built_in { "built in" } else { "forwarded" })
    }
}

/// The settings, before anything they name is read.
enum Said {
    Settings(Box<GatewaySettings>, Word),
    /// A file to use instead of the settings' own.
    Malformed(Problem),
}

/// Values from the command line, which take precedence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) shadow: Option<PathBuf>,
    pub(crate) admin: Option<SocketAddr>,
}

/// Reads and checks everything.
///
/// # Errors
/// If there are no settings to check at all.
pub(crate) fn prepare(
    named: Option<&Path>,
    flags: &Flags,
    config: &Config,
    context: &Context,
) -> Result<Prepared, Error> {
    let (other, flags, whose) = (named.map(Path::to_owned), flags.clone(), config.clone());
    let read = move || {
        let named = other.as_deref();
        let file = file(named, &whose);
        said(named, file.as_deref(), &flags, &whose).map(|said| (file, said))
    };
    let (file, said) = within(read, "the gateway's settings")??;
    let (settings, word) = match said {
        Said::Settings(settings, word) => (*settings, word),
        Said::Malformed(problem) => {
            return Ok(Prepared {
                file,
                settings: GatewaySettings::default(),
                policy: None,
                servers: Vec::new(),
                is_mcpgw_built_in: false,
                problems: vec![problem],
                loaded: None,
            });
        }
    };
    let mut problems: Vec<Problem> = withheld(&settings).collect();
    let audit = settings.audit.clone();
    let audit = within(move || journal::check(&audit), &format!("audit: {}", settings.audit))?;
    problems.extend(audit.err());
    let sources = sources(&settings, word, config, context)?;
    let LoadReport { mut loaded, problems: found, policy, servers, is_mcpgw_built_in, .. } =
        load::load(sources)?;
    problems.extend(found);
    if problems.iter().any(Problem::is_error) {
        loaded = None;
    }
    Ok(Prepared { file, settings, policy, servers, is_mcpgw_built_in, problems, loaded })
}

fn said(named: Option<&Path>, file: Option<&Path>, flags: &Flags, config: &Config) -> Result<Said, Error> {
    let word = Word::new(named, file, config);
    let mut settings = match file {
        Some(path) => match read(path, config) {
            Ok(settings) => settings,
            Err(SettingsError::Malformed { path, line, column, reason }) => {
                let at = format!("{}:{line}:{column}", path.display());
                let remedy = "correct the file; mcpauth gateway schema prints its schema";
                return Ok(Said::Malformed(Problem::error(at, reason, remedy)));
            }
            Err(other) => return Err(unusable(&other)),
        },
        None => environment(config)?,
    };
    word.check(&mut settings, config)?;
    flags.apply(&mut settings);
    Ok(Said::Settings(Box::new(settings), word))
}

/// What these settings may use of the user's.
fn sources(
    settings: &GatewaySettings,
    word: Word,
    config: &Config,
    context: &Context,
) -> Result<FileSources, Error> {
    let vault = Arc::new(context.vault(config, None)?);
    let (whose, credentials, servers) = (word.clone(), config.clone(), config.clone());
    let (theirs, people) = (word.clone(), config.clone());
    Ok(FileSources {
        settings: settings.clone(),
        // Created when a server asks for it.
        credentials: Box::new(move |name| {
            let credential = whose.stored(name, &credentials).ok().flatten()?;
            Some(Arc::new(StoredCredential::new(Box::new(InVault { vault: vault.clone(), credential }))))
        }),
        variables: Box::new(move |name| variable(&word, &servers, name)),
        environment: Box::new(move |name| theirs.variable(name, &people)),
        trust: config.trust.clone(),
    })
}

/// Reads files, and gives up after the gateway's time limit for files.
///
/// # Errors
/// If the time limit has passed, or no thread can be started.
pub(crate) fn within<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    what: &str,
) -> Result<T, Error> {
    let seconds = Limits::default().file_read_timeout;
    deadline::within(Duration::from_secs(seconds), work)?.ok_or_else(|| Error::Usage {
        message: format!("{what}: reading takes longer than {seconds} s; the file system may be hanging"),
        hint: "see which with: mcpauth gateway check".into(),
    })
}

/// The same for the gateway configured in this folder; `None` if there is none.
pub(crate) fn here(config: &Config, context: &Context) -> Option<Result<Prepared, Error>> {
    is_here(config).then(|| prepare(None, &Flags::default(), config, context))
}

/// Whether a gateway is configured in this folder, by `gateway.yaml`, its variable or a policy.
pub(crate) fn is_here(config: &Config) -> bool {
    config.policy_file().is_some()
        || POLICIES.map(Path::new).iter().any(|path| path.is_file())
        || file(None, config).is_some()
}

/// The settings for a look at policy or servers, which needs no issuer.
pub(crate) fn without_issuers(named: Option<&Path>, config: &Config) -> Result<GatewaySettings, Error> {
    match file(named, config) {
        Some(path) => read(&path, config).map_err(|e| unusable(&e)),
        None => Ok(places(config)),
    }
}

/// The settings for a look at a token: those of the environment if no file has any.
pub(crate) fn with_issuers(named: Option<&Path>, config: &Config) -> Result<GatewaySettings, Error> {
    match file(named, config) {
        Some(path) => read(&path, config).map_err(|e| unusable(&e)),
        None => Ok(environment(config)?),
    }
}

/// The servers that these settings name, and their problems.
pub(crate) fn reachable_servers(
    named: Option<&Path>,
    settings: &GatewaySettings,
    config: &Config,
) -> (Vec<UpstreamServer>, Vec<Problem>) {
    let word = Word::new(named, file(named, config).as_deref(), config);
    let mut problems = Vec::new();
    let servers = servers(settings, &word, config, &mut problems);
    (servers, problems)
}

/// The servers of a folder, and the remarks about it.
fn servers(
    settings: &GatewaySettings,
    word: &Word,
    config: &Config,
    problems: &mut Vec<Problem>,
) -> Vec<UpstreamServer> {
    let value = |name: &str| variable(word, config, name);
    let variables = AllowedVariables { allowed: &settings.header_variables, value: &value };
    match Registry::read(&settings.servers) {
        Ok(registry) => {
            let FoundServers { servers, remarks, .. } =
                FoundServers::from_registry(&registry, variables, settings.mcpgw);
            problems.extend(remarks);
            servers
        }
        Err(error) => {
            let what = format!("{}: {error}", settings.servers.display());
            problems.push(Problem::error("servers", what, NAME_FOLDER));
            Vec::new()
        }
    }
}

/// A variable for a server's headers. Never one of mcpauth's own secrets, even if it is allowed: with it a server
/// could impersonate this gateway.
fn variable(word: &Word, config: &Config, name: &str) -> Option<Secret> {
    word.variable(name, config).filter(|_| !is_own_secret(name))
}

fn is_own_secret(name: &str) -> bool {
    is_known(name) && is_secret(name)
}

/// Variables that servers may use and none does.
fn withheld(settings: &GatewaySettings) -> impl Iterator<Item = Problem> {
    settings.header_variables.iter().filter(|name| is_own_secret(name)).map(|name| {
        let what = format!("{name} is a secret of mcpauth, which no server may receive");
        Problem::error("header_variables", what, "use another variable for the server")
    })
}

impl Flags {
    fn apply(&self, settings: &mut GatewaySettings) {
        settings.listen = self.listen.unwrap_or(settings.listen);
        settings.admin = self.admin.or(settings.admin);
        if let Some(shadow) = &self.shadow {
            settings.shadow = Some(paths::absolute(shadow));
        }
    }
}

/// The flag, then the variable, then the file in this folder.
pub(super) fn file(named: Option<&Path>, config: &Config) -> Option<PathBuf> {
    let named = named.or_else(|| config.gateway_file());
    let here = Path::new("gateway.yaml");
    // Any entry with this name: an unreadable file must not count as a missing one.
    let is_there = || here.try_exists().unwrap_or(true);
    named.or_else(|| is_there().then_some(here)).map(paths::absolute)
}

fn read(path: &Path, config: &Config) -> Result<GatewaySettings, SettingsError> {
    let mut settings = GatewaySettings::read(path)?;
    settings.allow_http |= config.allow_plain;
    Ok(settings)
}

fn unusable(error: &SettingsError) -> Error {
    let hint = match error {
        SettingsError::Unreadable { .. } => "name a readable file with --config",
        SettingsError::Malformed { .. } => "correct the file; mcpauth gateway schema prints its schema",
    };
    Error::Usage { message: error.to_string(), hint: hint.into() }
}

/// All that is known without an issuer.
fn places(config: &Config) -> GatewaySettings {
    let policy = config.policy_file();
    let usual = POLICIES.map(Path::new).into_iter();
    let policy = policy.or_else(|| usual.clone().find(|path| path.is_file()));
    GatewaySettings {
        policy: paths::absolute(policy.unwrap_or(Path::new("scopes.yml"))),
        servers: config.servers_dir.clone(),
        header_variables: config.header_variables(),
        allow_http: config.allow_plain,
        ..GatewaySettings::default()
    }
}

fn environment(config: &Config) -> Result<GatewaySettings, ConfigError> {
    if !config.names_issuer() {
        return Err(ConfigError::NotConfigured("a gateway"));
    }
    Ok(GatewaySettings { issuers: vec![issuer::from_settings(config)?], ..places(config) })
}
