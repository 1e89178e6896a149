//! What an entry of the policy must have for a call. It leaves which entries there are to `entry`.

use super::{Call, Listed};
use crate::mcp::methods::{self, MethodSubject, NameKind};

/// What an entry must have for a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Need<'a> {
    /// To be about the server.
    Presence,
    /// The method.
    Method(&'a str),
    /// The method written out: nobody knows what it names, so that "every method" does not mean it.
    Unknown(&'a str),
    /// The method, and in the same entry the name. A message without a name is allowed only by an entry that restricts none.
    Named(&'a str, Listed, Option<&'a str>),
    /// The method of a message that should say what it is about and does not: an entry that restricts nothing of it.
    Unnamed(&'a str),
}

/// The method of a [`Call::Completion`].
pub(super) const COMPLETE: &str = "completion/complete";

impl<'a> Need<'a> {
    /// What a call needs. The stream of `subscriptions/listen` (2026-07-28) is the GET stream under another name; each
    /// resource it asks about is a `resources/subscribe` and each task a `tasks/get`, for the gateway to decide as well. A
    /// policy knows no tasks: who may use the method may use it on whatever the server lets them.
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
