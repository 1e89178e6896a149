//! The shipped provider files: each real service's quirk is there as data, and a file that loses one fails here. That
//! the code contains no provider's name is checked elsewhere, so the names are in this file and not in `src`.

#![expect(clippy::unwrap_used, reason = "a test's helper fails as its test does")]

use mcpauth::provider::{AuthMethod, BodyFormat, Provider, SecretRule, built_in};

type Settings<'a> = &'a [(&'a str, &'a str)];

fn provider(name: &str) -> Provider {
    Provider::built_in(name).unwrap()
}

/// With every setting absent but those named.
fn filled(name: &str, settings: Settings) -> Provider {
    let setting = |wanted: &str| {
        settings.iter().find(|(known, _)| *known == wanted).map(|(_, value)| (*value).to_owned())
    };
    provider(name).filled(&setting).unwrap()
}

fn token_endpoint(name: &str, settings: Settings) -> String {
    filled(name, settings).token_endpoint.unwrap()
}

#[test]
fn the_shipped_providers_are_these() {
    let expected = "asana atlassian cognito discord figma github gitlab google linear linkedin microsoft notion \
                    sentry slack spotify x";
    assert_eq!(built_in().collect::<Vec<_>>().join(" "), expected);
}

/// The name of a service may be longer than its neighbours'.
#[test]
fn they_are_listed_in_columns_that_fit_a_terminal() {
    let listed = crate::support::User::new().run(&["providers", "list"]).code(0).stdout;
    let (head, rows) = listed.split_once('\n').unwrap();
    let from = head.find("FROM").unwrap();
    assert_eq!(rows.lines().count(), built_in().count());
    for row in rows.lines() {
        assert_eq!((row.get(from - 2..from), row.get(from..)), (Some("  "), Some("built in")), "{listed}");
        assert!(row.len() <= 80, "{row}");
    }
}

#[test]
fn each_provider_is_complete_for_a_person() {
    for name in built_in() {
        let provider = provider(name);
        assert!(
            provider.console_url.is_some_and(|url| url.starts_with("https://")),
            "{name}: where to register"
        );
        assert!(!provider.notes.is_empty(), "{name}: what goes wrong");
        for note in &provider.notes {
            assert!(note.ends_with('.') && note.is_ascii(), "{name}: a note is a plain sentence: {note}");
        }
        for scope in &provider.scopes {
            assert!(!scope.contains([' ', ',']), "{name}: one scope an entry: {scope}");
        }
        if let Some(offline) = &provider.offline_scope {
            assert!(provider.scopes.contains(offline), "{name}: the defaults must bring a refresh token");
        }
    }
}

#[test]
fn how_the_client_authenticates() {
    use AuthMethod::{ClientSecretBasic as Basic, ClientSecretPost as Post};
    use SecretRule::{Optional, Required};
    let cases = [
        ("asana", Post, Required),
        ("atlassian", Post, Required),
        ("cognito", Basic, Optional),
        ("discord", Post, Optional),
        ("figma", Basic, Required),
        ("github", Post, Required),
        ("gitlab", Post, Optional),
        ("google", Post, Required),
        ("linear", Post, Optional),
        ("linkedin", Post, Required),
        ("microsoft", Post, Optional),
        ("notion", Basic, Required),
        ("sentry", Post, Optional),
        ("slack", Post, Optional),
        ("spotify", Basic, Optional),
        ("x", Basic, Optional),
    ];
    assert_eq!(cases.len(), built_in().count());
    for (name, method, secret) in cases {
        let provider = provider(name);
        assert_eq!((provider.client_auth, provider.client_secret), (method, secret), "{name}");
    }
}

#[test]
fn pkce_is_left_out_only_where_a_verifier_is_refused() {
    let without: Vec<_> = built_in().filter(|name| !provider(name).pkce).collect();
    assert_eq!(without, ["linkedin"]);
}

#[test]
fn what_brings_a_refresh_token() {
    let parameters = [
        ("google", "access_type", "offline"),
        ("google", "prompt", "consent"),
        ("atlassian", "audience", "api.atlassian.com"),
        ("notion", "owner", "user"),
    ];
    for (name, key, value) in parameters {
        assert_eq!(
            provider(name).authorization_params.get(key).map(String::as_str),
            Some(value),
            "{name} {key}"
        );
    }
    assert!(
        !provider("google").authorization_params.contains_key("approval_prompt"),
        "the retired parameter"
    );
    let scopes = [("atlassian", "offline_access"), ("microsoft", "offline_access"), ("x", "offline.access")];
    for (name, scope) in scopes {
        assert_eq!(provider(name).offline_scope.as_deref(), Some(scope), "{name}");
    }
}

#[test]
fn how_scopes_are_written() {
    for name in built_in() {
        let expected = match name {
            "slack" => ("user_scope", ","),
            "linear" => ("scope", ","),
            _ => ("scope", " "),
        };
        let provider = provider(name);
        assert_eq!(
            (provider.scope_parameter.as_str(), provider.scope_separator.as_str()),
            expected,
            "{name}"
        );
    }
    assert!(provider("notion").scopes.is_empty());
    assert!(!provider("linkedin").scopes.contains(&"r_liteprofile".to_owned()), "the retired scope");
}

