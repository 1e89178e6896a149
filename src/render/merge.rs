//! Updates a client's own file: sets our entries, and keeps all other values, comments and order. It is pure. Not
//! here: reading, writing, backups and the record of our entries (see `install`); the rules (see `plan`); the text
//! (see `json`, `toml` and `yaml`).
//!
//! Whatever those do to a text, it is parsed again, and must then mean exactly what was planned.

mod change;
mod claims;
mod inputs;
mod json;
mod lines;
mod plan;
mod toml;
mod yaml;

use std::borrow::Cow;

use serde_json::{Map, Value};

pub use self::change::{Change, ChangeKind, MergeError, Merged, NewEntry};
pub use self::claims::{EntryClaims, ReachedAddress};
pub use self::inputs::{InputDefault, defaults, with_defaults};
use self::plan::Edit;
use super::layout::Layout;
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
    let (layout, text) = (target.layout(), ClientText::of(existing.unwrap_or_default(), target.format)?);
    let was = read(&text.body, layout)?;
    let plan = plan::plan(&was, target, rendered, claims)?;
    let names = plan.changes.iter().map(|change| change.name.as_str());
    let text = text.edited(&was, layout, names, &plan.edits)?;
    Ok(Merged {
        text: text.unwrap_or_else(|| existing.unwrap_or_default().into()),
        owned: plan.owned,
        changes: plan.changes,
    })
}

/// The file with other fields in some of its entries.
///
/// # Errors
/// As for [`merge`]; also if an entry to remove is missing.
pub fn rewrite(existing: &str, layout: Layout<'_>, new: &[NewEntry]) -> Result<String, MergeError> {
    let text = ClientText::of(existing, layout.format)?;
    let was = read(&text.body, layout)?;
    let edits = plan::replace(&was, layout, new)?;
    let edited = text.edited(&was, layout, new.iter().map(|entry| entry.name.as_str()), &edits)?;
    Ok(edited.unwrap_or_else(|| existing.into()))
}

/// An entry's fields in a file; `None` if it is not there.
///
/// # Errors
/// As for [`merge`].
pub fn entry_in(
    existing: &str,
    layout: Layout<'_>,
    name: &str,
) -> Result<Option<Map<String, Value>>, MergeError> {
    plan::entry_in(&meaning(existing, layout.format)?, layout, name)
}

/// An entry that becomes `rendered`, with what its client or its user added to it kept. With `url_stays` its headers are
/// still needed.
pub fn overlaid(
    target: &ClientSpec,
    was: Map<String, Value>,
    rendered: &Map<String, Value>,
    url_stays: bool,
) -> Map<String, Value> {
    plan::overlaid(target, was, rendered, url_stays)
}

/// A file's text without what no parser may see: the byte order mark that some editors write and then expect, and unpaired
/// surrogates.
struct ClientText<'a> {
    mark: &'a str,
    halves: Option<json::Halves>,
    body: Cow<'a, str>,
}

impl<'a> ClientText<'a> {
    fn of(text: &'a str, format: Format) -> Result<Self, MergeError> {
        let (mark, body) = text.strip_prefix('\u{feff}').map_or(("", text), |body| ("\u{feff}", body));
        let halves = (format == Format::Json).then(|| json::Halves::find(body)).transpose()?.flatten();
        let body = halves.map_or(Cow::Borrowed(body), |halves| halves.shield(body).into());
        Ok(Self { mark, halves, body })
    }

    /// With `edits` made, if there are any: exactly what they mean is different then. `names` are the entries concerned.
    fn edited<'n>(
        &self,
        was: &Value,
        layout: Layout<'_>,
        names: impl Iterator<Item = &'n str>,
        edits: &[Edit<'_>],
    ) -> Result<Option<String>, MergeError> {
        if layout.format == Format::Json {
            json::check_unique(&self.body, layout, names)?;
        }
        if edits.is_empty() {
            return Ok(None);
        }
        let text = edit(&self.body, layout, edits)?;
        let now = read(&text, layout).map_err(|_| MergeError::Foreign)?;
        if plan::settled(now, layout) != plan::expected(was, layout, edits) {
            return Err(MergeError::Foreign);
        }
        let text = self.halves.map_or_else(|| text.clone(), |halves| halves.restore(&text));
        Ok(Some(format!("{}{text}", self.mark)))
    }
}

/// A file's meaning; an empty one, or only null, is an empty object.
///
/// # Errors
/// [`MergeError::Parse`].
pub fn meaning(text: &str, format: Format) -> Result<Value, MergeError> {
    let text = ClientText::of(text, format)?;
    read(&text.body, Layout { format, shape: Shape::Map, root: &[] })
}

fn read(text: &str, layout: Layout<'_>) -> Result<Value, MergeError> {
    match layout.format {
        Format::Json => json::read(text),
        Format::Toml => toml::read(text),
        Format::Yaml => yaml::read(text),
    }
}

/// The file with all `edits` made to its text.
fn edit(text: &str, layout: Layout<'_>, edits: &[Edit<'_>]) -> Result<String, MergeError> {
    match (layout.format, layout.shape) {
        (Format::Json, Shape::Map) => json::edit(text, layout, edits),
        (Format::Toml, Shape::Map) => toml::edit(text, layout, edits),
        (Format::Yaml, _) => yaml::edit(text, layout, edits),
        (_, Shape::List) => Err(MergeError::Unsupported("a list of servers in this format")),
    }
}

#[cfg(test)]
mod tests;
