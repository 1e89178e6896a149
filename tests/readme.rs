//! What `README.md` says is true: its commands run, its tables are the code's, its recording is what is printed.
//! It leaves blocks that need a person or another machine (`console`, `text`) to their readers.
#![cfg(test)]
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::time::Duration;

use mcpauth::bridge::Failure;
use mcpauth::config::catalogue::VARIABLES;
use mcpauth::demo::idp::{Client, Idp, IdpThread, Options};
use mcpauth::demo::mcp::{Sample, Tool};
use mcpauth::error::Exit;
use mcpauth::render::TARGETS;
use mcpauth::session::NoAccess;
use mcpauth::sys::clock;
use serde_json::{Value, json};

use crate::support::{Ran, User, ended};

const README: &str = include_str!("../README.md");

/// A fenced block: its language, the number of its first line, its text.
struct Block {
    language: String,
    line: usize,
    text: String,
}

fn blocks(language: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open = false;
    for (at, line) in README.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), open) {
            (Some(language), false) => {
                found.push(Block { language: language.into(), line: at + 2, text: String::new() });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                let block = found.last_mut().unwrap();
                block.text = format!("{}{}\n", block.text, line);
            }
            (None, false) => {}
        }
    }
    assert!(!open, "a block is not closed");
    found.retain(|block| block.language == language);
    found
}

/// The block that stands right after `<!-- marker -->`.
fn marked(marker: &str) -> Vec<String> {
    let marker = format!("<!-- {marker} -->\n```");
    let parts = README.split(&marker).skip(1);
    parts.map(|part| part.split_once('\n').unwrap().1.split_once("```\n").unwrap().0.to_owned()).collect()
}

/// The files that are shown whole, by the names they are to have.
pub(crate) fn files() -> Vec<(String, String)> {
    let named = README.split("<!-- file: ").skip(1);
    let names = named.map(|part| part.split_once(" -->").unwrap().0);
    let files: Vec<_> =
        names.map(|name| (name.to_owned(), marked(&format!("file: {name}")).concat())).collect();
    assert!(files.iter().all(|(_, text)| !text.is_empty()), "a file is named and not shown");
    files
}

/// The servers behind the README's settings, with its clients.
fn idp() -> IdpThread {
    let clients = vec![
        Client::machine(
            "your_cognito_client_id",
            "your_cognito_client_secret",
            &["mcp-servers-restricted/read", "mcp-servers-restricted/execute"],
        ),
        Client::machine("your_agentcore_client_id", "your_agentcore_client_secret", &["sre-gateway/read"]),
        Client::machine("agent-reader", "your_agent_secret", &["openid", "email", "profile"]),
    ];
    // Like the hour of Cognito's, and never shown as one.
    let access_token_lifetime = Duration::from_secs(3570);
    Idp::in_thread(Options { clients, access_token_lifetime, ..Options::default() }).unwrap()
}

/// A project as the README sets it up, its addresses turned to loopback, and its login done before.
fn reader(idp: &Idp) -> User {
    let mut user = User::new();
    let shown: String = blocks("ini").into_iter().map(|block| block.text).collect();
    // Clients are told of what is in .env, and warned of what is in the environment alone.
    let moved = format!(
        "{shown}INGRESS_OAUTH_ISSUER={issuer}/realms/us-east-1_XXXXXXXXX\nAGENTCORE_ISSUER={issuer}\n",
        issuer = idp.issuer(),
    );
    user.file(".env", &moved);
    user.env("MCPAUTH_CONFIG_DIR", "");
    user.file("secret.txt", "its secret\n");
    // Where no gateway.yaml is, the environment counts.
    for (name, text) in files().iter().filter(|(name, _)| name != "gateway.yaml") {
        user.file(name, text);
    }
    let agent = blocks("json").into_iter().find(|block| block.text.contains("keycloak_url")).unwrap();
    let agent = agent.text.replace("https://keycloak.example.com", idp.issuer());
    user.file(".oauth-tokens/agent-reader.json", &agent);
    let end = clock::now() + 40 * 86_400 - 1800;
    let login = json!({"provider": "atlassian", "access_token": "a-token", "refresh_token": null,
                       "expires_at": end, "cloud_id": "1234", "scopes": ["read:jira-work"]});
    user.file(".oauth-tokens/atlassian-atlassian-egress.json", &login.to_string());
    user
}

