//! The published test vectors for JSON Web Signatures and Keys (C2SP's Wycheproof), against the gateway's own
//! verifier. Not here: fetching them (see `setup.sh`).

use std::path::PathBuf;
use std::process::Command;

use mcpauth::gateway::authn::jwt::Jws;
use mcpauth::gateway::authn::keys::KeySet;
use mcpauth::gateway::settings::Algorithm::{self, *};
use serde_json::{Value, json};

use super::script;

const ALL: [Algorithm; 9] = [RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA];

/// Valid vectors that are refused, and why. (Those of symmetric keys are refused as well, as all such keys are.)
const REFUSED: [(u64, &str); 4] = [
    (346, "a PS384 signature by a key that says PS256: a key is for what it says"),
    (347, "P-521 is not supported"),
    (350, "a PS384 signature by a key that says PS256: a key is for what it says"),
    (351, "P-521 is not supported"),
];

fn vectors(name: &str) -> Value {
    let said = Command::new(script("setup.sh")).arg("--where").output().expect("setup.sh is there");
    let parts = PathBuf::from(String::from_utf8(said.stdout).expect("a path").trim_end());
    let path = parts.join("wycheproof").join(name);
    let text =
        std::fs::read(&path).unwrap_or_else(|e| panic!("{} ({e}): run tests/real/setup.sh", path.display()));
    serde_json::from_slice(&text).expect("vectors are JSON")
}

fn verifies(jwks: &Value, jws: &str) -> bool {
    let Ok(set) = KeySet::read(jwks.to_string().as_bytes(), &ALL) else { return false };
    let Ok(jws) = Jws::read(jws) else { return false };
    set.find(jws.key_id(), jws.algorithm()).is_ok_and(|key| jws.verify(key).is_ok())
}

/// Runs every vector in a file; returns how many were accepted and rejected as expected.
fn run(document: &Value, refused: &[(u64, &str)]) -> (usize, usize) {
    let (mut accepted, mut rejected) = (0, 0);
    for group in document["testGroups"].as_array().expect("groups") {
        // A group of symmetric keys has no public one.
        let key = group.get("public").unwrap_or(&group["private"]);
        let jwks = if key.get("keys").is_some() { key.clone() } else { json!({"keys": [key]}) };
        let symmetric = jwks["keys"].as_array().expect("keys").iter().any(|key| key["kty"] == "oct");
        for test in group["tests"].as_array().expect("tests") {
            let id = test["tcId"].as_u64().expect("a number");
            let valid =
                test["result"] == "valid" && !symmetric && !refused.iter().any(|(refused, _)| *refused == id);
            let got = verifies(&jwks, test["jws"].as_str().expect("a JWS"));
            assert_eq!(got, valid, "{id}: {} {}", group["comment"], test["comment"]);
            *(if valid { &mut accepted } else { &mut rejected }) += 1;
        }
    }
    assert_eq!(document["numberOfTests"], accepted + rejected);
    (accepted, rejected)
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn signatures_are_judged_as_published() {
    let (accepted, rejected) = run(&vectors("json_web_signature_test.json"), &REFUSED);
    assert!(accepted >= 30 && rejected >= 330, "{accepted} {rejected}");
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn key_sets_are_judged_as_published() {
    let (accepted, rejected) = run(&vectors("json_web_key_test.json"), &[]);
    assert!(accepted >= 1 && rejected >= 20, "{accepted} {rejected}");
}
