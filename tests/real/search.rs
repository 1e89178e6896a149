//! How well tools are found, measured through the gateway itself: LiveMCPBench's tools and questions, by words and with a
//! real model. No setting was chosen by these questions. Not here: times (see `benches/search`).

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use mcpauth::gateway::settings::Embeddings;
use serde_json::{Value, json};

use super::{Part, parts, script};
use crate::gateway::mcpgw::given;
use crate::support::lab::Lab;

guard! {
    /// A small multilingual model behind an endpoint for embeddings; `EMBEDDINGS_URL`, `MODEL`.
    EmbeddingModel
}

impl EmbeddingModel {
    fn start() -> Self {
        Self(Part::start("embeddings.sh", Command::new(script("embeddings.sh")), Duration::from_secs(60)))
    }
}

/// The bars: MRR@10 by words alone, and with the model.
const BY_WORDS: f64 = 0.58;
const BY_MEANING: f64 = 0.62;
/// How long the model may take for all tools.
const MODEL_TIMEOUT: Duration = Duration::from_secs(600);
/// Questions in other languages, and the tool.
const FOREIGN: [(&str, &str); 4] = [
    ("den aktuellen Aktienkurs abfragen", "get_current_stock_price"),
    ("convertir un document Word en PDF", "convert_to_pdf"),
    ("Parkplätze in der Nähe finden", "find_parking_facilities"),
    ("obtener el precio actual de la acción", "get_current_stock_price"),
];

fn livemcp() -> Value {
    let printed = Command::new(parts().join("search/bin/python")).arg(script("search/livemcp.py")).output();
    let printed = printed.unwrap_or_else(|e| panic!("python ({e}): run tests/real/setup.sh"));
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    serde_json::from_slice(&printed.stdout).expect("JSON")
}

/// A server's path: its name without what paths cannot have.
fn path(server: &str) -> String {
    server.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "-")
}

/// The benchmark's servers as files of the registry's, by their paths.
fn lay_out(dir: &Path, tools: &[Value]) {
    let mut servers = std::collections::BTreeMap::<&str, Vec<Value>>::new();
    for tool in tools {
        let listed = json!({"name": tool["name"], "description": tool["description"]});
        servers.entry(tool["server"].as_str().expect("a name")).or_default().push(listed);
    }
    for (name, tools) in servers {
        let path = path(name);
        let file =
            json!({"path": format!("/{path}"), "proxy_pass_url": "http://127.0.0.1:9/", "tool_list": tools});
        std::fs::write(dir.join(format!("servers/bench-{path}.json")), file.to_string()).expect("a file");
    }
}

fn find(lab: &Lab, token: &str, question: &str) -> Value {
    given(lab, token, "intelligent_tool_finder", json!({"query": question, "top_n": 10}))
}

/// MRR@10 of a lab's answers, which are all ranked in this way.
fn mrr(lab: &Lab, token: &str, questions: &[Value], ranking: &str) -> f64 {
    let of = |question: &Value| {
        let found = find(lab, token, question[0].as_str().expect("a question"));
        assert_eq!(found["ranking"], ranking, "{question}");
        let is_right = |one: &Value| {
            let is = |right: &Value| {
                one["tool_name"] == right[1]
                    && one["server"] == path(right[0].as_str().expect("a name")).as_str()
            };
            question[1].as_array().expect("right ones").iter().any(is)
        };
        let rank = found["results"].as_array().expect("results").iter().position(is_right);
        rank.map_or(0., |rank| 1. / (rank as f64 + 1.))
    };
    questions.iter().map(of).sum::<f64>() / questions.len() as f64
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn tools_are_found_by_their_words_and_better_with_a_model() {
    let benchmark = livemcp();
    let list = |member: &str| benchmark[member].as_array().expect("a list").clone();
    let (tools, questions) = (list("tools"), list("questions"));
    assert_eq!((tools.len(), questions.len()), (526, 89));
    let words = Lab::with(|_, dir| lay_out(dir, &tools));
    let by_words = mrr(&words, &words.token("root"), &questions, "lexical");
    assert!(by_words >= BY_WORDS, "{by_words}");
    drop(words);

    let model = EmbeddingModel::start();
    let lab = Lab::with(|settings, dir| {
        lay_out(dir, &tools);
        settings.search.embeddings = Some(Embeddings {
            url: model.value("EMBEDDINGS_URL").into(),
            model: model.value("MODEL").into(),
            key_file: None,
            timeout: Duration::from_secs(10),
            vectors: dir.join("vectors.jsonl"),
        });
    });
    let root = lab.token("root");
    let until = Instant::now() + MODEL_TIMEOUT;
    while find(&lab, &root, "a tool")["ranking"] != "embeddings" {
        assert!(Instant::now() < until, "{:?}", lab.kept.events());
        std::thread::sleep(Duration::from_millis(200));
    }
    let by_meaning = mrr(&lab, &root, &questions, "embeddings");
    assert!(by_meaning >= BY_MEANING, "{by_meaning}");
    for (question, tool) in FOREIGN {
        let found = find(&lab, &root, question);
        assert_eq!(found["results"][0]["tool_name"], tool, "{question}: {found}");
    }
}
