//! Arguments and results of many levels: as many as the gateway takes, with every client.

use serde_json::{Value, json};

use super::{modern, result, say_json};
use crate::support::User;
use crate::support::upstream::Upstream;

/// Kinds of nesting: what one level begins and ends with.
const KINDS: [(&str, &str); 3] = [("[", "]"), (r#"{"a":"#, "}"), ("[0,", "]")];

/// An object with this many levels, itself one of them.
fn nested(levels: usize, (open, close): (&str, &str)) -> String {
    format!(r#"{{"a":{}1{}}}"#, open.repeat(levels - 1), close.repeat(levels - 1))
}

/// Says what it was called with.
fn echo() -> Upstream {
    modern(|method, seen, stream| match method {
        "tools/list" => {
            let tools = json!({"tools": [{"name": "echo", "inputSchema": {"type": "object"}}], "resultType": "complete"});
            say_json(stream, &result(seen, &tools));
        }
        _ => {
            let mut from = serde_json::Deserializer::from_slice(&seen.body);
            from.disable_recursion_limit();
            let message: Value = serde::Deserialize::deserialize(&mut from).unwrap();
            let said = json!({"resultType": "complete", "content": [], "structuredContent": message["params"]["arguments"]});
            say_json(stream, &json!({"jsonrpc": "2.0", "id": message["id"], "result": said}));
        }
    })
}

#[test]
fn arguments_of_128_levels_go_there_and_back_with_call_and_bridge() {
    let server = echo();
    let address = format!("{}/mcp", server.base);
    let said = |text: &str| text.split_whitespace().collect::<String>();
    for kind in KINDS {
        for levels in [63, 64, 120, 127, 128] {
            let arguments = nested(levels, kind);
            let ran = User::new().run(&["call", &address, "echo", &arguments, "--json"]).code(0);
            assert!(said(&ran.stdout).contains(&arguments), "{levels} {kind:?}: {}", ran.stdout);
            let meta = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
            let call = format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","arguments":{arguments},"_meta":{meta}}}}}"#
            );
            let ran = User::new().run_with(&["bridge", &address], format!("{call}\n")).code(0);
            assert!(said(&ran.stdout).contains(&arguments), "{levels} {kind:?}: {}", ran.stdout);
        }
        let ran = User::new().run(&["call", &address, "echo", &nested(200, kind)]).code(2);
        assert!(ran.stderr.contains("nested deeper than 128 levels"), "{}", ran.stderr);
        let line =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}}"#, nested(200, kind));
        let ran = User::new().run_with(&["bridge", &address], format!("{line}\n")).code(0);
        let answer: Value = serde_json::from_str(ran.stdout.trim()).unwrap();
        assert_eq!(answer["id"], 1);
        assert!(
            answer["error"]["message"].as_str().unwrap().contains("nested deeper than 128 levels"),
            "{answer}"
        );
    }
}
