//! A request for a token: by the token endpoint's form (RFC 8693 section 2.1) or
//! by the registry's JSON. Not here: whether the caller is allowed it (see `judge`).

use hashbrown::HashSet;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::gateway::refusal::Rejection;
use crate::oauth::{ACCESS_TOKEN_TYPE, TOKEN_EXCHANGE};
use crate::policy::Detail;
use crate::text::{clean, is_all_plain};

/// What is requested.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Asked {
    /// The scopes; all of the owner's if none are named.
    pub(super) scopes: Vec<String>,
    /// Servers, methods and tools (RFC 9396).
    pub(super) details: Option<Vec<Detail>>,
    /// Where the token will be used (RFC 8707); everywhere if none is named.
    pub(super) resources: Vec<String>,
    /// The agent it is for.
    pub(super) agent: Option<String>,
    pub(super) description: Option<String>,
    /// Its lifetime, in seconds.
    pub(super) seconds: Option<i64>,
}

/// An exchange, with its subject token.
#[derive(Debug, PartialEq)]
pub(super) struct ExchangeRequest {
    pub(super) subject_token: String,
    pub(super) asked: Asked,
}

/// The registry's request, with further members of ours. Any other member is an error: a limit that is ignored would not
/// limit.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registrys {
    requested_scopes: Option<Vec<String>>,
    expires_in_hours: Option<f64>,
    description: Option<String>,
    agent: Option<String>,
    resource: Option<OneOrMore>,
    authorization_details: Option<Vec<Detail>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// The other name of an access token that is a JWT (RFC 8693 section 3).
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// Parameters that may occur more than once (RFC 8693 section 2.1).
const REPEATED: [&str; 2] = ["resource", "audience"];
/// The longest token, in seconds.
pub(super) const LONGEST: i64 = 24 * HOUR;
const HOUR: i64 = 3600;
/// The longest name of an agent and the longest description, in bytes.
const LONGEST_NAME: usize = 200;
/// The most elements of `authorization_details`, scopes and resources.
const MOST: usize = 100;

/// An invalid request.
pub(super) fn invalid(what: impl Into<String>) -> Rejection {
    Rejection::NotVended("invalid_request", what.into())
}

impl ExchangeRequest {
    /// Reads the token endpoint's form. Unknown parameters are ignored (RFC 6749 section 3.2).
    ///
    /// # Errors
    /// [`Rejection::NotVended`].
    pub(super) fn read(form: &[u8]) -> Result<Self, Rejection> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(form).into_owned().collect();
        for (place, (name, _)) in pairs.iter().enumerate() {
            let before = pairs.get(..place).unwrap_or_default();
            if !REPEATED.contains(&name.as_str()) && before.iter().any(|(other, _)| other == name) {
                return Err(invalid(format!("{} occurs more than once", clean(name, LONGEST_NAME))));
            }
        }
        // A parameter without a value counts as absent (RFC 6749 section 3.2).
        let all = |name: &'static str| {
            let its = pairs.iter().filter(move |(other, value)| other == name && !value.is_empty());
            its.map(|(_, value)| value.clone())
        };
        let one = |name: &'static str| all(name).next();
        if one("grant_type").as_deref() != Some(TOKEN_EXCHANGE) {
            let what = format!("grant_type must be {TOKEN_EXCHANGE}");
            return Err(Rejection::NotVended("unsupported_grant_type", what));
        }
        let is_known =
            |kind: Option<String>| kind.is_none_or(|kind| kind == ACCESS_TOKEN_TYPE || kind == JWT);
        if one("subject_token_type").is_none() || !is_known(one("subject_token_type")) {
            return Err(invalid(format!("subject_token_type must be {ACCESS_TOKEN_TYPE}")));
        }
        if !is_known(one("requested_token_type")) {
            return Err(invalid(format!("requested_token_type must be {ACCESS_TOKEN_TYPE}")));
        }
        if one("actor_token").is_some() || one("actor_token_type").is_some() {
            return Err(invalid("actor_token is not accepted; name the agent with agent=NAME"));
        }
        let subject_token = one("subject_token").ok_or_else(|| invalid("subject_token is missing"))?;
        let asked = Asked {
            scopes: one("scope").map(|scope| words(&scope)).unwrap_or_default(),
            details: one("authorization_details").map(|text| details(&text)).transpose()?,
            resources: REPEATED.into_iter().flat_map(all).collect(),
            agent: one("agent"),
            description: one("description"),
            seconds: one("expires_in").map(|text| seconds(&text)).transpose()?,
        };
        Ok(Self { subject_token, asked: asked.check()? })
    }
}

