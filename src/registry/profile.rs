//! What a server's file says of it to people and to those who look for a tool. Nothing of it decides anything, so
//! whatever reads strangely is left out and takes nothing else away. Not here: what decides (see `file`).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde_json::Value;

use crate::sys::clock;

/// A server as its file describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// The file; empty for a server without one.
    pub file: PathBuf,
    /// Its path as in the file.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// What it is filed under.
    pub tags: Vec<String>,
    /// What people may call what it does (`search_hints`), for the search alone.
    pub hints: Vec<String>,
    /// The provider of its credentials.
    pub auth_provider: Option<String>,
    /// Its license.
    pub license: Option<String>,
    /// Its version, as its file says.
    pub version: Option<String>,
    /// The stars that the file says it has.
    pub stars: u64,
    /// Whether it is written in Python, as the file says.
    pub is_python: bool,
    /// When its entry was last changed, in seconds since 1970: as its file says, or else when the file was.
    pub updated_at: Option<i64>,
    /// Its tools, as far as the file lists them.
    pub tools: Vec<ListedTool>,
}

/// A tool as a server's file or the server itself lists it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListedTool {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it does.
    pub description: String,
    /// The schema of its arguments; null if nobody said.
    pub schema: Value,
    /// What people may call what it does (`search_hints`).
    pub hints: Vec<String>,
}

impl Profile {
    pub(super) fn read(text: &str, file: &Path, path: &str) -> Self {
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        let some = |member| Some(said(&value, member)).filter(|text| !text.is_empty());
        let tools = value.get("tool_list").and_then(Value::as_array).into_iter().flatten();
        Self {
            file: file.into(),
            path: path.to_owned(),
            description: said(&value, "description"),
            tags: words(&value, "tags"),
            hints: words(&value, "search_hints"),
            auth_provider: some("auth_provider"),
            license: some("license"),
            version: some("version"),
            stars: value.get("num_stars").and_then(Value::as_u64).unwrap_or_default(),
            is_python: value.get("is_python").and_then(Value::as_bool).unwrap_or_default(),
            updated_at: clock::parse(&said(&value, "updated_at")).or_else(|| changed_at(file)),
            tools: tools.filter_map(ListedTool::read).collect(),
        }
    }

    /// The names of the tools that the file lists.
    pub fn tool_names(&self) -> impl Iterator<Item = &str> {
        self.tools.iter().map(|tool| tool.name.as_str())
    }
}

impl ListedTool {
    /// A tool in the form of the registry's `tool_list` or of MCP's `tools/list`; nothing if it has no name.
    pub fn read(value: &Value) -> Option<Self> {
        let name = said(value, "name");
        let parsed = value.pointer("/parsed_description/main").and_then(Value::as_str);
        let schema = ["inputSchema", "schema"].iter().find_map(|member| value.get(member));
        let tool = Self {
            title: said(value, "title"),
            description: parsed.map_or_else(|| said(value, "description"), str::to_owned),
            schema: schema.cloned().unwrap_or_default(),
            hints: words(value, "search_hints"),
            name,
        };
        (!tool.name.is_empty()).then_some(tool)
    }
}

/// When a file was last changed.
fn changed_at(file: &Path) -> Option<i64> {
    let changed = fs::metadata(file).ok()?.modified().ok()?;
    i64::try_from(changed.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

fn said(value: &Value, member: &str) -> String {
    value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A list of words; some write one text with commas in it.
fn words(value: &Value, member: &str) -> Vec<String> {
    match value.get(member) {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(text)) => {
            text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_what_can_be_read_of_it() {
        let text = r#"{"description":"d","tags":["a",1,"b"],"search_hints":"x, y","license":"MIT","auth_provider":"",
            "tool_list":[{"name":"t","parsed_description":{"main":"does t"},"schema":{"type":"object"},"search_hints":["h"]},
                {"name":"u","description":"does u","inputSchema":{}},{"name":""},5]}"#;
        let profile = Profile::read(text, Path::new("x.json"), "/x/");
        assert_eq!((profile.tags.join(" "), profile.hints.join(" ")), ("a b".into(), "x y".into()));
        assert_eq!((profile.auth_provider, profile.license.as_deref()), (None, Some("MIT")));
        let [t, u] = profile.tools.as_slice() else { panic!("{:?}", profile.tools) };
        assert_eq!((t.description.as_str(), t.hints.join(" ")), ("does t", "h".into()));
        assert_eq!((u.description.as_str(), &u.schema), ("does u", &serde_json::json!({})));
        assert_eq!(Profile::read("no JSON", Path::new(""), "").tools, []);
    }
}
