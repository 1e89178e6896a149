//! The words that are taken for a client and for a way to its headers.

use clap::builder::PossibleValuesParser;

use crate::render::{AuthMode, TARGETS};

pub(super) fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(TARGETS.iter().map(|target| target.client))
}

pub(super) fn auth_modes() -> PossibleValuesParser {
    PossibleValuesParser::new(AuthMode::ALL.map(AuthMode::name))
}
