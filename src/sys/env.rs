//! The process environment. `config::Settings` is given a copy of it once; nobody else looks.
#![expect(clippy::disallowed_methods, reason = "this is the one door to the environment")]

use std::collections::BTreeMap;

/// Whether this is Windows, whose shells and folders are others.
pub const IS_WINDOWS: bool = cfg!(windows);

/// Every variable whose name and value are text.
pub fn all() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The names of all variables, whatever their values are.
pub fn names() -> Vec<String> {
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect()
}

/// One variable, for the few that concern the terminal rather than the settings; empty counts as unset.
pub fn get(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What was typed after the program's name, as far as it is text.
pub fn arguments() -> Vec<String> {
    std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect()
}
