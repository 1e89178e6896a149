//! What a message is, and what is answered to what is none.

use super::*;
use proptest::prelude::*;

#[test]
fn what_a_message_is() {
    let error = RpcError { code: -1, message: "no".into(), data: json!({"a": 1}) };
    let cases = [
        (r#"{"id":1,"result":{}}"#, Some(vec![Received::Answer(json!(1), Ok(json!({})))])),
        (r#"{"id":1,"result":null}"#, Some(vec![Received::Answer(json!(1), Ok(json!(null)))])),
        (r#"{"id":1,"result":{},"error":null}"#, Some(vec![Received::Answer(json!(1), Ok(json!({})))])),
        (
            r#"{"id":null,"error":{"code":-1,"message":"n\u001bo","data":{"a":1}}}"#,
            Some(vec![Received::Answer(
                json!(null),
                Err(RpcError { message: "n o".into(), ..error.clone() }),
            )]),
        ),
        (
            r#"[{"method":"a"},{"id":"x","method":"b"}]"#,
            Some(vec![
                Received::Notification("a".into(), json!(null)),
                Received::Request(json!("x"), "b".into()),
            ]),
        ),
        (
            r#"{"id":null,"method":"a","params":null}"#,
            Some(vec![Received::Notification("a".into(), json!(null))]),
        ),
        ("[]", Some(vec![])),
        (r#"{"id":1}"#, None),
        (r#"[{"id":1,"result":1},2]"#, None),
        ("<html>", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(Received::read(text), expected, "{text}");
    }
}

#[test]
fn messages_are_told_apart() {
    let modern = r#"{"id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    let cases = [
        (r#"{"id":1,"method":"ping"}"#, Some(json!(1)), false, None),
        (r#"{"method":"notifications/initialized"}"#, None, false, None),
        (r#"{"id":"a","result":{}}"#, None, false, None),
        (r#"{"method":"notifications/cancelled","params":{"requestId":7}}"#, None, false, Some(json!(7))),
        (modern, Some(json!(1)), true, None),
    ];
    for (line, id, is_modern, cancels) in cases {
        let message = Message::read(line.to_owned()).unwrap();
        assert_eq!(message.request_id(), id.as_ref(), "{line}");
        assert_eq!((message.is_modern(), message.cancels()), (is_modern, cancels.as_ref()), "{line}");
        assert_eq!(message.text, line, "its bytes stay");
    }
    let refused = Message::read("{oops".to_owned()).unwrap_err();
    assert_eq!(refused, r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"not JSON"}}"#);
    for (line, id) in [
        (r#"[{"id":1,"method":"ping"}]"#, json!(null)),
        ("5", json!(null)),
        ("null", json!(null)),
        ("\"ping\"", json!(null)),
        (r#"{"id":[1],"method":"ping"}"#, json!(null)),
        (r#"{"id":true,"method":"ping"}"#, json!(null)),
        (r#"{"id":{},"result":{}}"#, json!(null)),
        (r#"{"jsonrpc":"2.0","id":1}"#, json!(1)),
        (r#"{"id":"a","method":5}"#, json!("a")),
        (r#"{"id":"a","method":null,"error":null}"#, json!("a")),
        ("{}", json!(null)),
    ] {
        let refused: Value = serde_json::from_str(&Message::read(line.to_owned()).unwrap_err()).unwrap();
        assert_eq!((&refused["error"]["code"], &refused["id"]), (&json!(-32600), &id), "{line}");
    }
}

#[test]
fn null_counts_as_absent_in_what_a_client_sends() {
    for (line, expected) in [
        (r#"{"id":1,"method":"ping","params":null}"#, r#"{"id":1,"method":"ping"}"#),
        (r#"{"id":1,"method":"x","params":{"_meta": null}}"#, r#"{"id":1,"method":"x","params":{}}"#),
        ("\u{feff}{\"id\":1,\"method\":\"ping\"}", r#"{"id":1,"method":"ping"}"#),
        (r#"{"id":1, "result":null,"error":null}"#, r#"{"id":1,"result":null}"#),
        (r#"{"id":null,"method":"notifications/x"}"#, r#"{"method":"notifications/x"}"#),
    ] {
        assert_eq!(Message::read(line.to_owned()).unwrap().text, expected, "{line}");
    }
}

#[test]
fn parts_are_counted_outside_strings() {
    for (text, expected) in [("1", 0), ("[1,2]", 2), (r#"{"a,[{":["\",[",{}]}"#, 4), (r#""a\\",{"#, 2)] {
        assert_eq!(shape(text).0, expected, "{text}");
    }
}

#[test]
fn a_text_is_read_as_deep_as_the_gateway_takes_it() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"{"a":["#, "]}"), (r#"["]",{"[":"#, "}]")] {
        let each = shape(open).1;
        let text = |levels: usize| {
            let (open, close) = (open.repeat(levels / each), close.repeat(levels / each));
            format!("{open}1{close}")
        };
        for levels in [120, 126, 128, 130, 132, 134, 136] {
            assert!(parse(&text(levels)).is_ok(), "{open} {levels}");
        }
        for levels in [138, 140, 10_000] {
            assert_eq!(parse(&text(levels)), Err(ParseError::TooDeep), "{open} {levels}");
        }
        let half = text(132);
        assert_eq!(parse(half.get(..half.len() - 1).unwrap()), Err(ParseError::NotJson));
        assert_eq!(parse(&format!("{half}1")), Err(ParseError::NotJson));
    }
}

#[test]
fn a_long_string_is_read_and_very_many_parts_are_not() {
    let long = format!("[\"{}\"]", ",[".repeat(2 * PARTS));
    assert!(parse(&long).is_ok());
    let many = format!("[{}0]", "0,".repeat(PARTS + 1));
    assert_eq!(parse(&many), Err(ParseError::TooManyParts));
    assert_eq!(parse("{"), Err(ParseError::NotJson));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}|[\\[\\]{}\",:0-9a-z]{0,60}") {
        let _ = (Received::read(&text), Message::read(text));
    }
}
