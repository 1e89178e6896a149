//! Checks everything that could keep credentials from working, each problem with its remedy. This file has the order
//! of the checks and what may be fixed. Not here: the checks (see the files next to it); printing (see `cli`).

mod audience;
mod clients;
mod files;
mod finding;
mod gateway;
mod issuer;
mod login;
mod policy;
mod secrets;
mod settings;
mod spelling;
mod storage;
mod surroundings;
mod tokens;

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::config::{Config, CredentialPlan};
use crate::context::Context;
use crate::credential::CredentialKind;
pub(crate) use crate::doctor::finding::{Finding, Fix, Status};
use crate::doctor::policy::TokenIdentity;
use crate::doctor::tokens::ConfiguredToken;
use crate::error::Error;
use crate::notice::Silence;
use crate::servers;
use crate::store::Store;
use crate::sys::private_file;

/// How long the check of one credential may take; it makes up to three requests to a token endpoint.
const TRIAL: Duration = Duration::from_secs(10);

/// What to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DoctorOptions {
    /// Fix what is safe to fix.
    pub(crate) fix: bool,
    /// Make no network requests.
    pub(crate) offline: bool,
}

/// The findings, and what was fixed before.
#[derive(Default)]
pub(crate) struct DoctorReport {
    pub(crate) findings: Vec<Finding>,
    pub(crate) fixed: Vec<Result<String, String>>,
}

/// What is known before any network request.
struct DoctorContext<'a> {
    config: &'a Config,
    planned: &'a [CredentialPlan],
    held: &'a [ConfiguredToken<'a>],
    identities: &'a [TokenIdentity],
    /// The issuers that the gateway configured here accepts.
    issuers: Vec<String>,
}

/// Runs all checks. The results of test requests are not stored, unless they are to fix something.
pub(crate) async fn examine(options: DoctorOptions, config: &Config, context: &Context) -> DoctorReport {
    let mut report = DoctorReport::default();
    // Files first: after their modes are fixed, the later checks can read them.
    let local = || {
        let planned = config.plan(&CredentialKind::ALL, None);
        let found = settings::check(config, &planned).into_iter().chain(files::check(config)).collect();
        (found, planned)
    };
    let (mut found, mut planned): (Vec<Finding>, _) = local();
    if options.fix && report.apply_fixes(&found, &mend_file) {
        (found, planned) = local();
    }
    let all_readable =
        !found.iter().any(|finding| finding.status == Status::Problem && finding.group() == "files");
    report.findings.extend(found);
    let (storage, kind) = storage::check(config).await;
    report.findings.push(storage);

    let store = Store::new(&config.tokens_dir, &config.user_tokens_dir, kind);
    let (held, unreadable) = ConfiguredToken::all(&planned, &store);
    report.findings.extend(unreadable);
    report.findings.extend(surroundings::check(config, held.iter().any(ConfiguredToken::needs_person)));
    report.findings.extend(login::redirects(&held));
    report.findings.extend(tokens::check(config, &held, &store));
    let identities = TokenIdentity::all(&store);
    let (found, issuers) = policy::check(config, &identities, context);
    report.findings.extend(found);

    let clients = || clients::check(config, &store, all_readable);
    let mut found = clients();
    let install = |fix: &Fix| match fix {
        Fix::Install(client) => Some(clients::install(config, &store, client)),
        Fix::Close(_) | Fix::Remove(_) => None,
    };
    if options.fix && report.apply_fixes(&found, &install) {
        found = clients();
    }
    report.findings.extend(found);
    report.findings.extend(secrets::check(config));
    if options.offline {
        let text = "whether identity providers and gateway answer (--offline)";
        report.findings.push(Finding::skipped("issuer.reachable", text));
    } else {
        let known =
            DoctorContext { config, planned: &planned, held: &held, identities: &identities, issuers };
        report.findings.extend(outside(known).await);
    }
    report
}

/// All checks that need the network, in parallel.
async fn outside(known: DoctorContext<'_>) -> Vec<Finding> {
    let DoctorContext { config, planned, held, identities, issuers } = known;
    let http = config.http();
    let trials = held.iter().map(|held| {
        let http = &http;
        async move { timeout(TRIAL, login::accepted(http, held)).await.ok().flatten() }
    });
    let gateway = async {
        let Some(address) = &config.registry_url else {
            let carried = !planned.is_empty() || !identities.is_empty();
            return if carried { vec![gateway::unnamed()] } else { Vec::new() };
        };
        let at_hand = servers::at_hand(config, &servers::file_store(config), &Silence);
        let server = at_hand.ok().and_then(|all| all.entries.into_iter().next()).map(|entry| entry.url);
        gateway::check(config, address, &http, identities, server.as_deref()).await
    };
    let (issuers, trials, gateway) =
        tokio::join!(issuer::check(config, &http, planned, issuers), join_all(trials), gateway);
    issuers.into_iter().chain(trials.into_iter().flatten()).chain(gateway).collect()
}

impl DoctorReport {
    /// Settings that cannot be read are a finding like any other.
    pub(crate) fn unreadable(error: &Error) -> Self {
        let findings = vec![
            Finding::error("settings.files", error, "mcpauth doctor"),
            Finding::skipped("settings.flows", "all other checks, until the settings can be read"),
        ];
        Self { findings, fixed: Vec::new() }
    }

    /// Whether there is any problem.
    pub(crate) fn has_problem(&self) -> bool {
        self.findings.iter().any(|finding| finding.status == Status::Problem)
    }

    /// Applies the fixes of these findings and records them; returns whether there was anything to do.
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
        Fix::Close(path) => (private_file::close(path), format!("made {} private", path.display())),
        Fix::Remove(path) => (private_file::remove(path), format!("removed {}", path.display())),
        Fix::Install(_) => return None,
    };
    Some(result.map(|()| said).map_err(|error| error.to_string()))
}
