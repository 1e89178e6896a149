//! The clients on this machine: where each has its file, what we wrote there before, and what its configuration would
//! be now.

mod everywhere;
mod files;
pub(crate) mod launch;
mod local;
mod row;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(crate) use self::everywhere::ClientFile;
pub(crate) use self::files::{check, reinstall, repair, uninstall, write_all};
use self::launch::launch_context;
pub(crate) use self::local::{Local, SECRET_HEADER};
pub(crate) use self::row::ConfigRow;
use crate::config::{Config, ConfigError};
use crate::credential::USUAL_HEADER;
use crate::error::Error;
use crate::notice::Notices;
use crate::render::{
    self, AuthMode, ClientSpec, Destination, DryRun, Folders, InstallRecord, ReachedAddress, Rendered,
    ServerEntry, TARGETS,
};
use crate::servers::{self, AvailableServers};
use crate::store::Store;
use crate::sys::{env, paths};

/// What all of them are configured with, and where they are.
pub(crate) struct Clients<'a> {
    pub(crate) config: &'a Config,
    pub(crate) entries: Vec<ServerEntry>,
    /// Names of servers behind a gateway whose address is not set. Their entries in clients stay unchanged.
    pub(crate) left_out: BTreeSet<String>,
    /// The entries of clients' files that mcpauth takes over, by name.
    pub(crate) adopted: BTreeSet<String>,
    places: Option<Places>,
}

struct Places {
    folders: Folders,
    state_dir: PathBuf,
}

/// One client to configure.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) target: &'static ClientSpec,
    pub(crate) path: PathBuf,
    pub(crate) auth_mode: AuthMode,
    /// The key of its record, if it was installed.
    pub(crate) record: Option<InstallRecord>,
}

impl<'a> Clients<'a> {
    /// With the servers of the stored tokens.
    ///
    /// # Errors
    /// What is wrong with a server.
    pub(crate) fn new(config: &'a Config, store: &Store, out: &dyn Notices) -> Result<Self, Error> {
        let AvailableServers { entries, left_out } = servers::at_hand(config, store, out)?;
        let left_out = left_out.into_iter().collect();
        Ok(Self { config, entries, left_out, adopted: BTreeSet::new(), places: places(config) })
    }

    /// With no server at all: what is ours goes.
    pub(crate) fn without_servers(config: &'a Config) -> Self {
        let (left_out, adopted) = (BTreeSet::new(), BTreeSet::new());
        Self { config, entries: Vec::new(), left_out, adopted, places: places(config) }
    }

    /// Forgets that a file was installed to.
    fn forget(&self, job: &Job) -> Result<(), Error> {
        let state_dir = self.places.as_ref().map(|places| places.state_dir.as_path());
        Ok(state_dir.map_or(Ok(()), |state_dir| render::forget(state_dir, &job.path))?)
    }

    /// Fails if nothing is left to write because the gateway's address is missing; otherwise reports what is left
    /// out.
    ///
    /// # Errors
    /// [`ConfigError::NoGateway`].
    pub(crate) fn need_gateway(&self, out: &dyn Notices) -> Result<(), Error> {
        if self.left_out.is_empty() {
            return Ok(());
        }
        if self.entries.is_empty() {
            return Err(ConfigError::NoGateway("every server".into()).into());
        }
        self.say_left_out(out);
        Ok(())
    }

    pub(crate) fn say_left_out(&self, out: &dyn Notices) {
        if !self.left_out.is_empty() {
            let names: Vec<String> = self.left_out.iter().map(|name| crate::text::clean(name, 80)).collect();
            let why = ConfigError::NoGateway(names.join(", "));
            out.say(&format!("skipped: {why}; {}", why.hint()));
        }
    }

    /// A client by its row; with `secrets`, else as it was installed before, else as suits it best.
    ///
    /// # Errors
    /// It does not support the mode, there is no home folder, or the record of installations cannot be read.
    pub(crate) fn job(&self, target: &'static ClientSpec, auth_mode: Option<AuthMode>) -> Result<Job, Error> {
        let places = self.places.as_ref().ok_or_else(no_home)?;
        let path = target.path(&places.folders, &|name| self.variable(name));
        let record = render::records(&places.state_dir)?.into_iter().find(|record| record.path == path);
        let before = record.as_ref().map(|record| record.auth_mode).filter(|way| target.ways.contains(way));
        let auth_mode = auth_mode.or(before).unwrap_or_else(|| target.best());
        if !target.ways.contains(&auth_mode) {
            let ways: Vec<&str> = target.ways.iter().map(|way| way.name()).collect();
            let message = format!("{} does not support the auth mode {auth_mode}", target.client);
            return Err(Error::Usage { message, hint: format!("use --auth-mode {}", ways.join(" or ")) });
        }
        Ok(Job { target, path, auth_mode, record })
    }

    /// Every client that was installed with tokens of this tokens directory and still exists; one whose folder is
    /// gone is skipped.
    ///
    /// # Errors
    /// The record cannot be read.
    pub(crate) fn before(&self) -> Result<Vec<Job>, Error> {
        let Some(places) = &self.places else { return Ok(Vec::new()) };
        let is_there = |record: &InstallRecord| record.path.parent().is_some_and(Path::is_dir);
        let job = |record: InstallRecord| {
            let target = self.target_of(places, &record)?;
            Some(Job { target, path: record.path.clone(), auth_mode: record.auth_mode, record: Some(record) })
        };
        let records = render::records(&places.state_dir)?.into_iter();
        Ok(records.filter(|record| self.is_ours(record) && is_there(record)).filter_map(job).collect())
    }

