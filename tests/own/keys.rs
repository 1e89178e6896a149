//! A key instead of OAuth: entered, tried, kept and handed out everywhere, and never shown.
#![expect(clippy::disallowed_methods, reason = "tests look at what was written")]

use serde_json::Value;

use super::{KEY, server};
use crate::support::upstream::{Upstream, say};
use crate::support::{Ran, User};

const NAME: &str = "127.0.0.1";

fn keep(user: &User, address: &str, more: &[&str]) -> Ran {
    user.run_with(&[&["login", address, "--with-token"], more].concat(), format!("{KEY}\n"))
}

#[test]
fn a_key_is_kept_if_its_server_takes_it_and_is_handed_out_by_every_verb() {
    let cases: [(&[&str], &str, &str); 4] = [
        (&[], "authorization", "Bearer {}"),
        (&["--header", "X-Api-Key"], "x-api-key", "{}"),
        (&["--format", "Token {}"], "authorization", "Token {}"),
        (&["--header", "X-Auth", "--format", "key={}"], "x-auth", "key={}"),
    ];
    for (flags, header, format) in cases {
        let (server, user) = (server(header, format), User::new());
        let address = format!("{}/mcp", server.base);
        let ran = keep(&user, &address, flags).code(0);
        assert!(!format!("{ran:?}").contains(KEY), "{ran:?}");
        assert!(ran.stdout.contains("stored"), "{ran:?}");
        assert!(!user.project().join(".oauth-tokens").exists(), "it is nothing of the project's");

        let value = format.replace("{}", KEY);
        for which in [NAME, address.as_str()] {
            let headers = user.run(&["headers", which]).code(0).json();
            let found = headers.as_object().unwrap().iter().next().unwrap();
            assert!(found.0.eq_ignore_ascii_case(header) && found.1 == &value, "{headers}");
            let tools = user.run(&["list", "--server", which, "--json"]).code(0).json();
            assert_eq!(tools["tools"][0]["name"], "echo");
        }
        assert!(user.run(&["env", NAME, "--shell", "sh"]).code(0).stdout.contains(&value));
        let script = "env | grep -c 'sk-live'";
        assert_eq!(user.run(&["exec", NAME, "--", "sh", "-c", script]).code(0).stdout, "1\n");
        assert_eq!(user.run(&["token", NAME]).code(0).stdout, format!("{KEY}\n"));

        let message = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{}}\n";
        let bridged = user.run_with(&["bridge", &address], message).code(0);
        assert!(bridged.stdout.contains("\"echo\""), "{bridged:?}");
        assert!(!format!("{bridged:?}").contains(KEY));

        let inline = user.run(&["config", "render", "--client", "cursor", "--auth-mode", "inline"]).code(0);
        assert!(inline.stdout.contains(&value), "{}", inline.stdout);
        let bridge = user.run(&["config", "render", "--client", "cursor", "--auth-mode", "bridge"]).code(0);
        assert!(!bridge.stdout.contains(KEY) && bridge.stdout.contains("credentials"), "{}", bridge.stdout);

        let status = user.run(&["status", "--json"]).code(0).json();
        let row = &status["credentials"][0];
        assert_eq!(
            (&row["key"], &row["renewable"], &row["store"]),
            (&true.into(), &false.into(), &"user".into())
        );
        assert_eq!((row["status"].as_str(), &row["expires_at"]), (Some("good"), &Value::Null));
        assert!(user.run(&["status"]).code(0).stdout.contains("never"));
        user.run(&["logout", NAME]).code(0);
        user.run(&["token", NAME]).code(2);
    }
}

#[test]
fn a_key_that_the_server_refuses_is_not_kept_and_the_old_one_stays() {
    let (server, user) = (server("authorization", "Bearer {}"), User::new());
    let address = format!("{}/mcp", server.base);
    let wrong = |user: &User| user.run_with(&["login", &address, "--with-token"], "sk-wrong-000000");
    let ran = wrong(&user).code(4);
    assert!(ran.stdout.contains("nothing was stored") && !format!("{ran:?}").contains("sk-wrong"), "{ran:?}");
    assert!(!user.own_store().join(".registrations").exists());
    keep(&user, &address, &[]).code(0);
    wrong(&user).code(4);
    assert_eq!(user.run(&["token", NAME]).code(0).stdout, format!("{KEY}\n"));
    // A server that cannot be asked says nothing about the key.
    let nobody = format!("{}/mcp", crate::support::nobody());
    keep(&user, &nobody, &["--server-name", "nobody"]).code(5);
    user.run(&["token", "nobody"]).code(2);
}

