//! The caller of an accepted token, the requirements for an introspection reply, and claims of any shape.

use proptest::prelude::*;
use serde_json::Map;

use super::*;
use crate::gateway::authn::object;

#[test]
fn a_caller_is_what_its_token_says() {
    let (principal, _) = accept(&cognito(), &cognito_token()).unwrap();
    let Value::Object(claims) = cognito_token() else { panic!() };
    let expected = Principal {
        issuer: POOL.into(),
        subject: "m2m".into(),
        client_id: Some("m2m".into()),
        scopes: vec!["https://api.test/mcp/read".into(), "mcp-servers/execute".into()],
        claims,
        ..Principal::default()
    };
    assert_eq!(principal, expected);

    let (principal, _) = accept(&keycloak(), &keycloak_token()).unwrap();
    assert_eq!(principal.subject, "0b5b1d2e-0000-4000-8000-000000000001");
    assert_eq!(principal.client_id.as_deref(), Some("agent"));
    assert_eq!(principal.username.as_deref(), Some("service-account-agent"));
    assert_eq!(principal.groups, ["/team/restricted"]);
    assert_eq!(principal.scopes, ["email", "profile"]);
}

#[test]
fn the_subject_is_text_and_must_be_there() {
    let cases = [
        (json!({}), Ok("alice")),
        (json!({"sub": null}), Err(TokenError::Malformed)),
        (json!({"sub": null, "client_id": null, "azp": "party"}), Err(TokenError::Malformed)),
        (
            json!({"sub": null, "username": "alice", "preferred_username": "alice"}),
            Err(TokenError::Malformed),
        ),
        (json!({"sub": null, "client_id": null}), Err(TokenError::Malformed)),
        (json!({"sub": ""}), Err(TokenError::Malformed)),
        (json!({"sub": 7}), Err(TokenError::Malformed)),
        (json!({"sub": ["alice"]}), Err(TokenError::Malformed)),
        (json!({"client_id": 7}), Err(TokenError::Malformed)),
        // Unused claims have no type check.
        (json!({"azp": 7}), Ok("alice")),
        (json!({"client_id": null, "azp": 7}), Err(TokenError::Malformed)),
        (json!({"client_id": null, "cid": 7, "appid": [], "clientId": {}}), Ok("alice")),
    ];
    for (changes, expected) in cases {
        let found = accept(&oidc(), &with(oidc_token(), changes.clone())).map(|(caller, _)| caller.subject);
        assert_eq!(found, expected.map(str::to_owned), "{changes}");
    }
    for (rules, token) in [(cognito(), cognito_token()), (keycloak(), keycloak_token())] {
        for sub in [json!(null), json!(""), json!(7)] {
            assert_eq!(
                verdict(&rules, &with(token.clone(), json!({"sub": sub}))),
                Err(TokenError::Malformed)
            );
        }
    }
}

#[test]
fn groups_scopes_and_names_are_read_in_every_form() {
    let caller = |rules: &IssuerRules, changes: Value| accept(rules, &with(oidc_token(), changes)).unwrap().0;
    let groups: [(Value, &[&str]); 7] = [
        (json!({"groups": ["a", "/b/c", "a"]}), &["a", "/b/c"]),
        (json!({"groups": "one group"}), &["one group"]),
        (json!({"groups": ["a", 1, null, ["x"], "", "b"]}), &["a", "b"]),
        (json!({"groups": {"a": true}}), &[]),
        (json!({"groups": 1}), &[]),
        (json!({"cognito:groups": ["a"], "realm_access": {"roles": ["b"]}}), &[]),
        (json!({}), &[]),
    ];
    for (changes, expected) in groups {
        assert_eq!(caller(&oidc(), changes.clone()).groups, expected, "{changes}");
    }
    let chosen = rules(json!({"issuer": ISSUER, "audience": [US],
        "groups_claims": ["https://as.test/groups", "/realm_access/roles", "/a~1b", "/realm_access/none", "/aud/0"]}));
    let changes = json!({"https://as.test/groups": ["g"], "realm_access": {"roles": ["r", "g"]}, "a/b": "s", "groups": ["no"]});
    assert_eq!(caller(&chosen, changes).groups, ["g", "r", "s"]);

    let scopes: [(Value, &[&str]); 6] = [
        (json!({"scope": "a  b:c a"}), &["a", "b:c"]),
        (json!({"scope": ["a", "b"], "scp": ["b", "c"]}), &["a", "b", "c"]),
        (json!({"scope": null, "scp": "a b"}), &["a", "b"]),
        (json!({"scope": ""}), &[]),
        (json!({"scope": 1}), &[]),
        (json!({"scope": null}), &[]),
    ];
    for (changes, expected) in scopes {
        assert_eq!(caller(&oidc(), changes.clone()).scopes, expected, "{changes}");
    }

    let names = [
        (json!({"preferred_username": "p", "username": "u", "email": "e"}), Some("p")),
        (json!({"username": "u", "cognito:username": "c"}), Some("u")),
        (json!({"cognito:username": "c", "email": "e"}), Some("c")),
        (json!({"email": "e", "username": 1}), Some("e")),
        (json!({}), None),
    ];
    for (changes, expected) in names {
        assert_eq!(caller(&oidc(), changes.clone()).username.as_deref(), expected, "{changes}");
    }
}

