//! `search`: how tools are searched. Not here: searching (see `crate::search`); the model (see `gateway::embeddings`).

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::GatewaySettings;
use super::check::fetchable;
use crate::problem::Problem;
use crate::quantity::a_duration;

/// How `intelligent_tool_finder` searches.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    /// A model that compares meanings, in addition to the words; words alone if absent.
    pub embeddings: Option<Embeddings>,
}

/// An endpoint that turns texts into vectors, as `POST /v1/embeddings` of OpenAI and others does. It receives the questions of
/// callers and the names and descriptions of all tools.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Embeddings {
    /// Its address, as in `https://api.openai.com/v1/embeddings`.
    pub url: String,
    /// The model, as the endpoint names it.
    pub model: String,
    /// A file with the endpoint's API key: of root or this user, readable by it alone or by one group that it is in. None is
    /// sent if absent.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// How long a search waits for the endpoint, as in `300ms` or `2s`, 10 seconds at most; then it goes by words alone.
    #[serde(default = "usual_timeout", deserialize_with = "a_duration")]
    #[schemars(with = "String", extend("type" = ["number", "string"], "default" = "300ms"))]
    pub timeout: Duration,
    /// The file that keeps the tools' vectors, so that each text is sent once; `vectors.jsonl` if absent.
    #[serde(default = "usual_vectors")]
    pub vectors: PathBuf,
}

/// The longest that a search may wait.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

impl GatewaySettings {
    /// The embeddings endpoint, if there is one.
    pub fn embeddings(&self) -> Option<&Embeddings> {
        self.search.embeddings.as_ref()
    }

    /// The endpoint receives a key and people's questions.
    pub(super) fn check_search(&self, found: &mut Vec<Problem>) {
        let Some(embeddings) = self.embeddings() else { return };
        let mut error = |key: &str, what: &str, remedy: &str| {
            found.push(Problem::error(format!("search.embeddings.{key}"), what, remedy))
        };
        if let Err(what) = fetchable(&embeddings.url, self.allow_http) {
            error("url", what, "use an https URL, as in https://api.openai.com/v1/embeddings");
        } else if Url::parse(&embeddings.url).is_ok_and(|url| url.fragment().is_some()) {
            error("url", "has a fragment", "remove it, from # on");
        }
        if embeddings.model.trim().is_empty() {
            error("model", "is empty", "name a model of the endpoint, as in text-embedding-3-small");
        }
        if embeddings.timeout.is_zero() || embeddings.timeout > LONGEST_WAIT {
            error("timeout", "is not between 1 ms and 10 s", "write it as in 300ms");
        }
    }
}

fn usual_timeout() -> Duration {
    Duration::from_millis(300)
}

fn usual_vectors() -> PathBuf {
    "vectors.jsonl".into()
}
