//! The audit's way out: each worker fills a buffer of its own, one thread writes. A request pays for a few hundred bytes of
//! memory; a line is written a tenth of a second later at most. It leaves what a line says to `record`.

use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use super::journal::Journal;
use crate::sys::clock;

/// A worker's end.
pub(crate) struct Ledger {
    page: Arc<Mutex<Page>>,
    to: Option<SyncSender<Vec<u8>>>,
}

/// The writing thread.
pub(crate) struct Writer {
    to: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Page {
    bytes: Vec<u8>,
    /// Whether somebody will turn it soon.
    due: bool,
    /// The second that `stamp` says, so that it is not spelled out for each line.
    second: i64,
    stamp: String,
}

const FULL: usize = 64 * 1024;
const SOON: Duration = Duration::from_millis(100);
/// Pages that wait for the writer. When they are full, requests wait too: what is allowed is written down, or is not
/// allowed.
const WAITING: usize = 16;

impl Writer {
    /// Starts the thread; with `on` false nothing is ever written.
    pub(crate) fn start(journal: Arc<dyn Journal>, on: bool) -> std::io::Result<Self> {
        if !on {
            return Ok(Self { to: None, thread: None });
        }
        let (to, from): (_, Receiver<Vec<u8>>) = sync_channel(WAITING);
        let write = move || from.iter().for_each(|lines| journal.audit(&lines));
        let thread = std::thread::Builder::new().name("audit".into()).spawn(write)?;
        Ok(Self { to: Some(to), thread: Some(thread) })
    }

    /// A worker's end.
    pub(crate) fn ledger(&self) -> Ledger {
        Ledger { page: Arc::default(), to: self.to.clone() }
    }
}

impl Drop for Writer {
    /// Waits until everything is written; the workers' ends are gone by then.
    fn drop(&mut self) {
        self.to = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Ledger {
    /// Writes `{"time":...,` and the members of `line`.
    pub(crate) fn write(&self, at: i64, line: &impl Serialize) {
        let Some(to) = &self.to else { return };
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        let Page { bytes, second, stamp, .. } = &mut *page;
        if *second != at || stamp.is_empty() {
            (*second, *stamp) = (at, clock::rfc3339(at));
        }
        let start = bytes.len();
        // Writing to a Vec does not fail, nor does a line of strings and numbers.
        let _ = write!(bytes, "{{\"time\":\"{stamp}\",");
        let members = bytes.len();
        if serde_json::to_writer(&mut *bytes, line).is_err() {
            bytes.truncate(start);
            return;
        }
        // The line's own brace goes: its members stand in this object.
        bytes.remove(members);
        bytes.push(b'\n');
        if bytes.len() >= FULL {
            let full = std::mem::take(bytes);
            drop(page);
            let _ = to.send(full);
        } else if !std::mem::replace(&mut page.due, true) {
            drop(page);
            self.turn_soon(to.clone());
        }
    }

    fn turn_soon(&self, to: SyncSender<Vec<u8>>) {
        let page = self.page.clone();
        let turn = async move {
            tokio::time::sleep(SOON).await;
            let mut page = page.lock().unwrap_or_else(PoisonError::into_inner);
            page.due = false;
            let bytes = std::mem::take(&mut page.bytes);
            drop(page);
            let _ = to.send(bytes);
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(turn);
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let page = std::mem::take(&mut *self.page.lock().unwrap_or_else(PoisonError::into_inner));
        if let (Some(to), false) = (&self.to, page.bytes.is_empty()) {
            let _ = to.send(page.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::operate::journal::Level;

    #[derive(Default)]
    struct Kept(Mutex<Vec<u8>>);

    impl Journal for Kept {
        fn audit(&self, lines: &[u8]) {
            self.0.lock().unwrap().extend_from_slice(lines);
        }

        fn event(&self, _: Level, _: &'static str, _: &str) {}
    }

    #[test]
    fn every_line_is_written_whole_and_in_order() {
        let kept = Arc::new(Kept::default());
        let writer = Writer::start(kept.clone(), true).unwrap();
        let ledger = writer.ledger();
        for n in 0..5_000_i64 {
            ledger.write(n / 1_000, &std::collections::BTreeMap::from([("n", n)]));
        }
        drop(ledger);
        drop(writer);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5_000);
        assert_eq!(lines[0], r#"{"time":"1970-01-01T00:00:00Z","n":0}"#);
        assert_eq!(lines[4_999], r#"{"time":"1970-01-01T00:00:04Z","n":4999}"#);
    }
}
