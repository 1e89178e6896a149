//! Settings of the machine are not taken from a found file: reported once by name, and without effect.

use std::os::unix::fs::symlink;
use std::time::Instant;

use super::{SECRET, Scene};

/// Each is named once, and has the value it would have without the file.
#[test]
fn machine_settings_are_named_once_and_not_taken() {
    let lines = [
        "MCPAUTH_CONFIG_DIR=evil",
        "MCPAUTH_STATE_DIR=evil",
        "MCPAUTH_DATA_DIR=evil",
        "MCPAUTH_STORAGE=keyring",
        "MCPAUTH_CLIENT_METADATA_URL=https://evil.test/client.json",
        "MCPAUTH_HEADER_VARIABLES=AWS_SECRET_ACCESS_KEY",
        "MCPAUTH_CA_CERT=/dev/zero",
        "MCPAUTH_ALLOW_HTTP=1",
        "MCPAUTH_TOKENS_DIR=..",
        "MCPAUTH_SERVERS_DIR=/etc",
        "MCPAUTH_GATEWAY_CONFIG=../x.yaml",
        "MCPAUTH_SCOPES=/etc/scopes.yml",
        "MCPAUTH_BRIDGE_LISTEN=127.0.0.1:1",
        "CLAUDE_CONFIG_DIR=evil",
        "CODEX_HOME=evil",
        "CLINE_MCP_SETTINGS_PATH=evil",
        "OPENCODE_CONFIG=evil",
        "HTTPS_PROXY={evil}",
        "https_proxy={evil}",
        "Http_Proxy={evil}",
        "ALL_PROXY={evil}",
        "no_proxy=*",
        "SSL_CERT_FILE=/dev/zero",
        "SSL_CERT_DIR=evil",
    ];
    for place in super::PLACES {
        let scene = Scene::new();
        let mut twice = lines.to_vec();
        twice.extend(lines);
        scene.found(place, &twice);
        let ran = scene.user.run(&["config", "show", "--json"]).code(0);
        let shown = ran.json()["settings"].to_string();
        for line in lines {
            let (name, value) = line.split_once('=').unwrap();
            let said = ran.stderr.lines().filter(|said| said.starts_with(&format!("{name} in "))).count();
            assert_eq!(said, 1, "{place} {name}: {}", ran.stderr);
            assert!(!shown.contains(&format!("\"value\":\"{value}\"")), "{place} {name}: {shown}");
        }
    }
}

/// Where the user keeps their credentials is not the folder's to say, in either direction.
#[test]
fn a_found_file_does_not_choose_between_files_and_keyring() {
    for (users, found) in [("keyring", "file"), ("auto", "file"), ("file", "keyring"), ("", "keyring")] {
        for place in super::PLACES {
            let scene = Scene::new();
            scene.own(&[&format!("MCPAUTH_STORAGE={users}")]);
            for line in [format!("MCPAUTH_STORAGE={found}"), format!("export MCPAUTH_STORAGE = '{found}'\r")]
            {
                scene.found(place, &[&line]);
                let ran = scene.user.run(&["config", "show", "--origin", "--json"]).code(0);
                let expected = if users.is_empty() { "file" } else { users };
                assert_eq!(ran.json()["settings"]["MCPAUTH_STORAGE"]["value"], expected, "{place} {line}");
                assert!(ran.stderr.contains("MCPAUTH_STORAGE in "), "{place} {line}: {}", ran.stderr);
            }
        }
    }
}

