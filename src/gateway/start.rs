//! Starts and stops the gateway: reads everything, binds, and only then begins; drains, and only then ends.
//! It leaves serving to `listen` and `worker`, and signals to whoever runs it.

use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{JoinHandle, available_parallelism};
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

use super::authn::issuers::{Issuer, Unavailable};
use super::authn::rules::Rules;
use super::host::Hosts;
use super::listen;
use super::operate::files::{Credentials, Files, LoadError, Source, Variables};
use super::operate::journal::Journal;
use super::operate::ledger::Writer;
use super::operate::reload::{self, InForce};
use super::operate::{admin, health};
use super::session::SessionKey;
use super::settings::{self, Settings};
use super::state::{Parts, Shared};
use super::worker::Worker;
use crate::secret::Secret;
use crate::sys::http::Http;
use crate::sys::private_file::{self, FileError};
use crate::sys::{deadline, descriptors};

/// All that a gateway is made of.
pub struct Setup {
    /// Checked before: see `Settings::validate`.
    pub settings: Settings,
    /// Who takes down what happens.
    pub journal: Arc<dyn Journal>,
    /// The network, for keys and introspection.
    pub http: Http,
    /// Stored outside credentials.
    pub credentials: Credentials,
    /// What the stored credentials have under way, which a gateway does not end without.
    pub exchanges: TaskTracker,
    /// Variables for servers' headers.
    pub variables: Variables,
}

/// A gateway that serves. Dropped, it drains first.
pub struct Running {
    address: SocketAddr,
    admin: Option<SocketAddr>,
    shared: Arc<Shared>,
    drain: watch::Sender<bool>,
    reload: Arc<Notify>,
    workers: Vec<JoinHandle<()>>,
    /// These end after the workers, which may wait for them: `control`, then `vault`.
    control: Option<(watch::Sender<bool>, JoinHandle<()>)>,
    vault: Option<(watch::Sender<bool>, JoinHandle<()>)>,
    writer: Option<Writer>,
}

/// Why a gateway does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A file.
    #[error("{0}")]
    Load(#[from] LoadError),
    /// An issuer whose tokens could not be judged.
    #[error("issuer {issuer}: {reason}")]
    Issuer {
        /// Which.
        issuer: String,
        /// What is missing or wrong.
        reason: String,
    },
    /// A key or secret file.
    #[error("{0}")]
    File(#[from] FileError),
    /// A key that protects nothing.
    #[error("{path}: {reason}")]
    Key {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Secrets whose file system does not answer.
    #[error(
        "the session key and the issuers' secrets: reading them takes longer than {seconds} s; their file system may not answer"
    )]
    Late {
        /// `limits.files`.
        seconds: u64,
    },
    /// An address that cannot be had.
    #[error("cannot listen on {address}: {cause}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        cause: io::Error,
    },
    /// The system's no.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// The fewest bytes of a session key.
const KEY: usize = 32;

