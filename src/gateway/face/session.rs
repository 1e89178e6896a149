//! A person's session: all of it is in a sealed cookie, so that several gateways share it without a store. It holds who
//! the person is and which of their groups the policy knew when they signed in; what they may do, the policy in force
//! says at each request.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::gateway::session::SealingKey;
use crate::policy::{Policy, Principal};

/// Who has signed in, and since when.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaceSession {
    /// Its own name, by which it can be revoked.
    #[serde(rename = "d")]
    pub(crate) sid: String,
    /// The provider, as its settings name it.
    #[serde(rename = "p")]
    pub(crate) provider: String,
    #[serde(rename = "i")]
    pub(crate) issuer: String,
    #[serde(rename = "s")]
    pub(crate) subject: String,
    /// What people call them.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The groups that the policy knew.
    #[serde(rename = "g", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups: Vec<String>,
    /// Some of the other groups: they give nothing, and are there to be shown.
    #[serde(rename = "u", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) unknown: Vec<String>,
    /// How many more there are.
    #[serde(rename = "m", default)]
    pub(crate) unnamed: usize,
    /// The claims that the policy's conditions are about.
    #[serde(rename = "c", default, skip_serializing_if = "Map::is_empty")]
    pub(crate) claims: Map<String, Value>,
    /// When the person signed in, in seconds since 1970.
    #[serde(rename = "b")]
    pub(crate) began: i64,
    /// When they were last here, up to a minute.
    #[serde(rename = "l")]
    pub(crate) seen: i64,
}

/// What the cookie's seal is bound to: nothing else that this program seals opens as a session.
const BOUND: &[u8] = b"session";
/// The longest cookie, with its name and attributes, that every browser keeps (RFC 6265 section 6.1).
pub(super) const MAX_COOKIE: usize = 4096;
/// How long a session lasts, and how long without a request, in seconds.
pub(crate) const LONGEST: i64 = 8 * 3600;
pub(crate) const IDLE: i64 = 3600;
/// How old [`FaceSession::seen`] gets before the cookie is set again.
const MINUTE: i64 = 60;
/// How many of the groups that the policy does not know are kept, and how long each may be.
const SHOWN: usize = 10;
const SHOWN_LENGTH: usize = 60;

impl FaceSession {
    /// The session of a person who has just signed in.
    pub(crate) fn begin(provider: &str, person: Principal, policy: &Policy, now: i64) -> Option<Self> {
        let mut sid = [0; 16];
        SystemRandom::new().fill(&mut sid).ok()?;
        let (groups, others): (Vec<_>, Vec<_>) =
            person.groups.into_iter().partition(|group| policy.knows_group(group));
        let total = others.len();
        let short = |group: &String| group.len() <= SHOWN_LENGTH;
        let unknown: Vec<String> = others.into_iter().filter(short).take(SHOWN).collect();
        let about = policy.claims();
        let claims = person.claims.into_iter().filter(|(name, _)| about.contains(name)).collect();
        Some(Self {
            sid: sid.iter().map(|byte| format!("{byte:02x}")).collect(),
            provider: provider.to_owned(),
            issuer: person.issuer,
            subject: person.subject,
            name: person.username,
            groups,
            unnamed: total - unknown.len(),
            unknown,
            claims,
            began: now,
            seen: now,
        })
    }

    /// As the cookie's value.
    pub(crate) fn seal(&self, key: &SealingKey) -> Option<String> {
        key.seal(BOUND, &serde_json::to_vec(self).ok()?)
    }

    /// The session of a cookie, unless it is over.
    pub(crate) fn open(key: &SealingKey, text: &str, now: i64) -> Option<Self> {
        let text = Some(text).filter(|text| text.len() <= MAX_COOKIE)?;
        let session: Self = serde_json::from_slice(&key.unseal(BOUND, text)?).ok()?;
        // A clock that was set back makes no session longer.
        let is_now = |at: i64, most: i64| (at - MINUTE..at + most).contains(&now);
        (is_now(session.began, LONGEST) && is_now(session.seen, IDLE)).then_some(session)
    }

    /// When it ends if nobody uses it, and in any case, in seconds since 1970.
    pub(crate) fn ends(&self) -> (i64, i64) {
        let end = self.began + LONGEST;
        (end.min(self.seen + IDLE), end)
    }

    /// The session as it is set again, if it has not been for a minute.
    pub(crate) fn renewed(&self, now: i64) -> Option<Self> {
        (now - self.seen >= MINUTE).then(|| Self { seen: now, ..self.clone() })
    }

    /// The person, as the policy judges callers.
    pub(crate) fn principal(&self) -> Principal {
        Principal {
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            username: self.name.clone(),
            groups: self.groups.clone(),
            claims: self.claims.clone(),
            ..Principal::default()
        }
    }
}
