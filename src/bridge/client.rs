//! The client's side of one bridge: each of its messages goes to the server, and what comes back goes to the client.
//! Where there are no credentials, a client that can ask a person offers the login, and the request waits for it. Not
//! here: reading the client's messages (see `stdio` and `held`); the server (see `session`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::{AbortHandle, JoinSet};

use super::BridgeError;
use super::offer::{LoginDesk, LoginEnd, Offer, PersonAnswer};
use super::pipes::{ClientOutput, line};
use super::rounds::{self, RoundTurn};
use super::stand_in;
use super::tools::IgnoredTools;
use crate::mcp::Head;
use crate::mcp::jsonrpc::{self, INVALID_PARAMS, Message, ParseError, each, parse};
use crate::mcp::mirror::RejectedTool;
use crate::session::{
    BoxFuture, CredentialSource, NotificationSink, PersonLogin, Reply, Session, TransportOrder,
};
use crate::sys::http::Http;
use crate::text::clean;

/// How long the server may take to accept a message without an answer.
const ACCEPT: Duration = Duration::from_secs(30);
/// What the id of our own request to the client begins with; the offer's id follows.
const OURS: &str = "mcpauth-login-";

/// Reports failures that no message can carry.
pub type FailureReporter = Arc<dyn Fn(&str) + Send + Sync>;

/// The client's side of one bridge.
#[derive(Clone)]
pub(super) struct ClientSide {
    pub(super) session: Arc<Session>,
    access: Arc<dyn CredentialSource>,
    lines: ClientOutput,
    /// Requests in flight, by the text of their id.
    running: Arc<Mutex<BTreeMap<String, RunningRequest>>>,
    /// Those that wait for a login, and have not been sent.
    waiting: Arc<Mutex<BTreeSet<String>>>,
    report: FailureReporter,
    desk: LoginDesk,
    ignored: Arc<IgnoredTools>,
    /// Whether the client's session began with an answer of ours.
    stands_in: Arc<AtomicBool>,
}

/// What the server sends unasked goes to the client as well.
struct NotificationForwarder(ClientOutput);

/// A request in flight.
struct RunningRequest {
    task: AbortHandle,
    /// The client no longer waits for an answer, and a server that stopped the work never sends one.
    taken_back: bool,
}

impl ClientSide {
    /// With a session of its own; everything for the client goes to `lines`.
    pub(super) fn new(
        http: Http,
        access: Arc<dyn CredentialSource>,
        lines: ClientOutput,
        report: FailureReporter,
        desk: LoginDesk,
    ) -> Self {
        let aside = Arc::new(NotificationForwarder(lines.clone()));
        Self {
            session: Arc::new(Session::new(http, access.clone(), aside)),
            access,
            lines,
            running: Arc::default(),
            waiting: Arc::default(),
            report,
            desk,
            ignored: Arc::default(),
            stands_in: Arc::default(),
        }
    }

    /// Without these tools, and by this transport.
    pub(super) fn limited(self, ignored: IgnoredTools, transport: TransportOrder) -> Self {
        self.session.prefer(transport);
        Self { ignored: Arc::new(ignored), ..self }
    }

    /// The same client, with another way to it.
    pub(super) fn to(&self, lines: ClientOutput) -> Self {
        Self { lines, ..self.clone() }
    }

    /// Ends the requests that nobody waits for: those that the client cancelled, or all of them.
    pub(super) fn abort(&self, all: bool) {
        self.running().values().filter(|one| all || one.taken_back).for_each(|one| one.task.abort());
    }

    /// Takes the client's answer to a request of ours; `false` if it is the server's.
    pub(super) fn take_answer(&self, message: &Message) -> bool {
        let id = message.value.get("id").and_then(Value::as_str).and_then(|id| id.strip_prefix(OURS));
        let Some(id) = id.filter(|_| message.method().is_none()) else { return false };
        if let Some(offer) = self.desk.find(id) {
            self.desk.answered(&offer, PersonAnswer::read(message.value.get("result")));
        }
        true
    }

