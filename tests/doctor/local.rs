//! What can be checked without network requests: health, settings, tokens, ports, storage, surroundings.
#![cfg(test)]

use std::net::TcpListener;

use mcpauth::sys::clock;
use serde_json::json;

use super::{GOOD_POLICY, Patient, diagnose};
use crate::support::User;

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
    before.has("tokens.expiry", "problem", "not logged in yet", "run: mcpauth egress --config-set 1");
    assert!(!patient.path(".oauth-tokens").exists());
    before.code(7);

    patient.user.run(&["ingress"]).code(0);
    patient.logged_in();
    patient.policy(GOOD_POLICY);
    let asked = patient.idp.seen().len();
    let after = patient.doctor(&[]).code(0);
    assert_eq!(after.wrong(), [""; 0]);
    assert_eq!(patient.idp.seen().len(), asked, "valid tokens show that credentials work");
    after.has("tokens.expiry", "ok", "ingress cognito is valid, expires in", "");
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
    diagnosis.has("settings.files", "warn", "ignored, because it is not KEY=VALUE: ", "config show --origin");
}

#[test]
fn files_and_settings_that_overrule_each_other_are_named() {
    let mut user = User::new();
    user.file("credentials-provider/oauth/.env", "AWS_REGION=eu-west-1\nTENANT=same\n");
    user.file(".env", "AWS_REGION=us-east-1\nTENANT=same\nEGRESS_PROVIDER_NAME_2=desk\n");
    user.env("EGRESS_PROVIDER_NAME", "tracker");
    let diagnosis = diagnose(&user, &["--offline"]);
    diagnosis.has("settings.files", "ok", "oauth/.env (found here), ", "");
    diagnosis.has("settings.overruled", "warn", "AWS_REGION in", "remove one of the two");
    diagnosis.has(
        "settings.flows",
        "warn",
        "EGRESS_PROVIDER_NAME=tracker excludes egress set 2",
        "remove EGRESS_PROVIDER_NAME",
    );
    assert!(!diagnosis.ran.stdout.contains("TENANT"));
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
        (json!(null), past, "problem", "only a login can renew it", "mcpauth egress --config-set 1"),
        (json!("hunter2-r"), clock::now() + 60, "ok", "is renewed on its next use", ""),
        (
            json!(null),
            clock::now() + 60,
            "warn",
            "only a login can renew it",
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
    diagnosis.has("login.redirect", "problem", "is already in use", "stop the program that uses the port");
    patient.env("EGRESS_OAUTH_REDIRECT_URI_1", "https://app.example.test/callback");
    patient.doctor(&["--offline"]).has(
        "login.redirect",
        "warn",
        "does not point to a listener",
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
        "not one of file, keyring, auto",
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
    diagnosis.has("network.proxy", "warn", "ALL_PROXY is set in ", "export ALL_PROXY");
    diagnosis.has("network.certificates", "problem", "it has no PEM certificate", "correct SSL_CERT_FILE");
    diagnosis.has("login.browser", "warn", "this is an SSH session", "--no-browser");
}

#[test]
#[cfg(target_os = "linux")]
fn a_store_that_cannot_be_written_is_a_finding() {
    let mut user = User::new();
    // Nobody can make a file there.
    user.env("XDG_DATA_HOME", "/proc");
    let diagnosis = diagnose(&user, &["--offline"]).code(7);
    diagnosis.has("files.writable", "warn", "nothing can be stored in /proc/mcpauth/credentials", "");
}
