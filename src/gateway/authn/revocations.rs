//! The revocation list: what is rejected although its signature verifies, one entry per line. Not here: watching the file (see
//! `ops`); which tokens there are (see `token_ledger`).

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::jwt::TokenError;
use crate::gateway::settings::GatewaySettings;
use crate::policy::Principal;
use crate::sys::clock;
use crate::sys::private_file::{self, FileError, Keep};
use crate::sys::regular_file;
use crate::text::path_word;

/// Revoked tokens, by what identifies them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RevocationList {
    pub(in crate::gateway) token_ids: HashSet<String>,
    pub(in crate::gateway) subjects: HashSet<String>,
    pub(in crate::gateway) clients: HashSet<String>,
    /// Sessions of people at the pages.
    pub(in crate::gateway) sessions: HashSet<String>,
}

/// The file of the list. The gateway writes into it which of its own tokens and sessions were revoked, each with a comment that
/// says until when that matters.
#[derive(Clone, Debug)]
pub struct RevocationFile {
    path: PathBuf,
    /// The settings name none, so that it is the gateway's own. What an operator named may be mounted as a single file, and
    /// must not be replaced.
    is_own: bool,
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
/// How long a revocation matters, in seconds: no vended token and no session lasts longer than a day, and the clocks of gateways
/// that share the file may differ.
const LONGEST: i64 = 25 * 3600;
/// How many entries may be over before the list is written without them.
const SPARE: usize = 100;

impl RevocationFile {
    /// The one of these settings, if there is one.
    pub fn of(settings: &GatewaySettings) -> Option<Self> {
        let is_own = settings.revocation_list.is_none();
        settings.revocations().map(|path| Self { path, is_own })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; it is created with its first entry.
    ///
    /// # Errors
    /// [`RevocationError`].
    pub fn read(&self) -> Result<RevocationList, RevocationError> {
        RevocationList::of(&self.path, &text_if_any(&self.path)?)
    }

    /// Adds tokens; returns how many were not on the list.
    ///
    /// # Errors
    /// [`RevocationError`].
    pub fn add(&self, token_ids: &[&str]) -> Result<usize, RevocationError> {
        self.extend("jti", token_ids, clock::now(), |known, id| known.has(id))
    }

    /// The same for a session of the pages.
    ///
    /// # Errors
    /// [`RevocationError`].
    pub(in crate::gateway) fn add_session(&self, sid: &str) -> Result<usize, RevocationError> {
        self.extend("sid", &[sid], clock::now(), |known, sid| known.sessions.contains(sid))
    }

    fn extend(
        &self,
        kind: &str,
        values: &[&str],
        now: i64,
        has: impl Fn(&RevocationList, &str) -> bool,
    ) -> Result<usize, RevocationError> {
        // Held to the end, because another process may add or drop entries. A named list may lie where only the file may be
        // written; nobody drops entries from it.
        let lock = self.lock();
        let lock = if self.is_own { Some(lock?) } else { lock.ok() };
        let text = text_if_any(&self.path)?;
        let known = RevocationList::of(&self.path, &text)?;
        let new: Vec<&str> = values.iter().copied().filter(|value| !has(&known, value)).collect();
        let until = clock::rfc3339(now + LONGEST);
        let lines: String =
            new.iter().map(|value| format!("{kind}: {value}\n# {kind}: {value} until {until}\n")).collect();
        if new.is_empty() {
            return Ok(0);
        }
        let shorter = lock.as_ref().and_then(|_| {
            let kept = without_past(&text, now).filter(|_| self.is_own)?;
            private_file::write_through(&self.path, &format!("{kept}{lines}"), Keep::Mode).ok()
        });
        let before = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        match shorter {
            Some(()) => {}
            None => private_file::append(&self.path, &format!("{before}{lines}"))?,
        }
        Ok(new.len())
    }

    fn lock(&self) -> Result<File, RevocationError> {
        let path = self.path.with_extension("lock");
        let file = private_file::open_lock(&path)?;
        file.lock().map_err(|source| RevocationError::Unreadable { path, source })?;
        Ok(file)
    }
}

impl RevocationError {
    /// The remedy.
    pub fn hint(&self) -> String {
        match self {
            Self::Unwritable(error) => error.hint(),
            Self::Malformed { .. } => {
                "correct the line; a gateway that runs keeps its previous list until then".into()
            }
            Self::Unreadable { path, source } => match source.kind() {
                io::ErrorKind::NotFound => {
                    format!("make the file, even an empty one: touch {}", path_word(path))
                }
                io::ErrorKind::PermissionDenied => format!("let this user read {}", path.display()),
                _ => format!("put a text file in its place: {}", path.display()),
            },
        }
    }
}

impl RevocationList {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, RevocationError> {
        Self::of(path, &text(path)?)
    }

