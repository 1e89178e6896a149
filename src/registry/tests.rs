//! Files as the registry and people who edit them by hand write them, and what each means. Not here: what the
//! gateway, the clients and `doctor` make of that (see `tests/gateway/registry.rs`).
#![expect(clippy::disallowed_methods, reason = "tests lay out files as the registry would")]

use super::*;

const URL: &str = r#""proxy_pass_url":"http://h:1/?key=k3y""#;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn with(text: &str) -> Registry {
    Registry::read(folder(&[("x.json", text)]).path()).unwrap()
}

/// Without the folder.
fn remarks(found: &Registry) -> Vec<String> {
    let short = |remark: &Problem| {
        let name = Path::new(&remark.at).file_name().unwrap().to_string_lossy().into_owned();
        format!("{name}: {}", remark.what)
    };
    found.remarks.iter().map(short).collect()
}

fn on(found: &Registry) -> Vec<(&str, bool)> {
    found.servers.iter().map(|server| (server.name.as_str(), server.enabled)).collect()
}

#[test]
fn what_cannot_be_a_server_is_left_out_with_a_word() {
    let file = |path: &str| format!(r#"{{"path":"{path}",{URL}}}"#);
    let at = |url: &str| format!(r#"{{"path":"/a","proxy_pass_url":"{url}"}}"#);
    let cases = [
        ("{}".to_owned(), "it names no path"),
        (format!("{{{URL}}}"), "it names no path"),
        (file("/"), "it names no path"),
        (file("/a//b"), "its path has characters other than letters, digits, '-', '.', '_' and '~'"),
        (file("/a/../b"), "its path has characters other than letters, digits, '-', '.', '_' and '~'"),
        (file("/a b"), "its path has characters other than letters, digits, '-', '.', '_' and '~'"),
        (file("/a%2fb"), "its path has characters other than letters, digits, '-', '.', '_' and '~'"),
        (file("@evil.test"), "its path has characters other than letters, digits, '-', '.', '_' and '~'"),
        (file("/.well-known/x"), "its path is reserved for the gateway"),
        (file("/healthz"), "its path is reserved for the gateway"),
        (file("/oauth2/token/"), "its path is reserved for the gateway"),
        (file("api/tokens/generate"), "its path is reserved for the gateway"),
        (file("/a/mcp"), "its path would hide an endpoint of another server"),
        (file("/a/messages/b/"), "its path would hide an endpoint of another server"),
        (
            r#"{"path":"/a","deployment":"local","local_runtime":{"type":"npx","package":"x"}}"#.to_owned(),
            "it runs on the user's machine (deployment: local)",
        ),
        (at("https://<YOUR-ID>.example.com/"), "proxy_pass_url is missing or not a URL"),
        (at("ftp://h/"), "proxy_pass_url is not an http or https URL"),
        (
            at("http://169.254.169.254/"),
            "proxy_pass_url points at a link-local, metadata or multicast address, which no MCP server has",
        ),
    ];
    for (text, reason) in cases {
        let found = with(&text);
        assert_eq!(found.servers.len(), 0, "{text}");
        assert_eq!(remarks(&found), [format!("x.json: {reason}; left out")], "{text}");
        assert!(!format!("{found:?}").contains("k3y"), "a query may be a key");
    }
    for path in ["a", "/a", "/a/", "/io.example/a-b_c.d~e/", "/mcp"] {
        let found = with(&file(path));
        assert_eq!((found.servers.len(), found.remarks.len()), (1, 0), "{path}");
        assert_eq!(found.servers[0].name, path.trim_matches('/'));
        assert!(!format!("{found:?}").contains("k3y"), "a query may be a key");
    }
}

#[test]
fn older_and_newer_files_say_the_same_otherwise() {
    use AuthType::{ApiKey, None, Oauth, Other};
    use Transport::{Sse, StreamableHttp};
    let cases: &[(&str, AuthType, &[Transport])] = &[
        ("", None, &[StreamableHttp]),
        (r#","auth_type":null,"supported_transports":null"#, None, &[StreamableHttp]),
        (r#","auth_type":"","supported_transports":[]"#, None, &[StreamableHttp]),
        (r#","auth_type":"","supported_transports":[null]"#, None, &[StreamableHttp]),
        (r#","auth_type":"","supported_transports":[null,"sse"]"#, None, &[Sse]),
        (r#","auth_type":"none","supported_transports":["http"]"#, None, &[StreamableHttp]),
        (r#","auth_scheme":"none","supported_transports":["streamable_http"]"#, None, &[StreamableHttp]),
        (r#","auth_type":null,"auth_scheme":"bearer""#, Other, &[StreamableHttp]),
        (
            r#","auth_type":"oauth","auth_scheme":"none","supported_transports":["sse","http"]"#,
            Oauth,
            &[Sse, StreamableHttp],
        ),
        (
            r#","auth_type":"api_key","supported_transports":["streamable-http","http"]"#,
            ApiKey,
            &[StreamableHttp],
        ),
        (r#","proxy_pass_url":"http://h/sse","supported_transports":["stdio"]"#, None, &[Sse]),
        (
            r#","transport":"sse","supported_transports":["streamable-http","sse"]"#,
            None,
            &[Sse, StreamableHttp],
        ),
        (
            r#","transport":"auto","supported_transports":["streamable-http","sse"]"#,
            None,
            &[StreamableHttp, Sse],
        ),
        (r#","transport":"sse""#, None, &[Sse, StreamableHttp]),
        (r#","mcp_endpoint":"http://h/x","sse_endpoint":"http://h/y""#, None, &[StreamableHttp, Sse]),
        (r#","sse_endpoint":"http://h/y","mcp_endpoint":"""#, None, &[Sse]),
        (
            r#","sse_endpoint":"http://h/y","supported_transports":["streamable-http"]"#,
            None,
            &[StreamableHttp],
        ),
        (r#","proxy_pass_url":"http://h/sse","tool_list":{"odd":1},"headers":"odd""#, None, &[Sse]),
    ];
    for (more, auth, transports) in cases {
        let found = with(&format!(r#"{{"path":"/x"{more}}}"#));
        assert_eq!(remarks(&found), [""; 0], "{more}");
        let server = &found.servers[0];
        assert_eq!((server.auth_type, server.transports.as_slice()), (*auth, *transports), "{more}");
        assert_eq!((server.title.as_str(), server.enabled), ("x", true));
    }
    let found =
        with(r#"{"path":"/x","server_name":"X","tool_list":[{"name":"t","schema":{}},{"name":"u"}]}"#);
    assert_eq!(
        (
            found.servers[0].title.as_str(),
            found.servers[0].profile.tool_names().collect::<Vec<_>>().join(" ")
        ),
        ("X", "t u".into())
    );
}

#[test]
fn the_state_file_writes_slashes_as_it_likes() {
    let server = |path: &str| format!(r#"{{"path":"{path}"}}"#);
    let dir = folder(&[
        ("1.json", &server("/off/")),
        ("2.json", &server("/a/")),
        ("3.json", &server("/b")),
        ("4.json", &server("/new")),
        ("5.json", &server("/b/")),
        ("notes.txt", "not JSON"),
        (STATE, r#"{"/off":false,"/a/":true,"/a":false,"b/":true,"/gone":true}"#),
    ]);
    let found = Registry::read(dir.path()).unwrap();
    assert_eq!(on(&found), [("a", true), ("b", true), ("new", true), ("off", false)]);
    assert_eq!(remarks(&found), ["5.json: another file has the path /b already; left out"]);
}

#[test]
fn only_servers_that_are_on_and_need_no_credential_are_open() {
    let dir = folder(&[
        ("b.json", r#"{"server_name":"B","path":"/b","auth_type":"none"}"#),
        ("a.json", r#"{"server_name":"A","path":"/z/","auth_scheme":"none"}"#),
        ("off.json", r#"{"server_name":"Off","path":"/off/","auth_type":"none"}"#),
        ("oauth.json", r#"{"server_name":"O","path":"/o","auth_type":"oauth"}"#),
        (STATE, r#"{"/off":false}"#),
    ]);
    let found = Registry::read(dir.path()).unwrap();
    let names: Vec<&str> = found.open().into_iter().map(|server| server.name.as_str()).collect();
    assert_eq!(names, ["z", "b"], "by what people call them");
}

#[test]
fn a_file_that_is_no_good_takes_no_other_server_away() {
    let cases = [
        ("x.json", "{", "EOF while parsing an object at line 1 column 1; left out"),
        ("x.json", r#"{"path":"/a","path":"/b"}"#, "duplicate field `path` at line 1 column 19; left out"),
        (
            "x.json",
            r#"{"path":5}"#,
            "invalid type: integer `5`, expected a string at line 1 column 9; left out",
        ),
        ("x.json", "", "EOF while parsing a value at line 1 column 0; left out"),
    ];
    for (name, text, reason) in cases {
        let dir = folder(&[(name, text), ("good.json", r#"{"path":"/good"}"#)]);
        let found = Registry::read(dir.path()).unwrap();
        assert_eq!(on(&found), [("good", true)], "{text}");
        assert_eq!(remarks(&found), [format!("{name}: {reason}")]);
        assert!(found.unread.is_empty());
    }
    let dir = folder(&[("good.json", r#"{"path":"/good"}"#)]);
    fs::create_dir(dir.path().join("folder.json")).unwrap();
    let found = Registry::read(dir.path()).unwrap();
    assert_eq!(
        (on(&found), remarks(&found)),
        (vec![("good", true)], vec!["folder.json: not a regular file; left out".into()])
    );
    assert_eq!(found.unread, [dir.path().join("folder.json")]);
    assert!(!found.has_healed());
    fs::remove_dir(dir.path().join("folder.json")).unwrap();
    assert!(found.has_healed());
}

#[test]
fn nothing_is_on_while_nobody_knows_what_is() {
    let good = r#"{"path":"/good"}"#;
    for state in ["{", r#"{"/good":"on"}"#, "[]"] {
        let dir = folder(&[("good.json", good), (STATE, state)]);
        let found = Registry::read(dir.path()).unwrap();
        assert_eq!(on(&found), [("good", false)], "{state}");
        let [remark] = found.remarks.as_slice() else { panic!("{:?}", found.remarks) };
        assert!(remark.at.ends_with(STATE) && remark.what.ends_with("; every server counts as switched off"));
    }
}

#[test]
fn what_a_file_said_before_stays_while_it_is_no_good() {
    let dir =
        folder(&[("a.json", r#"{"path":"/a"}"#), ("b.json", r#"{"path":"/b"}"#), (STATE, r#"{"/b":false}"#)]);
    let first = Registry::read(dir.path()).unwrap();
    fs::write(dir.path().join("a.json"), "{").unwrap();
    fs::write(dir.path().join(STATE), "").unwrap();
    let second = first.again(dir.path()).unwrap();
    assert_eq!(on(&second), [("a", true), ("b", false)]);
    let kept = |remark: &String| remark.ends_with("; its previous content stays in force");
    assert_eq!(remarks(&second).iter().filter(|remark| kept(remark)).count(), 2, "{:?}", second.remarks);
    // And again, and when one is repaired the other still counts.
    fs::write(dir.path().join(STATE), r#"{"/a":false}"#).unwrap();
    let third = second.again(dir.path()).unwrap();
    assert_eq!(on(&third), [("a", false), ("b", true)]);
    // A good file that no longer describes a server is gone, and so is a deleted one.
    fs::write(dir.path().join("a.json"), "{}").unwrap();
    fs::remove_file(dir.path().join("b.json")).unwrap();
    assert_eq!(on(&third.again(dir.path()).unwrap()), []);
}

#[test]
fn a_folder_that_is_not_there_has_no_servers_for_a_client() {
    let dir = folder(&[("file", "")]);
    let (none, file) = (dir.path().join("none"), dir.path().join("file"));
    assert_eq!(Registry::read(&none).unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(Registry::found(&none).remarks, []);
    assert_eq!((Registry::found(&file).servers.len(), Registry::found(&file).remarks.len()), (0, 1));
}

#[test]
fn the_address_is_the_one_that_counts() {
    for (more, url, mcp, sse, append) in [
        (r#""proxy_pass_url":"http://h/a""#, Some("http://h/a"), None, None, None),
        (
            r#""proxy_pass_url":"http://h/a?q=1","append_mcp_path":false"#,
            Some("http://h/a?q=1"),
            None,
            None,
            Some(false),
        ),
        (r#""proxy_pass_url":"http://h/","append_mcp_path":true"#, Some("http://h/"), None, None, Some(true)),
        (r#""proxy_pass_url":"http://h/","append_mcp_path":null"#, Some("http://h/"), None, None, None),
        (
            r#""proxy_pass_url":"http://h/","mcp_endpoint":"http://h/x?k=v","sse_endpoint":"http://h/y""#,
            Some("http://h/"),
            Some("http://h/x?k=v"),
            Some("http://h/y"),
            None,
        ),
        (r#""mcp_endpoint":"http://h/x""#, Some("http://h/x"), Some("http://h/x"), None, None),
        (r#""proxy_pass_url":"","mcp_endpoint":"","sse_endpoint":null"#, None, None, None, None),
        (
            r#""proxy_pass_url":"http://h/","versions":[{"version":"v1","proxy_pass_url":"http://h/1"},
               {"version":"v2","proxy_pass_url":"http://h/2","is_default":true}]"#,
            Some("http://h/2"),
            None,
            None,
            None,
        ),
        (
            r#""proxy_pass_url":"http://h/","default_version":"v1","versions":[{"version":"v0","proxy_pass_url":"http://h/0"},
               {"version":"v1","proxy_pass_url":"http://h/1"}]"#,
            Some("http://h/1"),
            None,
            None,
            None,
        ),
        (r#""proxy_pass_url":"http://h/","versions":[]"#, Some("http://h/"), None, None, None),
        (
            r#""proxy_pass_url":"http://h/","proxy_target_url":"http://t/""#,
            Some("http://t/"),
            None,
            None,
            None,
        ),
    ] {
        let found = with(&format!(r#"{{"path":"/a",{more}}}"#));
        assert_eq!((remarks(&found), found.unknown.len()), (vec![], 0), "{more}");
        let server = &found.servers[0];
        let shown = |url: &Option<Url>| url.as_ref().map(ToString::to_string);
        assert_eq!(
            (
                shown(&server.url).as_deref(),
                shown(&server.mcp_endpoint).as_deref(),
                shown(&server.sse_endpoint).as_deref()
            ),
            (url, mcp, sse),
            "{more}"
        );
        assert_eq!(server.append_mcp_path, append, "{more}");
    }
    for (more, expected) in [
        (r#""mcp_endpoint":"ftp://h/""#, "mcp_endpoint is not an http or https URL; left out"),
        (r#""sse_endpoint":"http://u:p@h/""#, "sse_endpoint has a user name or password in it; left out"),
        (r#""mcp_endpoint":"x""#, "mcp_endpoint is missing or not a URL; left out"),
    ] {
        let found = with(&format!(r#"{{"path":"/a","proxy_pass_url":"http://h",{more}}}"#));
        assert_eq!(remarks(&found), [format!("x.json: {expected}")]);
    }
}

#[test]
fn a_servers_own_word_counts_where_the_state_file_has_none() {
    let dir = folder(&[
        ("a.json", r#"{"path":"/a","is_enabled":false}"#),
        ("b.json", r#"{"path":"/b","is_enabled":true}"#),
        ("c.json", r#"{"path":"/c","is_enabled":false}"#),
        ("d.json", r#"{"path":"/d","is_enabled":true}"#),
        ("e.json", r#"{"path":"/e","is_enabled":null}"#),
        (STATE, r#"{"/c/":true,"/d":false}"#),
    ]);
    let found = Registry::read(dir.path()).unwrap();
    assert_eq!(on(&found), [("a", false), ("b", true), ("c", true), ("d", false), ("e", true)]);
}

#[test]
fn a_field_that_nobody_knows_is_named_for_whoever_checks() {
    let known = r#"{"path":"/a","proxy_pass_url":"http://h","description":"d","tags":[],"num_tools":1,"license":"MIT",
        "is_python":true,"num_stars":0,"auth_provider":null,"metadata":{},"visibility":"public","allowed_groups":[],
        "status":"active","deployment":"remote","local_runtime":null,"egress_oauth":null,"egress_auth_mode":"none",
        "auth_credential_encrypted":null,"custom_headers_encrypted":[],"custom_header_names":[],"ans_metadata":null}"#;
    assert_eq!(with(known).unknown, []);
    let found = with(
        r#"{"path":"/a","proxy_pas_url":"http://h","mcpEndpoint":"x","auth_credential_encrypted":"gAAA"}"#,
    );
    let said: Vec<&str> = found.unknown.iter().map(|problem| problem.what.as_str()).collect();
    assert_eq!(
        said,
        [
            "unknown field \"mcpEndpoint\", ignored",
            "unknown field \"proxy_pas_url\", ignored",
            "auth_credential_encrypted is only for the registry, ignored",
        ]
    );
    assert_eq!((remarks(&found), found.servers.len()), (vec![], 1), "clients need not hear of it");
}