impl Asked {
    /// Reads the registry's JSON.
    ///
    /// # Errors
    /// [`Rejection::NotVended`].
    pub(super) fn read(members: Map<String, Value>) -> Result<Self, Rejection> {
        let asked: Registrys = serde_json::from_value(members.into()).map_err(|error| {
            // Its text repeats names of members, which come from the client.
            let what = clean(&error.to_string(), LONGEST_NAME);
            invalid(what)
        })?;
        let resources = match asked.resource {
            None => Vec::new(),
            Some(OneOrMore::One(one)) => vec![one],
            // A limit to nothing is not the same as no limit.
            Some(OneOrMore::More(more)) if more.is_empty() => return Err(invalid("resource is empty")),
            Some(OneOrMore::More(more)) => more,
        };
        let hours = |hours: f64| {
            let seconds = (hours * HOUR as f64).floor();
            // A value that is not a number is out of range too.
            let is_time = (1.0..=LONGEST as f64).contains(&seconds);
            is_time
                .then_some(seconds as i64)
                .ok_or_else(|| invalid("expires_in_hours must be a time from a second to 24 hours"))
        };
        Self {
            scopes: asked.requested_scopes.unwrap_or_default(),
            details: asked.authorization_details,
            resources,
            agent: asked.agent,
            description: asked.description,
            seconds: asked.expires_in_hours.map(hours).transpose()?,
        }
        .check()
    }

