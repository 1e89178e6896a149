//! The words accepted for clients and auth modes.

use clap::builder::PossibleValuesParser;

use crate::render::{AuthMode, TARGETS};

pub(in crate::cli) fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(TARGETS.iter().map(|target| target.client))
}

pub(in crate::cli) fn auth_modes() -> PossibleValuesParser {
    PossibleValuesParser::new(AuthMode::ALL.map(AuthMode::name))
}