#[test]
fn what_is_no_key_is_refused_before_anything_is_sent() {
    let (server, user) = (server("authorization", "Bearer {}"), User::new());
    let address = format!("{}/mcp", server.base);
    let copied = format!("bearer {KEY}");
    let cases: [(&[&str], &str); 15] = [
        (&[], copied.as_str()),
        (&["--header", "X-Key", "--format", "Token {}"], "Token abcdefgh-12345678"),
        (&["--header", "Host"], KEY),
        (&["--header", "ACCEPT"], KEY),
        (&["--header", "Content-Length"], KEY),
        (&["--header", "Mcp-Session-Id"], KEY),
        (&["--expires", "1000000001"], KEY),
        (&[], ""),
        (&[], "two\nlines"),
        (&["--format", "Bearer"], KEY),
        (&["--format", "{} {}"], KEY),
        (&["--header", "not a header"], KEY),
        (&["--expires", "2001-01-01"], KEY),
        (&["--expires", "soon"], KEY),
        (&["--from-command", " "], ""),
    ];
    for (flags, stdin) in cases {
        let ran = user.run_with(&[&["login", &address, "--with-token"], flags].concat(), stdin).code(2);
        assert!(!ran.stderr.contains(KEY), "{ran:?}");
    }
    assert!(server.seen().is_empty());
    user.run(&["login", &address, "--header", "X"]).code(2);
}

#[test]
fn an_expiry_is_warned_about_and_an_expired_key_is_not_sent() {
    let (server, user) = (server("authorization", "Bearer {}"), User::new());
    let address = format!("{}/mcp", server.base);
    let state = || user.run(&["status", "--json"]).json()["credentials"][0]["status"].clone();
    keep(&user, &address, &["--expires", "90d"]).code(0);
    assert_eq!(state(), "good");
    user.run(&["status", "--check"]).code(0);
    keep(&user, &address, &["--expires", "3d"]).code(0);
    assert_eq!(state(), "due");
    let ran = user.run(&["status", "--check"]).code(7);
    assert!(ran.stdout.contains("expires soon") && ran.stdout.contains("--with-token"), "{}", ran.stdout);
    assert!(user.run(&["doctor", "--offline"]).stdout.contains("the key expires"));
    user.run(&["refresh", "--once"]);
    assert_eq!(user.run(&["token", NAME]).code(0).stdout, format!("{KEY}\n"));

    let file = user.own_store().join("mcp-127.0.0.1-egress.json");
    let mut stored = crate::support::read_json(&file);
    stored["expires_at"] = 1_000.into();
    mcpauth::sys::private_file::write(&file, &stored.to_string()).unwrap();
    let before = server.seen().len();
    let ran = user.run(&["list", "--server", NAME]).code(4);
    assert!(ran.stderr.contains("expired") && ran.stderr.contains("--with-token"), "{}", ran.stderr);
    assert_eq!((state(), server.seen().len()), ("expired".into(), before));
}

#[cfg(unix)]
#[test]
fn a_command_stands_for_the_key_and_is_never_a_projects() {
    let (server, user) = (server("authorization", "Bearer {}"), User::new());
    let address = format!("{}/mcp", server.base);
    let safe = user.home().join("safe");
    std::fs::write(&safe, KEY).unwrap();
    let command = format!("cat {} 2>&1", safe.display());
    let flags = ["login", &address, "--with-token", "--from-command", &command, "--ttl", "0"];
    let ran = user.run(&flags).code(0);
    assert!(!format!("{ran:?}").contains(KEY), "{ran:?}");
    for entry in std::fs::read_dir(user.own_store().join(".registrations")).unwrap() {
        assert!(!std::fs::read_to_string(entry.unwrap().path()).unwrap().contains(KEY));
    }
    assert!(!user.own_store().join("mcp-127.0.0.1-egress.json").exists(), "the key is nowhere");
    assert_eq!(user.run(&["token", NAME]).code(0).stdout, format!("{KEY}\n"));
    user.run(&["list", "--server", NAME]).code(0);
    // Not even where the mode asks for it.
    let inline = user.run(&["config", "render", "--client", "cursor", "--auth-mode", "inline"]).code(0);
    assert!(!inline.stdout.contains(KEY) && inline.stdout.contains("bridge"), "{}", inline.stdout);

    std::fs::write(&safe, "sk-wrong-000000").unwrap();
    user.run(&["list", "--server", NAME]).code(4);
    std::fs::remove_file(&safe).unwrap();
    let ran = user.run(&["token", NAME]).code(4);
    assert!(ran.stderr.contains("failed") && ran.stdout.is_empty(), "{ran:?}");

    // The same registration in a project that somebody sent us.
    let kept = std::fs::read_to_string(user.own_store().join(".registrations/127.0.0.1.json")).unwrap();
    user.run(&["logout", NAME]).code(0);
    let mark = user.home().join("ran");
    let evil = kept.replace("cat ", &format!("touch {}; cat ", mark.display()));
    user.file(".oauth-tokens/.registrations/127.0.0.1.json", &evil);
    user.file(".env", "MCPAUTH_TOKENS_DIR=.oauth-tokens\n");
    for verb in
        [&["token", NAME][..], &["headers", NAME], &["list", &address], &["status"], &["config", "show"]]
    {
        user.run(verb);
    }
    assert!(!mark.exists(), "a command of a found folder has run");
    user.run(&["--tokens-dir", ".oauth-tokens", "token", NAME]);
    assert!(mark.exists(), "the folder that the user names is theirs: the check could not fail");
}

