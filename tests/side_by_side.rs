//! Flows run concurrently, one's failure does not affect the others, and the exit code distinguishes the cases.
#![cfg(test)]

use std::sync::{Arc, Condvar, Mutex};

use serde_json::Value;

use crate::support::wire::{Asked, Scripted, TEST_TIMEOUT};
use crate::support::{Ran, User};

/// A user with ingress (if `ingress`) and AgentCore gateways 1 to `gateways`.
fn user(server: &Scripted, ingress: bool, gateways: usize) -> User {
    let mut user = User::new();
    if ingress {
        user.oidc(&server.base, "ingress", "s-ingress")
            .env("INGRESS_OAUTH_TOKEN_URL", format!("{}/token", server.base));
    }
    for n in 1..=gateways {
        user.env(&format!("AGENTCORE_CLIENT_ID_{n}"), format!("gateway-{n}"));
        user.env(&format!("AGENTCORE_CLIENT_SECRET_{n}"), "s-gateway");
        user.env(&format!("AGENTCORE_SERVER_NAME_{n}"), format!("server-{n}"));
        user.env(&format!("COGNITO_DOMAIN_{n}"), &server.base);
    }
    user
}

/// Ingress authenticates by Basic, the gateways in the body.
fn is_ingress(asked: &Asked) -> bool {
    asked.field("client_id").is_none()
}

fn token() -> (u16, String) {
    (200, r#"{"access_token":"t","expires_in":3600}"#.into())
}

fn refusal() -> (u16, String) {
    (400, r#"{"error":"invalid_client"}"#.into())
}

fn statuses(ran: &Ran) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let object = ran.json();
    let rows = object["results"].as_array().unwrap();
    rows.iter().map(|row| (text(&row["kind"]), text(&row["status"]))).collect()
}

#[test]
fn ten_flows_are_all_under_way_at_once() {
    let gate = Arc::new((Mutex::new(0), Condvar::new()));
    let server = Scripted::start(move |_| {
        let (count, changed) = &*gate;
        let mut here = count.lock().unwrap();
        *here += 1;
        changed.notify_all();
        let (here, _) = changed.wait_timeout_while(here, TEST_TIMEOUT, |here| *here < 10).unwrap();
        if *here < 10 { (400, "{}".into()) } else { token() }
    });
    let ran = user(&server, true, 9).run(&["generate", "--all", "--json", "--no-install"]).code(0);
    assert_eq!(statuses(&ran).iter().filter(|(_, status)| status == "obtained").count(), 10);
    assert_eq!(server.asked().len(), 10);
}

#[test]
fn what_is_not_configured_is_skipped_and_no_failure() {
    let server = Scripted::start(|_| token());
    let ran = user(&server, true, 0).run(&["generate", "--all", "--json", "--no-install"]).code(0);
    let expected =
        [("ingress", "obtained"), ("egress", "skipped"), ("agentcore", "skipped"), ("keycloak", "skipped")];
    assert_eq!(statuses(&ran), expected.map(|(kind, status)| (kind.to_owned(), status.to_owned())));
}

#[test]
fn a_failed_ingress_does_not_stop_the_others() {
    let server = Scripted::start(|asked| if is_ingress(asked) { refusal() } else { token() });
    let user = user(&server, true, 2);
    let ran = user.run(&["generate", "--json", "--no-install"]).code(3);
    assert_eq!(ran.json()["exit_code"], 3);
    assert_eq!(user.token("bedrock-agentcore-server-2-egress.json")["access_token"], "t");
    let alone = user.run(&["generate", "--ingress-only", "--json", "--no-install"]).code(4);
    assert_eq!(alone.json()["results"][0]["code"], "refused");
}

#[test]
fn failures_that_are_all_alike_keep_their_code_and_a_mixture_is_three() {
    let server = Scripted::start(|_| refusal());
    user(&server, true, 3).run(&["generate", "--no-install"]).code(4);
    let mixed = Scripted::start(|asked| if is_ingress(asked) { refusal() } else { (404, "<html>".into()) });
    user(&mixed, false, 2).run(&["generate", "--no-install"]).code(5);
    user(&mixed, true, 1).run(&["generate", "--no-install"]).code(3);
    let mut nobody = User::new();
    nobody.env("INGRESS_OAUTH_CLIENT_ID", "half").run(&["generate", "--no-install"]).code(2);
}
