//! Cookies of requests and responses (RFC 6265). A duplicate cookie is ignored: anyone who can set another of the same name for
//! a neighbouring host or path must not choose which one counts.

use axum::http::header::{COOKIE, HeaderMap, HeaderValue};

/// The value of the cookie of this name, if there is exactly one.
pub(super) fn one<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(other, _)| *other == name).map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// A `Set-Cookie` for this origin alone, for so many seconds; a secure one unless the pages are plain ones of this
/// machine.
pub(super) fn set(name: &str, value: &str, seconds: i64, is_plain: bool) -> Option<HeaderValue> {
    let secure = if is_plain { "" } else { "; Secure" };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(text).ok()
}

/// A `Set-Cookie` that removes it.
pub(super) fn clear(name: &str, is_plain: bool) -> Option<HeaderValue> {
    set(name, "", 0, is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_counts_if_it_is_there_once() {
        let value = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(COOKIE, HeaderValue::from_static(line));
            }
            one(&headers, "__Host-mcpauth").map(str::to_owned)
        };
        for (lines, expected) in [
            (&["__Host-mcpauth=a"][..], Some("a")),
            (&["x=1; __Host-mcpauth=a.b; y=2"], Some("a.b")),
            (&["x=1", "__Host-mcpauth=a"], Some("a")),
            (&["__Host-mcpauth=a; __Host-mcpauth=b"], None),
            (&["__Host-mcpauth=a", "__Host-mcpauth=a"], None),
            (&["__host-mcpauth=a"], None),
            (&["mcpauth=a; __Host-mcpauth2=b"], None),
            (&[], None),
        ] {
            assert_eq!(value(lines).as_deref(), expected, "{lines:?}");
        }
    }
}
