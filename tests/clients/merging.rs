//! Merging into files as people have them: settings of other kinds, other servers, comments, one line too long.

use serde_json::{Value, json};

use super::install::Person;

/// A file as a client or its user wrote it, where it is, and where its entries are.
struct Own {
    client: &'static str,
    path: &'static str,
    text: &'static str,
    root: &'static [&'static str],
}

const FILES: [Own; 9] = [
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
];

fn read(text: &str) -> Value {
    let root = jsonc_parser::cst::CstRootNode::parse(text, &jsonc_parser::ParseOptions::default()).unwrap();
    root.to_serde_value().unwrap()
}

/// The comments of a file, as they stand there.
fn comments(text: &str) -> Vec<&str> {
    let start =
        |line: &str| if line.starts_with("//") { Some(0) } else { line.find(" //").or(line.find("/*")) };
    text.lines().filter_map(|line| start(line).map(|at| &line[at..])).collect()
}

#[test]
fn what_was_there_stays_in_every_clients_file_whichever_way_comes_and_goes() {
    let person = Person::new();
    for own in &FILES {
        let path = person.home(own.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, own.text).unwrap();
        for way in mcpauth::render::Target::named(own.client).unwrap().ways {
            person.install(&["--client", own.client, "--secrets", way.name()]);
            let text = std::fs::read_to_string(&path).unwrap();
            let mut whole = read(&text);
            let at = own.root.iter().fold(&mut whole, |at, key| &mut at[key]);
            let entry = at.as_object_mut().unwrap().remove("notes").unwrap();
            let secret = entry.to_string().contains("E-notes");
            assert_eq!(secret, *way == mcpauth::render::Secrets::Inline, "{} {way}: {entry}", own.client);
            let mut before = read(own.text);
            if own.client == "gemini" {
                before["mcpServers"] = json!({});
            }
            assert_eq!(whole, before, "{} {way}", own.client);
            let kept: Vec<&str> =
                comments(own.text).into_iter().filter(|line| !line.contains("://")).collect();
            assert!(kept.iter().all(|comment| text.contains(comment)), "{}: {text}", own.client);
            assert_eq!(text.contains('\r'), own.text.contains('\r'), "{}", own.client);
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
        let ran = person.install(&["--client", "cursor", "--secrets", way]);
        assert!(ran.stdout.contains("! notes  left alone: not ours"), "{}", ran.stdout);
        assert_eq!(person.config(".cursor/mcp.json"), theirs, "{way}");
    }
}
