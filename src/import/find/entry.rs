//! The secrets in one entry: in its headers, its address, its variables and its arguments.

use super::arguments::{self, SecretArgument};
use super::{address, value};
use crate::render::EntryParts;

/// Where a secret is in an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretPlace {
    /// The value of a header.
    Header(String),
    /// Its address.
    Address,
    /// The value of a variable.
    Variable(String),
    /// One of its program's words.
    Argument(SecretArgument),
    /// Another member, by its path.
    Member(String),
}

/// A secret in an entry. Its value stays where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntrySecret {
    pub(crate) place: SecretPlace,
    /// Why it is one.
    pub(crate) why: String,
}

impl EntrySecret {
    /// Where it is, for people.
    pub(crate) fn place(&self) -> String {
        let name = |name: &str| crate::text::clean(name, 60);
        match &self.place {
            SecretPlace::Header(header) => format!("header {}", name(header)),
            SecretPlace::Address => "its address".into(),
            SecretPlace::Variable(variable) => format!("variable {}", name(variable)),
            SecretPlace::Argument(argument) if argument.name.is_empty() => {
                format!("argument {}", argument.word)
            }
            SecretPlace::Argument(argument) => format!("argument {}", name(&argument.name)),
            SecretPlace::Member(path) => format!("member {}", name(path)),
        }
    }
}

/// The secrets in an entry.
pub(crate) fn secrets(entry: EntryParts<'_>) -> Vec<EntrySecret> {
    let headers = entry.headers().into_iter().filter_map(|(name, text)| {
        let why = value::secret(name, text)?;
        Some(EntrySecret { place: SecretPlace::Header(name.into()), why })
    });
    let address = address::secrets(entry.url(), &value::secret).into_iter().take(1);
    let address = address.map(|found| EntrySecret { place: SecretPlace::Address, why: found.why });
    let variables = entry.variables().into_iter().filter_map(|(name, text)| {
        let why = value::secret(name, text)?;
        Some(EntrySecret { place: SecretPlace::Variable(name.into()), why })
    });
    let arguments = arguments::secrets(&entry.words()).into_iter();
    let arguments =
        arguments.map(|found| EntrySecret { why: found.why.clone(), place: SecretPlace::Argument(found) });
    let others = entry.others().into_iter().filter_map(|(path, text)| {
        let name = path.rsplit('.').next().unwrap_or_default();
        Some(EntrySecret { why: value::secret(name, text)?, place: SecretPlace::Member(path.clone()) })
    });
    headers.chain(address).chain(variables).chain(arguments).chain(others).collect()
}

#[cfg(test)]
mod tests;
