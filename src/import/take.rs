//! Stores what an entry holds, tries it, and only then rewrites the client's file. Not here: what is taken (see `plan`); how it is
//! stored (see `keep` and `login`); the way back (see `record`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::find::SecretPlace;
use super::keep::{store_key, store_secrets};
use super::login::store_login;
use super::plan::{Becomes, base_name};
use super::reach::{Reach, bridge, exec, left};
use super::record::{self, FileChange, ImportedEntry, KeptFile};
use super::{Findings, FoundCopy, FoundEntry, rest};
use crate::clients::launch::users_command;
use crate::clients::{ClientFile, Clients};
use crate::config::{Config, login_command};
use crate::error::Error;
use crate::notice::Notices;
use crate::render::{self, AuthMode, ClientEntry, ClientSpec, EntryParts, NewEntry};
use crate::secret::Secret;
use crate::sys::private_file::{self, Keep};
use crate::vault::Vault;

/// The result of an import.
#[derive(Default)]
pub(crate) struct ImportOutcome {
    pub(crate) entries: Vec<TakenEntry>,
    /// The old copies, and why one stays.
    pub(crate) copies: Vec<(PathBuf, Result<(), Error>)>,
    /// Files of other programs that still hold what was taken.
    pub(crate) remaining: BTreeSet<PathBuf>,
}

/// The result of one entry.
pub(crate) struct TakenEntry {
    /// Its place among the findings.
    pub(crate) entry: usize,
    /// The name that it is stored under, or why it stays.
    pub(crate) result: Result<String, Error>,
    /// The command that logs in, if a person has to.
    pub(crate) login: Option<String>,
    /// The files of the replaced program that still hold its login, and why.
    pub(crate) staying: Vec<(PathBuf, String)>,
}

/// An entry that is stored: its place among the findings, what reaches its server, and its new fields.
struct Stored {
    entry: usize,
    reach: Reach,
    fields: Map<String, Value>,
}

/// Takes all of it, file by file.
pub(crate) async fn take(
    found: &Findings,
    config: &Config,
    vault: &Vault,
    out: &dyn Notices,
) -> ImportOutcome {
    let mut taken = ImportOutcome::default();
    let mut new: BTreeMap<&Path, Vec<Stored>> = BTreeMap::new();
    for (at, entry) in found.entries.iter().enumerate() {
        let Some(file) = found.files.get(entry.file) else { continue };
        if matches!(entry.becomes, Becomes::Ours(..)) {
            continue;
        }
        match store(file, entry, at, config, vault).await {
            Ok(stored) => new.entry(file.path.as_path()).or_default().push(stored),
            Err(error) => taken.entries.push(failed(at, error)),
        }
    }
    let mut written: Vec<Stored> = Vec::new();
    // A file with several sets of entries is written once.
    for (path, entries) in new {
        match write(found, path, &entries, config, vault) {
            Ok(()) => written.extend(entries),
            Err(error) => {
                taken.entries.extend(entries.iter().map(|stored| failed(stored.entry, again(&error))));
            }
        }
    }
    // What an entry that stays still needs.
    let needed: BTreeSet<&str> =
        taken.entries.iter().filter_map(|taken| login_of(found, taken.entry)).collect();
    for stored in written {
        let is_needed = login_of(found, stored.entry).is_some_and(|url| needed.contains(url));
        taken.entries.push(settle(stored, is_needed, vault).await);
    }
    // After the others, whose places in the file would change.
    taken.entries.extend(ours(found, config, vault, out));
    taken.copies = found.copies.iter().map(|copy| (copy.path.clone(), put_away(copy, vault))).collect();
    taken.remaining = remaining(found, &taken.entries);
    taken.entries.sort_by_key(|taken| taken.entry);
    taken
}

/// Writes mcpauth's own entries again, without tokens.
fn ours(found: &Findings, config: &Config, vault: &Vault, out: &dyn Notices) -> Vec<TakenEntry> {
    let all = found.entries.iter().enumerate();
    let meant: Vec<_> = all
        .filter_map(|(at, entry)| match entry.becomes {
            Becomes::Ours(target, way) => Some((at, entry, target, way)),
            _ => None,
        })
        .collect();
    if meant.is_empty() {
        return Vec::new();
    }
    let clients = Clients::new(config, &vault.store, out);
    let rewrite = |(at, entry, target, way): (usize, &FoundEntry, &'static ClientSpec, AuthMode)| {
        let written =
            clients.as_ref().map_err(again).and_then(|clients| clients.rewrite(&entry.name, target, way));
        let result = written.map(|()| entry.name.clone());
        TakenEntry { entry: at, result, login: None, staying: Vec::new() }
    };
    meant.into_iter().map(rewrite).collect()
}

