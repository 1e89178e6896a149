//! How a client gets a server's headers: `--auth-mode`. Not here: the client's entry (see `client_entry`).

use std::fmt;

/// Where a client gets the headers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// From its file, which contains the current tokens.
    Inline,
    /// From a command that it runs.
    Helper,
    /// It needs none: it starts the bridge, which connects to the server.
    Bridge,
    /// It needs none: it connects to the bridge on this machine, which must be running.
    Proxy,
    /// From variables of its environment, as they are when it starts.
    Env,
}

impl AuthMode {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Inline, Self::Helper, Self::Bridge, Self::Proxy, Self::Env];

    /// The word for `--auth-mode`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Helper => "helper",
            Self::Bridge => "bridge",
            Self::Proxy => "proxy",
            Self::Env => "env",
        }
    }

    /// Parses a word of `--auth-mode`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|secrets| secrets.name() == name)
    }

    /// Whether the client's file contains something that others must not read.
    pub fn are_in_the_file(self) -> bool {
        matches!(self, Self::Inline | Self::Proxy)
    }

    /// Whether a new token makes the file outdated.
    pub fn embeds_tokens(self) -> bool {
        self == Self::Inline
    }

    /// Whether the client starts mcpauth.
    pub fn spawns_mcpauth(self) -> bool {
        matches!(self, Self::Helper | Self::Bridge)
    }
}

impl fmt::Display for AuthMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
