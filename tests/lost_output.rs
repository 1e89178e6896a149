//! Output is there, or the run reports that it is not: a full disk under stdout ends it with 1, a closed pipe
//! quietly.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out clients' files")]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;

use mcpauth::demo::mcp::{Sample, SampleTool};
use serde_json::json;

use crate::support::{Ran, User, ended};

/// What is typed for every verb; `SERVER` is the address of an MCP server. Verbs that need an issuer fail without a network:
/// their rows are printed all the same.
const TYPED: &str = "\
token ingress
token ingress --json
headers s
env s
secret set s KEY
secret list
secret remove s KEY
secret list --json
config show
config show --origin
config show --json
config show --client cursor
config render --client cursor
config install --client cursor
config install --client cursor --dry-run
config uninstall
import --yes
probe SERVER
ping SERVER
ping SERVER --json
list SERVER
list SERVER --json
call SERVER echo
call SERVER echo --json
gateway check
gateway check --json
gateway explain s --tool echo --groups devs
gateway explain s --tool echo --groups devs --json
gateway test cases.yml
gateway routes
gateway routes --json
gateway schema
gateway token list
gateway token --server s
gateway token revoke 1
gateway token key
doctor
doctor --json
providers list
providers list --json
providers show github
providers show google --json
providers check
providers schema
client-metadata --url https://me.test/client.json
completions bash
completions nushell
man
man --dir man --json
help
help options
help environment
help exit-codes
status
status --json
inspect ingress
inspect ingress --json
logout ingress
generate
ingress --force
egress
agentcore
keycloak
login SERVER
refresh --once
configure --kind oidc
demo
--help
--version
token --help";

/// They print nothing of their own on stdout, or what a program reads there: see the other tests.
const SILENT: [&str; 3] = ["bridge", "exec", "gateway serve"];

const TOOLS: [SampleTool; 1] =
    [SampleTool { name: "echo", about: "Says it again", run: |arguments| arguments.to_string() }];

fn user() -> User {
    let mut user = User::new();
    user.oidc("https://idp.test", "agent", "agent-secret");
    let token = json!({
        "provider": "oidc_m2m", "access_token": "the-token", "client_id": "agent", "issuer": "https://idp.test",
        "expires_at": 4_000_000_000_u64,
    });
    user.file(".oauth-tokens/ingress.json", &token.to_string());
    user.file(
        "gateway.yaml",
        "issuers: [{issuer: 'https://idp.test', audience: [x]}]\npolicy: scopes.yml\nservers: servers\n",
    );
    user.file(
        "scopes.yml",
        "group_mappings: {devs: [r]}\nr:\n- {server: s, methods: [tools/call], tools: [echo]}\n",
    );
    user.file("servers/s.json", r#"{"server_name": "s", "path": "/s", "proxy_pass_url": "http://127.0.0.1:1/mcp", "auth_type": "none"}"#);
    user.file("cases.yml", "- {name: a, groups: [devs], server: s, tool: echo, expect: allow}\n");
    let entry = json!({"mcpServers": {"x": {"url": "https://h.test/mcp", "headers": {"Authorization": "Bearer 3b1f5a0cdd7942a1"}}}});
    std::fs::create_dir(user.home().join(".cursor")).unwrap();
    std::fs::write(user.home().join(".cursor/mcp.json"), entry.to_string()).unwrap();
    user
}

/// The rows of [`TYPED`], for a server at this address.
fn typed(server: &str) -> Vec<Vec<String>> {
    let word = |word: &str| if word == "SERVER" { server.to_owned() } else { word.to_owned() };
    TYPED.lines().map(|line| line.split(' ').map(word).collect()).collect()
}

/// The verbs that do something, by what is typed for them.
fn verbs(command: &clap::Command, name: &str, found: &mut BTreeSet<String>) {
    let below: Vec<_> = command.get_subcommands().filter(|below| !below.is_hide_set()).collect();
    if below.is_empty()
        || command.get_arguments().any(|argument| !argument.is_global_set() && !argument.is_hide_set())
    {
        found.insert(name.to_owned());
    }
    for below in below.into_iter().filter(|below| below.get_name() != "help") {
        verbs(below, format!("{name} {}", below.get_name()).trim_start(), found);
    }
}

fn run_into(user: &User, args: &[&str], stdout: impl Into<Stdio>) -> Ran {
    ended(user.command(args).stdout(stdout).spawn().unwrap())
}

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// A pipe that nobody reads.
fn closed() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer
}

