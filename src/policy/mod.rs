//! Who may do what: [`decide`] is the only place that allows anything, and a [`Permit`] the only proof of it. Pure
//! values, without I/O, clock or async. Not here: HTTP, tokens and files (see `gateway`).
//!
//! `scopes.yml` is parsed (`scopes_yml`) and indexed ([`Policy`]) once; [`Policy::grants`] is computed once for each
//! verified token; [`decide`] and [`ListView`] then only look up.

mod cases;
mod compiled;
mod decide;
mod entry;
mod explain;
mod names;
mod need;
#[cfg(test)]
mod properties;
mod remarks;
mod scopes_yml;
#[cfg(test)]
mod tests;
mod ui;
mod vended;
mod when;

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

pub use self::cases::{CaseOutcome, Cases, no_server};
pub use self::compiled::Policy;
pub use self::decide::{Grants, ListView, ListViews, decide};
pub use self::explain::{Explanation, Overview};
pub use self::scopes_yml::PolicyError;
pub use self::ui::UiAction;
pub use self::vended::{Detail, DetailType, Vended};
use crate::mcp::methods;
pub use crate::mcp::methods::Listed;

/// A caller as its verified token describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Principal {
    /// `iss`, exactly as in the token.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `client_id` or `azp`: the OAuth client the token was issued to.
    pub client_id: Option<String>,
    /// The caller's display name, for logs and identity headers.
    pub username: Option<String>,
    /// Groups as in the token, including paths (`/team/a`).
    pub groups: Vec<String>,
    /// The token's own scopes.
    pub scopes: Vec<String>,
    /// The only servers that the token is for; all, if it is for the gateway.
    pub servers: Option<Vec<String>>,
    /// Every claim, for `when`.
    pub claims: Map<String, Value>,
    /// What of these rights a token of the gateway's own names, if it is one that carries them.
    pub vended: Option<Arc<Vended>>,
}

/// A call to one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call<'a> {
    /// A JSON-RPC request or notification; `name` is the member of its parameters that its method is about ([`methods`]).
    Message {
        /// The method.
        method: &'a str,
        /// The tool, prompt, resource or task it is about.
        name: Option<&'a str>,
    },
    /// `completion/complete`, which itself names a prompt or a resource.
    Completion {
        /// A prompt, a resource or a template.
        listed: Listed,
        /// Its name, URI or URI template.
        name: &'a str,
    },
    /// A JSON-RPC response to a request from the server (sampling, elicitation).
    Reply,
    /// GET: the legacy stream.
    Stream,
    /// DELETE: the end of a legacy session.
    EndSession,
}

/// The line of the policy that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its scope.
    pub scope: Arc<str>,
    /// Its index in the scope, from 1.
    pub entry: usize,
}

/// The proof that a call was allowed. Only [`decide`] creates one.
#[derive(Clone, Debug)]
pub struct Permit {
    rule: Arc<Rule>,
}

/// Why a call was denied; from the most to the least distant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denial {
    /// The policy knows none of the caller's groups and scopes.
    NoScopes,
    /// None of the caller's grants covers this server.
    Server,
    /// The server, but not this method.
    Method,
    /// The method, but not this tool, prompt or resource; or the message names none.
    Name,
}

impl<'a> Call<'a> {
    /// A call in the form that people write: `GET` and `DELETE` are the legacy stream and a session's end, and
    /// without a method it is the one that uses what is named.
    pub fn written(
        method: Option<&'a str>,
        tool: Option<&'a str>,
        prompt: Option<&'a str>,
        resource: Option<&'a str>,
    ) -> Self {
        let named = [(Listed::Tool, tool), (Listed::Prompt, prompt), (Listed::Resource, resource)];
        let named = named.into_iter().find_map(|(kind, name)| Some((kind, name?)));
        match method.or(named.map(|(kind, _)| kind.use_method())).unwrap_or_default() {
            "GET" => Self::Stream,
            "DELETE" => Self::EndSession,
            method => match (methods::find(method).map(|known| known.about), named) {
                (Some(methods::MethodSubject::Reference), Some((listed, name))) => {
                    Self::Completion { listed, name }
                }
                _ => Self::Message { method, name: named.map(|(_, name)| name) },
            },
        }
    }
}

impl Permit {
    /// The rule that allowed it.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.scope, self.entry)
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoScopes => "the policy knows none of the caller's groups or scopes",
            Self::Server => "none of the caller's grants covers this server",
            Self::Method => "the caller may use this server, but not this method",
            Self::Name => "the caller may use this method, but not for this name",
        })
    }
}
