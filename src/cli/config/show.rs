//! `mcpauth config show` and `config render`: settings with their origin, and a client's configuration without
//! installing it. Not here: the content of a configuration (see `clients` and `render`).

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::args::{auth_modes, client_names};
use crate::cli::out::{Out, extend};
use crate::cli::paths::from_home;
use crate::clients::{Clients, Job};
use crate::config::Config;
use crate::config::catalogue::{VARIABLES, is_known, is_secret};
use crate::error::{Error, Exit};
use crate::render::{AuthMode, ClientSpec, ServerEntry, TARGETS};
use crate::secret::{REDACTED, Secret};
use crate::servers;
use crate::tokens::Bearers;

#[derive(Args, Debug)]
pub(super) struct ShowArgs {
    /// Show where each value comes from
    #[arg(long)]
    origin: bool,
    /// A client (--clients lists them): its configuration, its file, and its other auth modes
    #[arg(long, value_parser = client_names())]
    client: Option<String>,
    /// With --client: where the client gets the headers from
    #[arg(long, value_parser = auth_modes(), requires = "client")]
    auth_mode: Option<String>,
    /// List the clients, where each gets the headers from, and its file
    #[arg(long, conflicts_with_all = ["client", "origin"])]
    clients: bool,
}

pub(super) fn run(args: &ShowArgs, config: &Config, out: &Out) -> Result<Exit, Error> {
    match &args.client {
        Some(client) => show_client(config, client, args.auth_mode.as_deref(), out),
        None if args.clients => every(config, out),
        None => Ok(settings(config, args.origin, out)),
    }
}

/// Prints the configuration as it would be written.
pub(super) fn render(
    config: &Config,
    client: &str,
    auth_mode: Option<&str>,
    out: &Out,
) -> Result<Exit, Error> {
    let Some(target) = ClientSpec::find(client) else { return Ok(Exit::Usage) };
    let clients = Clients::new(config, &servers::file_store(config), out)?;
    clients.need_gateway(out)?;
    let job = clients.job(target, auth_mode.and_then(AuthMode::from_name))?;
    out.data(clients.rendered(target, job.auth_mode, &clients.entries)?.text.expose());
    Ok(Exit::Done)
}

fn show_client(config: &Config, client: &str, auth_mode: Option<&str>, out: &Out) -> Result<Exit, Error> {
    let Some(target) = ClientSpec::find(client) else { return Ok(Exit::Usage) };
    let clients = Clients::new(config, &servers::file_store(config), out)?;
    clients.need_gateway(out)?;
    let job = clients.job(target, auth_mode.and_then(AuthMode::from_name))?;
    let text = clients.rendered(target, job.auth_mode, &redacted(&clients.entries))?.text;
    // The bridge's own secret is not among the entries' secrets.
    let text = door(config, job.auth_mode)?
        .map_or_else(|| text.expose().to_owned(), |secret| secret.scrub(text.expose().into()));
    if out.json {
        let mut object = to_json(&job);
        extend(&mut object, json!({"config": text}));
        out.object(&object);
        return Ok(Exit::Done);
    }
    out.say(&format!("{}: {}", target.client, from_home(&job.path)));
    let others = others(&job);
    let others = if others.is_empty() { others } else { format!("; also: {others}") };
    out.say(&format!("--auth-mode {}{others}", job.auth_mode));
    if let Some(note) = target.note {
        out.say(note);
    }
    out.data(&text);
    Ok(Exit::Done)
}

fn door(config: &Config, auth_mode: AuthMode) -> Result<Option<Secret>, Error> {
    let proxy = auth_mode == AuthMode::Proxy;
    Ok(if proxy { Some(crate::clients::Local::new(config)?.secret) } else { None })
}

fn redacted(entries: &[ServerEntry]) -> Vec<ServerEntry> {
    let mut entries = entries.to_vec();
    for entry in &mut entries {
        entry.bearers = Bearers::default();
        for (_, value) in &mut entry.headers {
            *value = Secret::new(REDACTED);
        }
    }
    entries
}

fn every(config: &Config, out: &Out) -> Result<Exit, Error> {
    let clients = Clients::new(config, &servers::file_store(config), out)?;
    let found = clients.found();
    let mut objects = Vec::new();
    for target in TARGETS {
        let job = clients.job(target, None)?;
        let is_found = found.iter().any(|found| found.client == target.client);
        let state = match (&job.record, is_found) {
            (Some(_), _) => "installed",
            (None, true) => "found",
            (None, false) => "-",
        };
        let ways = format!("{} ({})", job.auth_mode, others(&job)).replace(" ()", "");
        let path = from_home(&job.path);
        out.result(&format!("{:15} {state:9} {ways:36} {path}", target.client));
        let mut object = to_json(&job);
        extend(&mut object, json!({"found": is_found}));
        objects.push(object);
    }
    if out.json {
        out.object(&json!({"version": 1, "clients": objects}));
    }
    Ok(Exit::Done)
}

fn to_json(job: &Job) -> Value {
    let ways: Vec<&str> = job.target.ways.iter().map(|way| way.name()).collect();
    json!({
        "client": job.target.client,
        "path": job.path,
        "auth_mode": job.auth_mode.name(),
        "default": job.target.best().name(),
        "ways": ways,
        "installed": job.record.is_some(),
    })
}

/// The auth modes of a client besides the one that it has.
fn others(job: &Job) -> String {
    let others = job.target.ways.iter().filter(|way| **way != job.auth_mode);
    others.map(|way| way.name()).collect::<Vec<_>>().join(", ")
}

fn settings(config: &Config, origin: bool, out: &Out) -> Exit {
    let filling = provider_settings(config);
    let known = |name: &&str| is_known(name) || filling.iter().any(|setting| setting == name);
    let mut names: Vec<&str> = config.sources().names().filter(known).collect();
    names.sort_unstable();
    names.dedup();
    let mut object = Map::new();
    let defaults = VARIABLES.iter().filter(|v| {
        !v.default.is_empty() && !v.name.ends_with("_N") && config.sources().get(v.name).is_none()
    });
    let given = names.iter().filter_map(|name| {
        let (value, from) = config.sources().find(name)?;
        let value = if is_secret(name) { REDACTED } else { value };
        Some((*name, value, from.to_string(), from.trust()))
    });
    let defaults = defaults.map(|v| (v.name, v.default, "default".to_owned(), "yours"));
    for (name, value, from, trust) in given.chain(defaults) {
        let value = crate::text::clean(value, 500);
        let word = if trust == "found" { ", found" } else { "" };
        out.result(&if origin {
            format!("{name}={value}  ({from}{word})")
        } else {
            format!("{name}={value}")
        });
        object.insert(name.into(), json!({"value": value, "origin": from, "trust": trust}));
    }
    if out.json {
        out.object(&json!({"version": 1, "settings": object}));
    }
    Exit::Done
}

/// The settings that fill variables in providers' endpoints. An invalid provider file is reported by `providers
/// check`.
fn provider_settings(config: &Config) -> Vec<String> {
    let providers = config.provider_names().into_iter().filter_map(|name| config.raw_provider(&name).ok());
    providers.flat_map(|provider| provider.variables).map(|variable| variable.setting).collect()
}
