//! `mcpauth refresh` as a service: one timer, regular scans of the files, and a bounded number of requests per
//! issuer. Not here: when (see `refresh::Schedule`); one attempt (see `renew`); messages (see `log`).

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{FutureExt, LocalBoxFuture};
use futures_util::stream::FuturesUnordered;
use tracing::{info, warn};

use super::log::{self, UnattendedUi};
use super::plan::Epoch;
use super::renew::{self, Turns};
use super::rules::Rules;
use super::schedule::{AttemptOutcome, Schedule};
use crate::clients::{self, ConfigRow};
use crate::config::{Config, ConfigError};
use crate::context::Context;
use crate::credential::{Credential, CredentialId, CredentialKind, KEY_FORMAT};
use crate::error::Error;
use crate::notice::{Notices, Silence};
use crate::store::Store;
use crate::sys::pid_file::{self, PidError, PidFile, RunningProcess};
use crate::sys::signal::{self, HangUps, Stop};
use crate::sys::{clock, hook, private_file, supervisor};
use crate::vault::{IssuedToken, Vault};

/// The file in the tokens directory that the service locks while it runs.
const PID_FILE: &str = ".refresh.pid";
/// The longest sleep, in seconds: timers stand still while a machine sleeps, and the wall clock does not.
const LONGEST_SLEEP: Epoch = 30;
/// How long new tokens are collected before the client configurations are written, in seconds.
const GATHER: Epoch = 1;
/// How long the first pass may take before the service reports that it is ready, in seconds.
const READY_WITHIN: Epoch = 10;
/// How long running requests are awaited at the end. One whose refresh token was sent has until it is answered.
const GRACE: Duration = Duration::from_secs(10);
/// Up to this many credentials get a line each at startup.
const MAX_LISTED: usize = 20;

/// The end of a request: its credential and its result; `None` if it never got a slot.
type FinishedRequest = Option<(String, Result<IssuedToken, Error>)>;

/// How the service is to run.
pub(crate) struct ServiceOptions {
    pub(crate) rules: Rules,
    /// Whether other programs' files are updated as well.
    pub(crate) install: bool,
    /// The command to run, in the user's shell, when a login is needed.
    pub(crate) on_login_needed: Option<String>,
}

struct RefreshService {
    context: Context,
    options: ServiceOptions,
    config: Config,
    vault: Arc<Vault>,
    known: BTreeMap<String, KnownFile>,
    schedule: Schedule,
    turns: Arc<Turns>,
    under_way: FuturesUnordered<LocalBoxFuture<'static, FinishedRequest>>,
    /// For marks and jitter, which only need to differ between processes.
    random: RandomState,
    /// Complaints about files and settings, and about configurations, that were reported and still apply.
    said: BTreeSet<String>,
    said_of_configs: BTreeSet<String>,
    look_at: Epoch,
    /// Set while configurations have to be written.
    configs_at: Option<Epoch>,
    /// Set until the service is ready.
    ready_by: Option<Epoch>,
}

struct KnownFile {
    name: String,
    credential: Arc<Credential>,
}

/// Rewrites our own configurations among the tokens and, with `install`, the clients' files that contain tokens.
///
/// # Errors
/// What keeps every client from having a configuration.
pub(crate) fn rewrite(
    config: &Config,
    store: &Store,
    install: bool,
    out: &dyn Notices,
) -> Result<Vec<ConfigRow>, Error> {
    match install {
        true => clients::reinstall(config, store, out),
        false => clients::write_all(config, store, false, out),
    }
}

/// The service of this tokens directory, if it is running.
pub(crate) fn running(config: &Config) -> Option<RunningProcess> {
    let mut folders = config.folders().into_iter().map(|dir| pid_file::holder(&dir.join(PID_FILE)));
    let of_project = folders.next().flatten();
    // One that began before the project had a folder is known by what it works for: the user's folder is shared.
    let is_ours = |process: &RunningProcess| {
        !config.tokens_dir.is_dir() || process.works_for.as_deref() == Some(&*project_name(config))
    };
    of_project.or_else(|| folders.next().flatten().filter(is_ours))
}

/// The project's folder of credentials, as a line in a file.
fn project_name(config: &Config) -> String {
    config.tokens_dir.to_string_lossy().replace(char::is_control, "?")
}

