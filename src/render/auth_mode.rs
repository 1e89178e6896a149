//! The ways in which a client comes by a server's headers: `--auth-mode`. It leaves what the client is told to `secrets`.

use std::fmt;

/// Where a client has the headers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// From its file, which has the tokens in it as they are now.
    Inline,
    /// From a command that it runs.
    Helper,
    /// It has none: it starts our bridge, which speaks to the server.
    Bridge,
    /// It has none: it speaks to our bridge on this machine, which must be running.
    Proxy,
    /// From variables of its environment, as they are when it starts.
    Env,
}

impl AuthMode {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Inline, Self::Helper, Self::Bridge, Self::Proxy, Self::Env];

    /// As `--auth-mode` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Helper => "helper",
            Self::Bridge => "bridge",
            Self::Proxy => "proxy",
            Self::Env => "env",
        }
    }

    /// What `--auth-mode` means by a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|secrets| secrets.name() == name)
    }

    /// Whether the client's file has something in it that others must not read.
    pub fn are_in_the_file(self) -> bool {
        matches!(self, Self::Inline | Self::Proxy)
    }

    /// Whether a new token makes the file an old one.
    pub fn embeds_tokens(self) -> bool {
        self == Self::Inline
    }

    /// Whether the client starts us.
    pub fn spawns_mcpauth(self) -> bool {
        matches!(self, Self::Helper | Self::Bridge)
    }
}

impl fmt::Display for AuthMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
