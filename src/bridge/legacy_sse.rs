//! HTTP+SSE (MCP 2024-11-05), for servers that speak nothing newer: one stream that answers everything, and an address
//! beside it for what the client says. It leaves when to try it to `upstream`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use url::Url;

use super::ask::{AGAIN, ask};
use super::message::{Failure, Head, Message};
use super::pipes::{Output, line};
use super::{Access, Given};
use crate::mcp::{Answer, Remote};
use crate::sys::http::{Http, HttpError};

/// How long a server may take to name its address, and to answer an `initialize` that is said again.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open stream.
pub(super) struct Channel {
    access: Arc<dyn Access>,
    remote: Remote,
    shared: Arc<Shared>,
    reader: AbortHandle,
}

#[derive(Default)]
struct Shared {
    closed: AtomicBool,
    /// Requests without an answer so far, by the text of their id.
    open: Mutex<BTreeMap<String, Value>>,
    initialized: Notify,
}

impl Channel {
    /// Connects, if there is such a stream at the server's address, or at its neighbour `sse`.
    pub(super) async fn connect(http: &Http, access: &Arc<dyn Access>, lines: Output) -> Option<Self> {
        let given = access.fresh().await.ok()?;
        for at in places(&given.url) {
            let opened = ask(&**access, |given, headers| {
                let remote = Remote::new(http.clone(), at.clone());
                async move {
                    // The headers are for this server's machine and no other.
                    debug_assert_eq!(given.url.origin(), remote.url().origin());
                    remote.listen(headers).await
                }
            });
            let Ok(Ok(mut stream)) = tokio::time::timeout(PATIENCE, opened).await else { continue };
            if !stream.is_stream() || stream.status != 200 {
                continue;
            }
            let Some(endpoint) = endpoint(&mut stream, &at, &given).await else { continue };
            let shared = Arc::new(Shared::default());
            let reader = tokio::spawn(read(stream, shared.clone(), lines)).abort_handle();
            let remote = Remote::new(http.clone(), endpoint);
            return Some(Self { access: access.clone(), remote, shared, reader });
        }
        None
    }

    pub(super) fn is_open(&self) -> bool {
        !self.shared.closed.load(Ordering::Acquire)
    }

    /// Sends a message; its answer comes on the stream.
    pub(super) async fn post(&self, message: &Message) -> Result<(), Failure> {
        if let Some(id) = message.request_id() {
            self.shared.open().insert(id.to_string(), id.clone());
        }
        let result = self.accepted(message).await;
        if let (Err(_), Some(id)) = (&result, message.request_id()) {
            self.shared.open().remove(&id.to_string());
        }
        result
    }

    /// Says an `initialize` whose answer is not for the client, and waits for it.
    pub(super) async fn initialize_again(&self, initialize: &Message) -> Result<(), Failure> {
        self.accepted(initialize).await?;
        let answered = tokio::time::timeout(PATIENCE, self.shared.initialized.notified()).await;
        answered.map_err(|_| Failure::Broken)
    }

    async fn accepted(&self, message: &Message) -> Result<(), Failure> {
        let answer = ask(&*self.access, |_, headers| self.remote.post(headers, message.text.clone())).await?;
        if (200..300).contains(&answer.status) { Ok(()) } else { Err(Failure::Status(answer.status)) }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Shared {
    fn open(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Value>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
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

/// The address that the stream's first event names. On another machine it would be sent our tokens.
async fn endpoint(stream: &mut Answer, at: &Url, given: &Given) -> Option<Url> {
    let first = tokio::time::timeout(PATIENCE, stream.next()).await.ok()?.ok()??;
    let endpoint = at.join(first.data.trim()).ok().filter(|_| first.name == "endpoint")?;
    given.allows(&endpoint).then_some(endpoint)
}

/// Passes on what the server says, and at the end answers what it did not.
async fn read(mut stream: Answer, shared: Arc<Shared>, lines: Output) {
    let mut ending = Failure::Broken;
    loop {
        let event = match stream.next().await {
            Ok(Some(event)) => event,
            Ok(None) => break,
            Err(error) => {
                if matches!(error, HttpError::TooLarge { .. }) {
                    ending = error.into();
                }
                break;
            }
        };
        if !event.is_message() {
            continue;
        }
        let Some(head) = Head::read(&event.data) else { continue };
        if head.answers(&AGAIN.into()) {
            shared.initialized.notify_one();
            continue;
        }
        if let Some(id) = head.answered() {
            shared.open().remove(&id.to_string());
        }
        if !lines.send(line(event.data)).await {
            return;
        }
    }
    shared.closed.store(true, Ordering::Release);
    let unanswered = std::mem::take(&mut *shared.open());
    for id in unanswered.values() {
        let _ = lines.send(ending.answer(id)).await;
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
