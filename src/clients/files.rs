//! The clients' files for other verbs: written by `generate`, kept up to date by `refresh`, checked and fixed by
//! `doctor`. Not here: one client's file (see `clients` and `render`).

use super::{Clients, ConfigRow, Job};
use crate::config::Config;
use crate::error::Error;
use crate::notice::Notices;
use crate::render::{self, AuthMode, ClientSpec, DryRun, ServerEntry, TARGETS};
use crate::store::Store;
use crate::sys::private_file;

/// The files that `generate` writes: the local ones, and with `install` those of their clients and of every other
/// installed client with tokens in its file.
///
/// # Errors
/// What keeps every client from having a configuration.
pub(crate) fn write_all(
    config: &Config,
    store: &Store,
    install: bool,
    out: &dyn Notices,
) -> Result<Vec<ConfigRow>, Error> {
    let clients = Clients::new(config, store, out)?;
    if clients.entries.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = Vec::new();
    for (target, local) in seeds() {
        rows.push(write_local(&clients, store, target, local)?);
        if install {
            rows.push(write_seed(&clients, target)?);
        }
    }
    // Faults of the installation record are in the rows above.
    let before = if install { clients.before().unwrap_or_default() } else { Vec::new() };
    for job in before.iter().filter(|job| job.auth_mode.embeds_tokens() && job.target.local.is_none()) {
        rows.push(clients.install(job, DryRun::No)?);
    }
    Ok(rows)
}

/// After a token changed or was removed: the existing local files, and every installed client with tokens in its
/// file.
///
/// # Errors
/// As for [`write_all`].
pub(crate) fn reinstall(config: &Config, store: &Store, out: &dyn Notices) -> Result<Vec<ConfigRow>, Error> {
    let clients = Clients::new(config, store, out)?;
    clients.say_left_out(out);
    let before = clients.before()?;
    // With no entries no file is created, but an existing file is updated.
    let is_projects = |entry: &ServerEntry| !entry.place.is_users;
    let meant = |local: &str| clients.entries.iter().any(is_projects) || store.dir().join(local).exists();
    let locals = seeds().filter(|(_, local)| meant(local));
    let locals = locals.map(|(target, local)| write_local(&clients, store, target, local));
    let old = before.iter().filter(|job| job.auth_mode.embeds_tokens());
    locals.chain(old.map(|job| clients.install(job, DryRun::No))).collect()
}

/// Whether installed clients are up to date: each row says what [`ConfigRow::drift`] finds. Writes nothing.
///
/// # Errors
/// As for [`write_all`].
pub(crate) fn check(config: &Config, store: &Store, out: &dyn Notices) -> Result<Vec<ConfigRow>, Error> {
    let clients = Clients::new(config, store, out)?;
    clients.before()?.iter().map(|job| clients.install(job, DryRun::Yes)).collect()
}

/// Updates one of them.
///
/// # Errors
/// As for [`write_all`].
pub(crate) fn repair(
    config: &Config,
    store: &Store,
    client: &str,
    out: &dyn Notices,
) -> Result<Vec<ConfigRow>, Error> {
    let clients = Clients::new(config, store, out)?;
    let before = clients.before()?;
    let meant = before.iter().filter(|job| job.target.client == client);
    meant.map(|job| clients.install(job, DryRun::No)).collect()
}

/// Takes our entries out of every file that was installed to with these tokens and whose client `is_meant`, and forgets it.
///
/// # Errors
/// As for [`check`]; what is wrong with one client's file is in its row.
pub(crate) fn uninstall(
    config: &Config,
    is_meant: impl Fn(&str) -> bool,
    dry_run: DryRun,
) -> Result<Vec<ConfigRow>, Error> {
    let clients = Clients::without_servers(config);
    let mut rows = Vec::new();
    for job in clients.before()?.iter().filter(|job| is_meant(job.target.client)) {
        let row = clients.install(job, dry_run)?;
        if dry_run == DryRun::No && row.result.is_ok() {
            clients.forget(job)?;
        }
        rows.push(row);
    }
    Ok(rows)
}

/// The clients whose files the registry's scripts write, with the names they have among the tokens.
fn seeds() -> impl Iterator<Item = (&'static ClientSpec, &'static str)> {
    TARGETS.iter().filter_map(|target| Some((target, target.local?)))
}

fn write_local(
    clients: &Clients<'_>,
    store: &Store,
    target: &'static ClientSpec,
    local: &str,
) -> Result<ConfigRow, Error> {
    private_file::create_dir_ignored(store.dir())?;
    let path = store.dir().join(local);
    // The user's own tokens do not belong into a project's files.
    let entries: Vec<_> = clients.entries.iter().filter(|entry| !entry.place.is_users).cloned().collect();
    let rendered = clients.rendered(target, AuthMode::Inline, &entries)?;
    Ok(ConfigRow {
        client: target.client,
        path: path.display().to_string(),
        servers: entries.len(),
        auth_mode: None,
        result: render::write_local(&path, &rendered).map_err(Error::from),
        dry: false,
    })
}

/// The client's own file, as the registry's scripts write it unless it was installed otherwise.
fn write_seed(clients: &Clients<'_>, target: &'static ClientSpec) -> Result<ConfigRow, Error> {
    let job = clients.job(target, Some(AuthMode::Inline)).map(|job| Job {
        auth_mode: job.record.as_ref().map_or(AuthMode::Inline, |record| record.auth_mode),
        ..job
    });
    match job {
        Ok(job) => clients.install(&job, DryRun::No),
        Err(error) => Ok(ConfigRow {
            client: target.client,
            path: target.place.path.into(),
            servers: clients.entries.len(),
            auth_mode: None,
            result: Err(error),
            dry: false,
        }),
    }
}
