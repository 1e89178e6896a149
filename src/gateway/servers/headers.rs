//! The headers that a server's file adds to every request, with environment variables filled in: only those that the
//! gateway's own settings allow by name, because anyone who may register a server could otherwise have any variable
//! sent to it.

use hyper::header::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::gateway::headers::is_bound;
use crate::gateway::settings::{is_name, is_variable};
use crate::registry::FileProblem;
use crate::secret::Secret;

/// The variables of the environment that servers' files may use.
#[derive(Clone, Copy)]
pub struct AllowedVariables<'a> {
    /// Their names (`header_variables`).
    pub allowed: &'a [String],
    /// A variable's value; `None` if it is not set, or never available to servers.
    pub value: &'a dyn Fn(&str) -> Option<Secret>,
}

impl AllowedVariables<'_> {
    /// No variable.
    pub const NONE: Self = Self { allowed: &[], value: &|_| None };
}

/// Names and values, and what is wrong with the headers that were left out.
pub(in crate::gateway) type Headers = (Vec<(HeaderName, HeaderValue)>, Vec<FileProblem>);

/// A header that uses a variable that the settings do not allow.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::gateway) struct ForbiddenVariable {
    pub(super) header: String,
    pub(super) variable: String,
}

/// Why a header is left out.
#[derive(Debug, PartialEq, Eq)]
enum HeaderError {
    /// The settings do not name this variable.
    Forbidden(String),
    /// This variable has no value, or is one of our own secrets.
    Unset(String),
    Unfit(&'static str),
}

/// `[{"Name": "value with $VARIABLES"}]`, or one object as in newer files. A header whose variable is not set is left
/// out: a partly filled key is useless, and the server's own refusal would be harder to understand.
///
/// # Errors
/// For a variable that is not allowed: the file asks for what is not its own, so nothing in it is trusted.
pub(in crate::gateway) fn headers(
    value: &Value,
    variables: AllowedVariables<'_>,
) -> Result<Headers, ForbiddenVariable> {
    let objects = match value {
        Value::Array(items) => items.iter().filter(|item| !item.is_null()).collect(),
        Value::Null => Vec::new(),
        other => vec![other],
    };
    let (mut headers, mut bad) = (Vec::new(), Vec::new());
    for object in objects {
        let Some(object) = object.as_object() else {
            bad.push(("headers has something other than objects".into(), "write [{\"Name\": \"value\"}]"));
            continue;
        };
        for (name, value) in object {
            let shown = || name.chars().take(60).filter(|c| !c.is_control()).collect::<String>();
            match header(name, value, variables) {
                Ok(header) => headers.push(header),
                Err(HeaderError::Forbidden(variable)) => {
                    return Err(ForbiddenVariable { header: shown(), variable });
                }
                Err(HeaderError::Unset(variable)) => {
                    let what = format!("needs the variable {variable}, which is not set or not for servers");
                    bad.push((format!("header {:?} {what}", shown()), "set it for the gateway"));
                }
                Err(HeaderError::Unfit(what)) => {
                    bad.push((format!("header {:?} {what}", shown()), "correct the header, or remove it"));
                }
            }
        }
    }
    Ok((headers, bad))
}

fn header(
    name: &str,
    value: &Value,
    variables: AllowedVariables<'_>,
) -> Result<(HeaderName, HeaderValue), HeaderError> {
    let refuse = HeaderError::Unfit;
    let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refuse("has an invalid name"))?;
    if is_bound(known.as_str()) {
        return Err(refuse("belongs to the connection, not to a server"));
    }
    let text = value.as_str().ok_or_else(|| refuse("has a value that is not text"))?;
    let text = expanded(text, variables)?;
    let mut value =
        HeaderValue::from_str(text.expose()).map_err(|_| refuse("has a value that cannot be sent"))?;
    value.set_sensitive(true);
    Ok((known, value))
}

