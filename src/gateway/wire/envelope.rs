//! What one JSON-RPC message from a client says that a decision needs: read strictly, with one meaning or none.
//! It leaves the headers that mirror it to `mirror`, the decision to `policy`, and parameters to the server.
//!
//! The bytes are forwarded as they came, so a message that another reader could understand differently is refused here.

use std::borrow::Cow;

pub use super::json::Malformed;
use super::json::{Keys, Reader, Text};
pub use super::mirror::Mismatch;
use crate::policy::{Call, Listed};

/// How deep a message may be nested.
const DEPTH: u8 = 64;

/// JSON-RPC's keys.
const KEYS: &[&str] = &["jsonrpc", "id", "method", "params", "result", "error"];

/// The keys of `params` whose case is looked at: those that decide, and those that most messages have.
const PARAMS: &[&str] = &["name", "uri", "taskId", "_meta", "arguments", "cursor"];

/// The keys of `_meta`, likewise.
const META: &[&str] = &[
    VERSION,
    "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/clientInfo",
    "progressToken",
];
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

const NAME: &str = "what the method is about must be named by a string";

/// One JSON-RPC request, notification or response of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope<'b> {
    /// The JSON of `id`, a string or an integer, as it stands; absent from notifications.
    pub id: Option<&'b str>,
    /// The method; absent from responses.
    pub method: Option<Cow<'b, str>>,
    /// The tool, prompt, resource or task the method is about, if it is one of those that are about something.
    pub name: Option<Cow<'b, str>>,
    /// The protocol version in `params._meta` (2026-07-28).
    pub protocol_version: Option<Cow<'b, str>>,
}

/// The members of a message before they are judged together, for they come in any order.
#[derive(Default)]
struct Members<'b> {
    version: Option<&'b str>,
    id: Option<&'b str>,
    method: Option<&'b str>,
    params: Option<Params<'b>>,
    result: bool,
    error: bool,
}

/// The members of `params`, as they stand.
#[derive(Default)]
struct Params<'b> {
    name: Option<&'b str>,
    uri: Option<&'b str>,
    task: Option<&'b str>,
    version: Option<&'b str>,
}

impl<'b> Envelope<'b> {
    /// Reads a whole body.
    ///
    /// # Errors
    /// [`Malformed`], if this is not one JSON-RPC 2.0 message with one meaning.
    pub fn read(body: &'b [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::message(body, DEPTH)?;
        let members = Members::read(&mut reader)?;
        reader.end()?;
        members.judge()
    }

    /// What the policy is asked.
    pub fn call(&self) -> Call<'_> {
        match &self.method {
            Some(method) => Call::Message { method, name: self.name.as_deref() },
            None => Call::Reply,
        }
    }

    /// The list that is asked for, if any.
    pub fn lists(&self) -> Option<Listed> {
        match self.method.as_deref()? {
            "tools/list" => Some(Listed::Tool),
            "prompts/list" => Some(Listed::Prompt),
            "resources/list" => Some(Listed::Resource),
            "resources/templates/list" => Some(Listed::Template),
            _ => None,
        }
    }

    /// Whether an answer is awaited.
    pub fn is_request(&self) -> bool {
        self.method.is_some() && self.id.is_some()
    }

    /// Whether this is a message that has no answer.
    pub fn is_notification(&self) -> bool {
        self.method.is_some() && self.id.is_none()
    }
}

impl<'b> Members<'b> {
    fn read(reader: &mut Reader<'b>) -> Result<Self, Malformed> {
        let mut members = Self::default();
        let mut keys = Keys::of(KEYS);
        reader.object(|reader, key| {
            match keys.admit(key)? {
                Some("jsonrpc") => members.version = Some(reader.value()?),
                Some("id") => members.id = Some(reader.value()?),
                Some("method") => members.method = Some(reader.value()?),
                Some("params") => members.params = Some(Params::read(reader)?),
                other => {
                    members.result |= other == Some("result");
                    members.error |= other == Some("error");
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        Ok(members)
    }

    fn judge(self) -> Result<Envelope<'b>, Malformed> {
        if self.version.and_then(Text::of).map(Text::decode).transpose()?.as_deref() != Some("2.0") {
            return Err(Malformed::Version);
        }
        let id = self.id.map(id).transpose()?;
        let Some(method) = self.method else { return self.reply(id) };
        if self.result || self.error {
            return Err(Malformed::Shape("a request has no \"result\" and no \"error\""));
        }
        let method = string(method, "\"method\" must be a string")?;
        let params = self.params.unwrap_or_default();
        let name = params.about(&method).map(|name| string(name, NAME)).transpose()?;
        if method == "tools/call" && name.is_none() {
            return Err(Malformed::Shape(NAME));
        }
        let version = params.version.map(|version| string(version, "the protocol version must be a string"));
        Ok(Envelope { id, method: Some(method), name, protocol_version: version.transpose()? })
    }

    fn reply(self, id: Option<&'b str>) -> Result<Envelope<'b>, Malformed> {
        if id.is_none() || self.result == self.error || self.params.is_some() {
            return Err(Malformed::Shape(
                "a message has \"method\", or \"id\" and one of \"result\" and \"error\"",
            ));
        }
        Ok(Envelope { id, method: None, name: None, protocol_version: None })
    }
}

impl<'b> Params<'b> {
    fn read(reader: &mut Reader<'b>) -> Result<Self, Malformed> {
        if reader.peek() != Some(b'{') {
            return Err(Malformed::Shape("\"params\" must be an object"));
        }
        let mut params = Self::default();
        let mut keys = Keys::of(PARAMS);
        reader.object(|reader, key| {
            match keys.admit(key)? {
                Some("name") => params.name = Some(reader.value()?),
                Some("uri") => params.uri = Some(reader.value()?),
                Some("taskId") => params.task = Some(reader.value()?),
                Some("_meta") => params.version = meta(reader)?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(params)
    }

    /// What a method is about, as `Mcp-Name` has it. The other methods are about nothing a policy names.
    fn about(&self, method: &str) -> Option<&'b str> {
        match method {
            "tools/call" | "prompts/get" => self.name,
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => self.uri,
            _ if method.starts_with("tasks/") => self.task,
            _ => None,
        }
    }
}

/// Reads `_meta` for the protocol version in it.
fn meta<'b>(reader: &mut Reader<'b>) -> Result<Option<&'b str>, Malformed> {
    if reader.peek() != Some(b'{') {
        return Err(Malformed::Shape("\"_meta\" must be an object"));
    }
    let mut version = None;
    let mut keys = Keys::of(META);
    reader.object(|reader, key| {
        match keys.admit(key)? {
            Some(VERSION) => version = Some(reader.value()?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(version)
}

/// An id: a string or an integer. `null` is for answers to what could not be read, and clients ask for no such answers.
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
