//! Starts and stops the gateway: reads everything, binds, and only then begins; drains, and only then ends.
//! It leaves serving to `listen` and `worker`, and signals to whoever runs it.

use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
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
use super::operate::journal::Journal;
use super::operate::ledger::Writer;
use super::operate::reload::{self, Credentials, LoadError, Reader, Variables};
use super::operate::{admin, health};
use super::session::SessionKey;
use super::settings::{self, Settings};
use super::state::{Parts, Shared};
use super::worker::Worker;
use crate::secret::Secret;
use crate::sys::http::Http;
use crate::sys::private_file::{self, FileError};

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
    /// Ends after the workers, which may wait for it.
    control: Option<(watch::Sender<bool>, JoinHandle<()>)>,
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
        let reader = Reader { credentials, variables };
        let state = reader.read(&settings, None)?;
        let epoch = Arc::new(AtomicU64::new(0));
        let issuers = issuers(&settings, &http, &epoch)?;
        let session_key = session_key(&settings)?;
        let count = workers(&settings);
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
        let (drain, draining) = watch::channel(false);
        let audited = settings.audit != "off";
        let shared = Arc::new(Shared::new(Parts {
            trust: http.trust().clone(),
            hosts: Hosts::new(&settings, &public_url),
            public_url: public_url.trim_end_matches('/').to_owned(),
            settings,
            state,
            epoch,
            issuers,
            session_key,
            journal: journal.clone(),
            control: control.handle().clone(),
            draining: draining.clone(),
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
            writer: Some(writer),
        };
        running.control = Some(running.start_control(control, reader, admin_listener, exchanges)?);
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
        self.shared.is_ready()
    }

    /// Reads the files again now, changed or not.
    pub fn reload(&self) {
        self.reload.notify_one();
    }

    /// Takes no more connections, answers what is under way within the limit, and ends.
    pub fn drain(self) {
        // The rest is in `drop`.
    }

    fn start_control(
        &self,
        runtime: Runtime,
        reader: Reader,
        admin: Option<std::net::TcpListener>,
        exchanges: TaskTracker,
    ) -> io::Result<(watch::Sender<bool>, JoinHandle<()>)> {
        let (stop, mut stopping) = watch::channel(false);
        let (shared, reload) = (self.shared.clone(), self.reload.clone());
        let work = move || {
            runtime.block_on(async {
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
                tokio::spawn(reload::watch(shared.clone(), reader, reload));
                let _ = stopping.wait_for(|stop| *stop).await;
                // A refresh token that was sent is used up: what comes for it must be kept.
                exchanges.close();
                exchanges.wait().await;
            });
            // A look-up that still runs must not keep the process.
            runtime.shutdown_background();
        };
        Ok((stop, std::thread::Builder::new().name("control".into()).spawn(work)?))
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
        self.drain.send_replace(true);
        for worker in self.workers.drain(..) {
            // A panic in there has been reported by the panic hook.
            let _ = worker.join();
        }
        if let Some((stop, control)) = self.control.take() {
            stop.send_replace(true);
            let _ = control.join();
        }
        // The last lines of the audit.
        self.writer = None;
    }
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
fn workers(settings: &Settings) -> usize {
    let cores = available_parallelism().map_or(1, NonZero::get);
    if cfg!(unix) { settings.workers.unwrap_or(cores).max(1) } else { 1 }
}

fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
    Ok(u64::from_ne_bytes(bytes))
}
