//! A login request, and the command that means the same. Not here: logging in (see the files next to it).

use url::Url;

use crate::config::{ExtraParams, KeyFile, Registration, login_command};
use crate::error::Error;
use crate::flow::{AddressError, FlowError};
use crate::secret::Secret;
use crate::text::word;
use crate::vault::VaultError;

/// A login at a server's own address.
pub(crate) struct LoginRequest {
    /// The server's address.
    pub(crate) url: Url,
    /// The server's name.
    pub(crate) name: String,
    /// The client that the user registered.
    pub(crate) own: Own,
    /// The flags that named this client.
    pub(crate) own_flags: Vec<String>,
    /// The scopes to request, instead of those that the server names.
    pub(crate) scope: Vec<String>,
    /// Parameters to add.
    pub(crate) extra: ExtraParams,
    /// Whether everything is discovered again.
    pub(crate) force: bool,
    /// The issuer to log in at, one of those that the server names.
    pub(crate) issuer: Option<Url>,
    /// Whether to use PKCE with S256 although the issuer does not list it.
    pub(crate) assume_pkce_s256: bool,
}

/// The client that the user registered, as far as it was named.
#[derive(Default)]
pub(crate) struct Own {
    pub(crate) id: Option<String>,
    pub(crate) secret: Option<Secret>,
    pub(crate) key: Option<KeyFile>,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) for_itself: bool,
}

impl LoginRequest {
    /// The command as typed, for messages that name the next command: with the flags that are still needed, without
    /// those that the message adds.
    pub(crate) fn command<T>(&self, result: &Result<T, Error>) -> String {
        let mut words = vec![login_command(&self.url, &self.name)];
        let names_client = |error: &Error| {
            matches!(
                error,
                Error::Vault(VaultError::Flow(FlowError::ByAddress(AddressError::MachinesAlone(_))))
            )
        };
        if !result.as_ref().is_err_and(names_client) {
            words.extend(self.own_flags.iter().cloned());
        }
        words.extend(self.scope.iter().map(|scope| format!("--scope {}", word(scope))));
        words.extend(self.extra.resource.iter().map(|resource| format!("--resource {}", word(resource))));
        let params = self.extra.authorize.iter().map(|(name, value)| format!("{name}={value}"));
        words.extend(params.map(|param| format!("--authorize-param {}", word(&param))));
        let names_issuer = |error: &Error| {
            let chooses = |error: &AddressError| {
                matches!(error, AddressError::OtherIssuer { .. } | AddressError::NoIssuer { .. })
            };
            matches!(error, Error::Vault(VaultError::Flow(FlowError::ByAddress(error))) if chooses(error))
        };
        let issuer = self.issuer.iter().filter(|_| !result.as_ref().is_err_and(names_issuer));
        words.extend(issuer.map(|issuer| format!("--issuer {}", word(issuer.as_str()))));
        if self.assume_pkce_s256 {
            words.push("--assume-pkce-s256".into());
        }
        if self.force && matches!(result, Err(Error::Vault(VaultError::NeedsPerson { .. }))) {
            words.push("--force".into());
        }
        words.join(" ")
    }

    /// Whether what is stored about a server matches the request.
    pub(crate) fn is_met_by(&self, kept: &Registration) -> bool {
        let same = |wanted: &Url| wanted.as_str().trim_end_matches('/') == kept.issuer.trim_end_matches('/');
        !self.force
            && self.own.is(kept)
            && (self.scope.is_empty() || self.scope == kept.scopes)
            && (self.extra == ExtraParams::default() || self.extra == kept.extra)
            && self.issuer.as_ref().is_none_or(same)
    }
}

impl Own {
    /// Whether this matches the stored client, as far as it was typed.
    pub(crate) fn is(&self, kept: &Registration) -> bool {
        self.id.as_ref().is_none_or(|id| *id == kept.client_id)
            && self.secret.is_none_or_is(kept.client_secret.as_ref())
            && self.key.is_none_or_is(kept.private_key.as_ref())
            && self.redirect_uri.as_ref().is_none_or(|uri| *uri == kept.redirect_uri)
            && (!self.for_itself || kept.for_itself)
    }

    /// Whether a client was named.
    pub(crate) fn has_id(&self) -> bool {
        self.id.is_some()
    }

    /// Whether the client can authenticate itself, and so may get tokens for itself.
    pub(crate) fn has_proof(&self) -> bool {
        self.secret.is_some() || self.key.is_some()
    }
}

/// What was typed matches what is stored unless it says otherwise.
trait NoneOrIs<T> {
    fn is_none_or_is(&self, kept: Option<&T>) -> bool;
}

impl<T: PartialEq> NoneOrIs<T> for Option<T> {
    fn is_none_or_is(&self, kept: Option<&T>) -> bool {
        self.as_ref().is_none_or(|typed| kept == Some(typed))
    }
}
