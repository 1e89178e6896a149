//! What a decision needs from one JSON-RPC message of a client: parsed strictly, with one meaning or none. Not here:
//! the headers that mirror it (see `mirror`); the decision (see `policy`); parameters (see the server).
//!
//! The bytes are forwarded unchanged, so a message that another parser could read differently is rejected here. Our own
//! clients use `mcp::jsonrpc`, which is lenient and makes values, at many times the text's memory.

use std::borrow::Cow;

pub use super::json::Malformed;
use super::json::{DEPTH, JsonReader, KnownKeys, Text};
use crate::mcp::methods::{self, Listed, Method, MethodSubject, NameKind, TASK_ID};
use crate::policy::Call;

/// JSON-RPC's keys.
const KEYS: &[&str] = &["jsonrpc", "id", "method", "params", "result", "error"];

/// The keys of `params` that are matched case-insensitively: those that decide, and the most common ones.
const PARAMS: &[&str] = &["name", "uri", TASK_ID, "ref", "notifications", "_meta", "arguments", "cursor"];

/// The keys of `params.ref`, and of `params.notifications`, likewise.
const REFERENCE: &[&str] = &["type", "name", "uri"];
const SUBSCRIPTIONS: &[&str] = &[RESOURCES, TASKS];
const RESOURCES: &str = "resourceSubscriptions";
const TASKS: &str = "taskIds";

/// The keys of `_meta`, likewise.
const META: &[&str] = &[
    VERSION,
    "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/clientInfo",
    "progressToken",
];
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

const NULL: &str = "null";
/// The prefix of every notification's name (MCP "Messages").
const NOTIFICATIONS: &str = "notifications/";
const NAME: &str = "what the method is about must be named by a string";
const REF: &str = "\"ref\" must be a ref/prompt with a name or a ref/resource with a uri, and not both";
const SUBSCRIBED: &str = "\"notifications\" must be an object of booleans and of arrays of URIs and task ids";

/// One JSON-RPC request, notification or response of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope<'b> {
    /// The JSON of `id`, a string or an integer, unchanged; absent from notifications.
    pub id: Option<&'b str>,
    /// The method; absent from responses.
    pub method: Option<Cow<'b, str>>,
    /// MCP's definition of the method, if it is one of MCP's.
    pub known: Option<&'static Method>,
    /// The tool, prompt, resource or task that the method is about, if any.
    pub name: Option<Cow<'b, str>>,
    /// The kind of that thing, if the message itself says it.
    referred: Option<Listed>,
    /// What it subscribes to.
    subscribed: Vec<(NameKind, Cow<'b, str>)>,
    /// The protocol version in `params._meta` (2026-07-28).
    pub protocol_version: Option<Cow<'b, str>>,
}

/// The members of a message before they are checked together, because they come in any order.
#[derive(Default)]
struct EnvelopeMembers<'b> {
    version: Option<&'b str>,
    id: Option<&'b str>,
    method: Option<&'b str>,
    params: Option<Params<'b>>,
    result: Option<&'b str>,
    error: Option<&'b str>,
}

/// The members of `params`, unchanged.
#[derive(Default)]
struct Params<'b> {
    name: Option<&'b str>,
    uri: Option<&'b str>,
    task: Option<&'b str>,
    reference: Option<&'b str>,
    notifications: Option<&'b str>,
    version: Option<&'b str>,
}

impl<'b> Envelope<'b> {
    /// Parses a whole body.
    ///
    /// # Errors
    /// [`Malformed`], if this is not one JSON-RPC 2.0 message with one meaning.
    pub fn read(body: &'b [u8]) -> Result<Self, Malformed> {
        let mut reader = JsonReader::message(body, DEPTH)?;
        let members = EnvelopeMembers::read(&mut reader)?;
        reader.end()?;
        members.judge()
    }

    /// The id of what [`Self::read`] rejects, as far as it can be parsed, for the error to repeat (JSON-RPC 2.0
    /// section 5).
    pub fn id_of(body: &'b [u8]) -> Option<&'b str> {
        let mut reader = JsonReader::message(body, DEPTH).ok()?;
        let (mut keys, mut found) = (KnownKeys::new(KEYS), None);
        let read = reader.object(|reader, key| {
            match keys.admit(key)? {
                Some("id") => found = Some(id(reader.value()?)?),
                _ => reader.skip()?,
            }
            Ok(())
        });
        // With two ids it is unclear which one the client waits for.
        let doubtful = matches!(read, Err(Malformed::DuplicateKey | Malformed::CaseTwin("id")));
        found.filter(|_| !doubtful)
    }

    /// The question for the policy.
    pub fn call(&self) -> Call<'_> {
        match (&self.method, self.referred, self.name.as_deref()) {
            (_, Some(listed), Some(name)) => Call::Completion { listed, name },
            (Some(method), _, name) => Call::Message { method, name },
            (None, ..) => Call::Reply,
        }
    }

