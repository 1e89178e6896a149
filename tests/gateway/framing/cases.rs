//! The messages, byte for byte.
#![cfg(test)]

/// The required result of a case's first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// It is answered with 200, and its call has arrived.
    Passes,
    /// Nothing of it arrives; it is answered with 4xx, or the connection closes.
    Refused,
    /// Either: RFC 9112 leaves it open.
    Either,
}
use First::{Either, Passes, Refused};

pub(super) struct Case {
    pub(super) name: String,
    pub(super) first: First,
    pub(super) bytes: Vec<u8>,
}

const HEAD: &str = "Host: localhost\r\nX-Authorization: Bearer {T}\r\nContent-Type: application/json\r\n";

/// The call of a case: `first` or `second`, allowed or not.
pub(super) fn body(case: usize, which: &str, tool: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{tool}","arguments":{{"case":"{case}-{which}"}}}}}}"#
    )
}

fn chunked(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

/// A POST with these additional header lines, and this unchanged text after it.
fn post(more: &str, rest: &str) -> String {
    format!("POST /alpha/mcp HTTP/1.1\r\n{HEAD}{more}\r\n{rest}")
}

/// The templates: `{B}` is an allowed call, `{L}` its length, `{C}` the same in chunks, `{F}` a whole request with a
/// forbidden call.
fn templates() -> Vec<(String, First, String)> {
    let mut all: Vec<(String, First, String)> = Vec::new();
    let mut add = |name: &str, first: First, text: String| all.push((name.to_owned(), first, text));

    // Lengths (RFC 9112 section 6.2).
    add("plain", Passes, post("Content-Length: {L}\r\n", "{B}"));
    add("plain, chunked", Passes, post("Transfer-Encoding: chunked\r\n", "{C}"));
    add("the same length twice", Either, post("Content-Length: {L}\r\nContent-Length: {L}\r\n", "{B}"));
    add("the same length listed", Either, post("Content-Length: {L}, {L}\r\n", "{B}"));
    for (name, value) in [
        ("signed", "+{L}"),
        ("negative", "-{L}"),
        ("hexadecimal", "0x{L}"),
        ("with an exponent", "{L}e0"),
        ("a fraction", "{L}.0"),
        ("with an underscore", "1_0"),
        ("with a space in it", "1 0"),
        ("empty", ""),
        ("a word", "chunked"),
        ("quoted", "\"{L}\""),
        ("over 64 bits", "18446744073709551616"),
        ("over 64 bits by far", "99999999999999999999999999999999"),
        ("full-width", "\u{ff11}"),
        ("with a list's end", "{L},"),
        ("two", "{L}, 0"),
        ("with a semicolon", "{L};x"),
        ("with a NUL", "{L}\0"),
        ("with a vertical tab", "\u{b}{L}"),
        ("with a carriage return", "\r{L}"),
    ] {
        add(&format!("length {name}"), Refused, post(&format!("Content-Length: {value}\r\n"), "{B}{F}"));
    }
    add("leading zeros", Either, post("Content-Length: 000{L}\r\n", "{B}"));
    add("spaces around the length", Passes, post("Content-Length: \t {L} \t\r\n", "{B}"));
    for (one, two) in [("{L}", "0"), ("0", "{L}"), ("{L}", "1"), ("{L}", "+{L}"), ("{L}", "")] {
        let more = format!("Content-Length: {one}\r\nContent-Length: {two}\r\n");
        add(&format!("lengths {one:?} and {two:?}"), Refused, post(&more, "{B}{F}"));
    }
    add("no length", Refused, post("", "{B}"));
    add("length 0", Refused, post("Content-Length: 0\r\n", "{F}"));
    add("too long for us", Refused, post("Content-Length: 4194305\r\n", "{B}"));
    add("a space before the colon", Refused, post("Content-Length : {L}\r\n", "{B}{F}"));
    add("a tab before the colon", Refused, post("Content-Length\t: {L}\r\n", "{B}{F}"));
    add("an underscore", Refused, post("Content_Length: {L}\r\n", "{B}"));

    // Both (section 6.3).
    for (name, more) in [
        ("CL, TE", "Content-Length: {L}\r\nTransfer-Encoding: chunked\r\n"),
        ("TE, CL", "Transfer-Encoding: chunked\r\nContent-Length: {L}\r\n"),
        ("CL 0, TE", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
        ("CL 6, TE", "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n"),
        ("TE, two CL", "Transfer-Encoding: chunked\r\nContent-Length: 1\r\nContent-Length: 2\r\n"),
        ("CL of nothing, TE", "Content-Length: x\r\nTransfer-Encoding: chunked\r\n"),
    ] {
        add(name, Either, post(more, "{C}"));
        add(&format!("{name}, smuggling"), Refused, post(more, "0\r\n\r\n{F}"));
    }

    // Codings (section 6.1).
    for (name, value) in [
        ("unknown", "xchunked"),
        ("before chunked", "gzip, chunked"),
        ("after chunked", "chunked, gzip"),
        ("identity", "identity"),
        ("twice", "chunked, chunked"),
        ("with a parameter", "chunked;q=1"),
        ("quoted", "\"chunked\""),
        ("with a vertical tab", "\u{b}chunked"),
        ("with a NUL", "chunked\0"),
        ("empty", ""),
        ("with a comma before it", ",chunked,x"),
        ("cow", "cow"),
        ("over a line", "\r\n chunked"),
    ] {
        let more = format!("Transfer-Encoding: {value}\r\n");
        add(&format!("coding {name}"), Either, post(&more, "{C}"));
        add(
            &format!("coding {name}, with a length"),
            Either,
            post(&format!("{more}Content-Length: {{L}}\r\n"), "{B}"),
        );
    }
    add("coding in capitals", Either, post("TRANSFER-ENCODING: CHUNKED\r\n", "{C}"));
    add("coding with a space before the colon", Refused, post("Transfer-Encoding : chunked\r\n", "{C}"));
    add("coding with an underscore", Refused, post("Transfer_Encoding: chunked\r\n", "{C}"));
    add("two codings", Either, post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "{C}"));
    add(
        "chunked and then another",
        Refused,
        post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", "{C}"),
    );
    add(
        "a coding in HTTP/1.0",
        Refused,
        post("Transfer-Encoding: chunked\r\n", "{C}").replace("HTTP/1.1", "HTTP/1.0"),
    );

    // Chunks (section 7.1).
    let te = "Transfer-Encoding: chunked\r\n";
    add("an extension", Passes, post(te, "{X};a=b\r\n{B}\r\n0\r\n\r\n"));
    add("a quoted extension", Either, post(te, "{X};a=\"b;c\"\r\n{B}\r\n0\r\n\r\n"));
    add("an extension with a line feed", Refused, post(te, "{X};a\n{B}\r\n0\r\n\r\n{F}"));
    add(
        "an extension of 20 KiB",
        Refused,
        post(te, &format!("{{X}};{}\r\n{{B}}\r\n0\r\n\r\n", "x".repeat(20 << 10))),
    );
    add("a capital size", Passes, post(te, "{XX}\r\n{B}\r\n0\r\n\r\n"));
    add("a size with zeros", Either, post(te, "0000{X}\r\n{B}\r\n0\r\n\r\n"));
    add("a size with a space behind", Either, post(te, "{X} \r\n{B}\r\n0\r\n\r\n"));
    for (name, size) in [
        ("signed", "+{X}"),
        ("negative", "-{X}"),
        ("with 0x", "0x{X}"),
        ("empty", ""),
        ("a word", "zz"),
        ("over 64 bits", "10000000000000000"),
        ("over 64 bits, its end right", "1000000000000000{X}"),
        ("with an underscore", "5_0"),
        ("with a space before", " {X}"),
        ("with a NUL", "{X}\0"),
    ] {
        add(&format!("chunk size {name}"), Refused, post(te, &format!("{size}\r\n{{B}}\r\n0\r\n\r\n{{F}}")));
    }
    add("a size with a bare line feed", Refused, post(te, "{X}\n{B}\r\n0\r\n\r\n"));
    add("a size with a bare carriage return", Refused, post(te, "{X}\r{B}\r\n0\r\n\r\n"));
    add("a chunk without its end", Refused, post(te, "{X}\r\n{B}0\r\n\r\n{F}"));
    add("a chunk with another end", Refused, post(te, "{X}\r\n{B}XX0\r\n\r\n{F}"));
    add("a chunk with a bare line feed", Refused, post(te, "{X}\r\n{B}\n0\r\n\r\n{F}"));
    add("a chunk that is too short", Refused, post(te, "5\r\n{B}\r\n0\r\n\r\n{F}"));
    add("no chunk at all", Refused, post(te, "0\r\n\r\n"));
    add("no last chunk", Refused, post(te, "{X}\r\n{B}\r\n"));
    add("a trailer", Either, post(te, "{X}\r\n{B}\r\n0\r\nX-Trailer: 1\r\n\r\n"));
    add("a trailer with a length", Either, post(te, "{X}\r\n{B}\r\n0\r\nContent-Length: 3\r\n\r\n"));
    add("a trailer with a token", Either, post(te, "{X}\r\n{B}\r\n0\r\nX-Authorization: Bearer x\r\n\r\n"));
    add("a trailer that is none", Refused, post(te, "{X}\r\n{B}\r\n0\r\nGET /x HTTP/1.1\r\n\r\n"));
    add(
        "a trailer of 100 KiB",
        Refused,
        post(te, &format!("{{X}}\r\n{{B}}\r\n0\r\nX: {}\r\n\r\n", "x".repeat(100 << 10))),
    );

    // Heads (sections 2.2, 5).
    add("a folded header", Refused, post("Content-Length: {L}\r\nX-A: b\r\n c\r\n", "{B}"));
    add("a folded length", Refused, post("X-A: b\r\nContent-Length:\r\n {L}\r\n", "{B}{F}"));
    add("a header that begins with a space", Refused, post("Content-Length: {L}\r\n X-A: b\r\n", "{B}"));
    add("a header without a colon", Refused, post("Content-Length: {L}\r\nX-A\r\n", "{B}"));
    add("a header without a name", Refused, post("Content-Length: {L}\r\n: x\r\n", "{B}"));
    add("a name with a space", Refused, post("Content-Length: {L}\r\nX A: b\r\n", "{B}"));
    add("a name with a NUL", Refused, post("Content-Length: {L}\r\nX\0A: b\r\n", "{B}"));
    add("a name with a high byte", Refused, post("Content-Length: {L}\r\nX\u{e9}: b\r\n", "{B}"));
    add("a value with a NUL", Refused, post("Content-Length: {L}\r\nX-A: b\0c\r\n", "{B}"));
    add("a value with a carriage return", Refused, post("Content-Length: {L}\r\nX-A: b\rX-B: c\r\n", "{B}"));
    add("a value with DEL", Refused, post("Content-Length: {L}\r\nX-A: b\u{7f}c\r\n", "{B}"));
    add("bare line feeds", Either, post("Content-Length: {L}\r\n", "{B}").replacen("\r\n", "\n", 4));
    add("a bare line feed within", Either, post("Content-Length: {L}\nX-A: b\r\n", "{B}"));
    add("two empty lines before", Either, format!("\r\n\r\n{}", post("Content-Length: {L}\r\n", "{B}")));
    add("a space before the request line", Refused, format!(" {}", post("Content-Length: {L}\r\n", "{B}")));
    add(
        "101 headers",
        Refused,
        post(&format!("Content-Length: {{L}}\r\n{}", "X-A: b\r\n".repeat(101)), "{B}"),
    );
    add(
        "a header of 70 KiB",
        Refused,
        post(&format!("Content-Length: {{L}}\r\nX-A: {}\r\n", "x".repeat(70 << 10)), "{B}"),
    );
    add("two hosts", Refused, post("Host: evil.test\r\nContent-Length: {L}\r\n", "{B}"));
    add("another host", Refused, post("Content-Length: {L}\r\n", "{B}").replace("localhost", "evil.test"));
    add("no host", Refused, post("Content-Length: {L}\r\n", "{B}").replace("Host: localhost\r\n", ""));
    add(
        "a host with a path",
        Refused,
        post("Content-Length: {L}\r\n", "{B}").replace("localhost", "localhost/x"),
    );

    // Request lines (section 3).
    let line = |line: &str| post("Content-Length: {L}\r\n", "{B}").replace("POST /alpha/mcp HTTP/1.1", line);
    for (name, text) in [
        ("absolute, ours", "POST http://localhost/alpha/mcp HTTP/1.1"),
        ("HTTP/1.0", "POST /alpha/mcp HTTP/1.0"),
        ("a query", "POST /alpha/mcp?x=1 HTTP/1.1"),
        ("a fragment", "POST /alpha/mcp#x HTTP/1.1"),
        ("encoded letters", "POST /%61lpha/mcp HTTP/1.1"),
    ] {
        add(name, Either, line(text));
    }
    for (name, text) in [
        ("absolute, another's", "POST http://evil.test/alpha/mcp HTTP/1.1"),
        ("absolute, with a user", "POST http://localhost@evil.test/alpha/mcp HTTP/1.1"),
        ("authority", "POST localhost:80 HTTP/1.1"),
        ("CONNECT", "CONNECT localhost:80 HTTP/1.1"),
        ("CONNECT with a path", "CONNECT /alpha/mcp HTTP/1.1"),
        ("asterisk", "OPTIONS * HTTP/1.1"),
        ("asterisk POST", "POST * HTTP/1.1"),
        ("two slashes", "POST //alpha/mcp HTTP/1.1"),
        ("slashes within", "POST /alpha//mcp HTTP/1.1"),
        ("dots", "POST /x/../alpha/mcp HTTP/1.1"),
        ("encoded dots", "POST /x/%2e%2e/alpha/mcp HTTP/1.1"),
        ("an encoded slash", "POST /alpha%2fmcp HTTP/1.1"),
        ("a backslash", "POST /alpha\\mcp HTTP/1.1"),
        ("an encoded NUL", "POST /alpha/mcp%00 HTTP/1.1"),
        ("a space in the path", "POST /alpha/mcp x HTTP/1.1"),
        ("a tab for a space", "POST\t/alpha/mcp\tHTTP/1.1"),
        ("a method in small letters", "post /alpha/mcp HTTP/1.1"),
        ("no such method", "SMUGGLE /alpha/mcp HTTP/1.1"),
        ("a method with a colon", "PO:ST /alpha/mcp HTTP/1.1"),
        ("no method", "/alpha/mcp HTTP/1.1"),
        ("HTTP/0.9", "POST /alpha/mcp"),
        ("HTTP/1.2", "POST /alpha/mcp HTTP/1.2"),
        ("HTTP/2.0", "POST /alpha/mcp HTTP/2.0"),
        ("http/1.1", "POST /alpha/mcp http/1.1"),
        ("HTTP/1.1 and more", "POST /alpha/mcp HTTP/1.1x"),
        ("TRACE", "TRACE /alpha/mcp HTTP/1.1"),
        ("PUT", "PUT /alpha/mcp HTTP/1.1"),
        ("GET with a body", "GET /alpha/mcp HTTP/1.1"),
        ("DELETE with a body", "DELETE /alpha/mcp HTTP/1.1"),
    ] {
        add(name, Refused, line(text));
    }
    add("a path of 70 KiB", Refused, line(&format!("POST /alpha/{} HTTP/1.1", "x".repeat(70 << 10))));

    // Other protocols (section 9.7, RFC 9113 section 3).
    for (name, more) in [
        (
            "h2c",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
        ),
        (
            "websocket",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n",
        ),
        ("an upgrade to TLS", "Connection: Upgrade\r\nUpgrade: TLS/1.2, HTTP/1.1\r\n"),
        ("a connection that hides the token", "Connection: X-Authorization\r\n"),
        ("a connection that hides the length", "Connection: Content-Length\r\n"),
        ("Proxy-Connection", "Proxy-Connection: keep-alive\r\nKeep-Alive: timeout=9\r\n"),
        ("Expect", "Expect: 100-continue\r\n"),
    ] {
        add(name, Passes, post(&format!("{more}Content-Length: {{L}}\r\n"), "{B}"));
    }
    add("another expectation", Either, post("Expect: 200-ok\r\nContent-Length: {L}\r\n", "{B}"));
    add("the preface of HTTP/2", Refused, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into());
    add("TLS", Refused, "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0".into());
    add("an answer", Refused, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into());
    add("a body alone", Refused, "{B}\r\n\r\n".into());

    // What comes after a request that is refused.
    add("behind 401", Refused, post("Content-Length: {L}\r\n", "{B}").replace("Bearer {T}", "Bearer x"));
    add(
        "behind 401, a body that is a request",
        Refused,
        "POST /alpha/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: {N}\r\n\r\n{F}".into(),
    );
    add("behind 403", Refused, "{F}".into());
    add("behind 404", Refused, line("POST /nobody/mcp HTTP/1.1"));
    add(
        "behind 415",
        Refused,
        post("Content-Length: {L}\r\n", "{B}").replace("application/json", "text/plain"),
    );
    add(
        "behind 415, a body that is a request",
        Refused,
        post("Content-Length: {N}\r\n", "{F}").replace("application/json", "text/plain"),
    );
    add(
        "behind 405, a body that is a request",
        Refused,
        post("Content-Length: {N}\r\n", "{F}").replace("POST /alpha", "PATCH /alpha"),
    );
    all
}

/// Every case, with this token.
pub(super) fn cases(token: &str) -> Vec<Case> {
    let filled = |(at, (name, first, text)): (usize, (String, First, String))| {
        let allowed = body(at, "first", "echo");
        let forbidden = body(at, "smuggled", "delete_all");
        let forbidden =
            post(&format!("Content-Length: {}\r\n", forbidden.len()), &forbidden).replace("{T}", token);
        let second = body(at, "second", "echo");
        let second = post(&format!("Connection: close\r\nContent-Length: {}\r\n", second.len()), &second);
        let size = format!("{:x}", allowed.len());
        let text = text
            .replace("{C}", &chunked(&allowed))
            .replace("{F}", &forbidden)
            .replace("{N}", &forbidden.len().to_string())
            .replace("{L}", &allowed.len().to_string())
            .replace("{XX}", &size.to_uppercase())
            .replace("{X}", &size)
            .replace("{B}", &allowed);
        Case { name, first, bytes: format!("{text}{second}").replace("{T}", token).into_bytes() }
    };
    templates().into_iter().enumerate().map(filled).collect()
}