/// The same error, for another entry that it keeps from being taken.
fn again(error: &Error) -> Error {
    Error::Repeated { message: error.to_string(), hint: error.hint("mcpauth import"), exit: error.exit() }
}

/// The copies that other programs made of the files that were changed, with a secret in them.
fn remaining(found: &Findings, taken: &[TakenEntry]) -> BTreeSet<PathBuf> {
    let done = taken.iter().filter(|taken| taken.result.is_ok());
    let done: Vec<&FoundEntry> = done.filter_map(|taken| found.entries.get(taken.entry)).collect();
    let secrets: Vec<&Secret> = done.iter().flat_map(|entry| entry.becomes.secrets()).collect();
    let paths: BTreeSet<&Path> =
        done.iter().filter_map(|entry| Some(found.files.get(entry.file)?.path.as_path())).collect();
    paths.into_iter().flat_map(|path| rest::copies_with(path, &secrets)).collect()
}

fn failed(entry: usize, error: Error) -> TakenEntry {
    TakenEntry { entry, result: Err(error), login: None, staying: Vec::new() }
}

/// The address of a server that an entry logs in to.
fn login_of(found: &Findings, entry: usize) -> Option<&str> {
    match &found.entries.get(entry)?.becomes {
        Becomes::Login(plan) => Some(plan.url.as_str()),
        Becomes::Key(_)
        | Becomes::Local(_)
        | Becomes::Stored(_)
        | Becomes::Known(..)
        | Becomes::Ours(..)
        | Becomes::Left(_) => None,
    }
}

/// The last step of a login, after its entry is ours: an old token is renewed, which its program must not notice before, and then
/// that program's files go. A refresh token that rotates must not be used by two.
async fn settle(stored: Stored, is_needed: bool, vault: &Vault) -> TakenEntry {
    let Stored { entry, reach, .. } = stored;
    let mut taken = TakenEntry { entry, result: Ok(reach.name.clone()), login: None, staying: Vec::new() };
    let Some(login) = reach.login else { return taken };
    let command = url::Url::parse(&reach.url).map(|url| login_command(&url, &reach.name)).ok();
    let Some(credential) = login.credential else {
        taken.login = command;
        return taken;
    };
    let renewed = vault.fresh(&credential, login.is_refused).await.map_err(Error::from);
    let why = renewed.as_ref().err().map(|error| format!("the login could not be renewed: {error}"));
    // Otherwise it is asked for again when it is used.
    if renewed.is_err_and(|error| error.needs_person()) {
        taken.login = command;
    }
    let remove = |file: &KeptFile| match &why {
        Some(why) => Some((file.path.clone(), why.clone())),
        None => file.remove().err().map(|error| (file.path.clone(), error.to_string())),
    };
    taken.staying = login.files.iter().filter(|_| !is_needed).filter_map(remove).collect();
    taken
}

/// Puts an old copy of a client's file with the record of that file.
fn put_away(copy: &FoundCopy, vault: &Vault) -> Result<(), Error> {
    let Some(kept) = KeptFile::of(&copy.path) else { return Ok(()) };
    record::remember_copy(&vault.store, copy, kept.clone())?;
    kept.remove()
}

async fn store(
    file: &ClientFile,
    entry: &FoundEntry,
    at: usize,
    config: &Config,
    vault: &Vault,
) -> Result<Stored, Error> {
    let base = base_name(&entry.name, &entry.becomes);
    if !matches!(entry.becomes, Becomes::Left(_)) {
        // What is stored for a file that cannot change is of no use to anybody.
        private_file::check_through(&file.path, Keep::Mode)?;
    }
    let reach = match &entry.becomes {
        Becomes::Key(plan) => store_key(&base, plan, config, vault).await?,
        Becomes::Local(plan) => store_secrets(&base, plan, config, vault).await?,
        Becomes::Login(plan) => store_login(&base, plan, config, vault).await?,
        Becomes::Stored(words) => exec(&base, words, Vec::new()),
        Becomes::Known(url, rest) => bridge(&base, url, rest),
        Becomes::Ours(..) => return Err(left("it is mcpauth's own")),
        Becomes::Left(why) => return Err(left(why)),
    };
    let fields = after(file, entry, config, &reach)?;
    Ok(Stored { entry: at, reach, fields })
}

