//! Checks that no client's file holds a secret in plain text. A value is never shown. Not here: finding them (see `import`).

use std::path::Path;

use crate::config::Config;
use crate::doctor::finding::Finding;
use crate::import::{self, Becomes};
use crate::sys::paths;

const CHECK: &str = "clients.secrets";

/// One finding for each server in a file with secrets.
pub(super) fn check(config: &Config) -> Vec<Finding> {
    let found = import::look(config, &paths::absolute(Path::new(".")), |_| true);
    let with_secrets = found.entries.iter().filter(|entry| !entry.secrets.is_empty());
    let mut findings: Vec<Finding> = with_secrets
        .filter_map(|entry| {
            let file = found.files.get(entry.file)?;
            let places: Vec<String> = entry.secrets.iter().map(import::EntrySecret::place).collect();
            let name = crate::text::clean(&entry.name, 80);
            let text = format!(
                "{}: {name} has a secret in plain text in {}",
                file.target.client,
                file.path.display()
            );
            let remedy = match &entry.becomes {
                Becomes::Left(why) => format!("remove it by hand: {why}"),
                _ => format!("move it into mcpauth's store: mcpauth import --client {}", file.target.client),
            };
            Some(Finding::warn(CHECK, text, remedy).because(places.join(", ")))
        })
        .collect();
    findings.extend(found.copies.iter().map(|copy| {
        let text = format!("{}: an old copy has secrets in plain text: {}", copy.client, copy.path.display());
        let remedy = format!("move it into mcpauth's store: mcpauth import --client {}", copy.client);
        Finding::warn(CHECK, text, remedy)
    }));
    if findings.is_empty() && !found.files.is_empty() {
        return vec![Finding::ok(CHECK, "no client's file has a secret in plain text")];
    }
    findings
}
