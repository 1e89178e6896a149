//! Logins at servers' own addresses: what was asked for at each, and what came. It leaves advice to whoever asks.

use super::{Servers, Which, is_direct};
use crate::credential::How;

/// A login at a server's own address.
pub(crate) struct LoginOf<'s> {
    /// The scopes that were asked for.
    pub(crate) asked: &'s [String],
    /// Those that the token has, as far as its issuer said.
    pub(crate) granted: Vec<String>,
    /// Whether there is a token.
    pub(crate) is_kept: bool,
    /// The command that logs in.
    pub(crate) command: &'s str,
}

impl Servers {
    /// The login at a server's own address, if there was one.
    pub(crate) fn login_of(&self, which: &Which) -> Option<LoginOf<'_>> {
        let credential = match which {
            Which::Url(url) => self.credential_for(url),
            Which::Name(name) => self.egress_file(name).and_then(|path| self.credential_at(&path)),
        };
        let credential = credential.filter(|credential| is_direct(credential))?;
        let asked = match &credential.how {
            How::AuthorizationCode(person) => &person.scopes,
            How::ClientCredentials(machine) => &machine.scopes,
        };
        let stored = self.vault.kept(credential).ok().flatten();
        let is_kept = stored.is_some();
        let granted = stored.map(|stored| stored.token.scopes).unwrap_or_default();
        Some(LoginOf { asked, granted, is_kept, command: &credential.command })
    }
}