fn read(reply: &str) -> Map<String, Value> {
    object::read(reply.as_bytes()).unwrap()
}

fn asked(rules: &IssuerRules, reply: &Value) -> Result<(), TokenError> {
    rules.introspected(read(&reply.to_string()), NOW, &|_| Vec::new()).map(drop)
}

#[test]
fn an_introspection_reply_must_be_active_and_for_us() {
    let secret = json!({"client_id": "gw", "client_secret": "s"});
    let clients = rules(json!({"issuer": ISSUER, "clients": ["cli"], "introspection": secret}));
    let reply = || json!({"active": true, "client_id": "cli", "username": "alice", "scope": "a", "token_type": "Bearer"});
    let cases = [
        (json!({}), Ok(())),
        (json!({"token_type": null}), Ok(())),
        (json!({"iss": ISSUER, "exp": NOW + 1, "nbf": NOW}), Ok(())),
        (json!({"nonce": "n"}), Ok(())),
        (json!({"sub": "s", "username": 7}), Ok(())),
        (json!({"client_id": null, "cid": "cli"}), Ok(())),
        (json!({"active": null}), Err(TokenError::Inactive)),
        (json!({"active": false}), Err(TokenError::Inactive)),
        (json!({"active": "true"}), Err(TokenError::Inactive)),
        (json!({"active": 1}), Err(TokenError::Inactive)),
        (json!({"iss": "https://other.test"}), Err(TokenError::Issuer)),
        (json!({"iss": 1}), Err(TokenError::Issuer)),
        (json!({"exp": NOW - 30}), Err(TokenError::Expired)),
        (json!({"exp": "soon"}), Err(TokenError::Malformed)),
        (json!({"nbf": NOW + 31}), Err(TokenError::NotYet)),
        (json!({"client_id": "stranger"}), Err(TokenError::Audience)),
        (json!({"client_id": null, "sub": "s"}), Err(TokenError::Audience)),
        (json!({"aud": "https://other.test"}), Err(TokenError::Audience)),
        (json!({"token_type": "DPoP"}), Err(TokenError::Kind)),
        (json!({"token_type": "refresh_token"}), Err(TokenError::Kind)),
        (json!({"cnf": {"jkt": "x"}}), Err(TokenError::Binding)),
    ];
    for (changes, expected) in cases {
        assert_eq!(asked(&clients, &with(reply(), changes.clone())), expected, "{changes}");
    }
    let (caller, expires) = clients.introspected(read(&reply().to_string()), NOW, &|_| Vec::new()).unwrap();
    assert_eq!((caller.issuer.as_str(), caller.subject.as_str(), expires), (ISSUER, "alice", None));
    assert_eq!(caller.username.as_deref(), Some("alice"));
    let of = |changes: Value| {
        let reply = with(reply(), changes).to_string();
        clients.introspected(read(&reply), NOW, &|_| Vec::new()).map(|(caller, _)| caller.subject)
    };
    assert_eq!(of(json!({"username": null})).as_deref(), Ok("cli"));
    assert_eq!(of(json!({"sub": "248"})).as_deref(), Ok("248"));
    assert_eq!(of(json!({"username": 7})), Err(TokenError::Malformed));

    let audience =
        rules(json!({"issuer": ISSUER, "audience": [US], "clients": ["cli"], "introspection": secret}));
    let cases = [
        (json!({"aud": US, "exp": NOW + 5}), Ok(())),
        (json!({}), Err(TokenError::Audience)),
        (json!({"aud": "https://other.test"}), Err(TokenError::Audience)),
        (json!({"aud": US, "client_id": "stranger"}), Err(TokenError::Audience)),
    ];
    for (changes, expected) in cases {
        assert_eq!(asked(&audience, &with(reply(), changes.clone())), expected, "{changes}");
    }
    let nulls = r#"{"active":true,"client_id":"cli","iss":null,"exp":null,"nbf":null,"aud":null,"sub":null,"azp":null,"cnf":null,"token_type":null}"#;
    assert_eq!(
        clients.introspected(read(nulls), NOW, &|_| Vec::new()).map(|(caller, end)| (caller.subject, end)),
        Ok(("cli".into(), None))
    );
}

