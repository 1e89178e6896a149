//! Logins at servers' own addresses: what was asked for at each, and what came. It leaves which server
//! is meant to the verbs.

use super::{ServerRef, Servers, is_direct};
use crate::credential::GrantConfig;
use crate::oauth::Challenge;
use crate::text::word;

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
    pub(crate) fn login_of(&self, which: &ServerRef) -> Option<LoginOf<'_>> {
        let credential = match which {
            ServerRef::ByUrl(url) => self.credential_for(url),
            ServerRef::ByName(name) => self.egress_file(name).and_then(|path| self.credential_at(&path)),
        };
        let credential = credential.filter(|credential| is_direct(credential))?;
        let asked = match &credential.how {
            GrantConfig::AuthorizationCode(person) => &person.scopes,
            GrantConfig::ClientCredentials(machine) => &machine.scopes,
        };
        let stored = self.vault.kept(credential).ok().flatten();
        let is_kept = stored.is_some();
        let granted = stored.map(|stored| stored.token.scopes).unwrap_or_default();
        Some(LoginOf { asked, granted, is_kept, command: &credential.command })
    }
}

impl LoginOf<'_> {
    /// What to do where the server refuses a token that is good: it wants scopes that the token lacks (RFC 6750 section 3.1), or
    /// something that no login brings. What was asked for before is asked for again, because a new token takes the place
    /// of the old one.
    pub(crate) fn forbidden(&self, challenge: &Challenge) -> String {
        let unasked = lacking(challenge, self.asked);
        if !unasked.is_empty() {
            let asked = self.asked.iter().map(String::as_str);
            let all: Vec<String> = asked.chain(unasked.iter().copied()).map(word).collect();
            let (names, command) = (unasked.join(" "), self.command);
            return format!(
                "it wants the scope {names} too; run: {command} --scope {}",
                all.join(" --scope ")
            );
        }
        let (wanted, ungranted) = (challenge.scopes().collect::<Vec<_>>(), lacking(challenge, &self.granted));
        if !ungranted.is_empty() && !self.granted.is_empty() {
            let names = ungranted.join(" ");
            return format!(
                "the login asked for the scope {names} and was not given it; ask who runs the issuer"
            );
        }
        match wanted.as_slice() {
            [] => "the token is good, but not for this; ask who runs the server".into(),
            _ => format!("the token has the scope {} already; ask who runs the server", wanted.join(" ")),
        }
    }
}

/// The scopes that a challenge names and that are not among these.
fn lacking<'c>(challenge: &'c Challenge, have: &[String]) -> Vec<&'c str> {
    challenge.scopes().filter(|scope| !have.iter().any(|known| known == scope)).collect()
}
