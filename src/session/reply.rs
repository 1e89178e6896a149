//! The answer to one message: the messages up to its response, over as many streams as that takes.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};

use super::channel::AnswerSource;
use super::link::Link;
use super::remote::{RemoteError, ServerAnswer};
use crate::mcp::jsonrpc::Message;
use crate::mcp::sse::SseEvent;
use crate::sys::http::HttpError;

/// The first and the longest pause before a stream is reopened; a server's own `retry` replaces the first.
pub(super) const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How often a broken stream is resumed without a single new event.
const RESUMPTIONS: u32 = 5;

/// The answer to one message.
pub struct Reply<'s> {
    link: &'s Link,
    /// The HTTP status of the answer to it.
    pub status: u16,
    /// The headers of that answer.
    pub headers: HeaderMap,
    from: AnswerSource,
    place: StreamCursor,
    is_modern: bool,
}

/// The position in a stream.
#[derive(Default)]
pub(super) struct StreamCursor {
    pub(super) last: Option<HeaderValue>,
    pause: Option<Duration>,
    /// How often it was resumed since its last new event.
    idle: u32,
}

impl<'s> Reply<'s> {
    pub(super) fn new(link: &'s Link, message: &Message, from: AnswerSource) -> Self {
        let (status, headers) = match &from {
            AnswerSource::Here(answer) => (answer.status, answer.headers.clone()),
            AnswerSource::Channel(_) => (202, HeaderMap::new()),
        };
        Self { link, status, headers, from, place: StreamCursor::default(), is_modern: message.is_modern() }
    }

    /// Whether the status is a success.
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the response comes on a stream, possibly late.
    pub fn is_stream(&self) -> bool {
        match &self.from {
            AnswerSource::Here(answer) => answer.is_stream(),
            AnswerSource::Channel(_) => true,
        }
    }

    /// The HTTP answer that contains it, unless it comes on the stream of the older transport.
    pub(super) fn into_answer(self) -> Option<Box<ServerAnswer>> {
        match self.from {
            AnswerSource::Here(answer) => Some(answer),
            AnswerSource::Channel(_) => None,
        }
    }

    /// The next message that belongs to it. `None` at the end, which need not be awaited once the response has come.
    pub async fn next(&mut self) -> Result<Option<String>, RemoteError> {
        loop {
            let answer = match &mut self.from {
                AnswerSource::Here(answer) => answer,
                AnswerSource::Channel(waiting) => {
                    let Some(waiting) = waiting.take() else { return Ok(None) };
                    return waiting.await.unwrap_or(Err(RemoteError::Broken)).map(Some);
                }
            };
            match answer.next().await {
                Ok(Some(event)) => {
                    self.place.move_to(&event);
                    if event.is_message() {
                        return Ok(Some(event.data));
                    }
                    continue;
                }
                Ok(None) if !self.is_resumable() => return Ok(None),
                Err(error) if !self.is_resumable() || matches!(error, HttpError::TooLarge { .. }) => {
                    return Err(error.into());
                }
                Ok(None) | Err(_) => {}
            }
            self.resume().await?;
        }
    }

    /// 2025-11-25, "Resumability and Redelivery": a stream whose events have ids can be resumed.
    fn is_resumable(&self) -> bool {
        !self.is_modern && self.is_good() && self.place.last.is_some() && self.place.idle < RESUMPTIONS
    }

    /// Resumes the stream after its last event, and after its own pause.
    async fn resume(&mut self) -> Result<(), RemoteError> {
        self.link.aside.note("the stream ended early; resuming it");
        self.place.idle += 1;
        tokio::time::sleep(self.place.pause.unwrap_or(PAUSES.0)).await;
        let answer = self.link.open_stream(self.place.last.clone()).await?;
        if !answer.is_good() || !answer.is_stream() {
            return Err(RemoteError::Broken);
        }
        self.from = AnswerSource::Here(Box::new(answer));
        Ok(())
    }
}

impl StreamCursor {
    pub(super) fn move_to(&mut self, event: &SseEvent) {
        if let Some(id) = &event.id {
            let id = HeaderValue::try_from(id.as_str()).ok().filter(|id| !id.is_empty());
            if id != self.last {
                (self.last, self.idle) = (id, 0);
            }
        }
        self.pause = event.pause().or(self.pause);
    }
}
