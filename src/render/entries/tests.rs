//! Every header and address that clients get. Not here: how a client writes them (see the templates' own tests).

use super::*;

fn cognito() -> GatewayIdentity {
    GatewayIdentity::Cognito {
        access_token: Secret::new("T"),
        user_pool_id: "us-east-1_P".into(),
        client_id: "C".into(),
        region: "us-east-1".into(),
    }
}

fn egress(name: &str, suffix: &str) -> EgressToken {
    EgressToken {
        url: None,
        name: name.into(),
        access_token: Secret::new("E"),
        gateway_suffix: suffix.into(),
        site: None,
        header: ("Authorization".into(), "Bearer {}".into()),
        place: CredentialPlace::default(),
    }
}

/// Whatever its path, which the registry's reader would reject.
fn server(path: &str, transports: &[Transport]) -> RegisteredServer {
    let mut server = RegisteredServer::at("/any", "http://h").unwrap();
    server.name = path.trim_matches('/').into();
    if !transports.is_empty() {
        server.transports = transports.to_vec();
    }
    server
}

fn shown(entry: &ServerEntry) -> String {
    let headers = entry.headers.iter().map(|(name, value)| format!(" {name}={}", value.expose()));
    format!("{} {} {}{}", entry.name, entry.transport, entry.url, headers.collect::<String>())
}

fn all(
    base: &str,
    identity: Option<&GatewayIdentity>,
    egress: &[EgressToken],
    servers: &[RegisteredServer],
) -> Result<Vec<String>, String> {
    let suffix = |name: &str| if name == "bare" { String::new() } else { "/mcp".into() };
    let servers: Vec<&RegisteredServer> = servers.iter().collect();
    entries(Some(base), identity, egress, &servers, &suffix, PlainHttp::Refused)
        .map(|entries| entries.iter().map(shown).collect())
        .map_err(|e| e.to_string())
}

const COGNITO: &str = "X-Authorization=Bearer T X-User-Pool-Id=us-east-1_P X-Client-Id=C X-Region=us-east-1";

#[test]
fn a_servers_file_says_whether_mcp_follows_its_path() {
    let with = |name: &str, append, transports: &[Transport]| {
        let mut server = server(name, transports);
        server.append_mcp_path = append;
        server
    };
    let servers = [
        with("plain", None, &[]),
        with("root", Some(false), &[]),
        with("bare", Some(true), &[]),
        with("events", Some(false), &[Transport::Sse, Transport::StreamableHttp]),
        with("both", Some(true), &[Transport::Sse, Transport::StreamableHttp]),
    ];
    assert_eq!(
        all("https://gw.test", None, &[], &servers).unwrap(),
        [
            "plain streamable-http https://gw.test/plain/mcp",
            "root streamable-http https://gw.test/root",
            "bare streamable-http https://gw.test/bare/mcp",
            "events sse https://gw.test/events",
            "both streamable-http https://gw.test/both/mcp",
        ]
    );
}

#[test]
fn a_server_at_its_own_address_gets_its_own_token_and_nothing_of_ours() {
    let own = EgressToken { url: Some("https://tools.test/mcp".into()), ..egress("tools", "/mcp") };
    let got = all("https://gw.test", Some(&cognito()), &[own], &[server("/tools", &[])]).unwrap();
    assert_eq!(got, ["tools streamable-http https://tools.test/mcp Authorization=Bearer E"]);
}

#[test]
fn each_kind_of_server_has_its_url_and_its_headers_in_order() {
    let with_site = EgressToken { site: Some(("X-Site-Id".into(), "S".into())), ..egress("tickets", "") };
    let ours = cognito();
    let got = all(
        "https://gw.test/",
        Some(&ours),
        &[with_site, egress("sre-gateway", "/mcp"), egress("files", "/mcp")],
        &[
            server("/clock/", &[]),
            server("/news", &[Transport::Sse]),
            server("/both", &[Transport::Sse, Transport::StreamableHttp]),
            server("/bare/", &[Transport::Sse, Transport::StreamableHttp]),
        ],
    );
    assert_eq!(
        got.unwrap(),
        [
            format!(
                "tickets streamable-http https://gw.test/tickets Authorization=Bearer E X-Site-Id=S {COGNITO}"
            ),
            format!(
                "sre-gateway streamable-http https://gw.test/sre-gateway/mcp Authorization=Bearer E {COGNITO}"
            ),
            format!("files streamable-http https://gw.test/files/mcp Authorization=Bearer E {COGNITO}"),
            format!("clock streamable-http https://gw.test/clock/mcp {COGNITO}"),
            format!("news sse https://gw.test/news/mcp {COGNITO}"),
            format!("both streamable-http https://gw.test/both/mcp {COGNITO}"),
            format!("bare sse https://gw.test/bare {COGNITO}"),
        ]
    );
}

