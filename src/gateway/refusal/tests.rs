//! Tests of `refusal`.

use super::*;

fn about(scope: Option<&Arc<str>>) -> ResponseContext<'_> {
    ResponseContext { id: None, resource_metadata: Some("https://gw.test/.well-known/x"), scope }
}

fn challenge(refusal: &Rejection, scope: Option<&Arc<str>>) -> Option<String> {
    let response = refusal.response(&about(scope));
    let value = response.headers().get(WWW_AUTHENTICATE)?;
    Some(value.to_str().unwrap().to_owned())
}

#[test]
fn a_challenge_names_an_error_only_if_there_was_a_token() {
    let scope: Arc<str> = "mcp/\"x\"".into();
    let metadata = "resource_metadata=\"https://gw.test/.well-known/x\"";
    assert_eq!(
        challenge(&Rejection::NoToken, Some(&scope)).unwrap(),
        format!(r#"Bearer {metadata}, scope="mcp/\"x\"""#)
    );
    let text = challenge(&Rejection::Token(TokenError::Expired), None).unwrap();
    assert!(text.starts_with("Bearer error=\"invalid_token\", error_description=\""), "{text}");
    assert!(text.ends_with(metadata), "{text}");
}

#[test]
fn insufficient_scope_is_said_only_where_a_scope_would_help() {
    let denied =
        |scope: Option<&str>| Rejection::Denied { denial: Denial::Name, scope: scope.map(Arc::from) };
    assert_eq!(challenge(&denied(None), Some(&"other".into())), None);
    let text = challenge(&denied(Some("mcp/execute")), Some(&"other".into())).unwrap();
    assert!(
        text.contains("error=\"insufficient_scope\"") && text.contains("scope=\"mcp/execute\""),
        "{text}"
    );
}

#[test]
fn own_codes_stay_out_of_the_reserved_range() {
    for refusal in
        [Rejection::NoToken, Rejection::NoServer, Rejection::Busy, Rejection::Unreadable, Rejection::Host]
    {
        assert!(!(-32768..=-32000).contains(&refusal.code()), "{refusal:?}");
    }
}
