//! What an entry comes to once what it held is stored: the name, the command, the login. Not here: storing (see `keep` and `login`);
//! the entry's new fields (see `take`).

use url::Url;

use super::record::KeptFile;
use crate::credential::Credential;
use crate::error::Error;

/// How many names are tried for a server.
const NAMES: usize = 50;

/// The names that something may be stored under.
pub(super) fn names(base: &str) -> impl Iterator<Item = String> {
    std::iter::once(base.to_owned()).chain((2..NAMES).map(move |n| format!("{base}-{n}")))
}

/// Why none of them is free.
pub(super) fn no_name() -> Error {
    left("too many servers have this name")
}

/// What an entry's client needs to reach the server.
pub(super) struct Reach {
    pub(super) name: String,
    pub(super) url: String,
    /// The words after `mcpauth`.
    pub(super) words: Vec<String>,
    /// Variables and headers that are no longer needed.
    pub(super) used: Vec<String>,
    /// Whether the client may ask for headers instead of starting the bridge.
    pub(super) may_help: bool,
    /// The login that it needs.
    pub(super) login: Option<TakenLogin>,
}

/// The login at a server.
pub(super) struct TakenLogin {
    /// The credential; `None` if there is no login yet.
    pub(super) credential: Option<Credential>,
    /// The server refused its token: only another one helps.
    pub(super) is_refused: bool,
    /// The files of mcp-remote as they were when the login was taken. They are of no use once it is ours.
    pub(super) files: Vec<KeptFile>,
}

/// The command with the secrets that are stored under a name; `used` are those of the entry's variables that are among them.
pub(super) fn exec(name: &str, words: &[String], used: Vec<String>) -> Reach {
    let start = ["exec".to_owned(), name.to_owned(), "--".to_owned()].into_iter();
    let words = start.chain(words.iter().cloned()).collect();
    Reach { name: name.into(), url: String::new(), words, used, may_help: false, login: None }
}

/// The bridge to a server whose credential is stored already.
pub(super) fn bridge(name: &str, url: &Url, rest: &[String]) -> Reach {
    let words = ["bridge".to_owned(), url.to_string()].into_iter().chain(rest.iter().cloned()).collect();
    Reach { name: name.into(), url: url.to_string(), words, used: Vec::new(), may_help: false, login: None }
}

/// Why an entry stays as it is.
pub(super) fn left(why: &str) -> Error {
    Error::Usage { message: why.into(), hint: "remove it by hand; mcpauth doctor lists what is left".into() }
}
