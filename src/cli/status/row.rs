//! How a credential stands, as a value. It leaves judging it to `status` and showing it to `table`.

use std::path::PathBuf;

use crate::cli::out::Out;
use crate::oauth::Epoch;
use crate::store::Storage;

/// How a credential stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CredentialState {
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
pub(super) struct StatusRow {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) state: CredentialState,
    /// Of the kept token; `None` if there is none, or if it does not end by itself.
    pub(super) expires_at: Option<Epoch>,
    pub(super) kept: bool,
    pub(super) source: String,
    pub(super) storage: Option<Storage>,
    /// Whether the next token comes without a person.
    pub(super) renewable: bool,
    pub(super) path: Option<PathBuf>,
    /// Why it is not good, where the state does not say it all.
    pub(super) why: Option<String>,
    /// What to type.
    pub(super) command: Option<String>,
    /// What to do, where that is more than a command.
    pub(super) hint: Option<String>,
}

impl StatusRow {
    /// Nobody has to do anything about it.
    pub(super) fn is_fine(&self) -> bool {
        self.state == CredentialState::Good || self.state == CredentialState::Due && self.renewable
    }

    /// The same with commands that find what this run found.
    pub(super) fn advised(self, out: &Out) -> Self {
        let again = |text: Option<String>| text.map(|text| out.advice(&text));
        Self { command: again(self.command), hint: again(self.hint), ..self }
    }
}

impl CredentialState {
    /// For programs; people get blanks for the underscores.
    pub(super) fn word(self) -> &'static str {
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
