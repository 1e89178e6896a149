//! Checks that the files with secrets in them are private, complete and owned by this user. Not here: the content of
//! a token file (see `tokens`).

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::Config;
use crate::credential::CredentialId;
use crate::doctor::finding::{Finding, Fix};
use crate::error::Error;
use crate::render;
use crate::servers;
use crate::store::{Store, StoreError};
use crate::sys::private_file::{self, FileError, Keep};
use crate::text::path_word;
use crate::vault::VaultError;

const MODE: &str = "files.mode";
const LINK: &str = "files.link";
/// The folders that mcpauth makes in a folder of credentials.
const OWN_FOLDERS: [&str; 3] = [".locks", ".registrations", ".secrets"];
/// A younger file may still be being written.
const LEFT_BEHIND: Duration = Duration::from_secs(60);

pub(super) fn check(config: &Config) -> Vec<Finding> {
    let folders = config.folders();
    let mut findings: Vec<Finding> = folders.iter().flat_map(|dir| folder(dir)).collect();
    findings
        .extend(config.state_dir.iter().map(|dir| dir.join("installed.json")).flat_map(|path| open(&path)));
    findings.extend(leftovers(config));
    findings.extend(unwritable(&config.user_tokens_dir));
    if findings.is_empty() {
        findings.extend(folders.iter().map(|dir| {
            let text =
                if dir.is_dir() { "is private, and so is everything in it" } else { "does not exist yet" };
            Finding::ok(MODE, format!("{} {text}", dir.display()))
        }));
    }
    findings.extend(broken(config));
    findings
}

/// The token files in `dir`, by the names that the registry's scripts use. Client configurations and agents' files
/// are there as well.
pub(super) fn is_token(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    CredentialId::parse(name, "").is_some()
}

/// The tokens directory and everything in it; the locks have their own folder there.
fn folder(dir: &Path) -> Vec<Finding> {
    if private_file::is_symlink(dir) {
        return vec![link(dir)];
    }
    let mut findings: Vec<Finding> = open(dir).into_iter().collect();
    for path in entries(dir) {
        if private_file::is_symlink(&path) {
            findings.push(link(&path));
        } else if path.is_file() || OWN_FOLDERS.iter().any(|name| path.ends_with(name)) {
            findings.extend(open(&path));
        }
    }
    findings
}

fn link(path: &Path) -> Finding {
    let error = FileError::Symlink(path.into());
    Finding::problem(LINK, error.to_string(), error.hint())
        .because("mcpauth follows no links here: they could point to another user's files")
}

/// A problem if others have any access to an existing file or folder.
fn open(path: &Path) -> Option<Finding> {
    let mode = private_file::mode(path).filter(|mode| mode & 0o077 != 0)?;
    let closed = if path.is_dir() { "700" } else { "600" };
    let text = format!("{} is accessible to others (mode {mode:o})", path.display());
    Some(
        Finding::problem(MODE, text, format!("chmod {closed} {}", path_word(path)))
            .fixed_by(Fix::Close(path.into())),
    )
}

/// A warning if nothing can be stored in the user's own folder.
fn unwritable(dir: &Path) -> Option<Finding> {
    let there = dir.ancestors().find(|folder| folder.is_dir())?;
    let error = private_file::check_through(&there.join("check"), Keep::Mode).err()?;
    let text = format!("nothing can be stored in {}", dir.display());
    Some(Finding::warn("files.writable", text, error.hint()).because(error.to_string()))
}

/// The drafts that an interrupted run left, wherever mcpauth writes.
fn leftovers(config: &Config) -> Vec<Finding> {
    let mut folders: Vec<PathBuf> = config.folders().into_iter().map(Path::to_owned).collect();
    folders.extend(config.state_dir.clone());
    // A broken record of the clients' files is reported elsewhere.
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

/// A draft with a credential in it is not litter: the next run that needs the credential uses it.
fn leftover(path: PathBuf) -> Finding {
    let shown = path.display();
    let token = private_file::target(&path).filter(|target| is_token(target));
    if token.is_some_and(|_| Store::is_whole(&path)) {
        let text = format!("{shown} holds a credential that an interrupted run did not put in place");
        return Finding::warn("files.leftover", text, "mcpauth refresh --once --force");
    }
    let text = format!("{shown} was left behind by an interrupted run");
    Finding::warn("files.leftover", text, format!("rm {}", path_word(&path))).fixed_by(Fix::Remove(path))
}

/// Token files that cannot be parsed. Their modes are checked separately.
fn broken(config: &Config) -> Vec<Finding> {
    let store = servers::file_store(config);
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
