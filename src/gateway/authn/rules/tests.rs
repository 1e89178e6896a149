//! Tokens as the issuers' kinds make them, and one step to each side of every rule.

mod callers;
mod other;

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{IssuerRules, RulesError, TokenError};
use crate::gateway::authn::jwt::sample::{P256, jwks};
use crate::gateway::authn::jwt::{Claims, Token};
use crate::gateway::authn::keys::KeySet;
use crate::gateway::settings::{Algorithm, IssuerSettings};
use crate::policy::Principal;

const NOW: i64 = 1_800_000_000;
const POOL: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab12";
const REALM: &str = "https://id.test/realms/mcp";
const ISSUER: &str = "https://as.test";
const US: &str = "https://mcp.test";

static KEYS: LazyLock<KeySet> =
    LazyLock::new(|| KeySet::read(&jwks(&[P256.jwk()]), &[Algorithm::ES256]).unwrap());

fn issuer(settings: Value) -> IssuerSettings {
    serde_json::from_value(settings).unwrap()
}

fn rules(settings: Value) -> IssuerRules {
    IssuerRules::new(&issuer(settings)).unwrap()
}

fn cognito() -> IssuerRules {
    rules(json!({"issuer": POOL, "kind": "cognito", "clients": ["m2m", "web"]}))
}

fn keycloak() -> IssuerRules {
    rules(json!({"issuer": REALM, "kind": "keycloak", "clients": ["agent"]}))
}

fn oidc() -> IssuerRules {
    rules(json!({"issuer": ISSUER, "audience": [US]}))
}

/// `base` with some members changed; `null` takes one away.
fn with(base: Value, changes: Value) -> Value {
    let mut base = base.as_object().unwrap().clone();
    for (name, value) in changes.as_object().unwrap() {
        base.remove(name);
        if !value.is_null() {
            base.insert(name.clone(), value.clone());
        }
    }
    Value::Object(base)
}

/// What Cognito gives a client for its credentials.
fn cognito_token() -> Value {
    json!({
        "sub": "m2m", "iss": POOL, "token_use": "access", "iat": NOW - 10, "exp": NOW + 3_590, "jti": "j", "version": 2,
        "client_id": "m2m", "auth_time": NOW - 10, "scope": "https://api.test/mcp/read mcp-servers/execute"
    })
}

/// What Keycloak gives a service account of an imported realm.
fn keycloak_token() -> Value {
    json!({
        "exp": NOW + 290, "iat": NOW - 10, "jti": "trrtcc:1", "iss": REALM, "typ": "Bearer", "azp": "agent", "acr": "1",
        "sub": "0b5b1d2e-0000-4000-8000-000000000001", "scope": "email profile", "groups": ["/team/restricted"],
        "preferred_username": "service-account-agent", "realm_access": {"roles": ["offline_access", "mcp"]}
    })
}

/// RFC 9068.
fn oidc_token() -> Value {
    json!({"iss": ISSUER, "sub": "alice", "aud": US, "client_id": "cli", "exp": NOW + 60, "iat": NOW, "scope": "a b"})
}

fn verified(typ: Option<&str>, claims: &Value) -> Claims {
    let header = typ.map_or(json!({}), |typ| json!({"typ": typ}));
    let text = P256.token("ES256", &header, claims);
    Token::read(&text).unwrap().verify(KEYS.find(None, Algorithm::ES256).unwrap()).unwrap()
}

fn accept(rules: &IssuerRules, claims: &Value) -> Result<(Principal, i64), TokenError> {
    rules.accept(verified(None, claims), NOW, &|_| Vec::new())
}

/// The servers that tokens of these claims open, `*` for all; `py` and `ts` have addresses, and `both` is the address of two.
fn opened(rules: &IssuerRules, claims: &Value) -> Result<String, TokenError> {
    let servers = |audience: &str| match audience {
        "https://gw/py/mcp" => vec!["py".to_owned()],
        "https://gw/ts/mcp" => vec!["ts".into()],
        "http://both" => vec!["py".into(), "ts".into()],
        _ => Vec::new(),
    };
    let accepted = rules.accept(verified(None, claims), NOW, &servers);
    accepted.map(|(caller, _)| caller.servers.map_or("*".into(), |servers| servers.join(" ")))
}

