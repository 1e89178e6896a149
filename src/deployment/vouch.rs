//! Provenance of the gateway's settings and servers. A `gateway.yaml` or a servers folder that was only found here
//! gets nothing of the user's: no secret file or variable, no stored credential for its servers, no file outside the
//! folder to write. Not here: the rule (see `config::provenance`).

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
                command: format!("mcpauth --servers-dir {} gateway serve", path_word(dir)),
            };
        };
        let place = match (named, config.given("MCPAUTH_GATEWAY_CONFIG")) {
            (Some(_), _) => NamedValue::new("--config", Origin::Flag),
            (None, Some(given)) => given,
            (None, None) => found("gateway.yaml", path),
        };
        Self { place, command: format!("mcpauth gateway serve --config {}", path_word(path)) }
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
    /// [`ConfigError::Provenance`]; [`ConfigError::Invalid`] for a file outside the folder that would be written.
    pub(super) fn check(&self, settings: &mut GatewaySettings, config: &Config) -> Result<(), ConfigError> {
        if !self.place.origin.is_found() {
            return Ok(());
        }
        settings.allow_http = config.allow_plain;
        let here = paths::absolute(Path::new("."));
        if let Some((name, path)) =
            secrets(settings).into_iter().find(|(_, path)| !paths::is_inside(path, &here))
        {
            self.may_have(&NamedValue::new(name, Origin::Kept(path.clone())), config)?;
        }
        for (name, path) in written(settings) {
            if paths::is_inside(path, &here) {
                continue;
            }
            let reason = format!(
                "{} would write outside the folder it was found in, to {}; to allow that: {}",
                self.place.origin,
                path.display(),
                self.command
            );
            return Err(ConfigError::Invalid { variable: name.into(), reason });
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

/// The files that are written.
fn written(settings: &GatewaySettings) -> Vec<(&'static str, &Path)> {
    let audit = Some(settings.audit.as_str()).filter(|audit| !matches!(*audit, "-" | "off" | ""));
    let mut files: Vec<_> = audit.map(|audit| ("audit", Path::new(audit))).into_iter().collect();
    files.extend(settings.vending.iter().map(|vending| ("vending.ledger", vending.ledger.as_path())));
    let embeddings = settings.embeddings();
    files.extend(embeddings.map(|one| ("search.embeddings.vectors", one.vectors.as_path())));
    files
}

/// The files with secrets in them that the settings name.
fn secrets(settings: &GatewaySettings) -> Vec<(&'static str, &PathBuf)> {
    let introspection = settings.issuers.iter().filter_map(|issuer| issuer.introspection.as_ref());
    let mut files: Vec<_> = introspection.map(|one| ("client_secret", &one.client_secret)).collect();
    files.extend(settings.session_key.iter().map(|path| ("session_key", path)));
    files.extend(settings.vending.iter().map(|vending| ("the vending key", &vending.key)));
    files.extend(settings.tls.iter().map(|tls| ("the TLS key", &tls.key)));
    let key_file = settings.embeddings().and_then(|one| one.key_file.as_ref());
    files.extend(key_file.map(|path| ("search.embeddings.key_file", path)));
    files
}
