//! The official SDKs ask their person for the login that the bridge lacks, at the certified provider, and the request that
//! waited goes on. Not here: every other end that a question can have (see `bridge::login`).

use mcpauth::demo::mcp::{Sample, SampleTool};
use serde_json::{Value, json};

use super::discovery::{TOOL, lay_out};
use super::gateway::Gateway;
use super::mcp::{StdioSdk, asked_login};
use super::{OidcProvider, browser_env};
use crate::support::User;

#[test]
#[ignore = "real parts: run .ci/run"]
fn the_sdks_log_their_person_in_and_the_call_goes_on() {
    let tools = [TOOL, "set_time"].map(|name| SampleTool { name, about: "Time", run: |_| "12:00".into() });
    let (provider, server) = (OidcProvider::start(), Sample::start("currenttime", &tools).expect("a server"));
    let operator = User::new();
    let address = lay_out(&operator, &provider, &server);
    let _gateway = Gateway::start_as_told(&operator);
    let url = format!("http://{address}/currenttime/mcp");
    let mut kept = None;
    for (sdk, mode, released, revision) in [
        (StdioSdk::TypeScriptLegacy, "legacy", "1.32.", "2025-11-25"),
        (StdioSdk::TypeScript, "legacy", "2.4.", "2025-11-25"),
        (StdioSdk::TypeScript, "auto", "2.4.", "2025-11-25"),
        (StdioSdk::PythonLegacy, "legacy", "1.30.", "2025-11-25"),
        (StdioSdk::Python, "auto", "2.3.", "2025-11-25"),
        (StdioSdk::Python, "2026-07-28", "2.3.", "2026-07-28"),
    ] {
        let user = User::new();
        let name = format!("{sdk:?}-{mode}");
        let env = browser_env("oidc-provider", &operator.home().join(&name));
        let result = asked_login(sdk, mode, TOOL, &user.command(&["bridge", &url]), &env);
        check(&result, &name, released, revision);
        if mode != "2026-07-28" {
            assert_eq!(result["tools"], json!([TOOL]), "{name}: {result}");
        }
        if matches!(sdk, StdioSdk::TypeScript | StdioSdk::TypeScriptLegacy) {
            assert_eq!(result["completed"], true, "{name}: {result}");
        }
        kept = Some(user);
    }
    // It begins as a client of the newest revision only where there is a login, so that one is lost on the way.
    let user = kept.expect("the last user");
    let tokens = user.own_store();
    let files = std::fs::read_dir(&tokens).expect("the tokens").flatten().map(|entry| entry.path());
    let token =
        files.into_iter().find(|path| path.to_string_lossy().ends_with("-egress.json")).expect("a token");
    let mut env = browser_env("oidc-provider", &operator.home().join("pinned"));
    env.push(("FORGET".into(), token.display().to_string()));
    let result =
        asked_login(StdioSdk::TypeScript, "2026-07-28", TOOL, &user.command(&["bridge", &url]), &env);
    check(&result, "pinned", "2.4.", "2026-07-28");
}

#[track_caller]
fn check(result: &Value, name: &str, released: &str, revision: &str) {
    assert_eq!(result["error"], Value::Null, "{name}: {result}");
    assert!(result["sdk"].as_str().expect("a version").starts_with(released), "{name}: {result}");
    assert_eq!((&result["protocol"], &result["asked"]), (&json!(revision), &json!(1)), "{name}: {result}");
    assert_eq!(result["call"], "12:00", "{name}: {result}");
}