#[test]
fn a_token_for_one_servers_address_opens_that_server_alone() {
    let (py, ts) = ("https://gw/py/mcp", "https://gw/ts/mcp");
    let cognito = |more: Value| with(cognito_token(), more);
    let keycloak = |more: Value| with(keycloak_token(), more);
    let oidc = |more: Value| with(oidc_token(), more);
    let no = Err(TokenError::Audience);
    let unsaid = IssuerRules::new(&issuer(json!({"issuer": ISSUER}))).unwrap();
    let listed = IssuerRules::new(&issuer(json!({"issuer": ISSUER, "audience": [US, py]}))).unwrap();
    let clients = IssuerRules::new(&issuer(json!({"issuer": ISSUER, "clients": ["cli"]}))).unwrap();
    let realm = IssuerRules::new(&issuer(json!({"issuer": REALM, "kind": "keycloak"}))).unwrap();
    let cases: [(&IssuerRules, Value, Result<&str, TokenError>); 18] = [
        (&unsaid, oidc(json!({"aud": py})), Ok("py")),
        (&unsaid, oidc(json!({"aud": [ts]})), Ok("ts")),
        (&unsaid, oidc(json!({"aud": [py, "other", ts]})), Ok("py ts")),
        (&unsaid, oidc(json!({"aud": "http://both"})), Ok("py ts")),
        (&unsaid, oidc(json!({"aud": US})), no),
        (&unsaid, oidc(json!({"aud": []})), no),
        (&unsaid, oidc(json!({"aud": "https://gw/py"})), no),
        (&listed, oidc(json!({"aud": US})), Ok("*")),
        (&listed, oidc(json!({"aud": [US, py]})), Ok("*")),
        (&listed, oidc(json!({"aud": py})), Ok("py")),
        (&clients, oidc(json!({"aud": py})), Ok("py")),
        (&clients, oidc(json!({"aud": py, "client_id": "other"})), no),
        (&realm, keycloak(json!({"aud": py})), Ok("py")),
        (&realm, keycloak(json!({"aud": ["account", py]})), Ok("py")),
        (&realm, keycloak(json!({"aud": "account"})), no),
        (&self::cognito(), cognito(json!({})), Ok("*")),
        (&self::cognito(), cognito(json!({"aud": ts})), Ok("ts")),
        (&self::cognito(), cognito(json!({"aud": ts, "client_id": "other"})), no),
    ];
    for (rules, claims, expected) in cases {
        assert_eq!(opened(rules, &claims).as_deref(), expected.as_ref().copied(), "{claims}");
    }
}

fn verdict(rules: &IssuerRules, claims: &Value) -> Result<(), TokenError> {
    accept(rules, claims).map(drop)
}

#[track_caller]
fn table(rules: &IssuerRules, token: fn() -> Value, cases: &[(Value, Result<(), TokenError>)]) {
    for (changes, expected) in cases {
        assert_eq!(verdict(rules, &with(token(), changes.clone())), *expected, "{changes}");
    }
}

#[test]
fn settings_that_would_let_in_what_is_for_others_make_no_rules() {
    let asks = json!({"client_id": "gw", "client_secret": "s"});
    let cases = [
        (json!({"issuer": POOL, "kind": "cognito"}), RulesError::CognitoClients),
        (json!({"issuer": POOL, "kind": "cognito", "audience": [US]}), RulesError::CognitoClients),
        (json!({"issuer": REALM, "kind": "keycloak", "audience": ["account", US]}), RulesError::Account),
        (json!({"issuer": "", "audience": [US]}), RulesError::EmptyText("issuer")),
        (json!({"issuer": ISSUER, "audience": [US, ""]}), RulesError::EmptyText("audience")),
        (json!({"issuer": ISSUER, "audience": [US], "clients": [""]}), RulesError::EmptyText("clients")),
        (
            json!({"issuer": ISSUER, "audience": [US], "groups_claims": [""]}),
            RulesError::EmptyText("groups_claims"),
        ),
        (json!({"issuer": ISSUER, "audience": [US], "leeway": 61}), RulesError::Leeway),
        (json!({"issuer": ISSUER, "audience": [US], "algorithms": []}), RulesError::NoAlgorithms),
    ];
    for (settings, expected) in cases {
        assert_eq!(IssuerRules::new(&issuer(settings.clone())).err(), Some(expected), "{settings}");
    }
    for settings in [
        json!({"issuer": ISSUER}),
        json!({"issuer": ISSUER, "clients": ["a"]}),
        json!({"issuer": REALM, "kind": "keycloak"}),
        json!({"issuer": ISSUER, "audience": [US], "leeway": 60}),
        json!({"issuer": ISSUER, "clients": ["a"], "introspection": asks, "algorithms": []}),
        json!({"issuer": REALM, "kind": "keycloak", "audience": [US]}),
    ] {
        assert!(IssuerRules::new(&issuer(settings.clone())).is_ok(), "{settings}");
    }
}

