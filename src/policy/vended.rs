//! What a token of the gateway's own names of its owner's rights (RFC 9396): it grants nothing, it only takes away.
//! Not here: whose rights these are (see `compiled`); the decision (see `decide`).

use serde::{Deserialize, Serialize};

use super::entry::Scope;
use super::names::{NameSet, is_wildcard};
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
    /// Says everything it means: without methods, those that list and call the tools it names; without tools, all of them.
    #[must_use]
    pub fn complete(self) -> Self {
        let all = || vec![ALL.to_owned()];
        let for_tools = || FOR_TOOLS.map(str::to_owned).to_vec();
        let methods = self.methods.unwrap_or_else(if self.tools.is_some() { for_tools } else { all });
        Self { methods: Some(methods), tools: Some(self.tools.unwrap_or_else(all)), ..self }
    }

    /// Whether it names a method.
    pub fn uses(&self, method: &str) -> bool {
        let methods = self.methods.iter().flatten();
        methods.map(String::as_str).any(|named| named == method || is_wildcard(named))
    }

    fn written(&self) -> RawEntry {
        let Self { server, methods, tools, .. } = self.clone().complete();
        let names = |list: Option<Vec<String>>| list.unwrap_or_default().into_iter().collect::<NameSet>();
        RawEntry {
            server: Some(server),
            methods: names(methods),
            tools: names(tools),
            prompts: None,
            resources: None,
            when: None,
            agents: None,
        }
    }
}
