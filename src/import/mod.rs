//! Takes the secrets out of clients' files and into the user's store, and gives the clients entries that ask mcpauth. Not here:
//! the store (see `store`); clients and their files (see `clients`); asking (see `cli`).

mod cut;
mod find;
mod keep;
mod login;
mod plan;
mod put_back;
mod reach;
mod record;
mod rest;
mod take;

use std::path::{Path, PathBuf};

pub(crate) use self::find::EntrySecret;
pub(crate) use self::plan::Becomes;
pub(crate) use self::put_back::{PutBack, WayBack, put_back};
pub(crate) use self::record::{ImportRecord, ImportedEntry, lock, records};
pub(crate) use self::take::{ImportOutcome, TakenEntry, take};
use crate::clients::{ClientFile, Clients};
use crate::config::Config;
use crate::error::Error;
use crate::store::{Storage, Store};

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
    /// Copies of clients' files that mcpauth or the clients made, with secrets in them.
    pub(crate) copies: Vec<FoundCopy>,
    pub(crate) unreadable: Vec<(PathBuf, Error)>,
}

impl Findings {
    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.copies.is_empty()
    }
}

/// A copy of a client's file.
#[derive(Debug)]
pub(crate) struct FoundCopy {
    pub(crate) client: &'static str,
    pub(crate) path: PathBuf,
    /// The file that it is a copy of.
    pub(crate) of: PathBuf,
}

/// Looks at every file of the selected clients, in the user's folders and in `folder`.
pub(crate) fn look(config: &Config, folder: &Path, is_meant: impl Fn(&str) -> bool) -> Findings {
    let mut all = Clients::without_servers(config).everywhere(folder, is_meant);
    let store = Store::new(&config.tokens_dir, &config.user_tokens_dir, Storage::File);
    let known = store.secret_servers().unwrap_or_default();
    let has_stored = |name: &str| known.iter().any(|known| known.eq_ignore_ascii_case(name));
    let mut entries = Vec::new();
    for (at, file) in all.files.iter_mut().enumerate() {
        fill_in(file);
        for (name, entry) in file.entries() {
            let secrets = find::secrets(entry);
            let planned = match file.written(name).filter(|_| !secrets.is_empty()) {
                Some(record) => Some(plan::written_by_us(file.target, record, &config.tokens_dir)),
                None => plan::plan(entry, &secrets),
            };
            // A file that came with a folder may not name its way to what is stored.
            let is_its = || file.is_users && has_stored(name);
            let planned = planned.or_else(|| plan::stored(entry).filter(|_| is_its()));
            if let Some(becomes) = planned {
                entries.push(FoundEntry { file: at, name: name.into(), secrets, becomes });
            }
        }
    }
    let mut copies: Vec<FoundCopy> = Vec::new();
    for (of, copy) in &mut all.copies {
        fill_in(copy);
        let is_new = copies.iter().all(|known| known.path != copy.path);
        if is_new && copy.entries().any(|(_, entry)| !find::secrets(entry).is_empty()) {
            copies.push(FoundCopy { client: copy.target.client, path: copy.path.clone(), of: of.clone() });
        }
    }
    Findings { files: all.files, entries, copies, unreadable: all.unreadable }
}

/// Reads entries as their client does where an input's default is a secret.
fn fill_in(file: &mut ClientFile) {
    let is_secret = |input: &&crate::render::InputDefault| {
        let name = if input.is_password { "password" } else { &input.id };
        find::is_secret(name, &input.default)
    };
    let inputs: Vec<_> = file.inputs().iter().filter(is_secret).cloned().collect();
    inputs.iter().for_each(|input| file.fill_in(input));
}
