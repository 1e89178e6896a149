//! The audit is guaranteed: if a line cannot be written, no request is processed, and what was done is written once
//! that is possible. Full disks, file size limits, closed and stuck pipes. Not here: the content of a line (see
//! `audit`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests look at the gateway's files and empty them")]

use std::io::Read;
use std::process::Stdio;

use serde_json::{Value, json};

use super::serve::{SERVE, Served, Site, lines};
use crate::full_disk::Small;
use crate::support::lab::{ALLOWED, REFUSED, until};
use crate::support::wire::get;

/// Named settings may send the audit out of their folder; found ones may not.
const NAMED: [&str; 4] = ["--config", "gateway.yaml", "--admin", "127.0.0.1:0"];

fn ready(served: &Served) -> u16 {
    get(&format!("http://{}/readyz", served.address)).status
}

/// The sum of a counter over its series.
fn counted(served: &Served, name: &str) -> u64 {
    let url = served.listening().split("metrics at ").nth(1).unwrap().to_owned();
    let text = get(&url).body;
    let values = text.lines().filter(|line| line.starts_with(name) && !line.starts_with('#'));
    values.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// Calls until the gateway refuses because it has no audit; returns how many it allowed.
fn exhaust(site: &Site, served: &Served) -> usize {
    for allowed in 0..10_000 {
        let answer = site.ask(served.address, ALLOWED);
        if answer.status == 503 {
            assert_eq!(answer.json()["error"]["data"]["reason"], "audit");
            assert_eq!(answer.header("retry-after"), Some("1"));
            return allowed;
        }
        assert_eq!(answer.status, 200);
    }
    panic!("it never refuses");
}

/// Calls until it is served again; returns how often it called.
fn recover(site: &Site, served: &Served) {
    until("ready again", || ready(served) == 200);
    site.ask(served.address, ALLOWED).status(200);
}

fn allowed(lines: &[Value]) -> usize {
    lines.iter().filter(|line| line["verdict"] == "allowed").count()
}

#[test]
fn where_no_line_can_be_written_nothing_is_done() {
    let site = Site::new("audit: /dev/full\n");
    let served = site.serve(&NAMED);
    until("ready", || ready(&served) == 200);
    let through = exhaust(&site, &served);
    let before = site.upstream.seen().len();
    assert_eq!(before, through);
    for body in [ALLOWED, REFUSED] {
        assert_eq!(site.ask(served.address, body).status, 503);
    }
    assert_eq!((site.upstream.seen().len(), ready(&served)), (before, 503));
    assert_eq!(get(&format!("http://{}/healthz", served.address)).status, 200);
    assert!(counted(&served, "mcpauth_audit_failures_total") > 0);
    assert_eq!(counted(&served, "mcpauth_audit_lines_lost_total"), 3);
    assert_eq!(counted(&served, "mcpauth_refusals_total{reason=\"audit\""), 3);
    until("tried again", || counted(&served, "mcpauth_audit_failures_total") > 3);
    let ran = served.end("TERM").code(0);
    let said: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("No space left")).collect();
    assert!(said.len() == 1 && said[0].contains("warn audit: ") && said[0].contains("/dev/full"), "{said:?}");
    assert!(ran.stderr.contains(&format!("{through} lines were never written")), "{}", ran.stderr);
}

#[test]
fn who_wants_service_at_any_price_has_it_and_is_told_the_price() {
    let site = Site::new("audit: /dev/full\naudit_failure: continue\n");
    let served = site.serve(&NAMED);
    for _ in 0..20 {
        site.ask(served.address, ALLOWED).status(200);
    }
    until("a failure", || counted(&served, "mcpauth_audit_failures_total") > 0);
    site.ask(served.address, ALLOWED).status(200);
    assert_eq!(ready(&served), 200);
    let ran = served.end("TERM").code(0);
    assert!(ran.stderr.contains("requests continue"), "{}", ran.stderr);
    let lost =
        ran.stderr.lines().filter_map(|line| line.split(" lines were never").next()?.rsplit(' ').next());
    let lost: usize = lost.filter_map(|count| count.parse::<usize>().ok()).sum();
    assert_eq!(lost, 21, "{}", ran.stderr);
}

#[test]
fn a_disk_that_was_full_has_a_line_for_each_call_that_was_let_through() {
    let site = Site::new("audit: logs/audit.log\n");
    let Some(disk) = Small::mount(&site.path("logs"), "64k") else { return };
    let served = site.serve(&[]);
    site.ask(served.address, ALLOWED).status(200);
    until("the first line", || site.path("logs/audit.log").metadata().is_ok_and(|about| about.len() > 0));
    disk.fill();
    let mut through = 1 + exhaust(&site, &served);
    assert_eq!(ready(&served), 503);
    disk.free();
    recover(&site, &served);
    through += 1;
    assert_eq!(site.upstream.seen().len(), through);
    let ran = served.end("TERM").code(0);
    assert!(ran.stderr.contains("writing works again"), "{}", ran.stderr);
    let text = std::fs::read_to_string(site.path("logs/audit.log")).unwrap();
    assert_eq!(allowed(&lines(&text)), through, "each row is whole");
}

/// A gateway whose audit may grow to 256 KiB, and has rows of other days but for the last KiB of them.
fn limited(site: &Site) -> Served {
    let row = "{\"verdict\":\"old\"}\n";
    site.user.file("audit.log", &row.repeat((255 << 10) / row.len()));
    site.serve_by(site.user.shell(&format!("ulimit -f 512; exec mcpauth {}", SERVE.join(" "))))
}

