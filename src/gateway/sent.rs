//! The head of the request that was last written on a connection to a server, for one that has to be sent again elsewhere on
//! it: hyper gives headers back to nobody, and cloning them for every request costs more than copying bytes.
//! It leaves when that is, and where to, to `redirect` and `send`.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::rt::{Read, ReadBufCursor, Write};

/// What was written on one connection.
#[derive(Default)]
pub(super) struct Written {
    /// Whether the next bytes begin a request.
    begins: AtomicBool,
    head: Mutex<Vec<u8>>,
}

/// A connection whose requests' heads are noted.
pub(super) struct Noted<T> {
    io: T,
    written: Arc<Written>,
}

/// The headers of the request that an answer is for.
#[derive(Clone)]
pub(super) struct Sent(pub(super) HeaderMap);

/// As much as is kept allocated between two requests.
const USUAL: usize = 2048;
const END: &[u8] = b"\r\n\r\n";

impl Written {
    /// A request is about to be written.
    pub(super) fn begin(&self) {
        self.begins.store(true, Ordering::Relaxed);
    }

    /// The headers of the last request, if its head was written whole.
    pub(super) fn headers(&self) -> Option<Sent> {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = head.split(|byte| *byte == b'\n');
        // The request line: where it goes next is another place.
        lines.next().filter(|line| !line.is_empty())?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_at_checked(memchr::memchr(b':', line)?)?;
            let value = HeaderValue::from_bytes(value.get(1..)?.trim_ascii()).ok()?;
            headers.append(HeaderName::from_bytes(name).ok()?, value);
        }
        Some(Sent(headers))
    }

    fn note(&self, bytes: &[u8]) {
        if !self.begins.load(Ordering::Relaxed) || bytes.is_empty() {
            return;
        }
        self.begins.store(false, Ordering::Relaxed);
        let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        head.clear();
        head.shrink_to(USUAL);
        if let Some(end) = memchr::memmem::find(bytes, END) {
            head.extend_from_slice(bytes.get(..end).unwrap_or_default());
        }
    }
}

impl<T> Noted<T> {
    pub(super) fn new(io: T) -> (Self, Arc<Written>) {
        let written = Arc::<Written>::default();
        (Self { io, written: written.clone() }, written)
    }
}

impl<T: Read + Unpin> Read for Noted<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<T: Write + Unpin> Write for Noted<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.written.note(bytes);
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // hyper writes a head in one piece, and before anything else.
        self.written.note(parts.first().map_or(&[], |part| part));
        Pin::new(&mut self.io).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
