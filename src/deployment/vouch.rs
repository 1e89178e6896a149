//! Provenance of the gateway's settings and servers. A `gateway.yaml` or a servers folder that was only found here
//! gets nothing of the user's: no variable, no stored credential for its servers, and no file outside the folder, to
//! read or to write. Not here: the rule (see `config::provenance`).

use std::path::{Path, PathBuf};

use crate::config::{Config, ConfigError, NamedValue, Origin};
use crate::credential::{Credential, CredentialKind};
use crate::gateway::settings::{EgressMode, GatewaySettings};
use crate::secret::Secret;
use crate::sys::paths;
use crate::text::path_word;

/// Who says where the gateway's servers are and what they receive.
#[derive(Clone, Debug)]
pub(super) struct Word {
    place: NamedValue,
    /// The command that makes the same settings the user's own choice.
    command: String,
}

impl Word {
    /// `file` is the source of the settings; without it they come from the environment, and servers from their
    /// folder.
    pub(super) fn new(named: Option<&Path>, file: Option<&Path>, config: &Config) -> Self {
        let Some(path) = file else {
            let dir = &config.servers_dir;
            let place = config.given("MCPAUTH_SERVERS_DIR");
            let place = place.unwrap_or_else(|| found("the servers' files", dir));
            return Self {
                place,
                command: format!("mcpauth --servers-dir {} {}", path_word(dir), config.typed().join(" ")),
            };
        };
        let place = match (named, config.given("MCPAUTH_GATEWAY_CONFIG")) {
            (Some(_), _) => NamedValue::new("--config", Origin::Flag),
            (None, Some(given)) => given,
            (None, None) => found("gateway.yaml", path),
        };
        Self { place, command: naming(path, config.typed()) }
    }

    /// Whether a secret may be sent where these settings and servers say.
    ///
    /// # Errors
    /// [`ConfigError::Provenance`].
    fn may_have(&self, secret: &NamedValue, config: &Config) -> Result<(), ConfigError> {
        config.may_go_by(secret, &self.place, Some(self.command.clone()))
    }

    /// A variable's value, if these servers are allowed it.
    pub(super) fn variable(&self, name: &str, config: &Config) -> Option<Secret> {
        let given = config.given(name)?;
        self.may_have(&given, config).ok()?;
        config.variable(name)
    }

    /// The stored credential of this server name, if these servers are allowed it.
    ///
    /// # Errors
    /// [`ConfigError::Provenance`].
    pub(super) fn stored(&self, name: &str, config: &Config) -> Result<Option<Credential>, ConfigError> {
        let planned = config.plan(&[CredentialKind::Egress, CredentialKind::AgentCore], None).into_iter();
        let mut credentials = planned.filter_map(|flow| flow.credential.ok());
        let called = |one: &Credential| one.id.server.as_deref().unwrap_or(&one.id.name) == name;
        let Some(credential) = credentials.find(called) else { return Ok(None) };
        self.may_have(&credential.owner, config)?;
        Ok(Some(credential))
    }

    /// Removes from the settings what a found file may not decide, and refuses what cannot be ignored.
    ///
    /// # Errors
    /// [`ConfigError::Outside`] for a path out of the folder, to be read or written; [`ConfigError::Provenance`].
    pub(super) fn check(&self, settings: &mut GatewaySettings, config: &Config) -> Result<(), ConfigError> {
        if !self.place.origin.is_found() {
            return Ok(());
        }
        settings.allow_http = config.allow_plain;
        let here = paths::absolute(Path::new("."));
        if let Some((name, path)) =
            named(settings).into_iter().find(|(_, path)| !paths::is_inside(path, &here))
        {
            let (place, command) = (Box::new(self.place.clone()), self.command.clone());
            return Err(ConfigError::Outside { name, path, place, command });
        }
        let stored =
            settings.upstreams.iter().filter(|(_, server)| server.egress == Some(EgressMode::Stored));
        for (name, server) in stored {
            self.stored(server.credential.as_deref().unwrap_or(name), config)?;
        }
        Ok(())
    }
}

fn found(name: &str, path: &Path) -> NamedValue {
    NamedValue::new(name, Origin::Found(path.into(), 0))
}

/// The command as typed, with the settings' file named; `gateway serve` if what was typed takes none.
fn naming(path: &Path, typed: Vec<String>) -> String {
    let is_taken = typed.iter().any(|word| word == "gateway");
    let line = if is_taken { typed.join(" ") } else { "gateway serve".into() };
    format!("mcpauth {line} --config {}", path_word(path))
}

/// What the settings' file leads to. Without a file, each path but the servers' folder has a setting of its own, with
/// its own origin.
fn named(settings: &mut GatewaySettings) -> Vec<(&'static str, PathBuf)> {
    let audit = Some(settings.audit.as_str()).filter(|audit| !matches!(*audit, "-" | "off" | ""));
    let audit = audit.map(|audit| ("audit", PathBuf::from(audit)));
    let revocations = settings.revocations().map(|path| ("revocation_list", path));
    let is_file = settings.file.is_some();
    let paths = settings.paths().into_iter().map(|(name, path)| (name, path.clone()));
    let paths = paths.chain(audit).chain(revocations);
    paths.filter(|(name, _)| is_file || *name == "servers").collect()
}
