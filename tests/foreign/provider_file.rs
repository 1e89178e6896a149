//! The scripts' `oauth_providers.yaml`: read in their folder, with all of its fields, as a file that may not be the
//! user's choice.

use std::os::unix::fs::PermissionsExt;

use crate::support::wire::{SECRET, Scripted, decide, get, idp, parameter};
use crate::support::{User, ended};

const PLACE: &str = "credentials-provider/oauth/oauth_providers.yaml";

/// As the scripts ship it, with one service added by the user.
fn listed(base: &str, more: &str) -> String {
    format!(
        "# OAuth providers\nproviders:\n  tracker:\n    display_name: \"Tracker\"\n    auth_url: {base}/authorize\n    token_url: {base}/token\n    \
         user_info_url: {base}/sites\n    scopes:\n      - \"read:work\"\n      - \"offline_access\"\n    response_type: code\n    \
         grant_type: authorization_code\n    requires_pkce: true\n    requires_cloud_id: false\n{more}\
         \n  github:\n    display_name: \"GitHub\"\n    auth_url: https://github.com/login/oauth/authorize\n    \
         token_url: https://github.com/login/oauth/access_token\n    scopes: [\"read:user\", repo]\n    response_type: code\n    \
         grant_type: authorization_code\n    requires_pkce: false\n    token_headers:\n      Accept: application/json\n\
         \n  cognito_m2m:\n    display_name: M2M\n    token_url: \"https://{{domain}}.auth.{{region}}.amazoncognito.com/oauth2/token\"\n    \
         scopes: []\n    grant_type: client_credentials\n    requires_template_vars: [domain, region]\n    \
         template_var_defaults:\n      region: us-east-1\n    is_m2m: true\n    supports_browser_flow: false\n\
         \nmetadata:\n  version: 1.0\n  description: OAuth providers\n  last_updated: 2025-01-15\n"
    )
}

const SET: &str = "EGRESS_PROVIDER_NAME_1=tracker\nEGRESS_OAUTH_CLIENT_ID_1=tracker-client\n\
                   EGRESS_OAUTH_REDIRECT_URI_1=http://127.0.0.1:0/callback\n";

fn log_in(user: &User, verb: &[&str]) -> String {
    let mut running = user.start(verb);
    let url = running.url();
    assert_eq!(get(&decide(&url, "allow")).status, 200);
    running.end().code(0);
    url
}

