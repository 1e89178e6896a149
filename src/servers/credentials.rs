//! Every credential, configured or found in the tokens directory, and the names that people use for it. Not here:
//! getting its token (see `vault`); its state (see `status`).

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::usable;
use crate::config::{Config, ConfigError, CredentialPlan};
use crate::credential::{Credential, CredentialId, CredentialKind, StoreScope};
use crate::error::Error;
use crate::store::{Store, StoredToken};
use crate::sys::private_file;
use crate::vault::{Logout, TokenOutcome, Vault, VaultError};

/// A longer name may be a token pasted by mistake: it is not repeated.
const LONGEST_NAME: usize = 32;

/// One credential.
pub(crate) struct KnownCredential {
    pub(crate) kind: CredentialKind,
    /// Its name in messages and summaries.
    pub(crate) name: String,
    /// The number of its set, if sets of its kind are numbered.
    pub(crate) set: Option<usize>,
    /// `None` if its settings are too incomplete to know its file, and no existing file could be it.
    pub(crate) id: Option<CredentialId>,
    /// The store that it is in, or will be.
    scope: StoreScope,
    pub(crate) setup: SetupStatus,
}

/// How much is known about getting it.
pub(crate) enum SetupStatus {
    /// Everything.
    Complete(Box<Credential>),
    /// Not enough.
    Partial(ConfigError),
    /// Nothing: there is its file, and no setting for it.
    FileOnly,
}

/// Everything configured, in the order it is obtained, then what else is stored.
pub(crate) fn all(config: &Config, store: &Store) -> Vec<KnownCredential> {
    let mut all: Vec<KnownCredential> =
        config.plan(&CredentialKind::ALL, None).into_iter().map(KnownCredential::from).collect();
    for id in store.files().iter().filter_map(|path| id_at(store, path)) {
        if all.iter().any(|known| known.id.as_ref().is_some_and(|known| known.is_same_file(&id))) {
            continue;
        }
        let name = id.to_string();
        let nameless =
            all.iter_mut().find(|known| known.id.is_none() && known.name.eq_ignore_ascii_case(&name));
        match nameless {
            Some(known) => known.id = Some(id),
            None => {
                all.push(KnownCredential {
                    kind: id.kind,
                    name,
                    set: None,
                    scope: id.scope,
                    id: Some(id),
                    setup: SetupStatus::FileOnly,
                });
            }
        }
    }
    all
}

/// The credential with that name: its name in `status`, its file, its server, its provider, its kind. The more exact
/// name wins: if a provider has one login without a server's name and one with, it means the former.
///
/// # Errors
/// [`Error::Usage`] if there is none, or more than one; it lists them.
pub(crate) fn find_by_name<'k>(all: &'k [KnownCredential], name: &str) -> Result<&'k KnownCredential, Error> {
    let ranked = all.iter().filter_map(|known| Some((known.rank(name)?, known)));
    let best = ranked.clone().map(|(rank, _)| rank).min();
    let mut found = ranked.filter(|(rank, _)| Some(*rank) == best).map(|(_, known)| known);
    let first = found.next();
    // Of two files with one name in both stores, the user's own counts, which comes first.
    let others: Vec<_> =
        found.filter(|other| first.is_none_or(|first| other.handle() != first.handle())).collect();
    match (first, others.as_slice()) {
        (Some(known), []) => Ok(known),
        (Some(first), others) => {
            let names: Vec<String> =
                std::iter::once(first).chain(others.iter().copied()).map(KnownCredential::handle).collect();
            let message = format!("{} names {} credentials", quote_name(name), names.len());
            Err(Error::Usage { message, hint: format!("say which: {}", names.join(", ")) })
        }
        (None, _) => Err(Error::Usage {
            message: format!("there is no credential {}", quote_name(name)),
            hint: list_names(all),
        }),
    }
}

