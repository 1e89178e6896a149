//! Who changed what in the registry, newest first.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::record::{self, RecordLine};
use super::server_address;
use crate::gateway::face::FaceState;
use crate::gateway::face::fields::QueryFields;
use crate::gateway::face::html::PageFrame;
use crate::gateway::face::visitor::{SignedIn, Visitor};

#[derive(Serialize)]
struct ChangesPage {
    query: String,
    cannot: Option<String>,
    is_all: bool,
    rows: Vec<ChangeRow>,
    caption: String,
    nothing: &'static str,
}

#[derive(Serialize)]
struct ChangeRow {
    when: String,
    who: String,
    what: String,
    server: String,
    href: Option<String>,
    detail: String,
}

/// How many changes are shown.
const ROWS: usize = 100;

pub(in crate::gateway::face) async fn show(
    State(face): State<Arc<FaceState>>,
    SignedIn(visitor): SignedIn,
    QueryFields(asked): QueryFields,
) -> Response {
    let (who, at, question) = (visitor.clone(), face.clone(), asked.one("q").to_owned());
    let page =
        record::lines(&face, &visitor, move |lines| ChangesPage::new(lines, (&who, &at), &question)).await;
    let page = page.unwrap_or_else(|why| ChangesPage {
        cannot: Some(why),
        ..ChangesPage::new(&[], (&visitor, &face), asked.one("q"))
    });
    PageFrame::new("Changes", Some(&visitor), "/changes").page(StatusCode::OK, "changes.html", &page)
}

impl ChangesPage {
    fn new(lines: &[RecordLine<'_>], (visitor, face): (&Visitor, &FaceState), query: &str) -> Self {
        let words = query.to_lowercase();
        let is_found = |line: &&RecordLine<'_>| line.is_change() && line.has(&words);
        let found: Vec<&RecordLine<'_>> = lines.iter().filter(is_found).collect();
        let view = visitor.view(face);
        let row = |line: &&RecordLine<'_>| ChangeRow {
            when: line.when(),
            who: line.who().to_owned(),
            what: line.change.as_deref().unwrap_or_default().to_owned(),
            server: line.server.to_string(),
            href: visitor.chosen(view, &line.server).map(|found| server_address(found.name())),
            detail: detail(line),
        };
        let shown = found.len().min(ROWS);
        Self {
            query: query.to_owned(),
            cannot: None,
            is_all: visitor.is_admin(),
            rows: found.iter().take(ROWS).map(row).collect(),
            caption: format!(
                "The newest {shown} of {} changes in the part of the audit that is read",
                found.len()
            ),
            nothing: match query {
                "" => {
                    "Nothing was changed, as far as the part of the audit says that is read, its newest 2 MB."
                }
                _ => "There is no such change in the part of the audit that is read, its newest 2 MB.",
            },
        }
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
