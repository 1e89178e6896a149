//! Other programs' `.env` files: one message says what was ignored, and shows none of it; the rest is read.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{Ran, User, mode};

const HIDDEN: &str = "hunter2";

/// Statements that set no entry from mcpauth, and how many of their lines are not `KEY=VALUE`.
const STRANGE: [(&str, usize); 12] = [
    ("hunter2_HOST_PASS", 1),
    ("export hunter2", 1),
    ("set -a\nX=1\nset +a", 2),
    ("MOTD='it's hunter2'", 1),
    ("MOTD=\"hunter2", 1),
    ("MOTD='hunter2", 1),
    ("MOTD=\"a\" hunter2", 1),
    ("hunter2: yaml\n[hunter2]", 2),
    ("source hunter2.sh\n. \"$HOME/hunter2\"", 2),
    ("if [ -f \"hunter2\" ]; then\nX=1\nfi", 2),
    ("X+=hunter2\nMY-KEY=hunter2", 2),
    ("cat <<EOF\nhunter2's text\nEOF", 3),
];

/// How a file may be given to us, and the flags for it.
const PLACES: [(&str, &[&str]); 4] = [
    ("project/.env", &[]),
    ("project/credentials-provider/oauth/.env", &[]),
    ("project/named", &["--env-file", "named"]),
    ("config/.env", &[]),
];

fn at(user: &User, place: &str) -> PathBuf {
    user.project().parent().unwrap().join(place)
}

