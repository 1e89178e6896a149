//! A token obtained with the user's own secret is sent to no gateway and no server that a found file names, by any
//! verb.

use serde_json::json;

use super::{SECRET, Scene, typed};

const TIME: &str = r#"{"server_name": "T", "path": "/time", "auth_type": "none"}"#;

/// A scene in which the user has an ingress token, got with a secret of the environment, and a server behind the gateway.
fn with_token() -> Scene {
    let mut scene = Scene::new();
    scene.with_ingress();
    scene.user.run(&["ingress"]).code(0);
    scene.user.file("servers/time.json", TIME);
    scene
}

/// The same, with nothing configured any longer: no credential produces the token's file.
fn with_token_alone() -> Scene {
    let mut scene = with_token();
    for name in ["ISSUER", "USER_POOL_ID", "CLIENT_ID", "CLIENT_SECRET"] {
        scene.user.env(&format!("INGRESS_OAUTH_{name}"), "");
    }
    scene
}

/// The verbs that send a token to the gateway, or tell others to.
const HANDING: &[&[&str]] = &[
    &["headers", "time"],
    &["env", "time"],
    &["exec", "time", "--", "sh", "-c", "true"],
    &["list", "--server", "time"],
    &["ping", "--server", "time"],
    &["probe", "--server", "time"],
    &["call", "--server", "time", "echo"],
    &["gateway", "token", "--server", "time", "--ttl", "5m"],
    &["config", "render", "--client", "roo", "--auth-mode", "inline"],
    &["config", "install", "--client", "roo", "--auth-mode", "inline"],
    &["config", "install", "--client", "cursor", "--auth-mode", "bridge"],
    &["config", "install", "--client", "claude-code", "--auth-mode", "helper"],
];

