//! The ways in which a client comes by a server's headers: `--secrets`. It leaves what the client is told to `secrets`.

use std::fmt;

/// Where a client has the headers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
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

impl Secrets {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Inline, Self::Helper, Self::Bridge, Self::Proxy, Self::Env];

    /// As `--secrets` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Helper => "helper",
            Self::Bridge => "bridge",
            Self::Proxy => "proxy",
            Self::Env => "env",
        }
    }

    /// What `--secrets` means by a word.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|secrets| secrets.name() == name)
    }

    /// Whether the client's file has something in it that others must not read.
    pub fn are_in_the_file(self) -> bool {
        matches!(self, Self::Inline | Self::Proxy)
    }

    /// Whether a new token makes the file an old one.
    pub fn grow_old(self) -> bool {
        self == Self::Inline
    }

    /// Whether the client starts us.
    pub fn start_us(self) -> bool {
        matches!(self, Self::Helper | Self::Bridge)
    }
}

impl fmt::Display for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
