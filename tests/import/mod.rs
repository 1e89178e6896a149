//! `mcpauth import` on a made-up home with the files of ten clients: what it finds, that nothing stays behind, and the way back.
//! Not here: what counts as a secret (see `import::find`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests read and write files as other programs would")]

#[cfg(unix)]
mod kinds;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::User;
use crate::support::upstream::{Seen, Upstream, say};

/// A body that no service issued.
pub(crate) const BODY: &str = "kJ8xQ2mV7bN4cZ1pL9sD3fG6hT5wR0yUaE8i";

/// A server that takes any credential but a wrong one.
pub(crate) fn server() -> Upstream {
    Upstream::start(|seen: &Seen, stream| {
        if seen.head.contains("wrong") {
            return say(stream, "401 Unauthorized\r\nwww-authenticate: Bearer", b"");
        }
        let asked: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        if asked["id"].is_null() {
            return say(stream, "202 Accepted", b"");
        }
        let info = json!({"name": "tools", "version": "1"});
        let result = json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info, "tools": []});
        let body = json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}).to_string();
        say(stream, "200 OK\r\ncontent-type: application/json", body.as_bytes());
    })
}

/// Each secret is another one, so that a search tells them apart.
fn secret(n: usize) -> String {
    format!("{BODY}{n:03}")
}

/// The files of ten clients, with a secret in each.
fn lay_out(user: &User, base: &str) -> BTreeMap<PathBuf, String> {
    let at = |n: usize| format!("{base}/s{n}/mcp");
    let files: Vec<(PathBuf, String)> = [
        (".claude.json", format!("{{\n  \"numStartups\": 7,\n  \"mcpServers\": {{\"tickets\": {{\"type\": \"http\", \"url\": \"{}\", \"headers\": {{\"Authorization\": \"Bearer {}\", \"X-Region\": \"eu\"}}}}}},\n  \"projects\": {{\"/p\": {{\"mcpServers\": {{\"db\": {{\"command\": \"npx\", \"args\": [\"db\"], \"env\": {{\"DATABASE_URL\": \"postgres://a:{}@db.test/x\"}}}}}}}}}}\n}}\n", at(1), secret(1), secret(2))),
        (".cursor/mcp.json", format!("{{\n  // mine\n  \"mcpServers\": {{\n    \"files\": {{\"command\": \"npx\", \"args\": [\"-y\", \"files\"], \"env\": {{\"API_KEY\": \"{}\", \"LOG\": \"debug\"}}}},\n    \"plain\": {{\"command\": \"npx\", \"args\": [\"plain\"], \"env\": {{\"API_KEY\": \"${{env:API_KEY}}\"}}}},\n  }}\n}}\n", secret(3))),
        (".config/Code/User/mcp.json", format!("{{\"inputs\": [], \"servers\": {{\"news\": {{\"type\": \"http\", \"url\": \"{}\", \"headers\": {{\"X-Api-Key\": \"{}\"}}}}}}}}", at(4), secret(4))),
        (".config/Claude/claude_desktop_config.json", format!("{{\"mcpServers\": {{\"far\": {{\"command\": \"npx\", \"args\": [\"-y\", \"mcp-remote@latest\", \"{}\", \"--header\", \"Authorization:${{AUTH}}\"], \"env\": {{\"AUTH\": \"Bearer {}\"}}}}}}}}", at(5), secret(5))),
        (".codeium/windsurf/mcp_config.json", format!("{{\"mcpServers\": {{\"wind\": {{\"serverUrl\": \"{}\", \"headers\": {{\"Authorization\": \"Bearer {}\"}}}}}}}}", at(6), secret(6))),
        (".gemini/settings.json", format!("{{\"theme\": \"dark\", \"mcpServers\": {{\"gem\": {{\"httpUrl\": \"{}\", \"headers\": {{\"api-key\": \"{}\"}}}}}}}}", at(7), secret(7))),
        (".codex/config.toml", format!("model = \"m\"\n\n# mine\n[mcp_servers.ledger]\ncommand = \"npx\"\nargs = [\"-y\", \"ledger\", \"--token\", \"{}\"]\n", secret(8))),
        (".continue/config.yaml", format!("name: mine\nversion: 1.0.0\nmcpServers:\n  - name: notes # mine\n    command: npx\n    args: [\"notes\"]\n    env:\n      NOTES_TOKEN: {}\n", secret(9))),
        (".config/goose/config.yaml", format!("extensions:\n  desk:\n    enabled: true\n    type: stdio\n    name: desk\n    cmd: uvx\n    args: [desk]\n    envs:\n      DESK_SECRET: {}\n    timeout: 30\n", secret(10))),
        (".config/opencode/opencode.json", format!("{{\"mcp\": {{\"box\": {{\"type\": \"local\", \"command\": [\"docker\", \"run\", \"-e\", \"BOX_KEY={}\", \"box\"], \"enabled\": true}}}}}}", secret(11))),
    ]
    .map(|(name, text)| (user.home().join(name), text))
    .into_iter()
    .chain([(user.project().join(".mcp.json"), format!("{{\"mcpServers\": {{\"here\": {{\"command\": \"here\", \"args\": [], \"env\": {{\"HERE_TOKEN\": \"{}\"}}}}}}}}\n", secret(12)))])
    .collect();
    for (path, text) in &files {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    files.into_iter().collect()
}

const SECRETS: usize = 12;

/// The files below a folder with one of the secrets in them, except for the store.
pub(crate) fn leaks(folder: &Path, store: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path == store {
            continue;
        }
        if path.is_dir() {
            found.extend(leaks(&path, store));
        } else if std::fs::read(&path).is_ok_and(|text| String::from_utf8_lossy(&text).contains(BODY)) {
            found.push(path);
        }
    }
    found
}

