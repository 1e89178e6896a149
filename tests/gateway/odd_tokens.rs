//! Tokens that no honest client sends, in one table: each is 401 with its reason, or 400 if it is not a credential at
//! all, and no server hears of it. Each is really signed where that could help it.
#![cfg(test)]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use mcpauth::sys::clock;
use serde_json::{Value, json};

use crate::support::lab::{ALLOWED, Answer, Lab, request, until};
use crate::support::mint::{AUDIENCE, Key, Mint, encoded};
use crate::support::wire::Scripted;

/// A name, the credential's bytes after `Bearer `, and the reason; `400` for what is answered so.
type Row = (String, Vec<u8>, &'static str);

/// What all rows are made of.
struct Forge<'f> {
    key: &'f Key,
    other: &'f Key,
    mint: &'f Mint,
    /// Where a gateway that follows addresses in tokens would ask.
    lure: &'f str,
    rows: Vec<Row>,
}

impl Forge<'_> {
    fn row(&mut self, name: impl Into<String>, token: impl Into<Vec<u8>>, reason: &'static str) {
        self.rows.push((name.into(), token.into(), reason));
    }

    /// A good header, as text.
    fn header(&self) -> String {
        json!({"alg": "ES256", "typ": "at+jwt", "kid": self.key.id}).to_string()
    }

    /// Good claims, as text.
    fn payload(&self) -> String {
        self.mint.claims(json!({})).to_string()
    }

    /// Claims that differ in these members; a `null` removes one.
    fn claims(&mut self) {
        let now = clock::now();
        let issuer = self.mint.issuer().to_owned();
        for (instead, reason) in [
            (json!({"iss": null}), "issuer"),
            (json!({"iss": [issuer]}), "issuer"),
            (json!({"iss": {"0": issuer}}), "issuer"),
            (json!({"iss": 7}), "issuer"),
            (json!({"iss": "http://127.0.0.1:1"}), "issuer"),
            (json!({"iss": format!("{issuer}/")}), "issuer"),
            (json!({"iss": format!(" {issuer}")}), "issuer"),
            (json!({"iss": format!("{issuer}\u{0}")}), "issuer"),
            (json!({"iss": issuer.replace("http", "HTTP")}), "issuer"),
            (json!({"aud": null}), "audience"),
            (json!({"aud": []}), "audience"),
            (json!({"aud": ""}), "audience"),
            (json!({"aud": "other"}), "audience"),
            (json!({"aud": "MCP-GATEWAY"}), "audience"),
            (json!({"aud": [[AUDIENCE]]}), "audience"),
            (json!({"aud": [AUDIENCE, 7]}), "audience"),
            (json!({"aud": [Value::Null]}), "audience"),
            (json!({"aud": [Value::Null, "other"]}), "audience"),
            (json!({"aud": {"x": AUDIENCE}}), "audience"),
            (json!({"aud": true}), "audience"),
            (json!({"aud": format!("{AUDIENCE} other")}), "audience"),
            (json!({"aud": format!("{AUDIENCE}\u{0}")}), "audience"),
            (json!({"exp": null}), "malformed"),
            (json!({"exp": "9999999999"}), "malformed"),
            (json!({"exp": true}), "malformed"),
            (json!({"exp": [now + 300]}), "malformed"),
            (json!({"exp": {}}), "malformed"),
            (json!({"exp": 1e300}), "malformed"),
            (json!({"exp": u64::MAX}), "malformed"),
            (json!({"exp": now}), "expired"),
            (json!({"exp": 0}), "expired"),
            (json!({"exp": -1}), "expired"),
            (json!({"exp": i64::MIN}), "expired"),
            (json!({"exp": 1e-300}), "expired"),
            (json!({"nbf": now + 300}), "not_yet"),
            (json!({"nbf": i64::MAX}), "not_yet"),
            (json!({"nbf": "0"}), "malformed"),
            (json!({"iat": now + 300}), "not_yet"),
            (json!({"iat": "now"}), "malformed"),
            (json!({"sub": null, "client_id": null}), "malformed"),
            (json!({"sub": 7}), "malformed"),
            (json!({"sub": ["alice"]}), "malformed"),
            (json!({"cnf": {"jkt": "x"}}), "binding"),
            (json!({"cnf": {}}), "binding"),
            (json!({"events": {}}), "kind"),
            (json!({"nonce": "n"}), "kind"),
            (json!({"at_hash": "h"}), "kind"),
            (json!({"token_use": "id"}), "kind"),
            (json!({"typ": "Refresh"}), "kind"),
            (json!({"typ": "ID"}), "kind"),
        ] {
            let token = self.key.sign(json!({}), &self.mint.claims(instead.clone()));
            self.row(instead.to_string(), token, reason);
        }
    }

    /// Claims that only a literal text can express.
    fn texts(&mut self) {
        let good = self.payload();
        let with = |member: &str| good.replacen('{', &format!("{{{member},"), 1);
        let instead = |name: &str, value: &str| {
            let at = good.find(&format!("\"{name}\":")).unwrap() + name.len() + 3;
            let (before, rest) = good.split_at(at);
            let (_, after) = rest.split_at(rest.find([',', '}']).unwrap());
            format!("{before}{value}{after}")
        };
        let deep = format!("{}{}", r#"{"a":"#.repeat(200), "}".repeat(200));
        for (name, payload) in [
            ("iss twice", with("\"iss\":\"http://127.0.0.1:1\"")),
            ("exp twice", with("\"exp\":9999999999")),
            ("sub twice, once escaped", with("\"\\u0073ub\":\"root\"")),
            ("scope twice within", with("\"x\":{\"a\":1,\"a\":2}")),
            ("exp NaN", instead("exp", "NaN")),
            ("exp Infinity", instead("exp", "Infinity")),
            ("exp -Infinity", instead("exp", "-Infinity")),
            ("exp hexadecimal", instead("exp", "0xFFFFFFFF")),
            ("exp octal", instead("exp", "09999999999")),
            ("exp beyond floats", instead("exp", "1e999")),
            ("exp with plus", instead("exp", "+9999999999")),
            ("exp of a thousand digits", instead("exp", &"9".repeat(1000))),
            ("exp null", instead("exp", "null")),
            ("aud of many arrays", instead("aud", &format!("{}{}", "[".repeat(500), "]".repeat(500)))),
            ("byte order mark", format!("\u{feff}{good}")),
            ("trailing object", format!("{good}{good}")),
            ("trailing comma", good.replacen('}', ",}", 1)),
            ("comment", good.replacen('{', "{/**/", 1)),
            ("single quotes", good.replace('"', "'")),
            ("array", format!("[{good}]")),
            ("text", format!("{good:?}")),
            ("null", "null".into()),
            ("number", "7".into()),
            ("empty", String::new()),
            ("deep", with(&format!("\"x\":{deep}"))),
            ("lone surrogate", with("\"x\":\"\\ud800\"")),
        ] {
            let token = self.key.sign_text(self.header().as_bytes(), payload.as_bytes());
            self.row(name, token, "malformed");
        }
        let invalid = [self.payload().as_bytes(), b"\xff"].concat();
        let overlong = self.payload().replace("alice", "al__ce").into_bytes();
        let overlong: Vec<u8> =
            overlong.iter().map(|byte| if *byte == b'_' { 0xc0 } else { *byte }).collect();
        let wide: Vec<u8> = self.payload().encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (name, payload) in [("invalid UTF-8", invalid), ("overlong UTF-8", overlong), ("UTF-16", wide)] {
            let token = self.key.sign_text(self.header().as_bytes(), &payload);
            self.row(name, token, "malformed");
        }
    }

    /// Headers that differ in these members.
    fn headers(&mut self) {
        let claims = self.mint.claims(json!({}));
        let long = "k".repeat(10_000);
        for (header, reason) in [
            (json!({"alg": "none"}), "algorithm"),
            (json!({"alg": "None"}), "algorithm"),
            (json!({"alg": "nOnE"}), "algorithm"),
            (json!({"alg": ""}), "algorithm"),
            (json!({"alg": "HS256"}), "algorithm"),
            (json!({"alg": "HS512"}), "algorithm"),
            (json!({"alg": "es256"}), "algorithm"),
            (json!({"alg": "ES256K"}), "algorithm"),
            (json!({"alg": "ES512"}), "algorithm"),
            (json!({"alg": "ES256 "}), "algorithm"),
            (json!({"alg": "RSA1_5"}), "algorithm"),
            (json!({"alg": "dir"}), "algorithm"),
            (json!({"alg": "ES384"}), "key"),
            (json!({"alg": "RS256"}), "key"),
            (json!({"alg": "PS256"}), "key"),
            (json!({"alg": "EdDSA"}), "key"),
            (json!({"alg": null}), "malformed"),
            (json!({"alg": ["ES256"]}), "malformed"),
            (json!({"alg": 7}), "malformed"),
            (json!({"Alg": "none"}), "header"),
            (json!({"ALG": "ES256"}), "header"),
            (json!({"Kid": "k"}), "header"),
            (json!({"Typ": "at+jwt"}), "header"),
            (json!({"typ": "id+jwt"}), "kind"),
            (json!({"typ": "dpop+jwt"}), "kind"),
            (json!({"typ": "logout+jwt"}), "kind"),
            (json!({"typ": ""}), "kind"),
            (json!({"typ": 7}), "malformed"),
            (json!({"cty": "JWT"}), "header"),
            (json!({"cty": "application/jwt"}), "header"),
            (json!({"crit": ["exp"]}), "header"),
            (json!({"crit": ["b64"], "b64": false}), "header"),
            (json!({"crit": []}), "header"),
            (json!({"CRIT": ["x"]}), "header"),
            (json!({"b64": false}), "header"),
            (json!({"b64": true}), "header"),
            (json!({"zip": "DEF"}), "header"),
            (json!({"jku": format!("{}/jwks", self.lure)}), "header"),
            (json!({"JKU": format!("{}/jwks", self.lure)}), "header"),
            (json!({"x5u": format!("{}/x5u", self.lure)}), "header"),
            (json!({"jwk": self.other.public()}), "header"),
            (json!({"x5c": ["x"]}), "header"),
            (json!({"kid": "../../../../etc/passwd"}), "key"),
            (json!({"kid": "/dev/null"}), "key"),
            (json!({"kid": "k' OR '1'='1"}), "key"),
            (json!({"kid": "$(id)"}), "key"),
            (json!({"kid": "K"}), "key"),
            (json!({"kid": ""}), "key"),
            (json!({"kid": "k\u{0}"}), "key"),
            (json!({"kid": format!("{}/kid", self.lure)}), "key"),
            (json!({"kid": long}), "malformed"),
            (json!({"kid": 7}), "malformed"),
            (json!({"kid": ["k"]}), "malformed"),
        ] {
            let signer = if header.get("jwk").is_some() { self.other } else { self.key };
            let token = signer.sign(header.clone(), &claims);
            self.row(format!("{header:.60}"), token, reason);
        }
        let good = self.header();
        for (name, header) in [
            ("alg twice", good.replacen('{', "{\"alg\":\"none\",", 1)),
            ("alg twice, once escaped", good.replacen('{', "{\"\\u0061lg\":\"none\",", 1)),
            ("kid twice", good.replacen('{', "{\"kid\":\"x\",", 1)),
            ("header with a mark", format!("\u{feff}{good}")),
            ("header with more", format!("{good}{{}}")),
            ("header an array", format!("[{good}]")),
            ("header empty", String::new()),
        ] {
            let token = self.key.sign_text(header.as_bytes(), self.payload().as_bytes());
            self.row(name, token, "malformed");
        }
        for (name, secret) in self.key.secrets() {
            self.row(format!("HS256 with {name}"), self.key.confuse(&claims, &secret), "algorithm");
        }
    }

    fn signatures(&mut self) {
        let good = self.mint.token(self.key);
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let (header, payload) = signed.split_once('.').unwrap();
        let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let (r, s) = raw.split_at(32);
        let join = |signature: &[u8]| format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        let root = encoded(&self.mint.claims(json!({"scope": "root"})));
        let (zero, one) = ([0; 32], [[0; 31].as_slice(), &[1]].concat());
        let flipped: Vec<u8> = raw.iter().enumerate().map(|(n, byte)| byte ^ u8::from(n == 5)).collect();
        for (name, token) in [
            ("another's key", self.other.sign(json!({}), &self.mint.claims(json!({})))),
            ("another payload", format!("{header}.{root}.{signature}")),
            ("a bit flipped", join(&flipped)),
            ("DER", join(&der(r, s))),
            ("all zeros", join(&[0; 64])),
            ("r zero", join(&[&zero, s].concat())),
            ("s zero", join(&[r, &zero].concat())),
            ("r and s one", join(&[one.as_slice(), &one].concat())),
            ("all ones", join(&[0xff; 64])),
            ("halves swapped", join(&[s, r].concat())),
            ("a byte less", join(&raw[1..])),
            ("a byte more", join(&[&raw[..], &[0]].concat())),
            ("a zero before each half", join(&[&[0], r, &[0], s].concat())),
            ("short", format!("{signed}.AAAA")),
        ] {
            self.row(format!("signature: {name}"), token, "signature");
        }
        let none = encoded(&json!({"alg": "none"}));
        for (name, token) in [
            ("unsigned", format!("{none}.{payload}.")),
            ("none with a signature", format!("{none}.{payload}.{signature}")),
            ("none of JWT's example", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.".into()),
        ] {
            self.row(name, token, "algorithm");
        }
    }

    /// Texts that are not a compact JWS, or not the one that was signed.
    fn shapes(&mut self) {
        let good = self.mint.token(self.key);
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let (header, payload) = signed.split_once('.').unwrap();
        // A payload whose base64 shows which alphabet it is in.
        let token = self.key.sign(json!({}), &self.mint.claims(json!({"x": "???>>>~~~"})));
        let mixed = token.replace('_', "/").replace('-', "+");
        assert_ne!(mixed, token);
        let standard = STANDARD.encode(self.payload());
        let padded = URL_SAFE.encode(self.payload() + " ");
        // Of its last character two bits count; the next one in the alphabet differs in the others alone.
        let (most, last) = good.split_at(good.len() - 1);
        let next = char::from(last.as_bytes()[0] + 1);
        for (name, token) in [
            ("signature empty", format!("{header}.{payload}.")),
            ("two parts", format!("{header}.{payload}")),
            ("one part", header.to_owned()),
            ("a dot after", format!("{good}.")),
            ("dots after", format!("{good}...")),
            ("a dot before", format!(".{good}")),
            ("two dots between", format!("{header}..{payload}.{signature}")),
            ("five parts", format!("{header}.{payload}.{signature}.{payload}.{signature}")),
            ("JWE", format!("{}..iv.text.tag", encoded(&json!({"alg": "ES256", "enc": "A256GCM"})))),
            ("header padded", format!("{header}=.{payload}.{signature}")),
            ("payload padded", format!("{header}.{padded}.{signature}")),
            ("signature padded", format!("{good}=")),
            ("signature padded twice", format!("{good}==")),
            ("no header", format!(".{payload}.{signature}")),
            ("no payload", format!("{header}..{signature}")),
            ("dots alone", "..".into()),
            ("opaque", "opaque".into()),
            ("mixed alphabets", mixed),
            ("standard alphabet", format!("{header}.{}.{signature}", standard.replace('A', "+"))),
            ("bits left over", format!("{most}{next}")),
            ("percent-encoded", good.replace('.', "%2E")),
            ("JSON serialization", json!({"payload": payload, "signature": signature}).to_string()),
            ("quoted", format!("\"{good}\"")),
            ("in brackets", format!("<{good}>")),
            ("very long signature", format!("{good}{}", "A".repeat(20_000))),
            ("very long payload", format!("{header}.{}.{signature}", "A".repeat(20_000))),
            ("very long header", format!("{}.{payload}.{signature}", "A".repeat(20_000))),
            ("many dots", ".".repeat(5_000)),
            ("Bearer twice", format!("Bearer {good}")),
            ("two tokens", format!("{good},{good}")),
            ("two tokens, a blank", format!("{good} {good}")),
            ("a tab within", format!("{header}\t.{payload}.{signature}")),
            ("a blank within", format!("{header} .{payload}.{signature}")),
        ] {
            self.row(name, token, "malformed");
        }
        for (name, byte) in [("DEL", 0x7f), ("byte 80", 0x80), ("Latin-1", 0xe9), ("byte FF", 0xff)] {
            self.row(name, [good.as_bytes(), &[byte]].concat(), "400");
        }
        for (name, byte) in [("NUL", 0), ("escape", 0x1b), ("carriage return", b'\r')] {
            self.row(name, [header.as_bytes(), &[byte], payload.as_bytes()].concat(), "400");
        }
        self.row("byte order mark before", [b"\xef\xbb\xbf", good.as_bytes()].concat(), "400");
        self.row("Cyrillic dot", good.replacen('.', "\u{2024}", 1), "400");
    }
}

/// A signature in ASN.1, as OpenSSL writes it.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let mut number: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
        if number.first().is_some_and(|byte| byte & 0x80 != 0) {
            number.insert(0, 0);
        }
        [&[2, number.len() as u8], &number[..]].concat()
    };
    let both = [integer(r), integer(s)].concat();
    [&[0x30, both.len() as u8], &both[..]].concat()
}

