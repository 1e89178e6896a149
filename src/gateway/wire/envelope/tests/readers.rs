//! What the reader says of a message, held against another reader of JSON.

use super::*;

#[test]
fn codes_tell_no_json_from_no_request() {
    let codes =
        [Malformed::NotUtf8, Malformed::Bom, Malformed::Syntax, Malformed::TrailingData].map(Malformed::code);
    assert_eq!(codes, [-32700; 4]);
    let codes = [
        Malformed::Batch,
        Malformed::NotAnObject,
        Malformed::TooDeep,
        Malformed::DuplicateKey,
        Malformed::Version,
    ]
    .map(Malformed::code);
    assert_eq!(codes, [-32600; 5]);
    assert_eq!(Malformed::CaseTwin("id").code(), -32600);
    assert_eq!(Malformed::Shape("").code(), -32600);
}

#[test]
fn a_list_is_known_by_its_method() {
    for (method, listed) in [
        ("tools/list", Some(Listed::Tool)),
        ("prompts/list", Some(Listed::Prompt)),
        ("resources/list", Some(Listed::Resource)),
        ("resources/templates/list", Some(Listed::Template)),
        ("tools/call", None),
    ] {
        let body = with(&format!(r#""id":1,"method":"{method}","params":{{"name":"x"}}"#));
        assert_eq!(read(&body).unwrap().lists(), listed, "{method}");
    }
}

proptest! {
    /// Whatever a method and a name are, they are read as they were written, in every spelling of the same JSON.
    #[test]
    fn strings_are_read_as_written(method in ".{0,20}", name in ".{0,40}", escape in any::<bool>()) {
        let quote = |text: &str| {
            if escape {
                let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
                return format!("\"{}\"", units.collect::<String>());
            }
            json!(text).to_string()
        };
        let body = with(&format!(r#""id":1,"params":{{"name":{}}},"method":{}"#, quote(&name), quote("prompts/get")));
        let envelope = read(&body).unwrap();
        prop_assert_eq!(envelope.name.as_deref(), Some(name.as_str()));
        let body = with(&format!(r#""id":1,"method":{}"#, quote(&method)));
        let envelope = read(&body).unwrap();
        prop_assert_eq!(envelope.method.as_deref(), Some(method.as_str()));
    }

    /// No byte put in place of another makes a message mean something for us that it does not mean for serde_json.
    #[test]
    fn a_changed_byte_changes_both_readers(at in 0..CALL.len(), byte in any::<u8>()) {
        let mut body = CALL.as_bytes().to_vec();
        body[at] = byte;
        if let Ok(envelope) = Envelope::read(&body) {
            let value: Value = serde_json::from_slice(&body).unwrap();
            prop_assert_eq!(envelope.method.as_deref(), value["method"].as_str());
            if envelope.method.as_deref() == Some("tools/call") {
                prop_assert_eq!(envelope.name.as_deref(), value["params"]["name"].as_str());
            }
        }
    }
}
