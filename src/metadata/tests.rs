//! The reader against scripted servers: each location's answer, the order of requests, and the result.

use std::sync::Mutex;

use super::*;

/// A location's answer.
#[derive(Clone)]
enum Say {
    Body(String),
    /// In UTF-16, with its mark.
    Wide(&'static str),
    Status(u16),
    Redirect(&'static str),
    /// The connection breaks.
    Lost,
    /// No answer, for longer than any timeout.
    Silence,
    /// Nothing listens.
    Closed,
    Plain,
}

/// Answers by path; 404 for unknown paths.
struct ScriptedAnswers {
    places: Vec<(&'static str, Say)>,
    asked: Mutex<Vec<String>>,
    queries: Mutex<Vec<String>>,
}

impl ScriptedAnswers {
    fn new(places: &[(&'static str, Say)]) -> Self {
        Self { places: places.to_vec(), asked: Mutex::default(), queries: Mutex::default() }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Fetch for ScriptedAnswers {
    async fn fetch(&self, url: &Url) -> Result<HttpReply, HttpError> {
        self.asked.lock().unwrap().push(url.path().into());
        self.queries.lock().unwrap().extend(url.query().map(str::to_owned));
        let say = self.places.iter().find(|(path, _)| *path == url.path()).map(|(_, say)| say.clone());
        let (status, body) = match say.unwrap_or(Say::Status(404)) {
            Say::Body(body) => (200, body.into_bytes()),
            Say::Wide(body) => (200, body.encode_utf16().flat_map(u16::to_be_bytes).collect()),
            Say::Status(status) => (status, b"<html>".to_vec()),
            Say::Redirect(to) => {
                return Err(HttpError::Redirect { host: "h".into(), status: 302, to: to.into() });
            }
            Say::Lost => return Err(HttpError::Lost { host: "h".into(), cause: "reset".into() }),
            Say::Closed => {
                return Err(HttpError::Connect { host: "h".into(), proxy: None, cause: "refused".into() });
            }
            Say::Plain => return Err(HttpError::Plain { host: "h".into() }),
            Say::Silence => std::future::pending().await,
        };
        Ok(HttpReply { status, retry_after: None, date: None, body })
    }
}

const ISSUER: &str = "https://idp.test/t";
/// The locations for [`ISSUER`], in the order of the MCP authorization specification.
const PLACES: [&str; 3] = [
    "/.well-known/oauth-authorization-server/t",
    "/.well-known/openid-configuration/t",
    "/t/.well-known/openid-configuration",
];

fn good() -> Say {
    Say::Body(format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"https://idp.test/token"}}"#))
}

/// Unusable answers, in every form that was seen or reported.
fn unusable() -> Vec<(Say, &'static str)> {
    let body = |text: &str| Say::Body(text.into());
    vec![
        (Say::Status(404), "HTTP 404"),
        (Say::Status(400), "HTTP 400"),
        (Say::Status(403), "HTTP 403"),
        (Say::Status(429), "HTTP 429"),
        (Say::Status(500), "HTTP 500"),
        (Say::Status(502), "HTTP 502"),
        (Say::Status(503), "HTTP 503"),
        (Say::Redirect("https://idp.test/login"), "HTTP 302, a redirect to https://idp.test/login"),
        (body("<!doctype html><title>welcome</title>"), "not authorization server metadata"),
        (Say::Wide("\u{feff}{}"), "a document in UTF-16; JSON is UTF-8"),
        (body(""), "not authorization server metadata"),
        (body("null"), "not authorization server metadata"),
        (body(r#"{"error":"not_found"}"#), "not authorization server metadata"),
        (body(r#"{"issuer":"https://idp.test"}"#), "instead of"),
        (body(r#"{"issuer":"https://idp.test/t/"}"#), "instead of"),
        (body(r#"{"issuer":"https://evil.test/t"}"#), "instead of"),
        (Say::Lost, "no answer from h: reset"),
        (Say::Silence, "nothing within 10 s"),
    ]
}

#[tokio::test(start_paused = true)]
async fn an_unusable_answer_does_not_end_the_search() {
    for (say, _) in unusable() {
        for last in 0..PLACES.len() {
            let mut places: Vec<_> = PLACES.into_iter().map(|path| (path, say.clone())).collect();
            places[last].1 = good();
            let script = ScriptedAnswers::new(&places);
            let found = find_issuer(&script, ISSUER).await.unwrap();
            assert_eq!(found.token_endpoint.unwrap().as_str(), "https://idp.test/token");
            assert_eq!(script.asked(), PLACES[..=last], "in order, and none after the first usable one");
        }
    }
}

/// RFC 8414 section 2 requires no token endpoint of issuers with only the implicit grant; OpenID's document often has
/// more.
#[tokio::test]
async fn a_document_without_a_token_endpoint_does_only_if_no_other_place_has_one() {
    for odd in ["", r#","token_endpoint":null"#, r#","token_endpoint":"""#, r#","token_endpoint":7"#] {
        let silent = Say::Body(format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"https://idp.test/keys"{odd}}}"#));
        let script = ScriptedAnswers::new(&[(PLACES[0], silent.clone()), (PLACES[2], good())]);
        assert!(find_issuer(&script, ISSUER).await.unwrap().token_endpoint.is_some(), "{odd}");
        assert_eq!(script.asked(), PLACES);
        let script = ScriptedAnswers::new(&[(PLACES[1], silent)]);
        let found = find_issuer(&script, ISSUER).await.unwrap();
        assert!(found.token_endpoint.is_none() && found.jwks_uri.is_some(), "{odd}");
        assert_eq!(script.asked(), PLACES);
    }
}

/// A location that may be back in a minute is why there is nothing, whatever the others say; a rejected document is
/// not.
#[tokio::test]
async fn one_place_that_cannot_answer_now_may_be_the_one() {
    for now in [Say::Status(503), Say::Status(429), Say::Status(408), Say::Lost] {
        let script = ScriptedAnswers::new(&[(PLACES[1], now.clone())]);
        let missing = find_issuer(&script, ISSUER).await.unwrap_err();
        assert!(missing.is_network() && !missing.is_absent(), "{missing}");
        let script = ScriptedAnswers::new(&[(PLACES[1], now), (PLACES[2], Say::Body("{".into()))]);
        assert!(!find_issuer(&script, ISSUER).await.unwrap_err().is_network());
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_last_place_each_is_named_with_its_cause() {
    for (say, why) in unusable() {
        let places: Vec<_> = PLACES.into_iter().map(|path| (path, say.clone())).collect();
        let missing = find_issuer(&ScriptedAnswers::new(&places), ISSUER).await.unwrap_err();
        let text = missing.to_string();
        assert!(text.contains(why) && PLACES.iter().all(|place| text.contains(place)), "{text}");
        assert_eq!(text.matches(why).count(), 1, "one cause is said once: {text}");
        // A network that failed everywhere may recover; a document that must not be used does not.
        let passes = matches!(say, Say::Lost | Say::Silence | Say::Status(429 | 500..));
        assert_eq!(missing.is_network(), passes, "{text}");
        let absent = matches!(say, Say::Status(400..429) | Say::Redirect(_));
        assert_eq!(missing.is_absent(), absent, "{text}");
        assert_eq!(missing.refused().is_some(), matches!(say, Say::Body(_)), "{text}");
        assert!(missing.into_http().is_err(), "several places have more to say than one error");
    }
    let mixed = [(PLACES[0], Say::Status(503)), (PLACES[1], Say::Body("{".into())), (PLACES[2], Say::Lost)];
    let missing = find_issuer(&ScriptedAnswers::new(&mixed), ISSUER).await.unwrap_err();
    let text = missing.to_string();
    assert!(!missing.is_network() && !missing.is_absent(), "{text}");
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    assert!(
        at("HTTP 503") < at(PLACES[1])
            && at("not authorization") < at(PLACES[2])
            && at(PLACES[2]) < at("reset")
    );
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_asked_once() {
    for (say, passes) in [(Say::Closed, true), (Say::Plain, false)] {
        let script = ScriptedAnswers::new(&PLACES.map(|path| (path, say.clone())));
        let missing = find_issuer(&script, ISSUER).await.unwrap_err();
        assert_eq!((script.asked().len(), missing.is_network(), missing.is_absent()), (1, passes, false));
        assert!(missing.into_http().is_ok(), "and its own error is all there is to say");
    }
    for name in ["idp.test", "ftp://idp.test", "urn:idp", "https://me:pw@idp.test", ""] {
        let script = ScriptedAnswers::new(&[]);
        let missing = find_issuer(&script, name).await.unwrap_err();
        assert!(missing.tried.is_empty() && script.asked().is_empty(), "{name}");
        assert_eq!(missing.to_string(), "not a web address");
        assert!(!missing.is_network() && !missing.is_absent(), "{name}");
    }
}

#[tokio::test]
async fn a_document_without_the_address_of_the_keys_is_no_answer_to_where_they_are() {
    let with = format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"https://idp.test/keys"}}"#);
    for odd in ["", r#","jwks_uri":null"#, r#","jwks_uri":"""#, r#","jwks_uri":["https://idp.test/keys"]"#] {
        let without = Say::Body(format!(r#"{{"issuer":"{ISSUER}"{odd}}}"#));
        let script =
            ScriptedAnswers::new(&[(PLACES[0], without.clone()), (PLACES[2], Say::Body(with.clone()))]);
        assert_eq!(find_jwks_uri(&script, ISSUER).await.unwrap().as_str(), "https://idp.test/keys");
        assert_eq!(script.asked(), PLACES);
        let script = ScriptedAnswers::new(&PLACES.map(|path| (path, without.clone())));
        let text = find_jwks_uri(&script, ISSUER).await.unwrap_err().to_string();
        assert!(
            text.ends_with("it names no jwks_uri") && PLACES.iter().all(|at| text.contains(at)),
            "{text}"
        );
    }
}

const SERVER: &str = "https://s.test/a/mcp";
const ABOUT: [&str; 2] =
    ["/.well-known/oauth-protected-resource/a/mcp", "/.well-known/oauth-protected-resource"];

#[tokio::test(start_paused = true)]
async fn a_servers_document_is_looked_for_at_its_path_and_then_at_its_host() {
    let document = |resource: &str| {
        Say::Body(format!(r#"{{"resource":"{resource}","authorization_servers":["https://as.test"]}}"#))
    };
    let server = Url::parse(SERVER).unwrap();
    let nobody = Challenge::default();
    let foreign = (document("https://evil.test/a/mcp"), "which is not this server");
    let alone = (Say::Body(format!(r#"{{"resource":"{SERVER}"}}"#)), "no authorization server");
    let html = (Say::Body("<html>".into()), "not protected-resource metadata");
    let others = unusable().into_iter().filter(|(say, _)| !matches!(say, Say::Body(_)));
    for (say, why) in others.chain([foreign, alone, html]) {
        let script = ScriptedAnswers::new(&[(ABOUT[0], say.clone()), (ABOUT[1], document("https://s.test"))]);
        let found = find_resource(&script, &server, &nobody).await.unwrap();
        assert_eq!((found.resource.as_str(), found.issuer()), ("https://s.test", "https://as.test"));
        assert_eq!(script.asked(), ABOUT);

        let script = ScriptedAnswers::new(&ABOUT.map(|path| (path, say.clone())));
        let fault = find_resource(&script, &server, &nobody).await.unwrap_err();
        let text = fault.to_string();
        assert!(text.contains(why) && ABOUT.iter().all(|place| text.contains(place)), "{text}");

        // The location in the challenge comes first.
        let told = Some("https://s.test/doc".to_owned());
        let challenge = Challenge { resource_metadata: told, ..Challenge::default() };
        let script = ScriptedAnswers::new(&[("/doc", say.clone()), (ABOUT[0], document(SERVER))]);
        let found = find_resource(&script, &server, &challenge).await.unwrap();
        assert_eq!(found.resource, SERVER, "{why}");
        assert_eq!(script.asked(), ["/doc", ABOUT[0]]);
        let script = ScriptedAnswers::new(&["/doc", ABOUT[0], ABOUT[1]].map(|path| (path, say.clone())));
        let text = find_resource(&script, &server, &challenge).await.unwrap_err().to_string();
        assert!(text.contains(why) && ABOUT.iter().all(|place| text.contains(place)), "{text}");
        assert_eq!(script.asked(), ["/doc", ABOUT[0], ABOUT[1]]);
    }
}

/// Some servers have a key in their query.
#[tokio::test]
async fn a_query_is_sent_and_never_told() {
    let server = Url::parse(&format!("{SERVER}?key=hunter2")).unwrap();
    let script = ScriptedAnswers::new(&[]);
    let fault = find_resource(&script, &server, &Challenge::default()).await.unwrap_err();
    let text = fault.to_string();
    assert!(text.contains(ABOUT[0]) && !text.contains("hunter2"), "{text}");
    let url = Url::parse("https://idp.test/jwks?key=hunter2").unwrap();
    let text = fetch_keys(&script, &url, None).await.unwrap_err().to_string();
    assert!(text.contains("/jwks: HTTP 404") && !text.contains("hunter2"), "{text}");
    assert_eq!(*script.queries.lock().unwrap(), ["key=hunter2", "key=hunter2"]);
}

#[tokio::test]
async fn nobody_elsewhere_sends_us_to_this_machine() {
    // Who names it, its target, and whether that counts as outside.
    let cases = [
        ("https://tools.test/t", "http://127.0.0.1:8080/x", false),
        ("https://tools.test/t", "https://127.9.9.9/x", false),
        ("https://tools.test/t", "https://localhost/x", false),
        ("https://tools.test/t", "https://LOCALHOST./x", false),
        ("https://tools.test/t", "https://idp.localhost/x", false),
        ("https://tools.test/t", "http://[::1]/x", false),
        ("https://tools.test/t", "http://[::ffff:127.0.0.1]/x", false),
        ("https://tools.test/t", "http://2130706433/x", false),
        ("https://tools.test/t", "http://0x7f.1/x", false),
        ("https://tools.test/t", "https://as.test/x", true),
        ("https://tools.test/t", "https://10.0.0.7/x", true),
        ("http://127.0.0.1:9/t", "http://127.0.0.1:8080/x", true),
        ("http://localhost:9/t", "http://127.0.0.1:8080/x", true),
        ("http://127.0.0.1:9/t", "https://as.test/x", true),
        ("no url", "http://127.0.0.1/x", false),
    ];
    for (from, to, outside) in cases {
        let url = Url::parse(to).unwrap();
        assert_eq!(stay_outside(from, &url).is_ok(), outside, "{from} {to}");

        let script = ScriptedAnswers::new(&[("/x", Say::Body(r#"{"keys":[]}"#.into()))]);
        assert_eq!(fetch_keys(&script, &url, Some(from)).await.is_ok(), outside, "{from} {to}");
        assert_eq!(script.asked().len(), usize::from(outside), "nobody was asked: {from} {to}");
        assert!(fetch_keys(&script, &url, None).await.is_ok(), "what a person wrote may be anywhere");

        let Ok(server) = Url::parse(from) else { continue };
        let challenge = Challenge { resource_metadata: Some(to.into()), ..Challenge::default() };
        let script = ScriptedAnswers::new(&[]);
        let fault = find_resource(&script, &server, &challenge).await.unwrap_err();
        assert_eq!(matches!(fault, ResourceMetadataError::Inward(_)), !outside, "{from} {to}");
        let asked = script.asked().iter().filter(|asked| *asked == "/x").count();
        assert_eq!((asked, script.asked().is_empty()), (usize::from(outside), !outside), "{from} {to}");
    }
    // No matter who names them, these are rejected before anything is sent.
    for to in [
        "http://169.254.169.254/latest",
        "https://[fe80::1]/x",
        "https://0.0.0.0/x",
        "http://[::ffff:169.254.1.1]/",
    ] {
        for told_by in [None, Some(ISSUER), Some("http://127.0.0.1/")] {
            let refused = fetch_keys(&Http::new(true), &Url::parse(to).unwrap(), told_by).await.unwrap_err();
            let forbidden = |cause: &_| matches!(cause, FetchFailure::Http(HttpError::Forbidden { .. }));
            assert!(matches!(refused, KeySetError::Place { ref cause, .. } if forbidden(cause)), "{to}");
        }
    }
}

#[tokio::test]
async fn keys_are_what_a_server_gives_with_success_and_in_bounds() {
    let at = |say| {
        let url = Url::parse("https://idp.test/jwks").unwrap();
        async move { fetch_keys(&ScriptedAnswers::new(&[("/jwks", say)]), &url, Some(ISSUER)).await }
    };
    let exact = "x".repeat(MAX_KEY_SET);
    assert_eq!(at(Say::Body(exact.clone())).await.unwrap().len(), MAX_KEY_SET);
    for (say, why) in [
        (Say::Body(format!("{exact}x")), "larger than 262144 bytes"),
        (Say::Status(404), "HTTP 404"),
        (Say::Status(503), "HTTP 503"),
        (Say::Wide("\u{feff}{}"), "a document in UTF-16; JSON is UTF-8"),
        (Say::Redirect("http://127.0.0.1/"), "a redirect to http://127.0.0.1/"),
        (Say::Lost, "no answer"),
    ] {
        let text = at(say).await.unwrap_err().to_string();
        assert!(text.starts_with("https://idp.test/jwks: ") && text.contains(why), "{text}");
    }
}
