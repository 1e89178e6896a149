//! Which tokens are accepted, over the wire: from which issuer, with keys that change, are unknown or unavailable,
//! several issuers, introspection, identity headers, and revoked tokens. Not here: forged and malformed tokens (see
//! `odd_tokens`); permissions (see the other themes).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use mcpauth::gateway::settings::{Introspection, IssuerSettings};
use mcpauth::sys::private_file;
use serde_json::{Value, json};

use crate::support::lab::{ALLOWED, Answer, Lab, call, until};
use crate::support::mint::{Key, Mint};
use crate::support::wire::{get, send};

/// A lab that accepts only these issuers.
fn lab(issuers: Vec<IssuerSettings>) -> Lab {
    Lab::with(|settings, _| settings.issuers = issuers)
}

fn ask(lab: &Lab, token: &str) -> Answer {
    lab.call(token, "alpha", "echo")
}

/// The reason of a 401, which has a challenge that names the error.
#[track_caller]
fn rejected(answer: Answer) -> String {
    let answer = answer.status(401);
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer error=\"invalid_token\", error_description=\""), "{challenge}");
    assert!(challenge.contains("resource_metadata=\"http://"), "{challenge}");
    answer.json()["error"]["data"]["reason"].as_str().unwrap().to_owned()
}

#[test]
fn each_issuers_keys_are_good_for_its_own_tokens_alone() {
    let keys = [Key::new("same"), Key::new("same"), Key::new("same")];
    let mints = keys.each_ref().map(|key| Mint::of(&[key]));
    let lab = lab(mints.iter().map(Mint::settings).collect());
    for (at, mint) in mints.iter().enumerate() {
        for (by, key) in keys.iter().enumerate() {
            let answer = ask(&lab, &mint.token(key));
            match at == by {
                true => drop(answer.status(200)),
                false => assert_eq!(rejected(answer), "signature", "{at} {by}"),
            }
        }
    }
    let document =
        get(&format!("{}/.well-known/oauth-protected-resource/alpha/mcp", lab.gateway.public_url()));
    let document: Value = serde_json::from_str(&document.body).unwrap();
    assert_eq!(document["authorization_servers"], json!(mints.each_ref().map(Mint::issuer)));
}

#[test]
fn a_flood_of_unknown_keys_asks_the_issuer_a_few_times_at_most() {
    let key = Key::new("k");
    let mint = Mint::of(&[&key]);
    let lab = lab(vec![mint.settings()]);
    until("keys", || lab.gateway.is_ready());
    let before = mint.fetches();
    let began = std::time::Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (lab, mint, key) = (&lab, &mint, &key);
            scope.spawn(move || {
                for n in 0..50 {
                    let header = json!({"kid": format!("unknown-{thread}-{n}")});
                    let answer = ask(lab, &key.sign(header, &mint.claims(json!({}))));
                    assert_eq!(rejected(answer), "key");
                }
            });
        }
    });
    // One each five seconds, however many tokens there are.
    let allowed = 1 + began.elapsed().as_secs() / 5;
    let fetched = mint.fetches() - before;
    assert!((1..=allowed).contains(&(fetched as u64)), "{fetched} of {allowed}");
    ask(&lab, &mint.token(&key)).status(200);
}

#[test]
fn keys_change_without_a_refused_request() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let mint = Mint::of(&[&old]);
    let lab = lab(vec![mint.settings()]);
    // A token that arrives before the first keys causes a fetch, too, and no further one for a while.
    until("keys", || lab.gateway.is_ready());
    ask(&lab, &mint.token(&old)).status(200);
    *mint.keys.lock().unwrap() = Ok(vec![old.public(), new.public()]);
    std::thread::scope(|scope| {
        for key in [&old, &new, &old, &new] {
            let (lab, mint) = (&lab, &mint);
            scope.spawn(move || (0..10).for_each(|_| drop(ask(lab, &mint.token(key)).status(200))));
        }
    });
}

