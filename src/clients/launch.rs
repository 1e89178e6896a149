//! How clients and supervisors start mcpauth: a command line that means the same from anywhere; and how a client
//! reaches the bridge on this machine. Not here: which clients get it (see `render`).

use std::path::Path;

use super::local::{Local, SECRET_HEADER};
use crate::config::catalogue::is_known;
use crate::config::{Config, ConfigError, FileTrust, Settings};
use crate::credential::CredentialKind;
use crate::error::Error;
use crate::notice::Notices;
use crate::render::{AuthMode, LaunchContext, LocalProxy};
use crate::sys::paths;

/// Settings that have a flag, or that no client's start depends on.
const CARRIED: [&str; 11] = [
    "MCPAUTH_CA_CERT",
    "MCPAUTH_DATA_DIR",
    "MCPAUTH_PROVIDERS_FILE",
    "MCPAUTH_TOKENS_DIR",
    "MCPAUTH_SERVERS_DIR",
    "REGISTRY_URL",
    "MCPAUTH_STORAGE",
    "MCPAUTH_ALLOW_HTTP",
    "MCPAUTH_STATE_DIR",
    "MCPAUTH_LOGIN_TIMEOUT",
    "MCPAUTH_NO_BROWSER",
];
/// Those that other programs read as well, and that are the same for the client.
const SHARED: [&str; 5] =
    ["AWS_REGION", "CLAUDE_CONFIG_DIR", "CLINE_MCP_SETTINGS_PATH", "CODEX_HOME", "OPENCODE_CONFIG"];

/// What a client with this auth mode needs.
///
/// # Errors
/// An I/O error, if our own program cannot be found; the bridge's.
pub(crate) fn launch_context(config: &Config, auth_mode: AuthMode) -> Result<LaunchContext, Error> {
    let door = match auth_mode {
        AuthMode::Proxy => {
            let local = Local::new(config)?;
            Some(LocalProxy { listen: local.listen, header: SECRET_HEADER.into(), secret: local.secret })
        }
        _ => None,
    };
    Ok(LaunchContext { command: command(config)?, users_command: users_command(config)?, door })
}

/// Others start mcpauth anywhere, with their own environment: nothing may depend on the working directory, which may
/// have another project's `.env`, or on the variables of this shell.
///
/// # Errors
/// An I/O error, if our own program cannot be found.
pub(crate) fn command(config: &Config) -> Result<Vec<String>, Error> {
    let program = paths::program()?.to_string_lossy().into_owned();
    // The one folder of everything, or only the project's: the user's own is where it always is.
    let flag = if config.is_one_store() { "--tokens-dir" } else { "--found-tokens-dir" };
    let mut words = vec![program, flag.into(), config.tokens_dir.to_string_lossy().into_owned()];
    let trusted = distrusted(config).is_none();
    let files = config.sources().files().filter(|(_, whose)| trusted || *whose != FileTrust::Found);
    let files: Vec<_> = files.collect();
    if files.is_empty() {
        words.push("--no-env-file".into());
    }
    for (file, whose) in files {
        // Naming a found file would make it the user's choice.
        let flag = if whose == FileTrust::Found { "--found-env-file" } else { "--env-file" };
        words.extend([flag.into(), file.to_string_lossy().into_owned()]);
    }
    words.extend(["--servers-dir".into(), config.servers_dir.to_string_lossy().into_owned()]);
    for (name, flag) in [("REGISTRY_URL", "--registry-url"), ("MCPAUTH_STORAGE", "--storage")] {
        if let Some(value) = passing(config.sources(), name) {
            words.extend([flag.into(), value.into()]);
        }
    }
    for (name, flag) in [("MCPAUTH_CA_CERT", "--ca-cert"), ("MCPAUTH_PROVIDERS_FILE", "--providers-file")] {
        if let Some(path) = passing(config.sources(), name) {
            words.extend([flag.into(), paths::absolute(Path::new(path)).to_string_lossy().into_owned()]);
        }
    }
    if config.allow_plain && passing(config.sources(), "MCPAUTH_ALLOW_HTTP").is_some() {
        words.push("--allow-http".into());
    }
    Ok(words)
}

/// The same for servers whose credentials are the user's own: no project has a part in it.
///
/// # Errors
/// As for [`command`].
pub(crate) fn users_command(config: &Config) -> Result<Vec<String>, Error> {
    let program = paths::program()?.to_string_lossy().into_owned();
    let dir = config.user_tokens_dir.to_string_lossy().into_owned();
    let mut words = vec![program, "--tokens-dir".into(), dir];
    let own = config.sources().files().find(|(_, whose)| *whose == FileTrust::Own);
    match own {
        Some((file, _)) => words.extend(["--env-file".into(), file.to_string_lossy().into_owned()]),
        None => words.push("--no-env-file".into()),
    }
    if let Some(storage) = config.sources().get("MCPAUTH_STORAGE") {
        words.extend(["--storage".into(), storage.into()]);
    }
    if let Some(path) = config.sources().get("MCPAUTH_CA_CERT") {
        words.extend(["--ca-cert".into(), paths::absolute(Path::new(path)).to_string_lossy().into_owned()]);
    }
    if config.allow_plain {
        words.push("--allow-http".into());
    }
    Ok(words)
}

/// Why files that were found here are left out: they say where a secret of the user's would be sent.
fn distrusted(config: &Config) -> Option<ConfigError> {
    let mut refused =
        config.plan(&CredentialKind::ALL, None).into_iter().filter_map(|flow| flow.credential.err());
    refused.find(|error| matches!(error, ConfigError::Provenance { .. }))
}

/// A setting that disappears with this process: no file has it.
fn passing<'a>(settings: &'a Settings, name: &str) -> Option<&'a str> {
    settings.find(name).filter(|(_, origin)| origin.file().is_none()).map(|(value, _)| value)
}

/// Settings that this command line does not carry and no file has: a process started by it lacks them.
pub(crate) fn lost(config: &Config) -> Vec<&str> {
    let settings = config.sources();
    let mut names: Vec<&str> = settings.names().filter(|name| is_known(name)).collect();
    let carried = |name: &&str| CARRIED.contains(name) || SHARED.contains(name);
    names.retain(|name| !carried(name) && passing(settings, name).is_some());
    names.sort_unstable();
    names.dedup();
    names
}

/// Reports what a client that starts us would lack.
pub(crate) fn warn(config: &Config, out: &dyn Notices) {
    let settings = config.sources();
    if let Some(why) = distrusted(config) {
        out.say(&format!(
            "client configurations name no file that was only found here: {why}; {}",
            why.hint()
        ));
    }
    let lost = lost(config);
    if !lost.is_empty() {
        out.say(&format!(
            "clients start mcpauth without this shell's variables; put these into .env: {}",
            lost.join(", ")
        ));
    }
    let relative = |name: &&str| {
        let is_path = name.contains("PRIVATE_KEY_FILE") || *name == "MCPAUTH_CONFIG_DIR";
        is_path && settings.get(name).is_some_and(|value| std::path::Path::new(value).is_relative())
    };
    let mut names: Vec<&str> = settings.names().filter(relative).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        out.say(&format!("clients start mcpauth in other folders; make {name} an absolute path"));
    }
}
