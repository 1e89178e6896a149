//! What identity providers say of a person, in the shapes that they document: the name, the groups, and nothing that
//! nobody checked.
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::path::Path;

use mcpauth::gateway::settings::GatewaySettings;
use serde_json::{Value, json};

use super::sign_in::SignInLab;
use crate::support::lab::VARIABLES;

const TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const ROLES: &str = "\
UI-Scopes:
  mcp-registry-admin: {list_service: [all]}
group_mappings:
  admins: [mcp-registry-admin]
  6bb63abd-4d23-4b8a-9c39-8f1d2f3e6a10: [mcp-registry-admin]
  Mcp.Admin: [mcp-registry-admin]
everything: [{server: '*', methods: ['*'], tools: ['*']}]
";

/// A gateway with one provider, whose entry says this besides its client and addresses.
fn provider(entry: &str, change: impl FnOnce(&mut GatewaySettings, &Path)) -> SignInLab {
    SignInLab::with("", |settings, dir| {
        let issuer = settings.issuers[0].issuer.clone();
        let entry = entry.replace("ISSUER", &issuer);
        let text = format!(
            "providers:\n  idp: {{client_id: face, client_secret: s, token_url: '{issuer}/token', enabled: true, email_claim: email, \
             name_claim: name, {entry}}}\n"
        );
        std::fs::write(dir.join("oauth2_providers.yml"), text).unwrap();
        std::fs::write(dir.join("scopes.yml"), ROLES).unwrap();
        change(settings, dir);
    })
}

/// A person's name, groups, and whether they are an administrator, by the claims of their ID token.
#[track_caller]
fn says(lab: &SignInLab, claims: Value) -> (String, Vec<String>, bool) {
    let mut all = json!({"preferred_username": null, "groups": null});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let me = lab.get("/api/auth/me", &lab.signed_in(all)).status(200).json();
    let groups = me["groups"].as_array().unwrap().iter().map(|group| group.as_str().unwrap().to_owned());
    (me["username"].as_str().unwrap().to_owned(), groups.collect(), me["is_admin"].as_bool().unwrap())
}

#[track_caller]
fn is(found: (String, Vec<String>, bool), name: &str, groups: &[&str], is_admin: bool) {
    assert_eq!((found.0.as_str(), found.1.iter().map(String::as_str).collect()), (name, groups.to_vec()));
    assert_eq!(found.2, is_admin);
}

#[test]
fn google_names_no_groups_and_an_address_counts_if_it_was_verified() {
    let lab = provider(
        "auth_url: 'ISSUER/o/oauth2/auth', user_info_url: 'ISSUER/info', scopes: [openid, email, profile], username_claim: email, \
         groups_claim: null",
        |_, _| {},
    );
    lab.informs(json!({"id": "1101", "sub": "ann-1", "groups": ["admins"]}));
    let claims = |verified: Value| {
        json!({"azp": "face", "at_hash": "x", "hd": "example.com", "email": "jane@example.com", "email_verified": verified,
            "name": "Jane", "groups": ["admins"]})
    };
    is(says(&lab, claims(json!(true))), "jane@example.com", &[], false);
    for unverified in [json!(false), json!("false")] {
        is(says(&lab, claims(unverified)), "Jane", &[], false);
    }
    is(says(&lab, json!({})), "ann-1", &[], false);
}

