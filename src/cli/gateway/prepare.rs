//! What the gateway is to do: the settings of its file, or of the environment where there is none, and what they may have
//! of the user's. It leaves reading and judging all they name to `gateway::load`, and showing that to `check`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::flows;
use crate::cli::gateway::from::From;
use crate::cli::gateway::journal;
use crate::cli::gateway::stored::InVault;
use crate::cli::gateway::vouch::Word;
use crate::cli::out::Out;
use crate::config::catalogue::{is_known, is_secret};
use crate::config::{Config, ConfigError};
use crate::error::Error;
use crate::gateway::load::{self, LoadReport};
use crate::gateway::servers::headers::AllowedVariables;
use crate::gateway::servers::{FoundServers, UpstreamServer};
use crate::gateway::settings::{GatewaySettings, Limits, SettingsError};
use crate::gateway::{FileSources, Loaded, StoredCredential};
use crate::policy::Policy;
use crate::problem::Problem;
use crate::registry::Registry;
use crate::secret::Secret;
use crate::sys::{deadline, paths};

/// Where the policy is, in the registry's scripts' folder too.
const POLICIES: [&str; 2] = ["scopes.yml", "auth_server/scopes.yml"];

/// Everything that is needed to serve, and everything that is wrong with it.
pub(in crate::cli) struct Prepared {
    /// The file the settings come from; none if they come from the environment.
    pub(in crate::cli) file: Option<PathBuf>,
    pub(in crate::cli) settings: GatewaySettings,
    /// The policy, if it could be read.
    pub(in crate::cli) policy: Option<Arc<Policy>>,
    /// The names of the servers, as many as can be reached.
    pub(in crate::cli) servers: Vec<String>,
    pub(in crate::cli) problems: Vec<Problem>,
    /// What a gateway starts with; none if any problem is an error.
    pub(super) loaded: Option<Loaded>,
}

/// The settings, before anything they name is read.
enum FoundSettings {
    Settings(Box<GatewaySettings>, Word),
    /// A file that says something else.
    Malformed(Problem),
}

/// What the command line says of the settings; it wins.
#[derive(Clone, Debug, Default)]
pub(super) struct Flags {
    pub(super) listen: Option<SocketAddr>,
    pub(super) shadow: Option<PathBuf>,
    pub(super) admin: Option<SocketAddr>,
}

/// Reads and judges everything.
///
/// # Errors
/// If there are no settings to judge at all.
pub(super) fn prepare(from: &From, flags: &Flags, config: &Config, out: &Out) -> Result<Prepared, Error> {
    let (other, flags, whose) = (from.clone(), flags.clone(), config.clone());
    let read = move || {
        let file = file(&other, &whose);
        find_settings(&other, file.as_deref(), &flags, &whose).map(|said| (file, said))
    };
    let (file, said) = within(read, "the gateway's settings")??;
    let (settings, word) = match said {
        FoundSettings::Settings(settings, word) => (*settings, word),
        FoundSettings::Malformed(problem) => {
            return Ok(Prepared {
                file,
                settings: GatewaySettings::default(),
                policy: None,
                servers: Vec::new(),
                problems: vec![problem],
                loaded: None,
            });
        }
    };
    let mut problems: Vec<Problem> = withheld(&settings).collect();
    let audit = settings.audit.clone();
    let audit = within(move || journal::check(&audit), &format!("audit: {}", settings.audit))?;
    problems.extend(audit.err());
    let sources = sources(&settings, word, config, out)?;
    let LoadReport { mut loaded, problems: found, policy, servers } = load::load(sources)?;
    problems.extend(found);
    if problems.iter().any(Problem::is_error) {
        loaded = None;
    }
    Ok(Prepared { file, settings, policy, servers, problems, loaded })
}

fn find_settings(
    from: &From,
    file: Option<&Path>,
    flags: &Flags,
    config: &Config,
) -> Result<FoundSettings, Error> {
    let word = Word::new(from, file, config);
    let mut settings = match file {
        Some(path) => match read(path, config) {
            Ok(settings) => settings,
            Err(SettingsError::Malformed { path, line, column, reason }) => {
                let at = format!("{}:{line}:{column}", path.display());
                let remedy = "correct the file; mcpauth gateway schema prints what it can say";
                return Ok(FoundSettings::Malformed(Problem::error(at, reason, remedy)));
            }
            Err(other) => return Err(unusable(&other)),
        },
        None => environment(config)?,
    };
    word.check(&mut settings, config)?;
    flags.apply(&mut settings);
    Ok(FoundSettings::Settings(Box::new(settings), word))
}

/// What these settings may have of the user's.
fn sources(settings: &GatewaySettings, word: Word, config: &Config, out: &Out) -> Result<FileSources, Error> {
    let vault = Arc::new(flows::vault(config, None, out)?);
    let (whose, credentials, servers) = (word.clone(), config.clone(), config.clone());
    Ok(FileSources {
        settings: settings.clone(),
        // Made when a server asks for one.
        credentials: Box::new(move |name| {
            let credential = whose.stored(name, &credentials).ok().flatten()?;
            Some(Arc::new(StoredCredential::new(Box::new(InVault { vault: vault.clone(), credential }))))
        }),
        variables: Box::new(move |name| variable(&word, &servers, name)),
        trust: config.trust.clone(),
    })
}