/// A reinstalled provider starts again with the name that its first key had.
#[test]
fn a_new_key_under_an_old_name_is_found_at_the_limited_rate() {
    for name in [json!({}), json!({"kid": null})] {
        let (old, new) = (Key::new("k"), Key::new("k"));
        let mint = Mint::of(&[&old]);
        let lab = lab(vec![mint.settings()]);
        until("keys", || lab.gateway.is_ready());
        let token =
            |key: &Key, n: usize| key.sign(name.clone(), &mint.claims(json!({"jti": format!("{n}")})));
        ask(&lab, &token(&old, 0)).status(200);
        *mint.keys.lock().unwrap() = Ok(vec![new.public()]);
        let before = mint.fetches();
        ask(&lab, &token(&new, 1)).status(200);
        assert_eq!(mint.fetches(), before + 1, "{name}");
        // What was good by the old key is not remembered past it.
        assert_eq!(rejected(ask(&lab, &token(&old, 0))), "signature");
        ask(&lab, &token(&new, 2)).status(200);
        let began = std::time::Instant::now();
        (0..40).for_each(|n| assert_eq!(rejected(ask(&lab, &token(&old, n))), "signature"));
        let allowed = 1 + began.elapsed().as_secs() / 2;
        let fetched = mint.fetches() - before - 1;
        assert!(fetched as u64 <= allowed, "{fetched} of {allowed}");
    }
}

/// The place of the keys may change in the metadata while the old one still answers.
#[test]
fn keys_that_moved_are_found() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let (moved, published) = (Arc::new(AtomicBool::new(false)), new.public());
    let has_moved = moved.clone();
    let mint = Mint::with(&[&old], move |asked| {
        let base = format!("http://{}", asked.head.split("host: ").nth(1).unwrap().lines().next().unwrap());
        if asked.head.contains(" /moved ") {
            return (200, json!({"keys": [published]}).to_string());
        }
        let place = if has_moved.load(Ordering::Relaxed) { "moved" } else { "jwks" };
        (200, json!({"issuer": base, "jwks_uri": format!("{base}/{place}")}).to_string())
    });
    let lab = lab(vec![IssuerSettings { jwks_uri: None, ..mint.settings() }]);
    until("keys", || lab.gateway.is_ready());
    ask(&lab, &mint.token(&old)).status(200);
    moved.store(true, Ordering::Relaxed);
    ask(&lab, &mint.token(&new)).status(200);
    assert_eq!(rejected(ask(&lab, &mint.token(&old))), "key");
}

/// Every access token of Dex has `at_hash`.
#[test]
fn a_token_like_an_id_token_is_refused_with_the_switch_that_accepts_it_in_the_log() {
    let key = Key::new("k");
    let mint = Mint::of(&[&key]);
    let token = |member: &str, n: usize| {
        key.sign(json!({}), &mint.claims(json!({member: "x", "jti": format!("{n}")})))
    };
    for (n, member) in ["at_hash", "nonce", "c_hash"].into_iter().enumerate() {
        let strict = lab(vec![mint.settings()]);
        (0..3).for_each(|again| assert_eq!(rejected(ask(&strict, &token(member, n + again))), "kind"));
        let said: Vec<_> =
            strict.kept.events().into_iter().filter(|event| event.starts_with("token: ")).collect();
        assert_eq!(said.len(), 1, "once a minute: {said:?}");
        for word in [mint.issuer(), member, "accept_id_tokens: true"] {
            assert!(said[0].contains(word), "{word}: {said:?}");
        }
        assert_eq!(strict.arrived(), 0);
        let accepting = lab(vec![IssuerSettings { accept_id_tokens: true, ..mint.settings() }]);
        ask(&accepting, &token(member, n)).status(200);
        let foreign = key.sign(json!({}), &mint.claims(json!({member: "x", "aud": "another-service"})));
        assert_eq!(rejected(ask(&accepting, &foreign)), "audience");
    }
}

#[test]
fn while_an_issuer_is_down_known_keys_work_and_nothing_else() {
    let (key, new) = (Key::new("k"), Key::new("new"));
    let mint = Mint::of(&[&key]);
    let lab = lab(vec![mint.settings()]);
    ask(&lab, &mint.token(&key)).status(200);
    for down in [Err(500), Ok(vec![])] {
        *mint.keys.lock().unwrap() = down;
        assert_eq!(rejected(ask(&lab, &mint.token(&new))), "key");
        let fresh = key.sign(json!({}), &mint.claims(json!({"jti": "another"})));
        ask(&lab, &fresh).status(200);
        assert_eq!(rejected(ask(&lab, &key.sign(json!({}), &mint.claims(json!({"aud": "x"}))))), "audience");
    }
}

