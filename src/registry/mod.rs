//! The registry's folder: `servers/*.json`, `server_state.json`, and what they mean, for the gateway, the clients'
//! files and `doctor`. Not here: addresses and headers (see the gateway, which alone connects to servers).
//!
//! Only an unreadable folder is an error. A bad file gives one remark, and affects no other server. Which servers are
//! enabled is decided strictly: while `server_state.json` is bad, none is.

pub mod edit;
mod file;
mod kinds;
pub(crate) mod members;
mod profile;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use self::file::{ServerFile, non_empty, strange};
pub use self::kinds::{AuthType, Transport};
pub use self::profile::{ListedTool, Profile};
use crate::problem::Problem;
use crate::sys::address::check_server;
use crate::sys::regular_file;

/// The file that says which servers are disabled.
const STATE: &str = "server_state.json";
/// The largest file, in bytes; its list of tools may be long.
const MAX_FILE_BYTES: u64 = 16 << 20;
/// The field that every server has.
pub const PROXY_PASS_URL: &str = "proxy_pass_url";
/// First segments that are reserved for a gateway.
const RESERVED: [&str; 3] = [".well-known", "healthz", "readyz"];
/// Segments that mean an endpoint after a server's name, so that a server's name cannot continue with them.
const ENDPOINTS: [&str; 3] = ["mcp", "sse", "messages"];

/// The contents of a folder of server files.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// Every server, including disabled ones, by name.
    pub servers: Vec<RegisteredServer>,
    /// Problems of the files, and their consequences.
    pub remarks: Vec<Problem>,
    /// Fields that are ignored here: for those who check the files, not for those who only use them.
    pub unknown: Vec<Problem>,
    /// The files whose current content is unknown.
    pub unread: Vec<PathBuf>,
    /// The last good `server_state.json`; an empty one if there never was a file, `None` if it never was good.
    state: Option<EnabledServers>,
}

/// Which servers are enabled, by their paths.
type EnabledServers = BTreeMap<String, bool>;

/// One MCP server, from its file. Its `Debug` omits its address and headers, which may contain keys.
#[derive(Clone)]
pub struct RegisteredServer {
    /// The file.
    pub file: PathBuf,
    /// Its path without outer slashes: its name for clients, the policy and `upstreams`.
    pub name: String,
    /// Its display name.
    pub title: String,
    /// `proxy_pass_url`, which a gateway needs and clients do not. Its query may contain a key.
    pub url: Option<Url>,
    /// `mcp_endpoint` and `sse_endpoint`: the URL of an endpoint that is not at or below `url`.
    pub mcp_endpoint: Option<Url>,
    /// See [`RegisteredServer::mcp_endpoint`].
    pub sse_endpoint: Option<Url>,
    /// `append_mcp_path`: whether `/mcp` is appended to an address, `url` and the one that clients use; by default
    /// decided by the address.
    pub append_mcp_path: Option<bool>,
    /// The credential that it requires.
    pub auth_type: AuthType,
    /// Its transports, best first; never empty.
    pub transports: Vec<Transport>,
    /// Its `headers` as in the file: most are keys, or name variables.
    pub headers: Value,
    /// What the file says of it to people and to those who look for a tool.
    pub profile: Arc<Profile>,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Its path as in the file.
    path: String,
}

