//! Checks that the settings say what the user intends: incomplete flows, misspelt names, files that override each
//! other. Not here: their consequences (see the other checks).

use std::path::Path;

use crate::config::catalogue::{VARIABLES, is_known};
use crate::config::{Config, ConfigError, CredentialPlan, FileTrust, Origin};
use crate::credential::{Credential, CredentialKind, GrantConfig};
use crate::deployment;
use crate::doctor::finding::{Finding, Fix};
use crate::doctor::spelling;
use crate::error::Error;
use crate::sys::private_file::is_symlink;
use crate::text::path_word;

/// Prefixes of names that only mcpauth reads.
const OURS: [&str; 5] = ["MCPAUTH_", "INGRESS_OAUTH_", "EGRESS_", "AGENTCORE_", "KEYCLOAK_M2M_"];
/// The variables that show that an ingress identity provider is configured, and which.
const SIGNS: [(&str, &[&str]); 2] = [
    ("cognito", &["INGRESS_OAUTH_USER_POOL_ID", "INGRESS_OAUTH_CLIENT_ID"]),
    ("keycloak", &["KEYCLOAK_M2M_CLIENT_ID", "KEYCLOAK_M2M_CLIENT_SECRET"]),
];

pub(super) fn check(config: &Config, planned: &[CredentialPlan]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = planned.iter().map(flow).collect();
    // A machine that runs a gateway needs no credentials.
    if findings.is_empty() && !deployment::is_here(config) {
        let text = "nothing is configured: there is no credential to get";
        let remedy = "try it without an account: mcpauth demo; then set it up with: mcpauth configure";
        findings.push(Finding::problem("settings.flows", text, remedy));
    }
    findings.extend(auth_provider(config, planned));
    findings.extend(planned.iter().filter_map(|flow| offline(flow.credential.as_ref().ok()?)));
    findings.extend(left_out(config));
    findings.extend(unread(config));
    findings.extend(env_files(config));
    findings.extend(config.sources().exposed().map(exposed));
    findings
}

fn flow(flow: &CredentialPlan) -> Finding {
    match &flow.credential {
        Ok(_) => Finding::ok("settings.flows", format!("{} is complete", flow.name)),
        // These select the flow without AUTH_PROVIDER.
        Err(error @ (ConfigError::Missing { .. } | ConfigError::SameFile { .. })) => {
            Finding::problem("settings.flows", error.to_string(), error.hint())
        }
        Err(error) => Finding::problem("settings.flows", format!("{}: {error}", flow.name), error.hint()),
    }
}

/// An unknown word, or the name of a provider without settings.
fn auth_provider(config: &Config, planned: &[CredentialPlan]) -> Option<Finding> {
    const PROVIDER_CHECK: &str = "settings.auth_provider";
    let named = config.auth_provider();
    if planned.iter().any(|flow| flow.kind == CredentialKind::Ingress) {
        return None;
    }
    if !["cognito", "keycloak", "oidc"].contains(&named) {
        let error = config.ingress_issuer().err()?;
        return Some(Finding::error(PROVIDER_CHECK, &Error::from(error), "mcpauth ingress"));
    }
    let (other, _) = SIGNS.iter().find(|(name, signs)| {
        (*name == "keycloak") != (named == "keycloak") && config.sources().first(signs).is_some()
    })?;
    let text = format!("AUTH_PROVIDER selects {named}, which has no settings; {other} has");
    Some(Finding::problem(
        PROVIDER_CHECK,
        text,
        format!("set AUTH_PROVIDER={other}, or the variables of {named}"),
    ))
}

/// Without the scope that brings a refresh token, the user must log in again and again.
fn offline(credential: &Credential) -> Option<Finding> {
    let GrantConfig::AuthorizationCode(person) = &credential.how else { return None };
    let needed = person.provider.offline_scope.as_deref()?;
    if person.scopes.iter().any(|scope| scope == needed) {
        return None;
    }
    let text = format!("{} does not ask for {needed}, so its token cannot be renewed", credential.id);
    Some(Finding::warn("settings.scopes", text, format!("add {needed} to the set's EGRESS_OAUTH_SCOPE_N")))
}

