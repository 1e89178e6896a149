//! What a token of the gateway's own is to be limited to, as the token endpoint reads it, and the one that stands in
//! for our identity. Not here: getting it (see `exchange`).

use serde_json::json;
use tokio::sync::Mutex;

use crate::oauth::TokenSet;

/// What such a token is to be limited to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Narrowing {
    /// By their names behind the gateway.
    pub(crate) servers: Vec<String>,
    /// The only tools on them.
    pub(crate) tools: Vec<String>,
    /// The only scopes.
    pub(crate) scopes: Vec<String>,
    /// Its lifetime in seconds; the gateway's default if absent.
    pub(crate) seconds: Option<u64>,
    /// Who will hold it.
    pub(crate) agent: Option<String>,
    /// What it is for.
    pub(crate) description: Option<String>,
}

/// The token that stands in for our identity, once it is there.
pub(super) struct Narrowed {
    pub(super) limits: Narrowing,
    pub(super) token: Mutex<Option<TokenSet>>,
}

impl Narrowing {
    /// As the token endpoint reads it (RFC 8693 section 2.1, RFC 9396 section 2).
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        let detail = |server: &String| {
            if self.tools.is_empty() {
                json!({"type": "mcp", "server": server})
            } else {
                json!({"type": "mcp", "server": server, "tools": self.tools})
            }
        };
        let details: Vec<_> = self.servers.iter().map(detail).collect();
        let fields = [
            ("scope", Some(self.scopes.join(" ")).filter(|scope| !scope.is_empty())),
            ("authorization_details", (!details.is_empty()).then(|| json!(details).to_string())),
            ("expires_in", self.seconds.map(|seconds| seconds.to_string())),
            ("agent", self.agent.clone()),
            ("description", self.description.clone()),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}
