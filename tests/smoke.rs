//! The newcomer's first two commands.
#![cfg(test)]

use std::io::{BufRead, BufReader};

use crate::support::{User, ended};

#[test]
fn demo_shows_every_flow_without_an_account() {
    let ran = User::new().run(&["demo", "--json"]).code(0);
    let object = ran.json();
    assert_eq!(object["ok"], true);
    let names: Vec<&str> =
        object["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    let expected = [
        "identity-provider",
        "generate",
        "private-files",
        "configurations",
        "reuse",
        "gateway",
        "gateway.allowed",
        "gateway.denied",
        "gateway.filtered",
        "gateway.unauthenticated",
        "gateway.attacks",
        "gateway.finder",
        "gateway.token",
        "gateway.credentials",
    ];
    assert_eq!(names, expected);
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("eyJ"), "a token was printed");
}

#[test]
#[cfg(unix)]
fn demo_keep_prints_commands_that_work_against_what_it_left_running() {
    let user = User::new();
    let mut demo = user.command(&["demo", "--keep"]).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
    let folder = lines.find_map(|line| line.strip_prefix("  cd ").map(str::to_owned)).unwrap();
    let tried: Vec<String> = lines.by_ref().take_while(|line| !line.starts_with("  tail")).collect();
    let tried = tried.join("\n");
    // All of it except what waits for a user or a client, or must be refused.
    let waits = ["--browser", "--no-browser", "mcpauth bridge", "# refused"];
    let lines = tried.lines().filter(|line| !waits.iter().any(|word| line.contains(word)));
    let script = format!("set -e\n{}", lines.collect::<Vec<_>>().join("\n"));
    let ran = ended(user.shell(&script).current_dir(folder.as_str()).spawn().unwrap()).code(0);
    for said in [
        "egress demo-notes",
        "mcpServers",
        "get_issue",
        "The coffee machine leaks",
        "gateway.yaml is fine",
        "/payroll/mcp",
        "denied: ",
        "6 tests, 0 failed",
        "create_issue",
    ] {
        assert!(ran.stdout.contains(said), "{said}\n{}{}", ran.stdout, ran.stderr);
    }
    assert!(!ran.stderr.contains("is not taken"), "{}", ran.stderr);
    let list = ran.stdout.rsplit_once("HTTP/1.1 200 OK").unwrap().1;
    assert!(!list.contains("delete_issue"), "{list}");
    ended(user.shell(&format!("kill -TERM {}", demo.id())).spawn().unwrap()).code(0);
    assert_eq!(demo.wait().unwrap().code(), Some(143));
    assert!(!std::path::Path::new(&folder).exists(), "{folder} is left behind");
}

#[test]
fn generate_without_any_configuration_says_what_to_do() {
    let ran = User::new().run(&["generate"]).code(2);
    assert_eq!(ran.stdout, "");
    assert!(
        ran.stderr.contains("mcpauth demo") && ran.stderr.contains("mcpauth configure"),
        "{}",
        ran.stderr
    );
}

/// One login denied in the browser: the rest is shown, tokens are reused, and what was left out says how to have it.
#[cfg(target_os = "linux")]
#[test]
fn a_demo_in_which_a_login_is_denied_says_so_and_goes_on() {
    use std::os::unix::fs::PermissionsExt;
    let mut user = User::new();
    let browser = user.file(
        "browser",
        "#!/bin/sh\n\
         case $1 in *demo-tracker*) decision=deny ;; *) decision=allow ;; esac\n\
         ticket=$(curl -s \"$1\" | sed 's/.*name=\"ticket\" value=\"\\([^\"]*\\)\".*/\\1/')\n\
         curl -sL -o /dev/null -d \"ticket=$ticket\" -d user=demo-user -d decision=$decision \"${1%%\\?*}\"\n",
    );
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o700)).unwrap();
    user.env("BROWSER", browser.display().to_string()).env("DISPLAY", ":99");
    let report = user.run(&["demo", "--browser", "--json"]).code(1).json();
    let steps = report["steps"].as_array().unwrap();
    let step = |name: &str| {
        steps.iter().find(|step| step["name"] == name).unwrap_or_else(|| panic!("{name}: {report}"))
    };
    assert!(step("generate")["detail"].as_str().unwrap().starts_with("4 of 5"), "{report}");
    assert_eq!(
        (&step("reuse")["ok"], &step("reuse")["detail"]),
        (&true.into(), &"4 tokens reused, none requested".into())
    );
    assert_eq!(step("agent")["ok"], false);
    assert!(step("agent")["detail"].as_str().unwrap().ends_with("mcpauth demo --browser"), "{report}");
}
