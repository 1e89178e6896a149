//! Who answers and who does not, whose clock is off, and what a gateway publishes about itself.
#![cfg(test)]

use std::io::{Read, Write};
use std::net::TcpListener;

use mcpauth::sys::clock;
use serde_json::json;
use time::OffsetDateTime;
use time::macros::format_description;

use super::{GOOD_POLICY, Patient, diagnose};
use crate::support::lab::Lab;
use crate::support::wire::Scripted;
use crate::support::{User, nobody};

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
        ("", None, None, "ok", "has no audience", ""),
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
            "which the gateway does not accept",
            "mcpauth ingress --force",
        ),
    ] {
        let mut patient = Patient::new();
        if let Some(audience) = audience {
            patient.env("INGRESS_OAUTH_AUDIENCE", audience);
        }
        patient.user.run(&["ingress"]).code(0);
        // The current settings request no audience: the token is an old one.
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

#[test]
fn a_real_gateway_is_known_by_its_probes_and_its_document() {
    let lab = Lab::start();
    let mut user = User::new();
    user.env("INGRESS_OAUTH_ISSUER", lab.idp.issuer())
        .env("INGRESS_OAUTH_CLIENT_ID", "worker")
        .env("INGRESS_OAUTH_CLIENT_SECRET", "secret")
        .env("REGISTRY_URL", format!("http://{}", lab.gateway.address()));
    let server = json!({"server_name": "Alpha", "path": "/alpha", "auth_type": "none"});
    user.file("servers/alpha.json", &server.to_string());
    user.run(&["ingress"]).code(0);
    let diagnosis = diagnose(&user, &[]);
    diagnosis.has("gateway.reachable", "ok", "answers and is ready", "");
    diagnosis.has("tokens.audience", "ok", "ingress.json has no audience", "");
}
