//! Search by meaning, with an endpoint that the test plays: what it is asked, what comes of its answers, and that without one
//! in time words decide. Not here: how well a real model finds (see `real`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use mcpauth::gateway::settings::Embeddings;
use mcpauth::sys::private_file;
use serde_json::{Value, json};

use super::mcpgw::{POLICY, given};
use crate::support::lab::{Lab, until};
use crate::support::upstream::{Seen, Upstream, gone, say};

/// What each question or text is about; a text about none of it is about nothing.
const MEANINGS: [&[&str]; 3] = [
    &["send", "mail", "nachricht", "versenden"],
    &["delete", "remove", "loeschen"],
    &["forecast", "weather", "regnet"],
];
/// A question without a word that any tool has.
const FOREIGN: &str = "eine Nachricht versenden";

/// An endpoint, and whether it answers.
struct Model {
    upstream: Upstream,
    is_up: Arc<AtomicBool>,
}

impl Model {
    fn start() -> Self {
        let is_up = Arc::new(AtomicBool::new(true));
        let up = is_up.clone();
        let upstream = Upstream::start(move |seen, stream| {
            if up.load(Ordering::Relaxed) {
                answer(seen, stream)
            } else {
                say(stream, "503 Busy", b"hidden-text")
            }
        });
        Self { upstream, is_up }
    }

    /// Every text that it was asked about.
    fn asked(&self) -> Vec<String> {
        self.upstream.seen().iter().flat_map(texts).collect()
    }
}