/// A line of a block, by a shell, with our binary as `mcpauth`.
fn typed(user: &User, line: &str) -> Ran {
    ended(user.shell(line).spawn().unwrap())
}

/// Types what stands after `$ ` in a recording, each line of which is to be what is printed; numbers may differ.
fn played(user: &User, recording: &str) {
    let numbers_aside = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    let mut parts = format!("\n{recording}").split("\n$ ").map(str::to_owned).collect::<Vec<_>>().into_iter();
    assert_eq!(parts.next().as_deref(), Some(""), "a recording begins with a command: {recording}");
    for part in parts {
        let (line, shown) = part.split_once('\n').unwrap_or((&part, ""));
        let ran = typed(user, line);
        let printed = format!("{}{}", ran.stdout, ran.stderr);
        let printed = printed.trim_end();
        assert_eq!(numbers_aside(shown.trim_end()), numbers_aside(printed), "{line}, now:\n{printed}");
    }
}

#[test]
fn its_commands_run() {
    let idp = idp();
    let mut ran = 0;
    for block in blocks("sh") {
        let user = reader(&idp);
        for line in block.text.lines().map(str::trim).filter(|line| line.starts_with("mcpauth ")) {
            let result = typed(&user, line);
            let said = format!("{}{}", result.stdout, result.stderr);
            assert_eq!(result.code, Some(0), "README.md, block at line {}: {line}\n{said}", block.line);
            ran += 1;
        }
    }
    assert!(ran >= 28, "only {ran} commands were found");
}

#[test]
fn its_recordings_are_what_is_printed() {
    let idp = idp();
    let recordings = marked("recording");
    assert!(recordings.len() >= 2, "only {} recordings were found", recordings.len());
    for recording in recordings {
        let user = reader(&idp);
        user.run(&["generate"]).code(0);
        played(&user, &recording);
    }
}

#[test]
fn its_clients_are_the_targets() {
    let mut table = "| client | its default | also |\n|---|---|---|\n".to_owned();
    for target in TARGETS {
        let others: Vec<_> = target.ways.iter().skip(1).map(|way| way.name()).collect();
        table += &format!("| `{}` | {} | {} |\n", target.client, target.best().name(), others.join(", "));
    }
    expect_after("clients", &table);
}

#[test]
fn its_bridge_errors_are_the_bridges() {
    let no = NoAccess { message: String::new(), hint: String::new() };
    let failures = [
        Failure::NoAccess(no),
        Failure::Status(401, String::new()),
        Failure::Status(403, String::new()),
        Failure::Unreachable(String::new()),
        Failure::Status(500, String::new()),
        Failure::Broken,
        Failure::TooLarge,
    ];
    let codes = failures.map(|failure| {
        let answer: Value = serde_json::from_str(&failure.answer(&json!(1))).unwrap();
        answer["error"]["code"].to_string()
    });
    let table = README.split_once("<!-- bridge errors -->\n\n").unwrap().1.split_once("\n\n").unwrap().0;
    let shown: Vec<&str> = table.lines().skip(2).map(|row| row.split(' ').nth(1).unwrap()).collect();
    assert_eq!(shown, codes);
}

