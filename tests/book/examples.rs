//! The examples: what is typed and shown in the README and the book, done as a reader would do it.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use mcpauth::bridge::BridgeError;
use mcpauth::demo::idp::{Idp, IdpClient, Options};
use mcpauth::demo::mcp::{Sample, SampleTool};
use mcpauth::session::CredentialUnavailable;
use mcpauth::sys::clock;
use serde_json::{Value, json};

use super::{Block, Book, without_digits};
use crate::by_address;
use crate::support::{Ran, User, ended};

/// The servers behind the book's settings, with its clients.
pub(super) fn idp() -> Idp {
    let clients = vec![
        IdpClient::machine(
            "your_cognito_client_id",
            "your_cognito_client_secret",
            &["mcp-servers-restricted/read", "mcp-servers-restricted/execute"],
        ),
        IdpClient::machine("your_agentcore_client_id", "your_agentcore_client_secret", &["sre-gateway/read"]),
        IdpClient::machine("agent-reader", "your_agent_secret", &["openid", "email", "profile"]),
    ];
    // Like the hour of Cognito's, and never shown as one.
    let access_token_lifetime = Duration::from_secs(3570);
    Idp::start(Options { clients, access_token_lifetime, ..Options::default() }).unwrap()
}

/// A project as the book sets it up, its addresses turned to loopback, and its login done before.
pub(super) fn reader(idp: &Idp) -> User {
    let book = Book::open();
    let mut user = User::new();
    let shown: String = book.blocks("ini").into_iter().map(|block| block.text).collect();
    // Clients are told of what is in .env, and warned of what is in the environment alone.
    let moved = format!(
        "{shown}INGRESS_OAUTH_ISSUER={issuer}/realms/us-east-1_XXXXXXXXX\nAGENTCORE_ISSUER={issuer}\n",
        issuer = idp.issuer(),
    );
    user.file(".env", &moved);
    user.env("MCPAUTH_CONFIG_DIR", "");
    user.file("secret.txt", "its secret\n");
    // Where no gateway.yaml is, the environment counts.
    for (name, text) in book.files().iter().filter(|(name, _)| name != "gateway.yaml") {
        user.file(name, text);
    }
    let agent = book.blocks("json").into_iter().find(|block| block.text.contains("keycloak_url")).unwrap();
    let agent = agent.text.replace("https://keycloak.example.com", idp.issuer());
    user.file(".oauth-tokens/agent-reader.json", &agent);
    let end = clock::now() + 40 * 86_400 - 1800;
    let login = json!({"provider": "atlassian", "access_token": "a-token", "refresh_token": null,
                       "expires_at": end, "cloud_id": "1234", "scopes": ["read:jira-work"]});
    user.file(".oauth-tokens/atlassian-atlassian-egress.json", &login.to_string());
    user
}

/// A line of a block, by a shell, with our binary as `mcpauth`.
pub(super) fn typed(user: &User, line: &str) -> Ran {
    ended(user.shell(line).spawn().unwrap())
}

/// A text with this user's folders as anybody's.
pub(super) fn at_home(user: &User, text: &str) -> String {
    let above = user.project().parent().unwrap().to_owned();
    let all = [(user.project(), "/home/me/project"), (user.home(), "/home/me"), (above, "/home/me")];
    let folders =
        all.iter().flat_map(|(path, name)| [(path.canonicalize().unwrap(), *name), (path.clone(), *name)]);
    folders.fold(text.to_owned(), |text, (path, name)| text.replace(&path.display().to_string(), name))
}

/// What a recording shows once it is played again: what is typed stays, what is printed is new.
pub(super) fn played(user: &User, recording: &str) -> String {
    let mut parts = format!("\n{recording}").split("\n$ ").map(str::to_owned).collect::<Vec<_>>().into_iter();
    assert_eq!(parts.next().as_deref(), Some(""), "a recording begins with a command: {recording}");
    let again = parts.map(|part| {
        let line = part.lines().next().unwrap_or_default().to_owned();
        let ran = typed(user, &line);
        format!("$ {line}\n{}{}", ran.stdout, ran.stderr)
    });
    again.collect()
}

