//! Commands in messages work where they are printed: each situation is created, and then the command in its message
//! is run. Not here: tokens that a server no longer accepts (see `dead_ends`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests are a shell, and lay out the gateway's files")]

use std::io::{Read, Write};

use serde_json::json;

use crate::by_address::{TOKEN, log_in, play};
use crate::support::lab::{Lab, issuer, until};
use crate::support::tls::{Authority, Secured};
use crate::support::upstream::{Upstream, say};
use crate::support::wire::free_port;
use crate::support::{Ran, User};

/// The text after the arrow.
#[track_caller]
pub(crate) fn hint(ran: &Ran) -> String {
    let all = format!("{}{}", ran.stdout, ran.stderr);
    let after = all.split_once("-> ").unwrap_or_else(|| panic!("no hint: {all}")).1;
    after.lines().next().unwrap().to_owned()
}

/// Sets the variables that a hint says to set.
fn set_named(user: &mut User, hint: &str) {
    let (_, names) = hint.split_once("set ").unwrap();
    let names = names.split(" in .env").next().unwrap().replace(" and ", ", ");
    for name in names.split(", ") {
        let value = match name {
            _ if name.starts_with("EGRESS_PROVIDER_NAME") => "github",
            _ if name.contains("REDIRECT_URI") => "http://127.0.0.1:9999/callback",
            _ => "x",
        };
        user.env(name, value);
    }
}

#[test]
fn a_set_that_is_not_there_is_told_with_those_that_are_and_with_how_to_add_it() {
    let set = |user: &mut User| {
        for (name, value) in [
            ("EGRESS_PROVIDER_NAME_1", "atlassian"),
            ("EGRESS_OAUTH_CLIENT_ID_1", "first"),
            ("EGRESS_OAUTH_CLIENT_SECRET_1", "s"),
            ("EGRESS_OAUTH_REDIRECT_URI_1", "http://127.0.0.1:9998/callback"),
            ("AGENTCORE_CLIENT_ID_1", "a"),
            ("AGENTCORE_CLIENT_SECRET_1", "s"),
            ("AGENTCORE_SERVER_NAME_1", "sre"),
            ("COGNITO_DOMAIN", "http://127.0.0.1:9"),
        ] {
            user.env(name, value);
        }
    };
    for (front, missing, there) in [
        (&["egress", "--provider", "github"][..], "egress set for github", "1 (atlassian)"),
        (&["egress", "--config-set", "7"], "egress set 7", "1 (atlassian)"),
        (&["agentcore", "--gateway-index", "9"], "AgentCore gateway 9", "1 (sre)"),
        (&["agentcore", "--gateway-name", "other"], "AgentCore gateway \"other\"", "1 (sre)"),
    ] {
        let mut user = User::new();
        set(&mut user);
        let ran = user.run(front).code(2);
        let told = hint(&ran);
        assert!(ran.stderr.contains(&format!("there is no {missing}")), "{front:?}: {}", ran.stderr);
        assert!(told.contains(there) && !told.contains("_1"), "{front:?}: {told}");
        assert!(!told.contains("configure"), "{told}");
        set_named(&mut user, &told);
        if front.contains(&"other") {
            user.env("AGENTCORE_SERVER_NAME_2", "other");
        }
        let again = user.run(front);
        let all = format!("{}{}", again.stdout, again.stderr);
        assert!(!all.contains("there is no"), "{front:?}: {all}");
    }
    // Without any sets, it says how to create one.
    for front in [&["agentcore", "--gateway-index", "9"][..], &["egress", "--provider", "github"]] {
        let told = hint(&User::new().run(front).code(2));
        assert!(told.contains("_1"), "{told}");
    }
}

