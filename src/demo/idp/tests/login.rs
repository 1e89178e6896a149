//! User logins: the code, the consent page and refresh tokens.

use super::*;

#[tokio::test]
async fn a_login_with_pkce_gives_tokens_for_the_user() {
    let idp = start().await;
    let back = get(&authorize_url(&idp, &[])).await.sent_back();
    assert_eq!((back["state"].as_str(), back["iss"].as_str()), ("st&te", idp.issuer()));
    let reply = redeem(&idp, &back["code"], &[]).await;
    let token = claims(&reply.text("access_token"));
    assert_eq!((&token["sub"], &token["client_id"]), (&json!("demo-user"), &json!("app")));
    assert_eq!(reply.text("scope"), "read offline_access");
    assert!(!reply.text("refresh_token").is_empty());
    let token = IdpEvent::Token {
        grant: "authorization_code".to_owned(),
        client_id: "app".to_owned(),
        refresh_token: None,
        ok: true,
        auth: "none",
    };
    assert_eq!(idp.seen(), [IdpEvent::Authorized { client_id: "app".to_owned() }, token]);
}

#[tokio::test]
async fn a_code_is_good_once_and_its_replay_ends_the_grant() {
    let idp = start().await;
    let code = code(&idp).await;
    let refresh_token = redeem(&idp, &code, &[]).await.text("refresh_token");
    assert_eq!(redeem(&idp, &code, &[]).await.error(), (400, "invalid_grant".to_owned()));
    assert_eq!(refresh(&idp, &refresh_token, &[]).await.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_code_is_bound_to_client_redirect_and_verifier() {
    let idp = start().await;
    let cases: [Pairs<'_>; 5] = [
        &[("client_id", "web"), ("client_secret", "hush")],
        &[("redirect_uri", "http://127.0.0.1:4712/callback")],
        &[("redirect_uri", "")],
        &[("code_verifier", "")],
        &[("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK")],
    ];
    for changes in cases {
        let reply = redeem(&idp, &code(&idp).await, changes).await;
        assert_eq!(reply.error(), (400, "invalid_grant".to_owned()), "{changes:?}");
    }
}

#[tokio::test]
async fn a_code_dies_of_age() {
    static NOW: AtomicU64 = AtomicU64::new(1_000_000);
    let clock = || NOW.load(Ordering::Relaxed);
    let idp = Idp::start(Options { clock, ..options() }).unwrap();
    let (young, old) = (code(&idp).await, code(&idp).await);
    NOW.fetch_add(59, Ordering::Relaxed);
    assert_eq!(redeem(&idp, &young, &[]).await.status, StatusCode::OK);
    NOW.fetch_add(1, Ordering::Relaxed);
    assert_eq!(redeem(&idp, &old, &[]).await.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_bad_request_goes_back_to_the_client_with_state_and_issuer() {
    let idp = start().await;
    let cases: [(Pairs<'_>, &str); 7] = [
        (&[("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "")], "unsupported_response_type"),
        (&[("scope", "admin")], "invalid_scope"),
    ];
    for (changes, error) in cases {
        let back = get(&authorize_url(&idp, changes)).await.sent_back();
        assert_eq!(back["error"], error, "{changes:?}");
        assert_eq!((back["state"].as_str(), back["iss"].as_str()), ("st&te", idp.issuer()));
        assert_eq!(back.get("code"), None);
    }
}

#[tokio::test]
async fn a_foreign_redirect_gets_a_page_and_no_redirect() {
    let idp = start().await;
    let cases: [Pairs<'_>; 6] = [
        &[("redirect_uri", "https://evil.test/callback")],
        &[("redirect_uri", "http://127.0.0.1:4711/callback/")],
        &[("redirect_uri", "")],
        &[("client_id", "nobody")],
        &[("client_id", "web"), ("redirect_uri", "http://127.0.0.1:4712/callback")],
        &[("redirect_uri", REDIRECT), ("redirect_uri", "https://evil.test/callback")],
    ];
    for changes in cases {
        let reply = get(&authorize_url(&idp, changes)).await;
        assert_eq!((reply.status, reply.header("location")), (StatusCode::BAD_REQUEST, ""), "{changes:?}");
        assert!(reply.header("content-type").starts_with("text/html"));
        assert!(!reply.body.contains("evil"), "{}", reply.body);
    }
    assert_eq!(idp.seen(), []);
}

#[tokio::test]
async fn each_refresh_gives_a_new_token_and_a_used_one_ends_the_family() {
    let idp = start().await;
    let first = redeem(&idp, &code(&idp).await, &[]).await.text("refresh_token");
    let second = refresh(&idp, &first, &[]).await.text("refresh_token");
    let third = refresh(&idp, &second, &[]).await.text("refresh_token");
    assert_eq!(refresh(&idp, &first, &[]).await.error(), (400, "invalid_grant".to_owned()));
    assert_eq!(refresh(&idp, &third, &[]).await.error(), (400, "invalid_grant".to_owned()));

    let used: Vec<_> = idp
        .seen()
        .into_iter()
        .filter_map(|seen| match seen {
            IdpEvent::Token { refresh_token, ok, .. } => refresh_token.map(|token| (token, ok)),
            _ => None,
        })
        .collect();
    let expected = [(&first, true), (&second, true), (&first, false), (&third, false)];
    assert_eq!(used, expected.map(|(token, ok)| (token.clone(), ok)));
}

#[tokio::test]
async fn a_refused_refresh_leaves_the_token_good() {
    let idp = start().await;
    let token = redeem(&idp, &code(&idp).await, &[]).await.text("refresh_token");
    let wider = refresh(&idp, &token, &[("scope", "read write")]).await;
    assert_eq!(wider.error(), (400, "invalid_scope".to_owned()));
    let stranger = [
        ("grant_type", "refresh_token"),
        ("client_id", "web"),
        ("client_secret", "hush"),
        ("refresh_token", &token),
    ];
    assert_eq!(post(&idp.token_endpoint(), &stranger).await.error(), (400, "invalid_grant".to_owned()));
    let narrower = refresh(&idp, &token, &[("scope", "read")]).await;
    assert_eq!((narrower.status, narrower.text("scope")), (StatusCode::OK, "read".to_owned()));
}

#[tokio::test]
async fn a_refresh_token_needs_offline_access_or_the_option() {
    for always_refresh in [false, true] {
        let idp = Idp::start(Options { always_refresh, ..options() }).unwrap();
        let back = get(&authorize_url(&idp, &[("scope", "read")])).await.sent_back();
        let reply = redeem(&idp, &back["code"], &[]).await;
        assert_eq!(reply.json().get("refresh_token").is_some(), always_refresh);
    }
}

#[tokio::test]
async fn an_audience_once_granted_stays() {
    let idp = start().await;
    let url = authorize_url(&idp, &[("resource", "https://mcp.test/a")]);
    let back = get(&url).await.sent_back();
    let reply = redeem(&idp, &back["code"], &[("resource", "https://mcp.test/a")]).await;
    assert_eq!(claims(&reply.text("access_token"))["aud"], "https://mcp.test/a");
    let token = reply.text("refresh_token");
    let other = refresh(&idp, &token, &[("resource", "https://mcp.test/b")]).await;
    assert_eq!(other.error(), (400, "invalid_target".to_owned()));
    let same = refresh(&idp, &token, &[]).await;
    assert_eq!(claims(&same.text("access_token"))["aud"], "https://mcp.test/a");
}

async fn consent_page(client_id: &str) -> (Idp, TestReply, String) {
    let mut options = options();
    options.auto_approve = false;
    options.clients.push(IdpClient::public("<b>\"me\"</b>", REDIRECT, &["<i>"]));
    let idp = Idp::start(options).unwrap();
    let page = get(&authorize_url(&idp, &[("client_id", client_id), ("scope", "")])).await;
    let (_, rest) = page.body.split_once("name=\"ticket\" value=\"").unwrap();
    let ticket = rest.split_once('"').unwrap().0.to_owned();
    (idp, page, ticket)
}

#[tokio::test]
async fn the_consent_page_escapes_what_it_names() {
    let (_idp, page, _) = consent_page("<b>\"me\"</b>").await;
    assert_eq!((page.status, page.header("x-frame-options")), (StatusCode::OK, "DENY"));
    assert!(page.body.contains("<title>mcpauth development identity provider</title>"));
    assert!(page.body.contains("&lt;b&gt;&quot;me&quot;&lt;/b&gt;"));
    assert!(page.body.contains("<code>&lt;i&gt;</code>"));
    assert!(!page.body.contains("<b>") && !page.body.contains("<i>"));
}

#[tokio::test]
async fn a_yes_sends_a_code_for_the_named_user_once() {
    let (idp, _, ticket) = consent_page("app").await;
    let pairs = [("ticket", ticket.as_str()), ("decision", "allow"), ("user", " ada ")];
    let back = post(&idp.authorization_endpoint(), &pairs).await.sent_back();
    let token = redeem(&idp, &back["code"], &[]).await.text("access_token");
    assert_eq!(claims(&token)["sub"], "ada");
    let again = post(&idp.authorization_endpoint(), &pairs).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_no_sends_access_denied() {
    let (idp, _, ticket) = consent_page("app").await;
    let pairs = [("ticket", ticket.as_str()), ("decision", "deny")];
    let back = post(&idp.authorization_endpoint(), &pairs).await.sent_back();
    assert_eq!((back["error"].as_str(), back["state"].as_str()), ("access_denied", "st&te"));
    assert_eq!(back["iss"], idp.issuer());
    assert_eq!(idp.seen(), [IdpEvent::Denied { client_id: "app".to_owned() }]);
}
