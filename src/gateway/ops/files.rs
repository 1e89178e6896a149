//! The gateway's files, each kind read by a thread of its own and within a time: a pipe, a device or a file system that
//! hangs stops neither what reads the other kinds nor anything that serves.
//! It leaves what is in the files to `policy`, `servers`, `state` and `tls`, and putting it in force to `reload`.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use rustls::ServerConfig;
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::tls;
use crate::gateway::egress::StoredCredential;
use crate::gateway::servers::headers::AllowedVariables as Allowed;
use crate::gateway::servers::route::{Routes, ServerRoute};
use crate::gateway::servers::{FoundServers, UpstreamServer};
use crate::gateway::settings::{self, EgressMode, GatewaySettings, RawSettings, SettingsError};
use crate::gateway::state::RevocationList;
use crate::policy::Policy;
use crate::problem::Problem;
use crate::registry::Registry;
use crate::secret::Secret;
use crate::sys::regular_file;
use crate::sys::trust::Trust;

/// Gives a server's stored credential, by its name in `upstreams`.
pub type Credentials = Box<dyn Fn(&str) -> Option<Arc<StoredCredential>> + Send + Sync>;
/// Gives a variable that a server's file names in its headers, if the settings allow it.
pub type VariableLookup = Box<dyn Fn(&str) -> Option<Secret> + Send + Sync>;

/// Where files and what they name are read from.
pub struct FileSources {
    /// What is to be served, and where everything else is.
    pub settings: GatewaySettings,
    /// Stored outside credentials.
    pub credentials: Credentials,
    /// Variables for servers' headers.
    pub variables: VariableLookup,
    /// The system's authorities are files as well, and are read before the first server with TLS is dialled.
    pub trust: Trust,
}

/// One kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Policy,
    Shadow,
    Servers,
    Revoked,
    Tls,
    Settings,
}

/// What files of a kind say.
pub(crate) enum FileContent {
    Policy(Arc<Policy>),
    Shadow(Arc<Policy>),
    Servers(ServedServers),
    Revoked(Arc<RevocationList>),
    Tls(Arc<ServerConfig>),
    /// The keys of `gateway.yaml` that have other values than at the start.
    Settings(Vec<String>),
}

/// The servers, with the credentials that the gateway holds for them.
#[derive(Default)]
pub(crate) struct ServedServers {
    pub(crate) routes: Routes,
    pub(crate) stored: HashMap<String, Arc<StoredCredential>>,
    /// What is wrong with the files of single servers, which stops no other.
    pub(crate) remarks: Vec<Problem>,
    /// The stored credentials that nobody has.
    pub(crate) missing: Vec<MissingCredential>,
}

/// A server that is to get a credential nobody has.
pub(crate) struct MissingCredential {
    pub(crate) server: String,
    /// The credential's server name.
    pub(crate) credential: String,
}

/// What the thread that reads the servers remembers of what it read.
#[derive(Default)]
struct ReaderMemory {
    registry: Registry,
    /// Whether it was read before.
    read: bool,
    /// `gateway.yaml` as it was at the start.
    settings: Option<RawSettings>,
    /// Once found, a stored credential is the same for good: it knows when it was asked for last.
    stored: HashMap<String, Arc<StoredCredential>>,
}

/// All kinds, each with its thread.
pub(crate) struct Files(Vec<FileReader>);

/// One kind, and the thread that reads it.
struct FileReader {
    part: FileKind,
    place: PathBuf,
    /// How long a look may take.
    time: Duration,
    looks: Sender<ReadRequest>,
    /// A look that has not come to its end in time.
    late: Option<oneshot::Receiver<FileChange>>,
    /// The last look brought no content: the next one reads, changed or not.
    unread: bool,
}

/// A request to look at the files; `anyway` even if they seem to be what they were.
struct ReadRequest {
    anyway: bool,
    found: oneshot::Sender<FileChange>,
}

