//! One token for many requests, and the effect of a rejection.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use super::retry::Once;
use super::{Got, SingleFlight, Supply, TokenSource};

/// Returns the next of these at each call, and records the calls.
struct ScriptedTokens {
    answers: Mutex<Vec<Result<(u8, bool), &'static str>>>,
    asked: Mutex<Vec<Option<u8>>>,
    /// How long a token is used without another request.
    good: Duration,
    flight: SingleFlight<u8, &'static str>,
}

const LONG: Duration = Duration::from_secs(3600);

impl ScriptedTokens {
    fn new(good: Duration, answers: &[Result<(u8, bool), &'static str>]) -> Self {
        let answers = Mutex::new(answers.iter().rev().copied().collect());
        Self { answers, asked: Mutex::default(), good, flight: SingleFlight::default() }
    }

    fn asked(&self) -> Vec<Option<u8>> {
        self.asked.lock().unwrap().clone()
    }
}

impl Supply for ScriptedTokens {
    type Token = u8;
    type No = &'static str;

    const PAUSE: Duration = LONG;

    fn is_good(&self, _: &u8, age: Duration) -> bool {
        age < self.good
    }

    fn is_same(&self, a: &u8, b: &u8) -> bool {
        a == b
    }

    async fn get(&self, refused: Option<&u8>) -> Result<Got<u8>, &'static str> {
        self.asked.lock().unwrap().push(refused.copied());
        // Other callers have time to join.
        tokio::task::yield_now().await;
        let next = self.answers.lock().unwrap().pop().unwrap();
        next.map(|(token, is_new)| Got { token, is_new })
    }
}

impl TokenSource for ScriptedTokens {
    type Token = u8;
    type No = &'static str;

    async fn current(&self) -> Result<Arc<u8>, &'static str> {
        self.flight.current(self).await
    }

    async fn replace(&self, refused: &u8) -> Result<Option<Arc<u8>>, &'static str> {
        self.flight.replace(self, refused).await
    }
}

/// The tokens sent to a server that accepts only these, and whether it accepted the last.
async fn send(source: &ScriptedTokens, takes: &[u8]) -> Result<(Vec<u8>, bool), &'static str> {
    let mut turn = Once::begin(source).await?;
    let mut sent = Vec::new();
    loop {
        let token = **turn.token();
        sent.push(token);
        let taken = takes.contains(&token);
        if taken || !turn.again().await? {
            return Ok((sent, taken));
        }
    }
}

#[tokio::test]
async fn many_requests_ask_once() {
    let source = ScriptedTokens::new(LONG, &[Ok((1, false)), Ok((2, true))]);
    let all = [(); 5].map(|()| source.current());
    assert!(futures_util::future::join_all(all).await.iter().all(|token| token.as_deref() == Ok(&1)));
    let all = [(); 5].map(|()| source.replace(&1));
    let all = futures_util::future::join_all(all).await;
    assert!(all.iter().all(|token| token.as_ref().unwrap().as_deref() == Some(&2)));
    assert_eq!(source.asked(), [None, Some(1)]);
}

#[tokio::test]
async fn a_refused_token_is_replaced_and_the_request_sent_once_more() {
    let source = ScriptedTokens::new(LONG, &[Ok((1, false)), Ok((2, true))]);
    assert_eq!(send(&source, &[2]).await, Ok((vec![1, 2], true)));
    assert_eq!(send(&source, &[2]).await, Ok((vec![2], true)));
    assert_eq!(source.asked(), [None, Some(1)]);
}

#[tokio::test]
async fn a_server_that_refuses_new_tokens_too_gets_no_more_of_them() {
    let source = ScriptedTokens::new(LONG, &[Ok((1, false)), Ok((2, true))]);
    for sent in [vec![1, 2], vec![2], vec![2]] {
        assert_eq!(send(&source, &[]).await, Ok((sent, false)));
    }
    assert_eq!(source.asked(), [None, Some(1)]);
    // One that was new at the first is not replaced either.
    let source = ScriptedTokens::new(LONG, &[Ok((1, true))]);
    assert_eq!(send(&source, &[]).await, Ok((vec![1], false)));
    assert_eq!(source.asked(), [None]);
}

#[tokio::test]
async fn what_was_just_got_is_looked_at_again_but_not_replaced() {
    let answers = [Ok((1, false)), Ok((2, true)), Ok((2, false)), Ok((3, false))];
    let source = ScriptedTokens::new(Duration::ZERO, &answers);
    assert_eq!(source.current().await.as_deref(), Ok(&1));
    assert_eq!(source.replace(&1).await.unwrap().as_deref(), Some(&2));
    assert_eq!(source.replace(&2).await, Ok(None));
    // It expired, or another process replaced it.
    assert_eq!(source.replace(&2).await.unwrap().as_deref(), Some(&3));
    assert_eq!(source.asked(), [None, Some(1), None, None]);
}

#[tokio::test]
async fn a_late_refusal_of_an_older_token_replaces_nothing() {
    for good in [LONG, Duration::ZERO] {
        let source = ScriptedTokens::new(good, &[Ok((2, false)), Ok((2, false))]);
        source.current().await.unwrap();
        assert_eq!(source.replace(&1).await.unwrap().as_deref(), Some(&2));
        assert!(source.asked().iter().all(Option::is_none));
    }
}

#[tokio::test]
async fn a_failure_stands_for_a_while() {
    let source = ScriptedTokens::new(LONG, &[Err("no"), Ok((1, false))]);
    for _ in 0..3 {
        assert_eq!(source.current().await, Err("no"));
    }
    assert_eq!(source.asked(), [None]);
    // A token that could not be replaced is still valid for other requests.
    let source = ScriptedTokens::new(LONG, &[Ok((1, false)), Err("no"), Ok((2, true))]);
    for sent in [1, 1] {
        assert_eq!(source.current().await.as_deref(), Ok(&sent));
        assert_eq!(source.replace(&1).await, Err("no"));
    }
    assert_eq!(source.asked(), [None, Some(1)]);
}
