//! Each case of the requirements' troubleshooting section, created for real and reported with the right remedy.
#![cfg(test)]

use serde_json::json;

use super::{GOOD_POLICY, Patient, WRONG};
use crate::support::answering;

/// One line of the requirements' troubleshooting section.
struct Case {
    name: &'static str,
    /// What is wrong with an otherwise healthy patient.
    given: fn(&mut Patient),
    check: &'static str,
    status: &'static str,
    found: &'static str,
    remedy: &'static str,
}

const fn case(
    name: &'static str,
    given: fn(&mut Patient),
    [check, status, found, remedy]: [&'static str; 4],
) -> Case {
    Case { name, given, check, status, found, remedy }
}

const SEED: &[Case] = &[
    // "Cannot authenticate with Cognito"
    case(
        "verify credentials: one is missing",
        |p| {
            p.env("INGRESS_OAUTH_CLIENT_SECRET", "");
        },
        [
            "settings.flows",
            "problem",
            "is missing INGRESS_OAUTH_CLIENT_SECRET",
            "set INGRESS_OAUTH_CLIENT_SECRET",
        ],
    ),
    case(
        "verify credentials: one is misspelt",
        |p| drop(p.user.file(".env", "INGRESS_OAUTH_CLIENT_SECRT=hunter2\n")),
        [
            "settings.names",
            "warn",
            "INGRESS_OAUTH_CLIENT_SECRT is ignored",
            "mean INGRESS_OAUTH_CLIENT_SECRET?",
        ],
    ),
    case(
        "verify credentials: the secret is wrong",
        |p| {
            p.env("INGRESS_OAUTH_CLIENT_SECRET", WRONG);
        },
        ["login.client", "problem", "invalid_client", "check client id and secret"],
    ),
    case(
        "verify credentials: the client is unknown",
        |p| {
            p.env("INGRESS_OAUTH_CLIENT_ID", "nobody");
        },
        ["login.client", "problem", "invalid_client", "check client id and secret"],
    ),
    case(
        "user pool id: its format",
        |p| {
            p.env("INGRESS_OAUTH_ISSUER", "").env("INGRESS_OAUTH_USER_POOL_ID", "useast1XYZ");
        },
        [
            "settings.flows",
            "problem",
            "not a user pool id; one looks like us-east-1_",
            "correct INGRESS_OAUTH_USER_POOL_ID",
        ],
    ),
    case(
        "user pool id: no such pool",
        |p| {
            p.env("INGRESS_OAUTH_ISSUER", format!("{}/eu-west-1_Gone", answering(404, "{}")));
        },
        [
            "issuer.reachable",
            "problem",
            "publishes no metadata (HTTP 404)",
            "check INGRESS_OAUTH_USER_POOL_ID",
        ],
    ),
    case(
        "the client's configuration: it may not use client credentials",
        |p| {
            p.env("INGRESS_OAUTH_CLIENT_ID", "people");
        },
        ["login.client", "problem", "unauthorized_client", "check client id and secret"],
    ),
    case(
        "the client's configuration: it may not have the scope",
        |p| {
            p.env("INGRESS_OAUTH_SCOPE", "admin");
        },
        ["login.client", "problem", "invalid_scope", "ask for scopes that this client is allowed"],
    ),
    // "External provider authentication fails"
    case(
        "redirect URI: not the registered one",
        |p| {
            let other = p.redirect.replace("/callback", "/elsewhere");
            p.env("EGRESS_OAUTH_REDIRECT_URI_1", other);
        },
        [
            "login.client",
            "problem",
            "or the redirect URI http://127.0.0.1:",
            "register exactly http://127.0.0.1:",
        ],
    ),
    case(
        "redirect URI: a host that the provider does not take",
        |p| {
            let issuer = p.idp.issuer();
            p.user.provider(
                "tracker",
                &format!("display_name: Tracker\nauthorization_endpoint: {issuer}/authorize\ntoken_endpoint: {issuer}/token\n\
                          redirect: {{hosts: [localhost]}}\n"),
            );
        },
        ["login.redirect", "problem", "Tracker does not accept \"127.0.0.1\"", "EGRESS_OAUTH_REDIRECT_URI_N"],
    ),
    case(
        "client id: unknown to the provider",
        |p| {
            p.env("EGRESS_OAUTH_CLIENT_ID_1", "nobody");
        },
        ["login.client", "problem", "Tracker refuses client nobody", "check EGRESS_OAUTH_CLIENT_ID_N"],
    ),
    case(
        "client secret: wrong",
        |p| {
            p.env("EGRESS_OAUTH_CLIENT_SECRET_1", WRONG);
        },
        ["login.client", "problem", "egress tracker: 127.0.0.1", "check client id and secret"],
    ),
    case(
        "scopes: not the client's",
        |p| {
            p.env("EGRESS_OAUTH_SCOPE_1", "admin");
        },
        ["login.client", "problem", "the scopes admin are refused", "set EGRESS_OAUTH_SCOPE_N"],
    ),
    // "Permission denied for specific tools"
    case(
        "groups: the token is in none that the policy knows",
        |p| {
            p.user.run(&["ingress"]).code(0);
            p.policy(&GOOD_POLICY.replace("read:", "others:"));
        },
        ["gateway.access", "problem", "ingress.json see no tools", "mcpauth gateway explain fininfo"],
    ),
    case(
        "scope mappings: a group is given what is not defined",
        |p| p.policy(&format!("group_mappings:\n  team: [gone]\n{GOOD_POLICY}")),
        [
            "gateway.settings",
            "warn",
            "group team is granted gone, which is not defined",
            "correct the policy",
        ],
    ),
    case(
        "scope mappings: the policy does not parse",
        |p| p.policy("read: [\n"),
        ["gateway.settings", "problem", "scopes.yml", "correct the policy"],
    ),
    case(
        "tool names: not to the letter",
        |p| p.policy(&GOOD_POLICY.replace("aggregates", "agregates")),
        [
            "gateway.tools",
            "warn",
            "names the tool \"get_stock_agregates\"",
            "did you mean \"get_stock_aggregates\"?",
        ],
    ),
];

#[test]
fn each_case_of_the_seeds_troubleshooting_is_named_with_its_remedy() {
    for Case { name, given, check, status, found, remedy } in SEED {
        let mut patient = Patient::new();
        given(&mut patient);
        let mut diagnosis = patient.doctor(&[]);
        // Shown with the findings, if it is not among them.
        diagnosis.object["case"] = json!(name);
        let finding = diagnosis.has(check, status, found, remedy);
        assert_eq!(finding["fixable"], false, "{finding}");
    }
}
