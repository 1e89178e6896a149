//! Opaque tokens: their issuer gets few requests, however many are made up, and valid ones do not suffer. Not here:
//! what an answer must contain (see `tokens`).
#![cfg(test)]

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcpauth::gateway::settings::{GatewaySettings, Introspection, IssuerSettings};
use mcpauth::sys::private_file;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use crate::support::lab::{ALLOWED, Answer, Lab, answer, request, until};
use crate::support::mint::{AUDIENCE, Mint, encoded};
use crate::support::wire::{Asked, Scripted, TEST_TIMEOUT};

/// "A handful": a minute's worth for one address, and what a slow machine's test takes besides.
const HANDFUL: usize = 12 + 4;

/// An issuer that knows tokens by their first word: `good-...` is active, `down-...` is 500, nothing else is anything.
fn issuer() -> Scripted {
    Scripted::start(|asked| {
        let token = asked.field("token").unwrap_or_default();
        let active =
            json!({"active": true, "aud": AUDIENCE, "sub": token, "client_id": "worker", "scope": "worker"});
        match token.split('-').next() {
            Some("good") => (200, active.to_string()),
            Some("down") => (500, String::new()),
            Some("page") => (200, "<html>Sign in</html>".into()),
            Some("nothing") => (200, String::new()),
            Some("list") => (200, format!("[{active}]")),
            Some("twins") => (200, active.to_string().replacen('{', r#"{"active":false,"#, 1)),
            _ => (200, r#"{"active": false}"#.into()),
        }
    })
}

/// As `gateway.yaml` has it.
fn settings(base: &str, dir: &Path, cache: u32) -> IssuerSettings {
    let client_secret = dir.join("secret");
    private_file::write(&client_secret, "s3cret").unwrap();
    let endpoint = Some(format!("{base}/introspect"));
    let introspection = Introspection { endpoint, client_id: "gateway".into(), client_secret, cache };
    // Nothing is to be asked but what these tests are about.
    let issuer = json!({"issuer": base, "audience": [AUDIENCE], "scopes": []});
    IssuerSettings { introspection: Some(introspection), ..serde_json::from_value(issuer).unwrap() }
}

fn lab(issuer: &Scripted, cache: u32, more: impl FnOnce(&mut GatewaySettings)) -> Lab {
    Lab::with(|all, dir| {
        all.issuers = vec![settings(&issuer.base, dir, cache)];
        more(all);
    })
}

fn bytes(token: &str, connection: &str) -> Vec<u8> {
    let bearer = format!("Bearer {token}");
    let headers = [("X-Authorization", &*bearer), ("Connection", connection)];
    request("POST", "/alpha/mcp", &headers, ALLOWED.as_bytes())
}

fn ask(lab: &Lab, token: &str) -> Answer {
    lab.raw(&bytes(token, "close"))
}

/// From another address of this machine.
fn ask_from(lab: &Lab, last: u8, token: &str) -> Answer {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 1, last], 0)).into()).unwrap();
    socket.connect(&lab.gateway.address().into()).unwrap();
    let mut stream: TcpStream = socket.into();
    stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    assert!(matches!(stream.local_addr().unwrap().ip(), IpAddr::V4(ip) if ip.octets()[3] == last));
    stream.write_all(&bytes(token, "close")).unwrap();
    answer(&mut stream)
}

/// How often the issuer was asked about tokens that begin so.
fn asked(issuer: &Scripted, what: &str) -> usize {
    let is = |asked: &Asked| asked.field("token").is_some_and(|token| token.starts_with(what));
    issuer.asked().iter().filter(|asked| is(asked)).count()
}

/// A refusal of one too many, or of a token that the issuer rejected.
#[track_caller]
fn refused(answer: &Answer) -> bool {
    let reason = answer.json()["error"]["data"]["reason"].as_str().unwrap().to_owned();
    match answer.status {
        401 => assert_eq!(reason, "inactive"),
        429 => {
            assert_eq!(reason, "token_rate");
            let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
        }
        status => panic!("{status}: {}", answer.text()),
    }
    answer.status == 429
}

#[test]
fn six_hundred_made_up_tokens_cost_a_handful_of_questions() {
    for how in ["one by one", "at once", "on one connection"] {
        let issuer = issuer();
        let lab = lab(&issuer, 30, |_| {});
        ask(&lab, "good-before").status(200);
        let token = |n: usize| format!("made-up-{n}");
        match how {
            "one by one" => assert!((0..600).filter(|n| refused(&ask(&lab, &token(*n)))).count() > 500),
            "at once" => std::thread::scope(|scope| {
                for part in 0..30 {
                    let lab = &lab;
                    scope
                        .spawn(move || (0..20).filter(|n| refused(&ask(lab, &token(part * 20 + n)))).count());
                }
            }),
            _ => {
                let mut stream = lab.connect();
                let mut statuses = String::new();
                for n in 0..600 {
                    stream.write_all(&bytes(&token(n), "keep-alive")).unwrap();
                    statuses.push_str(&one_answer(&mut stream));
                }
                let counted = |status: &str| statuses.matches(status).count();
                assert_eq!(counted("HTTP/1.1 401") + counted("HTTP/1.1 429"), 600);
            }
        }
        let questions = asked(&issuer, "made-up");
        assert!((1..=HANDFUL).contains(&questions), "{how}: {questions}");
        assert!(refused(&ask(&lab, "made-up-last")), "{how}");
        // Known callers, and those from other addresses, are served as usual.
        ask(&lab, "good-before").status(200);
        ask_from(&lab, 7, "good-new").status(200);
        assert_eq!((asked(&issuer, "good-before"), lab.arrived()), (1, 3), "{how}");
    }
}

