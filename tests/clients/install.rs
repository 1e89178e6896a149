//! `config install`, `show` and `render`: which clients, which auth mode, and that the written entries work from
//! anywhere.

use std::path::PathBuf;

use mcpauth::demo::idp::Idp;
use serde_json::{Value, json};

use crate::support::wire::ingress_idp;
use crate::support::{Ran, User, ended, read_json};

const SECRET: &str = "hunter2-0123456789";

/// A user with a token for `notes`, an identity provider and a `.env`.
pub(super) struct Person {
    pub(super) user: User,
    _idp: Idp,
}

impl Person {
    pub(super) fn new() -> Self {
        let idp = ingress_idp(SECRET);
        let mut user = User::new();
        user.file(
            ".env",
            &format!(
                "REGISTRY_URL=https://gw.test\nINGRESS_OAUTH_ISSUER={}\nINGRESS_OAUTH_USER_POOL_ID=eu-west-1_A\n\
                 INGRESS_OAUTH_CLIENT_ID=agent\nINGRESS_OAUTH_CLIENT_SECRET={SECRET}\n",
                idp.issuer()
            ),
        );
        user.env("REGISTRY_URL", "").env("MCPAUTH_CONFIG_DIR", "");
        let person = Self { user, _idp: idp };
        person.egress("notes");
        person.user.run(&["generate", "--no-install"]).code(0);
        person
    }

    /// A token of an outside service that has been logged in to.
    pub(super) fn egress(&self, name: &str) {
        let origin = self.user.project().join(".env");
        let token = json!({"provider": name, "access_token": format!("E-{name}"), "expires_at": null, "origin": origin});
        self.user.file(&format!(".oauth-tokens/{name}-egress.json"), &token.to_string());
    }

    pub(super) fn home(&self, path: &str) -> PathBuf {
        self.user.home().join(path)
    }

    pub(super) fn install(&self, args: &[&str]) -> Ran {
        self.user.run(&[&["config", "install"], args].concat()).code(0)
    }

    pub(super) fn config(&self, path: &str) -> Value {
        read_json(&self.home(path))
    }
}

#[test]
fn without_a_name_the_clients_that_are_here_are_configured_each_in_its_best_way() {
    let person = Person::new();
    let ran = person.user.run(&["config", "install"]).code(2);
    assert!(ran.stderr.contains("no MCP client found") && ran.stderr.contains("--client"), "{}", ran.stderr);
    for folder in [".cursor", ".vscode", ".config/Code/User"] {
        std::fs::create_dir_all(person.home(folder)).unwrap();
    }
    std::fs::write(person.home(".claude.json"), "{\"numStartups\": 3}\n").unwrap();
    let ran = person.install(&[]);
    assert!(ran.stderr.contains("found here: vscode, claude-code, cursor\n"), "{}", ran.stderr);
    let ways = |ran: &Ran| -> Vec<String> {
        let rows = ran.json()["configs"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| format!("{} {} {}", row["client"], row["auth_mode"], row["status"]).replace('"', ""))
            .collect()
    };
    let claude = person.config(".claude.json");
    assert_eq!(claude["numStartups"], 3);
    assert!(claude["mcpServers"]["notes"]["headersHelper"].as_str().unwrap().ends_with(" headers notes"));
    assert_eq!(person.config(".cursor/mcp.json")["mcpServers"]["notes"]["args"][0], "--found-tokens-dir");
    assert_eq!(person.config(".config/Code/User/mcp.json")["servers"]["notes"]["type"], "stdio");
    assert!(!person.home(".vscode/mcp.json").exists(), "that folder is no sign of the old form");

    person.install(&["--client", "codex", "--client", "roo", "--auth-mode", "inline", "--dry-run"]);
    let ran = person.install(&["--client", "roo"]);
    assert!(
        ran.stderr.contains("discontinued on 15 May 2026") && ran.stderr.contains("cline"),
        "{}",
        ran.stderr
    );
    let ran = person.install(&["--json"]);
    assert!(ran.stderr.contains("installed before: "), "{}", ran.stderr);
    let mut found = ways(&ran);
    found.sort();
    assert_eq!(
        found,
        [
            "claude-code helper unchanged",
            "cursor bridge unchanged",
            "roo bridge unchanged",
            "vscode bridge unchanged"
        ]
    );
}

