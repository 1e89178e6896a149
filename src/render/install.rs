//! Puts a configuration where its client looks: merged, recorded, with one backup of the original file. Not here:
//! what changes in the text (see `merge`); the record's format (see `ownership`).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::auth_mode::AuthMode;
use super::merge::{self, Change, EntryClaims, Merged, ReachedAddress};
use super::ownership::{self, InstallRecord};
use super::targets::{ClientSpec, Format};
use super::template::Rendered;
use super::{MergeError, RenderError, unreadable};
use crate::sys::private_file::{self, Keep};
use crate::sys::regular_file;

/// The largest client file that is read, in bytes; some contain whole conversations.
const MAX_CLIENT_FILE_BYTES: u64 = 256 << 20;

/// Whose file it is, and its record.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    /// The client's file, which may be a link.
    pub path: &'a Path,
    /// The client.
    pub target: &'a ClientSpec,
    /// How it gets the headers.
    pub auth_mode: AuthMode,
    /// Servers that are not rendered this time: our entries with these names stay unchanged.
    pub left_out: &'a BTreeSet<String>,
    /// Where the rendered servers are, by name.
    pub addresses: &'a BTreeMap<String, ReachedAddress>,
    /// The user's entries that mcpauth takes over, by name.
    pub adopted: &'a BTreeSet<String>,
    /// The rendered servers whose credentials are the user's own.
    pub users: &'a BTreeSet<String>,
    /// The tokens directory they come from.
    pub tokens_dir: &'a Path,
    /// Where the record is stored.
    pub state_dir: &'a Path,
}

/// What [`install`] did, or would do.
#[derive(Debug)]
pub struct Installed {
    /// The file.
    pub path: PathBuf,
    /// Entry by entry.
    pub changes: Vec<Change>,
    /// Whether the file was written, or would be.
    pub changed: bool,
    /// Whether others could read a secret of ours in it.
    pub exposed: bool,
    /// The backup, if this change was the first.
    pub backup: Option<PathBuf>,
}

/// Whether files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// Only report what would change.
    Yes,
    /// Do it.
    No,
}

/// Writes a whole configuration, among our own files.
///
/// # Errors
/// [`RenderError::File`].
pub fn write_local(path: &Path, rendered: &Rendered) -> Result<Installed, RenderError> {
    // A file that others can read fails here, and is replaced by a private one.
    let same = private_file::read(path).is_ok_and(|text| text.as_deref() == Some(rendered.text.expose()));
    if !same {
        create_parent(path)?;
        private_file::write(path, rendered.text.expose())?;
    }
    let path = path.to_owned();
    Ok(Installed { path, changes: Vec::new(), changed: !same, exposed: false, backup: None })
}

/// Merges a configuration into a client's own file, and records which entries are ours. Before its first change the
/// file is copied to `<file>.mcpauth-backup`.
///
/// # Errors
/// [`RenderError::Merge`] and [`RenderError::Unreadable`], with the client's file unchanged; [`RenderError::File`].
pub fn install(to: &Destination<'_>, rendered: &Rendered, dry_run: DryRun) -> Result<Installed, RenderError> {
    let path = std::path::absolute(to.path).map_err(|e| unreadable(to.path, &e))?;
    let lock = match dry_run {
        DryRun::Yes => None,
        DryRun::No => Some(lock(to.state_dir)?),
    };
    let before = ownership::read_record(to.state_dir, &path)?;
    let owned = before.as_ref().map(|record| record.entries.clone()).unwrap_or_default();
    let existing = read_file(&path)?;
    let older = to.target.hides.map(|name| path.with_file_name(name));
    if let Some(older) = older.filter(|older| existing.is_none() && older.is_file()) {
        return Err(RenderError::Hides { path, older });
    }
    let others = other_projects(to, before.as_ref());
    let (staying, owned) =
        owned.into_iter().partition(|name| to.left_out.contains(name) || others.contains(name));
    let claims = EntryClaims { owned, addresses: to.addresses.clone(), adopted: to.adopted.clone() };
    let mut merged = merged(existing.as_deref(), to.target, rendered, &claims)
        .map_err(|source| RenderError::Merge { path: path.clone(), source })?;
    merged.owned.extend::<BTreeSet<String>>(staying);

    let altered = merged.changes.iter().any(Change::alters);
    // A file with secrets that others can read is rewritten, which makes it private.
    let exposed =
        to.auth_mode.are_in_the_file() && !merged.owned.is_empty() && private_file::is_exposed(&path);
    let mut installed =
        Installed { changed: altered || exposed, exposed, backup: None, changes: merged.changes, path };
    if dry_run == DryRun::Yes {
        return Ok(installed);
    }
    if installed.changed {
        let path = &installed.path;
        create_parent(path)?;
        installed.backup = existing.map(|text| back_up(path, &text)).transpose()?.flatten();
        let holds_secrets = to.auth_mode.are_in_the_file() && !merged.owned.is_empty();
        let keep = if holds_secrets { Keep::Closed } else { Keep::Mode };
        private_file::write_through(path, &merged.text, keep)?;
    }
    let now = InstallRecord {
        path: installed.path.clone(),
        client: Some(to.target.client.into()),
        auth_mode: to.auth_mode,
        tokens_dir: Some(if others.is_empty() {
            to.tokens_dir.into()
        } else {
            other_dir(before.as_ref(), to)
        }),
        users: merged.owned.intersection(to.users).cloned().collect(),
        entries: merged.owned,
    };
    // A client without entries stays recorded once it was, and gets the next one.
    if before.as_ref() != Some(&now) && (before.is_some() || !now.entries.is_empty()) {
        ownership::remember(to.state_dir, now)?;
    }
    drop(lock);
    Ok(installed)
}

