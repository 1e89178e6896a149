//! `scopes.yml` in its parsed form: groups, scopes and their entries, each with its line, and errors. Not here: fast
//! look-up (see `compiled`); deciding (see `decide`).

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_saphyr::{MessageFormatter, Spanned, UserMessageFormatter};

use super::names::{NameSet, trimmed};
use super::ui::UiScope;
use super::when::When;

/// Why a policy, or a file of policy tests, cannot be used. An unreadable policy allows nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub struct PolicyError {
    /// Line and column, from 1, if known.
    pub at: Option<(u64, u64)>,
    /// What is wrong.
    pub reason: String,
}

/// The whole file.
#[derive(Debug, Default)]
pub(super) struct ScopesFile {
    /// `group_mappings`: the scopes of a group's members.
    pub(super) groups: BTreeMap<String, Vec<String>>,
    /// `UI-Scopes`: the registry's own permissions, which say nothing of MCP.
    pub(super) ui: BTreeMap<String, UiScope>,
    /// Every other key, in the file's order.
    pub(super) scopes: Vec<(String, Vec<EntryLine>)>,
}

/// One element of a scope's list.
#[derive(Clone, Debug)]
pub(super) struct EntryLine {
    /// Its line, from 1.
    pub(super) line: u64,
    pub(super) written: RawEntry,
}

/// An entry as written. An unknown member is an error: a misspelt `tools` would silently mean something else.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEntry {
    pub(super) server: Option<String>,
    #[serde(default)]
    pub(super) methods: NameSet,
    #[serde(default)]
    pub(super) tools: NameSet,
    /// Absent means no restriction; present and empty means none.
    #[serde(default, deserialize_with = "present")]
    pub(super) prompts: Option<NameSet>,
    #[serde(default, deserialize_with = "present")]
    pub(super) resources: Option<NameSet>,
    #[serde(default, deserialize_with = "present")]
    pub(super) when: Option<When>,
    /// The registry's permissions on agents; a separate entry, irrelevant to MCP.
    pub(super) agents: Option<IgnoredAny>,
}

impl ScopesFile {
    /// Parses the text of a `scopes.yml`.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn parse(text: &str) -> Result<Self, PolicyError> {
        let file: Self = read(text)?;
        for (_, lines) in &file.scopes {
            for EntryLine { line, written } in lines {
                written
                    .check()
                    .map_err(|reason| PolicyError { at: Some((*line, 1)), reason: reason.into() })?;
            }
        }
        if file.scopes.is_empty() {
            return Err(PolicyError { at: None, reason: "the policy defines no scope".into() });
        }
        Ok(file)
    }
}

/// Parses YAML strictly: no duplicate keys, no second document, `no` is a word and not a boolean.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, PolicyError> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        // A policy for some thousand servers exceeds the parser's default limits.
        budget: serde_saphyr::budget! { max_events: 20_000_000, max_nodes: 10_000_000 },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let error = error.without_snippet();
        let at = error.location().map(|at| (at.line(), at.column())).filter(|at| *at != (0, 0));
        PolicyError { at, reason: plain(&UserMessageFormatter.format_message(error)).into() }
    })
}

/// What the YAML parser expected, in terms that people use.
fn plain(reason: &str) -> &str {
    match reason {
        "expected mapping start" => "expected names with values, as in `name: value`",
        "expected sequence start" => "expected a list, as in `- element`",
        "expected string scalar" => "expected a single name",
        other => other,
    }
}

/// A present member never equals an absent one, even if it is null.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl RawEntry {
    fn check(&self) -> Result<(), &'static str> {
        let says_something = !self.methods.is_empty() || !self.tools.is_empty();
        match &self.server {
            Some(server) if trimmed(server).is_empty() => {
                Err("`server` is empty; name a server, or '*' for all")
            }
            Some(_) if self.agents.is_some() => Err("`agents` needs its own entry, without `server`"),
            None if self.agents.is_none() => Err("an entry needs `server`: a server's name, or '*' for all"),
            None if says_something => Err("an entry with `methods` or `tools` needs `server`"),
            _ => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for ScopesFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FileVisitor)
    }
}

struct FileVisitor;