#[test]
fn a_folder_of_the_scripts_works_as_it_is() {
    let idp = idp(3600);
    for env in [".env", "credentials-provider/oauth/.env"] {
        let user = User::new();
        user.file(PLACE, &listed(idp.issuer(), ""));
        user.file(env, &format!("{SET}EGRESS_OAUTH_CLIENT_SECRET_1={SECRET}\n"));
        let url = log_in(&user, &["egress", "--no-browser"]);
        assert_eq!(parameter(&url, "code_challenge_method").as_deref(), Some("S256"));
        assert_eq!(parameter(&url, "scope").as_deref(), Some("read:work offline_access"));
        let first = user.token("tracker-egress.json")["access_token"].clone();
        user.run(&["refresh", "--once", "--force"]).code(0);
        assert_ne!(
            user.token("tracker-egress.json")["access_token"],
            first,
            "its refresh token goes back there"
        );
        let headers = user.run(&["headers", "tracker"]).code(0).json();
        assert!(headers["Authorization"].as_str().unwrap().starts_with("Bearer "));
        // From elsewhere, by the command line that clients are given.
        let ran = user.run(&["config", "render", "--client", "junie"]).code(0).json();
        let entry = &ran["mcpServers"]["tracker"];
        let mut words: Vec<String> = vec![entry["command"].as_str().unwrap().into()];
        words.extend(entry["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()));
        let place = words.iter().position(|word| word == "bridge").unwrap();
        words.splice(place.., ["refresh".into(), "--once".into(), "--force".into(), "--no-install".into()]);
        let second = user.token("tracker-egress.json")["access_token"].clone();
        let mut shell = user.shell(&words.iter().map(|word| format!("'{word}' ")).collect::<String>());
        ended(shell.current_dir(user.home()).spawn().unwrap()).code(0);
        assert_ne!(user.token("tracker-egress.json")["access_token"], second);
    }
}

#[test]
fn the_users_secret_goes_there_only_if_the_file_is_named() {
    let evil = Scripted::start(|_| (200, r#"{"access_token": "T", "token_type": "Bearer"}"#.into()));
    // The secret, and what is found next to the file.
    let rest = SET.lines().map(|line| line.split_once('=').unwrap());
    for found in
        [&[][..], &["EGRESS_PROVIDER_NAME_1"], &["EGRESS_OAUTH_CLIENT_ID_1", "EGRESS_OAUTH_REDIRECT_URI_1"]]
    {
        let mut user = User::new();
        let path = user.file(PLACE, &listed(&evil.base, ""));
        user.env("EGRESS_OAUTH_CLIENT_SECRET_1", SECRET).env("MCPAUTH_LOGIN_TIMEOUT", "1");
        let mut text = String::new();
        for (name, value) in rest.clone() {
            if found.contains(&name) {
                text += &format!("{name}={value}\n");
            } else {
                user.env(name, value);
            }
        }
        user.file(".env", &text);
        let ran = user.run(&["egress", "--config-set", "1", "--no-browser"]).code(2);
        let all = ran.stdout + &ran.stderr;
        assert!(all.contains("EGRESS_OAUTH_CLIENT_SECRET_1 (environment)"), "{all}");
        assert!(evil.asked().is_empty() && !all.contains("code_challenge"), "{all}");
        let remedy = all.split_once("name it: ").unwrap().1.lines().next().unwrap().to_owned();
        if found.is_empty() {
            assert!(
                all.contains(&format!("token_url says, but that comes from {}:4", path.display())),
                "{all}"
            );
            assert!(remedy.contains(&format!("--providers-file {}", path.display())), "{remedy}");
        }
        let ran = ended(user.shell(&remedy).spawn().unwrap()).code(4);
        assert!((ran.stdout + &ran.stderr).contains("code_challenge"), "now the login begins");
        // By a variable it is named, too; one that is only found names nothing.
        user.env("MCPAUTH_PROVIDERS_FILE", path.display().to_string());
        let by_variable = user.run(&["egress", "--config-set", "1", "--no-browser"]);
        assert_eq!(by_variable.code, Some(if found.is_empty() { 4 } else { 2 }));
        user.env("MCPAUTH_PROVIDERS_FILE", "");
        user.file(".env", &format!("{text}MCPAUTH_PROVIDERS_FILE={PLACE}\n"));
        user.run(&["egress", "--config-set", "1", "--no-browser"]).code(2);
    }
    assert!(evil.asked().is_empty());
}

#[test]
fn what_is_built_in_is_known_better_and_what_is_elsewhere_is_the_files_own() {
    let user = User::new();
    user.file(PLACE, &listed("https://t.test", ""));
    let ran = user.run(&["providers", "list"]).code(0);
    let line = |name: &str| {
        ran.stdout.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap().to_owned()
    };
    assert!(line("tracker").contains(&format!("{PLACE}:4")), "{}", ran.stdout);
    assert!(line("github").ends_with("built in"), "{}", ran.stdout);
    user.run(&["providers", "check"]).code(0);
    let shown = user.run(&["providers", "show", "tracker"]).code(0).stdout;
    assert!(
        shown.contains("https://t.test/authorize") && shown.contains("read:work offline_access"),
        "{shown}"
    );
    user.file(
        PLACE,
        &listed("https://t.test", "").replace("https://github.com", "https://github.example.com"),
    );
    let shown = user.run(&["providers", "show", "github"]).code(0).stdout;
    assert!(shown.contains("https://github.example.com/login"), "{shown}");
    user.provider("github", "display_name: Mine\nissuer: https://mine.test\n");
    assert!(user.run(&["providers", "show", "github"]).code(0).stdout.contains("https://mine.test"));
    user.run(&["--no-env-file", "providers", "show", "tracker"]).code(2);
}

#[test]
fn a_provider_for_machines_is_no_login() {
    let mut user = User::new();
    user.file(PLACE, &listed("https://t.test", ""));
    user.env("EGRESS_PROVIDER_NAME_1", "cognito_m2m").env("EGRESS_OAUTH_CLIENT_ID_1", "c").env("DOMAIN", "d");
    user.env("EGRESS_OAUTH_CLIENT_SECRET_1", "s")
        .env("EGRESS_OAUTH_REDIRECT_URI_1", "http://127.0.0.1:0/callback");
    let ran = user.run(&["egress", "--no-browser"]).code(2);
    assert!((ran.stdout + &ran.stderr).contains("has no login for people"));
}

#[test]
fn the_site_is_asked_for_where_they_ask_for_it() {
    let sites = Scripted::start(|_| (200, r#"[{"id": "site-7", "name": "seven"}]"#.into()));
    let idp = idp(3600);
    let user = User::new();
    let text = listed(idp.issuer(), "    cloud_id_from_user_info: true\n")
        .replace("requires_cloud_id: false", "requires_cloud_id: true");
    user.file(PLACE, &text.replace(&format!("{}/sites", idp.issuer()), &format!("{}/sites", sites.base)));
    user.file(".env", &format!("{SET}EGRESS_OAUTH_CLIENT_SECRET_1={SECRET}\n"));
    log_in(&user, &["egress", "--no-browser"]);
    assert_eq!(user.token("tracker-egress.json")["cloud_id"], "site-7");
    let headers = user.run(&["headers", "tracker"]).code(0).json();
    assert_eq!(headers["X-Tracker-Cloud-Id"], "site-7", "{headers}");
}

#[test]
fn a_file_that_is_not_fit_to_be_read_is_said_once_and_left_out() {
    let good = listed("https://t.test", "");
    let twice = listed("https://t.test", "").replace("  github:\n", "  tracker:\n");
    let cases: [(&str, u32, &str); 5] = [
        (&twice, 0o600, "duplicate mapping key `tracker`"),
        (&good, 0o664, "others can write to it"),
        ("providers: [", 0o600, "is ignored: "),
        ("providers: hunter2", 0o600, "is ignored: "),
        ("- hunter2", 0o600, "is ignored: "),
    ];
    for (text, bits, reason) in cases {
        let user = User::new();
        let path = user.file(PLACE, text);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(bits)).unwrap();
        let ran = user.run(&["providers", "list"]).code(0);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.contains(reason) && ran.stderr.contains(PLACE), "{}", ran.stderr);
        assert!(!ran.stderr.contains("hunter2") && !ran.stdout.contains("tracker"), "{ran:?}");
        assert!(!ran.stderr.contains("Policy"), "no word of the parser's own options: {}", ran.stderr);
    }
    // Nothing in it, and one entry that is wrong among others.
    for text in ["", "# nothing yet\n", "providers:\n", "metadata: {version: 1}\n"] {
        let user = User::new();
        user.file(PLACE, text);
        assert_eq!(user.run(&["providers", "check"]).code(0).stderr, "", "{text}");
    }
    let user = User::new();
    let path = user.file(
        PLACE,
        &listed("https://t.test", "")
            .replace("    token_url: https://t.test/token\n", "    token_url: [5]\n"),
    );
    let ran = user.run(&["providers", "check"]).code(7);
    assert!(ran.stdout.contains(&format!("tracker: {}:4: ", path.display())), "{}", ran.stdout);
    user.run(&["providers", "show", "github"]).code(0);
}