/// Sets that `EGRESS_PROVIDER_NAME` excludes.
fn left_out(config: &Config) -> Option<Finding> {
    let wanted = config.sources().get("EGRESS_PROVIDER_NAME")?;
    let sets = (1..=100).filter(|n| {
        let provider = config.sources().get(&format!("EGRESS_PROVIDER_NAME_{n}"));
        provider.is_some_and(|provider| provider != wanted)
    });
    let sets: Vec<String> = sets.map(|n: usize| n.to_string()).collect();
    if sets.is_empty() {
        return None;
    }
    let text = format!("EGRESS_PROVIDER_NAME={} excludes egress set {}", clean(wanted), sets.join(" and "));
    Some(Finding::warn("settings.flows", text, "remove EGRESS_PROVIDER_NAME to use these sets too"))
}

/// Unknown names that look like one of ours.
fn unread(config: &Config) -> Vec<Finding> {
    let filling: Vec<String> = config
        .provider_names()
        .into_iter()
        .filter_map(|name| config.raw_provider(&name).ok())
        .flat_map(|provider| provider.variables)
        .map(|variable| variable.setting)
        .collect();
    let mut names: Vec<&str> = config.sources().names().collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| !filling.iter().any(|known| known == name));
    names.into_iter().filter_map(|name| unread_name(config, name)).collect()
}

fn unread_name(config: &Config, name: &str) -> Option<Finding> {
    const NAMES_CHECK: &str = "settings.names";
    let (_, origin) = config.sources().find(name)?;
    let ours = OURS.iter().any(|start| name.starts_with(start));
    // The environment is full of other programs' variables; a .env file is ours to check.
    if !ours && origin.file().is_none() {
        return None;
    }
    let (stem, number) = numbered(name);
    if is_known(name) {
        let number: usize = number?.parse().unwrap_or(usize::MAX);
        let text = format!("{name} is ignored ({origin})");
        let beyond = Finding::warn(NAMES_CHECK, text, "give it a number from 1 to 100");
        return (!(1..=100).contains(&number)).then(|| beyond.because("sets are numbered from 1 to 100"));
    }
    let known = VARIABLES.iter().filter_map(|known| match number {
        Some(_) => known.name.strip_suffix("_N"),
        None => Some(known.name),
    });
    let text = format!("{name} is ignored ({origin})");
    match (spelling::suggest(stem, known), number) {
        (Some(meant), Some(n)) => {
            Some(Finding::warn(NAMES_CHECK, text, format!("did you mean {meant}_{n}?")))
        }
        (Some(meant), None) => Some(Finding::warn(NAMES_CHECK, text, format!("did you mean {meant}?"))),
        (None, _) if ours => {
            Some(Finding::warn(NAMES_CHECK, text, "list the settings with: mcpauth config show"))
        }
        (None, _) => None,
    }
}