#[test]
fn what_goes_wrong_within_a_request_is_said_with_its_id() {
    let issuer = issuer();
    let lab = lab(&issuer, 30, |_| {});
    let words = ["down", "page", "nothing", "list", "twins"];
    let failed = words.map(|word| format!("{word}-a")).map(|token| ask(&lab, &token).status(503));
    let said = lab.kept.events().into_iter().filter(|event| event.starts_with("introspection: "));
    let ids = failed.map(|answer| format!(" (request {})", answer.header("x-request-id").unwrap()));
    let said: Vec<_> = said.collect();
    assert!(
        said.len() == ids.len() && said.iter().zip(&ids).all(|(event, id)| event.ends_with(id)),
        "{ids:?} {said:?}"
    );
}

/// The head of the next answer, its body passed over.
fn one_answer(stream: &mut TcpStream) -> String {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head.to_ascii_lowercase();
    let length = length.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    head
}

#[test]
fn good_tokens_of_one_address_are_asked_about_as_many_as_there_are() {
    let issuer = issuer();
    let lab = lab(&issuer, 30, |_| {});
    std::thread::scope(|scope| {
        for part in 0..10 {
            let lab = &lab;
            scope
                .spawn(move || (0..10).for_each(|n| drop(ask(lab, &format!("good-{part}-{n}")).status(200))));
        }
    });
    assert_eq!(asked(&issuer, "good"), 100);
    // Both workers know what either was told.
    (0..10).for_each(|_| drop(ask(&lab, "good-0-0").status(200)));
    assert_eq!(asked(&issuer, "good"), 100);
}

#[test]
fn requests_with_one_unknown_token_share_a_question() {
    for active in [false, true] {
        let (told, asked) = channel();
        let (release, held) = channel::<()>();
        let ends = Mutex::new((told, held));
        let mint = Mint::with(&[], move |_| {
            let ends = ends.lock().unwrap();
            ends.0.send(()).unwrap();
            let _ = ends.1.recv_timeout(TEST_TIMEOUT);
            (200, json!({"active": active, "aud": AUDIENCE, "sub": "a", "scope": "worker"}).to_string())
        });
        let lab = Lab::with(|all, dir| all.issuers = vec![settings(mint.issuer(), dir, 30)]);
        std::thread::scope(|scope| {
            let lab = &lab;
            let askers: Vec<_> = (0..40).map(|_| scope.spawn(move || ask(lab, "opaque").status)).collect();
            asked.recv_timeout(TEST_TIMEOUT).unwrap();
            release.send(()).unwrap();
            for asker in askers {
                assert_eq!(asker.join().unwrap(), if active { 200 } else { 401 });
            }
        });
        assert_eq!(mint.server.asked().len(), 1, "{active}");
    }
}

#[test]
fn a_flood_costs_no_good_token_its_place() {
    let issuer = issuer();
    let lab = lab(&issuer, 30, |all| {
        all.limits.token_cache_size = 8;
        (all.limits.introspections_per_minute, all.limits.introspections_per_minute_per_address) = (0, 0);
    });
    for n in 0..3 {
        ask(&lab, &format!("good-{n}")).status(200);
    }
    for n in 0..200 {
        ask(&lab, &format!("made-up-{n}")).status(401);
    }
    for n in 0..3 {
        ask(&lab, &format!("good-{n}")).status(200);
    }
    assert_eq!((asked(&issuer, "good"), asked(&issuer, "made-up")), (3, 200));
    (0..5).for_each(|_| drop(ask(&lab, "made-up-199").status(401)));
    assert_eq!(asked(&issuer, "made-up"), 200, "a negative answer is cached for a while");
}

#[test]
fn a_known_caller_is_asked_about_again_whatever_strangers_do() {
    let issuer = issuer();
    // Nothing is cached.
    let lab = lab(&issuer, 0, |_| {});
    ask(&lab, "good-known").status(200);
    for n in 0..50 {
        refused(&ask(&lab, &format!("made-up-{n}")));
    }
    assert!(refused(&ask(&lab, "good-stranger")), "nobody can tell them apart without asking");
    for _ in 0..10 {
        ask(&lab, "good-known").status(200);
    }
    assert_eq!((asked(&issuer, "good-known"), asked(&issuer, "good-stranger")), (11, 0));
}