impl Running {
    /// Starts a gateway. It answers from here on, and can check tokens as soon as it has keys: see [`Self::is_ready`].
    ///
    /// # Errors
    /// [`StartError`]; then nothing was started.
    pub fn start(setup: Setup) -> Result<Self, StartError> {
        let Setup { mut settings, journal, http, credentials, exchanges, variables } = setup;
        let trust = http.trust().clone();
        let source = Source { settings: settings.clone(), credentials, variables, trust };
        let (files, in_force) = first(source)?;
        let epoch = Arc::new(AtomicU64::new(0));
        let (issuers, session_key) = secrets(&settings, &http, &epoch)?;
        let count = workers(&settings);
        let most_connections = listen::most(settings.limits.connections, descriptors::raise(), count);
        let bind = |address, count| {
            listen::bind(address, count).map_err(|cause| StartError::Bind { address, cause })
        };
        let listeners = bind(settings.listen, count)?;
        let admin_listener = settings.admin.map(|address| bind(address, 1)).transpose()?;
        let admin_listener = admin_listener.and_then(|listeners| listeners.into_iter().next());
        let address = listeners.first().map_or(Ok(settings.listen), std::net::TcpListener::local_addr)?;
        let admin = admin_listener.as_ref().map(std::net::TcpListener::local_addr).transpose()?;
        settings.listen = address;
        let scheme = if settings.tls.is_some() { "https" } else { "http" };
        let public_url = settings.public_url.clone().unwrap_or_else(|| format!("{scheme}://{address}"));
        let control = Builder::new_current_thread().enable_all().build()?;
        let vault = Builder::new_current_thread().enable_all().build()?;
        let (drain, draining) = watch::channel(false);
        let audited = settings.audit != "off";
        let shared = Arc::new(Shared::new(Parts {
            trust: http.trust().clone(),
            hosts: Hosts::new(&settings, &public_url),
            admin_hosts: admin.map(|admin| Hosts::of_programs(&settings, &public_url, admin)),
            public_url: public_url.trim_end_matches('/').to_owned(),
            settings,
            state: in_force.state(None),
            epoch,
            issuers,
            session_key,
            journal: journal.clone(),
            vault: vault.handle().clone(),
            most_connections,
        }));
        let writer = Writer::start(journal, shared.audit.clone(), audited)?;
        let reload = Arc::new(Notify::new());
        let mut running = Self {
            address,
            admin,
            shared,
            drain,
            reload: reload.clone(),
            workers: Vec::new(),
            control: None,
            vault: None,
            writer: Some(writer),
        };
        running.vault = Some(thread("vault", vault, |mut stopping| async move {
            let _ = stopping.wait_for(|stop| *stop).await;
            // A refresh token that was sent is used up: what comes for it must be kept.
            exchanges.close();
            exchanges.wait().await;
        })?);
        running.control = Some(running.start_control(control, files, in_force, admin_listener)?);
        for listener in listeners {
            let worker = running.start_worker(listener, draining.clone())?;
            running.workers.push(worker);
        }
        Ok(running)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where metrics are.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// The address clients type.
    pub fn public_url(&self) -> &str {
        &self.shared.public_url
    }

    /// Whether every issuer's tokens can be checked.
    pub fn is_ready(&self) -> bool {
        self.shared.readiness().is_ok()
    }

    /// Reads the files again now, changed or not.
    pub fn reload(&self) {
        self.reload.notify_one();
    }

    /// Says that it is about to leave, and goes on serving: `/readyz` is 503 from here on, and every answer ends its
    /// connection, so that load balancers and clients go elsewhere without losing a request.
    pub fn withdraw(&self) {
        self.shared.leaving.store(true, Ordering::Relaxed);
    }

    /// Takes no more connections, answers what is under way within the limit, and ends.
    pub fn drain(self) {
        // The rest is in `drop`.
    }

    fn start_control(
        &self,
        runtime: Runtime,
        files: Files,
        in_force: InForce,
        admin: Option<std::net::TcpListener>,
    ) -> io::Result<(watch::Sender<bool>, JoinHandle<()>)> {
        let (shared, reload) = (self.shared.clone(), self.reload.clone());
        thread("control", runtime, move |mut stopping| async move {
            for issuer in shared.issuers.clone() {
                let shared = shared.clone();
                tokio::spawn(async move {
                    issuer.keep(|result| told(&shared, issuer.name(), result)).await;
                });
            }
            if let Some(listener) = admin.and_then(|admin| TcpListener::from_std(admin).ok()) {
                tokio::spawn(admin::serve(listener, shared.clone()));
            }
            tokio::spawn(health::watch(shared.clone()));
            tokio::spawn(reload::watch(shared.clone(), files, in_force, reload));
            let _ = stopping.wait_for(|stop| *stop).await;
        })
    }

    fn start_worker(
        &self,
        listener: std::net::TcpListener,
        draining: watch::Receiver<bool>,
    ) -> io::Result<JoinHandle<()>> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (shared, run) = (self.shared.clone(), random()?);
        let ledger = self.writer.as_ref().map(Writer::ledger);
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let work = move || {
            let Some(ledger) = ledger else { return };
            let within = Duration::from_secs(shared.settings.limits.drain);
            let worker = Arc::new(Worker::new(shared, ledger, run));
            runtime.block_on(async {
                tokio::spawn(worker.pool.clone().sweep());
                let mut drained = draining.clone();
                let late = async {
                    let _ = drained.wait_for(|draining| *draining).await;
                    tokio::time::sleep(within).await;
                };
                tokio::select! {
                    () = listen::serve(worker, listener, draining) => {}
                    () = late => {}
                }
            });
        };
        std::thread::Builder::new().name("worker".into()).spawn(work)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.withdraw();
        self.drain.send_replace(true);
        for worker in self.workers.drain(..) {
            // A panic in there has been reported by the panic hook.
            let _ = worker.join();
        }
        for (stop, thread) in [self.control.take(), self.vault.take()].into_iter().flatten() {
            stop.send_replace(true);
            let _ = thread.join();
        }
        // The last lines of the audit.
        self.writer = None;
    }
}

