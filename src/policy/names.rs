//! A set of names, or every name: the right-hand side of `methods`, `tools`, `prompts` and `resources`. Not here:
//! what the names mean (see `compiled`).

use std::fmt;

use hashbrown::HashSet;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

/// The names in an entry. Names are literal and case-sensitive; there are no patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NameSet {
    /// Whether `*` or `all` is among them.
    all: bool,
    written: HashSet<Box<str>>,
}

/// Whether a word means every name.
pub(super) fn is_wildcard(word: &str) -> bool {
    matches!(word, "*" | "all")
}

/// A server's name in comparable form: without the slashes around a path.
pub(super) fn trimmed(server: &str) -> &str {
    server.trim_matches('/')
}

impl NameSet {
    /// Whether `name` is among them.
    pub(super) fn hold(&self, name: &str) -> bool {
        self.all || self.spell_out(name)
    }

    /// Whether `name` itself is listed, and not only covered by `*`.
    pub(super) fn spell_out(&self, name: &str) -> bool {
        self.written.contains(name)
    }

    /// Whether it is empty.
    pub(super) fn is_empty(&self) -> bool {
        !self.all && self.written.is_empty()
    }

    /// Whether it is every name.
    pub(super) fn is_all(&self) -> bool {
        self.all
    }

    /// The listed names.
    pub(super) fn written(&self) -> impl Iterator<Item = &str> {
        self.written.iter().map(AsRef::as_ref)
    }

    /// Names that look like patterns and are not.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &str> {
        self.written().filter(|name| name.contains('*'))
    }
}

impl<N: AsRef<str> + Into<Box<str>>> FromIterator<N> for NameSet {
    /// Each name, or every name for a word that stands for everything.
    fn from_iter<I: IntoIterator<Item = N>>(list: I) -> Self {
        let mut names = Self::default();
        for name in list {
            if is_wildcard(name.as_ref()) {
                names.all = true;
            } else {
                names.written.insert(name.into());
            }
        }
        names
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

    /// A single name without a list is rejected: `tools: a, b` would be one tool that does not exist.
    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<NameSet, E> {
        if is_wildcard(word) {
            Ok(NameSet { all: true, ..NameSet::default() })
        } else {
            Err(E::invalid_type(serde::de::Unexpected::Str(word), &self))
        }
    }

    /// Elements are read as text, so that a tool named `123` or `true` keeps its name.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<NameSet, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = list.next_element::<String>()? {
            names.push(name);
        }
        Ok(names.into_iter().collect())
    }
}
