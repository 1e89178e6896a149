//! A day of the service in simulated time: hundreds of credentials of every length of life, providers that go away and
//! come back, hang, repeat themselves, or stop taking a refresh token; other programs that renew behind our back.
//! It leaves the real network to `tests/refresh.rs`.

use std::collections::BTreeMap;

use crate::refresh::{AttemptOutcome, CredentialSnapshot, Epoch, Lifetime, Schedule};

const DAY: Epoch = 86_400;
const LOOK: Epoch = 300;
const BUFFER: Epoch = 3_600;
const CREDENTIALS: usize = 200;
const LIVES: [Option<Epoch>; 8] =
    [Some(90), Some(300), Some(900), Some(3_600), Some(7_200), Some(28_800), Some(DAY), None];
/// A request to a server that is there takes at most so long; one to a server that hangs is given up after so long.
const LATENCY: Epoch = 3;
const TIMEOUT: Epoch = 30;
/// Within so many seconds before a token's end there is always an attempt, whatever happened before.
const LAST_ATTEMPT: Epoch = 8;

/// SplitMix64: the same seed, the same day.
struct Random(u64);

struct SimulatedProvider {
    /// When it is away.
    outages: Vec<(Epoch, Epoch)>,
    /// It does not refuse while it is away, it says nothing.
    hangs: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    /// A new token for every request.
    Plain,
    /// The same token until a tenth of its life is left.
    Repeats,
    /// By refresh token, which dies now and then; then somebody logs in, hours later.
    Person,
}

struct SimulatedCredential {
    provider: usize,
    manner: Behaviour,
    life: Option<Epoch>,
    kept: CredentialSnapshot,
    /// When the refresh token stops being taken.
    dies: Vec<Epoch>,
    dead: bool,
    /// When the person logs in, who has been told.
    login: Option<Epoch>,
    attempts: Vec<Epoch>,
}

/// What came of a day.
#[derive(Debug, Default, PartialEq, Eq)]
struct DayTotals {
    attempts: usize,
    renewed: usize,
    unmoved: usize,
    failed: usize,
    told: usize,
    gaps: usize,
    busiest_hour: usize,
    wakes: usize,
}

struct Day {
    random: Random,
    providers: Vec<SimulatedProvider>,
    credentials: BTreeMap<String, SimulatedCredential>,
    schedule: Schedule,
    /// What is under way, by the time and the order in which it ends.
    ends: BTreeMap<(Epoch, usize), (String, AttemptOutcome, CredentialSnapshot)>,
    tally: DayTotals,
}

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: Epoch) -> Epoch {
        (self.next() % bound as u64) as Epoch
    }
}

impl SimulatedProvider {
    fn random(random: &mut Random) -> Self {
        let mut outages = Vec::new();
        let mut at = random.below(4 * 3_600);
        while at < DAY {
            let long = if random.below(4) == 0 { random.below(3 * 3_600) } else { random.below(240) };
            outages.push((at, at + long + 1));
            at += long + 1 + random.below(6 * 3_600);
        }
        Self { outages, hangs: random.below(3) == 0 }
    }

    fn is_up(&self, now: Epoch) -> bool {
        self.outages.iter().all(|(from, to)| !(*from..*to).contains(&now))
    }

    /// Whether it was there all the time before `end` that an attempt needs to come in time: the first one, which may come
    /// a little early for company, or the last one.
    fn was_up_before(&self, end: Epoch, margin: Epoch) -> bool {
        let window = LAST_ATTEMPT + LATENCY + if self.hangs { TIMEOUT } else { 0 };
        let window = window.min(margin + margin / 4);
        self.outages.iter().all(|(from, to)| *to <= end - window || *from >= end)
    }
}

impl SimulatedCredential {
    fn random(random: &mut Random, provider: usize) -> Self {
        let life = LIVES[random.below(LIVES.len() as Epoch) as usize];
        let manner = match random.below(5) {
            0 if life.is_some_and(|life| life >= 300) => Behaviour::Repeats,
            1 => Behaviour::Person,
            _ => Behaviour::Plain,
        };
        let age = random.below(life.unwrap_or(DAY));
        let kept = if random.below(5) == 0 && manner != Behaviour::Person {
            CredentialSnapshot { mark: 0, life: None }
        } else {
            token(random, -age, life)
        };
        let mut dies: Vec<Epoch> = (0..random.below(3)).map(|_| random.below(DAY)).collect();
        dies.sort_unstable();
        let dies = if manner == Behaviour::Person { dies } else { Vec::new() };
        Self { provider, manner, life, kept, dies, dead: false, login: None, attempts: Vec::new() }
    }

    fn end(&self) -> Option<Epoch> {
        self.kept.life?.expires_at
    }

    /// How many more attempts there were in its busiest hour than its plan alone asks for.
    fn beyond_plan(&self) -> usize {
        let from = |n: usize| &self.attempts[n..];
        let within = |n| from(n).partition_point(|at| *at < self.attempts[n] + 3_600);
        let most = (0..self.attempts.len()).map(within).max().unwrap_or(0);
        let life = self.life.unwrap_or(DAY);
        most.saturating_sub((3_600 / (life - life / 5 - 5)) as usize + 1)
    }
}

fn token(random: &mut Random, at: Epoch, life: Option<Epoch>) -> CredentialSnapshot {
    let life = Lifetime { issued_at: Some(at), expires_at: life.map(|life| at + life) };
    CredentialSnapshot { mark: random.next(), life: Some(life) }
}