/// A problem and its remedy.
pub type FileProblem = (String, &'static str);

/// Why a file is unusable.
struct BadFile {
    reason: String,
    /// Whether it could be read, and what is in it is wrong.
    malformed: bool,
}

impl Registry {
    /// Reads a folder for the first time.
    ///
    /// # Errors
    /// An I/O error for the folder itself.
    pub fn read(dir: &Path) -> io::Result<Self> {
        Self::default().again(dir)
    }

    /// The same, or an empty result if there is no folder; other problems of the folder are remarks.
    pub fn found(dir: &Path) -> Self {
        let nothing = |error: io::Error| {
            let what = format!("{error}; its servers are left out");
            let remark = Problem::remark(
                display_path(dir),
                what,
                "correct it, or name the folder of the servers' files",
            );
            let remarks = if error.kind() == io::ErrorKind::NotFound { Vec::new() } else { vec![remark] };
            Self { remarks, ..Self::default() }
        };
        Self::read(dir).unwrap_or_else(nothing)
    }

    /// Reads the folder again. If a file is bad now, perhaps because it is being written, its previous content stays.
    ///
    /// # Errors
    /// An I/O error for the folder itself.
    pub fn again(&self, dir: &Path) -> io::Result<Self> {
        let files = files(dir)?;
        let mut next = Self::default();
        next.state = next.state(&dir.join(STATE), self);
        let mut names = HashSet::new();
        for path in files {
            let Some(mut server) = next.server(&path, self) else { continue };
            if names.insert(server.name.clone()) {
                let unsaid = server.enabled;
                server.enabled = next.state.as_ref().is_some_and(|state| is_on(state, &server.path, unsaid));
                next.servers.push(server);
            } else {
                next.remarks.push(Problem::remark(
                    display_path(&path),
                    format!("another file has the path /{} already; left out", server.name),
                    "give it another path, or delete one of the files",
                ));
            }
        }
        next.servers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(next)
    }

    /// Whether a file that could not be read is readable now.
    pub fn has_healed(&self) -> bool {
        self.unread
            .iter()
            .any(|path| regular_file::read(path, MAX_FILE_BYTES).is_ok() || matches!(exists(path), Ok(false)))
    }

    /// `server_state.json`, if its current content is unknown.
    pub fn unread_state(&self) -> Option<&Path> {
        self.unread.iter().map(PathBuf::as_path).find(|path| path.ends_with(STATE))
    }

    /// The enabled servers that require no credential, by display name.
    pub fn open(&self) -> Vec<&RegisteredServer> {
        let open = |server: &&RegisteredServer| server.enabled && server.auth_type == AuthType::None;
        let mut servers: Vec<&RegisteredServer> = self.servers.iter().filter(open).collect();
        servers.sort_by(|a, b| (&a.title, &a.name).cmp(&(&b.title, &b.name)));
        servers
    }

    fn state(&mut self, path: &Path, before: &Self) -> Option<EnabledServers> {
        if matches!(exists(path), Ok(false)) {
            return Some(EnabledServers::new());
        }
        match parse::<EnabledServers>(path) {
            Ok((state, _)) => Some(state),
            Err(bad) => {
                self.remark(path, bad, before.state.is_some(), "every server counts as switched off");
                before.state.clone()
            }
        }
    }

    fn server(&mut self, path: &Path, before: &Self) -> Option<RegisteredServer> {
        let (file, text) = match parse::<ServerFile>(path) {
            Ok(read) => read,
            Err(bad) => {
                let known = before.servers.iter().find(|server| server.file == path).cloned();
                self.remark(path, bad, known.is_some(), "left out");
                return known;
            }
        };
        let refused = |(what, remedy): FileProblem| {
            self.remarks.push(Problem::remark(display_path(path), format!("{what}; left out"), remedy));
        };
        let server = RegisteredServer::from_file(file, path).map_err(refused).ok()?;
        let strange = strange(&text).into_iter();
        self.unknown.extend(strange.map(|(what, remedy)| Problem::remark(display_path(path), what, remedy)));
        let profile = Profile::read(&text, path, &server.path);
        Some(RegisteredServer { profile: Arc::new(profile), ..server })
    }

    fn remark(&mut self, path: &Path, bad: BadFile, known: bool, otherwise: &str) {
        let end = if known { "its previous content stays in force" } else { otherwise };
        let remedy = if bad.malformed {
            "correct the file, or move it away"
        } else {
            "make it a readable file, or move it away"
        };
        self.remarks.push(Problem::remark(display_path(path), format!("{}; {end}", bad.reason), remedy));
        if !bad.malformed {
            self.unread.push(path.into());
        }
    }
}

impl RegisteredServer {
    /// The server described by a file with only a path and a `proxy_pass_url`.
    pub fn at(path: &str, url: &str) -> Result<Self, String> {
        let file =
            ServerFile { path: Some(path.into()), proxy_pass_url: Some(url.into()), ..ServerFile::default() };
        Self::from_file(file, Path::new("")).map_err(|(what, _)| what)
    }

    /// An enabled server that no file describes, which requires no credential and speaks streamable HTTP.
    pub fn named(name: &str, title: &str) -> Self {
        Self {
            file: PathBuf::new(),
            name: name.to_owned(),
            title: title.to_owned(),
            url: None,
            mcp_endpoint: None,
            sse_endpoint: None,
            append_mcp_path: None,
            auth_type: AuthType::None,
            transports: vec![Transport::StreamableHttp],
            headers: Value::Null,
            profile: Arc::default(),
            enabled: true,
            path: format!("/{name}"),
        }
    }

    fn from_file(file: ServerFile, at: &Path) -> Result<Self, FileProblem> {
        let path = file.path.clone().unwrap_or_default();
        let name = name(&path)?;
        if file.deployment.as_deref() == Some("local") {
            let what = "it runs on the user's machine (deployment: local)".to_owned();
            return Err((what, "start it there as local_runtime describes; no gateway can reach it"));
        }
        let place = |field, text: Option<&str>| text.map(|text| address(field, text)).transpose();
        let url = place(PROXY_PASS_URL, file.address())?;
        let mcp_endpoint = place("mcp_endpoint", non_empty(file.mcp_endpoint.as_ref()))?;
        let sse_endpoint = place("sse_endpoint", non_empty(file.sse_endpoint.as_ref()))?;
        let url = url.or_else(|| mcp_endpoint.clone()).or_else(|| sse_endpoint.clone());
        let mut found = Self {
            file: at.into(),
            title: file.server_name.filter(|title| !title.is_empty()).unwrap_or_else(|| name.clone()),
            auth_type: AuthType::from_name(
                file.auth_type.or(file.auth_scheme).as_deref().unwrap_or_default(),
            ),
            transports: Vec::new(),
            headers: file.headers,
            profile: Arc::default(),
            enabled: file.is_enabled.unwrap_or(true),
            append_mcp_path: file.append_mcp_path,
            name,
            url,
            mcp_endpoint,
            sse_endpoint,
            path,
        };
        let named: Option<Vec<String>> =
            file.supported_transports.map(|all| all.into_iter().flatten().collect());
        found.transports = found.spoken(named.as_deref(), file.transport.as_deref());
        Ok(found)
    }

    /// The listed transports, else those it names endpoints for, else the one at the URL's end, else streamable HTTP;
    /// with the file's preferred one first.
    fn spoken(&self, listed: Option<&[String]>, preferred: Option<&str>) -> Vec<Transport> {
        let mut found: Vec<Transport> =
            listed.unwrap_or_default().iter().filter_map(|name| Transport::from_name(name)).collect();
        if found.is_empty() {
            let is = || self.url.as_ref().and_then(Transport::of).unwrap_or(Transport::StreamableHttp);
            let alone = self.mcp_endpoint.is_none() && self.url == self.sse_endpoint;
            found.extend(match (&self.mcp_endpoint, &self.sse_endpoint) {
                (Some(_), _) => Some(Transport::StreamableHttp),
                (None, Some(_)) if alone => None,
                (None, _) => Some(is()),
            });
            found.extend(self.sse_endpoint.as_ref().map(|_| Transport::Sse));
        }
        found.splice(0..0, preferred.and_then(Transport::from_name));
        let mut met = Vec::new();
        found.retain(|transport| {
            !met.contains(transport) && {
                met.push(*transport);
                true
            }
        });
        found
    }
}

impl std::fmt::Debug for RegisteredServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Server");
        shown.field("name", &self.name).field("auth_type", &self.auth_type);
        shown.field("transports", &self.transports).field("enabled", &self.enabled).finish_non_exhaustive()
    }
}

