//! The audit's output: each worker fills its own buffer, one thread writes, and no worker waits for it. A request
//! costs a few hundred bytes of memory; a line is written after at most a tenth of a second. Not here: the content of
//! a line (see `request_log`); where it goes (see the journal).
//!
//! A line is promised before its request is handled: there is room for it in memory, and the last write did not fail.
//! From then on it is kept until it is written. If no line can be promised, the request is refused or continues
//! without its line, as configured.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use memchr::memchr_iter;
use prometheus_client::metrics::counter::Counter;
use serde::Serialize;
use tracing::{info, warn};

use super::audit_sink::AuditSink;
use crate::gateway::settings::AuditFailure;
use crate::log::heard;
use crate::sys::clock;
use crate::text;

/// Whether lines can be promised: set by the writing thread, read by the workers.
#[derive(Debug, Default)]
pub(crate) struct AuditCapacity {
    /// Bytes that were handed over and are not written yet.
    waiting: AtomicUsize,
    /// The last write failed.
    failing: AtomicBool,
    /// The gateway is about to end: what cannot be written now is lost.
    ending: AtomicBool,
    continues: bool,
    /// Counts of failed writes, and of decisions without a line.
    pub(crate) failures: Counter,
    pub(crate) lost: Counter,
}

/// A worker's end of the buffer; by default of none that is written.
#[derive(Default)]
pub(crate) struct AuditBuffer {
    page: Arc<Mutex<AuditPage>>,
    to: Option<Sender<Vec<u8>>>,
    promise: Arc<AuditCapacity>,
}

/// The writing thread.
pub(crate) struct AuditWriter {
    to: Option<Sender<Vec<u8>>>,
    promise: Arc<AuditCapacity>,
    /// The thread, and notice of its end.
    thread: Option<(Thread, Mutex<Receiver<()>>)>,
}

#[derive(Default)]
struct AuditPage {
    bytes: Vec<u8>,
    /// Whether the page will be handed over soon anyway.
    due: bool,
    /// The second that `stamp` represents, so that it is not formatted for each line.
    second: i64,
    stamp: String,
}

/// The state of the writing thread.
struct WriterState {
    journal: Arc<dyn AuditSink>,
    promise: Arc<AuditCapacity>,
    /// When a failure was last reported.
    said: Option<Instant>,
    /// Lines that will never be written.
    lost: usize,
}

const FULL: usize = 64 * 1024;
const SOON: Duration = Duration::from_millis(100);
/// The most that waits for a slow or failing file, in bytes; each request in flight may add a line.
const MAX_PENDING_BYTES: usize = 8 << 20;
/// How soon a failed write is retried, and how often it is reported.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);
const SAY: Duration = Duration::from_secs(60);
/// How long the gateway's shutdown may wait for the last lines.
const LAST: Duration = Duration::from_secs(5);

impl AuditCapacity {
    pub(crate) fn new(failure: AuditFailure) -> Self {
        Self { continues: failure == AuditFailure::Continue, ..Self::default() }
    }

    /// Whether a request without a promised line is refused.
    pub(crate) fn refuses(&self) -> bool {
        !self.continues
    }

    /// Whether a line that starts now will be written.
    pub(crate) fn holds(&self) -> bool {
        let failing = || !self.continues && self.failing.load(Ordering::Relaxed);
        self.waiting.load(Ordering::Relaxed) < MAX_PENDING_BYTES && !failing()
    }
}

impl AuditWriter {
    /// Starts the thread; with `on` false nothing is ever written.
    pub(crate) fn start(
        journal: Arc<dyn AuditSink>,
        promise: Arc<AuditCapacity>,
        on: bool,
    ) -> io::Result<Self> {
        let mut writer = Self { to: None, promise: promise.clone(), thread: None };
        if on {
            let (to, from) = channel::<Vec<u8>>();
            let (ends, ended) = channel();
            let mut pen = WriterState { journal, promise, said: None, lost: 0 };
            let write = move || {
                from.iter().for_each(|page| pen.write(&page));
                pen.end();
                let _ = ends.send(());
            };
            let thread = std::thread::Builder::new().name("audit".into()).spawn(heard(write))?;
            writer.to = Some(to);
            writer.thread = Some((thread.thread().clone(), Mutex::new(ended)));
        }
        Ok(writer)
    }

    /// A worker's end of the buffer.
    pub(crate) fn ledger(&self) -> AuditBuffer {
        AuditBuffer { page: Arc::default(), to: self.to.clone(), promise: self.promise.clone() }
    }
}

impl Drop for AuditWriter {
    /// Waits until everything is written that can be; the workers' ends are gone by then.
    fn drop(&mut self) {
        self.promise.ending.store(true, Ordering::Relaxed);
        self.to = None;
        let Some((thread, ended)) = self.thread.take() else { return };
        thread.unpark();
        let ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
        if ended.recv_timeout(LAST).is_err() {
            warn!(event = "audit", "the last lines could not be written in time and are lost");
        }
    }
}

