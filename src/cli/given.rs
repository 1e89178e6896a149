//! What the user gave this run: settings, including the global flags, and secrets, which never come as arguments.

use std::path::Path;

use clap::ValueEnum;

use crate::cli::args::Global;
use crate::cli::out::Out;
use crate::config::Settings;
use crate::error::Error;
use crate::secret::Secret;
use crate::sys::private_file::{self, FileError};

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
        settings.flag("MCPAUTH_TOKENS_DIR", dir.to_string_lossy());
    }
    if let Some(dir) = &global.servers_dir {
        settings.flag("MCPAUTH_SERVERS_DIR", dir.to_string_lossy());
    }
    if let Some(path) = &global.providers_file {
        settings.flag("MCPAUTH_PROVIDERS_FILE", path.to_string_lossy());
    }
    if let Some(url) = &global.registry_url {
        settings.flag("REGISTRY_URL", url.as_str());
    }
    if let Some(path) = &global.ca_cert {
        settings.flag("MCPAUTH_CA_CERT", path.to_string_lossy());
    }
    if let Some(storage) = global.storage.and_then(|storage| storage.to_possible_value()) {
        settings.flag("MCPAUTH_STORAGE", storage.get_name());
    }
    if global.allow_http {
        settings.flag("MCPAUTH_ALLOW_HTTP", "1");
    }
    Ok(settings)
}

/// A secret from a file, or from stdin for `-`: never from an argument, which every process can read.
pub(super) fn secret_from(path: &Path) -> Result<Secret, Error> {
    let mut text = zeroize::Zeroizing::new(String::new());
    let no_secret = |what: &str| Error::Usage {
        message: format!("{} {what}", path.display()),
        hint: "name a file with the secret in it, or - for stdin".into(),
    };
    if path.as_os_str() == "-" {
        *text = crate::sys::terminal::piped()?;
    } else if private_file::is_pipe(path) {
        // A shell's <(...) is a pipe that exists only for this run.
        return Err(Error::Usage {
            message: format!("{} is a pipe, not a file", path.display()),
            hint: "pipe the secret to stdin, and give - in place of the file".into(),
        });
    } else {
        let found = private_file::read(path).map_err(|error| match error {
            FileError::Symlink(_) => no_secret("is a symbolic link, which another user could redirect"),
            other => other.into(),
        })?;
        *text = found.ok_or_else(|| no_secret("does not exist"))?;
    }
    if text.trim().is_empty() {
        return Err(no_secret("is empty"));
    }
    Ok(Secret::new(text.trim()))
}
