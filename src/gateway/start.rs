//! Starts and stops the gateway: binds before it serves; drains before it ends. Not here: reading (see `load`);
//! serving (see `listen` and `worker`).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::authn::issuers::{IssuerState, IssuerUnavailable};
use super::authn::rules::IssuerRules;
use super::catalogue::Catalogue;
use super::embeddings::EmbeddingSearch;
use super::face::{self, FaceSite, FaceState};
use super::host::Hosts;
use super::listen;
use super::load::{self, Loaded};
use super::mcpgw::own_tools;
use super::observe::audit_buffer::AuditWriter;
use super::observe::audit_sink::AuditSink;
use super::ops::files::{FileSources, Files};
use super::ops::reload::{self, ActiveFiles};
use super::ops::{admin, health};
use super::providers::FaceProvider;
use super::settings::{Vending, most};
use super::state::{Parts, SharedState};
use super::token_ledger::{Ledger, LedgerWriter};
use super::worker::Worker;
use crate::log::heard;
use crate::problem::Problem;
use crate::sys::descriptors;
use crate::sys::http::Http;

/// A serving gateway. When dropped, it drains first.
pub struct RunningGateway {
    address: SocketAddr,
    admin: Option<SocketAddr>,
    shared: Arc<SharedState>,
    drain: watch::Sender<bool>,
    reload: Arc<Notify>,
    workers: Vec<JoinHandle<()>>,
    /// These end after the workers, which may wait for them: `control`, then `vault`.
    control: Option<(watch::Sender<bool>, JoinHandle<()>)>,
    vault: Option<(watch::Sender<bool>, JoinHandle<()>)>,
    /// The pages for people: where they are, and the thread that serves them.
    face: Option<RunningFace>,
    writer: Option<AuditWriter>,
    /// Who writes the ledger of vended tokens.
    ledger: Option<JoinHandle<()>>,
}

/// The pages for people.
struct RunningFace {
    address: SocketAddr,
    url: String,
    thread: (watch::Sender<bool>, JoinHandle<()>),
}

/// Why a gateway does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Problems of settings or files, all of them.
    #[error("{}", lines(.0))]
    Load(Vec<Problem>),
    /// An address that cannot be bound.
    #[error("cannot listen on {address}: {cause}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        cause: io::Error,
    },
    /// An I/O error.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// What a gateway needs besides its files.
pub struct GatewayContext {
    /// Where audit lines go.
    pub journal: Arc<dyn AuditSink>,
    /// The network, for keys and introspection.
    pub http: Http,
    /// Pending requests for stored credentials, which the gateway waits for at its end.
    pub exchanges: TaskTracker,
}

impl RunningGateway {
    /// Reads what the settings name, and starts a gateway.
    ///
    /// # Errors
    /// [`StartError`]; then nothing was started.
    pub fn start(sources: FileSources, around: GatewayContext) -> Result<Self, StartError> {
        let report = load::read(sources)?;
        let Some(loaded) = report.loaded else {
            return Err(StartError::Load(report.problems.into_iter().filter(Problem::is_error).collect()));
        };
        Self::serve(loaded, around)
    }

