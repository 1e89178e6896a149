//! The kinds of credential and transport that a server file names. Not here: what the gateway and the clients make of them.

use url::Url;

/// The credential that a server requires (`auth_type`, or `auth_scheme` in newer files).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthType {
    /// None; also if the file does not say.
    #[default]
    None,
    /// A person's or machine's OAuth token.
    Oauth,
    /// An API key.
    ApiKey,
    /// Another kind, such as `bearer` or `basic`.
    Other,
}

/// A server's transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// MCP 2025-03-26 and later: one endpoint.
    StreamableHttp,
    /// MCP 2024-11-05: a stream, and an endpoint for messages that it announces.
    Sse,
}

impl AuthType {
    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "" | "none" => Self::None,
            "oauth" => Self::Oauth,
            "api_key" => Self::ApiKey,
            _ => Self::Other,
        }
    }

    /// In the spelling of the registry's files.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Oauth => "oauth",
            Self::ApiKey => "api_key",
            Self::Other => "other",
        }
    }
}

impl Transport {
    /// In the spelling of clients' files.
    pub fn name(self) -> &'static str {
        match self {
            Self::StreamableHttp => "streamable-http",
            Self::Sse => "sse",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "sse" => Some(Self::Sse),
            "streamable-http" | "streamable_http" | "http" => Some(Self::StreamableHttp),
            _ => None,
        }
    }

    /// Which endpoint a URL is, if it is one.
    pub fn of(url: &Url) -> Option<Self> {
        match url.path().trim_end_matches('/').rsplit('/').next() {
            Some("mcp") => Some(Self::StreamableHttp),
            Some("sse") => Some(Self::Sse),
            _ => None,
        }
    }
}
