//! The official conformance suite finds no fault with mcpauth as a client, in both protocol eras, nor with its use by
//! a person at servers that require a login.

use std::collections::BTreeMap;
use std::process::Command;

use super::script;

/// A line a scenario: what passed of all that was checked.
fn judged(by: &str, what: &[&str]) -> String {
    // A folder of its own: without this user's settings.
    let notes = tempfile::tempdir().unwrap();
    let mut command = Command::new(script(by));
    command.args([env!("CARGO_BIN_EXE_mcpauth").as_ref(), notes.path().as_os_str()]).args(what);
    let output = command.current_dir(notes.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn the_conformance_suite_accepts_the_bridge() {
    let expected = "\
elicitation-sep1034-client-defaults 5/5, 0 failed
http-custom-headers 18/18, 0 failed
http-invalid-tool-headers 12/12, 0 failed
http-standard-headers 9/9, 0 failed
initialize 1/1, 0 failed
json-schema-2020-12-preservation 9/9, 0 failed
json-schema-ref-no-deref 1/1, 0 failed
request-metadata 6/6, 0 failed
sep-2322-client-request-state 5/5, 0 failed
sse-retry 3/3, 0 failed
tools_call 2/2, 0 failed
";
    assert_eq!(judged("client-conformance.sh", &["bridge"]), expected);
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn the_conformance_suite_accepts_the_test_clients() {
    let expected = "\
http-custom-headers 18/18, 0 failed
http-invalid-tool-headers 12/12, 0 failed
http-standard-headers 3/3, 0 failed
initialize 2/2, 0 failed
json-schema-ref-no-deref 1/1, 0 failed
request-metadata 5/5, 0 failed
sse-retry 3/3, 0 failed
tools_call 2/2, 0 failed
";
    assert_eq!(judged("client-conformance.sh", &["verbs"]), expected);
}

/// `mcpauth login URL`, `list` and `call`, and otherwise only the commands in messages. The suite defines the
/// scenarios; this many existed when this was written, and a new one must pass as well.
#[test]
#[ignore = "real parts: run .ci/run"]
fn a_person_who_types_what_messages_say_passes_every_core_scenario_of_authorization() {
    let core = [("2025-03-26", 2), ("2025-06-18", 3), ("2025-11-25", 14), ("2026-07-28", 25)];
    let revisions = core.map(|(revision, _)| revision);
    let judged = judged("person-conformance.sh", &revisions);
    let mut passed = BTreeMap::new();
    for line in judged.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(words[2], "passed", "{line}\n{judged}");
        *passed.entry(words[0]).or_insert(0) += 1;
    }
    for (revision, least) in core {
        assert!(passed[revision] >= least, "{revision}: {judged}");
    }
}

/// What the suite keeps outside every revision. A client that proves who it is logs in like a person. The others need what
/// this program does not do: tokens bound to a key (RFC 9449, two of them), an identity provider's assertion in place of a
/// login (ID-JAG), and a workload's own token in place of a client's secret (RFC 7523 section 2.1).
#[test]
#[ignore = "real parts: run .ci/run"]
fn of_the_extensions_those_for_clients_that_prove_who_they_are_pass() {
    let judged = judged("person-conformance.sh", &["extension"]);
    let passed: Vec<&str> = judged
        .lines()
        .filter_map(|line| line.strip_prefix("extension ")?.split_once(" passed").map(|(name, _)| name))
        .collect();
    assert_eq!(passed, ["auth/client-credentials-basic", "auth/client-credentials-jwt"], "{judged}");
    let others = ["dpop", "dpop-nonce", "enterprise-managed-authorization", "wif-jwt-bearer"];
    assert!(others.iter().all(|name| judged.contains(&format!("extension auth/{name} failed"))), "{judged}");
}
