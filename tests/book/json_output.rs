//! What `--json` prints, verb by verb: recorded from runs in the project that the book sets up. Not here: the meaning
//! of the members (see the page).

use mcpauth::demo::mcp::{Sample, SampleTool};
use serde_json::Value;

use super::examples::{at_home, idp, reader};
use super::generated::expect_part;
use super::{Book, without_digits};
use crate::support::User;

/// What is typed, in this order, and the exit code it ends with.
const RUNS: &[(&str, i32)] = &[
    ("generate", 0),
    ("ingress", 0),
    ("refresh --once", 0),
    ("status", 0),
    ("token ingress", 0),
    ("headers atlassian", 0),
    ("env atlassian", 0),
    ("inspect ingress", 0),
    ("config show", 0),
    ("config show --client cursor", 0),
    ("config show --clients", 0),
    ("config install --client cursor", 0),
    ("config install --check", 0),
    ("providers list", 0),
    ("providers show github", 0),
    ("providers check", 0),
    ("ping", 0),
    ("list", 0),
    ("call echo {}", 0),
    ("gateway check", 0),
    ("gateway routes", 0),
    ("gateway explain atlassian --tool jira_search --groups mcp-registry-developer", 0),
    ("gateway test cases.yml", 0),
    ("doctor --offline", 7),
    ("logout atlassian --yes", 0),
    ("egress --provider nobody", 2),
];

/// A value as an example: one element of each list, no tokens, nobody's own folders.
fn example(value: &Value, user: &User) -> Value {
    match value {
        Value::Array(items) => items.iter().take(1).map(|item| example(item, user)).collect(),
        Value::Object(members) => {
            let is_random = |name: &str| ["kid", "jti"].contains(&name);
            let shown = |(name, member): (&String, &Value)| {
                (name.clone(), if is_random(name) { "...".into() } else { example(member, user) })
            };
            members.iter().map(shown).collect()
        }
        Value::String(text) if text.len() > 240 || text.starts_with("Bearer ") => "...".into(),
        Value::String(text) => at_home(user, text).into(),
        other => other.clone(),
    }
}

#[test]
fn the_json_is_what_is_printed() {
    let echo = [SampleTool { name: "echo", about: "Says it again", run: |arguments| arguments.to_string() }];
    let (idp, server) = (idp(), Sample::start("currenttime", &echo).unwrap());
    let mut user = reader(&idp);
    user.env("GATEWAY_URL", format!("{}/mcp", server.base()));
    let mut text = String::new();
    for (line, code) in RUNS {
        let words: Vec<&str> = line.split(' ').chain(["--json"]).collect();
        let ran = user.run(&words).code(*code);
        let printed = if ran.stdout.is_empty() { ran.stderr } else { ran.stdout };
        let value: Value =
            serde_json::from_str(&printed).unwrap_or_else(|e| panic!("{line}: {e}: {printed}"));
        let shown = serde_json::to_string_pretty(&example(&value, &user)).unwrap();
        text += &format!("## {line}\n\n```json\n{shown}\n```\n\n");
    }
    // Ports, ids and times differ from run to run; a page that differs in nothing else is kept.
    let book = Book::open();
    let page = &book.page("docs/reference/json-output.md").text;
    let was = page.split_once("<!-- generated: json output -->").map_or("", |(_, rest)| rest);
    let was = was.split_once("<!-- end -->").map_or("", |(was, _)| was).trim();
    let is_same = without_digits(was) == without_digits(text.trim());
    expect_part("json output", if is_same { was } else { &text });
}
