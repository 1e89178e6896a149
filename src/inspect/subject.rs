//! The token that the user means: a credential's name, a file, `-` for stdin, or the token itself.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::config::Config;
use crate::error::Error;
use crate::given::secret_from;
use crate::notice::Notices;
use crate::oauth::Unverified;
use crate::secret::Secret;
use crate::servers::credentials;
use crate::store::{Store, StoreError, StoredToken};
use crate::sys::regular_file;
use crate::vault::VaultError;

/// The largest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A token, and what is known about it besides its claims.
pub(crate) struct Subject {
    pub(crate) token: Secret,
    /// The credential's name, or where the token was found.
    pub(crate) name: String,
    pub(crate) path: Option<PathBuf>,
    pub(crate) stored: Option<StoredToken>,
}

/// The token meant by stdin, a credential's name, a file, or the token itself. Anything else is not repeated: it may
/// be a truncated token.
pub(crate) fn find(what: &str, config: &Config, store: &Store, out: &dyn Notices) -> Result<Subject, Error> {
    if what == "-" {
        return Ok(Subject::bare(&secret_from(Path::new("-"))?, "stdin".into()));
    }
    let all = credentials::all(config, store);
    let path = Path::new(what);
    match credentials::find_by_name(&all, what) {
        Ok(known) => {
            let nothing = || Error::Usage {
                message: format!("nothing is stored for {}", known.name),
                hint: format!("get it first: {}", known.command()),
            };
            let path = known.path(store).ok_or_else(nothing)?;
            let stored = store.read_file(&path).map_err(VaultError::Store)?.ok_or_else(nothing)?;
            Ok(Subject::kept(stored, known.name.clone(), &path))
        }
        Err(_) if path.is_file() => in_file(path, store),
        Err(_) if Unverified::read(what).is_some() => {
            out.say("any process on this machine can read a command line; give a token on stdin: mcpauth inspect -");
            Ok(Subject::bare(&Secret::new(what), "the command line".into()))
        }
        Err(unknown) => Err(unknown),
    }
}

/// The token meant by a credential's name, a file or `-`.
///
/// # Errors
/// [`Error::Usage`] if there is none.
pub(crate) fn token_of(
    what: &str,
    config: &Config,
    store: &Store,
    out: &dyn Notices,
) -> Result<Secret, Error> {
    find(what, config, store, out).map(|subject| subject.token)
}

/// The token of a token file, or of a file that contains only a token.
fn in_file(path: &Path, store: &Store) -> Result<Subject, Error> {
    let name = path.display().to_string();
    match store.read_file(path) {
        Ok(Some(stored)) => Ok(Subject::kept(stored, name, path)),
        Ok(None) => Err(Error::Usage {
            message: format!("the keyring has no token for {name}"),
            hint: "get it again: mcpauth generate".into(),
        }),
        Err(StoreError::Format { .. }) if holds_token(path) => Ok(Subject::bare(&secret_from(path)?, name)),
        // No advice to restrict a file without secrets, such as one of the system's.
        Err(StoreError::Format { .. } | StoreError::File(_)) if !holds_token(path) => Err(Error::Usage {
            message: format!("{name} is not a token file"),
            hint: "name a credential (mcpauth status shows them), a file that holds a token and nothing else, or - for stdin"
                .into(),
        }),
        Err(error) => Err(VaultError::Store(error).into()),
    }
}

/// Whether a file, no matter who may read it, contains a token: as a single word, or as a member of a JSON object. An
/// unreadable file may.
fn holds_token(path: &Path) -> bool {
    let Ok(text) = regular_file::read_text(path, MAX_FILE_BYTES).map(Zeroizing::new) else { return true };
    match serde_json::from_str::<Map<String, Value>>(&text) {
        Ok(members) => members.contains_key("access_token"),
        Err(_) => is_token(text.trim()),
    }
}

/// Whether a text may be a token (RFC 6749 appendix A.12), and is not a settings line or another format.
fn is_token(text: &str) -> bool {
    let token = text.strip_prefix("Bearer ").unwrap_or(text);
    let begins = token.starts_with(|c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c));
    let assigns = token.trim_end_matches('=').contains('=');
    begins && !assigns && token.chars().all(|c| c.is_ascii_graphic())
}

impl Subject {
    fn bare(text: &Secret, name: String) -> Self {
        let token = text.expose().trim();
        let token = Secret::new(token.strip_prefix("Bearer ").unwrap_or(token));
        Self { token, name, path: None, stored: None }
    }

    fn kept(stored: StoredToken, name: String, path: &Path) -> Self {
        let token = stored.token.access_token.clone();
        Self { token, name, path: Some(path.into()), stored: Some(stored) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_word_alone() {
        for token in ["abc", "a.b-c_d~e+f/g==", "Bearer abc", "12|abc", "xoxb-1-2"] {
            assert!(is_token(token), "{token}");
        }
        for other in [
            "",
            "a b",
            "A=b",
            "{}",
            "[a]",
            "<a>",
            "#a",
            "a\nb",
            "\"a\"",
            "root:x:0:0:root:/root:/bin/sh\nbin:x:1",
        ] {
            assert!(!is_token(other), "{other:?}");
        }
    }
}