/// The entry's fields afterwards, in its client's own words.
fn after(
    file: &ClientFile,
    entry: &FoundEntry,
    config: &Config,
    reach: &Reach,
) -> Result<Map<String, Value>, Error> {
    let Some((_, parts)) = file.entries().find(|(name, _)| *name == entry.name) else {
        return Err(left("it is gone"));
    };
    let is_helped = reach.may_help && file.target.best() == AuthMode::Helper && !parts.url().is_empty();
    let mut command = users_command(config)?;
    let helper = is_helped.then(|| {
        let words: Vec<String> =
            command.iter().cloned().chain(["headers".into(), reach.name.clone()]).collect();
        render::shell_line(&words)
    });
    command.extend(reach.words.iter().cloned());
    let is_sse = parts.0.get("type").and_then(Value::as_str) == Some("sse");
    let told = ClientEntry {
        name: entry.name.clone(),
        url: if is_helped { reach.url.clone() } else { String::new() },
        transport: if is_sse { "sse".into() } else { "streamable-http".into() },
        headers: Vec::new(),
        variables: Vec::new(),
        command: if is_helped { Vec::new() } else { command },
        helper,
    };
    let templates = config.config_dir.as_ref().map(|dir| dir.join("templates"));
    let rendered = render::render(file.target, &[told], templates.as_deref())?;
    let fields = file.target.entries(&rendered.json).and_then(|entries| Some(entries.first()?.1.clone()));
    let fields = fields.unwrap_or_default();
    let is_used = |name: &str| reach.used.iter().any(|used| used.eq_ignore_ascii_case(name));
    let without = parts.with_variables(|name| !is_used(name));
    let was = EntryParts(&without);
    let mut kept = if is_helped { was.with_headers(|name| !is_used(name)) } else { without.clone() };
    for secret in &entry.secrets {
        if let SecretPlace::Member(path) = &secret.place {
            kept.shift_remove(path.split('.').next().unwrap_or_default());
        }
    }
    Ok(render::overlaid(file.target, kept, &fields, is_helped))
}

/// Writes a file with all its new entries; what it was is recorded before.
fn write(found: &Findings, path: &Path, new: &[Stored], config: &Config, vault: &Vault) -> Result<(), Error> {
    let Some(first) = found.files.iter().find(|file| file.path == path) else { return Ok(()) };
    let _lock = config.state_dir.as_deref().map(render::lock).transpose()?;
    // Its client may have written it meanwhile.
    if render::read_file(path)?.as_deref() != Some(first.text.as_str()) {
        return Err(record::changed());
    }
    let (mut text, mut entries) = (first.text.clone(), Vec::new());
    for Stored { entry, reach, fields } in new {
        let Some((file, name)) = place(found, *entry) else { continue };
        let change = NewEntry { name: name.into(), fields: Some(fields.clone()) };
        let changed = file.with_layout(|layout| {
            let before = render::entry_in(&text, layout, name)?.unwrap_or_default();
            Ok((before, render::rewrite(&text, layout, &[change])?))
        });
        let (before, changed) = changed.map_err(|source| broken(path, source))?;
        text = changed;
        let filled = file.inputs().iter().filter(|input| file.filled(name).contains(&input.id));
        let files = reach.login.iter().flat_map(|login| &login.files);
        entries.push(ImportedEntry {
            root: file.root.clone(),
            name: name.into(),
            before,
            after: fields.clone(),
            files: files.cloned().collect(),
            inputs: filled.map(|input| (input.id.clone(), input.default.clone())).collect(),
            removed: false,
        });
    }
    for file in found.files.iter().filter(|file| file.path == path) {
        text = without_defaults(found, file, new, &text).map_err(|source| broken(path, source))?;
    }
    record::remember(&vault.store, &FileChange { file: first, text: &text, entries })?;
    Ok(private_file::write_through(path, &text, Keep::Mode)?)
}

fn broken(path: &Path, source: render::MergeError) -> render::RenderError {
    render::RenderError::Merge { path: path.into(), source }
}

/// An entry's file and name.
fn place(found: &Findings, entry: usize) -> Option<(&ClientFile, &str)> {
    let entry = found.entries.get(entry)?;
    Some((found.files.get(entry.file)?, entry.name.as_str()))
}

/// The text without the defaults of inputs that no entry needs any more.
fn without_defaults(
    found: &Findings,
    file: &ClientFile,
    new: &[Stored],
    text: &str,
) -> Result<String, render::MergeError> {
    let is_taken = |name: &str| {
        let mut places = new.iter().filter_map(|stored| place(found, stored.entry));
        places.any(|(known, taken)| std::ptr::eq(known, file) && taken == name)
    };
    let users = |id: &String| file.entries().filter(|(name, _)| file.filled(name).contains(id)).count();
    let left =
        |id: &String| file.entries().any(|(name, _)| file.filled(name).contains(id) && !is_taken(name));
    let ids = file.inputs().iter().map(|input| &input.id).filter(|id| users(id) > 0 && !left(id));
    let defaults: Vec<(&str, Option<&str>)> = ids.map(|id| (id.as_str(), None)).collect();
    if defaults.is_empty() {
        return Ok(text.into());
    }
    file.with_layout(|layout| render::with_defaults(text, layout, &defaults))
}
