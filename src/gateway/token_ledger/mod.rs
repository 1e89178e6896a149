//! The ledger of vended tokens: one JSON object a line, in a file that several gateways and the command line share
//! under a lock. It knows which tokens there are, whose, and when they were last used, and never a token. Not here:
//! what is refused (see the list of the revoked).

mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

pub(super) use self::writer::LedgerWriter;
use super::authn::revocations::{RevocationError, RevocationList};
use crate::policy::Detail;
use crate::sys::private_file::{self, FileError};

/// One vended token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// What identifies it in the ledger, in the audit and when it is revoked.
    pub jti: String,
    /// Its owner's `sub`.
    pub owner: String,
    /// The owner's issuer.
    pub issuer: String,
    /// What people call the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The agent it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What it is for, in its owner's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The scopes it names.
    pub scope: String,
    /// The servers, methods and tools it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<Vec<Detail>>,
    /// `aud`.
    pub audience: Vec<String>,
    /// Seconds since 1970.
    pub issued_at: i64,
    /// The same.
    pub expires_at: i64,
    /// The minute of its last use, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<i64>,
}

/// The file.
#[derive(Clone, Debug)]
pub struct Ledger {
    path: PathBuf,
}

/// Why a token is not vended.
#[derive(Debug)]
pub(in crate::gateway) enum LedgerError {
    /// The owner has had as many as they may; the seconds to wait.
    TooMany(u64),
    /// The file cannot be read or written.
    File(FileError),
}

/// What a line says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Vended(Box<LedgerEntry>),
    Used { jti: String, at: i64 },
}

/// What the file says.
struct LedgerContent {
    entries: Vec<LedgerEntry>,
    /// How many lines say it.
    lines: usize,
    /// The last line has no end: its writer was killed.
    cut: bool,
}

/// How many tokens one owner is allowed in an hour.
const MOST: usize = 10;
/// The time they are counted in, and for which a token is remembered past its end.
const HOUR: i64 = 3600;
/// Lines that may be there in addition to two for each token before the file is written again.
const SPARE: usize = 100;

impl Ledger {
    /// The ledger in this file, which need not be there.
    pub fn at(path: &Path) -> Self {
        Self { path: path.into() }
    }

    /// Every token that has not been over for long, the oldest first.
    pub fn entries(&self) -> Result<Vec<LedgerEntry>, FileError> {
        Ok(self.read()?.entries)
    }

    /// Enters a token before it is given out.
    pub(super) fn enter(&self, entry: LedgerEntry) -> Result<(), LedgerError> {
        let _lock = self.lock().map_err(LedgerError::File)?;
        let mut content = self.read().map_err(LedgerError::File)?;
        let now = entry.issued_at;
        let is_theirs = |other: &&LedgerEntry| other.owner == entry.owner && other.issuer == entry.issuer;
        let mut times: Vec<i64> =
            content.entries.iter().filter(is_theirs).map(|other| other.issued_at).collect();
        times.retain(|at| now - at < HOUR);
        times.sort_unstable();
        if let Some(first) = times.len().checked_sub(MOST).and_then(|at| times.get(at)) {
            return Err(LedgerError::TooMany((first + HOUR - now).unsigned_abs().max(1)));
        }
        content.add(self, vec![Line::Vended(Box::new(entry))], now).map_err(LedgerError::File)
    }

    /// Notes last uses, each with its minute.
    pub(super) fn note(&self, uses: Vec<(String, i64)>, now: i64) -> Result<(), FileError> {
        let _lock = self.lock()?;
        let lines = uses.into_iter().map(|(jti, at)| Line::Used { jti, at }).collect();
        self.read()?.add(self, lines, now)
    }

    /// Puts tokens on the list of the revoked; how many were not on it.
    pub fn revoke(&self, list: &Path, token_ids: &[&str]) -> Result<usize, RevocationError> {
        let _lock = self.lock()?;
        RevocationList::add(list, token_ids)
    }

    /// Held while the file is changed.
    fn lock(&self) -> Result<File, FileError> {
        let path = self.path.with_extension("lock");
        let file = private_file::open_lock(&path)?;
        file.lock().map_err(|source| FileError::Io { path, source })?;
        Ok(file)
    }

