//! A full disk costs no credential: what cannot be stored is not requested. On a small file system of its own, if the
//! tests may mount one, and with a file size limit, everywhere.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests fill a disk")]
#![expect(clippy::print_stderr, reason = "a test that was skipped says so")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use mcpauth::demo::idp::IdpEvent;
use serde_json::json;

use crate::rotation::presented;
use crate::support::wire::{decide, get, idp};
use crate::support::{User, ended, read_json};

const FILE: &str = "tracker-egress.json";

/// A small file system; it goes with the value.
pub(crate) struct Small {
    at: PathBuf,
}

impl Small {
    /// `None`, with a message, if mounting is not allowed.
    pub(crate) fn mount(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let option = format!("size={size},mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &option, "none"]).arg(at).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { at: at.into() });
        }
        eprintln!("SKIPPED: this user may not mount a tmpfs, so no disk was filled");
        None
    }

    /// Uses up all the space that is left.
    pub(crate) fn fill(&self) {
        let mut file = std::fs::File::create(self.at.join("filler")).unwrap();
        for size in [4096, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    pub(crate) fn free(&self) {
        std::fs::remove_file(self.at.join("filler")).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l"]).arg(&self.at).status();
    }
}

#[test]
fn a_full_disk_does_not_cost_the_login() {
    let idp = idp(300);
    let user = User::at(&idp);
    let folder = user.project().join(".oauth-tokens");
    let Some(disk) = Small::mount(&folder, "64k") else { return };
    user.log_in();
    user.plant(FILE, &[("expires_at", json!(1.0))]);
    let before = user.token(FILE);
    disk.fill();
    for _ in 0..3 {
        let ran = user.run(&["egress"]).code(1);
        assert!(ran.stderr.contains("No space left on device"), "{}", ran.stderr);
        assert_eq!((read_json(&folder.join(FILE)), presented(&idp).len()), (before.clone(), 0));
    }
    disk.free();
    user.run(&["egress"]).code(0);
    assert_eq!(presented(&idp).iter().map(|(_, ok)| *ok).collect::<Vec<_>>(), [true]);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2, "the token and the locks");
}

#[test]
fn a_disk_that_fills_while_the_answer_is_on_its_way_does_not_cost_the_login() {
    let user = User::new();
    let folder = user.project().join(".oauth-tokens");
    let Some(disk) = Small::mount(&folder, "128k") else { return };
    let slow = crate::rotation::Slow::start();
    let user = slow.known_to(user);
    let running = user.start(&["egress"]);
    slow.asked();
    disk.fill();
    slow.answer();
    running.end().code(0);
    slow.is_kept_by(&user);
    disk.free();
}

#[test]
fn a_full_disk_is_said_before_a_person_logs_in_or_a_client_is_asked_for() {
    let idp = idp(300);
    let user = User::at(&idp);
    let Some(disk) = Small::mount(&user.project().join(".oauth-tokens"), "64k") else { return };
    std::fs::create_dir(user.project().join(".oauth-tokens/.locks")).unwrap();
    disk.fill();
    let ran = user.run(&["egress", "--no-browser"]).code(1);
    assert!(!ran.stderr.contains("/authorize"), "{}", ran.stderr);
    assert!(ran.stderr.contains("No space left on device"), "{}", ran.stderr);
    assert!(
        !idp.seen().iter().any(|seen| matches!(seen, IdpEvent::Token { .. } | IdpEvent::Authorized { .. }))
    );
    disk.free();
    let mut running = user.start(&["egress", "--no-browser"]);
    let back = decide(&running.url(), "allow");
    disk.fill();
    assert_eq!(get(&back).status, 200);
    running.end().code(0);
    assert!(user.token(FILE)["refresh_token"].is_string(), "its room was taken before the person came");
}

/// Files may not grow past 2 KiB, in a shell's blocks of 512 bytes.
#[test]
fn a_limit_on_files_sizes_does_not_cost_the_login() {
    let idp = idp(300);
    let user = User::at(&idp);
    user.log_in();
    user.plant(FILE, &[("expires_at", json!(1.0))]);
    let before = user.token(FILE);
    let ran = ended(user.shell("ulimit -f 4; exec mcpauth egress").spawn().unwrap()).code(1);
    assert!(ran.stderr.contains("File too large"), "{}", ran.stderr);
    assert_eq!((user.token(FILE), presented(&idp).len()), (before, 0));
    user.run(&["egress"]).code(0);
}

#[test]
fn a_token_that_is_still_good_does_where_no_new_one_can_be_kept() {
    let idp = idp(300);
    let user = User::at(&idp);
    let Some(disk) = Small::mount(&user.project().join(".oauth-tokens"), "64k") else { return };
    user.log_in();
    let now = mcpauth::sys::clock::now();
    let saved = mcpauth::sys::clock::human(now - 3_540);
    user.plant(FILE, &[("expires_at", json!(now + 60)), ("saved_at", json!(saved))]);
    disk.fill();
    let ran = user.run(&["egress"]).code(0);
    assert!(ran.stderr.contains("the current token is still valid"), "{}", ran.stderr);
    assert_eq!(presented(&idp).len(), 0);
}

/// Every verb that writes: what was there stays, the message names the file, and the exit code says so.
#[test]
fn a_full_disk_costs_no_file_of_any_verb() {
    let idp = idp(300);
    let mut user = User::at(&idp);
    user.file("servers/time.json", r#"{"server_name": "T", "path": "/time", "auth_type": "none"}"#);
    let small = user.project().join("small");
    let Some(disk) = Small::mount(&small, "512k") else { return };
    user.env("MCPAUTH_DATA_DIR", small.join("data").display().to_string());
    user.env("HOME", small.join("home").display().to_string());
    let cursor = small.join("home/.cursor/mcp.json");
    std::fs::create_dir_all(cursor.parent().unwrap()).unwrap();
    let entry = r#"{"mcpServers": {"desk": {"command": "npx", "args": ["-y", "desk"], "env": {"API_KEY": "sk-imported-0123456789abcdef"}}}}"#;
    std::fs::write(&cursor, entry).unwrap();
    let env = small.join("project.env");
    mcpauth::sys::private_file::write(&env, "AWS_REGION=eu-west-1\n").unwrap();
    user.run_with(&["secret", "set", "files", "API_KEY"], "the-first-key").code(0);
    user.run(&["man", "--dir", "small/man"]).code(0);
    let page = std::fs::read(small.join("man/mcpauth.1")).unwrap();
    let stored = user.run(&["exec", "files", "--", "sh", "-c", "printf %s \"$API_KEY\""]).code(0).stdout;
    let address = format!("{}/mcp", crate::advised::server().base);
    disk.fill();
    let long = "x".repeat(9_000);
    let verbs: [(&[&str], &str); 6] = [
        (&["login", &address, "--with-token"], &long),
        (&["secret", "set", "files", "API_KEY"], &long),
        (&["secret", "set", "other", "API_KEY"], "k"),
        (&["import", "--client", "cursor", "--yes"], ""),
        (&["config", "install", "--client", "cursor"], ""),
        (&["man", "--dir", "small/man"], ""),
    ];
    for (verb, stdin) in verbs {
        let ran = user.run_with(verb, stdin);
        assert_eq!(ran.code, Some(1), "{verb:?}: {ran:?}");
        let said = ran.stdout.clone() + &ran.stderr;
        assert!(said.contains("No space left on device") && said.contains("small/"), "{verb:?}: {said}");
        assert!(!said.contains("the-first-key") && !said.contains(&long), "{verb:?}");
        assert_eq!(std::fs::read_to_string(&cursor).unwrap(), entry, "{verb:?}");
        assert_eq!(std::fs::read(small.join("man/mcpauth.1")).unwrap(), page, "{verb:?}");
        assert_eq!(std::fs::read_to_string(&env).unwrap(), "AWS_REGION=eu-west-1\n", "{verb:?}");
        let again = user.run(&["exec", "files", "--", "sh", "-c", "printf %s \"$API_KEY\""]).code(0).stdout;
        assert_eq!(again, stored, "{verb:?}");
    }
    disk.free();
    for (verb, stdin) in verbs {
        user.run_with(verb, stdin).code(0);
    }
}

/// Keys, the ledger's tokens and the list of the revoked: each stays as it was, and none is begun.
#[test]
fn a_full_disk_costs_no_vended_token_and_revokes_no_half_of_them() {
    let user = User::new();
    let small = user.project().join("small");
    let Some(disk) = Small::mount(&small, "256k") else { return };
    user.file("small/gateway.yaml", "vending: {key: keys, issuer: 'https://g.test'}\n");
    mcpauth::sys::private_file::create_dir(&small.join("keys")).unwrap();
    let ids: Vec<String> = (0..300).map(|n| format!("{n:032}")).collect();
    user.file("small/vended.jsonl", &ids.iter().map(|id| crate::completions::vended(id)).collect::<String>());
    let run = |words: &[&str]| {
        user.run(&[&["gateway", "token"], words, &["--config", "small/gateway.yaml"]].concat())
    };
    let made = run(&["key", "--json"]).code(0).json()["key"].as_str().unwrap().to_owned();
    // A key is called by its second, and the next one may be made in the same.
    std::fs::rename(made, small.join("keys/first.pem")).unwrap();
    run(&["revoke", &ids[0]]).code(0);
    let keys = || std::fs::read_dir(small.join("keys")).unwrap().count();
    let texts = || ["vended.jsonl", "revoked"].map(|name| std::fs::read_to_string(small.join(name)).unwrap());
    let before = texts();
    disk.fill();
    for words in [&["key"][..], &["revoke", "--all"], &["key"], &["revoke", "--all", "--json"]] {
        let ran = run(words).code(1);
        assert!(ran.stderr.contains("No space left on device"), "{words:?}: {}", ran.stderr);
        assert_eq!((keys(), texts()), (1, before.clone()), "{words:?}");
        let listed = run(&["list", "--json"]).code(0).json();
        let revoked = listed["tokens"].as_array().unwrap().iter().filter(|token| token["revoked"] == true);
        assert_eq!(revoked.count(), 1, "{words:?}");
    }
    disk.free();
    run(&["key"]).code(0);
    assert_eq!(run(&["revoke", "--all", "--json"]).code(0).json()["new"], 299);
    assert_eq!((keys(), texts()[1].lines().filter(|line| line.starts_with("jti: ")).count()), (2, 300));
}
