//! Checks each credential's token: present or not, good, due or expired, and how it is renewed. Not here: its
//! audience (see `audience`); files that cannot be read (see `files`).

use crate::config::{Config, CredentialPlan};
use crate::credential::{Credential, GrantConfig, KEY_WARNING, KeyConfig};
use crate::doctor::files::is_token;
use crate::doctor::finding::Finding;
use crate::error::Error;
use crate::oauth::{Epoch, Freshness};
use crate::refresh;
use crate::store::{Store, StoreError, StoredToken};
use crate::sys::clock;
use crate::text::path_word;
use crate::vault::VaultError;

const EXPIRY_CHECK: &str = "tokens.expiry";

/// A configured credential and what is stored for it.
pub(super) struct ConfiguredToken<'p> {
    pub(super) credential: &'p Credential,
    pub(super) stored: Option<StoredToken>,
}

impl<'p> ConfiguredToken<'p> {
    /// All complete configured credentials, with what can be read; what cannot is a finding.
    pub(super) fn all(planned: &'p [CredentialPlan], store: &Store) -> (Vec<Self>, Vec<Finding>) {
        let (mut held, mut findings) = (Vec::new(), Vec::new());
        for credential in planned.iter().filter_map(|flow| flow.credential.as_ref().ok()) {
            match store.read(&credential.id) {
                Ok(stored) => held.push(Self { credential, stored }),
                // `files` reports the others.
                Err(error @ (StoreError::Keyring(_) | StoreError::Lock { .. })) => {
                    let error = Error::from(VaultError::from(error));
                    findings.push(Finding::error(EXPIRY_CHECK, &error, &credential.command));
                }
                Err(_) => {}
            }
        }
        (held, findings)
    }

    /// Whether a token shows that the credential has worked and still does.
    pub(super) fn is_good(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| {
            stored.token.freshness(clock::now()) != Freshness::Expired && self.is_its_own(stored)
        })
    }

    /// Whether getting a token needs a login.
    pub(super) fn needs_person(&self) -> bool {
        let renewable = self.stored.as_ref().is_some_and(|stored| stored.token.refresh_token.is_some());
        let login = matches!(self.credential.how, GrantConfig::AuthorizationCode(_));
        login && !self.is_good() && !renewable
    }

    /// Files of the registry's scripts do not name their client.
    fn is_its_own(&self, stored: &StoredToken) -> bool {
        let same =
            |found: &Option<String>, wanted: &str| found.as_deref().is_none_or(|found| found == wanted);
        same(&stored.issuer, &self.credential.issuer) && same(&stored.client_id, &self.credential.client.id)
    }

    fn finding(&self, now: Epoch) -> Finding {
        let Credential { id, command, .. } = self.credential;
        let Some(stored) = &self.stored else { return self.missing() };
        if !self.is_its_own(stored) {
            let text = format!("{id}: the stored token is for another client or issuer");
            return Finding::warn(EXPIRY_CHECK, text, format!("run: {command}"));
        }
        let Some(end) = stored.token.expires_at else {
            return Finding::ok(EXPIRY_CHECK, format!("{id} is valid, and does not expire"));
        };
        let when = clock::relative(end, now);
        if self.credential.key().is_some() {
            return self.key(end, now);
        }
        let machine = matches!(self.credential.how, GrantConfig::ClientCredentials(_));
        let renewable = machine || stored.token.refresh_token.is_some();
        match stored.token.freshness(now) {
            Freshness::Fresh => Finding::ok(EXPIRY_CHECK, format!("{id} is valid, expires {when}")),
            Freshness::Due if renewable => {
                Finding::ok(EXPIRY_CHECK, format!("{id} expires {when}, and is renewed on its next use"))
            }
            Freshness::Due => {
                let text = format!("{id} expires {when}, and only a login can renew it");
                Finding::warn(EXPIRY_CHECK, text, format!("run: {command}"))
            }
            Freshness::Expired if renewable => {
                let text = format!("{id} expired {when}; it can be renewed without a person");
                Finding::warn(
                    EXPIRY_CHECK,
                    text,
                    format!("run: {command}, or keep all tokens fresh with: mcpauth refresh"),
                )
            }
            Freshness::Expired => {
                let text = format!("{id} expired {when}, and only a login can renew it");
                Finding::problem(EXPIRY_CHECK, text, format!("run: {command}"))
                    .because("it has no refresh token")
            }
        }
    }

    /// A key that expires.
    fn key(&self, end: Epoch, now: Epoch) -> Finding {
        let Credential { id, command, .. } = self.credential;
        let when = clock::relative(end, now);
        let remedy = format!("get another one from its service, then run: {command}");
        if end <= now {
            return Finding::problem(EXPIRY_CHECK, format!("{id}: the key expired {when}"), remedy);
        }
        if end - now < KEY_WARNING {
            return Finding::warn(EXPIRY_CHECK, format!("{id}: the key expires {when}"), remedy);
        }
        Finding::ok(EXPIRY_CHECK, format!("{id}: the key expires {when}"))
    }

    fn missing(&self) -> Finding {
        let Credential { id, command, .. } = self.credential;
        match self.credential.key() {
            Some(KeyConfig { command: Some(_), .. }) => {
                return Finding::ok(
                    EXPIRY_CHECK,
                    format!("{id}: a command prints the key when it is needed"),
                );
            }
            Some(_) => {
                let text = format!("{id}: no key is stored");
                return Finding::problem(EXPIRY_CHECK, text, format!("run: {command}"));
            }
            None => {}
        }
        if matches!(self.credential.how, GrantConfig::AuthorizationCode(_)) {
            let text = format!("{id}: not logged in yet");
            return Finding::problem(EXPIRY_CHECK, text, format!("run: {command}"));
        }
        Finding::warn(EXPIRY_CHECK, format!("{id}: there is no token yet"), format!("run: {command}"))
    }
}

pub(super) fn check(config: &Config, held: &[ConfiguredToken<'_>], store: &Store) -> Vec<Finding> {
    let now = clock::now();
    let mut findings: Vec<Finding> = held.iter().map(|held| held.finding(now)).collect();
    findings.extend(orphans(held, store, now));
    findings.extend(service(config));
    findings
}

/// Expired tokens that no configured credential renews.
fn orphans(held: &[ConfiguredToken<'_>], store: &Store, now: Epoch) -> Vec<Finding> {
    let ours = |path: &std::path::PathBuf| held.iter().any(|held| store.path(&held.credential.id) == *path);
    let files = store.files().into_iter().filter(|path| is_token(path) && !ours(path));
    let expired = files.filter(|path| {
        let stored = store.read_file(path).ok().flatten();
        stored.is_some_and(|stored| stored.token.freshness(now) == Freshness::Expired)
    });
    expired
        .map(|path| {
            let text = format!("{} has expired, and no configured credential renews it", path.display());
            Finding::warn(
                EXPIRY_CHECK,
                text,
                format!("configure it (mcpauth configure), or: rm {}", path_word(&path)),
            )
        })
        .collect()
}

fn service(config: &Config) -> Option<Finding> {
    const SERVICE_CHECK: &str = "tokens.service";
    if !config.service_dir().is_dir() {
        return None;
    }
    Some(if refresh::running(config).is_some() {
        Finding::ok(SERVICE_CHECK, "the refresh service is running")
    } else {
        Finding::skipped(
            SERVICE_CHECK,
            "the refresh service is not running; tokens are renewed when they are used",
        )
        .remedy("keep them fresh with: mcpauth refresh")
    })
}
