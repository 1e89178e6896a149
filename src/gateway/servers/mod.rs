//! Reads the registry's `servers/*.json` and `server_state.json` as they are. It leaves matching requests to `route`,
//! paths to `join`, addresses to `outbound` and headers to `headers`.
//!
//! A file that cannot be read or is no JSON is an error, so that a reload in the middle of somebody's writing keeps what
//! was there. A file that is JSON and describes no server one could reach is left out, with a remark: one bad
//! registration must not take the other servers down.

pub mod headers;
pub mod join;
pub mod outbound;
pub mod route;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use hyper::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;
use url::Url;

use self::headers::{Forbidden, Variables, headers};
use self::join::{Endpoints, Transport, named};
use self::outbound::Origin;
use super::settings::problem::Problem;
use crate::sys::regular_file;

/// The file that says which servers are switched on.
const STATE: &str = "server_state.json";
/// The largest server file, in bytes; its list of tools may be long.
const MOST: u64 = 16 << 20;
/// First segments that are the gateway's own.
const RESERVED: [&str; 3] = [".well-known", "healthz", "readyz"];
/// Segments that mean an endpoint after a server's name, so that no server's name may go on with them.
const ENDPOINTS: [&str; 3] = ["mcp", "sse", "messages"];
/// One MCP server. Its `Debug` shows what [`Server::address`] shows, and of the headers their names.
#[derive(Clone)]
pub struct Server {
    /// Its path without outer slashes: how clients, the policy and `upstreams` name it.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Its path as the file has it.
    pub path: String,
    /// `proxy_pass_url`. Its query may be a key: show [`Server::address`] instead.
    pub url: Url,
    /// Where to connect.
    pub origin: Origin,
    /// What to ask for there.
    pub endpoints: Endpoints,
    /// What credential it wants.
    pub auth_type: AuthType,
    /// How it can be spoken to, best first.
    pub transports: Vec<Transport>,
    /// Headers that every request to it gets; marked sensitive, since they mostly are keys.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether it is switched on.
    pub enabled: bool,
}

/// What credential of its own a server wants (`auth_type`, or `auth_scheme` in newer files).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthType {
    /// None; so too where the file says nothing.
    #[default]
    None,
    /// A person's or machine's OAuth token.
    Oauth,
    /// An API key.
    ApiKey,
    /// Something else, as `bearer` or `basic`.
    Other,
}

/// What a folder of server files comes to.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The servers that can be reached, switched off ones too, by name.
    pub servers: Vec<Server>,
    /// What was left out, and why.
    pub remarks: Vec<Problem>,
}

/// A folder or file that cannot be read.
#[derive(Debug, Error)]
#[error("{path}: {reason}", path = path.display())]
pub struct ServersError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
    /// Whether it could be read, and what is in it is wrong.
    pub malformed: bool,
}

#[derive(Default, Deserialize)]
struct File {
    #[serde(default)]
    server_name: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    proxy_pass_url: Option<String>,
    #[serde(default)]
    auth_type: Option<String>,
    #[serde(default)]
    auth_scheme: Option<String>,
    #[serde(default)]
    supported_transports: Option<Vec<String>>,
    /// Any value: a typed reader's error would show what it did not like, and these are keys.
    #[serde(default)]
    headers: Value,
}

