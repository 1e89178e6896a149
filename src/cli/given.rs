//! What a verb gets besides its own arguments: the settings of this run, including the global flags.

use clap::ValueEnum;

use crate::cli::args::Global;
use crate::cli::out::Out;
use crate::config::{Config, Settings};
use crate::error::Error;
use crate::sys::typed_url::without_scheme;

/// What every verb gets.
pub(super) struct Given<'g> {
    pub(super) global: &'g Global,
    /// The command line, parsed by clap.
    pub(super) command: fn() -> clap::Command,
}

impl Given<'_> {
    /// All settings, raw.
    pub(super) fn settings(&self, out: &Out) -> Result<Settings, Error> {
        settings(self.global, out)
    }

    /// The resolved settings.
    pub(super) fn config(&self, out: &Out) -> Result<Config, Error> {
        Ok(Config::resolve(self.settings(out)?)?)
    }
}

/// Settings, including the global flags.
pub(super) fn settings(global: &Global, out: &Out) -> Result<Settings, Error> {
    let mut settings = if global.no_env_file {
        Settings::environment()
    } else {
        Settings::load(&global.env_file, &global.found_env_file)?
    };
    settings.notices().iter().for_each(|notice| out.say(notice));
    // A warning, not an error: the registry's scripts left these files open, and users must be able to start from
    // there.
    for path in settings.exposed() {
        out.say(&format!(
            "{0} holds secrets and can be read by others; fix it with: chmod 600 {0}",
            path.display()
        ));
    }
    if let Some(dir) = &global.tokens_dir {
        settings.flag("MCPAUTH_TOKENS_DIR", dir.to_string_lossy().as_ref());
    }
    if let Some(dir) = &global.found_tokens_dir {
        settings.set_project_tokens(dir);
    }
    if let Some(dir) = &global.servers_dir {
        settings.flag("MCPAUTH_SERVERS_DIR", dir.to_string_lossy().as_ref());
    }
    if let Some(path) = &global.providers_file {
        settings.flag("MCPAUTH_PROVIDERS_FILE", path.to_string_lossy().as_ref());
    }
    if let Some(url) = &global.registry_url {
        // What is not an address is reported where it is read.
        let typed = without_scheme(url);
        settings.flag("REGISTRY_URL", typed.as_ref().map_or(url.as_str(), |typed| typed.as_str()));
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
