//! The arithmetic of the schedule: how long before its expiry a token is renewed, and how long to pause after a
//! failure. Not here: recording what happened (see `schedule`).

pub use crate::oauth::Epoch;

use crate::oauth;

/// The first pause after a failure, in seconds; each further one doubles.
const FIRST_PAUSE: Epoch = 5;
/// The longest pause while the token is valid, in seconds: nothing is broken yet.
const LONGEST_WHILE_GOOD: Epoch = 300;
/// The longest pause without a valid token, in seconds: how long users may still wait after the provider has
/// recovered.
const LONGEST_WITHOUT: Epoch = 120;
/// The shortest pause before a token's expiry, in seconds.
const SHORTEST_PAUSE: Epoch = 2;

/// From when until when a token is valid, as far as known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetime {
    /// When it was issued.
    pub issued_at: Option<Epoch>,
    /// When it expires; `None` if it does not.
    pub expires_at: Option<Epoch>,
}

impl Lifetime {
    /// When to renew it; `None` for never.
    pub fn due(self, buffer: Epoch) -> Option<Epoch> {
        Some(self.expires_at?.saturating_sub(self.margin(buffer)))
    }

    /// How long before its expiry it is renewed: at most `buffer` seconds; none for one that does not expire.
    pub fn margin(self, buffer: Epoch) -> Epoch {
        self.expires_at.map_or(0, |end| oauth::margin(self.issued_at, end, buffer))
    }

    /// Whether it can be used at `now`.
    pub fn is_good(self, now: Epoch) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// When to try again after `failures` failures in a row, the last one just `now`. `life` is that of the stored token,
/// if there is one. `jitter` (0 to 1000) shortens the pause by up to half, so that many that failed together do not
/// return together.
///
/// While the token is valid, a pause is at most half of its remaining lifetime: the last attempt comes close to the
/// expiry, however long the outage, and a server that recovers just in time is still asked in time.
pub fn retry_at(failures: u32, life: Option<Lifetime>, now: Epoch, jitter: u16) -> Epoch {
    let good = life.filter(|life| life.is_good(now));
    let longest = if good.is_some() { LONGEST_WHILE_GOOD } else { LONGEST_WITHOUT };
    let doubled = FIRST_PAUSE << failures.saturating_sub(1).min(6);
    let full = doubled.min(longest);
    let pause = full - full * Epoch::from(jitter.min(1_000)) / 2_000;
    let left = good.and_then(|life| life.expires_at).map(|end| ((end - now) / 2).max(SHORTEST_PAUSE));
    now.saturating_add(left.map_or(pause, |left| pause.min(left)).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(issued_at: impl Into<Option<Epoch>>, expires_at: impl Into<Option<Epoch>>) -> Lifetime {
        Lifetime { issued_at: issued_at.into(), expires_at: expires_at.into() }
    }

    #[test]
    fn a_token_is_due_a_buffer_and_at_most_a_fifth_of_its_life_before_its_end() {
        let cases = [
            (life(0, 300), 3_600, Some(240)),
            (life(0, 3_600), 3_600, Some(2_880)),
            (life(0, 86_400), 3_600, Some(82_800)),
            (life(0, 86_400), 60, Some(86_340)),
            (life(0, 3_600), 0, Some(3_600)),
            (life(0, 3), 3_600, Some(2)),
            (life(0, 0), 3_600, Some(-1)),
            (life(10, 0), 3_600, Some(-1)),
            (life(None, 3_600), 3_600, Some(3_300)),
            (life(None, 3_600), 60, Some(3_540)),
            (life(0, None), 3_600, None),
            (life(Epoch::MIN, Epoch::MAX), Epoch::MAX, Some(Epoch::MAX - Epoch::MAX / 5)),
        ];
        for (life, buffer, expected) in cases {
            assert_eq!(life.due(buffer), expected, "{life:?} with {buffer}");
        }
    }

    #[test]
    fn pauses_double_up_to_a_bound_that_is_lower_without_a_token() {
        let endless = Some(life(0, None));
        let pauses = |life| [1, 2, 3, 4, 5, 6, 7, 8, u32::MAX].map(|n| retry_at(n, life, 1_000, 0) - 1_000);
        assert_eq!(pauses(endless), [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(pauses(None), [5, 10, 20, 40, 80, 120, 120, 120, 120]);
        assert_eq!(pauses(Some(life(0, 1_000))), pauses(None), "one that has ended is none");
    }

    #[test]
    fn jitter_takes_up_to_half_off() {
        let cases = [(0, 120), (500, 90), (1_000, 60), (u16::MAX, 60)];
        for (jitter, expected) in cases {
            assert_eq!(retry_at(9, None, 0, jitter), expected, "{jitter}");
        }
        assert_eq!(retry_at(1, None, 0, 1_000), 3);
    }

    #[test]
    fn the_nearer_its_end_the_shorter_the_pause() {
        let cases = [(600, 300), (100, 50), (10, 5), (4, 2), (1, 2)];
        for (left, expected) in cases {
            assert_eq!(
                retry_at(9, Some(life(0, 10_000 + left)), 10_000, 0) - 10_000,
                expected,
                "{left} s left"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn the_next_attempt_is_later_and_never_far(
            failures in proptest::num::u32::ANY,
            end in proptest::option::of(-10_000_i64..100_000),
            jitter in proptest::num::u16::ANY,
        ) {
            let now = 1_000;
            let at = retry_at(failures, Some(life(0, end)), now, jitter);
            let left = end.map_or(Epoch::MAX, |end| end - now);
            let longest = if left > 0 { 300.min((left / 2).max(2)) } else { 120 };
            proptest::prop_assert!((now + 1..=now + longest).contains(&at), "{at}");
        }
    }
}
