//! The device grant (RFC 8628): the request for a code that is entered on another device, the server's answer, and
//! the polling interval. Not here: sending and waiting (see `flow`).

use std::collections::BTreeMap;
use std::time::Duration;

use oauth2::PkceCodeChallenge;
use serde_json::{Map, Value};
use url::Url;

use crate::oauth::reply::{members, refusal};
use crate::oauth::written::{WireRequest, WriteOptions};
use crate::oauth::{Epoch, OAuthClient, ReplyError, is_unavailable};
use crate::secret::Secret;
use crate::text::clean;

/// Section 3.2, for a server that sends no interval; also what `slow_down` adds (section 3.5).
const FIVE_SECONDS: Duration = Duration::from_secs(5);
/// The longest pause after failed polls.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest interval and lifetime that are accepted; a larger number is a mistake.
const A_DAY: f64 = 86_400.0;
/// The shortest of both, so that no server keeps us busy.
const SHORTEST: Duration = Duration::from_millis(10);
/// The longest user code that is shown, in characters.
const CODE_LIMIT: usize = 64;

/// The device authorization request (section 3.1). It is always a form.
#[derive(Clone, Debug)]
pub struct DeviceRequest<'a> {
    /// The client; authenticated as at the token endpoint.
    pub client: &'a OAuthClient,
    /// The scope parameter's name and value; the name is `scope` nearly everywhere.
    pub scope: Option<(&'a str, String)>,
    /// Further parameters that the provider requires.
    pub extra: &'a BTreeMap<String, String>,
    /// Whether to send a PKCE challenge, which some servers require here and the others must ignore.
    pub pkce: bool,
}

/// The server's answer (section 3.2).
#[derive(Clone, Debug)]
pub struct DeviceAuthorization {
    /// Redeemed at the token endpoint; never shown.
    pub device_code: Secret,
    /// What the user enters, cleaned.
    pub user_code: String,
    /// Where to enter it.
    pub verification_uri: Url,
    /// The same with the code in it.
    pub verification_uri_complete: Option<Url>,
    /// How long the codes are valid.
    pub expires_in: Option<Duration>,
    /// How long to wait between two polls.
    pub interval: Duration,
}

/// How long to wait before the next poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace(Duration);

/// The meaning of an answer without a token (section 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// Nobody has entered the code yet, or the server could not tell.
    Again,
    /// The user denied the request.
    Denied,
    /// The code has expired.
    Expired,
    /// Polling again will not help.
    Failed,
}

impl DeviceRequest<'_> {
    /// Writes the request, and returns the verifier that every poll must send. `audience` is the endpoint's address,
    /// for an assertion.
    ///
    /// # Errors
    /// `None` if the key cannot sign.
    pub fn write(&self, audience: &str, now: Epoch) -> Option<(WireRequest, Option<Secret>)> {
        let pkce = self.pkce.then(PkceCodeChallenge::new_random_sha256);
        let scope = self.scope.iter().map(|(name, value)| (*name, value.as_str()));
        let own = self.extra.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let challenge = pkce.iter().flat_map(|(challenge, _)| {
            [("code_challenge", challenge.as_str()), ("code_challenge_method", challenge.method().as_str())]
        });
        let extra = scope.chain(own).chain(challenge).collect();
        let written =
            WriteOptions { client: self.client, extra, json: false, audience, now }.write_plain()?;
        Some((written, pkce.map(|(_, verifier)| Secret::new(verifier.into_secret()))))
    }
}

impl DeviceAuthorization {
    /// Parses the answer. `sent` are the request's secrets: a server may repeat them in its error.
    pub fn read(status: u16, body: &[u8], sent: &[Secret]) -> Result<Self, ReplyError> {
        if is_unavailable(status) {
            return Err(ReplyError::Unavailable { status, said: None });
        }
        let unreadable = |why| ReplyError::Unreadable { status, why };
        let top =
            members(body, "").ok_or(unreadable("the body is neither a JSON object nor form-encoded"))?;
        if let Some(refused) = refusal(status, &top, sent) {
            return Err(refused);
        }
        if !(200..300).contains(&status) {
            return Err(unreadable("without an OAuth error in the body"));
        }
        Self::of(&top).ok_or(unreadable("without a device_code, a user_code and a verification_uri"))
    }

