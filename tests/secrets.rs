//! No secret of a run is ever shown: not on stdout, not on stderr, not to a child, not when a server repeats it.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the program's files")]

use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use mcpauth::demo::idp::{Idp, IdpClient, IdpEvent};
use mcpauth::demo::setup;
use serde_json::{Value, json};

use crate::support::wire::{Running, SECRET, Scripted, TEST_TIMEOUT, callback, decide, get, idp, parameter};
use crate::support::{Ran, User};

/// Pieces of the tracker's secret that a cut or a filter may leave.
const HEAD: &str = "tracker+s";
const TAIL: &str = "secret/4711";

/// Everything a user can have, against one identity provider.
struct Everything {
    user: User,
    idp: Idp,
    secrets: Vec<String>,
    said: String,
}

impl Everything {
    fn new() -> Self {
        let mut options = setup::options(false);
        options.clients.push(IdpClient::machine(
            "agent-one",
            "agent-one-secret",
            &["openid", "email", "profile"],
        ));
        let idp = Idp::start(options).unwrap();
        let mut user = User::new();
        for (name, value) in setup::env(&user.project(), idp.issuer(), idp.issuer(), "http://127.0.0.1:8080")
        {
            user.env(&name, value);
        }
        for (name, text) in
            setup::files(idp.issuer(), idp.issuer(), &[(setup::SERVERS[0], "http://127.0.0.1:8000")])
        {
            user.file(&name, &text);
        }
        let agent = json!({"client_id": "agent-one", "client_secret": "agent-one-secret",
                           "keycloak_url": idp.issuer(), "keycloak_realm": "demo"});
        user.file(".oauth-tokens/agent-one.json", &agent.to_string());
        let secrets = [
            "demo-agent-secret",
            "agent-one-secret",
            "demo-tracker-secret",
            "demo-sre-secret",
            "demo-finance-secret",
        ];
        Self { user, idp, secrets: secrets.map(str::to_owned).into(), said: String::new() }
    }

    /// Runs to the end, logging in as often as asked.
    fn run(&mut self, args: &[&str], logins: usize) -> Ran {
        let mut running = self.user.start(args);
        for _ in 0..logins {
            let back = decide(&running.url(), "allow");
            self.secrets.extend(parameter(&back, "code"));
            assert_eq!(get(&back).status, 200);
        }
        self.heard(running)
    }

    fn heard(&mut self, running: Running) -> Ran {
        let ran = running.end();
        self.said.push_str(&ran.stdout);
        self.said.push_str(&ran.stderr);
        self.collect();
        ran
    }

    /// The stored tokens.
    fn collect(&mut self) {
        for entry in std::fs::read_dir(self.user.project().join(".oauth-tokens")).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if name.ends_with("-egress.json") || name.ends_with("-token.json") || name == "ingress.json" {
                let object = self.user.token(&name);
                let found = ["access_token", "refresh_token"]
                    .map(|member| object[member].as_str().map(str::to_owned));
                self.secrets.extend(found.into_iter().flatten());
            }
        }
        self.secrets.extend(self.idp.seen().into_iter().filter_map(|seen| match seen {
            IdpEvent::Token { refresh_token, .. } => refresh_token,
            _ => None,
        }));
    }

    /// Every login has expired.
    fn expire(&self) {
        for name in ["demo-tracker-egress.json", "demo-notes-egress.json"] {
            self.user.plant(name, &[("expires_at", json!(1))]);
        }
    }
}

#[track_caller]
fn assert_silent(said: &str, secrets: &[String]) {
    assert!(!said.is_empty());
    for secret in secrets {
        assert!(secret.len() > 8, "too short to look for: {secret}");
        assert!(!said.contains(secret.as_str()), "{secret} is said:\n{said}");
    }
}

#[test]
fn a_run_of_everything_says_no_secret() {
    let mut all = Everything::new();
    let ran = all.run(&["generate", "-vv", "--no-browser"], 2).code(0);
    assert!(ran.stdout.contains("keycloak agent-one"), "{}", ran.stdout);
    all.run(&["generate", "-vv", "--no-browser", "--json", "--force"], 2).code(0);
    all.expire();
    let refreshed = all.run(&["generate", "-vv", "--json"], 0).code(0);
    assert!(refreshed.stdout.contains("refreshed"), "{}", refreshed.stdout);
    all.run(&["config", "show", "--origin", "-vv"], 0).code(0);
    all.run(&["config", "show", "--json"], 0).code(0);
    // Failures: a wrong secret, a file nobody can read, no identity provider.
    all.user.env("AGENTCORE_CLIENT_SECRET_1", "mistyped-secret");
    all.secrets.push("mistyped-secret".into());
    all.expire();
    all.secrets.push("planted-refresh-token".into());
    for name in ["demo-tracker-egress.json", "demo-notes-egress.json"] {
        all.user.plant(name, &[("refresh_token", json!("planted-refresh-token"))]);
    }
    all.run(&["generate", "-vv"], 0).code(3);
    all.run(&["generate", "-vv", "--json", "--force"], 0).code(3);
    all.user.file(".oauth-tokens/ingress.json", "{\"access_token\": \"half-a-file");
    all.secrets.push("half-a-file".into());
    let ran = all.user.run(&["ingress", "-vv", "--json"]);
    all.said.push_str(&(ran.stdout + &ran.stderr));
    let secrets = std::mem::take(&mut all.secrets);
    assert!(secrets.len() > 20, "{}", secrets.len());
    assert_silent(&all.said, &secrets);
    let idp = all.idp;
    drop(idp);
    let ran = all.user.run(&["generate", "-vv", "--force", "--ingress-only"]);
    assert_silent(&(ran.stdout + &ran.stderr), &secrets);
}

