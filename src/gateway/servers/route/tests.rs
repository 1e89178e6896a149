//! Tests of `route`.

use proptest::prelude::*;

use super::*;

fn routes(names: &[&str]) -> Routes {
    Routes::new(names.iter().map(|name| server(name)).collect(), &GatewaySettings::default())
}

fn server(name: &str) -> UpstreamServer {
    let mut server = UpstreamServer::at(name, "http://h:8000/").unwrap();
    server.enabled = name != "off";
    server
}

fn shown<'a>(routes: &'a Routes, path: &'a str) -> Result<(&'a str, EndpointKind<'a>), RouteError> {
    routes.find(path).map(|found| (found.route.server.name.as_str(), found.asked))
}

#[test]
fn a_path_means_a_server_and_something_of_it() {
    let routes = routes(&["fininfo", "a", "a/b", "mcp", "off"]);
    let cases = [
        ("/fininfo", Ok(("fininfo", EndpointKind::Base))),
        ("/fininfo/", Ok(("fininfo", EndpointKind::Base))),
        ("/fininfo/mcp", Ok(("fininfo", EndpointKind::Mcp))),
        ("/fininfo/mcp/", Ok(("fininfo", EndpointKind::Mcp))),
        ("/fininfo/sse", Ok(("fininfo", EndpointKind::Sse))),
        ("/fininfo/messages/", Ok(("fininfo", EndpointKind::SseMessages("")))),
        ("/fininfo/messages/x/y%20z", Ok(("fininfo", EndpointKind::SseMessages("x/y%20z")))),
        ("/fininfo/messages/%C3%A9", Ok(("fininfo", EndpointKind::SseMessages("%C3%A9")))),
        ("/%66ininfo/%6dcp", Ok(("fininfo", EndpointKind::Mcp))),
        ("/a/mcp", Ok(("a", EndpointKind::Mcp))),
        ("/a/b", Ok(("a/b", EndpointKind::Base))),
        ("/a/b/mcp", Ok(("a/b", EndpointKind::Mcp))),
        ("/mcp", Ok(("mcp", EndpointKind::Base))),
        ("/mcp/mcp", Ok(("mcp", EndpointKind::Mcp))),
        ("/off/mcp", Err(RouteError::Off)),
        ("/off/other", Err(RouteError::Unknown)),
        ("/", Err(RouteError::Unknown)),
        ("", Err(RouteError::Unknown)),
        ("*", Err(RouteError::Unknown)),
        ("fininfo/mcp", Err(RouteError::Unknown)),
        ("/fininfo-evil/mcp", Err(RouteError::Unknown)),
        ("/fininf", Err(RouteError::Unknown)),
        ("/Fininfo/mcp", Err(RouteError::Unknown)),
        ("/fininfo/MCP", Err(RouteError::Unknown)),
        ("/f%C4%B1ninfo/mcp", Err(RouteError::Unknown)),
        ("/fininfo/mcp/x", Err(RouteError::Unknown)),
        ("/fininfo/message", Err(RouteError::Unknown)),
        ("/a/c/mcp", Err(RouteError::Unknown)),
    ];
    for (path, expected) in cases {
        assert_eq!(shown(&routes, path), expected, "{path}");
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let routes = routes(&["a", "b"]);
    let bad = [
        "/a/../b/mcp",
        "/a/./mcp",
        "/a/..",
        "/a/%2e%2e/b/mcp",
        "/a/%2E./b/mcp",
        "/a/..%2fb/mcp",
        "/a%2fmcp",
        "/a/..%5cb/mcp",
        "/a/..\\b/mcp",
        "/a/%252e%252e/b/mcp",
        "/%2561/mcp",
        "/a/%",
        "/a/%zz",
        "/a/%2",
        "/a%00/mcp",
        "/a/mcp%0a",
        "/a/mcp%7f",
        "/a/%c2%85",
        "/a/%ff/mcp",
        "/a/%c0%ae%c0%ae/b/mcp",
        "/a/%ed%a0%80",
        "/a//mcp",
        "//a/mcp",
        "/a/mcp//",
        "//",
        "/a;x=1/mcp",
        "/a/..;/b/mcp",
        "/a/mcp%3bx",
        "/a/mcp%3fx",
        "/a/mcp#x",
        "/a/messages/../../b/mcp",
        "/a/messages/x//y",
        "/\u{e9}/mcp",
        "/a /mcp",
    ];
    for path in bad {
        assert_eq!(shown(&routes, path), Err(RouteError::Malformed), "{path}");
    }
}

#[test]
fn what_is_said_of_a_server_is_at_its_route() {
    let yaml = "upstreams: {a: {egress: stored, credential: c, headers: [X-One], identity_headers: true}}";
    let settings: GatewaySettings = serde_saphyr::from_str(yaml).unwrap();
    let mut oauth = server("o");
    oauth.auth_type = AuthType::Oauth;
    let routes = Routes::new(vec![server("a"), server("b"), oauth], &settings);
    let route = |name: &str| routes.named(name).unwrap();
    assert_eq!((route("a").egress, route("a").credential.as_str()), (EgressMode::Stored, "c"));
    assert_eq!(route("a").headers.as_deref(), Some(&[HeaderName::from_static("x-one")][..]));
    assert!(route("a").identity_headers && !route("b").identity_headers);
    assert_eq!((route("b").egress, route("b").credential.as_str()), (EgressMode::None, "b"));
    assert_eq!(route("o").egress, EgressMode::Passthrough);
    assert!(routes.named("c").is_none() && routes.all().len() == 3);
}

#[test]
fn a_match_knows_its_endpoint() {
    let routes = routes(&["a"]);
    let cases =
        [("/a", Some("/mcp")), ("/a/mcp", Some("/mcp")), ("/a/sse", Some("/sse")), ("/a/messages/", None)];
    for (path, expected) in cases {
        let found = routes.find(path).unwrap();
        assert_eq!(found.endpoint().map(|at| at.uri.to_string()).as_deref(), expected, "{path}");
    }
}

fn encoded(path: &str) -> String {
    path.bytes().map(|b| if b == b'/' { "/".to_owned() } else { format!("%{b:02X}") }).collect()
}

proptest! {
    #[test]
    fn no_path_is_a_surprise(path in "/(a|b|\\.|\\.\\.|%2e|%2f|%25|mcp|sse|messages|;|//|/|\\\\|%|[a-z%/.]){0,8}") {
        let routes = routes(&["a", "a/b", "b"]);
        if let Ok(found) = routes.find(&path) {
            let meant = percent_decode_str(&path).decode_utf8().unwrap();
            let name = &found.route.server.name;
            let rest = meant.strip_prefix(&format!("/{name}")).unwrap();
            prop_assert!(rest.is_empty() || rest.starts_with('/'), "{path}");
            for bad in ["/./", "/../", "//", "\\", "%", ";"] {
                prop_assert!(!format!("{meant}/").replace("//", "/").contains(bad), "{path}");
            }
        }
    }

    #[test]
    fn encoding_a_plain_path_changes_nothing(path in "(/[a-c.]{1,3}){1,3}(/mcp|/sse|/messages)?/?") {
        let routes = routes(&["a", "a/b", "b"]);
        let plain = shown(&routes, &path).map(|(name, asked)| (name, std::mem::discriminant(&asked)));
        let other = encoded(&path);
        let other = shown(&routes, &other).map(|(name, asked)| (name, std::mem::discriminant(&asked)));
        prop_assert_eq!(plain, other);
    }

    #[test]
    fn any_text_has_an_answer(path in "\\PC{0,40}") {
        let _ = routes(&["a"]).find(&path);
    }
}