#[test]
fn its_generated_file_has_the_shape_it_shows() {
    let idp = idp();
    let user = reader(&idp);
    user.run(&["generate"]).code(0);
    let shown = blocks("json").into_iter().find(|block| block.text.contains("X-Atlassian-Cloud-Id")).unwrap();
    let shown: serde_json::Value = serde_json::from_str(&shown.text).unwrap();
    let written = crate::support::read_json(&user.home().join(".vscode/mcp.json"));
    let headers = |whole: &serde_json::Value| -> Vec<String> {
        whole["mcp"]["servers"]["atlassian"]["headers"].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(headers(&shown), headers(&written));
    assert_eq!(written["mcp"]["servers"]["atlassian"]["url"], "https://gw.test/atlassian");
    for name in ["vscode_mcp.json", "mcp.json", "ingress.json", "agent-reader.env"] {
        assert!(user.project().join(".oauth-tokens").join(name).is_file(), "{name}");
    }
    assert!(user.home().join(".roocode/mcp_servers.json").is_file());
}

#[test]
fn a_client_secret_comes_from_stdin_and_ends_up_nowhere() {
    let idp = idp();
    let mut user = reader(&idp);
    user.env("INGRESS_OAUTH_CLIENT_SECRET", "wrong");
    let given = ["--env-file", ".env", "ingress", "--client-secret-file", "-", "-vv"];
    let ran = user.run_with(&given, "your_cognito_client_secret\n").code(0);
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("your_cognito_client_secret"));
    assert!(user.token("ingress.json")["access_token"].is_string());
    assert!(!user.token("ingress.json").to_string().contains("your_cognito_client_secret"));
}

#[test]
fn an_error_is_json_where_json_was_asked_for() {
    let error = User::new().run(&["egress", "--provider", "nobody", "--json"]).code(2).json_error();
    let members: Vec<&String> = error.as_object().unwrap().keys().collect();
    assert_eq!(members, ["code", "message", "hint"]);
}

#[test]
fn its_own_provider_is_right() {
    let user = User::new();
    let shown = blocks("yaml");
    let yaml = shown.iter().find(|block| block.text.starts_with("display_name:")).unwrap();
    user.provider("tracker", &yaml.text);
    user.run(&["providers", "check"]).code(0);
    assert!(user.run(&["providers", "show", "tracker"]).code(0).stdout.contains("Our Tracker"));
}

#[test]
fn its_variables_are_the_catalogues() {
    let mut table = "| variable | default | meaning |\n|---|---|---|\n".to_owned();
    for variable in VARIABLES {
        let default = match variable.default {
            "" => String::new(),
            text if text.contains(' ') => text.into(),
            text => format!("`{text}`"),
        };
        table += &format!("| `{}` | {default} | {} |\n", variable.name, variable.about);
    }
    expect_after("variables", &table);
}

#[test]
fn its_gateway_settings_are_the_schemas() {
    expect_after("gateway.yaml", &mcpauth::gateway::settings::schema::reference());
}

#[test]
fn its_gateway_settings_are_fine() {
    let idp = idp();
    let user = reader(&idp);
    user.file("introspection-secret.txt", "its secret\n");
    let whole = files().into_iter().find(|(name, _)| name == "gateway.yaml").unwrap().1;
    let issuers = marked("issuers");
    assert_eq!(issuers.len(), 2);
    for text in issuers.iter().chain([&whole]) {
        user.file("gateway.yaml", text);
        let said = user.run(&["gateway", "check"]);
        assert!(said.stdout.contains("gateway.yaml is fine (issuers: "), "{text}\n{}", said.stdout);
    }
}

