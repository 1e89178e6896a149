//! The process environment. `config::Settings` gets a copy of it once; nothing else reads it.
#![expect(clippy::disallowed_methods, reason = "this is the one door to the environment")]

use std::collections::BTreeMap;

/// Whether this is Windows, which has other shells and folders.
pub const IS_WINDOWS: bool = cfg!(windows);

/// Every variable whose name and value are valid text.
pub fn all() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The names of all variables, whatever their values.
pub fn names() -> Vec<String> {
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect()
}

/// One variable, for the few that concern the terminal rather than the settings; empty counts as unset.
pub fn get(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The command line without the program's name, as far as it is valid text.
pub fn arguments() -> Vec<String> {
    std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect()
}