#[test]
fn what_lacks_a_variable_names_all_of_them_where_they_belong() {
    let mut user = User::new();
    user.env("AGENTCORE_SERVER_NAME_3", "sre").env("COGNITO_DOMAIN", "http://127.0.0.1:9");
    let told = hint(&user.run(&["agentcore", "--gateway-index", "3"]).code(2));
    assert!(told.contains("AGENTCORE_CLIENT_ID_3 and AGENTCORE_CLIENT_SECRET_3"), "{told}");
    assert!(!told.contains("configure"), "{told}");
    set_named(&mut user, &told);
    user.run(&["agentcore", "--gateway-index", "3"]).code(5);
    // A member of a file is not a variable.
    let user = User::new();
    std::fs::create_dir_all(user.project().join(".oauth-tokens")).unwrap();
    user.file(
        ".oauth-tokens/agent-one.json",
        r#"{"client_secret": "s", "keycloak_url": "http://127.0.0.1:9"}"#,
    );
    let told = hint(&user.run(&["keycloak", "--agent-name", "agent-one"]).code(2));
    assert!(told.starts_with("write client_id into ") && told.contains("agent-one.json"), "{told}");
}

#[test]
fn a_server_that_is_not_there_needs_no_login() {
    let address = format!("http://127.0.0.1:{}/mcp", free_port());
    for more in [&[][..], &["--no-browser"], &["--force"]] {
        let ran = User::new().run(&[&["login", address.as_str()], more].concat()).code(5);
        assert!(!ran.stdout.contains("a person"), "{more:?}: {}", ran.stdout);
    }
    // One that exists does.
    let server = play(|_, _, _| ());
    let ran = User::new().run(&["login", &format!("{}/mcp", server.base)]).code(4);
    assert!(ran.stdout.contains("a person must log in"), "{}", ran.stdout);
}

#[test]
fn a_server_that_asks_for_a_login_is_told_with_the_login() {
    for (challenge, port) in [("", 0), ("www-authenticate: Bearer realm=\"x\"\r\n", 1)] {
        let server = Upstream::start(move |_, stream| {
            say(stream, &format!("401 X\r\n{challenge}content-type: text/plain"), b"no");
        });
        let address = format!("{}/mcp", server.base);
        for verb in ["list", "ping", "probe"] {
            let ran = User::new().run(&[verb, "--url", &address]).code(4);
            assert!(
                hint(&ran).starts_with(&format!("run: mcpauth login {address}")),
                "{port} {verb}: {}",
                ran.stderr
            );
        }
    }
    let server = play(|_, _, _| ());
    let user = User::new();
    let address = format!("{}/mcp", server.base);
    let told = hint(&user.run(&["list", "--url", &address]).code(4));
    assert!(told.contains(&format!("mcpauth login {address}")), "{told}");
    log_in(&user, &server, &[]);
    let ran = user.run(&["ping", "--url", &address]);
    assert!(!ran.stderr.contains("mcpauth login"), "{}", ran.stderr);
}

/// A server that takes a key and has no OAuth: everything else in the run uses OAuth.
fn keyed(elsewhere: &'static str) -> Upstream {
    Upstream::start(move |seen, stream| match crate::by_address::path(seen) {
        "/mcp" if seen.header("authorization") == Some("Bearer key-1") => {
            let result = json!({"tools": [{"name": "t", "inputSchema": {"type": "object"}}], "supportedVersions": ["2026-07-28"]});
            let body = json!({"jsonrpc": "2.0", "id": seen.message()["id"], "result": result});
            say(stream, "200 X\r\ncontent-type: application/json", body.to_string().as_bytes());
        }
        "/mcp" => say(stream, "401 X\r\nwww-authenticate: Bearer", b""),
        _ => say(stream, elsewhere, b"nothing here"),
    })
}

