//! The registry's pages with the registry's own provider file, at a real Keycloak and the Cognito stand-in under Amazon's
//! addresses: alice signs in and out in Chromium, with JavaScript and without.

use mcpauth::demo::mcp::{Sample, SampleTool};
use serde_json::{Value, json};

use super::face::browse;
use super::gateway::{Gateway, lay_out, settings};
use super::{Keycloak, Ministack};
use crate::support::User;
use crate::support::wire::free_port;

const SCOPES: &str = include_str!("../fixtures/registry/scopes.yml");
const PROVIDERS: &str = include_str!("../fixtures/registry/oauth2_providers.yml");
const TOOL: [SampleTool; 1] = [SampleTool {
    name: "current_time_by_timezone",
    about: "Says what time it is somewhere",
    run: |arguments| arguments.to_string(),
}];

/// The shipped policy, with alice's groups at the two providers: an operator at Keycloak, an administrator at Cognito.
fn policy() -> String {
    let more = "group_mappings:\n  /mcp-servers-unrestricted: [mcp-registry-operator, mcp-servers-restricted/read]\n  \
                mcp-admins: [mcp-registry-admin, mcp-servers-unrestricted/read, mcp-servers-unrestricted/execute]\n";
    SCOPES.replace("group_mappings:\n", more)
}

fn visit(url: &str, cognito: &Ministack) -> Value {
    let visits: Vec<Value> = [("keycloak", "Keycloak"), ("ministack", "AWS Cognito")]
        .into_iter()
        .flat_map(|(kind, title)| {
            [true, false].map(|on| json!({"kind": kind, "title": title, "javaScriptEnabled": on}))
        })
        .collect();
    browse("face_sign_in.mjs", &json!({"url": url, "visits": visits}), &cognito.amazon_env())
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn alice_signs_in_and_out_at_keycloak_and_cognito_with_javascript_and_without() {
    // The providers must know it before the gateway listens.
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let cognito = Ministack::start_for(&format!("{url}/oauth2/callback/cognito"));
    let keycloak = Keycloak::start("http://127.0.0.1:9/jwks.json");
    let server = Sample::start("currenttime", &TOOL).expect("a server");
    let mut user = User::new();
    for (name, value) in cognito.amazon_env() {
        user.env(&name, value);
    }
    let base = keycloak.value("KEYCLOAK_URL");
    user.env("KEYCLOAK_URL", base).env("KEYCLOAK_EXTERNAL_URL", base);
    user.env("KEYCLOAK_REALM", keycloak.value("REALM"));
    user.env("KEYCLOAK_CLIENT_ID", keycloak.value("FACE_CLIENT_ID"));
    user.env("KEYCLOAK_CLIENT_SECRET", keycloak.value("FACE_CLIENT_SECRET"));
    user.env("COGNITO_DOMAIN", cognito.value("DOMAIN_PREFIX")).env("AWS_REGION", "us-east-1");
    user.env("COGNITO_USER_POOL_ID", cognito.value("POOL_ID"));
    user.env("COGNITO_CLIENT_ID", cognito.value("WEB_CLIENT_ID"));
    user.env("COGNITO_CLIENT_SECRET", cognito.value("WEB_CLIENT_SECRET"));
    lay_out(&user, &policy(), &[("currenttime", "none", server.base())]);
    user.file("oauth2_providers.yml", PROVIDERS);
    let issuer =
        json!({"issuer": keycloak.base(), "kind": "keycloak", "clients": [keycloak.value("M2M_CLIENT_ID")]});
    let face = json!({"listen": format!("127.0.0.1:{port}"), "public_url": url, "providers": "oauth2_providers.yml"});
    settings(&user, json!({"issuers": [issuer], "face": face}));
    let gateway = Gateway::start(&user);
    let seen = visit(&url, &cognito);
    let seen = seen.as_array().expect("a list");
    assert_eq!(seen.len(), 4);
    for one in seen {
        let text = |name: &str| one[name].as_str().unwrap_or_else(|| panic!("no {name} in {one}"));
        let shows = |page: &str, words: &[&str]| {
            for word in words {
                assert!(text(page).contains(word), "{page} lacks {word:?}: {}", text(page));
            }
        };
        assert_eq!(text("first"), format!("{url}/login?return_to=%2Fservers%2Fcurrenttime%3Fx%3D1"));
        assert_eq!(text("landed"), format!("{url}/servers/currenttime?x=1"));
        shows("server", &["mcpauth login", "/currenttime/mcp"]);
        shows("list", &["currenttime"]);
        let is_keycloak = one["kind"] == "keycloak";
        if is_keycloak {
            shows(
                "me",
                &[
                    "alice",
                    "/mcp-servers-unrestricted",
                    "/team/restricted",
                    "Not known",
                    "mcp-registry-operator",
                ],
            );
            shows("server", &["Switch off"]);
            shows("register", &["You may not do this"]);
        } else {
            shows("me", &["alice@example.test", "mcp-admins", "mcp-registry-admin"]);
            shows("register", &["Register a server", "What happens"]);
        }
        let [cookie] = one["cookies"].as_array().expect("a list").as_slice() else { panic!("{one}") };
        assert_eq!(
            (&cookie["name"], &cookie["httpOnly"], &cookie["sameSite"], &cookie["path"]),
            (&json!(format!("mcpauth-{port}")), &json!(true), &json!("Lax"), &json!("/"))
        );
        assert!(cookie["length"].as_u64().is_some_and(|length| length < 3000), "{cookie}");
        assert_eq!((&one["left"], &one["copy"]), (&json!(0), &json!(401)), "{one}");
        assert_eq!(text("back"), format!("{url}/login"), "the provider leads back");
        let logout = one["logout"][0].as_str().unwrap_or_else(|| panic!("no logout: {one}"));
        let back: String = url::form_urlencoded::byte_serialize(format!("{url}/login").as_bytes()).collect();
        let (place, query) = if is_keycloak {
            let place = format!("{}/protocol/openid-connect/logout", keycloak.base());
            (place, format!("client_id=mcp-gateway-face&post_logout_redirect_uri={back}"))
        } else {
            let place = "https://mcpauth-real.auth.us-east-1.amazoncognito.com/logout".to_owned();
            (place, format!("client_id={}&logout_uri={back}", cognito.value("WEB_CLIENT_ID")))
        };
        assert_eq!(logout, format!("{place}?{query}"));
        // The stand-in keeps no session at all, so this says something of Keycloak alone.
        assert_eq!(one["again"], true, "the next visitor is asked for a password: {one}");
    }
    let audit = gateway.end(&user);
    assert!(audit.iter().all(|line| line["verdict"] != "changed"), "looking around changes nothing");
}