#[test]
fn an_issuer_that_never_answered_lets_nobody_in_and_bars_nobody_elses_callers() {
    let (key, there) = (Key::new("k"), Key::new("there"));
    let (down, up) = (Mint::of(&[&key]), Mint::of(&[&there]));
    *down.keys.lock().unwrap() = Err(503);
    let lab = lab(vec![down.settings(), up.settings()]);
    let answer = ask(&lab, &down.token(&key)).status(503);
    assert_eq!(answer.json()["error"]["data"]["reason"], "issuer_down");
    assert_eq!((answer.header("retry-after"), answer.header("www-authenticate")), (Some("1"), None));
    assert_eq!((lab.gateway.is_ready(), lab.arrived()), (false, 0));
    assert_eq!(get(&format!("{}/readyz", lab.gateway.public_url())).status, 503);
    ask(&lab, &up.token(&there)).status(200);
}

#[test]
fn an_issuer_whose_keys_are_all_unusable_is_not_said_to_be_silent() {
    let key = Key::new("k");
    for (odd, cause) in [
        (json!({"use": "enc"}), "a key that is not for signatures"),
        (json!({"d": "AQAB"}), "a private key"),
        (json!({"alg": "RSA-OAEP"}), "the algorithm \"RSA-OAEP\""),
        (json!({"kty": "oct", "k": "c2VjcmV0"}), "the kind oct"),
    ] {
        let mint = Mint::of(&[&key]);
        let mut jwk = key.public();
        jwk.as_object_mut().unwrap().extend(odd.as_object().unwrap().clone());
        *mint.keys.lock().unwrap() = Ok(vec![Value::Null, jwk]);
        let lab = lab(vec![mint.settings()]);
        let answer = ask(&lab, &mint.token(&key)).status(503);
        let error = &answer.json()["error"];
        let said = error["message"].as_str().unwrap();
        assert_eq!(error["data"]["reason"], "issuer_down");
        assert!(said.contains("no key that can be used") && !said.contains("does not answer"), "{said}");
        let logged = |event: &String| event.starts_with("keys: ") && event.contains(cause);
        // The line follows the state that was answered from.
        until(cause, || lab.kept.events().iter().any(logged));
        assert!(!lab.kept.events().iter().any(|event| event.contains("c2VjcmV0")));
        // And good ones next to them are used.
        mint.keys.lock().unwrap().as_mut().unwrap().push(key.public());
        until("keys", || ask(&lab, &mint.token(&key)).status == 200);
    }
}

