//! When the mirroring headers agree with a message, and when they do not.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use super::Mismatch;
use crate::gateway::wire::envelope::Envelope;

const VERSION: &str = "MCP-Protocol-Version";
const METHOD: &str = "Mcp-Method";
const NAME: &str = "Mcp-Name";
const MODERN: (&str, &str) = ("MCP-Protocol-Version", "2026-07-28");
const LEGACY: (&str, &str) = ("MCP-Protocol-Version", "2025-11-25");

fn agree(body: &str, headers: &[(&str, &str)]) -> Result<(), Mismatch> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    Envelope::read(body.as_bytes()).unwrap().agree(&map)
}

fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
}

#[test]
fn modern_requests_need_their_headers() {
    let call = request("tools/call", r#"{"name":"add"}"#);
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
    let with_meta = request("tools/call", &format!(r#"{{"name":"add",{meta}}}"#));
    let (method, name) = (("mcp-method", "tools/call"), ("MCP-NAME", "add"));
    for (body, headers, outcome) in [
        (&call, vec![MODERN, method, name], Ok(())),
        (&with_meta, vec![MODERN, method, name], Ok(())),
        (&call, vec![MODERN, ("Mcp-Method", " \ttools/call "), ("Mcp-Name", "add\t")], Ok(())),
        (&call, vec![MODERN, name], Err(Mismatch::Missing(METHOD))),
        (&call, vec![MODERN, method], Err(Mismatch::Missing(NAME))),
        (&call, vec![MODERN, ("Mcp-Method", "TOOLS/CALL"), name], Err(Mismatch::Differs(METHOD))),
        (&call, vec![MODERN, ("Mcp-Method", "tools/list"), name], Err(Mismatch::Differs(METHOD))),
        (&call, vec![MODERN, ("Mcp-Method", ""), name], Err(Mismatch::Differs(METHOD))),
        (&call, vec![MODERN, method, ("Mcp-Name", "Add")], Err(Mismatch::Differs(NAME))),
        (&call, vec![MODERN, method, ("Mcp-Name", "add, add")], Err(Mismatch::Differs(NAME))),
        (&call, vec![MODERN, MODERN, method, name], Err(Mismatch::Repeated(VERSION))),
        (&call, vec![MODERN, method, method, name], Err(Mismatch::Repeated(METHOD))),
        (&call, vec![MODERN, method, name, name], Err(Mismatch::Repeated(NAME))),
        (&call, vec![MODERN, method, ("Mcp-Name", "ädd")], Err(Mismatch::Invalid(NAME))),
        (&call, vec![("MCP-Protocol-Version", "2027-01-01"), method], Err(Mismatch::Missing(NAME))),
        (&call, vec![("MCP-Protocol-Version", "DRAFT"), name], Err(Mismatch::Missing(METHOD))),
        (&with_meta, vec![method, name], Err(Mismatch::Missing(VERSION))),
        (&with_meta, vec![LEGACY, method, name], Err(Mismatch::Differs(VERSION))),
        (
            &with_meta,
            vec![("MCP-Protocol-Version", "2027-01-01"), method, name],
            Err(Mismatch::Differs(VERSION)),
        ),
    ] {
        assert_eq!(agree(body, &headers), outcome, "{headers:?}");
    }
    let old = r#"{"name":"add","_meta":{"io.modelcontextprotocol/protocolVersion":"2025-11-25"}}"#;
    let old = request("tools/call", old);
    assert_eq!(agree(&old, &[MODERN, method, name]), Err(Mismatch::Differs(VERSION)));
    assert_eq!(agree(&old, &[LEGACY]), Ok(()));
    assert_eq!(agree(&old, &[]), Ok(()));
}

#[test]
fn the_name_is_required_where_there_is_one() {
    for (method, params, required) in [
        ("tools/call", r#"{"name":"x"}"#, true),
        ("prompts/get", r#"{"name":"x"}"#, true),
        ("resources/read", r#"{"uri":"x"}"#, true),
        ("tasks/get", r#"{"taskId":"x"}"#, true),
        ("tasks/update", r#"{"taskId":"x"}"#, true),
        ("tasks/cancel", r#"{"taskId":"x"}"#, true),
        ("resources/subscribe", r#"{"uri":"x"}"#, false),
        ("tools/list", "{}", false),
        ("server/discover", "{}", false),
    ] {
        let outcome = if required { Err(Mismatch::Missing(NAME)) } else { Ok(()) };
        let body = request(method, params);
        assert_eq!(agree(&body, &[MODERN, ("Mcp-Method", method)]), outcome, "{method}");
        let named = agree(&body, &[MODERN, ("Mcp-Method", method), ("Mcp-Name", "x")]);
        let outcome = if params == "{}" { Err(Mismatch::Differs(NAME)) } else { Ok(()) };
        assert_eq!(named, outcome, "{method}");
    }
}

#[test]
fn older_messages_may_go_without_but_not_lie() {
    let call = request("tools/call", r#"{"name":"add"}"#);
    for version in [vec![], vec![LEGACY]] {
        for (header, outcome) in [
            (None, Ok(())),
            (Some(("Mcp-Method", "tools/call")), Ok(())),
            (Some(("Mcp-Name", "add")), Ok(())),
            (Some(("Mcp-Method", "tools/list")), Err(Mismatch::Differs(METHOD))),
            (Some(("Mcp-Name", "delete")), Err(Mismatch::Differs(NAME))),
        ] {
            let headers: Vec<_> = version.iter().copied().chain(header).collect();
            assert_eq!(agree(&call, &headers), outcome, "{headers:?}");
        }
    }
}

#[test]
fn notifications_and_replies_need_none() {
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    let reply = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    for body in [notification, reply] {
        assert_eq!(agree(body, &[MODERN]), Ok(()), "{body}");
        assert_eq!(
            agree(body, &[MODERN, ("Mcp-Method", "tools/call")]),
            Err(Mismatch::Differs(METHOD)),
            "{body}"
        );
        assert_eq!(agree(body, &[MODERN, ("Mcp-Name", "a")]), Err(Mismatch::Differs(NAME)), "{body}");
    }
    assert_eq!(agree(notification, &[MODERN, ("Mcp-Method", "notifications/cancelled")]), Ok(()));
}

#[test]
fn a_name_may_come_in_base64() {
    let form = |name: &str| format!("=?base64?{}?=", STANDARD.encode(name));
    let long = form(&"a".repeat(50_000));
    for (name, header, same) in [
        ("münchen", form("münchen").as_str(), true),
        (" a ", form(" a ").as_str(), true),
        ("add", form("add").as_str(), true),
        ("ab", "=?base64?YWI=?=", true),
        ("", "=?base64??=", true),
        ("", "", true),
        ("ab", "=?base64?YWI?=", false),
        ("ab", "=?base64?YWJ=?=", false),
        ("ab", "=?base64?YWI==?=", false),
        ("ab", "=?base64?YW I=?=", false),
        ("ab", "=?BASE64?YWI=?=", false),
        ("~~~", "=?base64?fn5-?=", false),
        ("add", form("addx").as_str(), false),
        ("add", long.as_str(), false),
        // Without one of the marks it is a literal; with both it never is.
        ("=?base64?YWI=", "=?base64?YWI=", true),
        ("YWI=?=", "YWI=?=", true),
        ("=?base64?=", "=?base64?=", true),
        ("=?base64?YWI=?=", "=?base64?YWI=?=", false),
        ("=?base64?YWI=?=", form("=?base64?YWI=?=").as_str(), true),
    ] {
        let body = request("tools/call", &serde_json::json!({ "name": name }).to_string());
        let outcome = agree(&body, &[MODERN, ("Mcp-Method", "tools/call"), ("Mcp-Name", header)]);
        assert_eq!(outcome, if same { Ok(()) } else { Err(Mismatch::Differs(NAME)) }, "{name} {header}");
    }
}
