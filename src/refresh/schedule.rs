//! Every credential's state, from look to look and attempt to attempt. It leaves the seconds to `plan`, and what a
//! failure means to its caller.

use std::collections::BTreeMap;

use crate::refresh::plan::{Epoch, Lifetime, retry_at};

/// How much earlier than it must a credential is renewed to share another one's wake, in seconds: a thousand tokens
/// that end one after the other would otherwise wake us, and rewrite every client's configuration, a thousand times.
const COALESCE_WINDOW: Epoch = 5;
/// When a server's refusal is put to the test again, in seconds: a client may be let in again without a change here.
const REFUSAL_LASTS: Epoch = 3_600;
/// No pause is longer; one that seems to be is a clock that was set back.
const LONGEST_PAUSE: Epoch = REFUSAL_LASTS;

/// What is kept of a credential, as a look at its file shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialSnapshot {
    /// Changes with the token and with what it is asked with: another mark is another chance.
    pub mark: u64,
    /// The token's life; `None` if nothing is kept.
    pub life: Option<Lifetime>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// With an answer, whatever that is worth: see [`CredentialSnapshot`].
    Answered,
    /// Without one; the next may have one.
    Failed,
    /// The server will not have this client, or its settings cannot work. A person must see to it.
    Refused,
    /// Only a person can get the next token. Not tried again until its mark changes.
    NeedsPerson,
}

/// What comes after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// When it is due; `None` if that depends on somebody else, or if its token does not end.
    pub at: Option<Epoch>,
    /// Whether a person is to be told: true once, however often the same is found out.
    pub notify: bool,
}

/// What a look found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Not known before.
    pub added: Vec<String>,
    /// Not there any more.
    pub gone: Vec<String>,
    /// Somebody else renewed it, logged in, or changed how it is asked for.
    pub changed: Vec<String>,
}

/// Which credential is due when. Ids are the caller's.
#[derive(Clone, Debug)]
pub struct Schedule {
    buffer: Epoch,
    entries: BTreeMap<String, ScheduleEntry>,
}

#[derive(Clone, Debug)]
struct ScheduleEntry {
    seen: CredentialSnapshot,
    /// In a row.
    failures: u32,
    /// A person has been told.
    told: bool,
    state: EntryState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EntryState {
    /// By the plan, or after a pause.
    Due(Epoch),
    /// An attempt is under way.
    Busy,
    /// Its token does not end.
    Endless,
    /// Nothing to do for us.
    Waiting,
}

impl Schedule {
    /// An empty one; `buffer` is how many seconds before its end a token is renewed at the most.
    pub fn new(buffer: Epoch) -> Self {
        Self { buffer, entries: BTreeMap::new() }
    }

    /// Takes in what all the files say at `now`. Whatever is under way is left to its end.
    pub fn look(
        &mut self,
        all: impl IntoIterator<Item = (String, CredentialSnapshot)>,
        now: Epoch,
    ) -> Changes {
        let mut changes = Changes::default();
        let mut before = std::mem::take(&mut self.entries);
        for (id, seen) in all {
            let entry = match before.remove(&id) {
                Some(entry) if entry.seen == seen || entry.state == EntryState::Busy => entry,
                Some(_) => {
                    changes.changed.push(id.clone());
                    ScheduleEntry::new(seen, self.buffer, now)
                }
                None => {
                    changes.added.push(id.clone());
                    ScheduleEntry::new(seen, self.buffer, now)
                }
            };
            self.entries.insert(id, entry);
        }
        changes.gone = before.into_keys().collect();
        changes
    }

    /// Everything to be tried now. If anything is, whatever is nearly due comes along.
    pub fn take(&mut self, now: Epoch) -> Vec<String> {
        if !self.entries.values().any(|entry| entry.is_due(now)) {
            return Vec::new();
        }
        let buffer = self.buffer;
        let due = self.entries.iter_mut().filter(|(_, entry)| entry.is_due(now) || entry.joins(buffer, now));
        due.map(|(id, entry)| {
            entry.state = EntryState::Busy;
            id.clone()
        })
        .collect()
    }

