//! What the gateway allowed and refused, newest first, and the refusals by their reason.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::record::{self, RecordLine};
use crate::gateway::face::fields::FormFields;
use crate::gateway::face::html::{PageFrame, choices};
use crate::gateway::face::visitor::SignedIn;

/// How many decisions are shown, and how many reasons.
const ROWS: usize = 100;
const REASONS: usize = 8;
const VERDICTS: [(&str, &str); 4] =
    [("", "All"), ("allowed", "Allowed"), ("refused", "Refused"), ("answered", "Answered by the gateway")];

pub(in crate::gateway::face) async fn show(SignedIn { face, visitor, asked }: SignedIn) -> Response {
    let page = record::page(&face, &visitor, move |lines, _, _| shown(lines, &asked)).await;
    PageFrame::new("Decisions", Some(&visitor), "/decisions").page(StatusCode::OK, "decisions.html", page)
}

fn shown(lines: &[RecordLine<'_>], asked: &FormFields) -> Value {
    let (words, verdict) = (asked.one("q").to_lowercase(), asked.one("verdict"));
    let fits = |line: &&RecordLine<'_>| {
        !line.is_change() && line.has(&words) && (verdict.is_empty() || line.verdict == verdict)
    };
    let found: Vec<&RecordLine<'_>> = lines.iter().filter(fits).collect();
    let (count, shown) = (found.len(), found.len().min(ROWS));
    context! {
        query => asked.one("q"),
        verdicts => choices(&VERDICTS, verdict),
        chart => chart(&found),
        rows => found.iter().take(ROWS).map(|line| row(line)).collect::<Vec<_>>(),
        caption => format!("The newest {shown} of {count} decisions in the part of the audit that is read"),
        nothing => "There is no such decision in the part of the audit that is read, its newest 2 MB.",
    }
}

/// A bar for each of the reasons for refusals, its width of 100.
fn chart(lines: &[&RecordLine<'_>]) -> Vec<Value> {
    let reasons = reasons(lines);
    let most = reasons.iter().map(|(_, count)| *count).max().unwrap_or(1);
    let bar = |(reason, count): (&str, usize)| {
        let reason = if reason.is_empty() { "not said" } else { reason }.replace('_', " ");
        context! { reason, count, width => (count * 100).div_ceil(most) }
    };
    reasons.into_iter().map(bar).collect()
}

/// The reasons for refusals and how often each was given, the most frequent first; what is rare is taken together.
fn reasons<'l>(lines: &[&'l RecordLine<'_>]) -> Vec<(&'l str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.verdict == "refused") {
        *counts.entry(line.reason.as_ref()).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let rest: usize = counts.iter().skip(REASONS).map(|(_, count)| count).sum();
    counts.truncate(REASONS);
    counts.extend((rest > 0).then_some(("other reasons", rest)));
    counts
}

fn row(line: &RecordLine<'_>) -> Value {
    let parts = [&line.server, &line.method, &line.name].map(AsRef::as_ref);
    let what = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let (verdict, tone) = match line.verdict.as_ref() {
        "allowed" => ("Allowed", "good"),
        "refused" => ("Refused", "bad"),
        "answered" => ("Answered", ""),
        other => (other, ""),
    };
    let reason = line.reason.replace('_', " ");
    context! {
        when => line.when(),
        who => line.who(),
        what => if what.is_empty() { line.http.to_string() } else { what },
        verdict,
        tone,
        because => if reason.is_empty() { line.rule.to_string() } else { reason },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn refusals_are_counted_by_their_reason() {
        let line = |verdict: &str, reason: &str| json!({"verdict": verdict, "reason": reason});
        let mut all: Vec<_> = (0..9).map(|n| line("refused", &format!("r{n}"))).collect();
        all.extend([
            line("refused", "r3"),
            line("refused", "r3"),
            line("allowed", "r1"),
            line("refused", "r0"),
        ]);
        let text: String = all.iter().map(|line| format!("{line}\n")).collect();
        let lines = record::tests_only(&text);
        let shown: Vec<&RecordLine<'_>> = lines.iter().collect();
        let reasons = reasons(&shown);
        assert_eq!(reasons.first(), Some(&("r3", 3)));
        assert_eq!(reasons.get(1), Some(&("r0", 2)));
        assert_eq!(reasons.last(), Some(&("other reasons", 1)));
        assert_eq!(reasons.iter().map(|(_, count)| count).sum::<usize>(), 12);
        let widths =
            chart(&shown).iter().map(|bar| bar.get_attr("width").unwrap().to_string()).collect::<Vec<_>>();
        assert_eq!(
            (widths.first().unwrap().as_str(), widths[1].as_str(), widths.last().unwrap().as_str()),
            ("100", "67", "34")
        );
    }
}
