//! HTTP+SSE (MCP 2024-11-05), for servers that support nothing newer: one stream for all answers, and a second
//! address for the client's messages. Not here: when to try it (see `session`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use url::Url;

use super::access::{CredentialSource, NotificationSink};
use super::remote::{MAX_MESSAGE_BYTES, RemoteError, RemoteRequest, ServerAnswer};
use crate::mcp::Head;
use crate::mcp::jsonrpc::Message;
use crate::sys::http::{Http, HttpError};
use crate::sys::place;

/// How long a server may take to open the stream, and to name its address.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// An open stream.
pub(super) struct Channel {
    access: Arc<dyn CredentialSource>,
    endpoint: Url,
    waiting: AnswerWaiters,
    reader: AbortHandle,
}

/// The result of opening the stream.
pub(super) enum Connected {
    /// It is open.
    Open,
    /// It exists, but not for us.
    Refused(Box<ServerAnswer>),
    /// There is none.
    Nothing,
}

/// Where a message's answer comes.
pub(super) enum AnswerSource {
    /// The answer to the request that carried the message.
    Here(Box<ServerAnswer>),
    /// The stream of the older transport.
    Channel(Option<oneshot::Receiver<Result<String, RemoteError>>>),
}

/// The waiting requests, by the text of their id; `None` once the stream has ended.
#[derive(Clone)]
struct AnswerWaiters(Arc<Mutex<Promised>>);

type Promised = Option<BTreeMap<String, oneshot::Sender<Result<String, RemoteError>>>>;

impl Channel {
    /// Connects, if there is such a stream at the server's address, or at its neighbour `sse`.
    ///
    /// # Errors
    /// [`RemoteError::NoAccess`], and [`RemoteError::Elsewhere`] if its address is not the server's own.
    pub(super) async fn connect(
        http: &Http,
        access: &Arc<dyn CredentialSource>,
        aside: &Arc<dyn NotificationSink>,
    ) -> Result<(Connected, Option<Self>), RemoteError> {
        let mut found = Connected::Nothing;
        for at in places(&access.fresh().await?.url) {
            let request = RemoteRequest::listen(HeaderMap::new());
            let opened = request.send(http, &**access, |_| Some(at.clone()));
            let Ok(Ok((given, incoming))) = tokio::time::timeout(OPEN_TIMEOUT, opened).await else {
                continue;
            };
            let mut stream = ServerAnswer::new(incoming);
            if !stream.is_good() || !stream.is_stream() {
                if matches!((stream.status, &found), (401 | 403, Connected::Nothing)) {
                    found = Connected::Refused(Box::new(stream));
                }
                continue;
            }
            let named = tokio::time::timeout(OPEN_TIMEOUT, endpoint(&mut stream)).await;
            let Ok(Some(named)) = named else { continue };
            // Our credentials are for this server: it must not have them sent elsewhere.
            let endpoint =
                place::announced(stream.url(), &named, &given.within).ok_or(RemoteError::Elsewhere)?;
            let waiting = AnswerWaiters(Arc::new(Mutex::new(Some(BTreeMap::new()))));
            let reader = tokio::spawn(read(stream, waiting.clone(), aside.clone())).abort_handle();
            let channel = Self { access: access.clone(), endpoint, waiting, reader };
            return Ok((Connected::Open, Some(channel)));
        }
        Ok((found, None))
    }

    pub(super) fn is_open(&self) -> bool {
        self.waiting.lock().is_some()
    }

    /// Sends a message; its answer comes on the stream, unless the message itself is rejected.
    pub(super) async fn post(&self, http: &Http, message: &Message) -> Result<AnswerSource, RemoteError> {
        let id = message.request_id().map(ToString::to_string);
        let answer = match &id {
            Some(id) => {
                let (sender, answer) = oneshot::channel();
                self.waiting.lock().as_mut().ok_or(RemoteError::Broken)?.insert(id.clone(), sender);
                Some(answer)
            }
            None => None,
        };
        let request = RemoteRequest::post(HeaderMap::new(), message.text.clone());
        let sent = request.send(http, &*self.access, |_| Some(self.endpoint.clone())).await;
        match sent {
            // With any status: the specification has 202, and several servers send 200.
            Ok((_, incoming)) if (200..300).contains(&incoming.status) => {
                return Ok(AnswerSource::Channel(answer));
            }
            _ => {}
        }
        if let (Some(id), Some(waiting)) = (&id, self.waiting.lock().as_mut()) {
            waiting.remove(id);
        }
        sent.map(|(_, incoming)| AnswerSource::Here(Box::new(ServerAnswer::new(incoming))))
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl AnswerWaiters {
    fn lock(&self) -> MutexGuard<'_, Promised> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address itself, and the one where servers with both transports have the older one.
fn places(url: &Url) -> Vec<Url> {
    let mut places = vec![url.clone()];
    if let Some(base) = url.path().strip_suffix("/mcp") {
        let mut sse = url.clone();
        sse.set_path(&format!("{base}/sse"));
        places.push(sse);
    }
    places
}

/// The address in the stream's first event.
async fn endpoint(stream: &mut ServerAnswer) -> Option<String> {
    loop {
        let event = stream.next().await.ok()??;
        if event.name == "endpoint" {
            return Some(event.data);
        }
    }
}

/// Passes on the server's messages, each answer to its request, and at the end fails the open requests.
async fn read(mut stream: ServerAnswer, waiting: AnswerWaiters, aside: Arc<dyn NotificationSink>) {
    let mut is_too_large = false;
    loop {
        let event = match stream.next().await {
            Ok(Some(event)) if event.is_message() => event,
            Ok(Some(_)) => continue,
            Ok(None) => break,
            Err(error) => {
                is_too_large = matches!(error, HttpError::TooLarge { .. });
                break;
            }
        };
        let answered = Head::read(&event.data).and_then(|head| Some(head.answered()?.to_string()));
        let waits = answered.and_then(|id| waiting.lock().as_mut()?.remove(&id));
        match waits {
            // A cancelled request no longer waits.
            Some(waits) => drop(waits.send(Ok(event.data))),
            None if aside.hear(event.data).await => {}
            None => break,
        }
    }
    for unanswered in waiting.lock().take().into_iter().flat_map(BTreeMap::into_values) {
        let too_large = HttpError::TooLarge { host: "the server".into(), limit: MAX_MESSAGE_BYTES };
        let ending = if is_too_large { RemoteError::Http(too_large) } else { RemoteError::Broken };
        drop(unanswered.send(Err(ending)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_transport_is_looked_for_beside_the_newer() {
        for (url, expected) in [
            ("https://gw.test/a/mcp?x=1", vec!["https://gw.test/a/mcp?x=1", "https://gw.test/a/sse?x=1"]),
            ("https://gw.test/a/sse", vec!["https://gw.test/a/sse"]),
            ("https://gw.test/a", vec!["https://gw.test/a"]),
        ] {
            let found: Vec<String> = places(&Url::parse(url).unwrap()).into_iter().map(Into::into).collect();
            assert_eq!(found, expected);
        }
    }
}