    /// Takes in how an attempt ended, and what is kept since. An answer that did not move the end counts as a failure:
    /// asking again at once would bring the same.
    pub fn settle(
        &mut self,
        id: &str,
        outcome: AttemptOutcome,
        seen: CredentialSnapshot,
        now: Epoch,
        jitter: u16,
    ) -> Next {
        let buffer = self.buffer;
        let Some(entry) = self.entries.get_mut(id) else { return Next { at: None, notify: false } };
        entry.seen = seen;
        let mut notify = false;
        entry.state = match (outcome, EntryState::planned(seen, buffer, now)) {
            (AttemptOutcome::Answered, planned @ (EntryState::Endless | EntryState::Due(_)))
                if planned != EntryState::Due(now) =>
            {
                (entry.failures, entry.told) = (0, false);
                planned
            }
            (AttemptOutcome::Answered | AttemptOutcome::Failed, _) => {
                entry.failures = entry.failures.saturating_add(1);
                EntryState::Due(retry_at(entry.failures, seen.life, now, jitter))
            }
            (AttemptOutcome::Refused, _) => {
                notify = !std::mem::replace(&mut entry.told, true);
                EntryState::Due(now.saturating_add(REFUSAL_LASTS))
            }
            (AttemptOutcome::NeedsPerson, _) => {
                notify = !std::mem::replace(&mut entry.told, true);
                EntryState::Waiting
            }
        };
        Next { at: entry.at(), notify }
    }

    /// Somebody says that the reasons are gone: whatever failed, was refused or waits for a person is due now, and told
    /// again if it must be.
    pub fn try_again(&mut self, now: Epoch) {
        for entry in self.entries.values_mut().filter(|entry| entry.state != EntryState::Busy) {
            if entry.told || entry.failures > 0 {
                (entry.told, entry.failures, entry.state) = (false, 0, EntryState::Due(now));
            }
        }
    }

    /// What is kept of a credential, as far as we have seen.
    pub fn seen(&self, id: &str) -> Option<CredentialSnapshot> {
        self.entries.get(id).map(|entry| entry.seen)
    }

    /// What is due next, and when.
    pub fn next(&self) -> Option<(Epoch, &str)> {
        self.due().min()
    }

    /// When everything that is due some time is due.
    pub fn due(&self) -> impl Iterator<Item = (Epoch, &str)> {
        self.entries.iter().filter_map(|(id, entry)| Some((entry.at()?, id.as_str())))
    }

    /// How many there are, and how many of them have a token that is good at `now`.
    pub fn count(&self, now: Epoch) -> (usize, usize) {
        let good = |entry: &&ScheduleEntry| entry.seen.life.is_some_and(|life| life.is_good(now));
        (self.entries.len(), self.entries.values().filter(good).count())
    }

    /// How many a person must see to.
    pub fn told(&self) -> usize {
        self.entries.values().filter(|entry| entry.told).count()
    }
}

impl ScheduleEntry {
    fn new(seen: CredentialSnapshot, buffer: Epoch, now: Epoch) -> Self {
        Self { seen, failures: 0, told: false, state: EntryState::planned(seen, buffer, now) }
    }

    fn at(&self) -> Option<Epoch> {
        match self.state {
            EntryState::Due(at) => Some(at),
            _ => None,
        }
    }

    fn is_due(&self, now: Epoch) -> bool {
        let paused = self.failures > 0 || self.told;
        self.at().is_some_and(|at| at <= now || paused && at - now > LONGEST_PAUSE)
    }