#[test]
fn the_issuer_is_compared_byte_for_byte() {
    for iss in [
        json!(null),
        json!("https://as.test/"),
        json!("https://AS.test"),
        json!("http://as.test"),
        json!("https://as.test:443"),
        json!(""),
        json!(1),
        json!([ISSUER]),
        json!({"iss": ISSUER}),
    ] {
        let claims = with(oidc_token(), json!({"iss": iss}));
        assert_eq!(verdict(&oidc(), &claims), Err(TokenError::Issuer), "{claims}");
    }
    let claims = with(oidc_token(), json!({"iss": null}));
    let mut null = claims.as_object().unwrap().clone();
    null.insert("iss".into(), Value::Null);
    assert_eq!(verdict(&oidc(), &Value::Object(null)), Err(TokenError::Issuer));
    assert_eq!(oidc().issuer(), ISSUER);
}

#[test]
fn times_hold_to_the_second() {
    let leeway = rules(json!({"issuer": ISSUER, "audience": [US], "leeway": 60}));
    let exact = rules(json!({"issuer": ISSUER, "audience": [US], "leeway": 0}));
    for (rules, leeway) in [(exact, 0), (leeway, 60)] {
        let cases = [
            ("exp", json!(NOW - leeway - 1), Err(TokenError::Expired)),
            ("exp", json!(NOW - leeway), Err(TokenError::Expired)),
            ("exp", json!(NOW - leeway + 1), Ok(())),
            ("exp", json!((NOW - leeway) as f64 + 0.5), Err(TokenError::Expired)),
            ("exp", json!((NOW - leeway) as f64 + 1.5), Ok(())),
            ("nbf", json!(NOW + leeway - 1), Ok(())),
            ("nbf", json!(NOW + leeway), Ok(())),
            ("nbf", json!(NOW + leeway + 1), Err(TokenError::NotYet)),
            ("nbf", json!((NOW + leeway) as f64 + 0.5), Err(TokenError::NotYet)),
            ("iat", json!(NOW + leeway), Ok(())),
            ("iat", json!(NOW + leeway + 1), Err(TokenError::NotYet)),
            ("iat", json!(0), Ok(())),
        ];
        for (name, value, expected) in cases {
            let claims = with(oidc_token(), json!({name: value}));
            assert_eq!(verdict(&rules, &claims), expected, "{name} {value} {leeway}");
        }
    }
    assert_eq!(accept(&oidc(), &oidc_token()).unwrap().1, NOW + 60 + 30);
    assert_eq!(verdict(&oidc(), &with(oidc_token(), json!({"exp": null}))), Err(TokenError::Malformed));
    assert_eq!(accept(&oidc(), &with(oidc_token(), json!({"exp": i64::MAX}))).unwrap().1, i64::MAX);
    assert_eq!(verdict(&oidc(), &with(oidc_token(), json!({"exp": -1}))), Err(TokenError::Expired));
}

#[test]
fn a_time_is_a_number() {
    for name in ["exp", "nbf", "iat"] {
        for value in [
            json!((NOW + 60).to_string()),
            json!(true),
            json!([NOW]),
            json!({}),
            json!(u64::MAX),
            json!(1e300),
        ] {
            let claims = with(oidc_token(), json!({name: value}));
            assert_eq!(verdict(&oidc(), &claims), Err(TokenError::Malformed), "{name} {value}");
        }
    }
}

