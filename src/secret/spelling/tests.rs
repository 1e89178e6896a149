//! Every spelling of a secret, in short texts and long ones, and texts without any.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::super::{REDACTED, Secret};
use super::*;

fn form_of(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Broken in the middle of the secret, as mail does.
fn in_lines(digits: &str) -> String {
    let (before, after) = digits.split_at(digits.len() - 8);
    format!("{before}\r\n {after}")
}

/// The same with lower-case digits in its escapes.
fn lower_hex(form: &str) -> String {
    let mut parts = form.split('%');
    let mut lower = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        lower.push('%');
        lower.push_str(&digits.to_lowercase());
        lower.push_str(rest);
    }
    lower
}

/// Everything that a server may do to a secret on its way into an answer.
fn spellings(secret: &str) -> Vec<String> {
    let form = form_of(secret);
    let every = |with: &dyn Fn(u8) -> String| secret.bytes().map(with).collect::<String>();
    let json = serde_json::to_string(secret).unwrap();
    // The secret may begin or end in a quotation mark itself.
    let bare = |quoted: &str| quoted.get(1..quoted.len() - 1).unwrap().to_owned();
    let json = bare(&json);
    let units = |with: &dyn Fn(u16) -> String| secret.encode_utf16().map(with).collect::<String>();
    let html = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;");
    let mut all = vec![
        secret.to_owned(),
        form.replace('+', "%20"),
        form.replace('+', "%20").replace('%', "%25"),
        lower_hex(&form),
        every(&|byte| format!("%{byte:02X}")),
        every(&|byte| format!("%{byte:02x}")),
        every(&|byte| format!("%25{byte:02x}")),
        json.replace('/', "\\/"),
        bare(&serde_json::to_string(&json).unwrap()),
        form_of(&json),
        bare(&serde_json::to_string(&form).unwrap()),
        json.replace('&', "&amp;").replace('\\', "&#92;").replace('"', "&quot;"),
        secret.chars().map(|c| format!("\\u{{{:x}}}", u32::from(c))).collect(),
        units(&|unit| format!("%u{unit:04X}")),
        every(&|byte| format!("\\x{byte:02x}")),
        every(&|byte| format!("\\{byte:03o}")),
        every(&|byte| format!("{byte:02x} ")).trim_end().to_owned(),
        every(&|byte| format!("{byte:02X}:")).trim_end_matches(':').to_owned(),
        secret.chars().map(|c| format!("{c}\n")).collect::<String>().trim_end_matches('\n').to_owned(),
        json.chars()
            .map(|c| if c == '\\' { "\\".to_owned() } else { format!("{c}\u{200b}") })
            .collect::<String>()
            .trim_end_matches('\u{200b}')
            .to_owned(),
        STANDARD.encode(STANDARD.encode(format!("client:{secret}"))),
        STANDARD.encode(format!("{{\"client_secret\": \"{json}\"}}")),
        in_lines(&STANDARD.encode(format!("the-client-with-its-long-name:{secret}"))),
        lower_hex(&form_of(&STANDARD.encode(format!("c:{form}")))),
        units(&|unit| format!("\\u{unit:04x}")),
        units(&|unit| format!("\\u{unit:04X}")),
        html,
        secret.chars().map(|c| format!("&#{};", u32::from(c))).collect(),
        secret.chars().map(|c| format!("&#x{:04x};", u32::from(c))).collect(),
        every(&|byte| format!("{byte:02x}")),
        every(&|byte| format!("{byte:02X}")),
        json,
        form.clone(),
    ];
    for id in ["", "a", "ab", "abc", "the-client"] {
        for inner in [format!("{id}:{secret}"), format!("{id}:{form}"), format!("{id}{secret} and so on")] {
            let bytes = inner.as_bytes();
            all.extend([STANDARD.encode(bytes), URL_SAFE.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)]);
            let basic = STANDARD.encode(bytes);
            all.push(url::form_urlencoded::byte_serialize(basic.as_bytes()).collect());
            all.push(basic.replace('/', "\\/"));
        }
    }
    all
}

#[test]
fn a_secret_is_found_in_every_spelling() {
    for secret in [
        "s3cr3t/+ =&<\"'\\%41é🦀",
        "hunter2-hunter2",
        "p@ss w0rd!",
        "abc+/==def",
        "~tilde~*star*",
        "Aa Aa\u{e9}A\"",
        "\"quoted-all-over\"",
        "a&amp;\"b\\u0041%41&#65;",
        "%25%2f%",
    ] {
        for spelling in spellings(secret) {
            let said = Secret::new(secret).scrub(format!("client {spelling} is unknown"));
            assert_eq!(said, format!("client {REDACTED} is unknown"), "{spelling}");
        }
    }
}

/// In a long text not every reading is tried, but none of these gets through.
#[test]
fn a_secret_is_found_in_a_long_text_as_well() {
    let secret = "s3cr3t/+ =&<\"'\\%41\u{e9}\u{1f980}";
    let prose =
        "A tool that says \\\"hello\\\" &amp; adds 100%; at https://tools.test/a%20b?c=d\\n".repeat(30);
    for spelling in spellings(secret) {
        let said = Secret::new(secret).scrub(format!("{prose}<{spelling}>{prose}"));
        assert!(said.contains(REDACTED) && !said.contains(&spelling), "{spelling}");
        assert!(said.len() <= 2 * prose.len() + 60, "{spelling}");
    }
}

#[test]
fn a_long_text_is_looked_through_to_its_end() {
    let secret = "hunter2/\"of-the-client";
    let spelled = [secret.to_owned(), form_of(secret), STANDARD.encode(format!("c:{secret}"))];
    for before in [PIECE - 30, PIECE - 1, 2 * PIECE] {
        for spelling in &spelled {
            let said = Secret::new(secret).scrub(format!(
                "{} {spelling} {}",
                "é ".repeat(before / 3),
                "x ".repeat(PIECE)
            ));
            assert!(said.contains(REDACTED) && !said.contains(spelling.as_str()), "{before} {spelling}");
        }
    }
}

#[test]
fn what_is_no_secret_stays() {
    let text = "invalid_client: client authentication failed (%2F \\u0041 &amp; YWJj) + 100% \\ & é";
    for secret in ["hunter2-hunter2", "s3cr3t/+ =", "é🦀é🦀"] {
        assert_eq!(Secret::new(secret).scrub(text.into()), text);
    }
}

proptest! {
    #[test]
    fn no_spelling_of_any_secret_gets_through(secret in "[ -~é]{8,40}", at in 0usize..100) {
        // For shorter ones only the exact form counts; spaces and plus signs around it stay.
        prop_assume!(secret.bytes().filter(|byte| counts(*byte)).count() >= MIN_SECRET_BYTES);
        prop_assume!(!secret.starts_with([' ', '+']) && !secret.ends_with([' ', '+']));
        let spellings = spellings(&secret);
        let spelling = &spellings[at % spellings.len()];
        let said = Secret::new(secret.as_str()).scrub(format!("<{spelling}>"));
        prop_assert!(said.contains(REDACTED) && said.len() <= REDACTED.len() + 8, "{} {}", spelling, said);
    }

    #[test]
    fn any_text_can_be_looked_through(text in ".{0,80}", secret in ".{0,12}") {
        let _ = Secret::new(secret).scrub(text);
    }
}
