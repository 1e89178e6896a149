//! What remains of a server's answer, to the byte, and which answers do not pass.

use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Edits, Malformed, Unreadable, anything, message};
use crate::policy::Listed;

/// Filters with a policy that shows names beginning with `ok`.
fn filter(body: &[u8]) -> Result<Cow<'_, [u8]>, Unreadable> {
    message(body, &|_, name| name.starts_with("ok"))
}

fn filtered(body: &str) -> String {
    String::from_utf8(filter(body.as_bytes()).unwrap().into_owned()).unwrap()
}

fn tools(elements: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":{elements}}}}}"#)
}

#[test]
fn elements_are_cut_out_and_the_rest_stays() {
    for (before, after) in [
        (r#"[]"#, r#"[]"#),
        (r#"[ ]"#, r#"[ ]"#),
        (r#"[{"name":"ok1"},{"name":"ok2"}]"#, r#"[{"name":"ok1"},{"name":"ok2"}]"#),
        (r#"[{"name":"no"}]"#, r#"[]"#),
        (r#"[ {"name":"no"} , {"name":"no"} ]"#, r#"[  ]"#),
        (r#"[{"name":"no"},{"name":"ok"}]"#, r#"[{"name":"ok"}]"#),
        (r#"[{"name":"ok"},{"name":"no"}]"#, r#"[{"name":"ok"}]"#),
        (r#"[ {"name":"no"} , {"name":"no"} , {"name":"ok"} ]"#, r#"[ {"name":"ok"} ]"#),
        (
            r#"[ {"name":"ok1"} , {"name":"no"} , {"name":"no"} , {"name":"ok2"} ]"#,
            r#"[ {"name":"ok1"} , {"name":"ok2"} ]"#,
        ),
        (
            r#"[{"name":"no"},{"name":"ok"},{"name":"no"},{"name":"ok"},{"name":"no"}]"#,
            r#"[{"name":"ok"},{"name":"ok"}]"#,
        ),
        // Numbers, order, unknown fields and escapes stay as they are.
        (
            "[{\"x\":1.10000000000000000001e+2,\"name\":\"o\\u006b\",\"é\":\"\\/\",\"n\":90071992547409931234},{\"name\":\"no\"}]",
            "[{\"x\":1.10000000000000000001e+2,\"name\":\"o\\u006b\",\"é\":\"\\/\",\"n\":90071992547409931234}]",
        ),
    ] {
        assert_eq!(filtered(&tools(before)), tools(after), "{before}");
    }
}

#[test]
fn elements_without_exactly_one_name_are_not_shown() {
    for element in [
        r#"1"#,
        r#"null"#,
        r#""ok""#,
        r#"["ok"]"#,
        r#"[{"name":"ok"}]"#,
        r#"{}"#,
        r#"{"title":"ok"}"#,
        r#"{"name":null}"#,
        r#"{"name":1}"#,
        r#"{"name":["ok"]}"#,
        r#"{"name":"no","name":"ok"}"#,
        r#"{"name":"ok","name":"no"}"#,
        r#"{"name":"ok","name":"ok"}"#,
        r#"{"name":"ok","n\u0061me":"no"}"#,
        r#"{"name":"ok","Name":"no"}"#,
        r#"{"NAME":"ok"}"#,
        r#"{"name":"ok","name\u0000":"no"}"#,
        r#"{"name":"ok\ud800"}"#,
        r#"{"name":"ok","\ud800":1}"#,
        r#"{"name":"\u006eo"}"#,
        r#"{"name":"OK"}"#,
    ] {
        assert_eq!(filtered(&tools(&format!("[{element}]"))), tools("[]"), "{element}");
    }
}

#[test]
fn each_list_goes_by_its_own_key() {
    for (member, key, listed) in [
        ("tools", "name", Listed::Tool),
        ("prompts", "name", Listed::Prompt),
        ("resources", "uri", Listed::Resource),
        ("resourceTemplates", "uriTemplate", Listed::Template),
    ] {
        let list =
            |elements: &str| format!(r#"{{"id":1,"result":{{"nextCursor":"","{member}":{elements}}}}}"#);
        let all =
            list(
                &format!(r#"[{{"{key}":"a","name":"a","uri":"a","uriTemplate":"a"}},{{"{key}":"b"}}]"#)
                    .replacen(&format!(r#","{key}":"a""#), "", 1),
            );
        let shown = message(all.as_bytes(), &|kind, name| kind == listed && name == "b").unwrap();
        assert_eq!(std::str::from_utf8(&shown), Ok(list(&format!(r#"[{{"{key}":"b"}}]"#)).as_str()));
    }
}

#[test]
fn a_list_is_private() {
    for (before, after) in [
        (
            r#"{"cacheScope":"public","tools":[],"ttlMs":5}"#,
            r#"{"cacheScope":"private","tools":[],"ttlMs":5}"#,
        ),
        (r#"{"tools":[{"name":"no"}],"cacheScope" : null }"#, r#"{"tools":[],"cacheScope" : "private" }"#),
        (r#"{"cacheScope":{"a":[]},"tools":[{"name":"no"}]}"#, r#"{"cacheScope":"private","tools":[]}"#),
        (
            r#"{"cacheScope":"private","tools":[{"name":"ok"}]}"#,
            r#"{"cacheScope":"private","tools":[{"name":"ok"}]}"#,
        ),
        (r#"{"tools":null,"cacheScope":"public"}"#, r#"{"tools":null,"cacheScope":"private"}"#),
        (r#"{"contents":[],"cacheScope":"public"}"#, r#"{"contents":[],"cacheScope":"public"}"#),
    ] {
        let message = |result: &str| format!(r#"{{"result":{result},"id":1}}"#);
        assert_eq!(filtered(&message(before)), message(after), "{before}");
    }
}

#[test]
fn other_messages_are_not_touched() {
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"tools":[{"name":"no"}]}],"structuredContent":{"A":1,"a":2,"a":3}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"capabilities":{"tools":{"listChanged":true}}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"","data":{"tools":[]}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"tools":[{"name":"no"}]}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"result":{"tools":[{"name":"no"}]}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":"tools"}"#,
        " {} \r\n",
    ] {
        let same = filter(body.as_bytes()).unwrap();
        assert!(matches!(same, Cow::Borrowed(_)), "{body}");
        assert_eq!(same, body.as_bytes());
    }
}

#[test]
fn a_list_is_found_in_every_frame() {
    for (before, after) in [
        (r#"{"method":"x","result":{"tools":[{"name":"no"}]}}"#, r#"{"method":"x","result":{"tools":[]}}"#),
        (r#"{"error":{},"result":{"tools":[{"name":"no"}]}}"#, r#"{"error":{},"result":{"tools":[]}}"#),
        (r#"{"resul\u0074":{"too\u006cs":[{"name":"no"}]}}"#, r#"{"resul\u0074":{"too\u006cs":[]}}"#),
        (
            r#"{"result":{"tools":[{"name":"no"}],"prompts":[{"name":"no"},{"name":"ok"}]}}"#,
            r#"{"result":{"tools":[],"prompts":[{"name":"ok"}]}}"#,
        ),
    ] {
        assert_eq!(filtered(before), after);
    }
}

#[test]
fn what_has_no_single_meaning_does_not_pass() {
    let list = r#"{"tools":[{"name":"no"}]}"#;
    let deep = format!("{}{}", "[".repeat(130), "]".repeat(130));
    for (body, why) in [
        (String::new(), Malformed::Syntax),
        ("\u{feff}{}".to_owned(), Malformed::Bom),
        (format!(r#"[{{"id":1,"result":{list}}}]"#), Malformed::Batch),
        (format!(r#"{{"id":1,"result":{list}}}{{}}"#), Malformed::TrailingData),
        (format!(r#"{{"id":1,"result":{list}"#), Malformed::Syntax),
        (format!(r#"{{"result":{{}},"result":{list}}}"#), Malformed::DuplicateKey),
        (format!(r#"{{"result":{{}},"r\u0065sult":{list}}}"#), Malformed::DuplicateKey),
        (format!(r#"{{"result":{{}},"Result":{list}}}"#), Malformed::CaseTwin("result")),
        (format!(r#"{{"reſult":{list}}}"#), Malformed::CaseTwin("result")),
        (r#"{"result":{"Tools":[{"name":"no"}]}}"#.to_owned(), Malformed::CaseTwin("tools")),
        (r#"{"result":{"tool\u017f":[{"name":"no"}]}}"#.to_owned(), Malformed::CaseTwin("tools")),
        (r#"{"result":{"tools":[],"tools":[{"name":"no"}]}}"#.to_owned(), Malformed::DuplicateKey),
        (r#"{"result":{"resourcetemplates":[]}}"#.to_owned(), Malformed::CaseTwin("resourceTemplates")),
        (r#"{"result":{"tools":[],"CacheScope":"public"}}"#.to_owned(), Malformed::CaseTwin("cacheScope")),
        (
            r#"{"result":{"tools":{"0":{"name":"no"}}}}"#.to_owned(),
            Malformed::Shape("a list that is not an array"),
        ),
        (r#"{"result":{"tools":"no"}}"#.to_owned(), Malformed::Shape("a list that is not an array")),
        (tools("[\u{b}]"), Malformed::Syntax),
        (tools("[{\"name\":\"no\"\u{85}}]"), Malformed::Syntax),
        (tools(&deep), Malformed::TooDeep),
        ("\"tools\"".to_owned(), Malformed::NotAnObject),
    ] {
        assert_eq!(filter(body.as_bytes()), Err(Unreadable(why)), "{body}");
    }
    assert_eq!(filter(b"{\"\xff\":1}"), Err(Unreadable(Malformed::NotUtf8)));
}

#[test]
fn a_huge_list_keeps_its_order() {
    let element = |n: usize| json!({ "name": format!("{}{n}", if n.is_multiple_of(3) { "ok" } else { "no" }), "inputSchema": {} });
    let list = |keep: fn(usize) -> bool| {
        let elements: Vec<String> =
            (0..10_000).filter(|n| keep(*n)).map(|n| element(n).to_string()).collect();
        tools(&format!("[{}]", elements.join(",")))
    };
    assert_eq!(filtered(&list(|_| true)), list(|n| n.is_multiple_of(3)));
}

/// Any JSON of limited depth.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-d]{1,2}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    /// The output is JSON and equals the filtered parsed value; if everything is shown, not a byte differs.
    #[test]
    fn the_text_is_filtered_as_its_value(
        elements in prop::collection::vec(("(ok|no)[a-z\"\\\\é]{0,3}", any_json()), 0..12),
        other in any_json(),
        pretty in any::<bool>(),
    ) {
        let list: Vec<Value> = elements.iter().map(|(name, extra)| json!({ "x": extra, "name": name })).collect();
        let shown: Vec<&Value> = list.iter().filter(|tool| tool["name"].as_str().unwrap().starts_with("ok")).collect();
        let value = |tools: Value| json!({ "id": other, "result": { "z": other, "tools": tools, "nextCursor": "" } });
        let text = value(json!(list));
        let text = if pretty { serde_json::to_vec_pretty(&text) } else { serde_json::to_vec(&text) }.unwrap();
        let out = filter(&text).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), value(json!(shown)));
        prop_assert_eq!(message(&text, &|_, _| true).unwrap(), Cow::Borrowed(text.as_slice()));
        // Filtering twice changes nothing.
        prop_assert_eq!(filter(&out).unwrap(), Cow::Borrowed(&*out));
    }
}

#[test]
fn a_notice_is_shown_with_its_resource_alone() {
    let notice = |rest: &str| format!(r#"{{"jsonrpc":"2.0",{rest}}}"#);
    let updated = "notifications/resources/updated";
    for (text, shown) in [
        (notice(&format!(r#""method":"{updated}","params":{{"uri":"ok:1","title":"x"}}"#)), true),
        (notice(&format!(r#""params":{{"uri":"ok:1"}},"method":"{updated}""#)), true),
        (notice(&format!(r#""method":"{updated}","params":{{"uri":"no:1"}}"#)), false),
        (notice(&format!(r#""params":{{"uri":"no:1"}},"method":"{updated}""#)), false),
        (notice(r#""method":"notifications\/resource\u0073/updated","params":{"uri":"no:1"}"#), false),
        (notice(r#""method":"Notifications/Resources/Updated","params":{"uri":"no:1"}"#), false),
        (notice(&format!(r#""method":"{updated}","params":{{"uri":"ok:1","URI":"no:1"}}"#)), false),
        (notice(&format!(r#""method":"{updated}","params":{{"uri":["ok:1"]}}"#)), false),
        (notice(&format!(r#""method":"{updated}","params":["ok:1"]"#)), false),
        (notice(&format!(r#""method":"{updated}""#)), false),
        (notice(r#""method":"notifications/resources/list_changed""#), true),
        (notice(r#""method":"notifications/message","params":{"uri":"no:1"}"#), true),
    ] {
        let expected = if shown { text.as_bytes() } else { b"" };
        assert_eq!(
            message(text.as_bytes(), &|_, name| name.starts_with("ok")).as_deref(),
            Ok(expected),
            "{text}"
        );
        assert_eq!(
            anything(text.as_bytes(), &|_, name| name.starts_with("ok")).as_deref(),
            Ok(expected),
            "{text}"
        );
    }
}

#[test]
fn what_is_not_known_to_be_a_message_passes_unless_it_tells() {
    let shows = |_: Listed, name: &str| name.starts_with("ok");
    for text in [
        "",
        "Accepted",
        "<html><a class=\"tool\">result</a></html>",
        r#"{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"tools":[{"name":"no"}],"resources":{}}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"tools\":[]}"},{"text":"tools"}]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"capabilities":{"tools":{},"prompts":{}},"description":"tools"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"tools":[{"name":"no"}]}}"#,
        r#"[{"jsonrpc":"2.0","id":1,"result":{"content":[{"tools":1}]}}]"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"data":{"tools":1}}}"#,
    ] {
        assert_eq!(anything(text.as_bytes(), &shows), Ok(Cow::Borrowed(text.as_bytes())), "{text}");
    }
    let list = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"no"},{"name":"ok"}]}}"#;
    let shown = list.replace(r#"{"name":"no"},"#, "");
    assert_eq!(anything(list.as_bytes(), &shows).as_deref(), Ok(shown.as_bytes()));
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for bad in [
        list.replace("tools", "Tools").into_bytes(),
        list.replace("tools", "too\\u006cs").replace("result", "Result").into_bytes(),
        list.replace("tools", "tool\u{17f}").into_bytes(),
        list.replace("tools", "tools\\u0000x").into_bytes(),
        format!("[{list}]").into_bytes(),
        format!("\u{feff}{list}").into_bytes(),
        format!("data: {list}\n\n").into_bytes(),
        format!("--b\r\nContent-Type: application/json\r\n\r\n{list}\r\n--b--").into_bytes(),
        format!("{{}}\n{list}").into_bytes(),
        format!("// it\'s\n{list}").into_bytes(),
        wide(list),
        list.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        list.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
        wide(&format!("\u{feff}{list}")),
        list.as_bytes()[..list.len() - 2].to_vec(),
        list.replace("\"result\"", "\"result\":{},\"result\"").into_bytes(),
    ] {
        assert!(anything(&bad, &shows).is_err(), "{}", String::from_utf8_lossy(&bad));
    }
}

#[test]
fn neighbours_are_cut_at_once() {
    let mut edits = Edits::default();
    [0..2, 2..5, 7..9].into_iter().for_each(|place| edits.cut(place));
    assert_eq!(edits.0, [(0..5, ""), (7..9, "")]);
    assert_eq!(edits.apply(b"0123456789"), b"569".as_slice());
}
