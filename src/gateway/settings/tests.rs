//! What settings can say, and where they are refused.

use super::*;

fn refusal(text: &str) -> String {
    malformed(Path::new("gateway.yaml"), &GatewaySettings::parse(text).unwrap_err()).to_string()
}

#[test]
fn paths_are_relative_to_the_files_own_folder() {
    let yaml = "
policy: rules/scopes.yml
servers: /etc/servers
tls: {certificate: c.pem, key: k.pem}
audit: audit.log
issuers:
  - issuer: https://i
    introspection: {client_id: c, client_secret: secret.txt}
";
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gateway.yaml");
    crate::sys::private_file::write(&path, yaml).unwrap();
    let settings = GatewaySettings::read(&path).unwrap();
    let here = |name: &str| dir.path().join(name);
    assert_eq!(settings.policy, here("rules/scopes.yml"));
    assert_eq!(settings.servers, Path::new("/etc/servers"));
    assert_eq!(settings.tls.unwrap().key, here("k.pem"));
    assert_eq!(settings.audit, here("audit.log").display().to_string());
    let introspection = settings.issuers.into_iter().find_map(|issuer| issuer.introspection);
    assert_eq!(introspection.unwrap().client_secret, here("secret.txt"));
}

#[test]
fn what_is_not_said_has_its_default() {
    for text in ["", "# nothing\n", "{}\n"] {
        let settings = GatewaySettings::parse(text).unwrap();
        assert_eq!((settings.audit.as_str(), settings.policy), ("-", "scopes.yml".into()), "{text:?}");
        assert_eq!(settings.limits.max_request_bytes, 4 << 20);
    }
    let settings =
        GatewaySettings::parse("limits: {max_request_bytes: 10}\nissuers: [{issuer: 'https://i'}]\n")
            .unwrap();
    assert_eq!((settings.limits.max_request_bytes, settings.limits.max_response_bytes), (10, 16 << 20));
    let issuer = settings.issuers.first().unwrap();
    assert_eq!((issuer.leeway, issuer.kind), (30, TokenProfile::Oidc));
    assert_eq!(issuer.algorithms, [Algorithm::RS256, Algorithm::ES256]);
}

#[test]
fn what_cannot_be_said_is_refused_where_it_stands() {
    let cases = [
        (
            "listen: here",
            "1:9: expected an address with its port, as in 127.0.0.1:8080, localhost:8080 or [::1]:8080",
        ),
        (
            "upstreams:\n  a: {egres: none}\n",
            "2:7: unknown field `egres`, expected one of egress, credential, headers, identity_headers",
        ),
        (
            "issuers:\n- issuer: https://i\n  algorithms: [HS256]\n",
            "3:16: unknown variant `HS256`, expected one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA",
        ),
        ("limits:\n# Old.\n  answer_within: 5\n", "3:3: `answer_within` is now called `response_timeout`"),
        ("revoked: revoked.txt\n", "1:1: `revoked` is now called `revocation_list`"),
        ("issuers:\n- {}\n", "2:3: missing field `issuer`"),
        (
            "limits:\n  max_request_bytes: many\n",
            "2:22: expected a size in bytes, as in 65536, 64KiB, 4MB or 1GiB",
        ),
        ("limits: {read_timeout: -5}", "1:24: expected a time in whole seconds, as in 30, 30s, 5m or 1h"),
        ("audit: a\naudit: b\n", "2:1: duplicate mapping key: audit"),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(text), format!("gateway.yaml:{expected}"));
    }
    for text in ["isuers: []\n", "- 1\n", "workers: -1\n", "a: [", "listen: 127.0.0.1:8080\n---\nlisten: x"] {
        let message = refusal(text);
        assert!(message.starts_with("gateway.yaml:") && !message.contains('\n'), "{message}");
    }
    let missing = GatewaySettings::read(Path::new("/nowhere/gateway.yaml")).unwrap_err().to_string();
    assert_eq!(missing, "/nowhere/gateway.yaml: No such file or directory (os error 2)");
}
