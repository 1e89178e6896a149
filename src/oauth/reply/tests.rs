//! Tests of `reply`.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

fn read(status: u16, body: &str) -> Result<TokenSet, ReplyError> {
    read_reply(status, body.as_bytes(), &ReplyShape::default(), &[], 1_000)
}

/// A token with this claim; it is not signed.
fn jwt(claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#), part(claims), part("no signature"))
}

#[test]
fn a_token_ends_when_it_says_itself_where_its_reply_does_not() {
    let shape = ReplyShape { default_lifetime: Some(7), ..ReplyShape::default() };
    let ends_at_5000 = jwt(r#"{"exp":5000}"#);
    let opaque = "opaque.with.dots";
    for (token, more, expected) in [
        (&*ends_at_5000, "", 5_000),
        (&*ends_at_5000, r#","expires_in":null"#, 5_000),
        (&*ends_at_5000, r#","expires_in":"soon""#, 5_000),
        (&*ends_at_5000, r#","expires_in":60"#, 1_060),
        (&*jwt(r#"{"exp":5000.7}"#), "", 5_000),
        (&*jwt(r#"{"exp":5000,"iat":600}"#), "", 5_000),
        // Its issuer's clock is behind.
        (&*jwt(r#"{"exp":940,"iat":700}"#), "", 1_240),
        (&*jwt(r#"{"exp":1000,"iat":"400"}"#), "", 1_600),
        (&*jwt(r#"{"exp":940,"iat":null}"#), "", 940),
        (&*jwt(r#"{"exp":940,"iat":950}"#), "", 940),
        (&*jwt(r#"{"exp":null}"#), "", 1_007),
        (&*jwt(r#"{"exp":"5000"}"#), "", 5_000),
        (&*jwt(r#"{"exp":1e300}"#), "", 1_007),
        (&*jwt("{}"), "", 1_007),
        (opaque, "", 1_007),
    ] {
        let body = format!(r#"{{"access_token":"{token}"{more}}}"#);
        let read = read_reply(200, body.as_bytes(), &shape, &[], 1_000).unwrap();
        assert_eq!(read.expires_at, Some(expected), "{body}");
    }
}

#[test]
fn an_end_is_a_number_of_seconds_or_a_point_in_time_in_any_spelling() {
    const NOW: Epoch = 1_795_000_000;
    for (told, expected) in [
        ("3600", Some(NOW + 3600)),
        ("3600.0", Some(NOW + 3600)),
        ("3600.9", Some(NOW + 3600)),
        ("3.6e3", Some(NOW + 3600)),
        (r#""3600""#, Some(NOW + 3600)),
        (r#"" 3600.5 ""#, Some(NOW + 3600)),
        ("0", Some(NOW)),
        ("315360000", Some(NOW + 315_360_000)),
        ("1795003600", Some(NOW + 3600)),
        ("1795003600.25", Some(NOW + 3600)),
        (r#""1795003600""#, Some(NOW + 3600)),
        (r#""1795003600.0""#, Some(NOW + 3600)),
        ("1795003600000", Some(NOW + 3600)),
        (r#""1795003600000""#, Some(NOW + 3600)),
        ("2147483647", Some(2_147_483_647)),
        ("999999999", Some(NOW + 999_999_999)),
        ("1794999990", None),
        ("1795000000", None),
        ("1794999990000", None),
        ("1e300", None),
        ("9999999999999999", None),
        ("-1", None),
        ("true", None),
        (r#""3600s""#, None),
        (r#""NaN""#, None),
        (r#""inf""#, None),
        ("[3600]", None),
        ("null", None),
    ] {
        let body = format!(r#"{{"access_token":"t","expires_in":{told}}}"#);
        let read = read_reply(200, body.as_bytes(), &ReplyShape::default(), &[], NOW).unwrap();
        assert_eq!(read.expires_at, expected, "{told}");
        if told.starts_with(|c: char| c.is_ascii_digit()) {
            let form = format!("access_token=t&expires_in={told}");
            let read = read_reply(200, form.as_bytes(), &ReplyShape::default(), &[], NOW).unwrap();
            assert_eq!(read.expires_at, expected, "{form}");
        }
    }
}

/// Entra's older endpoints and others say when, as a number or a text.
#[test]
fn a_token_that_ends_at_a_point_in_time_ends_then() {
    const NOW: Epoch = 1_795_000_000;
    for (members, expected) in [
        (r#""expires_on":"1795003600""#, Some(NOW + 3_600)),
        (r#""expires_on":1795003600"#, Some(NOW + 3_600)),
        (r#""expires_at":1795003600.5"#, Some(NOW + 3_600)),
        (r#""expires_at":1795003600000"#, Some(NOW + 3_600)),
        (r#""expires_in":null,"expires_on":" 1795003600 ""#, Some(NOW + 3_600)),
        (r#""expires_in":"60","expires_on":"1795003600","ext_expires_in":"7200""#, Some(NOW + 60)),
        (r#""expires_on":"1794000000","expires_at":1795003600"#, Some(NOW + 3_600)),
        (r#""expires_on":"1794000000""#, None),
        (r#""expires_on":3600"#, None),
        (r#""expires_at":"2026-11-27T20:00:00Z""#, None),
        (r#""expires_at":null"#, None),
        (r#""expires_at":[1795003600]"#, None),
    ] {
        for odd in ["", r#","x":1e999"#] {
            let body = format!(r#"{{"access_token":"t",{members}{odd}}}"#);
            let read = read_reply(200, body.as_bytes(), &ReplyShape::default(), &[], NOW).unwrap();
            assert_eq!(read.expires_at, expected, "{body}");
        }
    }
}

#[test]
fn a_type_that_is_not_sent_as_a_bearers_is_refused_by_its_name() {
    let read = |kind: &str, known: &[&str]| {
        let token_types = known.iter().map(|kind| (*kind).to_owned()).collect();
        let shape = ReplyShape { token_types, ..ReplyShape::default() };
        let body = format!(r#"{{"access_token":"t","token_type":{kind}}}"#);
        read_reply(200, body.as_bytes(), &shape, &[], 1_000).map(|token| token.token_type)
    };
    for kind in [r#""Bearer""#, r#""bearer""#, r#""BEARER""#, r#"" bearer ""#, r#""""#, "null"] {
        assert!(read(kind, &[]).unwrap().eq_ignore_ascii_case("bearer"), "{kind}");
    }
    assert_eq!(read(r#""user""#, &["user", "bot"]).unwrap(), "user");
    for (kind, said) in [
        (r#""DPoP""#, "DPoP"),
        (r#""dpop""#, "dpop"),
        (r#""mac""#, "mac"),
        (r#""N_A""#, "N_A"),
        (r#""PoP""#, "PoP"),
        (r#""bearer2""#, "bearer2"),
        (r#""user""#, "user"),
        ("7", "7"),
        (r#"["Bearer"]"#, "Bearer"),
    ] {
        let refused = read(kind, &[]).unwrap_err();
        assert!(matches!(&refused, ReplyError::TokenType(name) if name.contains(said)), "{kind}: {refused}");
        assert!(refused.to_string().contains("7.1"), "{refused}");
    }
    let secret = [Secret::new("hunter22-hunter22-hunter22-hunter22-hunter22")];
    for echoed in [secret[0].expose(), &STANDARD.encode(secret[0].expose())] {
        for kind in [json!(echoed), json!([echoed]), json!({"is": echoed})] {
            let body = json!({"access_token": "t", "token_type": kind}).to_string();
            let refused = read_reply(200, body.as_bytes(), &ReplyShape::default(), &secret, 0).unwrap_err();
            assert!(refused.to_string().contains("[redacted]"), "cut before it was recognized: {refused}");
        }
    }
    let form = read_reply(200, b"access_token=t&token_type=DPoP", &ReplyShape::default(), &[], 0);
    assert_eq!(form, Err(ReplyError::TokenType("DPoP".into())));
}

#[test]
fn a_servers_no_is_understood_wherever_it_puts_its_code() {
    for (status, body, code) in [
        (
            400,
            r#"{"code":400,"error_code":"refresh_token_not_found","msg":"Invalid"}"#,
            "refresh_token_not_found",
        ),
        (400, r#"{"status":"BAD_REFRESH_TOKEN","message":"missing"}"#, "BAD_REFRESH_TOKEN"),
        (401, r#"{"errorCode":"invalidToken"}"#, "invalidToken"),
        (403, r#"{"error":null,"code":"session_expired"}"#, "session_expired"),
        (400, r#"{"error":{"code":400,"status":"INVALID_ARGUMENT"}}"#, "INVALID_ARGUMENT"),
        (400, r#"{"error":{"message":"no"}}"#, "error"),
        (200, r#"{"error":"bad_refresh_token","error_description":"no"}"#, "bad_refresh_token"),
        (200, "error=bad_refresh_token&error_description=The+refresh+token", "bad_refresh_token"),
    ] {
        let refused = read(status, body).unwrap_err();
        assert!(matches!(&refused, ReplyError::Refused { error, .. } if error == code), "{body}: {refused}");
        assert!(refused.is_no() && !refused.is_about_client(), "{body}");
    }
    for (status, body) in [(401, ""), (400, "no"), (403, "<html>"), (404, "{}"), (410, "[]"), (400, "null")] {
        let refused = read(status, body).unwrap_err();
        assert!(refused.is_no() && !refused.is_about_client(), "{status} {body}: {refused}");
    }
    for status in [408, 425, 429, 500, 502, 503, 504] {
        for body in ["", r#"{"error":"invalid_grant"}"#] {
            assert!(!read(status, body).unwrap_err().is_no(), "{status} {body}");
        }
    }
    for body in [r#"{"error":"temporarily_unavailable"}"#, r#"{"error":"slow_down"}"#] {
        assert!(!read(400, body).unwrap_err().is_no(), "{body}");
    }
    let token = read(200, r#"{"access_token":"t","status":"ok","code":"0","type":"x","error":null}"#);
    assert!(token.is_ok(), "of a success only an error is a no: {token:?}");
    assert!(read(400, r#"{"error":"invalid_client"}"#).unwrap_err().is_about_client());
}

#[test]
fn tokens_are_read_in_every_form_servers_send() {
    let cases: [(&str, Option<Epoch>, &[&str]); 8] = [
        (
            r#"{"access_token":"t","token_type":"bearer","expires_in":3600,"scope":"a b"}"#,
            Some(4_600),
            &["a", "b"],
        ),
        (r#"{"access_token":"t","expires_in":"3600"}"#, Some(4_600), &[]),
        (r#"{"access_token":"t","expires_in":3599.5}"#, Some(4_599), &[]),
        (r#"{"access_token":"t"}"#, None, &[]),
        (r#"{"access_token":"t","expires_in":null,"scope":["a","b"]}"#, None, &["a", "b"]),
        (r#"{"access_token":"t","expires_in":-5}"#, None, &[]),
        (r#"{"access_token":"t","expires_in":1e300}"#, None, &[]),
        ("access_token=t&scope=repo%2Cgist&token_type=bearer&expires_in=60", Some(1_060), &["repo", "gist"]),
    ];
    for (body, expires_at, scopes) in cases {
        let token = read(200, body).unwrap();
        assert_eq!((token.access_token.expose(), token.expires_at), ("t", expires_at), "{body}");
        assert_eq!(token.scopes, scopes, "{body}");
    }
}

#[test]
fn a_nested_token_is_found_and_a_missing_lifetime_takes_the_default() {
    let shape =
        ReplyShape { root: "/authed_user".into(), default_lifetime: Some(10_800), ..ReplyShape::default() };
    let token =
        read_reply(200, br#"{"ok":true,"authed_user":{"access_token":"xoxp"}}"#, &shape, &[], 0).unwrap();
    assert_eq!((token.access_token.expose(), token.expires_at), ("xoxp", Some(10_800)));
    let miss = read_reply(200, br#"{"ok":true,"access_token":"bot"}"#, &shape, &[], 0);
    assert!(matches!(miss, Err(ReplyError::Unreadable { .. })));
}

#[test]
fn a_no_is_a_no_at_any_status_and_is_cleaned() {
    let refused = |error: &str, description: Option<&str>| {
        Err(ReplyError::Refused { error: error.into(), description: description.map(Into::into) })
    };
    let cases = [
        (
            400,
            r#"{"error":"invalid_grant","error_description":"gone"}"#,
            refused("invalid_grant", Some("gone")),
        ),
        (200, r#"{"error":"bad_verification_code"}"#, refused("bad_verification_code", None)),
        (200, r#"{"ok":false,"error":"invalid_code"}"#, refused("invalid_code", None)),
        (
            200,
            "error=redirect_uri_mismatch&error_description=no+match",
            refused("redirect_uri_mismatch", Some("no match")),
        ),
        (
            401,
            "{\"error\":\"a\\u001b[31mb\",\"error_description\":\"x\\r\\n\\u202ey\"}",
            refused("a31mb", Some("x   y")),
        ),
        (
            503,
            r#"{"error":"temporarily_unavailable"}"#,
            Err(ReplyError::Unavailable { status: 503, said: None }),
        ),
        (400, r#"{"error":{"code":"E1","message":"m"}}"#, refused("E1", None)),
        (503, "<html>", Err(ReplyError::Unavailable { status: 503, said: None })),
        (429, "slow down", Err(ReplyError::Unavailable { status: 429, said: None })),
    ];
    for (status, body, expected) in cases {
        assert_eq!(read(status, body), expected, "{body}");
    }
    for (status, body) in
        [(200, "<html>a=b</html>"), (200, "[]"), (404, "{}"), (200, r#"{"access_token":""}"#), (302, "")]
    {
        assert!(matches!(read(status, body), Err(ReplyError::Unreadable { .. })), "{body}");
    }
}

proptest! {
    #[test]
    fn no_body_panics_and_no_error_repeats_control_characters(status in 100u16..600, body in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Err(error) = read_reply(status, &body, &ReplyShape::default(), &[], i64::MAX) {
            prop_assert!(!error.to_string().chars().any(char::is_control));
        }
    }

    #[test]
    fn json_like_bodies_survive_too(error in ".{0,80}", description in ".{0,400}", expires in any::<f64>()) {
        let body = serde_json::json!({"error": error, "error_description": description, "access_token": "t", "expires_in": expires}).to_string();
        match read(200, &body) {
            Ok(token) => prop_assert!(token.expires_at.is_none_or(|end| end >= 1_000)),
            Err(error) => prop_assert!(error.to_string().chars().count() <= 64 + 2 + DESCRIPTION_LIMIT),
        }
    }
}

/// What no parser accepts in a member loses that member, and not the login.
#[test]
fn a_broken_member_loses_no_token() {
    let deep = "[".repeat(1_000) + &"]".repeat(1_000);
    let odd = ["1e999", "-1e999", r#""\ud800""#, r#"{"a": "\udfff"}"#, deep.as_str()];
    for odd in odd {
        for name in ["scope", "expires_in", "id_token", "scopes", "user", "not_before_policy", "message"] {
            let body =
                format!(r#"{{"token_type":"Bearer","{name}":{odd},"access_token":"t","refresh_token":"r"}}"#);
            let token = read(200, &body).unwrap_or_else(|error| panic!("{name} {odd}: {error}"));
            assert_eq!(token.access_token.expose(), "t", "{name} {odd}");
            assert_eq!(token.refresh_token.unwrap().expose(), "r", "{name} {odd}");
            let nested = format!(r#"{{"ok":true,"team":{odd},"who":{body}}}"#);
            let shape = ReplyShape { root: "/who".into(), ..ReplyShape::default() };
            let token = read_reply(200, nested.as_bytes(), &shape, &[], 1_000).unwrap();
            assert_eq!(token.access_token.expose(), "t", "nested {name} {odd}");
        }
        for name in ["error", "token_type"] {
            let body = format!(r#"{{"access_token":"t","{name}":{odd}}}"#);
            assert!(read(200, &body).is_err(), "{name} {odd} decides");
        }
        let refused = format!(r#"{{"error":"invalid_grant","trace":{odd}}}"#);
        assert!(
            matches!(read(400, &refused), Err(ReplyError::Refused { error, .. }) if error == "invalid_grant")
        );
    }
    for body in
        [&b"{\"access_token\":\"t\",\"name\":\"\xe4\"}"[..], b"{\"name\":\"\xff\",\"access_token\":\"t\"}"]
    {
        assert_eq!(read_reply(200, body, &ReplyShape::default(), &[], 0).unwrap().access_token.expose(), "t");
    }
    for body in
        [r#"{"access_token":"t","#, r#"{"access_token":"t"} x"#, r#"[{"access_token":"t"}]"#, r#""a=b""#]
    {
        assert!(read(200, body).is_err(), "{body}");
    }
    for odd in ["7", "null", "{}", "[]", "true", r#""""#] {
        for name in ["scope", "refresh_token", "id_token", "expires_in", "issued_token_type"] {
            let body = format!(r#"{{"access_token":"t","{name}":{odd}}}"#);
            assert_eq!(read(200, &body).unwrap().access_token.expose(), "t", "{body}");
        }
    }
}
