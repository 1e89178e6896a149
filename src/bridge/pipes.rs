//! The client's pipes: lines in, each at most as long as a message may be, and lines out, bounded in memory. Not
//! here: what a line means (see `stdio`).

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{self, AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::session::remote::{MAX_MESSAGE_BYTES, text_of};

/// How many lines may wait in each direction.
pub(super) const WAITING_LINES: usize = 64;
/// How many bytes they can hold together, unless a single line is larger.
const WAITING_BYTES: usize = 16 << 20;
/// Lines that are ready together are written together, up to this many bytes.
const TOGETHER: usize = 64 << 10;

/// A line from the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InputLine {
    /// The line, without its line end.
    Whole(String),
    /// Longer than [`MAX_MESSAGE_BYTES`]; its text was dropped.
    TooLong,
}

/// The client's input. Lines are read ahead, because only the end of input shows that the client disconnected.
pub(super) struct ClientInput<R> {
    reader: BufReader<R>,
    /// The line being read.
    line: Vec<u8>,
    too_long: bool,
    ahead: VecDeque<InputLine>,
    pub(super) ended: bool,
}

impl<R: AsyncRead + Unpin> ClientInput<R> {
    pub(super) fn new(input: R) -> Self {
        let reader = BufReader::with_capacity(64 << 10, input);
        Self { reader, line: Vec::new(), too_long: false, ahead: VecDeque::new(), ended: false }
    }

    pub(super) async fn next(&mut self) -> io::Result<Option<InputLine>> {
        match self.ahead.pop_front() {
            None if !self.ended => self.read().await,
            line => Ok(line),
        }
    }

    /// Waits for `work`; once the client's input has ended, for at most this long, and then not at all.
    pub(super) async fn wait_for(
        &mut self,
        work: impl Future<Output = ()>,
        last: Duration,
    ) -> io::Result<()> {
        let mut work = pin!(work);
        while !self.ended && self.has_room() {
            tokio::select! {
                biased;
                () = &mut work => return Ok(()),
                line = self.read() => match line? {
                    Some(line) => self.ahead.push_back(line),
                    None => self.ended = true,
                }
            }
        }
        if !self.ended {
            work.await;
        } else if tokio::time::timeout(last, work).await.is_err() {
            self.ahead.clear();
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        let size = |line: &InputLine| if let InputLine::Whole(text) = line { text.len() } else { 0 };
        self.ahead.len() < WAITING_LINES && self.ahead.iter().map(size).sum::<usize>() < WAITING_BYTES
    }

    /// Cancel-safe: the part of a line that has been read is kept.
    async fn read(&mut self) -> io::Result<Option<InputLine>> {
        loop {
            let chunk = self.reader.fill_buf().await?;
            let (end, used) = match memchr::memchr(b'\n', chunk) {
                Some(at) => (true, at + 1),
                None => (chunk.is_empty(), chunk.len()),
            };
            let is_last = chunk.is_empty();
            let part = chunk.get(..used).unwrap_or_default();
            if self.line.len() + part.len() > MAX_MESSAGE_BYTES {
                (self.too_long, self.line) = (true, Vec::new());
            }
            if !self.too_long {
                self.line.extend_from_slice(part);
            }
            self.reader.consume(used);
            if end {
                return Ok(self.line_ends(is_last));
            }
        }
    }

    fn line_ends(&mut self, is_last: bool) -> Option<InputLine> {
        let mut line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.too_long) {
            return Some(InputLine::TooLong);
        }
        if is_last && line.is_empty() {
            return None;
        }
        while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            line.pop();
        }
        Some(InputLine::Whole(text_of(line)))
    }
}

/// Sends lines to the client. Cheap to clone.
#[derive(Clone)]
pub(super) struct ClientOutput {
    lines: mpsc::Sender<(String, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
}

/// The lines that are ready.
pub(super) type ReadyLines = mpsc::Receiver<(String, OwnedSemaphorePermit)>;

impl ClientOutput {
    pub(super) fn new() -> (Self, ReadyLines) {
        let (lines, ready) = mpsc::channel(WAITING_LINES);
        (Self { lines, room: Arc::new(Semaphore::new(WAITING_BYTES)) }, ready)
    }