    /// What is stored and shown must be printable and short. A blank text counts as absent.
    fn check(mut self) -> Result<Self, Rejection> {
        for text in [&mut self.agent, &mut self.description] {
            *text = text.take().filter(|text| !text.trim().is_empty());
        }
        let mut met = HashSet::new();
        self.scopes.retain(|scope| met.insert(scope.clone()));
        for (name, text) in [("agent", &self.agent), ("description", &self.description)] {
            if text.as_ref().is_some_and(|text| text.len() > LONGEST_NAME || !is_all_plain(text)) {
                return Err(invalid(format!("{name} must be one line of at most {LONGEST_NAME} bytes")));
            }
        }
        let details = self.details.as_deref().unwrap_or_default();
        let named = details.iter().flat_map(|detail| [&detail.methods, &detail.tools]).flatten().flatten();
        if [self.scopes.len(), self.resources.len(), details.len(), named.count() / 10].into_iter().max()
            > Some(MOST)
        {
            return Err(invalid(format!("more than {MOST} scopes, resources or elements are requested")));
        }
        if self.details.as_ref().is_some_and(Vec::is_empty) {
            return Err(Rejection::NotVended(
                "invalid_authorization_details",
                "authorization_details is empty".into(),
            ));
        }
        Ok(self)
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// RFC 9396 section 5.
fn details(text: &str) -> Result<Vec<Detail>, Rejection> {
    serde_json::from_str(text).map_err(|_| {
        let what = "authorization_details must be an array of objects with type mcp, server, and optionally methods and tools";
        Rejection::NotVended("invalid_authorization_details", what.into())
    })
}

fn seconds(text: &str) -> Result<i64, Rejection> {
    let time = crate::quantity::seconds_within(text, 1..=LONGEST.unsigned_abs());
    time.map(|seconds| seconds.cast_signed()).map_err(|expected| invalid(format!("expires_in: {expected}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::DetailType;
    use serde_json::json;

    fn form(pairs: &[(&str, &str)]) -> Result<ExchangeRequest, Rejection> {
        let usual = [
            ("grant_type", TOKEN_EXCHANGE),
            ("subject_token", "t"),
            ("subject_token_type", ACCESS_TOKEN_TYPE),
        ];
        let usual = usual.iter().filter(|(name, _)| !pairs.iter().any(|(other, _)| other == name));
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(usual.chain(pairs)).finish();
        ExchangeRequest::read(text.as_bytes())
    }

    fn code<T: std::fmt::Debug>(result: Result<T, Rejection>) -> &'static str {
        result.unwrap_err().reason()
    }

    #[test]
    fn a_form_says_what_is_asked() {
        let asked = form(&[
            ("scope", "a  b"),
            ("resource", "https://g/alpha"),
            ("audience", "https://g"),
            ("resource", "https://g/beta"),
            ("expires_in", "15m"),
            ("agent", "Claude"),
            ("authorization_details", r#"[{"type":"mcp","server":"alpha","tools":["x"]}]"#),
            ("nobody_knows_it", "1"),
            ("requested_token_type", JWT),
        ]);
        let detail = Detail {
            kind: DetailType::Mcp,
            server: "alpha".into(),
            methods: None,
            tools: Some(vec!["x".into()]),
        };
        let expected = Asked {
            scopes: vec!["a".into(), "b".into()],
            details: Some(vec![detail]),
            resources: ["https://g/alpha", "https://g/beta", "https://g"].map(str::to_owned).to_vec(),
            agent: Some("Claude".into()),
            description: None,
            seconds: Some(900),
        };
        assert_eq!(asked.unwrap(), ExchangeRequest { subject_token: "t".into(), asked: expected });
        assert_eq!(form(&[("scope", "")]).unwrap().asked, Asked::default());
        let asked = form(&[("scope", "a b a"), ("agent", " "), ("resource", "")]).unwrap().asked;
        assert_eq!(asked, Asked { scopes: vec!["a".into(), "b".into()], ..Asked::default() });
    }

    #[test]
    fn a_form_that_says_something_else_is_refused() {
        for (pairs, expected) in [
            (&[("grant_type", "client_credentials")][..], "unsupported_grant_type"),
            (&[("grant_type", "")], "unsupported_grant_type"),
            (&[("subject_token", "")], "invalid_request"),
            (&[("subject_token_type", "")], "invalid_request"),
            (&[("subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token")], "invalid_request"),
            (&[("requested_token_type", "urn:ietf:params:oauth:token-type:id_token")], "invalid_request"),
            (&[("actor_token", "t")], "invalid_request"),
            (&[("actor_token_type", ACCESS_TOKEN_TYPE)], "invalid_request"),
            (&[("scope", "a"), ("scope", "b")], "invalid_request"),
            (&[("scope", "a"), ("scope", "")], "invalid_request"),
            (&[("subject_token", "t"), ("subject_token", "t")], "invalid_request"),
            (&[("authorization_details", "[]"), ("authorization_details", "[]")], "invalid_request"),
            (&[("expires_in", "1e3")], "invalid_request"),
            (&[("expires_in", "86401")], "invalid_request"),
            (&[("expires_in", "99999999999999999999")], "invalid_request"),
            (&[("expires_in", "25h")], "invalid_request"),
            (&[("expires_in", "0")], "invalid_request"),
            (&[("expires_in", "-1")], "invalid_request"),
            (&[("agent", "a\nb")], "invalid_request"),
            (&[("authorization_details", "[]")], "invalid_authorization_details"),
            (&[("authorization_details", "{}")], "invalid_authorization_details"),
            (&[("authorization_details", r#"[{"type":"mcp"}]"#)], "invalid_authorization_details"),
            (&[("authorization_details", r#"[[]]"#)], "invalid_authorization_details"),
            (&[("authorization_details", r#""alpha""#)], "invalid_authorization_details"),
            (&[("authorization_details", "alpha")], "invalid_authorization_details"),
            (&[("authorization_details", "null")], "invalid_authorization_details"),
            (
                &[("authorization_details", r#"[{"type":"mcp","server":["a"]}]"#)],
                "invalid_authorization_details",
            ),
            (
                &[("authorization_details", r#"[{"type":"mcp","server":"a","tools":"x"}]"#)],
                "invalid_authorization_details",
            ),
            (
                &[("authorization_details", r#"[{"type":"mcp","server":"a","server":"b"}]"#)],
                "invalid_authorization_details",
            ),
            (&[("authorization_details", r#"[{"type":"x","server":"a"}]"#)], "invalid_authorization_details"),
            (
                &[("authorization_details", r#"[{"type":"mcp","server":"a","tool":["x"]}]"#)],
                "invalid_authorization_details",
            ),
        ] {
            assert_eq!(code(form(pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn the_registrys_question_is_read_strictly() {
        let read = |value: Value| Asked::read(value.as_object().unwrap().clone());
        let asked =
            read(json!({"requested_scopes": ["a"], "expires_in_hours": 0.5, "description": "ci"})).unwrap();
        assert_eq!(
            (asked.scopes, asked.seconds, asked.description.as_deref()),
            (vec!["a".into()], Some(1800), Some("ci"))
        );
        assert_eq!(
            read(json!({"requested_scopes": [], "expires_in_hours": 24})).unwrap().seconds,
            Some(LONGEST)
        );
        for bad in [
            json!({"expires_in_hours": 25}),
            json!({"expires_in_hours": 24.001}),
            json!({"expires_in_hours": 0}),
            json!({"expires_in_hours": -1}),
            json!({"expires_in_hours": "8"}),
            json!({"requested_scopes": "a"}),
            json!({"requested_scope": ["a"]}),
            json!({"user_context": {"username": "root", "scopes": ["a"]}}),
            json!({"description": "a\u{202e}b"}),
            json!({"resource": []}),
            json!({"resource": {"url": "x"}}),
            json!({"requested_scopes": [1]}),
            json!({"expires_in_hours": [1]}),
            json!({"authorization_details": [{"type": "mcp", "server": "a", "tool": ["x"]}]}),
        ] {
            assert_eq!(code(read(bad.clone())), "invalid_request", "{bad}");
        }
    }
}
