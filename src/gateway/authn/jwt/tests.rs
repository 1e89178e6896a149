//! Forged, bent and odd tokens, each signed for real where that could help it; and the RFCs' own.

use aws_lc_rs::hmac;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::sample::{ED25519, P256, P384, RSA, SampleKeyPair, encode, jwks};
use super::{Jws, MAX_TOKEN, Token, TokenError, decode};
use crate::gateway::authn::keys::KeySet;
use crate::gateway::settings::Algorithm::{self, *};

const ALL: [Algorithm; 9] = [RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA];

/// Everything the pipeline does up to the claims.
fn verify(text: &str, set: &KeySet) -> Result<Value, TokenError> {
    let token = Token::read(text)?;
    let key = set.find(token.key_id(), token.algorithm())?;
    Ok(Value::Object(token.verify(key)?.into_members()))
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::read(&jwks(keys), &ALL).unwrap()
}

#[test]
fn every_algorithm_verifies_its_own_and_nothing_else() {
    let pairs: [(&SampleKeyPair, &str); 9] = [
        (&RSA, "RS256"),
        (&RSA, "RS384"),
        (&RSA, "RS512"),
        (&RSA, "PS256"),
        (&RSA, "PS384"),
        (&RSA, "PS512"),
        (&P256, "ES256"),
        (&P384, "ES384"),
        (&ED25519, "EdDSA"),
    ];
    let claims = json!({"iss": "a", "n": 1});
    for (pair, alg) in pairs {
        let keys = set(&[pair.jwk_with(json!({"kid": "k"}))]);
        let text = pair.token(alg, &json!({"kid": "k"}), &claims);
        assert_eq!(verify(&text, &keys), Ok(claims.clone()), "{alg}");
        assert_eq!(Token::read(&text).unwrap().issuer(), Some("a"), "{alg}");

        let (signed, signature) = text.rsplit_once('.').unwrap();
        let mut bent = decode(signature).unwrap();
        bent[7] ^= 1;
        let other = pair.token(alg, &json!({"kid": "k"}), &json!({"iss": "b"}));
        for forged in [
            format!("{signed}.{}", encode(&bent)),
            format!("{signed}.{}", encode(&bent[1..])),
            format!("{signed}.{}", encode(&[0; 64])),
            format!("{}.{signature}", other.rsplit_once('.').unwrap().0),
        ] {
            assert_eq!(verify(&forged, &keys), Err(TokenError::Signature), "{alg} {forged}");
        }
        // The same key, but the header asks for another algorithm than the signature was made with.
        for (_, asked) in pairs.iter().filter(|(_, asked)| *asked != alg) {
            let header = json!({"alg": asked, "kid": "k"}).to_string();
            let outcome = verify(&pair.token_as(alg, &header, "{}"), &keys);
            assert!(
                matches!(outcome, Err(TokenError::Signature | TokenError::Algorithm)),
                "{alg} as {asked}: {outcome:?}"
            );
        }
    }
    assert_eq!(verify(&ED25519.token("Ed25519", &json!({}), &claims), &set(&[ED25519.jwk()])), Ok(claims));
}

#[test]
fn a_key_is_bound_to_its_algorithm_whatever_the_token_asks() {
    let keys = set(&[RSA.jwk_with(json!({"alg": "RS256", "kid": "k"}))]);
    for alg in ["PS256", "RS512", "ES256"] {
        let text = RSA.token(alg, &json!({"kid": "k"}), &json!({}));
        assert_eq!(verify(&text, &keys), Err(TokenError::Algorithm), "{alg}");
        // Even a key that was found in some other way.
        let key = keys.find(Some("k"), RS256).unwrap();
        assert_eq!(Token::read(&text).unwrap().verify(key).err(), Some(TokenError::Algorithm), "{alg}");
    }
}