#[test]
fn what_fails_before_a_flow_begins_says_no_secret_either() {
    let mut all = Everything::new();
    let args = ["ingress", "-vv", "--force", "--client-secret-file", "-"];
    let ran = all.user.run_with(&args, "mistyped-secret\n").code(4);
    assert_silent(&(ran.stdout + &ran.stderr), &["mistyped-secret".into()]);
    let ran = all.user.run_with(&args, "demo-agent-secret\n").code(0);
    assert_silent(&(ran.stdout + &ran.stderr), &all.secrets);
    all.user.file(".env", "EGRESS_OAUTH_CLIENT_SECRET_1=\"demo-tracker-secret\n");
    let ran = all.user.run(&["generate", "-vv", "--json"]);
    assert!(ran.stderr.contains("is not KEY=VALUE"), "{}", ran.stderr);
    assert_silent(&(ran.stdout + &ran.stderr), &all.secrets);
    all.user.file(".env", "");
    all.user.env("INGRESS_OAUTH_ISSUER", "not a url");
    let ran = all.user.run(&["ingress", "-vv"]).code(2);
    assert_silent(&(ran.stdout + &ran.stderr), &all.secrets);
}

#[test]
fn a_server_that_repeats_what_it_was_sent_is_scrubbed() {
    let server = Scripted::start(|asked| {
        let fields: Vec<String> = ["client_secret", "code", "code_verifier", "refresh_token"]
            .iter()
            .filter_map(|name| asked.field(name))
            .collect();
        // The last one stands where a description is cut.
        let text = format!("{} {} {}", fields.join(" "), "x".repeat(70), fields[0]);
        let text = format!("{text:.>195}");
        let (error, description) = (fields[0].clone(), text);
        (400, json!({"error": error, "error_description": description}).to_string())
    });
    let mut user = User::new();
    user.tracker("tracker", 1, &server.base, "http://127.0.0.1:0/callback", "");
    for args in [&["egress", "--no-browser", "-vv"][..], &["egress", "--no-browser", "--json"]] {
        let mut running = user.start(args);
        get(&callback(&running.url(), "code=the-authorization-code"));
        let ran = running.end().code(4);
        let mut secrets = vec![HEAD.to_owned(), TAIL.into(), "the-authorization-code".into()];
        secrets.extend(server.asked().iter().filter_map(|asked| asked.field("code_verifier")));
        assert_silent(&(ran.stdout + &ran.stderr), &secrets);
    }
}

#[test]
fn a_secret_across_the_cut_of_a_description_is_not_half_shown() {
    for fill in 88..100 {
        let server = Scripted::start(move |asked| {
            let text = format!("{}{}", "x ".repeat(fill), asked.field("client_secret").unwrap());
            (400, json!({"error": "invalid_client", "error_description": text}).to_string())
        });
        let mut user = User::new();
        user.tracker("tracker", 1, &server.base, "http://127.0.0.1:0/callback", "");
        let planted =
            json!({"provider": "tracker", "access_token": "a", "refresh_token": "r", "expires_at": 1});
        user.file(".oauth-tokens/tracker-egress.json", &planted.to_string());
        let ran = user.run(&["egress", "--json"]).code(4);
        assert_silent(&(ran.stdout + &ran.stderr), &[HEAD.to_owned()]);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn no_process_has_a_secret_in_its_arguments_while_a_login_waits() {
    let idp = idp(300);
    let mut user = User::at(&idp);
    let (script, seen) = (user.home().join("browser"), user.home().join("seen"));
    let text = format!(
        "#!/bin/sh\nfor f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < \"$f\"; echo; done > {0}.new 2>/dev/null\nmv {0}.new {0}\n",
        seen.display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    user.env("BROWSER", script.display().to_string());
    let mut running = user.start(&["egress", "--browser"]);
    let url = running.url();
    let began = Instant::now();
    while !seen.exists() {
        assert!(began.elapsed() < TEST_TIMEOUT, "the browser was not opened");
        std::thread::yield_now();
    }
    let processes = std::fs::read_to_string(&seen).unwrap();
    assert!(processes.contains("egress --browser"), "{processes}");
    let back = decide(&url, "allow");
    assert_eq!(get(&back).status, 200);
    running.end().code(0);
    let token: Value = user.token("tracker-egress.json");
    let mut secrets = vec![SECRET.to_owned(), parameter(&back, "code").unwrap()];
    secrets.extend(["access_token", "refresh_token"].map(|name| token[name].as_str().unwrap().to_owned()));
    assert_silent(&processes, &secrets);
}