impl WriterState {
    /// Writes a page, retrying as often as needed, until the gateway ends.
    fn write(&mut self, page: &[u8]) {
        let mut rest = page;
        while !rest.is_empty() {
            match self.journal.audit(rest) {
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    self.promise.waiting.fetch_sub(written, Ordering::Relaxed);
                    if written > 0 && self.promise.failing.swap(false, Ordering::Relaxed) {
                        self.said = None;
                        info!(event = "audit", "writing works again");
                    }
                }
                Err(error) => {
                    self.failed(&error);
                    if self.promise.ending.load(Ordering::Relaxed) {
                        return self.lose(rest);
                    }
                    std::thread::park_timeout(RETRY_INTERVAL);
                }
            }
        }
    }

    fn failed(&mut self, error: &io::Error) {
        self.promise.failing.store(true, Ordering::Relaxed);
        self.promise.failures.inc();
        if self.said.is_some_and(|said| said.elapsed() < SAY) {
            return;
        }
        self.said = Some(Instant::now());
        let then = if self.promise.refuses() {
            "requests are refused until lines can be written again"
        } else {
            "requests continue; lines are lost when too many wait"
        };
        warn!(event = "audit", "{error}; {then}");
    }

    fn lose(&mut self, rest: &[u8]) {
        let lines = memchr_iter(b'\n', rest).count();
        self.promise.lost.inc_by(lines as u64);
        self.lost += lines;
    }

    fn end(&self) {
        if self.lost > 0 {
            warn!(event = "audit", "{} lines were never written", self.lost);
        }
    }
}

impl AuditBuffer {
    /// Whether a request that starts now has a promised line.
    pub(crate) fn promises(&self) -> bool {
        self.to.is_none() || self.promise.holds()
    }

    /// Whether lines are written at all.
    pub(crate) fn is_on(&self) -> bool {
        self.to.is_some()
    }

    /// A decision was made without a promised line.
    pub(crate) fn lost(&self) {
        self.promise.lost.inc();
    }

    /// Writes `{"time":...,` and the members of `line`.
    pub(crate) fn write(&self, at: i64, line: &impl Serialize) {
        let Some(to) = &self.to else { return };
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        let AuditPage { bytes, second, stamp, .. } = &mut *page;
        if *second != at || stamp.is_empty() {
            (*second, *stamp) = (at, clock::rfc3339(at));
        }
        let start = bytes.len();
        // Writing to a Vec does not fail.
        let _ = write!(bytes, "{{\"time\":\"{stamp}\",");
        let members = bytes.len();
        if serde_json::to_writer(&mut *bytes, line).is_err() {
            // Serializing strings and numbers does not fail either; a decision without a line is counted
            // nevertheless.
            bytes.truncate(start);
            return self.lost();
        }
        // Without the line's own brace: its members become part of this object.
        bytes.remove(members);
        plain(bytes, start);
        bytes.push(b'\n');
        if bytes.len() >= FULL {
            let full = std::mem::take(bytes);
            drop(page);
            hand_over(to, &self.promise, full);
        } else if !std::mem::replace(&mut page.due, true) {
            drop(page);
            self.turn_soon(to.clone());
        }
    }

    fn turn_soon(&self, to: Sender<Vec<u8>>) {
        let (page, promise) = (self.page.clone(), self.promise.clone());
        let turn = async move {
            tokio::time::sleep(SOON).await;
            let mut page = page.lock().unwrap_or_else(PoisonError::into_inner);
            page.due = false;
            let bytes = std::mem::take(&mut page.bytes);
            drop(page);
            hand_over(&to, &promise, bytes);
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(turn);
        }
    }
}

/// Hands a page to the writing thread, without waiting.
fn hand_over(to: &Sender<Vec<u8>>, promise: &AuditCapacity, page: Vec<u8>) {
    promise.waiting.fetch_add(page.len(), Ordering::Relaxed);
    // It ends with its last sender, not before.
    let _ = to.send(page);
}

/// Names come from outside: from `start` on, characters that are not printable become JSON escapes. Almost no line
/// has one.
fn plain(bytes: &mut Vec<u8>, start: usize) {
    let line = bytes.get(start..).unwrap_or_default();
    // Without an early end, so that many bytes are looked at together.
    if line.iter().fold(true, |all, byte| all & matches!(byte, b' '..=b'~')) {
        return;
    }
    let visible = std::str::from_utf8(line).map(text::visible_json).unwrap_or_default();
    bytes.truncate(start);
    bytes.extend_from_slice(visible.as_bytes());
}

