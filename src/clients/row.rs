//! The result for one client's file, as a value. Not here: printing it (see `cli`).

use crate::config::Config;
use crate::error::Error;
use crate::render::{AuthMode, Installed};

/// The command that writes only the client configurations.
const COMMAND: &str = "mcpauth config install";

/// The result for one client configuration.
pub(crate) struct ConfigRow {
    pub(crate) client: &'static str,
    pub(crate) path: String,
    pub(crate) servers: usize,
    /// How the client gets its headers; `None` for our own files.
    pub(crate) auth_mode: Option<AuthMode>,
    pub(crate) result: Result<Installed, Error>,
    /// A dry run.
    pub(crate) dry: bool,
}

impl ConfigRow {
    /// No client has a configuration, for one reason.
    pub(crate) fn none(config: &Config, error: Error) -> Self {
        let path = config.tokens_dir.display().to_string();
        Self { client: "every client", path, servers: 0, auth_mode: None, result: Err(error), dry: false }
    }

    /// How the client's file differs from what it should be, one line each; empty if it is up to date.
    pub(crate) fn drift(&self) -> Vec<String> {
        let installed = match &self.result {
            Ok(installed) => installed,
            Err(error) => return vec![error.to_string()],
        };
        let changes = installed.changes.iter().filter(|change| change.alters()).map(ToString::to_string);
        let first = |text: String| text.lines().next().unwrap_or_default().to_owned();
        let open = installed.exposed.then(|| "others can read it, and it contains secrets".to_owned());
        changes.map(first).chain(open).collect()
    }

    /// The command that fixes the client's file.
    pub(crate) fn remedy(&self) -> String {
        match &self.result {
            Ok(_) => format!("{COMMAND} --client {}", self.client),
            Err(error) => error.hint(COMMAND),
        }
    }
}
