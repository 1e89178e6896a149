//! The official conformance suite finds nothing wrong with what mcpauth says as a client, in both protocol eras.

use std::process::Command;

use super::script;

/// A line a scenario: what passed of all that was checked.
fn judged(who: &str) -> String {
    // A folder of its own: no settings of whoever runs this.
    let notes = tempfile::tempdir().unwrap();
    let mut command = Command::new(script("client-conformance.sh"));
    command.args([env!("CARGO_BIN_EXE_mcpauth").as_ref(), notes.path().as_os_str(), who.as_ref()]);
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
    assert_eq!(judged("bridge"), expected);
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn the_conformance_suite_accepts_the_test_clients() {
    let expected = "\
auth/authorization-server-migration 29/29, 0 failed
auth/iss-normalized 9/9, 0 failed
auth/iss-not-advertised 14/14, 0 failed
auth/iss-supported 14/14, 0 failed
auth/iss-supported-missing 9/9, 0 failed
auth/iss-unexpected 9/9, 0 failed
auth/iss-wrong-issuer 9/9, 0 failed
auth/metadata-default 20/20, 0 failed
auth/metadata-issuer-mismatch 3/3, 0 failed
auth/metadata-var1 20/20, 0 failed
auth/metadata-var2 20/20, 0 failed
auth/metadata-var3 20/20, 0 failed
auth/offline-access-not-supported 14/14, 0 failed
auth/offline-access-scope 15/15, 0 failed
auth/pre-registration 15/15, 0 failed
auth/resource-mismatch 2/2, 0 failed
auth/scope-from-scopes-supported 16/16, 0 failed
auth/scope-from-www-authenticate 16/16, 0 failed
auth/scope-omitted-when-undefined 16/16, 0 failed
auth/token-endpoint-auth-basic 21/21, 0 failed
auth/token-endpoint-auth-none 21/21, 0 failed
auth/token-endpoint-auth-post 21/21, 0 failed
http-custom-headers 18/18, 0 failed
http-invalid-tool-headers 12/12, 0 failed
http-standard-headers 3/3, 0 failed
initialize 2/2, 0 failed
json-schema-ref-no-deref 1/1, 0 failed
request-metadata 5/5, 0 failed
sse-retry 3/3, 0 failed
tools_call 2/2, 0 failed
";
    assert_eq!(judged("verbs"), expected);
}
