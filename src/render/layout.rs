//! Where entries are in a client's file: its format, and the keys that lead to them. Not here: which file that is (see
//! `places`); one entry (see `parts`).

use serde_json::Value;

use super::targets::{ClientSpec, Format, Shape};

/// Stands for every key in a path of [`ClientSpec::more_roots`].
const ANY: &str = "*";

/// Where one set of entries is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout<'a> {
    /// The file's format.
    pub format: Format,
    /// Whether they are a map or a list.
    pub shape: Shape,
    /// The keys that lead to them.
    pub root: &'a [&'a str],
}

impl ClientSpec {
    /// Where its entries are.
    pub fn layout(&self) -> Layout<'static> {
        Layout { format: self.format, shape: self.shape, root: self.root }
    }

    /// Every path that leads to entries in a file with this meaning.
    pub fn roots_in(&self, whole: &Value) -> Vec<Vec<String>> {
        let all = std::iter::once(&self.root).chain(self.more_roots);
        all.flat_map(|root| paths(whole, root)).collect()
    }
}

fn paths(at: &Value, root: &[&str]) -> Vec<Vec<String>> {
    let Some((first, rest)) = root.split_first() else { return vec![Vec::new()] };
    let keys = match at.as_object() {
        Some(map) if *first == ANY => map.keys().cloned().collect(),
        Some(map) if map.contains_key(*first) => vec![(*first).to_owned()],
        _ => Vec::new(),
    };
    let below = |key: String| {
        let next = at.get(&key).map(|next| paths(next, rest)).unwrap_or_default();
        next.into_iter().map(move |path| std::iter::once(key.clone()).chain(path).collect())
    };
    keys.into_iter().flat_map(below).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entries_of_every_project_are_found() {
        let whole = json!({"mcpServers": {}, "projects": {"/a": {"mcpServers": {}}, "/b": {}, "/c.d": {"mcpServers": {}}}});
        let claude = ClientSpec::find("claude-code").unwrap();
        let found: Vec<String> = claude.roots_in(&whole).iter().map(|path| path.join(" ")).collect();
        assert_eq!(found, ["mcpServers", "projects /a mcpServers", "projects /c.d mcpServers"]);
        assert!(ClientSpec::find("cursor").unwrap().roots_in(&json!([])).is_empty());
    }
}
