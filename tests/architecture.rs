//! The map in `src/lib.rs`, held against the sources: who imports whom, opening sentences, names that stay data.
#![cfg(test)]

use std::path::{Path, PathBuf};

/// Who may import whom; `cli` may everything and is nobody's.
const LAYERS: &[(&str, &[&str])] = &[
    ("error", &["config", "flow", "oauth", "render", "store", "sys", "vault"]),
    ("vault", &["credential", "flow", "oauth", "store", "sys"]),
    ("flow", &["credential", "oauth", "provider", "secret", "sys"]),
    ("store", &["credential", "oauth", "secret", "sys"]),
    ("config", &["credential", "oauth", "provider", "secret", "sys"]),
    ("render", &["provider", "secret", "sys"]),
    ("demo", &[]),
    ("credential", &["oauth", "provider"]),
    ("provider", &["oauth"]),
    ("oauth", &["secret"]),
    ("secret", &[]),
    ("sys", &[]),
];

/// What `providers/*.yaml` is for.
const NAMES: &[&str] = &[
    "atlassian",
    "google",
    "github",
    "gitlab",
    "slack",
    "discord",
    "linkedin",
    "spotify",
    "notion",
    "figma",
    "asana",
];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(dir: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 40, "the test has lost sight of the sources");
    found
}

/// The top-level module a file belongs to.
fn module(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// Every module named after `crate::`, in groups too, above the file's own tests.
fn imports(text: &str) -> Vec<(usize, String)> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
        for after in line.split("crate::").skip(1) {
            let group = after.strip_prefix('{').map(|rest| rest.split('}').next().unwrap_or(rest));
            let paths: Vec<&str> = group.map_or_else(|| vec![after], |group| group.split(',').collect());
            for path in paths {
                let name: String =
                    path.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                found.push((number + 1, name));
            }
        }
    }
    found
}

#[test]
fn nobody_imports_what_is_above_or_beside_them() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let from = module(&path);
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == from) else {
            assert!(
                ["cli", "lib", "main", "build"].contains(&from.as_str()),
                "{from} has no row in the table"
            );
            continue;
        };
        for (line, to) in imports(&text) {
            if to != from && !allowed.contains(&to.as_str()) {
                wrong.push(format!("{}:{line}: {from} must not import {to}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_here_is_the_one_in_the_map() {
    let map = include_str!("../src/lib.rs");
    for (name, allowed) in
        LAYERS.iter().filter(|(name, _)| !["error", "demo", "secret", "sys"].contains(name))
    {
        let row = map
            .lines()
            .find(|line| line.starts_with(&format!("//! | `{name}` |")))
            .unwrap_or_else(|| panic!("no row for {name}"));
        let mut said: Vec<&str> = row.split('`').skip(3).step_by(2).collect();
        said.sort_unstable();
        assert_eq!(said, *allowed, "{name}");
    }
}

#[test]
fn every_module_opens_by_saying_what_it_is_for() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "{} does not open with a sentence", path.display());
    }
}

#[test]
fn providers_are_data() {
    for (path, text) in sources() {
        let lower = text.to_lowercase();
        for name in NAMES {
            assert!(
                !lower.contains(name),
                "{} names {name}; providers/{name}.yaml is the place",
                path.display()
            );
        }
    }
}