/// What is wrong, and what to do.
type Refusal = (String, &'static str);

impl Server {
    /// The server that a file with nothing but a path and a `proxy_pass_url` describes.
    ///
    /// # Errors
    /// What is wrong, in a few words.
    pub fn at(path: &str, url: &str) -> Result<Self, String> {
        let file = File { path: Some(path.into()), proxy_pass_url: Some(url.into()), ..File::default() };
        let none = Variables { allowed: &[], value: &|_| None };
        server(file, &BTreeMap::new(), none, "", &mut Vec::new()).map_err(|(what, _)| what)
    }

    /// Its address as it may be shown: without the query.
    pub fn address(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.into()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        let mut shown = f.debug_struct("Server");
        shown.field("name", &self.name).field("url", &self.address()).field("endpoints", &self.endpoints);
        shown.field("headers", &headers).field("enabled", &self.enabled).finish_non_exhaustive()
    }
}

impl AuthType {
    fn named(name: &str) -> Self {
        match name {
            "" | "none" => Self::None,
            "oauth" => Self::Oauth,
            "api_key" => Self::ApiKey,
            _ => Self::Other,
        }
    }

    /// As the files say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Oauth => "oauth",
            Self::ApiKey => "api_key",
            Self::Other => "other",
        }
    }
}

