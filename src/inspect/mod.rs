//! Inspects a token: which one, its claims, and whether its issuer signed it. Not here: printing (see
//! `cli`).

mod subject;
mod verify;

pub(crate) use self::subject::{Subject, find, token_of};
pub(crate) use self::verify::SignatureCheck;
use crate::config::Config;
use crate::oauth::{Epoch, Unverified};
use crate::sys::http::Http;

/// The result.
pub(crate) struct Inspected {
    pub(crate) subject: Subject,
    /// Its decoded content, if it can be decoded.
    pub(crate) readable: Option<Unverified>,
    pub(crate) verdict: SignatureCheck,
}

/// Decodes and verifies a token. Its issuer must be `issuer`, if one is named, else a configured one; only with
/// `patient` the wait is as long as the network allows.
pub(crate) async fn inspect(
    subject: Subject,
    config: &Config,
    http: &Http,
    issuer: Option<&str>,
    patient: bool,
) -> Inspected {
    let token = subject.token.expose();
    let readable = Unverified::read(token);
    let issuers = verify::issuers(config, issuer);
    let verdict = verify::verify(http, token, readable.as_ref(), &issuers, patient).await;
    Inspected { subject, readable, verdict }
}

impl Inspected {
    /// When it expires, by its own claim or its file.
    pub(crate) fn end(&self) -> Option<Epoch> {
        let own = self.readable.as_ref().and_then(|read| read.time("exp"));
        own.or(self.subject.stored.as_ref().and_then(|stored| stored.token.expires_at))
    }

    /// Whether it has expired, or is not valid yet.
    pub(crate) fn is_out_of_time(&self, now: Epoch) -> bool {
        let early = self.readable.as_ref().and_then(|read| read.time("nbf")).is_some_and(|start| start > now);
        early || self.end().is_some_and(|end| end <= now)
    }
}