/// Runs until it is told to stop.
///
/// # Errors
/// Another service of this tokens directory, or whatever keeps it from starting.
pub(crate) fn run(options: ServiceOptions, config: Config, context: &Context) -> Result<Stop, Error> {
    let dir = config.service_dir();
    let is_project = dir == config.tokens_dir;
    if is_project {
        private_file::create_dir_ignored(dir)?;
    } else {
        private_file::create_dir(dir)?;
    }
    let held = |other: RunningProcess| Err(pid_file_error(PidError::Held(other.pid), &config));
    running(&config).map_or(Ok(()), held)?;
    let works_for = (!is_project).then(|| project_name(&config));
    let _alone = PidFile::take(&dir.join(PID_FILE), works_for.as_deref())
        .map_err(|error| pid_file_error(error, &config))?;
    let service = RefreshService::new(options, config, context)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stop = runtime.block_on(async {
        signal::outlive_file_limit();
        service.run().await
    });
    // A task that still waits for a lock or a hook must not keep the process alive.
    runtime.shutdown_background();
    stop
}

fn pid_file_error(error: PidError, config: &Config) -> Error {
    match error {
        PidError::Held(id) => {
            let who = id.map(|id| format!(" as process {id}")).unwrap_or_default();
            let stop = id.map_or_else(|| "stop it".into(), |id| format!("stop it with: kill {id}"));
            let dir = config.service_dir().display();
            Error::Running {
                message: format!("mcpauth refresh runs already{who}, for {dir}"),
                hint: format!("{stop}; or run one pass alongside it: mcpauth refresh --once"),
            }
        }
        PidError::File(error) => error.into(),
        PidError::Io(error) => error.into(),
    }
}

impl RefreshService {
    fn new(options: ServiceOptions, config: Config, context: &Context) -> Result<Self, Error> {
        let now = clock::now();
        // Nobody can log in, and all the vault's messages are events.
        let context = Context { ui: Arc::new(UnattendedUi), ..context.clone() };
        Ok(Self {
            vault: Arc::new(context.vault(&config, None)?),
            schedule: Schedule::new(options.rules.buffer),
            options,
            config,
            known: BTreeMap::new(),
            turns: Arc::default(),
            under_way: FuturesUnordered::new(),
            random: RandomState::new(),
            said: BTreeSet::new(),
            said_of_configs: BTreeSet::new(),
            look_at: now,
            // A run that was killed between a token and the configurations left them outdated.
            configs_at: Some(now + READY_WITHIN),
            ready_by: Some(now + READY_WITHIN),
            context,
        })
    }

    async fn run(mut self) -> Result<Stop, Error> {
        let mut stop = pin!(signal::stop());
        let mut hang_up = HangUps::new()?;
        // The handlers come first: a program that reads a line may send a signal at once, and without them it would kill the
        // process.
        if let Some(stop) = stop.as_mut().now_or_never() {
            return Ok(stop);
        }
        loop {
            let now = clock::now();
            if now >= self.look_at || self.look_at - now > self.options.rules.interval {
                self.look(now);
            }
            self.start(now);
            self.write_configs_if_due(now);
            self.say_ready_if_due(now);
            let nap = self.sleep(now);
            tokio::select! {
                biased;
                stop = &mut stop => return Ok(self.stop(stop).await),
                () = hang_up.next() => self.reload(),
                Some(done) = self.under_way.next() => self.settle(done),
                () = tokio::time::sleep(nap) => {}
            }
        }
    }

    /// Scans all files: what is configured, and what is stored.
    fn look(&mut self, now: Epoch) {
        let mut complaints = BTreeSet::new();
        let mut known = BTreeMap::new();
        for flow in self.config.plan(&CredentialKind::ALL, None) {
            match flow.credential {
                // Nothing renews a key.
                Ok(credential) if credential.key().is_some() => {}
                Ok(credential) => {
                    let id = self.vault.store.path(&credential.id).to_string_lossy().into_owned();
                    known.insert(id, KnownFile { name: flow.name, credential: Arc::new(credential) });
                }
                Err(error) => drop(complaints.insert(format!("{}: {error}; {}", flow.name, error.hint()))),
            }
        }
        complaints.extend(self.orphans(&known));
        let see = |one: &KnownFile| renew::seen(&self.vault, &one.credential, &self.random);
        let all: Vec<_> = known.iter().map(|(id, one)| (id.clone(), see(one))).collect();
        let changes = self.schedule.look(all, now);
        let first = self.known.is_empty() && self.ready_by.is_some();
        for id in &changes.gone {
            let name = self.known.get(id).map_or(id.as_str(), |one| one.name.as_str());
            info!(event = "gone", "{name}: no longer configured");
        }
        self.known = known;
        for (id, text) in changes
            .added
            .iter()
            .filter(|_| !first)
            .map(|id| (id, "it is new"))
            .chain(changes.changed.iter().map(|id| (id, "renewed or reconfigured by another process")))
        {
            info!(event = "noticed", "{}: {text}", self.name(id));
        }
        if !changes.changed.is_empty() || !changes.gone.is_empty() {
            self.configs_at = Some(now);
        }
        for complaint in complaints.difference(&self.said) {
            warn!(event = "skipped", "{complaint}");
        }
        self.said = complaints;
        self.look_at = now + self.options.rules.interval;
    }