fn lay(user: &User, place: &str, bytes: &[u8]) -> PathBuf {
    let path = at(user, place);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    mcpauth::sys::private_file::write(&path, "").unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

fn shown(user: &User, flags: &[&str]) -> Ran {
    user.run(&[flags, &["config", "show"]].concat()).code(0)
}

#[test]
fn what_is_no_assignment_is_said_in_one_line_and_the_rest_is_read() {
    for (place, flags) in PLACES {
        for (strange, lines) in STRANGE {
            let user = User::new();
            let text =
                format!("INGRESS_OAUTH_SCOPE=first\n{strange}\nAWS_REGION='by-the-file'\nDOMAIN=last\n");
            let path = lay(&user, place, text.as_bytes());
            let ran = shown(&user, flags);
            for value in ["first", "by-the-file", "last"] {
                assert!(ran.stdout.contains(value), "{place} {strange}: {value}: {}", ran.stdout);
            }
            assert_eq!(ran.stderr.lines().count(), 1, "{place} {strange}: {}", ran.stderr);
            let at = path.display().to_string();
            assert_eq!(
                ran.stderr.matches(&format!("{at}:")).count(),
                lines,
                "{place} {strange}: {}",
                ran.stderr
            );
            assert!(ran.stderr.contains(&format!(": {at}:2")), "{place} {strange}: {}", ran.stderr);
            assert!(!format!("{ran:?}").contains(HIDDEN), "{place} {strange}: {ran:?}");
        }
    }
}

#[test]
fn no_verb_shows_anything_of_what_it_passes_over() {
    let user = User::new();
    let strange: String = STRANGE.iter().map(|(text, _)| format!("{text}\n")).collect();
    lay(&user, "project/.env", strange.as_bytes());
    for verb in [
        &["generate"][..],
        &["ingress"],
        &["egress", "--no-browser"],
        &["status", "--json"],
        &["doctor", "--offline"],
        &["config", "show", "--origin"],
        &["refresh", "--once"],
        &["gateway", "check"],
        &["headers", "x"],
    ] {
        for flags in [&[][..], &["-vv"], &["--json"]] {
            let ran = user.run(&[flags, verb].concat());
            assert!(!format!("{ran:?}").contains(HIDDEN), "{verb:?}: {ran:?}");
        }
    }
}

#[test]
fn marks_encodings_and_line_ends_are_those_of_any_system() {
    let text = "# it's \"mine\"\nexport INGRESS_OAUTH_SCOPE = \"one # two\" # c\nDOMAIN=a#b\nREGION=\"1\n2\"\nAWS_REGION=by-the-file";
    let utf16 = |unit: fn(u16) -> [u8; 2]| {
        format!("\u{feff}{text}").encode_utf16().flat_map(unit).collect::<Vec<u8>>()
    };
    let files = [
        text.into(),
        format!("\u{feff}{text}").into_bytes(),
        text.replace('\n', "\r\n").into_bytes(),
        format!("\u{feff}{}\r\n", text.replace('\n', "\r\n")).into_bytes(),
        text.replace('\n', "\r").into_bytes(),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        [b"# M\xfcller\n", text.as_bytes()].concat(),
    ];
    for (place, flags) in PLACES {
        for bytes in &files {
            let user = User::new();
            lay(&user, place, bytes);
            let ran = shown(&user, flags);
            assert_eq!(ran.stderr, "", "{place} {bytes:?}");
            for value in ["one # two", "a#b", "by-the-file"] {
                assert!(ran.stdout.contains(value), "{place} {bytes:?}: {value}: {}", ran.stdout);
            }
        }
    }
    let user = User::new();
    let path = lay(&user, "project/.env", b"AWS_REGION=hunter\xfc2\nDOMAIN=good\n");
    let ran = shown(&user, &[]);
    assert!(ran.stderr.contains(&format!("not UTF-8 text): {}:1\n", path.display())), "{}", ran.stderr);
    assert!(ran.stdout.contains("good") && !format!("{ran:?}").contains("hunter"), "{ran:?}");
}

#[test]
fn a_named_pipe_is_read_if_it_is_named_and_never_waited_for_if_it_is_found() {
    let user = User::new();
    let pipe = user.project().join(".env");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let ran = shown(&user, &[]);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    let remedy = format!("--env-file {}", pipe.display());
    assert!(ran.stderr.contains("is a named pipe") && ran.stderr.contains(&remedy), "{}", ran.stderr);
    let command = user.command(&["--env-file", ".env", "config", "show"]).spawn().unwrap();
    let mut writer = std::fs::File::options().write(true).open(&pipe).unwrap();
    writer.write_all(b"\xef\xbb\xbfAWS_REGION=by-the-pipe\r\nhunter2\r\n").unwrap();
    drop(writer);
    let ran = crate::support::ended(command).code(0);
    assert!(ran.stdout.contains("by-the-pipe") && !ran.stdout.contains(HIDDEN), "{}", ran.stdout);
    assert!(ran.stderr.contains(&format!("{}:2\n", pipe.display())), "{}", ran.stderr);
}

const CONFIGURE: [&str; 10] = [
    "configure",
    "--kind",
    "oidc",
    "--issuer",
    "https://idp.test",
    "--client-id",
    "new",
    "--yes",
    "--client-secret-file",
    "-",
];

#[test]
fn what_is_written_into_a_file_keeps_its_line_ends_its_mark_and_its_other_statements() {
    for mark in ["", "\u{feff}"] {
        for end in ["\n", "\r\n", "\r"] {
            let user = User::new();
            let lines = |text: &str| format!("{mark}{}", text.replace('\n', end));
            let before = "# mine\nset -a\nMOTD='it's fine'\nINGRESS_OAUTH_CLIENT_ID=\"old\nid\" # c\nKEY='-----BEGIN\nINGRESS_OAUTH_ISSUER=no\n-----END'\n";
            let path = lay(&user, "project/.env", lines(before).as_bytes());
            user.run_with(&CONFIGURE, HIDDEN).code(0);
            let expected = "# mine\nset -a\nMOTD='it's fine'\nINGRESS_OAUTH_CLIENT_ID=new\nKEY='-----BEGIN\nINGRESS_OAUTH_ISSUER=no\n-----END'\n\
                            AUTH_PROVIDER=oidc\nINGRESS_OAUTH_ISSUER=https://idp.test\nINGRESS_OAUTH_CLIENT_SECRET=hunter2\n";
            assert_eq!(std::fs::read_to_string(&path).unwrap(), lines(expected));
        }
    }
}

#[test]
fn a_link_stays_a_link_and_one_that_leads_out_is_not_written_through() {
    let user = User::new();
    let real = lay(&user, "project/env.local", b"A=1\r\n");
    std::fs::set_permissions(&real, std::os::unix::fs::PermissionsExt::from_mode(0o664)).unwrap();
    let link = user.project().join(".env");
    symlink("env.local", &link).unwrap();
    user.run_with(&CONFIGURE, HIDDEN).code(0);
    assert_eq!(std::fs::read_link(&link).unwrap(), PathBuf::from("env.local"));
    let text = std::fs::read_to_string(&real).unwrap();
    assert!(text.starts_with("A=1\r\nAUTH_PROVIDER=oidc\r\n") && text.ends_with("=hunter2\r\n"), "{text}");
    assert_eq!(mode(&real), 0o600, "it holds a secret now");

    std::fs::remove_file(&link).unwrap();
    let outside = lay(&user, "home/profile", b"theirs\n");
    symlink(&outside, &link).unwrap();
    let ran = user.run_with(&CONFIGURE, HIDDEN).code(2);
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "theirs\n");
    let real = outside.canonicalize().unwrap().display().to_string();
    assert!(ran.stderr.contains(&format!("--write {real}")), "{}", ran.stderr);
    user.run_with(&[&CONFIGURE[..], &["--write", &real]].concat(), HIDDEN).code(0);
    assert!(std::fs::read_to_string(&outside).unwrap().starts_with("theirs\nAUTH_PROVIDER=oidc\n"));
}
