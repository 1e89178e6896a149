//! The gateway's files, each kind read by its own thread and within a time limit: a hanging pipe, device or file
//! system blocks neither the other kinds nor requests. Not here: what is in the files (see `policy`, `servers`,
//! `state` and `tls`); putting it in force (see `reload`).

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
use crate::gateway::authn::revocations::{RevocationError, RevocationList};
use crate::gateway::authn::vended::{SigningKeys, SigningKeysError};
use crate::gateway::egress::StoredCredential;
use crate::gateway::servers::headers::AllowedVariables as Allowed;
use crate::gateway::servers::route::{Routes, ServerRoute};
use crate::gateway::servers::{FoundServers, UpstreamServer};
use crate::gateway::settings::{self, EgressMode, GatewaySettings, RawSettings, SettingsError};
use crate::policy::Policy;
use crate::problem::Problem;
use crate::registry::Registry;
use crate::secret::Secret;
use crate::sys::regular_file;
use crate::sys::trust::Trust;

/// Returns a server's stored credential, by its name in `upstreams`.
pub type Credentials = Box<dyn Fn(&str) -> Option<Arc<StoredCredential>> + Send + Sync>;
/// Returns a variable that a server's file uses in its headers, if the settings allow it.
pub type VariableLookup = Box<dyn Fn(&str) -> Option<Secret> + Send + Sync>;

/// Everything needed to read the files and what they name.
pub struct FileSources {
    /// What is to be served, and where everything else is.
    pub settings: GatewaySettings,
    /// The stored egress credentials.
    pub credentials: Credentials,
    /// Variables for servers' headers.
    pub variables: VariableLookup,
    /// Variables for `face.providers`.
    pub environment: VariableLookup,
    /// The system's CA certificates are files as well, and are read before the first TLS server is dialled.
    pub trust: Trust,
}

/// One kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Policy,
    Shadow,
    Servers,
    Revoked,
    Keys,
    Tls,
    Settings,
}

/// The contents of the files of one kind.
pub(crate) enum FileContent {
    Policy(Arc<Policy>),
    Shadow(Arc<Policy>),
    Servers(ServedServers),
    Revoked(Arc<RevocationList>),
    Keys(Arc<SigningKeys>),
    Tls(Arc<ServerConfig>),
    /// The keys of `gateway.yaml` whose values differ from those at the start.
    Settings(Vec<String>),
}

/// The servers, with the credentials that the gateway stores for them.
#[derive(Default)]
pub(crate) struct ServedServers {
    pub(crate) routes: Routes,
    pub(crate) stored: HashMap<String, Arc<StoredCredential>>,
    /// Problems of single server files, which affect no other server.
    pub(crate) remarks: Vec<Problem>,
    /// Servers whose stored credential is not configured, each with the credential's server name.
    pub(crate) missing: Vec<(String, String)>,
}

/// What the thread that reads the servers keeps between reads.
#[derive(Default)]
struct ReaderMemory {
    registry: Registry,
    /// Whether it has read them before.
    read: bool,
    /// `gateway.yaml` as it was at the start.
    settings: Option<RawSettings>,
    /// Once found, a stored credential stays the same: it remembers when it was last requested.
    stored: HashMap<String, Arc<StoredCredential>>,
}

/// All kinds, each with its thread.
pub(crate) struct Files(Vec<FileReader>);

/// One kind, and the thread that reads it.
struct FileReader {
    part: FileKind,
    place: PathBuf,
    /// How long a read may take.
    time: Duration,
    looks: Sender<ReadRequest>,
    /// A read that has not finished in time.
    late: Option<oneshot::Receiver<FileChange>>,
    /// The last read failed: the next one reads whether the files changed or not.
    unread: bool,
}

/// A request to read the files; `anyway` even if they seem unchanged.
struct ReadRequest {
    anyway: bool,
    found: oneshot::Sender<FileChange>,
}

