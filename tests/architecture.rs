//! The map in `docs/development/architecture.md` is true: who imports whom, how files open, what is not there. Not
//! here: calls that have one door (see clippy (`.clippy.toml`)).
#![cfg(test)]

mod graph;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use graph::{Graph, product, test_files};

/// Module, and what it may import. Every name stands further down, so that there are no cycles.
pub(crate) const LAYERS: &[(&str, &str)] = &[
    ("main", "cli"),
    (
        "cli",
        "bridge client clients config connect context credential demo deployment doctor error flow gateway given import inspect log login notice oauth page_login policy provider quantity refresh registry render secret servers session status store sys text tokens vault",
    ),
    ("page_login", "config context credential error flow login notice servers session sys vault"),
    ("connect", "client config error given oauth render secret servers session sys text tokens vault"),
    (
        "doctor",
        "clients config context credential deployment error flow gateway import metadata notice oauth policy problem refresh registry render secret servers store sys text vault",
    ),
    (
        "inspect",
        "config credential error flow gateway given metadata notice oauth secret servers store sys vault",
    ),
    ("given", "error secret sys"),
    ("import", "clients config credential error flow login notice oauth render secret store sys text vault"),
    ("login", "client config credential error flow notice oauth secret session store sys text tokens vault"),
    ("status", "config credential error oauth servers store text vault"),
    ("refresh", "clients config context credential error flow notice oauth secret store sys vault"),
    ("clients", "config credential error notice render secret servers store sys text"),
    (
        "servers",
        "bridge config credential deployment error gateway notice oauth problem registry render secret session store sys text tokens vault",
    ),
    ("bridge", "flow mcp secret session sys text"),
    ("demo", "config deployment error gateway mcp sys text"),
    ("deployment", "config context credential error gateway policy problem registry secret sys text vault"),
    ("context", "config error flow notice store sys vault"),
    ("error", "client config flow oauth render store sys vault"),
    (
        "gateway",
        "log mcp metadata oauth policy problem quantity registry render search secret sys text tokens",
    ),
    ("client", "mcp oauth secret session sys text"),
    ("session", "mcp sys tokens"),
    ("vault", "credential flow oauth secret store sys"),
    ("config", "credential oauth provider quantity secret store sys text"),
    ("flow", "credential mcp metadata oauth provider secret sys text"),
    ("store", "credential oauth secret sys"),
    ("render", "provider registry secret sys text tokens"),
    ("metadata", "oauth sys text"),
    ("registry", "problem sys"),
    ("credential", "oauth provider"),
    ("provider", "oauth"),
    ("oauth", "secret text"),
    ("tokens", "secret"),
    ("policy", "mcp"),
    ("mcp", "text"),
    ("log", "text"),
    ("problem", "-"),
    ("notice", "-"),
    ("quantity", "-"),
    ("search", "-"),
    ("secret", "text"),
    ("sys", "text"),
    ("text", "-"),
    ("build", "-"),
];

/// The layers inside a module: a row may import what stands in the rows below it.
pub(crate) const WITHIN: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "agentcore demo doctor egress keycloak status",
            "completions config exec generate import ingress login refresh secret",
            "bridge complete env gateway headers inspect logout mcp report token",
            "configure flows",
            "ask client_metadata client_rows help man providers terminal_ui",
            "given",
            "out",
            "args paths suggest",
        ],
    ),
    (
        "gateway",
        &[
            "start",
            "listen",
            "worker",
            "relay",
            "face",
            "mcpgw",
            "changes forward vending",
            "services",
            "send",
            "authorized_request",
            "events load request_body",
            "ops request_log watch",
            "callers own_endpoints",
            "pages",
            "boxes",
            "body state",
            "accounts egress host relays",
            "buffering embeddings redirect refusal token_ledger",
            "authn catalogue pool",
            "observe providers proxies servers",
            "alarm connections content headers own_sessions rate session settings wire",
        ],
    ),
];

/// The most lines of a file.
const LONGEST_FILE: usize = 450;

/// Providers with their own file; their names are data. (`cognito` and `gitlab` are also names of variables, and `x`
/// and `linear` are words.)
const PROVIDERS: [&str; 12] = [
    "atlassian",
    "google",
    "github",
    "slack",
    "spotify",
    "linkedin",
    "discord",
    "microsoft",
    "notion",
    "figma",
    "asana",
    "sentry",
];

/// Every source file: its path from `src/` on, and its text.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(&root).unwrap().display().to_string();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The module a file belongs to.
fn module(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The modules named by `crate::` paths (and `mcpauth::` ones), with their lines; groups count with all their members.
fn imports(text: &str) -> Vec<(usize, String)> {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap()).collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    for root in ["crate::", "mcpauth::"] {
        for (at, _) in code.match_indices(root) {
            let (before, from) = code.split_at(at);
            let line = before.matches('\n').count() + 1;
            let rest = from.trim_start_matches(root);
            let group = rest.strip_prefix('{').map(members);
            let names = group.unwrap_or_else(|| vec![rest]);
            found.extend(names.into_iter().map(|name| (line, first_word(name))));
        }
    }
    found
}