    /// Starts a gateway from what was loaded. From here on it answers, and it can check tokens as soon as it has
    /// keys: see [`Self::is_ready`].
    ///
    /// # Errors
    /// [`StartError`]; then nothing was started.
    pub fn serve(loaded: Loaded, around: GatewayContext) -> Result<Self, StartError> {
        let Loaded { mut settings, files, in_force, issuers, session_key, embeddings_key, providers } =
            loaded;
        let GatewayContext { journal, http, exchanges } = around;
        let epoch = Arc::new(AtomicU64::new(0));
        let issuers = settings.issuers.iter().cloned().zip(issuers).map(|(issuer, (rules, secret))| {
            Arc::new(IssuerState::new(issuer, rules, secret, http.clone(), epoch.clone()))
        });
        let own = settings.vending.as_ref().map(Vending::as_issuer);
        let own = own.and_then(|own| Some((IssuerRules::new(&own).ok()?, own)));
        let own =
            own.map(|(rules, own)| Arc::new(IssuerState::new(own, rules, None, http.clone(), epoch.clone())));
        let issuers = issuers.chain(own).collect();
        let count = settings.worker_count();
        let most_connections = most(settings.limits.max_connections, descriptors::raise(), count);
        let bind = |address, count| {
            listen::bind(address, count).map_err(|cause| StartError::Bind { address, cause })
        };
        let listeners = bind(settings.listen, count)?;
        let admin_listener = settings.admin.map(|address| bind(address, 1)).transpose()?;
        let face_listener = settings.face.as_ref().map(|face| bind(face.listen, 1)).transpose()?;
        let face_listener = face_listener.and_then(|listeners| listeners.into_iter().next());
        let admin_listener = admin_listener.and_then(|listeners| listeners.into_iter().next());
        let address = listeners.first().map_or(Ok(settings.listen), std::net::TcpListener::local_addr)?;
        let admin = admin_listener.as_ref().map(std::net::TcpListener::local_addr).transpose()?;
        settings.listen = address;
        let public_url = settings.address();
        let control = Builder::new_current_thread().enable_all().build()?;
        let vault = Builder::new_current_thread().enable_all().build()?;
        let (drain, draining) = watch::channel(false);
        let (ledger, ledger_thread) = settings
            .vending
            .as_ref()
            .map(|vending| {
                LedgerWriter::start(
                    Ledger::at(&vending.ledger),
                    Duration::from_secs(settings.limits.file_read_timeout),
                )
            })
            .transpose()?
            .unzip();
        let audited = settings.audit != "off";
        let reload = Arc::new(Notify::new());
        let state = in_force.state(None);
        let embeddings = settings.embeddings();
        let embeddings = embeddings.and_then(|one| EmbeddingSearch::new(one, embeddings_key, http.clone()));
        let catalogue = Catalogue::start(state.routes.all(), own_tools(&settings), embeddings.is_some())?;
        let parts = Parts {
            trust: http.trust().clone(),
            hosts: Hosts::new(&settings, &public_url),
            admin_hosts: admin.map(|admin| Hosts::of_programs(&settings, &public_url, admin)),
            public_url,
            settings,
            epoch,
            issuers,
            session_key,
            vault: vault.handle().clone(),
            ledger,
            most_connections,
            catalogue,
            embeddings,
            reload: reload.clone(),
        };
        let shared = Arc::new(SharedState::new(parts, state));
        let writer = AuditWriter::start(journal, shared.audit.clone(), audited)?;
        let mut running = Self {
            address,
            admin,
            shared,
            drain,
            reload: reload.clone(),
            workers: Vec::new(),
            control: None,
            vault: None,
            face: None,
            writer: Some(writer),
            ledger: ledger_thread,
        };
        running.vault = Some(thread("vault", vault, |mut stopping| async move {
            let _ = stopping.wait_for(|stop| *stop).await;
            // A refresh token that was sent is spent: its answer must be stored.
            exchanges.close();
            exchanges.wait().await;
        })?);
        running.control = Some(running.start_control(control, files, in_force, admin_listener)?);
        running.face =
            face_listener.map(|listener| running.start_face(listener, providers, http)).transpose()?;
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

    /// Where metrics are served.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Where the pages for people are, and the address that people type.
    pub fn face(&self) -> Option<(SocketAddr, &str)> {
        self.face.as_ref().map(|face| (face.address, face.url.as_str()))
    }

    /// The address that clients type.
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

    /// Announces the shutdown and goes on serving: `/readyz` is 503 from here on, and every answer closes its
    /// connection, so that load balancers and clients move elsewhere without losing a request.
    pub fn withdraw(&self) {
        self.shared.leaving.store(true, Ordering::Relaxed);
    }

    /// Accepts no more connections, answers the requests in flight within the limit, and ends.
    pub fn drain(self) {
        // The rest is in `drop`.
    }

    fn start_control(
        &self,
        runtime: Runtime,
        files: Files,
        in_force: ActiveFiles,
        admin: Option<std::net::TcpListener>,
    ) -> io::Result<(watch::Sender<bool>, JoinHandle<()>)> {
        let (shared, reload) = (self.shared.clone(), self.reload.clone());
        thread("control", runtime, move |mut stopping| async move {
            for issuer in shared.others() {
                let (shared, issuer) = (shared.clone(), issuer.clone());
                tokio::spawn(async move {
                    issuer.keep(|result| report_keys(&shared, &issuer, result)).await;
                });
            }
            if let Some(listener) = admin.and_then(|admin| TcpListener::from_std(admin).ok()) {
                tokio::spawn(admin::serve(listener, shared.clone()));
            }
            tokio::spawn(health::watch(shared.clone()));
            let search = shared.clone();
            tokio::spawn(async move {
                if let Some(embeddings) = &search.embeddings {
                    embeddings.keep(&search.catalogue).await;
                }
            });
            tokio::spawn(reload::watch(shared.clone(), files, in_force, reload));
            let _ = stopping.wait_for(|stop| *stop).await;
        })
    }

    fn start_face(
        &self,
        listener: std::net::TcpListener,
        providers: Vec<FaceProvider>,
        http: Http,
    ) -> io::Result<RunningFace> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let settings = &self.shared.settings;
        let address = listener.local_addr()?;
        let face = settings.face.clone().unwrap_or_default();
        let site = FaceSite::new(&face, address, settings.tls.is_some());
        let audit = self.writer.as_ref().map(AuditWriter::ledger).unwrap_or_default();
        let url = site.url.clone();
        let face = FaceState::new(self.shared.clone(), (site, providers), http, audit, random()?);
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let thread = thread("face", runtime, |stopping| face::serve(listener, face, stopping))?;
        Ok(RunningFace { address, url, thread })
    }

