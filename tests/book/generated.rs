//! The parts of pages that are made from the code: what stands between `<!-- generated: NAME -->` and `<!-- end -->`.
//! It leaves what is too large for a table here to the themes beside it.

use mcpauth::config::catalogue::{Role, VARIABLES};
use mcpauth::error::Exit;
use mcpauth::provider::{Provider, built_in};
use mcpauth::render::{Format, TARGETS};

use super::{Book, root};
use crate::architecture::{LAYERS, WITHIN};

/// Every part that some test makes.
const PARTS: [&str; 13] = [
    "audit",
    "clients",
    "command line",
    "exit codes",
    "gateway.yaml",
    "json output",
    "layers",
    "metrics",
    "provider files",
    "providers",
    "reasons",
    "templates",
    "variables",
];
const END: &str = "<!-- end -->";

/// The part of this name says this, or is renewed.
#[track_caller]
pub(super) fn expect_part(name: &str, text: &str) {
    assert!(PARTS.contains(&name), "{name} is none of PARTS");
    let book = Book::open();
    let marker = format!("<!-- generated: {name} -->\n");
    let page = book.pages.iter().find(|page| page.text.contains(&marker));
    let page = page.unwrap_or_else(|| panic!("no page has {marker}"));
    let (_, rest) = page.text.split_once(&marker).unwrap();
    let (was, _) = rest.split_once(END).unwrap_or_else(|| panic!("{}: {name} has no end", page.path));
    page.expect(&format!("{marker}{was}{END}"), &format!("{marker}\n{}\n\n{END}", text.trim()));
}

/// A Markdown table; what would end a cell is escaped.
pub(super) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let mut text = line(&head) + &format!("|{}\n", "---|".repeat(head.len()));
    rows.into_iter().for_each(|row| text += &line(&row));
    text
}

pub(super) fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

#[test]
fn every_generated_part_is_made_by_a_test() {
    let book = Book::open();
    let marked = |text: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix("<!-- generated: "));
        lines.map(|rest| rest.trim_end_matches(" -->").to_owned()).collect::<Vec<_>>()
    };
    let mut names: Vec<_> = book.pages.iter().flat_map(|page| marked(&page.text)).collect();
    names.sort();
    assert_eq!(names, PARTS);
}

#[test]
fn the_clients_are_the_targets() {
    let rows = TARGETS.iter().map(|target| {
        let others: Vec<_> = target.ways.iter().skip(1).map(|way| way.name()).collect();
        vec![code(target.client), target.best().name().into(), others.join(", ")]
    });
    expect_part("clients", &table(&["client", "default", "also"], rows));
}

#[test]
fn the_templates_are_the_targets() {
    let rows = TARGETS.iter().map(|target| {
        let format = match target.format {
            Format::Json => "JSON",
            Format::Toml => "TOML",
            Format::Yaml => "YAML",
        };
        let file = format!("{}.j2", target.template);
        let link = format!("[`{file}`](../../templates/{file})");
        vec![code(target.client), link, format.into(), code(&target.root.join(".")), code(target.url)]
    });
    expect_part("templates", &table(&["client", "template", "format", "entries under", "address in"], rows));
}

#[test]
fn the_variables_are_the_catalogues() {
    let rows = VARIABLES.iter().map(|variable| {
        let default = match variable.default {
            text if text.contains(' ') => text.into(),
            text => code(text),
        };
        let found = match variable.role {
            Role::Plain => "yes",
            Role::Place => "for its own secrets",
            Role::Inside => "inside the folder",
            Role::Machine => "no",
        };
        vec![code(variable.name), default, variable.about.into(), found.into()]
    });
    expect_part("variables", &table(&["variable", "default", "meaning", "found `.env`"], rows));
}

#[test]
fn the_providers_are_the_shipped_ones() {
    let rows = built_in().map(|name| {
        let provider = Provider::built_in(name).unwrap();
        let scopes = provider.scopes.iter().map(|scope| code(scope)).collect::<Vec<_>>().join(" ");
        let link = format!("[`{name}`](../../providers/{name}.yaml)");
        vec![link, provider.display_name, scopes]
    });
    expect_part("providers", &table(&["name", "service", "default scopes"], rows));
}

/// Exhaustive, so that a new exit code cannot be forgotten here.
fn number(exit: Exit) -> u8 {
    match exit {
        Exit::Done
        | Exit::Other
        | Exit::Usage
        | Exit::Partial
        | Exit::Login
        | Exit::Network
        | Exit::Server => {}
        Exit::Found | Exit::NotExecutable | Exit::NotFound | Exit::Interrupted | Exit::Terminated => {}
    }
    exit as u8
}

#[test]
fn the_exit_codes_are_those_of_help() {
    let help = mcpauth::cli::command().get_after_help().unwrap().to_string();
    let codes = help.split_once("Exit codes: ").unwrap().1;
    let rows: Vec<Vec<String>> = codes
        .split(" · ")
        .map(|one| {
            let meaning = one.trim_start_matches(|c: char| c.is_ascii_digit() || ", ".contains(c));
            vec![one.trim_end_matches(meaning).trim().into(), meaning.trim().into()]
        })
        .collect();
    let shown: Vec<&str> = rows.iter().flat_map(|row| row[0].split(", ")).collect();
    let all = [
        Exit::Done,
        Exit::Other,
        Exit::Usage,
        Exit::Partial,
        Exit::Login,
        Exit::Network,
        Exit::Server,
        Exit::Found,
        Exit::NotExecutable,
        Exit::NotFound,
        Exit::Interrupted,
        Exit::Terminated,
    ];
    assert_eq!(shown, all.map(|exit| number(exit).to_string()));
    expect_part("exit codes", &table(&["code", "meaning"], rows));
}

#[test]
fn the_layers_are_those_that_are_checked() {
    let row = |name: &str, allowed: &str| format!("{name:<11} {allowed}\n");
    let layers: String = LAYERS.iter().map(|(name, allowed)| row(name, allowed)).collect();
    let within = WITHIN.iter().map(|(top, rows)| {
        let rows = rows.iter().enumerate();
        let rows: String = rows.map(|(at, names)| row(if at == 0 { top } else { "" }, names)).collect();
        format!(
            "Inside `{top}`, a row may import what stands in the rows below it:\n\n```text\n{rows}```\n\n"
        )
    });
    expect_part("layers", &format!("```text\n{layers}```\n\n{}", within.collect::<String>()));
}

#[test]
fn what_a_template_gets_is_documented() {
    let source = std::fs::read_to_string(root().join("src/render/template.rs")).unwrap();
    let (_, rest) = source.split_once("\nfn value(").unwrap();
    let (_, rest) = rest.split_once("context! {").unwrap();
    let (values, _) = rest.split_once("\n    }").unwrap();
    let names = values.split([',', '\n']).filter_map(|part| part.trim().split_once(" => "));
    let names: Vec<_> = names.map(|(name, _)| format!("`{name}`")).collect();
    let book = Book::open();
    let page = &book.page("docs/reference/templates.md").text;
    let (_, table) = page.split_once("| member | value |").unwrap();
    let named: Vec<_> = table.lines().filter_map(|line| line.strip_prefix("| `")).collect();
    let shown =
        |name: &String| named.iter().any(|row| format!("`{row}").split(" | ").next().unwrap().contains(name));
    assert!(names.len() >= 9 && names.iter().all(shown), "{names:?}");
}
