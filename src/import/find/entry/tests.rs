//! The labelled set: how many of its secrets are found, and how many innocent entries are taken for one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;

include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/labelled_entries.rs"));

#[test]
#[expect(clippy::print_stdout, reason = "the figures are worth knowing")]
fn every_secret_of_the_labelled_set_is_found_and_nothing_else() {
    let guilty = [guilty(), guilty_notations()].concat();
    let innocent = [innocent(), innocent_notations()].concat();
    let found = |entry: &&Value| !secrets(EntryParts(entry.as_object().unwrap())).is_empty();
    let missed: Vec<&Value> = guilty.iter().filter(|entry| !found(entry)).collect();
    let alarms: Vec<_> = innocent.iter().filter(found).collect();
    let said: Vec<String> = alarms
        .iter()
        .map(|entry| format!("{entry}: {:?}", secrets(EntryParts(entry.as_object().unwrap()))))
        .collect();
    let recall = 100 * (guilty.len() - missed.len()) / guilty.len();
    println!(
        "labelled entries: {} with a secret, {} without; recall {recall} %, false alarms {}",
        guilty.len(),
        innocent.len(),
        alarms.len()
    );
    assert!(guilty.len() >= 60 && innocent.len() >= 60);
    assert!(
        missed.is_empty(),
        "missed:\n{}",
        missed.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    );
    assert!(alarms.is_empty(), "false alarms:\n{}", said.join("\n"));
}
