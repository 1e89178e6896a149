//! The manual pages: one for every verb, each with its options and the exit codes, and fit for `man`.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests start the manual's reader")]

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use crate::support::User;

/// Every command that can be typed, by its page's name.
fn commands(command: &clap::Command, name: &str, found: &mut BTreeSet<String>) {
    found.insert(name.to_owned());
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        commands(below, &format!("{name}-{}", below.get_name()), found);
    }
}

#[test]
fn there_is_a_page_for_every_verb_and_none_for_others() {
    let user = User::new();
    let ran = user.run(&["man", "--dir", "man/man1", "--json"]).code(0);
    let mut expected = BTreeSet::new();
    commands(&mcpauth::cli::command(), "mcpauth", &mut expected);
    let dir = user.project().join("man/man1");
    let there =
        std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there: BTreeSet<String> = there.map(|name| name.strip_suffix(".1").unwrap().to_owned()).collect();
    assert_eq!(there, expected);
    assert_eq!(ran.json()["pages"].as_array().unwrap().len(), expected.len());
    for name in &expected {
        let page = std::fs::read_to_string(dir.join(format!("{name}.1"))).unwrap();
        let title = name.replace('-', "\\-");
        assert!(
            page.contains(&format!(".TH {name} 1")) || page.contains(&format!(".TH {title} 1")),
            "{page}"
        );
        for code in ["\\&0\\fR\n\\&all requested", "\\&4\\fR\n\\&login needed", "\\&130, 143\\fR"] {
            assert!(page.contains(code), "{name}: {code}\n{page}");
        }
    }
}

#[test]
fn the_first_page_names_every_verb() {
    let page = User::new().run(&["man"]).code(0).stdout;
    for verb in mcpauth::cli::command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let name = format!("mcpauth\\-{}(1)", verb.get_name().replace('-', "\\-"));
        assert!(page.contains(&name), "{name}: {page}");
    }
    assert!(!page.contains("mcpauth\\-complete(1)"));
}

/// Pages are written as root, into folders of others: never through what lies there under a page's name.
#[cfg(unix)]
#[test]
fn no_page_is_written_through_a_link_or_into_a_pipe() {
    let user = User::new();
    let (page, target) = (user.project().join("man/mcpauth.1"), user.home().join("important"));
    std::fs::create_dir(user.project().join("man")).unwrap();
    for is_there in [true, false] {
        if is_there {
            std::fs::write(&target, "kept").unwrap();
        }
        std::os::unix::fs::symlink(&target, &page).unwrap();
        let ran = user.run(&["man", "--dir", "man"]).code(1);
        assert!(ran.stderr.contains("man/mcpauth.1"), "{}", ran.stderr);
        let now = std::fs::read_to_string(&target).ok();
        assert_eq!(now, is_there.then(|| "kept".to_owned()));
        std::fs::remove_file(&page).unwrap();
        let _ = std::fs::remove_file(&target);
    }
    assert!(Command::new("mkfifo").arg(&page).status().unwrap().success());
    user.run(&["man", "--dir", "man"]).code(1);
}

#[test]
fn the_pages_can_be_read() {
    let user = User::new();
    user.run(&["man", "--dir", "man"]).code(0);
    for entry in std::fs::read_dir(user.project().join("man")).unwrap() {
        let path = entry.unwrap().path();
        let mut man = Command::new("man");
        man.args(["--warnings", "-l"])
            .arg(&path)
            .env("MANPAGER", "cat")
            .env("MANWIDTH", "80")
            .stdin(Stdio::null());
        let Ok(output) = man.output() else { return };
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("SYNOPSIS"), "{}", path.display());
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{}", path.display());
    }
}