#[test]
fn every_verb_is_typed_here() {
    let mut all = BTreeSet::new();
    verbs(&mcpauth::cli::command(), "", &mut all);
    for verb in all.iter().filter(|verb| !verb.is_empty() && !SILENT.contains(&verb.as_str())) {
        let is = |line: &str| line == verb || line.starts_with(&format!("{verb} "));
        assert!(TYPED.lines().any(is), "nothing is typed for {verb}");
    }
}

/// A full disk ends a run with 1, unless it has failed already, and a closed pipe changes nothing; no secret is told.
#[test]
fn every_verb_says_that_its_output_is_lost_and_ends_quietly_where_nobody_reads() {
    let server = Sample::start("s", &TOOLS).unwrap();
    for words in typed(&format!("{}/mcp", server.base())) {
        let args: Vec<&str> = words.iter().map(String::as_str).collect();
        let usual = user().run(&args);
        let (lost, unread) = (run_into(&user(), &args, full()), run_into(&user(), &args, closed()));
        let (code, prints) = (usual.code.unwrap(), !usual.stdout.is_empty());
        let expected = if code == 0 && prints { 1 } else { code };
        assert_eq!(lost.code, Some(expected), "{args:?}: {}", lost.stderr);
        assert_eq!(lost.stderr.contains("No space left on device"), prints, "{args:?}: {}", lost.stderr);
        assert_eq!(unread.code, Some(code), "{args:?}: {}", unread.stderr);
        for word in ["roken pipe", "output was lost"] {
            assert!(!unread.stderr.contains(word), "{args:?}: {}", unread.stderr);
        }
        for word in ["panicked", "the-token", "agent-secret", "3b1f5a0cdd7942a1"] {
            assert!(!lost.stderr.contains(word) && !unread.stderr.contains(word), "{args:?}: {word}");
        }
    }
    let ran = run_into(&user(), &["token", "ingress", "--json"], full()).code(1);
    assert!(ran.json_error()["message"].as_str().unwrap().contains("No space left"), "{}", ran.stderr);
    // One that is closed in the middle.
    let (mut reader, writer) = std::io::pipe().unwrap();
    let child = user().command(&["completions", "nushell"]).stdout(writer).spawn().unwrap();
    reader.read_exact(&mut [0; 8]).unwrap();
    drop(reader);
    let ran = ended(child).code(0);
    assert_eq!(ran.stderr, "");
}

/// Its client is a program: one that has gone ends the bridge, also while it could still write.
#[test]
fn a_bridge_whose_client_reads_no_more_ends() {
    let server = Sample::start("s", &TOOLS).unwrap();
    let address = format!("{}/mcp", server.base());
    for (stdout, code, said) in
        [(Stdio::from(full()), 1, "output was lost: No space left on device"), (Stdio::from(closed()), 0, "")]
    {
        let user = User::new();
        let mut command = user.command(&["bridge", &address]);
        let mut child = command.stdin(Stdio::piped()).stdout(stdout).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, r#"{{"jsonrpc":"2.0","id":1,"method":"ping"}}"#).unwrap();
        let ran = ended(child).code(code);
        assert!(ran.stderr.contains(said) && ran.stderr.is_empty() == said.is_empty(), "{}", ran.stderr);
        drop(stdin);
    }
}

/// What a command that is run for somebody loses is its own concern.
#[test]
fn a_commands_own_output_and_end_are_its_own() {
    let user = user();
    let ran = run_into(&user, &["exec", "s", "--", "sh", "-c", "echo hello || exit 9"], full());
    assert_eq!(ran.code, Some(9), "{}", ran.stderr);
    run_into(&user, &["exec", "s", "--", "true"], full()).code(0);
}
