//! Which keys of a set are used, and for which tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Algorithm, KeySet, KeysError, NoKey, UnusableKey};
use crate::gateway::authn::jwt::sample::{ED25519, P256, P384, RSA, SampleKeyPair, encode, jwks};
use Algorithm::*;

const ALL: [Algorithm; 9] = [RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA];

fn read(keys: &[Value]) -> Result<KeySet, KeysError> {
    KeySet::read(&jwks(keys), &ALL)
}

fn algorithms(set: &KeySet) -> Vec<Algorithm> {
    set.keys.iter().map(|key| key.algorithm()).collect()
}

#[test]
fn a_key_serves_what_it_names_or_else_what_it_is_fit_for() {
    let rsa = [RS256, RS384, RS512, PS256, PS384, PS512];
    let cases: [(Value, &[Algorithm]); 10] = [
        (RSA.jwk(), &rsa),
        (RSA.jwk_with(json!({"alg": "PS384", "use": "sig", "kid": "a", "x5t": "x", "x5c": ["y"]})), &[PS384]),
        (RSA.jwk_with(json!({"key_ops": ["sign", "verify"]})), &rsa),
        (P256.jwk(), &[ES256]),
        (P256.jwk_with(json!({"alg": "ES256"})), &[ES256]),
        (P384.jwk(), &[ES384]),
        (ED25519.jwk(), &[EdDSA]),
        (ED25519.jwk_with(json!({"alg": "EdDSA"})), &[EdDSA]),
        (ED25519.jwk_with(json!({"alg": "Ed25519"})), &[EdDSA]),
        // Some libraries put a zero in front of the modulus (RFC 7518 section 6.3.1.1).
        (RSA.jwk_with(json!({"n": padded_modulus()})), &rsa),
    ];
    for (jwk, expected) in cases {
        assert_eq!(algorithms(&read(std::slice::from_ref(&jwk)).unwrap()), expected, "{jwk}");
    }
    let set = KeySet::read(&jwks(&[RSA.jwk(), P256.jwk(), ED25519.jwk()]), &[RS256, ES256]).unwrap();
    assert_eq!(algorithms(&set), [RS256, ES256]);
    assert_eq!((set.len(), set.is_empty()), (2, false));
}

/// The RSA modulus with a leading zero byte.
fn padded_modulus() -> String {
    let n = URL_SAFE_NO_PAD.decode(RSA.jwk()["n"].as_str().unwrap()).unwrap();
    encode(&[&[0][..], &n].concat())
}

#[test]
fn what_cannot_verify_is_left_out_and_the_rest_stays() {
    let bad = [
        json!("text"),
        json!({}),
        json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}),
        json!({"kty": "unheard-of"}),
        RSA.jwk_with(json!({"use": "enc", "alg": "RSA-OAEP"})),
        RSA.jwk_with(json!({"use": "enc"})),
        RSA.jwk_with(json!({"use": 1})),
        RSA.jwk_with(json!({"key_ops": ["encrypt"]})),
        RSA.jwk_with(json!({"key_ops": "verify"})),
        RSA.jwk_with(json!({"alg": "RSA-OAEP"})),
        RSA.jwk_with(json!({"alg": "HS256"})),
        RSA.jwk_with(json!({"alg": "none"})),
        RSA.jwk_with(json!({"alg": "rs256"})),
        RSA.jwk_with(json!({"alg": "ES256"})),
        RSA.jwk_with(json!({"kid": 7})),
        RSA.jwk_with(json!({"kid": "k".repeat(257)})),
        RSA.jwk_with(json!({"d": "AQAB"})),
        RSA.jwk_with(json!({"d": ""})),
        RSA.jwk_with(json!({"use": []})),
        RSA.jwk_with(json!({"key_ops": {}})),
        RSA.jwk_with(json!({"kty": "rsa"})),
        RSA.jwk_with(json!({"n": encode(&[0xff; 255])})),
        RSA.jwk_with(json!({"n": encode(&[&[0x7f][..], &[0xff; 255]].concat())})),
        RSA.jwk_with(json!({"n": encode(&[0xff; 1025])})),
        RSA.jwk_with(json!({"n": ""})),
        RSA.jwk_with(json!({"n": "not base64!"})),
        RSA.jwk_with(json!({"n": format!("{}==", encode(&[0xff; 256]))})),
        RSA.jwk_with(json!({"e": "AQ"})),
        RSA.jwk_with(json!({"e": "AA"})),
        RSA.jwk_with(json!({"e": "Ag"})),
        RSA.jwk_with(json!({"e": 65537})),
        P256.jwk_with(json!({"alg": "ES384"})),
        P256.jwk_with(json!({"crv": "P-384"})),
        P256.jwk_with(json!({"crv": "secp256k1"})),
        P256.jwk_with(json!({"y": encode(&[1; 32])})),
        P256.jwk_with(json!({"y": encode(&[1; 31])})),
        P256.jwk_with(json!({"x": null})),
        ED25519.jwk_with(json!({"crv": "X25519"})),
        ED25519.jwk_with(json!({"x": encode(&[1; 31])})),
        ED25519.jwk_with(json!({"alg": "ES256"})),
    ];
    for jwk in bad {
        let refused = read(std::slice::from_ref(&jwk)).unwrap_err();
        assert!(matches!(refused, KeysError::Unusable { count: 1, .. }), "{jwk}: {refused}");
        let set = read(&[jwk.clone(), P384.jwk_with(json!({"kid": "good"}))]).unwrap();
        assert_eq!(algorithms(&set), [ES384], "{jwk}");
    }
}