#[test]
fn a_server_without_oauth_is_told_with_what_to_do_with_a_key() {
    for elsewhere in ["404 X", "405 X", "404 X\r\ncontent-type: text/html"] {
        let (server, user) = (keyed(elsewhere), User::new());
        let address = format!("{}/mcp", server.base);
        let ran = user.run(&["login", &address, "--no-browser"]).code(2);
        assert!(ran.stdout.contains("offers no OAuth"), "{elsewhere}: {}", ran.stdout);
        let told = hint(&ran);
        assert!(!told.contains("configure") && !told.contains("egress"), "{told}");
        let (_, command) = told.split_once("mcpauth ").unwrap();
        user.file("key", "key-1\n");
        let words: Vec<&str> =
            command.split(' ').map(|word| if word == "FILE" { "key" } else { word }).collect();
        assert_eq!(user.run(&words).code(0).stdout.trim(), "t");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_a_file_is_told_to_be_given_on_stdin() {
    let (server, user) = (keyed("404 X"), User::new());
    let address = format!("{}/mcp", server.base);
    let bash = |script: String| {
        let mut shell = user.shell("true");
        let path = shell.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
        shell = std::process::Command::new("bash");
        shell
            .args(["-c", &script])
            .current_dir(user.project())
            .env_clear()
            .env("PATH", path)
            .env("HOME", user.home());
        shell.stdin(std::process::Stdio::null());
        shell.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        crate::support::ended(shell.spawn().unwrap())
    };
    for (command, flag) in [
        (format!("list --url {address}"), "--token-file"),
        ("ingress".to_owned(), "--client-secret-file"),
        ("egress".to_owned(), "--client-secret-file"),
    ] {
        let ran = bash(format!("mcpauth {command} {flag} <(echo key-1)")).code(2);
        let told = hint(&ran);
        assert!(told.contains("stdin") && !ran.stderr.contains("rm "), "{}", ran.stderr);
    }
    assert_eq!(
        bash(format!("echo key-1 | mcpauth list --url {address} --token-file -")).code(0).stdout,
        "t\t\n"
    );
}

#[cfg(unix)]
#[test]
fn what_is_no_token_file_is_not_told_to_be_closed() {
    use std::os::unix::fs::PermissionsExt;
    let user = User::new();
    for (name, text, mode) in [
        ("passwd", "root:x:0:0:root:/root:/bin/sh\nbin:x:1:1::/:/bin/false\n", 0o644),
        ("config.json", r#"{"mcpServers": {}}"#, 0o644),
        ("one.json", r#"{"mcpServers":{}}"#, 0o600),
        ("settings", "A=b", 0o600),
        ("gateway.yaml", "listen: 127.0.0.1:0\n", 0o600),
        ("empty", "", 0o644),
    ] {
        let path = user.file(name, text);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let ran = user.run(&["inspect", name]).code(2);
        assert!(
            ran.stderr.contains("is not a token file") && !ran.stderr.contains("chmod"),
            "{name}: {}",
            ran.stderr
        );
    }
    std::os::unix::fs::symlink("passwd", user.project().join("link")).unwrap();
    let ran = user.run(&["inspect", "link"]).code(2);
    assert!(!ran.stderr.contains("rm "), "{}", ran.stderr);
    // A token file that others can read must be restricted, and is then shown.
    let path = user.file("token", "abc.def");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let told = hint(&user.run(&["inspect", "token"]).code(2));
    crate::support::ended(user.shell(&told).spawn().unwrap()).code(0);
    user.run(&["inspect", "token"]).code(0);
}

#[test]
fn explain_without_a_question_says_what_can_be_asked() {
    let user = User::new();
    user.file(
        "scopes.yml",
        "group_mappings:\n  YOUR: [s]\ns:\n  - server: S\n    methods: [tools/list]\n    tools: []\n",
    );
    let ran = user.run(&["gateway", "explain", "--server", "S"]).code(2);
    for word in ["--tool", "--method", "--prompt", "--resource"] {
        assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
    }
    let told = hint(&ran);
    let (_, command) = told.split_once("mcpauth ").unwrap();
    let ran = user.run(&command.split(' ').collect::<Vec<_>>()).code(0);
    assert!(ran.stdout.contains("allowed"), "{}", ran.stdout);
}

#[test]
fn where_there_is_no_server_every_way_to_one_is_named() {
    for front in [&["env"][..], &["env", "nobody"], &["headers", "nobody"], &["list", "--server", "nobody"]] {
        let ran = User::new().run(front).code(2);
        let told = hint(&ran);
        assert!(!ran.stderr.contains("any server"), "{}", ran.stderr);
        for word in ["mcpauth login URL", "mcpauth configure", "mcpauth demo"] {
            assert!(told.contains(word), "{front:?}: {told}");
        }
    }
}

#[test]
fn a_login_that_cannot_be_revoked_names_no_provider_that_is_not_there() {
    let (server, user) = (play(|_, _, _| ()), User::new());
    log_in(&user, &server, &[]);
    assert!(user.token(TOKEN)["access_token"].is_string());
    let ran = user.run(&["logout", "127.0.0.1", "--revoke"]).code(3);
    assert!(!ran.stdout.contains("providers show"), "{}", ran.stdout);
}

#[test]
fn the_commands_of_a_hint_carry_the_flags_of_the_run() {
    let user = User::new();
    let server = play(|_, _, _| ());
    let address = format!("{}/mcp", server.base);
    for (flags, shown) in [
        (&["--tokens-dir", "kept here"][..], "--tokens-dir 'kept here'"),
        (&["--tokens-dir=t", "--no-env-file"], "--no-env-file --tokens-dir t"),
        (&["--registry-url", "https://other.test"], "--registry-url https://other.test"),
    ] {
        for front in [&["login", address.as_str()][..], &["list", "--url", &address], &["env", "nobody"]] {
            let ran = user.run(&[flags, front].concat());
            let told = hint(&ran);
            assert!(told.contains(&format!("mcpauth {shown} login")), "{front:?}: {told}");
        }
    }
    let json = user.run(&["--tokens-dir", "t", "--json", "env", "nobody"]).code(2).json_error();
    assert!(json["hint"].as_str().unwrap().contains("mcpauth --tokens-dir t login"), "{json}");
}

#[test]
fn ok_means_exit_code_0() {
    let user = User::new();
    for (args, code) in [(&["status", "--json"][..], 0), (&["status", "--json", "--check"], 7)] {
        let object = user.run(args).code(code).json();
        assert_eq!((&object["ok"], &object["exit_code"]), (&json!(code == 0), &json!(code)));
    }
}

#[test]
fn a_verb_is_offered_by_its_own_name() {
    let user = User::new();
    let offered = |word: &str| -> Vec<String> {
        let ran = user.run(&["complete", "mcpauth", word]).code(0);
        ran.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
    };
    let all = offered("=");
    assert!(all.contains(&"ping".into()) && !all.contains(&"connectivity".into()), "{all:?}");
    assert_eq!(offered("=pin"), ["ping"]);
    assert_eq!(offered("=conn"), ["connectivity"]);
}

/// A user whose token for the gateway is that of a caller.
fn known_as(lab: &Lab, caller: &str) -> User {
    let mut user = User::new();
    user.env("REGISTRY_URL", format!("http://{}", lab.gateway.address()));
    std::fs::create_dir_all(user.project().join(".oauth-tokens")).unwrap();
    let kept = json!({"provider": "oidc_m2m", "access_token": lab.token(caller), "client_id": caller, "expires_at": 4_000_000_000_u64});
    user.file(".oauth-tokens/ingress.json", &kept.to_string());
    user
}

#[test]
fn a_revoked_caller_is_not_sent_for_another_token() {
    for (line, another) in
        [("client_id: worker", false), ("sub: worker", false), ("jti: none-of-these", true)]
    {
        let lab = Lab::with(|settings, dir| {
            settings.revocation_list = Some(dir.join("revoked"));
            std::fs::write(dir.join("revoked"), format!("{line}\n")).unwrap();
        });
        until("keys", || lab.gateway.is_ready());
        let user = known_as(&lab, "worker");
        let url = format!("http://{}/alpha/mcp", lab.gateway.address());
        let ran = user.run(&["list", "--url", &url]);
        assert_eq!(ran.code == Some(0), another, "{line}: {}", ran.stderr);
        if !another {
            let told = hint(&ran);
            assert!(told.contains("the gateway's operator") && !told.contains("mcpauth"), "{line}: {told}");
            // The advice works.
            lab.reload("revoked", "# nobody\n", "are in force");
            user.run(&["list", "--url", &url]).code(0);
        }
    }
}

#[test]
fn a_forbidden_tool_is_asked_for_by_its_name_and_its_servers() {
    let lab = Lab::start();
    until("keys", || lab.gateway.is_ready());
    let user = known_as(&lab, "worker");
    let url = format!("http://{}/alpha/mcp", lab.gateway.address());
    let ran = user.run(&["call", "--url", &url, "delete_all"]).code(4);
    let told = hint(&ran);
    assert!(told.contains("delete_all") && told.contains("alpha"), "{told}");
}

#[test]
fn until_keys_were_fetched_none_are_said_to_stay() {
    let gone = format!("http://127.0.0.1:{}", free_port());
    let lab = Lab::with(|settings, _| settings.issuers = vec![issuer(&gone)]);
    let said = || lab.kept.events().into_iter().find(|event| event.starts_with("keys: "));
    until("the first fetch", || said().is_some());
    let said = said().unwrap();
    assert!(said.contains("no token of this issuer can be checked") && !said.contains("last good"), "{said}");
}

#[cfg(unix)]
#[test]
fn an_audit_without_a_folder_is_told_with_the_command_that_makes_it() {
    for name in ["nodir/x", "a/b/c/audit.log"] {
        let user = User::new();
        let path = user.project().join(name);
        user.file("gateway.yaml", &format!("audit: {}\n", path.display()));
        let check = || user.run(&["gateway", "check", "--config", "gateway.yaml"]);
        let ran = check();
        let all = format!("{}{}", ran.stdout, ran.stderr);
        let command = format!("mkdir -p {}", path.parent().unwrap().display());
        assert!(all.contains(&command) && !all.contains("is yours"), "{name}: {all}");
        crate::support::ended(user.shell(&command).spawn().unwrap()).code(0);
        let ran = check();
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("audit"), "{}", ran.stdout);
    }
}

#[test]
fn a_bad_value_of_a_flag_is_told_by_the_flag_that_was_typed() {
    let mut user = User::new();
    user.file("bad.pem", "no certificate");
    for (flag, value) in
        [("--ca-cert", "gone.pem"), ("--ca-cert", "bad.pem"), ("--providers-file", "gone.yaml")]
    {
        let ran = user.run(&["status", flag, value]).code(2);
        assert!(ran.stderr.contains(&format!("error: {flag}: ")), "{flag}: {}", ran.stderr);
        let told = hint(&ran);
        assert!(told.contains(flag) && !told.contains("config show"), "{told}");
    }
    // A setting that was not typed is traced to its origin.
    let ran = user.env("MCPAUTH_CA_CERT", "gone.pem").run(&["status"]).code(2);
    assert!(hint(&ran).contains("mcpauth config show --origin"), "{}", ran.stderr);
    user.run(&["config", "show", "--origin"]).code(0);
}

#[cfg(unix)]
#[test]
fn an_unknown_authority_is_told_with_the_flag_that_trusts_it() {
    let authority = Authority::new();
    let base = authority.issue().serve(not_found);
    let token_url = format!("https://{base}/token");
    let url = format!("https://localhost:{}/mcp", base.port());
    for line in [
        &["ingress"][..],
        &["generate", "--ingress-only"],
        &["login", &url],
        &["login", &url, "--no-browser"],
        &["ping", "--url", &url],
        &["list", "--url", &url],
        &["call", "--url", &url, "work"],
    ] {
        let mut user = User::new();
        user.oidc(format!("https://{base}"), "agent", "s").env("INGRESS_OAUTH_TOKEN_URL", &token_url);
        let ran = user.run(line).code(5);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(all.contains("certificate signed by an unknown authority"), "{line:?}: {all}");
        let told = hint(&ran);
        let command = told.split_once("certificate: ").unwrap_or_else(|| panic!("{line:?}: {told}")).1;
        let command = command.split(" (or set ").next().unwrap();
        assert!(command.ends_with("--ca-cert FILE"), "{line:?}: {command}");
        let ca = user.file("own ca.pem", &authority.pem());
        let command = command.replace("FILE", &format!("'{}'", ca.display()));
        // It gets further: to a server that has nothing to say.
        let again = crate::support::ended(user.shell(&command).spawn().unwrap());
        let all = format!("{}{}", again.stdout, again.stderr);
        assert!(all.contains("404") && !all.contains("unknown authority"), "{command}: {all}");
        user.env("MCPAUTH_CA_CERT", ca.to_str().unwrap());
        let again = user.run(line);
        let all = format!("{}{}", again.stdout, again.stderr);
        assert!(!all.contains("unknown authority"), "{line:?}: {all}");
    }
}

#[test]
fn a_certificate_that_is_not_valid_is_told_with_what_mends_it() {
    let authority = Authority::new();
    let own = ["localhost", "127.0.0.1"];
    let message = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}\n";
    for (identity, remedy) in [
        (authority.issue_between(&own, (1990, 2000)), "renew the certificate"),
        (authority.issue_between(&own, (4000, 4096)), "set this machine's clock"),
        (authority.issue_for(&["other.test"]), "use a host name that the certificate has"),
    ] {
        let base = identity.serve(not_found);
        let url = format!("https://localhost:{}/mcp", base.port());
        let mut user = User::new();
        let ca = user.file("ca.pem", &authority.pem());
        user.env("MCPAUTH_CA_CERT", ca.to_str().unwrap())
            .oidc(format!("https://{base}"), "agent", "s")
            .env("INGRESS_OAUTH_TOKEN_URL", format!("https://{base}/token"));
        for line in [
            &["ingress"][..],
            &["login", &url, "--no-browser"],
            &["ping", "--url", &url],
            &["list", "--url", &url],
            &["call", "--url", &url, "work"],
        ] {
            let ran = user.run(line).code(5);
            let all = format!("{}{}", ran.stdout, ran.stderr);
            assert!(all.contains("is not valid: certificate"), "{line:?}: {all}");
            assert!(hint(&ran).starts_with(remedy), "{line:?}: {all}");
        }
        let ran = user.run_with(&["bridge", &url], message);
        assert!(ran.stdout.contains(remedy), "{}", ran.stdout);
    }
    // A valid one, whose authority is not known.
    let url = format!("https://localhost:{}/mcp", authority.issue().serve(not_found).port());
    let ran = User::new().run_with(&["bridge", &url], message);
    assert!(
        ran.stdout.contains("unknown authority; ") && ran.stdout.contains("--ca-cert FILE"),
        "{}",
        ran.stdout
    );
}

/// Answers one request with 404.
fn not_found(mut stream: Secured) {
    let reply = b"HTTP/1.1 404 X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    // A client that does not trust the certificate disconnects.
    let _ = stream.read(&mut [0; 64 * 1024]).and_then(|_| stream.write_all(reply));
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

/// Situations in which a message names a command without placeholders, and the exit code of that command then.
#[cfg(unix)]
#[test]
fn the_command_of_a_message_runs_where_it_is_printed() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let file = |user: &User, name: &str, text: &str| drop(user.file(name, text));
    type Prepare<'a> = &'a dyn Fn(&mut User);
    let nothing: Prepare<'_> = &|_| {};
    let broken_gateway: Prepare<'_> = &|user| file(user, "gateway.yaml", "listne: x\n");
    let bad_policy: Prepare<'_> = &|user| {
        file(user, "scopes.yml", "a: [\n");
        user.env("INGRESS_OAUTH_USER_POOL_ID", "us-east-1_AbCdEfGhI").env("INGRESS_OAUTH_CLIENT_ID", "c");
    };
    let provider: Prepare<'_> = &|user| {
        user.provider("mine", "token_endpoint: [");
        user.env("EGRESS_PROVIDER_NAME_1", "mine").env("EGRESS_OAUTH_CLIENT_ID_1", "c");
    };
    let listen = ["bridge", "--listen", &taken];
    let rows: &[(&[&str], Prepare<'_>, &str, i32)] = &[
        (&["providers", "show", "nosuch"], nothing, "mcpauth providers list", 0),
        (&["egress", "--provider", "nosuch"], nothing, "mcpauth providers list", 0),
        (&["gateway", "serve"], broken_gateway, "mcpauth gateway check", 7),
        (&["gateway", "explain", "--server", "x", "--tool", "y"], bad_policy, "mcpauth gateway check", 7),
        (&["token", "nosuch"], nothing, "mcpauth configure", 2),
        (&["statsu"], nothing, "mcpauth status", 0),
        (&["egress"], provider, "mcpauth providers check", 7),
        (&listen, nothing, "--listen 127.0.0.1:", -1),
    ];
    for (line, prepare, command, code) in rows {
        let mut user = User::new();
        prepare(&mut user);
        let ran = user.run(line);
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(told.contains("-> ") && told.contains(command), "{line:?}: {told}");
        if *code < 0 {
            continue;
        }
        let again = crate::support::ended(user.shell(command).spawn().unwrap());
        assert_eq!(again.code, Some(*code), "{command}: {again:?}");
        assert_ne!(ran.code, Some(0), "{line:?}");
    }
}
