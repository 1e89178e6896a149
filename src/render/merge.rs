//! Updates a client's own file: sets our entries, and keeps all other values, comments and order. It is pure. Not
//! here: reading, writing, backups and the record of our entries (see `install`); the rules (see `plan`); the text
//! (see `json`, `toml` and `yaml`).
//!
//! Whatever those do to a text, it is parsed again, and must then mean exactly what was planned.

mod change;
mod claims;
mod json;
mod lines;
mod plan;
mod toml;
mod yaml;

use serde_json::Value;

pub use self::change::{Change, ChangeKind, MergeError, Merged};
pub use self::claims::EntryClaims;
use self::plan::Edit;
use super::targets::{ClientSpec, Format, Shape};

/// Merges what was rendered into the user's file; `claims` say which of its entries are ours, or may become it.
///
/// # Errors
/// As [`MergeError`] says; the file must then stay unchanged.
pub fn merge(
    existing: Option<&str>,
    target: &ClientSpec,
    rendered: &Value,
    claims: &EntryClaims,
) -> Result<Merged, MergeError> {
    let before = existing.unwrap_or_default();
    // Some editors write a byte order mark, and then expect it.
    let (mark, body) = before.strip_prefix('\u{feff}').map_or(("", before), |body| ("\u{feff}", body));
    let halves = (target.format == Format::Json).then(|| json::Halves::find(body)).transpose()?.flatten();
    let shielded = halves.map(|halves| halves.shield(body));
    let body = shielded.as_deref().unwrap_or(body);
    let was = read(body, target)?;
    let plan = plan::plan(&was, target, rendered, claims)?;
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

/// A file's meaning; an empty one, or only null, is an empty object.
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
