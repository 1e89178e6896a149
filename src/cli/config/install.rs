//! `mcpauth config install`: our entries in the clients' own files, and whether they are still there as they should be.
//! It leaves one client's file to `clients` and `render`.

use clap::Args;

use super::clients::{Clients, Job, homeless};
use super::means;
use super::rows::{self, ConfigRow};
use crate::cli::out::Out;
use crate::cli::report;
use crate::cli::servers;
use crate::config::Config;
use crate::error::{Error, Exit};
use crate::render::{self, DryRun, Secrets, TARGETS, Target};
use crate::store::Store;
use crate::sys::private_file;

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth config install                          every client that is found here\n  \
                        mcpauth config install --client claude-code --client codex\n  \
                        mcpauth config install --client cursor --secrets inline\n  \
                        mcpauth config install --check                  exit 7 if a file is not as it should be"
)]
pub(super) struct InstallArgs {
    /// The clients; without this those that are found here, and those that were installed to before
    #[arg(long, value_parser = super::names())]
    client: Vec<String>,
    /// Where the clients have the headers from; without this as before, else as is best for each
    ///
    /// inline: in the file, as they are now. helper: from a command the client runs. bridge: nowhere, it starts `mcpauth
    /// bridge`. proxy: nowhere, it speaks to a running `mcpauth bridge --listen`. env: from its environment.
    #[arg(long, value_parser = super::ways())]
    secrets: Option<String>,
    /// Show what would change, values redacted, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Only say which files are not as they should be; exit 7 if there are any
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
}

pub(super) fn run(args: &InstallArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    let store = servers::file_store(config);
    let clients = Clients::of(config, &store, out)?;
    if clients.entries.is_empty() {
        out.say("there are no servers to tell the clients of; get the tokens with: mcpauth generate");
    }
    let jobs = jobs(args, &clients, out)?;
    let dry_run = if args.dry_run || args.check { DryRun::Yes } else { DryRun::No };
    let rows: Vec<ConfigRow> =
        jobs.iter().map(|job| clients.install(job, dry_run)).collect::<Result<_, _>>()?;
    if args.check {
        return Ok(rows::checked(out, &rows));
    }
    advise(config, &jobs, out);
    report::report(out, &[], &[], &rows);
    let failed = rows.iter().any(|row| row.result.is_err());
    Ok(if failed { Exit::Partial } else { Exit::Done })
}

/// Which clients are meant, and how each has its headers.
fn jobs(args: &InstallArgs, clients: &Clients<'_>, out: &Out) -> Result<Vec<Job>, Error> {
    let secrets = args.secrets.as_deref().and_then(Secrets::named);
    if !args.client.is_empty() {
        let named = TARGETS.iter().filter(|target| args.client.iter().any(|name| name == target.client));
        return named.map(|target| clients.job(target, secrets)).collect();
    }
    let mut jobs = clients.before();
    for job in jobs.iter_mut() {
        job.secrets = secrets.filter(|way| job.target.ways.contains(way)).unwrap_or(job.secrets);
    }
    if args.check {
        if jobs.is_empty() {
            out.say("no client was installed to with this tokens directory: mcpauth config install");
        }
        return Ok(jobs);
    }
    let found = clients.found().into_iter();
    let new: Vec<&Target> =
        found.filter(|target| !jobs.iter().any(|job| job.target.client == target.client)).collect();
    let names = |names: Vec<&str>| if names.is_empty() { "none".into() } else { names.join(", ") };
    out.say(&format!("installed before: {}", names(jobs.iter().map(|job| job.target.client).collect())));
    out.say(&format!("found here: {}", names(new.iter().map(|target| target.client).collect())));
    for target in new {
        jobs.push(clients.job(target, secrets.filter(|way| target.ways.contains(way)))?);
    }
    if jobs.is_empty() {
        let message = "no MCP client is found on this machine".into();
        let hint = "name one with --client; mcpauth config show --clients lists them".into();
        return Err(Error::Usage { message, hint });
    }
    Ok(jobs)
}

/// What a person has to know or do besides.
fn advise(config: &Config, jobs: &[Job], out: &Out) {
    for job in jobs {
        let client = job.target.client;
        if let Some(note) = job.target.note {
            out.say(&format!("{client}: {note}"));
        }
        match job.secrets {
            Secrets::Env => out.say(&format!(
                "{client} has its headers from its environment: start it with `mcpauth exec`, or after `mcpauth env`"
            )),
            Secrets::Proxy => {
                out.say(&format!("{client} speaks to the bridge; keep it running: mcpauth bridge --listen"));
            }
            Secrets::Inline | Secrets::Helper | Secrets::Bridge => {}
        }
    }
    if jobs.iter().any(|job| job.secrets.start_us() || !job.target.sse) {
        means::warn(config, out);
    }
}

