//! MCP over stdio: a message a line, in and out. Requests run side by side; what must not overtake is waited for:
//! `initialize`, and every message without an answer. It leaves the server to `upstream`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::IgnoredAny;
use serde_json::Value;
use tokio::io::{self, AsyncRead, AsyncWrite};
use tokio::task::{AbortHandle, JoinSet};

use super::Access;
use super::message::{Failure, Head, Message, addressed, answers, too_long};
use super::pipes::{Input, Line, Output, line, write};
use super::upstream::{Reply, Upstream};
use crate::mcp::Answer;
use crate::mcp::mirror::Refused;
use crate::mcp::parse;
use crate::sys::http::{Http, HttpError};

/// How long requests may go on after the client has said all it will.
const LAST_ANSWERS: Duration = Duration::from_secs(30);
/// How long the server may take to accept a message that has no answer.
const ACCEPT: Duration = Duration::from_secs(30);
/// The first and the longest pause before a stream is opened again; a server's own `retry` counts instead of the first.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How often a request's broken stream is taken up again without a single new event.
const RESUMPTIONS: u32 = 5;

/// Where failures are told that no message can carry.
pub type Report = Arc<dyn Fn(&str) + Send + Sync>;

/// Serves one client until it closes `input`.
///
/// # Errors
/// The client's pipes fail.
pub async fn serve(
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin + Send + 'static,
    http: Http,
    access: Arc<dyn Access>,
    report: Report,
) -> io::Result<()> {
    let (lines, ready) = Output::new();
    let writer = tokio::spawn(write(output, ready));
    let upstream = Arc::new(Upstream::new(http, access, lines.clone()));
    let client = Client { upstream: upstream.clone(), lines, running: Arc::default(), report };
    let result = client.read(input).await;
    upstream.close().await;
    drop((client, upstream));
    // A client that is there, but reads nothing any more, does not keep us either.
    if let Ok(written) = tokio::time::timeout(LAST_ANSWERS, writer).await {
        written??;
    }
    result
}

/// The client's side of one bridge.
#[derive(Clone)]
struct Client {
    upstream: Arc<Upstream>,
    lines: Output,
    /// Requests under way, by the text of their id.
    running: Arc<Mutex<BTreeMap<String, Running>>>,
    report: Report,
}

/// A request under way.
struct Running {
    task: AbortHandle,
    /// The client waits for no answer any more, and a server that stopped the work never sends one.
    taken_back: bool,
}