/// The credentials, as a hint.
pub(crate) fn list_names(all: &[KnownCredential]) -> String {
    let names: Vec<String> = all.iter().map(KnownCredential::handle).collect();
    if names.is_empty() {
        "there are none; log in to a server with: mcpauth login URL; for those behind a gateway run: mcpauth configure".into()
    } else {
        format!("the credentials are: {}", names.join(", "))
    }
}

fn quote_name(name: &str) -> String {
    if name.chars().count() > LONGEST_NAME {
        "of that name".into()
    } else {
        format!("{:?}", crate::text::clean(name, LONGEST_NAME))
    }
}

impl From<CredentialPlan> for KnownCredential {
    fn from(planned: CredentialPlan) -> Self {
        let CredentialPlan { kind, name, set, scope, credential } = planned;
        let (id, setup) = match credential {
            Ok(credential) => (Some(credential.id.clone()), SetupStatus::Complete(Box::new(credential))),
            Err(error) => (None, SetupStatus::Partial(error)),
        };
        Self { kind, name, set, id, scope, setup }
    }
}

impl KnownCredential {
    /// The store that it is in, or will be.
    pub(crate) fn scope(&self) -> StoreScope {
        self.scope
    }

    /// Everything needed to get it, if it is complete.
    pub(crate) fn credential(&self) -> Option<&Credential> {
        match &self.setup {
            SetupStatus::Complete(credential) => Some(credential),
            SetupStatus::Partial(_) | SetupStatus::FileOnly => None,
        }
    }

    /// Where it is stored.
    pub(crate) fn path(&self, store: &Store) -> Option<PathBuf> {
        self.id.as_ref().map(|id| store.path(id))
    }

    /// Its name as one word, to be typed: its file's.
    pub(crate) fn handle(&self) -> String {
        match &self.id {
            Some(id) => id.file_name().trim_end_matches(".json").to_owned(),
            None => format!("{:?}", self.name),
        }
    }

    /// The command that gets it; the one for everything, if nothing is configured for it alone.
    pub(crate) fn command(&self) -> String {
        self.credential().map_or_else(|| "mcpauth generate".into(), |credential| credential.command.clone())
    }

    /// A valid token of it: renewed first if it is due and no login is needed.
    ///
    /// # Errors
    /// The vault's; [`Error::Config`] if its settings are incomplete and its file is not usable.
    pub(crate) async fn fresh(&self, vault: &Vault) -> Result<StoredToken, Error> {
        if let SetupStatus::Complete(credential) = &self.setup {
            let fresh = vault.fresh(credential, false).await?;
            // The shell file next to an agent's token contains the token, too.
            if fresh.outcome != TokenOutcome::Reused {
                vault.store.write_agent_env(credential, &fresh.stored.token).map_err(VaultError::Store)?;
            }
            return Ok(fresh.stored);
        }
        let kept = match self.path(&vault.store) {
            Some(path) => {
                vault.store.read_file(&path).map_err(VaultError::Store)?.map(|stored| (path, stored))
            }
            None => None,
        };
        match (kept, &self.setup) {
            (Some((path, stored)), _) => usable(&path, stored),
            (None, SetupStatus::Partial(error)) => Err(error.clone().into()),
            (None, _) => {
                let why = Some(format!(
                    "nothing is stored as {}, and nothing is configured to get it",
                    self.handle()
                ));
                Err(VaultError::NeedsPerson { why }.into())
            }
        }
    }

    /// Whether anything is stored for it: its file, a draft of an interrupted run, or its client.
    pub(crate) fn is_kept(&self, config: &Config, store: &Store) -> bool {
        let registered = self.id.as_ref().is_some_and(|id| config.registered_at(id).is_some());
        let is_there =
            |path: PathBuf| path.symlink_metadata().is_ok() || !private_file::left(&path).is_empty();
        registered || self.path(store).is_some_and(is_there)
    }

    /// Removes it, and revokes its tokens first with `revoke`.
    ///
    /// # Errors
    /// The file's.
    pub(crate) async fn forget(&self, vault: &Vault, config: &Config, revoke: bool) -> Result<Logout, Error> {
        let (Some(id), Some(path)) = (&self.id, self.path(&vault.store)) else {
            return Ok(Logout::nothing());
        };
        let ended = vault.forget(id, &path, self.credential(), revoke).await?;
        // After the token: its client is needed to revoke it.
        let registered = config.forget_registration(id)?;
        Ok(Logout { found: ended.found || registered, ..ended })
    }