/// The result of a read; `None` if nothing has changed.
type FileChange = Option<Result<FileContent, LoadError>>;
/// Enough of every file's metadata to see a change: editors, copies and switched links all change one of these.
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
    /// A file, or one in a folder, that could not be read in time.
    #[error("{path}: reading it takes longer than {seconds} s; its file system may be hanging", path = path.display())]
    Late {
        /// The file or folder.
        path: PathBuf,
        /// `limits.file_read_timeout`.
        seconds: u64,
    },
    /// The policy, or the shadow policy.
    #[error("{path}: {reason}")]
    Policy {
        /// The file.
        path: String,
        /// What is wrong in it.
        reason: String,
    },
    /// `gateway.yaml`, changed so that a gateway could not start with it.
    #[error("{0}")]
    Settings(#[from] SettingsError),
    /// The certificate.
    #[error("{0}")]
    Tls(#[from] tls::TlsError),
    /// The keys of the gateway's own tokens.
    #[error("{0}")]
    Keys(#[from] SigningKeysError),
    /// The list of revoked tokens.
    #[error("{0}")]
    Revoked(#[from] RevocationError),
    /// A server whose stored credential is not configured.
    #[error("the server {server} uses the stored credential {credential}, which is not configured")]
    Credential {
        /// The server.
        server: String,
        /// The credential's server name.
        credential: String,
    },
}

impl LoadError {
    /// Whether the file's current content is unknown; errors in content that was read do not count.
    pub(crate) fn is_unread(&self) -> bool {
        match self {
            Self::Unreadable { .. } | Self::Late { .. } => true,
            Self::Tls(error) => !error.malformed,
            Self::Keys(error) => !matches!(error, SigningKeysError::Unfit(_)),
            Self::Settings(error) => matches!(error, SettingsError::Unreadable { .. }),
            Self::Revoked(error) => matches!(error, RevocationError::Unreadable { .. }),
            Self::Policy { .. } | Self::Credential { .. } => false,
        }
    }
}

impl FileContent {
    /// In the form that is put in force: as a whole or not at all.
    ///
    /// # Errors
    /// [`LoadError::Credential`].
    pub(crate) fn complete(self) -> Result<Self, LoadError> {
        match self {
            Self::Servers(ServedServers { mut missing, .. }) if !missing.is_empty() => {
                let (server, credential) = missing.remove(0);
                Err(LoadError::Credential { server, credential })
            }
            whole => Ok(whole),
        }
    }
}

impl FileKind {
    const ALL: [Self; 7] =
        [Self::Policy, Self::Shadow, Self::Servers, Self::Revoked, Self::Keys, Self::Tls, Self::Settings];

    /// Its key in the settings.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Shadow => "shadow",
            Self::Servers => "servers",
            Self::Revoked => "revocation_list",
            Self::Keys => "vending.key",
            Self::Tls => "tls",
            Self::Settings => "settings",
        }
    }

    /// Its path; `None` if the settings have none.
    pub(crate) fn place(self, settings: &GatewaySettings) -> Option<PathBuf> {
        match self {
            Self::Policy => Some(settings.policy.clone()),
            Self::Shadow => settings.shadow.clone(),
            Self::Servers => Some(settings.servers.clone()),
            Self::Revoked => settings.revocations(),
            Self::Keys => settings.vending.as_ref().map(|vending| vending.key.clone()),
            Self::Tls => settings.tls.as_ref().map(|tls| tls.certificate.clone()),
            Self::Settings => settings.file.clone(),
        }
    }
}

impl Files {
    /// Starts the threads. They end with this value, except for a hanging one, which ends with the process.
    ///
    /// # Errors
    /// An I/O error, if no more threads can be started.
    pub(crate) fn start(source: FileSources) -> io::Result<Self> {
        let source = Arc::new(source);
        let shelves =
            FileKind::ALL.into_iter().filter_map(|part| Some((part, part.place(&source.settings)?)));
        shelves
            .map(|(part, place)| FileReader::start(part, place, source.clone()))
            .collect::<io::Result<_>>()
            .map(Self)
    }

    /// Checks all files, and reads those that changed or, with `anyway`, every one. It ends within
    /// `limits.file_read_timeout`; a late thread is not awaited the next time, and delivers its result whenever it
    /// has it.
    pub(crate) async fn look(&mut self, anyway: bool) -> Vec<(FileKind, Result<FileContent, LoadError>)> {
        let looks = self.0.iter_mut().map(|shelf| async move {
            let found = shelf.look(anyway).await;
            found.map(|found| (shelf.part, found))
        });
        join_all(looks).await.into_iter().flatten().collect()
    }

    /// The kinds whose current content is unknown, as the settings name them. The settings themselves are not
    /// included: only the next start depends on them.
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
                // A thread that has ended accepts no request, and so sends no answer.
                let _ = self.looks.send(ReadRequest { anyway: anyway || self.unread, found });
                (answer, self.time)
            }
        };
        let found = match timeout(wait, &mut answer).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => {
                let cause = io::Error::other("its reader has failed");
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
            // Nobody is waiting: the gateway is shutting down.
            let _ = found.send((anyway || changed).then(|| self.read(part, &mut memory)));
        }
    }

    fn read(&self, part: FileKind, memory: &mut ReaderMemory) -> Result<FileContent, LoadError> {
        let GatewaySettings { policy, shadow, tls, .. } = &self.settings;
        match part {
            FileKind::Policy => self::policy(policy).map(FileContent::Policy),
            FileKind::Shadow => {
                self::policy(shadow.as_deref().unwrap_or(Path::new(""))).map(FileContent::Shadow)
            }
            FileKind::Servers => self.servers(memory).map(FileContent::Servers),
            FileKind::Revoked => self.revoked(memory).map(FileContent::Revoked),
            FileKind::Keys => self.keys().map(FileContent::Keys),
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
        // It applies to all servers: the previous content stays in force, and the gateway reports that.
        if let Some(path) = registry.unread_state().filter(|_| memory.read)
            && let Err(cause) = regular_file::read(path, settings::MAX_SETTINGS_FILE)
        {
            return Err(LoadError::Unreadable { path: path.into(), cause });
        }
        (memory.registry, memory.read) = (registry, true);
        let FoundServers { servers, remarks } =
            FoundServers::from_registry(&memory.registry, variables, self.settings.mcpgw);
        if servers.iter().any(UpstreamServer::is_secure) {
            // Their problems are reported when a server is dialled.
            let _ = self.trust.client_config();
        }
        let routes = Routes::new(servers, &self.settings);
        let mut missing = Vec::new();
        for route in routes.all().iter().filter(|route| route.egress == EgressMode::Stored) {
            missing.extend(self.credential(route, &mut memory.stored));
        }
        Ok(ServedServers { routes, stored: memory.stored.clone(), remarks, missing })
    }

    /// Caches a server's credential; else returns what is missing.
    fn credential(
        &self,
        route: &ServerRoute,
        stored: &mut HashMap<String, Arc<StoredCredential>>,
    ) -> Option<(String, String)> {
        let (server, credential) = (route.server.name.clone(), route.credential.clone());
        if stored.contains_key(&server) {
            return None;
        }
        let Some(found) = (self.credentials)(&credential) else { return Some((server, credential)) };
        stored.insert(server, found);
        None
    }

    fn keys(&self) -> Result<Arc<SigningKeys>, LoadError> {
        let place = FileKind::Keys.place(&self.settings).unwrap_or_default();
        Ok(Arc::new(SigningKeys::read(&place)?))
    }

    /// What is revoked. The list that goes with vending begins with the first revocation; once there was one, that it is gone
    /// does not mean that nothing is revoked any more.
    fn revoked(&self, memory: &mut ReaderMemory) -> Result<Arc<RevocationList>, LoadError> {
        let place = FileKind::Revoked.place(&self.settings).unwrap_or_default();
        let begins = self.settings.revocation_list.is_none() && !memory.read;
        let list = if begins { RevocationList::begun(&place) } else { RevocationList::read(&place) }?;
        memory.read |= place.exists();
        Ok(Arc::new(list))
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
            FileKind::Keys => {
                paths.extend(paths.first().map(|place| SigningKeys::files(place)).unwrap_or_default())
            }
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

fn text(path: &Path, most: u64) -> Result<String, LoadError> {
    regular_file::read_text(path, most).map_err(|cause| LoadError::Unreadable { path: path.into(), cause })
}
