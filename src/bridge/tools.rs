//! Tools that a client of the bridge does not get: they are in no list, and calls of them are refused. Not here: tools
//! that no client may use (see `mcp::mirror`).

use serde_json::Value;

use crate::mcp::jsonrpc::Message;

/// The names of such tools, with `*` for any characters; case does not count.
#[derive(Clone, Debug, Default)]
pub struct IgnoredTools(Vec<Vec<String>>);

impl IgnoredTools {
    /// With these patterns.
    pub fn new(patterns: &[String]) -> Self {
        let parts = |pattern: &String| pattern.to_lowercase().split('*').map(str::to_owned).collect();
        Self(patterns.iter().map(parts).collect())
    }

    /// Whether there are any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tool that a message calls, if it is one of these.
    pub(super) fn called<'m>(&self, message: &'m Message) -> Option<&'m str> {
        if self.is_empty() || message.method() != Some("tools/call") {
            return None;
        }
        message.value.pointer("/params/name").and_then(Value::as_str).filter(|name| self.has(name))
    }

    /// Removes them from a list; whether there were any.
    pub(super) fn hide(&self, result: &mut Value) -> bool {
        let Some(tools) = result.get_mut("tools").and_then(Value::as_array_mut) else { return false };
        let before = tools.len();
        tools.retain(|tool| !tool.get("name").and_then(Value::as_str).is_some_and(|name| self.has(name)));
        tools.len() < before
    }

    fn has(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.0.iter().any(|parts| is_match(parts, &name))
    }
}

/// Whether a name is these parts in order, with anything between them.
fn is_match(parts: &[String], name: &str) -> bool {
    let (Some((first, more)), Some(rest)) =
        (parts.split_first(), parts.first().and_then(|first| name.strip_prefix(first.as_str())))
    else {
        return false;
    };
    let Some((last, middle)) = more.split_last() else { return name == first };
    let rest = middle.iter().try_fold(rest, |rest, part| Some(rest.split_once(part.as_str())?.1));
    rest.is_some_and(|rest| rest.ends_with(last.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_anything_and_nothing_else_is_special() {
        for (pattern, yes, no) in [
            ("delete*", &["delete", "deleteTask", "DELETE_all"][..], &["undelete", "del"][..]),
            ("*account", &["account", "getAccount"], &["accounts"]),
            ("a*b*c", &["abc", "axxbyyc", "abbc"], &["ac", "ab", "acb"]),
            ("a*a", &["aa", "aba"], &["a"]),
            ("exact", &["exact", "Exact"], &["exact2", "inexact"]),
            ("a.b", &["a.b"], &["axb"]),
            ("*", &["anything", ""], &[]),
            ("", &[""], &["x"]),
        ] {
            let tools = IgnoredTools::new(&[pattern.to_owned()]);
            assert!(yes.iter().all(|name| tools.has(name)), "{pattern}");
            assert!(!no.iter().any(|name| tools.has(name)), "{pattern}");
        }
    }
}