/// A thread that works until it is told to stop.
fn thread<F: Future<Output = ()>>(
    name: &str,
    runtime: Runtime,
    work: impl FnOnce(watch::Receiver<bool>) -> F + Send + 'static,
) -> io::Result<(watch::Sender<bool>, JoinHandle<()>)> {
    let (stop, stopping) = watch::channel(false);
    let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
        runtime.block_on(work(stopping));
        // A look-up that still runs must not keep the process.
        runtime.shutdown_background();
    })?;
    Ok((stop, thread))
}

/// The files as they are now, and the threads that read them. On a thread of its own, because whoever starts a gateway may
/// be on a runtime.
fn first(source: Source) -> Result<(Files, InForce), StartError> {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let read = std::thread::spawn(move || {
        let mut files = Files::start(source)?;
        let in_force = runtime.block_on(InForce::first(&mut files))?;
        Ok((files, in_force))
    });
    read.join().unwrap_or_else(|_| Err(io::Error::other("reading the files was broken off").into()))
}

/// What is read once, within the same time as all files.
fn secrets(
    settings: &Settings,
    http: &Http,
    epoch: &Arc<AtomicU64>,
) -> Result<(Vec<Arc<Issuer>>, SessionKey), StartError> {
    let seconds = settings.limits.files;
    let (settings, http, epoch) = (settings.clone(), http.clone(), epoch.clone());
    let read = move || Ok((issuers(&settings, &http, &epoch)?, session_key(&settings)?));
    deadline::within(Duration::from_secs(seconds), read)?.unwrap_or(Err(StartError::Late { seconds }))
}

fn told(shared: &Shared, issuer: &str, result: Result<usize, &Unavailable>) {
    match result {
        Ok(keys) => {
            shared.metrics.keys("ok");
            shared.journal.info("keys", &format!("{issuer}: {keys} keys"));
        }
        Err(error) => {
            shared.metrics.keys("failed");
            shared.journal.warn("keys", &format!("{error}; the last good keys stay in use"));
        }
    }
}

fn issuers(settings: &Settings, http: &Http, epoch: &Arc<AtomicU64>) -> Result<Vec<Arc<Issuer>>, StartError> {
    let refused = |issuer: &settings::Issuer, reason: String| StartError::Issuer {
        issuer: issuer.issuer.clone(),
        reason,
    };
    if settings.issuers.is_empty() {
        return Err(StartError::Issuer {
            issuer: "(none)".into(),
            reason: "a gateway needs at least one".into(),
        });
    }
    let one = |issuer: &settings::Issuer| {
        let rules = Rules::new(issuer).map_err(|reason| refused(issuer, reason.to_string()))?;
        let secret = match &issuer.introspection {
            None => None,
            Some(introspection) => {
                let secret = private_file::read(&introspection.client_secret)?;
                let secret = secret.ok_or_else(|| {
                    refused(issuer, format!("{} does not exist", introspection.client_secret.display()))
                })?;
                Some(Secret::new(secret.trim()))
            }
        };
        Ok(Arc::new(Issuer::new(issuer.clone(), rules, secret, http.clone(), epoch.clone())))
    };
    settings.issuers.iter().map(one).collect()
}

fn session_key(settings: &Settings) -> Result<SessionKey, StartError> {
    let Some(path) = &settings.session_key else {
        return SessionKey::random().ok_or_else(|| io::Error::other("no random numbers").into());
    };
    let failed = |reason| StartError::Key { path: path.display().to_string(), reason };
    let text = private_file::read(path)?.map(Secret::new).ok_or_else(|| failed("it does not exist"))?;
    let bytes = text.expose().trim().as_bytes();
    if bytes.len() < KEY {
        return Err(failed("shorter than 32 characters; make one with: openssl rand -hex 32"));
    }
    SessionKey::new(bytes).ok_or_else(|| io::Error::other("no cipher for sessions").into())
}

/// One a core; one alone where several cannot share a port.
pub(super) fn workers(settings: &Settings) -> usize {
    let cores = available_parallelism().map_or(1, NonZero::get);
    if cfg!(unix) { settings.workers.unwrap_or(cores).max(1) } else { 1 }
}

fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
    Ok(u64::from_ne_bytes(bytes))
}