fn assert_same(files: &BTreeMap<PathBuf, String>) {
    for (path, text) in files {
        assert_eq!(&std::fs::read_to_string(path).unwrap(), text, "{}", path.display());
    }
}

#[test]
fn everything_is_found_taken_and_given_back() {
    let server = server();
    let user = User::new();
    let files = lay_out(&user, &server.base);
    let shown = user.run(&["import", "--dry-run"]).code(0);
    let names =
        ["tickets", "db", "files", "news", "far", "wind", "gem", "ledger", "notes", "desk", "box", "here"];
    for name in names {
        assert!(shown.stdout.contains(&format!(" {name}")), "{name}: {}", shown.stdout);
    }
    assert!(!shown.stdout.contains(BODY) && !shown.stderr.contains(BODY), "{}", shown.stdout);
    let listed = user.run(&["import", "--dry-run", "--json"]).code(0).json();
    assert_eq!(listed["entries"].as_array().unwrap().len(), SECRETS, "{listed}");
    assert_same(&files);
    assert!(server.seen().is_empty(), "a dry run asks nobody");

    let refused = user.run(&["import"]).code(2);
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    let doctor = user.run(&["doctor", "--offline", "--json"]);
    assert!(
        doctor.stdout.contains("clients.secrets") && doctor.stdout.contains("tickets"),
        "{}",
        doctor.stdout
    );
    assert!(!doctor.stdout.contains(BODY));

    let taken = user.run(&["import", "--yes"]).code(0);
    assert!(!taken.stdout.contains(BODY) && !taken.stderr.contains(BODY), "{}", taken.stderr);
    assert_eq!(leaks(&user.home(), &user.own_store()), Vec::<PathBuf>::new());
    assert_eq!(leaks(&user.project(), &user.own_store()), Vec::<PathBuf>::new());
    let cursor = std::fs::read_to_string(user.home().join(".cursor/mcp.json")).unwrap();
    assert!(
        cursor.contains("// mine") && cursor.contains("\"LOG\": \"debug\"") && cursor.contains("\"exec\""),
        "{cursor}"
    );
    let codex = std::fs::read_to_string(user.home().join(".codex/config.toml")).unwrap();
    assert!(codex.contains("# mine") && codex.contains("MCPAUTH_ARG_TOKEN"), "{codex}");
    let claude = std::fs::read_to_string(user.home().join(".claude.json")).unwrap();
    assert!(claude.contains("headersHelper") && claude.contains("\"X-Region\": \"eu\""), "{claude}");
    // What the entries ask for is what was there.
    let ran = user.run(&["exec", "files", "--", "sh", "-c", "printf %s \"$API_KEY\""]).code(0);
    assert_eq!(ran.stdout, secret(3));
    let headers = user.run(&["headers", "tickets"]).code(0).json();
    assert_eq!(headers["Authorization"], format!("Bearer {}", secret(1)));
    assert_eq!(user.run(&["headers", "news"]).code(0).json()["X-Api-Key"], secret(4));
    // Nothing is left to do.
    assert_eq!(user.run(&["import", "--dry-run", "--json"]).code(0).json()["entries"], json!([]));

    user.run(&["config", "uninstall", "--restore"]).code(0);
    assert_same(&files);
    user.run(&["import", "--yes"]).code(0);
    assert_eq!(leaks(&user.home(), &user.own_store()), Vec::<PathBuf>::new());
    user.run(&["config", "uninstall", "--restore", "--server", "files"]).code(0);
    let cursor = std::fs::read_to_string(user.home().join(".cursor/mcp.json")).unwrap();
    assert!(cursor.contains(&secret(3)), "{cursor}");
    user.run(&["config", "uninstall"]).code(0);
    let news = std::fs::read_to_string(user.home().join(".config/Code/User/mcp.json")).unwrap();
    assert!(!news.contains("news") && news.contains("inputs"), "{news}");
}

