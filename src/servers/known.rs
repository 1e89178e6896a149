//! Who may know who we are: the one rule, for every verb. Our identity (the ingress token, and what describes it) goes to
//! the gateway alone, which is what lies below `REGISTRY_URL`; `--auth` says otherwise for one call, and is said.

use url::Url;

use super::{CredentialOrigin, ServerRef, Servers};
use crate::sys::place;
use crate::text::clean;

impl Servers {
    /// With `--auth` as it was typed.
    #[must_use]
    pub(crate) fn with(mut self, auth: bool) -> Self {
        self.auth = auth;
        self
    }

    /// Whether our identity may go to a server. What was logged in to by its address has a token of its own, and gets no
    /// other.
    pub(crate) fn may_know_us(&self, which: &ServerRef) -> bool {
        let ServerRef::ByUrl(url) = which else { return !self.is_logged_in(which) };
        !self.is_logged_in(which) && (self.auth || self.below_gateway(url).is_some())
    }

    /// Where the credentials come from that a server gets by itself.
    pub(crate) fn source_for(&self, which: &ServerRef) -> CredentialOrigin {
        match which {
            ServerRef::ByUrl(_) if !self.may_know_us(which) && !self.is_logged_in(which) => {
                CredentialOrigin::Elsewhere
            }
            _ => CredentialOrigin::Stored,
        }
    }

    /// The path's segments below the gateway's address, if an address is below it.
    pub(crate) fn below_gateway<'u>(&self, url: &'u Url) -> Option<Vec<&'u str>> {
        place::below(self.gateway.as_ref()?, url)
    }

    /// Where a server's headers may go besides its address: below the gateway's, or at its own scheme, host and port.
    pub(crate) fn within(&self, url: &Url) -> Url {
        if let Some(gateway) = self.gateway.as_ref().filter(|_| self.below_gateway(url).is_some()) {
            return gateway.clone();
        }
        url.join("/").unwrap_or_else(|_| url.clone())
    }

    /// Says, once for each server, that our identity goes where it would not go by itself, or that it does not go where
    /// somebody may expect it.
    pub(crate) fn announce(&self, which: &ServerRef, goes: bool) {
        let ServerRef::ByUrl(url) = which else { return };
        if self.is_logged_in(which) || self.below_gateway(url).is_some() {
            return;
        }
        let host = clean(&url.origin().ascii_serialization(), 200);
        let mut said = self.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !said.insert((host.clone(), goes)) {
            return;
        }
        if goes {
            self.out.must_say(&format!("--auth: the gateway's token goes to {host}"));
        } else {
            self.out.say(&format!(
                "{host} is not below REGISTRY_URL and was not logged in to: it gets no credentials; log in to it with \
                 mcpauth login, or send it the gateway's token with --auth"
            ));
        }
    }
}
