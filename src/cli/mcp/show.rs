//! Prints a server's answers: tools as a table or as lines, a result's text, JSON. A server may be hostile, and a
//! terminal interprets what it receives, so no control character gets through. Not here: printing (see `out`).

use std::fmt::Write;

use dialoguer::console::{measure_text_width, pad_str, truncate_str};
use serde_json::Value;

use crate::cli::out::Out;
use crate::client::McpClient;
use crate::text::{clean, visible_json};

/// Names are typed next, so they are cut only if they are absurdly long.
const LONGEST_NAME: usize = 200;
/// A narrower description is useless.
const MIN_DESCRIPTION_WIDTH: usize = 20;

/// A tool's result, sorted by what can be printed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ToolContent {
    /// What can be printed.
    pub(super) text: Vec<String>,
    /// What cannot, as short descriptions.
    pub(super) left_out: Vec<String>,
}

impl ToolContent {
    pub(super) fn from_result(result: &Value) -> Self {
        let mut content = Self::default();
        let blocks = result.get("content").and_then(Value::as_array).into_iter().flatten();
        for block in blocks.filter(|block| !block.is_null()) {
            content.add(block);
        }
        if content.text.is_empty()
            && let Some(structured) = result.get("structuredContent").filter(|found| !found.is_null())
        {
            content.text.push(json(structured));
        }
        content
    }

    /// The text on stdout, the rest as remarks.
    pub(super) fn print(&self, out: &Out) {
        for text in &self.text {
            out.data(text);
        }
        for what in &self.left_out {
            out.say(&format!("not shown: {what}; all of it with --json"));
        }
    }

    fn add(&mut self, block: &Value) {
        let resource = block.get("resource");
        let text = |of: Option<&Value>, name: &str| {
            of.and_then(|of| of.get(name)).and_then(Value::as_str).map(str::to_owned)
        };
        let short = |of, name| clean(&text(of, name).unwrap_or_default(), 100);
        let size = |of, name| text(of, name).unwrap_or_default().len() / 4 * 3;
        let kind = short(Some(block), "type");
        match kind.as_str() {
            "text" => self.text.extend(text(Some(block), "text")),
            "resource" if text(resource, "text").is_some() => self.text.extend(text(resource, "text")),
            "resource" => self.left_out.push(format!(
                "resource {} ({}, about {} bytes)",
                short(resource, "uri"),
                short(resource, "mimeType"),
                size(resource, "blob")
            )),
            "resource_link" => self.left_out.push(format!("link to {}", short(Some(block), "uri"))),
            "image" | "audio" => {
                let (media, size) = (short(Some(block), "mimeType"), size(Some(block), "data"));
                self.left_out.push(format!("{kind} ({media}, about {size} bytes)"));
            }
            _ => self.left_out.push(format!("content of the type {kind:?}")),
        }
    }
}

/// What the server calls itself.
pub(super) fn named(client: &McpClient) -> String {
    match (client.name.as_str(), client.version.as_str()) {
        ("", _) => "a server without a name".into(),
        (name, "") => name.into(),
        (name, version) => format!("{name} {version}"),
    }
}

/// A tool's name, safe to print.
pub(super) fn name(tool: &Value) -> String {
    clean(tool.get("name").and_then(Value::as_str).unwrap_or_default(), LONGEST_NAME)
}

/// One tool per line: its name, a tab, its description.
pub(super) fn lines(tools: &[Value]) -> String {
    let lines: Vec<String> = tools.iter().map(|tool| format!("{}\t{}", name(tool), about(tool))).collect();
    lines.join("\n")
}

/// Tools in columns, `width` wide: names in full, the rest cut.
pub(super) fn table(tools: &[Value], width: usize, paint: &dyn Fn(&str) -> String) -> String {
    let rows: Vec<[String; 3]> =
        tools.iter().map(|tool| [name(tool), arguments(tool), about(tool)]).collect();
    let widest = |column: fn(&[String; 3]) -> &String, head: &str| {
        rows.iter().map(|row| measure_text_width(column(row))).chain([head.len()]).max().unwrap_or_default()
    };
    let first = widest(|[name, _, _]| name, "TOOL");
    let second =
        widest(|[_, arguments, _]| arguments, "ARGUMENTS").min((width / 4).max(MIN_DESCRIPTION_WIDTH));
    let third = width.saturating_sub(first + second + 4).max(MIN_DESCRIPTION_WIDTH);
    let line = |[name, arguments, about]: [&str; 3]| {
        let name = pad_str(name, first, dialoguer::console::Alignment::Left, None);
        let arguments = pad_str(arguments, second, dialoguer::console::Alignment::Left, Some("…"));
        format!("{name}  {arguments}  {}", truncate_str(about, third, "…")).trim_end().to_owned()
    };
    let mut text = paint(&line(["TOOL", "ARGUMENTS", "WHAT IT DOES"]));
    for [name, arguments, about] in &rows {
        // Writing to a String does not fail.
        let _ = write!(text, "\n{}", line([name, arguments, about]));
    }
    text
}