    /// Further questions for the policy: to subscribe to something is to be told of it.
    pub fn further_calls(&self) -> impl Iterator<Item = Call<'_>> {
        self.subscribed.iter().map(|(kind, name)| {
            let method = match kind {
                NameKind::Listed(_) => "resources/subscribe",
                NameKind::Task => "tasks/get",
            };
            Call::Message { method, name: Some(name) }
        })
    }

    /// The requested list, if any.
    pub fn lists(&self) -> Option<Listed> {
        match self.known?.about {
            MethodSubject::List(listed) => Some(listed),
            _ => None,
        }
    }

    /// Whether it opens a stream of notifications.
    pub fn subscribes(&self) -> bool {
        self.known.is_some_and(|known| known.about == MethodSubject::Subscriptions)
    }

    fn of(id: Option<&'b str>) -> Self {
        let (method, known, name, referred, protocol_version) = (None, None, None, None, None);
        Self { id, method, known, name, referred, subscribed: Vec::new(), protocol_version }
    }

    /// Whether an answer is expected.
    pub fn is_request(&self) -> bool {
        self.method.is_some() && self.id.is_some()
    }
}

impl<'b> EnvelopeMembers<'b> {
    fn read(reader: &mut JsonReader<'b>) -> Result<Self, Malformed> {
        let mut members = Self::default();
        let mut keys = KnownKeys::new(KEYS);
        reader.object(|reader, key| {
            match keys.admit(key)? {
                Some("jsonrpc") => members.version = Some(reader.value()?),
                Some("id") => members.id = Some(reader.value()?),
                Some("method") => members.method = unless_null(reader)?,
                Some("params") => members.params = Params::read(reader)?,
                Some("result") => members.result = Some(reader.value()?),
                Some("error") => members.error = unless_null(reader)?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(members)
    }

    fn judge(self) -> Result<Envelope<'b>, Malformed> {
        if self.version.and_then(Text::of).map(Text::decode).transpose()?.as_deref() != Some("2.0") {
            return Err(Malformed::Version);
        }
        let Some(method) = self.method else { return self.reply() };
        if self.result.is_some_and(|result| result != NULL) || self.error.is_some() {
            return Err(Malformed::Shape("a request has no \"result\" and no \"error\""));
        }
        let method = string(method, "\"method\" must be a string")?;
        // No answer to a notification is expected, under any id.
        let no_id = |id: &&str| *id == NULL && method.starts_with(NOTIFICATIONS);
        let id = self.id.filter(|id| !no_id(id)).map(id).transpose()?;
        let known = methods::find(&method);
        let params = self.params.unwrap_or_default();
        let version = params.version.map(|version| string(version, "the protocol version must be a string"));
        let mut envelope = Envelope { known, protocol_version: version.transpose()?, ..Envelope::of(id) };
        envelope.method = Some(method);
        match known.map(|known| known.about) {
            Some(MethodSubject::Member(kind, _)) => {
                envelope.name = params.member(kind).map(|name| string(name, NAME)).transpose()?;
                if kind == NameKind::Listed(Listed::Tool) && envelope.name.is_none() {
                    return Err(Malformed::Shape(NAME));
                }
            }
            Some(MethodSubject::Reference) => {
                if let Some((listed, name)) = params.reference.map(reference).transpose()? {
                    (envelope.referred, envelope.name) = (Some(listed), Some(name));
                }
            }
            Some(MethodSubject::Subscriptions) => {
                let read = params.notifications.map(subscriptions).transpose()?;
                envelope.subscribed = read.unwrap_or_default();
            }
            Some(MethodSubject::Lifecycle | MethodSubject::Nothing | MethodSubject::List(_)) | None => {}
        }
        Ok(envelope)
    }

    fn reply(self) -> Result<Envelope<'b>, Malformed> {
        let id = self.id.map(id).transpose()?;
        // Some programs write both and mean the one that is not null; a result may be null if there is no error.
        let (failed, answered) = (self.error.is_some(), self.result.is_some());
        let one = if failed { self.result.is_none_or(|result| result == NULL) } else { answered };
        if id.is_none() || !one || self.params.is_some() {
            return Err(Malformed::Shape(
                "a message needs \"method\", or \"id\" with \"result\" or \"error\"",
            ));
        }
        Ok(Envelope::of(id))
    }
}

impl<'b> Params<'b> {
    fn read(reader: &mut JsonReader<'b>) -> Result<Option<Self>, Malformed> {
        match reader.peek() {
            Some(b'{') => {}
            Some(b'n') => return reader.skip().map(|()| None),
            _ => return Err(Malformed::Shape("\"params\" must be an object")),
        }
        let mut params = Self::default();
        let mut keys = KnownKeys::new(PARAMS);
        reader.object(|reader, key| {
            match keys.admit(key)? {
                Some("name") => params.name = Some(reader.value()?),
                Some("uri") => params.uri = Some(reader.value()?),
                Some(TASK_ID) => params.task = Some(reader.value()?),
                Some("ref") => params.reference = Some(reader.value()?),
                Some("notifications") => params.notifications = unless_null(reader)?,
                Some("_meta") => params.version = meta(reader)?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(Some(params))
    }

    /// The member that names a thing of this kind.
    fn member(&self, kind: NameKind) -> Option<&'b str> {
        match kind {
            NameKind::Listed(Listed::Tool | Listed::Prompt) => self.name,
            NameKind::Listed(Listed::Resource | Listed::Template) => self.uri,
            NameKind::Task => self.task,
        }
    }
}

/// Parses `params.ref` of `completion/complete`: the prompt, or the resource or template.
fn reference(text: &str) -> Result<(Listed, Cow<'_, str>), Malformed> {
    let mut reader = part(text, REF)?;
    let (mut kind, mut name, mut uri) = (None, None, None);
    let mut keys = KnownKeys::new(REFERENCE);
    reader.object(|reader, key| {
        match keys.admit(key)? {
            Some("type") => kind = Some(string(reader.value()?, REF)?),
            Some("name") => name = Some(reader.value()?),
            Some("uri") => uri = Some(reader.value()?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    match (kind.as_deref(), name, uri) {
        (Some("ref/prompt"), Some(name), None) => Ok((Listed::Prompt, string(name, REF)?)),
        (Some("ref/resource"), None, Some(uri)) => Ok((Listed::Resource, string(uri, REF)?)),
        _ => Err(Malformed::Shape(REF)),
    }
}

/// Parses `params.notifications` of `subscriptions/listen`: the resources and tasks in it. An unknown member may be a
/// switch, but must not name anything.
fn subscriptions(text: &str) -> Result<Vec<(NameKind, Cow<'_, str>)>, Malformed> {
    let mut reader = part(text, SUBSCRIBED)?;
    let mut all = Vec::new();
    let mut keys = KnownKeys::new(SUBSCRIPTIONS);
    reader.object(|reader, key| {
        let kind = match keys.admit(key)? {
            Some(RESOURCES) => NameKind::Listed(Listed::Resource),
            Some(TASKS) => NameKind::Task,
            _ => {
                let switch = matches!(reader.value()?, "true" | "false" | "null");
                return if switch { Ok(()) } else { Err(Malformed::Shape(SUBSCRIBED)) };
            }
        };
        match reader.peek() {
            Some(b'[') => {}
            Some(b'n') => return reader.skip(),
            _ => return Err(Malformed::Shape(SUBSCRIBED)),
        }
        reader.array(|reader| {
            all.push((kind, string(reader.value()?, SUBSCRIBED)?));
            Ok(())
        })
    })?;
    Ok(all)
}

/// A part of a message that must be an object. It has been parsed once, as JSON.
fn part<'b>(text: &'b str, otherwise: &'static str) -> Result<JsonReader<'b>, Malformed> {
    if text.starts_with('{') {
        JsonReader::message(text.as_bytes(), DEPTH)
    } else {
        Err(Malformed::Shape(otherwise))
    }
}

/// Parses `_meta` for the protocol version in it.
fn meta<'b>(reader: &mut JsonReader<'b>) -> Result<Option<&'b str>, Malformed> {
    match reader.peek() {
        Some(b'{') => {}
        Some(b'n') => return reader.skip().map(|()| None),
        _ => return Err(Malformed::Shape("\"_meta\" must be an object")),
    }
    let mut version = None;
    let mut keys = KnownKeys::new(META);
    reader.object(|reader, key| {
        match keys.admit(key)? {
            Some(VERSION) => version = unless_null(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(version)
}

/// A value, unchanged; null counts as absent, for programs that write every member they know.
fn unless_null<'b>(reader: &mut JsonReader<'b>) -> Result<Option<&'b str>, Malformed> {
    reader.value().map(|value| Some(value).filter(|value| *value != NULL))
}

/// An id: a string or an integer. `null` is for answers to unreadable messages, and clients send no such requests.
fn id(value: &str) -> Result<&str, Malformed> {
    let sound = match Text::of(value) {
        Some(text) => text.decode().is_ok(),
        None => value.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()),
    };
    if sound { Ok(value) } else { Err(Malformed::Shape("\"id\" must be a string or an integer")) }
}

fn string<'b>(value: &'b str, otherwise: &'static str) -> Result<Cow<'b, str>, Malformed> {
    Text::of(value).ok_or(Malformed::Shape(otherwise))?.decode()
}

#[cfg(test)]
mod tests;
