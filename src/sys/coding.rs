//! Content codings (RFC 9110 section 8.4.1): which an answer has, and its body without them.

use std::error::Error;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_compression::tokio::bufread::{
    BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder,
};
use bytes::{Buf as _, Bytes};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame};
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use tokio::io::{AsyncBufRead, AsyncRead, BufReader, ReadBuf};

/// What is said of ourselves in `Accept-Encoding`.
pub const ACCEPTED: &str = "gzip, br, zstd, deflate";

/// A coding that can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `gzip`, or `x-gzip` (RFC 9110 section 8.4.1.3).
    Gzip,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstd,
    /// `deflate`, in zlib's format or, as some servers send it, without zlib's header and checksum.
    Deflate,
}

/// A body without its codings, as it comes.
pub struct Decoded(Reading);

/// An answer's body, without its codings where they are known.
pub struct Flow(Inner);

type Reading = Pin<Box<dyn AsyncBufRead + Send + Sync>>;

enum Inner {
    Plain(Response),
    Coded(Decoded),
}

/// A body as it comes, for a decoder: what of it is not read yet.
struct Source<B> {
    body: B,
    come: Bytes,
}

/// A body with the coding `deflate`: its first byte says in which format it is.
enum Inflated {
    Unread(Reading),
    Read(Pin<Box<dyn AsyncRead + Send + Sync>>),
}

/// More in a row than anybody applies; each costs memory.
const MOST: usize = 4;

/// The codings of a body, in the order in which they were applied: names in any case, on one line or several. `None` if one is
/// unknown, or if there are more than four.
pub fn of(headers: &HeaderMap) -> Option<Vec<Coding>> {
    let mut found = Vec::new();
    for line in headers.get_all(CONTENT_ENCODING) {
        for name in line.to_str().ok()?.split(',') {
            let coding = match name.trim().to_ascii_lowercase().as_str() {
                "" | "identity" => continue,
                "gzip" | "x-gzip" => Coding::Gzip,
                "br" => Coding::Brotli,
                "zstd" => Coding::Zstd,
                "deflate" => Coding::Deflate,
                _ => return None,
            };
            found.push(coding);
        }
    }
    (found.len() <= MOST).then_some(found)
}

/// The body before these codings were applied. Its errors are the body's own, inside of an [`io::Error`], or the decoder's.
pub fn undo<B>(body: B, codings: &[Coding]) -> Decoded
where
    B: Body<Data = Bytes> + Send + Sync + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let body: Reading = Box::pin(Source { body, come: Bytes::new() });
    Decoded(codings.iter().rev().fold(body, |body, coding| match coding {
        Coding::Gzip => {
            let mut decoder = GzipDecoder::new(body);
            decoder.multiple_members(true);
            buffered(decoder)
        }
        Coding::Brotli => buffered(BrotliDecoder::new(body)),
        Coding::Zstd => {
            let mut decoder = ZstdDecoder::new(body);
            decoder.multiple_members(true);
            buffered(decoder)
        }
        Coding::Deflate => buffered(Inflated::Unread(body)),
    }))
}

impl Flow {
    /// The body of an answer.
    pub fn of(answer: Response) -> Self {
        match of(answer.headers()) {
            Some(codings) if !codings.is_empty() => {
                Self(Inner::Coded(undo(reqwest::Body::from(answer), &codings)))
            }
            _ => Self(Inner::Plain(answer)),
        }
    }

    /// Whether it is another one than came.
    pub fn is_decoded(&self) -> bool {
        matches!(self.0, Inner::Coded(_))
    }

    /// The next part; `None` at its end.
    ///
    /// # Errors
    /// The connection's, as a [`reqwest::Error`] inside, or the decoder's.
    pub async fn chunk(&mut self) -> io::Result<Option<Bytes>> {
        match &mut self.0 {
            Inner::Plain(answer) => answer.chunk().await.map_err(io::Error::other),
            Inner::Coded(body) => {
                let frame = body.frame().await.transpose()?;
                Ok(frame.and_then(|frame| frame.into_data().ok()))
            }
        }
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a body")
    }
}

impl Body for Decoded {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let part = ready!(self.0.as_mut().poll_fill_buf(context)).map(Bytes::copy_from_slice);
        if let Ok(part) = &part {
            self.0.as_mut().consume(part.len());
        }
        Poll::Ready(match part {
            Ok(part) if part.is_empty() => None,
            part => Some(part.map(Frame::data)),
        })
    }
}

impl<B> AsyncRead for Source<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let part = ready!(self.as_mut().poll_fill_buf(context))?;
        let most = part.len().min(into.remaining());
        into.put_slice(part.get(..most).unwrap_or_default());
        self.consume(most);
        Poll::Ready(Ok(()))
    }
}

impl<B> AsyncBufRead for Source<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let source = self.get_mut();
        while source.come.is_empty() {
            match ready!(Pin::new(&mut source.body).poll_frame(context)) {
                Some(frame) => {
                    source.come = frame.map_err(io::Error::other)?.into_data().unwrap_or_default();
                }
                None => break,
            }
        }
        Poll::Ready(Ok(&source.come))
    }

    fn consume(mut self: Pin<&mut Self>, most: usize) {
        let most = most.min(self.come.len());
        self.come.advance(most);
    }
}

impl AsyncRead for Inflated {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Self::Unread(body) = this {
            let first = ready!(body.as_mut().poll_fill_buf(context))?.first().copied();
            // Zlib's format begins with its method, 8 (RFC 1950 section 2.2). No encoder begins a raw stream like that: it
            // would be a stored block with a bit set in its padding (RFC 1951 section 3.2.4).
            let is_zlib = first.is_none_or(|first| first & 0x0f == 8);
            let body = std::mem::replace(body, Box::pin(tokio::io::empty()));
            *this = Self::Read(if is_zlib {
                Box::pin(ZlibDecoder::new(body))
            } else {
                Box::pin(DeflateDecoder::new(body))
            });
        }
        match this {
            Self::Read(body) => body.as_mut().poll_read(context, into),
            Self::Unread(_) => Poll::Ready(Ok(())),
        }
    }
}

fn buffered(decoder: impl AsyncRead + Send + Sync + 'static) -> Reading {
    Box::pin(BufReader::new(decoder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(lines: &[&'static str]) -> Option<Vec<Coding>> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CONTENT_ENCODING, (*line).parse().unwrap());
        }
        of(&headers)
    }

    #[test]
    fn codings_are_known_by_any_spelling_and_in_their_order() {
        use Coding::{Brotli, Deflate, Gzip, Zstd};
        for (lines, expected) in [
            (&[][..], Some(vec![])),
            (&[""], Some(vec![])),
            (&["identity"], Some(vec![])),
            (&["Identity, GZIP"], Some(vec![Gzip])),
            (&["x-gzip"], Some(vec![Gzip])),
            (&["X-GZip"], Some(vec![Gzip])),
            (&["gzip, br"], Some(vec![Gzip, Brotli])),
            (&["gzip", "br"], Some(vec![Gzip, Brotli])),
            (&["deflate ,, ZSTD ", "identity"], Some(vec![Deflate, Zstd])),
            (&["gzip,gzip,gzip,gzip"], Some(vec![Gzip; 4])),
            (&["gzip,gzip,gzip,gzip,gzip"], None),
            (&["compress"], None),
            (&["gzip, rot13"], None),
            (&["gzip;q=1"], None),
        ] {
            assert_eq!(named(lines), expected, "{lines:?}");
        }
    }
}
