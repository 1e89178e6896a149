//! Tests of `catalogue`.

use serde_json::json;

use super::*;

fn answer(tools: &[&str], more: Value) -> Bytes {
    let tools: Vec<Value> = tools.iter().map(|name| json!({"name": name})).collect();
    let mut result = json!({"tools": tools});
    result.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"jsonrpc": "2.0", "id": 1, "result": result}).to_string().into()
}

#[test]
fn a_list_is_read_if_others_may_see_it() {
    let names = |request: &str, answer: &Bytes| {
        let (tools, is_whole) = listed(request.as_bytes(), answer)?;
        Some((tools.into_iter().map(|tool| tool.name).collect::<Vec<_>>().join(" "), is_whole))
    };
    let (first, next) = (r#"{"method":"tools/list"}"#, r#"{"params":{"cursor":""}}"#);
    let some = |names: &str, is_whole| Some((names.to_owned(), is_whole));
    assert_eq!(names(first, &answer(&["a", "b"], json!({}))), some("a b", true));
    assert_eq!(names(first, &answer(&["a"], json!({"nextCursor": ""}))), some("a", false));
    assert_eq!(names(next, &answer(&["c"], json!({"nextCursor": null}))), some("c", false));
    assert_eq!(names(first, &answer(&["a"], json!({"cacheScope": "public"}))), some("a", true));
    assert_eq!(names(first, &answer(&["a"], json!({"cacheScope": "private"}))), None);
    assert_eq!(names(first, &Bytes::from_static(b"{\"result\":{}}")), None);
    assert_eq!(names(first, &Bytes::from_static(b"\xff")), None);
}

#[test]
fn a_list_is_news_once_a_minute_or_when_it_changed() {
    let mut recent = RecentLists::default();
    let mut is_news = |request: &str, answer: &Bytes, now| {
        let list = recent.fingerprint(request.as_bytes(), answer).unwrap();
        let is_known = recent.has("s", list, now);
        recent.add("s", list, now);
        !is_known
    };
    let list = answer(&["a", "b"], json!({}));
    let with_another_id = String::from_utf8_lossy(&list).replace("\"id\":1", "\"id\":\"next\"").into();
    assert!(is_news("{}", &list, 100));
    assert!(!is_news("{}", &with_another_id, 101));
    assert!(is_news("{}", &answer(&["a", "c"], json!({})), 102));
    assert!(is_news("{}", &list, 103), "it changed back");
    assert!(is_news("{}", &list, 103 + SAME), "when it was seen is known to the minute");
    assert!(is_news("{}", &answer(&["a", "b"], json!({"nextCursor": "x"})), 164), "there is more of it now");
    assert!(is_news(r#"{"params":{"cursor":"x"}}"#, &answer(&["c"], json!({})), 165));
    assert!(
        !is_news("{}", &answer(&["a", "b"], json!({"nextCursor": "y"})), 166),
        "pages are known side by side"
    );
    assert!(RecentLists::default().fingerprint(b"{}", b"{\"result\":{}}").is_none());
}

#[test]
fn a_list_that_would_take_too_much_memory_is_not_remembered() {
    let large = "d".repeat(MAX_LIST_BYTES);
    let tools = |tool: Value| json!({"result": {"tools": [tool]}}).to_string();
    let long = tools(json!({"name": "a", "description": large}));
    assert!(RecentLists::default().fingerprint(b"{}", long.as_bytes()).is_none());
    let many = tools(json!({"name": "a", "inputSchema": {"enum": vec![0; MAX_LIST_PARTS]}}));
    assert!(listed(b"{}", many.as_bytes()).is_none());
    let fewer = tools(json!({"name": "a", "inputSchema": {"enum": vec![0; MAX_LIST_PARTS / 2]}}));
    assert!(listed(b"{}", fewer.as_bytes()).is_some());
}

#[test]
fn a_whole_list_replaces_what_was_known_and_a_page_adds_to_it() {
    let mut keeper = CatalogueThread { servers: Vec::new(), seen: HashMap::new(), has_model: false };
    let mut hear = |request: &'static str, answer| {
        keeper.hear(CatalogueNews::List {
            server: "s".into(),
            request: Bytes::from_static(request.as_bytes()),
            answer,
        });
        keeper.seen["s"].tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(hear("{}", answer(&["a"], json!({"nextCursor": "x"}))), "a");
    assert_eq!(hear(r#"{"params":{"cursor":"x"}}"#, answer(&["b"], json!({}))), "a b");
    assert_eq!(hear("{}", answer(&["b", "c"], json!({}))), "b c");
}
