//! Changes the registry's folder as the registry does: switches a server on or off, adds a file, changes one, removes
//! one. Each file is replaced whole, unknown members and the layout are kept, and any other program that changes the
//! folder with this program waits.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use serde_json::{Map, Value};
use thiserror::Error;

use super::{MAX_FILE_BYTES, Profile, RegisteredServer, Registry, STATE, ServerFile, exists, members};
use crate::sys::{public_file, regular_file};

/// The members with an address.
const ADDRESSES: [&str; 4] = ["proxy_pass_url", "proxy_target_url", "mcp_endpoint", "sse_endpoint"];

/// The longest path of a server: its file is named by it.
const LONGEST_PATH: usize = 200;

/// Why the folder is as it was.
#[derive(Debug, Error)]
pub enum EditError {
    /// The system's no.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A file cannot be changed because of what is in it, or because it cannot be read.
    #[error("the file {file} {what}; the person who maintains the folder must correct it first")]
    Malformed {
        /// Its name.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// What is to be added cannot be a server.
    #[error("{0}")]
    Server(String),
    /// A server with this path or a file of this name is there.
    #[error("a server with the path /{0} is there already")]
    Exists(String),
    /// No file describes it.
    #[error("no file describes this server")]
    NoFile,
    /// Another process changed the file.
    #[error("the file changed since you opened it; open it again")]
    Changed,
}

/// A server's file, opened to be changed.
pub struct OpenedFile {
    /// All that is in it.
    pub members: Map<String, Value>,
    /// Differs when anything in it does.
    pub version: String,
}

/// Switches a server on or off, by its path as its file has it.
pub fn switch(dir: &Path, path: &str, on: bool) -> Result<(), EditError> {
    let _turn = Turn::wait(dir)?;
    state(dir, path, Some(on))
}

/// Adds a server, switched off; gives its name.
pub fn add(dir: &Path, members: Map<String, Value>) -> Result<String, EditError> {
    let text = serde_json::to_string_pretty(&members).map_err(io::Error::from)? + "\n";
    let file: ServerFile =
        serde_json::from_str(&text).map_err(|error| EditError::Server(error.to_string()))?;
    let server = fit(file, &members)?;
    let place = dir.join(format!("{}.json", server.name.replace('/', "_")));
    let _turn = Turn::wait(dir)?;
    let known = Registry::read(dir)?;
    if place.ends_with(STATE) {
        return Err(EditError::Server(format!("its file would be {STATE}, which has the switches")));
    }
    if known.servers.iter().any(|other| other.name == server.name) || exists(&place)? {
        return Err(EditError::Exists(server.name));
    }
    // First the switch: between the two the server must not be on.
    state(dir, &server.path, Some(false))?;
    public_file::write(&place, text.as_bytes())?;
    Ok(server.name)
}

/// Opens a server's file.
pub fn open(dir: &Path, profile: &Profile) -> Result<OpenedFile, EditError> {
    let text = text(dir, profile)?;
    Ok(OpenedFile { members: parsed(&profile.file, &text)?, version: version(&text) })
}

/// Changes members of a server's file, and removes those that are null; gives the names of those that were different.
/// With a version, only if the file still has it.
pub fn change(
    dir: &Path,
    profile: &Profile,
    opened: Option<&str>,
    members: &Map<String, Value>,
) -> Result<Vec<String>, EditError> {
    let _turn = Turn::wait(dir)?;
    let mut text = text(dir, profile)?;
    if opened.is_some_and(|opened| opened != version(&text)) {
        return Err(EditError::Changed);
    }
    let bad = |error: serde_json::Error| EditError::Server(error.to_string());
    let before = parsed(&profile.file, &text)?;
    let is_new = |(name, value): &(&String, &Value)| before.get(*name).unwrap_or(&Value::Null) != *value;
    let changed: Map<String, Value> =
        members.iter().filter(is_new).map(|(name, value)| (name.clone(), value.clone())).collect();
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    for (name, value) in &changed {
        let value = Some(value).filter(|value| !value.is_null());
        text = members::set(&text, name, value).map_err(EditError::Server)?;
    }
    let server = fit(serde_json::from_str(&text).map_err(bad)?, &changed)?;
    let old: ServerFile = serde_json::from_value(before.into()).map_err(bad)?;
    let same = RegisteredServer::from_file(old, Path::new("")).is_ok_and(|old| old.name == server.name);
    if !same {
        return Err(EditError::Server("the path of a server cannot be changed; add another one".into()));
    }
    public_file::write(&profile.file, text.as_bytes())?;
    Ok(changed.into_iter().map(|(name, _)| name).collect())
}

/// The text of a server's file, if it is one of this folder's.
fn text(dir: &Path, profile: &Profile) -> Result<String, EditError> {
    if profile.file.as_os_str().is_empty() || profile.file.parent() != Some(dir) {
        return Err(EditError::NoFile);
    }
    Ok(regular_file::read_text(&profile.file, MAX_FILE_BYTES)?)
}

/// The members of a file's text.
fn parsed(file: &Path, text: &str) -> Result<Map<String, Value>, EditError> {
    serde_json::from_str(text).map_err(|_| malformed(file, "is not a JSON object".into()))
}

fn malformed(file: &Path, what: String) -> EditError {
    let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    EditError::Malformed { file, what }
}

fn version(text: &str) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The server of what was said of it, if it can be one. What is typed into a form is held to more than what stands in a
/// file: parsers drop or change odd characters, and the next program may not.
fn fit(file: ServerFile, members: &Map<String, Value>) -> Result<RegisteredServer, EditError> {
    let server =
        RegisteredServer::from_file(file, Path::new("")).map_err(|(what, _)| EditError::Server(what))?;
    if server.name.len() > LONGEST_PATH {
        return Err(EditError::Server(format!("its path has more than {LONGEST_PATH} characters")));
    }
    if server.url.is_none() {
        return Err(EditError::Server("proxy_pass_url is missing or not a URL".into()));
    }
    let is_odd =
        |c: char| c.is_control() || c.is_whitespace() || !c.is_ascii() || r#"\"'`<>{}|^#"#.contains(c);
    // Some parsers read a host out of `http:///host` and `http:host`.
    let is_whole = |url: &str| url.split_once("://").is_some_and(|(_, rest)| !rest.starts_with('/'));
    for name in ADDRESSES {
        let Some(url) = members.get(name).and_then(Value::as_str) else { continue };
        if url.contains(is_odd) {
            let what = format!("{name} has a fragment, white space or other characters that no address has");
            return Err(EditError::Server(what));
        }
        if !is_whole(url) {
            return Err(EditError::Server(format!("{name} is not written as in http://host:8000/")));
        }
    }
    Ok(server)
}

/// Removes a server's file, and its switch.
pub fn remove(dir: &Path, profile: &Profile) -> Result<(), EditError> {
    let _turn = Turn::wait(dir)?;
    let _ = text(dir, profile)?;
    fs::remove_file(&profile.file)?;
    state(dir, &profile.path, None)
}

/// Writes down whether a server is on, or nothing of it.
fn state(dir: &Path, path: &str, on: Option<bool>) -> Result<(), EditError> {
    let place = dir.join(STATE);
    let text = match exists(&place)? {
        true => regular_file::read_text(&place, MAX_FILE_BYTES)
            .map_err(|error| malformed(&place, format!("cannot be read ({error})")))?,
        false => "{}".into(),
    };
    let state = parsed(&place, &text)?;
    let alike = |other: &&String| other.trim_matches('/') == path.trim_matches('/');
    let mut names: Vec<&str> = state.keys().filter(alike).map(String::as_str).collect();
    if names.is_empty() && on.is_some() {
        names.push(path);
    }
    let on = on.map(Value::from);
    let mut new = text;
    for name in names {
        new = members::set(&new, name, on.as_ref()).map_err(EditError::Server)?;
    }
    let end = if new.ends_with('\n') { "" } else { "\n" };
    Ok(public_file::write(&place, (new + end).as_bytes())?)
}

/// One change at a time, of all gateways that share the folder. The lock is on the folder itself, so that no file of ours lies
/// in it; where folders cannot be locked, each change is still whole.
struct Turn(#[expect(dead_code, reason = "unlocked when it is closed")] Option<File>);

impl Turn {
    fn wait(dir: &Path) -> io::Result<Self> {
        let folder: PathBuf = dir.into();
        let Ok(open) = File::open(folder) else { return Ok(Self(None)) };
        Ok(Self(open.lock().is_ok().then_some(open)))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests lay out files as the registry would")]
mod tests {
    use serde_json::json;

    use super::*;

    fn members(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn read(dir: &Path, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(dir.join(name)).unwrap()).unwrap()
    }

    #[test]
    fn a_switch_changes_its_own_server_and_keeps_what_it_does_not_know() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(STATE), r#"{"/b": true, "_note": {"by": "hand"}, "/a/": true}"#).unwrap();
        switch(dir.path(), "/a", false).unwrap();
        switch(dir.path(), "/c", true).unwrap();
        let state = read(dir.path(), STATE);
        assert_eq!(state, json!({"/b": true, "_note": {"by": "hand"}, "/a/": false, "/c": true}));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no file of ours is left");
        fs::write(dir.path().join(STATE), "[]").unwrap();
        assert!(matches!(switch(dir.path(), "/a", true), Err(EditError::Malformed { .. })));
        assert_eq!(fs::read_to_string(dir.path().join(STATE)).unwrap(), "[]");
    }

    #[test]
    fn a_server_is_added_switched_off_with_all_that_was_said_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let server =
            json!({"path": "/x/y/", "server_name": "X", "proxy_pass_url": "http://h:1/", "anything": [1]});
        assert_eq!(add(dir.path(), members(server.clone())).unwrap(), "x/y");
        assert_eq!(
            (read(dir.path(), "x_y.json"), read(dir.path(), STATE)),
            (server.clone(), json!({"/x/y/": false}))
        );
        let registry = Registry::read(dir.path()).unwrap();
        let [found] = registry.servers.as_slice() else { panic!("{registry:?}") };
        assert!(!found.enabled);
        for (value, expected) in [
            (server, "a server with the path /x/y is there already"),
            (
                json!({"path": "/x_y", "proxy_pass_url": "http://h/"}),
                "a server with the path /x_y is there already",
            ),
            (
                json!({"path": "/server_state", "proxy_pass_url": "http://h/"}),
                "its file would be server_state.json, which has the switches",
            ),
            (json!({"path": "/z", "proxy_pass_url": "http://h:0/"}), "proxy_pass_url has no port"),
            (json!({"path": "/../z", "proxy_pass_url": "http://h/"}), "it names no path"),
            (json!({"path": "/z"}), "proxy_pass_url is missing or not a URL"),
            (
                json!({"path": format!("/{}", "p".repeat(201)), "proxy_pass_url": "http://h/"}),
                "its path has more than 200 characters",
            ),
            (
                json!({"path": "/z", "proxy_pass_url": "file:///etc/passwd"}),
                "proxy_pass_url is not an http or https URL",
            ),
            (
                json!({"path": "/z", "proxy_pass_url": "http://169.254.169.254/"}),
                "proxy_pass_url points at a link-local, metadata or multicast address, which no MCP server has",
            ),
        ] {
            let error = add(dir.path(), members(value.clone())).unwrap_err().to_string();
            assert!(
                error == expected || (expected.starts_with("it names") && error.contains("path")),
                "{value}: {error}"
            );
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        remove(dir.path(), &found.profile).unwrap();
        assert_eq!(read(dir.path(), STATE), json!({}));
        assert!(matches!(remove(dir.path(), &found.profile), Err(EditError::Io(_))));
        assert!(matches!(remove(dir.path(), &Profile::default()), Err(EditError::NoFile)));
    }
}