    /// Every client that seems to be on this machine.
    pub(crate) fn found(&self) -> Vec<&'static ClientSpec> {
        let Some(places) = &self.places else { return Vec::new() };
        let path = |target: &ClientSpec| target.path(&places.folders, &|name| self.variable(name));
        TARGETS.iter().filter(|target| target.is_found(&path(target), &places.folders)).collect()
    }

    /// What a client would have in its file, with `entries` for all servers.
    ///
    /// # Errors
    /// A template's, and what keeps a client from reaching mcpauth.
    pub(crate) fn rendered(
        &self,
        target: &ClientSpec,
        auth_mode: AuthMode,
        entries: &[ServerEntry],
    ) -> Result<Rendered, Error> {
        let means = launch_context(self.config, auth_mode)?;
        let told = render::client_entries(entries, target, auth_mode, &means)?;
        let templates = self.config.config_dir.as_ref().map(|dir| dir.join("templates"));
        Ok(render::render(target, &told, templates.as_deref())?)
    }

    /// Installs, or reports what would change.
    ///
    /// # Errors
    /// As [`rendered`](Self::rendered): no client is half configured. Faults of the client's own file are in the row.
    pub(crate) fn install(&self, job: &Job, dry_run: DryRun) -> Result<ConfigRow, Error> {
        let rendered = self.rendered(job.target, job.auth_mode, &self.entries)?;
        let state_dir = self.places.as_ref().map(|places| places.state_dir.as_path());
        let to = Destination {
            path: &job.path,
            target: job.target,
            auth_mode: job.auth_mode,
            left_out: &self.left_out,
            addresses: &self.entries.iter().map(|entry| (entry.name.clone(), reached(entry))).collect(),
            adopted: &self.adopted,
            users: &self.users(),
            tokens_dir: &self.config.tokens_dir,
            state_dir: state_dir.unwrap_or(Path::new("")),
        };
        let result = render::install(&to, &rendered, dry_run).map_err(Error::from);
        Ok(ConfigRow {
            client: job.target.client,
            path: job.path.display().to_string(),
            servers: self.entries.len(),
            auth_mode: Some(job.auth_mode),
            result,
            dry: dry_run == DryRun::Yes,
        })
    }

    /// Installs to a client in another way than before; the entry of this name is among those that change.
    ///
    /// # Errors
    /// As [`install`](Self::install), also for the client's own file; the gateway's address is missing.
    pub(crate) fn rewrite(
        &self,
        entry: &str,
        target: &'static ClientSpec,
        way: AuthMode,
    ) -> Result<(), Error> {
        if self.left_out.contains(entry) {
            return Err(ConfigError::NoGateway(crate::text::clean(entry, 80)).into());
        }
        let job = self.job(target, Some(way))?;
        self.install(&job, DryRun::No)?.result.map(drop)
    }

    /// Records from before tokens directories were stored count as ours, and so do those with servers of the user's own,
    /// unless there are others to write here.
    fn is_ours(&self, record: &InstallRecord) -> bool {
        let only_users = !record.users.is_empty() && self.entries.iter().all(|entry| entry.place.is_users);
        !record.is_of_other_project(&self.config.tokens_dir) || only_users
    }

    /// The names of the servers whose credentials are the user's own.
    fn users(&self) -> BTreeSet<String> {
        self.entries.iter().filter(|entry| entry.place.is_users).map(|entry| entry.name.clone()).collect()
    }

    fn target_of(&self, places: &Places, record: &InstallRecord) -> Option<&'static ClientSpec> {
        let path = |target: &&ClientSpec| target.path(&places.folders, &|name| self.variable(name));
        match &record.client {
            Some(client) => ClientSpec::find(client),
            None => TARGETS.iter().find(|target| path(target) == record.path),
        }
    }

    /// As the client sees it: not what our `.env` says.
    fn variable(&self, name: &str) -> Option<String> {
        self.config.of_environment(name)
    }
}

/// Where a server is, and what is sent there.
fn reached(entry: &ServerEntry) -> ReachedAddress {
    // A key that is printed when needed has no header yet.
    let printed = entry.place.is_printed.then(|| USUAL_HEADER.to_owned());
    let headers = entry.headers.iter().map(|(name, _)| name.clone()).chain(printed).collect();
    ReachedAddress { url: entry.url.clone(), headers }
}

fn places(config: &Config) -> Option<Places> {
    let (home, state_dir) = config.home.clone().zip(config.state_dir.clone())?;
    // Another home, as in the demonstration, has its own settings.
    let own = paths::home().is_some_and(|own| own == home);
    let below = |folder: Option<PathBuf>| folder.filter(|_| own).unwrap_or_else(|| home.join(".config"));
    let (programs, xdg) = (below(paths::programs_config()), below(paths::xdg_config()));
    Some(Places { folders: Folders { home, config: programs, xdg, windows: env::IS_WINDOWS }, state_dir })
}

/// Why no client's file is found.
pub(crate) fn no_home() -> Error {
    let message = "no home folder with clients' files".into();
    let hint = "set HOME; to leave clients' files alone: mcpauth generate --no-install".into();
    Error::Usage { message, hint }
}
