//! Merging into files as people have them: settings of other kinds, other servers, comments, one line too long.

use mcpauth::render::{AuthMode, ClientSpec, Format};
use serde_json::{Value, json};

use super::install::Person;

/// A file as a client or its user wrote it, where it is, and where its entries are.
struct Own {
    client: &'static str,
    path: &'static str,
    text: &'static str,
    root: &'static [&'static str],
}

const FILES: [Own; 12] = [
    Own {
        client: "vscode",
        path: ".config/Code/User/mcp.json",
        text: "{\n\t\"inputs\": [\n\t\t{ \"type\": \"promptString\", \"id\": \"key\", \"password\": true } // mine\n\t],\n\t\"servers\": {\n\t\t\"files\": { \"type\": \"stdio\", \"command\": \"npx\", \"args\": [\"-y\", \"server-files\"], },\n\t},\n}\n",
        root: &["servers"],
    },
    Own {
        client: "claude-code",
        path: ".claude.json",
        text: "{\n  \"numStartups\": 12,\n  \"projects\": {\"/p\": {\"mcpServers\": {\"notes\": {\"command\": \"project's own\"}}}},\n  \"mcpServers\": {\"files\": {\"type\": \"stdio\", \"command\": \"npx\", \"args\": []}}\n}",
        root: &["mcpServers"],
    },
    Own {
        client: "claude-desktop",
        path: ".config/Claude/claude_desktop_config.json",
        text: "{\r\n  \"globalShortcut\": \"\",\r\n  \"mcpServers\": {\r\n    \"files\": {\"command\": \"npx\"}\r\n  }\r\n}\r\n",
        root: &["mcpServers"],
    },
    Own {
        client: "cursor",
        path: ".cursor/mcp.json",
        text: "{\"mcpServers\":{\"files\":{\"url\":\"https://own.test/mcp\",\"headers\":{\"A\":\"b\"}}}}",
        root: &["mcpServers"],
    },
    Own {
        client: "cline",
        path: ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
        text: "{\n  \"mcpServers\": {\n    \"files\": {\n      \"autoApprove\": [\"read\"],\n      \"disabled\": true,\n      \"timeout\": 60,\n      \"type\": \"sse\",\n      \"url\": \"https://own.test/sse\"\n    }\n  }\n}\n",
        root: &["mcpServers"],
    },
    Own {
        client: "windsurf",
        path: ".codeium/windsurf/mcp_config.json",
        text: "{\n  \"mcpServers\": {\n    \"files\": {\"serverUrl\": \"https://own.test/mcp\"}\n  }\n}\n",
        root: &["mcpServers"],
    },
    Own {
        client: "zed",
        path: ".config/zed/settings.json",
        text: "// Zed settings\n//\n// For information on how to configure Zed, see the documentation\n{\n  \"theme\": \"One Dark\", // dark\n  /* servers */\n  \"context_servers\": {\n    \"files\": {\"command\": \"npx\", \"args\": []}\n  },\n  \"vim_mode\": true,\n}\n",
        root: &["context_servers"],
    },
    Own {
        client: "gemini",
        path: ".gemini/settings.json",
        text: "{\n  \"selectedAuthType\": \"oauth-personal\",\n  \"theme\": \"Default\"\n}\n",
        root: &["mcpServers"],
    },
    Own {
        client: "opencode",
        path: ".config/opencode/opencode.json",
        text: "{\n  \"$schema\": \"https://opencode.ai/config.json\",\n  // local\n  \"mcp\": {\"files\": {\"type\": \"local\", \"command\": [\"npx\"], \"enabled\": false}},\n  \"model\": \"x/y\"\n}\n",
        root: &["mcp"],
    },
    Own {
        client: "codex",
        path: ".codex/config.toml",
        text: "model = \"gpt-5\" # the big one\n\n[projects.\"/home/u/p\"]\ntrust_level = \"trusted\"\n\n# servers\n[mcp_servers.files]\ncommand = \"npx\"\nargs = [\"-y\", 'server-files'] # quoted so\n\n[mcp_servers.files.env]\nKEY = \"v\"\n\n[tui]\nnotifications = true\n",
        root: &["mcp_servers"],
    },
    Own {
        client: "continue",
        path: ".continue/config.yaml",
        text: "name: My Config # mine\nversion: 0.0.1\nschema: v1\n\nmodels:\n  - name: Big\n    provider: openai\n    model: gpt-5\n    apiKey: ${{ secrets.KEY }}\n\nmcpServers:\n  # local ones\n  - name: files\n    command: npx\n    args:\n      - \"-y\"\n      - server-files\n\ncontext:\n  - provider: code\n",
        root: &["mcpServers"],
    },
    Own {
        client: "goose",
        path: ".config/goose/config.yaml",
        text: "GOOSE_PROVIDER: openai # which\nextensions:\n  developer:\n    bundled: true\n    enabled: true\n    name: developer\n    timeout: 300\n    type: builtin\n  # by hand\n  files:\n    args: [\"-y\", server-files]\n    cmd: npx\n    enabled: false\n    envs: {}\n    name: files\n    type: stdio\nGOOSE_MODEL: gpt-5\n",
        root: &["extensions"],
    },
];

