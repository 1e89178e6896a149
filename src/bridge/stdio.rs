//! MCP over stdio: a message a line, in and out. Requests run side by side; what must not overtake is waited for:
//! `initialize`, and every message without an answer. It leaves the server to `session`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{self, AsyncRead, AsyncWrite};
use tokio::task::{AbortHandle, JoinSet};

use super::BridgeError;
use super::pipes::{ClientInput, ClientOutput, InputLine, line, write};
use crate::mcp::Head;
use crate::mcp::jsonrpc::{self, INVALID_REQUEST, Message, ParseError, each, parse};
use crate::mcp::mirror::RejectedTool;
use crate::session::remote::LIMIT;
use crate::session::{BoxFuture, CredentialSource, NotificationSink, Reply, Session};
use crate::sys::http::Http;

/// How long requests may go on after the client has said all it will.
const LAST_ANSWERS: Duration = Duration::from_secs(30);
/// How long the server may take to accept a message that has no answer.
const ACCEPT: Duration = Duration::from_secs(30);

/// Where failures are told that no message can carry.
pub type FailureReporter = Arc<dyn Fn(&str) + Send + Sync>;

/// Serves one client until it closes `input`.
///
/// # Errors
/// The client's pipes fail.
pub async fn serve(
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin + Send + 'static,
    http: Http,
    access: Arc<dyn CredentialSource>,
    report: FailureReporter,
) -> io::Result<()> {
    let (lines, ready) = ClientOutput::new();
    let writer = tokio::spawn(write(output, ready));
    let session =
        Arc::new(Session::new(http, access.clone(), Arc::new(NotificationForwarder(lines.clone()))));
    let client = ClientSide { session: session.clone(), access, lines, running: Arc::default(), report };
    let result = client.read(input).await;
    session.close().await;
    drop((client, session));
    // A client that is there, but reads nothing any more, does not keep us either.
    if let Ok(written) = tokio::time::timeout(LAST_ANSWERS, writer).await {
        written??;
    }
    result
}

/// The client's side of one bridge.
#[derive(Clone)]
struct ClientSide {
    session: Arc<Session>,
    access: Arc<dyn CredentialSource>,
    lines: ClientOutput,
    /// Requests under way, by the text of their id.
    running: Arc<Mutex<BTreeMap<String, RunningRequest>>>,
    report: FailureReporter,
}

/// What the server says of its own accord goes to the client as well.
struct NotificationForwarder(ClientOutput);

/// A request under way.
struct RunningRequest {
    task: AbortHandle,
    /// The client waits for no answer any more, and a server that stopped the work never sends one.
    taken_back: bool,
}