/// What a look brought; `None` if nothing has changed.
type FileChange = Option<Result<FileContent, LoadError>>;
/// Enough of every file to see that it changed: editors, copies and links that are switched all change one of these.
type Fingerprint = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

/// Why the files cannot be put in force.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A file that cannot be read.
    #[error("{path}: {cause}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// A file, or one of a folder, that nobody has seen the end of in time.
    #[error("{path}: reading it takes longer than {seconds} s; its file system may not answer", path = path.display())]
    Late {
        /// The file or folder.
        path: PathBuf,
        /// `limits.file_read_timeout`.
        seconds: u64,
    },
    /// The policy, or the one that only watches.
    #[error("{path}: {reason}")]
    Policy {
        /// The file.
        path: String,
        /// What is wrong in it.
        reason: String,
    },
    /// `gateway.yaml`, changed to what no gateway starts with.
    #[error("{0}")]
    Settings(#[from] SettingsError),
    /// The certificate.
    #[error("{0}")]
    Tls(#[from] tls::TlsError),
    /// The list of revoked tokens.
    #[error("{path}: {reason}")]
    Revoked {
        /// The file.
        path: String,
        /// What is wrong in it.
        reason: String,
    },
    /// A server that is to get a credential nobody has.
    #[error("the server {server} is to get the stored credential {credential}, which is not configured")]
    Credential {
        /// The server.
        server: String,
        /// The credential's server name.
        credential: String,
    },
}

/// The largest list of revoked tokens, in bytes.
const MOST_REVOKED: u64 = 64 << 20;

impl LoadError {
    /// Whether nobody knows what is in the file now; what is wrong in one that was read is another matter.
    pub(crate) fn is_unread(&self) -> bool {
        match self {
            Self::Unreadable { .. } | Self::Late { .. } => true,
            Self::Tls(error) => !error.malformed,
            Self::Settings(error) => matches!(error, SettingsError::Unreadable { .. }),
            Self::Policy { .. } | Self::Revoked { .. } | Self::Credential { .. } => false,
        }
    }
}

impl FileContent {
    /// As it is put in force: whole or not at all.
    ///
    /// # Errors
    /// [`LoadError::Credential`].
    pub(crate) fn complete(self) -> Result<Self, LoadError> {
        match self {
            Self::Servers(ServedServers { mut missing, .. }) if !missing.is_empty() => {
                let MissingCredential { server, credential } = missing.remove(0);
                Err(LoadError::Credential { server, credential })
            }
            whole => Ok(whole),
        }
    }
}

impl FileKind {
    const ALL: [Self; 6] =
        [Self::Policy, Self::Shadow, Self::Servers, Self::Revoked, Self::Tls, Self::Settings];

    /// As the settings name it.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Shadow => "shadow",
            Self::Servers => "servers",
            Self::Revoked => "revocation_list",
            Self::Tls => "tls",
            Self::Settings => "settings",
        }
    }

    /// Where it is; none if the settings have none.
    pub(crate) fn place(self, settings: &GatewaySettings) -> Option<PathBuf> {
        match self {
            Self::Policy => Some(settings.policy.clone()),
            Self::Shadow => settings.shadow.clone(),
            Self::Servers => Some(settings.servers.clone()),
            Self::Revoked => settings.revocation_list.clone(),
            Self::Tls => settings.tls.as_ref().map(|tls| tls.certificate.clone()),
            Self::Settings => settings.file.clone(),
        }
    }
}

impl Files {
    /// Starts the threads. They end with this, but for one that hangs, which ends with the process.
    ///
    /// # Errors
    /// The system's, if there are no more threads to be had.
    pub(crate) fn start(source: FileSources) -> io::Result<Self> {
        let source = Arc::new(source);
        let shelves =
            FileKind::ALL.into_iter().filter_map(|part| Some((part, part.place(&source.settings)?)));
        shelves
            .map(|(part, place)| FileReader::start(part, place, source.clone()))
            .collect::<io::Result<_>>()
            .map(Self)
    }

