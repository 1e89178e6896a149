//! The end of the audit, read back for people: decisions, and changes of the registry. Anyone but an administrator sees
//! their own lines alone. Not here: writing it (see `observe` and `changes`).

use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::sync::Arc;

use minijinja::{Value, context};
use serde::Deserialize;

use crate::gateway::face::FaceState;
use crate::gateway::face::visitor::Visitor;
use crate::sys::regular_file;

/// One line of the audit, as far as it is shown or searched.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RecordLine<'l> {
    #[serde(borrow)]
    time: Cow<'l, str>,
    #[serde(borrow)]
    id: Cow<'l, str>,
    #[serde(borrow)]
    address: Cow<'l, str>,
    #[serde(borrow)]
    issuer: Cow<'l, str>,
    #[serde(borrow)]
    subject: Cow<'l, str>,
    #[serde(borrow)]
    client: Cow<'l, str>,
    #[serde(borrow)]
    user: Cow<'l, str>,
    #[serde(borrow)]
    token: Cow<'l, str>,
    #[serde(borrow)]
    agent: Cow<'l, str>,
    #[serde(borrow)]
    through: Cow<'l, str>,
    #[serde(borrow)]
    shadow: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) http: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) server: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) method: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) name: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) verdict: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) rule: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) reason: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) change: Option<Cow<'l, str>>,
    #[serde(borrow)]
    pub(super) before: Option<RecordedServer<'l>>,
    #[serde(borrow)]
    pub(super) after: Option<RecordedServer<'l>>,
    pub(super) members: Vec<String>,
}

/// A server before a change, or after it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RecordedServer<'l> {
    #[serde(borrow)]
    pub(super) server_name: Cow<'l, str>,
}

/// How much of the file's end is read, in bytes.
const END: u64 = 2 << 20;

/// A page of the lines that a visitor may see, newest first, as `show` makes it, on a thread that may wait for the file. Where
/// there are none, `cannot` says why.
pub(super) async fn page(
    face: &Arc<FaceState>,
    visitor: &Arc<Visitor>,
    show: impl FnOnce(&[RecordLine<'_>], &FaceState, &Visitor) -> Value + Send + 'static,
) -> Value {
    let (at, who) = (face.clone(), visitor.clone());
    let work = move || {
        let (bytes, cannot) = match end(&at.shared.settings.audit) {
            Ok(bytes) => (bytes, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        let is_all = who.is_admin();
        let mut lines = parse(&bytes);
        lines.retain(|line| is_all || line.is_of(&who));
        context! { cannot, is_all, ..show(&lines, &at, &who) }
    };
    face.shared.vault.spawn_blocking(work).await.unwrap_or_default()
}

/// The end of the audit.
///
/// # Errors
/// Why there is none, for people: where the file is, is for the operator alone.
fn end(audit: &str) -> Result<Vec<u8>, String> {
    if matches!(audit, "-" | "off" | "") {
        return Err("The gateway writes its audit nowhere it can be read back from. Name a file in gateway.yaml: audit: audit.jsonl".into());
    }
    read(Path::new(audit)).map_err(|error| format!("The audit cannot be read: {}", error.kind()))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    match regular_file::read_end(path, END) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

/// The lines from the last one on; the first of the part may be half of one, and so may the last.
fn parse(bytes: &[u8]) -> Vec<RecordLine<'_>> {
    let is_object = |line: &&[u8]| line.starts_with(b"{");
    let lines = bytes.rsplit(|byte| *byte == b'\n').filter(is_object);
    lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

impl RecordLine<'_> {
    /// When it was written, as people read it.
    pub(super) fn when(&self) -> String {
        let time = self.time.replacen('T', " ", 1);
        time.split('.').next().unwrap_or_default().trim_end_matches('Z').into()
    }

    /// The user or client it is about.
    pub(super) fn who(&self) -> &str {
        let named = [&self.user, &self.subject, &self.client].into_iter().find(|text| !text.is_empty());
        named.map_or("nobody known", |text| text.as_ref())
    }

    /// Whether it is a change of the registry, and no decision about a request.
    pub(super) fn is_change(&self) -> bool {
        self.change.is_some()
    }

    /// Whether one of its texts has these words, in lower case.
    pub(super) fn has(&self, words: &str) -> bool {
        let who =
            [&self.user, &self.subject, &self.client, &self.issuer, &self.address, &self.agent, &self.token];
        let what = [&self.server, &self.method, &self.name, &self.http, &self.through];
        let why = [&self.verdict, &self.reason, &self.rule, &self.shadow, &self.time, &self.id];
        let mut texts = who.into_iter().chain(what).chain(why).chain(&self.change);
        words.is_empty() || texts.any(|text| text.to_lowercase().contains(words))
    }

    fn is_of(&self, visitor: &Visitor) -> bool {
        self.issuer == visitor.principal.issuer && self.subject == visitor.principal.subject
    }
}

/// Lines for tests.
#[cfg(test)]
pub(super) fn tests_only(text: &str) -> Vec<RecordLine<'_>> {
    parse(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_record_is_read_from_its_last_whole_line_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        assert_eq!(read(&path).unwrap(), b"");
        let text = "half}\n{\"time\":\"2026-11-27T08:00:00Z\",\"user\":\"A\\u006en\",\"status\":200}\n[1]\n\
                    {\"change\":\"added\",\"subject\":\"s\",\"before\":null,\"after\":{\"server_name\":\"S\",\"enabled\":false}}\n{\"cut";
        crate::sys::private_file::write(&path, text).unwrap();
        let bytes = read(&path).unwrap();
        let lines = parse(&bytes);
        let [change, decision] = lines.as_slice() else { panic!("{}", lines.len()) };
        assert!(change.is_change() && change.who() == "s" && !decision.is_change());
        assert!(
            change.before.is_none() && change.after.as_ref().is_some_and(|after| after.server_name == "S")
        );
        assert_eq!((decision.when().as_str(), decision.who()), ("2026-11-27 08:00:00", "Ann"));
        assert!(decision.has("ann") && decision.has("") && !decision.has("bob"));
    }
}