#[test]
fn an_opaque_token_is_good_if_its_issuer_says_so() {
    let reply = Arc::new(Mutex::new((200, String::new())));
    let script = reply.clone();
    let mint = Mint::with(&[], move |_| script.lock().unwrap().clone());
    let lab = Lab::with(|settings, dir| {
        let secret = dir.join("secret");
        private_file::write(&secret, "s3cret+\n").unwrap();
        let introspection = Introspection {
            endpoint: Some(format!("{}/introspect", mint.issuer())),
            client_id: "gate way".into(),
            client_secret: secret,
            cache: 30,
        };
        settings.issuers = vec![IssuerSettings { introspection: Some(introspection), ..mint.settings() }];
    });
    let active = mint.claims(json!({"active": true}));
    let with = |name: &str, value: Value| {
        let mut reply = active.clone();
        reply[name] = value;
        reply.to_string()
    };
    for (nth, (body, status, reason)) in [
        (with("active", json!(false)), 401, "inactive"),
        (with("active", json!("true")), 401, "inactive"),
        (r#"{"active": false}"#.into(), 401, "inactive"),
        (with("aud", json!("other")), 401, "audience"),
        (with("iss", json!("other")), 401, "issuer"),
        (with("exp", json!(1)), 401, "expired"),
        (with("cnf", json!({})), 401, "binding"),
    ]
    .into_iter()
    .enumerate()
    {
        *reply.lock().unwrap() = (200, body.clone());
        let answer = ask(&lab, &format!("opaque-{nth}"));
        assert_eq!((answer.status, rejected(answer).as_str()), (status, reason), "{body}");
    }
    for (nth, body) in ["<html>", r#"{"active": false, "active": true}"#].into_iter().enumerate() {
        *reply.lock().unwrap() = (200, body.into());
        let answer = ask(&lab, &format!("unread-{nth}")).status(503);
        assert_eq!(answer.json()["error"]["data"]["reason"], "issuer_down", "{body}");
    }
    *reply.lock().unwrap() = (500, active.to_string());
    assert_eq!(ask(&lab, "down").status(503).json()["error"]["data"]["reason"], "issuer_down");
    assert_eq!(lab.arrived(), 0);
    *reply.lock().unwrap() = (200, active.to_string());
    ask(&lab, "good/+=").status(200);
    let asked = mint.server.asked();
    let last = asked.last().unwrap();
    assert_eq!(last.field("token").as_deref(), Some("good/+="));
    assert!(last.head.contains("authorization: Basic Z2F0ZSt3YXk6czNjcmV0JTJC"), "{}", last.head);
}

/// Ory Hydra's and Authelia's answers about a token for nobody in particular have an empty `aud`, and whatever else is empty.
#[test]
fn what_an_issuer_leaves_empty_is_absent() {
    let reply = Arc::new(Mutex::new(String::new()));
    let script = reply.clone();
    let mint = Mint::with(&[], move |_| (200, script.lock().unwrap().clone()));
    let lab = Lab::with(|settings, dir| {
        let secret = dir.join("secret");
        private_file::write(&secret, "\u{feff}s3cret\r\n").unwrap();
        let introspection = Introspection {
            endpoint: Some(format!("{}/introspect", mint.issuer())),
            client_id: "gateway".into(),
            client_secret: secret,
            cache: 0,
        };
        let settings = &mut settings.issuers;
        let issuer =
            IssuerSettings { audience: Vec::new(), clients: vec!["worker".into()], ..mint.settings() };
        *settings = vec![IssuerSettings { introspection: Some(introspection), ..issuer }];
    });
    let active = json!({"active": true, "scope": "worker", "client_id": "worker", "sub": "alice"});
    for (nth, (more, status)) in [
        (json!({"aud": []}), 200),
        (json!({"aud": null}), 200),
        (json!({"aud": [null], "iss": null, "exp": null, "nbf": null, "iat": null, "cnf": null}), 200),
        (json!({"aud": [], "username": "", "token_type": "Bearer", "ext": {}, "nonce": "n"}), 200),
        (json!({"aud": [], "client_id": "", "azp": "worker"}), 200),
        (json!({"aud": [], "client_id": null, "azp": null, "cid": "", "appid": "worker"}), 200),
        (json!({"aud": [], "client_id": "other"}), 401),
        (json!({"aud": [], "client_id": ""}), 401),
        (json!({"aud": ["other"]}), 401),
        (json!({"aud": ""}), 401),
        (json!({"aud": [], "token_type": "DPoP"}), 401),
        (json!({"aud": [], "token_type": "refresh_token"}), 401),
    ]
    .into_iter()
    .enumerate()
    {
        let mut answer = active.clone();
        answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        *reply.lock().unwrap() = answer.to_string();
        let bearer = format!("Bearer handle-{nth}");
        let headers = [("X-Authorization", bearer.as_str()), ("X-Client-Id", "worker")];
        let got = lab.post("/alpha/mcp", &headers, ALLOWED.as_bytes());
        assert_eq!(got.status, status, "{more}: {}", got.text());
    }
}

#[test]
fn what_a_client_claims_of_its_token_must_be_so() {
    let lab = Lab::with(|settings, _| settings.issuers[0].issuer.push_str("/realms/us-east-1_Demo"));
    let endpoint = format!("{}/protocol/openid-connect/token", lab.idp.realm_issuer("us-east-1_Demo"));
    let form = "grant_type=client_credentials&client_id=worker&client_secret=secret";
    let reply: Value = serde_json::from_str(&send("POST", &endpoint, form).unwrap().body).unwrap();
    let bearer = format!("Bearer {}", reply["access_token"].as_str().unwrap());
    for (name, value, status) in [
        ("X-Client-Id", "worker", 200),
        ("X-Client-Id", "root", 401),
        ("X-Client-Id", "", 401),
        ("X-User-Pool-Id", "us-east-1_Demo", 200),
        ("X-User-Pool-Id", "us-east-1_Other", 401),
        ("X-Region", "us-east-1", 200),
        ("X-Region", "eu-west-1", 401),
    ] {
        let answer =
            lab.post("/alpha/mcp", &[("X-Authorization", &bearer), (name, value)], ALLOWED.as_bytes());
        assert_eq!(answer.status, status, "{name} {value}");
        if status == 401 {
            assert_eq!(rejected(answer), "mismatch");
        }
    }
    for (name, good, bad) in [("X-Client-Id", "worker", "root"), ("X-Region", "us-east-1", "eu-west-1")] {
        for (first, second) in [(good, bad), (bad, good), (good, good)] {
            let headers = [("X-Authorization", bearer.as_str()), (name, first), (name, second)];
            lab.post("/alpha/mcp", &headers, ALLOWED.as_bytes()).status(400);
        }
    }
    assert_eq!(lab.arrived(), 3);
}

#[test]
fn a_revoked_token_is_refused_from_the_reload_on() {
    let key = Key::new("k");
    let mint = Mint::of(&[&key]);
    let lab = Lab::with(|settings, dir| {
        settings.issuers = vec![mint.settings()];
        settings.revocation_list = Some(dir.join("revoked"));
        std::fs::write(dir.join("revoked"), "# nobody yet\n").unwrap();
    });
    let token = mint.token(&key);
    for line in ["jti: token-1", "sub: alice", "client_id: worker"] {
        until("let in", || ask(&lab, &token).status == 200);
        lab.reload("revoked", &format!("{line}\n"), "are in force");
        until(line, || ask(&lab, &token).status == 401);
        assert_eq!(rejected(ask(&lab, &token)), "revoked", "{line}");
        lab.reload("revoked", "everybody\n", "stay in force");
        assert_eq!(rejected(ask(&lab, &token)), "revoked");
        lab.reload("revoked", "jti: token-2\nsub: bob\nclient_id: other\n", "are in force");
    }
}

#[test]
fn a_challenge_helps_and_only_where_it_can() {
    let lab = Lab::start();
    let metadata = |server: &str| {
        format!(
            "resource_metadata=\"{}/.well-known/oauth-protected-resource/{server}/mcp\"",
            lab.gateway.public_url()
        )
    };
    until("ready", || lab.gateway.is_ready());
    let none = lab.post("/alpha/mcp", &[], ALLOWED.as_bytes()).status(401);
    let challenge = none.header("www-authenticate").unwrap();
    assert!(challenge.starts_with(&format!("Bearer {}, scope=\"", metadata("alpha"))), "{challenge}");
    assert!(!challenge.contains("error"), "{challenge}");
    assert_eq!(none.head.matches("www-authenticate").count(), 1);
    // Another scope would allow it, and none is named for a call that nobody may make.
    let refused = lab.call(&lab.token("reader"), "alpha", "echo").status(403);
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer error=\"insufficient_scope\", "), "{challenge}");
    assert!(challenge.contains(&metadata("alpha")) && challenge.contains("scope=\"worker\""), "{challenge}");
    // No scope that its issuer could grant would help, and a client would keep asking.
    let key = Key::new("k");
    let mint = Mint::of(&[&key]);
    let grouped = self::lab(vec![mint.settings()]);
    let token = key.sign(json!({}), &mint.claims(json!({"groups": ["team"], "scope": "reader"})));
    let answer = grouped.ask(&token, "/alpha/mcp", &call("echo")).status(403);
    assert_eq!(answer.header("www-authenticate"), None);
}

