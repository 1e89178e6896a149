//! The client configurations: the four files, their entries, and what remains of a user's own.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests write the clients' files as other programs would")]

use std::path::PathBuf;

use mcpauth::demo::idp::{Idp, IdpClient, Options};
use serde_json::{Value, json};

use crate::support::{Ran, User, mode, read_json};

const SECRET: &str = "hunter2-0123456789";

/// A project with ingress at `idp` and whatever tokens a test lays out.
struct Project {
    user: User,
    idp: Idp,
}

impl Project {
    fn new() -> Self {
        let clients = vec![
            IdpClient::machine("agent", SECRET, &["read"]),
            IdpClient::machine("gate", SECRET, &["call"]),
        ];
        let idp = Idp::start(Options { clients, ..Options::default() }).unwrap();
        Self { user: User::new(), idp }
    }

    fn cognito(&mut self) -> &mut Self {
        self.user.cognito(self.idp.issuer(), "agent", SECRET);
        self
    }

    /// A token of an outside service that has been logged in to.
    fn egress(&self, file: &str, provider: &str, more: Value) {
        let mut token =
            json!({"provider": provider, "access_token": format!("E-{file}"), "expires_at": null});
        token.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.user.file(&format!(".oauth-tokens/{file}-egress.json"), &token.to_string());
    }

    fn server(&self, file: &str, text: &Value) {
        self.user.file(file, &text.to_string());
    }

    fn generate(&self, args: &[&str]) -> Ran {
        self.user.run(&[&["generate"], args].concat()).code(0)
    }

    fn local(&self, name: &str) -> Value {
        read_json(&self.user.project().join(".oauth-tokens").join(name))
    }

    fn installed(&self) -> [PathBuf; 2] {
        [".vscode/mcp.json", ".roocode/mcp_servers.json"].map(|name| self.user.home().join(name))
    }

    /// The gateway's headers, from the ingress token's file.
    fn ours(&self) -> Vec<(String, String)> {
        let token = self.user.token("ingress.json")["access_token"].as_str().unwrap().to_owned();
        let rows = [
            ("X-Authorization", format!("Bearer {token}")),
            ("X-User-Pool-Id", "eu-west-1_AbC".into()),
            ("X-Client-Id", "agent".into()),
            ("X-Region", "eu-west-1".into()),
        ];
        rows.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }
}

/// An entry's headers: its own, then the gateway's.
fn headers(own: &[(&str, &str)], ours: &[(String, String)]) -> Value {
    let own = own.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
    Value::Object(own.chain(ours.iter().map(|(name, value)| (name.clone(), json!(value)))).collect())
}