fn read(format: Format, text: &str) -> Value {
    if format != Format::Json {
        return super::parsed(format, text);
    }
    let root = jsonc_parser::cst::CstRootNode::parse(text, &jsonc_parser::ParseOptions::default()).unwrap();
    root.to_serde_value().unwrap()
}

/// Takes our entry out of a file's entries.
fn take(at: &mut Value) -> Value {
    match at {
        Value::Array(list) => {
            let index = list.iter().position(|entry| entry["name"] == "notes").unwrap();
            list.remove(index)
        }
        at => at.as_object_mut().unwrap().remove("notes").unwrap(),
    }
}

/// The texts of a file's comments.
fn comments(format: Format, text: &str) -> Vec<String> {
    let marks = if format == Format::Json { [" // ", " /* "] } else { [" # ", " # "] };
    let comment = |line: &str| {
        let (_, text) = marks.iter().find_map(|mark| line.split_once(mark))?;
        Some(text.to_owned())
    };
    text.lines().filter_map(|line| comment(&format!(" {line} "))).collect()
}

#[test]
fn what_was_there_stays_in_every_clients_file_whichever_way_comes_and_goes() {
    let person = Person::new();
    for own in &FILES {
        let path = person.home(own.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, own.text).unwrap();
        let target = ClientSpec::find(own.client).unwrap();
        for way in target.ways {
            let place = format!("{} {way}", own.client);
            person.install(&["--client", own.client, "--auth-mode", way.name()]);
            let text = std::fs::read_to_string(&path).unwrap();
            let mut whole = read(target.format, &text);
            let entry = take(own.root.iter().fold(&mut whole, |at, key| &mut at[key]));
            let render = ["config", "render", "--client", own.client, "--auth-mode", way.name()];
            let mut rendered = read(target.format, &person.user.run(&render).code(0).stdout);
            let rendered = take(own.root.iter().fold(&mut rendered, |at, key| &mut at[key]));
            assert_eq!(entry, rendered, "{place}: nothing is left of another way");
            assert_eq!(entry.to_string().contains("E-notes"), *way == AuthMode::Inline, "{place}: {entry}");
            let mut before = read(target.format, own.text);
            if own.client == "gemini" {
                before["mcpServers"] = json!({});
            }
            assert_eq!(whole, before, "{place}");
            let comments = comments(target.format, own.text);
            assert!(comments.iter().all(|comment| text.contains(comment.trim())), "{place}: {text}");
            assert_eq!(text.contains('\r'), own.text.contains('\r'), "{place}");
        }
        let mut backup = path.clone().into_os_string();
        backup.push(".mcpauth-backup");
        assert_eq!(std::fs::read_to_string(backup).unwrap(), own.text, "{}", own.client);
    }
}

#[test]
fn a_users_own_server_of_the_same_name_is_left_alone_in_every_way() {
    let person = Person::new();
    let theirs = json!({"mcpServers": {"notes": {"command": "their-own", "args": ["x"]}}});
    let path = person.home(".cursor/mcp.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, theirs.to_string()).unwrap();
    for way in ["bridge", "inline", "proxy", "env"] {
        let ran = person.install(&["--client", "cursor", "--auth-mode", way]);
        assert!(ran.stdout.contains("! notes  left alone: not ours"), "{}", ran.stdout);
        assert_eq!(person.config(".cursor/mcp.json"), theirs, "{way}");
    }
}

#[test]
fn what_a_user_set_in_an_entry_of_ours_stays_whichever_way_it_has() {
    let person = Person::new();
    person.install(&["--client", "copilot"]);
    let path = ".copilot/mcp-config.json";
    let mut config = person.config(path);
    config["mcpServers"]["notes"]["tools"] = json!(["read"]);
    config["mcpServers"]["notes"]["timeout"] = json!(5);
    std::fs::write(person.home(path), config.to_string()).unwrap();
    for way in ["bridge", "inline", "proxy", "bridge"] {
        person.install(&["--client", "copilot", "--auth-mode", way]);
        let entry = person.config(path)["mcpServers"]["notes"].clone();
        assert_eq!((&entry["tools"], &entry["timeout"]), (&json!(["read"]), &json!(5)), "{way}");
        assert_eq!(entry["type"], if way == "bridge" { "local" } else { "http" });
    }
}