impl Day {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let providers: Vec<SimulatedProvider> =
            (0..12).map(|_| SimulatedProvider::random(&mut random)).collect();
        let of =
            |n| (format!("credential-{n}"), SimulatedCredential::random(&mut random, n % providers.len()));
        let credentials = (0..CREDENTIALS).map(of).collect();
        let (schedule, ends, tally) = (Schedule::new(BUFFER), BTreeMap::new(), DayTotals::default());
        Self { random, providers, credentials, schedule, ends, tally }
    }

    /// As the service does: sleep until the next look, attempt or answer, whichever is first.
    fn run(mut self, until: Epoch) -> DayTotals {
        let mut looks = 0;
        loop {
            let next = [self.schedule.next().map(|(at, _)| at), self.ends.keys().next().map(|(at, _)| *at)];
            let now = next.into_iter().flatten().chain([looks]).min().unwrap();
            if now >= until {
                break;
            }
            self.tally.wakes += 1;
            while let Some(entry) = self.ends.first_entry().filter(|entry| entry.key().0 <= now) {
                let (id, outcome, seen) = entry.remove();
                self.settle(&id, outcome, seen, now);
            }
            if now >= looks {
                self.others(now);
                let all: Vec<_> = self.credentials.iter().map(|(id, one)| (id.clone(), one.kept)).collect();
                self.schedule.look(all, now);
                looks = now + LOOK;
            }
            for id in self.schedule.take(now) {
                self.attempt(id, now);
            }
        }
        self.credentials.values().for_each(|one| self.providers[one.provider].forgives(one, until));
        self.tally.busiest_hour =
            self.credentials.values().map(SimulatedCredential::beyond_plan).max().unwrap();
        self.tally
    }

    /// What happens without us: people log in, other programs renew, refresh tokens die.
    fn others(&mut self, now: Epoch) {
        for one in self.credentials.values_mut() {
            if one.login.is_some_and(|at| at <= now) {
                (one.login, one.dead, one.kept) = (None, false, token(&mut self.random, now, one.life));
            }
            if one.dies.first().is_some_and(|at| *at <= now) {
                one.dies.remove(0);
                one.dead = one.login.is_none();
            }
            let renews = self.random.below(100) == 0 && one.manner == Behaviour::Plain;
            if renews && one.kept.life.is_some_and(|life| life.is_good(now)) {
                one.kept = token(&mut self.random, now, one.life);
            }
        }
    }

    fn attempt(&mut self, id: String, now: Epoch) {
        let one = self.credentials.get_mut(&id).unwrap();
        assert!(one.login.is_none(), "{id}: a person has been told, and has not logged in");
        one.attempts.push(now);
        let provider = &self.providers[one.provider];
        let (takes, outcome, seen) = if !provider.is_up(now) {
            (if provider.hangs { TIMEOUT } else { 0 }, AttemptOutcome::Failed, one.kept)
        } else if one.dead {
            (self.random.below(LATENCY), AttemptOutcome::NeedsPerson, one.kept)
        } else {
            let life = one.life.unwrap_or(DAY);
            let repeats =
                one.manner == Behaviour::Repeats && one.end().is_some_and(|end| end - now > life / 10);
            let seen = if repeats { one.kept } else { token(&mut self.random, now, one.life) };
            (self.random.below(LATENCY), AttemptOutcome::Answered, seen)
        };
        self.ends.insert((now + takes, self.tally.attempts), (id, outcome, seen));
        self.tally.attempts += 1;
    }

    fn settle(&mut self, id: &str, outcome: AttemptOutcome, seen: CredentialSnapshot, now: Epoch) {
        let one = self.credentials.get_mut(id).unwrap();
        let provider = &self.providers[one.provider];
        let seen = if outcome == AttemptOutcome::Answered { seen } else { one.kept };
        match outcome {
            AttemptOutcome::Answered if seen == one.kept => self.tally.unmoved += 1,
            AttemptOutcome::Answered => {
                self.tally.renewed += 1;
                self.tally.gaps += usize::from(one.end().is_some_and(|end| end < now));
                provider.forgives(one, now);
            }
            _ => self.tally.failed += 1,
        }
        one.kept = seen;
        let jitter = self.random.below(1_001) as u16;
        let next = self.schedule.settle(id, outcome, seen, now, jitter);
        assert_eq!(next.notify, outcome == AttemptOutcome::NeedsPerson, "{id}: told once in each such state");
        assert!(next.at.is_none_or(|at| at > now), "{id}: never at once");
        if next.notify {
            self.tally.told += 1;
            one.login = Some(now + 600 + self.random.below(3 * 3_600));
        }
    }
}

impl SimulatedProvider {
    /// A gap before `now` is nobody's fault but the provider's: it was away when the last attempts were made. (A day that
    /// begins within a token's margin is excused, too.)
    fn forgives(&self, one: &SimulatedCredential, now: Epoch) {
        let Some((end, life)) = one.end().zip(one.kept.life) else { return };
        let excused = one.dead || one.login.is_some() || end >= now || end < life.margin(BUFFER);
        assert!(
            excused || !self.was_up_before(end, life.margin(BUFFER)),
            "a gap from {end} to {now}: {life:?}"
        );
    }
}

#[test]
fn a_day_without_a_needless_gap_and_without_hammering() {
    let tally = Day::new(2026).run(DAY);
    assert!(tally.renewed > 10_000 && tally.failed > 2_000 && tally.unmoved > 1_000, "{tally:?}");
    assert!(tally.told > 15 && tally.gaps > 100, "the day was too easy: {tally:?}");
    assert!(tally.busiest_hour <= 80, "{tally:?}");
    assert!(tally.wakes <= 2 * tally.attempts, "{tally:?}");
}

#[test]
fn the_same_seed_gives_the_same_day() {
    let morning = |seed| Day::new(seed).run(DAY / 8);
    assert_eq!(morning(7), morning(7));
    assert_ne!(morning(7), morning(8));
}
