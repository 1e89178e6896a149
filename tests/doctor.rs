//! `mcpauth doctor`: each case of the seed's troubleshooting section set up for real and named with the right remedy, what
//! `--fix` does and leaves alone, and that one finding never hides another.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out files as other programs would")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use mcpauth::demo::idp::{Client, Grant, Idp, IdpThread, Options};
use mcpauth::sys::clock;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::support::wire::{SECRET, Scripted, free_port};
use crate::support::{Ran, User, answering, nobody};

/// The ingress client's secret, and a wrong one. Neither may ever be seen.
const AGENT: &str = "hunter2-agent-0123456789";
const WRONG: &str = "hunter2-wrong-0123456789";

/// Someone whose settings are whole and good: ingress, one login, a gateway that answers, no policy.
struct Patient {
    user: User,
    idp: IdpThread,
    redirect: String,
}

impl Patient {
    fn new() -> Self {
        let redirect = format!("http://127.0.0.1:{}/callback", free_port());
        let clients = vec![
            Client::machine("agent", AGENT, &["read"]),
            // As a client is when its app was made for people's logins alone.
            Client::new("people", Some(AGENT), &["read"], &[Grant::AuthorizationCode]),
            Client::confidential("tracker-client", SECRET, &redirect, &["read:work", "offline_access"]),
        ];
        let idp = Idp::in_thread(Options { clients, ..Options::default() }).unwrap();
        let mut user = User::new();
        let issuer = idp.issuer().to_owned();
        user.env("INGRESS_OAUTH_ISSUER", &issuer)
            .env("INGRESS_OAUTH_USER_POOL_ID", "eu-west-1_AbC")
            .env("INGRESS_OAUTH_CLIENT_ID", "agent")
            .env("INGRESS_OAUTH_CLIENT_SECRET", AGENT)
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

    /// A login's token, as if a person had been here.
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

    /// Expects a finding of this check and status whose texts have these words in them.
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

    /// All findings that are not fine.
    fn wrong(&self) -> Vec<String> {
        let wrong = self
            .findings()
            .iter()
            .filter(|finding| finding["status"] == "problem" || finding["status"] == "warn");
        wrong.map(|finding| format!("{}: {}", finding["check"], finding["found"])).collect()
    }
}

/// One line of the seed's troubleshooting section.
struct Case {
    name: &'static str,
    /// What is wrong with an otherwise healthy patient.
    given: fn(&mut Patient),
    check: &'static str,
    status: &'static str,
    found: &'static str,
    remedy: &'static str,
}

const fn case(
    name: &'static str,
    given: fn(&mut Patient),
    [check, status, found, remedy]: [&'static str; 4],
) -> Case {
    Case { name, given, check, status, found, remedy }
}

/// A policy that maps the token's own scope to the server.
const GOOD_POLICY: &str = "read:\n  - server: fininfo\n    methods: [initialize, tools/list, tools/call]\n    \
                           tools: [get_stock_aggregates]\n";

const SEED: &[Case] = &[
    // "Cannot authenticate with Cognito"
    case(
        "verify credentials: one is missing",
        |p| {
            p.env("INGRESS_OAUTH_CLIENT_SECRET", "");
        },
        [
            "settings.flows",
            "problem",
            "is missing INGRESS_OAUTH_CLIENT_SECRET",
            "set INGRESS_OAUTH_CLIENT_SECRET",
        ],
    ),
    case(
        "verify credentials: one is misspelt",
        |p| drop(p.user.file(".env", "INGRESS_OAUTH_CLIENT_SECRT=hunter2\n")),
        [
            "settings.names",
            "warn",
            "INGRESS_OAUTH_CLIENT_SECRT is not read",
            "mean INGRESS_OAUTH_CLIENT_SECRET?",
        ],
    ),
    case(
        "verify credentials: the secret is wrong",
        |p| {
            p.env("INGRESS_OAUTH_CLIENT_SECRET", WRONG);
        },
        ["login.client", "problem", "invalid_client", "check client id and secret"],
    ),
    case(
        "verify credentials: the client is unknown",
        |p| {
            p.env("INGRESS_OAUTH_CLIENT_ID", "nobody");
        },
        ["login.client", "problem", "invalid_client", "check client id and secret"],
    ),
    case(
        "user pool id: its format",
        |p| {
            p.env("INGRESS_OAUTH_ISSUER", "").env("INGRESS_OAUTH_USER_POOL_ID", "useast1XYZ");
        },
        [
            "settings.flows",
            "problem",
            "not a user pool id; one looks like us-east-1_",
            "correct INGRESS_OAUTH_USER_POOL_ID",
        ],
    ),
    case(
        "user pool id: no such pool",
        |p| {
            p.env("INGRESS_OAUTH_ISSUER", format!("{}/eu-west-1_Gone", answering(404, "{}")));
        },
        [
            "issuer.reachable",
            "problem",
            "publishes no metadata (HTTP 404)",
            "check INGRESS_OAUTH_USER_POOL_ID",
        ],
    ),
    case(
        "the client's configuration: it may not use client credentials",
        |p| {
            p.env("INGRESS_OAUTH_CLIENT_ID", "people");
        },
        ["login.client", "problem", "unauthorized_client", "check client id and secret"],
    ),
    case(
        "the client's configuration: it may not have the scope",
        |p| {
            p.env("INGRESS_OAUTH_SCOPE", "admin");
        },
        ["login.client", "problem", "invalid_scope", "ask for scopes this client may have"],
    ),
    // "External provider authentication fails"
    case(
        "redirect URI: not the registered one",
        |p| {
            let other = p.redirect.replace("/callback", "/elsewhere");
            p.env("EGRESS_OAUTH_REDIRECT_URI_1", other);
        },
        [
            "login.client",
            "problem",
            "or the redirect URI http://127.0.0.1:",
            "register exactly http://127.0.0.1:",
        ],
    ),
    case(
        "redirect URI: a host that the provider does not take",
        |p| {
            let issuer = p.idp.issuer();
            p.user.provider(
                "tracker",
                &format!("display_name: Tracker\nauthorization_endpoint: {issuer}/authorize\ntoken_endpoint: {issuer}/token\n\
                          redirect: {{hosts: [localhost]}}\n"),
            );
        },
        ["login.redirect", "problem", "Tracker does not accept \"127.0.0.1\"", "EGRESS_OAUTH_REDIRECT_URI_N"],
    ),
    case(
        "client id: unknown to the provider",
        |p| {
            p.env("EGRESS_OAUTH_CLIENT_ID_1", "nobody");
        },
        ["login.client", "problem", "Tracker refuses client nobody", "check EGRESS_OAUTH_CLIENT_ID_N"],
    ),
    case(
        "client secret: wrong",
        |p| {
            p.env("EGRESS_OAUTH_CLIENT_SECRET_1", WRONG);
        },
        ["login.client", "problem", "egress tracker: 127.0.0.1", "check client id and secret"],
    ),
    case(
        "scopes: not the client's",
        |p| {
            p.env("EGRESS_OAUTH_SCOPE_1", "admin");
        },
        ["login.client", "problem", "the scopes admin are refused", "set EGRESS_OAUTH_SCOPE_N"],
    ),
    // "Permission denied for specific tools"
    case(
        "groups: the token is in none that the policy knows",
        |p| {
            p.user.run(&["ingress"]).code(0);
            p.policy(&GOOD_POLICY.replace("read:", "others:"));
        },
        [
            "gateway.access",
            "problem",
            "ingress.json see no server's tools",
            "mcpauth gateway explain --server fininfo",
        ],
    ),
    case(
        "scope mappings: a group is given what is not defined",
        |p| p.policy(&format!("group_mappings:\n  team: [gone]\n{GOOD_POLICY}")),
        ["gateway.settings", "warn", "group team is given gone, which is not defined", "correct the policy"],
    ),
    case(
        "scope mappings: the policy does not parse",
        |p| p.policy("read: [\n"),
        ["gateway.settings", "problem", "scopes.yml", "correct the policy"],
    ),
    case(
        "tool names: not to the letter",
        |p| p.policy(&GOOD_POLICY.replace("aggregates", "agregates")),
        [
            "gateway.tools",
            "warn",
            "names the tool \"get_stock_agregates\"",
            "did you mean \"get_stock_aggregates\"?",
        ],
    ),
];

#[test]
fn each_case_of_the_seeds_troubleshooting_is_named_with_its_remedy() {
    for Case { name, given, check, status, found, remedy } in SEED {
        let mut patient = Patient::new();
        given(&mut patient);
        let mut diagnosis = patient.doctor(&[]);
        // Shown with the findings, if it is not among them.
        diagnosis.object["case"] = json!(name);
        let finding = diagnosis.has(check, status, found, remedy);
        assert_eq!(finding["fixable"], false, "{finding}");
    }
}

#[test]
fn the_healthy_have_no_problems_and_nothing_is_kept_of_what_was_tried() {
    let patient = Patient::new();
    let before = patient.doctor(&[]);
    before.has("login.client", "ok", "ingress cognito: client agent is accepted", "");
    before.has(
        "login.client",
        "ok",
        "client tracker-client and its secret and the redirect URI are accepted",
        "",
    );
    before.has("tokens.expiry", "warn", "ingress cognito: there is no token yet", "run: mcpauth ingress");
    before.has("tokens.expiry", "problem", "nobody has logged in yet", "run: mcpauth egress --config-set 1");
    assert!(!patient.path(".oauth-tokens").exists());
    before.code(7);

    patient.user.run(&["ingress"]).code(0);
    patient.logged_in();
    patient.policy(GOOD_POLICY);
    let asked = patient.idp.seen().len();
    let after = patient.doctor(&[]).code(0);
    assert_eq!(after.wrong(), [""; 0]);
    assert_eq!(patient.idp.seen().len(), asked, "good tokens show that credentials work");
    after.has("tokens.expiry", "ok", "ingress cognito is good, expires in", "");
    after.has("gateway.access", "ok", "lets ingress.json see the tools of fininfo", "");
    after.has("issuer.clock", "ok", "clock agrees", "");
    after.has("gateway.reachable", "ok", "answers", "");
}

#[test]
fn with_nothing_configured_it_says_where_to_begin() {
    let diagnosis = diagnose(&User::new(), &["--offline"]).code(7);
    diagnosis.has("settings.flows", "problem", "nothing is configured", "mcpauth configure");
    diagnosis.has("settings.flows", "problem", "nothing is configured", "mcpauth demo");
    let text = User::new().run(&["doctor", "--offline"]).code(7).stdout;
    assert!(text.contains("problem nothing is configured") && text.contains("\n  -> try it"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_line_that_cannot_be_read_is_a_finding() {
    let user = User::new();
    user.file(".env", "INGRESS_OAUTH_CLIENT_SECRET=\"hunter2\n");
    let diagnosis = diagnose(&user, &[]).code(7);
    diagnosis.has(
        "settings.files",
        "problem",
        ".env:1 INGRESS_OAUTH_CLIENT_SECRET: the quote is not closed",
        "correct line 1",
    );
}

#[test]
fn files_and_settings_that_overrule_each_other_are_named() {
    let mut user = User::new();
    user.file("credentials-provider/oauth/.env", "AWS_REGION=eu-west-1\nTENANT=same\n");
    user.file(".env", "AWS_REGION=us-east-1\nTENANT=same\nEGRESS_PROVIDER_NAME_2=desk\n");
    user.env("EGRESS_PROVIDER_NAME", "tracker");
    let diagnosis = diagnose(&user, &["--offline"]);
    diagnosis.has("settings.files", "ok", "oauth/.env, ", "");
    diagnosis.has("settings.overruled", "warn", "AWS_REGION in", "take one of the two out");
    diagnosis.has(
        "settings.flows",
        "warn",
        "EGRESS_PROVIDER_NAME=tracker leaves out egress set 2",
        "take EGRESS_PROVIDER_NAME out",
    );
    assert!(!diagnosis.ran.stdout.contains("TENANT"));
}

#[cfg(unix)]
mod modes {
    use super::*;
    use crate::support::mode;
    use std::fs::{File, Permissions, set_permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::time::{Duration, SystemTime};

    fn chmod(path: &Path, mode: u32) {
        set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// A temporary file of ours, last written a day after the epoch.
    fn left_behind(path: &Path) {
        std::fs::write(path, "{\"access").unwrap();
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400)).unwrap();
    }

    #[test]
    fn what_is_open_or_left_behind_is_mended_and_no_link_is_followed() {
        let patient = Patient::new();
        patient.user.run(&["ingress"]).code(0);
        patient.logged_in();
        let elsewhere = patient.user.home().join("theirs.json");
        std::fs::write(&elsewhere, "{}").unwrap();
        chmod(&elsewhere, 0o644);
        let (dir, token) = (patient.path(".oauth-tokens"), patient.path(".oauth-tokens/ingress.json"));
        let env = patient.user.file(".env", "AGENTCORE_CLIENT_SECRET_1=hunter2\n");
        let (link, left, busy) =
            (dir.join("link.json"), dir.join(".mcpauth-a1.tmp"), dir.join(".mcpauth-b2.tmp"));
        symlink(&elsewhere, &link).unwrap();
        left_behind(&left);
        std::fs::write(&busy, "half").unwrap();
        chmod(&busy, 0o600);
        for (path, mode) in [(&dir, 0o755), (&token, 0o644), (&env, 0o644)] {
            chmod(path, mode);
        }

        let before = patient.doctor(&["--offline"]).code(7);
        let at = |path: &Path| path.display().to_string();
        for (path, remedy) in [(&dir, "chmod 700"), (&token, "chmod 600"), (&env, "chmod 600")] {
            let finding = before.has("files.mode", "problem", &at(path), &format!("{remedy} {}", at(path)));
            assert_eq!(finding["fixable"], true);
        }
        assert_eq!(before.has("files.leftover", "warn", &at(&left), "rm ")["fixable"], true);
        assert_eq!(before.has("files.link", "problem", &at(&link), "rm ")["fixable"], false);
        assert_eq!((mode(&dir), mode(&token), left.exists()), (0o755, 0o644, true), "only looked at");

        let after = patient.doctor(&["--offline", "--fix"]).code(7);
        assert!(
            after.object["fixed"].as_array().unwrap().iter().all(|fix| fix["done"] == true),
            "{}",
            after.object
        );
        assert_eq!((mode(&dir), mode(&token), mode(&env)), (0o700, 0o600, 0o600));
        assert!(!left.exists() && busy.exists(), "somebody may be writing it right now");
        assert_eq!((mode(&elsewhere), std::fs::read_link(&link).unwrap()), (0o644, elsewhere));
        after.has("files.link", "problem", &at(&link), "rm ");
        assert!(!after.wrong().iter().any(|text| text.contains("files.mode")), "{:?}", after.wrong());

        std::fs::remove_file(&link).unwrap();
        std::fs::remove_file(patient.path(".env")).unwrap();
        let text = patient.user.run(&["doctor", "--offline", "--fix"]).code(0).stdout;
        assert!(!text.contains("fixed:"), "{text}");
    }

    #[test]
    fn a_tokens_directory_that_is_a_link_is_left_alone() {
        let patient = Patient::new();
        let real = patient.user.home().join("real");
        std::fs::create_dir(&real).unwrap();
        chmod(&real, 0o755);
        symlink(&real, patient.path(".oauth-tokens")).unwrap();
        let diagnosis = patient.doctor(&["--offline", "--fix"]).code(7);
        diagnosis.has("files.link", "problem", ".oauth-tokens is a symbolic link", "--tokens-dir");
        assert_eq!(mode(&real), 0o755);
    }

    #[test]
    fn stale_entries_are_renewed_and_everything_else_stays() {
        let patient = Patient::new();
        let client = patient.user.home().join(".vscode/mcp.json");
        std::fs::create_dir_all(client.parent().unwrap()).unwrap();
        std::fs::write(
            &client,
            "{\n  // mine\n  \"mcp\": {\"servers\": {\"own\": {\"url\": \"https://own.test\"}}}\n}\n",
        )
        .unwrap();
        patient.user.run(&["ingress"]).code(0);
        patient.logged_in();
        patient.doctor(&["--offline"]).has(
            "clients.config",
            "skipped",
            "no client has an entry of ours",
            "config install",
        );
        patient.user.run(&["config", "install", "--client", "vscode-legacy"]).code(0);
        patient.doctor(&["--offline"]).has("clients.config", "ok", "are up to date", "");

        patient.user.plant("tracker-egress.json", &[("access_token", json!("hunter2-other"))]);
        // A token file that cannot be read would take its entry out, if its mode were not mended first.
        chmod(&patient.path(".oauth-tokens/tracker-egress.json"), 0o644);
        let stale = patient.doctor(&["--offline"]);
        let finding =
            stale.has("clients.config", "warn", "are stale", "mcpauth config install --client vscode-legacy");
        assert_eq!(finding["fixable"], false, "an entry would go: {finding}");
        let fixed = patient.doctor(&["--offline", "--fix"]).code(0);
        fixed.has("clients.config", "ok", "are up to date", "");
        let text = std::fs::read_to_string(&client).unwrap();
        for kept in ["// mine", "https://own.test", "Bearer hunter2-other"] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        assert!(!patient.user.home().join(".roocode").exists(), "a client that is not there is not set up");
    }
}

#[test]
fn tokens_are_told_apart_by_who_can_renew_them() {
    let past = clock::now() - 600;
    for (refresh, expires, status, found, remedy) in [
        (
            json!("hunter2-r"),
            past,
            "warn",
            "it can be renewed without a person",
            "mcpauth egress --config-set 1",
        ),
        (json!(null), past, "problem", "only a person can renew it", "mcpauth egress --config-set 1"),
        (json!("hunter2-r"), clock::now() + 60, "ok", "is renewed when it is used", ""),
        (
            json!(null),
            clock::now() + 60,
            "warn",
            "only a person can renew it",
            "mcpauth egress --config-set 1",
        ),
    ] {
        let patient = Patient::new();
        patient.logged_in();
        patient.user.plant(
            "tracker-egress.json",
            &[("refresh_token", refresh), ("expires_at", json!(expires)), ("saved_at", json!(null))],
        );
        patient.doctor(&["--offline"]).has("tokens.expiry", status, found, remedy);
    }
    let patient = Patient::new();
    patient.user.file(
        ".oauth-tokens/old-egress.json",
        &json!({"provider": "old", "access_token": "hunter2", "expires_at": past}).to_string(),
    );
    patient.user.file(".oauth-tokens/bad-egress.json", "hunter2, and no JSON");
    let diagnosis = patient.doctor(&["--offline"]);
    diagnosis.has(
        "tokens.expiry",
        "warn",
        "old-egress.json has expired, and no configured credential",
        "rm ",
    );
    diagnosis.has("files.broken", "problem", "bad-egress.json is not a token file", "move ");
}

#[test]
fn the_refresh_service_is_known_by_its_lock() {
    let patient = Patient::new();
    let pid = patient.user.file(".oauth-tokens/.refresh.pid", "4711");
    patient.doctor(&["--offline"]).has("tokens.service", "skipped", "is not running", "mcpauth refresh");
    let file = std::fs::File::options().write(true).open(pid).unwrap();
    file.lock().unwrap();
    patient.doctor(&["--offline"]).has("tokens.service", "ok", "is running", "");
}

#[test]
fn a_port_that_is_taken_is_found_before_a_login_needs_it() {
    let mut patient = Patient::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    patient.env("EGRESS_OAUTH_REDIRECT_URI_1", format!("http://{}/callback", taken.local_addr().unwrap()));
    let diagnosis = patient.doctor(&["--offline"]).code(7);
    diagnosis.has("login.redirect", "problem", "is already in use", "stop the program that has the port");
    patient.env("EGRESS_OAUTH_REDIRECT_URI_1", "https://app.example.test/callback");
    patient.doctor(&["--offline"]).has(
        "login.redirect",
        "warn",
        "does not lead to a listener",
        "paste the address",
    );
}

#[test]
fn storage_and_surroundings_are_looked_at() {
    let mut patient = Patient::new();
    patient.env("MCPAUTH_STORAGE", "keyring");
    patient.doctor(&["--offline"]).code(7).has(
        "storage.keyring",
        "problem",
        "keyring does not work here",
        "--storage file",
    );
    patient.env("MCPAUTH_STORAGE", "auto");
    patient.doctor(&["--offline"]).has("storage.keyring", "warn", "0600 files", "MCPAUTH_STORAGE=file");
    patient.env("MCPAUTH_STORAGE", "safe");
    patient.doctor(&["--offline"]).has(
        "storage.keyring",
        "problem",
        "none of file, keyring and auto",
        "correct MCPAUTH_STORAGE",
    );

    let pem = patient.user.file("empty.pem", "no certificate");
    patient
        .env("HTTPS_PROXY", "http://me:hunter2@proxy.test:3128/")
        .env("no_proxy", "localhost,.corp.test")
        .env("SSL_CERT_FILE", pem.display().to_string())
        .env("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
    patient.user.file(".env", "ALL_PROXY=http://proxy.test:1\n");
    let diagnosis = patient.doctor(&["--offline"]);
    diagnosis.has("network.proxy", "ok", "HTTPS_PROXY is http://proxy.test:3128", "");
    diagnosis.has("network.proxy", "ok", "NO_PROXY is localhost,.corp.test", "");
    diagnosis.has("network.proxy", "warn", "ALL_PROXY is http://proxy.test:1, in", "export ALL_PROXY");
    diagnosis.has("network.certificates", "problem", "it holds no certificate", "correct SSL_CERT_FILE");
    diagnosis.has("login.browser", "warn", "this is an SSH session", "--no-browser");
}

/// An issuer whose clock is `ahead` seconds ahead; it lives as long as the test binary.
fn issuer_in_another_time(ahead: i64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let metadata = json!({"issuer": base, "token_endpoint": format!("{base}/token")}).to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let form = format_description!(
                "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
            );
            let date =
                OffsetDateTime::from_unix_timestamp(clock::now() + ahead).unwrap().format(form).unwrap();
            let length = metadata.len();
            let reply = format!(
                "HTTP/1.1 200 OK\r\ndate: {date}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{metadata}"
            );
            // A client that goes away early is not this server's matter.
            let _ = stream.read(&mut [0; 64 * 1024]).and_then(|_| stream.write_all(reply.as_bytes()));
        }
    });
    base
}

#[test]
fn a_clock_that_is_off_is_named_with_its_direction() {
    for (ahead, status, found) in [
        (-600, "problem", "ahead of that of"),
        (600, "problem", "behind that of"),
        (60, "warn", "behind that of"),
        (0, "ok", "agrees"),
    ] {
        let mut patient = Patient::new();
        patient.env("INGRESS_OAUTH_ISSUER", issuer_in_another_time(ahead));
        let remedy = if ahead == 0 { "" } else { "timedatectl" };
        patient.doctor(&[]).has("issuer.clock", status, found, remedy);
    }
}

#[test]
fn whoever_does_not_answer_is_named_and_hides_nobody_else() {
    let mut patient = Patient::new();
    let (issuer, gateway) = (nobody(), nobody());
    patient.env("INGRESS_OAUTH_ISSUER", &issuer).env("REGISTRY_URL", &gateway);
    let diagnosis = patient.doctor(&[]).code(7);
    let at = |url: &str| format!("cannot connect to {}", url.trim_start_matches("http://"));
    diagnosis.has("issuer.reachable", "problem", &at(&issuer), "check the address");
    diagnosis.has("gateway.reachable", "problem", &at(&gateway), "check REGISTRY_URL");
    diagnosis.has("issuer.reachable", "ok", "127.0.0.1 answers", "");
    diagnosis.has("login.client", "ok", "client tracker-client", "");
}

#[test]
fn offline_means_that_nobody_is_asked() {
    let mut patient = Patient::new();
    let server = Scripted::start(|_| (200, "{}".into()));
    patient.env("INGRESS_OAUTH_ISSUER", &server.base).env("REGISTRY_URL", &server.base);
    patient.doctor(&["--offline"]).has("issuer.reachable", "skipped", "--offline", "");
    assert!(server.asked().is_empty() && patient.idp.seen().is_empty());
    patient.doctor(&[]);
    assert!(!server.asked().is_empty(), "the test has lost sight of the requests");
}

/// A gateway that publishes this document for every resource.
fn gateway_that_says(resource: &str, issuer: &str) -> Scripted {
    let document = json!({"resource": resource, "authorization_servers": [issuer]}).to_string();
    Scripted::start(move |asked| {
        let known = asked.head.contains("/.well-known/oauth-protected-resource");
        if known { (200, document.clone()) } else { (404, String::new()) }
    })
}

#[test]
fn the_ingress_token_is_held_against_the_gateways_own_document() {
    for (resource, other_issuer, audience, status, found, remedy) in [
        ("", None, None, "ok", "names no audience", ""),
        (
            "https://gw.test/fininfo/mcp",
            None,
            Some("https://gw.test/fininfo/mcp"),
            "ok",
            "is for https://gw.test",
            "",
        ),
        (
            "https://gw.test",
            None,
            Some("https://else.test/"),
            "problem",
            "is for https://else.test/",
            "INGRESS_OAUTH_AUDIENCE=https://gw.test",
        ),
        (
            "https://gw.test",
            Some("https://idp.test"),
            None,
            "problem",
            "which the gateway does not take",
            "mcpauth ingress --force",
        ),
    ] {
        let mut patient = Patient::new();
        if let Some(audience) = audience {
            patient.env("INGRESS_OAUTH_AUDIENCE", audience);
        }
        patient.user.run(&["ingress"]).code(0);
        // What is in force now asks for no audience: the token is an old one.
        patient.env("INGRESS_OAUTH_AUDIENCE", "");
        let issuer = other_issuer.unwrap_or(patient.idp.issuer()).to_owned();
        let gateway = gateway_that_says(resource, &issuer);
        patient.env("REGISTRY_URL", &gateway.base);
        let diagnosis = patient.doctor(&[]);
        diagnosis.has("tokens.audience", status, found, remedy);
        diagnosis.has("gateway.metadata", "warn", "calls itself", "public_url");
    }
}

#[test]
fn a_machine_that_runs_a_gateway_needs_no_credential_and_its_issuers_are_asked() {
    let patient = Patient::new();
    let user = User::new();
    user.file("scopes.yml", GOOD_POLICY);
    let server = json!({"server_name": "Fin", "path": "/fininfo/", "proxy_pass_url": "http://127.0.0.1:1/"});
    user.file("servers/fininfo.json", &server.to_string());
    let settings = |issuer: &str| {
        format!(
            "issuers:\n  - issuer: {issuer}\n    kind: cognito\n    clients: [agent]\npolicy: scopes.yml\nservers: servers\n"
        )
    };
    user.file("gateway.yaml", &settings(patient.idp.issuer()));
    let good = diagnose(&user, &[]);
    good.has("gateway.settings", "ok", "gateway.yaml are fine (servers: 1)", "");
    good.has("issuer.reachable", "ok", patient.idp.issuer(), "");
    assert!(!good.ran.stdout.contains("nothing is configured"));
    let gone = nobody();
    user.file("gateway.yaml", &settings(&gone));
    diagnose(&user, &[]).has("issuer.reachable", "problem", "cannot connect to", "mcpauth gateway check");
    user.file("gateway.yaml", "issuer: [\n");
    diagnose(&user, &["--offline"]).has(
        "gateway.settings",
        "problem",
        "gateway.yaml",
        "mcpauth gateway schema",
    );
}
