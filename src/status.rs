//! The state of each credential, and the next command. It makes no request and renews nothing. Not here: which
//! credentials there are (see `servers::credentials`); printing (see `cli`).

use std::path::PathBuf;

use crate::config::Config;
use crate::credential::{Credential, GrantConfig, KEY_WARNING, KeyConfig, StoreScope};
use crate::error::Error;
use crate::oauth::{Epoch, Freshness};
use crate::servers::credentials::{self, KnownCredential, SetupStatus};
use crate::store::{Storage, StoreError, StoredToken, TokenMetadata};
use crate::text::clean;
use crate::vault::{Vault, VaultError};

/// The state of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Good,
    Due,
    Expired,
    Missing,
    NeedsLogin,
    Incomplete,
    Unreadable,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) state: State,
    /// Of the stored token; `None` if there is none, or if it does not expire.
    pub(crate) expires_at: Option<Epoch>,
    pub(crate) kept: bool,
    pub(crate) source: String,
    pub(crate) storage: Option<Storage>,
    /// The store that it is in.
    pub(crate) scope: StoreScope,
    /// Whether it is a key, which is never renewed.
    pub(crate) is_key: bool,
    /// Whether the next token needs no login.
    pub(crate) renewable: bool,
    pub(crate) path: Option<PathBuf>,
    /// Why it is not good, if the state does not say it all.
    pub(crate) why: Option<String>,
    /// What to type.
    pub(crate) command: Option<String>,
    /// What to do, if that is more than a command.
    pub(crate) hint: Option<String>,
}

impl Row {
    /// Needs no action.
    pub(crate) fn is_fine(&self) -> bool {
        self.state == State::Good || self.state == State::Due && self.renewable
    }
}

impl State {
    /// For programs; people see spaces instead of underscores.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Due => "due",
            Self::Expired => "expired",
            Self::Missing => "missing",
            Self::NeedsLogin => "needs_login",
            Self::Incomplete => "incomplete",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Every configured or stored credential.
pub(crate) fn all(config: &Config, vault: &Vault, now: Epoch) -> Vec<Row> {
    credentials::all(config, &vault.store).iter().map(|known| row(known, vault, now)).collect()
}

fn row(known: &KnownCredential, vault: &Vault, now: Epoch) -> Row {
    let path = known.path(&vault.store);
    let look = path.as_deref().and_then(|path| vault.store.look(path).ok().flatten());
    let stored = match (&known.setup, &path) {
        (SetupStatus::Complete(credential), _) => vault.kept(credential),
        (_, Some(path)) => vault.store.read_file(path),
        (_, None) => Ok(None),
    };
    let row = Row {
        kind: known.kind.name(),
        name: known.name.clone(),
        state: State::Good,
        expires_at: stored.as_ref().ok().and_then(|stored| stored.as_ref()?.token.expires_at),
        kept: matches!(stored, Ok(Some(_))),
        source: source(known),
        storage: look.as_ref().map(|look| look.storage),
        scope: known.scope(),
        is_key: known.credential().is_some_and(|credential| credential.key().is_some()),
        renewable: known.credential().is_some_and(|credential| renewable(credential, &stored)),
        path,
        why: None,
        command: None,
        hint: None,
    };
    judged(row, known, stored, look.as_ref(), now)
}

/// Fills in the state, and what to do about it.
fn judged(
    row: Row,
    known: &KnownCredential,
    stored: Result<Option<StoredToken>, StoreError>,
    look: Option<&TokenMetadata>,
    now: Epoch,
) -> Row {
    let command = known.command();
    let stored = match (stored, &known.setup) {
        (_, SetupStatus::Partial(error)) => {
            let (why, hint) = (Some(error.to_string()), Some(error.hint()));
            return Row { state: State::Incomplete, why, hint, ..row };
        }
        (Err(error), _) => {
            let error = Error::from(VaultError::Store(error));
            let (why, hint) = (Some(error.to_string()), Some(error.hint(&command)));
            return Row { state: State::Unreadable, why, hint, ..row };
        }
        (Ok(stored), _) => stored,
    };
    if let Some(key) = known.credential().and_then(Credential::key) {
        return key_row(row, key, command, now);
    }
    let freshness = stored.map(|stored| stored.token.freshness(now));
    let state = match (freshness, known.credential()) {
        (Some(Freshness::Fresh), _) => return row,
        (Some(Freshness::Due), _) => State::Due,
        (Some(Freshness::Expired), Some(_)) if !row.renewable => State::NeedsLogin,
        (Some(Freshness::Expired), _) => State::Expired,
        (None, Some(Credential { how: GrantConfig::AuthorizationCode(_), .. })) => State::NeedsLogin,
        (None, _) => State::Missing,
    };
    let why = match (freshness, look.map(|look| look.storage), known.credential()) {
        (None, Some(Storage::Keyring), _) => Some("the keyring does not return its secrets".to_owned()),
        (None, Some(Storage::File), Some(_)) => Some("its file has another client's token".into()),
        (_, _, None) => Some("no configured credential renews it".into()),
        _ => None,
    };
    match known.credential() {
        Some(_) => Row { state, why, command: Some(command), ..row },
        None => {
            let forget = format!("mcpauth logout {}", known.handle());
            let hint = format!("configure it (mcpauth configure), or remove it: {forget}");
            Row { state, why, command: Some(forget), hint: Some(hint), ..row }
        }
    }
}

/// The state of a key: only its user renews it.
fn key_row(row: Row, key: &KeyConfig, command: String, now: Epoch) -> Row {
    if let Some(prints) = &key.command {
        let why = Some(format!("printed by: {}", clean(&prints.line, 200)));
        return Row { kept: true, why, ..row };
    }
    let left = row.expires_at.map(|end| end - now);
    let (state, why) = match left {
        _ if !row.kept => (State::Missing, "no key is stored"),
        Some(left) if left <= 0 => (State::Expired, "the key has expired; get another one from its service"),
        Some(left) if left < KEY_WARNING => {
            (State::Due, "the key expires soon, and nothing renews it; get another one from its service")
        }
        _ => return row,
    };
    Row { state, why: Some(why.into()), command: Some(command), ..row }
}

fn renewable(credential: &Credential, stored: &Result<Option<StoredToken>, StoreError>) -> bool {
    match &credential.how {
        GrantConfig::ClientCredentials(_) => true,
        GrantConfig::Key(_) => false,
        GrantConfig::AuthorizationCode(_) => stored
            .as_ref()
            .is_ok_and(|stored| stored.as_ref().is_some_and(|stored| stored.token.refresh_token.is_some())),
    }
}

fn source(known: &KnownCredential) -> String {
    match (&known.setup, known.set) {
        (SetupStatus::FileOnly, _) => "file only".into(),
        (_, None) if known.scope() == StoreScope::User => "yours".into(),
        (_, Some(set)) => format!("set {set}"),
        (_, None) => "settings".into(),
    }
}