fn texts(seen: &Seen) -> Vec<String> {
    let message = seen.message();
    assert_eq!(message["model"], "m-1");
    let texts = message["input"].as_array().unwrap().iter();
    texts.map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn answer(seen: &Seen, stream: &mut TcpStream) {
    answer_in(0, seen, stream);
}

/// The same by a model whose vectors have `more` numbers.
fn answer_in(more: usize, seen: &Seen, stream: &mut TcpStream) {
    let vector = |text: &String| {
        let text = text.to_lowercase();
        let about = |words: &&[&str]| f64::from(u8::from(words.iter().any(|word| text.contains(word))));
        let mut vector: Vec<f64> = MEANINGS.iter().map(about).collect();
        vector.resize(MEANINGS.len() + 1 + more, 0.3);
        vector
    };
    let data: Vec<Value> = texts(seen)
        .iter()
        .enumerate()
        .map(|(index, text)| json!({"index": index, "embedding": vector(text)}))
        .collect();
    say(stream, "200 OK\r\ncontent-type: application/json", json!({"data": data}).to_string().as_bytes());
}

/// Tools whose first server `worker` may use; nobody but `root` may use the second.
fn lab(url: &str, change: impl FnOnce(&mut Embeddings, &Path)) -> Lab {
    Lab::with(|settings, dir| {
        std::fs::write(
            dir.join("scopes.yml"),
            POLICY.replace("tools: [echo]", "tools: [echo, send_mail, delete_mail]"),
        )
        .unwrap();
        describe(
            dir,
            "alpha",
            &[("send_mail", "Sends a mail"), ("delete_mail", "Removes it"), ("echo", "Says it again")],
        );
        describe(dir, "beta", &[("weather", "Tells the forecast")]);
        private_file::write(&dir.join("api.key"), "k3y-of-the-model\n").unwrap();
        let mut embeddings = Embeddings {
            url: url.into(),
            model: "m-1".into(),
            key_file: Some(dir.join("api.key")),
            timeout: Duration::from_secs(10),
            vectors: dir.join("vectors.jsonl"),
        };
        change(&mut embeddings, dir);
        settings.search.embeddings = Some(embeddings);
    })
}

fn describe(dir: &Path, name: &str, tools: &[(&str, &str)]) {
    let path = dir.join(format!("servers/{name}.json"));
    let mut file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let tool = |(name, about): &(&str, &str)| json!({"name": name, "description": about});
    file["tool_list"] = tools.iter().map(tool).collect();
    std::fs::write(path, file.to_string()).unwrap();
}

#[track_caller]
fn find(lab: &Lab, token: &str, question: &str) -> Value {
    given(lab, token, "intelligent_tool_finder", json!({"query": question, "top_n": 50}))
}

fn names(found: &Value) -> Vec<&str> {
    found["results"].as_array().unwrap().iter().map(|one| one["tool_name"].as_str().unwrap()).collect()
}

fn is_by_meaning(lab: &Lab, token: &str) -> bool {
    find(lab, token, "mail")["ranking"] == "embeddings"
}

#[test]
fn a_question_finds_what_it_means_and_its_own_words_count_too() {
    let model = Model::start();
    let lab = lab(&format!("{}/v1/embeddings", model.upstream.base), |_, _| {});
    let worker = lab.token("worker");
    until("the vectors are made", || is_by_meaning(&lab, &worker));
    let found = find(&lab, &worker, FOREIGN);
    assert_eq!((&found["ranking"], names(&found)[0]), (&json!("embeddings"), "send_mail"));
    let best = &found["results"][0];
    assert_eq!((&best["matched"], &best["may_call"]), (&json!([]), &json!(true)));
    assert!(best["score"].as_f64().unwrap() <= 1.);
    // Of two tools with one meaning, the one with the word.
    assert_eq!(names(&find(&lab, &worker, "delete a message"))[0], "delete_mail");
    assert!(!names(&find(&lab, &worker, "forecast")).contains(&"weather"));
    assert_eq!(names(&find(&lab, &lab.token("root"), "wenn es regnet"))[0], "weather");
    for seen in model.upstream.seen() {
        assert!(seen.is("POST /v1/embeddings HTTP/1.1"), "{}", seen.head);
        assert_eq!(seen.header("authorization"), Some("Bearer k3y-of-the-model"));
    }
    // No text but names, first sentences and questions; each tool's once.
    let asked = model.asked();
    assert_eq!(asked.iter().filter(|text| *text == "alpha: send mail. Sends a mail").count(), 1, "{asked:?}");
    assert!(!asked.iter().any(|text| text.contains("mcpgw")), "{asked:?}");
    let said = format!("{:?} {}", lab.kept.events(), lab.kept.audit_text());
    for hidden in [FOREIGN, "Nachricht", "k3y-of-the-model", "Sends a mail"] {
        assert!(!said.contains(hidden), "{hidden}: {said}");
    }
}

#[test]
fn vectors_are_kept_and_only_what_is_new_is_asked_for() {
    let model = Model::start();
    let first = lab(&model.upstream.base, |_, _| {});
    let root = first.token("root");
    until("the vectors are made", || is_by_meaning(&first, &root));
    until("they are kept", || {
        std::fs::read_to_string(first.path("vectors.jsonl")).is_ok_and(|text| text.lines().count() == 4)
    });
    assert_eq!(private_file::mode(&first.path("vectors.jsonl")), Some(0o600));
    let text = std::fs::read_to_string(first.path("vectors.jsonl")).unwrap();
    assert!(!text.contains("mail"), "{text}");
    let again = Model::start();
    let second = lab(&again.upstream.base, |embeddings, _| embeddings.vectors = first.path("vectors.jsonl"));
    let root = second.token("root");
    until("the vectors are read", || is_by_meaning(&second, &root));
    assert!(again.asked().iter().all(|text| text == "mail"), "{:?}", again.asked());
    describe(
        &second.path(""),
        "beta",
        &[("weather", "Tells the forecast"), ("snow", "Tells how much weather")],
    );
    second.gateway.reload();
    until("the new tool is there", || {
        let found = find(&second, &root, "wenn es regnet");
        found["ranking"] == "embeddings" && names(&found).contains(&"snow")
    });
    let asked = again.asked();
    assert_eq!(
        asked.iter().filter(|text| text.contains(": ")).collect::<Vec<_>>(),
        ["beta: snow. Tells how much weather"]
    );
}

#[test]
fn an_endpoint_that_fails_leaves_the_words_and_is_asked_again() {
    let model = Model::start();
    let lab = lab(&model.upstream.base, |_, _| {});
    let worker = lab.token("worker");
    until("the vectors are made", || is_by_meaning(&lab, &worker));
    model.is_up.store(false, Ordering::Relaxed);
    let found = find(&lab, &worker, "send a mail");
    assert_eq!((&found["ranking"], names(&found)[0]), (&json!("lexical"), "send_mail"));
    assert_eq!(names(&find(&lab, &worker, FOREIGN)), [""; 0]);
    assert!(!format!("{:?}", lab.kept.events()).contains("hidden-text"));
    model.is_up.store(true, Ordering::Relaxed);
    assert!(is_by_meaning(&lab, &worker));
}

/// Vectors of two sizes cannot be compared: the older ones are made again, by a question that notices or a new tool that does.
#[test]
fn a_model_that_was_replaced_by_another_one_of_its_name_is_used() {
    let size = Arc::new(AtomicUsize::new(0));
    let now = size.clone();
    let upstream = Upstream::start(move |seen, stream| answer_in(now.load(Ordering::Relaxed), seen, stream));
    let lab = lab(&upstream.base, |_, _| {});
    let root = lab.token("root");
    until("the vectors are made", || is_by_meaning(&lab, &root));
    size.store(1, Ordering::Relaxed);
    assert!(!is_by_meaning(&lab, &root), "a question");
    until("they are made again", || is_by_meaning(&lab, &root));
    size.store(2, Ordering::Relaxed);
    describe(&lab.path(""), "beta", &[("weather", "Tells the forecast"), ("snow", "Tells the depth of it")]);
    lab.gateway.reload();
    until("they are made again for a new tool", || {
        let found = find(&lab, &root, "wenn es regnet");
        found["ranking"] == "embeddings" && names(&found).contains(&"snow")
    });
}

#[test]
fn a_silent_or_wrong_endpoint_leaves_the_words() {
    // What it does with a question; tools it knows.
    let cases: [fn(&mut TcpStream); 12] = [
        |stream| assert!(gone(stream)),
        |stream| say(stream, "200 OK", b"{}"),
        |stream| say(stream, "200 OK", br#"{"data":[{"embedding":[1,0]}]}"#),
        |_| {},
        |stream| say(stream, "200 OK", br#"{"data":[]}"#),
        |stream| say(stream, "200 OK", br#"{"data":[{"embedding":[NaN,0,0,1]}]}"#),
        |stream| say(stream, "200 OK", br#"{"data":[{"embedding":[null,0,0,1]}]}"#),
        |stream| say(stream, "200 OK", br#"{"data":[{"embedding":[1e39,0,0,1]}]}"#),
        |stream| say(stream, "200 OK", br#"{"data":[{"embedding":[0,0,0,0]}]}"#),
        |stream| say(stream, "200 OK", br#"{"data":[{"embedding":[1,0,0,0]},{"embedding":[1,0,0,0]}]}"#),
        |stream| say(stream, "200 OK\r\ncontent-type: text/html", b"<html>busy</html>"),
        |stream| {
            let numbers = vec!["0.125"; 2_000_000].join(",");
            say(stream, "200 OK", format!(r#"{{"data":[{{"embedding":[{numbers}]}}]}}"#).as_bytes());
        },
    ];
    for (place, case) in cases.into_iter().enumerate() {
        let upstream = Upstream::start(move |seen, stream| {
            if texts(seen).iter().any(|text| text.contains(": ")) {
                answer(seen, stream)
            } else {
                case(stream)
            }
        });
        let lab = lab(&upstream.base, |embeddings, _| {
            embeddings.timeout = Duration::from_millis(if place == 0 { 300 } else { 10_000 });
        });
        let worker = lab.token("worker");
        let made = || lab.kept.events().iter().any(|event| event.contains("vectors of 4 tools are ready"));
        until("the vectors are made", made);
        // On a busy machine the time may be over before anything was sent.
        until("it is asked", || {
            let found = find(&lab, &worker, "send a mail");
            assert_eq!((&found["ranking"], names(&found)[0]), (&json!("lexical"), "send_mail"), "{place}");
            upstream.seen().iter().any(|seen| texts(seen) == ["send a mail"])
        });
    }
}

#[test]
fn without_an_endpoint_there_at_all_the_gateway_works_and_says_why_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let lab = lab(&format!("http://{free}/"), |_, _| {});
    let worker = lab.token("worker");
    let warned = |event: &&String| event.contains("tools are found only by words");
    until("it is said", || lab.kept.events().iter().any(|event| warned(&event)));
    for _ in 0..3 {
        assert_eq!(find(&lab, &worker, "send a mail")["ranking"], "lexical");
    }
    let events = lab.kept.events();
    assert_eq!(events.iter().filter(warned).count(), 1, "{events:?}");
}

#[test]
fn no_question_goes_to_another_host() {
    let elsewhere = Upstream::start(answer);
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let target = format!("{}/v1/embeddings", elsewhere.base);
        let upstream = Upstream::start(move |seen, stream| {
            if texts(seen).iter().any(|text| text.contains(": ")) {
                return answer(seen, stream);
            }
            say(stream, &format!("{status}\r\nlocation: {target}"), b"");
        });
        let lab = lab(&upstream.base, |_, _| {});
        let worker = lab.token("worker");
        until("the vectors are made", || {
            lab.kept.events().iter().any(|event| event.contains("tools are ready"))
        });
        assert_eq!(find(&lab, &worker, "send a mail")["ranking"], "lexical", "{status}");
    }
    assert_eq!(elsewhere.seen().len(), 0);
}

#[test]
fn tools_that_somebody_may_not_see_change_nothing_for_them() {
    // Texts of the forbidden server have no vectors at all.
    let upstream = Upstream::start(|seen, stream| {
        if texts(seen).iter().any(|text| text.starts_with("zeta")) {
            say(stream, "400 Bad Request", b"")
        } else {
            answer(seen, stream)
        }
    });
    let lab = lab(&upstream.base, |_, _| {});
    let (worker, root) = (lab.token("worker"), lab.token("root"));
    let questions = ["send a mail", FOREIGN, "loeschen", "it"];
    until("the vectors are made", || is_by_meaning(&lab, &worker));
    let before: Vec<Value> = questions.iter().map(|question| find(&lab, &worker, question)).collect();
    let many: Vec<String> = (0..500).map(|place| format!("send_mail_{place}")).collect();
    let tools: Vec<Value> =
        many.iter().map(|name| json!({"name": name, "description": "Sends it, loeschen"})).collect();
    let file = json!({"path": "/zeta", "server_name": "zeta", "proxy_pass_url": "http://127.0.0.1:9/", "tool_list": tools});
    std::fs::write(lab.path("servers/zeta.json"), file.to_string()).unwrap();
    lab.gateway.reload();
    until("the new tools are there", || find(&lab, &root, "send")["total_results"] == 50);
    until("the vectors are there again", || is_by_meaning(&lab, &worker));
    let after: Vec<Value> = questions.iter().map(|question| find(&lab, &worker, question)).collect();
    assert_eq!(after, before);
    assert_eq!(find(&lab, &root, "send")["ranking"], "lexical", "of some of root's tools nothing is known");
}
