//! Brings a client's own file up to date: sets our entries, and leaves all other values, comments and order as they are.
//! It is pure; it leaves reading, writing, backups and the memory of what is ours to `render`, the rules to `plan`, and
//! the text to `json`, `toml` and `yaml`.
//!
//! Whatever those do to a text, it is read again, and must then mean exactly what was planned.

mod change;
mod json;
mod lines;
mod plan;
mod toml;
mod yaml;

use std::collections::BTreeSet;

use serde_json::Value;

pub use self::change::{Change, ChangeKind, MergeError, Merged};
use self::plan::Edit;
use super::targets::{ClientSpec, Format, Shape};

/// Merges what was rendered into the user's file; `owned` are the names that were ours in it so far.
///
/// # Errors
/// As [`MergeError`] says; the file is then to be left as it is.
pub fn merge(
    existing: Option<&str>,
    target: &ClientSpec,
    rendered: &Value,
    owned: &BTreeSet<String>,
) -> Result<Merged, MergeError> {
    let before = existing.unwrap_or_default();
    // Some editors put a byte order mark first, and then expect it.
    let (mark, body) = before.strip_prefix('\u{feff}').map_or(("", before), |body| ("\u{feff}", body));
    let halves = (target.format == Format::Json).then(|| json::Halves::find(body)).transpose()?.flatten();
    let shielded = halves.map(|halves| halves.shield(body));
    let body = shielded.as_deref().unwrap_or(body);
    let was = read(body, target)?;
    let plan = plan::plan(&was, target, rendered, owned)?;
    let mut merged = Merged { text: before.into(), owned: plan.owned, changes: plan.changes };
    if target.format == Format::Json {
        json::check_unique(body, target, merged.changes.iter().map(|change| change.name.as_str()))?;
    }
    if !plan.edits.is_empty() {
        let text = edit(body, target, &plan.edits)?;
        let now = read(&text, target).map_err(|_| MergeError::Foreign)?;
        if plan::settled(now, target) != plan::expected(&was, target, &plan.edits) {
            return Err(MergeError::Foreign);
        }
        let text = halves.map_or_else(|| text.clone(), |halves| halves.restore(&text));
        merged.text = format!("{mark}{text}");
    }
    Ok(merged)
}

/// What a file means; an empty one, or nothing but null, is an empty object.
fn read(text: &str, target: &ClientSpec) -> Result<Value, MergeError> {
    match target.format {
        Format::Json => json::read(text),
        Format::Toml => toml::read(text),
        Format::Yaml => yaml::read(text),
    }
}

/// The file with all `edits` made to its text.
fn edit(text: &str, target: &ClientSpec, edits: &[Edit<'_>]) -> Result<String, MergeError> {
    match (target.format, target.shape) {
        (Format::Json, Shape::Map) => json::edit(text, target, edits),
        (Format::Toml, Shape::Map) => toml::edit(text, target, edits),
        (Format::Yaml, _) => yaml::edit(text, target, edits),
        (_, Shape::List) => Err(MergeError::Unsupported("a list of servers in this format")),
    }
}

#[cfg(test)]
mod tests;
