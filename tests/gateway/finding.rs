//! `intelligent_tool_finder`, asked in every way that a model may ask: misspelt, by tags, for none or too many, with nothing, with
//! too much, in other scripts. Not here: who finds what (see `mcpgw`); meanings (see `meanings`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use serde_json::{Value, json};

use super::mcpgw::{call, given, lab};
use crate::support::lab::{Lab, until};

/// Tools with names and words of many kinds, on a server with tags of its own.
fn library() -> (Lab, String) {
    let lab = lab();
    let root = lab.token("root");
    let tool = |name: &str, about: &str| json!({"name": name, "description": about});
    let file = json!({"path": "/gamma", "proxy_pass_url": lab.gamma.base(), "auth_type": "oauth", "tags": ["Weather", "DEMO"], "tool_list": [
        tool("getForecastByCity", "Tells the weather forecast of a city."),
        tool("create-calendar-event", "Creates an event in a calendar."),
        tool("wetter_abfragen", "Fragt das Wetter für Zürich ab."),
        tool("查询天气", "查询 天气 预报"),
        tool("погода", "Показывает прогноз погоды"),
        tool("s3_upload", "Uploads a file to S3."),
    ]});
    std::fs::write(lab.path("servers/gamma.json"), file.to_string()).unwrap();
    lab.gateway.reload();
    until("the library is known", || {
        names(&lab, &root, json!({"query": "forecast"})) == ["getForecastByCity"]
    });
    (lab, root)
}