    fn of(path: &Path, text: &str) -> Result<Self, RevocationError> {
        Self::parse(text).map_err(|line| RevocationError::Malformed { path: path.into(), line })
    }

    /// Whether a token is on it.
    pub fn has(&self, token_id: &str) -> bool {
        self.token_ids.contains(token_id)
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

/// A list without the entries of which a comment says that they are over; `None` if these are few.
fn without_past(text: &str, now: i64) -> Option<String> {
    let (past, current): (Vec<_>, Vec<_>) =
        text.lines().filter_map(commented).partition(|(_, until)| *until < now);
    let entries = |all: Vec<(_, i64)>| all.into_iter().map(|(entry, _)| entry).collect::<HashSet<&str>>();
    // Some may have been revoked again.
    let past = &entries(past) - &entries(current);
    let is_kept = |line: &&str| !past.contains(commented(line).map_or(line.trim(), |(entry, _)| entry));
    (past.len() >= SPARE).then(|| text.lines().filter(is_kept).map(|line| format!("{line}\n")).collect())
}

/// The entry that a comment of the gateway's is about, and until when that matters.
fn commented(line: &str) -> Option<(&str, i64)> {
    let (entry, until) = line.strip_prefix("# ")?.rsplit_once(" until ")?;
    Some((entry, clock::parse(until.trim())?))
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

    #[test]
    fn entries_that_are_over_go_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let file = |is_own| RevocationFile { path: dir.path().join("revoked"), is_own };
        let add =
            |is_own, id: &str, now| file(is_own).extend("jti", &[id], now, RevocationList::has).unwrap();
        // By hand, and a comment of an earlier revocation of what is revoked again.
        let by_hand = "sub: eve\n# sub: eve until tomorrow\n# see below\njti: of-another-issuer\n# jti: next until 1970-01-01T00:00:00Z";
        private_file::write(&dir.path().join("revoked"), by_hand).unwrap();
        for n in 0..SPARE {
            assert_eq!(add(true, &format!("t{n}"), i64::try_from(n).unwrap()), 1);
        }
        let lines = || private_file::read(&dir.path().join("revoked")).unwrap().unwrap();
        let all = lines();
        // Not while one of them still matters, and not in a file that an operator named.
        for (is_own, id, now) in [(true, "next", LONGEST + 98), (false, "named", 2 * LONGEST)] {
            assert_eq!(add(is_own, id, now), 1);
            assert!(lines().starts_with(&all), "{id}");
        }
        assert_eq!(add(true, "t0", 2 * LONGEST), 0, "it is there already");
        assert_eq!(add(true, "last", 2 * LONGEST), 1);
        let list = file(true).read().unwrap();
        let expected: HashSet<String> =
            ["of-another-issuer", "next", "named", "last"].map(str::to_owned).into();
        assert_eq!((list.token_ids, list.subjects.contains("eve")), (expected, true));
        assert!(
            lines().starts_with("sub: eve\n# sub: eve until tomorrow\n# see below\njti: of-another"),
            "{}",
            lines()
        );
    }

    #[test]
    fn several_gateways_lose_no_entry_of_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let file = RevocationFile { path: dir.path().join("revoked"), is_own: true };
        for n in 0..SPARE {
            file.extend("jti", &[&format!("old-{n}")], 0, RevocationList::has).unwrap();
        }
        let ids: Vec<Vec<String>> =
            (0..4).map(|gateway| (0..10).map(|n| format!("{gateway}-{n}")).collect()).collect();
        std::thread::scope(|scope| {
            for ids in &ids {
                let file = &file;
                scope.spawn(move || {
                    for id in ids {
                        assert_eq!(file.extend("jti", &[id], 2 * LONGEST, RevocationList::has).unwrap(), 1);
                    }
                });
            }
        });
        assert_eq!(file.read().unwrap().token_ids, ids.into_iter().flatten().collect());
    }

    #[test]
    fn a_list_that_cannot_be_used_says_what_helps() {
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join("odd");
        private_file::write(&odd, "everybody").unwrap();
        let hint = |path: &Path| RevocationList::read(path).unwrap_err().hint();
        assert!(hint(&dir.path().join("none")).starts_with("make the file, even an empty one: touch "));
        assert!(hint(dir.path()).starts_with("put a text file in its place: "));
        assert!(hint(&odd).starts_with("correct the line"));
    }
}