#[test]
fn entra_names_groups_by_their_ids_or_app_roles_and_says_when_they_are_too_many() {
    let entry = "auth_url: 'ISSUER/authorize', user_info_url: 'ISSUER/info', scopes: [openid, email, profile], username_claim: \
                 preferred_username";
    let claims = |more: Value| {
        let mut all = json!({"ver": "2.0", "oid": "0-1", "tid": TENANT, "preferred_username": "jane@example.com", "name": "Jane"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let lab = provider(&format!("{entry}, groups_claim: groups"), |_, _| {});
    lab.informs(json!({"sub": "ann-1", "name": "Jane", "picture": "https://graph.microsoft.com/v1.0/me/photo/$value"}));
    let group = "6bb63abd-4d23-4b8a-9c39-8f1d2f3e6a10";
    is(says(&lab, claims(json!({"groups": [group]}))), "jane@example.com", &[group], true);
    is(
        says(&lab, claims(json!({"groups": [], "preferred_username": null, "name": null}))),
        "ann-1",
        &[],
        false,
    );
    for overage in [
        json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.microsoft.com/x"}}}),
        json!({"hasgroups": true}),
        json!({"hasgroups": "true"}),
    ] {
        let cookie = lab.signed_in(claims(json!({"groups": null})));
        assert!(!lab.get("/me", &cookie).text().contains("more groups than your identity provider sends"));
        let mut all = claims(overage.clone());
        all["groups"] = Value::Null;
        let cookie = lab.signed_in(all);
        let page = lab.get("/me", &cookie).status(200).text();
        assert!(page.contains("more groups than your identity provider sends"), "{overage}: {page}");
        assert_eq!(lab.get("/api/auth/me", &cookie).json()["groups"], json!([]), "{overage}");
    }
    let lab = provider(&format!("{entry}, groups_claim: roles"), |_, _| {});
    is(says(&lab, claims(json!({"roles": ["Mcp.Admin"]}))), "jane@example.com", &["Mcp.Admin"], true);
}

#[test]
fn cognito_keycloak_okta_and_auth0_name_groups_where_they_document_it() {
    let entry = |name: &str, groups: &str| {
        format!(
            "auth_url: 'ISSUER/authorize', user_info_url: 'ISSUER/info', scopes: [openid], username_claim: {name}, groups_claim: '{groups}'"
        )
    };
    let cognito = provider(&entry("email", "cognito:groups"), |_, _| {});
    let claims = json!({"cognito:groups": ["admins"], "cognito:username": "u", "email": "jane@example.com", "email_verified": true,
        "token_use": "id", "auth_time": 1, "origin_jti": "o", "event_id": "e"});
    is(says(&cognito, claims), "jane@example.com", &["admins"], true);
    let claims = |more: Value| {
        let mut all = json!({"typ": "ID", "azp": "face", "sid": "s", "acr": "1", "email_verified": false, "preferred_username": "jane"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let keycloak = provider(&entry("preferred_username", "groups"), |_, _| {});
    is(
        says(&keycloak, claims(json!({"groups": ["/admins", "/team/x"]}))),
        "jane",
        &["/admins", "/team/x"],
        true,
    );
    keycloak.informs(json!({"sub": "ann-1", "groups": ["admins"]}));
    is(says(&keycloak, claims(json!({}))), "jane", &["admins"], true);
    // What is said of another subject is not about this person.
    keycloak.informs(json!({"sub": "ann-2", "groups": ["admins"]}));
    is(says(&keycloak, claims(json!({}))), "jane", &[], false);
    let roles = json!({"realm_access": {"roles": ["admins"]}, "resource_access": {"face": {"roles": ["Mcp.Admin"]}, "account": {"roles": ["x"]}}});
    for (claim, expected) in [("realm_access.roles", "admins"), ("resource_access.face.roles", "Mcp.Admin")] {
        is(
            says(&provider(&entry("preferred_username", claim), |_, _| {}), claims(roles.clone())),
            "jane",
            &[expected],
            true,
        );
    }
    let okta = provider(&entry("preferred_username", "groups"), |_, _| {});
    okta.informs(json!({"sub": "ann-1", "preferred_username": "jane@example.com", "zoneinfo": "Europe/Berlin", "groups": ["Everyone", "admins"]}));
    let thin = json!({"ver": 1, "jti": "ID.x", "amr": ["pwd"], "idp": "00o"});
    is(says(&okta, thin), "jane@example.com", &["admins", "Everyone"], true);
    let auth0 = provider(&entry("nickname", "${AUTH0_GROUPS_CLAIM}"), |_, dir| {
        std::fs::write(dir.join(VARIABLES), "AUTH0_GROUPS_CLAIM=https://mcp.example.com/groups\n").unwrap();
    });
    let claims = json!({"sub": "auth0|5", "nickname": "jane", "updated_at": "2026-01-01T00:00:00Z", "https://mcp.example.com/groups": ["admins"]});
    is(says(&auth0, claims), "jane", &["admins"], true);
}

/// Okta signs people in at the origin, and its tokens for programs are of an issuer below it.
#[test]
fn a_provider_is_not_taken_for_another_issuer_of_the_same_origin() {
    let lab = provider(
        "auth_url: 'ISSUER/authorize', scopes: [openid], username_claim: preferred_username, groups_claim: groups",
        |settings, _| settings.issuers[0].issuer += "/oauth2/default",
    );
    is(says(&lab, json!({"preferred_username": "jane", "groups": ["admins"]})), "jane", &["admins"], true);
}

#[test]
fn github_may_leave_out_name_and_address() {
    let lab = provider(
        "auth_url: 'ISSUER/login/oauth/authorize', user_info_url: 'ISSUER/info', scopes: ['read:user', 'user:email'], username_claim: \
         login, groups_claim: null",
        |_, _| {},
    );
    for (info, name) in [
        (
            json!({"login": "octocat", "id": 583231, "node_id": "n", "name": null, "email": null, "type": "User"}),
            "octocat",
        ),
        (
            json!({"login": "octocat", "id": "583231", "name": "The Octocat", "email": "o@example.com"}),
            "octocat",
        ),
        (json!({"login": null, "id": 583231, "name": "The Octocat", "groups": ["admins"]}), "The Octocat"),
        (json!({"id": 583231}), "583231"),
    ] {
        lab.informs(info);
        is(says(&lab, json!({})), name, &[], false);
    }
}