    pub(super) fn start(&self, tasks: &mut JoinSet<()>, message: Message) {
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

    /// A message whose order matters.
    pub(super) async fn in_order(&self, message: &Message) {
        if message.request_id().is_some() {
            return self.request(message).await;
        }
        if self.take_answer(message) {
            return;
        }
        if let Some(id) = message.cancels() {
            let waits = self.waiting().remove(&id.to_string());
            if waits || !self.session.is_legacy() {
                // From 2026-07-28 on, closing the answer's stream cancels the request. One that waits was not sent.
                let running = self.running().remove(&id.to_string());
                return running.iter().for_each(|one| one.task.abort());
            }
            self.running().entry(id.to_string()).and_modify(|one| one.taken_back = true);
        }
        if self.session.is_unopened() {
            return self.session.keep_for_later(message);
        }
        match tokio::time::timeout(ACCEPT, self.session.post(message)).await {
            Ok(Ok(reply)) if !reply.is_good() => {
                let status = reply.status;
                (self.report)(&format!("the server answered a notification with HTTP {status}"));
            }
            Ok(Ok(_)) => {}
            Ok(Err(failure)) => {
                let (_, cause) = BridgeError::from_session(failure, &*self.access).code_and_message();
                (self.report)(&format!("a notification was lost: {cause}"));
            }
            Err(_) => (self.report)("the server did not accept a notification in time"),
        }
    }

    /// A request and everything that belongs to its answer.
    pub(super) async fn request(&self, message: &Message) {
        let Some(id) = message.request_id() else { return };
        if let Some(tool) = self.ignored.called(message) {
            let text =
                format!("the tool {:?} is not available: --ignore-tool leaves it out", clean(tool, 100));
            return self.say(jsonrpc::error(id, INVALID_PARAMS, &text)).await;
        }
        if message.method() == Some("initialize") {
            self.stands_in.store(false, Ordering::Relaxed);
        }
        let answered = if rounds::is_round(message) {
            self.next_round(message, id).await
        } else {
            self.answer(message, id).await
        };
        if let Err(failure) = answered {
            self.say(failure.answer(id)).await;
        }
    }

    /// Answers a request, after a login if that is what it takes.
    async fn answer(&self, message: &Message, id: &Value) -> Result<(), BridgeError> {
        let Err(failure) = self.relay(message, id).await else { return Ok(()) };
        match failure.login(&*self.access) {
            Some(login) => self.offer(message, id, failure, &login).await,
            None => Err(failure),
        }
    }

    /// Offers a login to a client that can ask a person.
    async fn offer(
        &self,
        message: &Message,
        id: &Value,
        failure: BridgeError,
        login: &Arc<dyn PersonLogin>,
    ) -> Result<(), BridgeError> {
        if rounds::is_askable(message) {
            let Some((offer, _)) = self.desk.offer(login).await else { return Err(failure) };
            self.say(rounds::question(message, &offer)).await;
            return Ok(());
        }
        let initialize = self.session.initialize_message();
        if message.is_modern() || !initialize.is_some_and(|message| stand_in::opens_addresses(&message)) {
            return Err(failure);
        }
        if message.method() == Some("initialize") {
            self.session.open_later();
            self.stands_in.store(true, Ordering::Relaxed);
            self.say(stand_in::initialized(message, id)).await;
            return Ok(());
        }
        let Some((offer, is_new)) = self.desk.offer(login).await else { return Err(failure) };
        self.waiting().insert(id.to_string());
        if is_new {
            self.elicit(offer.clone()).await;
        }
        let end = offer.ended().await;
        self.waiting().remove(&id.to_string());
        match end {
            LoginEnd::LoggedIn => self.relay(message, id).await,
            LoginEnd::Failed(cause) => Err(failure.after_login(&cause)),
        }
    }

    /// Asks the person by the client (MCP 2025-11-25, "Elicitation", "URL Mode"), and says when the login is over.
    async fn elicit(&self, offer: Arc<Offer>) {
        let params = json!({
            "mode": "url",
            "elicitationId": offer.id,
            "url": offer.address.as_str(),
            "message": offer.message,
        });
        let request = json!({
            "jsonrpc": "2.0", "id": format!("{OURS}{}", offer.id), "method": "elicitation/create", "params": params,
        });
        self.say(request.to_string()).await;
        let client = self.clone();
        tokio::spawn(async move {
            let end = offer.ended().await;
            let is_logged_in = end == LoginEnd::LoggedIn;
            if is_logged_in || offer.is_accepted() {
                let params = json!({"elicitationId": offer.id});
                let over = json!({"jsonrpc": "2.0", "method": "notifications/elicitation/complete", "params": params});
                client.say(over.to_string()).await;
            }
            // A request that the client gave up meanwhile is made again.
            if is_logged_in && client.stands_in.load(Ordering::Relaxed) {
                for change in stand_in::changes() {
                    client.say(change).await;
                }
            }
        });
    }

    /// A request that comes again with a person's answer (2026-07-28).
    async fn next_round(&self, message: &Message, id: &Value) -> Result<(), BridgeError> {
        self.waiting().insert(id.to_string());
        let turn = rounds::take(&self.desk, message).await;
        self.waiting().remove(&id.to_string());
        match turn {
            RoundTurn::Send(message) => self.answer(&message, id).await,
            RoundTurn::SendOnly(message, cause) => {
                self.relay(&message, id).await.map_err(|failure| failure.after_login(&cause))
            }
            RoundTurn::Answer(text) => {
                self.say(text).await;
                Ok(())
            }
        }
    }

    /// The answer of ours to a request of a client whose session began with one.
    async fn stood_in(&self, message: &Message, id: &Value) -> Result<Option<String>, BridgeError> {
        if !self.stands_in.load(Ordering::Relaxed) || message.method() == Some("initialize") {
            return Ok(None);
        }
        if message.method() == Some("ping") && self.session.is_unopened() {
            return Ok(Some(stand_in::pong(id)));
        }
        self.session.open().await.map_err(|failure| BridgeError::from_session(failure, &*self.access))?;
        let capabilities = self.session.capabilities();
        Ok(capabilities.and_then(|capabilities| stand_in::empty_list(message, id, &capabilities)))
    }

    /// Passes messages on until the answer has come.
    async fn relay(&self, message: &Message, id: &Value) -> Result<(), BridgeError> {
        if let Some(text) = self.stood_in(message, id).await? {
            self.say(text).await;
            return Ok(());
        }
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

    /// Passes on the messages of an event or a body; tells whether the answer was among them.
    async fn pass_on(
        &self,
        message: &Message,
        id: &Value,
        reply: &Reply<'_>,
        text: String,
    ) -> Result<bool, BridgeError> {
        let mut found = false;
        for one in each(text).map_err(|unread| self.unread(reply, unread))? {
            // A request gets one answer, whatever else arrives.
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
            // On a stream the answer may still come; what no client can read is dropped.
            let is_beside = reply.is_good() && reply.is_stream() && head.answered() != Some(id);
            return if is_beside { Ok(false) } else { Err(self.refused(reply)) };
        }
        let is_answer = head.answers(id);
        // An MCP error may come with any status. For rejected credentials, the advice is ours to give.
        let is_error = is_answer && head.is_error() && head.says_its_version() && reply.status != 401;
        if !reply.is_good() && !is_error {
            return Err(self.refused(reply));
        }
        let text = if is_answer { self.learned(message, reply, text)? } else { text };
        let text = head.tidied(text, is_answer.then_some(id)).map_err(|unread| self.unread(reply, unread))?;
        self.say(line(text)).await;
        Ok(is_answer)
    }

    /// An answer, unchanged unless it has something that clients must not see.
    fn learned(&self, message: &Message, reply: &Reply<'_>, text: String) -> Result<String, BridgeError> {
        let hides = !self.ignored.is_empty() && message.method() == Some("tools/list");
        if !hides && !self.session.learns_from(message) {
            return Ok(text);
        }
        let mut value = parse(&text).map_err(|unread| self.unread(reply, unread))?;
        let mut result = value.get_mut("result");
        let hidden = hides && result.as_mut().is_some_and(|result| self.ignored.hide(result));
        let refused = result.map(|result| self.session.learn(message, result)).unwrap_or_default();
        for RejectedTool { tool, reason } in &refused {
            (self.report)(&format!("the tool {tool:?} is left out: {reason}"));
        }
        Ok(if refused.is_empty() && !hidden { text } else { value.to_string() })
    }

    fn unread(&self, reply: &Reply<'_>, unread: ParseError) -> BridgeError {
        match unread {
            ParseError::TooManyParts | ParseError::TooDeep => BridgeError::TooLarge,
            ParseError::NotJson => self.refused(reply),
        }
    }

    fn refused(&self, reply: &Reply<'_>) -> BridgeError {
        BridgeError::refused(reply.status, &reply.headers, &*self.access)
    }

    /// Sends to the client. If it has gone, everything ends anyway.
    pub(super) async fn say(&self, line: String) {
        self.lines.send(line).await;
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<String, RunningRequest>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NotificationSink for NotificationForwarder {
    fn hear(&self, text: String) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            // Anything that is not a message would break the client's parser.
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
