//! Parses the challenge of a 401 or 403: `Bearer` in `WWW-Authenticate` (RFC 9110 section 11.6.1, RFC 6750 section 3,
//! RFC 9728 section 5.1).

use crate::text::clean;

/// The longest value that is passed on, in characters.
const MAX_SHOWN: usize = 300;
/// The same for what is requested or fetched rather than shown: a list of scopes may be long.
const LIMIT_OF_DATA: usize = 4_000;

/// The description for a revoked caller: RFC 6750 has no error for that, and advice to get another token would lead
/// in a circle.
pub const CALLER_REVOKED: &str = "This caller is revoked, and a new token will not help";

/// The description for a token from the future: a new one is no older.
pub const NOT_YET: &str = "The access token is not valid yet";

/// A `Bearer` challenge. Its values come from the server, cleaned and cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// RFC 6750 section 3.1: `invalid_token`, `insufficient_scope`; none if no token was sent.
    pub error: Option<String>,
    /// What it says about the error.
    pub description: Option<String>,
    /// The sufficient scopes, separated by spaces.
    pub scope: Option<String>,
    /// The URL of the server's metadata.
    pub resource_metadata: Option<String>,
}

impl Challenge {
    /// The first non-empty `Bearer` challenge of these header values, else an empty one if there is any. A value may
    /// have bytes that are not text (RFC 9110 section 5.5, `obs-text`): they spoil only the part they are in.
    pub fn read<'v, V: AsRef<[u8]> + ?Sized + 'v>(values: impl IntoIterator<Item = &'v V>) -> Option<Self> {
        let texts = values.into_iter().map(|value| String::from_utf8_lossy(value.as_ref()));
        let mut found: Vec<Self> = texts.flat_map(|text| bearers(&text)).collect();
        let telling = found.iter().position(|challenge| *challenge != Self::default());
        if found.is_empty() { None } else { Some(found.swap_remove(telling.unwrap_or(0))) }
    }

    /// Whether a scope is missing, and not a valid token (RFC 6750 section 3.1).
    pub fn is_about_scope(&self) -> bool {
        self.error.as_deref() == Some("insufficient_scope")
    }

    /// The sufficient scopes, one by one (RFC 6749 section 3.3); invalid ones are left out.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.iter().flat_map(|scope| scope.split(' ')).filter(|scope| is_scope(scope))
    }

    fn set(&mut self, name: &str, value: &str) {
        let (place, limit) = match name.to_ascii_lowercase().as_str() {
            "error" => (&mut self.error, MAX_SHOWN),
            "error_description" => (&mut self.description, MAX_SHOWN),
            "scope" => (&mut self.scope, LIMIT_OF_DATA),
            "resource_metadata" => (&mut self.resource_metadata, LIMIT_OF_DATA),
            _ => return,
        };
        let value = clean(value, limit);
        // A second value for one name would be a choice; the first one counts.
        if place.is_none() && !value.is_empty() {
            *place = Some(value);
        }
    }
}

/// All `Bearer` challenges of one header value. A word before `=` is a parameter, any other word a scheme.
fn bearers(text: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut bearer = false;
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (word, after) = rest.split_at(rest.find(|c| !is_token(c)).unwrap_or(rest.len()));
        if word.is_empty() {
            // Not in the grammar: the next list element may be valid again.
            let Some((_, next)) = rest.split_once(',') else { return found };
            rest = next;
            continue;
        }
        let Some(value) = after.trim_start_matches([' ', '\t']).strip_prefix('=') else {
            bearer = word.eq_ignore_ascii_case("bearer");
            if bearer {
                found.push(Challenge::default());
            }
            rest = after;
            continue;
        };
        let (value, next) = value_of(value.trim_start_matches([' ', '\t']));
        if let Some(challenge) = found.last_mut().filter(|_| bearer) {
            challenge.set(word, &value);
        }
        rest = next;
    }
}

/// A token or a quoted string, and what follows it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(text.find([',', ' ', '\t']).unwrap_or(text.len()));
        return (value.into(), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => value.extend(chars.next()),
            c => value.push(c),
        }
    }
    (value, chars.as_str())
}

/// RFC 6749 section 3.3, `scope-token`.
pub(super) fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// RFC 9110 section 5.6.2.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(error: &str, description: &str, scope: &str, metadata: &str) -> Option<Challenge> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(Challenge {
            error: some(error),
            description: some(description),
            scope: some(scope),
            resource_metadata: some(metadata),
        })
    }

    #[test]
    fn challenges_in_every_spelling() {
        let cases: [(&[&str], Option<Challenge>); 10] = [
            (&[], None),
            (&["Basic realm=\"x\""], None),
            (&["Bearer"], of("", "", "", "")),
            (
                &[r#"Bearer resource_metadata="https://gw.test/x", scope="a b""#],
                of("", "", "a b", "https://gw.test/x"),
            ),
            (
                &[r#"bearer ERROR=invalid_token , error_description = "no, \"really\"""#],
                of("invalid_token", "no, \"really\"", "", ""),
            ),
            (&[r#"Basic realm="a, Bearer error=x", Bearer scope=one"#], of("", "", "one", "")),
            (&["Bearer", "Bearer error=\"insufficient_scope\""], of("insufficient_scope", "", "", "")),
            (&["Negotiate abc==, Bearer scope=\"s\""], of("", "", "s", "")),
            (&["Bearer scope=\"first\", scope=\"second\""], of("", "", "first", "")),
            (&["Bearer error=\"a\u{1b}[31mb\u{202e}\", scope=\"open"], of("a [31mb", "", "open", "")),
        ];
        for (values, expected) in cases {
            assert_eq!(Challenge::read(values.iter().copied()), expected, "{values:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_spoil_their_own_part_alone() {
        for odd in [&b"\xe4"[..], b"\xff\xfe", "\u{e4}".as_bytes(), b"\xc3", b"\x80"] {
            let rest = b"\", resource_metadata=\"https://s.test/doc\", scope=\"a b\"";
            let said = [b"Bearer error_description=\"fehlerhaft ", odd, rest].concat();
            let found = Challenge::read([&said]).unwrap();
            assert_eq!(found.resource_metadata.as_deref(), Some("https://s.test/doc"), "{odd:?}");
            assert_eq!(found.scope.as_deref(), Some("a b"), "{odd:?}");
            assert!(found.description.unwrap().starts_with("fehlerhaft"), "{odd:?}");
            let realm = [b"Basic realm=\"", odd, b"\", Bearer scope=\"s\""].concat();
            assert_eq!(Challenge::read([&realm]).unwrap().scope.as_deref(), Some("s"), "{odd:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Challenge::read([&bytes]);
        }

        #[test]
        fn any_header_is_read_and_what_is_kept_is_printable(text in "([ -~]|Bearer |scope=|\"|\\\\|\u{7f}){0,30}") {
            if let Some(challenge) = Challenge::read([text.as_str()]) {
                let kept = format!("{:?}{:?}", challenge.error, challenge.scope);
                prop_assert!(!kept.chars().any(char::is_control));
            }
        }
    }
}
