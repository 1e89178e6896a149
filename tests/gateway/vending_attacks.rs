//! Forged and foreign tokens in the form of the gateway's own: each is refused before a server hears of it. Not here:
//! the tokens of other issuers (see `attacks` and `odd_tokens`).

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcpauth::oauth::SigningKey;
use mcpauth::secret::Secret;
use mcpauth::sys::clock;
use serde_json::{Value, json};

use super::vending::{OWN, claims, exchange, lab, p256, vended, vends};
use crate::support::lab::Lab;
use crate::support::mint::{Key, encoded};

/// A good vended token's claims, and the key that signs them.
struct Forge {
    lab: Lab,
    key: SigningKey,
    claims: Value,
}

impl Forge {
    fn new() -> Self {
        let lab = lab();
        let pem = fs::read_to_string(lab.path("keys/one.pem")).unwrap();
        let key = SigningKey::from_elliptic_pem(&Secret::new(pem)).unwrap();
        let claims = claims(&vended(&lab, &lab.token("worker"), &[]));
        Self { lab, key, claims }
    }

    fn with(&self, instead: &[(&str, Value)]) -> Value {
        let mut claims = self.claims.clone();
        for (name, value) in instead {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().shift_remove(*name)),
                value => claims[*name] = value.clone(),
            }
        }
        claims
    }

    fn signed(&self, typ: &str, claims: &Value) -> String {
        self.key.sign(typ, claims).unwrap().expose().to_owned()
    }

    #[track_caller]
    fn status(&self, token: &str) -> u16 {
        self.lab.call(token, "alpha", "echo").status
    }
}

#[test]
fn a_token_that_says_something_else_is_refused() {
    let forge = Forge::new();
    assert_eq!(forge.status(&forge.signed("at+jwt", &forge.claims)), 200, "the forge works");
    let now = clock::now();
    for (name, value) in [
        ("iss", json!("https://other-gateway.test")),
        ("iss", json!(OWN.trim_end_matches('/'))),
        ("iss", json!([OWN])),
        ("aud", json!("https://other-gateway.test")),
        ("aud", json!(["https://other-gateway.test"])),
        ("aud", json!([])),
        ("aud", json!(null)),
        ("exp", json!(now - 60)),
        ("exp", json!(null)),
        ("exp", json!("9999999999")),
        ("iat", json!(now + 600)),
        ("nbf", json!(now + 600)),
        ("sub", json!("")),
        ("sub", json!(null)),
        ("jti", json!(null)),
        ("jti", json!("")),
        ("scope", json!(null)),
        ("scope", json!(["worker"])),
        ("owner", json!(null)),
        ("owner", json!({"iss": "https://nobody.test", "scopes": ["worker"]})),
        ("owner", json!({"iss": OWN, "scopes": ["worker"]})),
        ("authorization_details", json!([{"type": "mcp", "server": "alpha", "tool": ["echo"]}])),
        ("authorization_details", json!([{"type": "other", "server": "alpha"}])),
        ("authorization_details", json!({"type": "mcp", "server": "alpha"})),
        ("authorization_details", json!("alpha")),
        ("cnf", json!({"jkt": "x"})),
        ("events", json!({})),
        ("token_use", json!("id")),
        ("typ", json!("ID")),
    ] {
        let token = forge.signed("at+jwt", &forge.with(&[(name, value.clone())]));
        assert_eq!(forge.status(&token), 401, "{name}: {value}");
    }
    // The clocks of gateways that share their keys may differ a little.
    for (name, value) in [("iat", json!(now + 5)), ("nbf", json!(now + 5)), ("exp", json!(now - 5))] {
        let token = forge.signed("at+jwt", &forge.with(&[(name, value)]));
        assert_eq!(forge.status(&token), 200, "{name}");
    }
    // Nothing is named: nothing is open.
    for details in [json!([]), json!([{"type": "mcp", "server": "alpha", "tools": [], "methods": []}])] {
        let token = forge.signed("at+jwt", &forge.with(&[("authorization_details", details)]));
        assert_eq!(forge.status(&token), 403);
    }
    assert_eq!(forge.status(&forge.signed("at+jwt", &forge.with(&[("scope", json!(""))]))), 403);
}