/// The server files, sorted by name: of two with the same path the first counts, always.
fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let is_state = path.file_name().is_some_and(|name| name == STATE);
        if path.extension().is_some_and(|ending| ending == "json") && !is_state {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether anything has this name: a dangling link exists, and is bad.
fn exists(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        found => found.map(|_| true),
    }
}

/// A file's parsed content, and its text.
fn parse<T: DeserializeOwned>(path: &Path) -> Result<(T, String), BadFile> {
    let text = regular_file::read_text(path, MAX_FILE_BYTES);
    let text = text.map_err(|error| BadFile { reason: error.to_string(), malformed: false })?;
    let malformed = |reason: String| BadFile { reason, malformed: true };
    let read = serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
    // A list would be parsed as an object's members in their order.
    if !text.trim_start().starts_with('{') {
        return Err(malformed("not a JSON object".into()));
    }
    Ok((read, text))
}

fn display_path(path: &Path) -> String {
    path.display().to_string()
}

/// A server's name, from its path: segments of unreserved characters (RFC 3986 section 2.3), which every client and
/// every proxy writes the same way.
fn name(path: &str) -> Result<String, FileProblem> {
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
        return refuse("its path is reserved for the gateway");
    }
    if name.split('/').skip(1).any(|segment| ENDPOINTS.contains(&segment)) {
        return refuse("its path would hide an endpoint of another server");
    }
    Ok(name.into())
}

/// The server's address. One that no gateway may connect to is not given to clients either.
fn address(field: &str, text: &str) -> Result<Url, FileProblem> {
    let url = Url::parse(text).map_err(|_| no_address(field, "is missing or not a URL"))?;
    check_server(&url).map_err(|no| no_address(field, no.words()))?;
    Ok(url)
}

/// What is wrong with an address, by its field, and the remedy.
pub fn no_address(field: &str, reason: &str) -> FileProblem {
    let remedy = match field {
        PROXY_PASS_URL => "correct proxy_pass_url, as in http://currenttime-server:8000/",
        _ => "correct it, as in http://currenttime-server:8000/mcp, or remove it",
    };
    (format!("{field} {reason}"), remedy)
}

/// The state file and the server's own write slashes differently; the exact path counts first, and if it is not
/// listed, `unsaid`, from the server's own file.
fn is_on(state: &EnabledServers, path: &str, unsaid: bool) -> bool {
    let same = |other: &str| other.trim_matches('/') == path.trim_matches('/');
    let mut alike = state.iter().filter(|(other, _)| same(other)).map(|(_, on)| *on).peekable();
    let alike = || if alike.peek().is_some() { alike.all(|on| on) } else { unsaid };
    state.get(path).copied().unwrap_or_else(alike)
}

#[cfg(test)]
mod tests;
