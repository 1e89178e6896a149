//! Tokens of any other issuer, and what no token of any kind may be.

use super::*;

#[test]
fn any_other_issuer_must_name_us() {
    table(
        &oidc(),
        oidc_token,
        &[
            (json!({}), Ok(())),
            (json!({"aud": ["https://other.test", US]}), Ok(())),
            (json!({"typ": "Bearer"}), Ok(())),
            (json!({"aud": null}), Err(TokenError::Audience)),
            (json!({"aud": "https://mcp.test/"}), Err(TokenError::Audience)),
            (json!({"aud": "https://mcp.tes"}), Err(TokenError::Audience)),
            (json!({"aud": "https://MCP.test"}), Err(TokenError::Audience)),
            (json!({"aud": "https://other.test https://mcp.test"}), Err(TokenError::Audience)),
            (json!({"aud": []}), Err(TokenError::Audience)),
            (json!({"aud": [[US]]}), Err(TokenError::Audience)),
            (json!({"aud": [US, 1]}), Err(TokenError::Audience)),
            (json!({"aud": [null]}), Err(TokenError::Audience)),
            (json!({"aud": [null, "https://other.test"]}), Err(TokenError::Audience)),
            (json!({"aud": [null, US]}), Ok(())),
            (json!({"aud": ["https://other.test", null, US, null]}), Ok(())),
            (json!({"aud": {US: true}}), Err(TokenError::Audience)),
            (json!({"aud": 1}), Err(TokenError::Audience)),
            (
                json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}),
                Err(TokenError::Kind),
            ),
            (json!({"typ": "ID"}), Err(TokenError::Kind)),
            (json!({"typ": 1}), Err(TokenError::Kind)),
            (json!({"token_use": "id"}), Err(TokenError::Kind)),
            (json!({"token_type": "refresh"}), Err(TokenError::Kind)),
            (json!({"cnf": {"jkt": "x"}}), Err(TokenError::Binding)),
            (json!({"cnf": {"x5t#S256": "x"}}), Err(TokenError::Binding)),
            (json!({"cnf": false}), Err(TokenError::Binding)),
        ],
    );
    let clients = rules(json!({"issuer": ISSUER, "audience": [US], "clients": ["cli"]}));
    table(
        &clients,
        oidc_token,
        &[(json!({}), Ok(())), (json!({"client_id": "x"}), Err(TokenError::Audience))],
    );
}

#[test]
fn bound_tokens_of_every_kind_are_refused() {
    for (rules, token) in [(cognito(), cognito_token()), (keycloak(), keycloak_token())] {
        let claims = with(token, json!({"cnf": {"jkt": "x"}}));
        assert_eq!(verdict(&rules, &claims), Err(TokenError::Binding));
    }
}

#[test]
fn the_header_says_access_token_or_nothing_else() {
    let strict = rules(json!({"issuer": ISSUER, "audience": [US], "require_at_jwt": true}));
    let cases = [
        (None, Ok(()), Err(TokenError::Kind)),
        (Some("JWT"), Ok(()), Err(TokenError::Kind)),
        (Some("jwt"), Ok(()), Err(TokenError::Kind)),
        (Some("at+jwt"), Ok(()), Ok(())),
        (Some("AT+JWT"), Ok(()), Ok(())),
        (Some("application/at+jwt"), Ok(()), Ok(())),
        (Some("Application/At+Jwt"), Ok(()), Ok(())),
        (Some("logout+jwt"), Err(TokenError::Kind), Err(TokenError::Kind)),
        (Some("dpop+jwt"), Err(TokenError::Kind), Err(TokenError::Kind)),
        (Some("secevent+jwt"), Err(TokenError::Kind), Err(TokenError::Kind)),
        (Some("application/application/at+jwt"), Err(TokenError::Kind), Err(TokenError::Kind)),
        (Some("at+jwt "), Err(TokenError::Kind), Err(TokenError::Kind)),
        (Some(""), Err(TokenError::Kind), Err(TokenError::Kind)),
    ];
    for (typ, usual, required) in cases {
        assert_eq!(
            oidc().accept(verified(typ, &oidc_token()), NOW, &|_| Vec::new()).map(drop),
            usual,
            "{typ:?}"
        );
        assert_eq!(
            strict.accept(verified(typ, &oidc_token()), NOW, &|_| Vec::new()).map(drop),
            required,
            "{typ:?}"
        );
    }
}
