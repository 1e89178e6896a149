//! The headers a server's file gives to every request, with variables of the environment filled in.
//! It leaves which variables those may be to whoever passes them in.

use hyper::header::{HeaderName, HeaderValue};
use serde_json::Value;

use super::Refusal;
use crate::gateway::headers::is_bound;
use crate::secret::Secret;

/// Gives a variable of the environment to a server's header; `None` if it is not set or not for servers.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<Secret>;

/// `[{"Name": "value with $VARIABLES"}]`, or one object as newer files have it. A header whose variable is not set is
/// left out: a half-filled key is no key, and the server's own refusal would be harder to understand.
pub(super) fn headers(value: &Value, variables: Variables) -> (Vec<(HeaderName, HeaderValue)>, Vec<Refusal>) {
    let objects = match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        other => vec![other],
    };
    let (mut headers, mut bad) = (Vec::new(), Vec::new());
    for object in objects {
        let Some(object) = object.as_object() else {
            bad.push((
                "headers holds something else than objects; left out".into(),
                "write [{\"Name\": \"value\"}]",
            ));
            continue;
        };
        for (name, value) in object {
            match header(name, value, variables) {
                Ok(header) => headers.push(header),
                Err((reason, remedy)) => {
                    let name = name.chars().take(60).filter(|c| !c.is_control()).collect::<String>();
                    bad.push((format!("header {name:?} {reason}; left out"), remedy));
                }
            }
        }
    }
    (headers, bad)
}

fn header(name: &str, value: &Value, variables: Variables) -> Result<(HeaderName, HeaderValue), Refusal> {
    const REMEDY: &str = "correct the header, or remove it";
    let refuse = |reason: &str| (reason.to_owned(), REMEDY);
    let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refuse("has an impossible name"))?;
    if is_bound(known.as_str()) {
        return Err(refuse("belongs to the connection, not to a server"));
    }
    let text = value.as_str().ok_or_else(|| refuse("has a value that is no text"))?;
    let text = expanded(text, variables).map_err(|variable| {
        (
            format!("needs the variable {variable}, which is not set or not for servers"),
            "set it for the gateway",
        )
    })?;
    let mut value =
        HeaderValue::from_str(text.expose()).map_err(|_| refuse("has a value that cannot be sent"))?;
    value.set_sensitive(true);
    Ok((known, value))
}

/// `text` with its `$NAME` and `${NAME}` filled in; else the name of the first variable that has no value.
fn expanded(text: &str, variables: Variables) -> Result<Secret, String> {
    let mut parts = text.split('$');
    let mut whole = zeroize::Zeroizing::new(parts.next().unwrap_or_default().to_owned());
    for part in parts {
        let (name, rest) = match part.strip_prefix('{').and_then(|part| part.split_once('}')) {
            Some(braced) => braced,
            None => part.split_at(part.find(|c: char| !is_name(c)).unwrap_or(part.len())),
        };
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(is_name) {
            // `$5` and a lone `$` are themselves.
            whole.push('$');
            whole.push_str(part);
        } else {
            let value = variables(name).filter(|value| !value.is_empty()).ok_or(name)?;
            whole.push_str(value.expose());
            whole.push_str(rest);
        }
    }
    Ok(Secret::new(whole.as_str()))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn variables(name: &str) -> Option<Secret> {
        let value = match name {
            "KEY" => "k3y-of-the-server",
            "EMPTY" => "",
            "TWO_LINES" => "a\nb",
            _ => return None,
        };
        Some(Secret::new(value))
    }

    #[test]
    fn variables_are_filled_in() {
        let cases = [
            ("plain", Ok("plain")),
            ("Bearer $KEY", Ok("Bearer k3y-of-the-server")),
            ("${KEY}x/$KEY", Ok("k3y-of-the-serverx/k3y-of-the-server")),
            ("costs $5, $ and ${}", Ok("costs $5, $ and ${}")),
            ("${KEY", Ok("${KEY")),
            ("$KEYS", Err("KEYS")),
            ("$EMPTY", Err("EMPTY")),
            ("", Ok("")),
        ];
        for (text, expected) in cases {
            let got = expanded(text, &variables);
            assert_eq!(got.as_ref().map(Secret::expose).map_err(String::as_str), expected, "{text}");
        }
    }

    #[test]
    fn headers_come_as_a_list_or_an_object_and_are_never_shown() {
        let (headers, bad) = headers(&json!([{"X-API-Key": "$KEY", "X-B": "b"}, {"X-B": "c"}]), &variables);
        assert_eq!(bad, []);
        let shown: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(shown, [("x-api-key", "k3y-of-the-server"), ("x-b", "b"), ("x-b", "c")]);
        assert!(!format!("{headers:?}").contains("k3y"));
        assert_eq!(super::headers(&json!({"X-A": "1"}), &variables).0.len(), 1);
        assert_eq!(super::headers(&Value::Null, &variables), (vec![], vec![]));
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_left_out_with_a_word_that_shows_no_value() {
        let cases = [
            (
                json!({"A": "$NO"}),
                "header \"A\" needs the variable NO, which is not set or not for servers; left out",
            ),
            (json!({"A": "$TWO_LINES"}), "header \"A\" has a value that cannot be sent; left out"),
            (json!({"A": ["s3cret"]}), "header \"A\" has a value that is no text; left out"),
            (json!({"A b": "s3cret"}), "header \"A b\" has an impossible name; left out"),
            (json!({"Host": "h"}), "header \"Host\" belongs to the connection, not to a server; left out"),
            (
                json!({"transfer-encoding": "chunked"}),
                "header \"transfer-encoding\" belongs to the connection, not to a server; left out",
            ),
            (json!("s3cret"), "headers holds something else than objects; left out"),
        ];
        for (value, expected) in cases {
            let (headers, bad) = headers(&value, &variables);
            assert_eq!(headers, [], "{value}");
            assert_eq!(bad.into_iter().map(|(what, _)| what).collect::<Vec<_>>(), [expected]);
        }
    }
}
