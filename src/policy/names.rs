//! A set of names, or every name: the right-hand side of `methods`, `tools`, `prompts` and `resources`.
//! It leaves what the names mean to `compiled`.

use std::fmt;

use hashbrown::HashSet;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

/// What an entry names. Names are literal and their case matters; there are no patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NameSet {
    /// Whether `*` or `all` is among them.
    all: bool,
    written: HashSet<Box<str>>,
}

/// Whether a word stands for everything.
pub(super) fn is_wildcard(word: &str) -> bool {
    matches!(word, "*" | "all")
}

/// A server's name as it is compared: without the slashes a path has around it.
pub(super) fn trimmed(server: &str) -> &str {
    server.trim_matches('/')
}

impl NameSet {
    /// Whether `name` is among them.
    pub(super) fn hold(&self, name: &str) -> bool {
        self.all || self.spell_out(name)
    }

    /// Whether `name` itself is written, and not only meant by `*`.
    pub(super) fn spell_out(&self, name: &str) -> bool {
        self.written.contains(name)
    }

    /// Whether there is nothing among them.
    pub(super) fn is_empty(&self) -> bool {
        !self.all && self.written.is_empty()
    }

    /// Whether it is every name.
    pub(super) fn is_all(&self) -> bool {
        self.all
    }

    /// The names that are written out.
    pub(super) fn written(&self) -> impl Iterator<Item = &str> {
        self.written.iter().map(AsRef::as_ref)
    }

    /// Names that look like patterns, and are none.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &str> {
        self.written().filter(|name| name.contains('*'))
    }
}

impl fmt::Display for NameSet {
    /// In alphabetical order.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = self.written().collect();
        names.sort_unstable();
        f.write_str(&if self.all { "*".to_owned() } else { names.join(", ") })
    }
}

impl<'de> Deserialize<'de> for NameSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = NameSet;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of names, or '*' for all")
    }

    fn visit_unit<E>(self) -> Result<NameSet, E> {
        Ok(NameSet::default())
    }

    /// A single name without a list is refused: `tools: a, b` would be one tool that does not exist.
    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<NameSet, E> {
        if is_wildcard(word) {
            Ok(NameSet { all: true, ..NameSet::default() })
        } else {
            Err(E::invalid_type(serde::de::Unexpected::Str(word), &self))
        }
    }

    /// Elements are read as text, so that a tool named `123` or `true` keeps its name as it is written.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<NameSet, A::Error> {
        let mut names = NameSet::default();
        while let Some(name) = list.next_element::<String>()? {
            if is_wildcard(&name) {
                names.all = true;
            } else {
                names.written.insert(name.into_boxed_str());
            }
        }
        Ok(names)
    }
}
