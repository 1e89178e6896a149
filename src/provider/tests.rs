//! Provider files: what is read, filled in and refused.

use super::*;
use proptest::prelude::*;

#[test]
fn every_built_in_provider_parses_and_names_https_endpoints() {
    assert!(built_in().count() > 0);
    for name in built_in() {
        let provider = Provider::built_in(name).unwrap_or_else(|e| panic!("{e}"));
        let urls = [
            &provider.authorization_endpoint,
            &provider.token_endpoint,
            &provider.revocation_endpoint,
            &provider.device_authorization_endpoint,
            &provider.issuer,
        ];
        for url in urls.into_iter().flatten() {
            assert!(url.starts_with("https://"), "{name}: {url}");
        }
    }
}

#[test]
fn a_default_may_be_made_of_settings() {
    let text = "
display_name: X
authorization_endpoint: https://{{ domain }}.auth.{{ region }}.test/authorize
token_endpoint: https://{{ domain }}.auth.{{ region }}.test/token
variables:
  - {name: domain, setting: DOMAIN, default: \"{{ POOL | replace('_', '') | lower }}\"}
  - {name: region, setting: REGION, default: us-east-1}
";
    let provider = Provider::parse("x", text).unwrap();
    let pool = |name: &str| (name == "POOL").then(|| "us-east-1_AbC".to_owned());
    let filled = provider.clone().filled(&pool).unwrap();
    assert_eq!(filled.token_endpoint.unwrap(), "https://us-east-1abc.auth.us-east-1.test/token");
    let missing = provider.filled(&|_| None).unwrap_err();
    assert_eq!(missing.to_string(), "provider x needs DOMAIN (it fills {{ domain }} in its endpoints)");
}

#[test]
fn what_a_file_leaves_out_is_the_standard_behaviour() {
    let minimal = "display_name: X\nissuer: https://idp.test\n";
    let standard = Provider::parse("x", minimal).unwrap();
    assert!(standard.pkce, "PKCE is left out only where a file says so");
    assert_eq!(standard.client_auth, AuthMethod::ClientSecretPost);
    assert_eq!(standard.token_request, BodyFormat::Form);
    assert_eq!((standard.scope_parameter.as_str(), standard.scope_separator.as_str()), ("scope", " "));
    assert_eq!(standard.refresh_reply(), &ReplyShape::default());
    let nested = format!("{minimal}reply: {{root: /a}}\n");
    assert_eq!(Provider::parse("x", &nested).unwrap().refresh_reply().root, "/a");
    let differs = format!("{nested}refresh_reply: {{root: /b}}\npkce: false\n");
    let differs = Provider::parse("x", &differs).unwrap();
    assert_eq!(
        (differs.reply.root.as_str(), differs.refresh_reply().root.as_str(), differs.pkce),
        ("/a", "/b", false)
    );
}

#[test]
fn a_bad_file_is_named_with_its_line() {
    let cases = [
        ("display_name: X\nauth_urll: y\n", "auth_urll"),
        ("display_name: X\n", "needs authorization_endpoint"),
        ("display_name: X\ndisplay_name: Y\n", "display_name"),
        ("- a\n", "x:"),
    ];
    for (text, part) in cases {
        let message = Provider::parse("x", text).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(Provider::built_in("nobody").unwrap_err(), ProviderError::Unknown("nobody".into()));
}

proptest! {
    #[test]
    fn no_text_panics(text in "(display_name: X\n)?(issuer: [a-z:/{}\\[\\]\"'&*!|>% -]{0,40}\n)?[ -~\n]{0,120}") {
        let _ = Provider::parse("x", &text);
    }
}