/// Compares a block with what is printed now; ports, times and versions may differ.
#[track_caller]
pub(super) fn expect_recording(block: &Block<'_>, now: &str) {
    if without_digits(&block.text) != without_digits(now) {
        block.page.expect(&block.text, now);
    }
}

/// The block that stands right after this marker.
pub(super) fn block_after<'a>(book: &'a Book, marker: &str) -> Block<'a> {
    let text = book.marked(marker).concat();
    let all = book.pages.iter().flat_map(|page| page.blocks());
    let mut same = all.filter(|block| block.text == text);
    same.next().unwrap_or_else(|| panic!("there is no block after <!-- {marker} -->"))
}

#[test]
fn its_commands_run() {
    let (idp, book) = (idp(), Book::open());
    let mut ran = 0;
    for block in book.blocks("sh") {
        let user = reader(&idp);
        for line in block.text.lines().map(str::trim).filter(|line| line.starts_with("mcpauth ")) {
            let result = typed(&user, line);
            let said = format!("{}{}", result.stdout, result.stderr);
            let place = format!("{}, block at line {}", block.page.path, block.line);
            assert_eq!(result.code, Some(0), "{place}: {line}\n{said}");
            ran += 1;
        }
    }
    assert!(ran >= 28, "only {ran} commands were found");
}

#[test]
fn its_recordings_are_what_is_printed() {
    let (idp, book) = (idp(), Book::open());
    let mut played_back = 0;
    for page in &book.pages {
        let recordings = page.marked("recording");
        for block in page.blocks().iter().filter(|block| recordings.contains(&block.text)) {
            let user = reader(&idp);
            user.run(&["generate"]).code(0);
            expect_recording(block, &played(&user, &block.text));
            played_back += 1;
        }
    }
    assert!(played_back >= 2, "only {played_back} recordings were found");
}

/// What `mcpauth demo` prints; an hour may have begun to pass.
pub(super) fn demo(more: &[&str]) -> String {
    let printed = User::new().run(&[&["demo"], more].concat()).code(0).stdout;
    printed.replace("in 59m", "in 1h")
}

#[test]
fn its_demonstration_is_what_is_printed() {
    let book = Book::open();
    expect_recording(&block_after(&book, "demo"), &format!("$ mcpauth demo\n{}", demo(&[])));
}

#[test]
fn its_first_minute_is_as_it_says() {
    let tools = json!([{"name": "search", "description": "Finds things", "inputSchema": {"type": "object"}}]);
    let (book, user) = (Book::open(), User::new());
    let server = by_address::play(move |path, status, body| {
        if path == "/mcp" && *status == 200 {
            body["result"] = json!({"supportedVersions": ["2026-07-28"], "tools": tools,
                                    "serverInfo": {"name": "tools", "version": "1"}});
        }
    });
    let minute = book.marked("minute").concat().replace("https://tools.example.com", &server.base);
    let lines: Vec<_> = minute.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    let (login, rest) = lines.split_first().unwrap();
    assert_eq!(*login, format!("mcpauth login {}/mcp", server.base));
    by_address::log_in(&user, &server, &[]);
    for line in rest {
        typed(&user, line).code(0);
    }
    assert!(rest.len() >= 2 && user.home().join(".cursor/mcp.json").is_file(), "{lines:?}");
}

#[test]
fn its_bridge_errors_are_the_bridges() {
    let no = CredentialUnavailable { message: String::new(), hint: String::new(), needs_person: false };
    let failures = [
        BridgeError::NoAccess(no),
        BridgeError::Status(401, String::new()),
        BridgeError::Status(403, String::new()),
        BridgeError::Unreachable(String::new()),
        BridgeError::Status(500, String::new()),
        BridgeError::Broken,
        BridgeError::TooLarge,
    ];
    let codes = failures.map(|failure| {
        let answer: Value = serde_json::from_str(&failure.answer(&json!(1))).unwrap();
        answer["error"]["code"].to_string()
    });
    let book = Book::open();
    let page = &book.page("docs/guides/bridge.md").text;
    let table = page.split_once("<!-- bridge errors -->\n\n").unwrap().1.split_once("\n\n").unwrap().0;
    let shown: Vec<&str> = table.lines().skip(2).map(|row| row.split(' ').nth(1).unwrap()).collect();
    assert_eq!(shown, codes);
}

