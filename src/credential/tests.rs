//! The names of credentials and of their files.

use super::*;
use proptest::prelude::*;

#[test]
fn a_site_needs_its_id_alone() {
    for odd in
        [r#"{"id":"1"}"#, r#"{"id":"1","name":null,"url":null}"#, r#"{"id":"1","name":7,"url":{},"x":null}"#]
    {
        let site: Site = serde_json::from_str(odd).unwrap();
        assert_eq!((site.id.as_str(), site.name.as_str(), site.url.as_str()), ("1", "", ""), "{odd}");
    }
    for bad in [r#"{"name":"n"}"#, r#"{"id":null}"#, r#"{"id":7}"#] {
        assert!(serde_json::from_str::<Site>(bad).is_err(), "{bad}");
    }
}

#[test]
fn files_are_named_as_the_reference_names_them() {
    let cases = [
        (CredentialKind::Ingress, "cognito", None, "ingress.json"),
        (CredentialKind::Egress, "acme", None, "acme-egress.json"),
        (CredentialKind::Egress, "acme", Some("acme-mail"), "acme-acme-mail-egress.json"),
        (CredentialKind::AgentCore, "agentcore", None, "bedrock-agentcore-egress.json"),
        (
            CredentialKind::AgentCore,
            "agentcore",
            Some("SRE-Gateway"),
            "bedrock-agentcore-sre-gateway-egress.json",
        ),
        (CredentialKind::Agent, "agent-a", None, "agent-a-token.json"),
    ];
    for (kind, name, server, expected) in cases {
        let id = CredentialId::new(kind, name, server);
        assert_eq!(id.file_name(), expected);
    }
}

#[test]
fn a_file_says_whose_it_is() {
    let cases = [
        ("ingress.json", "cognito_m2m", "ingress cognito", "cognito"),
        ("ingress.json", "", "ingress unknown", "unknown"),
        ("agent-one-token.json", "keycloak", "keycloak agent-one", "agent-one"),
        ("acme-egress.json", "acme", "egress acme", "acme"),
        ("acme-mail-egress.json", "acme", "egress acme for mail", "mail"),
        ("acme-mail-egress.json", "", "egress acme-mail", "acme-mail"),
        ("bedrock-agentcore-egress.json", "bedrock-agentcore", "agentcore", "sre-gateway"),
        ("bedrock-agentcore-sre-egress.json", "bedrock-agentcore", "agentcore sre", "sre"),
        ("bedrock-agentcore-sre-egress.json", "", "agentcore sre", "sre"),
        ("bedrock-agentcore-SRE-egress.json", "bedrock-agentcore", "egress bedrock-agentcore for SRE", "SRE"),
    ];
    for (file, provider, name, server) in cases {
        let id = CredentialId::parse(file, provider).unwrap();
        assert_eq!((id.to_string().as_str(), id.server_name()), (name, server), "{file}");
    }
}

#[test]
fn other_files_are_no_ones() {
    for file in ["mcp.json", "ingress.json.tmp", "my-ingress.json", "acme-egress", "egress.json", ""] {
        assert_eq!(CredentialId::parse(file, "acme"), None, "{file}");
    }
}

proptest! {
    #[test]
    fn a_name_leads_back_to_its_file(stem in "[A-Za-z0-9_.-]{0,20}", provider in "[a-z-]{0,10}", end in "(-egress|-token)") {
        let file = format!("{provider}{stem}{end}.json");
        prop_assert_eq!(CredentialId::parse(&file, &provider).unwrap().file_name(), file);
    }
}