/// The parts of `NAME_7`.
fn numbered(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('_') {
        Some((stem, number)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => {
            (stem, Some(number))
        }
        _ => (name, None),
    }
}

fn env_files(config: &Config) -> Vec<Finding> {
    const FILES_CHECK: &str = "settings.files";
    let named = |(path, whose): (&Path, FileTrust)| match whose {
        FileTrust::Found => format!("{} (found here)", path.display()),
        FileTrust::Own | FileTrust::Named => format!("{} (yours)", path.display()),
    };
    let files: Vec<String> = config.sources().files().map(named).collect();
    let read = match files.as_slice() {
        [] => Finding::ok(FILES_CHECK, "no .env file is read here; settings come from the environment"),
        [one] => Finding::ok(FILES_CHECK, format!("settings are read from {one}")),
        several => {
            Finding::ok(FILES_CHECK, format!("settings are read from {}; the last wins", several.join(", ")))
        }
    };
    let overruled = config.sources().overruled().into_iter().filter_map(|(name, line)| {
        let (_, wins) = config.sources().find(name)?;
        // A flag is typed for one run, on purpose.
        if wins == Origin::Flag || !is_known(name) {
            return None;
        }
        let text = format!("{name} in {line} has no effect: another value comes from {wins}");
        Some(Finding::warn("settings.overruled", text, "remove one of the two"))
    });
    let remedy = "see where each value comes from with: mcpauth config show --origin";
    let notices =
        config.sources().notices().iter().map(|notice| Finding::warn(FILES_CHECK, notice.as_str(), remedy));
    std::iter::once(read).chain(notices).chain(overruled).collect()
}

fn exposed(path: &Path) -> Finding {
    let text = format!("{} holds secrets and can be read by others", path.display());
    let finding = Finding::problem("files.mode", text, format!("chmod 600 {}", path_word(path)));
    // The target of a link may not be ours.
    if is_symlink(path) { finding } else { finding.fixed_by(Fix::Close(path.into())) }
}

fn clean(text: &str) -> String {
    crate::text::clean(text, 40)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn found(values: &[(&str, &str)]) -> Vec<String> {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::resolve(Settings::of(values)).unwrap();
        let planned = config.plan(&[CredentialKind::Ingress, CredentialKind::Egress], None);
        let findings = check(&config, &planned).into_iter();
        let text = |finding: Finding| {
            format!("{} {} -> {}", finding.check, finding.found, finding.remedy.unwrap_or_default())
        };
        findings.filter(|finding| finding.remedy.is_some()).map(text).collect()
    }

    #[test]
    fn names_that_nobody_reads_are_held_against_those_that_are_read() {
        let nothing = found(&[]).len();
        for (name, expected) in [
            ("INGRESS_OAUTH_CLIENT_SECRT", Some("did you mean INGRESS_OAUTH_CLIENT_SECRET?")),
            ("EGRESS_OAUTH_CLIENTID_7", Some("did you mean EGRESS_OAUTH_CLIENT_ID_7?")),
            ("EGRESS_OAUTH_CLIENT_ID_0", Some("give it a number from 1 to 100")),
            ("MCPAUTH_WHATEVER", Some("list the settings with: mcpauth config show")),
            ("PATH", None),
            // Another program's variable, although it is similar to one of ours.
            ("AWS_REGIONS", None),
        ] {
            let found = found(&[(name, "hunter2")]);
            let ours: Vec<_> = found.iter().filter(|text| text.starts_with("settings.names")).collect();
            match expected {
                Some(remedy) => assert!(
                    ours.len() == 1 && ours[0].contains(name) && ours[0].ends_with(remedy),
                    "{name}: {found:?}"
                ),
                None => assert_eq!(found.len(), nothing, "{name}: {found:?}"),
            }
            assert!(!found.concat().contains("hunter2"), "{found:?}");
        }
    }

    #[test]
    fn a_provider_word_is_held_against_what_is_set() {
        let keycloak = [("KEYCLOAK_M2M_CLIENT_ID", "c")];
        let cognito = [("INGRESS_OAUTH_USER_POOL_ID", "us-east-1_AbC"), ("AUTH_PROVIDER", "keycloak")];
        let wrong = [("AUTH_PROVIDER", "cognitoo")];
        for (values, expected) in [
            (&keycloak[..], "AUTH_PROVIDER selects cognito, which has no settings; keycloak has"),
            (&cognito, "AUTH_PROVIDER selects keycloak, which has no settings; cognito has"),
            (&wrong, "AUTH_PROVIDER: \"cognitoo\" is not one of cognito, keycloak, oidc"),
        ] {
            let found = found(values);
            assert!(found.iter().any(|text| text.contains(expected)), "{found:?}");
        }
    }
}