/// Compared as text, so that order counts.
#[track_caller]
fn same(found: &Value, expected: &Value) {
    let text = |value| serde_json::to_string_pretty(value).unwrap();
    assert_eq!(text(found), text(expected));
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

const DESK: &str = "display_name: Desk\nauthorization_endpoint: https://desk.test/a\ntoken_endpoint: https://desk.test/t\n\
                    sites: {endpoint: https://desk.test/sites, header: X-Desk-Site}\ngateway_suffix: \"\"\n";

#[test]
fn every_kind_of_server_is_written_as_the_reference_writes_it() {
    let mut project = Project::new();
    project.cognito().user.provider("desk", DESK);
    project
        .user
        .env("AGENTCORE_CLIENT_ID_1", "gate")
        .env("AGENTCORE_CLIENT_SECRET_1", SECRET)
        .env("AGENTCORE_SERVER_NAME_1", "Finance")
        .env("AGENTCORE_ISSUER_1", project.idp.issuer());
    project.egress("desk", "desk", json!({"cloud_id": "site-1"}));
    project.egress("notes", "notes", json!({}));
    project.server(
        "servers/time.json",
        &json!({"server_name": "Time", "path": "/currenttime/", "auth_type": "none", "supported_transports": ["sse"]}),
    );
    project.server("servers/off.json", &json!({"server_name": "Off", "path": "/off", "auth_type": "none"}));
    project
        .server("servers/key.json", &json!({"server_name": "Key", "path": "/key", "auth_type": "api_key"}));
    project.server("servers/server_state.json", &json!({"/off/": false, "/currenttime": true}));
    project.generate(&[]);

    let ours = project.ours();
    let finance = project.user.token("bedrock-agentcore-finance-egress.json")["access_token"].clone();
    let finance = format!("Bearer {}", finance.as_str().unwrap());
    let entries = [
        (
            "finance",
            "https://gw.test/finance/mcp",
            "streamable-http",
            headers(&[("Authorization", finance.as_str())], &ours),
        ),
        (
            "desk",
            "https://gw.test/desk",
            "streamable-http",
            headers(&[("Authorization", "Bearer E-desk"), ("X-Desk-Site", "site-1")], &ours),
        ),
        (
            "notes",
            "https://gw.test/notes/mcp",
            "streamable-http",
            headers(&[("Authorization", "Bearer E-notes")], &ours),
        ),
        ("currenttime", "https://gw.test/currenttime/mcp", "sse", headers(&[], &ours)),
    ];
    let vscode: serde_json::Map<String, Value> = entries
        .iter()
        .map(|(name, url, transport, headers)| {
            // What LangChain's adapters want, who are handed the entries as they are.
            let entry = json!({"url": url, "transport": transport.replace('-', "_"), "headers": headers});
            ((*name).to_owned(), entry)
        })
        .collect();
    let roo: serde_json::Map<String, Value> = entries
        .iter()
        .map(|(name, url, transport, headers)| {
            let entry = json!({"type": transport, "url": url, "headers": headers, "disabled": false, "alwaysAllow": []});
            ((*name).to_owned(), entry)
        })
        .collect();
    let (vscode, roo) = (json!({"mcp": {"servers": vscode}}), json!({"mcpServers": roo}));
    same(&project.local("vscode_mcp.json"), &vscode);
    same(&project.local("mcp.json"), &roo);
    let [vscode_file, roo_file] = project.installed();
    same(&read_json(&vscode_file), &vscode);
    same(&read_json(&roo_file), &roo);
    #[cfg(unix)]
    for path in [".oauth-tokens/vscode_mcp.json", ".oauth-tokens/mcp.json"]
        .map(|name| project.user.project().join(name))
        .iter()
        .chain(&[vscode_file, roo_file])
    {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
}

/// It has no file, and is one of the gateway's servers all the same: where the gateway is set up, answers for it, and gives it to
/// anybody. A file of its own decides alone, as any server's does.
#[test]
fn the_gateways_own_server_is_listed_where_the_gateway_answers_for_it() {
    const GIVEN: &str = "s:\n- {server: /mcpgw/, methods: [tools/call], tools: [debug_auth_context]}\n";
    const EVERYTHING: &str = "s:\n- {server: '*', methods: ['*'], tools: ['*']}\n";
    const OTHER: &str = "s:\n- {server: currenttime, methods: [tools/call], tools: [now]}\n";
    let on = json!({"path": "/mcpgw", "server_name": "Tools", "is_enabled": true});
    let off = json!({"path": "/mcpgw", "server_name": "Tools", "is_enabled": false});
    for (gateway, policy, file, listed) in [
        (None, None, None, false),
        (None, Some(GIVEN), None, true),
        (None, Some(EVERYTHING), None, true),
        (None, Some(OTHER), None, false),
        (Some("mcpgw: {call_tool: true}\n"), Some(GIVEN), None, true),
        (Some("mcpgw: builtin\n"), Some(GIVEN), None, true),
        (Some("mcpgw: forward\n"), Some(GIVEN), None, false),
        (Some("mcpgw: ["), Some(GIVEN), None, false),
        (None, Some(GIVEN), Some(&on), true),
        (None, None, Some(&on), true),
        (None, Some(GIVEN), Some(&off), false),
    ] {
        let mut project = Project::new();
        project.cognito();
        project.server("servers/time.json", &json!({"path": "/currenttime", "auth_type": "none"}));
        if let Some(text) = gateway {
            project.user.file("gateway.yaml", text);
        }
        if let Some(text) = policy {
            project.user.file("scopes.yml", text);
        }
        if let Some(file) = file {
            project.server("servers/mcpgw.json", file);
        }
        project.generate(&[]);
        let servers = project.local("vscode_mcp.json")["mcp"]["servers"].clone();
        let entry = json!({"url": "https://gw.test/mcpgw/mcp", "transport": "streamable_http", "headers": headers(&[], &project.ours())});
        let found = servers.get("mcpgw");
        assert_eq!(found, listed.then_some(&entry), "{gateway:?} {policy:?} {file:?}");
        assert!(servers.get("currenttime").is_some());
        // What is listed can be named.
        let ran = project.user.run(&["headers", "mcpgw"]);
        assert_eq!(ran.code == Some(0), listed, "{gateway:?} {policy:?} {file:?}: {ran:?}");
    }
}

#[test]
fn a_gateway_without_a_name_is_called_as_the_reference_calls_it() {
    let mut project = Project::new();
    project
        .user
        .env("AGENTCORE_CLIENT_ID_1", "gate")
        .env("AGENTCORE_CLIENT_SECRET_1", SECRET)
        .env("AGENTCORE_ISSUER_1", project.idp.issuer());
    project.generate(&[]);
    let entry = &project.local("mcp.json")["mcpServers"]["sre-gateway"];
    assert_eq!(entry["url"], "https://gw.test/sre-gateway/mcp");
    assert_eq!(keys(&entry["headers"]), ["Authorization"], "no ingress, no gateway headers");
}

#[test]
fn a_keycloak_identity_and_an_agents_have_their_own_headers() {
    let mut project = Project::new();
    project
        .user
        .env("AUTH_PROVIDER", "keycloak")
        .env("KEYCLOAK_URL", project.idp.issuer())
        .env("KEYCLOAK_REALM", "demo")
        .env("KEYCLOAK_M2M_CLIENT_ID", "agent")
        .env("KEYCLOAK_M2M_CLIENT_SECRET", SECRET);
    project.egress("notes", "notes", json!({}));
    project.generate(&[]);
    let entry = project.local("mcp.json")["mcpServers"]["notes"]["headers"].clone();
    assert_eq!(
        keys(&entry),
        ["Authorization", "X-Authorization", "X-Client-Id", "X-Keycloak-Realm", "X-Keycloak-URL"]
    );
    assert_eq!(
        (&entry["X-Keycloak-Realm"], &entry["X-Keycloak-URL"]),
        (&json!("demo"), &json!(project.idp.issuer()))
    );

    let agent = json!({"provider": "keycloak", "access_token": "A", "expires_at": "2100-01-01T00:00:00Z"});
    project.user.file(".oauth-tokens/agent-ai-coding-assistant-m2m-token.json", &agent.to_string());
    project.generate(&[]);
    let expected = json!({"Authorization": "Bearer E-notes", "X-Authorization": "Bearer A"});
    same(&project.local("mcp.json")["mcpServers"]["notes"]["headers"], &expected);
}

#[test]
fn two_sets_of_one_provider_are_two_servers() {
    let mut project = Project::new();
    project.cognito();
    project.egress("notes-mail", "notes", json!({}));
    project.egress("notes-drive", "notes", json!({}));
    project.generate(&[]);
    let servers = project.local("mcp.json")["mcpServers"].clone();
    assert_eq!(keys(&servers), ["drive", "mail"]);
    assert_eq!(servers["mail"]["url"], "https://gw.test/mail/mcp");
    assert_eq!(servers["mail"]["headers"]["Authorization"], "Bearer E-notes-mail");
    assert_eq!(servers["drive"]["headers"]["Authorization"], "Bearer E-notes-drive");
}

#[test]
fn the_registrys_servers_are_found_in_any_of_their_places() {
    let server = json!({"server_name": "Time", "path": "/time", "auth_type": "none"});
    for (file, variable) in
        [("servers/t.json", None), ("registry/servers/t.json", None), ("elsewhere/t.json", Some("elsewhere"))]
    {
        let mut project = Project::new();
        project.cognito().user.env("MCPAUTH_SERVERS_DIR", variable.unwrap_or_default());
        project.server(file, &server);
        project.generate(&[]);
        assert_eq!(keys(&project.local("mcp.json")["mcpServers"]), ["time"], "{file}");
    }
}

#[test]
fn a_users_own_file_keeps_its_comments_its_order_and_one_backup() {
    let mut project = Project::new();
    project.cognito();
    project.egress("notes", "notes", json!({}));
    let [_, roo] = project.installed();
    let theirs = "{\n  // mine\n  \"zeta\": 1,\n  \"mcpServers\": {\n    \"own\": {\"url\": \"https://own.test\"}, // keep\n  },\n  \"alpha\": [2]\n}\n";
    std::fs::create_dir_all(roo.parent().unwrap()).unwrap();
    std::fs::write(&roo, theirs).unwrap();
    project.generate(&[]);
    let text = std::fs::read_to_string(&roo).unwrap();
    let order = ["// mine", "\"zeta\"", "\"own\"", "// keep", "\"notes\"", "\"alpha\""];
    let found: Vec<_> =
        order.iter().map(|part| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"))).collect();
    assert!(found.is_sorted(), "{text}");
    let backup = roo.with_file_name("mcp_servers.json.mcpauth-backup");
    assert_eq!(std::fs::read_to_string(&backup).unwrap(), theirs);

    project.generate(&["--force"]);
    assert_ne!(std::fs::read_to_string(&roo).unwrap(), text, "a new token");
    assert_eq!(std::fs::read_to_string(&backup).unwrap(), theirs, "the first state is the one to keep");
    #[cfg(unix)]
    assert_eq!((mode(&roo), mode(&backup)), (0o600, 0o600));
}

#[test]
fn a_users_own_entry_of_the_same_name_is_left_alone_and_a_vanished_one_of_ours_is_removed() {
    let mut project = Project::new();
    project.cognito();
    project.egress("notes", "notes", json!({}));
    project.egress("desk", "desk", json!({}));
    let [_, roo] = project.installed();
    std::fs::create_dir_all(roo.parent().unwrap()).unwrap();
    std::fs::write(&roo, r#"{"mcpServers": {"notes": {"url": "https://own.test"}}}"#).unwrap();
    let ran = project.generate(&[]);
    let servers = read_json(&roo)["mcpServers"].clone();
    assert_eq!(
        (keys(&servers), &servers["notes"]),
        (vec!["notes", "desk"], &json!({"url": "https://own.test"}))
    );
    assert!(ran.stdout.contains("notes"), "the conflict is said\n{}", ran.stdout);
    std::fs::remove_file(project.user.project().join(".oauth-tokens/desk-egress.json")).unwrap();
    project.generate(&[]);
    assert_eq!(keys(&read_json(&roo)["mcpServers"]), ["notes"]);
}

#[test]
fn a_file_that_does_not_parse_is_left_alone_and_counts_as_a_failure() {
    let mut project = Project::new();
    project.cognito();
    project.egress("notes", "notes", json!({}));
    let [vscode, roo] = project.installed();
    std::fs::create_dir_all(roo.parent().unwrap()).unwrap();
    std::fs::write(&roo, "{ oops").unwrap();
    let ran = project.user.run(&["generate"]).code(3);
    assert!(
        ran.stdout.contains("is not JSON") && ran.stdout.contains("nothing was written"),
        "{}",
        ran.stdout
    );
    assert_eq!(std::fs::read_to_string(&roo).unwrap(), "{ oops");
    assert!(vscode.exists(), "the other client has its file");
    let rows = project.user.run(&["generate", "--json"]).code(3).json()["configs"].clone();
    let failed = rows.as_array().unwrap().iter().find(|row| row["status"] == "failed").unwrap().clone();
    assert!(failed["hint"].as_str().unwrap().starts_with("nothing was written"), "{failed}");
    assert!(!failed["message"].as_str().unwrap().contains('\n'), "{failed}");
}

#[test]
fn without_installation_only_our_own_files_are_written() {
    let mut project = Project::new();
    project.cognito();
    project.egress("notes", "notes", json!({}));
    let ran = project.generate(&["--no-install", "--json"]);
    let clients: Vec<Value> =
        ran.json()["configs"].as_array().unwrap().iter().map(|row| row["client"].clone()).collect();
    assert_eq!(clients, ["vscode-legacy", "roo"]);
    assert!(project.installed().iter().all(|path| !path.exists()));
    assert_eq!(std::fs::read_dir(project.user.home()).unwrap().count(), 0);
    project.user.run(&["config", "install", "--client", "roo"]).code(0);
    assert_eq!(project.installed().map(|path| path.exists()), [false, true]);
}

#[test]
fn a_dry_run_says_what_would_change_without_a_token_and_changes_nothing() {
    let mut project = Project::new();
    project.cognito();
    project.egress("notes", "notes", json!({}));
    project.generate(&["--no-install"]);
    let token = project.user.token("ingress.json")["access_token"].as_str().unwrap().to_owned();
    let before = std::fs::read_dir(project.user.home()).unwrap().count();
    let clients = ["--client", "vscode-legacy", "--client", "roo", "--auth-mode", "inline"];
    let install = [&["config", "install", "--dry-run"], &clients[..]].concat();
    for more in [&[][..], &["--json"], &["-vv"]] {
        let ran = project.user.run(&[&install[..], more].concat()).code(0);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(all.contains("notes"), "{all}");
        assert!(!all.contains(&token) && !all.contains("E-notes"), "{all}");
    }
    assert_eq!(std::fs::read_dir(project.user.home()).unwrap().count(), before);
    let rows = project.user.run(&[&install[..], &["--json"]].concat()).code(0).json()["configs"].clone();
    assert_eq!((&rows[0]["status"], &rows[1]["client"]), (&json!("would_change"), &json!("roo")));
    assert_eq!(rows[1]["changes"].as_array().unwrap().len(), 1, "{rows}");
    let shown = project.user.run(&["config", "show", "--client", "roo", "--auth-mode", "inline"]).code(0);
    assert!(shown.stdout.contains("[redacted]") && !shown.stdout.contains("E-notes"), "{}", shown.stdout);
    let render = ["config", "render", "--client", "roo", "--auth-mode", "inline"];
    let rendered = project.user.run(&render).code(0).json();
    same(&rendered, &project.local("mcp.json"));
}

#[test]
fn tokens_are_not_sent_over_plain_http_unless_it_is_meant() {
    let mut project = Project::new();
    project.cognito().user.env("REGISTRY_URL", "http://gw.test");
    project.egress("notes", "notes", json!({}));
    let ran = project.user.run(&["generate"]).code(3);
    assert!(
        ran.stdout.contains("plain http to gw.test") && ran.stdout.contains("--allow-http"),
        "{}",
        ran.stdout
    );
    let object = project.user.run(&["generate", "--json"]).code(3).json();
    assert_eq!((&object["exit_code"], &object["results"][0]["status"]), (&json!(3), &json!("reused")));
    assert_eq!(
        (&object["configs"][0]["status"], &object["configs"][0]["code"]),
        (&json!("failed"), &json!("configuration"))
    );
    project.user.run(&["config", "render", "--client", "roo"]).code(2);
    assert!(project.installed().iter().all(|path| !path.exists()));
    project.generate(&["--allow-http"]);
}
