//! Logins with a code on another device.

use super::*;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn manual() -> Options {
    Options { auto_approve: false, device_interval: Duration::ZERO, ..options() }
}

async fn codes(idp: &Idp, more: Pairs<'_>) -> TestReply {
    let pairs = [&[("client_id", "app"), ("scope", "read offline_access")], more].concat();
    post(&idp.device_authorization_endpoint(), &pairs).await
}

async fn poll(idp: &Idp, code: &str, more: Pairs<'_>) -> TestReply {
    let pairs = [&[("grant_type", GRANT), ("client_id", "app"), ("device_code", code)], more].concat();
    post(&idp.token_endpoint(), &pairs).await
}

async fn decide(idp: &Idp, user_code: &str, decision: &str) -> StatusCode {
    let form = [("user_code", user_code), ("decision", decision)];
    post(&format!("{}/device", idp.issuer()), &form).await.status
}

fn no(error: &str) -> (u16, String) {
    (400, error.to_owned())
}

#[tokio::test]
async fn a_code_is_pending_until_it_is_entered_and_good_once() {
    let idp = Idp::start(manual()).unwrap();
    let found = codes(&idp, &[]).await;
    let (device, user) = (found.text("device_code"), found.text("user_code"));
    assert_eq!(found.text("verification_uri_complete"), format!("{}/device?user_code={user}", idp.issuer()));
    assert!(get(&found.text("verification_uri_complete")).await.body.contains(&user));
    assert_eq!(poll(&idp, &device, &[]).await.error(), no("authorization_pending"));
    assert_eq!(decide(&idp, "WRNG-CODE", "allow").await, StatusCode::BAD_REQUEST);
    assert_eq!(decide(&idp, &user.to_lowercase(), "allow").await, StatusCode::OK);
    assert_eq!(decide(&idp, &user, "deny").await, StatusCode::BAD_REQUEST, "it was answered");
    let token = poll(&idp, &device, &[]).await;
    assert_eq!(claims(&token.text("access_token"))["sub"], "demo-user");
    assert_eq!(poll(&idp, &device, &[]).await.error(), no("invalid_grant"));
    let next = refresh(&idp, &token.text("refresh_token"), &[]).await;
    assert_eq!(next.status, StatusCode::OK);
}

#[tokio::test]
async fn a_no_and_an_old_code_are_said() {
    static NOW: AtomicU64 = AtomicU64::new(1_000_000);
    let clock = || NOW.load(Ordering::Relaxed);
    let idp = Idp::start(Options { clock, ..manual() }).unwrap();
    let (denied, old) = (codes(&idp, &[]).await, codes(&idp, &[]).await);
    decide(&idp, &denied.text("user_code"), "deny").await;
    assert_eq!(poll(&idp, &denied.text("device_code"), &[]).await.error(), no("access_denied"));
    NOW.fetch_add(600, Ordering::Relaxed);
    assert_eq!(poll(&idp, &old.text("device_code"), &[]).await.error(), no("expired_token"));
    assert_eq!(decide(&idp, &old.text("user_code"), "allow").await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn whoever_polls_too_fast_is_told_to_slow_down() {
    let options = Options { device_interval: Duration::from_secs(3600), ..manual() };
    let idp = Idp::start(options).unwrap();
    let device = codes(&idp, &[]).await.text("device_code");
    assert_eq!(poll(&idp, &device, &[]).await.error(), no("authorization_pending"));
    assert_eq!(poll(&idp, &device, &[]).await.error(), no("slow_down"));
}

#[tokio::test]
async fn a_device_code_is_bound_to_client_and_verifier() {
    let idp = Idp::start(Options { auto_approve: true, ..manual() }).unwrap();
    let challenge = keys::s256(VERIFIER);
    let pkce = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
    let device = codes(&idp, &pkce).await.text("device_code");
    let web = [
        ("grant_type", GRANT),
        ("device_code", device.as_str()),
        ("client_id", "web"),
        ("client_secret", "hush"),
    ];
    assert_eq!(post(&idp.token_endpoint(), &web).await.error(), no("invalid_grant"));
    assert_eq!(poll(&idp, &device, &[]).await.error(), no("invalid_grant"));
    assert_eq!(poll(&idp, &device, &[("code_verifier", VERIFIER)]).await.status, StatusCode::OK);
    assert_eq!(codes(&idp, &[("code_challenge", "short")]).await.error(), no("invalid_request"));
    let machine = [("client_id", "agent"), ("client_secret", "s3cret"), ("scope", "read")];
    let refused = post(&idp.device_authorization_endpoint(), &machine).await;
    assert_eq!(refused.error(), no("unauthorized_client"));
}
