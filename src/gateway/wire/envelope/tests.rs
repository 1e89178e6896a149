//! What is read from a message, and every way in which one is rejected. Not here: random bytes (see `tests/fuzz`).

mod readers;

use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::json::LEVELS;
use super::{Envelope, Malformed};
use crate::policy::{Call, Listed};

const CALL: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":1}}}"#;

fn read(body: &str) -> Result<Envelope<'_>, Malformed> {
    Envelope::read(body.as_bytes())
}

/// A message with these members after `jsonrpc`.
fn with(members: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0",{members}}}"#)
}

#[test]
fn a_call_is_read_without_a_copy() {
    let envelope = read(CALL).unwrap();
    assert_eq!(envelope.id, Some("1"));
    assert_eq!(envelope.call(), Call::Message { method: "tools/call", name: Some("add") });
    assert!(envelope.is_request());
    assert!(matches!(envelope.method, Some(Cow::Borrowed(_))));
    assert!(matches!(envelope.name, Some(Cow::Borrowed(_))));
}

#[test]
fn each_method_is_about_its_own_member() {
    let params = r#""params":{"uri":"u","taskId":"t","name":"n","_meta":{"a":1}}"#;
    for (method, name) in [
        ("tools/call", Some("n")),
        ("prompts/get", Some("n")),
        ("resources/read", Some("u")),
        ("resources/subscribe", Some("u")),
        ("resources/unsubscribe", Some("u")),
        ("tasks/get", Some("t")),
        ("tasks/update", Some("t")),
        ("tasks/cancel", Some("t")),
        ("tasks/result", Some("t")),
        ("tools/list", None),
        ("Tools/call", None),
        ("subscriptions/listen", None),
        ("tasks/unknown", None),
    ] {
        let body = with(&format!(r#""id":"a",{params},"method":"{method}""#));
        assert_eq!(read(&body).unwrap().call(), Call::Message { method, name }, "{method}");
    }
}

#[test]
fn a_completion_is_about_what_its_ref_names() {
    let body = |reference: &str| {
        with(&format!(
            r#""id":1,"params":{{"ref":{reference},"name":"n","uri":"u"}},"method":"completion/complete""#
        ))
    };
    for (reference, listed, name) in [
        (r#"{"type":"ref/prompt","name":"p"}"#, Listed::Prompt, "p"),
        (r#"{"n\u0061me":"\u0070","type":"ref\/prompt","title":"t"}"#, Listed::Prompt, "p"),
        (r#"{"type":"ref/resource","uri":"file:///{a}"}"#, Listed::Resource, "file:///{a}"),
    ] {
        assert_eq!(read(&body(reference)).unwrap().call(), Call::Completion { listed, name }, "{reference}");
    }
    for reference in [
        "{}",
        "null",
        r#""ref/prompt""#,
        r#"[{"type":"ref/prompt","name":"p"}]"#,
        r#"{"type":"ref/prompt"}"#,
        r#"{"type":"ref/prompt","uri":"u"}"#,
        r#"{"type":"ref/prompt","name":"p","uri":"u"}"#,
        r#"{"type":"ref/resource","name":"p","uri":"u"}"#,
        r#"{"type":"ref/tool","name":"p"}"#,
        r#"{"type":"Ref/prompt","name":"p"}"#,
        r#"{"name":"p"}"#,
        r#"{"type":"ref/prompt","name":["p"]}"#,
        r#"{"type":["ref/prompt"],"name":"p"}"#,
    ] {
        assert!(matches!(read(&body(reference)), Err(Malformed::Shape(_))), "{reference}");
    }
    for (reference, why) in [
        (r#"{"type":"ref/prompt","name":"p","Name":"q"}"#, Malformed::CaseTwin("name")),
        (r#"{"type":"ref/prompt","name":"p","name":"q"}"#, Malformed::DuplicateKey),
        (r#"{"type":"ref/prompt","Type":"ref/resource","name":"p"}"#, Malformed::CaseTwin("type")),
    ] {
        assert_eq!(read(&body(reference)), Err(why), "{reference}");
    }
    let none = with(r#""id":1,"method":"completion/complete","params":{}"#);
    let call = Call::Message { method: "completion/complete", name: None };
    assert_eq!(read(&none).unwrap().call(), call, "the policy's matter");
}

#[test]
fn a_subscription_is_about_each_thing_it_names() {
    let body = |notifications: &str| {
        let params = format!(r#""params":{{"notifications":{notifications}}}"#);
        with(&format!(r#""id":1,"method":"subscriptions/listen",{params}"#))
    };
    let further = |text: &str| {
        let found: Vec<String> =
            read(&body(text)).unwrap().further_calls().map(|call| format!("{call:?}")).collect();
        found.join(" ")
    };
    for nothing in [
        "{}",
        "null",
        r#"{"resourceSubscriptions":null,"taskIds":null}"#,
        r#"{"toolsListChanged":true,"resourceSubscriptions":[],"promptsListChanged":null}"#,
    ] {
        assert_eq!(further(nothing), "", "{nothing}");
    }
    assert_eq!(
        further(r#"{"taskIds":["t"],"resourceSubscriptions":["a","\u0062"]}"#),
        "Message { method: \"tasks/get\", name: Some(\"t\") } \
         Message { method: \"resources/subscribe\", name: Some(\"a\") } \
         Message { method: \"resources/subscribe\", name: Some(\"b\") }"
    );
    for notifications in [
        "[]",
        "true",
        r#"{"resourceSubscriptions":"a"}"#,
        r#"{"resourceSubscriptions":[1]}"#,
        r#"{"resourceSubscriptions":[["a"]]}"#,
        r#"{"resourceSubscriptions":{"uri":"a"}}"#,
        r#"{"promptSubscriptions":["a"]}"#,
        r#"{"promptSubscriptions":"a"}"#,
    ] {
        assert!(matches!(read(&body(notifications)), Err(Malformed::Shape(_))), "{notifications}");
    }
    for (notifications, why) in [
        (r#"{"ResourceSubscriptions":["a"]}"#, Malformed::CaseTwin("resourceSubscriptions")),
        (r#"{"resourceSubscriptions":["a"],"resourceSubscriptions":[]}"#, Malformed::DuplicateKey),
        (r#"{"taskids":["a"]}"#, Malformed::CaseTwin("taskIds")),
    ] {
        assert_eq!(read(&body(notifications)), Err(why), "{notifications}");
    }
}

#[test]
fn what_is_accepted() {
    for (members, id, method, name) in [
        (r#""id":1,"method":"ping""#, Some("1"), Some("ping"), None),
        (r#""id":-9007199254740993,"method":"ping""#, Some("-9007199254740993"), Some("ping"), None),
        (r#""id":"","method":"ping""#, Some(r#""""#), Some("ping"), None),
        (r#""id":"a\"\u00e9","method":"ping""#, Some(r#""a\"\u00e9""#), Some("ping"), None),
        (r#""method":"notifications/initialized""#, None, Some("notifications/initialized"), None),
        (
            r#""id":1,"m\u0065thod":"tools\/call","params":{"n\u0061me":"\u0061dd"}"#,
            Some("1"),
            Some("tools/call"),
            Some("add"),
        ),
        (r#""id":1,"result":{"Name":1,"name":2,"name":3}"#, Some("1"), None, None),
        (r#""id":1,"error":{"code":1,"message":""}"#, Some("1"), None, None),
        // Arguments are the tool's concern: cases, unpaired surrogates, any number.
        (
            r#""id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":"\ud800","A":1e999}}"#,
            Some("1"),
            Some("tools/call"),
            Some("x"),
        ),
        (r#""id":1,"method":"x/y","params":{"name":{"not":"ours"}}"#, Some("1"), Some("x/y"), None),
        (" \r\n\t\"id\" : 1 , \"method\" :\t\"ping\"\n", Some("1"), Some("ping"), None),
    ] {
        let body = with(members);
        let envelope = read(&body).unwrap_or_else(|why| panic!("{members}: {why}"));
        let found = (envelope.id, envelope.method.as_deref(), envelope.name.as_deref());
        assert_eq!(found, (id, method, name), "{members}");
    }
    assert_eq!(read(&with(r#""id":1,"result":{}"#)).unwrap().call(), Call::Reply);
    assert!(read(&format!(" \n{CALL}\r\n\t ")).is_ok());
}

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

#[test]
fn every_part_of_a_message_may_be_as_deep_as_is_written_down() {
    let objects = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
    let mixed = |levels: usize| objects(levels).replacen(r#"{"a":"#, r#"{"a":[{"b":1},{},[]],"c":"#, 1);
    let parts = [
        r#""id":1,"method":"tools/call","params":{"name":"x","arguments":DEEP}"#,
        r#""id":1,"method":"ping","params":{"other":DEEP}"#,
        r#""id":1,"method":"ping","other":DEEP"#,
        r#""id":1,"result":DEEP"#,
        r#""other":DEEP,"method":"ping""#,
    ];
    for part in parts {
        for levels in [63, 64, 65, 127, 128, 129, 130, 131, 200, 100_000] {
            for deep in [nested(levels), objects(levels), mixed(levels)] {
                let body = with(&part.replace("DEEP", &deep));
                let expected = if levels > 128 { Some(Malformed::TooDeep) } else { None };
                assert_eq!(read(&body).err(), expected, "{part} {levels}");
            }
        }
    }
    assert_eq!(LEVELS, 128, "as docs/gateway/overview.md says");
}

/// Programs that write every member they know mean nothing by a null.
#[test]
fn null_is_absent_where_it_decides_nothing() {
    for (members, plain) in [
        (r#""id":1,"method":"ping","params":null"#, r#""id":1,"method":"ping""#),
        (r#""id":1,"method":"ping","params" : null "#, r#""id":1,"method":"ping""#),
        (r#""id":1,"method":"tools/list","result":null,"error":null"#, r#""id":1,"method":"tools/list""#),
        (r#""method":"notifications/initialized","params":null"#, r#""method":"notifications/initialized""#),
        (
            r#""id":1,"method":"tools/call","params":{"name":"x","_meta":null,"arguments":null}"#,
            r#""id":1,"method":"tools/call","params":{"name":"x"}"#,
        ),
        (
            r#""id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":null}}"#,
            r#""id":1,"method":"ping""#,
        ),
        (r#""id":1,"result":{},"error":null"#, r#""id":1,"result":{}"#),
        (r#""id":1,"error":null,"params":null,"method":null,"result":{"a":1}"#, r#""id":1,"result":{}"#),
        (r#""id":1,"result":null,"error":{"code":1}"#, r#""id":1,"error":{"code":1}"#),
        (r#""id":1,"result":null"#, r#""id":1,"result":{}"#),
    ] {
        assert_eq!(read(&with(members)), read(&with(plain)), "{members}");
        assert!(read(&with(plain)).is_ok(), "{plain}");
    }
    // Null or not, a duplicate is a duplicate.
    for members in [
        r#""id":1,"method":"ping","params":null,"params":{}"#,
        r#""id":1,"result":{},"error":null,"error":{}"#,
        r#""id":1,"method":"tools/call","params":{"name":"x","_meta":null,"_meta":{}}"#,
    ] {
        assert_eq!(read(&with(members)), Err(Malformed::DuplicateKey), "{members}");
    }
}

#[test]
fn what_is_refused_is_refused_by_its_id() {
    for (body, id) in [
        (with(r#""id":5,"method":"tools/call","params":null"#), Some("5")),
        (with(r#""id":"a","method":1"#), Some(r#""a""#)),
        (r#"{"method":"ping","id":7}"#.to_owned(), Some("7")),
        (with(&format!(r#""id":6,"method":"ping","params":{{"a":{}}}"#, nested(400))), Some("6")),
        (with(r#""id":6,"method":"pi"#), Some("6")),
        (with(r#""id":6,"id":7,"method":1"#), None),
        (with(r#""id":6,"ID":7,"method":1"#), None),
        (with(r#""id":null,"method":1"#), None),
        (with(r#""id":[6],"method":1"#), None),
        (with(r#""method":1"#), None),
        (r#"[{"jsonrpc":"2.0","id":1}]"#.to_owned(), None),
        (String::new(), None),
    ] {
        assert!(read(&body).is_err(), "{body}");
        assert_eq!(Envelope::id_of(body.as_bytes()), id, "{body}");
    }
}

#[test]
fn what_is_no_json_object() {
    let deep = nested(LEVELS as usize + 1);
    for (body, why) in [
        (b"".as_slice(), Malformed::Syntax),
        (b"  ", Malformed::Syntax),
        (b"{", Malformed::Syntax),
        (b"{}", Malformed::Version),
        (b"\xEF\xBB\xBF{}", Malformed::Bom),
        (b"{\"jsonrpc\":\"\xff\"}", Malformed::NotUtf8),
        (b"\xff\xfe{\0}\0", Malformed::NotUtf8),
        (b"{\0}\0", Malformed::Syntax),
        (b"[]", Malformed::Batch),
        (b"\x0b[]", Malformed::Syntax),
        (b"\r\n [{\"jsonrpc\":\"2.0\"}]", Malformed::Batch),
        (b"null", Malformed::NotAnObject),
        (b"1", Malformed::NotAnObject),
        (b"\"{}\"", Malformed::NotAnObject),
        (b"nul", Malformed::Syntax),
        (b"1 2", Malformed::TrailingData),
        (b"{\"jsonrpc\":\"2.0\",\"method\":\"a\"}{}", Malformed::TrailingData),
        (b"{\"jsonrpc\":\"2.0\",\"method\":\"a\"}\0", Malformed::TrailingData),
        (b"{\"jsonrpc\":\"2.0\",\"method\":\"a\"},", Malformed::TrailingData),
        (b"{\"jsonrpc\":\"2.0\",\"method\":\"a\",}", Malformed::Syntax),
        (b"{\"jsonrpc\":\"2.0\" \"method\":\"a\"}", Malformed::Syntax),
        (b"{'jsonrpc':\"2.0\"}", Malformed::Syntax),
        (b"{jsonrpc:\"2.0\"}", Malformed::Syntax),
        (b"{\"jsonrpc\":\"2.0\",/**/\"method\":\"a\"}", Malformed::Syntax),
        (with(&format!(r#""x":{deep}"#)).as_bytes(), Malformed::TooDeep),
    ] {
        assert_eq!(Envelope::read(body), Err(why), "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn what_is_no_json_value() {
    let values = [
        "01",
        "-",
        "1.",
        ".5",
        "+1",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "Infinity",
        "tru",
        "True",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{1:2}",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u123\"",
        "\"\n\"",
        "\"\u{1}\"",
        "\"\t12345678\"",
    ];
    for value in values {
        let body = with(&format!(r#""method":"ping","params":{{"a":{value}}}"#));
        assert_eq!(read(&body), Err(Malformed::Syntax), "{value}");
        assert!(serde_json::from_str::<Value>(&body).is_err(), "{value}");
    }
}

#[test]
fn no_key_has_two_meanings() {
    let method = r#""id":1,"method":"ping""#;
    for (members, why) in [
        (r#""id":1,"method":"ping","method":"tools/call""#, Malformed::DuplicateKey),
        (r#""id":1,"method":"ping","m\u0065thod":"tools/call""#, Malformed::DuplicateKey),
        (r#""jsonrpc":"2.0","method":"ping""#, Malformed::DuplicateKey),
        (r#""id":1,"method":"ping","Method":"tools/call""#, Malformed::CaseTwin("method")),
        (r#""id":1,"Method":"tools/call""#, Malformed::CaseTwin("method")),
        (r#""id":1,"METHO\u0044":"tools/call""#, Malformed::CaseTwin("method")),
        (r#""id":1,"method":"ping","method\u0000":"tools/call""#, Malformed::CaseTwin("method")),
        (r#""method":"ping","Id":1"#, Malformed::CaseTwin("id")),
        (r#""method":"ping","ıd":1"#, Malformed::CaseTwin("id")),
        (r#""method":"ping","İd":1"#, Malformed::CaseTwin("id")),
        (r#""method":"ping","param\u017f":{}"#, Malformed::CaseTwin("params")),
        (r#""method":"ping","paramſ":{}"#, Malformed::CaseTwin("params")),
        (r#""id":1,"result":{},"Error":{}"#, Malformed::CaseTwin("error")),
        (r#""method":"ping","x":1,"x":2"#, Malformed::DuplicateKey),
        (r#""method":"ping","x":1,"X":2"#, Malformed::DuplicateKey),
        (r#""method":"ping","\u212a":1,"k":2"#, Malformed::DuplicateKey),
        (r#""method":"ping","é":1,"É":2"#, Malformed::DuplicateKey),
        (r#""method":"ping","\ud800":1"#, Malformed::Syntax),
    ] {
        assert_eq!(read(&with(members)), Err(why), "{members}");
    }
    for (params, why) in [
        (r#"{"name":"a","name":"b"}"#, Malformed::DuplicateKey),
        (r#"{"name":"a","NAME":"b"}"#, Malformed::CaseTwin("name")),
        (r#"{"Uri":"b"}"#, Malformed::CaseTwin("uri")),
        (r#"{"tas\u212aId":"b"}"#, Malformed::CaseTwin("taskId")),
        (r#"{"taskid":"b"}"#, Malformed::CaseTwin("taskId")),
        (r#"{"argumentſ":{}}"#, Malformed::CaseTwin("arguments")),
        (r#"{"_META":{}}"#, Malformed::CaseTwin("_meta")),
        (r#"{"a":1,"a":1}"#, Malformed::DuplicateKey),
        (r#"{"_meta":{},"_meta":{}}"#, Malformed::DuplicateKey),
        (r#"{"_meta":{"a":1,"A":1}}"#, Malformed::DuplicateKey),
        (
            r#"{"_meta":{"io.modelcontextprotocol/protocolversion":"2025-06-18"}}"#,
            Malformed::CaseTwin("io.modelcontextprotocol/protocolVersion"),
        ),
    ] {
        assert_eq!(read(&with(&format!(r#"{method},"params":{params}"#))), Err(why), "{params}");
    }
}

#[test]
fn many_keys_are_all_compared() {
    let many: Vec<String> = (0..100).map(|n| format!(r#""key{n}":0"#)).collect();
    let body = with(&format!(r#""method":"ping",{}"#, many.join(",")));
    assert!(read(&body).is_ok());
    for late in ["key0", "KEY7", "Key8", "key99"] {
        let body = with(&format!(r#""method":"ping",{},"{late}":0"#, many.join(",")));
        assert_eq!(read(&body), Err(Malformed::DuplicateKey), "{late}");
    }
}

#[test]
fn what_is_no_json_rpc() {
    for (body, why) in [
        (r#"{"jsonrpc":"1.0","method":"ping"}"#.to_owned(), Malformed::Version),
        (r#"{"jsonrpc":2.0,"method":"ping"}"#.to_owned(), Malformed::Version),
        (r#"{"id":1,"method":"ping"}"#.to_owned(), Malformed::Version),
    ] {
        assert_eq!(read(&body), Err(why), "{body}");
    }
    for members in [
        r#""id":1"#,
        r#""result":{}"#,
        r#""id":1,"result":{},"error":{}"#,
        r#""id":1,"result":{},"params":{}"#,
        r#""id":null,"error":{}"#,
        r#""id":1,"method":"ping","result":{}"#,
        r#""id":1,"method":"ping","result":{},"error":null"#,
        r#""id":1,"result":null,"error":null,"params":{}"#,
        r#""id":1,"error":null"#,
        r#""id":null,"method":"ping""#,
        r#""id":1.0,"method":"ping""#,
        r#""id":1e3,"method":"ping""#,
        r#""id":true,"method":"ping""#,
        r#""id":[1],"method":"ping""#,
        r#""id":{},"method":"ping""#,
        r#""id":"\ud800","method":"ping""#,
        r#""id":1,"method":1"#,
        r#""id":1,"method":null"#,
        r#""id":1,"method":["tools/call"]"#,
        r#""id":1,"method":"ping","params":[]"#,
        r#""id":1,"method":"ping","params":"{}""#,
        r#""id":1,"method":"ping","params":{"_meta":[]}"#,
        r#""id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":1}}"#,
        r#""id":1,"method":"tools/call""#,
        r#""id":1,"method":"tools/call","params":{}"#,
        r#""id":1,"method":"tools/call","params":{"uri":"a"}"#,
        r#""id":1,"method":"tools/call","params":{"name":1}"#,
        r#""id":1,"method":"tools/call","params":{"name":null}"#,
        r#""id":1,"method":"tools/call","params":{"name":["a"]}"#,
        r#""id":1,"method":"resources/read","params":{"uri":{}}"#,
        r#""id":1,"method":"tasks/get","params":{"taskId":7}"#,
    ] {
        let why = read(&with(members)).unwrap_err();
        assert!(matches!(why, Malformed::Shape(_)), "{members}: {why:?}");
    }
    for text in [r#"\ud800"#, r#"\udc00\ud800"#, r#"\ud800\u0061"#] {
        let method = with(&format!(r#""method":"{text}""#));
        let name = with(&format!(r#""method":"tools/call","params":{{"name":"{text}"}}"#));
        assert_eq!((read(&method), read(&name)), (Err(Malformed::Syntax), Err(Malformed::Syntax)), "{text}");
    }
}
