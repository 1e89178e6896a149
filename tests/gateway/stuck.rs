//! Files that nobody sees the end of: pipes and devices under the names of the gateway's files, and a file system that does
//! not answer. Nothing waits for them, `/readyz` says so, and what can be read counts.
//! It leaves files with something wrong in them to `cli` and `protocol`.
#![cfg(all(test, unix))]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::path::Path;
use std::process::Command;

use mcpauth::gateway::StartError;
use serde_json::json;

use super::serve::{SERVE, Site};
use crate::support::lab::{ALLOWED, HANG, Lab, POLICY, Worker, request, until};

const KEPT: &str = "what was in force stays in force";
/// Settings that are only found do not send a secret's name to a device; named ones are read as they are.
const NAMED: [&str; 2] = ["--config", "gateway.yaml"];
const NOBODY: &str = "stranger:\n- server: alpha\n  methods: [tools/call]\n  tools: [echo]\n";

fn pipe(path: &Path) {
    let _ = std::fs::remove_file(path);
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(path).status().unwrap().success());
}

fn device(path: &Path) {
    let _ = std::fs::remove_file(path);
    std::os::unix::fs::symlink("/dev/zero", path).unwrap();
}

/// Every file that the gateway may have but those of single servers, by its name in the project's folder.
const FILES: [&str; 7] =
    ["scopes.yml", "shadow.yml", "revoked.txt", "tls.crt", "tls.key", "session.key", "secret.txt"];
const ALL: &str = "shadow: shadow.yml\nrevocation_list: revoked.txt\nsession_key: session.key\n\
                   tls: {certificate: tls.crt, key: tls.key}\nlimits: {lame_duck: 0}\n";

fn complete() -> Site {
    let site = Site::new(ALL);
    let identity = crate::support::tls::Authority::new().issue();
    let issuer = site.idp.issuer();
    let introspected = format!(
        "issuers: [{{issuer: '{issuer}', audience: [a], introspection: {{client_id: c, client_secret: secret.txt}}}}]\n\
         health: {{interval: 0}}\n{ALL}"
    );
    site.user.file("gateway.yaml", &introspected);
    site.user.file("shadow.yml", POLICY);
    site.user.file("revoked.txt", "");
    site.user.file("session.key", &"k".repeat(32));
    site.user.file("secret.txt", "s3cret");
    site.user.file("tls.crt", &identity.certificate);
    site.user.file("tls.key", &identity.key);
    site
}

#[test]
fn it_does_not_start_with_a_pipe_or_a_device_and_names_it() {
    let site = complete();
    for name in FILES {
        let path = site.path(name);
        let before = std::fs::read(&path).ok();
        for make in [pipe, device] {
            make(&path);
            let said = site.user.start(&[&SERVE[..], &NAMED].concat()).end().code(2).stderr;
            assert!(said.contains(name), "{name}: {said}");
            let said = site.user.start(&[&["gateway", "check"], &NAMED[..]].concat()).end().code(7).stdout;
            assert!(said.contains(name), "{name}: {said}");
        }
        std::fs::remove_file(&path).unwrap();
        if let Some(before) = before {
            site.user.file(name, &String::from_utf8(before).unwrap());
        }
    }
    // Put back, they are all good.
    let running = site.user.start(&["gateway", "serve", "--listen", "127.0.0.1:0"]);
    let mut running = running;
    running.line(|line| line.contains("listening"));
    running.signal("TERM");
    running.end().code(0);
}

#[test]
fn settings_and_audit_that_are_pipes_are_refused() {
    let site = Site::new("audit: audit.log\n");
    pipe(&site.path("audit.log"));
    let said = site.user.start(&["gateway", "serve", "--listen", "127.0.0.1:0"]).end().code(2).stderr;
    assert!(said.contains("audit.log: not a regular file"), "{said}");
    pipe(&site.path("gateway.yaml"));
    for args in [&["gateway", "serve"][..], &["gateway", "check", "--config", "gateway.yaml"]] {
        let said = site.user.start(args).end().code(2).stderr;
        assert!(said.contains("gateway.yaml: not a regular file"), "{said}");
    }
}

