//! What a verb gets besides its own arguments: the settings of this run, including the global flags.

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
    for (setting, typed) in global.settings() {
        // What is no address is complained of where it is read.
        let address = (setting == "REGISTRY_URL").then(|| without_scheme(&typed)).flatten();
        settings.flag(setting, address.map_or(typed, String::from));
    }
    if let Some(dir) = &global.found_tokens_dir {
        settings.set_project_tokens(dir);
    }
    if global.allow_http {
        settings.flag("MCPAUTH_ALLOW_HTTP", "1");
    }
    Ok(settings)
}
