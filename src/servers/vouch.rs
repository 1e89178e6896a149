//! Whether what a server would be sent may go there, by whose word it is that the server is there. It leaves the rule to
//! `config::provenance`.

use super::tokens::{Kept, may_go};
use super::{Servers, Which};
use crate::config::Given;
use crate::credential::Kind;
use crate::error::Error;

impl Servers {
    /// For an address that a setting names.
    #[must_use]
    pub(crate) fn aimed(self, by: Option<Given>) -> Self {
        Self { aimed: by, ..self }
    }

    /// The settings that lead a token to this server, or let it be led there.
    pub(crate) fn places(&self, which: &Which) -> Vec<Given> {
        let gateway = self.config.settings.given("REGISTRY_URL");
        match which {
            // It has a token for its own address, and got that from nobody's setting.
            _ if self.is_logged_in(which) => Vec::new(),
            Which::Name(_) => gateway.into_iter().collect(),
            Which::Url(_) => self.aimed.clone().into_iter().chain(gateway.filter(|_| !self.auth)).collect(),
        }
    }

    /// Whether these tokens may go to a server.
    ///
    /// # Errors
    /// [`crate::config::ConfigError::Provenance`]; for a server by its name also where that is why there is no token for the gateway.
    pub(super) fn vouch(&self, which: &Which, tokens: &[&Kept]) -> Result<(), Error> {
        may_go(&self.config, &self.credentials, tokens, &self.places(which))?;
        let nobody = tokens.is_empty() && matches!(which, Which::Name(_)) && !self.is_logged_in(which);
        let refusal = self.refusal(&[Kind::Ingress, Kind::Agent]).filter(|_| nobody);
        refusal.map_or(Ok(()), Err)
    }

    /// Why what is configured may not be used, if it may not.
    pub(super) fn refusal(&self, kinds: &[Kind]) -> Option<Error> {
        let no = self.refused.iter().find(|(kind, _)| kinds.contains(kind));
        no.map(|(_, no)| no.clone().into())
    }
}
