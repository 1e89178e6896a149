//! Prints findings: problems first, marked and wrapped on a terminal, one per line otherwise. Not here: their texts (see
//! the checks).

use serde_json::json;

use crate::cli::out::{Mark, Out};
use crate::doctor::{DoctorReport, Finding, Status};
use crate::sys::terminal;

/// What a finding is about, in the order in which one thing rests on the other.
const GROUPS: [&str; 9] =
    ["settings", "files", "storage", "network", "issuer", "login", "tokens", "gateway", "clients"];

/// Problems come first; passed checks are shown with `-v`.
const STATUSES: [(Status, &str); 4] = [
    (Status::Problem, "Problems"),
    (Status::Warn, "Warnings"),
    (Status::Skipped, "Not checked"),
    (Status::Ok, "Passed"),
];

/// Shows everything.
pub(super) fn show(out: &Out, report: &DoctorReport) {
    let DoctorReport { findings, fixed } = report;
    if out.json {
        let objects: Vec<_> = ordered(findings).map(Finding::object).collect();
        let fixed: Vec<_> =
            fixed.iter().map(|fix| json!({"done": fix.is_ok(), "what": describe_fix(fix)})).collect();
        return out.object(
            &json!({"version": 1, "ok": !report.has_problem(), "fixed": fixed, "findings": objects}),
        );
    }
    let rich = terminal::stdout_is_rich();
    for fix in fixed {
        out.result(&format!("{} {}", if fix.is_ok() { "fixed:" } else { "not fixed:" }, describe_fix(fix)));
    }
    for (status, title) in STATUSES {
        let mut found = ordered(findings).filter(|finding| finding.status == status).peekable();
        if found.peek().is_none() || (status == Status::Ok && !out.is_verbose()) {
            continue;
        }
        if rich {
            out.result(&format!("\n{}", out.paint("1", title)));
        }
        for finding in found {
            let text = if rich { on_terminal(out, finding) } else { plain(finding) };
            match status {
                Status::Problem => out.data(&text),
                _ => out.result(&text),
            }
        }
    }
    let between = if rich { "\n" } else { "" };
    out.result(&format!("{between}{}", summary(findings, out.is_verbose())));
}

fn describe_fix(fix: &Result<String, String>) -> &str {
    match fix {
        Ok(text) | Err(text) => text,
    }
}

/// By group; within a group in the order found.
fn ordered(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    GROUPS.iter().flat_map(|group| findings.iter().filter(move |finding| finding.group() == *group))
}

/// For `grep`: only cause and remedy have lines of their own.
fn plain(finding: &Finding) -> String {
    let mut text = format!("{:7} {}", finding.status.word(), finding.found);
    text.extend(finding.cause.iter().map(|cause| format!("\n        {cause}")));
    text.extend(finding.remedy.iter().map(|remedy| format!("\n  -> {remedy}")));
    text
}

fn on_terminal(out: &Out, finding: &Finding) -> String {
    let mark = match finding.status {
        Status::Ok => Mark::Good,
        Status::Warn => Mark::Warn,
        Status::Problem => Mark::Bad,
        Status::Skipped => Mark::Skipped,
    };
    let mut text = format!("{} {}", out.mark(mark), out.wrap(&finding.found, 2));
    text.extend(finding.cause.iter().map(|cause| format!("\n  {}", out.wrap(cause, 2))));
    text.extend(finding.remedy.iter().map(|remedy| format!("\n  -> {}", out.wrap(remedy, 5))));
    text
}

fn summary(findings: &[Finding], is_verbose: bool) -> String {
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    let (problems, warnings) = (count(Status::Problem), count(Status::Warn));
    let some = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let mut text = match (problems, warnings) {
        (0, 0) => "no problems".to_owned(),
        (0, warnings) => format!("no problems, {}", some(warnings, "warning")),
        (problems, 0) => some(problems, "problem"),
        (problems, warnings) => format!("{}, {}", some(problems, "problem"), some(warnings, "warning")),
    };
    let passed = count(Status::Ok);
    if passed > 0 && !is_verbose {
        text.push_str(&format!(
            "; {passed} check{} passed (-v shows them)",
            if passed == 1 { "" } else { "s" }
        ));
    } else if passed > 0 {
        text.push_str(&format!("; {passed} passed"));
    }
    let fixable = findings.iter().filter(|finding| finding.fix.is_some()).count();
    if fixable > 0 {
        text.push_str(&format!("\n{fixable} can be fixed with: mcpauth doctor --fix"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::out::{WIDTH, wrapped};
    use proptest::prelude::*;

    #[test]
    fn a_finding_is_a_line_with_its_cause_and_remedy_below() {
        let finding =
            Finding::problem("files.mode", "t.json is open", "chmod 600 t.json").because("mode 644");
        assert_eq!(plain(&finding), "problem t.json is open\n        mode 644\n  -> chmod 600 t.json");
        assert_eq!(plain(&Finding::ok("files.mode", "all is private")), "ok      all is private");
    }

    #[test]
    fn the_last_line_counts_and_says_how_to_go_on() {
        let problem = Finding::problem("files.mode", "a", "b");
        let fixable = problem.clone().fixed_by(crate::doctor::Fix::Close("t".into()));
        let warn = Finding::warn("files.mode", "a", "b");
        for (findings, expected) in [
            (vec![], "no problems"),
            (vec![warn.clone()], "no problems, 1 warning"),
            (vec![Finding::ok("files.mode", "a")], "no problems; 1 check passed (-v shows them)"),
            (vec![problem.clone(), problem.clone()], "2 problems"),
            (vec![fixable, warn], "1 problem, 1 warning\n1 can be fixed with: mcpauth doctor --fix"),
        ] {
            assert_eq!(summary(&findings, false), expected);
        }
    }

    proptest! {
        #[test]
        fn wrapping_loses_nothing_and_fits(words in proptest::collection::vec("[a-zä]{1,90}", 0..40), indent in 0usize..10) {
            let text = words.join(" ");
            let lines = wrapped(&text, indent, WIDTH);
            prop_assert_eq!(lines.split_whitespace().collect::<Vec<_>>().join(" "), text);
            for (at, line) in lines.lines().enumerate() {
                let width = line.chars().count() + if at == 0 { indent } else { 0 };
                prop_assert!(width <= WIDTH || line.split_whitespace().count() == 1, "{}", line);
            }
        }
    }
}