    /// Looks at all files, and reads those that changed or, with `anyway`, every one. It ends within `limits.file_read_timeout`; whoever
    /// is late is not waited for the next time, and brings what it finds whenever that is.
    pub(crate) async fn look(&mut self, anyway: bool) -> Vec<(FileKind, Result<FileContent, LoadError>)> {
        let looks = self.0.iter_mut().map(|shelf| async move {
            let found = shelf.look(anyway).await;
            found.map(|found| (shelf.part, found))
        });
        join_all(looks).await.into_iter().flatten().collect()
    }

    /// The kinds of which nobody knows what is in them now, as the settings name them. The settings themselves are none of
    /// them: nothing depends on them but the next start.
    pub(crate) fn unread(&self) -> Vec<&'static str> {
        let decides = |shelf: &&FileReader| shelf.unread && shelf.part != FileKind::Settings;
        self.0.iter().filter(decides).map(|shelf| shelf.part.key()).collect()
    }
}

impl FileReader {
    fn start(part: FileKind, place: PathBuf, source: Arc<FileSources>) -> io::Result<Self> {
        let (looks, from) = channel();
        let time = Duration::from_secs(source.settings.limits.file_read_timeout);
        std::thread::Builder::new().name("files".into()).spawn(move || source.serve(part, &from))?;
        Ok(Self { part, place, time, looks, late: None, unread: false })
    }

    async fn look(&mut self, anyway: bool) -> FileChange {
        let (mut answer, wait) = match self.late.take() {
            Some(late) => (late, Duration::ZERO),
            None => {
                let (found, answer) = oneshot::channel();
                // A thread that is gone takes none, and so answers none.
                let _ = self.looks.send(ReadRequest { anyway: anyway || self.unread, found });
                (answer, self.time)
            }
        };
        let found = match timeout(wait, &mut answer).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => {
                let cause = io::Error::other("whatever reads it has failed");
                Some(Err(LoadError::Unreadable { path: self.place.clone(), cause }))
            }
            Err(_) => {
                self.late = Some(answer);
                Some(Err(LoadError::Late { path: self.place.clone(), seconds: self.time.as_secs() }))
            }
        };
        if let Some(found) = &found {
            self.unread = found.as_ref().is_err_and(LoadError::is_unread);
        }
        found
    }
}

impl FileSources {
    fn serve(&self, part: FileKind, looks: &Receiver<ReadRequest>) {
        let mut seen = None;
        let mut memory = ReaderMemory::default();
        for ReadRequest { anyway, found } in looks {
            let now = self.fingerprint(part);
            let changed = seen.replace(now) != seen || memory.registry.has_healed();
            // Nobody waits: the gateway is at its end.
            let _ = found.send((anyway || changed).then(|| self.read(part, &mut memory)));
        }
    }

    fn read(&self, part: FileKind, memory: &mut ReaderMemory) -> Result<FileContent, LoadError> {
        let GatewaySettings { policy, shadow, revocation_list, tls, .. } = &self.settings;
        match part {
            FileKind::Policy => self::policy(policy).map(FileContent::Policy),
            FileKind::Shadow => {
                self::policy(shadow.as_deref().unwrap_or(Path::new(""))).map(FileContent::Shadow)
            }
            FileKind::Servers => self.servers(memory).map(FileContent::Servers),
            FileKind::Revoked => {
                self::revoked(revocation_list.as_deref().unwrap_or(Path::new(""))).map(FileContent::Revoked)
            }
            FileKind::Tls => {
                let missing =
                    || LoadError::Unreadable { path: PathBuf::new(), cause: io::ErrorKind::NotFound.into() };
                Ok(FileContent::Tls(tls::read(tls.as_ref().ok_or_else(missing)?)?))
            }
            FileKind::Settings => {
                let now = RawSettings::read(self.settings.file.as_deref().unwrap_or(Path::new("")))?;
                let before = memory.settings.get_or_insert_with(|| now.clone());
                Ok(FileContent::Settings(before.changed(&now)))
            }
        }
    }

