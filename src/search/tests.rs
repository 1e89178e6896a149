//! What is found, by whom, and that nothing hidden affects it.

use proptest::prelude::*;

use super::{Document, Index};

/// Name and description, by server.
const TOOLS: [(&str, &str, &str); 9] = [
    ("tracker", "create_issue", "Creates a new issue in a project."),
    ("tracker", "list_issues", "Lists the issues of a project."),
    ("tracker", "search_issues", "Searches issues by a query."),
    ("mail", "send_mail", "Sends an e-mail. The message may mention an issue."),
    ("mail", "deleteMail", "Deletes an e-mail"),
    ("lab", "quantum_flux_analyzer", "Analyzes quantum flux patterns."),
    ("time", "get_current_time", "Gets the current time in a time zone"),
    ("chart", "generate_pie_chart", "Draws a chart of shares"),
    ("odd", "", ""),
];

fn documents() -> Vec<Document<'static>> {
    let document = |(server, name, description): &'static (&str, &str, &str)| Document {
        name,
        description,
        server: std::slice::from_ref(server),
        ..Document::default()
    };
    TOOLS.iter().map(document).collect()
}

fn found(question: &str) -> Vec<&'static str> {
    let index = Index::build(documents());
    index.rank(question, &|_| true).hits.iter().map(|hit| TOOLS[hit.place].1).collect()
}

#[test]
fn the_best_tool_comes_first() {
    for (question, expected) in [
        ("quantum", "quantum_flux_analyzer"),
        ("please create a new issue in my project", "create_issue"),
        ("searching for issues", "search_issues"),
        ("delete mail", "deleteMail"),
        ("deleteMail", "deleteMail"),
        ("DELETE_MAIL", "deleteMail"),
        ("what is the current time?", "get_current_time"),
        ("quantom analizer", "quantum_flux_analyzer"),
        ("pie", "generate_pie_chart"),
        ("lab", "quantum_flux_analyzer"),
    ] {
        assert_eq!(found(question).first(), Some(&expected), "{question}");
    }
}

#[test]
fn what_fits_nothing_finds_nothing() {
    for question in ["", "  ", "the of and", "zebra", "\u{0}", "🦓"] {
        assert_eq!(found(question), [""; 0], "{question}");
    }
}

#[test]
fn a_result_says_how_well_it_fits_and_by_which_words() {
    let index = Index::build(documents());
    let ranking = index.rank("create an isssue, zebra", &|_| true);
    let [best, ..] = ranking.hits.as_slice() else { panic!("nothing") };
    assert_eq!(ranking.matched(best.place), ["create", "issue"]);
    assert!(best.coverage < 1. && best.score < 1., "{best:?}");
    let ranking = index.rank("create issue", &|_| true);
    let [best, next, ..] = ranking.hits.as_slice() else { panic!("one alone") };
    assert!((best.score - 1.).abs() < 1e-6 && next.score < best.score, "{best:?} {next:?}");
}

#[test]
fn what_the_operator_says_of_a_server_counts() {
    let hinted = Document { name: "jira_search", hints: &["tickets, bugs"], ..Document::default() };
    let tagged = Document { name: "find", tags: &["weather"], ..Document::default() };
    let index = Index::build([Document { name: "other", ..Document::default() }, hinted, tagged]);
    let best = |question| index.rank(question, &|_| true).hits.first().map(|hit| hit.place);
    assert_eq!((best("open a ticket"), best("weather"), best("other")), (Some(1), Some(2), Some(0)));
}

#[test]
fn five_hundred_hidden_tools_change_nothing() {
    let questions = ["create an issue", "quantum", "mail about an issue", "quantom", "time", "isue tracker"];
    let few = Index::build(documents());
    let hidden: Vec<String> =
        (0..500).map(|n| format!("create_issue_quantum_quantom_time_mail_isue_{n}")).collect();
    let more = hidden.iter().map(|name| Document { name, description: name, ..Document::default() });
    // Before and between those that are seen.
    let many = Index::build(more.chain(documents()));
    for question in questions {
        let alone = few.rank(question, &|_| true);
        let among = many.rank(question, &|place| place >= 500);
        let moved: Vec<_> = among.hits.iter().map(|hit| (hit.place - 500, hit.score, hit.coverage)).collect();
        assert_eq!(
            alone.hits.iter().map(|hit| (hit.place, hit.score, hit.coverage)).collect::<Vec<_>>(),
            moved
        );
        for hit in &alone.hits {
            assert_eq!(alone.matched(hit.place), among.matched(hit.place + 500), "{question}");
        }
    }
}

proptest! {
    #[test]
    fn nobody_finds_what_they_do_not_see(
        question in "(create|issue|isues|mail|quantum|time|isue|chart|deletas| |_|[a-z]{1,8}){0,8}",
        seen in proptest::collection::vec(any::<bool>(), TOOLS.len()),
    ) {
        let index = Index::build(documents());
        let ranking = index.rank(&question, &|place| seen[place]);
        let alone = Index::build(documents().into_iter().zip(&seen).filter(|(_, seen)| **seen).map(|(one, _)| one));
        let places: Vec<usize> = (0..TOOLS.len()).filter(|place| seen[*place]).collect();
        let expected: Vec<_> = alone.rank(&question, &|_| true).hits.iter().map(|hit| (places[hit.place], hit.score)).collect();
        prop_assert_eq!(ranking.hits.iter().map(|hit| (hit.place, hit.score)).collect::<Vec<_>>(), expected);
        for hit in &ranking.hits {
            prop_assert!(seen[hit.place] && (0. ..=1.000_001).contains(&hit.score));
            prop_assert!(!ranking.matched(hit.place).is_empty());
        }
    }

    #[test]
    fn any_text_has_an_answer(question in "\\PC{0,200}", name in "\\PC{0,60}") {
        let index = Index::build([Document { name: &name, description: &question, ..Document::default() }]);
        let _ = index.rank(&question, &|_| true);
    }
}
