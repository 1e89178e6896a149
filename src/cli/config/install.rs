//! `mcpauth config install`: merges mcpauth's entries into the clients' own files, and checks that they are up to
//! date. Not here: one client's file (see `clients` and `render`); what other verbs want of them (see `files`).

use std::path::Path;

use clap::Args;

use crate::cli::args::{auth_modes, client_names};
use crate::cli::client_rows;
use crate::cli::out::Out;
use crate::cli::report::RunReport;
use crate::clients::ConfigRow;
use crate::clients::launch;
use crate::clients::{Clients, Job};
use crate::config::Config;
use crate::error::{Error, Exit};
use crate::import::{self, Becomes};
use crate::render::{AuthMode, ClientSpec, DryRun, TARGETS};
use crate::servers::{self, SET_UP};
use crate::sys::paths;
use crate::text::clean;

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth config install                          every client found on this machine\n  \
                        mcpauth config install --client claude-code --client codex\n  \
                        mcpauth config install --client cursor --auth-mode inline\n  \
                        mcpauth config install --check                  exit 7 if a file is not up to date"
)]
pub(super) struct InstallArgs {
    /// The clients [default: those found on this machine, and those set up before]
    #[arg(long, value_parser = client_names())]
    client: Vec<String>,
    /// Where the clients get the headers from [default: as before, else what suits each best]
    ///
    /// inline: from the file, which has the current tokens. helper: from a command that the client runs. bridge: not
    /// at all, it starts `mcpauth bridge`. proxy: not at all, it connects to a running `mcpauth bridge --listen`.
    /// env: from its environment.
    #[arg(long, value_parser = auth_modes())]
    auth_mode: Option<String>,
    /// Replace the entry of this name although mcpauth did not write it; repeatable
    #[arg(long, value_name = "NAME")]
    adopt: Vec<String>,
    /// Show what would change, values redacted, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Only list the files that are not up to date; exit code 7 if there are any
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
}

pub(super) fn run(args: &InstallArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    let store = servers::file_store(config);
    let mut clients = Clients::new(config, &store, out)?;
    clients.adopted = args.adopt.iter().cloned().collect();
    clients.need_gateway(out)?;
    if clients.entries.is_empty() {
        out.say(&format!("there is no server to give the clients\n  -> {}", out.advice(SET_UP)));
    }
    let jobs = jobs(args, &clients, out)?;
    let dry_run = if args.dry_run || args.check { DryRun::Yes } else { DryRun::No };
    let rows: Vec<ConfigRow> =
        jobs.iter().map(|job| clients.install(job, dry_run)).collect::<Result<_, _>>()?;
    if args.check {
        return Ok(client_rows::checked(out, &rows));
    }
    advise(config, &jobs, out);
    name_left(config, &jobs, out);
    Ok(RunReport::new(&[], Vec::new(), rows).report(out))
}

/// The selected clients, and how each gets its headers.
fn jobs(args: &InstallArgs, clients: &Clients<'_>, out: &Out) -> Result<Vec<Job>, Error> {
    let secrets = args.auth_mode.as_deref().and_then(AuthMode::from_name);
    if !args.client.is_empty() {
        let named = TARGETS.iter().filter(|target| args.client.iter().any(|name| name == target.client));
        return named.map(|target| clients.job(target, secrets)).collect();
    }
    let mut jobs = clients.before()?;
    for job in jobs.iter_mut() {
        job.auth_mode = secrets.filter(|way| job.target.ways.contains(way)).unwrap_or(job.auth_mode);
    }
    if args.check {
        if jobs.is_empty() {
            out.say("no client was set up from this tokens directory; run: mcpauth config install");
        }
        return Ok(jobs);
    }
    let found = clients.found().into_iter();
    let new: Vec<&ClientSpec> =
        found.filter(|target| !jobs.iter().any(|job| job.target.client == target.client)).collect();
    let names = |names: Vec<&str>| if names.is_empty() { "none".into() } else { names.join(", ") };
    out.say(&format!("installed before: {}", names(jobs.iter().map(|job| job.target.client).collect())));
    out.say(&format!("found here: {}", names(new.iter().map(|target| target.client).collect())));
    for target in new {
        jobs.push(clients.job(target, secrets.filter(|way| target.ways.contains(way)))?);
    }
    if jobs.is_empty() {
        let message = "no MCP client found on this machine".into();
        let hint = "name one with --client; mcpauth config show --clients lists them".into();
        return Err(Error::Usage { message, hint });
    }
    Ok(jobs)
}

/// The entries that hold secrets, or start without those that are stored, and the command that takes them.
fn name_left(config: &Config, jobs: &[Job], out: &Out) {
    let is_meant = |client: &str| jobs.iter().any(|job| job.target.client == client);
    let found = import::look(config, &paths::absolute(Path::new(".")), is_meant);
    for entry in &found.entries {
        let Some(file) = found.files.get(entry.file) else { continue };
        let (name, client) = (clean(&entry.name, 80), file.target.client);
        let why = match &entry.becomes {
            Becomes::Left(_) | Becomes::Ours(..) => continue,
            Becomes::Stored(_) => "starts without the secrets that are stored for it",
            Becomes::Login(_) => "starts mcp-remote",
            Becomes::Key(_) | Becomes::Local(_) => "has a secret in plain text",
        };
        out.say(&format!(
            "{client}: {name} is left alone; it {why}; take it with: mcpauth import --client {client}"
        ));
    }
}

/// What else the user has to know or do.
fn advise(config: &Config, jobs: &[Job], out: &Out) {
    for job in jobs {
        let client = job.target.client;
        if let Some(note) = job.target.note {
            out.say(&format!("{client}: {note}"));
        }
        match job.auth_mode {
            AuthMode::Env => out.say(&format!(
                "{client} reads its headers from its environment: start it with `mcpauth exec`, or after `mcpauth env`"
            )),
            AuthMode::Proxy => {
                out.say(&format!("{client} connects to the bridge; keep the bridge running: mcpauth bridge --listen"));
            }
            AuthMode::Inline | AuthMode::Helper | AuthMode::Bridge => {}
        }
    }
    if jobs.iter().any(|job| job.auth_mode.spawns_mcpauth() || !job.target.sse) {
        launch::warn(config, out);
    }
}
