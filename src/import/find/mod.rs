//! Finds secrets in the entries of clients' files: by the shape of known keys, by name, and by how random a value looks. Not
//! here: which files (see `clients`); what becomes of an entry (see `plan`).

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

/// Where an address has secrets in it.
pub(super) fn in_address(text: &str) -> Vec<std::ops::Range<usize>> {
    address::secrets(text).into_iter().map(|found| found.range).collect()
}