#[test]
fn a_key_is_kept_only_where_it_is_answered_as_an_mcp_server_answers() {
    let json = "content-type: application/json";
    for (head, body, code, said) in [
        (format!("403 Forbidden\r\n{json}"), "{}", 4, "--header"),
        (format!("401 Unauthorized\r\n{json}\r\nwww-authenticate: ApiKey"), "{}", 4, "--header"),
        ("200 OK\r\ncontent-type: text/html".into(), "<html>Log in</html>", 6, "/mcp"),
        ("405 Method Not Allowed".into(), "", 6, "/mcp"),
        ("404 Not Found".into(), "", 2, "/mcp"),
        ("302 Found\r\nlocation: https://login.test/?to=x".into(), "", 6, "/mcp"),
        ("500 Oops".into(), "", 5, "again"),
        (
            format!("200 OK\r\n{json}"),
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,\"message\":\"no\"}}",
            6,
            "nothing was stored",
        ),
    ] {
        let (server, user) =
            (Upstream::start(move |_, stream| say(stream, &head, body.as_bytes())), User::new());
        let ran = keep(&user, &format!("{}/mcp", server.base), &[]).code(code);
        let text = format!("{}{}", ran.stdout, ran.stderr);
        assert!(text.contains(said) && text.contains("nothing was stored"), "{said}: {text}");
        assert!(!text.contains(KEY), "{text}");
        user.run(&["token", NAME]).code(2);
    }
}

#[test]
fn a_key_is_tried_at_a_server_of_the_newest_revision() {
    let server = Upstream::start(|seen, stream| {
        const JSON: &str = "content-type: application/json";
        let (id, method) = (seen.message()["id"].clone(), seen.message()["method"].clone());
        if seen.header("x-api-key") != Some(KEY) {
            return say(stream, &format!("401 Unauthorized\r\n{JSON}"), b"{}");
        }
        let info = serde_json::json!({"name": "new", "version": "2"});
        let body = match method.as_str() {
            Some("server/discover") => serde_json::json!({"jsonrpc": "2.0", "id": id, "result": {
                "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "serverInfo": info}}),
            Some("tools/list") => {
                serde_json::json!({"jsonrpc": "2.0", "id": id, "result": {"tools": [], "resultType": "complete"}})
            }
            _ => {
                serde_json::json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "no such method"}})
            }
        };
        say(stream, &format!("200 OK\r\n{JSON}"), body.to_string().as_bytes());
    });
    let user = User::new();
    let address = format!("{}/mcp", server.base);
    // With another header it is refused, and the message says what to try.
    let ran = keep(&user, &address, &[]).code(4);
    assert!(ran.stdout.contains("--header") || ran.stderr.contains("--header"), "{ran:?}");
    keep(&user, &address, &["--header", "X-Api-Key"]).code(0);
    user.run(&["list", &address]).code(0);
}

#[test]
fn every_verb_knows_a_key_by_its_name() {
    let (server, user) = (server("authorization", "Bearer {}"), User::new());
    let address = format!("{}/mcp", server.base);
    keep(&user, &address, &["--server-name", "mine"]).code(0);
    assert!(user.run(&["status"]).code(0).stdout.contains("mine"));
    assert!(user.run(&["env", "mine", "--shell", "sh"]).code(0).stdout.contains(KEY));
    user.run(&["list", "--server", "mine"]).code(0);
    let doctor = user.run(&["doctor", "--offline"]);
    assert!(!format!("{doctor:?}").contains(KEY), "{doctor:?}");
    for args in
        [&["status"][..], &["-vv", "list", "--server", "mine"], &["config", "show", "--client", "cursor"]]
    {
        let ran = user.run(args);
        assert!(!format!("{ran:?}").contains(KEY), "{args:?}: {ran:?}");
    }
    user.run(&["logout", "mine"]).code(0);
    user.run(&["headers", "mine"]).code(2);
    assert!(!user.run(&["status"]).stdout.contains("mine"));
}