fn ask(lab: &Lab, token: &[u8]) -> Answer {
    let text = String::from_utf8(request(
        "POST",
        "/alpha/mcp",
        &[("X-Authorization", "Bearer @")],
        ALLOWED.as_bytes(),
    ));
    let text = text.unwrap();
    let (before, after) = text.split_once('@').unwrap();
    lab.raw(&[before.as_bytes(), token, after.as_bytes()].concat())
}

#[test]
fn no_odd_token_is_believed_and_none_is_more_than_refused() {
    let (key, other) = (Key::new("k"), Key::new("k"));
    let lure = Scripted::start(|_| (200, "{}".into()));
    let mint = Mint::of(&[&key]);
    let lab = Lab::with(|settings, _| settings.issuers = vec![mint.settings()]);
    until("keys", || lab.gateway.is_ready());
    let mut forge = Forge { key: &key, other: &other, mint: &mint, lure: &lure.base, rows: Vec::new() };
    forge.claims();
    forge.texts();
    forge.headers();
    forge.signatures();
    forge.shapes();
    let rows = forge.rows;
    assert!(rows.len() >= 180, "{}", rows.len());
    let mut wrong = Vec::new();
    for (name, token, expected) in &rows {
        let answer = ask(&lab, token);
        let object: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let reason = object["error"]["data"]["reason"].as_str().unwrap_or_default();
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        let challenged = challenge.starts_with("Bearer error=\"invalid_token\", error_description=\"");
        let good = match *expected {
            "400" => answer.status == 400 && (reason.is_empty() || reason == "credentials"),
            expected => answer.status == 401 && reason == expected && challenged,
        };
        if !good {
            wrong.push(format!("{name}: {} {reason}, not {expected}; {challenge}", answer.status));
        }
        assert_eq!(lab.arrived(), 0, "{name}");
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(lure.asked().len(), 0, "nothing was fetched from elsewhere");
    for instead in [
        json!({}),
        json!({"aud": ["x", AUDIENCE]}),
        json!({"nbf": null, "iat": null}),
        json!({"exp": clock::now() + 60, "typ": "Bearer"}),
    ] {
        ask(&lab, key.sign(json!({}), &mint.claims(instead)).as_bytes()).status(200);
    }
    let kept = lab.kept.clone();
    drop(lab);
    assert_eq!(kept.lines().len(), rows.len() + 4, "a line for each");
}
