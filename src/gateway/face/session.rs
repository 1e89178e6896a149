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
    /// The provider has groups of theirs that it did not send.
    #[serde(rename = "e", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) has_groups_elsewhere: bool,
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
            has_groups_elsewhere: false,
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
        (is_under_way(session.began, LONGEST, now) && is_under_way(session.seen, IDLE, now))
            .then_some(session)
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

/// Whether what began then, perhaps at another gateway whose clock is up to a minute ahead, and lasts `most` seconds, is not
/// over. A clock that was set back makes it no longer.
pub(super) fn is_under_way(began: i64, most: i64, now: i64) -> bool {
    (began - MINUTE..began + most).contains(&now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::session::SessionKey;

    fn person(groups: &[&str]) -> Principal {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        Principal { issuer: "i".into(), subject: "s".into(), groups, ..Principal::default() }
    }

    #[test]
    fn a_session_lasts_a_working_day_and_an_hour_without_a_request() {
        let key = SessionKey::new(&[7; 32]).unwrap().face;
        let began = 1_000_000;
        let session = FaceSession::begin("p", person(&[]), &Policy::default(), began).unwrap();
        let open = |session: &FaceSession, now| FaceSession::open(&key, &session.seal(&key).unwrap(), now);
        for (now, is_open) in
            [(0, true), (IDLE - 1, true), (IDLE, false), (-MINUTE, true), (-MINUTE - 1, false)]
        {
            assert_eq!(open(&session, began + now).is_some(), is_open, "{now}");
        }
        assert!(session.renewed(began + 59).is_none());
        let mut last = session.clone();
        for hour in 1..16 {
            let now = began + hour * (IDLE / 2);
            last = open(&last, now).unwrap().renewed(now).unwrap();
            assert_eq!((last.sid.as_str(), last.began), (session.sid.as_str(), began));
        }
        assert!(open(&last, began + LONGEST - 1).is_some() && open(&last, began + LONGEST).is_none());
        let other = SessionKey::new(&[8; 32]).unwrap().face;
        assert!(FaceSession::open(&other, &session.seal(&key).unwrap(), began).is_none());
    }

    #[test]
    fn only_groups_that_the_policy_knows_count_and_the_others_are_few() {
        let policy = Policy::parse("group_mappings: {a: [s], b/c: [s]}\ns: [{server: x}]\n").unwrap();
        let many: Vec<String> = (0..1000).map(|n| format!("g{n}")).collect();
        let mut groups: Vec<&str> = many.iter().map(String::as_str).collect();
        groups.extend(["a", "/b/c", "c"]);
        let session = FaceSession::begin("p", person(&groups), &policy, 0).unwrap();
        assert_eq!(session.groups, ["a", "/b/c"]);
        assert_eq!((session.unknown.len(), session.unnamed), (SHOWN, 1001 - SHOWN));
        assert_eq!(session.principal().groups, ["a", "/b/c"]);
    }
}