#[track_caller]
fn names(lab: &Lab, token: &str, arguments: Value) -> Vec<String> {
    let found = given(lab, token, "intelligent_tool_finder", arguments);
    let results = found["results"].as_array().unwrap();
    assert_eq!(found["total_results"], results.len());
    assert!(!results.is_empty() || !found["notes"][0].as_str().unwrap_or_default().is_empty(), "{found}");
    results.iter().map(|one| one["tool_name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_question_is_read_however_it_is_written() {
    let (lab, root) = library();
    for (question, tool) in [
        ("forecats", "getForecastByCity"),
        ("FORECAST BY CITY", "getForecastByCity"),
        ("getForecastByCity", "getForecastByCity"),
        ("get_forecast_by_city", "getForecastByCity"),
        ("forecasting", "getForecastByCity"),
        ("calandar evnets", "create-calendar-event"),
        ("calendar's event?!", "create-calendar-event"),
        ("  \n\tcreate\u{a0}calendar\u{2003}event  ", "create-calendar-event"),
        ("quantom", "quantum_flux_analyzer"),
        ("qauntum flux", "quantum_flux_analyzer"),
        ("upload S3", "s3_upload"),
        ("Wetter in Zürich", "wetter_abfragen"),
        ("wetter ZÜRICH", "wetter_abfragen"),
        ("天气", "查询天气"),
        ("прогноз", "погода"),
        ("ПОГОДА", "погода"),
    ] {
        assert_eq!(names(&lab, &root, json!({"query": question}))[..], [tool], "{question:?}");
    }
    for nothing in [
        "zzzzzz",
        "the of and",
        "?!",
        "\u{1f600}",
        "'",
        "\u{0}",
        "\"); DROP TABLE tools; --",
        "ελληνικά",
        "\u{202e}",
    ] {
        assert_eq!(names(&lab, &root, json!({"query": nothing, "top_n": 50})), [""; 0], "{nothing:?}");
    }
}

/// Words that people use and the tool does not, for a server's tools or one of them.
#[test]
fn hints_of_a_servers_file_are_found_too() {
    let (lab, root) = library();
    let hinted =
        json!({"name": "open_case", "description": "Opens one.", "search_hints": ["bug report", "Vorgang"]});
    let file = json!({"path": "/gamma", "proxy_pass_url": lab.gamma.base(), "auth_type": "oauth", "search_hints": "helpdesk, complaint",
        "tool_list": [hinted, {"name": "close_case", "description": "Closes one."}]});
    std::fs::write(lab.path("servers/gamma.json"), file.to_string()).unwrap();
    lab.gateway.reload();
    let ask = |question: &str| names(&lab, &root, json!({"query": question, "top_n": 50}));
    until("the hints are known", || ask("bug reports") == ["open_case"]);
    assert_eq!(ask("Vorgang"), ["open_case"]);
    let mut both = ask("helpdesk complaints");
    both.sort();
    assert_eq!(both, ["close_case", "open_case"]);
    let shown = given(&lab, &root, "intelligent_tool_finder", json!({"query": "helpdesk", "top_n": 50}));
    assert!(!shown["results"].to_string().contains("complaint"), "they are for the search alone: {shown}");
}

#[test]
fn tags_narrow_a_question_and_stand_alone() {
    let (lab, root) = library();
    for (arguments, count) in [
        (json!({"tags": ["weather"], "top_n": 50}), 6),
        (json!({"tags": ["WEATHER", "demo"], "top_n": 50}), 6),
        (json!({"tags": ["weather"], "top_n": 2}), 2),
        (json!({"tags": ["weather"]}), 1),
        (json!({"tags": ["weather", "alpha"], "top_n": 50}), 0),
        (json!({"tags": ["nobody"], "query": "forecast"}), 0),
        (json!({"tags": ["weather"], "query": "forecast", "top_n": 50}), 1),
        (json!({"tags": ["alpha"], "query": "forecast", "top_n": 50}), 0),
        // No tag at all narrows nothing.
        (json!({"tags": [], "query": "forecast"}), 1),
        (json!({"tags": null, "query": "forecast"}), 1),
        (json!({"tags": ["weather"], "query": "  ", "top_n": 50}), 6),
    ] {
        assert_eq!(names(&lab, &root, arguments.clone()).len(), count, "{arguments}");
    }
}

#[test]
fn as_many_are_given_as_were_asked_for() {
    let (lab, root) = library();
    let ask = |member: &str, value: Value| {
        let mut arguments = json!({"query": "forecast, event, wetter, upload, quantum"});
        arguments[member] = value;
        arguments
    };
    for member in ["top_n", "top_n_tools"] {
        for (value, count) in
            [(json!(1), 1), (json!(3), 3), (json!(50), 5), (json!(2.0), 2), (json!(null), 1)]
        {
            assert_eq!(names(&lab, &root, ask(member, value.clone())).len(), count, "{member} {value}");
        }
        for value in [
            json!(0),
            json!(-1),
            json!(51),
            json!("5"),
            json!(1.5),
            json!(true),
            json!([5]),
            json!(1e300),
            json!(u64::MAX),
        ] {
            let answer =
                call(&lab, &root, "intelligent_tool_finder", ask(member, value.clone())).status(200).json();
            let said = answer["result"]["content"][0]["text"].as_str().unwrap().to_owned();
            assert_eq!(answer["result"]["isError"], true, "{member} {value}");
            assert!(
                said.contains(&format!("{member} must be a whole number from 1 to 50")),
                "{member} {value}: {said}"
            );
        }
    }
}

#[test]
fn nothing_and_too_much_are_said_to_be_so() {
    let (lab, root) = library();
    for (arguments, expected) in [
        (json!({}), Some("say what you want to do")),
        (json!({"query": ""}), Some("say what you want to do")),
        (
            json!({"natural_language_query": " \n", "query": null, "tags": []}),
            Some("say what you want to do"),
        ),
        (json!({"query": "x".repeat(10_001)}), Some("longer than 10000 bytes")),
        (json!({"query": "é".repeat(5_001)}), Some("longer than 10000 bytes")),
        (json!({"query": 5}), Some("query must be a text")),
        (json!({"tags": "weather"}), Some("tags must be a list of texts")),
        (json!({"tags": [1]}), Some("tags must be a list of texts")),
        (json!({"query": format!("forecast {}", "word ".repeat(1_990))}), None),
        (json!({"query": format!("forecast {}", "x".repeat(9_990))}), None),
    ] {
        let answer = call(&lab, &root, "intelligent_tool_finder", arguments).status(200).json();
        let result = &answer["result"];
        let said = result["content"][0]["text"].as_str().unwrap();
        match expected {
            Some(words) => assert!(result["isError"] == true && said.contains(words), "{said}"),
            None => assert_eq!(
                result["structuredContent"]["results"][0]["tool_name"], "getForecastByCity",
                "{said}"
            ),
        }
    }
}
