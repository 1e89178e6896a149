//! How a server is named on the command line. Not here: finding it (see `servers`).

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::sys::address::web_url;

/// A server: one with a name here, or any address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServerRef {
    /// By its name, behind the gateway of `REGISTRY_URL`.
    ByName(String),
    /// By its address. Below `REGISTRY_URL` it is the server with that name, and so it is if the user logged in to
    /// this very address; anywhere else it gets nothing.
    ByUrl(Url),
}

impl FromStr for ServerRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.contains("://") {
            return Ok(Self::ByName(text.into()));
        }
        web_url(text).map(Self::ByUrl).map_err(|e| e.to_string())
    }
}

impl fmt::Display for ServerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByName(name) => f.write_str(name),
            Self::ByUrl(url) => f.write_str(url.host_str().unwrap_or_default()),
        }
    }
}