    /// Only by plan: a pause after a failure is not cut short, and a short life has no seconds to give away.
    fn joins(&self, buffer: Epoch, now: Epoch) -> bool {
        let spare = self.seen.life.map_or(0, |life| (life.margin(buffer) / 4).min(COALESCE_WINDOW));
        self.failures == 0 && !self.told && self.at().is_some_and(|at| at - now <= spare)
    }
}

impl EntryState {
    /// By the token alone, as if nothing had ever failed. What should have been done earlier is to be done now.
    fn planned(seen: CredentialSnapshot, buffer: Epoch, now: Epoch) -> Self {
        match seen.life {
            None => Self::Due(now),
            Some(life) => life.due(buffer).map_or(Self::Endless, |at| Self::Due(at.max(now))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Epoch = 3_600;

    /// A token issued at `issued` for an hour: due after 2880 s.
    fn kept(mark: u64, issued: Epoch) -> CredentialSnapshot {
        let life = Lifetime { issued_at: Some(issued), expires_at: Some(issued + HOUR) };
        CredentialSnapshot { mark, life: Some(life) }
    }

    const NOTHING: CredentialSnapshot = CredentialSnapshot { mark: 0, life: None };

    fn of(seen: CredentialSnapshot) -> Schedule {
        let mut schedule = Schedule::new(HOUR);
        assert_eq!(schedule.look([("a".to_owned(), seen)], 0).added, ["a"]);
        schedule
    }

    fn look(schedule: &mut Schedule, seen: CredentialSnapshot, now: Epoch) -> Changes {
        schedule.look([("a".to_owned(), seen)], now)
    }

    fn next(at: impl Into<Option<Epoch>>, notify: bool) -> Next {
        Next { at: at.into(), notify }
    }

    #[test]
    fn what_is_kept_says_when_it_is_due_at_first() {
        let endless =
            CredentialSnapshot { mark: 1, life: Some(Lifetime { issued_at: Some(0), expires_at: None }) };
        let cases =
            [(NOTHING, Some(0)), (kept(1, 0), Some(2_880)), (kept(1, -9_999), Some(0)), (endless, None)];
        for (seen, expected) in cases {
            assert_eq!(of(seen).next().map(|(at, _)| at), expected, "{seen:?}");
        }
    }

    #[test]
    fn each_outcome_has_its_next_time() {
        let late = 2_880;
        let cases = [
            ("renewed", AttemptOutcome::Answered, kept(2, late), next(late + 2_880, false)),
            ("the same again", AttemptOutcome::Answered, kept(1, 0), next(late + 5, false)),
            ("another with the same end", AttemptOutcome::Answered, kept(2, 0), next(late + 5, false)),
            ("no answer", AttemptOutcome::Failed, kept(1, 0), next(late + 5, false)),
            ("refused", AttemptOutcome::Refused, kept(1, 0), next(late + 3_600, true)),
            ("a person", AttemptOutcome::NeedsPerson, kept(1, 0), next(None, true)),
        ];
        for (name, outcome, seen, expected) in cases {
            let mut schedule = of(kept(1, 0));
            assert!(schedule.take(late - 1).is_empty(), "{name}");
            assert_eq!(schedule.take(late), ["a"], "{name}");
            assert!(schedule.take(late).is_empty() && schedule.next().is_none(), "{name}: it is under way");
            assert_eq!(schedule.settle("a", outcome, seen, late, 0), expected, "{name}");
        }
    }

    #[test]
    fn failures_add_up_until_an_answer() {
        let mut schedule = of(NOTHING);
        let mut now = 0;
        for pause in [5, 10, 20, 40, 80, 120, 120] {
            assert_eq!(schedule.take(now), ["a"]);
            assert_eq!(
                schedule.settle("a", AttemptOutcome::Failed, NOTHING, now, 0),
                next(now + pause, false)
            );
            assert!(schedule.take(now + pause - 1).is_empty());
            now += pause;
        }
        schedule.take(now);
        assert_eq!(
            schedule.settle("a", AttemptOutcome::Answered, kept(1, now), now, 0),
            next(now + 2_880, false)
        );
        now += 2_880;
        schedule.take(now);
        assert_eq!(
            schedule.settle("a", AttemptOutcome::Failed, kept(1, now - 2_880), now, 0),
            next(now + 5, false)
        );
    }

    #[test]
    fn a_person_is_told_once_and_a_login_begins_anew() {
        let mut schedule = of(NOTHING);
        schedule.take(0);
        assert_eq!(schedule.settle("a", AttemptOutcome::NeedsPerson, NOTHING, 0, 0), next(None, true));
        assert_eq!(look(&mut schedule, NOTHING, 300), Changes::default());
        assert!(schedule.take(HOUR * 24).is_empty(), "nobody has logged in");
        assert_eq!((schedule.told(), schedule.count(300)), (1, (1, 0)));
        let changes = look(&mut schedule, kept(1, 600), 600);
        assert_eq!((changes.changed.as_slice(), schedule.told()), (["a".to_owned()].as_slice(), 0));
        assert_eq!(schedule.next(), Some((600 + 2_880, "a")));
        assert_eq!(schedule.count(600), (1, 1));
        schedule.take(3_480);
        assert_eq!(
            schedule.settle("a", AttemptOutcome::NeedsPerson, kept(1, 600), 3_480, 0),
            next(None, true)
        );
    }

    #[test]
    fn a_refusal_is_told_once_and_tried_hourly() {
        let mut schedule = of(NOTHING);
        for (now, notify) in [(0, true), (HOUR, false), (2 * HOUR, false)] {
            assert_eq!(schedule.take(now), ["a"]);
            let refused = schedule.settle("a", AttemptOutcome::Refused, NOTHING, now, 0);
            assert_eq!(refused, next(now + HOUR, notify));
            assert!(schedule.take(now + HOUR - 1).is_empty());
        }
        schedule.take(3 * HOUR);
        schedule.settle("a", AttemptOutcome::Failed, NOTHING, 3 * HOUR, 0);
        schedule.take(3 * HOUR + 5);
        assert!(
            !schedule.settle("a", AttemptOutcome::Refused, NOTHING, 3 * HOUR + 5, 0).notify,
            "still the same state"
        );
        schedule.try_again(3 * HOUR + 6);
        assert_eq!(schedule.take(3 * HOUR + 6), ["a"]);
        assert!(
            schedule.settle("a", AttemptOutcome::Refused, NOTHING, 3 * HOUR + 6, 0).notify,
            "somebody wants to know"
        );
    }

    #[test]
    fn try_again_is_for_what_went_wrong_alone() {
        let mut schedule = of(kept(1, 0));
        schedule.try_again(7);
        assert_eq!(schedule.next(), Some((2_880, "a")));
        schedule.take(2_880);
        schedule.try_again(2_880);
        assert_eq!(schedule.next(), None, "under way");
        schedule.settle("a", AttemptOutcome::NeedsPerson, kept(1, 0), 2_881, 0);
        schedule.try_again(2_900);
        assert_eq!(schedule.next(), Some((2_900, "a")));
    }

    #[test]
    fn a_look_takes_over_what_others_did_and_leaves_alone_what_is_under_way() {
        let mut schedule = of(kept(1, 0));
        assert_eq!(look(&mut schedule, kept(2, 100), 200).changed, ["a"]);
        assert_eq!(schedule.take(2_980), ["a"]);
        assert_eq!(look(&mut schedule, kept(3, 2_990), 2_990), Changes::default());
        assert_eq!(
            schedule.settle("a", AttemptOutcome::Failed, kept(3, 2_990), 2_991, 0),
            next(2_996, false)
        );
        let changes = schedule.look([("b".to_owned(), NOTHING)], 2_992);
        assert_eq!((changes.added, changes.gone), (vec!["b".to_owned()], vec!["a".to_owned()]));
        assert_eq!(
            schedule.settle("a", AttemptOutcome::Answered, kept(4, 0), 2_993, 0),
            next(None, false),
            "gone"
        );
    }

    #[test]
    fn whoever_is_nearly_due_comes_along_but_no_pause_is_cut_short() {
        let mut schedule = Schedule::new(HOUR);
        let short = |issued| CredentialSnapshot {
            mark: 1,
            life: Some(Lifetime { issued_at: Some(issued), expires_at: Some(issued + 10) }),
        };
        let all = [("due", kept(1, 0)), ("soon", kept(1, 5)), ("later", kept(1, 7)), ("short", short(2_873))];
        schedule.look(all.map(|(id, seen)| (id.to_owned(), seen)), 0);
        assert!(schedule.take(2_879).is_empty());
        assert_eq!(schedule.take(2_880), ["due", "soon"]);
        for id in ["due", "soon"] {
            schedule.settle(id, AttemptOutcome::Failed, kept(1, 0), 2_880, 0);
        }
        assert_eq!(schedule.take(2_881), ["short"]);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_make_a_pause_last() {
        let mut schedule = of(NOTHING);
        schedule.take(0);
        schedule.settle("a", AttemptOutcome::Failed, NOTHING, 100_000, 0);
        assert_eq!(schedule.take(50_000), ["a"]);
    }
}