impl<'de> Visitor<'de> for FileVisitor {
    type Value = ScopesFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`group_mappings` and scopes, each with a list of entries")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ScopesFile, A::Error> {
        let mut file = ScopesFile::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "group_mappings" => {
                    let groups: Option<BTreeMap<String, Option<Vec<String>>>> = map.next_value()?;
                    let groups = groups.unwrap_or_default().into_iter();
                    file.groups = groups.map(|(group, scopes)| (group, scopes.unwrap_or_default())).collect();
                }
                "UI-Scopes" => {
                    let scopes: Option<BTreeMap<String, Value>> = map.next_value()?;
                    let scopes = scopes.unwrap_or_default().into_iter();
                    file.ui =
                        scopes.map(|(name, value)| (name.clone(), UiScope::read(&name, &value))).collect();
                }
                "" => return Err(A::Error::custom("a scope needs a name")),
                _ => {
                    let entries: Option<Vec<Spanned<RawEntry>>> = map.next_value()?;
                    let entries = entries.unwrap_or_default().into_iter();
                    let entries =
                        entries.map(|at| EntryLine { line: at.referenced.line(), written: at.value });
                    file.scopes.push((key, entries.collect()));
                }
            }
        }
        Ok(file)
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.at {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            ("", "the policy defines no scope"),
            ("null", "line 1, column 1: expected names with values, as in `name: value`"),
            ("{}", "the policy defines no scope"),
            ("group_mappings: {}", "the policy defines no scope"),
            ("[]", "line 1, column 1: expected names with values, as in `name: value`"),
            ("a: [", "line 1, column 4: unclosed bracket '['"),
            ("s: [{server: a}]\ns: []", "line 2, column 1: duplicate mapping key `s` is not allowed here"),
            (
                "s:\n- server: a\n  server: b",
                "line 3, column 3: duplicate mapping key `server` is not allowed here",
            ),
            (
                "s:\n- server: a\n  tool: [x]",
                "line 3, column 3: unknown field `tool`, expected one of server, methods, tools, prompts, resources, when, agents",
            ),
            (
                "s:\n- methods: [x]",
                "line 2, column 1: an entry needs `server`: a server's name, or '*' for all",
            ),
            ("s:\n- server: ''", "line 2, column 1: `server` is empty; name a server, or '*' for all"),
            ("s:\n- server: /\n", "line 2, column 1: `server` is empty; name a server, or '*' for all"),
            ("s:\n- server:", "line 2, column 1: an entry needs `server`: a server's name, or '*' for all"),
            (
                "s:\n- agents: {}\n  tools: [x]",
                "line 2, column 1: an entry with `methods` or `tools` needs `server`",
            ),
            (
                "s:\n- agents: {}\n  server: a",
                "line 2, column 1: `agents` needs its own entry, without `server`",
            ),
            (
                "s:\n- server: a\n  tools: x",
                "line 3, column 3: invalid type: string \"x\", expected a list of names, or '*' for all",
            ),
            (
                "s:\n- server: a\n  tools: 5",
                "line 3, column 3: invalid type: integer `5`, expected a list of names, or '*' for all",
            ),
            ("s:\n- server: a\n  tools: [null]", "line 3, column 11: null is not allowed here"),
            ("s:\n- server: a\n  tools: [[x]]", "line 3, column 11: expected a single name"),
            (
                "s:\n- server: a\n  tools: {x: y}",
                "line 3, column 10: invalid type: map, expected a list of names, or '*' for all",
            ),
            ("s:\n- server: a\n  when:", "line 3, column 7: expected names with values, as in `name: value`"),
            (
                "s:\n- server: a\n  when: {}",
                "line 3, column 9: `when` names no claim; remove it, or name a claim and its values",
            ),
            (
                "s:\n- server: a\n  when: {a: }",
                "line 3, column 9: `when` needs a value, or a list of values, for the claim \"a\"",
            ),
            (
                "s:\n- server: a\n  when: {a: 1, a: 2}",
                "line 3, column 16: duplicate mapping key `a` is not allowed here",
            ),
            ("s:\n- [a, [x], [y]]", "line 2, column 3: expected names with values, as in `name: value`"),
            ("s: {server: a}", "line 1, column 4: expected a list, as in `- element`"),
            ("s: x", "line 1, column 4: expected a list, as in `- element`"),
            (
                "s: [{server: a}]\ngroup_mappings: [x]",
                "line 2, column 17: expected names with values, as in `name: value`",
            ),
            (
                "s: [{server: a}]\ngroup_mappings: {g: s}",
                "line 2, column 21: expected a list, as in `- element`",
            ),
            (
                "s: [{server: a}]\ngroup_mappings: {g: [s], g: [t]}",
                "line 2, column 26: duplicate mapping key `g` is not allowed here",
            ),
            (
                "s: [{server: a}]\n---\ns: []",
                "line 3, column 1: only single YAML document expected but multiple found",
            ),
            ("s: *a", "line 1, column 4: reference to unknown value"),
            ("\"\": []", "a scope needs a name"),
        ] {
            let found = ScopesFile::parse(text).map_err(|error| error.to_string()).map(|_| ());
            assert_eq!(found, Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        let file = ScopesFile::parse(
            "s:\n- server: 42\n  methods: [ping]\n  tools: [123, 1.10, 0x1F, true, no, 'null', ' x ']\n\
             \x20 prompts:\n- server: b\n  tools:\n",
        );
        let file = file.unwrap();
        let (_, lines) = &file.scopes[0];
        let first = &lines[0].written;
        for name in ["123", "1.10", "0x1F", "true", "no", "null", " x "] {
            assert!(first.tools.hold(name), "{name}");
        }
        assert_eq!((first.server.as_deref(), lines[0].line, lines[1].line), (Some("42"), 2, 6));
        assert_eq!(first.prompts, Some(NameSet::default()));
        assert_eq!((&lines[1].written.tools, &lines[1].written.prompts), (&NameSet::default(), &None));
    }
}
