//! What the gateway allowed and refused, newest first, and the refusals by their reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::record::{self, RecordLine};
use crate::gateway::face::FaceState;
use crate::gateway::face::fields::{FormFields, QueryFields};
use crate::gateway::face::html::{FormChoice, PageFrame};
use crate::gateway::face::visitor::SignedIn;

#[derive(Serialize)]
struct DecisionsPage {
    query: String,
    verdicts: Vec<FormChoice>,
    cannot: Option<String>,
    is_all: bool,
    chart: Vec<ReasonBar>,
    rows: Vec<DecisionRow>,
    caption: String,
    nothing: &'static str,
}

/// How often something was refused for one reason.
#[derive(Debug, PartialEq, Serialize)]
struct ReasonBar {
    reason: String,
    count: usize,
    /// Its length, of 100.
    width: usize,
}

#[derive(Serialize)]
struct DecisionRow {
    when: String,
    who: String,
    what: String,
    verdict: String,
    tone: &'static str,
    because: String,
}

/// How many decisions are shown, and how many reasons.
const ROWS: usize = 100;
const REASONS: usize = 8;
const VERDICTS: [(&str, &str); 4] =
    [("", "All"), ("allowed", "Allowed"), ("refused", "Refused"), ("answered", "Answered by the gateway")];

pub(in crate::gateway::face) async fn show(
    State(face): State<Arc<FaceState>>,
    SignedIn(visitor): SignedIn,
    QueryFields(asked): QueryFields,
) -> Response {
    let (is_all, question) = (visitor.is_admin(), asked.clone());
    let page =
        record::lines(&face, &visitor, move |lines| DecisionsPage::new(lines, &question, is_all)).await;
    let page = page
        .unwrap_or_else(|why| DecisionsPage { cannot: Some(why), ..DecisionsPage::new(&[], &asked, is_all) });
    PageFrame::new("Decisions", Some(&visitor), "/decisions").page(StatusCode::OK, "decisions.html", &page)
}

impl DecisionsPage {
    fn new(lines: &[RecordLine<'_>], asked: &FormFields, is_all: bool) -> Self {
        let (words, verdict) = (asked.one("q").to_lowercase(), asked.one("verdict"));
        let fits = |line: &&RecordLine<'_>| {
            !line.is_change() && line.has(&words) && (verdict.is_empty() || line.verdict == verdict)
        };
        let found: Vec<&RecordLine<'_>> = lines.iter().filter(fits).collect();
        let choice = |(value, name): (&str, &str)| FormChoice::new(value, name, value == verdict);
        let shown = found.len().min(ROWS);
        Self {
            query: asked.one("q").to_owned(),
            verdicts: VERDICTS.map(choice).into(),
            cannot: None,
            is_all,
            chart: bars(&found),
            rows: found.iter().take(ROWS).map(|line| DecisionRow::new(line)).collect(),
            caption: format!(
                "The newest {shown} of {} decisions in the part of the audit that is read",
                found.len()
            ),
            nothing: "There is no such decision in the part of the audit that is read, its newest 2 MB.",
        }
    }
}

/// The reasons for refusals, the most frequent first; what is rare is taken together.
fn bars(lines: &[&RecordLine<'_>]) -> Vec<ReasonBar> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.verdict == "refused") {
        *counts.entry(line.reason.as_ref()).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let rest: usize = counts.iter().skip(REASONS).map(|(_, count)| count).sum();
    counts.truncate(REASONS);
    counts.extend((rest > 0).then_some(("other reasons", rest)));
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(1);
    let bar = |(reason, count): (&str, usize)| ReasonBar {
        reason: if reason.is_empty() { "not said" } else { reason }.replace('_', " "),
        count,
        width: (count * 100).div_ceil(most),
    };
    counts.into_iter().map(bar).collect()
}

impl DecisionRow {
    fn new(line: &RecordLine<'_>) -> Self {
        let parts = [&line.server, &line.method, &line.name].map(AsRef::as_ref);
        let what = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        let (verdict, tone) = match line.verdict.as_ref() {
            "allowed" => ("Allowed", "good"),
            "refused" => ("Refused", "bad"),
            "answered" => ("Answered", ""),
            other => (other, ""),
        };
        let reason = line.reason.replace('_', " ");
        Self {
            when: line.when(),
            who: line.who().to_owned(),
            what: if what.is_empty() { line.http.to_string() } else { what },
            verdict: verdict.to_owned(),
            tone,
            because: if reason.is_empty() { line.rule.to_string() } else { reason },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn refusals_are_counted_by_their_reason() {
        let line = |verdict: &str, reason: &str| json!({"verdict": verdict, "reason": reason});
        let mut all: Vec<Value> = (0..9).map(|n| line("refused", &format!("r{n}"))).collect();
        all.extend([
            line("refused", "r3"),
            line("refused", "r3"),
            line("allowed", "r1"),
            line("refused", "r0"),
        ]);
        let text: String = all.iter().map(|line| format!("{line}\n")).collect();
        let lines = record::tests_only(&text);
        let shown: Vec<&RecordLine<'_>> = lines.iter().collect();
        let bars = bars(&shown);
        assert_eq!(bars.first(), Some(&ReasonBar { reason: "r3".into(), count: 3, width: 100 }));
        assert_eq!(bars.get(1), Some(&ReasonBar { reason: "r0".into(), count: 2, width: 67 }));
        assert_eq!(bars.last(), Some(&ReasonBar { reason: "other reasons".into(), count: 1, width: 34 }));
        assert_eq!(bars.iter().map(|bar| bar.count).sum::<usize>(), 12);
    }
}