impl Drop for AuditBuffer {
    fn drop(&mut self) {
        let page = std::mem::take(&mut *self.page.lock().unwrap_or_else(PoisonError::into_inner));
        if let (Some(to), false) = (&self.to, page.bytes.is_empty()) {
            hand_over(to, &self.promise, page.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tracing::dispatcher::with_default;
    use tracing::level_filters::LevelFilter;

    use super::*;
    use crate::log::listen;

    #[derive(Default)]
    struct PendingLine {
        lines: Mutex<Vec<u8>>,
        full: AtomicBool,
    }

    impl AuditSink for PendingLine {
        /// One row at a time.
        fn audit(&self, lines: &[u8]) -> io::Result<usize> {
            if self.full.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let row = lines.iter().position(|byte| *byte == b'\n').map_or(lines.len(), |end| end + 1);
            self.lines.lock().unwrap().extend_from_slice(&lines[..row]);
            Ok(row)
        }
    }

    impl PendingLine {
        fn rows(&self) -> Vec<String> {
            let text = String::from_utf8(self.lines.lock().unwrap().clone()).unwrap();
            text.lines().map(str::to_owned).collect()
        }
    }

    fn line(n: i64) -> BTreeMap<&'static str, i64> {
        BTreeMap::from([("n", n)])
    }

    fn until(is: impl Fn() -> bool) {
        while !is() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn every_line_is_written_whole_and_in_order() {
        let kept = Arc::new(PendingLine::default());
        let writer = AuditWriter::start(kept.clone(), Arc::default(), true).unwrap();
        let ledger = writer.ledger();
        for n in 0..5_000_i64 {
            ledger.write(n / 1_000, &line(n));
        }
        drop(ledger);
        drop(writer);
        let rows = kept.rows();
        assert_eq!(rows.len(), 5_000);
        assert_eq!(rows[0], r#"{"time":"1970-01-01T00:00:00Z","n":0}"#);
        assert_eq!(rows[4_999], r#"{"time":"1970-01-01T00:00:04Z","n":4999}"#);
    }

    #[test]
    fn a_promised_line_is_kept_until_it_can_be_written_and_nothing_is_promised_meanwhile() {
        for (failure, promises) in [(AuditFailure::Refuse, false), (AuditFailure::Continue, true)] {
            let kept = Arc::new(PendingLine::default());
            kept.full.store(true, Ordering::Relaxed);
            let promise = Arc::new(AuditCapacity::new(failure));
            let said = Arc::new(AtomicUsize::new(0));
            let heard = said.clone();
            let listener = listen(LevelFilter::WARN, move |_| {
                heard.fetch_add(1, Ordering::Relaxed);
            });
            let start = || AuditWriter::start(kept.clone(), promise.clone(), true).unwrap();
            let writer = with_default(&listener, start);
            drop({
                let ledger = writer.ledger();
                assert!(ledger.promises());
                ledger.write(0, &line(1));
                ledger
            });
            until(|| promise.failures.get() > 1);
            let ledger = writer.ledger();
            assert_eq!(ledger.promises(), promises);
            assert_eq!(said.load(Ordering::Relaxed), 1, "once a minute");
            kept.full.store(false, Ordering::Relaxed);
            until(|| !promise.failing.load(Ordering::Relaxed));
            assert!(ledger.promises());
            ledger.write(0, &line(2));
            drop(ledger);
            drop(writer);
            assert_eq!((kept.rows().len(), promise.waiting.load(Ordering::Relaxed)), (2, 0));
        }
    }

    #[test]
    fn what_waits_is_bounded_and_an_end_waits_for_nothing_that_fails() {
        let kept = Arc::new(PendingLine::default());
        kept.full.store(true, Ordering::Relaxed);
        let promise = Arc::new(AuditCapacity::new(AuditFailure::Continue));
        let writer = AuditWriter::start(kept.clone(), promise.clone(), true).unwrap();
        let ledger = writer.ledger();
        let mut written = 0;
        while ledger.promises() {
            ledger.write(0, &line(written));
            written += 1;
        }
        assert!(written < 400_000, "{written}");
        drop(ledger);
        drop(writer);
        assert_eq!(promise.lost.get() as i64, written, "each is counted");
    }

    #[test]
    fn others_text_is_written_so_that_it_shows() {
        let kept = Arc::new(PendingLine::default());
        let writer = AuditWriter::start(kept.clone(), Arc::default(), true).unwrap();
        let odd = "\u{0}\u{1b}[31m\u{7f}\u{85}\u{9b}\u{200b}\u{202e}\u{2028}\u{2029}\u{2066}\u{feff}\u{e0041}\r\n\"ä漢";
        let ledger = writer.ledger();
        ledger.write(0, &BTreeMap::from([("name", odd)]));
        ledger.write(0, &BTreeMap::from([("name", "plain")]));
        drop(ledger);
        drop(writer);
        let rows = kept.rows();
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|row| text::is_all_plain(row)), "{rows:?}");
        let read: BTreeMap<String, String> = serde_json::from_str(&rows[0]).unwrap();
        assert_eq!(read["name"], odd);
    }
}