/// The first line of a tool's description.
fn about(tool: &Value) -> String {
    let text = tool.get("description").and_then(Value::as_str).unwrap_or_default();
    clean(text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default(), 500)
}

/// The names of a tool's arguments, with a star for required ones.
fn arguments(tool: &Value) -> String {
    let schema = tool.get("inputSchema");
    let properties = schema.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    let required = schema.and_then(|schema| schema.get("required")).and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|other| other == name));
    let star = |name: &str| if is_required(name) { "*" } else { "" };
    let names = properties.into_iter().flatten();
    names.map(|(name, _)| format!("{}{}", clean(name, 60), star(name))).collect::<Vec<_>>().join(", ")
}

/// Indented JSON in which no character is special to a terminal.
pub(super) fn json(value: &Value) -> String {
    visible_json(&serde_json::to_string_pretty(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{is_plain, visible};
    use proptest::prelude::*;
    use serde_json::json as object;

    fn tools() -> Vec<Value> {
        vec![
            object!({
                "name": "get_price", "description": "\n  Gets a price.\nMore about it.",
                "inputSchema": {"properties": {"symbol": {}, "day": {}}, "required": ["symbol"]},
            }),
            object!({"name": "e\u{1b}[31mvil", "description": "Looks \u{202e}harmless but is so very long that no line has room for it"}),
            object!({}),
        ]
    }

    #[test]
    fn tools_in_columns() {
        let expected = "\
TOOL       ARGUMENTS     WHAT IT DOES
get_price  symbol*, day  Gets a price.
e [31mvil                Looks  harmless but is so very…";
        assert_eq!(table(&tools(), 56, &str::to_owned).trim_end(), expected);
    }

    #[test]
    fn a_narrow_terminal_still_shows_whole_names() {
        let name = "a_name_that_is_longer_than_the_terminal_is_wide";
        let table = table(&[object!({"name": name, "description": "x"})], 20, &str::to_owned);
        assert!(table.contains(name), "{table}");
    }

    #[test]
    fn tools_in_lines() {
        assert_eq!(
            lines(&tools()),
            "get_price\tGets a price.\ne [31mvil\tLooks  harmless but is so very long that no line has room for it\n\t"
        );
    }

    #[test]
    fn a_result_is_its_text_and_what_is_left_out_is_named() {
        let text = |text: &str| object!({"type": "text", "text": text});
        let cases = [
            (object!({"content": [text("a"), text("b\n")]}), &["a", "b\n"][..], &[][..]),
            (object!({"content": [], "structuredContent": {"a": 1}}), &["{\n  \"a\": 1\n}"], &[]),
            (object!({"content": [text("a")], "structuredContent": {"a": 1}}), &["a"], &[]),
            (
                object!({"content": [
                    {"type": "image", "mimeType": "image/png", "data": "AAAABBBB"},
                    {"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}},
                    {"type": "resource", "resource": {"uri": "file:///b", "mimeType": "x/y", "blob": "AAAA"}},
                    {"type": "resource_link", "uri": "file:///c"},
                    {"type": "so\u{7}und"}, 7, null,
                ]}),
                &["inside"],
                &[
                    "image (image/png, about 6 bytes)",
                    "resource file:///b (x/y, about 3 bytes)",
                    "link to file:///c",
                    "content of the type \"so und\"",
                    "content of the type \"\"",
                ],
            ),
            (object!({"content": "none"}), &[], &[]),
            (object!(null), &[], &[]),
        ];
        for (result, text, left_out) in cases {
            let content = ToolContent::from_result(&result);
            assert_eq!(content.text, text, "{result}");
            assert_eq!(content.left_out, left_out, "{result}");
        }
    }

    #[test]
    fn a_terminal_gets_no_commands() {
        assert_eq!(
            visible("a\tb\r\nc\u{1b}[2J\u{9b}2J\rd\u{202e}"),
            "a\tb\nc\\u{1b}[2J\\u{9b}2J\\u{d}d\\u{202e}"
        );
        assert_eq!(json(&object!("\u{1b}\u{9b}\u{7f}\u{202e}é")), "\"\\u001b\\u009b\\u007f\\u202eé\"");
    }

    proptest! {
        #[test]
        fn whatever_a_server_says(text in "(\\PC|[\\x00-\\x1f\\x7f-\\u{9f}]|\u{202e}|\u{feff}){0,30}") {
            let plain = |shown: &str| shown.chars().all(|c| c == '\n' || c == '\t' || is_plain(c));
            prop_assert!(plain(&visible(&text)));
            let shown = json(&object!({ "a": text }));
            prop_assert!(plain(&shown));
            prop_assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), object!({ "a": text }));
            let tool = object!({"name": text, "description": text, "inputSchema": {"properties": {&text: {}}}});
            prop_assert!(table(&[tool], 60, &str::to_owned).matches('\n').count() == 1);
        }
    }
}
