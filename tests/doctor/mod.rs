//! `mcpauth doctor`: a patient to make ill, and the expected diagnosis.
#![cfg(test)]

mod local;
#[cfg(unix)]
mod mend;
mod network;
mod seed;

use std::path::PathBuf;

use mcpauth::demo::idp::{GrantType, Idp, IdpClient, Options};
use mcpauth::sys::clock;
use serde_json::{Value, json};

use crate::support::wire::{SECRET, free_port};
use crate::support::{Ran, User, answering};

/// A policy that maps the token's own scope to the server.
const GOOD_POLICY: &str = "read:\n  - server: fininfo\n    methods: [initialize, tools/list, tools/call]\n    \
                           tools: [get_stock_aggregates]\n";

/// The ingress client's secret, and a wrong one. Neither may ever be shown.
const AGENT: &str = "hunter2-agent-0123456789";
const WRONG: &str = "hunter2-wrong-0123456789";

/// A user with complete, valid settings: ingress, one login, a gateway that answers, no policy.
struct Patient {
    user: User,
    idp: Idp,
    redirect: String,
}

impl Patient {
    fn new() -> Self {
        let redirect = format!("http://127.0.0.1:{}/callback", free_port());
        let clients = vec![
            IdpClient::machine("agent", AGENT, &["read"]),
            // Like a client whose app was registered only for user logins.
            IdpClient::new("people", Some(AGENT), &["read"], &[GrantType::AuthorizationCode]),
            IdpClient::confidential("tracker-client", SECRET, &redirect, &["read:work", "offline_access"]),
        ];
        let idp = Idp::start(Options { clients, ..Options::default() }).unwrap();
        let mut user = User::new();
        let issuer = idp.issuer().to_owned();
        user.cognito(&issuer, "agent", AGENT)
            .env("REGISTRY_URL", answering(404, "nothing here"))
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .env("DISPLAY", ":0");
        let more = format!("issuer: {issuer}\nconsole_url: https://console.test\n");
        user.tracker("tracker", 1, &issuer, &redirect, &more);
        Self { user, idp, redirect }
    }

    fn env(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.user.env(name, value);
        self
    }

    /// A login's token, as if the user had logged in.
    fn logged_in(&self) {
        let token = json!({
            "provider": "tracker", "access_token": "hunter2-access", "refresh_token": "hunter2-refresh",
            "expires_at": clock::now() + 3_600, "saved_at": clock::rfc3339(clock::now()),
        });
        self.user.file(".oauth-tokens/tracker-egress.json", &token.to_string());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.user.project().join(name)
    }

    fn policy(&self, text: &str) {
        let server = json!({
            "server_name": "Fin", "path": "/fininfo/", "proxy_pass_url": "http://127.0.0.1:1/", "auth_type": "none",
            "tool_list": [{"name": "get_stock_aggregates"}, {"name": "print_stock_data"}],
        });
        self.user.file("servers/fininfo.json", &server.to_string());
        self.user.file("scopes.yml", text);
    }

    fn doctor(&self, args: &[&str]) -> Diagnosis {
        diagnose(&self.user, args)
    }
}

/// A run, with its findings.
struct Diagnosis {
    ran: Ran,
    object: Value,
}

fn diagnose(user: &User, args: &[&str]) -> Diagnosis {
    let ran = user.run(&[&["doctor", "--json"], args].concat());
    let all = format!("{}{}", ran.stdout, ran.stderr);
    for secret in ["hunter2", SECRET] {
        assert!(!all.contains(secret), "{all}");
    }
    let object = ran.json();
    Diagnosis { ran, object }
}

impl Diagnosis {
    fn findings(&self) -> &[Value] {
        self.object["findings"].as_array().unwrap()
    }

    /// Expects a finding with this check and status whose texts contain these words.
    #[track_caller]
    fn has(&self, check: &str, status: &str, found: &str, remedy: &str) -> &Value {
        let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        let all = |finding: &Value| text(finding, "found") + " " + &text(finding, "cause");
        let fits = |finding: &&Value| {
            finding["check"] == check
                && finding["status"] == status
                && all(finding).contains(found)
                && text(finding, "remedy").contains(remedy)
        };
        let fitting = self.findings().iter().find(fits);
        fitting.unwrap_or_else(|| panic!("no {status} {check} {found:?} {remedy:?} in {:#}", self.object))
    }

    #[track_caller]
    fn code(self, expected: i32) -> Self {
        assert_eq!(self.ran.code, Some(expected), "{:#}", self.object);
        assert_eq!(self.object["ok"], expected == 0);
        assert_eq!(self.object["version"], 1);
        self
    }

    /// All findings that are not ok.
    fn wrong(&self) -> Vec<String> {
        let wrong = self
            .findings()
            .iter()
            .filter(|finding| finding["status"] == "problem" || finding["status"] == "warn");
        wrong.map(|finding| format!("{}: {}", finding["check"], finding["found"])).collect()
    }
}