impl Client {
    async fn read(&self, input: impl AsyncRead + Unpin) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        let mut listening = None;
        let mut input = Input::new(input);
        while let Some(text) = input.next().await? {
            while tasks.try_join_next().is_some() {}
            let Line::Whole(text) = text else {
                self.say(too_long()).await;
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
            if begins && listening.is_none() && !self.upstream.has_channel() {
                let client = self.clone();
                listening = Some(tokio::spawn(async move { client.listen().await }).abort_handle());
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
        self.running().insert(id, Running { task, taken_back: false });
    }

    /// A message whose place in the row matters.
    async fn in_order(&self, message: &Message) {
        if message.request_id().is_some() {
            return self.request(message).await;
        }
        if let Some(id) = message.cancels() {
            if !self.upstream.is_legacy() {
                // From 2026-07-28 on, the end of the answer's stream takes the request back.
                let running = self.running().remove(&id.to_string());
                return running.iter().for_each(|one| one.task.abort());
            }
            self.running().entry(id.to_string()).and_modify(|one| one.taken_back = true);
        }
        match tokio::time::timeout(ACCEPT, self.upstream.post(message)).await {
            Ok(Ok(Reply::Here(answer))) if !(200..300).contains(&answer.status) => {
                let status = answer.status;
                (self.report)(&format!("the server answered a message without an id with HTTP {status}"));
            }
            Ok(Ok(_)) => {}
            Ok(Err(failure)) => {
                (self.report)(&format!("a message without an id was lost: {}", failure.said().1))
            }
            Err(_) => (self.report)("the server did not accept a message without an id in time"),
        }
    }

    /// A request and all that belongs to its answer.
    async fn request(&self, message: &Message) {
        let Some(id) = message.request_id() else { return };
        let failure = match self.upstream.post(message).await {
            Ok(Reply::OnChannel) => return,
            Ok(Reply::Here(answer)) => match self.relay(message, id, *answer).await {
                Ok(()) => return,
                Err(failure) => failure,
            },
            Err(failure) => failure,
        };
        self.say(failure.answer(id)).await;
    }

    /// Passes on what comes until the answer has come, over as many streams as that takes.
    async fn relay(&self, message: &Message, id: &Value, mut answer: Answer) -> Result<(), Failure> {
        let status = answer.status;
        let mut last = None;
        let (mut pause, mut idle) = (PAUSES.0, 0);
        loop {
            loop {
                let event = match answer.next().await {
                    Ok(Some(event)) => event,
                    Ok(None) => break,
                    Err(error @ HttpError::TooLarge { .. }) => return Err(error.into()),
                    Err(error) if last.is_none() => return Err(error.into()),
                    Err(_) => break,
                };
                idle = 0;
                pause = event.pause().unwrap_or(pause);
                last = event.id.clone().or(last);
                if event.is_message() && self.pass_on(message, id, status, event.data).await? {
                    return Ok(());
                }
            }
            // 2025-11-25, Resumability: a stream whose events have ids can be taken up again, after its own pause.
            let Some(after) = last.as_deref().filter(|_| !message.is_modern() && idle < RESUMPTIONS) else {
                return Err(if (200..300).contains(&status) {
                    Failure::Broken
                } else {
                    Failure::Status(status)
                });
            };
            idle += 1;
            tokio::time::sleep(pause).await;
            answer = self.upstream.listen(Some(after)).await?;
            if !answer.is_stream() {
                return Err(Failure::Broken);
            }
        }
    }

    /// Passes on what an event or a body holds; whether the answer was in it.
    async fn pass_on(
        &self,
        message: &Message,
        id: &Value,
        status: u16,
        text: String,
    ) -> Result<bool, Failure> {
        if !text.trim_start().starts_with('[') {
            return self.pass_one_on(message, id, status, text).await;
        }
        // 2025-03-26 has several messages in one.
        let Ok(Value::Array(several)) = parse(&text) else { return Err(Failure::unread(&text, status)) };
        drop(text);
        let mut found = false;
        for one in several {
            found |= self.pass_one_on(message, id, status, one.to_string()).await?;
        }
        Ok(found)
    }

    async fn pass_one_on(
        &self,
        message: &Message,
        id: &Value,
        status: u16,
        text: String,
    ) -> Result<bool, Failure> {
        // Its head alone: all of a message as values takes many times the memory of its text.
        let head = Head::read(&text).ok_or(Failure::Status(status))?;
        if head.answers(id) {
            self.answered(message, text, status).await?;
            return Ok(true);
        }
        if status < 400 {
            self.say(line(text)).await;
            return Ok(false);
        }
        let one = addressed(parse(&text).map_err(|_| Failure::unread(&text, status))?, id);
        if !answers(&one, id) {
            return Err(Failure::Status(status));
        }
        self.say(one.to_string()).await;
        Ok(true)
    }

    /// Passes on an answer, as it came unless there is something in it that no client may see.
    async fn answered(&self, message: &Message, text: String, status: u16) -> Result<(), Failure> {
        if !self.upstream.learns_from(message) {
            self.say(line(text)).await;
            return Ok(());
        }
        let mut value = parse(&text).map_err(|_| Failure::unread(&text, status))?;
        let refused = self.upstream.learn(message, &mut value);
        for Refused { tool, reason } in &refused {
            (self.report)(&format!("the tool {tool:?} is left out: {reason}"));
        }
        self.say(if refused.is_empty() { line(text) } else { value.to_string() }).await;
        Ok(())
    }

    /// Passes on what the server says of its own accord, for as long as there is a session.
    async fn listen(&self) {
        let (mut pause, mut last, mut era) = (PAUSES.0, None, 0);
        loop {
            let (now, next_session) = self.upstream.session();
            if std::mem::replace(&mut era, now) != now {
                // Another session's events.
                last = None;
            }
            match self.upstream.listen(last.as_deref()).await {
                Ok(mut stream) if stream.is_stream() => {
                    // One that ends without a word is asked less and less often.
                    let mut next = pause * 2;
                    while let Ok(Some(event)) = stream.next().await {
                        next = event.pause().unwrap_or(PAUSES.0);
                        last = event.id.clone().or(last);
                        // What is no JSON is no message, and would break the client's reading.
                        if event.is_message() && serde_json::from_str::<IgnoredAny>(&event.data).is_ok() {
                            self.say(line(event.data)).await;
                        }
                    }
                    pause = next.min(PAUSES.1);
                }
                // It has forgotten the session; the client's next request begins another.
                Ok(answer) if answer.status == 404 && self.upstream.has_session() => {
                    next_session.await;
                    continue;
                }
                // 405: the server has nothing to say of its own accord. Any other no is as final.
                Ok(answer) if (400..500).contains(&answer.status) && answer.status != 429 => return,
                Ok(_) | Err(_) => pause = (pause * 2).min(PAUSES.1),
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// To the client. That it has gone away ends everything by itself.
    async fn say(&self, line: String) {
        self.lines.send(line).await;
    }

    fn running(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
