//! Writes the ledger on a thread of its own: no request waits for a file on its own core.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::warn;

use super::{Ledger, LedgerEntry, LedgerError};
use crate::log::heard;
use crate::sys::clock;
use crate::sys::private_file::FileError;

/// The way to the thread that writes.
pub(in crate::gateway) struct LedgerWriter {
    jobs: Sender<LedgerJob>,
    /// How long a token waits for the file.
    patience: Duration,
}

enum LedgerJob {
    Enter(Box<LedgerEntry>, oneshot::Sender<Result<(), LedgerError>>),
    Used { jti: Box<str>, minute: i64 },
    End,
}

/// How long last uses are gathered before they are written.
const GATHERED: Duration = Duration::from_secs(1);
/// The longest life of a token, in seconds.
const DAY: i64 = 24 * 3600;

impl LedgerWriter {
    /// Starts the thread; it ends when it is told to, or with the last of these.
    ///
    /// # Errors
    /// The system's, if there is no thread to be had.
    pub(in crate::gateway) fn start(
        ledger: Ledger,
        patience: Duration,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (jobs, from) = channel();
        let thread =
            std::thread::Builder::new().name("ledger".into()).spawn(heard(move || write(&ledger, &from)))?;
        Ok((Self { jobs, patience }, thread))
    }

    /// Enters a token.
    pub(in crate::gateway) async fn enter(&self, entry: LedgerEntry) -> Result<(), LedgerError> {
        let (done, answer) = oneshot::channel();
        let _ = self.jobs.send(LedgerJob::Enter(Box::new(entry), done));
        match timeout(self.patience, answer).await {
            Ok(Ok(entered)) => entered,
            // It may still be entered; then it is one that nobody has.
            Ok(Err(_)) | Err(_) => Err(LedgerError::File(FileError::Io {
                path: "the ledger".into(),
                source: io::ErrorKind::TimedOut.into(),
            })),
        }
    }

    /// Notes that a token was used in this minute.
    pub(in crate::gateway) fn used(&self, jti: &str, minute: i64) {
        let _ = self.jobs.send(LedgerJob::Used { jti: jti.into(), minute });
    }

    /// Lets the thread write what it has, and end.
    pub(in crate::gateway) fn end(&self) {
        let _ = self.jobs.send(LedgerJob::End);
    }
}

/// The thread's work.
fn write(ledger: &Ledger, jobs: &Receiver<LedgerJob>) {
    // The minute in which each token was last used, as far as it was written.
    let mut noted: HashMap<Box<str>, i64> = HashMap::new();
    let mut waiting: HashMap<Box<str>, i64> = HashMap::new();
    let mut due = Instant::now();
    loop {
        let job = if waiting.is_empty() {
            jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            jobs.recv_timeout(due.saturating_duration_since(Instant::now()))
        };
        match job {
            // If the request has ended meanwhile, nobody has that token.
            Ok(LedgerJob::Enter(entry, done)) => drop(done.send(ledger.enter(*entry))),
            // Every core notes it.
            Ok(LedgerJob::Used { jti, minute }) => {
                if noted.get(&jti).is_none_or(|before| *before < minute) {
                    if waiting.is_empty() {
                        due = Instant::now() + GATHERED;
                    }
                    waiting.insert(jti, minute);
                }
            }
            Err(RecvTimeoutError::Timeout) => note(ledger, &mut waiting, &mut noted),
            Ok(LedgerJob::End) | Err(RecvTimeoutError::Disconnected) => {
                return note(ledger, &mut waiting, &mut noted);
            }
        }
    }
}

fn note(ledger: &Ledger, waiting: &mut HashMap<Box<str>, i64>, noted: &mut HashMap<Box<str>, i64>) {
    if waiting.is_empty() {
        return;
    }
    let now = clock::now();
    let uses = waiting.iter().map(|(jti, minute)| (jti.to_string(), *minute)).collect();
    if let Err(error) = ledger.note(uses, now) {
        warn!(event = "vending", "{error}; {}", error.hint());
    }
    noted.extend(waiting.drain());
    // No token is older.
    noted.retain(|_, minute| now - *minute < DAY);
}