/// The entries of another project in this file. They stay if only the user's own servers are rendered: those are the
/// same in every folder, and installing them in one says nothing about another.
fn other_projects(to: &Destination<'_>, before: Option<&InstallRecord>) -> BTreeSet<String> {
    let only_users = to.addresses.keys().all(|name| to.users.contains(name));
    let Some(before) = before.filter(|before| only_users && before.is_of_other_project(to.tokens_dir)) else {
        return BTreeSet::new();
    };
    before.entries.difference(&before.users).cloned().collect()
}

fn other_dir(before: Option<&InstallRecord>, to: &Destination<'_>) -> PathBuf {
    before.and_then(|before| before.tokens_dir.clone()).unwrap_or_else(|| to.tokens_dir.into())
}

/// Forgets that a file was installed to.
///
/// # Errors
/// [`RenderError::Unreadable`], [`RenderError::File`].
pub fn forget(state_dir: &Path, path: &Path) -> Result<(), RenderError> {
    let _lock = lock(state_dir)?;
    ownership::forget(state_dir, path)
}

/// Waits until no other mcpauth writes clients' files, or the record of them: each would lose what the other wrote.
///
/// # Errors
/// [`RenderError::Unreadable`], [`RenderError::File`].
pub fn lock(state_dir: &Path) -> Result<fs::File, RenderError> {
    private_file::create_dir(state_dir)?;
    let at = state_dir.join("installed.lock");
    let lock = private_file::open_lock(&at)?;
    lock.lock().map_err(|e| unreadable(&at, &e))?;
    Ok(lock)
}

/// [`merge::merge`], and for a new file the template itself: some clients need more than entries in it.
fn merged(
    existing: Option<&str>,
    target: &ClientSpec,
    rendered: &Rendered,
    claims: &EntryClaims,
) -> Result<Merged, MergeError> {
    let mut merged = merge::merge(existing, target, &rendered.json, claims)?;
    if existing.is_none() && target.format != Format::Json && !merged.owned.is_empty() {
        merged.text = format!("{}\n", rendered.text.expose());
    }
    Ok(merged)
}

/// Where the copy of a client's file is that is made before the first change.
pub fn backup_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(".mcpauth-backup");
    path.with_file_name(name)
}

/// Backs up the file as it was before us; later states contain our changes.
fn back_up(path: &Path, text: &str) -> Result<Option<PathBuf>, RenderError> {
    let backup = backup_of(path);
    if fs::symlink_metadata(&backup).is_ok() {
        return Ok(None);
    }
    private_file::write(&backup, text)?;
    Ok(Some(backup))
}

fn create_parent(path: &Path) -> Result<(), RenderError> {
    // An existing folder keeps its mode: it is the client's, not ours.
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() && !parent.is_dir() => {
            Ok(private_file::create_dir(parent)?)
        }
        _ => Ok(()),
    }
}

/// The client's file, including its byte order mark; `None` if there is none.
///
/// # Errors
/// [`RenderError::Unreadable`].
pub fn read_file(path: &Path) -> Result<Option<String>, RenderError> {
    match regular_file::read(path, MAX_CLIENT_FILE_BYTES) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unreadable(path, &e)),
        Ok(bytes) => {
            String::from_utf8(bytes).map(Some).map_err(|_| unreadable(path, &regular_file::NOT_TEXT))
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