/// The entry of `mcp-remote` in a client's file, in its layout, under a name.
fn remote_entries(client: &str, address: &str, names: &[&str], more: &[&str]) -> (&'static str, String) {
    let args = serde_json::json!([&["-y", "mcp-remote@latest", address], more].concat());
    if client == "codex" {
        let table = |name: &&str| format!("[mcp_servers.\"{name}\"]\ncommand = \"npx\"\nargs = {args}\n\n");
        return (".codex/config.toml", names.iter().map(table).collect());
    }
    let entry = serde_json::json!({"command": "npx", "args": args});
    let entries: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), entry.clone())).collect();
    let text = serde_json::json!({"mcpServers": entries}).to_string();
    (if client == "cursor" { ".cursor/mcp.json" } else { ".claude.json" }, text)
}

#[test]
fn entries_of_mcp_remote_become_ours_in_every_mode_and_what_stays_is_named_with_its_flag() {
    let server = server("authorization", "Bearer {}");
    let address = format!("{}/mcp", server.base);
    for (client, mode) in [
        ("cursor", "bridge"),
        ("cursor", "inline"),
        ("cursor", "proxy"),
        ("cursor", "env"),
        ("claude-code", "helper"),
        ("claude-code", "bridge"),
        ("claude-code", "inline"),
        ("claude-code", "proxy"),
        ("codex", "env"),
        ("codex", "helper"),
        ("codex", "bridge"),
        ("codex", "inline"),
    ] {
        let user = User::new();
        keep(&user, &address, &[]).code(0);
        let (path, text) = remote_entries(client, &address, &[NAME, "tools"], &[]);
        let path = user.home().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        let install = ["config", "install", "--client", client, "--auth-mode", mode];
        let ran = user.run(&install);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("tools") && said.contains("--adopt tools"), "{client} {mode}: {said}");
        let now = std::fs::read_to_string(&path).unwrap();
        assert_eq!(now.matches("mcp-remote").count(), 1, "{client} {mode}: {now}");
        assert_eq!(now.contains(KEY), mode == "inline", "{client} {mode}: {now}");
        user.run(&[&install[..], &["--adopt", "tools"]].concat()).code(0);
        let now = std::fs::read_to_string(&path).unwrap();
        assert!(!now.contains("mcp-remote") && !now.contains("tools"), "{client} {mode}: {now}");
        user.run(&["config", "install", "--check"]).code(0);
    }
}

#[test]
fn what_mcp_remote_is_told_besides_the_address_is_kept_by_import_and_dropped_by_nobody() {
    let server = server("authorization", "Bearer {}");
    let address = format!("{}/mcp", server.base);
    for (client, mode, more) in [
        ("cursor", "bridge", &["--header", "X-Region: eu"][..]),
        ("cursor", "inline", &["3334", "--transport", "http-only"]),
        ("claude-code", "helper", &["--ignore-tool", "delete*"]),
        ("codex", "env", &["--header", "X-Region: eu", "--debug"]),
    ] {
        let user = User::new();
        keep(&user, &address, &[]).code(0);
        let (path, text) = remote_entries(client, &address, &[NAME], more);
        let path = user.home().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
        let ran = user.run(&["config", "install", "--client", client, "--auth-mode", mode]);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(&format!("mcpauth import --client {client}")), "{client} {mode}: {said}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{client} {mode}");
        user.run(&["import", "--client", client, "--yes"]).code(0);
        let now = std::fs::read_to_string(&path).unwrap();
        assert!(!now.contains("mcp-remote") && now.contains("bridge"), "{client} {mode}: {now}");
        assert!(more.iter().all(|word| now.contains(word)), "{client} {mode}: {now}");
    }
}

