//! The registry's own list of servers, `servers/*.json`: those that need no outside credential.
//! It leaves the others, which need one, to the credentials themselves, and URLs and headers to `entries`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::RenderError;
use crate::sys::regular_file;

/// The largest server file that is read, in bytes.
const LIMIT: u64 = 4 << 20;

/// The file that says which servers are switched on.
const STATE: &str = "server_state.json";

/// A server that needs no outside credential and is switched on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// What people call it.
    pub name: String,
    /// Where the gateway has it, `/name` or `/name/`.
    pub path: String,
    /// How it can be spoken to, best first.
    pub transports: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    server_name: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    auth_type: Option<String>,
    #[serde(default)]
    supported_transports: Option<Vec<String>>,
}

/// The servers in `dir`, by name; no folder, no servers.
///
/// # Errors
/// [`RenderError::Unreadable`], naming the file.
pub fn read(dir: &Path) -> Result<Vec<Server>, RenderError> {
    let listing = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|e| unreadable(dir, &e))?,
    };
    let mut state = BTreeMap::new();
    let mut servers = Vec::new();
    for entry in listing {
        let path = entry.map_err(|e| unreadable(dir, &e))?.path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        if path.file_name().is_some_and(|name| name == STATE) {
            state = parse::<BTreeMap<String, bool>>(&path)?;
        } else {
            servers.extend(server(&path)?);
        }
    }
    servers.retain(|server| is_on(&state, &server.path));
    servers.sort_by(|a, b| (&a.name, &a.path).cmp(&(&b.name, &b.path)));
    Ok(servers)
}

/// The state file and the server's own write slashes as they like; its very path counts first.
fn is_on(state: &BTreeMap<String, bool>, path: &str) -> bool {
    let same = |other: &str| other.trim_matches('/') == path.trim_matches('/');
    let alike = || state.iter().filter(|(other, _)| same(other)).all(|(_, on)| *on);
    state.get(path).copied().unwrap_or_else(alike)
}

fn server(path: &Path) -> Result<Option<Server>, RenderError> {
    let file: File = parse(path)?;
    if file.auth_type.as_deref() != Some("none") {
        return Ok(None);
    }
    let at = file.path.filter(|at| !at.trim_matches('/').is_empty());
    let at = at.ok_or_else(|| unreadable(path, &"it names no path"))?;
    Ok(Some(Server {
        name: file.server_name.unwrap_or_else(|| at.trim_matches('/').to_owned()),
        path: at,
        transports: file.supported_transports.unwrap_or_default(),
    }))
}

fn parse<T: DeserializeOwned>(path: &Path) -> Result<T, RenderError> {
    let text = regular_file::read_text(path, LIMIT).map_err(|e| unreadable(path, &e))?;
    serde_json::from_str(&text).map_err(|e| unreadable(path, &e))
}

fn unreadable(path: &Path, reason: &dyn ToString) -> RenderError {
    RenderError::Unreadable { path: PathBuf::from(path), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests lay out files as the registry would")]
    use super::*;

    fn folder(files: &[(&str, &str)]) -> io::Result<tempfile::TempDir> {
        let dir = tempfile::tempdir()?;
        for (name, text) in files {
            fs::write(dir.path().join(name), text)?;
        }
        Ok(dir)
    }

    #[test]
    fn only_servers_without_authentication_that_are_switched_on_are_read() {
        let dir = folder(&[
            ("b.json", r#"{"server_name":"B","path":"/b","auth_type":"none","tags":["x"],"headers":null}"#),
            (
                "a.json",
                r#"{"server_name":"A","path":"/a/","auth_type":"none","supported_transports":["sse"]}"#,
            ),
            ("off.json", r#"{"server_name":"Off","path":"/off/","auth_type":"none"}"#),
            (
                "late.json",
                r#"{"server_name":"Late","path":"/late","auth_type":"none","supported_transports":null}"#,
            ),
            ("oauth.json", r#"{"server_name":"O","path":"/o","auth_type":"oauth"}"#),
            ("key.json", r#"{"auth_type":"api_key"}"#),
            ("old.json", "{}"),
            ("notes.txt", "not JSON"),
            (STATE, r#"{"/off":false,"/a/":true,"/a":false,"/b/":true,"/gone":true}"#),
        ])
        .unwrap();
        let got = read(dir.path()).unwrap();
        let got: Vec<_> =
            got.iter().map(|s| (s.name.as_str(), s.path.as_str(), s.transports.join(","))).collect();
        assert_eq!(
            got,
            [("A", "/a/", "sse".into()), ("B", "/b", String::new()), ("Late", "/late", String::new())]
        );
        assert_eq!(read(&dir.path().join("none")).unwrap(), []);
    }

    #[test]
    fn a_file_that_does_not_parse_is_named() {
        let cases = [
            ("x.json", "{", "EOF while parsing an object at line 1 column 1"),
            ("x.json", r#"{"auth_type":"none"}"#, "it names no path"),
            ("x.json", r#"{"auth_type":"none","path":"/"}"#, "it names no path"),
            (
                STATE,
                r#"{"/a":"yes"}"#,
                "invalid type: string \"yes\", expected a boolean at line 1 column 11",
            ),
        ];
        for (name, text, reason) in cases {
            let dir = folder(&[(name, text)]).unwrap();
            let message = read(dir.path()).unwrap_err().to_string();
            assert_eq!(message, format!("{}: {reason}", dir.path().join(name).display()));
        }
    }
}
