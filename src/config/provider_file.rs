//! `oauth_providers.yaml`, in which the MCP Gateway Registry's scripts describe all outside services: read from their
//! location, or from the one the user names. Not here: what an entry means (see `provider`); whether a secret may be
//! sent where a found file says (see `provenance`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::{Spanned, UserMessageFormatter};

use crate::credential::Origin;
use crate::provider::{Provider, ProviderError};
use crate::sys::{paths, regular_file};

/// The largest provider file that is read, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 20;
/// Where the scripts keep it, in the project's folder.
pub(super) const PLACE: &str = "credentials-provider/oauth/oauth_providers.yaml";
/// The setting that names one.
pub(super) const SETTING: &str = "MCPAUTH_PROVIDERS_FILE";
/// What its entries decide, as far as secrets are concerned.
pub(super) const DECIDES: &str = "token_url";

/// One such file.
#[derive(Clone, Debug)]
pub(super) struct ProviderFile {
    pub(super) path: PathBuf,
    /// Whether it was found and not named.
    pub(super) is_found: bool,
    entries: BTreeMap<String, Spanned<Value>>,
}

#[derive(Deserialize)]
struct Whole {
    #[serde(default)]
    providers: Option<BTreeMap<String, Spanned<Value>>>,
}

impl ProviderFile {
    /// The file at a path from a setting.
    ///
    /// # Errors
    /// The file, and what is wrong with it.
    pub(super) fn read_named(path: &str, is_found: bool) -> Result<Self, String> {
        let path = paths::absolute(Path::new(path));
        let refused = |reason: String| format!("{}: {reason}", path.display());
        let bytes = regular_file::read(&path, MAX_FILE_BYTES).map_err(|e| refused(e.to_string()))?;
        Self::parse(&path, is_found, bytes).map_err(refused)
    }

    /// Parses a file's bytes.
    ///
    /// # Errors
    /// What is wrong, with its position.
    pub(super) fn parse(path: &Path, is_found: bool, bytes: Vec<u8>) -> Result<Self, String> {
        let text = regular_file::text(bytes).map_err(|_| regular_file::NOT_TEXT.to_owned())?;
        let whole: Option<Whole> = serde_saphyr::from_str(&text)
            .map_err(|error| error.without_snippet().render_with_formatter(&UserMessageFormatter))?;
        let entries = whole.and_then(|whole| whole.providers).unwrap_or_default();
        Ok(Self { path: path.into(), is_found, entries })
    }

    /// The names of its providers.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// A provider, and where it is defined.
    pub(super) fn provider(&self, name: &str) -> Option<(Result<Provider, ProviderError>, Origin)> {
        let entry = self.entries.get(name)?;
        let line = usize::try_from(entry.referenced.line()).unwrap_or_default();
        let path = self.path.clone();
        let origin = if self.is_found { Origin::Found(path, line) } else { Origin::Named(path, line) };
        let provider = Provider::from_scripts(name, &entry.value).map_err(|error| match error {
            ProviderError::Unreadable { reason, .. } => {
                ProviderError::Unreadable { name: format!("{}:{line}", self.path.display()), reason }
            }
            other => other,
        });
        Some((provider, origin))
    }
}
