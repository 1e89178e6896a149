//! The way from the MCP Gateway Registry's scripts: each of their commands and flags is mapped, and what it is mapped to runs.

use mcpauth::demo::mcp::{Sample, SampleTool};

use super::Book;
use super::examples::{idp, reader, typed};

/// The scripts and everything that they take, by the headings of the page.
const SCRIPTS: &[(&str, &[&str])] = &[
    (
        "generate_creds.sh",
        &[
            "--all",
            "--ingress-only",
            "--egress-only",
            "--agentcore-only",
            "--keycloak-only",
            "--both",
            "--provider",
            "--force",
            "--verbose",
            "--help",
        ],
    ),
    ("ingress_oauth.py", &["--force", "--verbose"]),
    ("egress_oauth.py", &["--provider", "--mcp-server-name", "--config-set", "--force", "--verbose"]),
    (
        "generic_oauth_flow.py",
        &[
            "--provider",
            "--client-id",
            "--client-secret",
            "--redirect-uri",
            "--scope",
            "--config-file",
            "--interactive",
            "--force",
            "--verbose",
        ],
    ),
    (
        "generate_access_token.py",
        &["--all", "--gateway-index", "--gateway-name", "--audience", "--oauth-tokens-dir", "--debug"],
    ),
    (
        "generate_tokens.py",
        &[
            "--agent-name",
            "--all-agents",
            "--keycloak-url",
            "--realm",
            "--client-id",
            "--client-secret",
            "--oauth-dir",
            "--verbose",
        ],
    ),
    ("add_noauth_services.py", &["--verbose"]),
    ("token_refresher.py", &["--interval", "--buffer", "--once", "--force", "--debug", "--no-kill"]),
    ("start_token_refresher.sh", &[]),
    ("check_and_refresh_creds.sh", &[]),
    (
        "mcp_cmds.sh",
        &["basic", "connectivity", "ping", "list", "tools", "call", "help", "--url", "GATEWAY_URL"],
    ),
    (
        "mcp_client.py",
        &[
            "--url",
            "ping",
            "list",
            "call",
            "--tool",
            "--args",
            "init",
            "--token-file",
            "MCP_AUTH_TOKEN",
            "CLIENT_ID",
            "CLIENT_SECRET",
            "KEYCLOAK_URL",
            "KEYCLOAK_REALM",
        ],
    ),
];

/// What does not end with 0 where nobody is there to log in or to answer.
const FOR_A_PERSON: &[(&str, i32)] = &[
    ("mcpauth configure", 2),
    ("mcpauth generate --force", 3),
    ("mcpauth egress --force", 4),
    ("mcpauth refresh --once --force", 3),
];

/// The two columns of every table below a heading that names the script.
fn rows(page: &str, script: &str) -> Vec<(String, String)> {
    let section = page.split("\n## ").find(|part| part.lines().next().unwrap().contains(script));
    let section = section.unwrap_or_else(|| panic!("there is no heading for {script}"));
    let table = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    let cells = table.map(|line| line.replace("\\|", "\u{0}"));
    let pairs = cells.filter_map(|line| {
        let mut cells = line.trim_matches('|').split(" | ").map(|cell| cell.replace('\u{0}', "|"));
        Some((cells.next()?.trim().to_owned(), cells.next()?.trim().to_owned()))
    });
    pairs.collect()
}

/// The code in a cell.
fn commands(cell: &str) -> Vec<String> {
    let code = cell.split('`').skip(1).step_by(2).map(str::to_owned);
    code.filter(|code| code.starts_with("mcpauth ")).collect()
}

fn page() -> String {
    Book::open().page("docs/migrate-from-scripts.md").text.clone()
}

#[test]
fn every_command_of_the_scripts_is_mapped() {
    let page = page();
    for (script, words) in SCRIPTS {
        let rows = rows(&page, script);
        let left: String = rows.iter().map(|(left, _)| format!(" {left} ")).collect();
        let is_there = |word: &&&str| left.split(|c: char| " `[],=".contains(c)).any(|part| part == **word);
        let missing: Vec<_> = words.iter().filter(|word| !is_there(word)).collect();
        assert!(missing.is_empty() && !rows.is_empty(), "{script}: {missing:?} is not in the table");
        for (left, right) in rows {
            assert!(!right.is_empty(), "{script}: {left} is mapped to nothing");
        }
    }
}

#[test]
fn what_they_are_mapped_to_runs() {
    let echo = [SampleTool { name: "echo", about: "Says it again", run: |arguments| arguments.to_string() }];
    let (idp, server, page) = (idp(), Sample::start("currenttime", &echo).unwrap(), page());
    let address = format!("{}/mcp", server.base());
    let mut ran = 0;
    for (script, _) in SCRIPTS {
        let mut user = reader(&idp);
        user.env("GATEWAY_URL", &address);
        for (_, right) in rows(&page, script) {
            for line in commands(&right) {
                let line = line.replace("https://gateway.example.com/mcp", &address);
                let line = line.replace("https://keycloak.example.com", idp.issuer());
                if line == "mcpauth refresh" {
                    let mut service = user.start(&["refresh"]);
                    service.line(|line| line.contains("ready"));
                    service.signal("TERM");
                    service.end().code(143);
                } else {
                    let expected = FOR_A_PERSON.iter().find(|(known, _)| *known == line);
                    let result = typed(&user, &line);
                    let said = format!("{}{}", result.stdout, result.stderr);
                    assert_eq!(result.code, Some(expected.map_or(0, |(_, code)| *code)), "{line}\n{said}");
                }
                ran += 1;
            }
        }
    }
    assert!(ran >= 40, "only {ran} commands were found");
}
