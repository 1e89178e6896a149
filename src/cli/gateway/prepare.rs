//! What the gateway is to do: the settings of its file, or of the environment where there is none, with everything that
//! is wrong with them, the policy and the servers. It leaves showing that to `check`, and serving to the gateway.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::gateway::From;
use crate::cli::gateway::vouch::Word;
use crate::config::catalogue::{is_known, is_secret};
use crate::config::{Config, ConfigError};
use crate::error::Error;
use crate::gateway::servers::headers::Variables;
use crate::gateway::servers::{Found, Server};
use crate::gateway::settings::{self, Limits, Settings, SettingsError};
use crate::policy::Policy;
use crate::problem::Problem;
use crate::registry::Registry;
use crate::secret::Secret;
use crate::sys::{deadline, descriptors, paths, regular_file};

/// Where the policy is, in the reference's folder too.
const POLICIES: [&str; 2] = ["scopes.yml", "auth_server/scopes.yml"];

/// Everything that is needed to serve, and everything that is wrong with it.
#[derive(Debug)]
pub(in crate::cli) struct Prepared {
    /// The file the settings come from; none if they come from the environment.
    pub(in crate::cli) file: Option<PathBuf>,
    pub(in crate::cli) settings: Settings,
    /// As many as can be reached.
    pub(in crate::cli) servers: Vec<Server>,
    pub(in crate::cli) problems: Vec<Problem>,
    /// Whose word settings and servers are.
    pub(super) word: Word,
}

/// What the command line says of the settings; it wins.
#[derive(Clone, Debug, Default)]
pub(super) struct Flags {
    pub(super) listen: Option<SocketAddr>,
    pub(super) shadow: Option<PathBuf>,
    pub(super) admin: Option<SocketAddr>,
}

/// Reads and checks everything.
///
/// # Errors
/// If there are no settings to check at all.
pub(super) fn prepare(from: &From, flags: &Flags, config: &Config) -> Result<Prepared, Error> {
    let file = file(from, config);
    let word = Word::of(from, file.as_deref(), config);
    let mut settings = match &file {
        Some(path) => match read(path, config) {
            Ok(settings) => settings,
            Err(SettingsError::Malformed { path, line, column, reason }) => {
                let at = format!("{}:{line}:{column}", path.display());
                let remedy = "correct the file; mcpauth gateway schema prints what it can say";
                return Ok(Prepared::nothing(file.clone(), word, Problem::error(at, reason, remedy)));
            }
            Err(other) => return Err(unusable(&other)),
        },
        None => environment(config)?,
    };
    word.check(&mut settings, config)?;
    flags.apply(&mut settings);
    let mut problems = settings.validate();
    problems.extend(settings.validate_descriptors(descriptors::attainable()));
    problems.extend(withheld(&settings));
    problems.extend(settings.validate_files());
    let policy = policy("policy", &settings.policy, &mut problems);
    if let Some(shadow) = &settings.shadow {
        self::policy("shadow", shadow, &mut problems);
    }
    let servers = servers(&settings, &word, config, &mut problems);
    problems.extend(strangers(&settings, policy.as_ref(), &servers));
    Ok(Prepared { file, settings, servers, problems, word })
}

/// What reads files, ended after the time that a gateway's files have.
///
/// # Errors
/// If that is over, or there is no thread to be had.
pub(super) fn within<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    what: &str,
) -> Result<T, Error> {
    let seconds = Limits::default().files;
    deadline::within(Duration::from_secs(seconds), work)?.ok_or_else(|| Error::Usage {
        message: format!("{what}: reading takes longer than {seconds} s; the file system may not answer"),
        hint: "see which with: mcpauth gateway check".into(),
    })
}

/// The same for the gateway that is set up in this folder, by `gateway.yaml`, by its variable or by a policy; none if
/// nothing says that there is to be one.
pub(in crate::cli) fn here(config: &Config) -> Option<Result<Prepared, Error>> {
    let from = From::default();
    let policy = config.settings.get("MCPAUTH_SCOPES").is_some()
        || POLICIES.map(Path::new).iter().any(|path| path.is_file());
    (policy || file(&from, config).is_some()).then(|| prepare(&from, &Flags::default(), config))
}

/// The settings for a look at policy or servers, which needs no issuer.
pub(super) fn without_issuers(from: &From, config: &Config) -> Result<Settings, Error> {
    match file(from, config) {
        Some(path) => read(&path, config).map_err(|e| unusable(&e)),
        None => Ok(places(config)),
    }
}