/// Serializers write `null` for what they do not have; agentgateway and others do not trip over it.
#[test]
fn a_member_that_is_null_is_absent() {
    let nulls = |token: Value, names: &[&str]| {
        let mut token = token;
        names.iter().for_each(|name| token[*name] = Value::Null);
        token
    };
    let optional = [
        "nbf",
        "iat",
        "azp",
        "client_id",
        "cid",
        "appid",
        "clientId",
        "cnf",
        "nonce",
        "at_hash",
        "c_hash",
        "events",
        "typ",
        "token_use",
        "token_type",
        "scope",
        "scp",
        "groups",
        "username",
        "email",
        "jti",
        "act",
    ];
    for name in optional {
        assert_eq!(verdict(&oidc(), &nulls(oidc_token(), &[name])), Ok(()), "{name}");
    }
    assert_eq!(verdict(&oidc(), &nulls(oidc_token(), &optional)), Ok(()));
    assert_eq!(
        verdict(&cognito(), &nulls(cognito_token(), &["aud", "azp", "nbf", "cnf", "username"])),
        Ok(())
    );
    assert_eq!(
        verdict(&keycloak(), &nulls(keycloak_token(), &["aud", "client_id", "nonce", "groups"])),
        Ok(())
    );
    // What decides is missing then.
    for (name, reject) in [
        ("exp", TokenError::Malformed),
        ("sub", TokenError::Malformed),
        ("aud", TokenError::Audience),
        ("iss", TokenError::Issuer),
    ] {
        assert_eq!(verdict(&oidc(), &nulls(oidc_token(), &[name])), Err(reject), "{name}");
    }
    assert_eq!(verdict(&cognito(), &nulls(cognito_token(), &["token_use"])), Err(TokenError::Kind));
    assert_eq!(verdict(&keycloak(), &nulls(keycloak_token(), &["typ"])), Err(TokenError::Kind));
    let header = P256.token(
        "ES256",
        &json!({"kid": null, "typ": null, "cty": null, "crit": null, "x5c": null}),
        &oidc_token(),
    );
    let claims = Token::read(&header).unwrap().verify(KEYS.find(None, Algorithm::ES256).unwrap()).unwrap();
    assert_eq!(oidc().accept(claims, NOW, &|_| Vec::new()).map(drop), Ok(()));
}

/// Dex writes `at_hash` into every access token.
#[test]
fn tokens_like_id_tokens_are_accepted_where_the_settings_say_so() {
    let accepting = rules(json!({"issuer": ISSUER, "audience": [US], "accept_id_tokens": true}));
    for member in ["nonce", "at_hash", "c_hash"] {
        let claims = with(oidc_token(), json!({member: "x"}));
        assert_eq!(verdict(&oidc(), &claims), Err(TokenError::IdToken(member)));
        assert_eq!(verdict(&accepting, &claims), Ok(()), "{member}");
    }
    for (changes, reject) in [
        (json!({"at_hash": "x", "events": {}}), TokenError::Kind),
        (json!({"at_hash": "x", "typ": "ID"}), TokenError::Kind),
        (json!({"at_hash": "x", "token_use": "id"}), TokenError::Kind),
        (json!({"at_hash": "x", "aud": "other"}), TokenError::Audience),
        (json!({"at_hash": "x", "cnf": {"jkt": "x"}}), TokenError::Binding),
    ] {
        assert_eq!(verdict(&accepting, &with(oidc_token(), changes.clone())), Err(reject), "{changes}");
    }
    assert_eq!((TokenError::IdToken("nonce").reason(), TokenError::Kind.reason()), ("kind", "kind"));
}

#[test]
fn cognito_tokens_are_told_apart_by_use_and_client() {
    table(
        &cognito(),
        cognito_token,
        &[
            (json!({}), Ok(())),
            (json!({"client_id": "web", "sub": "u", "username": "alice", "cognito:groups": ["g"]}), Ok(())),
            (json!({"token_use": "id"}), Err(TokenError::Kind)),
            (json!({"token_use": "id", "aud": "m2m"}), Err(TokenError::Kind)),
            (json!({"token_use": null}), Err(TokenError::Kind)),
            (json!({"token_use": ["access"]}), Err(TokenError::Kind)),
            (json!({"client_id": "stranger"}), Err(TokenError::Audience)),
            (json!({"client_id": null}), Err(TokenError::Audience)),
            (json!({"client_id": null, "azp": "m2m"}), Err(TokenError::Audience)),
            (json!({"client_id": ["m2m"]}), Err(TokenError::Malformed)),
            (json!({"aud": "https://other.test"}), Err(TokenError::Audience)),
        ],
    );
    let bound = rules(json!({"issuer": POOL, "kind": "cognito", "clients": ["m2m"], "audience": [US]}));
    table(
        &bound,
        cognito_token,
        &[
            (json!({}), Ok(())),
            (json!({"aud": US}), Ok(())),
            (json!({"aud": "https://other.test"}), Err(TokenError::Audience)),
            (json!({"aud": US, "client_id": "stranger"}), Err(TokenError::Audience)),
        ],
    );
}

