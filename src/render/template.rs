//! From a template to a configuration: a template's variables, and the check that its output is what its client
//! reads. Not here: a server's entry (see `client_entry`); the user's existing entries (see `merge`).

use std::borrow::Cow;
use std::io;
use std::path::Path;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use serde_json::{Map, Value};
use toml_edit::{DocumentMut, Item};

use super::RenderError;
use super::client_entry::ClientEntry;
use super::targets::{ClientSpec, Format, Shape};
use crate::provider::TEMPLATES;
use crate::secret::Secret;
use crate::sys::regular_file;

/// The largest template that is read, in bytes.
const MAX_TEMPLATE_BYTES: u64 = 1 << 20;

/// A configuration; both fields contain tokens.
pub struct Rendered {
    /// The file.
    pub text: Secret,
    /// The same, parsed.
    pub json: Value,
}

// Not derived: `json` would show every token.
impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rendered").field("text", &self.text).finish_non_exhaustive()
    }
}

/// Writes the configuration for a client, with `templates_dir`'s template if it has one.
///
/// # Errors
/// [`RenderError::Template`], naming file and line; [`RenderError::Shape`] when the output is not a configuration.
pub fn render(
    target: &ClientSpec,
    told: &[ClientEntry],
    templates_dir: Option<&Path>,
) -> Result<Rendered, RenderError> {
    let (file, source) = template(target, templates_dir)?;
    let mut environment = Environment::new();
    // A misspelt name in a user's template is an error, not a gap in their configuration.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // Every value is written as JSON, including quotes. In TOML and YAML that is a string, or a list of strings, too.
    environment.set_auto_escape_callback(|_| AutoEscape::Json);
    let broken = |e: minijinja::Error| RenderError::Template {
        file: file.clone(),
        line: e.line().unwrap_or(1),
        reason: scrubbed(told, e.detail().map_or_else(|| e.kind().to_string(), str::to_owned)),
    };
    let shape = |reason: String| RenderError::Shape { file: file.clone(), reason };
    environment.add_template(target.template, &source).map_err(broken)?;
    let template = environment.get_template(target.template).map_err(broken)?;
    let values: Vec<_> = told.iter().map(value).collect();
    let text = template.render(context! { entries => values }).map_err(broken)?;
    let text = Secret::new(escape_rare(text.trim()).as_ref());
    let json = read(target.format, text.expose()).map_err(&shape)?;
    if target.entries(&json).is_none() {
        return Err(shape(misplaced(target, &json)));
    }
    if target.format != Format::Json {
        return Ok(Rendered { text, json });
    }
    let text = serde_json::to_string_pretty(&json).map_err(|e| shape(e.to_string()))?;
    Ok(Rendered { text: Secret::new(text), json })
}

/// A whole file, in any format. An error never shows the content: it may be a token.
pub(super) fn read(format: Format, text: &str) -> Result<Value, String> {
    match format {
        Format::Json => serde_json::from_str(text).map_err(|e| format!("is not JSON: {e}")),
        Format::Toml => {
            let document: DocumentMut = text.parse().map_err(|e: toml_edit::TomlError| {
                format!("is not TOML: {}", e.message().lines().next().unwrap_or_default())
            })?;
            Ok(from_item(document.as_item()))
        }
        Format::Yaml if text.is_empty() => Ok(Value::Null),
        Format::Yaml => serde_saphyr::from_str(text).map_err(|_| "is not YAML".into()),
    }
}

fn from_item(item: &Item) -> Value {
    use toml_edit::Value as Toml;
    if let Some(table) = item.as_table_like() {
        return table
            .iter()
            .map(|(key, item)| (key.to_owned(), from_item(item)))
            .collect::<Map<_, _>>()
            .into();
    }
    if let Some(tables) = item.as_array_of_tables() {
        return tables.iter().map(|table| from_item(&Item::Table(table.clone()))).collect();
    }
    match item.as_value() {
        Some(Toml::String(text)) => text.value().as_str().into(),
        Some(Toml::Integer(number)) => (*number.value()).into(),
        Some(Toml::Float(number)) => (*number.value()).into(),
        Some(Toml::Boolean(yes)) => (*yes.value()).into(),
        Some(Toml::Datetime(time)) => time.value().to_string().into(),
        Some(Toml::Array(values)) => {
            values.iter().map(|value| from_item(&Item::Value(value.clone()))).collect()
        }
        Some(Toml::InlineTable(_)) | None => Value::Null,
    }
}

/// Characters that JSON writes unchanged and the two others do not, or parse as a line ending.
fn escape_rare(text: &str) -> Cow<'_, str> {
    let rare = |c: char| {
        matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    if !text.contains(rare) {
        return text.into();
    }
    let written = |c: char| if rare(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    text.chars().map(written).collect::<String>().into()
}

/// A server's variables in a template.
fn value(told: &ClientEntry) -> minijinja::Value {
    let headers = told.headers.iter().map(|(name, value)| (name.as_str(), value.expose()));
    let variables = told.variables.iter().map(|(name, variable)| (name.as_str(), variable.as_str()));
    context! {
        name => told.name.as_str(), url => told.url.as_str(), transport => told.transport.as_str(),
        headers => minijinja::Value::from_pairs(headers),
        variables => minijinja::Value::from_pairs(variables),
        helper => told.helper.as_deref(),
        command => told.command.first().cloned(),
        args => told.command.iter().skip(1).cloned().collect::<Vec<_>>(),
        words => told.command.clone(),
    }
}

/// Why there are no entries where a client looks for them.
fn misplaced(target: &ClientSpec, json: &Value) -> String {
    let odd = target.servers(json).and_then(|servers| servers.iter().find(|(_, entry)| !entry.is_object()));
    match (odd, target.shape) {
        (Some((name, _)), _) => format!("has something other than an object at {name:?}"),
        (None, Shape::Map) => format!("has no object {}", target.root.join(".")),
        (None, Shape::List) => format!("has no list {} of objects with a name", target.root.join(".")),
    }
}

/// The template's text, and its name in an error.
fn template(target: &ClientSpec, templates_dir: Option<&Path>) -> Result<(String, String), RenderError> {
    let file = format!("{}.j2", target.template);
    if let Some(path) = templates_dir.map(|dir| dir.join(&file)) {
        match regular_file::read_text(&path, MAX_TEMPLATE_BYTES) {
            Ok(text) => return Ok((path.display().to_string(), text)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(RenderError::Unreadable { path, reason: e.to_string() }),
        }
    }
    let found = TEMPLATES.iter().find(|(name, _)| *name == target.template);
    let missing =
        || RenderError::Template { file: file.clone(), line: 1, reason: "there is no such template".into() };
    found.map(|(_, text)| (file.clone(), (*text).to_owned())).ok_or_else(missing)
}

/// A filter's error may quote its input.
fn scrubbed(told: &[ClientEntry], reason: String) -> String {
    let values = told.iter().flat_map(|told| told.headers.iter().map(|(_, value)| value));
    values.fold(reason, |reason, value| {
        let token = value.expose().strip_prefix("Bearer ").map(Secret::new);
        let reason = value.scrub(reason);
        token.map_or_else(|| reason.clone(), |token| token.scrub(reason.clone()))
    })
}

#[cfg(test)]
mod tests;
