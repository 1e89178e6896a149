//! How well and how fast tools are found: MRR@10 over LiveMCPBench and over questions of our own, and times over the tools of
//! 38 servers. The weights were chosen by our own questions, so LiveMCPBench's figure is the one to quote.
//! The tools' texts belong to their authors and are not copied here:
//! `MCPAUTH_SEARCH_DATA=FOLDER cargo bench --bench search`, where FOLDER has `livemcp.json` and `tools/*.json`.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a benchmark reads its data and says what it measured"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use mcpauth::search::{Document, Index};
use serde_json::Value;

/// Questions, and the tools that are right answers.
const OURS: &str = include_str!("questions.json");
/// What the guide promises.
const BARS: [(&str, f64); 4] =
    [("MRR@10 on LiveMCPBench", 0.58), ("median ms", 1.), ("p99 ms", 5.), ("build ms", 300.)];
const ROUNDS: usize = 20;

struct Tool {
    id: String,
    server: String,
    name: String,
    title: String,
    description: String,
    parameters: Vec<String>,
}

type Question = (String, Vec<String>);

fn main() {
    let Some(folder) = std::env::var_os("MCPAUTH_SEARCH_DATA") else {
        println!("set MCPAUTH_SEARCH_DATA to the folder of livemcp.json and tools/*.json");
        return;
    };
    let folder = Path::new(&folder);
    let live = read(&folder.join("livemcp.json"));
    let tools: Vec<Tool> =
        list(&live["tools"]).map(|tool| Tool::of(tool, &text(&tool["server"]), "desc")).collect();
    let questions: Vec<Question> =
        list(&live["queries"]).map(|one| (text(&one["q"]), texts(&one["relevant"]))).collect();
    let (_, quoted) = quality("LiveMCPBench", &index(&tools), &tools, &questions);
    let tools = catalogue(folder);
    let ours: Value = serde_json::from_str(OURS).unwrap_or_default();
    let ours: Vec<Question> = list(&ours).map(|one| (text(&one[0]), texts(&one[1]))).collect();
    quality("our questions", &index(&tools), &tools, &ours);
    let asked: Vec<&str> = ours.iter().chain(&questions).map(|(question, _)| question.as_str()).collect();
    let times = times(&tools, &asked);
    println!(
        "{} tools: build {:.1} ms, a question {:.3} ms in the median, {:.3} ms at p99",
        tools.len(),
        times[0],
        times[1],
        times[2]
    );
    let measured = [quoted, times[1], times[2], times[0]];
    for ((name, bar), is) in BARS.into_iter().zip(measured) {
        let (met, most) =
            if name.starts_with("MRR") { (is >= bar, "at least") } else { (is <= bar, "at most") };
        println!("{name} {is:.3}, {most} {bar}: {}", if met { "met" } else { "not met" });
    }
}

impl Tool {
    fn of(value: &Value, server: &str, description: &str) -> Self {
        let name = text(&value["name"]);
        let parameters = value["inputSchema"]["properties"].as_object();
        Self {
            id: format!("{server}/{name}"),
            server: server.to_owned(),
            title: text(&value["title"]),
            description: text(&value[description]),
            parameters: parameters.map(|all| all.keys().cloned().collect()).unwrap_or_default(),
            name,
        }
    }
}

/// The tools of every file, by the files' names.
fn catalogue(folder: &Path) -> Vec<Tool> {
    let entries = std::fs::read_dir(folder.join("tools")).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.sort();
    let of_file = |path: &std::path::PathBuf| {
        let file = read(path);
        let server = text(&file["server"]);
        list(&file["tools"]).map(|tool| Tool::of(tool, &server, "description")).collect::<Vec<_>>()
    };
    files.iter().flat_map(of_file).collect()
}

fn index(tools: &[Tool]) -> Index {
    let parameters: Vec<Vec<&str>> =
        tools.iter().map(|tool| tool.parameters.iter().map(String::as_str).collect()).collect();
    let servers: Vec<[&str; 1]> = tools.iter().map(|tool| [tool.server.as_str()]).collect();
    Index::build(tools.iter().zip(&parameters).zip(&servers).map(|((tool, parameters), server)| Document {
        name: &tool.name,
        title: &tool.title,
        description: &tool.description,
        parameters,
        server,
        ..Document::default()
    }))
}

/// Hit@1 and MRR@10.
fn quality(what: &str, index: &Index, tools: &[Tool], questions: &[Question]) -> (f64, f64) {
    let (mut first, mut sum) = (0f64, 0f64);
    for (question, right) in questions {
        let ranking = index.rank(question, &|_| true);
        let is_right = |place: usize| tools.get(place).is_some_and(|tool| right.contains(&tool.id));
        if let Some(rank) = ranking.hits.iter().take(10).position(|hit| is_right(hit.place)) {
            sum += 1. / (rank as f64 + 1.);
            first += f64::from(rank == 0);
        }
    }
    let count = questions.len() as f64;
    println!(
        "{what}: {count} questions, {} tools: MRR@10 {:.3}, hit@1 {:.3}",
        tools.len(),
        sum / count,
        first / count
    );
    (first / count, sum / count)
}

/// Milliseconds to build the index, and for a question in the median and at p99.
fn times(tools: &[Tool], questions: &[&str]) -> [f64; 3] {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let began = Instant::now();
    let index = index(tools);
    let build = ms(began.elapsed());
    let mut all = Vec::new();
    for question in questions.iter().cycle().take(questions.len() * ROUNDS) {
        let began = Instant::now();
        black_box(index.rank(black_box(question), &|_| true));
        all.push(ms(began.elapsed()));
    }
    all.sort_by(f64::total_cmp);
    let at = |share: f64| all.get((all.len() as f64 * share) as usize).copied().unwrap_or_default();
    [build, at(0.5), at(0.99)]
}

fn read(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|error| {
        println!("{}: {error}", path.display());
        std::process::exit(1)
    });
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    list(value).map(text).collect()
}
