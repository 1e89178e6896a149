//! A registration, written and read: it becomes a credential.
use super::*;
use crate::config::Settings;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn kept(secret: Option<&str>) -> Registration {
    Registration {
        url: url("https://tools.test/mcp"),
        resource: "https://tools.test".into(),
        issuer: "https://as.test/".into(),
        client_id: "c".into(),
        client_secret: secret.map(Secret::new),
        registered: true,
        private_key: None,
        token_endpoint_auth_method: if secret.is_some() { "client_secret_post" } else { "none" }.into(),
        redirect_uri: "http://127.0.0.1:4711/callback".into(),
        scopes: vec!["a".into()],
        for_itself: false,
        endpoints: None,
        extra: ExtraParams::default(),
        scope: StoreScope::Project,
    }
}

#[test]
fn what_is_kept_becomes_a_credential_whose_every_request_names_the_resource() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.flag("MCPAUTH_TOKENS_DIR", dir.path().join("t").to_string_lossy().as_ref());
    let config = Config::resolve(settings).unwrap();
    config.keep_registration("tools.test", None, &kept(Some("s3cret")), Storage::File).unwrap();
    assert!(config.keep_registration("../x", None, &kept(None), Storage::File).is_err());
    private_file::write(&dir.path().join("t/.registrations/broken.json"), "{\"url\": \"s3cret\"}").unwrap();

    let mut planned = config.plan(&[CredentialKind::Egress], None);
    assert!(config.plan(&[CredentialKind::Egress], Some("other")).is_empty());
    assert_eq!(planned.len(), 2);
    let good = planned.pop().unwrap();
    let broken = planned.pop().unwrap().credential.unwrap_err();
    assert!(!broken.to_string().contains("s3cret") && broken.hint().contains("rm "), "{broken}");
    assert_eq!(good.name, "egress mcp for tools.test");
    let credential = good.credential.unwrap();
    assert_eq!(credential.id.file_name(), "mcp-tools.test-egress.json");
    assert_eq!(credential.client.auth.name(), "client_secret_post");
    assert_eq!(credential.facts[SERVER_URL], "https://tools.test/mcp");
    let GrantConfig::AuthorizationCode(person) = &credential.how else { panic!() };
    for params in [&person.provider.authorization_params, &person.provider.token_params] {
        assert_eq!(params["resource"], "https://tools.test");
    }
    assert!(person.provider.pkce && person.provider.redirect.any_port);

    assert!(config.forget_registration(&credential.id).unwrap());
    assert!(!config.forget_registration(&credential.id).unwrap());
}

/// A key press during completion must not open the keyring's window.
#[test]
fn names_are_found_without_opening_what_is_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.flag("MCPAUTH_TOKENS_DIR", dir.path().join("t").to_string_lossy().as_ref());
    let config = Config::resolve(settings.clone()).unwrap();
    config.keep_registration("tools.test", None, &kept(Some("s3cret")), Storage::File).unwrap();
    let file = dir.path().join("t/.registrations/tools.test.json");
    let mut object: Map<String, Value> =
        serde_json::from_str(&private_file::read(&file).unwrap().unwrap()).unwrap();
    object.remove(SECRET);
    object.insert("sealed".into(), "not sealed by any keyring".into());
    private_file::write(&file, &Value::Object(object).to_string()).unwrap();

    let planned = |config: Config| config.plan(&[CredentialKind::Egress], None).pop().unwrap();
    let opened = planned(config).credential.unwrap_err().to_string();
    assert!(opened.contains("the client secret of tools.test cannot be read"), "{opened}");
    let named = planned(Config::for_names(settings).unwrap());
    assert_eq!(named.name, "egress mcp for tools.test");
    assert!(named.credential.is_ok(), "{:?}", named.credential);
}
