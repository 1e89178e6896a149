//! What the registry's provider file offers, and what is refused of it.

use std::collections::BTreeSet;

use super::*;

const SHIPPED: &str = include_str!("../../../tests/fixtures/registry/oauth2_providers.yml");
const SHIPPED_2026: &str = include_str!("../../../tests/fixtures/registry/oauth2_providers.2026.yml");
/// What the registry's compose file sets for both of its providers.
const BOTH: [(&str, &str); 9] = [
    ("KEYCLOAK_URL", "http://keycloak:8080"),
    ("KEYCLOAK_EXTERNAL_URL", "https://login.example.com"),
    ("KEYCLOAK_REALM", "mcp-gateway"),
    ("KEYCLOAK_CLIENT_ID", "mcp-gateway-web"),
    ("KEYCLOAK_CLIENT_SECRET", "kc-s3cret"),
    ("COGNITO_USER_POOL_ID", "us-east-1_AbC123"),
    ("COGNITO_CLIENT_ID", "cg"),
    ("COGNITO_CLIENT_SECRET", "cg-s3cret"),
    ("AWS_REGION", "us-east-1"),
];

/// The providers of a file with these variables set, and what is wrong.
fn read_with(text: &str, variables: &[(&str, &str)]) -> (Vec<FaceProvider>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("oauth2_providers.yml");
    crate::sys::public_file::write(&path, text.as_bytes()).unwrap();
    let value = |name: &str| {
        let found = variables.iter().rev().find(|(other, _)| *other == name);
        found.map(|(_, value)| Secret::new(*value))
    };
    let (found, problems) = read(&path, &GatewaySettings::default(), &value);
    let said = problems.iter().map(|problem| format!("{} {}", problem.what, problem.remedy)).collect();
    (found, said)
}

fn names(found: &[FaceProvider]) -> Vec<&str> {
    found.iter().map(|provider| provider.name.as_str()).collect()
}

fn url(url: &Option<Url>) -> &str {
    url.as_ref().map_or("", Url::as_str)
}

#[test]
fn the_shipped_file_offers_what_is_enabled_in_it() {
    let (found, said) = read_with(SHIPPED, &BOTH);
    assert_eq!((names(&found), said), (vec!["cognito", "keycloak"], vec![]));
    let [cognito, keycloak] = found.as_slice() else { panic!() };
    let realm = "https://login.example.com/realms/mcp-gateway";
    assert_eq!(keycloak.issuer.as_deref(), Some(realm));
    assert_eq!(
        keycloak.jwks_uri.as_deref(),
        Some("http://keycloak:8080/realms/mcp-gateway/protocol/openid-connect/certs"),
        "the gateway reaches it by its inner address"
    );
    assert_eq!(url(&keycloak.logout_url), format!("{realm}/protocol/openid-connect/logout"));
    assert_eq!((keycloak.title.as_str(), keycloak.groups_claim.as_deref()), ("Keycloak", Some("groups")));
    assert_eq!(keycloak.name_claims, ["preferred_username", "name", "email"]);
    assert_eq!(
        url(&cognito.auth_url),
        "https://us-east-1abc123.auth.us-east-1.amazoncognito.com/oauth2/authorize",
        "the pool's name without its underscore"
    );
    let older = SHIPPED.replace("${COGNITO_DOMAIN}", "${COGNITO_DOMAIN:-auto}");
    assert_eq!(
        read_with(&older, &BOTH).0[0].auth_url,
        cognito.auth_url,
        "what the registry writes for the same"
    );
    assert_eq!(
        cognito.issuer.as_deref(),
        Some("https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbC123")
    );
    assert_eq!(cognito.groups_claim.as_deref(), Some("cognito:groups"));
    let own = [&BOTH[..], &[("COGNITO_DOMAIN", "my-team")]].concat();
    let (found, _) = read_with(SHIPPED, &own);
    assert!(url(&found[0].auth_url).starts_with("https://my-team.auth."), "{:?}", found[0].auth_url);
}