/// The members of a group, nested groups left on theirs.
fn members(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                found.push(text.get(start..at).unwrap_or_default().trim());
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

#[test]
fn imports_are_read_in_every_form() {
    let text = "use crate::a;\nuse crate::{b::{self, x}, c,\n  d as e};\nlet _ = crate::f::g(); // crate::no\n\
                pub(crate) fn h() {}";
    let names: Vec<(usize, String)> = imports(text);
    let names: Vec<(usize, &str)> = names.iter().map(|(line, name)| (*line, name.as_str())).collect();
    assert_eq!(names, [(1, "a"), (2, "b"), (2, "c"), (2, "d"), (4, "f")]);
}

#[test]
fn modules_import_only_what_their_layer_may() {
    let mut forbidden = Vec::new();
    for (file, text) in sources() {
        let module = module(&file);
        let row = LAYERS.iter().find(|(name, _)| *name == module);
        let allowed = match row {
            Some((_, allowed)) => *allowed,
            None if module == "lib" => "",
            None => panic!("src/{file}: {module} has no row in LAYERS; give it one, and run just bless"),
        };
        for (line, name) in imports(&text) {
            if name != module && !allowed.split(' ').any(|other| other == name) {
                forbidden.push(format!("src/{file}:{line}: {module} must not import {name}"));
            }
        }
    }
    assert!(forbidden.is_empty(), "\n{}", forbidden.join("\n"));
}

#[test]
fn every_permission_is_used_and_points_down() {
    let sources = sources();
    for (row, (module_name, allowed)) in LAYERS.iter().enumerate() {
        for name in allowed.split(' ').filter(|name| *name != "-") {
            let below = LAYERS[row + 1..].iter().any(|(other, _)| *other == name);
            assert!(below, "{name} does not stand below {module_name}");
            let used = sources.iter().any(|(file, text)| {
                module(file) == *module_name && imports(text).iter().any(|(_, found)| found == name)
            });
            assert!(used, "{module_name} does not import {name} any more; take it out of the table");
        }
    }
}

#[test]
fn the_product_does_not_depend_on_its_demonstration() {
    for (file, text) in sources() {
        let uses = imports(&text).iter().any(|(_, name)| name == "demo");
        assert!(!uses || file == "cli/demo.rs" || module(&file) == "demo", "src/{file} imports demo");
    }
}

#[test]
fn the_protocol_has_no_side_effects() {
    let doors =
        ["tokio::", "reqwest::", "std::fs", "async ", "SystemTime", "Instant", "std::env", "TcpStream"];
    for (file, text) in sources() {
        if ["mcp", "oauth", "provider", "credential", "secret"].contains(&module(&file)) {
            for (line, code) in text.lines().enumerate() {
                let code = code.split("//").next().unwrap();
                let door = doors.iter().find(|door| code.contains(**door));
                assert!(door.is_none(), "src/{file}:{}: {door:?}", line + 1);
            }
        }
    }
}

/// Parts of a text that are only for some systems, with their lines: `cfg` in every form, and what only one system
/// has.
fn of_one_system(text: &str) -> Vec<(usize, String)> {
    let systems = ["unix", "windows", "target_os", "target_family", "target_vendor", "target_env"];
    let only = ["std::os::", "signal::unix", "signal::windows", "net::Unix", "net::windows", "consts::OS"];
    let line = |at: usize| text.split_at(at).0.matches('\n').count() + 1;
    let mut found = Vec::new();
    for (at, _) in text.match_indices("cfg") {
        let rest = text
            .split_at(at + 3)
            .1
            .trim_start_matches("_attr")
            .trim_start()
            .trim_start_matches('!')
            .trim_start();
        let Some(rest) = rest.strip_prefix('(') else { continue };
        let mut depth = 1;
        let inside = rest.split_inclusive(['(', ')']).take_while(|part| {
            let open = depth > 0;
            depth += if part.ends_with('(') { 1 } else { -1 };
            open
        });
        let inside: String = inside.collect();
        let mut words = inside.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        found.extend(words.find(|word| systems.contains(word)).map(|word| (line(at), format!("cfg {word}"))));
    }
    for door in only {
        found.extend(text.match_indices(door).map(|(at, _)| (line(at), door.to_owned())));
    }
    found
}

#[test]
fn a_system_is_seen_in_every_spelling() {
    for text in [
        "if cfg!(unix) {}",
        "if cfg! (windows) {}",
        "#[cfg(unix)]",
        "#[cfg(not(windows))]",
        "#[cfg(all(feature = \"x\", any(target_os = \"linux\", windows)))]",
        "#[cfg(\n    target_os = \"macos\"\n)]",
        "#[cfg_attr(target_family = \"unix\", path = \"x\")]",
        "#![cfg(unix)]",
        "let a = !cfg!(any(windows, target_os = \"macos\"));",
        "use std::os::fd::AsFd;",
        "std::env::consts::OS",
        "use tokio::net::UnixStream;",
    ] {
        assert!(!of_one_system(text).is_empty(), "{text}");
    }
    for text in ["#[cfg(test)]", "cfg!(debug_assertions)", "let windows = 1;", "#[cfg(test)] fn unix() {}"] {
        assert_eq!(of_one_system(text), [], "{text}");
    }
}

#[test]
fn one_system_is_spoken_to_in_one_place() {
    let mut seen = 0;
    for (file, text) in sources() {
        // Tests are for the system they run on.
        let found = if file.ends_with("tests.rs") { Vec::new() } else { of_one_system(&product(&text)) };
        seen += found.len();
        assert!(found.is_empty() || file.starts_with("sys/"), "src/{file}: {found:?}");
    }
    assert!(seen > 0, "the test has lost sight of the sources");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let circles = Graph::of(&sources()).circles();
    assert!(circles.is_empty(), "\n{}", circles.join("\n"));
}

#[test]
fn the_layers_inside_a_module_point_down() {
    let graph = Graph::of(&sources());
    for (top, rows) in WITHIN {
        let row = |name: &str| rows.iter().position(|row| row.split(' ').any(|other| other == name));
        let mut wrong = Vec::new();
        for ((from, to), example) in graph.within(top) {
            match (row(&from), row(&to)) {
                (Some(a), Some(b)) if a < b => {}
                (Some(_), Some(_)) => wrong.push(format!("{from} must not import {to}: {example}")),
                _ => wrong
                    .push(format!("{from} or {to} has no row in WITHIN; give it one, and run just bless")),
            }
        }
        assert!(wrong.is_empty(), "{top}:\n{}", wrong.join("\n"));
    }
}

#[test]
fn a_type_name_means_one_thing() {
    let mut files = BTreeMap::<String, BTreeSet<String>>::new();
    for (file, text) in sources() {
        for line in text.lines() {
            let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            let kind = words.iter().position(|word| ["struct", "enum", "trait", "union"].contains(word));
            let before =
                |at: usize| words[..at].iter().all(|w| ["", "pub", "super", "crate", "in"].contains(w));
            if let Some(at) = kind.filter(|at| before(*at)) {
                let name = words.get(at + 1).copied().unwrap_or_default();
                files.entry(name.to_owned()).or_default().insert(file.clone());
            }
        }
    }
    assert!(files.len() > 500, "the test has lost sight of the sources");
    files.retain(|_, files| files.len() > 1);
    assert!(files.is_empty(), "give one of each another name: {files:#?}");
}

#[test]
fn every_file_says_what_it_is_for() {
    for (file, text) in sources() {
        assert!(text.starts_with("//! "), "src/{file} does not open with //!");
    }
}

#[test]
fn files_stay_small() {
    let mut lengths = Vec::new();
    let sources = sources();
    let tests = test_files(&sources);
    for (file, text) in &sources {
        let lines = text.lines().count();
        assert!(lines <= LONGEST_FILE, "src/{file} has {lines} lines; split it by what it holds");
        if !tests.contains(file) {
            lengths.push(product(text).trim_end().lines().count());
        }
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(lengths.len() > 400 && median < 130, "the median of {} files is {median} lines", lengths.len());
}

#[test]
fn nothing_in_the_product_panics() {
    let doors = [
        ".unwrap()",
        ".expect(\"",
        "panic!(",
        "unreachable!(",
        "todo!(",
        "unimplemented!(",
        "assert!(",
        "assert_eq!(",
    ];
    let (mut lines, mut found) = (0, Vec::new());
    let sources = sources();
    let tests = test_files(&sources);
    for (file, text) in sources.iter().filter(|(file, _)| !tests.contains(file)) {
        let code = product(text);
        lines += code.lines().count();
        for (line, code) in code.lines().enumerate() {
            let code = code.split("//").next().unwrap();
            found.extend(
                doors
                    .iter()
                    .filter(|door| code.contains(**door))
                    .map(|door| format!("src/{file}:{}: {door}", line + 1)),
            );
        }
    }
    // 0.3 in 1,000 lines.
    assert!(
        lines > 50_000 && found.len() * 10_000 < lines * 3,
        "{} in {lines} lines:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn providers_are_data() {
    for (file, text) in sources() {
        for (line, code) in text.lines().enumerate() {
            let code = code.to_lowercase();
            let name = PROVIDERS.iter().find(|name| code.contains(**name));
            assert!(name.is_none(), "src/{file}:{}: names the provider {name:?}", line + 1);
        }
    }
}