#[test]
fn a_member_that_says_nothing_is_absent() {
    let plain = RSA.jwk();
    for member in [
        json!({"d": null}),
        json!({"use": null}),
        json!({"use": ""}),
        json!({"key_ops": null}),
        json!({"key_ops": []}),
        json!({"kid": null}),
        json!({"alg": null}),
        json!({"alg": ""}),
        json!({"d": null, "p": null, "q": null, "dp": null, "dq": null, "qi": null, "oth": null, "k": null}),
        json!({"crv": null, "x": null, "y": null}),
        json!({"x5c": [1, null, "not base64!"], "x5u": {}, "x5t": null, "x5t#S256": 7, "nbf": null, "exp": {}}),
        json!({"d": null, "use": null, "key_ops": null, "kid": null, "alg": null}),
        json!({"x5c": 7, "x5t": [], "exp": "never"}),
    ] {
        let set = read(&[RSA.jwk_with(member.clone())]).unwrap();
        assert_eq!(set, read(std::slice::from_ref(&plain)).unwrap(), "{member}");
    }
}

#[test]
fn what_is_no_key_set_is_refused_whole() {
    let rsa = RSA.jwk().to_string();
    let cases = [
        (String::new(), KeysError::Malformed),
        ("[]".into(), KeysError::Malformed),
        ("{}".into(), KeysError::Malformed),
        (r#"{"keys":{}}"#.into(), KeysError::Malformed),
        (r#"{"Keys":[]}"#.into(), KeysError::Malformed),
        (format!(r#"{{"keys":[{rsa}],"keys":[]}}"#), KeysError::Malformed),
        (format!(r#"{{"keys":[{}]}}"#, rsa.replacen('{', r#"{"kty":"oct","#, 1)), KeysError::Malformed),
        (format!(r#"{{"keys":[{rsa}]}} x"#), KeysError::Malformed),
        (r#"{"keys":[]}"#.into(), KeysError::Empty),
        (r#"{"keys":[null]}"#.into(), KeysError::Empty),
    ];
    for (text, expected) in cases {
        assert_eq!(KeySet::read(text.as_bytes(), &ALL), Err(expected), "{text:.60}");
    }
    let causes = vec![UnusableKey::Kind("RSA".into())];
    assert_eq!(KeySet::read(&jwks(&[RSA.jwk()]), &[]), Err(KeysError::Unusable { count: 1, causes }));
}

#[test]
fn what_is_wrong_with_the_keys_is_said_once_for_each_cause() {
    let said =
        |keys: &[Value], allowed: &[Algorithm]| KeySet::read(&jwks(keys), allowed).unwrap_err().to_string();
    let one = |key: Value| said(&[key], &ALL);
    let weak = json!({"n": encode(&[0xff; 128])});
    for (key, cause) in [
        (RSA.jwk_with(json!({"use": "enc"})), "not for signatures"),
        (RSA.jwk_with(json!({"key_ops": ["encrypt", null]})), "not for signatures"),
        (RSA.jwk_with(json!({"d": "AQAB"})), "a private key"),
        (RSA.jwk_with(json!({"alg": "RSA-OAEP"})), "the algorithm \"RSA-OAEP\", which is not accepted"),
        (RSA.jwk_with(weak.clone()), "not between 2048 and 8192 bits"),
        (RSA.jwk_with(json!({"n": null})), "a missing or invalid member"),
        (RSA.jwk_with(json!({"kid": 7})), "a kid"),
        (P256.jwk_with(json!({"crv": "P-521"})), "the kind EC P-521"),
        (json!({"kty": "oct", "k": "c2VjcmV0"}), "the kind oct"),
        (json!("text"), "a missing or invalid member"),
    ] {
        let text = one(key.clone());
        assert!(
            text.starts_with("none of the 1 keys of the set can be used: ") && text.contains(cause),
            "{text}"
        );
        assert!(!text.contains("c2VjcmV0"), "{text}");
    }
    let (enc, weak) = (RSA.jwk_with(json!({"use": "enc"})), RSA.jwk_with(weak));
    let text = said(&[enc.clone(), weak, enc], &ALL);
    assert!(text.contains("none of the 3 keys") && text.matches("not for signatures").count() == 1, "{text}");
    assert!(text.contains("; an RSA key"), "{text}");
    let text = said(&[RSA.jwk_with(json!({"alg": "PS256"}))], &[RS256]);
    assert!(text.contains("\"PS256\", which is not accepted"), "{text}");
    let text = said(&[RSA.jwk_with(json!({"alg": "a\u{1b}[2J\n"}))], &ALL);
    assert!(!text.contains(['\u{1b}', '\n']), "{text}");
}

#[test]
fn a_key_is_found_by_its_exact_name_and_algorithm() {
    let set = KeySet::read(
        &jwks(&[
            RSA.jwk_with(json!({"kid": "r"})),
            P256.jwk_with(json!({"kid": "e"})),
            P384.jwk_with(json!({"kid": "both"})),
            ED25519.jwk_with(json!({"kid": "both"})),
            SampleKeyPair::p256().jwk(),
        ]),
        &[RS256, ES256, ES384, EdDSA],
    )
    .unwrap();
    let cases = [
        (Some("r"), RS256, Ok(RS256)),
        (Some("e"), ES256, Ok(ES256)),
        (Some("both"), ES384, Ok(ES384)),
        (Some("both"), EdDSA, Ok(EdDSA)),
        (Some("r"), ES256, Err(NoKey::Algorithm)),
        (Some("e"), RS256, Err(NoKey::Algorithm)),
        (Some("r"), PS256, Err(NoKey::Algorithm)),
        (Some("new"), PS256, Err(NoKey::Algorithm)),
        (Some("new"), RS256, Err(NoKey::Unknown)),
        (Some("R"), RS256, Err(NoKey::Unknown)),
        (Some("r "), RS256, Err(NoKey::Unknown)),
        (Some(""), RS256, Err(NoKey::Unknown)),
        (Some("../r"), RS256, Err(NoKey::Unknown)),
        (None, RS256, Ok(RS256)),
        (None, ES256, Err(NoKey::Ambiguous)),
        (None, PS256, Err(NoKey::Algorithm)),
    ];
    for (id, algorithm, expected) in cases {
        let found = set.find(id, algorithm).map(|key| key.algorithm());
        assert_eq!(found, expected, "{id:?} {algorithm:?}");
    }
    let one = KeySet::read(&jwks(&[RSA.jwk()]), &[RS256, ES256]).unwrap();
    assert_eq!(one.find(None, ES256), Err(NoKey::Unknown));
}

#[test]
fn of_two_keys_with_one_name_neither_is_used() {
    let (first, second) =
        (SampleKeyPair::p256().jwk_with(json!({"kid": "k"})), P256.jwk_with(json!({"kid": "k"})));
    let set = read(&[first.clone(), second.clone()]).unwrap();
    assert_eq!(set.find(Some("k"), ES256), Err(NoKey::Ambiguous));
    assert_eq!(set.find(None, ES256), Err(NoKey::Ambiguous));
    // The same key twice is one key.
    assert_eq!(read(&[first.clone(), first.clone()]).unwrap().len(), 1);
}

#[test]
fn sets_are_equal_if_their_keys_are() {
    let (a, b) = (P256.jwk_with(json!({"kid": "k"})), SampleKeyPair::p256().jwk_with(json!({"kid": "k"})));
    let set = read(std::slice::from_ref(&a)).unwrap();
    assert_eq!(set, read(&[a.clone(), RSA.jwk_with(json!({"use": "enc"}))]).unwrap());
    assert_ne!(set, read(&[b]).unwrap());
    assert_ne!(set, read(&[P256.jwk_with(json!({"kid": "other"}))]).unwrap());
    assert_ne!(set, read(&[a.clone(), RSA.jwk()]).unwrap());
    let (all, pkcs1) = (read(&[RSA.jwk()]).unwrap(), KeySet::read(&jwks(&[RSA.jwk()]), &[RS256]).unwrap());
    assert_ne!(all, pkcs1);
    assert!(!format!("{all:?}").contains(RSA.jwk()["n"].as_str().unwrap()));
}

proptest! {
    #[test]
    fn any_document_is_read_or_refused(text in r#"\{"keys":\[(\{("(kty|crv|n|e|x|y|alg|use|kid)":"(RSA|EC|OKP|P-256|Ed25519|sig|RS256|AQAB|[A-Za-z0-9_-]{0,90})",?){0,6}\},?){0,3}\]\}"#) {
        if let Ok(set) = KeySet::read(text.as_bytes(), &[RS256, ES256]) {
            prop_assert!(set.keys.iter().all(|key| [RS256, ES256].contains(&key.algorithm())));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = KeySet::read(&bytes, &ALL);
    }
}