#[test]
fn a_later_file_offers_what_its_variables_enable() {
    let names: BTreeSet<&str> =
        SHIPPED_2026.split("${").skip(1).filter_map(|rest| rest.split('}').next()).collect();
    let switches: Vec<&str> = names.iter().copied().filter(|name| name.ends_with("_ENABLED")).collect();
    assert_eq!(switches.len(), 6);
    let value = |name: &str| match name {
        "COGNITO_USER_POOL_ID" => "us-east-1_AbC123",
        name if name.ends_with("_URL") => "https://idp.example.com",
        name if name.ends_with("_GROUPS_CLAIM") => "https://mcp-gateway/groups",
        _ => "some-value",
    };
    let rest = names.iter().copied().filter(|name| !name.ends_with("_ENABLED"));
    let set: Vec<(&str, &str)> =
        rest.chain(["COGNITO_USER_POOL_ID"]).map(|name| (name, value(name))).collect();
    for on in switches {
        let (found, said) = read_with(SHIPPED_2026, &[&set[..], &[(on, "true")]].concat());
        // One entry asks for no variable.
        let expected = BTreeSet::from([on.trim_end_matches("_ENABLED").to_lowercase(), "okta".into()]);
        assert_eq!(found.iter().map(|one| one.name.clone()).collect::<BTreeSet<_>>(), expected, "{said:?}");
        assert!(said.is_empty(), "{said:?}");
    }
    let (found, _) = read_with(SHIPPED_2026, &[&set[..], &[("AUTH0_ENABLED", "true")]].concat());
    assert_eq!(found[0].groups_claim.as_deref(), Some("https://mcp-gateway/groups"));
    assert_eq!(
        (found[0].issuer.as_deref(), url(&found[0].token_url)),
        (None, "https://some-value/oauth/token")
    );
}

#[test]
fn an_address_for_people_of_every_organisation_is_refused() {
    let entra = "providers:\n  entra: {enabled: true, client_id: c, ENTRY}\n";
    for entry in [
        "auth_url: 'https://login.example.com/common/oauth2/v2.0/authorize', token_url: 'https://login.example.com/common/oauth2/v2.0/token'",
        "auth_url: 'https://login.example.com/organizations/oauth2/authorize', token_url: 'https://login.example.com/organizations/oauth2/token'",
        "auth_url: 'https://login.example.org/consumers/oauth2/v2.0/authorize', token_url: 'https://login.example.org/consumers/oauth2/v2.0/token'",
        "issuer: 'https://login.example.com/common/v2.0'",
    ] {
        let (found, said) = read_with(&entra.replace("ENTRY", entry), &[]);
        assert!(
            found.is_empty() && said.len() == 1 && said[0].contains("the id of your tenant"),
            "{entry}: {said:?}"
        );
        let (found, said) = read_with(
            &entra.replace(
                "ENTRY",
                &["common", "organizations", "consumers"].iter().fold(entry.to_owned(), |entry, every| {
                    entry.replace(every, "9188040d-6c67-4c5b-b112-36a304b66dad")
                }),
            ),
            &[],
        );
        assert!(found.len() == 1 && said.is_empty(), "{entry}: {said:?}");
    }
}

#[test]
fn the_variable_names_the_only_provider_to_offer() {
    let keycloak: Vec<_> = BOTH.into_iter().filter(|(name, _)| name.starts_with("KEYCLOAK")).collect();
    let with = |only| [&keycloak[..], &[("AUTH_PROVIDER", only)]].concat();
    let (found, said) = read_with(SHIPPED, &with("keycloak"));
    assert_eq!((names(&found), said), (vec!["keycloak"], vec![]), "nothing is asked of the others");
    let off: Vec<&str> = SHIPPED
        .split("\n\n")
        .filter(|entry| entry.contains("enabled: false"))
        .map(|entry| entry.trim().split(':').next().unwrap())
        .collect();
    assert_eq!(off.len(), 2, "two of the file's providers are not enabled");
    for only in off.into_iter().chain(["none-such"]) {
        let words = format!("AUTH_PROVIDER is {only}, which is not enabled");
        let (found, said) = read_with(SHIPPED, &with(only));
        assert!(found.is_empty() && said.len() == 1 && said[0].contains(&words), "{said:?}");
    }
    assert_eq!(
        names(&read_with(SHIPPED, &[&BOTH[..], &[("AUTH_PROVIDER", "")]].concat()).0),
        ["cognito", "keycloak"]
    );
}

