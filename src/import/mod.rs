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

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use url::Url;

pub(crate) use self::find::EntrySecret;
pub(crate) use self::plan::Becomes;
pub(crate) use self::put_back::{PutBack, WayBack, put_back};
pub(crate) use self::record::{ImportRecord, ImportedEntry, lock, records};
pub(crate) use self::take::{ImportOutcome, TakenEntry, take};
use crate::clients::{ClientFile, Clients};
use crate::config::Config;
use crate::credential::{CredentialKind, SERVER_URL};
use crate::error::Error;
use crate::store::{Storage, Store};
use crate::sys::place;

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

/// The servers that mcpauth has credentials for, looked up when one is asked for.
struct KnownServers<'a> {
    config: &'a Config,
    addresses: OnceCell<Vec<String>>,
}

impl KnownServers<'_> {
    fn has(&self, url: &Url) -> bool {
        let normal = |text: &str| text.trim_end_matches('/').to_owned();
        let addresses = self.addresses.get_or_init(|| {
            let planned = self.config.plan(&[CredentialKind::Egress], None).into_iter();
            let credentials = planned.filter_map(|flow| flow.credential.ok());
            credentials
                .filter_map(|credential| Some(normal(credential.facts.get(SERVER_URL)?.as_str()?)))
                .collect()
        });
        let gateway = self.config.registry_url.as_deref().and_then(|text| Url::parse(text).ok());
        addresses.contains(&normal(url.as_str()))
            || gateway.is_some_and(|gateway| place::below(&gateway, url).is_some())
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
    let servers = KnownServers { config, addresses: OnceCell::new() };
    let mut entries = Vec::new();
    for (at, file) in all.files.iter_mut().enumerate() {
        fill_in(file, config);
        for (name, entry) in file.entries() {
            let secrets = find::secrets(entry);
            let planned = match file.written(name).filter(|_| !secrets.is_empty()) {
                Some(record) => Some(plan::written_by_us(file.target, record, &config.tokens_dir)),
                None => plan::plan(entry, &secrets),
            };
            // A file that came with a folder may not name its way to what is stored.
            let is_its = || file.is_users && has_stored(name);
            let planned = planned.or_else(|| plan::stored(entry).filter(|_| is_its()));
            let planned = planned.or_else(|| plan::known(entry, |url| file.is_users && servers.has(url)));
            if let Some(becomes) = planned {
                entries.push(FoundEntry { file: at, name: name.into(), secrets, becomes });
            }
        }
    }
    let mut copies: Vec<FoundCopy> = Vec::new();
    for (of, copy) in &mut all.copies {
        fill_in(copy, config);
        let is_new = copies.iter().all(|known| known.path != copy.path);
        if is_new && copy.entries().any(|(_, entry)| !find::secrets(entry).is_empty()) {
            copies.push(FoundCopy { client: copy.target.client, path: copy.path.clone(), of: of.clone() });
        }
    }
    Findings { files: all.files, entries, copies, unreadable: all.unreadable }
}

/// Reads entries as their client does where an input's default, or that of a variable which is not set, is a secret.
fn fill_in(file: &mut ClientFile, config: &Config) {
    let is_secret = |input: &&crate::render::InputDefault| {
        let name = if input.is_password { "password" } else { &input.id };
        find::is_secret(name, &input.default)
    };
    let inputs: Vec<_> = file.inputs().iter().filter(is_secret).cloned().collect();
    inputs.iter().for_each(|input| file.fill_in(input));
    let is_set = |variable: &str| config.of_environment(variable).is_some();
    file.rewrite_texts(&|name, text| find::with_secret_defaults(name, text, is_set));
}