#[test]
fn a_way_is_remembered_until_another_one_is_asked_for() {
    let person = Person::new();
    person.install(&["--client", "cursor", "--auth-mode", "inline"]);
    let entry = || person.config(".cursor/mcp.json")["mcpServers"]["notes"].clone();
    assert_eq!(entry()["headers"]["Authorization"], "Bearer E-notes");
    person.install(&["--client", "cursor"]);
    assert_eq!(entry()["headers"]["Authorization"], "Bearer E-notes");
    let shown = person.user.run(&["config", "show", "--client", "cursor", "--json"]).code(0).json();
    assert_eq!(
        (&shown["auth_mode"], &shown["default"], &shown["installed"]),
        (&json!("inline"), &json!("bridge"), &json!(true))
    );
    person.install(&["--client", "cursor", "--auth-mode", "env"]);
    let variable = "${env:MCPAUTH_NOTES_AUTHORIZATION}";
    assert_eq!(entry()["headers"]["Authorization"], variable);
    let text = person.user.run(&["config", "render", "--client", "cursor"]).code(0).stdout;
    assert!(text.contains(variable), "{text}");
    let ran = person
        .user
        .run(&["config", "install", "--client", "claude-desktop", "--auth-mode", "inline"])
        .code(2);
    assert!(
        ran.stderr.contains("claude-desktop does not support the auth mode")
            && ran.stderr.contains("--auth-mode bridge"),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_bridges_address_and_secret_are_in_the_file_of_a_client_that_speaks_to_it() {
    let mut person = Person::new();
    person.user.env("MCPAUTH_BRIDGE_LISTEN", "127.0.0.1:9999");
    let ran = person.install(&["--client", "zed", "--auth-mode", "proxy"]);
    assert!(ran.stderr.contains("mcpauth bridge --listen"), "{}", ran.stderr);
    let entry = person.config(".config/zed/settings.json")["context_servers"]["notes"].clone();
    let secret = std::fs::read_to_string(person.user.project().join(".oauth-tokens/.bridge-secret")).unwrap();
    assert_eq!(entry["url"], "http://127.0.0.1:9999/notes/mcp");
    assert_eq!(entry["headers"], json!({"x-mcpauth-bridge": secret.trim()}));
    for args in [&["--client", "zed"][..], &["--client", "zed", "--json"]] {
        let shown = person.user.run(&[&["config", "show"], args].concat()).code(0);
        assert!(
            shown.stdout.contains("[redacted]") && !shown.stdout.contains(secret.trim()),
            "{}",
            shown.stdout
        );
    }
}

#[test]
fn what_a_client_starts_means_the_same_in_another_projects_folder() {
    let mut person = Person::new();
    person.user.file("servers/time.json", r#"{"server_name": "T", "path": "/time", "auth_type": "none"}"#);
    person.user.env("REGISTRY_URL", "https://env.test").env("MCPAUTH_STORAGE", "file");
    let ran = person.install(&["--client", "claude-code"]);
    assert!(!ran.stderr.contains("this shell's variables"), "{}", ran.stderr);
    let entry = person.config(".claude.json")["mcpServers"]["time"].clone();
    assert_eq!(entry["url"], "https://env.test/time/mcp");
    let helper = entry["headersHelper"].as_str().unwrap().to_owned();
    assert!(helper.contains(" --registry-url https://env.test --storage file headers time"), "{helper}");

    // Authorities of the user's own come along, from the root on.
    let ca = rcgen::generate_simple_self_signed(["ca.test".to_owned()]).unwrap().cert.pem();
    person.user.file("ca.pem", &ca);
    let ran = person.install(&["--client", "junie", "--ca-cert", "ca.pem"]);
    assert!(!ran.stderr.contains("this shell's variables"), "{}", ran.stderr);
    let words = person.config(".junie/mcp/mcp.json")["mcpServers"]["time"]["args"].to_string();
    let path = person.user.project().join("ca.pem").display().to_string();
    assert!(words.contains(&format!("\"--ca-cert\",\"{path}\"")), "{words}");

    // Another project, whose settings would send our secret to someone else, and a shell without ours.
    let other = person.home("other");
    std::fs::create_dir_all(other.join("servers")).unwrap();
    std::fs::write(
        other.join(".env"),
        "INGRESS_OAUTH_ISSUER=http://evil.test\nREGISTRY_URL=http://evil.test\n",
    )
    .unwrap();
    std::fs::write(other.join("servers/broken.json"), "{").unwrap();
    std::fs::remove_file(person.user.project().join(".oauth-tokens/ingress.json")).unwrap();
    person.user.env("REGISTRY_URL", "").env("MCPAUTH_STORAGE", "");
    let mut shell = person.user.shell(&helper);
    let headers = ended(shell.current_dir(&other).spawn().unwrap()).code(0).json();
    let token = person.user.token("ingress.json")["access_token"].as_str().unwrap().to_owned();
    assert_eq!(headers["X-Authorization"], format!("Bearer {token}"), "a new one, from the right issuer");
    assert_eq!(headers["X-Client-Id"], "agent");
}

#[test]
fn without_a_file_of_settings_none_is_read_elsewhere_and_what_only_the_shell_has_is_named() {
    let mut person = Person::new();
    std::fs::remove_file(person.user.project().join(".env")).unwrap();
    person.user.env("REGISTRY_URL", "https://gw.test").env("INGRESS_OAUTH_CLIENT_SECRET", SECRET);
    let ran = person.install(&["--client", "junie"]);
    assert!(ran.stderr.contains("put these into .env: INGRESS_OAUTH_CLIENT_SECRET\n"), "{}", ran.stderr);
    assert!(!ran.stderr.contains(SECRET));
    let entry = person.config(".junie/mcp/mcp.json")["mcpServers"]["notes"].clone();
    let args: Vec<&str> = entry["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
    let project = person.user.project();
    let [tokens, servers] = [".oauth-tokens", "servers"].map(|name| project.join(name).display().to_string());
    let expected = [
        "--found-tokens-dir",
        &tokens,
        "--no-env-file",
        "--servers-dir",
        &servers,
        "--registry-url",
        "https://gw.test",
        "bridge",
        "notes",
    ];
    assert_eq!(args, expected);
    assert!(std::path::Path::new(entry["command"].as_str().unwrap()).is_absolute());
}

#[test]
fn a_path_that_means_another_file_elsewhere_is_pointed_out() {
    let person = Person::new();
    let env = std::fs::read_to_string(person.user.project().join(".env")).unwrap();
    person.user.file(".env", &format!("{env}EGRESS_OAUTH_PRIVATE_KEY_FILE_3=keys/x.pem\n"));
    let ran = person.install(&["--client", "junie"]);
    assert!(ran.stderr.contains("make EGRESS_OAUTH_PRIVATE_KEY_FILE_3 an absolute path\n"), "{}", ran.stderr);
    let ran = person.install(&["--client", "cursor", "--auth-mode", "inline"]);
    assert!(!ran.stderr.contains("an absolute path"), "nobody is started: {}", ran.stderr);
}

#[test]
fn the_clients_are_listed_with_their_files_and_ways() {
    let person = Person::new();
    person.install(&["--client", "codex"]);
    let text = person.user.run(&["config", "show", "--clients"]).code(0).stdout;
    let line = |client: &str| text.lines().find(|line| line.starts_with(client)).unwrap().to_owned();
    let codex = person.home(".codex/config.toml").display().to_string();
    assert_eq!(
        line("codex "),
        "codex           installed env (helper, bridge, inline, proxy)  ~/.codex/config.toml"
    );
    assert!(line("junie ").contains(" -         bridge  "), "{text}");
    let rows = person.user.run(&["config", "show", "--clients", "--json"]).code(0).json()["clients"].clone();
    assert_eq!(rows.as_array().unwrap().len(), text.lines().count());
    let row = rows.as_array().unwrap().iter().find(|row| row["client"] == "codex").unwrap().clone();
    assert_eq!(
        (&row["path"], &row["installed"], &row["ways"][0]),
        (&json!(codex), &json!(true), &json!("env"))
    );
}

#[test]
fn a_client_without_its_file_gets_a_whole_one() {
    let mut person = Person::new();
    let codex = person.home("elsewhere");
    person.user.env("CODEX_HOME", codex.display().to_string());
    person.install(&["--client", "codex", "--client", "continue", "--client", "goose"]);
    let text = std::fs::read_to_string(codex.join("config.toml")).unwrap();
    assert!(text.starts_with("[mcp_servers.\"notes\"]\nurl = "), "{text}");
    let text = std::fs::read_to_string(person.home(".continue/config.yaml")).unwrap();
    assert!(
        text.starts_with(
            "name: Local Assistant\nversion: 1.0.0\nschema: v1\nmcpServers:\n  - name: \"notes\"\n"
        ),
        "{text}"
    );
    assert!(person.home(".config/goose/config.yaml").exists());
}
