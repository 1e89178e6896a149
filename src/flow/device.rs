//! The device grant from start to end (RFC 8628): request a code, show it, poll until the user has entered it. Not
//! here: locking between several logins and storing the token (see `vault`).

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::credential::AuthorizationCodeConfig;
use crate::flow::FlowError;
use crate::flow::discovery::{DeviceEndpoints, device_endpoints};
use crate::flow::login::{Login, scope};
use crate::flow::token_endpoint::{self, RetryPolicy, own_headers};
use crate::oauth::{
    DeviceAuthorization, DeviceRequest, Grant, OAuthClient, Pace, Poll, ReplyError, TokenSet,
};
use crate::secret::Secret;
use crate::sys::clock;
use crate::sys::http::HttpError;

/// The errors of the device authorization endpoint if this client may not use it: the first two by RFC 6749, the
/// third as seen in practice.
const NOT_FOR_THIS_CLIENT: [&str; 3] =
    ["unauthorized_client", "unsupported_grant_type", "device_flow_disabled"];

/// Logs the user in with a code on another device and returns the token.
pub async fn log_in_by_device(
    login: &Login<'_>,
    client: &OAuthClient,
    person: &AuthorizationCodeConfig,
) -> Result<TokenSet, FlowError> {
    let provider = &person.provider;
    let endpoints = device_endpoints(login.http, provider).await?;
    let (device, verifier) = authorize(login, client, person, &endpoints).await?;
    let code_ends = device.expires_in.unwrap_or(login.within);
    let within = code_ends.min(login.within);
    login.ui.device(login.who, &device, within);
    let (http, url, reply) = (login.http, &endpoints.token, &provider.reply);
    let ask = || {
        let grant = Grant::DeviceCode { code: &device.device_code, verifier: verifier.as_ref() };
        token_endpoint::at_provider(http, url, client, provider, grant, reply)
    };
    let show = |left| login.ui.remaining(login.who, left);
    let token = poll(ask, Pace::new(device.interval), within, show).await?;
    token.ok_or(if code_ends < login.within { FlowError::CodeExpired } else { FlowError::TimedOut(within) })
}

/// Section 3.1. A repeated request is harmless: a code that nobody enters expires.
async fn authorize(
    login: &Login<'_>,
    client: &OAuthClient,
    person: &AuthorizationCodeConfig,
    endpoints: &DeviceEndpoints,
) -> Result<(DeviceAuthorization, Option<Secret>), FlowError> {
    let provider = &person.provider;
    let request = DeviceRequest {
        client,
        scope: scope(person),
        extra: provider.device_params.as_ref().unwrap_or(&provider.authorization_params),
        pkce: endpoints.pkce,
    };
    let (url, own) = (&endpoints.device, own_headers(provider));
    let mut patience = RetryPolicy::new(true);
    loop {
        let (written, verifier) = request.write(url.as_str(), clock::now()).unzip();
        match token_endpoint::ask(login.http, url, &own, written, DeviceAuthorization::read).await {
            (Err(error), asked) if patience.again(&error, asked).await => {}
            (Ok(device), _) => return Ok((device, verifier.flatten())),
            (Err(FlowError::Reply { reply, .. }), _) if is_not_for(&reply) => {
                let (provider, why) = (provider.display_name.clone(), Some(reply.to_string()));
                return Err(FlowError::NoDevice { provider, why });
            }
            (Err(error), _) => return Err(error),
        }
    }
}

/// Whether this client may not use the endpoint.
fn is_not_for(reply: &ReplyError) -> bool {
    matches!(reply, ReplyError::Refused { error, .. } if NOT_FOR_THIS_CLIENT.contains(&error.as_str()))
}

/// Polls for the token at the server's pace (section 3.5). `None` if the time is up; a request in flight is still
/// awaited, because the token may be in its answer.
async fn poll<Asked: Future<Output = Result<TokenSet, FlowError>>>(
    ask: impl Fn() -> Asked,
    mut pace: Pace,
    within: Duration,
    show: impl Fn(Duration),
) -> Result<Option<TokenSet>, FlowError> {
    let deadline = Instant::now() + within;
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let next = (Instant::now() + pace.wait()).min(deadline);
        loop {
            tokio::select! {
                biased;
                () = sleep_until(next) => break,
                _ = ticks.tick() => show(deadline.saturating_duration_since(Instant::now())),
            }
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        match ask().await {
            Ok(token) => return Ok(Some(token)),
            Err(error) => go_on(&mut pace, error)?,
        }
    }
}

