//! Who changed what in the registry, newest first.

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::record::{self, RecordLine};
use super::server_address;
use crate::gateway::face::FaceState;
use crate::gateway::face::html::PageFrame;
use crate::gateway::face::visitor::{SignedIn, Visitor};

/// How many changes are shown.
const ROWS: usize = 100;

pub(in crate::gateway::face) async fn show(SignedIn { face, visitor, asked }: SignedIn) -> Response {
    let query = asked.one("q").to_owned();
    let page =
        record::page(&face, &visitor, move |lines, face, visitor| shown(lines, face, visitor, &query)).await;
    PageFrame::new("Changes", Some(&visitor), "/changes").page(StatusCode::OK, "changes.html", page)
}

fn shown(lines: &[RecordLine<'_>], face: &FaceState, visitor: &Visitor, query: &str) -> Value {
    let words = query.to_lowercase();
    let found: Vec<_> = lines.iter().filter(|line| line.is_change() && line.has(&words)).collect();
    let view = visitor.view(face);
    let row = |line: &&RecordLine<'_>| {
        context! {
            when => line.when(),
            who => line.who(),
            what => line.change.as_deref(),
            server => &line.server,
            href => visitor.chosen(view, &line.server).map(|found| server_address(found.name())),
            detail => detail(line),
        }
    };
    let (count, shown) = (found.len(), found.len().min(ROWS));
    context! {
        query,
        rows => found.iter().take(ROWS).map(row).collect::<Vec<_>>(),
        caption => format!("The newest {shown} of {count} changes in the part of the audit that is read"),
        nothing => match query {
            "" => "Nothing was changed, as far as the part of the audit says that is read, its newest 2 MB.",
            _ => "There is no such change in the part of the audit that is read, its newest 2 MB.",
        },
    }
}

/// What was different before: names alone.
fn detail(line: &RecordLine<'_>) -> String {
    let [before, after] = [&line.before, &line.after]
        .map(|state| state.as_ref().map_or("", |state| state.server_name.as_ref()));
    let renamed = (!before.is_empty() && !after.is_empty() && before != after)
        .then(|| format!("called {after}, before {before}"));
    let fields = (!line.members.is_empty()).then(|| format!("fields: {}", line.members.join(", ")));
    [renamed, fields].into_iter().flatten().collect::<Vec<_>>().join("; ")
}
