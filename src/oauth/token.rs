//! An access token with what belongs to it (RFC 6749 section 5.1), absolute in time from the moment it was parsed.
//! It leaves the registry's scripts' file format to `store` and the question "who may have it" to `vault`.

use crate::secret::Secret;

/// Seconds since 1970-01-01T00:00:00Z.
pub type Epoch = i64;

/// The longest time before its expiry at which a token counts as due, in seconds, unless somebody looks further ahead.
const LONGEST_MARGIN: Epoch = 300;

/// A token reply after parsing: nothing in it is relative to "now" any more.
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
    /// When it was issued; unknown for a file that does not say.
    pub issued_at: Option<Epoch>,
    /// When it ends; `None` is a token that does not end by itself.
    pub expires_at: Option<Epoch>,
}

/// How a token stands at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Usable, and not yet worth replacing.
    Fresh,
    /// Usable still, but to be replaced now.
    Due,
    /// Of no more use.
    Expired,
}

/// The one type of token that is used (RFC 6750).
pub(super) const BEARER: &str = "Bearer";
/// Types that need a key of ours with every request (RFC 9449, and drafts before it): sent as a bearer's they are refused,
/// or worse, taken.
const BOUND: [&str; 3] = ["dpop", "pop", "mac"];

impl TokenSet {
    /// The token's type, where it is one that must not be sent as a bearer's.
    pub fn bound_type(&self) -> Option<&str> {
        let kind = self.token_type.as_str();
        BOUND.iter().any(|bound| bound.eq_ignore_ascii_case(kind)).then_some(kind)
    }

    /// The same, living as long as `earlier` did where its server does not say how long.
    #[must_use]
    pub fn or_as_long_as(self, earlier: &Self) -> Self {
        let life = earlier.expires_at.zip(earlier.issued_at).map(|(end, start)| end.saturating_sub(start));
        let guessed = life.filter(|life| *life > 0).zip(self.issued_at);
        let end = self.expires_at.or(guessed.map(|(life, start)| start.saturating_add(life)));
        Self { expires_at: end, ..self }
    }

    /// Whether its tokens are what RFC 6749 appendix A says (`VSCHAR`): another character would end the header it is sent
    /// in, or be a command to a terminal.
    pub fn is_sendable(&self) -> bool {
        is_sendable(&self.access_token) && self.refresh_token.as_ref().is_none_or(is_sendable)
    }

    /// How this token stands at `now`.
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

/// Whether a token is made of visible ASCII characters and blanks (RFC 6749 appendix A.12).
pub fn is_sendable(token: &Secret) -> bool {
    token.expose().bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

/// How long before its `end` a token is due, in seconds: `longest`, but never more than a fifth of its life (a five-minute
/// token would be due from birth), which is a second at least (the tick of a timer); 300 s where nobody knows its life.
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