/// The whole rows of a file that may end with a part of one.
fn whole(text: &str) -> (Vec<Value>, &str) {
    let (whole, begun) = text.rsplit_once('\n').unwrap();
    (lines(&format!("{whole}\n")), begun)
}

#[test]
fn a_line_that_was_begun_is_never_followed_on_its_row() {
    let site = Site::new("audit: audit.log\n");
    let served = limited(&site);
    let mut through = exhaust(&site, &served);
    let full = std::fs::read_to_string(site.path("audit.log")).unwrap();
    assert_eq!(full.len(), 256 << 10);
    let (before, begun) = whole(&full);
    assert!(serde_json::from_str::<Value>(begun).is_err(), "{begun}");
    // Another process rotates the old lines away and empties the file.
    std::fs::write(site.path("audit.log"), "").unwrap();
    recover(&site, &served);
    through += 1;
    served.end("TERM").code(0);
    let after = lines(&std::fs::read_to_string(site.path("audit.log")).unwrap());
    assert_eq!(allowed(&before) + allowed(&after), through);
}

/// What is written to a removed file is read by nobody: it is made again, and where that is not possible nothing is done.
#[test]
fn a_file_that_was_removed_is_made_again_or_nothing_is_done() {
    let site = Site::new("audit: logs/audit.log\n");
    std::fs::create_dir_all(site.path("logs")).unwrap();
    let served = site.serve(&[]);
    let (folder, file) = (site.path("logs"), site.path("logs/audit.log"));
    let written = || file.metadata().is_ok_and(|about| about.len() > 0);
    site.ask(served.address, ALLOWED).status(200);
    until("the first line", written);
    std::fs::remove_file(&file).unwrap();
    site.ask(served.address, ALLOWED).status(200);
    until("a line in a new file", written);
    std::fs::remove_dir_all(&folder).unwrap();
    let through = exhaust(&site, &served);
    let before = site.upstream.seen().len();
    assert_eq!((before, ready(&served)), (2 + through, 503));
    std::fs::create_dir(&folder).unwrap();
    recover(&site, &served);
    served.end("TERM").code(0);
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(allowed(&lines(&text)), through + 1, "of what was let through without a file, too");
}

#[test]
fn a_file_begun_anew_begins_with_a_whole_line() {
    let site = Site::new("audit: audit.log\n");
    let served = limited(&site);
    let mut through = exhaust(&site, &served);
    std::fs::rename(site.path("audit.log"), site.path("audit.1")).unwrap();
    served.signal("HUP");
    recover(&site, &served);
    through += 1;
    served.end("TERM").code(0);
    let old = std::fs::read_to_string(site.path("audit.1")).unwrap();
    let new = lines(&std::fs::read_to_string(site.path("audit.log")).unwrap());
    assert_eq!(allowed(&whole(&old).0) + allowed(&new), through);
}

#[test]
fn nobody_reads_stdout_and_nothing_is_done() {
    let site = Site::new("");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = site.user.command(&SERVE);
    command.stdout(Stdio::from(writer));
    let served = site.serve_by(command);
    let through = exhaust(&site, &served);
    assert_eq!((site.upstream.seen().len(), ready(&served)), (through, 503));
    let ran = served.end("TERM").code(0);
    assert!(ran.stderr.contains("audit: stdout: Broken pipe"), "{}", ran.stderr);
}

/// No worker waits for the reader: the gateway answers though its lines go nowhere for now.
#[test]
fn a_reader_that_is_stuck_stops_no_worker() {
    let site = Site::new("workers: 1\n");
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = site.user.command(&SERVE);
    command.stdout(Stdio::from(writer));
    let served = site.serve_by(command);
    // A pipe has room for 64 KiB; each line has a third of a KiB at least.
    const CALLS: usize = 400;
    for _ in 0..CALLS {
        site.ask(served.address, ALLOWED).status(200);
    }
    assert_eq!(ready(&served), 200);
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    served.end("TERM").code(0);
    assert_eq!(allowed(&lines(&reading.join().unwrap())), CALLS);
}

#[test]
fn a_word_that_is_none_is_refused() {
    let site = Site::new("audit_failure: ignore\n");
    let ran = site.user.start(&[&SERVE[..], &["--json"]].concat()).end().code(2);
    assert!(ran.json_error()["message"].as_str().unwrap().contains("refuse, continue"), "{}", ran.stderr);
    assert_eq!(json!(site.upstream.seen().len()), 0);
}

/// A pipe under the audit's name, after the file was moved away: nothing waits for its reader, and no line goes
/// there.
#[test]
fn a_file_begun_anew_is_no_pipe() {
    let site = Site::new("audit: audit.log\n");
    let mut served = site.serve(&[]);
    std::fs::rename(site.path("audit.log"), site.path("audit.1")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(site.path("audit.log")).status().unwrap();
    assert!(made.success());
    served.signal("HUP");
    served.running.as_mut().unwrap().line(|line| line.contains("writing to the old file"));
    site.ask(served.address, ALLOWED).status(200);
    until("its line", || std::fs::read_to_string(site.path("audit.1")).unwrap().ends_with("}\n"));
    std::fs::remove_file(site.path("audit.log")).unwrap();
    served.signal("HUP");
    until("the new file", || site.path("audit.log").exists());
    site.ask(served.address, ALLOWED).status(200);
    served.end("TERM").code(0);
    for name in ["audit.1", "audit.log"] {
        assert_eq!(allowed(&lines(&std::fs::read_to_string(site.path(name)).unwrap())), 1, "{name}");
    }
}