fn ready(lab: &Lab) -> bool {
    lab.readiness() == (200, "ok\n".into())
}

fn with_revoked() -> Lab {
    Lab::with(|settings, dir| {
        std::fs::write(dir.join("revoked.txt"), "").unwrap();
        settings.revocation_list = Some(dir.join("revoked.txt"));
    })
}

#[test]
fn a_pipe_that_comes_later_stops_nothing_and_is_said() {
    for (file, key) in [("scopes.yml", "policy"), ("revoked.txt", "revocation_list")] {
        for make in [pipe, device] {
            let worker = Worker::of(with_revoked());
            let lab = &worker.lab;
            until("ready", || ready(lab));
            let before = std::fs::read(lab.path(file)).ok();
            make(&lab.path(file));
            lab.gateway.reload();
            until("not ready", || lab.readiness() == (503, format!("not ready: {key} cannot be read\n")));
            let said = |event: &String| event.contains(file) && event.ends_with(KEPT);
            until("it is said", || lab.kept.events().iter().any(said));
            assert_eq!(lab.raw(&request("GET", "/healthz", &[], b"")).status, 200);
            worker.post(&[], ALLOWED.as_bytes()).status(200);
            // What takes rights away counts nevertheless.
            if file == "revoked.txt" {
                lab.reload("scopes.yml", NOBODY, "are in force");
                worker.post(&[], ALLOWED.as_bytes()).status(403);
            } else {
                lab.reload("revoked.txt", "client_id: worker\n", "are in force");
                worker.post(&[], ALLOWED.as_bytes()).status(401);
            }
            assert_eq!(lab.readiness().0, 503);
            std::fs::remove_file(lab.path(file)).unwrap();
            if let Some(before) = before {
                std::fs::write(lab.path(file), before).unwrap();
            }
            until("ready again", || ready(lab));
        }
    }
}

#[test]
fn a_servers_file_that_is_a_pipe_stops_no_other_server() {
    for file in ["servers/new.json", "servers/alpha.json"] {
        for make in [pipe, device] {
            let worker = Worker::of(with_revoked());
            let lab = &worker.lab;
            until("ready", || ready(lab));
            let before = std::fs::read(lab.path(file)).ok();
            make(&lab.path(file));
            lab.gateway.reload();
            let said = |event: &String| event.contains(file);
            until("it is said", || lab.kept.events().iter().any(said));
            assert!(ready(lab));
            worker.post(&[], ALLOWED.as_bytes()).status(200);
            std::fs::remove_file(lab.path(file)).unwrap();
            if let Some(before) = before {
                std::fs::write(lab.path(file), before).unwrap();
            }
            let off = r#"{"/alpha": false}"#;
            lab.reload("servers/server_state.json", off, "are in force");
            worker.post(&[], ALLOWED.as_bytes()).status(503);
        }
    }
    // Nor does it keep a gateway from starting.
    let site = complete();
    for make in [pipe, device] {
        make(&site.path("servers/pipe.json"));
        let said = site.user.start(&["gateway", "check"]).end().code(7).stdout;
        assert!(said.contains("servers/pipe.json: not a regular file; left out"), "{said}");
        let mut running = site.user.start(&["gateway", "serve", "--listen", "127.0.0.1:0"]);
        running.line(|line| line.contains("listening"));
        running.signal("TERM");
        running.end().code(0);
    }
}