/// `text` with its `$NAME` and `${NAME}` filled in; else the first variable that is not available.
fn expanded(text: &str, variables: AllowedVariables<'_>) -> Result<Secret, HeaderError> {
    let mut parts = text.split('$');
    let mut whole = zeroize::Zeroizing::new(parts.next().unwrap_or_default().to_owned());
    for part in parts {
        let (name, rest) = match part.strip_prefix('{').and_then(|part| part.split_once('}')) {
            Some(braced) => braced,
            None => part.split_at(part.find(|c: char| !is_name(c)).unwrap_or(part.len())),
        };
        if !is_variable(name) {
            // `$5` and a lone `$` are literal.
            whole.push('$');
            whole.push_str(part);
        } else {
            if !variables.allowed.iter().any(|allowed| allowed == name) {
                return Err(HeaderError::Forbidden(name.to_owned()));
            }
            let value = (variables.value)(name).filter(|value| !value.is_empty());
            let value = value.ok_or_else(|| HeaderError::Unset(name.to_owned()))?;
            whole.push_str(value.expose());
            whole.push_str(rest);
        }
    }
    Ok(Secret::new(whole.as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with<T>(then: impl FnOnce(AllowedVariables<'_>) -> T) -> T {
        let allowed = ["KEY", "EMPTY", "TWO_LINES", "NO"].map(str::to_owned);
        then(AllowedVariables { allowed: &allowed, value: &variables })
    }

    fn read(value: &Value) -> Headers {
        with(|variables| headers(value, variables)).unwrap()
    }

    fn variables(name: &str) -> Option<Secret> {
        let value = match name {
            "OTHER" => "another's secret",
            "KEY" => "k3y-of-the-server",
            "EMPTY" => "",
            "TWO_LINES" => "a\nb",
            _ => return None,
        };
        Some(Secret::new(value))
    }

    #[test]
    fn variables_are_filled_in() {
        let forbidden = |name: &str| Err(HeaderError::Forbidden(name.to_owned()));
        let unset = |name: &str| Err(HeaderError::Unset(name.to_owned()));
        let cases = [
            ("plain", Ok("plain")),
            ("Bearer $KEY", Ok("Bearer k3y-of-the-server")),
            ("${KEY}x/$KEY", Ok("k3y-of-the-serverx/k3y-of-the-server")),
            ("costs $5, $ and ${}", Ok("costs $5, $ and ${}")),
            ("${KEY", Ok("${KEY")),
            ("$KEYS", forbidden("KEYS")),
            ("$key", forbidden("key")),
            ("$KEY$OTHER", forbidden("OTHER")),
            ("x${OTHER}y", forbidden("OTHER")),
            ("$OTHER_$KEY", forbidden("OTHER_")),
            ("${KEY:-$OTHER}", forbidden("OTHER")),
            ("$EMPTY", unset("EMPTY")),
            ("$NO", unset("NO")),
            ("", Ok("")),
        ];
        for (text, expected) in cases {
            let got = with(|variables| expanded(text, variables));
            assert_eq!(
                got.as_ref().map(Secret::expose).map_err(Some),
                expected.as_ref().map(|text| *text).map_err(Some),
                "{text}"
            );
        }
    }

    #[test]
    fn headers_come_as_a_list_or_an_object_and_are_never_shown() {
        let (headers, bad) = read(&json!([{"X-API-Key": "$KEY", "X-B": "b"}, {"X-B": "c"}]));
        assert_eq!(bad, []);
        let shown: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(shown, [("x-api-key", "k3y-of-the-server"), ("x-b", "b"), ("x-b", "c")]);
        assert!(!format!("{headers:?}").contains("k3y"));
        assert_eq!(read(&json!({"X-A": "1"})).0.len(), 1);
        assert_eq!(read(&Value::Null), (vec![], vec![]));
        assert_eq!(read(&json!([null])), (vec![], vec![]));
        assert_eq!(read(&json!([null, {"X-A": "1"}])).0.len(), 1);
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_left_out_with_a_word_that_shows_no_value() {
        let cases = [
            (json!({"A": "$NO"}), "header \"A\" needs the variable NO, which is not set or not for servers"),
            (json!({"A": "$TWO_LINES"}), "header \"A\" has a value that cannot be sent"),
            (json!({"A": ["s3cret"]}), "header \"A\" has a value that is not text"),
            (json!({"A b": "s3cret"}), "header \"A b\" has an invalid name"),
            (json!({"Host": "h"}), "header \"Host\" belongs to the connection, not to a server"),
            (
                json!({"transfer-encoding": "chunked"}),
                "header \"transfer-encoding\" belongs to the connection, not to a server",
            ),
            (json!("s3cret"), "headers has something other than objects"),
        ];
        for (value, expected) in cases {
            let (headers, bad) = read(&value);
            assert_eq!(headers, [], "{value}");
            assert_eq!(bad.into_iter().map(|(what, _)| what).collect::<Vec<_>>(), [expected]);
        }
    }

    #[test]
    fn a_variable_that_is_not_allowed_is_named_and_nothing_of_the_file_counts() {
        for value in [
            json!({"A": "$OTHER"}),
            json!([{"B": "$KEY"}, {"A": "x${OTHER}"}]),
            json!({"B": "fine", "A": "$KEY$OTHER"}),
        ] {
            let forbidden = with(|variables| headers(&value, variables)).unwrap_err();
            assert_eq!(
                forbidden,
                ForbiddenVariable { header: "A".into(), variable: "OTHER".into() },
                "{value}"
            );
        }
    }
}