#[test]
fn another_typ_is_another_thing() {
    let forge = Forge::new();
    for typ in ["JWT", "jwt", "", "logout+jwt", "dpop+jwt", "at+jws", "at+jwt ", "id+jwt", "application/jwt"]
    {
        assert_eq!(forge.status(&forge.signed(typ, &forge.claims)), 401, "{typ:?}");
    }
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        assert_eq!(forge.status(&forge.signed(typ, &forge.claims)), 200, "{typ:?}");
    }
}

#[test]
fn no_algorithm_and_no_key_but_its_own_will_do() {
    let forge = Forge::new();
    let public = forge.key.public().unwrap();
    let kid = public["kid"].as_str().unwrap().to_owned();
    let payload = &forge.claims;
    let join = |header: Value, signature: &[u8]| {
        format!("{}.{}.{}", encoded(&header), encoded(payload), URL_SAFE_NO_PAD.encode(signature))
    };
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        for signature in [&b""[..], b"x"] {
            assert_eq!(
                forge.status(&join(json!({"alg": alg, "typ": "at+jwt", "kid": kid}), signature)),
                401,
                "{alg}"
            );
        }
    }
    // The public half in every form that has served as a secret, by the algorithm of a confused library.
    let stranger = Key::new("stranger");
    let point = |name: &str| URL_SAFE_NO_PAD.decode(public[name].as_str().unwrap()).unwrap();
    let raw = [&[4][..], &point("x"), &point("y")].concat();
    for secret in [public.to_string().into_bytes(), raw, kid.clone().into_bytes(), Vec::new()] {
        assert_eq!(forge.status(&stranger.confuse(payload, &secret)), 401);
    }
    for alg in ["ES384", "ES512", "EdDSA", "RS256", "PS256", "HS256", "es256", "ES256K"] {
        let good = forge.signed("at+jwt", payload);
        let signature = URL_SAFE_NO_PAD.decode(good.rsplit('.').next().unwrap()).unwrap();
        assert_eq!(
            forge.status(&join(json!({"alg": alg, "typ": "at+jwt", "kid": kid}), &signature)),
            401,
            "{alg}"
        );
    }
    // Another key by the right name, and the right claims by names that lead elsewhere.
    for kid in [
        kid.as_str(),
        "",
        "../keys/one.pem",
        "/dev/null",
        "../../etc/passwd",
        "keys/one.pem",
        "one",
        "0",
        "' OR 1=1 --",
        "*",
    ] {
        assert_eq!(forge.status(&stranger.sign(json!({"kid": kid}), payload)), 401, "{kid}");
    }
    for header in ["jwk", "jku", "x5u", "x5c", "crit", "b64"] {
        let value = if header == "jwk" { stranger.public() } else { json!(["x"]) };
        assert_eq!(
            forge.status(&stranger.sign(json!({"kid": kid, header: value}), payload)),
            401,
            "{header}"
        );
    }
    assert_eq!(forge.status(&stranger.sign(json!({"kid": null}), payload)), 401);
    assert_eq!(forge.lab.arrived(), 0);
}

#[test]
fn a_token_for_another_gateway_is_refused_there_and_here() {
    let one = lab();
    let two = Lab::with(|settings, dir| {
        vends(settings, dir, &p256());
        settings.issuers = vec![crate::support::lab::issuer(one.idp.issuer())];
    });
    // The same issuer by name, with other keys; and with the same keys another name.
    let three = Lab::with(|settings, dir| {
        vends(settings, dir, &fs::read_to_string(one.path("keys/one.pem")).unwrap());
        settings.issuers = vec![crate::support::lab::issuer(one.idp.issuer())];
        settings.vending.as_mut().unwrap().issuer = "http://127.0.0.1:10/".into();
    });
    let plain =
        Lab::with(|settings, _| settings.issuers = vec![crate::support::lab::issuer(one.idp.issuer())]);
    let token = vended(&one, &one.token("worker"), &[]);
    one.call(&token, "alpha", "echo").status(200);
    for other in [&two, &three, &plain] {
        other.call(&token, "alpha", "echo").status(401);
        other.call(&one.token("worker"), "alpha", "echo").status(200);
    }
    // Nor is it a token to be exchanged there.
    for other in [&two, &three] {
        assert_eq!(exchange(other, &token, &[]).status(400).json()["error"], "invalid_request");
    }
}