    fn of(top: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| top.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let page = |name: &str| {
            let url = Url::parse(text(name)?).ok()?;
            matches!(url.scheme(), "http" | "https").then_some(url)
        };
        Some(Self {
            device_code: Secret::new(text("device_code")?),
            user_code: Some(clean(text("user_code")?, CODE_LIMIT)).filter(|code| !code.is_empty())?,
            // An older spelling that is still in use.
            verification_uri: page("verification_uri").or_else(|| page("verification_url"))?,
            verification_uri_complete: page("verification_uri_complete"),
            expires_in: top.get("expires_in").and_then(seconds),
            interval: top.get("interval").and_then(seconds).unwrap_or(FIVE_SECONDS),
        })
    }
}

impl Pace {
    /// Begins with the server's interval.
    pub fn new(interval: Duration) -> Self {
        Self(interval)
    }

    /// How long to wait before the next poll.
    pub fn wait(self) -> Duration {
        self.0
    }

    /// The meaning of an error, and its effect on the interval.
    pub fn judge(&mut self, reply: &ReplyError) -> Poll {
        match reply {
            ReplyError::Refused { error, .. } => match error.as_str() {
                "authorization_pending" => Poll::Again,
                "slow_down" => {
                    self.0 = self.0.saturating_add(FIVE_SECONDS);
                    Poll::Again
                }
                "access_denied" | "authorization_declined" => Poll::Denied,
                "expired_token" => Poll::Expired,
                _ => Poll::Failed,
            },
            ReplyError::Unavailable { .. } => {
                self.back_off();
                Poll::Again
            }
            ReplyError::Unreadable { .. } | ReplyError::TokenType(_) => Poll::Failed,
        }
    }

    /// No answer came: section 3.5 asks for fewer polls then, and suggests twice the pause.
    pub fn back_off(&mut self) {
        self.0 = self.0.max((self.0 * 2).min(LONGEST_PAUSE));
    }
}

