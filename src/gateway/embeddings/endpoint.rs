//! One call of an endpoint for embeddings, as OpenAI specifies `POST /v1/embeddings` and many others answer it. Texts go to
//! that host alone, and into no log.

use std::time::Duration;

use hyper::Method;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;
use url::Url;

use super::vectors::UnitVector;
use crate::gateway::settings::Embeddings;
use crate::secret::Secret;
use crate::sys::http::{Http, HttpError};

/// The endpoint.
pub(super) struct EmbeddingEndpoint {
    http: Http,
    url: Url,
    /// Where a redirect may lead.
    origin: Url,
    model: String,
    key: Option<Secret>,
}

/// Why there are no vectors.
#[derive(Debug, thiserror::Error)]
pub(super) enum EmbeddingError {
    #[error("embeddings: {0}")]
    Http(#[from] HttpError),
    #[error("embeddings: {host} answered HTTP {status}")]
    Status { host: String, status: u16 },
    #[error("embeddings: {host} answered something other than one vector for each text")]
    Answer { host: String },
    #[error("embeddings: {host} answered vectors of another size than before")]
    Resized { host: String },
    #[error("embeddings: {host} did not answer within {limit:?}")]
    Late { host: String, limit: Duration },
}

/// What is read of the answer.
#[derive(Deserialize)]
struct EmbeddingAnswer {
    data: Vec<Embedding>,
}

#[derive(Deserialize)]
struct Embedding {
    #[serde(default)]
    index: Option<usize>,
    embedding: Vec<f32>,
}

/// The largest answer that is read, in bytes for each text: a vector has a few thousand numbers.
const LARGEST: usize = 1 << 20;

impl EmbeddingEndpoint {
    pub(super) fn new(settings: &Embeddings, key: Option<Secret>, http: Http) -> Option<Self> {
        let url = Url::parse(&settings.url).ok()?;
        Some(Self { http, origin: url.join("/").ok()?, url, model: settings.model.clone(), key })
    }

    async fn vectors(&self, texts: &[&str]) -> Result<Vec<UnitVector>, EmbeddingError> {
        let body = json!({"model": self.model, "input": texts}).to_string();
        let place = (&self.url, &self.origin);
        let mut answer = self.http.open(Method::POST, place, self.headers(), Some(body.into())).await?;
        if answer.status != 200 {
            return Err(EmbeddingError::Status { host: self.host(), status: answer.status });
        }
        let bytes = answer.rest(LARGEST * texts.len()).await?;
        read(&bytes, texts.len()).ok_or_else(|| EmbeddingError::Answer { host: self.host() })
    }

    /// The vector of each text, in their order, unless it takes longer than `limit`.
    pub(super) async fn vectors_within(
        &self,
        limit: Duration,
        texts: &[&str],
    ) -> Result<Vec<UnitVector>, EmbeddingError> {
        let late = |_| EmbeddingError::Late { host: self.host(), limit };
        timeout(limit, self.vectors(texts)).await.map_err(late)?
    }

    /// The error for a model that was replaced by another one of the same name.
    pub(super) fn resized(&self) -> EmbeddingError {
        EmbeddingError::Resized { host: self.host() }
    }

    fn headers(&self) -> HeaderMap {
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, json.clone()), (ACCEPT, json)]);
        let bearer = self.key.as_ref().map(|key| format!("Bearer {}", key.expose()));
        if let Some(mut bearer) = bearer.and_then(|bearer| HeaderValue::try_from(bearer).ok()) {
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        headers
    }

    fn host(&self) -> String {
        self.url.host_str().unwrap_or_default().to_owned()
    }
}

/// The vectors of an answer, all of one size, by their index where they have one.
fn read(bytes: &[u8], count: usize) -> Option<Vec<UnitVector>> {
    let EmbeddingAnswer { data } = serde_json::from_slice(bytes).ok()?;
    let mut vectors: Vec<Option<UnitVector>> = vec![None; count];
    let is_whole = data.len() == count;
    for (place, Embedding { index, embedding }) in data.into_iter().enumerate().filter(|_| is_whole) {
        *vectors.get_mut(index.unwrap_or(place))? = Some(UnitVector::new(embedding)?);
    }
    let vectors: Vec<UnitVector> = vectors.into_iter().collect::<Option<_>>()?;
    vectors.windows(2).all(|pair| matches!(pair, [one, other] if one.len() == other.len())).then_some(vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_one_vector_for_each_text() {
        let read = |text: &str, count| {
            let vectors = read(text.as_bytes(), count)?;
            Some(
                vectors
                    .iter()
                    .map(|vector| vector.cosine(&UnitVector::new(vec![1., 0.]).unwrap()))
                    .collect::<Vec<_>>(),
            )
        };
        let two = r#"{"data":[{"index":1,"embedding":[0,2]},{"index":0,"embedding":[3,0.0]}],"usage":{}}"#;
        assert_eq!(read(two, 2), Some(vec![1., 0.]));
        assert_eq!(read(r#"{"data":[{"embedding":[-1,0]}]}"#, 1), Some(vec![-1.]));
        for (bad, count) in [
            (two, 1),
            (two, 3),
            (r#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#, 2),
            (r#"{"data":[{"embedding":[1]},{"embedding":[1,1]}]}"#, 2),
            (r#"{"data":[{"index":5,"embedding":[1]}]}"#, 1),
            (r#"{"data":[{"embedding":[0,0]}]}"#, 1),
            (r#"{"data":[{"embedding":[]}]}"#, 1),
            (r#"{"data":[{"embedding":[1e39]}]}"#, 1),
            (r#"{"data":[{"embedding":"AACAPw=="}]}"#, 1),
            (r#"{"error":{}}"#, 1),
            ("", 1),
        ] {
            assert_eq!(read(bad, count), None, "{bad}");
        }
    }
}