#[test]
fn no_verb_sends_it_to_a_found_gateway() {
    for scene in [with_token(), with_token_alone()] {
        let token = scene.user.token("ingress.json")["access_token"].as_str().unwrap().to_owned();
        for place in super::PLACES {
            let path = scene.found(place, &["REGISTRY_URL={evil}"]);
            for verb in HANDING {
                let ran = scene.user.run(verb).code(2);
                scene.assert_unheard(&format!("{place} {verb:?}"));
                let all = ran.all();
                for part in ["the token in ingress.json", "REGISTRY_URL", place, "--env-file"] {
                    assert!(all.contains(part), "{place} {verb:?}: {part}: {all}");
                }
                assert!(!all.contains(&token), "{place} {verb:?}: {all}");
            }
            for client in [".roocode/mcp_servers.json", ".cursor/mcp.json", ".claude.json"] {
                assert!(!scene.user.home().join(client).exists(), "{place} {client}");
            }
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn generate_and_refresh_write_it_into_no_configuration_for_a_found_gateway() {
    let scene = with_token();
    scene.found(".env", &["REGISTRY_URL={evil}"]);
    for verb in [&["generate"][..], &["refresh", "--once", "--force"]] {
        let ran = scene.user.run(verb).code(3);
        assert!(ran.all().contains("REGISTRY_URL"), "{}", ran.all());
        for file in ["vscode_mcp.json", "mcp.json"] {
            assert!(!scene.user.project().join(".oauth-tokens").join(file).exists(), "{verb:?} {file}");
        }
    }
    scene.assert_unheard("generate");
}

#[test]
fn the_bridge_gives_it_to_no_found_gateway() {
    let scene = with_token();
    scene.found(".env", &["REGISTRY_URL={evil}"]);
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}).to_string() + "\n";
    let ran = scene.user.run_with(&["bridge", "time"], &hello);
    scene.assert_unheard("bridge");
    assert!(ran.all().contains("REGISTRY_URL"), "{}", ran.all());
}

#[test]
fn an_address_that_a_found_file_names_gets_nothing() {
    for scene in [with_token(), with_token_alone()] {
        scene.user.file("token", "a-token-of-the-user");
        scene.found(".env", &["GATEWAY_URL={evil}/mcp"]);
        for verb in ["list", "ping", "probe"] {
            for more in [&["--auth"][..], &["--token-file", "token"], &["--auth", "--token-file", "token"]] {
                let ran = scene.user.run(&[&[verb], more].concat()).code(2);
                scene.assert_unheard(&format!("{verb} {more:?}"));
                assert!(
                    ran.all().contains("GATEWAY_URL") && ran.all().contains("--env-file"),
                    "{}",
                    ran.all()
                );
            }
        }
        // It is below the found gateway as well, which does not make it acceptable.
        scene.found(".env", &["GATEWAY_URL={evil}/time/mcp", "REGISTRY_URL={evil}"]);
        scene.user.run(&["list"]).code(2);
        scene.assert_unheard("both");
        let url = format!("{}/time/mcp", scene.evil.base);
        scene.user.run(&["list", "--url", &url]).code(2);
        scene.user.run(&["headers", &url]).code(2);
        scene.assert_unheard("an address is below a gateway by the found file's word alone");
    }
}

#[test]
fn a_token_of_the_environment_goes_to_no_found_address() {
    let mut scene = Scene::new();
    scene.env(&["MCP_AUTH_TOKEN=a-token-of-the-user"]);
    for lines in [
        &["GATEWAY_URL={evil}/mcp", "REGISTRY_URL={evil}"][..],
        &["GATEWAY_URL={evil}/a/mcp", "REGISTRY_URL={evil}/a"],
    ] {
        scene.found(".env", lines);
        scene.user.run(&["list"]).code(2);
        scene.user.run(&["call", "echo"]).code(2);
        scene.assert_unheard("MCP_AUTH_TOKEN");
    }
    scene.found(".env", &["GATEWAY_URL={evil}/mcp"]);
    let ran = scene.user.run(&["list", "--auth"]).code(2);
    assert!(ran.all().contains("MCP_AUTH_TOKEN (environment)"), "{}", ran.all());
    scene.assert_unheard("--auth");
}

#[test]
fn a_folder_with_a_client_of_its_own_has_no_claim_on_it() {
    let scene = with_token_alone();
    let lines = [
        "REGISTRY_URL={evil}",
        "INGRESS_OAUTH_ISSUER={idp}",
        "INGRESS_OAUTH_USER_POOL_ID=us-east-1_A",
        "INGRESS_OAUTH_CLIENT_ID=agent",
        "INGRESS_OAUTH_CLIENT_SECRET=the-attackers",
    ];
    scene.found(".env", &lines);
    for verb in HANDING {
        let code = scene.user.run(verb).code;
        assert!(matches!(code, Some(2 | 4)), "{verb:?}: {code:?}");
        scene.assert_unheard(&format!("{verb:?}"));
    }
}

#[test]
fn a_token_file_that_does_not_say_whose_it_is_is_the_users() {
    let scene = Scene::new();
    scene.user.file("servers/time.json", TIME);
    for name in ["ingress.json", "agent-x-token.json", "notes-egress.json"] {
        let path = scene.user.file(
            &format!(".oauth-tokens/{name}"),
            r#"{"access_token": "E", "provider": "notes", "expires_at": null}"#,
        );
        scene.found(".env", &["REGISTRY_URL={evil}"]);
        let server = if name.contains("notes") { "notes" } else { "time" };
        for verb in [&["headers", server][..], &["config", "render", "--client", "roo"]] {
            let ran = scene.user.run(verb).code(2);
            assert!(ran.all().contains(name), "{name}: {}", ran.all());
        }
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn the_command_that_the_refusal_names_works_for_tokens() {
    let scene = with_token();
    scene.found(".env", &["REGISTRY_URL=https://gw.mine"]);
    for verb in [&["headers", "time"][..], &["config", "render", "--client", "roo", "--auth-mode", "inline"]]
    {
        let remedy = scene.user.run(verb).code(2).remedy();
        let ran = typed(&scene.user, &remedy).code(0);
        assert!(ran.stdout.contains("Bearer "), "{remedy}: {}", ran.stdout);
    }
}

#[test]
fn clients_are_started_with_no_more_trust_in_a_found_file() {
    let mut scene = with_token();
    scene.env(&["REGISTRY_URL=https://gw.mine"]);
    // None of its content is used today.
    scene.found(".env", &["INGRESS_OAUTH_SCOPE=read", "GATEWAY_URL={evil}/mcp"]);
    scene.user.run(&["config", "install", "--client", "cursor", "--auth-mode", "bridge"]).code(0);
    let path = scene.user.home().join(".cursor/mcp.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("--found-env-file") && !text.contains("\"--env-file\""), "{text}");
    let args = |text: &str| -> Vec<String> {
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        let args = json["mcpServers"]["time"]["args"].as_array().unwrap().clone();
        let args = args.iter().map(|arg| arg.as_str().unwrap().to_owned());
        args.take_while(|arg| arg != "bridge").collect()
    };
    // Tomorrow it says more, and the client starts us by that command line.
    scene.found(".env", &["INGRESS_OAUTH_TOKEN_URL={evil}/token"]);
    let words = args(&text);
    let words: Vec<&str> = words.iter().map(String::as_str).chain(["ingress", "--force"]).collect();
    scene.user.run(&words).code(2);
    scene.assert_unheard("a pinned file");
    // And a file that is not trusted today is not pinned at all.
    let ran = scene.user.run(&["config", "install", "--client", "cursor", "--auth-mode", "bridge"]).code(0);
    assert!(ran.stderr.contains("INGRESS_OAUTH_TOKEN_URL"), "{}", ran.stderr);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("env-file\"") || text.contains("--no-env-file"), "{text}");
    assert!(!text.contains("project/.env"), "{text}");
    let unit = scene.user.run(&["refresh", "--unit", "systemd"]).code(0).stdout;
    assert!(!unit.contains("project/.env"), "{unit}");
}

#[test]
fn a_server_path_leads_our_token_nowhere_else() {
    let mut scene = with_token();
    scene.env(&["REGISTRY_URL=https://gw.mine/base"]);
    let host = scene.evil.base.trim_start_matches("http://").to_owned();
    for path in
        ["/../up", "/..", "/a/../../up", "/%2e%2e/up", "/.%2E/up", "/..\\\\up", &format!("/../@{host}")]
    {
        scene.user.file(
            "servers/time.json",
            &format!(r#"{{"server_name": "T", "path": "{path}", "auth_type": "none"}}"#),
        );
        let ran = scene.user.run(&["config", "render", "--client", "roo", "--auth-mode", "inline"]);
        // It is left out like every file that describes no server; nothing that leads there is written.
        assert!(!ran.stdout.contains("\"url\"") && ran.stderr.contains("left out"), "{path}: {ran:?}");
    }
    for path in [format!("@{host}/x"), format!("//{host}/x"), format!("\\\\\\\\{host}/x"), format!(".{host}")]
    {
        scene.user.file(
            "servers/time.json",
            &format!(r#"{{"server_name": "T", "path": "{path}", "auth_type": "none"}}"#),
        );
        let text = scene.user.run(&["config", "render", "--client", "roo", "--auth-mode", "inline"]).stdout;
        assert!(
            !text.contains("\"url\"") || text.contains("\"url\": \"https://gw.mine/base/"),
            "{path}: {text}"
        );
    }
    scene.assert_unheard("paths");
}

#[test]
fn configure_puts_no_secret_beside_an_address_that_a_found_file_names() {
    let scene = Scene::new();
    let path = scene.found(".env", &["COGNITO_DOMAIN={evil}"]);
    let before = std::fs::read_to_string(&path).unwrap();
    let args = [
        "configure",
        "--kind",
        "cognito",
        "--user-pool-id",
        "us-east-1_A",
        "--client-id",
        "c",
        "--client-secret-file",
        "-",
        "--yes",
    ];
    let ran = scene.user.run_with(&args, SECRET).code(2);
    assert!(ran.all().contains("COGNITO_DOMAIN"), "{}", ran.all());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
}

/// The scripts' file of a login names neither issuer nor client.
#[test]
fn a_login_that_names_no_issuer_is_renewed_at_no_found_address() {
    let provider = "display_name: Tenants\nauthorization_endpoint: '{{ house }}/a'\ntoken_endpoint: '{{ house }}/t'\n\
                    revocation_endpoint: '{{ house }}/r'\n\
                    variables: [{name: house, setting: HOUSE, default: 'http://127.0.0.1:9'}]\n";
    let own = [
        "EGRESS_PROVIDER_NAME_1=tenants",
        "EGRESS_OAUTH_CLIENT_ID_1=theirs",
        "EGRESS_OAUTH_CLIENT_SECRET_1=theirs",
        "EGRESS_OAUTH_REDIRECT_URI_1=http://127.0.0.1:0/callback",
        "HOUSE={evil}",
    ];
    for verb in [
        &["egress"][..],
        &["refresh", "--once"],
        &["refresh", "--once", "--force"],
        &["headers", "tenants"],
        &["token", "tenants"],
        &["generate", "--no-install"],
        &["logout", "tenants", "--revoke"],
        &["doctor"],
    ] {
        let scene = Scene::new();
        scene.user.provider("tenants", provider);
        let stored = json!({"provider": "tenants", "access_token": "of-the-user", "refresh_token": "of-the-user", "expires_at": 1000});
        scene.user.file(".oauth-tokens/tenants-egress.json", &stored.to_string());
        scene.found(".env", &own);
        let code = scene.user.run(verb).code;
        assert_ne!(code, Some(0), "{verb:?}");
        // It may be asked, with a secret of its own, whether it knows its client.
        let heard = scene.evil.asked().into_iter().map(|asked| asked.head + &asked.body);
        assert!(!heard.collect::<String>().contains("of-the-user"), "{verb:?}");
    }
}

/// Tokens of the user's elsewhere belong to no one who was only found here, whatever client that claims to be.
#[test]
fn a_token_elsewhere_that_says_nothing_of_its_origin_is_the_users() {
    let mut scene = Scene::new();
    let elsewhere = scene.user.home().join("tokens");
    let stored = json!({"provider": "oidc_m2m", "access_token": "of-the-user", "expires_at": 4_000_000_000u64,
                        "issuer": scene.idp.issuer(), "client_id": "agent"});
    mcpauth::sys::private_file::create_dir(&elsewhere).unwrap();
    mcpauth::sys::private_file::write(&elsewhere.join("ingress.json"), &stored.to_string()).unwrap();
    scene.env(&[&format!("MCPAUTH_TOKENS_DIR={}", elsewhere.display())]);
    scene.user.file("servers/time.json", TIME);
    let lines = [
        "AUTH_PROVIDER=oidc",
        "INGRESS_OAUTH_ISSUER={idp}",
        "INGRESS_OAUTH_CLIENT_ID=agent",
        "INGRESS_OAUTH_CLIENT_SECRET=theirs",
        "REGISTRY_URL={evil}",
    ];
    scene.found(".env", &lines);
    for verb in HANDING {
        let ran = scene.user.run(verb);
        assert_ne!(ran.code, Some(0), "{verb:?}");
        assert!(!ran.all().contains("of-the-user"), "{verb:?}: {}", ran.all());
        scene.assert_unheard(&format!("{verb:?}"));
    }
}

/// What a client or an address would take for something else than a name.
#[test]
fn a_server_is_called_by_nothing_that_means_more() {
    let mut scene = with_token();
    scene.env(&["REGISTRY_URL=https://gw.mine"]);
    for path in [
        "/${env:HOME}",
        "/$(id)",
        "/`id`",
        "/a?x",
        "/a#x",
        "/..",
        "/a/../b",
        "/./a",
        "/a\\\\..",
        "/a\\\"b",
        "/{{ x }}",
        "/a|b",
    ] {
        let file = format!(r#"{{"server_name": "T", "path": "{path}", "auth_type": "none"}}"#);
        scene.user.file("servers/time.json", &file);
        for client in ["vscode", "roo", "claude-code"] {
            let ran = scene.user.run(&["config", "render", "--client", client]).code(0);
            assert!(
                !ran.stdout.contains("gw.mine") && ran.stderr.contains("left out"),
                "{path}: {}",
                ran.all()
            );
        }
    }
}