/// A time as a number, or as a string as some servers send it. Zero and less count as absent: an interval of 0 would
/// be an attack on the server.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (seconds > 0.0 && seconds <= A_DAY).then(|| Duration::from_secs_f64(seconds).max(SHORTEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::ClientAuth;
    use oauth2::http::header::AUTHORIZATION;
    use proptest::prelude::*;

    fn read(body: &str) -> Result<DeviceAuthorization, ReplyError> {
        DeviceAuthorization::read(200, body.as_bytes(), &[])
    }

    #[test]
    fn answers_are_read_in_every_form_servers_send() {
        let with = |more: &str| {
            format!(
                r#"{{"device_code":"d","user_code":"AB-CD","verification_uri":"https://idp.test/d"{more}}}"#
            )
        };
        let cases = [
            (with(r#","expires_in":120"#), Some(120.0), 5.0, None),
            (with(r#","expires_in":"900","interval":"7""#), Some(900.0), 7.0, None),
            (with(r#","interval":0"#), None, 5.0, None),
            (with(r#","interval":-1,"expires_in":1e9"#), None, 5.0, None),
            (with(r#","interval":0.25"#), None, 0.25, None),
            (
                with(r#","verification_uri_complete":"https://idp.test/d?c=AB-CD""#),
                None,
                5.0,
                Some("https://idp.test/d?c=AB-CD"),
            ),
            (with(r#","verification_uri_complete":"javascript:alert(1)""#), None, 5.0, None),
            (
                "device_code=d&user_code=AB-CD&verification_url=https%3A%2F%2Fidp.test%2Fd".into(),
                None,
                5.0,
                None,
            ),
        ];
        for (body, expires, interval, complete) in cases {
            let found = read(&body).unwrap();
            assert_eq!(
                (found.device_code.expose(), found.user_code.as_str(), found.verification_uri.as_str()),
                ("d", "AB-CD", "https://idp.test/d"),
                "{body}"
            );
            assert_eq!(found.expires_in, expires.map(Duration::from_secs_f64), "{body}");
            assert_eq!(found.interval, Duration::from_secs_f64(interval), "{body}");
            assert_eq!(found.verification_uri_complete.as_ref().map(Url::as_str), complete, "{body}");
        }
    }

    #[test]
    fn what_is_no_answer_is_said_without_its_secrets() {
        let sent = Secret::new("hunter22-hunter22");
        let body = br#"{"error":"invalid_client","error_description":"not hunter22-hunter22"}"#;
        let error =
            DeviceAuthorization::read(401, body, std::slice::from_ref(&sent)).unwrap_err().to_string();
        assert!(error.starts_with("invalid_client: not") && !error.contains("hunter22"), "{error}");
        for (status, body) in [
            (200, "<html>"),
            (200, r#"{"device_code":"d","user_code":"","verification_uri":"https://idp.test"}"#),
            (200, r#"{"device_code":"d","user_code":"c","verification_uri":"file:///etc/passwd"}"#),
            (200, r#"{"user_code":"c","verification_uri":"https://idp.test"}"#),
            (404, "{}"),
        ] {
            let found = DeviceAuthorization::read(status, body.as_bytes(), &[]);
            assert!(matches!(found, Err(ReplyError::Unreadable { .. })), "{body}");
        }
        let down = DeviceAuthorization::read(503, b"", &[]);
        assert_eq!(down.unwrap_err(), ReplyError::Unavailable { status: 503, said: None });
        let odd = read(
            "{\"device_code\":\"d\",\"user_code\":\"a\\u001b[31mb\",\"verification_uri\":\"https://x.test\"}",
        );
        assert_eq!(odd.unwrap().user_code, "a [31mb");
    }

    #[test]
    fn the_pace_is_the_servers() {
        let refused = |error: &str| ReplyError::Refused { error: error.into(), description: None };
        let unreadable = ReplyError::Unreadable { status: 200, why: "" };
        let cases = [
            (refused("authorization_pending"), Poll::Again, 5),
            (refused("slow_down"), Poll::Again, 10),
            (refused("access_denied"), Poll::Denied, 5),
            (refused("authorization_declined"), Poll::Denied, 5),
            (refused("expired_token"), Poll::Expired, 5),
            (refused("invalid_grant"), Poll::Failed, 5),
            (ReplyError::Unavailable { status: 503, said: None }, Poll::Again, 10),
            (unreadable, Poll::Failed, 5),
        ];
        for (reply, expected, wait) in cases {
            let mut pace = Pace::new(FIVE_SECONDS);
            assert_eq!((pace.judge(&reply), pace.wait()), (expected, Duration::from_secs(wait)), "{reply}");
        }
        let mut pace = Pace::new(FIVE_SECONDS);
        (0..9).for_each(|_| pace.back_off());
        assert_eq!(pace.wait(), LONGEST_PAUSE);
        let mut slow = Pace::new(LONGEST_PAUSE * 3);
        slow.back_off();
        assert_eq!(slow.wait(), LONGEST_PAUSE * 3, "a server that wants more gets more");
    }

    #[test]
    fn the_request_authenticates_like_a_token_request() {
        let extra = BTreeMap::from([("audience".to_owned(), "a".to_owned())]);
        let write = |auth, pkce| {
            let client = OAuthClient { id: "c".into(), auth };
            DeviceRequest { client: &client, scope: Some(("scope", "a b".into())), extra: &extra, pkce }
                .write("https://idp.test/d", 0)
                .unwrap()
        };
        let (public, verifier) = write(ClientAuth::None, false);
        assert_eq!((public.body.expose(), verifier), ("client_id=c&scope=a+b&audience=a", None));
        let (post, _) = write(ClientAuth::SecretPost(Secret::new("s")), false);
        assert_eq!(post.body.expose(), "client_id=c&client_secret=s&scope=a+b&audience=a");
        let (basic, verifier) = write(ClientAuth::SecretBasic(Secret::new("s")), true);
        assert!(basic.headers.contains_key(AUTHORIZATION));
        assert!(basic.body.expose().starts_with("scope=a+b&audience=a&code_challenge="));
        assert!(basic.body.expose().ends_with("&code_challenge_method=S256"));
        assert!(verifier.unwrap().expose().len() >= 43);
    }

    proptest! {
        #[test]
        fn no_body_panics(status in 100u16..600, body in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = DeviceAuthorization::read(status, &body, &[]);
        }

        #[test]
        fn no_answer_shows_control_characters(code in ".{0,100}", uri in ".{0,60}", interval in any::<f64>()) {
            let body = serde_json::json!({"device_code": "d", "user_code": code, "verification_uri": format!("https://idp.test/{uri}"), "interval": interval});
            if let Ok(found) = DeviceAuthorization::read(200, body.to_string().as_bytes(), &[]) {
                prop_assert!(!found.user_code.chars().any(char::is_control));
                prop_assert!(!found.verification_uri.as_str().chars().any(char::is_control));
                prop_assert!(found.interval >= SHORTEST);
            }
        }
    }
}