#[test]
fn its_gateway_serves_as_it_shows() {
    let tool = |name, about, run| Tool { name, about, run };
    let tools = [
        tool("current_time_by_timezone", "The time in a timezone", |_| "2026-11-24T12:00:00+01:00".into()),
        tool("set_time", "Sets the clock", |_| "done".into()),
    ];
    let (idp, server) = (idp(), Sample::start("currenttime", &tools).unwrap());
    let mut user = reader(&idp);
    let shown = files().into_iter().find(|(name, _)| name == "servers/currenttime.json").unwrap().1;
    user.file("servers/currenttime.json", &shown.replace("http://currenttime-server:8000/", server.base()));
    user.run(&["generate", "--ingress-only"]).code(0);
    user.env("TOKEN", user.token("ingress.json")["access_token"].as_str().unwrap());
    let mut gateway = user.command(&["gateway", "serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    let mut said = BufReader::new(gateway.stderr.take().unwrap()).lines().map(Result::unwrap);
    let address = said.find_map(|line| Some(line.split_once("listening: ")?.1.split_once(' ')?.0.to_owned()));
    let address = address.unwrap();
    let curl = marked("try").concat().replace("127.0.0.1:8080", &address);
    let listed = typed(&user, &curl).code(0).stdout;
    assert!(listed.contains("current_time_by_timezone") && !listed.contains("set_time"), "{listed}");
    let call = curl.replace("\"tools/list\"", "\"tools/call\", \"params\": {\"name\": \"set_time\"}");
    let refused: Value = serde_json::from_str(&typed(&user, &call).code(0).stdout).unwrap();
    assert_eq!(refused["error"]["data"]["reason"], "name");
    user.env("REGISTRY_URL", format!("http://{address}"));
    let shown = marked("test clients").concat().replace("mcpgateway.example.com", &address);
    played(&user, &shown);
    typed(&user, &format!("kill -TERM {}", gateway.id())).code(0);
    let audit = ended(gateway).code(0).stdout;
    let lines: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let written = lines.iter().find(|line| line["verdict"] == "refused").unwrap();
    let keys = |line: &Value| line.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&serde_json::from_str(&marked("audit").concat()).unwrap()), keys(written));
    let allowed = lines.iter().find(|line| line["verdict"] == "allowed").unwrap();
    assert!(allowed["rule"].is_string() && allowed["server_us"].is_number(), "{allowed}");
}

/// Exhaustive, so that a new exit code cannot be forgotten here.
fn meaning(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => {
            "all requested work is done; a reused token counts, a flow that is not configured is skipped"
        }
        Exit::Other => "something else",
        Exit::Usage => "usage or configuration: a bad flag, a missing variable, a file that is refused",
        Exit::Partial => "some of several failed",
        Exit::Login => "a person must log in (again), or was refused",
        Exit::Network => "network, TLS, timeout, a server's 5xx: try again",
        Exit::Server => "the MCP server answered with an error",
        Exit::Found => "a check found something",
        Exit::NotExecutable => "`exec`: the command cannot be run",
        Exit::NotFound => "`exec`: there is no such command",
        Exit::Interrupted => "Ctrl-C",
        Exit::Terminated => "SIGTERM",
    }
}

#[test]
fn its_exit_codes_are_the_codes() {
    let all = [
        Exit::Done,
        Exit::Other,
        Exit::Usage,
        Exit::Partial,
        Exit::Login,
        Exit::Network,
        Exit::Server,
        Exit::Found,
        Exit::NotExecutable,
        Exit::NotFound,
        Exit::Interrupted,
        Exit::Terminated,
    ];
    let rows = all.map(|exit| format!("| {} | {} |\n", exit as u8, meaning(exit)));
    expect_after("exit codes", &format!("| code | meaning |\n|---|---|\n{}", rows.concat()));
    let help = User::new().run(&["--help"]).code(0).stdout;
    let help = help.rsplit_once("Exit codes:").unwrap().1;
    for exit in all {
        let code = (exit as u8).to_string();
        let named = help.split(|c: char| !c.is_ascii_digit()).any(|word| word == code);
        assert!(named, "mcpauth --help does not name exit code {code}");
    }
}

#[test]
fn its_recording_is_what_is_printed() {
    let shown = blocks("text").into_iter().find(|block| block.text.starts_with("$ mcpauth demo")).unwrap();
    let printed = User::new().run(&["demo"]).code(0).stdout;
    // Ports and times are different each time, and an hour may have begun to pass.
    let printed = printed.replace("in 59m", "in 1h");
    let numbers_aside = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    let shown = shown.text.split_once('\n').unwrap().1;
    assert_eq!(numbers_aside(shown), numbers_aside(&printed), "\nprinted now:\n{printed}");
}

/// What stands after `<!-- marker -->`.
#[track_caller]
fn expect_after(marker: &str, table: &str) {
    let after = README.split_once(&format!("<!-- {marker} -->\n\n")).map(|(_, rest)| rest).unwrap();
    assert!(after.starts_with(table), "README.md must have after <!-- {marker} -->:\n\n{table}");
}