    fn servers(&self, memory: &mut ReaderMemory) -> Result<ServedServers, LoadError> {
        let value = |name: &str| (self.variables)(name);
        let variables = Allowed { allowed: &self.settings.header_variables, value: &value };
        let dir = &self.settings.servers;
        let unreadable = |cause| LoadError::Unreadable { path: dir.clone(), cause };
        let registry = memory.registry.again(dir).map_err(unreadable)?;
        // It decides for all of them: what was in force stays, and the gateway says that it does not know.
        if let Some(path) = registry.unread_state().filter(|_| memory.read)
            && let Err(cause) = regular_file::read(path, settings::MAX_SETTINGS_FILE)
        {
            return Err(LoadError::Unreadable { path: path.into(), cause });
        }
        (memory.registry, memory.read) = (registry, true);
        let FoundServers { servers, remarks } =
            FoundServers::from_registry(&memory.registry, variables, self.settings.mcpgw);
        if servers.iter().any(UpstreamServer::is_secure) {
            // What is wrong with them is said by whoever dials.
            let _ = self.trust.client_config();
        }
        let routes = Routes::new(servers, &self.settings);
        let mut missing = Vec::new();
        for route in routes.all().iter().filter(|route| route.egress == EgressMode::Stored) {
            missing.extend(self.credential(route, &mut memory.stored));
        }
        Ok(ServedServers { routes, stored: memory.stored.clone(), remarks, missing })
    }

    /// Remembers a server's credential; else gives what is missing.
    fn credential(
        &self,
        route: &ServerRoute,
        stored: &mut HashMap<String, Arc<StoredCredential>>,
    ) -> Option<MissingCredential> {
        let (server, credential) = (route.server.name.clone(), route.credential.clone());
        if stored.contains_key(&server) {
            return None;
        }
        let Some(found) = (self.credentials)(&credential) else {
            return Some(MissingCredential { server, credential });
        };
        stored.insert(server, found);
        None
    }

    fn fingerprint(&self, part: FileKind) -> Fingerprint {
        let mut paths: Vec<PathBuf> = part.place(&self.settings).into_iter().collect();
        match part {
            FileKind::Servers => {
                let listing = fs::read_dir(&self.settings.servers).into_iter().flatten().flatten();
                paths.extend(listing.map(|entry| entry.path()));
                paths.sort();
            }
            FileKind::Tls => paths.extend(self.settings.tls.iter().map(|tls| tls.key.clone())),
            FileKind::Policy | FileKind::Shadow | FileKind::Revoked | FileKind::Settings => {}
        }
        let stat = |path: &Path| -> io::Result<(SystemTime, u64)> {
            let found = fs::metadata(path)?;
            Ok((found.modified()?, found.len()))
        };
        paths.into_iter().map(|path| (path.clone(), stat(&path).ok())).collect()
    }
}

fn policy(path: &Path) -> Result<Arc<Policy>, LoadError> {
    let failed = |reason: String| LoadError::Policy { path: path.display().to_string(), reason };
    Policy::parse(&text(path, settings::MAX_SETTINGS_FILE)?).map(Arc::new).map_err(|e| failed(e.to_string()))
}

fn revoked(path: &Path) -> Result<Arc<RevocationList>, LoadError> {
    let failed = |reason: String| LoadError::Revoked { path: path.display().to_string(), reason };
    RevocationList::read(&text(path, MOST_REVOKED)?)
        .map(Arc::new)
        .map_err(|line| failed(format!("line {line} is none of jti:, sub: and client_id: VALUE")))
}

fn text(path: &Path, most: u64) -> Result<String, LoadError> {
    regular_file::read_text(path, most).map_err(|cause| LoadError::Unreadable { path: path.into(), cause })
}
