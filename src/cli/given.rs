//! What a verb is run with beside its own arguments: the settings of this run, with the flags that every verb has.

use clap::ValueEnum;

use crate::cli::args::Global;
use crate::cli::out::Out;
use crate::config::{Config, Settings};
use crate::error::Error;

/// What every verb is given.
pub(super) struct Given<'g> {
    pub(super) global: &'g Global,
    /// The command line as clap knows it.
    pub(super) command: fn() -> clap::Command,
}

impl Given<'_> {
    /// Everything that is set, whatever it means.
    pub(super) fn settings(&self, out: &Out) -> Result<Settings, Error> {
        settings(self.global, out)
    }

    /// What the settings mean.
    pub(super) fn config(&self, out: &Out) -> Result<Config, Error> {
        Ok(Config::resolve(self.settings(out)?)?)
    }
}

/// Settings with the flags that every verb has.
pub(super) fn settings(global: &Global, out: &Out) -> Result<Settings, Error> {
    let mut settings = if global.no_env_file {
        Settings::environment()
    } else {
        Settings::load(&global.env_file, &global.found_env_file)?
    };
    settings.notices().iter().for_each(|notice| out.say(notice));
    // Said and not refused: the scripts left these files open, and a user must be able to start from there.
    for path in settings.exposed() {
        out.say(&format!(
            "{0} holds secrets and can be read by others; close it with: chmod 600 {0}",
            path.display()
        ));
    }
    if let Some(dir) = &global.tokens_dir {
        settings.flag("MCPAUTH_TOKENS_DIR", dir.to_string_lossy().as_ref());
    }
    if let Some(dir) = &global.servers_dir {
        settings.flag("MCPAUTH_SERVERS_DIR", dir.to_string_lossy().as_ref());
    }
    if let Some(path) = &global.providers_file {
        settings.flag("MCPAUTH_PROVIDERS_FILE", path.to_string_lossy().as_ref());
    }
    if let Some(url) = &global.registry_url {
        settings.flag("REGISTRY_URL", url.as_str());
    }
    if let Some(path) = &global.ca_cert {
        settings.flag("MCPAUTH_CA_CERT", path.to_string_lossy().as_ref());
    }
    if let Some(storage) = global.storage.and_then(|storage| storage.to_possible_value()) {
        settings.flag("MCPAUTH_STORAGE", storage.get_name());
    }
    if global.allow_http {
        settings.flag("MCPAUTH_ALLOW_HTTP", "1");
    }
    Ok(settings)
}
