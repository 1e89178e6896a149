//! The words that are taken for a client and for a way to its headers.

use clap::builder::PossibleValuesParser;

use crate::render::{Secrets, TARGETS};

pub(super) fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(TARGETS.iter().map(|target| target.client))
}

pub(super) fn ways() -> PossibleValuesParser {
    PossibleValuesParser::new(Secrets::ALL.map(Secrets::name))
}
