//! Finds secrets in the entries of clients' files: by the shape of known keys, by name, and by how random a value looks. Not
//! here: which files (see `clients`); what replaces an entry (see `plan`).

mod address;
mod arguments;
mod entry;
mod random;
mod rules;
mod stand_in;
mod value;

pub(crate) use self::arguments::SecretArgument;
pub(crate) use self::entry::{EntrySecret, SecretPlace, secrets};
pub(super) use self::value::scheme;

/// Where an address has secrets in it, and what each is called.
pub(super) fn in_address(text: &str) -> Vec<(std::ops::Range<usize>, String)> {
    address::secrets(text, &value::secret).into_iter().map(|found| (found.range, found.name)).collect()
}

/// The secrets in a command's words.
pub(super) fn in_command(words: &[String]) -> Vec<SecretArgument> {
    arguments::secrets(words)
}

/// The text with the defaults of its references (`${NAME:-default}`) that are secrets, unless their variable `is_set`; `name` is
/// what the text is called.
pub(super) fn with_secret_defaults(name: &str, text: &str, is_set: impl Fn(&str) -> bool) -> String {
    stand_in::with_defaults(text, |variable, default| {
        !is_set(variable) && (is_secret(variable, default) || is_secret(name, default))
    })
}

/// Whether the value of this name is a secret.
pub(super) fn is_secret(name: &str, value: &str) -> bool {
    value::secret(name, value).is_some()
}