    /// Token files that no configured credential produces: they are not renewed.
    fn orphans(&self, known: &BTreeMap<String, KnownFile>) -> Vec<String> {
        let store = &self.vault.store;
        let is_known = |path: &Path| known.contains_key(&*path.to_string_lossy());
        let is_key = |path: &Path| {
            let members = store.look(path).ok().flatten().map(|look| look.members);
            members.is_some_and(|members| members.contains_key(KEY_FORMAT))
        };
        let files = store.files().into_iter().filter(|path| !is_known(path) && !is_key(path));
        let names = files.filter_map(|path| path.file_name()?.to_str().map(str::to_owned));
        let strange = names.filter(|name| CredentialId::parse(name, "").is_some());
        strange
            .map(|name| format!("{name}: no configured credential produces it, so it is not renewed"))
            .collect()
    }

    /// Starts everything that is due.
    fn start(&mut self, now: Epoch) {
        for id in self.schedule.take(now) {
            let Some(one) = self.known.get(&id) else { continue };
            let (vault, credential, buffer) =
                (self.vault.clone(), one.credential.clone(), self.options.rules.buffer);
            let turns = self.turns.of(&credential);
            let attempt = async move {
                let _turn = turns.acquire().await.ok()?;
                let result = renew::renew(&vault, &credential, buffer, false).await;
                Some((id, result))
            };
            self.under_way.push(attempt.boxed_local());
        }
    }

    /// Records the result of an attempt. The file decides: it may have changed even if the attempt failed.
    fn settle(&mut self, done: FinishedRequest) {
        let Some((id, result)) = done else { return };
        let Some(KnownFile { name, credential }) = self.known.get(&id) else { return };
        let now = clock::now();
        let seen = renew::seen(&self.vault, credential, &self.random);
        if self.schedule.seen(&id).is_none_or(|before| before.mark != seen.mark) {
            self.configs_at.get_or_insert(now + GATHER);
        }
        let meaning = result.as_ref().map_or_else(renew::meaning, |_| AttemptOutcome::Answered);
        let jitter = u16::try_from(self.random.hash_one((&id, now)) % 1_001).unwrap_or_default();
        let next = self.schedule.settle(&id, meaning, seen, now, jitter);
        match &result {
            Ok(fresh) => log::answered(name, fresh, next, now),
            Err(error) => {
                log::failed(name, credential, error, meaning, (seen.life, next), now);
                if next.notify {
                    self.call_for_help(name, credential);
                }
            }
        }
    }

    /// Runs the hook in parallel.
    fn call_for_help(&self, name: &str, credential: &Credential) {
        let Some(command) = self.options.on_login_needed.clone() else { return };
        let more =
            vec![("MCPAUTH_CREDENTIAL", name.to_owned()), ("MCPAUTH_COMMAND", credential.command.clone())];
        // Only ours: a hook may need a secret of its own to send its message.
        let without = self.config.withheld();
        let name = name.to_owned();
        tokio::spawn(async move {
            match hook::run(command, more, without).await {
                Ok(ended) if ended.success() => {
                    info!(event = "hook", "{name}: --on-login-needed was run")
                }
                Ok(ended) => warn!(event = "hook", "{name}: --on-login-needed ended with {ended}"),
                Err(error) => warn!(event = "hook", "{name}: --on-login-needed did not start: {error}"),
            }
        });
    }