/// Whether polling may continue after an answer without a token.
fn go_on(pace: &mut Pace, error: FlowError) -> Result<(), FlowError> {
    let (reply, host) = match error {
        FlowError::Reply { reply, host } => (reply, host),
        // The network recovers sooner than the user would start again.
        FlowError::Http(HttpError::Connect { .. } | HttpError::Lost { .. }) => {
            pace.back_off();
            return Ok(());
        }
        other => return Err(other),
    };
    match (pace.judge(&reply), reply) {
        (Poll::Again, _) => Ok(()),
        (Poll::Denied, ReplyError::Refused { error, description }) => {
            Err(FlowError::Denied { error, description })
        }
        (Poll::Expired, _) => Err(FlowError::CodeExpired),
        (Poll::Denied | Poll::Failed, reply) => Err(FlowError::Reply { host, reply }),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn reply(error: &str) -> FlowError {
        let reply = ReplyError::Refused { error: error.into(), description: None };
        FlowError::Reply { host: "idp.test".into(), reply }
    }

    fn lost() -> FlowError {
        HttpError::Lost { host: "idp.test".into(), cause: "the deadline passed".into() }.into()
    }

    fn unavailable() -> FlowError {
        FlowError::Reply {
            host: "idp.test".into(),
            reply: ReplyError::Unavailable { status: 503, said: None },
        }
    }

    fn token() -> TokenSet {
        TokenSet {
            access_token: Secret::new("t"),
            refresh_token: None,
            token_type: "Bearer".into(),
            scopes: Vec::new(),
            issued_at: None,
            expires_at: None,
        }
    }

    /// The seconds at which the server was polled, and the result. The time is simulated.
    async fn polled(
        answers: Vec<Result<TokenSet, FlowError>>,
        within: u64,
    ) -> (Vec<u64>, Result<Option<TokenSet>, FlowError>) {
        let began = Instant::now();
        let (asked, answers) = (RefCell::new(Vec::new()), RefCell::new(answers.into_iter()));
        let ask = || async {
            asked.borrow_mut().push(began.elapsed().as_secs());
            answers.borrow_mut().next().unwrap_or_else(|| Err(reply("authorization_pending")))
        };
        let pace = Pace::new(Duration::from_secs(5));
        let ended = poll(ask, pace, Duration::from_secs(within), |_| {}).await;
        (asked.into_inner(), ended)
    }

    #[tokio::test(start_paused = true)]
    async fn the_server_is_asked_at_its_own_pace_until_it_gives_a_token() {
        let pending = || Err(reply("authorization_pending"));
        let slow = || Err(reply("slow_down"));
        let cases = [
            (vec![Ok(token())], vec![5]),
            (vec![pending(), pending(), Ok(token())], vec![5, 10, 15]),
            (vec![slow(), pending(), slow(), Ok(token())], vec![5, 15, 25, 40]),
            (vec![Err(lost()), pending(), Err(unavailable()), Ok(token())], vec![5, 15, 25, 45]),
        ];
        for (answers, expected) in cases {
            let (asked, ended) = polled(answers, 300).await;
            assert_eq!(asked, expected);
            assert!(ended.unwrap().is_some());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_the_time_is_up_and_when_there_is_no_more_hope() {
        let (asked, ended) = polled(Vec::new(), 12).await;
        assert!(asked == [5, 10] && ended.unwrap().is_none(), "{asked:?}");
        let (_, ended) = polled(vec![Err(reply("access_denied"))], 300).await;
        assert!(matches!(ended, Err(FlowError::Denied { error, .. }) if error == "access_denied"));
        let (_, ended) = polled(vec![Err(reply("expired_token"))], 300).await;
        assert!(matches!(ended, Err(FlowError::CodeExpired)));
        let (_, ended) = polled(vec![Err(reply("invalid_grant"))], 300).await;
        assert!(matches!(ended, Err(FlowError::Reply { .. })));
        let (asked, ended) = polled(vec![Err(FlowError::Signing)], 300).await;
        assert!(asked == [5] && matches!(ended, Err(FlowError::Signing)));
    }
}