#[test]
fn each_identity_has_its_headers() {
    let token = || Secret::new("T");
    let (client_id, realm, url) = ("C".to_owned(), "R".to_owned(), "https://kc.test".to_owned());
    let keycloak =
        GatewayIdentity::Keycloak { access_token: token(), client_id: client_id.clone(), realm, url };
    let cases = [
        (Some(cognito()), format!(" {COGNITO}")),
        (
            Some(keycloak),
            " X-Authorization=Bearer T X-Client-Id=C X-Keycloak-Realm=R X-Keycloak-URL=https://kc.test"
                .into(),
        ),
        (
            Some(GatewayIdentity::Oidc { access_token: token(), client_id }),
            " X-Authorization=Bearer T X-Client-Id=C".into(),
        ),
        (Some(GatewayIdentity::Agent { access_token: token() }), " X-Authorization=Bearer T".into()),
        (None, String::new()),
    ];
    for (identity, headers) in cases {
        let got = all("https://gw.test", identity.as_ref(), &[], &[server("/clock", &[])]).unwrap();
        assert_eq!(got, [format!("clock streamable-http https://gw.test/clock/mcp{headers}")]);
    }
}

#[test]
fn a_headers_variable_is_named_after_server_and_header() {
    let cases = [
        ("fininfo", "X-Authorization", "MCPAUTH_FININFO_X_AUTHORIZATION"),
        ("sre-gateway.v2", "Authorization", "MCPAUTH_SRE_GATEWAY_V2_AUTHORIZATION"),
        ("a/b c", "x~y", "MCPAUTH_A_B_C_X_Y"),
    ];
    for (server, header, expected) in cases {
        assert_eq!(variable(server, header), expected);
    }
}

#[test]
fn of_two_with_one_name_the_one_with_the_credential_stays() {
    let got = all(
        "https://gw.test",
        None,
        &[egress("files", "/mcp"), egress("files", "/other")],
        &[server("/files", &[]), server("/Files/", &[]), server("/clock", &[]), server("/clock/", &[])],
    );
    assert_eq!(
        got.unwrap(),
        [
            "files streamable-http https://gw.test/files/mcp Authorization=Bearer E",
            "clock streamable-http https://gw.test/clock/mcp",
        ]
    );
}

/// `mcpauth bridge https://evil.test` would send our identity there.
#[test]
fn a_name_that_our_own_commands_would_take_for_an_address_is_refused() {
    let message = all("https://gw.test", None, &[egress("https://evil.test", "/mcp")], &[]).unwrap_err();
    assert!(message.contains("looks like an address"), "{message}");
}

#[test]
fn what_no_header_may_hold_is_refused_by_name_and_never_by_value() {
    let with = |header: &str, value: &str| EgressToken {
        site: Some((header.into(), value.into())),
        ..egress("files", "/mcp")
    };
    let token = |value: &str| EgressToken { access_token: Secret::new(value), ..egress("files", "/mcp") };
    let control = "would contain a line break or another control character";
    let cases = [
        (with("X-Site", "hidden\r\nX-Admin: 1"), format!("server files: header X-Site {control}")),
        (with("X-Site", "hidden\u{7f}"), format!("server files: header X-Site {control}")),
        (token("hidden\nX"), format!("server files: header Authorization {control}")),
        (token(""), "server files: header Authorization has no value".into()),
        (with("X Site", "hidden"), "server files: header X Site is not a header name".into()),
        (with("authorization", "hidden"), "server files: header authorization is set twice".into()),
    ];
    for (credential, expected) in cases {
        let message = all("https://gw.test", None, &[credential], &[]).unwrap_err();
        assert_eq!(message, expected);
        assert!(!message.contains("hidden"));
    }
}

#[test]
fn tokens_go_over_https_or_stay_on_this_machine() {
    let egress = [egress("files", "/mcp")];
    for base in ["https://gw.test", "http://localhost:8000", "http://127.0.0.1", "http://[::1]:1"] {
        assert!(all(base, None, &egress, &[]).is_ok(), "{base}");
    }
    assert_eq!(
        all("http://gw.test", None, &egress, &[]).unwrap_err(),
        "server files would be sent tokens over plain http to gw.test"
    );
    assert!(all("http://gw.test", None, &[], &[server("/clock", &[])]).is_ok(), "nothing secret in it");
    let allowed =
        entries(Some("http://gw.test"), None, &egress, &[], &|_| String::new(), PlainHttp::Allowed).unwrap();
    assert_eq!(allowed.len(), 1);
    for base in ["ftp://gw.test", "gw.test", ""] {
        assert!(all(base, None, &egress, &[]).unwrap_err().starts_with("server files: its URL"), "{base}");
    }
}

#[test]
fn a_servers_path_cannot_lead_to_another_host() {
    let ours = cognito();
    let got = entries(
        Some("https://gw.test"),
        Some(&ours),
        &[],
        &[&server("@evil.test/x", &[]), &server(".evil.test", &[]), &server("//evil.test/", &[])],
        &|_| "/mcp".into(),
        PlainHttp::Refused,
    );
    for entry in got.unwrap() {
        assert_eq!(Url::parse(&entry.url).unwrap().host_str(), Some("gw.test"), "{}", entry.url);
    }
}