    /// Sends a line when there is room for it; `false` if nobody reads any longer.
    pub(super) async fn send(&self, line: String) -> bool {
        let size = u32::try_from(line.len().clamp(1, WAITING_BYTES)).unwrap_or(u32::MAX);
        let Ok(permit) = self.room.clone().acquire_many_owned(size).await else { return false };
        self.lines.send((line, permit)).await.is_ok()
    }
}

/// Writes lines as they become ready.
pub(super) async fn write(mut output: impl AsyncWrite + Unpin, mut ready: ReadyLines) -> io::Result<()> {
    while let Some((mut text, permit)) = ready.recv().await {
        let mut permits = vec![permit];
        text.push('\n');
        while text.len() < TOGETHER
            && let Ok((more, permit)) = ready.try_recv()
        {
            permits.push(permit);
            text.push_str(&more);
            text.push('\n');
        }
        output.write_all(text.as_bytes()).await?;
        output.flush().await?;
    }
    Ok(())
}

/// A message as one line: outside strings, line breaks in JSON are just white space.
pub(super) fn line(text: String) -> String {
    if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ") } else { text }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    async fn next(input: &mut ClientInput<&[u8]>) -> Option<String> {
        match input.next().await.unwrap()? {
            InputLine::Whole(text) => Some(text),
            InputLine::TooLong => Some("too long".into()),
        }
    }

    #[tokio::test]
    async fn what_is_read_before_its_turn_is_not_lost() {
        let mut input = ClientInput::new(&b"a\r\nb"[..]);
        let (done, is_done) = tokio::sync::oneshot::channel::<()>();
        let work = async move { is_done.await.unwrap() };
        let (waited, ()) = tokio::join!(input.wait_for(work, Duration::MAX), async move {
            tokio::task::yield_now().await;
            done.send(()).unwrap();
        });
        waited.unwrap();
        input.wait_for(ready(()), Duration::MAX).await.unwrap();
        assert_eq!(next(&mut input).await.as_deref(), Some("a"));
        assert_eq!(next(&mut input).await.as_deref(), Some("b"));
        assert_eq!(next(&mut input).await, None);
    }

    #[tokio::test]
    async fn a_client_that_has_gone_is_not_kept_by_a_server_that_never_answers() {
        let mut input = ClientInput::new(&b"a\n"[..]);
        input.wait_for(pending(), Duration::ZERO).await.unwrap();
        assert_eq!(next(&mut input).await, None, "nothing more is begun");
    }

    #[tokio::test]
    async fn a_client_that_says_much_is_read_no_further_than_it_must() {
        for text in ["x\n".repeat(2 * WAITING_LINES), format!("{}\n", "x".repeat(5 << 20)).repeat(8)] {
            let mut input = ClientInput::new(text.as_bytes());
            let (done, is_done) = tokio::sync::oneshot::channel::<()>();
            let work = async move { is_done.await.unwrap() };
            let (waited, ()) = tokio::join!(input.wait_for(work, Duration::ZERO), async move {
                tokio::task::yield_now().await;
                done.send(()).unwrap();
            });
            waited.unwrap();
            assert!(input.ahead.len() <= WAITING_LINES && !input.ended);
            assert!(!input.has_room() && (input.ahead.len() == WAITING_LINES || input.ahead.len() <= 4));
        }
    }

    #[tokio::test]
    async fn a_line_without_end_is_let_go_and_the_next_one_counts() {
        let text = format!("{}\nb\n", "x".repeat(MAX_MESSAGE_BYTES + 1));
        let mut input = ClientInput::new(text.as_bytes());
        assert_eq!(input.next().await.unwrap(), Some(InputLine::TooLong));
        assert!(input.line.capacity() <= 64 << 10, "what was read of it is gone");
        assert_eq!(next(&mut input).await.as_deref(), Some("b"));
        assert_eq!(next(&mut input).await, None);
    }

    #[tokio::test]
    async fn lines_wait_for_room() {
        let (output, mut ready) = ClientOutput::new();
        let line = || "x".repeat(WAITING_BYTES / 2 + 1);
        assert!(output.send(line()).await);
        let second = tokio::time::timeout(Duration::from_millis(10), output.send(line())).await;
        assert!(second.is_err(), "there is no room yet");
        drop(ready.recv().await);
        assert!(output.send(line()).await && output.send("y".into()).await);
    }
}