#[test]
fn a_key_that_its_server_refuses_stays_where_it_is() {
    let server = server();
    let user = User::new();
    let text = json!({"mcpServers": {"a": {"url": format!("{}/mcp", server.base), "headers": {"Authorization": format!("Bearer wrong{BODY}")}}}});
    let path = user.home().join(".cursor/mcp.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text.to_string()).unwrap();
    let ran = user.run(&["import", "--yes"]).code(4);
    assert!(format!("{}{}", ran.stdout, ran.stderr).contains("is unchanged"), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text.to_string());
    assert!(!ran.stderr.contains(BODY) && !ran.stdout.contains(BODY));
}

/// Killed again and again, later each time, until one run ends unharmed.
#[cfg(unix)]
#[test]
fn a_kill_leaves_the_old_file_with_its_secret_or_the_new_one_with_the_stored_one() {
    let user = User::new();
    let path = user.home().join(".cursor/mcp.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let old = format!(
        "{{\"mcpServers\": {{\"files\": {{\"command\": \"npx\", \"args\": [\"files\"], \"env\": {{\"API_KEY\": \"{BODY}\"}}}}}}}}"
    );
    std::fs::write(&path, &old).unwrap();
    let mut kills = 0;
    for step in 0..400 {
        let mut child = user.command(&["import", "--yes"]).spawn().unwrap();
        // As long as it takes to look that often: no clock, and every part of the run gets its turn.
        (0..step * 40).for_each(|_| drop(std::fs::metadata(&path)));
        let ended = child.try_wait().unwrap().is_some();
        let _ = child.kill();
        child.wait().unwrap();
        let now = std::fs::read_to_string(&path).unwrap();
        if now != old {
            assert!(now.contains("\"exec\"") && !now.contains(BODY), "{now}");
            let ran = user.run(&["exec", "files", "--", "sh", "-c", "printf %s \"$API_KEY\""]).code(0);
            assert_eq!(ran.stdout, BODY);
            user.run(&["config", "uninstall", "--restore"]).code(0);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), old);
        }
        if ended {
            break;
        }
        kills += 1;
    }
    assert!(kills > 3, "{kills} kills");
}
