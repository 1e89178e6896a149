//! Reads and checks everything that a gateway needs: settings, policy, servers, credentials, certificates, issuers
//! and keys. `check` and `doctor` report exactly what would keep the gateway from starting, because it starts with
//! what was read here. Not here: each kind of file (see `ops::files`); invalid settings (see `settings`).

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use url::Url;

use super::authn::rules::IssuerRules;
use super::ops::files::{FileContent, FileKind, FileSources, Files, LoadError};
use super::ops::reload::ActiveFiles;
use super::providers::{self, FaceProvider};
use super::servers::origin::path_below;
use super::session::SessionKey;
use super::settings::{GatewaySettings, Introspection};
use crate::policy::Policy;
use crate::problem::Problem;
use crate::registry::NAME_FOLDER;
use crate::secret::Secret;
use crate::sys::{deadline, descriptors, private_file};

/// What a gateway starts with. Only [`load`] makes one, and only if there is no error.
pub struct Loaded {
    pub(super) settings: GatewaySettings,
    /// The threads that read the files, for when they change.
    pub(super) files: Files,
    pub(super) in_force: ActiveFiles,
    /// By the issuer's index in the settings.
    pub(super) issuers: Vec<IssuerVerifier>,
    pub(super) session_key: SessionKey,
    /// The key of the embeddings endpoint.
    pub(super) embeddings_key: Option<Secret>,
    /// Where people sign in.
    pub(super) providers: Vec<FaceProvider>,
}

/// The rules for an issuer's tokens, and the secret for introspection.
pub(super) type IssuerVerifier = (IssuerRules, Option<Secret>);

/// The result of loading.
#[derive(Default)]
pub struct LoadReport {
    /// What a gateway would serve with; `None` if any problem is an error.
    pub loaded: Option<Loaded>,
    /// Everything that is wrong, in the order of reading.
    pub problems: Vec<Problem>,
    /// The policy, if it could be read.
    pub policy: Option<Arc<Policy>>,
    /// The names of the reachable servers.
    pub servers: Vec<String>,
    /// Whether one of them is the gateway's own, built in.
    pub is_mcpgw_built_in: bool,
    /// Their names, and what people call them.
    pub titles: Vec<(String, String)>,
}

/// Checks the settings, then reads and checks everything they name, within `limits.file_read_timeout` for each kind
/// of file.
///
/// # Errors
/// An I/O error, if no threads can be started.
pub fn load(sources: FileSources) -> io::Result<LoadReport> {
    let settings = &sources.settings;
    let mut problems = settings.validate();
    problems.extend(settings.validate_descriptors(descriptors::attainable()));
    let mut report = read(sources)?;
    if problems.iter().any(Problem::is_error) {
        report.loaded = None;
    }
    problems.append(&mut report.problems);
    Ok(LoadReport { problems, ..report })
}

/// The same for settings that have been checked.
pub(super) fn read(sources: FileSources) -> io::Result<LoadReport> {
    let settings = sources.settings.clone();
    let mut report = LoadReport::default();
    let face = face(&sources);
    let (files, found) = first(sources)?;
    let (mut in_force, mut servers_read) = (ActiveFiles::default(), false);
    for (part, found) in found {
        match found {
            Ok(content) => {
                servers_read |= part == FileKind::Servers;
                report.note(part, &content, &settings);
                in_force.put(content);
            }
            Err(error) => report.problems.push(problem(part, &error)),
        }
    }
    let secrets = secrets(&settings)?;
    let (providers, problems) = face;
    report.problems.extend(problems);
    if servers_read && settings.face.is_some() {
        report.note_permissions(&settings);
    }
    if servers_read {
        report.problems.extend(unknown_references(&settings, report.policy.as_deref(), &report.servers));
        report.problems.extend(hidden_servers(&settings, &report.servers));
    }
    match secrets {
        Ok((issuers, session_key, embeddings_key)) if !report.problems.iter().any(Problem::is_error) => {
            report.loaded =
                Some(Loaded { settings, files, in_force, issuers, session_key, embeddings_key, providers });
        }
        Ok(_) => {}
        Err(problems) => report.problems.extend(problems),
    }
    Ok(report)
}

impl LoadReport {
    /// Remarks about the registry's own permissions, which the pages go by.
    fn note_permissions(&mut self, settings: &GatewaySettings) {
        let at = settings.policy.display().to_string();
        let remarks = self.policy.as_ref().map(|policy| policy.permission_remarks(&self.titles));
        let remark = |what: String| Problem::remark(&at, what, "correct the policy if that is not intended");
        self.problems.extend(remarks.into_iter().flatten().map(remark));
    }