#[test]
fn a_file_system_that_does_not_answer_stops_nothing() {
    let worker = Worker::of(Lab::with(|settings, dir| {
        settings.limits.file_read_timeout = 1;
        settings.header_variables = vec!["SLOW".into()];
        std::fs::write(dir.join("revoked.txt"), "").unwrap();
        settings.revocation_list = Some(dir.join("revoked.txt"));
    }));
    let lab = &worker.lab;
    std::fs::write(lab.path(HANG), "").unwrap();
    let slow = json!({"path": "/slow", "proxy_pass_url": lab.alpha.base(), "headers": {"X-Slow": "$SLOW"}});
    std::fs::write(lab.path("servers/slow.json"), slow.to_string()).unwrap();
    lab.gateway.reload();
    until("not ready", || lab.readiness() == (503, "not ready: servers cannot be read\n".into()));
    let late = |event: &String| event.contains("longer than 1 s") && event.ends_with(KEPT);
    until("it is said", || lab.kept.events().iter().any(late));
    worker.post(&[], ALLOWED.as_bytes()).status(200);
    lab.reload("scopes.yml", NOBODY, "are in force");
    worker.post(&[], ALLOWED.as_bytes()).status(403);
    lab.reload("scopes.yml", POLICY, "are in force");
    lab.reload("revoked.txt", "client_id: worker\n", "are in force");
    worker.post(&[], ALLOWED.as_bytes()).status(401);
    std::fs::remove_file(lab.path(HANG)).unwrap();
    until("ready again", || ready(lab));
    until("the server is there", || lab.call(&lab.token("root"), "slow", "echo").status == 200);
    assert!(lab.alpha.arrived().iter().any(|arrived| arrived.headers.contains("x-slow: value-of-SLOW\n")));
}

#[test]
fn it_does_not_start_on_a_file_system_that_does_not_answer() {
    let mut hang = None;
    let started = Lab::started(|settings, dir| {
        settings.limits.file_read_timeout = 1;
        settings.header_variables = vec!["SLOW".into()];
        hang = Some(dir.join(HANG));
        std::fs::write(dir.join(HANG), "").unwrap();
        let slow = json!({"path": "/slow", "proxy_pass_url": "http://h", "headers": {"X-Slow": "$SLOW"}});
        std::fs::write(dir.join("servers/slow.json"), slow.to_string()).unwrap();
    });
    let error = started.map(|_| ()).unwrap_err();
    assert!(matches!(error, StartError::Load(_)), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("servers: reading it takes longer than 1 s; its file system may not answer")
    );
    assert!(!hang.unwrap().exists(), "with its folder the file is gone, and the thread ends");
}

/// Whatever else may stand there instead: the folder of servers, a policy that only watches, who is switched off.
#[test]
fn every_other_file_may_be_a_pipe_later_too() {
    for (file, key) in
        [("servers", "servers"), ("servers/server_state.json", "servers"), ("shadow.yml", "shadow")]
    {
        for make in [pipe, device] {
            let worker = Lab::with(|settings, dir| {
                std::fs::write(dir.join("revoked.txt"), "").unwrap();
                std::fs::write(dir.join("shadow.yml"), POLICY).unwrap();
                settings.revocation_list = Some(dir.join("revoked.txt"));
                settings.shadow = Some(dir.join("shadow.yml"));
            });
            let worker = Worker::of(worker);
            let lab = &worker.lab;
            until("ready", || ready(lab));
            let (path, aside) = (lab.path(file), lab.path("aside"));
            let was = path.exists();
            if was {
                std::fs::rename(&path, &aside).unwrap();
            }
            make(&path);
            lab.gateway.reload();
            until("not ready", || lab.readiness() == (503, format!("not ready: {key} cannot be read\n")));
            worker.post(&[], ALLOWED.as_bytes()).status(200);
            lab.reload("revoked.txt", "client_id: worker\n", "are in force");
            worker.post(&[], ALLOWED.as_bytes()).status(401);
            std::fs::remove_file(&path).unwrap();
            if was {
                std::fs::rename(&aside, &path).unwrap();
            }
            until("ready again", || ready(lab));
        }
    }
}