    /// Once for everything that came in together.
    fn write_configs_if_due(&mut self, now: Epoch) {
        let is_due = |at: Epoch| now >= at || self.under_way.is_empty();
        if !self.configs_at.is_some_and(is_due) {
            return;
        }
        self.configs_at = None;
        // What cannot be read was reported when it was scanned.
        let rows = rewrite(&self.config, &self.vault.store, self.options.install, &Silence);
        let mut complaints = BTreeSet::new();
        match rows {
            Ok(rows) => {
                for row in rows {
                    match row.result {
                        Ok(installed) if installed.changed => {
                            info!(event = "configuration", "rewritten: {}", row.path)
                        }
                        Ok(_) => {}
                        Err(error) => drop(complaints.insert(complaint(&row.path, &error))),
                    }
                }
            }
            Err(error) => drop(complaints.insert(complaint("client configurations", &error))),
        }
        for complaint in complaints.difference(&self.said_of_configs) {
            warn!(event = "configuration", "{complaint}");
        }
        self.said_of_configs = complaints;
    }

    /// The line that a supervisor may wait for: everything that was due has been tried.
    fn say_ready_if_due(&mut self, now: Epoch) {
        if !self.ready_by.is_some_and(|by| now >= by || self.under_way.is_empty()) {
            return;
        }
        self.ready_by = None;
        let (all, good) = self.schedule.count(now);
        let parts =
            [(self.schedule.told(), "waiting for a login"), (self.under_way.len(), "still in progress")];
        let more: Vec<_> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!(", {n} {what}")).collect();
        let what = if all == 1 { "credential" } else { "credentials" };
        info!(event = "ready", "{all} {what}, {good} good{}", more.concat());
        let mut due: Vec<_> = self.schedule.due().collect();
        due.sort_unstable();
        for (at, id) in due.into_iter().take(if all > MAX_LISTED { 1 } else { MAX_LISTED }) {
            log::due(self.name(id), self.schedule.seen(id).and_then(|seen| seen.life), at, now);
        }
        supervisor::ready();
    }

    /// SIGHUP: reads the settings' files again, and retries whatever failed.
    fn reload(&mut self) {
        let now = clock::now();
        match self.resolve_again() {
            Ok((config, vault)) => {
                config.sources().notices().iter().for_each(|notice| warn!(event = "settings", "{notice}"));
                (self.config, self.vault) = (config, vault);
            }
            Err(error) => {
                let hint = error.hint("mcpauth refresh");
                warn!(event = "settings", "{error}; {hint}; the old settings stay in force");
            }
        }
        self.schedule.try_again(now);
        self.look_at = now;
        info!(event = "reload", "{} credentials rescanned", self.known.len());
    }

    fn resolve_again(&self) -> Result<(Config, Arc<Vault>), Error> {
        let config = self.config.read_again()?;
        if config.folders() != self.config.folders() {
            let variable = "MCPAUTH_TOKENS_DIR".into();
            let reason = "it has changed; restart the service".into();
            return Err(ConfigError::Invalid { variable, reason }.into());
        }
        let vault = Arc::new(self.context.vault(&config, None)?);
        Ok((config, vault))
    }

    /// Starts nothing new; requests that were sent are awaited, unless a second signal comes.
    async fn stop(mut self, stop: Stop) -> Stop {
        self.turns.close();
        let count = self.under_way.len();
        let text = if count > 0 { "finishing renewals under way" } else { "nothing is under way" };
        info!(event = "stopping", "{text}");
        let exchanges = self.vault.exchanges.clone();
        exchanges.close();
        let finish = async {
            while let Some(done) = self.under_way.next().await {
                self.settle(done);
            }
        };
        let late = async {
            tokio::time::sleep(GRACE).await;
            exchanges.wait().await;
        };
        tokio::select! {
            () = finish => {}
            _ = signal::stop() => {}
            () = late => {}
        }
        self.write_configs_if_due(Epoch::MAX);
        stop
    }

    /// The time until the next scheduled action.
    fn sleep(&self, now: Epoch) -> Duration {
        let times =
            [self.schedule.next().map(|(at, _)| at), Some(self.look_at), self.configs_at, self.ready_by];
        let next = times.into_iter().flatten().min().unwrap_or(now);
        Duration::from_secs((next - now).clamp(0, LONGEST_SLEEP).unsigned_abs())
    }

    fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.known.get(id).map_or(id, |one| one.name.as_str())
    }
}

fn complaint(what: &str, error: &Error) -> String {
    format!("{what}: {error}; {}", error.hint("mcpauth config install"))
}
