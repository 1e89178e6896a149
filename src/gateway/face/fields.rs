//! What a form, an address or a program's JSON says, by name. Nothing of it is trusted, and what is missing is empty.

use axum::extract::{FromRequest, RawForm, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::answer;

/// Names and values, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct FormFields(Vec<(String, String)>);

impl FormFields {
    pub(super) fn parse(form: &[u8]) -> Self {
        Self(form_urlencoded::parse(form).into_owned().collect())
    }

    /// A value without white space around it; the first of several, empty if there is none.
    pub(super) fn one(&self, name: &str) -> &str {
        self.any(name).unwrap_or_default()
    }

    /// The same, if the name occurs at all.
    pub(super) fn any(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.trim())
    }

    /// Every value of a name.
    pub(super) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.trim())
    }

    /// A list of words with commas between them.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        self.one(name).split(',').map(str::trim).filter(|word| !word.is_empty()).collect()
    }

    /// A number from 1 on.
    pub(super) fn count(&self, name: &str) -> usize {
        self.one(name).parse().unwrap_or(1).max(1)
    }

    /// An object's members, as a form would have them: lists with commas between their items.
    pub(super) fn of_object(members: &Map<String, Value>) -> Self {
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let text = |value: &Value| match value {
            Value::Array(items) => items.iter().map(word).collect::<Vec<_>>().join(","),
            other => word(other),
        };
        let given = members.iter().filter(|(_, value)| !value.is_null());
        Self(given.map(|(name, value)| (name.clone(), text(value))).collect())
    }
}

/// An address of this origin with a query; empty values are left out.
pub(super) fn address(path: &str, query: &[(&str, &str)]) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(query.iter().filter(|(_, value)| !value.is_empty()));
    let text = text.finish();
    if text.is_empty() { path.to_owned() } else { format!("{path}?{text}") }
}

impl<S: Send + Sync> FromRequest<S> for FormFields {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let kind = request.headers().get(CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or_default());
        let Some(kind) = kind.map(str::to_ascii_lowercase) else { return Ok(Self::default()) };
        if kind.starts_with("application/json") {
            let bytes = bytes::Bytes::from_request(request, state).await.map_err(|_| too_long())?;
            let members = crate::gateway::authn::object::read(&bytes);
            let members = members.ok_or_else(|| {
                answer::problem(StatusCode::BAD_REQUEST, "send one JSON object without duplicate names")
            })?;
            return Ok(Self::of_object(&members));
        }
        if !kind.starts_with("application/x-www-form-urlencoded") {
            let what = "send application/x-www-form-urlencoded or application/json";
            return Err(answer::problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, what));
        }
        let RawForm(bytes) = RawForm::from_request(request, state).await.map_err(|_| too_long())?;
        Ok(Self::parse(&bytes))
    }
}

fn too_long() -> Response {
    answer::problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_read_and_written() {
        let fields = FormFields::parse(b"q=+a%20b+&tags=x,%20y,,&scope=1&scope=2&page=0&bad=%ff");
        assert_eq!((fields.one("q"), fields.list("tags")), ("a b", vec!["x", "y"]));
        assert_eq!((fields.all("scope").collect::<Vec<_>>(), fields.count("page")), (vec!["1", "2"], 1));
        assert_eq!((fields.any("no"), fields.one("no")), (None, ""));
        let members = json!({"tags": ["a", "b"], "n": 3, "on": true, "none": null});
        let fields = FormFields::of_object(members.as_object().unwrap());
        assert_eq!((fields.one("tags"), fields.one("n"), fields.one("on")), ("a,b", "3", "true"));
        assert_eq!(fields.any("none"), None);
        assert_eq!(address("/", &[("q", "a&b"), ("page", "")]), "/?q=a%26b");
        assert_eq!(address("/x", &[("q", "")]), "/x");
    }
}
