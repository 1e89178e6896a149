//! `mcpauth doctor`: everything that could keep credentials from working, looked at in one go, each thing with its
//! remedy. This file has the order of the checks and what `--fix` may do; it leaves the checks to the files beside it.

mod audience;
mod clients;
mod files;
mod finding;
mod gateway;
mod issuer;
mod login;
mod policy;
mod print;
mod settings;
mod spelling;
mod storage;
mod surroundings;
mod tokens;

use std::time::Duration;

use clap::Args;
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::cli::doctor::finding::{Finding, Fix, Status};
use crate::cli::doctor::policy::TokenIdentity;
use crate::cli::doctor::tokens::ConfiguredToken;
use crate::cli::flows;
use crate::cli::out::Out;
use crate::config::{Config, CredentialPlan, Settings};
use crate::credential::CredentialKind;
use crate::error::{Error, Exit};
use crate::servers;
use crate::store::Store;
use crate::sys::private_file;

/// How long it may take to ask whether a credential is accepted; a token endpoint is asked up to three times.
const TRIAL: Duration = Duration::from_secs(10);

/// Say what is wrong, and how to mend it; exit code 7 if there is a problem
///
/// Looks at settings, files, storage, proxies and certificates, identity providers, logins, tokens, the gateway, its policy
/// and the clients' files. Where no good token shows that a credential works, its identity provider is asked; nothing
/// that comes of it is kept.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth doctor                 all checks, each with its remedy\n  \
                        mcpauth doctor --fix           close files, renew stale client configurations\n  \
                        mcpauth doctor --offline --json")]
pub(super) struct DoctorArgs {
    /// Mend what is safe: modes of our own files, files that a killed run left, stale entries of ours in clients' files
    #[arg(long)]
    fix: bool,
    /// Ask nobody over the network
    #[arg(long)]
    offline: bool,
}

/// What was found, and what was mended before.
#[derive(Default)]
struct DoctorReport {
    findings: Vec<Finding>,
    fixed: Vec<Result<String, String>>,
}

/// What is known here before anybody is asked.
struct DoctorContext<'a> {
    config: &'a Config,
    planned: &'a [CredentialPlan],
    held: &'a [ConfiguredToken<'a>],
    identities: &'a [TokenIdentity],
    /// Whose tokens the gateway that is set up here takes.
    issuers: Vec<String>,
}

/// Settings that cannot be read are a finding like others.
pub(super) fn run(args: &DoctorArgs, settings: Result<Settings, Error>, out: &Out) -> Result<Exit, Error> {
    let report = match settings.and_then(|settings| Ok(Config::resolve(settings)?)) {
        Ok(config) => {
            let examined = async { Ok(Ok(examine(args, &config, out).await)) };
            match flows::until_signal(out, examined, Err)? {
                Ok(report) => report,
                Err(exit) => return Ok(exit),
            }
        }
        Err(error) => DoctorReport {
            findings: vec![
                Finding::error("settings.files", &error, "mcpauth doctor"),
                Finding::skipped("settings.flows", "everything else, until the settings can be read"),
            ],
            fixed: Vec::new(),
        },
    };
    print::show(out, &report.findings, &report.fixed);
    let problem = report.findings.iter().any(|finding| finding.status == Status::Problem);
    Ok(if problem { Exit::Found } else { Exit::Done })
}

async fn examine(args: &DoctorArgs, config: &Config, out: &Out) -> DoctorReport {
    let mut report = DoctorReport::default();
    // Files first: a token file that is closed can be read by the checks after this one.
    let local = || {
        let planned = config.plan(&CredentialKind::ALL, None);
        let found = settings::check(config, &planned).into_iter().chain(files::check(config)).collect();
        (found, planned)
    };
    let (mut found, mut planned): (Vec<Finding>, _) = local();
    if args.fix && report.apply_fixes(&found, &mend_file) {
        (found, planned) = local();
    }
    let all_readable =
        !found.iter().any(|finding| finding.status == Status::Problem && finding.group() == "files");
    report.findings.extend(found);
    let (storage, kind) = storage::check(config).await;
    report.findings.push(storage);

    let store = Store::new(&config.tokens_dir, kind);
    let (held, unreadable) = ConfiguredToken::all(&planned, &store);
    report.findings.extend(unreadable);
    report.findings.extend(surroundings::check(config, held.iter().any(ConfiguredToken::needs_person)));
    report.findings.extend(login::redirects(&held));
    report.findings.extend(tokens::check(config, &held, &store));
    let identities = TokenIdentity::all(&store);
    let (found, issuers) = policy::check(config, &identities, out);
    report.findings.extend(found);

    let clients = || clients::check(config, &store, all_readable, out);
    let mut found = clients();
    let install = |fix: &Fix| match fix {
        Fix::Install(client) => Some(clients::install(config, &store, client, out)),
        Fix::Close(_) | Fix::Remove(_) => None,
    };
    if args.fix && report.apply_fixes(&found, &install) {
        found = clients();
    }
    report.findings.extend(found);
    if args.offline {
        let text = "whether identity providers and gateway answer (--offline)";
        report.findings.push(Finding::skipped("issuer.reachable", text));
    } else {
        let known =
            DoctorContext { config, planned: &planned, held: &held, identities: &identities, issuers };
        report.findings.extend(outside(known, out).await);
    }
    report
}

/// Everything that asks others, side by side.
async fn outside(known: DoctorContext<'_>, out: &Out) -> Vec<Finding> {
    let DoctorContext { config, planned, held, identities, issuers } = known;
    let http = flows::http(config);
    let trials = held.iter().map(|held| {
        let http = &http;
        async move { timeout(TRIAL, login::accepted(http, held)).await.ok().flatten() }
    });
    let gateway = async {
        let Some(address) = &config.registry_url else {
            let carried = !planned.is_empty() || !identities.is_empty();
            return if carried { vec![gateway::unnamed()] } else { Vec::new() };
        };
        let at_hand = servers::at_hand(config, &servers::file_store(config), &out.muted());
        let server = at_hand.ok().and_then(|all| all.entries.into_iter().next()).map(|entry| entry.url);
        gateway::check(config, address, &http, identities, server.as_deref()).await
    };
    let (issuers, trials, gateway) =
        tokio::join!(issuer::check(config, &http, planned, issuers), join_all(trials), gateway);
    issuers.into_iter().chain(trials.into_iter().flatten()).chain(gateway).collect()
}

impl DoctorReport {
    /// Does what these findings allow, and remembers it; whether there was anything to do.
    fn apply_fixes(
        &mut self,
        found: &[Finding],
        by: &dyn Fn(&Fix) -> Option<Result<String, String>>,
    ) -> bool {
        let before = self.fixed.len();
        self.fixed.extend(found.iter().filter_map(|finding| by(finding.fix.as_ref()?)));
        self.fixed.len() > before
    }
}

fn mend_file(fix: &Fix) -> Option<Result<String, String>> {
    let (result, said) = match fix {
        Fix::Close(path) => (private_file::close(path), format!("closed {} to others", path.display())),
        Fix::Remove(path) => (private_file::remove(path), format!("removed {}", path.display())),
        Fix::Install(_) => return None,
    };
    Some(result.map(|()| said).map_err(|error| error.to_string()))
}
