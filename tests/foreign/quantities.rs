//! Durations, sizes and addresses as people type them: in flags, in the environment, in `.env` and in `gateway.yaml`.

use crate::support::User;

const TIMES: [(&str, bool); 12] = [
    ("5", true),
    ("5s", true),
    ("2m", true),
    ("1m30s", true),
    ("1 min", true),
    ("0.5h", true),
    ("1h30", false),
    ("99999999999999999999", false),
    ("5x", false),
    ("-5s", false),
    ("1500ms", false),
    ("soon", false),
];

#[test]
fn times_in_the_environment_and_in_a_file() {
    for (time, good) in TIMES {
        for variable in ["MCPAUTH_LOGIN_TIMEOUT", "TOKEN_REFRESH_INTERVAL", "TOKEN_EXPIRY_BUFFER"] {
            for by_file in [false, true] {
                let mut user = User::new();
                if by_file {
                    user.file(".env", &format!("{variable}=\"{time}\"\n"));
                } else {
                    user.env(variable, time);
                }
                let ran = user.run(&["refresh", "--once"]).code(2);
                let text = ran.stderr + &ran.stdout;
                let refused = text.contains(&format!("{variable}: expected a time"));
                assert_eq!(refused, !good, "{variable}={time}: {text}");
                assert!(good || text.contains("as in 30, 30s, 5m or 1h"), "{text}");
            }
        }
    }
}

#[test]
fn times_in_flags() {
    let dead = crate::support::nobody();
    for (time, good) in TIMES {
        let cases: [&[&str]; 3] = [
            &["refresh", "--once", "--interval"],
            &["refresh", "--once", "--buffer"],
            &["ping", "--url", &dead, "--timeout"],
        ];
        for verb in cases {
            let (flag, before) = verb.split_last().unwrap();
            let flag = format!("{flag}={time}");
            let verb = [before, &[&flag]].concat();
            let ran = User::new().run(&verb);
            let refused = ran.stderr.contains("expected a time in whole seconds, as in 30, 30s, 5m or 1h");
            assert_eq!(refused, !good, "{verb:?}: {}", ran.stderr);
        }
    }
    let ran = User::new().run(&["ping", "--timeout", "2d"]).code(2);
    assert!(ran.stderr.contains("from 1s to 1day"), "{}", ran.stderr);
}

#[test]
fn addresses_in_flags_and_variables() {
    for (address, good) in [
        ("localhost:0", true),
        ("LOCALHOST:0", true),
        ("127.0.0.1:0", true),
        ("[::1]:0", true),
        ("localhost", false),
        (":80", false),
        ("80", false),
    ] {
        // There is nothing to serve, so these runs end whatever the address.
        for verb in
            [&["gateway", "serve", "--listen", address][..], &["gateway", "serve", "--admin", address]]
        {
            let ran = User::new().run(verb);
            let refused = ran
                .stderr
                .contains("expected an address with its port, as in 127.0.0.1:8080, localhost:8080");
            assert_eq!(refused, !good, "{verb:?}: {}", ran.stderr);
        }
        if !good {
            let ran = User::new().run(&["bridge", "--listen", address]).code(2);
            assert!(ran.stderr.contains("as in 127.0.0.1:8191 or localhost:8191"), "{}", ran.stderr);
        }
        let mut user = User::new();
        user.file(
            ".oauth-tokens/notes-egress.json",
            r#"{"provider": "notes", "access_token": "T", "expires_at": null}"#,
        );
        let ran = user.env("MCPAUTH_BRIDGE_LISTEN", address).run(&[
            "config",
            "render",
            "--client",
            "cursor",
            "--auth-mode",
            "proxy",
        ]);
        assert_eq!(ran.code == Some(0), good, "{address}: {ran:?}");
        assert!(good || (ran.stdout + &ran.stderr).contains("localhost:8191"), "{address}");
    }
}

fn check(yaml: &str) -> String {
    let user = User::new();
    user.file("scopes.yml", "read: [{server: '*', methods: '*'}]\n");
    user.file("servers/a.json", r#"{"path": "/a", "proxy_pass_url": "http://a"}"#);
    let ran = {
        user.file(
            "gateway.yaml",
            &format!("issuers: [{{issuer: 'https://idp.test', audience: [a]}}]\n{yaml}"),
        );
        user.run(&["gateway", "check"])
    };
    ran.stdout + &ran.stderr
}

#[test]
fn everything_in_gateway_yaml() {
    let seconds = [
        "read_timeout",
        "connect_timeout",
        "response_timeout",
        "keep_alive_interval",
        "lame_duck",
        "drain_timeout",
        "file_read_timeout",
    ];
    for key in seconds {
        for (time, good) in TIMES {
            for quote in ["", "'"] {
                let said = check(&format!("limits: {{{key}: {quote}{time}{quote}}}\n"));
                assert_eq!(said.contains("is fine"), good, "{key}: {time}: {said}");
                assert!(
                    good || said.contains("gateway.yaml:2:") && said.contains("as in 30, 30s, 5m or 1h"),
                    "{said}"
                );
            }
        }
    }
    for (size, good) in [
        ("4194304", true),
        ("4MiB", true),
        ("4MB", true),
        ("4 mib", true),
        ("4m", true),
        ("0.5MB", true),
        ("99999999999GB", false),
        ("1e30", false),
        ("big", false),
        ("-4", false),
    ] {
        for key in [
            "max_request_bytes",
            "max_response_bytes",
            "max_header_bytes",
            "max_buffered_bytes",
            "max_buffered_bytes_per_caller",
        ] {
            let others = if key.starts_with("max_buffered") {
                ", max_request_bytes: 1KiB, max_response_bytes: 1KiB, max_buffered_bytes_per_caller: 4KB"
            } else {
                ""
            };
            let others = others.replace(
                if key == "max_buffered_bytes_per_caller" {
                    ", max_buffered_bytes_per_caller: 4KB"
                } else {
                    "-"
                },
                "",
            );
            let said = check(&format!("limits: {{{key}: {size}{others}}}\n"));
            assert_eq!(said.contains("is fine"), good, "{key}: {size}: {said}");
            assert!(good || said.contains("as in 65536, 64KiB, 4MB or 1GiB"), "{said}");
        }
    }
    for (yaml, good) in [
        ("listen: localhost:8080", true),
        ("admin: localhost:9090", true),
        ("admin: null", true),
        ("listen: 127.0.0.1:8080\nadmin: '[::1]:9090'", true),
        ("listen: localhost", false),
        ("admin: 9090", false),
        ("health: {interval: 1m}", true),
        ("health: {interval: soon}", false),
    ] {
        let said = check(&format!("{yaml}\n"));
        assert_eq!(said.contains("is fine"), good, "{yaml}: {said}");
        assert!(good || said.contains("expected a"), "{yaml}: {said}");
    }
    let leeway = |text: &str| {
        let user = User::new();
        user.file("scopes.yml", "read: [{server: '*', methods: '*'}]\n");
        user.file("servers/a.json", r#"{"path": "/a", "proxy_pass_url": "http://a"}"#);
        user.file(
            "gateway.yaml",
            &format!("issuers: [{{issuer: 'https://idp.test', audience: [a], leeway: {text}}}]\n"),
        );
        user.run(&["gateway", "check"]).code
    };
    assert_eq!(["30", "30s", "1m", "2m", "x"].map(leeway), [Some(0), Some(0), Some(0), Some(7), Some(7)]);
}