    fn read(&self) -> Result<LedgerContent, FileError> {
        let text = private_file::read(&self.path)?.unwrap_or_default();
        let mut content =
            LedgerContent { entries: Vec::new(), lines: 0, cut: !(text.is_empty() || text.ends_with('\n')) };
        let mut places = HashMap::new();
        for line in text.lines() {
            content.lines += 1;
            match serde_json::from_str(line) {
                Ok(Line::Vended(entry)) => {
                    places.insert(entry.jti.clone(), content.entries.len());
                    content.entries.push(*entry);
                }
                Ok(Line::Used { jti, at }) => {
                    let place = places.get(&jti).and_then(|place| content.entries.get_mut(*place));
                    place.into_iter().for_each(|entry| entry.used_at = entry.used_at.max(Some(at)));
                }
                // A line that was cut off, or a later version's.
                Err(_) => {}
            }
        }
        Ok(content)
    }
}

impl LedgerContent {
    /// Writes further lines at the end, or everything again where most of what is there says nothing any more.
    fn add(&mut self, ledger: &Ledger, lines: Vec<Line>, now: i64) -> Result<(), FileError> {
        self.entries.retain(|entry| now < entry.expires_at.max(entry.issued_at) + HOUR);
        let kept = self.entries.len();
        if self.lines + lines.len() <= 2 * kept + SPARE {
            let before = if self.cut { "\n" } else { "" };
            return private_file::append(&ledger.path, &format!("{before}{}", written(&lines)));
        }
        let entries =
            std::mem::take(&mut self.entries).into_iter().map(Box::new).map(Line::Vended).chain(lines);
        private_file::write(&ledger.path, &written(&entries.collect::<Vec<_>>()))
    }
}

fn written(lines: &[Line]) -> String {
    let lines = lines.iter().filter_map(|line| serde_json::to_string(line).ok());
    lines.map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(jti: &str, owner: &str, issued_at: i64) -> LedgerEntry {
        LedgerEntry {
            jti: jti.into(),
            owner: owner.into(),
            issuer: "i".into(),
            user: None,
            agent: Some("agent".into()),
            description: None,
            scope: "s".into(),
            authorization_details: None,
            audience: vec!["g".into()],
            issued_at,
            expires_at: issued_at + 60,
            used_at: None,
        }
    }

    fn ledger(dir: &tempfile::TempDir) -> Ledger {
        Ledger::at(&dir.path().join("vended.jsonl"))
    }

    #[test]
    fn a_person_has_ten_an_hour_whichever_gateway_is_asked() {
        let dir = tempfile::tempdir().unwrap();
        for place in 0..10 {
            ledger(&dir).enter(entry(&place.to_string(), "alice", 1000 + 10 * place)).unwrap();
        }
        let seconds = |owner: &str, now| match ledger(&dir).enter(entry("more", owner, now)) {
            Err(LedgerError::TooMany(seconds)) => seconds,
            other => panic!("{other:?}"),
        };
        assert_eq!((seconds("alice", 1100), seconds("alice", 4599)), (3500, 1));
        ledger(&dir).enter(entry("bob", "bob", 1100)).unwrap();
        ledger(&dir).enter(entry("next", "alice", 4600)).unwrap();
        assert_eq!(seconds("alice", 4600), 10);
    }

    #[test]
    fn uses_and_ends_are_kept_and_the_file_stays_small() {
        let dir = tempfile::tempdir().unwrap();
        ledger(&dir).enter(entry("old", "alice", 0)).unwrap();
        ledger(&dir).enter(entry("new", "alice", 10_000)).unwrap();
        for minute in 0..1000 {
            ledger(&dir).note(vec![("new".into(), 60 * minute), ("gone".into(), 0)], 10_000).unwrap();
        }
        let entries = ledger(&dir).entries().unwrap();
        assert_eq!(entries, [LedgerEntry { used_at: Some(59_940), ..entry("new", "alice", 10_000) }]);
        let text = private_file::read(&dir.path().join("vended.jsonl")).unwrap().unwrap();
        assert!(text.lines().count() <= 2 + SPARE, "{}", text.lines().count());
    }

    #[test]
    fn a_line_that_was_cut_off_spoils_no_other() {
        let dir = tempfile::tempdir().unwrap();
        ledger(&dir).enter(entry("one", "alice", 10)).unwrap();
        private_file::append(&dir.path().join("vended.jsonl"), "{\"vended\":{\"jti\":\"tw").unwrap();
        ledger(&dir).enter(entry("three", "alice", 20)).unwrap();
        let names: Vec<String> = ledger(&dir).entries().unwrap().into_iter().map(|entry| entry.jti).collect();
        assert_eq!(names, ["one", "three"]);
    }
}