impl ClientSide {
    async fn read(&self, input: impl AsyncRead + Unpin) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        let mut listening = None;
        let mut input = ClientInput::new(input);
        while let Some(text) = input.next().await? {
            while tasks.try_join_next().is_some() {}
            let InputLine::Whole(text) = text else {
                let text = format!("the message is larger than {} MiB", LIMIT >> 20);
                // What its id was is not known.
                self.say(jsonrpc::error(&Value::Null, INVALID_REQUEST, &text)).await;
                continue;
            };
            if text.trim().is_empty() {
                continue;
            }
            let message = match Message::read(text) {
                Ok(message) => message,
                Err(answer) => {
                    self.say(answer).await;
                    continue;
                }
            };
            if message.request_id().is_some() && message.method() != Some("initialize") {
                self.start(&mut tasks, message);
                continue;
            }
            input.wait_for(self.in_order(&message), LAST_ANSWERS).await?;
            let begins = message.method() == Some("notifications/initialized");
            if begins && listening.is_none() && !self.session.has_channel() {
                let session = self.session.clone();
                listening = Some(tokio::spawn(async move { session.listen().await }).abort_handle());
            }
        }
        // What never ends by itself is not waited for.
        listening.iter().for_each(AbortHandle::abort);
        self.running().values().filter(|one| one.taken_back).for_each(|one| one.task.abort());
        let answered = async { while tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_ANSWERS, answered).await;
        self.running().values().for_each(|one| one.task.abort());
        Ok(())
    }

    fn start(&self, tasks: &mut JoinSet<()>, message: Message) {
        let Some(id) = message.request_id().map(ToString::to_string) else { return };
        let endless = message.method() == Some("subscriptions/listen");
        let client = self.clone();
        let work = {
            let id = id.clone();
            async move {
                client.request(&message).await;
                client.running().remove(&id);
            }
        };
        let task = if endless { tokio::spawn(work).abort_handle() } else { tasks.spawn(work) };
        self.running().insert(id, RunningRequest { task, taken_back: false });
    }

    /// A message whose place in the row matters.
    async fn in_order(&self, message: &Message) {
        if message.request_id().is_some() {
            return self.request(message).await;
        }
        if let Some(id) = message.cancels() {
            if !self.session.is_legacy() {
                // From 2026-07-28 on, the end of the answer's stream takes the request back.
                let running = self.running().remove(&id.to_string());
                return running.iter().for_each(|one| one.task.abort());
            }
            self.running().entry(id.to_string()).and_modify(|one| one.taken_back = true);
        }
        match tokio::time::timeout(ACCEPT, self.session.post(message)).await {
            Ok(Ok(reply)) if !reply.is_good() => {
                let status = reply.status;
                (self.report)(&format!("the server answered a message without an id with HTTP {status}"));
            }
            Ok(Ok(_)) => {}
            Ok(Err(failure)) => {
                let (_, cause) = BridgeError::from_session(failure, &*self.access).code_and_message();
                (self.report)(&format!("a message without an id was lost: {cause}"));
            }
            Err(_) => (self.report)("the server did not accept a message without an id in time"),
        }
    }

    /// A request and all that belongs to its answer.
    async fn request(&self, message: &Message) {
        let Some(id) = message.request_id() else { return };
        if let Err(failure) = self.relay(message, id).await {
            self.say(failure.answer(id)).await;
        }
    }

    /// Passes on what comes until the answer has come.
    async fn relay(&self, message: &Message, id: &Value) -> Result<(), BridgeError> {
        let failed = |failure| BridgeError::from_session(failure, &*self.access);
        let mut reply = self.session.post(message).await.map_err(failed)?;
        loop {
            match reply.next().await {
                Ok(Some(text)) => {
                    if self.pass_on(message, id, &reply, text).await? {
                        return Ok(());
                    }
                }
                Ok(None) if reply.is_good() => return Err(BridgeError::Broken),
                Ok(None) => return Err(self.refused(&reply)),
                Err(_) if !reply.is_good() => return Err(self.refused(&reply)),
                Err(failure) => return Err(failed(failure)),
            }
        }
    }

    /// Passes on what an event or a body holds; whether the answer was in it.
    async fn pass_on(
        &self,
        message: &Message,
        id: &Value,
        reply: &Reply<'_>,
        text: String,
    ) -> Result<bool, BridgeError> {
        let mut found = false;
        for one in each(text).map_err(|unread| self.unread(reply, unread))? {
            // There is one answer to a request, whatever comes with it.
            if found
                && (!reply.is_good()
                    || Head::read(&one).is_none_or(|head| head.answers(id) || !head.is_message()))
            {
                continue;
            }
            found |= self.pass_one_on(message, id, reply, one).await?;
        }
        Ok(found)
    }

    async fn pass_one_on(
        &self,
        message: &Message,
        id: &Value,
        reply: &Reply<'_>,
        text: String,
    ) -> Result<bool, BridgeError> {
        let head = Head::read(&text).ok_or_else(|| self.refused(reply))?;
        if !head.is_message() {
            // On a stream the answer may yet come; what no client can read is left out.
            let is_beside = reply.is_good() && reply.is_stream() && head.answered() != Some(id);
            return if is_beside { Ok(false) } else { Err(self.refused(reply)) };
        }
        let is_answer = head.answers(id);
        // An error of MCP's own may come with any status. For refused credentials, what to type is ours to say.
        let is_error = is_answer && head.is_error() && head.says_its_version() && reply.status != 401;
        if !reply.is_good() && !is_error {
            return Err(self.refused(reply));
        }
        let text = if is_answer { self.learned(message, reply, text)? } else { text };
        let text = head.tidied(text, is_answer.then_some(id)).map_err(|unread| self.unread(reply, unread))?;
        self.say(line(text)).await;
        Ok(is_answer)
    }

    /// An answer as it came, unless there is something in it that no client may see.
    fn learned(&self, message: &Message, reply: &Reply<'_>, text: String) -> Result<String, BridgeError> {
        if !self.session.learns_from(message) {
            return Ok(text);
        }
        let mut value = parse(&text).map_err(|unread| self.unread(reply, unread))?;
        let result = value.get_mut("result");
        let refused = result.map(|result| self.session.learn(message, result)).unwrap_or_default();
        for RejectedTool { tool, reason } in &refused {
            (self.report)(&format!("the tool {tool:?} is left out: {reason}"));
        }
        Ok(if refused.is_empty() { text } else { value.to_string() })
    }

    fn unread(&self, reply: &Reply<'_>, unread: ParseError) -> BridgeError {
        match unread {
            ParseError::TooManyParts => BridgeError::TooLarge,
            ParseError::NotJson => self.refused(reply),
        }
    }

    fn refused(&self, reply: &Reply<'_>) -> BridgeError {
        BridgeError::refused(reply.status, &reply.headers, &*self.access)
    }

    /// To the client. That it has gone away ends everything by itself.
    async fn say(&self, line: String) {
        self.lines.send(line).await;
    }

    fn running(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, RunningRequest>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NotificationSink for NotificationForwarder {
    fn hear(&self, text: String) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            // What is no message would break the client's reading.
            for one in each(text).unwrap_or_default() {
                let Some(head) = Head::read(&one).filter(Head::is_message) else { continue };
                let Ok(text) = head.tidied(one, None) else { continue };
                if !self.0.send(line(text)).await {
                    return false;
                }
            }
            true
        })
    }
}