    fn start_worker(
        &self,
        listener: std::net::TcpListener,
        draining: watch::Receiver<bool>,
    ) -> io::Result<JoinHandle<()>> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (shared, run) = (self.shared.clone(), random()?);
        let ledger = self.writer.as_ref().map(AuditWriter::ledger);
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let work = move || {
            let Some(ledger) = ledger else { return };
            let within = Duration::from_secs(shared.settings.limits.drain_timeout);
            let worker = Arc::new(Worker::new(shared, ledger, run));
            runtime.block_on(async {
                tokio::spawn(worker.forwarder.sender.pool.clone().sweep());
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
        std::thread::Builder::new().name("worker".into()).spawn(heard(work))
    }
}

impl Drop for RunningGateway {
    fn drop(&mut self) {
        self.withdraw();
        self.drain.send_replace(true);
        for worker in self.workers.drain(..) {
            // A panic in there has been reported by the panic hook.
            let _ = worker.join();
        }
        let face = self.face.take().map(|face| face.thread);
        for (stop, thread) in [face, self.control.take(), self.vault.take()].into_iter().flatten() {
            stop.send_replace(true);
            let _ = thread.join();
        }
        self.shared.ledger.iter().for_each(LedgerWriter::end);
        if let Some(ledger) = self.ledger.take() {
            let _ = ledger.join();
        }
        // The last lines of the audit.
        self.writer = None;
    }
}

/// A thread that runs until it is told to stop.
fn thread<F: Future<Output = ()>>(
    name: &str,
    runtime: Runtime,
    work: impl FnOnce(watch::Receiver<bool>) -> F + Send + 'static,
) -> io::Result<(watch::Sender<bool>, JoinHandle<()>)> {
    let (stop, stopping) = watch::channel(false);
    let thread = std::thread::Builder::new().name(name.into()).spawn(heard(move || {
        runtime.block_on(work(stopping));
        // A pending DNS look-up must not keep the process alive.
        runtime.shutdown_background();
    }))?;
    Ok((stop, thread))
}

fn report_keys(shared: &SharedState, issuer: &IssuerState, result: Result<usize, &IssuerUnavailable>) {
    match result {
        Ok(keys) => {
            shared.metrics.keys("ok");
            info!(event = "keys", "{}: {keys} keys", issuer.name());
        }
        Err(error) => {
            shared.metrics.keys("failed");
            let meanwhile = match issuer.keys() {
                Some(_) => "the last good keys stay in use",
                None => "no token of this issuer can be checked until they are fetched",
            };
            warn!(event = "keys", "{error}; {meanwhile}");
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
    Ok(u64::from_ne_bytes(bytes))
}
