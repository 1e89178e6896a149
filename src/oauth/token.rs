//! An access token and its attributes (RFC 6749 section 5.1), with absolute times from the moment it was parsed. Not
//! here: the registry's scripts' file format (see `store`); which token belongs to which credential (see `vault`).

use crate::secret::Secret;

/// Seconds since 1970-01-01T00:00:00Z.
pub type Epoch = i64;

/// The default for how long before its expiry a token counts as due, at most, in seconds.
const LONGEST_MARGIN: Epoch = 300;

/// A parsed token reply: nothing in it is relative to "now" any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSet {
    /// RFC 6749 section 1.4.
    pub access_token: Secret,
    /// RFC 6749 section 1.5; absent for client credentials.
    pub refresh_token: Option<Secret>,
    /// RFC 6749 section 7.1, `Bearer` in practice.
    pub token_type: String,
    /// What was granted, if the server said so (RFC 6749 section 3.3).
    pub scopes: Vec<String>,
    /// When it was issued; unknown for a file without that time.
    pub issued_at: Option<Epoch>,
    /// When it expires; `None` for a token that does not.
    pub expires_at: Option<Epoch>,
}

/// The state of a token at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Usable, and not yet due.
    Fresh,
    /// Usable, but to be renewed now.
    Due,
    /// Expired.
    Expired,
}

/// The only supported token type (RFC 6750).
pub(super) const BEARER: &str = "Bearer";
/// Types that need a key of ours with every request (RFC 9449, and earlier drafts): sent as bearer tokens they are
/// rejected, or worse, accepted.
const BOUND: [&str; 3] = ["dpop", "pop", "mac"];

impl TokenSet {
    /// The token's type, if it must not be sent as a bearer token.
    pub fn bound_type(&self) -> Option<&str> {
        let kind = self.token_type.as_str();
        BOUND.iter().any(|bound| bound.eq_ignore_ascii_case(kind)).then_some(kind)
    }

    /// The same, with the lifetime of `earlier` if its server does not send one.
    #[must_use]
    pub fn or_as_long_as(self, earlier: &Self) -> Self {
        let life = earlier.expires_at.zip(earlier.issued_at).map(|(end, start)| end.saturating_sub(start));
        let guessed = life.filter(|life| *life > 0).zip(self.issued_at);
        let end = self.expires_at.or(guessed.map(|(life, start)| start.saturating_add(life)));
        Self { expires_at: end, ..self }
    }

    /// Whether its tokens match RFC 6749 appendix A (`VSCHAR`): other characters could end the header it is sent in,
    /// or be special to a terminal.
    pub fn is_sendable(&self) -> bool {
        is_sendable(&self.access_token) && self.refresh_token.as_ref().is_none_or(is_sendable)
    }

    /// The state of this token at `now`.
    pub fn freshness(&self, now: Epoch) -> Freshness {
        let Some(end) = self.expires_at else { return Freshness::Fresh };
        let margin = margin(self.issued_at, end, LONGEST_MARGIN);
        if now >= end {
            Freshness::Expired
        } else if now >= end.saturating_sub(margin) {
            Freshness::Due
        } else {
            Freshness::Fresh
        }
    }
}

/// Whether a token consists of visible ASCII characters and spaces (RFC 6749 appendix A.12).
pub fn is_sendable(token: &Secret) -> bool {
    token.expose().bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

/// How long before its `end` a token is due, in seconds: `longest`, but at most a fifth of its lifetime (a
/// five-minute token would otherwise be due at once), which is at least a second (the tick of a timer); 300 s if its
/// lifetime is unknown.
pub fn margin(issued_at: Option<Epoch>, end: Epoch, longest: Epoch) -> Epoch {
    let life = issued_at.map(|start| end.saturating_sub(start));
    longest.min(life.map_or(LONGEST_MARGIN, |life| (life / 5).max(1))).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(issued_at: Option<Epoch>, expires_at: Option<Epoch>) -> TokenSet {
        TokenSet {
            access_token: Secret::new("t"),
            refresh_token: None,
            token_type: "Bearer".into(),
            scopes: Vec::new(),
            issued_at,
            expires_at,
        }
    }

    #[test]
    fn a_token_is_due_a_fifth_of_its_life_and_at_most_five_minutes_before_its_end() {
        let cases = [
            (Some(0), Some(3600), 3299, Freshness::Fresh),
            (Some(0), Some(3600), 3300, Freshness::Due),
            (Some(0), Some(3600), 3599, Freshness::Due),
            (Some(0), Some(3600), 3600, Freshness::Expired),
            (Some(0), Some(300), 239, Freshness::Fresh),
            (Some(0), Some(300), 240, Freshness::Due),
            (None, Some(3600), 3299, Freshness::Fresh),
            (None, Some(3600), 3300, Freshness::Due),
            (Some(0), Some(3), 1, Freshness::Fresh),
            (Some(0), Some(3), 2, Freshness::Due),
            (Some(0), Some(0), 0, Freshness::Expired),
            (Some(Epoch::MIN), Some(Epoch::MAX), 0, Freshness::Fresh),
            (Some(10), Some(0), 5, Freshness::Expired),
            (Some(0), None, i64::MAX, Freshness::Fresh),
        ];
        for (issued, expires, now, expected) in cases {
            assert_eq!(token(issued, expires).freshness(now), expected, "{issued:?} {expires:?} at {now}");
        }
    }
}