#[test]
fn a_keycloak_token_for_the_client_that_asked_is_for_us_and_a_token_without_a_subject_is_nobodys() {
    let key = Key::new("k");
    let mint = Mint::of(&[&key]);
    let issuer = json!({"issuer": mint.issuer(), "kind": "keycloak", "clients": ["worker"],
        "jwks_uri": format!("{}/jwks", mint.issuer())});
    let lab = lab(vec![serde_json::from_value(issuer).unwrap()]);
    let token = |instead: Value| {
        let mut claims = mint.claims(json!({"typ": "Bearer", "azp": "worker", "aud": "worker"}));
        for (name, value) in instead.as_object().unwrap() {
            claims[name] = value.clone();
        }
        if claims["sub"].is_null() {
            claims.as_object_mut().unwrap().remove("sub");
        }
        key.sign(json!({}), &claims)
    };
    for aud in [json!("worker"), json!(["worker"]), json!(["account", "worker"]), json!(["worker", "broker"])]
    {
        ask(&lab, &token(json!({"aud": aud}))).status(200);
    }
    let before = lab.arrived();
    for (instead, reason) in [
        (json!({"aud": "other"}), "audience"),
        (json!({"aud": ["other", "account"]}), "audience"),
        (json!({"azp": "other"}), "audience"),
        (json!({"aud": "other", "azp": "other"}), "audience"),
        (json!({"aud": "other", "azp": "other", "client_id": "worker"}), "audience"),
        (json!({"typ": "ID"}), "kind"),
        (json!({"sub": null}), "malformed"),
        (json!({"sub": null, "preferred_username": "alice"}), "malformed"),
        (json!({"sub": ""}), "malformed"),
    ] {
        assert_eq!(rejected(ask(&lab, &token(instead.clone()))), reason, "{instead}");
    }
    assert_eq!(lab.arrived(), before);
}