#[test]
fn its_generated_file_has_the_shape_it_shows() {
    let idp = idp();
    let user = reader(&idp);
    user.run(&["generate"]).code(0);
    let book = Book::open();
    let shown =
        book.blocks("json").into_iter().find(|block| block.text.contains("X-Atlassian-Cloud-Id")).unwrap();
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
    let book = Book::open();
    let shown = book.blocks("yaml");
    let yaml = shown.iter().find(|block| block.text.starts_with("display_name:")).unwrap();
    user.provider("tracker", &yaml.text);
    user.run(&["providers", "check"]).code(0);
    assert!(user.run(&["providers", "show", "tracker"]).code(0).stdout.contains("Our Tracker"));
}

#[test]
fn its_gateway_settings_are_fine() {
    let idp = idp();
    let user = reader(&idp);
    user.file("introspection-secret.txt", "its secret\n");
    let book = Book::open();
    let whole = book.files().into_iter().find(|(name, _)| name == "gateway.yaml").unwrap().1;
    let issuers = book.marked("issuers");
    assert_eq!(issuers.len(), 2);
    for text in issuers.iter().chain([&whole]) {
        user.file("gateway.yaml", text);
        let said = user.run(&["gateway", "check"]);
        assert!(said.stdout.contains("gateway.yaml is fine (issuers: "), "{text}\n{}", said.stdout);
    }
}

#[test]
fn its_gateway_serves_as_it_shows() {
    let tool = |name, about, run| SampleTool { name, about, run };
    let tools = [
        tool("current_time_by_timezone", "The time in a timezone", |_| "2026-11-24T12:00:00+01:00".into()),
        tool("set_time", "Sets the clock", |_| "done".into()),
    ];
    let (idp, server) = (idp(), Sample::start("currenttime", &tools).unwrap());
    let mut user = reader(&idp);
    let book = Book::open();
    let shown = book.files().into_iter().find(|(name, _)| name == "servers/currenttime.json").unwrap().1;
    user.file("servers/currenttime.json", &shown.replace("http://currenttime-server:8000/", server.base()));
    user.run(&["generate", "--ingress-only"]).code(0);
    user.env("TOKEN", user.token("ingress.json")["access_token"].as_str().unwrap());
    let mut gateway = user.command(&["gateway", "serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    let mut said = BufReader::new(gateway.stderr.take().unwrap()).lines().map(Result::unwrap);
    let address = said.find_map(|line| Some(line.split_once("listening: ")?.1.split_once(' ')?.0.to_owned()));
    let address = address.unwrap();
    let curl = book.marked("try").concat().replace("127.0.0.1:8080", &address);
    let listed = typed(&user, &curl).code(0).stdout;
    assert!(listed.contains("current_time_by_timezone") && !listed.contains("set_time"), "{listed}");
    let call = curl.replace("\"tools/list\"", "\"tools/call\", \"params\": {\"name\": \"set_time\"}");
    let refused: Value = serde_json::from_str(&typed(&user, &call).code(0).stdout).unwrap();
    assert_eq!(refused["error"]["data"]["reason"], "name_not_allowed");
    user.env("REGISTRY_URL", format!("http://{address}"));
    let shown = block_after(&book, "test clients");
    let now = played(&user, &shown.text).replace(&address, "mcpgateway.example.com");
    expect_recording(&shown, &now);
    typed(&user, &format!("kill -TERM {}", gateway.id())).code(0);
    let audit = ended(gateway).code(0).stdout;
    let lines: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let written = lines.iter().find(|line| line["verdict"] == "refused").unwrap();
    let keys = |line: &Value| line.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&serde_json::from_str(&book.marked("audit").concat()).unwrap()), keys(written));
    let allowed = lines.iter().find(|line| line["verdict"] == "allowed").unwrap();
    assert!(allowed["rule"].is_string() && allowed["server_us"].is_number(), "{allowed}");
}
