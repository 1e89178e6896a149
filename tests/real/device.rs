//! A login with a code that is entered on another device, against the certified provider. Not here: every way such a
//! login can fail (see the suite's own `device`).

use std::process::Command;

use serde_json::{Value, json};

use super::flows::{claims, log_in_at, rotates};
use super::{OidcProvider, script};
use crate::support::User;
use crate::support::wire::Running;

const DEVICE: [&str; 5] = ["egress", "--config-set", "1", "--device", "--json"];

/// Starts the login, and has its code entered on the page it names; what that page says in the end, and the program.
fn enter(user: &User, decision: &str) -> (String, Running) {
    let mut login = Running::start(user.command(&DEVICE));
    let page = login.line(|line| line.starts_with("http://127.0.0.1:"));
    let line = login.line(|line| line.starts_with("and enter the code "));
    let code = line.rsplit(' ').next().expect("a code");
    let mut person = Command::new(script("device.sh"));
    let said = person.args([&page, code, decision]).output().expect("device.sh");
    let (out, errors) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success(), "{errors}");
    (out.into_owned(), login)
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn alice_enters_the_code_and_the_token_rotates() {
    let provider = OidcProvider::start();
    let mut user = User::new();
    // Its endpoint for devices is found by the issuer alone.
    log_in_at(&provider, &mut user);

    let (said, login) = enter(&user, "deny");
    let denied = login.end().code(4);
    assert_eq!(denied.json()["results"][0]["token"], Value::Null, "{said}");
    assert!(!user.project().join(".oauth-tokens/certified-egress.json").exists(), "{said}");

    let (said, login) = enter(&user, "allow");
    assert!(said.contains("Sign-in Success") || said.contains("Your sign-in was successful"), "{said}");
    assert_eq!(login.end().code(0).json()["results"][0]["status"], "logged_in");
    let claims = claims(&user.token("certified-egress.json"));
    assert_eq!((&claims["sub"], &claims["scope"]), (&json!("alice"), &json!("mcp:tools")));
    rotates(&user, "certified-egress.json", "1");
}