#[test]
fn headers_of_an_entry_that_are_not_the_credential_are_kept_by_import_and_dropped_by_nobody() {
    let server = server("authorization", "Bearer {}");
    let address = format!("{}/mcp", server.base);
    for (client, file, mode) in [
        ("cursor", ".cursor/mcp.json", "bridge"),
        ("cursor", ".cursor/mcp.json", "inline"),
        ("cursor", ".cursor/mcp.json", "proxy"),
        ("cursor", ".cursor/mcp.json", "env"),
        ("claude-code", ".claude.json", "helper"),
        ("claude-code", ".claude.json", "bridge"),
    ] {
        let user = User::new();
        keep(&user, &address, &[]).code(0);
        let entry = serde_json::json!({"type": "http", "url": address, "headers": {"X-Region": "eu"}});
        let text = serde_json::json!({"mcpServers": {NAME: entry}}).to_string();
        let path = user.home().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
        let install = ["config", "install", "--client", client, "--auth-mode", mode];
        let ran = user.run(&install);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            said.contains("X-Region") && said.contains(&format!("mcpauth import --client {client}")),
            "{client} {mode}: {said}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{client} {mode}");
        user.run(&["import", "--client", client, "--yes"]).code(0);
        let now: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let words: Vec<&str> =
            now["mcpServers"][NAME]["args"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(words[words.len() - 4..], ["bridge", &address, "--header", "X-Region: eu"]);
        let found = user.run(&["import", "--dry-run", "--json"]).code(0).json();
        assert_eq!(found["entries"], serde_json::json!([]), "once is enough");
        user.run(&["config", "uninstall", "--restore"]).code(0);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        user.run(&[&install[..], &["--adopt", NAME]].concat()).code(0);
        assert!(!std::fs::read_to_string(&path).unwrap().contains("X-Region"), "{client} {mode}");
    }
}

#[test]
fn what_an_entry_has_beyond_ours_is_named_and_no_value_of_it() {
    let server = server("authorization", "Bearer {}");
    let address = format!("{}/mcp", server.base);
    for more in [
        &["--header=Authorization: Bearer hunter2x"][..],
        &["--header=X-Api-Key:hunter2x"],
        &["--static-oauth-client-info={\"client_secret\":\"hunter2x\"}"],
        &["--header", "X-Api-Key: hunter2x"],
        &["--authorize-param", "key=hunter2x"],
    ] {
        let user = User::new();
        keep(&user, &address, &[]).code(0);
        let args = [&["-y", "mcp-remote", &address], more].concat();
        let text = serde_json::json!({"mcpServers": {NAME: {"command": "npx", "args": args}}}).to_string();
        let path = user.home().join(".cursor/mcp.json");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
        let ran = user.run(&["config", "install", "--client", "cursor"]);
        assert!(
            format!("{ran:?}").contains("left alone") && !format!("{ran:?}").contains("hunter2"),
            "{ran:?}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

/// What the client fills in would be sent as it is written.
#[test]
fn an_entry_with_headers_that_the_client_fills_in_stays() {
    let server = server("authorization", "Bearer {}");
    let address = format!("{}/mcp", server.base);
    for value in ["${env:REGION}", "${REGION}", "${input:region}", "{env:REGION}"] {
        let user = User::new();
        keep(&user, &address, &[]).code(0);
        let entry = serde_json::json!({"url": address, "headers": {"X-Region": value}});
        let text = serde_json::json!({"mcpServers": {NAME: entry}}).to_string();
        let path = user.home().join(".cursor/mcp.json");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
        let said = user.run(&["config", "install", "--client", "cursor"]).stdout;
        assert!(said.contains("header X-Region") && said.contains("--adopt"), "{said}");
        assert!(!said.contains("mcpauth import"), "it would keep nothing: {said}");
        user.run(&["import", "--client", "cursor", "--yes"]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{value}");
    }
}

#[test]
fn a_key_for_basic_is_sent_in_base64_and_what_is_no_text_is_no_key() {
    for (key, expected) in [("ann:p:w\u{e9}", "YW5uOnA6d8Op"), ("YW5uOnB3", "YW5uOnB3")] {
        let (server, user) = (server("authorization", "Basic {}"), User::new());
        let address = format!("{}/mcp", server.base);
        let login = ["login", address.as_str(), "--with-token", "--format", "Basic {}"];
        let _ = user.run_with(&login, key);
        let seen = server.seen();
        assert_eq!(seen[0].header("authorization"), Some(format!("Basic {expected}").as_str()));
    }
    let (server, user) = (server("authorization", "Bearer {}"), User::new());
    let address = format!("{}/mcp", server.base);
    let ran = user.run_with(&["login", &address, "--with-token"], b"k\xffey\n").code(2);
    assert!(ran.stderr.contains("stdin is not UTF-8 text"), "{ran:?}");
    assert!(server.seen().is_empty());
}