#[test]
fn a_variable_that_is_not_set_is_named_and_never_text() {
    for name in [
        "KEYCLOAK_URL",
        "KEYCLOAK_EXTERNAL_URL",
        "KEYCLOAK_REALM",
        "KEYCLOAK_CLIENT_ID",
        "KEYCLOAK_CLIENT_SECRET",
        "AWS_REGION",
        "COGNITO_CLIENT_ID",
        "COGNITO_CLIENT_SECRET",
        "COGNITO_USER_POOL_ID",
    ] {
        for instead in [None, Some((name, ""))] {
            let set: Vec<_> = BOTH.into_iter().filter(|(other, _)| *other != name).chain(instead).collect();
            let (found, said) = read_with(SHIPPED, &set);
            assert_eq!((found.len(), said.len()), (1, 1), "{name}: the other provider stays: {said:?}");
            let meant = if name == "COGNITO_USER_POOL_ID" { "COGNITO_DOMAIN is not set" } else { name };
            assert!(
                said[0].contains(meant) && !said[0].contains("s3cret") && !said[0].contains("${"),
                "{said:?}"
            );
        }
    }
}

#[test]
fn a_provider_is_enabled_by_a_yes_in_any_spelling_and_by_nothing_else() {
    let entry = |enabled: &str| {
        format!("providers:\n  idp: {{client_id: c, issuer: 'https://idp.example.com'{enabled}}}\n")
    };
    for (enabled, is_on) in [
        (", enabled: true", true),
        (", enabled: True", true),
        (", enabled: 'true'", true),
        (", enabled: '${ON}'", true),
        (", enabled: 'on'", true),
        (", enabled: '${OFF}'", false),
        (", enabled: '${NOT_SET}'", false),
        (", enabled: '${NOT_SET:-true}'", true),
        (", enabled: false", false),
        (", enabled: 'no'", false),
        (", enabled: null", false),
        (", enabled: [true]", false),
        ("", false),
    ] {
        let (found, _) = read_with(&entry(enabled), &[("ON", "True"), ("OFF", "false")]);
        assert_eq!(!found.is_empty(), is_on, "{enabled}");
    }
}

#[test]
fn an_entry_that_cannot_be_safe_is_refused_in_words() {
    for (entry, words) in [
        ("client_id: c", "auth_url is missing"),
        ("issuer: 'https://i.example.com'", "client_id is missing"),
        ("client_id: c, issuer: 'https://i.example.com', response_type: token", "response_type is not code"),
        (
            "client_id: c, issuer: 'https://i.example.com', grant_type: password",
            "grant_type is not authorization_code",
        ),
        ("client_id: c, auth_url: 'javascript:alert(1)', token_url: 'https://t.example.com/'", "auth_url"),
        (
            "client_id: c, auth_url: 'https://u:p@a.example.com/', token_url: 'https://t.example.com/'",
            "auth_url",
        ),
        ("client_id: c, issuer: 'https://i.example.com', logout_url: 'file:///x'", "logout_url"),
    ] {
        let (found, said) = read_with(&format!("providers:\n  idp: {{enabled: true, {entry}}}\n"), &[]);
        assert!(found.is_empty() && said.len() == 1 && said[0].contains(words), "{entry}: {said:?}");
    }
    let (found, said) = read_with(
        "providers:\n  'i/../x': {enabled: true, client_id: c, issuer: 'https://i.example.com'}\n",
        &[],
    );
    assert!(found.is_empty() && said[0].contains("does not fit into an address"), "{said:?}");
    for text in ["providers: [1]\n", "{", "- x\n"] {
        let (found, said) = read_with(text, &[]);
        assert!(found.is_empty() && said.len() == 1, "{text}: {said:?}");
    }
}