    /// Remarks about files that could be read.
    fn note(&mut self, part: FileKind, content: &FileContent, settings: &GatewaySettings) {
        match content {
            FileContent::Policy(policy) | FileContent::Shadow(policy) => {
                let at = part.place(settings).unwrap_or_default().display().to_string();
                let remark =
                    |what: String| Problem::remark(&at, what, "correct the policy if that is not intended");
                self.problems.extend(policy.remarks().into_iter().map(remark));
                if part == FileKind::Policy {
                    self.policy = Some(policy.clone());
                }
            }
            FileContent::Servers(served) => {
                self.problems.extend(served.remarks.iter().cloned());
                let missing = served.missing.iter().map(|(server, credential)| {
                    let remedy = "configure it with: mcpauth configure; or name another with credential";
                    let what = format!("uses the stored credential {credential}, which is not configured");
                    Problem::error(format!("upstreams.{server}"), what, remedy)
                });
                self.problems.extend(missing);
                let titles = served.routes.all().iter().map(|route| &route.server);
                self.titles = titles.map(|server| (server.name.clone(), server.title.clone())).collect();
                self.servers = served.routes.all().iter().map(|route| route.server.name.clone()).collect();
                self.is_mcpgw_built_in = served.routes.all().iter().any(|route| route.server.place.is_none());
            }
            FileContent::Revoked(_)
            | FileContent::Keys(_)
            | FileContent::Tls(_)
            | FileContent::Settings(_) => {}
        }
    }
}

fn problem(part: FileKind, error: &LoadError) -> Problem {
    let remedy = match (part, error) {
        (_, LoadError::Revoked(error)) => return Problem::error(part.key(), error.to_string(), error.hint()),
        (_, LoadError::Late { .. }) => "check its file system, or raise limits.file_read_timeout",
        (FileKind::Shadow, LoadError::Unreadable { .. }) => "name a policy that can be read, or none",
        (FileKind::Policy, LoadError::Unreadable { .. }) => {
            "name the policy's file; without one, every request is denied"
        }
        (FileKind::Policy | FileKind::Shadow, _) => "correct the policy",
        (FileKind::Servers, _) => NAME_FOLDER,
        (FileKind::Keys, _) => "make one with: mcpauth gateway token key",
        (FileKind::Settings | FileKind::Revoked, _) => {
            "correct the file; mcpauth gateway schema prints that of gateway.yaml"
        }
        (FileKind::Tls, _) => {
            "name a certificate chain and its key, both PEM; only this user or a group of this user may read the key"
        }
    };
    Problem::error(part.key(), error.to_string(), remedy)
}

/// The threads that read files, and what each has read.
type First = (Files, Vec<(FileKind, Result<FileContent, LoadError>)>);

/// The files as they are now. On its own thread, because the caller may be on a runtime.
fn first(sources: FileSources) -> io::Result<First> {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let read = std::thread::spawn(move || {
        let mut files = Files::start(sources)?;
        let found = runtime.block_on(files.look(true));
        Ok((files, found))
    });
    read.join().unwrap_or_else(|_| Err(io::Error::other("reading the files was interrupted")))
}

/// The rules for each issuer's tokens, the key that binds sessions, and the key of the embeddings endpoint.
type ReadSecrets = (Vec<IssuerVerifier>, SessionKey, Option<Secret>);

/// What is read once, within the same time limit as all files.
fn secrets(settings: &GatewaySettings) -> io::Result<Result<ReadSecrets, Vec<Problem>>> {
    let seconds = settings.limits.file_read_timeout;
    let other = settings.clone();
    let read = deadline::within(Duration::from_secs(seconds), move || {
        let mut problems = Vec::new();
        let issuers = judges(&other, &mut problems);
        problems
            .extend(other.vending.as_ref().and_then(|vending| written("vending.ledger", &vending.ledger)));
        let embeddings = other.embeddings();
        problems.extend(embeddings.and_then(|one| written("search.embeddings.vectors", &one.vectors)));
        let key_file = embeddings.and_then(|one| one.key_file.as_deref());
        let at = "search.embeddings.key_file";
        let embeddings_key =
            key_file.map(|path| secret_file(at, path, "name a file with the endpoint's API key in it"));
        let embeddings_key = embeddings_key.transpose().unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        match session_key(&other) {
            Ok(key) if problems.is_empty() => {
                Ok((issuers, key.within(other.limits.max_header_bytes), embeddings_key))
            }
            Ok(_) => Err(problems),
            Err(problem) => {
                problems.push(problem);
                Err(problems)
            }
        }
    })?;
    Ok(read.unwrap_or_else(|| {
        let what = format!(
            "reading it and the issuers' secrets takes longer than {seconds} s; their file system may be hanging"
        );
        let remedy = "check their file system, or raise limits.file_read_timeout";
        Err(vec![Problem::error("session_key", what, remedy)])
    }))
}

