//! Who changed what in the registry, newest first.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;

use super::record::{self, RecordLine};
use super::server_address;
use crate::gateway::face::FaceState;
use crate::gateway::face::fields::QueryFields;
use crate::gateway::face::html::PageFrame;
use crate::gateway::face::visitor::SignedIn;

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
    let (lines, cannot) = match record::lines(&face, &visitor).await {
        Ok(lines) => (lines, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let words = asked.one("q").to_lowercase();
    let found: Vec<&RecordLine> = lines.iter().filter(|line| line.is_change() && line.has(&words)).collect();
    let view = visitor.view(&face);
    let row = |line: &&RecordLine| ChangeRow {
        when: line.when(),
        who: line.who().to_owned(),
        what: line.text("change").to_owned(),
        server: line.text("server").to_owned(),
        href: visitor.chosen(view, line.text("server")).map(|found| server_address(found.name())),
        detail: detail(line),
    };
    let shown = found.len().min(ROWS);
    let page = ChangesPage {
        query: asked.one("q").to_owned(),
        cannot,
        is_all: visitor.is_admin(),
        rows: found.iter().take(ROWS).map(row).collect(),
        caption: format!(
            "The newest {shown} of {} changes in the part of the audit that is read",
            found.len()
        ),
        nothing: match asked.one("q") {
            "" => "Nothing was changed, as far as the part of the audit says that is read, its newest 2 MB.",
            _ => "There is no such change in the part of the audit that is read, its newest 2 MB.",
        },
    };
    PageFrame::new("Changes", Some(&visitor), "/changes").page(StatusCode::OK, "changes.html", &page)
}

/// What was different before: names alone.
fn detail(line: &RecordLine) -> String {
    let name =
        |state: &Value| state.get("server_name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (before, after) = (name(line.get("before")), name(line.get("after")));
    let members = line.get("members").as_array().into_iter().flatten().filter_map(Value::as_str);
    let members: Vec<&str> = members.collect();
    let renamed = (!before.is_empty() && !after.is_empty() && before != after)
        .then(|| format!("called {after}, before {before}"));
    let fields = (!members.is_empty()).then(|| format!("fields: {}", members.join(", ")));
    [renamed, fields].into_iter().flatten().collect::<Vec<_>>().join("; ")
}