/// The files that `generate` makes: the local ones, and with `install` those of their clients and of every other client
/// that was installed to with tokens in its file.
///
/// # Errors
/// What keeps every client from having a configuration.
pub(in crate::cli) fn write_all(
    config: &Config,
    store: &Store,
    install: bool,
    out: &Out,
) -> Result<Vec<ConfigRow>, Error> {
    let clients = Clients::of(config, store, out)?;
    if clients.entries.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = Vec::new();
    let mut done = Vec::new();
    for target in TARGETS {
        let Some(local) = target.local else { continue };
        rows.push(write_local(&clients, store, target, local)?);
        if install {
            rows.push(seed(&clients, target, &mut done)?);
        }
    }
    let before = if install { clients.before() } else { Vec::new() };
    for job in before.iter().filter(|job| job.secrets.grow_old() && !done.contains(&job.path)) {
        rows.push(clients.install(job, DryRun::No)?);
    }
    Ok(rows)
}

/// After a token changed: the local files, and every client that was installed to with tokens in its file.
///
/// # Errors
/// As for [`write_all`].
pub(in crate::cli) fn reinstall(config: &Config, store: &Store, out: &Out) -> Result<Vec<ConfigRow>, Error> {
    let clients = Clients::of(config, store, out)?;
    if clients.entries.is_empty() {
        return Ok(Vec::new());
    }
    let locals = TARGETS.iter().filter_map(|target| Some((target, target.local?)));
    let locals = locals.map(|(target, local)| write_local(&clients, store, target, local));
    let before = clients.before();
    let old = before.iter().filter(|job| job.secrets.grow_old());
    locals.chain(old.map(|job| clients.install(job, DryRun::No))).collect()
}

/// Whether the clients that were installed to before have what they should have: each row says what
/// [`ConfigRow::drift`] finds. Nothing is written.
///
/// # Errors
/// As for [`write_all`].
pub(in crate::cli) fn check(config: &Config, store: &Store, out: &Out) -> Result<Vec<ConfigRow>, Error> {
    every_one_before(config, store, out, DryRun::Yes)
}

/// Gives them what they should have.
///
/// # Errors
/// As for [`write_all`].
pub(in crate::cli) fn repair(config: &Config, store: &Store, out: &Out) -> Result<Vec<ConfigRow>, Error> {
    every_one_before(config, store, out, DryRun::No)
}

fn every_one_before(
    config: &Config,
    store: &Store,
    out: &Out,
    dry_run: DryRun,
) -> Result<Vec<ConfigRow>, Error> {
    let clients = Clients::of(config, store, out)?;
    clients.before().iter().map(|job| clients.install(job, dry_run)).collect()
}

fn write_local(
    clients: &Clients<'_>,
    store: &Store,
    target: &'static Target,
    local: &str,
) -> Result<ConfigRow, Error> {
    private_file::create_dir(store.dir())?;
    let path = store.dir().join(local);
    let rendered = clients.rendered(target, Secrets::Inline, &clients.entries)?;
    Ok(ConfigRow {
        client: target.client,
        path: path.display().to_string(),
        servers: clients.entries.len(),
        secrets: None,
        result: render::write_local(&path, &rendered).map_err(Error::from),
        dry: false,
    })
}

/// The client's own file, as the reference's scripts write it unless it was installed to otherwise.
fn seed(
    clients: &Clients<'_>,
    target: &'static Target,
    done: &mut Vec<std::path::PathBuf>,
) -> Result<ConfigRow, Error> {
    let inline = clients.job(target, Some(Secrets::Inline)).map_err(|_| homeless());
    let mut job = match inline {
        Ok(job) => job,
        Err(error) => {
            let path = target.place.path.to_owned();
            let servers = clients.entries.len();
            return Ok(ConfigRow {
                client: target.client,
                path,
                servers,
                secrets: None,
                result: Err(error),
                dry: false,
            });
        }
    };
    if let Some(record) = &job.record {
        job.secrets = record.secrets;
    }
    done.push(job.path.clone());
    clients.install(&job, DryRun::No)
}
