//! Takes the secrets out of clients' files and into the user's store, and gives the clients entries that ask mcpauth. Not here:
//! the store (see `store`); clients and their files (see `clients`); asking (see `cli`).

mod find;
mod plan;
mod record;
mod remote;
mod take;

use std::path::{Path, PathBuf};

pub(crate) use self::find::EntrySecret;
pub(crate) use self::plan::Becomes;
pub(crate) use self::record::{ImportRecord, PutBack, WayBack, put_back, records};
pub(crate) use self::take::{TakenEntry, take};
use crate::clients::{ClientFile, Clients};
use crate::config::Config;
use crate::error::Error;

/// An entry with secrets, or one that starts mcp-remote.
#[derive(Debug)]
pub(crate) struct FoundEntry {
    /// Which of the files it is in.
    pub(crate) file: usize,
    pub(crate) name: String,
    pub(crate) secrets: Vec<EntrySecret>,
    pub(crate) becomes: Becomes,
}

/// What there is to take.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) files: Vec<ClientFile>,
    pub(crate) entries: Vec<FoundEntry>,
    pub(crate) unreadable: Vec<(PathBuf, Error)>,
}

/// Looks at every file of the selected clients, in the user's folders and in `folder`.
pub(crate) fn look(config: &Config, folder: &Path, is_meant: impl Fn(&str) -> bool) -> Findings {
    let all = Clients::without_servers(config).everywhere(folder, is_meant);
    let mut entries = Vec::new();
    for (at, file) in all.files.iter().enumerate() {
        for (name, entry) in file.entries() {
            let secrets = find::secrets(entry);
            if let Some(becomes) = plan::plan(entry, &secrets) {
                entries.push(FoundEntry { file: at, name: name.into(), secrets, becomes });
            }
        }
    }
    Findings { files: all.files, entries, unreadable: all.unreadable }
}
