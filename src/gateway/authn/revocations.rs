//! The revocation list: what is rejected although its signature verifies, one entry per line. Not here: watching the file (see
//! `ops`); which tokens there are (see `token_ledger`).

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use super::jwt::TokenError;
use crate::policy::Principal;
use crate::sys::private_file::{self, FileError};
use crate::sys::regular_file;

/// Revoked tokens, by what identifies them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RevocationList {
    pub(in crate::gateway) token_ids: HashSet<String>,
    pub(in crate::gateway) subjects: HashSet<String>,
    pub(in crate::gateway) clients: HashSet<String>,
    /// Sessions of people at the pages.
    pub(in crate::gateway) sessions: HashSet<String>,
}

/// Why the list cannot be read or extended.
#[derive(Debug, thiserror::Error)]
pub enum RevocationError {
    /// The file cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Unwritable(#[from] FileError),
    /// An invalid line: no gateway applies the list.
    #[error("{path}: line {line} is not jti:, sub:, client_id: or sid: VALUE", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// The largest list, in bytes.
const MAX_REVOCATION_LIST: u64 = 64 << 20;

impl RevocationList {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, RevocationError> {
        Self::of(path, &text(path)?)
    }

    /// The same for a file that is created with its first entry.
    pub fn begun(path: &Path) -> Result<Self, RevocationError> {
        Self::of(path, &text_if_any(path)?)
    }

    fn of(path: &Path, text: &str) -> Result<Self, RevocationError> {
        Self::parse(text).map_err(|line| RevocationError::Malformed { path: path.into(), line })
    }

    /// Whether a token is on it.
    pub fn has(&self, token_id: &str) -> bool {
        self.token_ids.contains(token_id)
    }

    /// Puts tokens on the list in this file, which is made if it is not there; how many were not on it. A process that does so at the
    /// same time waits for a lock of the caller's.
    pub(in crate::gateway) fn add(path: &Path, token_ids: &[&str]) -> Result<usize, RevocationError> {
        Self::extend(path, "jti", token_ids, |known, id| known.has(id))
    }

    /// The same for a session of the pages.
    pub(in crate::gateway) fn add_session(path: &Path, sid: &str) -> Result<usize, RevocationError> {
        Self::extend(path, "sid", &[sid], |known, sid| known.sessions.contains(sid))
    }

    fn extend(
        path: &Path,
        kind: &str,
        values: &[&str],
        has: impl Fn(&Self, &str) -> bool,
    ) -> Result<usize, RevocationError> {
        let text = text_if_any(path)?;
        let known = Self::of(path, &text)?;
        let new: Vec<String> = values
            .iter()
            .filter(|value| !has(&known, value))
            .map(|value| format!("{kind}: {value}\n"))
            .collect();
        let before = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        if !new.is_empty() {
            private_file::append(path, &format!("{before}{}", new.concat()))?;
        }
        Ok(new.len())
    }

    /// One entry per line, `jti: VALUE`, `sub: VALUE`, `client_id: VALUE` or `sid: VALUE`; `#` begins a comment.
    ///
    /// # Errors
    /// The number of the first invalid line.
    fn parse(text: &str) -> Result<Self, usize> {
        let mut revoked = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (kind, value) = line.split_once(':').ok_or(number + 1)?;
            let value = value.trim();
            let set = match kind.trim() {
                "jti" => &mut revoked.token_ids,
                "sub" => &mut revoked.subjects,
                "client_id" => &mut revoked.clients,
                "sid" => &mut revoked.sessions,
                _ => return Err(number + 1),
            };
            if value.is_empty() {
                return Err(number + 1);
            }
            set.insert(value.to_owned());
        }
        Ok(revoked)
    }

    /// Whether a person's session at the pages is over: it, or the person.
    pub(in crate::gateway) fn ends(&self, sid: &str, person: &Principal) -> bool {
        self.sessions.contains(sid) || self.reject(person).is_some()
    }

    /// What is revoked, if anything: the caller, or only this token.
    pub(in crate::gateway) fn reject(&self, principal: &Principal) -> Option<TokenError> {
        let client = principal.client_id.as_ref();
        if self.subjects.contains(&principal.subject) || client.is_some_and(|id| self.clients.contains(id)) {
            return Some(TokenError::CallerRevoked);
        }
        let token_id = principal.claims.get("jti").and_then(|id| id.as_str());
        let vended = principal.vended.as_ref().map(|vended| vended.token_id.as_str());
        // A vended token is revoked with the token it was derived from.
        let mut ids = [token_id, vended].into_iter().flatten();
        ids.any(|id| self.token_ids.contains(id)).then_some(TokenError::Revoked)
    }
}

fn text(path: &Path) -> Result<String, RevocationError> {
    let unreadable = |source| RevocationError::Unreadable { path: path.into(), source };
    regular_file::read_text(path, MAX_REVOCATION_LIST).map_err(unreadable)
}

/// Empty if there is no file yet.
fn text_if_any(path: &Path) -> Result<String, RevocationError> {
    match text(path) {
        Err(RevocationError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(String::new())
        }
        text => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revoked_line_names_what_it_is_about() {
        let revoked =
            RevocationList::parse("# gone\njti: a-1\n\n sub : alice \nclient_id:agent:7\n").unwrap();
        let reject = |principal: Principal| revoked.reject(&principal);
        let (alice, agent) = (
            Principal { subject: "alice".into(), ..Principal::default() },
            Principal { client_id: Some("agent:7".into()), ..Principal::default() },
        );
        assert_eq!(
            (reject(alice), reject(agent)),
            (Some(TokenError::CallerRevoked), Some(TokenError::CallerRevoked))
        );
        let mut principal = Principal::default();
        assert_eq!(revoked.reject(&principal), None);
        principal.claims.insert("jti".into(), "a-1".into());
        assert_eq!(revoked.reject(&principal), Some(TokenError::Revoked));
        for (text, line) in [("alice", 1), ("# x\nuser: alice", 2), ("jti:", 1)] {
            assert_eq!(RevocationList::parse(text), Err(line), "{text}");
        }
    }
}
