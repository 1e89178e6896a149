//! The end of the audit, read back for people: decisions, and changes of the registry. Anyone but an administrator sees
//! their own lines alone. Not here: writing it (see `observe` and `changes`).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::gateway::face::FaceState;
use crate::gateway::face::visitor::Visitor;
use crate::sys::regular_file;

/// One line of the audit.
pub(in crate::gateway::face) struct RecordLine(Value);

/// How much of the file's end is read, in bytes.
const END: u64 = 2 << 20;

/// The lines that a visitor may see, newest first.
///
/// # Errors
/// Why there are none, for people.
pub(in crate::gateway::face) async fn lines(
    face: &Arc<FaceState>,
    visitor: &Visitor,
) -> Result<Vec<RecordLine>, String> {
    let Some(path) = file(&face.shared.settings.audit) else {
        return Err("The gateway writes its audit nowhere it can be read back from. Name a file in gateway.yaml: audit: audit.jsonl".into());
    };
    let read = face.shared.vault.spawn_blocking(move || read(&path)).await;
    let lines = read.unwrap_or_else(|_| Err(io::Error::other("interrupted")));
    // Where the file is, is for the operator alone.
    let mut lines = lines.map_err(|error| format!("The audit cannot be read: {}", error.kind()))?;
    if !visitor.is_admin() {
        lines.retain(|line| line.is_of(visitor));
    }
    Ok(lines)
}

fn file(audit: &str) -> Option<PathBuf> {
    (!matches!(audit, "-" | "off" | "")).then(|| audit.into())
}

fn read(path: &Path) -> io::Result<Vec<RecordLine>> {
    let bytes = match regular_file::read_end(path, END) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other?,
    };
    // Lines are read from the end on; the first of the part may be half of one, and so may the last.
    let lines = bytes.rsplit(|byte| *byte == b'\n');
    Ok(lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .filter(Value::is_object)
        .map(RecordLine)
        .collect())
}

impl RecordLine {
    /// A member that is a text.
    pub(in crate::gateway::face) fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(in crate::gateway::face) fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    /// When it was written, as people read it.
    pub(in crate::gateway::face) fn when(&self) -> String {
        self.text("time")
            .replacen('T', " ", 1)
            .split('.')
            .next()
            .unwrap_or_default()
            .trim_end_matches('Z')
            .into()
    }

    /// The user or client it is about.
    pub(in crate::gateway::face) fn who(&self) -> &str {
        ["user", "subject", "client"]
            .into_iter()
            .map(|name| self.text(name))
            .find(|text| !text.is_empty())
            .unwrap_or("nobody known")
    }

    /// Whether it is a change of the registry, and no decision about a request.
    pub(in crate::gateway::face) fn is_change(&self) -> bool {
        self.0.get("change").is_some()
    }

    /// Whether one of its texts has these words, in lower case.
    pub(in crate::gateway::face) fn has(&self, words: &str) -> bool {
        let texts = self.0.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str());
        words.is_empty() || texts.map(str::to_lowercase).any(|text| text.contains(words))
    }

    fn is_of(&self, visitor: &Visitor) -> bool {
        self.text("issuer") == visitor.principal.issuer && self.text("subject") == visitor.principal.subject
    }
}

/// Lines for tests.
#[cfg(test)]
pub(super) fn tests_only(values: Vec<Value>) -> Vec<RecordLine> {
    values.into_iter().map(RecordLine).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_record_is_read_from_its_last_whole_line_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        assert_eq!(read(&path).unwrap().len(), 0);
        let text = "half}\n{\"time\":\"2026-11-27T08:00:00Z\",\"user\":\"Ann\"}\n[1]\n{\"change\":\"added\",\"subject\":\"s\"}\n{\"cut";
        crate::sys::private_file::write(&path, text).unwrap();
        let lines = read(&path).unwrap();
        let [change, decision] = lines.as_slice() else { panic!("{}", lines.len()) };
        assert!(change.is_change() && change.who() == "s" && !decision.is_change());
        assert_eq!((decision.when().as_str(), decision.who()), ("2026-11-27 08:00:00", "Ann"));
        assert!(decision.has("ann") && decision.has("") && !decision.has("bob"));
    }
}