/// Faults of an issuer's own settings are reported by `GatewaySettings::validate`.
fn judges(settings: &GatewaySettings, problems: &mut Vec<Problem>) -> Vec<IssuerVerifier> {
    let mut judges = Vec::new();
    for (place, issuer) in settings.issuers.iter().enumerate() {
        let secret = issuer.introspection.as_ref().map(|asked| client_secret(place, asked)).transpose();
        match (IssuerRules::new(issuer), secret) {
            (Ok(rules), Ok(secret)) => judges.push((rules, secret)),
            (Err(_), Ok(_)) => {}
            (_, Err(problem)) => problems.push(problem),
        }
    }
    judges
}

/// Where people sign in at the pages, if there are any.
fn face(sources: &FileSources) -> (Vec<FaceProvider>, Vec<Problem>) {
    let settings = &sources.settings;
    let Some(face) = &settings.face else { return Default::default() };
    providers::read(&face.providers, settings, &|name| (sources.environment)(name))
}

/// Whether a file that the gateway writes can be written.
fn written(key: &str, path: &Path) -> Option<Problem> {
    let error = private_file::check_append(path).err()?;
    Some(Problem::error(key, error.to_string(), error.hint()))
}

fn client_secret(place: usize, asked: &Introspection) -> Result<Secret, Problem> {
    let at = format!("issuers[{place}].introspection.client_secret");
    secret_file(&at, &asked.client_secret, "name a file with the client's secret in it")
}

/// A secret in a file of its own, without the white space around it.
fn secret_file(key: &str, path: &Path, remedy: &str) -> Result<Secret, Problem> {
    let problem = |what: String, remedy: &str| Problem::error(key, what, remedy);
    let text =
        private_file::read_given_text(path).map_err(|error| problem(error.to_string(), &error.hint()))?;
    let text = text.map(Secret::new);
    let text =
        text.ok_or_else(|| problem(format!("{}: No such file or directory", path.display()), remedy))?;
    let secret = Secret::new(text.expose().trim());
    if secret.is_empty() {
        return Err(problem(format!("{} is empty", path.display()), remedy));
    }
    Ok(secret)
}

fn session_key(settings: &GatewaySettings) -> Result<SessionKey, Problem> {
    let Some(path) = &settings.session_key else {
        let none =
            || Problem::error("session_key", "no random numbers are available to make one", "name a file");
        return SessionKey::random().ok_or_else(none);
    };
    SessionKey::read(path, settings.face.is_some())
}

/// The names that the registry's policies use for its own interfaces: they are not MCP servers, and not the gateway's
/// concern.
const REGISTRYS_APIS: [&str; 2] = ["api", "v0.1"];

/// Servers that policy and settings name and that do not exist.
/// Servers whose path begins with the public address's own, which is removed whether or not a proxy has done so.
fn hidden_servers(settings: &GatewaySettings, servers: &[String]) -> Vec<Problem> {
    let public = settings.public_url.as_ref().and_then(|url| Url::parse(url).ok());
    let prefix = public.as_ref().map_or("", |url| url.path());
    let hidden = servers.iter().filter(|name| path_below(prefix, &format!("/{name}")).is_some());
    let what =
        |name| format!("has the path that the server {name} begins with, so that it cannot be reached");
    let remedy = "give one of them another path";
    hidden.map(|name| Problem::error("public_url", what(name), remedy)).collect()
}

fn unknown_references(
    settings: &GatewaySettings,
    policy: Option<&Policy>,
    servers: &[String],
) -> Vec<Problem> {
    let servers: HashSet<&str> = servers.iter().map(String::as_str).collect();
    let remedy = "correct the name, or add the server's file";
    let upstreams = settings.upstreams.keys().filter(|name| !servers.contains(name.as_str()));
    let upstreams =
        upstreams.map(|name| Problem::remark(format!("upstreams.{name}"), "there is no such server", remedy));
    let named = policy.map(Policy::servers).unwrap_or_default().into_iter();
    let named = named.filter(|name| !REGISTRYS_APIS.contains(name));
    let unknown = named.filter(|name| !servers.contains(name.trim_end_matches('/')) && !name.contains('*'));
    let at = settings.policy.display();
    let in_policy =
        unknown.map(|name| Problem::remark(at.to_string(), format!("there is no server {name:?}"), remedy));
    upstreams.chain(in_policy).collect()
}