    /// How exactly `name` names it, 0 being the best; `None` if it does not.
    fn rank(&self, name: &str) -> Option<u8> {
        let is = |own: &str| own.eq_ignore_ascii_case(name);
        let file = self.id.as_ref().map(CredentialId::file_name).unwrap_or_default();
        if is(&self.name) || is(&file) || file.strip_suffix(".json").is_some_and(is) {
            return Some(0);
        }
        let id = self.id.as_ref();
        let server = id.map(CredentialId::server_name);
        if server.is_some_and(is) {
            return Some(1);
        }
        (id.is_some_and(|id| is(&id.name)) || is(self.kind.name())).then_some(2)
    }
}

/// The credential of a file, by its name and its provider; `None` for a file that contains no token.
fn id_at(store: &Store, path: &Path) -> Option<CredentialId> {
    let file = path.file_name()?.to_str()?;
    // A file without such a name is not read.
    CredentialId::parse(file, "")?;
    let members = store.look(path).ok().flatten().map(|look| look.members).unwrap_or_default();
    let id = CredentialId::parse(file, members.get("provider").and_then(Value::as_str).unwrap_or_default());
    id.map(|id| id.in_scope(store.scope_of(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(file: &str, provider: &str) -> KnownCredential {
        let id = CredentialId::parse(file, provider).unwrap();
        KnownCredential {
            kind: id.kind,
            name: id.to_string(),
            set: None,
            scope: id.scope,
            id: Some(id),
            setup: SetupStatus::FileOnly,
        }
    }

    #[test]
    fn the_more_exact_name_counts_and_an_ambiguous_one_lists_what_it_may_mean() {
        let all = [
            known("ingress.json", "cognito_m2m"),
            known("acme-egress.json", "acme"),
            known("acme-mail-egress.json", "acme"),
            known("big-one-egress.json", "big"),
            known("big-two-egress.json", "big"),
            known("bedrock-agentcore-sre-egress.json", "bedrock-agentcore"),
            known("agent-one-token.json", "keycloak"),
        ];
        let cases = [
            ("ingress", Ok("ingress cognito")),
            ("ingress.json", Ok("ingress cognito")),
            ("Cognito", Ok("ingress cognito")),
            ("egress acme for mail", Ok("egress acme for mail")),
            ("acme-mail-egress", Ok("egress acme for mail")),
            ("mail", Ok("egress acme for mail")),
            ("acme", Ok("egress acme")),
            ("sre", Ok("agentcore sre")),
            ("agentcore", Ok("agentcore sre")),
            ("agent-one", Ok("keycloak agent-one")),
            ("keycloak", Ok("keycloak agent-one")),
            ("big", Err("say which: big-one-egress, big-two-egress")),
            (
                "nobody",
                Err(
                    "the credentials are: ingress, acme-egress, acme-mail-egress, big-one-egress, big-two-egress, bedrock-agentcore-sre-egress, agent-one-token",
                ),
            ),
            (
                "",
                Err(
                    "the credentials are: ingress, acme-egress, acme-mail-egress, big-one-egress, big-two-egress, bedrock-agentcore-sre-egress, agent-one-token",
                ),
            ),
        ];
        for (name, expected) in cases {
            let found =
                find_by_name(&all, name).map(|known| known.name.as_str()).map_err(|error| error.hint(""));
            assert_eq!(found.as_ref().map_err(String::as_str).copied(), expected, "{name}");
        }
    }

    #[test]
    fn what_may_be_a_token_is_not_repeated() {
        let token = "abc_16C7e42F292c6912E7710c838347Ae178B4a";
        let error = find_by_name(&[], token).err().unwrap();
        assert_eq!(error.to_string(), "there is no credential of that name");
    }
}
