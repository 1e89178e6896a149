//! A token as it is looked at: which one is meant, what it says, and whether its issuer signed it. It leaves showing to `cli`.

mod subject;
mod verify;

pub(crate) use self::subject::{Subject, find, token_of};
pub(crate) use self::verify::SignatureCheck;
use crate::config::Config;
use crate::oauth::{Epoch, Unverified};
use crate::sys::http::Http;

/// What came of a look.
pub(crate) struct Inspected {
    pub(crate) subject: Subject,
    /// What it says, if it says anything.
    pub(crate) readable: Option<Unverified>,
    pub(crate) verdict: SignatureCheck,
}

/// Reads and verifies a token. Its issuer must be `issuer`, if one is named, else one that is configured; only with
/// `patient` it is waited for as long as the network allows.
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
    /// When it ends, by its own word or its file's.
    pub(crate) fn end(&self) -> Option<Epoch> {
        let own = self.readable.as_ref().and_then(|read| read.time("exp"));
        own.or(self.subject.stored.as_ref().and_then(|stored| stored.token.expires_at))
    }

    /// Whether its time is over, or has not begun.
    pub(crate) fn is_out_of_time(&self, now: Epoch) -> bool {
        let early = self.readable.as_ref().and_then(|read| read.time("nbf")).is_some_and(|start| start > now);
        early || self.end().is_some_and(|end| end <= now)
    }
}
