//! `mcpauth config`: the settings in force, and the client configurations made from the credentials at hand.
//! It leaves headers, templates and merging to `render`.

use clap::{Args, Subcommand};
use serde_json::{Map, json};

use crate::cli::out::Out;
use crate::cli::report::{self, ConfigRow};
use crate::cli::servers;
use crate::config::catalogue::{VARIABLES, is_known, is_secret};
use crate::config::{Config, Settings};
use crate::error::{Error, Exit};
use crate::render::{self, DryRun, TARGETS, Target};
use crate::secret::{REDACTED, Secret};
use crate::store::Store;

/// Show settings, and render or install client configurations
#[derive(Args, Debug)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// The settings in force, secrets redacted; with --client, that client's configuration, secrets redacted
    Show {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
        /// A client (mcpauth config install --help lists them)
        #[arg(long, value_parser = clients())]
        client: Option<String>,
    },
    /// Print a client's configuration as it would be written, secrets included
    Render {
        /// The client
        #[arg(long, value_parser = clients())]
        client: String,
    },
    /// Merge our entries into the clients' own files; everything else in them stays
    Install {
        /// The clients; all of them without this
        #[arg(long, value_parser = clients())]
        client: Vec<String>,
        /// Show what would change, values redacted, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
}

fn clients() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(TARGETS.iter().map(|target| target.client))
}

pub(super) fn run(args: &ConfigArgs, settings: Settings, out: &Out) -> Result<Exit, Error> {
    let config = Config::resolve(settings)?;
    match &args.what {
        What::Show { client: None, origin } => Ok(show(&config, *origin, out)),
        What::Show { client: Some(client), .. } => print(&config, client, out, true),
        What::Render { client } => print(&config, client, out, false),
        What::Install { client, dry_run } => install(&config, client, *dry_run, out),
    }
}

fn show(config: &Config, origin: bool, out: &Out) -> Exit {
    let filling = provider_settings(config);
    let known = |name: &&str| is_known(name) || filling.iter().any(|setting| setting == name);
    let mut names: Vec<&str> = config.settings.names().filter(known).collect();
    names.sort_unstable();
    names.dedup();
    let mut object = Map::new();
    let defaults = VARIABLES.iter().filter(|v| {
        !v.default.is_empty() && !v.name.ends_with("_N") && config.settings.get(v.name).is_none()
    });
    let given = names.iter().filter_map(|name| {
        let (value, from) = config.settings.find(name)?;
        Some((*name, if is_secret(name) { REDACTED } else { value }, from.to_string()))
    });
    for (name, value, from) in given.chain(defaults.map(|v| (v.name, v.default, "default".to_owned()))) {
        let value = crate::oauth::clean(value, 500);
        out.result(&if origin { format!("{name}={value}  ({from})") } else { format!("{name}={value}") });
        object.insert(name.into(), json!({"value": value, "origin": from}));
    }
    if out.json {
        out.object(&json!({"version": 1, "settings": object}));
    }
    Exit::Done
}

/// The settings that fill variables in providers' endpoints. A provider that does not parse is another verb's matter.
fn provider_settings(config: &Config) -> Vec<String> {
    let providers = config.provider_names().into_iter().filter_map(|name| config.raw_provider(&name).ok());
    providers.flat_map(|provider| provider.variables).map(|variable| variable.setting).collect()
}

fn print(config: &Config, client: &str, out: &Out, redacted: bool) -> Result<Exit, Error> {
    let Some(target) = Target::named(client) else { return Ok(Exit::Usage) };
    let store = servers::file_store(config);
    let mut entries = servers::at_hand(config, &store, out)?;
    if redacted {
        for (_, value) in entries.iter_mut().flat_map(|entry| &mut entry.headers) {
            *value = Secret::new(REDACTED);
        }
    }
    out.data(render::render(target, &entries, templates(config).as_deref())?.text.expose());
    Ok(Exit::Done)
}

fn install(config: &Config, clients: &[String], dry_run: bool, out: &Out) -> Result<Exit, Error> {
    let store = servers::file_store(config);
    let entries = servers::at_hand(config, &store, out)?;
    let mut rows = Vec::new();
    for target in
        TARGETS.iter().filter(|target| clients.is_empty() || clients.iter().any(|name| name == target.client))
    {
        let rendered = render::render(target, &entries, templates(config).as_deref())?;
        let dry_run = if dry_run { DryRun::Yes } else { DryRun::No };
        rows.push(install_one(config, target, &rendered, entries.len(), dry_run));
    }
    let failed = rows.iter().any(|row| row.result.is_err());
    report::report(out, &[], &[], &rows);
    Ok(if failed { Exit::Partial } else { Exit::Done })
}

/// The local files of every client, and the clients' own files if `install`.
pub(super) fn write_all(
    config: &Config,
    store: &Store,
    install: bool,
    out: &Out,
) -> Result<Vec<ConfigRow>, Error> {
    let entries = servers::at_hand(config, store, out)?;
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    crate::sys::private_file::create_dir(store.dir())?;
    let mut rows = Vec::new();
    for target in TARGETS {
        let rendered = render::render(target, &entries, templates(config).as_deref())?;
        let local = store.dir().join(target.local);
        let written = render::write_local(&local, &rendered);
        let path = local.display().to_string();
        rows.push(ConfigRow {
            client: target.client,
            path,
            servers: entries.len(),
            result: written.map(|_| None).map_err(Error::from),
            dry: false,
        });
        if install {
            rows.push(install_one(config, target, &rendered, entries.len(), DryRun::No));
        }
    }
    Ok(rows)
}

fn install_one(
    config: &Config,
    target: &Target,
    rendered: &render::Rendered,
    servers: usize,
    dry_run: DryRun,
) -> ConfigRow {
    let (path, result) = match (&config.home, &config.state_dir) {
        (Some(home), Some(state)) => {
            let path = home.join(target.install);
            let result =
                render::install(&path, target, rendered, state, dry_run).map(Some).map_err(Error::from);
            (path.display().to_string(), result)
        }
        _ => {
            let message = "there is no home folder to install into".into();
            let hint = "set HOME, or leave other programs' files alone: mcpauth generate --no-install".into();
            (target.install.into(), Err(Error::Usage { message, hint }))
        }
    };
    ConfigRow { client: target.client, path, servers, result, dry: dry_run == DryRun::Yes }
}

fn templates(config: &Config) -> Option<std::path::PathBuf> {
    config.config_dir.as_ref().map(|dir| dir.join("templates"))
}