#[test]
fn how_the_token_request_and_its_reply_look() {
    for name in built_in() {
        let expected = if name == "notion" { BodyFormat::Json } else { BodyFormat::Form };
        assert_eq!(provider(name).token_request, expected, "{name}");
    }
    assert!(provider("notion").token_headers.contains_key("Notion-Version"));
    assert_eq!(provider("github").token_headers.get("Accept").map(String::as_str), Some("application/json"));
    let nested = provider("slack");
    assert_eq!((nested.reply.root.as_str(), nested.refresh_reply().root.as_str()), ("/authed_user", ""));
    // No vendor here documents a lifetime that its reply does not carry.
    assert!(built_in().all(|name| provider(name).reply.default_lifetime.is_none()));
}

#[test]
fn which_redirects_are_accepted() {
    for name in built_in() {
        let redirect = provider(name).redirect;
        let expected: (&[&str], bool) = match name {
            "cognito" | "notion" => (&["localhost"], false),
            "github" | "google" => (&[], true),
            "microsoft" => (&["localhost", "127.0.0.1"], true),
            "spotify" => (&["127.0.0.1", "[::1]"], true),
            "x" => (&["127.0.0.1"], false),
            _ => (&[], false),
        };
        let hosts: Vec<_> = redirect.hosts.iter().map(String::as_str).collect();
        assert_eq!((hosts.as_slice(), redirect.any_port), expected, "{name}");
    }
}

#[test]
fn who_has_the_device_grant_and_who_can_revoke() {
    let having = |endpoint: fn(Provider) -> Option<String>| {
        built_in().filter(|name| endpoint(provider(name)).is_some()).collect::<Vec<_>>()
    };
    let device = having(|provider| provider.device_authorization_endpoint);
    assert_eq!(device, ["github", "gitlab", "google", "microsoft", "sentry"]);
    let revoke = having(|provider| provider.revocation_endpoint);
    assert_eq!(revoke, ["asana", "cognito", "discord", "gitlab", "google", "linear", "notion", "x"]);
}

#[test]
fn several_sites_are_looked_up_for_one_provider() {
    for name in built_in() {
        let provider = provider(name);
        assert_eq!(provider.sites.is_some(), name == "atlassian", "{name}");
        assert_eq!(provider.gateway_suffix, if name == "atlassian" { "" } else { "/mcp" }, "{name}");
    }
    let sites = provider("atlassian").sites.unwrap();
    assert_eq!(sites.header, "X-Atlassian-Cloud-Id");
}

#[test]
fn a_user_pool_gives_domain_and_region() {
    const POOL: (&str, &str) = ("INGRESS_OAUTH_USER_POOL_ID", "eu-west-1_AbC123");
    let cases: [(Settings, &str); 5] = [
        (&[POOL], "eu-west-1abc123.auth.eu-west-1"),
        (&[POOL, ("AWS_REGION", "us-west-2")], "eu-west-1abc123.auth.eu-west-1"),
        (&[POOL, ("DOMAIN", "login"), ("REGION", "us-gov-west-1")], "login.auth.us-gov-west-1"),
        (&[("DOMAIN", "login"), ("AWS_REGION", "us-west-2")], "login.auth.us-west-2"),
        (&[("DOMAIN", "login")], "login.auth.us-east-1"),
    ];
    for (settings, host) in cases {
        let expected = format!("https://{host}.amazoncognito.com/oauth2/token");
        assert_eq!(token_endpoint("cognito", settings), expected, "{settings:?}");
    }
    let missing = provider("cognito").filled(&|_| None).unwrap_err().to_string();
    assert!(missing.contains("DOMAIN"), "{missing}");
    assert_eq!(provider("cognito").settings_prefix.as_deref(), Some("INGRESS_OAUTH"));
}

#[test]
fn a_tenant_and_a_host_of_ones_own_reach_every_endpoint() {
    let cases: [(&str, Settings, &str); 5] = [
        ("microsoft", &[], "https://login.microsoftonline.com/common/oauth2/v2.0/token"),
        ("microsoft", &[("TENANT", "a.test")], "https://login.microsoftonline.com/a.test/oauth2/v2.0/token"),
        ("gitlab", &[], "https://gitlab.com/oauth/token"),
        ("gitlab", &[("GITLAB_HOST", "git.test")], "https://git.test/oauth/token"),
        ("gitlab", &[("GITLAB_HOST", "https://git.test")], "https://git.test/oauth/token"),
    ];
    for (name, settings, expected) in cases {
        assert_eq!(token_endpoint(name, settings), expected);
    }
    for name in built_in() {
        let provider = filled(name, &[("DOMAIN", "login")]);
        let endpoints = [
            provider.authorization_endpoint,
            provider.token_endpoint,
            provider.revocation_endpoint,
            provider.device_authorization_endpoint,
            provider.issuer,
        ];
        for url in endpoints.into_iter().flatten() {
            let parsed = url::Url::parse(&url).unwrap();
            assert!(parsed.scheme() == "https" && !url.contains(['{', '}', ' ']), "{name}: {url}");
        }
    }
}