/// What reads files, ended after the time that a gateway's files have.
///
/// # Errors
/// If that is over, or there is no thread to be had.
pub(super) fn within<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    what: &str,
) -> Result<T, Error> {
    let seconds = Limits::default().file_read_timeout;
    deadline::within(Duration::from_secs(seconds), work)?.ok_or_else(|| Error::Usage {
        message: format!("{what}: reading takes longer than {seconds} s; the file system may not answer"),
        hint: "see which with: mcpauth gateway check".into(),
    })
}

/// The same for the gateway that is set up in this folder; none if there is none.
pub(in crate::cli) fn here(config: &Config, out: &Out) -> Option<Result<Prepared, Error>> {
    is_here(config).then(|| prepare(&From::default(), &Flags::default(), config, out))
}

/// Whether a gateway is set up in this folder, by `gateway.yaml`, by its variable or by a policy.
pub(in crate::cli) fn is_here(config: &Config) -> bool {
    config.settings.get("MCPAUTH_SCOPES").is_some()
        || POLICIES.map(Path::new).iter().any(|path| path.is_file())
        || file(&From::default(), config).is_some()
}

/// The settings for a look at policy or servers, which needs no issuer.
pub(super) fn without_issuers(from: &From, config: &Config) -> Result<GatewaySettings, Error> {
    match file(from, config) {
        Some(path) => read(&path, config).map_err(|e| unusable(&e)),
        None => Ok(places(config)),
    }
}

/// The settings for a look at a token: those of the environment where no file has any.
pub(super) fn with_issuers(from: &From, config: &Config) -> Result<GatewaySettings, Error> {
    match file(from, config) {
        Some(path) => read(&path, config).map_err(|e| unusable(&e)),
        None => Ok(environment(config)?),
    }
}

/// The servers of a folder, and what was said of it.
pub(super) fn servers(
    settings: &GatewaySettings,
    word: &Word,
    config: &Config,
    problems: &mut Vec<Problem>,
) -> Vec<UpstreamServer> {
    let value = |name: &str| variable(word, config, name);
    let variables = AllowedVariables { allowed: &settings.header_variables, value: &value };
    match Registry::read(&settings.servers) {
        Ok(registry) => {
            let FoundServers { servers, remarks } = FoundServers::from_registry(&registry, variables);
            problems.extend(remarks);
            servers
        }
        Err(error) => {
            let remedy = "correct it, or name the folder of the servers' files";
            let what = format!("{}: {error}", settings.servers.display());
            problems.push(Problem::error("servers", what, remedy));
            Vec::new()
        }
    }
}

/// A variable for a server's headers. Never the secrets of mcpauth's own settings, even if they are allowed: with them a
/// server could act as this gateway.
pub(super) fn variable(word: &Word, config: &Config, name: &str) -> Option<Secret> {
    word.variable(name, config).filter(|_| !is_own_secret(name))
}

fn is_own_secret(name: &str) -> bool {
    is_known(name) && is_secret(name)
}

/// Variables that are allowed to servers and go to none.
fn withheld(settings: &GatewaySettings) -> impl Iterator<Item = Problem> {
    settings.header_variables.iter().filter(|name| is_own_secret(name)).map(|name| {
        let what = format!("{name} is a secret of mcpauth's own, which no server gets");
        Problem::error("header_variables", what, "give the server a variable of its own")
    })
}

/// A problem as JSON output has it.
pub(super) fn to_json(problem: &Problem) -> Value {
    json!({
        "severity": problem.severity,
        "at": problem.at,
        "what": problem.what,
        "remedy": problem.remedy,
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

/// The flag, then the variable, then what is in this folder.
pub(super) fn file(from: &From, config: &Config) -> Option<PathBuf> {
    let named =
        from.config.as_deref().or_else(|| config.settings.get("MCPAUTH_GATEWAY_CONFIG").map(Path::new));
    let here = Path::new("gateway.yaml");
    // Whatever has this name: one that cannot be read must not be as good as none.
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
        SettingsError::Malformed { .. } => "correct the file; mcpauth gateway schema prints what it can say",
    };
    Error::Usage { message: error.to_string(), hint: hint.into() }
}

/// All that is known without an issuer.
fn places(config: &Config) -> GatewaySettings {
    let policy = config.settings.get("MCPAUTH_SCOPES").map(Path::new);
    let usual = POLICIES.map(Path::new).into_iter();
    let policy = policy.or_else(|| usual.clone().find(|path| path.is_file()));
    GatewaySettings {
        policy: paths::absolute(policy.unwrap_or(Path::new("scopes.yml"))),
        servers: config.servers_dir.clone(),
        header_variables: split_list(config.settings.get("MCPAUTH_HEADER_VARIABLES")),
        allow_http: config.allow_plain,
        ..GatewaySettings::default()
    }
}

/// Names with commas or spaces between them.
fn split_list(names: Option<&str>) -> Vec<String> {
    let separator = |c: char| c == ',' || c.is_whitespace();
    names.unwrap_or_default().split(separator).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn environment(config: &Config) -> Result<GatewaySettings, ConfigError> {
    Ok(GatewaySettings { issuers: vec![super::issuer::from_settings(config)?], ..places(config) })
}
