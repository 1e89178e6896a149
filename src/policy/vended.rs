//! What a token of the gateway's own names of its owner's rights (RFC 9396): it grants nothing, it only takes away.
//! Not here: whose rights these are (see `compiled`); the decision (see `decide`).

use serde::{Deserialize, Serialize};

use super::entry::Scope;
use super::names::is_wildcard;
use super::scopes_yml::{EntryLine, RawEntry};

/// A token that the gateway made for somebody who showed one of an issuer's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vended {
    /// `jti`.
    pub token_id: String,
    /// The agent it was made for, if one was named (`act`, RFC 8693 section 4.1).
    pub agent: Option<String>,
    /// The only scopes it names.
    pub scopes: Vec<String>,
    /// The only servers, methods and tools it names; all, if there are none.
    pub details: Option<Vec<Detail>>,
}

/// One element of `authorization_details` (RFC 9396 section 2). Another member is an error: a limit that nobody reads is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detail {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: DetailType,
    /// The server, or `*` for all.
    pub server: String,
    /// The methods; see [`Detail::complete`] for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<String>>,
    /// The tools; see [`Detail::complete`] for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
}

/// The one type of element there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DetailType {
    /// Calls of MCP servers.
    Mcp,
}

/// Everything, as entries write it.
const ALL: &str = "*";
/// What a token for certain tools is for if it names no methods.
const FOR_TOOLS: [&str; 2] = ["tools/list", "tools/call"];

impl Vended {
    /// Whether the token names a scope.
    pub(super) fn names(&self, scope: &str) -> bool {
        self.scopes.iter().any(|named| named == scope)
    }

    /// Its details, indexed as a scope's entries are: they mean what entries mean.
    pub(super) fn bounds(&self) -> Option<Scope> {
        let details = self.details.as_ref()?;
        let lines = (1..).zip(details).map(|(line, detail)| EntryLine { line, written: detail.written() });
        Some(Scope::compile(0, "authorization_details".into(), lines.collect(), &mut Vec::new()))
    }
}

impl Detail {
    /// The same with everything it means: without methods, those that list and call the tools it names; without tools, all of
    /// them.
    #[must_use]
    pub fn complete(&self) -> Self {
        let (methods, tools) = (self.methods().map(str::to_owned).collect(), self.tools().map(str::to_owned));
        Self { methods: Some(methods), tools: Some(tools.collect()), ..Self::clone(self) }
    }

    fn methods(&self) -> impl Iterator<Item = &str> {
        let unsaid = if self.tools.is_some() { FOR_TOOLS.as_slice() } else { &[ALL] };
        meant(self.methods.as_ref(), unsaid)
    }

    fn tools(&self) -> impl Iterator<Item = &str> {
        meant(self.tools.as_ref(), &[ALL])
    }

    /// Whether it is for a method.
    pub fn uses(&self, method: &str) -> bool {
        self.methods().any(|named| named == method || is_wildcard(named))
    }

    fn written(&self) -> RawEntry {
        RawEntry {
            server: Some(self.server.clone()),
            methods: self.methods().collect(),
            tools: self.tools().collect(),
            ..RawEntry::default()
        }
    }
}

/// The names in a list, or those that the lack of it means.
fn meant<'d>(
    named: Option<&'d Vec<String>>,
    unsaid: &'static [&'static str],
) -> impl Iterator<Item = &'d str> {
    let unsaid = if named.is_none() { unsaid } else { &[] };
    named.into_iter().flatten().map(String::as_str).chain(unsaid.iter().copied())
}
