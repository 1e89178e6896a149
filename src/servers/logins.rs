//! Logins at servers' own addresses: what was requested at each, and the result.

use url::Url;

use super::{ServerRef, Servers};
use crate::config::{login_command, name_of};
use crate::credential::{Credential, GrantConfig, SERVER_URL};
use crate::oauth::Challenge;
use crate::text::word;

/// A login at a server's own address.
pub(crate) struct LoginOf<'s> {
    /// The requested scopes.
    pub(crate) asked: &'s [String],
    /// Those of the token, as far as its issuer said.
    pub(crate) granted: Vec<String>,
    /// Whether there is a token.
    pub(crate) is_kept: bool,
    /// The command that logs in.
    pub(crate) command: &'s str,
}

/// What a login at a server is about.
pub(crate) enum LoginTarget {
    /// The server's own address, and the name that its login has or gets.
    Address { url: Url, name: String },
    /// A set of the settings, for a server behind the gateway.
    Set(Box<Credential>),
}

impl LoginTarget {
    /// The command that does the same.
    pub(crate) fn command(&self) -> String {
        match self {
            Self::Address { url, name } => login_command(url, name),
            Self::Set(credential) => credential.command.clone(),
        }
    }
}

impl Servers {
    /// What a login at a server is about, if a person can log in there.
    pub(crate) fn login_target(&self, which: &ServerRef) -> Option<LoginTarget> {
        let credential = match which {
            ServerRef::ByUrl(url) => self.credential_for(url),
            ServerRef::ByName(name) => self.egress_file(name).and_then(|path| self.credential_at(&path)),
        };
        // A login must not replace a key that the user entered.
        if credential.is_some_and(|credential| matches!(credential.how, GrantConfig::Key(_))) {
            return None;
        }
        let known = credential.and_then(|credential| {
            let url = Url::parse(credential.facts.get(SERVER_URL)?.as_str()?).ok()?;
            Some(LoginTarget::Address { url, name: credential.id.server.clone()? })
        });
        let of_set = || match credential {
            Some(credential) => Some(LoginTarget::Set(Box::new(credential.clone()))),
            None => match which {
                ServerRef::ByUrl(url) => Some(LoginTarget::Address { url: url.clone(), name: name_of(url) }),
                ServerRef::ByName(_) => None,
            },
        };
        known.or_else(of_set)
    }

    /// The login at a server's own address, if there was one.
    pub(crate) fn login_of(&self, which: &ServerRef) -> Option<LoginOf<'_>> {
        let credential = match which {
            ServerRef::ByUrl(url) => self.credential_for(url),
            ServerRef::ByName(name) => self.egress_file(name).and_then(|path| self.credential_at(&path)),
        };
        let credential = credential.filter(|credential| credential.is_by_address())?;
        let asked = match &credential.how {
            GrantConfig::AuthorizationCode(person) => &person.scopes,
            GrantConfig::ClientCredentials(machine) => &machine.scopes,
            GrantConfig::Key(_) => return None,
        };
        let stored = self.vault.kept(credential).ok().flatten();
        let is_kept = stored.is_some();
        let granted = stored.map(|stored| stored.token.scopes).unwrap_or_default();
        Some(LoginOf { asked, granted, is_kept, command: &credential.command })
    }
}

impl LoginOf<'_> {
    /// The advice if the server rejects a valid token: it requires scopes that the token lacks (RFC 6750 section
    /// 3.1), or something that no login brings. Previously requested scopes are requested again, because a new token
    /// replaces the old one.
    pub(crate) fn forbidden(&self, challenge: &Challenge) -> String {
        let unasked = lacking(challenge, self.asked);
        if !unasked.is_empty() {
            let asked = self.asked.iter().map(String::as_str);
            let all: Vec<String> = asked.chain(unasked.iter().copied()).map(word).collect();
            let (names, command) = (unasked.join(" "), self.command);
            return format!(
                "it also requires the scope {names}; run: {command} --scope {}",
                all.join(" --scope ")
            );
        }
        let (wanted, ungranted) = (challenge.scopes().collect::<Vec<_>>(), lacking(challenge, &self.granted));
        if !ungranted.is_empty() && !self.granted.is_empty() {
            let names = ungranted.join(" ");
            return format!(
                "the login requested the scope {names} but did not get it; ask the issuer's operator"
            );
        }
        match wanted.as_slice() {
            [] => "the token is valid, but does not allow this; ask the server's operator".into(),
            _ => format!("the token has the scope {} already; ask the server's operator", wanted.join(" ")),
        }
    }
}

/// The scopes in a challenge that are not among these.
fn lacking<'c>(challenge: &'c Challenge, have: &[String]) -> Vec<&'c str> {
    challenge.scopes().filter(|scope| !have.iter().any(|known| known == scope)).collect()
}
