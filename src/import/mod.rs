//! Takes the secrets out of clients' files and into the user's store, and gives the clients entries that ask mcpauth. Not here:
//! the store (see `store`); clients and their files (see `clients`); asking (see `cli`).

mod find;

pub(crate) use self::find::{EntrySecret, SecretPlace, secrets};
