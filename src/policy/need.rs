//! What an entry of the policy must have to allow a call. Not here: which entries there are (see `entry`).

use super::{Call, Listed};
use crate::mcp::methods::{self, MethodSubject, NameKind};

/// What an entry must have to allow a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Need<'a> {
    /// To be about the server.
    Presence,
    /// The method.
    Method(&'a str),
    /// The method by name: it is unknown what it refers to, so "every method" does not cover it.
    Unknown(&'a str),
    /// The method, and in the same entry the name. A message without a name is allowed only by an entry that
    /// restricts none.
    Named(&'a str, Listed, Option<&'a str>),
    /// The method of a message that should name its subject and does not: only an entry without restrictions on it.
    Unnamed(&'a str),
}

/// The method of a [`Call::Completion`].
pub(super) const COMPLETE: &str = "completion/complete";

impl<'a> Need<'a> {
    /// What a call needs. The stream of `subscriptions/listen` (2026-07-28) counts as the GET stream; each resource
    /// in it is a `resources/subscribe` and each task a `tasks/get`, which the gateway decides as well. A policy
    /// knows no tasks: a caller that may use the method may use it on any task that the server allows.
    pub(super) fn from_call(call: &Call<'a>) -> Self {
        let (method, name) = match *call {
            Call::Message { method, name } => (method, name),
            Call::Completion { listed, name } => return Self::Named(COMPLETE, listed, Some(name)),
            Call::Reply | Call::Stream | Call::EndSession => return Self::Presence,
        };
        match methods::find(method).map(|known| known.about) {
            None => Self::Unknown(method),
            Some(MethodSubject::Lifecycle | MethodSubject::Subscriptions) => Self::Presence,
            Some(MethodSubject::Member(NameKind::Listed(listed), _)) => Self::Named(method, listed, name),
            Some(MethodSubject::Reference) => Self::Unnamed(method),
            Some(
                MethodSubject::Nothing | MethodSubject::List(_) | MethodSubject::Member(NameKind::Task, _),
            ) => Self::Method(method),
        }
    }
}
