//! What came of one client's file, as a value. It leaves saying it to `cli`.

use crate::config::Config;
use crate::error::Error;
use crate::render::{AuthMode, Installed};

/// What writes the client configurations alone.
const COMMAND: &str = "mcpauth config install";

/// What came of one client configuration.
pub(crate) struct ConfigRow {
    pub(crate) client: &'static str,
    pub(crate) path: String,
    pub(crate) servers: usize,
    /// How the client has its headers; `None` for our own files.
    pub(crate) auth_mode: Option<AuthMode>,
    pub(crate) result: Result<Installed, Error>,
    /// Only to say what would be.
    pub(crate) dry: bool,
}

impl ConfigRow {
    /// No client has a configuration, for one reason.
    pub(crate) fn none(config: &Config, error: Error) -> Self {
        let path = config.tokens_dir.display().to_string();
        Self { client: "every client", path, servers: 0, auth_mode: None, result: Err(error), dry: false }
    }

    /// In what the client's file is not as it should be, a line each; nothing if it is in order.
    pub(crate) fn drift(&self) -> Vec<String> {
        let installed = match &self.result {
            Ok(installed) => installed,
            Err(error) => return vec![error.to_string()],
        };
        let changes = installed.changes.iter().filter(|change| change.alters()).map(ToString::to_string);
        let first = |text: String| text.lines().next().unwrap_or_default().to_owned();
        let open = installed.exposed.then(|| "others can read it, and there are secrets in it".to_owned());
        changes.map(first).chain(open).collect()
    }

    /// The command that puts the client's file in order.
    pub(crate) fn remedy(&self) -> String {
        match &self.result {
            Ok(_) => format!("{COMMAND} --client {}", self.client),
            Err(error) => error.hint(COMMAND),
        }
    }
}