#[test]
fn identity_headers_are_checked_against_the_token_and_trusted_for_nothing() {
    let caller = |rules: &IssuerRules, token| accept(rules, &token).unwrap().0;
    let (pool, m2m) = (cognito(), caller(&cognito(), cognito_token()));
    let cases = [
        (None, None, None, Ok(())),
        (Some("us-east-1_Ab12"), Some("m2m"), Some("us-east-1"), Ok(())),
        (Some("us-east-1_Ab13"), None, None, Err(TokenError::Mismatch)),
        (Some(POOL), None, None, Err(TokenError::Mismatch)),
        (Some(""), None, None, Err(TokenError::Mismatch)),
        (None, Some("web"), None, Err(TokenError::Mismatch)),
        (None, None, Some("us-east-2"), Err(TokenError::Mismatch)),
        (None, None, Some("us"), Err(TokenError::Mismatch)),
    ];
    for (id, client, region, expected) in cases {
        assert_eq!(pool.agrees(&m2m, id, client, region), expected, "{id:?} {client:?} {region:?}");
    }
    let (realm, agent) = (keycloak(), caller(&keycloak(), keycloak_token()));
    assert_eq!(realm.agrees(&agent, Some("any"), Some("agent"), Some("any")), Ok(()));
    assert_eq!(realm.agrees(&agent, None, Some("m2m"), None), Err(TokenError::Mismatch));
    let nobody = Principal::default();
    assert_eq!(
        realm.agrees(&nobody, None, Some("agent"), None),
        Ok(()),
        "an absent claim contradicts nobody"
    );
    assert_eq!(realm.agrees(&agent, None, Some(""), None), Err(TokenError::Mismatch));
}

#[test]
fn the_client_goes_by_every_usual_name() {
    let listed = rules(json!({"issuer": ISSUER, "audience": [US], "clients": ["agent"]}));
    for name in ["client_id", "azp", "cid", "appid", "clientId"] {
        let claims = |client: &str| with(oidc_token(), json!({"client_id": null, name: client}));
        let claims = |client: &str| with(claims(client), json!({ name: client }));
        let (principal, _) = accept(&oidc(), &claims("agent")).unwrap();
        assert_eq!(principal.client_id.as_deref(), Some("agent"), "{name}");
        assert_eq!(oidc().agrees(&principal, None, Some("agent"), None), Ok(()), "{name}");
        assert_eq!(oidc().agrees(&principal, None, Some("other"), None), Err(TokenError::Mismatch), "{name}");
        assert_eq!(verdict(&listed, &claims("agent")), Ok(()), "{name}");
        assert_eq!(verdict(&listed, &claims("other")), Err(TokenError::Audience), "{name}");
    }
    let both = with(oidc_token(), json!({"client_id": "agent", "azp": "web", "cid": "x", "appid": "y"}));
    assert_eq!(accept(&oidc(), &both).unwrap().0.client_id.as_deref(), Some("agent"));
    let none = with(oidc_token(), json!({"client_id": null}));
    let (principal, _) = accept(&oidc(), &none).unwrap();
    assert_eq!((&principal.client_id, oidc().agrees(&principal, None, Some("any"), None)), (&None, Ok(())));
    assert_eq!(verdict(&listed, &none), Err(TokenError::Audience), "what decides stays strict");
}

#[test]
fn every_reject_has_a_word_and_says_nothing_of_the_token() {
    let all = [
        TokenError::Malformed,
        TokenError::Header,
        TokenError::Algorithm,
        TokenError::Key,
        TokenError::Signature,
        TokenError::Issuer,
        TokenError::Expired,
        TokenError::NotYet,
        TokenError::Audience,
        TokenError::Kind,
        TokenError::Binding,
        TokenError::Inactive,
        TokenError::Mismatch,
        TokenError::Revoked,
    ];
    let words: std::collections::BTreeSet<_> = all.iter().map(|why| why.reason()).collect();
    assert_eq!(words.len(), all.len());
    // They are used in a header and in a metric's label.
    for why in all {
        assert!(why.reason().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        assert!(why.to_string().bytes().all(|byte| byte.is_ascii_alphabetic() || b" -".contains(&byte)));
    }
}

fn member() -> impl Strategy<Value = (String, Value)> {
    let names = "iss|sub|aud|exp|nbf|iat|typ|token_use|client_id|azp|groups|scope|scp|cnf|active|x";
    let leaf = prop_oneof![
        Just(json!(ISSUER)),
        Just(json!(US)),
        Just(json!("Bearer")),
        Just(json!(true)),
        Just(Value::Null),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,8}".prop_map(|text| json!(text)),
    ];
    let value = leaf.clone().prop_recursive(2, 8, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::hash_map("[a-z]{1,4}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    (names, value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever claims are signed, only a token that is from us, current and for us is accepted.
    #[test]
    fn any_signed_claims_are_judged(members in prop::collection::vec(member(), 0..12), good in any::<bool>(), now in any::<i64>()) {
        let mut claims = if good { oidc_token().as_object().unwrap().clone() } else { Map::new() };
        claims.extend(members);
        let claims = Value::Object(claims);
        for rules in [cognito(), keycloak(), oidc()] {
            if let Ok((principal, expires)) = rules.accept(verified(None, &claims), now, &|_| Vec::new()) {
                let named = |names: &Vec<Value>| names.contains(&json!(US));
                prop_assert_eq!(Some(principal.issuer.as_str()), claims["iss"].as_str());
                prop_assert!(now < expires);
                prop_assert!(!principal.subject.is_empty());
                prop_assert!(claims.get("cnf").is_none_or(Value::is_null));
                prop_assert!(claims["aud"] == US || claims["aud"].as_array().is_some_and(named));
            }
            let present = claims.as_object().cloned().unwrap_or_default();
            let _ = rules.introspected(present, now, &|_| Vec::new());
        }
    }
}