#[test]
fn keycloak_tokens_need_our_name_or_a_known_client_and_nobody_elses_name() {
    table(
        &keycloak(),
        keycloak_token,
        &[
            (json!({}), Ok(())),
            (json!({"aud": "account"}), Ok(())),
            (json!({"aud": ["account"]}), Ok(())),
            (json!({"aud": "agent"}), Ok(())),
            (json!({"aud": ["agent"]}), Ok(())),
            (json!({"aud": ["account", "agent"]}), Ok(())),
            (json!({"aud": ["realm-management", "agent", "account"]}), Ok(())),
            (json!({"aud": "web"}), Err(TokenError::Audience)),
            (json!({"aud": "web", "azp": "web"}), Err(TokenError::Audience)),
            (json!({"aud": "agent", "azp": "stranger"}), Err(TokenError::Audience)),
            (json!({"aud": "agent", "azp": null}), Err(TokenError::Audience)),
            (json!({"aud": "agent", "azp": null, "client_id": "agent"}), Err(TokenError::Audience)),
            (json!({"aud": "Agent"}), Err(TokenError::Audience)),
            (json!({"aud": "agent", "typ": "ID"}), Err(TokenError::Kind)),
            (json!({"azp": "stranger"}), Err(TokenError::Audience)),
            (json!({"azp": "stranger", "aud": "account"}), Err(TokenError::Audience)),
            (json!({"azp": null}), Err(TokenError::Audience)),
            (json!({"azp": null, "client_id": "agent"}), Err(TokenError::Audience)),
            (json!({"aud": "https://other.test"}), Err(TokenError::Audience)),
            (json!({"aud": ["account", "https://other.test"]}), Err(TokenError::Audience)),
            (json!({"aud": ["account", 1]}), Err(TokenError::Audience)),
            (json!({"aud": []}), Err(TokenError::Audience)),
            (json!({"aud": ""}), Err(TokenError::Audience)),
            (json!({"typ": "ID"}), Err(TokenError::Kind)),
            (json!({"typ": "Refresh"}), Err(TokenError::Kind)),
            (json!({"typ": "Offline"}), Err(TokenError::Kind)),
            (json!({"typ": "Logout", "events": {}}), Err(TokenError::Kind)),
            (json!({"typ": "DPoP"}), Err(TokenError::Kind)),
            (json!({"typ": "bearer"}), Err(TokenError::Kind)),
            (json!({"typ": null}), Err(TokenError::Kind)),
        ],
    );
    let named = rules(json!({"issuer": REALM, "kind": "keycloak", "clients": ["agent"], "audience": [US]}));
    table(
        &named,
        keycloak_token,
        &[
            (json!({"aud": US}), Ok(())),
            (json!({"aud": ["account", US]}), Ok(())),
            (json!({"aud": US, "azp": "stranger"}), Ok(())),
            (json!({}), Err(TokenError::Audience)),
            (json!({"aud": "account"}), Err(TokenError::Audience)),
            (json!({"aud": "agent"}), Err(TokenError::Audience)),
            (json!({"aud": ["agent", "account"]}), Err(TokenError::Audience)),
            (json!({"aud": "https://other.test"}), Err(TokenError::Audience)),
        ],
    );
    // Another of ours asked for it than the one it is for.
    let two = rules(json!({"issuer": REALM, "kind": "keycloak", "clients": ["agent", "web"]}));
    table(
        &two,
        keycloak_token,
        &[
            (json!({"aud": "web"}), Err(TokenError::Audience)),
            (json!({"aud": "web", "azp": "web"}), Ok(())),
            (json!({"aud": ["web", "agent"]}), Ok(())),
        ],
    );
}