/// The servers in `dir`.
///
/// # Errors
/// [`ServersError`] for a folder or file that cannot be read, or is no JSON of the right shape.
pub fn read(dir: &Path, variables: Variables<'_>) -> Result<Found, ServersError> {
    let state = dir.join(STATE);
    let state: BTreeMap<String, bool> =
        if state.try_exists().unwrap_or(true) { parse(&state)? } else { BTreeMap::new() };
    let mut found = Found::default();
    let mut names = HashSet::new();
    for path in files(dir)? {
        let file: File = parse(&path)?;
        let at = path.display().to_string();
        match server(file, &state, variables, &at, &mut found.remarks) {
            Ok(server) if names.insert(server.name.clone()) => found.servers.push(server),
            Ok(server) => found.remarks.push(Problem::remark(
                at,
                format!("another file has the path /{} already; left out", server.name),
                "give it a path of its own, or delete one of the files",
            )),
            Err((what, remedy)) => {
                found.remarks.push(Problem::remark(at, format!("{what}; left out"), remedy));
            }
        }
    }
    found.servers.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The server files, in the order of their names: of two with the same path the first counts, today and tomorrow.
fn files(dir: &Path) -> Result<Vec<PathBuf>, ServersError> {
    let entries = fs::read_dir(dir).map_err(|e| unreadable(dir, &e))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| unreadable(dir, &e))?.path();
        let is_state = path.file_name().is_some_and(|name| name == STATE);
        if path.extension().is_some_and(|ending| ending == "json") && !is_state {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn parse<T: DeserializeOwned>(path: &Path) -> Result<T, ServersError> {
    let text = regular_file::read_text(path, MOST).map_err(|e| unreadable(path, &e))?;
    serde_json::from_str(&text).map_err(|e| ServersError {
        path: path.into(),
        reason: e.to_string(),
        malformed: true,
    })
}

fn unreadable(path: &Path, reason: &dyn ToString) -> ServersError {
    ServersError { path: path.into(), reason: reason.to_string(), malformed: false }
}

fn server(
    file: File,
    state: &BTreeMap<String, bool>,
    variables: Variables<'_>,
    at: &str,
    remarks: &mut Vec<Problem>,
) -> Result<Server, Refusal> {
    let path = file.path.unwrap_or_default();
    let name = name(&path)?;
    const CORRECT: &str = "correct proxy_pass_url, as in http://currenttime-server:8000/";
    let url = file.proxy_pass_url.unwrap_or_default();
    let url = Url::parse(&url).map_err(|_| ("proxy_pass_url is missing or no URL".into(), CORRECT))?;
    let refused = |reason: &str| (format!("proxy_pass_url {reason}"), CORRECT);
    let origin = Origin::of(&url).map_err(refused)?;
    let transports = transports(file.supported_transports.as_deref(), &url);
    let endpoints = Endpoints::of(&url, &transports).map_err(refused)?;
    let (headers, bad) = headers(&file.headers, variables).map_err(|asks| {
        let Forbidden { header, variable } = asks;
        let what = format!(
            "header {header:?} asks for the variable {variable}, which header_variables does not name"
        );
        (what, "add the variable to header_variables, if the server may have it")
    })?;
    remarks.extend(bad.into_iter().map(|(what, remedy)| Problem::remark(at, what, remedy)));
    Ok(Server {
        title: file.server_name.filter(|title| !title.is_empty()).unwrap_or_else(|| name.clone()),
        enabled: is_on(state, &path),
        auth_type: AuthType::named(file.auth_type.or(file.auth_scheme).as_deref().unwrap_or_default()),
        name,
        path,
        url,
        origin,
        endpoints,
        transports,
        headers,
    })
}

/// A server's name, from its path: segments of unreserved characters (RFC 3986 section 2.3), which every client and every
/// proxy writes the same way.
fn name(path: &str) -> Result<String, Refusal> {
    let name = path.strip_prefix('/').unwrap_or(path);
    let name = name.strip_suffix('/').unwrap_or(name);
    let refuse = |reason: &str| Err((reason.to_owned(), "give it a path, as in /currenttime"));
    if name.is_empty() {
        return refuse("it names no path");
    }
    let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let fine = |segment: &str| !matches!(segment, "" | "." | "..") && segment.chars().all(unreserved);
    if !name.split('/').all(fine) {
        return refuse("its path has other characters than letters, digits, '-', '.', '_' and '~'");
    }
    if name.split('/').next().is_some_and(|first| RESERVED.contains(&first)) {
        return refuse("its path is one of the gateway's own");
    }
    if name.split('/').skip(1).any(|segment| ENDPOINTS.contains(&segment)) {
        return refuse("its path would hide an endpoint of another server");
    }
    Ok(name.into())
}

/// The state file and the server's own write slashes as they like; its very path counts first, and no word means on.
fn is_on(state: &BTreeMap<String, bool>, path: &str) -> bool {
    let same = |other: &str| other.trim_matches('/') == path.trim_matches('/');
    let alike = || state.iter().filter(|(other, _)| same(other)).all(|(_, on)| *on);
    state.get(path).copied().unwrap_or_else(alike)
}

/// What the file lists, else what the URL ends in, else streamable HTTP.
fn transports(listed: Option<&[String]>, url: &Url) -> Vec<Transport> {
    let known = |name: &String| match name.as_str() {
        "sse" => Some(Transport::Sse),
        "streamable-http" | "streamable_http" | "http" => Some(Transport::StreamableHttp),
        _ => None,
    };
    let mut found: Vec<Transport> = listed.unwrap_or_default().iter().filter_map(known).collect();
    found.dedup();
    if found.is_empty() {
        found.push(named(url).unwrap_or(Transport::StreamableHttp));
    }
    found
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests lay out files as the registry would")]
    use super::*;

    const NO_VARIABLES: Variables<'_> = Variables { allowed: &[], value: &|_| None };

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    fn remarks(found: &Found) -> Vec<String> {
        let short = |remark: &Problem| remark.to_string().rsplit('/').next().map(str::to_owned);
        found.remarks.iter().filter_map(short).collect()
    }

    #[test]
    fn what_cannot_be_a_server_is_left_out_with_a_word() {
        let url = r#""proxy_pass_url":"http://h:1/?key=k3y""#;
        let file = |path: &str| format!(r#"{{"path":"{path}",{url}}}"#);
        let cases = [
            ("{}".to_owned(), "it names no path"),
            (file("/"), "it names no path"),
            (file("/a//b"), "its path has other characters than letters, digits, '-', '.', '_' and '~'"),
            (file("/a/../b"), "its path has other characters than letters, digits, '-', '.', '_' and '~'"),
            (file("/a b"), "its path has other characters than letters, digits, '-', '.', '_' and '~'"),
            (file("/a%2fb"), "its path has other characters than letters, digits, '-', '.', '_' and '~'"),
            (file("/.well-known/x"), "its path is one of the gateway's own"),
            (file("/healthz"), "its path is one of the gateway's own"),
            (file("/a/mcp"), "its path would hide an endpoint of another server"),
            (file("/a/messages/b/"), "its path would hide an endpoint of another server"),
            (r#"{"path":"/a"}"#.into(), "proxy_pass_url is missing or no URL"),
            (
                r#"{"path":"/a","proxy_pass_url":"https://<YOUR-ID>.example.com/"}"#.into(),
                "proxy_pass_url is missing or no URL",
            ),
            (
                r#"{"path":"/a","proxy_pass_url":"http://169.254.169.254/"}"#.into(),
                "proxy_pass_url points at a link-local, metadata or multicast address, which no MCP server has",
            ),
        ];
        for (text, reason) in cases {
            let found = read(folder(&[("x.json", &text)]).path(), NO_VARIABLES).unwrap();
            assert_eq!(found.servers.len(), 0, "{text}");
            assert_eq!(remarks(&found), [format!("x.json: {reason}; left out")], "{text}");
        }
        for path in ["a", "/a", "/a/", "/io.example/a-b_c.d~e/", "/mcp"] {
            let found = read(folder(&[("x.json", &file(path))]).path(), NO_VARIABLES).unwrap();
            assert_eq!((found.servers.len(), found.remarks.len()), (1, 0), "{path}");
            assert_eq!(found.servers[0].address(), "http://h:1/");
            assert_eq!(found.servers[0].endpoints.mcp.uri, "/mcp?key=k3y");
            assert!(!format!("{found:?}").contains("k3y"), "a query may be a key");
        }
    }

    #[test]
    fn the_state_file_writes_slashes_as_it_likes() {
        let server = |path: &str| format!(r#"{{"path":"{path}","proxy_pass_url":"http://h"}}"#);
        let dir = folder(&[
            ("1.json", &server("/off/")),
            ("2.json", &server("/a/")),
            ("3.json", &server("/b")),
            ("4.json", &server("/new")),
            ("5.json", &server("/b/")),
            (STATE, r#"{"/off":false,"/a/":true,"/a":false,"b/":true,"/gone":true}"#),
        ]);
        let found = read(dir.path(), NO_VARIABLES).unwrap();
        let on: Vec<_> = found.servers.iter().map(|s| (s.name.as_str(), s.enabled)).collect();
        assert_eq!(on, [("a", true), ("b", true), ("new", true), ("off", false)]);
        assert_eq!(remarks(&found), ["b already; left out"], "the second file with the path /b");
    }

    #[test]
    fn newer_files_say_some_things_otherwise() {
        let dir = folder(&[(
            "x.json",
            r#"{"path":"/x","proxy_pass_url":"http://h/sse","auth_scheme":"bearer","supported_transports":["stdio"],
                "headers":{"X-A":"1"},"tool_list":[{"name":"t"}]}"#,
        )]);
        let found = read(dir.path(), NO_VARIABLES).unwrap();
        let server = &found.servers[0];
        assert_eq!((server.auth_type, server.title.as_str()), (AuthType::Other, "x"));
        assert_eq!(server.transports, [Transport::Sse]);
        assert_eq!(server.headers.len(), 1);
    }

    #[test]
    fn a_file_that_does_not_parse_is_an_error_that_names_it() {
        let cases = [
            ("x.json", "{", "EOF while parsing an object at line 1 column 1"),
            ("x.json", r#"{"path":"/a","path":"/b"}"#, "duplicate field `path` at line 1 column 19"),
            (STATE, r#"{"/a":"on"}"#, "invalid type: string \"on\", expected a boolean at line 1 column 10"),
        ];
        for (name, text, reason) in cases {
            let dir = folder(&[(name, text)]);
            let message = read(dir.path(), NO_VARIABLES).unwrap_err().to_string();
            assert_eq!(message, format!("{}: {reason}", dir.path().join(name).display()));
        }
        let dir = folder(&[]);
        assert_eq!(read(&dir.path().join("none"), NO_VARIABLES).unwrap_err().path, dir.path().join("none"));
    }
}
