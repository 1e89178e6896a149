//! A full disk under a running gateway: no token is vended that the ledger does not have, and no change of the registry is
//! half made. Not here: the audit (see `audit_faults`); the command line (see `crate::full_disk`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests look at the gateway's files")]

use std::collections::BTreeMap;
use std::path::Path;

use mcpauth::sys::private_file;

use super::vending::{exchange, p256, vended, vends};
use crate::full_disk::Small;
use crate::support::face::FaceLab;
use crate::support::lab::Lab;

/// Every file of a folder but what fills it.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let kept = entries.filter(|path| path.is_file() && name(path) != "filler");
    kept.map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn no_token_is_vended_that_the_ledger_has_no_room_for() {
    let mut disk = None;
    let lab = Lab::with(|settings, dir| {
        vends(settings, dir, &p256());
        let small = dir.join("small");
        disk = Small::mount(&small, "64k");
        settings.vending.as_mut().unwrap().ledger = small.join("vended.jsonl");
    });
    let Some(disk) = disk else { return };
    let (source, small) = (lab.token("worker"), lab.path("small"));
    let before = vended(&lab, &source, &[]);
    disk.fill();
    let kept = files(&small);
    let mut refused = 0;
    // What the ledger's last page has room for is entered.
    for place in 0..9 {
        let long = place.to_string().repeat(200);
        let answer = exchange(&lab, &source, &[("agent", &long), ("description", &long)]);
        refused += usize::from(answer.status == 503);
        assert!(matches!(answer.status, 200 | 503), "{}", answer.text());
        assert!(answer.status == 200 || !answer.text().contains("access_token"), "{}", answer.text());
    }
    assert!(refused > 0, "{refused}");
    let ledger = private_file::read(&small.join("vended.jsonl")).unwrap().unwrap();
    assert!(ledger.starts_with(&kept["vended.jsonl"]) && ledger.ends_with('\n'), "each line is whole");
    assert_eq!(ledger.lines().filter(|line| line.contains("\"vended\"")).count(), 10 - refused);
    lab.call(&before, "alpha", "echo").status(200);
    disk.free();
    vended(&lab, &lab.token("reader"), &[]);
    assert!(lab.kept.events().iter().any(|event| event.contains("No space left on device")));
}

#[test]
fn no_change_of_the_registry_is_half_made() {
    let mut disk = None;
    let face = FaceLab::with(|_, dir| {
        let servers = dir.join("servers");
        let before = files(&servers);
        disk = Small::mount(&servers, "64k");
        for (name, text) in before {
            std::fs::write(servers.join(name), text).unwrap();
        }
    });
    let Some(disk) = disk else { return };
    let (servers, token) = (face.lab.path("servers"), face.token("admins"));
    let new = "name=New&path=%2Fnew&proxy_pass_url=http%3A%2F%2Fnew-server%3A8000%2F";
    let changes = [
        ("/api/register", new.to_owned()),
        ("/api/toggle/alpha", "enabled=off".into()),
        ("/api/edit/alpha", format!("description={}", "x".repeat(9_000))),
    ];
    disk.fill();
    let before = files(&servers);
    for (path, form) in &changes {
        let answer = face.post(&token, path, form);
        assert_eq!(answer.status, 500, "{path}: {}", answer.text());
        assert_eq!(files(&servers), before, "{path}");
        assert!(
            !answer.text().contains("server_state") && !answer.text().contains("/tmp"),
            "{}",
            answer.text()
        );
    }
    assert!(face.lab.kept.events().iter().any(|event| event.contains("No space left on device")));
    disk.free();
    for (path, form) in &changes {
        let status = face.post(&token, path, form).status;
        assert!(matches!(status, 200 | 201), "{path}: {status}");
    }
}
