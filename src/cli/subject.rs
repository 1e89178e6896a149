//! The token that a person means: by a credential's name, a file, `-` for stdin, or as such. It leaves what is done with it
//! to the verbs.

use std::path::{Path, PathBuf};

use crate::cli::given::secret_from;
use crate::cli::out::Out;
use crate::config::Config;
use crate::error::Error;
use crate::oauth::Unverified;
use crate::secret::Secret;
use crate::servers::credentials;
use crate::store::{Store, StoreError, Stored};
use crate::vault::VaultError;

/// A token, and what is known of it beside what it says itself.
pub(super) struct Subject {
    pub(super) token: Secret,
    /// The credential's name, or where the token was found.
    pub(super) name: String,
    pub(super) path: Option<PathBuf>,
    pub(super) stored: Option<Stored>,
}

/// What is meant: stdin, a credential, a file, or a token as such. What is none of these is not repeated: it may be a
/// token that was cut on its way here.
pub(super) fn find(what: &str, config: &Config, store: &Store, out: &Out) -> Result<Subject, Error> {
    if what == "-" {
        return Ok(Subject::bare(&secret_from(Path::new("-"))?, "stdin".into()));
    }
    let all = credentials::all(config, store);
    let path = Path::new(what);
    match credentials::named(&all, what) {
        Ok(known) => {
            let nothing = || Error::Usage {
                message: format!("nothing is kept of {}", known.name),
                hint: format!("get it first: {}", known.command()),
            };
            let path = known.path(store).ok_or_else(nothing)?;
            let stored = store.read_file(&path).map_err(VaultError::Store)?.ok_or_else(nothing)?;
            Ok(Subject::kept(stored, known.name.clone(), &path))
        }
        Err(_) if path.is_file() => in_file(path, store),
        Err(_) if Unverified::read(what).is_some() => {
            out.say("every process on this machine can read a command line; give a token on stdin: mcpauth inspect -");
            Ok(Subject::bare(&Secret::new(what), "the command line".into()))
        }
        Err(unknown) => Err(unknown),
    }
}

/// The token that is meant by a credential's name, a file or `-`.
///
/// # Errors
/// [`Error::Usage`] if there is none.
pub(super) fn token_of(what: &str, config: &Config, store: &Store, out: &Out) -> Result<Secret, Error> {
    find(what, config, store, out).map(|subject| subject.token)
}

/// The token of a token file, or the token that is all there is in it.
fn in_file(path: &Path, store: &Store) -> Result<Subject, Error> {
    let name = path.display().to_string();
    match store.read_file(path) {
        Ok(Some(stored)) => Ok(Subject::kept(stored, name, path)),
        Ok(None) => Err(Error::Usage {
            message: format!("the keyring has no token for {name}"),
            hint: "get it again: mcpauth generate".into(),
        }),
        Err(StoreError::Format { .. }) => Ok(Subject::bare(&secret_from(path)?, name)),
        Err(error) => Err(VaultError::Store(error).into()),
    }
}

impl Subject {
    fn bare(text: &Secret, name: String) -> Self {
        let token = text.expose().trim();
        let token = Secret::new(token.strip_prefix("Bearer ").unwrap_or(token));
        Self { token, name, path: None, stored: None }
    }

    fn kept(stored: Stored, name: String, path: &Path) -> Self {
        let token = stored.token.access_token.clone();
        Self { token, name, path: Some(path.into()), stored: Some(stored) }
    }
}
