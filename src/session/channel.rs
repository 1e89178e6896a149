//! HTTP+SSE (MCP 2024-11-05), for servers that speak nothing newer: one stream that answers everything, and an address
//! beside it for what the client says. It leaves when to try it to `session`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use url::Url;

use super::access::{CredentialSource, NotificationSink};
use super::remote::{LIMIT, RemoteError, RemoteRequest, ServerAnswer};
use crate::mcp::Head;
use crate::mcp::jsonrpc::Message;
use crate::sys::http::{Http, HttpError};
use crate::sys::place;

/// How long a server may take to open the stream, and to name its address.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open stream.
pub(super) struct Channel {
    access: Arc<dyn CredentialSource>,
    endpoint: Url,
    waiting: AnswerWaiters,
    reader: AbortHandle,
}

/// What an attempt to open the stream came to.
pub(super) enum Connected {
    /// It is open.
    Open,
    /// It is there, for others.
    Refused(Box<ServerAnswer>),
    /// There is none.
    Nothing,
}

/// What a message's answer comes on.
pub(super) enum AnswerSource {
    /// The answer to the request that carried the message.
    Here(Box<ServerAnswer>),
    /// The stream of the older transport.
    Channel(Option<oneshot::Receiver<Result<String, RemoteError>>>),
}

/// Who waits for which answer, by the text of its id; nothing once the stream has ended.
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
            let Ok(Ok((given, incoming))) = tokio::time::timeout(PATIENCE, opened).await else { continue };
            let mut stream = ServerAnswer::new(incoming);
            if !stream.is_good() || !stream.is_stream() {
                if matches!((stream.status, &found), (401 | 403, Connected::Nothing)) {
                    found = Connected::Refused(Box::new(stream));
                }
                continue;
            }
            let named = tokio::time::timeout(PATIENCE, endpoint(&mut stream)).await;
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

    /// Sends a message; its answer comes on the stream, unless the message itself is refused.
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
            // Whatever it says: 202 is what the specification has, and 200 what several servers send.
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

/// The address itself, and the one where servers of both transports have the older one.
fn places(url: &Url) -> Vec<Url> {
    let mut places = vec![url.clone()];
    if let Some(base) = url.path().strip_suffix("/mcp") {
        let mut beside = url.clone();
        beside.set_path(&format!("{base}/sse"));
        places.push(beside);
    }
    places
}

/// The address that the stream names.
async fn endpoint(stream: &mut ServerAnswer) -> Option<String> {
    loop {
        let event = stream.next().await.ok()??;
        if event.name == "endpoint" {
            return Some(event.data);
        }
    }
}

/// Passes on what the server says, each answer to whoever waits for it, and at the end answers what it did not.
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
            // Who took the request back does not wait any more.
            Some(waits) => drop(waits.send(Ok(event.data))),
            None if aside.hear(event.data).await => {}
            None => break,
        }
    }
    for unanswered in waiting.lock().take().into_iter().flat_map(BTreeMap::into_values) {
        let too_large = HttpError::TooLarge { host: "the server".into(), limit: LIMIT };
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