#[test]
fn none_and_symmetric_signatures_are_refused_by_name() {
    let public = RSA.jwk()["n"].as_str().unwrap().to_owned();
    for alg in
        ["none", "None", "NONE", "HS256", "HS384", "HS512", "hs256", "rs256", "RS256 ", "ES512", "ES256K", ""]
    {
        let signed = format!("{}.{}", encode(json!({"alg": alg}).to_string().as_bytes()), encode(b"{}"));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, public.as_bytes()), signed.as_bytes());
        for signature in ["", "AA", &encode(tag.as_ref())] {
            let refused = Token::read(&format!("{signed}.{signature}")).err();
            assert_eq!(refused, Some(TokenError::Algorithm), "{alg:?}");
        }
    }
    // The public key as the secret, under the name of an algorithm that is accepted.
    let signed = format!("{}.{}", encode(br#"{"alg":"RS256"}"#), encode(b"{}"));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, public.as_bytes()), signed.as_bytes());
    let forged = format!("{signed}.{}", encode(tag.as_ref()));
    assert_eq!(verify(&forged, &set(&[RSA.jwk()])), Err(TokenError::Signature));
}

#[test]
fn kid_names_a_key_of_the_set_and_nothing_else() {
    let keys = set(&[P256.jwk_with(json!({"kid": "good"}))]);
    let stranger = SampleKeyPair::p256();
    let cases = [
        (json!({"kid": "good"}), Err(TokenError::Signature)),
        (json!({"kid": "GOOD"}), Err(TokenError::Key)),
        (json!({"kid": "good\u{0}"}), Err(TokenError::Key)),
        (json!({"kid": "../../dev/null"}), Err(TokenError::Key)),
        (json!({"kid": "' UNION SELECT 'good"}), Err(TokenError::Key)),
        (json!({"kid": "k".repeat(256)}), Err(TokenError::Key)),
        (json!({"kid": "k".repeat(257)}), Err(TokenError::Malformed)),
        (json!({"kid": 1}), Err(TokenError::Malformed)),
        (json!({"kid": null}), Err(TokenError::Signature)),
        (json!({"kid": ["good"]}), Err(TokenError::Malformed)),
        (json!({}), Err(TokenError::Signature)),
    ];
    for (header, expected) in cases {
        assert_eq!(verify(&stranger.token("ES256", &header, &json!({})), &keys), expected, "{header}");
    }
}

#[test]
fn a_header_that_wants_more_than_a_signature_is_refused() {
    let keys = set(&[P256.jwk()]);
    let cases = [
        (json!({"crit": ["exp"], "exp": 1}), TokenError::Header),
        (json!({"crit": []}), TokenError::Header),
        (json!({"b64": false, "crit": ["b64"]}), TokenError::Header),
        (json!({"b64": true}), TokenError::Header),
        (json!({"jku": "https://evil.test/jwks"}), TokenError::Header),
        (json!({"jwk": P256.jwk()}), TokenError::Header),
        (json!({"x5u": "https://evil.test/cert"}), TokenError::Header),
        (json!({"x5c": ["MIIB"]}), TokenError::Header),
        (json!({"zip": "DEF"}), TokenError::Header),
        (json!({"JKU": "https://evil.test/jwks"}), TokenError::Header),
        (json!({"Alg": "none"}), TokenError::Header),
        (json!({"KID": "k"}), TokenError::Header),
        (json!({"cty": "JWT"}), TokenError::Header),
        (json!({"cty": "application/jwt"}), TokenError::Header),
        (json!({"cty": 1}), TokenError::Malformed),
        (json!({"typ": 1}), TokenError::Malformed),
    ];
    for (header, expected) in cases {
        let text = P256.token("ES256", &header, &json!({}));
        assert_eq!(verify(&text, &keys), Err(expected), "{header}");
    }
    for header in
        [json!({"x5t": "AA", "x5t#S256": "AA", "cty": "json"}), json!({"unheard-of": {}, "typ": "JWT"})]
    {
        let text = P256.token("ES256", &header, &json!({}));
        assert_eq!(verify(&text, &keys), Ok(json!({})), "{header}");
    }
}

#[test]
fn header_and_claims_are_one_strict_object_each() {
    let keys = set(&[P256.jwk()]);
    let plain = r#"{"alg":"ES256"}"#;
    let cases: [(&str, &str, Result<Value, TokenError>); 18] = [
        // Keycloak writes blanks into its header.
        (r#"{"alg":"ES256","typ" : "JWT"}"#, r#" {"a": 1} "#, Ok(json!({"a": 1}))),
        ("{\"alg\":\r\n\"ES256\"}", "{}", Ok(json!({}))),
        (r#"{"alg":"\u0045S256"}"#, r#"{"\u0061":1}"#, Ok(json!({"a": 1}))),
        (plain, r#"{"a":1,"A":2}"#, Ok(json!({"a": 1, "A": 2}))),
        (r#"{"alg":"none","alg":"ES256"}"#, "{}", Err(TokenError::Malformed)),
        (r#"{"alg":"ES256","\u0061lg":"ES256"}"#, "{}", Err(TokenError::Malformed)),
        (r#"["ES256"]"#, "{}", Err(TokenError::Malformed)),
        (r#"{"kid":"a"}"#, "{}", Err(TokenError::Malformed)),
        (r#"{"alg":["ES256"]}"#, "{}", Err(TokenError::Malformed)),
        (r#"{"alg":"ES256"} {}"#, "{}", Err(TokenError::Malformed)),
        ("\u{feff}{\"alg\":\"ES256\"}", "{}", Err(TokenError::Malformed)),
        (plain, r#"{"sub":"a","sub":"b"}"#, Err(TokenError::Malformed)),
        (plain, r#"{"realm_access":{"roles":[],"roles":["admin"]}}"#, Err(TokenError::Malformed)),
        (plain, "[]", Err(TokenError::Malformed)),
        (plain, "\"text\"", Err(TokenError::Malformed)),
        (plain, "", Err(TokenError::Malformed)),
        (plain, "{}{}", Err(TokenError::Malformed)),
        (plain, "\u{feff}{}", Err(TokenError::Malformed)),
    ];
    for (header, claims, expected) in cases {
        assert_eq!(verify(&P256.token_as("ES256", header, claims), &keys), expected, "{header} {claims}");
    }
}

#[test]
fn a_token_has_three_parts_of_canonical_base64url() {
    let keys = set(&[P256.jwk()]);
    let good = P256.token("ES256", &json!({"kid": "a?>"}), &json!({}));
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!() };
    // 64 bytes leave four bits over in the last character: `A` becomes `B`, and the bytes stay the same.
    let mut leftover = signature.to_owned();
    let last = leftover.pop().unwrap();
    leftover.push(char::from(last as u8 + 1));
    let bad = [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        header.into(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!(".{claims}.{signature}"),
        format!("{header}..{signature}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.AA"),
        format!("{good}.AA.AA"),
        format!("{good}="),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}=.{signature}"),
        format!("{good}\n"),
        format!(" {good}"),
        format!("{header} .{claims}.{signature}"),
        format!("{header}.{claims}.{}+/", signature),
        format!("{header}.{claims}.{leftover}"),
        format!("{header}.e30A.{signature}"),
        format!("{header}.{claims}.\u{fc}"),
        json!({"payload": claims, "protected": header, "signature": signature}).to_string(),
    ];
    for text in bad {
        assert_eq!(verify(&text, &keys), Err(TokenError::Malformed), "{text}");
    }
    let long = P256.token("ES256", &json!({}), &json!({"a": "x".repeat(MAX_TOKEN)}));
    assert_eq!(verify(&long, &keys), Err(TokenError::Malformed));
}

/// RFC 7515 appendices A.2 and A.3, RFC 8037 appendix A.4.
#[test]
fn the_rfcs_own_signatures_verify() {
    let claims =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let cases = [
        (
            json!({"kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-\
                Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kp\
                aSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFv\
                UK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}),
            format!(
                "eyJhbGciOiJSUzI1NiJ9.{claims}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-\
                0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQB\
                MHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8n\
                p6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
            ),
        ),
        (
            json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}),
            format!(
                "eyJhbGciOiJFUzI1NiJ9.{claims}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqP\
                P3-Kg6NU1Q"
            ),
        ),
        (
            json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4\
             ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
                .into(),
        ),
    ];
    for (jwk, text) in cases {
        let keys = set(&[jwk]);
        let jws = Jws::read(&text).unwrap();
        let key = keys.find(jws.key_id(), jws.algorithm()).unwrap();
        assert!(jws.verify(key).is_ok(), "{text}");
    }
}

#[test]
fn nothing_of_a_token_is_printed() {
    let text = P256.token("ES256", &json!({"kid": "key-name"}), &json!({"sub": "alice"}));
    let token = Token::read(&text).unwrap();
    let printed = format!("{token:?} {:?}", token.jws);
    assert_eq!(printed, "Token(ES256) Jws(ES256)");
    let claims = token.verify(set(&[P256.jwk_with(json!({"kid": "key-name"}))]).find(None, ES256).unwrap());
    assert_eq!(format!("{:?}", claims.unwrap()), "Claims(1)");
}

proptest! {
    /// Whatever is read is made of its parts again, byte for byte, and asks for an algorithm we know.
    #[test]
    fn any_text_is_read_or_refused(text in r#"(eyJhbGciOiJFUzI1NiJ9|eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ|[A-Za-z0-9_=+. -]{0,30})(\.(e30|eyJhIjoxfQ|[A-Za-z0-9_-]{0,30})){0,4}"#) {
        if let Ok(token) = Token::read(&text) {
            let again = format!("{}.{}", token.jws.signed, encode(&token.jws.signature));
            prop_assert_eq!(&again, &text);
            let payload = token.jws.signed.rsplit_once('.').unwrap().1;
            prop_assert_eq!(payload, encode(&token.jws.payload));
            prop_assert!(ALL.contains(&token.algorithm()));
        }
    }

    #[test]
    fn no_text_at_all_panics(text in ".{0,200}") {
        prop_assert!(Token::read(&text).is_err());
    }

    /// One changed character anywhere, and the token is refused.
    #[test]
    fn one_changed_character_is_noticed(at in any::<prop::sample::Index>(), with in "[A-Za-z0-9_.-]") {
        let good = ED25519.token("EdDSA", &json!({"kid": "k"}), &json!({"iss": "a", "sub": "b", "exp": 1}));
        let at = at.index(good.len());
        let mut bent = good.clone();
        bent.replace_range(at..at + 1, &with);
        prop_assume!(bent != good);
        let keys = set(&[ED25519.jwk_with(json!({"kid": "k"}))]);
        prop_assert!(verify(&bent, &keys).is_err());
    }
}
