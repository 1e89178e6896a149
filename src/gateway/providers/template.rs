//! Variables in the registry's files: `${NAME}`, `$NAME`, `${NAME:-otherwise}`, and `$$` for a dollar. One that is not
//! set and has nothing to stand in for it is an error: as text it would look like a value.

use crate::secret::Secret;

/// The value of a variable, if it is set.
pub(super) type Lookup<'l> = &'l dyn Fn(&str) -> Option<Secret>;

/// A text with its variables filled in.
///
/// # Errors
/// The name of the first variable that is not set.
pub(super) fn fill(text: &str, value: Lookup<'_>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        rest = match (after.strip_prefix('$'), after.strip_prefix('{')) {
            (Some(after), _) => {
                filled.push('$');
                after
            }
            (None, Some(after)) => match after.split_once('}') {
                Some((inner, after)) => {
                    filled.push_str(&braced(inner, value)?);
                    after
                }
                None => return Err(after.to_owned()),
            },
            (None, None) => {
                let end = after.find(|c: char| !is_name(c)).unwrap_or(after.len());
                let (name, after) = after.split_at(end);
                match name {
                    "" => filled.push('$'),
                    name => filled.push_str(&set(name, value)?),
                }
                after
            }
        };
    }
    filled.push_str(rest);
    Ok(filled)
}

/// What stands between braces.
fn braced(inner: &str, value: Lookup<'_>) -> Result<String, String> {
    match inner.split_once(":-") {
        Some((name, otherwise)) => Ok(set(name, value).unwrap_or_else(|_| otherwise.to_owned())),
        None => set(inner, value),
    }
}

/// An empty variable is one that is not set: that is how compose files leave one out.
fn set(name: &str, value: Lookup<'_>) -> Result<String, String> {
    let found = value(name).filter(|value| !value.is_empty());
    found.map(|value| value.expose().to_owned()).ok_or_else(|| name.to_owned())
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_and_one_that_is_not_set_is_named() {
        let value = |name: &str| match name {
            "A" => Some(Secret::new("x")),
            "EMPTY" => Some(Secret::new("")),
            "ODD" => Some(Secret::new("$A ${A}")),
            _ => None,
        };
        for (text, expected) in [
            ("plain", Ok("plain")),
            ("${A}/$A.b", Ok("x/x.b")),
            ("$$A costs 5$", Ok("$A costs 5$")),
            ("${NONE:-auto}.${A:-y}", Ok("auto.x")),
            ("${EMPTY:-auto}", Ok("auto")),
            ("${ODD}", Ok("$A ${A}")),
            ("a${NONE}b", Err("NONE")),
            ("$NONE", Err("NONE")),
            ("${EMPTY}", Err("EMPTY")),
            ("${A", Err("A")),
        ] {
            assert_eq!(fill(text, &value), expected.map(str::to_owned).map_err(str::to_owned), "{text}");
        }
    }
}