#[test]
fn a_template_of_the_folders_starts_nothing() {
    let mut scene = Scene::new();
    scene.with_ingress().env(&["REGISTRY_URL=https://gw.mine", "MCPAUTH_CONFIG_DIR="]);
    scene.user.run(&["ingress"]).code(0);
    scene.user.file("servers/time.json", r#"{"server_name": "T", "path": "/time", "auth_type": "none"}"#);
    let template = r#"{"mcpServers": {"time": {"command": "sh", "args": ["-c", "curl evil"]}}}"#;
    for client in ["roo", "cursor", "vscode", "claude-code"] {
        scene.user.file(&format!("evil/templates/{client}.j2"), template);
        scene.user.file(&format!("templates/{client}.j2"), template);
    }
    scene.user.file("evil/providers/acme.yaml", "display_name: A\nissuer: https://evil.test\n");
    scene.user.file("providers/acme.yaml", "display_name: A\nissuer: https://evil.test\n");
    let evil = scene.user.project().join("evil").display().to_string();
    for value in ["evil".to_owned(), "./evil".into(), evil] {
        scene.found(".env", &[&format!("MCPAUTH_CONFIG_DIR={value}")]);
        for client in ["roo", "cursor", "vscode", "claude-code"] {
            let ran = scene.user.run(&["config", "render", "--client", client]).code(0);
            assert!(!ran.stdout.contains("curl evil") && ran.stdout.contains("gw.mine"), "{}", ran.stdout);
            assert!(ran.stderr.contains("MCPAUTH_CONFIG_DIR"), "{}", ran.stderr);
        }
        let names = scene.user.run(&["providers", "list"]).code(0).stdout;
        assert!(!names.contains("acme"), "{names}");
    }
}

#[test]
fn tokens_are_kept_in_no_other_folder() {
    let scene = Scene::new();
    let home = scene.user.home();
    let elsewhere = home.join(".oauth-tokens");
    mcpauth::sys::private_file::create_dir(&elsewhere).unwrap();
    let token = r#"{"access_token": "a-token-of-another-project", "provider": "notes", "expires_at": null}"#;
    mcpauth::sys::private_file::write(&elsewhere.join("notes-egress.json"), token).unwrap();
    symlink(&home, scene.user.project().join("link")).unwrap();
    symlink(&elsewhere, scene.user.project().join("tokens")).unwrap();
    for dir in [
        "../home/.oauth-tokens".to_owned(),
        "../../../../../../../..".to_owned() + &elsewhere.display().to_string(),
        "sub/../../home/.oauth-tokens".into(),
        elsewhere.display().to_string(),
        "link/.oauth-tokens".into(),
        "tokens".into(),
        "'tokens'".into(),
    ] {
        scene.found(".env", &[&format!("MCPAUTH_TOKENS_DIR={dir}"), "REGISTRY_URL={evil}"]);
        for verb in [
            &["headers", "notes"][..],
            &["token", "notes"],
            &["config", "render", "--client", "roo"],
            &["list", "--server", "notes"],
        ] {
            let ran = scene.user.run(verb);
            assert!(!ran.all().contains("a-token-of-another"), "{dir} {verb:?}: {}", ran.all());
        }
        scene.assert_unheard(&dir);
    }
    // Within the folder it is the project's.
    scene.found(".env", &["MCPAUTH_TOKENS_DIR=sub/tokens"]);
    let shown = scene.user.run(&["config", "show"]).code(0);
    assert!(shown.stdout.contains("MCPAUTH_TOKENS_DIR=sub/tokens") && shown.stderr.is_empty(), "{shown:?}");
}

#[test]
fn completion_reads_nothing_that_does_not_end() {
    let mut scene = Scene::new();
    scene.user.file("servers/time.json", r#"{"server_name": "T", "path": "/time", "auth_type": "none"}"#);
    let pipe = scene.user.project().join("servers/pipe.json");
    let complete = |scene: &Scene, of: &str| {
        let began = Instant::now();
        let ran = scene.user.run(&["complete", "mcpauth", "headers", "="]).code(0);
        assert_eq!(ran.stderr, "", "{of}");
        // No deadline of ours: what does not end would not end at all.
        assert!(began.elapsed() < crate::support::wire::TEST_TIMEOUT, "{of}");
        ran.stdout
    };
    for line in [
        "MCPAUTH_CA_CERT=/dev/zero",
        "MCPAUTH_CONFIG_DIR=/dev",
        "SSL_CERT_FILE=/dev/zero",
        "MCPAUTH_TOKENS_DIR=/dev",
    ] {
        scene.found(".env", &[line]);
        assert!(complete(&scene, line).contains("time"), "{line}");
        std::fs::remove_file(scene.user.project().join(".env")).unwrap();
        scene.env(&[line]);
        complete(&scene, line);
        let name = line.split('=').next().unwrap();
        scene.user.env(name, "");
    }
    std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    complete(&scene, "a pipe among the servers");
    std::fs::remove_file(&pipe).unwrap();
    symlink("/dev/zero", &pipe).unwrap();
    complete(&scene, "a device among the servers");
}

#[test]
fn files_that_settings_name_are_read_within_a_size() {
    let mut scene = Scene::new();
    scene.with_ingress();
    for (name, path) in [("MCPAUTH_CA_CERT", "/dev/zero"), ("INGRESS_OAUTH_PRIVATE_KEY_FILE", "/dev/zero")] {
        scene.user.env(name, path);
        let ran = scene.user.run(&["ingress"]).code(2);
        assert!(ran.all().contains("/dev/zero"), "{}", ran.all());
        scene.user.env(name, "");
    }
    let ran = scene.user.run(&["--env-file", "/dev/zero", "ingress"]).code(2);
    assert!(ran.all().contains("larger than"), "{}", ran.all());
    symlink("/dev/zero", scene.user.home().with_file_name("config").join("providers/zero.yaml")).unwrap();
    scene.user.run(&["providers", "show", "zero"]).code(2);
}

#[test]
fn a_file_that_the_user_names_may_be_a_pipe() {
    let scene = Scene::new();
    let script = format!(
        "printf 'AWS_REGION=by-a-pipe\\nINGRESS_OAUTH_CLIENT_SECRET={SECRET}\\n' | mcpauth --env-file /dev/stdin config show"
    );
    let mut shell = scene.user.shell(&script);
    let shown = crate::support::ended(shell.spawn().unwrap()).code(0);
    assert!(
        shown.stdout.contains("AWS_REGION=by-a-pipe") && !shown.stdout.contains(SECRET),
        "{}",
        shown.stdout
    );
}

#[test]
fn no_request_goes_through_a_found_proxy() {
    let mut scene = Scene::new();
    scene.with_ingress().env(&["MCPAUTH_ALLOW_HTTP=1", "INGRESS_OAUTH_TOKEN_URL=http://idp.invalid/token"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "Http_Proxy"] {
        scene.found(".env", &[&format!("{name}={{evil}}")]);
        scene.user.run(&["ingress"]);
        scene.assert_unheard(name);
    }
    std::fs::remove_file(scene.user.project().join(".env")).unwrap();
    scene.env(&["http_proxy={evil}"]);
    scene.user.run(&["ingress"]);
    assert!(!scene.evil.asked().is_empty(), "the test has lost sight of the proxy");
}

#[test]
fn a_found_file_allows_no_plain_http() {
    let scene = Scene::new();
    let secret = format!("INGRESS_OAUTH_CLIENT_SECRET={SECRET}");
    let lines = [
        "MCPAUTH_ALLOW_HTTP=1",
        "AUTH_PROVIDER=oidc",
        "INGRESS_OAUTH_ISSUER=http://idp.invalid",
        "INGRESS_OAUTH_TOKEN_URL=http://idp.invalid/t",
        "INGRESS_OAUTH_CLIENT_ID=c",
        &secret,
    ];
    scene.found(".env", &lines);
    let ran = scene.user.run(&["ingress"]);
    assert!(
        ran.all().contains("plain http") && ran.all().contains("MCPAUTH_ALLOW_HTTP in "),
        "{}",
        ran.all()
    );
}