/// The servers of a folder, and what was said of it.
pub(super) fn servers(
    settings: &Settings,
    word: &Word,
    config: &Config,
    problems: &mut Vec<Problem>,
) -> Vec<Server> {
    let value = |name: &str| variable(word, config, name);
    let variables = Variables { allowed: &settings.header_variables, value: &value };
    match Registry::read(&settings.servers) {
        Ok(registry) => {
            let Found { servers, remarks } = Found::of(&registry, variables);
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
fn withheld(settings: &Settings) -> impl Iterator<Item = Problem> {
    settings.header_variables.iter().filter(|name| is_own_secret(name)).map(|name| {
        let what = format!("{name} is a secret of mcpauth's own, which no server gets");
        Problem::error("header_variables", what, "give the server a variable of its own")
    })
}

/// A problem as JSON output has it.
pub(super) fn object(problem: &Problem) -> Value {
    json!({
        "severity": problem.severity,
        "at": problem.at,
        "what": problem.what,
        "remedy": problem.remedy,
    })
}

impl Flags {
    fn apply(&self, settings: &mut Settings) {
        settings.listen = self.listen.unwrap_or(settings.listen);
        settings.admin = self.admin.or(settings.admin);
        if let Some(shadow) = &self.shadow {
            settings.shadow = Some(paths::absolute(shadow));
        }
    }
}

impl Prepared {
    fn nothing(file: Option<PathBuf>, word: Word, problem: Problem) -> Self {
        Self { file, settings: Settings::default(), servers: Vec::new(), problems: vec![problem], word }
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

fn read(path: &Path, config: &Config) -> Result<Settings, SettingsError> {
    let mut settings = Settings::read(path)?;
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
fn places(config: &Config) -> Settings {
    let policy = config.settings.get("MCPAUTH_SCOPES").map(Path::new);
    let usual = POLICIES.map(Path::new).into_iter();
    let policy = policy.or_else(|| usual.clone().find(|path| path.is_file()));
    Settings {
        policy: paths::absolute(policy.unwrap_or(Path::new("scopes.yml"))),
        servers: config.servers_dir.clone(),
        header_variables: listed(config.settings.get("MCPAUTH_HEADER_VARIABLES")),
        allow_http: config.allow_plain,
        ..Settings::default()
    }
}

/// Names with commas or spaces between them.
fn listed(names: Option<&str>) -> Vec<String> {
    let separator = |c: char| c == ',' || c.is_whitespace();
    names.unwrap_or_default().split(separator).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn environment(config: &Config) -> Result<Settings, ConfigError> {
    Ok(Settings { issuers: vec![super::issuer::of(config)?], ..places(config) })
}

fn policy(key: &str, path: &Path, problems: &mut Vec<Problem>) -> Option<Policy> {
    let shown = path.display();
    let text = match regular_file::read_text(path, settings::MOST) {
        Ok(text) => text,
        Err(e) => {
            let remedy = "name the policy's file; without one nobody may do anything";
            problems.push(Problem::error(key, format!("{shown}: {e}"), remedy));
            return None;
        }
    };
    match Policy::parse(&text) {
        Ok(policy) => {
            let remarks = policy.remarks();
            let remark = |what: String| {
                Problem::remark(shown.to_string(), what, "correct the policy, if that is not meant")
            };
            problems.extend(remarks.iter().map(|what| remark(what.to_string())));
            Some(policy)
        }
        Err(e) => {
            problems.push(Problem::error(key, format!("{shown}: {e}"), "correct the policy"));
            None
        }
    }
}

/// Servers that policy and settings speak of and nobody has.
fn strangers(settings: &Settings, policy: Option<&Policy>, servers: &[Server]) -> Vec<Problem> {
    let exists = |name: &str| servers.iter().any(|server| server.name == name);
    let upstreams = settings.upstreams.keys().filter(|name| !exists(name)).map(|name| {
        let remedy = "correct the name, or add the server's file";
        Problem::remark(format!("upstreams.{name}"), "there is no such server", remedy)
    });
    let named = policy.map(Policy::servers).unwrap_or_default();
    let unknown = named.into_iter().filter(|name| !exists(name.trim_end_matches('/')) && !name.contains('*'));
    let in_policy = unknown.map(|name| {
        let remedy = "correct the name, or add the server's file";
        Problem::remark(settings.policy.display().to_string(), format!("there is no server {name:?}"), remedy)
    });
    upstreams.chain(in_policy).collect()
}
