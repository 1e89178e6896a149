//! Whether what a server would be sent may go there, by whose word it is that the server is there. It leaves the rule to
//! `config::provenance`.

use super::tokens::{KeptToken, may_go};
use super::{ServerRef, Servers};
use crate::config::NamedValue;
use crate::credential::CredentialKind;
use crate::error::Error;

impl Servers {
    /// For an address that a setting names.
    #[must_use]
    pub(crate) fn aimed(self, by: Option<NamedValue>) -> Self {
        Self { aimed: by, ..self }
    }

    /// The settings that lead a token to this server, or let it be led there.
    pub(crate) fn places(&self, which: &ServerRef) -> Vec<NamedValue> {
        let gateway = self.config.given("REGISTRY_URL");
        match which {
            // It has a token for its own address, and got that from nobody's setting.
            _ if self.is_logged_in(which) => Vec::new(),
            ServerRef::ByName(_) => gateway.into_iter().collect(),
            ServerRef::ByUrl(_) => {
                self.aimed.clone().into_iter().chain(gateway.filter(|_| !self.auth)).collect()
            }
        }
    }

    /// Whether these tokens may go to a server.
    ///
    /// # Errors
    /// [`crate::config::ConfigError::Provenance`]; for a server by its name also where that is why there is no token for the gateway.
    pub(super) fn vouch(&self, which: &ServerRef, tokens: &[&KeptToken]) -> Result<(), Error> {
        may_go(&self.config, &self.credentials, tokens, &self.places(which))?;
        let nobody = tokens.is_empty() && matches!(which, ServerRef::ByName(_)) && !self.is_logged_in(which);
        let refusal = self.refusal(&[CredentialKind::Ingress, CredentialKind::Agent]).filter(|_| nobody);
        refusal.map_or(Ok(()), Err)
    }

    /// Why what is configured may not be used, if it may not.
    pub(super) fn refusal(&self, kinds: &[CredentialKind]) -> Option<Error> {
        let no = self.refused.iter().find(|(kind, _)| kinds.contains(kind));
        no.map(|(_, no)| no.clone().into())
    }
}
