//! The tokens that this gateway has vended: which are valid, revoking them, and the keys that sign them. Not
//! here: vending them (see `gateway`).

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::prepare::{file, is_here, without_issuers};
use super::vouch::Word;
use crate::config::{Config, ConfigError};
use crate::error::Error;
use crate::gateway::authn::revocations::{RevocationError, RevocationFile};
use crate::gateway::new_signing_key;
use crate::gateway::settings::Vending;
use crate::gateway::token_ledger::{Ledger, LedgerEntry};
use crate::sys::private_file::{self, FileError};
use crate::text::path_word;

/// The ledger and what goes with it.
pub(crate) struct VendedTokens {
    vending: Vending,
    revocation_list: RevocationFile,
}

impl VendedTokens {
    /// Those of the gateway whose settings are named, or found here.
    ///
    /// # Errors
    /// [`Error::Usage`] if there are no settings, or they let the gateway vend nothing.
    pub(crate) fn new(named: Option<&Path>, config: &Config) -> Result<Self, Error> {
        if named.is_none() && !is_here(config) {
            return Err(ConfigError::NotConfigured("a gateway").into());
        }
        let mut settings = without_issuers(named, config)?;
        Word::new(named, file(named, config).as_deref(), config).check(&mut settings, config)?;
        let list = RevocationFile::of(&settings);
        let found = settings.vending.zip(list);
        let (vending, revocation_list) = found.ok_or_else(|| Error::Usage {
            message: "vending is not enabled in these settings".into(),
            hint: "enable it in gateway.yaml: vending: {key: keys, issuer: https://gateway.example.com}"
                .into(),
        })?;
        Ok(Self { vending, revocation_list })
    }

    /// Where revoked tokens are listed.
    pub(crate) fn revocation_list(&self) -> &Path {
        self.revocation_list.path()
    }

    /// Every token that has not been over for long.
    ///
    /// # Errors
    /// [`Error::File`].
    pub(crate) fn all(&self) -> Result<Vec<LedgerEntry>, Error> {
        Ok(self.ledger().entries()?)
    }

    /// The tokens that have not expired, and whether each is revoked.
    ///
    /// # Errors
    /// As for [`Self::all`]; [`Error::Usage`] for a list of the revoked that cannot be used.
    pub(crate) fn live(&self, now: i64) -> Result<Vec<(LedgerEntry, bool)>, Error> {
        let revoked = self.revocation_list.read().map_err(unusable)?;
        let live = self.all()?.into_iter().filter(|entry| now < entry.expires_at);
        Ok(live.map(|entry| (revoked.has(&entry.jti), entry)).map(|(gone, entry)| (entry, gone)).collect())
    }

    /// Revokes tokens; returns how many were not revoked before.
    ///
    /// # Errors
    /// [`Error::Usage`] for a list of the revoked that cannot be used; [`Error::File`].
    pub(crate) fn revoke(&self, token_ids: &[&str]) -> Result<usize, Error> {
        self.revocation_list.add(token_ids).map_err(unusable)
    }

    /// Makes a new key that signs them, and says where.
    ///
    /// # Errors
    /// [`Error::Usage`] if a file is named and there; [`Error::File`].
    pub(crate) fn make_key(&self, now: i64) -> Result<PathBuf, Error> {
        let path = self.vending.new_key(now);
        if path != self.vending.key {
            private_file::create_dir(&self.vending.key)?;
        }
        let key = new_signing_key().ok_or_else(|| Error::Usage {
            message: "no random numbers are available to make a key".into(),
            hint: "try again: mcpauth gateway token key".into(),
        })?;
        private_file::write_new(&path, key.expose()).map_err(|error| match error {
            FileError::Io { source, .. } if source.kind() == ErrorKind::AlreadyExists => is_there(&path),
            other => other.into(),
        })?;
        Ok(path)
    }

    fn ledger(&self) -> Ledger {
        Ledger::at(&self.vending.ledger)
    }
}

fn is_there(path: &Path) -> Error {
    let hint = format!(
        "to accept the old key during a change, put both into a folder and name that: mkdir -m 700 keys && mv {} keys/",
        path_word(path)
    );
    Error::Usage { message: format!("{} is there already", path.display()), hint }
}

/// A list of the revoked that cannot be used as it is.
fn unusable(error: RevocationError) -> Error {
    let (message, hint) = (error.to_string(), error.hint());
    match error {
        RevocationError::Unwritable(error) => error.into(),
        _ => Error::Usage { message, hint },
    }
}