#[test]
fn all_addresses_together_have_a_limit_too() {
    let issuer = issuer();
    let lab = lab(&issuer, 30, |all| {
        (all.limits.introspections_per_minute, all.limits.introspections_per_minute_per_address) = (5, 2)
    });
    ask(&lab, "good-before").status(200);
    for n in 0..60_u8 {
        let answer = ask_from(&lab, n + 1, &format!("made-up-{n}"));
        if answer.status != 401 {
            let reason = answer.json()["error"]["data"]["reason"].clone();
            assert_eq!((answer.status, reason.as_str()), (503, Some("issuer_rate")));
            assert!(answer.header("retry-after").is_some());
        }
    }
    assert!((5..=7).contains(&asked(&issuer, "made-up")), "{}", asked(&issuer, "made-up"));
    ask(&lab, "good-before").status(200);
}

#[test]
fn an_issuer_that_fails_is_not_asked_without_end_either() {
    let issuer = issuer();
    let lab = lab(&issuer, 0, |_| {});
    ask(&lab, "good-known").status(200);
    for n in 0..100 {
        let status = ask(&lab, &format!("down-{n}")).status;
        assert!(matches!(status, 503 | 429), "{status}");
    }
    assert!(asked(&issuer, "down") <= HANDFUL, "{}", asked(&issuer, "down"));
    ask(&lab, "good-known").status(200);
}

#[test]
fn what_cannot_be_its_token_is_not_asked_about() {
    let (one, two) = (issuer(), issuer());
    let (first, second) = (one.base.clone(), two.base.clone());
    let lab = Lab::with(|all, dir| {
        all.issuers = [&first, &second].map(|base| settings(base, dir, 30)).into();
        (all.limits.introspections_per_minute, all.limits.introspections_per_minute_per_address) = (0, 0);
    });
    let elsewhere =
        json!({"iss": "https://elsewhere.test", "aud": AUDIENCE, "sub": "a", "exp": 9_999_999_999_i64});
    let raw = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let jwt =
        |header: Value, payload: &Value| format!("{}.{}.c2lnbmF0dXJl", encoded(&header), encoded(payload));
    let nobodys = [
        jwt(json!({"alg": "RS256"}), &elsewhere),
        jwt(json!({"alg": "HS256"}), &elsewhere),
        jwt(json!({"alg": "none"}), &elsewhere),
        jwt(json!({"alg": "RS256", "crit": ["x"]}), &elsewhere),
        jwt(json!({"alg": "HS256"}), &json!({"sub": "a"})),
        jwt(json!({"alg": "HS256"}), &json!({"iss": null})),
        jwt(json!({"alg": "HS256"}), &json!({"iss": [first]})),
        jwt(json!({"alg": "HS256"}), &json!({"iss": format!("{first}/")})),
        jwt(json!({}), &elsewhere),
        format!("{}.{}.", encoded(&json!({"alg": "none"})), encoded(&elsewhere)),
        format!("{}.garbage.garbage", encoded(&json!({"alg": "RS256"}))),
        format!("{}.{}", encoded(&json!({"alg": "RS256"})), encoded(&elsewhere)),
        format!("{}=.{}.c2ln", raw("{\"alg\":\"HS256\"}"), encoded(&elsewhere)),
        format!("{}.{}.c2ln", raw("{\"alg\":\"none\",\"alg\":\"RS256\"}"), encoded(&elsewhere)),
        format!("{}.{}.c2ln", raw("\u{feff}{\"alg\":\"none\"}"), encoded(&elsewhere)),
        format!("{}.a.b.c.d.e", encoded(&json!({"alg": "dir", "enc": "A256GCM"}))),
        encoded(&json!({"alg": "none"})),
        "x".repeat(5_000),
        "x".repeat(20_000),
        "made\"up".into(),
        "made;up".into(),
        "made%20up".into(),
        "made\\up".into(),
        "<made-up>".into(),
        "made=up".into(),
        "===".into(),
        "{\"iss\":\"x\"}".into(),
    ];
    for token in &nobodys {
        ask(&lab, token).status(401);
    }
    assert_eq!((one.asked().len(), two.asked().len(), lab.arrived()), (0, 0, 0));
    // A token that names its issuer is only for that one, and an opaque token only for one issuer.
    ask(&lab, &jwt(json!({"alg": "HS256"}), &json!({"iss": second}))).status(401);
    assert_eq!((one.asked().len(), two.asked().len()), (0, 1));
    ask(&lab, "good-opaque").status(200);
    ask(&lab, "made-up").status(401);
    assert_eq!((one.asked().len(), two.asked().len()), (2, 1));
}

#[test]
fn a_token_that_was_good_and_is_so_no_more_is_refused() {
    let active = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let script = active.clone();
    let mint = Mint::with(&[], move |_| {
        let active = script.load(std::sync::atomic::Ordering::Relaxed);
        (200, json!({"active": active, "aud": AUDIENCE, "sub": "a", "scope": "worker"}).to_string())
    });
    let lab = Lab::with(|all, dir| all.issuers = vec![settings(mint.issuer(), dir, 1)]);
    ask(&lab, "opaque").status(200);
    active.store(false, std::sync::atomic::Ordering::Relaxed);
    until("the end of the cached answer", || ask(&lab, "opaque").status == 401);
    assert_eq!(mint.server.asked().len(), 2);
}
