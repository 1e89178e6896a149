//! Whether the files with secrets in them are private, whole and ours. It leaves what is in a good token file to `tokens`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::Config;
use crate::credential::CredentialId;
use crate::doctor::finding::{Finding, Fix};
use crate::error::Error;
use crate::render;
use crate::store::{Storage, Store, StoreError};
use crate::sys::private_file::{self, FileError};
use crate::vault::VaultError;

const MODE: &str = "files.mode";
const LINK: &str = "files.link";
/// A younger file may be one that somebody is writing right now.
const LEFT_BEHIND: Duration = Duration::from_secs(60);

pub(super) fn check(config: &Config) -> Vec<Finding> {
    let dir = &config.tokens_dir;
    let mut findings = folder(dir);
    findings
        .extend(config.state_dir.iter().map(|dir| dir.join("installed.json")).flat_map(|path| open(&path)));
    findings.extend(leftovers(config));
    if findings.is_empty() {
        let text = if dir.is_dir() { "is private, and so is everything in it" } else { "is not there yet" };
        findings.push(Finding::ok(MODE, format!("{} {text}", dir.display())));
    }
    findings.extend(broken(config));
    findings
}

/// The token files in `dir`, by the registry's scripts' names. Clients' configurations and agents' files are there as well.
pub(super) fn is_token(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    CredentialId::parse(name, "").is_some()
}

/// The tokens directory and everything in it; the locks have a folder of their own there.
fn folder(dir: &Path) -> Vec<Finding> {
    if private_file::is_symlink(dir) {
        return vec![link(dir)];
    }
    let mut findings: Vec<Finding> = open(dir).into_iter().collect();
    for path in entries(dir) {
        if private_file::is_symlink(&path) {
            findings.push(link(&path));
        } else if path.is_file() || path.ends_with(".locks") {
            findings.extend(open(&path));
        }
    }
    findings
}

fn link(path: &Path) -> Finding {
    let error = FileError::Symlink(path.into());
    Finding::problem(LINK, error.to_string(), error.hint())
        .because("someone could make us read or write their file, so mcpauth follows no link here")
}

/// A problem, if others may do anything with a file or folder that is there.
fn open(path: &Path) -> Option<Finding> {
    let mode = private_file::mode(path).filter(|mode| mode & 0o077 != 0)?;
    let closed = if path.is_dir() { "700" } else { "600" };
    let text = format!("{} can be used by others (mode {mode:o})", path.display());
    Some(
        Finding::problem(MODE, text, format!("chmod {closed} {}", path.display()))
            .fixed_by(Fix::Close(path.into())),
    )
}

/// What a killed run left of a file it was writing, wherever mcpauth writes.
fn leftovers(config: &Config) -> Vec<Finding> {
    let mut folders: Vec<PathBuf> = vec![config.tokens_dir.clone()];
    folders.extend(config.state_dir.clone());
    // What is wrong with our memory of the clients' files is another finding.
    let records = config.state_dir.iter().flat_map(|dir| render::records(dir).unwrap_or_default());
    folders.extend(records.filter_map(|record| record.path.parent().map(Path::to_owned)));
    folders.sort();
    folders.dedup();
    let left = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(".mcpauth-")
            && name.ends_with(".tmp")
            && !private_file::is_symlink(path)
            && private_file::age(path).is_some_and(|age| age >= LEFT_BEHIND)
    };
    let found = folders.iter().flat_map(|folder| entries(folder)).filter(left);
    found.map(leftover).collect()
}

/// One with a credential in it is no litter: the next run that wants the credential takes it up.
fn leftover(path: PathBuf) -> Finding {
    let shown = path.display();
    let token = private_file::target(&path).filter(|target| is_token(target));
    if token.is_some_and(|_| Store::is_whole(&path)) {
        let text = format!("{shown} holds a credential that a killed run had not yet put in its place");
        return Finding::warn("files.leftover", text, "mcpauth refresh --once --force");
    }
    let text = format!("{shown} was left behind by a run that was killed");
    Finding::warn("files.leftover", text, format!("rm {shown}")).fixed_by(Fix::Remove(path))
}

/// Token files that cannot be read for what is in them. Their modes are another finding.
fn broken(config: &Config) -> Vec<Finding> {
    let store = Store::new(&config.tokens_dir, Storage::File);
    let files = store.files().into_iter().filter(|path| is_token(path));
    let failed = files.filter_map(|path| match store.read_file(&path) {
        Err(
            error @ (StoreError::Format { .. }
            | StoreError::File(FileError::Strange { .. } | FileError::Io { .. })),
        ) => Some(error),
        _ => None,
    });
    failed
        .map(|error| {
            Finding::error("files.broken", &Error::from(VaultError::from(error)), "mcpauth generate")
        })
        .collect()
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
